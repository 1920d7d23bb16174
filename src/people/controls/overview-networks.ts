// Networks as one look has them: what is in force on each, whether that is proven, and the mandates that reach them.

import { formatPrefix, unpackPrefixes } from '../../base/base.ts';
import { type Config, matrixOf } from '../../config/config.ts';
import {
  type Enforcement,
  isFresh,
  isInForce,
  type ProofFacts,
  proofAgeMaxMs,
} from '../../telemetry/enforcement/enforcement.ts';
import type { NetworkNow, NetworkShown, StateShown } from '../admin/admin.ts';
import type { DayFacts } from './overview-records.ts';

/** Networks that the overview draws, and names in what it says of more: two hundred rows are no overview. */
export const NETWORKS_MAX = 20;
/** Prefixes that a page shows of one group. */
const PREFIXES_MAX = 20;

/** What networks are made of. */
export interface NetworkFacts {
  readonly nowMs: number;
  readonly config: Config;
  readonly enforcement: Enforcement;
  readonly proofs: readonly ProofFacts[];
  readonly day: DayFacts;
  /** By group, of today. */
  readonly refusedOf: ReadonlyMap<string, number>;
  readonly clientsOf: Readonly<Record<string, number>>;
  /** Exemptions in force that name it. */
  readonly exemptOf: ReadonlyMap<string, number>;
}

type Group = Config['groups'][number];

/** Makes them. */
export class OverviewNetworks {
  readonly #facts: NetworkFacts;
  readonly #judged: ReadonlyMap<string, NetworkShown['state']>;
  readonly #proofs: ReadonlyMap<string, ProofFacts>;

  constructor(facts: NetworkFacts) {
    this.#facts = facts;
    this.#judged = new Map(facts.enforcement.groups.map(({ group, state }) => [group, state]));
    this.#proofs = new Map(facts.proofs.map((proof) => [proof.group, proof]));
  }

  /** All of them, in the order of the configuration. */
  all(): NetworkShown[] {
    return this.#facts.config.groups.map((group) => this.#show(group));
  }

  /** Undefined: there is no such group. */
  find(name: string): NetworkShown | undefined {
    const group = this.#facts.config.groups.find((one) => one.name === name);
    return group && this.#show(group);
  }

  /** At most NETWORKS_MAX, those with trouble before others; in the order of the configuration, so that rows keep their places. */
  few(): NetworkShown[] {
    const { groups } = this.#facts.config;
    if (groups.length <= NETWORKS_MAX) return this.all();
    const chosen = groups
      .map((group, index) => ({ index, rank: this.#rank(group) }))
      .sort((a, b) => a.rank - b.rank || a.index - b.index)
      .slice(0, NETWORKS_MAX);
    const kept = new Set(chosen.map(({ index }) => index));
    return groups.filter((_, index) => kept.has(index)).map((group) => this.#show(group));
  }

  /** What stands on each, without what only ages or is counted. */
  signature(): string {
    return this.#facts.config.groups
      .map(({ name }) => `${name} ${this.#standing(name)} ${this.#proofState(name)}`)
      .join('\n');
  }

  /** The worst first: not in force, not proven, the rest. */
  #rank({ name }: Group): number {
    const standing = this.#standing(name);
    if (standing === 'out-of-scope') return 2;
    const proof = this.#proofState(name);
    if (!isInForce(standing) || proof === 'leaking') return 0;
    return proof === 'proven' ? 2 : 1;
  }

  #standing(name: string): NetworkShown['state'] {
    return this.#judged.get(name) ?? this.#facts.enforcement.state;
  }

  #proofState(name: string): NetworkShown['proof']['state'] {
    const { nowMs, config } = this.#facts;
    return proofState(this.#proofs.get(name), nowMs, config.probe.intervalMs);
  }

  #show({ name, clients }: Group): NetworkShown {
    const { day, refusedOf, clientsOf, exemptOf } = this.#facts;
    const standing = this.#standing(name);
    const proof = this.#proofs.get(name);
    const provenMs = proof?.lastSuccessMs;
    return {
      group: name,
      state: standing,
      inForce: isInForce(standing),
      inScope: standing !== 'out-of-scope',
      prefixes: prefixesOf(clients),
      proof: {
        state: this.#proofState(name),
        time: provenMs === undefined ? null : new Date(provenMs).toISOString(),
        leakedNames: proof?.leaked ?? 0,
        examples: [...(proof?.examples ?? [])],
        reason: proof?.unasked ?? null,
      },
      refusedToday: refusedOf.get(name) ?? 0,
      clientsToday: clientsOf[name] ?? null,
      exempt: exemptOf.get(name) ?? 0,
      strip: [...(day.spansOf.get(name) ?? [])],
    };
  }
}

/** The first prefixes of a list, as text. */
export const prefixesOf = (list: Parameters<typeof unpackPrefixes>[0]): string[] => {
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
): NetworkShown['proof']['state'] => {
  if (proof?.unasked !== undefined) return 'unasked';
  if (proof?.outcome === 'leaking') return 'leaking';
  if (proof?.outcome === 'broken') return 'failing';
  if (proof?.lastSuccessMs === undefined) return 'never';
  if (proof.isOutdated === true) return 'changed';
  return isFresh(proof.lastSuccessMs, nowMs, proofAgeMaxMs(everyMs)) ? 'proven' : 'old';
};

type Mandate = StateShown['mandates'][number];

/** Mandates, which of the networks `shown` each reaches, and how many of all. */
export const mandatesOf = (config: Config, shown: readonly NetworkShown[]): Mandate[] => {
  const reachOf = Map.groupBy(matrixOf(config), ({ mandate }) => mandate);
  const names = new Set(shown.map(({ group }) => group));
  return config.mandates.map(({ mandate: { id, title, standing, sources } }) => {
    const rows = reachOf.get(id) ?? [];
    const reaches = { whole: 0, part: 0, none: 0 };
    for (const { reach } of rows) reaches[reach]++;
    return {
      ...{ id, title: title.en, standing: standing.value, reaches },
      isUnread: sources.some(({ sure }) => sure !== 'primary'),
      networks: rows
        .filter(({ group }) => names.has(group))
        .map(({ group, reach, why }) => ({ group, reach, why })),
    };
  });
};

/** Mandates that reach one network. */
export const mandatesReaching = (config: Config, name: string): NetworkNow['mandates'] => {
  const titles = new Map(config.mandates.map(({ mandate: { id, title } }) => [id, title.en]));
  return matrixOf(config)
    .filter(({ group, reach }) => group === name && reach !== 'none')
    .map(({ mandate: id, reach }) => ({ id, title: titles.get(id) ?? id, reach }));
};
