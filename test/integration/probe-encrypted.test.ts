// The self-probe at the encrypted listeners: asked over TLS, HTTPS and QUIC, whom to turn to is told, and the certificate that is served is
// one that clients believe; each fault is found, where it is.
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ProbeRunStatus } from '../../src/evidence/probe/findings.ts';
import { CertificateAuthority, type Issued } from '../support/certificates.ts';
import { readMetric, reload } from '../support/client.ts';
import { runCommandHere } from '../support/command.ts';
import { listenerOf, SERVER_NAME } from '../support/encrypted-client.ts';
import { answer, ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

let authority: CertificateAuthority;
let upstream: ScriptedUpstream;
let cordon: Cordon | undefined;

beforeEach(async () => {
  authority = CertificateAuthority.create();
  upstream = await ScriptedUpstream.open((query) =>
    answer(query, query.type === 1 ? [`${query.name} 300 IN A 192.0.2.1`] : []),
  );
});
afterEach(async () => {
  await cordon?.stop();
  cordon = undefined;
  await upstream.close();
});

const STRUCTURED =
  'structured-errors: { option-code: 65001, contact: ["mailto:help@agency.example"], organization: Agency }\n';

const configOf = (more = '', doq = 'doq: ["127.0.0.1:0"], '): string => `
listen: { dns: ["127.0.0.1:0"], dot: ["127.0.0.1:0"], doh: ["127.0.0.1:0"], ${doq}admin: "127.0.0.1:0" }
workers: 2
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
probe: { interval: 1d, rate: 1000 }
lists: [{ id: ban, file: ban.txt, format: domains, mandate: true }]
${more}`;

const TLS = 'tls: { cert: cert.pem, key: key.pem, client-authorities: [ca.pem] }\n';

const start = async (config: string, { certificate, key }: Issued): Promise<Cordon> => {
  cordon = await startCordon({
    config,
    files: {
      'ban.txt': 'tiktok.example\nmuscdn.example\n',
      'cert.pem': certificate,
      'key.pem': key,
      'ca.pem': authority.certificate,
    },
    env: { CORDON_PROBE_INTERVAL: '1d' },
  });
  return cordon;
};

const probe = async (of: Cordon, ...args: string[]): Promise<{ code: number | null; stdout: string }> => {
  return runCommandHere(['probe', '--config', join(of.directory, 'cordon.yaml'), ...args]);
};
const sweep = async (of: Cordon): Promise<ProbeRunStatus & { readonly code: number | null }> => {
  const { code, stdout } = await probe(of, '--json');
  return { ...(JSON.parse(stdout) as ProbeRunStatus), code };
};

const viewOf = (of: Cordon, kind: 'dot' | 'doh' | 'doq'): string =>
  `listener:127.0.0.1:${listenerOf(of, kind).port}`;

test('everything is in order over TLS, HTTPS and QUIC, with structured errors and a certificate for name and address', async () => {
  const issued = authority.issue({ names: [`DNS:${SERVER_NAME}`, 'IP:127.0.0.1'], endsInDays: 20.5 });
  const running = await start(configOf(TLS + STRUCTURED), issued);
  const found = await sweep(running);
  expect(found).toMatchObject({ code: 0, outcome: 'enforced' });
  for (const kind of ['dot', 'doh', 'doq'] as const) {
    expect(found.results.filter(({ view }) => view === viewOf(running, kind))).toEqual([
      expect.objectContaining({ transport: kind, qtype: 'A', outcome: 'enforced', asked: 4 }),
    ]);
  }
  expect(found.certificates).toEqual(
    (['dot', 'doh', 'doq'] as const).map((kind) => ({
      view: viewOf(running, kind),
      transport: kind,
      name: SERVER_NAME,
      names: [`DNS:${SERVER_NAME}`, 'IP Address:127.0.0.1'],
      fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      ends: expect.stringMatching(/Z$/) as string,
      daysLeft: 20,
      faults: [],
      notes: [expect.stringContaining('does not know the authority CN=Test authority') as string],
    })),
  );
  expect((await probe(running)).stdout).toMatch(
    new RegExp(
      `certificates:\\n {2}${viewOf(running, 'dot')} {2}dot {2}for ${SERVER_NAME}, until \\S+ \\(20 days\\)`,
    ),
  );
  // Nothing of it counts as a client's.
  expect(await readMetric(running, 'cordon_queries_total')).toBe(0);
  const valid = { view: viewOf(running, 'doh'), transport: 'doh' };
  expect(await readMetric(running, 'cordon_enforcement_probe_certificate_valid', valid)).toBe(1);
});

test('a certificate that ended is found, and that it was renewed', { tags: 'night' }, async () => {
  const issued = authority.issue({ names: [`DNS:${SERVER_NAME}`], endsInDays: -1 });
  const running = await start(configOf(TLS), issued);
  const { code, certificates, outcome } = await sweep(running);
  expect({ code, outcome }).toEqual({ code: 1, outcome: 'enforced' });
  expect(certificates.map(({ faults, daysLeft }) => ({ faults, daysLeft }))).toEqual(
    ['dot', 'doh', 'doq'].map(() => ({
      faults: [expect.stringContaining('it ended at') as string],
      daysLeft: -2,
    })),
  );
  expect((await probe(running)).stdout).toContain('NOT BELIEVED: it ended at');
  await running.waitForLog(({ msg }) => msg === 'clients cannot believe an encrypted listener');
  const invalid = { view: viewOf(running, 'dot'), transport: 'dot' };
  expect(await readMetric(running, 'cordon_enforcement_probe_certificate_valid', invalid)).toBe(0);
  const renewed = authority.issue({ names: [`DNS:${SERVER_NAME}`] });
  await reload(running, { 'cert.pem': renewed.certificate, 'key.pem': renewed.key });
  expect(await sweep(running)).toMatchObject({ code: 0 });
  await running.waitForLog(({ msg }) => msg === 'clients can believe the encrypted listeners again');
});

test('a listener that takes devices only shows its certificate, and is named as not asked', async () => {
  const issued = authority.issue({ names: [`DNS:${SERVER_NAME}`] });
  const required = TLS.replace(' }', ', client-required: ["127.0.0.1:0"] }');
  const running = await start(configOf(required, ''), issued);
  const { certificates, unasked, outcome } = await sweep(running);
  expect(outcome).toBe('enforced');
  expect(certificates.map(({ faults }) => faults)).toEqual([[], []]);
  expect(unasked.filter(({ reason }) => reason.startsWith('its certificate only'))).not.toEqual([]);
});

test('a group of the name by which listeners are asked is the one that is looked for there', {
  tags: 'night',
}, async () => {
  const issued = authority.issue({ names: [`DNS:${SERVER_NAME}`] });
  const groups = `
groups:
  - { name: default, lists: [ban] }
  - { name: free, lists: [], out-of-scope: true, server-names: [${SERVER_NAME}] }
`;
  const running = await start(configOf(TLS + groups), issued);
  const { outcome, unasked, results } = await sweep(running);
  expect(outcome).toBe('enforced');
  expect(unasked).toContainEqual({
    view: viewOf(running, 'dot'),
    reason: 'only controls: the group is out of scope',
  });
  expect(results.find(({ view }) => view === viewOf(running, 'dot'))).toMatchObject({ asked: 2 });
});

test('a host that is a proxy asks nothing in its own name', { tags: 'night' }, async () => {
  const issued = authority.issue({ names: [`DNS:${SERVER_NAME}`] });
  const running = await start(configOf(`${TLS}proxies: { from: ["127.0.0.1"] }\n`), issued);
  const { outcome, unasked } = await sweep(running);
  expect(outcome).toBe('enforced');
  expect(unasked.map(({ reason }) => reason)).toContain(
    'this host is a proxy there, and has to say for whom it asks',
  );
});
