// The one sentence: every state with its cause, since when it is so, and which goes before which.
import { describe, expect, test } from 'vitest';
import {
  type Enforcement,
  HEADLINE_CAUSES,
  HEADLINE_STATES,
  type HeadlineFacts,
  judgeHeadlines,
  type MandateState,
  type NotEnforcingCause,
  type ProofFacts,
} from '../../../src/telemetry/enforcement/enforcement.ts';

const NOW = Date.parse('2026-11-26T12:00:00Z');
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const proof = (group: string, more: Partial<ProofFacts> = {}): ProofFacts => ({
  group,
  lastSuccessMs: NOW - MINUTE,
  outcome: 'enforced',
  outcomeSinceMs: NOW - HOUR,
  leaked: 0,
  failed: 0,
  examples: [],
  unasked: undefined,
  ...more,
});

/** A network of two groups, of which `lab` may be in another state. */
const enforcementOf = (
  state: MandateState = 'enforced',
  cause?: NotEnforcingCause,
  lists: readonly string[] = [],
): Enforcement => ({
  state,
  ...(cause === undefined ? {} : { cause }),
  groups: [
    { group: 'default', state: 'enforced' },
    {
      ...{ group: 'lab', state },
      ...(cause === undefined ? {} : { cause }),
      ...(lists.length === 0
        ? {}
        : { lists: lists.map((list) => ({ list, standing: 'not-chosen' as const })) }),
    },
  ],
});

const RECORDS: HeadlineFacts['records'] = {
  isEnabled: true,
  failure: undefined,
  reportedMs: NOW - 500,
  unreadable: undefined,
  lastCommitMs: NOW - 2_000,
  backlogBytes: 0,
  lostMs: undefined,
  isVerified: true,
  verifiedMs: NOW - HOUR,
};

const WELL: HeadlineFacts = {
  nowMs: NOW,
  upMs: 2 * HOUR,
  enforcement: enforcementOf(),
  enforcementSinceMs: NOW - 2 * HOUR,
  pause: undefined,
  probeEveryMs: 5 * MINUTE,
  proofs: [proof('default'), proof('lab', { lastSuccessMs: NOW - 4 * MINUTE })],
  records: RECORDS,
  staleLists: [],
};

const judge = (changes: Partial<HeadlineFacts> = {}) => judgeHeadlines({ ...WELL, ...changes })[0];
const recorded = (changes: Partial<HeadlineFacts['records']>): Partial<HeadlineFacts> => ({
  records: { ...RECORDS, ...changes },
});
const proofs = (...found: ProofFacts[]): Partial<HeadlineFacts> => ({ proofs: found });

/** What makes each state so, with its cause, the start that it tells, and what its sentence holds. */
const CASES: readonly (readonly [
  title: string,
  changes: Partial<HeadlineFacts>,
  expected: { state: string; cause: string | null; sinceMs: number | null; says: RegExp },
])[] = [
  [
    'a start that has no lists yet',
    { upMs: 6_000, enforcement: enforcementOf('not-ready', 'startup') },
    { state: 'starting', cause: 'startup', sinceMs: NOW - 6_000, says: /^Starting/ },
  ],
  [
    'a start that lasts',
    { upMs: 61_000, enforcement: enforcementOf('not-ready', 'no-generation') },
    { state: 'not-in-force', cause: 'no-generation', sinceMs: NOW - 2 * HOUR, says: /anywhere$/ },
  ],
  [
    'a pause',
    {
      enforcement: enforcementOf('paused', 'operator-pause'),
      pause: { by: 'O. Operator', reason: 'incident', until: '2026-11-26T12:10:00Z' },
    },
    { state: 'paused', cause: 'operator-pause', sinceMs: NOW - 2 * HOUR, says: /^Paused until/ },
  ],
  [
    'a pause that has ended and is still applied',
    { enforcement: enforcementOf('paused', 'operator-pause') },
    { state: 'not-in-force', cause: 'operator-pause', sinceMs: NOW - 2 * HOUR, says: /anywhere$/ },
  ],
  [
    'no worker',
    { enforcement: enforcementOf('not-answering', 'no-worker') },
    { state: 'not-in-force', cause: 'no-worker', sinceMs: NOW - 2 * HOUR, says: /anywhere$/ },
  ],
  [
    'a hung worker',
    { enforcement: enforcementOf('not-answering', 'hung-worker') },
    { state: 'not-in-force', cause: 'hung-worker', sinceMs: NOW - 2 * HOUR, says: /anywhere$/ },
  ],
  ...(['no-mandate', 'watched', 'outside-hours', 'partly'] as const).map((state): (typeof CASES)[number] => [
    `a group that is ${state}`,
    { enforcement: enforcementOf(state, 'configuration', ['tiktok']) },
    { state: 'no-mandate-list', cause: state, sinceMs: NOW - 2 * HOUR, says: /on 1 of 2 networks/ },
  ]),
  [
    'no mandate for anybody, by decision',
    { enforcement: { state: 'out-of-scope', groups: [{ group: 'default', state: 'out-of-scope' }] } },
    { state: 'no-mandate-list', cause: 'out-of-scope', sinceMs: NOW - 2 * HOUR, says: /by decision$/ },
  ],
  [
    'a leak on one network',
    proofs(
      proof('default'),
      proof('lab', { outcome: 'leaking', outcomeSinceMs: NOW - HOUR, leaked: 3, examples: ['a.test A: …'] }),
    ),
    { state: 'leaking', cause: null, sinceMs: NOW - HOUR, says: /on 1 of 2 networks: 3 names resolve/ },
  ],
  [
    'a leak of one name',
    proofs(proof('default', { leaked: 1, outcome: 'leaking', outcomeSinceMs: NOW - 1 }), proof('lab')),
    { state: 'leaking', cause: null, sinceMs: NOW - 1, says: /: 1 name resolves$/ },
  ],
  [
    'no probe, by configuration',
    {
      probeEveryMs: undefined,
      ...proofs(proof('default', { lastSuccessMs: undefined, outcome: undefined })),
    },
    { state: 'unproven', cause: 'no-probe', sinceMs: null, says: /unproven on 2 of 2 networks/ },
  ],
  [
    'networks that nobody can ask as',
    proofs(
      proof('default', { unasked: 'nobody', lastSuccessMs: undefined }),
      proof('lab', { unasked: 'nobody', lastSuccessMs: undefined }),
    ),
    { state: 'unproven', cause: 'unasked', sinceMs: null, says: /unproven on 2 of 2 networks/ },
  ],
  [
    'no proof since the start',
    proofs(proof('default'), proof('lab', { lastSuccessMs: undefined, outcome: undefined })),
    { state: 'unproven', cause: 'never', sinceMs: null, says: /unproven on 1 of 2 networks/ },
  ],
  [
    'a probe without the answers that it should have had',
    proofs(proof('default'), proof('lab', { outcome: 'broken', outcomeSinceMs: NOW - 7 * MINUTE })),
    { state: 'unproven', cause: 'broken', sinceMs: NOW - 7 * MINUTE, says: /on 1 of 2 networks/ },
  ],
  [
    'a proof that is older than three intervals',
    proofs(proof('default'), proof('lab', { lastSuccessMs: NOW - 16 * MINUTE })),
    { state: 'unproven', cause: 'old', sinceMs: NOW - MINUTE, says: /on 1 of 2 networks/ },
  ],
  [
    'a proof of a clock that was ahead',
    proofs(proof('default'), proof('lab', { lastSuccessMs: NOW + HOUR })),
    { state: 'unproven', cause: 'clock', sinceMs: null, says: /on 1 of 2 networks/ },
  ],
  [
    'records that are off',
    recorded({ isEnabled: false }),
    { state: 'unrecorded', cause: 'disabled', sinceMs: null, says: /not recorded/ },
  ],
  [
    'a full disk',
    recorded({ failure: 'no space left', lastCommitMs: NOW - HOUR }),
    { state: 'unrecorded', cause: 'failing', sinceMs: NOW - HOUR, says: /not recorded/ },
  ],
  [
    'a recorder that gives no sign of life',
    recorded({ reportedMs: NOW - 61_000 }),
    { state: 'unrecorded', cause: 'silent', sinceMs: NOW - 61_000, says: /not recorded/ },
  ],
  [
    'records that wait',
    recorded({ backlogBytes: 1, lastCommitMs: NOW - 61_000 }),
    { state: 'unrecorded', cause: 'waiting', sinceMs: NOW - 61_000, says: /not recorded/ },
  ],
  [
    'records that were lost just now',
    recorded({ lostMs: NOW - 30_000 }),
    { state: 'unrecorded', cause: 'lost', sinceMs: NOW - 30_000, says: /not recorded/ },
  ],
  [
    'records that cannot be read',
    recorded({ unreadable: 'file is not a database' }),
    { state: 'unrecorded', cause: 'unreadable', sinceMs: null, says: /not recorded/ },
  ],
  [
    'records that are not whole',
    recorded({ isVerified: false }),
    { state: 'unrecorded', cause: 'not-whole', sinceMs: NOW - HOUR, says: /not recorded/ },
  ],
  [
    'lists whose sources are gone',
    {
      staleLists: [
        { list: 'a', sinceMs: NOW - HOUR },
        { list: 'b', sinceMs: NOW - 72 * HOUR },
      ],
    },
    { state: 'stale', cause: null, sinceMs: NOW - 72 * HOUR, says: /with a list 3 d old$/ },
  ],
  [
    'all well',
    {},
    { state: 'in-force', cause: null, sinceMs: NOW - 2 * HOUR, says: /^In force on 2 of 2 networks$/ },
  ],
];

test.each(CASES)('%s', (_title, changes, { says, ...expected }) => {
  const headline = judge(changes);
  expect(headline).toMatchObject(expected);
  expect(headline.text).toMatch(says);
});

test('every state is among these cases, and no cause is of no set', () => {
  expect(new Set(CASES.map(([, , { state }]) => state))).toEqual(new Set(HEADLINE_STATES));
  for (const [, , { cause }] of CASES) expect([null, ...HEADLINE_CAUSES]).toContain(cause);
});

test('what is told first goes before all that is told later', () => {
  // One fact for each state; each is added to all that follow it.
  const facts: readonly (readonly [string, Partial<HeadlineFacts>])[] = [
    ['stale', { staleLists: [{ list: 'a', sinceMs: NOW - HOUR }] }],
    ['unrecorded', recorded({ failure: 'full' })],
    ['unproven', proofs(proof('default'), proof('lab', { lastSuccessMs: NOW - HOUR }))],
    ['leaking', proofs(proof('default'), proof('lab', { outcome: 'leaking', leaked: 1 }))],
    ['no-mandate-list', { enforcement: enforcementOf('watched', 'configuration', ['tiktok']) }],
    ['not-in-force', { enforcement: enforcementOf('not-answering', 'no-worker') }],
    ['paused', { pause: { by: 'O.', reason: 'r', until: 'u' } }],
    ['starting', { upMs: 1, enforcement: enforcementOf('not-ready', 'startup') }],
  ];
  let all: Partial<HeadlineFacts> = {};
  for (const [state, more] of facts) {
    all = { ...all, ...more };
    expect(judge(all).state).toBe(state);
  }
  expect(facts.map(([state]) => state).toReversed()).toEqual(
    HEADLINE_STATES.filter((state) => state !== 'in-force'),
  );
});

describe('silence is never green', () => {
  test('nothing known of any group', () => {
    expect(judge({ proofs: [] }).state).toBe('unproven');
  });

  test('a network that cannot be asked as is named and not counted as proven', () => {
    const headline = judge(proofs(proof('default'), proof('lab', { unasked: 'nobody', outcome: undefined })));
    expect(headline).toMatchObject({ state: 'in-force', unasked: ['lab'], networksProven: 1 });
    expect(headline.detail).toContain('cannot ask as lab');
  });

  test('the oldest proof counts', () => {
    expect(judge().oldestProofMs).toBe(NOW - 4 * MINUTE);
  });

  test('a proof of what was in force before the last change is not told as one of now', () => {
    const one = proofs(proof('default', { isOutdated: true }), proof('lab'));
    expect(judge(one)).toMatchObject({ state: 'in-force', isProofCurrent: false });
    expect(judge(one).detail).toMatch(/^Not proven since the last change, before it /);
    expect(judge()).toMatchObject({ isProofCurrent: true });
  });

  test('a clock that was set back by a day proves nothing of what was proven before', () => {
    const ahead = NOW + 24 * HOUR;
    expect(
      judge(proofs(proof('default', { lastSuccessMs: ahead }), proof('lab', { lastSuccessMs: ahead }))),
    ).toMatchObject({ state: 'unproven', cause: 'clock' });
    expect(judge(recorded({ reportedMs: ahead }))).toMatchObject({ state: 'unrecorded', cause: 'silent' });
  });

  test('a group that is out of scope is no network of the count', () => {
    const groups = [...enforcementOf().groups, { group: 'guests', state: 'out-of-scope' as const }];
    expect(judge({ enforcement: { state: 'enforced', groups } }).text).toBe('In force on 2 of 2 networks');
  });
});
