// Asks Cordon and unbound the same about every case, and compares what they say with each other and with what is right.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run, startCordon } from '../../support/process.ts';
import { askForProof, readVerdict, startUnbound } from '../../support/validators.ts';
import type { MatrixResult } from './differences.ts';
import { type MatrixCase, Stage } from './stage.ts';

/** Questions under way at once. */
const PARALLEL = 12;

/** How to run it. */
export interface MatrixOptions {
  /** The directory of another version of the program. */
  readonly checkout?: string | undefined;
  /** delv of BIND is asked as well, a process for each case. */
  readonly withDelv?: boolean;
  /** Signatures with SHA-1 count. */
  readonly allowSha1?: boolean;
}

/** Runs all cases. */
export const runMatrix = async (
  cases: readonly MatrixCase[],
  { checkout, withDelv = false, allowSha1 = false }: MatrixOptions = {},
): Promise<MatrixResult[]> => {
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
dnssec: { mode: validate, anchors: anchors.ds, allow-sha1: ${allowSha1} }
`,
      files: { 'anchors.ds': anchors },
      ...(checkout === undefined ? {} : { checkout }),
    }),
    startUnbound({ upstream, anchors }),
  ]);
  const directory = mkdtempSync(join(tmpdir(), 'cordon-delv-'));
  const [, , , tag, algorithm, type, digest] = anchors.trim().split(' ');
  const delvFile = join(directory, 'anchors');
  writeFileSync(delvFile, `trust-anchors { . static-ds ${tag} ${algorithm} ${type} "${digest}"; };\n`);
  const askDelv = async (question: string): Promise<string> => {
    const where = ['@127.0.0.1', '-p', String(upstream.port), '-a', delvFile, '+root=.'];
    const { stdout, stderr } = await run('delv', [...where, ...question.split(' ')]);
    if (stdout.includes('fully validated')) return 'secure';
    return stdout.includes('unsigned answer') ? 'insecure' : `bogus ${stderr.trim().split('\n').at(-1)}`;
  };
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
        ...(withDelv ? { delv: await askDelv(question) } : {}),
      });
    }
  };
  try {
    await Promise.all(Array.from({ length: PARALLEL }, work));
  } finally {
    await Promise.all([cordon.stop(), unbound.stop()]);
    await stage.upstream.close();
    rmSync(directory, { recursive: true });
  }
  return results;
};

const withoutCode = (verdict: string): string => (verdict.startsWith('bogus') ? 'bogus' : verdict);
