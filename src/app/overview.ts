// One look at the program: the headline, and what stands below it. What pages, API and live stream show.
import type {
  ActShown,
  Controls,
  OverviewControl,
  RecordsFound,
  RefusalShown,
  StateShown,
} from '../admin/admin.ts';
import { type Clock, formatEndpoint, formatPrefix, unpackPrefixes, VERSION } from '../base/base.ts';
import {
  type Enforcement,
  type Headline,
  isFresh,
  isInForce,
  judgeHeadline,
  type ProofFacts,
  proofAgeMaxMs,
} from '../enforcement/enforcement.ts';
import type { ResolverStatus } from '../fleet/fleet.ts';
import type { Evidence } from './evidence.ts';
import { needsOf } from './overview-needs.ts';
import { type DayFacts, dayStart, OverviewRecords, sumUpToday } from './overview-records.ts';
import type { OperatorPause } from './pause.ts';
import { RefusalPages, searchRecords } from './record-pages.ts';
import { resolverName } from './record-settings.ts';
import type { ServiceRates } from './service-rates.ts';
import type { Trouble } from './service-trouble.ts';
import type { State } from './worker-settings.ts';

/** The parts of the program that are looked at. */
export interface OverviewParts {
  readonly clock: Clock;
  /** Milliseconds since the start. */
  upMs(): number;
  agency(): string | undefined;
  readonly stateDirectory: string;
  readonly evidence: Evidence;
  readonly pause: OperatorPause;
  readonly rates: ServiceRates;
  state(): State;
  enforcement(): Enforcement;
  /** How long it is what it is, milliseconds. */
  enforcementMs(): number;
  /** What is wrong with the service itself. */
  trouble(): readonly Trouble[];
  readonly lists: NonNullable<Controls['lists']>;
  acts(): readonly ActShown[];
  hasAdministrator(): boolean;
  /** Of the fleet's authority: every resolver; none elsewhere. */
  resolvers(): readonly ResolverStatus[];
}

type Lists = Awaited<ReturnType<OverviewParts['lists']['statuses']>>;

/** The overview of one program. */
export class Overview implements OverviewControl {
  readonly #parts: OverviewParts;
  readonly #records: OverviewRecords;
  readonly #refusals: RefusalPages;

  constructor(parts: OverviewParts) {
    this.#parts = parts;
    this.#records = new OverviewRecords(parts.stateDirectory, parts.clock);
    this.#refusals = new RefusalPages(parts.stateDirectory);
  }

  async state(): Promise<StateShown> {
    const { clock, agency, evidence, pause, rates, state, acts, hasAdministrator, trouble } = this.#parts;
    const nowMs = clock();
    const { config, generation, listen } = state();
    const groups = config.groups.map(({ name }) => name);
    const lists = await this.#parts.lists.statuses();
    const day = await this.#records.day(groups);
    const proofs = this.#proofs(groups);
    const headline = this.#judge(nowMs, lists, proofs, day.fault);
    const mandates = new Set(lists.filter(({ mandate }) => mandate === true).map(({ id }) => id));
    const { refusedOf, hitsOf, ...today } = sumUpToday(
      day.counts,
      (list) => mandates.has(list),
      dayStart(nowMs),
    );
    const recorder = evidence.recorderStatus();
    const papers = evidence.papers();
    const active = papers.filter((paper) => paper.state === 'active');
    const decisions = evidence.decisions();
    return {
      time: timeOf(nowMs),
      agency: agency() ?? null,
      version: VERSION,
      generation: generation?.policy.generation ?? 0,
      resolver: { name: resolverName(config), addresses: listen.map(formatEndpoint) },
      headline: this.#shown(headline, pause),
      strip: { from: timeOf(day.fromMs), to: timeOf(day.untilMs), spans: [...day.spans] },
      networks: this.#networks(nowMs, proofs, day, refusedOf, recorder?.distinctClients ?? {}, active),
      todo: needsOf({
        ...{ nowMs, lists, acts: acts(), papers, decisions, recorder, trouble: trouble() },
        ...{ hasAdministrator: hasAdministrator(), resolvers: this.#parts.resolvers() },
      }),
      today: { since: timeOf(dayStart(nowMs)), clients: recorder?.distinctClients['*'] ?? null, ...today },
      service: {
        ...rates.read(),
        records: {
          enabled: recorder !== undefined,
          lastCommitTime: orNull(recorder?.lastCommitMs, timeOf),
          verified: recorder?.isVerified ?? null,
          verifiedTime: orNull(recorder?.verifiedMs, timeOf),
          dropped: recorder?.dropped ?? 0,
        },
      },
      exemptions: active
        .map(({ id, groups: of, clients, grounds, until }) => ({
          ...{ id, groups: of, clients, grounds, until, hitsToday: hitsOf.get(id) ?? 0 },
        }))
        .sort((a, b) => Date.parse(a.until) - Date.parse(b.until)),
      lists: lists.map(({ id, mandate, inForce, held, kept }) => ({
        id,
        mandate,
        rules: inForce?.entries ?? null,
        state:
          held !== null
            ? 'held'
            : inForce === null
              ? 'missing'
              : kept?.isStale === true
                ? 'stale'
                : 'in-force',
        reachedTime: kept?.checkedAt ?? null,
        restsOn: decisions.find(({ list }) => list === id)?.decision.reference ?? null,
      })),
      changes: [...day.changes],
    };
  }

  groups() {
    const { config } = this.#parts.state();
    return config.groups.map(({ name, clients, lists, outOfScope }) => ({
      name,
      prefixes: prefixesOf(clients),
      lists: [...lists],
      inScope: outOfScope !== true && config.compliance.outOfScope !== true,
    }));
  }

  refusals(wanted: Parameters<OverviewControl['refusals']>[0]): Promise<RefusalShown[]> {
    return this.#refusals.read(wanted, this.#parts.clock());
  }

  search(wanted: Parameters<OverviewControl['search']>[0]): Promise<RecordsFound> {
    return searchRecords(this.#parts.stateDirectory, wanted, this.#parts.clock());
  }

  #judge(
    nowMs: number,
    lists: Lists,
    proofs: readonly ProofFacts[],
    unreadable: string | undefined,
  ): Headline {
    const { evidence, pause, upMs, enforcement, enforcementMs, state } = this.#parts;
    const { probe, records } = state().config;
    const { isPaused, by = '', reason = '', until = '' } = pause.status();
    const recorder = evidence.recorderStatus();
    return judgeHeadline({
      nowMs,
      upMs: upMs(),
      enforcement: enforcement(),
      enforcementSinceMs: nowMs - enforcementMs(),
      pause: isPaused ? { by, reason, until } : undefined,
      probeEveryMs: probe.intervalMs === 0 ? undefined : probe.intervalMs,
      proofs,
      records: {
        isEnabled: records.isEnabled,
        failure: recorder?.failure,
        reportedMs: recorder?.reportedMs,
        lastCommitMs: recorder?.lastCommitMs,
        backlogBytes: recorder?.backlogBytes ?? 0,
        lostMs: evidence.losses.lastMs,
        unreadable,
        isVerified: recorder?.isVerified,
        verifiedMs: recorder?.verifiedMs,
      },
      staleLists: lists.flatMap(({ id, mandate, kept }) =>
        mandate === true && kept?.isStale === true && kept.checkedAt !== null
          ? [{ list: id, sinceMs: Date.parse(kept.checkedAt) }]
          : [],
      ),
    });
  }

  #shown(headline: Headline, pause: OperatorPause): StateShown['headline'] {
    const { oldestProofMs, sinceMs, ...rest } = headline;
    const { isPaused, by = '', reason = '', until = '' } = pause.status();
    const { runs } = this.#parts.evidence.probeStatus();
    const sweep = runs.find(({ event, group }) => event === 'sweep' && group === undefined);
    return {
      ...rest,
      groups: [...rest.groups],
      sinceTime: sinceMs === null ? null : timeOf(sinceMs),
      oldestProofTime: oldestProofMs === null ? null : timeOf(oldestProofMs),
      pause: isPaused ? { by, reason, until } : null,
      sweep:
        sweep === undefined
          ? null
          : { time: sweep.ended, names: sweep.coverage.asked, leakedNames: sweep.leakedNames },
    };
  }

  /** What the probe knows of each group. */
  #proofs(groups: readonly string[]): ProofFacts[] {
    return groups.map((group) => {
      const { found, unasked } = this.#parts.evidence.proofOf(group);
      return {
        ...{ group, unasked: found === undefined ? unasked : undefined },
        lastSuccessMs: found?.lastSuccessMs,
        outcome: found?.outcome,
        outcomeSinceMs: found?.sinceMs,
        leaked: found?.leakedNames ?? 0,
        failed: found?.failed ?? 0,
        examples: found?.outcome === 'leaking' ? found.examples : [],
      };
    });
  }

  #networks(
    nowMs: number,
    proofs: readonly ProofFacts[],
    day: DayFacts,
    refused: ReadonlyMap<string, number>,
    clients: Readonly<Record<string, number>>,
    active: readonly { readonly groups: readonly string[] }[],
  ): StateShown['networks'] {
    const { state, enforcement } = this.#parts;
    const { config } = state();
    const judged = new Map(enforcement().groups.map((group) => [group.group, group.state]));
    return config.groups.map(({ name, clients: prefixes }) => {
      const standing = judged.get(name) ?? enforcement().state;
      const proof = proofs.find(({ group }) => group === name);
      return {
        group: name,
        state: standing,
        inForce: isInForce(standing),
        inScope: standing !== 'out-of-scope',
        prefixes: prefixesOf(prefixes),
        proof: {
          state: proofState(proof, nowMs, config.probe.intervalMs),
          time: orNull(proof?.lastSuccessMs, timeOf),
          leakedNames: proof?.leaked ?? 0,
          examples: [...(proof?.examples ?? [])],
          reason: proof?.unasked ?? null,
        },
        refusedToday: refused.get(name) ?? 0,
        clientsToday: clients[name] ?? null,
        exempt: active.filter(({ groups }) => groups.includes(name)).length,
        strip: [...(day.spansOf.get(name) ?? [])],
      };
    });
  }
}

/** Prefixes that a page shows of one group. */
const PREFIXES_MAX = 20;

const prefixesOf = (list: Parameters<typeof unpackPrefixes>[0]): string[] => {
  const texts: string[] = [];
  for (const prefix of unpackPrefixes(list)) {
    texts.push(formatPrefix(prefix));
    if (texts.length >= PREFIXES_MAX) break;
  }
  return texts;
};

const proofState = (
  proof: ProofFacts | undefined,
  nowMs: number,
  everyMs: number,
): StateShown['networks'][number]['proof']['state'] => {
  if (proof?.unasked !== undefined) return 'unasked';
  if (proof?.outcome === 'leaking') return 'leaking';
  if (proof?.outcome === 'broken') return 'failing';
  if (proof?.lastSuccessMs === undefined) return 'never';
  return isFresh(proof.lastSuccessMs, nowMs, proofAgeMaxMs(everyMs)) ? 'proven' : 'old';
};

const orNull = <Value, Result>(value: Value | undefined, to: (value: Value) => Result): Result | null =>
  value === undefined ? null : to(value);

const timeOf = (ms: number): string => new Date(ms).toISOString();
