// Which mandate reaches which network, and how each stands.
import type { VNode } from 'preact';
import type { State } from '../api/shapes.ts';
import type { Mark } from '../parts/mark.ts';
import { StateMark } from '../parts/marks.tsx';
import { Panel } from '../parts/panel.tsx';
import { useText } from '../parts/say.tsx';
import { ServiceText } from '../parts/service-text.tsx';

type Mandate = State['mandates'][number];

const MARKS: Readonly<Record<Mandate['networks'][number]['reach'], Mark>> = {
  whole: 'ok',
  part: 'warn',
  none: 'none',
};

const REACHES = ['whole', 'part', 'none'] as const;

/** Nothing where the configuration names no mandate. Of more networks than the state has, only how many each reaches is told. */
export const MandatesPanel = ({
  mandates,
  networks,
}: Pick<State, 'mandates'> & { readonly networks: number }): VNode | null => {
  const { say, word, format } = useText();
  const [first] = mandates;
  if (first === undefined) return null;
  const isWhole = first.networks.length === networks;
  return (
    <Panel title={say('mandatesTitle')} beside={say('mandatesBeside')}>
      <table>
        <thead>
          <tr>
            <th scope="col">{say('mandateName')}</th>
            <th scope="col">{say('mandateStands')}</th>
            {isWhole ? (
              first.networks.map(({ group }) => (
                <th key={group} scope="col">
                  {group}
                </th>
              ))
            ) : (
              <th scope="col">{say('networks')}</th>
            )}
          </tr>
        </thead>
        <tbody>
          {mandates.map((one) => (
            <tr key={one.id}>
              <th scope="row" title={one.title}>
                {one.id}
              </th>
              <td>
                <span class={one.standing === 'in-force' ? undefined : 'tag warn'}>
                  {word('standing', one.standing)}
                </span>
                {one.isUnread && <span class="soft small"> {say('mandateUnread')}</span>}
              </td>
              {isWhole ? (
                one.networks.map(({ group, reach, why }) => (
                  <td key={group}>
                    <StateMark mark={MARKS[reach]} /> {word('reach', reach)}
                    {why !== '' && (
                      <span class="soft small">
                        {' '}
                        <ServiceText text={why} />
                      </span>
                    )}
                  </td>
                ))
              ) : (
                <td>
                  {REACHES.filter((reach) => one.reaches[reach] > 0).map((reach) => (
                    <span key={reach} class="nowrap">
                      <StateMark mark={MARKS[reach]} /> {word('reach', reach)}
                      {format.colon}
                      {format.number(one.reaches[reach])}{' '}
                    </span>
                  ))}
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
};
