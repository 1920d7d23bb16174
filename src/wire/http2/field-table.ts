// Fields that HTTP/2 names by a number: those of RFC 7541 appendix A, and those that a client sent before. Hot file.

/** Fields of a request that mean something here; what has no number of its own is OTHER. */
export const FIELD = {
  OTHER: 0,
  METHOD: 1,
  SCHEME: 2,
  AUTHORITY: 3,
  PATH: 4,
  ACCEPT: 5,
  CONTENT_TYPE: 6,
  CONTENT_ENCODING: 7,
  CONTENT_LENGTH: 8,
  TE: 9,
  /** That of responses, and whatever begins with a colon and is not known (RFC 9113 section 8.3). */
  WRONG_PSEUDO: 10,
  /** What concerns a connection of HTTP/1.1 (RFC 9113 section 8.2.2), or is no name (section 8.2.1). */
  WRONG: 11,
  EXPECT: 12,
} as const;

/** A field as it is kept. */
export interface Field {
  readonly name: string;
  readonly value: string;
  /** One of FIELD. */
  readonly kind: number;
  /** What it counts in a table and in a list of fields (RFC 7541 section 4.1, RFC 9113 section 6.5.2). */
  readonly size: number;
}

const KINDS: ReadonlyMap<string, number> = new Map<string, number>([
  [':method', FIELD.METHOD],
  [':scheme', FIELD.SCHEME],
  [':authority', FIELD.AUTHORITY],
  [':path', FIELD.PATH],
  ['accept', FIELD.ACCEPT],
  ['content-type', FIELD.CONTENT_TYPE],
  ['content-encoding', FIELD.CONTENT_ENCODING],
  ['content-length', FIELD.CONTENT_LENGTH],
  ['te', FIELD.TE],
  ['expect', FIELD.EXPECT],
  ['connection', FIELD.WRONG],
  ['keep-alive', FIELD.WRONG],
  ['proxy-connection', FIELD.WRONG],
  ['transfer-encoding', FIELD.WRONG],
  ['upgrade', FIELD.WRONG],
]);

/** What a field counts beside its letters (RFC 7541 section 4.1). */
const FIELD_OVERHEAD = 32;
const COLON = 0x3a;

/** Makes a field of a name and a value that were read. */
export const createField = (name: string, value: string, kind = kindOf(name)): Field => ({
  name,
  value,
  kind: kind !== FIELD.WRONG && !isValue(value) ? FIELD.WRONG : kind,
  size: name.length + value.length + FIELD_OVERHEAD,
});

/** The kind of a field by its name alone. */
export const kindOf = (name: string): number => {
  const known = KINDS.get(name);
  if (known !== undefined) return known;
  if (name.charCodeAt(0) === COLON) return FIELD.WRONG_PSEUDO;
  return isName(name) ? FIELD.OTHER : FIELD.WRONG;
};

/** Letters that a name may have: those of tokens, without capitals (RFC 9113 section 8.2.1, RFC 9110 section 5.6.2). */
const NAME_LETTERS = new Uint8Array(256);
for (const letter of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")
  NAME_LETTERS[letter.charCodeAt(0)] = 1;

const isName = (name: string): boolean => {
  for (let at = 0; at < name.length; at++) if (NAME_LETTERS[name.charCodeAt(at)] !== 1) return false;
  return name.length > 0;
};

const SPACE = 0x20;
const TAB = 0x09;
const DELETE = 0x7f;

/** A value has no control characters, and neither begins nor ends with a space (RFC 9113 section 8.2.1). */
const isValue = (value: string): boolean => {
  const last = value.length - 1;
  if (last < 0) return true;
  for (let at = 0; at <= last; at++) {
    const code = value.charCodeAt(at);
    if (code <= SPACE || code === DELETE) {
      const isBlank = code === SPACE || code === TAB;
      if (!isBlank || at === 0 || at === last) return false;
    }
  }
  return true;
};

const rows: readonly (readonly [name: string, value: string])[] = [
  [':authority', ''],
  [':method', 'GET'],
  [':method', 'POST'],
  [':path', '/'],
  [':path', '/index.html'],
  [':scheme', 'http'],
  [':scheme', 'https'],
  ...['200', '204', '206', '304', '400', '404', '500'].map((status) => [':status', status] as const),
  ['accept-charset', ''],
  ['accept-encoding', 'gzip, deflate'],
  ...['accept-language', 'accept-ranges', 'accept', 'access-control-allow-origin', 'age', 'allow'].map(
    (name) => [name, ''] as const,
  ),
  ...['authorization', 'cache-control', 'content-disposition', 'content-encoding', 'content-language'].map(
    (name) => [name, ''] as const,
  ),
  ...['content-length', 'content-location', 'content-range', 'content-type', 'cookie', 'date', 'etag'].map(
    (name) => [name, ''] as const,
  ),
  ...['expect', 'expires', 'from', 'host', 'if-match', 'if-modified-since', 'if-none-match', 'if-range'].map(
    (name) => [name, ''] as const,
  ),
  ...['if-unmodified-since', 'last-modified', 'link', 'location', 'max-forwards', 'proxy-authenticate'].map(
    (name) => [name, ''] as const,
  ),
  ...['proxy-authorization', 'range', 'referer', 'refresh', 'retry-after', 'server', 'set-cookie'].map(
    (name) => [name, ''] as const,
  ),
  ...['strict-transport-security', 'transfer-encoding', 'user-agent', 'vary', 'via', 'www-authenticate'].map(
    (name) => [name, ''] as const,
  ),
];

/** The static table (RFC 7541 appendix A); its first entry has the index 1. */
export const STATIC_FIELDS: readonly Field[] = rows.map(([name, value]) => createField(name, value));

/**
 * Of the dynamic table: what SETTINGS_HEADER_TABLE_SIZE is when nothing is said (RFC 9113 section 6.5.2). It is all that a
 * connection can make us keep of its fields.
 */
export const TABLE_SIZE_MAX = 4096;

/** The fields that one client sent and may name again (RFC 7541 section 2.3.2). */
export class DynamicTable {
  /** A ring: the newest stands before `#head`. */
  #fields: (Field | undefined)[] = [];
  #head = 0;
  #count = 0;
  #size = 0;
  #sizeMax = TABLE_SIZE_MAX;

  /** The field of an index, 0 the newest; undefined: there is none. */
  get(index: number): Field | undefined {
    if (index >= this.#count) return undefined;
    return this.#fields[(this.#head - 1 - index) & (this.#fields.length - 1)];
  }

  /** Puts one in front; those that do not fit behind it go (RFC 7541 section 4.4). */
  add(field: Field): void {
    this.#shrink(this.#sizeMax - field.size);
    if (field.size > this.#sizeMax) return;
    if (this.#count === this.#fields.length) this.#grow();
    this.#fields[this.#head] = field;
    this.#head = (this.#head + 1) & (this.#fields.length - 1);
    this.#count++;
    this.#size += field.size;
  }

  /** What it may hold from now on (RFC 7541 section 4.3). False: more than we said. */
  resize(sizeMax: number): boolean {
    if (sizeMax > TABLE_SIZE_MAX) return false;
    this.#sizeMax = sizeMax;
    this.#shrink(sizeMax);
    return true;
  }

  #shrink(sizeMax: number): void {
    while (this.#count > 0 && this.#size > sizeMax) {
      const oldest = (this.#head - this.#count) & (this.#fields.length - 1);
      this.#size -= this.#fields[oldest]?.size ?? 0;
      this.#fields[oldest] = undefined;
      this.#count--;
    }
  }

  /** Twice as many places, 128 at most: as many as fields of nothing but overhead fit. @cold */
  #grow(): void {
    const fields = new Array<Field | undefined>(Math.max(PLACES_MIN, 2 * this.#fields.length)).fill(
      undefined,
    );
    for (let index = 0; index < this.#count; index++) fields[this.#count - 1 - index] = this.get(index);
    this.#fields = fields;
    this.#head = this.#count;
  }
}

/** Places of a table at first: what a browser sends with a request. */
const PLACES_MIN = 8;
