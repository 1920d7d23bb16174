// Malformed messages, the same for the same seed: well-formed ones with bits, counts, lengths and pointers changed.

/** A source of numbers from 0 to `limit - 1`. */
export type Random = (limit: number) => number;

/**
 * The seed of all inputs by chance: that of FAST_CHECK_SEED, so that a gate judges a change and not the luck of the day; another
 * one each time without it.
 */
export const seedOfRun = (): number => Number(process.env['FAST_CHECK_SEED'] ?? Date.now() % 2 ** 31);

/** A seeded source (mulberry32), so that a run can be repeated. */
export const createRandom = (seed: number): Random => {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000) * limit);
  };
};

const INTERESTING = [0, 1, 2, 3, 4, 12, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xc1, 0xfe, 0xff];

type Mutation = (bytes: Uint8Array, random: Random, pool: readonly Uint8Array[]) => Uint8Array;

const set = (bytes: Uint8Array, at: number, value: number): Uint8Array => {
  const out = bytes.slice();
  if (at < out.length) out[at] = value;
  return out;
};

const MUTATIONS: readonly Mutation[] = [
  (bytes, random) => set(bytes, random(bytes.length), random(256)),
  (bytes, random) => {
    const at = random(bytes.length);
    return set(bytes, at, (bytes[at] ?? 0) ^ (1 << random(8)));
  },
  (bytes, random) => set(bytes, random(bytes.length), INTERESTING[random(INTERESTING.length)] ?? 0),
  // A header count.
  (bytes, random) => set(bytes, 5 + 2 * random(4), random(4)),
  (bytes, random) => set(bytes, 4 + random(8), INTERESTING[random(INTERESTING.length)] ?? 0),
  // A pointer to anywhere.
  (bytes, random) => {
    const at = random(bytes.length);
    return set(set(bytes, at, 0xc0), at + 1, random(Math.min(256, bytes.length)));
  },
  (bytes, random) => bytes.slice(0, random(bytes.length + 1)),
  // Bytes taken out, doubled, or borrowed from another message.
  (bytes, random) => {
    const at = random(bytes.length);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random(8))]);
  },
  (bytes, random) => {
    const at = random(bytes.length);
    return Buffer.concat([bytes.subarray(0, at + random(16)), bytes.subarray(at)]);
  },
  (bytes, random, pool) => {
    const other = pool[random(pool.length)] ?? bytes;
    return Buffer.concat([bytes.subarray(0, random(bytes.length)), other.subarray(random(other.length))]);
  },
];

/** A changed copy of one message of the pool; one to four changes. */
export const mutate = (pool: readonly Uint8Array[], random: Random): Uint8Array => {
  let bytes = pool[random(pool.length)] ?? new Uint8Array(0);
  for (let changes = 1 + random(4); changes > 0 && bytes.length > 0; changes--) {
    const mutation = MUTATIONS[random(MUTATIONS.length)];
    if (mutation !== undefined) bytes = mutation(bytes, random, pool);
  }
  return new Uint8Array(bytes);
};
