// What refused clients are told by Structured DNS Errors (draft-ietf-dnsop-structured-dns-error). Part of schema.ts.
//
// The words stand in three places: for everybody, for a list, for a group. What is written here is sent as it is, so
// the bounds keep the whole text within one UDP answer: a proxy on the client's machine may have to pass it on so.
import { z } from 'zod';
import { OPTION } from '../../wire/dns/dns.ts';
import type { FormOf } from '../form.ts';
import { Fault, key, leaf, list, quote, same, textLeaf, wrongType } from '../value.ts';

/** Ways to reach somebody: a mailbox and a telephone, of two offices at most. */
export const CONTACTS_MAX = 4;
const CONTACT_BYTES_MAX = 100;
/** Two sentences. */
const JUSTIFICATION_BYTES_MAX = 240;
const ORGANIZATION_BYTES_MAX = 100;
/** Longest tag that RFC 5646 section 4.4.1 asks everybody to take. */
const LANGUAGE_LENGTH_MAX = 35;
/** 65535 is reserved (RFC 6891 section 9). */
const OPTION_CODE_MAX = 65_534;

/** A text without characters that turn or hide others. */
export const printable = (name: string, bytesMax: number) =>
  textLeaf(
    { name, bounds: `1 to ${bytesMax} bytes of UTF-8, printable` },
    (text) => {
      // A lone surrogate would not be I-JSON (RFC 7493 section 2.1).
      if (text.length === 0 || /\p{C}/u.test(text)) {
        return new Fault('ERR_CONFIG_VALUE', `${quote(text)} is not a printable text`);
      }
      const bytes = Buffer.byteLength(text);
      return bytes <= bytesMax
        ? text
        : new Fault('ERR_CONFIG_VALUE', `text of ${bytes} bytes is over ${bytesMax}`);
    },
    same,
  );

/** A `mailto:` or `tel:` URI. */
export const contactUri = () =>
  textLeaf(
    { name: 'contact', bounds: `\`mailto:\` or \`tel:\` URI, at most ${CONTACT_BYTES_MAX} characters` },
    (text) => {
      const isUri =
        /^mailto:[\x21-\x7e]+@[\x21-\x7e]+$/.test(text) || /^tel:\+?[0-9A-Fa-f*#().-]+$/.test(text);
      if (isUri && text.length <= CONTACT_BYTES_MAX) return text;
      const hint = 'write it such as "mailto:help@agency.example" or "tel:+1-202-555-0100"';
      return new Fault('ERR_CONFIG_VALUE', `${quote(text)} is not a contact`, hint);
    },
    same,
  );

const languageTag = () =>
  textLeaf(
    { name: 'language tag' },
    (text) =>
      text.length <= LANGUAGE_LENGTH_MAX && /^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/.test(text)
        ? text
        : new Fault(
            'ERR_CONFIG_VALUE',
            `${quote(text)} is not a language tag`,
            'write it such as "en" or "fr-BE"',
          ),
    same,
  );

/** A code that has no meaning of its own yet. */
const optionCode = () =>
  leaf<number, number>(
    { name: 'integer', bounds: `1 to ${OPTION_CODE_MAX}, no code in use` },
    (raw) => {
      if (typeof raw !== 'number' || !Number.isInteger(raw)) return wrongType('integer', raw);
      if (raw < 1 || raw > OPTION_CODE_MAX) {
        return new Fault('ERR_CONFIG_VALUE', `${raw} is not between 1 and ${OPTION_CODE_MAX}`);
      }
      const used = Object.entries(OPTION).find(([, code]) => code === raw);
      return used === undefined
        ? raw
        : new Fault('ERR_CONFIG_VALUE', `${raw} is the code of the option ${used[0]}`);
    },
    same,
  );

const CONTACT_TEXT = 'Where a refused client may turn to.';
const ORGANIZATION_TEXT = 'Who refuses, for people.';
const LANGUAGE_TEXT = 'Language of `organization` and `justification` (RFC 5646).';

/** For everybody; its absence turns them off. */
export const structuredErrors = z
  .strictObject({
    'option-code': key(
      optionCode(),
      'EDNS option with which a client asks for them. IANA has assigned none yet; 65001 to 65534 are for experiments.',
    ),
    contact: key(list(contactUri(), 1, CONTACTS_MAX), CONTACT_TEXT),
    organization: key(
      printable('text', ORGANIZATION_BYTES_MAX).optional(),
      ORGANIZATION_TEXT,
      'nobody is named',
    ),
    language: key(languageTag().prefault('en'), LANGUAGE_TEXT),
  })
  .optional();

/** For the refusals of a list. */
export const structuredErrorOfList = z
  .strictObject({
    contact: key(
      list(contactUri(), 1, CONTACTS_MAX).optional(),
      CONTACT_TEXT,
      "the group's, else those of everybody",
    ),
    organization: key(
      printable('text', ORGANIZATION_BYTES_MAX).optional(),
      ORGANIZATION_TEXT,
      "the group's, else that of everybody",
    ),
    justification: key(
      printable('text', JUSTIFICATION_BYTES_MAX).optional(),
      'Why, in two sentences at most.',
      'authority and reference of the `decision`, else the text of `ede`, else the title of the list',
    ),
    language: key(languageTag().optional(), LANGUAGE_TEXT, "the group's, else that of everybody"),
  })
  .optional();

/** For the clients of a group. */
export const structuredErrorOfGroup = z
  .strictObject({
    contact: key(
      list(contactUri(), 1, CONTACTS_MAX).optional(),
      CONTACT_TEXT,
      "the list's, else those of everybody",
    ),
    organization: key(
      printable('text', ORGANIZATION_BYTES_MAX).optional(),
      ORGANIZATION_TEXT,
      "the list's, else that of everybody",
    ),
    language: key(languageTag().optional(), LANGUAGE_TEXT, "the list's, else that of everybody"),
  })
  .optional();

/** The words of a list; a group has no justification. What is absent, another place says. */
export type ErrorWords = NonNullable<FormOf<typeof structuredErrorOfList>>;
