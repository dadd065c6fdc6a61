/**
 * The ground floor: words, tensors, hashes, random numbers, statistics. No input or output, no other room.
 *
 * @module
 */
export { InputError } from "./errors.ts";
export { canonicalJson, type Json, sha256 } from "./hash.ts";
export { philox, RandomStream, rolloutUniform, type Words4 } from "./random.ts";
export { mean, quantile, standardDeviation } from "./statistics.ts";
export {
  type BorderArray,
  type BorderDType,
  type DType,
  DTYPE_BYTES,
  elementCount,
  type Tensor,
  tensor,
  zeros,
} from "./tensor.ts";
