// named.conf as a configuration of Cordon: where queries go, who may ask, response policy zones, and zones with files.

import { AccessLists, type AddressMatch } from './bind-acl.ts';
import { HELD_OPTIONS, HELD_STATEMENTS, secondsOf } from './bind-options.ts';
import { readNamedConf, type Statement } from './bind-syntax.ts';
import type { ImportDraft } from './draft.ts';
import type { FileSet, FoundFile } from './file-set.ts';
import { notSuch } from './findings.ts';
import { addressWithPort } from './server-text.ts';
import { takeZoneFile } from './zone-file.ts';

const MAIN_FILES = ['named.conf', 'etc/bind/named.conf', 'etc/named.conf', 'bind/named.conf'];

/** Reads a configuration of BIND into a draft. */
export const importBind = (files: FileSet, draft: ImportDraft): void => {
  const main =
    files.main ??
    MAIN_FILES.map((name) => files.find(name)).find((file): file is FoundFile => file !== undefined);
  if (main === undefined)
    throw notSuch('bind', 'there is no named.conf', 'name the file, or a directory with named.conf');
  const statements = readNamedConf(files, main, draft.findings);
  if (
    !statements.some(
      ({ words, block }) => block !== undefined && /^(?:options|zone|acl|view)$/.test(words[0] ?? ''),
    )
  )
    throw notSuch('bind', `${main.name} has no statement of named.conf`);
  new BindImport(files, draft).take(statements);
};

class BindImport {
  readonly #files: FileSet;
  readonly #draft: ImportDraft;
  readonly #lists: AccessLists;
  readonly #policyZones = new Map<string, { policy: string; where: string }>();
  #directory = '';
  #hasForwarders = false;

  constructor(files: FileSet, draft: ImportDraft) {
    this.#files = files;
    this.#draft = draft;
    this.#lists = new AccessLists(draft.findings);
  }

  take(statements: readonly Statement[]): void {
    for (const statement of statements) {
      if (statement.words[0] === 'acl') this.#lists.define(statement.words[1] ?? '', statement.block ?? []);
    }
    const options = statements
      .filter(({ words }) => words[0] === 'options')
      .flatMap(({ block }) => block ?? []);
    this.#directory = options.find(({ words }) => words[0] === 'directory')?.words[1] ?? '';
    this.#takeOptions(options);
    for (const statement of statements) this.#takeStatement(statement);
    for (const [name, { where }] of this.#policyZones)
      this.#draft.findings.leave(
        where,
        `response-policy zone "${name}"`,
        'its zone is not here',
        'write it as a list with format rpz and a file or url',
      );
    if (!this.#hasForwarders)
      this.#draft.findings.leave(
        'options',
        'forwarders',
        'BIND resolves names by itself, and Cordon forwards',
        'name servers under "upstreams": BIND itself on another port will do',
      );
  }

  #takeStatement({ words, block = [], where }: Statement): void {
    const [name = '', argument = ''] = words;
    const { findings } = this.#draft;
    if (name === 'options' || name === 'acl') return;
    const held = HELD_STATEMENTS.get(name);
    if (name === 'zone') this.#takeZone(argument, block, where);
    else if (held !== undefined) findings.hold(name, held);
    else if (name === 'view')
      findings.leave(
        where,
        `view "${argument}"`,
        'a group of clients has lists and servers of its own, and no zones',
        'write its clients, lists and upstreams under groups, and its zones under "forward"',
      );
    else findings.leave(where, words.join(' '), 'Cordon has no counterpart', 'decide whether it is needed');
  }

  #takeOptions(options: readonly Statement[]): void {
    const { findings } = this.#draft;
    const access: { name: string; match: readonly AddressMatch[] }[] = [];
    let blackhole: readonly AddressMatch[] = [];
    for (const statement of options) {
      const { words, block = [], where } = statement;
      const [name = '', value = ''] = words;
      if (name === 'forwarders') this.#takeForwarders(statement);
      else if (name === 'forward') {
        if (value === 'first')
          findings.leave(
            where,
            'forward first',
            'Cordon asks nobody else when the forwarders fail',
            'name further servers under "upstreams" or "fallback"',
          );
        else findings.hold('forward only', 'Cordon only forwards');
      } else if (name === 'listen-on' || name === 'listen-on-v6') this.#takeListen(statement);
      else if (/^allow-(?:query|recursion|query-cache)$/.test(name))
        access.push({ name, match: this.#lists.read(block) });
      else if (name === 'blackhole') blackhole = this.#lists.read(block);
      else if (name === 'response-policy') this.#takePolicy(statement);
      else if (name === 'dnssec-validation') this.#takeValidation(value, where);
      else if (name === 'recursion') {
        if (value === 'no')
          findings.leave(
            where,
            'recursion no',
            'a resolver resolves',
            'keep BIND for the zones that it serves',
          );
      } else if (/^max-(?:ncache|cache)-ttl$/.test(name)) this.#takeTtl(name, value, where);
      else if (name === 'dns64') this.#takeDns64(value, block, where);
      else if (name === 'deny-answer-addresses') {
        this.#draft.keys.set('rebinding.protect', true);
        findings.take('protection against rebinding', 'rebinding.protect (private networks)');
        if (block.length > 0)
          findings.leave(
            where,
            name,
            'the networks are those that are not public, whatever is written',
            'see rebinding in docs/configuration.md',
          );
      } else if (name === 'validate-except') {
        this.#draft.keys.set(
          'dnssec.negative-anchors',
          block.flatMap((one) => one.words),
        );
        findings.take('zones that are not validated', 'dnssec.negative-anchors', block.length);
      } else if (HELD_OPTIONS.test(name))
        findings.hold(name, 'Cordon has its own bounds and defaults for it');
      else
        findings.leave(
          where,
          words.join(' '),
          'Cordon has no counterpart under this name',
          'look it up in docs/configuration.md, or do without',
        );
    }
    this.#takeAccess(access, blackhole);
  }

  /** Who may ask: allow-recursion where there is one, because a resolver is for nobody else. */
  #takeAccess(
    access: readonly { name: string; match: readonly AddressMatch[] }[],
    blackhole: readonly AddressMatch[],
  ): void {
    const matchOf = (name: string) => access.find((one) => one.name === name)?.match;
    const recursion = matchOf('allow-recursion') ?? matchOf('allow-query-cache') ?? matchOf('allow-query');
    const query = matchOf('allow-query');
    const draft = this.#draft;
    const allowed = this.#lists.allowed(
      [
        recursion ?? [
          { kind: 'localnets', isNot: false },
          { kind: 'localhost', isNot: false },
        ],
        ...(query === undefined || query === recursion ? [] : [query]),
      ],
      blackhole,
    );
    if (allowed === undefined) {
      draft.findings.leave(
        'options',
        'allow-recursion',
        'who may ask cannot be said as prefixes',
        'write access.allow by hand: until then the private networks may ask',
      );
      return;
    }
    if (recursion === undefined) {
      draft.findings.leave(
        'options',
        'allow-recursion',
        'BIND answers the networks of its interfaces',
        'write them under access.allow: until then the private networks may ask',
      );
      return;
    }
    draft.allow = allowed.length > 0 ? allowed : ['127.0.0.0/8', '::1/128'];
    draft.findings.take('who may ask', 'access.allow', draft.allow.length);
  }

  #takeForwarders({ words, block = [], where }: Statement): void {
    const servers = this.#serversOf(words, block, where);
    if (servers.length === 0) return;
    this.#hasForwarders = true;
    this.#draft.upstreams.push(...servers);
    this.#draft.findings.take('servers that are asked', 'upstreams', servers.length);
  }

  #serversOf(head: readonly string[], block: readonly Statement[], where: string): string[] {
    const after = (words: readonly string[], word: string) =>
      words.includes(word) ? words[words.indexOf(word) + 1] : undefined;
    const servers: string[] = [];
    for (const { words } of block) {
      const tls = after(words, 'tls') ?? after(head, 'tls');
      const found = addressWithPort(words[0] ?? '', after(words, 'port') ?? after(head, 'port'));
      if ('why' in found)
        this.#draft.findings.leave(
          where,
          words.join(' '),
          found.why,
          'write the server as docs/upstreams.md says',
        );
      else if (tls !== undefined && tls !== 'none')
        this.#draft.findings.leave(
          where,
          words.join(' '),
          'the name of its certificate stands in a tls block',
          `write "tls://${words[0]}#NAME"`,
        );
      else servers.push(found.text);
    }
    return servers;
  }

  #takeListen({ words, block = [], where }: Statement): void {
    const port = words.includes('port') ? words[words.indexOf('port') + 1] : '53';
    if (words.includes('tls') || words.includes('http')) {
      this.#draft.findings.leave(
        where,
        words.join(' '),
        'an encrypted listener',
        'see listen and tls in docs/configuration.md',
      );
      return;
    }
    for (const {
      words: [address = ''],
    } of block) {
      const isSix = words[0] === 'listen-on-v6';
      const host =
        address === 'any'
          ? isSix
            ? '::'
            : '0.0.0.0'
          : address === 'localhost'
            ? isSix
              ? '::1'
              : '127.0.0.1'
            : address;
      if (address === 'none') continue;
      const found = addressWithPort(host, port);
      if ('why' in found)
        this.#draft.findings.leave(
          where,
          `${words[0]} ${address}`,
          'it is no address',
          'write the addresses under listen.dns',
        );
      else this.#draft.listen.push(found.text);
    }
    this.#draft.findings.take('addresses that are listened on', 'listen.dns', block.length);
  }

  #takePolicy({ words, block = [], where }: Statement): void {
    for (const { words: zone } of block) {
      const [, name = ''] = zone;
      const policy = zone.includes('policy') ? (zone[zone.indexOf('policy') + 1] ?? 'given') : 'given';
      this.#policyZones.set(name.toLowerCase().replace(/\.$/, ''), { policy, where });
    }
    const more = words.slice(1);
    for (const option of [
      'qname-wait-recurse',
      'break-dnssec',
      'min-ns-dots',
      'nsip-wait-recurse',
      'max-policy-ttl',
    ]) {
      if (more.includes(option))
        this.#draft.findings.hold(option, 'rules concern every query, with DO as well');
    }
  }

  #takeZone(name: string, block: readonly Statement[], where: string): void {
    const partOf = (key: string) => block.find(({ words }) => words[0] === key);
    const type = partOf('type')?.words[1] ?? 'primary';
    const { findings } = this.#draft;
    const policy = this.#policyZones.get(name.toLowerCase().replace(/\.$/, ''));
    const path = partOf('file')?.words[1];
    const file =
      path === undefined
        ? undefined
        : (this.#files.find(path) ?? this.#files.find(`${this.#directory}/${path}`));
    if (policy !== undefined) {
      this.#policyZones.delete(name.toLowerCase().replace(/\.$/, ''));
      this.#takePolicyZone(name, policy, file, type, where);
    } else if (type === 'hint' || type === 'mirror')
      findings.hold(`zone "${name}" (${type})`, 'the root is asked by the upstreams');
    else if (
      type === 'forward' ||
      type === 'static-stub' ||
      type === 'stub' ||
      type === 'secondary' ||
      type === 'slave'
    )
      this.#takeElsewhere(name, type, block, where);
    else if (type === 'primary' || type === 'master') this.#takePrimary(name, file, path, where);
    else
      findings.leave(
        where,
        `zone "${name}" ${type}`,
        'Cordon has no counterpart of this type',
        'keep the zone on a name server and write it under "forward"',
      );
  }

  #takePolicyZone(
    name: string,
    { policy }: { policy: string },
    file: FoundFile | undefined,
    type: string,
    where: string,
  ): void {
    const { findings } = this.#draft;
    if (file === undefined) {
      const why = /^(?:secondary|slave)$/.test(type) ? 'a zone is not transferred' : 'its file is not here';
      findings.leave(
        where,
        `response policy zone "${name}"`,
        why,
        'write it as a list with format rpz and a file or url',
      );
      return;
    }
    const isLogOnly = policy === 'disabled' || policy === 'passthru';
    this.#draft.addList(where, name, {
      format: 'rpz',
      content: file.bytes.toString('utf8'),
      origin: name,
      ...(isLogOnly && { logOnly: true }),
    });
    findings.take('response policy zones', 'lists with format rpz');
    if (policy !== 'given' && !isLogOnly)
      findings.leave(
        where,
        `policy ${policy}`,
        'the list does what its zone says',
        'write answer at the list',
      );
  }

  /** A zone that other servers have: BIND fetches it or asks them, and Cordon asks them. */
  #takeElsewhere(name: string, type: string, block: readonly Statement[], where: string): void {
    const statement = block.find(({ words }) =>
      /^(?:forwarders|primaries|masters|server-addresses)$/.test(words[0] ?? ''),
    );
    const { findings } = this.#draft;
    const servers =
      statement === undefined ? [] : this.#serversOf(statement.words, statement.block ?? [], where);
    if (servers.length === 0) {
      if (type === 'forward' && statement !== undefined) {
        this.#draft.decide(where, name, 'pass');
        findings.hold(`zone "${name}" without forwarders`, 'it is asked as other names are');
      } else
        findings.leave(
          where,
          `zone "${name}" ${type}`,
          'it names no server by its address',
          'write its servers under "forward"',
        );
      return;
    }
    this.#draft.addForward(where, name, servers);
    if (type !== 'forward')
      findings.leave(
        where,
        `zone "${name}" ${type}`,
        'its servers are asked with RD instead of being followed or copied',
        'see that they answer the clients of this resolver',
      );
  }

  #takePrimary(name: string, file: FoundFile | undefined, path: string | undefined, where: string): void {
    const { findings } = this.#draft;
    if (/^(?:localhost|127\.in-addr\.arpa|0\.in-addr\.arpa|255\.in-addr\.arpa)\.?$/i.test(name)) {
      findings.hold(`zone "${name}"`, 'Cordon answers special-use names by itself');
      return;
    }
    if (file === undefined) {
      findings.leave(
        where,
        `zone "${name}"`,
        path === undefined ? 'it has no file' : `its file ${path} is not here`,
        'copy it beside the configuration and import again',
      );
      return;
    }
    this.#draft.addZone(where, name);
    takeZoneFile(this.#draft, name, file);
  }

  #takeValidation(value: string, where: string): void {
    if (value === 'no') {
      this.#draft.keys.set('dnssec.mode', 'off');
      this.#draft.findings.take('DNSSEC', 'dnssec.mode: off');
    } else
      this.#draft.findings.hold(
        `dnssec-validation ${value}`,
        `dnssec.mode is auto: it validates once the upstreams have shown that they pass signatures on (${where})`,
      );
  }

  #takeTtl(name: string, value: string, where: string): void {
    const seconds = secondsOf(value);
    const isNegative = name === 'max-ncache-ttl';
    if (seconds === undefined) {
      this.#draft.findings.leave(where, `${name} ${value}`, 'it is no time', 'write it under cache.ttl');
      return;
    }
    const key = isNegative ? 'cache.ttl.negative-max' : 'cache.ttl.max';
    this.#draft.keys.set(
      key,
      `${Math.min(isNegative ? 10_800 : 604_800, Math.max(isNegative ? 0 : 60, seconds))}s`,
    );
    this.#draft.findings.take('bounds of TTLs', key);
  }

  #takeDns64(prefix: string, block: readonly Statement[], where: string): void {
    this.#draft.keys.set('dns64.prefix', prefix);
    this.#draft.findings.take('DNS64', 'dns64.prefix');
    for (const { words } of block)
      this.#draft.findings.leave(
        where,
        `dns64 ${words.join(' ')}`,
        'it holds for all clients and addresses',
        'see dns64 in docs/configuration.md',
      );
  }
}
