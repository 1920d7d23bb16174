// One probe asked of all: the authority signs that it asks, and each resolver signs what its own probe was answered.
//
// Nobody asks a node's names from elsewhere: each asks as its own clients do, and has the run in its records, which are the
// evidence. What is asked for is signed, lives for a minute and is done once, at most every minute: a carrier that repeats or
// keeps it back moves nothing. Signed are these texts:
//
//   cordon fleet probe 1            cordon fleet probed 1
//   id 16 hexadecimal digits        {"name":"ns2","request":"…",…}
//   time 2026-11-25T08:00:00.000Z
//   key 16 hexadecimal digits
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { isSignature, type SigningKey } from './key.ts';
import { type Member, type Membership, OLD_KEY_MS } from './membership.ts';
import { NODE_NAME } from './subjects.ts';

/** Between two requests; a sweep of the shipped lists takes about as long. Milliseconds. */
export const PROBE_MS_MIN = 60_000;
/** How old a request may be, and how far ahead of the clock, milliseconds: as long as no second one is allowed. */
const REQUEST_MS_MAX = 60_000;
const REQUEST_BYTES_MAX = 1_024;
/** Some 400 rows of at most 150 bytes. */
const RESULT_BYTES_MAX = 64 * 1024;
/** Rows of network, transport and type; of more, those that are not in order come first. */
const ROWS_MAX = 400;
const EXAMPLES_MAX = 5;
const EXAMPLE_LENGTH_MAX = 300;
const VIEW_LENGTH_MAX = 80;
const ID_BYTES = 8;

const requestSchema = z.strictObject({
  id: z.string().regex(/^[0-9a-f]{16}$/),
  time: z.iso.datetime(),
  key: z.string().regex(/^[0-9a-f]{16}$/),
  signature: z.base64().max(100),
});

const OUTCOMES = ['enforced', 'leaking', 'broken'] as const;
const count = z.int().min(0);
const rowSchema = z.object({
  view: z.string().max(VIEW_LENGTH_MAX),
  transport: z.string().max(20),
  qtype: z.string().max(20),
  outcome: z.enum(OUTCOMES),
  asked: count,
  leaked: count,
  failed: count,
});
const resultSchema = z.object({
  name: z.string().regex(NODE_NAME),
  /** The identifier of the request. */
  request: z.string().regex(/^[0-9a-f]{16}$/),
  began: z.iso.datetime(),
  ended: z.iso.datetime(),
  generation: count,
  outcome: z.enum(OUTCOMES),
  asked: count,
  leakedNames: count,
  failingNames: count,
  examples: z.array(z.string().max(EXAMPLE_LENGTH_MAX)).max(EXAMPLES_MAX),
  results: z.array(rowSchema).max(ROWS_MAX),
});
const messageSchema = z.strictObject({ body: z.string(), signature: z.base64().max(100) });

/** The authority asks. Plain data. */
export type ProbeRequest = Readonly<z.infer<typeof requestSchema>>;
/** What a resolver's probe was answered. Plain data. */
export type ProbeResult = Readonly<z.infer<typeof resultSchema>>;

/** The same, as the program's probe tells it: without who asked whom. */
export type OwnProbe = Omit<ProbeResult, 'name' | 'request'>;

const requestText = ({ id, time, key }: Omit<ProbeRequest, 'signature'>): string =>
  `cordon fleet probe 1\nid ${id}\ntime ${time}\nkey ${key}\n`;

/** A request of this moment. */
export const signRequest = (nowMs: number, key: SigningKey): ProbeRequest => {
  const unsigned = {
    id: randomBytes(ID_BYTES).toString('hex'),
    time: new Date(nowMs).toISOString(),
    key: key.keyId,
  };
  return { ...unsigned, signature: key.sign(requestText(unsigned)) };
};

/** Why a request is not followed. */
export type RequestFault =
  | 'of another form'
  | 'signed by no key of the fleet'
  | 'too old, or of a time to come';

/** The request of bytes from the network, or why it is none. `nowMs` is the authority's time as far as it is known. */
export const readRequest = (
  bytes: Uint8Array,
  membership: Membership,
  nowMs: number,
): ProbeRequest | RequestFault => {
  const read = requestSchema.safeParse(parseJson(bytes, REQUEST_BYTES_MAX));
  if (!read.success) return 'of another form';
  const { data } = read;
  if (!membership.isSignedBy(data.key, requestText(data), data.signature))
    return 'signed by no key of the fleet';
  if (Math.abs(nowMs - Date.parse(data.time)) > REQUEST_MS_MAX) return 'too old, or of a time to come';
  return data;
};

/** What a resolver says of its run, signed by its own key. */
export const signResult = (name: string, request: string, own: OwnProbe, key: SigningKey): string => {
  const results = own.results
    .toSorted((a, b) => OUTCOMES.indexOf(b.outcome) - OUTCOMES.indexOf(a.outcome))
    .slice(0, ROWS_MAX)
    .map((row) => ({ ...row, view: row.view.slice(0, VIEW_LENGTH_MAX) }));
  const examples = own.examples.slice(0, EXAMPLES_MAX).map((text) => text.slice(0, EXAMPLE_LENGTH_MAX));
  const { began, ended, generation, outcome, asked, leakedNames, failingNames } = own;
  const body = JSON.stringify({
    ...{ name, request, began, ended, generation, outcome, asked, leakedNames, failingNames },
    ...{ examples, results },
  });
  return JSON.stringify({ body, signature: key.sign(resultText(body)) });
};

/** Why a result does not count. `past`: it is older than the key that its resolver has, or than the end of it in the fleet. */
export type ResultFault = 'forged' | 'past';

/**
 * The result of bytes from the network, by the key that its resolver has: when it ended says whoever wrote it, and a key of before may
 * be another's by now. The engine keeps the last result of each resolver, also of who was removed or has another key since, who tells it
 * anew.
 */
export const readResult = (
  bytes: Uint8Array,
  name: string,
  membership: Membership,
): ProbeResult | ResultFault => {
  const message = messageSchema.safeParse(parseJson(bytes, RESULT_BYTES_MAX));
  const member = membership.find(name);
  if (!message.success || member === undefined) return 'forged';
  const { body, signature } = message.data;
  const read = resultSchema.safeParse(parseJson(Buffer.from(body), RESULT_BYTES_MAX));
  if (!read.success || read.data.name !== name) return 'forged';
  const endedMs = Date.parse(read.data.ended);
  const isSigned = membership
    .keysOf(name, Number.POSITIVE_INFINITY)
    .some((key) => isSignature(key, resultText(body), signature));
  if (isSigned) return Date.parse(read.data.began) > endedMs ? 'forged' : read.data;
  return endedMs - (changedMs(member) ?? Number.NEGATIVE_INFINITY) < OLD_KEY_MS ? 'past' : 'forged';
};

/** When a resolver was removed, or got the key that it has in the place of another one; undefined: it has its first. */
const changedMs = ({ until, before, former, removed, since }: Member): number | undefined => {
  const isAnother = former !== undefined || removed !== undefined;
  const time = until ?? before?.until ?? (isAnother ? since : undefined);
  return time === undefined ? undefined : Date.parse(time);
};

const resultText = (body: string): string => `cordon fleet probed 1\n${body}\n`;

const parseJson = (bytes: Uint8Array, bytesMax: number): unknown => {
  if (bytes.length > bytesMax) return undefined;
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
};
