// The sentence of the headline in the reader's language, from what the program found. The program decides the state; here it
// is put into words. Pure, so that tests can produce every state.
import type { Headline, HeadlineState } from '../api/members.ts';
import type { State } from '../api/shapes.ts';
import type { Mark } from '../parts/mark.ts';
import type { Speech } from '../parts/speech.ts';

/** The states of the program, and those that only a page tells apart: nothing was heard; no mandate, by decision. */
export type Shown = HeadlineState | 'no-word' | 'out-of-scope';

export type Tone = 'ok' | 'warn' | 'bad' | 'none';

const TONES: Readonly<Record<Shown, Tone>> = {
  'no-word': 'none',
  'out-of-scope': 'none',
  starting: 'none',
  paused: 'bad',
  'not-in-force': 'bad',
  'no-mandate-list': 'bad',
  leaking: 'bad',
  unproven: 'warn',
  unrecorded: 'warn',
  stale: 'warn',
  'in-force': 'ok',
};

export const toneOf = (shown: Shown): Tone => TONES[shown] ?? 'none';
export const markOf = (shown: Shown): Mark => (shown === 'paused' ? 'paused' : toneOf(shown));

export interface Sentence {
  readonly shown: Shown;
  readonly title: string;
  readonly said: string;
  /** What the service says of it itself, where that says more. */
  readonly raw?: string;
}

/** Networks that are named in a sentence; the table has all. */
const NAMES_MAX = 4;

/** The first of `count` names; of more than are known, how many. */
export const few = (
  { format, say }: Speech,
  names: readonly string[],
  count: number = names.length,
): string =>
  count <= NAMES_MAX
    ? format.list(names)
    : say('andMore', { names: names.slice(0, NAMES_MAX).join(', '), more: count - NAMES_MAX });

const secondsSince = (time: string | null, nowMs: number): number | undefined =>
  time === null ? undefined : Math.max(0, (nowMs - Date.parse(time)) / 1000);

/** A clock alone is today's: what lies further back is told with its day. */
const CLOCK_SEC_MAX = 20 * 3_600;

const clockOf = ({ format }: Speech, time: string, nowMs: number): string =>
  (secondsSince(time, nowMs) ?? 0) > CLOCK_SEC_MAX ? format.time(time) : format.clock(time).slice(0, 5);

/** A time to come: with its day, unless that is today in UTC. */
const endOf = ({ format }: Speech, time: string, nowMs: number): string =>
  time.slice(0, 10) === new Date(nowMs).toISOString().slice(0, 10)
    ? format.clock(time).slice(0, 5)
    : format.time(time);

/** What is said of the last sweep: only it may say "all names". */
const sweepText = (speech: Speech, { sweep }: Headline, nowMs: number): string => {
  if (sweep === null) return '';
  const values = { clock: clockOf(speech, sweep.time, nowMs), names: sweep.names };
  return sweep.leakedNames === 0
    ? ` ${speech.say('saidSweepClean', values)}`
    : ` ${speech.say('saidSweepNot', values)}`;
};

const inForce = (speech: Speech, found: Headline, nowMs: number): Sentence => {
  const { say, format } = speech;
  const { networksInForce: count, networks: of, networksProven, unasked, unaskedCount } = found;
  const age = secondsSince(found.oldestProofTime, nowMs);
  const ago = age === undefined ? '' : format.ago(age);
  const proven =
    age === undefined
      ? say('saidNeverProven')
      : !found.isProofCurrent
        ? say('saidProvenBefore', { ago })
        : unaskedCount > 0
          ? say('saidProvenSome', {
              ...{ ago, count: networksProven, of, names: few(speech, unasked, unaskedCount) },
            })
          : say('saidProven', { ago });
  return {
    shown: 'in-force',
    title: say('headInForce', { count, of }),
    said: `${proven}${sweepText(speech, found, nowMs)}`,
  };
};

/** Of an answer, such as `www.example A +do: NOERROR 192.0.2.1`, the name. */
const namesOf = (examples: readonly string[]): readonly string[] => [
  ...new Set(examples.map((example) => example.split(' ', 1)[0] ?? '')),
];

/** Why it is so, by the program's word for it. */
const OUTAGES: Readonly<Record<string, 'whyNoGeneration' | 'whyNoWorker' | 'whyHungWorker'>> = {
  startup: 'whyNoGeneration',
  'no-generation': 'whyNoGeneration',
  'no-worker': 'whyNoWorker',
  'hung-worker': 'whyHungWorker',
};

const LACKS: Readonly<Record<string, 'saidNoMandate' | 'whyWatched' | 'whyOutsideHours' | 'whyPartly'>> = {
  'no-mandate': 'saidNoMandate',
  watched: 'whyWatched',
  'outside-hours': 'whyOutsideHours',
  partly: 'whyPartly',
};

const DOUBTS: Readonly<
  Record<string, 'saidUnproven' | 'whyNoProbe' | 'whyUnasked' | 'whyBroken' | 'whyOld' | 'whyClock'>
> = {
  'no-probe': 'whyNoProbe',
  unasked: 'whyUnasked',
  never: 'saidUnproven',
  broken: 'whyBroken',
  old: 'whyOld',
  clock: 'whyClock',
};

const LOSSES: Readonly<
  Record<
    string,
    'whyDisabled' | 'whyFailing' | 'whySilent' | 'whyWaiting' | 'whyLost' | 'whyUnreadable' | 'whyNotWhole'
  >
> = {
  disabled: 'whyDisabled',
  failing: 'whyFailing',
  silent: 'whySilent',
  waiting: 'whyWaiting',
  lost: 'whyLost',
  unreadable: 'whyUnreadable',
  'not-whole': 'whyNotWhole',
};

/** Whose detail is what the system said. */
const FROM_SYSTEM: ReadonlySet<string> = new Set(['whyFailing', 'whyUnreadable']);

const WRITERS: Readonly<Record<HeadlineState, (speech: Speech, found: Headline, nowMs: number) => Sentence>> =
  {
    'in-force': inForce,
    starting: ({ say, format }, { sinceTime, lists }, nowMs) => ({
      shown: 'starting',
      title: say('headStarting'),
      said:
        lists.length === 0
          ? say('saidStarting', { length: format.length(secondsSince(sinceTime, nowMs) ?? 0) })
          : say('saidStartingLists', {
              lists: format.list(lists),
              length: format.length(secondsSince(sinceTime, nowMs) ?? 0),
            }),
    }),
    paused: (speech, { pause }, nowMs) => {
      const { say, format } = speech;
      const left = pause === null ? 0 : Math.max(0, (Date.parse(pause.until) - nowMs) / 1000);
      return {
        shown: 'paused',
        title: say('headPaused', { by: pause?.by ?? '–', length: format.length(left) }),
        said: say('saidPaused', {
          reason: pause?.reason ?? '–',
          clock: endOf(speech, pause?.until ?? '', nowMs),
        }),
      };
    },
    'not-in-force': ({ say, format }, { sinceTime, cause, detail }, nowMs) => {
      const age = secondsSince(sinceTime, nowMs);
      const where = say('headNotAnywhere');
      const reason = OUTAGES[cause ?? ''];
      return {
        shown: 'not-in-force',
        title: age === undefined ? where : say('headFor', { what: where, length: format.length(age) }),
        ...(reason === undefined ? { said: '', raw: detail } : { said: say(reason) }),
      };
    },
    'no-mandate-list': (speech, { groups, groupCount, networks, sinceTime, cause, detail, lists }) => {
      const { say, format } = speech;
      if (cause === 'out-of-scope') return { shown: 'out-of-scope', title: say('headOutOfScope'), said: '' };
      const reason = LACKS[cause ?? ''];
      const values = { names: few(speech, groups, groupCount), time: format.time(sinceTime ?? '') };
      return {
        shown: 'no-mandate-list',
        title: say('headNoMandate', { count: groupCount, of: networks }),
        ...(reason === undefined || sinceTime === null
          ? { said: values.names, raw: detail }
          : { said: say(reason, { ...values, lists: few(speech, lists) }) }),
      };
    },
    leaking: (speech, { groups, groupCount, networks, leakedNames, examples, sinceTime }, nowMs) => ({
      shown: 'leaking',
      title: speech.say('headLeaking', { count: groupCount, of: networks, names: leakedNames }),
      said: speech.say('saidLeaking', {
        where: few(speech, groups, groupCount),
        ago: speech.format.ago(secondsSince(sinceTime, nowMs) ?? 0),
        examples: few(speech, namesOf(examples)),
      }),
    }),
    unproven: (speech, { groups, groupCount, networks, networksProven, ...found }, nowMs) => {
      const { say, format } = speech;
      const { oldestProofTime, sinceTime, cause } = found;
      const age = secondsSince(sinceTime ?? oldestProofTime, nowMs);
      const count = groupCount === 0 ? networks - networksProven : groupCount;
      const names = few(speech, groups, groupCount);
      return {
        shown: 'unproven',
        title:
          age === undefined || cause === 'never'
            ? say('headNeverProven', { count, of: networks })
            : say('headUnproven', { count, of: networks, length: format.length(age) }),
        said: say(DOUBTS[cause ?? ''] ?? 'saidUnproven', { names }),
      };
    },
    unrecorded: (speech, { sinceTime, detail, cause }, nowMs) => {
      const { say } = speech;
      const reason = LOSSES[cause ?? ''];
      return {
        shown: 'unrecorded',
        title:
          sinceTime === null
            ? say('headUnrecordedNow')
            : say('headUnrecorded', { clock: clockOf(speech, sinceTime, nowMs) }),
        said: reason === undefined ? '' : say(reason),
        ...(reason === undefined || FROM_SYSTEM.has(reason) ? { raw: detail } : {}),
      };
    },
    stale: ({ say, format }, { lists, networksInForce, networks, sinceTime, detail }, nowMs) => ({
      shown: 'stale',
      title: say('headStale', {
        count: networksInForce,
        of: networks,
        length: format.length(secondsSince(sinceTime, nowMs) ?? 0),
      }),
      ...(sinceTime === null
        ? { said: '', raw: detail }
        : { said: say('saidStale', { lists: format.list(lists), time: format.time(sinceTime) }) }),
    }),
  };

/** The sentence for what is known; `silentSec` is set once nothing has been heard for too long. */
export const sentenceOf = (
  speech: Speech,
  state: State,
  nowMs: number,
  silentSec: number | undefined,
): Sentence => {
  const { headline } = state;
  const writer = WRITERS[headline.state];
  const sentence: Sentence =
    writer === undefined
      ? {
          shown: headline.state,
          title: headline.state,
          said: '',
          raw: `${headline.text}. ${headline.detail}`,
        }
      : writer(speech, headline, nowMs);
  if (silentSec === undefined) return sentence;
  return {
    shown: 'no-word',
    title: speech.say('headNoWord', { length: speech.format.length(silentSec) }),
    said: speech.say('saidNoWord', { clock: speech.format.clock(state.time), title: sentence.title }),
  };
};
