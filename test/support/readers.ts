// Runs every reader of the wire over one message and checks what must hold for any bytes.
import assert from 'node:assert/strict';
import {
  copyName,
  expandRdata,
  formatMessage,
  formatRdata,
  NAME_LENGTH_MAX,
  parseRdata,
  QUERY_FAULT,
  Query,
  questionEnd,
  RecordReader,
  readEde,
  readOptions,
  skipName,
  TYPE,
  visitService,
} from '../../src/wire/dns/dns.ts';

const query = new Query();
const reader = new RecordReader();

/** Throws when a reader throws, reads outside the message or writes a text that stands for other bytes. */
export const exerciseReaders = (bytes: Uint8Array): void => {
  const before = bytes.slice();
  checkQuery(bytes);
  const recordsOffset = questionEnd(bytes, bytes.length);
  reader.reset(bytes, bytes.length, recordsOffset < 0 ? Math.min(12, bytes.length) : recordsOffset);
  while (reader.next()) checkRecord(reader);
  assert.ok(reader.next() === false);
  for (let offset = 0; offset <= bytes.length; offset++) checkName(bytes, offset);
  assert.ok(formatMessage(bytes).length > 0);
  assert.deepEqual(bytes, before);
};

const checkQuery = (bytes: Uint8Array): void => {
  const fault = query.parse(bytes, bytes.length);
  assert.ok(query.questionEnd <= bytes.length);
  if (fault !== QUERY_FAULT.NONE) return;
  assert.equal(query.questionEnd, questionEnd(bytes, bytes.length));
  assert.equal(skipName(bytes, 12, bytes.length), 12 + query.qnameLength);
  assert.equal(copyName(bytes, 12, bytes.length)?.length, query.qnameLength);
  if (!query.opt.isPresent) return;
  assert.ok(query.opt.optionsOffset + query.opt.optionsLength <= bytes.length);
  const options = readOptions(bytes, query.opt.optionsOffset, query.opt.optionsLength);
  const length = options.reduce((sum, option) => sum + 4 + option.data.length, 0);
  assert.equal(length, query.opt.optionsLength);
  for (const option of options) readEde(option);
};

const checkName = (bytes: Uint8Array, offset: number): void => {
  const after = skipName(bytes, offset, bytes.length);
  assert.ok(after < 0 || (after > offset && after <= bytes.length));
  const name = copyName(bytes, offset, bytes.length);
  if (name === undefined) return;
  assert.ok(after > 0 && name.length <= NAME_LENGTH_MAX);
  assert.equal(skipName(name, 0, name.length), name.length);
};

const checkRecord = ({ bytes, rdataOffset, rdataLength, type, end }: RecordReader): void => {
  assert.ok(rdataOffset + rdataLength <= end);
  visitService(bytes, rdataOffset, rdataLength, {
    target: (offset) => assert.ok(offset < rdataOffset + rdataLength),
    hint: (offset, length) => assert.ok(offset + length <= rdataOffset + rdataLength),
  });
  if (type === TYPE.OPT) readOptions(bytes, rdataOffset, rdataLength);
  const rdata = expandRdata(bytes, rdataOffset, rdataLength, type, end);
  if (rdata !== undefined) checkText(type, rdata);
  checkText(type, bytes.slice(rdataOffset, rdataOffset + rdataLength));
};

/** Asserts that the text of RDATA stands for the same bytes. */
export const checkText = (type: number, rdata: Uint8Array): void => {
  const text = formatRdata(type, rdata);
  assert.match(text, /^[\x20-\x7e]+$/);
  assert.deepEqual(parseRdata(type, text), new Uint8Array(rdata), text);
};
