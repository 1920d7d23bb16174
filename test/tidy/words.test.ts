// Retired words: private names for which the field has a word. The words that readers learn are in docs/development.md.
//
// A row names what is not written any more, what is written instead and where the row holds. A place that keeps the word has a
// reason: published names (metrics, labels, error codes, records) and decisions of their time (docs/adr) never change.
import { expect, test } from 'vitest';
import { plant, readSources, type Sources } from './sources.ts';

interface Retired {
  readonly word: RegExp;
  readonly instead: string;
  /** Beginnings of paths; '' is the whole checkout. */
  readonly within: readonly string[];
  /** Places that keep it, by path, each with its reason. */
  readonly kept?: Readonly<Record<string, string>>;
}

const CODE = ['src/', 'pages/', 'bench/'];
const DOCS = ['docs/', 'README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'SECURITY.md'];
/** Pages in the field's words; published names stay: exemption-papers, tide-every, alarms.jsonl, x-door, probe.sweep. */
const READ_AGAIN = [
  'README.md',
  'SECURITY.md',
  ...[
    'blocking carrying control-room cordon-proof dnssec encrypted errors exemptions feed fleet identity invariants lists',
    'mandates notice operations outputs probe query-log records reports runbooks security survival upstreams',
  ]
    .flatMap((names) => names.split(' '))
    .map((name) => `docs/${name}.md`),
];

const RETIRED: readonly Retired[] = [
  {
    word: /\b[A-Z]\w*Keeper\b/,
    instead: 'reloader, renewer, scheduler, monitor, updater …',
    within: [...CODE, ...DOCS],
  },
  { word: /\bcrowds?\b/i, instead: 'source, in-flight queries', within: [...CODE, ...DOCS] },
  {
    word: /\bgreed(?:y|ier|iest)\b(?!-)/i,
    instead: 'heaviest source',
    within: [...CODE, ...DOCS],
  },
  { word: /\bwaiting room\b/i, instead: 'in-flight queries', within: [...CODE, ...DOCS] },
  { word: /\bgiv(?:e|es|en|ing) way\b/i, instead: 'evict', within: ['src/resolver/', ...READ_AGAIN] },
  {
    word: /\b(?:Entrance|Beginnings|Departures|Strangers|Offenders|Roll|Brake|WaiterDesk)\b/,
    instead: 'Acceptor, QuicAdmission …',
    within: ['src/'],
  },
  { word: /\bprocessor time\b/i, instead: 'CPU time', within: [...CODE, ...DOCS] },
  { word: /\bpapers?\b(?<!exemption-papers)/i, instead: 'exemption, exemption request', within: READ_AGAIN },
  { word: /\btides?\b(?!-every)/i, instead: 'signed checkpoint', within: READ_AGAIN },
  // Published: the key of the configuration, the engine's subject and stream, and the signed text.
  {
    word: /(?<!CORDON_)(?<!cordon\.)(?<!cordon fleet )(?<!`)\b[tT]ides?(?!-every)(?:[A-Z]\w*|\b)/,
    instead: 'signed checkpoint',
    within: ['src/', 'test/support/', 'test/soak/'],
  },
  // Members of the interface (`heard`, `heardSec`, `authorityHeard`, `unheard`) are published.
  {
    word: /\b(?:Heard\w*|Hearing\w*|Said)\b|#(?:on|until)?[hH]ear\w*|#said\w*|\broll\b(?!-back| back| over|ed)/,
    instead: 'last contact, presences, reported …, membership',
    within: ['src/fleet/', 'test/support/', 'test/soak/fleet'],
  },
  { word: /\bmend(?:s|ed|ing)?\b/i, instead: 'fix', within: READ_AGAIN },
  { word: /\balarms?\b(?!\.jsonl)/i, instead: 'alert', within: READ_AGAIN },
  {
    word: /\b(?<!x-)doors?\b|\bkeepers?\b|\bsweeps?\b(?!:|`| \d)/i,
    instead: 'interface, …, probe run',
    within: READ_AGAIN,
  },
];

const find = (sources: Sources, retired: readonly Retired[]): string[] => {
  const findings: string[] = [];
  for (const [path, text] of sources) {
    if (path.startsWith('docs/adr/')) continue;
    for (const { word, instead, within, kept = {} } of retired) {
      if (!within.some((begin) => path.startsWith(begin)) || path in kept) continue;
      for (const [at, line] of text.split('\n').entries()) {
        const [found] = word.exec(line) ?? [];
        if (found !== undefined) findings.push(`${path}:${at + 1} ${found}: write ${instead}`);
      }
    }
  }
  return findings;
};

const readAll = (): Sources =>
  new Map(['.'].flatMap((directory) => [...readSources(directory, ['.ts', '.tsx', '.md'])]));

test('no retired word is written', () => {
  const sources = readAll();
  expect(sources.size).toBeGreaterThan(1000);
  expect(find(sources, RETIRED)).toEqual([]);
});

test('a place that keeps a retired word still has it', () => {
  const sources = readAll();
  for (const { word, kept = {} } of RETIRED)
    for (const path of Object.keys(kept)) expect(sources.get(path) ?? '', path).toMatch(word);
});

test.each([
  ['src/a.ts', 'export class TlsKeeper {}'],
  ['src/resolver/a.ts', '// The greediest crowd has to give way.'],
  ['docs/security.md', 'It takes 2 ms of processor time.'],
  ['src/fleet/a.ts', 'const tideMs = 1; // Between two tides.'],
  ['src/fleet/b.ts', 'class Hearing { #saidMs = 0; }'],
  ['docs/exemptions.md', 'Every problem of a paper is told.'],
  ['docs/fleet.md', 'No tide was heard.'],
  ['docs/probe.md', 'The sweep asks at a door.'],
])('find() catches a breach in %s', (path, text) => {
  expect(find(plant({ [path]: text }), RETIRED)).not.toEqual([]);
  expect(find(plant({ [`docs/adr/${path}`]: text }), RETIRED)).toEqual([]);
});
