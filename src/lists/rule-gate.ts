// The gate between a parser and the rules of a policy: refuses what the guards protect, counts what passes.
//
// Every format passes here, so that no source can reach a policy around the guards. Only names are guarded: an
// address prefix concerns answers, and no guard is an address.
import type { Prefix } from '../base/base.ts';
import type { Match, RuleSink } from '../policy/policy.ts';
import type { DiagnosticLog } from './diagnostic.ts';
import type { Guards } from './guard.ts';
import { listNameText } from './list-name.ts';

/** A RuleSink that stands before another one. */
export class RuleGate implements RuleSink {
  /** Rules that passed. */
  entries = 0;
  readonly #sink: RuleSink;
  readonly #log: DiagnosticLog;
  readonly #guards: Guards | undefined;

  constructor(sink: RuleSink, log: DiagnosticLog, guards: Guards | undefined) {
    this.#sink = sink;
    this.#log = log;
    this.#guards = guards;
  }

  addName(match: Match, name: Uint8Array, length: number, line: number): void {
    if (this.#guards?.protects(match, name, length) !== undefined) {
      this.#log.add('guarded', line, 1, listNameText(name, length));
      return;
    }
    this.entries++;
    this.#sink.addName(match, name, length, line);
  }

  addPrefix(prefix: Prefix, line: number): void {
    this.entries++;
    this.#sink.addPrefix(prefix, line);
  }
}
