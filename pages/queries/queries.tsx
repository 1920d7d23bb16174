// The query log: looked for with a reason, which is on the record with what was looked for, and followed while queries come. What is
// looked for stands in the address; nothing is asked before somebody says why.
import type { VNode } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { act, ask, type Fault, faultOf, get } from '../api/client.ts';
import { signedInOf } from '../api/members.ts';
import type { LoggedQuery, NewQueries, QueriesFound, QueryLogState } from '../api/shapes.ts';
import { Form, Select, TextField } from '../parts/form.tsx';
import { setInAddress } from '../parts/in-address.ts';
import { draftName, keep, readKept } from '../parts/kept.ts';
import { useNetworks } from '../parts/networks.ts';
import { FaultNote, Head, Loaded, Nothing, Panel } from '../parts/panel.tsx';
import { ReasonForm } from '../parts/reason-form.tsx';
import { holdStill, isStill, may, session, state, toast } from '../parts/room.ts';
import { place } from '../parts/router.ts';
import { useText } from '../parts/say.tsx';
import { useStore } from '../parts/store.ts';
import { useData, useDoing, useTicks } from '../parts/use-data.ts';
import { QueriesTable } from './table.tsx';
import { FIELDS, hasMore, SOURCES, toBody, type Wanted, wantedIn, withNew } from './wanted.ts';

const PAGE_ROWS = 50;
/** Rows that are kept on the page while new ones come. */
const ROWS_MAX = 500;
const FOLLOW_MS = 2_000;
/** Between two looks at what the log counts. */
const COUNT_MS = 10_000;
const DAY_SEC = 86_400;

/** What is shown: pages that were asked for, and what came since. */
interface Shown {
  readonly queries: readonly LoggedQuery[];
  readonly last: QueriesFound;
  /** What was sent, for the next page. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** How following goes. */
interface Followed {
  readonly leftOut: number;
  readonly isWhole: boolean;
  readonly isOver: boolean;
  /** The last look failed. */
  readonly fault: Fault | undefined;
}

const NOTHING_FOLLOWED: Followed = { leftOut: 0, isWhole: true, isOver: false, fault: undefined };

/** What came since a search, until it is over. */
const useFollowed = (
  shown: Shown | undefined,
  onNew: (queries: readonly LoggedQuery[]) => void,
): Followed & { readonly isOn: boolean } => {
  const search = shown?.last.search ?? null;
  const [told, setTold] = useState(NOTHING_FOLLOWED);
  const take = useRef(onNew);
  take.current = onNew;
  // biome-ignore lint/correctness/useExhaustiveDependencies: another search begins anew; the place moves with each look
  useEffect(() => {
    setTold(NOTHING_FOLLOWED);
    if (search === null || shown === undefined) return;
    let after = shown.last.newest;
    let isBusy = false;
    const look = async (): Promise<void> => {
      if (isBusy || isStill.value || document.visibilityState !== 'visible') return;
      isBusy = true;
      try {
        const found = await get<NewQueries>(`/v1/queries/${search}/new?after=${after}`);
        after = found.newest;
        take.current(found.queries);
        setTold((before) => ({
          ...before,
          leftOut: before.leftOut + found.leftOut,
          isWhole: before.isWhole && found.isWhole,
          fault: undefined,
        }));
      } catch (error) {
        const fault = faultOf(error);
        const isOver = fault.status === 404;
        if (isOver) clearInterval(timer);
        // Tried again, and until then said: rows that stand still are not the newest.
        setTold((before) => ({ ...before, isOver, fault: isOver ? undefined : fault }));
      } finally {
        isBusy = false;
      }
    };
    const timer = setInterval(() => void look(), FOLLOW_MS);
    return () => clearInterval(timer);
  }, [search]);
  return { isOn: search !== null && !told.isOver && told.fault === undefined, ...told };
};

const Filters = ({
  wanted,
  set,
  label,
}: {
  readonly wanted: Wanted;
  readonly set: (part: Partial<Wanted>) => void;
  readonly label: string;
}): VNode => {
  const { say, word } = useText();
  const known = useStore(state);
  const networks = useNetworks() ?? [];
  const all = ['', say('all')] as const;
  const field = (name: keyof Wanted) => ({
    value: wanted[name],
    onValue: (value: string) => set({ [name]: value }),
  });
  return (
    <>
      <div class="filters">
        <TextField label={say('name')} {...field('name')} autocomplete="off" spellcheck={false} />
        <Select
          label={say('queriesMatch')}
          {...field('below')}
          options={[
            ['', say('queriesPart')],
            ['1', say('queriesBelow')],
          ]}
        />
        <Select
          label={say('outcome')}
          {...field('verdict')}
          options={[all, ['passed', say('queriesPassed')], ['refused', say('refused')]]}
        />
        <TextField
          label={say('reference')}
          {...field('reference')}
          onValue={(value) => set({ reference: value.toUpperCase() })}
          placeholder="7Q4K-M2"
          autocomplete="off"
          spellcheck={false}
        />
      </div>
      <details open={hasMore(wanted)}>
        <summary class="soft">{label}</summary>
        <div class="filters">
          <TextField label={say('queriesType')} {...field('type')} placeholder="AAAA" spellcheck={false} />
          <TextField label="RCODE" {...field('rcode')} placeholder="NXDOMAIN" spellcheck={false} />
          <Select
            label={say('queriesSource')}
            {...field('source')}
            options={[all, ...SOURCES.map((one) => [one, word('source', one)] as const)]}
          />
          <Select
            label={say('network')}
            {...field('group')}
            options={[all, ...networks.map(({ name }) => [name, name] as const)]}
          />
          <Select
            label={say('list')}
            {...field('list')}
            options={[all, ...(known?.lists ?? []).map((one) => [one.id, one.id] as const)]}
          />
          <TextField type="datetime-local" label={`${say('from')} (UTC)`} {...field('from')} />
          <TextField type="datetime-local" label={`${say('to')} (UTC)`} {...field('to')} />
        </div>
      </details>
    </>
  );
};

/** How far back it came, and what is missing. */
export const EndLine = ({ found }: { readonly found: QueriesFound }): VNode => {
  const { say, format } = useText();
  const { end, readBackTo, unread } = found;
  return (
    <>
      <span>
        {readBackTo === null
          ? say('queriesNoLine')
          : end === 'whole'
            ? say('queriesReadAll', { from: format.time(readBackTo) })
            : say('queriesReadBack', { from: format.time(readBackTo) })}
      </span>
      {unread > 0 && <span> {say('queriesUnread', { count: unread })}</span>}
    </>
  );
};

const Found = ({
  shown,
  onShown,
}: {
  readonly shown: Shown;
  readonly onShown: (shown: Shown) => void;
}): VNode => {
  const { say } = useText();
  const doing = useDoing();
  const still = useStore(isStill);
  const followed = useFollowed(shown, (newer) =>
    onShown({ ...shown, queries: withNew(shown.queries, newer, ROWS_MAX) }),
  );
  const { before } = shown.last;
  const older = (): void =>
    doing.run(async () => {
      const last = await ask<QueriesFound>('/v1/queries/search', { ...shown.body, follow: false, before });
      onShown({
        ...shown,
        queries: [...shown.queries, ...last.queries].slice(-ROWS_MAX),
        // What is followed goes on.
        last: { ...last, search: shown.last.search, newest: shown.last.newest },
      });
    });
  return (
    <Panel
      title={say('queriesFound')}
      beside={say('newestFirst')}
      aside={
        followed.isOn && (
          <span class="row">
            <span class={still ? 'live still' : 'live'}>{still ? say('heldStill') : say('live')}</span>
            <button type="button" aria-pressed={still} onClick={() => holdStill(!still)}>
              {say('holdStill')}
            </button>
          </span>
        )
      }
    >
      <FaultNote fault={followed.fault} />
      {(followed.leftOut > 0 || !followed.isWhole || followed.isOver) && (
        <p class="body note calm" role="status">
          {[
            followed.leftOut > 0 ? say('queriesLeftOut', { count: followed.leftOut }) : '',
            followed.isWhole ? '' : say('queriesTooMany'),
            followed.isOver ? say('queriesOver') : '',
          ].join(' ')}
        </p>
      )}
      {shown.queries.length === 0 ? (
        <Nothing>{say('queriesNone')}</Nothing>
      ) : (
        <QueriesTable queries={shown.queries} />
      )}
      <div class="foot row">
        <span class="small soft" role="status">
          <EndLine found={shown.last} />
        </span>
        {before !== null && (
          <button type="button" disabled={doing.isBusy} onClick={older}>
            {say('queriesOlder')}
          </button>
        )}
        <FaultNote fault={doing.fault} />
      </div>
    </Panel>
  );
};

/** Queries of an address or a device, for who may ask for it with a second person. */
const OfClient = ({ wanted }: { readonly wanted: Wanted }): VNode | null => {
  const { say } = useText();
  const [kind, setKind] = useState('address');
  const [whom, setWhom] = useState('');
  const [found, setFound] = useState<QueriesFound | undefined>(undefined);
  if (!may('searchQueriesOf')) return null;
  const send = async (reason: string): Promise<void> => {
    const { reference: _, ...filter } = toBody(wanted, reason);
    const body = { ...filter, [kind]: whom.trim(), limit: PAGE_ROWS };
    const outcome = await act<QueriesFound>('/v1/queries/search-client', body);
    if ('done' in outcome) setFound(outcome.done);
    else toast.set({ text: say('toastPending'), isBad: false });
  };
  return (
    <Panel title={say('queriesOf')} beside={say('reidentifyBeside')}>
      <div class="body">
        <ReasonForm
          send={send}
          hint={say('reidentifyHint')}
          does={whom.trim() === '' ? undefined : say('queriesOfDo')}
          tone="stern"
        >
          <Select
            label={say('queriesOfKind')}
            value={kind}
            onValue={setKind}
            options={[
              ['address', say('queriesAddress')],
              ['device', say('queriesDevice')],
            ]}
          />
          <TextField
            label={say('queriesOfWhom')}
            hint={say('queriesOfHint')}
            value={whom}
            onValue={setWhom}
            autocomplete="off"
            spellcheck={false}
          />
        </ReasonForm>
      </div>
      {found !== undefined && (
        <>
          <QueriesTable queries={found.queries} />
          <p class="foot small soft">
            <EndLine found={found} />
          </p>
        </>
      )}
    </Panel>
  );
};

const Search = ({ log }: { readonly log: QueryLogState }): VNode => {
  const { say, word, format } = useText();
  const account = signedInOf(useStore(session))?.person.account ?? '';
  const draft = draftName('queries', account);
  const [wanted, setWanted] = useState<Wanted>(() => wantedIn(place.value.query));
  const [reason, setReason] = useState(() => readKept(draft) ?? '');
  const [follows, setFollows] = useState(() => place.value.query.get('follow') === '1');
  const [wrong, setWrong] = useState<string | undefined>(undefined);
  const [shown, setShown] = useState<Shown | undefined>(undefined);
  const doing = useDoing();
  const set = (part: Partial<Wanted>): void => {
    const next = { ...wanted, ...part };
    setWanted(next);
    setInAddress(part);
  };
  const isFiltered = FIELDS.some((field) => wanted[field] !== '');
  const send = (): void => {
    setWrong(reason.trim() === '' ? say('reasonNeeded') : undefined);
    if (reason.trim() === '') return;
    doing.run(async () => {
      const body = { ...toBody(wanted, reason), limit: PAGE_ROWS };
      const last = await ask<QueriesFound>('/v1/queries/search', { ...body, follow: follows });
      setShown({ queries: last.queries, last, body });
    });
  };
  return (
    <>
      <Form className="panel" onSend={send} label={say('filter')}>
        <Filters wanted={wanted} set={set} label={say('queriesMoreFilters')} />
        <div class="body stack">
          <TextField
            label={say('reason')}
            hint={say('queriesReasonHint')}
            value={reason}
            onValue={(text) => {
              setReason(text);
              keep(draft, text === '' ? undefined : text);
            }}
            wrong={wrong}
            maxLength={500}
            required
          />
          <div class="row">
            <button type="submit" class="first" disabled={doing.isBusy}>
              {say('searchDo')}
            </button>
            <label class="choice">
              <input
                type="checkbox"
                checked={follows}
                onChange={(event) => {
                  setFollows(event.currentTarget.checked);
                  setInAddress({ follow: event.currentTarget.checked ? '1' : '' });
                }}
              />
              <span>{say('queriesFollow')}</span>
            </label>
            {isFiltered && (
              <button
                type="button"
                onClick={() => set(Object.fromEntries(FIELDS.map((field) => [field, ''])))}
              >
                {say('clearFilter')}
              </button>
            )}
          </div>
          <FaultNote fault={doing.fault} />
          <p class="small soft">
            {say('queriesKept', {
              identity: word('logIdentity', log.identity),
              days: format.number(Math.round((10 * log.searchableSec) / DAY_SEC) / 10),
            })}
            {` ${say('queriesCounts', { count: log.written })}`}
            {log.lost > 0 && ` ${say('queriesLost', { count: log.lost })}`}
            {log.sample > 1 && ` ${say('queriesSample', { count: log.sample })}`}
          </p>
        </div>
      </Form>
      {shown !== undefined && <Found key={shown.last.search ?? ''} shown={shown} onShown={setShown} />}
      <OfClient wanted={wanted} />
    </>
  );
};

const OUTPUTS = '  outputs:\n    - { to: "file:/var/log/cordon/queries.jsonl" }\n';
const OFF_TEXTS = { off: 'queriesOffText', receivers: 'queriesReceivers', closed: 'queriesClosed' } as const;

/** What stands there where nothing can be searched, and what to do. */
const Off = ({ log }: { readonly log: QueryLogState }): VNode => {
  const { say } = useText();
  return (
    <Panel title={say(log.state === 'off' ? 'queriesOff' : 'queriesUnrecorded')}>
      <div class="body stack">
        {log.state === 'files' ? (
          <p>{say('queriesUnrecordedText')}</p>
        ) : (
          <>
            <p>{say(OFF_TEXTS[log.state])}</p>
            <pre class="code">{`query-log:\n  search: true\n${log.state === 'closed' ? '' : OUTPUTS}`}</pre>
            <p class="soft">{say('queriesOffPeople')}</p>
            {may('readConfiguration') && (
              <p>
                <a href="/settings?tab=configuration">{say('queriesToConfiguration')}</a>
              </p>
            )}
          </>
        )}
      </div>
    </Panel>
  );
};

export const Queries = (): VNode => {
  const { say } = useText();
  const log = useData<QueryLogState>('/v1/queries', ['configuration']);
  const { reload } = log;
  const turn = useTicks(COUNT_MS);
  useEffect(() => {
    if (turn > 0) reload();
  }, [turn, reload]);
  return (
    <>
      <Head title={say('placeQueries')} />
      <Loaded data={log}>
        {(found) =>
          found.state === 'files' && found.isRecorded ? <Search log={found} /> : <Off log={found} />
        }
      </Loaded>
    </>
  );
};
