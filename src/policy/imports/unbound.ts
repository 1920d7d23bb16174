// unbound.conf(5) as a configuration of Cordon.
//
// What names are refused and which have data is decided by the longest local-zone and by the type of that zone; the rest
// is where queries go and who may ask. unbound resolves by itself where no forward-zone says otherwise, which Cordon does
// not: that is said first.

import type { ImportDraft } from './draft.ts';
import type { FileSet, FoundFile } from './file-set.ts';
import { notSuch } from './findings.ts';
import { type AccessRule, allowedPrefixes, readLoosePrefix } from './prefix-holes.ts';
import { reverseNameOf } from './reverse-names.ts';
import { addressWithPort, fromUnbound } from './server-text.ts';
import { HELD_OPTIONS, reasonOf, todoOf } from './unbound-options.ts';
import { readUnbound, type UnboundOption } from './unbound-syntax.ts';

const MAIN_FILES = ['unbound.conf', 'etc/unbound/unbound.conf', 'unbound/unbound.conf'];

/** Types of zones whose own data never counts. */
const ALWAYS: ReadonlySet<string> = new Set([
  'always_deny',
  'always_nodata',
  'always_null',
  'always_nxdomain',
  'always_refuse',
]);
/** Types that answer what is in them and refuse the rest. */
const CLOSED: ReadonlySet<string> = new Set(['deny', 'refuse', 'static', 'inform_deny']);
const OPEN: ReadonlySet<string> = new Set(['transparent', 'typetransparent', 'inform', 'always_transparent']);
const REDIRECTING: ReadonlySet<string> = new Set(['redirect', 'inform_redirect']);
const UNUSABLE = /^(?:0\.0\.0\.0|127\.0\.0\.1|::|::1)$/;

/** Reads a configuration of unbound into a draft. */
export const importUnbound = (files: FileSet, draft: ImportDraft): void => {
  const main = files.main ?? firstOf(files);
  if (main === undefined)
    throw notSuch(
      'unbound',
      'there is no unbound.conf',
      `name the file, or a directory with ${MAIN_FILES[0]}`,
    );
  const options = readUnbound(files, main, draft.findings);
  if (options.length === 0) throw notSuch('unbound', `${main.name} has no option of unbound.conf`);
  new UnboundImport(files, draft).take(options);
};

const firstOf = (files: FileSet): FoundFile | undefined => {
  for (const name of MAIN_FILES) {
    const found = files.find(name);
    if (found !== undefined) return found;
  }
  return undefined;
};

class UnboundImport {
  readonly #files: FileSet;
  readonly #draft: ImportDraft;
  readonly #access: AccessRule[] = [];
  readonly #zones = new Map<string, string>();
  readonly #data: { owner: string; ttl: number | undefined; type: string; data: string; where: string }[] =
    [];
  readonly #private: string[] = [];
  readonly #mayBePrivate: string[] = [];
  readonly #insecure: string[] = [];
  readonly #interfaces: { address: string; where: string }[] = [];
  #port = '53';
  #isForwarding = false;
  #isTls = false;

  constructor(files: FileSet, draft: ImportDraft) {
    this.#files = files;
    this.#draft = draft;
  }

  take(options: readonly UnboundOption[]): void {
    const clauses = Map.groupBy(options, ({ clauseIndex }) => clauseIndex);
    for (const group of clauses.values()) {
      const clause = group[0]?.clause ?? '';
      if (clause === 'server') for (const option of group) this.#takeServer(option);
    }
    for (const group of clauses.values()) this.#takeClause(group[0]?.clause ?? '', group);
    this.#finish();
  }

  #takeServer(option: UnboundOption): void {
    const { name, values, where } = option;
    const [first = '', second = ''] = values;
    const { findings } = this.#draft;
    switch (name) {
      case 'local-zone':
        this.#zones.set(first.toLowerCase().replace(/\.?$/, '.'), second);
        this.#takeZone(first, second, where);
        return;
      case 'local-data':
        this.#takeData(first, where);
        return;
      case 'local-data-ptr':
        this.#takePointer(first, where);
        return;
      case 'access-control':
        this.#takeAccess(first, second, where);
        return;
      case 'interface':
      case 'ip-address':
        this.#interfaces.push({ address: first, where });
        return;
      case 'port':
        this.#port = first;
        findings.take('the port', 'listen.dns');
        return;
      case 'tls-upstream':
      case 'ssl-upstream':
        this.#isTls = first === 'yes';
        findings.take('encryption of all upstreams', 'tls:// before each of them');
        return;
      case 'private-address':
        this.#private.push(first);
        return;
      case 'private-domain':
        this.#mayBePrivate.push(first);
        return;
      case 'domain-insecure':
        this.#insecure.push(first);
        return;
      case 'num-threads':
        if (/^[1-9]\d?$/.test(first)) this.#set('workers', Math.min(64, Number(first)), 'threads');
        else
          findings.leave(
            where,
            `num-threads: ${first}`,
            'it is no number of threads',
            'write it under workers',
          );
        return;
      case 'tls-cert-bundle':
        findings.leave(
          where,
          `${name}: ${first}`,
          'Cordon takes the public authorities that Node.js brings',
          'write the file under resolver.ca if it has authorities of your own',
        );
        return;
      default: {
        const held = HELD_OPTIONS.find(([pattern]) => pattern.test(name));
        if (held !== undefined) findings.hold(name, held[1]);
        else findings.leave(where, `${name}: ${values.join(' ')}`, reasonOf(name), todoOf(name));
      }
    }
  }

  #takeZone(name: string, type: string, where: string): void {
    const draft = this.#draft;
    if (ALWAYS.has(type) || CLOSED.has(type) || REDIRECTING.has(type)) draft.decide(where, name, 'refuse');
    else if (OPEN.has(type)) draft.decide(where, name, 'pass');
    else if (type === 'nodefault')
      draft.findings.hold('local-zone … nodefault', 'a zone of "forward" goes before special-use names');
    else
      draft.findings.leave(
        where,
        `local-zone: ${name} ${type}`,
        'a zone of this type is answered in part',
        'write what is meant under lists or local.records',
      );
  }

  #takeData(text: string, where: string): void {
    const [, owner = '', ttl, type = '', data = ''] =
      /^(\S+)\s+(?:(\d+)\s+)?(?:IN\s+)?(?:(?<=\s)\d+\s+)?([A-Za-z0-9-]+)\s+(.+)$/i.exec(text.trim()) ?? [];
    if (owner === '') this.#draft.findings.leave(where, text, 'it is no record', 'correct it');
    else
      this.#data.push({
        owner,
        ttl: ttl === undefined ? undefined : Number(ttl),
        type: type.toUpperCase(),
        data,
        where,
      });
  }

  #takePointer(text: string, where: string): void {
    const [, address = '', ttl, target = ''] = /^(\S+)\s+(?:(\d+)\s+)?(\S+)$/.exec(text.trim()) ?? [];
    const owner = reverseNameOf(address);
    if (owner === undefined)
      this.#draft.findings.leave(where, text, 'it is no address with a name', 'correct it');
    else this.#draft.addRecord(where, owner, 'PTR', target, ttl === undefined ? undefined : Number(ttl));
  }

  #takeAccess(text: string, action: string, where: string): void {
    const prefix = readLoosePrefix(text);
    if (prefix === undefined) {
      this.#draft.findings.leave(
        where,
        `access-control: ${text} ${action}`,
        'it is no prefix',
        'correct it and write it under access.allow',
      );
      return;
    }
    if (/^allow/.test(action)) this.#access.push({ prefix, allows: true });
    else if (/^(?:deny|refuse)/.test(action)) this.#access.push({ prefix, allows: false });
    else
      this.#draft.findings.leave(
        where,
        `access-control: ${text} ${action}`,
        'the action is unknown',
        'write it under access.allow',
      );
    if (action === 'allow_snoop')
      this.#draft.findings.leave(
        where,
        `access-control: ${text} ${action}`,
        'the clients may ask, but not without RD',
        'write them under access.read-cache if they have to',
      );
  }

  #takeClause(clause: string, options: readonly UnboundOption[]): void {
    const where = options[0]?.where ?? '';
    if (clause === 'server') return;
    if (clause === 'forward-zone' || clause === 'stub-zone') this.#takeForward(clause, options);
    else if (clause === 'rpz') this.#takeRpz(options);
    else if (clause === 'remote-control' || clause === 'dnstap')
      this.#draft.findings.hold(
        clause,
        'how the program is watched: see docs/operations.md and docs/outputs.md',
      );
    else {
      const named = options.find(({ name }) => name === 'name')?.values[0] ?? '';
      const todo =
        clause === 'view'
          ? 'write its clients and lists under groups'
          : clause === 'auth-zone'
            ? 'keep the zone on a name server and write it under "forward"'
            : 'decide whether it is needed';
      this.#draft.findings.leave(
        where,
        `${clause}: ${named}`,
        `Cordon has no counterpart of ${clause}`,
        todo,
      );
    }
  }

  #takeForward(clause: string, options: readonly UnboundOption[]): void {
    const draft = this.#draft;
    const valuesOf = (name: string) => options.filter((option) => option.name === name);
    const zone = valuesOf('name')[0]?.values[0] ?? '';
    const where = options[0]?.where ?? '';
    const prefix = clause === 'forward-zone' ? 'forward' : 'stub';
    const isTls =
      valuesOf(`${prefix}-tls-upstream`)[0]?.values[0] === 'yes' ||
      valuesOf(`${prefix}-ssl-upstream`)[0]?.values[0] === 'yes' ||
      this.#isTls;
    const servers: string[] = [];
    for (const { values, where: at } of valuesOf(`${prefix}-addr`)) {
      const found = fromUnbound(values[0] ?? '', isTls);
      if ('why' in found)
        draft.findings.leave(
          at,
          `${prefix}-addr: ${values[0]}`,
          found.why,
          'write the server as docs/upstreams.md says',
        );
      else servers.push(found.text);
    }
    for (const { values, where: at } of valuesOf(`${prefix}-host`))
      draft.findings.leave(
        at,
        `${prefix}-host: ${values[0]}`,
        'a plain server is named by its address',
        'write its address under "forward"',
      );
    for (const { values, where: at, name } of options) {
      if (name === `${prefix}-first` && values[0] === 'yes')
        draft.findings.leave(
          at,
          `${name}: yes`,
          'Cordon asks nobody else when these servers fail',
          'name further servers',
        );
      else if (name === `${prefix}-tcp-upstream` && values[0] === 'yes')
        draft.findings.leave(
          at,
          `${name}: yes`,
          'the transport stands with each server',
          'write tcp:// before them',
        );
      else if (/-(?:no-cache|prime|tcp-upstream|first)$/.test(name))
        draft.findings.hold(name, 'nothing has to be written for it');
    }
    if (servers.length === 0) return;
    if (zone === '.') {
      this.#isForwarding = true;
      draft.upstreams.push(...servers);
      draft.findings.take('servers that are asked', 'upstreams', servers.length);
      return;
    }
    draft.addForward(where, zone, servers);
    if (clause === 'stub-zone')
      draft.findings.leave(
        where,
        `stub-zone: ${zone}`,
        'its servers are asked with RD, as forwarders are',
        'see that they answer such questions; below their zone they have to resolve themselves',
      );
  }

  #takeRpz(options: readonly UnboundOption[]): void {
    const draft = this.#draft;
    const textOf = (name: string) => options.find((option) => option.name === name)?.values[0];
    const name = textOf('name') ?? '';
    const where = options[0]?.where ?? '';
    const path = textOf('zonefile');
    const url = textOf('url');
    const file = path === undefined ? undefined : this.#files.find(path, where.replace(/:\d+$/, ''));
    if (file !== undefined) {
      draft.addList(where, name, { format: 'rpz', content: file.bytes.toString('utf8'), origin: name });
      draft.findings.take('response policy zones', 'lists with format rpz');
    } else if (url !== undefined) {
      draft.addList(where, name, { format: 'rpz', url, origin: name });
      draft.findings.take('response policy zones', 'lists with format rpz');
    } else
      draft.findings.leave(
        where,
        `rpz: ${name}`,
        path === undefined ? 'a zone is not transferred' : 'its file is not here',
        'write it as a list with format rpz and a file or url',
      );
    for (const option of options) {
      if (/^(?:name|zonefile|url)$/.test(option.name)) continue;
      if (/^rpz-log/.test(option.name))
        draft.findings.hold(option.name, 'refusals are recorded: see docs/records.md');
      else
        draft.findings.leave(
          option.where,
          `${option.name}: ${option.values.join(' ')}`,
          'the list does what its zone says',
          'write answer, log-only or groups at the list',
        );
    }
  }

  #set(key: string, value: unknown, what: string): void {
    this.#draft.keys.set(key, value);
    this.#draft.findings.take(what, key);
  }

  #finish(): void {
    const draft = this.#draft;
    this.#finishData();
    const rules = this.#access.length > 0 ? this.#access : [];
    const local: AccessRule[] = ['127.0.0.0/8', '::1/128']
      .map((text) => readLoosePrefix(text))
      .filter((prefix) => prefix !== undefined)
      .map((prefix) => ({ prefix, allows: true }));
    const allowed = allowedPrefixes([...local, ...rules]);
    if (allowed === undefined)
      draft.findings.leave(
        'access-control',
        `${rules.length} rules`,
        'they leave too many prefixes',
        'write access.allow by hand',
      );
    else if (allowed.length > 0) {
      draft.allow = allowed;
      draft.findings.take('who may ask', 'access.allow', allowed.length);
    }
    for (const { address, where } of this.#interfaces) {
      const [host = '', port = this.#port] = address.split('@');
      const found = addressWithPort(host, port);
      if ('why' in found)
        draft.findings.leave(
          where,
          `interface: ${address}`,
          'a name of an interface is no address',
          'write its address under listen.dns',
        );
      else draft.listen.push(found.text);
    }
    if (this.#interfaces.length === 0) draft.listen.push(`127.0.0.1:${this.#port}`, `[::1]:${this.#port}`);
    draft.findings.take('addresses that are listened on', 'listen.dns', draft.listen.length);
    if (this.#private.length > 0) {
      this.#set('rebinding.protect', true, 'protection against rebinding');
      draft.findings.hold(
        `private-address (${this.#private.length})`,
        'rebinding.protect covers private and special-purpose networks',
      );
    }
    if (this.#mayBePrivate.length > 0)
      this.#set('rebinding.allow', this.#mayBePrivate, 'zones that may have private addresses');
    if (this.#insecure.length > 0)
      this.#set('dnssec.negative-anchors', this.#insecure, 'zones that are not validated');
    if (!this.#isForwarding)
      draft.findings.leave(
        'forward-zone',
        '"."',
        'unbound resolves names by itself, and Cordon forwards',
        'name servers under "upstreams": unbound itself on another port will do',
      );
  }

  #finishData(): void {
    const draft = this.#draft;
    for (const { owner, ttl, type, data, where } of this.#data) {
      const [zone, zoneType] = this.#zoneOf(owner);
      const isAddress = type === 'A' || type === 'AAAA';
      if (ALWAYS.has(zoneType)) {
        draft.findings.leave(
          where,
          `${owner} ${type} ${data}`,
          `unbound does not use it either: ${zone} is ${zoneType}`,
          'nothing, unless it was meant otherwise',
        );
      } else if (isAddress && UNUSABLE.test(data)) {
        // In a closed zone the name is refused anyway.
        if (!CLOSED.has(zoneType) && !REDIRECTING.has(zoneType)) draft.refuseExact(where, owner);
        else draft.findings.take('addresses that no client can use', 'a refusal of their zone');
      } else {
        const isAdded = draft.addRecord(where, owner, type, data, ttl);
        if (isAdded && REDIRECTING.has(zoneType)) draft.addRecord(where, `*.${owner}`, type, data, ttl);
        if (isAdded && zoneType === 'typetransparent')
          draft.findings.leave(
            where,
            `${owner} ${type}`,
            'other types of the name have no data here; unbound asks for them',
            'write the records of the other types as well',
          );
      }
    }
  }

  /** The closest local-zone of a name. */
  #zoneOf(owner: string): [string, string] {
    let name = owner.toLowerCase().replace(/\.?$/, '.');
    while (name !== '') {
      const type = this.#zones.get(name);
      if (type !== undefined) return [name, type];
      name = name.slice(name.indexOf('.') + 1);
    }
    return ['', ''];
  }
}
