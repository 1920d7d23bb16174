// Archives that other programs write as backups: zip (APPNOTE 6.3, stored and deflated) and tar in gzip (POSIX ustar).
//
// Read in memory, within bounds that hold for what comes out and not for what the archive says of itself: an archive
// of a few kilobytes can unfold to gigabytes. Links and devices in it are no files, a name that leads out of it is
// refused, and what is encrypted or in another method is an error and never left out.
import { crc32, gunzipSync, inflateRawSync } from 'node:zlib';
import { AppError, systemErrorCode } from '../../base/base.ts';

/** All files of an archive together, unpacked: a teleporter of a large Pi-hole has some ten megabytes. */
export const ARCHIVE_BYTES_MAX = 128 << 20;
/** A teleporter has twenty files, a directory of dnsmasq a hundred. */
export const ARCHIVE_FILES_MAX = 1000;

const LOCAL_SIGNATURE = 0x04034b50;
const CENTRAL_SIGNATURE = 0x02014b50;
const END_SIGNATURE = 0x06054b50;
const CENTRAL_LENGTH = 46;
const LOCAL_LENGTH = 30;
const END_LENGTH = 22;
/** The comment behind the end record is at most this long. */
const COMMENT_LENGTH_MAX = 0xffff;
const STORED = 0;
const DEFLATED = 8;
const FLAG_ENCRYPTED = 1;
const TAR_BLOCK = 512;

/** True for the first bytes of a zip archive. */
export const isZip = (bytes: Uint8Array): boolean => bytes[0] === 0x50 && bytes[1] === 0x4b;

/** True for the first bytes of a gzip file. */
export const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

/** The regular files of an archive by their names; throws ERR_IMPORT_ARCHIVE. */
export const readArchive = (bytes: Buffer): Map<string, Buffer> =>
  isZip(bytes) ? readZip(bytes) : readTar(unpack(bytes));

const damaged = (text: string, hint?: string): AppError =>
  new AppError('ERR_IMPORT_ARCHIVE', `reading the archive: ${text}`, hint === undefined ? {} : { hint });

const tooLarge = (): AppError =>
  damaged(
    `it unfolds to more than ${ARCHIVE_BYTES_MAX >>> 20} MiB`,
    'unpack it and name the directory, if this is meant',
  );

/** Takes files within the bounds. */
class Files {
  readonly found = new Map<string, Buffer>();
  #bytes = 0;

  get room(): number {
    return ARCHIVE_BYTES_MAX - this.#bytes;
  }

  add(name: string, content: Buffer): void {
    const clean = name.replace(/^(?:\.?\/)+/, '');
    if (clean === '' || clean.split('/').includes('..'))
      throw damaged(`the name ${JSON.stringify(name.slice(0, 80))} leads out of it`);
    if (this.found.size >= ARCHIVE_FILES_MAX) throw damaged(`it has more than ${ARCHIVE_FILES_MAX} files`);
    this.#bytes += content.length;
    if (this.#bytes > ARCHIVE_BYTES_MAX) throw tooLarge();
    this.found.set(clean, content);
  }
}

const readZip = (bytes: Buffer): Map<string, Buffer> => {
  const end = findEnd(bytes);
  const count = bytes.readUInt16LE(end + 10);
  let at = bytes.readUInt32LE(end + 16);
  const files = new Files();
  for (let index = 0; index < count; index++) {
    if (at + CENTRAL_LENGTH > end || bytes.readUInt32LE(at) !== CENTRAL_SIGNATURE)
      throw damaged('its directory is damaged');
    const nameLength = bytes.readUInt16LE(at + 28);
    const name = bytes.toString('utf8', at + CENTRAL_LENGTH, at + CENTRAL_LENGTH + nameLength);
    // The upper half are the attributes of the system that wrote it; of a symbolic link the mode says so.
    const isLink = bytes.readUInt32LE(at + 38) >>> 28 === 0xa;
    if (!name.endsWith('/') && !isLink) files.add(name, contentOf(bytes, at, name, files.room));
    at += CENTRAL_LENGTH + nameLength + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32);
  }
  return files.found;
};

const findEnd = (bytes: Buffer): number => {
  for (
    let at = bytes.length - END_LENGTH;
    at >= Math.max(0, bytes.length - END_LENGTH - COMMENT_LENGTH_MAX);
    at--
  ) {
    if (bytes.readUInt32LE(at) === END_SIGNATURE) return at;
  }
  throw damaged('it is cut off: its directory is missing');
};

const contentOf = (bytes: Buffer, central: number, name: string, room: number): Buffer => {
  const [flags, method] = [bytes.readUInt16LE(central + 8), bytes.readUInt16LE(central + 10)];
  const [sum, packedBytes, plainBytes] = [16, 20, 24].map((offset) =>
    bytes.readUInt32LE(central + offset),
  ) as [number, number, number];
  const local = bytes.readUInt32LE(central + 42);
  const quoted = JSON.stringify(name.slice(0, 80));
  if ((flags & FLAG_ENCRYPTED) !== 0) throw damaged(`${quoted} is encrypted`, 'export it without a password');
  if (method !== STORED && method !== DEFLATED) throw damaged(`${quoted} is packed by method ${method}`);
  if (local + LOCAL_LENGTH > bytes.length || bytes.readUInt32LE(local) !== LOCAL_SIGNATURE)
    throw damaged(`${quoted} is damaged`);
  const start = local + LOCAL_LENGTH + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
  if (start + packedBytes > bytes.length) throw damaged(`${quoted} is cut off`);
  const packed = bytes.subarray(start, start + packedBytes);
  const content =
    method === STORED
      ? packed
      : bounded(() => inflateRawSync(packed, { maxOutputLength: Math.max(1, room) }));
  if (content.length !== plainBytes || crc32(content) !== sum)
    throw damaged(`${quoted} is damaged: its sum is wrong`);
  return content;
};

const unpack = (bytes: Buffer): Buffer =>
  isGzip(bytes) ? bounded(() => gunzipSync(bytes, { maxOutputLength: ARCHIVE_BYTES_MAX })) : bytes;

const bounded = (inflate: () => Buffer): Buffer => {
  try {
    return inflate();
  } catch (thrown) {
    const code = systemErrorCode(thrown) ?? (thrown as { code?: unknown }).code;
    if (code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge();
    throw damaged('what is packed in it cannot be read');
  }
};

const readTar = (bytes: Buffer): Map<string, Buffer> => {
  const files = new Files();
  let longName = '';
  for (let at = 0; at + TAR_BLOCK <= bytes.length; ) {
    const header = bytes.subarray(at, at + TAR_BLOCK);
    if (header.every((byte) => byte === 0)) break;
    const size = octal(header, 124, 12);
    if (sumOf(header) !== octal(header, 148, 8))
      throw damaged('a header of it is damaged, or it is no tar archive');
    const start = at + TAR_BLOCK;
    if (start + size > bytes.length) throw damaged('it is cut off');
    const content = bytes.subarray(start, start + size);
    const type = String.fromCharCode(header[156] ?? 0);
    if (type === 'L') longName = content.toString('utf8').replace(/\0.*$/s, '');
    else if (type === 'x') longName = /^\d+ path=(.*)$/m.exec(content.toString('utf8'))?.[1] ?? longName;
    else {
      if (type === '0' || type === '\0') files.add(longName === '' ? nameOf(header) : longName, content);
      longName = '';
    }
    at = start + Math.ceil(size / TAR_BLOCK) * TAR_BLOCK;
  }
  if (files.found.size === 0) throw damaged('there is no file in it, or it is neither zip nor tar');
  return files.found;
};

const text = (header: Buffer, at: number, length: number): string =>
  header.toString('utf8', at, at + length).replace(/\0.*$/s, '');

const octal = (header: Buffer, at: number, length: number): number => {
  const digits = text(header, at, length).trim();
  if (!/^[0-7]*$/.test(digits)) throw damaged('a header of it is damaged, or it is no tar archive');
  return digits === '' ? 0 : Number.parseInt(digits, 8);
};

const nameOf = (header: Buffer): string => {
  const prefix = header.toString('latin1', 257, 262) === 'ustar' ? text(header, 345, 155) : '';
  return prefix === '' ? text(header, 0, 100) : `${prefix}/${text(header, 0, 100)}`;
};

/** The sum of a header, its own field as blanks. */
const sumOf = (header: Buffer): number =>
  header.reduce((sum, byte, index) => sum + (index >= 148 && index < 156 ? 0x20 : byte), 0);
