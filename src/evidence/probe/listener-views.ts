// Which views there are at the listeners, as any program of this host would ask them: each plain one, and each encrypted one
// by the name that clients are told and by names that groups are known by.
//
// What this host cannot show from outside is named: keys of client certificates are the devices' own, and of tokens the
// configuration has hashes only. Encrypted listeners may share an address, because DNS over TLS and over QUIC have the same port
// of two protocols: that is one view with both transports.

import { type Endpoint, formatEndpoint, matchesPrefix, type Prefix } from '../../base/base.ts';
import { type ReasonId, reasonText } from '../../base/words/words.ts';
import type { Clients, IdentityRules } from '../../policy/access/access.ts';
import type { ProbeTransport } from './plan-facts.ts';
import type { SecureTransport } from './secure-inquiry.ts';
import { type ListenerAccess, reachListener } from './views.ts';

/** Names of groups that a listener is asked by: each costs some ten handshakes in every run, at every listener. */
const NAMES_MAX = 8;
/** Groups that a reason names. */
const GROUPS_NAMED_MAX = 5;

/** The encrypted listeners, as clients are told of them. */
export interface SecureFacts {
  readonly listeners: readonly SecureListener[];
  /** The name that DDR, DNR and profiles tell; an address where the certificate has no name. */
  readonly name: string;
  /** Addresses of plain listeners from which DDR leads here. */
  readonly discoveredAt: readonly string[];
  /** Of DNS over HTTPS. */
  readonly path: string;
}

/** One of them. */
interface SecureListener {
  readonly transport: SecureTransport;
  readonly endpoint: Endpoint;
  /** A client without a certificate gets no connection. */
  readonly requiresCertificate: boolean;
}

/** A listener of the configuration that is not there. */
export interface UnservedListener {
  readonly endpoint: Endpoint;
  readonly reason: string;
}

/** A view that nobody can ask, or not in every way. */
export interface UnaskedView {
  readonly view: string;
  readonly reason: string;
}

/** What is looked at. */
export interface ListenerFacts {
  /** Endpoints with their ports; none when listeners are not to be asked. */
  readonly listen: readonly Endpoint[];
  /** The encrypted listeners, where they are to be asked. */
  readonly secure?: SecureFacts | undefined;
  readonly unserved?: readonly UnservedListener[];
  /** Proxies that say for whom they ask: what comes from their addresses without such a word is not answered. */
  readonly proxies?: readonly Prefix[];
}

/** The groups, by their index. */
export interface GroupFacts {
  readonly clients: Clients;
  readonly names: readonly string[];
  /** What they are known by; undefined: addresses only. */
  readonly rules: IdentityRules | undefined;
  /** Whether the group has to refuse anything. */
  isAsked(group: number): boolean;
}

/** A listener as it is asked by one name. */
export interface ListenerView {
  readonly id: string;
  readonly transports: readonly ProbeTransport[];
  readonly access: ListenerAccess;
  /** The name that it is asked by; empty over plain DNS. */
  readonly name: string;
  /** Index of the group that this host belongs to there. */
  readonly group: number;
  readonly isAllowed: boolean;
}

/** A handshake that is looked at. */
export interface Door {
  readonly view: string;
  readonly server: Endpoint;
  readonly transport: SecureTransport;
  readonly name: string;
  /** From where DDR leads here, which the certificate has to hold too. */
  readonly addresses: readonly string[];
}

/** What there is at the listeners. */
export interface ListenerViews {
  readonly views: readonly ListenerView[];
  readonly doors: readonly Door[];
  readonly unasked: readonly UnaskedView[];
}

/** Looks which listeners this host reaches, and as whom. */
export const findListenerViews = async (facts: ListenerFacts, groups: GroupFacts): Promise<ListenerViews> => {
  const found: ListenerViews & { views: ListenerView[]; doors: Door[]; unasked: UnaskedView[] } = {
    views: [],
    doors: [],
    unasked: (facts.unserved ?? []).map(({ endpoint, reason }) => ({ view: idOf(endpoint), reason })),
  };
  for (const endpoint of facts.listen) {
    const access = await reach(endpoint, facts, found.unasked);
    if (access === undefined) continue;
    const { group, allowed: isAllowed } = groups.clients.identify(access.client, formatEndpoint(endpoint));
    found.views.push({ id: idOf(endpoint), transports: PLAIN, access, name: '', group, isAllowed });
  }
  const { secure } = facts;
  if (secure === undefined) return found;
  const asked = askedNames(secure, groups);
  for (const [id, listeners] of Map.groupBy(secure.listeners, ({ endpoint }) => idOf(endpoint))) {
    const [{ endpoint } = NO_LISTENER] = listeners;
    const access = await reach(endpoint, facts, found.unasked);
    if (access === undefined) continue;
    const transports = listeners.map(({ transport }) => transport);
    const isClosed = listeners.some(({ requiresCertificate }) => requiresCertificate);
    for (const { name, suffix, addresses } of asked.names) {
      const view = `${id}${suffix}`;
      for (const transport of transports)
        found.doors.push({ view, server: access.server, transport, name, addresses });
      const { identities } = groups.clients;
      const who = identities?.identify({ serverName: name, certificate: undefined, token: '' });
      const client = groups.clients.identify(access.client, formatEndpoint(endpoint), who);
      const { group, allowed: isAllowed } = client;
      const reason = reasonAgainst(isAllowed, isClosed);
      if (reason !== undefined) found.unasked.push({ view, reason });
      else found.views.push({ id: view, transports, access, name, group, isAllowed });
    }
    const hidden = hiddenAt(transports, groups, asked.left);
    found.unasked.push(...hidden.map((reason) => ({ view: id, reason })));
  }
  return found;
};

const PLAIN: readonly ProbeTransport[] = ['udp', 'tcp'];
const NO_LISTENER = { endpoint: { address: '', port: 0, family: 4 } } as const;

const idOf = (endpoint: Endpoint): string => `listener:${formatEndpoint(endpoint)}`;

const reach = async (
  endpoint: Endpoint,
  { proxies }: ListenerFacts,
  unasked: UnaskedView[],
): Promise<ListenerAccess | undefined> => {
  const reached = await reachListener(endpoint);
  const view = idOf(endpoint);
  if (typeof reached === 'string') {
    unasked.push({ view, reason: reached });
    return undefined;
  }
  if (proxies?.some(({ words, bits }) => matchesPrefix(reached.client, words, bits)) !== true) return reached;
  unasked.push({ view, reason: reasonText('proxy') });
  return undefined;
};

interface AskedName {
  readonly name: string;
  /** Of the view. */
  readonly suffix: string;
  readonly addresses: readonly string[];
}

/** The name that clients are told, and one for each group that is known by names; `left`: groups whose names are not asked by. */
const askedNames = (
  { name: told, discoveredAt }: SecureFacts,
  { rules, names, isAsked }: GroupFacts,
): { readonly names: readonly AskedName[]; readonly left: readonly string[] } => {
  const known = (rules?.serverNames ?? []).flatMap((serverNames, group) => {
    const [first] = serverNames.includes(told.toLowerCase()) || !isAsked(group) ? [] : serverNames;
    return first === undefined ? [] : [{ first, group: names[group] ?? '' }];
  });
  const others = known
    .slice(0, NAMES_MAX)
    .map(({ first }) => ({ name: first, suffix: `@${first}`, addresses: [] }));
  return {
    names: [{ name: told, suffix: '', addresses: discoveredAt }, ...others],
    left: known.slice(NAMES_MAX).map(({ group }) => group),
  };
};

/** Why nothing can be asked at an encrypted listener; undefined where something can. */
const reasonAgainst = (isAllowed: boolean, requiresCertificate: boolean): string | undefined => {
  if (requiresCertificate) return onlyCertificate('takes-certificates');
  return isAllowed ? undefined : onlyCertificate('may-not-ask');
};

const onlyCertificate = (why: ReasonId): string => reasonText('only-certificate', { why: reasonText(why) });

/** As whom this host cannot ask at a listener, with the reason. */
const hiddenAt = (
  transports: readonly SecureTransport[],
  { rules, names, isAsked }: GroupFacts,
  left: readonly string[],
): string[] => {
  const asked = (of: readonly (readonly unknown[])[] = []): readonly string[] =>
    of.flatMap((known, group) => (known.length > 0 && isAsked(group) ? [names[group] ?? ''] : []));
  const hidden: string[] = [];
  const note = (of: readonly string[], why: string): void => {
    const count = of.length - GROUPS_NAMED_MAX;
    const groups = of.slice(0, GROUPS_NAMED_MAX).join(', ');
    if (of.length > 0)
      hidden.push(reasonText(count > 0 ? 'as-groups-and-more' : 'as-groups', { groups, count, why }));
  };
  if (transports.some((transport) => transport !== 'doq'))
    note(asked(rules?.certificates), reasonText('own-keys'));
  if (transports.includes('doh')) note(asked(rules?.tokens), reasonText('only-hashes'));
  note(left, reasonText('names-most', { count: NAMES_MAX }));
  return hidden;
};
