// What a worker is told to decide with, made of a configuration and of what the program found for it.
//
// One place for it: the running program settles its workers by this, and `cordon explain` decides by the same settings
// where no program runs.
import { X509Certificate } from 'node:crypto';
import { type Endpoint, formatAddress, formatEndpoint } from '../../base/base.ts';
import type { Config } from '../../config/config.ts';
import type { AccessTable, IdentityTable } from '../../policy/access/access.ts';
import { accessOf, type Generation } from '../../policy/generation/generation.ts';
import type { SharedPolicy } from '../../policy/policy.ts';
import type { QueryLogShare } from '../../telemetry/events/events.ts';
import { type CounterBlock, CounterTotals, type RefusalBlock } from '../../telemetry/observe/observe.ts';
import { authorityFingerprints, type RevokedCertificates, type TlsSettings } from '../../wire/tls/tls.ts';
import {
  type Certificate,
  createService,
  DOH_PATH,
  ddrRecords,
  type EncryptedService,
  toCertificate,
} from '../discovery/discovery.ts';
import { CHECK_KEY, type DeviceCheckSetting, localDataOf, noticeAddresses } from '../local/local.ts';
import type { ResolutionSettings } from '../resolve/resolve.ts';
import type { StreamLimits } from '../server/server.ts';
import type { ForwardingRoute } from '../upstream/upstream.ts';
import { ENCRYPTED_KINDS, type EncryptedEndpoint, type EncryptedSettings } from './encrypted-listeners.ts';
import type { WorkerSettings } from './messages.ts';
import { toStructuredErrors } from './structured-errors.ts';

/** What one state of the program consists of. */
export interface State {
  readonly config: Config;
  readonly generation: Generation | undefined;
  /** What the generation was made of: the configuration without lists that are still to be fetched. */
  readonly enforced: Config;
  readonly listen: readonly Endpoint[];
  readonly encrypted: readonly EncryptedEndpoint[];
  /** What these prove with; undefined: nothing is encrypted. */
  readonly tls: TlsSettings | undefined;
  /** Client certificates that do not count any more. */
  readonly revoked: RevokedCertificates;
  readonly routes: readonly ForwardingRoute[];
  /** View of each group, by its index. */
  readonly views: readonly number[];
  /** By worker. */
  readonly counters: readonly CounterBlock[];
  readonly refusals: readonly RefusalBlock[];
}

/** Who is known by more than an address; undefined where neither a group nor a listener asks for more. */
export const toIdentities = ({ config: { groups }, revoked, tls }: State): IdentityTable | undefined => {
  const isAny = groups.some(
    ({ certificates, tokens, serverNames }) => certificates.length + tokens.length + serverNames.length > 0,
  );
  // A listener may require a certificate that no group asks for.
  if (!isAny && tls?.clientAuthorities === undefined) return undefined;
  const rules = {
    certificates: groups.map(({ certificates }) => certificates),
    tokens: groups.map(({ tokens }) => tokens),
    serverNames: groups.map(({ serverNames }) => serverNames),
  };
  const authorities = tls && authorityFingerprints(tls.clientAuthorities ?? []);
  return { rules, revoked, authorities };
};

/** The encrypted service as clients are told of it, by the certificate in force; undefined where there is none. */
export const announcedOf = ({
  encrypted,
  tls,
}: State): { readonly service: EncryptedService; readonly certificate: Certificate } | undefined => {
  if (tls?.cert === undefined) return undefined;
  const endpointsOf = (wanted: EncryptedEndpoint['kind']): Endpoint[] =>
    encrypted.filter(({ kind }) => kind === wanted).map(({ endpoint }) => endpoint);
  const certificate = toCertificate((new X509Certificate(tls.cert).subjectAltName ?? '').split(', '));
  const ways = {
    dot: endpointsOf('dot'),
    doh: endpointsOf('doh'),
    doq: endpointsOf('doq'),
    dohPath: DOH_PATH,
  };
  const service = createService(ways, certificate);
  return service && { service, certificate };
};

/** The records that lead from plain DNS to the encrypted listeners. */
const toDesignated = (state: State): readonly Uint8Array[] => {
  const announced = announcedOf(state);
  return announced === undefined ? [] : ddrRecords(announced.service, state.listen, announced.certificate);
};

/** What is told to one worker alone. */
interface WorkerFacts {
  readonly isPaused: boolean;
  readonly events: SharedArrayBuffer | undefined;
  readonly queryLog?: QueryLogShare | undefined;
  /** Undefined: nobody reads leases. */
  readonly leases?: SharedArrayBuffer | undefined;
  /** It has the listeners for QUIC, and no others. */
  readonly hasQuic?: boolean;
}

/** What one worker is told. */
export const toSettings = (
  state: State,
  index: number,
  trust: Pick<ResolutionSettings, 'mode' | 'anchors'>,
  { isPaused, events, queryLog, leases, hasQuic = false }: WorkerFacts,
): WorkerSettings => {
  const { config, generation } = state;
  const counters = state.counters[index];
  const refusals = state.refusals[index] ?? EMPTY_REFUSALS;
  if (counters === undefined) throw new RangeError(`settings: no counters for worker ${index}`);
  const { staleSecMax, afterMs, ttlSec } = config.cache.stale;
  return {
    listen: hasQuic ? [] : state.listen,
    proxies: config.proxies.from,
    encrypted: toEncrypted(state, hasQuic),
    policy: generation && withPause(generation.policy, isPaused),
    access: {
      ...namedListeners(generation?.access ?? accessOf(config), state),
      views: state.views,
      identities: toIdentities(state),
      allowsDevices: config.access.identified,
      leases,
    },
    ttlLimits: {
      minSec: config.cache.ttlSecMin,
      maxSec: config.cache.ttlSecMax,
      negativeMaxSec: config.cache.negativeTtlSecMax,
    },
    routes: state.routes,
    timeoutMs: config.resolver.timeoutMs,
    tryTimeoutMs: config.resolver.tryTimeoutMs,
    inflightMax: config.resolver.inflightMax,
    inflightPerServerMax: config.resolver.inflightPerServerMax,
    cookies: config.resolver.cookies,
    mixedCase: config.resolver.mixedCase,
    resolution: {
      // By name: both are accessors, which a spread leaves out.
      mode: trust.mode,
      anchors: trust.anchors,
      timeoutMs: config.resolver.timeoutMs,
      // Zones that are forwarded elsewhere are seldom on the public tree: no chain of trust leads there from its root.
      // An operator who names anchors says what is signed.
      negativeAnchors: [
        ...config.dnssec.negativeAnchors,
        ...(config.dnssec.anchorsPath === undefined ? config.forward.flatMap(({ zones }) => zones) : []),
      ],
      aggressiveNsec: config.dnssec.aggressiveNsec,
      allowSha1: config.dnssec.allowSha1,
      dns64: config.dns64,
      local: localDataOf(config.local),
    },
    stale: staleSecMax === 0 ? undefined : { afterMs, ttlSec },
    staleMs: staleSecMax * 1000,
    prefetch: config.cache.prefetch,
    rateLimit: config.rateLimit.rules,
    designated: toDesignated(state),
    check: toCheck(config),
    structured: toStructuredErrors(config, generation),
    clientShareMax: config.resolver.clientShareMax,
    zoneShareMax: config.resolver.zoneShareMax,
    rebindingAllowed: config.rebinding.protect
      ? [...config.rebinding.allow, ...config.forward.flatMap(({ zones }) => zones)]
      : undefined,
    counters,
    refusals,
    events,
    queryLog,
  };
};

const toCheck = ({ notice, block }: Config): DeviceCheckSetting | undefined => {
  if (notice?.check === undefined) return undefined;
  const refusedTo = block.answer.kind === 'address' ? block.answer.addresses.map(formatAddress) : [];
  const listening = notice.listen.map(({ address }) => address);
  return { apex: notice.check, addresses: noticeAddresses(listening, refusedTo), key: CHECK_KEY };
};

const toEncrypted = ({ config, encrypted, tls }: State, hasQuic: boolean): EncryptedSettings | undefined => {
  const endpoints = encrypted
    .map((at, index) => ({ ...at, requiresCertificate: isRequiredAt(config, index) }))
    .filter(({ kind }) => (kind === 'doq') === hasQuic);
  const hasProof = tls !== undefined || endpoints.every(({ kind }) => kind === 'dohPlain');
  if (endpoints.length === 0 || !hasProof) return undefined;
  const handshakes = config.tls && {
    perClient: config.tls.handshakesPerClient,
    isDryRun: false,
    slip: 0,
    exempt: config.rateLimit.exempt,
  };
  return { endpoints, tls, limits: encryptedLimits(config), handshakes, takesWords: config.doh.json };
};

/** Bounds of connections: where only a proxy has a certificate there is no `tls`, and those of TCP hold. */
export const encryptedLimits = ({ tls, tcp }: Config): StreamLimits => tls ?? tcp;

/** Endpoints stand in the order of the configuration, kind by kind; over QUIC clients show no certificate. */
export const isRequiredAt = ({ listen, tls }: Config, index: number): boolean => {
  const written = [...listen.dot, ...listen.doh][index];
  return (
    written !== undefined &&
    tls?.clientRequiredAt.some((at) => formatEndpoint(at) === formatEndpoint(written)) === true
  );
};

/** The policy as it is judged by: while refusals are suspended, every list only watches. */
export const withPause = (policy: SharedPolicy, isPaused: boolean): SharedPolicy =>
  isPaused ? { ...policy, lists: policy.lists.map((list) => ({ ...list, logOnly: true })) } : policy;

/** Listeners by the addresses that they have, where the configuration says "any free port". */
export const namedListeners = (
  access: AccessTable,
  { config, listen, encrypted }: Pick<State, 'config' | 'listen' | 'encrypted'>,
): AccessTable => {
  const names = new Map<string, string>();
  for (const [index, endpoint] of config.listen.dns.entries()) {
    names.set(formatEndpoint(endpoint), formatEndpoint(listen[index] ?? endpoint));
  }
  const secured = ENCRYPTED_KINDS.flatMap((kind) => config.listen[kind]);
  for (const [index, endpoint] of secured.entries()) {
    names.set(formatEndpoint(endpoint), formatEndpoint(encrypted[index]?.endpoint ?? endpoint));
  }
  return {
    ...access,
    listeners: access.listeners.map((group) => group.map((name) => names.get(name) ?? name)),
  };
};

const EMPTY_REFUSALS: RefusalBlock = new CounterTotals().openRefusals({ lists: [], groups: [] });
