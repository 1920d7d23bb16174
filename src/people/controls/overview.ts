// One look at the program: the headline, and what stands below it. What pages, API and live stream show.

import {
  type Clock,
  formatEndpoint,
  matchesPrefix,
  type Prefix,
  unpackPrefixes,
  VERSION,
} from '../../base/base.ts';
import { resolverName } from '../../evidence/recording/recording.ts';
import type { State } from '../../resolver/workers/workers.ts';
import type { Enforcement, Headline } from '../../telemetry/enforcement/enforcement.ts';
import type { ServiceRates } from '../../telemetry/observe/observe.ts';
import type {
  ActShown,
  Controls,
  NetworkNow,
  NetworkShown,
  OverviewControl,
  RecordsFound,
  RefusalShown,
  StateShown,
} from '../admin/admin.ts';
import type { Health } from '../health/health.ts';
import { showDevice } from './device-page.ts';
import { type Evidence, recorderStatus } from './evidence.ts';
import { OverviewExemptions, toRow } from './overview-exemptions.ts';
import { needsOf } from './overview-needs.ts';
import {
  mandatesOf,
  mandatesReaching,
  NETWORKS_MAX,
  OverviewNetworks,
  prefixesOf,
} from './overview-networks.ts';
import { dayStart, type OverviewRecords, sumUpToday, unwatchedSigns } from './overview-records.ts';
import type { OperatorPause } from './pause.ts';
import { RefusalPages, searchRecords } from './record-pages.ts';
import { RefusalFiguresMaker } from './refusal-figures.ts';

/** States of the headline in which no list refuses anything. */
const NOTHING_HOLDS: ReadonlySet<string> = new Set(['paused', 'not-in-force', 'starting']);

/** Exemptions that the overview draws, and that the page of one network does. */
const EXEMPTIONS_MAX = 6;
const NETWORK_EXEMPTIONS_MAX = 100;

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
  readonly #exemptions: OverviewExemptions;
  /** What changes at a look, as of the last. */
  #seen = { lists: '', networks: '', needs: '', refusals: '' };

  constructor(parts: OverviewParts) {
    this.#parts = parts;
    this.#refusals = new RefusalPages(parts.stateDirectory);
    this.#figures = new RefusalFiguresMaker(parts.stateDirectory, parts.clock);
    this.#exemptions = new OverviewExemptions(parts.evidence.exemptions);
  }

  async state(): Promise<StateShown> {
    const { clock, agency, evidence, pause, rates, state, acts, health } = this.#parts;
    const nowMs = clock();
    const { config, generation, listen } = state();
    const lists = await this.#parts.lists.statuses();
    const issues = await health.refresh(lists);
    const { networks, day, today, hitsOf, recorder, exempt } = await this.#look(nowMs, lists);
    const { headline } = health;
    const shown = networks.few();
    const decisions = evidence.exemptions.decisions();
    const { requested } = exempt;
    const { todo, counts } = needsOf({ issues, acts: acts(), requested }, headline.state);
    const shownLists = lists.map(({ id, mandate, inForce, held, kept }): StateShown['lists'][number] => ({
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
    }));
    this.#seen = {
      lists: JSON.stringify([generation?.policy.generation, shownLists]),
      networks: networks.signature(),
      needs: todo.flatMap(({ kind, subject }) => (kind.startsWith('exemption') ? subject : [])).join(),
      refusals: `${today.refusedMandate} ${today.refusedOther}`,
    };
    return {
      time: timeOf(nowMs),
      agency: agency() ?? null,
      version: VERSION,
      generation: generation?.policy.generation ?? 0,
      resolver: { name: resolverName(config), addresses: listen.map(formatEndpoint) },
      headline: this.#shown(headline, pause),
      strip: { from: timeOf(day.fromMs), to: timeOf(day.untilMs), spans: [...day.spans] },
      networks: shown,
      counts: {
        networks: config.groups.length,
        networksWithClients: config.groups.filter(
          ({ clients }) => unpackPrefixes(clients).next().done !== true,
        ).length,
        exemptions: exempt.active.length,
        todo: counts,
      },
      todo,
      today: {
        ...{ since: timeOf(dayStart(nowMs)), clients: recorder?.distinctClients['*'] ?? null, ...today },
        unwatched: this.#unwatched().map(({ signal, groups }) => ({
          ...{ signal, groups: groups.slice(0, NETWORKS_MAX), groupCount: groups.length },
        })),
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
      exemptions: exempt.active.slice(0, EXEMPTIONS_MAX).map((paper) => toRow(paper, hitsOf)),
      mandates: mandatesOf(config, shown),
      lists: shownLists,
      changes: [...day.changes],
    };
  }

  async networks(): Promise<NetworkShown[]> {
    return (await this.#lookAnew()).networks.all();
  }

  async network(name: string): Promise<NetworkNow | undefined> {
    const { networks, day, exempt, hitsOf } = await this.#lookAnew();
    const network = networks.find(name);
    if (network === undefined) return undefined;
    return {
      ...{ network, from: timeOf(day.fromMs), to: timeOf(day.untilMs) },
      mandates: mandatesReaching(this.#parts.state().config, name),
      exemptions: exempt.active
        .filter(({ groups }) => groups.includes(name))
        .slice(0, NETWORK_EXEMPTIONS_MAX)
        .map((paper) => toRow(paper, hitsOf)),
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

  async device(reference: string): ReturnType<OverviewControl['device']> {
    const found = await showDevice(this.#parts.stateDirectory, reference, this.#parts.clock);
    if (found === undefined) return undefined;
    const here = new Set(found.groups.map(({ key }) => key));
    const unwatched = this.#unwatched().filter(({ groups }) => groups.some((group) => here.has(group)));
    return { ...found, unwatched: unwatched.map(({ signal }) => signal) };
  }

  versions(): ReadonlyMap<string, string> {
    const { evidence, pause, state, acts } = this.#parts;
    const { isPaused, by, reason, until } = pause.status();
    const generation = state().generation?.policy.generation ?? 0;
    const waiting = acts().flatMap((act) => (act.state === 'waiting' ? act.id : []));
    const { lists, networks, needs, refusals } = this.#seen;
    return new Map<string, string>([
      ['lists', lists],
      ['networks', networks],
      ['refusals', refusals],
      ['exemptions', `${this.#exemptions.read().version} ${needs}`],
      ['acts', waiting.join()],
      ['pause', isPaused ? JSON.stringify([by, reason, until]) : ''],
      ['probe', `${evidence.probe.status().runs[0]?.run} ${generation}`],
      ['configuration', String(generation)],
    ]);
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
      groups: rest.groups.slice(0, NETWORKS_MAX),
      groupCount: rest.groups.length,
      unasked: rest.unasked.slice(0, NETWORKS_MAX),
      unaskedCount: rest.unasked.length,
      sinceTime: sinceMs === null ? null : timeOf(sinceMs),
      oldestProofTime: oldestProofMs === null ? null : timeOf(oldestProofMs),
      pause: isPaused ? { by, reason, until } : null,
      sweep:
        sweep === undefined
          ? null
          : { time: sweep.ended, names: sweep.coverage.asked, leakedNames: sweep.leakedNames },
    };
  }

  async #lookAnew() {
    const { clock, lists, health } = this.#parts;
    const statuses = await lists.statuses();
    await health.refresh(statuses);
    return this.#look(clock(), statuses);
  }

  /** What is read once for everything that is told of networks and exemptions. */
  async #look(nowMs: number, lists: Awaited<ReturnType<OverviewParts['lists']['statuses']>>) {
    const { evidence, state, enforcement, health, records } = this.#parts;
    const { config } = state();
    const day = await records.day(config.groups.map(({ name }) => name));
    const mandates = new Set(lists.filter(({ mandate }) => mandate === true).map(({ id }) => id));
    const { refusedOf, hitsOf, ...today } = sumUpToday(
      day.counts,
      (list) => mandates.has(list),
      dayStart(nowMs),
    );
    const recorder = recorderStatus(evidence);
    const exempt = this.#exemptions.read();
    const networks = new OverviewNetworks({
      ...{ nowMs, config, enforcement: enforcement(), proofs: health.proofs, day, refusedOf },
      ...{ clientsOf: recorder?.distinctClients ?? {}, exemptOf: exempt.countOf },
    });
    return { networks, day, today, hitsOf, recorder, exempt };
  }

  /** Signs that no list watches for on some networks. */
  #unwatched() {
    const { config, generation } = this.#parts.state();
    return unwatchedSigns(
      config.groups.filter(({ outOfScope }) => outOfScope !== true),
      generation?.policy.lists ?? [],
    );
  }
}

/** Whether a prefix of one list lies in one of the other, or contains it. */
const overlaps = (one: readonly Prefix[], other: Parameters<typeof unpackPrefixes>[0]): boolean => {
  for (const a of unpackPrefixes(other))
    if (one.some((b) => matchesPrefix(a.words, b.words, Math.min(a.bits, b.bits)))) return true;
  return false;
};

const orNull = <Value, Result>(value: Value | undefined, to: (value: Value) => Result): Result | null =>
  value === undefined ? null : to(value);

const timeOf = (ms: number): string => new Date(ms).toISOString();
