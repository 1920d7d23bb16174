// As whom the self-probe asks for groups that know their clients by more than an address: by certificates, tokens, or the name
// by which a listener is asked.
//
// Nothing of a device is needed for that: the door of a worker is told what a listener would have read of it. One representative of
// each kind, made after what the configuration names, and taken only where it really leads to the group: a closer rule of
// another group may come first, and what is revoked leads nowhere. What decides is the room access itself.

import type { AddressWords } from '../../base/base.ts';
import { reasonText } from '../../base/words/words.ts';
import type {
  Credentials,
  Identified,
  Identities,
  IdentityTable,
  ShownCertificate,
} from '../../policy/access/access.ts';
import type { ProbeTransport } from './plan-facts.ts';

/** Rules of one kind that are tried: in a group with more, one of these leads to it, or hardly any does. */
const TRIES_MAX = 1_000;
/** Stands where a rule takes any name below a domain, or any mailbox. */
const ANY_LABEL = 'cordon-probe';

/** Over which transports clients can show each of it; none: nothing listens for it. */
export interface Showing {
  readonly certificates: readonly ProbeTransport[];
  readonly tokens: readonly ProbeTransport[];
  readonly serverNames: readonly ProbeTransport[];
}

/** Numbers of addresses that listen, by how they are asked. */
interface Listening {
  readonly dot: readonly unknown[];
  readonly doh: readonly unknown[];
  readonly dohPlain: readonly unknown[];
  readonly doq: readonly unknown[];
}

/** Behind a proxy that ends TLS only what stands in the request comes through; over QUIC no certificate is asked for. */
export const showingOf = ({ dot, doh, dohPlain, doq }: Listening): Showing => {
  const overDot: ProbeTransport[] = dot.length > 0 ? ['dot'] : [];
  const overDoh: ProbeTransport[] = doh.length > 0 ? ['doh'] : [];
  const overDoq: ProbeTransport[] = doq.length > 0 ? ['doq'] : [];
  return {
    certificates: [...overDot, ...overDoh],
    tokens: doh.length + dohPlain.length > 0 ? ['doh'] : [],
    serverNames: [...overDot, ...overDoh, ...overDoq],
  };
};

/** Somebody who is known by what is shown. */
export interface Representative {
  readonly shown: Credentials;
  /** Stands for the device in exemptions; undefined for a name, which many have. */
  readonly device: AddressWords | undefined;
  readonly who: Identified;
  readonly transports: readonly ProbeTransport[];
}

/** Who stands for a group. */
export interface Representatives {
  readonly known: readonly Representative[];
  /** Why nobody does although the group names somebody; undefined: it names nobody, or somebody does. */
  readonly reason: string | undefined;
}

/**
 * Representatives of a group, one for each kind of what it names. Devices of `isAvoided` are taken only where there is no other
 * of the kind.
 */
export const chooseRepresentatives = (
  identities: Identities,
  { rules }: IdentityTable,
  group: number,
  showing: Showing,
  isAvoided: (device: AddressWords) => boolean,
): Representatives => {
  const certificates = Map.groupBy(rules.certificates[group] ?? [], kindOf);
  const tokens = (rules.tokens[group] ?? []).map(({ sha256 }) => ({ ...NOTHING_SHOWN, token: sha256 }));
  const names = (rules.serverNames[group] ?? []).map((serverName) => ({ ...NOTHING_SHOWN, serverName }));
  const kinds: (readonly [readonly Credentials[], readonly ProbeTransport[]])[] = [
    ...[...certificates.values()].map((texts) => [texts.map(showCertificate), showing.certificates] as const),
    [tokens, showing.tokens],
    [names, showing.serverNames],
  ];
  const written = kinds.filter(([candidates]) => candidates.length > 0);
  const shown = written.filter(([, transports]) => transports.length > 0);
  const known = shown.flatMap(([candidates, transports]) => {
    const found = candidates.slice(0, TRIES_MAX).flatMap((candidate) => {
      const who = identities.identify(candidate);
      if (who?.group !== group) return [];
      return [{ shown: candidate, device: who.device?.address, who, transports }];
    });
    const free = found.filter(({ device }) => device === undefined || !isAvoided(device));
    return (free.length > 0 ? free : found).slice(0, 1);
  });
  return { known, reason: known.length > 0 ? undefined : reasonOf(written.length, shown.length) };
};

const reasonOf = (written: number, shown: number): string | undefined => {
  if (written === 0) return undefined;
  return reasonText(shown === 0 ? 'nothing-listens' : 'revoked');
};

const kindOf = (text: string): string => {
  if (text.includes(':*')) return 'domain';
  return /^(?:sha256|subject):/.exec(text)?.[0] ?? 'name';
};

/** A certificate that such a rule means. */
const showCertificate = (text: string): Credentials => {
  const own = text.slice(text.indexOf(':') + 1);
  const certificate: ShownCertificate = { ...NO_CERTIFICATE, ...CERTIFICATES[kindOf(text)]?.(text, own) };
  return { ...NOTHING_SHOWN, certificate };
};

const CERTIFICATES: Readonly<Record<string, (text: string, own: string) => Partial<ShownCertificate>>> = {
  'sha256:': (_, fingerprint) => ({ fingerprint }),
  'subject:': (_, subject) => ({ subject: subject.split(',') }),
  domain: (text) => ({ names: [text.replace('*', ANY_LABEL)] }),
  name: (text) => ({ names: [text] }),
};

/** What no rule and no revocation list names. */
const NO_CERTIFICATE: ShownCertificate = {
  fingerprint: '0'.repeat(64),
  subject: [],
  names: [],
  serial: '',
  notAfterMs: Number.MAX_SAFE_INTEGER,
};

const NOTHING_SHOWN: Credentials = { serverName: '', certificate: undefined, token: '' };
