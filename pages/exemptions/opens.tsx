// What an exemption opens: for whom, which names, how long, and how often they were asked for.
import type { VNode } from 'preact';
import type { Opens } from '../api/members.ts';
import { AskedLimits } from '../parts/asked-span.tsx';
import { Name } from '../parts/panel.tsx';
import { useText } from '../parts/say.tsx';

const NAMES_MAX = 12;

export const OpensList = ({ opens }: { readonly opens: Opens }): VNode => {
  const { say, format } = useText();
  const { addresses, clients, devices, groups, askedNames } = opens;
  // Of prefixes whose addresses nobody can count, the prefixes.
  const who = [
    addresses === null ? clients.join(', ') : addresses > 0 && say('countAddresses', { count: addresses }),
    devices.length > 0 &&
      `${say('countDevices', { count: devices.length })}${format.colon}${devices.join(', ')}`,
    groups.length > 0 && say('countNetworks', { count: groups.length, names: groups.join(', ') }),
  ].filter((part) => part !== false && part !== '');
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
      <dd>{who.length === 0 ? '–' : who.join('; ')}</dd>
      <dt>{say('opensHowLong')}</dt>
      <dd>{opens.days === null ? '–' : say('countDays', { count: Math.round(opens.days * 10) / 10 })}</dd>
      <dt>{say('opensAsked')}</dt>
      <dd>
        {askedNames !== null ? (
          <>
            <ul>
              {askedNames.names.slice(0, NAMES_MAX).map(({ name, queries }) => (
                <li key={name}>
                  <Name name={name} />
                  {format.colon}
                  <b>{format.number(queries)}</b>
                </li>
              ))}
            </ul>
            <p class="small faint">
              {askedNames.groups.length === 0
                ? say('askedByAll')
                : say('askedByGroups', { names: askedNames.groups.join(', ') })}
            </p>
            <AskedLimits asked={askedNames} />
          </>
        ) : opens.asked30d === null ? (
          say('opensUnknown')
        ) : (
          say('opensAskedCount', { queries: format.number(opens.asked30d), count: opens.asked30d })
        )}
      </dd>
    </dl>
  );
};
