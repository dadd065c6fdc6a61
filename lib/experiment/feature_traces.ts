import { siteName } from "../model/mod.ts";
import { answerModeOf, graderNamed } from "../problems/mod.ts";
import { encodeTopK, residualDifferences, sparseFit } from "../train/mod.ts";
import type { Laboratory } from "./laboratory.ts";
import type { StudyProblem } from "./study_problems.ts";
import { additionsOf, autoencoderHash } from "./treatment.ts";
import { writeAnswers } from "./_write_answers.ts";
import type { ZooAutoencoder, ZooModel } from "./zoo_model.ts";

/** What the features of a DiffSAE did along one generation of the steered model. */
export interface FeatureGeneration {
  /** Place of the problem in the list given. */
  readonly problem: number;
  /** Whether the answer is right. */
  readonly correct: boolean;
  /** The tokens that were read, from the last of the prompt: each is followed by a generated one. */
  readonly tokens: readonly number[];
  /** Feature of each entry, [tokens, active]. */
  readonly indices: readonly number[];
  /** Its activation to four digits, [tokens, active]; 0 where fewer were active. */
  readonly values: readonly number[];
}

/** Generations, and how well the autoencoder fits them. */
export interface FeatureTraces {
  /** Problem after problem, sample after sample. */
  readonly generations: readonly FeatureGeneration[];
  /** 1 − Σ ‖d − d̂‖² / Σ ‖d − d̄‖² over the positions read; null when the differences do not vary. */
  readonly explainedVariance: number | null;
  /** Features above 0 per position, on average. */
  readonly meanActive: number;
  /** Share of the positions on which each feature is above 0, [features]. */
  readonly firingShare: readonly number[];
}

/**
 * Answers of the steered model at temperature 1, and at each position that a generated token follows the codes of what
 * its vectors change there: `resid_post` of the steered model minus that of the base model on the same text.
 *
 * Source: Figures 7 and 8 (class: review); which positions are read is ours.
 *
 * @throws InputError as {@link Laboratory.measure}.
 */
export async function featureTraces(
  lab: Laboratory,
  options: {
    readonly zoo: ZooModel;
    readonly difference: ZooAutoencoder;
    readonly problems: readonly StudyProblem[];
    /** Answers per problem. */
    readonly samples: number;
  },
): Promise<FeatureTraces> {
  const { zoo, difference, problems, samples } = options;
  const { autoencoder, treatment, layer } = difference, { model, tokenizer } = zoo;
  const { template, grader } = lab.asked, { grade } = graderNamed(grader, { mode: answerModeOf(template) });
  const total = problems.length * samples;
  return await lab.measure(
    {
      kind: "feature traces",
      code: import.meta.url,
      zoo,
      treatments: [treatment],
      problems,
      settings: { samples, layer, autoencoder: autoencoderHash(autoencoder) },
      runs: [{}, additionsOf(treatment)].map((additions) => ({
        ...additions,
        taps: [siteName({ layer, kind: "resid_post" })],
        logits: false,
      })),
      label: "features of answers",
      total,
    },
    async (onProgress) => {
      const rollouts = await writeAnswers(lab, {
        zoo,
        treatment,
        problems,
        samples,
        onProgress: (done) => onProgress(Math.floor(done / 2)),
      });
      const texts = rollouts.map(({ promptTokens: asked, tokens }) => [...asked, ...tokens.slice(0, -1)]);
      const differences = await residualDifferences(model, texts, {
        ...additionsOf(treatment),
        layer,
        onProgress: (done) => onProgress(Math.floor((total + done) / 2)),
      });
      const { embed } = autoencoder;
      const read = differences.map((rows, text) =>
        rows.subarray(((rollouts[text]?.promptTokens.length ?? 1) - 1) * embed)
      );
      const generations = rollouts.map(({ prompt, promptTokens: asked, tokens }, text): FeatureGeneration => {
        const codes = encodeTopK(autoencoder, read[text] as Float32Array);
        const { answer } = problems[prompt] as StudyProblem;
        return {
          problem: prompt,
          correct: grade(tokenizer.decode(tokens), answer).correct,
          tokens: (texts[text] as number[]).slice(asked.length - 1),
          indices: [...codes.indices],
          values: [...codes.values].map((value) => Number(value.toPrecision(4))),
        };
      });
      const all = new Float32Array(read.reduce((sum, rows) => sum + rows.length, 0));
      let at = 0;
      for (const rows of read) {
        all.set(rows, at);
        at += rows.length;
      }
      const { explainedVariance, meanActive, firingShare } = sparseFit(autoencoder, all);
      return { generations, explainedVariance, meanActive, firingShare: [...firingShare] };
    },
  );
}
