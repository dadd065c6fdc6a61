import { z } from "zod";
import { InputError } from "../core/mod.ts";
import { type Additions, type LanguageModel, promptTokens, type RolloutRequest } from "../decode/mod.ts";
import { siteName } from "../model/mod.ts";
import { FAMILIES, trainProblem } from "../problems/mod.ts";
import { type DiffSaeConfig, parseDiffSaeConfig } from "../train/mod.ts";

/** Everything that decides a sparse autoencoder of differences, but for the model and what is added to it. */
export interface AutoencoderConfig {
  /** Training problems, of all families in turn; each is answered once by the model and once by the changed one. */
  readonly problems: number;
  /** Most tokens of an answer. */
  readonly maxNewTokens: number;
  /** Decides the problems and the sampling. */
  readonly seed: number;
  /** The dictionary and its training. */
  readonly training: DiffSaeConfig;
}

const SCHEMA = z.strictObject({
  problems: z.int().positive(),
  maxNewTokens: z.int().positive(),
  seed: z.int().nonnegative(),
  training: z.unknown(),
});

/**
 * Checks an autoencoder config that came from a file; `where` names it in errors. Throws an `InputError` for unknown,
 * missing and misshapen keys, by name.
 *
 * @example
 * ```ts
 * import { parseAutoencoderConfig } from "./mod.ts";
 * const where = "./fixtures/embedded/diff-sae.json";
 * const { training } = parseAutoencoderConfig(JSON.parse(await Deno.readTextFile(where)), { where });
 * if (training.active >= training.features) throw new Error("codes are sparse");
 * ```
 */
export function parseAutoencoderConfig(
  value: unknown,
  options: { readonly where: string },
): AutoencoderConfig {
  const parsed = SCHEMA.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new InputError(
      `bad autoencoder config at ${issue?.path.join(".") || "its top"}, ${issue?.message}`,
      options,
    );
  }
  return { ...parsed.data, training: parseDiffSaeConfig(parsed.data.training, options) };
}

/** Texts that are read together. */
const BATCH = 32;

/**
 * What vectors or adapters change in a residual: rows [tokens, embed] of changed minus unchanged `resid_post` of one
 * layer, at every token of answers that both models gave at temperature 1, each text read by both. Half of the answers
 * are the changed model's, so right and wrong ones are among them.
 *
 * @example
 * ```ts
 * import { LanguageModel } from "../decode/mod.ts";
 * import { differenceRows } from "./mod.ts";
 * const model = await LanguageModel.open("./fixtures/embedded/base-a");
 * const { embed } = model.config, vector = new Float32Array(embed).fill(0.1);
 * const options = { layer: 3, problems: 1, maxNewTokens: 4, seed: 0 };
 * const rows = await differenceRows(model, { steer: new Map([[3, vector]]) }, options);
 * if (!rows.every((value) => Math.abs(value - 0.1) < 1e-5)) throw new Error("the vector is all that differs");
 * await model.release();
 * ```
 */
export async function differenceRows(
  model: LanguageModel,
  additions: Additions,
  options: {
    readonly layer: number;
    readonly problems: number;
    readonly maxNewTokens: number;
    readonly seed: number;
    readonly signal?: AbortSignal;
    /** Called after every batch of texts. */
    readonly onProgress?: (done: number, total: number) => void;
  },
): Promise<Float32Array> {
  const { problems, maxNewTokens, seed, signal } = options, { embed } = model.config;
  const tokenizer = await model.tokenizer();
  const requests: RolloutRequest[] = Array.from({ length: problems }, (_, prompt) => {
    const family = FAMILIES[prompt % FAMILIES.length] as typeof FAMILIES[number];
    const { question } = trainProblem(family, { seed, index: Math.floor(prompt / FAMILIES.length) });
    return { tokens: promptTokens(tokenizer, question), prompt, sample: 0 };
  });
  const sampling = { maxNewTokens, seed };
  const texts = [];
  for (const change of [{}, additions]) {
    signal?.throwIfAborted();
    texts.push(...await model.generate(requests, { ...sampling, ...change }));
  }
  const site = siteName({ layer: options.layer, kind: "resid_post" });
  const parts: Float32Array[] = [];
  for (let start = 0; start < texts.length; start += BATCH) {
    signal?.throwIfAborted();
    const batch = texts.slice(start, start + BATCH);
    const rows = batch.map(({ promptTokens, tokens }) => [...promptTokens, ...tokens]);
    const read = async (change: Additions) => {
      const { taps } = await model.run(rows, { ...change, taps: [site], logits: false });
      return taps.get(site);
    };
    const changed = await read(additions), plain = await read({});
    const seq = plain?.dims[1] as number;
    batch.forEach(({ promptTokens, tokens }, row) => {
      const from = (row * seq + promptTokens.length) * embed, length = tokens.length * embed;
      parts.push(
        Float32Array.from(
          { length },
          (_, i) => (changed?.data[from + i] as number) - (plain?.data[from + i] as number),
        ),
      );
    });
    options.onProgress?.(Math.min(start + BATCH, texts.length), texts.length);
  }
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
