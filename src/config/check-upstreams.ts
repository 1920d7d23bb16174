// Checks across the keys that name servers: what repeats, leads back to ourselves, or would weaken a list.
//
// Encryption is the matter of a whole list: when one server of it is encrypted, no other server of it and no fallback
// may be plain, or an attacker who disturbs the encrypted ones could read everything (RFC 8310 section 5).
import { type Endpoint, formatEndpoint } from '../base/base.ts';
import { conflict, type Draft, isMap, itemsOf, LISTENER_KINDS, type Report, reportRepeat } from './draft.ts';
import { formatPath, type Path } from './problem.ts';
import type { UpstreamConfig } from './upstream-leaf.ts';
import { Fault, quote } from './value.ts';

/** Reports what is wrong between the servers of each list, and between servers and other keys. */
export const checkUpstreams = (draft: Draft, report: Report): void => {
  const lists = [...serverLists(draft)];
  for (const servers of lists) checkServers(draft, servers, report);
  for (const [index, group] of itemsOf(draft.groups)) {
    if (!isMap(group) || !Object.hasOwn(group, 'fallback') || Object.hasOwn(group, 'upstreams')) continue;
    const hint = 'name the servers that it stands in for';
    report(['groups', index, 'fallback'], conflict('goes with "upstreams" of the group only', hint));
  }
  checkBootstrap(draft, lists.flat(), report);
  checkTrust(draft, lists.flat(), report);
};

/** A server and where it is written. */
interface Place {
  readonly path: Path;
  readonly server: UpstreamConfig;
}

/** The lists of servers, each with its fallback behind it. */
function* serverLists(draft: Draft): Iterable<readonly Place[]> {
  yield [...placesOf(['upstreams'], draft.upstreams), ...placesOf(['fallback'], draft.fallback)];
  for (const [index, rule] of itemsOf(draft.forward)) {
    if (isMap(rule)) yield placesOf(['forward', index, 'upstreams'], rule.upstreams);
  }
  for (const [index, group] of itemsOf(draft.groups)) {
    if (!isMap(group)) continue;
    const path = ['groups', index];
    yield [
      ...placesOf([...path, 'upstreams'], group.upstreams),
      ...placesOf([...path, 'fallback'], group.fallback),
    ];
  }
}

const placesOf = (path: Path, servers: readonly (UpstreamConfig | undefined)[] | undefined): Place[] =>
  [...itemsOf(servers)].flatMap(([index, server]) =>
    server === undefined ? [] : [{ path: [...path, index], server }],
  );

const checkServers = (draft: Draft, places: readonly Place[], report: Report): void => {
  const seen = new Map<string, string>();
  const encrypted = places.find(({ server }) => isEncrypted(server));
  for (const { path, server } of places) {
    reportRepeat(seen, server.text, path, 'is named already', report);
    if (server.host.kind === 'address') checkCircle(draft, server.host.endpoint, server.text, path, report);
    if (encrypted === undefined || isEncrypted(server) || mayBePlain(encrypted, path)) continue;
    const text = `${quote(server.text)} is not encrypted, and the server at ${formatPath(encrypted.path)} is`;
    const hint = 'name only encrypted servers or only plain ones: trouble must not take the encryption away';
    report(path, conflict(text, hint));
  }
};

/** A plain list may have an encrypted fallback. */
const mayBePlain = (encrypted: Place, path: Path): boolean =>
  encrypted.path.includes('fallback') && !path.includes('fallback');

const checkCircle = (draft: Draft, server: Endpoint, text: string, path: Path, report: Report): void => {
  for (const kind of LISTENER_KINDS.filter((name) => name !== 'doq')) {
    for (const [, own] of itemsOf(draft.listen?.[kind])) {
      if (own === undefined || own.port !== server.port || !servesAddress(own, server)) continue;
      const where = `"listen.${kind}"`;
      report(path, conflict(`${quote(text)} is an address of ${where}: questions would go in circles`));
      return;
    }
  }
};

/** Sees loopback only: which other addresses are the machine's own is known when the program runs. */
const servesAddress = (own: Endpoint, server: Endpoint): boolean => {
  if (own.address === server.address) return true;
  const isWildcard = own.address === '0.0.0.0' || own.address === '::';
  return isWildcard && (server.address.startsWith('127.') || server.address === '::1');
};

const checkBootstrap = (draft: Draft, places: readonly Place[], report: Report): void => {
  const seen = new Map<string, string>();
  for (const [index, server] of itemsOf(draft.bootstrap)) {
    if (server === undefined) continue;
    const path = ['bootstrap', index];
    reportRepeat(seen, formatEndpoint(server), path, 'is named already', report);
    checkCircle(draft, server, formatEndpoint(server), path, report);
  }
  const named = places.filter(({ server }) => server.host.kind === 'name');
  if (draft.bootstrap === undefined) {
    for (const { path, server } of named) {
      const text = `${quote(server.text)} has a host name, and no "bootstrap" server can be asked for its addresses`;
      const hint = 'name plain servers under "bootstrap", or write an address and "#" before the name';
      report(path, new Fault('ERR_CONFIG_MISSING_KEY', text, hint));
    }
  } else if (named.length === 0 && !hasFaultyServer(draft)) {
    report(['bootstrap'], conflict('no upstream has a host name', 'remove the key'));
  }
};

/** True when a server that was refused may have had a name. */
const hasFaultyServer = (draft: Draft): boolean => {
  const rules = [...itemsOf(draft.forward)].map(([, rule]) => rule?.upstreams);
  const groups = [...itemsOf(draft.groups)].flatMap(([, group]) => [group?.upstreams, group?.fallback]);
  return [draft.upstreams, draft.fallback, ...rules, ...groups].some((servers) =>
    [...itemsOf(servers)].some(([, server]) => server === undefined),
  );
};

/** The word of an upstream is worth what the way to it is worth (RFC 4035 section 4.9.3, RFC 6840 section 5.7). */
const checkTrust = (draft: Draft, places: readonly Place[], report: Report): void => {
  if (draft.dnssec?.mode !== 'trust-ad') return;
  const path = ['dnssec', 'mode'];
  const hint = 'encrypt all upstreams, or write "validate"';
  if (draft.upstreams === undefined) {
    report(path, conflict("the system's resolvers are asked, which are not encrypted", hint));
    return;
  }
  const plain = places.find(({ server }) => !isEncrypted(server));
  if (plain === undefined) return;
  const text = `${quote(plain.server.text)} at ${formatPath(plain.path)} is not encrypted: anybody on the way could vouch for an answer`;
  report(path, conflict(text, hint));
};

const isEncrypted = ({ transport }: UpstreamConfig): boolean => transport === 'tls' || transport === 'https';
