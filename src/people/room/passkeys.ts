// Passkeys (Web Authentication Level 3): made and asked for with user verification, found by the browser.
//
// A challenge is used once, within five minutes, by the visit that asked for it, and for what it was asked for. The
// counter of a key that goes back tells of a copy, and the library refuses it.
import {
  generateAuthenticationOptions,
  generateRegistrationOptions,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server';
import { LRUCache } from 'lru-cache';
import { AppError, type Clock } from '../../base/base.ts';
import type { Assertion, Attestation, PasskeyAsked } from '../admin/admin.ts';
import { createSecret, type RoomStore } from './store.ts';

const CHALLENGE_MS = 5 * 60_000;
/** Challenges that wait: an attacker makes the oldest useless, which a second try mends. */
const CHALLENGES_MAX = 1_000;
/** Of one person: a telephone, a laptop and two keys. */
const PASSKEYS_MAX = 8;

/** The site that a browser asks for: the origin, and the name that keys are bound to. */
export interface Site {
  readonly origin: string;
  readonly rpId: string;
}

/** What a browser shows for a challenge: for which site and purpose, and for which visit. */
export interface PasskeyShown<Response> {
  readonly site: Site;
  readonly purpose: string;
  readonly visit: string;
  readonly challenge: string;
  readonly response: Response;
}

interface Challenge {
  readonly text: string;
  readonly purpose: string;
  readonly visit: string;
  readonly endsMs: number;
}

/** The passkeys of one room. */
export class Passkeys {
  readonly #store: RoomStore;
  readonly #clock: Clock;
  readonly #challenges = new LRUCache<string, Challenge>({ max: CHALLENGES_MAX });

  constructor(store: RoomStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  has(person: string): boolean {
    return this.#of(person).length > 0;
  }

  /** What a browser is asked with; `person`: only for keys of this one. */
  async ask(site: Site, purpose: string, visit: string, person?: string): Promise<PasskeyAsked> {
    const own = person === undefined ? [] : this.#of(person);
    const options = await generateAuthenticationOptions({
      rpID: site.rpId,
      userVerification: 'required',
      allowCredentials: own.map(([id]) => ({ id })),
    });
    return this.#remember(options, purpose, visit);
  }

  /**
   * Gives what `then` makes of the id of the person whose key signed. It is called in the turn in which the key was seen to
   * be there still: between a promise that is kept and who waits for it, the key could be taken away. Rejects with
   * ERR_ROOM_CREDENTIALS, and as `then` throws.
   */
  async verify<Result>(
    { site, purpose, visit, challenge, response }: PasskeyShown<Assertion>,
    then: (person: string) => Result,
  ): Promise<Result> {
    const expectedChallenge = this.#take(challenge, purpose, visit);
    const row = this.#store.passkeys.get(response.id);
    if (row === undefined) throw wrong();
    const transports = row.transports as NonNullable<Transports>;
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: { ...response, clientExtensionResults: {} } as Parameters<
        typeof verifyAuthenticationResponse
      >[0]['response'],
      expectedChallenge,
      expectedOrigin: site.origin,
      expectedRPID: site.rpId,
      requireUserVerification: true,
      credential: {
        id: response.id,
        publicKey: new Uint8Array(Buffer.from(row.publicKey, 'base64url')),
        counter: row.counter,
        transports,
      },
    }).catch(() => {
      throw wrong();
    });
    if (!verified) throw wrong();
    const { newCounter } = authenticationInfo;
    const now = this.#store.passkeys.get(response.id);
    // While the signature was checked the key may have been taken away, or a copy of it may have signed. A counter of 0 says
    // that the authenticator has none.
    const isCopy = now !== undefined && newCounter <= now.counter && (newCounter > 0 || now.counter > 0);
    if (now?.person !== row.person || now.publicKey !== row.publicKey || isCopy) throw wrong();
    const result = then(row.person);
    this.#store.passkeys.patch(response.id, { counter: newCounter });
    return result;
  }

  /** What a browser is asked with to make a key. */
  async askForNew(
    site: Site,
    agency: string,
    purpose: string,
    visit: string,
    name: string,
  ): Promise<PasskeyAsked> {
    const options = await generateRegistrationOptions({
      rpName: agency,
      rpID: site.rpId,
      userName: name,
      attestationType: 'none',
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    });
    return this.#remember(options, purpose, visit);
  }

  /** Checks a new key and gives what keeps it for somebody. Rejects with ERR_ROOM_CREDENTIALS. */
  async accept({
    site,
    purpose,
    visit,
    challenge,
    response,
  }: PasskeyShown<Attestation>): Promise<(person: string) => void> {
    const expectedChallenge = this.#take(challenge, purpose, visit);
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response: { ...response, clientExtensionResults: {} } as Parameters<
        typeof verifyRegistrationResponse
      >[0]['response'],
      expectedChallenge,
      expectedOrigin: site.origin,
      expectedRPID: site.rpId,
      requireUserVerification: true,
    }).catch(() => {
      throw wrong();
    });
    if (!verified || this.#store.passkeys.get(registrationInfo.credential.id) !== undefined) throw wrong();
    const { id, publicKey, counter } = registrationInfo.credential;
    return (person) => {
      const own = this.#of(person);
      for (const [old] of own.slice(0, Math.max(0, own.length - PASSKEYS_MAX + 1)))
        this.#store.passkeys.remove(old);
      if (this.#store.passkeys.get(id) !== undefined) throw wrong();
      this.#store.passkeys.add(id, {
        ...{ person, publicKey: Buffer.from(publicKey).toString('base64url'), counter },
        ...{ transports: response.response.transports ?? [], createdMs: this.#clock() },
      });
    };
  }

  #of(person: string) {
    return this.#store.passkeys.all().filter(([, row]) => row.person === person);
  }

  #remember(options: { readonly challenge: string }, purpose: string, visit: string): PasskeyAsked {
    const challenge = createSecret();
    const endsMs = this.#clock() + CHALLENGE_MS;
    this.#challenges.set(challenge, { text: options.challenge, purpose, visit, endsMs });
    return { challenge, options: { ...options } };
  }

  #take(id: string, purpose: string, visit: string): string {
    const found = this.#challenges.get(id);
    this.#challenges.delete(id);
    const isMeant = found?.purpose === purpose && found.visit === visit && found.endsMs > this.#clock();
    if (!isMeant) throw wrong();
    return found.text;
  }
}

type Transports = Parameters<typeof verifyAuthenticationResponse>[0]['credential']['transports'];

const wrong = (): AppError =>
  new AppError(
    'ERR_ROOM_CREDENTIALS',
    'signing in: the passkey is not known here, or the time for it is over',
    {
      hint: 'Try again, or sign in another way.',
    },
  );
