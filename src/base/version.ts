// The version of the package, read from its manifest.
import { readFileSync } from 'node:fs';
import { MANIFEST_FILE } from './program-files.ts';

const manifest: unknown = JSON.parse(readFileSync(MANIFEST_FILE, 'utf8'));

/** The version as package.json states it. */
export const VERSION =
  typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : 'unknown';
