/**
 * float32 → bfloat16 bit patterns, rounded to nearest, ties to even. A NaN stays a (quiet) NaN; numbers too large
 * for bfloat16 become infinite.
 *
 * @example
 * ```ts
 * import { toBfloat16 } from "@small-vectors/steering/checkpoint";
 * if (toBfloat16(Float32Array.of(-2))[0] !== 0xc000) throw new Error("wrong bits");
 * ```
 */
export function toBfloat16(values: Float32Array): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  for (let index = 0; index < out.length; index++) {
    const word = words[index] as number;
    // Adding half of the last kept place (less one when that place is even) carries exactly when rounding goes up.
    // On a NaN the carry could reach the exponent and make an infinity, hence its own line.
    out[index] = (word & 0x7fffffff) > 0x7f800000
      ? (word >>> 16) | 0x40
      : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  }
  return out;
}

/**
 * bfloat16 bit patterns → float32, exactly: bfloat16 is the upper half of a float32.
 *
 * @example
 * ```ts
 * import { fromBfloat16 } from "@small-vectors/steering/checkpoint";
 * if (fromBfloat16(Uint16Array.of(0x3fc0))[0] !== 1.5) throw new Error("wrong value");
 * ```
 */
export function fromBfloat16(bits: Uint16Array): Float32Array {
  const words = new Uint32Array(bits.length);
  for (let index = 0; index < words.length; index++) words[index] = (bits[index] as number) << 16;
  return new Float32Array(words.buffer);
}

/**
 * float32 → float16 bit patterns, rounded to nearest, ties to even; beyond ±65519 they become infinite.
 *
 * @example
 * ```ts
 * import { toFloat16 } from "@small-vectors/steering/checkpoint";
 * if (toFloat16(Float32Array.of(1))[0] !== 0x3c00) throw new Error("wrong bits");
 * ```
 */
export function toFloat16(values: Float32Array): Uint16Array {
  return new Uint16Array(new Float16Array(values).buffer);
}

/**
 * float16 bit patterns → float32, exactly.
 *
 * @example
 * ```ts
 * import { fromFloat16 } from "@small-vectors/steering/checkpoint";
 * if (fromFloat16(Uint16Array.of(0xc000))[0] !== -2) throw new Error("wrong value");
 * ```
 */
export function fromFloat16(bits: Uint16Array): Float32Array {
  return new Float32Array(new Float16Array(bits.buffer, bits.byteOffset, bits.length));
}
