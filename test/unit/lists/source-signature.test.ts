import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { isAppError } from '../../../src/base/base.ts';
import {
  parseChecksum,
  parseSourceKey,
  type SignedContent,
  verifySignature,
  WHOLE_FILE_BYTES_MAX,
} from '../../../src/policy/lists/source-signature.ts';

/** What minisign itself made: a key, and signatures of the four bytes "test" in both of its forms. */
const KEY = 'RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3';
const HASHED = `untrusted comment: signature from minisign secret key
RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=
trusted comment: timestamp:1556193335\tfile:test
y/rUw2y8/hOUYjZU71eHp/Wo1KZ40fGy2VJEDl34XMJM+TX48Ss/17u3IvIfbVR1FkZZSNCisQbuQY+bHwhEBg==
`;
const LEGACY = `untrusted comment: signature from minisign secret key
RWQf6LRCGA9i59SLOFxz6NxvASXDJeRtuZykwQepbDEGt87ig1BNpWaVWuNrm73YiIiJbq71Wi+dP9eKL8OC351vwIasSSbXxwA=
trusted comment: timestamp:1555779966\tfile:test
QtKMXWyYcwdpZAlPF7tE2ENJkRd1ujvKjlj1m9RtHTBnZPa5WKU5uWRs5GoP5M/VqE81QFuMKI5k/SfNQUaOAA==
`;

const contentOf = (text: string, sizeBytes = text.length): SignedContent => ({
  blake2b512: createHash('blake2b512').update(text).digest(),
  sizeBytes,
  readWhole: () => Promise.resolve(Buffer.from(text)),
});

/** The trusted comment, or code and text of the failure. */
const verdictOf = async (signature: string | Uint8Array, key: string, content: SignedContent) => {
  try {
    return await verifySignature('a', Buffer.from(signature), parseSourceKey(key), content);
  } catch (thrown) {
    if (!isAppError(thrown)) throw thrown;
    return `${thrown.code} ${thrown.message}`;
  }
};

const DOES_NOT_FIT = /^ERR_LIST_SIGNATURE checking the signature of list a.*: it does not fit$/;
const IS_NONE =
  /^ERR_LIST_SIGNATURE checking the signature of list a: it is no (minisign|Ed25519) signature$/;

describe('verifySignature()', () => {
  it.each([
    ['hashed', HASHED, 'timestamp:1556193335\tfile:test'],
    ['legacy', LEGACY, 'timestamp:1555779966\tfile:test'],
    ['with line ends of Windows', HASHED.replaceAll('\n', '\r\n'), 'timestamp:1556193335\tfile:test'],
  ])('accepts what minisign made: %s', async (_name, signature, comment) => {
    expect(await verdictOf(signature, KEY, contentOf('test'))).toBe(comment);
  });

  it.each([
    ['another content', HASHED, 'Test', DOES_NOT_FIT],
    ['another content, legacy', LEGACY, 'Test', DOES_NOT_FIT],
    ['another trusted comment', HASHED.replace('file:test', 'file:rest'), 'test', DOES_NOT_FIT],
    ['legacy called hashed', LEGACY.replace('RWQf', 'RUQf'), 'test', DOES_NOT_FIT],
    ['hashed called legacy', HASHED.replace('RUQf', 'RWQf'), 'test', DOES_NOT_FIT],
    ['another algorithm', HASHED.replace('RUQf', 'RVQf'), 'test', IS_NONE],
    ['no trusted comment', HASHED.split('\n').slice(0, 2).join('\n'), 'test', IS_NONE],
    ['a character that is no Base64', HASHED.replace('559r', '55-r'), 'test', IS_NONE],
    ['nothing', '', 'test', IS_NONE],
  ])('refuses %s', async (_name, signature, text, failure) => {
    expect(await verdictOf(signature, KEY, contentOf(text))).toMatch(failure);
  });

  it('refuses a signature of another key before it looks at the content', async () => {
    const key = Buffer.from(KEY, 'base64');
    key[2] = 0;
    expect(await verdictOf(HASHED, key.toString('base64'), contentOf('test'))).toContain(
      'it was made with key E7620F1842B4E81F, not with E7620F1842B4E800',
    );
  });

  it('reads no file as a whole that is larger than its bound', async () => {
    const content = contentOf('test', WHOLE_FILE_BYTES_MAX + 1);
    expect(await verdictOf(LEGACY, KEY, content)).toMatch(/ERR_LIST_SIGNATURE .*are signed as a whole/);
    expect(await verdictOf(HASHED, KEY, content)).toBe('timestamp:1556193335\tfile:test');
  });

  it('takes a raw signature as bytes and in Base64', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const key = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64');
    const signature = sign(null, Buffer.from('test'), privateKey);
    expect(await verdictOf(signature, key, contentOf('test'))).toBe('');
    expect(await verdictOf(`${signature.toString('base64')}\n`, key, contentOf('test'))).toBe('');
    expect(await verdictOf(signature, key, contentOf('Test'))).toMatch(DOES_NOT_FIT);
    expect(await verdictOf(HASHED, key, contentOf('test'))).toMatch(IS_NONE);
  });
});

describe('parseSourceKey()', () => {
  it('takes the file that minisign writes', async () => {
    const file = `untrusted comment: minisign public key E7620F1842B4E81F\n${KEY}\n`;
    expect(await verdictOf(HASHED, file, contentOf('test'))).toBe('timestamp:1556193335\tfile:test');
  });

  it.each(['', 'abc', KEY.slice(4), KEY.replace('RWQ', 'RUQ'), `${KEY}=`, 'ssh-ed25519 AAAA'])(
    'refuses %j',
    (text) => {
      expect(() => parseSourceKey(text)).toThrow('reading a public key');
    },
  );
});

describe('parseChecksum()', () => {
  it('reads the digits in either case', () => {
    expect(parseChecksum(`sha256:${'AB'.repeat(32)}`)).toBe('ab'.repeat(32));
  });

  it.each(['ab'.repeat(32), `sha256:${'ab'.repeat(31)}`, `sha512:${'ab'.repeat(32)}`, 'sha256:'])(
    'refuses %s',
    (text) => {
      expect(() => parseChecksum(text)).toThrow('reading the checksum');
    },
  );
});
