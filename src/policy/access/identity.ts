// Who a client is by what it shows beside its address: a certificate, a token, the name that it asked the listener by.
//
// The strongest decides: a certificate that an authority of the configuration signed and that is not revoked, then a
// token, then a name, which proves nothing and only says which door somebody came through.
import { type AddressWords, deviceAddress } from '../../base/base.ts';

/** A certificate that an authority of the configuration signed, as the listener read it. */
export interface ShownCertificate {
  /** SHA-256 of the certificate, lower-case hexadecimal. */
  readonly fingerprint: string;
  /** `CN=laptop-17`, one for each attribute of the subject. */
  readonly subject: readonly string[];
  /** Alternative names: `dns:laptop-17.example.net`, `email:`, `uri:`, letters of hosts folded. */
  readonly names: readonly string[];
  /** Issuer and serial number as one text, by which revocation lists name it. */
  readonly serial: string;
  /** Milliseconds since the epoch. */
  readonly notAfterMs: number;
  /** Those of the configuration that signed it, and those above them; undefined: nobody looked, as for a file. */
  readonly authorities?: readonly ShownAuthority[] | undefined;
}

/** An authority above a certificate, as revocations name it. */
export interface ShownAuthority {
  /** SHA-256, lower-case hexadecimal. */
  readonly fingerprint: string;
  readonly serial: string;
}

/** What a configuration says of identities, by the group's index. Plain data. */
export interface IdentityRules {
  /** `sha256:…`, `dns:…`, `email:…`, `uri:…`, `subject:…`. */
  readonly certificates: readonly (readonly string[])[];
  readonly tokens: readonly (readonly TokenRule[])[];
  /** Letters folded, without the final dot. */
  readonly serverNames: readonly (readonly string[])[];
}

/** A token of DNS over HTTPS. */
export interface TokenRule {
  /** What records and exemptions call who has it. */
  readonly device: string;
  /** SHA-256 of the token, lower-case hexadecimal: the token itself stands nowhere. */
  readonly sha256: string;
}

/** Certificates that do not count any more. */
export interface Revocations {
  /** SHA-256 of certificates, lower-case hexadecimal. */
  readonly fingerprints: readonly string[];
  /** ShownCertificate.serial. */
  readonly serials: readonly string[];
}

/** How a client came to its group, the strongest first. */
export const BY = { CERTIFICATE: 0, TOKEN: 1, SERVER_NAME: 2, DEVICE: 3 } as const;

/** Who somebody is. */
export interface Identified {
  /** Undefined where a device is known and no group names it: its address decides. */
  readonly group: number | undefined;
  /** One of BY. */
  readonly by: number;
  /** Undefined for a server name, which many have. */
  readonly device: Device | undefined;
}

/** A device: something with a name of its own. */
export interface Device {
  readonly name: string;
  /** Stands for the device where an address would: see deviceAddress(). */
  readonly address: AddressWords;
  /** The name in UTF-8, for events. */
  readonly bytes: Uint8Array;
}

/** Bytes of a device's name in UTF-8; a longer one is known by the fingerprint of its certificate, or not taken. */
export const DEVICE_BYTES_MAX = 100;

/** What somebody shows. */
export interface Credentials {
  /** The name that the client asked by in the handshake; letters folded, '' without one. */
  readonly serverName: string;
  readonly certificate: ShownCertificate | undefined;
  /** SHA-256 of the token in the path, lower-case hexadecimal; '' without one. */
  readonly token: string;
}

/** The identities of one configuration with what is revoked at the time. */
export class Identities {
  readonly #certificates = new Map<string, number>();
  readonly #suffixes = new Map<string, number>();
  readonly #subjects: { readonly attributes: readonly string[]; readonly group: number }[] = [];
  readonly #tokens = new Map<string, { readonly group: number; readonly device: Device }>();
  readonly #serverNames = new Map<string, number>();
  /** Of authorities in force; undefined: they are not known here, and not asked for. */
  readonly #authorities: ReadonlySet<string> | undefined;
  readonly #fingerprints: ReadonlySet<string>;
  readonly #serials: ReadonlySet<string>;

  /** Once per configuration and per change of what is revoked; `authorities` are SHA-256 of those in force. */
  constructor(rules: IdentityRules, revoked: Revocations, authorities?: readonly string[]) {
    this.#authorities = authorities && new Set(authorities);
    for (const [group, texts] of rules.certificates.entries()) {
      for (const text of texts) this.#addCertificate(text, group);
    }
    // The one that asks for more goes first.
    this.#subjects.sort((a, b) => b.attributes.length - a.attributes.length);
    for (const [group, tokens] of rules.tokens.entries()) {
      for (const { device, sha256 } of tokens)
        this.#tokens.set(sha256, { group, device: createDevice(device) });
    }
    for (const [group, names] of rules.serverNames.entries()) {
      for (const name of names) this.#serverNames.set(name, group);
    }
    this.#fingerprints = new Set(revoked.fingerprints);
    this.#serials = new Set(revoked.serials);
  }

  /** Whether any token is known. */
  get hasTokens(): boolean {
    return this.#tokens.size > 0;
  }

  /** Whether any name of the listener is known. */
  get hasServerNames(): boolean {
    return this.#serverNames.size > 0;
  }

  /** The group of those who ask a listener by a name, letters folded; undefined: the name says nothing. */
  groupOfServerName(name: string): number | undefined {
    return this.#serverNames.get(name);
  }

  /** Who a client is by what it shows; the strongest that says something decides. Once per connection. */
  identify({ certificate, token, serverName }: Credentials): Identified | undefined {
    if (certificate !== undefined && this.counts(certificate)) {
      const group = this.#groupOf(certificate);
      if (group >= 0) return { group, by: BY.CERTIFICATE, device: createDevice(nameOf(certificate)) };
    }
    // The hash is looked up, not the token: how long that takes tells nothing of a token.
    const holder = token === '' ? undefined : this.#tokens.get(token);
    if (holder !== undefined) return { group: holder.group, by: BY.TOKEN, device: holder.device };
    const group = this.#serverNames.get(serverName);
    return group === undefined ? undefined : { group, by: BY.SERVER_NAME, device: undefined };
  }

  /** False for a certificate that does not count any more: it was revoked, or what stands above it was, or is gone. */
  counts(certificate: ShownCertificate): boolean {
    if (this.#isRevoked(certificate)) return false;
    const { authorities } = certificate;
    if (authorities === undefined || this.#authorities === undefined) return true;
    if (authorities.length === 0) return false;
    for (const one of authorities)
      if (this.#isRevoked(one) || !this.#authorities.has(one.fingerprint)) return false;
    return true;
  }

  #isRevoked({ fingerprint, serial }: ShownAuthority): boolean {
    return this.#fingerprints.has(fingerprint) || this.#serials.has(serial);
  }

  #addCertificate(text: string, group: number): void {
    if (text.startsWith('subject:')) {
      this.#subjects.push({ attributes: text.slice('subject:'.length).split(','), group });
    } else if (text.includes(':*')) this.#suffixes.set(text.replace(':*', ':'), group);
    else this.#certificates.set(text, group);
  }

  /** The fingerprint, then a name, then what a name ends in, the longest first, then the subject; -1: none. */
  #groupOf({ fingerprint, names, subject }: ShownCertificate): number {
    const own = this.#certificates.get(`sha256:${fingerprint}`);
    if (own !== undefined) return own;
    for (const name of names) {
      const group = this.#certificates.get(name);
      if (group !== undefined) return group;
    }
    const ofDomain = this.#groupOfDomains(names);
    if (ofDomain !== undefined) return ofDomain;
    const found = this.#subjects.find(({ attributes }) => attributes.every((one) => subject.includes(one)));
    return found?.group ?? -1;
  }

  /** `dns:*.example.net` holds `dns:a.example.net`; `email:*@example.net` all of its mailboxes. The longest of all names. */
  #groupOfDomains(names: readonly string[]): number | undefined {
    let found: number | undefined;
    let longest = 0;
    for (const name of names) {
      const start = name.indexOf(':') + 1;
      const kind = name.slice(0, start);
      for (let at = start; at < name.length && name.length - at > longest; at++) {
        if (name[at] !== '.' && name[at] !== '@') continue;
        const group = this.#suffixes.get(kind + name.slice(at));
        if (group === undefined) continue;
        found = group;
        longest = name.length - at;
      }
    }
    return found;
  }
}

/** What a device is called by its certificate: its first alternative name, its common name, its fingerprint. */
const nameOf = ({ names: [first], subject, fingerprint }: ShownCertificate): string => {
  const own = first?.slice(first.indexOf(':') + 1);
  const common = subject.find((attribute) => attribute.startsWith('CN='))?.slice('CN='.length);
  const name = own ?? common;
  return name === undefined || name === '' || Buffer.byteLength(name) > DEVICE_BYTES_MAX
    ? `sha256:${fingerprint}`
    : name;
};

export const createDevice = (name: string): Device => ({
  name,
  address: deviceAddress(name),
  bytes: new TextEncoder().encode(name),
});
