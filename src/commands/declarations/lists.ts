// cordon lists: what lists are in force, what is held and why, and the decisions about them.
import { command, group, JSON_OUTPUT, SERVICE } from '../declaration.ts';

const COMMON = { ...SERVICE, json: JSON_OUTPUT } as const;
const REASON = { value: 'TEXT', default: '', about: 'why; stays in the history of the list' } as const;
const ID = { about: 'the list' } as const;
const SHA256 = { about: 'the content; its first eight digits do' } as const;
const NEEDS_SERVICE = 'Asks the running service, through the socket that only its user and root can open.';

export const LISTS_STATUS = command({
  name: 'status',
  about: 'shows which lists are in force, which are held or stale, and what to do',
  options: COMMON,
  examples: [
    { command: 'cordon lists status', about: 'all lists' },
    { command: 'cordon lists status --json', about: 'for programs' },
  ],
  statuses: { 1: 'a list is held, stale or was never fetched' },
  see: ['lists.md'],
});

export const LISTS_DIFF = command({
  name: 'diff',
  about: 'shows what a held or an earlier content adds and removes',
  text: [
    'Compares the content in force with the held one, or when nothing is held with the one before. Names the first hundred rules that would come and go, and counts the rest. A name stands for itself and what is below it unless it says (exact) or begins with "*.".',
  ],
  arguments: { id: ID, sha256: { optional: true, ...SHA256 } },
  options: COMMON,
  examples: [{ command: 'cordon lists diff extra', about: 'before it is accepted' }],
  see: ['lists.md'],
});

export const LISTS_TRY = command({
  name: 'try',
  about: 'shows what a change would have meant for queries that were asked',
  text: [
    'Judges each query of a log twice, with the answer that it had: by the configuration in force, and by it with the held content of a list, another file of it (--with) or as another configuration (--proposed). Counts queries, names, clients and networks that would newly be refused or newly pass, and names those that were asked for most, with owner, rank, and guard names that would be harmed. Nothing is asked or changed; exemptions are not looked at.',
    'Reads the query log of the configuration, or logs of other resolvers: dnstap files, log-queries of unbound, the category queries of BIND, pihole-FTL.db of Pi-hole, querylog.json of AdGuard Home; text may be packed with gzip or zstd.',
  ],
  arguments: { id: { optional: true, ...ID } },
  options: {
    against: { value: 'DAYS', about: 'queries of the last days only' },
    log: {
      value: 'FILE',
      takes: 'file',
      repeat: true,
      about: 'this log; may stand several times; by itself the query log of the configuration',
    },
    format: {
      value: 'FORMAT',
      choices: ['cordon', 'dnstap', 'unbound', 'bind', 'pihole', 'adguardhome'],
      about: 'what the logs are; by itself told by their beginning',
    },
    zone: { value: 'OFFSET', about: 'what the clock of a log without zone is ahead of UTC, such as +01:00' },
    with: { value: 'FILE', takes: 'file', about: 'this content of the list in place of the held one' },
    proposed: { value: 'FILE', takes: 'file', about: 'this configuration, with other mandates or groups' },
    top: { value: 'N', default: '20', about: 'so many names' },
    ...COMMON,
  },
  examples: [
    { command: 'cordon lists try extra --against 7', about: 'what is held, against the last week' },
    {
      command: 'cordon lists try --proposed new.yaml --log queries.log',
      about: 'with a log of another resolver',
    },
  ],
  see: ['query-log.md', 'lists.md'],
});

export const LISTS_HISTORY = command({
  name: 'history',
  about: 'shows the decisions about a list, and each content that came in force',
  text: [
    'Of a list with an address, every fetch that changed or failed and every decision; of a list by file, directory or name, what is recorded of it.',
  ],
  arguments: { id: ID },
  options: COMMON,
  examples: [{ command: 'cordon lists history extra', about: 'who decided what' }],
  see: ['lists.md'],
});

export const LISTS_CANDIDATES = command({
  name: 'candidates',
  about: 'shows names that a mandate list may be missing',
  text: [NEEDS_SERVICE],
  options: COMMON,
  examples: [{ command: 'cordon lists candidates', about: 'names to look at' }],
  see: ['lists.md'],
});

export const LISTS_ACCEPT = command({
  name: 'accept',
  about: 'puts a held content in force',
  text: [NEEDS_SERVICE],
  arguments: { id: ID, sha256: SHA256 },
  options: { ...COMMON, reason: REASON },
  examples: [
    { command: 'cordon lists accept extra e4feb53c --reason "announced"', about: 'after a look at diff' },
  ],
  see: ['lists.md'],
});

export const LISTS_DISMISS = command({
  name: 'dismiss',
  about: 'turns a held content away',
  text: [NEEDS_SERVICE],
  arguments: { id: ID, sha256: SHA256 },
  options: { ...COMMON, reason: REASON },
  examples: [{ command: 'cordon lists dismiss extra e4feb53c', about: 'what is in force stays' }],
  see: ['lists.md'],
});

export const LISTS_ROLLBACK = command({
  name: 'rollback',
  about: 'goes back to an earlier content',
  text: [NEEDS_SERVICE],
  arguments: { id: ID, sha256: SHA256 },
  options: { ...COMMON, reason: REASON },
  examples: [
    { command: 'cordon lists rollback extra 92b613b3 --reason "ticket 7"', about: 'history has the hashes' },
  ],
  see: ['lists.md'],
});

export const LISTS_REFRESH = command({
  name: 'refresh',
  about: 'fetches lists now',
  text: [NEEDS_SERVICE],
  arguments: { id: { optional: true, about: 'this list; without it all that have an address' } },
  options: COMMON,
  examples: [{ command: 'cordon lists refresh', about: 'all of them' }],
  statuses: { 1: 'a fetch brought nothing usable' },
  see: ['lists.md'],
});

export const LISTS_EXPORT = command({
  name: 'export',
  about: 'writes lists for other programs, or their addresses for firewalls',
  text: [
    'The text goes to --output or to standard output, facts about it to standard error or, with --json, to standard output. Without --list the lists are written that are in force for the default group at all times, and mandate lists of every group; those that are left out are named.',
  ],
  options: {
    format: {
      value: 'FORMAT',
      choices: ['adblock', 'dnsmasq', 'domains', 'hosts', 'pihole', 'prefixes', 'rpz', 'unbound'],
      about: 'names, in this format',
    },
    for: {
      value: 'FORM',
      choices: ['nftables', 'ipset', 'pf', 'edl', 'plain'],
      about: 'addresses, for this firewall',
    },
    resolve: { about: 'with --for: the addresses of listed names as well' },
    list: { value: 'ID', repeat: true, about: 'this list; may stand several times' },
    'mandate-only': { about: 'lists of a mandate only' },
    ...SERVICE,
    output: { value: 'FILE', takes: 'file', about: 'the file, which is replaced as a whole' },
    serial: { value: 'N', about: 'the serial; by itself it counts on from the one in --output' },
    origin: { value: 'NAME', default: 'rpz.invalid', about: 'the zone, of --format rpz' },
    json: { about: 'print the facts as JSON; needs --output' },
  },
  examples: [
    { command: 'cordon lists export --format rpz --list tiktok --output tiktok.rpz', about: 'for BIND' },
    { command: 'cordon lists export --for nftables --output listed.nft', about: 'for a firewall' },
  ],
  see: ['lists-formats.md', 'firewalls.md'],
});

export const LISTS_PUBLISH = command({
  name: 'publish',
  about: 'writes a signed feed of lists for any static web server',
  text: [
    'Publishes the files of --from by The Update Framework (TUF). The first time it makes keys; later it needs those whose role has something to sign. Prints the line of the configuration that readers need.',
  ],
  arguments: { directory: { about: 'the folder that the web server has' } },
  options: {
    from: { value: 'DIRECTORY', takes: 'directory', about: 'lists to publish; by itself those that ship' },
    keys: {
      value: 'DIRECTORY',
      takes: 'directory',
      repeat: true,
      about: 'where keys lie; may stand several times',
    },
    rotate: {
      value: 'ROLE',
      choices: ['root', 'targets', 'snapshot', 'timestamp'],
      repeat: true,
      about: 'new keys for this role; may stand several times',
    },
    days: { value: 'N', default: '14', about: 'days for which the feed counts as fresh' },
    json: JSON_OUTPUT,
  },
  examples: [
    {
      command: 'cordon lists publish /srv/feed --from lists --keys ~/feed-keys',
      about: 'keys, if there are none, and a feed',
    },
    {
      command:
        'cordon lists publish /srv/feed --from lists --keys ~/feed-keys --keys /media/a --keys /media/b --rotate timestamp',
      about: 'two holders of root keys name another key',
    },
  ],
  see: ['feed.md'],
});

export const LISTS = group({
  name: 'lists',
  about: 'shows, accepts, takes back and exports lists',
  text: [
    'status, diff and history read the state directory and also work while the service does not run. The others but export, publish and try ask the running service. The name of the person who runs the command goes into the history.',
  ],
  examples: [{ command: 'cordon lists status', about: 'what is in force, and what to do' }],
  commands: [
    ...[LISTS_STATUS, LISTS_DIFF, LISTS_TRY, LISTS_HISTORY, LISTS_CANDIDATES],
    ...[LISTS_ACCEPT, LISTS_DISMISS, LISTS_ROLLBACK, LISTS_REFRESH, LISTS_EXPORT],
    LISTS_PUBLISH,
  ],
  see: ['lists.md'],
});
