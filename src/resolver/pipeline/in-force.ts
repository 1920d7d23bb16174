// What is in force: everything that a change of configuration, lists, exemptions or upstreams replaces, as one object.
//
// It is never changed, only replaced whole, between two queries. A stage is given it and sees nothing half replaced.
import type { Clients } from '../../policy/access/access.ts';
import type { ExemptionIndex, Policy } from '../../policy/policy.ts';
import type { EventObserver, QueryObserver } from '../../telemetry/events/events.ts';
import type { TtlLimits } from '../cache/cache.ts';
import type { LocalZones } from '../local/local.ts';
import type { RebindingGuard } from './rebinding.ts';
import type { Resolver } from './resolver.ts';

/** How stale answers are given (RFC 8767). */
export interface StaleRules {
  /** How long a client waits for a fresh one, milliseconds. */
  readonly afterMs: number;
  /** TTL that clients get, seconds. */
  readonly ttlSec: number;
}

/** Bounds of what is in flight. */
export interface FairnessLimit {
  /** Questions in flight that there is room for. */
  readonly inflightMax: number;
  /** What one client may have of them when they are scarce, 0 to 1. */
  readonly share: number;
  /** What names below one zone may have of them when they are scarce, 0 to 1; all without it. */
  readonly zoneShare?: number;
}

/** What the refusals of one list say to the clients of one group: data of EDE options. */
export interface StructuredError {
  readonly full: Uint8Array;
  /** Without justification and organization, for answers that would be too long. */
  readonly brief: Uint8Array;
}

/** The texts of a configuration. */
export interface StructuredErrors {
  /** Of the EDNS option with which clients ask. */
  readonly optionCode: number;
  /** By group, by list of the policy. */
  readonly texts: readonly (readonly StructuredError[])[];
}

/** What a reload replaces. */
export interface PipelineRules {
  /** Undefined: not ready. */
  readonly policy: Policy | undefined;
  readonly clients: Clients;
  readonly localZones: LocalZones;
  readonly ttlLimits: TtlLimits;
  /** Undefined: stale answers are not given; the cache has to be told to keep them. */
  readonly stale?: StaleRules | undefined;
  /** Whether answers that are asked for again and again are fetched before they expire. */
  readonly prefetch?: boolean;
  /** Refuses private addresses for public names. */
  readonly rebinding?: RebindingGuard | undefined;
  /** Bounds of what is in flight; undefined: as much as there is room. */
  readonly fairness?: FairnessLimit | undefined;
  /** What refused clients are told that ask for it; undefined: nothing but the EDE text. */
  readonly structured?: StructuredErrors | undefined;
}

/** What other changes than a reload replace. */
export interface Beside {
  readonly resolver: Resolver;
  /** Lists that do not count for some. */
  readonly exemptions: ExemptionIndex | undefined;
  /** Counts the changes of exemptions. */
  readonly exemptionChange: number;
  /** Is told what is worth a record; undefined: nobody keeps any. */
  readonly events: EventObserver | undefined;
  /** Is told of every query; undefined: no query log is kept. */
  readonly queryLog: QueryObserver | undefined;
}

/** The rules in force. */
export class InForce implements PipelineRules, Beside {
  readonly policy: Policy | undefined;
  /** That of the policy, 0 when there is none. */
  readonly generation: number;
  readonly clients: Clients;
  readonly localZones: LocalZones;
  readonly ttlLimits: TtlLimits;
  readonly stale: StaleRules | undefined;
  readonly prefetch: boolean;
  readonly rebinding: RebindingGuard | undefined;
  readonly fairness: FairnessLimit | undefined;
  readonly structured: StructuredErrors | undefined;
  readonly resolver: Resolver;
  readonly exemptions: ExemptionIndex | undefined;
  readonly exemptionChange: number;
  readonly events: EventObserver | undefined;
  readonly queryLog: QueryObserver | undefined;

  constructor(rules: PipelineRules, beside: Beside) {
    this.policy = rules.policy;
    this.generation = rules.policy?.generation ?? 0;
    this.clients = rules.clients;
    this.localZones = rules.localZones;
    this.ttlLimits = rules.ttlLimits;
    this.stale = rules.stale;
    this.prefetch = rules.prefetch === true;
    this.rebinding = rules.rebinding;
    this.fairness = rules.fairness;
    this.structured = rules.structured;
    this.resolver = beside.resolver;
    this.exemptions = beside.exemptions;
    this.exemptionChange = beside.exemptionChange;
    this.events = beside.events;
    this.queryLog = beside.queryLog;
  }

  /** The same rules with something else beside them. */
  with(change: Partial<Beside>): InForce {
    return new InForce(this, { ...this, ...change });
  }
}
