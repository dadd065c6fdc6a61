import { assert, assertEquals, assertNotEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ARCHITECTURES, weightShapes } from "../../lib/checkpoint/mod.ts";
import { tinyConfig } from "../checkpoint/_tiny_config.ts";
import { elementCount, InputError, sha256, standardDeviation } from "../../lib/core/mod.ts";
import {
  type FreshConfig,
  initialWeights,
  loadTrainingState,
  pretrain,
  type PretrainConfig,
  type PretrainStep,
} from "../../lib/train/mod.ts";
import { withFolder } from "../checkpoint/_folder.ts";
import { TINY_PRETRAIN, tinyTokenizer } from "./_tiny_models.ts";

type PretrainOptions = Parameters<typeof pretrain>[1];
type PretrainRun = Awaited<ReturnType<typeof pretrain>>;

const tokenizer = await tinyTokenizer();

const withTraining = (training: Partial<FreshConfig["training"]>): FreshConfig => ({
  ...TINY_PRETRAIN,
  training: { ...TINY_PRETRAIN.training, ...training },
});

const run = (folder: string, config: PretrainConfig, options: Partial<PretrainOptions> = {}) =>
  pretrain(config, { tokenizer, folder, threads: 1, ...options });

/** Runs to the end in a folder of its own. */
async function runAlone(config: PretrainConfig): Promise<PretrainRun> {
  let result: PretrainRun | null = null;
  await withFolder(async (folder) => void (result = await run(folder, config)));
  if (result === null) throw new Error("the run gave nothing");
  return result;
}

/** Hash of every weight's bytes by name, and the log. */
const bytesOf = ({ weights, log }: PretrainRun) => ({
  weights: Object.fromEntries(
    [...weights].map(([name, values]) => [name, sha256(new Uint8Array(values.buffer))] as const),
  ),
  log,
});

const lines = (log: readonly string[]): PretrainStep[] => log.map((line) => JSON.parse(line));

Deno.test("initialWeights() of every architecture: gains are 1, those of heads too, biases 0, and all else is drawn", () => {
  const initial = { embedding: 0.25, unembedding: 0.25, projection: 0.7 };
  for (const architecture of ARCHITECTURES) {
    const config = tinyConfig({ architecture, attentionBias: true, mlpBias: true });
    const weights = initialWeights(config, { seed: 0, initial });
    assertEquals([...weights.keys()], [...weightShapes(config).keys()]);
    for (const [name, values] of weights) {
      const still = name.endsWith("norm.weight") ? 1 : name.endsWith(".bias") ? 0 : null;
      assertEquals([name, values.every((value) => value === still)], [name, still !== null]);
    }
  }
});

Deno.test("pretrain() stopped after any step and resumed ends with the bytes of an unbroken run", async () => {
  const unbroken = await runAlone(TINY_PRETRAIN);
  assert(unbroken.finished);
  assertEquals(lines(unbroken.log).map(({ step }) => step), [0, 1, 2, 3, 4, 5]);
  for (const stopAfter of [1, 4]) {
    await withFolder(async (folder) => {
      const stop = new AbortController();
      const first = await run(folder, TINY_PRETRAIN, {
        signal: stop.signal,
        onStep: ({ step }) => step + 1 === stopAfter && stop.abort(),
      });
      assertEquals([first.finished, first.log.length], [false, stopAfter]);
      const steps: number[] = [];
      const second = await run(folder, TINY_PRETRAIN, { onStep: ({ step }) => void steps.push(step) });
      assertEquals(steps[0], stopAfter);
      assert(second.finished);
      assertEquals(bytesOf(second), bytesOf(unbroken));
    });
  }
});

Deno.test("pretrain() killed between saves goes on from the last state, to the same bytes", () =>
  withFolder(async (folder) => {
    await assertRejects(
      () =>
        run(folder, TINY_PRETRAIN, {
          saveEvery: 2,
          onStep: ({ step }) => {
            if (step === 4) throw new Error("killed");
          },
        }),
      Error,
      "killed",
    );
    const steps: number[] = [];
    const resumed = await run(folder, TINY_PRETRAIN, { onStep: ({ step }) => void steps.push(step) });
    assertEquals(steps, [4, 5]);
    assertEquals(bytesOf(resumed), bytesOf(await runAlone(TINY_PRETRAIN)));
  }));

Deno.test("pretrain() called again after its last step only gives back what it has", () =>
  withFolder(async (folder) => {
    const config = withTraining({ steps: 2 });
    const first = await run(folder, config, { saveEvery: 1 });
    const again = await run(folder, config, { onStep: () => assert(false, "a step after the last") });
    assertEquals(bytesOf(again), bytesOf(first));
  }));

Deno.test("pretrain() refuses the state of another config and leaves it alone", () =>
  withFolder(async (folder) => {
    await run(folder, withTraining({ steps: 1 }), { saveEvery: 1 });
    const before = await Deno.readFile(`${folder}/state.safetensors`);
    const error = await assertRejects(
      () => run(folder, withTraining({ steps: 1, learningRate: 0.03 })),
      InputError,
      "the unfinished run in this folder has other settings",
    );
    assertStringIncludes(error.message, `${folder}/state.safetensors`);
    assertEquals(await Deno.readFile(`${folder}/state.safetensors`), before);
  }));

Deno.test("pretrain() stops at a loss that is not finite and never saves it", () =>
  withFolder(async (folder) => {
    // The first update, of size 1e30, is finite; squares of its weights are not.
    const config = withTraining({ learningRate: 1e30, warmupSteps: 0 });
    await assertRejects(
      () => run(folder, config, { saveEvery: 1 }),
      RangeError,
      "Cannot go on pretraining as loss and adjoints must be finite: step 1 gave",
    );
    assertEquals(lines((await Deno.readTextFile(`${folder}/log.jsonl`)).trim().split("\n")).length, 1);
    await assertRejects(() => run(folder, config, { saveEvery: 1 }), RangeError, "step 1 gave");
  }));

Deno.test("pretrain() learns: the loss falls far below that of a uniform guess", async () => {
  const config = withTraining({ steps: 30, warmupSteps: 3, learningRate: 0.05, weightDecay: 0 });
  const { log } = await runAlone(config);
  const nats = lines(log).map((line) => line.crossEntropyNats);
  const uniform = Math.log(TINY_PRETRAIN.model.vocab);
  // Logits of variance 0.25 cost 0.125 nats above it, and the batch is small.
  assert(Math.abs((nats[0] as number) - uniform) < 0.3, `starts at ${nats[0]}, a guess is worth ${uniform}`);
  const last = nats.slice(-5);
  assert(Math.max(...last) < uniform - 1, `ends at ${last}`);
});

Deno.test("pretrain() makes the same first step however documents are split into micro-batches", async () => {
  const first = async (microBatch: number) => {
    const { log } = await runAlone(withTraining({ steps: 1, documentsPerStep: 5, microBatch }));
    return lines(log)[0];
  };
  const whole = await first(5);
  // Six digits of the loss and four of the norm, which is what a log line keeps.
  for (const microBatch of [1, 2, 64]) assertEquals(await first(microBatch), whole);
});

Deno.test("pretrain() sees each document once, and others under another seed", async () => {
  const tokens = async (training: Partial<FreshConfig["training"]>) =>
    lines((await runAlone(withTraining(training))).log).map((line) => line.tokens);
  const byOne = await tokens({ steps: 6, documentsPerStep: 1 });
  const byThree = await tokens({ steps: 2, documentsPerStep: 3 });
  const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);
  assertEquals(byThree, [sum(byOne.slice(0, 3)), sum(byOne.slice(3))]);
  assertNotEquals(await tokens({ steps: 2, documentsPerStep: 3, seed: 4 }), byThree);
});

Deno.test("pretrain() follows its schedule from a first step of rate 0", async () => {
  const { log, weights } = await runAlone(withTraining({ steps: 1 }));
  assertEquals(lines(log)[0]?.learningRate, 0);
  assertEquals(weights, initialWeights(TINY_PRETRAIN.model, TINY_PRETRAIN.training));
  const rates = lines((await runAlone(TINY_PRETRAIN)).log).map((line) => line.learningRate);
  assertEquals(rates.slice(0, 3), [0, 0.01, 0.02]);
  // Half way between peak and end: 0.02 · (0.1 + 0.9/2).
  assertEquals(rates[4], 0.011);
});

Deno.test("initialWeights() draws each tensor at its own size", () => {
  const model = { ...TINY_PRETRAIN.model, embed: 32, neurons: 64, layers: 8, headDim: 8, heads: 4 };
  const initial = { embedding: 0.25, unembedding: 0.5, projection: 0.7 };
  const weights = initialWeights(model, { seed: 1, initial });
  const shapes = weightShapes(model);
  assertEquals([...weights.keys()], [...shapes.keys()]);
  const block = "model.layers.3.";
  const expected = {
    "model.embed_tokens.weight": 0.25,
    "lm_head.weight": 0.5,
    [`${block}self_attn.q_proj.weight`]: 0.7 / Math.sqrt(32),
    [`${block}mlp.up_proj.weight`]: 0.7 / Math.sqrt(32),
    // Into the residual: narrowed by √(2 · 8 layers) = 4.
    [`${block}self_attn.o_proj.weight`]: 0.7 / Math.sqrt(32) / 4,
    [`${block}mlp.down_proj.weight`]: 0.7 / Math.sqrt(64) / 4,
  };
  for (const [name, spread] of Object.entries(expected)) {
    const values = weights.get(name) as Float32Array;
    assertEquals(values.length, elementCount(shapes.get(name) as readonly number[]));
    const measured = standardDeviation(values);
    // Five standard errors of a standard deviation.
    const margin = 5 / Math.sqrt(2 * values.length);
    assert(Math.abs(measured / spread - 1) < margin, `${name}: ${measured} against ${spread}`);
  }
  assertEquals(weights.get(`${block}input_layernorm.weight`), new Float32Array(32).fill(1));
  assertEquals(weights.get(`${block}self_attn.q_proj.bias`), new Float32Array(32));
});

Deno.test("initialWeights() are a pure function of model and seed", () => {
  const { model, training } = TINY_PRETRAIN;
  assertEquals(initialWeights(model, training), initialWeights(model, training));
  const other = initialWeights(model, { ...training, seed: training.seed + 1 });
  assertNotEquals(other.get("lm_head.weight"), initialWeights(model, training).get("lm_head.weight"));
});

Deno.test("pretrain() leaves nothing but its state and its log in the folder", () =>
  withFolder(async (folder) => {
    await run(folder, withTraining({ steps: 1 }), { saveEvery: 1 });
    const names = (await Array.fromAsync(Deno.readDir(folder))).map((entry) => entry.name).sort();
    assertEquals(names, ["log.jsonl", "state.safetensors"]);
    const state = await loadTrainingState(folder, sha256("another run")).catch((error) => error);
    assert(state instanceof InputError);
  }));
