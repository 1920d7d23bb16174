// The schema of cordon.yaml: every key once, with its type, default, bounds and one sentence.
//
// The types of the file (RawConfig), of the parsed values (ParsedConfig) and of what the program works with (Config), the
// checks, the defaults, the effective configuration and docs/configuration.md all come from here and from sections/.
// Defaults are written as a file would write them. What is wrong between keys is found in cross-check.ts.
import { z } from 'zod';
import { type FormContext, type FormOf, orNone, withForm } from './form.ts';
import { autoOrInteger, choice, type OutOfScope, path, resolverName } from './leaf.ts';
import { isActive, liftedLists, type MandateConfig, withMandates } from './mandate-effect.ts';
import { listsOf, type ReadMandate } from './mandate-pack.ts';
import type { Path } from './problem.ts';
import { access, admin, proxies, rateLimit } from './sections/access.ts';
import { block, cache, dns64, rebinding } from './sections/answers.ts';
import { compliance } from './sections/compliance.ts';
import { controlRoom } from './sections/control-room.ts';
import { dnssec } from './sections/dnssec.ts';
import { FEEDS_MAX, feedItem } from './sections/feeds.ts';
import { fleet } from './sections/fleet.ts';
import { FORWARDERS_MAX, forwarder } from './sections/forwarders.ts';
import { DEFAULT_GROUP, defaultGroup, GROUPS_MAX, group } from './sections/groups.ts';
import { LEASE_SOURCES_MAX, leaseSource } from './sections/leases.ts';
import { doh, listen, tcp, tls } from './sections/listeners.ts';
import { LISTS_MAX, listItem, shippedList, withFeeds } from './sections/lists.ts';
import { local } from './sections/local.ts';
import { mandateDecisions, mandates, mandatesDone } from './sections/mandates.ts';
import { notice } from './sections/notice.ts';
import { probe } from './sections/probe.ts';
import { queryLog } from './sections/query-log.ts';
import { records } from './sections/records.ts';
import { reports } from './sections/reports.ts';
import { printable, structuredErrors } from './sections/structured-errors.ts';
import { bootstrap, fallback, forward, resolver, upstreams } from './sections/upstreams.ts';
import { key, keyAs, list } from './value.ts';

/** One worker per core; larger machines run several processes. */
const WORKERS_MAX = 64;

/** Whether a FIPS module is required. */
const FIPS_MODES = ['off', 'required'] as const;
const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
/** Whether lines of the log carry the priority that the journal reads. */
const LOG_PRIORITIES = ['auto', 'always', 'never'] as const;

/** Bytes of a name that stands in one line of a page. */
const AGENCY_BYTES_MAX = 100;

const configKeys = z.strictObject({
  agency: key(
    printable('text', AGENCY_BYTES_MAX).optional(),
    'Name of the agency whose networks these are, on pages and reports.',
    'the `organization` of `structured-errors`, else nobody is named',
  ),
  name: key(
    resolverName().optional(),
    'Name of this resolver in records, reports and everything that is sent elsewhere.',
    "the host's name",
  ),
  listen: key(listen, 'Where clients and operators connect.'),
  tls: key(tls, 'Certificate and bounds of the listeners `dot`, `doh` and `doq`.', 'none; all are off'),
  fips: key(
    choice(FIPS_MODES).prefault('off'),
    '`required`: start only with the cryptography of a FIPS module, and refuse what it does not have ([FIPS](fips.md)).',
  ),
  workers: key(autoOrInteger(1, WORKERS_MAX).prefault('auto'), 'Worker threads; `auto` is one per core.'),
  state: keyAs(
    'stateDirectory',
    path().prefault('./state'),
    'Directory for state that has to survive a restart.',
  ),
  upstreams: key(
    upstreams(),
    'Upstream resolvers; `resolver.strategy` chooses among them. All are encrypted, or none is.',
    "the system's resolvers",
  ),
  fallback: key(
    fallback(),
    'Upstream resolvers for questions on which all `upstreams` failed; encrypted if those are.',
    'none',
  ),
  bootstrap: key(
    bootstrap(),
    'Plain resolvers used to look up upstreams given by name, and the hosts of lists when no upstream is plain. Required if any upstream has a name, otherwise forbidden.',
    'none',
  ),
  forward: key(
    forward,
    'Zones whose questions go to servers of their own; the longest matching zone decides.',
  ),
  local: key(local, 'Names that Cordon answers by itself, from what is written here.'),
  mandates: key(
    mandates.prefault([]),
    'Decisions of authorities that bind this network, each as the name of a pack that ships, such as `be-federal-tiktok`, or the path of one of your own ([Mandates](mandates.md)). Their lists are in force as mandate lists for every group that does not write them out of scope, and exemptions keep their rules.',
  ),
  'mandate-decisions': key(
    mandateDecisions.prefault([]),
    'What people decided about mandates that are disputed, superseded or repealed. Without a decision, refusals go on.',
  ),
  'mandates-done': key(
    mandatesDone.prefault([]),
    'What was done of that which mandates ask for by a day: reports, removals, a list of the authority. A day that nobody wrote about is a health issue from 30 days before it on.',
  ),
  lists: key(
    list(listItem, 0, LISTS_MAX).optional(),
    'Lists of names and addresses; **they replace the shipped defaults**, mandate lists included: to add to the defaults, write `extra-lists` instead. Mandate lists go before those with `allow`, and these before all others; of each kind, the first decides.',
    'the shipped lists that are on by default',
  ),
  'extra-lists': key(
    list(listItem, 0, LISTS_MAX).optional(),
    'Lists beside those of `lists`, or beside the shipped defaults where there is no `lists`. An item with the `id` of one of them takes its place: `{ id: tiktok, shipped: tiktok, ede: { code: 16, text: "by order" } }` changes the text of a default list and nothing else.',
    'none',
  ),
  feeds: key(
    orNone(list(feedItem, 1, FEEDS_MAX)),
    'Signed feeds that newer versions of lists come from ([Feeds](feed.md)).',
    'none: lists are those of the release until somebody changes them',
  ),
  groups: key(
    list(group, 1, GROUPS_MAX).optional(),
    `Clients that share lists. Without a group \`${DEFAULT_GROUP}\`, clients that no group names get all lists.`,
    'one group with all lists',
  ),
  block: key(block, 'How refused names are answered.'),
  'structured-errors': key(
    structuredErrors,
    'Contact and reason for refused clients that ask for them over an encrypted transport ([Structured errors](blocking.md#structured-errors)).',
    'nobody is told any',
  ),
  notice: key(
    notice,
    'The page that the block mode `address` leads browsers to, over HTTP ([The notice](notice.md)).',
    'there is none',
  ),
  access: key(access, 'Who may ask.'),
  proxies: key(
    proxies,
    'Proxies before Cordon that say for whom they ask ([Behind a proxy](encrypted.md#behind-a-proxy)).',
  ),
  forwarders: key(
    list(forwarder, 0, FORWARDERS_MAX).prefault([]),
    'Resolvers before Cordon that say in options of EDNS for whom they ask ([Beside what is there](beside.md)). From everybody else these options are ignored.',
  ),
  leases: key(
    list(leaseSource, 0, LEASE_SOURCES_MAX).prefault([]),
    'Where it stands which device has an address ([Leases](beside.md#leases)): what it is called stands in records and in the query log as `identity` says, and groups and exemptions may name it.',
  ),
  doh: key(doh, 'What DNS over HTTPS does beside RFC 8484.'),
  admin: key(admin, 'Who may reach the admin listener.'),
  'control-room': key(
    controlRoom,
    'Pages and API for people without a shell, who sign in ([Control room](control-room.md)).',
    'there is none',
  ),
  cache: key(cache, 'The cache of answers.'),
  resolver: key(resolver, 'How upstreams are asked.'),
  dnssec: key(dnssec, 'Validation of answers (RFC 4035).'),
  dns64: key(
    dns64,
    'IPv6 addresses for names that have IPv4 addresses only, for clients behind a translator (RFC 6147).',
    'no addresses are synthesized',
  ),
  rebinding: key(rebinding, 'DNS rebinding: foreign names that lead to private addresses.'),
  'rate-limit': key(rateLimit, 'What one client may ask over UDP, where addresses can be forged.'),
  tcp: key(tcp, 'DNS over TCP.'),
  log: key(
    z
      .strictObject({
        level: key(choice(LOG_LEVELS).prefault('info'), 'Least important level that is written.'),
        priorities: key(
          choice(LOG_PRIORITIES).prefault('auto'),
          'Whether each line begins with its priority as `<N>`, as the journal of systemd reads it; `auto`: when standard output is the journal.',
        ),
      })
      .prefault({}),
    'Operational logs.',
  ),
  compliance: key(compliance, 'Exemptions: their rules, where they are kept, and who grants them.'),
  records: key(records, 'What is recorded, how clients appear in it, and how long it is kept.'),
  'query-log': key(
    queryLog,
    'Every query with its answer, for networks that keep such a log ([Query log](query-log.md)).',
  ),
  reports: key(
    reports,
    'Reports: who makes them, and which are made by themselves ([Reports](reports.md#schedule)).',
  ),
  probe: key(
    probe,
    'The self-probe: asks Cordon as a client would, and reports the result in metrics and records.',
  ),
  fleet: key(
    fleet,
    'Several resolvers with one policy and one body of evidence ([Fleet](fleet.md)).',
    'this resolver is by itself',
  ),
});

type Written = FormOf<typeof configKeys>;

/** The schema of one file. */
export const configSchema = withForm(configKeys, {
  into: (
    { lists, extraLists, groups, mandates, mandateDecisions, compliance, ...others }: Written,
    context,
  ) => {
    const written = new Set([...(lists ?? []), ...(extraLists ?? [])].map(({ id }) => id));
    const decided = mandates.flatMap((source, index): (MandateConfig & { source: typeof source })[] => {
      const read = context.mandateOf?.(index) as ReadMandate | undefined;
      if (read === undefined) return [];
      const decision = mandateDecisions.find((one) => one.mandate === read.mandate.id);
      return [{ ...read, source, decision }];
    });
    const base = withExtra(
      lists ?? context.facts.shippedDefault.map((id) => shippedList(id, context)),
      extraLists ?? [],
    );
    const all = withFeeds(withMandates(base, written, decided, context), others.feeds, context);
    return {
      ...others,
      lists: all,
      groups: withMandateLists(withDefault(groups ?? [], all, context), decided),
      mandates: decided,
      mandateDecisions,
      compliance: { ...compliance, outOfScope: withLifted(compliance.outOfScope, decided) },
    };
  },
  // With as many groups as there may be, the default one of all lists is there without being written.
  from: ({ groups, mandates, ...config }) => ({
    ...config,
    mandates: mandates.map(({ source }) => source),
    groups: groups.length > GROUPS_MAX ? groups.slice(1) : groups,
  }),
});

/** Every group has the lists of every mandate, but for what it writes out of scope. */
const withMandateLists = (
  groups: readonly FormOf<typeof group>[],
  mandates: readonly MandateConfig[],
): readonly FormOf<typeof group>[] => {
  const wanted = [...new Set(mandates.filter(isActive).flatMap(({ mandate }) => listsOf(mandate)))];
  return groups.map((one) => {
    const { outOfScope } = one;
    const excused = (id: string): boolean =>
      typeof outOfScope === 'boolean' ? outOfScope : outOfScope.includes(id);
    const missing = wanted.filter((id) => !one.lists.includes(id) && !excused(id));
    return missing.length === 0 ? one : { ...one, lists: [...one.lists, ...missing] };
  });
};

/** What was lifted by decision is missed by nobody. */
const withLifted = (outOfScope: OutOfScope, mandates: readonly MandateConfig[]): OutOfScope => {
  const lifted = liftedLists(mandates);
  if (outOfScope === true || lifted.length === 0) return outOfScope;
  return [...new Set([...(outOfScope === false ? [] : outOfScope), ...lifted])];
};

/** An extra list takes the place of the list that it has the identifier of, or stands behind all others. */
const withExtra = (lists: NonNullable<Written['lists']>, extra: NonNullable<Written['lists']>) => [
  ...new Map([...lists, ...extra].map((list) => [list.id, list])).values(),
];

/** The default group first; the others as written. */
const withDefault = (
  groups: NonNullable<Written['groups']>,
  lists: NonNullable<Written['lists']>,
  context: FormContext,
) => {
  const stated = groups.find(({ name }) => name === DEFAULT_GROUP);
  const own =
    stated ??
    defaultGroup(
      lists.map(({ id }) => id),
      context,
    );
  return [own, ...groups.filter((group) => group !== stated)];
};

/** The configuration as a file writes it. */
export type RawConfig = z.input<typeof configSchema>;
/** Every value parsed, defaults filled in; keys not yet checked against each other, paths as written. */
export type ParsedConfig = z.output<typeof configSchema>;
/** The configuration of one process: checked, every default filled in, every path absolute. */
export type Config = FormOf<typeof configSchema>;
/** What a resolver of a fleet needs to know of it. */
export type FleetConfig = NonNullable<Config['fleet']>;
/** What is recorded, how, and for how long. */
export type RecordsConfig = Config['records'];
/** Every query, where a log is kept. */
export type QueryLogConfig = Config['queryLog'];
/** Reports. */
export type ReportsConfig = Config['reports'];
/** Certificate and bounds of the encrypted listeners. */
export type TlsConfig = NonNullable<Config['tls']>;
/** Clients that share lists. */
export type GroupConfig = Config['groups'][number];
/** A signed feed. */
export type FeedConfig = Config['feeds'][number];
/** One list. What is undefined here is what the list's own header says. */
export type ListConfig = Config['lists'][number];

/** What a key of the schema holds below wrappers such as defaults: a map, a list or a leaf. */
export type Shape =
  | { readonly kind: 'map'; readonly keys: ReadonlyMap<string, z.ZodType> }
  | { readonly kind: 'list'; readonly item: z.ZodType; readonly schema: z.ZodType }
  | { readonly kind: 'leaf'; readonly schema: z.ZodType };

/** Looks below defaults and optionality. `byDefault` is the outermost default, as written. */
export const shapeOf = (schema: z.ZodType): { shape: Shape; byDefault: unknown; isOptional: boolean } => {
  let inner = schema;
  let byDefault: unknown;
  let isOptional = false;
  for (;;) {
    if (inner instanceof z.ZodPrefault) {
      byDefault ??= inner.def.defaultValue;
    } else if (inner instanceof z.ZodOptional) {
      isOptional = true;
    } else {
      return { shape: innerShape(inner), byDefault, isOptional };
    }
    inner = inner.def.innerType as z.ZodType;
  }
};

const innerShape = (schema: z.ZodType): Shape => {
  if (schema instanceof z.ZodObject) {
    return { kind: 'map', keys: new Map(Object.entries(schema.def.shape as Record<string, z.ZodType>)) };
  }
  if (schema instanceof z.ZodArray) return { kind: 'list', item: schema.def.element as z.ZodType, schema };
  return { kind: 'leaf', schema };
};

/** Names of the keys of the map at a path of a file; none when there is no map in its schema. */
export const keysAt = (schema: z.ZodType, path: Path): readonly string[] => {
  let { shape } = shapeOf(schema);
  for (const part of path) {
    if (shape.kind === 'leaf') return [];
    const below = shape.kind === 'list' ? shape.item : shape.keys.get(String(part));
    if (below === undefined) return [];
    ({ shape } = shapeOf(below));
  }
  return shape.kind === 'map' ? [...shape.keys.keys()] : [];
};
