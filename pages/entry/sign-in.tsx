// Signing in: the agency's account first, local accounts below for the day it is down.
import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { ask } from '../api/client.ts';
import type { Session } from '../api/shapes.ts';
import { Form, TextField } from '../parts/form.tsx';
import { ProgramIcon } from '../parts/marks.tsx';
import { FaultNote, PageName } from '../parts/panel.tsx';
import { session, takeSession } from '../parts/room.ts';
import { place } from '../parts/router.ts';
import { useText } from '../parts/say.tsx';
import { useStore } from '../parts/store.ts';
import { useDoing } from '../parts/use-data.ts';
import { EntryChoosers } from '../shell/side.tsx';
import { hasPasskeys, signWithPasskey } from './passkey.ts';

/** Where one wanted to go: a path of ours and nothing else. */
export const wantedPlace = (query: URLSearchParams): string => {
  const to = query.get('to') ?? '/';
  return /^\/(?![/\\]|sign-in|setup)/.test(to) ? to : '/';
};

const LocalForm = ({ onDone }: { readonly onDone: (given: Session) => void }): VNode => {
  const { say } = useText();
  const methods = useStore(session)?.methods;
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const doing = useDoing();
  return (
    <div class="stack">
      <FaultNote fault={doing.fault} />
      {methods?.passkey === true && hasPasskeys() && (
        <button
          type="button"
          disabled={doing.isBusy}
          onClick={() => doing.run(async () => onDone(await signWithPasskey('/session/passkey')))}
        >
          {say('signInPasskey')}
        </button>
      )}
      {methods?.password === true && (
        <Form
          onSend={() =>
            doing.run(async () =>
              onDone(
                await ask<Session>('/session/password', {
                  name: name.trim(),
                  password,
                  code: code.replaceAll(' ', ''),
                }),
              ),
            )
          }
        >
          <TextField
            label={say('accountName')}
            value={name}
            onValue={setName}
            autocomplete="username"
            spellcheck={false}
          />
          <TextField
            type="password"
            label={say('password')}
            value={password}
            onValue={setPassword}
            autocomplete="current-password"
          />
          <TextField
            label={say('totpCode')}
            value={code}
            onValue={setCode}
            autocomplete="one-time-code"
            inputMode="numeric"
            maxLength={9}
          />
          <div class="row">
            <button type="submit" class={methods.oidc === null ? 'first' : ''} disabled={doing.isBusy}>
              {say('signInDo')}
            </button>
          </div>
        </Form>
      )}
    </div>
  );
};

/** Why the identity provider sent somebody back to no avail. */
export const EntryFault = (): VNode | null => {
  const { say } = useText();
  const fault = useStore(place).query.get('fault');
  if (fault === null) return null;
  return (
    <div class="note bad" role="alert">
      <b>{say('signInFailed')}</b> <code>{fault}</code>
    </div>
  );
};

export const SignIn = (): VNode => {
  const { say } = useText();
  const known = useStore(session);
  const { query } = useStore(place);
  const to = wantedPlace(query);
  const oidc = known?.methods.oidc ?? null;
  // Who is signed in is led to the place that was wanted.
  const done = takeSession;
  return (
    <main id="main" class="entry" tabIndex={-1}>
      <p class="brand">
        <ProgramIcon />
        <span>
          Cordon
          <small>{known?.agency ?? ''}</small>
        </span>
      </p>
      <PageName>{say('signInTitle')}</PageName>
      <EntryFault />
      {known?.needsSetup === true && <p class="note">{say('needsSetup')}</p>}
      {oidc !== null && (
        <section class="panel" aria-label={say('byAgency')}>
          <div class="body row">
            <a class="button first" href={`/oidc/start?to=${encodeURIComponent(to)}`}>
              {say('signInAgency')}
            </a>
            <span class="small soft">{oidc.label}</span>
          </div>
        </section>
      )}
      <section class="panel" aria-labelledby="local">
        <header>
          <h2 id="local">{say('localAccount')}</h2>
        </header>
        <div class="body stack">
          {oidc !== null && <p class="small soft">{say('localMeans')}</p>}
          <LocalForm onDone={done} />
        </div>
      </section>
      <EntryChoosers />
    </main>
  );
};
