// The differential test itself: asks, compares, explains, counts.
import { setTimeout as sleep } from 'node:timers/promises';
import { EDNS_DO, FLAG } from '../../../src/wire/dns/dns.ts';
import { createRandom } from '../../support/mutate.ts';
import { type BuiltTree, buildTree } from '../../support/signed-tree.ts';
import { compare, describe, toCanonical } from './canonical.ts';
import { CLASSES } from './classes.ts';
import { type Comparison, explain } from './comparison.ts';
import { type Asked, QuestionSource } from './questions.ts';
import { type Contest, openContest, UPSTREAMS } from './servers.ts';
import { createZones } from './zones.ts';

/** Questions under way at once: each waits for the slowest of three. */
const PARALLEL = 24;
/** What differs is asked again after this. */
const AGAIN_AFTER_MS = 1000;
/** What rounding to whole seconds adds. */
const ROUNDING_SEC = 2;
/** Questions without an explanation that are kept for print. */
const KEPT_MAX = 200;
/** Questions that go to both the named and the NSD contest come from different seeds. */
const SEED_STEP = 7919;

/** How to run it. */
export interface ContestOptions {
  readonly questions: number;
  readonly seed: number;
  readonly progress: (line: string) => void;
}

/** What came out. */
export interface ContestReport {
  readonly questions: number;
  readonly equal: number;
  /** Questions by class, for each upstream. */
  readonly counts: ReadonlyMap<string, number>;
  readonly unexplained: number;
  /** The first of them, for people. */
  readonly examples: readonly string[];
  /** Differences that no class explains and that were none when the question was asked again. */
  readonly momentary: readonly string[];
  readonly rcodes: ReadonlyMap<string, number>;
}

/** Runs half of the questions over each upstream. */
export const runContest = async (options: ContestOptions): Promise<ContestReport> => {
  const { questions, seed, progress } = options;
  const counts = new Map<string, number>();
  const rcodes = new Map<string, number>();
  const examples: string[] = [];
  const momentary: string[] = [];
  let equal = 0;
  let unexplained = 0;
  let done = 0;
  const zones = createZones();
  progress(`signing ${zones.length} zones, seed ${seed}`);
  const tree = buildTree(zones);
  const owners = collectOwners(tree.files);
  for (const [index, upstream] of UPSTREAMS.entries()) {
    const source = new QuestionSource(tree.files, createRandom(seed + index * SEED_STEP));
    // Before they start: they ask for the keys of the root then.
    const startMs = performance.now();
    const contest = await openContest(upstream, tree);
    const end = Math.ceil((questions * (index + 1)) / UPSTREAMS.length);
    const work = async (): Promise<void> => {
      while (done < end) {
        done++;
        if (done % 1000 === 0) progress(`${done} of ${questions} questions, ${unexplained} unexplained`);
        const comparison = await compareOnce(contest, source.next(), startMs, owners);
        const rcode = comparison.cordon?.rcode ?? 'silence';
        rcodes.set(rcode, (rcodes.get(rcode) ?? 0) + 1);
        if (comparison.differing.size === 0) {
          equal++;
          continue;
        }
        const { names, unexplained: open } = explain(comparison, CLASSES);
        for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
        if (open.length === 0) continue;
        await sleep(AGAIN_AFTER_MS);
        const again = await compareOnce(contest, comparison.asked, startMs, owners);
        if (explain(again, CLASSES).unexplained.length === 0) {
          momentary.push(toExample(comparison, open));
          continue;
        }
        unexplained++;
        if (examples.length < KEPT_MAX) examples.push(toExample(comparison, open));
      }
    };
    try {
      await Promise.all(Array.from({ length: PARALLEL }, work));
    } finally {
      await contest.close();
    }
  }
  return { questions: done, equal, counts, unexplained, examples, momentary, rcodes };
};

/** The owners of all records, in small letters; hashes of names are none. */
const collectOwners = (files: BuiltTree['files']): Set<string> =>
  new Set(
    [...files.values()].flatMap((lines) =>
      lines.filter((line) => !/ IN (?:RRSIG )?NSEC3 /.test(line)).map((line) => ownerOf(line).toLowerCase()),
    ),
  );

const ownerOf = (record: string): string => record.slice(0, record.indexOf(' '));

const compareOnce = async (
  contest: Contest,
  asked: Asked,
  startMs: number,
  owners: ReadonlySet<string>,
): Promise<Comparison> => {
  const { upstream } = contest;
  const [cordon, unbound, bind] = (
    await Promise.all([contest.cordon.ask(asked), contest.unbound.ask(asked), contest.bind.ask(asked)])
  ).map((reply) => (reply === undefined ? undefined : toCanonical(reply)));
  const slackSec = (performance.now() - startMs) / 1000 + ROUNDING_SEC;
  const differing = compare([cordon, unbound, bind], slackSec);
  const isMade = [cordon, unbound, bind].some((one) =>
    [...(one?.answer.keys() ?? [])].some((key) => !owners.has(ownerOf(key))),
  );
  const reply = differing.size === 0 ? undefined : await askWitness(contest, asked);
  const witness = reply === undefined ? undefined : toCanonical(reply);
  return { asked, upstream, cordon, unbound, bind, witness, differing, isMade, slackSec };
};

const askWitness = (contest: Contest, asked: Asked) =>
  contest.witness.ask({
    ...asked,
    flags: FLAG.RD | FLAG.CD,
    edns: { udpLength: 1232, ttl: EDNS_DO },
    transport: 'tcp',
  });

const toExample = (comparison: Comparison, open: readonly string[]): string => {
  const { asked, upstream } = comparison;
  const flags = (['RD', 'AD', 'CD'] as const).filter((flag) => (asked.flags & FLAG[flag]) !== 0);
  const edns =
    asked.edns === undefined ? 'no EDNS' : `${asked.edns.udpLength}${asked.edns.ttl === 0 ? '' : ' DO'}`;
  const part = (name: 'cordon' | 'unbound' | 'bind' | 'witness'): string =>
    describe(comparison[name])
      .map((line, index) => `  ${(index === 0 ? name : '').padEnd(8)} ${line}`)
      .join('\n');
  return [
    `${asked.text} (${flags.join(' ')}; ${edns}; ${asked.transport}; ${upstream}): ${open.join(', ')}`,
    ...(['cordon', 'unbound', 'bind', 'witness'] as const).map(part),
  ].join('\n');
};
