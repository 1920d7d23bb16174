// What a configuration asks for and this installation was made without: refused at the start, not found out by whoever needs it.
import { type Feature, howToInstall } from '../base/base.ts';
import { type CrossCheckFacts, type Draft, isMap, itemsOf, type Report } from './draft.ts';
import type { Path } from './problem.ts';
import { Fault } from './value.ts';

/** Reports each key whose packages are not there, with what brings them. */
export const checkFeatures = (draft: Draft, { isInstalled }: CrossCheckFacts, report: Report): void => {
  if (isInstalled === undefined) return;
  for (const [path, feature] of needsOf(draft)) {
    if (isInstalled(feature)) continue;
    report(path, new Fault('ERR_CONFIG_NOT_INSTALLED', `${feature}: not installed`, howToInstall()));
  }
};

/** The keys that need a feature. */
function* needsOf(draft: Draft): Iterable<[Path, Feature]> {
  if (isMap(draft['control-room'])) yield [['control-room'], 'control room'];
  if (isMap(draft.fleet)) yield [['fleet'], 'fleet'];
  for (const [index] of itemsOf(draft.feeds)) yield [['feeds', index], 'feeds'];
  if (isMap(draft.reports?.mail)) yield [['reports', 'mail'], 'mail'];
  for (const [index, schedule] of itemsOf(draft.reports?.schedule))
    if (schedule?.format === 'pdf') yield [['reports', 'schedule', index, 'format'], 'PDF reports'];
}
