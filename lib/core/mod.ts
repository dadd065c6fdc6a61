/**
 * The ground floor: words, tensors, hashes, random numbers, statistics, texts of files. No input, no output.
 *
 * @module
 */
export { InputError } from "./input_error.ts";
export { hasEnding, withoutMark } from "./file_text.ts";
export { canonicalJson, type Json, Sha256, sha256 } from "./hash.ts";
export { philox, RandomStream, rolloutUniform, type Words4 } from "./random.ts";
export { mean, quantile, standardDeviation } from "./statistics.ts";
export { checkOptions, suggestion } from "./suggestion.ts";
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
