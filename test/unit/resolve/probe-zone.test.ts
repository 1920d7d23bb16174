// The zone of the self-probe: what each case answers, and that the answers are judged like any other.
import { expect, test } from 'vitest';
import { LocalZones } from '../../../src/resolver/local/local.ts';
import type { Question, Resolution } from '../../../src/resolver/pipeline/pipeline.ts';
import { PROBE_ZONE, ProbeZone } from '../../../src/resolver/resolve/resolve.ts';
import { nameFrom, RCODE, TYPE } from '../../../src/wire/dns/dns.ts';
import { buildResponse, type ParsedMessage, parseMessage } from '../../support/records.ts';
import { Bench, createRules, onlyAnswer, type RuleText, rcodeOf } from '../pipeline/setup.ts';

const ZONE = 'probe.cordon.invalid.';

/** What another resolver was asked. */
const passedOn: Question[] = [];

const resolve = (name: string, type: number): ParsedMessage => {
  const zone = new ProbeZone({ resolve: (question) => void passedOn.push(question) });
  let resolution: Resolution | undefined;
  const question = { name: nameFrom(name), type, class: 1, view: 0, wantsAd: false };
  zone.resolve({ ...question, dnssecOk: false, checkingDisabled: false }, (found) => {
    resolution = found;
  });
  if (resolution?.kind !== 'answer') throw new Error(`${name}: ${resolution?.kind}`);
  return parseMessage(resolution.message);
};

const NAME = `www.tiktok.example.${ZONE}`;
const TARGET = 'www.tiktok.example.';

test.each<[string, keyof typeof TYPE, string[]]>([
  [`cname.${NAME}`, 'A', [`cname.${NAME} 5 IN CNAME ${TARGET}`, `${TARGET} 5 IN A 192.0.2.1`]],
  [`cname.${NAME}`, 'AAAA', [`cname.${NAME} 5 IN CNAME ${TARGET}`, `${TARGET} 5 IN AAAA 2001:db8::1`]],
  [`cname.${NAME}`, 'HTTPS', [`cname.${NAME} 5 IN CNAME ${TARGET}`]],
  [`cname.${NAME}`, 'CNAME', [`cname.${NAME} 5 IN CNAME ${TARGET}`]],
  [
    `cname2.${NAME}`,
    'A',
    [
      `cname2.${NAME} 5 IN CNAME cname.${NAME}`,
      `cname.${NAME} 5 IN CNAME ${TARGET}`,
      `${TARGET} 5 IN A 192.0.2.1`,
    ],
  ],
  [
    `dname.${NAME}`,
    'A',
    [
      `${NAME} 5 IN DNAME ${TARGET}`,
      `dname.${NAME} 5 IN CNAME dname.${TARGET}`,
      `dname.${TARGET} 5 IN A 192.0.2.1`,
    ],
  ],
  [`https-alias.${NAME}`, 'HTTPS', [`https-alias.${NAME} 5 IN HTTPS 0 ${TARGET}`]],
  [`https-alias.${NAME}`, 'SVCB', [`https-alias.${NAME} 5 IN SVCB 0 ${TARGET}`]],
  [`https-target.${NAME}`, 'HTTPS', [`https-target.${NAME} 5 IN HTTPS 1 ${TARGET}`]],
  [`address-c6336407.${ZONE}`, 'A', [`address-c6336407.${ZONE} 5 IN A 198.51.100.7`]],
  [
    `address-20010db8000000000000000000000007.${ZONE}`,
    'AAAA',
    [`address-20010db8000000000000000000000007.${ZONE} 5 IN AAAA 2001:db8::7`],
  ],
  [`hint-c6336407.${ZONE}`, 'HTTPS', [`hint-c6336407.${ZONE} 5 IN HTTPS 1 . ipv4hint=198.51.100.7`]],
  [
    `hint-20010db8000000000000000000000007.${ZONE}`,
    'SVCB',
    [`hint-20010db8000000000000000000000007.${ZONE} 5 IN SVCB 1 . ipv6hint=2001:db8::7`],
  ],
  [`plain.${ZONE}`, 'A', [`plain.${ZONE} 5 IN A 192.0.2.1`]],
  [`plain.${ZONE}`, 'AAAA', [`plain.${ZONE} 5 IN AAAA 2001:db8::1`]],
])('%s %s', (name, type, answer) => {
  const message = resolve(name, TYPE[type]);
  expect(message).toMatchObject({ answer, authority: [], isSound: true });
  expect(rcodeOf(message)).toBe(RCODE.NOERROR);
});

test.each<[string, keyof typeof TYPE, number]>([
  [`plain.${ZONE}`, 'TXT', RCODE.NOERROR],
  [`https-alias.${NAME}`, 'A', RCODE.NOERROR],
  [`address-c6336407.${ZONE}`, 'AAAA', RCODE.NOERROR],
  [ZONE, 'A', RCODE.NOERROR],
  [`other.${NAME}`, 'A', RCODE.NXDOMAIN],
  [`cname.${ZONE}`, 'A', RCODE.NXDOMAIN],
  [`address-c63364.${ZONE}`, 'A', RCODE.NXDOMAIN],
  [`address-c633640g.${ZONE}`, 'A', RCODE.NXDOMAIN],
  [`address-c6336407-1.${ZONE}`, 'A', RCODE.NXDOMAIN],
  [`address-c6336407.${NAME}`, 'A', RCODE.NXDOMAIN],
  [`plain.${NAME}`, 'A', RCODE.NXDOMAIN],
])('%s %s has no such data: %i', (name, type, rcode) => {
  const message = resolve(name, TYPE[type]);
  expect(rcodeOf(message)).toBe(rcode);
  expect(message.answer).toEqual([]);
  expect(message.authority).toEqual([expect.stringMatching(/^probe\.cordon\.invalid\. 5 IN SOA /)]);
});

test('letters do not matter, and come back as they were sent', () => {
  expect(resolve(`Plain.Probe.CORDON.invalid.`, TYPE.A).question).toBe('Plain.Probe.CORDON.invalid. A');
});

test('a name as long as names may be is answered', () => {
  const label = 'x'.repeat(63);
  const target = `${label}.${label}.${label}.${'y'.repeat(34)}.`;
  const name = `cname.${target}${ZONE}`;
  expect(name.length + 1).toBe(255);
  expect(resolve(name, TYPE.A)).toMatchObject({
    isSound: true,
    answer: [expect.anything(), expect.anything()],
  });
});

test('other names go to the resolver behind it', () => {
  passedOn.length = 0;
  expect(() => resolve('www.example.', TYPE.A)).toThrow();
  expect(() => resolve('cordon.invalid.', TYPE.A)).toThrow();
  expect(passedOn).toHaveLength(2);
});

test.each<[string, string, string, string]>([
  [`cname.${NAME}`, 'A', 'tiktok.example', 'cname'],
  [`cname2.${NAME}`, 'AAAA', 'tiktok.example', 'cname'],
  [`dname.${NAME}`, 'A', '=www.tiktok.example', 'dname'],
  [`https-alias.${NAME}`, 'HTTPS', 'tiktok.example', 'https-target'],
  [`https-target.${NAME}`, 'HTTPS', 'tiktok.example', 'https-target'],
  [`address-cb007107.${ZONE}`, 'A', '203.0.113.0/24', 'response-ip'],
  [`hint-cb007107.${ZONE}`, 'HTTPS', '203.0.113.0/24', 'https-hint'],
])('a client that asks for %s %s is refused by %s, on the %s', (name, type, rule, trigger) => {
  const bench = createBench({ lists: [[rule]] });
  expect(rcodeOf(onlyAnswer(bench.ask(`${name} ${type}`)))).toBe(RCODE.NXDOMAIN);
  expect(bench.events[0]).toMatch(new RegExp(`^refusal 0:1 ${trigger} `));
  expect(rcodeOf(onlyAnswer(createBench({}).ask(`${name} ${type}`)))).toBe(RCODE.NOERROR);
});

const createBench = (text: RuleText): Bench => {
  const zone = new ProbeZone({
    resolve: (_question, done) => done({ kind: 'answer', message: buildResponse({}) }),
  });
  return new Bench({ ...createRules(text), localZones: new LocalZones([PROBE_ZONE]) }, zone);
};
