// What came of a response policy zone, as text: a rule a line with its action and records, then the remarks.
import { formatPrefix, type Prefix } from '../../../src/base/base.ts';
import { DiagnosticLog } from '../../../src/policy/lists/diagnostic.ts';
import { feedRpz, type RpzFacts, type RpzOptions } from '../../../src/policy/lists/rpz-format.ts';
import { MATCH_NAMES, type Match, type RuleSink, type RuleTerms } from '../../../src/policy/policy.ts';
import { formatName, formatRdata, formatType } from '../../../src/wire/dns/dns.ts';
import { readerOf } from './rule-log.ts';

/** What a zone was read as. */
export interface ZoneRules {
  /** `LINE TRIGGER SUBJECT ACTION`, sorted by line. */
  readonly rules: readonly string[];
  /** `LINE:COLUMN CODE`. */
  readonly remarks: readonly string[];
  readonly facts: RpzFacts;
  /** Distinct objects that rules had as their terms. */
  readonly termsCount: number;
}

/** Reads the text of a zone. */
export const readZone = (text: string | Uint8Array, options?: RpzOptions): ZoneRules => {
  const rules: { line: number; text: string }[] = [];
  const seen = new Set<RuleTerms | undefined>();
  const add = (line: number, trigger: string, terms: RuleTerms | undefined): void => {
    seen.add(terms);
    rules.push({ line, text: `${line} ${trigger} ${actionText(terms)}` });
  };
  const sink: RuleSink = {
    addName: (match: Match, name, length, line, terms) =>
      add(line, `${MATCH_NAMES[match]} ${formatName(name.slice(0, length)).slice(0, -1)}`, terms),
    addPrefix: (prefix: Prefix, line, terms) => add(line, `prefix ${formatPrefix(prefix)}`, terms),
    addClientPrefix: (prefix: Prefix, line, terms) => add(line, `client ${formatPrefix(prefix)}`, terms),
    addPattern: () => {
      throw new Error('a response policy zone has no patterns');
    },
  };
  const log = new DiagnosticLog();
  const facts = feedRpz(readerOf(text), sink, log, options);
  const sorted = rules.sort((a, b) => a.line - b.line).map((rule) => rule.text);
  const remarks = log.kept.map(({ line, column, code }) => `${line}:${column} ${code}`);
  return { rules: sorted, remarks, facts, termsCount: seen.size };
};

const actionText = (terms: RuleTerms | undefined): string => {
  if (terms === undefined) return 'list';
  const { action } = terms;
  if (action.kind !== 'data') return action.kind;
  const records = action.records.map(
    ({ type, ttlSec, rdata }) => `${ttlSec} ${formatType(type)} ${formatRdata(type, rdata)}`,
  );
  return `[${records.join(', ')}]`;
};
