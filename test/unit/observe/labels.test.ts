// The rooms that count keep their own numbers, because they may not import this room: they have to agree.
import { expect, test } from 'vitest';
import { TRIGGER } from '../../../src/dns/dns.ts';
import { MATCH_WORDS, SIGNAL, SIGNAL_WORDS, TRIGGER_WORDS } from '../../../src/observe/labels.ts';
import {
  DROP,
  GAVE_WAY,
  LIMITED,
  MATCH as OUR_MATCH,
  SOURCE,
  TCP_CLOSED,
  TCP_REFUSAL,
  TRANSPORT,
  UPSTREAM_FAILURE,
} from '../../../src/observe/observe.ts';
import * as pipeline from '../../../src/pipeline/pipeline.ts';
import { MATCH, MATCH_NAMES } from '../../../src/policy/rule.ts';
import { BYPASS_SIGNALS } from '../../../src/records/record.ts';
import * as budget from '../../../src/server/connection-budget.ts';
import { LIMITED as SERVER_LIMITED } from '../../../src/server/rate-gate.ts';

test.each([
  ['TRANSPORT', TRANSPORT, pipeline.TRANSPORT],
  ['SOURCE', SOURCE, pipeline.SOURCE],
  ['DROP', DROP, pipeline.DROP],
  ['GAVE_WAY', GAVE_WAY, pipeline.GAVE_WAY],
  ['LIMITED', LIMITED, SERVER_LIMITED],
  ['MATCH', OUR_MATCH, MATCH],
  ['TCP_REFUSAL', TCP_REFUSAL, budget.TCP_REFUSAL],
  ['TCP_CLOSED', TCP_CLOSED, budget.TCP_CLOSED],
])('%s has the numbers of the room that counts', (_name, ours, theirs) => {
  expect(ours).toMatchObject(theirs);
});

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

test('SIGNAL has the numbers of the pipeline and the words of the records', () => {
  const { NONE: _none, ...counted } = pipeline.SIGNAL;
  expect(SIGNAL).toMatchObject(counted);
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
