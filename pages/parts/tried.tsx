// What a change would have made different, for both who decide on it: a draft of the configuration or another content of a list,
// tried on the query log by one of them.
import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { ask } from '../api/client.ts';
import type { ChangeTried } from '../api/shapes.ts';
import { Select } from './form.tsx';
import { FaultNote, Hash, Name } from './panel.tsx';
import { may } from './room.ts';
import { inPath } from './router.ts';
import { useText } from './say.tsx';
import { Raw } from './service-text.tsx';
import { useData, useDoing } from './use-data.ts';

/** While it is tried. */
const POLL_MS = 2_000;

/** What is looked back at: a day, a week, a month. */
const DAYS = [1, 7, 31];
const DAYS_AT_FIRST = '7';

type Impact = NonNullable<ChangeTried['impact']>;

const Told = ({ impact, days }: { readonly impact: Impact; readonly days: number }): VNode => {
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
        {impact.isShort && ` ${say('triedShort', { count: days })}`}
        {!impact.isWhole && ` ${say('triedPart')}`}
        {impact.sample > 1 && ` ${say('triedSample', { count: impact.sample })}`}
      </p>
      {guards.length > 0 && (
        <p class="note bad" role="alert">
          {say('triedGuards', { names: format.list(guards) })}
        </p>
      )}
      <ul>
        {sides.map(([key, { queries, names: distinct, clients, networks }]) => (
          <li key={key}>
            {say(key, {
              count: queries,
              names: distinct,
              clients: clients ?? '–',
              networks: networks ?? '–',
            })}
            {impact.isAtLeast && ` (${say('triedAtLeast')})`}
          </li>
        ))}
        <li>{say('triedNow', { before: impact.refusedBefore, after: impact.refusedAfter })}</li>
        {otherList > 0 && <li>{say('triedOther', { count: otherList })}</li>}
      </ul>
      {sides.some(([, { clients, networks }]) => clients === null || networks === null) && (
        <p class="soft small">{say('triedUnnamed')}</p>
      )}
      {impact.withoutAddress > 0 && (
        <p class="soft small">{say('triedWithout', { count: impact.withoutAddress })}</p>
      )}
      {names.length > 0 && (
        <table>
          <thead>
            <tr>
              <th scope="col" class="num">
                {say('triedRank')}
              </th>
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
            {names.map(({ name, change, queries, clients, list, owner, guard }, index) => (
              <tr key={`${change} ${name}`}>
                <td class="num">{format.number(index + 1)}</td>
                <th scope="row">
                  <Name name={name} />
                  {owner !== null && <span class="small faint told-reason">{owner}</span>}
                </th>
                <td>
                  {word('becomes', change)} <span class="small faint">{list}</span>
                  {guard !== null && <span class="tag warn">{say('triedGuards', { names: guard })}</span>}
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

/** A draft, or a content of a list by its whole hash: what is decided on, and nothing else. */
export type Change = { readonly draft: string } | { readonly list: string; readonly sha256: string };

export const Tried = ({ change }: { readonly change: Change }): VNode | null => {
  const { say, word } = useText();
  const isDraft = 'draft' in change;
  const path = isDraft
    ? `/v1/configuration/drafts/${inPath(change.draft)}/tried`
    : `/v1/lists/${inPath(change.list)}/tried`;
  const mayRead = may(isDraft ? 'readConfigurationTried' : 'readListTried');
  const tried = useData<ChangeTried>(
    mayRead ? `${path}${isDraft ? '' : `?sha256=${change.sha256}`}` : undefined,
    ['configuration', 'lists'],
  );
  const doing = useDoing();
  const [days, setDays] = useState(DAYS_AT_FIRST);
  const [isElsewhere, setElsewhere] = useState(false);
  const { reload, value } = tried;
  const isRunning = value?.state === 'running';
  useEffect(() => {
    if (!isRunning) return;
    const timer = setInterval(reload, POLL_MS);
    return () => clearInterval(timer);
  }, [isRunning, reload]);
  if (value === undefined) return tried.fault === undefined ? null : <FaultNote fault={tried.fault} />;
  const start = (): void =>
    doing.run(async () => {
      const wanted = { days: Number(days), ...(isDraft ? {} : { sha256: change.sha256 }) };
      const { state } = await ask<ChangeTried>(path, wanted);
      setElsewhere(state === 'busy');
      reload();
    });
  const { impact, progress, obstacle } = value;
  return (
    <div class="stack" role="status">
      {impact !== null && (
        <>
          <p class="small faint">
            {say('triedWhat')} <Hash sha256={value.sha256} />
          </p>
          <Told impact={impact} days={value.days ?? 0} />
        </>
      )}
      {isRunning && (
        <p class="faint" aria-busy="true">
          {say('triedRunning')} {progress !== null && <Read progress={progress} />}
        </p>
      )}
      {value.state === 'ended' && <p class="note calm">{say('triedEnded')}</p>}
      {value.state === 'failed' && (
        <div class="note">
          {say('triedFailed')} <Raw text={value.fault ?? ''} />
        </div>
      )}
      {obstacle !== null && <p class="note calm">{word('triedNo', obstacle)}</p>}
      {isElsewhere && <p class="note calm">{say('triedBusy')}</p>}
      <FaultNote fault={doing.fault ?? tried.fault} />
      {may(isDraft ? 'tryConfiguration' : 'tryList') && !isRunning && obstacle === null && (
        <div class="row">
          <Select
            label={say('triedBack')}
            value={days}
            onValue={setDays}
            options={DAYS.map((count) => [String(count), say('triedDays', { count })] as const)}
          />
          <button type="button" disabled={doing.isBusy} onClick={start}>
            {say('triedDo')}
          </button>
        </div>
      )}
    </div>
  );
};

/** How far it is. */
const Read = ({ progress }: { readonly progress: NonNullable<ChangeTried['progress']> }): VNode => {
  const { say, format } = useText();
  const { queries, until } = progress;
  return <>{say('triedUntil', { count: queries, time: until === null ? '–' : format.time(until) })}</>;
};
