// The same traffic to both servers, and the difference of what came of it, by class. A class is narrow: what it does not name
// is a fault of one of them.
import { openOurs, openTheirs, type Pair, type Peer } from './peers.ts';
import { type Asked, type Journey, type Outcome, type Traffic, travel } from './traffic.ts';

/** A difference that has a reason. */
interface DifferenceClass {
  readonly name: string;
  readonly reason: string;
  readonly explains: (asked: Asked, ours: Outcome, theirs: Outcome) => boolean;
}

const isSame = (ours: Outcome, theirs: Outcome): boolean =>
  ours.status === theirs.status &&
  ours.code === theirs.code &&
  ours.error === theirs.error &&
  ours.wasToldToGoOn === theirs.wasToldToGoOn &&
  ours.content.equals(theirs.content) &&
  JSON.stringify(ours.fields) === JSON.stringify(theirs.fields);

/** Whether one of both begins with the other. */
const isBeginning = (one: Buffer, other: Buffer): boolean => {
  const length = Math.min(one.length, other.length);
  return one.subarray(0, length).equals(other.subarray(0, length));
};

export const CLASSES: readonly DifferenceClass[] = [
  {
    name: 'taken back',
    reason: 'How much of an answer stood before the end that the client made is a matter of time.',
    explains: ({ taken }, ours, theirs) =>
      taken !== 'never' &&
      (ours.status === theirs.status || ours.status === undefined || theirs.status === undefined) &&
      isBeginning(ours.content, theirs.content),
  },
];

/** What a run found. */
export interface Findings {
  journeys: number;
  requests: number;
  equal: number;
  readonly byClass: Map<string, number>;
}

/** Both servers, over TLS and without. */
export class Contest {
  readonly #peers: readonly Peer[];
  readonly #ca: string;
  #count = 0;
  readonly findings: Findings = { journeys: 0, requests: 0, equal: 0, byClass: new Map() };

  private constructor(peers: readonly Peer[], ca: string) {
    this.#peers = peers;
    this.#ca = ca;
  }

  /** `ca` is the authority of the certificate, PEM. */
  static async open(pair: Pair, ca: string): Promise<Contest> {
    const peers = [
      await openOurs(undefined),
      await openTheirs(undefined),
      await openOurs(pair),
      await openTheirs(pair),
    ];
    return new Contest(peers, ca);
  }

  async close(): Promise<void> {
    await Promise.all(this.#peers.map((peer) => peer.close()));
  }

  /** Returns what no class explains, in words. */
  async compare(traffic: Traffic): Promise<string[]> {
    const { findings } = this;
    const [first, second] = this.#peers.slice(traffic.isSecure ? 2 : 0);
    const number = this.#count++;
    const localAddress = `127.${1 + ((number >> 14) & 63)}.${(number >> 7) & 127}.${1 + (number & 127)}`;
    const place = { ca: traffic.isSecure ? this.#ca : undefined, localAddress };
    const [ours, theirs] = await Promise.all(
      [first, second].map((peer) => travel({ ...place, port: peer?.port ?? 0 }, traffic)),
    );
    findings.journeys++;
    if (ours === undefined || theirs === undefined) return ['no journey'];
    const asked = traffic.acts.flatMap((act) => (act.kind === 'ask' ? [act.asked] : []));
    const found: string[] = [];
    for (const [index, one] of asked.entries()) {
      const [mine, other] = [ours.outcomes[index], theirs.outcomes[index]];
      findings.requests++;
      if (mine === undefined || other === undefined) {
        found.push(`request ${index} was not asked`);
      } else if (isSame(mine, other)) findings.equal++;
      else {
        const known = CLASSES.find(({ explains }) => explains(one, mine, other));
        if (known === undefined) found.push(`request ${index}: ${textOf(mine)}; theirs: ${textOf(other)}`);
        else findings.byClass.set(known.name, (findings.byClass.get(known.name) ?? 0) + 1);
      }
    }
    if (endOf(ours) !== endOf(theirs)) found.push(`the end: ${endOf(ours)}; theirs: ${endOf(theirs)}`);
    return found;
  }
}

const endOf = ({ goaway, error, pings, isAlive }: Journey): string =>
  `goaway ${goaway ?? 'none'}, error ${error || 'none'}, ${pings} pings, ${isAlive ? 'alive' : 'ended'}`;

const textOf = ({ status, fields, content, code, error, wasToldToGoOn }: Outcome): string =>
  `${status ?? 'no status'} ${JSON.stringify(fields)}, ${content.length} bytes, code ${code} ${error}${wasToldToGoOn ? ', told to go on' : ''}`;
