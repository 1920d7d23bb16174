// `npm run package:image`: an OCI image, without a daemon and without a registry; the same digest for the same commit on the
// same Debian. Needs dpkg-query, tar and strip (binutils).
//
//   npm run package:image -- --out DIRECTORY     dist/package by default; prints the archive's path and the image's digest
//
// The archive goes into any engine: podman load, docker load (25 or later), skopeo copy oci-archive:FILE, or a registry.
//
// Nothing but what runs is inside: the C library and what Node.js and DNS over QUIC load, from the Debian that this runs on,
// the tree of tree.ts, and a user without rights. There is no shell. Layers: system, program, state.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { formatSbom, type SystemPackage } from './sbom.ts';
import { writeSums } from './sums.ts';
import { buildTree, LIBRARY, put, readEpoch, readVersion, root } from './tree.ts';

const NAME = 'cordon-dns';
/** The user of deploy/Dockerfile. */
const USER_ID = 953;
/** What Node.js is linked with, and the OpenSSL that serves DNS over QUIC with what it is linked with. */
const SYSTEM_PACKAGES = [
  'libc6',
  'libgcc-s1',
  'libstdc++6',
  'libssl3t64',
  'libzstd1',
  'zlib1g',
  'base-files',
];
/** Of these packages: libraries and modules, the loader, licenses, and what the system is called. */
const WANTED =
  /^\/usr\/(?:lib\/x86_64-linux-gnu\/(?:[^/]+\.so[^/]*|ossl-modules\/[^/]+)|lib64\/[^/]+|share\/doc\/[^/]+\/copyright|lib\/os-release)$/;

const run = (program: string, ...args: string[]): string =>
  execFileSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 26 });

const readSystem = (): SystemPackage[] =>
  SYSTEM_PACKAGES.map((name) => ({
    name,
    version: run('dpkg-query', '--show', name).trim().split('\t')[1] ?? '',
  }));

/** Copies a file or a link of this system. Packages name paths that /usr has taken in (`/lib` for `/usr/lib`). */
const copySystemFile = (tree: string, path: string): void => {
  const merged = path.replace(/^\/(lib64|lib)\//, '/usr/$1/');
  if (!WANTED.test(merged) || !existsSync(merged)) return;
  const target = join(tree, merged);
  mkdirSync(dirname(target), { recursive: true });
  if (existsSync(target)) return;
  const status = lstatSync(merged);
  if (status.isSymbolicLink()) symlinkSync(readlinkSync(merged), target);
  else if (status.isFile()) put(tree, merged, readFileSync(merged), status.mode & 0o777);
};

const buildSystem = (tree: string): void => {
  for (const name of SYSTEM_PACKAGES) {
    for (const path of run('dpkg-query', '--listfiles', name).split('\n')) copySystemFile(tree, path);
    // Where scanners look for packages of an image without dpkg.
    put(tree, `var/lib/dpkg/status.d/${name}`, run('dpkg-query', '--status', name));
  }
  for (const merged of ['lib', 'lib64']) symlinkSync(`usr/${merged}`, join(tree, merged));
  put(
    tree,
    'etc/passwd',
    `root:x:0:0:root:/root:/usr/sbin/nologin\ncordon:x:${USER_ID}:${USER_ID}::/var/lib/cordon:/usr/sbin/nologin\n`,
  );
  put(tree, 'etc/group', `root:x:0:\ncordon:x:${USER_ID}:\n`);
  put(tree, 'etc/nsswitch.conf', 'hosts: files dns\n');
};

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** A tar file of a directory in which nothing depends on when, where and by whom it was made. */
const tar = (tree: string, epoch: number, owner = 0): Buffer =>
  execFileSync(
    'tar',
    [
      ...['--create', '--file=-', '--format=gnu', '--sort=name', `--mtime=@${epoch}`, '--numeric-owner'],
      ...[`--owner=${owner}`, `--group=${owner}`, `--directory=${tree}`, '.'],
    ],
    { maxBuffer: 1 << 30 },
  );

interface Blob {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** Puts a blob into the layout, and describes it. */
const addBlob = (layout: string, mediaType: string, bytes: Uint8Array): Blob => {
  const hex = sha256(bytes);
  put(layout, `blobs/sha256/${hex}`, bytes);
  return { mediaType, digest: `sha256:${hex}`, size: bytes.length };
};

const COMMAND = [`/${LIBRARY}/node`, '--disable-sigusr1', `/${LIBRARY}/dist/main.js`];
const HEALTH =
  "fetch('http://127.0.0.1:9153/answering').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))";
const NS_PER_SEC = 1e9;

const labelsOf = (version: string) => ({
  'org.opencontainers.image.title': 'Cordon',
  'org.opencontainers.image.description': 'A policy-implementing DNS resolver',
  'org.opencontainers.image.licenses': 'Apache-2.0',
  'org.opencontainers.image.version': version,
});

const configOf = (version: string, created: string, diffIds: readonly string[]) => ({
  created,
  architecture: 'amd64',
  os: 'linux',
  config: {
    User: `${USER_ID}:${USER_ID}`,
    Env: ['PATH=/usr/bin', 'NODE_ENV=production'],
    Entrypoint: COMMAND,
    Cmd: ['serve', '--config', '/etc/cordon/cordon.yaml'],
    WorkingDir: '/var/lib/cordon',
    Volumes: { '/var/lib/cordon': {} },
    ExposedPorts: { '53/udp': {}, '53/tcp': {} },
    StopSignal: 'SIGTERM',
    Labels: labelsOf(version),
    // Beyond the OCI specification; engines that know it from Docker's take it.
    Healthcheck: {
      Test: ['CMD', COMMAND[0], '--eval', HEALTH],
      Interval: 10 * NS_PER_SEC,
      Timeout: 3 * NS_PER_SEC,
      StartPeriod: 20 * NS_PER_SEC,
    },
  },
  rootfs: { type: 'layers', diff_ids: diffIds },
  history: ['system', 'program', 'state'].map((layer) => ({ created, created_by: `package:image ${layer}` })),
});

const build = async (
  out: string,
  version: string,
): Promise<{ readonly file: string; readonly digest: string }> => {
  const epoch = readEpoch();
  const work = mkdtempSync(join(tmpdir(), 'cordon-image-'));
  try {
    const [system, program, state, layout] = ['system', 'program', 'state', 'layout'].map((name) =>
      join(work, name),
    );
    if (system === undefined || program === undefined || state === undefined || layout === undefined)
      throw new Error();
    buildSystem(system);
    await buildTree(program);
    mkdirSync(join(state, 'var/lib/cordon'), { recursive: true });
    const layers = [tar(system, epoch), tar(program, epoch), tar(state, epoch, USER_ID)];
    const blobs = layers.map((layer) =>
      addBlob(layout, 'application/vnd.oci.image.layer.v1.tar+gzip', gzipSync(layer, { level: 6 })),
    );
    const created = new Date(epoch * 1000).toISOString();
    const config = configOf(
      version,
      created,
      layers.map((layer) => `sha256:${sha256(layer)}`),
    );
    const manifest = {
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: addBlob(
        layout,
        'application/vnd.oci.image.config.v1+json',
        Buffer.from(JSON.stringify(config)),
      ),
      layers: blobs,
      annotations: labelsOf(version),
    };
    const described = addBlob(layout, manifest.mediaType, Buffer.from(JSON.stringify(manifest)));
    const tag = `${NAME}:${version.replace('+', '-')}`;
    const named = {
      'org.opencontainers.image.ref.name': tag,
      // What Docker calls it after docker load.
      'io.containerd.image.name': `docker.io/library/${tag}`,
    };
    const index = {
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.index.v1+json',
      manifests: [{ ...described, annotations: named }],
    };
    put(layout, 'index.json', JSON.stringify(index));
    put(layout, 'oci-layout', JSON.stringify({ imageLayoutVersion: '1.0.0' }));
    const name = `${NAME}_${version}_amd64`;
    put(out, `${name}.oci.tar`, tar(layout, epoch));
    put(out, `${name}.oci.cdx.json`, formatSbom(`${NAME}-image`, version, epoch, readSystem()));
    writeSums(out);
    return { file: join(out, `${name}.oci.tar`), digest: described.digest };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
};

const { values } = parseArgs({ options: { out: { type: 'string' }, version: { type: 'string' } } });
process.umask(0o022);
const { file, digest } = await build(
  values.out ?? join(root, 'dist/package'),
  values.version ?? readVersion(),
);
process.stdout.write(`${digest}\n${file}\n`);
