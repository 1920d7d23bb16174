// Bringing the register in line with text files: one truth, whichever way an exemption came.
//
// A new text is registered as requested and approved by whom it says; a text that says something else than before
// ends its exemption and is a new one; a text that is gone ends it. A file in which anything is wrong changes nothing:
// what is in force from it stays until its own end. What came by command is never touched. Texts whose end has passed
// are history that somebody keeps: the register knows them already, or never will.

import { reasonText } from '../../base/words/words.ts';
import { approvalFaults, byNames, completeApproval, sameNameFaults } from './approval.ts';
import type { ExemptionPaper } from './paper.ts';
import { isGranted } from './paper.ts';
import { PaperSet } from './paper-set.ts';
import { type ExemptionProblem, toProblem } from './problem.ts';
import { markOf } from './profile.ts';
import type { Register } from './register.ts';
import { grantSteps, type Step } from './register-steps.ts';
import type { RuleContext } from './rule-context.ts';
import { requestFaults } from './rules.ts';
import type { ExemptionTerms } from './terms.ts';
import type { ExemptionText, ExemptionTextFile, ExemptionTextTree } from './texts.ts';

/** What came of it. */
export interface TextOutcome {
  readonly problems: readonly ExemptionProblem[];
  /** Ids of what was registered, and of what was revoked. */
  readonly added: readonly string[];
  readonly revoked: readonly string[];
}

/**
 * Does what texts say; `tree` is undefined when the configuration names none any more. Throws ERR_EXEMPTION_STORE:
 * what was to end is out of force all the same.
 */
export const reconcileTexts = (
  register: Register,
  tree: ExemptionTextTree | undefined,
  nowMs: number,
): TextOutcome => {
  register.advance();
  const added: string[] = [];
  const revoked: string[] = [];
  const write = (steps: readonly Step[]): void => {
    register.write(steps);
    for (const { event, paper } of steps) {
      if (event === 'requested') added.push(paper.id);
      if (event === 'revoked') revoked.push(paper.id);
    }
  };
  if (tree?.problem !== undefined) return { problems: [tree.problem], added, revoked };
  const files = tree?.files ?? [];
  const said = new Set(files.flatMap(({ texts }) => texts.map(({ sha256 }) => sha256)));
  const gone = grantedTexts(register).filter(({ origin }) => !said.has(origin.sha256));
  const names = new Set(files.map(({ name }) => name));
  write(
    gone
      .filter(({ origin }) => !names.has(origin.file))
      .flatMap((paper) =>
        register.revokeSteps(paper, {
          reason:
            tree === undefined
              ? reasonText('gone-from-configuration')
              : reasonText('gone-from', { file: paper.origin.file }),
        }),
      ),
  );
  const problems: ExemptionProblem[] = [];
  for (const file of files) {
    const left = gone.filter(({ origin }) => origin.file === file.name);
    const { steps, problems: found } = planFile(register, file, left, nowMs);
    problems.push(...found);
    if (found.length > 0) continue;
    const changed = new Set(steps.map(({ paper }) => keyOf(paper)));
    const ends = left.flatMap((paper) => {
      const id = changed.has(paper.origin.key) ? 'changed-in' : 'gone-from';
      return register.revokeSteps(paper, { reason: reasonText(id, { file: file.name }) });
    });
    write([...ends, ...steps]);
  }
  return { problems, added, revoked };
};

/** What is wrong with texts, by rules alone: no register is at hand, and what only it knows is not judged. */
export const checkTexts = (tree: ExemptionTextTree, rules: RuleContext): ExemptionProblem[] => {
  if (tree.problem !== undefined) return [tree.problem];
  return tree.files.flatMap(({ texts, problems }) =>
    [
      ...problems,
      ...texts
        .filter((text) => !isOver(text, rules.nowMs))
        .flatMap((text) => ruleProblems(text, byNames(rules))),
    ].sort(byPlace),
  );
};

type TextPaper = ExemptionPaper & { readonly origin: Extract<ExemptionPaper['origin'], { kind: 'text' }> };

const isText = (paper: ExemptionPaper): paper is TextPaper => paper.origin.kind === 'text';

const keyOf = (paper: ExemptionPaper): string | undefined => (isText(paper) ? paper.origin.key : undefined);

const textPapers = (register: Register): TextPaper[] =>
  register
    .entries()
    .map(({ paper }) => paper)
    .filter(isText);

const grantedTexts = (register: Register): TextPaper[] => textPapers(register).filter(isGranted);

/** The steps that register what is new in a file, or everything that is wrong with the file. */
const planFile = (
  register: Register,
  file: ExemptionTextFile,
  left: readonly TextPaper[],
  nowMs: number,
): { steps: Step[]; problems: ExemptionProblem[] } => {
  const known = new Set(
    textPapers(register)
      .filter(({ state }) => state !== 'revoked')
      .map(({ origin }) => origin.sha256),
  );
  const judged = register.context(nowMs, new Set(left.map(({ id }) => id)));
  const context = judged && byNames(judged);
  const problems = [...file.problems];
  const steps: Step[] = [];
  const granted = new PaperSet(context?.granted?.all());
  let ahead = 0;
  for (const text of file.texts) {
    if (known.has(text.sha256) || isOver(text, nowMs)) continue;
    known.add(text.sha256);
    if (context === undefined) {
      const fault = { code: 'ERR_EXEMPTION_PROFILE', path: [], text: 'no profile is configured' } as const;
      problems.push(toProblem(fault, text.placeOf([])));
      continue;
    }
    const here = { ...context, granted };
    const found = [
      ...ruleProblems(text, here),
      ...register.limitFaults(ahead).map((fault) => toProblem(fault, text.placeOf([]))),
    ];
    problems.push(...found);
    if (found.length > 0 || text.faults.length > 0) continue;
    const origin = { kind: 'text', file: file.name, key: text.id, sha256: text.sha256 } as const;
    // Everything was read: faults are none.
    const paper = register.createPaper(text.terms as ExemptionTerms, origin, nowMs, ahead++);
    const approval = completeApproval(text.approval, context.approvers);
    const grant = grantSteps(paper, approval, nowMs, markOf(context.profile));
    steps.push({ event: 'requested', paper, by: paper.requestedBy }, ...grant);
    granted.put(grant.at(-1)?.paper ?? paper);
  }
  return { steps, problems: problems.sort(byPlace) };
};

const ruleProblems = (text: ExemptionText, context: RuleContext): ExemptionProblem[] => {
  const approval = completeApproval(text.approval, context.approvers);
  return [
    ...requestFaults(text.terms, context),
    ...sameNameFaults(text.terms.requestedBy, approval.by),
    ...approvalFaults(approval, context, text.terms.lists),
  ].map((fault) => toProblem(fault, text.placeOf(fault.path)));
};

const byPlace = (a: ExemptionProblem, b: ExemptionProblem): number =>
  (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0);

/** True for a text that tells of the past. */
const isOver = ({ terms: { fromMs, untilMs } }: ExemptionText, nowMs: number): boolean =>
  untilMs !== undefined && untilMs <= nowMs && (fromMs ?? untilMs) < untilMs;
