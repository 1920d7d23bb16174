// docs/configuration.md, generated from the schema: every key with type, default, bounds and one sentence.
//
// The prose below is what the schema cannot say: how texts are written and in which order things win. The example
// is loaded by a test.
import type { z } from 'zod';
import { listVariables } from './environment.ts';
import { FILE_PREFIXES_MAX, PREFIX_FILE_BYTES_MAX } from './prefix-file.ts';
import { CONFIG_PROBLEMS, formatPath } from './problem.ts';
import { configSchema, shapeOf } from './schema.ts';
import { kinds, notes } from './value.ts';

const HEAD = `# Configuration

Generated from \`src/config/schema.ts\` by \`npm run gen\`; edit the schema, not this page.

Cordon reads one YAML file, \`cordon.yaml\`, named by \`--config\`. Every key is optional: without a file, Cordon
answers on 127.0.0.1:5353 with the shipped lists and the system's resolvers. \`cordon check\` prints the effective
configuration, defaults included.

A configuration with a problem is refused as a whole, at start and at reload; all its problems are shown at once:

\`\`\`text
cordon.yaml:5:9: cache.sze: unknown key; did you mean "size"?
\`\`\`

## How values are written

- Durations are a whole number and a unit: \`250ms\`, \`30s\`, \`5m\`, \`4h\`, \`1d\`. Sizes likewise: \`512KiB\`,
  \`64MiB\`, \`1GiB\`. A number without a unit is refused.
- Percentages are a whole number and "%": \`20%\`.
- Addresses with a port: \`192.0.2.1:53\`, \`[2001:db8::1]:53\`; without a port, the key's own: \`192.0.2.1\`,
  \`2001:db8::1\`.
- Upstreams: see [Upstreams](#upstreams).
- Prefixes: \`192.0.2.0/24\`, \`2001:db8::/32\`. The bits after the length have to be zero. An address alone is that
  address only.
- Names: with or without the final dot, letters of any case, internationalized names as A-labels (\`xn--…\`).
- Dates and times: \`2026-12-01\` is the first moment of that day by the clocks of the time zone that stands beside it,
  \`2026-12-01T08:00:00+01:00\` (RFC 3339) is what it says. Hours of a day: \`08:00-18:00\`, \`22:00-06:00\`.
- Paths are relative to the configuration file; without a file, and in environment variables, to the working
  directory.
- YAML 1.2 without aliases, tags and merge keys. An empty value (\`upstreams:\` with nothing after it) is a problem,
  never a default; only \`listen.admin\` takes it, for "off".

## Upstreams

| Written | Asked |
| --- | --- |
| \`192.0.2.53\`, \`192.0.2.53:5300\`, \`udp://[2001:db8::53]\` | over UDP, and over TCP when an answer is truncated; port 53 |
| \`tcp://192.0.2.53\` | over TCP; port 53 |
| \`tls://192.0.2.54#dns.example.net\` | over TLS (RFC 7858); port 853 |
| \`https://192.0.2.55/dns-query#dns.example.net\` | over HTTPS (RFC 8484); port 443; the path is \`/dns-query\` when none is written |
| \`sdns://…\` | as the DNS stamp says: plain DNS, TLS or HTTPS; its bootstrap resolvers are not used |

- The name behind "#" is whom the certificate has to be for. Without one it has to be for the host: the name, or the
  address.
- The host of \`tls://\` and \`https://\` may be a name: \`tls://dns.example.net\`. Its addresses come from the servers
  under \`bootstrap\`, and from nowhere else.
- Parameters follow the name, or stand in its place, with "&" between them: \`pin-sha256=BASE64\` is the SHA-256 of a
  public key that the certificate has to have, \`certificate-sha256=HEX\` that of the signed part of a certificate that
  has to be in the chain, as DNS stamps have it. Of several pins or several hashes, one has to fit. They are asked for
  beside the name, never instead of it: \`tls://192.0.2.54#dns.example.net&pin-sha256=…\`.
- An encrypted server is never asked without encryption. A list names only encrypted servers or only plain ones, and
  the \`fallback\` of an encrypted list is encrypted too.
- The servers of a zone of \`forward\` are asked for every client; those of a group for its clients; \`upstreams\` for
  all others. None of them stands in for another: trouble at one list never leads to the servers of another one.

## Files of prefixes

\`clients-file\` of a group and \`access.allow-file\` name files with one prefix a line; \`#\` begins a comment. They are
read at the start and at each reload, together with this file: what is wrong in one of them is told with its line, and
refuses the whole. All files together have at most ${FILE_PREFIXES_MAX.toLocaleString('en-US')} prefixes, each file at most ${PREFIX_FILE_BYTES_MAX / 2 ** 20} MiB. The same prefix in two
groups is a problem; twice in one group it is not.

\`\`\`text
# Laboratories, exported from the inventory of networks.
192.0.2.128/25
2001:db8:1::/48   # building 7
\`\`\`

## Example

\`\`\`yaml
`;

/** A configuration of a small agency. */
export const EXAMPLE = `listen:
  dns: ["192.0.2.10:53", "[2001:db8::10]:53"]
  admin: "127.0.0.1:9153"
state: /var/lib/cordon
upstreams: ["tls://198.51.100.53#dns.example.net", "https://doh.example.net/dns-query"]
fallback: ["tls://203.0.113.53#dns.example.org"]
bootstrap: ["198.51.100.1"]
resolver: { strategy: fastest }
forward:
  - { zones: ["corp.example", "2.0.192.in-addr.arpa"], upstreams: ["192.0.2.56"] }
lists:
  - { id: tiktok, shipped: tiktok, mandate: true }
  - { id: own, file: own-names.txt, format: domains, answer: nodata, ede: { code: 15, text: "agency order 7" } }
  - { id: press, file: press-office.txt, allow: true }
  - { id: remote, url: "https://lists.example.com/names.zone", format: rpz, refresh: 6h, log-only: true }
groups:
  - name: default
    lists: [tiktok, own, press, remote]
    schedules:
      - { list: press, weekdays: [mon, tue, wed, thu, fri], hours: "08:00-18:00", timezone: Europe/Brussels }
  - { name: lab, clients: ["192.0.2.128/25", "2001:db8:1::/48"], lists: [tiktok] }
block: { mode: nxdomain, ttl: 30s }
access: { allow: ["192.0.2.0/24", "2001:db8::/32"] }
cache: { size: 256MiB, stale: { max: 12h } }
`;

const ENVIRONMENT = `## Environment variables

Every key outside lists of maps has a variable, which wins over the file: \`CORDON_\`, then the path in capitals with
\`_\` for "." and "-". Lists are written with commas: \`CORDON_UPSTREAMS=192.0.2.53,192.0.2.54:5300\`. An empty
variable counts as not set. An unknown variable that begins with \`CORDON_\` is a problem, except those that Kubernetes
sets for a service called "cordon" (\`CORDON_SERVICE_HOST\`, \`CORDON_PORT\`, …).

`;

const KEY_COLUMNS = ['Key', 'Type', 'Default', 'Bounds', 'Meaning'] as const;

/** The text of docs/configuration.md. */
export const configReference = (): string => {
  const { shape } = shapeOf(configSchema);
  const keys = shape.kind === 'map' ? [...shape.keys] : [];
  const sections = keys.filter(([, schema]) => isNested(schema));
  const single = keys.filter(([, schema]) => !isNested(schema));
  const parts = [
    `${HEAD}${EXAMPLE}\`\`\`\n\n## Keys\n`,
    table(
      KEY_COLUMNS,
      single.flatMap(([name, schema]) => rowsOf(schema, name)),
    ),
  ];
  const itemsSeen = new Map<z.ZodType, string>();
  for (const [name, schema] of sections) {
    const [own, ...rows] = rowsOf(schema, name);
    const item = shapeOf(schema).shape;
    const same = item.kind === 'list' ? itemsSeen.get(item.item) : undefined;
    if (item.kind === 'list') itemsSeen.set(item.item, name);
    if (same !== undefined) {
      parts.push(`### ${name}\n\n${own?.at(-1) ?? ''}${ownFacts(own)} Its keys are those of \`${same}\`.\n`);
      continue;
    }
    parts.push(`### ${name}\n\n${own?.at(-1) ?? ''}${ownFacts(own)}\n`, table(KEY_COLUMNS, rows));
  }
  const variables = [...listVariables()].map(([name, { path }]) => [code(name), code(formatPath(path))]);
  parts.push(ENVIRONMENT + table(['Variable', 'Key'], variables));
  const problems = Object.entries(CONFIG_PROBLEMS).map(([name, meaning]) => [code(name), meaning]);
  parts.push(`## Problems\n\n${table(['Code', 'Meaning'], problems)}`);
  return parts.join('\n');
};

type Row = readonly string[];

/** The row of the key and the rows of the keys below it. */
const rowsOf = (schema: z.ZodType, path: string): Row[] => {
  const { shape, byDefault, isOptional } = shapeOf(schema);
  const note = notes.get(schema);
  const kind = shape.kind === 'map' ? undefined : kinds.get(shape.schema);
  const itemKind = shape.kind === 'list' ? itemOf(shape.item) : undefined;
  const absent = note?.absent ?? defaultText(byDefault, isOptional);
  const type = shape.kind === 'map' ? 'map' : (kind?.name ?? '');
  const bounds = [kind?.bounds, itemKind?.bounds].filter((text) => text !== undefined).join('; ');
  const row = [
    code(path),
    itemKind === undefined ? type : `${type} of: ${itemKind.name}`,
    absent,
    bounds,
    note?.text ?? '',
  ];
  return [row, ...rowsBelow(schema, path)];
};

const rowsBelow = (schema: z.ZodType, path: string): Row[] => {
  const { shape } = shapeOf(schema);
  if (shape.kind === 'list') return rowsBelow(shape.item, `${path}[]`);
  if (shape.kind === 'leaf') return [];
  return [...shape.keys].flatMap(([name, below]) => rowsOf(below, `${path}.${name}`));
};

const itemOf = (item: z.ZodType): { name: string; bounds?: string } => {
  const { shape } = shapeOf(item);
  return (shape.kind === 'leaf' ? kinds.get(shape.schema) : undefined) ?? { name: 'map' };
};

const isNested = (schema: z.ZodType): boolean => rowsBelow(schema, '').length > 0;

/** Default and bounds of a section that is a list; of a map, what holds without it, unless that is its keys' defaults. */
const ownFacts = (row: Row | undefined): string => {
  const [, type = '', absent = '', bounds = ''] = row ?? [];
  if (bounds !== '') return ` A ${type} (${bounds}); when absent: ${absent}.`;
  return absent === '' ? '' : ` When absent: ${absent}.`;
};

/** A map that is `{}` by default has the defaults of its keys, in their own rows. */
const defaultText = (byDefault: unknown, isOptional: boolean): string => {
  if (byDefault === undefined) return isOptional ? 'absent' : 'required';
  if (Array.isArray(byDefault)) return byDefault.length === 0 ? 'none' : byDefault.map(itemText).join(', ');
  return typeof byDefault === 'object' ? '' : itemText(byDefault);
};

const itemText = (value: unknown): string => code(String(value));

const code = (text: string): string => `\`${text}\``;

const table = (columns: Row, rows: readonly Row[]): string => {
  const line = (cells: Row) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`;
  return line(columns) + line(columns.map(() => '---')) + rows.map(line).join('');
};
