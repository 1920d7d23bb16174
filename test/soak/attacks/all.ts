// All attacks, in the order of the table.
import type { Attack } from './attack.ts';
import { costlyNames } from './costly-names.ts';
import { costlyZones } from './costly-zones.ts';
import { encrypted } from './encrypted.ts';
import { floods } from './floods.ts';
import { forgery } from './forgery.ts';
import { heap } from './heap.ts';
import { quic } from './quic.ts';
import { recordFlood } from './record-flood.ts';
import { sharedSuffix } from './shared-suffix.ts';
import { silentZone } from './silent-zone.ts';
import { slowAnswers } from './slow-answers.ts';
import { tcpPlaces } from './tcp-places.ts';
import { upstreamWork } from './upstream-work.ts';

/** One more attack: a file beside this one that exports `Attack`s, and its name here. */
export const ATTACKS: readonly Attack[] = [
  ...silentZone,
  ...slowAnswers,
  ...upstreamWork,
  ...forgery,
  ...tcpPlaces,
  ...recordFlood,
  ...floods,
  ...costlyNames,
  ...costlyZones,
  ...sharedSuffix,
  ...heap,
  ...encrypted,
  ...quic,
];

/** True for an attack of a name, and for those whose names begin with it: `labels` are `labels-probe` and `labels-zone`. */
export const isCalled = ({ name }: Attack, called: string): boolean =>
  name === called || name.startsWith(`${called}-`);

/** The attack of a name; throws when there is none. */
export const findAttack = (name: string): Attack => {
  const found = ATTACKS.find((attack) => attack.name === name);
  if (found === undefined) throw new Error(`there is no attack "${name}"; --list names them`);
  return found;
};
