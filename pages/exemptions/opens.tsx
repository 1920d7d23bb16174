// What an exemption opens: for whom, which names, how long, and how often they were asked for.
import type { VNode } from 'preact';
import type { Opens } from '../api/shapes.ts';
import { Name } from '../parts/panel.tsx';
import { useText } from '../parts/say.tsx';

const NAMES_MAX = 12;

export const OpensList = ({ opens }: { readonly opens: Opens }): VNode => {
  const { say, format } = useText();
  return (
    <dl class="paper">
      <dt>{say('opensNames')}</dt>
      <dd>
        {opens.names === null ? (
          <b>{say('allNames')}</b>
        ) : (
          <ul>
            {opens.names.slice(0, NAMES_MAX).map((name) => (
              <li key={name}>
                <Name name={name} /> {say('andBelow')}
              </li>
            ))}
            {opens.names.length > NAMES_MAX && <li>+{opens.names.length - NAMES_MAX}</li>}
          </ul>
        )}
      </dd>
      <dt>{say('opensFor')}</dt>
      <dd>
        {[
          opens.addresses > 0 && say('countAddresses', { count: opens.addresses }),
          opens.devices > 0 && say('countDevices', { count: opens.devices }),
          opens.groups.length > 0 &&
            say('countNetworks', { count: opens.groups.length, names: opens.groups.join(', ') }),
        ]
          .filter((part) => part !== false)
          .join('; ')}
      </dd>
      <dt>{say('opensHowLong')}</dt>
      <dd>{say('countDays', { count: Math.round(opens.days * 10) / 10 })}</dd>
      <dt>{say('opensAsked')}</dt>
      <dd>
        {opens.asked30d === null
          ? say('opensUnknown')
          : say('opensAskedCount', { queries: format.number(opens.asked30d), count: opens.asked30d })}
      </dd>
    </dl>
  );
};
