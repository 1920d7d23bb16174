// What a connection shows of its client, and who that is by the rules of now. Hot file: of() runs for each query over TLS.
//
// A connection makes one Shown and passes it with each query. Who that is is looked up once for each configuration, so
// that a query costs a comparison, and a connection that lives long is not judged by rules that are gone.
import { BY, type Credentials, type Identified, type Identities, type ShownCertificate } from './identity.ts';

/** What one connection, or one path of it, shows. */
export class Shown implements Credentials {
  readonly serverName: string;
  readonly certificate: ShownCertificate | undefined;
  readonly token: string;
  #identities: Identities | undefined;
  #identified: Identified | undefined;
  /** The same for the forwarders. */
  #forwarders: Identities | undefined;
  #forwarder = -1;

  constructor(serverName: string, certificate: ShownCertificate | undefined, token: string) {
    this.serverName = serverName;
    this.certificate = certificate;
    this.token = token;
  }

  /** Who that is under a configuration; undefined: nobody in particular. */
  of(identities: Identities, nowMs: number): Identified | undefined {
    if (this.#identities !== identities) {
      this.#identities = identities;
      this.#identified = identities.identify(this);
    }
    const { certificate } = this;
    if (certificate === undefined || nowMs < certificate.notAfterMs) return this.#identified;
    if (this.#identified?.by !== BY.CERTIFICATE) return this.#identified;
    // It has expired while the connection was open; what else is shown still counts.
    const { serverName, token } = this;
    return identities.identify({ serverName, certificate: undefined, token });
  }

  /** The index of the forwarder that the certificate is of, -1 for none. */
  forwarderOf(forwarders: Identities, nowMs: number): number {
    const { certificate } = this;
    if (certificate === undefined || nowMs >= certificate.notAfterMs) return -1;
    if (this.#forwarders !== forwarders) {
      this.#forwarders = forwarders;
      this.#forwarder = forwarders.identify({ certificate, token: '', serverName: '' })?.group ?? -1;
    }
    return this.#forwarder;
  }

  /**
   * Whether a request for an authority belongs to a connection of its own (RFC 9110 section 15.5.20): asked there by its name it
   * would be of another group. Clients send requests for several names over one connection (RFC 9113 section 9.1.1).
   */
  isMisdirected(authority: string, identities: Identities, nowMs: number): boolean {
    const { serverName } = this;
    if (serverName === '' || authority === serverName || !identities.hasServerNames) return false;
    const who = this.of(identities, nowMs);
    if (who !== undefined && who.by !== BY.SERVER_NAME) return false;
    const host = hostOf(authority);
    return host !== '' && identities.groupOfServerName(host) !== identities.groupOfServerName(serverName);
  }
}

const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;

/** The host name of an authority, letters folded and without the final dot; '' for an address, which is no name of a handshake. */
const hostOf = (authority: string): string => {
  if (authority.startsWith('[')) return '';
  const colon = authority.indexOf(':');
  let end = colon < 0 ? authority.length : colon;
  if (authority[end - 1] === '.') end--;
  // The last label of a name is never a number.
  let at = end;
  while (at > 0 && isDigit(authority.charCodeAt(at - 1))) at--;
  if (at === 0 || (at < end && authority[at - 1] === '.')) return '';
  return authority.slice(0, end).toLowerCase();
};

const isDigit = (code: number): boolean => code >= DIGIT_0 && code <= DIGIT_9;
