// Collecting, as `cordon collect` does it: follows policy for who is in the fleet, takes evidence, and confirms it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock, VERSION } from '../base/base.ts';
import type { FleetActs, FleetLog } from './acts.ts';
import { Collector } from './collector.ts';
import type { Engine } from './engine.ts';
import { COLLECTOR_NAME } from './init.ts';
import { ListFetcher } from './list-fetcher.ts';
import { Member } from './member.ts';
import { POLICY_NAME } from './members.ts';
import { PolicyLog } from './policy-log.ts';
import { parsePresence } from './presence.ts';
import { Roll } from './roll.ts';
import { confirmedSubject, presenceSubject } from './subjects.ts';

/** Between two rounds of saying again what is confirmed, milliseconds: the engine may have lost it. */
const CONFIRM_MS = 15_000;
/** After the engine did not take evidence's reader, milliseconds. */
const RETRY_MS = 1_000;

/** What a collector is begun with. */
export interface CollectOptions {
  readonly directory: string;
  readonly servers: readonly string[];
  readonly caPath: string | undefined;
  readonly trust: readonly string[];
  readonly seedPath: string;
  /** Between two tides, milliseconds. */
  readonly tideMs: number;
  readonly log: FleetLog;
}

/** A collector that runs. */
export interface RunningCollector {
  stop(): Promise<void>;
}

/** Begins. Throws ERR_COMPLIANCE_RECORDS_LOCKED, ERR_FLEET_LOG and errors of the system. */
export const startCollector = async (options: CollectOptions): Promise<RunningCollector> => {
  const { directory, servers, caPath, trust, seedPath, tideMs, log } = options;
  const seed = readFileSync(seedPath, 'utf8').trim();
  const roll = new Roll(trust);
  let engine: Engine | undefined;
  const confirmed = new Map<string, string>();
  const collector = new Collector({
    directory,
    roll,
    clock: systemClock,
    log,
    onConfirmed: (node, recordClass, enrolment, sequence, hash) => {
      const text = JSON.stringify({ enrolment, sequence, hash });
      const subject = confirmedSubject(node, recordClass);
      if (engine === undefined || confirmed.get(subject) === text) return;
      confirmed.set(subject, text);
      engine.store(subject, text).catch(() => confirmed.delete(subject));
    },
  });
  const { log: policyLog } = PolicyLog.open(join(directory, POLICY_NAME), systemClock());
  const acts = collectorActs(log);
  let end: (() => Promise<void>) | undefined;
  let isStopped = false;
  const take = async (from: Engine): Promise<void> => {
    while (end === undefined && !isStopped) {
      try {
        end = await from.collect((message) => collector.take(message));
      } catch {
        // The authority makes the streams when it is there.
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  };
  const member = new Member({
    identity: { name: COLLECTOR_NAME, enrolment: 1 },
    role: 'collector',
    access: { servers, caPath, name: COLLECTOR_NAME, seed: () => seed },
    log: policyLog,
    roll,
    acts,
    lists: new ListFetcher(directory, acts),
    tideMs,
    suspendAfterMs: Number.POSITIVE_INFINITY,
    onAlarm: () => undefined,
    confirmed: () => ({ queries: 0, changes: 0 }),
    refusals: () => {
      const { counts, last } = collector.alarms;
      return { alarms: Object.fromEntries(counts), lastAlarms: last.map((alarm) => ({ ...alarm })) };
    },
    onUp: (up) => {
      const isFirst = engine === undefined;
      engine = up;
      confirmed.clear();
      collector.confirmAll();
      if (!isFirst) return;
      up.subscribe(presenceSubject('*'), (bytes, subject) => {
        const presence = parsePresence(bytes, subject.split('.').at(-1) ?? '');
        if (presence !== undefined) collector.hear(presence);
      });
      // Evidence of a resolver whose entry has not come yet would be refused.
      void member.caughtUp.then(() => take(up));
    },
  });
  await member.start();
  const timer = setInterval(() => {
    confirmed.clear();
    collector.confirmAll();
  }, CONFIRM_MS);
  return {
    stop: async () => {
      isStopped = true;
      clearInterval(timer);
      await end?.();
      collector.close();
      await member.close();
    },
  };
};

const collectorActs = (log: FleetLog): FleetActs => ({
  exemption: ({ id }) => Promise.resolve({ isApplied: true, subject: id }),
  list: () => Promise.resolve({ isApplied: true }),
  overlays: () => Promise.resolve({ isApplied: true }),
  suspend: () => Promise.resolve(),
  decides: () => Promise.resolve(),
  note: () => undefined,
  facts: () => ({ version: VERSION, generation: 0, state: 'collects', records: { queries: 0, changes: 0 } }),
  log,
  clock: systemClock,
  monotonic: () => performance.now(),
});
