// What an authority does before it decides anything: hears where the resolvers stand, and takes back what its log lacks.
//
// A register that was put back from an old copy would give numbers twice. Engine and nodes have what is missing; each entry of
// theirs counts by its signature and by what it follows, and nothing that anybody says of itself does: one resolver whose key was
// stolen can neither hold up decisions nor make a fork of them.
import type { FleetActs } from './acts.ts';
import type { MessageBus } from './bus.ts';
import { entryHash, type LogEnd, type PolicyEntry, parseEntry } from './entry.ts';
import type { Membership } from './membership.ts';
import type { Policy } from './policy.ts';
import type { LastContact } from './presence-table.ts';
import { askSubject, HELLO_SUBJECT, policySubject, STREAM } from './subjects.ts';

/** Nodes that were heard within it may know of the last decisions, milliseconds. */
const LATELY_MS = 3_600_000;
/** How long a node may take to answer with an entry, milliseconds. */
const NODE_MS = 3_000;
/** Between two times that entries are asked for, milliseconds. */
const RETRY_MS = 500;
/**
 * How long one resolver that says it has more, and does not show it, is waited for when nobody else says so, milliseconds: five answers
 * that do not come. Whoever has its key can say it; of two, nobody has the keys.
 */
const ALONE_MS = 15_000;
/** Nodes that are asked for one entry, at once: that all of so many have lost it, or keep it to themselves, is not expected. */
const ASKED_MAX = 16;
/** Between two claims of one resolver that are judged, milliseconds: it says how it is every ten seconds, a stolen key as often as it likes. */
const CLAIM_MS = 10_000;
/** Names in one line of the log. */
const NAMES_MAX = 20;

/** What it needs. */
export interface RecoveryOptions {
  /** Of the authority itself. */
  readonly name: string;
  readonly policy: Policy;
  readonly membership: Membership;
  readonly acts: FleetActs;
  readonly contacts: ReadonlyMap<string, LastContact>;
}

/** How claims are waited for. */
interface ClaimsWait {
  /** Takes back what others have; gives how many entries came. */
  readonly takeBack: () => Promise<number>;
  /** What is left of the time for all of them, milliseconds; 0: nothing is waited for any more. */
  readonly leftMs: () => number;
}

/** Of one time that entries are taken back: who gave the last one, and who had said that it has one and did not show it. */
interface Asked {
  giver: string | undefined;
  readonly failed: Set<string>;
}

/** Hears and takes back. Methods reject with ERR_FLEET_ENGINE. */
export class Recovery {
  readonly #options: RecoveryOptions;
  /** When a claim of a resolver was last judged, by the monotonic clock. */
  readonly #claimedMs = new Map<string, number>();
  #onPresence: () => void = () => undefined;

  constructor(options: RecoveryOptions) {
    this.#options = options;
  }

  /** A resolver was heard. */
  received(): void {
    this.#onPresence();
  }

  /** Until any resolver says where it stands, or the time is over: whose log is lost knows nobody whom it could wait for. */
  async awaitAnyNode(engine: MessageBus, forMs: number): Promise<void> {
    engine.tell(HELLO_SUBJECT, '');
    await this.#until(() => true, forMs);
  }

  /** Until each resolver of the fleet has said where it stands, or the time is over. */
  async awaitNodes(engine: MessageBus, forMs: number): Promise<void> {
    const { membership, name, acts, contacts } = this.#options;
    const since = acts.monotonic();
    const atMs = (node: string): number => contacts.get(node)?.atMs ?? Number.NEGATIVE_INFINITY;
    // An authority that was lost is not waited for: what it alone knows was never policy anywhere else.
    const nodes = membership.members.filter(
      (member) => member.until === undefined && member.name !== name && !member.isAuthority,
    );
    // Of whom the engine tells nothing any more, each may have heard of the last decision: it may have lost what some said and kept the rest.
    const awaited = nodes.filter((node) => !contacts.has(node.name) || atMs(node.name) > since - LATELY_MS);
    const missing = (): string[] => awaited.map((member) => member.name).filter((node) => atMs(node) < since);
    engine.tell(HELLO_SUBJECT, '');
    if (missing().length === 0) return;
    await this.#until(() => missing().length === 0, forMs);
    const left = missing();
    if (left.length > 0)
      acts.log.warn(
        { nodes: left.slice(0, NAMES_MAX) },
        'fleet: resolvers that have not said where they stand',
      );
  }

  /** The resolvers that say they have more than this log: nothing proves it, and it may be what was decided elsewhere. */
  get claimants(): readonly string[] {
    const { membership, name, contacts, policy } = this.#options;
    const claims = [...contacts].filter(([node, { presence, isSigned }]) => {
      const isIn = node !== name && isSigned && membership.find(node)?.until === undefined;
      return isIn && presence.policy.number > policy.end.number;
    });
    return claims.map(([node]) => node);
  }

  /**
   * Until all who say that they have more have shown it, or the time is over: somebody else may answer in their place, which is
   * waited out as silence is, and less long where one resolver alone says so.
   */
  async awaitClaims({ takeBack, leftMs }: ClaimsWait): Promise<void> {
    const { acts } = this.#options;
    let aloneMs = acts.monotonic() + ALONE_MS;
    for (;;) {
      if ((await takeBack()) > 0) aloneMs = acts.monotonic() + ALONE_MS;
      const { claimants } = this;
      const left = leftMs();
      if (claimants.length === 0 || left === 0) return;
      const forMs = claimants.length > 1 ? left : Math.min(left, aloneMs - acts.monotonic());
      if (forMs <= 1) {
        const nodes = claimants.slice(0, NAMES_MAX);
        acts.log.warn({ nodes }, 'fleet: a resolver says that it has more entries, and shows none');
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, Math.min(RETRY_MS, forMs)));
    }
  }

  /** Until a resolver is heard and the condition holds, or the time is over. */
  async #until(isEnough: () => boolean, forMs: number): Promise<void> {
    const done = Promise.withResolvers<void>();
    this.#onPresence = () => {
      if (isEnough()) done.resolve();
    };
    const timer = setTimeout(done.resolve, forMs);
    await done.promise;
    clearTimeout(timer);
    this.#onPresence = () => undefined;
  }

  /** Takes back what engine and nodes have beyond this log; gives the entries. */
  async takeBack(engine: MessageBus): Promise<readonly PolicyEntry[]> {
    const { policy, acts } = this.#options;
    const taken: PolicyEntry[] = [];
    const asked: Asked = { giver: undefined, failed: new Set() };
    for (;;) {
      const { number } = policy.end;
      const entry = await this.#findNext(engine, asked);
      if (entry === undefined) break;
      // Whether it follows is seen when its turn comes: something may be decided meanwhile.
      policy.take(entry);
      await policy.settled();
      if (policy.end.number === number) break;
      if (policy.agreesWith({ number: entry.number, hash: entryHash(entry) })) taken.push(entry);
    }
    if (taken.length === 0) return taken;
    acts.note({
      event: 'recovered',
      number: policy.end.number,
      reason: `${taken.length} entries that nodes or engine had`,
    });
    acts.log.warn({ count: taken.length }, 'fleet: entries that were missing here were taken back');
    return taken;
  }

  /** Whether what a resolver says of its log is looked into now, which is then done: not as often as somebody with its key says it. */
  takeClaim(name: string): boolean {
    const { membership, acts } = this.#options;
    const nowMs = acts.monotonic();
    // Names that nobody knows are one.
    const claimant = membership.find(name) === undefined ? '' : name;
    if (nowMs - (this.#claimedMs.get(claimant) ?? Number.NEGATIVE_INFINITY) < CLAIM_MS) return false;
    this.#claimedMs.set(claimant, nowMs);
    return true;
  }

  /** A resolver says that it has another entry of a number: only the entry proves it. */
  async judgeClaim(engine: MessageBus, name: string, { number, hash }: LogEnd): Promise<void> {
    const { policy, acts } = this.#options;
    const entry = await ask(engine, name, number);
    if (policy.agreesWith({ number, hash })) return;
    if (entry !== undefined && entryHash(entry) === hash && this.#isSigned(entry, number)) {
      policy.fork(`${name} has another entry ${number} than here`, { number, hash });
      return;
    }
    policy.setAside({ number }, `${name} claims another entry ${number}, which no key of the fleet signed`);
    acts.log.error({ node: name, number }, 'fleet: a resolver claims another log than it can show');
  }

  /** A signed entry of the next number, of the engine or of a node that has it. */
  async #findNext(engine: MessageBus, asked: Asked): Promise<PolicyEntry | undefined> {
    const { policy, contacts, name } = this.#options;
    const number = policy.end.number + 1;
    const subject = policySubject(number);
    const stored = await engine.read(STREAM.POLICY, subject);
    if (stored !== undefined) {
      const entry = parseEntry(stored.bytes);
      if (entry !== undefined && this.#isSigned(entry, number)) return entry;
      // Left in its place, it would hide what the nodes have.
      policy.setAside({ number }, `the engine had something else as entry ${number}`);
      await engine.remove(STREAM.POLICY, subject).catch(() => undefined);
    }
    const show = async (node: string): Promise<PolicyEntry> => {
      const entry = await ask(engine, node, number);
      if (entry === undefined || !this.#isSigned(entry, number)) {
        asked.failed.add(node);
        throw new RangeError(`${node} does not show entry ${number}`);
      }
      asked.giver ??= node;
      return entry;
    };
    const isAsked = (node: string): boolean =>
      node !== name && !asked.failed.has(node) && (contacts.get(node)?.presence.policy.number ?? 0) >= number;
    const { giver } = asked;
    // One at a time would add up what each that keeps silent costs; the one that gave the last mostly has the rest.
    if (giver !== undefined && isAsked(giver)) {
      const entry = await show(giver).catch(() => undefined);
      if (entry !== undefined) return entry;
    }
    asked.giver = undefined;
    const nodes = [...contacts.keys()].filter(isAsked).slice(0, ASKED_MAX);
    return Promise.any(nodes.map(show)).catch(() => undefined);
  }

  #isSigned(entry: PolicyEntry, number: number): boolean {
    return entry.number === number && this.#options.membership.isTrusted(entry);
  }
}

const ask = async (engine: MessageBus, node: string, number: number): Promise<PolicyEntry | undefined> => {
  const answer = await engine.ask(askSubject(node), String(number), NODE_MS).catch(() => undefined);
  return answer === undefined ? undefined : parseEntry(answer);
};
