// Who is signed in now, and signing somebody out.

import type { VNode } from 'preact';
import { act } from '../api/client.ts';
import type { OpenSession } from '../api/shapes.ts';
import { FaultNote, Loaded, Nothing, Panel } from '../parts/panel.tsx';
import { may } from '../parts/room.ts';
import { inPath } from '../parts/router.ts';
import { useText } from '../parts/say.tsx';
import { useData, useDoing } from '../parts/use-data.ts';

export const SessionsPanel = (): VNode => {
  const { say, word, format } = useText();
  const sessions = useData<readonly OpenSession[]>('/v1/sessions', ['people']);
  const doing = useDoing();
  return (
    <Panel title={say('sessions')}>
      <FaultNote fault={doing.fault} />
      <Loaded data={sessions}>
        {(all) =>
          all.length === 0 ? (
            <Nothing>–</Nothing>
          ) : (
            <table>
              <thead>
                <tr>
                  <th scope="col">{say('name')}</th>
                  <th scope="col" class="wide">
                    {say('signsInBy')}
                  </th>
                  <th scope="col">{say('fromWhere')}</th>
                  <th scope="col" class="wide">
                    {say('since')}
                  </th>
                  <th scope="col">
                    <span class="unseen">{say('endSession')}</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {all.map((one) => (
                  <tr key={one.id}>
                    <th scope="row">{one.name}</th>
                    <td class="wide">{word('method', one.method)}</td>
                    <td class="code">{one.from}</td>
                    <td class="wide">{format.time(one.startedAt)}</td>
                    <td>
                      {one.isOwn ? (
                        say('thisOne')
                      ) : may('endOtherSession') ? (
                        <button
                          type="button"
                          disabled={doing.isBusy}
                          onClick={() =>
                            doing.run(async () => {
                              await act(`/v1/sessions/${inPath(one.id)}/end`, { reason: say('endSession') });
                              sessions.reload();
                            })
                          }
                        >
                          {say('endSession')}
                          <span class="unseen"> {one.name}</span>
                        </button>
                      ) : null}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          )
        }
      </Loaded>
    </Panel>
  );
};
