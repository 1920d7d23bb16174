// The format `adblock` beside AdGuard's engine: its verdicts on 153 pairs of rules and queries, and what other programs
// take from 77 lines. What Cordon reads differently stands in tables with the reason; all else has to agree.
//
// The cases lie in ../shared/conformance beside the project and are not part of it.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type AddressWords, createAddress, parseAddress } from '../../../src/base/base.ts';
import { type DiagnosticCode, feedRules } from '../../../src/policy/lists/lists.ts';
import { Policy, TableBuilder, Verdict } from '../../../src/policy/policy.ts';
import { parseType } from '../../../src/wire/dns/dns.ts';
import { foldedName, policyList } from '../policy/setup.ts';
import { RuleLog, readerOf } from './rule-log.ts';

const file = fileURLToPath(
  new URL('../../../../shared/conformance/lists/list_vectors.json', import.meta.url),
);
const isPresent = existsSync(file);
const NEEDED = isPresent
  ? {}
  : { skip: true, meta: { notRun: '../shared/conformance is not beside the project' } };

interface RuleCase {
  readonly note: string;
  readonly rules: readonly string[];
  readonly type: string;
  readonly host: string;
  readonly client?: string;
  readonly urlfilter: { readonly verdict: 'block' | 'allow' | 'hosts' | 'none' };
}

interface LineCase {
  readonly line: string;
  readonly pihole: readonly string[];
}

const cases = isPresent
  ? (JSON.parse(readFileSync(file, 'utf8')) as { rules: readonly RuleCase[]; lines: readonly LineCase[] })
  : { rules: [], lines: [] };

type Outcome = 'block' | 'allow' | 'none';

/** What the compiled rules of a list say of a question. */
const judge = ({ rules, host, type, client }: RuleCase): { outcome: Outcome; codes: readonly string[] } => {
  const builder = new TableBuilder();
  const { diagnostics } = feedRules('adblock', readerOf(rules.join('\n')), builder.sinkFor(0));
  const policy = new Policy(
    {
      generation: 1,
      table: builder.build(),
      lists: [policyList('adblock', { precedence: 'action' })],
      groups: [{ name: 'default', lists: 1 }],
    },
    0,
  );
  const name = foldedName(host);
  const verdict = new Verdict();
  policy.judgeQuestion(name, 0, name.length, parseType(type) ?? 0, addressOf(client), 0, verdict);
  const outcome = verdict.list < 0 ? 'none' : verdict.refused ? 'block' : 'allow';
  return { outcome, codes: diagnostics.map(({ code }) => code) };
};

/** The address of a client; that of nobody when the case names none. */
const addressOf = (client: string | undefined): AddressWords => {
  const words = createAddress();
  if (client !== undefined) parseAddress(client, words);
  return words;
};

const taken = (line: string): readonly string[] => {
  const log = new RuleLog();
  feedRules('adblock', readerOf(line), log);
  return log.rules.map((rule) => rule.slice(2));
};

/** Pi-hole's names in our words: a name alone is exact, `||name^` a suffix. */
const takenByPihole = ({ pihole }: LineCase): readonly string[] =>
  pihole
    .filter((text) => !text.startsWith('INVALID:'))
    .map((text) => (text.startsWith('||') ? `suffix ${text.slice(2, -1)}` : `exact ${text}`));

/** Why rules are not taken that AdGuard's engine applies, or drops in silence. */
const REJECTED: Readonly<Record<string, readonly [codes: readonly DiagnosticCode[], reason: string]>> = {
  'plain name with a wildcard is a pattern': [['adblock-open'], 'it would refuse a.example.organic as well'],
  'wildcard inside': [['adblock-wildcard'], 'a table of names has no place for it; an expression has'],
  'wildcard TLD': [['adblock-wildcard'], 'it refuses names of owners that nobody looked at'],
  'substring rule': [['single-label'], 'no name'],
  'rule with path does not apply to DNS': [['url'], 'the engine applies it to nothing, and says nothing'],
  'rule with /* applies': [['adblock-wildcard'], 'a rule for requests'],
  'rule with protocol': [['url'], 'a rule for requests'],
  'rule with port': [['port'], 'the engine applies it to nothing, and says nothing'],
  $denyallow: [['single-label'], 'everything but two top-level domains'],
  '$dnstype unknown type is an invalid rule': [['unknown-type'], 'the engine drops it as well'],
  '$client name, quoted': [['adblock-client'], 'names of clients are known to one server only'],
  '$client list': [['adblock-client'], 'half a rule would be a guess'],
  $ctag: [['adblock-ctag'], 'tags of clients are known to one server only'],
  '$ctag not': [['adblock-ctag'], 'tags of clients are known to one server only'],
  'unknown modifier: rule is dropped': [['adblock-modifier'], 'the engine drops it as well'],
  'browser-only modifiers: rule is not for DNS': [['adblock-browser'], 'the engine drops it as well'],
  'third-party: not for DNS': [['adblock-browser'], 'the engine drops it as well'],
  '$domain=: not for DNS': [['adblock-browser'], 'the engine drops it as well'],
  '$all / $document / $popup': [
    ['adblock-browser', 'adblock-browser', 'adblock-browser'],
    'the engine drops them as well',
  ],
  '$dnsrewrite ip': [['adblock-rewrite'], 'a list does not send clients anywhere'],
  '$dnsrewrite name': [['adblock-rewrite'], 'a list does not send clients anywhere'],
  '$dnsrewrite keyword': [['adblock-rewrite'], 'the answer is the configuration’s'],
  '$dnsrewrite REFUSED': [['adblock-rewrite'], 'the answer is the configuration’s'],
  '$dnsrewrite full form': [['adblock-rewrite'], 'a list does not send clients anywhere'],
  '$dnsrewrite nodata': [['adblock-rewrite'], 'the answer is the configuration’s'],
  '$dnsrewrite exception': [['adblock-rewrite', 'adblock-rewrite'], 'there is nothing to except'],
  '$dnsrewrite exception of one value': [
    ['adblock-rewrite', 'adblock-rewrite', 'adblock-rewrite'],
    'there is nothing to except',
  ],
  '$dnsrewrite bad syntax dropped': [['adblock-rewrite'], 'the engine drops it as well'],
  'broken regex is dropped': [['pattern-syntax'], 'the engine drops it as well'],
  'bad address in a hosts line': [['hosts-address'], 'the engine drops it as well'],
  'address alone': [['ip-address'], 'no name'],
  'cosmetic rules are ignored': [
    ['adblock-cosmetic', 'adblock-cosmetic', 'adblock-cosmetic', 'adblock-cosmetic', 'adblock-cosmetic'],
    'the engine ignores them as well',
  ],
  'single label': [['single-label', 'single-label'], 'a name of the own network, or a top-level domain'],
  'TLD rule': [['single-label'], 'a top-level domain'],
  'too wide rules': [
    ['adblock-open', 'adblock-wildcard', 'adblock-open', 'adblock-wildcard'],
    'one line would refuse all names',
  ],
  'very short rule': [['single-label'], 'the engine drops it as well'],
  'empty modifiers': [['adblock-modifier'], 'the engine drops it as well'],
  'escaped dollar / comma': [['adblock-client'], 'names of clients are known to one server only'],
};

/** Where a rule is taken and the verdict differs: by note and host ours, and why. */
const DIFFERENT: Readonly<Record<string, readonly [outcome: Outcome, reason: string]>> = {
  'plain name in a list = exact host rule (0.0.0.0): EXAMPLE.ORG': ['block', 'names have no case (RFC 4343)'],
  'upper case plain: example.org': ['block', 'names have no case (RFC 4343)'],
  'trailing dot in the rule: example.org': ['block', 'a name with its final dot is the same name'],
  'trailing dot plain: example.org': ['block', 'a name with its final dot is the same name'],
  'no separator: prefix of a longer name matches: example.organic': [
    'none',
    'its author left out the end of the name and meant it',
  ],
  'no separator: prefix of a longer name matches: example.org.evil.net': [
    'none',
    'its author left out the end of the name and meant it',
  ],
  'IDN as Unicode: xn--mller-kva.example': ['block', 'the A-labels are what is asked for (RFC 5890)'],
};

/** Lines of which Pi-hole takes other names: what Cordon takes, and why. */
const LINES: Readonly<Record<string, readonly [rules: readonly string[], reason: string]>> = {
  'a.com#c': [[], 'a comment stands apart; name#text is a rule for web pages'],
  '@@||example.com^': [['suffix example.com passthru'], 'Pi-hole takes it in its other kind of list'],
  '||example.com^$important': [['suffix example.com important'], 'a term of the language'],
  '||example.com': [['suffix example.com'], 'its author left out the end of the name and meant it'],
  '|example.com^': [['exact example.com'], 'a form of the language'],
  '||*.example.com^': [['wildcard example.com'], 'a form of the language'],
  '/ads[0-9]+\\.example\\.com/': [
    ['pattern /ads[0-9]+\\.example\\.com/u'],
    'Pi-hole keeps expressions apart from its lists',
  ],
  'müller.com': [['exact xn--mller-kva.com'], 'internationalized names are taken'],
  '||müller.com^': [['suffix xn--mller-kva.com'], 'internationalized names are taken'],
  '\u{1f4a9}.la': [['exact xn--ls8h.la'], 'internationalized names are taken'],
  'example.-com': [['exact example.-com'], 'DNS allows any octet in a label (RFC 2181 section 11)'],
  'example.com-': [['exact example.com-'], 'DNS allows any octet in a label (RFC 2181 section 11)'],
  'example.com CNAME .': [[], 'half a line would be a guess'],
  'exa mple.com': [[], 'half a line would be a guess'],
};

describe('the adblock format beside other programs', NEEDED, () => {
  it('has all cases', () => {
    expect([cases.rules.length, cases.lines.length]).toEqual([153, 77]);
  });

  it('gives the verdict of AdGuard’s engine for what is taken, and a diagnostic for the rest', () => {
    for (const found of cases.rules) {
      const { outcome, codes } = judge(found);
      const theirs = found.urlfilter.verdict === 'hosts' ? 'block' : found.urlfilter.verdict;
      const [expectedCodes] = REJECTED[found.note] ?? [[]];
      expect({ note: found.note, codes }).toEqual({ note: found.note, codes: expectedCodes });
      const place = `${found.note}: ${found.host}`;
      const [expected] = DIFFERENT[place] ?? [theirs];
      if (expectedCodes.length > 0 && outcome === 'none') continue;
      expect({ place, outcome }).toEqual({ place, outcome: expected });
    }
  });

  it('takes the names that Pi-hole takes from a line, but for the differences of the table', () => {
    const differences = cases.lines
      .filter((found) => taken(found.line).join() !== takenByPihole(found).join())
      .map((found) => [found.line, taken(found.line)]);
    expect(Object.fromEntries(differences)).toEqual(
      Object.fromEntries(Object.entries(LINES).map(([line, [rules]]) => [line, rules])),
    );
  });

  it('needs each line of its tables', () => {
    const notes = new Set(cases.rules.map(({ note }) => note));
    const places = new Set(cases.rules.map(({ note, host }) => `${note}: ${host}`));
    expect(Object.keys(REJECTED).filter((note) => !notes.has(note))).toEqual([]);
    expect(Object.keys(DIFFERENT).filter((place) => !places.has(place))).toEqual([]);
  });
});
