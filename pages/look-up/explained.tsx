// What a client is answered and why, in five steps, and the sentence to read out.
import type { ComponentChildren, VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Explanation, Rule } from '../api/shapes.ts';
import type { Mark } from '../parts/mark.ts';
import { StateMark } from '../parts/marks.tsx';
import { Name, Panel } from '../parts/panel.tsx';
import { may, toast } from '../parts/room.ts';
import { inPath } from '../parts/router.ts';
import { Say, textsOf, useText } from '../parts/say.tsx';
import type { Key } from '../text/text.ts';
import { LANGUAGE_NAMES, LANGUAGES, type Language, plainText } from '../text/text.ts';

const OUTCOMES: Readonly<Record<string, { readonly mark: Mark; readonly title: Key; readonly why: Key }>> = {
  refused: { mark: 'refused', title: 'explainedRefused', why: 'explainedRefusedWhy' },
  passes: { mark: 'ok', title: 'explainedPasses', why: 'explainedPassesWhy' },
  local: { mark: 'ok', title: 'explainedLocal', why: 'explainedLocalWhy' },
  failed: { mark: 'warn', title: 'explainedFailed', why: 'explainedFailedWhy' },
};

const Step = ({
  number,
  asked,
  decides = false,
  children,
}: {
  readonly number: number;
  readonly asked: string;
  readonly decides?: boolean;
  readonly children: ComponentChildren;
}): VNode => (
  <li class={decides ? 'decides' : undefined}>
    <span class="n">{number}</span>
    <span class="asked">{asked}</span>
    <span class="told">{children}</span>
  </li>
);

/** What a line of a list names: the first value of an entry in YAML, the first word of any other. */
const LINE = /^(?:-\s+)?\{?\s*(?:[a-z-]+:\s+)?["']?([^\s,"'}]+)/;

const nameIn = (line: string): string => LINE.exec(line.trim())?.[1] ?? line;

const RuleText = ({ rule }: { readonly rule: Rule }): VNode => {
  const { say, word } = useText();
  return (
    <>
      <b>
        <a href={`/lists/${inPath(rule.list)}`}>{rule.list}</a>
      </b>{' '}
      {rule.mandate ? say('ruleMandate') : say('ruleOrdinary')}: <Name name={nameIn(rule.text)} />,{' '}
      {word('match', rule.match)}, {say('line', { line: rule.line })}
      {rule.target !== undefined && (
        <>
          {' '}
          (<Name name={rule.target} />)
        </>
      )}
      {(rule.service !== undefined || rule.owner !== undefined || rule.reviewed !== undefined) && (
        <span class="soft" lang="en">
          <br />
          {[rule.service, rule.owner, rule.evidence, rule.derived]
            .filter((part) => part !== undefined)
            .join(', ')}
          {rule.reviewed !== undefined && `; ${say('reviewed', { date: rule.reviewed })}`}
        </span>
      )}
    </>
  );
};

const Steps = ({ found }: { readonly found: Explanation }): VNode => {
  const { say, word } = useText();
  const rule = found.reason;
  const [exempted] = found.exempted;
  const [answer] = found.answers;
  const refusedByOther = answer?.refusedBy !== undefined && answer.refusedBy !== 'list';
  return (
    <ol class="steps">
      <Step number={1} asked={say('stepMayAsk')} decides={!found.allowed}>
        {found.allowed ? (
          <Say k="stepMayAskYes" v={{ client: <code>{found.client}</code> }} />
        ) : (
          <Say k="stepMayAskNo" v={{ client: <code>{found.client}</code> }} />
        )}
      </Step>
      <Step number={2} asked={say('network')}>
        <code>{found.group}</code>
        {found.groupPrefix !== undefined && <>, {say('byPrefix', { prefix: found.groupPrefix })}</>}
        {found.groupListener !== undefined && <>, {say('byListener', { listener: found.groupListener })}</>}
      </Step>
      <Step number={3} asked={say('stepExempt')} decides={exempted !== undefined && rule === undefined}>
        {exempted === undefined ? (
          say('stepExemptNo')
        ) : (
          <Say
            k="stepExemptYes"
            v={{ paper: <a href={`/exemptions/${inPath(exempted.exemption)}`}>{exempted.exemption}</a> }}
          />
        )}
      </Step>
      <Step number={4} asked={say('list')} decides={rule !== undefined && found.outcome === 'refused'}>
        {rule !== undefined ? (
          <RuleText rule={rule} />
        ) : found.passedBy !== undefined ? (
          <>
            {say('stepAllowed')} <RuleText rule={found.passedBy} />
          </>
        ) : refusedByOther ? (
          word('refusedBy', answer.refusedBy ?? '')
        ) : (
          say('stepListNone')
        )}
        {found.watched !== undefined && (
          <span class="soft">
            <br />
            {say('stepWatched')} <RuleText rule={found.watched} />
          </span>
        )}
      </Step>
      <Step number={5} asked={say('stepGets')}>
        {found.answers.map((one) => (
          <span key={one.type}>
            <code>{one.type}</code>: <code>{one.rcode ?? one.outcome}</code>
            {one.ede !== undefined && (
              <>
                {' '}
                {one.ede.text === ''
                  ? `(EDE ${one.ede.code})`
                  : say('withEde', { text: one.ede.text, code: one.ede.code })}
              </>
            )}
            {one.status !== 'refused' && one.records.length > 0 && (
              <span class="soft">
                {' '}
                <code>{one.records.slice(0, 3).join('; ')}</code>
              </span>
            )}
            <br />
          </span>
        ))}
        {found.asked.isPaused === true && <b class="t-bad">{say('explainedPaused')}</b>}
      </Step>
    </ol>
  );
};

const SENTENCES: Readonly<Record<string, Key>> = {
  refused: 'callRefused',
  passes: 'callPasses',
  local: 'callPasses',
  failed: 'callFailed',
};

/** The sentence to read out, in the caller's language, which need not be that of the page. */
const SayPanel = ({ found }: { readonly found: Explanation }): VNode => {
  const { say, language } = useText();
  const [spokenIn, setSpokenIn] = useState<Language>(language);
  const [text, setText] = useState('');
  const isOther = found.outcome === 'refused' && found.reason?.mandate !== true;
  const key: Key = isOther ? 'callRefusedOther' : (SENTENCES[found.outcome] ?? 'callFailed');
  useEffect(() => {
    let isCurrent = true;
    void textsOf(spokenIn).then((texts) => {
      if (isCurrent)
        setText(plainText(texts[key], spokenIn, { name: found.name.replace(/\.$/, '') }, String));
    });
    return () => {
      isCurrent = false;
    };
  }, [spokenIn, key, found.name]);
  return (
    <Panel title={say('sayTitle')}>
      <div class="body stack">
        <fieldset class="tabs">
          <legend class="unseen">{say('sayLanguage')}</legend>
          {LANGUAGES.map((one) => (
            <button key={one} type="button" aria-pressed={one === spokenIn} onClick={() => setSpokenIn(one)}>
              {one}
              <span class="unseen"> {LANGUAGE_NAMES[one]}</span>
            </button>
          ))}
        </fieldset>
        <p class="quote" lang={spokenIn}>
          {text}
        </p>
        <div class="row">
          <button
            type="button"
            onClick={() =>
              void navigator.clipboard
                .writeText(text)
                .then(() => toast.set({ text: say('copied'), isBad: false }))
            }
          >
            {say('copy')}
          </button>
          {found.outcome === 'refused' && may('requestExemption') && (
            <a
              class="button"
              href={`/exemptions/new?name=${encodeURIComponent(found.name.replace(/\.$/, ''))}`}
            >
              {say('howToAsk')}
            </a>
          )}
        </div>
        <dl class="small">
          <dt>
            <b>{say('onlyThisFails')}</b>
          </dt>
          <dd class="soft">
            {found.outcome === 'refused' ? say('onlyThisListed') : say('onlyThisElsewhere')}
          </dd>
          <dt>
            <b>{say('othersFail')}</b>
          </dt>
          <dd class="soft">{say('othersFailDo')}</dd>
        </dl>
      </div>
    </Panel>
  );
};

export const Explained = ({ found }: { readonly found: Explanation }): VNode => {
  const outcome = OUTCOMES[found.outcome] ?? {
    mark: 'none',
    title: 'explainedPasses',
    why: 'explainedPassesWhy',
  };
  const isOther = found.outcome === 'refused' && found.reason?.mandate !== true;
  return (
    <div class="columns" id="explained">
      <section class="panel" aria-labelledby="verdict" aria-live="polite">
        <header class="verdict">
          <StateMark mark={outcome.mark} />
          <h2 id="verdict">
            <Say
              k={outcome.title as 'explainedRefused'}
              v={{ name: <Name name={found.name.replace(/\.$/, '')} />, group: found.group }}
            />
          </h2>
        </header>
        <div class="body stack">
          <p class="soft">
            <Say k={(isOther ? 'explainedOtherWhy' : outcome.why) as 'explainedPassesWhy'} />
          </p>
          <Steps found={found} />
        </div>
      </section>
      <SayPanel found={found} />
    </div>
  );
};
