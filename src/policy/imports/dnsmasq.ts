// dnsmasq.conf(5) as a configuration of Cordon; the lines that Pi-hole adds are read by the same reader.
//
// The longest domain of address= and server= decides, whatever the order. Hosts, cname= and the other records go before
// address=. What is of DHCP, TFTP and routers is none of a resolver's.

import { takeDnsmasqRecord } from './dnsmasq-records.ts';
import type { ImportDraft } from './draft.ts';
import type { FileSet, FoundFile } from './file-set.ts';
import { notSuch } from './findings.ts';
import { takeHosts } from './hosts.ts';
import { readLoosePrefix } from './prefix-holes.ts';
import { reverseZonesOf } from './reverse-names.ts';
import { addressWithPort, fromDnsmasq } from './server-text.ts';

const MAIN_FILES = ['dnsmasq.conf', 'etc/dnsmasq.conf'];
const DEPTH_MAX = 16;
const UNUSABLE = /^(?:|#|0\.0\.0\.0|::|127\.0\.0\.1|::1)$/;
const HELD: readonly (readonly [RegExp, string])[] = [
  [
    /^(?:dhcp|enable-ra|ra-|quiet-|no-dhcp|enable-tftp|tftp|pxe|bootp|read-ethers|leasefile|script|bridge|shared-network)/,
    "DHCP, TFTP and router advertisements are not a resolver's: keep dnsmasq for them, with port=0",
  ],
  [
    /^(?:log-|no-daemon|keep-in-foreground|user|group|pid-file|bind-|no-poll|no-negcache|cache-size|dns-forward-max|edns-packet-max|max-tcp|query-port|min-port|max-port|clear-on-reload|localise-queries|conntrack|enable-dbus|enable-ubus|all-servers|fast-dns-retry|dnssec|trust-anchor|no-round-robin|do-0x20|use-stale-cache|local-service|no-ident|port-limit)/,
    'Cordon has its own bounds and defaults for it',
  ],
  [
    /^(?:bogus-priv|domain-needed|filterwin2k|localmx|selfmx|no-0x20-encode)$/,
    'special-use names and reverse zones of private networks never leave',
  ],
  [/^(?:no-resolv|resolv-file|strict-order)$/, 'the servers are those of the configuration'],
];

/** Reads a configuration of dnsmasq into a draft. */
export const importDnsmasq = (files: FileSet, draft: ImportDraft): void => {
  const found = files.main === undefined ? mainsOf(files) : [files.main];
  if (found.length === 0)
    throw notSuch(
      'dnsmasq',
      'there is no dnsmasq.conf',
      `name the file, or a directory with ${MAIN_FILES[0]} or *.conf`,
    );
  const reader = new DnsmasqImport(files, draft);
  for (const file of found) reader.read(file, 0);
  if (reader.options === 0) throw notSuch('dnsmasq', `${found[0]?.name} has no option of dnsmasq.conf`);
  reader.finish(true);
};

const mainsOf = (files: FileSet): FoundFile[] => {
  const main = MAIN_FILES.map((name) => files.find(name)).find((file) => file !== undefined);
  const more = [...files.findAll('dnsmasq.d/*'), ...files.findAll('etc/dnsmasq.d/*')];
  const all = main === undefined ? [...more, ...files.findAll('*.conf')] : [main, ...more];
  return [...new Map(all.map((file) => [file.name, file])).values()];
};

/** One configuration in the reading. */
export class DnsmasqImport {
  readonly #files: FileSet;
  readonly #draft: ImportDraft;
  readonly #listen: { address: string; where: string }[] = [];
  readonly #read = new Set<string>();
  readonly #hosts: { path: string; from: string; where: string }[] = [];
  readonly #rebindOk: string[] = [];
  #port = '53';
  #domain: string | undefined;
  #expands = false;
  #hasHosts = true;
  #servers = 0;
  /** Lines that were options. */
  options = 0;

  constructor(files: FileSet, draft: ImportDraft) {
    this.#files = files;
    this.#draft = draft;
  }

  /** Reads a file with what it includes. */
  read({ name, bytes }: FoundFile, depth: number): void {
    if (this.#read.has(name)) return;
    this.#read.add(name);
    this.readText(name, bytes.toString('utf8'), depth);
  }

  /** Reads lines of a file, or lines that another configuration holds. */
  readText(file: string, text: string, depth = 0): void {
    for (const [index, content] of text.split('\n').entries()) {
      const line = content.trim();
      if (line === '' || line.startsWith('#')) continue;
      const [, option = '', rest] = /^(?:--)?([a-z0-9-]+)\s*(?:=\s*(.*))?$/i.exec(line) ?? [];
      const where = `${file}:${index + 1}`;
      if (option === '') {
        this.#draft.findings.leave(where, line, 'it is no option', 'look at the line');
        continue;
      }
      this.options++;
      this.#take(option, withoutComment(rest ?? ''), where, file, depth);
    }
  }

  #take(option: string, value: string, where: string, file: string, depth: number): void {
    const draft = this.#draft;
    const leave = (why: string, todo: string): void =>
      draft.findings.leave(where, `${option}=${value}`, why, todo);
    switch (option) {
      case 'address':
        this.#takeAddress(value, where);
        return;
      case 'server':
      case 'local':
      case 'rev-server':
        this.#takeServer(option, value, where);
        return;
      case 'host-record':
      case 'cname':
      case 'txt-record':
      case 'srv-host':
      case 'ptr-record':
      case 'mx-host':
      case 'caa-record':
      case 'dns-rr':
      case 'interface-name':
        takeDnsmasqRecord(draft, option, value, where);
        return;
      case 'addn-hosts':
      case 'hostsdir':
        this.#hosts.push({ path: value, from: file, where });
        return;
      case 'no-hosts':
        this.#hasHosts = false;
        draft.findings.hold(option, 'the hosts file of the machine is answered only where it is imported');
        return;
      case 'expand-hosts':
        this.#expands = true;
        draft.findings.take('bare host names with the domain behind them', 'local.records');
        return;
      case 'domain':
        this.#takeDomain(value, leave);
        return;
      case 'conf-file':
      case 'conf-dir':
      case 'servers-file':
        this.#include(option, value, file, where, depth);
        return;
      case 'listen-address':
        for (const address of value.split(',')) this.#listen.push({ address: address.trim(), where });
        draft.findings.take('addresses that are listened on', 'listen.dns', value.split(',').length);
        return;
      case 'port':
        this.#port = value;
        draft.findings.take('the port', 'listen.dns');
        return;
      case 'stop-dns-rebind':
        draft.keys.set('rebinding.protect', true);
        draft.findings.take('protection against rebinding', 'rebinding.protect');
        return;
      case 'rebind-localhost-ok':
        draft.findings.hold(option, 'loopback addresses of names are judged as other private ones');
        return;
      case 'rebind-domain-ok':
        this.#rebindOk.push(...value.split('/').filter((name) => name !== ''));
        return;
      case 'min-cache-ttl':
      case 'max-cache-ttl':
        if (/^\d{1,5}$/.test(value)) {
          const [key, most, least] =
            option === 'min-cache-ttl'
              ? (['cache.ttl.min', 3600, 0] as const)
              : (['cache.ttl.max', 604_800, 60] as const);
          draft.keys.set(key, `${Math.min(most, Math.max(least, Number(value)))}s`);
          draft.findings.take('bounds of TTLs', key);
        } else leave('it is no time', 'write it under cache.ttl');
        return;
      case 'local-ttl':
        draft.findings.hold(option, 'records have the TTL of local.records, 5m');
        return;
      case 'interface':
      case 'except-interface':
      case 'no-dhcp-interface':
        leave('an interface is no address', 'write the addresses under listen.dns');
        return;
      case 'ipset':
      case 'nftset':
        leave('Cordon does not write to the firewall', 'load `cordon lists export --for nftables` there');
        return;
      default: {
        const held = HELD.find(([pattern]) => pattern.test(option));
        if (held !== undefined) draft.findings.hold(option, held[1]);
        else
          leave(
            'Cordon has no counterpart under this name',
            'look it up in docs/configuration.md, or do without',
          );
      }
    }
  }

  #takeAddress(value: string, where: string): void {
    const draft = this.#draft;
    const parts = value.split('/');
    const target = parts.at(-1)?.trim() ?? '';
    const names = parts.slice(1, -1);
    if (!value.startsWith('/') || names.length === 0) {
      draft.findings.leave(where, `address=${value}`, 'it names no domain', 'correct it');
      return;
    }
    for (const written of names) {
      const name = written.replace(/^\./, '');
      if (name === '#' || name === '') {
        draft.findings.leave(
          where,
          `address=/${written}/${target}`,
          'it answers every name there is',
          'nothing: a resolver that answers nothing else needs no upstreams',
        );
      } else if (UNUSABLE.test(target)) {
        if (name.startsWith('*.')) draft.refuseBelow(where, name.slice(2));
        else if (name.startsWith('*'))
          draft.findings.leave(
            where,
            `address=/${written}/`,
            'a star without its dot also takes longer names',
            'write an expression into a list of the format regex',
          );
        else draft.decide(where, name, 'refuse');
      } else this.#takeTarget(name, target, where);
    }
  }

  #takeTarget(name: string, target: string, where: string): void {
    const draft = this.#draft;
    if (readLoosePrefix(target)?.bits !== 128) {
      draft.findings.leave(where, `address=/${name}/${target}`, 'it leads to no address', 'correct it');
      return;
    }
    const type = target.includes(':') ? 'AAAA' : 'A';
    if (!name.startsWith('*.')) draft.addRecord(where, name, type, target);
    draft.addRecord(where, name.startsWith('*.') ? name : `*.${name}`, type, target);
  }

  #takeServer(option: string, value: string, where: string): void {
    const draft = this.#draft;
    if (option === 'rev-server') {
      const [network = '', server = ''] = value.split(',');
      this.#forward(reverseZonesOf(network), server, where, value);
      return;
    }
    const parts = value.split('/');
    if (!value.startsWith('/')) {
      this.#forward([], value, where, value);
      return;
    }
    const target = parts.at(-1)?.trim() ?? '';
    const names = parts.slice(1, -1).map((name) => name.replace(/^\*?\./, ''));
    for (const name of names) {
      if (name === '') {
        if (target === '')
          draft.findings.hold(
            'names of one label that are never forwarded',
            'a name of one label does not exist above',
          );
        else
          draft.findings.leave(
            where,
            `${option}=${value}`,
            'servers for names of one label',
            'write them under "forward", each with its name',
          );
      } else if (target === '') draft.decide(where, name, 'refuse');
      else if (target === '#') draft.decide(where, name, 'pass');
      else {
        draft.decide(where, name, 'pass');
        this.#forward([name], target, where, value);
      }
    }
  }

  #forward(zones: readonly string[] | undefined, target: string, where: string, value: string): void {
    const draft = this.#draft;
    const server = fromDnsmasq(target);
    if (zones === undefined || 'why' in server) {
      draft.findings.leave(
        where,
        `server=${value}`,
        'why' in server ? server.why : 'its network does not end between two labels',
        'write it under "upstreams" or "forward"',
      );
      return;
    }
    if (zones.length === 0) {
      draft.upstreams.push(server.text);
      this.#servers++;
      draft.findings.take('servers that are asked', 'upstreams');
    }
    for (const zone of zones) draft.addForward(where, zone, [server.text]);
  }

  #takeDomain(value: string, leave: (why: string, todo: string) => void): void {
    const [domain = '', ...rest] = value.split(',');
    if (rest.length > 0 && rest[0] !== 'local')
      leave('domains by address are of DHCP', 'keep dnsmasq for DHCP');
    else {
      this.#domain = domain === '#' ? undefined : domain;
      if (rest[0] === 'local' || rest[1] === 'local') this.#draft.decide('domain', domain, 'refuse');
      this.#draft.findings.take('the domain of bare host names', 'names of local.records');
    }
  }

  #include(option: string, value: string, file: string, where: string, depth: number): void {
    const [path = '', ...filters] = value.split(',');
    const found =
      depth >= DEPTH_MAX
        ? []
        : option === 'conf-dir'
          ? this.#files.findAll(`${path.replace(/\/+$/, '')}/*`, file)
          : this.#files.findAll(path, file);
    const kept = found.filter(({ name }) => isWanted(name, filters));
    for (const one of kept) this.read(one, depth + 1);
    if (found.length === 0)
      this.#draft.findings.leave(
        where,
        `${option}=${value}`,
        'it is not here',
        'copy it beside the configuration and import again',
      );
    else this.#draft.findings.take('included files', 'read as part of the configuration', kept.length);
  }

  /** Adds what concerns the whole; `isWhole` for a configuration of dnsmasq alone. */
  finish(isWhole: boolean): void {
    const draft = this.#draft;
    const domain = this.#expands ? this.#domain : undefined;
    for (const { path, from, where } of this.#hosts) {
      const found = this.#files.findAll(path, from);
      const inside = found.length > 0 ? found : this.#files.findAll(`${path.replace(/\/+$/, '')}/*`, from);
      for (const { name, bytes } of inside) takeHosts(draft, name, bytes.toString('utf8'), domain);
      if (inside.length === 0)
        draft.findings.leave(
          where,
          path,
          'the file of hosts is not here',
          'copy it beside the configuration and import again',
        );
    }
    if (!isWhole) return;
    const hosts = this.#hasHosts ? this.#files.find('/etc/hosts') : undefined;
    if (hosts !== undefined) takeHosts(draft, hosts.name, hosts.bytes.toString('utf8'), domain);
    else if (this.#hasHosts)
      draft.findings.leave(
        '/etc/hosts',
        'hosts of the machine',
        'dnsmasq answers them, and the file is not here',
        'copy it as "hosts" beside the configuration, if it holds more than the machine',
      );
    if (this.#rebindOk.length > 0) {
      draft.keys.set('rebinding.allow', this.#rebindOk);
      draft.findings.take('zones that may have private addresses', 'rebinding.allow', this.#rebindOk.length);
    }
    for (const { address, where } of this.#listen) {
      const found = addressWithPort(address, this.#port);
      if ('why' in found)
        draft.findings.leave(where, `listen-address=${address}`, found.why, 'write it under listen.dns');
      else draft.listen.push(found.text);
    }
    if (this.#listen.length === 0 && this.#port !== '53') draft.listen.push(`127.0.0.1:${this.#port}`);
    if (this.#listen.length === 0)
      draft.findings.leave(
        'listen-address',
        'none',
        'dnsmasq listens on all interfaces',
        'write the addresses of this machine under listen.dns',
      );
    if (this.#servers === 0)
      draft.findings.leave(
        'server',
        'none',
        'dnsmasq asks the servers of resolv.conf',
        'without "upstreams" Cordon does the same; write them, so that nobody changes them unseen',
      );
  }
}

/** A comment stands behind white space; a hash in a value does not. */
const withoutComment = (text: string): string => text.replace(/\s+#.*$/, '').trim();

const isWanted = (name: string, filters: readonly string[]): boolean => {
  if (/(?:~|^#.*#)$/.test(name)) return false;
  const wanted = filters.filter((filter) => filter.startsWith('*')).map((filter) => filter.slice(1));
  const unwanted = filters.filter((filter) => !filter.startsWith('*'));
  return (
    !unwanted.some((end) => name.endsWith(end)) &&
    (wanted.length === 0 || wanted.some((end) => name.endsWith(end)))
  );
};
