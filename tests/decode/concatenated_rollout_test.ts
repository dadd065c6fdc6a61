import { assertEquals, assertThrows } from "@std/assert";
import {
  type LanguageModel,
  type Rollout,
  rolloutGraph,
  sampleRollouts,
  type SamplingOptions,
} from "../../lib/decode/mod.ts";
import type { CachedKernel } from "../../lib/model/mod.ts";
import { withSession } from "../onnx/_run_graph.ts";
import { assertClose } from "../tolerances.ts";
import { assertLikeReference, requestsOf, STOPPING } from "./_reference.ts";
import { allLayers, randomVectors, withTinyModel } from "./_tiny_model.ts";

Deno.test("generate() equals the token loop for head sizes that the fused kernel refuses", async () => {
  for (const [headDim, kvHeads] of [[6, 4], [8, 2], [24, 1], [2, 2]] as const) {
    await withTinyModel(async (model) => {
      const steer = randomVectors(model.config, allLayers(model.config));
      for (const temperature of [1, 0]) {
        await assertLikeReference(model, { maxNewTokens: 10, temperature, seed: 3, steer });
      }
    }, { ...STOPPING, headDim, kvHeads });
  }
});

Deno.test("generate() without the fused kernel hands stragglers on, whatever the batch size", () =>
  withTinyModel(async (model) => {
    const lengths = new Set<number>();
    for (const batchSize of [1, 3, 64]) {
      for (const stragglerShare of [0, 0.25, 0.9]) {
        const options = { maxNewTokens: 14, seed: 5, batchSize, stragglerShare };
        for (const { tokens } of await assertLikeReference(model, options)) lengths.add(tokens.length);
      }
    }
    assertEquals(lengths.size > 3, true); // rows really ended at different steps
  }, { ...STOPPING, headDim: 8 }));

Deno.test("generate() without the fused kernel fills the model's last position from prompts of 2, 6 and 10 tokens", () =>
  withTinyModel(async (model) => {
    const requests = requestsOf(model).map((request) => ({
      ...request,
      tokens: Array.from({ length: 10 - (request.prompt % 3) * 4 }, (_, t) => (t * 7 + request.prompt) % 61),
    }));
    for (const batchSize of [3, 64]) {
      const options = { requests, maxNewTokens: 14, batchSize, stragglerShare: 0.9, seed: 6 };
      await assertLikeReference(model, options);
    }
  }, { ...STOPPING, headDim: 24, maxPositions: 24 }));

Deno.test("generate() without the fused kernel follows scaled angles", () =>
  withTinyModel(
    async (model) => void await assertLikeReference(model, { maxNewTokens: 20, seed: 9, temperature: 0 }),
    {
      architecture: "llama",
      headDim: 8,
      ropeScaling: { factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPositions: 64 },
    },
  ));

/** Completions by a chosen kernel. */
function sampleBy(
  kernel: CachedKernel,
  model: LanguageModel,
  options: SamplingOptions,
): Promise<readonly Rollout[]> {
  const { config, checkpoint } = model;
  const steeredLayers = allLayers(config), stopTokens = config.eosTokenIds;
  const graph = rolloutGraph({ config, checkpoint, stopTokens, edits: { steer: steeredLayers }, kernel });
  return withSession(
    graph,
    (session) =>
      sampleRollouts({ session, config, stopTokens, steeredLayers }, requestsOf(model, 9), options),
    { weightsFolder: checkpoint.weightsFolder },
  );
}

Deno.test("both kernels sample the same tokens where both apply", async () => {
  for (const kvHeads of [4, 2, 1]) {
    await withTinyModel(async (model) => {
      const steer = randomVectors(model.config, [1]);
      const options = { maxNewTokens: 12, seed: 2, batchSize: 4, stragglerShare: 0.5, steer };
      const fused = await sampleBy("fused", model, options);
      const concatenated = await sampleBy("concatenated", model, options);
      for (const [index, rollout] of concatenated.entries()) {
        const same = fused[index] as Rollout;
        assertEquals({ ...rollout, logProbs: [] }, { ...same, logProbs: [] });
        assertClose(rollout.logProbs, same.logProbs, "logProbabilityFloat32");
      }
    }, { ...STOPPING, kvHeads });
  }
});

Deno.test("rolloutGraph() takes the fused kernel where it can, and no other head size for it", async () => {
  const holds = (model: LanguageModel, kernel?: CachedKernel) => {
    const { config, checkpoint } = model;
    const graph = rolloutGraph({ config, checkpoint, stopTokens: [0], ...(kernel ? { kernel } : {}) });
    return graph.nodes.some((node) => node.op === "GroupQueryAttention");
  };
  await withTinyModel((model) => {
    assertEquals([holds(model), holds(model, "fused"), holds(model, "concatenated")], [true, true, false]);
    return Promise.resolve();
  }, { headDim: 32 });
  await withTinyModel((model) => {
    assertEquals(holds(model), false);
    assertThrows(
      () => holds(model, "fused"),
      RangeError,
      "Cannot decode with the fused kernel as head_dim must be a multiple of 16: current value is 24",
    );
    return Promise.resolve();
  }, { headDim: 24 });
});
