// Explains a name by the running program: one of its workers is asked.
import { AppError, VERSION } from '../../base/base.ts';
import { configHash } from '../../config/config.ts';
import type { State, Supervisor } from '../workers/workers.ts';
import { type ExplainedBy, explainTraced, listenerOf, type Question, viaOf } from './explain.ts';

/** Lists are renewed minutes apart, so that a second round is enough. */
const ROUNDS_MAX = 3;

/** Who is asked. */
export interface ExplainingProgram {
  readonly supervisor: Supervisor;
  state(): State;
  validation(): ExplainedBy['asked']['validation'];
  isPaused(): boolean;
}

/** Throws ERR_APP_LISTENER, ERR_APP_FORWARDER, ERR_APP_WORKER, or ERR_APP_EXPLAIN when lists change again and again. */
export const explainLive = async (program: ExplainingProgram, question: Question): Promise<ExplainedBy> => {
  const { supervisor, state, validation, isPaused } = program;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const { config: before } = state();
    const asked = {
      ...question,
      listener: listenerOf(question.listener, state()),
      via: viaOf(question.via, question.client, before),
    };
    const { worker, traced } = await supervisor.trace(asked);
    const answered = state();
    const { config, generation } = answered;
    // Lists and lines are numbers of the generation that judged: those of another one would name other rules.
    if (traced.generation !== (generation?.policy.generation ?? 0)) continue;
    return {
      asked: {
        kind: 'service',
        version: VERSION,
        configSha256: configHash(config),
        generation: traced.generation,
        validation: validation(),
        time: new Date(traced.nowMs).toISOString(),
        pid: process.pid,
        worker,
        workers: supervisor.count,
        isPaused: isPaused(),
      },
      ...explainTraced(asked, traced, answered),
    };
  }
  throw new AppError('ERR_APP_EXPLAIN', 'explaining a name: the lists changed meanwhile', {
    hint: 'Ask again.',
  });
};
