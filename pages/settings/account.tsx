// One's own account: who one is, what one may do, until when one is signed in.

import type { VNode } from 'preact';
import { signedInOf } from '../api/members.ts';
import { hasKeys, isDense } from '../parts/choices.ts';
import { Head, Panel } from '../parts/panel.tsx';
import { session, signOut, tellFault } from '../parts/room.ts';
import { useText } from '../parts/say.tsx';
import { useStore } from '../parts/store.ts';
import { OwnKeysPanel } from './own-keys.tsx';

export const Account = (): VNode => {
  const speech = useText();
  const { say, word, format } = speech;
  const known = signedInOf(useStore(session));
  const keysOn = useStore(hasKeys);
  const dense = useStore(isDense);
  if (known === undefined) return <Head title={say('placeAccount')} />;
  const { person } = known;
  return (
    <>
      <Head title={say('placeAccount')}>
        <button type="button" onClick={() => void signOut().catch(tellFault(speech))}>
          {say('signOut')}
        </button>
      </Head>
      <Panel title={person.name}>
        <div class="body stack">
          <dl class="paper">
            <dt>{say('roles')}</dt>
            <dd>{format.list(person.roles.map((role) => word('role', role)))}</dd>
            <dt>{say('signsInBy')}</dt>
            <dd>{person.kind === 'oidc' ? say('byAgency') : say('localAccount')}</dd>
            <dt>{say('signedInUntil')}</dt>
            <dd>
              {format.time(known.endsAt)}
              <br />
              <span class="small faint">{say('sessionsEndText')}</span>
            </dd>
            <dt>{say('mayDo')}</dt>
            <dd>
              <ul>
                {person.roles.map((role) => (
                  <li key={role}>
                    <b>{word('role', role)}</b>
                    {format.colon}
                    {word('roleMay', role)}
                  </li>
                ))}
              </ul>
            </dd>
          </dl>
          <label class="choice">
            <input
              type="checkbox"
              checked={keysOn}
              onChange={(event) => hasKeys.set(event.currentTarget.checked)}
            />
            <span>{say('keysOn')}</span>
          </label>
          <label class="choice">
            <input
              type="checkbox"
              checked={dense}
              onChange={(event) => isDense.set(event.currentTarget.checked)}
            />
            <span>{say('denseRows')}</span>
          </label>
        </div>
      </Panel>
      <OwnKeysPanel />
    </>
  );
};
