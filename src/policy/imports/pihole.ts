// A Pi-hole by its teleporter (version 5: tar.gz of JSON tables; version 6: zip with gravity.db and pihole.toml), or by
// its directory.
//
// What a Pi-hole allows goes before what it denies, so that each becomes a list of its own; its groups are sets of lists,
// and a client may be in several, where Cordon has one group for a client: one is made for each combination that is used.
import { parse as parseToml, TomlError } from 'smol-toml';
import { DnsmasqImport } from './dnsmasq.ts';
import type { ImportDraft } from './draft.ts';
import type { FileSet } from './file-set.ts';
import { notSuch } from './findings.ts';
import { takeHost, takeHosts } from './hosts.ts';
import { type DomainRow, type PiholeTables, readPiholeTables } from './pihole-tables.ts';
import { readLoosePrefix } from './prefix-holes.ts';
import { reverseZonesOf } from './reverse-names.ts';
import { fromDnsmasq } from './server-text.ts';

/** The group that every client is in that is in no other. */
const DEFAULT_GROUP = 0;
/** Kinds of domain rows: exact allowed, exact denied, expression allowed, expression denied. */
const KINDS = [
  { id: 'pihole-allowed', format: 'domains', allow: true, match: 'exact', what: 'allowed names' },
  { id: 'pihole-denied', format: 'domains', allow: false, match: 'exact', what: 'denied names' },
  {
    id: 'pihole-allowed-expressions',
    format: 'regex',
    allow: true,
    match: undefined,
    what: 'allowed expressions',
  },
  {
    id: 'pihole-denied-expressions',
    format: 'regex',
    allow: false,
    match: undefined,
    what: 'denied expressions',
  },
] as const;

/** Reads a Pi-hole into a draft. */
export const importPihole = (files: FileSet, draft: ImportDraft): void => {
  const tables = readPiholeTables(files);
  const settings = readSettings(files);
  takeTables(tables, draft);
  takeSettings(settings, files, draft);
  takeFiles(files, draft);
  if (draft.upstreams.length === 0)
    draft.findings.leave(
      'upstreams',
      'none',
      'the Pi-hole has no servers, or they are in no file that is here',
      'write them under "upstreams": until then those of the system are asked',
    );
};

/** What is in force for one group of the Pi-hole. */
const takeTables = (tables: PiholeTables, draft: ImportDraft): void => {
  const enabled = new Set(tables.groups.filter(({ isEnabled }) => isEnabled).map(({ id }) => id));
  if (tables.groups.length === 0) enabled.add(DEFAULT_GROUP);
  const byGroup = new Map<number, string[]>();
  const put = (list: string, groups: readonly number[]): void => {
    for (const group of groups) byGroup.set(group, [...(byGroup.get(group) ?? []), list]);
  };
  takeDomains(tables, draft, put);
  for (const { id, address, isEnabled, allows } of tables.lists) {
    const groups = groupsOf(tables.listGroups, id);
    const url = /^https?:\/\//i.test(address);
    if (!isEnabled)
      draft.findings.leave('adlist', address, 'it is turned off', 'nothing, unless it shall be in force');
    else if (!url)
      draft.findings.leave(
        'adlist',
        address,
        'its address is no URL of HTTP',
        'name its file as a list of the configuration (format adblock)',
      );
    else {
      const list = draft.addList('adlist', nameOfUrl(address), {
        format: 'adblock',
        url: address,
        ...(allows && { allow: true }),
      });
      if (list !== undefined) {
        put(list, groups);
        draft.findings.take(allows ? 'lists that allow' : 'lists', 'extra-lists, with their addresses');
      }
    }
  }
  takeGroups(tables, enabled, byGroup, draft);
};

/** Domain rows as lists: one for each kind and set of groups. */
const takeDomains = (
  tables: PiholeTables,
  draft: ImportDraft,
  put: (list: string, groups: readonly number[]) => void,
): void => {
  for (const [kind, { id, format, allow, match, what }] of KINDS.entries()) {
    const rows = tables.domains.filter((row) => row.type === kind);
    for (const row of rows)
      if (!row.isEnabled)
        draft.findings.leave(what, row.domain, 'it is turned off', 'nothing, unless it shall be in force');
    const bySet = Map.groupBy(
      rows.filter(({ isEnabled }) => isEnabled),
      (row) => groupsOf(tables.domainGroups, row.id).join(','),
    );
    for (const [set, members] of bySet) {
      const content = members.map((row) => `${lineOf(row)}\n`).join('');
      const list = draft.addList(what, set === String(DEFAULT_GROUP) ? id : `${id}-${set}`, {
        format,
        content,
        ...(allow && { allow }),
        ...(match !== undefined && { match }),
      });
      if (list === undefined) continue;
      put(list, set.split(',').map(Number));
      draft.findings.take(what, `the list "${list}"`, members.length);
    }
  }
};

const lineOf = ({ domain }: DomainRow): string => domain.replace(/[\r\n]/g, '');

/** Without a link, a row is in the default group: Pi-hole adds it there. */
const groupsOf = (links: readonly (readonly [number, number])[], id: number): number[] => {
  const found = links.filter(([one]) => one === id).map(([, group]) => group);
  return links.length === 0 ? [DEFAULT_GROUP] : [...new Set(found)].sort((a, b) => a - b);
};

const takeGroups = (
  tables: PiholeTables,
  enabled: ReadonlySet<number>,
  byGroup: ReadonlyMap<number, string[]>,
  draft: ImportDraft,
): void => {
  const listsOf = (groups: readonly number[]): string[] => [
    ...new Set(groups.filter((group) => enabled.has(group)).flatMap((group) => byGroup.get(group) ?? [])),
  ];
  const ofDefault = listsOf([DEFAULT_GROUP]);
  const used = new Set(ofDefault);
  const bySet = new Map<string, { clients: string[]; lists: string[] }>();
  for (const { id, ip } of tables.clients) {
    const groups = groupsOf(tables.clientGroups, id);
    const lists = listsOf(groups);
    if (lists.join() === ofDefault.join()) {
      draft.findings.hold('clients that have what all others have', 'no group is needed for them');
      continue;
    }
    if (readLoosePrefix(ip) === undefined) {
      draft.findings.leave(
        'client',
        ip,
        'it is told by its hardware address, name or interface',
        'write its address or prefix under groups',
      );
      continue;
    }
    const key = lists.join();
    const group = bySet.get(key) ?? { clients: [], lists };
    group.clients.push(ip);
    for (const list of lists) used.add(list);
    bySet.set(key, group);
  }
  for (const { id } of draft.lists) {
    if (!used.has(id))
      draft.findings.leave(
        'groups',
        id,
        'no group that is turned on has the list',
        'it is in no group here either',
      );
  }
  // Where all have everything, no group is written: then a list that is added later is in force for all as well.
  if (bySet.size === 0 && draft.lists.every(({ id }) => ofDefault.includes(id))) return;
  draft.groups.push({ name: 'default', clients: [], lists: ofDefault });
  for (const [index, { clients, lists }] of [...bySet.values()].entries()) {
    draft.groups.push({ name: `pihole-${index + 1}`, clients, lists });
    draft.findings.take('clients with lists of their own', `groups, pihole-${index + 1}`, clients.length);
  }
};

interface Settings {
  readonly file: string;
  readonly hosts: readonly string[];
  readonly cnames: readonly string[];
  readonly upstreams: readonly string[];
  readonly reverse: readonly string[];
  readonly lines: readonly string[];
  readonly mode: string;
  readonly more: readonly (readonly [string, unknown])[];
}

const NOTHING: Settings = {
  file: '',
  hosts: [],
  cnames: [],
  upstreams: [],
  reverse: [],
  lines: [],
  mode: '',
  more: [],
};

const readSettings = (files: FileSet): Settings => {
  const file = files.find('etc/pihole/pihole.toml') ?? files.find('pihole.toml');
  if (file !== undefined) return fromToml(file.name, file.bytes.toString('utf8'));
  const old = files.find('setupVars.conf');
  return old === undefined ? NOTHING : fromSetupVars(old.name, old.bytes.toString('utf8'));
};

const fromToml = (file: string, text: string): Settings => {
  let value: Record<string, unknown>;
  try {
    value = parseToml(text) as Record<string, unknown>;
  } catch (thrown) {
    if (!(thrown instanceof TomlError)) throw thrown;
    throw notSuch('pihole', `${file} is no TOML (line ${thrown.line})`);
  }
  const at = (path: string): unknown =>
    path
      .split('.')
      .reduce<unknown>((below, key) => (below as Record<string, unknown> | undefined)?.[key], value);
  const texts = (path: string): string[] => {
    const found = at(path);
    return Array.isArray(found) ? found.filter((one): one is string => typeof one === 'string') : [];
  };
  const dns = (at('dns') ?? {}) as Record<string, unknown>;
  const known = new Set(['hosts', 'cnameRecords', 'upstreams', 'revServers', 'blocking']);
  const more = Object.entries(dns).filter(([key, one]) => !known.has(key) && typeof one !== 'object');
  const mode = at('dns.blocking.mode');
  return {
    file,
    hosts: texts('dns.hosts'),
    cnames: texts('dns.cnameRecords'),
    upstreams: texts('dns.upstreams'),
    reverse: texts('dns.revServers'),
    lines: texts('misc.dnsmasq_lines'),
    mode: typeof mode === 'string' ? mode : '',
    more: [
      ...more.map(([key, one]): [string, unknown] => [`dns.${key}`, one]),
      ...Object.keys(value)
        .filter((key) => key !== 'dns' && key !== 'misc')
        .map((key): [string, unknown] => [key, undefined]),
    ],
  };
};

const fromSetupVars = (file: string, text: string): Settings => {
  const values = new Map(
    [...text.matchAll(/^([A-Z0-9_]+)=(.*)$/gm)].map(([, key = '', value = '']) => [key, value.trim()]),
  );
  const servers = [...values].filter(([key]) => /^PIHOLE_DNS_\d+$/.test(key)).map(([, value]) => value);
  const isReverse = values.get('REV_SERVER') === 'true';
  const reverse = isReverse
    ? [
        `true,${values.get('REV_SERVER_CIDR')},${values.get('REV_SERVER_TARGET')},${values.get('REV_SERVER_DOMAIN') ?? ''}`,
      ]
    : [];
  const known = /^(?:PIHOLE_DNS_\d+|REV_SERVER.*)$/;
  return {
    ...NOTHING,
    file,
    upstreams: servers,
    reverse,
    more: [...values].filter(([key]) => !known.test(key)),
  };
};

/** Settings that are the Pi-hole's own, or that Cordon keeps whatever they say. */
const HELD =
  /^(?:dns\.(?:CNAMEdeepInspect|blockESNI|EDNS0ECS|ignoreLocalhost|showDNSSEC|analyzeOnlyAandAAAA|piholePTR|replyWhenBusy|blockTTL|bogusPriv|domainNeeded|queryLogging|port|interface|listeningMode|dnssec|expandHosts|domain|hostRecord|localise|ignoreLocalhost)|webserver|database|files|resolver|ntp|debug|WEBPASSWORD|WEBUIBOXEDLAYOUT|WEBTHEME|PIHOLE_INTERFACE|QUERY_LOGGING|INSTALL_.*|LIGHTTPD_ENABLED|CACHE_SIZE|BLOCKING_ENABLED|DNSMASQ_LISTENING|DNS_BOGUS_PRIV|DNS_FQDN_REQUIRED|DNSSEC|ADMIN_EMAIL|TEMPERATUREUNIT|IPV4_ADDRESS|IPV6_ADDRESS|PIHOLE_DOMAIN|API_.*)$/;

const takeSettings = (
  { file, hosts, cnames, upstreams, reverse, lines, mode, more }: Settings,
  files: FileSet,
  draft: ImportDraft,
): void => {
  const { findings } = draft;
  for (const line of hosts) {
    const [address = '', ...names] = line.trim().split(/\s+/);
    takeHost(draft, file, address, names);
  }
  const dnsmasq = new DnsmasqImport(files, draft);
  dnsmasq.readText(file, [...cnames.map((line) => `cname=${line}`), ...lines].join('\n'));
  for (const server of upstreams) {
    const found = fromDnsmasq(server);
    if ('why' in found) findings.leave(file, server, found.why, 'write it under "upstreams"');
    else {
      draft.upstreams.push(found.text);
      findings.take('servers that are asked', 'upstreams');
    }
  }
  for (const line of reverse) takeReverse(line, file, draft);
  if (mode !== '' && mode !== 'NULL')
    findings.leave(
      file,
      `dns.blocking.mode = ${mode}`,
      'how names are refused is said for all lists, those of Cordon as well',
      'write block.mode if you want another answer than NXDOMAIN',
    );
  for (const [key, value] of more) {
    if (HELD.test(key))
      findings.hold(key, "the Pi-hole's own, or Cordon has its own bounds and defaults for it");
    else if (key === 'dhcp' || /^DHCP_/.test(key))
      findings.leave(file, key, 'Cordon gives no addresses', 'let the router or another program do it');
    else
      findings.leave(
        file,
        value === undefined ? key : `${key} = ${String(value)}`,
        'Cordon has no counterpart under this name',
        'look it up in docs/configuration.md, or do without',
      );
  }
  dnsmasq.finish(false);
};

/** `true,192.168.0.0/24,192.168.0.1#53,fritz.box` */
const takeReverse = (line: string, file: string, draft: ImportDraft): void => {
  const [isOn = '', network = '', target = '', domain = ''] = line.split(',').map((part) => part.trim());
  const server = fromDnsmasq(target);
  const zones = reverseZonesOf(network);
  if (isOn !== 'true')
    draft.findings.leave(file, line, 'it is turned off', 'nothing, unless it shall be in force');
  else if ('why' in server || zones === undefined)
    draft.findings.leave(
      file,
      line,
      'why' in server ? server.why : 'its network does not end between two labels',
      'write it under "forward"',
    );
  else
    for (const zone of [...zones, ...(domain === '' ? [] : [domain])])
      draft.addForward(file, zone, [server.text]);
};

/** Files beside the tables: local names of version 5, and lines of dnsmasq that the operator added. */
const takeFiles = (files: FileSet, draft: ImportDraft): void => {
  const custom = files.find('custom.list');
  if (custom !== undefined) takeHosts(draft, custom.name, custom.bytes.toString('utf8'));
  const dnsmasq = new DnsmasqImport(files, draft);
  for (const file of [...files.findAll('dnsmasq.d/*'), ...files.findAll('etc/dnsmasq.d/*')]) {
    // Written by the Pi-hole itself from the settings that were read.
    if (/(?:^|\/)(?:01-pihole|02-pihole-dhcp|06-rfc6761)\.conf$/.test(file.name))
      draft.findings.hold(file.name.split('/').at(-1) ?? '', 'the Pi-hole writes it from its settings');
    else if (/(?:^|\/)04-pihole-static-dhcp\.conf$/.test(file.name))
      draft.findings.leave(
        file.name,
        'static leases',
        'Cordon gives no addresses',
        'let the router or another program do it',
      );
    else dnsmasq.read(file, 0);
  }
  dnsmasq.finish(false);
  const hosts = files.find('etc/hosts');
  if (hosts !== undefined) takeHosts(draft, hosts.name, hosts.bytes.toString('utf8'));
  if (files.find('dhcp.leases') !== undefined || files.find('etc/pihole/dhcp.leases') !== undefined)
    draft.findings.leave(
      'dhcp.leases',
      'leases',
      'Cordon gives no addresses',
      'let the router or another program do it',
    );
};

const nameOfUrl = (address: string): string => {
  const { hostname, pathname } = URL.canParse(address)
    ? new URL(address)
    : { hostname: '', pathname: address };
  const last =
    pathname
      .split('/')
      .filter((part) => part !== '')
      .at(-1) ?? '';
  return `${hostname.replace(/^www\./, '')}-${last.replace(/\.[a-z]+$/i, '')}`;
};
