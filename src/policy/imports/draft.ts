// What an import comes to: pieces of a cordon.yaml and the list files beside it.
//
// A reader of a foreign configuration adds pieces; what they come to is decided once, here: which names are refused by a
// list, which exist only here, and what a record is good for. A record stands behind every list, so that a refused zone in
// which the origin has records becomes a zone of `local` instead of a line of a list.
import { stringify } from 'yaml';
import { isAppError, VERSION } from '../../base/base.ts';
import { foldName, formatName, isInZone, parseName, parseRdata, parseType } from '../../wire/dns/dns.ts';
import type { Findings } from './findings.ts';
import { hasHostName, isEncrypted } from './server-text.ts';

/** Bounds of Cordon's configuration, which an import must not pass. */
const RECORDS_MAX = 10_000;
const LISTS_MAX = 32 - 8;
const UPSTREAMS_MAX = 16;
const FORWARD_RULES_MAX = 256;
/** Names of the shipped lists are taken. */
const ID_LENGTH_MAX = 40;

/** A list of the configuration; `content` is a file beside it. */
export interface DraftList {
  readonly id: string;
  readonly format: string;
  readonly url?: string;
  readonly content?: string;
  readonly match?: 'exact';
  readonly allow?: boolean;
  readonly origin?: string;
  readonly logOnly?: boolean;
}

/** A group of clients. */
export interface DraftGroup {
  readonly name: string;
  readonly clients: readonly string[];
  readonly lists: readonly string[];
  readonly upstreams?: readonly string[];
}

interface DraftRecord {
  readonly owner: string;
  readonly type: string;
  readonly data: string;
  ttl: number | undefined;
}

/** What is done with a name and all below it, or with the name only. */
type Decision = 'refuse' | 'pass';

/** What becomes of names. */
class DecidedNames {
  /** Zones that exist only here. */
  readonly zones = new Set<string>();
  /** With all below them; the longest decides. */
  readonly suffixes = new Map<string, Decision>();
  /** That are refused alone, and below which everything is. */
  readonly exact = new Set<string>();
  readonly below = new Set<string>();
}

/** The pieces. */
export class ImportDraft {
  readonly findings: Findings;
  readonly listen: string[] = [];
  readonly upstreams: string[] = [];
  readonly fallback: string[] = [];
  readonly bootstrap: string[] = [];
  readonly forward = new Map<string, string[]>();
  readonly lists: DraftList[] = [];
  readonly groups: DraftGroup[] = [];
  /** Undefined: what Cordon's own default is. */
  allow: readonly string[] | undefined;
  /** Further keys, by their path with dots. */
  readonly keys = new Map<string, unknown>();
  readonly #records: DraftRecord[] = [];
  readonly #recordKeys = new Set<string>();
  readonly #names = new DecidedNames();
  readonly #shipped: readonly string[];

  /** `shipped`: the lists that are in force without being named, which each group has to have. */
  constructor(findings: Findings, shipped: readonly string[]) {
    this.findings = findings;
    this.#shipped = shipped;
  }

  /** Adds a record; false after a finding. `ttl` in seconds. */
  addRecord(where: string, owner: string, type: string, data: string, ttl?: number): boolean {
    const shown = `${owner} ${type} ${data}`;
    const leave = (why: string, todo: string): boolean => {
      this.findings.leave(where, shown, why, todo);
      return false;
    };
    const name = foldedText(owner.replace(/^\*\./, ''));
    const number = parseType(type);
    if (name === undefined || number === undefined)
      return leave('its owner is no name', 'correct it and write it under local.records');
    if (!KNOWN_TYPES.has(type))
      return leave(
        `records of the type ${type} are none of local.records`,
        'keep the zone on a name server and write it under "forward"',
      );
    if (KEPT.test(name)) {
      this.findings.hold(
        `records of ${name.replace(/^.*?(localhost|invalid|onion|resolver\.arpa)\.$/, '$1')}`,
        'Cordon answers these names by itself (RFC 6761)',
      );
      return true;
    }
    try {
      parseRdata(number, data);
    } catch (thrown) {
      if (!isAppError(thrown)) throw thrown;
      return leave('its data cannot be read', 'correct it and write it under local.records');
    }
    if (this.#records.length >= RECORDS_MAX)
      return leave(
        `there are more than ${RECORDS_MAX} records`,
        'keep the zone on a name server and write it under "forward"',
      );
    const text = `${owner.startsWith('*.') ? '*.' : ''}${name}`;
    const key = `${text} ${type} ${data}`;
    if (this.#recordKeys.has(key)) return true;
    const others = this.#records.filter((record) => record.owner === text);
    if (
      others.some((other) => (other.type === 'CNAME') !== (type === 'CNAME')) ||
      (type === 'CNAME' && others.length > 0)
    )
      return leave(
        'the name has other records, and an alias has none beside it',
        'decide which one is meant',
      );
    this.#recordKeys.add(key);
    const ttlSec = others.find((other) => other.type === type)?.ttl ?? ttl;
    this.#records.push({ owner: text, type, data, ttl: ttlSec });
    this.findings.take(`records (${type})`, 'local.records');
    return true;
  }

  /** A zone that exists only here. */
  addZone(where: string, zone: string): void {
    const name = foldedText(zone);
    if (name === undefined || name === '.')
      this.findings.leave(
        where,
        zone,
        'it is no name of a zone',
        'correct it and write it under local.zones',
      );
    else this.#names.zones.add(name);
  }

  /** A name with all below it, of which the longest decides. False after a finding. */
  decide(where: string, name: string, decision: Decision): boolean {
    const text = foldedText(name);
    if (text === undefined || text === '.') {
      this.findings.leave(
        where,
        name,
        text === undefined ? 'it is no name' : 'it would be every name',
        'name what is meant',
      );
      return false;
    }
    // A list holds no top-level names; a zone that is only here may be one.
    if (decision === 'refuse' && !text.slice(0, -1).includes('.')) {
      this.#names.zones.add(text);
      return true;
    }
    this.#names.suffixes.set(text, decision);
    return true;
  }

  /** A name alone is refused. */
  refuseExact(where: string, name: string): void {
    const text = foldedText(name);
    if (text === undefined) this.findings.leave(where, name, 'it is no name', 'correct it');
    else this.#names.exact.add(text);
  }

  /** What lies below a name is refused. */
  refuseBelow(where: string, name: string): void {
    const text = foldedText(name);
    if (text === undefined) this.findings.leave(where, name, 'it is no name', 'correct it');
    else this.#names.below.add(text);
  }

  /** Servers for a zone. */
  addForward(where: string, zone: string, servers: readonly string[]): void {
    const name = foldedText(zone);
    if (name === undefined || name === '.') {
      this.findings.leave(where, zone, 'it is no name of a zone', 'write its servers under "upstreams"');
      return;
    }
    const known = this.forward.get(name) ?? [];
    this.forward.set(name, [...new Set([...known, ...servers])]);
  }

  /** Adds a list, unless there are too many; its identifier is made unique. Returns it, or undefined after a finding. */
  addList(where: string, wanted: string, list: Omit<DraftList, 'id'>): string | undefined {
    if (this.lists.length >= LISTS_MAX) {
      this.findings.leave(
        where,
        list.url ?? wanted,
        `a configuration has ${LISTS_MAX} lists beside the shipped ones`,
        'put the content of several lists into one directory and name that',
      );
      return undefined;
    }
    const base = identifierOf(wanted);
    let id = base;
    for (let number = 2; this.lists.some((other) => other.id === id); number++)
      id = `${base.slice(0, ID_LENGTH_MAX - 4)}-${number}`;
    this.lists.push({ id, ...list });
    return id;
  }

  /** The files of the import: cordon.yaml and its lists. */
  finish(kind: string): Map<string, string> {
    this.#settleZones();
    this.#addOwnLists();
    const files = new Map<string, string>();
    for (const { id, content } of this.lists) if (content !== undefined) files.set(fileOf(id), content);
    const head = `# Made by cordon ${VERSION} from a configuration of ${kind}. What could not be taken: import-report.txt.\n`;
    files.set(
      'cordon.yaml',
      head + stringify(this.#values(), { lineWidth: 0, aliasDuplicateObjects: false }),
    );
    return files;
  }

  /** A refused zone with records in it is a zone of `local`: its other names do not exist, and the records are answered. */
  #settleZones(): void {
    const owners = this.#records.map(({ owner }) => wireOf(owner.replace(/^\*\./, '')));
    for (const [name, decision] of this.#names.suffixes) {
      if (decision !== 'refuse') continue;
      const zone = wireOf(name);
      if (!owners.some((owner) => isInZone(owner, zone)) && !this.#names.zones.has(name)) continue;
      this.#names.suffixes.delete(name);
      if (!this.forward.has(name)) this.#names.zones.add(name);
    }
    for (const name of this.#names.exact)
      if (this.#records.some(({ owner }) => owner === name)) this.#names.exact.delete(name);
    for (const name of this.forward.keys()) this.#names.zones.delete(name);
  }

  #addOwnLists(): void {
    const refused = [...this.#names.suffixes].filter(([, decision]) => decision === 'refuse');
    const open = [...this.#names.suffixes].filter(([, decision]) => decision === 'pass');
    const passing = open.filter(([name]) => refused.some(([zone]) => isInZone(wireOf(name), wireOf(zone))));
    for (let count = open.length - passing.length; count > 0; count--)
      this.findings.hold('names that nothing refuses', 'they are resolved as all others');
    const lines = [
      ...[...refused, ...passing].map(
        ([name, decision]) =>
          `local-zone: "${name}" ${decision === 'refuse' ? 'always_nxdomain' : 'always_transparent'}`,
      ),
      ...[...this.#names.exact].map((name) => `local-data: "${name} A 0.0.0.0"`),
    ];
    if (refused.length > 0 || this.#names.exact.size > 0) {
      this.lists.push({ id: 'refused', format: 'unbound', content: textOf(lines) });
      this.findings.take(
        'refused names',
        `the list "refused" (${fileOf('refused')})`,
        refused.length + this.#names.exact.size,
      );
      if (passing.length > 0)
        this.findings.take('exceptions among refused names', 'the list "refused"', passing.length);
    }
    if (this.#names.below.size > 0) {
      this.lists.push({
        id: 'refused-below',
        format: 'domains',
        content: textOf([...this.#names.below].map((name) => `*.${name}`)),
      });
      this.findings.take(
        'names below which everything is refused',
        'the list "refused-below"',
        this.#names.below.size,
      );
    }
  }

  #values(): Record<string, unknown> {
    const values: Record<string, unknown> = {};
    if (this.listen.length > 0) values['listen'] = { dns: [...new Set(this.listen)].slice(0, 16) };
    const upstreams = this.#servers('upstreams', this.upstreams);
    if (upstreams.length > 0) values['upstreams'] = upstreams;
    const fallback = this.#servers('fallback', this.fallback).filter(
      (server) => isEncrypted(server) || !upstreams.some(isEncrypted),
    );
    if (fallback.length > 0) values['fallback'] = fallback.slice(0, 8);
    const forward = this.#forwardRules();
    if (forward.length > 0) values['forward'] = forward;
    const groups = this.groups.map(({ name, clients, lists, upstreams: own }) => ({
      name,
      ...(clients.length > 0 && { clients }),
      lists: [...this.#shipped, ...lists],
      ...(own && { upstreams: this.#servers(`group ${name}`, own) }),
    }));
    const asked = [
      ...upstreams,
      ...fallback,
      ...forward.flatMap((rule) => rule.upstreams),
      ...groups.flatMap((group) => group.upstreams ?? []),
    ];
    if (asked.some(hasHostName) && this.bootstrap.length > 0)
      values['bootstrap'] = this.bootstrap.slice(0, 8);
    const zones = [...this.#names.zones];
    if (this.#records.length > 0 || zones.length > 0) {
      values['local'] = {
        ...(zones.length > 0 && { zones }),
        records: this.#records.map(({ owner, type, data, ttl }) => ({
          owner,
          type,
          data,
          ...(ttl !== undefined && { ttl: `${ttl}s` }),
        })),
      };
    }
    if (zones.length > 0) this.findings.take('zones that exist only here', 'local.zones', zones.length);
    if (this.lists.length > 0) values['extra-lists'] = this.lists.map(toItem);
    if (groups.length > 0) values['groups'] = groups;
    if (this.allow !== undefined) values['access'] = { allow: this.allow };
    for (const [path, value] of this.keys) place(values, path.split('.'), value);
    return values;
  }

  /** A list of servers is encrypted as a whole or not at all: a plain one beside encrypted ones would undo them. */
  #servers(key: string, servers: readonly string[]): string[] {
    const all = [...new Set(servers)];
    const encrypted = all.filter(isEncrypted);
    const kept = encrypted.length > 0 ? encrypted : all;
    for (const server of all) {
      if (!kept.includes(server))
        this.findings.leave(
          key,
          server,
          'it is plain, and others of the same list are encrypted',
          'an attacker who disturbs the encrypted ones could read everything: leave it out',
        );
    }
    for (const server of kept.slice(UPSTREAMS_MAX))
      this.findings.leave(key, server, `a list has ${UPSTREAMS_MAX} servers`, 'leave it out');
    return kept.slice(0, UPSTREAMS_MAX);
  }

  #forwardRules(): { zones: string[]; upstreams: string[] }[] {
    const byServers = new Map<string, { zones: string[]; upstreams: string[] }>();
    for (const [zone, servers] of this.forward) {
      const upstreams = this.#servers(`forward ${zone}`, servers);
      const key = upstreams.join(' ');
      const rule = byServers.get(key);
      if (rule === undefined || rule.zones.length >= 256)
        byServers.set(rule === undefined ? key : `${key} ${zone}`, { zones: [zone], upstreams });
      else rule.zones.push(zone);
    }
    const rules = [...byServers.values()];
    for (const rule of rules.slice(FORWARD_RULES_MAX))
      this.findings.leave(
        'forward',
        rule.zones.join(' '),
        `there are more than ${FORWARD_RULES_MAX} rules`,
        'join zones with the same servers',
      );
    const kept = rules.slice(0, FORWARD_RULES_MAX);
    if (kept.length > 0)
      this.findings.take(
        'zones with servers of their own',
        'forward',
        kept.reduce((sum, rule) => sum + rule.zones.length, 0),
      );
    return kept;
  }
}

const KNOWN_TYPES: ReadonlySet<string> = new Set([
  'A',
  'AAAA',
  'CNAME',
  'TXT',
  'PTR',
  'SRV',
  'MX',
  'CAA',
  'SVCB',
  'HTTPS',
]);
const KEPT = /(?:^|\.)(?:localhost|invalid|onion|resolver\.arpa)\.$/;

const toItem = ({
  id,
  format,
  url,
  content,
  match,
  allow,
  origin,
  logOnly,
}: DraftList): Record<string, unknown> => ({
  id,
  ...(url !== undefined && { url }),
  ...(content !== undefined && { file: fileOf(id) }),
  format,
  ...(match !== undefined && { match }),
  ...(origin !== undefined && { origin }),
  ...(allow === true && { allow }),
  ...(logOnly === true && { 'log-only': true }),
});

const fileOf = (id: string): string => `lists/${id}.txt`;

const textOf = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');

const place = (values: Record<string, unknown>, path: readonly string[], value: unknown): void => {
  const [first = '', ...rest] = path;
  if (rest.length === 0) {
    values[first] = value;
    return;
  }
  const below = (values[first] ?? {}) as Record<string, unknown>;
  values[first] = below;
  place(below, rest, value);
};

/** A name with its final dot, in small letters; undefined for what is none. */
const foldedText = (text: string): string | undefined => {
  if (text === '') return undefined;
  const name = parseName(text);
  if (typeof name === 'string') return undefined;
  foldName(name, 0, name.length);
  return formatName(name);
};

const wireOf = (text: string): Uint8Array => {
  const name = parseName(text);
  return typeof name === 'string' ? Uint8Array.of(0) : name;
};

/** Kebab-case of whatever a list is called. */
const identifierOf = (text: string): string => {
  const words = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, ID_LENGTH_MAX)
    .replace(/-+$/, '');
  return words === '' ? 'list' : words;
};
