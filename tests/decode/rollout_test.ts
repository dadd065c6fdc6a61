import { assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { RandomStream } from "../../lib/core/mod.ts";
import {
  additionFeeds,
  type Rollout,
  rolloutGraph,
  type RolloutRequest,
  sampleRollouts,
  type SamplingOptions,
} from "../../lib/decode/mod.ts";
import { Session } from "../../lib/runtime/mod.ts";
import { assertClose } from "../tolerances.ts";
import { assertLikeReference, requestsOf, STOPPING } from "./_reference.ts";
import { allLayers, randomVectors, withTinyModel } from "./_tiny_model.ts";

Deno.test("generate() equals the token loop at temperatures 1, 0.7 and 0, steered and not", () =>
  withTinyModel(async (model) => {
    const vectors = randomVectors(model.config, allLayers(model.config));
    const seen = new Set<string>();
    for (const temperature of [1, 0.7, 0]) {
      for (const steer of [new Map(), vectors, new Map([[1, vectors.get(1) as Float32Array]])]) {
        const rollouts = await assertLikeReference(model, { maxNewTokens: 12, temperature, seed: 3, steer });
        seen.add(JSON.stringify(rollouts.map((rollout) => rollout.tokens)));
      }
    }
    assertEquals(seen.size, 9); // every setting changed what came out
  }, STOPPING));

Deno.test("generate() equals the token loop whatever the batch size and the share of stragglers", () =>
  withTinyModel(async (model) => {
    const lengths = new Set<number>();
    for (const batchSize of [1, 3, 64]) {
      for (const stragglerShare of [0, 0.25, 0.9]) {
        const rollouts = await assertLikeReference(model, {
          maxNewTokens: 14,
          seed: 5,
          batchSize,
          stragglerShare,
        });
        for (const rollout of rollouts) lengths.add(rollout.tokens.length);
      }
    }
    assertEquals(lengths.size > 3, true); // rows really ended at different steps
  }, STOPPING));

Deno.test("generate() equals the token loop for one and two new tokens", () =>
  withTinyModel(async (model) => {
    for (const maxNewTokens of [1, 2]) {
      for (const temperature of [1, 0]) {
        const rollouts = await assertLikeReference(model, {
          maxNewTokens,
          temperature,
          batchSize: 3,
          seed: 1,
        });
        assertEquals(rollouts.every((rollout) => rollout.tokens.length <= maxNewTokens), true);
      }
    }
  }, STOPPING));

Deno.test("generate() ends when every row stops at its first token", () =>
  withTinyModel(async (model) => {
    for (const stragglerShare of [0, 0.9]) {
      const rollouts = await assertLikeReference(model, { maxNewTokens: 9, batchSize: 2, stragglerShare });
      assertEquals(
        rollouts.map(({ tokens, finished }) => [tokens.length, finished]),
        rollouts.map(() => [1, true]),
      );
    }
  }, { eosTokenIds: Array.from({ length: 61 }, (_, id) => id) }));

Deno.test("generate() stops at the limit where no stop token comes, and says so", () =>
  withTinyModel(async (model) => {
    const rollouts = await assertLikeReference(model, { maxNewTokens: 6, seed: 2, temperature: 0 });
    for (const { tokens, finished } of rollouts) {
      assertEquals(finished, tokens.at(-1) === 0);
      assertEquals(finished || tokens.length === 6, true);
    }
    assertEquals(rollouts.some((rollout) => !rollout.finished), true);
  }));

Deno.test("generate() equals the token loop for all groupings of heads, tied embeddings and other angles", async () => {
  for (const kvHeads of [1, 4]) {
    await withTinyModel(
      async (model) => void await assertLikeReference(model, { maxNewTokens: 8, seed: 9 }),
      {
        ...STOPPING,
        kvHeads,
        tiedEmbeddings: kvHeads === 1,
        ropeTheta: 300,
      },
    );
  }
});

Deno.test("generate() fills the model's last position, rows of different progress in one batch included", () =>
  withTinyModel(async (model) => {
    const requests = requestsOf(model).map((request) => ({
      ...request,
      tokens: Array.from(
        { length: 10 - ((request.prompt ?? 0) % 3) * 4 },
        (_, t) => (t * 7 + (request.prompt ?? 0)) % 61,
      ),
    }));
    for (const batchSize of [2, 3, 64]) {
      await assertLikeReference(model, {
        requests,
        maxNewTokens: 14,
        batchSize,
        stragglerShare: 0.9,
        seed: 6,
      });
    }
  }, { ...STOPPING, maxPositions: 24 }));

Deno.test("sampleRollouts() never runs a batch past the model's last position", () =>
  withTinyModel(async (model) => {
    const { config, checkpoint } = model;
    const stopTokens = config.eosTokenIds, layers = { steer: allLayers(config), operators: [], adapters: [] };
    const graph = rolloutGraph({ config, checkpoint, stopTokens, edits: { steer: layers.steer } });
    const feeds = () => additionFeeds({}, { config, layers });
    const session = await Session.create(graph, { threads: 1, weightsFolder: checkpoint.weightsFolder });
    const unequal: boolean[] = [];
    const watched: Pick<Session, "run"> = {
      run: (feeds) => {
        const seq = feeds["prompts"]?.dims[1] as number, steps = feeds["uniforms"]?.dims[1] as number;
        assertEquals([seq, steps, seq + steps - 1 <= config.maxPositions], [seq, steps, true]);
        unequal.push(seq > 10 && seq + steps - 1 === config.maxPositions);
        return session.run(feeds);
      },
    };
    const requests = Array.from({ length: 12 }, (_, prompt) => ({
      tokens: Array.from({ length: 10 }, (_, t) => (t * 7 + prompt) % 61),
      prompt,
      sample: 0,
    }));
    for (let seed = 0; seed < 6; seed++) {
      await sampleRollouts({ session: watched as Session, config, stopTokens, edits: {}, feeds }, requests, {
        maxNewTokens: 14,
        batchSize: 3,
        stragglerShare: 0.7,
        seed,
      });
    }
    // Rows of different progress did meet: batches of continued rows reached the last position.
    assertEquals(unequal.some((reached) => reached), true);
    await session.release();
  }, { ...STOPPING, maxPositions: 24 }));

Deno.test("a rollout depends on seed, prompt, sample and position alone: not on batch, order or company", () =>
  withTinyModel(async (model) => {
    const requests = requestsOf(model, 10);
    const options = { maxNewTokens: 10, seed: 21 };
    const together = await model.generate(requests, options);
    const random = new RandomStream(0, "orders");
    for (let round = 0; round < 4; round++) {
      const some = random.shuffled(requests).slice(0, random.integer({ from: 1, below: 11 }));
      const batchSize = random.integer({ from: 1, below: 6 }), stragglerShare = random.uniform();
      const rollouts = await model.generate(some, { ...options, batchSize, stragglerShare });
      for (const [index, rollout] of rollouts.entries()) {
        const same = together[requests.indexOf(some[index] as RolloutRequest)] as Rollout;
        assertEquals({ ...rollout, logProbs: [] }, { ...same, logProbs: [] });
        assertClose(rollout.logProbs, same.logProbs, "logProbabilityFloat32");
      }
    }
  }, STOPPING));

Deno.test("seed, prompt and sample each change what is sampled; the same three give the same bits", () =>
  withTinyModel(async (model) => {
    const tokens = [4, 9, 2];
    const sample = async (seed: number, key: { readonly prompt: number; readonly sample: number }) =>
      (await model.generate([{ tokens, ...key }], { maxNewTokens: 12, seed }))[0] as Rollout;
    const base = await sample(1, { prompt: 0, sample: 0 });
    assertEquals(await sample(1, { prompt: 0, sample: 0 }), base);
    for (
      const other of [
        await sample(2, base),
        await sample(1, { prompt: 1, sample: 0 }),
        await sample(1, { prompt: 0, sample: 1 }),
      ]
    ) {
      assertNotEquals(other.tokens, base.tokens);
    }
  }));

Deno.test("greedy rollouts do not depend on the seed", () =>
  withTinyModel(async (model) => {
    const run = (seed: number) =>
      model.generate(requestsOf(model), { maxNewTokens: 8, temperature: 0, seed });
    assertEquals(await run(1), await run(2));
  }));

Deno.test("tokens are drawn in proportion to their probability", () =>
  withTinyModel(async (model) => {
    const count = 600;
    const requests = Array.from({ length: count }, (_, sample) => ({ tokens: [5, 1], prompt: 0, sample }));
    const rollouts = await model.generate(requests, { maxNewTokens: 1, seed: 12, batchSize: 200 });
    const seen = new Map<number, { drawn: number; share: number }>();
    for (const { tokens: [token], logProbs: [logProb] } of rollouts) {
      const known = seen.get(token as number) ?? { drawn: 0, share: Math.exp(logProb as number) };
      seen.set(token as number, { ...known, drawn: known.drawn + 1 });
    }
    for (const { drawn, share } of seen.values()) {
      const deviations = (drawn - count * share) / Math.sqrt(count * share * (1 - share));
      if (Math.abs(deviations) > 4.5) throw new Error(`drawn ${drawn} of ${count} at probability ${share}`);
    }
  }));

Deno.test("log-probabilities of rollouts are those of the sequence graph, steered and not", () =>
  withTinyModel(async (model) => {
    for (const steer of [new Map(), randomVectors(model.config, [0, 1])]) {
      const rollouts = await model.generate(requestsOf(model), { maxNewTokens: 10, seed: 8, steer });
      const rows = rollouts.map(({ promptTokens, tokens }) => ({
        tokens: [...promptTokens, ...tokens],
        from: promptTokens.length,
      }));
      const logProbs = await model.logProbs(rows, { steer, maxTokens: 50 });
      for (const [index, rollout] of rollouts.entries()) {
        assertClose(rollout.logProbs, logProbs[index] as number[], "logProbabilityFloat32");
      }
    }
  }, STOPPING));

Deno.test("generate() reports progress after every batch, up to the whole", () =>
  withTinyModel(async (model) => {
    const seen: number[] = [];
    const requests = requestsOf(model, 9);
    const onProgress = (done: number, total: number) => {
      assertEquals(total, 9);
      seen.push(done);
    };
    await model.generate(requests, { maxNewTokens: 10, seed: 4, batchSize: 4, onProgress });
    assertEquals(seen, [...seen].sort((a, b) => a - b));
    assertEquals([seen.at(-1), seen.length >= 3], [9, true]);
    assertEquals(await model.generate([], { maxNewTokens: 3 }), []);
  }, STOPPING));

Deno.test("generate() refuses what it cannot do, naming rule and value", () =>
  withTinyModel(async (model) => {
    const request = { tokens: [1, 2, 3], prompt: 0, sample: 0 };
    const wrong: readonly (readonly [Partial<SamplingOptions>, RolloutRequest, string])[] = [
      [
        { maxNewTokens: 22 },
        request,
        "must fit the model's 24 positions: longest prompt 3 + maxNewTokens 22",
      ],
      [{ maxNewTokens: 0 }, request, "maxNewTokens must be at least 1: current value is 0"],
      [{ maxNewTokens: 1.5 }, request, "maxNewTokens must be at least 1: current value is 1.5"],
      ...[-1, NaN, 9e-7, Infinity].map((temperature) =>
        [
          { temperature },
          request,
          `temperature must be 0.000001 or more, or 0 for greedy: current value is ${temperature}`,
        ] as const
      ),
      [{ batchSize: 0 }, request, "batchSize must be at least 1: current value is 0"],
      [{ stragglerShare: 1.5 }, request, "stragglerShare must lie in [0, 1]: current value is 1.5"],
      [
        { steer: new Map([[2, new Float32Array(32)]]) },
        request,
        "Cannot steer layer 2 as it must lie in [0, 2)",
      ],
      [
        { steer: new Map([[0, new Float32Array(31)]]) },
        request,
        "its vector must have 32 values: current count is 31",
      ],
      [{}, { ...request, tokens: [] }, "it needs rows of at least one token"],
      [
        {},
        { ...request, tokens: [4, 61] },
        "Cannot lay out row 0 as token ids must be whole numbers in [0, 61): current value is 61",
      ],
      [{}, { ...request, tokens: [-1] }, "current value is -1"],
    ];
    for (const [options, bad, message] of wrong) {
      await assertRejects(() => model.generate([bad], { maxNewTokens: 4, ...options }), RangeError, message);
    }
  }, { maxPositions: 24 }));

Deno.test("generate() refuses a model without stop tokens", () =>
  withTinyModel(async (model) => {
    await assertRejects(
      () => model.generate([{ tokens: [1], prompt: 0, sample: 0 }], { maxNewTokens: 2 }),
      RangeError,
      "it must have a stop token",
    );
  }, { eosTokenIds: [] }));
