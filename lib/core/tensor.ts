/** Element types that a graph value may have; borders carry float32, int32, int64 and bool alone. */
export type DType = "float32" | "float64" | "float16" | "bfloat16" | "int32" | "int64" | "uint8" | "bool";

/** Element types that cross between TypeScript and a session. */
export type BorderDType = "float32" | "float64" | "int32" | "int64" | "bool";

/** Bytes of one element. */
export const DTYPE_BYTES: { readonly [K in DType]: number } = {
  float32: 4,
  float64: 8,
  float16: 2,
  bfloat16: 2,
  int32: 4,
  int64: 8,
  uint8: 1,
  bool: 1,
};

/** The typed array that holds each border type. */
export interface BorderArray {
  /** Four bytes each. */
  readonly float32: Float32Array;
  /** Eight bytes each. */
  readonly float64: Float64Array;
  /** Four bytes each. */
  readonly int32: Int32Array;
  /** Eight bytes each, as bigint. */
  readonly int64: BigInt64Array;
  /** One byte each: 0 or 1. */
  readonly bool: Uint8Array;
}

/**
 * A dense row-major array with its shape.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { tensor, type Tensor } from "@small-vectors/steering";
 *
 * const x: Tensor<"float32"> = tensor("float32", [2, 2], [1, 2, 3, 4]); // [seq, embed]
 * assertEquals(x.data[3], 4);
 * ```
 */
export type Tensor<D extends BorderDType = BorderDType> = D extends BorderDType
  ? { readonly dtype: D; readonly dims: readonly number[]; readonly data: BorderArray[D] }
  : never;

/** Number of elements of a shape; 1 for the empty shape of a scalar. */
export function elementCount(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}

const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  int64: BigInt64Array,
  bool: Uint8Array,
} as const;

/**
 * A tensor of zeros.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { zeros } from "@small-vectors/steering";
 *
 * assertEquals(zeros("int32", [3]).data, new Int32Array([0, 0, 0]));
 * ```
 */
export function zeros<D extends BorderDType>(dtype: D, dims: readonly number[]): Tensor<D> {
  return { dtype, dims: [...dims], data: new ARRAYS[dtype](elementCount(dims)) } as unknown as Tensor<D>;
}

/**
 * A tensor from numbers or from a typed array of the right type (kept, not copied). Throws on a wrong count.
 *
 * @example
 * ```ts
 * import { assertEquals, assertThrows } from "@std/assert";
 * import { tensor } from "@small-vectors/steering";
 *
 * assertEquals(tensor("int64", [2], [1, -1]).data, new BigInt64Array([1n, -1n]));
 * assertThrows(() => tensor("int64", [3], [1, -1]), RangeError);
 * ```
 */
export function tensor<D extends BorderDType>(
  dtype: D,
  dims: readonly number[],
  values: ArrayLike<number> | BorderArray[D],
): Tensor<D> {
  const count = elementCount(dims);
  if (values.length !== count) {
    throw new RangeError(`Cannot make a tensor [${dims}] as it needs ${count} values: got ${values.length}`);
  }
  const array = ARRAYS[dtype];
  if (values instanceof array) return { dtype, dims: [...dims], data: values } as unknown as Tensor<D>;
  const numbers = values as ArrayLike<number>;
  const data = dtype === "int64"
    ? BigInt64Array.from(numbers, BigInt)
    : new (array as typeof Float32Array)(numbers);
  return { dtype, dims: [...dims], data } as unknown as Tensor<D>;
}
