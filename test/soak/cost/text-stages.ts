// What reads lists and response policy zones. They are read aside, not on the loop that answers clients; an author of a list must
// not be able to make it take for ever all the same.

import { LIST_FORMATS, type ListFormat } from '../../../src/base/words/words.ts';
import { feedRules } from '../../../src/policy/lists/feed.ts';
import { TableBuilder } from '../../../src/policy/policy.ts';
import type { Stage } from './search.ts';
import { buildList, LIST_GENES } from './text.ts';

/** Where every search for lists begins: each form with many lines, and with one line of many parts. */
const SEEDS: readonly string[] = Array.from({ length: 11 }, (_, form) => [
  `lines=2000 labels=3 label=5 parts=1 form=${form}`,
  `lines=10 labels=3 label=5 parts=500 part=3 form=${form}`,
  `lines=1 labels=3 label=5 parts=4000 part=3 form=${form}`,
]).flat();

/** To make an empty table takes as long as to read so much. */
const FREE_BYTES = 65_536;

/** A byte of most formats; lines of hosts are short and name several, expressions and options are parsed, and the format of ours is YAML, read by a library. */
const BOUND = 100;
const BOUNDS: Partial<Record<ListFormat, number>> = {
  adblock: 400,
  cordon: 2000,
  hosts: 200,
  regex: 400,
  rpz: 400,
};

const listStage = (format: ListFormat): Stage => ({
  name: `list ${format}`,
  genes: LIST_GENES,
  seeds: SEEDS,
  bound: BOUNDS[format] ?? BOUND,
  isTurn: false,
  load: (genome) => {
    const { bytes, counts } = buildList(format, genome);
    return {
      bytes: bytes.length,
      freeBytes: FREE_BYTES,
      counts,
      run: () => {
        let at = 0;
        const read = (into: Uint8Array): number => {
          const size = Math.min(into.length, bytes.length - at);
          into.set(bytes.subarray(at, at + size));
          at += size;
          return size;
        };
        const builder = new TableBuilder();
        feedRules(format, read, builder.sinkFor(0, 'specificity'));
        builder.build();
      },
    };
  },
});

/** Stages of lists. */
export const LIST_STAGES: readonly Stage[] = LIST_FORMATS.map(listStage);
