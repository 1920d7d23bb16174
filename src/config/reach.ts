// How far a change of the configuration reaches: what one person may change, what takes a second one, and which.
//
// Decided on the effective values, with what is known to tighten taken back, and not on a list of differences: what no
// rule here speaks of takes two, so that a key that is added later does as well. Who may sign in as what, who reaches the
// program, and where its state lies, is confirmed by administrators.
import { configHash, effectiveValues, prefixFilesOf } from './effective.ts';
import type { Config, RawConfig } from './schema.ts';

/** Keys by which an operator could become administrator, or undo what administrators or the host decided. */
const OFFICES = ['admin', 'control-room', 'fips', 'fleet', 'listen.admin', 'log', 'name', 'state', 'workers'];

/**
 * `same`: nothing that is in force changes; `tightens`: one person may; `rules`: a second person who decides on policy;
 * `offices`: an administrator; `both`: the last two at once, which nobody confirms together.
 */
export type ConfigReach = 'same' | 'tightens' | 'rules' | 'offices' | 'both';

/** How far the way from one configuration to the other reaches. */
export const reachOf = (before: Config, after: Config): ConfigReach => {
  if (configHash(before) === configHash(after)) return 'same';
  const [old, now] = [effectiveValues(before), effectiveValues(after)];
  const concernsOffices = OFFICES.some((key) => textOf(at(old, key)) !== textOf(at(now, key)));
  const untightened = withoutTightening(before, after, old, now);
  const concernsRules =
    textOf(filesOf(before)) !== textOf(filesOf(after)) ||
    textOf(without(old)) !== textOf(without(untightened));
  if (concernsRules) return concernsOffices ? 'both' : 'rules';
  return concernsOffices ? 'offices' : 'tightens';
};

/** What lies in other files and decides: clients, and what packs say of exemptions. */
const filesOf = (config: Config): unknown => [
  prefixFilesOf(config),
  config.mandates.map(({ mandate, sha256 }) => [mandate.id, sha256]),
];

const textOf = (value: unknown): string => JSON.stringify(value) ?? '';

const at = (values: RawConfig, key: string): unknown =>
  key
    .split('.')
    .reduce<unknown>((value, part) => (value as Record<string, unknown> | undefined)?.[part], values);

const without = (values: RawConfig): unknown => {
  const left = structuredClone(values) as Record<string, unknown>;
  for (const key of OFFICES) {
    const parts = key.split('.');
    const last = parts.pop() ?? key;
    const map = parts.reduce<Record<string, unknown> | undefined>(
      (value, part) => value?.[part] as Record<string, unknown> | undefined,
      left,
    );
    if (map !== undefined) delete map[last];
  }
  return left;
};

/** The new values with what only tightens put back: a shorter pause, lists that watched, more lists of a group. */
const withoutTightening = (before: Config, after: Config, old: RawConfig, now: RawConfig): RawConfig => {
  const values = structuredClone(now);
  if (after.compliance.pauseMsMax <= before.compliance.pauseMsMax && values.compliance !== undefined)
    values.compliance['pause-max'] = old.compliance?.['pause-max'];
  const oldLists = new Map(old.lists?.map((list) => [list.id, list]));
  for (const list of values.lists ?? []) {
    const known = oldLists.get(list.id);
    if (known?.['log-only'] === true && list['log-only'] !== true) list['log-only'] = true;
  }
  const oldGroups = new Map(old.groups?.map((group) => [group.name, group]));
  for (const group of values.groups ?? []) {
    const known = oldGroups.get(group.name);
    const [was = [], is = []] = [known?.lists, group.lists];
    const added = is.filter((id) => !was.includes(id));
    const kept = is.filter((id) => was.includes(id));
    // An allowlist, or one whose rules may let pass, would loosen; one that is new stands in `lists` as another difference.
    const mayLoosen = added.some((id) => {
      const list = oldLists.get(id);
      return list === undefined || list.allow === true || list.format === 'rpz';
    });
    if (known !== undefined && !mayLoosen && textOf(kept) === textOf(was)) group.lists = was;
  }
  return values;
};
