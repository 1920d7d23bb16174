// What the program says of itself to metrics and to health checks.

import type { HealthIssue } from '../../base/words/words.ts';
import type { ChangeJournal } from '../../evidence/recording/recording.ts';
import type { ProgramControl } from '../../people/admin/admin.ts';
import type { FileReview, KeptLists } from '../../policy/keeping/keeping.ts';
import type { State } from '../../resolver/workers/workers.ts';
import {
  describeEnforcement,
  type Enforcement,
  isAnswering,
  isAsDecided,
  todoOf,
} from '../../telemetry/enforcement/enforcement.ts';
import type { ListFacts, SourceFacts } from '../../telemetry/observe/observe.ts';

/** The lists in force. */
export const listFacts = ({ generation }: State, lists: KeptLists, journal: ChangeJournal): ListFacts[] => {
  const kept = new Map(lists.keeper?.facts().map(({ id, lastSuccessMs }) => [id, lastSuccessMs]));
  return (generation?.lists ?? []).map(({ id, category, mandate, loaded }) => ({
    id,
    category,
    mandate,
    sha256: loaded.sha256,
    entries: loaded.entries,
    rejectedEntries: loaded.rejected,
    oldestReviewMs: loaded.reviewed === undefined ? undefined : Date.parse(loaded.reviewed.oldest),
    // Loading a kept list again says nothing about its source.
    lastSuccessMs: kept.has(id) ? kept.get(id) : generation?.loadedAtMs,
    entriesChange: journal.entriesChange(id),
  }));
};

/** Where lists come from. */
export const sourceFacts = ({ config }: State, lists: KeptLists, fileReview: FileReview): SourceFacts[] => {
  const files = config.lists.filter(({ source }) => source.kind === 'file');
  return [
    ...(lists.keeper?.facts() ?? []),
    ...files.map(({ id }) => ({ id, isHeld: fileReview.held.has(id) })),
  ];
};

/** Whether queries are answered, and as decided; `trouble` is what is wrong with the state directory. */
export const readinessOf = (
  isListening: boolean,
  enforcement: Enforcement,
  trouble: string | undefined,
  issues: readonly HealthIssue[],
): ReturnType<ProgramControl['readiness']> => {
  const causes: string[] = [];
  if (!isListening) causes.push('not-listening');
  if (enforcement.cause !== undefined) causes.push(enforcement.cause);
  if (trouble !== undefined) causes.push('state-directory');
  return {
    ready: isListening && isAsDecided(enforcement.state) && trouble === undefined,
    answering: isListening && isAnswering(enforcement.state),
    causes,
    issues: [...new Set(issues.filter(({ severity }) => severity !== 'info').map(({ id }) => id))],
    state: enforcement.state,
    text: [describeEnforcement(enforcement), trouble].filter((text) => text !== undefined).join('; '),
    todo: todoOf(enforcement),
    groups: enforcement.groups,
  };
};
