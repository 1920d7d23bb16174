// Asks Cordon and unbound the same about every case, and compares what they say with each other and with what is right.
import { startCordon } from '../../support/process.ts';
import { askForProof, readVerdict, startUnbound } from '../../support/validators.ts';
import type { MatrixResult } from './differences.ts';
import { type MatrixCase, Stage } from './stage.ts';

/** Questions under way at once. */
const PARALLEL = 12;

/** Runs all cases; `checkout` is the directory of another version of the program. */
export const runMatrix = async (cases: readonly MatrixCase[], checkout?: string): Promise<MatrixResult[]> => {
  const stage = await Stage.open(cases);
  const upstream = stage.upstream.endpoint;
  const { anchors } = stage;
  const [cordon, unbound] = await Promise.all([
    startCordon({
      config: `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
upstreams: ["127.0.0.1:${upstream.port}"]
lists: [{ id: tiktok, shipped: tiktok }]
dnssec: { mode: validate, anchors: anchors.ds }
`,
      files: { 'anchors.ds': anchors },
      ...(checkout === undefined ? {} : { checkout }),
    }),
    startUnbound({ upstream, anchors }),
  ]);
  const results: MatrixResult[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let index = next++; index < cases.length; index = next++) {
      const item = cases[index];
      if (item === undefined) return;
      for (const earlier of item.before ?? [])
        await Promise.all(
          [cordon.dns, unbound.endpoint].map((server) => askForProof(server, stage.inFull(index, earlier))),
        );
      const question = stage.inFull(index, item.question);
      const [mine, theirs] = await Promise.all([
        askForProof(cordon.dns, question),
        askForProof(unbound.endpoint, question),
      ]);
      const told = `${readVerdict(mine)} ${mine.ede?.text ?? ''}`.trim();
      results.push({
        item,
        question,
        cordon: withoutCode(readVerdict(mine)),
        unbound: withoutCode(readVerdict(theirs)),
        told,
      });
    }
  };
  try {
    await Promise.all(Array.from({ length: PARALLEL }, work));
  } finally {
    await Promise.all([cordon.stop(), unbound.stop()]);
    await stage.upstream.close();
  }
  return results;
};

const withoutCode = (verdict: string): string => (verdict.startsWith('bogus') ? 'bogus' : verdict);
