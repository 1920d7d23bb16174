// What operators copy into the programs beside Cordon (deploy/network, deploy/keepalived), judged by these programs. Each is
// asked about a copy with a planted breach as well.
//
// The snippet for Windows is judged by nobody here: no PowerShell runs on Debian.
import {
  chmodSync,
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { requireProgram, run } from '../support/process.ts';
import { root } from './sources.ts';

const network = join(root, 'deploy/network');
const keepalived = join(root, 'deploy/keepalived');
const work = mkdtempSync(join(tmpdir(), 'cordon-network-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

interface Snippet {
  readonly file: string;
  /** The check; the file's path is put at the end. */
  readonly command: readonly [string, ...string[]];
  readonly breach: readonly [from: string, to: string];
}

const SNIPPETS: readonly Snippet[] = [
  { file: 'kea-dhcp4.conf', command: ['kea-dhcp4', '-t'], breach: ['192.0.2.53, 192', '192.0.2.530, 192'] },
  { file: 'kea-dhcp6.conf', command: ['kea-dhcp6', '-t'], breach: ['"dns-servers"', '"dns-server"'] },
  {
    file: 'dhcpd.conf',
    command: ['dhcpd', '-t', '-cf'],
    breach: ['option domain-name-servers', 'option domain-name-server'],
  },
  {
    file: 'dhcpd6.conf',
    command: ['dhcpd', '-6', '-t', '-cf'],
    breach: ['2001:db8::53, ', '2001:db8::xyz, '],
  },
  {
    file: 'radvd.conf',
    command: ['radvd', '--configtest', '--config'],
    breach: ['  RDNSS 2001', '  RDNS 2001'],
  },
  { file: 'named.conf', command: ['named-checkconf'], breach: ['forward only', 'forward never'] },
  {
    file: 'unbound.conf',
    command: ['unbound-checkconf'],
    breach: ['forward-first: no', 'forward-first: maybe'],
  },
  { file: 'dnsmasq.conf', command: ['dnsmasq', '--test', '-C'], breach: ['no-resolv', 'no-resolve'] },
  { file: 'close-dns.nft', command: ['nft', '--check', '--file'], breach: ['th dport', 'th port'] },
];

/** The status of a check of a text. */
const check = async ({ file, command: [program, ...args] }: Snippet, text: string) => {
  const copy = join(work, file);
  writeFileSync(copy, text);
  const { code, stdout, stderr } = await run(program, [...args, copy]);
  return { passes: code === 0, output: stdout + stderr };
};

test.for(SNIPPETS)('$file is taken by $command.0, and with a breach it is not', async (snippet, context) => {
  requireProgram(context, snippet.command[0]);
  const text = readFileSync(join(network, snippet.file), 'utf8');
  const result = await check(snippet, text);
  if (/Operation not permitted|cache initialization failed/.test(result.output))
    context.skip(`no right to ask ${snippet.command[0]} here: ${result.output}`);
  expect(result).toMatchObject({ passes: true });
  expect(text).toContain(snippet.breach[0]);
  expect(await check(snippet, text.replace(...snippet.breach))).toMatchObject({ passes: false });
});

/** Keys that systemd knows in a section of resolved.conf(5). */
const RESOLVE_KEYS = new Set(['DNS', 'FallbackDNS', 'Domains', 'DNSSEC', 'LLMNR']);

test('systemd-resolved.conf has known keys, and leaves no other resolver', () => {
  const lines = readFileSync(join(network, 'systemd-resolved.conf'), 'utf8').split('\n');
  const entries = lines.filter((line) => line !== '' && !/^[#[]/.test(line)).map((line) => line.split('='));
  const values = new Map(entries.map(([key = '', value = '']) => [key, value]));
  expect([...values.keys()].filter((key) => !RESOLVE_KEYS.has(key))).toEqual([]);
  expect(values.get('FallbackDNS')).toBe('');
  for (const address of values.get('DNS')?.split(' ') ?? []) expect(isIP(address)).not.toBe(0);
});

test('every snippet is judged, or it is said why not', () => {
  const judged = [...SNIPPETS.map(({ file }) => file), 'systemd-resolved.conf', 'windows-dns.ps1'];
  expect(readdirSync(network).sort()).toEqual(judged.sort());
});

/** The status of keepalived's own check of a text, with the check script where the text says. */
const checkKeepalived = async (text: string) => {
  const health = join(work, 'cordon-health');
  copyFileSync(join(keepalived, 'cordon-health'), health);
  chmodSync(health, 0o755);
  chmodSync(work, 0o755);
  const file = join(work, 'keepalived.conf');
  writeFileSync(file, text.replace(/^\$HEALTH=.*$/m, `$HEALTH=${health}`));
  const args = ['--config-test', '--use-file', file, '--config-id', 'resolver-1'];
  const { code, stdout, stderr } = await run('keepalived', args);
  return { code, output: stdout + stderr };
};

test('keepalived.conf is taken by keepalived, and with a breach it is not', async (context) => {
  requireProgram(context, 'keepalived');
  const text = readFileSync(join(keepalived, 'keepalived.conf'), 'utf8');
  expect(await checkKeepalived(text)).toEqual({ code: 0, output: '' });
  for (const [from, to] of [
    ['virtual_router_id 53', 'virtual_router_id 530'],
    ['$HEALTH in-force', '/usr/lib/cordon/gone in-force'],
    ['advert_int', 'advert_interval'],
  ] as const) {
    expect(text).toContain(from);
    expect(await checkKeepalived(text.replace(from, to))).not.toEqual({ code: 0, output: '' });
  }
});
