// Checks across the keys of `local`: records that exclude each other, and zones that are answered twice.
import { formatName } from '../wire/dns/dns.ts';
import { conflict, type Draft, isMap, itemsOf, type Report, reportRepeat } from './draft.ts';
import type { Path } from './problem.ts';
import { formatOwner, readLocalData } from './sections/local.ts';
import { Fault } from './value.ts';

/** Reports what does not fit together between records, and between zones here and elsewhere. */
export const checkLocal = (draft: Draft, report: Report): void => {
  if (!isMap(draft.local)) return;
  const seen = new Map<string, string>();
  const ttlsOf = new Map<string, Map<string, number | undefined>>();
  for (const [index, item] of itemsOf(draft.local.records)) {
    if (!isMap(item)) continue;
    const path: Path = ['local', 'records', index];
    const { owner, type, data, ttl } = item;
    const rdata = type === undefined || data === undefined ? undefined : readLocalData(type, data);
    if (rdata instanceof Fault) report([...path, 'data'], rdata);
    if (owner?.name === undefined || type === undefined) continue;
    const name = formatOwner({ name: owner.name, isWildcard: owner.isWildcard === true });
    if (rdata instanceof Uint8Array) {
      const text = `${name} ${type} ${Buffer.from(rdata).toString('hex')}`;
      if (seen.has(text)) report(path, conflict(`${name} ${type} ${data} is written already`));
      seen.set(text, name);
    }
    const ttls = ttlsOf.get(name) ?? new Map<string, number | undefined>();
    ttlsOf.set(name, ttls);
    checkOwner(ttls, name, type, ttl, path, report);
  }
  checkZones(draft, report);
};

/** `ttls` has the TTL of each type that the owner had before. */
const checkOwner = (
  ttls: Map<string, number | undefined>,
  name: string,
  type: string,
  ttlSec: number | undefined,
  path: Path,
  report: Report,
): void => {
  if (ttls.has(type) && ttls.get(type) !== ttlSec) {
    const hint = 'records of one owner and type have one TTL (RFC 2181 section 5.2)';
    report([...path, 'ttl'], conflict(`another ${type} record of ${name} has another TTL`, hint));
  }
  const isAliasBefore = ttls.has('CNAME');
  if (type === 'CNAME' ? ttls.size > 0 : isAliasBefore) {
    const text = `${name} is an alias and has other records`;
    report([...path, 'type'], conflict(text, 'an alias has no other data (RFC 1034 section 3.6.2)'));
  }
  if (!ttls.has(type)) ttls.set(type, ttlSec);
};

const checkZones = (draft: Draft, report: Report): void => {
  const seen = new Map<string, string>();
  for (const [index, rule] of itemsOf(draft.forward)) {
    for (const [at, zone] of itemsOf(rule?.zones)) {
      if (zone !== undefined) seen.set(formatName(zone), `forward[${index}].zones[${at}]`);
    }
  }
  for (const [index, zone] of itemsOf(draft.local?.zones)) {
    if (zone === undefined) continue;
    reportRepeat(seen, formatName(zone), ['local', 'zones', index], 'is named already', report);
  }
};
