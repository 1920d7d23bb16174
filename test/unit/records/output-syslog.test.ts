// syslog messages against a reader that is as strict as RFC 5424's grammar.
import { expect, test } from 'vitest';
import { type SyslogSender, toSyslog } from '../../../src/evidence/records/outputs/syslog-message.ts';
import type { EvidenceRecord } from '../../../src/evidence/records/record.ts';
import { PlacedRecord } from '../../../src/evidence/records/record-output.ts';

const sender: SyslogSender = {
  resolver: 'ns1.agency.example',
  version: '1.0.0',
  facility: 'local0',
  processId: 77,
};

const refusal: EvidenceRecord = {
  time: '2026-11-25T10:00:00.123Z',
  kind: 'refusal',
  client: '192.0.2.7',
  port: 40_000,
  transport: 'udp',
  group: 'default',
  qname: 'www.example.com',
  qtype: 'A',
  rcode: 'NXDOMAIN',
  list: 'tiktok',
  generation: 4,
};

/** The grammar of RFC 5424 section 6, with RFC 3339 times in UTC. */
const GRAMMAR =
  /^<(?<priority>\d{1,3})>1 (?<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,6}Z) (?<host>[\x21-\x7e]{1,255}) (?<app>[\x21-\x7e]{1,48}) (?<process>[\x21-\x7e]{1,128}) (?<id>[\x21-\x7e]{1,32}) \[(?<sdId>[^\s="\]]{1,32})(?<params>(?: [^\s="\]]{1,32}="(?:\\["\\\]]|[^"\\\]])*")*)\] \ufeff(?<text>.*)$/su;

const read = (record: EvidenceRecord, from: SyslogSender = sender) => {
  const encoded = toSyslog(new PlacedRecord(JSON.stringify(record), 9, 'queries'), from);
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(encoded);
  const groups = GRAMMAR.exec(text)?.groups;
  if (groups === undefined) throw new Error(`not of the grammar: ${text}`);
  const params = new Map<string, string>();
  for (const [, name = '', value = ''] of (groups['params'] ?? '').matchAll(
    / ([^\s="\]]+)="((?:\\["\\\]]|[^"\\\]])*)"/g,
  ))
    params.set(name, value.replace(/\\(["\\\]])/g, '$1'));
  return { ...groups, params, length: encoded.length } as Record<string, string> & {
    params: Map<string, string>;
    length: number;
  };
};

test.each([
  [{}, 'refused www.example.com A to 192.0.2.7 by list tiktok'],
  [
    { count: 12, until: '2026-11-25T10:00:59.000Z' },
    'refused www.example.com A to 192.0.2.7 by list tiktok, 12 times until 2026-11-25T10:00:59.000Z',
  ],
  [
    { count: 12, summary: 'client' },
    'refused www.example.com A and others to 192.0.2.7 by list tiktok, 12 times',
  ],
] as const)('toSyslog() says how many queries a record stands for: %j', (changes, text) => {
  expect(read({ ...refusal, ...changes })).toMatchObject({ text });
});

test('toSyslog() writes header, members as structured data, and a sentence', () => {
  const message = read(refusal);
  expect(message).toMatchObject({
    priority: String(16 * 8 + 6),
    time: '2026-11-25T10:00:00.123Z',
    host: 'ns1.agency.example',
    app: 'cordon',
    process: '77',
    id: 'refusal',
    sdId: 'cordon@32473',
    text: 'refused www.example.com A to 192.0.2.7 by list tiktok',
  });
  expect(Object.fromEntries(message.params)).toEqual({
    resolver: 'ns1.agency.example',
    chain: 'queries',
    seq: '9',
    time: '2026-11-25T10:00:00.123Z',
    kind: 'refusal',
    client: '192.0.2.7',
    port: '40000',
    transport: 'udp',
    group: 'default',
    qname: 'www.example.com',
    qtype: 'A',
    rcode: 'NXDOMAIN',
    list: 'tiktok',
    generation: '4',
  });
});

test.each([
  ['a quote, a bracket and a backslash', 'a"b]c\\d', 'a"b]c\\d'],
  ['what would end the element', '"] evil', '"] evil'],
  ['letters outside ASCII', 'café 試験', 'café 試験'],
  ['a lone surrogate', 'a\ud800b', 'a\ufffdb'],
  ['line breaks and controls', 'a\r\n<13>1 b\u0000\u2028c', 'a  <13>1 b  c'],
])('toSyslog() keeps %s inside its parameter', (_case, reason, expected) => {
  const message = read({ ...ADMIN, reason });
  expect(message.params.get('reason')).toBe(expected);
});

const ADMIN = { time: '2026-11-25T10:00:00.000Z', kind: 'admin', action: 'pause', by: 'kim' } as const;

test('toSyslog() leaves no control character in the sentence', () => {
  expect(read({ ...refusal, qname: 'a\nb' })['text']).toBe('refused a b A to 192.0.2.7 by list tiktok');
});

test('toSyslog() writes objects as JSON, and names them instead when the message is too long', () => {
  const paper = { grounds: 'security-research', text: '"]\\' };
  const record: EvidenceRecord = {
    time: '2026-11-25T10:00:00.000Z',
    kind: 'exemption',
    event: 'approved',
    id: 'ex-000001',
    by: 'lee',
    paper,
  };
  expect(JSON.parse(read(record).params.get('paper') ?? '')).toEqual(paper);
  const long = read({ ...record, paper: { text: 'x'.repeat(9_000) } });
  expect(long.params.get('omitted')).toBe('paper');
  expect(long.length).toBeLessThanOrEqual(8_192);
});

test('toSyslog() says how bad it is, unless a severity is set', () => {
  const gap: EvidenceRecord = {
    time: '2026-11-25T10:00:00.000Z',
    kind: 'enforcement',
    event: 'gap-begin',
    cause: 'operator-pause',
  };
  expect(read(gap)['priority']).toBe(String(16 * 8 + 3));
  expect(read(gap, { ...sender, facility: 'audit', severity: 'debug' })['priority']).toBe(String(13 * 8 + 7));
});

test.each([
  ['resolver one', 'resolverone'],
  ['é', '-'],
])('toSyslog() makes "%s" a host name of the grammar', (resolver, expected) => {
  expect(read(refusal, { ...sender, resolver })['host']).toBe(expected);
});
