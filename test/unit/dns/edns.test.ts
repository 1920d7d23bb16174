// The OPT record and Extended DNS Errors.
import { describe, expect, test } from 'vitest';
import {
  createEde,
  EDE,
  EDNS_DO,
  OPT_LENGTH,
  OPTION,
  readEde,
  readOptions,
  readU16,
  readU32,
  TYPE,
  writeOpt,
  writeOption,
} from '../../../src/dns/dns.ts';

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
