// A text as it is, for whoever confirms it or is told it once: whole, and with nothing in it that cannot be seen.
//
// Blanks and line ends stay; a long one stands in a box that scrolls. What is not drawn, or turns the order of what is around
// it, stands as its number: a reader confirms what the program reads (Unicode TR 36 section 2.5, "Trojan Source").
import type { VNode } from 'preact';

/** Not line ends and tabs. Of each run of the same one. The last one is drawn as nothing and no blank. */
const UNSEEN = /(?!\r?\n|\t)([\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800])\1*/gu;
/** Characters and lines that fit into the box without scrolling, whatever their width. */
const BOX_LENGTH = 400;
const BOX_LINES = 10;

const numberOf = (run: string): string => {
  const [first = ''] = run;
  const number = `U+${(first.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
  return run.length === first.length ? number : `${number}×${run.length / first.length}`;
};

/** `text` with marks in place of what is not seen. */
const seen = (text: string): (string | VNode)[] => {
  const parts: (string | VNode)[] = [];
  let done = 0;
  for (const { 0: run, index } of text.matchAll(UNSEEN)) {
    parts.push(text.slice(done, index), <mark key={index}>{numberOf(run)}</mark>);
    done = index + run.length;
  }
  return [...parts, text.slice(done)];
};

/** Within a sentence. */
export const Seen = ({ text }: { readonly text: string }): VNode => <>{seen(text)}</>;

/** `label`: what it is, for whoever does not see where it stands. */
export const Exact = ({ text, label }: { readonly text: string; readonly label: string }): VNode =>
  text.length > BOX_LENGTH || text.split('\n', BOX_LINES + 1).length > BOX_LINES ? (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached with the keyboard
    <section class="exact" tabIndex={0} aria-label={label}>
      <code>{seen(text)}</code>
    </section>
  ) : (
    <code class="exact">{seen(text)}</code>
  );

/** Its single values by the way to each, in order. */
const leaves = (value: unknown, way: string): (readonly [way: string, text: string])[] => {
  // A text that is empty says something: with it, what was there goes.
  if (typeof value !== 'object' || value === null)
    return [[way, typeof value === 'string' && value !== '' ? value : JSON.stringify(value)]];
  const members = Object.entries(value);
  if (members.length === 0) return [[way, JSON.stringify(value)]];
  // Values of one list stand together, a line each.
  if (Array.isArray(value) && value.every((one) => typeof one === 'string' && !one.includes('\n')))
    return [[way, value.join('\n')]];
  return members.flatMap(([name, member]) => leaves(member, way === '' ? name : `${way}.${name}`));
};

/**
 * Rows of a list of terms: each value of an object by itself, so that a link can be taken as it stands there. `label` tells those of
 * several lists on a page apart.
 */
export const ExactMembers = ({ of, label }: { readonly of: object; readonly label: string }): VNode => (
  <>
    {leaves(of, '').map(([way, text]) => (
      <>
        <dt>
          <code>{seen(way)}</code>
        </dt>
        <dd>
          <Exact text={text} label={`${label} ${way}`} />
        </dd>
      </>
    ))}
  </>
);
