import { type ContrastPair, differenceOfMeans } from "../analysis/mod.ts";
import type { Rollout, SteeringVectors } from "../decode/mod.ts";
import { answerModeOf, graderNamed } from "../problems/mod.ts";
import { trainingProblems } from "../train/mod.ts";
import { writeAnswers } from "./_write_answers.ts";
import { trainedFamilies } from "./adjoint_energy.ts";
import type { Laboratory } from "./laboratory.ts";
import { NotApplicable } from "./not_applicable.ts";
import type { Treatment } from "./treatment.ts";
import type { ZooModel } from "./zoo_model.ts";

/** Answers of each problem, among which a right and a wrong one are sought. */
const SAMPLES = 8;
/** Problems for every one that is swept of a set. */
const PROBLEMS = 12;

/** What tells the base model's right answers from its wrong ones. */
export interface AnswerContrasts {
  /** Problems that it answered both ways: one pair each. */
  readonly pairs: number;
  /** Difference of means over the tokens of the answers, by layer. */
  readonly vectors: SteeringVectors;
}

/**
 * Contrast vectors of (right answer, wrong answer) pairs: training problems that the base model answers at temperature 1
 * under the evaluation seeds in turn; of each that has both, its first right and its first wrong answer.
 *
 * Source: contrastive activation addition, Rimsky et al. 2023 (arXiv 2312.06681); the pairs are ours.
 *
 * @throws InputError and the signal's reason, as {@link Laboratory.outcomes}.
 */
export async function answerContrasts(lab: Laboratory, zoo: ZooModel): Promise<AnswerContrasts> {
  const { seeds: [seed = 0], size: { swept } } = lab;
  const { template, grader } = lab.asked, { grade } = graderNamed(grader, { mode: answerModeOf(template) });
  const families = trainedFamilies(lab), count = PROBLEMS * swept;
  const problems = trainingProblems({ seed, families }, {}).slice(0, count)
    .map(({ question, answer }, index) => ({ id: `seed ${seed}, problem ${index}`, question, answer }));
  const base: Treatment = { name: "base", inputs: {} };
  const found = await lab.measure({
    kind: "answer contrasts",
    code: import.meta.url,
    zoo,
    treatments: [],
    problems,
    settings: { samples: SAMPLES, families, template, grader },
    runs: [{ taps: zoo.model.sitesOf("resid_post"), logits: false }],
    label: "right and wrong answers",
    total: count * SAMPLES,
    unit: "answers",
  }, async (onProgress) => {
    const answers = await writeAnswers(lab, { zoo, treatment: base, problems, samples: SAMPLES, onProgress });
    const pairs = problems.flatMap(({ answer }, place): ContrastPair[] => {
      const own = answers.slice(place * SAMPLES, (place + 1) * SAMPLES).filter(({ tokens }) =>
        tokens.length > 0
      );
      const first = (correct: boolean) =>
        own.find(({ tokens }) => grade(zoo.tokenizer.decode(tokens), answer).correct === correct);
      const right = first(true), wrong = first(false);
      if (right === undefined || wrong === undefined) return [];
      const text = ({ promptTokens, tokens }: Rollout) => [...promptTokens, ...tokens];
      return [{ positive: text(right), negative: text(wrong), from: right.promptTokens.length }];
    });
    if (pairs.length === 0) return { pairs: 0, vectors: [] };
    const vectors = await differenceOfMeans(zoo.model, pairs, { at: "mean" });
    return {
      pairs: pairs.length,
      vectors: [...vectors].map(([layer, vector]) => ({ layer, vector: [...vector] })),
    };
  });
  if (found.pairs === 0) throw new NotApplicable("no problem was answered both right and wrong");
  return {
    pairs: found.pairs,
    vectors: new Map(found.vectors.map(({ layer, vector }) => [layer, Float32Array.from(vector)])),
  };
}
