// Turns a report into a document: page one, and the sections behind it in their order; boilerplate stands last.
import type { Fact, ReportDocument, Section } from './document.ts';
import { toFront } from './front.ts';
import type { Report } from './model.ts';
import { toAttemptSection } from './sections-attempts.ts';
import { toExemptionSection } from './sections-exemptions.ts';
import { toWarning } from './sections-integrity.ts';
import { toListSection } from './sections-lists.ts';
import { toProofSection } from './sections-proof.ts';
import { toChangeSection, toRecordsSection } from './sections-records.ts';
import type { ReportTexts } from './texts/texts.ts';
import { minutesText, periodText, timeWords } from './words.ts';

/** The document for a report, in the language of the texts. */
export const toDocument = (report: Report, texts: ReportTexts): ReportDocument => ({
  texts,
  kicker: report.made.agency === null ? texts.kicker : `${report.made.agency}: ${texts.kicker}`,
  title: texts.title,
  subtitle: `${toPeriodText(report, texts)}. ${report.group === null ? texts.networks.all : texts.networks.one(report.group)}.`,
  facts: toFacts(report, texts),
  warning: toWarning(report, texts),
  front: toFront(report, texts),
  sections: [
    toProofSection(report, texts),
    toAttemptSection(report, texts),
    toListSection(report, texts),
    toExemptionSection(report, texts),
    toChangeSection(report, texts),
    toRecordsSection(report, texts),
    toHow(texts),
  ],
});

const toPeriodText = ({ period, inProgressUntil }: Report, texts: ReportTexts): string => {
  const text = periodText(period.from, period.until, texts);
  return inProgressUntil === null ? text : `${text}: ${texts.soFar(timeWords(inProgressUntil))}`;
};

const toFacts = ({ made, resolver, lists }: Report, texts: ReportTexts): Fact[] => {
  const { meta } = texts;
  const decisions = lists.flatMap(({ mandate, decision }) => {
    const { authority, reference } = (decision ?? {}) as Readonly<Record<string, unknown>>;
    return mandate && typeof authority === 'string' ? [`${authority}, ${String(reference)}`] : [];
  });
  return [
    ...(made.at === null ? [] : [{ label: meta.made, value: `${minutesText(made.at)} UTC` }]),
    ...(made.by === null ? [] : [{ label: meta.by, value: made.by }]),
    {
      label: meta.resolver,
      value: [resolver === '' ? texts.notKnown : resolver, ...made.addresses].join(', '),
    },
    ...(made.program === null ? [] : [{ label: meta.program, value: made.program }]),
    ...(decisions.length === 0 ? [] : [{ label: meta.mandate, value: [...new Set(decisions)].join('; ') }]),
  ];
};

const toHow = (texts: ReportTexts): Section => ({
  id: 'how',
  title: texts.sections.how,
  tables: [],
  paragraphs: texts.how,
});
