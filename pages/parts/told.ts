// What a record tells, as words for people: what happened, to what, by whom, and what came of it. Pure.
//
// The record itself stands behind it, unchanged: this is a reading of it and never replaces it. Kinds and events that a later
// version writes are shown by their own names.
import type { Speech } from './speech.ts';

/** What is told of a record. */
export interface Told {
  readonly what: string;
  /** The list, exemption or name that it is about; empty: it is about the program itself. */
  readonly subject: string;
  /** Undefined: it is no act, and nothing had to come of it. */
  readonly outcome: 'done' | 'refused' | 'waiting' | undefined;
  /** Undefined: the program. */
  readonly by: string | undefined;
  readonly reason: string;
}

type Members = Readonly<Record<string, unknown>>;

const OK = 200;
const ASKED = 202;
const QUERY_KINDS = new Set(['refusal', 'would-refuse', 'exemption-hit', 'bypass']);

const textIn = (members: Members, name: string): string => {
  const value = members[name];
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
};

const membersIn = (members: Members, name: string): Members => {
  const value = members[name];
  return typeof value === 'object' && value !== null ? (value as Members) : {};
};

const joined = (parts: readonly string[], by = ', '): string => parts.filter((part) => part !== '').join(by);

/** What the program itself did, or what nobody saw done: whose file it is says nothing of who wrote it. */
const whoOf = ({ say }: Pick<Speech, 'say'>, record: Members): string | undefined => {
  const by = textIn(record, 'by');
  if (by.startsWith('not known;')) return say('byNotKnown');
  return by === '' ? undefined : by;
};

/** Who did something as a change of the overview names it. */
export const personIn = (speech: Speech, by: string | null): string =>
  whoOf(speech, { by: by ?? '' }) ?? 'Cordon';

const outcomeOf = (status: unknown): Told['outcome'] =>
  typeof status !== 'number' ? undefined : status === OK ? 'done' : status === ASKED ? 'waiting' : 'refused';

const actOf = ({ word, format }: Speech, record: Members): Pick<Told, 'what' | 'subject' | 'outcome'> => {
  const action = textIn(record, 'action');
  const detail = membersIn(record, 'detail');
  const parameters = membersIn(detail, 'parameters');
  const subject = joined(Object.keys(parameters).map((name) => textIn(parameters, name)));
  const outcome = outcomeOf(detail['status']);
  if (action.startsWith('room-')) return { what: word('op', action.slice('room-'.length)), subject, outcome };
  const operation = textIn(detail, 'operation');
  return {
    what: joined([word('told', action), operation === '' ? '' : word('op', operation)], format.colon),
    subject: textIn(detail, 'askedBy'),
    outcome,
  };
};

const queryOf = ({ word }: Speech, record: Members): Pick<Told, 'what' | 'subject'> => ({
  what: word('told', textIn(record, 'kind')),
  subject: joined([
    `${textIn(record, 'qname')} ${textIn(record, 'qtype')}${record['count'] === undefined ? '' : ` × ${textIn(record, 'count')}`}`,
    textIn(record, 'client'),
    textIn(record, 'exemption') || textIn(record, 'list'),
  ]),
});

const eventOf = ({ word, format }: Speech, record: Members): Pick<Told, 'what' | 'subject'> => {
  const kind = textIn(record, 'kind');
  const event = textIn(record, 'event');
  const cause = textIn(record, 'cause');
  const what = word('told', event === '' ? kind : `${kind}-${event}`);
  if (kind === 'probe')
    return { what: `${what}${format.colon}${word('probe', textIn(record, 'outcome'))}`, subject: '' };
  if (kind === 'enforcement' && event === 'state')
    return {
      what: `${what}${format.colon}${word('mandate', textIn(record, 'state'))}`,
      subject: cause === '' ? '' : word('cause', cause),
    };
  return {
    what,
    subject: joined(
      [
        'list',
        'id',
        'feed',
        'resolver',
        'entry',
        'number',
        'subject',
        'worker',
        'output',
        'day',
        'group',
        'code',
      ].map((name) => textIn(record, name)),
    ),
  };
};

/** What a record tells. */
export const toldOf = (speech: Speech, record: Members): Told => {
  const kind = textIn(record, 'kind');
  const told =
    kind === 'admin'
      ? actOf(speech, record)
      : QUERY_KINDS.has(kind)
        ? queryOf(speech, record)
        : eventOf(speech, record);
  // Who asked for a name stands with the name; nobody else did anything.
  const by = QUERY_KINDS.has(kind) ? '–' : whoOf(speech, record);
  // Why the program did it stands in the record, in English: only a person's reason is in a person's language.
  const reason = by === undefined && speech.language !== 'en' ? '' : textIn(record, 'reason');
  return { outcome: undefined, ...told, by, reason };
};
