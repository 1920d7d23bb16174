// Everything that the service can tell pages has a sentence in every language, by a code or a word, and never by reading English: a
// code, an issue, a reason or a state that is added without one fails here.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { codeText, faultText, problemText } from '../../../pages/parts/fault-text.ts';
import { findReason } from '../../../pages/parts/reason.ts';
import { en } from '../../../pages/text/en.ts';
import type { Texts } from '../../../pages/text/text.ts';
import {
  FLEET_NEEDS,
  HEALTH_ISSUE_IDS,
  REASONS,
  type ReasonId,
  reasonText,
} from '../../../src/base/words/words.ts';
import { SHIPPED_PROFILES } from '../../../src/evidence/exemptions/exemptions.ts';
import { titleOf } from '../../../src/people/admin/reply.ts';
import { NOT_ENFORCING_CAUSES } from '../../../src/telemetry/enforcement/enforcement.ts';
import { keyOf, SPEECHES } from './speech.ts';

/** Codes that share the sentence of their family: what differs is for who looks after the server. */
const FAMILIES = /^ERR_(?:CERTIFICATE|ACME)_/;

/** Codes that no page is told, by where they are told instead. */
const ELSEWHERE: readonly (readonly [codes: RegExp, where: string])[] = [
  [/^ERR_(?:CLI|IMPORT|WITNESS)_/, 'commands of their own'],
  [/^ERR_FEED_PUBLISH$|^ERR_COMPLIANCE_(?:REPORT_SIGNATURE|ESCROW|ASK)$/, 'a command'],
  [
    /^ERR_ROOM_(?:LISTEN|STORE|SECRET)$|^ERR_ADMIN_(?:LISTEN|CONTROL)$/,
    'the start: without these there are no pages',
  ],
  [/^ERR_COMPLIANCE_RECORDS_LOCKED$|^ERR_APP_SAVED$/, 'the start'],
  [/^ERR_QUIC_CALL$|^ERR_APP_(?:SAVE|HOSTS|REPORT|REMINDER)$|^ERR_DNSSEC_ANCHOR_STATE$/, 'the log'],
  [/^ERR_COMPLIANCE_(?:REPORT_THREAD|DNSTAP)$/, 'the log'],
  [/^ERR_FLEET_(?:ENGINE_FILES|CERTIFICATE|MACHINE|EXISTS|RUNNING)$/, 'commands that set a machine up'],
  [
    /^ERR_FLEET_(?:DATABASE|DATABASE_SCHEMA|ASKED|CONFLICT|EVIDENCE)$/,
    'the log of a collector or an authority',
  ],
];

const CODES = [...readFileSync('docs/errors.md', 'utf8').matchAll(/^\| `(ERR_\w+)`/gm)].map(
  ([, code = '']) => code,
);
const isElsewhere = (code: string): boolean => ELSEWHERE.some(([codes]) => codes.test(code));

/** Codes without a sentence of their own, their family's, or a place where they are told instead. */
const findUnsaid = (codes: readonly string[], texts: Readonly<Record<string, string>>): string[] =>
  codes.filter((code) => !(`fault-${code}` in texts) && !FAMILIES.test(code) && !isElsewhere(code));

/** Words of a union of the generated shapes: of the first member of this name in a type. */
const wordsOf = (type: string, member: string): string[] => {
  const shapes = readFileSync('pages/api/shapes.ts', 'utf8');
  const [, body = ''] = shapes.split(`export type ${type} = {`);
  const [, union = ''] =
    new RegExp(`readonly ${member}\\??: ([^;]*'[^;]*);`).exec(body.split(/^export type/m)[0] ?? '') ?? [];
  return [...union.matchAll(/'([^']+)'/g)].map(([, word = '']) => word);
};

/** The prefix of the texts, and whose words they are. */
const WORDS: readonly (readonly [prefix: string, words: readonly string[]])[] = [
  ['act', wordsOf('Act', 'state').filter((word) => word !== 'waiting')],
  ['role', wordsOf('Act', 'confirmRoles')],
  ['paper', wordsOf('Exemption', 'state')],
  ['day', wordsOf('Exemption', 'weekdays')],
  ['event', wordsOf('ExemptionEvent', 'event')],
  ['feed', wordsOf('FeedStatus', 'state')],
  ['fleetNeed', FLEET_NEEDS],
  ['fleetRole', wordsOf('FleetResolver', 'role').filter((word) => word !== 'node')],
  ['probe', wordsOf('FleetProbed', 'outcome')],
  ['kind', wordsOf('DeviceDay', 'kind')],
  ['checked', wordsOf('DeviceCheck', 'verdict')],
  ['becomes', wordsOf('ChangeTried', 'change')],
  ['refusedBy', wordsOf('Explanation', 'refusedBy').filter((word) => word !== 'list')],
  ['class', wordsOf('FoundRecords', 'class')],
  ['report', wordsOf('KeptReport', 'state').filter((word) => word !== 'done')],
  ['every', wordsOf('KeptReport', 'every')],
  ['reach', wordsOf('NetworkNow', 'reach')],
  ['mandate', wordsOf('NetworkStanding', 'state')],
  ['method', wordsOf('OpenSession', 'method')],
  ['run', wordsOf('ProbeRun', 'event')],
  ['logIdentity', wordsOf('QueryLogState', 'identity')],
  ['span', wordsOf('Span', 'state')],
  ['standing', wordsOf('State', 'standing')],
  ['list', ['in-force', 'held', 'stale', 'missing', 'suspended']],
  ['proof', ['proven', 'leaking', 'failing', 'old', 'changed', 'never', 'unasked']],
  ['listAction', ['fetched', 'unchanged', 'accepted', 'held', 'rejected', 'rolled-back']],
  ['cause', NOT_ENFORCING_CAUSES],
  ['profile', [...SHIPPED_PROFILES.keys()]],
  ['grounds', [...SHIPPED_PROFILES.values()].flatMap(({ grounds }) => grounds.map(({ id }) => id))],
  ['office', [...SHIPPED_PROFILES.values()].flatMap(({ approvers }) => approvers.map(({ role }) => role))],
];

test('every code that pages can be told has a sentence, and no sentence is for a code that is gone', () => {
  expect(CODES.length).toBeGreaterThan(180);
  expect(findUnsaid(CODES, en)).toEqual([]);
  const said = Object.keys(en).flatMap((key) => /^fault-(ERR_\w+)$/.exec(key)?.[1] ?? []);
  expect(said.filter((key) => !CODES.some((code) => code === key || code.startsWith(`${key}_`)))).toEqual([]);
  expect(ELSEWHERE.filter(([codes]) => !CODES.some((code) => codes.test(code)))).toEqual([]);
  expect(said.filter(isElsewhere)).toEqual([]);
});

test('what the operations of pages refuse with is told nowhere else', () => {
  const files = ['admin', 'configuration', 'controls', 'room'].flatMap((room) =>
    readdirSync(`src/people/${room}`).map((name) => readFileSync(`src/people/${room}/${name}`, 'utf8')),
  );
  const thrown = [...new Set(files.flatMap((text) => text.match(/(?<=')ERR_\w+(?=')/g) ?? []))];
  const ofStart = /^ERR_(?:ROOM_(?:LISTEN|STORE|SECRET)|ADMIN_(?:LISTEN|CONTROL)|APP_(?:REPORT|REMINDER))$/;
  expect(thrown.length).toBeGreaterThan(30);
  expect(thrown.filter((code) => isElsewhere(code) && !ofStart.test(code))).toEqual([]);
});

test('findUnsaid() catches a code that has no sentence', () => {
  expect(findUnsaid(['ERR_LIST_NEW', 'ERR_ACME_NEW', 'ERR_CLI_NEW', 'ERR_LIST_READ'], en)).toEqual([
    'ERR_LIST_NEW',
  ]);
});

test('each reason of the service is one of the pages, in the same words', () => {
  const said = Object.entries(en).flatMap(([key, text]) =>
    key.startsWith('reason-') ? [[key.slice('reason-'.length), text]] : [],
  );
  expect(Object.fromEntries(said)).toEqual(REASONS);
});

test('the headline, the probe, lists and the configuration give no reason beside the table', () => {
  const files = [
    'src/evidence/probe',
    'src/evidence/exemptions/register-steps.ts',
    'src/config/mandate-reach.ts',
    'src/evidence/exemptions/profile-shipped.ts',
    'src/telemetry/enforcement/headline-states.ts',
    'src/policy/lists/diagnostic.ts',
  ].flatMap((path) => (path.endsWith('.ts') ? [path] : readdirSync(path).map((name) => `${path}/${name}`)));
  const written = files.flatMap((path) =>
    (readFileSync(path, 'utf8').match(/\b(?:notes: \[|(?:reason|todo|why):)\s*['`"](?!['`"]).*/g) ?? []).map(
      (line) => `${path}: ${line}`,
    ),
  );
  expect(written).toEqual([]);
});

/** Values that look like parts of a reason. */
const VALUES = {
  ...{ count: 3, of: 9, groups: 'lab, a', lists: 'tiktok, b: c', status: 503, seconds: 60 },
  ...{
    path: '/etc/c: d.yaml',
    owner: 0,
    own: 977,
    file: 'a.yaml',
    rest: 'ENOENT: no such file',
    why: reasonText('own-keys'),
  },
} as const;

test.each(Object.keys(REASONS) as ReasonId[])('reason %s is found again, with its values', (id) => {
  const places = [...REASONS[id].matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  const values = Object.fromEntries(
    places.map((name) => [name, String(VALUES[name as keyof typeof VALUES])]),
  );
  expect(findReason(reasonText(id, VALUES))).toEqual({ key: `reason-${id}`, values });
});

test('what is no reason is found as none: it is folded away', () => {
  for (const text of ['', 'reading list a: no rule in it', 'only controls: what nobody wrote'])
    expect(findReason(text)).toBeUndefined();
});

describe.each(SPEECHES)('in %s', (language, speech, texts: Texts) => {
  const isOwn = (key: string): boolean => {
    const text = (texts as Readonly<Record<string, string>>)[key];
    return (
      text !== undefined &&
      text !== '' &&
      (language === 'en' || text !== (en as Readonly<Record<string, string>>)[key])
    );
  };

  test('every code and every status has a sentence of the language', () => {
    const general = faultText(speech, { status: 418, code: '' });
    expect(general).toBe(texts.faultOther);
    expect(faultText(speech, { status: 400, code: '' })).toBe(texts.faultForm);
    for (const code of CODES.filter((one) => !isElsewhere(one))) {
      expect([code, codeText(speech, code)]).toEqual([code, expect.stringMatching(/^\p{Lu}.*[.]$/u)]);
      expect(faultText(speech, { status: 409, code })).not.toBe(general);
    }
    const statuses = Array.from({ length: 200 }, (_, index) => 400 + index).filter(
      (status) => status === 500 || titleOf(status) !== titleOf(0),
    );
    expect(statuses.length).toBeGreaterThan(10);
    expect(statuses.filter((status) => faultText(speech, { status, code: '' }) === general)).toEqual([]);
    expect(Object.keys(en).filter((key) => /^(?:fault|reason|need)-/.test(key) && !isOwn(key))).toEqual([]);
  });

  test('a problem is said by its code, and its own words are for who reads English', () => {
    const problem = { code: 'ERR_CONFIG_VALUE', text: 'listen.dns: 70000 is no port', hint: 'at most 65535' };
    const said = problemText(speech, problem);
    if (language === 'en') expect(said).toBe('listen.dns: 70000 is no port; at most 65535');
    else expect(said).not.toMatch(/listen|port|most/);
  });

  test('every issue of health has a sentence', () => {
    const kinds = [...HEALTH_ISSUE_IDS, 'act-waiting', 'exemption-waiting', 'break-glass'];
    expect(kinds.filter((kind) => !isOwn(`need-${kind}`))).toEqual([]);
  });

  test.each(WORDS)('every word of %s', (prefix, words) => {
    expect(words.length).toBeGreaterThan(0);
    expect(words.filter((word) => !(keyOf(prefix, word) in texts))).toEqual([]);
  });
});
