// The configuration through the control room of a real program: read, check, apply by two, conflicts, ways back, and what an
// operator tries who wants more than that.
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { RCODE } from '../../src/wire/dns/dns.ts';
import { ask } from '../support/client.ts';
import { run } from '../support/process.ts';
import { RoomClient, type RoomReply } from '../support/room-client.ts';
import { type Cordon, startCordon } from '../support/service.ts';

const PASSWORD = 'four words without any sense';
const SECRET = 'tok-4711-secret';
const CONFIG = `# keep this comment: https://intranet.example/page?${SECRET}
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
state: ./state
upstreams: ["127.0.0.1:9"]
agency: Example Agency
lists:
  - { id: tiktok, shipped: tiktok, mandate: true }
  - { id: own, file: own.txt, format: domains }
groups:
  - { name: default, lists: [tiktok, own] }
  - { name: lab, clients: ["127.0.2.0/24"], lists: [tiktok] }
reports:
  schedule:
    - { every: monthly, webhook: "https://hooks.example/services/${SECRET}" }
query-log: { identity: address, search: true, outputs: [{ to: "file:queries.jsonl" }] }
control-room: { listen: "127.0.0.1:0" }
`;

let cordon: Cordon;
let origin: string;
let admin: RoomClient;
let operator: RoomClient;
let approver: RoomClient;
let viewer: RoomClient;
let path: string;

beforeAll(async () => {
  cordon = await startCordon({ config: CONFIG, files: { 'own.txt': 'own.example\n' } });
  path = join(cordon.directory, 'cordon.yaml');
  origin = String((await cordon.waitForLog(({ msg }) => msg === 'the control room is open'))['url']);
  const first = await cordon.waitForLog(({ msg }) => msg.startsWith('nobody is administrator'));
  admin = await new RoomClient(origin).open();
  await admin.enrol(String(first['url']), 'A. Administrator', PASSWORD);
  const add = async (name: string, role: string): Promise<RoomClient> => {
    const { body } = await admin.post('/api/v1/people', { name, roles: [role], reason: 'set-up' });
    const client = await new RoomClient(origin).open();
    await client.enrol((body['link'] as { url: string }).url, name, PASSWORD);
    return client;
  };
  operator = await add('O. Operator', 'operator');
  approver = await add('P. Approver', 'approver');
  viewer = await add('V. Viewer', 'viewer');
});

afterAll(async () => {
  await cordon.stop();
});

interface Checked {
  readonly draft: string | null;
  readonly base: string;
  readonly text: string;
  readonly problems: readonly { line: number; column: number; path: string; code: string; text: string }[];
  readonly lifts: readonly unknown[];
  readonly differences: readonly { key: string; from: string | null; to: string | null }[];
  readonly restart: readonly string[];
  readonly confirm: readonly string[] | null;
}

const onDisk = (): string => readFileSync(path, 'utf8');
const shownText = async (): Promise<string> =>
  String((await operator.get('/api/v1/configuration')).body['text']);
const check = async (text: string): Promise<Checked> =>
  (await operator.post('/api/v1/configuration/check', { text })).body as unknown as Checked;
const apply = ({ draft, base }: Checked, reason = 'because'): Promise<RoomReply> =>
  operator.post('/api/v1/configuration/apply', { draft, base, reason });
const confirm = async (asked: RoomReply, by: RoomClient): Promise<RoomReply> =>
  by.post(`/api/v1/acts/${(asked.body['pending'] as { id: string }).id}/confirm`, { reason: 'seen' });
const rcode = async (name: string, from = '127.0.0.1'): Promise<number> =>
  (await ask(cordon.dns, `${name} A`, { from })).rcode;

test('the configuration is read with defaults, without secrets, and for those whose business it is', async () => {
  const { status, body, text } = await operator.get('/api/v1/configuration');
  expect([status, body]).toMatchObject([
    200,
    { path, isWritable: true, obstacle: null, isAhead: false, versions: [] },
  ]);
  expect(text).not.toContain(SECRET);
  expect(body['sha256']).toBe(createHash('sha256').update(CONFIG).digest('hex'));
  expect(body['keys']).toContainEqual(
    expect.objectContaining({
      key: 'workers',
      value: '1',
      isDefault: false,
      needsRestart: true,
      section: 'workers',
    }),
  );
  expect(body['keys']).toContainEqual(
    expect.objectContaining({ key: 'block.mode', isDefault: true, needsRestart: false }),
  );
  for (const { about } of body['keys'] as { about: string }[]) expect(about).not.toBe('');
  expect((await viewer.get('/api/v1/configuration')).status).toBe(403);
});

test('every problem of a text has its line and column, and nothing is kept', async () => {
  const found = await check(`workers: many\nagency: A\nlits: []\n`);
  expect(found).toMatchObject({ draft: null, confirm: null });
  expect(found.problems).toContainEqual(
    expect.objectContaining({ line: 1, column: 10, path: 'workers', code: 'ERR_CONFIG_VALUE' }),
  );
  expect(found.problems).toContainEqual(
    expect.objectContaining({ line: 3, column: 1, path: 'lits', hint: 'did you mean "lists"?' }),
  );
});

test('two persons change a rule: the difference is shown, the file and what is in force follow', async () => {
  expect(await rcode('own.example', '127.0.2.1')).toBe(RCODE.SERVFAIL);
  expect(await rcode('own.example')).toBe(RCODE.NXDOMAIN);
  const text = (await shownText()).replace('lists: [tiktok, own]', 'lists: [tiktok]');
  const found = await check(text);
  expect(found).toMatchObject({
    problems: [],
    confirm: ['approver'],
    restart: [],
    differences: [{ key: 'groups[default].lists', from: 'tiktok, own', to: 'tiktok' }],
  });
  expect(found.lifts).toEqual([]);
  // What takes a mandate from somebody is told as that, whatever key does it.
  const wide = await check((await shownText()).replace('lists: [tiktok, own]', 'lists: [own]'));
  expect(wide.lifts).toEqual([
    {
      group: 'default',
      prefixes: [],
      more: 0,
      list: 'tiktok',
      passes: true,
      rules: expect.any(Number) as number,
    },
  ]);
  // Tried on what was asked until now: who decides sees the same as who asks.
  const tried = `/api/v1/configuration/drafts/${found.draft}/tried`;
  await vi.waitFor(() =>
    expect(readFileSync(join(cordon.directory, 'queries.jsonl'), 'utf8')).toMatch(/"own"/),
  );
  expect((await approver.get(tried)).body).toMatchObject({ state: 'never', impact: null });
  expect((await operator.post(tried, { days: 1 })).body).toMatchObject({ state: 'running' });
  const told = await vi.waitFor(
    async () => {
      const { body } = await approver.get(tried);
      expect(body).toMatchObject({ state: 'done', fault: null });
      return body['impact'];
    },
    { timeout: 60_000, interval: 100 },
  );
  expect(told).toMatchObject({
    ...{ isWhole: true, isAtLeast: false, otherList: 0, guards: [] },
    newlyRefused: { queries: 0 },
    newlyPassing: { queries: 1, names: 1, clients: 1, networks: 1 },
    names: [{ name: 'own.example', change: 'passes', queries: 1, clients: 1, list: 'own' }],
  });
  expect(JSON.stringify(told)).not.toContain('127.0.');
  expect((await viewer.get(tried)).status).toBe(403);
  const asked = await apply(found, 'own.example is served again');
  expect(asked.status).toBe(202);
  expect(onDisk()).toBe(CONFIG);
  // Who asks for the list of acts sees what waits, and no text of the file.
  expect((await viewer.get('/api/v1/acts')).text).not.toContain('upstreams');
  // Who confirms sees the same difference.
  const seen = await approver.get(`/api/v1/configuration/drafts/${found.draft}`);
  expect(seen.body).toMatchObject({ differences: found.differences, confirm: ['approver'] });
  expect((await confirm(asked, operator)).status).toBe(403);
  expect((await confirm(asked, admin)).status).toBe(403);
  const done = await confirm(asked, approver);
  expect(done.body).toMatchObject({ status: 200, problem: null, act: { state: 'confirmed' } });
  // Comments and secrets are as they were; nobody typed them.
  expect(onDisk()).toBe(CONFIG.replace('lists: [tiktok, own]', 'lists: [tiktok]'));
  expect(readFileSync(`${path}.previous`, 'utf8')).toBe(CONFIG);
  expect(await rcode('own.example')).toBe(RCODE.SERVFAIL);
  await vi.waitFor(
    async () => {
      const { body } = await approver.get('/api/v1/records/search?class=changes&limit=100');
      const records = (body['records'] as { record: object }[]).map(({ record }) => record);
      expect(records).toContainEqual(
        expect.objectContaining({
          ...{ kind: 'configuration', by: 'O. Operator, confirmed by P. Approver' },
          reason: expect.stringContaining('own.example is served again') as string,
          differences: [{ key: 'groups[default].lists', from: 'tiktok, own', to: 'tiktok' }],
        }),
      );
      expect(records).toContainEqual(
        expect.objectContaining({
          ...{ kind: 'admin', action: 'configuration', by: 'O. Operator, confirmed by P. Approver' },
        }),
      );
      expect(records).toContainEqual(
        expect.objectContaining({ action: 'act-confirmed', by: 'P. Approver', reason: 'seen' }),
      );
    },
    { timeout: 90_000, interval: 500 },
  );
});

test('one person tightens alone, and a way back is a draft like any other', async () => {
  const found = await check((await shownText()).replace('lists: [tiktok]', 'lists: [tiktok, own]'));
  expect(found.confirm).toBeNull();
  expect((await apply(found)).status).toBe(200);
  expect(await rcode('own.example')).toBe(RCODE.NXDOMAIN);
  const { body } = await operator.get('/api/v1/configuration');
  const versions = body['versions'] as { sha256: string; by: string; isCurrent: boolean }[];
  expect(versions.map(({ by, isCurrent }) => [by, isCurrent])).toEqual([
    ['O. Operator', true],
    ['O. Operator, confirmed by P. Approver', false],
  ]);
  const back = await operator.post(`/api/v1/configuration/versions/${versions[1]?.sha256}/draft`);
  // The way back loosens, so that it takes two.
  expect(back.body).toMatchObject({ draft: versions[1]?.sha256, confirm: ['approver'], problems: [] });
  expect(back.text).not.toContain(SECRET);
});

test('a text of before that comes back on the host is on the record as of nobody', async () => {
  const now = onDisk();
  const reread = async (text: string): Promise<void> => {
    const from = cordon.logs().length;
    writeFileSync(path, text);
    cordon.signal('SIGHUP');
    await cordon.waitForLog(({ msg }) => msg === 'reloaded', from);
  };
  await reread(CONFIG.replace('lists: [tiktok, own]', 'lists: [tiktok]'));
  await reread(now);
  await vi.waitFor(
    async () => {
      const { body } = await approver.get('/api/v1/records/search?class=changes&limit=100');
      const records = (body['records'] as { record: object }[]).map(({ record }) => record);
      expect(records).toContainEqual(
        expect.objectContaining({
          ...{ kind: 'configuration', by: expect.stringMatching(/^not known; /) as string },
          reason: expect.stringMatching(
            /^SIGHUP came.+ before, last on \S+ by O\. Operator, confirmed by P\. Approver, which/,
          ) as string,
        }),
      );
    },
    { timeout: 90_000, interval: 500 },
  );
});

test('a file that somebody else changed meanwhile is not overwritten, before and after the confirmation', async () => {
  const text = await shownText();
  const found = await check(text.replace('agency: Example Agency', 'agency: Another Agency'));
  const asked = await apply(found);
  expect(asked.status).toBe(202);
  const mine = `${onDisk()}# a colleague was here\n`;
  writeFileSync(path, mine);
  const late = await confirm(asked, approver);
  expect(late.body).toMatchObject({ status: 409, act: { state: 'failed' } });
  expect(onDisk()).toBe(mine);
  expect(await apply(found)).toMatchObject({
    status: 409,
    body: { code: 'ERR_APP_CONFIGURATION_CHANGED' },
  });
});

test('what a reload refuses is taken back, file and all', async () => {
  const before = onDisk();
  writeFileSync(join(cordon.directory, 'own.txt'), '');
  const found = await check((await shownText()).replace('agency: Example', 'agency: Third Example'));
  const done = await confirm(await apply(found), approver);
  expect(done.body).toMatchObject({ status: 409, problem: expect.stringContaining('as it was') as string });
  expect(onDisk()).toBe(before);
  writeFileSync(join(cordon.directory, 'own.txt'), 'own.example\n');
  expect((await operator.get('/api/session')).body).toMatchObject({ agency: 'Example Agency' });
  await cordon.waitForLog(({ msg }) => msg.startsWith('reload refused'));
});

test('what makes an operator more is confirmed by an administrator, and by itself', async () => {
  const text = await shownText();
  const room = text.replace(
    'control-room: { listen: "127.0.0.1:0" }',
    'control-room: { listen: "127.0.0.1:0", oidc: { issuer: "https://id.attacker.example", client-id: x, roles: [{ group: me, role: administrator }] } }',
  );
  const found = await check(room);
  expect(found).toMatchObject({ confirm: ['administrator'], problems: [] });
  expect(found.restart.some((key) => key.startsWith('control-room.oidc'))).toBe(true);
  const asked = await apply(found);
  expect((await confirm(asked, approver)).status).toBe(403);
  await admin.post(`/api/v1/acts/${(asked.body['pending'] as { id: string }).id}/withdraw`, { reason: 'no' });
  // Hidden behind a rule that an approver would confirm, or the other way round.
  const both = await check(room.replace('agency: Example', 'agency: Other Example'));
  expect(both).toMatchObject({ draft: null, problems: [{ code: 'ERR_APP_CONFIGURATION_APART' }] });
  for (const line of ['admin: { allow: ["0.0.0.0/0"] }', 'fips: off\nname: other', 'log: { level: error }'])
    expect([line, (await check(`${text}${line}\n`)).confirm]).toEqual([line, ['administrator']]);
});

test.each([
  ['a list that is a key of the host', 'lists:', 'lists:\n  - { id: x, file: /etc/shadow, format: domains }'],
  [
    'a folder of pages',
    '^control-room: { listen: "127.0.0.1:0" }',
    'control-room: { listen: "127.0.0.1:0", pages: /tmp }',
  ],
  [
    'a secret that is another file',
    '^control-room: { listen: "127.0.0.1:0" }',
    'control-room: { listen: "127.0.0.1:0", oidc: { issuer: "https://a.example", client-id: x, client-secret-file: /etc/shadow, roles: [{ group: a, role: viewer }] } }',
  ],
  ['prefixes out of a file', 'clients: \\["127.0.2.0/24"\\]', 'clients-file: /etc/passwd'],
  [
    'an output over another file',
    'reports:',
    'records: { outputs: [{ to: "file:/etc/cron.d/x" }] }\nreports:',
  ],
  ['a report into a folder', 'every: monthly,', 'every: monthly, folder: /tmp,'],
  ["a profile of one's own", 'reports:', 'compliance: { profile: /tmp/mine.yaml }\nreports:'],
  ['another state', 'state: ./state', 'state: /tmp/elsewhere'],
  ['what it names under another key', 'listen: {', 'dnssec: { anchors: own.txt }\nlisten: {'],
])('no file can be named that is not named already: %s', async (_, from, to) => {
  const text = await shownText();
  const proposal = text.replace(new RegExp(from, 'm'), to);
  expect(proposal).not.toBe(text);
  const { draft, problems } = await check(proposal);
  expect(draft).toBeNull();
  expect(
    problems.filter(({ text: said }) => !said.includes('does not name here')).map(({ code }) => code),
  ).not.toContain('ERR_CONFIG_READ');
  expect(problems.some(({ text: said, line }) => line > 0 && said.includes('does not name here'))).toBe(true);
  // Nothing of what is in the file, or whether it is there.
  expect(JSON.stringify(problems)).not.toMatch(/root:|daemon|ENOENT|no such file|EACCES/);
});

test('what is withheld goes to no other server and into no text that pages show', async () => {
  const text = await shownText();
  const webhook = 'https://hooks.example/***';
  expect(text).toContain(webhook);
  for (const proposal of [
    text.replace('agency: Example Agency', `agency: "${webhook}"`),
    text.replace(webhook, 'https://attacker.example/***'),
    text.replace(
      '{ id: own, file: own.txt, format: domains }',
      `{ id: own, url: "${webhook}", format: domains }`,
    ),
  ]) {
    const found = await check(proposal);
    expect([found.draft, found.problems[0]?.text]).toEqual([null, expect.stringContaining('stands for no')]);
    expect(JSON.stringify(found)).not.toContain(SECRET);
  }
  // Kept in place, it is what it was; a change of it shows that it differs, and not how.
  const replaced = await check(text.replace(webhook, 'https://hooks.example/services/another'));
  expect(JSON.stringify(replaced.differences)).not.toContain('another');
  expect(replaced.confirm).toEqual(['approver']);
});

test('requests have bounds, and nothing else is taken', async () => {
  expect((await operator.post('/api/v1/configuration/check', { text: 'x'.repeat(300_000) })).status).toBe(
    400,
  );
  expect((await operator.post('/api/v1/configuration/check', { text: 'x'.repeat(3_000_000) })).status).toBe(
    413,
  );
  const body = { draft: '0'.repeat(64), base: '0'.repeat(64), reason: 'x' };
  expect((await operator.post('/api/v1/configuration/apply', body)).status).toBe(404);
  for (const more of [{ text: 'x' }, { path: '/etc/passwd' }, { force: true }, { by: 'Somebody' }])
    expect((await operator.post('/api/v1/configuration/apply', { ...body, ...more })).status).toBe(400);
  expect((await operator.get('/api/v1/configuration/drafts/..%2f..%2froom')).status).toBe(404);
  const before = process.cpuUsage();
  const hostile = `a: ${'['.repeat(20_000)}`;
  expect((await check(hostile)).draft).toBeNull();
  expect((await check(`agency: "${'a.'.repeat(120_000)}"`)).draft).toBeNull();
  // Of a processor, microseconds: what runs beside this may take as long as it likes.
  expect(process.cpuUsage(before).user).toBeLessThan(10_000_000);
});

/** As another user, who may read the file and not write it: the unit of the package has such a one. */
const asNobody = `
import { createConfigurationControl } from '${new URL('../../src/people/configuration/configuration-control.ts', import.meta.url).href}';
import { ConfigurationTexts } from '${new URL('../../src/people/configuration/configuration-texts.ts', import.meta.url).href}';
import { loadConfiguration } from '${new URL('../../src/host/app/app.ts', import.meta.url).href}';
const [configPath, state] = process.argv.slice(1);
const { config } = loadConfiguration(configPath);
if (process.getuid() === 0) process.seteuid(65534);
const control = createConfigurationControl({
  source: { configPath, readConfig: () => config, checkProposal: () => loadConfiguration(configPath), defaults: () => config },
  texts: new ConfigurationTexts(state, Date.now),
  changes: {}, inForce: () => config, generation: () => 1, enforcementText: () => '', note: () => {},
});
const { isWritable, obstacle } = await control.read();
console.log(JSON.stringify({ isWritable, obstacle }));`;

test('a file that cannot be written is said to be one, with what to do', { tags: 'night' }, async () => {
  const isRoot = process.getuid?.() === 0;
  const { mode } = statSync(cordon.directory);
  chmodSync(cordon.directory, 0o555);
  chmodSync(path, 0o644);
  try {
    const script = ['--input-type=module', '--eval', asNobody, '--', path, join(cordon.directory, 'state')];
    const { code, stdout, stderr } = await run(process.execPath, script, { cwd: '/' });
    expect([code, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toMatchObject({
      isWritable: false,
      obstacle: {
        text: expect.stringContaining(isRoot ? 'the service runs as' : 'cannot be written') as string,
        todo: expect.stringContaining('ownload') as string,
      },
    });
  } finally {
    chmodSync(cordon.directory, mode);
  }
});

test('drafts and versions are for the user of the service alone', () => {
  const folder = join(cordon.directory, 'state/configurations');
  expect(existsSync(folder)).toBe(true);
  expect(statSync(folder).mode & 0o077).toBe(0);
});
