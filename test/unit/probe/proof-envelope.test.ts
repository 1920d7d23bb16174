// A certificate and its page: verified as they were made, by openssl as well, and by nobody once anything in them was changed.
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { metricsOf } from '../../../proof/metrics.ts';
import { differenceOf, faultOfSubject } from '../../../proof/subject.ts';
import {
  type Certificate,
  FORMAT,
  judgeAnswered,
  worstVerdict,
} from '../../../src/evidence/probe/proof-certificate.ts';
import { keyidOf, open, seal } from '../../../src/evidence/probe/proof-envelope.ts';
import { readOrMakeKey } from '../../../src/evidence/probe/proof-key.ts';
import type { Packs } from '../../../src/evidence/probe/proof-packs.ts';
import { envelopeIn, pageOf } from '../../../src/evidence/probe/proof-page.ts';
import { openssl } from '../../support/certificates.ts';
import { needing } from '../../support/process.ts';

const directory = mkdtempSync(join(tmpdir(), 'cordon-proof-'));
afterAll(() => rmSync(directory, { recursive: true }));

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const other = generateKeyPairSync('ed25519');

const FIGURES = {
  part: 'mandate',
  transport: 'udp',
  type: 'A',
  asked: 20,
  leaked: 0,
  failed: 0,
  examples: [],
};
const ANSWERED = {
  resolver: '192.0.2.53',
  address: '192.0.2.53:53',
  ways: ['udp', 'tcp'],
  certificates: [],
  began: '2026-11-30T00:00:00.000Z',
  ended: '2026-11-30T00:00:05.000Z',
  seed: 7,
  names: 20,
  askedNames: 20,
  share: 0.5,
  isSilent: false,
  isCutShort: false,
  results: [FIGURES, { ...FIGURES, part: 'decoys', asked: 8 }],
  leakedNames: 0,
  leaks: [],
};
const LEAKING = {
  ...ANSWERED,
  results: [{ ...FIGURES, leaked: 3, examples: ['<script>alert(1)</script> A udp: NOERROR'] }],
  leakedNames: 1,
  leaks: [{ name: 'a.example', list: 'ban', question: 'a.example A', answer: '</script><b>"&\'' }],
};

const certificateOf = (...answers: (typeof ANSWERED | typeof LEAKING)[]): Certificate => {
  const resolvers = answers.map((answered) => ({ ...answered, ...judgeAnswered(answered) }));
  return {
    format: FORMAT,
    program: 'cordon-proof 0',
    mandate: {
      id: 'of-test',
      version: '2026-11-29',
      title: 'Verbot für Bänke',
      place: 'Nowhere',
      standing: 'in-force',
      sha256: '0'.repeat(64),
      lists: ['ban'],
      notHeld: [],
    },
    network: 'office <1>',
    host: 'host',
    made: '2026-11-30T00:00:05.000Z',
    verdict: worstVerdict(resolvers.map(({ verdict }) => verdict)),
    resolvers,
    unseen: ['much'],
  };
};

const certificate = certificateOf(ANSWERED, LEAKING);
const sealed = seal(certificate, privateKey);

test('what was sealed is opened with its key, also after a program turned the ends of its lines', () => {
  for (const text of [sealed, sealed.replaceAll('\n', '\r\n')]) {
    expect(open(text, publicKey)).toMatchObject({
      fault: undefined,
      certificate,
      keyid: keyidOf(privateKey),
    });
  }
  expect(certificate.verdict).toBe('leaking');
});

const parsed = () =>
  JSON.parse(sealed) as {
    payloadType: string;
    payload: string;
    signatures: { keyid: string; sig: string }[];
  };
const written = (envelope: unknown): string => `${JSON.stringify(envelope, null, 2)}\n`;
const flipped = (text: string, place: number): string =>
  text.slice(0, place) + (text[place] === 'A' ? 'B' : 'A') + text.slice(place + 1);
const resealed = (changed: unknown, key: KeyObject = privateKey): string => seal(changed as Certificate, key);
const [signature] = parsed().signatures;

test.each<[string, string]>([
  ['a letter of the payload', written({ ...parsed(), payload: flipped(parsed().payload, 400) })],
  [
    'the verdict within',
    written({
      ...parsed(),
      payload: Buffer.from(JSON.stringify({ ...certificate, verdict: 'enforced' })).toString('base64'),
    }),
  ],
  [
    'a letter of the signature',
    written({ ...parsed(), signatures: [{ ...signature, sig: flipped(signature?.sig ?? '', 10) }] }),
  ],
  [
    'the signature of another certificate',
    written({
      ...parsed(),
      signatures: (JSON.parse(seal(certificateOf(ANSWERED), privateKey)) as { signatures: unknown })
        .signatures,
    }),
  ],
  ['another key, and its name', resealed(certificate, other.privateKey)],
  [
    'another key under the name of the first',
    written({
      ...(JSON.parse(resealed(certificate, other.privateKey)) as object),
      signatures: [
        {
          keyid: keyidOf(publicKey),
          sig: (JSON.parse(resealed(certificate, other.privateKey)) as { signatures: { sig: string }[] })
            .signatures[0]?.sig,
        },
      ],
    }),
  ],
  ['the name of the key', written({ ...parsed(), signatures: [{ ...signature, keyid: '0'.repeat(64) }] })],
  ['the type of the payload', written({ ...parsed(), payloadType: 'application/json' })],
  ['a member more', written({ ...parsed(), note: 'approved' })],
  ['a second signature', written({ ...parsed(), signatures: [signature, signature] })],
  ['a member twice', sealed.replace('{\n', '{\n  "payload": "AAAA",\n')],
  ['blanks in the payload', written({ ...parsed(), payload: ` ${parsed().payload}` })],
  [
    'the alphabet of URLs',
    written({
      ...parsed(),
      payload: parsed().payload.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, ''),
    }),
  ],
  ['the end cut off', sealed.slice(0, -10)],
  ['something behind it', `${sealed}\n`],
  ['no signature', written({ ...parsed(), signatures: [] })],
  ['a verdict that its figures do not give, signed', resealed({ ...certificate, verdict: 'enforced' })],
  [
    'a verdict of one resolver, signed',
    resealed({
      ...certificate,
      resolvers: certificate.resolvers.map((one) => ({ ...one, verdict: 'enforced' })),
      verdict: 'enforced',
    }),
  ],
  ['no resolver, signed as enforced', resealed({ ...certificate, resolvers: [], verdict: 'enforced' })],
  ['another form, signed', resealed({ ...certificate, format: 'cordon-proof/2' })],
  ['no JSON', 'cordon'],
  ['null', 'null'],
])('changed: %s', (_, text) => {
  expect(open(text, publicKey).fault).toEqual(expect.any(String));
});

test('openssl verifies it, with what the document says', needing('openssl'), () => {
  const { payloadType, payload, signatures } = parsed();
  const bytes = Buffer.from(payload, 'base64');
  writeFileSync(
    join(directory, 'signed'),
    Buffer.concat([Buffer.from(`DSSEv1 ${payloadType.length} ${payloadType} ${bytes.length} `), bytes]),
  );
  writeFileSync(join(directory, 'sig'), Buffer.from(signatures[0]?.sig ?? '', 'base64'));
  writeFileSync(join(directory, 'key.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
  const said = openssl(
    directory,
    'pkeyutl',
    '-verify',
    '-pubin',
    '-inkey',
    'key.pub',
    '-rawin',
    '-in',
    'signed',
    '-sigfile',
    'sig',
  );
  expect(said.toString()).toContain('Signature Verified Successfully');
});

const OTHER = { ...ANSWERED, resolver: '192.0.2.54', address: '192.0.2.54:53' };

test.each([
  [{}, undefined],
  [{ mandate: 'of-test', network: 'office <1>' }, undefined],
  [{ resolvers: ['192.0.2.53', '192.0.2.54'] }, undefined],
  [{ resolvers: ['192.0.2.53', '192.0.2.54:53'] }, undefined],
  [{ mandate: 'us-texas' }, 'it is about the mandate of-test, not us-texas'],
  [{ network: 'office' }, 'it is about the network "office <1>", not "office"'],
  [{ resolvers: ['192.0.2.99'] }, 'it is not about the resolver 192.0.2.99'],
  [{ resolvers: ['192.0.2.53'] }, 'it is also about the resolver 192.0.2.54'],
])('a certificate is about %j: %s', (wanted, fault) => {
  const all = { mandate: undefined, network: undefined, resolvers: [], ...wanted };
  expect(faultOfSubject(certificateOf(ANSWERED, OTHER), all)).toBe(fault);
});

test.each([
  [{}, 0, undefined],
  [{ id: 'other' }, 0, undefined],
  [{ version: '2026-12-01' }, 0, 'the mandate of-test is of 2026-12-01 here, and of 2026-11-29 in it'],
  [{ sha256: '1'.repeat(64) }, 0, 'the mandate of-test of 2026-11-29 has another text here'],
  [{}, 1, `the mandate of-test has ${ANSWERED.names + 1} names here, and ${ANSWERED.names} in it`],
])('a mandate that is %j here, with %i names more: %s', (changes, more, difference) => {
  const names = Array.from(
    { length: ANSWERED.names + more },
    (_, index) => [`n${index}.test`, 'exact'] as const,
  );
  const packs: Packs = {
    version: '1',
    mandates: [{ ...certificate.mandate, ...changes }],
    // What stands twice is asked for once.
    lists: [{ id: 'ban', names: [...names, ...names.slice(0, 1)], prefixes: 0 }],
  };
  expect(differenceOf(certificate, packs)).toBe(difference);
});

describe('the page', () => {
  const page = pageOf(certificate, keyidOf(publicKey), sealed);

  test('holds the envelope, and what strangers sent as text', () => {
    expect(envelopeIn(page)).toBe(sealed);
    expect(page.match(/<script/g)).toHaveLength(1);
    expect(page).not.toContain('</script><b>');
    expect(page).not.toContain('office <1>');
  });

  test('says nothing of a page without an envelope', () => {
    expect(envelopeIn('<html>')).toBeUndefined();
  });
});

test('a key is made once, for its owner alone', () => {
  const file = join(directory, 'made/key.pem');
  const first = readOrMakeKey(file);
  expect(first.isNew).toBe(true);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const again = readOrMakeKey(file);
  expect(again.isNew).toBe(false);
  expect(keyidOf(again.key)).toBe(keyidOf(first.key));
  expect(readFileSync(`${file}.pub`, 'utf8')).toContain('BEGIN PUBLIC KEY');
});

test('metrics name each resolver, and escape it', () => {
  const text = metricsOf(certificateOf({ ...ANSWERED, resolver: 'https://a"\\\n/' }));
  expect(text).toContain('cordon_proof_enforced{mandate="of-test",resolver="https://a\\"\\\\\\n/"} 1\n');
  expect(text.split('\n').filter((line) => !/^(?:#.*|cordon_proof_\w+\{.*\} [\d.]+|)$/.test(line))).toEqual(
    [],
  );
});
