import { backward } from "../adjoint/mod.ts";
import type { Checkpoint, ModelConfig } from "../checkpoint/mod.ts";
import {
  accurateDType,
  type ComputeDType,
  decoderBlocks,
  type DecoderParts,
  embedTokens,
  fileWeights,
  sequenceAttention,
  type SiteHandler,
  unembed,
  type WeightSource,
} from "../model/mod.ts";
import { type Graph, GraphBuilder, productOfDims, type Value } from "../onnx/mod.ts";
import { type AppliedEdits, applyEdits, checkEdits, EDIT_NAMES, type Edits } from "./edits.ts";

/** What a sequence graph gives back; outputs that are not asked for are not in the graph. */
export interface SequenceOutputs {
  /** `logits` float [batch, seq, vocab]. `@default false` */
  readonly logits?: boolean;
  /** `log_probs` float [batch, seq] of the input `targets`, at temperature 1. `@default false` */
  readonly logProbs?: boolean;
  /**
   * Adjoints of everything that the edits add, for the loss −Σ w·log p(target), `w` the input `target_weights`
   * [batch, seq]: `steering_adjoint` float [steered layers, embed] where a layer is steered, `adapter_input_adjoint`
   * float [adapted layers, neurons] and `adapter_output_adjoint` float [adapted layers, embed] where one has an
   * adapter. Implies the inputs of `logProbs`. `@default false`
   */
  readonly steeringAdjoint?: boolean;
}

/** Names of a sequence graph's own inputs and outputs. */
export const SEQUENCE_NAMES = {
  tokens: "tokens",
  targets: "targets",
  targetWeights: "target_weights",
  logits: "logits",
  logProbs: "log_probs",
  steeringAdjoint: "steering_adjoint",
  adapterInputAdjoint: "adapter_input_adjoint",
  adapterOutputAdjoint: "adapter_output_adjoint",
} as const;

/**
 * The graph of whole right-padded sequences: tokens int64 [batch, seq] in; logits, log-probabilities, taps and
 * steering adjoints out, under declared edits.
 *
 * d loss / d s_l is the sum over rows and positions of the adjoint of the site where s_l is added (of
 * `blocks.l.resid_post` for the usual place), since it is added at every position; the engine's sum over broadcast
 * axes is that sum.
 *
 * @example
 * ```ts
 * import { tinyConfig, weightShapes } from "../checkpoint/mod.ts";
 * import { inputWeights } from "../model/mod.ts";
 * import { sequenceGraph } from "./mod.ts";
 * const config = tinyConfig();
 * const shapes = weightShapes(config);
 * const graph = sequenceGraph({
 *   config,
 *   weights: (g) => inputWeights(g, { shapes, compute: "float32" }),
 *   edits: { taps: ["blocks.1.resid_post"], steer: [0] },
 *   outputs: { logits: true },
 * });
 * const names = graph.outputs.map((output) => output.name);
 * if (names.join() !== "tap.blocks.1.resid_post,logits") throw new Error("what was asked for");
 * ```
 *
 * @throws {RangeError} for edits that the model cannot have, or adjoints of nothing.
 */
export function sequenceGraph(
  options: {
    readonly config: ModelConfig;
    readonly weights: Checkpoint | ((g: GraphBuilder) => WeightSource);
    readonly edits?: Edits;
    readonly outputs: SequenceOutputs;
    /** Type of matrices and residual stream; inputs and outputs are float32 under a 16-bit one. `@default "float32"` */
    readonly compute?: ComputeDType;
  },
): Graph {
  const { config, outputs, compute = "float32" } = options;
  const edits = checkEdits(options.edits ?? {}, config);
  const g = new GraphBuilder("sequence");
  const tokens = g.input(SEQUENCE_NAMES.tokens, "int64", ["batch", "seq"]);
  const weights = typeof options.weights === "function"
    ? options.weights(g)
    : fileWeights(g, { checkpoint: options.weights, compute });
  const applied = applyEdits(g, edits, { config, compute });
  const { adapter, lastBlock, ablation } = applied;
  const streamUnder = (site: SiteHandler, more: Partial<DecoderParts> & { readonly blocks?: number }) => {
    const attention = sequenceAttention(g, config, { batch: "batch", seq: "seq", compute, site });
    const parts = { config, weights, attention, site, ...more };
    return { parts, residual: decoderBlocks(g, embedTokens(g, tokens, parts), parts) };
  };
  const untouched: SiteHandler = (_, __, value) => value;
  const site = ablation === null ? applied.site : applied.siteOver(
    g.within("base", () => streamUnder(untouched, { blocks: ablation.blocks }).residual),
  );
  const { parts, residual } = streamUnder(site, { adapter, lastBlock });
  for (const name of edits.taps) {
    const value = applied.tapped.get(name);
    if (value === undefined) throw new RangeError(`Cannot tap "${name}" as the graph never came to it`);
    g.output(EDIT_NAMES.tap(name), g.cast(value, accurateDType(compute)));
  }
  const wantsLogProbs = outputs.logProbs === true || outputs.steeringAdjoint === true;
  if (outputs.logits !== true && !wantsLogProbs) return g.build();
  const logits = unembed(g, residual, parts); // [batch, seq, vocab]
  if (outputs.logits === true) g.output(SEQUENCE_NAMES.logits, logits);
  if (outputs.steeringAdjoint === true && edits.lastBlock?.mode === "base") {
    throw new RangeError(
      `Cannot give steering adjoints as every vector must be added: mode "base" leaves out that of layer ${
        config.layers - 2
      }`,
    );
  }
  if (outputs.steeringAdjoint === true && ablation !== null) {
    throw new RangeError(
      "Cannot give steering adjoints as no feature may be ablated: which are active has none",
    );
  }
  if (wantsLogProbs) addLogProbs(g, { logits, outputs, compute, applied });
  return g.build();
}

function addLogProbs(
  g: GraphBuilder,
  options: {
    readonly logits: Value;
    readonly outputs: SequenceOutputs;
    readonly compute: ComputeDType;
    readonly applied: AppliedEdits;
  },
): void {
  const { logits, outputs, compute, applied } = options;
  const targets = g.input(SEQUENCE_NAMES.targets, "int64", ["batch", "seq"]);
  const all = g.softmax(logits, { axis: 2, log: true });
  const picked = g.apply("GatherElements", [all, g.unsqueeze(targets, [2])], { attributes: { axis: 2 } });
  const logProbs = g.apply("Squeeze", [picked], { attributes: { axes: [2] } }); // [batch, seq]
  if (outputs.logProbs === true) g.output(SEQUENCE_NAMES.logProbs, logProbs);
  if (outputs.steeringAdjoint !== true) return;
  const adapters = [...applied.adapters.values()];
  const wanted = ([
    [SEQUENCE_NAMES.steeringAdjoint, [...applied.vectors.values()]],
    [SEQUENCE_NAMES.adapterInputAdjoint, adapters.map(({ input }) => input)],
    [SEQUENCE_NAMES.adapterOutputAdjoint, adapters.map(({ output }) => output)],
  ] as const).filter(([, values]) => values.length > 0);
  if (wanted.length === 0) {
    throw new RangeError(
      "Cannot give steering adjoints as at least one layer must be steered or adapted: current value is none",
    );
  }
  const weights = g.input(SEQUENCE_NAMES.targetWeights, accurateDType(compute), ["batch", "seq"]);
  const largest = compute === "float16" ? largestSize(g, weights) : null;
  const shares = largest === null ? weights : g.div(weights, largest);
  const loss = g.apply("Neg", [g.reduce("sum", g.mul(shares, logProbs), { axes: [0, 1] })]);
  const adjoints = backward(g, { loss, of: wanted.flatMap(([, values]) => values) });
  let first = 0;
  for (const [name, values] of wanted) {
    const rows = adjoints.slice(first, first + values.length).map((adjoint) => g.unsqueeze(adjoint, [0]));
    const stacked = rows.length === 1
      ? rows[0] as Value
      : g.apply("Concat", rows, { attributes: { axis: 0 } }); // [layers, width]
    g.output(name, largest === null ? stacked : g.mul(stacked, largest));
    first += values.length;
  }
}

/**
 * The largest |w| of weights [batch, seq], and 1 where all are zero. Weights of a training step are near 1e-5 and
 * float16 ends at 6e-8, so its backward pass starts from w / largest and its result is multiplied back in float32.
 */
function largestSize(g: GraphBuilder, weights: Value): Value {
  return g.within("largest", () => {
    const sizes = g.apply("Max", [weights, g.apply("Neg", [weights])]);
    const flat = g.reshape(sizes, [productOfDims(sizes.dims)]);
    // Largest by its place: the CUDA provider has ArgMax at this opset but no ReduceMax.
    const most = g.gather(flat, g.apply("ArgMax", [flat], { attributes: { axis: 0 } }), { axis: 0 });
    return g.apply("Where", [
      g.apply("Greater", [most, g.scalar("float32", 0)]),
      most,
      g.scalar("float32", 1),
    ]);
  });
}
