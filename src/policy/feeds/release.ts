// The release of Cordon that a feed tells of, in the file release.json: told to people, and nothing else. Cordon fetches none.
//
//   { "version": "0.2.0", "date": "2027-03-01", "notes": "https://…" }
import { z } from 'zod';

/** Its path in a feed, beside the lists. */
export const RELEASE_NAME = 'release.json';
/** Three short texts. */
export const RELEASE_BYTES_MAX = 4096;
const NOTES_LENGTH_MAX = 500;

const VERSION = /^(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})$/;

/** What is kept and told of one. */
export const releaseSchema = z.object({
  version: z.string().regex(VERSION),
  /** Of the release. */
  date: z.iso.date(),
  /** Where people read what changed. */
  notes: z
    .url({ protocol: /^https$/, normalize: true })
    .max(NOTES_LENGTH_MAX)
    .refine(hasNobody),
});
export type Release = z.infer<typeof releaseSchema>;

/** What a file says; undefined where it is none. */
export const parseRelease = (bytes: Uint8Array): Release | undefined => {
  if (bytes.length > RELEASE_BYTES_MAX) return undefined;
  try {
    return releaseSchema.safeParse(JSON.parse(Buffer.from(bytes).toString())).data;
  } catch {
    return undefined;
  }
};

/** True when a release is newer than what runs, which may be built between two releases: `0.1.0+git20261126031500`. */
export const isNewerVersion = (version: string, than: string): boolean => {
  const [wanted, known] = [numbersOf(version), numbersOf(than)];
  const at = wanted.findIndex((number, index) => number !== known[index]);
  return at >= 0 && (wanted[at] ?? 0) > (known[at] ?? 0);
};

const numbersOf = (version: string): number[] =>
  version
    .replace(/[+-].*$/, '')
    .split('.')
    .map(Number);

function hasNobody(text: string): boolean {
  const { username, password } = new URL(text);
  return username === '' && password === '';
}
