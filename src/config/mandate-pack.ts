// The schema of a mandate pack: what an authority decided, where that stands, and how sure we are of it.
//
// Nothing of a pack is a constant of the program, and nothing is in it without a source: each sentence names a row of
// `sources`, and each row says what was looked at, when, by whom, and whether the text itself was read. What no text says is an
// empty list or a missing key, never a guess. The page docs/mandate-format.md is written from here.
import { z } from 'zod';
import { sentence } from './evidence-leaf.ts';
import type { FormOf } from './form.ts';
import { boolean, choice, identifier, integer } from './leaf.ts';
import { Fault, key, list, quote, same, suggest, textLeaf } from './value.ts';

/** More rows than the longest pack that ships has by a factor of three. */
const ROWS_MAX = 32;
/** Ten years, in days. */
const DAYS_MAX = 3660;

/** How what an authority decided stands. */
export const STANDINGS = ['in-force', 'under-review', 'disputed', 'superseded', 'repealed'] as const;
/** How what an authority decided stands. */
export type Standing = (typeof STANDINGS)[number];
/** What a person has to decide about: nothing ends by itself. */
const UNSETTLED: readonly Standing[] = ['disputed', 'superseded', 'repealed'];
/** How sure a source makes us: its text was read, somebody tells of it, or it is only mentioned. */
const SURE = ['primary', 'second-hand', 'mention'] as const;

const DATE = /^\d{4}(-\d{2}(-\d{2})?)?$/;

/** A day, or a month or year where the source says no more. */
export const mandateDay = () =>
  textLeaf(
    { name: 'date', bounds: 'a day, `2026-12-01`; a month or a year where no more is known' },
    (text) =>
      isDate(text)
        ? text
        : new Fault(
            'ERR_CONFIG_VALUE',
            `${quote(text)} is not a date`,
            'write it such as "2026-12-01", "2026-12" or "2026"',
          ),
    same,
  );

/** True for one that the calendar has: Date.parse() takes February 30 for March 2. */
const isDate = (text: string): boolean => {
  const ms = DATE.test(text) ? Date.parse(text) : Number.NaN;
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text);
};

const source = () => key(identifier(), 'Row of `sources` that says so.');

const said = () =>
  list(z.strictObject({ text: key(sentence(), 'What is said.'), source: source() }), 0, ROWS_MAX);

const standingKeys = {
  value: key(choice(STANDINGS), 'How it stands.'),
  since: key(mandateDay().optional(), 'From when on it stands so.', 'not found'),
  by: key(sentence().optional(), 'What superseded, repealed or disputes it.', 'nothing'),
};

/** Four languages, those of reports and pages. */
const title = z.strictObject({
  en: key(sentence(), 'English.'),
  de: key(sentence(), 'German.'),
  fr: key(sentence(), 'French.'),
  nl: key(sentence(), 'Dutch.'),
});

/** The schema of a pack, as its file writes it. */
export const mandateSchema = z.strictObject({
  id: key(identifier(), 'What configuration, records and reports call it.'),
  version: key(mandateDay(), 'Day of this text of the pack.'),
  title: key(title, 'Title in the four languages.'),
  place: key(sentence(), 'Whose rule it is: country, state or institution.'),
  sources: key(
    list(
      z.strictObject({
        id: key(identifier(), 'What the sentences of the pack call it.'),
        title: key(sentence(), 'What it is.'),
        publisher: key(sentence(), 'Who published it.'),
        place: key(sentence(), 'Where it was looked at.'),
        date: key(mandateDay(), 'When it was published.'),
        sure: key(
          choice(SURE),
          '`primary`: the text or its official copy was read, at least in part; `second-hand`: somebody tells of it; `mention`: it is only mentioned.',
        ),
        'looked-at': key(mandateDay(), 'When it was looked at.'),
        'looked-by': key(sentence(), 'Who looked.'),
      }),
      1,
      ROWS_MAX,
    ),
    'What the pack rests on.',
  ),
  standing: key(
    z.strictObject({
      ...standingKeys,
      readings: key(
        list(z.strictObject({ text: key(sentence(), 'What is said.'), source: source() }), 1, ROWS_MAX),
        'How it is read, each reading with its source; of what is disputed, all that were found.',
      ),
    }),
    'How the mandate as a whole stands.',
  ),
  bases: key(
    list(
      z.strictObject({
        authority: key(sentence(), 'Who decided.'),
        reference: key(sentence(), 'Number or title, as it is cited.'),
        title: key(sentence(), 'What it is called or about.'),
        since: key(mandateDay(), 'From when on it holds.'),
        standing: key(z.strictObject(standingKeys), 'How this basis stands.'),
        source: source(),
      }),
      1,
      ROWS_MAX,
    ),
    'Legal bases, that which is cited first.',
  ),
  products: key(
    list(
      z.strictObject({
        name: key(sentence(), 'What is prohibited, as the text has it.'),
        class: key(
          choice(['named', 'affiliates', 'open']),
          '`named`: by name; `affiliates`: whatever an owner or its affiliates offer; `open`: by a property, such as a country. Of the last two no list is complete.',
        ),
        lists: key(
          list(identifier(), 0, ROWS_MAX),
          'Lists that refuse it; none: Cordon ships nothing for it.',
        ),
        'decided-by': key(sentence(), 'Who decided which names it means.'),
        'not-held': key(sentence().optional(), 'What the lists do not hold.', 'nothing is known'),
        source: source(),
      }),
      1,
      ROWS_MAX,
    ),
    'What is prohibited, and the lists that refuse it.',
  ),
  demands: key(
    list(
      z.strictObject({
        on: key(choice(['device', 'network', 'own-device', 'contractor']), 'Where.'),
        kind: key(
          choice(['app', 'access', 'traffic', 'acquisition']),
          'What is prohibited. Refusing names meets part of `access` and `traffic`, supports `app`, and does nothing for `acquisition`.',
        ),
        strength: key(choice(['ban', 'recommendation']), 'How strictly.'),
        text: key(sentence(), 'The demand in a sentence.'),
        source: source(),
      }),
      1,
      ROWS_MAX,
    ),
    'What is demanded.',
  ),
  scope: key(said(), 'For whom it is.'),
  exceptions: key(
    z.strictObject({
      grounds: key(
        list(
          z.strictObject({
            id: key(identifier(), 'What exemptions call it.'),
            title: key(sentence(), 'What it is.'),
            source: source(),
          }),
          0,
          ROWS_MAX,
        ),
        'The only grounds for an exception; none: no text that was read names any, and any will do.',
      ),
      approvers: key(
        list(
          z.strictObject({
            role: key(identifier(), 'What exemptions call it.'),
            title: key(sentence(), 'Who it is.'),
            delegation: key(
              boolean(),
              'Whether somebody acts for another here, so that the reference of the delegation is needed.',
            ),
            outside: key(
              boolean().prefault(false),
              'Whether it is another authority: its decision is brought here, not made here.',
            ),
            source: source(),
          }),
          0,
          ROWS_MAX,
        ),
        'Who approves; none: no text that was read names anybody, and any role will do.',
      ),
      'longest-days': key(
        integer(1, DAYS_MAX).optional(),
        'Longest term, days; it needs a `longest-source`.',
        'no text that was read has one',
      ),
      'longest-source': key(identifier().optional(), 'Row of `sources` for `longest-days`.', 'none'),
      conditions: key(said(), 'Conditions of an exception.'),
    }),
    'Exceptions.',
  ),
  reports: key(
    list(
      z.strictObject({
        to: key(sentence(), 'To whom.'),
        form: key(sentence().optional(), 'In which form.', 'not found'),
        'within-days': key(integer(1, DAYS_MAX).optional(), 'Days after `of`.', 'not found'),
        of: key(mandateDay().optional(), 'Day from which these days count.', 'not found'),
        'each-days': key(integer(1, DAYS_MAX).optional(), 'It recurs after so many days.', 'once'),
        'each-exemption': key(boolean().prefault(false), 'Whether each exception is reported.'),
        source: source(),
      }),
      0,
      ROWS_MAX,
    ),
    'What is to be reported; none: no text that was read asks for it.',
  ),
  deadlines: key(
    list(
      z.strictObject({
        text: key(sentence(), 'What is to be done.'),
        by: key(mandateDay().optional(), 'By when.', 'not found'),
        source: source(),
      }),
      0,
      ROWS_MAX,
    ),
    'Days by which something is removed or done.',
  ),
  review: key(mandateDay().optional(), 'When the authority looks at it again.', 'not found'),
  'ends-when': key(
    z.strictObject({ text: key(sentence(), 'The event.'), source: source() }).optional(),
    'Event with which it ends by its own words. Nothing ends by itself here: a person decides.',
    'none was found',
  ),
  'authority-list': key(
    z
      .strictObject({
        text: key(sentence(), 'What it is and who has it.'),
        list: key(
          identifier(),
          'List of the configuration in which its names stand, once the agency has them.',
        ),
        'each-days': key(integer(1, DAYS_MAX).optional(), 'It comes anew after so many days.', 'not found'),
        'within-days': key(
          integer(1, DAYS_MAX).optional(),
          'So many days after each update it has to be followed.',
          'not found',
        ),
        source: source(),
      })
      .optional(),
    'A list that the authority itself keeps and that does not ship.',
    'none was found',
  ),
  notes: key(said(), 'What a reader has to know.'),
});

/** A mandate pack. Plain data. */
export type Mandate = FormOf<typeof mandateSchema>;
type Draft = z.output<typeof mandateSchema>;

/** A pack as it was read. */
export interface ReadMandate {
  readonly mandate: Mandate;
  /** Of its file, in hex. */
  readonly sha256: string;
  readonly file: string;
}

/** What was read for `mandates`, by its place there. */
export type ReadMandates = ReadonlyMap<number, ReadMandate>;

/** Whether somebody has to decide what follows from how it stands. */
export const isUnsettled = (standing: Standing): boolean => UNSETTLED.includes(standing);

/** Identifiers of the lists that refuse what a mandate prohibits, each once. */
export const listsOf = ({ products }: Pick<Mandate, 'products'>): readonly string[] => [
  ...new Set(products.flatMap(({ lists }) => lists)),
];

/** How sure a sentence of a source is. */
export const sureOf = ({ sources }: Mandate, id: string): Mandate['sources'][number]['sure'] =>
  sources.find((row) => row.id === id)?.sure ?? 'mention';

/** What is wrong between the keys of a pack: each sentence has a source, each source is used, nothing stands twice. */
export const checkMandate = (
  mandate: Draft,
  report: (path: readonly PropertyKey[], fault: Fault) => void,
): void => {
  const ids = new Set(mandate.sources.map(({ id }) => id));
  const used = new Set<string>();
  walk(mandate, [], (path, id) => {
    used.add(id);
    if (ids.has(id)) return;
    const hint = suggest(id, ids) ?? `rows are ${[...ids].join(', ')}`;
    report(path, new Fault('ERR_CONFIG_REFERENCE', `no row of "sources" is ${quote(id)}`, hint));
  });
  const seen = new Set<string>();
  for (const [index, { id }] of mandate.sources.entries()) {
    const at = ['sources', index, 'id'];
    if (seen.has(id)) report(at, new Fault('ERR_CONFIG_CONFLICT', `${quote(id)} is a row already`));
    seen.add(id);
    if (used.has(id)) continue;
    const hint = 'name it where something rests on it, or remove it';
    report(at, new Fault('ERR_CONFIG_REFERENCE', `nothing rests on ${quote(id)}`, hint));
  }
  const { grounds, approvers } = mandate.exceptions;
  reportTwice(
    grounds.map(({ id }) => id),
    ['exceptions', 'grounds'],
    'id',
    report,
  );
  reportTwice(
    approvers.map(({ role }) => role),
    ['exceptions', 'approvers'],
    'role',
    report,
  );
  const { 'longest-days': longest, 'longest-source': from } = mandate.exceptions;
  if ((longest === undefined) !== (from === undefined)) {
    const missing = longest === undefined ? 'longest-days' : 'longest-source';
    report(['exceptions', missing], new Fault('ERR_CONFIG_MISSING_KEY', 'is missing: a term has a source'));
  }
  const { value, readings } = mandate.standing;
  if (value === 'disputed' && readings.length < 2) {
    const hint = 'write each reading with its source';
    report(['standing', 'readings'], new Fault('ERR_CONFIG_LIMIT', 'a dispute has two readings', hint));
  }
};

const reportTwice = (
  names: readonly string[],
  path: readonly PropertyKey[],
  name: string,
  report: (path: readonly PropertyKey[], fault: Fault) => void,
): void => {
  for (const [index, text] of names.entries()) {
    if (names.indexOf(text) !== index)
      report([...path, index, name], new Fault('ERR_CONFIG_CONFLICT', `${quote(text)} stands twice`));
  }
};

/** Each reference to a row of `sources`. */
const walk = (
  value: unknown,
  path: readonly PropertyKey[],
  found: (path: readonly PropertyKey[], id: string) => void,
): void => {
  if (Array.isArray(value)) for (const [index, item] of value.entries()) walk(item, [...path, index], found);
  else if (typeof value === 'object' && value !== null) {
    for (const [name, below] of Object.entries(value)) {
      if ((name === 'source' || name === 'longest-source') && typeof below === 'string')
        found([...path, name], below);
      else walk(below, [...path, name], found);
    }
  }
};
