import { afterEach, expect, test } from 'vitest';
import { OPTION, RCODE, readU16 } from '../../../src/wire/dns/dns.ts';
import { CertificateAuthority, type Issued } from '../../support/certificates.ts';
import { parseMessage } from '../../support/records.ts';
import { answer, answerCode, frame, type ScriptedQuery } from '../../support/scripted-upstream.ts';
import { authority, type Behavior, EncryptedUpstream } from './encrypted-upstream.ts';
import { ask, openUpstream, patientClock, question, startForwarding } from './setup.ts';

const NAME = 'www.example.com.';
const RECORD = 'www.example.com. 300 IN A 192.0.2.1';

const open: EncryptedUpstream[] = [];
afterEach(async () => {
  for (const upstream of open.splice(0)) await upstream.close();
});

const openEncrypted = async (
  behavior: Behavior,
  transport: 'tls' | 'https' = 'tls',
): Promise<EncryptedUpstream> => {
  const upstream = await EncryptedUpstream.open(transport, behavior);
  open.push(upstream);
  return upstream;
};

const good = (query: ScriptedQuery): Uint8Array => answer(query, [RECORD]);
const later = (delayMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, delayMs));

const strangerCertificate: Issued = CertificateAuthority.create('Stranger').issue({
  names: ['DNS:dns.example.net'],
});

test.each(['tls', 'https'] as const)(
  '%s: resolve() hands over the answer as encrypted',
  async (transport) => {
    const upstream = await openEncrypted({ reply: good }, transport);
    const { forwarding, events } = startForwarding([{ servers: [upstream.server(transport)] }]);
    for (let i = 0; i < 3; i++) {
      const outcome = await ask(forwarding, question(NAME));
      expect(outcome).toMatchObject({
        kind: 'answer',
        endpoint: `${transport}://127.0.0.1:${upstream.endpoint.port}#dns.example.net`,
        isEncrypted: true,
      });
      expect(outcome.kind === 'answer' && parseMessage(outcome.message).answer).toEqual([RECORD]);
    }
    expect(events.slice(0, 2)).toEqual([`0 sent ${transport}`, '0 answered 0']);
    expect([upstream.connectionCount, upstream.plaintextCount]).toEqual([1, 0]);
  },
);

test.each(['tls', 'https'] as const)(
  '%s: resolve() pads queries, and sends neither cookie nor mixed case',
  async (transport) => {
    const upstream = await openEncrypted({ reply: good }, transport);
    const { forwarding } = startForwarding([{ servers: [upstream.server(transport)] }], {
      cookies: true,
      mixedCase: true,
    });
    await ask(forwarding, question(NAME));
    const [query] = upstream.queries;
    const options = parseMessage(query?.bytes ?? new Uint8Array(12)).opt?.options ?? new Uint8Array(4);
    expect(query?.name).toBe(NAME);
    expect(query?.bytes.length).toBe(128);
    expect([readU16(options, 0), readU16(options, 2)]).toEqual([OPTION.PADDING, options.length - 4]);
  },
);

const faults: {
  what: string;
  first: Behavior | 'dead';
  fault?: string;
  tls?: { pins: string[] };
}[] = [
  { what: 'is dead', first: 'dead', fault: 'network' },
  { what: 'is frozen before the handshake', first: { isFrozen: true }, fault: 'timeout' },
  { what: 'is frozen after it', first: { reply: () => undefined }, fault: 'timeout' },
  {
    what: 'says SERVFAIL',
    first: { reply: (query) => answerCode(query, RCODE.SERVFAIL) },
    fault: 'servfail',
  },
  { what: 'says REFUSED', first: { reply: (query) => answerCode(query, RCODE.REFUSED) }, fault: 'refused' },
  { what: 'sends garbage', first: { reply: () => [new Uint8Array(100)] }, fault: 'malformed' },
  { what: 'closes at once', first: { reply: () => [] }, fault: 'network' },
  {
    what: 'closes within the answer',
    first: { reply: (query) => [frame(good(query)).subarray(0, 40)] },
    fault: 'network',
  },
  {
    what: 'answers another question',
    first: { reply: (query) => answer({ ...query, name: 'www.example.net.' }) },
    fault: 'malformed',
  },
  {
    what: 'answers with another ID',
    first: { reply: (query) => answer({ ...query, id: query.id ^ 1 }) },
    fault: 'timeout',
  },
  {
    what: 'sends a record that is cut',
    first: { reply: (query) => good(query).subarray(0, -1) },
    fault: 'malformed',
  },
  {
    what: 'is late',
    first: { reply: (query) => later(5_000).then(() => good(query)) },
    fault: 'timeout',
  },
  {
    what: 'has the certificate of another name',
    first: { certificate: authority.issue({ names: ['DNS:dns.example.org'] }), reply: good },
    fault: 'certificate',
  },
  {
    what: 'has a certificate of a stranger',
    first: { certificate: strangerCertificate, reply: good },
    fault: 'certificate',
  },
  {
    what: 'has another key than the pinned one',
    first: { reply: good },
    tls: { pins: ['AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='] },
    fault: 'certificate',
  },
];

test.each(faults)(
  'tls: resolve() asks the next upstream when one $what, and neither in plaintext',
  async ({ first, fault, tls }) => {
    const bad = await openEncrypted(first === 'dead' ? {} : first);
    const second = await openEncrypted({ reply: good });
    const { forwarding, events } = startForwarding([{ servers: [bad.server('tls', tls), second.server()] }], {
      tryTimeoutMs: 400,
    });
    if (first === 'dead') await open.shift()?.close();
    expect(await ask(forwarding, question(NAME))).toMatchObject({
      kind: 'answer',
      endpoint: forwarding.endpoints[1],
      isEncrypted: true,
    });
    await expect.poll(() => events).toContain(`0 failed ${fault}`);
    expect([bad.plaintextCount, second.plaintextCount]).toEqual([0, 0]);
    expect(events.filter((event) => /sent (?:udp|tcp)/.test(event))).toEqual([]);
    if (fault === 'certificate') expect(bad.queries).toEqual([]);
  },
);

test('tls: resolve() reads an answer that comes byte by byte', async () => {
  const upstream = await openEncrypted({
    reply: (query) => [...frame(good(query))].map((byte) => Uint8Array.of(byte)),
  });
  const { forwarding } = startForwarding([{ servers: [upstream.server()] }]);
  expect(await ask(forwarding, question(NAME))).toMatchObject({ kind: 'answer' });
});

test.each(['tls', 'https'] as const)(
  '%s: resolve() fails rather than ask in plaintext, and says that it is the certificate',
  async (transport) => {
    const upstreams = [
      await openEncrypted({ certificate: strangerCertificate, reply: good }, transport),
      await openEncrypted({ isFrozen: true }, transport),
    ];
    const { forwarding, events } = startForwarding(
      [{ servers: upstreams.map((upstream) => upstream.server(transport)) }],
      { tryTimeoutMs: 200, timeoutMs: 400 },
    );
    for (let i = 0; i < 4; i++) {
      expect(await ask(forwarding, question(NAME))).toMatchObject({ kind: 'failure', reason: 'network' });
    }
    expect(events).toContain('0 failed certificate');
    expect(events).toContain('0 healthy false');
    expect(upstreams.map((upstream) => upstream.plaintextCount)).toEqual([0, 0]);
    expect(upstreams.map((upstream) => upstream.queries.length)).toEqual([0, 0]);
  },
);

test('tls: an old server is asked without OPT over TLS as well', async () => {
  const upstream = await openEncrypted({
    reply: (query) => (query.hasEdns ? answerCode(query, RCODE.FORMERR) : good(query)),
  });
  const { forwarding } = startForwarding([{ servers: [upstream.server()] }]);
  expect(await ask(forwarding, question(NAME))).toMatchObject({ kind: 'answer', isEncrypted: true });
  expect(upstream.queries.map((query) => query.hasEdns)).toEqual([true, false]);
  expect(upstream.plaintextCount).toBe(0);
});

test('tls: an upstream that is down is probed with the name of the zone, not with what clients ask', async () => {
  let offsetMs = 0;
  const patient = patientClock();
  const first = await openEncrypted({ reply: () => undefined });
  const second = await openEncrypted({ reply: good });
  const { forwarding, events } = startForwarding([{ servers: [first.server(), second.server()] }], {
    tryTimeoutMs: 200,
    clock: () => patient() + offsetMs,
  });
  while (!events.includes('0 healthy false')) await ask(forwarding, question(NAME));
  // No try is open any more.
  const count = (what: string): number => events.filter((event) => event.startsWith(`0 ${what}`)).length;
  await expect.poll(() => count('failed')).toBe(count('sent'));
  const before = first.queries.length;
  first.behavior = { reply: good };
  offsetMs = 2_000;
  await ask(forwarding, question('secret.example.com.'));
  await expect.poll(() => events).toContain('0 healthy true');
  expect(first.queries.slice(before)).toMatchObject([{ name: '.', type: 2 }]);
});

test('a plain upstream in another route is of no use to an encrypted one', async () => {
  const plain = await openUpstream((query) => answer(query));
  const frozen = await openEncrypted({ isFrozen: true });
  const { forwarding } = startForwarding(
    [{ servers: [frozen.server()] }, { zone: 'example.net.', endpoints: [plain.endpoint] }],
    { tryTimeoutMs: 60, timeoutMs: 200 },
  );
  expect(await ask(forwarding, question(NAME))).toMatchObject({ kind: 'failure', reason: 'timeout' });
  expect(plain.count()).toBe(0);
});

test('Forwarding refuses an encrypted server without a proof, and certificates that nobody can read', async () => {
  const upstream = await openEncrypted({ reply: good });
  const { tls: _tls, ...unproven } = upstream.server();
  expect(() => startForwarding([{ servers: [unproven] }])).toThrow(
    expect.objectContaining({ code: 'ERR_UPSTREAM_ROUTE' }),
  );
  expect(() =>
    startForwarding([{ servers: [upstream.server('tls', { caCertificates: ['no PEM'] })] }]),
  ).toThrow(expect.objectContaining({ code: 'ERR_UPSTREAM_CERTIFICATE' }));
});
