import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { type ModelConfig, randomWeights, writeCheckpoint } from "../../lib/checkpoint/mod.ts";
import { tinyConfig } from "../checkpoint/_tiny_config.ts";
import { RandomStream } from "../../lib/core/mod.ts";
import { LanguageModel } from "../../lib/decode/mod.ts";
import { residualNorms, steerTowards, type SteerTowardsOptions } from "../../lib/train/mod.ts";
import { withFolder } from "../checkpoint/_folder.ts";
import { assertClose, type Tolerance } from "../tolerances.ts";

/** A model whose blocks add nothing, so that its residual at every layer is the embedding and its logits arithmetic. */
interface PlainModel {
  readonly model: LanguageModel;
  readonly config: ModelConfig;
  /** Embedding of a token, [embed]. */
  readonly embedding: (token: number) => readonly number[];
  /** log p of every next token after `token` with `vector` added, in float64. */
  readonly logProbs: (token: number, vector: ArrayLike<number>) => readonly number[];
}

const VOCAB = 12;

const KL_FLOAT32: Tolerance = {
  dtype: "float32",
  device: "cpu",
  kind: "relative",
  measured: 6.1e-7,
  bound: 1e-5,
  reason:
    "logits near 10 in float32, then float64: their errors of 2^-24 each enter a divergence of the order of 1",
};

async function withPlainModel(body: (plain: PlainModel) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    const config = tinyConfig({ vocab: VOCAB, layers: 2 }), { embed } = config;
    const weights = new Map(randomWeights(config, { seed: 0 }));
    for (const [name, values] of weights) if (/(o_proj|down_proj)\.weight$/.test(name)) values.fill(0);
    const random = new RandomStream(3, "plain");
    const table = () => Float32Array.from({ length: VOCAB * embed }, () => random.normal());
    const embeddings = table(), unembedding = table(); // [vocab, embed]
    weights.set("model.embed_tokens.weight", embeddings);
    weights.set("lm_head.weight", unembedding);
    weights.get("model.norm.weight")?.fill(1);
    await writeCheckpoint(folder, { config, dtype: "float32", weights });
    const embedding = (token: number) => [...embeddings.subarray(token * embed, (token + 1) * embed)];
    const logProbs = (token: number, vector: ArrayLike<number>) => {
      const x = embedding(token).map((value, i) => value + (vector[i] as number));
      const scale = Math.sqrt(x.reduce((sum, value) => sum + value * value, 0) / embed + config.rmsNormEps);
      const logits = Array.from(
        { length: VOCAB },
        (_, next) =>
          x.reduce((sum, value, i) => sum + value / scale * (unembedding[next * embed + i] as number), 0),
      );
      const total = Math.log(logits.reduce((sum, value) => sum + Math.exp(value), 0));
      return logits.map((value) => value - total);
    };
    const model = await LanguageModel.open(folder, { threads: 1 });
    await body({ model, config, embedding, logProbs }).finally(() => model.release());
  });
}

const length = (values: ArrayLike<number>) =>
  Math.sqrt(Array.from(values).reduce((sum, value) => sum + value * value, 0));
const average = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

const OPTIONS: SteerTowardsOptions = {
  layer: 1,
  token: 5,
  prompts: [[1, 2, 3], [4, 0], [7]],
  heldOut: [[2, 8], [3, 9, 10]],
  texts: [{ tokens: [1, 2, 6, 7, 8], from: 2 }, { tokens: [4, 9, 11], from: 1 }],
  steps: 6,
  learningRate: 0.05,
};

Deno.test("residualNorms() tells the first answer position from the rest of the prompt", () =>
  withPlainModel(async ({ model, embedding }) => {
    const size = (token: number) => length(embedding(token));
    const rows = await residualNorms(model, [[1, 2, 3], [4, 0], [7]]);
    assertEquals(rows.map(({ layer }) => layer), [0, 1]);
    const before = [1, 2, 4].map(size).sort((a, b) => a - b), last = [3, 0, 7].map(size);
    for (const { promptMedian, answerMean, largest } of rows) {
      assertClose(
        [promptMedian, answerMean, largest],
        [before[1] as number, average(last), Math.max(...before, ...last)],
        "operatorFloat32",
      );
    }
  }));

Deno.test("residualNorms() gives the same for prompts in one batch and in several", () =>
  withPlainModel(async ({ model, embedding }) => {
    const tokens = Array.from({ length: 70 }, (_, i) => i % VOCAB);
    const rows = await residualNorms(model, tokens.map((token) => [0, token]));
    assertClose(
      [rows[1]?.promptMedian, rows[1]?.answerMean] as number[],
      [length(embedding(0)), average(tokens.map((token) => length(embedding(token))))],
      "operatorFloat32",
    );
    await assertRejects(() => residualNorms(model, []), RangeError, "prompts must not be empty");
  }));

Deno.test("steerTowards() reports what arithmetic gives for its vector", () =>
  withPlainModel(async ({ model, config, embedding, logProbs }) => {
    const { vector, before, after, norm, normShare, restKl, steps } = await steerTowards(model, OPTIONS);
    const still = new Float32Array(config.embed),
      lastOf = OPTIONS.heldOut.map((prompt) => prompt.at(-1) as number);
    const chance = (by: ArrayLike<number>) =>
      average(lastOf.map((token) => Math.exp(logProbs(token, by)[OPTIONS.token] as number)));
    // Answers 6 7 8 and 9 11: after their first tokens they go on from 6, 7 and 9.
    const kl = average([6, 7, 9].map((token) => {
      const p = logProbs(token, still), q = logProbs(token, vector);
      return p.reduce((sum, value, i) => sum + Math.exp(value) * (value - (q[i] as number)), 0);
    }));
    const residual = average([3, 0, 7].map((token) => length(embedding(token))));
    assertEquals(steps, OPTIONS.steps);
    assertClose([before], [chance(still)], "forwardFloat32");
    assertClose([after], [chance(vector)], "forwardFloat32");
    assertClose([restKl], [kl], KL_FLOAT32);
    assertClose([norm, normShare], [length(vector), length(vector) / residual], "operatorFloat32");
    assert(after > 2 * before, `${before} became ${after} only`);
  }));

Deno.test("steerTowards() takes a first step against the slope, of the size asked for", () =>
  withPlainModel(async ({ model, config, logProbs }) => {
    const { vector, normShare } = await steerTowards(model, { ...OPTIONS, steps: 1, learningRate: 0.03 });
    assertAlmostEquals(normShare, 0.03, 1e-6);
    const loss = (by: ArrayLike<number>) =>
      -average([3, 0, 7].map((token) => logProbs(token, by)[OPTIONS.token] as number));
    for (let i = 0; i < config.embed; i++) {
      const moved = (by: number) => Array.from({ length: config.embed }, (_, j) => j === i ? by : 0);
      const slope = (loss(moved(1e-4)) - loss(moved(-1e-4))) / 2e-4;
      assertEquals(Math.sign(vector[i] as number), -Math.sign(slope), `coordinate ${i}, slope ${slope}`);
    }
  }));

Deno.test("steerTowards() ends once the token is likely enough on its own prompts", () =>
  withPlainModel(async ({ model }) => {
    const run = async (stopAt: number) => {
      const seen: number[] = [];
      const { steps } = await steerTowards(model, {
        ...OPTIONS,
        steps: 60,
        stopAt,
        onStep: (step, probability) => void (assertEquals(step, seen.length), seen.push(probability)),
      });
      return { steps, seen };
    };
    const { steps, seen } = await run(0.9);
    assertEquals(steps, seen.length - 1);
    assertEquals(seen.map((probability) => probability >= 0.9), [...new Array(steps).fill(false), true]);
    assertEquals((await run(seen[2] as number)).steps, 2);
    const short = await steerTowards(model, { ...OPTIONS, steps: 0 });
    assertEquals([short.steps, short.norm, short.restKl, short.after], [0, 0, 0, short.before]);
  }));

Deno.test("steerTowards() refuses what it cannot do before it runs anything", () =>
  withPlainModel(async ({ model }) => {
    const refuses = (change: Partial<SteerTowardsOptions>, message: string) =>
      assertRejects(() => steerTowards(model, { ...OPTIONS, ...change }), RangeError, message);
    const onStep = () => {
      throw new Error("a step was made");
    };
    await refuses({ onStep, layer: 2 }, "layer must lie in [0, 2): current value is 2");
    await refuses({ onStep, token: VOCAB }, "token must lie in [0, 12): current value is 12");
    await refuses({ onStep, steps: 1.5 }, "steps must be a whole number: current value is 1.5");
    await refuses({ onStep, learningRate: 0 }, "learningRate must be above 0: current value is 0");
    await refuses({ onStep, stopAt: 1.1 }, "stopAt must lie in (0, 1]: current value is 1.1");
    await refuses({ onStep, prompts: [] }, "prompts must not be empty");
    await refuses({ onStep, heldOut: [] }, "heldOut must not be empty");
    await refuses({ onStep, texts: [] }, "texts must not be empty");
    await refuses({ onStep, texts: [{ tokens: [1, 2], from: 0 }] }, "a prompt before its answer");
    await refuses(
      { onStep, texts: [{ tokens: [1, 2, 3], from: 2 }] },
      "at least two answer tokens: current value is 1",
    );
  }));
