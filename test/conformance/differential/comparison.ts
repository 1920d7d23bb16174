// One question with what three resolvers said to it, and the classes that tell why they differ.
import type { Aspect, Canonical } from './canonical.ts';
import type { Asked } from './questions.ts';
import type { UpstreamName } from './servers.ts';

/** What was asked, what came back, and what differs. */
export interface Comparison {
  readonly asked: Asked;
  readonly upstream: UpstreamName;
  readonly cordon: Canonical | undefined;
  readonly unbound: Canonical | undefined;
  readonly bind: Canonical | undefined;
  /** What the upstream says when it is asked with DO and CD over TCP; only of questions with a difference. */
  readonly witness: Canonical | undefined;
  readonly differing: ReadonlySet<Aspect>;
  /** Whether an owner in ANSWER stands in no zone: a wildcard or a DNAME made it. */
  readonly isMade: boolean;
  /** Seconds that a cached record may be older than another. */
  readonly slackSec: number;
}

/** A difference with a name: what each says, and why that is right. */
export interface DifferenceClass {
  readonly name: string;
  readonly cordon: string;
  readonly unbound: string;
  readonly bind: string;
  /** Clauses of RFCs, or what keeps the difference from mattering. */
  readonly reason: string;
  /** What the class explains when it applies. */
  readonly aspects: readonly Aspect[];
  /** A run of ten thousand questions may have none of it: what was cached when decides. */
  readonly isRare?: true;
  readonly when: (comparison: Answered) => boolean;
}

/** A comparison in which all three answered. */
export type Answered = Comparison & Readonly<Record<'cordon' | 'unbound' | 'bind' | 'witness', Canonical>>;

const isAnswered = (comparison: Comparison): comparison is Answered =>
  [comparison.cordon, comparison.unbound, comparison.bind, comparison.witness].every(
    (reply) => reply !== undefined,
  );

/** The names of the classes that explain something, and the aspects that none does. */
export const explain = (
  comparison: Comparison,
  classes: readonly DifferenceClass[],
): { readonly names: readonly string[]; readonly unexplained: readonly Aspect[] } => {
  const open = new Set(comparison.differing);
  const names: string[] = [];
  if (isAnswered(comparison)) {
    for (const { name, aspects, when } of classes) {
      if (!aspects.some((aspect) => open.has(aspect)) || !when(comparison)) continue;
      names.push(name);
      for (const aspect of aspects) open.delete(aspect);
    }
  }
  return { names, unexplained: [...open] };
};
