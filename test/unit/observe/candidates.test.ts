// Names that a list may be missing: counted, bounded, and merged from several workers.
import { expect, test } from 'vitest';
import { type Candidate, CandidateLog, mergeCandidates } from '../../../src/telemetry/observe/candidates.ts';

const EVIDENCE = { list: 'tiktok', line: 7, trigger: 'cname' };

const namesOf = (candidates: readonly Candidate[]): string[] => candidates.map(({ name }) => name);

test('counts a name and keeps when it was seen first and last, and the latest evidence', () => {
  const log = new CandidateLog();
  log.note('a.example', EVIDENCE, 1000);
  log.note('a.example', { ...EVIDENCE, trigger: 'response-ip' }, 3000);
  expect(log.entries()).toEqual([
    {
      name: 'a.example',
      list: 'tiktok',
      line: 7,
      trigger: 'response-ip',
      count: 2,
      firstSeenMs: 1000,
      lastSeenMs: 3000,
    },
  ]);
});

test('forgets the names not seen for longest', () => {
  const log = new CandidateLog();
  for (let i = 0; i < 1500; i++) {
    log.note(`n${i}.example`, EVIDENCE, i);
    log.note('often.example', EVIDENCE, i);
  }
  expect(log.size).toBe(1000);
  expect(namesOf(log.entries())).toContain('often.example');
  expect(namesOf(log.entries())).not.toContain('n0.example');
});

test('merges what several workers saw, the most frequent first', () => {
  const [one, two] = [new CandidateLog(), new CandidateLog()];
  one.note('a.example', EVIDENCE, 1000);
  two.note('a.example', { ...EVIDENCE, line: 9 }, 2000);
  two.note('b.example', EVIDENCE, 500);
  const merged = mergeCandidates([one.entries(), two.entries()]);
  expect(namesOf(merged)).toEqual(['a.example', 'b.example']);
  expect(merged[0]).toMatchObject({ count: 2, line: 9, firstSeenMs: 1000, lastSeenMs: 2000 });
});
