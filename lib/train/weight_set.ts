import { readTensor, weightShapes, writeCheckpoint } from "../checkpoint/mod.ts";
import { elementCount, type Tensor, tensor } from "../core/mod.ts";
import {
  LanguageModel,
  MemoryBudget,
  overTargets,
  type TargetBatch,
  type WeightedRow,
} from "../decode/mod.ts";
import { graphMemory } from "../onnx/mod.ts";
import { Session } from "../runtime/mod.ts";
import type { Parameters } from "./adamw.ts";
import { addAdjoints, languageModelGraph, weightFeeds } from "./language_model_graph.ts";
import type { ParameterSet } from "./trained_parameters.ts";

/**
 * Bytes that are held of each weight beside the graph's values: it and what it was, two moments of the optimizer, and
 * its adjoint summed in float64.
 */
const HELD_BYTES = 2 * 4 + 2 * 4 + 8;

/** Targets and weights at every position, [batch, seq], as the training graph takes them. */
function everyPosition(batch: TargetBatch, rows: readonly WeightedRow[]): Readonly<Record<string, Tensor>> {
  const { tokens, targets } = batch, ids = new BigInt64Array(tokens.data.length);
  const weights = new Float32Array(ids.length);
  for (const { place, token, row } of targets) {
    ids[place] = BigInt(token);
    weights[place] = rows[row]?.weight as number;
  }
  return {
    tokens,
    targets: tensor("int64", tokens.dims, ids),
    target_weights: tensor("float32", tokens.dims, weights),
  };
}

/**
 * Every weight of a model as trained parameters. Rollouts read the current weights from a float32 checkpoint that is
 * written anew each time: a session over files folds and packs its weights once, which a session that takes them as
 * inputs does in every operation of every token (docs/training.md has the times). The scorer is the graph of
 * pretraining without its z-loss.
 *
 * @throws {RangeError} when what is kept are not the weights of the model.
 * @throws {InputError} from its adjoints, when a row takes more memory than the model may.
 */
export async function weightSet(
  model: LanguageModel,
  options: {
    /** Weights of a resumed run. */
    readonly kept: Parameters | null;
    /** Where the checkpoint of the current weights lies while rollouts are sampled. */
    readonly folder: string;
    readonly learningRate: number;
  },
): Promise<ParameterSet> {
  const { kept, folder, learningRate } = options;
  const { config, checkpoint } = model;
  const shapes = weightShapes(config);
  const start = new Map<string, Float32Array>(), weights = new Map<string, Float32Array>();
  for (const [name, dims] of shapes) {
    const entry = checkpoint.weights.get(name);
    if (entry === undefined) throw new RangeError(`Cannot train "${name}" as the checkpoint lacks it`);
    const values = await readTensor(entry);
    start.set(name, values);
    const now = kept === null ? values.slice() : kept.get(name);
    if (now?.length !== elementCount(dims)) {
      throw new RangeError(
        `Cannot go on as "${name}" must have ${elementCount(dims)} values: current count is ${now?.length}`,
      );
    }
    weights.set(name, now);
  }
  const graph = languageModelGraph(config, { shapes, zLoss: 0, logProbs: true });
  const { memory, device = "cpu" } = model.options, budget = new MemoryBudget({ memory, device });
  const elements = [...shapes.values()].reduce((sum, dims) => sum + elementCount(dims), 0);
  const bytes = (batch: number, seq: number) => graphMemory(graph, { lengths: { batch, seq } }).values;
  let session: Promise<Session> | null = null;
  const scorer = () => session ??= Session.create(graph, model.options);
  return {
    parameters: weights,
    result: { vectors: new Map(), adapters: new Map(), shared: null, weights },
    rate: () => learningRate,
    async sample(requests, sampling) {
      const current = `${folder}/rollout-model`;
      try {
        await writeCheckpoint(current, { config, dtype: "float32", weights });
        const tuned = await LanguageModel.open(current, model.options);
        return await tuned.generate(requests, sampling).finally(() => tuned.release());
      } finally {
        await Deno.remove(current, { recursive: true });
      }
    },
    async adjoints(rows) {
      const sums = new Map([...weights].map(([name, { length }]) => [name, new Float64Array(length)]));
      const longest = Math.max(1, ...rows.map(({ tokens }) => tokens.length - 1));
      const held = { weightBytes: elements * HELD_BYTES, valueBytes: bytes(1, longest) };
      budget.check(held, `tuning every weight on a row of ${longest} tokens`);
      const run = await scorer();
      const feeds = weightFeeds(weights, shapes);
      // Weights and their adjoints are held whatever the rows; a further row takes what the second does.
      const rowsAtOnce = (seq: number) => Math.floor(budget.batchBytes / (bytes(2, seq) - bytes(1, seq)));
      const logProbs = await overTargets(rows, { vocab: config.vocab, rowsAtOnce }, async (batch) => {
        const out = await run.run({ ...everyPosition(batch, rows), ...feeds });
        addAdjoints(sums, out);
        return batch.targets.map(({ place }) => out["log_probs"]?.data[place] as number);
      });
      const adjoints = new Map([...sums].map(([name, sum]) => [name, Float32Array.from(sum)]));
      return { adjoints, logProbs };
    },
    norm() {
      let sum = 0;
      for (const [name, values] of weights) {
        const before = start.get(name) as Float32Array;
        for (let i = 0; i < values.length; i++) sum += ((values[i] as number) - (before[i] as number)) ** 2;
      }
      return Math.sqrt(sum);
    },
    async release() {
      if (session !== null) await (await session).release();
      session = null;
    },
  };
}
