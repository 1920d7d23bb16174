// The way to record-schema.ts for those who judge records that somebody else wrote. It is loaded when it is asked for: nobody
// answers or begins later for it.
import type { RecordClass } from './record.ts';
import type { RecordJudgement } from './record-schema.ts';

/** See judgeRecord() of record-schema.ts. */
export type JudgeRecord = (value: unknown, recordClass: RecordClass) => RecordJudgement;

/** What record-schema.ts has. */
export type RecordSchema = typeof import('./record-schema.ts');

/** Loads it. */
export const loadRecordSchema = (): Promise<RecordSchema> => import('./record-schema.ts');
