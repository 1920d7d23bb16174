// Turns a report into a document: page one, and the sections behind it in their order; boilerplate stands last.
import type { Fact, Places, ReportDocument, Section } from './document.ts';
import { toFront } from './front.ts';
import type { Report } from './model.ts';
import { toAttemptSection } from './sections-attempts.ts';
import { toExemptionSection } from './sections-exemptions.ts';
import { toListSection } from './sections-lists.ts';
import { toProofSection } from './sections-proof.ts';
import { toChangeSection, toRecordsSection } from './sections-records.ts';
import { toTimesSection } from './sections-times.ts';
import type { ReportTexts } from './texts/texts.ts';
import { minutesText, periodText, timeWords } from './words.ts';

/** The document for a report, in the language of the texts. */
export const toDocument = (report: Report, texts: ReportTexts): ReportDocument => {
  const top = {
    kicker: report.made.agency === null ? texts.kicker : `${report.made.agency}: ${texts.kicker}`,
    title: texts.title,
    subtitle: `${toPeriodText(report, texts)}. ${report.group === null ? texts.networks.all : texts.networks.one(report.group)}.`,
    facts: toFacts(report, texts),
  };
  const front = toFront(report, texts, top, PLACES);
  return {
    texts,
    ...top,
    front,
    sections: [
      toTimesSection(report, texts, PLACES),
      toProofSection(report, texts),
      toAttemptSection(report, texts),
      toListSection(report, texts),
      toExemptionSection(report, texts),
      toChangeSection(report, texts),
      toRecordsSection(report, texts, front),
      toHow(texts),
    ],
  };
};

/** Numbers of the sections; page one is the first. */
const PLACES: Places = {
  times: 2,
  proof: 3,
  attempts: 4,
  lists: 5,
  exemptions: 6,
  changes: 7,
  records: 8,
  how: 9,
};

const toPeriodText = ({ period, inProgressUntil }: Report, texts: ReportTexts): string => {
  const text = periodText(period.from, period.until, texts);
  return inProgressUntil === null ? text : `${text}: ${texts.soFar(timeWords(inProgressUntil))}`;
};

const toFacts = ({ made, resolver }: Report, texts: ReportTexts): Fact[] => {
  const { meta } = texts;
  return [
    ...(made.at === null ? [] : [{ label: meta.made, value: `${minutesText(made.at)} UTC` }]),
    ...(made.by === null ? [] : [{ label: meta.by, value: made.by }]),
    {
      label: meta.resolver,
      value: [resolver === '' ? texts.notKnown : resolver, ...made.addresses].join(', '),
    },
    ...(made.program === null ? [] : [{ label: meta.program, value: made.program }]),
  ];
};

const toHow = (texts: ReportTexts): Section => ({
  id: 'how',
  title: texts.sections.how,
  tables: [],
  paragraphs: texts.how,
});
