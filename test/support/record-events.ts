// Events as workers write them, for tests of what is recorded of them.
import assert from 'node:assert/strict';
import { createAddress, parseAddress } from '../../src/base/base.ts';
import type { QueryEvent, RuleNumbers } from '../../src/telemetry/events/events.ts';
import { nameFrom } from '../../src/wire/dns/dns.ts';

/** Noon, so that a day turns only where a test says so. */
export const START = '2026-11-25T12:00:00.000Z';

/** Each event has a record of its own, however many there are. */
export const UNBOUNDED = {
  repeatMs: 0,
  bytesPerDay: 2 ** 50,
  clientBytesPerDay: 2 ** 50,
  reserveBytes: 0,
};

/** The words of an address. */
export const addressWords = (text: string): Uint32Array => {
  const words = createAddress();
  assert.ok(parseAddress(text, words), text);
  return words;
};

/** What a refusal of www.tiktok.example looks like, with changes. */
export const eventOf = (
  changes: Omit<Partial<QueryEvent>, 'rule'> &
    Partial<RuleNumbers> & { client?: string; qname?: string; targetName?: string } = {},
): QueryEvent => {
  const { client = '192.0.2.7', qname = 'www.tiktok.example', targetName, ...others } = changes;
  const { list = 0, line = 12, match = 1, trigger = 0, exemption = 0, ...fields } = others;
  const query = nameFrom(qname);
  const target = targetName === undefined ? new Uint8Array() : nameFrom(targetName);
  return {
    kind: 0,
    timeMs: Date.parse(START),
    address: addressWords(client),
    port: 40_000,
    transport: 0,
    generation: 1,
    group: 0,
    rule: { list, line, match, trigger, exemption },
    qtype: 1,
    rcode: 3,
    edeCode: 15,
    signal: -1,
    id: 7,
    flags: 0x100,
    query,
    qnameStart: 0,
    qnameLength: query.length,
    target,
    targetLength: target.length,
    targetAddress: undefined,
    device: undefined,
    forwarder: -1,
    ...fields,
  };
};
