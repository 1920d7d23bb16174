// A domain of Active Directory whose names all go through Cordon: a member finds the domain controller, joins, and its dynamic
// updates go to the domain controller. Samba stands for Windows; what only Windows has is untested.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { requireFile, requireProgram, run } from '../support/process.ts';
import { PROGRAM } from '../support/program.ts';

const SCRIPT = fileURLToPath(new URL('../support/domain.sh', import.meta.url));
const MINUTES_MAX = 5;

test('a member joins a domain of Samba, and what it registers is found', {
  tags: 'night',
  timeout: MINUTES_MAX * 60_000,
}, async (context) => {
  for (const program of ['samba', 'smbd', 'samba-tool', 'net', 'nsupdate', 'dig', 'ip', 'unshare'])
    requireProgram(context, program);
  requireFile(context, '/usr/share/samba/setup/provision.ldif', 'samba-ad-provision');
  if (process.getuid?.() !== 0) context.skip('networks are made by root');
  const directory = mkdtempSync(join(tmpdir(), 'cordon-ad-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  writeFileSync(
    join(directory, 'cordon.yaml'),
    `listen: { dns: ["10.53.0.1:53"], admin: "127.0.0.1:9153" }
access: { allow: ["10.53.0.0/24", "127.0.0.0/8"] }
workers: 1
state: state
upstreams: ["10.53.0.99"]
forward:
  - { zones: [ad.agency.example, _msdcs.ad.agency.example, 10.in-addr.arpa], upstreams: ["10.53.0.10"] }
rebinding: { allow: [ad.agency.example] }
`,
  );
  const { stdout, stderr } = await run(
    'unshare',
    [
      ...['-n', '-m', '-u', '-p', '-f', '--kill-child', '--mount-proc', SCRIPT, directory],
      ...[process.execPath, PROGRAM, 'serve', '--config', join(directory, 'cordon.yaml')],
    ],
    { timeoutMs: MINUTES_MAX * 60_000 },
  );
  expect(
    stdout.split('\n').map((line) => line.trimEnd()),
    stderr,
  ).toEqual([
    'SRV _ldap._tcp: 0 100 389 dc1.ad.agency.example.',
    'SRV _kerberos._udp: 0 100 88 dc1.ad.agency.example.',
    'SRV _ldap._tcp.dc._msdcs: 0 100 389 dc1.ad.agency.example.',
    'SRV _gc._tcp: 0 100 3268 dc1.ad.agency.example.',
    'listed: status: NXDOMAIN',
    "join: Joined 'PC7' to dns domain 'ad.agency.example'",
    'testjoin: Join is OK',
    'register: 0 10.53.0.20',
    'to Cordon: update failed: NOTIMP',
    '',
  ]);
});
