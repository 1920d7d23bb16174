// Checks across the keys of the control room.
import { conflict, type Draft, isMap, itemsOf, type Report } from './draft.ts';

/** Hosts of this machine, as they stand in addresses. */
const LOOPBACK = /^(?:127\.|::1$|\[::1\]$|localhost$)/;

/** Reports what would let people sign in over the open network, or be two people at once. */
export const checkControlRoom = (draft: Draft, report: Report): void => {
  const room = draft['control-room'];
  if (!isMap(room)) return;
  const { listen, tls, url, oidc } = room;
  if (listen !== undefined && !LOOPBACK.test(listen.address) && tls === undefined) {
    report(
      ['control-room', 'listen'],
      conflict(
        'it is not on loopback, and there is no certificate',
        'write tls: { cert: "cert.pem", key: "key.pem" }',
      ),
    );
  }
  if (url !== undefined) {
    const found = URL.parse(url);
    if (found !== null && (found.pathname !== '/' || found.search !== ''))
      report(['control-room', 'url'], conflict('it has a path', 'write scheme and host only'));
    if (found?.protocol === 'http:' && !LOOPBACK.test(found.hostname))
      report(['control-room', 'url'], conflict('it is neither https nor on loopback'));
  }
  if (!isMap(oidc)) return;
  const issuer = oidc.issuer === undefined ? null : URL.parse(oidc.issuer);
  if (issuer?.protocol === 'http:' && !LOOPBACK.test(issuer.hostname))
    report(['control-room', 'oidc', 'issuer'], conflict('it is neither https nor on loopback'));
  const byGroup = new Map<string, Set<string>>();
  for (const [index, mapping] of itemsOf(oidc.roles)) {
    if (mapping?.group === undefined || mapping.role === undefined) continue;
    const roles = byGroup.get(mapping.group) ?? new Set();
    byGroup.set(mapping.group, roles.add(mapping.role));
    if (roles.has('administrator') && roles.has('approver')) {
      report(
        ['control-room', 'oidc', 'roles', index],
        conflict(
          'its members would be administrator and approver at once',
          'give the roles to different groups',
        ),
      );
    }
  }
};
