/**
 * A net's dense layers in WebAssembly: V8 makes no vector instructions of TypeScript, and with them a layer takes a
 * quarter of the time. The one function that this needs is put together here, so that no compiler comes into the project.
 */

/** Outputs that one pass over the inputs sums up, four in each register: enough sums at once to hide an addition's delay. */
const BLOCK = 32;
const PAGE_BYTES = 65_536;
/** Floats at the memory's start for the vector that comes in, and after them for the one that goes out. */
const MOST_INPUTS = 8_192;
const MOST_OUTPUTS = 8_192;

export interface Layer {
  readonly inputs: number;
  readonly outputs: number;
  /** Where in the memory its blocks begin, in bytes. */
  readonly at: number;
}

type Multiply = (weights: number, inputs: number, inputsEnd: number, outputs: number, outputsEnd: number) => void;

/** Number of any size in WebAssembly's variable length (LEB128, for what is not negative). */
const number = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...number(value >> 7)]);
const list = (...items: number[][]): number[] => [...number(items.length), ...items.flat()];
const sized = (bytes: number[]): number[] => [...number(bytes.length), ...bytes];
const section = (id: number, ...items: number[][]): number[] => [id, ...sized(list(...items))];
const text = (value: string): number[] => sized([...Buffer.from(value)]);

/**
 * The module: `multiply(weights, inputs, inputsEnd, outputs, outputsEnd)`, all of them places in `memory`. For each block
 * of outputs the weights hold their biases, then for each input in turn its weight to every one of them.
 */
function moduleBytes(): number[] {
  const [I32, V128] = [0x7f, 0x7b];
  const [weights, inputs, inputsEnd, outputs, outputsEnd, input, first] = [0, 1, 2, 3, 4, 5, 6];
  const get = (local: number): number[] => [0x20, local];
  const set = (local: number): number[] => [0x21, local];
  const constant = (value: number): number[] => [0x41, ...(value < 64 ? [value] : [(value & 127) | 128, value >> 7])];
  const advance = (local: number, bytes: number): number[] => [...get(local), ...constant(bytes), 0x6a, ...set(local)];
  const load = (offset: number): number[] => [0xfd, 0x00, 2, ...number(offset)];
  const store = (offset: number): number[] => [0xfd, 0x0b, 2, ...number(offset)];
  const loadSplat = [0xfd, 0x09, 2, 0];
  const multiplyLanes = [0xfd, 0xe6, 0x01];
  const addLanes = [0xfd, 0xe4, 0x01];
  /** Does `body` at least once, and again while local `a` lies below local `b`. */
  const loop = (body: number[], a: number, b: number): number[] => [
    ...[0x03, 0x40, ...body],
    ...[...get(a), ...get(b), 0x49, 0x0d, 0x00, 0x0b],
  ];
  const sums = Array.from({ length: BLOCK / 4 }, (_, i) => ({ local: first + 1 + i, offset: 16 * i }));
  const splat = first;
  const code = loop(
    [
      ...sums.flatMap(({ local, offset }) => [...get(weights), ...load(offset), ...set(local)]),
      ...[...get(inputs), ...set(input)],
      ...loop(
        [
          ...advance(weights, 4 * BLOCK),
          ...[...get(input), ...loadSplat, ...set(splat)],
          ...sums.flatMap(({ local, offset }) => [
            ...[...get(local), ...get(weights), ...load(offset), ...get(splat)],
            ...[...multiplyLanes, ...addLanes, ...set(local)],
          ]),
          ...advance(input, 4),
        ],
        input,
        inputsEnd,
      ),
      ...advance(weights, 4 * BLOCK),
      ...sums.flatMap(({ local, offset }) => [...get(outputs), ...get(local), ...store(offset)]),
      ...advance(outputs, 4 * BLOCK),
    ],
    outputs,
    outputsEnd,
  );
  const locals = list([1, I32], [1 + sums.length, V128]);
  return [
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [0x60, ...list([I32], [I32], [I32], [I32], [I32]), 0]),
    ...section(3, [0]),
    ...section(5, [0, (4 * (MOST_INPUTS + MOST_OUTPUTS)) / PAGE_BYTES]),
    ...section(7, [...text("memory"), 2, 0], [...text("multiply"), 0, 0]),
    ...section(10, sized([...locals, ...code, 0x0b])),
  ];
}

const { exports } = new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(moduleBytes())));
const memory = exports.memory as WebAssembly.Memory;
const multiply = exports.multiply as Multiply;
let floats = new Float32Array(memory.buffer);
/** Where the next layer goes. Layers are as long-lived as their thread, so none is ever taken out. */
let free = 4 * (MOST_INPUTS + MOST_OUTPUTS);

/** Lays down a layer: `weight` has one row of `inputs` numbers per output. Throws an Error for sizes that don't fit. */
export function layerOf(weight: Float32Array, bias: Float32Array): Layer {
  const outputs = bias.length;
  const inputs = weight.length / outputs;
  const blocks = Math.ceil(outputs / BLOCK);
  if (!Number.isInteger(inputs) || inputs < 1 || inputs > MOST_INPUTS || blocks * BLOCK > MOST_OUTPUTS)
    throw new Error(`a layer of ${weight.length} weights and ${outputs} outputs`);
  const at = free;
  free += 4 * blocks * BLOCK * (inputs + 1);
  const missing = free - memory.buffer.byteLength;
  if (missing > 0) {
    memory.grow(Math.ceil(missing / PAGE_BYTES));
    floats = new Float32Array(memory.buffer);
  }
  for (let o = 0; o < outputs; o++) {
    const block = at / 4 + Math.floor(o / BLOCK) * BLOCK * (inputs + 1) + (o % BLOCK);
    floats[block] = bias[o] as number;
    for (let i = 0; i < inputs; i++) floats[block + (i + 1) * BLOCK] = weight[o * inputs + i] as number;
  }
  return { inputs, outputs, at };
}

/** The layer's outputs for `x`, which holds as many numbers as it has inputs (else an Error). */
export function apply({ inputs, outputs, at }: Layer, x: Float32Array): Float32Array {
  if (x.length !== inputs) throw new Error(`${x.length} numbers for a layer of ${inputs} inputs`);
  floats.set(x);
  multiply(at, 0, 4 * inputs, 4 * MOST_INPUTS, 4 * (MOST_INPUTS + outputs));
  return floats.slice(MOST_INPUTS, MOST_INPUTS + outputs);
}
