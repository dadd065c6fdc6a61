import { fromBfloat16, fromFloat16 } from "../files/half_floats.ts";

/** How a type of GGUF stores numbers: blocks of equal length that share their scales. */
export interface GgufBlocks {
  /** Numbers of one block. */
  readonly elements: number;
  /** Bytes of one block. */
  readonly bytes: number;
  /**
   * Whole blocks → float32, as many as fill `out`. Scales have 11 bits and what they multiply 13 at most, so products
   * are exact in float32, and a sum is rounded once: the numbers do not depend on the order of the operations.
   */
  readonly read: (bytes: Uint8Array<ArrayBuffer>, out: Float32Array) => void;
}

let halves: Float32Array | undefined;

/** float32 of every float16 bit pattern: scales are looked up, since there is one for every few numbers. */
function halfTable(): Float32Array {
  return halves ??= fromFloat16(Uint16Array.from({ length: 2 ** 16 }, (_, bits) => bits));
}

/** The blocks of a type whose blocks are read one by one. */
function blocks(
  layout: { readonly elements: number; readonly bytes: number },
  readOne: (block: Uint8Array, out: Float32Array, half: (at: number) => number) => void,
): GgufBlocks {
  const { elements, bytes: size } = layout;
  return {
    ...layout,
    read(bytes, out) {
      const table = halfTable();
      for (let from = 0, to = 0; to < out.length; from += size, to += elements) {
        const block = bytes.subarray(from, from + size);
        const half = (at: number): number =>
          table[(block[at] as number) | ((block[at + 1] as number) << 8)] as number;
        readOne(block, out.subarray(to, to + elements), half);
      }
    },
  };
}

/** A type of one number per block. The bytes are copied, since they may begin at an odd place. */
function plain(bytes: number, numbers: (copy: ArrayBuffer) => Float32Array): GgufBlocks {
  return {
    elements: 1,
    bytes,
    read: (source, out) => out.set(numbers(source.slice(0, out.length * bytes).buffer)),
  };
}

const at = (bytes: Uint8Array, index: number): number => bytes[index] as number;

/** Byte → number from −128 to 127. */
const signed = (byte: number): number => (byte << 24) >> 24;

/** 32 numbers of 4 or 5 bits: the low half of the block in the low bits of 16 bytes, the high half in the high bits. */
function readNibbles(
  block: Uint8Array,
  options: {
    readonly out: Float32Array;
    /** Where the 16 bytes begin. */
    readonly low: number;
    /** Where four bytes with the fifth bits begin, or null. */
    readonly high: number | null;
    readonly centre: number;
    readonly scale: number;
    readonly least: number;
  },
): void {
  const { out, low, high, centre, scale, least } = options;
  const fifth = (index: number): number =>
    high === null ? 0 : ((at(block, high + (index >> 3)) >> (index & 7)) & 1) << 4;
  for (let index = 0; index < 16; index++) {
    const byte = at(block, low + index);
    out[index] = scale * (((byte & 15) | fifth(index)) - centre) + least;
    out[index + 16] = scale * (((byte >> 4) | fifth(index + 16)) - centre) + least;
  }
}

/**
 * 256 numbers of 4 or 5 bits in eight parts of 32, each with a scale and a minimum of six bits: those of parts 0 to 3
 * in bytes 4 to 11, those of 4 to 7 with their low bits in bytes 12 to 15 and the rest in the top bits of 4 to 11.
 */
function readParts(
  block: Uint8Array,
  options: {
    readonly out: Float32Array;
    readonly half: (at: number) => number;
    /** Where 128 bytes of low bits begin: 32 bytes hold two parts. */
    readonly low: number;
    /** Where 32 bytes of fifth bits begin, one bit per part, or null. */
    readonly high: number | null;
  },
): void {
  const { out, half, low, high } = options;
  const scaleOfAll = half(0), leastOfAll = half(2);
  for (let part = 0; part < 8; part++) {
    const place = 4 + (part & 3);
    const first = at(block, place), second = at(block, place + 4), both = at(block, place + 8);
    const six = part < 4
      ? [first & 63, second & 63] as const
      : [(both & 15) | ((first >> 2) & 48), (both >> 4) | ((second >> 2) & 48)] as const;
    const scale = scaleOfAll * six[0], least = leastOfAll * six[1];
    const bytes = low + (part >> 1) * 32, shift = (part & 1) * 4;
    for (let index = 0; index < 32; index++) {
      const fifth = high === null ? 0 : ((at(block, high + index) >> part) & 1) << 4;
      const number = ((at(block, bytes + index) >> shift) & 15) | fifth;
      out[part * 32 + index] = scale * number - least;
    }
  }
}

/** A type of GGUF whose numbers are read. */
export type GgufType =
  | "F32"
  | "F16"
  | "BF16"
  | "Q8_0"
  | "Q4_0"
  | "Q4_1"
  | "Q5_0"
  | "Q5_1"
  | "Q4_K"
  | "Q5_K"
  | "Q6_K";

/**
 * The types that are read. Sizes and layouts are those of the GGUF format; for every one of them the numbers are
 * compared with gguf-py's (tests/checkpoint/gguf/gguf_blocks_test.ts).
 */
export const GGUF_BLOCKS = {
  F32: plain(4, (copy) => new Float32Array(copy)),
  F16: plain(2, (copy) => fromFloat16(new Uint16Array(copy))),
  BF16: plain(2, (copy) => fromBfloat16(new Uint16Array(copy))),
  Q8_0: blocks({ elements: 32, bytes: 34 }, (block, out, half) => {
    const scale = half(0);
    for (let index = 0; index < 32; index++) out[index] = scale * signed(at(block, 2 + index));
  }),
  Q4_0: blocks({ elements: 32, bytes: 18 }, (block, out, half) => {
    readNibbles(block, { out, low: 2, high: null, centre: 8, scale: half(0), least: -0 });
  }),
  Q4_1: blocks({ elements: 32, bytes: 20 }, (block, out, half) => {
    readNibbles(block, { out, low: 4, high: null, centre: 0, scale: half(0), least: half(2) });
  }),
  Q5_0: blocks({ elements: 32, bytes: 22 }, (block, out, half) => {
    readNibbles(block, { out, low: 6, high: 2, centre: 16, scale: half(0), least: -0 });
  }),
  Q5_1: blocks({ elements: 32, bytes: 24 }, (block, out, half) => {
    readNibbles(block, { out, low: 8, high: 4, centre: 0, scale: half(0), least: half(2) });
  }),
  Q4_K: blocks({ elements: 256, bytes: 144 }, (block, out, half) => {
    readParts(block, { out, half, low: 16, high: null });
  }),
  Q5_K: blocks({ elements: 256, bytes: 176 }, (block, out, half) => {
    readParts(block, { out, half, low: 48, high: 16 });
  }),
  Q6_K: blocks({ elements: 256, bytes: 210 }, (block, out, half) => {
    // 128 bytes of four low bits, 64 of two high bits, 16 scales of eight bits, the scale of all.
    const scaleOfAll = half(208);
    for (let index = 0; index < 256; index++) {
      const side = index >> 7, inSide = index & 127;
      const low = (at(block, side * 64 + (inSide & 63)) >> ((inSide >> 6) * 4)) & 15;
      const high = (at(block, 128 + side * 32 + (inSide & 31)) >> ((inSide >> 5) * 2)) & 3;
      const scale = scaleOfAll * signed(at(block, 192 + (index >> 4)));
      out[index] = scale * ((low | (high << 4)) - 32);
    }
  }),
} as const satisfies { readonly [Type in GgufType]: GgufBlocks };

/** The types in the order of their numbers in the format, so that one that is not read can be named; `-` is none. */
const NAMES =
  ("F32 F16 Q4_0 Q4_1 - - Q5_0 Q5_1 Q8_0 Q8_1 Q2_K Q3_K Q4_K Q5_K Q6_K Q8_K IQ2_XXS IQ2_XS IQ3_XXS IQ1_S IQ4_NL IQ3_S " +
    "IQ2_S IQ4_XS I8 I16 I32 I64 F64 IQ1_M BF16 - - - TQ1_0 TQ2_0 - - - MXFP4 NVFP4 Q1_0").split(" ");

/** Every type by its number. */
export const GGUF_TYPE_NAMES: ReadonlyMap<number, string> = new Map(
  [...NAMES.entries()].filter(([, name]) => name !== "-"),
);

/** Whether a type is one of those that are read. */
export function isGgufType(name: string | undefined): name is GgufType {
  return name !== undefined && Object.hasOwn(GGUF_BLOCKS, name);
}
