// The leaves that configurations are made of: numbers, words, names, addresses, answers.
//
// Addresses are brought to one text (RFC 5952) here, so that two spellings of one endpoint are seen to be equal.
import { resolve } from 'node:path';
import {
  type AddressWords,
  createAddress,
  type Endpoint,
  formatAddress,
  formatEndpoint,
  isIpv4,
  parseAddress,
  parseEndpoint,
  suggestEndpoint,
} from '../base/base.ts';
import { foldName, formatName, parseName } from '../dns/dns.ts';
import { withForm } from './form.ts';
import type { Path } from './problem.ts';
import { Fault, leaf, quote, same, suggest, textLeaf, wrongType } from './value.ts';

/** Identifiers are metric labels: short. */
const IDENTIFIER_LENGTH_MAX = 40;
/** The longest path of Linux (PATH_MAX with its NUL). */
const PATH_LENGTH_MAX = 4095;
/** Bytes of EXTRA-TEXT (RFC 8914 section 2): room for a sentence that still fits each UDP answer. */
const EDE_TEXT_BYTES_MAX = 120;
/** Mandate lists that a key writes out of scope: as many as there can be lists. */
const SCOPE_LISTS_MAX = 32;
/** Addresses of one block answer: one RRset that fits a 512-byte answer beside the longest QNAME. */
const BLOCK_ADDRESSES_MAX = 8;

const PLAIN_ANSWERS = ['nxdomain', 'nodata', 'null-ip', 'refused'] as const;
const ANSWER_WORDS = [...PLAIN_ANSWERS, 'address'] as const;

/** What a refused name is answered with. */
export type BlockAnswer =
  | { readonly kind: (typeof PLAIN_ANSWERS)[number] }
  | { readonly kind: 'address'; readonly addresses: readonly AddressWords[] };

/** A block answer as it is written. */
type BlockAnswerRaw = (typeof PLAIN_ANSWERS)[number] | { address: string[] };

/** What `block.mode` says: an answer, or that the addresses stand beside it. */
export type BlockMode = BlockAnswer | { readonly kind: 'address-beside' };

/** Which mandate lists do not apply, by decision: all of them, none, or those with these identifiers. */
export type OutOfScope = boolean | readonly string[];

/** An address of a host. */
export interface HostAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

/** A whole number. */
export const integer = (min: number, max: number) =>
  leaf<number, number>(
    { name: 'integer', bounds: `${min} to ${max}` },
    (raw) => readInteger(raw, min, max),
    same,
  );

/** `auto` or a whole number. */
export const autoOrInteger = (min: number, max: number) =>
  leaf<number | 'auto', number | 'auto'>(
    { name: '`auto` or integer', bounds: `${min} to ${max}` },
    (raw) => {
      if (raw === 'auto') return raw;
      if (typeof raw === 'string') return notOneOf(raw, ['auto'], `write "auto" or a number`);
      return readInteger(raw, min, max);
    },
    same,
  );

/** `true` or `false`. */
export const boolean = () =>
  leaf<boolean, boolean>(
    { name: 'boolean' },
    (raw) => (typeof raw === 'boolean' ? raw : wrongType('boolean', raw)),
    same,
  );

/** `true`, `false`, or identifiers of lists, each once. */
export const outOfScope = () =>
  leaf<boolean | readonly string[], OutOfScope>(
    { name: 'boolean, or list of identifiers', bounds: `1 to ${SCOPE_LISTS_MAX} items` },
    (raw) => {
      if (typeof raw === 'boolean') return raw;
      if (!Array.isArray(raw)) return wrongType('boolean or list', raw);
      if (raw.length < 1 || raw.length > SCOPE_LISTS_MAX) {
        const text = `has ${raw.length} items, 1 to ${SCOPE_LISTS_MAX} allowed`;
        return new Fault(
          'ERR_CONFIG_LIMIT',
          text,
          'write "false" for none and "true" for every mandate list',
        );
      }
      for (const [index, item] of raw.entries()) {
        if (typeof item !== 'string') return wrongType('identifier', item, [index]);
        const id = readIdentifier(item, [index]);
        if (id instanceof Fault) return id;
        if (raw.indexOf(item) !== index) {
          return new Fault('ERR_CONFIG_CONFLICT', `${quote(item)} is named already`, undefined, [index]);
        }
      }
      return raw as string[];
    },
    same,
  );

/** One of a few words. */
export const choice = <Word extends string>(words: readonly Word[]) =>
  leaf<Word, Word>(
    { name: words.map((word) => `\`${word}\``).join(', ') },
    (raw) => {
      if (typeof raw !== 'string') return wrongType('word', raw);
      return words.find((word) => word === raw) ?? notOneOf(raw, words);
    },
    same,
  );

/** One of a few numbers. */
export const numberChoice = (numbers: readonly number[]) =>
  leaf<number, number>(
    { name: 'integer', bounds: numbers.join(', ') },
    (raw) => {
      if (typeof raw !== 'number') return wrongType('integer', raw);
      if (numbers.includes(raw)) return raw;
      return new Fault('ERR_CONFIG_VALUE', `${raw} is not one of ${numbers.join(', ')}`);
    },
    same,
  );

/** Kebab-case: what metrics, logs and the command line call a thing. */
export const identifier = () =>
  textLeaf(
    { name: 'identifier', bounds: `kebab-case, 1 to ${IDENTIFIER_LENGTH_MAX} characters` },
    (text) => readIdentifier(text),
    same,
  );

const readIdentifier = (text: string, path: Path = []): string | Fault =>
  text.length <= IDENTIFIER_LENGTH_MAX && /^[a-z0-9]+(-[a-z0-9]+)*$/.test(text)
    ? text
    : new Fault(
        'ERR_CONFIG_VALUE',
        `${quote(text)} is not an identifier`,
        `write at most ${IDENTIFIER_LENGTH_MAX} small letters and digits, parts joined by "-"`,
        path,
      );

/** The path of a file or directory: parsed as written, absolute in the program; `words` are no paths. */
export const path = (...words: readonly string[]) =>
  withForm(
    textLeaf(
      { name: 'path' },
      (text) =>
        text.length > 0 && text.length <= PATH_LENGTH_MAX && !text.includes('\0')
          ? text
          : new Fault('ERR_CONFIG_VALUE', `${quote(text)} is not a path`),
      same,
    ),
    {
      into: (written, { directory }) => (words.includes(written) ? written : resolve(directory, written)),
      from: same,
    },
  );

/** A sentence for clients. */
export const edeText = () =>
  textLeaf(
    { name: 'text', bounds: `1 to ${EDE_TEXT_BYTES_MAX} bytes of UTF-8, printable` },
    (text) => {
      if (text.length === 0 || /\p{C}/u.test(text)) {
        return new Fault('ERR_CONFIG_VALUE', `${quote(text)} is not a printable text`);
      }
      return Buffer.byteLength(text) <= EDE_TEXT_BYTES_MAX
        ? text
        : new Fault(
            'ERR_CONFIG_VALUE',
            `text of ${Buffer.byteLength(text)} bytes is over ${EDE_TEXT_BYTES_MAX}`,
          );
    },
    same,
  );

/** An address to listen on; port 0 is any free port. */
export const endpoint = (portDefault: number) =>
  textLeaf(
    { name: 'address and port', bounds: `port ${portDefault} when none is written` },
    (text) => readEndpoint(text, portDefault) ?? notAnEndpoint(text),
    formatEndpoint,
  );

/** endpoint(), or `false` or nothing for "off", which is undefined in the program. */
export const endpointOrOff = (portDefault: number) =>
  withForm(
    leaf<string | false | null, Endpoint | false>(
      { name: 'address and port, or `false`', bounds: `port ${portDefault} when none is written` },
      (raw) => {
        if (raw === false || raw === null) return false;
        if (typeof raw !== 'string') return wrongType('address or false', raw);
        return readEndpoint(raw, portDefault) ?? notAnEndpoint(raw, ', or false for none');
      },
      (endpoint) => endpoint && formatEndpoint(endpoint),
    ),
    { into: (endpoint) => endpoint || undefined, from: (endpoint) => endpoint ?? false },
  );

/** An address that is asked, `text` is how it was written; undefined when it is none. */
export const readServerEndpoint = (text: string, portDefault: number): Endpoint | Fault | undefined => {
  const found = readEndpoint(text, portDefault);
  if (found === undefined) return undefined;
  if (found.port === 0)
    return new Fault('ERR_CONFIG_VALUE', `${quote(text)} has port 0, which nobody can ask`);
  return isUnspecified(found.address) ? unspecifiedFault(text) : found;
};

/** A zone: wire form, letters folded. Never the root, about which a fault says why and what to do instead. */
export const zone = (rootText: string, rootHint: string) =>
  textLeaf(
    { name: 'domain name' },
    (text) => readZone(text, rootText, rootHint),
    (name) => formatName(name),
  );

/** The apex of a response policy zone: presentation form, letters folded, with the final dot. */
export const apex = () =>
  textLeaf(
    { name: 'domain name' },
    (text) => {
      const name = readZone(text, 'the root is no response policy zone', 'write the name of the zone');
      return name instanceof Fault ? name : formatName(name);
    },
    same,
  );

/** An IP address. */
export const ipAddress = () =>
  textLeaf(
    { name: 'address' },
    (text) => readAddress(text),
    (words) => formatAddress(words),
  );

/** An address of a host that is asked. */
export const hostAddress = () =>
  textLeaf<HostAddress>(
    { name: 'address' },
    (text) => {
      const words = readAddress(text);
      if (words instanceof Fault) return words;
      const address = formatAddress(words);
      return isUnspecified(address) ? unspecifiedFault(text) : { address, family: isIpv4(words) ? 4 : 6 };
    },
    ({ address }) => address,
  );

/** The bounds of a list of block addresses. */
export const BLOCK_ADDRESSES = { min: 1, max: BLOCK_ADDRESSES_MAX } as const;

/** What a list's names are answered with: a word, or a map with the key `address`. */
export const blockAnswer = () =>
  leaf<BlockAnswerRaw, BlockAnswer>(
    { name: `${PLAIN_ANSWERS.map((word) => `\`${word}\``).join(', ')} or \`{ address: […] }\`` },
    (raw) => {
      const mode = readBlockMode(raw);
      if (mode instanceof Fault || mode.kind !== 'address-beside') return mode;
      return new Fault('ERR_CONFIG_VALUE', 'the addresses are missing', 'write { address: ["192.0.2.1"] }');
    },
    formatAnswer,
  );

/** What all refused names are answered with: blockAnswer(), or `address` when the addresses stand beside it. */
export const blockMode = () =>
  leaf<BlockAnswerRaw | 'address', BlockMode>(
    { name: `${ANSWER_WORDS.map((word) => `\`${word}\``).join(', ')} or \`{ address: […] }\`` },
    (raw) => readBlockMode(raw),
    (mode) => (mode.kind === 'address-beside' ? 'address' : formatAnswer(mode)),
  );

/** A key that a later version has: every value is refused. */
export const unavailable = <Raw>(text: string, hint?: string) =>
  leaf<Raw | undefined, undefined>(
    { name: 'none', isUnavailable: true },
    () => unavailableFault(text, hint),
    same,
  );

/** A list that has to be empty until a later version. */
export const unavailableList = (text: string) =>
  leaf<string[] | undefined, undefined>(
    { name: 'empty list', isUnavailable: true },
    (raw) => (Array.isArray(raw) && raw.length === 0 ? undefined : unavailableFault(text)),
    same,
  );

const unavailableFault = (text: string, hint?: string): Fault =>
  new Fault('ERR_CONFIG_UNAVAILABLE', text, hint);

const readInteger = (raw: unknown, min: number, max: number): number | Fault => {
  if (typeof raw !== 'number' || !Number.isInteger(raw)) return wrongType('integer', raw);
  if (raw < min) return new Fault('ERR_CONFIG_VALUE', `${raw} is less than ${min}`);
  return raw > max ? new Fault('ERR_CONFIG_VALUE', `${raw} is more than ${max}`) : raw;
};

const notOneOf = (text: string, words: readonly string[], otherwise?: string): Fault =>
  new Fault(
    'ERR_CONFIG_VALUE',
    `${quote(text)} is not known`,
    suggest(text, words) ?? otherwise ?? `known are ${words.join(', ')}`,
  );

const readEndpoint = (text: string, portDefault: number): Endpoint | undefined => {
  const found = parseEndpoint(text, portDefault);
  if (found === undefined || found.address.includes('%')) return found;
  const words = createAddress();
  parseAddress(found.address, words);
  return { address: formatAddress(words), port: found.port, family: isIpv4(words) ? 4 : 6 };
};

/** The fault of a text that is no address with a port. */
export const notAnEndpoint = (text: string, otherwise = ''): Fault => {
  const meant = suggestEndpoint(text.replace(SCHEME, ''));
  const hint =
    meant === undefined
      ? `write it such as "192.0.2.1:53" or "[2001:db8::1]:53"${otherwise}`
      : `did you mean ${meant}?`;
  return new Fault('ERR_CONFIG_VALUE', `${quote(text)} is not an address with a port`, hint);
};

/** What may stand before the address of an upstream. */
const SCHEME = /^[a-z]+:\/\//i;

const isUnspecified = (address: string): boolean => address === '0.0.0.0' || address === '::';

const unspecifiedFault = (text: string): Fault =>
  new Fault('ERR_CONFIG_VALUE', `${quote(text)} is the unspecified address, which nobody can ask`);

const readZone = (text: string, rootText: string, rootHint: string): Uint8Array | Fault => {
  const name = text === '' ? 'empty' : parseName(text);
  if (typeof name === 'string') {
    const reason = name.replaceAll('-', ' ');
    return new Fault('ERR_CONFIG_VALUE', `${quote(text)} is not a domain name (${reason})`);
  }
  if (name.length === 1) return new Fault('ERR_CONFIG_VALUE', rootText, rootHint);
  foldName(name, 0, name.length);
  return name;
};

const readAddress = (text: string, below: Path = []): AddressWords | Fault => {
  const words = createAddress();
  return !text.includes('%') && parseAddress(text, words)
    ? words
    : new Fault('ERR_CONFIG_VALUE', `${quote(text)} is not an IP address`, undefined, below);
};

const formatAnswer = (answer: BlockAnswer): BlockAnswerRaw =>
  answer.kind === 'address'
    ? { address: answer.addresses.map((words) => formatAddress(words)) }
    : answer.kind;

const readBlockMode = (raw: unknown): BlockMode | Fault => {
  if (raw === 'address') return { kind: 'address-beside' };
  if (typeof raw === 'string') {
    const kind = PLAIN_ANSWERS.find((word) => word === raw);
    return kind === undefined ? notOneOf(raw, ANSWER_WORDS) : { kind };
  }
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return wrongType('answer', raw);
  return readAddressMap(new Map(Object.entries(raw)));
};

const readAddressMap = (map: ReadonlyMap<string, unknown>): BlockAnswer | Fault => {
  for (const name of map.keys()) {
    if (name === 'address') continue;
    return new Fault('ERR_CONFIG_UNKNOWN_KEY', 'unknown key', suggest(name, ['address']), [name]);
  }
  const items: unknown = map.get('address');
  if (!Array.isArray(items)) return wrongType('list of addresses', items ?? null, ['address']);
  if (items.length === 0 || items.length > BLOCK_ADDRESSES_MAX) {
    const text = `has ${items.length} items, 1 to ${BLOCK_ADDRESSES_MAX} allowed`;
    return new Fault('ERR_CONFIG_LIMIT', text, undefined, ['address']);
  }
  const addresses: AddressWords[] = [];
  for (const [index, item] of (items as unknown[]).entries()) {
    const below = ['address', index];
    const words = typeof item === 'string' ? readAddress(item, below) : wrongType('address', item, below);
    if (words instanceof Fault) return words;
    addresses.push(words);
  }
  return { kind: 'address', addresses };
};
