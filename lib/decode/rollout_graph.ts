import type { Checkpoint, ModelConfig } from "../checkpoint/mod.ts";
import {
  accurateDType,
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
  type SiteHandler,
  unembed,
} from "../model/mod.ts";
import { type Dim, type Graph, GraphBuilder, type Value } from "../onnx/mod.ts";
import { applyEdits, checkEdits, type Edits, type SteeringRoute } from "../probe/mod.ts";
import { drawToken } from "./_draw_token.ts";

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

interface Sampled {
  readonly token: Value;
  readonly logProb: Value;
}

/**
 * One token per row from logits [batch, vocab]: inverse-CDF sampling at a temperature from a uniform [batch, 1], or
 * the most likely token. A float32 island in every graph.
 */
function sample(
  g: GraphBuilder,
  logits: Value,
  options: { readonly uniform: Value; readonly temperature: Value; readonly greedy: Value },
): Sampled {
  return g.within("sample", () => {
    const logProbs = g.softmax(g.div(logits, options.temperature), { axis: 1, log: true }); // [batch, vocab]
    const drawn = drawToken(g, g.apply("Exp", [logProbs]), options); // [batch]
    const likeliest = g.apply("ArgMax", [logits], { attributes: { axis: 1 } });
    const token = g.apply("Where", [options.greedy, likeliest, drawn]);
    const picked = g.apply("GatherElements", [logProbs, g.unsqueeze(token, [1])], {
      attributes: { axis: 1 },
    });
    return { token, logProb: g.apply("Squeeze", [picked], { attributes: { axes: [1] } }) };
  });
}

/** 1 at the stop tokens. */
function stopMask(stopTokens: readonly number[], vocab: number): Uint8Array {
  const mask = new Uint8Array(vocab);
  for (const id of stopTokens) if (id < vocab) mask[id] = 1;
  return mask;
}

/**
 * A length as an int32 scalar, counted where the tensors are: on a GPU, arithmetic on the result of Shape would be
 * placed on the CPU, which the main graph may not be.
 */
function countOf(g: GraphBuilder, dim: string): Value {
  const places = g.apply("Range", [g.scalar("int64", 0), g.length(dim), g.scalar("int64", 1)], {
    attributes: { length: dim },
  });
  const each = g.cast(g.apply("GreaterOrEqual", [places, g.scalar("int64", 0)]), "int64");
  return g.cast(g.reduce("sum", each, { axes: [0] }), "int32");
}

/**
 * A whole rollout as one graph: prefill, then a loop that embeds, runs the blocks over a KV cache that never leaves
 * the graph, and samples. It ends when `steps` tokens are out or no more than `enough_alive` rows are unfinished.
 *
 * Of what it computes, a GPU's loop hands one bit per token to the host: the condition. The cache's length, which
 * attention kernels read there, comes from the cache's shape. Only the loop's body has such arithmetic on shapes: it
 * is done on the CPU, where a session that may not fall back to it allows no node of the main graph.
 *
 * Steering and adapters apply to prompt and generated tokens alike, vectors at any place; a patched last block keeps
 * in its cache what it attended to: mixed keys and values, or both histories. An ablation of features runs the blocks
 * up to its layer a second time, without additions and over a cache of their own, on the tokens that the changed model
 * draws. Taps, patches and factors belong to sequence graphs.
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
    readonly edits?: Pick<Edits, "steer" | "adapters" | "ablation"> & SteeringRoute;
    readonly stopTokens: readonly number[];
    /** How it attends. `@default` the fused kernel where the model's heads allow it */
    readonly kernel?: CachedKernel;
    /** Type of matrices, residual stream and KV cache; all else is float32. `@default "float32"` */
    readonly compute?: ComputeDType;
  },
): Graph {
  const { config, checkpoint, stopTokens, kernel = cachedKernelOf(options.config) } = options;
  const { compute = "float32" } = options, accurate = accurateDType(compute);
  if (stopTokens.length === 0) {
    throw new RangeError("Cannot build a rollout graph as it must have a stop token");
  }
  const edits = checkEdits(options.edits ?? {}, config);
  const g = new GraphBuilder("rollout");
  const prompts = g.input(ROLLOUT_NAMES.prompts, "int64", ["batch", "seq"]);
  const lengths = g.input(ROLLOUT_NAMES.lengths, "int32", ["batch"]);
  const uniforms = g.input(ROLLOUT_NAMES.uniforms, accurate, ["batch", "steps"]);
  const temperature = g.input(ROLLOUT_NAMES.temperature, accurate, []);
  const greedy = g.input(ROLLOUT_NAMES.greedy, "bool", []);
  const enoughAlive = g.input(ROLLOUT_NAMES.enoughAlive, "int64", []);
  const weights = fileWeights(g, { checkpoint, compute });
  const { site, siteOver, ablation, adapter, lastBlock } = applyEdits(g, edits, { config, compute });
  const cacheHeads = (layer: number) => cachedHeads(config, { layer, layout: lastBlock?.layout ?? null });
  const tables = rotaryTables(g, config, { count: config.maxPositions, compute });
  const samples = { temperature, greedy };
  // The first step's uniform belongs to the prefill, the rest to the loop, whose length is read off them.
  const laterUniforms = g.sliceRest(uniforms, { axis: 1, start: 1, name: "later_steps" });
  const stops = g.constant("bool", [config.vocab], stopMask(stopTokens, config.vocab));
  const isStop = (inner: GraphBuilder, token: Value) => inner.gather(stops, token, { axis: 0 });
  const aliveCount = (inner: GraphBuilder, alive: Value) =>
    inner.reduce("sum", inner.cast(alive, "int64"), { axes: [0] });

  const attentionOver = (inner: GraphBuilder, added: Dim, at: CachedAttentionOptions) =>
    kernel === "fused"
      ? cachedAttention(config, at)
      : concatenatedAttention(inner, config, { ...at, added, prompt: { lengths, width: "seq" } });

  // Prefill: the whole prompt at once, then logits at each row's last token.
  const promptCaches: LayerCache[] = [];
  const promptSlots = countOf(g, "seq");
  const rows = g.unsqueeze(g.cast(lengths, compute), [1, 2, 3]); // [batch, 1, 1, 1]
  const emptyCache = (heads: number) => g.expand(rows, ["batch", heads, 0, config.headDim]);
  const empty = emptyCache(config.kvHeads);
  const emptyLast = cacheHeads(config.layers - 1) === config.kvHeads
    ? empty
    : emptyCache(cacheHeads(config.layers - 1));
  const promptAttention = {
    tables,
    lastIndex: g.sub(lengths, g.scalar("int32", 1)),
    total: promptSlots,
    present: "seq",
  } as const;
  const attention = attentionOver(g, "seq", {
    ...promptAttention,
    past: (layer) => {
      const nothing = layer === config.layers - 1 ? emptyLast : empty;
      return { key: nothing, value: nothing };
    },
    store: (layer, cache) => void (promptCaches[layer] = cache),
  });
  const untouched: SiteHandler = (_, __, value) => value;
  const baseParts = { config, weights, site: untouched, blocks: ablation?.blocks ?? 0 };
  const baseCaches: LayerCache[] = [];
  const promptSite = ablation === null ? site : siteOver(g.within("base_prefill", () => {
    const kept = attentionOver(g, "seq", {
      ...promptAttention,
      past: () => ({ key: empty, value: empty }),
      store: (layer, cache) => void (baseCaches[layer] = cache),
    });
    const base = { ...baseParts, attention: kept };
    return decoderBlocks(g, embedTokens(g, prompts, base), base);
  }));
  const parts: DecoderParts = { config, weights, site: promptSite, adapter, lastBlock, attention };
  const residual = g.within("prefill", () => decoderBlocks(g, embedTokens(g, prompts, parts), parts));
  const last = g.unsqueeze(g.cast(g.sub(lengths, g.scalar("int32", 1)), "int64"), [1, 2]); // [batch, 1, 1]
  const lastIndex = g.expand(last, ["batch", 1, config.embed]);
  const lastResidual = g.apply("GatherElements", [residual, lastIndex], { attributes: { axis: 1 } });
  const logitsOf = (inner: GraphBuilder, x: Value) =>
    inner.apply("Squeeze", [unembed(inner, x, parts)], { attributes: { axes: [1] } }); // [batch, vocab]
  const first = sample(g, logitsOf(g, lastResidual), {
    ...samples,
    uniform: g.slice(uniforms, { axis: 1, start: 0, end: 1 }),
  });
  const firstAlive = g.apply("Not", [isStop(g, first.token)]);

  // One more token per step; weights are shared with the prefill and read from around the loop.
  // The first step always runs: a loop of no steps would have no shape to collect.
  const collected = g.loop({
    name: "decode",
    maxSteps: g.length("later_steps"),
    carried: [
      { name: "token", start: first.token },
      { name: "alive", start: firstAlive },
      { name: "last_index", start: lengths },
      ...promptCaches.flatMap(({ key, value }, layer) => {
        const dims = ["batch", cacheHeads(layer), "past", config.headDim];
        return [{ name: `key_${layer}`, start: key, dims }, { name: `value_${layer}`, start: value, dims }];
      }),
      ...baseCaches.flatMap(({ key, value }, layer) => {
        const dims = ["batch", config.kvHeads, "past", config.headDim];
        return [
          { name: `base_key_${layer}`, start: key, dims },
          { name: `base_value_${layer}`, start: value, dims },
        ];
      }),
    ],
    body: (body, { step, carried }) => {
      const [token, alive, rowIndex, ...caches] = carried as [Value, Value, Value, ...Value[]];
      // Off the cache's shape, which the host knows: a count carried on the device would be copied for the kernels.
      const total = body.cast(body.add(body.length("past"), body.scalar("int64", 1)), "int32");
      const grown: LayerCache[] = [];
      const bodyAttentionOver = (first: number, store: LayerCache[]) =>
        attentionOver(body, 1, {
          tables,
          lastIndex: rowIndex,
          total,
          present: "past+1",
          past: (layer) => ({
            key: caches[first + 2 * layer] as Value,
            value: caches[first + 2 * layer + 1] as Value,
          }),
          store: (layer, cache) => void (store[layer] = cache),
        });
      const plainParts: DecoderParts = { ...parts, attention: bodyAttentionOver(0, grown) };
      const shown = body.apply("Where", [alive, token, body.scalar("int64", 0)]);
      const x = embedTokens(body, body.unsqueeze(shown, [1]), plainParts); // [batch, 1, embed]
      const grownBase: LayerCache[] = [];
      const bodyParts = ablation === null ? plainParts : {
        ...plainParts,
        site: siteOver(body.within("base", () =>
          decoderBlocks(body, x, {
            ...baseParts,
            attention: bodyAttentionOver(2 * config.layers, grownBase),
          }))),
      };
      const logits = logitsOf(body, decoderBlocks(body, x, bodyParts));
      const uniform = body.gather(laterUniforms, body.unsqueeze(step, [0]), { axis: 1 });
      const drawn = sample(body, logits, { ...samples, uniform });
      const stillAlive = body.apply("And", [alive, body.apply("Not", [isStop(body, drawn.token)])]);
      return {
        goOn: body.apply("Greater", [aliveCount(body, stillAlive), enoughAlive]),
        carried: [
          drawn.token,
          stillAlive,
          body.add(rowIndex, body.scalar("int32", 1)),
          ...[...grown, ...grownBase].flatMap(({ key, value }) => [key, value]),
        ],
        collected: [
          body.apply("Where", [alive, drawn.token, body.scalar("int64", -1)]),
          body.apply("Where", [alive, drawn.logProb, body.scalar(accurate, 0)]),
        ],
      };
    },
  });
  const [tokens, logProbs] = collected.slice(-2) as [Value, Value]; // [steps, batch]
  const join = (head: Value, tail: Value) =>
    g.apply("Concat", [g.unsqueeze(head, [0]), tail], { attributes: { axis: 0, joined: "generated" } });
  g.output(ROLLOUT_NAMES.tokens, join(first.token, tokens));
  g.output(ROLLOUT_NAMES.logProbs, join(first.logProb, logProbs));
  return g.build();
}
