// Who stands for a group that knows its clients by more than an address: somebody who really is one of it, or nobody.
import { expect, test } from 'vitest';
import { type AddressWords, deviceAddress } from '../../../src/base/base.ts';
import { chooseRepresentatives, showingOf } from '../../../src/evidence/probe/identified.ts';
import { Identities, type IdentityRules } from '../../../src/policy/access/access.ts';

const ALL = showingOf({ dot: [1], doh: [1], dohPlain: [], doq: [1] });

interface Network {
  readonly certificates?: IdentityRules['certificates'];
  readonly tokens?: readonly (readonly string[])[];
  readonly serverNames?: IdentityRules['serverNames'];
  readonly revoked?: readonly string[];
  readonly avoid?: string;
  readonly showing?: typeof ALL;
}

/** What represents the second group: `WHAT over TRANSPORTS`, or why nothing does. */
const choose = (network: Network): readonly string[] | string | undefined => {
  const { certificates = [], tokens = [], serverNames = [], revoked = [], avoid, showing = ALL } = network;
  const rules: IdentityRules = {
    certificates,
    tokens: tokens.map((hashes) => hashes.map((sha256) => ({ device: `device-${sha256}`, sha256 }))),
    serverNames,
  };
  const table = { rules, revoked: { fingerprints: revoked, serials: [] } };
  const identities = new Identities(table.rules, table.revoked);
  const avoided = avoid === undefined ? undefined : deviceAddress(avoid);
  const isAvoided = (device: AddressWords): boolean =>
    avoided?.every((word, at) => word === device[at]) === true;
  const { known, reason } = chooseRepresentatives(identities, table, 1, showing, isAvoided);
  if (known.length === 0) return reason;
  return known.map(({ shown: { certificate, token, serverName }, transports }) => {
    const { names = [], subject = [], fingerprint = '' } = certificate ?? {};
    const what =
      [...names, ...subject, token, serverName].filter((text) => text !== '').join() || fingerprint;
    return `${what} over ${transports.join(' ')}`;
  });
};

test('one of each kind, where it can be shown', () => {
  const certificates = [
    [],
    ['dns:*.a.example', 'dns:*.b.example', 'subject:OU=Field,O=Agency', 'sha256:ab', 'dns:one.example'],
  ];
  expect(choose({ certificates, tokens: [[], ['t1', 't2']], serverNames: [[], ['n.example']] })).toEqual([
    'dns:cordon-probe.a.example over dot doh',
    'OU=Field,O=Agency over dot doh',
    'ab over dot doh',
    'dns:one.example over dot doh',
    't1 over doh',
    'n.example over dot doh doq',
  ]);
});

test('past what leads to other groups, and what is revoked', () => {
  expect(
    choose({ certificates: [['dns:cordon-probe.a.example'], ['dns:*.a.example', 'dns:*.b.example']] }),
  ).toEqual(['dns:cordon-probe.b.example over dot doh']);
  expect(choose({ certificates: [[], ['sha256:ab', 'sha256:cd']], revoked: ['ab'] })).toEqual([
    'cd over dot doh',
  ]);
  const nobody = 'what it names is revoked, or leads to other groups';
  expect(choose({ certificates: [[], ['sha256:ab']], revoked: ['ab'] })).toBe(nobody);
  expect(choose({ certificates: [['dns:cordon-probe.a.example'], ['dns:*.a.example']] })).toBe(nobody);
});

test('a device with an exemption stands for the group only where there is no other', () => {
  expect(choose({ tokens: [[], ['t1', 't2']], avoid: 'device-t1' })).toEqual(['t2 over doh']);
  expect(choose({ tokens: [[], ['t1']], avoid: 'device-t1' })).toEqual(['t1 over doh']);
});

test('a group that names nobody has nobody and no reason; one whose listeners are missing has', () => {
  expect(choose({})).toBeUndefined();
  const showing = showingOf({ dot: [], doh: [], dohPlain: [1], doq: [1] });
  expect(choose({ certificates: [[], ['dns:one.example']], showing })).toBe(
    'nothing listens where a client could show what it names',
  );
  expect(choose({ tokens: [[], ['t1']], serverNames: [[], ['n.example']], showing })).toEqual([
    't1 over doh',
    'n.example over doq',
  ]);
});
