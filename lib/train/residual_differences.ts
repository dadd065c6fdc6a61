import { z } from "zod";
import { type Additions, type LanguageModel, promptTokens } from "../decode/mod.ts";
import { siteName } from "../model/mod.ts";
import { FAMILIES, type Problem, trainProblem } from "../problems/mod.ts";
import { checkedConfig } from "./_checked_config.ts";
import { type DiffSaeConfig, parseDiffSaeConfig } from "./diff_sae_config.ts";

/** Texts that go through the model together, twice. */
const BATCH_SIZE = 32;

/** Everything that decides a DiffSAE, but for the model and its vectors: the rows that are sampled, and the training. */
export interface DiffSaeRecipe extends DiffSaeConfig {
  /** The differences are read at `blocks.LAYER.resid_post`. */
  readonly layer: number;
  /** Training problems that the steered model answers, one text each. */
  readonly texts: number;
  /** Most tokens of an answer. */
  readonly maxNewTokens: number;
}

const ROWS = z.looseObject({
  layer: z.int().nonnegative(),
  texts: z.int().positive(),
  maxNewTokens: z.int().positive(),
});

/**
 * Checks a DiffSAE recipe that came from outside; `where` names it in errors. Throws an `InputError` for unknown,
 * missing and misshapen keys, by name.
 */
export function parseDiffSaeRecipe(value: unknown, options: { readonly where: string }): DiffSaeRecipe {
  const parsed = checkedConfig(ROWS, value, { what: "DiffSAE recipe", ...options });
  const { layer, texts, maxNewTokens, ...training } = parsed;
  return { layer, texts, maxNewTokens, ...parseDiffSaeConfig(training, options) };
}

/** What is added to the model in the second of two runs, and where the difference is read. */
export interface ResidualDifferenceOptions extends Additions {
  /** The difference is that of `blocks.LAYER.resid_post`. */
  readonly layer: number;
  /** Called with the number of texts read. */
  readonly onProgress?: (done: number) => void;
}

/**
 * What additions change in the residual stream of texts, position by position: `resid_post` of a layer with them minus
 * the same without, both read on the same tokens. One array [seq, embed] per text, float32.
 *
 * Source: the rows of DiffSAE (class: caption for "activation differences"; layer, texts and positions are ours).
 *
 * @throws {RangeError} for a layer that the model lacks, and for additions that do not fit it.
 */
export async function residualDifferences(
  model: LanguageModel,
  texts: readonly (readonly number[])[],
  options: ResidualDifferenceOptions,
): Promise<readonly Float32Array[]> {
  const { layer, onProgress, ...additions } = options;
  const { embed } = model.config, site = siteName({ layer, kind: "resid_post" });
  const differences: Float32Array[] = [];
  for (let start = 0; start < texts.length; start += BATCH_SIZE) {
    const batch = texts.slice(start, start + BATCH_SIZE);
    const read = async (more: Additions) =>
      (await model.run(batch, { ...more, taps: [site], logits: false })).taps.get(site)?.data as Float32Array;
    const base = await read({}), changed = await read(additions), seq = base.length / (batch.length * embed);
    batch.forEach((tokens, row) => {
      const from = row * seq * embed;
      differences.push(
        Float32Array.from(
          { length: tokens.length * embed },
          (_, at) => (changed[from + at] as number) - (base[from + at] as number),
        ),
      );
    });
    onProgress?.(differences.length);
  }
  return differences;
}

/** The training problems that a DiffSAE's texts answer: the families in turn. */
export function diffSaeProblems(config: Pick<DiffSaeRecipe, "seed" | "texts">): readonly Problem[] {
  return Array.from({ length: config.texts }, (_, turn) => {
    const family = FAMILIES[turn % FAMILIES.length] as typeof FAMILIES[number];
    return trainProblem(family, { seed: config.seed, index: Math.floor(turn / FAMILIES.length) });
  });
}

/** What answers the training problems of a DiffSAE. */
export interface DiffSaeTextsOptions extends Additions {
  /** Called with the number of finished answers. */
  readonly onProgress?: (done: number) => void;
}

/**
 * The texts whose differences a DiffSAE is trained on: the problems of {@link diffSaeProblems}, each with the answer
 * that the model with its additions writes at temperature 1. The last token is left out, as nothing follows it.
 *
 * @throws {InputError} for a tokenizer without a chat template; {RangeError} for additions that do not fit the model,
 * and when prompt and answer do not fit its positions.
 */
export async function diffSaeTexts(
  model: LanguageModel,
  config: DiffSaeRecipe,
  options: DiffSaeTextsOptions = {},
): Promise<readonly (readonly number[])[]> {
  const { seed, maxNewTokens } = config, { onProgress, ...additions } = options;
  const tokenizer = await model.tokenizer();
  const requests = diffSaeProblems(config).map(({ question }, prompt) => ({
    tokens: promptTokens(tokenizer, question),
    prompt,
    sample: 0,
  }));
  const rollouts = await model.generate(requests, {
    ...additions,
    maxNewTokens,
    seed,
    ...(onProgress === undefined ? {} : { onProgress }),
  });
  return rollouts.map(({ promptTokens: asked, tokens }) => [...asked, ...tokens.slice(0, -1)]);
}
