// The service as one screen and one page of figures: what every part says of itself, put together when somebody asks.
//
// Nothing is kept for it: the same sources feed metrics, log and readiness, so that all of them say the same.
import { randomUUID } from 'node:crypto';
import { lstatSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  type AppError,
  featuresLeftOut,
  formatEndpoint,
  howToInstall,
  systemClock,
  VERSION,
} from '../../base/base.ts';
import type { HealthIssue } from '../../base/words/words.ts';
import { type Config, configHash } from '../../config/config.ts';
import type { EnforcementMonitor } from '../../evidence/recording/recording.ts';
import type { ListStatus } from '../../policy/keeping/keeping.ts';
import type { AcmeFacts, CertificateReloader } from '../../resolver/certificates/certificates.ts';
import type { UpstreamWatch } from '../../resolver/hosts/hosts.ts';
import type { TrustAnchorUpdater } from '../../resolver/resolve/resolve.ts';
import type { State, Supervisor } from '../../resolver/workers/workers.ts';
import { describeEnforcement, todoOf } from '../../telemetry/enforcement/enforcement.ts';
import {
  ANSWER_BOUNDS_MS,
  type CounterTotals,
  type ServiceHistory,
} from '../../telemetry/observe/observe.ts';
import type {
  Readiness,
  RegisterCopy,
  ServiceControl,
  ServiceFigures,
  ServiceStatus,
} from '../admin/admin.ts';
import type { Health } from '../health/health.ts';
import type { Evidence } from './evidence.ts';
import type { OperatorPause } from './pause.ts';
import { countUpstreams, firstOf, sumOf, timesOf, UPSTREAM_FAMILIES } from './service-counts.ts';
import { showHistory } from './service-past.ts';

/** Of a copy in the state directory, for one backup: another one at the same time has its own. */
const copyName = (of: 'register' | 'room'): string => `${of}.${randomUUID()}${COPY_SUFFIX}`;
const COPY_SUFFIX = '.copy.sqlite';
/** A backup that ended without taking its copies away left them: one takes hours at most. */
const COPY_KEPT_MS = 86_400_000;

/** The parts of the program that say something of themselves. */
export interface ServiceParts {
  readonly totals: CounterTotals;
  readonly supervisor: Supervisor;
  readonly state: { readonly current: State };
  readonly changes: {
    /** Reloads and renewals of lists, as they ended. */
    readonly counts: { readonly success: number; readonly failure: number };
    /** Gives the error that was reported. */
    reload(why: string): Promise<AppError | undefined>;
  };
  readonly enforcement: EnforcementMonitor;
  readonly pause: OperatorPause;
  readonly trust: TrustAnchorUpdater;
  readonly tls: CertificateReloader;
  acme(): AcmeFacts | undefined;
  readonly evidence: Evidence;
  readonly upstreams: UpstreamWatch;
  readonly health: Health;
  readonly history: ServiceHistory;
  /** The state directory. */
  readonly directory: string;
  /** Copies what the control room keeps; false where there is none. */
  copyRoom(path: string): Promise<boolean>;
  lists(): Promise<readonly ListStatus[]>;
  readiness(): Readiness;
  /** Where metrics are served; undefined: nowhere. */
  adminAddress(): string | undefined;
}

/** What the control socket answers about the service. */
export const createServiceControl = (parts: ServiceParts): ServiceControl => ({
  status: () => readStatus(parts),
  figures: () => readFigures(parts),
  history: (span) => showHistory(parts.history, span),
  reload: async (by, reason) => {
    const why = reason === '' ? '' : `: ${reason}`;
    const error = await parts.changes.reload(`a reload came over the control socket, by ${by}${why}`);
    if (error !== undefined) throw error;
    const { current } = parts.enforcement;
    return { generation: generationOf(parts), state: current.state, text: describeEnforcement(current) };
  },
  copyRegister: async (by, reason): Promise<RegisterCopy> => {
    const { evidence, directory } = parts;
    evidence.recording.journal.admin('backup', by, reason);
    const [register, room] = [copyName('register'), copyName('room')];
    try {
      const isCopied = await evidence.exemptions.copyRegister(join(directory, register));
      const hasRoom = await parts.copyRoom(join(directory, room));
      const copies = [...(isCopied ? [register] : []), ...(hasRoom ? [room] : [])];
      removeCopies(directory, copies);
      return { version: VERSION, register: isCopied ? register : null, room: hasRoom ? room : null };
    } catch (thrown) {
      for (const name of [register, room]) rmSync(join(directory, name), { force: true });
      throw thrown;
    }
  },
});

/**
 * Removes copies that are COPY_KEPT_MS older than these, which were just made: by the clock of the file system, which may not be that of
 * the service.
 */
const removeCopies = (directory: string, made: readonly string[]): void => {
  if (made.length === 0) return;
  const times = made.map((name) => lstatSync(join(directory, name)).mtimeMs);
  const beforeMs = Math.min(...times) - COPY_KEPT_MS;
  for (const name of readdirSync(directory).filter((one) => one.endsWith(COPY_SUFFIX))) {
    const path = join(directory, name);
    const { mtimeMs = beforeMs } = lstatSync(path, { throwIfNoEntry: false }) ?? {};
    if (mtimeMs < beforeMs) rmSync(path, { force: true });
  }
};

const generationOf = ({ state }: ServiceParts): number => state.current.generation?.policy.generation ?? 0;

const readStatus = async (parts: ServiceParts): Promise<ServiceStatus> => {
  const { state, enforcement, pause, changes, trust, evidence, supervisor } = parts;
  const issues = await parts.health.refresh();
  const { config, generation } = state.current;
  const { current } = enforcement;
  const nowMs = systemClock();
  const { isPaused, until = '', by = '', reason = '' } = pause.status();
  const facts = evidence.facts();
  const readiness = parts.readiness();
  return {
    version: VERSION,
    node: process.versions.node,
    pid: process.pid,
    time: toText(nowMs),
    startedAt: toText(nowMs - process.uptime() * 1000),
    ready: readiness.ready,
    causes: readiness.causes,
    enforcement: {
      state: current.state,
      text: describeEnforcement(current),
      todo: todoOf(current) ?? null,
      since: toText(nowMs - enforcement.clock.currentMs),
      groups: current.groups.map((group) => ({ group: group.group, state: group.state })),
    },
    pause: isPaused ? { until, by, reason } : null,
    generation: generationOf(parts),
    loadedAt: toTime(generation?.loadedAtMs),
    configSha256: configHash(config),
    reloads: { ...changes.counts },
    dnssec: trust.mode,
    workers: {
      wanted: supervisor.count,
      alive: supervisor.alive,
      hung: supervisor.hung,
      restarts: supervisor.restarts,
      hangs: supervisor.hangs,
    },
    listeners: listenersOf(parts),
    lists: (await parts.lists()).map((status) => listOf(status, parts.state.current.config)),
    upstreams: upstreamsOf(parts),
    exemptions: facts.exemptions === undefined ? null : exemptionsOf(facts.exemptions),
    records: facts.records === undefined ? null : recordsOf(facts.records),
    outputs: (facts.records?.outputs ?? []).map(({ name, written, dropped, queued, trouble }) => ({
      ...{ name, written, dropped, waiting: queued, trouble: trouble ?? null },
    })),
    certificate: certificateOf(parts, issues),
    acme: acmeOf(parts),
    probe: facts.probe === undefined ? null : probeOf(facts.probe),
    leftOut: leftOutHere(),
    problems: issues.filter(({ severity }) => severity !== 'info').map(({ text }) => text),
    issues: issues.map(({ id, severity, subject, text, sinceMs, dueMs, do: todo }) => ({
      ...{ id, severity, subject, text, since: toText(sinceMs), due: toTime(dueMs), do: todo },
    })),
  };
};

const leftOutHere = (): ServiceStatus['leftOut'] => {
  const features = featuresLeftOut();
  return features.length === 0 ? null : { features, how: howToInstall() };
};

type Facts = ReturnType<Evidence['facts']>;

const exemptionsOf = ({
  activeByGround,
  waiting,
  nearestEndMs,
}: NonNullable<Facts['exemptions']>): NonNullable<ServiceStatus['exemptions']> => ({
  active: [...activeByGround.values()].reduce((sum, count) => sum + count, 0),
  waiting,
  nextEnd: toTime(nearestEndMs),
});

const recordsOf = (records: NonNullable<Facts['records']>): NonNullable<ServiceStatus['records']> => ({
  lastCommit: toTime(records.lastCommitMs),
  dropped: records.dropped,
  verified: records.isVerified ?? null,
  freeBytes: records.freeBytes ?? null,
});

const probeOf = (probe: NonNullable<Facts['probe']>): NonNullable<ServiceStatus['probe']> => ({
  lastRun: toTime(probe.lastRunMs),
  leakedNames: probe.leakedNames,
  failed: probe.failed,
  unbelieved: probe.certificates.filter(({ isValid }) => !isValid).map(({ view }) => view),
});

const certificateOf = (
  { tls, state }: ServiceParts,
  issues: readonly HealthIssue[],
): ServiceStatus['certificate'] => {
  const facts = tls.facts(state.current.config);
  if (facts === undefined) return null;
  const { endMs, isRefused } = facts;
  return { ends: toText(endMs), isEnding: issues.some(({ id }) => id === 'certificate-ends'), isRefused };
};

const acmeOf = ({ acme }: ServiceParts): ServiceStatus['acme'] => {
  const facts = acme();
  if (facts === undefined) return null;
  const { state, failures, error, text, nextMs } = facts;
  return { state, failures, error: error ?? null, text: text ?? null, next: toText(nextMs) };
};

const listenersOf = ({ state, adminAddress }: ServiceParts): ServiceStatus['listeners'] => {
  const { listen, encrypted } = state.current;
  const admin = adminAddress();
  return [
    ...listen.map((endpoint) => ({ kind: 'dns' as const, address: formatEndpoint(endpoint) })),
    ...encrypted.map(({ kind, endpoint }) => ({
      kind: kind === 'dohPlain' ? ('doh-plain' as const) : kind,
      address: formatEndpoint(endpoint),
    })),
    ...(admin === undefined ? [] : [{ kind: 'admin' as const, address: admin }]),
  ];
};

const listOf = (
  { id, mandate, inForce, held, kept }: ListStatus,
  { lists }: Config,
): ServiceStatus['lists'][number] => ({
  id,
  mandate,
  mandates: lists.find((list) => list.id === id)?.mandates ?? [],
  entries: inForce?.entries ?? null,
  state:
    held !== null
      ? 'held'
      : inForce === null
        ? 'not in force'
        : kept?.isStale === true
          ? 'stale'
          : (kept?.failures ?? 0) > 0
            ? 'failing'
            : inForce.entries === 0
              ? 'empty'
              : 'good',
  checkedAt: kept?.checkedAt ?? null,
});

const upstreamsOf = ({ upstreams, totals }: ServiceParts): ServiceStatus['upstreams'] => {
  const sums = totals.read(UPSTREAM_FAMILIES);
  const counted = countUpstreams(sums);
  const untrusted = upstreams.untrusted();
  return upstreams.routes().flatMap(({ route, upstreams: names }) =>
    names.map((upstream) => {
      const { queries = 0, answers = 0, failures = 0, totalMs = 0 } = counted.get(upstream) ?? {};
      return {
        ...{ upstream, route, queries, answers, failures },
        up: sums.upstreamsUp.get(upstream) ?? true,
        untrusted: untrusted.has(upstream) ? (untrusted.get(upstream) ?? '') : null,
        certificateEnds: toTime(sums.certificateEnds.get(upstream)),
        meanMs: answers === 0 ? null : totalMs / answers,
      };
    }),
  );
};

const FIGURES_READ = [
  ...(['queries', 'answers', 'drops', 'cacheHits', 'cacheMisses', 'answerTime'] as const),
  ...UPSTREAM_FAMILIES,
] as const;

const readFigures = ({ totals, enforcement }: ServiceParts): ServiceFigures => {
  const sums = totals.read(FIGURES_READ);
  const answers: Record<string, number> = {};
  for (const series of sums.series('answers')) {
    const [source = ''] = series.labels;
    answers[source] = (answers[source] ?? 0) + firstOf(series);
  }
  const { user, system } = process.cpuUsage();
  return {
    time: toText(systemClock()),
    atMs: performance.now(),
    queries: sumOf(sums, 'queries'),
    answers,
    ...totals.refused(),
    dropped: sumOf(sums, 'drops'),
    cacheHits: sumOf(sums, 'cacheHits'),
    cacheMisses: sumOf(sums, 'cacheMisses'),
    inflight: sums.inflight,
    tcpConnections: sums.tcpConnections,
    tlsConnections: sums.tlsConnections,
    answerTimes: { boundsMs: [...ANSWER_BOUNDS_MS], counts: timesOf(sums) },
    residentBytes: process.memoryUsage.rss(),
    cpuMs: (user + system) / 1000,
    state: enforcement.current.state,
    upstreams: [...countUpstreams(sums)].map(
      ([upstream, { queries, answers: taken, failures, totalMs }]) => ({
        ...{ upstream, queries, answers: taken, failures, totalMs },
        up: sums.upstreamsUp.get(upstream) ?? true,
      }),
    ),
  };
};

const toText = (ms: number): string => new Date(ms).toISOString();
const toTime = (ms: number | undefined): string | null => (ms === undefined ? null : toText(ms));
