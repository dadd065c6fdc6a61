import { InputError } from "../../core/mod.ts";
import { readChunks } from "./_read_bytes.ts";
import type { Checkpoint, WeightEntry } from "../checkpoint.ts";

/** Exponent bits of each float type: all of them set means infinite or not a number. */
const EXPONENT = { float32: 0x7f800000, float16: 0x7c00, bfloat16: 0x7f80 } as const;

/** Flat index of the first element that is not finite, or -1. Chunks hold whole elements. */
async function firstNonFinite(entry: WeightEntry): Promise<number> {
  const wide = entry.dtype === "float32";
  const exponent = EXPONENT[entry.dtype as keyof typeof EXPONENT];
  let before = 0;
  for await (const chunk of readChunks(entry.file, { from: entry.offset, length: entry.length })) {
    const count = chunk.length / (wide ? 4 : 2);
    const words = wide ? new Uint32Array(chunk.buffer, 0, count) : new Uint16Array(chunk.buffer, 0, count);
    const index = words.findIndex((word) => (word & exponent) === exponent);
    if (index >= 0) return before + index;
    before += count;
  }
  return -1;
}

/**
 * Reads every weight of a checkpoint in bounded memory and throws `InputError` naming the first tensor, in the
 * order of the forward pass, that holds a NaN or an infinity, and the index of that element.
 *
 * @example
 * ```ts
 * import { checkFinite, openCheckpoint } from "@small-vectors/steering/checkpoint";
 * await checkFinite(await openCheckpoint("./fixtures/embedded/base-a"));
 * ```
 */
export async function checkFinite(checkpoint: Pick<Checkpoint, "weights">): Promise<void> {
  for (const entry of checkpoint.weights.values()) {
    const index = await firstNonFinite(entry);
    if (index >= 0) {
      throw new InputError(
        `tensor "${entry.name}" holds a NaN or an infinity, first at element ${index} of [${
          entry.dims.join(", ")
        }]`,
        { where: entry.file, repair: "fetch or train the model again" },
      );
    }
  }
}
