// Checks that concern more than one key: what repeats, excludes or names what is not there.
//
// They run even when other checks found faults, so that one run shows all problems: see draft.ts for what that means
// for the values. Lists and groups are in check-lists.ts, servers in check-upstreams.ts, papers and records in
// check-evidence.ts, the control room in check-control-room.ts, fleets in check-fleet.ts, what FIPS forbids in check-fips.ts, who
// clients are in check-identity.ts, what was left out of the installation in check-features.ts.
import {
  createAddress,
  type Endpoint,
  formatEndpoint,
  matchesPrefix,
  parseAddress,
  parsePrefix,
} from '../base/base.ts';
import { formatName } from '../wire/dns/dns.ts';
import { checkControlRoom } from './check-control-room.ts';
import { checkEvidence } from './check-evidence.ts';
import { checkFeatures } from './check-features.ts';
import { checkFips } from './check-fips.ts';
import { checkFleet } from './check-fleet.ts';
import { checkIdentity } from './check-identity.ts';
import { checkFeeds, checkGroups, checkLists, checkStructuredErrors } from './check-lists.ts';
import { checkLocal } from './check-local.ts';
import { checkMandates } from './check-mandates.ts';
import { checkUpstreams } from './check-upstreams.ts';
import {
  type CrossCheckFacts,
  conflict,
  type Draft,
  isMap,
  itemsOf,
  LISTENER_KINDS,
  type Report,
  reportRepeat,
} from './draft.ts';
import type { ReadMandates } from './mandate-pack.ts';
import { formatIpv6Prefix } from './prefix-leaf.ts';
import { formatPath, type Path } from './problem.ts';
import { LOCAL_NETWORKS } from './sections/access.ts';
import { missing, quote } from './value.ts';

/** Reports everything that does not fit together. */
export const crossCheck = (
  draft: Draft,
  facts: CrossCheckFacts,
  mandates: ReadMandates,
  report: Report,
): void => {
  checkListeners(draft, report);
  checkUpstreams(draft, report);
  checkForward(draft, report);
  checkLocal(draft, report);
  checkExceptions(draft, report);
  checkFeeds(draft, facts, report);
  checkLists(draft, facts, mandates, report);
  checkMandates(draft, facts, mandates, report);
  checkGroups(draft, facts, mandates, report);
  checkBlock(draft, report);
  checkStructuredErrors(draft, report);
  checkBounds(draft, report);
  checkEvidence(draft, report);
  checkFips(draft, report);
  checkFleet(draft, report);
  checkIdentity(draft, report);
  checkControlRoom(draft, report);
  checkFeatures(draft, facts, report);
};

const checkListeners = (draft: Draft, report: Report): void => {
  // DNS over QUIC has UDP alone: DNS over TLS may have the same port, and usually has.
  const [overTcp, overUdp] = [new Map<string, string>(), new Map<string, string>()];
  const add = (seen: Map<string, string>, path: Path, endpoint: Endpoint | false | undefined) => {
    if (endpoint === undefined || endpoint === false || endpoint.port === 0) return;
    reportRepeat(seen, formatEndpoint(endpoint), path, 'listens already', report);
  };
  for (const name of LISTENER_KINDS) {
    const seen = name === 'doq' ? overUdp : overTcp;
    for (const [index, endpoint] of itemsOf(draft.listen?.[name])) {
      add(seen, ['listen', name, index], endpoint);
      if (name === 'dns' && endpoint !== undefined)
        overUdp.set(formatEndpoint(endpoint), formatPath(['listen', name, index]));
    }
  }
  add(overTcp, ['listen', 'admin'], draft.listen?.admin);
  add(overTcp, ['control-room', 'listen'], draft['control-room']?.listen);
  checkPlain(draft, report);
  checkProof(draft, report);
  for (const name of ['dot', 'doh', 'doq'] as const) {
    if ([...itemsOf(draft.listen?.[name])].length > 0 && draft.tls === undefined) {
      report(
        ['listen', name],
        conflict('there is no certificate to prove with', 'write tls: { cert: "cert.pem", key: "key.pem" }'),
      );
    }
  }
};

/** What encrypted listeners prove with comes from files or by ACME. */
const checkProof = ({ tls, listen }: Draft, report: Report): void => {
  if (!isMap(tls)) return;
  const { acme } = tls;
  for (const name of ['cert', 'key'] as const) {
    if (acme === undefined && tls[name] === undefined) report(['tls', name], missing());
    if (acme !== undefined && tls[name] !== undefined)
      report(['tls', name], conflict('the certificate comes by "tls.acme"', 'write one of both'));
  }
  if (acme === undefined) return;
  if (tls.ocsp !== undefined)
    report(['tls', 'ocsp'], conflict('a certificate by "tls.acme" changes by itself', 'remove the key'));
  if ([...itemsOf(listen?.doh)].length === 0) {
    const text = 'the authority looks at "listen.doh", and nothing listens there';
    report(['tls', 'acme'], conflict(text, 'write listen: { doh: [...] } with port 443'));
  }
  const seen = new Map<string, string>();
  for (const [index, name] of itemsOf(isMap(acme) ? acme.names : undefined)) {
    if (name !== undefined)
      reportRepeat(seen, name, ['tls', 'acme', 'names', index], 'is named already', report);
  }
};

/** HTTP without TLS: queries and tokens can be read on the way, so that it is for a proxy on this host or beside it. */
const checkPlain = (draft: Draft, report: Report): void => {
  const written = [...itemsOf(draft.listen?.['doh-plain'])];
  if (written.length > 0 && [...itemsOf(draft.proxies?.from)].length === 0) {
    report(
      ['listen', 'doh-plain'],
      conflict('nobody may ask there', 'name the proxies that end TLS in "proxies.from"'),
    );
  }
  for (const [index, endpoint] of written) {
    if (endpoint === undefined || isInternal(endpoint.address)) continue;
    const text = `${quote(formatEndpoint(endpoint))} is neither loopback nor private: queries and tokens could be read on the way`;
    report(
      ['listen', 'doh-plain', index],
      conflict(text, 'write such as "127.0.0.1:8053", or use "listen.doh"'),
    );
  }
};

/** True for an address that is not reachable from the Internet; a wildcard may be. */
const isInternal = (address: string): boolean => {
  const words = createAddress();
  if (!parseAddress(address, words)) return false;
  return LOCAL_NETWORKS.some((text) => {
    const prefix = parsePrefix(text);
    return prefix !== undefined && matchesPrefix(words, prefix.words, prefix.bits);
  });
};

const checkForward = (draft: Draft, report: Report): void => {
  const seen = new Map<string, string>();
  for (const [index, rule] of itemsOf(draft.forward)) {
    for (const [at, zone] of itemsOf(rule?.zones)) {
      if (zone === undefined) continue;
      reportRepeat(seen, formatName(zone), ['forward', index, 'zones', at], 'is forwarded already', report);
    }
  }
};

const checkExceptions = (draft: Draft, report: Report): void => {
  checkZones(['dnssec', 'negative-anchors'], draft.dnssec?.['negative-anchors'], report);
  checkZones(['rebinding', 'allow'], draft.rebinding?.allow, report);
  const seen = new Map<string, string>();
  for (const [index, prefix] of itemsOf(draft.dns64?.exclude)) {
    if (prefix === undefined) continue;
    reportRepeat(seen, formatIpv6Prefix(prefix), ['dns64', 'exclude', index], 'is named already', report);
  }
};

const checkZones = (
  path: Path,
  zones: readonly (Uint8Array | undefined)[] | undefined,
  report: Report,
): void => {
  const seen = new Map<string, string>();
  for (const [index, zone] of itemsOf(zones)) {
    if (zone !== undefined)
      reportRepeat(seen, formatName(zone), [...path, index], 'is named already', report);
  }
};

const checkBlock = (draft: Draft, report: Report): void => {
  const block = draft.block;
  if (!isMap(block)) return;
  const hasAddress = Object.hasOwn(block, 'address');
  const mode = block.mode?.kind;
  if (mode === 'address-beside' && !hasAddress) report(['block', 'address'], missing());
  if (mode !== undefined && mode !== 'address-beside' && hasAddress) {
    const text = mode === 'address' ? 'the addresses stand in "block.mode" already' : `the mode is ${mode}`;
    report(['block', 'address'], conflict(text, 'addresses go with the mode address'));
  }
};

const checkBounds = (draft: Draft, report: Report): void => {
  const ttl = draft.cache?.ttl;
  const atMost = (path: Path, value: number | undefined, limit: number | undefined, limitName: string) => {
    if (value === undefined || limit === undefined || value <= limit) return;
    report(path, conflict(`is more than ${quote(limitName)}`));
  };
  atMost(['cache', 'ttl', 'min'], ttl?.min, ttl?.max, 'cache.ttl.max');
  atMost(['cache', 'ttl', 'min'], ttl?.min, ttl?.['negative-max'], 'cache.ttl.negative-max');
  const resolver = draft.resolver;
  atMost(['resolver', 'try-timeout'], resolver?.['try-timeout'], resolver?.timeout, 'resolver.timeout');
  const tcp = draft.tcp;
  atMost(['tcp', 'per-client'], tcp?.['per-client'], tcp?.connections, 'tcp.connections');
  const tls = draft.tls;
  atMost(['tls', 'per-client'], tls?.['per-client'], tls?.connections, 'tls.connections');
};
