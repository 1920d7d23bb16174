// What the records say of the register of exemptions, as the run before left them; of a resolver in a fleet, what its authority
// signed says as well: the record of the last second may be lost, and what came of the authority is no less certain.
import { join } from 'node:path';
import { errorText, systemClock } from '../../base/base.ts';
import type { Config } from '../../config/config.ts';
import { type ExemptionService, marksOfStep } from '../../evidence/exemptions/exemptions.ts';
import { RECORDS_NAME } from '../../evidence/recording/recording.ts';
import { compareRegister, type RecordedMarks, readRecordedMarks } from '../../evidence/records/records.ts';
import { fleetPath, readSignedSteps } from '../../fleet/fleet.ts';
import type { Log } from '../../telemetry/observe/observe.ts';

/** Undefined where there are no records, and while the register cannot be used. To be read before the recorder writes. */
export const readRecorded = async (
  keeper: ExemptionService,
  { stateDirectory, fleet }: Pick<Config, 'stateDirectory' | 'fleet'>,
  log: Pick<Log, 'warn'>,
): Promise<RecordedMarks | undefined> => {
  if (!keeper.isUsable) return undefined;
  const register = keeper.register.opened;
  const recorded = await readRecordedMarks({
    directory: join(stateDirectory, RECORDS_NAME),
    register,
    nowMs: systemClock(),
    onUnreadable: (file, cause) =>
      log.warn({ file, cause }, 'records do not say what the register of exemptions held'),
  });
  if (recorded === undefined || fleet === undefined) return recorded;
  // Signatures take their time: they are looked at where something is in doubt.
  if (!compareRegister(register, recorded).some(({ isGranted }) => isGranted)) return recorded;
  const path = fleetPath(stateDirectory, 'policy');
  const steps = await readSignedSteps(path, fleet.trust).catch((thrown: unknown) => {
    log.warn({ file: path, cause: errorText(thrown) }, 'the log of policy does not say what was granted');
    return [];
  });
  const marks = steps.flatMap((step) => marksOfStep(step).map((mark) => ({ ...mark, isSigned: true })));
  return { ...recorded, marks: [...recorded.marks, ...marks] };
};
