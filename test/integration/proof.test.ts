// cordon-proof as the one file that it ships as, on the oldest Node.js that it promises and on that of Cordon: what it finds
// at Cordon and at resolvers of others, with and without our lists, and that its certificates are verified.
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildProof, shippedPacks } from '../../proof/build.ts';
import { systemClock } from '../../src/base/base.ts';
import type { Certificate } from '../../src/evidence/probe/proof-certificate.ts';
import { TYPE } from '../../src/wire/dns/dns.ts';
import {
  formatVerifier,
  parseVerifier,
  startWitness,
  Witness,
  type Witnessed,
} from '../../src/wire/transparency/transparency.ts';
import { CertificateAuthority } from '../support/certificates.ts';
import { reload } from '../support/client.ts';
import { runCommandHere } from '../support/command.ts';
import { listenerOf } from '../support/encrypted-client.ts';
import { RESOLVED, startResolved } from '../support/front-validators.ts';
import { NIGHT } from '../support/night.ts';
import { freePort } from '../support/ports.ts';
import { type RunResult, requireFile, requireProgram, run } from '../support/process.ts';
import { answer, ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';
import { startNameServer, writeNamedConfig, writeUnboundConfig } from '../unit/lists/name-server.ts';

const MANDATE = 'be-federal-tiktok';
const ORIGIN = 'policy.invalid';
const KNOWN = 'plain.example.';
const DAY_MS = 86_400_000;
/** Of Debian; it ships the oldest that is promised. */
const SYSTEM_NODE = '/usr/bin/node';
/** What runs the program: that of Cordon, or another one (docs/development.md). */
const { PROOF_NODE: NODE = process.execPath } = process.env;

let directory: string;
let upstream: ScriptedUpstream;
let cordon: Cordon;
let program: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-proof-'));
  // A folder of its own: nothing that stands beside the file in the checkout can be found from there.
  await buildProof(join(directory, 'bin'));
  program = join(directory, 'bin/proof.mjs');
  upstream = await ScriptedUpstream.open((query) =>
    answer(query, query.type === TYPE.A ? [`${query.name} 60 IN A 203.0.113.7`] : []),
  );
  const issued = CertificateAuthority.create().issue({ names: ['IP:127.0.0.1'] });
  // Ports that its configuration knows: the command asks the listeners that stand there.
  const [dns, dot, doh] = [await freePort(), await freePort(), await freePort()];
  cordon = await startCordon({
    config: `
listen: { dns: ["127.0.0.1:${dns}"], dot: ["127.0.0.1:${dot}"], doh: ["127.0.0.1:${doh}"], admin: "127.0.0.1:0" }
tls: { cert: "${issued.certificateFile}", key: "${issued.keyFile}" }
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
mandates: [${MANDATE}]
compliance: { exemptions: texts }
probe: { interval: 1d, listeners: false }
workers: 1
`,
    files: { 'texts/README': 'none yet' },
  });
});
afterAll(async () => {
  await cordon?.stop();
  await upstream?.close();
  rmSync(directory, { recursive: true, force: true });
});

interface Proof extends RunResult {
  readonly certificate: Certificate;
}

const prove = async (resolvers: readonly string[], { node = NODE, args = [] as string[] } = {}) => {
  const out = join(directory, 'proof');
  const files = ['--key', join(directory, 'keys/key.pem'), '--out', out, '--prometheus', `${out}.prom`];
  const command = [program, ...resolvers, '--mandate', MANDATE, '--rate', '2000', ...files, ...args];
  const done = await run(node, command);
  return { ...done, certificate: certificateIn(`${out}.json`) } satisfies Proof;
};

const certificateIn = (file: string): Certificate => {
  const { payload } = JSON.parse(readFileSync(file, 'utf8')) as { payload: string };
  return JSON.parse(Buffer.from(payload, 'base64').toString()) as Certificate;
};

const verdictOf = ({ code, certificate }: Proof) => ({ code, verdict: certificate.verdict });
const ENFORCED = { code: 0, verdict: 'enforced' };
const LEAKING = { code: 1, verdict: 'leaking' };
const plain = (): string => `127.0.0.1:${cordon.dns.port}`;

test('the packs within are those that ship, and each has its lists', () => {
  const { mandates, lists } = shippedPacks();
  expect(mandates.map(({ id }) => id)).toContain(MANDATE);
  for (const pack of mandates)
    for (const id of pack.lists) expect(lists.map((list) => list.id)).toContain(id);
});

describe.each([
  ['the oldest Node.js', SYSTEM_NODE, {}],
  ['that of Cordon, or of PROOF_NODE', NODE, NIGHT],
])('on %s', (_, node, options) => {
  test('Cordon enforces over each way, and the certificate is verified', options, async (context) => {
    requireProgram(context, 'openssl');
    if (node === SYSTEM_NODE) requireFile(context, SYSTEM_NODE, 'nodejs');
    const [dot, doh] = [listenerOf(cordon, 'dot'), listenerOf(cordon, 'doh')];
    const resolvers = [plain(), `tls://127.0.0.1:${dot.port}`, `https://127.0.0.1:${doh.port}/dns-query`];
    const made = await run(node, [program, 'key', '--key', join(directory, 'keys/key.pem')]);
    const log = parseVerifier(/^for a witness: (.*)$/m.exec(made.stdout)?.[1] ?? '');
    const kept = new Map<string, Witnessed>();
    const seeing = new Witness('w.example/1', generateKeyPairSync('ed25519').privateKey, {
      logs: log === undefined ? [] : [log],
      store: { last: (origin) => kept.get(origin), save: (one) => void kept.set(one.origin, one) },
      clock: systemClock,
    });
    const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
    const server = await startWitness(seeing, { address: '127.0.0.1', family: 4, port: 0 }, quiet);
    const witnessed = ['--witness-key', formatVerifier(seeing.verifier)];
    const asked = ['--questions', '400', '--witness', `http://${server.address}`, ...witnessed];
    const proof = await prove(resolvers, { node, args: asked });
    await server.close();
    expect(proof.stderr).toBe('');
    expect(proof.certificate.program).toContain(`Node.js ${(await run(node, ['--version'])).stdout.trim()},`);
    expect(verdictOf(proof)).toEqual(ENFORCED);
    expect(proof.certificate.resolvers.map(({ ways, verdict }) => `${ways.join()} ${verdict}`)).toEqual([
      'udp,tcp enforced',
      'dot enforced',
      'doh enforced',
    ]);
    expect(proof.certificate.resolvers[1]?.certificates).toMatchObject([
      { fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/), fault: expect.stringMatching(/./) },
    ]);
    expect(proof.certificate.mandate).toMatchObject({ id: MANDATE, standing: 'in-force' });
    expect(readFileSync(join(directory, 'proof.prom'), 'utf8')).toMatch(
      /^cordon_proof_enforced\{[\s\S]*^cordon_proof_witnessed 1$/m,
    );
    const pub = join(directory, 'keys/key.pem.pub');
    // A true certificate of another resolver or mandate is none for who named theirs.
    const about = (...more: string[]) =>
      run(node, [program, 'verify', join(directory, 'proof.json'), ...more, '--key', pub]);
    expect(await about(...resolvers, '--mandate', MANDATE)).toMatchObject({ code: 0 });
    for (const more of [['192.0.2.53'], ['--mandate', 'us-texas']])
      expect(await about(...more)).toMatchObject({
        code: 1,
        stdout: expect.stringMatching(/^NOT VERIFIED: it is (?:not )?about /),
      });
    for (const form of ['json', 'html']) {
      const file = join(directory, `proof.${form}`);
      const key = ['--key', pub, '--max-age', '1', ...witnessed];
      expect(await run(node, [program, 'verify', file, ...key])).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^WITNESSED: 20/m),
      });
      const text = readFileSync(file, 'utf8');
      writeFileSync(
        file,
        form === 'json' ? text.replace('"keyid": "', '"keyid": "0') : text.replace('Enforced:', 'Enforced!'),
      );
      expect(await run(node, [program, 'verify', file, ...key])).toMatchObject({ code: 1 });
    }
  });
});

test('what cannot be asked for, or is not understood, is wrong usage', async () => {
  for (const args of [
    ['--mandate', 'none'],
    ['127.0.0.1.1', '--mandate', MANDATE],
    ['--nothing'],
    ['verify', 'x'],
    ['--mandate', MANDATE, '--rate', '0'],
  ])
    expect(await run(NODE, [program, ...args])).toMatchObject({ code: 2, stdout: '' });
  const gone = await prove([`127.0.0.1:${await freePort()}`]);
  expect(verdictOf(gone)).toEqual({ code: 4, verdict: 'unproven' });
});

describe('cordon probe --certificate', () => {
  const out = (): string => join(directory, 'own');
  const probe = (...args: readonly string[]): Promise<RunResult> =>
    runCommandHere(['probe', '--config', join(cordon.directory, 'cordon.yaml'), ...args], { cwd: directory });
  const certify = async (...args: readonly string[]): Promise<Proof> => {
    const key = ['--key', join(directory, 'own.pem')];
    const done = await probe(
      ...['--certificate', out(), '--mandate', MANDATE, '--network', 'hq', '--rate', '2000', ...key, ...args],
    );
    return { ...done, certificate: certificateIn(`${out()}.json`) };
  };
  const verify = (...args: readonly string[]): Promise<RunResult> =>
    run(NODE, [program, 'verify', ...args, '--key', join(directory, 'own.pem.pub')]);

  test('asks the listeners of the service over each way, and cordon-proof verifies what it signed', async () => {
    const [dot, doh] = [listenerOf(cordon, 'dot'), listenerOf(cordon, 'doh')];
    const told = [plain(), `tls://127.0.0.1:${dot.port}`, `https://127.0.0.1:${doh.port}/dns-query`];
    const proof = await certify();
    expect(verdictOf(proof)).toEqual(ENFORCED);
    expect(proof.stderr).toMatch(/^made the key .*own\.pem; give .*own\.pem\.pub to who shall verify\n$/);
    expect(proof.certificate).toMatchObject({ network: 'hq', mandate: { id: MANDATE } });
    expect(proof.certificate.program).toMatch(/^cordon \d/);
    expect(proof.certificate.resolvers.map(({ resolver, ways }) => `${resolver} ${ways.join()}`)).toEqual([
      `${told[0]} udp,tcp`,
      `${told[1]} dot`,
      `${told[2]} doh`,
    ]);
    const pack = shippedPacks().mandates.find(({ id }) => id === MANDATE);
    expect(proof.certificate.mandate).toEqual(pack);
    for (const form of ['json', 'html']) {
      const file = `${out()}.${form}`;
      const about = [...told, '--mandate', MANDATE, '--network', 'hq', '--max-age', '1'];
      expect(await verify(file, ...about)).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^VERIFIED: (?:(?!ANOTHER PACK)[\s\S])*$/),
      });
      const bytes = readFileSync(file);
      const at = bytes.indexOf('payload": "') + 100;
      bytes[at] = bytes[at] === 65 ? 66 : 65;
      writeFileSync(file, bytes);
      expect(await verify(file)).toMatchObject({ code: 1, stdout: expect.stringMatching(/^NOT VERIFIED: /) });
    }
  });

  test('another resolver is asked with --from, and one that refuses nothing leaks', {
    tags: 'night',
  }, async () => {
    const proof = await certify('--from', `127.0.0.1:${upstream.endpoint.port}`);
    expect(verdictOf(proof)).toEqual(LEAKING);
    expect(proof.certificate.resolvers[0]?.leakedNames).toBe(proof.certificate.resolvers[0]?.names);
    const gone = await certify('--from', `127.0.0.1:${await freePort()}`);
    expect(verdictOf(gone)).toEqual({ code: 1, verdict: 'unproven' });
  });

  test('what an exemption opens for this host leaks', { tags: 'night' }, async () => {
    const text = join(cordon.directory, 'texts/a.yaml');
    const paper = {
      ...{ 'requested-by': 'R. Investigator', 'approved-by': 'A. Head', role: 'head', grounds: 'case' },
      justification:
        'Case 2026-117 needs the accounts of two suspects to be watched as the public sees them.',
      alternatives: 'Records asked of the company by warrant take weeks.',
      mitigations: ['Two standalone devices on a separate network.'],
      ...{ clients: ['127.0.0.1'], lists: ['tiktok'] },
      ...{
        from: new Date(Date.now() - 1_000).toISOString(),
        until: new Date(Date.now() + DAY_MS).toISOString(),
      },
    };
    writeFileSync(text, JSON.stringify(paper));
    await reload(cordon, {});
    const open = await certify();
    rmSync(text);
    await reload(cordon, {});
    expect(verdictOf(open)).toEqual(LEAKING);
    const lists = open.certificate.resolvers.map(({ leaks }) => [...new Set(leaks.map(({ list }) => list))]);
    expect(lists).toEqual([['tiktok'], ['tiktok'], ['tiktok']]);
    expect(await verify(`${out()}.json`)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^LEAKING: /m),
    });
  });

  test.each([
    ['no mandate', ['--certificate', 'x']],
    ['a mandate that the configuration does not name', ['--certificate', 'x', '--mandate', 'us-texas']],
    ['a mandate without a certificate', ['--mandate', MANDATE]],
    ['a key without a certificate', ['--key', 'x']],
    ['a view of a group', ['--certificate', 'x', '--mandate', MANDATE, '--group', 'default']],
    ['a sample', ['--certificate', 'x', '--mandate', MANDATE, '--sample', '5', '--from', '127.0.0.1']],
    ['no resolver', ['--certificate', 'x', '--mandate', MANDATE, '--from', 'https://']],
    ['no pace', ['--certificate', 'x', '--mandate', MANDATE, '--rate', '0']],
  ])('%s is wrong usage', async (_, args) => {
    expect(await probe(...args)).toMatchObject({ code: 2, stdout: '' });
  });

  test('a file that is no key, and a folder that is not there, are told before anybody is asked', async () => {
    const file = join(directory, 'no.pem');
    writeFileSync(file, 'no key');
    const args = ['--certificate', out(), '--mandate', MANDATE, '--key', file];
    const nowhere = [
      '--certificate',
      join(directory, 'no/own'),
      '--mandate',
      MANDATE,
      '--key',
      `${file}.new`,
    ];
    for (const wrong of [args, nowhere])
      expect(await probe(...wrong)).toMatchObject({
        ...{ code: 1, stdout: '' },
        stderr: expect.stringContaining('[ERR_CLI_FILE]'),
      });
  });
});

describe('resolvers of others', () => {
  /** What such a resolver is given of our lists. */
  const exported = async (...args: string[]): Promise<string> => {
    const file = join(directory, `${args.join('-')}.export`);
    const config = join(cordon.directory, 'cordon.yaml');
    const { code, stderr } = await runCommandHere(
      ['lists', 'export', '--config', config, '--format', ...args, '--output', file],
      { cwd: directory },
    );
    expect({ code, stderr }).toMatchObject({ code: 0 });
    return file;
  };
  const placeAt = (name: string, port: number) => {
    const folder = join(directory, name);
    mkdirSync(folder, { recursive: true });
    return { directory: folder, port, upstreamPort: upstream.endpoint.port };
  };
  const unbound = async (name: string, modules: string, clauses: string): Promise<Proof> => {
    const port = await freePort();
    const config = writeUnboundConfig(placeAt(name, port), modules, clauses);
    const server = await startNameServer('unbound', ['-d', '-c', config], port, KNOWN);
    try {
      return await prove([`127.0.0.1:${port}`]);
    } finally {
      await server.stop();
    }
  };
  const dnsmasq = async (file = '/dev/null'): Promise<Proof> => {
    const port = await freePort();
    const server = await startNameServer(
      'dnsmasq',
      [
        ...['--keep-in-foreground', `--conf-file=${file}`, '--no-resolv', '--no-hosts', '--pid-file='],
        ...[`--port=${port}`, '--listen-address=127.0.0.1', '--bind-interfaces', '--user=root'],
        ...[`--server=127.0.0.1#${upstream.endpoint.port}`],
      ],
      port,
      KNOWN,
    );
    try {
      return await prove([`127.0.0.1:${port}`]);
    } finally {
      await server.stop();
    }
  };

  test('unbound leaks without our zone and enforces with it', async (context) => {
    requireProgram(context, 'unbound');
    const leaking = await unbound('unbound-bare', 'iterator', '');
    expect(verdictOf(leaking)).toEqual(LEAKING);
    const [bare] = leaking.certificate.resolvers;
    // Of a busy machine some questions time out; a name that nobody answered for is no leak.
    expect(bare?.leakedNames).toBeGreaterThan(0.9 * (bare?.askedNames ?? Number.NaN));
    const zone = await exported('rpz', '--origin', ORIGIN);
    const clauses = `rpz:\n  name: ${ORIGIN}\n  zonefile: "${zone}"`;
    expect(verdictOf(await unbound('unbound-rpz', 'respip iterator', clauses))).toEqual(ENFORCED);
  });

  test('named enforces with our zone', { tags: 'night' }, async (context) => {
    requireProgram(context, 'named');
    const port = await freePort();
    const zone = await exported('rpz', '--origin', ORIGIN);
    const config = writeNamedConfig(placeAt('named', port), ORIGIN, zone);
    const server = await startNameServer('named', ['-g', '-n', '1', '-c', config], port, KNOWN);
    try {
      // named answers before it has put the whole zone in force.
      await expect
        .poll(async () => verdictOf(await prove([`127.0.0.1:${port}`])), { timeout: 60_000, interval: 500 })
        .toEqual(ENFORCED);
    } finally {
      await server.stop();
    }
  });

  test('dnsmasq leaks without our names, and with them where it has no word for a name alone', {
    tags: 'night',
  }, async (context) => {
    requireProgram(context, 'dnsmasq');
    expect(verdictOf(await dnsmasq())).toEqual(LEAKING);
    const { code, certificate } = await dnsmasq(await exported('dnsmasq'));
    const [answered] = certificate.resolvers;
    expect(code).toBe(1);
    expect(answered?.leaks.map(({ name }) => name).sort()).toEqual(exactNames().sort());
  });

  test('dnsdist that answers REFUSED enforces, and leaks without its rule', {
    tags: 'night',
  }, async (context) => {
    requireProgram(context, 'dnsdist');
    const proveDnsdist = async (rule: string): Promise<Proof> => {
      const port = await freePort();
      const { directory: folder } = placeAt('dnsdist', port);
      const config = join(folder, 'dnsdist.conf');
      writeFileSync(
        config,
        `setLocal("127.0.0.1:${port}")
setMaxTCPClientThreads(1)
newServer({ address = "127.0.0.1:${upstream.endpoint.port}", healthCheckMode = "up" })
${rule}
`,
      );
      const server = await startNameServer('dnsdist', ['--supervised', '-C', config], port, KNOWN);
      try {
        return await prove([`127.0.0.1:${port}`]);
      } finally {
        await server.stop();
      }
    };
    const names = namesOfMandate().map(([name]) => `refused:add("${name}")`);
    const rule = `refused = newSuffixMatchNode()
${names.join('\n')}
addAction(SuffixMatchNodeRule(refused), RCodeAction(DNSRCode.REFUSED))`;
    expect(verdictOf(await proveDnsdist(rule))).toEqual(ENFORCED);
    expect(verdictOf(await proveDnsdist(''))).toEqual(LEAKING);
  });
});

test('systemd-resolved before Cordon enforces, and leaks before a resolver that refuses nothing', {
  tags: 'night',
}, async (context) => {
  for (const name of ['unshare', 'setpriv']) requireProgram(context, name);
  requireFile(context, RESOLVED, 'systemd-resolved');
  const proveResolved = async (port: number): Promise<Proof> => {
    const resolved = await startResolved({ upstream: { address: '127.0.0.1', port }, anchors: '' });
    try {
      return await prove([`127.0.0.1:${resolved.endpoint.port}`]);
    } finally {
      await resolved.stop();
    }
  };
  expect(verdictOf(await proveResolved(cordon.dns.port))).toEqual(ENFORCED);
  expect(verdictOf(await proveResolved(upstream.endpoint.port))).toEqual(LEAKING);
});

const namesOfMandate = () => {
  const { mandates, lists } = shippedPacks();
  const wanted = mandates.find(({ id }) => id === MANDATE)?.lists ?? [];
  return lists.filter(({ id }) => wanted.includes(id)).flatMap(({ names }) => names);
};

/** Names that are prohibited alone, and lie below no name that is prohibited with all below it. */
const exactNames = (): string[] => {
  const names = namesOfMandate();
  const zones = names.flatMap(([name, match]) => (match === 'suffix' ? [`.${name}`] : []));
  return names.flatMap(([name, match]) =>
    match === 'exact' && !zones.some((zone) => name.endsWith(zone)) ? [name] : [],
  );
};
