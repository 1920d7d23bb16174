// The file of `cordon collect --dnstap`: resolvers that are not Cordon's, where each sends to, and what was published to it.
import { createPublicKey, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import {
  AppError,
  createAddress,
  errorText,
  parseAddress,
  parseEndpoint,
  readRegularFile,
} from '../../base/base.ts';
import { LIST_FORMATS } from '../../base/words/words.ts';
import { readYaml } from '../../base/yaml/yaml.ts';
import type { PublishedFile } from './published-policy.ts';

/** As many as a collector has sockets for without a second thought. */
const RESOLVERS_MAX = 256;
/** As many as a policy has. */
const FILES_MAX = 32;
const ADDRESSES_MAX = 16;
/** As many as a configuration binds. */
const MANDATES_MAX = 16;
/** A public key in PEM has some hundred. */
const KEY_BYTES_MAX = 16_384;

/** Where one sends to. */
export type DnstapPlace =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly address: string; readonly port: number };

/** One resolver. */
export interface DnstapResolver {
  readonly name: string;
  /** Undefined: what it answers is not seen; certificates of proofs are all there is. */
  readonly listen: DnstapPlace | undefined;
  /** Over TCP: from where it connects. */
  readonly from: readonly string[];
  readonly policy: readonly PublishedFile[];
  /** Addresses and names. */
  readonly sinkholes: readonly string[];
  /**
   * Where certificates of proofs about it are handed in, how cordon-proof is told whom to ask about which mandates (undefined: any), and
   * the public key of who makes them.
   */
  readonly proofs:
    | {
        readonly directory: string;
        readonly asked: readonly string[];
        readonly mandates: readonly string[] | undefined;
        readonly key: KeyObject;
      }
    | undefined;
}

const NAME = /^(?=.{3,254}$)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})+\.?$/i;

const address = z.string().refine((text) => parseAddress(text, createAddress()), 'no IP address');

/** An address, or a name such as that of a notice page; what is all digits is neither. */
const sinkhole = z
  .string()
  .refine(
    (text) => parseAddress(text, createAddress()) || (NAME.test(text) && !/[0-9]\.?$/.test(text)),
    'neither an IP address nor a name',
  );

const resolver = z
  .strictObject({
    listen: z.string().optional(),
    from: z.array(address).max(ADDRESSES_MAX).default([]),
    policy: z
      .array(z.strictObject({ file: z.string().startsWith('/'), format: z.enum(LIST_FORMATS) }))
      .min(1)
      .max(FILES_MAX),
    sinkholes: z.array(sinkhole).max(ADDRESSES_MAX).default([]),
    proofs: z
      .strictObject({
        directory: z.string().startsWith('/'),
        asked: z.array(z.string().min(1)).min(1).max(ADDRESSES_MAX),
        mandates: z.array(z.string().min(1)).min(1).max(MANDATES_MAX).optional(),
        key: z.string().startsWith('/'),
      })
      .transform(({ directory, asked, mandates, key }, context) => {
        try {
          return { directory, asked, mandates, key: createPublicKey(readRegularFile(key, KEY_BYTES_MAX)) };
        } catch (thrown) {
          context.addIssue(`key: ${errorText(thrown)}`);
          return z.NEVER;
        }
      })
      .optional(),
  })
  .transform(({ listen, proofs, ...others }, context) => {
    const rest = { ...others, proofs };
    if (listen === undefined) {
      if (proofs === undefined) context.addIssue('neither listen nor proofs: nothing of it would be seen');
      return { ...rest, listen };
    }
    if (listen.startsWith('/')) return { ...rest, listen: { kind: 'unix', path: listen } as const };
    const endpoint = parseEndpoint(listen, 0);
    if (endpoint === undefined || endpoint.port === 0) {
      context.addIssue('listen: neither a path nor an address with a port');
      return z.NEVER;
    }
    // Whoever can connect could say what this resolver answers.
    if (rest.from.length === 0) context.addIssue('from: over TCP the addresses it connects from are needed');
    return { ...rest, listen: { kind: 'tcp', ...endpoint } as const };
  });

const settings = z.strictObject({
  resolvers: z
    .record(z.string().regex(/^[a-z0-9]+(?:-[a-z0-9]+)*$/), resolver)
    .refine((all) => Object.keys(all).length > 0 && Object.keys(all).length <= RESOLVERS_MAX, {
      error: `1 to ${RESOLVERS_MAX} resolvers`,
    }),
});

/** What a file that cannot be used is. */
export const settingsError = (path: string, text: string, cause?: unknown): AppError =>
  new AppError('ERR_COMPLIANCE_DNSTAP', `reading ${path}: ${text}`, {
    cause,
    hint: 'docs/foreign.md has what stands in it.',
  });

/** Reads a text. Throws ERR_COMPLIANCE_DNSTAP. */
export const parseSettings = (path: string, text: string): readonly DnstapResolver[] => {
  const { raw, faults, positionOf } = readYaml(text);
  const [fault] = faults;
  if (fault !== undefined) throw settingsError(path, `line ${fault.line}: ${fault.text}`);
  const { success, data, error } = settings.safeParse(raw);
  if (!success) {
    const [issue] = error.issues;
    const { line } = positionOf(issue?.path ?? []);
    throw settingsError(path, `line ${line}: ${issue?.path.join('.')}: ${issue?.message}`);
  }
  const all = Object.entries(data.resolvers).map(([name, one]): DnstapResolver => ({ name, ...one }));
  const places = all.map(({ listen }) => JSON.stringify(listen ?? null));
  const twice = all.find(
    ({ listen }, index) => listen !== undefined && places.indexOf(places[index] ?? '') !== index,
  );
  if (twice !== undefined) throw settingsError(path, `${twice.name}: another resolver listens there`);
  return all;
};
