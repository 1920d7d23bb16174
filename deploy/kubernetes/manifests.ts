// The Kubernetes manifests, typed by kubernetes-models and written as YAML by deploy/generate.ts.
//
// A pod is Cordon with unbound beside it, on the pod's loopback. `base` has what every way to run it needs; three folders
// beside it have one way each: a DaemonSet on the addresses of the nodes, a StatefulSet whose records survive, a Deployment whose
// records have to go elsewhere. Images are named by their place in a registry of yours: an overlay of kustomize sets them.
import { readFileSync } from 'node:fs';
import { DaemonSet } from 'kubernetes-models/apps/v1/DaemonSet';
import { Deployment } from 'kubernetes-models/apps/v1/Deployment';
import { StatefulSet } from 'kubernetes-models/apps/v1/StatefulSet';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget';
import type { IContainer } from 'kubernetes-models/v1/Container';
import { Namespace } from 'kubernetes-models/v1/Namespace';
import type { IPodTemplateSpec } from 'kubernetes-models/v1/PodTemplateSpec';
import type { IProbe } from 'kubernetes-models/v1/Probe';
import type { ISecurityContext } from 'kubernetes-models/v1/SecurityContext';
import { Service } from 'kubernetes-models/v1/Service';
import { ServiceAccount } from 'kubernetes-models/v1/ServiceAccount';
import type { IVolume } from 'kubernetes-models/v1/Volume';
import { parse, stringify } from 'yaml';
import manifest from '../../package.json' with { type: 'json' };

const NAME = 'cordon';
const LABELS = { 'app.kubernetes.io/name': NAME };
const METADATA = { name: NAME, labels: LABELS };
const SELECTOR = { matchLabels: LABELS };
/** Users of the images. */
const USER = { CORDON: 953, UNBOUND: 954 } as const;
const ADMIN_PORT = 9153;
/** Longer than Cordon's own drain. */
const GRACE_SEC = 30;
/** Until no endpoint leads to a pod that ends. */
const LEAVE_SEC = 5;

/** A model of kubernetes-models. */
interface Manifest {
  validate(): void;
  toJSON(): unknown;
}

const secure = (runAsUser: number): ISecurityContext => ({
  runAsUser,
  runAsGroup: runAsUser,
  runAsNonRoot: true,
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
});

const probe = (path: string, every: Partial<IProbe>): IProbe => ({
  httpGet: { path, port: 'admin' },
  timeoutSeconds: 2,
  ...every,
});

/** Which field of the pod is the resolver's name, and how its ports are reached. */
interface Placement {
  readonly nameFrom: 'metadata.name' | 'spec.nodeName';
  /** Ports of the node lead to the pod, and clients keep their addresses. */
  readonly onNode: boolean;
  readonly state: IVolume | undefined;
}

const cordon = ({ nameFrom, onNode }: Placement): IContainer => {
  const port = (name: string, number: number, protocol: 'TCP' | 'UDP') => ({
    name,
    containerPort: number,
    protocol,
    ...(onNode && { hostPort: number }),
  });
  return {
    name: NAME,
    image: 'cordon',
    securityContext: secure(USER.CORDON),
    env: [{ name: 'CORDON_NAME', valueFrom: { fieldRef: { fieldPath: nameFrom } } }],
    ports: [
      port('dns', 53, 'UDP'),
      port('dns-tcp', 53, 'TCP'),
      { name: 'admin', containerPort: ADMIN_PORT, protocol: 'TCP' },
    ],
    // The process answers; a pod that does not is restarted.
    livenessProbe: probe('/healthz', { periodSeconds: 10, failureThreshold: 3 }),
    // Queries are answered, and the prohibition is in force: no client is led to a pod where it is not.
    readinessProbe: probe('/readyz', { periodSeconds: 2, failureThreshold: 2 }),
    startupProbe: probe('/healthz', { periodSeconds: 1, failureThreshold: 60 }),
    lifecycle: { preStop: { sleep: { seconds: LEAVE_SEC } } },
    resources: {
      requests: { cpu: '500m', memory: '384Mi', 'ephemeral-storage': '64Mi' },
      limits: { memory: '1Gi' },
    },
    volumeMounts: [
      { name: 'configuration', mountPath: '/etc/cordon', readOnly: true },
      { name: 'state', mountPath: '/var/lib/cordon' },
    ],
  };
};

const unboundMounts = [
  { name: 'configuration', mountPath: '/etc/cordon', readOnly: true },
  { name: 'anchors', mountPath: '/var/lib/cordon-unbound' },
  { name: 'unbound', mountPath: '/run/cordon-unbound' },
];

/** Before Cordon: the keys of the root, then unbound, which stays as a sidecar. */
const recursion: readonly IContainer[] = [
  {
    name: 'anchors',
    image: 'cordon-unbound',
    securityContext: secure(USER.UNBOUND),
    command: ['install', '--mode', '0640', '/usr/share/dns/root.key', '/var/lib/cordon-unbound/root.key'],
    resources: { requests: { cpu: '10m', memory: '16Mi' }, limits: { memory: '64Mi' } },
    volumeMounts: unboundMounts,
  },
  {
    name: 'unbound',
    image: 'cordon-unbound',
    restartPolicy: 'Always',
    securityContext: secure(USER.UNBOUND),
    startupProbe: {
      exec: { command: ['unbound-control', '-c', '/etc/cordon/unbound.conf', 'status'] },
      periodSeconds: 1,
      failureThreshold: 60,
      timeoutSeconds: 2,
    },
    resources: { requests: { cpu: '250m', memory: '192Mi' }, limits: { memory: '512Mi' } },
    volumeMounts: unboundMounts,
  },
];

const pod = (placement: Placement): IPodTemplateSpec => ({
  metadata: { labels: LABELS },
  spec: {
    serviceAccountName: NAME,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    // Cordon asks nobody's resolver, least of all the cluster's, which may ask Cordon.
    dnsPolicy: 'Default',
    terminationGracePeriodSeconds: GRACE_SEC,
    securityContext: {
      runAsNonRoot: true,
      fsGroup: USER.CORDON,
      fsGroupChangePolicy: 'OnRootMismatch',
      seccompProfile: { type: 'RuntimeDefault' },
      // Port 53 without any capability: a sysctl of the pod's own network.
      sysctls: [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '53' }],
    },
    topologySpreadConstraints: [
      {
        topologyKey: 'kubernetes.io/hostname',
        maxSkew: 1,
        whenUnsatisfiable: 'ScheduleAnyway',
        labelSelector: SELECTOR,
      },
    ],
    initContainers: [...recursion],
    containers: [cordon(placement)],
    volumes: [
      { name: 'configuration', configMap: { name: NAME } },
      ...(placement.state === undefined ? [] : [placement.state]),
      { name: 'anchors', emptyDir: { sizeLimit: '1Mi' } },
      { name: 'unbound', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
    ],
  },
});

/** At least one of two resolvers stays while nodes are emptied. */
const budget = new PodDisruptionBudget({ metadata: METADATA, spec: { minAvailable: 1, selector: SELECTOR } });

const daemonSet = new DaemonSet({
  metadata: METADATA,
  spec: {
    selector: SELECTOR,
    // One node after the other, and none before the last one is ready.
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } },
    minReadySeconds: 10,
    template: pod({
      nameFrom: 'spec.nodeName',
      onNode: true,
      // The directory belongs to user 953 and outlives the pod: make it on each node before.
      state: { name: 'state', hostPath: { path: '/var/lib/cordon', type: 'Directory' } },
    }),
  },
});

const statefulSet = new StatefulSet({
  metadata: METADATA,
  spec: {
    serviceName: 'cordon-metrics',
    replicas: 2,
    podManagementPolicy: 'Parallel',
    minReadySeconds: 10,
    selector: SELECTOR,
    template: pod({ nameFrom: 'metadata.name', onNode: false, state: undefined }),
    volumeClaimTemplates: [
      {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name: 'state' },
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '20Gi' } } },
      },
    ],
  },
});

const ENGINE_PORT = 4222;
/** As in compose.yaml: the line that Debian has as well. */
const ENGINE_TAG = '2.10.29-alpine';
const AUTHORITY_LABELS = { ...LABELS, 'app.kubernetes.io/component': 'authority' };
const AUTHORITY = { name: 'cordon-authority', labels: AUTHORITY_LABELS };
const ENGINE_FILE = '/var/lib/cordon/fleet/engine/nats-server.conf';

/** The engine of a fleet, in the pod of its authority: it reads what that writes, and is told by it to read it again. */
const engine: IContainer = {
  name: 'engine',
  image: 'nats',
  securityContext: secure(USER.CORDON),
  // Until `cordon fleet init` was run in the pod there is nothing to serve.
  command: [
    'sh',
    '-c',
    `until [ -r ${ENGINE_FILE} ]; do sleep 1; done; exec nats-server --config ${ENGINE_FILE} --addr "$POD_ADDRESS"`,
  ],
  ports: [{ name: 'engine', containerPort: ENGINE_PORT, protocol: 'TCP' }],
  // It is not on the way of any query: what it lacks is told by cordon_fleet_connected, and no client is led elsewhere.
  startupProbe: {
    exec: { command: ['test', '-d', '/var/lib/cordon'] },
    periodSeconds: 1,
    failureThreshold: 60,
  },
  livenessProbe: {
    exec: { command: ['sh', '-c', `[ ! -r ${ENGINE_FILE} ] || nc -z "$POD_ADDRESS" ${ENGINE_PORT}`] },
    periodSeconds: 10,
    failureThreshold: 6,
    timeoutSeconds: 2,
  },
  readinessProbe: { exec: { command: ['test', '-d', '/var/lib/cordon'] }, periodSeconds: 10 },
  env: [{ name: 'POD_ADDRESS', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } }],
  resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '1Gi' } },
  volumeMounts: [
    { name: 'state', mountPath: '/var/lib/cordon', readOnly: true },
    { name: 'streams', mountPath: '/var/lib/cordon-engine' },
  ],
};

const authorityPod = (): IPodTemplateSpec => {
  const { spec } = pod({ nameFrom: 'metadata.name', onNode: false, state: undefined });
  if (spec === undefined) throw new RangeError('a pod without anything in it');
  return {
    metadata: { labels: AUTHORITY_LABELS },
    spec: { ...spec, containers: [...spec.containers, engine] },
  };
};

const claim = (name: string, storage: string) => ({
  apiVersion: 'v1' as const,
  kind: 'PersistentVolumeClaim' as const,
  metadata: { name },
  spec: { accessModes: ['ReadWriteOnce' as const], resources: { requests: { storage } } },
});

/** There is one authority: what it decided is the log of the whole fleet. */
const authority = new StatefulSet({
  metadata: AUTHORITY,
  spec: {
    serviceName: 'cordon-metrics',
    replicas: 1,
    minReadySeconds: 10,
    selector: { matchLabels: AUTHORITY_LABELS },
    template: authorityPod(),
    volumeClaimTemplates: [claim('state', '20Gi'), claim('streams', '20Gi')],
  },
});

const engineService = new Service({
  metadata: { name: 'cordon-engine', labels: AUTHORITY_LABELS },
  spec: {
    type: 'LoadBalancer',
    selector: AUTHORITY_LABELS,
    ports: [{ name: 'engine', port: ENGINE_PORT, targetPort: 'engine', protocol: 'TCP' }],
  },
});

/** Resolvers of other sites reach the engine, by keys and TLS 1.3; the authority reaches it as they do. */
const enginePolicy = new NetworkPolicy({
  metadata: AUTHORITY,
  spec: {
    podSelector: { matchLabels: AUTHORITY_LABELS },
    policyTypes: ['Ingress', 'Egress'],
    ingress: [{ ports: [{ port: 'engine', protocol: 'TCP' }] }],
    egress: [{ ports: [{ port: ENGINE_PORT, protocol: 'TCP' }] }],
  },
});

const deployment = new Deployment({
  metadata: METADATA,
  spec: {
    replicas: 2,
    minReadySeconds: 10,
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
    selector: SELECTOR,
    template: pod({
      nameFrom: 'metadata.name',
      onNode: false,
      // Records go with the pod: send them elsewhere (records.outputs), with their signed heads.
      state: { name: 'state', emptyDir: { sizeLimit: '8Gi' } },
    }),
  },
});

const namespace = new Namespace({
  metadata: {
    name: NAME,
    // The pods satisfy the strictest standard; DaemonSet's ports and directory of the node need the one below it.
    labels: { ...LABELS, 'pod-security.kubernetes.io/warn': 'restricted' },
  },
});

const account = new ServiceAccount({ metadata: METADATA, automountServiceAccountToken: false });

const dns = new Service({
  metadata: METADATA,
  spec: {
    type: 'LoadBalancer',
    // Clients keep their addresses, which groups and records need; nodes without a pod are not asked.
    externalTrafficPolicy: 'Local',
    ipFamilyPolicy: 'PreferDualStack',
    selector: LABELS,
    ports: [
      { name: 'dns', port: 53, targetPort: 'dns', protocol: 'UDP' },
      { name: 'dns-tcp', port: 53, targetPort: 'dns-tcp', protocol: 'TCP' },
    ],
  },
});

const metrics = new Service({
  metadata: {
    ...METADATA,
    name: 'cordon-metrics',
    labels: { ...LABELS, 'app.kubernetes.io/component': 'metrics' },
  },
  spec: {
    clusterIP: 'None',
    // What is not ready is what one wants to see.
    publishNotReadyAddresses: true,
    selector: LABELS,
    ports: [{ name: 'admin', port: ADMIN_PORT, targetPort: 'admin', protocol: 'TCP' }],
  },
});

const policy = new NetworkPolicy({
  metadata: METADATA,
  spec: {
    podSelector: SELECTOR,
    policyTypes: ['Ingress', 'Egress'],
    ingress: [
      {
        ports: [
          { port: 'dns', protocol: 'UDP' },
          { port: 'dns-tcp', protocol: 'TCP' },
        ],
      },
      {
        from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }],
        ports: [{ port: 'admin', protocol: 'TCP' }],
      },
    ],
    // unbound asks name servers. Lists with an address and outputs of records need a rule each, in an overlay.
    egress: [
      {
        ports: [
          { port: 53, protocol: 'UDP' },
          { port: 53, protocol: 'TCP' },
        ],
      },
    ],
  },
});

/** Of the operator of Prometheus, whose kinds kubernetes-models does not have. */
const serviceMonitor = {
  apiVersion: 'monitoring.coreos.com/v1',
  kind: 'ServiceMonitor',
  metadata: METADATA,
  spec: {
    // `job` is "cordon", as the alerts expect it, and `instance` the pod.
    jobLabel: 'app.kubernetes.io/name',
    selector: { matchLabels: { ...LABELS, 'app.kubernetes.io/component': 'metrics' } },
    endpoints: [
      {
        port: 'admin',
        path: '/metrics',
        interval: '15s',
        relabelings: [{ sourceLabels: ['__meta_kubernetes_pod_name'], targetLabel: 'instance' }],
      },
    ],
  },
};

const readDeploy = (file: string): string => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8');

/** All alerts and recording rules, as the operator of Prometheus takes them. */
const prometheusRule = () => ({
  apiVersion: 'monitoring.coreos.com/v1',
  kind: 'PrometheusRule',
  metadata: METADATA,
  spec: {
    groups: ['alerts.yml', 'objectives.yml'].flatMap(
      (file) => (parse(readDeploy(file)) as { groups: readonly object[] }).groups,
    ),
  },
});

/** What Cordon is told; an overlay replaces it by a file of its own. */
const CONFIGURATION = {
  listen: { dns: ['0.0.0.0:53', '[::]:53'], admin: `0.0.0.0:${ADMIN_PORT}` },
  // One per core of the node would be too many for what the pod asks for.
  workers: 2,
  state: '/var/lib/cordon',
  upstreams: ['127.0.0.1:5335'],
  dnssec: { mode: 'validate' },
  // Probes of the node and scrapes; the network policy says whose.
  admin: { allow: ['127.0.0.0/8', '::1/128', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'] },
  log: { priorities: 'never' },
};

const HEAD = '# Generated by `npm run gen`; edit deploy/kubernetes/manifests.ts instead.\n';
const OPTIONS = { lineWidth: 110, aliasDuplicateObjects: false } as const;
const toYaml = (value: unknown): string => `${HEAD}${stringify(value, OPTIONS)}`;

const kustomization = (fields: object): string =>
  toYaml({ apiVersion: 'kustomize.config.k8s.io/v1beta1', kind: 'Kustomization', ...fields });

/** The manifests by path below deploy/kubernetes; each is validated. */
const MANIFESTS: Readonly<Record<string, Manifest>> = {
  'base/namespace.yaml': namespace,
  'base/service-account.yaml': account,
  'base/service-metrics.yaml': metrics,
  'base/network-policy.yaml': policy,
  'daemonset/daemonset.yaml': daemonSet,
  'statefulset/statefulset.yaml': statefulSet,
  'statefulset/service.yaml': dns,
  'statefulset/budget.yaml': budget,
  'deployment/deployment.yaml': deployment,
  'deployment/service.yaml': dns,
  'deployment/budget.yaml': budget,
  'authority/statefulset.yaml': authority,
  'authority/service.yaml': engineService,
  'authority/network-policy.yaml': enginePolicy,
};

/** Images of this version, without a registry: an overlay says where they are. */
const images = ['cordon', 'cordon-unbound'].map((name) => ({ name, newTag: manifest.version }));
const workload = (...resources: readonly string[]): string =>
  kustomization({ namespace: NAME, resources: ['../base', ...resources], images });

/** The files of deploy/kubernetes by path. Throws for what no cluster would take. */
export const kubernetesFiles = (): ReadonlyMap<string, string> => {
  const files = new Map<string, string>();
  for (const [path, model] of Object.entries(MANIFESTS)) {
    model.validate();
    files.set(path, toYaml(model.toJSON()));
  }
  files.set('base/cordon.yaml', toYaml(CONFIGURATION));
  files.set('base/unbound.conf', readDeploy('unbound/unbound.conf'));
  files.set(
    'base/kustomization.yaml',
    kustomization({
      namespace: NAME,
      resources: ['namespace.yaml', 'service-account.yaml', 'service-metrics.yaml', 'network-policy.yaml'],
      // A changed file has a name of its own, so that pods are replaced one by one.
      configMapGenerator: [{ name: NAME, files: ['cordon.yaml', 'unbound.conf'] }],
    }),
  );
  files.set('daemonset/kustomization.yaml', workload('daemonset.yaml'));
  files.set('statefulset/kustomization.yaml', workload('statefulset.yaml', 'service.yaml', 'budget.yaml'));
  files.set('deployment/kustomization.yaml', workload('deployment.yaml', 'service.yaml', 'budget.yaml'));
  files.set(
    'authority/kustomization.yaml',
    kustomization({
      namespace: NAME,
      resources: ['../base', 'statefulset.yaml', 'service.yaml', 'network-policy.yaml'],
      images: [...images, { name: 'nats', newTag: ENGINE_TAG }],
    }),
  );
  files.set('monitoring/service-monitor.yaml', toYaml(serviceMonitor));
  files.set('monitoring/prometheus-rule.yaml', toYaml(prometheusRule()));
  files.set(
    'monitoring/kustomization.yaml',
    kustomization({ namespace: NAME, resources: ['service-monitor.yaml', 'prometheus-rule.yaml'] }),
  );
  return files;
};
