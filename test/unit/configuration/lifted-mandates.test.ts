// Whom a proposed configuration would let have what a mandate refuses them: by clients, whatever key does it.
import { expect, test } from 'vitest';
import { liftedMandates } from '../../../src/people/configuration/lifted-mandates.ts';
import { configOf } from '../app/setup.ts';

const FILES = { 'm.txt': 'mandate.example\n', 'o.txt': 'other.example\n' };
const LISTS = `lists:
  - { id: banned, file: m.txt, format: domains, mandate: true }
  - { id: other, file: o.txt, format: domains }
`;
const BOTH = '[banned, other]';
const GROUPS = `groups:
  - { name: default, lists: ${BOTH} }
  - { name: hq, clients: ["10.1.0.0/16"], lists: ${BOTH} }
  - { name: lab, clients: ["10.2.0.0/16"], lists: [other], out-of-scope: true }
`;
const BASE = `${LISTS}${GROUPS}`;

const lifts = (text: string) =>
  liftedMandates(configOf(BASE, FILES), configOf(text, FILES), (list) => list === 'banned').map(
    ({ group, list, prefixes, passes }) =>
      `${group} ${passes ? 'passes' : 'unguarded'} ${list} ${prefixes.join(',')}`.trim(),
  );

test.each([
  ['nothing changes', BASE, []],
  [
    'a list without a mandate goes',
    BASE.replace(
      `hq, clients: ["10.1.0.0/16"], lists: ${BOTH}`,
      'hq, clients: ["10.1.0.0/16"], lists: [banned]',
    ),
    [],
  ],
  [
    'a group loses the list',
    BASE.replace(`["10.1.0.0/16"], lists: ${BOTH}`, '["10.1.0.0/16"], lists: [other]'),
    ['hq passes banned 10.1.0.0/16'],
  ],
  [
    'a part of a network moves',
    BASE.replace('"10.2.0.0/16"', '"10.2.0.0/16", "10.1.128.0/17"'),
    ['hq passes banned 10.1.128.0/17'],
  ],
  [
    'a network that begins at the same address',
    BASE.replace('"10.2.0.0/16"', '"10.2.0.0/16", "10.1.0.0/24"'),
    ['hq passes banned 10.1.0.0/24'],
  ],
  [
    'a part of everybody else is named',
    BASE.replace('"10.2.0.0/16"', '"10.2.0.0/16", "192.0.2.0/24"'),
    ['default passes banned 192.0.2.0/24'],
  ],
  ['a group goes, and its clients are everybody else', BASE.replace(/ {2}- \{ name: hq.*\n/, ''), []],
  [
    'the list is only watched',
    BASE.replace('mandate: true', 'mandate: false, log-only: true'),
    ['default passes banned', 'hq passes banned 10.1.0.0/16'],
  ],
  [
    'the list is no mandate any more',
    BASE.replace('mandate: true', 'mandate: false'),
    ['default unguarded banned', 'hq unguarded banned 10.1.0.0/16'],
  ],
  [
    'a group is out of scope',
    BASE.replace(`["10.1.0.0/16"], lists: ${BOTH}`, `["10.1.0.0/16"], lists: ${BOTH}, out-of-scope: true`),
    ['hq unguarded banned 10.1.0.0/16'],
  ],
])('%s', (_name, text, expected) => {
  expect(lifts(text).sort()).toEqual([...expected].sort());
});
