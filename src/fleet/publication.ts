// The authority's log in the engine: published in its order, looked at, and published again when the engine has lost it.
import { errorText } from '../base/base.ts';
import type { FleetActs } from './acts.ts';
import type { MessageBus, StoredMessage } from './bus.ts';
import { entryHash, formatEntry, type PolicyEntry, parseEntry } from './entry.ts';
import type { Membership } from './membership.ts';
import type { Policy } from './policy.ts';
import type { PolicyLog } from './policy-log.ts';
import { policySubject, STREAM } from './subjects.ts';

/** Between two tries, milliseconds. */
const RETRY_MS = 500;

/** Entries before the last one that are looked at each time. */
const LOOKED_AT = 16;

/** An engine that is reached and of no use. */
export interface EngineTrouble {
  /** By the clock. */
  readonly sinceMs: number;
  readonly text: string;
}

/** What it needs. */
export interface PublicationOptions {
  readonly log: PolicyLog;
  readonly policy: Policy;
  readonly membership: Membership;
  readonly acts: FleetActs;
}

/** How far the engine has the log. */
export class Publication {
  readonly #options: PublicationOptions;
  #published = 0;
  #lookedAt = 0;
  #isPublishing = false;
  #isClosed = false;
  #trouble: EngineTrouble | undefined;

  constructor(options: PublicationOptions) {
    this.#options = options;
  }

  /** Why the engine takes nothing, since when; undefined while it does. */
  get trouble(): EngineTrouble | undefined {
    return this.#trouble;
  }

  /** The engine did what it was asked for, or why not. */
  note(thrown?: unknown): void {
    const sinceMs = this.#trouble?.sinceMs ?? this.#options.acts.clock();
    this.#trouble = thrown === undefined ? undefined : { sinceMs, text: errorText(thrown) };
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
      const entry = readAt(number, stored);
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

  /**
   * An engine whose store was lost or put back does not say so: true when it has another last entry, or cannot tell. Of those before
   * some are looked at each time, and put right.
   */
  async isLost(engine: MessageBus): Promise<boolean> {
    const { number } = this.#options.policy.end;
    if (this.#isPublishing || number === 0) return false;
    if (this.#published < number || !(await this.#isThere(engine, number))) return true;
    for (let count = Math.min(LOOKED_AT, number - 1); count > 0; count--) {
      this.#lookedAt = (this.#lookedAt % (number - 1)) + 1;
      if (await this.#isThere(engine, this.#lookedAt)) continue;
      const logged = this.#options.log.at(this.#lookedAt);
      // What stands there is taken out first.
      for (let times = 0; logged !== undefined && times < 2; times++)
        if (await this.#publishOne(engine, logged.entry, logged.hash)) break;
    }
    return false;
  }

  /** Whether the engine has this entry, and no other in its place. A stream that is gone answers with an error. */
  async #isThere(engine: MessageBus, number: number): Promise<boolean> {
    const stored = await engine.read(STREAM.POLICY, policySubject(number)).catch(() => undefined);
    const entry = readAt(number, stored);
    return entry !== undefined && entryHash(entry) === this.#options.log.at(number)?.hash;
  }

  close(): void {
    this.#isClosed = true;
  }

  async #publishOne(engine: MessageBus, entry: PolicyEntry, hash: string): Promise<boolean> {
    const { policy, membership, acts } = this.#options;
    const { number } = entry;
    const subject = policySubject(number);
    try {
      // Without an identifier: what was taken out meanwhile is kept anew, and a second one of a subject is refused.
      await engine.store(subject, formatEntry(entry));
      this.note();
      return true;
    } catch (thrown) {
      // The engine refuses a second message of a subject: is it this one?
      const stored = await engine.read(STREAM.POLICY, subject).catch(() => undefined);
      const other = readAt(number, stored);
      if (other !== undefined && entryHash(other) === hash) return true;
      // Of this number: a replayed one of another is no second log.
      if (other !== undefined && membership.isTrusted(other)) {
        policy.fork(`the engine has another entry ${number}`, { number, hash: entryHash(other) });
        return false;
      }
      if (stored !== undefined) {
        policy.setAside({ number }, `the engine had something else as entry ${number}: it is replaced`);
        await engine.remove(STREAM.POLICY, subject).catch(() => undefined);
        return false;
      }
      this.note(thrown);
      acts.log.warn({ number, cause: errorText(thrown) }, 'fleet: an entry is not published yet');
      return false;
    }
  }
}

/** The entry that is kept at the place of that number; undefined for anything else. */
const readAt = (number: number, stored: StoredMessage | undefined): PolicyEntry | undefined => {
  const entry = stored === undefined ? undefined : parseEntry(stored.bytes);
  return entry?.number === number ? entry : undefined;
};
