// @module-tag deploy
// The Ansible role: judged by ansible-lint's strictest profile, and run against a scratch directory in place of a host's. What
// needs a service manager or a package is left out by the role's own variables.
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { initFleet } from '../../src/fleet/fleet.ts';
import { type RunResult, requireProgram, run } from '../support/process.ts';
import { PROGRAM } from '../support/program.ts';
import { root } from '../tidy/sources.ts';

const TIMEOUT_MS = 120_000;
const work = mkdtempSync(join(tmpdir(), 'cordon-ansible-'));
/** A copy of deploy/: ansible-lint leaves a directory beside what it reads. */
const deploy = join(work, 'deploy');
const host = join(work, 'host');
const environment = { ANSIBLE_HOME: join(work, 'home'), ANSIBLE_NOCOLOR: '1', LC_ALL: 'C.UTF-8' };

/** What an authority wrote for a cluster of three. */
const engineFiles = join(work, 'engine');

beforeAll(async () => {
  for (const part of ['ansible', 'unbound', 'bird', 'engine'])
    cpSync(join(root, 'deploy', part), join(deploy, part), { recursive: true });
  mkdirSync(host);
  const made = await initFleet({
    ...{
      stateDirectory: join(work, 'state'),
      name: 'ns1',
      site: undefined,
      leafPort: undefined,
      leafs: {},
    },
    servers: ['127.0.0.1:14222', '127.0.0.2:14222', '127.0.0.3:14222'],
    ...{
      clusterPort: 16_222,
      tls: undefined,
      store: join(work, 'store'),
      safeKeyPath: join(work, 'safe.pem'),
    },
  });
  cpSync(made.engineDirectory, engineFiles, { recursive: true });
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

const ansible = (program: string, args: readonly string[]): Promise<RunResult> =>
  run(program, args, { cwd: join(deploy, 'ansible'), env: environment, timeoutMs: TIMEOUT_MS });

const lint = (): Promise<RunResult> =>
  ansible('ansible-lint', ['--offline', '--profile', 'production', '--nocolor']);

const CONFIGURATION = {
  listen: { dns: ['127.0.0.1:5399'], admin: '127.0.0.1:9199' },
  name: 'ns1.agency.example',
  upstreams: ['127.0.0.1:5335'],
  access: { allow: ['10.0.0.0/8'] },
};

/** Plays the role on the scratch directory. */
const play = (configuration: object, more: object = {}): Promise<RunResult> => {
  const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const variables = {
    cordon_configuration: configuration,
    cordon_manage_packages: false,
    cordon_manage_services: false,
    cordon_config_owner: String(owner.uid),
    cordon_config_group: String(owner.gid),
    cordon_service_group: String(owner.gid),
    cordon_bird_group: String(owner.gid),
    cordon_config_directory: join(host, 'etc/cordon'),
    cordon_unit_directory: join(host, 'units'),
    cordon_library_directory: join(host, 'lib'),
    cordon_bird_directory: join(host, 'etc/bird'),
    cordon_check_command: `${process.execPath} ${PROGRAM} check --config %s`,
    cordon_engine: true,
    cordon_engine_configuration: engineFiles,
    cordon_engine_file: 'nats-server-2.conf',
    cordon_engine_group: String(owner.gid),
    cordon_default_directory: join(host, 'default'),
    cordon_anycast: true,
    cordon_anycast_configuration: readFileSync(join(deploy, 'bird/bird.conf'), 'utf8'),
    ...more,
  };
  const playbook = join(deploy, 'ansible/play.yml');
  const hosts = [
    {
      name: 'Play',
      hosts: 'localhost',
      connection: 'local',
      gather_facts: false,
      roles: ['cordon'],
      vars: variables,
    },
  ];
  writeFileSync(playbook, stringify(hosts));
  return ansible('ansible-playbook', ['--inventory', 'localhost,', playbook]).finally(() => rmSync(playbook));
};

const changed = ({ stdout }: RunResult): number => Number(/\bchanged=(\d+)/.exec(stdout)?.[1]);

test(
  'ansible-lint finds nothing by its strictest profile, and finds a breach',
  async (context) => {
    requireProgram(context, 'ansible-lint');
    expect(await lint()).toMatchObject({ code: 0 });
    const file = join(deploy, 'ansible/roles/cordon/tasks/resolver.yml');
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replace('ansible.builtin.template:', 'template:'));
    expect((await lint()).code).not.toBe(0);
    writeFileSync(file, text);
  },
  TIMEOUT_MS,
);

test(
  'the role writes what the programs accept, changes nothing the second time, and keeps what a breach would replace',
  async (context) => {
    requireProgram(context, 'ansible-playbook');
    requireProgram(context, 'bird');
    requireProgram(context, 'nats-server');
    for (const part of ['units', 'default']) mkdirSync(join(host, part), { recursive: true });
    const first = await play(CONFIGURATION);
    expect(first, first.stdout + first.stderr).toMatchObject({ code: 0 });
    const file = join(host, 'etc/cordon/cordon.yaml');
    const written = readFileSync(file, 'utf8');
    expect(written).toContain('name: ns1.agency.example');
    // It may have secrets of receivers.
    expect(statSync(file).mode & 0o777).toBe(0o640);
    expect(readFileSync(join(host, 'etc/cordon/unbound.conf'), 'utf8')).toContain(
      'interface: 127.0.0.1@5335',
    );
    expect(statSync(join(host, 'lib/cordon-anycast')).mode & 0o111).toBe(0o111);
    for (const unit of ['cordon-unbound.service', 'cordon-anycast.service', 'cordon-engine.service'])
      expect(existsSync(join(host, 'units', unit))).toBe(true);

    // The second server of three, as nats-server itself reads it.
    const engine = join(host, 'etc/cordon/engine/nats-server.conf');
    expect(readFileSync(engine, 'utf8')).toContain('server_name: cordon-2\n');
    expect(readFileSync(join(host, 'default/cordon-engine'), 'utf8')).toBe(`CORDON_ENGINE_CONF=${engine}\n`);
    expect(statSync(engine).mode & 0o777).toBe(0o640);
    expect(await run('nats-server', ['-t', '-c', engine])).toMatchObject({ code: 0 });

    const second = await play(CONFIGURATION);
    expect({ code: second.code, changed: changed(second) }).toEqual({ code: 0, changed: 0 });

    const only = { cordon_recursion: false, cordon_anycast: false, cordon_engine: false };
    const broken = await play({ ...CONFIGURATION, upstream: ['192.0.2.1'] }, only);
    expect(broken.code).not.toBe(0);
    expect(broken.stdout).toContain('upstream');
    expect(readFileSync(file, 'utf8')).toBe(written);
  },
  TIMEOUT_MS,
);

test(
  'the example inventory is a configuration that Cordon accepts',
  async (context) => {
    requireProgram(context, 'ansible-playbook');
    const { code, stdout, stderr } = await ansible('ansible-inventory', [
      '--inventory',
      'inventory.yml',
      '--host',
      'ns1.agency.example',
    ]);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const { cordon_site: site } = JSON.parse(stdout) as { cordon_site: object };
    const file = join(work, 'inventory.yaml');
    writeFileSync(file, stringify(site));
    const checked = await run(process.execPath, [PROGRAM, 'check', '--config', file]);
    expect(checked, checked.stdout + checked.stderr).toMatchObject({ code: 0 });
  },
  TIMEOUT_MS,
);
