// cordon fleet leave: a machine with the installed service goes on by itself; also one that was the authority, when another took over.
//
// What it had of the fleet is moved aside, not deleted. The machine of a lost authority that comes back knows nothing of who took
// over, as its engine is its own: a person says so, and is contradicted where nodes speak to it.
import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../base/base.ts';
import { enginePlanTools, fleetPath, readIdentity } from '../fleet/fleet.ts';
import { OPERATIONS } from '../people/admin/admin.ts';
import { askService, isNobodyThere } from './control-client.ts';
import type { InputOf } from './declaration.ts';
import type { FLEET_LEAVE } from './declarations/fleet.ts';
import { configure, requireInstalled, restartService, STATE } from './fleet-machine.ts';
import { COLLECTOR_UNIT, ENGINE_UNIT } from './fleet-start.ts';
import { type Did, Steps } from './fleet-steps.ts';
import { succeeds, tool, unfit } from './machine.ts';
import { print } from './output.ts';
import { DONE, PROBLEM } from './statuses.ts';

/** Resolvers say how they are every ten seconds, and one that was silent for a minute is told as such. */
const HEARD_SEC = 60;

/** The resolver goes on by itself. */
export const leave = async ({ values }: InputOf<typeof FLEET_LEAVE>): Promise<number> => {
  const steps = new Steps(values.json);
  let name = 'NAME';
  let units: readonly string[] = [];
  await steps.take('machine', async () => {
    const { fleet } = await requireInstalled();
    const isAuthority = fleet?.role === 'authority';
    if (isAuthority && !values.replaced)
      throw unfit(
        'it is the authority',
        'Without it nothing is decided: let a node take over first (cordon fleet take-over). If one has: cordon fleet leave --replaced.',
      );
    if (values.replaced && !isAuthority) throw unfit('it is no authority', 'cordon fleet leave');
    if (isAuthority) await requireNobody();
    // Its keys go aside below, and with them what it was called.
    name = existsSync(fleetPath(STATE, 'identity')) ? readIdentity(STATE).identity.name : name;
    units = isAuthority ? [COLLECTOR_UNIT, ENGINE_UNIT] : await engineOf();
    if (fleet === undefined) return { text: 'it is in no fleet' };
    return { text: isAuthority ? 'it was the authority before another one took over' : 'it is a node' };
  });
  const { undo } = await steps.take('configuration', () => configure(undefined));
  await steps.take('service', () => restartService(undefined, undo !== undefined));
  await steps.take('engine', () => endUnits(units));
  await steps.take('keys', () => {
    const here = join(STATE, 'fleet');
    if (!existsSync(here)) return { text: 'are not there' };
    const aside = `${here}.before-${new Date(systemClock()).toISOString().replaceAll(/[:.]/g, '-')}`;
    renameSync(here, aside);
    return { text: `are in ${aside}` };
  });
  const then = units.length > 0 && !values.replaced ? ', and cordon fleet engines without it' : '';
  print(
    values.json,
    { steps: steps.told },
    () => `\nAt the authority, if it was not yet: cordon fleet remove ${name} --reason TEXT${then}\n`,
  );
  return steps.isWhole ? DONE : PROBLEM;
};

/** Throws ERR_FLEET_MACHINE at an authority to which nodes speak: none has another one. */
const requireNobody = async (): Promise<void> => {
  try {
    const { resolvers } = await askService({ stateDirectory: STATE }, OPERATIONS.readFleet, {});
    const heard = resolvers.find(
      ({ role, removed, heardSec }) =>
        role === 'node' && removed === null && heardSec !== null && heardSec < HEARD_SEC,
    );
    if (heard !== undefined)
      throw unfit(
        `it is the authority of ${heard.name}, which it heard ${Math.round(heard.heardSec ?? 0)} s ago`,
        'No other one has taken over from it. Without it nothing is decided.',
      );
  } catch (thrown) {
    // A service that does not run hears nobody.
    if (!isNobodyThere(thrown)) throw thrown;
  }
};

/** The unit of a server of the engine that the authority planned here; none where there is no such. */
const engineOf = async (): Promise<readonly string[]> => {
  const { readEngineHere } = await enginePlanTools();
  return readEngineHere(fleetPath(STATE, 'engine')) === undefined ? [] : [ENGINE_UNIT];
};

/** Who has left lets nobody in, and collects nothing. */
const endUnits = async (units: readonly string[]): Promise<Did> => {
  const running: string[] = [];
  for (const unit of units) if (await succeeds('systemctl', 'is-active', '--quiet', unit)) running.push(unit);
  if (running.length === 0) return { text: 'none runs here' };
  await tool('systemctl', 'disable', '--quiet', '--now', ...running);
  return {
    text: `off: ${running.join(', ')}`,
    undo: async () => void (await tool('systemctl', 'enable', '--quiet', '--now', ...running)),
  };
};
