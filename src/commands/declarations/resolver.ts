// Running the resolver, and asking it: serve, check, explain, trace, query.
import { CONFIG, command, group, JSON_OUTPUT, SERVICE } from '../declaration.ts';

export const SERVE = command({
  name: 'serve',
  about: 'runs the resolver',
  text: [
    'Runs until SIGTERM or SIGINT, then answers what waits and ends with status 0. A second signal ends it at once. SIGHUP reads configuration and lists again: all of it is put in force, or nothing and the log says why. The log is one JSON object a line on standard output; nothing is logged per query.',
    'Without --config, cordon.yaml of the working directory is read, otherwise the defaults hold: a second program by the installed configuration would take the state of the first.',
    'A start that cannot listen ends with status 1. A start that cannot load its lists goes on and answers everything with SERVFAIL and EDE 14 (Not Ready) until a reload succeeds; the line "ready" then shows generation 0, and /readyz says no.',
  ],
  options: { config: CONFIG },
  examples: [{ command: 'cordon serve --config cordon.yaml', about: 'run by this configuration' }],
  see: ['operations.md'],
});

export const CHECK = command({
  name: 'check',
  about: 'shows every problem of a configuration at once, or the effective configuration',
  text: [
    'Reads the configuration and compiles its lists. Where all is well it prints the effective configuration, defaults included, and counts the entries of each list. It opens no socket and asks no upstream. Run by root, it reads as the user whom the state directory belongs to: what that one cannot read, the service cannot. Of a draft in another place than the file of the service, only a warning says so.',
  ],
  options: { config: CONFIG, json: JSON_OUTPUT },
  examples: [
    { command: 'cordon check', about: 'check ./cordon.yaml, or else /etc/cordon/cordon.yaml' },
    { command: 'cordon check --config new.yaml --json', about: 'for a script that deploys' },
  ],
  statuses: { 0: 'it can be served', 1: 'it cannot' },
  see: ['configuration.md', 'errors.md'],
});

const EXPLAIN_OPTIONS = {
  client: { value: 'ADDRESS', default: '127.0.0.1', about: 'who asks' },
  listener: {
    value: 'ADDRESS:PORT',
    default: '',
    about: 'where it asks, for groups that are bound to a listener',
  },
  via: { value: 'NAME', about: 'the forwarder that says who the client is, by its name in forwarders' },
  certificate: { value: 'FILE', takes: 'file', about: 'the certificate that the client shows' },
  token: { value: 'TOKEN', about: 'the token in its path of DNS over HTTPS' },
  'server-name': { value: 'NAME', about: 'the name that it asks for over TLS' },
  ...SERVICE,
  'no-follow': { about: 'ask no upstream' },
  json: JSON_OUTPUT,
} as const;
const ASKED_NAME = {
  about: 'a name; of a URL, an address with a port or a mail address its host is taken',
} as const;
const EXPLAIN_STATUSES = {
  0: 'it passes, or is answered locally',
  3: 'it is refused',
  4: 'it could not be judged, because no answer was to be had',
} as const;

export const EXPLAIN = command({
  name: 'explain',
  about: 'says what a client is answered for a name, and by which list, line and evidence',
  text: [
    'For A, AAAA and HTTPS, or for one type. The question goes through the pipeline that answers clients. Where a service runs with this configuration, that service is asked: it counts no query and records nothing, but its upstreams may be asked. Where none runs, the configuration is explained by itself. The line "asked" says which of the two it was.',
    'The status is that of the worst answer: what upstreams failed to answer never counts as "passes".',
  ],
  arguments: { name: ASKED_NAME },
  options: {
    ...EXPLAIN_OPTIONS,
    type: { value: 'TYPE', about: 'this type instead of A, AAAA and HTTPS' },
  },
  examples: [
    { command: 'cordon explain www.tiktok.com', about: 'why is it refused here?' },
    { command: 'cordon explain www.tiktok.com --client 192.0.2.200', about: 'as this client is answered' },
    { command: 'cordon explain www.example.com --type MX --no-follow', about: 'by the question alone' },
  ],
  statuses: EXPLAIN_STATUSES,
  see: ['explain.md', 'blocking.md'],
});

export const TRACE = command({
  name: 'trace',
  about: 'shows step by step, with times, how an answer comes about',
  text: ['As explain, for one type. Times are milliseconds since the question.'],
  arguments: { name: ASKED_NAME },
  options: { ...EXPLAIN_OPTIONS, type: { value: 'TYPE', about: 'the type; A without it' } },
  examples: [
    { command: 'cordon trace www.example.com', about: 'who was asked, and what was judged' },
    {
      command: 'cordon trace example.com --type MX --client 192.0.2.7',
      about: 'for another type and client',
    },
  ],
  statuses: EXPLAIN_STATUSES,
  see: ['explain.md', 'dnssec.md'],
});

export const QUERY = command({
  name: 'query',
  about: "asks a resolver with a DNS implementation that is not Cordon's",
  text: [
    "Prints what came back, which was written and read by dns2, so that Cordon's own wire code is not its only witness. The time limit is 5 seconds; a truncated answer is shown with the flag tc and not asked for again over TCP.",
  ],
  arguments: {
    name: { about: 'the name' },
    type: { optional: true, about: 'the type; A without it' },
  },
  options: {
    server: { value: 'ADDRESS[:PORT]', default: '127.0.0.1:5353', about: 'the resolver' },
    tcp: { about: 'ask over TCP' },
    dnssec: { about: 'ask for signatures (DO)' },
    json: JSON_OUTPUT,
  },
  examples: [
    { command: 'cordon query www.tiktok.com --server 127.0.0.1', about: 'what do clients get?' },
    { command: 'cordon query example.com MX --tcp --server 192.0.2.53', about: 'another type, over TCP' },
  ],
  statuses: { 0: 'an answer came, whatever it says' },
  see: ['explain.md'],
});

export const FORWARDERS_CHECK = command({
  name: 'check',
  about: 'shows whether the clients of a forwarder can say themselves who they are',
  text: [
    'To be run on a client of the forwarder. Sends it queries with options that name a client that is none, or nothing sound: Cordon behind it refuses what of that arrives and is read. Where none is taken, the forwarder may have "overwrites: true".',
  ],
  arguments: { forwarder: { about: 'its address, or its name in forwarders' } },
  options: {
    name: { value: 'NAME', default: 'example.com', about: 'ask for names below this one' },
    ...SERVICE,
    json: JSON_OUTPUT,
  },
  examples: [{ command: 'cordon forwarders check 192.0.2.53', about: 'can I say there who I am?' }],
  statuses: { 0: 'no option of a client is taken', 1: 'one is' },
  see: ['beside.md'],
});

export const FORWARDERS = group({
  name: 'forwarders',
  about: 'checks the resolvers in front of Cordon',
  text: ['They say for whom they ask: see forwarders in the configuration.'],
  examples: [{ command: 'cordon forwarders check branch-12', about: 'one of the configuration' }],
  commands: [FORWARDERS_CHECK],
  see: ['beside.md'],
});
