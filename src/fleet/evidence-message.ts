// A message of evidence: a piece of a chain, packed (zstd), signed with the key of the resolver that sends it.
//
// The signature is over the subject and the packed bytes, so that neither another resolver nor the engine's operator can send
// in its name. Members are added, never renamed.
import { createHash, type KeyObject } from 'node:crypto';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { z } from 'zod';
import { isDay, isMoment, MOMENT_MS_MAX, MOMENT_MS_MIN } from '../evidence/records/records.ts';
import { isSignature, type SigningKey } from './key.ts';

/** Bytes of an unpacked message: a change has at most 1 MiB of characters. */
const MESSAGE_BYTES_MAX = 8 << 20;
/** 18 KB become 2.5 KB in 0.1 ms. */
const ZSTD_LEVEL = 3;

/** Highest number of a record or a partition: sums of them stay safe. */
const NUMBER_MAX = 2 ** 48;

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const number = z.int().min(1).max(NUMBER_MAX);
const time = z.int().min(MOMENT_MS_MIN).max(MOMENT_MS_MAX);
/** One line: it stands in a text that is hashed line by line. */
const line = (length: number) =>
  z
    .string()
    .max(length)
    .regex(/^\P{Cc}*$/u);
const meta = z.strictObject({
  class: z.enum(['queries', 'changes']),
  ordinal: number,
  day: z.string().refine(isDay),
  previous: hash,
  first: number,
  resolver: line(300),
  version: line(100),
  created: z.string().refine(isMoment),
});
const block = z.strictObject({
  ordinal: number,
  first: number,
  count: z.int().min(1).max(100_000),
  fromMs: time,
  untilMs: time,
  hash,
  body: z.string(),
});

const pieceSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('opening'), meta }),
  z.strictObject({ kind: z.literal('block'), block }),
  z.strictObject({
    kind: z.literal('hole'),
    after: z.strictObject({ sequence: z.int().min(0).max(NUMBER_MAX), hash }),
    ordinal: number,
    first: number,
  }),
  z.strictObject({ kind: z.literal('head'), head: z.string().max(4_000) }),
  z.strictObject({ kind: z.literal('key'), pem: z.string().max(1_000) }),
]);
const messageSchema = z.looseObject({ enrolment: z.int().min(1), piece: pieceSchema });

/** A piece that travels. */
export type EvidencePiece = Readonly<z.infer<typeof pieceSchema>>;

/** What it is sent as: bytes, signature, and by what the engine knows it again. */
export interface PackedEvidence {
  readonly bytes: Uint8Array;
  readonly signature: string;
  readonly id: string;
}

const signedText = (subject: string, bytes: Uint8Array): string =>
  `cordon fleet evidence 1\nsubject ${subject}\nsha256 ${createHash('sha256').update(bytes).digest('hex')}\n`;

/** Packs and signs a piece. */
export const packEvidence = (
  subject: string,
  enrolment: number,
  piece: EvidencePiece,
  key: SigningKey,
): PackedEvidence => {
  const level = { params: { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL } };
  const bytes = zstdCompressSync(JSON.stringify({ enrolment, piece }), level);
  return {
    bytes,
    signature: key.sign(signedText(subject, bytes)),
    id: `${subject}.${enrolment}.${idOf(piece)}`,
  };
};

const idOf = (piece: EvidencePiece): string => {
  switch (piece.kind) {
    case 'opening':
      return `opening.${piece.meta.ordinal}.${piece.meta.previous}`;
    case 'block':
      return `${piece.block.first}.${piece.block.hash}`;
    case 'hole':
      return `hole.${piece.first}.${piece.after.hash}`;
    case 'head':
    case 'key':
      return createHash('sha256').update(JSON.stringify(piece)).digest('hex');
  }
};

/** True when that key signed the message. */
export const isEvidenceSignedBy = (
  subject: string,
  bytes: Uint8Array,
  signature: string,
  key: KeyObject,
): boolean => isSignature(key, signedText(subject, bytes), signature);

/** The piece of a message and the enrolment that it belongs to; undefined for anything else. */
export const unpackEvidence = (bytes: Uint8Array): z.infer<typeof messageSchema> | undefined => {
  try {
    const text = zstdDecompressSync(bytes, { maxOutputLength: MESSAGE_BYTES_MAX }).toString('utf8');
    const { success, data } = messageSchema.safeParse(JSON.parse(text));
    return success ? data : undefined;
  } catch {
    return undefined;
  }
};
