// This resolver as a witness of the others: what it has cosigned of their records, nobody can take back there.
//
// The log of a resolver is the one that it showed first under its enrolment. Another key for it is a refusal, as another
// history is: only a new enrolment begins a new log. What was said last is kept by log, whoever shows it: two resolvers with one
// key of records would have two histories of it cosigned.
import type { KeyObject } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, DIRECTORY_MODE, errorText, isAppError, replaceFileNow } from '../base/base.ts';
import { isOfDisk } from '../evidence/records/records.ts';
import {
  createVerifier,
  formatVerifier,
  openWitnessKey,
  parseVerifier,
  SIGNATURE_TYPE,
  Witness,
  WitnessDirectory,
} from '../wire/transparency/transparency.ts';
import type { FleetLog } from './acts.ts';
import type { MessageBus } from './bus.ts';
import { PRIVATE_MODE } from './identity.ts';
import type { SigningKey } from './key.ts';
import type { Member, Membership } from './membership.ts';
import { witnessSubject } from './subjects.ts';
import {
  formatAnswer,
  hashOf,
  parseQuestion,
  type WitnessQuestion,
  type WitnessReplied,
} from './witness-message.ts';

/** Verifier key of the log that was shown first, in a directory by name and enrolment. */
const LOG_NAME = 'log';
/** What was said last, in directories by verifier key. */
const LOGS_NAME = 'logs';

/** The name of a resolver's key as a witness. */
export const witnessName = (node: string): string => `fleet/${node}`;

/** What it needs. */
export interface PeerWitnessOptions {
  /** Where its key and what it said lie. */
  readonly directory: string;
  readonly name: string;
  readonly key: () => SigningKey;
  readonly membership: Membership;
  readonly clock: Clock;
  readonly log: FleetLog;
}

/** One resolver as a witness of all others. */
export class PeerWitness {
  readonly #options: PeerWitnessOptions;
  /** By verifier key. */
  readonly #witnesses = new Map<string, Witness>();
  #key: KeyObject | undefined;

  constructor(options: PeerWitnessOptions) {
    this.#options = options;
  }

  /** Answers from now on. */
  serve(engine: Pick<MessageBus, 'serve'>): void {
    const { name } = this.#options;
    engine.serve(witnessSubject(name), (bytes) => Promise.resolve(this.answer(bytes)));
  }

  /** What is said to a question; undefined to what no resolver of the fleet asks. Throws ERR_WITNESS_KEY. */
  answer(bytes: Uint8Array): string | undefined {
    const { name, membership, key, clock, log } = this.#options;
    const question = parseQuestion(name, bytes, (from) => membership.keysOf(from, clock()));
    const member = question && membership.find(question.from);
    if (question === undefined || member === undefined || member.name === name) return undefined;
    this.#key ??= openWitnessKey(this.#options.directory);
    const witness = formatVerifier(createVerifier(witnessName(name), this.#key, SIGNATURE_TYPE.cosignature));
    const { status, body } = this.#judge(question, member, this.#key);
    if (status !== 200 && status !== 409 && question.submission !== '')
      log.warn({ resolver: member.name, status, reason: body.trimEnd() }, 'fleet: records are not cosigned');
    return formatAnswer(bytes, { status, body, witness }, key());
  }

  #judge(
    { log, submission }: WitnessQuestion,
    { name, enrolment }: Member,
    key: KeyObject,
  ): Pick<WitnessReplied, 'status' | 'body'> {
    if (submission === '') return { status: 400, body: 'nothing to cosign\n' };
    const directory = join(this.#options.directory, `${name}.${enrolment}`);
    const path = join(directory, LOG_NAME);
    try {
      const first = existsSync(path) ? readFileSync(path, 'utf8').trim() : undefined;
      if (first !== undefined && first !== log)
        return { status: 422, body: 'its records were signed with another key before\n' };
      const verifier = parseVerifier(log);
      if (verifier === undefined) return { status: 400, body: 'no verifier key of a log\n' };
      let witness = this.#witnesses.get(log);
      if (witness === undefined) {
        const own = createVerifier(witnessName(this.#options.name), key, SIGNATURE_TYPE.cosignature);
        const kept = join(this.#options.directory, LOGS_NAME, hashOf(log));
        const store = WitnessDirectory.open(kept, own, [verifier.name]);
        const { clock } = this.#options;
        witness = new Witness(own.name, key, { logs: [verifier], store, clock });
      }
      const answer = witness.addCheckpoint(submission);
      // A log is kept when it is somebody's: each enrolment has one.
      if (answer.status === 200) this.#witnesses.set(log, witness);
      if (first === undefined && answer.status === 200) {
        mkdirSync(directory, { recursive: true, mode: DIRECTORY_MODE });
        replaceFileNow(path, `${log}\n`, PRIVATE_MODE);
      }
      return answer;
    } catch (thrown) {
      // What could not be kept is not said.
      if (!isAppError(thrown) && !isOfDisk(thrown)) throw thrown;
      return { status: 500, body: `what would be said cannot be kept: ${errorText(thrown)}\n` };
    }
  }
}
