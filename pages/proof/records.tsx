// The records on disk: searched a page at a time, newest first; whether the chain is whole; and who is behind a pseudonym.
import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { act, Fault, get } from '../api/client.ts';
import { Form, Select, TextArea, TextField } from '../parts/form.tsx';
import { FaultNote, Nothing, Panel } from '../parts/panel.tsx';
import { may, state, toast } from '../parts/room.ts';
import { useText } from '../parts/say.tsx';
import { useStore } from '../parts/store.ts';
import { useData, useDoing } from '../parts/use-data.ts';

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
  readonly name: string;
  readonly group: string;
  readonly from: string;
  readonly to: string;
}

const NOTHING: Asked = { class: '', name: '', group: '', from: '', to: '' };

/** Members that stand in columns of their own. */
const OWN_COLUMNS = new Set(['time', 'kind', 'type', 'v']);

const valueText = (value: unknown): string =>
  typeof value === 'string' ? value : typeof value === 'number' ? String(value) : JSON.stringify(value);

/** Characters of one value that stand in the row. */
const VALUE_LENGTH_MAX = 120;

/** What can be read at a glance: plain values, shortened. */
const textOf = (record: Row['record']): string =>
  Object.entries(record)
    .filter(
      ([key, value]) => !OWN_COLUMNS.has(key) && value !== null && value !== '' && typeof value !== 'object',
    )
    .map(([key, value]) => {
      const text = valueText(value);
      return `${key}: ${text.length > VALUE_LENGTH_MAX ? `${text.slice(0, VALUE_LENGTH_MAX)}…` : text}`;
    })
    .join(', ');

/** True when the row does not have all of it. */
const hasMore = (record: Row['record']): boolean =>
  Object.values(record).some(
    (value) => (typeof value === 'object' && value !== null) || valueText(value).length > VALUE_LENGTH_MAX,
  );

const RecordRow = ({ row }: { readonly row: Row }): VNode => {
  const { say, format } = useText();
  const { record } = row;
  const time = typeof record['time'] === 'string' ? record['time'] : '';
  const kind = record['kind'] ?? record['type'];
  return (
    <tr>
      <td class="nowrap wide">{time === '' ? '–' : format.time(time)}</td>
      <th scope="row" class="word">
        {typeof kind === 'string' ? kind : row.class}
        <span class="small faint">
          <br />
          {row.class} {row.sequence}
        </span>
        {time !== '' && <span class="folded small faint">{format.time(time)}</span>}
      </th>
      <td class="small">
        {textOf(record)}
        {hasMore(record) && (
          <details>
            <summary class="soft">{say('recordWhole')}</summary>
            <pre>{JSON.stringify(record, undefined, 1)}</pre>
          </details>
        )}
      </td>
    </tr>
  );
};

const pathOf = (asked: Asked, isChanges: boolean, before: Page['before']): string => {
  const query = new URLSearchParams({ limit: String(PAGE_ROWS) });
  const set = (name: string, value: string): void => {
    if (value.trim() !== '') query.set(name, value.trim());
  };
  set('class', isChanges ? 'changes' : asked.class);
  set('name', asked.name);
  set('group', asked.group);
  set('from', asked.from === '' ? '' : `${asked.from}:00Z`);
  set('to', asked.to === '' ? '' : `${asked.to}:00Z`);
  if (before !== null) query.set('before', before);
  return `/v1/records/search?${query}`;
};

const ChainLine = (): VNode | null => {
  const { say, format } = useText();
  const records = useStore(state)?.service.records;
  if (records === undefined) return null;
  if (!records.enabled) return <p class="note bad">{say('recordsOff')}</p>;
  return (
    <p class={records.verified === false ? 'note bad' : 'note calm'}>
      {records.verified === false
        ? say('chainBroken')
        : records.verified === null
          ? say('chainUnchecked')
          : say('chainWholeLong', { time: format.time(records.verifiedTime ?? '') })}
    </p>
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

const Reidentify = (): VNode | null => {
  const { say } = useText();
  const [pseudonym, setPseudonym] = useState('');
  const [reason, setReason] = useState('');
  const [address, setAddress] = useState<string | undefined>(undefined);
  const [wrong, setWrong] = useState<string | undefined>(undefined);
  const doing = useDoing();
  if (!may('reidentify')) return null;
  return (
    <Panel title={say('reidentifyTitle')} beside={say('reidentifyBeside')}>
      <div class="body">
        <Form
          onSend={() => {
            if (reason.trim() === '') {
              setWrong(say('reasonNeeded'));
              return;
            }
            doing.run(async () => {
              setAddress(undefined);
              const outcome = await act<{ address: string }>('/v1/records/reidentify', {
                pseudonym: pseudonym.trim(),
                reason: reason.trim(),
              });
              if ('done' in outcome) setAddress(outcome.done.address);
              else toast.set({ text: say('toastPending'), isBad: false });
            });
          }}
        >
          <FaultNote fault={doing.fault} />
          <TextField
            label={say('pseudonym')}
            value={pseudonym}
            onValue={setPseudonym}
            spellcheck={false}
            autocomplete="off"
          />
          <TextArea
            label={say('reason')}
            hint={say('reidentifyHint')}
            value={reason}
            onValue={setReason}
            wrong={wrong}
            rows={2}
          />
          <div class="row">
            <button type="submit" class="stern" disabled={doing.isBusy}>
              {say('reidentifyDo')}
            </button>
          </div>
          {address !== undefined && (
            <p class="quote" role="status">
              <code>{address}</code>
            </p>
          )}
        </Form>
      </div>
    </Panel>
  );
};

export const RecordsTab = ({ isChanges }: { readonly isChanges: boolean }): VNode => {
  const { say } = useText();
  const [asked, setAsked] = useState<Asked>(NOTHING);
  const [rows, setRows] = useState<readonly Row[] | undefined>(undefined);
  const [before, setBefore] = useState<Page['before']>(null);
  const [fault, setFault] = useState<Fault | undefined>(undefined);
  const doing = useDoing();
  const read = async (from: Page['before']): Promise<void> => {
    try {
      const page = await get<Page>(pathOf(asked, isChanges, from));
      setRows((shown) => (from === null ? page.records : [...(shown ?? []), ...page.records]));
      setBefore(page.before);
      setFault(undefined);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      setFault(error);
    }
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: the first page is read when the tab is opened; then when it is asked for
  useEffect(() => void read(null), []);
  const set = (part: Partial<Asked>): void => setAsked({ ...asked, ...part });
  return (
    <>
      <ChainLine />
      <Panel title={isChanges ? say('tabChanges') : say('tabRecords')} beside={say('newestFirst')}>
        <Form className="filters" onSend={() => doing.run(() => read(null))} label={say('filter')}>
          {!isChanges && (
            <Select
              label={say('recordClass')}
              value={asked.class}
              onValue={(value) => set({ class: value })}
              options={CLASSES.map((one) => [one, one === '' ? say('all') : one])}
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
            {fault.status === 403 ? <p class="soft">{say('notYours')}</p> : <FaultNote fault={fault} />}
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
                <th scope="col">{say('recordText')}</th>
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
            <button type="button" disabled={doing.isBusy} onClick={() => doing.run(() => read(before))}>
              {say('older')}
            </button>
          </div>
        )}
      </Panel>
      {!isChanges && <KeyLine />}
      {!isChanges && <Reidentify />}
    </>
  );
};
