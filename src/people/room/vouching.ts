// The identity provider's word over time: what it says of somebody holds at once for every session, act and key.
//
// It is heard at each sign-in and each proof, also at those that come to nothing, and asked again while somebody is at work:
// at most once a minute for a person, in the course of a request, which waits for two seconds at most. A provider that does
// not answer changes nothing until its last word is too old (grounds.ts).
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../base/base.ts';
import type { Grounds } from './grounds.ts';
import type { KnownPerson, People } from './people.ts';
import type { Provider } from './provider.ts';

/** A provider that is asked more often by everybody at work would notice. */
const ASK_EVERY_MS = 60_000;
/** As many as there may be; one that is forgotten is asked about a little sooner. */
const PEOPLE_MAX = 1_000;
/** A page that waits longer is taken for broken. */
const ASK_MS_MAX = 2_000;

/** What it needs. */
export interface VouchingParts {
  readonly provider: Provider | undefined;
  readonly people: People;
  readonly grounds: Grounds;
  readonly clock: Clock;
  note(action: string, by: string, reason: string, detail: object): void;
}

/** The word of one provider. */
export class Vouching {
  readonly #parts: VouchingParts;
  /** When each was last asked about, whatever came of it. */
  readonly #askedMs = new LRUCache<string, number>({ max: PEOPLE_MAX });
  readonly #asking = new Map<string, Promise<void>>();

  constructor(parts: VouchingParts) {
    this.#parts = parts;
  }

  /**
   * Takes what it says of somebody; undefined: it does not vouch any more. What has lost its ground by that ends. Gives who it
   * was before; undefined: somebody new.
   */
  hear(subject: string, groups: readonly string[] | undefined): KnownPerson | undefined {
    const { people, grounds, note } = this.#parts;
    const before = people.hear(subject, groups);
    if (before === undefined) return undefined;
    const roles = people.find(before.id)?.roles ?? [];
    if (String(roles) === String(before.roles) && groups !== undefined) return before;
    if (groups !== undefined)
      note('roles-told', before.name, '', { account: before.account, roles, rolesBefore: before.roles });
    grounds.judge();
    return before;
  }

  /** Asks again about somebody whose last word is not of just now. Never rejects. */
  async freshen(person: KnownPerson | undefined): Promise<void> {
    const { provider, clock } = this.#parts;
    if (provider === undefined || person?.subject === undefined || person.kind === 'local') return;
    const nowMs = clock();
    const lastMs = Math.max(person.told?.atMs ?? 0, this.#askedMs.get(person.id) ?? 0);
    const running = this.#asking.get(person.id);
    if (running !== undefined) return running;
    if (Math.abs(nowMs - lastMs) < ASK_EVERY_MS) return;
    this.#askedMs.set(person.id, nowMs);
    const asking = this.#ask(provider, person.subject).finally(() => this.#asking.delete(person.id));
    this.#asking.set(person.id, asking);
    await asking;
  }

  async #ask(provider: Provider, subject: string): Promise<void> {
    const word = await withinTime(provider.ask(subject));
    if (word === 'silent') return;
    this.hear(subject, word === 'ended' ? undefined : word.groups);
  }
}

/** An answer that comes later is heard by nobody: the next one is asked for soon. */
const withinTime = async <Word>(asked: Promise<Word>): Promise<Word | 'silent'> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'silent'>((resolve) => {
    timer = setTimeout(() => resolve('silent'), ASK_MS_MAX);
  });
  try {
    return await Promise.race([asked, late]);
  } finally {
    clearTimeout(timer);
  }
};
