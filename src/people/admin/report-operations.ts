// Reports that are kept: those that people ask for, made aside, and those of the schedules; downloaded with their signatures.
import { z } from 'zod';
import { LANGUAGES } from '../../base/words/words.ts';
import { type Actor, gives, listOf, operationsOn, ROLES } from './operation.ts';

const FORMATS = ['html', 'pdf', 'csv', 'json'] as const;
const GROUP_LENGTH_MAX = 64;

const report = z
  .object({
    id: z.string(),
    from: z.string(),
    to: z.string(),
    group: z.string().nullable(),
    /** Of HTML and PDF; null: that of `reports.language`. */
    language: z.enum(LANGUAGES).nullable(),
    by: z.string(),
    /** Of which schedule; null: somebody asked for it. */
    every: z.enum(['daily', 'weekly', 'monthly', 'quarterly']).nullable(),
    askedAt: z.string(),
    state: z.enum(['waiting', 'running', 'done', 'failed']),
    /** Of its forms that are made, of 1. */
    progress: z.number(),
    fault: z.string().nullable(),
    /** Each form, and its signature beside it. */
    files: listOf(z.object({ name: z.string(), bytes: z.number(), sha256: z.string() })),
  })
  .meta({ id: 'KeptReport' });

const asked = z.strictObject({
  from: z.iso.date(),
  to: z.iso.date(),
  group: z.string().min(1).max(GROUP_LENGTH_MAX).exactOptional(),
  language: z.enum(LANGUAGES).exactOptional(),
  formats: z.array(z.enum(FORMATS)).min(1).max(FORMATS.length),
});

/** A report that was asked for. */
export type KeptReport = Readonly<z.output<typeof report>>;
/** Which report is wanted; days, both included. */
export type ReportAsked = Readonly<z.output<typeof asked>>;

/** Reports, as the program keeps them. Throws ERR_ROOM_UNKNOWN and ERR_ROOM_BUSY. */
export interface ReportControl {
  list(): readonly KeptReport[];
  make(asked: ReportAsked, actor: Actor): KeptReport;
  read(id: string): KeptReport;
  file(id: string, name: string): Promise<Uint8Array>;
}

const onReports = operationsOn<ReportControl>('reports', { failureStatus: 409 });
const one = z.object({ report: z.string().regex(/^r-[0-9a-f]{12}$/) });

/** Reports that people ask for. */
export const REPORT_OPERATIONS = {
  listReports: onReports({
    method: 'GET',
    path: '/v1/reports',
    summary: 'The reports that are kept, asked for or by a schedule, the newest first',
    roles: ROLES,
    result: listOf(report),
    handle: (reports) => Promise.resolve(gives(reports.list())),
  }),
  makeReport: onReports({
    method: 'POST',
    path: '/v1/reports',
    summary: 'Makes a report of days, both included, and keeps it with its signatures',
    roles: ['operator', 'approver', 'auditor'],
    body: asked,
    form: '{ "from": day, "to": day, "group": text, "language": of en, fr, nl, de, "formats": of html, pdf, csv, json }',
    result: report,
    handle: (reports, { body }, actor) => Promise.resolve(gives(reports.make(body, actor))),
  }),
  readReport: onReports({
    method: 'GET',
    path: '/v1/reports/{report}',
    summary: 'How far a report is, and its files',
    roles: ROLES,
    parameters: one,
    result: report,
    handle: (reports, { parameters }) => Promise.resolve(gives(reports.read(parameters.report))),
  }),
  readReportFile: onReports({
    method: 'GET',
    path: '/v1/reports/{report}/files/{file}',
    summary: 'One file of a report',
    roles: ROLES,
    parameters: one.extend({ file: z.string().regex(/^report\.(?:html|pdf|csv|json)(?:\.sig)?$/) }),
    result: z.custom<Uint8Array>(),
    isBinary: true,
    mediaType: () => 'application/octet-stream',
    handle: async (reports, { parameters: { report: id, file } }) => gives(await reports.file(id, file)),
  }),
};
