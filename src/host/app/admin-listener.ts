// The listener for metrics and health checks, where the configuration has one.

import { VERSION } from '../../base/base.ts';
import type { Config } from '../../config/config.ts';
import type { EnforcementMonitor } from '../../evidence/recording/recording.ts';
import { type Admin, type ProgramControl, type Readiness, startAdmin } from '../../people/admin/admin.ts';
import type { Health } from '../../people/health/health.ts';
import { AddressFeed } from '../../policy/keeping/keeping.ts';
import type { Log, Metrics } from '../../telemetry/observe/observe.ts';
import { formatName } from '../../wire/dns/dns.ts';
import type { ActiveState } from './active-state.ts';
import type { Part } from './part.ts';
import { readinessOf } from './program-facts.ts';
import type { StateWatch } from './state-watch.ts';

/** The parts of the program that it tells of. */
export interface AdminListenerNeeds {
  readonly log: Log;
  /** Queries are taken. */
  isListening(): boolean;
  readonly state: ActiveState;
  readonly enforcement: EnforcementMonitor;
  readonly stateWatch: StateWatch;
  readonly health: Health;
  readonly metrics: Metrics;
}

/** Of one program. */
export class AdminListenerPart implements Part {
  readonly name = 'admin';
  readonly #parts: AdminListenerNeeds;
  readonly #addresses: AddressFeed;
  #admin: Admin | undefined;

  constructor(parts: AdminListenerNeeds) {
    this.#parts = parts;
    this.#addresses = new AddressFeed(() => {
      const { generation, enforced } = parts.state.current;
      return { generation, enforced };
    });
  }

  readonly readiness = (): Readiness => {
    const { isListening, enforcement, stateWatch, health } = this.#parts;
    return readinessOf(isListening(), enforcement.current, stateWatch.trouble, health.issues);
  };

  /** Where metrics are served; undefined: nowhere. */
  get address(): string | undefined {
    return this.#admin?.address;
  }

  /** Throws what startAdmin() throws. */
  async open({ listen, admin }: Config): Promise<void> {
    if (listen.admin === undefined) return;
    this.#admin = await startAdmin({
      endpoint: listen.admin,
      allow: admin.allow,
      hosts: admin.hosts.map((host) => formatName(host).slice(0, -1)),
      control: this.#control(),
      log: this.#parts.log,
    });
  }

  async close(): Promise<void> {
    await this.#admin?.close();
  }

  #control(): ProgramControl {
    const { metrics } = this.#parts;
    return {
      version: VERSION,
      metrics: () => metrics.render(),
      metricsContentType: metrics.contentType,
      addresses: (form) => this.#addresses.read(form),
      readiness: this.readiness,
    };
  }
}
