// Settings: people and roles, tokens, how people sign in, the networks, the configuration and what the notice says.
import type { VNode } from 'preact';
import type { Group } from '../api/members.ts';
import { Head, Loaded, Nothing, Panel } from '../parts/panel.tsx';
import { may, session, state } from '../parts/room.ts';
import { place } from '../parts/router.ts';
import { useText } from '../parts/say.tsx';
import { useStore } from '../parts/store.ts';
import { useData } from '../parts/use-data.ts';
import { ConfigurationTab } from './configuration.tsx';
import { NoticeTab } from './notice.tsx';
import { PeopleTab } from './people.tsx';
import { TokensTab } from './tokens.tsx';

const TABS = ['people', 'tokens', 'sign-in', 'networks', 'configuration', 'notice'] as const;
/** Operations without which nobody sees the tab. */
const NEEDED = {
  ...{ people: 'listPeople', tokens: 'listTokens' },
  ...{ configuration: 'readConfiguration', notice: 'readConfiguration' },
} as const;

const SignInTab = (): VNode => {
  const { say } = useText();
  const known = useStore(session);
  const methods = known?.methods;
  return (
    <Panel title={say('tabSignIn')}>
      <div class="body">
        <dl class="paper">
          <dt>{say('byAgency')}</dt>
          <dd>{methods?.oidc == null ? say('oidcOff') : methods.oidc.label}</dd>
          <dt>{say('passkey')}</dt>
          <dd>{methods?.passkey === true ? say('on') : say('passkeyOff')}</dd>
          <dt>{say('passwordAndCode')}</dt>
          <dd>{methods?.password === true ? say('on') : say('off')}</dd>
          <dt>{say('sessionsEnd')}</dt>
          <dd>{say('sessionsEndText')}</dd>
        </dl>
        <p class="small soft">{say('signInInFile')}</p>
      </div>
    </Panel>
  );
};

const NetworksTab = (): VNode => {
  const { say } = useText();
  const groups = useData<readonly Group[]>('/v1/groups', ['configuration']);
  const known = useStore(state);
  return (
    <Panel title={say('networks')} beside={known?.resolver.name}>
      <Loaded data={groups}>
        {(all) =>
          all.length === 0 ? (
            <Nothing>{say('noNetworks')}</Nothing>
          ) : (
            <table>
              <thead>
                <tr>
                  <th scope="col">{say('network')}</th>
                  <th scope="col">{say('clientsFrom')}</th>
                  <th scope="col">{say('placeLists')}</th>
                </tr>
              </thead>
              <tbody>
                {all.map((group) => (
                  <tr key={group.name}>
                    <th scope="row" class="word named">
                      <a href={`/networks/${encodeURIComponent(group.name)}`}>{group.name}</a>
                      {!group.inScope && <span class="tag"> {say('outOfScope')}</span>}
                    </th>
                    <td class="code">
                      {group.prefixes.length === 0 ? (
                        <span class="soft plain-face">{say('everybodyElse')}</span>
                      ) : (
                        group.prefixes.join(', ')
                      )}
                    </td>
                    <td>{group.lists.join(', ')}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          )
        }
      </Loaded>
    </Panel>
  );
};

export const Settings = (): VNode => {
  const { say } = useText();
  const { query } = useStore(place);
  const tabs = TABS.filter((one) => !(one in NEEDED) || may(NEEDED[one as keyof typeof NEEDED]));
  // Who follows a link to another one is told that it is not theirs.
  const tab = TABS.find((one) => one === query.get('tab')) ?? tabs[0];
  const names = {
    people: say('people'),
    tokens: say('tokens'),
    'sign-in': say('tabSignIn'),
    networks: say('networks'),
    configuration: say('tabConfiguration'),
    notice: say('tabNotice'),
  };
  return (
    <>
      <Head title={say('placeSettings')} />
      <nav class="tabs" aria-label={say('placeSettings')}>
        {tabs.map((one) => (
          <a key={one} href={`/settings?tab=${one}`} aria-current={one === tab ? 'page' : undefined}>
            {names[one]}
          </a>
        ))}
      </nav>
      {tab === 'people' && <PeopleTab />}
      {tab === 'tokens' && <TokensTab />}
      {tab === 'sign-in' && <SignInTab />}
      {tab === 'networks' && <NetworksTab />}
      {tab === 'configuration' && <ConfigurationTab />}
      {tab === 'notice' && <NoticeTab />}
    </>
  );
};
