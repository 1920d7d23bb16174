// Between a real authoritative server and a real client, no bit of an RRset changes.
//
// NSD serves a zone with every kind of record; each RRset is fetched from it and through the program, over UDP and
// TCP, and the RDATA is compared uncompressed. dig shows what an administrator sees of a refusal.
import assert from 'node:assert/strict';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  copyName,
  expandRdata,
  FLAG,
  foldName,
  formatName,
  messageFlags,
  questionEnd,
  RecordReader,
  SECTION,
  UDP_LENGTH_MAX,
} from '../../src/wire/dns/dns.ts';
import { ask } from '../support/client.ts';
import { type Nsd, startNsd } from '../support/nsd.ts';
import { findProgram, requireProgram, run, type SocketAddress } from '../support/process.ts';
import { type Cordon, startCordon } from '../support/service.ts';

const textRecords = (name: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${name} 300 IN TXT "${String(i).padStart(240, 'x')}"`);

/** Questions with the records of the zone that answer them. */
const RECORDS: Readonly<Record<string, readonly string[]>> = {
  'a.zone.example. A': ['a.zone.example. 300 IN A 192.0.2.1', 'a.zone.example. 300 IN A 192.0.2.2'],
  'a.zone.example. AAAA': ['a.zone.example. 300 IN AAAA 2001:db8::1'],
  'text.zone.example. TXT': [
    'text.zone.example. 300 IN TXT "one" "" "three;=\\"\\\\"',
    'text.zone.example. 300 IN TXT "\\000\\001\\127\\128\\255"',
  ],
  'a.zone.example. MX': [
    'a.zone.example. 300 IN MX 10 mail.zone.example.',
    'a.zone.example. 300 IN MX 20 Mail.Other.example.',
  ],
  '_sip._tcp.zone.example. SRV': [
    '_sip._tcp.zone.example. 300 IN SRV 1 2 5060 sip.zone.example.',
    '_sip._tcp.zone.example. 300 IN SRV 0 0 0 .',
  ],
  'a.zone.example. CAA': [
    'a.zone.example. 300 IN CAA 0 issue "ca.example; account=1"',
    'a.zone.example. 300 IN CAA 128 iodef "mailto:a@b.example"',
  ],
  'sub.zone.example. DS': [
    'sub.zone.example. 300 IN DS 12345 13 2 00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF',
  ],
  'zone.example. DNSKEY': ['zone.example. 300 IN DNSKEY 257 3 13 AwEAAag='],
  'zone.example. NS': [],
  'zone.example. SOA': [],
  'a.zone.example. SVCB': ['a.zone.example. 300 IN SVCB 1 svc.zone.example. port=8443 alpn=h2,h3'],
  'a.zone.example. HTTPS': [
    'a.zone.example. 300 IN HTTPS 1 . alpn=h2,h3 ipv4hint=192.0.2.1,192.0.2.2 ipv6hint=2001:db8::1',
    'a.zone.example. 300 IN HTTPS 2 pool.zone.example. key65280="opaque\\001"',
  ],
  'alias.zone.example. HTTPS': ['alias.zone.example. 300 IN HTTPS 0 pool.zone.example.'],
  'a.zone.example. NAPTR': ['a.zone.example. 300 IN NAPTR 100 10 "u" "E2U+sip" "!^.*$!sip:a@b!" .'],
  '_443._tcp.zone.example. TLSA': ['_443._tcp.zone.example. 300 IN TLSA 3 1 1 0011223344556677'],
  'a.zone.example. SSHFP': [
    'a.zone.example. 300 IN SSHFP 4 2 00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF',
  ],
  'a.zone.example. LOC': ['a.zone.example. 300 IN LOC 52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m'],
  'a.zone.example. TYPE65300': [
    'a.zone.example. 300 IN TYPE65300 \\# 5 00C00C01FF',
    'a.zone.example. 300 IN TYPE65300 \\# 0',
  ],
  'a.zone.example. HINFO': ['a.zone.example. 300 IN HINFO "CPU" ""'],
  'a.zone.example. RP': ['a.zone.example. 300 IN RP admin.zone.example. text.zone.example.'],
  'c0.zone.example. A': [
    ...Array.from({ length: 6 }, (_, i) => `c${i}.zone.example. 300 IN CNAME C${i + 1}.zone.example.`),
    'c6.zone.example. 300 IN A 192.0.2.6',
  ],
  'x.y.old.zone.example. A': [
    'old.zone.example. 300 IN DNAME new.zone.example.',
    'x.y.new.zone.example. 300 IN A 192.0.2.7',
  ],
  '*.zone.example. PTR': ['*.zone.example. 300 IN PTR wild.zone.example.'],
  'anything.zone.example. PTR': [],
  '\\000\\001\\200\\255.zone.example. A': ['\\000\\001\\200\\255.zone.example. 300 IN A 192.0.2.8'],
  'a\\.b.c\\\\d.zone.example. A': ['a\\.b.c\\\\d.zone.example. 300 IN A 192.0.2.9'],
  'ptr.zone.example. PTR': ['ptr.zone.example. 300 IN PTR \\000\\.\\@\\(.zone.example.'],
  'medium.zone.example. TXT': textRecords('medium.zone.example.', 12),
  'large.zone.example. TXT': textRecords('large.zone.example.', 200),
  'absent.of.a.zone.example. A': [],
};
const ZONE = [
  'zone.example. 300 IN SOA ns.zone.example. host\\.master.zone.example. 1 3600 1200 604800 300',
  'zone.example. 300 IN NS ns.zone.example.',
  'zone.example. 300 IN NS ns2.zone.example.',
  'sub.zone.example. 300 IN NS ns.sub.zone.example.',
  ...Object.values(RECORDS).flat(),
  '',
].join('\n');

let nsd: Nsd | undefined;
let server: SocketAddress;
let cordon: Cordon;

beforeAll(async () => {
  if (findProgram('nsd') === undefined) return;
  nsd = await startNsd({ 'zone.example.': ZONE });
  server = nsd.endpoint;
  cordon = await startCordon({
    config: `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
upstreams: ["127.0.0.1:${server.port}"]
lists: [{ id: tiktok, shipped: tiktok }]`,
  });
});

afterAll(async () => {
  await cordon?.stop();
  await nsd?.stop();
});

/** The records of ANSWER in an order of their own: folded owner, class, type, RDATA without compression. */
const recordSet = (bytes: Uint8Array): string[] => {
  const reader = new RecordReader();
  reader.reset(bytes, bytes.length, questionEnd(bytes, bytes.length));
  const records: string[] = [];
  while (reader.next()) {
    if (reader.section !== SECTION.ANSWER) continue;
    const owner = copyName(bytes, reader.ownerOffset, bytes.length);
    const rdata = expandRdata(bytes, reader.rdataOffset, reader.rdataLength, reader.type, bytes.length);
    assert.ok(owner !== undefined && rdata !== undefined);
    foldName(owner, 0, owner.length);
    records.push(`${formatName(owner)} ${reader.class} ${reader.type} ${Buffer.from(rdata).toString('hex')}`);
  }
  assert.ok(!reader.fault);
  return records.sort();
};

describe('RRsets of a real server', () => {
  test.for(Object.keys(RECORDS))('%s', async (question, context) => {
    requireProgram(context, 'nsd');
    const direct = await ask(server, question, { flags: 0, transport: 'tcp' });
    const records = recordSet(direct.bytes);
    // At least what the zone says: chains and wildcards have more.
    expect(records.length).toBeGreaterThanOrEqual(RECORDS[question]?.length ?? 0);
    for (const transport of ['tcp', 'udp', 'tcp', 'udp'] as const) {
      const reply = await ask(cordon.dns, question, { transport });
      expect(reply.rcode).toBe(direct.rcode);
      expect(reply.isSound).toBe(true);
      expect(reply.question).toBe(question);
      const isCut = (messageFlags(reply.bytes) & FLAG.TC) !== 0;
      expect(isCut).toBe(transport === 'udp' && direct.bytes.length > UDP_LENGTH_MAX);
      expect(recordSet(reply.bytes)).toEqual(isCut ? [] : records);
    }
  });

  test('the comparison sees one changed bit', async (context) => {
    requireProgram(context, 'nsd');
    const { bytes } = await ask(server, 'a.zone.example. AAAA', { flags: 0, edns: false });
    const changed = bytes.slice();
    changed[changed.indexOf(0x0d, 12) + 1] = 0xb9;
    expect(recordSet(changed)).not.toEqual(recordSet(bytes));
  });
});

test('dig shows a refusal with its reason', async (context) => {
  requireProgram(context, 'dig');
  requireProgram(context, 'nsd');
  const dig = (...args: string[]) =>
    run('dig', ['@127.0.0.1', '-p', String(cordon.dns.port), '+tries=1', ...args]);
  const refused = await dig('www.tiktok.com', 'A');
  expect(refused.stdout).toContain('status: NXDOMAIN');
  expect(refused.stdout).toMatch(/flags: qr rd ra; QUERY: 1, ANSWER: 0, AUTHORITY: 1, ADDITIONAL: 1/);
  expect(refused.stdout).toContain('; EDE: 15 (Blocked)');
  expect(refused.stdout).toMatch(
    /www\.tiktok\.com\.\s+30\s+IN\s+SOA\s+www\.tiktok\.com\. hostmaster\.invalid\./,
  );
  expect(refused.stdout).not.toContain('WARNING');
  const answered = await dig('+short', 'a.zone.example', 'A');
  expect(answered.stdout.trim().split('\n').sort()).toEqual(['192.0.2.1', '192.0.2.2']);
  const large = await dig('+short', 'large.zone.example', 'TXT');
  expect(large.stdout.trim().split('\n')).toHaveLength(200);
});
