// First set-up, and the enrolment of a person: by a token that stands in the fragment, which no log ever sees.
//
// The token is taken out of the address at once, so that it is in no history and no picture of the screen.
import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { ask, Fault, faultOf } from '../api/client.ts';
import type { Session } from '../api/shapes.ts';
import { Form, TextField } from '../parts/form.tsx';
import { ProgramIcon } from '../parts/marks.tsx';
import { FaultNote, PageName } from '../parts/panel.tsx';
import { takeSession } from '../parts/room.ts';
import { go } from '../parts/router.ts';
import { useText } from '../parts/say.tsx';
import { type Data, useDoing } from '../parts/use-data.ts';
import { EntryChoosers } from '../shell/side.tsx';
import { AppSecret, type Totp } from './app-secret.tsx';
import { hasPasskeys, registerPasskey } from './passkey.ts';

interface Enrolment {
  readonly kind: string;
  readonly name: string | null;
  readonly expiresAt: string;
  readonly passkey: boolean;
}

const Enrol = ({ token, enrolment }: { readonly token: string; readonly enrolment: Enrolment }): VNode => {
  const { say, format } = useText();
  const [name, setName] = useState(enrolment.name ?? '');
  const [password, setPassword] = useState('');
  const [totp, setTotp] = useState<Totp | undefined>(undefined);
  const [code, setCode] = useState('');
  const doing = useDoing();
  const done = (given: Session): void => {
    takeSession(given);
    go(enrolment.kind === 'first' ? '/settings' : '/', true);
  };
  if (totp !== undefined)
    return (
      <Form
        onSend={() =>
          doing.run(async () =>
            done(await ask<Session>('/setup/confirm', { token, code: code.replaceAll(' ', '') })),
          )
        }
      >
        <FaultNote fault={doing.fault} />
        <AppSecret totp={totp} />
        <TextField
          label={say('totpCode')}
          value={code}
          onValue={setCode}
          autocomplete="one-time-code"
          inputMode="numeric"
          maxLength={9}
        />
        <div class="row">
          <button type="submit" class="first" disabled={doing.isBusy}>
            {say('confirm')}
          </button>
        </div>
      </Form>
    );
  return (
    <Form
      onSend={() =>
        doing.run(async () =>
          setTotp(await ask<Totp>('/setup/password', { token, name: name.trim(), password })),
        )
      }
    >
      <FaultNote fault={doing.fault} />
      <p class="soft">
        {enrolment.kind === 'first' ? say('setUpFirst') : say('setUpPerson')}{' '}
        {say('setUpExpires', { time: format.time(enrolment.expiresAt) })}
      </p>
      {enrolment.name === null ? (
        <TextField
          label={say('accountName')}
          value={name}
          onValue={setName}
          autocomplete="username"
          spellcheck={false}
        />
      ) : (
        <p>
          {say('accountName')}
          {format.colon}
          <b>{enrolment.name}</b>
        </p>
      )}
      {enrolment.passkey && hasPasskeys() && (
        <section class="panel" aria-labelledby="passkey">
          <header>
            <h2 id="passkey">{say('passkey')}</h2>
            <span class="small faint">{say('passkeyBest')}</span>
          </header>
          <div class="body">
            <button
              type="button"
              class="first"
              disabled={doing.isBusy || name.trim() === ''}
              onClick={() =>
                doing.run(async () =>
                  done(await registerPasskey('/setup/passkey', { token }, { name: name.trim() })),
                )
              }
            >
              {say('passkeyMake')}
            </button>
          </div>
        </section>
      )}
      <section class="panel" aria-labelledby="password">
        <header>
          <h2 id="password">{say('passwordAndCode')}</h2>
        </header>
        <div class="body stack">
          <TextField
            type="password"
            label={say('password')}
            hint={say('passwordHint')}
            value={password}
            onValue={setPassword}
            autocomplete="new-password"
          />
          <div class="row">
            <button
              type="submit"
              class={enrolment.passkey && hasPasskeys() ? '' : 'first'}
              disabled={doing.isBusy || name.trim() === ''}
            >
              {say('next')}
            </button>
          </div>
        </div>
      </section>
    </Form>
  );
};

/** Reads what the token enrols; the token is kept in memory only. */
const useEnrolment = (token: string): Data<Enrolment> => {
  const [value, setValue] = useState<Enrolment | undefined>(undefined);
  const [fault, setFault] = useState<Fault | undefined>(undefined);
  useEffect(() => {
    if (token === '') {
      setFault(new Fault(404, 'NO_TOKEN', ''));
      return;
    }
    ask<Enrolment>('/setup', { token }).then(setValue, (error: unknown) => setFault(faultOf(error)));
  }, [token]);
  return { value, fault, reload: () => {} };
};

export const SetUp = (): VNode => {
  const { say } = useText();
  const [token] = useState(() => {
    const found = decodeURIComponent(location.hash.slice(1));
    if (found !== '') history.replaceState(null, '', location.pathname);
    return found;
  });
  const { value: enrolment, fault } = useEnrolment(token);
  return (
    <main id="main" class="entry" tabIndex={-1}>
      <p class="brand">
        <ProgramIcon />
        <span>Cordon</span>
      </p>
      <PageName>{enrolment?.kind === 'person' ? say('setUpPersonTitle') : say('setUpTitle')}</PageName>
      {fault !== undefined &&
        (token === '' ? <p class="note">{say('setUpNoToken')}</p> : <FaultNote fault={fault} />)}
      {fault !== undefined && fault.status !== 0 && token !== '' && <p class="soft">{say('setUpAgain')}</p>}
      {enrolment !== undefined && <Enrol token={token} enrolment={enrolment} />}
      <EntryChoosers />
    </main>
  );
};
