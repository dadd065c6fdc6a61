import { type Tensor, tensor } from "../../core/mod.ts";
import { type Additions, type LanguageModel, type TopToken, topTokens } from "../../decode/mod.ts";

/** What a lens reads. */
export interface LogitLensOptions extends Additions {
  /** Positions that are read. `@default` the last */
  readonly positions?: readonly number[];
  /** Tokens that are listed. `@default 10` */
  readonly count?: number;
}

/**
 * The logit lens: what the final norm and the unembedding make of the stream behind every layer, as the likeliest next
 * tokens, [layer][position]. One forward pass, then a product with the unembedding for each layer; the last layer's
 * list is the model's own.
 *
 * Source: nostalgebraist 2020, "interpreting GPT: the logit lens".
 *
 * @example
 * ```ts
 * import { LanguageModel, logitLens } from "@small-vectors/steering";
 * const model = await LanguageModel.open("./fixtures/embedded/base-a"), tokenizer = await model.tokenizer();
 * const lens = await logitLens(model, tokenizer.encodeChat([{ role: "user", content: "What is 2 + 3?" }]), { count: 3 });
 * if (lens.length !== 8 || lens[7]?.[0]?.length !== 3) throw new Error("a list per layer and position");
 * await model.release();
 * ```
 *
 * @throws {RangeError} for a position that the tokens have not.
 */
export async function logitLens(
  model: LanguageModel,
  tokens: readonly number[],
  options: LogitLensOptions = {},
): Promise<readonly (readonly (readonly TopToken[])[])[]> {
  const { positions = [tokens.length - 1], count = 10, ...additions } = options, { embed } = model.config;
  const wrong = positions.find((at) => !(Number.isInteger(at) && at >= 0 && at < tokens.length));
  if (wrong !== undefined) {
    throw new RangeError(`Cannot read position ${wrong} as it must lie in [0, ${tokens.length})`);
  }
  const sites = model.sitesOf("resid_post"), lens: (readonly (readonly TopToken[])[])[] = [];
  const { taps } = await model.run([tokens], { ...additions, taps: sites, logits: false });
  for (const site of sites) {
    const { data } = taps.get(site) as Tensor<"float32">;
    const read = positions.flatMap((at) => [...data.subarray(at * embed, (at + 1) * embed)]);
    lens.push(topTokens(await model.unembed(tensor("float32", [positions.length, embed], read)), { count }));
  }
  return lens;
}
