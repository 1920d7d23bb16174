// One resolver that is not Cordon's, over a real socket: whatever it sends, sums are right, bounds hold, and nothing throws.
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { readClientResponse } from '../../../src/evidence/dnstap/client-response.ts';
import { foreignMetrics } from '../../../src/evidence/dnstap/foreign-metrics.ts';
import { ObservedResolver } from '../../../src/evidence/dnstap/observed-resolver.ts';
import type { PublishedFile } from '../../../src/evidence/dnstap/published-policy.ts';
import type { ForeignRecord } from '../../../src/evidence/records/foreign-record.ts';
import { toDnstap } from '../../../src/evidence/records/outputs/dnstap-message.ts';
import { createFrameStream, toDataFrame } from '../../../src/evidence/records/outputs/frame-stream.ts';
import { ProtobufWriter } from '../../../src/evidence/records/outputs/protobuf.ts';
import type { QueryRecord } from '../../../src/evidence/records/record.ts';
import { judgeRecord } from '../../../src/evidence/records/record-schema.ts';
import { buildResponse } from '../../support/records.ts';

const WAIT = { timeout: 30_000, interval: 5 };
const START_MS = Date.parse('2026-11-30T10:00:00.000Z');
const CONTENT_TYPE = 'protobuf:dnstap.Dnstap';

let directory = '';
let nowMs = START_MS;
let notes: ForeignRecord[] = [];
let observed: ObservedResolver;
const closing: (() => unknown)[] = [];

const open = async (
  more: { readonly framesMax?: number; readonly policy?: readonly PublishedFile[] } = {},
): Promise<number> => {
  observed = new ObservedResolver({
    name: 'bind',
    policy: [{ file: join(directory, 'list.txt'), format: 'domains' }],
    sinkholes: ['192.0.2.80', 'Notice.agency.example'],
    ...more,
    clock: () => nowMs,
    note: (record) => notes.push(record),
  });
  const server = createServer((socket) => observed.take(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(
    () => observed.close(),
    () => server.close(),
  );
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
};

/** A connection that has begun a stream. */
const begin = async (port: number): Promise<Socket> => {
  const socket = connect(port, '127.0.0.1');
  closing.push(() => socket.destroy());
  await once(socket, 'connect');
  await new Promise<void>((ready) => createFrameStream(CONTENT_TYPE).open(socket, ready));
  return socket;
};

/** Flags of a response: QR, RD, RA and an RCODE. */
const RESPONSE = 0x8180;

/** A frame with the response to a client. */
const frameOf = (question: string, rcode: number, answer: readonly string[] = []): Uint8Array => {
  const response = buildResponse({ question, flags: RESPONSE | rcode, answer });
  const message = new ProtobufWriter().varint(1, 6).bytes(14, response).finish();
  return toDataFrame(new ProtobufWriter().bytes(14, message).varint(15, 1).finish());
};

const last = (event: ForeignRecord['event']): ForeignRecord | undefined =>
  notes.findLast((one) => one.event === event);

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-dnstap-'));
  writeFileSync(join(directory, 'list.txt'), 'banned.example\n');
  nowMs = START_MS;
  notes = [];
});
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  rmSync(directory, { recursive: true, force: true });
});

describe('what it says of its answers', () => {
  test('is counted, refusals and leaks apart, with names and times, and fits the schema of records', async () => {
    const socket = await begin(await open());
    await vi.waitUntil(() => last('connected') !== undefined, WAIT);
    nowMs += 1_000;
    for (const frame of [
      frameOf('www.Banned.example. A', 3),
      frameOf('banned.example. A', 0, ['banned.example. 60 IN A 192.0.2.80']),
      frameOf('banned.example. AAAA', 0),
      frameOf('banned.example. A', 5),
      frameOf('a.banned.example. A', 0, ['a.banned.example. 60 IN A 198.51.100.1']),
      frameOf('A.banned.example. A', 0, ['a.banned.example. 60 IN CNAME b.example.']),
      frameOf('banned.example. A', 2),
      frameOf('notbanned.example. A', 0, ['notbanned.example. 60 IN A 198.51.100.1']),
    ])
      socket.write(frame);
    await vi.waitUntil(() => {
      observed.look();
      nowMs += 1_000;
      return last('answers')?.answers === 8;
    }, WAIT);
    expect(last('answers')).toMatchObject({
      ...{ resolver: 'bind', answers: 8, refused: 4, leaked: 2, failed: 1, malformed: 0 },
      names: [{ qname: 'a.banned.example', count: 2, example: expect.stringContaining('198.51.100.1') }],
    });
    expect(last('answers')?.leakedFrom).toMatch(/^2026-11-30T10:00:/);
    expect(notes.map((one) => judgeRecord(one, 'changes'))).toEqual(notes.map(() => 'fits'));
  });

  test('Cordon itself may be the one that is watched', async () => {
    const socket = await begin(await open());
    const record: QueryRecord = {
      ...{
        time: '2026-11-30T10:00:00.000Z',
        kind: 'refusal',
        client: '192.0.2.1',
        transport: 'udp',
        group: 'all',
      },
      ...{ qname: 'www.banned.example', qtype: 'A', rcode: 'NXDOMAIN', generation: 1 },
    };
    socket.write(toDataFrame(toDnstap(record, '{}', { identity: 'ns1', version: '1' })));
    socket.end();
    await vi.waitUntil(() => last('disconnected') !== undefined, WAIT);
    expect(last('answers')).toMatchObject({ answers: 1, refused: 1, malformed: 0 });
  });

  test('a record comes each minute while it is connected, and none while it is not', async () => {
    const port = await open();
    const tick = (sec: number): void => {
      for (let i = 0; i < sec; i++) {
        nowMs += 1_000;
        observed.look();
      }
    };
    tick(300);
    expect(notes.map(({ event }) => event)).toEqual(['policy']);
    await begin(port);
    await vi.waitUntil(() => last('connected') !== undefined, WAIT);
    tick(300);
    expect(notes.filter(({ event }) => event === 'answers')).toHaveLength(5);
  });
});

describe('where its answers lead', () => {
  const RPZ = `$ORIGIN rpz.example.
@ 60 IN SOA localhost. root.localhost. 1 60 60 60 60
@ 60 IN NS localhost.
banned.example CNAME .
*.banned.example CNAME .
own.example CNAME page.agency.example.
asked.example CNAME rpz-tcp-only.
24.0.113.0.203.rpz-ip CNAME .
`;
  const FREE = 'www.free.example.';
  test.each([
    // Of another name: what a client gets is where the listed name is.
    [
      'leaked',
      'an alias',
      'A',
      0,
      [`${FREE} 60 IN CNAME cdn.banned.example.`, 'cdn.banned.example. 60 IN A 198.51.100.1'],
    ],
    [
      'leaked',
      'an alias in the middle',
      'A',
      0,
      [
        `${FREE} 60 IN CNAME b.banned.example.`,
        'b.banned.example. 60 IN CNAME c.example.',
        'c.example. 60 IN A 198.51.100.1',
      ],
    ],
    ['leaked', 'an address', 'A', 0, [`${FREE} 60 IN A 203.0.113.9`]],
    ['leaked', 'a service', 'HTTPS', 0, [`${FREE} 60 IN HTTPS 1 b.banned.example.`]],
    [
      'leaked',
      'a DNAME',
      'A',
      0,
      [
        'free.example. 60 IN DNAME banned.example.',
        `${FREE} 60 IN CNAME www.banned.example.`,
        'www.banned.example. 60 IN A 198.51.100.1',
      ],
    ],
    // As BIND refuses by the name that an alias leads to: the alias stands there, and nothing that leads on.
    ['refused', 'an alias, denied', 'A', 3, [`${FREE} 60 IN CNAME b.banned.example.`]],
    ['refused', 'an alias without data', 'A', 0, [`${FREE} 60 IN CNAME b.banned.example.`]],
    [
      'refused',
      'an alias to a sinkhole',
      'A',
      0,
      [`${FREE} 60 IN CNAME b.banned.example.`, 'b.banned.example. 60 IN A 192.0.2.80'],
    ],
    [
      'refused',
      'an alias to a notice',
      'A',
      0,
      [
        `${FREE} 60 IN CNAME b.banned.example.`,
        'b.banned.example. 60 IN CNAME notice.agency.example.',
        'notice.agency.example. 60 IN A 198.51.100.9',
      ],
    ],
    ['other', 'elsewhere', 'A', 0, [`${FREE} 60 IN CNAME c.example.`, 'c.example. 60 IN A 198.51.100.1']],
  ])('%s: %s', async (wanted, _, type, rcode, answer) => {
    writeFileSync(join(directory, 'list.rpz'), RPZ);
    const socket = await begin(
      await open({ policy: [{ file: join(directory, 'list.rpz'), format: 'rpz' }] }),
    );
    socket.end(frameOf(`${FREE} ${type}`, rcode, answer));
    await vi.waitUntil(() => last('disconnected') !== undefined, WAIT);
    const { answers, refused, leaked, failed } = last('answers') ?? {};
    const found = { leaked, refused, other: 1 - (leaked ?? 0) - (refused ?? 0) };
    expect({ answers, failed, ...found }).toEqual({
      answers: 1,
      failed: 0,
      leaked: 0,
      refused: 0,
      other: 0,
      [wanted]: 1,
    });
  });

  test.each([
    [
      'refused',
      'a notice of the resolver',
      'banned.example.',
      ['banned.example. 60 IN CNAME notice.agency.example.', 'notice.agency.example. 60 IN A 198.51.100.9'],
    ],
    [
      'refused',
      'what the rule itself answers',
      'own.example.',
      ['own.example. 60 IN CNAME page.agency.example.', 'page.agency.example. 60 IN A 198.51.100.9'],
    ],
    [
      'leaked',
      'another alias than that of the rule',
      'own.example.',
      ['own.example. 60 IN CNAME page.other.example.'],
    ],
    [
      'leaked',
      'the notice, and an address beside it',
      'banned.example.',
      ['banned.example. 60 IN CNAME notice.agency.example.', 'banned.example. 60 IN A 198.51.100.1'],
    ],
    // Answered over TCP, whatever it is.
    ['other', 'a name that is only slowed down', 'asked.example.', ['asked.example. 60 IN A 198.51.100.1']],
  ])('%s: %s', async (wanted, _, name, answer) => {
    writeFileSync(join(directory, 'list.rpz'), RPZ);
    const socket = await begin(
      await open({ policy: [{ file: join(directory, 'list.rpz'), format: 'rpz' }] }),
    );
    socket.end(frameOf(`${name} A`, 0, answer));
    await vi.waitUntil(() => last('disconnected') !== undefined, WAIT);
    expect(last('answers')).toMatchObject({
      answers: 1,
      refused: wanted === 'refused' ? 1 : 0,
      leaked: wanted === 'leaked' ? 1 : 0,
    });
  });

  test('a new target counts after five minutes', async () => {
    const port = await open();
    const leads = [`${FREE} 60 IN CNAME b.new.example.`, 'b.new.example. 60 IN A 198.51.100.1'];
    writeFileSync(join(directory, 'list.txt'), 'banned.example\nnew.example\n');
    observed.look();
    const leaked = async (): Promise<number | undefined> => {
      const before = notes.length;
      const socket = await begin(port);
      socket.end(frameOf(`${FREE} A`, 0, leads));
      await vi.waitUntil(() => notes.slice(before).some(({ event }) => event === 'disconnected'), WAIT);
      return last('answers')?.leaked;
    };
    expect(await leaked()).toBe(0);
    nowMs += 300_001;
    expect(await leaked()).toBe(1);
    expect(last('answers')?.names).toMatchObject([
      { qname: 'www.free.example', example: expect.stringContaining('b.new.example') },
    ]);
  });
});

describe('what needs a person', () => {
  const ids = (): string[] => observed.state.issues.map(({ id }) => id);

  test('a leak is told at once and for a quarter of an hour, and a lost connection after a minute', async () => {
    const port = await open();
    expect(observed.state).toMatchObject({ isSeen: false, issues: [] });
    nowMs += 60_000;
    expect(observed.state.issues).toMatchObject([
      {
        id: 'foreign-unseen',
        subject: 'bind',
        sinceMs: START_MS,
        text: expect.stringContaining('not connected yet'),
      },
    ]);
    const socket = await begin(port);
    await vi.waitUntil(() => last('connected') !== undefined, WAIT);
    expect(observed.state).toMatchObject({ isSeen: true, issues: [] });
    for (const name of ['a.banned.example', 'b.banned.example'])
      socket.write(frameOf(`${name}. A`, 0, [`${name}. 60 IN A 198.51.100.1`]));
    await vi.waitUntil(() => observed.state.totals.leaked === 2, WAIT);
    expect(observed.state.issues).toMatchObject([
      {
        id: 'foreign-leaking',
        sinceMs: nowMs,
        text: 'bind answered listed names 2 times, the last one was b.banned.example',
      },
    ]);
    // Records of it end; what is told does not.
    nowMs += 120_000;
    observed.look();
    expect([ids(), observed.state.totals]).toMatchObject([['foreign-leaking'], { answers: 2, leaked: 2 }]);
    socket.end();
    await vi.waitUntil(() => last('disconnected') !== undefined, WAIT);
    expect(ids()).toEqual(['foreign-leaking']);
    nowMs += 60_000;
    expect(ids()).toEqual(['foreign-leaking', 'foreign-unseen']);
    nowMs += 900_000;
    expect(ids()).toEqual(['foreign-unseen']);
  });

  test('metrics have the counts, and issues by the name of the alert', async () => {
    const socket = await begin(await open());
    socket.end(frameOf('a.banned.example. A', 0, ['a.banned.example. 60 IN A 198.51.100.1']));
    await vi.waitUntil(() => last('disconnected') !== undefined, WAIT);
    const lines = foreignMetrics([observed.state], nowMs).split('\n');
    expect(lines).toEqual(
      expect.arrayContaining([
        'cordon_foreign_answers_total{resolver="bind"} 1',
        'cordon_foreign_leaked_total{resolver="bind"} 1',
        'cordon_foreign_seen{resolver="bind"} 0',
        `cordon_foreign_looked_timestamp_seconds ${nowMs / 1_000}`,
        'cordon_health_issue{id="foreign-leaking",subject="bind"} 1',
      ]),
    );
  });
});

describe('what was published', () => {
  test('a new version is recorded; a new name counts after five minutes, and one that is gone never again', async () => {
    const port = await open();
    /** How many of two names leaked, on a connection of its own. */
    const leaked = async (): Promise<number | undefined> => {
      const before = notes.length;
      const socket = await begin(port);
      for (const name of ['new.example', 'banned.example'])
        socket.write(frameOf(`${name}. A`, 0, [`${name}. 60 IN A 198.51.100.1`]));
      socket.end();
      await vi.waitUntil(() => notes.slice(before).some(({ event }) => event === 'disconnected'), WAIT);
      return last('answers')?.leaked;
    };
    expect(await leaked()).toBe(1);
    writeFileSync(join(directory, 'list.txt'), 'new.example\n# a longer file\n');
    observed.look();
    expect(last('policy')?.files).toMatchObject([{ entries: 1 }]);
    expect(await leaked()).toBe(0);
    nowMs += 300_001;
    expect(await leaked()).toBe(1);
    expect(last('answers')?.names).toMatchObject([{ qname: 'new.example' }]);
  });

  test('a version that cannot be read is told, and the one before counts', async () => {
    await open();
    rmSync(join(directory, 'list.txt'));
    observed.look();
    expect(last('policy')).toMatchObject({
      files: [{ entries: 1 }],
      reason: expect.stringContaining('list.txt'),
    });
  });
});

describe('whatever it sends', () => {
  test('frames that are no dnstap are set aside and counted', async () => {
    const socket = await begin(await open());
    socket.write(toDataFrame(Buffer.from('no dnstap')));
    socket.write(
      toDataFrame(
        new ProtobufWriter()
          .bytes(14, Buffer.from([8, 6]))
          .varint(15, 1)
          .finish(),
      ),
    );
    // Of another type: no answer to a client.
    socket.write(
      toDataFrame(
        new ProtobufWriter()
          .bytes(14, Buffer.from([8, 3]))
          .varint(15, 1)
          .finish(),
      ),
    );
    socket.write(frameOf('banned.example. A', 3));
    socket.end();
    await vi.waitUntil(() => last('disconnected') !== undefined, WAIT);
    expect(last('answers')).toMatchObject({ answers: 1, refused: 1, malformed: 2 });
  });

  test('a frame that is too long, one before START and a control frame that is none end the connection', async () => {
    const port = await open();
    const tooLong = await begin(port);
    tooLong.write(Buffer.from([0, 4, 0, 1]));
    await once(tooLong, 'close');
    for (const bytes of [Buffer.from([0, 0, 0, 9, 1]), Buffer.from([0, 0, 0, 0, 255, 0, 0, 0, 0, 0, 0, 0])]) {
      const socket = connect(port, '127.0.0.1');
      closing.push(() => socket.destroy());
      socket.write(bytes);
      await once(socket, 'close');
    }
    await vi.waitUntil(() => last('disconnected') !== undefined, WAIT);
    expect(last('disconnected')?.reason).toMatch(/a frame of 262145 bytes/);
  });

  test('bytes in any pieces are the same frames', async () => {
    const socket = await begin(await open());
    socket.setNoDelay(true);
    const bytes = Buffer.concat([frameOf('banned.example. A', 3), frameOf('x.banned.example. A', 3)]);
    for (const byte of bytes) socket.write(Buffer.from([byte]));
    socket.end();
    await vi.waitUntil(() => last('disconnected') !== undefined, WAIT);
    expect(last('answers')).toMatchObject({ answers: 2, refused: 2 });
  });

  test('the reader throws for no bytes and gives no bytes that are not in them', () => {
    const good = Buffer.from(frameOf('banned.example. A', 3)).subarray(4);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 8 }), (changes) => {
        const bytes = Buffer.from(good);
        for (const [at, value] of changes) bytes[at] = value;
        const found = readClientResponse(bytes);
        if (found instanceof Uint8Array) expect(bytes.includes(Buffer.from(found))).toBe(true);
      }),
      { numRuns: 2_000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        readClientResponse(bytes);
      }),
      { numRuns: 2_000 },
    );
  });

  test('any response in a frame is counted once and throws nothing', async () => {
    const socket = await begin(await open());
    await vi.waitUntil(() => last('connected') !== undefined, WAIT);
    const good = buildResponse({
      ...{ question: 'banned.example. A', flags: RESPONSE },
      answer: ['banned.example. 60 IN CNAME a.example.', 'a.example. 60 IN A 192.0.2.1'],
    });
    const random = fc.sample(
      fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      1_000,
    );
    for (const changes of random) {
      const bytes = Buffer.from(good);
      for (const [at, value] of changes) bytes[at] = value;
      const message = new ProtobufWriter().varint(1, 6).bytes(14, bytes).finish();
      socket.write(toDataFrame(new ProtobufWriter().bytes(14, message).varint(15, 1).finish()));
    }
    socket.end();
    await vi.waitUntil(() => last('disconnected') !== undefined, WAIT);
    const { answers = 0, malformed = 0 } = last('answers') ?? {};
    expect(answers + malformed).toBe(1_000);
  });

  test('one that sends without end waits, and is told as held; connections are bounded', async () => {
    const port = await open({ framesMax: 100 });
    const socket = await begin(port);
    const many = Buffer.concat(Array.from({ length: 1_000 }, () => frameOf('free.example. A', 0)));
    for (let i = 0; i < 21; i++) socket.write(many);
    await vi.waitUntil(() => {
      nowMs += 30_000;
      observed.look();
      return notes.reduce((sum, one) => sum + (one.answers ?? 0), 0) === 21_000;
    }, WAIT);
    expect(notes.some(({ isHeld }) => isHeld === true)).toBe(true);
    const others = Array.from({ length: 8 }, () => connect(port, '127.0.0.1'));
    for (const one of others) {
      one.on('error', () => undefined);
      closing.push(() => one.destroy());
    }
    await vi.waitUntil(() => others.filter(({ destroyed }) => destroyed).length >= 5, WAIT);
  });
});
