// What a certificate is about, beside what its reader wants it to be about: a true one of another resolver proves nothing here.
import type { Certificate } from '../src/evidence/probe/proof-certificate.ts';
import type { Packs } from '../src/evidence/probe/proof-packs.ts';

/** What a reader wants; what is left out may be anything. */
export interface Wanted {
  readonly mandate: string | undefined;
  readonly network: string | undefined;
  /** As they were given to the program, or their addresses. */
  readonly resolvers: readonly string[];
}

/** What it is not about, in words; undefined: it is about all of that, and about no other resolver where some are wanted. */
export const faultOfSubject = (
  { mandate, network, resolvers }: Pick<Certificate, 'mandate' | 'network' | 'resolvers'>,
  wanted: Wanted,
): string | undefined => {
  if (wanted.mandate !== undefined && wanted.mandate !== mandate.id)
    return `it is about the mandate ${mandate.id}, not ${wanted.mandate}`;
  if (wanted.network !== undefined && wanted.network !== network)
    return `it is about the network ${JSON.stringify(network)}, not ${JSON.stringify(wanted.network)}`;
  if (wanted.resolvers.length === 0) return undefined;
  const isOf = (text: string) => (one: Certificate['resolvers'][number]) =>
    one.resolver === text || one.address === text;
  const missing = wanted.resolvers.find((text) => !resolvers.some(isOf(text)));
  if (missing !== undefined) return `it is not about the resolver ${missing}`;
  const other = resolvers.find((one) => !wanted.resolvers.some((text) => isOf(text)(one)));
  return other && `it is also about the resolver ${other.resolver}`;
};

/**
 * What a mandate of the same name is here, where it is another than that of a certificate: whoever asks may bring a pack of their own,
 * with fewer names. Undefined: it is the same, or this program does not know it.
 */
export const differenceOf = (
  { mandate, resolvers }: Pick<Certificate, 'mandate' | 'resolvers'>,
  { mandates, lists }: Packs,
): string | undefined => {
  const known = mandates.find(({ id }) => id === mandate.id);
  if (known === undefined) return undefined;
  if (known.version !== mandate.version)
    return `the mandate ${mandate.id} is of ${known.version} here, and of ${mandate.version} in it`;
  if (known.sha256 !== mandate.sha256)
    return `the mandate ${mandate.id} of ${mandate.version} has another text here`;
  const here = new Set(
    lists
      .filter(({ id }) => known.lists.includes(id))
      .flatMap(({ names }) => names.map(([name, match]) => `${match} ${name}`)),
  ).size;
  const fewest = Math.min(...resolvers.map(({ names }) => names));
  return fewest < here ? `the mandate ${mandate.id} has ${here} names here, and ${fewest} in it` : undefined;
};
