// The recorder on the control socket: its state, and who is behind a pseudonym, which is recorded before it is told.

import { systemClock } from '../../base/base.ts';
import type { Recorder } from '../../evidence/records-thread/records-thread.ts';
import type { Controls, RecorderStatus } from '../admin/admin.ts';
import type { RecordsCheck } from './records-check.ts';

/** What it needs of the program. */
export interface RecordControlParts {
  status(): RecorderStatus | undefined;
  /** Undefined when no records are kept. */
  recorder(): Recorder | undefined;
  readonly check: RecordsCheck;
  /** Somebody asked who somebody is. */
  acted(): void;
}

/** What the control socket can ask of the recorder. */
export const createRecordControl = ({
  status,
  recorder,
  check,
  acted,
}: RecordControlParts): NonNullable<Controls['records']> => ({
  status,
  check: (starts) => (starts ? check.start() : check.last),
  reidentify: async (pseudonym, by, reason) => {
    acted();
    return recorder()?.reidentify(pseudonym, by, reason);
  },
  pseudonyms: async (sought, by, reason) => {
    acted();
    return recorder()?.pseudonyms(sought, by, reason);
  },
  opened: async (pseudonym, resolver, by, reason) => {
    acted();
    const running = recorder();
    if (running === undefined) return false;
    const time = new Date(systemClock()).toISOString();
    const text = `${pseudonym} of ${resolver}, with the key from the safe`;
    await running.write({ time, kind: 'records', event: 'reidentified', by, reason, text });
    return true;
  },
});

/** What the recorder knows of itself, as the control socket shows it. */
export const toRecorderStatus = (
  facts: ReturnType<Recorder['facts']> | undefined,
): RecorderStatus | undefined => {
  if (facts === undefined) return undefined;
  const { written, sequence, distinctClients, queries, ...rest } = facts;
  return {
    ...rest,
    written: Object.fromEntries(written),
    sequence: Object.fromEntries(sequence),
    distinctClients: Object.fromEntries(distinctClients),
    queries: Object.fromEntries(queries),
  };
};
