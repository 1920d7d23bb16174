// The OPT record and Extended DNS Errors.
import { describe, expect, test } from 'vitest';
import {
  createEde,
  EDE,
  EDNS_DO,
  findEde,
  findOpt,
  findOption,
  OPT_LENGTH,
  OPTION,
  optionLength,
  readEde,
  readOptions,
  readU16,
  readU32,
  TYPE,
  writeOpt,
  writeOption,
} from '../../../src/wire/dns/dns.ts';
import { buildQuery, buildResponse } from '../../support/records.ts';

describe('writeOpt() and writeOption()', () => {
  test('write a record that readOptions() reads', () => {
    const out = new Uint8Array(64).fill(0xff);
    let end = writeOpt(out, 3, 1232, 0x0ab, true);
    expect(end).toBe(3 + OPT_LENGTH);
    end = writeOption(out, 3, end, OPTION.NSID, Buffer.from('ns1'));
    end = writeOption(out, 3, end, OPTION.EDE, createEde(EDE.BLOCKED, 'é'));
    expect(out[3]).toBe(0);
    expect(readU16(out, 4)).toBe(TYPE.OPT);
    expect(readU16(out, 6)).toBe(1232);
    expect(readU32(out, 8)).toBe((0x0a << 24) | EDNS_DO);
    const options = readOptions(out, 3 + OPT_LENGTH, readU16(out, 12));
    expect(options.map((option) => option.code)).toEqual([OPTION.NSID, OPTION.EDE]);
    expect(Buffer.from(options[0]?.data ?? []).toString()).toBe('ns1');
    expect(options[1] && readEde(options[1])).toEqual({ infoCode: EDE.BLOCKED, text: 'é' });
    expect(end).toBe(3 + OPT_LENGTH + readU16(out, 12));
  });

  test('take data out of the middle of other bytes', () => {
    const out = new Uint8Array(64);
    const end = writeOption(out, 0, writeOpt(out, 0, 512, 0, false), OPTION.EDE, Buffer.from('abcdef'), 2, 5);
    const [option] = readOptions(out, OPT_LENGTH, readU16(out, 9));
    expect(option).toEqual({ code: OPTION.EDE, data: Uint8Array.from(Buffer.from('cde')) });
    expect(end).toBe(OPT_LENGTH + 4 + 3);
  });

  test('leave DO clear', () => {
    const out = new Uint8Array(OPT_LENGTH);
    writeOpt(out, 0, 512, 0, false);
    expect(readU32(out, 5)).toBe(0);
  });
});

describe('readOptions()', () => {
  test.each([
    ['nothing', [], []],
    ['an empty option', [0, 3, 0, 0], [3]],
    ['half a header', [0, 3, 0, 0, 0, 10], [3]],
    ['an option that overruns', [0, 3, 0, 0, 0, 10, 0, 9, 1], [3]],
    ['two of the same code', [0, 15, 0, 0, 0, 15, 0, 1, 7], [15, 15]],
  ])('%s', (_, bytes, codes) => {
    expect(readOptions(Uint8Array.from(bytes), 0, bytes.length).map((option) => option.code)).toEqual(codes);
  });

  test('does not read past the buffer when the length lies', () => {
    expect(readOptions(Uint8Array.of(0, 3, 0, 4, 1), 0, 60_000)).toEqual([]);
  });
});

describe('findOption()', () => {
  test.each([
    ['nothing', [], -1],
    ['the first', [0, 15, 0, 1, 7], 4],
    ['behind another', [0, 3, 0, 2, 0, 15, 0, 15, 0, 1, 7], 10],
    ['the first of two', [0, 15, 0, 0, 0, 15, 0, 1, 7], 4],
    ['another code', [0, 3, 0, 1, 7], -1],
    ['one that overruns', [0, 15, 0, 9, 1], -1],
    ['behind one that overruns', [0, 3, 0, 9, 0, 15, 0, 0], -1],
    ['half a header', [0, 15, 0], -1],
  ])('%s', (_, bytes, offset) => {
    const found = findOption(Uint8Array.from(bytes), 0, bytes.length, OPTION.EDE);
    expect(found).toBe(offset);
    if (found >= 0) expect(optionLength(Uint8Array.from(bytes), found)).toBe(bytes[found - 1]);
  });

  test('stays within its length, and within the buffer when the length lies', () => {
    const bytes = Uint8Array.of(0, 3, 0, 0, 0, 15, 0, 1, 7);
    expect(findOption(bytes, 0, 4, OPTION.EDE)).toBe(-1);
    expect(findOption(bytes, 0, 8, OPTION.EDE)).toBe(-1);
    expect(findOption(bytes.subarray(0, 8), 0, 60_000, OPTION.EDE)).toBe(-1);
  });
});

describe('findOpt() and findEde()', () => {
  const ede = (data: Uint8Array): number[] => [0, OPTION.EDE, 0, data.length, ...data];
  const respond = (options: readonly number[]): Uint8Array =>
    buildResponse({
      question: 'www.example.com. A',
      answer: ['www.example.com. 300 IN A 192.0.2.1'],
      authority: ['example.com. 300 IN NS ns.example.com.'],
      additional: ['ns.example.com. 300 IN A 192.0.2.2'],
      edns: { options: Uint8Array.from(options) },
    });
  const textOf = (message: Uint8Array): unknown => {
    const at = findEde(message);
    const data = message.subarray(at, at + optionLength(message, at));
    return at < 0 ? undefined : readEde({ code: OPTION.EDE, data });
  };

  test.each<[string, readonly number[], unknown]>([
    ['no option', [], undefined],
    ['a code', ede(createEde(EDE.BLOCKED)), { infoCode: EDE.BLOCKED, text: '' }],
    [
      'the first of two, behind a cookie',
      [0, OPTION.COOKIE, 0, 1, 9, ...ede(createEde(EDE.STALE_ANSWER, 'x')), ...ede(createEde(EDE.OTHER))],
      { infoCode: EDE.STALE_ANSWER, text: 'x' },
    ],
    ['one too short for a code', ede(Uint8Array.of(0)), undefined],
  ])('%s', (_, options, expected) => {
    const message = respond(options);
    expect(findEde(message) < 0).toBe(expected === undefined);
    expect(textOf(message)).toEqual(expected);
  });

  test('find nothing in a message without an OPT record, in a query alike', () => {
    expect(findOpt(buildResponse({ question: 'a. A', answer: ['a. 1 IN A 192.0.2.1'] }))).toBe(-1);
    expect(findEde(buildQuery('a. A'))).toBe(-1);
    expect(findOpt(new Uint8Array(12))).toBe(-1);
    expect(findOpt(new Uint8Array(0))).toBe(-1);
  });

  test('overlook an OPT record where none may be', () => {
    const message = respond(ede(createEde(EDE.BLOCKED)));
    const inAnswer = message.slice();
    inAnswer.set([0, 4, 0, 0, 0, 0], 6);
    expect(findOpt(inAnswer)).toBe(-1);
    const opt = findOpt(message) - OPT_LENGTH;
    const owned = Uint8Array.from([...message.subarray(0, opt), 1, 97, ...message.subarray(opt)]);
    expect(findOpt(owned)).toBe(-1);
  });

  test('find nothing in a message that is cut anywhere', () => {
    const message = respond(ede(createEde(EDE.BLOCKED, 'why')));
    expect(findEde(message)).toBeGreaterThan(0);
    for (let length = 0; length < message.length; length++) {
      expect(findEde(message.subarray(0, length)), String(length)).toBe(-1);
    }
  });
});

describe('readEde()', () => {
  test.each([
    ['a code alone', [0, 15], { infoCode: 15, text: '' }],
    ['a final NUL', [0, 15, 0x61, 0], { infoCode: 15, text: 'a' }],
    ['bytes that are not UTF-8', [0, 15, 0xff], { infoCode: 15, text: '\ufffd' }],
    ['one byte', [0], undefined],
  ])('%s', (_, data, expected) => {
    expect(readEde({ code: OPTION.EDE, data: Uint8Array.from(data) })).toEqual(expected);
  });

  test('refuses another option', () => {
    expect(readEde({ code: OPTION.NSID, data: Uint8Array.of(0, 15) })).toBeUndefined();
  });
});
