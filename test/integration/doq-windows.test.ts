// @module-tag night
// Answers over QUIC that are larger than what a client lets come at a time: they wait for its credit (RFC 9000 section 4), and
// arrive whole. aioquic has windows of any size; kdig has its own.
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { PYTHON } from '../conformance/setup.ts';
import { CertificateAuthority } from '../support/certificates.ts';
import { readMetric } from '../support/client.ts';
import { listenerOf, SERVER_NAME } from '../support/encrypted-client.ts';
import { inTwo } from '../support/night.ts';
import { requireFile, requireProgram, run } from '../support/process.ts';
import { buildQuery } from '../support/records.ts';
import { answer, frame, ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

const CLIENT = join(import.meta.dirname, '../support/quic-windows.py');
const LIBRARY = '/usr/lib/python3/dist-packages/aioquic/__init__.py';
const KIB = 1024;
/** DOQ_EXCESSIVE_LOAD (RFC 9250 section 8.4). */
const EXCESSIVE_LOAD = 4;
/** An answer has records of that many bytes, the last one shorter. */
const RECORD_BYTES = 213;
/** Streams that OpenSSL lets a client open at a time, but for one. */
const AT_ONCE_MAX = 99;

const recordsFor = (bytes: number): number => Math.max(1, Math.floor(bytes / RECORD_BYTES));
const countRecords = (text: string): number => text.match(/IN\s+TXT\s+"/g)?.length ?? 0;

let authority: CertificateAuthority;
let upstream: ScriptedUpstream;
let cordon: Cordon;

/** A hundred large answers take what they take: nothing is asked again because a loaded machine is not done with them. */
const start = (idle: string): Promise<Cordon> => {
  const { certificate, key } = authority.issue({ names: [`DNS:${SERVER_NAME}`, 'IP:127.0.0.1'] });
  return startCordon({
    config: `
listen: { dns: ["127.0.0.1:0"], doq: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
tls: { cert: cert.pem, key: key.pem, handshakes: 1000, idle: ${idle} }
workers: 1
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
resolver: { timeout: 20s, try-timeout: 10s }
lists: [{ id: tiktok, shipped: tiktok }]
`,
    files: { 'ca.pem': authority.certificate, 'cert.pem': certificate, 'key.pem': key },
  });
};

beforeAll(async () => {
  authority = CertificateAuthority.create();
  upstream = await ScriptedUpstream.open((query) => {
    if (query.transport === 'udp') return answer(query, []).map((byte, at) => (at === 2 ? byte | 2 : byte));
    const bytes = Number(/^s(\d+)-/.exec(query.name)?.[1]);
    const records = Array.from({ length: recordsFor(bytes) }, (_, index) => {
      return `${query.name} 300 IN TXT "${String(index).padStart(200, '.')}"`;
    });
    return answer(query, records);
  });
  cordon = await start('10s');
});

afterAll(async () => {
  await cordon.stop();
  await upstream.close();
});

beforeEach((context) => requireFile(context, LIBRARY, 'python3-aioquic'));

const outcome = z.object({
  answers: z.array(z.tuple([z.number(), z.number()]).nullable()),
  closed: z.number().nullable(),
});

interface Job {
  readonly window: number;
  /** Of all streams together. */
  readonly connection?: number;
  /** False: the client lets no more come than its windows. */
  readonly isTaking?: boolean;
  readonly names: readonly string[];
}

/** Asks all at once over one connection. */
const ask = async ({ window, connection = KIB * KIB, isTaking = true, names }: Job, of = cordon) => {
  const job = {
    port: listenerOf(of, 'doq').port,
    ca: join(of.directory, 'ca.pem'),
    name: SERVER_NAME,
    window,
    connection,
    isTaking,
    asks: names.map((name) => {
      return Buffer.from(frame(buildQuery(`${name} TXT`, { id: 0, edns: {} }))).toString('hex');
    }),
  };
  const { stdout, stderr } = await run(PYTHON, [CLIENT], { input: JSON.stringify(job) });
  expect(stderr).toBe('');
  return outcome.parse(JSON.parse(stdout));
};

const namesOf = (size: number, count: number, label: string): string[] =>
  Array.from({ length: count }, (_, index) => `s${size}-${index}-${label}.example.`);

/** How many answers came whole, and no shorter than they are. */
const countWhole = (answers: z.infer<typeof outcome>['answers'], size: number): number =>
  answers.filter((one) => one !== null && one[0] === one[1] && one[1] > 0.85 * size).length;

const SIZES = [1, 8, 32, 52, 63].map((size) => size * KIB);
const WINDOWS = [1, 4, 16, 32, 64].map((size) => size * KIB);

for (const [options, windows] of inTwo(WINDOWS, (_, index) => index === 0))
  test.for(windows)(
    'answers of 1 to 63 KiB arrive whole through a window of %i bytes',
    options,
    async (window) => {
      for (const size of SIZES) {
        const { answers, closed } = await ask({ window, names: namesOf(size, 1, 'one') });
        expect([size, countWhole(answers, size), closed]).toEqual([size, 1, null]);
      }
    },
  );

const AT_ONCE = [
  { count: 10, size: 52 * KIB, window: 8 * KIB },
  { count: AT_ONCE_MAX, size: KIB, window: KIB },
  { count: AT_ONCE_MAX, size: 16 * KIB, window: 4 * KIB },
  { count: AT_ONCE_MAX, size: 63 * KIB, window: 32 * KIB },
  { count: AT_ONCE_MAX, size: 63 * KIB, window: KIB * KIB },
  { count: 30, size: 63 * KIB, window: 64 * KIB, connection: 16 * KIB },
];
for (const [options, cases] of inTwo(AT_ONCE, (_, index) => index === 0))
  test.for(cases)(
    '$count answers of $size bytes at once, window $window',
    options,
    async ({ count, size, ...windows }) => {
      const names = namesOf(size, count, `w${windows.window}`);
      const expected = { whole: count, closed: null };
      for (const _ of ['from the upstream', 'from the cache']) {
        const { answers, closed } = await ask({ ...windows, names });
        expect({ whole: countWhole(answers, size), closed }).toEqual(expected);
      }
      expect(await readMetric(cordon, 'cordon_tls_closed_total', { reason: 'unread' })).toBe(0);
    },
  );

/**
 * Every size through every window, as many as may be at once; the gate takes those above. 64 KiB do not fit into a message
 * (RFC 1035 section 4.2.2), nor do 65,535 bytes with what stands before records.
 */
const isWhole = process.env['CORDON_DOQ_GRID'] === '1';
const GRID_SIZES = [...[1, 2, 4, 8, 16, 32].map((size) => size * KIB), 65_300];
const GRID_WINDOWS = [1, 2, 4, 8, 16, 32, 64].map((size) => size * KIB);
const GRID_COUNTS = [1, 2, 10, 50, AT_ONCE_MAX];
const KDIG_CONNECTIONS = 10;

/** A line for each size, with what came whole of each count. */
const print = (client: string, rows: readonly (readonly number[])[]): void => {
  const head = `${client}: bytes | ${GRID_COUNTS.join(' | ')}`;
  process.stdout.write(`${[head, ...rows.map((row) => row.join(' | '))].join('\n')}\n`);
};

test.runIf(isWhole).for(GRID_WINDOWS)(
  'the whole grid through a window of %i bytes',
  { timeout: 300_000 },
  async (window) => {
    const rows: number[][] = [];
    for (const size of GRID_SIZES) {
      const row = [size];
      for (const count of GRID_COUNTS) {
        const { answers, closed } = await ask({ window, names: namesOf(size, count, 'grid') });
        expect([size, count, closed]).toEqual([size, count, null]);
        row.push(countWhole(answers, size));
      }
      rows.push(row);
    }
    print(`aioquic, window ${window}, at once`, rows);
    expect(rows).toEqual(GRID_SIZES.map((size) => [size, ...GRID_COUNTS]));
  },
);

test.runIf(isWhole)('the whole grid with kdig', { timeout: 300_000 }, async (context) => {
  requireProgram(context, 'kdig');
  const rows: number[][] = [];
  for (const size of GRID_SIZES) {
    const row = [size];
    for (const count of GRID_COUNTS) {
      // kdig asks in turn: at once are its connections, fewer than the 32 that an address may have.
      const shares = Array.from({ length: Math.min(count, KDIG_CONNECTIONS) }, (_, index) =>
        namesOf(size, count, 'kdig').filter((_name, place) => place % KDIG_CONNECTIONS === index),
      );
      const outputs = await Promise.all(shares.map(askByKdig));
      row.push(countRecords(outputs.join('')) / recordsFor(size));
    }
    rows.push(row);
  }
  print(`kdig, over ${KDIG_CONNECTIONS} connections at once`, rows);
  expect(rows).toEqual(GRID_SIZES.map((size) => [size, ...GRID_COUNTS]));
});

test('who takes nothing is told that the connection ends, and nobody else waits for him', async () => {
  const other = await start('2s');
  try {
    const names = namesOf(63 * KIB, AT_ONCE_MAX, 'untaken');
    const greedy = [1, 2, 3].map(() => ask({ window: 16 * KIB, isTaking: false, names }, other));
    const { answers } = await ask({ window: 16 * KIB, names: namesOf(32 * KIB, 10, 'beside') }, other);
    expect(countWhole(answers, 32 * KIB)).toBe(10);
    for (const { closed } of await Promise.all(greedy)) expect(closed).toBe(EXCESSIVE_LOAD);
    expect(await readMetric(other, 'cordon_tls_unread_bytes')).toBe(0);
  } finally {
    await other.stop();
  }
});

const askByKdig = async (names: readonly string[]): Promise<string> => {
  const { port } = listenerOf(cordon, 'doq');
  const { stdout } = await run('kdig', [
    ...['@127.0.0.1', '-p', `${port}`, '+quic', `+tls-ca=${join(cordon.directory, 'ca.pem')}`],
    ...[`+tls-hostname=${SERVER_NAME}`, '+retry=0', '+timeout=5', '+keepopen', '-t', 'TXT', ...names],
  ]);
  return stdout;
};

test('kdig has answers of every size', async (context) => {
  requireProgram(context, 'kdig');
  const output = await askByKdig(SIZES.map((size) => `s${size}-kdig.example.`));
  expect(output.match(/status: NOERROR/g)).toHaveLength(SIZES.length);
  expect(countRecords(output)).toBe(SIZES.reduce((sum, size) => sum + recordsFor(size), 0));
});
