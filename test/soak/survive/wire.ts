// The few bytes of DNS that the programs of the survival test need: a question, and the upstream's answer to it.
//
// Written without the wire code of src/wire/dns: what the client of a test counts must not depend on what is tested.

const [HEADER_LENGTH, QUESTION_TAIL] = [12, 4];
/** QR, RD; RA. */
const [QR_RD, RA] = [0x81, 0x80];
const [TYPE_A, TYPE_CNAME] = [1, 5];
/** Below the time that a row of the test takes. */
const TTL_SEC = 5;
const ALIAS_TARGET = 'www.tiktok.com';

/** A name in wire format. */
const encodeName = (name: string): Buffer =>
  Buffer.concat([
    ...name.split('.').map((label) => Buffer.from([label.length, ...Buffer.from(label, 'latin1')])),
    Buffer.from([0]),
  ]);

/** A query for the address of a name, recursion desired. */
export const questionBytes = (id: number, name: string): Buffer => {
  const header = Buffer.from([0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  header.writeUInt16BE(id, 0);
  return Buffer.concat([header, encodeName(name), Buffer.from([0, TYPE_A, 0, 1])]);
};

/** Where the question ends, and its name; undefined when the message is cut. */
const readQuestion = (query: Buffer): { name: string; end: number; type: number } | undefined => {
  const labels: string[] = [];
  let at = HEADER_LENGTH;
  for (;;) {
    const length = query[at];
    if (length === undefined || length > 63) return undefined;
    if (length === 0) break;
    labels.push(query.toString('latin1', at + 1, at + 1 + length).toLowerCase());
    at += length + 1;
  }
  const end = at + 1 + QUESTION_TAIL;
  return end > query.length
    ? undefined
    : { name: labels.join('.'), end, type: query.readUInt16BE(end - QUESTION_TAIL) };
};

const record = (type: number, rdata: Buffer): Buffer => {
  const fixed = Buffer.from([0xc0, HEADER_LENGTH, 0, type, 0, 1, 0, 0, 0, TTL_SEC, 0, 0]);
  fixed.writeUInt16BE(rdata.length, 10);
  return Buffer.concat([fixed, rdata]);
};

/** What the upstream says; undefined for what is no query. */
export const answerBytes = (query: Buffer): Buffer | undefined => {
  const question = readQuestion(query);
  if (question === undefined) return undefined;
  const { name, end, type } = question;
  const isAlias = name.endsWith('.alias.example');
  const records = isAlias
    ? [record(TYPE_CNAME, encodeName(ALIAS_TARGET))]
    : type === TYPE_A
      ? [record(TYPE_A, Buffer.from([203, 0, 113, 80]))]
      : [];
  const message = Buffer.concat([query.subarray(0, end), ...records]);
  message[2] = QR_RD;
  message[3] = RA;
  message.writeUInt16BE(records.length, 6);
  message.writeUInt32BE(0, 8);
  return message;
};

/** What a client reads of an answer. */
export interface Heard {
  readonly id: number;
  readonly rcode: number;
  readonly answers: number;
}

/** The header of an answer; undefined for what is none. */
export const readAnswer = (message: Buffer): Heard | undefined =>
  message.length < HEADER_LENGTH || ((message[2] ?? 0) & 0x80) === 0
    ? undefined
    : {
        id: message.readUInt16BE(0),
        rcode: (message[3] ?? 0) & 0xf,
        answers: message.readUInt16BE(6),
      };
