// What a collector refuses, misses and puts back: counted, told once, kept beside the records, and shown by status.
//
// So many lines of one resolver are noted in an hour: a stolen key fills no disk.
import { type Clock, HOUR_MS } from '../base/base.ts';
import type { ChainHole, RecordClass } from '../evidence/records/records.ts';
import type { FleetLog } from './acts.ts';
import type { FleetAlarm } from './alarms.ts';
import { type CollectorAlarm, type EvidenceStore, PUT_BACK } from './evidence-store.ts';
import type { Membership } from './membership.ts';

/** Alarms that status shows. */
const TOLD_MAX = 10;
/** What is noted of one resolver in an hour, conflicts that are kept as well; more is counted. */
const NOTED_MAX = 200;
/** Refusals that are remembered, so that each is told once. */
const SEEN_MAX = 10_000;

/** What they need. */
export interface CollectorAlarmsOptions {
  readonly store: Pick<EvidenceStore, 'noteAlarm'>;
  readonly membership: Membership;
  readonly clock: Clock;
  readonly log: FleetLog;
}

/** Alarms of one collector. Methods reject with what its store does. */
export class CollectorAlarms {
  readonly counts = new Map<FleetAlarm, number>();
  readonly last: CollectorAlarm[] = [];
  readonly #options: CollectorAlarmsOptions;
  readonly #seen = new Set<string>();
  /** What was noted in an hour of each resolver. */
  readonly #noted = new Map<string, { readonly hour: number; count: number }>();

  constructor(options: CollectorAlarmsOptions) {
    this.#options = options;
  }

  /** Whether something was told; `id` tells it from others of the same alarm and resolver. */
  isTold(alarm: FleetAlarm, node: string, id: string): boolean {
    return this.#seen.has(`${alarm} ${node} ${id}`);
  }

  /** Something is refused or missing. */
  async refuse(alarm: FleetAlarm, node: string, text: string, id: string): Promise<undefined> {
    this.counts.set(alarm, (this.counts.get(alarm) ?? 0) + 1);
    if (this.isTold(alarm, node, id) || !this.mayNote(node)) return;
    await this.note(alarm, node, text);
    if (this.#seen.size > SEEN_MAX) this.#seen.clear();
    this.#seen.add(`${alarm} ${node} ${id}`);
    this.#options.log.error({ node, alarm, text }, 'collector: evidence is refused');
  }

  /** Records that were here and were taken out: their resolver is asked for them, gave them again, or does not have them. */
  async missing(
    node: string,
    recordClass: RecordClass,
    { after, until }: ChainHole,
    outcome: 'asked' | 'filled' | 'gone',
  ): Promise<void> {
    const records = `${recordClass}: records ${after.sequence + 1} to ${until}`;
    if (outcome === 'filled') {
      this.#options.log.info({ node, chain: recordClass, until }, 'collector: missing records are back');
      await this.note(PUT_BACK, node, `${records}, which were taken out here, are back from ${node}`);
      return;
    }
    const text =
      outcome === 'asked'
        ? `${records} were taken out here, and ${node} is asked for them`
        : `${records} were taken out here, and ${node} cannot give them again`;
    await this.refuse('hole', node, text, text);
  }

  /** Keeps a line beside the records, and for the authority, which has it on its record. */
  async note(alarm: CollectorAlarm['alarm'], node: string, text: string): Promise<void> {
    const told = { time: new Date(this.#options.clock()).toISOString(), alarm, node, text };
    await this.#options.store.noteAlarm(told);
    this.last.push(told);
    if (this.last.length > TOLD_MAX) this.last.shift();
  }

  /** Whether something more of a resolver is noted in this hour. */
  mayNote(node: string): boolean {
    // Names that nobody knows are one.
    const name = this.#options.membership.find(node) === undefined ? '' : node;
    const hour = Math.floor(this.#options.clock() / HOUR_MS);
    let noted = this.#noted.get(name);
    if (noted?.hour !== hour) {
      noted = { hour, count: 0 };
      this.#noted.set(name, noted);
    }
    return noted.count++ < NOTED_MAX;
  }
}
