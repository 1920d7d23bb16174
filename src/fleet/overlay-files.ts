// The overlays that concern this resolver, kept for its next start: STATE/fleet/overlays.json.
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { replaceFileNow } from '../base/base.ts';
import { fleetPath } from './identity.ts';

const FILE_MODE = 0o640;

/** The YAML of each, the narrowest last; none where none was ever set. */
export const readOverlays = (stateDirectory: string): readonly string[] => {
  try {
    return z.array(z.string()).parse(JSON.parse(readFileSync(fleetPath(stateDirectory, 'overlays'), 'utf8')));
  } catch {
    return [];
  }
};

/** Keeps them. Throws errors of the system. */
export const writeOverlays = (stateDirectory: string, overlays: readonly string[]): void => {
  replaceFileNow(fleetPath(stateDirectory, 'overlays'), `${JSON.stringify(overlays)}\n`, FILE_MODE);
};
