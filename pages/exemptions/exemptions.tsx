// Exemptions: waiting for a decision, in force by their end, and those that ended.
import type { VNode } from 'preact';
import type { Exemption } from '../api/shapes.ts';
import { Head, Loaded, Name, Nothing, Panel } from '../parts/panel.tsx';
import { may, nowMs } from '../parts/room.ts';
import { inPath } from '../parts/router.ts';
import { useText } from '../parts/say.tsx';
import { useData, useTicks } from '../parts/use-data.ts';

/** Ended ones that are shown; the report of a period has all. */
const ENDED_MAX = 50;
const END_NEAR_SEC = 7 * 86_400;

/** Who is exempt, shortly. */
export const whoOf = ({ groups, clients, devices = [] }: Exemption): string =>
  [...groups, ...clients, ...devices].join(', ');

const Rows = ({
  papers,
  isEnded,
}: {
  readonly papers: readonly Exemption[];
  readonly isEnded: boolean;
}): VNode => {
  const { say, word, format } = useText();
  return (
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
                {!isEnded && paper.state === 'approved' && <span class="small soft"> {say('notBegun')}</span>}
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
};

export const Exemptions = (): VNode => {
  const { say } = useText();
  useTicks(10_000);
  const papers = useData<readonly Exemption[]>('/v1/exemptions', ['exemptions']);
  const byEnd = (all: readonly Exemption[], ...states: Exemption['state'][]): readonly Exemption[] =>
    all
      .filter(({ state }) => states.includes(state))
      .toSorted((a, b) => Date.parse(a.until) - Date.parse(b.until));
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
        {(all) => {
          const waiting = byEnd(all, 'requested');
          const standing = byEnd(all, 'approved', 'active');
          const ended = all
            .filter(({ state }) => ['rejected', 'expired', 'revoked'].includes(state))
            .toSorted((a, b) => Date.parse(b.endedAt ?? b.until) - Date.parse(a.endedAt ?? a.until));
          return (
            <>
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
                  <Rows papers={ended.slice(0, ENDED_MAX)} isEnded />
                )}
              </Panel>
            </>
          );
        }}
      </Loaded>
    </>
  );
};
