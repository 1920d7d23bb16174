// Checks between the keys that say who clients are: what repeats, and what nothing could ever show.
import { formatEndpoint } from '../base/base.ts';
import { conflict, type Draft, isMap, itemsOf, type Report, reportRepeat, unknown } from './draft.ts';
import type { Path } from './problem.ts';
import { quote } from './value.ts';

/** Reports what does not fit together about identities. */
export const checkIdentity = (draft: Draft, report: Report): void => {
  checkAuthorities(draft, report);
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
    for (const [at, name] of itemsOf(group['server-names'])) {
      if (name === undefined) continue;
      reportRepeat(seen, name, [...path, 'server-names', at], 'has a group already', report);
    }
    checkUse(draft, group, path, report);
  }
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
