// The witnesses that this resolver has in its fleet without anybody naming them: the two behind it in the order of names.
//
// Each is asked over the engine, as any witness is over HTTP, and what it says is kept and told in the same way. What
// verifies a witness it says itself, signed by the key that it has in the fleet.
import { errorText, isAppError } from '../base/base.ts';
import { CosignatureCollector, isOfDisk, LogReader, type WitnessFacts } from '../evidence/records/records.ts';
import { parseVerifier, type SubmissionAnswer, type Verifier } from '../wire/transparency/transparency.ts';
import type { FleetActs } from './acts.ts';
import type { MessageBus } from './bus.ts';
import type { SigningKey } from './key.ts';
import type { Membership } from './membership.ts';
import { witnessName } from './peer-witness.ts';
import { witnessSubject } from './subjects.ts';
import { formatQuestion, parseAnswer, type WitnessReplied } from './witness-message.ts';

/** Witnesses of one resolver. */
const WITNESSES_MAX = 2;
/** Between two looks, and between two cosignatures of one witness, milliseconds. */
const LOOK_MS = 1_000;
const EVERY_MS = 5_000;
/** Between two times that one is asked what verifies it, milliseconds. */
const GREET_MS = 10_000;
/** How long an answer may take, milliseconds. */
const ANSWER_MS = 5_000;

/** What it needs. */
export interface PeerWitnessesOptions {
  readonly recordsDirectory: string;
  readonly name: string;
  readonly key: () => SigningKey;
  readonly membership: Membership;
  readonly acts: FleetActs;
  /** Undefined while there was no connection yet. */
  readonly engine: () => Pick<MessageBus, 'ask'> | undefined;
}

/** One that is asked. */
interface Peer {
  readonly name: string;
  /** Undefined until it said what verifies it. */
  verifier: Verifier | undefined;
  greetAtMs: number;
  /** Why it did not say so. */
  trouble: string | undefined;
}

/** The two behind a name among those that are in the fleet; fewer in a small one. */
export const witnessesOf = (name: string, membership: Pick<Membership, 'members'>): readonly string[] => {
  const names = membership.members
    .flatMap((member) => (member.until === undefined && member.name !== name ? [member.name] : []))
    .toSorted();
  const behind = names.findIndex((other) => other > name);
  const first = Math.max(0, behind);
  return [...names.slice(first), ...names.slice(0, first)].slice(0, WITNESSES_MAX);
};

/** All witnesses of this resolver in its fleet. */
export class PeerWitnesses {
  readonly #options: PeerWitnessesOptions;
  readonly #keeper: CosignatureCollector;
  readonly #reader: LogReader;
  readonly #peers = new Map<string, Peer>();
  #log = '';
  /** Told once: it is looked at each second. */
  #isUnreadable = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: PeerWitnessesOptions) {
    const { acts, recordsDirectory } = options;
    this.#options = options;
    this.#reader = new LogReader(recordsDirectory);
    this.#keeper = new CosignatureCollector({
      directory: recordsDirectory,
      ...{ clock: acts.clock, monotonic: acts.monotonic, log: acts.log, everyMs: EVERY_MS },
      own: { note: ({ file = '', text = '' }) => acts.damaged(file, text) },
    });
  }

  start(): void {
    this.#timer = setInterval(() => this.look(), LOOK_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Asks those whose turn it is. */
  look(): void {
    const { name, membership, acts } = this.#options;
    const wanted = witnessesOf(name, membership);
    for (const known of this.#peers.keys()) if (!wanted.includes(known)) this.#peers.delete(known);
    for (const one of wanted) {
      const peer = this.#peers.get(one) ?? {
        name: one,
        verifier: undefined,
        greetAtMs: 0,
        trouble: undefined,
      };
      this.#peers.set(one, peer);
      if (peer.verifier === undefined) this.#greet(peer);
    }
    this.#keeper.set(
      [...this.#peers.values()].flatMap(({ name: peer, verifier }) =>
        verifier === undefined
          ? []
          : [{ url: `fleet:${peer}`, verifier, post: (body: string) => this.#submit(peer, verifier, body) }],
      ),
    );
    try {
      const log = this.#reader.read();
      this.#isUnreadable = false;
      if (log === undefined) return;
      this.#log = log.verifier;
      this.#keeper.offer(log);
    } catch (thrown) {
      // The recorder says what is wrong with its disk.
      if (!isOfDisk(thrown)) throw thrown;
      if (!this.#isUnreadable)
        acts.log.warn(
          { cause: errorText(thrown) },
          'fleet: the log of the records cannot be read for its witnesses',
        );
      this.#isUnreadable = true;
    }
  }

  /** What is known of each. */
  facts(): WitnessFacts[] {
    const unknown = [...this.#peers.values()].filter(({ verifier }) => verifier === undefined);
    return [
      ...this.#keeper.facts(),
      ...unknown.map(({ name, trouble }) => ({
        ...{ name: witnessName(name), url: `fleet:${name}`, size: undefined, cosignedMs: undefined },
        ...{ trouble, finding: undefined, isOfFleet: true, isAsked: false },
      })),
    ];
  }

  /** Asks one what verifies it. */
  #greet(peer: Peer): void {
    const nowMs = this.#options.acts.monotonic();
    if (nowMs < peer.greetAtMs || this.#options.engine() === undefined) return;
    peer.greetAtMs = nowMs + GREET_MS;
    this.#ask(peer.name, '').then(
      ({ witness }) => {
        const verifier = parseVerifier(witness);
        if (verifier?.name === witnessName(peer.name)) peer.verifier = verifier;
        peer.trouble = peer.verifier === undefined ? 'it says nothing that verifies it' : undefined;
      },
      (thrown: unknown) => {
        peer.trouble = errorText(thrown);
      },
    );
  }

  async #submit(name: string, verifier: Verifier, body: string): Promise<SubmissionAnswer> {
    const { status, body: said, witness } = await this.#ask(name, body);
    if (parseVerifier(witness)?.keyId === verifier.keyId) return { status, body: said };
    // On another machine, or with its state lost, it has another key: what it says is of that, which is asked for anew.
    const peer = this.#peers.get(name);
    if (peer !== undefined) peer.verifier = undefined;
    throw new Error('it has another key than before');
  }

  /** Rejects where nobody answers, or not with the key of that resolver. */
  async #ask(name: string, submission: string): Promise<WitnessReplied> {
    const { engine, membership, acts, key, name: from } = this.#options;
    const connection = engine();
    if (connection === undefined) throw new Error('there is no engine');
    const question = formatQuestion(name, { from, log: this.#log, submission }, key());
    let bytes: Uint8Array;
    try {
      bytes = await connection.ask(witnessSubject(name), question, ANSWER_MS);
    } catch (thrown) {
      if (!isAppError(thrown)) throw thrown;
      throw new Error('it does not answer', { cause: thrown });
    }
    const answer = parseAnswer(question, bytes, membership.keysOf(name, acts.clock()));
    if (answer === undefined) throw new Error('what it answered is not signed by it');
    return answer;
  }
}
