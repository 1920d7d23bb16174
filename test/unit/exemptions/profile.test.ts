// Profiles as data: those that ship pass the schema of a file, and a file of an agency makes other rules.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { markOf, profileSchema, readProfile } from '../../../src/evidence/exemptions/profile.ts';
import { SHIPPED_PROFILES } from '../../../src/evidence/exemptions/profile-shipped.ts';
import {
  createDirectory,
  day,
  HEAD,
  openRegister,
  outcomeOf,
  profileOf,
  REQUEST,
  REQUESTER,
  US_RULES,
} from './setup.ts';

const writeProfile = (content: string): string => {
  const path = join(createDirectory(), 'profile.yaml');
  writeFileSync(path, content);
  return path;
};

test.each([...SHIPPED_PROFILES.keys()])('%s is what a file of the same content is', (id) => {
  const profile = profileOf(id);
  const read = readProfile(writeProfile(stringify(profile, { aliasDuplicateObjects: false })));
  expect(read).toEqual(profileSchema.parse(profile));
  expect(markOf(read)).toEqual(markOf(profile));
  expect(markOf(read)).toEqual({ id, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string });
});

test('a profile with other rules has another mark', () => {
  const profile = profileOf('us-federal');
  const longer = { ...profile, duration: { ...profile.duration, 'days-max': 3660 } };
  expect(markOf(longer).sha256).not.toBe(markOf(profile).sha256);
});

// PSPF Direction 001-2023: the Chief Security Officer approves, with these mitigations.
const AUSTRALIA = `
id: au-commonwealth
title: Australia, Commonwealth entities
legal-basis:
  - { reference: PSPF Direction 001-2023, title: The TikTok application, date: 2023-04-04 }
grounds:
  - { id: legitimate-business-reason, title: A legitimate business reason }
duration: { days-max: 90, start-within-days: 30 }
approvers:
  - { role: chief-security-officer, title: Chief Security Officer, delegation: false }
texts: { justification: 40, alternatives: 30, mitigation: 15 }
mitigations:
  least: 2
  checklist:
    - { id: standalone-device, title: Separate standalone device, required: true }
    - { id: secure-storage, title: Stored securely when not in use, required: true }
    - { id: generic-mailbox, title: Official generic mailbox for each account, required: false }
scope: { ipv4-length-min: 28, ipv6-length-min: 64, default-group: false }
warn-before-days: [14]
`;

describe('the profile of an agency', () => {
  const open = () => openRegister({ ...US_RULES, profile: readProfile(writeProfile(AUSTRALIA)) });
  const request = {
    ...REQUEST,
    grounds: 'legitimate-business-reason',
    mitigations: [
      { item: 'standalone-device', text: 'One phone without any other account.' },
      { item: 'secure-storage', text: 'It lies in the safe of the office.' },
    ],
  };

  test.each<[what: string, change: object, refusal: string[]]>([
    ['keeps its rules', {}, []],
    ['has grounds of another profile', { grounds: 'law-enforcement' }, ['ERR_EXEMPTION_GROUNDS grounds']],
    ['lasts longer than it allows', { until: day(91) }, ['ERR_EXEMPTION_DURATION until']],
    ['begins later than it allows', { from: day(31), until: day(40) }, ['ERR_EXEMPTION_START from']],
    ['is wider than it allows', { clients: ['192.0.2.0/27'] }, ['ERR_EXEMPTION_SCOPE_WIDE clients[0]']],
    [
      'lacks a measure that it requires',
      { mitigations: [...request.mitigations.slice(0, 1), 'It lies in the safe of the office.'] },
      ['ERR_EXEMPTION_MITIGATIONS mitigations'],
    ],
    [
      'has too few measures',
      { mitigations: request.mitigations.slice(0, 1) },
      ['ERR_EXEMPTION_MITIGATIONS mitigations', 'ERR_EXEMPTION_MITIGATIONS mitigations'],
    ],
    [
      'has a measure that it does not know',
      { mitigations: [...request.mitigations, { item: 'vpn', text: 'A tunnel of its own.' }] },
      ['ERR_EXEMPTION_MITIGATIONS mitigations[2].item'],
    ],
  ])('judges a request that %s', (_what, change, refusal) => {
    const outcome = open().register.request({ ...request, ...change }, REQUESTER);
    expect(outcomeOf(outcome)).toEqual(refusal.length === 0 ? 'requested' : refusal);
  });

  test('names its own approvers', () => {
    const { register } = open();
    register.request(request, REQUESTER);
    expect(outcomeOf(register.approve('1', HEAD))).toEqual(['ERR_EXEMPTION_ROLE role']);
    expect(
      outcomeOf(register.approve('1', { ...HEAD, by: 'C. Officer', role: 'chief-security-officer' })),
    ).toBe('active');
  });
});

test.each<[what: string, change: (profile: Record<string, unknown>) => void, problem: string]>([
  ['an unknown key', (profile) => Object.assign(profile, { colour: 1 }), 'colour'],
  ['no word of grounds', (profile) => void delete profile['grounds'], 'grounds: '],
  ['no legal basis', (profile) => void delete profile['legal-basis'], 'legal-basis: '],
  [
    'a duration without end',
    (profile) => Object.assign(profile, { duration: { 'days-max': 9999, 'start-within-days': 1 } }),
    'duration.days-max: ',
  ],
  [
    'a role twice',
    (profile) =>
      Object.assign(profile, {
        approvers: [...(profile['approvers'] as unknown[]), ...(profile['approvers'] as unknown[])],
      }),
    'approvers: has a role twice',
  ],
  ['an id that is none', (profile) => Object.assign(profile, { id: 'Mine!' }), 'id: has to be small letters'],
])('a profile with %s is refused with its place', (_what, change, problem) => {
  const profile = parse(AUSTRALIA) as Record<string, unknown>;
  change(profile);
  const path = writeProfile(stringify(profile, { aliasDuplicateObjects: false }));
  const read = () => readProfile(path);
  expect(read).toThrow(problem);
  expect(read).toThrow(expect.objectContaining({ code: 'ERR_EXEMPTION_PROFILE' }) as Error);
  expect(read).toThrow(/profile\.yaml:\d+:\d+: /);
});

test.each([
  ['is not there', undefined],
  ['is no YAML', 'id: ['],
  ['is too large', `# ${'x'.repeat(70_000)}\n`],
  ['is empty', ''],
])('a profile file that %s is ERR_EXEMPTION_PROFILE', (_what, content) => {
  const path = content === undefined ? join(createDirectory(), 'none.yaml') : writeProfile(content);
  expect(() => readProfile(path)).toThrow(
    expect.objectContaining({ code: 'ERR_EXEMPTION_PROFILE' }) as Error,
  );
  if (content !== undefined) expect(readFileSync(path, 'utf8')).toBe(content);
});
