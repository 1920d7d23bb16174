// The records on disk: searched a page at a time, newest first; whether the chain is whole; and who is behind a pseudonym.
import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { act, type Fault, faultOf, get } from '../api/client.ts';
import type { RecordsChecked } from '../api/shapes.ts';
import { Form, Select, TextField } from '../parts/form.tsx';
import { FaultNote, Name, Nothing, Panel } from '../parts/panel.tsx';
import { may, state } from '../parts/room.ts';
import { place } from '../parts/router.ts';
import { useText } from '../parts/say.tsx';
import { Raw } from '../parts/service-text.tsx';
import type { Speech } from '../parts/speech.ts';
import { useStore } from '../parts/store.ts';
import { toldOf } from '../parts/told.ts';
import { useData, useDoing } from '../parts/use-data.ts';
import { Reidentify } from './reidentify.tsx';

const PAGE_ROWS = 50;
const CLASSES = ['', 'queries', 'changes'];

interface Row {
  readonly class: string;
  readonly sequence: number;
  readonly record: Readonly<Record<string, unknown>>;
}

interface Page {
  readonly records: readonly Row[];
  readonly before: string | null;
}

interface Asked {
  readonly class: string;
  readonly kind: string;
  readonly list: string;
  readonly reference: string;
  readonly name: string;
  readonly group: string;
  readonly from: string;
  readonly to: string;
}

/** What a link to records asks for. */
const askedIn = (query: URLSearchParams): Asked => {
  const of = (name: string): string => query.get(name) ?? '';
  return {
    ...{ class: of('class'), kind: of('kind'), list: of('list'), reference: of('reference') },
    ...{ name: of('name'), group: of('group'), from: of('from'), to: of('to') },
  };
};

/** What came of an act, as a tag. */
const OUTCOMES = {
  done: ['outcomeDone', 'tag ok'],
  refused: ['outcomeRefused', 'tag warn'],
  waiting: ['outcomeWaiting', 'tag info'],
} as const;

const RecordRow = ({ row }: { readonly row: Row }): VNode => {
  const speech = useText();
  const { say, word, format } = speech;
  const { record } = row;
  const time = typeof record['time'] === 'string' ? record['time'] : '';
  const { what, subject, outcome, by, reason } = toldOf(speech, record);
  const [said, tag] = outcome === undefined ? [] : OUTCOMES[outcome];
  return (
    <tr>
      <td class="nowrap wide">{time === '' ? '–' : format.time(time)}</td>
      <th scope="row">
        {what}
        {subject !== '' && (
          <>
            {format.colon}
            <Name name={subject} />
          </>
        )}{' '}
        {said !== undefined && <span class={tag}>{say(said)}</span>}
        {reason !== '' && <span class="small soft told-reason">{reason}</span>}
        {time !== '' && <span class="folded small faint">{format.time(time)}</span>}
        <span class="folded small faint">{by ?? 'Cordon'}</span>
        <details class="small">
          <summary class="soft">
            {say('recordWhole', { class: word('class', row.class), number: row.sequence })}
          </summary>
          <pre>{JSON.stringify(record, undefined, 1)}</pre>
        </details>
      </th>
      <td class="wide soft">{by ?? 'Cordon'}</td>
    </tr>
  );
};

const pathOf = (asked: Asked, isChanges: boolean, before: Page['before']): string => {
  const query = new URLSearchParams({ limit: String(PAGE_ROWS) });
  const set = (name: string, value: string): void => {
    if (value.trim() !== '') query.set(name, value.trim());
  };
  set('class', isChanges ? 'changes' : asked.class);
  if (!isChanges) for (const name of ['kind', 'list', 'reference', 'name'] as const) set(name, asked[name]);
  set('group', asked.group);
  set('from', asked.from === '' ? '' : `${asked.from}:00Z`);
  set('to', asked.to === '' ? '' : `${asked.to}:00Z`);
  if (before !== null) query.set('before', before);
  return `/v1/records/search?${query}`;
};

/** While a check runs. */
const CHECK_POLL_MS = 1_500;

/** What a check that somebody asked for found. */
const checkText = ({ say, format }: Speech, { state, time, records }: RecordsChecked): string => {
  const at = format.time(time ?? '');
  if (state === 'running') return say('checkRuns', { time: at });
  if (state === 'whole') return say('checkedNow', { count: records, time: at });
  if (state === 'not-whole') return say('checkedNot', { time: at });
  return say('checkedFault', { time: at });
};

/** Whether the records are whole: as the program saw each closed day, and as somebody has it checked now. */
const ChainLine = (): VNode | null => {
  const speech = useText();
  const { say, format } = speech;
  const records = useStore(state)?.service.records;
  const check = useData<RecordsChecked>('/v1/records/check');
  const doing = useDoing();
  const { reload, value: checked } = check;
  const isRunning = checked?.state === 'running';
  useEffect(() => {
    if (!isRunning) return;
    const timer = setInterval(reload, CHECK_POLL_MS);
    return () => clearInterval(timer);
  }, [isRunning, reload]);
  if (records === undefined) return null;
  if (!records.enabled) return <p class="note bad">{say('recordsOff')}</p>;
  const isBad = records.verified === false || checked?.state === 'not-whole';
  const isChecked = checked !== undefined && checked.state !== 'never';
  return (
    <div class={isBad ? 'note bad' : 'note calm'}>
      {(records.verified !== null || !isChecked) && (
        <p>
          {records.verified === false
            ? say('chainBroken')
            : records.verified === null
              ? `${say('serviceChain')}${format.colon}${say('chainUnchecked')}`
              : say('chainWholeLong', { time: format.time(records.verifiedTime ?? '') })}
        </p>
      )}
      {isChecked && <p role="status">{checkText(speech, checked)}</p>}
      {isChecked && <Raw text={[...checked.findings, checked.fault ?? ''].join(' ').trim()} />}
      <FaultNote fault={doing.fault} />
      {may('checkRecords') && (
        <button
          type="button"
          disabled={doing.isBusy || isRunning}
          onClick={() => doing.run(async () => void (await act('/v1/records/check').then(reload)))}
        >
          {say('checkNow')}
        </button>
      )}
    </div>
  );
};

/** For whoever checks the records elsewhere. */
const KeyLine = (): VNode | null => {
  const { say } = useText();
  const { value } = useData<{ readonly verifier: string }>('/v1/records/key');
  if (value === undefined) return null;
  return (
    <p class="note calm">
      {say('recordsKey')} <code>{value.verifier}</code>
    </p>
  );
};

const Found = ({ isChanges }: { readonly isChanges: boolean }): VNode => {
  const { say, word } = useText();
  const [asked, setAsked] = useState<Asked>(() => askedIn(place.value.query));
  /** What the rows were asked by: older ones are of the same, whatever is written by now. */
  const [sought, setSought] = useState(asked);
  const [rows, setRows] = useState<readonly Row[] | undefined>(undefined);
  const [before, setBefore] = useState<Page['before']>(null);
  const [fault, setFault] = useState<Fault | undefined>(undefined);
  const doing = useDoing();
  const read = async (what: Asked, from: Page['before']): Promise<void> => {
    try {
      const page = await get<Page>(pathOf(what, isChanges, from));
      setSought(what);
      setRows((shown) => (from === null ? page.records : [...(shown ?? []), ...page.records]));
      setBefore(page.before);
      setFault(undefined);
    } catch (error) {
      setFault(faultOf(error));
    }
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: the first page is read when the tab is opened; then when it is asked for
  useEffect(() => void read(asked, null), []);
  const set = (part: Partial<Asked>): void => setAsked({ ...asked, ...part });
  return (
    <Panel title={isChanges ? say('tabChanges') : say('tabRecords')} beside={say('newestFirst')}>
      <Form className="filters" onSend={() => doing.run(() => read(asked, null))} label={say('filter')}>
        {!isChanges && (
          <Select
            label={say('recordClass')}
            value={asked.class}
            onValue={(value) => set({ class: value })}
            options={CLASSES.map((one) => [one, one === '' ? say('all') : word('class', one)])}
          />
        )}
        {!isChanges && (
          <TextField
            label={say('nameHas')}
            value={asked.name}
            onValue={(name) => set({ name })}
            spellcheck={false}
          />
        )}
        {!isChanges && (
          <TextField
            label={say('network')}
            value={asked.group}
            onValue={(group) => set({ group })}
            spellcheck={false}
          />
        )}
        {(asked.list !== '' || asked.reference !== '' || asked.kind !== '') && (
          <p class="row">
            <span class="tag info">
              {[asked.kind === '' ? '' : word('told', asked.kind), asked.list, asked.reference]
                .filter((one) => one !== '')
                .join(', ')}
            </span>
            <button type="button" onClick={() => set({ kind: '', list: '', reference: '' })}>
              {say('clearFilter')}
            </button>
          </p>
        )}
        <TextField
          type="datetime-local"
          label={`${say('from')} (UTC)`}
          value={asked.from}
          onValue={(from) => set({ from })}
        />
        <TextField
          type="datetime-local"
          label={`${say('to')} (UTC)`}
          value={asked.to}
          onValue={(to) => set({ to })}
        />
        <button type="submit" disabled={doing.isBusy}>
          {say('searchDo')}
        </button>
      </Form>
      {fault !== undefined && (
        <div class="body">
          <FaultNote fault={fault} />
        </div>
      )}
      {rows === undefined ? (
        fault === undefined && <p class="body faint">{say('loading')}</p>
      ) : rows.length === 0 ? (
        <Nothing>{say('recordsNothing')}</Nothing>
      ) : (
        <table>
          <thead>
            <tr>
              <th scope="col" class="wide">
                {say('when')}
              </th>
              <th scope="col">{say('what')}</th>
              <th scope="col" class="wide">
                {say('by')}
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <RecordRow key={`${row.class} ${row.sequence}`} row={row} />
            ))}
          </tbody>
        </table>
      )}
      {before !== null && rows !== undefined && (
        <div class="foot">
          <button type="button" disabled={doing.isBusy} onClick={() => doing.run(() => read(sought, before))}>
            {say('older')}
          </button>
        </div>
      )}
    </Panel>
  );
};

export const RecordsTab = ({ isChanges }: { readonly isChanges: boolean }): VNode => {
  const { say } = useText();
  return (
    <>
      <ChainLine />
      {may('searchRecords') ? <Found isChanges={isChanges} /> : <p class="soft">{say('notYours')}</p>}
      {!isChanges && <KeyLine />}
      {!isChanges && <Reidentify />}
    </>
  );
};
