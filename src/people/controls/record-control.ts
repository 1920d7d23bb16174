// The recorder on the control socket: its state, and who is behind a pseudonym, which is recorded before it is told.

import { AppError, systemClock } from '../../base/base.ts';
import { readReference } from '../../evidence/records/records.ts';
import type { Recorder } from '../../evidence/records-thread/records-thread.ts';
import type { Controls, RecorderStatus } from '../admin/admin.ts';
import type { RecordsCheck } from './records-check.ts';

/** What it needs of the program. */
export interface RecordControlParts {
  status(): RecorderStatus | undefined;
  /** Undefined when no records are kept. */
  recorder(): Pick<Recorder, 'reidentify' | 'pseudonyms' | 'write'> | undefined;
  readonly check: RecordsCheck;
  /** How the records call whom a reference of a day means, and whether all of them were looked at. */
  clientsOf(reference: string): Promise<{ readonly clients: readonly string[]; readonly isWhole: boolean }>;
  /** Somebody asked who somebody is. */
  acted(): void;
}

/** What the control socket can ask of the recorder. */
export const createRecordControl = ({
  status,
  recorder,
  check,
  clientsOf,
  acted,
}: RecordControlParts): NonNullable<Controls['records']> => ({
  status,
  check: (starts) => (starts ? check.start() : check.last),
  reidentify: async (sought, by, reason) => {
    acted();
    if (readReference(sought) === undefined) return recorder()?.reidentify(sought, by, reason);
    const { clients, isWhole } = await clientsOf(sought);
    const [client, ...others] = clients;
    // Who is behind it is certain, or is not told.
    if (client === undefined || others.length > 0 || !isWhole)
      throw new AppError(
        'ERR_COMPLIANCE_PSEUDONYM',
        `finding the client of the reference ${sought}: ${clients.length === 0 ? 'no record has it' : others.length > 0 ? 'two clients share it' : 'not all records could be read in time'}`,
        { hint: 'A reference is that of one day, at most seven days ago. Give the pseudonym of the record.' },
      );
    return recorder()?.reidentify(client, by, `${reason} (reference ${sought})`);
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
