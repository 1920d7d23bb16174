// A small quarter made by hand: what a report of it has to say is known from reading this file.
//
// Three groups; a start, a reload, an outage without policy, a pause by an operator, a crash, a leaking view, a list that
// changes, exemptions with and without an end, and a deletion of names that look like markup and formulas.

import type { ChangeRecord } from '../../../src/evidence/records/record.ts';
import type { HourCount } from '../../../src/evidence/records/records-reader.ts';
import { Sketch, sketchPlace } from '../../../src/evidence/records/sketch.ts';
import type {
  DaySketch,
  EvidenceSource,
  PlacedChange,
  Signing,
} from '../../../src/evidence/report/evidence.ts';

export const FROM_MS = Date.parse('2026-10-01T00:00:00Z');
export const UNTIL_MS = Date.parse('2027-01-01T00:00:00Z');
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Evidence that lies in memory. */
export interface MadeEvidence {
  readonly changes: readonly ChangeRecord[];
  readonly counts?: readonly HourCount[];
  readonly sketches?: readonly DaySketch[];
  /** Sequence number of the first change. */
  readonly first?: number;
  /** Sequence numbers of changes that are missing. */
  readonly missing?: readonly number[];
  readonly findings?: readonly string[];
  readonly signing?: Signing;
}

/** Heads alone. */
const UNSIGNED: Signing = { checkpoint: undefined, unsigned: 0, witnesses: [], needed: 0 };

const asynchronous = async function* <Value>(values: Iterable<Value>): AsyncGenerator<Value> {
  for (const value of values) yield await Promise.resolve(value);
};

/** A source of what was made. */
export const createSource = (made: MadeEvidence): EvidenceSource => {
  const { changes, counts = [], sketches = [], first = 1, missing = [], findings = [] } = made;
  const times = changes.map(({ time }) => Date.parse(time));
  const hours = counts.map(({ hourMs }) => hourMs);
  const placed = changes
    .map((record, at): PlacedChange => ({ sequence: first + at, record }))
    .filter(({ sequence }) => !missing.includes(sequence));
  return {
    resolver: 'ns1.agency.example',
    coverage: {
      ...(times.length > 0
        ? {
            changes: {
              firstMs: Math.min(...times),
              lastMs: times.at(-1) ?? 0,
              isFromBeginning: first === 1,
            },
          }
        : {}),
      ...(hours.length > 0
        ? {
            queries: {
              firstMs: Math.min(...hours),
              lastMs: Math.max(...hours),
              isFromBeginning: true,
            },
          }
        : {}),
    },
    changes: () => asynchronous(placed),
    counts: (fromMs, untilMs) =>
      Promise.resolve(counts.filter(({ hourMs }) => hourMs + HOUR_MS > fromMs && hourMs < untilMs)),
    sketches: (fromDay, untilDay) =>
      asynchronous(sketches.filter(({ day }) => day >= fromDay && day <= untilDay)),
    heads: [
      {
        class: 'changes',
        ordinal: 92,
        day: '2026-12-31',
        state: 'closed',
        first: 1,
        last: placed.length,
        count: placed.length,
        from: null,
        until: null,
        hash: 'ab'.repeat(32),
        number: 7,
        previous: 'cd'.repeat(32),
        resolver: 'ns1.agency.example',
        signedAt: '2026-12-31T20:00:00.000Z',
        keyId: '0123456789abcdef',
        signature: '',
      },
    ],
    provenMs: undefined,
    signing: made.signing ?? UNSIGNED,
    check: {
      isIntact: findings.length === 0,
      records: placed.length + counts.length,
      findings,
      doubtful: [],
    },
  };
};

/** Clients 1 to `count` from `start` on. */
const sketchOf = (start: number, count: number): Uint8Array => {
  const sketch = new Sketch();
  // Spreads numbers over 64 bits as a hash would (Knuth's multiplier).
  for (let i = start; i < start + count; i++)
    sketch.add(sketchPlace(Math.imul(i, 2_654_435_769) >>> 0, Math.imul(i, 0x85eb_ca6b) >>> 0));
  return sketch.registers;
};

const paper = (id: string, state: string, more: object = {}): object => ({
  id,
  state,
  origin: { kind: 'command' },
  profile: { id: 'us-federal', sha256: 'ef'.repeat(32) },
  requestedBy: 'R. Researcher',
  requestedAt: '2026-10-10T09:00:00.000Z',
  grounds: 'security-research',
  justification: 'Analysis of <script>alert(1)</script> traffic of the application for the SOC.',
  alternatives: 'None: the samples of others lack the traffic.',
  mitigations: [{ text: 'Separate network, no government data' }, { item: 'standalone', text: 'Own device' }],
  groups: ['lab'],
  clients: [],
  lists: ['tiktok'],
  from: '2026-10-11T00:00:00.000Z',
  until: '2026-11-10T00:00:00.000Z',
  ...more,
});

const approval = { approvedBy: 'A. Head', approvedAt: '2026-10-10T15:00:00.000Z', role: 'agency-head' };
const decision = {
  authority: 'Council of Ministers',
  reference: 'Circular 7',
  inForceFrom: '2026-07-01',
  review: '2026-12-15',
  provisional: true,
};

const probe = (time: string, leaking?: string, more: object = {}): ChangeRecord => ({
  kind: 'probe',
  time,
  event: 'sweep',
  generation: 1,
  began: time,
  outcome: leaking === undefined ? 'enforced' : 'leaking',
  results: ['default', 'lab', 'office'].map((name) => ({
    view: `group:${name}`,
    transport: 'udp',
    qtype: 'A',
    outcome: name === leaking ? 'leaking' : 'enforced',
    asked: 120,
    leaked: name === leaking ? 2 : 0,
    failed: 0,
    examples: name === leaking ? ['www.tiktok.com A +do: NOERROR 192.0.2.1'] : [],
  })),
  ...more,
});

/** The changes of the quarter, in the order of the chain. */
const CHANGES: readonly ChangeRecord[] = [
  { kind: 'service', time: '2026-10-01T06:00:00.000Z', event: 'start', version: '1.0.0' },
  { kind: 'enforcement', time: '2026-10-01T06:00:00.010Z', event: 'gap-begin', cause: 'startup' },
  {
    kind: 'configuration',
    time: '2026-10-01T06:00:00.500Z',
    event: 'in-force',
    sha256: '11'.repeat(32),
    cause: 'start',
  },
  { kind: 'decision', time: '2026-10-01T06:00:00.900Z', event: 'set', list: 'tiktok', decision },
  {
    kind: 'list',
    time: '2026-10-01T06:00:01.000Z',
    event: 'in-force',
    list: 'tiktok',
    category: 'tiktok',
    mandate: true,
    sha256: 'aa'.repeat(32),
    entries: 120,
    generation: 1,
  },
  {
    kind: 'list',
    time: '2026-10-01T06:00:01.000Z',
    event: 'in-force',
    list: 'feed',
    category: 'feeds',
    mandate: false,
    sha256: 'bb'.repeat(32),
    entries: 5000,
    generation: 1,
  },
  { kind: 'enforcement', time: '2026-10-01T06:00:02.000Z', event: 'gap-end', cause: 'startup', ms: 1990 },
  probe('2026-10-01T06:01:00.000Z'),
  {
    kind: 'exemption',
    time: '2026-10-10T09:00:00.000Z',
    event: 'requested',
    id: 'ex-000001',
    by: 'R. Researcher',
    paper: paper('ex-000001', 'requested'),
  },
  {
    kind: 'exemption',
    time: '2026-10-10T15:00:00.000Z',
    event: 'approved',
    id: 'ex-000001',
    by: 'A. Head',
    role: 'agency-head',
    reason: '=HYPERLINK("http://192.0.2.66","+1")',
    paper: paper('ex-000001', 'approved', approval),
  },
  {
    kind: 'exemption',
    time: '2026-10-11T00:00:00.400Z',
    event: 'active',
    id: 'ex-000001',
    paper: paper('ex-000001', 'active', { ...approval, activeAt: '2026-10-11T00:00:00.000Z' }),
  },
  {
    kind: 'list',
    time: '2026-10-20T04:00:00.000Z',
    event: 'fetch-failed',
    list: 'feed',
    code: 'ERR_LIST_FETCH',
  },
  {
    kind: 'list',
    time: '2026-10-21T04:00:00.000Z',
    event: 'in-force',
    list: 'feed',
    category: 'feeds',
    mandate: false,
    sha256: 'cc'.repeat(32),
    entries: 5010,
    added: 12,
    removed: 2,
    generation: 2,
  },
  probe('2026-10-25T12:00:00.000Z', 'office'),
  {
    kind: 'configuration',
    time: '2026-10-25T14:00:00.000Z',
    event: 'in-force',
    sha256: '22'.repeat(32),
    previous: '11'.repeat(32),
    cause: 'reload',
  },
  probe('2026-10-25T14:00:30.000Z'),
  {
    kind: 'enforcement',
    time: '2026-11-02T10:00:00.000Z',
    event: 'gap-begin',
    cause: 'operator-pause',
    by: 'O. Perator',
    reason: 'a hearing, "live"; café 試験',
  },
  {
    kind: 'enforcement',
    time: '2026-11-02T10:15:00.000Z',
    event: 'gap-end',
    cause: 'operator-pause',
    ms: 900_000,
    by: 'O. Perator',
  },
  {
    kind: 'exemption',
    time: '2026-11-10T00:00:00.300Z',
    event: 'expired',
    id: 'ex-000001',
    paper: paper('ex-000001', 'expired', {
      ...approval,
      activeAt: '2026-10-11T00:00:00.000Z',
      endedAt: '2026-11-10T00:00:00.000Z',
    }),
  },
  {
    kind: 'exemption',
    time: '2026-11-12T08:00:00.000Z',
    event: 'requested',
    id: 'ex-000002',
    by: 'P. Ress',
    paper: paper('ex-000002', 'requested', { requestedBy: 'P. Ress', groups: [], clients: ['192.0.2.7'] }),
  },
  {
    kind: 'exemption',
    time: '2026-11-12T09:00:00.000Z',
    event: 'rejected',
    id: 'ex-000002',
    by: 'A. Head',
    reason: 'not one of the grounds',
    paper: paper('ex-000002', 'rejected', { requestedBy: 'P. Ress', groups: [], clients: ['192.0.2.7'] }),
  },
  {
    kind: 'records',
    time: '2026-11-15T00:10:00.000Z',
    event: 'dropped',
    count: 40,
    from: '2026-11-15T00:05:00.000Z',
    until: '2026-11-15T00:06:00.000Z',
  },
  { kind: 'records', time: '2026-11-15T00:10:00.000Z', event: 'output-dropped', count: 300, output: 'soc' },
  { kind: 'decision', time: '2026-11-15T12:00:00.000Z', event: 'review-near', list: 'tiktok', decision },
  probe('2026-11-20T03:00:00.000Z'),
  {
    kind: 'service',
    time: '2026-11-20T03:20:00.000Z',
    event: 'unclean-end',
    lastWritten: '2026-11-20T03:10:00.000Z',
  },
  { kind: 'service', time: '2026-11-20T03:20:00.000Z', event: 'start', version: '1.0.0' },
  { kind: 'enforcement', time: '2026-11-20T03:20:01.000Z', event: 'gap-end', cause: 'startup', ms: 1000 },
  probe('2026-11-20T03:21:00.000Z'),
  {
    kind: 'records',
    time: '2026-12-01T09:00:00.000Z',
    event: 'reidentified',
    by: 'S. Oc',
    reason: 'incident 12',
    text: 'p:1:AAAAAAAAAAAAAAAAAAAAAA',
  },
  { kind: 'admin', time: '2026-12-02T09:00:00.000Z', action: 'drain', by: '-2+3', reason: '@SUM(A1)' },
  {
    kind: 'admin',
    time: '2026-12-03T09:00:00.000Z',
    action: 'look',
    by: 'Łukasz Świętochowski, Ελλάδα, България, საქართველო, Հայաստան',
  },
  { kind: 'decision', time: '2026-12-15T00:00:00.000Z', event: 'review-passed', list: 'tiktok', decision },
  { kind: 'service', time: '2026-12-20T22:00:00.000Z', event: 'stop' },
  { kind: 'service', time: '2026-12-20T23:00:00.000Z', event: 'start', version: '1.1.0' },
  { kind: 'enforcement', time: '2026-12-20T23:00:02.000Z', event: 'gap-end', cause: 'startup', ms: 2000 },
  probe('2026-12-20T23:01:00.000Z'),
  probe('2026-12-31T18:00:00.000Z'),
];

const hour = (
  day: number,
  hourOfDay: number,
  kind: string,
  group: string,
  count: number,
  more = {},
): HourCount => ({
  hourMs: FROM_MS + day * DAY_MS + hourOfDay * HOUR_MS,
  kind,
  group,
  list: 'tiktok',
  category: 'tiktok',
  trigger: 'qname',
  signal: '',
  exemption: '',
  count,
  ...more,
});

const COUNTS: readonly HourCount[] = [
  ...Array.from({ length: 92 }, (_, day) => hour(day, 9, 'refusal', 'default', 10 + (day % 7) * 5)),
  ...Array.from({ length: 46 }, (_, half) => hour(half * 2, 14, 'refusal', 'office', 3 + half)),
  hour(4, 10, 'refusal', 'office', 17, { trigger: 'cname' }),
  hour(5, 10, 'refusal', 'lab', 9, { list: 'feed', category: 'feeds', trigger: 'response-ip' }),
  hour(6, 11, 'would-refuse', 'office', 21, { list: 'feed', category: 'feeds' }),
  hour(12, 11, 'exemption-hit', 'lab', 33, { exemption: 'ex-000001' }),
  hour(13, 11, 'exemption-hit', 'lab', 4, { exemption: 'ex-000001' }),
  hour(20, 1, 'bypass', 'office', 6, { signal: 'canary', list: 'canary', category: 'canary' }),
  hour(21, 1, 'bypass', 'default', 2, { signal: 'unlisted-network', list: '', category: '', trigger: '' }),
];

const SKETCHES: readonly DaySketch[] = [
  { day: '2026-10-01', group: '*', registers: sketchOf(1, 60) },
  { day: '2026-10-01', group: 'default', registers: sketchOf(1, 40) },
  { day: '2026-10-01', group: 'office', registers: sketchOf(41, 20) },
  { day: '2026-10-02', group: '*', registers: sketchOf(1, 45) },
  { day: '2026-10-02', group: 'default', registers: sketchOf(1, 45) },
];

/** What the quarter consists of. */
export const QUARTER: MadeEvidence = { changes: CHANGES, counts: COUNTS, sketches: SKETCHES };
