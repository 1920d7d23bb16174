// One network: whether the prohibition is in force there and since when, its proof by transport, refusals, exemptions, and what asks for it.
import type { VNode } from 'preact';
import type { Group } from '../api/members.ts';
import type { NetworkNow, ProbeStatus, RefusalFigures, State } from '../api/shapes.ts';
import { networkMark } from '../overview/networks.tsx';
import { RowStrip } from '../parts/charts.tsx';
import { Counting } from '../parts/counting.tsx';
import { StateMark } from '../parts/marks.tsx';
import { Head, Loaded, Nothing, Panel } from '../parts/panel.tsx';
import { may, nowMs, state } from '../parts/room.ts';
import { useText } from '../parts/say.tsx';
import { ServiceText } from '../parts/service-text.tsx';
import { StepChart } from '../parts/step-chart.tsx';
import { useStore } from '../parts/store.ts';
import { useData } from '../parts/use-data.ts';
import { Matrix } from '../proof/proof.tsx';
import { seriesBy } from '../refusals/series.ts';
import { sinceOf } from './since.ts';

/** How far back gaps are looked for. */
const DAYS = 30;
/** What changes what is told of one network. */
const NETWORK_SUBJECTS = ['networks', 'refusals', 'probe', 'exemptions', 'configuration'];

const InForce = ({
  found: { network, from, to },
  figures,
}: {
  readonly found: NetworkNow;
  readonly figures: RefusalFigures | undefined;
}): VNode => {
  const { say, word, format } = useText();
  const mark = networkMark(network);
  // Who sees no figures sees the last day.
  const since = sinceOf(figures?.spans ?? network.strip);
  const { proof } = network;
  return (
    <Panel
      title={
        <>
          <StateMark mark={mark} /> {network.inScope ? word('network', mark) : say('outOfScope')}
        </>
      }
      beside={say('lastDay')}
    >
      <div class="body stack">
        <RowStrip from={from} to={to} spans={network.strip} />
        <dl class="paper">
          <dt>{say('networkSince')}</dt>
          <dd>
            {!network.inForce
              ? word('mandate', network.state)
              : since === undefined
                ? figures === undefined
                  ? say('stripWhole')
                  : say('networkSinceAll', { days: DAYS })
                : say('networkSinceGap', { time: format.time(since.to), state: word('span', since.state) })}
          </dd>
          <dt>{say('proven')}</dt>
          <dd>
            {word('proof', proof.state)}
            {proof.time !== null && `, ${format.ago(Math.max(0, (nowMs() - Date.parse(proof.time)) / 1000))}`}
            {proof.reason !== null && (
              <span class="soft">
                {' '}
                <ServiceText text={proof.reason} />
              </span>
            )}
          </dd>
          <dt>{say('refused')}</dt>
          <dd>{say('networkToday', { count: network.refusedToday })}</dd>
        </dl>
      </div>
    </Panel>
  );
};

const Facts = ({
  group,
  known,
  found: { network, mandates },
}: {
  readonly group: Group | undefined;
  readonly known: State;
  readonly found: NetworkNow;
}): VNode => {
  const { say, format } = useText();
  const prefixes = group?.prefixes ?? network.prefixes;
  return (
    <Panel title={say('networkFacts')}>
      <div class="body">
        <dl class="paper">
          <dt>{say('clientsFrom')}</dt>
          <dd>{prefixes.length === 0 ? say('everybodyElse') : <code>{prefixes.join(', ')}</code>}</dd>
          <dt>{say('placeLists')}</dt>
          <dd>
            {group === undefined || group.lists.length === 0
              ? '–'
              : group.lists.map((list, index) => (
                  <span key={list}>
                    {index > 0 && ', '}
                    <a href={`/lists/${encodeURIComponent(list)}`}>{list}</a>
                  </span>
                ))}
          </dd>
          <dt>{say('mandatesTitle')}</dt>
          <dd>{mandates.length === 0 ? '–' : format.list(mandates.map(({ title }) => title))}</dd>
          <dt>{say('networkForwarders')}</dt>
          <dd>
            {group === undefined || group.forwarders.length === 0
              ? say('networkForwardersNone')
              : format.list(group.forwarders)}
          </dd>
          <dt>{say('networkResolver')}</dt>
          <dd>
            {known.resolver.name} <code>{known.resolver.addresses.join(', ')}</code>
            {may('readFleet') && (
              <>
                {' '}
                <a href="/resolvers">{say('placeResolvers')}</a>
              </>
            )}
          </dd>
        </dl>
      </div>
    </Panel>
  );
};

const RefusalsPanel = ({
  figures,
  group,
}: {
  readonly figures: RefusalFigures;
  readonly group: string;
}): VNode => {
  const { say } = useText();
  const series = seriesBy(figures, 'list', () => '', say('figuresRest'));
  const count = series.reduce((sum, { counts }) => sum + counts.reduce((own, one) => own + one, 0), 0);
  return (
    <Panel
      title={say('figuresCount', { count })}
      aside={
        <a href={`/refusals?${new URLSearchParams({ days: String(DAYS), group })}`}>{say('placeRefusals')}</a>
      }
    >
      {count === 0 ? (
        <Nothing>{say('figuresNone')}</Nothing>
      ) : (
        <div class="body stack">
          <StepChart
            title={say('chartTitle', { title: say('figuresCount', { count }) })}
            from={figures.from}
            until={figures.until}
            stepSec={figures.stepSec}
            series={series}
            spans={figures.spans}
            marks={figures.changes.map(({ time }) => time)}
          />
        </div>
      )}
    </Panel>
  );
};

const ExemptPanel = ({
  found: {
    network: { exempt },
    exemptions: here,
  },
}: {
  readonly found: NetworkNow;
}): VNode => {
  const { say, word, format } = useText();
  return (
    <Panel title={say('placeExemptions')} aside={<a href="/exemptions">{say('placeExemptions')}</a>}>
      {here.length === 0 ? (
        <Nothing>{say('networkExemptNone')}</Nothing>
      ) : (
        <table>
          <thead>
            <tr>
              <th scope="col">{say('exempt')}</th>
              <th scope="col" class="wide">
                {say('grounds')}
              </th>
              <th scope="col">{say('to')}</th>
            </tr>
          </thead>
          <tbody>
            {here.map(({ id, grounds, until }) => (
              <tr key={id}>
                <th scope="row">
                  <a href={`/exemptions/${encodeURIComponent(id)}`}>{id}</a>
                </th>
                <td class="wide">{word('ground', grounds)}</td>
                <td>{format.time(until)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {exempt > here.length && (
        <p class="foot small soft">{say('networkExemptMore', { count: exempt - here.length })}</p>
      )}
    </Panel>
  );
};

const Proofs = ({ group }: { readonly group: string }): VNode => {
  const { say } = useText();
  const probe = useData<ProbeStatus>('/v1/probe', ['probe']);
  return (
    <Panel title={say('matrixTitle')} aside={<a href="/proof">{say('networksProof')}</a>}>
      <Loaded data={probe}>
        {({ last }) => {
          const results = last?.results.filter(({ view }) => view === `group:${group}`) ?? [];
          const unasked = last?.unasked.filter(({ view }) => view === `group:${group}`) ?? [];
          return last === null || results.length + unasked.length === 0 ? (
            <Nothing>{say('networkProofNone')}</Nothing>
          ) : (
            <Matrix run={{ ...last, results, unasked }} />
          );
        }}
      </Loaded>
    </Panel>
  );
};

export const Network = ({ name }: { readonly name: string }): VNode => {
  const { say } = useText();
  const known = useStore(state);
  const groups = useData<readonly Group[]>('/v1/groups', ['configuration']);
  const mayCount = may('readRefusalFigures');
  const figures = useData<RefusalFigures>(
    mayCount ? `/v1/refusals/figures?${new URLSearchParams({ days: String(DAYS), group: name })}` : undefined,
  );
  const now = useData<NetworkNow>(`/v1/networks/${encodeURIComponent(name)}`, NETWORK_SUBJECTS);
  const head = (
    <Head title={name} trail={<a href="/">{say('networksTitle')}</a>}>
      {mayCount && (
        <button type="button" onClick={figures.reload}>
          {say('readAnew')}
        </button>
      )}
    </Head>
  );
  if (now.fault?.status === 404)
    return (
      <>
        {head}
        <p class="soft">{say('networkUnknown')}</p>
      </>
    );
  if (known === undefined)
    return (
      <>
        {head}
        <p class="faint" aria-busy="true">
          {say('loading')}
        </p>
      </>
    );
  return (
    <>
      {head}
      <Loaded data={now}>
        {(found) => (
          <div class="columns even">
            <InForce found={found} figures={figures.value} />
            <Facts group={groups.value?.find((one) => one.name === name)} known={known} found={found} />
          </div>
        )}
      </Loaded>
      <Proofs group={name} />
      {mayCount && (
        <Loaded data={figures}>
          {(found) => (
            <>
              <Counting figures={found} reload={figures.reload} />
              <RefusalsPanel figures={found} group={name} />
            </>
          )}
        </Loaded>
      )}
      {now.value !== undefined && <ExemptPanel found={now.value} />}
    </>
  );
};
