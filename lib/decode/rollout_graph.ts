import type { Checkpoint, ModelConfig } from "../checkpoint/mod.ts";
import {
  cachedAttention,
  type CachedAttentionOptions,
  cachedHeads,
  type CachedKernel,
  cachedKernelOf,
  type ComputeDType,
  concatenatedAttention,
  decoderBlocks,
  type DecoderParts,
  embedTokens,
  fileWeights,
  type LayerCache,
  rotaryTables,
  unembed,
} from "../model/mod.ts";
import { type Dim, type Graph, GraphBuilder, type Value } from "../onnx/mod.ts";
import { applyEdits, checkEdits, type Edits, type SteeringRoute } from "../probe/mod.ts";

/** Names of a rollout graph's inputs and outputs. */
export const ROLLOUT_NAMES = {
  /** Right-padded prompts, int64 [batch, seq]. */
  prompts: "prompts",
  /** Real length of each prompt, int32 [batch]. */
  lengths: "lengths",
  /** One uniform per row and new token, float [batch, steps], at least two steps. */
  uniforms: "uniforms",
  /** float scalar > 0; 1 when greedy. */
  temperature: "temperature",
  /** bool scalar: take the most likely token. */
  greedy: "greedy",
  /** The loop goes on while more rows than this are alive, int64 scalar. */
  enoughAlive: "enough_alive",
  /** Tokens, int64 [steps, batch]; −1 after a row's stop token. */
  tokens: "tokens",
  /** Log-probabilities of those tokens at the sampling temperature, float [steps, batch]. */
  logProbs: "log_probs",
} as const;

const compute: ComputeDType = "float32";

interface Sampled {
  readonly token: Value;
  readonly logProb: Value;
}

/**
 * One token per row from logits [batch, vocab]: inverse-CDF sampling at a temperature from a uniform [batch, 1], or
 * the most likely token. The uniform is scaled by the sum that the running sum ends in, so rounding never picks a
 * token past the end.
 */
function sample(
  g: GraphBuilder,
  logits: Value,
  options: { readonly uniform: Value; readonly temperature: Value; readonly greedy: Value },
): Sampled {
  return g.within("sample", () => {
    const logProbs = g.softmax(g.div(logits, options.temperature), { axis: 1, log: true }); // [batch, vocab]
    const cdf = g.apply("CumSum", [g.apply("Exp", [logProbs])], { attributes: { axis: 1 } });
    const total = g.reduce("max", cdf, { axes: [1], keepdims: true });
    const below = g.apply("LessOrEqual", [cdf, g.mul(options.uniform, total)]);
    const drawn = g.reduce("sum", g.cast(below, "int64"), { axes: [1] }); // [batch]
    const likeliest = g.apply("ArgMax", [logits], { attributes: { axis: 1 } });
    const token = g.apply("Where", [options.greedy, likeliest, drawn]);
    const picked = g.apply("GatherElements", [logProbs, g.unsqueeze(token, [1])], {
      attributes: { axis: 1 },
    });
    return { token, logProb: g.apply("Squeeze", [picked], { attributes: { axes: [1] } }) };
  });
}

/**
 * A whole rollout as one graph: prefill, then a loop that embeds, runs the blocks over a KV cache that never leaves
 * the graph, and samples. It ends when `steps` tokens are out or no more than `enough_alive` rows are unfinished.
 *
 * Steering and adapters apply to prompt and generated tokens alike, vectors at any place; a patched last block keeps in its cache what
 * it attended to: mixed keys and values, or both histories. Taps, patches and factors belong to sequence graphs.
 *
 * @example
 * ```ts
 * import { openCheckpoint, tinyConfig, writeRandomCheckpoint } from "../checkpoint/mod.ts";
 * import { rolloutGraph } from "./mod.ts";
 * const folder = await Deno.makeTempDir();
 * await writeRandomCheckpoint(folder, { config: tinyConfig(), dtype: "float32", seed: 0 });
 * const checkpoint = await openCheckpoint(folder);
 * const graph = rolloutGraph({ config: checkpoint.config, checkpoint, stopTokens: [0], edits: { steer: [1] } });
 * if (graph.outputs.map((output) => output.name).join() !== "tokens,log_probs") throw new Error("two outputs");
 * await Deno.remove(folder, { recursive: true });
 * ```
 *
 * @throws {RangeError} without a stop token, or when the fused kernel is asked for and cannot take the model's heads.
 */
export function rolloutGraph(
  options: {
    readonly config: ModelConfig;
    readonly checkpoint: Checkpoint;
    readonly edits?: Pick<Edits, "steer" | "adapters"> & SteeringRoute;
    readonly stopTokens: readonly number[];
    /** How it attends. `@default` the fused kernel where the model's heads allow it */
    readonly kernel?: CachedKernel;
  },
): Graph {
  const { config, checkpoint, stopTokens, kernel = cachedKernelOf(options.config) } = options;
  if (stopTokens.length === 0) {
    throw new RangeError("Cannot build a rollout graph as it must have a stop token");
  }
  const edits = checkEdits(options.edits ?? {}, config);
  const g = new GraphBuilder("rollout");
  const prompts = g.input(ROLLOUT_NAMES.prompts, "int64", ["batch", "seq"]);
  const lengths = g.input(ROLLOUT_NAMES.lengths, "int32", ["batch"]);
  const uniforms = g.input(ROLLOUT_NAMES.uniforms, compute, ["batch", "steps"]);
  const temperature = g.input(ROLLOUT_NAMES.temperature, compute, []);
  const greedy = g.input(ROLLOUT_NAMES.greedy, "bool", []);
  const enoughAlive = g.input(ROLLOUT_NAMES.enoughAlive, "int64", []);
  const weights = fileWeights(g, { checkpoint, compute });
  const { site, adapter, lastBlock } = applyEdits(g, edits, { config, compute });
  const cacheHeads = (layer: number) => cachedHeads(config, { layer, layout: lastBlock?.layout ?? null });
  const tables = rotaryTables(g, config, { count: config.maxPositions, compute });
  const samples = { temperature, greedy };
  const uniformAt = (inner: GraphBuilder, step: Value) =>
    inner.gather(uniforms, inner.unsqueeze(step, [0]), { axis: 1 });
  const isStop = (inner: GraphBuilder, token: Value) =>
    stopTokens.map((id) => inner.apply("Equal", [token, inner.scalar("int64", id)]))
      .reduce((any, one) => inner.apply("Or", [any, one]));
  const aliveCount = (inner: GraphBuilder, alive: Value) =>
    inner.reduce("sum", inner.cast(alive, "int64"), { axes: [0] });

  const attentionOver = (inner: GraphBuilder, added: Dim, at: CachedAttentionOptions) =>
    kernel === "fused"
      ? cachedAttention(config, at)
      : concatenatedAttention(inner, config, { ...at, added, prompt: { lengths, width: "seq" } });

  // Prefill: the whole prompt at once, then logits at each row's last token.
  const promptCaches: LayerCache[] = [];
  const emptyCache = (heads: number) => g.expand(g.scalar(compute, 0), ["batch", heads, 0, config.headDim]);
  const empty = emptyCache(config.kvHeads);
  const emptyLast = cacheHeads(config.layers - 1) === config.kvHeads
    ? empty
    : emptyCache(cacheHeads(config.layers - 1));
  const attention = attentionOver(g, "seq", {
    tables,
    lastIndex: g.sub(lengths, g.scalar("int32", 1)),
    total: g.cast(g.apply("Squeeze", [g.length("seq")], { attributes: { axes: [0] } }), "int32"),
    present: "seq",
    past: (layer) => {
      const nothing = layer === config.layers - 1 ? emptyLast : empty;
      return { key: nothing, value: nothing };
    },
    store: (layer, cache) => void (promptCaches[layer] = cache),
  });
  const parts: DecoderParts = { config, weights, site, adapter, lastBlock, attention };
  const residual = g.within("prefill", () => decoderBlocks(g, embedTokens(g, prompts, parts), parts));
  const last = g.unsqueeze(g.cast(g.sub(lengths, g.scalar("int32", 1)), "int64"), [1, 2]); // [batch, 1, 1]
  const lastIndex = g.expand(last, ["batch", 1, config.embed]);
  const lastResidual = g.apply("GatherElements", [residual, lastIndex], { attributes: { axis: 1 } });
  const logitsOf = (inner: GraphBuilder, x: Value) =>
    inner.apply("Squeeze", [unembed(inner, x, parts)], { attributes: { axes: [1] } }); // [batch, vocab]
  const first = sample(g, logitsOf(g, lastResidual), {
    ...samples,
    uniform: uniformAt(g, g.scalar("int64", 0)),
  });
  const firstAlive = g.apply("Not", [isStop(g, first.token)]);

  // One more token per step; weights are shared with the prefill and read from around the loop.
  // The first step always runs: a loop of no steps would have no shape to collect.
  const steps = g.apply("Squeeze", [g.length("steps")], { attributes: { axes: [0] } });
  const [, , , ...rest] = g.loop({
    name: "decode",
    maxSteps: g.sub(steps, g.scalar("int64", 1)),
    carried: [
      { name: "token", start: first.token },
      { name: "alive", start: firstAlive },
      { name: "last_index", start: lengths },
      ...promptCaches.flatMap(({ key, value }, layer) => {
        const dims = ["batch", cacheHeads(layer), "past", config.headDim];
        return [{ name: `key_${layer}`, start: key, dims }, { name: `value_${layer}`, start: value, dims }];
      }),
    ],
    body: (body, { step, carried }) => {
      const [token, alive, rowIndex, ...caches] = carried as [Value, Value, Value, ...Value[]];
      const grown: LayerCache[] = [];
      const bodyAttention = attentionOver(body, 1, {
        tables,
        lastIndex: rowIndex,
        total: body.add(
          body.cast(body.apply("Squeeze", [body.length("past")], { attributes: { axes: [0] } }), "int32"),
          body.scalar("int32", 1),
        ),
        present: "past+1",
        past: (layer) => ({ key: caches[2 * layer] as Value, value: caches[2 * layer + 1] as Value }),
        store: (layer, cache) => void (grown[layer] = cache),
      });
      const bodyParts: DecoderParts = { ...parts, attention: bodyAttention };
      const shown = body.apply("Where", [alive, token, body.scalar("int64", 0)]);
      const x = embedTokens(body, body.unsqueeze(shown, [1]), bodyParts); // [batch, 1, embed]
      const logits = logitsOf(body, decoderBlocks(body, x, bodyParts));
      const next = body.add(step, body.scalar("int64", 1));
      const drawn = sample(body, logits, { ...samples, uniform: uniformAt(body, next) });
      const stillAlive = body.apply("And", [alive, body.apply("Not", [isStop(body, drawn.token)])]);
      return {
        goOn: body.apply("Greater", [aliveCount(body, stillAlive), enoughAlive]),
        carried: [
          drawn.token,
          stillAlive,
          body.add(rowIndex, body.scalar("int32", 1)),
          ...grown.flatMap(({ key, value }) => [key, value]),
        ],
        collected: [
          body.apply("Where", [alive, drawn.token, body.scalar("int64", -1)]),
          body.apply("Where", [alive, drawn.logProb, body.scalar(compute, 0)]),
        ],
      };
    },
  });
  const [tokens, logProbs] = rest.slice(-2) as [Value, Value]; // [steps, batch]
  const join = (head: Value, tail: Value) =>
    g.apply("Concat", [g.unsqueeze(head, [0]), tail], { attributes: { axis: 0, joined: "generated" } });
  g.output(ROLLOUT_NAMES.tokens, join(first.token, tokens));
  g.output(ROLLOUT_NAMES.logProbs, join(first.logProb, logProbs));
  return g.build();
}
