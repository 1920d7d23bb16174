// States of the headline that only accidents produce, as the server would tell them: for tests of the pages.

/** One state: what the server says, and what a reader has to see. */
export interface StubbedHeadline {
  readonly name: string;
  readonly says: RegExp;
  readonly tone: 'ok' | 'warn' | 'bad' | 'none';
  readonly mark: 'ok' | 'warn' | 'bad' | 'none' | 'paused';
  /** Members of `headline` at a time of the server. */
  readonly headline: (nowMs: number) => object;
}

const time = (ms: number): string => new Date(ms).toISOString();

export const STUBBED_HEADLINES: readonly StubbedHeadline[] = [
  {
    name: 'in-force',
    says: /^In force on 3 of 3 networks/,
    tone: 'ok',
    mark: 'ok',
    headline: (now) => ({
      state: 'in-force',
      networksInForce: 3,
      networksProven: 3,
      oldestProofTime: time(now - 40_000),
      sweep: { time: time(now - 3_600_000), names: 1392, leakedNames: 0 },
    }),
  },
  {
    name: 'starting',
    says: /^Starting: nothing resolves yet/,
    tone: 'none',
    mark: 'none',
    headline: (now) => ({ state: 'starting', sinceTime: time(now - 6_000), lists: ['tiktok'] }),
  },
  {
    name: 'paused',
    says: /^Paused by O\. Operator: names pass on all networks for (?:1[12]) min( \d+ s)? more/,
    tone: 'bad',
    mark: 'paused',
    headline: (now) => ({
      state: 'paused',
      pause: { by: 'O. Operator', reason: 'Incident 2026-41.', until: time(now + 12 * 60_000) },
    }),
  },
  {
    name: 'not-in-force',
    says: /^Not in force anywhere for 4\d s/,
    tone: 'bad',
    mark: 'bad',
    headline: (now) => ({
      state: 'not-in-force',
      cause: 'no-worker',
      sinceTime: time(now - 41_000),
      networksInForce: 0,
      groups: [],
      groupCount: 0,
      detail: 'No worker runs: queries get no answer.',
    }),
  },
  {
    name: 'no-mandate-list',
    says: /^No mandate list in force on 1 of 3 networks/,
    tone: 'bad',
    mark: 'bad',
    headline: (now) => ({
      state: 'no-mandate-list',
      cause: 'no-mandate',
      sinceTime: time(now - 80_000_000),
      groups: ['lab'],
      groupCount: 1,
      networksInForce: 2,
    }),
  },
  {
    name: 'leaking',
    says: /^Not in force on 1 of 3 networks: 3 names resolve/,
    tone: 'bad',
    mark: 'bad',
    headline: (now) => ({
      state: 'leaking',
      sinceTime: time(now - 1_800_000),
      groups: ['lab'],
      groupCount: 1,
      leakedNames: 3,
      examples: ['muscdn.com A: NOERROR 192.0.2.1', '<b>a.example</b> A: NOERROR 192.0.2.1'],
    }),
  },
  {
    name: 'unproven',
    says: /^In force, but unproven on 2 of 3 networks for 18 min/,
    tone: 'warn',
    mark: 'warn',
    headline: (now) => ({
      state: 'unproven',
      cause: 'old',
      sinceTime: time(now - 18 * 60_000),
      oldestProofTime: time(now - 19 * 60_000),
      groups: ['headquarters', 'lab'],
      groupCount: 2,
      networksProven: 1,
    }),
  },
  {
    name: 'unrecorded',
    says: /^In force, but not recorded since \d\d:\d\d/,
    tone: 'warn',
    mark: 'warn',
    headline: (now) => ({
      state: 'unrecorded',
      cause: 'failing',
      sinceTime: time(now - 600_000),
      detail: 'The disk is full: nothing was written for 10 min.',
    }),
  },
  {
    name: 'stale',
    says: /^In force on 3 of 3 networks, with a list 3 days/,
    tone: 'warn',
    mark: 'warn',
    headline: (now) => ({
      state: 'stale',
      sinceTime: time(now - 3 * 86_400_000 - 3_000),
      networksInForce: 3,
      lists: ['feed'],
    }),
  },
];
