// Refused just now. Rows never move under the reader: newer ones wait behind a button that counts them.
import type { VNode } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { type Fault, faultOf, get } from '../api/client.ts';
import type { Refusal } from '../api/members.ts';
import { Form, Select, TextField } from '../parts/form.tsx';
import { FaultNote, Name, Nothing } from '../parts/panel.tsx';
import { holdStill, isStill, may } from '../parts/room.ts';
import { useText } from '../parts/say.tsx';
import { useStore } from '../parts/store.ts';
import { exactName } from './question.ts';

const POLL_MS = 4_000;
const ROWS_MAX = 100;

export interface Filter {
  readonly group: string;
  readonly name: string;
  readonly reference: string;
}

export const NO_FILTER: Filter = { group: '', name: '', reference: '' };

/** True when rows are left out. */
export const isFiltered = (filter: Filter): boolean =>
  Object.values(filter).some((value: string) => value.trim() !== '');

const keyOf = ({ time, name, type, group, client, list }: Refusal): string =>
  [time, name, type, group, client, list].join(' ');

const pathOf = (filter: Filter): string => {
  const query = new URLSearchParams({ limit: String(ROWS_MAX) });
  for (const [key, value] of Object.entries<string>({ ...filter }))
    if (value.trim() !== '') query.set(key, value.trim());
  return `/v1/refusals?${query}`;
};

interface Rows {
  readonly shown: readonly Refusal[] | undefined;
  readonly newer: readonly Refusal[];
  readonly fault: Fault | undefined;
  readonly showNewer: () => void;
}

/** Reads the rows again and again; what is shown changes in its counts only, until somebody asks for more. */
const useRows = (filter: Filter): Rows => {
  const [shown, setShown] = useState<readonly Refusal[] | undefined>(undefined);
  const [latest, setLatest] = useState<readonly Refusal[]>([]);
  const [fault, setFault] = useState<Fault | undefined>(undefined);
  const path = pathOf(filter);
  useEffect(() => {
    setShown(undefined);
    let isCurrent = true;
    const read = async (): Promise<void> => {
      if (document.visibilityState !== 'visible' || isStill.value) return;
      try {
        const rows = await get<readonly Refusal[]>(path);
        if (!isCurrent) return;
        setLatest(rows);
        setShown((before) => {
          if (before === undefined || before.length === 0) return rows;
          const fresh = new Map(rows.map((row) => [keyOf(row), row]));
          return before.map((row) => fresh.get(keyOf(row)) ?? row);
        });
        setFault(undefined);
      } catch (error) {
        if (isCurrent) setFault(faultOf(error));
      }
    };
    void read();
    const timer = setInterval(() => void read(), POLL_MS);
    return () => {
      isCurrent = false;
      clearInterval(timer);
    };
  }, [path]);
  const newer = useMemo(() => {
    const known = new Set((shown ?? []).map(keyOf));
    return shown === undefined ? [] : latest.filter((row) => !known.has(keyOf(row)));
  }, [shown, latest]);
  return { shown, newer, fault, showNewer: () => setShown(latest) };
};

const RefusalRow = ({
  row,
  onExplain,
}: {
  readonly row: Refusal;
  readonly onExplain: (name: string, group: string) => void;
}): VNode => {
  const { say, word, format } = useText();
  return (
    <tr>
      <td class="clock">{format.clock(row.time)}</td>
      <td class="wide">{row.group}</td>
      <th scope="row">
        <a
          href={`/look-up?name=${encodeURIComponent(exactName(row.name))}&group=${encodeURIComponent(row.group)}`}
          onClick={(event) => {
            event.preventDefault();
            onExplain(row.name, row.group);
          }}
        >
          <Name name={row.name} />
        </a>{' '}
        <span class="faint small">{row.type}</span>
        <span class="folded small faint">
          {row.group}, {row.list === null ? '' : say('byList', { list: row.list })}, {row.client}
        </span>
      </th>
      <td class="wide">{row.list ?? '–'}</td>
      <td class="wide soft">
        {row.exemption !== null
          ? say('passedUnder', { paper: row.exemption })
          : row.signal !== null
            ? word('sign', row.signal)
            : word('kind', row.kind)}
      </td>
      <td class="wide code nowrap">
        {may('readDevice') ? <a href={`/devices/${row.client}`}>{row.client}</a> : row.client}
      </td>
      <td class="num">{format.number(row.count)}</td>
    </tr>
  );
};

export const JustNow = ({
  filter,
  onFilter,
  groups,
  onExplain,
}: {
  readonly filter: Filter;
  readonly onFilter: (filter: Filter) => void;
  readonly groups: readonly string[];
  readonly onExplain: (name: string, group: string) => void;
}): VNode => {
  const { say } = useText();
  const { shown, newer, fault, showNewer } = useRows(filter);
  const still = useStore(isStill);
  return (
    <section class="panel" aria-labelledby="just-now">
      <header>
        <h2 id="just-now">{say('refusedJustNow')}</h2>
        {fault === undefined && (
          <span class={still ? 'live still' : 'live'}>{still ? say('heldStill') : say('live')}</span>
        )}
        <span class="aside row">
          {newer.length > 0 && (
            <button type="button" class="plain" onClick={showNewer}>
              {say('newer', { count: newer.length })}
            </button>
          )}
          <button type="button" aria-pressed={still} onClick={() => holdStill(!still)}>
            {say('holdStill')}
          </button>
        </span>
      </header>
      <Form className="filters" onSend={() => {}} label={say('filter')}>
        <Select
          label={say('network')}
          value={filter.group}
          onValue={(group) => onFilter({ ...filter, group })}
          options={[
            ['', say('allNetworks', { count: groups.length })],
            ...groups.map((one) => [one, one] as const),
          ]}
        />
        <TextField
          label={say('nameHas')}
          value={filter.name}
          onValue={(name) => onFilter({ ...filter, name })}
          autocomplete="off"
          spellcheck={false}
        />
        <TextField
          label={say('reference')}
          value={filter.reference}
          placeholder="7Q4K-M2"
          onValue={(reference) => onFilter({ ...filter, reference: reference.toUpperCase() })}
          autocomplete="off"
          spellcheck={false}
        />
        {isFiltered(filter) && (
          <button type="button" class="plain" onClick={() => onFilter(NO_FILTER)}>
            {say('clearFilter')}
          </button>
        )}
      </Form>
      <FaultNote fault={fault} />
      {shown === undefined ? (
        fault === undefined && (
          <p class="body faint" aria-busy="true">
            {say('loading')}
          </p>
        )
      ) : shown.length === 0 ? (
        <Nothing>{isFiltered(filter) ? say('justNowNoRow') : say('justNowNone')}</Nothing>
      ) : (
        <table>
          <thead>
            <tr>
              <th scope="col">UTC</th>
              <th scope="col" class="wide">
                {say('network')}
              </th>
              <th scope="col">{say('name')}</th>
              <th scope="col" class="wide">
                {say('list')}
              </th>
              <th scope="col" class="wide">
                {say('becauseOf')}
              </th>
              <th scope="col" class="wide">
                {say('client')}
              </th>
              <th scope="col" class="num">
                {say('times')}
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map((row) => (
              <RefusalRow key={keyOf(row)} row={row} onExplain={onExplain} />
            ))}
          </tbody>
        </table>
      )}
      <p class="foot small faint">{say('justNowFoot')}</p>
    </section>
  );
};
