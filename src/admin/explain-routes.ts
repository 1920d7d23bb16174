// What the control socket answers to those who want to know why a name is answered as it is.
//
//   POST /v1/explain   { "name", "types", "client", "listener", "follows" }: what a client would get, and why
//
// A POST because upstreams may be asked; nothing that clients notice changes.
import { z } from 'zod';
import { createAddress, isAppError, parseAddress } from '../base/base.ts';
import { parseName, parseType } from '../dns/dns.ts';
import type { ControlRoute } from './control-socket.ts';
import { type Reply, toJson, toProblem } from './routes.ts';

/** Characters of a name with every byte escaped. */
const NAME_LENGTH_MAX = 1024;
/** Characters of an address with a port and a zone. */
const ADDRESS_LENGTH_MAX = 100;
/** Each type is a question with all that it costs upstream. */
const TYPES_MAX = 8;

/** What is asked. */
export interface ExplainAsked {
  /** Uncompressed wire name. */
  readonly name: Uint8Array;
  readonly types: readonly number[];
  /** Text of an IP address. */
  readonly client: string;
  /** Name of the listener; empty: any that has no group of its own. */
  readonly listener: string;
  /** False: no upstream is asked. */
  readonly follows: boolean;
}

/** Explains names, as the program implements it. Rejects with an AppError when it cannot. */
export interface ExplainControl {
  explain(asked: ExplainAsked): Promise<object>;
}

const nameText = z
  .string()
  .min(1)
  .max(NAME_LENGTH_MAX)
  .transform((text, context): Uint8Array => {
    const name = parseName(text);
    if (typeof name !== 'string') return name;
    context.addIssue('no domain name');
    return z.NEVER;
  });
const typeText = z
  .string()
  .max(NAME_LENGTH_MAX)
  .transform((text, context): number => {
    const type = parseType(text);
    if (type !== undefined) return type;
    context.addIssue('no type');
    return z.NEVER;
  });
const askedSchema = z.strictObject({
  name: nameText,
  types: z.array(typeText).min(1).max(TYPES_MAX),
  client: z
    .string()
    .max(ADDRESS_LENGTH_MAX)
    .refine((text) => parseAddress(text, createAddress())),
  listener: z.string().max(ADDRESS_LENGTH_MAX),
  follows: z.boolean(),
});

/** The path of explanations. */
export const explainRoutes =
  (control: ExplainControl): ControlRoute =>
  async (method, path, readBody): Promise<Reply | undefined> => {
    if (path !== '/v1/explain') return undefined;
    if (method !== 'POST') return { ...toProblem(405, 'Method Not Allowed', 'POST asks'), allow: 'POST' };
    const asked = askedSchema.safeParse(parseJson(await readBody())).data;
    if (asked === undefined)
      return toProblem(
        400,
        'Bad Request',
        'the body is not { "name": text, "types": texts, "client": address, "listener": text, "follows": boolean }',
      );
    try {
      return toJson(200, await control.explain(asked));
    } catch (thrown) {
      if (!isAppError(thrown)) throw thrown;
      const { code, message, hint } = thrown;
      return toProblem(409, 'Conflict', message, { code, hint });
    }
  };

const parseJson = (text: string | undefined): unknown => {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
};
