// What resolvers of a fleet say to each other as witnesses: a submission (C2SP tlog-witness) and the answer to it, each signed.
//
// A cosignature proves itself. What is signed around it is who asks, so that nobody begins a log in another's name, and
// who answers to which question, so that nobody says in a witness's name that it knows other records.
import { createHash, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { isSignature, type SigningKey } from './key.ts';
import { NODE_NAME } from './subjects.ts';

/** Bytes of a question or an answer: a proof of 63 hashes, and the signatures of a checkpoint. */
const MESSAGE_BYTES_MAX = 32 * 1024;
const VERIFIER_LENGTH_MAX = 1_024;

const signed = { signature: z.string().max(128) };
const questionSchema = z.strictObject({
  from: z.string().regex(NODE_NAME),
  /** Verifier key of the log (C2SP signed-note). */
  log: z.string().max(VERIFIER_LENGTH_MAX),
  /** Empty: what verifies the witness is asked for. */
  submission: z.string().max(MESSAGE_BYTES_MAX),
  ...signed,
});
const answerSchema = z.strictObject({
  status: z.int().min(100).max(599),
  body: z.string().max(MESSAGE_BYTES_MAX),
  /** Verifier key of the witness. */
  witness: z.string().max(VERIFIER_LENGTH_MAX),
  ...signed,
});

/** A question to a witness. */
export type WitnessQuestion = Readonly<Omit<z.infer<typeof questionSchema>, 'signature'>>;
/** What a witness answers. */
export type WitnessReplied = Readonly<Omit<z.infer<typeof answerSchema>, 'signature'>>;

/** SHA-256, hexadecimal. */
export const hashOf = (bytes: string | Uint8Array): string =>
  createHash('sha256').update(bytes).digest('hex');

const questionText = (to: string, { from, log, submission }: WitnessQuestion): string =>
  `cordon fleet witness 1\nto ${to}\nfrom ${from}\nlog ${hashOf(log)}\nsha256 ${hashOf(submission)}\n`;

const answerText = (question: Uint8Array | string, { status, body, witness }: WitnessReplied): string =>
  `cordon fleet witnessed 1\nquestion ${hashOf(question)}\nstatus ${status}\nwitness ${hashOf(witness)}\nsha256 ${hashOf(body)}\n`;

/** The bytes of a question to a resolver. */
export const formatQuestion = (to: string, question: WitnessQuestion, key: SigningKey): string =>
  JSON.stringify({ ...question, signature: key.sign(questionText(to, question)) });

/** A question that the keys of who asks signed; undefined for anything else. */
export const parseQuestion = (
  to: string,
  bytes: Uint8Array,
  keysOf: (name: string) => readonly KeyObject[],
): WitnessQuestion | undefined => {
  const read = parse(questionSchema, bytes);
  if (read === undefined) return undefined;
  const { signature, ...question } = read;
  const text = questionText(to, question);
  return keysOf(question.from).some((key) => isSignature(key, text, signature)) ? question : undefined;
};

/** The bytes of an answer. */
export const formatAnswer = (question: Uint8Array, answer: WitnessReplied, key: SigningKey): string =>
  JSON.stringify({ ...answer, signature: key.sign(answerText(question, answer)) });

/** An answer to that question that one of the keys signed; undefined for anything else. */
export const parseAnswer = (
  question: string,
  bytes: Uint8Array,
  keys: readonly KeyObject[],
): WitnessReplied | undefined => {
  const read = parse(answerSchema, bytes);
  if (read === undefined) return undefined;
  const { signature, ...answer } = read;
  const text = answerText(question, answer);
  return keys.some((key) => isSignature(key, text, signature)) ? answer : undefined;
};

const parse = <Value>(schema: z.ZodType<Value>, bytes: Uint8Array): Value | undefined => {
  // Of the JSON around the texts.
  if (bytes.length > 2 * MESSAGE_BYTES_MAX) return undefined;
  try {
    const { success, data } = schema.safeParse(JSON.parse(Buffer.from(bytes).toString('utf8')));
    return success ? data : undefined;
  } catch {
    return undefined;
  }
};
