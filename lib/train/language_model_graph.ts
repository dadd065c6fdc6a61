import { backward } from "../adjoint/mod.ts";
import type { ModelConfig } from "../checkpoint/mod.ts";
import { type Tensor, tensor } from "../core/mod.ts";
import {
  type AccurateDType,
  decoderBlocks,
  embedTokens,
  inputWeights,
  sequenceAttention,
  unembed,
} from "../model/mod.ts";
import { type Graph, GraphBuilder, type Value } from "../onnx/mod.ts";
import type { FloatArray } from "../vectors/mod.ts";
import type { Parameters } from "./adamw.ts";

/** Name of the output that holds a weight's adjoint. */
export function adjointName(weight: string): string {
  return `adjoint.${weight}`;
}

/** The weights as the training graph takes them. */
export function weightFeeds(
  weights: Parameters,
  shapes: ReadonlyMap<string, readonly number[]>,
): Readonly<Record<string, Tensor>> {
  return Object.fromEntries(
    [...shapes].map(([name, dims]) => [name, tensor("float32", dims, weights.get(name) as Float32Array)]),
  );
}

/** Adds the adjoints that the training graph gave to sums by weight. */
export function addAdjoints(
  sums: ReadonlyMap<string, FloatArray>,
  out: Readonly<Record<string, Tensor | undefined>>,
): void {
  for (const [name, sum] of sums) {
    const part = out[adjointName(name)]?.data as Float32Array;
    for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (part[i] as number);
  }
}

/**
 * The training graph of a language model: weights are inputs, every weight's adjoint is an output.
 *
 * Inputs: `tokens`, `targets` int64 [batch, seq]; `target_weights` float [batch, seq], zero where there is no target.
 * Loss: Σ w·(−log p(target) + z·(log Z)²), Z the softmax's denominator; the z term keeps logits, and with them the
 * residual stream's norm at the end, from growing without bound.
 * Outputs: `cross_entropy` Σ w·(−log p), `loss`, one adjoint per weight and, when asked for, `log_probs` of the
 * targets, float [batch, seq].
 *
 * Right padding with zero weight and the order of rows leave every output as it is.
 * Proof: tests/train/language_model_graph_test.ts, PyTorch autograd and central differences in float64.
 *
 * `@default {compute: "float32", logProbs: false}`
 */
export function languageModelGraph(
  config: ModelConfig,
  options: {
    readonly shapes: ReadonlyMap<string, readonly number[]>;
    readonly zLoss: number;
    readonly logProbs?: boolean;
    readonly compute?: AccurateDType;
  },
): Graph {
  const compute = options.compute ?? "float32";
  const g = new GraphBuilder("language_model");
  const tokens = g.input("tokens", "int64", ["batch", "seq"]);
  const targets = g.input("targets", "int64", ["batch", "seq"]);
  const targetWeights = g.input("target_weights", compute, ["batch", "seq"]);
  const weights = inputWeights(g, { shapes: options.shapes, compute });
  const site = (_: GraphBuilder, __: string, value: Value) => value;
  const shown = () => false;
  const attention = sequenceAttention(g, config, { batch: "batch", seq: "seq", compute, site, shown });
  const parts = { config, weights, attention, site };
  const logits = unembed(g, decoderBlocks(g, embedTokens(g, tokens, parts), parts), parts); // [batch, seq, vocab]
  const index = g.unsqueeze(targets, [2]);
  const pick = (x: Value) => g.apply("GatherElements", [x, index], { attributes: { axis: 2 } });
  const logProb = pick(g.softmax(logits, { axis: 2, log: true })); // [batch, seq, 1]
  const logZ = g.sub(pick(logits), logProb);
  const weight = g.unsqueeze(targetWeights, [2]);
  const total = (x: Value) => g.reduce("sum", g.mul(weight, x), { axes: [0, 1, 2] });
  const crossEntropy = total(g.apply("Neg", [logProb]));
  const loss = g.add(crossEntropy, g.mul(total(g.mul(logZ, logZ)), g.scalar(compute, options.zLoss)));
  g.output("cross_entropy", crossEntropy);
  if (options.logProbs === true) {
    g.output("log_probs", g.apply("Squeeze", [logProb], { attributes: { axes: [2] } }));
  }
  g.output("loss", loss);
  const names = [...options.shapes.keys()];
  const adjoints = backward(g, { loss, of: names.map((name) => weights.get(name)) });
  names.forEach((name, i) => g.output(adjointName(name), adjoints[i] as Value));
  return g.build();
}
