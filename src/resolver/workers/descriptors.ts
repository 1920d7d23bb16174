// How many descriptors the process may have, and how many TCP connections of clients that leaves room for.
//
// Clients take one each, and could take all: then operators reach neither metrics nor the control socket, no list and no
// configuration can be read, and no question goes to an upstream. So the connections of clients are bounded by what the
// limit leaves beside a reserve for all else. Node.js has raised the soft limit to the hard one by the time this runs.
import { readFileSync } from 'node:fs';
import type { Config } from '../../config/config.ts';
import type { Log } from '../../telemetry/observe/observe.ts';
import type { StreamLimits } from '../server/server.ts';
import { ENCRYPTED_KINDS } from './encrypted-listeners.ts';
import { encryptedLimits } from './worker-settings.ts';

/**
 * Of the process: loops and pipes of its threads, the log, the partitions of records with their logs, locks, a reload that
 * reads lists, outputs. Some 40 were counted at rest.
 */
const PROCESS_RESERVE = 96;
/** Connections of the admin listener and of the control socket (people/admin/listener.ts, people/admin/control-socket.ts). */
const ADMIN_RESERVE = 64 + 16;
/** Connections of the notice (people/notice/listener.ts), and its listeners. */
const NOTICE_RESERVE = 256 + 32;
/** Of a worker: its loop, the doors of the probe with their connections. */
const WORKER_RESERVE = 32;
/** Of each listener of a worker: UDP, eight that accept, and sockets for the addresses of a wildcard on a host with a few. */
const LISTENER_RESERVE = 16;
/** Of each upstream and worker: eight sockets, as many that are being given up, and four connections. */
const UPSTREAM_RESERVE = 20;
/** The system's resolvers, where no upstream is named. */
const SYSTEM_RESOLVERS = 3;
/** Below it TCP is of no use to a network: truncated answers come over it. */
const CONNECTIONS_LOW = 64;
/**
 * What the process and each worker have at rest with one upstream (49 and 8 were counted), and what a reload takes beside
 * it: a thread and a file. With less, workers end while they load what they need, and no reload succeeds.
 */
const PROCESS_LEAST = 56;
const WORKER_LEAST = 10;

/** What the descriptors come to. */
export interface DescriptorBudget {
  /** Of the process; undefined: not known here. */
  readonly limit: number | undefined;
  /** Kept for all but connections of clients. */
  readonly reserve: number;
  /** Of each worker. */
  readonly streams: StreamLimits;
  /** The same for encrypted ones; undefined: none is configured. */
  readonly encrypted: StreamLimits | undefined;
  /** The connections that the configuration has do not fit. */
  readonly isLowered: boolean;
  /** Even the reserve does not fit, or hardly any connection beside it. */
  readonly isScarce: boolean;
}

/** The soft limit of the process; undefined where the system does not tell it. */
export const readDescriptorLimit = (): number | undefined => {
  try {
    const [, soft = ''] =
      /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? [];
    return /^\d+$/.test(soft) ? Number(soft) : undefined;
  } catch {
    // No such file outside Linux.
    return undefined;
  }
};

/** As many of the workers as the limit keeps alive, one at least: fewer that live are better than more that end. */
export const affordableWorkers = (wanted: number, limit: number | undefined): number =>
  limit === undefined
    ? wanted
    : Math.min(wanted, Math.max(1, Math.floor((limit - PROCESS_LEAST) / WORKER_LEAST)));

/** Divides the descriptors among all that needs them. */
export const budgetDescriptors = (
  config: Config,
  workers: number,
  limit: number | undefined,
): DescriptorBudget => {
  const { tcp, listen } = config;
  const encrypted = ENCRYPTED_KINDS.flatMap((kind) => listen[kind]).length;
  const bounds = encrypted === 0 ? undefined : encryptedLimits(config);
  const ofWorker =
    WORKER_RESERVE +
    (listen.dns.length + encrypted) * LISTENER_RESERVE +
    countUpstreams(config) * UPSTREAM_RESERVE;
  const ofNotice = config.notice === undefined ? 0 : NOTICE_RESERVE;
  const reserve = PROCESS_RESERVE + ADMIN_RESERVE + ofNotice + workers * ofWorker;
  const room = limit === undefined ? Number.POSITIVE_INFINITY : Math.floor((limit - reserve) / workers);
  const wanted = tcp.connectionsMax + (bounds?.connectionsMax ?? 0);
  const share = Math.min(1, Math.max(0, room / wanted));
  const isScarce = room < Math.min(wanted, CONNECTIONS_LOW);
  return {
    limit,
    reserve,
    streams: lower(tcp, share, isScarce),
    encrypted: bounds && lower(bounds, share, isScarce),
    isLowered: share < 1,
    isScarce,
  };
};

/** A share of the connections that the configuration has. */
const lower = (bounds: StreamLimits, share: number, isScarce: boolean): StreamLimits => {
  const connectionsMax = Math.max(1, Math.floor(bounds.connectionsMax * share));
  return {
    connectionsMax,
    connectionsPerClientMax: Math.min(bounds.connectionsPerClientMax, connectionsMax),
    connectionsPerNetworkMax: Math.max(1, Math.floor(bounds.connectionsPerNetworkMax * share)),
    idleMs: bounds.idleMs,
    ...(isScarce ? { acceptors: 1 } : {}),
  };
};

/** Servers of the configuration, each once. */
const countUpstreams = ({ upstreams, fallback, forward, groups }: Config): number => {
  const texts = new Set(
    [
      ...(upstreams ?? []),
      ...fallback,
      ...forward.flatMap((rule) => rule.upstreams),
      ...groups.flatMap((group) => [...(group.upstreams ?? []), ...group.fallback]),
    ].map(({ text }) => text),
  );
  return texts.size + (upstreams === undefined ? SYSTEM_RESOLVERS : 0);
};

/** Says what the descriptors of the process do not suffice for. */
export const tellDescriptors = (
  log: Log,
  { limit, reserve, streams, isLowered, isScarce }: DescriptorBudget,
  workers: number,
): void => {
  if (!isLowered) return;
  const fields = {
    limit,
    reserve,
    workers,
    connections: streams.connectionsMax,
    hint: 'raise LimitNOFILE of the unit, or ulimit -n; tcp.connections counts for each worker',
  };
  if (isScarce)
    log.error(fields, 'descriptors do not suffice: metrics, control socket, lists and upstreams may fail');
  else log.warn(fields, 'fewer TCP connections of clients than configured, for want of descriptors');
};
