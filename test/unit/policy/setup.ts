// Policy tables from texts: one array of rules per list, the rule's line is its place in the array.
//
//   example.com      suffix        =example.com     exact
//   *.example.com    wildcard      192.0.2.0/24     response addresses
//   /expression/     pattern       client:PREFIX    clients
//
// Behind the trigger may stand `=> ACTION`, where `TYPE RDATA` is local data, and conditions: `; important`,
// `; types A AAAA`, `; not-types A`, `; clients PREFIX`, `; not-clients PREFIX`, `; except NAME`.
import { createAddress, type Prefix, parseAddress, parsePrefix } from '../../../src/base/base.ts';
import {
  MATCH,
  MATCH_NAMES,
  type PolicyList,
  type RuleAction,
  type RuleSink,
  type RuleTerms,
  TableBuilder,
  Verdict,
} from '../../../src/policy/policy.ts';
import { PolicyTable } from '../../../src/policy/table.ts';
import { foldName, nameFrom, parseRdata, parseType, TRIGGER } from '../../../src/wire/dns/dns.ts';

/** The shared bytes of the lists, in the order of their ranks where these are given. */
export const buildTable = (
  lists: readonly (readonly string[])[],
  ranks?: readonly number[],
): SharedArrayBuffer => {
  const builder = new TableBuilder();
  for (const [list, rules] of lists.entries()) {
    const sink = builder.sinkFor(list);
    for (const [index, rule] of rules.entries()) addRule(sink, rule, index + 1);
  }
  return builder.build(ranks);
};

const addRule = (sink: RuleSink, rule: string, line: number): void => {
  const [head = '', ...conditions] = rule.split(';').map((part) => part.trim());
  const [trigger = '', action] = head.split('=>').map((part) => part.trim());
  const terms = action === undefined && conditions.length === 0 ? undefined : termsOf(action, conditions);
  if (trigger.startsWith('client:')) sink.addClientPrefix(prefixOf(trigger.slice(7)), line, terms);
  else if (trigger.startsWith('/')) sink.addPattern(new RegExp(trigger.slice(1, -1), 'u'), line, terms);
  else if (parsePrefix(trigger) !== undefined) sink.addPrefix(prefixOf(trigger), line, terms);
  else {
    const match = trigger.startsWith('=')
      ? MATCH.EXACT
      : trigger.startsWith('*.')
        ? MATCH.WILDCARD
        : MATCH.SUFFIX;
    const name = foldedName(trigger.replace(/^(?:=|\*\.)/, ''));
    sink.addName(match, name, name.length, line, terms);
  }
};

const termsOf = (action: string | undefined, conditions: readonly string[]): RuleTerms => {
  let terms: RuleTerms = { action: actionOf(action ?? 'list') };
  for (const condition of conditions) {
    const [word = '', ...values] = condition.split(' ');
    const isExcluding = word.startsWith('not-');
    if (word === 'important') terms = { ...terms, isImportant: true };
    else if (word.endsWith('types'))
      terms = { ...terms, types: { types: values.map((value) => parseType(value) ?? 0), isExcluding } };
    else if (word.endsWith('clients'))
      terms = { ...terms, clients: { prefixes: values.map(prefixOf), isExcluding } };
    else if (word === 'except') terms = { ...terms, exceptBelow: values.map(foldedName) };
    else throw new TypeError(`"${condition}" is no condition`);
  }
  return terms;
};

const actionOf = (text: string): RuleAction => {
  const [word = '', ...rest] = text.split(' ');
  const type = parseType(word);
  if (type === undefined || rest.length === 0) return { kind: word as 'list' };
  const rdata = parseRdata(type, rest.join(' '));
  return { kind: 'data', records: [{ type, ttlSec: 5, rdata }] };
};

const prefixOf = (text: string): Prefix => {
  const prefix = parsePrefix(text);
  if (prefix === undefined) throw new TypeError(`"${text}" is not a prefix`);
  return prefix;
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
  precedence: 'specificity',
  logOnly: false,
  ...changes,
});
