// The fleet of the running program: what its policy puts in force here, and what it is told of this resolver.
//
// Without the key `fleet` nothing is loaded and every method does nothing. A fleet that cannot be begun, because the resolver
// was never taken in or a key is not there, costs the fleet and nothing else: the log says so, and names are refused as before.
import { AppError, isAppError, systemClock, VERSION } from '../base/base.ts';
import type { Config } from '../config/config.ts';
import { describeEnforcement, type Enforcement } from '../enforcement/enforcement.ts';
import { type FleetActs, type FleetFacts, type RunningFleet, startFleet } from '../fleet/fleet.ts';
import type { Log } from '../observe/observe.ts';
import type { Changes } from './changes.ts';
import type { Evidence } from './evidence.ts';
import type { StateKeeper } from './state-keeper.ts';

/** The parts of the program that a fleet concerns. */
export interface FleetLinkParts {
  readonly log: Log;
  readonly evidence: Evidence;
  readonly changes: Changes;
  readonly state: StateKeeper;
  enforcement(): Enforcement;
  monotonic(): number;
}

/** A fleet, or none. */
export class FleetLink {
  readonly #parts: FleetLinkParts;
  #fleet: RunningFleet | undefined;
  /** The role of the configuration; undefined: no fleet. */
  #role: 'authority' | 'node' | undefined;

  constructor(parts: FleetLinkParts) {
    this.#parts = parts;
  }

  /** What runs; undefined where there is no fleet. */
  get running(): RunningFleet | undefined {
    return this.#fleet;
  }

  /** Begins what the configuration says. */
  async start({ fleet, stateDirectory }: Config): Promise<void> {
    if (fleet === undefined) return;
    const { log, evidence } = this.#parts;
    this.#role = fleet.role;
    try {
      this.#fleet = await startFleet({
        stateDirectory,
        role: fleet.role,
        servers: fleet.servers,
        caPath: fleet.caPath,
        trust: fleet.trust,
        site: fleet.site,
        suspendAfterMs: fleet.suspendExemptionsAfterMs,
        acts: this.#acts(),
        register: () => evidence.register(),
      });
    } catch (thrown) {
      if (!isAppError(thrown)) throw thrown;
      log.error({ err: thrown }, 'fleet: this resolver goes on by itself');
    }
  }

  /** The register has something new. */
  registerChanged(): void {
    this.#fleet?.registerChanged();
  }

  /** Throws ERR_FLEET_NODE and ERR_FLEET_HOLD, where exemptions are decided elsewhere or later. */
  requireDecisions(isNew: boolean): void {
    if (this.#role === 'node') {
      throw new AppError('ERR_FLEET_NODE', 'deciding on an exemption: this resolver is a node of a fleet', {
        hint: 'Decide at the authority: what it decides holds here within a second.',
      });
    }
    this.#fleet?.requireDecisions(isNew);
  }

  /** For metrics; undefined without a fleet. */
  facts(): FleetFacts | undefined {
    return this.#fleet?.facts();
  }

  async stop(): Promise<void> {
    await this.#fleet?.stop();
  }

  #acts(): FleetActs {
    const { log, evidence, state, monotonic } = this.#parts;
    return {
      exemption: (event) => evidence.adopt(event),
      list: () => Promise.resolve({ isApplied: true }),
      overlays: () => Promise.resolve({ isApplied: true }),
      suspend: (isSuspended) => evidence.suspendExemptions(isSuspended),
      note: (note) => evidence.journal.fleet(note),
      facts: () => ({
        version: VERSION,
        generation: state.current.generation?.policy.generation ?? 0,
        state: describeEnforcement(this.#parts.enforcement()),
        records: evidence.sequences(),
      }),
      log,
      clock: systemClock,
      monotonic,
    };
  }
}
