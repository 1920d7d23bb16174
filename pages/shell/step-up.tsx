// Showing again who one is, before an act of two persons: a passkey, a code, or the agency's sign-in.

import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { ask } from '../api/client.ts';
import { signedInOf } from '../api/members.ts';
import type { Session } from '../api/shapes.ts';
import { signWithPasskey } from '../entry/passkey.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Form, TextField } from '../parts/form.tsx';
import { FaultNote } from '../parts/panel.tsx';
import { session, takeSession } from '../parts/room.ts';
import { useText } from '../parts/say.tsx';
import { Store, useStore } from '../parts/store.ts';
import { useDoing } from '../parts/use-data.ts';

/** Who waits for the answer. */
const waiting = new Store<((isDone: boolean) => void) | undefined>(undefined);

/** Asks the person; false when they gave up. */
export const askForStepUp = (): Promise<boolean> =>
  new Promise((resolve) => {
    waiting.value?.(false);
    waiting.set(resolve);
  });

const StepUpForm = ({ onEnd }: { readonly onEnd: (isDone: boolean) => void }): VNode => {
  const { say } = useText();
  const ways = signedInOf(useStore(session))?.stepUp;
  const [code, setCode] = useState('');
  const doing = useDoing();
  const end = (given: Session): void => {
    takeSession(given);
    onEnd(true);
  };
  const back = encodeURIComponent(location.pathname + location.search);
  return (
    <>
      <p class="soft">{say('stepUpWhy')}</p>
      <FaultNote fault={doing.fault} />
      {ways?.passkey === true && (
        <button
          type="button"
          class="first"
          disabled={doing.isBusy}
          onClick={() => doing.run(async () => end(await signWithPasskey('/session/step-up/passkey')))}
        >
          {say('stepUpPasskey')}
        </button>
      )}
      {ways?.code === true && (
        <Form
          onSend={() =>
            doing.run(async () => end(await ask<Session>('/session/step-up', { code: code.trim() })))
          }
        >
          <TextField
            label={say('totpCode')}
            value={code}
            onValue={setCode}
            autocomplete="one-time-code"
            inputMode="numeric"
            maxLength={9}
          />
          <div class="row">
            <button type="submit" class={ways.passkey ? '' : 'first'} disabled={doing.isBusy}>
              {say('confirm')}
            </button>
          </div>
        </Form>
      )}
      {ways?.oidc === true && (
        <a class="button" href={`/oidc/start?step=1&to=${back}`}>
          {say('stepUpOidc')}
        </a>
      )}
      <div class="row">
        <button type="button" class="plain" onClick={() => onEnd(false)}>
          {say('cancel')}
        </button>
      </div>
    </>
  );
};

export const StepUp = (): VNode | null => {
  const { say } = useText();
  const resolve = useStore(waiting);
  useEffect(() => () => waiting.value?.(false), []);
  if (resolve === undefined) return null;
  const end = (isDone: boolean): void => {
    waiting.set(undefined);
    resolve(isDone);
  };
  return (
    <Dialog title={say('stepUpTitle')} onClose={() => end(false)}>
      <StepUpForm onEnd={end} />
    </Dialog>
  );
};
