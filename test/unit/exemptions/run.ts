// A run of the program's evidence: register and recorder over one state directory, with the clock of the test.
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { ExemptionService, type ExemptionSettings } from '../../../src/evidence/exemptions/service.ts';
import type { ChangeRecord } from '../../../src/evidence/records/record.ts';
import type { RecordingOptions } from '../../../src/evidence/records/recording-options.ts';
import { readRecordedMarks } from '../../../src/evidence/records/register-walk.ts';
import { Bench } from '../records/setup.ts';
import { HEAD, REQUEST, REQUESTER, US_RULES } from './setup.ts';

const SETTINGS: ExemptionSettings = { rules: US_RULES, textsPath: undefined, decisions: new Map() };
const AUTHOR = { by: 'A. Head', reason: 'the case is closed' };

/** Starts one, as the program puts them together. */
export const startRun = async (state: string, nowMs: number, options: Partial<RecordingOptions> = {}) => {
  const errors: string[] = [];
  let bench: Bench | undefined;
  const write = (record: ChangeRecord): void => bench?.recording.write(record);
  const keeper = ExemptionService.open({
    path: join(state, 'register.sqlite'),
    clock: () => bench?.nowMs ?? nowMs,
    log: {
      info: () => undefined,
      warn: () => undefined,
      error: (fields) => void errors.push(String((fields as { cause?: string }).cause)),
    },
    onEvent: write,
    onRegister: write,
    onChange: () => Promise.resolve(),
  });
  const directory = join(state, 'records');
  const register = keeper.register.opened;
  const recorded = await readRecordedMarks({ directory, register, nowMs, onUnreadable: () => undefined });
  const started = new Bench({ ...options, directory, start: new Date(nowMs).toISOString() });
  bench = started;
  started.advance(0);
  keeper.judge(recorded);
  await keeper.follow(SETTINGS);
  onTestFinished(() => keeper.close());
  started.advance(1_500);
  return {
    bench: started,
    errors,
    keeper,
    inForce: () => keeper.toShared().map(({ number }) => number),
    unproven: () => [...keeper.register.unproven],
    grant: async () => {
      // Not what another asks for.
      const clients = [`192.0.2.${8 * (keeper.register.entries().length + 1)}/29`];
      const { paper } = await keeper.change((to) => to.request({ ...REQUEST, clients }, REQUESTER));
      await keeper.change((to) => to.approve(paper?.id ?? '', HEAD));
      started.advance(1_500);
    },
    revoke: async (id: string) => {
      await keeper.change((to) => to.revoke(id, AUTHOR));
      started.advance(1_500);
    },
    stop: async () => {
      keeper.close();
      await started.recording.stop();
      return started.nowMs;
    },
    crash: () => {
      keeper.close();
      started.crash();
      return started.nowMs;
    },
  };
};
