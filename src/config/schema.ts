// The schema of cordon.yaml: every key once, with its type, default, bounds and one sentence.
//
// The types of the file (RawConfig) and of the parsed values (ParsedConfig), the checks, the defaults and
// docs/configuration.md all come from here. Defaults are written as a file would write them. What concerns more
// than one key is in cross-check.ts.
import { z } from 'zod';
import { EDE } from '../dns/dns.ts';
import {
  durationMs,
  durationSec,
  formatDurationMs,
  formatShare,
  formatSize,
  share,
  sizeBytes,
} from './amount.ts';
import { sentence } from './evidence-leaf.ts';
import { compliance, decision, probe, records } from './evidence-schema.ts';
import {
  apex,
  autoOrInteger,
  BLOCK_ADDRESSES,
  blockAnswer,
  blockMode,
  boolean,
  choice,
  edeText,
  endpoint,
  endpointOrOff,
  hostAddress,
  identifier,
  integer,
  ipAddress,
  numberChoice,
  outOfScope,
  path,
  unavailable,
  unavailableList,
  zone,
} from './leaf.ts';
import {
  BUNDLED_AUTHORITIES,
  DNSSEC_MODES,
  LIST_FORMATS,
  LOG_PRIORITIES,
  type LogLevel,
  RATE_LIMIT_MODES,
  STRATEGIES,
  SYSTEM_AUTHORITIES,
  type UrlSource,
} from './normalized.ts';
import { ipv6Prefix, prefix, translationPrefix } from './prefix-leaf.ts';
import type { Path } from './problem.ts';
import { dayHours, timePoint, timeZone, WEEKDAYS } from './schedule-leaf.ts';
import { publicKey, sha256, url } from './source-leaf.ts';
import { plainServer, upstream } from './upstream-leaf.ts';
import { key, list } from './value.ts';

/** Sockets per worker stay countable; a host rarely has more addresses that it should serve on. */
const LISTENERS_MAX = 16;
/** One worker per core; larger machines run several processes. */
const WORKERS_MAX = 64;
/** A question tries few servers before its time is over; more only hides dead ones. */
const UPSTREAMS_MAX = 16;
/** Beside UPSTREAMS_MAX: servers for the day on which all others fail. Both together stay below 32, bits of one word. */
const FALLBACK_MAX = 8;
/** Asked a few times a day; the next one is asked only when one does not answer. */
const BOOTSTRAP_MAX = 8;
/** Forwarding rules, and zones of one rule: agencies' internal zones with their reverse zones. */
const FORWARD_RULES_MAX = 256;
const FORWARD_ZONES_MAX = 256;
/** Operators of one list: the shipped ones have a handful. */
const OPERATORS_MAX = 16;
/** A set of lists is one 32-bit word in the policy table. */
export const LISTS_MAX = 32;
/** Groups are labels of the refusal counters: 64 groups × 32 lists is their largest plane. */
const GROUPS_MAX = 64;
/** Prefixes of one group or of one access list. */
const PREFIXES_MAX = 4096;
/** Zones with a negative trust anchor, and zones that may lead to private addresses: as many as one rule forwards. */
const EXCEPTED_ZONES_MAX = 256;
/** Prefixes that an IPv6 address is compared with, one after the other, for each AAAA record. */
const DNS64_EXCLUDED_MAX = 16;
/** Addresses of one host: as many as upstreams. */
const HOST_ADDRESSES_MAX = 16;
/** Schedules of one group: looked at each minute; two for every list that there can be. */
const SCHEDULES_MAX = 64;

/** Group that holds every client that no other group names. */
export const DEFAULT_GROUP = 'default';

/** Loopback (RFC 1122, RFC 4291). */
const LOOPBACK = ['127.0.0.0/8', '::1/128'];
/** Networks that are not reachable from the Internet: loopback, RFC 1918, RFC 3927, RFC 4193, RFC 4291. */
export const LOCAL_NETWORKS = [
  ...LOOPBACK,
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '169.254.0.0/16',
  'fc00::/7',
  'fe80::/10',
];

/** Files of authorities: an agency, the department above it, and those that they replace. */
const AUTHORITIES_MAX = 16;
/** Names under which browsers and scrapers reach the admin listener. */
const ADMIN_HOSTS_MAX = 16;

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];
const MATCHES = ['suffix', 'exact'] as const;
/** Blocked, Censored, Filtered, Prohibited (RFC 8914 section 4). */
const EDE_CODES = [EDE.BLOCKED, EDE.CENSORED, EDE.FILTERED, EDE.PROHIBITED];

/** What holds for a list with `url` that does not say otherwise. */
export const URL_DEFAULTS = {
  refreshMs: 4 * 3_600_000,
  /** About two million names, as many as the largest public lists have. */
  sizeBytesMax: 64 * 2 ** 20,
  /** Lists that people keep change by a few per cent a day. */
  review: { shrinkShareMax: 0.2, growthShareMax: 2, rejectedShareMax: 0.05 },
} as const satisfies Partial<UrlSource>;

const inCode = (text: string): string => `\`${text}\``;

const listen = z
  .strictObject({
    dns: key(
      list(endpoint(53), 1, LISTENERS_MAX).prefault(['127.0.0.1:5353']),
      'Addresses that answer DNS over UDP and TCP; port 0 is any free port.',
    ),
    dot: key(
      unavailableList('DNS over TLS is not available in this version').optional(),
      'Addresses for DNS over TLS; not available in this version.',
    ),
    doh: key(
      unavailableList('DNS over HTTPS is not available in this version').optional(),
      'Addresses for DNS over HTTPS; not available in this version.',
    ),
    admin: key(
      endpointOrOff(9153).prefault('127.0.0.1:9153'),
      'Address of metrics and health over HTTP; `false` turns it off.',
    ),
  })
  .prefault({});

const forwardRule = z.strictObject({
  zones: key(
    list(zone('the root cannot be forwarded apart', 'use the key "upstreams"'), 1, FORWARD_ZONES_MAX),
    'Zones, each with everything below it; reverse zones are written as names.',
  ),
  upstreams: key(
    list(upstream(), 1, UPSTREAMS_MAX),
    'Servers that are asked about these zones, and no others; chosen among by `resolver.strategy`.',
  ),
});

const listItem = z.strictObject({
  id: key(identifier(), 'Name of the list in groups, metrics and logs; unique.'),
  shipped: key(
    identifier().optional(),
    'Name of a list that Cordon ships; exactly one of `shipped`, `file`, `directory` and `url`.',
  ),
  file: key(path().optional(), 'File of the list; exactly one of `shipped`, `file`, `directory` and `url`.'),
  directory: key(
    path().optional(),
    'Directory whose files are read as one list; exactly one of `shipped`, `file`, `directory` and `url`.',
  ),
  url: key(
    url().optional(),
    'Address that the list is fetched from; exactly one of `shipped`, `file`, `directory` and `url`.',
  ),
  refresh: key(
    durationMs('5m', '7d').optional(),
    'How often the list is fetched.',
    inCode(formatDurationMs(URL_DEFAULTS.refreshMs)),
  ),
  'public-key': key(
    publicKey().optional(),
    'Key of the signer of the list: what is not signed with it is not taken.',
    'the list is not signed',
  ),
  signature: key(
    url().optional(),
    'Address of the signature.',
    'the address of the list with `.minisig` behind its path, for an Ed25519 key `.sig`',
  ),
  sha256: key(sha256().optional(), 'The only content that is taken.', 'any content'),
  'max-size': key(
    sizeBytes('1KiB', '256MiB').optional(),
    'A larger list is not taken; counted unpacked.',
    inCode(formatSize(URL_DEFAULTS.sizeBytesMax)),
  ),
  resolve: key(
    list(hostAddress(), 1, HOST_ADDRESSES_MAX).optional(),
    "Addresses of the list's host, for a host that cannot be looked up before the list is there.",
    'the host is looked up',
  ),
  review: key(
    z
      .strictObject({
        shrink: key(
          share('0%', '100%').optional(),
          'Rules that may be lost.',
          inCode(formatShare(URL_DEFAULTS.review.shrinkShareMax)),
        ),
        grow: key(
          share('0%', '10000%').optional(),
          'Rules that may be added.',
          inCode(formatShare(URL_DEFAULTS.review.growthShareMax)),
        ),
        rejected: key(
          share('0%', '100%').optional(),
          'Lines of the list that may be rejected.',
          inCode(formatShare(URL_DEFAULTS.review.rejectedShareMax)),
        ),
      })
      .optional(),
    'From when on a fetched list is held for a person to see, in whole per cents of the rules that it had.',
    'the defaults of its keys',
  ),
  format: key(
    choice(LIST_FORMATS).optional(),
    'Format of `file`, `directory` or `url`; `cordon` and `rpz` are never a `directory`.',
    '`domains`',
  ),
  origin: key(apex().optional(), 'Name of the zone of an `rpz` file.', 'what the file says'),
  everything: key(
    boolean().optional(),
    'Whether the trigger `*` of an `rpz` file is taken: it refuses every name but those of guarded trees (`*.gov`).',
    '`false`: such a rule is left out and reported',
  ),
  'max-policy-ttl': key(
    durationSec('0s', '7d').optional(),
    'Longest TTL with which records of an `rpz` file are answered.',
    'what the file says',
  ),
  match: key(
    choice(MATCHES).optional(),
    'Whether a name of a `domains` file covers the names below it.',
    '`suffix`',
  ),
  mandate: key(
    boolean().optional(),
    'Whether the list is a legal mandate: Cordon is not ready without it, and no allowlist beats it.',
    "the list's own header, else `false`",
  ),
  allow: key(
    boolean().prefault(false),
    'Whether the names of the list pass, whatever its rules say: it beats all lists but mandates.',
  ),
  'log-only': key(
    boolean().prefault(false),
    'Whether what the list refuses is only counted, in `cordon_would_refuse_total`, and passes.',
  ),
  answer: key(
    blockAnswer().optional(),
    'What the names of this list are answered with.',
    "the list's own header, else `block`",
  ),
  ede: key(
    z
      .strictObject({
        code: key(numberChoice(EDE_CODES), 'Blocked 15, Censored 16, Filtered 17, Prohibited 18.'),
        text: key(edeText().optional(), 'Sentence that clients may show.', 'no text'),
      })
      .optional(),
    'Extended DNS Error of the refusal (RFC 8914).',
    "the list's own header, else code 15",
  ),
  category: key(identifier().optional(), 'Metric label.', "the list's own header, else the `id`"),
  operators: key(
    list(
      z.strictObject({
        name: key(sentence(), 'Operator, as the entries of the list name it.'),
        refuse: key(boolean(), 'Whether the list refuses what it runs.'),
        decision: key(decision, 'The decision that says so.'),
      }),
      1,
      OPERATORS_MAX,
    ).optional(),
    'Operators about which a decision of their own speaks, for a shipped list or one of the format `cordon`: the entries of an operator with `refuse: false` are left out, and both answers are on record.',
    'none; every entry refuses',
  ),
  decision: key(
    decision.optional(),
    'The decision that a mandate list rests on, for reports and alarms; no date of it ends a refusal.',
    'none',
  ),
});

const schedule = z.strictObject({
  list: key(
    identifier(),
    'List of the group that is in force at these times only; with several, at any of them.',
  ),
  from: key(timePoint().optional(), 'First day, or the time of RFC 3339 from which on.', 'always'),
  until: key(timePoint().optional(), 'Day or time from which on no longer.', 'forever'),
  weekdays: key(list(choice(WEEKDAYS), 1, WEEKDAYS.length).optional(), 'Days of the week.', 'all'),
  hours: key(
    dayHours().optional(),
    'Hours of the day; a range past midnight belongs to the day on which it starts.',
    'all',
  ),
  timezone: key(timeZone().prefault('UTC'), 'Whose clocks show these dates, days and hours.'),
});

const group = z.strictObject({
  name: key(identifier(), 'Name of the group in metrics and logs; unique.'),
  clients: key(
    list(prefix(), 1, PREFIXES_MAX).optional(),
    `Prefixes of the group's clients; the longest prefix decides. \`${DEFAULT_GROUP}\` has none.`,
  ),
  'clients-file': key(
    path().optional(),
    'File of more prefixes of the group, one a line, `#` begins a comment: see [Files of prefixes](#files-of-prefixes).',
  ),
  listeners: key(
    list(endpoint(53), 1, LISTENERS_MAX).optional(),
    'Addresses of `listen.dns` whose clients belong to the group, whatever their prefix.',
  ),
  lists: key(list(identifier(), 0, LISTS_MAX), 'Lists that are in force for the group.'),
  'out-of-scope': key(
    outOfScope().prefault(false),
    'Which mandate lists do not apply to the group, by decision: `true` for all, or their identifiers. A mandate list that a group does not choose is otherwise missed: the prohibition counts as not in force.',
  ),
  schedules: key(
    list(schedule, 0, SCHEDULES_MAX).prefault([]),
    'Times at which lists of the group are in force; no mandate list has any.',
  ),
  upstreams: key(
    list(upstream(), 1, UPSTREAMS_MAX).optional(),
    "Servers that are asked for the group's clients; the zones of `forward` are asked where they say.",
    'the `upstreams` of the configuration',
  ),
  fallback: key(
    list(upstream(), 1, FALLBACK_MAX).optional(),
    'Servers that are asked when all `upstreams` of the group failed for a question; encrypted when those are.',
    'none',
  ),
});

const block = z
  .strictObject({
    mode: key(
      blockMode().optional(),
      'What a refused name is answered with.',
      '`nxdomain`, or `address` when `block.address` is there',
    ),
    address: key(
      list(ipAddress(), BLOCK_ADDRESSES.min, BLOCK_ADDRESSES.max).optional(),
      'Addresses of the mode `address`.',
    ),
    ttl: key(durationSec('0s', '1h').prefault('30s'), 'TTL of refusals.'),
  })
  .prefault({});

const cache = z
  .strictObject({
    size: key(
      sizeBytes('0KiB', '16GiB').prefault('64MiB'),
      'Memory for answers, per worker; `0KiB` keeps none, so that every question goes to an upstream.',
    ),
    ttl: key(
      z
        .strictObject({
          min: key(durationSec('0s', '1h').prefault('0s'), 'Shorter TTLs are raised to this.'),
          max: key(
            durationSec('1m', '7d').prefault('1d'),
            'Longer TTLs are lowered to this (RFC 8767 section 4).',
          ),
          'negative-max': key(
            durationSec('0s', '3h').prefault('1h'),
            'Longer TTLs of negative answers are lowered to this (RFC 2308 section 5).',
          ),
        })
        .prefault({}),
      'Bounds of TTLs in the cache.',
    ),
    stale: key(
      z
        .strictObject({
          max: key(
            durationSec('0s', '7d').prefault('1d'),
            'How long after its TTL an answer is kept for the case that no upstream answers; `0s` is never.',
          ),
          after: key(
            durationMs('0ms', '10s').prefault('1800ms'),
            'How long a client waits for a fresh answer before it gets a stale one; `0ms` is not at all.',
          ),
          ttl: key(durationSec('0s', '5m').prefault('30s'), 'TTL of stale answers.'),
        })
        .prefault({}),
      'Answers past their TTL, while the upstreams do not answer (RFC 8767).',
    ),
    prefetch: key(
      boolean().prefault(true),
      'Whether an answer that clients ask for is fetched again shortly before its TTL ends.',
    ),
  })
  .prefault({});

const resolver = z
  .strictObject({
    timeout: key(durationMs('500ms', '30s').prefault('5s'), 'Time for one question, all tries together.'),
    'try-timeout': key(durationMs('50ms', '10s').prefault('1s'), 'Time for one upstream to answer.'),
    inflight: key(integer(16, 100_000).prefault(10_000), 'Questions that wait for upstreams, per worker.'),
    'per-upstream': key(
      integer(16, 65_536).prefault(20_000),
      'Queries under way to one upstream, per worker; beyond them the next upstream is asked, and no more questions wait than all of `upstreams` may have.',
    ),
    'client-share': key(
      share('1%', '100%').prefault('25%'),
      'Share of `inflight` that one client may hold while more than half of it is taken.',
    ),
    'zone-share': key(
      share('1%', '100%').prefault('50%'),
      'Share of `inflight` that names below one zone (the last two labels) may hold while more than half of it is taken.',
    ),
    strategy: key(
      choice(STRATEGIES).prefault('ordered'),
      'Which server of a list is asked: `ordered` is the first that is healthy, `fastest` the one with the shortest round trip, `random` any that is healthy; `parallel` asks several at once and takes the first answer.',
    ),
    cookies: key(
      boolean().prefault(true),
      'Whether upstreams over UDP get DNS cookies, against forged answers (RFC 7873).',
    ),
    'mixed-case': key(
      boolean().prefault(false),
      'Whether the letters of names go to upstreams over UDP in random case, against forged answers; what a client gets has its own letters.',
    ),
    ca: key(
      list(path(), 1, AUTHORITIES_MAX).prefault([BUNDLED_AUTHORITIES]),
      `Whose certificates encrypted upstreams may have: \`${BUNDLED_AUTHORITIES}\` are the public authorities that Node.js brings, \`${SYSTEM_AUTHORITIES}\` those of the system's store, anything else is a file of authorities in PEM.`,
    ),
  })
  .prefault({});

const dnssec = z
  .strictObject({
    mode: key(
      choice(DNSSEC_MODES).prefault('auto'),
      '`validate` checks every answer and refuses what is forged; `auto` does so when the upstreams pass signatures on, else nothing; `trust-ad` takes the word of the upstreams, all of which have to be encrypted; `off` does nothing.',
    ),
    anchors: key(
      path().optional(),
      'File with trust anchors, DS or DNSKEY records in presentation format.',
      'the anchors of the root that IANA publishes, built in',
    ),
    'negative-anchors': key(
      list(
        zone('the root has to be validated or not as a whole', 'write "mode: off"'),
        0,
        EXCEPTED_ZONES_MAX,
      ).prefault([]),
      'Zones that are not validated, with everything below them, while their signatures are broken (RFC 7646).',
    ),
    'aggressive-nsec': key(
      boolean().prefault(true),
      'Whether a validated proof that names do not exist answers for all names that it covers (RFC 8198).',
    ),
    'allow-sha1': key(
      boolean().prefault(false),
      'Whether signatures with SHA-1 count; otherwise zones that have no others are as good as unsigned (RFC 9905).',
    ),
  })
  .prefault({});

const dns64 = z
  .strictObject({
    prefix: key(
      translationPrefix().prefault('64:ff9b::/96'),
      'Prefix that IPv4 addresses are put behind; the one of the translator (RFC 6052 section 2.2).',
    ),
    exclude: key(
      list(ipv6Prefix(), 0, DNS64_EXCLUDED_MAX).prefault(['::ffff:0:0/96']),
      'Prefixes of IPv6 addresses that count as none (RFC 6147 section 5.1.4).',
    ),
  })
  .optional();

const rebinding = z
  .strictObject({
    protect: key(
      boolean().prefault(false),
      "Whether an answer from upstreams with a private address is refused: a foreign name must not lead into the clients' network.",
    ),
    allow: key(
      list(zone('the root would allow every name', 'write "protect: false"'), 0, EXCEPTED_ZONES_MAX).prefault(
        [],
      ),
      'Zones whose names may have private addresses, with everything below them; the zones of `forward` always may.',
    ),
  })
  .prefault({});

const rateLimit = z
  .strictObject({
    mode: key(
      choice(RATE_LIMIT_MODES).prefault('enforce'),
      '`enforce` limits; `dry-run` answers everybody and counts who would be limited; `off` does neither.',
    ),
    'per-client': key(
      integer(1, 1_000_000).prefault(500),
      'Queries a second over UDP of one address that shows no valid cookie, ten seconds of them at once; a /24 may ask 32 times as much, as may a /64 of IPv6.',
    ),
    slip: key(
      integer(0, 100).prefault(1),
      'Every how manieth query over the limit is answered with TC, so that a real client comes back over TCP; the others get no answer. `0` is none.',
    ),
    exempt: key(
      list(prefix(), 0, PREFIXES_MAX).prefault(LOOPBACK),
      'Clients that are never limited: forwarders and gateways that ask for many.',
    ),
  })
  .prefault({});

const tcp = z
  .strictObject({
    connections: key(integer(1, 65_536).prefault(1024), 'Open client connections, per worker.'),
    'per-client': key(integer(1, 65_536).prefault(64), 'Open connections of one address, per worker.'),
    'per-network': key(
      share('1%', '100%').prefault('25%'),
      'Share of `connections` that one network may have, a /24 of IPv4 or a /64 of IPv6, but never less than `per-client`; a /56 may have twice as many.',
    ),
    idle: key(
      durationMs('1s', '2m').prefault('10s'),
      'An idle connection is closed after this (RFC 7766 section 6.2.3), and sooner while more than half of `connections` are open.',
    ),
  })
  .prefault({});

/** The schema of one file. */
export const configSchema = z.strictObject({
  listen: key(listen, 'Where clients and operators connect.'),
  tls: key(
    unavailable<{ cert: string; key: string }>(
      'certificates serve DoT and DoH, which are not available in this version',
    ).optional(),
    'Certificate and key of the encrypted listeners; not available in this version.',
  ),
  workers: key(autoOrInteger(1, WORKERS_MAX).prefault('auto'), 'Worker threads; `auto` is one per core.'),
  state: key(path().prefault('./state'), 'Directory for what has to survive a restart.'),
  upstreams: key(
    list(upstream(), 1, UPSTREAMS_MAX).optional(),
    'Servers that are asked, chosen among by `resolver.strategy`; all encrypted or none.',
    "the system's resolvers",
  ),
  fallback: key(
    list(upstream(), 1, FALLBACK_MAX).optional(),
    'Servers that are asked when all `upstreams` failed for a question; encrypted when those are.',
    'none',
  ),
  bootstrap: key(
    list(plainServer(), 1, BOOTSTRAP_MAX).optional(),
    'Plain servers that are asked for the addresses of upstreams that have a host name, and of the hosts of lists where no upstream is plain; there exactly when an upstream has a host name.',
    'none',
  ),
  forward: key(
    list(forwardRule, 0, FORWARD_RULES_MAX).prefault([]),
    'Zones that are asked elsewhere; the longest zone decides.',
  ),
  lists: key(
    list(listItem, 0, LISTS_MAX).optional(),
    'Lists of names and addresses; **they replace the shipped defaults**, mandate lists included: to add to the defaults, write `extra-lists` instead. Mandate lists go before those with `allow`, and these before all others; of each kind, the first decides.',
    'the shipped lists that are on by default',
  ),
  'extra-lists': key(
    list(listItem, 0, LISTS_MAX).prefault([]),
    'Lists beside those of `lists`, or beside the shipped defaults where there is no `lists`. An item with the `id` of one of them takes its place: `{ id: tiktok, shipped: tiktok, ede: { code: 16, text: "by order" } }` changes the text of a default list and nothing else.',
  ),
  groups: key(
    list(group, 1, GROUPS_MAX).optional(),
    `Clients that share lists. Without a group \`${DEFAULT_GROUP}\`, clients that no group names get all lists.`,
    'one group with all lists',
  ),
  block: key(block, 'What a refused name is answered with.'),
  access: key(
    z
      .strictObject({
        allow: key(
          list(prefix(), 1, PREFIXES_MAX).optional(),
          'Clients that may ask.',
          `with \`allow-file\` none, otherwise ${LOCAL_NETWORKS.map(inCode).join(', ')}`,
        ),
        'allow-file': key(
          path().optional(),
          'File of more prefixes that may ask, one a line: see [Files of prefixes](#files-of-prefixes).',
          'none',
        ),
        'read-cache': key(
          list(prefix(), 0, PREFIXES_MAX).prefault([]),
          'Clients that may ask without RD as well, which tells what others asked: answered from the cache alone.',
        ),
      })
      .prefault({}),
    'Who may ask.',
  ),
  admin: key(
    z
      .strictObject({
        allow: key(list(prefix(), 1, PREFIXES_MAX).prefault(LOOPBACK), 'Clients of the admin listener.'),
        hosts: key(
          list(zone('the root is no host', 'name a host'), 0, ADMIN_HOSTS_MAX).prefault([]),
          'Names by which the admin listener is asked, beside its addresses, `localhost` and the name of this host: requests with another `Host` are refused, against pages of browsers that lead a name of theirs here.',
        ),
      })
      .prefault({}),
    'Who may reach the admin listener.',
  ),
  cache: key(cache, 'Answers that are kept.'),
  resolver: key(resolver, 'Questions to upstreams.'),
  dnssec: key(
    dnssec,
    'Whether answers are checked to come from those whose names they are about (RFC 4035).',
  ),
  dns64: key(
    dns64,
    'IPv6 addresses for names that have IPv4 addresses only, for clients behind a translator (RFC 6147).',
    'no address is made up',
  ),
  rebinding: key(rebinding, 'Foreign names that lead to private addresses.'),
  'rate-limit': key(rateLimit, 'What one client may ask over UDP, where addresses can be forged.'),
  tcp: key(tcp, 'DNS over TCP.'),
  log: key(
    z
      .strictObject({
        level: key(choice(LEVELS).prefault('info'), 'Least important level that is written.'),
        priorities: key(
          choice(LOG_PRIORITIES).prefault('auto'),
          'Whether each line begins with its priority as `<N>`, as the journal of systemd reads it; `auto`: when standard output is the journal.',
        ),
      })
      .prefault({}),
    'Operational logs.',
  ),
  compliance: key(compliance, 'Exemptions: by which rules, from where, and by whom.'),
  records: key(records, 'What is recorded, how clients stand in it, and for how long it is kept.'),
  probe: key(
    probe,
    'The self-probe: asks Cordon as a client would, and tells in metrics and records what came of it.',
  ),
});

/** The configuration as a file writes it. */
export type RawConfig = z.input<typeof configSchema>;
/** Every value parsed, defaults filled in; keys not yet checked against each other, paths as written. */
export type ParsedConfig = z.output<typeof configSchema>;

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

/** Names of the keys of the map at a path of the file; none when there is no map in the schema. */
export const keysAt = (path: Path): readonly string[] => {
  let { shape } = shapeOf(configSchema);
  for (const part of path) {
    if (shape.kind === 'leaf') return [];
    const below = shape.kind === 'list' ? shape.item : shape.keys.get(String(part));
    if (below === undefined) return [];
    ({ shape } = shapeOf(below));
  }
  return shape.kind === 'map' ? [...shape.keys.keys()] : [];
};
