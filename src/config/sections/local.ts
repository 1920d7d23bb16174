// Records that Cordon answers by itself, and zones in which nothing else exists.
//
// The data of a record is presentation format (RFC 1035 section 5.1), so that a line of a zone file or of another resolver
// can be taken over word for word; what its type makes of it is what the program works with.
import assert from 'node:assert/strict';
import { z } from 'zod';
import { isAppError } from '../../base/base.ts';
import {
  foldName,
  formatName,
  formatRdata,
  formatType,
  isInZone,
  nameFrom,
  parseName,
  parseRdata,
  parseType,
  TYPE,
} from '../../wire/dns/dns.ts';
import { zone } from '../address-leaf.ts';
import { durationSec } from '../amount.ts';
import { withForm } from '../form.ts';
import { boolean, choice } from '../leaf.ts';
import { Fault, key, keyAs, list, quote, same, textLeaf } from '../value.ts';

/** An agency's internal names; more of them belong to a name server, and `forward` leads there. */
const RECORDS_MAX = 10_000;
const ZONES_MAX = 1000;
/** Types that hosts and their services are found by. */
const TYPES = ['A', 'AAAA', 'CNAME', 'TXT', 'PTR', 'SRV', 'MX', 'CAA', 'SVCB', 'HTTPS'] as const;

/** Names whose answers no configuration chooses (RFC 6761, RFC 7686, RFC 9462). */
const KEPT = ['localhost.', 'invalid.', 'onion.', 'resolver.arpa.'].map((name) => nameFrom(name));

/** The owner of a record. */
export interface LocalOwner {
  /** Wire form, folded; of a wildcard the name above the star. */
  readonly name: Uint8Array;
  readonly isWildcard: boolean;
}

/** An owner as it is written. */
export const formatOwner = ({ name, isWildcard }: LocalOwner): string =>
  `${isWildcard ? '*.' : ''}${formatName(name)}`;

const owner = () =>
  textLeaf<LocalOwner>(
    { name: 'domain name', bounds: '`*.` before it for all names below' },
    (text) => {
      const isWildcard = text.startsWith('*.');
      const name = text === '' ? 'empty' : parseName(isWildcard ? text.slice(2) : text);
      if (typeof name === 'string') {
        const reason = name.replaceAll('-', ' ');
        return new Fault('ERR_CONFIG_VALUE', `${quote(text)} is not a domain name (${reason})`);
      }
      if (name.length === 1) return new Fault('ERR_CONFIG_VALUE', 'the root has no records here');
      foldName(name, 0, name.length);
      const kept = KEPT.find((apex) => isInZone(name, apex));
      if (kept === undefined) return { name, isWildcard };
      return new Fault(
        'ERR_CONFIG_CONFLICT',
        `${quote(text)} is answered by Cordon itself, whatever is written`,
        `names in ${formatName(kept)} have rules of their own (RFC 6761)`,
      );
    },
    formatOwner,
  );

/** The RDATA of a record, or why it is none. */
export const readLocalData = (typeName: string, data: string): Uint8Array | Fault => {
  try {
    const type = typeNumber(typeName);
    const rdata = parseRdata(type, data);
    // Where an alias leads is looked up for each question.
    if (type === TYPE.CNAME) foldName(rdata, 0, rdata.length);
    return rdata;
  } catch (thrown) {
    if (!isAppError(thrown)) throw thrown;
    const reason = thrown.message.replace(/^parse a record, /, '');
    return new Fault('ERR_CONFIG_VALUE', `${quote(data)} is no data of the type ${typeName} (${reason})`);
  }
};

const typeNumber = (name: string): number => {
  const type = parseType(name);
  assert(type !== undefined, `${name} is a type`);
  return type;
};

const record = withForm(
  z.strictObject({
    owner: key(
      owner(),
      'Name of the record; `*.example.com` is every name below `example.com`, at any depth.',
    ),
    type: key(choice(TYPES), 'Type of the record.'),
    data: key(
      textLeaf({ name: 'text', bounds: 'presentation format' }, same, same),
      'What a zone file has behind the type, such as `192.0.2.1`, `0 0 5060 sip.example.com` or `"v=spf1 -all"`; names are whole.',
    ),
    ttl: keyAs(
      'ttlSec',
      durationSec('0s', '7d').prefault('5m'),
      'TTL; the same for all records of an owner and type.',
    ),
  }),
  {
    into: ({ owner: { name, isWildcard }, type, data, ttlSec }) => {
      const rdata = readLocalData(type, data);
      // The checks across keys have read it before.
      assert(rdata instanceof Uint8Array);
      return { owner: name, isWildcard, type: typeNumber(type), ttlSec, rdata };
    },
    from: ({ owner: name, isWildcard, type, ttlSec, rdata }) => ({
      owner: { name, isWildcard },
      type: TYPES.find((known) => known === formatType(type)),
      data: formatRdata(type, rdata),
      ttlSec,
    }),
  },
);

export const local = z
  .strictObject({
    records: key(
      list(record, 0, RECORDS_MAX).prefault([]),
      'Records that are answered for everybody, in place of what the upstreams say of the name. Another type of the name has no data. A list that refuses the name, or what it leads to, goes before.',
    ),
    zones: key(
      list(zone('the root is not this network alone', 'use the key "upstreams"'), 0, ZONES_MAX).prefault([]),
      'Zones that are nowhere but here: what has no record does not exist, and no upstream is asked.',
    ),
    reverse: keyAs(
      'hasReverse',
      boolean().prefault(false),
      'Whether the addresses of `records` get a PTR record as well, unless one is written.',
    ),
  })
  .prefault({});
