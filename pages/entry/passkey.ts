// Passkeys by the browser's own interface, through the small library that knows its encodings.
import { startAuthentication, startRegistration } from '@simplewebauthn/browser';
import { act, ask, Fault } from '../api/client.ts';
import type { Session } from '../api/shapes.ts';

interface Challenge<Options> {
  readonly challenge: string;
  readonly options: Options;
}

type AuthenticationOptions = Parameters<typeof startAuthentication>[0]['optionsJSON'];
type RegistrationOptions = Parameters<typeof startRegistration>[0]['optionsJSON'];

/** What the browser or the person refused, as a fault that a page can show. */
const asFault = (error: unknown): Fault =>
  new Fault(400, 'PASSKEY', error instanceof Error ? error.message : String(error));

/** Proves who one is by a passkey; `path` is that of the challenge without `/options`. Rejects with a Fault. */
export const signWithPasskey = async (path: string, names: object = {}): Promise<Session> => {
  const { challenge, options } = await ask<Challenge<AuthenticationOptions>>(`${path}/options`, names);
  const response = await startAuthentication({ optionsJSON: options }).catch((error: unknown) => {
    throw asFault(error);
  });
  return ask<Session>(path, { challenge, response });
};

/** Makes a passkey; `path` as above, `body` goes with both requests, `asked` with the first. Rejects with a Fault. */
export const registerPasskey = async <Result = Session>(
  path: string,
  body: object,
  asked: object = {},
): Promise<Result> => {
  const outcome = await act<Challenge<RegistrationOptions>>(`${path}/options`, { ...body, ...asked });
  if ('pending' in outcome) throw asFault(outcome.pending.summary);
  const { challenge, options } = outcome.done;
  const response = await startRegistration({ optionsJSON: options }).catch((error: unknown) => {
    throw asFault(error);
  });
  return ask<Result>(path, { ...body, challenge, response });
};

/** True where the browser has passkeys: pages that came over HTTPS, or from this machine. */
export const hasPasskeys = (): boolean => typeof PublicKeyCredential !== 'undefined';
