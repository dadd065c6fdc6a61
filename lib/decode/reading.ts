import { elementCount, type Tensor, tensor } from "../core/mod.ts";
import type { SiteName } from "../model/mod.ts";
import { isIndex } from "../onnx/mod.ts";
import type { RunResult } from "./planned_run.ts";

/** A token, and how a row of scores has it. */
export interface TopToken {
  /** Its id. */
  readonly token: number;
  /** Its score. */
  readonly score: number;
  /** Its share of the row's softmax. */
  readonly probability: number;
}

/**
 * The tokens with the highest scores [.., vocab], one list for every row, equal ones from the lower id up.
 *
 * @example
 * ```ts
 * import { tensor, topTokens } from "@small-vectors/steering";
 * const [first] = topTokens(tensor("float32", [2, 3], [1, 5, 5, 0, 0, 9]), { count: 2 });
 * if (first?.map(({ token }) => token).join() !== "1,2") throw new Error("the two fives");
 * ```
 */
export function topTokens(
  scores: Tensor<"float32">,
  options: {
    /** `@default 10` */
    readonly count?: number;
  } = {},
): readonly (readonly TopToken[])[] {
  const vocab = scores.dims.at(-1) ?? 0, count = Math.min(options.count ?? 10, vocab);
  return Array.from({ length: scores.data.length / vocab }, (_, row) => {
    const own = scores.data.subarray(row * vocab, (row + 1) * vocab);
    const most = own.reduce((highest, score) => Math.max(highest, score), -Infinity);
    const total = own.reduce((sum, score) => sum + Math.exp(score - most), 0);
    const found: number[] = []; // in order; a token goes in where it beats the last
    for (let token = 0; token < vocab; token++) {
      const score = own[token] as number;
      if (found.length === count && !(score > (own[found.at(-1) as number] as number))) continue;
      let place = found.length;
      while (place > 0 && (own[found[place - 1] as number] as number) < score) place--;
      found.splice(place, 0, token);
      if (found.length > count) found.pop();
    }
    return found.map((token) => {
      const score = own[token] as number;
      return { token, score, probability: Math.exp(score - most) / total };
    });
  });
}

/**
 * One element of a tensor.
 *
 * @example
 * ```ts
 * import { tensor, valueAt } from "@small-vectors/steering";
 * if (valueAt(tensor("float32", [2, 2], [1, 2, 3, 4]), [1, 0]) !== 3) throw new Error("row 1, column 0");
 * ```
 *
 * @throws {RangeError} for an index that the tensor has not.
 */
export function valueAt(of: Tensor<"float32">, index: readonly number[]): number {
  const { dims, data } = of;
  const fits = index.length === dims.length &&
    index.every((at, axis) => isIndex(at, dims[axis] as number));
  if (!fits) {
    throw new RangeError(
      `Cannot read [${index.join(", ")}] as it must lie in a tensor of [${dims.join(", ")}]`,
    );
  }
  return data[index.reduce((flat, at, axis) => flat * (dims[axis] as number) + at, 0)] as number;
}

/**
 * What a tapped site has at the last token of each row, [batch, …]: its value without the axis of positions, that of the
 * queries of `attn_weights`.
 *
 * @example
 * ```ts
 * import { lastTokens, tensor } from "@small-vectors/steering";
 * const site = "blocks.0.resid_post", value = tensor("float32", [2, 2, 1], [1, 2, 3, 0]);
 * const last = lastTokens({ logits: null, taps: new Map([[site, value]]), lengths: [2, 1] }, site);
 * if (last.data.join() !== "2,3") throw new Error("row 1 has one token");
 * ```
 *
 * @throws {RangeError} for a site that was not tapped.
 */
export function lastTokens(result: RunResult, site: SiteName): Tensor<"float32"> {
  const value = result.taps.get(site);
  if (value === undefined) {
    throw new RangeError(
      `Cannot read "${site}" as it must be tapped: current taps are ${
        [...result.taps.keys()].join(", ") || "none"
      }`,
    );
  }
  const axis = site.endsWith(".attn_weights") ? 2 : 1, { dims, data } = value;
  const before = dims.slice(1, axis), after = dims.slice(axis + 1), width = elementCount(after);
  const outer = elementCount(before),
    seq = dims[axis] as number,
    made = new Float32Array(outer * width * result.lengths.length);
  result.lengths.forEach((length, row) => {
    for (let at = 0; at < outer; at++) {
      const from = ((row * outer + at) * seq + length - 1) * width;
      made.set(data.subarray(from, from + width), (row * outer + at) * width);
    }
  });
  return tensor("float32", [result.lengths.length, ...before, ...after], made);
}
