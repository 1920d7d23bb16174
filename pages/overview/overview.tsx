// Overview: whether it holds, what needs somebody, and today in numbers.
import type { VNode } from 'preact';
import type { State } from '../api/shapes.ts';
import { Bar } from '../parts/charts.tsx';
import type { Mark } from '../parts/mark.ts';
import { StateMark } from '../parts/marks.tsx';
import { Head, Nothing, Panel } from '../parts/panel.tsx';
import { holdStill, isStill, may, nowMs, state } from '../parts/room.ts';
import { inPath } from '../parts/router.ts';
import { useText } from '../parts/say.tsx';
import { StepChart } from '../parts/step-chart.tsx';
import { useStore } from '../parts/store.ts';
import { personIn, toldOf } from '../parts/told.ts';
import { useTicks } from '../parts/use-data.ts';
import { FirstSteps } from './first-steps.tsx';
import { HeadlinePanel } from './headline.tsx';
import { few } from './headline-text.ts';
import { MandatesPanel } from './mandates.tsx';
import { NeedsPanel } from './needs.tsx';
import { NetworksPanel } from './networks.tsx';
import { TodayPanel } from './today.tsx';

const DAY_MS = 86_400_000;
const CHANGES_MAX = 6;
/** An end that is nearer stands out. */
const END_NEAR_SEC = 7 * 86_400;

const HoursPanel = ({ today }: Pick<State, 'today'>): VNode => {
  const { say } = useText();
  const lists = today.byList.filter(({ total }) => total > 0);
  const sums = Array.from({ length: 24 }, (_, hour) =>
    lists.reduce((sum, { hours }) => sum + (hours[hour] ?? 0), 0),
  );
  const peak = sums.indexOf(Math.max(...sums));
  return (
    <Panel
      title={say('hoursPanel')}
      aside={may('listRefusals') && <a href="/look-up">{say('refusedJustNow')}</a>}
    >
      {lists.length === 0 ? (
        <Nothing>{say('hoursNone')}</Nothing>
      ) : (
        <div class="body stack">
          <StepChart
            title={say('hoursTitle', { hour: `${String(peak).padStart(2, '0')}:00`, count: sums[peak] ?? 0 })}
            from={today.since}
            until={new Date(Date.parse(today.since) + DAY_MS).toISOString()}
            stepSec={3_600}
            series={lists.map(({ list, hours }) => ({ name: list, counts: hours }))}
            spans={[]}
            marks={[]}
          />
        </div>
      )}
    </Panel>
  );
};

const SignsPanel = ({ today }: Pick<State, 'today'>): VNode => {
  const speech = useText();
  const { say, word, format } = speech;
  const most = Math.max(1, ...today.signs.map(({ count }) => count));
  const seen = today.signs.filter(({ count }) => count > 0);
  return (
    <Panel title={say('signsTitle')}>
      {seen.length === 0 ? (
        <Nothing>{say(today.unwatched.length === 0 ? 'signsNone' : 'signsNoneWatched')}</Nothing>
      ) : (
        <table>
          <thead class="unseen">
            <tr>
              <th scope="col">{say('sign')}</th>
              <th scope="col">{say('share')}</th>
              <th scope="col">{say('queries')}</th>
            </tr>
          </thead>
          <tbody>
            {seen.map(({ signal, count }) => (
              <tr key={signal}>
                <th scope="row">{word('sign', signal)}</th>
                <td class="bar-cell">
                  <Bar share={count / most} />
                </td>
                <td class="num">{format.number(count)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {today.unwatched.map(({ signal, groups, groupCount }) => (
        <p key={signal} class="foot small">
          <StateMark mark="none" /> <b>{word('sign', signal)}</b>
          {format.colon}
          {say('signUnwatched')} {few(speech, groups, groupCount)}
        </p>
      ))}
    </Panel>
  );
};

const ExemptionsPanel = ({ known }: { readonly known: State }): VNode => {
  const { say, word, format } = useText();
  const byEnd = known.exemptions;
  return (
    <Panel title={say('exemptionsInForce')} aside={<a href="/exemptions">{say('all')}</a>}>
      {byEnd.length === 0 ? (
        <Nothing>
          {say('nobodyExempt')} <a href="/exemptions/new">{say('howToAsk')}</a>
        </Nothing>
      ) : (
        <table>
          <thead>
            <tr>
              <th scope="col">{say('paper')}</th>
              <th scope="col">{say('networkGrounds')}</th>
              <th scope="col" class="num wide">
                {say('passed')}
              </th>
              <th scope="col" class="num">
                {say('ends')}
              </th>
            </tr>
          </thead>
          <tbody>
            {byEnd.map((one) => {
              const endsSec = (Date.parse(one.until) - nowMs()) / 1000;
              return (
                <tr key={one.id}>
                  <th scope="row" class="nowrap">
                    <a href={`/exemptions/${inPath(one.id)}`}>{one.id}</a>
                  </th>
                  <td>
                    {[...one.groups, ...one.clients].join(', ')}, {word('grounds', one.grounds)}
                    <span class="folded small faint">
                      {`${say('passed')}${format.colon}${format.number(one.hitsToday)}`}
                    </span>
                  </td>
                  <td class="num wide">{format.number(one.hitsToday)}</td>
                  <td class="num">
                    <span class={endsSec < END_NEAR_SEC ? 'tag warn' : undefined}>
                      {format.ago(-endsSec)}
                    </span>
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      )}
    </Panel>
  );
};

export const LIST_MARKS: Readonly<Record<string, Mark>> = {
  'in-force': 'ok',
  held: 'held',
  stale: 'warn',
  missing: 'bad',
  suspended: 'bad',
};

const ListsPanel = ({ known }: { readonly known: State }): VNode => {
  const { say, word, format } = useText();
  return (
    <Panel
      title={say('listsInForce')}
      aside={<a href="/lists">{say('allLists', { count: known.lists.length })}</a>}
    >
      <table>
        <thead>
          <tr>
            <th scope="col">{say('list')}</th>
            <th scope="col" class="num">
              {say('rules')}
            </th>
            <th scope="col">{say('reached')}</th>
            <th scope="col" class="wide">
              {say('restsOn')}
            </th>
          </tr>
        </thead>
        <tbody>
          {known.lists.map((list) => (
            <tr key={list.id}>
              <th scope="row">
                <StateMark mark={LIST_MARKS[list.state] ?? 'none'} />{' '}
                <a href={`/lists/${inPath(list.id)}`}>{list.id}</a>{' '}
                <span class={list.state === 'in-force' ? 'unseen' : 'tag warn'}>
                  {word('list', list.state)}
                </span>
              </th>
              <td class="num">{list.rules === null ? '–' : format.number(list.rules)}</td>
              <td>
                {list.reachedTime === null
                  ? say('withProgram')
                  : format.ago((nowMs() - Date.parse(list.reachedTime)) / 1000)}
              </td>
              <td class="wide">{list.restsOn ?? (list.mandate === true ? '–' : say('noMandate'))}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
};

const ChangesPanel = ({ known }: { readonly known: State }): VNode => {
  const speech = useText();
  const { say, format } = speech;
  return (
    <Panel
      title={say('changesTitle')}
      aside={may('searchRecords') && <a href="/proof?tab=changes">{say('allChanges')}</a>}
    >
      {known.changes.length === 0 ? (
        <Nothing>{say('changesNone')}</Nothing>
      ) : (
        <table>
          <thead>
            <tr>
              <th scope="col">{say('when')}</th>
              <th scope="col">{say('what')}</th>
              <th scope="col" class="wide">
                {say('by')}
              </th>
            </tr>
          </thead>
          <tbody>
            {known.changes.slice(0, CHANGES_MAX).map((change) => {
              const { what, subject } = toldOf(speech, { kind: change.kind, ...change.told });
              const by = personIn(speech, change.by);
              return (
                <tr key={change.time + change.kind + change.text}>
                  <td class="nowrap">{format.ago((nowMs() - Date.parse(change.time)) / 1000)}</td>
                  <td>
                    {what}
                    {subject !== '' && `${format.colon}${subject}`}
                    <span class="folded small faint">{by}</span>
                  </td>
                  <td class="wide soft">{by}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      )}
    </Panel>
  );
};

/** Says that the page lives, and lets the reader stop it. */
export const LiveLine = (): VNode => {
  const { say, format } = useText();
  const known = useStore(state);
  const still = useStore(isStill);
  return (
    <p class="row">
      <span class={still ? 'live still' : 'live'}>
        {still ? say('heldStill') : say('liveAsOf', { clock: format.clock(known?.time ?? '') })}
      </span>
      <button type="button" class="plain" aria-pressed={still} onClick={() => holdStill(!still)}>
        {say('holdStill')}
      </button>
    </p>
  );
};

export const Overview = (): VNode => {
  const { say } = useText();
  const known = useStore(state);
  useTicks(1_000);
  if (known === undefined)
    return (
      <>
        <Head title={say('placeOverview')} />
        <p class="faint" aria-busy="true">
          {say('loading')}
        </p>
      </>
    );
  return (
    <>
      <HeadlinePanel />
      <FirstSteps />
      <NeedsPanel needs={known.todo} counts={known.counts.todo} headline={known.headline.state} />
      <TodayPanel known={known} />
      <div class="columns">
        <div class="stack">
          <NetworksPanel known={known} />
          <MandatesPanel mandates={known.mandates} networks={known.counts.networks} />
          <ListsPanel known={known} />
          <ChangesPanel known={known} />
        </div>
        <div class="stack">
          <HoursPanel today={known.today} />
          <SignsPanel today={known.today} />
          <ExemptionsPanel known={known} />
        </div>
      </div>
      <LiveLine />
    </>
  );
};
