// The query log of the running program, where the configuration wants one: rings for the workers, and the thread behind them.

import { join } from 'node:path';
import { type Part, VERSION } from '../../base/base.ts';
import type { Config } from '../../config/config.ts';
import type { QueryLogShare } from '../../telemetry/events/events.ts';
import type { Log, QueryLogMetrics } from '../../telemetry/observe/observe.ts';
import { type KeptLogFacts, QueryLogWriter } from '../query-log/query-log.ts';
import type { GenerationFacts } from '../records/records.ts';
import { queryLogSettings, RECORDS_NAME, resolverName } from './record-settings.ts';

/** How long a loss is a problem after it happened, milliseconds. */
const LOSS_MS = 300_000;

/** Of one program. */
export class QueryLogKeeping implements Part<Config> {
  readonly name = 'query log';
  readonly #keeper: QueryLogWriter;
  readonly #resolver: string;
  readonly #monotonic: () => number;
  #lost = 0;
  #lostMs: number | undefined;

  constructor(
    config: Config,
    parts: { readonly log: Log; readonly workerCount: number; monotonic(): number },
  ) {
    this.#resolver = resolverName(config);
    this.#monotonic = parts.monotonic;
    this.#keeper = new QueryLogWriter(parts.workerCount, parts.log);
  }

  async open(config: Config): Promise<void> {
    await this.follow(config);
  }

  prepare(config: Config): void {
    this.#settingsOf(config);
  }

  async follow(config: Config): Promise<void> {
    await this.#keeper.follow(this.#settingsOf(config));
  }

  look(): void {
    const lost = Object.values(this.facts()?.lost ?? {}).reduce((sum, count) => sum + count, 0);
    if (lost > this.#lost) this.#lostMs = this.#monotonic();
    this.#lost = lost;
  }

  close(): Promise<void> {
    return this.#keeper.stop();
  }

  /** What a worker is given; undefined: no log is kept. */
  shareOf(worker: number, { queryLog }: Config): QueryLogShare | undefined {
    const ring = queryLog.outputs.length === 0 ? undefined : this.#keeper.ringOf(worker);
    const hasUpstreams = queryLog.outputs.some(
      ({ to, messages }) =>
        to.kind.startsWith('dnstap') && messages.some((message) => message.startsWith('forwarder')),
    );
    return ring && { ring, sample: queryLog.sample, hasUpstreams };
  }

  /** What numbers in queries mean; before any worker decides by the generation. */
  define(facts: GenerationFacts): void {
    this.#keeper.define(facts);
  }

  /** Undefined when no log is kept. */
  facts(): KeptLogFacts | undefined {
    return this.#keeper.facts();
  }

  /** What metrics and health tell of it. */
  metrics(): QueryLogMetrics | undefined {
    const facts = this.facts();
    const isLossy = this.#lostMs !== undefined && this.#monotonic() - this.#lostMs < LOSS_MS;
    return facts && { outputs: facts.outputs, lost: facts.lost, isLossy };
  }

  #settingsOf(config: Config): ReturnType<typeof queryLogSettings> {
    return queryLogSettings(config, {
      resolver: this.#resolver,
      version: VERSION,
      recordsDirectory: join(config.stateDirectory, RECORDS_NAME),
    });
  }
}
