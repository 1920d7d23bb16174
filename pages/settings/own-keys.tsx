// How one signs in oneself: another password with another app, and passkeys. Each change needs proof that is not older than
// five minutes, which the dialog asks for.
import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { act } from '../api/client.ts';
import { signedInOf } from '../api/members.ts';
import type { OwnKeys } from '../api/shapes.ts';
import { AppSecret, type Totp } from '../entry/app-secret.tsx';
import { hasPasskeys, registerPasskey } from '../entry/passkey.ts';
import { Form, TextField } from '../parts/form.tsx';
import { FaultNote, Loaded, Nothing, Panel } from '../parts/panel.tsx';
import { session, toast } from '../parts/room.ts';
import { useText } from '../parts/say.tsx';
import { useStore } from '../parts/store.ts';
import { useData, useDoing } from '../parts/use-data.ts';

interface Changing {
  readonly onDone: () => void;
}

const NewPassword = ({ onDone }: Changing): VNode => {
  const { say } = useText();
  const [password, setPassword] = useState('');
  const [totp, setTotp] = useState<Totp | undefined>(undefined);
  const [code, setCode] = useState('');
  const doing = useDoing();
  const propose = async (): Promise<void> => {
    const outcome = await act<Totp>('/session/keys/password', { password });
    if ('done' in outcome) setTotp(outcome.done);
  };
  const confirm = async (): Promise<void> => {
    await act('/session/keys/password/confirm', { code: code.replaceAll(' ', '') });
    setTotp(undefined);
    setPassword('');
    setCode('');
    toast.set({ text: say('keysChanged'), isBad: false });
    onDone();
  };
  return (
    <Form onSend={() => doing.run(totp === undefined ? propose : confirm)}>
      <FaultNote fault={doing.fault} />
      {totp === undefined ? (
        <TextField
          type="password"
          label={say('newPassword')}
          hint={say('passwordHint')}
          value={password}
          onValue={setPassword}
          autocomplete="new-password"
        />
      ) : (
        <>
          <AppSecret totp={totp} />
          <TextField
            label={say('totpCode')}
            value={code}
            onValue={setCode}
            autocomplete="one-time-code"
            inputMode="numeric"
            maxLength={9}
          />
        </>
      )}
      <div class="row">
        <button type="submit" disabled={doing.isBusy || (totp === undefined ? password : code) === ''}>
          {totp === undefined ? say('next') : say('changePassword')}
        </button>
      </div>
    </Form>
  );
};

const PasskeyList = ({ keys, onDone }: Changing & { readonly keys: OwnKeys }): VNode => {
  const { say, format } = useText();
  const known = signedInOf(useStore(session));
  const doing = useDoing();
  const remove = (id: string): void =>
    doing.run(async () => {
      await act('/session/keys/remove', { id });
      onDone();
    });
  const add = async (): Promise<void> => {
    await registerPasskey<OwnKeys>('/session/keys/passkey', {});
    onDone();
  };
  return (
    <div class="stack">
      <FaultNote fault={doing.fault} />
      {keys.passkeys.length > 0 && (
        <ul class="stack">
          {keys.passkeys.map(({ id, createdAt }) => (
            <li key={id} class="row">
              <span>
                {say('passkeyOf', { time: format.time(createdAt) })} <code>{id.slice(0, 8)}</code>
              </span>
              <button type="button" class="stern" disabled={doing.isBusy} onClick={() => remove(id)}>
                {say('removePerson')}
              </button>
            </li>
          ))}
        </ul>
      )}
      {known?.methods.passkey === true && hasPasskeys() && (
        <div class="row">
          <button type="button" disabled={doing.isBusy} onClick={() => doing.run(add)}>
            {say('passkeyMake')}
          </button>
        </div>
      )}
    </div>
  );
};

/** The ways in of who is signed in. */
export const OwnKeysPanel = (): VNode => {
  const { say } = useText();
  const keys = useData<OwnKeys>('/session/keys');
  return (
    <Panel title={say('signsInBy')} beside={say('ownKeysBeside')}>
      <Loaded data={keys}>
        {(found) =>
          found.isLocal ? (
            <div class="body stack">
              <h3>{say('passwordAndCode')}</h3>
              {!found.hasPassword && <p class="soft">{say('noPassword')}</p>}
              <NewPassword onDone={keys.reload} />
              <h3>{say('passkey')}</h3>
              <PasskeyList keys={found} onDone={keys.reload} />
            </div>
          ) : (
            <Nothing>{say('keysElsewhere')}</Nothing>
          )
        }
      </Loaded>
    </Panel>
  );
};
