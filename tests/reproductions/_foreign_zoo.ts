import { NON_ENGLISH_LANGUAGES, vocabularyLanguages } from "../../lib/analysis/mod.ts";
import type { ZooModel } from "../../lib/experiment/mod.ts";
import {
  type ExtraRow,
  FREE_AXES,
  type TinyZoo,
  withZooModel,
  writeVectors,
} from "../experiment/_tiny_zoo.ts";
import { tinyTokenizer } from "../train/_tiny_models.ts";

/** Axes on which rows of both kinds differ among themselves: random directions tell them apart by chance alone. */
const NOISE_AXES = [13, 14, 15, 16, 17, 18, 19];
const NOISE = 2;
/** Tokens of each kind that have a row; the vocabulary has as many that are not English. */
export const KIND_COUNT = 42;
/** Cosine of a row with the axis that its kind lies against. */
export const KIND_COSINE = -1 / Math.sqrt(1 + NOISE * NOISE * NOISE_AXES.length);

/** Axes that the vectors of layers 0 to 3 go along; the middle layer is layer 1. */
export const LAYER_AXES = [FREE_AXES[2], FREE_AXES[0], FREE_AXES[3], FREE_AXES[1]] as const;

async function kindRows(): Promise<readonly ExtraRow[]> {
  const tokenizer = await tinyTokenizer();
  const texts = Array.from({ length: 423 }, (_, token) => tokenizer.tokenText(token));
  const labels = vocabularyLanguages(texts, { special: tokenizer.specialTokenIds });
  const of = (test: (label: typeof labels[number]) => boolean) =>
    labels.flatMap((label, token) => test(label) ? [token] : []).slice(0, KIND_COUNT);
  const rows = (tokens: readonly number[], axis: number) =>
    tokens.flatMap((token, place) => [
      { token, axis, value: -1 },
      ...NOISE_AXES.map((noise, bit) => ({
        token,
        axis: noise,
        value: ((place * 5 + axis) >> bit) % 2 === 0 ? NOISE : -NOISE,
      })),
    ]);
  return [
    ...rows(of((label) => NON_ENGLISH_LANGUAGES.has(label)), LAYER_AXES[1]),
    ...rows(of((label) => label === "latin"), LAYER_AXES[3]),
  ];
}

/**
 * A zoo whose middle layer pushes non-English tokens down and whose last layer pushes English ones down, or with a
 * strength below 0 the other way round. No vector changes a text.
 */
export async function withForeignZoo(
  body: (zoo: ZooModel, tiny: TinyZoo) => Promise<void>,
  options: { readonly strength?: number } = {},
): Promise<void> {
  await withZooModel(async (a, tiny) => {
    await Deno.remove(`${tiny.entry.vectorsFolder}/layer-3.seed-1.safetensors`);
    for (const [layer, axis] of LAYER_AXES.entries()) {
      const path = `${tiny.entry.vectorsFolder}/layer-${layer}.seed-0.safetensors`;
      await writeVectors(path, { [layer]: options.strength ?? 0.1 }, { axis });
    }
    await body(a, tiny);
  }, { rows: await kindRows() });
}
