// Structured DNS Errors: who is told what, by which transport, in what room.
import { expect, test } from 'vitest';
import { TRANSPORT } from '../../../src/base/words/words.ts';
import type { PolicyList } from '../../../src/policy/policy.ts';
import { createEde, OPTION, readEde, readOptions, writeU16 } from '../../../src/wire/dns/dns.ts';
import { buildQuery, parseMessage } from '../../support/records.ts';
import { Bench, CLIENT, createRules } from './setup.ts';

const OPTION_CODE = 65_001;
const FULL = '{"c":["mailto:help@agency.example"],"j":"Order 7","s":5,"o":"Agency","l":"en"}';
const BRIEF = '{"c":["mailto:help@agency.example"],"s":5}';
const PLAIN = 'refused by order 7';

interface Asking {
  readonly transport?: number;
  readonly option?: Uint8Array | undefined;
  readonly udpLength?: number;
  readonly list?: Partial<PolicyList>;
  readonly client?: string;
  readonly code?: number;
  readonly isOff?: boolean;
}

/** An EDNS option. */
const optionOf = (code: number, data: Uint8Array): Uint8Array => {
  const bytes = new Uint8Array(4 + data.length);
  writeU16(bytes, 0, code);
  writeU16(bytes, 2, data.length);
  bytes.set(data, 4);
  return bytes;
};

const ASKS = optionOf(OPTION_CODE, new Uint8Array(0));

/** The EDE text that a refused client gets. */
const textFor = ({ transport = TRANSPORT.DOT, option = ASKS, udpLength = 1232, ...rest }: Asking) => {
  const code = rest.code ?? 15;
  const ede = createEde(code, PLAIN);
  const texts = [FULL, '{"c":["tel:+1"]}', '{}'].map((full) => [
    { full: createEde(code, full), brief: createEde(code, BRIEF) },
  ]);
  const rules = createRules({
    lists: [['listed.example']],
    listChanges: [{ ede, ...rest.list }],
    masks: [1, 1, 1],
  });
  const bench = new Bench(
    rest.isOff === true ? rules : { ...rules, structured: { optionCode: OPTION_CODE, texts } },
  );
  const query = buildQuery('www.listed.example. A', { edns: { udpLength, options: option } });
  const [answer] = bench.send(query, rest.client ?? CLIENT.DEFAULT, transport).answers;
  const options = parseMessage(answer ?? new Uint8Array(0)).opt?.options ?? new Uint8Array(0);
  const found = readOptions(options, 0, options.length).filter(({ code: one }) => one === OPTION.EDE);
  expect(found).toHaveLength(1);
  const read = found[0] && readEde(found[0]);
  expect(read?.infoCode).toBe(code);
  return read?.text;
};

test.each([
  ['DoT', TRANSPORT.DOT],
  ['DoH', TRANSPORT.DOH],
])('a client that asks over %s is told everything', (_name, transport) => {
  expect(textFor({ transport })).toBe(FULL);
});

test.each([
  ['over UDP', { transport: TRANSPORT.UDP }],
  ['over TCP', { transport: TRANSPORT.TCP }],
  ['without the option', { option: new Uint8Array(0) }],
  ['with another option', { option: optionOf(65_002, new Uint8Array(0)) }],
  ['with an option that is not empty', { option: optionOf(OPTION_CODE, Uint8Array.of(0)) }],
  ['where they are off', { isOff: true }],
  ['where the answer is forged', { list: { mode: { kind: 'null-ip' } } }],
] as const)('a client gets the plain text %s', (_name, asking) => {
  expect(textFor(asking)).toBe(PLAIN);
});

test('the option is found behind others', () => {
  const before = optionOf(OPTION.NSID, new Uint8Array(0));
  expect(textFor({ option: Uint8Array.from([...before, ...ASKS]) })).toBe(FULL);
});

test('a group has words of its own', () => {
  expect(textFor({ client: CLIENT.LAB })).toBe('{"c":["tel:+1"]}');
});

test('a forged answer is never explained', () => {
  expect(textFor({ code: 4 })).toBe(PLAIN);
});

test('justification and organization are left out before the rest', () => {
  const long = 'j'.repeat(420);
  const rules = createRules({ lists: [['listed.example']], masks: [1, 1, 1] });
  const texts = [0, 1, 2].map(() => [{ full: createEde(15, long), brief: createEde(15, BRIEF) }]);
  const bench = new Bench({ ...rules, structured: { optionCode: OPTION_CODE, texts } });
  const ask = (udpLength: number): string => {
    const query = buildQuery('www.listed.example. A', { edns: { udpLength, options: ASKS } });
    const [answer = new Uint8Array(0)] = bench.send(query, CLIENT.DEFAULT, TRANSPORT.DOT).answers;
    expect(answer.length).toBeLessThanOrEqual(udpLength);
    const { options = new Uint8Array(0) } = parseMessage(answer).opt ?? {};
    const [option] = readOptions(options, 0, options.length);
    return (option && readEde(option)?.text) ?? '';
  };
  expect(ask(1232)).toBe(long);
  expect(ask(512)).toBe(BRIEF);
});
