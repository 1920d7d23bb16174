// Signs a scenario again: with Ed25519 in place of RSA with SHA-1, which no validator has to know any more (RFC 9905).
//
// Half of unbound's scenarios for validators were recorded with keys of 512 bits and SHA-1. What they are about are the
// names, the proofs and the chains, and those stay: every DNSKEY of such an algorithm becomes another key with the same
// flags, every DS of one names the new key by the same digest, and every signature that fits its records and its key is
// made anew over the same records with the same dates. A signature whose key is nowhere in the scenario stays one that
// nobody can verify. A signature that does not fit a key that is there was broken by who wrote the scenario: it stays broken, under
// the tag of the new key. How many of those there are has to be said, so that none is broken by this file; otherwise it
// throws. RFC 3110, 4034 sections 3 and 6, 5155, 8080.
import assert from 'node:assert/strict';
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  hash,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import {
  ancestor,
  canonicalizeRdata,
  compareRdata,
  wildcardOf,
} from '../../src/resolver/dnssec/canonical.ts';
import {
  countLabels,
  foldName,
  formatRecord,
  parseRecord,
  type ResourceRecord,
  readU16,
  readU32,
  skipName,
  TYPE,
  writeU16,
  writeU32,
} from '../../src/wire/dns/dns.ts';

const RSASHA1 = 5;
const RSASHA1_NSEC3_SHA1 = 7;
const ED25519 = 15;
/** Bytes before the key of a DNSKEY, before the digest of a DS, and before the signer of an RRSIG. */
const DNSKEY_FIXED_LENGTH = 4;
const DS_FIXED_LENGTH = 4;
const RRSIG_FIXED_LENGTH = 18;
/** A private key of Ed25519 in PKCS #8 is this and its seed (RFC 8410 section 7). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
/** The names of the digest types of DS records. */
const DIGESTS: ReadonlyMap<number, string> = new Map([
  [1, 'sha1'],
  [2, 'sha256'],
  [4, 'sha384'],
]);
/** TTL of a record whose text has none, as the runner takes it. */
const TTL_SEC = 3600;
const RECORD_SECTIONS = new Set(['ANSWER', 'AUTHORITY', 'ADDITIONAL']);
/** Lines of an entry that are no records, and may stand between them. */
const DIRECTIVE = /^(?:MATCH|ADJUST|REPLY|FLAGS|MANDATORY|EXTRA_PACKET|HEX_\w+)\b/;
const ANCHOR = /^(\s*trust-anchor:\s*)(["'])(.*)\2/;

/** A record of a scenario. */
interface Place {
  readonly line: number;
  /** Records of one section of one message have the same; anchors have their own. */
  readonly section: string;
  readonly record: ResourceRecord;
}

/** A key of the scenario and the one that takes its place. */
interface Replacement {
  /** RDATA of the DNSKEY records. */
  readonly before: Uint8Array;
  readonly after: Uint8Array;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/** True when a scenario has signatures of RSASHA1 or RSASHA1-NSEC3-SHA1. */
export const usesSha1 = (text: string): boolean => /\sRRSIG\s+\S+\s+(?:[57]|RSASHA1)\s/.test(text);

/** The scenario with other keys and signatures; `brokenCount` signatures of it are broken on purpose. */
export const resign = (text: string, brokenCount = 0): string => {
  const lines = text.split('\n');
  const { places, anchors } = readScenario(lines);
  const replacements = replaceKeys([...places, ...anchors]);
  const signatures = new Map<string, Uint8Array>();
  const broken = new Map<string, Uint8Array>();
  for (const { section, record } of places) {
    const signature = createSignature(record, section, places, replacements);
    // Answers that are compared hold signatures whose records stand in another section.
    if (signature !== undefined)
      (signature.fits ? signatures : broken).set(identify(record), signature.rdata);
  }
  // What fits anywhere is not broken: elsewhere a part of its records is left out.
  for (const one of signatures.keys()) broken.delete(one);
  const orphans = new Set(
    places.filter(({ record }) => isOrphan(record, replacements)).map(({ record }) => identify(record)),
  );
  const count = broken.size + orphans.size;
  assert.equal(count, brokenCount, `${count} signatures and DS records fit nothing`);
  for (const [one, rdata] of broken) signatures.set(one, rdata);
  for (const { line, record } of places) {
    const rdata = signatures.get(identify(record)) ?? replaceRdata(record, replacements);
    if (rdata !== record.rdata) lines[line] = formatRecord({ ...record, rdata });
  }
  for (const { line, record } of anchors) {
    const rdata = replaceRdata(record, replacements);
    lines[line] = `\ttrust-anchor: "${formatRecord({ ...record, rdata })}"`;
  }
  return lines.join('\n');
};

const isSha1 = (algorithm: number | undefined): boolean =>
  algorithm === RSASHA1 || algorithm === RSASHA1_NSEC3_SHA1;

const algorithmOf = ({ type, rdata }: ResourceRecord): number | undefined => {
  if (type === TYPE.DNSKEY) return rdata[3];
  return type === TYPE.DS || type === TYPE.RRSIG ? rdata[2] : undefined;
};

const readScenario = (lines: readonly string[]): { places: Place[]; anchors: Place[] } => {
  const places: Place[] = [];
  const anchors: Place[] = [];
  let entry = 0;
  let section: string | undefined;
  for (const [line, text] of lines.entries()) {
    const words = withoutComment(text).trim();
    const anchor = ANCHOR.exec(text)?.[3];
    if (anchor !== undefined) {
      const record = parseRecord(inNumbers(withoutComment(anchor).replaceAll(/[()]/g, ' ')), TTL_SEC);
      anchors.push({ line, section: 'anchor', record });
    } else if (words.startsWith('ENTRY_BEGIN')) {
      entry++;
    } else if (words.startsWith('ENTRY_END')) {
      section = undefined;
    } else if (words.startsWith('SECTION')) {
      section = words.split(/\s+/)[1];
    } else if (RECORD_SECTIONS.has(section ?? '') && words !== '' && !DIRECTIVE.test(words)) {
      places.push({ line, section: `${entry} ${section}`, record: parseRecord(inNumbers(words), TTL_SEC) });
    }
  }
  return { places, anchors };
};

/** Algorithms that some scenarios write by their mnemonics (RFC 4034 appendix A.1). */
const MNEMONICS: ReadonlyMap<string, string> = new Map([
  ['DSA', '3'],
  ['RSASHA1', '5'],
]);

const inNumbers = (record: string): string =>
  record.replace(/\b(?:DSA|RSASHA1)\b/g, (word) => MNEMONICS.get(word) ?? word);

const withoutComment = (text: string): string => /^(?:[^;"]|"[^"]*")*/.exec(text)?.[0] ?? '';

const replaceKeys = (places: readonly Place[]): Replacement[] => {
  const found = new Map<string, Replacement>();
  for (const { record } of places) {
    if (record.type !== TYPE.DNSKEY || !isSha1(algorithmOf(record))) continue;
    const text = Buffer.from(record.rdata).toString('hex');
    if (!found.has(text)) found.set(text, createReplacement(record.rdata));
  }
  return [...found.values()];
};

/** The new key follows from the old one: a scenario is signed in the same way each time. */
const createReplacement = (before: Uint8Array): Replacement => {
  const seed = createHash('sha256').update(before).digest();
  const privateKey = createPrivateKey({
    key: Buffer.concat([PKCS8_PREFIX, seed]),
    format: 'der',
    type: 'pkcs8',
  });
  const { x = '' } = createPublicKey(privateKey).export({ format: 'jwk' });
  const after = Buffer.concat([before.subarray(0, 3), Buffer.of(ED25519), Buffer.from(x, 'base64url')]);
  return { before, after, publicKey: importRsa(before.subarray(DNSKEY_FIXED_LENGTH)), privateKey };
};

/** RFC 3110 section 2. */
const importRsa = (bytes: Uint8Array): KeyObject => {
  const length = bytes[0] ?? 0;
  assert.notEqual(length, 0, 'no scenario has an exponent of more than 255 bytes');
  const toText = (part: Uint8Array): string => Buffer.from(part).toString('base64url');
  const key = { kty: 'RSA', e: toText(bytes.subarray(1, 1 + length)), n: toText(bytes.subarray(1 + length)) };
  return createPublicKey({ key, format: 'jwk' });
};

/** The key tag of DNSKEY RDATA (RFC 4034 appendix B). */
export const keyTagOf = (dnskey: Uint8Array): number => {
  let sum = 0;
  for (const [index, byte] of dnskey.entries()) sum += index % 2 === 0 ? byte << 8 : byte;
  return (sum + (sum >>> 16)) & 0xffff;
};

const folded = (name: Uint8Array): Uint8Array => {
  const copy = name.slice();
  foldName(copy, 0, copy.length);
  return copy;
};

const isSameName = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(folded(a), folded(b)) === 0;

const identify = ({ owner, type, rdata }: ResourceRecord): string =>
  `${type} ${Buffer.from(folded(owner)).toString('hex')} ${Buffer.from(rdata).toString('hex')}`;

/** The RDATA with its key replaced; a signature gets bytes that nobody can verify. */
const replaceRdata = (record: ResourceRecord, replacements: readonly Replacement[]): Uint8Array => {
  const { type, rdata } = record;
  if (!isSha1(algorithmOf(record))) return rdata;
  if (type === TYPE.DNSKEY)
    return replacements.find(({ before }) => Buffer.compare(before, rdata) === 0)?.after ?? rdata;
  if (type === TYPE.DS) return replaceDs(record, replacements);
  const end = skipName(rdata, RRSIG_FIXED_LENGTH, rdata.length);
  const replaced = Buffer.concat([rdata.subarray(0, end), createHash('sha512').update(rdata).digest()]);
  replaced[2] = ED25519;
  return replaced;
};

/** True for a DS of an algorithm that is replaced, of a key that is not in the scenario. */
const isOrphan = (record: ResourceRecord, replacements: readonly Replacement[]): boolean =>
  record.type === TYPE.DS && isSha1(algorithmOf(record)) && keyOfDs(record, replacements) === undefined;

const keyOfDs = (
  { owner, rdata }: ResourceRecord,
  replacements: readonly Replacement[],
): Replacement | undefined => {
  const digest = DIGESTS.get(rdata[3] ?? 0);
  assert(digest !== undefined, 'a DS has a digest that is not known');
  const wanted = rdata.subarray(DS_FIXED_LENGTH);
  return replacements.find(
    ({ before }) =>
      Buffer.compare(hash(digest, Buffer.concat([folded(owner), before]), 'buffer'), wanted) === 0,
  );
};

const replaceDs = (record: ResourceRecord, replacements: readonly Replacement[]): Uint8Array => {
  const { owner, rdata } = record;
  const fixed = Uint8Array.from(rdata.subarray(0, DS_FIXED_LENGTH));
  fixed[2] = ED25519;
  const key = keyOfDs(record, replacements)?.after;
  // What fitted no key of the scenario fits none now.
  if (key === undefined) return Buffer.concat([fixed, rdata.subarray(DS_FIXED_LENGTH)]);
  writeU16(fixed, 0, keyTagOf(key));
  return Buffer.concat([
    fixed,
    hash(DIGESTS.get(fixed[3] ?? 0) ?? '', Buffer.concat([folded(owner), key]), 'buffer'),
  ]);
};

/** The RDATA of an RRSIG over the same records by the new key; undefined when record or key are not there. */
const createSignature = (
  { owner, type, rdata }: ResourceRecord,
  section: string,
  places: readonly Place[],
  replacements: readonly Replacement[],
): { readonly fits: boolean; readonly rdata: Uint8Array } | undefined => {
  if (type !== TYPE.RRSIG || !isSha1(rdata[2])) return undefined;
  const end = skipName(rdata, RRSIG_FIXED_LENGTH, rdata.length);
  const covered = places
    .filter((place) => place.section === section && place.record.type === readU16(rdata, 0))
    .map(({ record }) => record)
    .filter((record) => isSameName(record.owner, owner));
  const candidates = replacements.filter(
    ({ before }) => keyTagOf(before) === readU16(rdata, 16) && before[3] === rdata[2],
  );
  if (covered.length === 0 || candidates.length === 0) return undefined;
  const before = rdata.slice(0, end);
  const signed = writeSigned(before, owner, covered);
  const fitting = candidates.find(({ publicKey }) => verify('sha1', signed, publicKey, rdata.subarray(end)));
  const key = fitting ?? candidates[0];
  assert(key !== undefined, 'there is a candidate');
  const after = before.slice();
  after[2] = ED25519;
  writeU16(after, 16, keyTagOf(key.after));
  const records = covered.map((record) => ({ ...record, rdata: replaceRdata(record, replacements) }));
  const signature =
    fitting === undefined
      ? createHash('sha512').update(rdata).digest()
      : sign(null, writeSigned(after, owner, records), key.privateKey);
  return { fits: fitting !== undefined, rdata: Buffer.concat([after, signature]) };
};

/** What a signature signs (RFC 4034 section 3.1.8.1), `fields` being the RDATA of its RRSIG before the signature. */
export const writeSigned = (
  fields: Uint8Array,
  owner: Uint8Array,
  records: readonly ResourceRecord[],
): Uint8Array => {
  const head = fields.slice();
  canonicalizeRdata(TYPE.RRSIG, head);
  const labels = head[3] ?? 0;
  const name = folded(owner);
  const signedName = countLabels(name) > labels ? (wildcardOf(ancestor(name, labels)) ?? name) : name;
  const rdatas = records.map(({ type, rdata }) => {
    const copy = rdata.slice();
    canonicalizeRdata(type, copy);
    return copy;
  });
  const parts = rdatas.sort(compareRdata).flatMap((rdata) => {
    const fixed = new Uint8Array(10);
    writeU16(fixed, 0, readU16(head, 0));
    writeU16(fixed, 2, records[0]?.class ?? 0);
    writeU32(fixed, 4, readU32(head, 4));
    writeU16(fixed, 8, rdata.length);
    return [signedName, fixed, rdata];
  });
  return Buffer.concat([head, ...parts]);
};
