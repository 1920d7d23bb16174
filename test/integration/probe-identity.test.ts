// The self-probe for groups that know their clients by certificate, token or name of the listener: each is asked as a client that
// shows it, over the transports on which that can be shown; what is revoked is nobody, and what cannot be shown from outside is told.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ProbeRunStatus } from '../../src/evidence/probe/findings.ts';
import { CertificateAuthority } from '../support/certificates.ts';
import { readMetric, reload } from '../support/client.ts';
import { runCommandHere } from '../support/command.ts';
import { listenerOf, SERVER_NAME } from '../support/encrypted-client.ts';
import { inTwo } from '../support/night.ts';
import { answer, ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

const GUESTS = 'guests.example.net';
const LOST = 'a'.repeat(64);
const TOKEN_HASH = createHash('sha256').update('dGhlLXRva2VuLW9mLWE').digest('hex');

let upstream: ScriptedUpstream;
let cordon: Cordon | undefined;

beforeEach(async () => {
  upstream = await ScriptedUpstream.open((query) =>
    answer(query, query.type === 1 ? [`${query.name} 300 IN A 192.0.2.1`] : []),
  );
});
afterEach(async () => {
  await cordon?.stop();
  cordon = undefined;
  await upstream.close();
});

const configOf = (
  groups: string,
  listen = 'dot: ["127.0.0.1:0"], doh: ["127.0.0.1:0"], doq: ["127.0.0.2:0"]',
) => `
listen: { dns: ["127.0.0.1:0"], ${listen}, admin: "127.0.0.1:0" }
tls: { cert: cert.pem, key: key.pem, client-authorities: [devices.pem], client-revocations: revoked.txt }
workers: 1
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
probe: { interval: 1d, rate: 2000 }
lists: [{ id: ban, file: ban.txt, format: domains, mandate: true }]
groups:
  - { name: default, lists: [ban] }
${groups}`;

const start = async (config: string, names: readonly string[] = [SERVER_NAME, GUESTS]): Promise<Cordon> => {
  const authority = CertificateAuthority.create();
  const issued = authority.issue({ names: names.map((name) => `DNS:${name}`) });
  cordon = await startCordon({
    config,
    files: {
      'ban.txt': 'tiktok.example\n',
      'cert.pem': issued.certificate,
      'key.pem': issued.key,
      'devices.pem': CertificateAuthority.create('devices').certificate,
      'revoked.txt': `${LOST}\n`,
    },
    env: { CORDON_PROBE_INTERVAL: '1d' },
  });
  return cordon;
};

const sweep = async (of: Cordon): Promise<ProbeRunStatus & { readonly code: number | null }> => {
  const config = join(of.directory, 'cordon.yaml');
  const { code, stdout } = await runCommandHere(['probe', '--config', config, '--json']);
  return { ...(JSON.parse(stdout) as ProbeRunStatus), code };
};

/** By view: the transports over which it was asked, and what came of it. */
const outcomesOf = ({ results }: ProbeRunStatus): Record<string, string> =>
  Object.fromEntries(
    [...Map.groupBy(results, ({ view }) => view)].map(([view, of]) => {
      const words = (of_: readonly string[]): string => [...new Set(of_)].sort().join(' ');
      return [
        view,
        `${words(of.map(({ transport }) => transport))}: ${words(of.map(({ outcome }) => outcome))}`,
      ];
    }),
  );

const GROUPS = `
  - { name: managed, certificates: ["dns:*.devices.example", "subject:OU=Field,O=Agency"], lists: [ban] }
  - { name: pinned, certificates: ["sha256:${'b'.repeat(64)}", "email:*@example.net", "uri:urn:one"], lists: [ban] }
  - { name: tablets, tokens: [{ device: tablet-3, sha256: ${TOKEN_HASH} }], lists: [ban] }
  - { name: guests, server-names: [${GUESTS}], lists: [ban] }
  - { name: gone, certificates: ["sha256:${LOST}"], lists: [ban] }
  - { name: free, certificates: ["dns:free.example"], lists: [], out-of-scope: true }
`;

test('each group is asked as a client that shows what it names, wherever that can be shown', async () => {
  const running = await start(configOf(GROUPS));
  const found = await sweep(running);
  expect({ code: found.code, outcome: found.outcome }).toEqual({ code: 0, outcome: 'enforced' });
  const at = (kind: 'dot' | 'doh' | 'doq'): string => {
    const { address, port } = listenerOf(running, kind);
    return `listener:${address}:${port}`;
  };
  expect(outcomesOf(found)).toEqual({
    'group:default': 'doh doq dot tcp udp: enforced',
    'group:managed': 'doh dot: enforced',
    'group:pinned': 'doh dot: enforced',
    'group:tablets': 'doh: enforced',
    'group:guests': 'doh doq dot: enforced',
    [`listener:127.0.0.1:${running.dns.port}`]: 'tcp udp: enforced',
    ...Object.fromEntries((['dot', 'doh', 'doq'] as const).map((kind) => [at(kind), `${kind}: enforced`])),
    ...Object.fromEntries(
      (['dot', 'doh', 'doq'] as const).map((kind) => [`${at(kind)}@${GUESTS}`, `${kind}: enforced`]),
    ),
  });
  const keys = 'as managed, pinned, gone: the keys of client certificates are their devices’ own';
  expect(found.unasked).toEqual([
    {
      view: 'group:gone',
      reason:
        'no client that may ask belongs to it by its address, and what it names is revoked, or leads to other groups',
    },
    { view: 'group:free', reason: 'the group is out of scope' },
    { view: at('dot'), reason: keys },
    { view: at('doh'), reason: keys },
    { view: at('doh'), reason: 'as tablets: of their tokens only hashes are known here' },
  ]);
  expect(found.certificates.map(({ view, name, faults }) => ({ view, name, faults }))).toEqual(
    (['dot', 'doh', 'doq'] as const).flatMap((kind) => [
      { view: at(kind), name: SERVER_NAME, faults: [] },
      { view: `${at(kind)}@${GUESTS}`, name: GUESTS, faults: [] },
    ]),
  );
  // Nothing of it counts as anybody's.
  expect(await readMetric(running, 'cordon_queries_total')).toBe(0);
});

const KNOWN_BY = [
  ['a certificate', 'certificates: ["dns:*.devices.example"]', 'doh dot', []],
  ['a token', `tokens: [{ device: tablet-3, sha256: ${TOKEN_HASH} }]`, 'doh', []],
  ['a name', `server-names: [${GUESTS}]`, 'doh doq dot', ['dot', 'doh', 'doq']],
] as const;
for (const [options, cases] of inTwo(KNOWN_BY, (_, index) => index === 0))
  test.each(cases)(
    'a group by %s whose lists leak is seen',
    options,
    async (_, known, transports, outside) => {
      const running = await start(configOf(`  - { name: hole, ${known}, lists: [] }\n`));
      const found = await sweep(running);
      expect({ code: found.code, outcome: found.outcome }).toEqual({ code: 1, outcome: 'leaking' });
      const outcomes = outcomesOf(found);
      expect(outcomes['group:hole']).toBe(`${transports}: leaking`);
      expect(outcomes['group:default']).toBe('doh doq dot tcp udp: enforced');
      const leaking = Object.entries(outcomes).filter(
        ([view, text]) => /^listener/.test(view) && /leak/.test(text),
      );
      expect(leaking.map(([view, text]) => `${view.replace(/^[^@]*/, '')} ${text}`).sort()).toEqual(
        outside.map((kind) => `@${GUESTS} ${kind}: leaking`).sort(),
      );
      const labels = { view: 'group:hole', transport: 'doh', qtype: 'A' };
      expect(await readMetric(running, 'cordon_enforcement_probe_success', labels)).toBe(0);
      await reload(running, {
        'cordon.yaml': configOf(`  - { name: hole, ${known}, lists: [ban] }\n`),
      });
      expect(await sweep(running)).toMatchObject({ code: 0, outcome: 'enforced' });
    },
  );

test('a certificate that is not for a name that a group is known by is a fault', {
  tags: 'night',
}, async () => {
  const running = await start(configOf(`  - { name: guests, server-names: [${GUESTS}], lists: [ban] }\n`), [
    SERVER_NAME,
  ]);
  const { code, outcome, certificates } = await sweep(running);
  expect({ code, outcome }).toEqual({ code: 1, outcome: 'enforced' });
  expect(
    certificates.filter(({ faults }) => faults.length > 0).map(({ name, faults }) => [name, faults]),
  ).toEqual(
    ['dot', 'doh', 'doq'].map(() => [GUESTS, [`it is not for ${GUESTS}, the name that clients are told`]]),
  );
});

test('what is revoked while it runs stands for nobody any more', { tags: 'night' }, async () => {
  const pinned = 'c'.repeat(64);
  const running = await start(
    configOf(`  - { name: hole, certificates: ["sha256:${pinned}"], lists: [] }\n`),
  );
  expect(outcomesOf(await sweep(running))['group:hole']).toBe('doh dot: leaking');
  const from = running.logs().length;
  await reload(running, { 'revoked.txt': `${pinned}\n` });
  await running.waitForLog(({ msg }) => msg === 'client certificates are revoked', from);
  const found = await sweep(running);
  expect(outcomesOf(found)['group:hole']).toBeUndefined();
  expect(found.unasked.map(({ view }) => view)).toContain('group:hole');
});
