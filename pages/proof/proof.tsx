// Proof: what the self-probe was answered by network, transport and type; gaps; changes; and the records themselves.
import type { VNode } from 'preact';
import { act } from '../api/client.ts';
import type { ShownNetwork } from '../api/members.ts';
import type { ProbeRun, ProbeStatus } from '../api/shapes.ts';
import { networkMark } from '../overview/networks.tsx';
import { StateMark } from '../parts/marks.tsx';
import { FaultNote, Head, Loaded, Name, Nothing, Panel } from '../parts/panel.tsx';
import { may, nowMs, state, toast } from '../parts/room.ts';
import { place } from '../parts/router.ts';
import { useText } from '../parts/say.tsx';
import { ServiceText } from '../parts/service-text.tsx';
import type { Speech } from '../parts/speech.ts';
import { useStore } from '../parts/store.ts';
import { useData, useDoing, useTicks } from '../parts/use-data.ts';
import { RecordsTab } from './records.tsx';

const OUTCOME_MARKS = { enforced: 'ok', leaking: 'bad', broken: 'warn' } as const;

type Result = NonNullable<ProbeRun['results']>[number];

/** A network by its name, and what else is asked by what it is: `listener:192.0.2.1:853`. */
const viewText = ({ say }: Speech, view: string): string => {
  const at = view.indexOf(':');
  const [kind, name] = [view.slice(0, at), view.slice(at + 1)];
  if (kind === 'listener') return say('viewListener', { at: name });
  return kind === 'server' ? say('viewServer', { at: name }) : name;
};

/** One row a network and transport, one column a type. */
export const Matrix = ({ run }: { readonly run: ProbeRun }): VNode => {
  const speech = useText();
  const { say, word, format } = speech;
  const results = run.results ?? [];
  const types = [...new Set(results.map(({ qtype }) => qtype))];
  const rows = [...new Set(results.map(({ view, transport }) => `${view} ${transport}`))];
  const find = (row: string, type: string): Result | undefined =>
    results.find(({ view, transport, qtype }) => `${view} ${transport}` === row && qtype === type);
  return (
    <>
      {/* A keyboard has to reach what a finger can move (WCAG 2.1.1). */}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: as said above */}
      <section class="wide-table" tabIndex={0} aria-label={`${say('matrixTitle')}, ${run.run}`}>
        <table>
          <thead>
            <tr>
              <th scope="col">{say('network')}</th>
              <th scope="col">{say('transport')}</th>
              {types.map((type) => (
                <th key={type} scope="col">
                  {type}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => {
              const [view = '', transport = ''] = row.split(' ');
              return (
                <tr key={row}>
                  <th scope="row">{viewText(speech, view)}</th>
                  <td>{transport.toUpperCase()}</td>
                  {types.map((type) => {
                    const result = find(row, type);
                    if (result === undefined) return <td key={type}>–</td>;
                    const mark = OUTCOME_MARKS[result.outcome as keyof typeof OUTCOME_MARKS] ?? 'none';
                    return (
                      <td key={type}>
                        <StateMark mark={mark} />{' '}
                        <span class={mark === 'ok' ? 'unseen' : ''}>{word('probe', result.outcome)}</span>{' '}
                        {format.number(result.asked)}
                        {result.leaked > 0 && (
                          <span class="wrong">
                            {' '}
                            {say('leakedNames', { count: result.leaked })}
                            {format.colon}
                            {result.examples.map((name) => (
                              <span key={name}>
                                <Name name={name} />{' '}
                              </span>
                            ))}
                          </span>
                        )}
                        {result.failed > 0 && (
                          <span class="soft"> {say('failedNames', { count: result.failed })}</span>
                        )}
                      </td>
                    );
                  })}
                </tr>
              );
            })}
          </tbody>
        </table>
      </section>
      {(run.unasked ?? []).map(({ view, reason }) => (
        <div key={`${view} ${reason}`} class="foot small">
          <StateMark mark="none" /> <b>{viewText(speech, view)}</b> {say('cannotAsk')}
          {format.colon}
          <ServiceText text={reason} />
        </div>
      ))}
    </>
  );
};

const RunsPanel = ({ status }: { readonly status: ProbeStatus }): VNode => {
  const { say, word, format } = useText();
  return (
    <Panel
      title={say('runsTitle')}
      beside={
        status.nextSample === null
          ? undefined
          : say('nextRun', { ago: format.ago((nowMs() - Date.parse(status.nextSample)) / 1000) })
      }
    >
      {status.runs.length === 0 ? (
        <Nothing>{say('runsNone')}</Nothing>
      ) : (
        <table>
          <thead>
            <tr>
              <th scope="col">{say('when')}</th>
              <th scope="col">{say('what')}</th>
              <th scope="col">{say('outcome')}</th>
              <th scope="col" class="num wide">
                {say('asked')}
              </th>
              <th scope="col" class="num wide">
                {say('resolved')}
              </th>
              <th scope="col" class="num wide">
                {say('failed')}
              </th>
            </tr>
          </thead>
          <tbody>
            {status.runs.map((run) => (
              <tr key={run.run}>
                <td class="nowrap">{format.time(run.ended)}</td>
                <th scope="row" class="word">
                  {word('run', run.event)}
                  {run.group !== undefined && ` ${run.group}`}
                </th>
                <td class="word">
                  <StateMark mark={OUTCOME_MARKS[run.outcome] ?? 'none'} /> {word('probe', run.outcome)}
                  <span class="folded small faint">
                    {say('asked')} {format.number(run.asked)}
                  </span>
                </td>
                <td class="num wide">{format.number(run.asked)}</td>
                <td class="num wide">{format.number(run.leakedNames)}</td>
                <td class="num wide">{format.number(run.failingNames)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  );
};

const ProbeNow = ({ onAsked }: { readonly onAsked: () => void }): VNode | null => {
  const { say } = useText();
  const doing = useDoing();
  if (!may('requestSweep')) return null;
  return (
    <div class="row">
      <FaultNote fault={doing.fault} />
      <button
        type="button"
        disabled={doing.isBusy}
        onClick={() =>
          doing.run(async () => {
            await act('/v1/probe');
            toast.set({ text: say('toastProbe'), isBad: false });
            onAsked();
          })
        }
      >
        {say('probeNow')}
      </button>
    </div>
  );
};

/** What changes what is told of networks. */
const NETWORKS_SUBJECTS = ['networks', 'probe', 'configuration'];

const NetworksProof = (): VNode => {
  const { say, word, format } = useText();
  const networks = useData<readonly ShownNetwork[]>('/v1/networks', NETWORKS_SUBJECTS);
  const ageOf = ({ proof: { time } }: ShownNetwork): string =>
    time === null ? '' : format.ago(Math.max(0, (nowMs() - Date.parse(time)) / 1000));
  return (
    <Panel title={say('proofNetworks')} beside={say('proofNetworksBeside')}>
      <Loaded data={networks}>
        {(all) => (
          <table>
            <thead>
              <tr>
                <th scope="col">{say('network')}</th>
                <th scope="col">{say('state')}</th>
                <th scope="col" class="num wide">
                  {say('proven')}
                </th>
                <th scope="col" class="wide">
                  {say('examples')}
                </th>
              </tr>
            </thead>
            <tbody>
              {all.map((network) => (
                <tr key={network.group}>
                  <th scope="row" class="word named">
                    <StateMark mark={networkMark(network)} /> {network.group}
                  </th>
                  <td>
                    {word('mandate', network.state)}; {word('proof', network.proof.state)}
                    {network.proof.reason !== null && (
                      <span class="soft">
                        {' '}
                        <ServiceText text={network.proof.reason} />
                      </span>
                    )}
                    <span class="folded small faint">{ageOf(network)}</span>
                  </td>
                  <td class="num wide">{ageOf(network) || '–'}</td>
                  <td class="wide code">{network.proof.examples.join(', ')}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Loaded>
    </Panel>
  );
};

const GapsPanel = (): VNode | null => {
  const { say, word, format } = useText();
  const strip = useStore(state)?.strip;
  if (strip === undefined) return null;
  return (
    <Panel title={say('gapsTitle')} beside={say('gapsBeside')}>
      {strip.spans.length === 0 ? (
        <Nothing>{say('gapsNone')}</Nothing>
      ) : (
        <table>
          <thead>
            <tr>
              <th scope="col">{say('from')}</th>
              <th scope="col">{say('length')}</th>
              <th scope="col">{say('what')}</th>
              <th scope="col" class="wide">
                {say('by')}
              </th>
            </tr>
          </thead>
          <tbody>
            {strip.spans.toReversed().map((span) => (
              <tr key={span.from + span.state}>
                <td class="nowrap">{format.time(span.from)}</td>
                <td class="nowrap">{format.length((Date.parse(span.to) - Date.parse(span.from)) / 1000)}</td>
                <th scope="row">
                  {word('span', span.state)}
                  {span.cause !== null && `${format.colon}${word('cause', span.cause)}`}
                </th>
                <td class="wide">{span.by ?? '–'}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  );
};

const ProbeTab = (): VNode => {
  const { say, format } = useText();
  useTicks(1_000);
  const probe = useData<ProbeStatus>('/v1/probe', ['probe']);
  return (
    <>
      <ProbeNow onAsked={probe.reload} />
      <NetworksProof />
      <Loaded data={probe}>
        {(status) => (
          <>
            {status.running !== null && (
              <Panel title={say('runningTitle')}>
                <div class="body stack">
                  <progress
                    value={status.running.asked}
                    max={Math.max(1, status.running.total)}
                    aria-label={say('runningTitle')}
                  />
                  <p class="soft">
                    {say('runningCount', { asked: status.running.asked, total: status.running.total })}
                  </p>
                </div>
              </Panel>
            )}
            <Panel
              title={say('matrixTitle')}
              beside={status.last === null ? undefined : format.time(status.last.ended)}
            >
              {status.last === null || (status.last.results ?? []).length === 0 ? (
                <Nothing>{say('runsNone')}</Nothing>
              ) : (
                <Matrix run={status.last} />
              )}
            </Panel>
            <GapsPanel />
            <RunsPanel status={status} />
          </>
        )}
      </Loaded>
    </>
  );
};

const TABS = ['probe', 'changes', 'records'] as const;

export const Proof = (): VNode => {
  const { say } = useText();
  const { query } = useStore(place);
  const tab = TABS.find((one) => one === query.get('tab')) ?? 'probe';
  const names = { probe: say('tabProbe'), changes: say('tabChanges'), records: say('tabRecords') };
  return (
    <>
      <Head title={say('placeProof')} />
      <nav class="tabs" aria-label={say('placeProof')}>
        {TABS.map((one) => (
          <a key={one} href={`/proof?tab=${one}`} aria-current={one === tab ? 'page' : undefined}>
            {names[one]}
          </a>
        ))}
      </nav>
      {tab === 'probe' ? <ProbeTab /> : <RecordsTab key={tab} isChanges={tab === 'changes'} />}
    </>
  );
};
