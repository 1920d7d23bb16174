// Checks of what requests say, and of how their fields are compressed (RFC 9113 section 8, RFC 7541).
import { answered, type Check, connectionError, malformed, type Outcome } from './check.ts';
import { data, ERROR, type Field, FLAG, fieldBlock, headers, LITERAL, literal } from './frames.ts';
import { AUTHORITY, GET, GET_BLOCK, get, METHOD, PATH, post, QUERY, SCHEME } from './request.ts';

const asked = (...fields: readonly Field[]): Buffer => headers(1, fieldBlock(fields));

const MALFORMED: readonly (readonly [name: string, clause: string, ...steps: Buffer[]])[] = [
  ['field name in capitals', '8.2.1', get(1, ['X-Test', 'x'])],
  ['field name with a space', '8.2.1', get(1, ['x test', 'x'])],
  ['field name with a control character', '8.2.1', get(1, ['x\u0001', 'x'])],
  ['field name with a byte above ASCII', '8.2.1', get(1, ['x\u00e9', 'x'])],
  ['field name with a colon', '8.2.1', get(1, ['x:y', 'x'])],
  ['field name without letters', '8.2.1', get(1, ['', 'x'])],
  ['field value with NUL', '8.2.1', get(1, ['x-test', 'a\u0000b'])],
  ['field value with CR', '8.2.1', get(1, ['x-test', 'a\rb'])],
  ['field value with LF', '8.2.1', get(1, ['x-test', 'a\nb'])],
  ['field value that begins with a space', '8.2.1', get(1, ['x-test', ' a'])],
  ['field value that ends with a tab', '8.2.1', get(1, ['x-test', 'a\t'])],
  ['connection', '8.2.2', get(1, ['connection', 'keep-alive'])],
  ['keep-alive', '8.2.2', get(1, ['keep-alive', 'timeout=5'])],
  ['proxy-connection', '8.2.2', get(1, ['proxy-connection', 'keep-alive'])],
  ['transfer-encoding', '8.2.2', get(1, ['transfer-encoding', 'chunked'])],
  ['upgrade', '8.2.2', get(1, ['upgrade', 'h2c'])],
  ['te that is not trailers', '8.2.2', get(1, ['te', 'trailers, deflate'])],
  ['unknown pseudo-header field', '8.3', get(1, [':test', 'x'])],
  ['pseudo-header field without a name', '8.3', asked([':', 'x'], ...GET)],
  ['unknown pseudo-header field first', '8.3', asked([':test', 'x'], ...GET)],
  ['pseudo-header field of responses', '8.3', asked(...GET, [':status', '200'])],
  [
    'pseudo-header field behind another field',
    '8.3',
    asked(METHOD, SCHEME, AUTHORITY, ['x-test', 'x'], PATH),
  ],
  ['no :method', '8.3.1', asked(SCHEME, AUTHORITY, PATH)],
  ['no :scheme', '8.3.1', asked(METHOD, AUTHORITY, PATH)],
  ['no :path', '8.3.1', asked(METHOD, SCHEME, AUTHORITY)],
  ['no fields', '8.3.1', asked()],
  [':path without letters', '8.3.1', asked(METHOD, SCHEME, AUTHORITY, [':path', ''])],
  [':path without a slash', '8.3.1', asked(METHOD, SCHEME, AUTHORITY, [':path', 'dns-query'])],
  [':method twice', '8.3', asked(METHOD, ...GET)],
  [':scheme twice', '8.3', asked(SCHEME, ...GET)],
  [':path twice', '8.3', asked(PATH, ...GET)],
  [':authority twice', '8.3', asked(AUTHORITY, ...GET)],
  ['CONNECT with :scheme and :path', '8.5', asked([':method', 'CONNECT'], SCHEME, AUTHORITY, PATH)],
  ['CONNECT without :authority', '8.5', asked([':method', 'CONNECT'])],
  [
    'content-length above the content',
    '8.1.1',
    post(1, ['content-length', `${QUERY.length + 1}`]),
    data(1, QUERY),
  ],
  [
    'content-length below the content',
    '8.1.1',
    post(1, ['content-length', `${QUERY.length - 1}`]),
    data(1, QUERY),
  ],
  [
    'content-length below the content in pieces',
    '8.1.1',
    post(1, ['content-length', '3']),
    data(1, QUERY.subarray(0, 2), FLAG.NONE),
    data(1, QUERY.subarray(2)),
  ],
  ['content-length of a request without content', '8.1.1', get(1, ['content-length', '5'])],
  ['content-length that is no number', '8.1.1', post(1, ['content-length', 'five']), data(1, QUERY)],
  ['content-length below zero', '8.1.1', post(1, ['content-length', '-1']), data(1, QUERY)],
  [
    'content-length twice, of two kinds',
    '8.1.1',
    post(1, ['content-length', `${QUERY.length}`], ['content-length', '1']),
    data(1, QUERY),
  ],
  [
    'trailers that do not end the stream',
    '8.1',
    post(1),
    data(1, QUERY, FLAG.NONE),
    headers(1, fieldBlock([['x-test', 'x']]), FLAG.END_HEADERS),
  ],
  [
    'trailers with a pseudo-header field',
    '8.1',
    post(1),
    data(1, QUERY, FLAG.NONE),
    headers(1, fieldBlock([[':method', 'GET']])),
  ],
  [
    'trailers with capitals',
    '8.2.1',
    post(1),
    data(1, QUERY, FLAG.NONE),
    headers(1, fieldBlock([['X-Test', 'x']])),
  ],
];

const ANSWERED: readonly (readonly [name: string, clause: string, ...steps: Buffer[]])[] = [
  ['GET', '8.1', get(1)],
  ['POST', '8.1', post(1), data(1, QUERY)],
  ['POST with its content-length', '8.1.1', post(1, ['content-length', `${QUERY.length}`]), data(1, QUERY)],
  ['HEAD', '8.1', asked([':method', 'HEAD'], SCHEME, AUTHORITY, PATH)],
  ['trailers', '8.1', post(1), data(1, QUERY, FLAG.NONE), headers(1, fieldBlock([['x-test', 'x']]))],
  ['te: trailers', '8.2.2', get(1, ['te', 'trailers'])],
  ['cookie in crumbs', '8.2.3', get(1, ['cookie', 'a=b'], ['cookie', 'c=d'])],
  ['pseudo-header fields in another order', '8.3', asked(PATH, AUTHORITY, SCHEME, METHOD)],
  ['a field without a value', '8.2.1', get(1, ['x-test', ''])],
  ['a value with a byte above ASCII', '8.2.1', get(1, ['x-test', 'caf\u00e9'])],
  ['host beside :authority, the same', '8.3.1', get(1, ['host', AUTHORITY[1]])],
];

const bytes = (...values: readonly number[]): Buffer => Buffer.from(values);
/** A field `a` whose value is in the code of Huffman. */
const huffman = (...value: readonly number[]): Buffer => bytes(0, 1, 0x61, 0x80 + value.length, ...value);
const kept = (name: string, value: string): Buffer => literal([name, value], LITERAL.KEPT);
const block = (...parts: readonly Uint8Array[]): Buffer => headers(1, Buffer.concat(parts));
/** The first entry of the dynamic table, as an indexed field. */
const FIRST_KEPT = 0x80 + 62;

const COMPRESSED: readonly (readonly [name: string, clause: string, ...steps: (Buffer | Outcome)[]])[] = [
  ['static entries', '2.3.1', block(bytes(0x82, 0x87), fieldBlock([AUTHORITY, PATH]))],
  ['a literal that is never kept', '6.2.3', block(GET_BLOCK, literal(['x-test', 'x'], LITERAL.NEVER))],
  ['Huffman', '5.2', block(GET_BLOCK, huffman(0x1f))],
  ['the size of the table made zero', '6.3', block(bytes(0x20), GET_BLOCK)],
  ['the size of the table said twice', '6.3', block(bytes(0x20, 0x3f, 0xe1, 0x1f), GET_BLOCK)],
  ['an entry of the same block', '6.2.1', block(GET_BLOCK, kept('x-test', 'x'), bytes(FIRST_KEPT))],
  [
    'an entry of a block before',
    '2.3.2',
    block(kept(...PATH), fieldBlock([METHOD, SCHEME, AUTHORITY])),
    answered(),
    headers(3, Buffer.concat([bytes(FIRST_KEPT), fieldBlock([METHOD, SCHEME, AUTHORITY])])),
    answered(3),
  ],
  [
    'an entry of a request that was malformed',
    '2.2',
    block(kept(...PATH), fieldBlock([METHOD, SCHEME, AUTHORITY, ['X-Test', 'x']])),
    malformed(),
    headers(3, Buffer.concat([bytes(FIRST_KEPT), fieldBlock([METHOD, SCHEME, AUTHORITY])])),
    answered(3),
  ],
];

const BROKEN: readonly (readonly [name: string, clause: string, ...parts: Uint8Array[]])[] = [
  ['index 0', '6.1', bytes(0x80)],
  ['index behind the tables', '2.3.3', bytes(FIRST_KEPT)],
  ['index far behind the tables', '2.3.3', bytes(0xff, 0xff, 0x7f)],
  ['index of a name behind the tables', '2.3.3', bytes(0x7f, 0x00, 1, 0x61)],
  ['index of what did not fit', '4.4', kept('x-test', 'x'.repeat(5_000)), bytes(FIRST_KEPT)],
  [
    'index of what was put out',
    '4.3',
    kept('x-test', 'x'),
    kept('x-long', 'x'.repeat(4_040)),
    bytes(FIRST_KEPT + 1),
  ],
  ['size of the table above what the server allows', '6.3', bytes(0x3f, 0xe2, 0x1f)],
  ['size of the table behind a field', '4.2', bytes(0x82), bytes(0x20)],
  ['an integer that is too large', '5.1', bytes(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f)],
  ['an integer without its end', '5.1', bytes(0xff, 0xff)],
  ['a name without its end', '5.2', bytes(0, 5, 0x61)],
  ['a value without its end', '5.2', bytes(0, 1, 0x61, 9, 0x61)],
  ['a field without a value', '6.2.2', bytes(0, 1, 0x61)],
  ['Huffman with padding of zeros', '5.2', huffman(0x18)],
  ['Huffman with padding of eight bits', '5.2', huffman(0x1f, 0xff)],
  ['Huffman with EOS', '5.2', huffman(0xff, 0xff, 0xff, 0xff)],
  ['Huffman without its end', '5.2', huffman(0xfe)],
];

export const FIELD_CHECKS: readonly Check[] = [
  ...MALFORMED.map(
    ([name, clause, ...steps]): Check => ({
      name: `malformed: ${name}`,
      clause,
      steps,
      expect: [malformed()],
    }),
  ),
  ...ANSWERED.map(
    ([name, clause, ...steps]): Check => ({ name: `answered: ${name}`, clause, steps, expect: [answered()] }),
  ),
  ...COMPRESSED.map(
    ([name, clause, ...steps]): Check => ({
      name: `HPACK: ${name}`,
      clause: `RFC 7541 ${clause}`,
      steps,
      expect: [answered(steps.length > 1 ? 3 : 1)],
    }),
  ),
  ...BROKEN.map(
    ([name, clause, ...parts]): Check => ({
      name: `HPACK broken: ${name}`,
      clause: `RFC 7541 ${clause}`,
      steps: [
        name.startsWith('size of the table above') ? block(...parts, GET_BLOCK) : block(GET_BLOCK, ...parts),
      ],
      expect: [connectionError(ERROR.COMPRESSION)],
    }),
  ),
];
