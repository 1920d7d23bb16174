// The leaves of answers: what a refused name is answered with.
import { type AddressWords, formatAddress } from '../base/base.ts';
import { readAddress } from './address-leaf.ts';
import { notOneOf } from './leaf.ts';
import { Fault, leaf, suggest, wrongType } from './value.ts';

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
