// Signed: a certificate in an envelope of DSSE (github.com/secure-systems-lab/dsse, protocol.md), by Ed25519, and its check.
//
// What is signed are the bytes of the payload with their type before them, so that nothing has to be written in one form to be
// verified, and no other program's signature fits. The file has one form: who adds, removes or turns around anything in it, also
// what no signature covers, has another file. openssl verifies it with three lines, which docs/cordon-proof.md has.
import { createHash, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { type Certificate, FORMAT, judgeAnswered, PAYLOAD_TYPE, worstVerdict } from './proof-certificate.ts';

/** Larger than any that this program writes. */
export const PROOF_BYTES_MAX = 16 * 1024 * 1024;

interface Envelope {
  readonly payloadType: string;
  readonly payload: string;
  readonly signatures: readonly [{ readonly keyid: string; readonly sig: string }];
}

/** What a file says, and whether it is as its signer made it. */
export type Verified =
  | {
      readonly fault: undefined;
      readonly certificate: Certificate;
      readonly keyid: string;
      /** Of the envelope, as an HTML page holds it. */
      readonly text: string;
    }
  | { readonly fault: string };

/** SHA-256 of a public key as SubjectPublicKeyInfo, in hex: openssl pkey -pubin -outform DER | sha256sum. */
export const keyidOf = (key: KeyObject): string => {
  const open = key.type === 'private' ? createPublicKey(key) : key;
  return createHash('sha256')
    .update(open.export({ type: 'spki', format: 'der' }))
    .digest('hex');
};

/** The file of a certificate. */
export const seal = (certificate: Certificate, key: KeyObject): string => {
  const payload = Buffer.from(JSON.stringify(certificate));
  const sig = sign(null, signedBytes(payload), key).toString('base64');
  return write({
    payloadType: PAYLOAD_TYPE,
    payload: payload.toString('base64'),
    signatures: [{ keyid: keyidOf(key), sig }],
  });
};

/** The pre-authentication encoding of DSSE. */
const signedBytes = (payload: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from(`DSSEv1 ${PAYLOAD_TYPE.length} ${PAYLOAD_TYPE} ${payload.length} `), payload]);

const write = (envelope: Envelope): string => `${JSON.stringify(envelope, null, 2)}\n`;

/** Checks the text of an envelope against the key that its reader trusts. */
export const open = (text: string, key: KeyObject): Verified => {
  if (text.length > PROOF_BYTES_MAX) return { fault: 'it is larger than any certificate' };
  // A program on the way may have turned the ends of lines; nothing else may differ.
  const lines = text.replaceAll('\r\n', '\n');
  try {
    const envelope = JSON.parse(lines) as Partial<Envelope>;
    const { payloadType, payload, signatures } = envelope;
    const one = signatures?.[0];
    if (typeof payload !== 'string' || typeof one?.sig !== 'string' || typeof one.keyid !== 'string')
      return { fault: 'it is no signed certificate' };
    const bytes = Buffer.from(payload, 'base64');
    const sig = Buffer.from(one.sig, 'base64');
    const formed: Envelope = {
      payloadType: PAYLOAD_TYPE,
      payload: bytes.toString('base64'),
      signatures: [{ keyid: one.keyid, sig: sig.toString('base64') }],
    };
    if (payloadType !== PAYLOAD_TYPE || write(formed) !== lines)
      return { fault: 'it is not in the form in which certificates are written' };
    if (one.keyid !== keyidOf(key)) return { fault: `another key signed it: ${one.keyid.slice(0, 64)}` };
    if (!verify(null, signedBytes(bytes), key, sig)) return { fault: 'its signature does not fit' };
    const certificate = JSON.parse(bytes.toString('utf8')) as Certificate;
    const fault = faultOf(certificate);
    return fault === undefined ? { fault, certificate, keyid: one.keyid, text: lines } : { fault };
  } catch {
    return { fault: 'it is no signed certificate' };
  }
};

/** The verdict has to be the one that the figures give: a signature says who wrote it, not that it was drawn rightly. */
const faultOf = ({ format, resolvers, verdict }: Certificate): string | undefined => {
  if (format !== FORMAT) return `its form is ${JSON.stringify(format)}, which this program does not know`;
  const drawn = resolvers.map((answered) => judgeAnswered(answered).verdict);
  const isDrawn = resolvers.every((answered, index) => answered.verdict === drawn[index]);
  return isDrawn && verdict === worstVerdict(drawn) ? undefined : 'its verdict is not what its figures say';
};
