// Page one about feeds: which version, how fresh, and what of it is not in force; or of when the lists are that ship.
import type { FeedSection } from './model.ts';
import { type FrontText, frontText, LABEL_WIDTH, PAGE_WIDTH } from './page-one.ts';
import type { ReportTexts } from './texts/texts.ts';
import { minutesText, NOTHING, numberText } from './words.ts';

/** Feeds that page one has room for, those first that ask for a look. */
const FEEDS_MAX = 2;
/** Lines of one. */
const LINES_MAX = 2;

const sentence = (parts: readonly (string | undefined)[]): FrontText =>
  frontText(parts.filter((part) => part !== undefined).join(' '), LINES_MAX, PAGE_WIDTH - LABEL_WIDTH);

/** How the feeds were when the period ended, or that there was none. */
export const feedTexts = (feeds: readonly FeedSection[], texts: ReportTexts): FrontText[] => {
  const isWell = ({ state, behind }: FeedSection): boolean => state === 'current' && behind.length === 0;
  const ordered = [...feeds].sort((a, b) => Number(isWell(a)) - Number(isWell(b)));
  const more = feeds.length - FEEDS_MAX;
  return [
    ...ordered.slice(0, FEEDS_MAX).map((one) => feedText(one, texts)),
    ...(more > 0 ? [sentence([texts.front.feeds.more(numberText(more, texts))])] : []),
  ];
};

/** Which version of a feed, how fresh, and what of it is not in force; or that nothing newer was looked for. */
const feedText = (
  { feed, state, since, until, timestamp, reviewed, behind }: FeedSection,
  texts: ReportTexts,
): FrontText => {
  const { feeds: words } = texts.front;
  if (feed === null) return sentence([words.none(reviewed ?? NOTHING)]);
  const [first] = behind;
  return sentence([
    words.state(
      feed,
      texts.terms[`feed:${state}`] ?? state,
      minutesText(since),
      timestamp === null ? NOTHING : numberText(timestamp, texts),
      until === null ? NOTHING : minutesText(until),
    ),
    first === undefined
      ? undefined
      : words.behind(numberText(behind.length, texts), first.list, minutesText(first.since), first.reason),
  ]);
};
