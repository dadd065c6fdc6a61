import type { Tensor } from "../../core/mod.ts";
import type { LanguageModel, ObjectiveRow, SiteAdjointOptions } from "../../decode/mod.ts";
import type { SiteName } from "../../model/mod.ts";

/** What a change of a site would do to the objective, to first order. */
export interface Attribution {
  /** (clean − corrupt) · adjoint, summed over the last axis of the site: [seq], or [seq, heads] of a site with heads. */
  readonly values: Float32Array;
  /** Its lengths. */
  readonly dims: readonly number[];
}

/**
 * Attribution patching: what replacing a site's value in the corrupt run by that of the clean run would do to the
 * objective, for every site and position at once, from one forward pass over the clean row and one forward and backward
 * pass over the corrupt one:
 *
 *     J(patched) − J(corrupt) ≈ (v_clean − v_corrupt) · dJ/dv_corrupt
 *
 * Source: Nanda 2023, "Attribution patching"; Syed et al. 2023 (arXiv 2310.10348).
 * Proof: tests/analysis/residual/attribution_patch_test.ts, next to patches of a hundredth of the way.
 *
 * @example
 * ```ts
 * import { attributionPatch, loadModel, logitDifference } from "@small-vectors/steering";
 * const model = await loadModel("./fixtures/embedded/base-a"), site = "blocks.0.resid_post";
 * const corrupt = { tokens: [5, 6, 7], targets: logitDifference({ position: 2, plus: 8, minus: 9 }) };
 * const found = await attributionPatch(model, { clean: [5, 4, 7], corrupt }, { sites: [site] });
 * if (found.get(site)?.dims.join() !== "3") throw new Error("one number per position");
 * await model.release();
 * ```
 *
 * @throws {RangeError} for rows of unlike length, whose positions do not correspond.
 */
export async function attributionPatch(
  model: LanguageModel,
  rows: { readonly clean: readonly number[]; readonly corrupt: ObjectiveRow },
  options: SiteAdjointOptions,
): Promise<ReadonlyMap<SiteName, Attribution>> {
  const { clean, corrupt } = rows, { sites, ...additions } = options;
  if (clean.length !== corrupt.tokens.length) {
    throw new RangeError(
      `Cannot patch as both rows must have as many tokens: current counts are ${clean.length} and ${corrupt.tokens.length}`,
    );
  }
  const { taps: cleanValues } = await model.run([clean], { ...additions, taps: sites, logits: false });
  const { taps, adjoints } = await model.siteAdjoints([corrupt], options);
  return new Map(sites.map((site) => {
    const to = cleanValues.get(site) as Tensor<"float32">, from = taps.get(site) as Tensor<"float32">;
    const step = from.data.map((value, i) => (to.data[i] as number) - value);
    return [site, along(step, adjoints.get(site) as Tensor<"float32">)];
  }));
}

/** A step times the adjoint, summed over the last axis. */
function along(step: Float32Array, adjoint: Tensor<"float32">): Attribution {
  const width = adjoint.dims.at(-1) as number, values = new Float32Array(step.length / width);
  values.forEach((_, at) => {
    let sum = 0;
    for (let i = at * width; i < (at + 1) * width; i++) {
      sum += (step[i] as number) * (adjoint.data[i] as number);
    }
    values[at] = sum;
  });
  return { values, dims: adjoint.dims.slice(1, -1) };
}

/**
 * Saliency: how much of an objective each site's value holds, to first order: value times adjoint, from one forward and
 * one backward pass. At `blocks.0.resid_pre` that is the saliency of every token.
 *
 * Source: gradient × input, Shrikumar et al. 2016 (arXiv 1605.01713).
 *
 * @example
 * ```ts
 * import { LanguageModel, logitDifference, saliency } from "@small-vectors/steering";
 * const model = await LanguageModel.open("./fixtures/embedded/base-a"), site = "blocks.0.resid_pre";
 * const row = { tokens: [5, 6, 7], targets: logitDifference({ position: 2, plus: 8, minus: 9 }) };
 * if ((await saliency(model, row, { sites: [site] })).get(site)?.dims.join() !== "3") throw new Error("one per token");
 * await model.release();
 * ```
 */
export async function saliency(
  model: LanguageModel,
  row: ObjectiveRow,
  options: SiteAdjointOptions,
): Promise<ReadonlyMap<SiteName, Attribution>> {
  const { taps, adjoints } = await model.siteAdjoints([row], options);
  return new Map(
    [...taps].map(([site, { data }]) => [site, along(data, adjoints.get(site) as Tensor<"float32">)]),
  );
}
