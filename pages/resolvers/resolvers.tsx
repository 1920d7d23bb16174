// Every resolver of the fleet in one look: who is not heard first, since when, then what else needs a person, then all.
import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { act } from '../api/client.ts';
import type { FleetResolver, FleetStatus } from '../api/shapes.ts';
import { Select } from '../parts/form.tsx';
import { StateMark } from '../parts/marks.tsx';
import { FaultNote, Head, Loaded, Nothing, Panel } from '../parts/panel.tsx';
import { may, nowMs, toast } from '../parts/room.ts';
import { Say, useText } from '../parts/say.tsx';
import { ServiceText } from '../parts/service-text.tsx';
import { useData, useDoing, useTicks } from '../parts/use-data.ts';
import { isUnheard, resolverMark, type Sum, sumOf, sumsBySite } from './fleet-view.ts';
import { NeedText } from './need-text.tsx';
import { ProbeOfAll } from './probe-of-all.tsx';

/** As often as resolvers say how they are. */
const TICK_MS = 10_000;
/** Milliseconds; beyond it stands in the needs as well. */
const OFFSET_SHOWN_MAX = 1_000;

const agoOf = (time: string | null): number =>
  time === null ? 0 : Math.max(0, (nowMs() - Date.parse(time)) / 1000);

const Unheard = ({ resolvers }: { readonly resolvers: readonly FleetResolver[] }): VNode | null => {
  const { say, format } = useText();
  if (resolvers.length === 0) return null;
  return (
    <Panel title={say('unheardTitle')} beside={say('unheardBeside')}>
      <ul class="needs">
        {resolvers.map(({ name, site, heard, behind }) => (
          <li key={name}>
            <StateMark mark="none" />
            <span>
              <b>{name}</b>
              {site !== null && <span class="soft"> {site}</span>}{' '}
              {heard === null ? say('neverHeard') : <Say k="unheardSince" v={{ time: format.time(heard) }} />}{' '}
              {behind !== null && behind > 0 && say('unheardBehind', { count: behind })}
            </span>
            {heard === null ? <span /> : <time dateTime={heard}>{format.ago(agoOf(heard))}</time>}
          </li>
        ))}
      </ul>
    </Panel>
  );
};

const Tiles = ({ sum, policy }: { readonly sum: Sum; readonly policy: number }): VNode => {
  const { say, format } = useText();
  return (
    <section class="panel" aria-label={say('fleetTitle')}>
      <dl class="tiles">
        <div>
          <dt>{say('fleetHeard')}</dt>
          <dd>{say('ofThem', { count: sum.heard, of: sum.resolvers })}</dd>
        </div>
        <div>
          <dt>{say('fleetInForce')}</dt>
          <dd>{say('ofThem', { count: sum.inForce, of: sum.resolvers })}</dd>
        </div>
        <div>
          <dt>{say('fleetBehind')}</dt>
          <dd>
            {format.number(sum.behind)}
            <small>{say('fleetPolicy', { number: policy })}</small>
          </dd>
        </div>
        <div>
          <dt>{say('needsTitle')}</dt>
          <dd>{format.number(sum.needs)}</dd>
        </div>
      </dl>
    </section>
  );
};

const ResolverRow = ({ resolver }: { readonly resolver: FleetResolver }): VNode => {
  const { say, word, format } = useText();
  const { name, site, role, removed, heard, version, generation, enforcement, state } = resolver;
  const { offsetMs, behind, needs } = resolver;
  const siteText = site ?? say('noSite');
  const heardText = heard === null ? say('never') : format.ago(agoOf(heard));
  return (
    <tr>
      <th scope="row">
        <StateMark mark={resolverMark(resolver)} /> {name}
        {role !== 'node' && <span class="soft"> {word('fleetRole', role)}</span>}
        <span class="folded small soft">
          {siteText}
          <br />
          {heardText}
        </span>
      </th>
      <td class="wide">{siteText}</td>
      <td>
        {removed !== null ? (
          say('removedAt', { time: format.time(removed) })
        ) : (
          <>
            {heard === null || role === 'collector' ? null : isUnheard(resolver) ? (
              <span class="soft">
                {say('lastSaid', { state: enforcement === null ? '–' : word('mandate', enforcement) })}
              </span>
            ) : enforcement === null ? (
              state !== null && <ServiceText text={state} />
            ) : (
              word('mandate', enforcement)
            )}
            {needs.map((need) => (
              <div key={need.kind + need.text} class="small">
                <NeedText need={need} />
              </div>
            ))}
          </>
        )}
      </td>
      <td class="num wide">{heardText}</td>
      <td class="num">{behind === null || role === 'collector' ? '–' : format.number(behind)}</td>
      <td class="num wide">{version ?? '–'}</td>
      <td class="num wide">
        {generation === null || role === 'collector' ? '–' : format.number(generation)}
      </td>
      <td class={`num wide${Math.abs(offsetMs ?? 0) > OFFSET_SHOWN_MAX ? ' wrong' : ''}`}>
        {offsetMs === null ? '–' : `${format.number(offsetMs)} ms`}
      </td>
    </tr>
  );
};

const AllResolvers = ({ resolvers }: { readonly resolvers: readonly FleetResolver[] }): VNode => {
  const { say } = useText();
  return (
    <Panel title={say('allResolvers')} beside={say('allResolversBeside')}>
      {resolvers.length === 0 ? (
        <Nothing>{say('resolversNone')}</Nothing>
      ) : (
        <table>
          <thead>
            <tr>
              <th scope="col">{say('resolver')}</th>
              <th scope="col" class="wide">
                {say('site')}
              </th>
              <th scope="col">{say('state')}</th>
              <th scope="col" class="num wide">
                {say('lastHeard')}
              </th>
              <th scope="col" class="num">
                {say('behindBy')}
              </th>
              <th scope="col" class="num wide">
                {say('version')}
              </th>
              <th scope="col" class="num wide">
                {say('generationWord')}
              </th>
              <th scope="col" class="num wide">
                {say('clockOffset')}
              </th>
            </tr>
          </thead>
          <tbody>
            {resolvers.map((resolver) => (
              <ResolverRow key={resolver.name} resolver={resolver} />
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  );
};

const Sites = ({ sums }: { readonly sums: readonly Sum[] }): VNode | null => {
  const { say, format } = useText();
  if (sums.length < 2) return null;
  return (
    <Panel title={say('sitesTitle')}>
      <table>
        <thead>
          <tr>
            <th scope="col">{say('site')}</th>
            <th scope="col" class="num">
              {say('fleetHeard')}
            </th>
            <th scope="col" class="num">
              {say('fleetInForce')}
            </th>
            <th scope="col" class="num">
              {say('behindBy')}
            </th>
            <th scope="col" class="num wide">
              {say('needsTitle')}
            </th>
          </tr>
        </thead>
        <tbody>
          {sums.map((sum) => (
            <tr key={sum.site}>
              <th scope="row">
                <StateMark mark={sum.mark} /> {sum.site === '' ? say('noSite') : sum.site}
              </th>
              <td class="num">{say('ofThem', { count: sum.heard, of: sum.resolvers })}</td>
              <td class="num">{say('ofThem', { count: sum.inForce, of: sum.resolvers })}</td>
              <td class="num">{format.number(sum.behind)}</td>
              <td class="num wide">{format.number(sum.needs)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
};

/** Where the authority has suspended refusals; one person is enough for what ends it. */
const FleetPauses = ({
  fleet: { pauses },
  onEnded,
}: {
  readonly fleet: FleetStatus;
  readonly onEnded: () => void;
}): VNode => {
  const { say, format } = useText();
  const doing = useDoing();
  return (
    <>
      <FaultNote fault={doing.fault} />
      {pauses.map(({ for: whom, until, by, reason }) => {
        const shown = whom === 'all' ? say('fleetAll') : whom;
        if (until === null)
          return (
            <p key={whom} class="note">
              {say('fleetResumed', { whom: shown })}
            </p>
          );
        return (
          <div key={whom} class="banner">
            <b>{say('fleetPaused', { whom: shown, time: format.time(until), by, reason })}</b>
            {may('resumeFleet') && (
              <button
                type="button"
                disabled={doing.isBusy}
                onClick={() =>
                  doing.run(async () => {
                    await act('/v1/fleet/resume', { for: whom, reason: '' });
                    toast.set({ text: say('toastResumed'), isBad: false });
                    onEnded();
                  })
                }
              >
                {say('endPause')}
              </button>
            )}
          </div>
        );
      })}
    </>
  );
};

/** What the whole fleet waits for. */
const FleetNotes = ({ fleet }: { readonly fleet: FleetStatus }): VNode => {
  const { say, format } = useText();
  const nodes = fleet.resolvers.filter(({ removed, role }) => removed === null && role === 'node');
  const bounds = nodes.flatMap(({ suspendAfterMs }) => suspendAfterMs ?? []);
  const unbound = nodes.filter(({ suspendAfterMs }) => suspendAfterMs === null).map(({ name }) => name);
  return (
    <>
      {!fleet.isConnected && (
        <p class="note warn" role="alert">
          {say('engineUnreached')}
        </p>
      )}
      {fleet.holdMs > 0 && (
        <p class="note">{say('fleetHold', { length: format.length(Math.ceil(fleet.holdMs / 1000)) })}</p>
      )}
      {fleet.role === 'node' && <p class="note">{say('fleetNode')}</p>}
      {bounds.length > 0 && (
        <p class="note">{say('fleetBound', { length: format.length(Math.max(...bounds) / 1000) })}</p>
      )}
      {nodes.length > 0 && <p class="note soft small">{say('fleetBoundKey')}</p>}
      {unbound.length > 0 && <p class="note warn">{say('fleetUnbound', { names: unbound.join(', ') })}</p>}
    </>
  );
};

const Whole = ({
  fleet,
  onChange,
}: {
  readonly fleet: FleetStatus;
  readonly onChange: () => void;
}): VNode => {
  const { say } = useText();
  const [site, setSite] = useState('*');
  const sums = sumsBySite(fleet);
  const shown = fleet.resolvers.filter((one) => site === '*' || (one.site ?? '') === site);
  return (
    <>
      <FleetPauses fleet={fleet} onEnded={onChange} />
      <FleetNotes fleet={fleet} />
      {sums.length > 1 && (
        <div class="filters">
          <Select
            label={say('site')}
            value={site}
            onValue={setSite}
            options={[
              ['*', say('all')],
              ...sums.map((sum) => [sum.site, sum.site === '' ? say('noSite') : sum.site] as const),
            ]}
          />
        </div>
      )}
      <Tiles sum={sumOf(site, shown)} policy={fleet.policy.number} />
      <Unheard resolvers={shown.filter((one) => one.removed === null && isUnheard(one))} />
      <AllResolvers resolvers={shown} />
      {site === '*' && <Sites sums={sums} />}
      <ProbeOfAll site={site} />
    </>
  );
};

export const Resolvers = (): VNode => {
  const { say } = useText();
  const turn = useTicks(TICK_MS);
  const fleet = useData<FleetStatus>('/v1/fleet');
  const { reload } = fleet;
  // biome-ignore lint/correctness/useExhaustiveDependencies: each tick reads again
  useEffect(() => reload(), [turn]);
  return (
    <>
      <Head title={say('placeResolvers')} />
      <Loaded data={fleet}>{(known) => <Whole fleet={known} onChange={reload} />}</Loaded>
    </>
  );
};
