// What a draft would have made different yesterday, for both who decide on it: tried on the query log by one of them.
import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { ask } from '../api/client.ts';
import type { DraftTried } from '../api/shapes.ts';
import { FaultNote, Name } from '../parts/panel.tsx';
import { may } from '../parts/room.ts';
import { inPath } from '../parts/router.ts';
import { useText } from '../parts/say.tsx';
import { useData, useDoing } from '../parts/use-data.ts';

/** While it is tried. */
const POLL_MS = 2_000;

type Impact = NonNullable<DraftTried['impact']>;

const Told = ({ impact }: { readonly impact: Impact }): VNode => {
  const { say, word, format } = useText();
  const { newlyRefused, newlyPassing, otherList, guards, names, from, to } = impact;
  const sides = [
    ['triedRefused', newlyRefused],
    ['triedPassing', newlyPassing],
  ] as const;
  return (
    <>
      <p class="soft small">
        {from === null || to === null
          ? say('triedNothing')
          : say('triedOf', { count: impact.queries, from: format.time(from), to: format.time(to) })}
        {!impact.isWhole && ` ${say('triedPart')}`}
      </p>
      {guards.length > 0 && (
        <p class="note bad" role="alert">
          {say('triedGuards', { names: format.list(guards) })}
        </p>
      )}
      <ul>
        {sides.map(([key, { queries, names: distinct, clients, networks }]) => (
          <li key={key}>
            {say(key, { count: queries, names: distinct, clients, networks })}
            {impact.isAtLeast && ` (${say('triedAtLeast')})`}
          </li>
        ))}
        {otherList > 0 && <li>{say('triedOther', { count: otherList })}</li>}
      </ul>
      {names.length > 0 && (
        <table>
          <thead>
            <tr>
              <th scope="col">{say('name')}</th>
              <th scope="col">{say('outcome')}</th>
              <th scope="col" class="num">
                {say('placeQueries')}
              </th>
              <th scope="col" class="num wide">
                {say('triedClients')}
              </th>
            </tr>
          </thead>
          <tbody>
            {names.map(({ name, change, queries, clients, list, owner }) => (
              <tr key={name}>
                <th scope="row">
                  <Name name={name} />
                  {owner !== null && <span class="small faint told-reason">{owner}</span>}
                </th>
                <td>
                  {word('becomes', change)} <span class="small faint">{list}</span>
                </td>
                <td class="num">{format.number(queries)}</td>
                <td class="num wide">{format.number(clients)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
};

export const Tried = ({ draft }: { readonly draft: string }): VNode | null => {
  const { say } = useText();
  const path = `/v1/configuration/drafts/${inPath(draft)}/tried`;
  const tried = useData<DraftTried>(path);
  const doing = useDoing();
  const [instead, setInstead] = useState('');
  const { reload, value } = tried;
  const isRunning = value?.state === 'running';
  useEffect(() => {
    if (!isRunning) return;
    const timer = setInterval(reload, POLL_MS);
    return () => clearInterval(timer);
  }, [isRunning, reload]);
  if (value === undefined) return null;
  const start = (): void =>
    doing.run(async () => {
      const { state } = await ask<DraftTried>(path);
      if (state === 'no-log' || state === 'busy') {
        setInstead(say(state === 'busy' ? 'triedBusy' : 'triedNoLog'));
        return;
      }
      setInstead('');
      reload();
    });
  return (
    <div class="stack" role="status">
      {value.impact !== null && <Told impact={value.impact} />}
      {isRunning && <p class="faint">{say('triedRunning')}</p>}
      {value.state === 'failed' && (
        <p class="note">
          {say('triedFailed')} <span lang="en">{value.fault}</span>
        </p>
      )}
      {instead !== '' && <p class="note calm">{instead}</p>}
      <FaultNote fault={doing.fault} />
      {may('tryConfiguration') && !isRunning && (
        <p>
          <button type="button" disabled={doing.isBusy} onClick={start}>
            {say('triedDo')}
          </button>
        </p>
      )}
    </div>
  );
};
