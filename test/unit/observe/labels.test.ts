// What words of the counters have to agree with: the bits of policy, the signals of records, and the order of their words.

import { expect, test } from 'vitest';
import {
  DROP,
  EVENT,
  GAVE_WAY,
  LIMITED,
  SIGNAL,
  SOURCE,
  TCP_CLOSED,
  TCP_REFUSAL,
  TRANSPORT,
} from '../../../src/base/words/words.ts';
import { BYPASS_SIGNALS } from '../../../src/evidence/records/bypass-signal.ts';
import { QUERY_KINDS } from '../../../src/evidence/records/record.ts';
import { MATCH, MATCH_NAMES } from '../../../src/policy/rule.ts';
import { MATCH_WORDS, SIGNAL_WORDS, TRIGGER_WORDS } from '../../../src/telemetry/observe/labels.ts';
import { UPSTREAM_FAILURE } from '../../../src/telemetry/observe/observe.ts';
import { TRIGGER } from '../../../src/wire/dns/dns.ts';

test.each(
  Object.entries({
    TRANSPORT,
    SOURCE,
    DROP,
    GAVE_WAY,
    LIMITED,
    TCP_CLOSED,
    TCP_REFUSAL,
    UPSTREAM_FAILURE,
    SIGNAL,
  }),
)('%s counts from 0 without a gap, in the order of its words', (_name, constants) => {
  expect(Object.values(constants)).toEqual(Object.keys(constants).map((_key, index) => index));
});

test('SIGNAL has the words of the records, and EVENT those of its kinds', () => {
  expect(toWords(EVENT)).toEqual(QUERY_KINDS.filter((kind) => kind !== 'sketch'));
  expect(SIGNAL_WORDS).toEqual(BYPASS_SIGNALS);
});

test('each bit of MATCH stands at the word that policy gives it', () => {
  for (const bit of Object.values(MATCH)) expect(MATCH_WORDS[31 - Math.clz32(bit)]).toBe(MATCH_NAMES[bit]);
});

test('TRIGGER words stand at their numbers', () => {
  expect(TRIGGER_WORDS).toEqual([
    'qname',
    'cname',
    'dname',
    'https-target',
    'response-ip',
    'https-hint',
    'client-ip',
  ]);
  expect(Object.values(TRIGGER)).toEqual([0, 1, 2, 3, 4, 5, 6]);
});

const toWords = (constants: Readonly<Record<string, number>>): string[] =>
  Object.keys(constants).map((key) => key.toLowerCase().replaceAll('_', '-'));
