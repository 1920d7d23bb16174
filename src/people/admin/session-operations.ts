// Signing in to the control room, and the enrolment of people, by a token that was handed to them once.
import { z } from 'zod';
import { gives, listOf, operationsOn, ROLES } from './operation.ts';

/** Characters of an account's name, as records show it. */
const NAME_LENGTH_MAX = 64;
/** Characters of a password: a sentence; each attempt hashes all of them. */
const PASSWORD_LENGTH_MIN = 12;
const PASSWORD_LENGTH_MAX = 200;
/** Of a random token in base64url, with room. */
const TOKEN_LENGTH_MAX = 100;
/** Bytes of a credential's identifier are at most 1,023 (Web Authentication Level 3); in base64url. */
const PASSKEY_ID_LENGTH_MAX = 1_364;
/** Members of what a browser says of a passkey; what is in them is judged by the library. */
const TEXT_LENGTH_MAX = 16_384;

/** What one person may sign in with. */
const methods = z
  .object({
    oidc: z.object({ label: z.string() }).nullable(),
    password: z.boolean(),
    passkey: z.boolean(),
  })
  .meta({ id: 'SignInMethods' });

const common = {
  /** Header `x-csrf-token` of every POST. */
  csrf: z.string(),
  agency: z.string().nullable(),
  version: z.string(),
  needsSetup: z.boolean(),
  methods,
};

const session = z
  .discriminatedUnion('signedIn', [
    z.object({ signedIn: z.literal(false), ...common }),
    z.object({
      signedIn: z.literal(true),
      ...common,
      person: z.object({
        id: z.string(),
        name: z.string(),
        account: z.string(),
        roles: z.array(z.enum(ROLES)).readonly(),
        kind: z.enum(['local', 'oidc', 'token']),
      }),
      /** Operations that this person may use. */
      may: z.array(z.string()).readonly(),
      startedAt: z.string(),
      endsAt: z.string(),
      idleEndsAt: z.string(),
      /** Until then, what needs proof is done without asking again. */
      steppedUpUntil: z.string().nullable(),
      stepUp: z.object({ code: z.boolean(), passkey: z.boolean(), oidc: z.boolean() }),
    }),
  ])
  .meta({ id: 'Session' });

/** Who is signed in, and by what one may. */
export type SessionShown = Readonly<z.output<typeof session>>;

const accountName = z
  .string()
  .trim()
  .min(1)
  .max(NAME_LENGTH_MAX)
  .regex(/^\P{C}*$/u);
const password = z.string().min(PASSWORD_LENGTH_MIN).max(PASSWORD_LENGTH_MAX);
const code = z.string().regex(/^\d{6}$/);
const token = z.string().min(1).max(TOKEN_LENGTH_MAX);
const challenge = z.string().min(1).max(TOKEN_LENGTH_MAX);
const text = z.string().max(TEXT_LENGTH_MAX);
const extensions = z.record(z.string().max(NAME_LENGTH_MAX), z.unknown()).optional();
const attachment = z.string().max(NAME_LENGTH_MAX).optional();

/** AuthenticationResponseJSON and RegistrationResponseJSON of Web Authentication Level 3. */
const assertion = z.object({
  id: text,
  rawId: text,
  type: z.literal('public-key'),
  authenticatorAttachment: attachment,
  clientExtensionResults: extensions,
  response: z.object({
    clientDataJSON: text,
    authenticatorData: text,
    signature: text,
    userHandle: text.optional(),
  }),
});
const attestation = z.object({
  id: text,
  rawId: text,
  type: z.literal('public-key'),
  authenticatorAttachment: attachment,
  clientExtensionResults: extensions,
  response: z.object({
    clientDataJSON: text,
    attestationObject: text,
    transports: z.array(z.string().max(NAME_LENGTH_MAX)).max(16).optional(),
  }),
});

/** What a browser says of a passkey that somebody signs in with. */
export type Assertion = Readonly<z.output<typeof assertion>>;
/** What a browser says of a passkey that it has made. */
export type Attestation = Readonly<z.output<typeof attestation>>;

const passkeyAsked = z.object({
  challenge: z.string(),
  options: z.record(z.string(), z.unknown()),
});
const enrolment = z.object({
  /** `first`: nobody is known yet; `person`: an account waits for its owner. */
  kind: z.enum(['first', 'person']),
  name: z.string().nullable(),
  expiresAt: z.string(),
  passkey: z.boolean(),
});

const ownKeys = z
  .object({
    /** False: the identity provider keeps the ways in. */
    isLocal: z.boolean(),
    hasPassword: z.boolean(),
    passkeys: listOf(z.object({ id: z.string(), createdAt: z.string() })),
  })
  .meta({ id: 'OwnKeys' });
const appSecret = z.object({ secret: z.string(), uri: z.string() });

/** How who is signed in signs in. */
export type OwnKeysShown = Readonly<z.output<typeof ownKeys>>;
/** What a browser is asked for a passkey with. */
export type PasskeyAsked = Readonly<z.output<typeof passkeyAsked>>;
/** What a token enrols. */
export type Enrolment = Readonly<z.output<typeof enrolment>>;

/**
 * The session of one request, as the control room implements it. All reject with an AppError ERR_ROOM_…, none of which
 * tells whether an account exists.
 */
export interface SessionControl {
  show(): SessionShown;
  signInByPassword(name: string, password: string, code: string): Promise<SessionShown>;
  passkeyOptions(): Promise<PasskeyAsked>;
  signInByPasskey(challenge: string, response: Assertion): Promise<SessionShown>;
  stepUpByCode(code: string): Promise<SessionShown>;
  stepUpOptions(): Promise<PasskeyAsked>;
  stepUpByPasskey(challenge: string, response: Assertion): Promise<SessionShown>;
  end(): SessionShown;
  readEnrolment(token: string): Enrolment;
  enrolByPassword(token: string, name: string, password: string): Promise<{ secret: string; uri: string }>;
  confirmEnrolment(token: string, code: string): Promise<SessionShown>;
  enrolmentOptions(token: string, name: string): Promise<PasskeyAsked>;
  enrolByPasskey(token: string, challenge: string, response: Attestation): Promise<SessionShown>;
  /** How who is signed in signs in, and changes of that. */
  ownKeys(): OwnKeysShown;
  proposePassword(password: string): Promise<{ secret: string; uri: string }>;
  confirmPassword(code: string): OwnKeysShown;
  ownPasskeyOptions(): Promise<PasskeyAsked>;
  addOwnPasskey(challenge: string, response: Attestation): Promise<OwnKeysShown>;
  removeOwnPasskey(id: string): OwnKeysShown;
}

const onSession = operationsOn<SessionControl>('session', { door: 'room', failureStatus: 409 });
const open = { roles: [], isOpen: true } as const;
const own = { method: 'POST', roles: ROLES, needsProof: true } as const;

/** Who is signed in, and how one signs in and out. */
export const SESSION_OPERATIONS = {
  readSession: onSession({
    ...open,
    method: 'GET',
    path: '/session',
    summary: 'Who is signed in, and how one may sign in',
    result: session,
    handle: (control) => Promise.resolve(gives(control.show())),
  }),
  signInByPassword: onSession({
    ...open,
    method: 'POST',
    path: '/session/password',
    summary: 'Signs in with a local account: name, password and code of an authenticator app',
    body: z.strictObject({ name: accountName, password: z.string().max(PASSWORD_LENGTH_MAX), code }),
    form: '{ "name": text, "password": text, "code": 6 digits }',
    result: session,
    handle: async (control, { body }) =>
      gives(await control.signInByPassword(body.name, body.password, body.code)),
  }),
  askForPasskey: onSession({
    ...open,
    method: 'POST',
    path: '/session/passkey/options',
    summary: 'What a browser is asked with when somebody signs in by passkey',
    body: z.strictObject({}),
    form: '{ }',
    result: passkeyAsked,
    handle: async (control) => gives(await control.passkeyOptions()),
  }),
  signInByPasskey: onSession({
    ...open,
    method: 'POST',
    path: '/session/passkey',
    summary: 'Signs in by passkey',
    body: z.strictObject({ challenge, response: assertion }),
    form: '{ "challenge": text, "response": object of the browser }',
    result: session,
    handle: async (control, { body }) => gives(await control.signInByPasskey(body.challenge, body.response)),
  }),
  proveByCode: onSession({
    method: 'POST',
    path: '/session/step-up',
    summary: 'Proves again who is signed in, by the code of an authenticator app',
    roles: ROLES,
    body: z.strictObject({ code }),
    form: '{ "code": 6 digits }',
    result: session,
    handle: async (control, { body }) => gives(await control.stepUpByCode(body.code)),
  }),
  askForProof: onSession({
    method: 'POST',
    path: '/session/step-up/passkey/options',
    summary: 'What a browser is asked with for proof by passkey',
    roles: ROLES,
    body: z.strictObject({}),
    form: '{ }',
    result: passkeyAsked,
    handle: async (control) => gives(await control.stepUpOptions()),
  }),
  proveByPasskey: onSession({
    method: 'POST',
    path: '/session/step-up/passkey',
    summary: 'Proves again who is signed in, by passkey',
    roles: ROLES,
    body: z.strictObject({ challenge, response: assertion }),
    form: '{ "challenge": text, "response": object of the browser }',
    result: session,
    handle: async (control, { body }) => gives(await control.stepUpByPasskey(body.challenge, body.response)),
  }),
  keepSession: onSession({
    method: 'POST',
    path: '/session/keep',
    summary: 'Keeps a session from ending for want of use',
    roles: ROLES,
    body: z.strictObject({}),
    form: '{ }',
    result: session,
    handle: (control) => Promise.resolve(gives(control.show())),
  }),
  endSession: onSession({
    ...open,
    method: 'POST',
    path: '/session/end',
    summary: 'Signs out',
    body: z.strictObject({}),
    form: '{ }',
    result: session,
    handle: (control) => Promise.resolve(gives(control.end())),
  }),
  readEnrolment: onSession({
    ...open,
    method: 'POST',
    path: '/setup',
    summary: 'What a token of set-up or enrolment is for',
    body: z.strictObject({ token }),
    form: '{ "token": text }',
    result: enrolment,
    handle: (control, { body }) => Promise.resolve(gives(control.readEnrolment(body.token))),
  }),
  enrolByPassword: onSession({
    ...open,
    method: 'POST',
    path: '/setup/password',
    summary: 'Takes a password, and gives the secret of an authenticator app, which is confirmed by a code',
    body: z.strictObject({ token, name: accountName, password }),
    form: `{ "token": text, "name": text, "password": ${PASSWORD_LENGTH_MIN} to ${PASSWORD_LENGTH_MAX} characters }`,
    result: appSecret,
    handle: async (control, { body }) =>
      gives(await control.enrolByPassword(body.token, body.name, body.password)),
  }),
  confirmEnrolment: onSession({
    ...open,
    method: 'POST',
    path: '/setup/confirm',
    summary: 'Confirms password and app by a code, and signs in',
    body: z.strictObject({ token, code }),
    form: '{ "token": text, "code": 6 digits }',
    result: session,
    handle: async (control, { body }) => gives(await control.confirmEnrolment(body.token, body.code)),
  }),
  askForNewPasskey: onSession({
    ...open,
    method: 'POST',
    path: '/setup/passkey/options',
    summary: 'What a browser is asked with to make a passkey',
    body: z.strictObject({ token, name: accountName }),
    form: '{ "token": text, "name": text }',
    result: passkeyAsked,
    handle: async (control, { body }) => gives(await control.enrolmentOptions(body.token, body.name)),
  }),
  enrolByPasskey: onSession({
    ...open,
    method: 'POST',
    path: '/setup/passkey',
    summary: 'Takes a new passkey, and signs in',
    body: z.strictObject({ token, challenge, response: attestation }),
    form: '{ "token": text, "challenge": text, "response": object of the browser }',
    result: session,
    handle: async (control, { body }) =>
      gives(await control.enrolByPasskey(body.token, body.challenge, body.response)),
  }),
  readOwnKeys: onSession({
    method: 'GET',
    path: '/session/keys',
    summary: 'How who is signed in signs in',
    roles: ROLES,
    result: ownKeys,
    handle: (control) => Promise.resolve(gives(control.ownKeys())),
  }),
  proposeOwnPassword: onSession({
    ...own,
    path: '/session/keys/password',
    summary: 'Takes another password of who is signed in, and gives the secret of another authenticator app',
    body: z.strictObject({ password }),
    form: `{ "password": ${PASSWORD_LENGTH_MIN} to ${PASSWORD_LENGTH_MAX} characters }`,
    result: appSecret,
    handle: async (control, { body }) => gives(await control.proposePassword(body.password)),
  }),
  confirmOwnPassword: onSession({
    ...own,
    path: '/session/keys/password/confirm',
    summary:
      'Puts the other password and app in place, by a code, and ends all other sessions of the account',
    body: z.strictObject({ code }),
    form: '{ "code": 6 digits }',
    result: ownKeys,
    handle: (control, { body }) => Promise.resolve(gives(control.confirmPassword(body.code))),
  }),
  askForOwnPasskey: onSession({
    ...own,
    path: '/session/keys/passkey/options',
    summary: 'What a browser is asked with to make one more passkey',
    body: z.strictObject({}),
    form: '{ }',
    result: passkeyAsked,
    handle: async (control) => gives(await control.ownPasskeyOptions()),
  }),
  addOwnPasskey: onSession({
    ...own,
    path: '/session/keys/passkey',
    summary: 'Takes one more passkey of who is signed in',
    body: z.strictObject({ challenge, response: attestation }),
    form: '{ "challenge": text, "response": object of the browser }',
    result: ownKeys,
    handle: async (control, { body }) => gives(await control.addOwnPasskey(body.challenge, body.response)),
  }),
  removeOwnPasskey: onSession({
    ...own,
    path: '/session/keys/remove',
    summary: 'Takes a passkey of who is signed in away, but not the last way in',
    body: z.strictObject({ id: z.string().min(1).max(PASSKEY_ID_LENGTH_MAX) }),
    form: '{ "id": text }',
    result: ownKeys,
    handle: (control, { body }) => Promise.resolve(gives(control.removeOwnPasskey(body.id))),
  }),
};
