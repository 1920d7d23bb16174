// The compiled table against a matcher that tries every rule of every list.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  createAddress,
  formatPrefix,
  matchesPrefix,
  parseAddress,
  parsePrefix,
} from '../../src/base/base.ts';
import { MATCH, MATCH_NAMES, type Match } from '../../src/policy/policy.ts';
import { PolicyTable } from '../../src/policy/table.ts';
import { isInZone } from '../../src/wire/dns/dns.ts';
import { buildTable, foldedName, judgeAddress, judgeName } from '../unit/policy/setup.ts';

const RUNS = 400;

/** Few labels, so that names nest and repeat: one contains a dot, one is binary, one is a prefix of another. */
const label = fc.constantFrom('a', 'b', 'ab', 'a\\.b', '\\000', '\\255\\192', 'x'.repeat(40));
const name = fc.array(label, { maxLength: 4 }).map((labels) => `${labels.join('.')}.`);
/** No list may have a rule for the root. */
const listed = name.filter((text) => text !== '.');
const rule = fc.tuple(fc.constantFrom('', '=', '*.'), listed).map(([kind, text]) => `${kind}${text}`);
const mask = fc.oneof(fc.constant(0xffff_ffff), fc.constant(0), fc.nat({ max: 0xffff_ffff }));

interface Rule {
  readonly list: number;
  readonly line: number;
  readonly match: Match;
  /** Length of the name or bits of the prefix. */
  readonly specificity: number;
}

const prevailing = (matching: readonly Rule[], lists: number): string => {
  const [best] = matching
    .filter(({ list }) => ((lists >>> list) & 1) === 1)
    .sort((a, b) => a.list - b.list || b.specificity - a.specificity || a.line - b.line);
  return best === undefined ? 'passes' : `${best.list} ${best.specificity}`;
};

/** List and specificity of the rule that a text from setup.ts names; which of equal rules it is may differ. */
const strength = (lists: readonly (readonly string[])[], verdict: string): string => {
  const [, list, line] = /^(\d+):(\d+) /.exec(verdict) ?? [];
  if (list === undefined) return verdict;
  const text = lists[Number(list)]?.[Number(line) - 1] ?? '';
  const prefix = parsePrefix(text);
  return `${list} ${prefix?.bits ?? foldedName(text.replace(/^(?:=|\*\.)/, '')).length}`;
};

const matchNaively = (lists: readonly (readonly string[])[], asked: string): Rule[] => {
  const wanted = foldedName(asked);
  return lists.flatMap((rules, list) =>
    rules.flatMap((text, index): Rule[] => {
      const zone = foldedName(text.replace(/^(?:=|\*\.)/, ''));
      const isSame = zone.length === wanted.length;
      const match = text.startsWith('=')
        ? MATCH.EXACT
        : text.startsWith('*.')
          ? MATCH.WILDCARD
          : MATCH.SUFFIX;
      if (!isInZone(wanted, zone) || (match === MATCH.EXACT && !isSame)) return [];
      if (match === MATCH.WILDCARD && isSame) return [];
      return [{ list, line: index + 1, match, specificity: zone.length }];
    }),
  );
};

test('a name is refused exactly when a rule of a chosen list matches it, by the strongest one', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(rule, { maxLength: 8 }), { maxLength: 32 }),
      fc.array(name, { minLength: 1, maxLength: 10 }),
      mask,
      (lists, asked, chosen) => {
        const table = new PolicyTable(buildTable(lists));
        for (const wanted of [...asked, ...lists.flat().map((text) => text.replace(/^(?:=|\*\.)/, 'b.'))]) {
          const usable = matchNaively(lists, wanted);
          const verdict = judgeName(table, wanted, chosen);
          expect(strength(lists, verdict), wanted).toBe(prevailing(usable, chosen));
          const [, list, line, word] = /^(\d+):(\d+) (.*)$/.exec(verdict) ?? [];
          if (list === undefined) continue;
          const named = usable.find((item) => item.list === Number(list) && item.line === Number(line));
          expect(named && MATCH_NAMES[named.match], `${wanted}: ${verdict}`).toBe(word);
        }
      },
    ),
    { numRuns: RUNS },
  );
});

const address = fc.oneof(
  fc.tuple(fc.constantFrom(192, 198), fc.nat(1), fc.nat(3), fc.nat(255)).map((parts) => parts.join('.')),
  fc
    .tuple(fc.constantFrom('2001:db8', '::ffff:192.0', '64:ff9b'), fc.nat(3))
    .map(([head, tail]) => (head.includes('.') ? `${head}.${tail}.1` : `${head}::${tail}`)),
);

/** The prefix of some length around an address. */
const prefix = fc.tuple(address, fc.integer({ min: 0, max: 128 })).map(([text, bits]) => {
  const words = createAddress();
  parseAddress(text, words);
  const masked = Uint32Array.from(words, (word, index) => {
    const kept = Math.min(32, Math.max(0, bits - 32 * index));
    return kept === 0 ? 0 : (word & (0xffff_ffff << (32 - kept))) >>> 0;
  });
  return formatPrefix({ words: masked, bits });
});

test('an address is refused exactly when a prefix of a chosen list holds it, by the strongest one', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(prefix, { maxLength: 6 }), { maxLength: 32 }),
      fc.array(address, { minLength: 1, maxLength: 10 }),
      mask,
      (lists, asked, chosen) => {
        const table = new PolicyTable(buildTable(lists));
        for (const wanted of asked) {
          const words = createAddress();
          parseAddress(wanted, words);
          const matching = lists.flatMap((rules, list) =>
            rules.flatMap((text, index): Rule[] => {
              const parsed = parsePrefix(text);
              if (parsed === undefined || !matchesPrefix(words, parsed.words, parsed.bits)) return [];
              return [{ list, line: index + 1, match: MATCH.PREFIX, specificity: parsed.bits }];
            }),
          );
          expect(strength(lists, judgeAddress(table, wanted, chosen)), wanted).toBe(
            prevailing(matching, chosen),
          );
        }
      },
    ),
    { numRuns: RUNS },
  );
});
