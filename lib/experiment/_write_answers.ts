import { promptTokens, type Rollout } from "../decode/mod.ts";
import type { StudyProblem, StudyProblems } from "./study_problems.ts";
import type { StudySize } from "./study_size.ts";
import { additionsOf, type Treatment } from "./treatment.ts";
import type { ZooModel } from "./zoo_model.ts";

/** How answers are asked for: what a laboratory has. */
export interface Asking {
  readonly asked: Pick<StudyProblems, "template">;
  readonly seeds: readonly number[];
  readonly size: Pick<StudySize, "maxNewTokens">;
}

/**
 * Answers at temperature 1 by the model with a treatment, problem after problem. The evaluation seeds take turns:
 * answer k is drawn under seed k mod S, so that each seed has its share of every family, and all texts stay
 * independent. `onProgress` counts answers.
 */
export async function writeAnswers(
  { asked: { template }, seeds, size: { maxNewTokens } }: Asking,
  options: {
    readonly zoo: ZooModel;
    readonly treatment: Treatment;
    readonly problems: readonly StudyProblem[];
    /** Answers per problem. `@default 1` */
    readonly samples?: number;
    readonly onProgress: (done: number) => void;
  },
): Promise<readonly Rollout[]> {
  const { zoo, treatment, problems, samples = 1, onProgress } = options;
  const requests = problems.flatMap(({ question }, prompt) => {
    const tokens = promptTokens(zoo.tokenizer, question, { template });
    return Array.from({ length: samples }, (_, sample) => ({ tokens, prompt, sample }));
  });
  const answers: Rollout[] = [];
  let written = 0;
  for (const [turn, seed] of seeds.entries()) {
    const own = requests.filter((_, place) => place % seeds.length === turn);
    if (own.length === 0) continue;
    const rollouts = await zoo.model.generate(own, {
      maxNewTokens,
      seed,
      ...additionsOf(treatment),
      onProgress: (done) => onProgress(written + done),
    });
    rollouts.forEach((rollout, place) => answers[turn + place * seeds.length] = rollout);
    written += own.length;
  }
  return answers;
}
