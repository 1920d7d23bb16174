// One probe asked of all: a row each resolver, a column each transport; who has not answered is said.
import type { VNode } from 'preact';
import { useEffect } from 'preact/hooks';
import { act } from '../api/client.ts';
import type { FleetProbe } from '../api/shapes.ts';
import { StateMark } from '../parts/marks.tsx';
import { FaultNote, Loaded, Name, Nothing, Panel } from '../parts/panel.tsx';
import { may, toast } from '../parts/room.ts';
import { useText } from '../parts/say.tsx';
import { useData, useDoing, useTicks } from '../parts/use-data.ts';
import { sumOfTransport } from './fleet-view.ts';

/** Results come one after the other, within minutes. */
const TICK_MS = 5_000;
const MARKS = { enforced: 'ok', leaking: 'bad', broken: 'warn' } as const;

type Row = FleetProbe['resolvers'][number];

const Cell = ({ row, transport }: { readonly row: Row; readonly transport: string }): VNode => {
  const { say, format } = useText();
  const sum = sumOfTransport(row.probe?.results ?? [], transport);
  if (sum === undefined) return <td>–</td>;
  return (
    <td>
      <StateMark mark={sum.leaked > 0 ? 'bad' : sum.failed > 0 ? 'warn' : 'ok'} /> {format.number(sum.asked)}
      {sum.leaked > 0 && <span class="wrong"> {say('leakedNames', { count: sum.leaked })}</span>}
      {sum.failed > 0 && <span class="soft"> {say('failedNames', { count: sum.failed })}</span>}
    </td>
  );
};

const Matrix = ({
  rows,
  asked,
}: {
  readonly rows: readonly Row[];
  readonly asked: FleetProbe['asked'];
}): VNode => {
  const { say, word, format } = useText();
  const transports = [
    ...new Set(rows.flatMap(({ probe }) => probe?.results.map(({ transport }) => transport) ?? [])),
  ].filter((transport) => transport !== '*');
  return (
    <>
      {/* A keyboard has to reach what a finger can move (WCAG 2.1.1). */}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: as said above */}
      <section class="wide-table" tabIndex={0} aria-label={`${say('matrixTitle')}, ${say('placeResolvers')}`}>
        <table>
          <thead>
            <tr>
              <th scope="col">{say('resolver')}</th>
              <th scope="col">{say('outcome')}</th>
              <th scope="col">{say('when')}</th>
              {transports.map((transport) => (
                <th key={transport} scope="col">
                  {transport.toUpperCase()}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => {
              const { name, site, probe } = row;
              const isWaiting = asked !== null && probe?.request !== asked.id;
              return (
                <tr key={name}>
                  <th scope="row">
                    {name}
                    {site !== null && <span class="soft"> {site}</span>}
                  </th>
                  <td>
                    {probe === null ? (
                      <>
                        <StateMark mark="none" /> {say('never')}
                      </>
                    ) : (
                      <>
                        <StateMark mark={MARKS[probe.outcome]} /> {word('probe', probe.outcome)}
                      </>
                    )}
                    {isWaiting && <div class="small soft">{say('probeWaits')}</div>}
                  </td>
                  <td>{probe === null ? '–' : format.time(probe.ended)}</td>
                  {transports.map((transport) => (
                    <Cell key={transport} row={row} transport={transport} />
                  ))}
                </tr>
              );
            })}
          </tbody>
        </table>
      </section>
      {rows.flatMap(({ name, probe }) =>
        (probe?.examples ?? []).map((example) => (
          <p key={name + example} class="foot small">
            <StateMark mark="bad" /> <b>{name}</b> <Name name={example} />
          </p>
        )),
      )}
    </>
  );
};

const AskAll = ({ onAsked }: { readonly onAsked: () => void }): VNode | null => {
  const { say } = useText();
  const doing = useDoing();
  if (!may('probeFleet')) return null;
  return (
    <div class="body stack">
      <FaultNote fault={doing.fault} />
      <div class="row">
        <button
          type="button"
          disabled={doing.isBusy}
          onClick={() =>
            doing.run(async () => {
              await act('/v1/fleet/probe');
              toast.set({ text: say('toastProbeAll'), isBad: false });
              onAsked();
            })
          }
        >
          {say('probeAllNow')}
        </button>
      </div>
    </div>
  );
};

/** The panel; `site` is `*` for all. */
export const ProbeOfAll = ({ site }: { readonly site: string }): VNode => {
  const { say, format } = useText();
  const turn = useTicks(TICK_MS);
  const matrix = useData<FleetProbe>('/v1/fleet/probe');
  const { reload } = matrix;
  // biome-ignore lint/correctness/useExhaustiveDependencies: each tick reads again
  useEffect(() => reload(), [turn]);
  const asked = matrix.value?.asked ?? null;
  return (
    <Panel
      title={say('probeOfAll')}
      beside={asked === null ? undefined : say('probeAsked', { time: format.time(asked.time), by: asked.by })}
    >
      <AskAll onAsked={reload} />
      <Loaded data={matrix}>
        {({ resolvers }) => {
          const rows = resolvers.filter((one) => site === '*' || (one.site ?? '') === site);
          return rows.every(({ probe }) => probe === null) ? (
            <Nothing>{say('probeOfAllNone')}</Nothing>
          ) : (
            <Matrix rows={rows} asked={asked} />
          );
        }}
      </Loaded>
    </Panel>
  );
};
