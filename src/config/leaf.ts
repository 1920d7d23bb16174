// The leaves that configurations are made of: numbers, words, identifiers, paths, texts.
import { resolve } from 'node:path';
import { withForm } from './form.ts';
import type { Path } from './problem.ts';
import { Fault, leaf, quote, same, suggest, textLeaf, wrongType } from './value.ts';

/** Identifiers are metric labels: short. */
const IDENTIFIER_LENGTH_MAX = 40;
/** HOSTNAME of syslog (RFC 5424 section 6): the longest name that every output can carry. */
const RESOLVER_NAME_LENGTH_MAX = 255;
/** The longest path of Linux (PATH_MAX with its NUL). */
const PATH_LENGTH_MAX = 4095;
/** Bytes of EXTRA-TEXT (RFC 8914 section 2): room for a sentence that still fits each UDP answer. */
const EDE_TEXT_BYTES_MAX = 120;
/** Mandate lists that a key writes out of scope: as many as there can be lists. */
const SCOPE_LISTS_MAX = 32;
/** Which mandate lists do not apply, by decision: all of them, none, or those with these identifiers. */
export type OutOfScope = boolean | readonly string[];

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

/** The name of a resolver, as it stands in headers of syslog. */
export const resolverName = () =>
  textLeaf(
    { name: 'name', bounds: `visible ASCII, 1 to ${RESOLVER_NAME_LENGTH_MAX} characters` },
    (text) =>
      text.length <= RESOLVER_NAME_LENGTH_MAX && /^[\x21-\x7e]+$/.test(text)
        ? text
        : new Fault(
            'ERR_CONFIG_VALUE',
            `${quote(text)} is not a name of a resolver`,
            `write 1 to ${RESOLVER_NAME_LENGTH_MAX} visible ASCII characters without spaces`,
          ),
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
      { name: 'path', fileOf: (text: string) => (words.includes(text) ? undefined : text) },
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

const readInteger = (raw: unknown, min: number, max: number): number | Fault => {
  if (typeof raw !== 'number' || !Number.isInteger(raw)) return wrongType('integer', raw);
  if (raw < min) return new Fault('ERR_CONFIG_VALUE', `${raw} is less than ${min}`);
  return raw > max ? new Fault('ERR_CONFIG_VALUE', `${raw} is more than ${max}`) : raw;
};

/** The fault of a word that is not known. */
export const notOneOf = (text: string, words: readonly string[], otherwise?: string): Fault =>
  new Fault(
    'ERR_CONFIG_VALUE',
    `${quote(text)} is not known`,
    suggest(text, words) ?? otherwise ?? `known are ${words.join(', ')}`,
  );
