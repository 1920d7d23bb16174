// What the records say of the register of exemptions, as the run before left them.
import { join } from 'node:path';
import { systemClock } from '../base/base.ts';
import type { Config } from '../config/config.ts';
import type { ExemptionKeeper } from '../exemptions/exemptions.ts';
import type { Log } from '../observe/observe.ts';
import { type RecordedMarks, readRecordedMarks } from '../records/records.ts';
import { RECORDS_NAME } from './record-settings.ts';

/** Undefined where there are no records, and while the register cannot be used. To be read before the recorder writes. */
export const readRecorded = async (
  keeper: ExemptionKeeper,
  { stateDirectory }: Config,
  log: Pick<Log, 'warn'>,
): Promise<RecordedMarks | undefined> =>
  keeper.isUsable
    ? await readRecordedMarks({
        directory: join(stateDirectory, RECORDS_NAME),
        register: keeper.register.opened,
        nowMs: systemClock(),
        onUnreadable: (file, cause) =>
          log.warn({ file, cause }, 'records do not say what the register of exemptions held'),
      })
    : undefined;
