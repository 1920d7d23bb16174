// What an installation may be without: parts of the program whose packages can be left out, and what brings them.
//
// In package.json these packages are peers: what is optional there, koffi and Node.js itself, nearly everyone needs, and
// npm leaves out one kind without the other ("npm ci --omit=peer"). Nothing that the program begins with may lead to one of them,
// and whoever loads one names its feature here: test/tidy/features.test.ts.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { AppError, systemErrorCode } from './error.ts';
import { MANIFEST_FILE } from './program-files.ts';
import { VERSION } from './version.ts';

/** Each feature with the packages that it needs and the rest does not. */
export const FEATURES = {
  'control room': [
    ...['@fastify/cookie', '@fastify/helmet', '@fastify/rate-limit', '@simplewebauthn/server'],
    ...['fastify', 'openid-client', 'otplib'],
  ],
  fleet: ['@nats-io/jetstream', '@nats-io/nkeys', '@nats-io/transport-node', 'pg'],
  feeds: ['@tufjs/canonical-json', 'tuf-js'],
  'PDF reports': ['dejavu-fonts-ttf', 'pdfkit'],
  mail: ['nodemailer'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** What may not be there. */
export type Feature = keyof typeof FEATURES;

const names = Object.keys(FEATURES) as Feature[];
const require = createRequire(import.meta.url);

/** A package that says what others may read of it need not name this file: then it is there all the same. */
const isThere = (name: string): boolean => {
  try {
    require.resolve(`${name}/package.json`);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return systemErrorCode(error) !== 'MODULE_NOT_FOUND';
  }
};

/** Whether all packages of a feature are there. */
export const isInstalled = (feature: Feature): boolean => FEATURES[feature].every(isThere);

/** The features that this installation was made without. */
export const featuresLeftOut = (): Feature[] => names.filter((name) => !isInstalled(name));

/** What brings all that was left out, as one clause. */
export const howToInstall = (): string => {
  const root = dirname(MANIFEST_FILE);
  if (existsSync(join(root, 'package-lock.json')))
    return `run "npm ci --omit=dev --ignore-scripts" in ${root}`;
  const [, project] = /^(.*)\/node_modules\//.exec(root) ?? [];
  if (project !== undefined)
    return `run "npm install --ignore-scripts cordon-dns@${VERSION}" in ${project === '' ? '/' : project}`;
  return `run "apt install ./cordon-dns_${VERSION}_amd64.deb" with that package in place of cordon-resolver`;
};

/** Loads what belongs to a feature. Rejects with ERR_FEATURE_NOT_INSTALLED. */
export const loadFeature = async <Loaded>(feature: Feature, load: () => Promise<Loaded>): Promise<Loaded> => {
  if (isInstalled(feature)) return load();
  throw new AppError('ERR_FEATURE_NOT_INSTALLED', `loading the part for ${feature}: it is not installed`, {
    hint: howToInstall(),
  });
};
