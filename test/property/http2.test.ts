// HTTP/2 from outside, by frames of any kind in pieces of any length: what comes of them, and that windows are kept to the byte.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BLOCK, FieldBlocks } from '../../src/wire/http2/field-block.ts';
import type { Field } from '../../src/wire/http2/field-table.ts';
import { FLAG, frame, PREFACE, SETTING, settings, TYPE, windowUpdate } from '../conformance/http2/frames.ts';
import { get, post, QUERY } from '../conformance/http2/request.ts';
import { ScriptedSession } from '../support/http2-session.ts';

const RUNS = 150;
/** What a session may hold for one client: four long answers that it does not take, and one hundred that wait for a window. */
const HELD_BYTES_MAX = 262_144 + 100 * 65_536;
/** Content that waits for windows, above which requests are held; but for those of which so much can be sent. */
const WAITING_MAX = 262_144;
const ROOM_MIN = 16_384;
const WINDOW_AT_FIRST = 65_535;
const head = { status: 200, type: 'application/dns-message', cache: 'private, max-age=7' };

const anyFrame = fc
  .tuple(
    fc.oneof(fc.constantFrom(...Object.values(TYPE)), fc.nat(255)),
    fc.oneof(fc.constantFrom(0, 1, 4, 5, 8, 13), fc.nat(255)),
    fc.oneof(fc.constantFrom(0, 1, 3, 5), fc.nat(0x7fff_ffff)),
    fc.uint8Array({ maxLength: 60 }),
  )
  .map(([type, flags, stream, payload]) => frame(type, flags, stream, payload));
const soundFrame = fc.constantFrom(
  ...[1, 3, 5, 7, 9].flatMap((stream) => [
    get(stream),
    post(stream),
    frame(TYPE.DATA, FLAG.END_STREAM, stream, QUERY),
    frame(TYPE.RST_STREAM, 0, stream, Buffer.from([0, 0, 0, 8])),
    windowUpdate(stream, 1000),
  ]),
  settings([SETTING.INITIAL_WINDOW_SIZE, 0]),
  settings([SETTING.INITIAL_WINDOW_SIZE, 100_000]),
  windowUpdate(0, 70_000),
);
/** Bytes, and where they are cut. */
const input = fc.record({
  bytes: fc
    .array(fc.oneof({ weight: 3, arbitrary: soundFrame }, { weight: 1, arbitrary: anyFrame }), {
      maxLength: 24,
    })
    .map((frames) => Buffer.concat([PREFACE, settings(), ...frames])),
  cuts: fc.array(fc.nat(1_500), { maxLength: 8 }),
  size: fc.constantFrom(0, 60, 500, 20_000),
});

const inPieces = (bytes: Buffer, cuts: readonly number[]): Buffer[] => {
  const at = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end));
};

const feed = async (pieces: readonly Buffer[], size: number, turnRoom?: number): Promise<ScriptedSession> => {
  const content = Buffer.alloc(size, 7);
  const session = new ScriptedSession((stream, one) => one.answer(stream, head, content, size), turnRoom);
  for (const piece of pieces) await session.receive(piece);
  await session.end();
  return session;
};

/** What a client makes of it: each stream's status, content and how it was ended, and the end of the connection. */
const meaningOf = ({ frames, requests, hasEnded }: ScriptedSession): unknown => ({
  requests,
  hasEnded,
  streams: Object.groupBy(
    frames
      .filter(({ stream }) => stream > 0)
      .map(({ type, stream, payload, flags }) => ({
        stream,
        text: `${type} ${flags & FLAG.END_STREAM} ${payload.toString('hex')}`,
      })),
    ({ stream }) => `${stream}`,
  ),
  goaway: frames.filter(({ type }) => type === TYPE.GOAWAY).map(({ payload }) => payload.toString('hex')),
});

test('bytes of any kind end in frames and no fault of ours, and what is held has a bound', async () => {
  await fc.assert(
    fc.asyncProperty(input, async ({ bytes, cuts, size }) => {
      const session = await feed(inPieces(bytes, cuts), size);
      expect(session.hasEnded || session.heldBytesMax > 0).toBe(true);
      expect(session.heldBytesMax).toBeLessThanOrEqual(HELD_BYTES_MAX);
      // Each write ends with a whole frame.
      const length = session.writes.reduce((sum, write) => sum + write.length, 0);
      expect(session.frames.length === 0 ? 0 : length).toBeGreaterThan(0);
    }),
    { numRuns: RUNS },
  );
});

test('where bytes are cut, and how much room a turn has, changes nothing of what they mean', async () => {
  await fc.assert(
    fc.asyncProperty(input, fc.integer({ min: 9, max: 60 }), async ({ bytes, cuts, size }, room) => {
      // An answer is split where a window ends: what is compared is small.
      const small = Math.min(size, 500);
      const whole = meaningOf(await feed([bytes], small));
      expect(meaningOf(await feed(inPieces(bytes, cuts), small, room))).toEqual(whole);
    }),
    { numRuns: RUNS },
  );
});

test('any block of fields is read or refused, within its bounds', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 5 }), (blocks) => {
      const reader = new FieldBlocks();
      for (const bytes of blocks) {
        const fields: Field[] = [];
        const block = Buffer.from(bytes);
        const read = reader.read(block, 0, block.length, { take: (field) => fields.push(field) });
        expect(Object.values(BLOCK)).toContain(read);
        expect(fields.length).toBeLessThanOrEqual(64);
        expect(fields.reduce((sum, { size }) => sum + size, 0)).toBeLessThanOrEqual(16_384);
        if (read !== BLOCK.READ) return;
      }
    }),
    { numRuns: 10 * RUNS },
  );
});

/** A client that counts what it may still be sent. */
class Windows {
  connection = WINDOW_AT_FIRST;
  readonly streams = new Map<number, number>();

  take(stream: number, bytes: number): void {
    this.connection -= bytes;
    const left = (this.streams.get(stream) ?? 0) - bytes;
    this.streams.set(stream, left);
    expect(this.connection).toBeGreaterThanOrEqual(0);
    expect(left).toBeGreaterThanOrEqual(0);
  }
}

test('windows are kept to the byte, padding included, and every answer arrives as it is', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(1, 60, 130, 300, 480, 511, 512, 900, 20_000, 65_535), {
        minLength: 1,
        maxLength: 12,
      }),
      fc.constantFrom(0, 1, 200, 600, 1_100, 65_535),
      fc.array(fc.integer({ min: 1, max: 90_000 }), { minLength: 1, maxLength: 6 }),
      async (sizes, initial, steps) => {
        const contents = sizes.map((size, index) => Buffer.alloc(size, index + 1));
        const windows = new Windows();
        const session = new ScriptedSession((stream, one) => {
          const content = contents[(stream.id - 1) / 2] ?? QUERY;
          one.answer(stream, head, content, content.length);
        });
        const ids = sizes.map((_, index) => 2 * index + 1);
        for (const id of ids) windows.streams.set(id, initial);
        const begin = [
          PREFACE,
          settings([SETTING.INITIAL_WINDOW_SIZE, initial]),
          ...ids.map((id) => get(id)),
        ];
        await session.receive(Buffer.concat(begin));
        let seen = 0;
        const arrived = new Map<number, Buffer[]>();
        const ended = new Set<number>();
        for (let step = 0; ended.size < ids.length; step++) {
          // Those that were not padded leave one a turn.
          for (let count = 0; count < sizes.length + 4; count++) await session.turn();
          for (; seen < session.frames.length; seen++) {
            const { type, stream, flags, payload, size } = session.frames[seen] ?? NO_FRAME;
            if (type === TYPE.DATA) {
              windows.take(stream, size);
              arrived.set(stream, [...(arrived.get(stream) ?? []), payload]);
            }
            if ((type === TYPE.DATA || type === TYPE.HEADERS) && (flags & FLAG.END_STREAM) !== 0)
              ended.add(stream);
          }
          // What may be sent was sent.
          for (const id of ids) {
            const left = windows.streams.get(id) ?? 0;
            const room = Math.min(left, windows.connection);
            // Where much waits, what could be sent of another answer has to be worth that it is made.
            const isHeld = session.heldBytes > WAITING_MAX && room < ROOM_MIN;
            expect(ended.has(id) || room === 0 || isHeld).toBe(true);
          }
          // So much now and then that its frames are no flood.
          const more = steps[step % (steps.length + 1)] ?? 20_000;
          const open = ids.filter((id) => !ended.has(id));
          windows.connection += more * open.length;
          for (const id of open) windows.streams.set(id, (windows.streams.get(id) ?? 0) + more);
          if (open.length > 0)
            await session.receive(
              Buffer.concat([
                windowUpdate(0, more * open.length),
                ...open.map((id) => windowUpdate(id, more)),
              ]),
            );
        }
        for (const [index, id] of ids.entries())
          expect(Buffer.concat(arrived.get(id) ?? []).equals(contents[index] ?? QUERY)).toBe(true);
      },
    ),
    { numRuns: RUNS },
  );
});

const NO_FRAME = { type: -1, stream: 0, flags: 0, payload: Buffer.alloc(0), size: 0 };
