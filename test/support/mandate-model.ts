// Lists with every kind of exception, and a plain reading of what each one says by itself: for the property that no list
// opens what a mandate refuses.
//
// Nothing here is the program's own: a list is a handful of rules, its text is written rule by rule, and what it says of a
// name is found by looking at every rule. A list is read alone; what others say is no part of it.
import fc from 'fast-check';

/** What a rule does. */
export type What = 'refuse' | 'drop' | 'nodata' | 'except' | 'tcp-only' | 'data';

/** One rule of a list. */
export interface ModelRule {
  readonly what: What;
  readonly match: 'suffix' | 'exact' | 'wildcard' | 'prefix';
  /** A name, or for `prefix` the network that the world's addresses of listed services lie in. */
  readonly name: string;
  readonly isImportant: boolean;
  /** Of `data`: an address, or a name that an alias leads to. */
  readonly lead: string;
}

/** The formats that say different things. */
export const FORMATS = ['domains', 'hosts', 'adblock', 'unbound', 'rpz'] as const;

/** One of FORMATS. */
export type Format = (typeof FORMATS)[number];

/** A list of the configuration. */
export interface ModelList {
  readonly format: Format;
  readonly role: 'mandate' | 'allow' | 'ordinary' | 'watched';
  readonly rules: readonly ModelRule[];
}

/** What one list says of a name: `over-tcp` lets through who asks over TCP. */
export type Saying = 'refuses' | 'passes' | 'over-tcp' | 'answers' | 'nothing';

/** Services that mandates list, with names above and below them. */
export const LISTED = [
  'svc.example',
  'tik.svc.example',
  'www.tik.svc.example',
  'a.www.tik.svc.example',
  'tok.svc.example',
  'cdn.tok.svc.example',
  'deep.er.cdn.tok.svc.example',
] as const;
/** Names that lead to them, and one that leads nowhere near. */
export const LEADING = ['alias.world', 'far.alias.world', 'hosted.world', 'plain.world'] as const;
/** Addresses of listed services. */
export const NETWORK = '203.0.113.0/24';
const SERVICE = '203.0.113.9';

/** Where each name leads in the world: aliases, then an address. */
export const WORLD: Readonly<Record<string, readonly string[]>> = {
  'alias.world': ['www.tik.svc.example', '192.0.2.7'],
  'far.alias.world': ['alias.world', 'www.tik.svc.example', 'cdn.tok.svc.example', '192.0.2.7'],
  'hosted.world': [SERVICE],
  'cdn.tok.svc.example': ['tok.svc.example', SERVICE],
};

/** Where any name leads. */
export const leadsOf = (name: string): readonly string[] => WORLD[name] ?? ['192.0.2.7'];

const isAddress = (text: string): boolean => /^[\d.]+$/.test(text);

const listedOrLeading = fc.constantFrom(...LISTED, ...LEADING);
/** What hostile or careless data leads to: a listed service, one that leads there, an innocent garden. */
const lead = fc.constantFrom(
  'tik.svc.example',
  'cdn.tok.svc.example',
  'alias.world',
  SERVICE,
  '198.51.100.1',
  'garden.world',
);

const ruleOf = (format: Format): fc.Arbitrary<ModelRule> => {
  const what: Readonly<Record<Format, readonly What[]>> = {
    domains: ['refuse'],
    hosts: ['refuse'],
    adblock: ['refuse', 'refuse', 'except'],
    unbound: ['refuse', 'refuse', 'except'],
    rpz: ['refuse', 'refuse', 'refuse', 'except', 'except', 'drop', 'nodata', 'tcp-only', 'data', 'data'],
  };
  const match: Readonly<Record<Format, readonly ModelRule['match'][]>> = {
    domains: ['suffix'],
    hosts: ['exact'],
    adblock: ['suffix'],
    unbound: ['suffix'],
    rpz: ['exact', 'exact', 'wildcard', 'wildcard', 'prefix'],
  };
  return (
    fc
      .record({
        what: fc.constantFrom(...what[format]),
        match: fc.constantFrom(...match[format]),
        name: listedOrLeading,
        isImportant: format === 'adblock' ? fc.nat(3).map((number) => number === 0) : fc.constant(false),
        lead,
      })
      .map((rule) => (rule.match === 'prefix' ? { ...rule, name: NETWORK } : rule))
      .map((rule) => ({ ...rule, lead: rule.what === 'data' ? rule.lead : '' }))
      // A name that is an alias of itself is how old zones write an exception.
      .map((rule) =>
        rule.match === 'exact' && rule.lead === rule.name ? { ...rule, what: 'except' as const } : rule,
      )
  );
};

/** A list whose rules contradict each other by what they say, never by saying two things of one trigger in one breath. */
export const modelList: fc.Arbitrary<ModelList> = fc
  .tuple(fc.constantFrom(...FORMATS), fc.constantFrom('mandate', 'mandate', 'allow', 'ordinary', 'watched'))
  .chain(([format, role]) =>
    fc
      .uniqueArray(ruleOf(format), {
        minLength: 1,
        maxLength: 6,
        selector: ({ match, name, what, isImportant }) =>
          format === 'adblock' ? `${name} ${what} ${isImportant}` : `${match} ${name}`,
      })
      .map((rules) => ({
        format,
        role: role as ModelList['role'],
        rules,
      })),
  );

/** Of few names, so that what lists say meets: where one leads, where another sends to TCP, and what a third refuses there. */
const meetingRule: fc.Arbitrary<ModelRule> = fc
  .record({
    what: fc.constantFrom<What[]>('refuse', 'tcp-only', 'data', 'except'),
    match: fc.constantFrom<ModelRule['match'][]>('exact', 'exact', 'exact', 'prefix'),
    name: fc.constantFrom('plain.world', 'alias.world', 'cdn.tok.svc.example', 'tok.svc.example'),
    isImportant: fc.constant(false),
    lead: fc.constantFrom('alias.world', 'cdn.tok.svc.example'),
  })
  .map((rule) => ({
    ...rule,
    name: rule.match === 'prefix' ? NETWORK : rule.name,
    lead: rule.what === 'data' ? rule.lead : '',
  }))
  .filter(({ name, lead: to }) => name !== to);

/** A list of which most words are about what others lead to. */
export const meetingList: fc.Arbitrary<ModelList> = fc.record({
  format: fc.constant('rpz'),
  role: fc.constantFrom('mandate', 'mandate', 'ordinary'),
  rules: fc.uniqueArray(meetingRule, {
    minLength: 1,
    maxLength: 3,
    selector: ({ match, name }) => `${match} ${name}`,
  }),
});

/** The text of a list, as its maintainer writes it. */
export const textOf = ({ format, rules }: ModelList): string => {
  if (format !== 'rpz') return rules.map((rule) => `${LINES[format](rule)}\n`).join('');
  return [
    '$ORIGIN policy.test.',
    '$TTL 60',
    '@ SOA localhost. hostmaster.example.com. 7 3600 600 86400 60',
    '@ NS localhost.',
    ...rules.map((rule) => `${ownerOf(rule)} ${actionOf(rule)}`),
    '',
  ].join('\n');
};

const LINES: Readonly<Record<Exclude<Format, 'rpz'>, (rule: ModelRule) => string>> = {
  domains: ({ name }) => name,
  hosts: ({ name }) => `0.0.0.0 ${name}`,
  adblock: ({ name, what, isImportant }) =>
    `${what === 'except' ? '@@' : ''}||${name}^${isImportant ? '$important' : ''}`,
  unbound: ({ name, what }) =>
    `local-zone: "${name}" ${what === 'except' ? 'transparent' : 'always_nxdomain'}`,
};

const ownerOf = ({ match, name }: ModelRule): string => {
  if (match === 'prefix') return '24.0.113.0.203.rpz-ip';
  return match === 'wildcard' ? `*.${name}` : name;
};

const actionOf = ({ what, lead: to }: ModelRule): string => {
  if (what === 'data' || to !== '') return isAddress(to) ? `A ${to}` : `CNAME ${to}.`;
  const actions = {
    refuse: '.',
    nodata: '*.',
    drop: 'rpz-drop.',
    except: 'rpz-passthru.',
    'tcp-only': 'rpz-tcp-only.',
  };
  return `CNAME ${actions[what]}`;
};

const SAYINGS: Readonly<Record<What, Saying>> = {
  refuse: 'refuses',
  drop: 'refuses',
  nodata: 'refuses',
  except: 'passes',
  'tcp-only': 'over-tcp',
  data: 'answers',
};

const isBelow = (name: string, zone: string): boolean => name.endsWith(`.${zone}`);
const isAt = (name: string, zone: string): boolean => name === zone || isBelow(name, zone);

/** The rule of a list that is about a name or an address, by the list's own way of weighing. */
export const ruleFor = (list: ModelList, place: string): ModelRule | undefined => {
  const rules = list.rules.filter(({ match }) => (match === 'prefix') === isAddress(place));
  if (isAddress(place)) return place === SERVICE ? rules[0] : undefined;
  if (list.format === 'rpz') return closest(rules, place);
  const weigh = ({ what, isImportant, name }: ModelRule): number =>
    list.format === 'adblock'
      ? (isImportant ? 2000 : 0) + (what === 'except' ? 1000 : 0) + name.length
      : name.length;
  return rules
    .filter(({ match, name }) => (match === 'exact' ? name === place : isAt(place, name)))
    .toSorted((a, b) => weigh(b) - weigh(a))[0];
};

/** As a name server reads a zone: the name itself, or the wildcard right below what encloses it closest (RFC 4592). */
const closest = (rules: readonly ModelRule[], place: string): ModelRule | undefined => {
  const own = rules.find(({ match, name }) => match === 'exact' && name === place);
  if (own !== undefined) return own;
  const owners = rules.map((rule) => ownerOf(rule));
  const exists = (name: string): boolean => owners.some((owner) => isAt(owner, name));
  if (exists(place)) return undefined;
  for (let zone = parentOf(place); zone !== ''; zone = parentOf(zone)) {
    const wildcard = rules.find(({ match, name }) => match === 'wildcard' && name === zone);
    if (wildcard !== undefined) return wildcard;
    if (exists(zone)) return undefined;
  }
  return undefined;
};

const parentOf = (name: string): string => (name.includes('.') ? name.slice(name.indexOf('.') + 1) : '');

/** What a list says of one name or address. */
export const sayingOf = (list: ModelList, place: string): Saying => {
  const rule = ruleFor(list, place);
  return rule === undefined ? 'nothing' : SAYINGS[rule.what];
};

/** What a list says of everything that an answer leads to, in its order. */
export const sayingOfAnswer = (list: ModelList, places: readonly string[]): Saying => {
  const sayings = places.map((place) => sayingOf(list, place)).filter((saying) => saying !== 'nothing');
  // Ad blockers refuse what leads to any refused name; elsewhere the first that is listed decides.
  if (list.format === 'adblock' && sayings.includes('refuses')) return 'refuses';
  return sayings[0] ?? 'nothing';
};

/** A label that no list has: for what stands below a wildcard. */
const ANYTHING = 'anything-at-all';

/** The rules of a list that refuse, and those of them that the list itself lets pass all the same. */
export const entriesOf = (
  list: ModelList,
): { readonly refusing: readonly ModelRule[]; readonly opened: readonly ModelRule[] } => {
  const refusing = list.rules.filter(({ what }) => what !== 'except' && what !== 'tcp-only');
  const opened = refusing.filter(({ match, name }) => {
    const place = match === 'prefix' ? SERVICE : match === 'wildcard' ? `${ANYTHING}.${name}` : name;
    const saying = sayingOf(list, place);
    return saying === 'passes' || saying === 'over-tcp' || saying === 'nothing';
  });
  return { refusing, opened };
};
