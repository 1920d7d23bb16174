// What exemptions cost the query of a client that they cover: with none, and with up to ten thousand papers.
//
// One client, one listed name; each paper has a hundred names of its own and is for that client, so that no paper can be
// left out because of who asks. Asked are a listed name that no paper has, which stays refused, and one of the last
// paper, which passes: that one is judged twice, with the list and without it, whether there is one paper or many.
import { createAddress, parseAddress, parsePrefix } from '../../src/base/base.ts';
import {
  compileExemptions,
  MATCH,
  Policy,
  type SharedExemption,
  TableBuilder,
  Verdict,
} from '../../src/policy/policy.ts';
import { createEde, EDE, nameFrom, TYPE } from '../../src/wire/dns/dns.ts';
import { median, percentile } from '../load.ts';
import { sample } from '../micro.ts';
import type { Suite, SuiteResult } from '../suite.ts';

const PAPERS = [0, 1, 100, 1_000, 10_000];
const NAMES = 100;
/** What a thousand papers may cost a covered query, nanoseconds. */
const COST_MAX_NS = 1_000;
const NOW_MS = 1_800_000_000_000;
const ZONE = 'listed.example';

/** The cost of exemptions by their number. */
export const exemptions: Suite = {
  name: 'exemptions',
  title: 'A query that exemptions cover',
  run: (context): Promise<SuiteResult> => {
    const policy = createPolicy();
    const client = createAddress();
    parseAddress('192.0.2.9', client);
    const verdict = new Verdict();
    const measure = (text: string): number[] => {
      const name = nameFrom(text);
      return sample(() => {
        policy.judgeQuestion(name, 0, name.length, TYPE.A, client, 0, verdict);
        return verdict.list;
      });
    };
    const rows = PAPERS.map((papers) => {
      const startMs = performance.now();
      const index = compileExemptions(createPapers(papers));
      const compiledMs = performance.now() - startMs;
      policy.setExemptions(index, () => NOW_MS);
      const refused = measure(`www.${ZONE}`);
      const passing = measure(`a.n7.p${Math.max(0, papers - 1)}.${ZONE}`);
      context.print(
        `  ${papers} papers: refused ${median(refused).toFixed(0)} ns, passing ${median(passing).toFixed(0)} ns, ` +
          `index ${(index.bytes.byteLength / 1024).toFixed(0)} KiB in ${compiledMs.toFixed(0)} ms`,
      );
      return { papers, refused, passing, compiledMs, bytes: index.bytes.byteLength };
    });
    const [none, one] = rows;
    const thousand = rows.find(({ papers }) => papers === 1_000);
    const costNs = median(thousand?.refused ?? []) - median(none?.refused ?? []);
    const growthNs = median(thousand?.passing ?? []) - median(one?.passing ?? []);
    return Promise.resolve({
      conditions: [
        `papers of ${NAMES} names each, all for the client that asks; one thread, not pinned`,
        'Policy.judgeQuestion() alone; without any paper the second name is refused',
      ],
      tables: [
        {
          head: ['papers', 'refused, ns', 'fastest', 'passing, ns', 'fastest', 'index, KiB'],
          rows: rows.map(({ papers, refused, passing, bytes }) => [
            String(papers),
            ...[refused, passing].flatMap((samples) =>
              [0.5, 0].map((share) => percentile(samples, share).toFixed(0)),
            ),
            (bytes / 1024).toFixed(0),
          ]),
        },
      ],
      verdicts: [
        {
          holds: costNs < COST_MAX_NS && growthNs < COST_MAX_NS,
          text: `1,000 papers cost a covered query less than 1 µs: ${costNs.toFixed(0)} ns over none, ${growthNs.toFixed(0)} ns over one paper when it passes`,
        },
      ],
      faults: [],
      remarks: [],
      raw: { rows },
    });
  },
};

const createPapers = (count: number): SharedExemption[] =>
  Array.from({ length: count }, (_, paper) => ({
    number: paper + 1,
    fromMs: 0,
    untilMs: 2 * NOW_MS,
    groups: [],
    clients: [parsePrefix('192.0.2.8/29') ?? unreachable()],
    names: Array.from({ length: NAMES }, (__, name) => nameFrom(`n${name}.p${paper}.${ZONE}`)),
  }));

const unreachable = (): never => {
  throw new TypeError('a prefix of this file');
};

const createPolicy = (): Policy => {
  const builder = new TableBuilder();
  const name = nameFrom(ZONE);
  builder.sinkFor(0).addName(MATCH.SUFFIX, name, name.length, 1);
  const list = {
    id: 'listed',
    category: 'listed',
    mandate: true,
    mode: { kind: 'nxdomain' },
    ttlSec: 30,
    ede: createEde(EDE.BLOCKED),
    precedence: 'specificity',
    logOnly: false,
  } as const;
  const groups = [{ name: 'default', lists: 1 }];
  return new Policy({ generation: 1, table: builder.build(), lists: [list], groups }, 0);
};
