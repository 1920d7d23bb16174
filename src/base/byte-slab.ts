// Views of bytes, cut from blocks one after the other. Hot file.

/**
 * Gives out memory of its own for something short: a view of a block takes half of what an array of its own does. Views are plain
 * Uint8Arrays, so that slice() of one copies; that of a Buffer does not. A block goes when the last view of it has gone.
 */
export class ByteSlab {
  readonly #blockBytes: number;
  #block = new Uint8Array(0);
  #end = 0;

  /** Cuts from blocks of so many bytes. */
  constructor(blockBytes: number) {
    this.#blockBytes = blockBytes;
  }

  /** So many bytes that nobody else has, all zero. What is longer than half a block is a block of its own. */
  take(length: number): Uint8Array {
    if (length > this.#blockBytes >> 1) return new Uint8Array(length);
    if (this.#block.length - this.#end < length) {
      this.#block = new Uint8Array(this.#blockBytes);
      this.#end = 0;
    }
    const view = new Uint8Array(this.#block.buffer, this.#end, length);
    this.#end += length;
    return view;
  }
}
