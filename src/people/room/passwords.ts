// How passwords are kept: argon2id (RFC 9106), and PBKDF2 (SP 800-132) where a FIPS module does not have it.
//
// Form: `argon2id$MEMORY$PASSES$SALT$TAG` or `pbkdf2-sha256$ITERATIONS$SALT$TAG`, salt and tag in base64url. Hashing runs in
// the thread pool, two at a time: more would take the memory and the processor from everything else.
import { argon2, getFips, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { AppError } from '../../base/base.ts';

/** KiB, passes and lanes: above the least that OWASP asks for (19 MiB, 2, 1), some 100 ms on one core. */
const MEMORY_KIB = 46 * 1024;
const PASSES = 2;
const LANES = 1;
/** OWASP's least for PBKDF2-HMAC-SHA256. */
const ITERATIONS = 600_000;
const SALT_BYTES = 16;
const TAG_BYTES = 32;
const RUNNING_MAX = 2;
const ARGON2ID = 'argon2id$';
/** Seconds of work: who comes later is told to come again. */
const WAITING_MAX = 16;

const argon2Async = promisify(argon2);
const pbkdf2Async = promisify(pbkdf2);

let running = 0;
const waiting: (() => void)[] = [];

const inTurn = async <Result>(work: () => Promise<Result>): Promise<Result> => {
  if (running >= RUNNING_MAX) {
    if (waiting.length >= WAITING_MAX) {
      throw new AppError('ERR_ROOM_BUSY', 'signing in: too many sign in at once', {
        hint: 'Try again shortly.',
      });
    }
    await new Promise<void>((resolve) => waiting.push(resolve));
  }
  running++;
  try {
    return await work();
  } finally {
    running--;
    waiting.shift()?.();
  }
};

const argon2id = (password: string, nonce: Buffer, memory: number, passes: number): Promise<Buffer> =>
  argon2Async('argon2id', {
    message: password.normalize('NFC'),
    nonce,
    memory,
    passes,
    parallelism: LANES,
    tagLength: TAG_BYTES,
  });

const pbkdf2Sha256 = (password: string, salt: Buffer, iterations: number): Promise<Buffer> =>
  pbkdf2Async(password.normalize('NFC'), salt, iterations, TAG_BYTES, 'sha256');

/** A password as it is kept. Rejects with ERR_ROOM_BUSY. */
export const hashPassword = (password: string, isFips = getFips() === 1): Promise<string> =>
  inTurn(async () => {
    const salt = randomBytes(SALT_BYTES);
    const text = (tag: Buffer): string => `${salt.toString('base64url')}$${tag.toString('base64url')}`;
    return isFips
      ? `pbkdf2-sha256$${ITERATIONS}$${text(await pbkdf2Sha256(password, salt, ITERATIONS))}`
      : `argon2id$${MEMORY_KIB}$${PASSES}$${text(await argon2id(password, salt, MEMORY_KIB, PASSES))}`;
  });

/** Hashes without any account, so that a name that nobody has takes as long as one with a wrong password. */
export const verifyNothing = async (password: string): Promise<false> => {
  await hashPassword(password);
  return false;
};

/** False: no process with this cryptography can verify it, because a FIPS module has no argon2id. */
export const isVerifiable = (kept: string, isFips = getFips() === 1): boolean =>
  !(isFips && kept.startsWith(ARGON2ID));

/** True for one that hashPassword() would keep otherwise: the process had other cryptography when it was kept. */
export const isOutdated = (kept: string, isFips = getFips() === 1): boolean =>
  !kept.startsWith(isFips ? `pbkdf2-sha256$${ITERATIONS}$` : `${ARGON2ID}${MEMORY_KIB}$${PASSES}$`);

/** True for the password that was kept. Rejects with ERR_ROOM_BUSY. */
export const verifyPassword = (password: string, kept: string): Promise<boolean> =>
  inTurn(async () => {
    const [kind, ...parts] = kept.split('$');
    const [tag = '', salt = '', ...numbers] = parts.reverse();
    const [first = 0, second = 0] = numbers.reverse().map(Number);
    const nonce = Buffer.from(salt, 'base64url');
    const found =
      kind === 'argon2id'
        ? await argon2id(password, nonce, first, second)
        : await pbkdf2Sha256(password, nonce, first);
    return timingSafeEqual(found, Buffer.from(tag, 'base64url'));
  });
