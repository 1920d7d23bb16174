// How the service did over the last hour, day or week: from the program's own short history, without a metrics server.
import type { ComponentChildren, VNode } from 'preact';
import type { ServiceHistory } from '../api/shapes.ts';
import { downloadCsv } from '../parts/download.ts';
import { setInAddress, useInAddress } from '../parts/in-address.ts';
import { LineChart } from '../parts/line-chart.tsx';
import { Head, Loaded, Nothing, Panel } from '../parts/panel.tsx';
import { useText } from '../parts/say.tsx';
import { useData } from '../parts/use-data.ts';
import { historyCsv, type Line, linesOf } from './series.ts';

const SPANS = ['hour', 'day', 'week'] as const;
const GIBIBYTE = 1024 ** 3;
const MEBIBYTE = 1024 ** 2;

const isKnown = ({ values }: Line): boolean => values.some((value) => value !== null);
const isAboveZero = ({ values }: Line): boolean => values.some((value) => value !== null && value > 0);

const Charts = ({ history }: { readonly history: ServiceHistory }): VNode => {
  const { say, format } = useText();
  const lines = linesOf(history, say('figuresRest'));
  const { from, stepSec } = history;
  const rounded =
    (digits: number, unit = '') =>
    (value: number): string => {
      const factor = 10 ** digits;
      return `${format.number(Math.round(value * factor) / factor)}${unit && `\u00a0${unit}`}`;
    };
  const ms = rounded(2, 'ms');
  const chart = (
    title: string,
    series: readonly Line[],
    write: (value: number) => string,
    { top, none }: { readonly top?: number; readonly none?: string } = {},
  ): ComponentChildren => {
    const known = series.filter(isKnown);
    return (
      <Panel title={title}>
        {known.length === 0 || (none !== undefined && !known.some(isAboveZero)) ? (
          <Nothing>{none ?? say('healthUnknown')}</Nothing>
        ) : (
          <div class="body stack">
            <LineChart
              {...{ title, from, stepSec, write }}
              series={known}
              {...(top !== undefined && { top })}
            />
          </div>
        )}
      </Panel>
    );
  };
  return (
    <div class="columns even">
      <div class="stack">
        {chart(
          say('healthQueries'),
          [
            { name: say('healthAsked'), values: lines.queries },
            { name: say('healthRefused'), values: lines.refusals },
          ],
          rounded(3, '/s'),
        )}
        {chart(
          say('healthTimes'),
          [
            { name: say('healthMedian'), values: lines.median },
            { name: say('healthP95'), values: lines.p95 },
          ],
          ms,
        )}
        {chart(say('healthServfail'), [{ name: 'SERVFAIL', values: lines.servfail }], format.percent, {
          none: say('healthServfailNone'),
        })}
        {chart(say('healthCache'), [{ name: say('healthHits'), values: lines.cache }], format.percent, {
          top: 1,
        })}
        {chart(
          say('healthMemory'),
          [
            {
              name: say('healthResident'),
              values: lines.resident.map((value) => (value === null ? null : value / MEBIBYTE)),
            },
          ],
          rounded(0, 'MiB'),
        )}
        {chart(say('healthCpu'), [{ name: say('healthCores'), values: lines.cpu }], rounded(2))}
      </div>
      <div class="stack">
        {chart(say('healthUpstreams'), lines.upstreamMs, ms)}
        {chart(say('healthUpstreamFailures'), lines.upstreamFailures, rounded(0), {
          none: say('healthUpstreamFailuresNone'),
        })}
        {chart(
          say('healthWorkers'),
          [
            { name: say('healthWorking'), values: lines.workers },
            { name: say('healthWanted'), values: lines.wanted },
          ],
          rounded(0),
        )}
        {chart(
          say('healthLost'),
          lines.lost.map((line) =>
            line.name === 'records' ? { ...line, name: say('healthRecords') } : line,
          ),
          rounded(0),
          { none: say('healthLostNone') },
        )}
        {chart(
          say('healthDisk'),
          [
            {
              name: say('healthFree'),
              values: lines.free.map((value) => (value === null ? null : value / GIBIBYTE)),
            },
          ],
          rounded(1, 'GiB'),
        )}
        {chart(
          say('healthCertificates'),
          [
            { name: say('healthCertificateDns'), values: lines.certificate },
            { name: say('healthCertificateRoom'), values: lines.roomCertificate },
          ],
          rounded(1, say('healthDays')),
          { none: say('healthCertificatesNone') },
        )}
      </div>
    </div>
  );
};

export const Health = (): VNode => {
  const { say, word, format } = useText();
  const [wanted] = useInAddress('span');
  const span = SPANS.find((one) => one === wanted) ?? 'hour';
  const history = useData<ServiceHistory>(`/v1/history?span=${span}`);
  return (
    <>
      <Head title={say('placeHealth')}>
        <fieldset class="tabs">
          <legend class="unseen">{say('period')}</legend>
          {SPANS.map((one) => (
            <button
              key={one}
              type="button"
              aria-pressed={one === span}
              onClick={() => setInAddress({ span: one })}
            >
              {word('healthSpan', one)}
            </button>
          ))}
        </fieldset>
        <button type="button" onClick={history.reload}>
          {say('readAnew')}
        </button>
      </Head>
      <Loaded data={history}>
        {(found) => (
          <>
            <p class="small soft row">
              <span>
                {say('healthSince', {
                  started: format.time(found.startedAt),
                  step: format.length(found.stepSec),
                })}
              </span>
              <button
                type="button"
                class="plain"
                onClick={() =>
                  downloadCsv(historyCsv(found), `cordon-health-${span}-${found.now.slice(0, 10)}.csv`)
                }
              >
                CSV
              </button>
            </p>
            <Charts history={found} />
          </>
        )}
      </Loaded>
    </>
  );
};
