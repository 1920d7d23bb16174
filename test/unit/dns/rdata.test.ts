// RDATA taken out of messages: names uncompressed, malformed RDATA refused.
import { describe, expect, test } from 'vitest';
import { expandRdata, parseRdata, TYPE } from '../../../src/wire/dns/dns.ts';
import { createTypeBitmap, visitTypes } from '../../../src/wire/dns/rdata.ts';

const NAME = [7, 101, 120, 97, 109, 112, 108, 101, 0];
/** A message that begins with the name `example.`, so that `c0 00` is a pointer to it. */
const message = (...rdata: number[]): Uint8Array => Uint8Array.from([...NAME, ...rdata]);

const expand = (type: number, ...rdata: number[]): Uint8Array | undefined => {
  const bytes = message(...rdata);
  return expandRdata(bytes, NAME.length, rdata.length, type, bytes.length);
};

describe('expandRdata()', () => {
  test.each([
    ['CNAME', [0xc0, 0], 'example.'],
    ['CNAME', [1, 97, 0xc0, 0], 'a.example.'],
    ['MX', [0, 5, 0xc0, 0], '5 example.'],
    ['SOA', [0xc0, 0, 1, 97, 0xc0, 0, ...Array(20).fill(0)], 'example. a.example. 0 0 0 0 0'],
    ['SRV', [0, 0, 0, 0, 0, 53, 0xc0, 0], '0 0 53 example.'],
    ['RP', [0xc0, 0, 0xc0, 0], 'example. example.'],
    ['NAPTR', [0, 1, 0, 2, 1, 115, 0, 0, 0xc0, 0], '1 2 "s" "" "" example.'],
    ['NSEC', [0xc0, 0, 0, 1, 0x40], 'example. A'],
    ['HTTPS', [0, 1, 0xc0, 0, 0, 3, 0, 2, 1, 187], '1 example. port=443'],
  ] as const)('%s with a pointer is %s', (name, rdata, text) => {
    expect(expand(TYPE[name], ...rdata)).toEqual(parseRdata(TYPE[name], text));
  });

  test('copies a type without names as it stands', () => {
    const bytes = message(192, 0, 2);
    const rdata = expandRdata(bytes, NAME.length, 3, TYPE.A, bytes.length);
    bytes.fill(0);
    expect(rdata).toEqual(Uint8Array.of(192, 0, 2));
    expect(expand(65_280, 0xc0, 0)).toEqual(Uint8Array.of(0xc0, 0));
  });

  test.each([
    ['a name that is missing', TYPE.MX, [0, 5]],
    ['nothing', TYPE.CNAME, []],
    ['bytes after the name', TYPE.CNAME, [0xc0, 0, 0]],
    ['a name that runs past the RDATA', TYPE.CNAME, [3, 97]],
    ['a pointer that is cut off by RDLENGTH', TYPE.CNAME, [1, 97, 0xc0]],
    ['a pointer to itself', TYPE.CNAME, [0xc0, 9]],
    ['a pointer forward', TYPE.MINFO, [0xc0, 11, 0]],
    ['a string that overruns', TYPE.NAPTR, [0, 1, 0, 2, 9, 115]],
    ['a signature without a signer', TYPE.RRSIG, Array(18).fill(0)],
  ])('refuses %s', (_, type, rdata) => {
    expect(expand(type, ...rdata)).toBeUndefined();
  });

  test('refuses RDATA beyond the end of the message', () => {
    const bytes = message(192, 0, 2, 1);
    expect(expandRdata(bytes, NAME.length, 5, TYPE.A, bytes.length)).toBeUndefined();
    expect(expandRdata(bytes, NAME.length, 4, TYPE.A, bytes.length - 1)).toBeUndefined();
    expect(expandRdata(bytes, NAME.length, 4, TYPE.A, bytes.length + 9)).toBeUndefined();
  });

  test('refuses RDATA that would be over 65535 bytes without its pointer', () => {
    // A signature whose first bytes serve as the name `a.` that its signer points at: one byte longer expanded.
    const bytes = new Uint8Array(65_535);
    bytes.set([1, 97, 0, ...Array(15).fill(0), 0xc0, 0]);
    expect(expandRdata(bytes, 0, 65_534, TYPE.RRSIG, bytes.length)).toHaveLength(65_535);
    expect(expandRdata(bytes, 0, 65_535, TYPE.RRSIG, bytes.length) === undefined).toBe(true);
  });
});

describe('type bitmaps', () => {
  test('are read as they are written', () => {
    const types = [1, 2, 6, 15, 46, 47, 255, 256, 257, 1234, 65_535];
    const bitmap = createTypeBitmap([...types].reverse());
    const seen: number[] = [];
    expect(visitTypes(bitmap, 0, bitmap.length, (type) => seen.push(type))).toBe(true);
    expect(seen).toEqual(types);
    expect(createTypeBitmap([])).toHaveLength(0);
  });

  test.each([
    ['an empty window', [0, 0]],
    ['a window over 32 bytes', [0, 33, ...Array(33).fill(1)]],
    ['a window that overruns', [0, 2, 1]],
    ['a window without its length', [0]],
    ['a needless zero at the end', [0, 2, 0x40, 0]],
    ['windows out of order', [1, 1, 1, 0, 1, 1]],
    ['a window twice', [0, 1, 1, 0, 1, 1]],
  ])('with %s are refused', (_, bytes) => {
    expect(visitTypes(Uint8Array.from(bytes), 0, bytes.length, () => undefined)).toBe(false);
  });
});
