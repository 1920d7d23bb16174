// Which words a refusal has: those of the list, the group and everybody, and what it rests on.
import { expect, test } from 'vitest';
import { buildGeneration } from '../../../src/policy/generation/build.ts';
import type { StructuredError } from '../../../src/resolver/pipeline/pipeline.ts';
import { toStructuredErrors } from '../../../src/resolver/workers/structured-errors.ts';
import { createEde, readU16 } from '../../../src/wire/dns/dns.ts';
import { configOf } from '../app/setup.ts';

const FILES = { 'a.txt': 'a.example\n' };
const HEAD = `structured-errors: { option-code: 65001, contact: ["mailto:help@agency.example"], organization: Agency }`;

const textsOf = (text: string): readonly (readonly StructuredError[])[] => {
  const config = configOf(text, FILES);
  return toStructuredErrors(config, buildGeneration(config, 1, 0))?.texts ?? [];
};

const read = (error: StructuredError | undefined, part: 'full' | 'brief' = 'full'): unknown => {
  const bytes = error?.[part] ?? createEde(0, 'null');
  return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(2)));
};

test('the words of everybody, with the title of a list that says nothing', () => {
  const [[error] = []] = textsOf(`${HEAD}\nlists: [{ id: a, file: a.txt }]`);
  expect(read(error)).toEqual({ c: ['mailto:help@agency.example'], j: 'a', s: 5, o: 'Agency', l: 'en' });
  expect(read(error, 'brief')).toEqual({ c: ['mailto:help@agency.example'], s: 5 });
  expect(readU16(error?.full ?? new Uint8Array(0), 0)).toBe(15);
});

test('a group goes before everybody, a list before the group', () => {
  const [[own] = [], [lab] = []] = textsOf(`${HEAD}
lists:
  - id: a
    file: a.txt
    structured-error: { contact: ["tel:+1"], justification: Why }
groups:
  - { name: default, lists: [a] }
  - { name: lab, clients: ["192.0.2.0/24"], lists: [a], structured-error: { contact: ["tel:+2"], organization: Lab, language: fr } }`);
  expect(read(own)).toEqual({ c: ['tel:+1'], j: 'Why', s: 5, o: 'Agency', l: 'en' });
  expect(read(lab)).toEqual({ c: ['tel:+1'], j: 'Why', s: 5, o: 'Lab', l: 'fr' });
});

test('a decision is the justification, and the sub-error goes with Blocked only', () => {
  const [[error] = []] = textsOf(`${HEAD}
lists:
  - id: a
    file: a.txt
    mandate: true
    ede: { code: 16, text: Ordered }
    decision: { authority: Office, reference: M-23-13, in-force-from: 2023-02-27 }`);
  expect(read(error)).toEqual({
    c: ['mailto:help@agency.example'],
    j: 'Office, M-23-13',
    o: 'Agency',
    l: 'en',
  });
});

test('the text of the EDE is the justification of a list without a decision', () => {
  const [[error] = []] = textsOf(
    `${HEAD}\nlists: [{ id: a, file: a.txt, ede: { code: 15, text: Ordered } }]`,
  );
  expect(read(error)).toMatchObject({ j: 'Ordered' });
});

test('a long decision is cut between characters', () => {
  const [[error] = []] = textsOf(`${HEAD}
lists:
  - { id: a, file: a.txt, mandate: true, decision: { authority: "${'😀'.repeat(500)}", reference: x, in-force-from: 2023-02-27 } }`);
  expect(read(error)).toMatchObject({ j: '😀'.repeat(60) });
});

test('nothing is made where nothing is configured', () => {
  const config = configOf('lists: [{ id: a, file: a.txt }]', FILES);
  expect(toStructuredErrors(config, buildGeneration(config, 1, 0))).toBeUndefined();
});
