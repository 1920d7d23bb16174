// The sentence of the headline in the reader's language, from what the program found. The program decides the state; here it
// is put into words. Pure, so that tests can produce every state.
import type { Headline, HeadlineState, State } from '../api/shapes.ts';
import type { Mark } from '../parts/marks.tsx';
import type { Speech } from '../parts/say.tsx';

/** The states of the program, and the one that only a page can have: nothing was heard. */
export type Shown = HeadlineState | 'no-word';

export type Tone = 'ok' | 'warn' | 'bad' | 'none';

const TONES: Readonly<Record<Shown, Tone>> = {
  'no-word': 'none',
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
}

/** Networks that are named in a sentence; the table has all. */
const NAMES_MAX = 4;

const few = ({ format, say }: Speech, names: readonly string[]): string =>
  names.length <= NAMES_MAX
    ? format.list(names)
    : say('andMore', { names: names.slice(0, NAMES_MAX).join(', '), more: names.length - NAMES_MAX });

const secondsSince = (time: string | null, nowMs: number): number | undefined =>
  time === null ? undefined : Math.max(0, (nowMs - Date.parse(time)) / 1000);

/** What is said of the last sweep: only it may say "all names". */
const sweepText = (speech: Speech, { sweep }: Headline): string => {
  if (sweep === null) return '';
  const values = { clock: speech.format.clock(sweep.time).slice(0, 5), names: sweep.names };
  return sweep.leakedNames === 0
    ? ` ${speech.say('saidSweepClean', values)}`
    : ` ${speech.say('saidSweepNot', values)}`;
};

const inForce = (speech: Speech, found: Headline, nowMs: number): Sentence => {
  const { say, format } = speech;
  const age = secondsSince(found.oldestProofTime, nowMs);
  const proven = age === undefined ? say('saidNeverProven') : say('saidProven', { ago: format.ago(age) });
  return {
    shown: 'in-force',
    title: say('headInForce', { count: found.networksInForce, of: found.networks }),
    said: `${proven}${sweepText(speech, found)}`,
  };
};

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
    paused: ({ say, format }, { pause }, nowMs) => {
      const left = pause === null ? 0 : Math.max(0, (Date.parse(pause.until) - nowMs) / 1000);
      return {
        shown: 'paused',
        title: say('headPaused', { by: pause?.by ?? '–', length: format.length(left) }),
        said: say('saidPaused', {
          reason: pause?.reason ?? '–',
          clock: format.clock(pause?.until ?? '').slice(0, 5),
        }),
      };
    },
    'not-in-force': (speech, { sinceTime, detail, groups, networks }, nowMs) => {
      const { say, format } = speech;
      const age = secondsSince(sinceTime, nowMs);
      const isEverywhere = groups.length === 0 || groups.length >= networks;
      const where = isEverywhere
        ? say('headNotAnywhere')
        : say('headNotOn', { count: groups.length, of: networks });
      return {
        shown: 'not-in-force',
        title: age === undefined ? where : say('headFor', { what: where, length: format.length(age) }),
        said: isEverywhere ? detail : `${few(speech, groups)}: ${detail}`,
      };
    },
    'no-mandate-list': (speech, { groups, networks, sinceTime, detail }) => ({
      shown: 'no-mandate-list',
      title: speech.say('headNoMandate', { count: groups.length, of: networks }),
      said:
        sinceTime === null
          ? `${few(speech, groups)}: ${detail}`
          : speech.say('saidNoMandate', { names: few(speech, groups), time: speech.format.time(sinceTime) }),
    }),
    leaking: (speech, { groups, networks, leakedNames, examples, sinceTime }, nowMs) => ({
      shown: 'leaking',
      title: speech.say('headLeaking', { count: groups.length, of: networks, names: leakedNames }),
      said: speech.say('saidLeaking', {
        where: few(speech, groups),
        ago: speech.format.ago(secondsSince(sinceTime, nowMs) ?? 0),
        examples: few(speech, examples),
      }),
    }),
    unproven: (speech, { groups, networks, networksProven, oldestProofTime, sinceTime }, nowMs) => {
      const { say, format } = speech;
      const age = secondsSince(sinceTime ?? oldestProofTime, nowMs);
      const count = groups.length === 0 ? networks - networksProven : groups.length;
      return {
        shown: 'unproven',
        title:
          age === undefined || oldestProofTime === null
            ? say('headNeverProven', { count, of: networks })
            : say('headUnproven', { count, of: networks, length: format.length(age) }),
        said: say('saidUnproven', { names: few(speech, groups) }),
      };
    },
    unrecorded: ({ say, format }, { sinceTime, detail }) => ({
      shown: 'unrecorded',
      title:
        sinceTime === null
          ? say('headUnrecordedNow')
          : say('headUnrecorded', { clock: format.clock(sinceTime).slice(0, 5) }),
      said: detail,
    }),
    stale: ({ say, format }, { lists, networksInForce, networks, sinceTime, detail }, nowMs) => ({
      shown: 'stale',
      title: say('headStale', {
        count: networksInForce,
        of: networks,
        length: format.length(secondsSince(sinceTime, nowMs) ?? 0),
      }),
      said:
        sinceTime === null
          ? detail
          : say('saidStale', { lists: format.list(lists), time: format.time(sinceTime) }),
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
      ? { shown: headline.state, title: headline.text, said: headline.detail }
      : writer(speech, headline, nowMs);
  if (silentSec === undefined) return sentence;
  return {
    shown: 'no-word',
    title: speech.say('headNoWord', { length: speech.format.length(silentSec) }),
    said: speech.say('saidNoWord', { clock: speech.format.clock(state.time), title: sentence.title }),
  };
};
