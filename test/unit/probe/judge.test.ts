// What one answer shows: refused in the way that the list says, a leak, or broken.
import { describe, expect, test } from 'vitest';
import {
  type Expectation,
  foreignForms,
  judgeOutcome,
  NULL_ADDRESSES,
  type RefusalForm,
} from '../../../src/evidence/probe/judge.ts';
import { createEde, EDE, FLAG, OPTION, RCODE } from '../../../src/wire/dns/dns.ts';
import { readReply } from '../../../src/wire/stub/dns2-client.ts';
import { buildResponse, type MessageText } from '../../support/records.ts';

const NAME = 'www.tiktok.example';
const SERVER = { address: '127.0.0.1', port: 53, family: 4 } as const;
const SOA = `${NAME}. 30 IN SOA ${NAME}. hostmaster.invalid. 1 3600 1200 604800 30`;
const NXDOMAIN: RefusalForm = { kind: 'nxdomain' };
const NODATA: RefusalForm = { kind: 'nodata' };
const NULL_IP: RefusalForm = { kind: 'address', addresses: NULL_ADDRESSES };
const SINKHOLE: RefusalForm = { kind: 'address', addresses: ['192.0.2.7'] };
const ANY_FORM: readonly RefusalForm[] = [NXDOMAIN, NODATA, { kind: 'refused' }, NULL_IP];

interface Answer extends Omit<MessageText, 'question' | 'flags' | 'edns'> {
  readonly rcode?: number;
  readonly ede?: number;
  readonly text?: string;
  readonly flags?: number;
}

const judge = (
  type: string,
  expected: Expectation,
  { rcode = 0, ede, text: edeText, flags = 0, ...text }: Answer,
): string => {
  const data = ede === undefined ? new Uint8Array(0) : createEde(ede, edeText);
  const options = ede === undefined ? data : Uint8Array.from([0, OPTION.EDE, 0, data.length, ...data]);
  const message = buildResponse({
    ...text,
    question: `${NAME}. ${type}`,
    flags: FLAG.QR | FLAG.RD | FLAG.RA | flags | rcode,
    edns: { options },
  });
  const reading = readReply(message, NAME, SERVER, 0);
  return judgeOutcome({ name: NAME, type, expected }, { kind: 'answer', reading }).verdict;
};

const own = (...forms: RefusalForm[]): Extract<Expectation, { kind: 'refused' }> => ({
  kind: 'refused',
  forms,
  needsEde: true,
  listed: 'tiktok.example.',
});
const foreign: Expectation = { kind: 'refused', forms: ANY_FORM, needsEde: false, listed: 'tiktok.example.' };
const A = (address: string, owner = `${NAME}.`): string => `${owner} 60 IN A ${address}`;
const BLOCKED = EDE.BLOCKED;

test.each<[string, string | undefined, string]>([
  ['a contact', '{"c":["mailto:help@agency.example"],"s":5}', 'passed'],
  ['no text', undefined, 'failed'],
  ['plain words', 'blocked by the agency', 'failed'],
  ['nobody to turn to', '{"c":[],"s":5}', 'failed'],
  ['a contact that is none', '{"c":["https://agency.example"]}', 'failed'],
])('a structured error with %s: %s is %s', (_name, text, verdict) => {
  const expected: Expectation = { ...own(NXDOMAIN), isStructured: true };
  const refusal = { rcode: RCODE.NXDOMAIN, ede: BLOCKED, ...(text !== undefined && { text }) };
  expect(judge('A', expected, refusal)).toBe(verdict);
  expect(judge('A', own(NXDOMAIN), refusal)).toBe('passed');
});

describe('a Cordon', () => {
  test.each<[string, string, RefusalForm, Answer, string]>([
    ['NXDOMAIN', 'A', NXDOMAIN, { rcode: RCODE.NXDOMAIN, ede: BLOCKED, authority: [SOA] }, 'passed'],
    ['NXDOMAIN as censored', 'A', NXDOMAIN, { rcode: RCODE.NXDOMAIN, ede: EDE.CENSORED }, 'passed'],
    ['NODATA', 'HTTPS', NODATA, { ede: BLOCKED, authority: [SOA] }, 'passed'],
    ['REFUSED', 'ANY', { kind: 'refused' }, { rcode: RCODE.REFUSED, ede: BLOCKED }, 'passed'],
    ['the null address', 'A', NULL_IP, { ede: BLOCKED, answer: [A('0.0.0.0')] }, 'passed'],
    [
      'the null address of IPv6',
      'AAAA',
      NULL_IP,
      { ede: BLOCKED, answer: [`${NAME}. 60 IN AAAA ::`] },
      'passed',
    ],
    [
      'NODATA for a type without null address',
      'HTTPS',
      NULL_IP,
      { ede: BLOCKED, authority: [SOA] },
      'passed',
    ],
    ['the configured address', 'A', SINKHOLE, { ede: BLOCKED, answer: [A('192.0.2.7')] }, 'passed'],
    ['NODATA for a family without address', 'AAAA', SINKHOLE, { ede: BLOCKED, authority: [SOA] }, 'passed'],
    // Refused, but not as the list says.
    ['NODATA of a list with NXDOMAIN', 'A', NXDOMAIN, { ede: BLOCKED }, 'failed'],
    [
      'NXDOMAIN of a list with null addresses',
      'A',
      NULL_IP,
      { rcode: RCODE.NXDOMAIN, ede: BLOCKED },
      'failed',
    ],
    [
      'the null address of a list with NXDOMAIN',
      'A',
      NXDOMAIN,
      { ede: BLOCKED, answer: [A('0.0.0.0')] },
      'failed',
    ],
    ['the null address without an EDE', 'A', NULL_IP, { answer: [A('0.0.0.0')] }, 'failed'],
    ['REFUSED without an EDE', 'A', { kind: 'refused' }, { rcode: RCODE.REFUSED }, 'failed'],
    // What the world would have said.
    ['an address', 'A', NXDOMAIN, { answer: [A('198.51.100.1')] }, 'leaked'],
    ['an address with an EDE', 'A', NXDOMAIN, { ede: BLOCKED, answer: [A('198.51.100.1')] }, 'leaked'],
    [
      'another address beside the null address',
      'A',
      NULL_IP,
      { ede: BLOCKED, answer: [A('0.0.0.0'), A('198.51.100.1')] },
      'leaked',
    ],
    [
      'an address with NXDOMAIN',
      'A',
      NXDOMAIN,
      { rcode: RCODE.NXDOMAIN, ede: BLOCKED, answer: [A('198.51.100.1')] },
      'leaked',
    ],
    [
      'an address in ADDITIONAL',
      'A',
      NXDOMAIN,
      { rcode: RCODE.NXDOMAIN, ede: BLOCKED, additional: [A('198.51.100.1')] },
      'leaked',
    ],
    [
      'an alias',
      'A',
      NXDOMAIN,
      { ede: BLOCKED, answer: [`${NAME}. 60 IN CNAME cdn.example.net.`] },
      'leaked',
    ],
    ['an HTTPS record', 'HTTPS', NXDOMAIN, { answer: [`${NAME}. 60 IN HTTPS 1 . alpn=h2`] }, 'leaked'],
    [
      'the minimal answer to ANY',
      'ANY',
      NXDOMAIN,
      { answer: [`${NAME}. 60 IN HINFO "RFC8482" ""`] },
      'leaked',
    ],
    ['ANY with the SOA of a refusal', 'ANY', NXDOMAIN, { answer: [SOA], ede: BLOCKED }, 'leaked'],
    ['NXDOMAIN without an EDE', 'A', NXDOMAIN, { rcode: RCODE.NXDOMAIN }, 'leaked'],
    ['NODATA with the EDE of a stale answer', 'A', NODATA, { ede: EDE.STALE_ANSWER }, 'leaked'],
    [
      'the SOA of the zone above',
      'A',
      NXDOMAIN,
      { rcode: RCODE.NXDOMAIN, ede: BLOCKED, authority: ['example. 60 IN SOA a. b. 1 2 3 4 5'] },
      'leaked',
    ],
    [
      'a proof of denial',
      'A',
      NXDOMAIN,
      { rcode: RCODE.NXDOMAIN, ede: BLOCKED, authority: [`${NAME}. 60 IN NS ns.example.net.`] },
      'leaked',
    ],
    // Nobody can tell.
    ['SERVFAIL before it is ready', 'A', NXDOMAIN, { rcode: RCODE.SERVFAIL, ede: EDE.NOT_READY }, 'failed'],
    ['FORMERR', 'A', NXDOMAIN, { rcode: RCODE.FORMERR }, 'failed'],
    ['an empty answer with TC', 'A', NODATA, { ede: BLOCKED, flags: FLAG.TC }, 'failed'],
  ])('that answers %s', (_title, type, form, answer, verdict) => {
    expect(judge(type, own(form), answer)).toBe(verdict);
  });

  test('may refuse in the form of any list that has the name', () => {
    const refused = { rcode: RCODE.NXDOMAIN, ede: BLOCKED };
    expect(judge('A', own(NULL_IP, NXDOMAIN), refused)).toBe('passed');
    expect(judge('A', own(NULL_IP, NXDOMAIN), { ede: BLOCKED, answer: [A('0.0.0.0')] })).toBe('passed');
  });

  test('may be silent only where a list drops', () => {
    const question = { name: NAME, type: 'A' };
    const silence = { kind: 'silence' } as const;
    expect(judgeOutcome({ ...question, expected: own(NXDOMAIN) }, silence).verdict).toBe('failed');
    expect(judgeOutcome({ ...question, expected: own({ kind: 'drop' }) }, silence).verdict).toBe('passed');
    expect(judge('A', own({ kind: 'drop' }), { answer: [A('198.51.100.1')] })).toBe('leaked');
  });

  test('may answer with the records of a rule, and what its alias leads to', () => {
    const garden: RefusalForm = {
      kind: 'data',
      targets: ['garden.example.org.'],
      addresses: ['192.0.2.9'],
      types: ['TXT'],
    };
    const alias = `${NAME}. 60 IN CNAME garden.example.org.`;
    const led = [alias, A('198.51.100.9', 'garden.example.org.')];
    expect(judge('A', own(garden), { ede: BLOCKED, answer: led })).toBe('passed');
    expect(judge('A', own(garden), { ede: BLOCKED, answer: [A('192.0.2.9')] })).toBe('passed');
    expect(judge('A', own(garden), { ede: BLOCKED, answer: [A('198.51.100.9')] })).toBe('leaked');
    expect(judge('TXT', own(garden), { ede: BLOCKED, answer: [`${NAME}. 60 IN TXT "refused"`] })).toBe(
      'passed',
    );
    const nothing = { ede: BLOCKED, answer: [alias], authority: ['example.org. 60 IN SOA a. b. 1 2 3 4 5'] };
    expect(judge('AAAA', own(garden), nothing)).toBe('passed');
    const each: RefusalForm = { ...garden, targets: ['*.garden.example.org.'] };
    const rewritten = [`${NAME}. 60 IN CNAME ${NAME}.garden.example.org.`];
    expect(judge('A', own(each), { ede: BLOCKED, answer: rewritten })).toBe('passed');
  });
});

describe('another resolver', () => {
  test.each<[string, string, Answer, string]>([
    ['NXDOMAIN', 'A', { rcode: RCODE.NXDOMAIN }, 'passed'],
    ['NXDOMAIN with a SOA of its own', 'A', { rcode: RCODE.NXDOMAIN, authority: [SOA] }, 'passed'],
    [
      'NXDOMAIN with the SOA of a policy zone',
      'A',
      { rcode: RCODE.NXDOMAIN, additional: ['rpz.example.org. 60 IN SOA a. b. 1 2 3 4 5'] },
      'passed',
    ],
    [
      'NXDOMAIN of the zone above',
      'A',
      { rcode: RCODE.NXDOMAIN, authority: ['example. 60 IN SOA a. b. 1 2 3 4 5'] },
      'leaked',
    ],
    ['NODATA', 'HTTPS', {}, 'passed'],
    ['REFUSED', 'A', { rcode: RCODE.REFUSED }, 'passed'],
    ['the null address', 'A', { answer: [A('0.0.0.0')] }, 'passed'],
    ['the same to every ANY', 'ANY', { answer: [`${NAME}. 60 IN HINFO "RFC8482" ""`] }, 'passed'],
    ['ANY with the SOA of a refusal', 'ANY', { answer: [SOA] }, 'passed'],
    ['A with the SOA of a refusal', 'A', { answer: [SOA] }, 'leaked'],
    [
      'ANY with the SOA of the zone above',
      'ANY',
      { answer: ['example. 60 IN SOA a. b. 1 2 3 4 5'] },
      'leaked',
    ],
    ['ANY with a SOA and an address', 'ANY', { answer: [SOA, A('198.51.100.1')] }, 'leaked'],
    ['an address', 'A', { answer: [A('198.51.100.1')] }, 'leaked'],
    ['an address with NXDOMAIN', 'A', { rcode: RCODE.NXDOMAIN, answer: [A('198.51.100.1')] }, 'leaked'],
    ['SERVFAIL', 'A', { rcode: RCODE.SERVFAIL }, 'failed'],
  ])('that answers %s', (_title, type, answer, verdict) => {
    expect(judge(type, foreign, answer)).toBe(verdict);
  });
});

test('a control has to have data of its type', () => {
  const control: Expectation = { kind: 'resolves' };
  expect(judge('A', control, { answer: [A('198.51.100.1')] })).toBe('passed');
  expect(judge('A', control, {})).toBe('failed');
  expect(judge('A', control, { rcode: RCODE.NXDOMAIN, ede: BLOCKED })).toBe('failed');
  expect(judge('A', control, { rcode: RCODE.SERVFAIL })).toBe('failed');
});

test('a control that leads nowhere, or where the server leads what it refuses, did not resolve', () => {
  const own: Expectation = { kind: 'resolves' };
  expect(judge('A', own, { answer: [A('0.0.0.0')] })).toBe('failed');
  const foreignControl: Expectation = { kind: 'resolves', forms: foreignForms(['198.51.100.9']) };
  for (const address of ['0.0.0.0', '127.0.0.1', '198.51.100.9'])
    expect(judge('A', foreignControl, { answer: [A(address)] })).toBe('failed');
  expect(judge('A', foreignControl, { answer: [A('198.51.100.1')] })).toBe('passed');
});

test('who may not ask has to be told so', () => {
  const prohibited: Expectation = { kind: 'prohibited' };
  expect(judge('A', prohibited, { rcode: RCODE.REFUSED, ede: EDE.PROHIBITED })).toBe('passed');
  expect(judge('A', prohibited, { answer: [A('198.51.100.1')] })).toBe('leaked');
  expect(judge('A', prohibited, { rcode: RCODE.NXDOMAIN })).toBe('failed');
});
