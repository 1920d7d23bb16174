// AdGuardHome.yaml as a configuration of Cordon.
//
// AdGuard Home puts the rules of all filters into one engine, in which an exception frees a name whatever filter refuses it;
// here each list is judged by itself, the operator's own rules first. Rewrites go before every filter there, so that their
// names are let pass by a list of their own before they are answered from local.records.
import { basename } from 'node:path';
import { readYaml } from '../../base/yaml/yaml.ts';
import { takeAccess, takeClients } from './adguardhome-clients.ts';
import { HELD_KEYS, HELD_WHY, PRIVATE_REVERSE } from './adguardhome-keys.ts';
import type { ImportDraft } from './draft.ts';
import type { FileSet } from './file-set.ts';
import { notSuch } from './findings.ts';
import { readLoosePrefix } from './prefix-holes.ts';
import { addressWithPort, fromAdGuard } from './server-text.ts';

const MAIN_FILES = ['AdGuardHome.yaml', 'conf/AdGuardHome.yaml', 'opt/AdGuardHome/AdGuardHome.yaml'];

type Values = Readonly<Record<string, unknown>>;

/** Reads an AdGuardHome.yaml into a draft. */
export const importAdGuardHome = (files: FileSet, draft: ImportDraft): void => {
  const main = files.main ?? MAIN_FILES.map((name) => files.find(name)).find((file) => file !== undefined);
  if (main === undefined)
    throw notSuch('adguardhome', 'there is no AdGuardHome.yaml', 'name the file, or a directory with it');
  const { raw, faults } = readYaml(main.bytes.toString('utf8'));
  const [fault] = faults;
  if (fault !== undefined && fault.kind === 'syntax')
    throw notSuch('adguardhome', `${main.name}:${fault.line}: ${fault.text}`);
  if (!isMap(raw) || !isMap(raw['dns'])) throw notSuch('adguardhome', `${main.name} has no key "dns"`);
  new AdGuardImport(files, draft, main.name, raw).take();
};

class AdGuardImport {
  readonly #files: FileSet;
  readonly #draft: ImportDraft;
  readonly #file: string;
  readonly #values: Values;
  /** Keys that were looked at; what is left over at the end is told. */
  readonly #seen = new Set<string>();

  constructor(files: FileSet, draft: ImportDraft, file: string, values: Values) {
    this.#files = files;
    this.#draft = draft;
    this.#file = file;
    this.#values = values;
  }

  take(): void {
    this.#takeListen();
    this.#takeUpstreams();
    this.#takeRewrites();
    this.#takeRules();
    this.#takeFilters('filters', false);
    this.#takeFilters('whitelist_filters', true);
    this.#takeBlocking();
    const leave = (what: string, why: string, todo: string): void => this.#leave(what, why, todo);
    takeAccess(this.#draft, this.#texts('dns.allowed_clients'), this.#texts('dns.disallowed_clients'), leave);
    const old = Array.isArray(this.#values['clients']) ? this.#maps('clients') : [];
    takeClients(this.#draft, [...this.#maps('clients.persistent'), ...old], leave);
    this.#takeDns64();
    this.#takeServices();
    this.#takeRest(this.#values, '');
  }

  #at(path: string): unknown {
    this.#seen.add(path);
    return path
      .split('.')
      .reduce<unknown>((below, key) => (isMap(below) ? below[key] : undefined), this.#values);
  }

  #texts(path: string): string[] {
    const found = this.#at(path);
    return Array.isArray(found)
      ? found.filter((one): one is string => typeof one === 'string').map((one) => one.trim())
      : [];
  }

  #maps(path: string): Values[] {
    const found = this.#at(path);
    return Array.isArray(found) ? found.filter(isMap) : [];
  }

  #leave(what: string, why: string, todo: string): void {
    this.#draft.findings.leave(this.#file, what, why, todo);
  }

  #takeListen(): void {
    const port = this.#at('dns.port');
    const hosts = this.#texts('dns.bind_hosts');
    for (const host of hosts) {
      const found = addressWithPort(host, typeof port === 'number' ? String(port) : '53');
      if ('why' in found) this.#leave(`dns.bind_hosts: ${host}`, found.why, 'write it under listen.dns');
      else this.#draft.listen.push(found.text);
    }
    this.#draft.findings.take('addresses that are listened on', 'listen.dns', hosts.length);
  }

  #takeUpstreams(): void {
    const { upstreams, fallback, bootstrap, findings } = this.#draft;
    const named = this.#at('dns.upstream_dns_file');
    const file = typeof named === 'string' && named !== '' ? this.#files.find(named) : undefined;
    const lines =
      file === undefined ? this.#texts('dns.upstream_dns') : file.bytes.toString('utf8').split('\n');
    if (file === undefined && typeof named === 'string' && named !== '')
      this.#leave(
        `dns.upstream_dns_file: ${named}`,
        'the file is not here',
        'copy it beside the configuration and import again',
      );
    this.#at('dns.upstream_dns');
    for (const line of lines) this.#takeUpstream(line.trim(), upstreams);
    for (const line of this.#texts('dns.fallback_dns')) this.#takeUpstream(line, fallback);
    for (const line of this.#texts('dns.bootstrap_dns')) {
      const found = fromAdGuard(line);
      if ('why' in found || /:\/\//.test(found.text))
        this.#leave(
          `dns.bootstrap_dns: ${line}`,
          'servers under "bootstrap" are plain and named by their address',
          'write another one there',
        );
      else bootstrap.push(found.text);
    }
    if (bootstrap.length > 0)
      findings.take(
        'servers that find the addresses of others',
        'bootstrap, where an upstream has a name',
        bootstrap.length,
      );
    const mode =
      this.#at('dns.upstream_mode') ??
      (this.#at('dns.all_servers') === true
        ? 'parallel'
        : this.#at('dns.fastest_addr') === true
          ? 'fastest_addr'
          : undefined);
    for (const key of ['dns.all_servers', 'dns.fastest_addr']) this.#at(key);
    const strategy = mode === 'parallel' ? 'parallel' : mode === 'load_balance' ? 'fastest' : undefined;
    if (strategy !== undefined) this.#set('resolver.strategy', strategy, 'how servers are chosen');
    else if (mode !== undefined)
      this.#leave(
        `dns.upstream_mode: ${String(mode)}`,
        'addresses of answers are not tried out',
        'see resolver.strategy',
      );
    const reverse = this.#texts('dns.local_ptr_upstreams').flatMap((line) => {
      const found = fromAdGuard(line);
      return 'why' in found ? [] : [found.text];
    });
    if (reverse.length > 0)
      for (const zone of PRIVATE_REVERSE) this.#draft.addForward(this.#file, zone, reverse);
  }

  #takeUpstream(line: string, into: string[]): void {
    if (line === '' || line.startsWith('#')) return;
    const [, zones, rest = ''] = /^\[\/(.*)\/\](.*)$/.exec(line) ?? [];
    const servers = (zones === undefined ? line : rest).trim().split(/\s+/);
    const texts: string[] = [];
    for (const server of servers) {
      if (server === '#') {
        this.#leave(
          line,
          'these names go to the servers of everybody',
          'write them under "forward" with those servers, if a shorter zone goes elsewhere',
        );
        continue;
      }
      const found = fromAdGuard(server);
      if ('why' in found) this.#leave(line, found.why, 'write the server as docs/upstreams.md says');
      else texts.push(found.text);
    }
    if (texts.length === 0) return;
    if (zones === undefined) {
      into.push(...texts);
      this.#draft.findings.take(
        'servers that are asked',
        into === this.#draft.fallback ? 'fallback' : 'upstreams',
        texts.length,
      );
      return;
    }
    for (const zone of zones.split('/')) {
      if (zone === '')
        this.#leave(line, 'servers for names of one label', 'write them under "forward", each with its name');
      else {
        if (zone.startsWith('*.'))
          this.#leave(
            line,
            'the name itself goes there as well',
            'nothing, unless others have to be asked for it',
          );
        this.#draft.addForward(this.#file, zone.replace(/^\*\./, ''), texts);
      }
    }
  }

  #takeRewrites(): void {
    const rewrites = [
      ...this.#maps('filtering.rewrites'),
      ...this.#maps('dns.rewrites'),
      ...this.#maps('rewrites'),
    ];
    const passing: string[] = [];
    for (const { domain, answer, enabled } of rewrites) {
      const [name, target] = [
        typeof domain === 'string' ? domain : '',
        typeof answer === 'string' ? answer : '',
      ];
      if (enabled === false)
        this.#leave(`${name} → ${target}`, 'it is turned off', 'nothing, unless it shall be in force');
      else if (target === name || target === 'A' || target === 'AAAA')
        this.#leave(
          `${name} → ${target}`,
          'it excepts a name, or a type, from a wildcard',
          'write the records of the name under local.records',
        );
      else {
        const isAddress = readLoosePrefix(target)?.bits === 128;
        const type = isAddress ? (target.includes(':') ? 'AAAA' : 'A') : 'CNAME';
        if (this.#draft.addRecord(this.#file, name, type, target)) passing.push(name);
      }
    }
    if (passing.length === 0) return;
    // There a rewrite goes before every filter. A mandate list goes before this one.
    const content = [...new Set(passing)].map((name) => `${name}\n`).join('');
    this.#draft.addList(this.#file, 'rewritten', { format: 'domains', match: 'exact', allow: true, content });
  }

  #takeRules(): void {
    const rules = this.#texts('user_rules');
    if (rules.length === 0) return;
    this.#draft.addList(this.#file, 'user-rules', {
      format: 'adblock',
      content: rules.map((rule) => `${rule}\n`).join(''),
    });
    this.#draft.findings.take(
      'rules of the operator',
      'the list "user-rules"',
      rules.filter((rule) => !/^(?:[!#]|$)/.test(rule)).length,
    );
    if (rules.some((rule) => rule.startsWith('@@')))
      this.#leave(
        'user_rules: @@',
        'an exception of the list "user-rules" goes before the lists behind it, but not before mandate lists',
        'nothing, unless a name of a mandate was excepted: that needs an exemption (docs/exemptions.md)',
      );
  }

  #takeFilters(key: 'filters' | 'whitelist_filters', allow: boolean): void {
    for (const { url, name, enabled, id } of this.#maps(key)) {
      const [address, title] = [typeof url === 'string' ? url : '', typeof name === 'string' ? name : ''];
      if (enabled === false) {
        this.#leave(
          `${key}: ${title} ${address}`,
          'it is turned off',
          'nothing, unless it shall be in force',
        );
        continue;
      }
      const list = { format: 'adblock', ...(allow && { allow }) };
      if (/^https?:\/\//i.test(address)) this.#draft.addList(this.#file, title, { ...list, url: address });
      else {
        const file = this.#files.find(address) ?? this.#files.find(`data/filters/${String(id)}.txt`);
        if (file === undefined) {
          this.#leave(
            `${key}: ${title} ${address}`,
            'its file is not here',
            'copy it beside the configuration and import again',
          );
          continue;
        }
        this.#draft.addList(this.#file, title === '' ? basename(address) : title, {
          ...list,
          content: file.bytes.toString('utf8'),
        });
      }
      this.#draft.findings.take(allow ? 'filters that allow' : 'filters', 'extra-lists');
    }
  }

  #takeBlocking(): void {
    const mode = this.#at('filtering.blocking_mode') ?? this.#at('dns.blocking_mode');
    for (const key of ['dns.blocking_mode', 'dns.blocking_ipv4', 'dns.blocking_ipv6']) this.#at(key);
    const addresses = [
      this.#at('filtering.blocking_ipv4') ?? this.#at('dns.blocking_ipv4'),
      this.#at('filtering.blocking_ipv6') ?? this.#at('dns.blocking_ipv6'),
    ].filter((one): one is string => typeof one === 'string' && readLoosePrefix(one)?.bits === 128);
    if (mode === 'nxdomain' || mode === 'refused') this.#set('block.mode', mode, 'how names are refused');
    else if (mode === 'null_ip') this.#set('block.mode', 'null-ip', 'how names are refused');
    else if (mode === 'custom_ip' && addresses.length > 0)
      this.#set('block.address', addresses, 'how names are refused');
    else if (mode !== undefined && mode !== null)
      this.#leave(
        `blocking_mode: ${String(mode)}`,
        'a refusal here is NXDOMAIN',
        'write block.mode: null-ip for 0.0.0.0, as AdGuard Home answers by default',
      );
    const hosts = this.#texts('dns.blocked_hosts').filter(
      (host) => !/^(?:version\.bind|id\.server|hostname\.bind)$/.test(host),
    );
    if (hosts.length > 0) {
      this.#draft.addList(this.#file, 'blocked-hosts', {
        format: 'adblock',
        content: hosts.map((host) => `${host}\n`).join(''),
      });
      this.#draft.findings.take('blocked hosts', 'the list "blocked-hosts"', hosts.length);
    }
  }

  #takeDns64(): void {
    const prefixes = this.#texts('dns.dns64_prefixes');
    if (this.#at('dns.use_dns64') !== true) return;
    this.#set('dns64.prefix', prefixes[0] ?? '64:ff9b::/96', 'DNS64');
    for (const prefix of prefixes.slice(1))
      this.#leave(`dns.dns64_prefixes: ${prefix}`, 'there is one prefix', 'decide which one is meant');
  }

  #takeServices(): void {
    const services = [
      ...this.#texts('filtering.blocked_services.ids'),
      ...this.#texts('dns.blocked_services.ids'),
      ...this.#texts('dns.blocked_services'),
    ];
    for (const key of ['filtering.blocked_services', 'dns.blocked_services']) this.#seen.add(key);
    for (const service of services) {
      if (service === 'tiktok') this.#draft.findings.take('the service tiktok', 'the shipped mandate lists');
      else
        this.#leave(
          `blocked_services: ${service}`,
          'which names a service has stands in AdGuard Home itself',
          'name a list of the service',
        );
    }
    for (const [key, what] of [
      ['filtering.safe_search', 'safe search'],
      ['dns.safe_search', 'safe search'],
      ['filtering.parental_enabled', 'parental control'],
      ['dns.parental_enabled', 'parental control'],
      ['filtering.safebrowsing_enabled', 'safe browsing'],
      ['dns.safebrowsing_enabled', 'safe browsing'],
      ['dns.safesearch_enabled', 'safe search'],
    ] as const) {
      const value = this.#at(key);
      const isOn = value === true || (isMap(value) && value['enabled'] === true);
      if (isOn)
        this.#leave(
          key,
          `${what} asks a service of AdGuard, or replaces answers`,
          'name a list, or servers that do it, under "upstreams"',
        );
      else if (value !== undefined) this.#draft.findings.hold(key, 'it is turned off');
    }
    if (isMap(this.#at('tls')) && (this.#at('tls.enabled') as unknown) === true)
      this.#leave(
        'tls',
        'certificates and listeners for encrypted DNS are set up anew',
        'see listen and tls in docs/configuration.md',
      );
    else this.#draft.findings.hold('tls', 'it is turned off');
    if (isMap(this.#at('dhcp')) && this.#at('dhcp.enabled') === true)
      this.#leave('dhcp', 'Cordon gives no addresses', 'let the router or another program do it');
    else this.#draft.findings.hold('dhcp', 'it is turned off');
    this.#at('filtering.safe_fs_patterns');
  }

  #set(key: string, value: unknown, what: string): void {
    this.#draft.keys.set(key, value);
    this.#draft.findings.take(what, key);
  }

  /** Every key that nobody looked at. */
  #takeRest(values: Values, path: string): void {
    for (const [key, value] of Object.entries(values)) {
      const full = path === '' ? key : `${path}.${key}`;
      if (this.#seen.has(full)) continue;
      if (HELD_KEYS.test(full)) this.#draft.findings.hold(full, HELD_WHY);
      else if (isMap(value) && (path === '' || [...this.#seen].some((seen) => seen.startsWith(`${full}.`))))
        this.#takeRest(value, full);
      else
        this.#leave(
          `${full}: ${JSON.stringify(value)}`,
          'Cordon has no counterpart under this name',
          'look it up in docs/configuration.md, or do without',
        );
    }
  }
}

const isMap = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
