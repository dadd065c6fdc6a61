import { type Tensor, tensor, zeros } from "../../core/mod.ts";
import type { LanguageModel, Patch, Patches } from "../../decode/mod.ts";
import { type SiteName, siteName } from "../../model/mod.ts";

/** What is taken out of a model. */
export interface AblationParts {
  /** Heads, by layer and number. `@default []` */
  readonly heads?: readonly { readonly layer: number; readonly head: number }[];
  /** Layers whose MLP is. `@default []` */
  readonly mlp?: readonly number[];
  /** What takes its place: nothing, or what it is on the mean over the tokens of `over`. `@default "zero"` */
  readonly mode?: "zero" | "mean";
  /** Texts, as token ids, for the mean. */
  readonly over?: readonly (readonly number[])[];
}

/** The mean of a site over the tokens of texts. */
async function meanOf(
  model: LanguageModel,
  site: SiteName,
  texts: readonly (readonly number[])[],
): Promise<Float32Array> {
  let sum = new Float64Array(0), count = 0;
  for (const text of texts) {
    const { data } = (await model.run([text], { taps: [site], logits: false })).taps.get(site) as Tensor<
      "float32"
    >;
    const width = data.length / text.length;
    if (count === 0) sum = new Float64Array(width);
    data.forEach((value, at) => sum[at % width] = (sum[at % width] as number) + value);
    count += text.length;
  }
  return Float32Array.from(sum, (value) => value / count);
}

/**
 * Patches that take heads and MLPs out of a model wherever they are given: to {@link LanguageModel.run},
 * {@link LanguageModel.logProbs}, or {@link LanguageModel.generate}, there of prompts.
 *
 * @example
 * ```ts
 * import { ablate, LanguageModel } from "@small-vectors/steering";
 * const model = await LanguageModel.open("./fixtures/embedded/base-a");
 * const patches = await ablate(model, { heads: [{ layer: 3, head: 1 }], mlp: [5] });
 * const { taps } = await model.run([[5, 6, 7]], { patches, taps: ["blocks.5.mlp_out"] });
 * if (taps.get("blocks.5.mlp_out")?.data.some((value) => value !== 0)) throw new Error("nothing is left of it");
 * await model.release();
 * ```
 *
 * @throws {RangeError} for heads and layers that the model has not, nothing to take out, or a mean of no texts.
 */
export async function ablate(model: LanguageModel, parts: AblationParts): Promise<Patches> {
  const { heads = [], mlp = [], mode = "zero", over = [] } = parts, { config } = model;
  const whole = (value: number, below: number) => Number.isInteger(value) && value >= 0 && value < below;
  const wrong = heads.find(({ layer, head }) => !(whole(layer, config.layers) && whole(head, config.heads)));
  const fault = wrong !== undefined
    ? `layer ${wrong.layer} and head ${wrong.head} must lie in [0, ${config.layers}) and [0, ${config.heads})`
    : mlp.some((layer) => !whole(layer, config.layers))
    ? `layers must lie in [0, ${config.layers}): current layers are ${mlp.join(", ")}`
    : heads.length + mlp.length === 0
    ? "a head or an MLP must be named"
    : mode === "mean" && over.length === 0
    ? "the mean must be over a text: give over"
    : mode !== "mean" && mode !== "zero"
    ? `mode must be zero or mean: current value is ${JSON.stringify(mode)}`
    : null;
  if (fault !== null) throw new RangeError(`Cannot ablate as ${fault}`);
  const patches = new Map<SiteName, Patch>();
  const inPlace = async (site: SiteName, dims: readonly number[]) =>
    mode === "zero" ? zeros("float32", dims) : tensor("float32", dims, await meanOf(model, site, over));
  for (const layer of new Set(heads.map(({ layer }) => layer))) {
    const site = siteName({ layer, kind: "head_out" });
    const taken = Uint8Array.from(
      { length: config.heads },
      (_, head) => Number(heads.some((one) => one.layer === layer && one.head === head)),
    );
    patches.set(site, {
      value: await inPlace(site, [1, 1, config.heads, config.headDim]),
      mask: tensor("bool", [1, 1, config.heads], taken),
    });
  }
  for (const layer of new Set(mlp)) {
    const site = siteName({ layer, kind: "mlp_out" });
    patches.set(site, { value: await inPlace(site, [1, 1, config.embed]) });
  }
  return patches;
}
