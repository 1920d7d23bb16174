// The page that refused clients are led to by the block mode `address`: where it listens, and what it says.
import { z } from 'zod';
import { LANGUAGES } from '../../base/words/words.ts';
import { endpoint, zone } from '../address-leaf.ts';
import { orNone } from '../form.ts';
import { choice } from '../leaf.ts';
import { Fault, key, list, quote, same, textLeaf } from '../value.ts';
import { CONTACTS_MAX, contactUri, printable } from './structured-errors.ts';

/** One address of each family is enough; more serve networks that do not reach each other. */
const LISTENERS_MAX = 16;
/** A paragraph. */
const TEXT_BYTES_MAX = 600;
/** Characters of an address that people open. */
const LINK_LENGTH_MAX = 500;

/** The address of a page. */
export const link = () =>
  textLeaf(
    { name: 'address', bounds: '`http:` or `https:`' },
    (text) => {
      const isLink = text.length <= LINK_LENGTH_MAX && /^https?:\/\/[\x21-\x7e]+$/.test(text);
      if (isLink && URL.canParse(text)) return text;
      return new Fault(
        'ERR_CONFIG_VALUE',
        `${quote(text)} is no address of a page`,
        'write it such as "https://intranet.agency.example/exemptions"',
      );
    },
    same,
  );

const text = () => printable('text', TEXT_BYTES_MAX).optional();

/** What is said beside what the page says by itself. */
const texts = () =>
  z
    .strictObject({
      en: key(text(), 'In English.', 'nothing'),
      fr: key(text(), 'In French.', 'nothing'),
      nl: key(text(), 'In Dutch.', 'nothing'),
      de: key(text(), 'In German.', 'nothing'),
    })
    .optional();

const LANGUAGES_TEXT = 'Languages of the page; the first is the one for browsers that ask for none of them.';
const CONTACT_TEXT = 'Whom a refused person turns to.';
const EXEMPTIONS_TEXT = 'Page on which an exemption is asked for.';
const TEXT_TEXT = 'A paragraph of your own.';

export const notice = z
  .strictObject({
    listen: key(
      list(endpoint(80), 1, LISTENERS_MAX),
      'Addresses that answer with the page, over HTTP; those of `block.address` on port 80.',
    ),
    reset: key(
      orNone(list(endpoint(443), 1, LISTENERS_MAX)),
      'Addresses at which every connection is reset at once: over HTTPS no page can be shown, and a browser that is reset does not wait.',
      'none; a port at which nothing listens is reset by the system',
    ),
    languages: key(list(choice(LANGUAGES), 1, LANGUAGES.length).prefault([...LANGUAGES]), LANGUAGES_TEXT),
    contact: key(
      list(contactUri(), 1, CONTACTS_MAX).optional(),
      CONTACT_TEXT,
      'those of `structured-errors`, else nobody is named',
    ),
    exemptions: key(link().optional(), EXEMPTIONS_TEXT, 'none is named'),
    check: key(
      zone(
        'the root is no name that people open',
        'write a name of yours that nobody else answers',
      ).optional(),
      'Name of the page on which people see whether their device asks here: Cordon answers it, and one label below it, with the addresses of `listen`.',
      'there is no such page',
    ),
    text: key(texts(), TEXT_TEXT, 'none'),
  })
  .optional();

export const noticeOfGroup = z
  .strictObject({
    languages: key(
      list(choice(LANGUAGES), 1, LANGUAGES.length).optional(),
      LANGUAGES_TEXT,
      'those of `notice`',
    ),
    contact: key(
      list(contactUri(), 1, CONTACTS_MAX).optional(),
      CONTACT_TEXT,
      "those of the group's `structured-error`, else those of `notice`",
    ),
    exemptions: key(link().optional(), EXEMPTIONS_TEXT, 'that of `notice`'),
    text: key(texts(), TEXT_TEXT, 'that of `notice`'),
  })
  .optional();
