// Records in the field names of SIEMs: what each kind becomes, that no member is lost, and that the reference is true.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ECS } from '../../../src/evidence/records/outputs/ecs.ts';
import { type Field, toFields, type Vocabulary } from '../../../src/evidence/records/outputs/fields.ts';
import { fieldsReference } from '../../../src/evidence/records/outputs/fields-reference.ts';
import { JsonLinesOutput } from '../../../src/evidence/records/outputs/json-lines.ts';
import { OCSF } from '../../../src/evidence/records/outputs/ocsf.ts';
import { toSyslog } from '../../../src/evidence/records/outputs/syslog-message.ts';
import type { EvidenceRecord, QueryRecord } from '../../../src/evidence/records/record.ts';
import { PlacedRecord } from '../../../src/evidence/records/record-output.ts';

const SENDER = { resolver: 'ns1.agency.example', version: '1.2.3' };
const TIME = '2026-11-25T10:00:00.123Z';

/** A record of a query with every member that there is. */
const QUERY: Required<QueryRecord> = {
  time: TIME,
  kind: 'refusal',
  client: '192.0.2.7',
  device: 'laptop-7',
  reportedBy: 'branch-12',
  port: 40_000,
  transport: 'dot',
  group: 'lab',
  qname: 'www.example.com',
  qtype: 'HTTPS',
  rcode: 'NXDOMAIN',
  list: 'tiktok',
  category: 'tiktok',
  version: '0123456789ab',
  line: 12,
  trigger: 'cname',
  target: 'edge.example.net',
  generation: 4,
  exemption: 'ex-000001',
  ede: 15,
  signal: 'canary',
  count: 3,
  until: '2026-11-25T10:00:59.000Z',
  summary: 'client',
};

const RECORDS: readonly EvidenceRecord[] = [
  QUERY,
  { time: TIME, kind: 'sketch', day: '2026-11-25', group: 'lab', registers: 'AAAA' },
  { time: TIME, kind: 'service', event: 'unclean-end', lastWritten: TIME },
  { time: TIME, kind: 'enforcement', event: 'gap-begin', cause: 'crash' },
  {
    time: TIME,
    kind: 'list',
    event: 'held',
    list: 'tiktok',
    mandate: true,
    entries: 3,
    code: 'ERR_LIST_SHRUNK',
  },
  {
    time: TIME,
    kind: 'configuration',
    event: 'refused',
    cause: 'reload',
    code: 'ERR_CONFIG_VALUE',
    by: 'kim',
  },
  {
    time: TIME,
    kind: 'exemption',
    event: 'approved',
    id: 'ex-000001',
    by: 'lee',
    role: 'agency-head',
    paper: {},
  },
  { time: TIME, kind: 'decision', event: 'review-near', list: 'tiktok', decision: { reference: 'M-1' } },
  {
    time: TIME,
    kind: 'probe',
    event: 'sample',
    generation: 4,
    began: TIME,
    outcome: 'leaking',
    results: [],
  },
  { time: TIME, kind: 'records', event: 'dropped', count: 7, from: TIME, until: TIME },
  { time: TIME, kind: 'admin', action: 'pause', by: 'kim', reason: 'incident 7', detail: { forMs: 1 } },
];

const place = (record: EvidenceRecord): PlacedRecord =>
  new PlacedRecord(
    JSON.stringify(record),
    9,
    'qname' in record || record.kind === 'sketch' ? 'queries' : 'changes',
  );

/** Values of a tree by path; arrays are values. */
const flatten = (tree: object, at = ''): Map<string, unknown> => {
  const found = new Map<string, unknown>();
  for (const [name, value] of Object.entries(tree)) {
    const path = at === '' ? name : `${at}.${name}`;
    found.set(path, value);
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      for (const [below, inner] of flatten(value, path)) found.set(below, inner);
  }
  return found;
};

const VOCABULARIES: readonly (readonly [string, Vocabulary])[] = [
  ['ECS', ECS],
  ['OCSF', OCSF],
];

/** Members whose value stands neither among the rest nor in a field that says to tell it. */
const findLost = (vocabulary: Vocabulary, record: EvidenceRecord): string[] => {
  const values = flatten(toFields(vocabulary, place(record), SENDER));
  const isTold = ({ path, of }: Field, name: string, value: unknown): boolean => {
    const told = values.get(path);
    return of.includes(name) && (String(told).includes(String(value)) || told === Date.parse(String(value)));
  };
  return Object.entries(record)
    .filter(([name]) => !values.has(`${vocabulary.rest}.${name}`))
    .filter(([name, value]) => !vocabulary.fields.some((field) => isTold(field, name, value)))
    .map(([name]) => name);
};

test.each(VOCABULARIES)('%s loses no member of any record', (_name, vocabulary) => {
  for (const record of RECORDS) expect(findLost(vocabulary, record), record.kind).toEqual([]);
});

test('findLost() catches a field that takes a member and tells something else', () => {
  const fields: Field[] = [{ path: 'y', of: ['qname'], value: () => 'z' }];
  expect(findLost({ rest: 'x', fields }, QUERY)).toEqual(['qname']);
});

test.each(VOCABULARIES)(
  'each field of %s has a value of some record, and the resolver stands in each',
  (_name, vocabulary) => {
    const seen = new Set<string>();
    const others = [
      { ...QUERY, client: 'p:0123' },
      { ...QUERY, target: '198.51.100.1' },
    ];
    for (const record of [...RECORDS, ...others]) {
      const values = flatten(toFields(vocabulary, place(record), SENDER));
      expect([...values.values()], record.kind).toContain(SENDER.resolver);
      for (const path of values.keys()) seen.add(path);
    }
    expect(vocabulary.fields.filter(({ path }) => !seen.has(path)).map(({ path }) => path)).toEqual([]);
  },
);

test('a refusal in ECS', () => {
  expect(toFields(ECS, place(QUERY), SENDER)).toMatchObject({
    '@timestamp': TIME,
    message:
      'refused www.example.com HTTPS and others to 192.0.2.7 by list tiktok, 3 times until 2026-11-25T10:00:59.000Z',
    event: {
      kind: 'event',
      category: ['network'],
      type: ['protocol', 'denied'],
      action: 'refusal',
      dataset: 'cordon.queries',
      sequence: 9,
      id: 'ns1.agency.example:queries:9',
    },
    observer: { name: 'ns1.agency.example', version: '1.2.3' },
    source: { address: '192.0.2.7', ip: '192.0.2.7', port: 40_000 },
    client: { address: '192.0.2.7', ip: '192.0.2.7', port: 40_000 },
    device: { id: 'laptop-7' },
    network: { transport: 'tcp', protocol: 'dns' },
    dns: {
      type: 'answer',
      question: { name: 'www.example.com', type: 'HTTPS', class: 'IN' },
      response_code: 'NXDOMAIN',
    },
    rule: { ruleset: 'tiktok', id: 'tiktok:12', category: 'tiktok', version: '0123456789ab' },
    related: { hosts: ['www.example.com', 'edge.example.net'], ip: ['192.0.2.7'] },
    cordon: { kind: 'refusal', transport: 'dot', group: 'lab', trigger: 'cname', generation: 4, count: 3 },
  });
});

test('a pseudonym and a prefix are no address in either vocabulary', () => {
  for (const client of ['p:0123456789abcdef', '192.0.2.0/24']) {
    const placed = place({ ...QUERY, client });
    expect(toFields(ECS, placed, SENDER)['source']).toEqual({ address: client, port: 40_000 });
    expect(toFields(OCSF, placed, SENDER)['src_endpoint']).toMatchObject({ name: client });
    expect(flatten(toFields(OCSF, placed, SENDER)).has('src_endpoint.ip')).toBe(false);
  }
});

test.each([
  ['a refusal', QUERY, { class_uid: 4003, type_uid: 400_306, action_id: 2, disposition_id: 2, rcode_id: 3 }],
  [
    'a drop',
    (({ rcode: _rcode, ...rest }) => rest)(QUERY),
    { class_uid: 4003, type_uid: 400_301, action_id: 2, disposition_id: 6 },
  ],
  [
    'what an exemption let pass',
    { ...QUERY, kind: 'exemption-hit', rcode: 'NOERROR' },
    { action_id: 1, disposition_id: 1, rcode_id: 0 },
  ],
  ['what would have been refused', { ...QUERY, kind: 'would-refuse' }, { action_id: 1, disposition_id: 17 }],
  ['an RCODE that OCSF has no number for', { ...QUERY, rcode: 'RCODE4000' }, { rcode_id: 99 }],
  [
    'a leak',
    RECORDS[8] ?? QUERY,
    { class_uid: 0, type_uid: 99, activity_name: 'probe-sample', severity_id: 4 },
  ],
] as const)('%s in OCSF', (_name, record, expected) => {
  expect(toFields(OCSF, place(record), SENDER)).toMatchObject({ time: Date.parse(TIME), ...expected });
});

test('JSON lines are in the format that is configured, signed ends of the chains as well', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-fields-'));
  const path = join(directory, 'records.jsonl');
  const output = new JsonLinesOutput({ ...SENDER, name: 'file', path, format: 'ecs' });
  output.write([place(QUERY)]);
  const head = { class: 'queries', number: 3, last: 9, resolver: SENDER.resolver, signedAt: TIME };
  output.head(head as unknown as Parameters<JsonLinesOutput['head']>[0]);
  await output.close();
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  rmSync(directory, { recursive: true });
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { dns: { question: { name: 'www.example.com' } } },
    { observer: { name: SENDER.resolver }, cordon: { kind: 'head', number: 3 } },
  ]);
});

test('a syslog message in a vocabulary is JSON in ASCII, names what it leaves out, and says which record it is', () => {
  const syslog = { ...SENDER, facility: 'local0', processId: 1, format: 'ecs' } as const;
  const record: EvidenceRecord = {
    time: TIME,
    kind: 'exemption',
    event: 'approved',
    id: 'ex-000001',
    by: 'Zoë',
    paper: { text: 'x'.repeat(9_000) },
  };
  const text = Buffer.from(toSyslog(place(record), syslog)).toString('latin1');
  expect(text.length).toBeLessThanOrEqual(8_192);
  const [, element, json = ''] =
    /^<134>1 \S+ ns1\.agency\.example cordon 1 exemption (\[[^\]]*\]) (\{.*\})$/.exec(
      text.replace(/^<\d+>/, '<134>'),
    ) ?? [];
  expect(element).toBe('[cordon@32473 resolver="ns1.agency.example" chain="changes" seq="9"]');
  expect(JSON.parse(json)).toMatchObject({
    user: { name: 'Zoë' },
    cordon: { id: 'ex-000001', omitted: ['paper'] },
  });
});

test('docs/fields.md is what the tables give', () => {
  const page = readFileSync(new URL('../../../docs/fields.md', import.meta.url), 'utf8');
  expect(page, 'run npm run gen').toBe(fieldsReference());
});
