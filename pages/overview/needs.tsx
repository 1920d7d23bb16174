// What needs a person, the most urgent first, in the order of the program.
import type { VNode } from 'preact';
import type { Need } from '../api/members.ts';
import type { FleetNeed, State } from '../api/shapes.ts';
import { StateMark } from '../parts/marks.tsx';
import { Panel } from '../parts/panel.tsx';
import { nowMs } from '../parts/room.ts';
import { Say, useText } from '../parts/say.tsx';
import { ServiceText } from '../parts/service-text.tsx';
import { useTicks } from '../parts/use-data.ts';
import { NeedText } from '../resolvers/need-text.tsx';
import { en } from '../text/en.ts';
import type { Key } from '../text/text.ts';

/** How often waiting times are written anew. */
const TICK_MS = 30_000;

/** The route of every name. */
const ROOT = '.';

/** True of `2/2`: none is left. */
const isAll = (subject: string): boolean => /^(\d+)\/\1$/.test(subject);

/** Of `not-in-force: what the resolver says`: its first need. */
const fleetNeedIn = (said: string): FleetNeed => {
  const [, kind = '', text = ''] = /^([a-z-]+)(?:: (.*))?$/s.exec(said) ?? [];
  return { kind: kind as FleetNeed['kind'], text, since: null, count: null };
};

/** Undefined for a kind that is not known here: it is said in the program's own words. */
const sentenceOf = (kind: string): Key | undefined => {
  const key = `need-${kind}`;
  return key in en ? (key as Key) : undefined;
};

const NeedLine = ({ need }: { readonly need: Need }): VNode => {
  const { say, word, format } = useText();
  const key =
    need.kind === 'upstreams-down' && need.subject === ROOT
      ? 'need-upstreams-all-down'
      : need.kind === 'workers-missing' && isAll(need.subject)
        ? 'need-workers-all'
        : sentenceOf(need.kind);
  const now = nowMs();
  const time =
    need.due !== null
      ? { at: need.due, text: format.ago((now - Date.parse(need.due)) / 1000) }
      : need.since !== null
        ? {
            at: need.since,
            text: say('waiting', { length: format.length((now - Date.parse(need.since)) / 1000) }),
          }
        : undefined;
  return (
    <li>
      <StateMark mark={need.kind === 'list-held' ? 'held' : 'warn'} />
      <span>
        {key === undefined ? (
          <>
            <code>{need.kind}</code> <ServiceText text={need.text} />
          </>
        ) : (
          <>
            <Say
              k={key}
              v={
                {
                  subject:
                    need.act === undefined
                      ? need.subject
                      : `${word('op', need.act.operation)} (${need.act.by})`,
                } as never
              }
            />{' '}
            {need.kind === 'resolver-trouble' && <NeedText need={fleetNeedIn(need.text)} />}
          </>
        )}
      </span>
      {time === undefined ? <span /> : <time dateTime={time.at}>{time.text}</time>}
      {/* What is said here is all that there is: a link would lead to where one is. */}
      {need.to !== '/' && (
        <a class="button" href={need.to}>
          {say('open')}
          <span class="unseen"> {need.subject}</span>
        </a>
      )}
    </li>
  );
};

export const NeedsPanel = ({
  needs,
  counts,
  headline,
}: {
  readonly needs: readonly Need[];
  readonly counts: State['counts']['todo'];
  /** What it says needs somebody as well, and is not said twice. */
  readonly headline: string;
}): VNode => {
  const { say } = useText();
  useTicks(TICK_MS);
  if (needs.length === 0)
    return (
      <Panel title={say('needsTitle')}>
        <p class="body soft">{say(headline === 'in-force' ? 'needsNone' : 'needsNoneElse')}</p>
      </Panel>
    );
  const count = counts.reduce((sum, one) => sum + one.count, 0);
  return (
    <Panel title={say('needsTitle')} beside={say('needsCount', { count })}>
      <ul class="needs">
        {needs.map((need) => (
          <NeedLine key={`${need.kind} ${need.subject}`} need={need} />
        ))}
      </ul>
      {count > needs.length && (
        <p class="foot small soft">{say('needsMore', { count: count - needs.length })}</p>
      )}
    </Panel>
  );
};
