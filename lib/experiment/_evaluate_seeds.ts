import { evaluate, type EvaluateOptions, type Evaluation } from "../analysis/mod.ts";
import type { Device } from "../runtime/mod.ts";
import { answerModeOf, graderNamed } from "../problems/mod.ts";
import type { EvaluationPool } from "./evaluation_pool.ts";
import type { StudyProblems } from "./study_problems.ts";
import type { ZooModel } from "./zoo_model.ts";

/**
 * Outcomes of an evaluation: one evaluation per seed side by side where there is a pool, seed after seed where there is
 * none; they are the same.
 */
export async function evaluateSeeds(
  zoo: ZooModel,
  options: Omit<EvaluateOptions, "grade" | "template"> & {
    readonly asked: Pick<StudyProblems, "template" | "grader">;
    readonly pool: EvaluationPool | null;
    readonly device: Device;
  },
): Promise<Evaluation["outcomes"]> {
  const { pool, device, asked: { template, grader }, ...evaluation } = options;
  if (pool === null) {
    const { grade } = graderNamed(grader, { mode: answerModeOf(template) });
    return (await evaluate(zoo.model, { ...evaluation, template, grade })).outcomes;
  }
  const { seeds = [0], onProgress, onCompletion, ...rest } = evaluation;
  const { entry: { modelFolder, date }, model: { dtype } } = zoo;
  const done = seeds.map(() => 0), total = seeds.length * evaluation.problems.length;
  const bySeed = await Promise.all(
    seeds.map((seed, turn) =>
      pool.evaluate({
        modelFolder,
        device,
        dtype,
        grader,
        date,
        options: { ...rest, template, seeds: [seed] },
      }, {
        onProgress(answers) {
          done[turn] = answers;
          onProgress?.(done.reduce((sum, part) => sum + part, 0), total);
        },
        onCompletion,
      })
    ),
  );
  return bySeed.flat();
}
