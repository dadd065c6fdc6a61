import { assert, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import { type ModelConfig } from "../../lib/checkpoint/mod.ts";
import { tinyConfig } from "../checkpoint/_tiny_config.ts";
import { RandomStream, type Tensor, tensor } from "../../lib/core/mod.ts";
import {
  adapterFeeds,
  type Adapters,
  checkAdapters,
  LanguageModel,
  type RunResult,
  sumVectors,
  type WeightedRow,
} from "../../lib/decode/mod.ts";
import { type SiteName, siteName } from "../../lib/model/mod.ts";
import { weightSet } from "../../lib/train/mod.ts";
import { withFolder } from "../checkpoint/_folder.ts";
import { assertClose } from "../tolerances.ts";
import { randomAdapters, weightedRows, writeMerged } from "./_adapters.ts";
import { assertLikeReference, requestsOf, STOPPING } from "./_reference.ts";
import { allLayers, randomVectors, withTinyModel } from "./_tiny_model.ts";

const ROWS = [[5, 17, 40, 2, 9], [33, 8, 8, 60, 1]];
const FAMILIES: readonly Partial<ModelConfig>[] = [
  { headDim: 16 },
  { architecture: "llama", headDim: 8, tiedEmbeddings: true },
];

const logitsOf = (result: RunResult): Float32Array => (result.logits as Tensor<"float32">).data;
const tapOf = (result: RunResult, site: SiteName): Tensor<"float32"> =>
  result.taps.get(site) as Tensor<"float32">;

/** Both families, so that neither's block can lose the adapter. */
async function inBothFamilies(
  body: (model: LanguageModel) => Promise<void>,
  more: Partial<ModelConfig> = {},
): Promise<void> {
  for (const family of FAMILIES) await withTinyModel(body, { ...family, ...more });
}

Deno.test("an adapter with a = 0 or b = 0 is the base model", () =>
  inBothFamilies(async (model) => {
    const base = logitsOf(await model.run(ROWS));
    const adapters = randomAdapters(model.config, allLayers(model.config));
    for (const side of ["input", "output"] as const) {
      const silent: Adapters = new Map(
        [...adapters].map(([layer, adapter]) => [layer, { ...adapter, [side]: adapter[side].map(() => 0) }]),
      );
      assertClose(logitsOf(await model.run(ROWS, { adapters: silent })), base, "rewrittenGraphFloat32");
    }
    assertNotEquals(logitsOf(await model.run(ROWS, { adapters })), base);
  }));

Deno.test("an adapter whose a·z is patched to a constant is that multiple of the vector b", () =>
  inBothFamilies(async (model) => {
    for (const layer of allLayers(model.config)) {
      const adapters = randomAdapters(model.config, [layer]);
      const site = siteName({ layer, kind: "adapter_scale" });
      for (const constant of [1, -0.5, 0]) {
        const value = tensor("float32", [2, 5], new Float32Array(10).fill(constant));
        const adapted = await model.run(ROWS, {
          adapters,
          patches: new Map([[site, { value }]]),
          taps: [site],
        });
        const vector = adapters.get(layer)?.output.map((b) => constant * b) as Float32Array;
        const steered = await model.run(ROWS, { steer: new Map([[layer, vector]]) });
        assertClose(logitsOf(adapted), logitsOf(steered), "rewrittenGraphFloat32");
        assertEquals(tapOf(adapted, site).data, value.data);
      }
    }
  }));

Deno.test("a patch of a·z at one position leaves other rows and earlier positions alone", () =>
  withTinyModel(async (model) => {
    const adapters = randomAdapters(model.config, [0]), site: SiteName = "blocks.0.adapter_scale";
    const value = tensor("float32", [2, 5], new Float32Array(10).fill(3));
    const mask = tensor("bool", [2, 5], Uint8Array.from({ length: 10 }, (_, at) => at === 7 ? 1 : 0));
    const clean = logitsOf(await model.run(ROWS, { adapters }));
    const patched = logitsOf(
      await model.run(ROWS, { adapters, patches: new Map([[site, { value, mask }]]) }),
    );
    const { vocab } = model.config;
    assertClose(patched.subarray(0, 7 * vocab), clean.subarray(0, 7 * vocab), "rewrittenGraphFloat32");
    const gap = (at: number) =>
      Math.max(
        ...Array.from({ length: vocab }, (_, i) =>
          Math.abs((patched[at * vocab + i] as number) - (clean[at * vocab + i] as number))),
      );
    assert(gap(7) > 1e-3, "the patch must act where it is");
  }));

Deno.test("mlp_out is down_out + (a·z) b, and a zero patch of either adapter site changes the logits", () =>
  inBothFamilies(async (model) => {
    const { embed } = model.config, layer = 1;
    const adapters = randomAdapters(model.config, [layer]);
    const [down, scale, mlp] = (["down_out", "adapter_scale", "mlp_out"] as const)
      .map((kind) => siteName({ layer, kind })) as [SiteName, SiteName, SiteName];
    const run = await model.run(ROWS, { adapters, taps: [down, scale, mlp] });
    const b = adapters.get(layer)?.output as Float32Array;
    const expected = tapOf(run, down).data.map((value, at) =>
      value + (tapOf(run, scale).data[Math.floor(at / embed)] as number) * (b[at % embed] as number)
    );
    assertClose(tapOf(run, mlp).data, expected, "operatorFloat32");
    for (const site of [down, scale]) {
      const { dims, data } = tapOf(run, site);
      const value = tensor("float32", dims, new Float32Array(data.length));
      const patched = logitsOf(await model.run(ROWS, { adapters, patches: new Map([[site, { value }]]) }));
      const gap = patched.reduce(
        (most, x, at) => Math.max(most, Math.abs(x - (logitsOf(run)[at] as number))),
        0,
      );
      assert(gap > 1e-3, `${site} does nothing`);
    }
  }));

Deno.test("an adapter is the model whose down_proj holds b·aᵀ too, in sequences and in rollouts", () =>
  inBothFamilies((model) =>
    withFolder(async (folder) => {
      const adapters = randomAdapters(model.config, allLayers(model.config));
      await writeMerged(folder, { model, adapters });
      const merged = await LanguageModel.open(folder, { threads: 1 });
      try {
        assertClose(
          logitsOf(await model.run(ROWS, { adapters })),
          logitsOf(await merged.run(ROWS)),
          "rewrittenGraphFloat32",
        );
        const requests = requestsOf(model), options = { maxNewTokens: 8, seed: 3 };
        const [ours, theirs] = [
          await model.generate(requests, { ...options, adapters }),
          await merged.generate(requests, options),
        ];
        assertEquals(ours.map(({ tokens }) => tokens), theirs.map(({ tokens }) => tokens));
        assertClose(
          ours.flatMap(({ logProbs }) => logProbs),
          theirs.flatMap(({ logProbs }) => logProbs),
          "logProbabilityFloat32",
        );
      } finally {
        await merged.release();
      }
    }), STOPPING));

Deno.test("rollouts with adapters are those of the slow reference, alone and beside vectors", () =>
  inBothFamilies(async (model) => {
    const { config } = model;
    const plain = await model.generate(requestsOf(model), { maxNewTokens: 10, seed: 2 });
    for (const layers of [[0], allLayers(config)]) {
      for (const steered of [[], [1]]) {
        const adapters = randomAdapters(config, layers), steer = randomVectors(config, steered);
        for (const options of [{ temperature: 1 }, { temperature: 0 }, { batchSize: 3, temperature: 0.7 }]) {
          const rollouts = await assertLikeReference(model, {
            maxNewTokens: 10,
            seed: 2,
            adapters,
            steer,
            tolerance: "adaptedLogProbabilityFloat32",
            ...options,
          });
          assertNotEquals(rollouts.map(({ tokens }) => tokens), plain.map(({ tokens }) => tokens));
        }
      }
    }
  }, STOPPING));

Deno.test("logProbs() and the rollouts of an adapted model agree, and its graph has a name of its own", () =>
  withTinyModel(async (model) => {
    const adapters = randomAdapters(model.config, [1]);
    const rollouts = await model.generate(requestsOf(model), { maxNewTokens: 6, seed: 1, adapters });
    const rows = rollouts.map(({ promptTokens, tokens }) => ({
      tokens: [...promptTokens, ...tokens],
      from: promptTokens.length,
    }));
    const scored = await model.logProbs(rows, { adapters });
    assertClose(scored.flat(), rollouts.flatMap(({ logProbs }) => logProbs), "logProbabilityFloat32");
    assertNotEquals(model.graphHash({ adapters }), model.graphHash());
    assertEquals(model.graphHash({ adapters: new Map() }), model.graphHash());
  }, STOPPING));

Deno.test("the sum of two sets of vectors acts as both edits: one as vectors, one through adapters of constant 1", () =>
  inBothFamilies(async (model) => {
    const first = randomVectors(model.config, [0, 1]), b = randomAdapters(model.config, [1]);
    const second = new Map([[1, b.get(1)?.output as Float32Array]]);
    const ones = tensor("float32", [2, 5], new Float32Array(10).fill(1));
    const patches = new Map([["blocks.1.adapter_scale" as SiteName, { value: ones }]]);
    const both = await model.run(ROWS, { steer: first, adapters: b, patches });
    const sum = await model.run(ROWS, { steer: sumVectors([first, second]) });
    assertClose(logitsOf(sum), logitsOf(both), "rewrittenGraphFloat32");
  }));

const flat = (adapters: Adapters) =>
  [...adapters].sort(([a], [b]) => a - b).flatMap(([, { input, output }]) => [...input, ...output]);

Deno.test("adjoints of adapters do not depend on micro-batches, padding or order", () =>
  withTinyModel(async (model) => {
    const adapters = randomAdapters(model.config, allLayers(model.config));
    for (let turn = 0; turn < 3; turn++) {
      const random = new RandomStream(turn, "adapter split");
      const rows = weightedRows(random, { count: 6, vocab: model.config.vocab });
      const whole = await model.steeringAdjoint(rows, { adapters });
      assertEquals(whole.adjoints.size, 0);
      const order = random.shuffled(rows.map((_, index) => index));
      const moved = await model.steeringAdjoint(order.map((index) => rows[index] as WeightedRow), {
        adapters,
        maxTokens: random.integer({ from: 1, below: 30 }),
      });
      assertClose(flat(moved.adapterAdjoints), flat(whole.adapterAdjoints), "steeringAdjointSplit");
      order.forEach((from, to) =>
        assertClose(moved.logProbs[to] ?? [], whole.logProbs[from] ?? [], "logProbabilityFloat32")
      );
    }
  }));

Deno.test("adjoints of vectors and of adapters come together, each as it does alone at the same point", () =>
  withTinyModel(async (model) => {
    const { config } = model;
    const rows = weightedRows(new RandomStream(4, "both"), { count: 4, vocab: config.vocab });
    const steer = randomVectors(config, [0]), adapters = randomAdapters(config, [1]);
    const both = await model.steeringAdjoint(rows, { steer, adapters });
    // A vector of zero beside them changes nothing, and its adjoint is one more reading of the same point.
    const more = await model.steeringAdjoint(rows, {
      steer: new Map([...steer, [1, new Float32Array(config.embed)]]),
      adapters,
    });
    assertClose(more.adjoints.get(0) ?? [], both.adjoints.get(0) ?? [], "steeringAdjointSplit");
    assertClose(flat(more.adapterAdjoints), flat(both.adapterAdjoints), "steeringAdjointSplit");
  }));

Deno.test("adjoints of a and b are W̄ᵀ b and W̄ a, W̄ the adjoint of down_proj with b·aᵀ taken in", () =>
  inBothFamilies((model) =>
    withFolder(async (folder) => {
      const { config } = model;
      const adapters = randomAdapters(config, allLayers(config));
      const rows = weightedRows(new RandomStream(6, "merged"), { count: 5, vocab: config.vocab });
      const { adapterAdjoints } = await model.steeringAdjoint(rows, { adapters });
      await writeMerged(folder, { model, adapters });
      const merged = await LanguageModel.open(folder, { threads: 1 });
      const set = await weightSet(merged, { kept: null, folder, learningRate: 1 });
      try {
        const { adjoints } = await set.adjoints(rows);
        for (const [layer, { input, output }] of adapters) {
          const name = `model.layers.${layer}.mlp.down_proj.weight`;
          const down = adjoints.get(name) as Float32Array; // [embed, neurons]
          const at = (row: number, column: number) => down[row * config.neurons + column] as number;
          const a = Array.from(input, (_, column) =>
            output.reduce((sum, b, row) => sum + b * at(row, column), 0));
          const b = Array.from(output, (_, row) =>
            input.reduce((sum, value, column) =>
              sum + value * at(row, column), 0));
          assertClose(adapterAdjoints.get(layer)?.input ?? [], a, "adapterAdjointFloat32");
          assertClose(adapterAdjoints.get(layer)?.output ?? [], b, "adapterAdjointFloat32");
        }
      } finally {
        await set.release();
        await merged.release();
      }
    })
  ));

Deno.test("adapters that do not fit are refused by layer and side", () =>
  withTinyModel(async (model) => {
    const { config } = model, [good] = randomAdapters(config, [0]).values();
    if (good === undefined) throw new Error("an adapter");
    const wrong: readonly (readonly [Adapters, string])[] = [
      [new Map([[2, good]]), "Cannot adapt layer 2 as it must lie in [0, 2)"],
      [new Map([[0.5, good]]), "Cannot adapt layer 0.5 as it must lie in [0, 2)"],
      [
        new Map([[0, { ...good, input: new Float32Array(3) }]]),
        `Cannot adapt layer 0 as its input must have ${config.neurons} values: current count is 3`,
      ],
      [
        new Map([[1, { ...good, output: new Float32Array(3) }]]),
        `Cannot adapt layer 1 as its output must have ${config.embed} values: current count is 3`,
      ],
    ];
    for (const [adapters, message] of wrong) {
      assertThrows(() => checkAdapters(adapters, config), RangeError, message);
      await assertRejects(() => model.run(ROWS, { adapters, logits: false }), RangeError, message);
      await assertRejects(
        () => model.generate(requestsOf(model), { maxNewTokens: 2, adapters }),
        RangeError,
        message,
      );
    }
    assertThrows(
      () => adapterFeeds(new Map([[0, good]]), { layers: [1], config }),
      RangeError,
      "Cannot adapt layer 0 as the graph adapts layers 1 alone",
    );
    assertEquals(adapterFeeds(new Map(), { layers: [], config: tinyConfig() }), {});
  }));
