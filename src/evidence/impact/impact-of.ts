// What a change would have meant for logs, with what lists and guards say of its names.
import type { Config } from '../../config/config.ts';
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
  /** Asked at times: true ends it, and what was counted until then is told. */
  isEnough?(): boolean;
}

/** Queries between two questions whether it is enough. */
const ASKED_EACH = 4_096;

/** What the change would have meant, with so many names. Rejects with ERR_QUERY_LOG_READ and as lists are read. */
export const impactOf = async (
  before: ImpactConfig,
  after: ImpactConfig,
  { paths, format, how, isEnough = () => false }: ImpactLogs,
  top: number,
): Promise<{ readonly impact: Impact; readonly isWhole: boolean }> => {
  const counted = new ImpactCount(
    await Replay.open(before.config, before.pathOf),
    await Replay.open(after.config, after.pathOf),
  );
  const enough = new Error('enough');
  let count = 0;
  let isWhole = true;
  for (const path of paths) {
    await readLog(path, format, how, (logged) => {
      if (++count % ASKED_EACH === 0 && isEnough()) throw enough;
      counted.take(logged);
    }).catch((thrown: unknown) => {
      if (thrown !== enough) throw thrown;
      isWhole = false;
    });
    if (!isWhole) break;
  }
  const guards = Guards.load(NEVER_BLOCK_FILE);
  const owners = new Map<string, ReadonlyMap<number, string>>();
  const impact = counted.told(top, {
    guardOf: (name) => {
      const wire = parseName(name);
      return typeof wire === 'string'
        ? undefined
        : guards.protects(MATCH.EXACT, foldedName(wire), wire.length);
    },
    ownerOf: (id, line) => {
      let known = owners.get(id);
      if (known === undefined) {
        const side = [after, before].find(({ config }) => config.lists.some((list) => list.id === id));
        known = side === undefined ? new Map<number, string>() : ownersOfList(side, id);
        owners.set(id, known);
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
  return path === undefined ? new Map() : ownersOf(path);
};
