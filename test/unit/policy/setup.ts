// Policy tables from texts: one array of rules per list, the rule's line is its place in the array.
//
//   example.com      suffix        =example.com     exact
//   *.example.com    wildcard      192.0.2.0/24     response addresses
import { createAddress, parseAddress, parsePrefix } from '../../../src/base/base.ts';
import { foldName, nameFrom, TRIGGER } from '../../../src/dns/dns.ts';
import { MATCH, MATCH_NAMES, type PolicyList, TableBuilder, Verdict } from '../../../src/policy/policy.ts';
import { PolicyTable } from '../../../src/policy/table.ts';

/** The shared bytes of the lists, in the order of their ranks where these are given. */
export const buildTable = (
  lists: readonly (readonly string[])[],
  ranks?: readonly number[],
): SharedArrayBuffer => {
  const builder = new TableBuilder();
  for (const [list, rules] of lists.entries()) {
    const sink = builder.sinkFor(list);
    for (const [index, rule] of rules.entries()) {
      const prefix = parsePrefix(rule);
      if (prefix !== undefined) {
        sink.addPrefix(prefix, index + 1);
        continue;
      }
      const match = rule.startsWith('=')
        ? MATCH.EXACT
        : rule.startsWith('*.')
          ? MATCH.WILDCARD
          : MATCH.SUFFIX;
      const name = foldedName(rule.replace(/^(?:=|\*\.)/, ''));
      sink.addName(match, name, name.length, index + 1);
    }
  }
  return builder.build(ranks);
};

/** The table of the lists, opened. */
export const openTable = (lists: readonly (readonly string[])[]): PolicyTable =>
  new PolicyTable(buildTable(lists));

/** A wire name with its letters folded, as the table takes it. */
export const foldedName = (text: string): Uint8Array => {
  const name = nameFrom(text);
  foldName(name, 0, name.length);
  return name;
};

/** `list:line match`, or `passes`. */
export const formatVerdict = (verdict: Verdict): string =>
  verdict.refused ? `${verdict.list}:${verdict.line} ${MATCH_NAMES[verdict.match]}` : 'passes';

/** What the table says of a name for a client that chose the lists of the mask. */
export const judgeName = (table: PolicyTable, text: string, lists = 0xffff_ffff): string => {
  const verdict = new Verdict();
  const name = foldedName(text);
  table.matchName(name, 0, name.length, lists, TRIGGER.QNAME, verdict);
  return formatVerdict(verdict);
};

/** What the table says of an address. */
export const judgeAddress = (table: PolicyTable, text: string, lists = 0xffff_ffff): string => {
  const words = createAddress();
  if (!parseAddress(text, words)) throw new TypeError(`"${text}" is not an address`);
  const verdict = new Verdict();
  table.matchAddress(words, lists, TRIGGER.RESPONSE_IP, verdict);
  return formatVerdict(verdict);
};

/** A list that refuses with NXDOMAIN. */
export const policyList = (id: string, changes: Partial<PolicyList> = {}): PolicyList => ({
  id,
  category: 'other',
  mandate: false,
  mode: { kind: 'nxdomain' },
  ttlSec: 30,
  ede: Uint8Array.of(0, 15),
  ...changes,
});
