// Exemptions: waiting for a decision, in force by their end, and those that ended.
import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import type { Exemption } from '../api/shapes.ts';
import { Form, Select, TextField } from '../parts/form.tsx';
import { useInAddress } from '../parts/in-address.ts';
import { Head, Loaded, Name, Nothing, Panel } from '../parts/panel.tsx';
import { may, nowMs } from '../parts/room.ts';
import { inPath } from '../parts/router.ts';
import { useText } from '../parts/say.tsx';
import { useData, useTicks } from '../parts/use-data.ts';

/** Rows that are shown at first, and with each step. */
const ROWS_STEP = 50;
const END_NEAR_SEC = 7 * 86_400;

/** Who is exempt, shortly. */
export const whoOf = ({ groups, clients, devices = [] }: Exemption): string =>
  [...groups, ...clients, ...devices].join(', ');

/** What a search looks at: all that a row tells. */
const textOf = (paper: Exemption): string =>
  [paper.id, whoOf(paper), ...(paper.names ?? []), paper.grounds, paper.requestedBy].join(' ').toLowerCase();

const ORDERS = ['end', 'paper', 'who'] as const;
type Order = (typeof ORDERS)[number];

/** By the end as they come: the next one first, or the last that ended. */
const inOrder = (papers: readonly Exemption[], order: Order): readonly Exemption[] => {
  if (order === 'end') return papers;
  const keyOf = order === 'paper' ? ({ id }: Exemption): string => id : whoOf;
  return papers.toSorted((a, b) => keyOf(a).localeCompare(keyOf(b)));
};

/** Of one that ended early, when that was. */
const endOf = ({ endedAt, until }: Exemption): number => Date.parse(endedAt ?? until);

const byTheirEnd = (a: Exemption, b: Exemption): number => endOf(a) - endOf(b);

const Rows = ({
  papers: all,
  isEnded,
}: {
  readonly papers: readonly Exemption[];
  readonly isEnded: boolean;
}): VNode => {
  const { say, word, format } = useText();
  const [rows, setRows] = useState(ROWS_STEP);
  const papers = all.slice(0, rows);
  return (
    <>
      <table>
        <thead>
          <tr>
            <th scope="col">{say('paper')}</th>
            <th scope="col">{say('whoExempt')}</th>
            <th scope="col" class="wide">
              {say('fromWhat')}
            </th>
            <th scope="col" class="wide">
              {say('grounds')}
            </th>
            <th scope="col" class="wide">
              {say('askedBy')}
            </th>
            <th scope="col" class="num">
              {isEnded ? say('ended') : say('ends')}
            </th>
          </tr>
        </thead>
        <tbody>
          {papers.map((paper) => {
            const end = isEnded ? (paper.endedAt ?? paper.until) : paper.until;
            const endsSec = (Date.parse(end) - nowMs()) / 1000;
            return (
              <tr key={paper.id}>
                <th scope="row" class="nowrap">
                  <a href={`/exemptions/${inPath(paper.id)}`}>{paper.id}</a>
                  {isEnded && <span class="small soft"> {word('paper', paper.state)}</span>}
                </th>
                <td>
                  {whoOf(paper)}
                  <span class="folded small faint">
                    {word('grounds', paper.grounds)}, {paper.requestedBy}
                  </span>
                </td>
                <td class="wide">
                  {paper.names === undefined
                    ? say('allNames')
                    : paper.names.slice(0, 2).map((name) => (
                        <span key={name}>
                          <Name name={name} />{' '}
                        </span>
                      ))}
                  {(paper.names?.length ?? 0) > 2 && `+${(paper.names?.length ?? 0) - 2}`}
                </td>
                <td class="wide">{word('grounds', paper.grounds)}</td>
                <td class="wide soft">{paper.requestedBy}</td>
                <td class="num">
                  <span class={!isEnded && endsSec < END_NEAR_SEC ? 'tag warn' : undefined}>
                    {format.ago(-endsSec)}
                  </span>
                  {!isEnded && paper.state === 'approved' && (
                    <span class="small soft"> {say('notBegun')}</span>
                  )}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {all.length > rows && (
        <div class="foot">
          <button type="button" onClick={() => setRows(rows + ROWS_STEP)}>
            {say('moreRows', { count: Math.min(ROWS_STEP, all.length - rows), of: all.length - rows })}
          </button>
        </div>
      )}
    </>
  );
};

export const Exemptions = (): VNode => {
  const { say } = useText();
  useTicks(10_000);
  const papers = useData<readonly Exemption[]>('/v1/exemptions', ['exemptions']);
  const [search, setSearch] = useInAddress('q');
  const [sort, setSort] = useInAddress('sort');
  const order = ORDERS.find((one) => one === sort) ?? 'end';
  const those = (all: readonly Exemption[], ...states: Exemption['state'][]): readonly Exemption[] =>
    all.filter(({ state }) => states.includes(state));
  return (
    <>
      <Head title={say('placeExemptions')}>
        {may('requestExemption') && (
          <a class="button first" href="/exemptions/new">
            {say('askForOne')}
          </a>
        )}
      </Head>
      <Loaded data={papers}>
        {(everything) => {
          const wanted = search.trim().toLowerCase();
          const all = inOrder(
            everything.filter((paper) => textOf(paper).includes(wanted)).toSorted(byTheirEnd),
            order,
          );
          const waiting = those(all, 'requested');
          const standing = those(all, 'approved', 'active');
          const over = those(all, 'rejected', 'expired', 'revoked');
          const ended = order === 'end' ? over.toReversed() : over;
          return (
            <>
              <search>
                <Form className="filters" onSend={() => {}} label={say('filter')}>
                  <TextField
                    type="search"
                    label={say('searchExemptions')}
                    value={search}
                    onValue={setSearch}
                    autocomplete="off"
                    spellcheck={false}
                  />
                  <Select
                    label={say('sortBy')}
                    value={order}
                    onValue={setSort}
                    options={[
                      ['end', say('ends')],
                      ['paper', say('paper')],
                      ['who', say('whoExempt')],
                    ]}
                  />
                </Form>
              </search>
              <Panel title={say('papersWaiting')} beside={say('papersWaitingBeside')}>
                {waiting.length === 0 ? (
                  <Nothing>{say('papersWaitingNone')}</Nothing>
                ) : (
                  <Rows papers={waiting} isEnded={false} />
                )}
              </Panel>
              <Panel title={say('papersInForce')} beside={say('papersInForceBeside')}>
                {standing.length === 0 ? (
                  <Nothing>{say('nobodyExempt')}</Nothing>
                ) : (
                  <Rows papers={standing} isEnded={false} />
                )}
              </Panel>
              <Panel title={say('papersEnded')}>
                {ended.length === 0 ? (
                  <Nothing>{say('papersEndedNone')}</Nothing>
                ) : (
                  <Rows papers={ended} isEnded />
                )}
              </Panel>
            </>
          );
        }}
      </Loaded>
    </>
  );
};
