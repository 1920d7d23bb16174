// HTTP/2 below DNS over HTTPS, by raw frames: what RFC 9113 and RFC 7541 ask of a server, beside a bare server of Node.js.
//
// Cordon passes all of them. The bare server, which does not, shows that the checks are about servers and not about ours.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CertificateAuthority, type Issued } from '../support/certificates.ts';
import { listenerOf, SERVER_NAME } from '../support/encrypted-client.ts';
import { answer, ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';
import { openBareServer, openSwallower, type Server } from './http2/bare-server.ts';
import { type Check, passedBy } from './http2/check.ts';
import { FIELD_CHECKS } from './http2/field-checks.ts';
import { TYPE } from './http2/frames.ts';
import { FRAMING_CHECKS } from './http2/framing-checks.ts';
import { STREAM_CHECKS } from './http2/stream-checks.ts';

/** Of what a bare server passes; versions of Node.js differ by a few. */
const BARE_PASSES_MIN = 180;
const CHECKS = [...FRAMING_CHECKS, ...STREAM_CHECKS, ...FIELD_CHECKS];

let authority: CertificateAuthority;
let issued: Issued;
let bare: Server;
let upstream: ScriptedUpstream;
let cordon: Cordon;
let bareServerPasses: ReadonlySet<string>;

beforeAll(async () => {
  authority = CertificateAuthority.create();
  issued = authority.issue({ names: [`DNS:${SERVER_NAME}`] });
  bare = await openBareServer(issued);
  upstream = await ScriptedUpstream.open((query) => answer(query, [`${query.name} 300 IN A 192.0.2.1`]));
  cordon = await startCordon({
    config: `
listen: { dns: ["127.0.0.1:0"], doh: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
tls: { cert: cert.pem, key: key.pem }
workers: 1
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists: [{ id: tiktok, shipped: tiktok }]
`,
    files: { 'cert.pem': issued.certificate, 'key.pem': issued.key },
  });
  bareServerPasses = await passedBy(CHECKS, bare.at, authority.certificate);
});

afterAll(async () => {
  await cordon.stop();
  await upstream.close();
  bare.close();
});

/** What a server fails though the bare one passes it. */
const worseThanBare = async (
  server: Server['at'],
  checks: readonly Check[],
): Promise<{ passed: number; worse: string[] }> => {
  const passed = await passedBy(checks, server, authority.certificate);
  const worse = checks
    .map(({ name }) => name)
    .filter((name) => bareServerPasses.has(name) && !passed.has(name));
  return { passed: passed.size, worse };
};

test('each check has a name of its own', () => {
  expect(new Set(CHECKS.map(({ name }) => name)).size).toBe(CHECKS.length);
});

test('Cordon passes each check, those that a bare server of Node.js fails as well', async () => {
  const { passed, worse } = await worseThanBare(listenerOf(cordon, 'doh'), CHECKS);
  const failed = CHECKS.filter(({ name }) => !bareServerPasses.has(name)).map(({ name }) => name);
  process.stderr.write(
    `HTTP/2: Cordon passes ${passed} of ${CHECKS.length}, a bare server ${bareServerPasses.size}; it fails: ${failed.join(', ')}\n`,
  );
  // Checks that hardly anybody passes would compare nothing.
  expect(bareServerPasses.size).toBeGreaterThanOrEqual(BARE_PASSES_MIN);
  expect(worse).toEqual([]);
  expect(passed).toBe(CHECKS.length);
});

test('a server that does not look at WINDOW_UPDATE fails what is said of it', async () => {
  const swallower = await openSwallower(issued, authority.certificate, bare.at, TYPE.WINDOW_UPDATE);
  try {
    const { worse } = await worseThanBare(swallower.at, FRAMING_CHECKS);
    expect(worse).toContain('WINDOW_UPDATE of zero, connection');
    expect(worse).toContain('WINDOW_UPDATE over the largest window, stream');
    expect(worse).toContain('content waits for the window of its stream');
    expect(worse).not.toContain('PING of 7 bytes');
  } finally {
    swallower.close();
  }
});
