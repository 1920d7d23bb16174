// Options of dnsmasq that are records: host-record, cname, txt-record, srv-host, ptr-record, mx-host, caa-record, dns-rr.
import { formatRdata, parseType } from '../../wire/dns/dns.ts';
import type { ImportDraft } from './draft.ts';
import { readLoosePrefix } from './prefix-holes.ts';
import { reverseNameOf } from './reverse-names.ts';

/** Types that dns-rr may have here, by their number. */
const RAW_TYPES: ReadonlyMap<string, string> = new Map(
  ['A', 'AAAA', 'TXT', 'MX', 'CAA', 'SRV', 'SVCB', 'HTTPS'].map((name) => [String(parseType(name)), name]),
);

/** What an option is read with. */
interface Context {
  readonly draft: ImportDraft;
  readonly where: string;
  readonly leave: (why: string) => void;
}

type Reader = (fields: readonly string[], context: Context) => void;

/** Adds the records of an option. */
export const takeDnsmasqRecord = (draft: ImportDraft, option: string, value: string, where: string): void => {
  const leave = (why: string): void =>
    draft.findings.leave(where, `${option}=${value}`, why, 'write it under local.records');
  READERS.get(option)?.(fieldsOf(value), { draft, where, leave });
};

const takeHostRecord: Reader = (fields, { draft, where, leave }) => {
  const addresses = fields.filter((field) => readLoosePrefix(field)?.bits === 128);
  const ttl = fields.find((field) => /^\d+$/.test(field));
  const names = fields.filter((field) => field !== ttl && !addresses.includes(field));
  const [first] = names;
  if (first === undefined || addresses.length === 0) {
    leave('it has no name or no address');
    return;
  }
  for (const address of addresses) {
    const type = address.includes(':') ? 'AAAA' : 'A';
    for (const name of names)
      draft.addRecord(where, name, type, address, ttl === undefined ? undefined : Number(ttl));
    // dnsmasq answers for the address with the first name.
    const reverse = reverseNameOf(address);
    if (reverse !== undefined) draft.addRecord(where, reverse, 'PTR', first);
  }
};

const takeAlias: Reader = (written, { draft, where, leave }) => {
  const fields = [...written];
  const ttl = /^\d+$/.test(fields.at(-1) ?? '') ? Number(fields.pop()) : undefined;
  const target = fields.pop() ?? '';
  if (fields.length === 0) leave('it has no target');
  for (const name of fields) draft.addRecord(where, name, 'CNAME', target, ttl);
};

const takeService: Reader = (
  [name = '', target = '', port = '1', priority = '0', weight = '0'],
  { draft, where },
) => {
  draft.addRecord(where, name, 'SRV', `${priority} ${weight} ${port} ${target === '' ? '.' : target}`);
};

const takeText: Reader = ([name = '', ...texts], { draft, where }) => {
  draft.addRecord(where, name, 'TXT', (texts.length === 0 ? [''] : texts).map(quoted).join(' '));
};

const takeRaw: Reader = ([owner = '', number = '', ...digits], { draft, where, leave }) => {
  const hex = digits.join('').replace(/[:\s]/g, '');
  const type = RAW_TYPES.get(number);
  if (type === undefined || !/^(?:[0-9a-f]{2})*$/i.test(hex)) leave('its type is none of local.records');
  else draft.addRecord(where, owner, type, formatRdata(Number(number), Buffer.from(hex, 'hex')));
};

const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['host-record', takeHostRecord],
  ['cname', takeAlias],
  ['txt-record', takeText],
  ['srv-host', takeService],
  ['dns-rr', takeRaw],
  [
    'ptr-record',
    ([name = '', target = ''], { draft, where }) => {
      draft.addRecord(where, name, 'PTR', target);
    },
  ],
  [
    'mx-host',
    ([name = '', target = name, preference = '1'], { draft, where }) => {
      draft.addRecord(where, name, 'MX', `${preference} ${target}`);
    },
  ],
  [
    'caa-record',
    ([name = '', flags = '', tag = '', value = ''], { draft, where }) => {
      draft.addRecord(where, name, 'CAA', `${flags} ${tag} ${quoted(value)}`);
    },
  ],
  ['interface-name', (_fields, { leave }) => leave('the addresses of an interface are not known here')],
]);

/** Fields between commas, quotes taken off. */
const fieldsOf = (value: string): string[] =>
  [...value.matchAll(/\s*(?:"((?:[^"\\]|\\.)*)"|([^,]*))\s*(?:,|$)/g)]
    .filter((found) => found[0] !== '')
    .map((found) => (found[1] ?? found[2] ?? '').trim());

const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;
