// Answers that are made to cost whoever reads them, against the program: what is over a bound is SERVFAIL with its reason and
// counted, everything else is answered, and the upstream that passed them on stays in use.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EDE, FLAG, HEADER_LENGTH, nameFrom, questionEnd, RCODE } from '../../src/wire/dns/dns.ts';
import { ask, readMetric } from '../support/client.ts';
import { COSTLY, RawAnswer } from '../support/costly-answers.ts';
import { answer, ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

const ZONE = 'attacker.example.';
const LONG = `xxxxxxxxxxxx.${'a.'.repeat(98)}`;

let upstream: ScriptedUpstream;
let program: Cordon;

beforeAll(async () => {
  upstream = await ScriptedUpstream.open((query) => {
    const [kind = '', count] = query.name.split('.').slice(-5, -3).toReversed();
    const add = COSTLY[kind];
    if (!query.name.endsWith(ZONE) || add === undefined)
      return answer(query, [`${query.name} 60 IN A 192.0.2.1`]);
    if (query.transport === 'udp') return answer(query, [], { flags: FLAG.QR | FLAG.RD | FLAG.RA | FLAG.TC });
    const raw = new RawAnswer(query.bytes, questionEnd(query.bytes, query.bytes.length));
    const zone = nameFrom(`${kind}.${ZONE}`);
    add(raw, HEADER_LENGTH + nameFrom(query.name).length - zone.length, Number(count));
    return Uint8Array.from(raw.finish());
  });
  program = await startCordon({
    config: `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
dnssec: { mode: off }
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists: []
`,
  });
});
afterAll(async () => {
  await program.stop();
  await upstream.close();
});

test.each([
  ['strays', 'x.', 2_900],
  ['dnames', 'x.', 4_400],
  ['owners', LONG, 4_400],
])('%s: SERVFAIL that says why, and is counted', async (kind, before, count) => {
  const counted = await readMetric(program, 'cordon_answers_over_bounds_total');
  const reply = await ask(program.dns, `${before}${count}.${kind}.${ZONE} A`);
  expect([reply.rcode, reply.ede?.infoCode, reply.ede?.text]).toEqual([
    RCODE.SERVFAIL,
    EDE.INVALID_DATA,
    'more names than are looked at',
  ]);
  expect(await readMetric(program, 'cordon_answers_over_bounds_total')).toBe(counted + 1);
});

test.each([
  ['labels', LONG, 250],
  ['strays', 'x.', 100],
])('%s within the bounds: NOERROR', async (kind, before, count) => {
  const reply = await ask(program.dns, `${before}${count}.${kind}.${ZONE} A`);
  expect(reply.rcode).toBe(RCODE.NOERROR);
});

test('the upstream is asked as before', async () => {
  for (let i = 0; i < 20; i++) await ask(program.dns, `x${i}.4400.dnames.${ZONE} A`);
  const reply = await ask(program.dns, 'www.example.com. A');
  expect(reply.answer).toEqual(['www.example.com. 60 IN A 192.0.2.1']);
});
