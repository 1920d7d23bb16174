// What the service says in its own words. They are English: readers of another language get a sentence of theirs, and the words
// themselves folded away behind it. No other component shows any.
import type { VNode } from 'preact';
import { type FoundReason, findReason } from './reason.ts';
import { Say, useText } from './say.tsx';

/** The words themselves, for who passes them on; nothing where there are none. */
export const Raw = ({
  text,
  code = '',
  hint = '',
  isOpen = false,
}: {
  readonly text: string;
  readonly code?: string;
  readonly hint?: string;
  readonly isOpen?: boolean;
}): VNode | null => {
  const { say } = useText();
  if (text === '') return null;
  return (
    <details class="raw" open={isOpen}>
      <summary class="soft">{say('technicalDetail')}</summary>
      <p lang="en">
        {text} {code !== '' && <code>{code}</code>}
      </p>
      {hint !== '' && (
        <p lang="en" class="soft">
          {hint}
        </p>
      )}
    </details>
  );
};

const Reason = ({ found: { key, values } }: { readonly found: FoundReason }): VNode => {
  const { why, rest, ...others } = values;
  const shown = {
    ...others,
    ...(why !== undefined && { why: <ServiceText text={why} /> }),
    ...(rest !== undefined && { rest: <Raw text={rest} /> }),
  };
  // The values of a reason are known by its pattern, not by the type of its key.
  return <Say k={key} v={shown as never} />;
};

/** In English as it is; else `sentence` or the reason that it is, and where neither is known, folded away. */
export const ServiceText = ({
  text,
  sentence,
}: {
  readonly text: string;
  readonly sentence?: string | undefined;
}): VNode => {
  const { language } = useText();
  if (language === 'en') return <>{text}</>;
  if (sentence !== undefined)
    return (
      <>
        {sentence} <Raw text={text} />
      </>
    );
  const found = findReason(text);
  return found === undefined ? <Raw text={text} /> : <Reason found={found} />;
};
