// A configuration on the way: what the checks across keys are given, and how they report.
//
// Other checks may have found faults already. Hence the Draft type: any value may be absent, and a value of the wrong
// kind (already reported) may stand where a list or map belongs, which is why lists are walked through itemsOf() only.
import type { Endpoint, Feature, Prefix } from '../base/base.ts';
import type { HostAddress } from './address-leaf.ts';
import type { ProfileSource, RecordTarget } from './evidence-leaf.ts';
import type { FeedRoot } from './form.ts';
import { formatPath, type Path } from './problem.ts';
import type { DayHours, TimePoint } from './schedule-leaf.ts';
import type { ParsedConfig } from './schema.ts';
import type { MandateSource } from './sections/mandates.ts';
import type { UpstreamConfig } from './upstream-leaf.ts';
import { Fault, quote } from './value.ts';

/** What the checks need to know of the program. Reading it takes longer than all else: never spread, which would read all of it. */
export interface CrossCheckFacts {
  /** Identifiers of the lists that ship. */
  readonly shippedIds: readonly string[];
  /** Those that are in force when the configuration has no `lists`. */
  readonly shippedDefault: readonly string[];
  /** The root that came with the package, for a feed that names none; read when something asks. */
  readonly feedRoot?: FeedRoot | undefined;
  /** Who runs what the entries of a shipped list name, read when something asks. Operators are not checked when it is absent. */
  readonly shippedOperators?: (list: string) => readonly string[] | undefined;
  /** Whether the packages of a feature are there; not checked when it is absent. */
  readonly isInstalled?: (feature: Feature) => boolean;
}

/** Takes a fault at a path. */
export type Report = (path: Path, fault: Fault) => void;

/** A configuration in which anything may be absent. */
export type Draft = DraftOf<ParsedConfig>;

type Leaf =
  | (string | number | boolean | undefined)
  | (Endpoint | HostAddress | Prefix | Uint8Array | Uint32Array)
  | (DayHours | MandateSource | ProfileSource | RecordTarget | TimePoint | UpstreamConfig);
type DraftOf<T> = T extends Leaf
  ? T
  : T extends readonly (infer Item)[]
    ? readonly (DraftOf<Item> | undefined)[]
    : { readonly [Name in keyof T]?: DraftOf<T[Name]> | undefined };

/** Keys of `listen` with addresses where clients ask. */
export const LISTENER_KINDS = ['dns', 'dot', 'doh', 'doh-plain', 'doq'] as const;

/** The fault of values that exclude each other. */
export const conflict = (text: string, hint?: string): Fault => new Fault('ERR_CONFIG_CONFLICT', text, hint);

/** The fault of a value that names what is not there. */
export const unknown = (text: string, hint: string): Fault => new Fault('ERR_CONFIG_REFERENCE', text, hint);

/** Remembers where each text stood and reports the second place. */
export const reportRepeat = (
  seen: Map<string, string>,
  text: string,
  path: Path,
  what: string,
  report: Report,
): void => {
  const first = seen.get(text);
  if (first === undefined) seen.set(text, formatPath(path));
  else report(path, conflict(`${quote(text)} ${what} at ${first}`));
};

/** The items of a list, with their indexes; none where no list stands. */
export const itemsOf = <Item>(items: readonly Item[] | undefined): Iterable<[number, Item]> =>
  Array.isArray(items) ? (items as readonly Item[]).entries() : [];

/** The items of `lists` and of `extra-lists`, with their paths. */
export const listItemsOf = (draft: Draft): [Path, NonNullable<Draft['lists']>[number]][] =>
  (['lists', 'extra-lists'] as const).flatMap((name) =>
    [...itemsOf(draft[name])].map(([index, item]): [Path, NonNullable<Draft['lists']>[number]] => [
      [name, index],
      item,
    ]),
  );

/** True where a map stands. */
export const isMap = <Value>(value: Value | undefined): value is Value & object =>
  typeof value === 'object' && value !== null;
