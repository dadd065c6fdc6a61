import { assert, assertEquals, assertMatch, assertNotEquals, assertRejects } from "@std/assert";
import { weightShapes, writeCheckpoint } from "../../lib/checkpoint/mod.ts";
import { InputError, mean, RandomStream, sha256, type Tensor, tensor } from "../../lib/core/mod.ts";
import { LanguageModel, padRight, type WeightedRow } from "../../lib/decode/mod.ts";
import {
  adjointName,
  languageModelGraph,
  type ParameterSet,
  parameterSet,
  type SteeringConfig,
  type SteeringRun,
  type SteeringStep,
  trainSteering,
} from "../../lib/train/mod.ts";
import { weightedRows } from "../decode/_adapters.ts";
import { referenceRollout } from "../decode/_reference.ts";
import { numbersOf, runGraph } from "../onnx/_run_graph.ts";
import { assertClose } from "../tolerances.ts";
import { type ChainOptions, withChainModel } from "./_tiny_models.ts";

/** Most of its answers have a box, each with any digit; every block is at work. */
const LIVELY: ChainOptions = { boxShare: 0.9, digitWeights: new Array(10).fill(0.1), noise: 0.1 };

const COMMON = {
  seed: 5,
  steps: 3,
  prompts: 6,
  samples: 8,
  maxNewTokens: 8,
  warmupShare: 0,
  maxNorm: 2,
  families: ["remainder", "linear"],
} as const;

/** A run of each kind. */
const CONFIGS: Readonly<Record<"vectors" | "adapter" | "rank1" | "full", SteeringConfig>> = {
  vectors: { ...COMMON, layers: [0, 1], learningRates: [0.02, 0.05] },
  adapter: { ...COMMON, parameters: "adapter", layers: [0, 1], learningRates: [0.02, 0.05] },
  rank1: { ...COMMON, parameters: "rank1", layers: [0, 1], learningRates: [0.05] },
  full: { ...COMMON, parameters: "full", layers: [], learningRates: [0.003] },
};
const KINDS = Object.entries(CONFIGS);

const REQUESTS = [[5, 6], [9, 1, 1], [7]].map((tokens, prompt) => ({ tokens, prompt, sample: 0 }));
const hashOf = (values: Float32Array) => sha256(new Uint8Array(values.slice().buffer));

/** All that a run gave, down to the bits. */
function bytesOf({ vectors, adapters, shared, weights, log, runHash }: SteeringRun) {
  return {
    vectors: [...vectors].map(([layer, vector]) => [layer, hashOf(vector)]),
    adapters: [...adapters].map(([layer, { input, output }]) => [layer, hashOf(input), hashOf(output)]),
    shared: shared === null ? null : [[...shared.scales], hashOf(shared.direction)],
    weights: [...weights].map(([name, values]) => [name, hashOf(values)]),
    log,
    runHash,
  };
}

/** A set of parameters, freed afterwards. */
async function withSet(
  model: LanguageModel,
  config: SteeringConfig,
  use: { readonly folder: string; readonly body: (set: ParameterSet) => Promise<void> },
): Promise<void> {
  const set = await parameterSet(model, config, { kept: null, folder: use.folder });
  await use.body(set).finally(() => set.release());
}

/** Moves every parameter by a little, so that nothing is zero any more. */
function stir(set: ParameterSet, size: number): void {
  const random = new RandomStream(2, "stir");
  for (const values of set.parameters.values()) {
    for (let i = 0; i < values.length; i++) values[i] = (values[i] as number) + size * random.normal();
  }
}

for (const [kind, config] of KINDS) {
  Deno.test(`training of ${kind} that is stopped or killed and resumed ends with the bytes of an unbroken run`, () =>
    withChainModel(LIVELY, async (model, folder) => {
      const newFolder = async (name: string) => {
        await Deno.mkdir(`${folder}/${name}`);
        return `${folder}/${name}`;
      };
      const unbroken = await trainSteering(model, config, { folder: await newFolder("unbroken") });
      assert(unbroken.finished);
      const last: SteeringStep = JSON.parse(unbroken.log.at(-1) ?? "");
      assert(
        last.vectorNorm > 0.01 && last.worstLogRatio < 1e-4,
        "nothing moved, or sampler and scorer differ",
      );
      const stop = new AbortController(), stopped = await newFolder("stopped");
      const first = await trainSteering(model, config, {
        folder: stopped,
        signal: stop.signal,
        onStep: () => stop.abort(),
      });
      assertEquals([first.finished, first.log.length], [false, 1]);
      assertEquals(bytesOf(await trainSteering(model, config, { folder: stopped })), bytesOf(unbroken));
      const killed = await newFolder("killed");
      await assertRejects(() =>
        trainSteering(model, config, {
          folder: killed,
          saveEvery: 1,
          onStep: ({ step }) => {
            if (step === 1) throw new Error("killed");
          },
        })
      );
      assertEquals(bytesOf(await trainSteering(model, config, { folder: killed })), bytesOf(unbroken));
      const other = await trainSteering(model, { ...config, seed: 6 }, { folder: await newFolder("other") });
      assertNotEquals(bytesOf(other), { ...bytesOf(unbroken), runHash: other.runHash });
    }));

  Deno.test(`parameters of ${kind} start as the model itself, and sampling with them leaves no trace`, () =>
    withChainModel(LIVELY, (model, folder) =>
      withSet(model, config, {
        folder,
        async body(set) {
          assertEquals(set.norm(), 0);
          const options = { maxNewTokens: 8, seed: 4 };
          const base = await model.generate(REQUESTS, options);
          const ours = await set.sample(REQUESTS, options);
          assertEquals(ours.map(({ tokens }) => tokens), base.map(({ tokens }) => tokens));
          stir(set, 0.5);
          assert(set.norm() > 0.5);
          assertNotEquals(
            (await set.sample(REQUESTS, options)).map(({ tokens }) => tokens),
            base.map(({ tokens }) => tokens),
          );
          assertEquals((await Array.fromAsync(Deno.readDir(folder))).length, 0);
        },
      })));

  Deno.test(`adjoints of ${kind} are the slope of the loss, whatever the order, padding and split of rows`, () =>
    withChainModel(LIVELY, (model, folder) =>
      withSet(model, config, {
        folder,
        async body(set) {
          stir(set, 0.1);
          const random = new RandomStream(3, "rows");
          const rows = weightedRows(random, { count: 5, vocab: model.config.vocab });
          const { adjoints, logProbs } = await set.adjoints(rows);
          assertEquals([...adjoints.keys()], [...set.parameters.keys()]);
          const flat = (values: ReadonlyMap<string, Float32Array>) =>
            [...values.values()].flatMap((part) => [...part]);
          const exact = flat(adjoints);
          const order = random.shuffled(rows.map((_, index) => index));
          const moved = await set.adjoints(order.map((index) => rows[index] as WeightedRow));
          assertClose(flat(moved.adjoints), exact, "steeringAdjointSplit");
          order.forEach((from, to) =>
            assertClose(moved.logProbs[to] ?? [], logProbs[from] ?? [], "logProbabilityFloat32")
          );
          const sum = new Float64Array(exact.length);
          for (const row of rows) {
            flat((await set.adjoints([row])).adjoints).forEach((value, i) =>
              void (sum[i] = (sum[i] as number) + value)
            );
          }
          assertClose(exact, sum, "steeringAdjointSplit");
          const silent = await set.adjoints(rows.map((row) => ({ ...row, weight: 0 })));
          assert(flat(silent.adjoints).every((value) => value === 0));
          assertEquals((await set.adjoints([])).logProbs, []);

          // Along the adjoint itself, where the slope is steepest: its squared norm.
          const norm = Math.hypot(...exact), step = 2 ** -8 / norm;
          const start = new Map([...set.parameters].map(([name, values]) => [name, values.slice()]));
          const lossAt = async (factor: number) => {
            for (const [name, values] of set.parameters) {
              const part = adjoints.get(name) as Float32Array, from = start.get(name) as Float32Array;
              values.forEach((_, i) => void (values[i] = (from[i] as number) + factor * (part[i] as number)));
            }
            const scored = (await set.adjoints(rows)).logProbs;
            return rows.reduce(
              (total, { weight }, r) => total - weight * (scored[r] ?? []).reduce((a, b) => a + b, 0),
              0,
            );
          };
          const slope = (await lossAt(step) - await lossAt(-step)) / (2 * step);
          assertClose([norm ** 2], [slope], "steeringSlopeFloat32");
        },
      })));
}

Deno.test("prompts are shared where the config says so, whatever else is trained, and a step is the same to rounding", () =>
  withChainModel(LIVELY, async (model, folder) => {
    const steeringAdjoint = model.steeringAdjoint.bind(model), asked: unknown[] = [];
    model.steeringAdjoint = (rows, options) => {
      asked.push(options.sharedContexts);
      return steeringAdjoint(rows, options);
    };
    const flat = ({ vectors, adapters, shared }: SteeringRun) => [
      ...[...vectors.values()].flatMap((vector) => [...vector]),
      ...[...adapters.values()].flatMap(({ input, output }) => [...input, ...output]),
      ...(shared?.scales.values() ?? []),
    ];
    for (const config of [CONFIGS.vectors, CONFIGS.adapter, CONFIGS.rank1]) {
      const run = (more: Partial<SteeringConfig>, name: string) =>
        trainSteering(model, { ...config, steps: 1, ...more }, {
          folder: `${folder}/${config.parameters}-${name}`,
        });
      const apart = await run({}, "apart"), together = await run({ sharedPrompts: true }, "together");
      assertClose(flat(together), flat(apart), "steeringAdjointSplit");
      assertNotEquals(together.runHash, apart.runHash);
    }
    assertEquals(asked, [false, true, false, true, false, true]);
  }));

Deno.test("a first step moves each parameter by its own rate against its adjoint", () =>
  withChainModel(LIVELY, async (model, folder) => {
    const config: SteeringConfig = { ...CONFIGS.adapter, steps: 1 };
    const start = await parameterSet(model, config, { kept: null, folder });
    const before = new Map([...start.parameters].map(([name, values]) => [name, values.slice()]));
    await start.release();
    const { adapters } = await trainSteering(model, config, { folder });
    for (const [row, layer] of config.layers.entries()) {
      const { input, output } = adapters.get(layer) ??
        { input: new Float32Array(), output: new Float32Array() };
      // b starts at zero, so a has no adjoint yet and stays; b moves by the rate of its layer.
      assertEquals(input, before.get(`adapter_in.${layer}`));
      const rate = config.learningRates[row] as number;
      const moved = output.filter((value) => Math.abs(Math.abs(value) - rate) < 1e-3 * rate).length;
      assert(moved > output.length / 2, `layer ${layer}: ${moved} of ${output.length} moved by ${rate}`);
      assert(output.every((value) => Math.abs(value) < 1.001 * rate));
    }
  }));

Deno.test("a and A start uniform within their bounds, of the seed and the layer alone", () =>
  withChainModel(LIVELY, async (model, folder) => {
    const start = async (config: SteeringConfig) => {
      const set = await parameterSet(model, config, { kept: null, folder });
      await set.release();
      return set;
    };
    const adapter = await start(CONFIGS.adapter);
    const input = adapter.parameters.get("adapter_in.1") as Float32Array;
    const bound = 1 / Math.sqrt(model.config.neurons);
    assert(input.every((value) => Math.abs(value) < bound) && Math.max(...input) > bound / 2);
    assertNotEquals(input, adapter.parameters.get("adapter_in.0"));
    assertEquals(
      (await start({ ...CONFIGS.adapter, layers: [1], learningRates: [1] })).parameters.get("adapter_in.1"),
      input,
    );
    assertNotEquals(
      (await start({ ...CONFIGS.adapter, seed: 6 })).parameters.get("adapter_in.1"),
      input,
    );
    const scales = (await start(CONFIGS.rank1)).parameters.get("rank1.scales") as Float32Array;
    assert(scales.length === 2 && scales.every((value) => value !== 0 && Math.abs(value) < 1));
    const one = (await start({ ...CONFIGS.rank1, layers: [1] })).parameters.get("rank1.scales");
    assertEquals(one?.[0], scales[1]);
  }));

Deno.test("vectors of a shared direction are its multiples, in the result and in rollouts", () =>
  withChainModel(LIVELY, (model, folder) =>
    withSet(model, CONFIGS.rank1, {
      folder,
      async body(set) {
        stir(set, 0.5);
        const scales = set.parameters.get("rank1.scales") as Float32Array;
        const direction = set.parameters.get("rank1.direction") as Float32Array;
        const { vectors, shared } = set.result;
        assertEquals([...vectors.keys()], [0, 1]);
        for (const layer of [0, 1]) {
          assertClose(
            vectors.get(layer) ?? [],
            direction.map((value) => (scales[layer] as number) * value),
            "exact",
          );
          assertEquals(shared?.scales.get(layer), scales[layer]);
        }
        const options = { maxNewTokens: 8, seed: 1 };
        assertEquals(
          await set.sample(REQUESTS, options),
          await model.generate(REQUESTS, { ...options, steer: vectors }),
        );
        const squared = [...vectors.values()].flatMap((vector) => [...vector]).reduce(
          (sum, x) => sum + x * x,
          0,
        );
        assertClose([set.norm()], [Math.sqrt(squared)], "operatorFloat32");
      },
    })));

Deno.test("all weights: rollouts are those of the current weights, adjoints those of the pretraining graph", () =>
  withChainModel(LIVELY, (model, folder) =>
    withSet(model, CONFIGS.full, {
      folder,
      async body(set) {
        stir(set, 0.05);
        const weights = set.parameters, { config } = model;
        const shapes = weightShapes(config);
        assertEquals([...weights.keys()], [...shapes.keys()]);
        const sampling = { maxNewTokens: 8, seed: 2 };
        const rollouts = await set.sample(REQUESTS, sampling);
        await writeCheckpoint(`${folder}/now`, { config, dtype: "float32", weights });
        const now = await LanguageModel.open(`${folder}/now`, { threads: 1 });
        for (const [index, rollout] of rollouts.entries()) {
          const expected = await referenceRollout(now, REQUESTS[index] as typeof REQUESTS[number], sampling);
          assertEquals(rollout.tokens, expected.tokens);
          assertClose(rollout.logProbs, expected.logProbs, "logProbabilityFloat32");
        }
        const rows = weightedRows(new RandomStream(8, "full"), { count: 4, vocab: config.vocab });
        const { adjoints, logProbs } = await set.adjoints(rows);
        const scored = await now.logProbs(rows);
        rows.forEach((_, r) => assertClose(logProbs[r] ?? [], scored[r] ?? [], "logProbabilityFloat32"));
        await now.release();

        // The same loss laid out by hand for the graph that pretraining uses.
        const { tokens, seq } = padRight(rows.map((row) => row.tokens.slice(0, -1)), config);
        const targets = new BigInt64Array(rows.length * seq),
          targetWeights = new Float32Array(rows.length * seq);
        rows.forEach((row, r) => {
          for (let t = row.from; t < row.tokens.length; t++) {
            targets[r * seq + t - 1] = BigInt(row.tokens[t] as number);
            targetWeights[r * seq + t - 1] = row.weight;
          }
        });
        const feeds: Record<string, Tensor> = {
          tokens,
          targets: tensor("int64", [rows.length, seq], targets),
          target_weights: tensor("float32", [rows.length, seq], targetWeights),
        };
        for (const [name, dims] of shapes) {
          feeds[name] = tensor("float32", dims, weights.get(name) as Float32Array);
        }
        const out = await runGraph(languageModelGraph(config, { shapes, zLoss: 0 }), { feeds });
        for (const name of shapes.keys()) {
          assertClose(adjoints.get(name) ?? [], numbersOf(out[adjointName(name)]), "weightAdjointFloat32");
        }
      },
    })));

Deno.test("training raises the rewards of a model that can only guess, whatever it may change", () =>
  withChainModel(
    { boxShare: 0.3, digitWeights: [0.2, 0.2, 0.1, 0.1, 0.1, 0.1, 0.1, 0.05, 0.03, 0.02], noise: 0.1 },
    async (model, folder) => {
      const long = { prompts: 12, samples: 8, steps: 12, families: ["remainder"] } as const;
      const runs: readonly SteeringConfig[] = [
        { ...CONFIGS.adapter, ...long, layers: [1], learningRates: [0.1] },
        { ...CONFIGS.rank1, ...long },
        { ...CONFIGS.full, ...long, learningRates: [0.001] },
      ];
      for (const config of runs) {
        const at = `${folder}/${config.parameters}`;
        await Deno.mkdir(at);
        const { log } = await trainSteering(model, config, { folder: at });
        const steps = log.map((line): SteeringStep => JSON.parse(line));
        const unboxed = steps.map((step) => step.unboxedShare), rewards = steps.map((step) => step.reward);
        // An answer without a box is never right: to box always is the first thing to learn.
        assert(
          (unboxed[0] as number) > 0.4 && mean(unboxed.slice(-4)) < 0.2,
          `${config.parameters}: ${unboxed}`,
        );
        assert(mean(rewards.slice(-8)) > (rewards[0] as number) + 0.05, `${config.parameters}: ${rewards}`);
      }
    },
  ));

Deno.test("tuning every weight is refused where a row takes more memory than the model may, and goes on with less", () =>
  withChainModel(LIVELY, async (model, folder) => {
    const rows = weightedRows(new RandomStream(3, "full memory"), { count: 6, vocab: model.config.vocab });
    const adjointsUnder = async (memory: number) => {
      const bound = await LanguageModel.open(model.checkpoint.weightsFolder, { threads: 1, memory });
      const set = await parameterSet(bound, CONFIGS.full, { kept: null, folder });
      try {
        return (await set.adjoints(rows)).logProbs;
      } finally {
        await set.release();
        await bound.release();
      }
    };
    const error = await assertRejects(() => adjointsUnder(1e5), InputError);
    assertMatch(error.message, /^tuning every weight on a row of \d+ tokens needs about .* are set aside/);
    assertEquals((await adjointsUnder(1e9)).length, 6);
  }));
