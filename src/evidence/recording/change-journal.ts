// What the program does to itself, as records: lists that came into force, configurations, what operators decided.
// Whether the prohibition is in force is recorded by EnforcementMonitor.
//
// It compares what is in force with what was, so that code that changes something need not say what changed; and it
// counts what operators did, for the metrics. Where records go is passed in; without records nothing is lost but them.

import type { Clock } from '../../base/base.ts';
import { type Config, configDifferences, configHash } from '../../config/config.ts';
import type { FeedState } from '../../policy/feeds/feeds.ts';
import type { Generation } from '../../policy/generation/generation.ts';
import type { RefreshResult } from '../../policy/keeping/keeping.ts';
import { reviewDueDay } from '../../policy/lists/lists.ts';
import type { ObtainedFacts } from '../../resolver/certificates/certificates.ts';
import type {
  ChangeRecord,
  EnforcementStateRecord,
  FleetRecord,
  ListRecord,
  ServiceRecord,
} from '../records/records.ts';

/** Characters of a reason in a record. */
const REASON_LENGTH_MAX = 500;

/** Where records go, and what time it is. */
export interface JournalOptions {
  /** Takes a record; it may be dropped and counted, never waited for. */
  note(record: ChangeRecord): void;
  readonly clock: Clock;
}

/** Who did something and why, as far as it is known. */
export interface ChangeAuthor {
  readonly by?: string;
  readonly reason?: string;
}

/** Of what is known; what is empty is left out. */
export const toAuthor = (by: string | undefined, reason: string | undefined): ChangeAuthor => ({
  ...(by === undefined ? {} : { by }),
  ...(reason === undefined || reason === '' ? {} : { reason }),
});

/** What a person did to a content of a list. */
type ListDecision = 'accepted' | 'dismissed' | 'rolled-back';

/** Why something is put in force. */
export type ConfigurationCause = 'start' | 'reload' | 'lists';

/** The changes of one program. */
export class ChangeJournal {
  readonly #options: JournalOptions;
  readonly #actions = new Map<string, number>();
  #lists = new Map<string, ListRecord>();
  /** What was noted last of each feed; under no name: that there is none. */
  readonly #feeds = new Map<string | undefined, string>();
  #configuration: { readonly config: Config; readonly sha256: string } | undefined;

  constructor(options: JournalOptions) {
    this.#options = options;
  }

  /** What operators did, by action, since the start. */
  get actions(): ReadonlyMap<string, number> {
    return this.#actions;
  }

  /** Counts something that an operator did. */
  act(action: string): void {
    this.#actions.set(action, (this.#actions.get(action) ?? 0) + 1);
  }

  /** A generation is in force. */
  generation({ policy, lists }: Generation): void {
    const time = this.#time();
    const { generation } = policy;
    const inForce = new Map<string, ListRecord>();
    for (const { id, category, mandate, loaded } of lists) {
      const { sha256, entries, reviewed } = loaded;
      const before = this.#lists.get(id);
      const record: ListRecord = {
        kind: 'list',
        time,
        event: 'in-force',
        list: id,
        category,
        mandate,
        sha256,
        entries,
        ...(reviewed === undefined ? {} : { reviewed: reviewed.oldest, reviewDue: reviewDueDay(reviewed) }),
        generation,
        ...changeOf(before?.entries, entries),
      };
      inForce.set(id, record);
      if (before?.sha256 !== sha256 || before.mandate !== mandate) this.#options.note(record);
    }
    for (const [id, { category, mandate, sha256 }] of this.#lists) {
      if (inForce.has(id)) continue;
      const gone: ListRecord = { kind: 'list', time, event: 'out-of-force', list: id, generation };
      this.#options.note({
        ...gone,
        ...(category === undefined ? {} : { category }),
        ...(mandate === undefined ? {} : { mandate }),
        ...(sha256 === undefined ? {} : { sha256 }),
      });
    }
    this.#lists = inForce;
  }

  /** Rules more or fewer than the content before had; undefined for a list without one. */
  entriesChange(list: string): number | undefined {
    const { added, removed } = this.#lists.get(list) ?? {};
    return added === undefined ? undefined : added - (removed ?? 0);
  }

  /** A configuration is in force; `author` is what is known of who wrote it. */
  configuration(config: Config, cause: ConfigurationCause, author: ChangeAuthor = {}): void {
    const before = this.#configuration;
    const sha256 = configHash(config);
    const previous = before?.sha256;
    this.#configuration = { config, sha256 };
    if (sha256 === previous && cause === 'lists') return;
    const { differences, more } =
      before === undefined ? { differences: [], more: 0 } : configDifferences(before.config, config);
    this.#options.note({
      kind: 'configuration',
      time: this.#time(),
      event: 'in-force',
      sha256,
      ...(previous === undefined ? {} : { previous }),
      cause,
      ...(author.by === undefined ? {} : { by: cut(author.by) }),
      ...(author.reason === undefined ? {} : { reason: cut(author.reason) }),
      ...(differences.length === 0 ? {} : { differences }),
      ...(more === 0 ? {} : { more }),
      ...boundOf(config),
    });
  }

  /** What was to be put in force is not. */
  refused(code: string, cause: ConfigurationCause): void {
    this.#options.note({ kind: 'configuration', time: this.#time(), event: 'refused', code, cause });
  }

  /** Cryptography comes from FIPS modules. */
  cryptography({ openssl, modules }: Required<Pick<ServiceRecord, 'openssl' | 'modules'>>): void {
    this.#options.note({ kind: 'service', time: this.#time(), event: 'cryptography', openssl, modules });
  }

  /** A certificate of the encrypted listeners was obtained by ACME. */
  certificate({ directory, names, issuer, fingerprint, endMs }: ObtainedFacts): void {
    const until = new Date(endMs).toISOString();
    const facts = { directory, names, issuer, fingerprint, until };
    this.#options.note({ kind: 'service', time: this.#time(), event: 'certificate', ...facts });
  }

  /** Whether the prohibition is in force changed. */
  enforcement(record: EnforcementStateRecord): void {
    const { by, reason } = record;
    this.#options.note({
      ...record,
      ...(by === undefined ? {} : { by: cut(by) }),
      ...(reason === undefined ? {} : { reason: cut(reason) }),
    });
  }

  /** What came of a fetch; one that changed nothing is not worth a record. */
  fetched({ list, outcome, reasons, sha256, entries }: RefreshResult): void {
    const event = FETCH_EVENTS[outcome];
    if (event === undefined) return;
    this.#options.note({
      kind: 'list',
      time: this.#time(),
      event,
      list,
      ...(sha256 === null ? {} : { sha256 }),
      ...(entries === null ? {} : { entries }),
      ...(reasons.length === 0 ? {} : { reason: cut(reasons.join('; ')) }),
      ...(event === 'fetch-failed' ? { code: outcome } : {}),
    });
  }

  /** How the feeds are now: what changed since the last time is noted. `reviewed` is the day of the lists that ship. */
  feeds(states: readonly FeedState[], reviewed: string | undefined): void {
    for (const { id, state, reason, timestamp, expires, behind } of states)
      this.#feed(id, {
        ...{ feed: id, state },
        ...(state === 'current' || reason === null ? {} : { reason: cut(reason) }),
        ...(timestamp === null ? {} : { timestamp }),
        ...(expires === null ? {} : { until: expires }),
        ...(behind.length === 0
          ? {}
          : { behind: behind.map((one) => ({ ...one, reason: cut(one.reason) })) }),
      });
    for (const id of this.#feeds.keys())
      if (id !== undefined && !states.some((one) => one.id === id)) {
        this.#feed(id, { feed: id, state: 'none' });
        this.#feeds.delete(id);
      }
    if (states.length > 0) this.#feeds.delete(undefined);
    else this.#feed(undefined, { state: 'none', ...(reviewed === undefined ? {} : { reviewed }) });
  }

  #feed(id: string | undefined, facts: Partial<ServiceRecord>): void {
    const text = JSON.stringify(facts);
    if (this.#feeds.get(id) === text) return;
    this.#feeds.set(id, text);
    this.#options.note({ kind: 'service', time: this.#time(), event: 'feed', ...facts });
  }

  /** A person decided on a content of a list. */
  decided(event: ListDecision, list: string, sha256: string, { by, reason }: Required<ChangeAuthor>): void {
    this.act(`list-${event}`);
    this.#options.note({
      kind: 'list',
      time: this.#time(),
      event,
      list,
      sha256,
      by: cut(by),
      reason: cut(reason),
    });
  }

  /** An operator did something that no other kind of record tells. */
  admin(action: string, by: string, reason: string | undefined, detail?: object): void {
    this.act(action);
    this.#options.note({
      kind: 'admin',
      time: this.#time(),
      action,
      by: cut(by),
      ...(reason === undefined || reason === '' ? {} : { reason: cut(reason) }),
      ...(detail === undefined ? {} : { detail }),
    });
  }

  /** Something of the fleet: what came of an entry of its policy, or what this resolver knows of it. */
  damaged(file: string, text: string): void {
    this.#options.note({ kind: 'records', time: this.#time(), event: 'damaged', file, text });
  }

  /** What came of an entry of the fleet's policy. */
  fleet(note: Omit<FleetRecord, 'kind' | 'time'>): void {
    const { reason } = note;
    this.#options.note({
      kind: 'fleet',
      time: this.#time(),
      ...note,
      ...(reason === undefined ? {} : { reason: cut(reason) }),
    });
  }

  #time(): string {
    return new Date(this.#options.clock()).toISOString();
  }
}

const FETCH_EVENTS: Readonly<Record<RefreshResult['outcome'], ListRecord['event'] | undefined>> = {
  accepted: 'fetched',
  unchanged: undefined,
  held: 'held',
  unproven: 'fetch-failed',
  postponed: 'fetch-failed',
  failed: 'fetch-failed',
};

const cut = (text: string): string => text.slice(0, REASON_LENGTH_MAX);

/** The net change: which rules they are is what `cordon lists diff` is for. */
const changeOf = (before: number | undefined, entries: number): { added?: number; removed?: number } =>
  before === undefined
    ? {}
    : { added: Math.max(0, entries - before), removed: Math.max(0, before - entries) };

/** For how long exemptions of a node hold without its authority. */
const boundOf = ({ fleet }: Config): { readonly suspendAfterMs?: number | null } => {
  if (fleet?.role !== 'node') return {};
  const { suspendExemptionsAfterMs: ms } = fleet;
  return { suspendAfterMs: Number.isFinite(ms) ? ms : null };
};
