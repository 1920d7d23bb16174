// Panels, faults, empty places and notes: what stands around facts.
import type { ComponentChildren, VNode } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import type { Fault } from '../api/client.ts';
import { faultText, needsOwnWords, problemText, rawProblem } from './fault-text.ts';
import { StateMark } from './marks.tsx';
import { useText } from './say.tsx';
import { Raw } from './service-text.tsx';
import { Store } from './store.ts';
import type { Data } from './use-data.ts';

interface PanelProps {
  /** One of several that may have the same title: no landmark. */
  readonly isItem?: boolean;
  readonly title: ComponentChildren;
  readonly beside?: ComponentChildren;
  readonly aside?: ComponentChildren;
  readonly children: ComponentChildren;
}

/** A region of the page with its heading. */
export const Panel = ({ title, beside, aside, isItem = false, children }: PanelProps): VNode => {
  const id = useId();
  const Box = isItem ? 'article' : 'section';
  return (
    <Box class="panel" aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
        {beside !== undefined && <span class="faint small">{beside}</span>}
        {aside !== undefined && <span class="aside">{aside}</span>}
      </header>
      {children}
    </Box>
  );
};

/** The title of a page; `trail` leads back. */
/** What the page is called; empty: it says the state, as the overview does. */
export const pageTitle = new Store('');

/** The heading that a page is called by, in the title of the window as well (WCAG 2.4.2). */
export const PageName = ({ children }: { readonly children: ComponentChildren }): VNode => {
  const heading = useRef<HTMLHeadingElement>(null);
  // After each drawing: a name may come with the page's data.
  useEffect(() => pageTitle.set(heading.current?.textContent ?? ''));
  useEffect(() => () => pageTitle.set(''), []);
  return <h1 ref={heading}>{children}</h1>;
};

export const Head = ({
  title,
  trail,
  children,
}: {
  readonly title: ComponentChildren;
  readonly trail?: ComponentChildren;
  readonly children?: ComponentChildren;
}): VNode => (
  <div class="head">
    <div>
      {trail !== undefined && <p class="trail">{trail}</p>}
      <PageName>{title}</PageName>
    </div>
    {children !== undefined && <div class="row">{children}</div>}
  </div>
);

/** What went wrong: what did not change, the code, and what to do. */
export const FaultNote = ({ fault }: { readonly fault: Fault | undefined }): VNode | null => {
  const speech = useText();
  if (fault === undefined) return null;
  const said = fault.status === 0 ? [] : [fault.message];
  const raw = speech.language === 'en' ? said : [...said, ...fault.problems.map(rawProblem)];
  return (
    <div class="note bad" role="alert">
      <p>
        <b>{faultText(speech, fault)}</b>
      </p>
      {fault.problems.length > 0 && (
        <ul>
          {fault.problems.map((problem) => (
            <li key={problem.code + problem.field}>{problemText(speech, problem)}</li>
          ))}
        </ul>
      )}
      <Raw
        text={raw.filter((text) => text !== '').join('. ')}
        code={fault.code}
        hint={fault.hint}
        isOpen={needsOwnWords(speech, fault.code)}
      />
    </div>
  );
};

/** One line where there is nothing, which says what that means. */
export const Nothing = ({ children }: { readonly children: ComponentChildren }): VNode => (
  <p class="body soft">{children}</p>
);

/** Below rows of which only the first are shown: how many there are. */
export const ShownOf = ({ count, of }: { readonly count: number; readonly of: number }): VNode | null => {
  const { say } = useText();
  return count >= of ? null : <p class="foot small soft">{say('ofThem', { count, of })}</p>;
};

/** What is shown until data is there: nothing that looks like data. */
export const Loaded = <Value,>({
  data,
  children,
}: {
  readonly data: Data<Value>;
  readonly children: (value: Value) => ComponentChildren;
}): VNode => {
  const { say } = useText();
  // The last value stays, and is not taken for one of now.
  if (data.value !== undefined)
    return (
      <>
        <FaultNote fault={data.fault} />
        {children(data.value)}
      </>
    );
  if (data.fault === undefined)
    return (
      <p class="body faint" aria-busy="true">
        {say('loading')}
      </p>
    );
  return (
    <div class="body stack">
      {data.fault.status === 403 ? <p class="soft">{say('notYours')}</p> : <FaultNote fault={data.fault} />}
      {data.fault.status !== 403 && (
        <div class="row">
          <button type="button" onClick={data.reload}>
            {say('tryAgain')}
          </button>
        </div>
      )}
    </div>
  );
};

/** A name whose parts may stand on several lines. */
export const Name = ({ name }: { readonly name: string }): VNode => (
  <span class="code">
    {name.split('.').map((label, index, labels) => (
      <span key={index}>
        {label}
        {index < labels.length - 1 && (
          <>
            .<wbr />
          </>
        )}
      </span>
    ))}
  </span>
);

/** The first digits of a hash; all of them for who points at it or copies it. */
export const Hash = ({ sha256 }: { readonly sha256: string }): VNode => (
  <code title={sha256}>{sha256.slice(0, 12)}</code>
);

/** A check of a request: kept or not. */
export const CheckLine = ({
  isKept,
  children,
  more,
}: {
  readonly isKept: boolean | undefined;
  readonly children: ComponentChildren;
  readonly more?: ComponentChildren;
}): VNode => (
  <li>
    <StateMark mark={isKept === undefined ? 'warn' : isKept ? 'ok' : 'bad'} />
    <span>{children}</span>
    {more !== undefined && <small>{more}</small>}
  </li>
);
