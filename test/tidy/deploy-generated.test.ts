// What is generated below deploy/: that it is what its sources give, and what kustomize makes of it.
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { z } from 'zod';
import { formatProblem, loadConfig } from '../../src/config/config.ts';
import { requireProgram, run } from '../support/process.ts';
import { root } from './sources.ts';

const deploy = join(root, 'deploy');
const work = mkdtempSync(join(tmpdir(), 'cordon-generated-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

beforeAll(async () => {
  const { code, stderr } = await run(process.execPath, [join(deploy, 'generate.ts'), work]);
  expect(code, stderr).toBe(0);
});

/** Texts of a folder's files with an extension, by path within the folder. */
const filesBelow = (folder: string, extension: string): ReadonlyMap<string, string> =>
  new Map(
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith(extension))
      .map((path) => [path, readFileSync(join(folder, path), 'utf8')] as const),
  );

test.for([
  ['grafana/dashboards', '.json'],
  ['kubernetes', '.yaml'],
  ['kubernetes', '.conf'],
] as const)('%s holds the %s files that its sources give, and no others', ([part, extension]) => {
  const committed = filesBelow(join(deploy, part), extension);
  expect(committed.size).toBeGreaterThan(0);
  expect(committed, 'npm run gen').toEqual(filesBelow(join(work, part), extension));
});

test.for(['alerts.yml', 'alerts.test.yml'])(
  '%s ends with the alerts that the table of health issues gives',
  (path) => {
    expect(readFileSync(join(deploy, path), 'utf8'), 'npm run gen').toBe(
      readFileSync(join(work, path), 'utf8'),
    );
  },
);

const container = z.object({
  name: z.string(),
  image: z.string(),
  restartPolicy: z.string().optional(),
  securityContext: z.object({
    runAsUser: z.number().min(1),
    runAsNonRoot: z.literal(true),
    allowPrivilegeEscalation: z.literal(false),
    readOnlyRootFilesystem: z.literal(true),
    capabilities: z.object({ drop: z.tuple([z.literal('ALL')]) }).strict(),
  }),
  resources: z.object({ limits: z.object({ memory: z.string() }) }),
  ports: z.array(z.object({ name: z.string(), containerPort: z.number() })).default([]),
  livenessProbe: z.unknown().optional(),
  readinessProbe: z.unknown().optional(),
});
const podSpec = z.object({
  automountServiceAccountToken: z.literal(false),
  dnsPolicy: z.literal('Default'),
  hostNetwork: z.undefined().optional(),
  securityContext: z.object({ seccompProfile: z.object({ type: z.literal('RuntimeDefault') }) }),
  initContainers: z.array(container),
  containers: z.array(container),
  volumes: z.array(z.object({ name: z.string(), configMap: z.object({ name: z.string() }).optional() })),
});
const manifest = z.object({
  kind: z.string(),
  metadata: z.object({ name: z.string(), namespace: z.string().optional() }),
  data: z.record(z.string(), z.string()).optional(),
  spec: z
    .object({
      selector: z.unknown().optional(),
      ports: z.array(z.object({ targetPort: z.union([z.string(), z.number()]) })).optional(),
      template: z
        .object({ metadata: z.object({ labels: z.record(z.string(), z.string()) }), spec: podSpec })
        .optional(),
    })
    .optional(),
});
type Manifest = z.infer<typeof manifest>;

/** What kustomize makes of a folder. */
const build = async (
  folder: string,
): Promise<{ code: number | null; manifests: Manifest[]; stderr: string }> => {
  const { code, stdout, stderr } = await run('kubectl', ['kustomize', folder]);
  const documents = parseAllDocuments(stdout).map((document): unknown => document.toJS());
  return { code, manifests: documents.map((value) => manifest.parse(value)), stderr };
};

/** What does not fit together: names of ports, of configuration, labels, and what runs. */
const findFaults = (manifests: readonly Manifest[]): string[] => {
  const findings: string[] = [];
  const workload = manifests.find(({ spec }) => spec?.template !== undefined);
  const template = workload?.spec?.template;
  if (template === undefined) return ['nothing runs'];
  const { containers, initContainers, volumes } = template.spec;
  const ports = new Set(containers.flatMap(({ ports: named }) => named.map(({ name }) => name)));
  for (const { kind, metadata, spec } of manifests) {
    if (kind !== 'Namespace' && metadata.namespace !== 'cordon') findings.push(`${kind} is in no namespace`);
    if (kind !== 'Service') continue;
    for (const { targetPort } of spec?.ports ?? [])
      if (!ports.has(String(targetPort))) findings.push(`${metadata.name} leads to no port ${targetPort}`);
    for (const [label, value] of Object.entries(z.record(z.string(), z.string()).parse(spec?.selector)))
      if (template.metadata.labels[label] !== value) findings.push(`${metadata.name} finds no pod`);
  }
  const maps = new Set(
    manifests.filter(({ kind }) => kind === 'ConfigMap').map(({ metadata }) => metadata.name),
  );
  for (const { configMap } of volumes)
    if (configMap !== undefined && !maps.has(configMap.name))
      findings.push(`${configMap.name} is no ConfigMap`);
  for (const { name, livenessProbe, readinessProbe } of containers)
    if (livenessProbe === undefined || readinessProbe === undefined) findings.push(`nobody looks at ${name}`);
  if (!initContainers.some(({ name, restartPolicy }) => name === 'unbound' && restartPolicy === 'Always'))
    findings.push('unbound does not stay');
  return findings;
};

test.for(['daemonset', 'statefulset', 'deployment', 'authority'])(
  'kustomize builds %s, and its parts fit',
  async (way, context) => {
    requireProgram(context, 'kubectl');
    const { code, manifests, stderr } = await build(join(deploy, 'kubernetes', way));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(findFaults(manifests)).toEqual([]);
    const kinds = manifests.map(({ kind }) => kind);
    expect(kinds).toContain('NetworkPolicy');
    if (way !== 'daemonset' && way !== 'authority') expect(kinds).toContain('PodDisruptionBudget');
    const text = manifests.find(({ kind }) => kind === 'ConfigMap')?.data?.['cordon.yaml'] ?? '';
    const file = join(work, 'cordon.yaml');
    writeFileSync(file, text);
    const facts = { shippedIds: [], shippedDefault: [], workingDirectory: work };
    expect(loadConfig(file, {}, facts).problems.map(formatProblem)).toEqual([]);
  },
);

test.for([
  ['a Service that leads nowhere', 'base/service-metrics.yaml', 'targetPort: admin', 'targetPort: metrics'],
  [
    'a configuration of another name',
    'daemonset/daemonset.yaml',
    'name: cordon\n        - name: state',
    'name: other\n        - name: state',
  ],
  [
    'a pod that no label finds',
    'base/service-metrics.yaml',
    'selector:\n    app.kubernetes.io/name: cordon',
    'selector:\n    app.kubernetes.io/name: other',
  ],
  ['unbound that ends', 'daemonset/daemonset.yaml', 'restartPolicy: Always', 'imagePullPolicy: Always'],
] as const)('findFaults() catches %s', async ([, path, from, to], context) => {
  requireProgram(context, 'kubectl');
  const copy = mkdtempSync(join(work, 'breach-'));
  cpSync(join(deploy, 'kubernetes'), copy, { recursive: true });
  const text = readFileSync(join(copy, path), 'utf8');
  expect(text).toContain(from);
  writeFileSync(join(copy, path), text.replace(from, to));
  const { code, manifests } = await build(join(copy, 'daemonset'));
  expect(code).toBe(0);
  expect(findFaults(manifests)).not.toEqual([]);
});

test('kustomize refuses a manifest that is not there', async (context) => {
  requireProgram(context, 'kubectl');
  const copy = mkdtempSync(join(work, 'gone-'));
  cpSync(join(deploy, 'kubernetes'), copy, { recursive: true });
  rmSync(join(copy, 'base/namespace.yaml'));
  expect((await run('kubectl', ['kustomize', join(copy, 'daemonset')])).code).not.toBe(0);
});

test('the rules for the operator of Prometheus are rules, and the monitor finds the metrics', async (context) => {
  requireProgram(context, 'promtool');
  requireProgram(context, 'kubectl');
  const { code, stdout } = await run('kubectl', ['kustomize', join(deploy, 'kubernetes/monitoring')]);
  expect(code).toBe(0);
  const [rule, monitor] = parseAllDocuments(stdout).map((document): unknown => document.toJS());
  const { spec } = z
    .object({ kind: z.literal('PrometheusRule'), spec: z.object({ groups: z.array(z.unknown()) }) })
    .parse(rule);
  const file = join(work, 'rules.yml');
  writeFileSync(file, stringify(spec));
  expect((await run('promtool', ['check', 'rules', '--lint-fatal', file])).code).toBe(0);
  const parsed = z
    .object({
      kind: z.literal('ServiceMonitor'),
      spec: z.object({
        jobLabel: z.string(),
        selector: z.object({ matchLabels: z.record(z.string(), z.string()) }),
        endpoints: z.array(z.object({ port: z.string(), path: z.string() })),
      }),
    })
    .parse(monitor);
  const service = z
    .object({
      metadata: z.object({ labels: z.record(z.string(), z.string()) }),
      spec: z.object({ ports: z.array(z.object({ name: z.string() })) }),
    })
    .parse(parse(readFileSync(join(deploy, 'kubernetes/base/service-metrics.yaml'), 'utf8')));
  expect(service.metadata.labels).toMatchObject(parsed.spec.selector.matchLabels);
  // Alerts look at up{job="cordon"}.
  expect(service.metadata.labels[parsed.spec.jobLabel]).toBe('cordon');
  expect(parsed.spec.endpoints.map(({ port }) => port)).toEqual(service.spec.ports.map(({ name }) => name));
});

test('kustomize builds the dashboards for Grafana in a cluster', async (context) => {
  requireProgram(context, 'kubectl');
  const { code, stdout } = await run('kubectl', ['kustomize', join(deploy, 'grafana')]);
  expect(code).toBe(0);
  expect(Object.keys(manifest.parse(parse(stdout)).data ?? {}).sort()).toEqual([
    'compliance.json',
    'fleet.json',
    'operations.json',
    'site.json',
  ]);
});
