// What should be in force, by hash: of lists, overlays and exemptions, at a time.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { contentStatus } from '../../../src/fleet/content-status.ts';
import { type LogEnd, NO_END, type PolicyEntry, signEntry } from '../../../src/fleet/entry.ts';
import { createKeyFile, type SigningKey } from '../../../src/fleet/key.ts';
import type { Member } from '../../../src/fleet/membership.ts';
import type { Presence } from '../../../src/fleet/presence.ts';
import { differing, hashesOf, SignedContents } from '../../../src/fleet/signed-contents.ts';

let directory: string;
let key: SigningKey;
let signed: SignedContents;
let end: LogEnd;

const SIGNED_AT = '2026-11-26T08:00:00.000Z';
const NOW_MS = Date.parse('2026-11-26T09:00:00.000Z');

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-contents-'));
  key = createKeyFile(join(directory, 'key.pem'));
  signed = new SignedContents();
  end = NO_END;
});
afterEach(() => rmSync(directory, { recursive: true }));

const add = (kind: string, body: object): PolicyEntry => {
  const entry = signEntry(end, { time: SIGNED_AT, kind, must: false, body: JSON.stringify(body) }, key);
  end = { number: entry.number, hash: end.hash };
  signed.take(entry);
  return entry;
};
const step = (id: string, event: string, until: string): PolicyEntry =>
  add('exemption', { kind: 'exemption', event, id, paper: { until } });
const overlay = (whom: string, yaml: string): PolicyEntry => add('overlay', { for: whom, yaml, by: 'x' });

/** What a resolver of bruges says that has these in force. */
const said = (overlays: readonly string[], exemptions: readonly string[], change: object = {}): Presence =>
  ({
    ...{ name: 'ns1', site: 'bruges', time: new Date(NOW_MS).toISOString() },
    ...{ policy: { number: end.number, hash: '' }, lists: {} },
    contents: hashesOf({ overlays, exemptions }),
    ...change,
  }) as unknown as Presence;

const differs = (presence: Presence, atMs = NOW_MS): string[] => differing(signed, presence, atMs);

test('a resolver is compared by its overlays, the narrowest last, and by nobody else', () => {
  overlay('all', 'a: 1');
  overlay('site:ghent', 'a: 2');
  overlay('node:ns1', 'a: 3');
  expect(differs(said(['a: 1', 'a: 3'], []))).toEqual([]);
  expect(differs(said(['a: 3', 'a: 1'], []))).toEqual(['overlays']);
  expect(differs(said([], []))).toEqual(['overlays']);
  overlay('all', '');
  expect(differs(said(['a: 3'], []))).toEqual([]);
});

test('exemptions that are over are nothing that is missing, as a resolver that comes later has none of them', () => {
  step('ex-000001', 'approved', '2026-11-26T08:30:00.000Z');
  step('ex-000002', 'approved', '2026-12-26T08:00:00.000Z');
  step('ex-000003', 'approved', '2026-12-26T08:00:00.000Z');
  step('ex-000003', 'revoked', '2026-12-26T08:00:00.000Z');
  expect(differs(said([], ['ex-000002']))).toEqual([]);
  expect(differs(said([], ['ex-000002', 'ex-000003']))).toEqual(['exemptions']);
  expect(differs(said([], []))).toEqual(['exemptions']);
  const before = { time: '2026-11-26T08:20:00.000Z' };
  expect(differs(said([], ['ex-000001', 'ex-000002'], before))).toEqual([]);
  expect(differs(said([], ['ex-000002'], before))).toEqual(['exemptions']);
});

test('what was just signed, what a resolver has not heard yet, and a version that says nothing are no difference', () => {
  overlay('all', 'a: 1');
  expect(differs(said([], []), Date.parse(SIGNED_AT) + 60_000)).toEqual([]);
  expect(differs(said([], [], { policy: { number: 0, hash: '' } }))).toEqual([]);
  expect(differs(said([], [], { contents: undefined }))).toEqual([]);
});

test('an authority in whose place another one is does not count among those that lack something, and a node that says so does', () => {
  overlay('all', 'a: 1');
  const member = (name: string, isAuthority: boolean): Member => ({
    ...{
      name,
      site: undefined,
      key: '',
      before: undefined,
      former: undefined,
      removed: undefined,
      enrolment: 1,
    },
    since: '',
    until: undefined,
    isAuthority,
  });
  const members = [member('ns1', true), member('old', true), member('ns3', false)];
  const contacts = new Map(
    ['old', 'ns3'].map((name) => {
      const presence = said([], [], { name, isReplaced: true });
      return [name, { presence, atMs: 0, isSigned: true }] as const;
    }),
  );
  const [overlays] = contentStatus(signed, members, contacts, said(['a: 1'], []));
  expect(overlays).toMatchObject({ inForce: 1, of: 2, without: ['ns3'] });
});
