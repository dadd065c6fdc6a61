import { assertEquals } from "@std/assert";
import { RandomStream } from "../../lib/core/mod.ts";
import {
  additionFeeds,
  type LanguageModel,
  type Rollout,
  rolloutGraph,
  type RolloutRequest,
  sampleRollouts,
  type SamplingOptions,
} from "../../lib/decode/mod.ts";
import { withSession } from "../onnx/_run_graph.ts";
import { assertClose } from "../tolerances.ts";
import { assertLikeReference, requestsOf, STOPPING } from "./_reference.ts";
import { allLayers, randomVectors, withTinyModel } from "./_tiny_model.ts";

Deno.test("generate() equals the token loop for every kind of head size", async () => {
  for (const [headDim, kvHeads] of [[6, 4], [8, 2], [24, 1], [2, 2], [64, 2]] as const) {
    await withTinyModel(async (model) => {
      const steer = randomVectors(model.config, allLayers(model.config));
      for (const temperature of [1, 0]) {
        await assertLikeReference(model, { maxNewTokens: 10, temperature, seed: 3, steer });
      }
    }, { ...STOPPING, headDim, kvHeads });
  }
});

Deno.test("generate() with heads of 8 hands stragglers on, whatever the batch size", () =>
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

Deno.test("generate() with heads of 24 fills the model's last position from prompts of 2, 6 and 10 tokens", () =>
  withTinyModel(async (model) => {
    const requests = requestsOf(model).map((request) => ({
      ...request,
      tokens: Array.from(
        { length: 10 - ((request.prompt ?? 0) % 3) * 4 },
        (_, t) => (t * 7 + (request.prompt ?? 0)) % 61,
      ),
    }));
    for (const batchSize of [3, 64]) {
      const options = { requests, maxNewTokens: 14, batchSize, stragglerShare: 0.9, seed: 6 };
      await assertLikeReference(model, options);
    }
  }, { ...STOPPING, headDim: 24, maxPositions: 24 }));

Deno.test("generate() follows scaled angles", () =>
  withTinyModel(
    async (model) => void await assertLikeReference(model, { maxNewTokens: 20, seed: 9, temperature: 0 }),
    {
      architecture: "llama",
      headDim: 8,
      ropeScaling: { factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPositions: 64 },
    },
  ));

/** Completions by a graph whose cache grows every `chunk` steps. */
function sampleBy(
  model: LanguageModel,
  chunk: number,
  options: SamplingOptions & { readonly requests?: readonly RolloutRequest[] },
): Promise<readonly Rollout[]> {
  const { config, checkpoint } = model;
  const layers = { steer: allLayers(config), operators: [], adapters: [] }, stopTokens = config.eosTokenIds;
  const graph = rolloutGraph({ config, checkpoint, stopTokens, edits: { steer: layers.steer }, chunk });
  const feeds = () => additionFeeds(options, { config, layers });
  const requests = options.requests ?? requestsOf(model, 9);
  return withSession(
    graph,
    (session) => sampleRollouts({ session, config, stopTokens, edits: {}, feeds }, requests, options),
    { weightsFolder: checkpoint.weightsFolder },
  );
}

Deno.test("the number of steps between two growths of the cache changes no token", async () => {
  for (const kvHeads of [4, 2, 1]) {
    await withTinyModel(async (model) => {
      const steer = randomVectors(model.config, [1]);
      const options = { maxNewTokens: 12, seed: 2, batchSize: 4, stragglerShare: 0.5, steer };
      const whole = await sampleBy(model, 32, options);
      for (const chunk of [1, 2, 5, 12]) {
        for (const [index, rollout] of (await sampleBy(model, chunk, options)).entries()) {
          const same = whole[index] as Rollout;
          assertEquals({ ...rollout, logProbs: [] }, { ...same, logProbs: [] });
          assertClose(rollout.logProbs, same.logProbs, "logProbabilityFloat32");
        }
      }
    }, { ...STOPPING, kvHeads });
  }
});

Deno.test("a row has the same bits alone and beside rows of any length", async () => {
  for (const [heads, kvHeads, headDim] of [[4, 2, 16], [4, 4, 8]] as const) {
    await withTinyModel(async (model) => {
      const steer = randomVectors(model.config, allLayers(model.config));
      const random = new RandomStream(3, "rows");
      // Lengths on both sides of every block that products and sums of the CPU are taken in.
      const requests = [1, 2, 15, 17, 64, 130, 257].map((length, prompt) => ({
        prompt,
        sample: 0,
        tokens: Array.from({ length }, () => random.integer({ below: 61 })),
      }));
      const options = { maxNewTokens: 10, seed: 4, stragglerShare: 0, steer, batchSize: 16 };
      const together = await sampleBy(model, 4, { ...options, requests });
      for (const [index, request] of requests.entries()) {
        const [alone] = await sampleBy(model, 4, { ...options, requests: [request] });
        assertEquals(alone, together[index]);
      }
    }, { heads, kvHeads, headDim, maxPositions: 280, eosTokenIds: [60] });
  }
});

Deno.test("a prompt that several rows continue is read once, and each row has the bits that it has alone", async () => {
  for (const edits of [{}, { lastBlock: { mode: "head", head: 1 } }] as const) {
    await withTinyModel(async (model) => {
      const steer = randomVectors(model.config, allLayers(model.config));
      const prompts = [[5, 9, 2, 7], [3], [5, 9, 2]];
      // Rows of one prompt lie apart, and end at unlike times.
      const requests = Array.from({ length: 13 }, (_, row) => ({
        prompt: row % 3,
        sample: Math.floor(row / 3),
        tokens: prompts[row % 3] as number[],
      }));
      const options = { maxNewTokens: 12, seed: 4, stragglerShare: 0 };
      const read: (readonly number[])[] = [];
      const graph = rolloutGraph({
        config: model.config,
        checkpoint: model.checkpoint,
        stopTokens: model.config.eosTokenIds,
        edits: { steer: allLayers(model.config), ...edits },
        chunk: 4,
      });
      await withSession(graph, async (session) => {
        const watched = Object.assign(Object.create(session) as typeof session, {
          run(feeds: Parameters<typeof session.run>[0]) {
            read.push(feeds["prompts"]?.dims ?? []);
            return session.run(feeds);
          },
        });
        const engine = {
          session: watched,
          config: model.config,
          stopTokens: model.config.eosTokenIds,
          edits,
          feeds: () =>
            additionFeeds({ steer, ...edits }, {
              config: model.config,
              layers: { steer: allLayers(model.config), operators: [], adapters: [] },
            }),
        };
        const together = await sampleRollouts(engine, requests, options);
        for (const [index, request] of requests.entries()) {
          assertEquals(await sampleRollouts(engine, [request], options), [together[index] as Rollout]);
        }
        assertEquals(new Set(together.map(({ tokens }) => tokens.length)).size > 2, true);
      }, { weightsFolder: model.checkpoint.weightsFolder });
      assertEquals(read, [[3, 4], ...requests.map(({ tokens }) => [1, tokens.length])]);
    }, STOPPING);
  }
});
