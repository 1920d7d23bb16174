// Papers of a register as rules ask for them: those of one scope, and whether together they leave somebody out.
//
// A register holds thousands, and each request is judged beside all of them. Two of one scope are found by their key. That
// all together are nobody's blanket is shown by a few witnesses, a group and an address of each kind that none of them
// covers: while a scope covers no witness either, somebody is left out, and nothing has to be merged. Each witness stands
// in the middle of the widest gap, so that grants that go up address by address meet it a few times only.
import { type LeftOut, leftOutBy } from './left-out.ts';
import type { ExemptionPaper } from './paper.ts';
import type { Network, Scope } from './scope.ts';
import type { Draft, ExemptionTerms } from './terms.ts';

/** What two papers of one scope have in common, as a text. */
export const scopeKey = (
  of: Pick<Draft<ExemptionTerms>, 'groups' | 'clients' | 'devices' | 'lists' | 'names' | 'schedule'>,
): string =>
  JSON.stringify([
    ...[of.groups, of.clients, of.devices ?? null],
    ...[of.lists ?? null, of.names ?? null, of.schedule ?? null],
  ]);

/** Papers by their ids, in the order in which they came. */
export class PaperSet {
  readonly #papers = new Map<string, ExemptionPaper>();
  readonly #ofScope = new Map<string, Set<string>>();
  /** By the network that it was looked for in; dropped when a paper comes that covers a witness. */
  #leftOut: { readonly network: Network; readonly found: LeftOut } | undefined;

  constructor(papers: Iterable<ExemptionPaper> = []) {
    for (const paper of papers) this.put(paper);
  }

  /** Takes a paper, in place of one of the same id. */
  put(paper: ExemptionPaper): void {
    const known = this.#papers.get(paper.id);
    const key = scopeKey(paper);
    if (known !== undefined && scopeKey(known) !== key) this.delete(paper.id);
    const isNew = !this.#papers.has(paper.id);
    this.#papers.set(paper.id, paper);
    if (!isNew) return;
    const same = this.#ofScope.get(key);
    if (same === undefined) this.#ofScope.set(key, new Set([paper.id]));
    else same.add(paper.id);
    if (this.#leftOut?.found.isLeftOutBy(paper) === false) this.#leftOut = undefined;
  }

  delete(id: string): void {
    const paper = this.#papers.get(id);
    if (paper === undefined) return;
    this.#papers.delete(id);
    const key = scopeKey(paper);
    const same = this.#ofScope.get(key);
    same?.delete(id);
    if (same?.size === 0) this.#ofScope.delete(key);
  }

  /** All of them. */
  all(): ExemptionPaper[] {
    return [...this.#papers.values()];
  }

  /** Those of the scope of a key. */
  ofScope(key: string): ExemptionPaper[] {
    return [...(this.#ofScope.get(key) ?? [])].flatMap((id) => this.#papers.get(id) ?? []);
  }

  /** True when it is certain that a scope with all of these leaves somebody out; false: it has to be looked at. */
  leavesOut(scope: Scope, network: Network): boolean {
    if (this.#leftOut?.network !== network) {
      this.#leftOut = { network, found: leftOutBy(this.#papers.values(), network) };
    }
    return this.#leftOut.found.isLeftOutBy(scope);
  }
}
