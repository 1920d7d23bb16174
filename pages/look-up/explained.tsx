// What a client is answered and why, in five steps, and the sentence to read out.
import type { ComponentChildren, VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Explanation, Rule } from '../api/shapes.ts';
import { CopyButton } from '../parts/copy-button.tsx';
import { StateMark } from '../parts/marks.tsx';
import { Name, Panel } from '../parts/panel.tsx';
import { may } from '../parts/room.ts';
import { inPath } from '../parts/router.ts';
import { Say, textsOf, useText } from '../parts/say.tsx';
import { LANGUAGE_NAMES, LANGUAGES, type Language, plainText } from '../text/text.ts';
import { verdictOf } from './verdict.ts';

/** Of an answer. */
const RECORDS_SHOWN = 3;

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

/** A rule and, where it names something that the name leads to, the way there. */
const RuleText = ({ rule, from }: { readonly rule: Rule; readonly from?: string }): VNode => {
  const { say, word, format } = useText();
  return (
    <>
      {rule.target !== undefined && (
        <span class="chain">
          {from !== undefined && <Name name={from.replace(/\.$/, '')} />} <span aria-hidden="true">→</span>
          <span class="unseen">{say('leadsTo')}</span> <Name name={rule.target.replace(/\.$/, '')} />
          <br />
        </span>
      )}
      <b>
        <a href={`/lists/${inPath(rule.list)}`}>{rule.list}</a>
      </b>{' '}
      ({rule.mandate ? say('ruleMandate') : say('ruleOrdinary')}){format.colon}
      <Name name={nameIn(rule.text)} />, {word('match', rule.match)}, {say('line', { line: rule.line })}
      {(rule.service !== undefined || rule.owner !== undefined || rule.reviewed !== undefined) && (
        <span class="soft">
          <br />
          <cite lang="en">
            {[rule.service, rule.owner, rule.evidence, rule.derived]
              .filter((part) => part !== undefined)
              .join(', ')}
          </cite>
          {rule.reviewed !== undefined && `; ${say('reviewed', { date: format.day(rule.reviewed) })}`}
        </span>
      )}
    </>
  );
};

const Steps = ({ found }: { readonly found: Explanation }): VNode => {
  const { say, word, format } = useText();
  const { rules, name } = found;
  const [exempted] = found.exempted;
  const other = found.answers.find(({ refusedBy }) => refusedBy !== undefined && refusedBy !== 'list');
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
      <Step number={3} asked={say('stepExempt')} decides={exempted !== undefined && rules.length === 0}>
        {exempted === undefined ? (
          say('stepExemptNo')
        ) : (
          <>
            <Say
              k="stepExemptYes"
              v={{ paper: <a href={`/exemptions/${inPath(exempted.exemption)}`}>{exempted.exemption}</a> }}
            />{' '}
            <RuleText rule={exempted.reason} from={name} />
          </>
        )}
      </Step>
      <Step number={4} asked={say('list')} decides={rules.length > 0 && found.outcome === 'refused'}>
        {rules.map((rule) => (
          <div key={`${rule.file} ${rule.line} ${rule.target}`}>
            <RuleText rule={rule} from={name} />
          </div>
        ))}
        {rules.length === 0 &&
          (found.passedBy !== undefined ? (
            <>
              {say('stepAllowed')} <RuleText rule={found.passedBy} from={name} />
            </>
          ) : other !== undefined ? (
            word('refusedBy', other.refusedBy ?? '')
          ) : exempted !== undefined ? (
            say('stepListExempt')
          ) : found.asked.isPaused === true ? (
            say('stepListPaused')
          ) : (
            found.watched === undefined && say('stepListNone')
          ))}
        {found.watched !== undefined && (
          <div class="soft">
            {say('stepWatched')} <RuleText rule={found.watched} from={name} />
          </div>
        )}
      </Step>
      <Step number={5} asked={say('stepGets')}>
        {found.answers.map((one) => (
          <span key={one.type}>
            <code>{one.type}</code>
            {format.colon}
            <code>{one.rcode ?? one.outcome}</code>
            {one.ede !== undefined && (
              <>
                {' '}
                {one.ede.text === '' ? (
                  `(EDE ${one.ede.code})`
                ) : (
                  <Say k="withEde" v={{ text: <code lang="en">{one.ede.text}</code>, code: one.ede.code }} />
                )}
              </>
            )}
            {one.status !== 'refused' && one.records.length > 0 && (
              <span class="soft">
                {' '}
                <code>{one.records.slice(0, RECORDS_SHOWN).join('; ')}</code>
                {one.records.length > RECORDS_SHOWN && ` +${one.records.length - RECORDS_SHOWN}`}
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

/** The sentence to read out, in the caller's language, which need not be that of the page. */
const SayPanel = ({ found }: { readonly found: Explanation }): VNode => {
  const { say, language } = useText();
  const [spokenIn, setSpokenIn] = useState<Language>(language);
  const [text, setText] = useState('');
  const key = verdictOf(found).call;
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
          <CopyButton text={text} />
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
          <dd class="soft">{found.rules.length > 0 ? say('onlyThisListed') : say('onlyThisElsewhere')}</dd>
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
  const { mark, title, why } = verdictOf(found);
  return (
    <div class="columns" id="explained">
      <section class="panel" aria-labelledby="verdict" aria-live="polite">
        <header class="verdict">
          <StateMark mark={mark} />
          <h2 id="verdict">
            <Say
              k={title as 'explainedRefused'}
              v={{ name: <Name name={found.name.replace(/\.$/, '')} />, group: found.group }}
            />
          </h2>
        </header>
        <div class="body stack">
          <p class="soft">
            <Say k={why as 'explainedPassesWhy'} />
          </p>
          <Steps found={found} />
        </div>
      </section>
      <SayPanel found={found} />
    </div>
  );
};
