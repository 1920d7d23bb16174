// Networks and the proof of each: the order is that of the configuration and never changes while somebody reads.
import type { VNode } from 'preact';
import type { ShownNetwork } from '../api/members.ts';
import type { State } from '../api/shapes.ts';
import { RowStrip } from '../parts/charts.tsx';
import type { Mark } from '../parts/mark.ts';
import { StateMark } from '../parts/marks.tsx';
import { Panel } from '../parts/panel.tsx';
import { nowMs } from '../parts/room.ts';
import { useText } from '../parts/say.tsx';
import { ServiceText } from '../parts/service-text.tsx';
import { useTicks } from '../parts/use-data.ts';

/** The mark of a network: what is in force, and whether that is proven. */
export const networkMark = ({ inForce, inScope, proof }: ShownNetwork): Mark => {
  if (!inScope) return 'none';
  if (!inForce || proof.state === 'leaking') return 'bad';
  return proof.state === 'proven' ? 'ok' : 'warn';
};

const NetworkRow = ({
  network,
  strip,
}: {
  readonly network: ShownNetwork;
  readonly strip: State['strip'];
}): VNode => {
  const { say, word, format } = useText();
  const { proof, prefixes } = network;
  const mark = networkMark(network);
  const proven =
    proof.state === 'changed'
      ? '–'
      : proof.time === null
        ? word('proof', proof.state)
        : format.ago(Math.max(0, (nowMs() - Date.parse(proof.time)) / 1000));
  return (
    <tr>
      <th scope="row" class="whole">
        <span class="nowrap">
          <StateMark mark={mark} />
          <span class="unseen">{`${network.inScope ? word('network', mark) : say('outOfScope')}${format.colon}`}</span>{' '}
          <a href={`/networks/${encodeURIComponent(network.group)}`}>{network.group}</a>
        </span>
        {proof.state !== 'changed' && (
          <span class="folded small faint">
            {proof.time === null ? proven : `${say('proven')}${format.colon}${proven}`}
          </span>
        )}
        {/* Here and not among the times: there is no room for words there. */}
        {proof.state === 'changed' && <span class="small soft"> {word('proof', 'changed')}</span>}
        {proof.reason !== null && (
          <span class="small soft">
            {' '}
            <ServiceText text={proof.reason} />
          </span>
        )}
      </th>
      <td class="wide code faint whole">
        {prefixes.length === 0 ? (
          <span class="soft plain-face">{say('everybodyElse')}</span>
        ) : (
          <>
            {prefixes.slice(0, 2).join(', ')}
            {prefixes.length > 2 && ` +${prefixes.length - 2}`}
          </>
        )}
      </td>
      <td class="wide strip-cell">
        <RowStrip from={strip.from} to={strip.to} spans={network.strip} />
      </td>
      <td class="num wide">{proven}</td>
      <td class="num">{format.number(network.refusedToday)}</td>
      <td class="num wide">{network.clientsToday === null ? '–' : format.number(network.clientsToday)}</td>
      <td class="num wide">{network.exempt === 0 ? '–' : format.number(network.exempt)}</td>
    </tr>
  );
};

export const NetworksPanel = ({ known }: { readonly known: State }): VNode => {
  const { say } = useText();
  useTicks(1_000);
  return (
    <Panel
      title={say('networksTitle')}
      beside={say('networksBeside')}
      aside={<a href="/proof">{say('networksProof')}</a>}
    >
      <table>
        <thead>
          <tr>
            <th scope="col">{say('network')}</th>
            <th scope="col" class="wide">
              {say('clientsFrom')}
            </th>
            <th scope="col" class="wide">
              {say('lastDay')}
            </th>
            <th scope="col" class="num wide">
              {say('proven')}
            </th>
            <th scope="col" class="num">
              {say('refused')}
            </th>
            <th scope="col" class="num wide">
              {say('clients')}
            </th>
            <th scope="col" class="num wide">
              {say('exempt')}
            </th>
          </tr>
        </thead>
        <tbody>
          {known.networks.map((network) => (
            <NetworkRow key={network.group} network={network} strip={known.strip} />
          ))}
        </tbody>
      </table>
      {known.counts.networks > known.networks.length && (
        <p class="foot small">
          {say('networksSome')} <a href="/proof">{say('networksAll', { count: known.counts.networks })}</a>
        </p>
      )}
    </Panel>
  );
};
