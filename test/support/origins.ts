// Configurations of other resolvers, written for the tests, and readings of them that are not Cordon's.
//
// What unbound, BIND and dnsmasq do with theirs is asked of the real programs. For Pi-hole and AdGuard Home, which are not
// packaged, the readings here and in list-reader.py say what those document.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { crc32, deflateRawSync, gzipSync } from 'node:zlib';

const READER = join(import.meta.dirname, 'list-reader.py');

/** Where a name leads in an origin: refused, to an address of its own, or to the upstreams. */
export type Verdict = string;

/** Names to ask about: `seeds` themselves, below them, above them, beside them, and others, until there are `count`. */
export const namesAround = (seeds: readonly string[], count: number): string[] => {
  const names = new Set<string>();
  for (const seed of seeds) {
    const name = seed.replace(/^\*\./, '').replace(/\.$/, '');
    const parent = name.slice(name.indexOf('.') + 1);
    for (const one of [name, `www.${name}`, `a.b.${name}`, `x${name}`, `${name}.example.net`, parent]) {
      if (one.includes('.')) names.add(one);
    }
  }
  for (let index = 0; names.size < count; index++) names.add(`other-${index}.example.org`);
  return [...names].slice(0, count);
};

/** The names that a list refuses, as list-reader.py reads it. */
export const refusedBy = (
  format: 'adblock' | 'hosts',
  text: string,
  names: readonly string[],
): Set<string> => {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-origin-'));
  try {
    const path = join(directory, 'list.txt');
    writeFileSync(path, text);
    const output = execFileSync('python3', [READER, format, path, ...names], {
      encoding: 'utf8',
      maxBuffer: 1 << 24,
    });
    return new Set(output.split('\n').filter((line) => line !== ''));
  } finally {
    rmSync(directory, { recursive: true });
  }
};

/** The tables of a Pi-hole, as its documents describe them. */
export interface Pihole {
  readonly allowed: readonly string[];
  readonly denied: readonly string[];
  readonly allowedExpressions: readonly string[];
  readonly deniedExpressions: readonly string[];
  /** Addresses of lists with their content. */
  readonly lists: Readonly<Record<string, string>>;
  /** `ADDRESS NAME`. */
  readonly hosts: readonly string[];
  /** `NAME,TARGET`. */
  readonly cnames: readonly string[];
  readonly upstreams: readonly string[];
}

/** What a Pi-hole says of names: what is allowed goes before what is denied, exact before expressions, then its lists. */
export const piholeVerdicts = (pihole: Pihole, names: readonly string[]): Map<string, Verdict> => {
  const listed = Object.values(pihole.lists).map((text) => refusedBy('adblock', text, names));
  const matches = (expressions: readonly string[], name: string): boolean =>
    expressions.some((expression) => new RegExp(expression, 'i').test(name));
  const addresses = new Map(pihole.hosts.map((line) => line.split(' ').reverse() as [string, string]));
  const targets = new Map(pihole.cnames.map((line) => line.split(',') as [string, string]));
  return new Map(
    names.map((name) => {
      const isAllowed = pihole.allowed.includes(name) || matches(pihole.allowedExpressions, name);
      const isDenied =
        pihole.denied.includes(name) ||
        matches(pihole.deniedExpressions, name) ||
        listed.some((set) => set.has(name));
      const address = addresses.get(targets.get(name) ?? name);
      return [name, !isAllowed && isDenied ? 'refused' : (address ?? 'passes')];
    }),
  );
};

/** A teleporter of version 5: tar in gzip. */
export const piholeFive = (pihole: Pihole): Buffer => {
  const rows = (domains: readonly string[], type: number, from: number) =>
    domains.map((domain, index) => ({
      id: from + index,
      type,
      domain,
      enabled: 1,
      date_added: 1,
      date_modified: 1,
      comment: null,
    }));
  const files: Record<string, string> = {
    'group.json': JSON.stringify([{ id: 0, enabled: 1, name: 'Default' }]),
    'whitelist.exact.json': JSON.stringify(rows(pihole.allowed, 0, 1)),
    'blacklist.exact.json': JSON.stringify(rows(pihole.denied, 1, 10_001)),
    'whitelist.regex.json': JSON.stringify(rows(pihole.allowedExpressions, 2, 20_001)),
    'blacklist.regex.json': JSON.stringify(rows(pihole.deniedExpressions, 3, 30_001)),
    'adlist.json': JSON.stringify(
      Object.keys(pihole.lists).map((address, index) => ({ id: index + 1, address, enabled: 1 })),
    ),
    'client.json': '[]',
    'setupVars.conf':
      pihole.upstreams.map((server, index) => `PIHOLE_DNS_${index + 1}=${server}\n`).join('') +
      'QUERY_LOGGING=true\nDHCP_ACTIVE=true\n',
    'custom.list': pihole.hosts.map((line) => `${line}\n`).join(''),
    'dnsmasq.d/05-pihole-custom-cname.conf': pihole.cnames.map((line) => `cname=${line}\n`).join(''),
    'dnsmasq.d/01-pihole.conf': 'addn-hosts=/etc/pihole/local.list\n',
  };
  return gzipSync(tar(files));
};

/** A teleporter of version 6: zip with a database. */
export const piholeSix = (pihole: Pihole): Buffer => {
  const list = (texts: readonly string[]): string =>
    `[ ${texts.map((text) => JSON.stringify(text)).join(', ')} ]`;
  const toml = `[dns]\nupstreams = ${list(pihole.upstreams)}\nhosts = ${list(pihole.hosts)}\ncnameRecords = ${list(pihole.cnames)}\nrevServers = []\ndomainNeeded = true\n[dns.blocking]\nactive = true\nmode = "NULL"\n[misc]\ndnsmasq_lines = []\n[webserver]\nport = "80"\n`;
  return zip({
    'etc/pihole/pihole.toml': Buffer.from(toml),
    'etc/pihole/gravity.db': gravity(pihole),
    'etc/hosts': Buffer.from('127.0.0.1 localhost\n'),
  });
};

const gravity = (pihole: Pihole): Buffer => {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-gravity-'));
  try {
    const path = join(directory, 'gravity.db');
    const database = new DatabaseSync(path);
    database.exec(`CREATE TABLE "group" (id INTEGER, enabled BOOLEAN, name TEXT);
      CREATE TABLE domainlist (id INTEGER, type INTEGER, domain TEXT, enabled BOOLEAN);
      CREATE TABLE adlist (id INTEGER, address TEXT, enabled BOOLEAN, type INTEGER);
      CREATE TABLE client (id INTEGER, ip TEXT);
      CREATE TABLE domainlist_by_group (domainlist_id INTEGER, group_id INTEGER);
      CREATE TABLE adlist_by_group (adlist_id INTEGER, group_id INTEGER);
      CREATE TABLE client_by_group (client_id INTEGER, group_id INTEGER);
      INSERT INTO "group" VALUES (0, 1, 'Default');`);
    const add = database.prepare('INSERT INTO domainlist VALUES (?, ?, ?, 1)');
    const link = database.prepare('INSERT INTO domainlist_by_group VALUES (?, 0)');
    const kinds = [pihole.allowed, pihole.denied, pihole.allowedExpressions, pihole.deniedExpressions];
    let id = 0;
    for (const [type, domains] of kinds.entries()) {
      for (const domain of domains) {
        id++;
        add.run(id, type, domain);
        link.run(id);
      }
    }
    for (const [index, address] of Object.keys(pihole.lists).entries()) {
      database.prepare('INSERT INTO adlist VALUES (?, ?, 1, 0)').run(index + 1, address);
      database.prepare('INSERT INTO adlist_by_group VALUES (?, 0)').run(index + 1);
    }
    database.close();
    return execFileSync('cat', [path], { maxBuffer: 1 << 26 });
  } finally {
    rmSync(directory, { recursive: true });
  }
};

/** A tar archive (POSIX ustar). */
export const tar = (files: Readonly<Record<string, string | Buffer>>): Buffer => {
  const parts = Object.entries(files).flatMap(([name, content]) => {
    const bytes = Buffer.from(content);
    const header = Buffer.alloc(512);
    header.write(name, 0);
    header.write('0000644\0', 100);
    header.write(`${bytes.length.toString(8).padStart(11, '0')}\0`, 124);
    header.write('00000000000\0', 136);
    header.write('        0', 148);
    header.write('ustar\x0000', 257);
    const sum = header.reduce((total, byte, index) => total + (index >= 148 && index < 156 ? 32 : byte), 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    return [header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)];
  });
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
};

/** A zip archive, deflated. */
export const zip = (files: Readonly<Record<string, Buffer>>): Buffer => {
  const locals: Buffer[] = [];
  const centrals: Buffer[] = [];
  let offset = 0;
  for (const [name, content] of Object.entries(files)) {
    const packed = deflateRawSync(content);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(20, 4);
    local.writeUInt16LE(8, 8);
    local.writeUInt32LE(crc32(content), 14);
    local.writeUInt32LE(packed.length, 18);
    local.writeUInt32LE(content.length, 22);
    local.writeUInt16LE(name.length, 26);
    const central = Buffer.alloc(46);
    central.writeUInt32LE(0x02014b50, 0);
    central.writeUInt16LE(20, 4);
    central.writeUInt16LE(20, 6);
    central.writeUInt16LE(8, 10);
    central.writeUInt32LE(crc32(content), 16);
    central.writeUInt32LE(packed.length, 20);
    central.writeUInt32LE(content.length, 24);
    central.writeUInt16LE(name.length, 28);
    central.writeUInt32LE(offset, 42);
    locals.push(local, Buffer.from(name), packed);
    centrals.push(central, Buffer.from(name));
    offset += local.length + name.length + packed.length;
  }
  const directory = Buffer.concat(centrals);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(Object.keys(files).length, 8);
  end.writeUInt16LE(Object.keys(files).length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, directory, end]);
};
