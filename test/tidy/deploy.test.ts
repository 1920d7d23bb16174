// The files of deploy/, judged by the programs that read them: systemd, Prometheus, proxies and a YAML parser.
//
// systemd-analyze and promtool are asked about copies with a planted breach as well, so that a version that accepts
// everything would be noticed. No image is built here; what can be read from the Dockerfile is.
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, extname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { formatProblem, loadConfig } from '../../src/config/config.ts';
import { requireProgram, run } from '../support/process.ts';
import { plant, readSources, root, type Sources } from './sources.ts';

const deploy = join(root, 'deploy');
const work = mkdtempSync(join(tmpdir(), 'cordon-deploy-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

/** Says of the unit only that this machine does not have the program installed. */
const NOT_INSTALLED =
  /^\S+: Command \/(?:opt\/cordon|usr\/sbin|usr\/local\/lib\/cordon)\/\S+ is not executable: No such file or directory$/;

/** The units that ship. */
const UNITS = [
  'cordon.service',
  'unbound/cordon-unbound.service',
  'bird/cordon-anycast.service',
  'engine/cordon-engine.service',
  'engine/cordon-collector.service',
  'leases/cordon-leases.service',
] as const;

/** The complaints of systemd about a unit file. */
const verifyUnit = async (text: string, name = 'cordon.service'): Promise<string[]> => {
  const file = join(work, name);
  writeFileSync(file, text);
  const { stdout, stderr } = await run('systemd-analyze', ['verify', '--man=no', file]);
  return `${stdout}${stderr}`.split('\n').filter((line) => line !== '' && !NOT_INSTALLED.test(line));
};

/** promtool evaluates all rules for each minute of each test: some seven seconds, a loaded machine many times that. */
const PROMTOOL_MS = 300_000;

/** The status of promtool in a copy of deploy/ in which one text was replaced. */
const runPromtool = async (args: readonly string[], change?: { file: string; from: string; to: string }) => {
  const copy = mkdtempSync(join(work, 'prometheus-'));
  cpSync(deploy, copy, { recursive: true });
  if (change !== undefined) {
    const text = readFileSync(join(copy, change.file), 'utf8');
    expect(text).toContain(change.from);
    writeFileSync(join(copy, change.file), text.replace(change.from, change.to));
  }
  const { code, stdout, stderr } = await run('promtool', args, { cwd: copy, timeoutMs: PROMTOOL_MS });
  return { passed: code === 0, output: stdout + stderr };
};

const read = (file: string): string => readFileSync(join(deploy, file), 'utf8');
const readYaml = (file: string): unknown => parse(read(file), { strict: true, uniqueKeys: true });

test.for(UNITS)('%s is understood by systemd', async (unit, context) => {
  requireProgram(context, 'systemd-analyze');
  expect(await verifyUnit(read(unit), basename(unit))).toEqual([]);
});

/** How much a service may do, by systemd: 0 is nothing, 10 is everything. */
const EXPOSURE_MAX = 1.5;

test.for(UNITS.slice(1))('%s may do little', async (unit, context) => {
  requireProgram(context, 'systemd-analyze');
  const exposureOf = async (text: string): Promise<number> => {
    const file = join(work, basename(unit));
    writeFileSync(file, text);
    const { stdout } = await run('systemd-analyze', ['security', '--offline=true', '--no-pager', file]);
    return Number(/Overall exposure level for \S+: (\d+\.\d)/.exec(stdout)?.[1]);
  };
  expect(await exposureOf(read(unit))).toBeLessThanOrEqual(EXPOSURE_MAX);
  expect(await exposureOf('[Service]\nExecStart=/bin/true\n')).toBeGreaterThan(EXPOSURE_MAX);
});

test.for([
  ['an unknown key', 'RestartSec=2', 'RestartSeconds=2'],
  ['a malformed value', 'LimitNOFILE=131072', 'LimitNOFILE=many'],
  ['an unknown system call group', '@privileged', '@privilegd'],
  ['a relative command', 'ExecReload=/bin/kill', 'ExecReload=./kill'],
] as const)('systemd-analyze refuses %s', async ([, from, to], context) => {
  requireProgram(context, 'systemd-analyze');
  expect(read('cordon.service')).toContain(from);
  expect(await verifyUnit(read('cordon.service').replace(from, to))).not.toEqual([]);
});

test.for([
  ['check', 'rules', '--lint-fatal', 'alerts.yml', 'objectives.yml'],
  ['test', 'rules', 'alerts.test.yml', 'objectives.test.yml'],
  ['check', 'config', 'prometheus.yml'],
])('promtool %s %s passes', { timeout: PROMTOOL_MS, tags: 'deploy' }, async (args, context) => {
  requireProgram(context, 'promtool');
  expect(await runPromtool(args)).toMatchObject({ passed: true });
});

test.for([
  ['check rules', 'alerts.yml', 'sum by (instance, cause)', 'sum by (instance, cause'],
  ['test rules --run mandate', 'alerts.yml', 'cordon_policy_enforcing == 0', 'cordon_policy_enforcing == 2'],
  ['test rules --run thirty', 'alerts.yml', '30 * 86400', '3 * 86400'],
  ['test rules --run answer', 'objectives.yml', 'expr: vector(0.001)', 'expr: vector(1)'],
  ['test rules --run latency', 'objectives.yml', 'le="0.262144"', 'le="0.25"'],
  ['check config', 'prometheus.yml', 'scrape_interval: 15s', 'scrape_interval: soon'],
] as const)(
  'promtool %s refuses a breach in %s',
  { timeout: PROMTOOL_MS, tags: 'deploy' },
  async ([command, file, from, to], context) => {
    requireProgram(context, 'promtool');
    const target = command.startsWith('test') ? file.replace('.yml', '.test.yml') : file;
    const args = [...command.split(' '), target];
    expect(await runPromtool(args)).toMatchObject({ passed: true });
    expect(await runPromtool(args, { file, from, to })).toMatchObject({ passed: false });
  },
);

/** The problems of a configuration, which names no shipped list. */
const configProblems = (text: string): string[] => {
  const file = join(work, 'cordon.yaml');
  writeFileSync(file, text);
  const facts = { shippedIds: [], shippedDefault: [], workingDirectory: work };
  return loadConfig(file, {}, facts).problems.map(formatProblem);
};

test('cordon.yaml is a valid configuration', () => {
  expect(configProblems(read('cordon.yaml'))).toEqual([]);
  expect(configProblems(read('cordon.yaml').replace('upstreams:', 'upstream:'))).not.toEqual([]);
});

/** Rules of a file of Prometheus. */
const ruleFile = z.object({
  groups: z.array(
    z.object({
      rules: z.array(
        z.object({
          alert: z.string().optional(),
          labels: z.record(z.string(), z.string()).optional(),
          annotations: z.record(z.string(), z.string()).optional(),
        }),
      ),
    }),
  ),
});
const testFile = z.object({
  tests: z.array(
    z.object({
      alert_rule_test: z
        .array(
          z.object({
            alertname: z.string(),
            exp_alerts: z.array(z.object({ exp_labels: z.record(z.string(), z.string()) })),
          }),
        )
        .default([]),
    }),
  ),
});

/** What alerts lack: a promtool test that expects each with its severity, and a paragraph with the anchor of its runbook_url. */
const findUntoldAlerts = (rules: unknown, tests: unknown, runbooks: string): string[] => {
  const findings: string[] = [];
  const expected = new Set(
    testFile
      .parse(tests)
      .tests.flatMap(({ alert_rule_test }) => alert_rule_test)
      .flatMap(({ alertname, exp_alerts }) =>
        exp_alerts.map(({ exp_labels }) => `${alertname} ${exp_labels['severity'] ?? ''}`),
      ),
  );
  for (const { alert, labels = {}, annotations = {} } of ruleFile
    .parse(rules)
    .groups.flatMap((group) => group.rules)) {
    if (alert === undefined) continue;
    if (!expected.has(`${alert} ${labels['severity'] ?? ''}`)) findings.push(`${alert} has no unit test`);
    if (annotations['runbook_url'] !== `docs/runbooks.md#${alert.toLowerCase()}`)
      findings.push(`${alert} names no runbook`);
    const paragraph = runbooks.split(`\n## ${alert}\n`)[1]?.split('\n## ')[0] ?? '';
    if (!/^\*\*Means\.\*\* /m.test(paragraph) || !/^\*\*Do\.\*\* /m.test(paragraph))
      findings.push(`${alert} has no paragraph`);
  }
  return findings;
};

const runbooks = readFileSync(join(root, 'docs/runbooks.md'), 'utf8');
const RULE_FILES = ['alerts', 'objectives'] as const;

test.for(RULE_FILES)('each alert of %s.yml has a unit test that expects it and a runbook', (name) => {
  expect(findUntoldAlerts(readYaml(`${name}.yml`), readYaml(`${name}.test.yml`), runbooks)).toEqual([]);
});

test('findUntoldAlerts() catches an alert without test, paragraph and address', () => {
  const rules = { groups: [{ rules: [{ alert: 'CordonNew', labels: { severity: 'critical' } }] }] };
  const tests = {
    tests: [
      { alert_rule_test: [{ alertname: 'CordonNew', exp_alerts: [{ exp_labels: { severity: 'info' } }] }] },
    ],
  };
  expect(findUntoldAlerts(rules, tests, '\n## CordonNew\n\nSome words.\n')).toHaveLength(3);
});

/** Units that somebody is told to start, stop or look at, and that no file of ours makes. */
const findForeignUnits = (texts: ReadonlyMap<string, string>): string[] =>
  [...texts].flatMap(([path, text]) =>
    [...text.matchAll(/\bsystemctl (?:status|start|stop|restart|reload|edit) ([\w@-]+)/g)]
      .filter(([, unit = '']) => !OWN_UNITS.has(unit) && !OTHER_UNITS.has(unit))
      .map(([told]) => `${path}: ${told}`),
  );
const OWN_UNITS: ReadonlySet<string> = new Set(
  [...readSources('deploy', ['.service', '.timer']).keys()].map((path) => basename(path, extname(path))),
);
/** Of packages that documents tell to install. */
const OTHER_UNITS: ReadonlySet<string> = new Set(['keepalived', 'unbound', 'bird']);

test('whoever follows a runbook or a hint looks at a unit of ours', () => {
  const texts = new Map([...readSources('docs', ['.md']), ...readSources('src', ['.ts'])]);
  expect(findForeignUnits(texts)).toEqual([]);
  // The engine of a fleet is no unit of the package that its program is from.
  expect(findForeignUnits(plant({ 'a.md': 'run `systemctl restart nats-server` there' }))).toEqual([
    'a.md: systemctl restart nats-server',
  ]);
});

test('each paragraph on an alert in the runbooks is about one that there is', () => {
  const alerts = RULE_FILES.flatMap((name) => ruleFile.parse(readYaml(`${name}.yml`)).groups).flatMap(
    ({ rules }) => rules.map(({ alert }) => alert),
  );
  const told = [...runbooks.matchAll(/^## (Cordon\w+)$/gm)].map(([, name]) => name);
  expect(told.filter((name) => !alerts.includes(name))).toEqual([]);
});

/** What Prometheus makes of a histogram. */
const HISTOGRAM_PART = /(?<=_seconds)_(?:bucket|count|sum)$/;

/** Metrics that a text names and the code does not. */
const findUnknownMetrics = (text: string, sources: Sources): string[] => {
  const code = [...sources.values()].join('\n');
  const named = new Set(
    [...text.matchAll(/\bcordon_[a-z_]+\b(?!:)/g)].map(([metric]) => metric.replace(HISTOGRAM_PART, '')),
  );
  return [...named].filter((metric) => !code.includes(`'${metric}'`));
};

test('alarms and the operations guide name metrics that exist', () => {
  const src = readSources('src', ['.ts']);
  const operations = readFileSync(join(root, 'docs/operations.md'), 'utf8');
  expect(
    findUnknownMetrics(read('alerts.yml') + read('objectives.yml') + operations + runbooks, src),
  ).toEqual([]);
  expect(findUnknownMetrics('cordon_gone_total == 0', src)).toEqual(['cordon_gone_total']);
});

const service = z.object({
  cap_drop: z.tuple([z.literal('ALL')]),
  read_only: z.literal(true),
  security_opt: z.tuple([z.literal('no-new-privileges:true')]),
  image: z.string(),
  build: z.union([z.string(), z.object({ context: z.string(), dockerfile: z.string() })]).optional(),
  healthcheck: z.object({ test: z.array(z.string()) }).optional(),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  environment: z.record(z.string(), z.string()).default({}),
});
const compose = z.object({
  services: z.record(z.string(), service),
  volumes: z.record(z.string(), z.null()),
});

/** What is wrong with a compose file: mounts of what does not exist, ports for everybody, images of no version, no health. */
const findComposeFaults = (text: string): string[] => {
  const parsed = compose.safeParse(parse(text, { strict: true, uniqueKeys: true, merge: true }));
  if (!parsed.success) return parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  const { services, volumes } = parsed.data;
  const findings: string[] = [];
  for (const [name, { build, image, healthcheck, ports, volumes: mounts }] of Object.entries(services)) {
    const dockerfile =
      typeof build === 'string' ? join(build, 'Dockerfile') : build && join(build.context, build.dockerfile);
    if (dockerfile === undefined && !/:v?\d+\.\d+\.\d+(?:-alpine)?$/.test(image))
      findings.push(`${name}: ${image} has no version`);
    if (dockerfile !== undefined && !existsSync(join(deploy, dockerfile)))
      findings.push(`${name}: no ${dockerfile}`);
    const isLookedAt =
      healthcheck !== undefined || (dockerfile !== undefined && read(dockerfile).includes('\nHEALTHCHECK '));
    if (!isLookedAt) findings.push(`${name}: nobody looks whether it is well`);
    for (const mount of mounts) {
      const [source = ''] = mount.split(':');
      if (source.startsWith('.') ? !existsSync(join(deploy, source)) : !(source in volumes))
        findings.push(`${name}: ${mount} mounts what does not exist`);
      if (source.startsWith('.') && !mount.endsWith(':ro')) findings.push(`${name}: ${mount} can be written`);
    }
    for (const port of ports)
      if (!/^(?:53:53|(?:127\.0\.0\.1|\$\{CORDON_ENGINE_ADDRESS:-127\.0\.0\.1\}):)/.test(port))
        findings.push(`${name}: ${port} is open to everybody`);
  }
  return findings;
};

test('compose.yaml has five services without rights, with health and with mounts that exist', () => {
  expect(findComposeFaults(read('compose.yaml'))).toEqual([]);
  const { services } = compose.parse(parse(read('compose.yaml'), { merge: true }));
  expect(Object.keys(services)).toEqual(['cordon', 'unbound', 'prometheus', 'grafana', 'engine']);
  // Cordon takes what compose.yaml says over its file, and asks unbound where it listens.
  const { CORDON_UPSTREAMS: upstream = '' } = services['cordon']?.environment ?? {};
  const facts = { shippedIds: [], shippedDefault: [], workingDirectory: work };
  const { config, problems } = loadConfig(join(deploy, 'cordon.yaml'), { CORDON_UPSTREAMS: upstream }, facts);
  expect(problems).toEqual([]);
  expect(config?.upstreams).toHaveLength(1);
  expect(read('unbound/unbound.conf')).toContain(`interface: ${upstream.replace(':', '@')}\n`);
});

test.for([
  ['a mount that does not exist', './alerts.yml:', './alarms.yml:'],
  ['a mount that can be written', 'unbound.conf:ro', 'unbound.conf'],
  ['a volume that nobody declares', '- anchors:', '- anchor:'],
  ['a page for everybody', '127.0.0.1:3000:3000', '3000:3000'],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: compose puts the address there.
  ['an engine for everybody', '${CORDON_ENGINE_ADDRESS:-127.0.0.1}:4222', '4222'],
  ['an image of any version', 'grafana:12.1.1', 'grafana:latest'],
  ['a service without health', 'healthcheck:', 'x-healthcheck:'],
  ['a service with rights', 'cap_drop: [ALL]', 'cap_drop: []'],
  ['a file system that can be written', 'read_only: true', 'read_only: false'],
] as const)('findComposeFaults() catches %s', ([, from, to]) => {
  expect(read('compose.yaml')).toContain(from);
  expect(findComposeFaults(read('compose.yaml').replace(from, to))).not.toEqual([]);
});

test.for(['prometheus.yml', 'alerts.yml', 'objectives.yml', 'compose.yaml'])(
  '%s is YAML without a key twice',
  (file) => {
    expect(() => readYaml(file)).not.toThrow();
  },
);

test('the image ends as a user without rights, from bases with a version', () => {
  const lines = read('Dockerfile').split('\n');
  const users = lines.filter((line) => line.startsWith('USER '));
  const bases = lines.filter((line) => line.startsWith('FROM '));
  expect(users.at(-1)).toMatch(/^USER [1-9]\d*:[1-9]\d*$/);
  expect(bases.filter((line) => !/^FROM node:24-\S+(?: AS \w+)?$/.test(line))).toEqual([]);
});

test('the image copies files that exist', () => {
  const copied = [...read('Dockerfile').matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, from = '']) =>
    from.split(' '),
  );
  const admitted = [...read('Dockerfile.dockerignore').matchAll(/^!(.+)$/gm)].map(([, path]) => path);
  expect(new Set(copied)).toEqual(new Set(admitted));
  expect(copied.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});

test('the image keeps koffi, an optional dependency with which UDP moves in batches', () => {
  const omitted = (text: string): boolean => /^RUN npm ci .*--omit=optional/m.test(text);
  expect(read('Dockerfile')).toMatch(/^RUN npm ci .*--omit=dev/m);
  expect(omitted(read('Dockerfile'))).toBe(false);
  expect(omitted(read('Dockerfile').replace('--omit=dev', '--omit=dev --omit=optional'))).toBe(true);
});

test('whatever starts Node.js in deploy/ leaves SIGUSR1 without a debugger', () => {
  const starts = ['Dockerfile', 'cordon.service'].flatMap((file) =>
    read(file)
      .split('\n')
      .filter((line) => /^(?:ENTRYPOINT|ExecStart=).*main\.ts/.test(line)),
  );
  expect(starts).toHaveLength(2);
  expect(starts.filter((line) => !/node"?,? "?--disable-sigusr1/.test(line))).toEqual([]);
});

/** What dnsdist says about a configuration; keys that it does not know it ignores with a word, and goes on. */
const checkDnsdist = async (text: string): Promise<{ code: number | null; isSilent: boolean }> => {
  const file = join(work, 'dnsdist.conf');
  writeFileSync(file, text);
  const { code, stdout, stderr } = await run('dnsdist', ['--check-config', '--config', file]);
  return { code, isSilent: !/unknown|ignored/i.test(stdout + stderr) };
};

test('dnsdist accepts dnsdist.conf', async (context) => {
  requireProgram(context, 'dnsdist');
  expect(await checkDnsdist(read('dnsdist/dnsdist.conf'))).toEqual({ code: 0, isSilent: true });
});

test.for([
  ['a key that it does not know', 'useProxyProtocol', 'useProxyProtokol'],
  ['a policy that there is not', 'leastOutstanding', 'leastOutstandin'],
] as const)('dnsdist is not content with %s', async ([, from, to], context) => {
  requireProgram(context, 'dnsdist');
  expect(read('dnsdist/dnsdist.conf')).toContain(from);
  const text = read('dnsdist/dnsdist.conf').replace(from, to);
  expect(await checkDnsdist(text)).not.toEqual({ code: 0, isSilent: true });
});

/** A certificate where haproxy.cfg and nginx.conf look for theirs. */
const withCertificate = async (text: string): Promise<string> => {
  const [pair, key] = [join(work, 'cordon.pem'), join(work, 'cordon.key')];
  await run('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj'],
    ...['/CN=dns.example.net', '-keyout', key, '-out', pair],
  ]);
  appendFileSync(pair, readFileSync(key));
  return text.replaceAll(/\/etc\/(?:haproxy|nginx)\/cordon/g, join(work, 'cordon'));
};

/** What a proxy says about a configuration; a warning is not content either. */
const checkProxy = async (program: 'haproxy' | 'nginx', text: string): Promise<boolean> => {
  const file = join(work, 'proxy.conf');
  writeFileSync(file, await withCertificate(text));
  const args = program === 'haproxy' ? ['-c', '-f', file] : ['-t', '-q', '-e', 'stderr', '-c', file];
  const { code, stdout, stderr } = await run(program, args);
  return code === 0 && !/warn|alert|emerg/i.test(stdout + stderr);
};

test.for([
  ['haproxy', 'haproxy/haproxy.cfg'],
  ['nginx', 'nginx/nginx.conf'],
] as const)('%s accepts %s', async ([program, file], context) => {
  requireProgram(context, program);
  expect(await checkProxy(program, read(file))).toBe(true);
});

test.for([
  ['haproxy', 'haproxy/haproxy.cfg', 'send-proxy-v2', 'send-proxy-v9'],
  ['haproxy', 'haproxy/haproxy.cfg', 'default_backend doh', 'default_backend dohh'],
  ['haproxy', 'haproxy/haproxy.cfg', 'tcp-check expect binary', 'tcp-check expect binar'],
  ['nginx', 'nginx/nginx.conf', 'proxy_protocol on', 'proxy_protokol on'],
  ['nginx', 'nginx/nginx.conf', 'least_conn;', 'least_con;'],
] as const)('%s is not content with %s where %s is %s', async ([program, file, from, to], context) => {
  requireProgram(context, program);
  expect(read(file)).toContain(from);
  expect(await checkProxy(program, read(file).replace(from, to))).toBe(false);
});
