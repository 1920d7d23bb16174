// Evidence of any size by a few numbers: gaps, exemptions with long papers, lists, networks, changes with many keys.
import type { ChangeRecord } from '../../../src/evidence/records/record.ts';
import type { HourCount } from '../../../src/evidence/records/records-reader.ts';
import { FROM_MS, type MadeEvidence, UNTIL_MS } from './quarter.ts';

/** How much there is of each. */
export interface FactNumbers {
  readonly gaps: number;
  readonly exemptions: number;
  readonly lists: number;
  readonly networks: number;
  readonly findings: number;
  /** Keys that one change of the configuration changed. */
  readonly keys: number;
  /** Characters of names, grounds and reasons. */
  readonly length: number;
  /** What such a text is made of: words, one word, or letters that are wide. */
  readonly letters: 'words' | 'word' | 'wide';
}

const UNIT = { words: 'Office of the Deputy ', word: 'Bundesanstalt', wide: 'WMŒ界' } as const;

/** A text of a length, which begins with what tells it from others. */
const textOf = ({ length, letters }: FactNumbers, begin: string): string =>
  `${begin} ${UNIT[letters].repeat(Math.ceil(length / UNIT[letters].length)).slice(0, length)}`.trim();

const at = (ms: number): string => new Date(ms).toISOString();

/** A quarter in which so much happened. */
export const manyFacts = (numbers: FactNumbers): MadeEvidence => {
  const { gaps, exemptions, lists, networks, findings, keys } = numbers;
  const groups = Array.from({ length: networks }, (_, i) => textOf(numbers, `net-${i}`).replaceAll(' ', '-'));
  const state = { kind: 'enforcement' as const, event: 'state' as const };
  const groupsIn = (one: 'enforced' | 'paused') => groups.map((group) => ({ group, state: one, lists: [] }));
  const changes: ChangeRecord[] = [
    { kind: 'service', time: at(FROM_MS), event: 'start', version: '1.0.0' },
    { ...state, time: at(FROM_MS + 1_000), state: 'enforced', groups: groupsIn('enforced') },
  ];
  for (let i = 0; i < lists; i++) {
    const list = textOf({ ...numbers, length: Math.min(numbers.length, 60) }, `list-${i}`).replaceAll(
      ' ',
      '-',
    );
    const decision = {
      authority: textOf(numbers, `Authority ${i}`),
      reference: textOf(numbers, `Circular ${i}`),
      inForceFrom: '2026-07-01',
      review: '2027-03-15',
    };
    if (i % 2 === 0)
      changes.push({ kind: 'decision', time: at(FROM_MS + 1_500), event: 'set', list, decision });
    changes.push({
      ...{ kind: 'list', time: at(FROM_MS + 2_000), event: 'in-force', list, category: 'tiktok' },
      ...{ mandate: i % 2 === 0, sha256: String(i % 10).repeat(64), entries: 120 * i, generation: 1 },
      ...{ reviewed: '2026-08-01', reviewDue: '2026-11-01' },
    });
  }
  for (let i = 0; i < (lists > 10 ? 5 : 0); i++)
    changes.push({
      ...{ kind: 'service', time: at(FROM_MS + 2_500), event: 'feed', feed: `feed-${i}`, state: 'current' },
      ...{ timestamp: 123_456_789, until: at(UNTIL_MS + 1_000) },
      behind: [{ list: 'list-0', since: at(FROM_MS), reason: textOf(numbers, 'held: ') }],
    });
  changes.push({
    ...{ kind: 'configuration', time: at(FROM_MS + 3_000), event: 'in-force', sha256: '22'.repeat(32) },
    ...{ previous: '11'.repeat(32), cause: 'reload', by: textOf(numbers, 'root') },
    differences: Array.from({ length: keys }, (_, i) => ({
      key: `groups[${i}].lists`,
      from: textOf(numbers, `old-${i}`),
      to: textOf(numbers, `new-${i}`),
    })),
  });
  const stepMs = Math.floor((UNTIL_MS - FROM_MS - 3_600_000) / (gaps + exemptions + 2));
  let ms = FROM_MS + 10_000;
  for (let i = 0; i < exemptions; i++) {
    const id = `ex-${String(i + 1).padStart(6, '0')}`;
    const paper = {
      ...{ id, state: 'active', requestedBy: textOf(numbers, `R. Researcher ${i}`), requestedAt: at(ms) },
      ...{ approvedBy: textOf(numbers, `A. Head ${i}`), role: 'agency-head', approvedAt: at(ms) },
      grounds: textOf(numbers, 'security-research'),
      justification: textOf(numbers, 'Analysis'),
      groups: groups.slice(0, 1),
      names: ['tiktok.com', 'bytedance.com', 'x.example'].slice(0, i % 4),
      ...{ from: at(ms), until: at(UNTIL_MS + 86_400_000), activeAt: at(ms) },
    };
    const by = textOf(numbers, 'A. Head');
    for (const event of ['requested', 'approved', 'active'] as const)
      changes.push({ kind: 'exemption', time: at(ms), event, id, by, paper });
    if (i % 3 === 0)
      changes.push({
        ...{ kind: 'exemption', time: at(ms + 500), event: 'revoked', id, by },
        paper: { ...paper, state: 'revoked', endedAt: at(ms + 500) },
      });
    ms += stepMs;
  }
  for (let i = 0; i < gaps; i++) {
    changes.push({
      ...{ ...state, time: at(ms), state: 'paused', cause: 'operator-pause', groups: groupsIn('paused') },
      ...{ by: textOf(numbers, 'O. Perator'), reason: textOf(numbers, 'a hearing') },
    });
    const lengthMs = Math.min(stepMs - 1_000, 1_000 + ((i * 7_919) % 3_600_000));
    changes.push({ ...state, time: at(ms + lengthMs), state: 'enforced', groups: groupsIn('enforced') });
    ms += stepMs;
  }
  const results = groups.map((group, i) => ({
    ...{ view: `group:${group}`, transport: 'udp', qtype: 'A', asked: 120, failed: 0 },
    ...{
      outcome: i === 1 ? ('leaking' as const) : ('enforced' as const),
      leaked: i === 1 ? 2 : 0,
      examples: [],
    },
  }));
  changes.push({
    ...{ kind: 'probe', time: at(UNTIL_MS - 3_500_000), event: 'sweep', generation: 1 },
    ...{ began: at(UNTIL_MS - 3_500_000), outcome: networks > 1 ? 'leaking' : 'enforced', results },
  });
  changes.push({ kind: 'service', time: at(UNTIL_MS - 1_000), event: 'stop' });
  const counts: HourCount[] = groups.map((group, i) => ({
    ...{ hourMs: FROM_MS + 3_600_000 * 24 * (1 + (i % 80)), kind: 'refusal', group, list: 'list-0' },
    ...{ category: 'tiktok', trigger: 'qname', signal: '', exemption: '', count: 1_000 + i },
  }));
  const texts = Array.from(
    { length: findings },
    (_, i) => `block-changed: queries, partition ${i}: ${textOf(numbers, 'its hash is another one')}`,
  );
  return { changes, counts, findings: texts };
};
