import { evaluate, type EvaluateOptions, type Evaluation } from "../analysis/mod.ts";
import type { Device } from "../runtime/mod.ts";
import type { EvaluationPool } from "./evaluation_pool.ts";
import type { ZooModel } from "./zoo.ts";

/**
 * Outcomes of an evaluation: one evaluation per seed side by side where there is a pool, seed after seed where there is
 * none; they are the same.
 */
export async function evaluateSeeds(
  zoo: ZooModel,
  options: EvaluateOptions & { readonly pool: EvaluationPool | null; readonly device: Device },
): Promise<Evaluation["outcomes"]> {
  const { pool, device, ...asked } = options;
  if (pool === null) return (await evaluate(zoo.model, asked)).outcomes;
  const { seeds = [0], onProgress, onCompletion, ...rest } = asked;
  const { entry: { modelFolder }, model: { dtype } } = zoo;
  const done = seeds.map(() => 0), total = seeds.length * asked.problems.length;
  const bySeed = await Promise.all(
    seeds.map((seed, turn) =>
      pool.evaluate({ modelFolder, device, dtype, options: { ...rest, seeds: [seed] } }, {
        onProgress(answers) {
          done[turn] = answers;
          onProgress?.(done.reduce((sum, part) => sum + part, 0), total);
        },
        ...(onCompletion === undefined ? {} : { onCompletion }),
      })
    ),
  );
  return bySeed.flat();
}
