// When the authority wants a certificate renewed (ACME Renewal Information, RFC 9773): sooner than planned where it has to revoke many.
import type { X509Certificate } from 'node:crypto';
import { type Session, WAIT_MS_MAX } from './session.ts';

/** authorityKeyIdentifier (RFC 5280 section 4.2.1.1) in DER, with its tag and length. */
const AUTHORITY_KEY_IDENTIFIER = Buffer.from('0603551d23', 'hex');
const OCTET_STRING = 0x04;
const SEQUENCE = 0x30;
const KEY_IDENTIFIER = 0x80;
/** Between two questions, milliseconds: what RFC 9773 section 4.3.2 recommends, and the least that an authority may ask for. */
const ASK_MS = 6 * 3_600_000;
const ASK_MS_MIN = 60_000;

/** What the authority wants. */
export interface RenewalWish {
  /** When to renew: at random within the window that it suggests, milliseconds since the epoch; undefined: it does not say. */
  readonly atMs: number | undefined;
  /** When to ask again. */
  readonly askMs: number;
}

/**
 * How a certificate is named there: identifier of the authority's key and serial number (section 4.1); undefined where it has no such
 * identifier, or one of an unusual form.
 */
export const certificateId = ({ raw, serialNumber }: X509Certificate): string | undefined => {
  const at = raw.indexOf(AUTHORITY_KEY_IDENTIFIER) + AUTHORITY_KEY_IDENTIFIER.length;
  const [octets, , sequence, , tag, length = 0] = raw.subarray(at, at + 6);
  if (octets !== OCTET_STRING || sequence !== SEQUENCE || tag !== KEY_IDENTIFIER || length > 0x7f)
    return undefined;
  // Node.js prints a serial number without the octet that keeps it from being negative.
  const serial = Buffer.from(serialNumber.length % 2 === 0 ? serialNumber : `0${serialNumber}`, 'hex');
  const positive = (serial[0] ?? 0) > 0x7f ? Buffer.concat([Buffer.alloc(1), serial]) : serial;
  return `${raw.subarray(at + 6, at + 6 + length).toString('base64url')}.${positive.toString('base64url')}`;
};

/** Asks when a certificate is to be renewed; throws AppError of AcmeErrorCode. `random` is from 0 to 1. */
export const askRenewal = async (
  session: Session,
  leaf: X509Certificate,
  nowMs: number,
  random: number,
): Promise<RenewalWish> => {
  const { renewalInfo } = await session.directory();
  const id = certificateId(leaf);
  if (typeof renewalInfo !== 'string' || id === undefined)
    return { atMs: undefined, askMs: nowMs + WAIT_MS_MAX };
  const { suggestedWindow } = await session.get(`${renewalInfo}/${id}`);
  const { start, end } = (suggestedWindow ?? {}) as Readonly<Record<string, unknown>>;
  const [startMs, endMs] = [start, end].map((time) =>
    typeof time === 'string' ? Date.parse(time) : Number.NaN,
  );
  const isWindow = startMs !== undefined && endMs !== undefined && startMs <= endMs;
  return {
    atMs: isWindow ? startMs + random * (endMs - startMs) : undefined,
    askMs: nowMs + Math.max(session.retryAfterMs ?? ASK_MS, ASK_MS_MIN),
  };
};
