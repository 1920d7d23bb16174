// The authority's log in the engine: published in its order, looked at, and published again when the engine has lost it.
import { errorText } from '../base/base.ts';
import type { FleetActs } from './acts.ts';
import type { MessageBus } from './bus.ts';
import { entryHash, formatEntry, type PolicyEntry, parseEntry } from './entry.ts';
import type { FleetAlarm, Policy } from './policy.ts';
import type { PolicyLog } from './policy-log.ts';
import type { Roll } from './roll.ts';
import { policySubject, STREAM } from './subjects.ts';

/** Between two tries, milliseconds. */
const RETRY_MS = 500;

/** What it needs. */
export interface PublicationOptions {
  readonly log: PolicyLog;
  readonly policy: Policy;
  readonly roll: Roll;
  readonly acts: FleetActs;
  readonly onAlarm: (alarm: FleetAlarm) => void;
}

/** How far the engine has the log. */
export class Publication {
  readonly #options: PublicationOptions;
  #published = 0;
  #isPublishing = false;
  #isClosed = false;

  constructor(options: PublicationOptions) {
    this.#options = options;
  }

  /** Up to where the engine has the log. */
  get published(): number {
    return this.#published;
  }

  /** Finds the highest number up to which the engine has this log. Rejects with ERR_FLEET_ENGINE. */
  async find(engine: MessageBus): Promise<void> {
    const { log, policy } = this.#options;
    this.#published = 0;
    for (let number = policy.end.number; number > 0; number--) {
      const stored = await engine.read(STREAM.POLICY, policySubject(number));
      const entry = stored === undefined ? undefined : parseEntry(stored.bytes);
      if (entry === undefined || entryHash(entry) !== log.at(number)?.hash) continue;
      this.#published = number;
      return;
    }
  }

  /** Publishes what the engine lacks, one entry after the other. */
  async publish(engine: MessageBus): Promise<void> {
    if (this.#isPublishing) return;
    this.#isPublishing = true;
    const { log, policy, acts } = this.#options;
    try {
      while (!this.#isClosed && this.#published < policy.end.number) {
        const number = this.#published + 1;
        const logged = log.at(number);
        if (logged === undefined) return;
        if (await this.#publishOne(engine, logged.entry, logged.hash)) this.#published = number;
        else if (policy.isForked) return;
        else await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    } catch (thrown) {
      acts.log.error({ err: thrown }, 'fleet: policy is not published');
    } finally {
      this.#isPublishing = false;
    }
  }

  /** An engine whose store was lost or put back does not say so: true when it lacks the last entry, or cannot tell. */
  async isLost(engine: MessageBus): Promise<boolean> {
    const { number } = this.#options.policy.end;
    if (this.#isPublishing || number === 0) return false;
    if (this.#published < number) return true;
    // A stream that is gone answers with an error.
    return (await engine.read(STREAM.POLICY, policySubject(number)).catch(() => undefined)) === undefined;
  }

  close(): void {
    this.#isClosed = true;
  }

  async #publishOne(engine: MessageBus, entry: PolicyEntry, hash: string): Promise<boolean> {
    const { policy, roll, acts, onAlarm } = this.#options;
    const { number } = entry;
    const subject = policySubject(number);
    try {
      await engine.store(subject, formatEntry(entry), { id: hash });
      return true;
    } catch (thrown) {
      // The engine refuses a second message of a subject: is it this one?
      const stored = await engine.read(STREAM.POLICY, subject).catch(() => undefined);
      const other = stored === undefined ? undefined : parseEntry(stored.bytes);
      if (other !== undefined && entryHash(other) === hash) return true;
      if (other !== undefined && roll.isTrusted(other)) {
        policy.fork(`the engine has another entry ${number}`, { number, hash: entryHash(other) });
        return false;
      }
      if (stored !== undefined) {
        onAlarm('forged-entry');
        acts.log.error({ number }, 'fleet: the engine had an entry that nobody signed; it is replaced');
        await engine.remove(STREAM.POLICY, subject).catch(() => undefined);
        return false;
      }
      acts.log.warn({ number, cause: errorText(thrown) }, 'fleet: an entry is not published yet');
      return false;
    }
  }
}
