// What of a resolver of the fleet needs a person, in words: on its page, and among what needs a person on the overview.
import type { VNode } from 'preact';
import type { FleetNeed } from '../api/shapes.ts';
import { codeText } from '../parts/fault-text.ts';
import { useText } from '../parts/say.tsx';
import { ServiceText } from '../parts/service-text.tsx';

/** Needs whose text is what the resolver says of itself; that of others is a name. */
const IN_PROSE: ReadonlySet<FleetNeed['kind']> = new Set(['not-in-force', 'keeps-nothing', 'refused-entry']);

/** A need in words. */
export const NeedText = ({ need }: { readonly need: FleetNeed }): VNode => {
  const speech = useText();
  const { word, format } = speech;
  const { kind, since, count, text } = need;
  // `list tiktok: reason [code]`
  const [, code] = /\[(ERR_[A-Z_]+)\]$/.exec(text) ?? [];
  const refusalText = code === undefined ? undefined : codeText(speech, code);
  return (
    <>
      {word('fleetNeed', kind)}
      {kind === 'clock' && count !== null && `${format.colon}${format.number(count)} ms`}
      {kind !== 'clock' && count !== null && `${format.colon}${format.number(count)}`}
      {since !== null && (
        <>
          , <time dateTime={since}>{format.time(since)}</time>
        </>
      )}
      {text !== '' && (
        <span class="soft small">
          {' '}
          {IN_PROSE.has(kind) ? (
            <ServiceText text={text} sentence={refusalText} />
          ) : (
            <code lang="en">{text}</code>
          )}
        </span>
      )}
    </>
  );
};
