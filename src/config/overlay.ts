// Overlays: keys that the authority of a fleet sets over those of the file.
//
// Only what concerns policy may come from elsewhere: where a resolver listens and whom it asks stays its own. What an overlay
// has takes the place of the same key, of `block` and `compliance` key by key. An overlay that has anything else is a problem of
// the configuration, so that none of it holds.
import { resolve } from 'node:path';
import type { Problem } from './problem.ts';
import { readSource } from './source.ts';

/** Keys that are taken whole, and maps whose keys are. */
const WHOLE: ReadonlySet<string> = new Set([
  'lists',
  'extra-lists',
  'groups',
  'mandates',
  'mandate-decisions',
  'mandates-done',
]);
const MAPS: ReadonlySet<string> = new Set(['block', 'compliance']);
const STATE_DEFAULT = './state';

type Raw = Record<string, unknown>;

/** A configuration with overlays in place, and what is wrong with them. */
export const layOver = (
  raw: Raw,
  directory: string,
  overlaysOf: ((stateDirectory: string) => readonly string[]) | undefined,
): { readonly raw: Raw; readonly problems: readonly Problem[] } => {
  // Without a fleet nobody sets anything.
  if (overlaysOf === undefined || !isMap(raw['fleet'])) return { raw, problems: [] };
  const { state } = raw;
  const overlays = overlaysOf(resolve(directory, typeof state === 'string' ? state : STATE_DEFAULT));
  const result: Raw = { ...raw };
  const problems: Problem[] = [];
  for (const text of overlays) {
    const source = readSource('overlay', text);
    problems.push(...source.problems);
    for (const [key, value] of Object.entries(source.raw ?? {})) {
      if (WHOLE.has(key)) result[key] = value;
      else if (MAPS.has(key) && isMap(value))
        result[key] = { ...(isMap(result[key]) ? result[key] : {}), ...value };
      else if (key === 'records' && isMap(value) && Object.keys(value).join() === 'retention') {
        result[key] = { ...(isMap(result[key]) ? result[key] : {}), retention: value['retention'] };
      } else {
        const text = 'an overlay may not set this key';
        const hint =
          'it may set mandates, mandate-decisions, mandates-done, lists, extra-lists, groups, block, compliance and records.retention';
        problems.push({
          file: 'overlay',
          ...source.positionOfKey([key]),
          path: key,
          code: 'ERR_CONFIG_CONFLICT',
          text,
          hint,
        });
      }
    }
  }
  return { raw: result, problems };
};

const isMap = (value: unknown): value is Raw =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
