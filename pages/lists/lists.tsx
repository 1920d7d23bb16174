// Lists: held ones first, then all, one line each, mandates on top.
import type { VNode } from 'preact';
import type { Coverage, FeedStatus, ListStatus, State } from '../api/shapes.ts';
import { LIST_MARKS } from '../overview/overview.tsx';
import { heldText } from '../parts/held-text.ts';
import { StateMark } from '../parts/marks.tsx';
import { Head, Loaded, Nothing, Panel, ShownOf } from '../parts/panel.tsx';
import { nowMs, state } from '../parts/room.ts';
import { inPath } from '../parts/router.ts';
import { useText } from '../parts/say.tsx';
import { ServiceText } from '../parts/service-text.tsx';
import { useStore } from '../parts/store.ts';
import { useData, useTicks } from '../parts/use-data.ts';

/** How a list stands, as the overview tells it; `missing` until it tells of it. */
export const standingOf = (id: string, known: State | undefined): string =>
  known?.lists.find((one) => one.id === id)?.state ?? 'missing';

const byMandate = (a: ListStatus, b: ListStatus): number =>
  Number(b.mandate === true) - Number(a.mandate === true);

const HeldPanel = ({ held }: { readonly held: readonly ListStatus[] }): VNode => {
  const speech = useText();
  const { say, format } = speech;
  return (
    <Panel title={say('heldTitle')} beside={say('heldBeside')}>
      {held.length === 0 ? (
        <Nothing>{say('heldNone')}</Nothing>
      ) : (
        <ul class="needs">
          {held.map((list) => (
            <li key={list.id}>
              <StateMark mark="held" />
              <span>
                <b>{list.id}</b>{' '}
                {say('heldCounts', { held: list.held?.entries ?? 0, inForce: list.inForce?.entries ?? 0 })}{' '}
                <span class="soft">
                  {list.held?.reasons.map((reason) => heldText(speech, reason)).join(' ')}
                </span>
              </span>
              <time dateTime={list.held?.since}>
                {say('waiting', {
                  length: format.length((nowMs() - Date.parse(list.held?.since ?? '')) / 1000),
                })}
              </time>
              <a class="button" href={`/lists/${inPath(list.id)}`}>
                {say('review')}
                <span class="unseen"> {list.id}</span>
              </a>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
};

const AllPanel = ({ lists }: { readonly lists: readonly ListStatus[] }): VNode => {
  const { say, word, format } = useText();
  const known = useStore(state);
  return (
    <Panel title={say('allListsTitle')} beside={say('allListsBeside')}>
      <table>
        <thead>
          <tr>
            <th scope="col">{say('list')}</th>
            <th scope="col">{say('state')}</th>
            <th scope="col" class="num">
              {say('rules')}
            </th>
            <th scope="col" class="wide">
              {say('source')}
            </th>
            <th scope="col" class="wide">
              {say('reached')}
            </th>
            <th scope="col" class="num wide">
              {say('refusedToday')}
            </th>
            <th scope="col" class="wide">
              {say('restsOn')}
            </th>
          </tr>
        </thead>
        <tbody>
          {lists.map((list) => {
            const standing = standingOf(list.id, known);
            const today = known?.today.byList.find((one) => one.list === list.id);
            const decision = known?.lists.find((one) => one.id === list.id)?.restsOn;
            return (
              <tr key={list.id}>
                <th scope="row">
                  <a href={`/lists/${inPath(list.id)}`}>{list.id}</a>
                </th>
                <td>
                  <StateMark mark={LIST_MARKS[standing] ?? 'none'} /> {word('list', standing)}
                  {list.mandate !== true && <span class="soft">, {say('noMandate')}</span>}
                </td>
                <td class="num">{list.inForce === null ? '–' : format.number(list.inForce.entries)}</td>
                <td class="wide">{list.kind === 'shipped' ? say('withProgram') : list.source}</td>
                <td class="wide">
                  {list.kept?.checkedAt == null
                    ? '–'
                    : format.ago((nowMs() - Date.parse(list.kept.checkedAt)) / 1000)}
                </td>
                <td class="num wide">{today === undefined ? '0' : format.number(today.total)}</td>
                <td class="wide">{decision ?? '–'}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </Panel>
  );
};

interface Candidate {
  readonly name: string;
  readonly count: number;
  readonly lastSeen: string;
  readonly list: string;
  readonly trigger: string;
}

const CANDIDATES_MAX = 30;

const CandidatesPanel = (): VNode => {
  const { say, format } = useText();
  const candidates = useData<readonly Candidate[]>('/v1/candidates');
  return (
    <Panel title={say('candidatesTitle')} beside={say('candidatesBeside')}>
      <Loaded data={candidates}>
        {(found) =>
          found.length === 0 ? (
            <Nothing>{say('candidatesNone')}</Nothing>
          ) : (
            <>
              <table>
                <thead>
                  <tr>
                    <th scope="col">{say('name')}</th>
                    <th scope="col" class="wide">
                      {say('candidateLeads')}
                    </th>
                    <th scope="col" class="num">
                      {say('times')}
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {found.slice(0, CANDIDATES_MAX).map((one) => (
                    <tr key={one.name}>
                      <th scope="row" class="code">
                        {one.name}
                      </th>
                      <td class="wide">
                        <code>{one.trigger}</code> ({one.list})
                      </td>
                      <td class="num">{format.number(one.count)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
              <ShownOf count={CANDIDATES_MAX} of={found.length} />
            </>
          )
        }
      </Loaded>
    </Panel>
  );
};

/** Which mark stands before a feed, by its state. */
const FEED_MARKS = {
  current: 'in-force',
  unknown: 'none',
  unreached: 'stale',
  expired: 'stale',
  backwards: 'missing',
  unproven: 'missing',
} as const;

/** How old the shipped lists are that nothing newer is looked for of. */
const newestOf = (lists: readonly ListStatus[]): string =>
  lists
    .flatMap(({ kind, inForce }) => (kind === 'shipped' ? (inForce?.reviewed?.newest ?? []) : []))
    .toSorted()
    .at(-1) ?? '–';

const FeedsPanel = ({ lists }: { readonly lists: readonly ListStatus[] }): VNode => {
  const { say, word, format } = useText();
  const feeds = useData<readonly FeedStatus[]>('/v1/feeds', ['lists']);
  const coverage = useData<Coverage>('/v1/coverage', []);
  return (
    <Panel title={say('feedsTitle')} beside={say('feedsBeside')}>
      <Loaded data={feeds}>
        {(all) =>
          all.length === 0 ? (
            <Nothing>
              {say('feedsNone', { day: format.day(newestOf(lists)) })} <code>{FEED_LINE}</code>
            </Nothing>
          ) : (
            <ul class="needs">
              {all.map(({ id, state: standing, reason, checkedAt, behind, release }) => (
                <li key={id}>
                  <StateMark mark={LIST_MARKS[FEED_MARKS[standing]] ?? 'none'} />
                  <span>
                    <b>{id}</b> {word('feed', standing)}{' '}
                    {reason !== null && (
                      <span class="soft">
                        <ServiceText text={reason} />{' '}
                      </span>
                    )}
                    {behind.map((one) => (
                      <span key={one.list} class="soft">
                        {one.list}
                        {format.colon}
                        <ServiceText
                          text={one.reason}
                          sentence={one.reason.startsWith('held: ') ? word('list', 'held') : undefined}
                        />{' '}
                      </span>
                    ))}
                    {release !== null && (
                      <>
                        {' '}
                        {say('feedRelease', { version: release.version, day: format.day(release.date) })}{' '}
                        <a href={release.notes} rel="noreferrer" target="_blank">
                          {release.notes}
                        </a>
                      </>
                    )}
                  </span>
                  <span>
                    {checkedAt === null ? '–' : format.ago((nowMs() - Date.parse(checkedAt)) / 1000)}
                  </span>
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
      <Loaded data={coverage}>
        {({ measured, families, rows }) => {
          const rowOf = (of: Coverage['rows'][number]['of']) => rows.find((row) => row.of === of);
          const own = rowOf('tiktok');
          if (own === undefined) return null;
          // Down: 97.99 % is not 98 %.
          const share = Math.floor((1000 * own.refusedByDefault) / own.names) / 1000;
          return (
            <p class="foot small soft">
              {say('feedsCoverage', {
                ...{ day: format.day(measured), families, share: format.percent(share) },
                ...{ names: format.number(own.names), unanswered: rowOf('three')?.unanswered ?? 0 },
              })}
            </p>
          );
        }}
      </Loaded>
    </Panel>
  );
};

/** What an operator adds to the configuration. */
const FEED_LINE = 'feeds: [{ id: NAME, url: "https://…/", root: "SHA-256" }]';

export const Lists = (): VNode => {
  const { say } = useText();
  useTicks(10_000);
  const lists = useData<readonly ListStatus[]>('/v1/lists', ['lists']);
  return (
    <>
      <Head title={say('placeLists')} />
      <Loaded data={lists}>
        {(all) => (
          <>
            <HeldPanel held={all.filter(({ held }) => held !== null)} />
            <AllPanel lists={all.toSorted(byMandate)} />
            <FeedsPanel lists={all} />
          </>
        )}
      </Loaded>
      <CandidatesPanel />
    </>
  );
};
