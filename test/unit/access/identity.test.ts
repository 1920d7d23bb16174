// Who somebody is by certificate, token and name of the listener: what goes before what, and what does not count.
import { describe, expect, test } from 'vitest';
import {
  Clients,
  type Credentials,
  compileAccess,
  Identities,
  type IdentityRules,
  type Revocations,
  Shown,
  type ShownCertificate,
} from '../../../src/access/access.ts';
import { BY } from '../../../src/access/identity.ts';
import { createAddress, deviceAddress, packPrefixes, parseAddress } from '../../../src/base/base.ts';

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
