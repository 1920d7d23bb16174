// Collecting, as `cordon collect` does it: follows policy for who is in the fleet, takes evidence, and confirms it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError, type Clock, errorText, systemClock, VERSION } from '../base/base.ts';
import type { FoundIssue } from '../base/words/words.ts';
import { type JudgeRecord, loadRecordSchema } from '../evidence/records/records.ts';
import type { FleetActs, FleetLog } from './acts.ts';
import type { ConnectBus, MessageBus } from './bus.ts';
import { Collector } from './collector.ts';
import { Database } from './database.ts';
import type { DatabaseAccess } from './database-address.ts';
import { DatabaseStore } from './database-store.ts';
import { DirectoryStore } from './directory-store.ts';
import { leave } from './handler.ts';
import { toSeedKey } from './key.ts';
import { ListFetcher } from './list-fetcher.ts';
import { Member } from './member.ts';
import { POLICY_NAME } from './members.ts';
import { Membership } from './membership.ts';
import { connectNats } from './nats-bus.ts';
import { PolicyLog } from './policy-log.ts';
import { FOREIGN_MAX, type Presence, TEXT_LENGTH_MAX } from './presence.ts';
import { PresenceCheck } from './presence-check.ts';
import { LastSequences, Sequence, type Stamp, stampMessage } from './signed-message.ts';
import { COLLECTOR_NAME, confirmedSubject, presenceSubject } from './subjects.ts';

/** Between two rounds of saying again what is confirmed, milliseconds: the engine may have lost it. */
const CONFIRM_MS = 15_000;
/** After the engine did not take evidence's reader, milliseconds. */
const RETRY_MS = 1_000;

/** Characters of why nothing is kept, in what the collector says of itself. */
const TROUBLE_LENGTH = 200;

/** What a collector is begun with. */
export interface CollectOptions {
  /** Of the records, or with a database of what the collector itself has to know. */
  readonly directory: string;
  /** Undefined: records are kept in the directory. */
  readonly database: DatabaseAccess | undefined;
  readonly servers: readonly string[];
  readonly caPath: string | undefined;
  readonly trust: readonly string[];
  readonly seedPath: string;
  /** Between two checkpoints, milliseconds. */
  readonly checkpointMs: number;
  readonly log: FleetLog;
  /** What is wrong with resolvers that are not Cordon's and that it watches as well. */
  readonly foreign?: () => readonly FoundIssue[];
  /** Undefined: NATS, and the clocks of the machine. */
  readonly connect?: ConnectBus;
  readonly clock?: Clock;
  readonly monotonic?: Clock;
}

/** A collector that runs. */
export interface RunningCollector {
  stop(): Promise<void>;
}

/**
 * Begins. Rejects with ERR_FLEET_KEY, ERR_COMPLIANCE_RECORDS_LOCKED, ERR_FLEET_LOG, for a database that is not reached at the start
 * ERR_FLEET_DATABASE and ERR_FLEET_DATABASE_SCHEMA, and errors of the system.
 */
export const startCollector = async (options: CollectOptions): Promise<RunningCollector> => {
  const { directory, servers, caPath, trust, seedPath, checkpointMs, log } = options;
  const { clock = systemClock, monotonic = () => performance.now() } = options;
  const seed = readSeed(seedPath);
  const key = toSeedKey(seed);
  const { judgeRecord } = await loadRecordSchema();
  const databaseStore = options.database && (await openDatabase(options.database, judgeRecord));
  const membership = new Membership(trust);
  let engine: MessageBus | undefined;
  const confirmed = new Map<string, string>();
  const collector: Collector = new Collector({
    directory,
    store: databaseStore ?? new DirectoryStore(directory, judgeRecord),
    membership,
    clock,
    monotonic,
    log,
    before: databaseStore && (() => databaseStore.keepPolicy(policyLog)),
    catchUp: () => member.catchUp(),
    onConfirmed: (node, recordClass, enrolment, sequence, hash, missing) => {
      const text = JSON.stringify({ enrolment, sequence, hash, missing });
      const subject = confirmedSubject(node, recordClass);
      if (engine === undefined || confirmed.get(subject) === text) return;
      confirmed.set(subject, text);
      engine.store(subject, text, { stamp: stamp(subject, text) }).catch(() => confirmed.delete(subject));
    },
  });
  // Behind the lock of the directory, which the collector has: another one that reads it would take it for damaged.
  const { log: policyLog } = PolicyLog.open(join(directory, POLICY_NAME), clock());
  const sequence = new Sequence(join(directory, 'sequence'), clock);
  const sequences = new LastSequences(join(directory, 'heard.json'), monotonic);
  const stamp = (subject: string, text: string): Stamp => stampMessage(subject, text, sequence.next(), key);
  const presences = new PresenceCheck(membership, sequences, clock);
  const acts = collectorActs({ log, clock, monotonic }, () => collector.trouble);
  /** Says again what is confirmed. */
  const repeat = (): void => {
    confirmed.clear();
    leave(collector.confirmAll(), 'confirming', log);
  };
  const look = (): void => leave(collector.lookThrough(), 'looking for missing records', log);
  let end: (() => Promise<void>) | undefined;
  let isStopped = false;
  const take = async (from: MessageBus): Promise<void> => {
    while (end === undefined && !isStopped) {
      try {
        end = await from.collect((message) => collector.take(message));
      } catch {
        // The authority makes the streams when it is there.
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  };
  const member: Member = new Member({
    identity: { name: COLLECTOR_NAME, enrolment: 1 },
    role: 'collector',
    connect: options.connect ?? connectNats,
    access: { servers, caPath, name: COLLECTOR_NAME, seed: () => seed },
    log: policyLog,
    membership,
    acts,
    lists: new ListFetcher(directory, acts),
    stamp,
    sequences,
    checkpointMs,
    suspendAfterMs: Number.POSITIVE_INFINITY,
    onAlarm: () => undefined,
    confirmed: () => ({ queries: 0, changes: 0 }),
    refusals: () => {
      const { counts, last } = collector.alarms;
      const isKeeping = collector.trouble === undefined;
      return {
        isKeeping,
        alarms: Object.fromEntries(counts),
        lastAlarms: last.map((alarm) => ({ ...alarm })),
        ...(options.foreign && { foreign: toForeign(options.foreign()) }),
      };
    },
    onUp: (up) => {
      const isFirst = engine === undefined;
      engine = up;
      repeat();
      if (!isFirst) return;
      // Of a resolver whose entry has not come yet, evidence and what it says would be refused.
      const begin = async (): Promise<void> => {
        await member.caughtUp;
        up.subscribe(presenceSubject('*'), async (bytes, subject, stamp) => {
          let judged = presences.judge(bytes, subject, stamp, false);
          if (judged.kind === 'refused' && judged.alarm === 'forged-presence') {
            // By a key of which the entry is on its way.
            await member.catchUp();
            judged = presences.judge(bytes, subject, stamp, false);
          }
          await collector.receivePresence(judged);
        });
        await take(up);
      };
      leave(begin(), 'taking evidence', log);
    },
  });
  await member.start();
  const timer = setInterval(() => {
    look();
    repeat();
  }, CONFIRM_MS);
  return {
    stop: async () => {
      isStopped = true;
      clearInterval(timer);
      await end?.();
      await collector.close();
      await member.close();
    },
  };
};

/** Leaks before holes, as many as a presence may tell. */
const toForeign = (issues: readonly FoundIssue[]): NonNullable<Presence['foreign']> =>
  issues
    .toSorted((a, b) => Number(b.id === 'foreign-leaking') - Number(a.id === 'foreign-leaking'))
    .slice(0, FOREIGN_MAX)
    .map(({ id, subject, text, sinceMs = 0 }) => ({
      ...{ id, subject, text: text.slice(0, 2 * TEXT_LENGTH_MAX), since: new Date(sinceMs).toISOString() },
    }));

const readSeed = (path: string): string => {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (cause) {
    throw new AppError('ERR_FLEET_KEY', `reading the key of the collector, ${path}: ${errorText(cause)}`, {
      cause,
      hint: 'Copy "fleet/collector.seed" of the state directory of the authority, and name it with --seed.',
    });
  }
};

const openDatabase = async (access: DatabaseAccess, judge: JudgeRecord): Promise<DatabaseStore> => {
  const database = new Database(access);
  await database.check();
  return new DatabaseStore(database, judge);
};

const collectorActs = (
  given: Pick<FleetActs, 'log' | 'clock' | 'monotonic'>,
  trouble: () => string | undefined,
): FleetActs => ({
  exemption: ({ id }) => Promise.resolve({ isApplied: true, subject: id }),
  list: () => Promise.resolve({ isApplied: true }),
  overlays: () => Promise.resolve({ isApplied: true }),
  pause: () => Promise.resolve({ isApplied: true }),
  pauseMsMax: () => 0,
  suspend: () => Promise.resolve(),
  decides: () => Promise.resolve(),
  note: () => undefined,
  damaged: () => undefined,
  contents: () => undefined,
  facts: () => ({
    version: VERSION,
    generation: 0,
    state: trouble()?.slice(0, TROUBLE_LENGTH) ?? 'collects',
    records: { queries: 0, changes: 0 },
  }),
  ...given,
});
