// A zone that the origin serves from a file: its records as those of the configuration.
import { parseName } from '../../wire/dns/dns.ts';
import { readZoneRecords } from '../lists/lists.ts';
import type { ImportDraft } from './draft.ts';
import type { FoundFile } from './file-set.ts';

/** Records of a zone that make it one; a resolver has no use for them. */
const OF_THE_ZONE: ReadonlySet<string> = new Set([
  'SOA',
  'NS',
  'DNSKEY',
  'RRSIG',
  'NSEC',
  'NSEC3',
  'NSEC3PARAM',
  'CDS',
  'CDNSKEY',
  'TYPE65534',
]);

/** Adds the records of a zone file. */
export const takeZoneFile = (draft: ImportDraft, zone: string, { name, bytes }: FoundFile): void => {
  const origin = parseName(zone);
  if (typeof origin === 'string') {
    draft.findings.leave(name, zone, 'it is no name of a zone', 'correct it');
    return;
  }
  const { records, faults } = readZoneRecords(bytes, origin);
  for (const { line, text } of faults)
    draft.findings.leave(
      `${name}:${line}`,
      text,
      'the record cannot be read',
      'correct it, and write it under local.records',
    );
  for (const { owner, type, data, ttlSec, line } of records) {
    const isDelegation = type === 'NS' && owner.toLowerCase() !== `${zone.replace(/\.$/, '')}.`.toLowerCase();
    if (isDelegation)
      draft.findings.leave(
        `${name}:${line}`,
        `${owner} NS ${data}`,
        'a part of the zone is delegated',
        'write it with the addresses of its servers under "forward"',
      );
    else if (OF_THE_ZONE.has(type)) draft.findings.hold(`${type} records`, 'Cordon serves no zones');
    else draft.addRecord(`${name}:${line}`, owner, type, data, ttlSec);
  }
};
