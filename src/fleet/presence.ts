// What a resolver says of itself, every few seconds and after each entry: what status shows.
//
// It is not evidence, which the records are: who has the key of a node can say anything in it, of that node. It is signed and
// numbered (signed-message.ts); a bound on its length and closed forms keep it from hurting who reads it.
import { z } from 'zod';
import { isMoment } from '../evidence/records/records.ts';
import { NODE_NAME } from './subjects.ts';

/** Bytes of a presence. */
export const PRESENCE_BYTES_MAX = 16 * 1024;
/** Between two of them, milliseconds. */
export const PRESENCE_MS = 10_000;

/** Characters of what a resolver says in words; longer ones would make a whole presence one that nobody takes. */
export const TEXT_LENGTH_MAX = 200;

/** Resolvers that are not Cordon's of which a collector tells: as many as fit beside the rest. */
export const FOREIGN_MAX = 16;

/** Words, which a terminal shows: what would move its cursor is a blank. */
const words = (length: number) =>
  z
    .string()
    .max(length)
    .transform((said) => said.replaceAll(/\p{Cc}/gu, ' '));
const text = words(TEXT_LENGTH_MAX);
const moment = z.string().refine(isMoment);
const natural = z.int().min(0);
const hash = z.string().regex(/^[0-9a-f]{64}$/);
const end = z.looseObject({ number: natural, hash });
const counts = z.looseObject({ queries: natural, changes: natural });
/** No clock is off by more than all of time, milliseconds. */
const OFFSET_MS_MAX = 8.64e15;

const presenceSchema = z.looseObject({
  name: z.string().regex(NODE_NAME),
  site: words(40).exactOptional(),
  role: z.enum(['authority', 'node', 'collector']),
  enrolment: z.int().min(1),
  time: moment,
  version: text,
  generation: natural,
  /** In the words of enforcement, which names every group and list: versions before this one sent them whole. */
  state: words(8_000),
  /** The closed word of it, such as `enforced`. */
  enforcement: words(40).exactOptional(),
  /** By how much its clock is ahead of the authority's, milliseconds. */
  offsetMs: z.number().min(-OFFSET_MS_MAX).max(OFFSET_MS_MAX).exactOptional(),
  /** Up to where it has policy. */
  policy: end,
  /** Since when it does not hear the authority. */
  cutOffSince: moment.exactOptional(),
  isSuspended: z.boolean(),
  /** How long exemptions hold there when it does not hear the authority; absent: until their own ends, or of a version that does not say it. */
  suspendAfterMs: natural.exactOptional(),
  isForked: z.boolean(),
  /** An authority in whose place another one is. */
  isReplaced: z.boolean().exactOptional(),
  stopped: end.exactOptional(),
  refused: z
    .array(
      z.looseObject({
        number: natural,
        subject: text.exactOptional(),
        code: text,
        reason: words(2_000),
      }),
    )
    .max(50),
  /** SHA-256 of the lists that it was given and has in force, by identifier; and the hash of what else was signed, by subject. */
  lists: z.record(z.string().regex(/^[a-z0-9-]{1,40}$/), hash),
  contents: z.record(z.string().regex(/^[a-z-]{1,40}$/), hash).exactOptional(),
  /** Number of the last record of each chain, and up to where they are confirmed. */
  records: counts,
  confirmed: counts,
  /** Of a collector: whether it keeps what it is sent. */
  isKeeping: z.boolean().exactOptional(),
  /** Of a collector: what it refused, by kind, and the last of it. */
  alarms: z.record(z.string().regex(/^[a-z-]{1,40}$/), natural).exactOptional(),
  lastAlarms: z
    .array(z.looseObject({ time: moment, alarm: text, node: text, text: words(500) }))
    .max(10)
    .exactOptional(),
  /** Of a collector: what is wrong with resolvers that are not Cordon's, in the words of health issues. */
  foreign: z
    .array(
      z.looseObject({
        id: z.string().regex(/^[a-z-]{1,40}$/),
        subject: z.string().regex(/^[a-z0-9-]{1,63}$/),
        text: words(2 * TEXT_LENGTH_MAX),
        since: moment,
      }),
    )
    .max(FOREIGN_MAX)
    .exactOptional(),
});

/** What a resolver says of itself. Plain data. */
export type Presence = Readonly<z.infer<typeof presenceSchema>>;

/** A presence as it travels: one that is too long for who reads it says less of what it refused. */
export const formatPresence = (presence: Presence): string => {
  for (let { refused } = presence; ; refused = refused.slice(Math.ceil(refused.length / 2))) {
    const text = JSON.stringify({ ...presence, refused });
    if (refused.length === 0 || Buffer.byteLength(text) <= PRESENCE_BYTES_MAX) return text;
  }
};

/** The presence of bytes from the network; undefined for anything else, and where it says another name than it may. */
export const parsePresence = (bytes: Uint8Array, name: string): Presence | undefined => {
  if (bytes.length > PRESENCE_BYTES_MAX) return undefined;
  try {
    const { success, data } = presenceSchema.safeParse(JSON.parse(Buffer.from(bytes).toString('utf8')));
    return success && data.name === name ? data : undefined;
  } catch {
    return undefined;
  }
};
