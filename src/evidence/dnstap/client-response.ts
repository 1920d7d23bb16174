// Reads a dnstap payload: the response to a client, and nothing else of it.
//
// Whoever sends is not Cordon, so nothing is believed: a payload is a message of Protocol Buffers whose fields are found within
// its bytes, or it is malformed. Identity, addresses and times are not read: who sends is whose socket it is, and when is now.
import { DNSTAP, DNSTAP_TYPE_MESSAGE, MESSAGE, MESSAGE_TYPE, readProtobuf } from '../records/records.ts';

/** The response to a client in wire form; `other`: it tells of something else; undefined: it is malformed. */
export const readClientResponse = (payload: Uint8Array): Uint8Array | 'other' | undefined => {
  let type = 0;
  let message: Uint8Array | undefined;
  const isWhole = readProtobuf(payload, (field, value) => {
    if (field === DNSTAP.TYPE && typeof value === 'number') type = value;
    if (field === DNSTAP.MESSAGE && typeof value !== 'number') message = value;
  });
  if (!isWhole || type !== DNSTAP_TYPE_MESSAGE || message === undefined) return undefined;
  let of = 0;
  let response: Uint8Array | undefined;
  const isMessage = readProtobuf(message, (field, value) => {
    if (field === MESSAGE.TYPE && typeof value === 'number') of = value;
    if (field === MESSAGE.RESPONSE_MESSAGE && typeof value !== 'number') response = value;
  });
  if (!isMessage || of === 0) return undefined;
  if (of !== MESSAGE_TYPE.CLIENT_RESPONSE) return 'other';
  return response;
};
