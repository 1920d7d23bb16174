// SVCB and HTTPS records (RFC 9460), as far as policy needs them: the target and the address hints.

import { readU16 } from './message.ts';
import { skipName } from './name.ts';
import { SVC_PARAM } from './registry.ts';

/** Receives what a service record points at; offsets are into the message. */
export interface ServiceVisitor {
  /** TargetName; `.` in ServiceMode means the owner itself. */
  target(offset: number): void;
  /** One address of ipv4hint (4 bytes) or ipv6hint (16 bytes). */
  hint(offset: number, length: 4 | 16): void;
}

/**
 * Walks the RDATA of an SVCB or HTTPS record. Returns false when it is malformed; what was visited until then
 * stands. A compressed TargetName is followed although RFC 9460 section 2.2 forbids it: a client might.
 */
export const visitService = (
  bytes: Uint8Array,
  offset: number,
  length: number,
  visitor: ServiceVisitor,
): boolean => {
  const end = offset + length;
  if (length < 3) return false;
  const paramsOffset = skipName(bytes, offset + 2, end);
  if (paramsOffset < 0) return false;
  visitor.target(offset + 2);
  let at = paramsOffset;
  while (at < end) {
    if (at + 4 > end) return false;
    const key = readU16(bytes, at);
    const next = at + 4 + readU16(bytes, at + 2);
    if (next > end) return false;
    if (key === SVC_PARAM.IPV4HINT) visitHints(at + 4, next, 4, visitor);
    else if (key === SVC_PARAM.IPV6HINT) visitHints(at + 4, next, 16, visitor);
    at = next;
  }
  return true;
};

const visitHints = (start: number, end: number, length: 4 | 16, visitor: ServiceVisitor): void => {
  for (let at = start; at + length <= end; at += length) visitor.hint(at, length);
};
