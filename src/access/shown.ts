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
    // It has expired while the connection was open.
    return this.#identified?.by === BY.CERTIFICATE ? undefined : this.#identified;
  }
}
