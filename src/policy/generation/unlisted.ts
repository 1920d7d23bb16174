// The name of `notice.check` is answered before lists, so that no list may refuse it: the list would not be in force there.
import { AppError } from '../../base/base.ts';
import { formatName, TRIGGER, TYPE } from '../../wire/dns/dns.ts';
import { PolicyTable, type Precedence, Verdict } from '../policy.ts';

/** A list of a table, in its order. */
export interface Refuser {
  readonly id: string;
  /** Of its file. */
  readonly path: string;
  readonly precedence: Precedence;
  /** False: it lets names pass, or only counts them. */
  readonly mayRefuse: boolean;
}

/** Stands for the label of any check. */
const CHECK_LABEL = 'aaaaaaaaaaaaaaaa';
/** What names of checks are asked for. */
const TYPES = [TYPE.A, TYPE.AAAA];

/** Throws ERR_APP_NOTICE where a list refuses the folded name `apex`, or the names of checks below it. */
export const requireUnlisted = (
  apex: Uint8Array,
  bytes: SharedArrayBuffer,
  lists: readonly Refuser[],
): void => {
  const maskOf = (wanted: Precedence): number =>
    lists.reduce((mask, { precedence }, bit) => (precedence === wanted ? mask | (1 << bit) : mask), 0);
  const table = new PolicyTable(bytes, maskOf('action'), maskOf('closest-encloser'));
  const below = Uint8Array.of(CHECK_LABEL.length, ...Buffer.from(CHECK_LABEL), ...apex);
  const verdict = new Verdict();
  for (const [bit, { id, path, mayRefuse }] of lists.entries()) {
    if (!mayRefuse) continue;
    const isRefused = [apex, below].some((name) =>
      TYPES.some((qtype) => {
        verdict.clear(0);
        verdict.qtype = qtype;
        table.matchName(name, 0, name.length, 1 << bit, TRIGGER.QNAME, verdict);
        if (table.hasPatterns) table.matchPatterns(name, 0, name.length, 1 << bit, TRIGGER.QNAME, verdict);
        return verdict.refused;
      }),
    );
    if (!isRefused) continue;
    throw new AppError(
      'ERR_APP_NOTICE',
      `using ${formatName(apex).slice(0, -1)} as "notice.check": list ${id} refuses it (${path}:${verdict.line})`,
      {
        hint: 'Write a name that no list has: it is answered before lists, and the list would not be in force there.',
      },
    );
  }
};
