// Who somebody is by certificate, token and name of the listener: what goes before what, and what does not count.
import { describe, expect, test } from 'vitest';
import { createAddress, deviceAddress, packPrefixes, parseAddress } from '../../../src/base/base.ts';
import {
  Clients,
  type Credentials,
  compileAccess,
  Identities,
  type IdentityRules,
  type Revocations,
  Shown,
  type ShownCertificate,
} from '../../../src/policy/access/access.ts';
import { BY } from '../../../src/policy/access/identity.ts';

const FINGERPRINT = 'ab'.repeat(32);
const TOKEN = 'cd'.repeat(32);
const NOBODY: Revocations = { fingerprints: [], serials: [] };

const certificate = (changes: Partial<ShownCertificate> = {}): ShownCertificate => ({
  fingerprint: FINGERPRINT,
  subject: ['CN=Laptop', 'O=Agency', 'OU=Lab'],
  names: ['dns:a.b.example.net', 'email:user@example.net', 'uri:urn:device:7'],
  serial: 'issuer 01',
  notAfterMs: 1_000_000,
  ...changes,
});

/** Group 1 has the first rules, group 2 the second, and so on. */
const rulesOf = (...certificates: string[][]): IdentityRules => ({
  certificates: [[], ...certificates],
  tokens: [[], [{ device: 'tablet', sha256: TOKEN }]],
  serverNames: [[], [], ['lab.example.net']],
});

const shows = (changes: Partial<Credentials> = {}): Credentials => ({
  serverName: '',
  certificate: undefined,
  token: '',
  ...changes,
});

const groupOf = (
  rules: IdentityRules,
  shown: Credentials,
  revoked: Revocations = NOBODY,
): number | undefined => new Identities(rules, revoked).identify(shown)?.group;

describe('a certificate', () => {
  test.each([
    [`sha256:${FINGERPRINT}`, true],
    [`sha256:${'00'.repeat(32)}`, false],
    ['dns:a.b.example.net', true],
    ['dns:*.b.example.net', true],
    ['dns:*.example.net', true],
    ['dns:*.a.b.example.net', false],
    ['dns:b.example.net', false],
    ['dns:*.xample.net', false],
    ['email:user@example.net', true],
    ['email:*@example.net', true],
    ['email:*@net', false],
    ['dns:*.net', true],
    ['uri:urn:device:7', true],
    ['uri:urn:device:70', false],
    ['subject:CN=Laptop', true],
    ['subject:O=Agency,CN=Laptop', true],
    ['subject:CN=Laptop,O=Other', false],
    ['subject:CN=Lap', false],
  ] as const)('is known by %s: %s', (rule, isKnown) => {
    expect(groupOf(rulesOf([rule]), shows({ certificate: certificate() }))).toBe(isKnown ? 1 : undefined);
  });

  test('is known by what is closest: hash, name, the longest domain, subject', () => {
    const closest = [
      ['subject:CN=Laptop'],
      ['subject:CN=Laptop,O=Agency'],
      ['dns:*.example.net'],
      ['dns:*.b.example.net'],
      ['dns:a.b.example.net'],
      [`sha256:${FINGERPRINT}`],
    ];
    for (let count = 1; count <= closest.length; count++) {
      const rules = rulesOf(...closest.slice(0, count));
      expect(groupOf(rules, shows({ certificate: certificate() }))).toBe(count);
    }
  });

  test.each([
    ['its hash', { fingerprints: [FINGERPRINT], serials: [] }],
    ['its serial number', { fingerprints: [], serials: ['issuer 01'] }],
  ])('that is revoked by %s is none', (_name, revoked) => {
    const rules = rulesOf(['dns:*.example.net']);
    expect(groupOf(rules, shows({ certificate: certificate() }), revoked)).toBeUndefined();
    expect(groupOf(rules, shows({ certificate: certificate(), token: TOKEN }), revoked)).toBe(1);
  });

  test('gives the device a name: the first of its own, else the common name, else the hash', () => {
    const nameOf = (changes: Partial<ShownCertificate>): string | undefined =>
      new Identities(rulesOf([`sha256:${FINGERPRINT}`]), NOBODY).identify(
        shows({ certificate: certificate(changes) }),
      )?.device?.name;
    expect(nameOf({})).toBe('a.b.example.net');
    expect(nameOf({ names: [] })).toBe('Laptop');
    expect(nameOf({ names: [], subject: ['O=Agency'] })).toBe(`sha256:${FINGERPRINT}`);
    expect(nameOf({ names: [`dns:${'x'.repeat(120)}.example`] })).toBe(`sha256:${FINGERPRINT}`);
  });

  test('that expires while its connection is open is none from then on', () => {
    const identities = new Identities(rulesOf(['dns:*.example.net']), NOBODY);
    const shown = new Shown('', certificate(), '');
    expect(shown.of(identities, 999_999)?.group).toBe(1);
    expect(shown.of(identities, 1_000_000)).toBeUndefined();
  });
});

test('what else is shown counts once a certificate has expired', () => {
  const rules = rulesOf([], [], ['dns:*.example.net']);
  const shown = new Shown('', certificate(), TOKEN);
  const identities = new Identities(rules, NOBODY);
  expect(shown.of(identities, 999_999)).toMatchObject({ group: 3, by: BY.CERTIFICATE });
  expect(shown.of(identities, 1_000_000)).toMatchObject({ group: 1, by: BY.TOKEN });
});

test('the longest domain of all names decides, wherever it stands', () => {
  const rules = rulesOf([], ['dns:*.example.net'], ['dns:*.lab.example.net']);
  for (const names of [
    ['dns:a.example.net', 'dns:b.lab.example.net'],
    ['dns:b.lab.example.net', 'dns:a.example.net'],
  ])
    expect(groupOf(rules, shows({ certificate: certificate({ names }) }))).toBe(3);
});

describe('what stands above a certificate', () => {
  const above = { fingerprint: 'aa', serial: 'root 1' };
  const shown = shows({ certificate: certificate({ authorities: [above] }) });
  const rules = rulesOf(['dns:*.example.net']);

  test.each<[string, Revocations, readonly string[] | undefined, number | undefined]>([
    ['is in force', NOBODY, ['aa', 'bb'], 1],
    ['is not asked for', NOBODY, undefined, 1],
    ['is gone', NOBODY, ['bb'], undefined],
    ['is revoked by its hash', { fingerprints: ['aa'], serials: [] }, ['aa'], undefined],
    ['is revoked by its number', { fingerprints: [], serials: ['root 1'] }, ['aa'], undefined],
  ])('%s', (_what, revoked, authorities, group) => {
    expect(new Identities(rules, revoked, authorities).identify(shown)?.group).toBe(group);
  });

  test('is nobody of the configuration', () => {
    const nobodys = shows({ certificate: certificate({ authorities: [] }) });
    expect(new Identities(rules, NOBODY, ['aa']).identify(nobodys)).toBeUndefined();
  });
});

test.each([
  ['lab.example.net', 'other.example', true],
  ['lab.example.net', 'lab.example.net', false],
  ['lab.example.net', 'LAB.example.net.:8443', false],
  ['lab.example.net', '192.0.2.1:443', false],
  ['lab.example.net', '[2001:db8::1]:443', false],
  ['lab.example.net', '', false],
  ['', 'lab.example.net', false],
  ['other.example', 'lab.example.net', true],
  ['other.example', 'Lab.Example.NET.', true],
  ['other.example', 'lab.example.net:8443', true],
  ['other.example', 'dns2', false],
])('asked by %j, a request for %j is misdirected: %s', (serverName, authority, isMisdirected) => {
  const identities = new Identities(rulesOf([]), NOBODY);
  expect(new Shown(serverName, undefined, '').isMisdirected(authority, identities, 0)).toBe(isMisdirected);
  const token = new Shown(serverName, undefined, TOKEN);
  expect(token.isMisdirected(authority, identities, 0)).toBe(false);
});

test('the strongest decides: certificate, token, name of the listener', () => {
  const rules = rulesOf([], [], ['dns:*.example.net']);
  const all = { certificate: certificate(), token: TOKEN, serverName: 'lab.example.net' };
  const identities = new Identities(rules, NOBODY);
  expect(identities.identify(shows(all))).toMatchObject({ group: 3, by: BY.CERTIFICATE });
  expect(identities.identify(shows({ ...all, certificate: undefined }))).toMatchObject({
    group: 1,
    by: BY.TOKEN,
    device: { name: 'tablet' },
  });
  expect(identities.identify(shows({ serverName: 'lab.example.net' }))).toEqual({
    group: 2,
    by: BY.SERVER_NAME,
    device: undefined,
  });
  expect(identities.identify(shows({ serverName: 'x.example.net', token: '00' }))).toBeUndefined();
});

test('a connection is judged by the rules of now', () => {
  const shown = new Shown('', certificate(), '');
  expect(shown.of(new Identities(rulesOf(['dns:*.example.net']), NOBODY), 0)?.group).toBe(1);
  expect(shown.of(new Identities(rulesOf([], ['dns:*.example.net']), NOBODY), 0)?.group).toBe(2);
  expect(shown.of(new Identities(rulesOf([]), NOBODY), 0)).toBeUndefined();
});

test.each([
  [false, false],
  [true, true],
])('a device may ask from everywhere where that is allowed (%s)', (allowsDevices, isAllowed) => {
  const access = compileAccess({ allow: packPrefixes([]), groups: [], listeners: [] });
  const clients = new Clients({
    ...access,
    groupCount: 3,
    allowsDevices,
    identities: { rules: rulesOf(['dns:*.example.net']), revoked: NOBODY },
  });
  const address = createAddress();
  parseAddress('198.51.100.1', address);
  const { identities } = clients;
  if (identities === undefined) throw new Error('nobody is known');
  const who = identities.identify(shows({ certificate: certificate() }));
  expect(clients.identify(address, '', who)).toMatchObject({ group: 1, allowed: isAllowed });
  // A name of the listener is no device.
  const named = identities.identify(shows({ serverName: 'lab.example.net' }));
  expect(clients.identify(address, '', named)).toMatchObject({ group: 2, allowed: false });
  expect(clients.identify(address, '')).toMatchObject({ allowed: false });
});

test('small and capital letters of a name are one device, other names are others', () => {
  expect(deviceAddress('Laptop')).toEqual(deviceAddress('laptop'));
  expect(deviceAddress('laptop')).not.toEqual(deviceAddress('laptop2'));
});
