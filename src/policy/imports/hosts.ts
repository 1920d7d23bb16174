// hosts(5) as records: an address, then names. Shared by dnsmasq and Pi-hole.
import type { ImportDraft } from './draft.ts';
import { readLoosePrefix } from './prefix-holes.ts';

/** Names of the machine itself. */
const OWN = /^(?:localhost|localhost\.localdomain|local|broadcasthost|ip6-.*|.*\.localdomain)$/i;
const UNUSABLE = /^(?:0\.0\.0\.0|0|::)$/;

/** Adds the records of a hosts file; a name with an unusable address is refused. `domain` is put behind bare names. */
export const takeHosts = (
  draft: ImportDraft,
  file: string,
  text: string,
  domain?: string,
  ttl?: number,
): void => {
  for (const [index, line] of text.split('\n').entries()) {
    const [address = '', ...names] = line.replace(/#.*$/, '').trim().split(/\s+/);
    if (address === '') continue;
    const where = `${file}:${index + 1}`;
    takeHost(draft, where, address, names, domain, ttl);
  }
};

/** Adds one line of a hosts file. */
export const takeHost = (
  draft: ImportDraft,
  where: string,
  address: string,
  names: readonly string[],
  domain?: string,
  ttl?: number,
): void => {
  const prefix = readLoosePrefix(address);
  if (prefix?.bits !== 128 && !UNUSABLE.test(address)) {
    draft.findings.leave(where, [address, ...names].join(' '), 'it begins with no address', 'correct it');
    return;
  }
  for (const name of names) {
    if (OWN.test(name))
      draft.findings.hold('names of the machine itself', 'Cordon answers localhost by itself');
    else if (UNUSABLE.test(address)) draft.refuseExact(where, name);
    else if (/^127\.|^::1$/.test(address))
      draft.findings.leave(
        where,
        `${address} ${name}`,
        'it leads every client to itself',
        'write the address of the host under local.records, or refuse the name by a list',
      );
    else {
      const type = address.includes(':') ? 'AAAA' : 'A';
      draft.addRecord(where, name, type, address, ttl);
      if (domain !== undefined && !name.includes('.'))
        draft.addRecord(where, `${name}.${domain}`, type, address, ttl);
    }
  }
};
