// Refusals over a day, a week, a month or a quarter: when, by which list, network or mandate, what was asked for most. Each
// name, network and reference is a filter or leads to the records behind it.
import type { VNode } from 'preact';
import type { RefusalFigures } from '../api/shapes.ts';
import { Counting } from '../parts/counting.tsx';
import { downloadCsv } from '../parts/download.ts';
import { Form, Select } from '../parts/form.tsx';
import { setInAddress, useInAddress } from '../parts/in-address.ts';
import { useNetworks } from '../parts/networks.ts';
import { Head, Loaded, Name, Nothing, Panel } from '../parts/panel.tsx';
import { may, state } from '../parts/room.ts';
import { useText } from '../parts/say.tsx';
import { StepChart } from '../parts/step-chart.tsx';
import { useStore } from '../parts/store.ts';
import { personIn, toldOf } from '../parts/told.ts';
import { useData } from '../parts/use-data.ts';
import { csvOf, GROUPINGS, type Grouping, seriesBy } from './series.ts';

const RANGES = ['1', '7', '30', '91'] as const;
/** Rows of changes below the chart. */
const CHANGES_MAX = 12;

type Row = RefusalFigures['top']['names'][number];

/** The records behind a row. */
const recordsOf = (figures: RefusalFigures, wanted: Readonly<Record<string, string>>): string =>
  `/proof?${new URLSearchParams({
    ...{ tab: 'records', class: 'queries', kind: 'refusal' },
    ...{ from: figures.from.slice(0, 16), to: figures.until.slice(0, 16) },
    ...Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== '')),
  })}`;

const TopPanel = ({
  title,
  rows,
  hrefOf,
}: {
  readonly title: string;
  readonly rows: readonly Row[];
  readonly hrefOf?: (key: string) => string;
}): VNode => {
  const { say, format } = useText();
  return (
    <Panel title={title}>
      {rows.length === 0 ? (
        <Nothing>{say('figuresNone')}</Nothing>
      ) : (
        <table>
          <thead class="unseen">
            <tr>
              <th scope="col">{title}</th>
              <th scope="col">{say('refused')}</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ key, count }) => (
              <tr key={key}>
                <th scope="row">
                  {hrefOf === undefined ? (
                    <Name name={key} />
                  ) : (
                    <a href={hrefOf(key)}>
                      <Name name={key} />
                    </a>
                  )}
                </th>
                <td class="num">{format.number(count)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  );
};

const ChangesPanel = ({ figures }: { readonly figures: RefusalFigures }): VNode => {
  const speech = useText();
  const { say, word, format } = speech;
  const gaps = figures.spans.slice(-CHANGES_MAX).map((span) => ({
    ...{ time: span.from, by: span.by, key: span.state },
    said: (
      <>
        <b>{word('span', span.state)}</b>{' '}
        {format.length((Date.parse(span.to) - Date.parse(span.from)) / 1000)}
        {span.cause !== null && `${format.colon}${word('cause', span.cause)}`}
      </>
    ),
  }));
  const changes = figures.changes.slice(-CHANGES_MAX).map((change) => {
    const { what, subject } = toldOf(speech, { kind: change.kind, ...change.told });
    return {
      ...{ time: change.time, by: change.by, key: change.kind + change.text },
      said: (
        <>
          {what}
          {subject !== '' && `${format.colon}${subject}`}
        </>
      ),
    };
  });
  const marks = [...gaps, ...changes]
    .toReversed()
    .sort((one, other) => Date.parse(other.time) - Date.parse(one.time));
  return (
    <Panel title={say('figuresMarks')} aside={<a href="/proof?tab=changes">{say('allChanges')}</a>}>
      {marks.length === 0 ? (
        <Nothing>{say('figuresMarksNone')}</Nothing>
      ) : (
        <table>
          <thead>
            <tr>
              <th scope="col">{say('when')}</th>
              <th scope="col">{say('what')}</th>
              <th scope="col" class="wide">
                {say('by')}
              </th>
            </tr>
          </thead>
          <tbody>
            {marks.map(({ time, by, key, said }) => (
              <tr key={`${time} ${key}`}>
                <td>{format.time(time)}</td>
                <td>{said}</td>
                <td class="wide soft">{personIn(speech, by)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  );
};

const Figures = ({
  figures,
  grouping,
  group,
  list,
}: {
  readonly figures: RefusalFigures;
  readonly grouping: Grouping;
  readonly group: string;
  readonly list: string;
}): VNode => {
  const { say, format } = useText();
  const lists = useStore(state)?.lists ?? [];
  const mandateOf = (id: string): string => lists.find((one) => one.id === id)?.restsOn ?? say('noMandate');
  const series = seriesBy(figures, grouping, mandateOf, say('figuresRest'));
  const total = series.reduce((sum, { counts }) => sum + counts.reduce((own, count) => own + count, 0), 0);
  const place = (changes: Readonly<Record<string, string>>): string =>
    `/refusals?${new URLSearchParams(
      Object.entries({ ...Object.fromEntries(new URLSearchParams(location.search)), ...changes }).filter(
        ([, value]) => value !== '',
      ),
    )}`;
  const { top } = figures;
  const filter = { group, list };
  const title = say('figuresTitle', {
    ...{ count: total, from: format.time(figures.from), to: format.time(figures.now) },
  });
  return (
    <>
      <Panel
        title={say('figuresCount', { count: total })}
        beside={say('figuresUntil', { from: format.time(figures.from), to: format.time(figures.now) })}
        aside={
          <button
            type="button"
            class="plain"
            disabled={figures.counting !== null}
            onClick={() => downloadCsv(csvOf(figures), `cordon-refusals-${figures.from.slice(0, 10)}.csv`)}
          >
            CSV
          </button>
        }
      >
        {total === 0 ? (
          <Nothing>{say('figuresNone')}</Nothing>
        ) : (
          <div class="body stack">
            <StepChart
              title={title}
              from={figures.from}
              until={figures.until}
              stepSec={figures.stepSec}
              series={series}
              spans={figures.spans}
              marks={figures.changes.map(({ time }) => time)}
            />
            {figures.unnamed > 0 && (
              <p class="small soft">{say('figuresUnnamed', { count: figures.unnamed })}</p>
            )}
          </div>
        )}
      </Panel>
      <div class="columns even">
        <div class="stack">
          <TopPanel
            title={say('topNames')}
            rows={top.names}
            hrefOf={(name) => recordsOf(figures, { ...filter, name })}
          />
          <TopPanel title={say('topTypes')} rows={top.types} />
        </div>
        <div class="stack">
          <TopPanel title={say('networks')} rows={top.networks} hrefOf={(one) => place({ group: one })} />
          <TopPanel
            title={say('topClients')}
            rows={top.clients}
            hrefOf={(reference) => `/devices/${reference}`}
          />
        </div>
      </div>
      <ChangesPanel figures={figures} />
    </>
  );
};

export const Refusals = (): VNode => {
  const { say, word } = useText();
  const known = useStore(state);
  const networks = useNetworks() ?? [];
  const [range] = useInAddress('days');
  const [by] = useInAddress('by');
  const [group] = useInAddress('group');
  const [list] = useInAddress('list');
  const days = RANGES.find((one) => one === range) ?? '1';
  const grouping = GROUPINGS.find((one) => one === by) ?? 'list';
  const query = new URLSearchParams({
    days,
    ...(group !== '' && { group }),
    ...(list !== '' && { list }),
  });
  const figures = useData<RefusalFigures>(`/v1/refusals/figures?${query}`);
  const set = (name: string) => (value: string) => setInAddress({ [name]: value });
  const all = ['', say('all')] as const;
  return (
    <>
      <Head title={say('placeRefusals')}>
        {may('readRefusalFigures') && (
          <button type="button" onClick={figures.reload}>
            {say('readAnew')}
          </button>
        )}
      </Head>
      {may('readRefusalFigures') && (
        <Form className="filters panel" onSend={figures.reload} label={say('filter')}>
          <Select
            label={say('period')}
            value={days}
            onValue={set('days')}
            options={RANGES.map((one) => [one, word('range', `d${one}`)])}
          />
          <Select
            label={say('figuresBy')}
            value={grouping}
            onValue={set('by')}
            options={GROUPINGS.map((one) => [one, word('grouped', one)])}
          />
          <Select
            label={say('network')}
            value={group}
            onValue={set('group')}
            options={[all, ...networks.map(({ name }) => [name, name] as const)]}
          />
          <Select
            label={say('list')}
            value={list}
            onValue={set('list')}
            options={[all, ...(known?.lists ?? []).map((one) => [one.id, one.id] as const)]}
          />
          {(group !== '' || list !== '') && (
            <button type="button" onClick={() => setInAddress({ group: '', list: '' })}>
              {say('clearFilter')}
            </button>
          )}
        </Form>
      )}
      <Loaded data={figures}>
        {(found) => (
          <>
            <Counting figures={found} reload={figures.reload} />
            <Figures figures={found} grouping={grouping} group={group} list={list} />
          </>
        )}
      </Loaded>
    </>
  );
};
