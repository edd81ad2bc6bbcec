/** Values are kept as whole multiples of this. */
const GRAIN = 1 / 1000;
const BLOCK_ROWS = 256;

/** Rows of numbers between -32 and 32, exact to a thousandth, in 16 bits each. It grows by blocks, so that nothing is copied. */
export class KeptRows {
  readonly #width: number;
  readonly #blocks: Int16Array[] = [];
  #length = 0;

  constructor(width: number) {
    this.#width = width;
  }

  get length(): number {
    return this.#length;
  }

  /** Keeps `values[offset ...]` as the next row; what lies outside of the range counts as its end. */
  push(values: Float32Array, offset = 0): void {
    const at = (this.#length % BLOCK_ROWS) * this.#width;
    if (at === 0) this.#blocks.push(new Int16Array(BLOCK_ROWS * this.#width));
    const block = this.#blocks.at(-1) as Int16Array;
    for (let i = 0; i < this.#width; i++) {
      const grains = Math.round((values[offset + i] as number) / GRAIN);
      block[at + i] = Math.max(-32_768, Math.min(32_767, grains));
    }
    this.#length++;
  }

  at(row: number, column: number): number {
    const block = this.#blocks[Math.floor(row / BLOCK_ROWS)] as Int16Array;
    return (block[(row % BLOCK_ROWS) * this.#width + column] as number) * GRAIN;
  }
}
