// cordon explain and cordon trace beside a program that runs: it is asked, it says so, and nobody is counted.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ExplainedBy } from '../../src/resolver/inquiry/explain.ts';
import { RCODE, TYPE } from '../../src/wire/dns/dns.ts';
import { ask } from '../support/client.ts';
import { runCommandHere } from '../support/command.ts';
import { type Cordon, type RunResult, startCordon } from '../support/process.ts';
import { answer, answerCode, ScriptedUpstream } from '../support/scripted-upstream.ts';

const STATUS = { PASSES: 0, USAGE: 2, REFUSED: 3, UNJUDGED: 4 } as const;

let upstream: ScriptedUpstream;
let program: Cordon;
let config: string;

beforeAll(async () => {
  upstream = await ScriptedUpstream.open((query) => {
    // An authoritative server: it leaves the end of the alias to the asker, and only there stands the listed name.
    if (query.name === 'shop.example.') return answer(query, ['shop.example. 60 IN CNAME next.example.']);
    if (query.name === 'next.example.')
      return answer(query, ['next.example. 60 IN CNAME www.listed.example.']);
    if (query.name === 'broken.example.') return answerCode(query, RCODE.SERVFAIL);
    return answer(query, query.type === TYPE.A ? [`${query.name} 60 IN A 203.0.113.1`] : []);
  });
  config = `
listen: { dns: ["127.0.0.1:0", "127.0.0.2:0"], admin: "127.0.0.1:0" }
workers: 1
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists:
  - { id: order, file: order.txt, format: domains, mandate: true }
groups:
  - { name: default, lists: [order] }
  - { name: lab, clients: ["127.0.0.9/32"], lists: [] }
`;
  program = await startCordon({ config, files: { 'order.txt': 'listed.example\n' } });
});
afterAll(async () => {
  await program.stop();
  await upstream.close();
});

/** Runs a command in the directory of the program, without --config. */
const command = (...args: string[]): Promise<RunResult> => runCommandHere(args, { cwd: program.directory });

const explain = async (...args: string[]): Promise<ExplainedBy & { code: number | null }> => {
  const { code, stdout, stderr } = await command('explain', ...args, '--json');
  if (stdout === '') throw new Error(stderr);
  return { ...(JSON.parse(stdout) as ExplainedBy), code };
};

test('an alias whose end the upstream leaves out is refused, as on the wire', async () => {
  const found = await explain('shop.example');
  expect(found).toMatchObject({ code: STATUS.REFUSED, outcome: 'refused' });
  expect(found.answers[0]).toMatchObject({
    type: 'A',
    judged: 'answer',
    reason: { list: 'order', trigger: 'cname', target: 'www.listed.example.', line: 1 },
  });
  expect((await ask(program.dns, 'shop.example. A')).rcode).toBe(RCODE.NXDOMAIN);
});

test.each([
  'cname.www.listed.example',
  'cname.www.other.example',
  'plain',
  'address-c0000201',
  `cname.${'a.'.repeat(100)}u1`,
])('%s in the zone of the probe is a name below .invalid for everybody else', async (label) => {
  const name = `${label}.probe.cordon.invalid`;
  expect((await explain(name)).outcome).toBe('local');
  const [own, other] = [await ask(program.dns, `${name}. A`), await ask(program.dns, 'a.invalid. A')];
  const { answer: records, authority } = other;
  expect(own).toMatchObject({ rcode: RCODE.NXDOMAIN, answer: records, authority });
  expect(records).toEqual([]);
});

test('the program that runs is asked and named: its cache, its generation', async () => {
  await ask(program.dns, 'cached.example. A');
  const before = upstream.count('cached.example.');
  const { code, stdout, stderr } = await command('trace', 'cached.example');
  expect(code, stderr).toBe(STATUS.PASSES);
  expect(stdout).toContain('config   cordon.yaml (');
  expect(stdout).toContain(`the running service: pid ${program.pid}, version`);
  expect(stdout).toMatch(/generation 1\b/);
  expect(stdout).toMatch(/^ +\d+\.\d ms {2}cache +hit: \d+ s old, kept for 60 s$/m);
  expect(upstream.count('cached.example.')).toBe(before);
});

test('a trace names the upstream that is asked and the rule that decides', async () => {
  const { code, stdout } = await command('trace', 'shop.example', '--type', 'aaaa');
  expect(code).toBe(STATUS.REFUSED);
  const server = `127.0.0.1:${upstream.endpoint.port}`;
  for (const text of [
    'question   no list has a rule for it',
    `${server} is asked for shop.example. AAAA over udp`,
    'aliases    left open by the upstream at next.example.',
    'list order, suffix match by cname www.listed.example., nxdomain,',
    'order.txt:1',
    'BLOCKED on the answer',
    'NXDOMAIN, EDE 15 BLOCKED',
  ])
    expect(stdout).toContain(text);
});

test('what an upstream fails to answer is not judged, with a status of its own', async () => {
  const { code, stdout } = await command('explain', 'broken.example');
  expect(code).toBe(STATUS.UNJUDGED);
  expect(stdout).toContain('COULD NOT BE EVALUATED');
  expect(stdout).not.toContain('passes');
});

test('clients by listener and group are told apart', async () => {
  expect(await explain('x.listed.example', '--client', '127.0.0.9')).toMatchObject({ group: 'lab', code: 0 });
  const { code, stderr } = await command('explain', 'a.example', '--listener', '127.0.0.3:53');
  expect(code).toBe(STATUS.USAGE);
  expect(stderr).toContain('is no address of listen');
});

test('nothing that is explained is counted as a client’s', async () => {
  const counts = async (): Promise<string[]> => {
    const { address, port } = program.admin;
    const text = await (await fetch(`http://${address}:${port}/metrics`)).text();
    return text
      .split('\n')
      .filter((line) =>
        /^cordon_(?:queries|answers|refusals|cache_(?:hits|misses)|group_queries|enforcement_probe_queries)[a-z_]*[{ ]/.test(
          line,
        ),
      );
  };
  const before = await counts();
  expect(before.length).toBeGreaterThan(3);
  await explain('x.listed.example');
  await explain('new.example');
  await explain('shop.example');
  expect(await counts()).toEqual(before);
  await ask(program.dns, 'x.listed.example. A');
  expect(await counts()).not.toEqual(before);
});

test('a file that is not what is in force is told apart from what is', async () => {
  const directory = join(program.directory, 'edited');
  mkdirSync(directory);
  writeFileSync(join(directory, 'order.txt'), 'other.example\n');
  writeFileSync(join(directory, 'cordon.yaml'), `state: ../state\ncache: { size: 64MiB }\n${config}`);
  const { code, stdout, stderr } = await runCommandHere(['explain', 'x.listed.example'], {
    cwd: directory,
  });
  expect(code, stderr).toBe(STATUS.REFUSED);
  expect(stdout).toMatch(/config {3}cordon\.yaml \([0-9a-f]{12}\) is not what is in force \([0-9a-f]{12}\)/);
});

test('without a program the configuration is explained, which is said', async () => {
  const directory = join(program.directory, 'alone');
  mkdirSync(directory);
  writeFileSync(join(directory, 'order.txt'), 'listed.example\n');
  writeFileSync(join(directory, 'cordon.yaml'), config);
  const { code, stdout } = await runCommandHere(['explain', 'shop.example'], {
    cwd: directory,
  });
  expect(code).toBe(STATUS.REFUSED);
  expect(stdout).toContain('this configuration, no service is running');
});
