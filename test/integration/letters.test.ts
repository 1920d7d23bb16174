// QNAME comes back byte for byte, letters included (RFC 1035 section 4.1.1, RFC 4343): a forwarder that mixes letters to
// recognize forgeries (0x20) drops every answer that does not repeat its own.
//
// Each way to an answer is tried in each mode of validation, through the whole program.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EDNS_DO, FLAG, formatName, HEADER_LENGTH, RCODE } from '../../src/wire/dns/dns.ts';
import { type AskOptions, ask, exchangeDatagrams, type Reply, readMetric } from '../support/client.ts';
import { buildQuery } from '../support/records.ts';
import { answer, answerCode, type ScriptedHandler, ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

/** Of a zone that nobody asks about: every other name is insecure. */
const ANCHOR = `elsewhere.example. 3600 IN DS 4711 13 2 ${'00'.repeat(32)}\n`;
/** Of a zone whose keys the upstream does not have: every answer below is bogus. */
const BOGUS_ANCHOR = `bogus.example. 3600 IN DS 4711 13 2 ${'00'.repeat(32)}\n`;
const SOA = 'example. 300 IN SOA ns.example. admin.example. 1 3600 1200 604800 300';

const WAYS: readonly (readonly [string, AskOptions])[] = [
  ['UDP', {}],
  ['UDP without EDNS', { edns: false }],
  ['UDP with DO', { edns: { ttl: EDNS_DO } }],
  ['UDP with CD', { flags: FLAG.RD | FLAG.CD }],
  ['UDP with DO and CD', { flags: FLAG.RD | FLAG.CD, edns: { ttl: EDNS_DO } }],
  ['UDP with AD', { flags: FLAG.RD | FLAG.AD }],
  ['TCP', { transport: 'tcp' }],
  ['TCP with DO', { transport: 'tcp', edns: { ttl: EDNS_DO } }],
];

/** The name in the bytes of the answer, unfolded. */
const qnameOf = ({ bytes }: Reply): string => formatName(bytes.subarray(HEADER_LENGTH));

const reply: ScriptedHandler = (query) => {
  const name = query.name.toLowerCase();
  if (name.startsWith('none')) return answer(query, [], { flags: 0x8183, authority: [SOA] });
  if (name.startsWith('broken')) return answerCode(query, RCODE.SERVFAIL);
  if (name.startsWith('alias'))
    return answer(query, [`${query.name} 300 IN CNAME EnD.example.`, 'eNd.example. 300 IN A 192.0.2.2']);
  if (query.type === 1) return answer(query, [`${query.name} 300 IN A 192.0.2.1`]);
  return answer(query, [], { authority: [SOA] });
};

// `trust-ad` wants encrypted upstreams and does nothing with a name: see the resolver that changes names in
// test/unit/pipeline/waiting.test.ts.
describe.each(['off', 'auto', 'validate'])('dnssec.mode: %s', (mode) => {
  let upstream: ScriptedUpstream;
  let cordon: Cordon;
  let count = 0;

  beforeAll(async () => {
    upstream = await ScriptedUpstream.open(reply);
    const dnssec = mode === 'off' ? '{ mode: off }' : `{ mode: ${mode}, anchors: anchors.txt }`;
    cordon = await startCordon({
      config: [
        'listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }',
        `upstreams: ["127.0.0.1:${upstream.endpoint.port}"]`,
        'workers: 1',
        `dnssec: ${dnssec}`,
        '',
      ].join('\n'),
      files: mode === 'off' ? {} : { 'anchors.txt': ANCHOR + BOGUS_ANCHOR },
    });
  });

  afterAll(async () => {
    await cordon.stop();
    await upstream.close();
  });

  describe.each(WAYS)('%s', (_way, options) => {
    test.each([
      ['data', 'DaTa', 'eXample'],
      ['a name that does not exist', 'NoNe', 'eXample'],
      ['an alias', 'aLiAs', 'exAMple'],
      ['a failure', 'BrOkEn', 'Example'],
      ['a bogus answer', 'WwW', 'BoGuS.eXample'],
      ['a listed name', 'WwW', 'TikTok.CoM'],
    ])('%s, when it is new and again in other letters', async (_title, label, parent) => {
      const name = `${label}${count++}.${parent}.`;
      const other = name.replaceAll(/[a-z]/gi, (letter) =>
        letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase(),
      );
      expect(qnameOf(await ask(cordon.dns, `${name} A`, options))).toBe(name);
      expect(qnameOf(await ask(cordon.dns, `${other} A`, options))).toBe(other);
    });
  });

  test('clients that wait for one question get letters of their own each', async () => {
    upstream.onQuery((query) => ({
      delayMs: 300,
      messages: answer(query, [`${query.name} 300 IN A 192.0.2.1`]),
    }));
    const names = ['sHared.example.', 'Shared.eXample.', 'SHARED.EXAMPLE.', 'shared.example.'];
    const queries = names.map((name, id) => buildQuery(`${name} A`, { id }));
    const before = await readMetric(cordon, 'cordon_coalesced_queries_total');
    const replies = await exchangeDatagrams(cordon.dns, queries, names.length);
    const got = replies.map((bytes) => formatName(bytes.subarray(HEADER_LENGTH)));
    expect(got.toSorted()).toEqual(names.toSorted());
    // The upstream may be asked again while it is slow; the question is one.
    const coalesced = await readMetric(cordon, 'cordon_coalesced_queries_total');
    expect(coalesced - before).toBe(names.length - 1);
  });
});
