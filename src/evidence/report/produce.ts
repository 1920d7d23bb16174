// Makes a report: reads and checks the records, builds, and writes the form that was asked for.
import { AppError } from '../../base/base.ts';
import type { Language } from '../../base/words/words.ts';
import { buildReport } from './build.ts';
import { toCsv, toCsvTable } from './csv.ts';
import type { MadeReport, ReportFormat, ReportOptions } from './forms.ts';
import { toHtml } from './html.ts';
import type { Report } from './model.ts';
import { toPdf } from './pdf.ts';
import { RecordsSource } from './records-source.ts';
import { toDocument } from './sections.ts';
import { REPORT_TEXTS } from './texts/dictionaries.ts';

/** See createReport(). */
export const produceReport = async (options: ReportOptions): Promise<MadeReport> => {
  const { directory, fromMs, untilMs, group, nowMs, made, language, witnesses, kept } = options;
  const { onStep = () => undefined } = options;
  const source = await RecordsSource.open(directory, {
    cosigners: witnesses,
    kept,
    onProgress: ({ records }) => onStep({ kind: 'checking', records }),
  });
  try {
    const report = await buildReport(source, { fromMs, untilMs, group, nowMs, made }, (atMs) => {
      const part = (atMs - fromMs) / (untilMs - fromMs);
      onStep({ kind: 'reading', part: Math.min(1, Math.max(0, part)) });
    });
    requireGroup(report, options);
    const bytes = await formatReport(report, options.format, options.table, language);
    const { integrity, inProgressUntil } = report;
    const { kicker, subtitle, front } = toDocument(report, REPORT_TEXTS[language ?? 'en']);
    const told = { title: `${kicker}, ${subtitle}`, answer: front.answer.text };
    return { bytes, findings: integrity.findings, ...told, inProgressUntil };
  } finally {
    source.close();
  }
};

/** The bytes of a report in one of its forms. */
export const formatReport = async (
  report: Report,
  format: ReportFormat,
  table?: string,
  language: Language = 'en',
): Promise<Uint8Array> => {
  const texts = REPORT_TEXTS[language];
  switch (format) {
    case 'json':
      return Buffer.from(`${JSON.stringify(report, undefined, 2)}\n`);
    case 'html':
      return Buffer.from(toHtml(toDocument(report, texts)));
    case 'csv': {
      // For programs: the same words in every language.
      const document = toDocument(report, REPORT_TEXTS.en);
      return Buffer.from(table === undefined ? toCsv(document) : (toCsvTable(document, table) ?? ''));
    }
    case 'pdf':
      return toPdf(toDocument(report, texts), Date.parse(report.period.until));
  }
};

/** A group that nobody knows is a mistyped one: a report of it would say that nothing ever happened. */
const requireGroup = (
  { attempts, signals, probes, exemptions }: Report,
  { group, groups }: ReportOptions,
): void => {
  if (group === undefined || groups?.includes(group) === true) return;
  const isKnown =
    attempts.rows.length + signals.rows.length + probes.views.length > 0 ||
    exemptions.some(({ hits }) => hits > 0);
  if (isKnown) return;
  throw new AppError(
    'ERR_COMPLIANCE_REPORT_GROUP',
    `reporting on group ${JSON.stringify(group.slice(0, 64))}: no record names it`,
    {
      ...(groups === undefined ? {} : { hint: `The configuration has ${groups.join(', ')}.` }),
    },
  );
};
