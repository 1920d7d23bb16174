// The second opinion's client: takes only the answer to its question, in time, and says what is wrong otherwise.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createEde, EDE, FLAG, OPTION, TYPE, writeU16 } from '../../../src/wire/dns/dns.ts';
import { type Inquiry, inquire } from '../../../src/wire/stub/dns2-client.ts';
import { answer, answerCode, ScriptedUpstream } from '../../support/scripted-upstream.ts';

let upstream: ScriptedUpstream;
beforeEach(async () => {
  upstream = await ScriptedUpstream.open();
});
afterEach(() => upstream.close());

const ask = (changes: Partial<Inquiry> = {}) =>
  inquire({
    server: upstream.endpoint,
    name: 'www.example.com.',
    type: TYPE.A,
    transport: 'udp',
    dnssecOk: false,
    timeoutMs: 20_000,
    ...changes,
  });

const RECORD = 'www.example.com. 60 IN A 203.0.113.1';

describe.each(['udp', 'tcp'] as const)('over %s', (transport) => {
  test('reads flags, records and extended errors', async () => {
    const ede = createEde(EDE.CENSORED, 'by order');
    const options = Uint8Array.from([0, OPTION.EDE, 0, ede.length, ...ede]);
    upstream.onQuery((query) => answer(query, [RECORD], { edns: { options } }));
    expect(await ask({ transport })).toMatchObject({
      rcode: 'NOERROR',
      flags: ['qr', 'rd', 'ra'],
      answers: [{ name: 'www.example.com.', ttl: 60, type: 'A', rdata: '203.0.113.1' }],
      ede: [{ infoCode: EDE.CENSORED, text: 'by order' }],
    });
    expect(upstream.queries[0]).toMatchObject({ hasEdns: true, dnssecOk: false, transport });
  });

  test('sets DO when asked to', async () => {
    upstream.onQuery((query) => answerCode(query, 0));
    await ask({ transport, dnssecOk: true });
    expect(upstream.queries[0]?.dnssecOk).toBe(true);
  });

  test('waits past answers of another id, without QR and to another question', async () => {
    upstream.onQuery((query) => {
      const right = answer(query, [RECORD]);
      const otherId = right.slice();
      writeU16(otherId, 0, query.id ^ 1);
      const noQr = answer(query, [], { flags: FLAG.RD });
      const otherName = answer({ ...query, name: 'wwx.example.com.' }, [RECORD]);
      return transport === 'udp' ? [otherId, noQr, otherName, right] : right;
    });
    expect((await ask({ transport })).answers).toHaveLength(1);
  });

  test('says that nothing came', async () => {
    await expect(ask({ transport, timeoutMs: 50 })).rejects.toMatchObject({
      code: 'ERR_COMPLIANCE_ASK',
      message: expect.stringContaining('no answer in 50 ms'),
    });
  });

  test('says that an answer is malformed', async () => {
    upstream.onQuery((query) => answer(query, [RECORD]).slice(0, -2));
    await expect(ask({ transport })).rejects.toMatchObject({ code: 'ERR_COMPLIANCE_ASK' });
  });
});

test('says that the connection was closed', async () => {
  upstream.onQuery(() => ({ pieces: [Uint8Array.of(0)] }));
  await expect(ask({ transport: 'tcp' })).rejects.toMatchObject({
    code: 'ERR_COMPLIANCE_ASK',
    message: expect.stringContaining('closed'),
  });
});
