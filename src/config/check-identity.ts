// Checks between the keys that say who clients are: what repeats, and what nothing could ever show.
import {
  formatEndpoint,
  formatPrefix,
  holdsDevices,
  isIpv4,
  MAPPED_BITS,
  type Prefix,
} from '../base/base.ts';
import { conflict, type Draft, isMap, itemsOf, type Report, reportRepeat, unknown } from './draft.ts';
import type { Path } from './problem.ts';
import { quote } from './value.ts';

/** A forwarder speaks for no larger network: half of the Internet is a mistake, and fc00::/7 is the widest that is one's own. */
const SPOKEN_FOR_BITS_MIN = 7;

/** Reports what does not fit together about identities. */
export const checkIdentity = (draft: Draft, report: Report): void => {
  checkAuthorities(draft, report);
  checkForwarders(draft, report);
  checkLeases(draft, report);
  const named = new Map<string, string>();
  const seen = new Map<string, string>();
  const devices = new Map<string, string>();
  for (const [index, group] of itemsOf(draft.groups)) {
    if (!isMap(group)) continue;
    const path = ['groups', index];
    for (const [at, rule] of itemsOf(group.certificates)) {
      if (rule === undefined) continue;
      reportRepeat(seen, rule, [...path, 'certificates', at], 'has a group already', report);
    }
    for (const [at, token] of itemsOf(group.tokens)) {
      if (!isMap(token)) continue;
      const below = [...path, 'tokens', at];
      if (token.sha256 !== undefined)
        reportRepeat(seen, token.sha256, [...below, 'sha256'], 'has a group already', report);
      if (token.device !== undefined)
        reportRepeat(
          devices,
          token.device.toLowerCase(),
          [...below, 'device'],
          'has a token already',
          report,
        );
    }
    for (const [at, name] of itemsOf(group.devices)) {
      if (name === undefined) continue;
      reportRepeat(named, name.toLowerCase(), [...path, 'devices', at], 'has a group already', report);
    }
    for (const [at, name] of itemsOf(group['server-names'])) {
      if (name === undefined) continue;
      reportRepeat(seen, name, [...path, 'server-names', at], 'has a group already', report);
    }
    checkUse(draft, group, path, report);
  }
};

/** Reports forwarders that nothing shows, that are there twice, or that would speak for everybody. */
const checkForwarders = (draft: Draft, report: Report): void => {
  const seen = new Map<string, string>();
  const addresses = new Map<string, string>();
  const shown = new Map<string, string>();
  for (const [index, forwarder] of itemsOf(draft.forwarders)) {
    if (!isMap(forwarder)) continue;
    const path = ['forwarders', index];
    const { name, from, certificates, clients } = forwarder;
    if (name !== undefined) reportRepeat(seen, name, [...path, 'name'], 'is the name already', report);
    for (const [at, prefix] of itemsOf(from))
      if (prefix !== undefined)
        reportRepeat(
          addresses,
          formatPrefix(prefix),
          [...path, 'from', at],
          'is a forwarder already',
          report,
        );
    for (const [at, rule] of itemsOf(certificates))
      if (rule !== undefined)
        reportRepeat(shown, rule, [...path, 'certificates', at], 'is a forwarder already', report);
    for (const [at, prefix] of itemsOf(clients))
      if (prefix !== undefined) checkSpokenFor(prefix, [...path, 'clients', at], report);
    if (from === undefined && certificates === undefined)
      report(path, conflict('nothing shows who it is', 'write "from" or "certificates"'));
    if (certificates !== undefined && draft.tls?.['client-authorities'] === undefined)
      report(
        [...path, 'certificates'],
        conflict(
          'clients are not asked for certificates',
          'write the authority that signs them to "tls.client-authorities"',
        ),
      );
  }
};

/** Reports sources of leases that are there twice, or that would be believed of everybody. */
const checkLeases = (draft: Draft, report: Report): void => {
  const seen = new Map<string, string>();
  for (const [index, source] of itemsOf(draft.leases)) {
    if (!isMap(source)) continue;
    const path = ['leases', index];
    if (source.path !== undefined)
      reportRepeat(seen, source.path, [...path, 'path'], 'is read already', report);
    for (const [at, prefix] of itemsOf(source.clients))
      if (prefix !== undefined) checkSpokenFor(prefix, [...path, 'clients', at], report);
  }
};

const checkSpokenFor = (prefix: Prefix, path: Path, report: Report): void => {
  const bits = isIpv4(prefix.words) ? prefix.bits - MAPPED_BITS : prefix.bits;
  const text = quote(formatPrefix(prefix));
  if (bits < SPOKEN_FOR_BITS_MIN)
    report(path, conflict(`${text} is nearly everybody`, 'name the networks that are meant'));
  if (holdsDevices(prefix)) report(path, conflict(`${text} stands for devices, and no client is there`));
};

type GroupDraft = Exclude<NonNullable<Draft['groups']>[number], undefined>;

/** What a group knows its clients by, and nothing listens that they could show it to. */
const checkUse = (draft: Draft, group: GroupDraft, path: Path, report: Report): void => {
  const has = (name: 'dot' | 'doh' | 'doh-plain' | 'doq'): boolean =>
    [...itemsOf(draft.listen?.[name])].length > 0;
  if (group.certificates !== undefined && draft.tls?.['client-authorities'] === undefined) {
    const hint = 'write the authority that signs them to "tls.client-authorities"';
    report([...path, 'certificates'], conflict('clients are not asked for certificates', hint));
  }
  if (group.tokens !== undefined && !has('doh') && !has('doh-plain')) {
    report([...path, 'tokens'], conflict('nothing listens for DNS over HTTPS', 'write "listen.doh"'));
  }
  if (group['server-names'] !== undefined && !has('dot') && !has('doh') && !has('doq')) {
    report(
      [...path, 'server-names'],
      conflict('nothing listens encrypted', 'write "listen.dot", "listen.doh" or "listen.doq"'),
    );
  }
};

const checkAuthorities = (draft: Draft, report: Report): void => {
  const { tls } = draft;
  if (!isMap(tls)) return;
  const hint = 'write the authority that signs client certificates to "tls.client-authorities"';
  for (const name of ['client-required', 'client-revocations'] as const) {
    if (tls[name] === undefined || tls['client-authorities'] !== undefined) continue;
    report(['tls', name], conflict('clients are not asked for certificates', hint));
  }
  const listening = (['dot', 'doh'] as const)
    .flatMap((name) => [...itemsOf(draft.listen?.[name])])
    .flatMap(([, own]) => (own === undefined ? [] : [formatEndpoint(own)]));
  const overQuic = [...itemsOf(draft.listen?.doq)].flatMap(([, own]) =>
    own === undefined ? [] : [formatEndpoint(own)],
  );
  for (const [at, endpoint] of itemsOf(tls['client-required'])) {
    if (endpoint !== undefined && overQuic.includes(formatEndpoint(endpoint))) {
      const text = `${quote(formatEndpoint(endpoint))} is an address of "listen.doq" too, where no certificate is asked for`;
      report(['tls', 'client-required', at], conflict(text, 'give "listen.doq" another port'));
    }
    if (endpoint === undefined || listening.includes(formatEndpoint(endpoint))) continue;
    const text = `${quote(formatEndpoint(endpoint))} is no address of "listen.dot" or "listen.doh"`;
    report(['tls', 'client-required', at], unknown(text, `these are ${listening.join(', ')}`));
  }
};
