// One look at the program: the headline, and what stands below it. What pages, API and live stream show.

import {
  type Clock,
  formatEndpoint,
  formatPrefix,
  matchesPrefix,
  type Prefix,
  unpackPrefixes,
  VERSION,
} from '../../base/base.ts';
import { type Config, matrixOf } from '../../config/config.ts';
import { resolverName } from '../../evidence/recording/recording.ts';
import type { State } from '../../resolver/workers/workers.ts';
import {
  type Enforcement,
  type Headline,
  isFresh,
  isInForce,
  type ProofFacts,
  proofAgeMaxMs,
} from '../../telemetry/enforcement/enforcement.ts';
import type { ServiceRates } from '../../telemetry/observe/observe.ts';
import type {
  ActShown,
  Controls,
  OverviewControl,
  RecordsFound,
  RefusalShown,
  StateShown,
} from '../admin/admin.ts';
import type { Health } from '../health/health.ts';
import { showDevice } from './device-page.ts';
import { type Evidence, recorderStatus } from './evidence.ts';
import { needsOf } from './overview-needs.ts';
import {
  type DayFacts,
  dayStart,
  type OverviewRecords,
  sumUpToday,
  unwatchedSigns,
} from './overview-records.ts';
import type { OperatorPause } from './pause.ts';
import { RefusalPages, searchRecords } from './record-pages.ts';
import { RefusalFiguresMaker } from './refusal-figures.ts';

/** States of the headline in which no list refuses anything. */
const NOTHING_HOLDS: ReadonlySet<string> = new Set(['paused', 'not-in-force', 'starting']);

/** The parts of the program that are looked at. */
export interface OverviewParts {
  readonly clock: Clock;
  agency(): string | undefined;
  readonly stateDirectory: string;
  readonly evidence: Evidence;
  readonly pause: OperatorPause;
  readonly rates: ServiceRates;
  state(): State;
  enforcement(): Enforcement;
  readonly health: Health;
  readonly records: OverviewRecords;
  readonly lists: NonNullable<Controls['lists']>;
  acts(): readonly ActShown[];
}

/** The overview of one program. */
export class Overview implements OverviewControl {
  readonly #parts: OverviewParts;
  readonly #refusals: RefusalPages;
  readonly #figures: RefusalFiguresMaker;

  constructor(parts: OverviewParts) {
    this.#parts = parts;
    this.#refusals = new RefusalPages(parts.stateDirectory);
    this.#figures = new RefusalFiguresMaker(parts.stateDirectory, parts.clock);
  }

  async state(): Promise<StateShown> {
    const { clock, agency, evidence, pause, rates, state, acts, health, records } = this.#parts;
    const nowMs = clock();
    const { config, generation, listen } = state();
    const groups = config.groups.map(({ name }) => name);
    const lists = await this.#parts.lists.statuses();
    const day = await records.day(groups);
    const issues = await health.refresh();
    const { proofs, headline } = health;
    const mandates = new Set(lists.filter(({ mandate }) => mandate === true).map(({ id }) => id));
    const { refusedOf, hitsOf, ...today } = sumUpToday(
      day.counts,
      (list) => mandates.has(list),
      dayStart(nowMs),
    );
    const recorder = recorderStatus(evidence);
    const papers = evidence.exemptions.papers();
    const active = papers.filter((paper) => paper.state === 'active');
    const decisions = evidence.exemptions.decisions();
    return {
      time: timeOf(nowMs),
      agency: agency() ?? null,
      version: VERSION,
      generation: generation?.policy.generation ?? 0,
      resolver: { name: resolverName(config), addresses: listen.map(formatEndpoint) },
      headline: this.#shown(headline, pause),
      strip: { from: timeOf(day.fromMs), to: timeOf(day.untilMs), spans: [...day.spans] },
      networks: this.#networks(nowMs, proofs, day, refusedOf, recorder?.distinctClients ?? {}, active),
      todo: needsOf({ issues, acts: acts(), papers }, headline.state),
      today: {
        ...{ since: timeOf(dayStart(nowMs)), clients: recorder?.distinctClients['*'] ?? null, ...today },
        unwatched: unwatchedSigns(
          config.groups.filter(({ outOfScope }) => outOfScope !== true),
          generation?.policy.lists ?? [],
        ),
      },
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
      mandates: mandatesOf(config),
      lists: lists.map(({ id, mandate, inForce, held, kept }) => ({
        id,
        mandate,
        rules: inForce?.entries ?? null,
        state:
          held !== null
            ? 'held'
            : inForce === null
              ? 'missing'
              : NOTHING_HOLDS.has(headline.state)
                ? 'suspended'
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
      forwarders: config.forwarders.filter((one) => overlaps(one.clients, clients)).map((one) => one.name),
    }));
  }

  refusals(wanted: Parameters<OverviewControl['refusals']>[0]): Promise<RefusalShown[]> {
    return this.#refusals.read(wanted, this.#parts.clock());
  }

  figures(wanted: Parameters<OverviewControl['figures']>[0]): ReturnType<OverviewControl['figures']> {
    return this.#figures.read(wanted);
  }

  device(reference: string): ReturnType<OverviewControl['device']> {
    return showDevice(this.#parts.stateDirectory, reference, this.#parts.clock);
  }

  search(wanted: Parameters<OverviewControl['search']>[0]): Promise<RecordsFound> {
    return searchRecords(this.#parts.stateDirectory, wanted, this.#parts.clock());
  }

  #shown(headline: Headline, pause: OperatorPause): StateShown['headline'] {
    const { oldestProofMs, sinceMs, ...rest } = headline;
    const { isPaused, by = '', reason = '', until = '' } = pause.status();
    const { runs } = this.#parts.evidence.probe.status();
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

/** Whether a prefix of one list lies in one of the other, or contains it. */
const overlaps = (one: readonly Prefix[], other: Parameters<typeof unpackPrefixes>[0]): boolean => {
  for (const a of unpackPrefixes(other))
    if (one.some((b) => matchesPrefix(a.words, b.words, Math.min(a.bits, b.bits)))) return true;
  return false;
};

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
  if (proof.isOutdated === true) return 'changed';
  return isFresh(proof.lastSuccessMs, nowMs, proofAgeMaxMs(everyMs)) ? 'proven' : 'old';
};

const orNull = <Value, Result>(value: Value | undefined, to: (value: Value) => Result): Result | null =>
  value === undefined ? null : to(value);

const timeOf = (ms: number): string => new Date(ms).toISOString();

/** Mandates, and which network each reaches. */
const mandatesOf = (config: Config): StateShown['mandates'] => {
  const reach = matrixOf(config);
  return config.mandates.map(({ mandate: { id, title, standing, sources } }) => ({
    ...{ id, title: title.en, standing: standing.value },
    isUnread: sources.some(({ sure }) => sure !== 'primary'),
    networks: reach
      .filter(({ mandate }) => mandate === id)
      .map(({ group, reach: how, why }) => ({ group, reach: how, why })),
  }));
};
