// Joining by a token, and moving to another engine: a node's side, on a machine with the installed service.
import { existsSync } from 'node:fs';
import { systemClock } from '../base/base.ts';
import type { Config } from '../config/config.ts';
import { enginePlanTools, engineTools, fleetPath, joinByWord, readIdentity } from '../fleet/fleet.ts';
import type { InputOf } from './declaration.ts';
import type { FLEET_ENGINE } from './declarations/fleet.ts';
import { requireFleet } from './fleet-input.ts';
import {
  configure,
  type FleetKeys,
  lookAtOwnClock,
  requireInstalled,
  restartService,
  STATE,
} from './fleet-machine.ts';
import { ENGINE_UNIT } from './fleet-start.ts';
import { type Did, Steps } from './fleet-steps.ts';
import { UNPROVEN } from './fleet-text.ts';
import { asOwner, makeState, succeeds, tool, unfit } from './machine.ts';
import { print } from './output.ts';
import { DONE, PROBLEM } from './statuses.ts';
import { UsageError } from './usage-error.ts';

/** Joins by a token alone. */
export const joinMachine = async (
  word: string,
  values: {
    readonly json: boolean;
    readonly config?: string | undefined;
    readonly 'state-directory'?: string | undefined;
  },
): Promise<number> => {
  if (values.config !== undefined || values['state-directory'] !== undefined)
    throw new UsageError(
      'a token alone is for the installed service; elsewhere: cordon fleet join URL TOKEN',
    );
  const steps = new Steps(values.json);
  let config: Config | undefined;
  await steps.take('machine', async () => {
    config = await requireInstalled();
    if (config.fleet?.role === 'authority')
      throw unfit(
        'it is the authority of a fleet',
        'Join from another machine. If another authority took over: cordon fleet leave --replaced first.',
      );
    return { text: 'Cordon is as it has to be' };
  });
  await steps.take('clock', lookAtOwnClock);
  const isJoined = config?.fleet !== undefined && existsSync(fleetPath(STATE, 'identity'));
  let keys: FleetKeys | undefined;
  await steps.take('fleet', async () => {
    if (isJoined)
      return { text: `it is ${readIdentity(STATE).identity.name} of a fleet already; the token is not used` };
    makeState(STATE);
    const { name, site, servers, trust, unproven, caPath } = await asOwner(STATE, () =>
      joinByWord(word, STATE, systemClock()),
    );
    keys = { servers, ca: caPath, trust, role: 'node' };
    const place = site === undefined ? '' : ` of ${site}`;
    const text = `it is ${name}${place} at ${servers.join(', ')}; the token is used`;
    return unproven.length === 0 ? { text } : { text: `${text}. ${UNPROVEN}`, isWhole: false };
  });
  const { undo } = await steps.take('configuration', () =>
    keys === undefined ? { text: 'has the fleet already' } : configure(keys),
  );
  await steps.take('service', () => restartService('node', undo !== undefined));
  print(
    values.json,
    { steps: steps.told },
    () => '\nWhat the authority decides holds here. There: cordon fleet status\n',
  );
  return steps.isWhole ? DONE : PROBLEM;
};

/** The engine is elsewhere. */
export const moveEngine = async ({ values, words }: InputOf<typeof FLEET_ENGINE>): Promise<number> => {
  const wrong = words.url.find((url) => !/^tls:\/\/\S+:\d{1,5}$/.test(url));
  if (wrong !== undefined) throw new UsageError(`"${wrong.slice(0, 80)}" is not tls://HOST:PORT`);
  const steps = new Steps(values.json);
  let role: FleetKeys['role'] = 'node';
  await steps.take('machine', async () => {
    const { isEngineThere } = await engineTools();
    const fleet = requireFleet(await requireInstalled());
    role = fleet.role;
    for (const url of words.url)
      if (fleet.caPath !== undefined && !(await isEngineThere(url, fleet.caPath)))
        throw unfit(
          `no engine with a certificate of ${fleet.caPath} answers at ${url}`,
          'Look at its address, and at the firewall there.',
        );
    return { text: 'the engine of the fleet answers there' };
  });
  if (role === 'node') await steps.take('own engine', () => endOther(words.url));
  const { undo } = await steps.take('configuration', () => configure({ servers: words.url }));
  await steps.take('service', () => restartService(role, undo !== undefined));
  print(values.json, { steps: steps.told }, () => '');
  return steps.isWhole ? DONE : PROBLEM;
};

/** An engine that stood here beside the authority of before serves nobody any more, and must not be taken for the other one. */
const endOther = async (urls: readonly string[]): Promise<Did> => {
  const { readEngineHere } = await enginePlanTools();
  const here = readEngineHere(fleetPath(STATE, 'engine'));
  const isOther = here !== undefined && !urls.includes(`tls://${here.server}`);
  if (!isOther || !(await succeeds('systemctl', 'is-active', '--quiet', ENGINE_UNIT)))
    return { text: 'none that is of another engine runs here' };
  await tool('systemctl', 'disable', '--quiet', '--now', ENGINE_UNIT);
  return {
    text: `${ENGINE_UNIT} was of the engine before, and is off`,
    undo: async () => void (await tool('systemctl', 'enable', '--quiet', '--now', ENGINE_UNIT)),
  };
};
