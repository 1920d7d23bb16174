// Today in four figures that are never added up, and the line about the service itself.
import type { ComponentChildren, VNode } from 'preact';
import type { State } from '../api/shapes.ts';
import { may, nowMs } from '../parts/room.ts';
import { useText } from '../parts/say.tsx';
import { useTicks } from '../parts/use-data.ts';

const Fact = ({
  term,
  isBad = false,
  children,
}: {
  readonly term: string;
  readonly isBad?: boolean;
  readonly children: ComponentChildren;
}): VNode => (
  <div>
    <dt>{term}</dt>
    <dd class={isBad ? 'bad' : undefined}>{children}</dd>
  </div>
);

/** A commit that is older is told in red: records are written every second while there is something to write. */
const COMMIT_LATE_SEC = 60;

export const TodayPanel = ({ known }: { readonly known: State }): VNode => {
  const { say, format } = useText();
  useTicks(1_000);
  const { today, service, exemptions, counts } = known;
  const { records, upstreams } = service;
  const [next] = exemptions;
  const commitSec =
    records.lastCommitTime === null
      ? undefined
      : Math.max(0, (nowMs() - Date.parse(records.lastCommitTime)) / 1000);
  return (
    <section class="panel" aria-label={say('todayTitle')}>
      <dl class="tiles">
        <div>
          <dt>{say('todayRefused')}</dt>
          <dd>
            {format.number(today.refusedMandate)}
            <small>{say('todayOther', { count: today.refusedOther })}</small>
          </dd>
        </div>
        <div>
          <dt>{say('todayClients')}</dt>
          <dd>
            {today.clients === null ? '–' : say('about', { count: today.clients })}
            <small>{say('todayClientsHint')}</small>
          </dd>
        </div>
        <div>
          <dt>{say('todayExempted')}</dt>
          <dd>
            {format.number(today.exemptionHits)}
            <small>
              {next === undefined
                ? say('todayNobodyExempt')
                : say('todayExemptions', {
                    count: counts.exemptions,
                    end: format.ago((nowMs() - Date.parse(next.until)) / 1000),
                  })}
            </small>
          </dd>
        </div>
        <div>
          <dt>{say('todaySigns')}</dt>
          <dd>
            {format.number(today.bypassSignals)}
            <small>
              {today.unwatched.length === 0
                ? say('todaySignsHint')
                : say('todaySignsPart', { count: today.unwatched.length })}
            </small>
          </dd>
        </div>
      </dl>
      <dl class="facts">
        {service.queriesPerSec !== null && (
          <Fact term={say('serviceQueries')}>
            {say('aSecond', { count: Math.round(service.queriesPerSec * 10) / 10 })}
          </Fact>
        )}
        {service.servfailShare !== null && (
          <Fact term="SERVFAIL">{format.percent(service.servfailShare)}</Fact>
        )}
        {service.p95Ms !== null && (
          <Fact term={say('serviceP95')}>{format.number(Math.round(service.p95Ms))} ms</Fact>
        )}
        <Fact term={say('serviceUpstreams')} isBad={upstreams.up === 0 && upstreams.total > 0}>
          {say('ofThem', { count: upstreams.up, of: upstreams.total })}
        </Fact>
        {records.enabled ? (
          <>
            <Fact
              term={say('serviceRecords')}
              isBad={records.dropped > 0 || (commitSec ?? 0) > COMMIT_LATE_SEC}
            >
              {commitSec === undefined
                ? say('recordsNone')
                : say('recordsWritten', { ago: format.ago(commitSec) })}
              {records.dropped > 0 && <>, {say('recordsDropped', { count: records.dropped })}</>}
            </Fact>
            <Fact term={say('serviceChain')} isBad={records.verified === false}>
              {records.verified === null
                ? [
                    say('chainUnchecked'),
                    ' ',
                    may('checkRecords') && (
                      <a key="check" href="/proof?tab=records">
                        {say('checkNow')}
                      </a>
                    ),
                  ]
                : records.verified
                  ? say('chainWhole', { clock: format.clock(records.verifiedTime ?? known.time).slice(0, 5) })
                  : say('chainBroken')}
            </Fact>
          </>
        ) : (
          <Fact term={say('serviceRecords')} isBad>
            {say('recordsOff')}
          </Fact>
        )}
      </dl>
    </section>
  );
};
