// One certificate: account, order, challenges by tls-alpn-01, request, download (RFC 8555 section 7, RFC 8737, RFC 8738).
//
// All challenges of an order are open at the same time, from before the authority is told until it has looked, and for its
// names alone. Every wait is counted, and the whole has an end that the caller sets: a directory that never says yes or no is
// left. The key of the certificate is made here, for this one.
import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { acmeError, quoted } from './acme-error.ts';
import { type Identifier, toIdentifier } from './identifier.ts';
import { checkIssued } from './issued.ts';
import { type Challenge, createChallenge, createKey, createRequest, exportKey } from './request.ts';
import { type ExternalAccount, jwkOf, membersOf, type Session } from './session.ts';

const CHALLENGE_TYPE = 'tls-alpn-01';
const TOKEN = /^[A-Za-z0-9_-]{16,256}$/;
/** Looks at what is not done yet; with their waits, less than ten minutes. */
const LOOKS_MAX = 40;
/** Between two looks, milliseconds: the first, and the longest, unless the directory asks for more. */
const LOOK_MS_MIN = 1_000;
const LOOK_MS_MAX = 15_000;
/** Of one wait that a directory asks for, milliseconds. */
const ASKED_MS_MAX = 60_000;

/** What is wanted. */
export interface CertificateOrder {
  readonly identifiers: readonly Identifier[];
  /** A kind of certificate that the authority has a name for. */
  readonly profile: string | undefined;
  /** The certificate that this one is to replace (RFC 9773 section 5). */
  readonly replaces: string | undefined;
}

/** Who asks. */
export interface Applicant {
  readonly contact: string | undefined;
  readonly agreesToTerms: boolean;
  readonly externalAccount: ExternalAccount | undefined;
}

/** What an order works with. */
export interface OrderParts {
  readonly session: Session;
  /** Key of the account. */
  readonly accountKey: KeyObject;
  /** Lets all listeners answer these challenges and no others; resolves when they do. */
  openChallenges(challenges: readonly Challenge[]): Promise<void>;
  /** Waits, milliseconds; rejects when the order is given up. */
  wait(ms: number): Promise<void>;
  nowMs(): number;
}

/** PEM. */
export interface IssuedCertificate {
  readonly cert: string;
  readonly key: string;
}

/** Address of the account of the session's key, registered if need be; throws AppError of AcmeErrorCode. */
export const openAccount = async (session: Session, applicant: Applicant): Promise<string> => {
  const { contact, agreesToTerms, externalAccount } = applicant;
  const { newAccount, meta } = await session.directory();
  if (meta.termsOfService !== undefined && !agreesToTerms) {
    throw acmeError('ERR_ACME_TERMS', `the authority has terms: ${quoted(meta.termsOfService)}`, {
      hint: 'read them, then write tls.acme.terms-agreed: true',
    });
  }
  if (meta.externalAccountRequired && externalAccount === undefined) {
    throw acmeError('ERR_ACME_EXTERNAL_ACCOUNT', 'the authority wants to know whose account it is', {
      hint: 'ask it for an identifier and a key, and name both in tls.acme.external-account',
    });
  }
  const { fields } = await session.post(
    newAccount,
    {
      termsOfServiceAgreed: agreesToTerms,
      contact: contact === undefined ? [] : [`mailto:${contact}`],
      ...(externalAccount && { externalAccountBinding: session.bind(newAccount, externalAccount) }),
    },
    { withKey: true },
  );
  const { location } = fields;
  if (location === undefined)
    throw acmeError('ERR_ACME_ANSWER', 'the directory does not say where the account is');
  return location;
};

/** Obtains a certificate with a new key, for the account of the session; throws AppError of AcmeErrorCode. */
export const obtainCertificate = async (
  parts: OrderParts,
  wanted: CertificateOrder,
): Promise<IssuedCertificate> => {
  const { session, nowMs } = parts;
  const { newOrder, meta } = await session.directory();
  const { identifiers, profile, replaces } = wanted;
  if (profile !== undefined && !meta.profiles.includes(profile)) {
    const known = quoted(meta.profiles.join(', ')) || 'none';
    throw acmeError('ERR_ACME_REFUSED', `the authority has no profile "${profile}"`, {
      hint: `it has: ${known}`,
    });
  }
  const { json, fields } = await session.post(newOrder, {
    identifiers,
    ...(profile === undefined ? {} : { profile }),
    ...(replaces === undefined ? {} : { replaces }),
  });
  const place = fields['location'];
  const authorizations = Array.isArray(json['authorizations']) ? (json['authorizations'] as unknown[]) : [];
  if (authorizations.length === 0 || authorizations.length > identifiers.length) {
    throw acmeError('ERR_ACME_ANSWER', `the order has ${authorizations.length} authorizations`);
  }
  try {
    await authorize(parts, identifiers, authorizations);
  } finally {
    await parts.openChallenges([]);
  }
  await waitFor(parts, place, 'the order', (order) => order['status'] !== 'pending');
  const key = createKey();
  const csr = createRequest(key, createPublicKey(key), identifiers).toString('base64url');
  await session.post(json['finalize'], { csr });
  const order = await waitFor(
    parts,
    place,
    'the order',
    ({ status }) => status !== 'processing' && status !== 'ready',
  );
  const { body } = await session.post(order['certificate'], undefined);
  const cert = checkIssued(body.toString('latin1'), key, identifiers, nowMs());
  return { cert, key: exportKey(key) };
};

/** Shows the authority that all names lead here. */
const authorize = async (
  parts: OrderParts,
  identifiers: readonly Identifier[],
  authorizations: readonly unknown[],
): Promise<void> => {
  const { session, accountKey, nowMs } = parts;
  const thumbprint = createHash('sha256')
    .update(JSON.stringify(jwkOf(accountKey)))
    .digest('base64url');
  const open: { readonly place: unknown; readonly answer: unknown; readonly challenge: Challenge }[] = [];
  for (const place of authorizations) {
    const { json } = await session.post(place, undefined);
    if (json['status'] === 'valid') continue;
    const identifier = findIdentifier(json['identifier'], identifiers);
    const found = findChallenge(json['challenges'], identifier);
    const challenge = createChallenge(identifier, `${found.token}.${thumbprint}`, nowMs());
    open.push({ place, answer: found.place, challenge });
  }
  if (open.length === 0) return;
  await parts.openChallenges(open.map(({ challenge }) => challenge));
  for (const { answer } of open) await session.post(answer, {});
  for (const { place, challenge } of open) {
    await waitFor(parts, place, challenge.serverName, ({ status }) => status !== 'pending');
  }
};

/** Of those that were asked for: a challenge for any other name would be answered for somebody else. */
const findIdentifier = (given: unknown, identifiers: readonly Identifier[]): Identifier => {
  const { type, value } = membersOf(given);
  const same = typeof value === 'string' ? toIdentifier(value) : undefined;
  const found = identifiers.find((one) => one.type === type && one.value === same?.value);
  if (found !== undefined) return found;
  throw acmeError('ERR_ACME_ANSWER', `the authority wants to see ${quoted(value)}, which nobody asked for`);
};

const findChallenge = (challenges: unknown, { value }: Identifier): { token: string; place: unknown } => {
  for (const challenge of Array.isArray(challenges) ? (challenges as unknown[]) : []) {
    const { type, token, url } = membersOf(challenge);
    if (type === CHALLENGE_TYPE && typeof token === 'string' && TOKEN.test(token))
      return { token, place: url };
  }
  throw acmeError('ERR_ACME_CHALLENGE', `the authority does not offer tls-alpn-01 for ${value}`, {
    hint: 'obtain the certificate by another program and another challenge, and name its files in tls.cert and tls.key',
  });
};

/** Looks at an order or an authorization until it is done; throws ERR_ACME_CHALLENGE when it came to nothing. */
const waitFor = async (
  { session, wait }: OrderParts,
  place: unknown,
  what: string,
  isDone: (json: Readonly<Record<string, unknown>>) => boolean,
): Promise<Readonly<Record<string, unknown>>> => {
  let pauseMs = LOOK_MS_MIN;
  for (let looks = 1; looks <= LOOKS_MAX; looks++) {
    const { json } = await session.post(place, undefined);
    const { status } = json;
    if (status === 'valid' || status === 'ready' || status === 'pending' || status === 'processing') {
      if (isDone(json)) return json;
    } else {
      throw acmeError('ERR_ACME_CHALLENGE', `${what} is ${quoted(status) || 'in no state'}${whyOf(json)}`, {
        hint: 'the name has to lead to this resolver, and port 443 there to listen.doh, for whoever looks on behalf of the authority',
      });
    }
    await wait(Math.min(Math.max(session.retryAfterMs ?? 0, pauseMs), ASKED_MS_MAX));
    pauseMs = Math.min(2 * pauseMs, LOOK_MS_MAX);
  }
  throw acmeError('ERR_ACME_CHALLENGE', `${what} was not decided in ${LOOKS_MAX} looks`);
};

/** What the authority says of it: of an order, or of a challenge within an authorization. */
const whyOf = (json: Readonly<Record<string, unknown>>): string => {
  const challenges = Array.isArray(json['challenges']) ? (json['challenges'] as unknown[]) : [];
  for (const { error } of [json, ...challenges.map(membersOf)]) {
    const detail = quoted(membersOf(error)['detail']);
    if (detail !== '') return `: ${detail}`;
  }
  return '';
};
