// What is read of a forwarder's options: any bytes are read within their bounds, what is not asked for is not looked at, and what
// a forwarder writes is what is read.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatAddress, isIpv4, parseAddress } from '../../../src/base/base.ts';
import { REPORTED } from '../../../src/base/words/words.ts';
import { ClientReport, REPORT_OPTION } from '../../../src/wire/dns/dns.ts';

const ALL = Object.values(REPORT_OPTION).reduce((bits, bit) => bits | bit, 0);
const CODES = [8, 65_001, 65_073, 65_074, 65_523, 65_524, 20_292, 10, 12];
const option = (code: number, data: Uint8Array): number[] => [
  ...[code >>> 8, code & 0xff, data.length >>> 8, data.length & 0xff],
  ...data,
];
const anyOptions = fc
  .array(fc.tuple(fc.constantFrom(...CODES), fc.uint8Array({ maxLength: 120 })), { maxLength: 4 })
  .map((options) => Uint8Array.from(options.flatMap(([code, data]) => option(code, data))));

test('any options are read within their bounds, and alike wherever they stand', () => {
  const report = new ClientReport();
  const again = new ClientReport();
  fc.assert(
    fc.property(anyOptions, fc.nat(ALL), fc.nat(40), (options, accepted, before) => {
      const said = report.read(options, 0, options.length, accepted);
      expect([REPORTED.NAMED, REPORTED.NOBODY, REPORTED.NETWORK, REPORTED.MALFORMED]).toContain(said);
      expect(report.deviceLength).toBeLessThanOrEqual(100);
      expect(report.subnetLength).toBeLessThanOrEqual(20);
      // Bytes around them are never looked at.
      const message = new Uint8Array(before + options.length + 40).fill(0xff);
      message.set(options, before);
      expect(again.read(message, before, options.length, accepted)).toBe(said);
      if (said !== REPORTED.MALFORMED) {
        expect([...again.address, again.hasAddress]).toEqual([...report.address, report.hasAddress]);
        expect(again.device.subarray(0, again.deviceLength)).toEqual(
          report.device.subarray(0, report.deviceLength),
        );
      }
      if (accepted === 0) expect(said).toBe(REPORTED.NOBODY);
    }),
    { numRuns: 2_000 },
  );
});

test('options that end amid themselves are malformed', () => {
  const whole = Uint8Array.from(option(65_523, Uint8Array.of(127, 0, 0, 1)));
  const report = new ClientReport();
  for (let length = 4; length < whole.length; length++)
    expect(report.read(whole, 0, length, ALL)).toBe(REPORTED.MALFORMED);
  expect(report.read(whole, 0, whole.length, ALL)).toBe(REPORTED.NAMED);
});

test.each(['192.0.2.7', '0.0.0.0', '2001:db8::7', '::'])('%s is read as it was written', (text) => {
  const words = new Uint32Array(4);
  parseAddress(text, words);
  const bytes = new Uint8Array(16);
  for (let i = 0; i < 16; i++) bytes[i] = ((words[i >>> 2] ?? 0) >>> (24 - 8 * (i & 3))) & 0xff;
  const isV4 = isIpv4(words);
  const address = isV4 ? bytes.subarray(12) : bytes;
  const report = new ClientReport();
  for (const options of [
    option(8, Uint8Array.of(0, isV4 ? 1 : 2, isV4 ? 32 : 128, 0, ...address)),
    option(65_523, address),
    option(20_292, Uint8Array.of(0x4f, 0x44, 0x4e, 0x53, 1, 0, 0, isV4 ? 0x10 : 0x20, ...address)),
  ]) {
    expect(report.read(Uint8Array.from(options), 0, options.length, ALL)).toBe(REPORTED.NAMED);
    expect(formatAddress(report.address)).toBe(text);
  }
});

test('a device cannot be called what another is by its certificate', () => {
  const report = new ClientReport();
  const options = Uint8Array.from(option(65_074, Buffer.from('laptop-17.devices.example')));
  expect(report.read(options, 0, options.length, ALL)).toBe(REPORTED.NAMED);
  expect(Buffer.from(report.device.subarray(0, report.deviceLength)).toString()).toBe(
    'cpe:laptop-17.devices.example',
  );
});
