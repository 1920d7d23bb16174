// cordon fleet take-over --here: a node becomes the authority, and its machine that of the engine.
//
// The service stands still from the first key on, and refuses what it refused before as soon as it runs again. Once the log of policy
// says who the authority is, nothing is taken back: what is left to do is told.
import { existsSync, readFileSync } from 'node:fs';
import { systemClock } from '../base/base.ts';
import type { Config } from '../config/config.ts';
import { engineTools, takeOver } from '../fleet/fleet.ts';
import { requireFleet } from './fleet-input.ts';
import {
  configure,
  type FleetKeys,
  lookAtOwnClock,
  requireInstalled,
  restartService,
  STATE,
  startUnit,
} from './fleet-machine.ts';
import {
  COLLECTOR_UNIT,
  ENGINE_UNIT,
  freePort,
  hostOf,
  requireEngine,
  STORE,
  startEngine,
} from './fleet-start.ts';
import { Steps } from './fleet-steps.ts';
import { asOwner, tool, unfit } from './machine.ts';
import { print } from './output.ts';
import { DONE, PROBLEM } from './statuses.ts';

const SERVICE_UNIT = 'cordon.service';
const PORT = 4222;

/** Takes over on this machine. */
export const takeOverHere = async (
  safe: string,
  values: { readonly json: boolean; readonly address?: string | undefined },
): Promise<number> => {
  const steps = new Steps(values.json);
  let config: Config | undefined;
  let server = '';
  let text = '';
  let keys: FleetKeys | undefined;
  await steps.take('machine', async () => {
    config = await requireInstalled();
    await requireEngine();
    if (!existsSync(safe))
      throw unfit(`there is no ${safe}`, 'It is what "cordon fleet start" wrote, out of the safe.');
    text = readFileSync(safe, 'utf8');
    server = `${await hostOf(values.address)}:${PORT}`;
    return { text: `Cordon and nats-server are as they have to be; the others reach it at ${server}` };
  });
  await steps.take('clock', lookAtOwnClock);
  await steps.take('port', () => freePort(server));
  await steps.take('keys', async () => {
    const { trust } = requireFleet(config ?? (await requireInstalled()));
    const { engineFromSafe } = await engineTools();
    await tool('systemctl', 'stop', SERVICE_UNIT);
    // One of several of the lost authority may run here, which lets in whom that one let in.
    await tool('systemctl', 'stop', ENGINE_UNIT);
    try {
      // The safe is for root: the owner of the state is told what it says, and no path.
      const made = await asOwner(STATE, async () => {
        const nowMs = systemClock();
        const engine = engineFromSafe(STATE, text, server, STORE, nowMs);
        const took = await takeOver({
          stateDirectory: STATE,
          trust,
          safeKeyPath: safe,
          safeKey: text,
          engine,
          nowMs,
        });
        return { ...took, ca: engine.tls?.ca };
      });
      keys = { servers: made.servers, ca: made.ca, trust: made.trust, role: 'authority' };
      return { text: `policy is signed here from entry ${made.number} on` };
    } catch (thrown) {
      await tool('systemctl', 'start', SERVICE_UNIT);
      throw thrown;
    }
  });
  if (keys === undefined) throw new RangeError('fleet take-over: no keys');
  steps.keep();
  await startEngine(steps, keys);
  const { undo } = await steps.take('configuration', () => configure(keys));
  await steps.take('service', () => restartService('authority', undo !== undefined));
  await steps.take('collector', () => startUnit(COLLECTOR_UNIT, () => Promise.resolve(true), 0));
  const { servers } = keys;
  print(
    values.json,
    { steps: steps.told, servers },
    () =>
      `\nThis resolver is the authority. Take ${safe} back into the safe.\nAt each other node: cordon fleet engine ${servers.join(' ')}\n`,
  );
  return steps.isWhole ? DONE : PROBLEM;
};
