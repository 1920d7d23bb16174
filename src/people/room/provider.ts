// Signing in with the agency's identity provider: OpenID Connect, authorization code with PKCE (RFC 7636, RFC 9700).
//
// The provider says who somebody is and in which groups; the configuration says which role a group has. State, nonce and
// verifier of a flow are kept here and bound to the browser by a cookie of their own. Tokens of those who signed in stay in
// memory, to ask again what holds for them. A provider that is down keeps nobody out who has a local account, and is asked
// again at the next try.
import { LRUCache } from 'lru-cache';
import * as oidc from 'openid-client';
import { AppError, type Clock, errorText } from '../../base/base.ts';
import type { Role } from '../admin/admin.ts';
import { createSecret } from './store.ts';

/** Time to sign in there. */
const FLOW_MS = 10 * 60_000;
/** Flows that wait: the oldest is forgotten, and its person begins again. */
const FLOWS_MAX = 1_000;
const TIMEOUT_SEC = 10;
/** An authentication that is older is no proof that somebody is there. */
const PROOF_SEC = 120;
/** What the provider says of itself is read again after this. */
const METADATA_MS = 3_600_000;
/** People whose tokens are kept. */
const TOKENS_MAX = 1_000;
/** OpenID Connect Core section 2: at most 255 characters of ASCII. */
const SUBJECT = /^[\x20-\x7e]{1,255}$/;
/** Characters of a name in records. */
const NAME_LENGTH_MAX = 64;
const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

/** What the configuration says of it. */
export interface ProviderSettings {
  readonly issuer: string;
  readonly clientId: string;
  /** Undefined: a public client. */
  readonly clientSecret: string | undefined;
  /** On the button. */
  readonly label: string;
  readonly scopes: string;
  readonly nameClaim: string;
  readonly groupsClaim: string;
  readonly roles: readonly { readonly group: string; readonly role: Role }[];
}

/** Somebody of whom the provider has told. */
export interface Provided {
  readonly subject: string;
  readonly name: string;
  /** Those that have a role here. */
  readonly groups: readonly string[];
  /** Where the browser wants to go. */
  readonly to: string;
  /** Key of the session that proves again who it is; undefined: somebody signs in. */
  readonly session: string | undefined;
}

/** What may be asked again of somebody. */
interface Kept {
  readonly sub: string;
  readonly access: string;
  readonly refresh: string | undefined;
  /** The groups came in the ID token: what the provider tells elsewhere may lack them. */
  readonly isInIdToken: boolean;
}

type Tokens = Pick<oidc.TokenEndpointResponse, 'access_token' | 'refresh_token'>;
type Claims = Readonly<Record<string, unknown>>;

interface Flow extends Pick<Provided, 'to' | 'session'> {
  readonly verifier: string;
  readonly state: string;
  readonly nonce: string;
  readonly redirect: string;
  readonly endsMs: number;
}

/** One provider. */
export class Provider {
  readonly settings: ProviderSettings;
  readonly #clock: Clock;
  readonly #flows = new LRUCache<string, Flow>({ max: FLOWS_MAX });
  readonly #tokens = new LRUCache<string, Kept>({ max: TOKENS_MAX });
  #known: { readonly config: oidc.Configuration; readonly readMs: number } | undefined;

  constructor(settings: ProviderSettings, clock: Clock) {
    this.settings = settings;
    this.#clock = clock;
  }

  /** Where to send a browser, and what its cookie says. Rejects with ERR_ROOM_PROVIDER. */
  async begin(
    redirect: string,
    to: string,
    session: string | undefined,
  ): Promise<{ url: string; flow: string }> {
    const config = await this.#config();
    const flow = createSecret();
    const [verifier, state, nonce] = [oidc.randomPKCECodeVerifier(), oidc.randomState(), oidc.randomNonce()];
    this.#flows.set(flow, { verifier, state, nonce, redirect, to, session, endsMs: this.#clock() + FLOW_MS });
    const url = oidc.buildAuthorizationUrl(config, {
      redirect_uri: redirect,
      scope: this.settings.scopes,
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      nonce,
      ...(session === undefined ? {} : { prompt: 'login', max_age: '0' }),
    });
    return { url: url.href, flow };
  }

  /** Who came back, with the query of the address. Rejects with ERR_ROOM_PROVIDER. */
  async end(flowId: string | undefined, query: string): Promise<Provided> {
    const flow = flowId === undefined ? undefined : this.#flows.get(flowId);
    if (flowId !== undefined) this.#flows.delete(flowId);
    if (flow === undefined || flow.endsMs <= this.#clock())
      throw failure('it took too long, or began elsewhere');
    const config = await this.#config();
    try {
      const tokens = await oidc.authorizationCodeGrant(config, new URL(`${flow.redirect}?${query}`), {
        pkceCodeVerifier: flow.verifier,
        expectedState: flow.state,
        expectedNonce: flow.nonce,
        idTokenExpected: true,
        // An authentication of before does not count as proof.
        ...(flow.session === undefined ? {} : { maxAge: PROOF_SEC }),
      });
      const claims = tokens.claims();
      if (claims === undefined) throw failure('it said nothing of who signed in');
      if (!SUBJECT.test(claims.sub)) throw failure('its subject has characters that no subject has');
      const told = this.#hasAll(claims)
        ? claims
        : { ...(await oidc.fetchUserInfo(config, tokens.access_token, claims.sub)), ...claims };
      const subject = `${claims.iss} ${claims.sub}`;
      this.#keep(subject, claims.sub, tokens, claims);
      return { ...this.#read(told), subject, to: flow.to, session: flow.session };
    } catch (thrown) {
      if (thrown instanceof AppError) throw thrown;
      throw failure(errorText(thrown), thrown);
    }
  }

  /**
   * What it says now of somebody who signed in since the start: who, `ended` when it vouches no more, `silent` when it does not say.
   * Never rejects.
   */
  async ask(subject: string): Promise<Pick<Provided, 'groups'> | 'ended' | 'silent'> {
    const kept = this.#tokens.get(subject);
    if (kept === undefined) return 'silent';
    try {
      const config = await this.#config();
      // An access token that is over says nothing of its owner, and neither does a provider that fails.
      const told = await oidc.fetchUserInfo(config, kept.access, kept.sub).catch(() => undefined);
      if (told !== undefined && this.#saysGroups(told, kept)) return this.#read(told);
      return kept.refresh === undefined ? 'silent' : await this.#renew(config, subject, kept, kept.refresh);
    } catch (thrown) {
      if (!(thrown instanceof oidc.ResponseBodyError) || thrown.error !== 'invalid_grant') return 'silent';
      this.#tokens.delete(subject);
      return 'ended';
    }
  }

  async #renew(config: oidc.Configuration, subject: string, kept: Kept, refresh: string) {
    const tokens = await oidc.refreshTokenGrant(config, refresh);
    const claims: Claims = tokens.claims() ?? {};
    this.#tokens.set(subject, {
      ...{ ...kept, access: tokens.access_token },
      refresh: tokens.refresh_token ?? refresh,
    });
    if (claims[this.settings.groupsClaim] !== undefined) return this.#read(claims);
    const told = await oidc.fetchUserInfo(config, tokens.access_token, kept.sub);
    return this.#saysGroups(told, kept) ? this.#read(told) : 'silent';
  }

  /** Claims without groups are of somebody in none, unless the provider puts groups into ID tokens alone. */
  #saysGroups(claims: Claims, { isInIdToken }: Kept): boolean {
    return !isInIdToken || claims[this.settings.groupsClaim] !== undefined;
  }

  #keep(subject: string, sub: string, tokens: Tokens, claims: Claims): void {
    this.#tokens.set(subject, {
      ...{ sub, access: tokens.access_token, refresh: tokens.refresh_token },
      isInIdToken: claims[this.settings.groupsClaim] !== undefined,
    });
  }

  #hasAll(claims: Claims): boolean {
    return claims[this.settings.groupsClaim] !== undefined && claims[this.settings.nameClaim] !== undefined;
  }

  #read(claims: Claims): Pick<Provided, 'name' | 'groups'> {
    const { nameClaim, groupsClaim, roles } = this.settings;
    const told = claims[groupsClaim];
    const groups = new Set(Array.isArray(told) ? told.map(String) : typeof told === 'string' ? [told] : []);
    const name = String(claims[nameClaim] ?? claims['email'] ?? claims['sub']);
    return {
      name: name.replace(/\p{C}/gu, '').slice(0, NAME_LENGTH_MAX),
      groups: [...new Set(roles.map(({ group }) => group))].filter((group) => groups.has(group)),
    };
  }

  async #config(): Promise<oidc.Configuration> {
    const known = this.#known;
    if (known !== undefined && this.#clock() - known.readMs < METADATA_MS) return known.config;
    const { issuer, clientId, clientSecret } = this.settings;
    const url = new URL(issuer);
    const isPlain = url.protocol === 'http:' && LOOPBACK.has(url.hostname);
    try {
      const config = await oidc.discovery(
        url,
        clientId,
        clientSecret,
        clientSecret === undefined ? oidc.None() : oidc.ClientSecretBasic(clientSecret),
        { timeout: TIMEOUT_SEC, execute: isPlain ? [oidc.allowInsecureRequests] : [] },
      );
      this.#known = { config, readMs: this.#clock() };
      return config;
    } catch (thrown) {
      throw failure(errorText(thrown), thrown);
    }
  }
}

const failure = (text: string, cause?: unknown): AppError =>
  new AppError('ERR_ROOM_PROVIDER', `signing in with the identity provider: ${text}`, {
    cause,
    hint: 'Try again; a local account works without it.',
  });
