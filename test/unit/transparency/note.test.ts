// Signed notes and checkpoints against the examples of C2SP, and what must not pass for one.
import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  createVerifier,
  formatCheckpoint,
  formatNote,
  formatVerifier,
  leafHash,
  parseCheckpoint,
  parseNote,
  parseSubmission,
  parseVerifier,
  SIGNATURE_TYPE,
  signNote,
  verifyNote,
} from '../../../src/wire/transparency/transparency.ts';

/** The example of C2SP signed-note. */
const VKEY = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k';
const EXAMPLE = `This is an example message.

— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
`;
const NOW_MS = Date.parse('2026-11-28T12:00:00.500Z');

const keyOf = (name: string, type: (typeof SIGNATURE_TYPE)[keyof typeof SIGNATURE_TYPE]) => {
  const { privateKey } = generateKeyPairSync('ed25519');
  return { privateKey, verifier: createVerifier(name, privateKey, type) };
};

test('the example of the specification verifies, and reads back as it stands', () => {
  const verifier = parseVerifier(VKEY);
  const note = parseNote(EXAMPLE);
  if (verifier === undefined || note === undefined) throw new Error('not read');
  expect(verifyNote(note, [verifier])).toMatchObject({ isForged: false, verified: [{ timeSec: undefined }] });
  expect(formatNote(note)).toBe(EXAMPLE);
  expect(formatVerifier(verifier)).toBe(VKEY);
  const other = { ...note, text: 'This is another message.\n' };
  expect(verifyNote(other, [verifier])).toEqual({ isForged: true, verified: [] });
  expect(verifyNote(note, [keyOf('example.com/foo', SIGNATURE_TYPE.ed25519).verifier])).toEqual({
    isForged: false,
    verified: [],
  });
});

test.each([
  ['nothing', ''],
  ['no signature', 'text\n'],
  ['an empty line and no signature', 'text\n\n'],
  ['a hyphen for the dash', EXAMPLE.replace('—', '-')],
  ['a name with a plus', EXAMPLE.replace('— example.com/foo', '— example.com+foo')],
  ['a name of nothing', EXAMPLE.replace('— example.com/foo', '— ')],
  ['base64 with a bit too much', EXAMPLE.replace('yaQM=', 'yaQN=')],
  ['a key identifier and no signature', 'text\n\n— a AAAAAA==\n'],
  ['no last line feed', EXAMPLE.slice(0, -1)],
  ['a carriage return', EXAMPLE.replace('message.', 'message.\r')],
  ['a NUL', EXAMPLE.replace('message.', 'message.\0')],
  ['something behind', `${EXAMPLE}more\n`],
  ['a thousand signatures', EXAMPLE + EXAMPLE.slice(EXAMPLE.indexOf('—')).repeat(1_000)],
])('no note: %s', (_, text) => expect(parseNote(text)).toBe(undefined));

test.each([
  ['another identifier', VKEY.replace('530d903a', '530d903b')],
  ['another name', VKEY.replace('/foo', '/bar')],
  ['another type', VKEY.replace('+AeKy', '+AuKy').replace('+AekyeR', '+AukyeR')],
  ['a byte less', VKEY.slice(0, -4)],
  ['no key', 'example.com/foo+530d903a+'],
])('no verifier key: %s', (_, text) => expect(parseVerifier(text)).toBe(undefined));

test('a signature with a time says when, and covers time and text', () => {
  const { privateKey, verifier } = keyOf('witness.example/w1', SIGNATURE_TYPE.cosignature);
  const text = formatCheckpoint({ origin: 'example.com/log', size: 3, root: leafHash(Buffer.of(1)) });
  const signature = signNote(text, verifier, privateKey, NOW_MS);
  const note = { text, signatures: [signature] };
  expect(verifyNote(note, [verifier]).verified).toEqual([{ verifier, timeSec: Math.floor(NOW_MS / 1_000) }]);
  for (let at = 0; at < signature.signature.length; at++) {
    const changed = Buffer.from(signature.signature);
    changed[at] = (changed[at] ?? 0) ^ 1;
    const forged = { text, signatures: [{ ...signature, signature: changed }] };
    expect(verifyNote(forged, [verifier]), `byte ${at}`).toEqual({ isForged: true, verified: [] });
  }
  // The same key for the other type of signature has another identifier: neither passes for the other.
  const plain = createVerifier('witness.example/w1', privateKey, SIGNATURE_TYPE.ed25519);
  expect(plain.keyId).not.toBe(verifier.keyId);
  const crossed = { text, signatures: [{ ...signature, keyId: plain.keyId }] };
  expect(verifyNote(crossed, [plain])).toEqual({ isForged: true, verified: [] });
});

test('a checkpoint reads back, with extension lines passed over', () => {
  const checkpoint = {
    origin: 'example.com/behind-the-sofa',
    size: 20_852_163,
    root: leafHash(Buffer.of(1)),
  };
  expect(parseCheckpoint(formatCheckpoint(checkpoint))).toEqual(checkpoint);
  expect(parseCheckpoint(`${formatCheckpoint(checkpoint)}more\n`)).toEqual(checkpoint);
});

test.each(['-1', '01', '1.5', '1e3', '', ' 1', '9007199254740993', '99999999999999999999'])(
  'no size: %s',
  (size) =>
    expect(parseCheckpoint(`example.com\n${size}\n${leafHash(Buffer.of()).toString('base64')}\n`)).toBe(
      undefined,
    ),
);

test('whatever comes is read or refused, never an error', () => {
  const piece = fc.constantFrom(
    'old ',
    '0',
    '17',
    '\n',
    '\n\n',
    '— ',
    'a',
    '+',
    ' ',
    'AAAA',
    '=',
    '\ud800',
    '—',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(piece).map((all) => all.join('')),
      ),
      (text) => {
        parseNote(text);
        parseCheckpoint(text);
        parseSubmission(text);
        parseVerifier(text);
      },
    ),
  );
});
