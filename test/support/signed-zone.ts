// Zones signed by the programs that operators sign with: dnssec-signzone of BIND, or ldns-signzone.
//
//   const zone = signZone({ apex: 'example.', records: ['www.example. 300 IN A 192.0.2.1'] });
//   const rrset = findRrset(zone.records, 'www.example.', 'A');
//
// Every call works in a directory of its own, which is gone when it returns. Calls block: a small zone with new keys
// takes 0.03 s on a curve and 0.3 s with RSA, so sign once for a file of tests and share keys. A test that
// needs these programs asks requireProgram(context, 'dnssec-signzone') first. Keys on the curves that most zones have, and DS
// records, are made here: three programs a zone less, and what is signed is signed by theirs all the same.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Rrset, readRrsets } from '../../src/resolver/dnssec/rrset.ts';
import {
  CLASS,
  FLAG,
  formatRecord,
  MESSAGE_LENGTH_MAX,
  MessageBuilder,
  nameFrom,
  parseRecord,
  parseType,
  type ResourceRecord,
  SECTION,
} from '../../src/wire/dns/dns.ts';
import { ownOffsetMs } from './fake-time.ts';
import { findProgram } from './process.ts';

/** A program of a loaded machine: an RSA key of 4096 bits takes seconds. */
const PROGRAM_TIMEOUT_MS = 90_000;
/** TTL of records whose text has none, seconds. */
const TTL_SEC = 3600;
/** How far around now signatures are valid when a zone does not say, by this clock and that of the machine: an hour before, ten days after. */
const START_BEFORE_SEC = 3600;
const END_AFTER_SEC = 864_000;

/** What dnssec-keygen calls the algorithms. */
export type ZoneAlgorithm =
  | 'RSASHA1'
  | 'NSEC3RSASHA1'
  | 'RSASHA256'
  | 'RSASHA512'
  | 'ECDSAP256SHA256'
  | 'ECDSAP384SHA384'
  | 'ED25519'
  | 'ED448';

/** A key pair as the two files that dnssec-keygen writes. */
export interface ZoneKey {
  /** The name of its files without their ending. */
  readonly base: string;
  readonly role: 'ksk' | 'zsk';
  /** The DNSKEY record in presentation format. */
  readonly record: string;
  readonly privateText: string;
}

/** What to sign. */
export interface ZoneText {
  /** The name of the zone, absolute: `example.` or `.`. */
  readonly apex: string;
  /** Records that parseRecord reads. An SOA and an NS record with its address are added where they are missing. */
  readonly records: readonly string[];
  /** ECDSAP256SHA256 by default; not used with `keys`. */
  readonly algorithm?: ZoneAlgorithm;
  /** `nsec` by default. */
  readonly denial?: 'nsec' | 'nsec3' | 'nsec3-optout';
  /** Additional iterations of NSEC3, 0 by default. */
  readonly iterations?: number;
  /** The salt of NSEC3 in hexadecimal, `-` (none) by default. */
  readonly salt?: string;
  /** Inception and expiration in seconds since 1970. */
  readonly start?: number;
  readonly end?: number;
  /** Keys of createZoneKey() or of an earlier zone; a new pair of KSK and ZSK by default. */
  readonly keys?: readonly ZoneKey[];
  /** `bind` by default. */
  readonly signer?: 'bind' | 'ldns';
  /** Digests of the DS records, SHA-256 only by default. */
  readonly digests?: readonly ('SHA-1' | 'SHA-256' | 'SHA-384')[];
}

/** A signed zone. */
export interface SignedZone {
  readonly apex: string;
  /** Every record: RRSIG, DNSKEY, NSEC or NSEC3 and NSEC3PARAM included. */
  readonly records: readonly ResourceRecord[];
  /** The same as a zone file that name servers read. */
  readonly text: string;
  /** DNSKEY records in presentation format. */
  readonly dnskeys: readonly string[];
  /** DS records of the KSKs, for the parent, in presentation format. */
  readonly ds: readonly string[];
  readonly keys: readonly ZoneKey[];
}

/** A key pair; `bits` is the size of an RSA modulus, 2048 by default. Without a ZSK beside it a KSK signs everything. */
export const createZoneKey = (
  apex: string,
  algorithm: ZoneAlgorithm,
  role: ZoneKey['role'],
  bits = 2048,
): ZoneKey => createCurveKey(apex, algorithm, role) ?? generateZoneKey(apex, algorithm, role, bits);

/** Numbers of the algorithms whose keys are made here, and how many bytes a private one has. */
const CURVES: Partial<Readonly<Record<ZoneAlgorithm, readonly [number: number, bytes: number]>>> = {
  ECDSAP256SHA256: [13, 32],
  ECDSAP384SHA384: [14, 48],
  ED25519: [15, 32],
};

/** Of those that were made. */
const bases = new Set<string>();

/** As the files of dnssec-keygen (RFC 6605 section 6, RFC 8080 section 6); undefined: that has to make it. */
const createCurveKey = (
  apex: string,
  algorithm: ZoneAlgorithm,
  role: ZoneKey['role'],
): ZoneKey | undefined => {
  const [number, bytes] = CURVES[algorithm] ?? [];
  if (number === undefined || !/^[a-z0-9.-]+$/.test(apex)) return undefined;
  const { privateKey } =
    algorithm === 'ED25519'
      ? generateKeyPairSync('ed25519')
      : generateKeyPairSync('ec', { namedCurve: algorithm === 'ECDSAP256SHA256' ? 'P-256' : 'P-384' });
  const { x = '', y = '', d = '' } = privateKey.export({ format: 'jwk' });
  const point = Buffer.concat([x, y].map((part) => Buffer.from(part, 'base64url')));
  const secret = Buffer.from(d, 'base64url');
  assert.equal(secret.length, bytes);
  const text = `${apex} ${TTL_SEC} IN DNSKEY ${role === 'ksk' ? 257 : 256} 3 ${number} ${point.toString('base64')}`;
  const record = parseRecord(text);
  const base = `K${apex}+0${number}+${String(keyTagOf(record.rdata)).padStart(5, '0')}`;
  // Two keys of a zone with one tag would have one file.
  if (bases.has(base)) return createCurveKey(apex, algorithm, role);
  bases.add(base);
  return {
    base,
    role,
    record: formatRecord(record),
    privateText: `Private-key-format: v1.3\nAlgorithm: ${number} (${algorithm})\nPrivateKey: ${secret.toString('base64')}\n`,
  };
};

/** RFC 4034 appendix B. */
const keyTagOf = (rdata: Uint8Array): number => {
  let sum = 0;
  for (const [index, byte] of rdata.entries()) sum += index % 2 === 0 ? byte << 8 : byte;
  return (sum + (sum >>> 16)) & 0xffff;
};

const generateZoneKey = (
  apex: string,
  algorithm: ZoneAlgorithm,
  role: ZoneKey['role'],
  bits: number,
): ZoneKey =>
  inDirectory((directory) => {
    const size = algorithm.includes('RSA') ? ['-b', String(bits)] : [];
    const flags = role === 'ksk' ? ['-f', 'KSK'] : [];
    const base = runProgram('dnssec-keygen', directory, [
      '-q',
      '-a',
      algorithm,
      ...size,
      ...flags,
      apex,
    ]).trim();
    return {
      base,
      role,
      record: toRecordTexts(readFileSync(join(directory, `${base}.key`), 'utf8'))[0] ?? '',
      privateText: readFileSync(join(directory, `${base}.private`), 'utf8'),
    };
  });

/** Signs a zone; throws with what the program printed when it refuses. */
export const signZone = (zone: ZoneText): SignedZone =>
  inDirectory((directory) => {
    const { apex, algorithm = 'ECDSAP256SHA256', digests = ['SHA-256'] } = zone;
    const keys = zone.keys ?? [createZoneKey(apex, algorithm, 'ksk'), createZoneKey(apex, algorithm, 'zsk')];
    for (const key of keys) {
      writeFileSync(join(directory, `${key.base}.key`), `${key.record}\n`);
      writeFileSync(join(directory, `${key.base}.private`), key.privateText);
    }
    const unsigned = [...completeRecords(apex, zone.records), ...keys.map((key) => key.record)];
    writeFileSync(join(directory, 'zone'), `${unsigned.join('\n')}\n`);
    const [program, ...args] = zone.signer === 'ldns' ? ldnsCommand(zone) : bindCommand(zone, keys);
    const bases = keys.map((key) => key.base);
    runProgram(program ?? '', directory, [...args, '-o', apex, '-f', 'signed', 'zone', ...bases]);
    const texts = toRecordTexts(readFileSync(join(directory, 'signed'), 'utf8'));
    return {
      apex,
      records: texts.map((text) => parseRecord(text)),
      text: `${texts.join('\n')}\n`,
      dnskeys: keys.map((key) => key.record),
      ds: keys
        .filter((key) => key.role === 'ksk')
        .flatMap((key) => digests.map((digest) => createDs(key.record, digest))),
      keys,
    };
  });

/** A response whose ANSWER holds the records, in their order. */
export const toMessage = (records: readonly ResourceRecord[]): Uint8Array => {
  const builder = new MessageBuilder(new Uint8Array(MESSAGE_LENGTH_MAX)).start(1, FLAG.QR);
  builder.question(nameFrom('.'), parseType('ANY') ?? 0, CLASS.IN);
  for (const { owner, type, class: recordClass, ttl, rdata } of records)
    builder.record(SECTION.ANSWER, owner, type, recordClass, ttl, rdata);
  assert.ok(!builder.overflow, 'the records of a test are over 65535 bytes');
  return builder.finish().slice();
};

/** The RRset of an owner and a type with its signatures; throws when there is none. */
export const findRrset = (records: readonly ResourceRecord[], owner: string, type: string): Rrset => {
  const name = Buffer.from(nameFrom(owner.toLowerCase()));
  const ofOwner = records.filter((record) => name.equals(parseRecordOwner(record)));
  const found = readRrsets(toMessage(ofOwner))?.find((rrset) => rrset.type === parseType(type));
  assert.ok(found !== undefined, `the zone has no ${owner} ${type}`);
  return found;
};

const parseRecordOwner = (record: ResourceRecord): Uint8Array =>
  Buffer.from(Buffer.from(record.owner).toString('latin1').toLowerCase(), 'latin1');

const bindCommand = (zone: ZoneText, keys: readonly ZoneKey[]): string[] => {
  const { denial = 'nsec', iterations = 0, salt = '-' } = zone;
  const [start, end] = validity(zone);
  const nsec3 = denial === 'nsec' ? [] : ['-3', salt, '-H', String(iterations)];
  const optOut = denial === 'nsec3-optout' ? ['-A'] : [];
  const single = keys.every((key) => key.role === 'ksk') ? ['-z'] : [];
  // Not verified afterwards (-P): a zone whose signatures are over is wanted as well.
  const rest = ['-P', '-q', '-O', 'full', '-s', start, '-e', end];
  return ['dnssec-signzone', ...rest, ...nsec3, ...optOut, ...single];
};

const ldnsCommand = (zone: ZoneText): string[] => {
  const { denial = 'nsec', iterations = 0, salt = '-' } = zone;
  const [start, end] = validity(zone);
  const saltArguments = salt === '-' ? [] : ['-s', salt];
  const nsec3 = denial === 'nsec' ? [] : ['-n', '-t', String(iterations), ...saltArguments];
  return ['ldns-signzone', '-i', start, '-e', end, ...nsec3, ...(denial === 'nsec3-optout' ? ['-p'] : [])];
};

/** Inception and expiration as YYYYMMDDHHMMSS. */
const validity = (zone: ZoneText): [string, string] => {
  const nowSec = Math.floor(Date.now() / 1000);
  const format = (seconds: number): string =>
    new Date(seconds * 1000).toISOString().replaceAll(/\D/g, '').slice(0, 14);
  // BIND keeps the machine's clock, at whatever date the tests run.
  const machineSec = nowSec - ownOffsetMs() / 1000;
  const [first, last] = [Math.min(nowSec, machineSec), Math.max(nowSec, machineSec)];
  return [format(zone.start ?? first - START_BEFORE_SEC), format(zone.end ?? last + END_AFTER_SEC)];
};

const DIGESTS = { 'SHA-1': [1, 'sha1'], 'SHA-256': [2, 'sha256'], 'SHA-384': [4, 'sha384'] } as const;

/** RFC 4034 section 5.1.4. */
const createDs = (key: string, digest: keyof typeof DIGESTS): string => {
  const { rdata } = parseRecord(key, TTL_SEC);
  const [type, hash] = DIGESTS[digest];
  const [apex] = key.split(' ');
  const hex = createHash(hash)
    .update(nameFrom((apex ?? '').toLowerCase()))
    .update(rdata)
    .digest('hex');
  return formatRecord(parseRecord(`${apex} ${TTL_SEC} IN DS ${keyTagOf(rdata)} ${rdata[3]} ${type} ${hex}`));
};

const completeRecords = (apex: string, texts: readonly string[]): string[] => {
  const records = texts.map((text) => parseRecord(text, TTL_SEC));
  const below = (label: string): string => (apex === '.' ? `${label}.` : `${label}.${apex}`);
  const name = Buffer.from(nameFrom(apex));
  const holds = (type: string): boolean =>
    records.some((record) => record.type === parseType(type) && name.equals(record.owner));
  const soa = `${apex} ${TTL_SEC} IN SOA ${below('ns')} ${below('hostmaster')} 1 7200 3600 1209600 300`;
  const ns = [`${apex} ${TTL_SEC} IN NS ${below('ns')}`, `${below('ns')} ${TTL_SEC} IN A 192.0.2.53`];
  return [...(holds('SOA') ? [] : [soa]), ...(holds('NS') ? [] : ns), ...records.map(formatRecord)];
};

/** The lines of a program's output that are records, without comments. */
const toRecordTexts = (output: string): string[] =>
  output
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith(';'))
    .map((line) => formatRecord(parseRecord(line, TTL_SEC)));

const inDirectory = <Value>(work: (directory: string) => Value): Value => {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-zone-'));
  try {
    return work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};

const runProgram = (program: string, directory: string, args: readonly string[]): string => {
  const path = findProgram(program);
  assert.ok(path !== undefined, `the program ${program} is not installed`);
  const { status, stdout, stderr, error } = spawnSync(path, args, {
    cwd: directory,
    encoding: 'utf8',
    timeout: PROGRAM_TIMEOUT_MS,
  });
  assert.ok(status === 0, `${program} ${args.join(' ')}: ${error?.message ?? ''}\n${stdout}${stderr}`);
  return stdout;
};
