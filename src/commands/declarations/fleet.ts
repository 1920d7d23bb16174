// cordon fleet: several resolvers with one policy and one body of evidence.
import { command, group, JSON_OUTPUT, SERVICE } from '../declaration.ts';

const COMMON = { ...SERVICE, json: JSON_OUTPUT } as const;
const SEE = ['fleet.md'] as const;
const NAME = { about: 'the name of the resolver in the fleet' } as const;
const REASON = { value: 'TEXT', default: '', about: 'why; needed, and stays in the log of policy' } as const;
const CA = { value: 'FILE', takes: 'file', about: 'certificates that the engine is trusted by' } as const;

/** A database of records. */
export const DATABASE = {
  database: {
    value: 'URL',
    about: 'PostgreSQL in place of directories: postgresql://USER@HOST:PORT/NAME',
  },
  'database-password': {
    value: 'FILE',
    takes: 'file',
    about: 'the password of the database, which only its owner reads',
  },
  'database-ca': { value: 'FILE', takes: 'file', about: 'certificates that the database is trusted by' },
} as const;

/** Which engine is wanted: of init, and of a resolver that takes over. */
const ENGINE = {
  server: {
    value: 'HOST:PORT',
    repeat: true,
    about: 'where the engine listens; three times for a cluster of three',
  },
  'cluster-port': { value: 'PORT', default: '6222', about: 'between the servers of a cluster' },
  'leaf-port': { value: 'PORT', about: 'where leaf nodes of sites connect' },
  leaf: {
    value: 'SITE[=HOST:PORT]',
    repeat: true,
    about: 'a site that gets a leaf node, and where it listens; may stand several times',
  },
  cert: {
    value: 'FILE',
    takes: 'file',
    about: 'certificate of the servers; may be left out on loopback only',
  },
  key: { value: 'FILE', takes: 'file', about: 'key of the certificate' },
  ca: CA,
  store: {
    value: 'DIRECTORY',
    default: '/var/lib/nats',
    takes: 'directory',
    about: 'where the engine keeps its streams',
  },
} as const;

export const FLEET_INIT = command({
  name: 'init',
  about: 'makes the keys of an authority and the configuration of the engine',
  text: [
    'Run it once, on the resolver that is to be the authority. It prints what goes into the configurations; the key in --safe belongs into a safe and nowhere else.',
  ],
  arguments: { name: NAME },
  options: {
    ...COMMON,
    ...ENGINE,
    safe: { value: 'FILE', takes: 'file', about: 'where the second key is written' },
    site: { value: 'SITE', about: 'where the authority stands' },
  },
  examples: [
    {
      command:
        'cordon fleet init ns1 --server nats1.example:4222 --cert cert.pem --key key.pem --ca ca.pem --safe /media/safe/key.pem',
      about: 'one engine',
    },
  ],
  see: SEE,
});

export const FLEET_START = command({
  name: 'start',
  about: 'makes this machine the authority of a fleet: keys, certificates, engine, firewall and collector',
  text: [
    'Run it as root, on the machine with the installed service that is to be the authority. It looks first, tells each step, and takes back what it did when one fails. Run again, it goes on where things stand. The key in --safe belongs into a safe and nowhere else.',
  ],
  arguments: {
    name: { optional: true, about: 'the name of the resolver in the fleet; without it that of the machine' },
  },
  options: {
    site: { value: 'SITE', about: 'where the authority stands' },
    address: {
      value: 'HOST',
      about:
        'the address by which the others reach this machine, or a name of it; without it the one that it has',
    },
    port: { value: 'PORT', default: '4222', about: 'where the engine listens' },
    safe: {
      value: 'FILE',
      takes: 'file',
      default: '/root/cordon-fleet-safe.pem',
      about: 'where the key for the safe is written',
    },
    json: JSON_OUTPUT,
  },
  examples: [{ command: 'cordon fleet start ns1 --site brussels', about: 'as root, on the first machine' }],
  statuses: { 1: 'something is left to do, which its step says' },
  see: SEE,
});

export const FLEET_LEAVE = command({
  name: 'leave',
  about: 'takes this machine out of its fleet: the resolver goes on by itself',
  text: [
    'Run it as root at a node, after "cordon fleet remove" at the authority. Its keys and what it knows of policy are moved aside; exemptions of the fleet hold here no more. A server of the engine that stands here ends.',
  ],
  options: {
    replaced: { about: 'of the authority that was lost and came back: a node has taken over' },
    json: JSON_OUTPUT,
  },
  examples: [
    { command: 'cordon fleet leave', about: 'as root' },
    {
      command: 'cordon fleet leave --replaced',
      about: 'at the authority of before; then it joins as a node',
    },
  ],
  see: SEE,
});

export const FLEET_ENGINE = command({
  name: 'engine',
  about: 'tells this resolver where the engine of its fleet is from now on',
  text: [
    'Run it as root where the engine has moved, such as after a take-over: it is looked at first, the certificate that is trusted stays. Nothing else of "fleet" changes.',
  ],
  arguments: { url: { repeat: true, about: 'where the engine is, such as tls://192.0.2.2:4222' } },
  options: { json: JSON_OUTPUT },
  examples: [{ command: 'cordon fleet engine tls://192.0.2.2:4222', about: 'as root, at each node' }],
  see: SEE,
});

export const FLEET_ENGINES = command({
  name: 'engines',
  about: 'brings the engine from one server to three, or back to one, while resolvers answer',
  text: [
    'Run it at the authority of a fleet that "cordon fleet start" made, with the two resolvers beside which the other servers are to stand and the addresses of their machines. It issues certificates, and the service gives each resolver its files. Then run it as root with --here on these machines, and last at the authority. To replace a machine, name the same resolver with its new address and go through it again. Without anything it shows what there is.',
  ],
  arguments: {
    server: {
      optional: true,
      repeat: true,
      about: 'NAME=HOST: a resolver, and the address by which the others reach its machine',
    },
  },
  options: {
    here: { about: 'this machine begins with what is planned' },
    one: { about: 'plans an engine of the authority alone' },
    json: JSON_OUTPUT,
  },
  statuses: { 1: 'something is left to do, which its step says' },
  examples: [
    { command: 'cordon fleet engines ns2=192.0.2.2 ns3=192.0.2.3', about: 'at the authority' },
    { command: 'cordon fleet engines --here', about: 'as root, at ns2, at ns3, then at the authority' },
  ],
  see: SEE,
});

export const FLEET_CERTIFICATES = command({
  name: 'certificates',
  about: 'shows the certificates of the engine, issues one for another machine, and issues all anew',
  text: [
    'At the authority, as root. What "cordon fleet start" made lasts a year and a month, and the authority renews it in its last third. For a server elsewhere, --server issues a certificate with its key, to be taken there with ca.pem; it is renewed here, and taken there again.',
  ],
  options: {
    ...COMMON,
    server: {
      value: 'HOST',
      repeat: true,
      about: 'issues one for a server with this name or address; may stand several times',
    },
    renew: { about: 'issues all anew, for the same names' },
  },
  examples: [
    { command: 'cordon fleet certificates', about: 'which there are, and how long they last' },
    {
      command: 'cordon fleet certificates --server 192.0.2.2 --server 192.0.2.3',
      about: 'for the two other servers of a cluster of three',
    },
  ],
  see: SEE,
});

export const FLEET_INVITE = command({
  name: 'invite',
  about: 'makes a token with which a resolver joins, once, within a day',
  arguments: { name: NAME },
  options: { ...COMMON, site: { value: 'SITE', about: 'where it stands' } },
  examples: [{ command: 'cordon fleet invite ns2 --site bruges', about: 'at the authority' }],
  see: SEE,
});

export const FLEET_JOIN = command({
  name: 'join',
  about: 'joins this resolver to a fleet',
  text: [
    'With the token of "cordon fleet invite" alone, as root: it finds the engine, believes it by the certificate that the token names, writes the configuration and restarts the service. With an address and the token it joins, and prints what the configuration gets.',
  ],
  arguments: {
    word: {
      about: 'what invite printed; before a token, where the engine is, such as tls://nats1.example:4222',
    },
    token: { optional: true, about: 'what invite printed' },
  },
  options: { ...COMMON, ca: CA },
  statuses: { 1: 'something is left to do, which its step says' },
  examples: [
    { command: 'cordon fleet join cordon1.eyJ…', about: 'as root, on the machine that joins' },
    { command: 'cordon fleet join tls://nats1.example:4222 cordon1.eyJ… --ca ca.pem', about: 'at the node' },
  ],
  see: SEE,
});

export const FLEET_ROTATE = command({
  name: 'rotate',
  about: 'gives this resolver another key, or the authority with --authority',
  options: { ...COMMON, authority: { about: 'the key that signs policy: the one in use signs the new one' } },
  examples: [{ command: 'cordon fleet rotate', about: 'at a node, while it runs' }],
  see: SEE,
});

export const FLEET_REMOVE = command({
  name: 'remove',
  about: 'takes a resolver out of the fleet',
  text: [
    'The engine lets it in no more, and what it sends afterwards is refused. What was collected of it stays.',
  ],
  arguments: { name: NAME },
  options: {
    ...COMMON,
    reason: REASON,
  },
  examples: [{ command: 'cordon fleet remove ns7 --reason "stolen"', about: 'at the authority' }],
  see: SEE,
});

export const FLEET_TAKE_OVER = command({
  name: 'take-over',
  about: 'makes this node the authority, because the one that was is lost',
  text: [
    'Run it on a node that has heard all of policy, while its service is stopped, with the key from the safe. The key of the lost authority makes no policy any more: if it comes back, nobody takes anything from it. Without --server the engine is that of "fleet/engine" in the state directory, put back from a copy of the lost authority.',
  ],
  options: {
    ...COMMON,
    safe: { value: 'FILE', takes: 'file', about: 'the key from the safe, which start or init wrote' },
    here: {
      about:
        'as root, of a fleet that start made: sets this machine up as well, with the engine and its certificate',
    },
    address: { value: 'HOST', about: 'with --here: the address by which the others reach this machine' },
    ...ENGINE,
  },
  examples: [
    { command: 'cordon fleet take-over --here --safe /media/safe/fleet.pem', about: 'everything, as root' },
    {
      command: 'cordon fleet take-over --safe /media/safe/key.pem --server nats2.example:4222',
      about: 'with an engine of its own; --cert, --key and --ca as for init',
    },
  ],
  see: SEE,
});

export const FLEET_RENEW = command({
  name: 'renew',
  about: 'has the authority begin new chains of records, after its state was put back from a copy',
  text: [
    'The collector has other records under the numbers of an older copy. Run it at the authority while its service is stopped: the records so far are moved aside, and new ones begin as NAME.2. A node joins anew instead.',
  ],
  options: COMMON,
  examples: [{ command: 'cordon fleet renew', about: 'at the authority, after "cordon restore"' }],
  see: SEE,
});

export const FLEET_STATUS = command({
  name: 'status',
  about: 'shows every resolver: version, policy, clock, last heard, and what needs a person',
  options: COMMON,
  examples: [{ command: 'cordon fleet status', about: 'at the authority; a node shows itself' }],
  statuses: { 1: 'something needs a person' },
  see: SEE,
});

export const FLEET_PROBE = command({
  name: 'probe',
  about: 'asks every resolver for its own probe, and shows what each was answered',
  text: [
    'Each resolver asks itself for all names of its mandate lists as its clients do, records the run, and signs what came of it. All can be asked once a minute.',
  ],
  options: {
    ...COMMON,
    last: { about: 'asks nobody: shows what came of the last time' },
    wait: { value: 'SECONDS', default: '600', about: 'how long to wait for the answers' },
  },
  examples: [
    { command: 'cordon fleet probe', about: 'at the authority' },
    { command: 'cordon fleet probe --last --json', about: 'for a program' },
  ],
  statuses: { 1: 'a resolver did not answer, or one of its names resolves or fails' },
  see: SEE,
});

export const FLEET_OVERLAY = command({
  name: 'overlay',
  about: 'sets keys of configuration for all resolvers, a site or a node',
  text: [
    'Of mandates, mandate-decisions, mandates-done, lists, extra-lists, groups, block, compliance and records.retention. An empty file takes the overlay away.',
  ],
  arguments: {
    for: { about: 'all, site:NAME or node:NAME' },
    file: { takes: 'file', about: 'YAML with these keys' },
  },
  options: {
    ...COMMON,
    reason: REASON,
  },
  examples: [
    {
      command: 'cordon fleet overlay site:bruges bruges.yaml --reason "school lists"',
      about: 'for one site',
    },
  ],
  see: SEE,
});

export const FLEET_REPORT = command({
  name: 'report',
  about: 'sums up what the collected records prove about a period, for any set of resolvers',
  text: [
    '"complete" only where the chains of every resolver of the fleet are whole and signed past the end of the period; otherwise "at least", with the resolver and what is missing.',
  ],
  options: {
    ...COMMON,
    from: { value: 'DAY|TIME', about: 'its begin, in UTC' },
    to: { value: 'DAY|TIME', about: 'its end, in UTC; a day counts as a whole' },
    directory: {
      value: 'DIRECTORY',
      takes: 'directory',
      about: 'what the collector writes; without it "collected" in the state directory',
    },
    resolver: { value: 'NAME', repeat: true, about: 'only this resolver; may stand several times' },
    ...DATABASE,
  },
  examples: [
    {
      command: 'cordon fleet report --from 2026-10-01 --to 2026-12-31 --json',
      about: 'a quarter, for a program',
    },
    {
      command:
        'cordon fleet report --from 2026-11-01 --to 2026-11-30 --database postgresql://cordon_reader@db.example/cordon',
      about: 'a month, from a database',
    },
  ],
  statuses: { 1: 'it says "at least"' },
  see: SEE,
});

export const FLEET_EXPORT = command({
  name: 'export',
  about: 'writes the records of a database as the directories that "cordon collect" makes without one',
  text: [
    'Everything is checked on the way: what does not follow is left out, and the directory says so. "cordon records verify" and "cordon report" work on what it writes.',
  ],
  arguments: { directory: { takes: 'directory', about: 'a directory that is empty or not there' } },
  options: {
    ...COMMON,
    resolver: { value: 'NAME', repeat: true, about: 'only this resolver; may stand several times' },
    ...DATABASE,
  },
  examples: [
    {
      command: 'cordon fleet export /srv/evidence --database postgresql://cordon_reader@db.example/cordon',
      about: 'everything that is there',
    },
  ],
  see: SEE,
});

export const FLEET_REIDENTIFY = command({
  name: 'reidentify',
  about:
    'tells the address behind a pseudonym of any resolver, with the private key from the safe, on the record',
  text: [
    'It takes "fleet.escrow" at the resolver while the pseudonym was made, and a service that runs here, with the configuration of --config: who asks and why is in its records before anything is opened.',
  ],
  arguments: { pseudonym: { about: 'such as p:1:…' } },
  options: {
    ...COMMON,
    resolver: { value: 'NAME', about: 'whose pseudonym it is; needed' },
    key: { value: 'FILE', takes: 'file', about: 'the private key of the privacy officer; needed' },
    reason: { value: 'TEXT', default: '', about: 'why; needed, and recorded first' },
    directory: {
      value: 'DIRECTORY',
      takes: 'directory',
      about: 'what the collector writes; without it "collected" in the state directory',
    },
    ...DATABASE,
  },
  examples: [
    {
      command:
        'cordon fleet reidentify p:1:AbC --resolver ns2 --key /media/safe/privacy-officer.pem --reason "case 7"',
      about: 'who was it?',
    },
  ],
  see: SEE,
});

export const FLEET = group({
  name: 'fleet',
  about: 'makes, extends and looks at a fleet: several resolvers with one policy and one body of evidence',
  examples: [{ command: 'cordon fleet status', about: 'all resolvers' }],
  commands: [
    ...[FLEET_START, FLEET_CERTIFICATES, FLEET_ENGINE, FLEET_ENGINES, FLEET_LEAVE],
    ...[FLEET_INIT, FLEET_INVITE, FLEET_JOIN, FLEET_ROTATE, FLEET_REMOVE],
    ...[FLEET_TAKE_OVER, FLEET_RENEW, FLEET_STATUS, FLEET_PROBE, FLEET_OVERLAY, FLEET_REPORT, FLEET_EXPORT],
    FLEET_REIDENTIFY,
  ],
  see: SEE,
});
