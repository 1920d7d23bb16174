// One device by its reference of a day: what it tried and when, under which exemption, signs of a bypass, its last check, and who it is
// for who may find that out. That somebody looked is on the record.
import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { ask, type Fault, faultOf } from '../api/client.ts';
import type { ClientRefusals, DeviceDay } from '../api/shapes.ts';
import { FaultNote, Head, Name, Nothing, Panel } from '../parts/panel.tsx';
import { may } from '../parts/room.ts';
import { useText } from '../parts/say.tsx';
import { StepChart } from '../parts/step-chart.tsx';
import { useData } from '../parts/use-data.ts';
import { Reidentify } from '../proof/reidentify.tsx';

const HOUR_SEC = 3_600;
const DAY_MS = 86_400_000;

const CheckPanel = ({ reference }: { readonly reference: string }): VNode => {
  const { say, word, format } = useText();
  const check = useData<ClientRefusals>(`/v1/references/${encodeURIComponent(reference)}`).value?.check;
  return (
    <Panel title={say('deviceCheck')}>
      {check == null ? (
        <Nothing>{say('deviceCheckNone')}</Nothing>
      ) : (
        <div class="body">
          <p
            class={
              check.verdict === 'elsewhere' || check.verdict === 'not-in-force' ? 'note bad' : 'note calm'
            }
          >
            <b>{word('checked', check.verdict)}</b>
          </p>
          <p class="soft">
            {[
              format.time(check.time),
              check.transport === null ? '' : check.transport.toUpperCase(),
              check.group,
              check.isBetween ? say('checkedBetween') : '',
            ]
              .filter((part) => part !== '')
              .join(', ')}
          </p>
        </div>
      )}
    </Panel>
  );
};

const NamesTable = ({ device }: { readonly device: DeviceDay }): VNode => {
  const { say, word, format } = useText();
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">{say('what')}</th>
          <th scope="col" class="wide">
            {say('network')}
          </th>
          <th scope="col" class="wide">
            {say('list')}
          </th>
          <th scope="col" class="wide">
            {say('outcome')}
          </th>
          <th scope="col" class="num">
            {say('deviceLast')}
          </th>
          <th scope="col" class="num">
            {say('deviceTimes')}
          </th>
        </tr>
      </thead>
      <tbody>
        {device.names.map((row) => (
          <tr key={[row.kind, row.name, row.type, row.group, row.list, row.exemption].join(' ')}>
            <th scope="row">
              <Name name={row.name} /> <span class="faint small">{row.type}</span>
              <span class="folded small faint">
                {[row.group, row.list ?? '', word('kind', row.kind)].filter((part) => part !== '').join(', ')}
              </span>
            </th>
            <td class="wide">{row.group}</td>
            <td class="wide">{row.list ?? '–'}</td>
            <td class="wide">
              {row.exemption === null ? (
                word('kind', row.kind)
              ) : (
                <a href={`/exemptions/${encodeURIComponent(row.exemption)}`}>
                  {say('passedUnder', { paper: row.exemption })}
                </a>
              )}
            </td>
            <td class="num">{format.clock(row.last)}</td>
            <td class="num">{format.number(row.count)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
};

const Tried = ({ device }: { readonly device: DeviceDay }): VNode => {
  const { say, word, format } = useText();
  const { day, unwatched } = device;
  const looked = device.isWhole
    ? say('deviceLooked', { from: format.time(device.lookedBackTo) })
    : say('deviceLookedPart', { from: format.time(device.lookedBackTo) });
  if (day === null)
    return (
      <Panel title={say('deviceTried')}>
        <Nothing>
          {say('deviceNothing')} {looked}
        </Nothing>
      </Panel>
    );
  const until = new Date(Date.parse(day) + DAY_MS).toISOString();
  return (
    <>
      {!device.isWhole && <p class="note">{looked}</p>}
      <Panel title={say('deviceTried')} beside={format.day(day)}>
        <div class="body stack">
          <StepChart
            title={say('chartTitle', { title: say('deviceTried') })}
            from={day}
            until={until}
            stepSec={HOUR_SEC}
            series={device.series.map(({ kind, counts }) => ({ name: word('kind', kind), counts }))}
            spans={[]}
            marks={[]}
          />
        </div>
        <NamesTable device={device} />
        {device.unnamed > 0 && (
          <p class="foot small soft">{say('deviceUnnamed', { count: device.unnamed })}</p>
        )}
      </Panel>
      <div class="columns even">
        <Panel title={say('deviceExemptions')}>
          {device.exemptions.length === 0 ? (
            <Nothing>{say('deviceExemptionsNone')}</Nothing>
          ) : (
            <Sums rows={device.exemptions} hrefOf={(id) => `/exemptions/${encodeURIComponent(id)}`} />
          )}
        </Panel>
        <Panel title={say('deviceSigns')}>
          {device.signs.length === 0 ? (
            <Nothing>{say('deviceSignsNone')}</Nothing>
          ) : (
            <Sums rows={device.signs.map(({ key, count }) => ({ key: word('sign', key), count }))} />
          )}
          {unwatched.length > 0 && (
            <p class="foot small soft">
              {say('deviceSignsUnwatched', {
                signs: format.list(unwatched.map((signal) => word('sign', signal))),
              })}
            </p>
          )}
        </Panel>
      </div>
    </>
  );
};

const Sums = ({
  rows,
  hrefOf,
}: {
  readonly rows: DeviceDay['signs'];
  readonly hrefOf?: (key: string) => string;
}): VNode => {
  const { say, format } = useText();
  return (
    <table>
      <thead class="unseen">
        <tr>
          <th scope="col">{say('what')}</th>
          <th scope="col">{say('deviceTimes')}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ key, count }) => (
          <tr key={key}>
            <th scope="row">{hrefOf === undefined ? key : <a href={hrefOf(key)}>{key}</a>}</th>
            <td class="num">{format.number(count)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
};

export const Device = ({ reference }: { readonly reference: string }): VNode => {
  const { say } = useText();
  const [device, setDevice] = useState<DeviceDay | undefined>(undefined);
  const [fault, setFault] = useState<Fault | undefined>(undefined);
  const [turn, setTurn] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: turn asks once more
  useEffect(() => {
    let isCurrent = true;
    ask<DeviceDay>(`/v1/devices/${encodeURIComponent(reference)}`).then(
      (found) => {
        if (!isCurrent) return;
        setDevice(found);
        setFault(undefined);
      },
      (error: unknown) => isCurrent && setFault(faultOf(error)),
    );
    return () => {
      isCurrent = false;
    };
  }, [reference, turn]);
  const shown = device?.reference ?? reference;
  return (
    <>
      <Head title={say('deviceTitle', { reference: shown })}>
        {may('readDevice') && (
          <button type="button" onClick={() => setTurn((last) => last + 1)}>
            {say('readAnew')}
          </button>
        )}
      </Head>
      {fault?.status !== 403 && <p class="small soft">{say('deviceRecorded')}</p>}
      {fault !== undefined &&
        (fault.status === 403 ? <p class="soft">{say('notYours')}</p> : <FaultNote fault={fault} />)}
      {device === undefined ? (
        fault === undefined && (
          <p class="faint" aria-busy="true">
            {say('loading')}
          </p>
        )
      ) : (
        <>
          <Tried device={device} />
          <CheckPanel reference={shown} />
          <Reidentify of={shown} />
        </>
      )}
    </>
  );
};
