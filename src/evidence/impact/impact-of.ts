// What a change would have meant for logs, with what lists and guards say of its names.
import { statSync } from 'node:fs';
import type { Config, ListConfig } from '../../config/config.ts';
import type { PathOf } from '../../policy/generation/generation.ts';
import { Guards, NEVER_BLOCK_FILE, ownersOf } from '../../policy/lists/lists.ts';
import { MATCH } from '../../policy/policy.ts';
import { Replay } from '../../resolver/inquiry/inquiry.ts';
import { foldedName, parseName } from '../../wire/dns/dns.ts';
import { type Impact, ImpactCount } from './impact-count.ts';
import type { LogFormat, ReadingOf } from './logged.ts';
import { readLog } from './read-log.ts';

/** One side of the comparison: a configuration, and where the contents of its lists lie. */
export interface ImpactConfig {
  readonly config: Config;
  readonly pathOf: PathOf;
}

/** What is read, and how much of it. */
export interface ImpactLogs {
  readonly paths: readonly string[];
  readonly format: LogFormat | undefined;
  readonly how: ReadingOf;
  /** Bytes of the files as they lie there; a file that would be over them, and all behind it, is not read. */
  readonly bytesMax?: number | undefined;
  /** Asked at times, with queries and the time of the last one: true ends it, and what was counted until then is told. */
  isEnough?(queries: number, timeMs: number | undefined): boolean;
}

/** Queries between two questions whether it is enough. */
const ASKED_EACH = 4_096;

/** What the change would have meant, with so many names. Rejects with ERR_QUERY_LOG_READ and as lists are read. */
export const impactOf = async (
  before: ImpactConfig,
  after: ImpactConfig,
  { paths, format, how, bytesMax = Number.POSITIVE_INFINITY, isEnough = () => false }: ImpactLogs,
  top: number,
): Promise<{ readonly impact: Impact; readonly isWhole: boolean }> => {
  const counted = new ImpactCount(
    await Replay.open(before.config, before.pathOf),
    await Replay.open(after.config, after.pathOf),
  );
  const enough = new Error('enough');
  let count = 0;
  let isWhole = true;
  let bytes = 0;
  for (const path of paths) {
    bytes += statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    if (bytes > bytesMax) {
      isWhole = false;
      break;
    }
    await readLog(path, format, how, (logged) => {
      if (++count % ASKED_EACH === 0 && isEnough(count, logged.timeMs)) throw enough;
      counted.take(logged);
    }).catch((thrown: unknown) => {
      if (thrown !== enough) throw thrown;
      isWhole = false;
    });
    if (!isWhole) break;
  }
  const guards = Guards.load(NEVER_BLOCK_FILE);
  const owners = new Map(
    [after, before].map((side) => [side, new Map<string, ReadonlyMap<number, string>>()]),
  );
  const impact = counted.told(top, {
    guardOf: (name) => {
      const wire = parseName(name);
      return typeof wire === 'string'
        ? undefined
        : guards.protects(MATCH.EXACT, foldedName(wire), wire.length);
    },
    // A line says something only of the content that it was counted in.
    ownerOf: (id, line, isBefore) => {
      const side = isBefore ? before : after;
      let known = owners.get(side)?.get(id);
      if (known === undefined) {
        known = ownersOfList(side, id);
        owners.get(side)?.set(id, known);
      }
      return known.get(line);
    },
  });
  return { impact, isWhole };
};

const ownersOfList = ({ config, pathOf }: ImpactConfig, id: string): ReadonlyMap<number, string> => {
  const list = config.lists.find((known) => known.id === id);
  const path =
    list === undefined
      ? undefined
      : (pathOf(list) ?? (list.source.kind === 'file' ? list.source.path : undefined));
  return path === undefined ? new Map() : ownersOf(path, formatOf(list));
};

const formatOf = (list: ListConfig | undefined): string | undefined =>
  list !== undefined && 'format' in list.source ? list.source.format : undefined;
