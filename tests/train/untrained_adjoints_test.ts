import { assertEquals } from "@std/assert";
import { type SteeringConfig, trainSteering, untrainedAdjoints } from "../../lib/train/mod.ts";
import { withChainModel } from "./_tiny_models.ts";

const LIVELY = { boxShare: 0.9, digitWeights: new Array(10).fill(0.1), noise: 0.1 };
const BATCHES = {
  layers: [0, 1],
  seed: 5,
  steps: 2,
  prompts: 4,
  samples: 8,
  maxNewTokens: 8,
  families: ["remainder", "linear"],
} as const;

Deno.test("untrainedAdjoints() are what training sees at its first step, before clipping, and of vectors that stay zero", () =>
  withChainModel(LIVELY, async (model, folder) => {
    const seen: (readonly number[])[][] = [];
    const steeringAdjoint = model.steeringAdjoint.bind(model);
    model.steeringAdjoint = async (rows, options) => {
      const result = await steeringAdjoint(rows, options);
      // Copied: clipping changes them in place.
      seen.push(BATCHES.layers.map((layer) => [...result.adjoints.get(layer) ?? []]));
      return result;
    };
    const config: SteeringConfig = {
      ...BATCHES,
      steps: 1,
      learningRates: [0.02, 0.05],
      warmupShare: 0,
      maxNorm: 1e-4,
    };
    await trainSteering(model, config, { folder });
    const trained = seen.splice(0);
    const found = await untrainedAdjoints(model, BATCHES);
    assertEquals(found[0]?.map((vector) => [...vector]), trained[0]);
    assertEquals(found.map((step) => step.map((vector) => [...vector])), seen);
    assertEquals(found.length, 2);
    const moved = found[0]?.[0]?.some((value, at) => value !== found[1]?.[0]?.[at]);
    assertEquals(moved, true, "another step has other problems");
  }));
