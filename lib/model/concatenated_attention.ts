import type { ModelConfig } from "../checkpoint/mod.ts";
import { type Dim, type GraphBuilder, productOfDims, type Value } from "../onnx/mod.ts";
import type { CachedAttentionOptions } from "./attention.ts";
import type { AttentionKernel } from "./decoder_parts.ts";
import { accurateDType, type ComputeDType } from "./precision.ts";

/** How a decode graph attends over its KV cache: one fused operation, or every step in the open. */
export type CachedKernel = "fused" | "concatenated";

/** The slots of a KV cache that the prompts took: [0, width), of which a row's first `lengths` are real. */
export interface PromptRegion {
  /** Real length of each prompt, int32 [batch]. */
  readonly lengths: Value;
  /** Length of the longest prompt, as the graph names it. */
  readonly width: Dim;
}

/**
 * The kernel that decodes a model: the fused one where its head_dim, a multiple of 16, allows it.
 *
 * @example
 * ```ts
 * import { tinyConfig } from "../checkpoint/mod.ts";
 * import { cachedKernelOf } from "./mod.ts";
 * if (cachedKernelOf(tinyConfig({ headDim: 16 })) !== "fused") throw new Error("16 is fit for the fused kernel");
 * if (cachedKernelOf(tinyConfig({ headDim: 24 })) !== "concatenated") throw new Error("24 is not");
 * ```
 */
export function cachedKernelOf(config: ModelConfig): CachedKernel {
  return config.headDim % 16 === 0 ? "fused" : "concatenated";
}

/**
 * Attention of new tokens over a KV cache without the fused operation, for any even head_dim: new keys and values
 * are put behind the cache's slots, and a mask keeps the prompts' padding out of sight.
 *
 * Slots of the cache: [0, width) hold the right-padded prompts, slot width + t the t-th generated token of every
 * row. So the token of slot s has position s in the prompt and lengths + s − width behind it; `lastIndex` is not
 * read. In the prefill (an empty past) padded queries see real keys only, and nobody reads what comes of them.
 *
 * Under grouped queries the `heads / kv_heads` queries that share a key are laid along seq, as in
 * {@link sequenceAttention}.
 *
 * @example
 * ```ts
 * import { tinyConfig } from "../checkpoint/mod.ts";
 * import { GraphBuilder } from "../onnx/mod.ts";
 * import { concatenatedAttention, type LayerCache, rotaryTables } from "./mod.ts";
 * const config = tinyConfig({ heads: 4, kvHeads: 2, headDim: 6 });
 * const g = new GraphBuilder("step");
 * const input = (name: string, heads: number) => g.input(name, "float32", ["batch", 1, heads, 6]);
 * const cache = (name: string) => g.input(name, "float32", ["batch", 2, "past", 6]);
 * const past = { key: cache("past_key"), value: cache("past_value") };
 * g.input("prompts", "int64", ["batch", "seq"]);
 * const grown: LayerCache[] = [];
 * const kernel = concatenatedAttention(g, config, {
 *   tables: rotaryTables(g, config, { count: 32, compute: "float32" }),
 *   lastIndex: g.input("last_index", "int32", ["batch"]),
 *   total: g.input("total", "int32", []),
 *   present: "past+1",
 *   past: () => past,
 *   store: (_, cache) => void grown.push(cache),
 *   added: 1,
 *   prompt: { lengths: g.input("lengths", "int32", ["batch"]), width: "seq" },
 * });
 * kernel(g, { layer: 0, q: input("q", 4), k: input("k", 2), v: input("v", 2) });
 * if (grown[0]?.key.dims.join() !== "batch,2,past+1,6") throw new Error("the cache grew by the new token");
 * ```
 */
export function concatenatedAttention(
  g: GraphBuilder,
  config: ModelConfig,
  options: CachedAttentionOptions & {
    /** Number of new tokens, as the graph names it. */
    readonly added: Dim;
    /** Where the padding lies. */
    readonly prompt: PromptRegion;
  },
): AttentionKernel {
  const { tables, prompt, added, present } = options;
  const { headDim } = config;
  const compute = tables.cos.dtype as ComputeDType, accurate = accurateDType(compute);
  const { bias, cos, sin } = g.within("cached_mask", () => {
    const total = g.cast(options.total, "int64"), width = g.length(prompt.width);
    const range = (from: Value, length: Dim) =>
      g.apply("Range", [from, total, g.scalar("int64", 1)], { attributes: { length: String(length) } });
    const slots = range(g.scalar("int64", 0), present); // [kv_seq]
    const own = g.unsqueeze(range(g.sub(total, g.length(added)), added), [0]); // [1, seq]
    const lengths = g.unsqueeze(g.cast(prompt.lengths, "int64"), [1]); // [batch, 1]
    const real = g.apply("Or", [
      g.apply("Less", [slots, lengths]),
      g.apply("GreaterOrEqual", [slots, width]),
    ]); // [batch, kv_seq]
    const causal = g.apply("LessOrEqual", [slots, g.unsqueeze(own, [2])]); // [1, seq, kv_seq]
    const visible = g.apply("And", [g.unsqueeze(real, [1]), causal]); // [batch, seq, kv_seq]
    const behind = g.sub(g.add(own, lengths), width); // [batch, seq]
    const positions = g.apply("Where", [g.apply("Less", [own, width]), own, behind]); // [batch, seq]
    const kept = g.apply("Where", [visible, g.scalar(accurate, 0), g.scalar(accurate, -Infinity)]);
    return {
      bias: g.unsqueeze(kept, [1, 2]), // [batch, 1, 1, seq, kv_seq]
      cos: g.gather(tables.cos, positions, { axis: 0 }), // [batch, seq, head_dim/2]
      sin: g.gather(tables.sin, positions, { axis: 0 }),
    };
  });
  return (g, { layer, q, k, v }) =>
    g.within("attn", () => {
      const [batch, seq] = [q.dims[0] as Dim, q.dims[1] as Dim];
      const heads = q.dims[2] as number, kvHeads = k.dims[2] as number, group = heads / kvHeads;
      const grouped = productOfDims([group, seq]);
      const byHead = (x: Value) => g.transpose(x, [0, 2, 1, 3]); // [batch, heads, seq, head_dim]
      const rotated = (x: Value) => g.apply("RotaryEmbedding", [byHead(x), cos, sin]);
      const past = options.past(layer);
      const grow = (old: Value, added: Value) =>
        g.apply("Concat", [old, added], { attributes: { axis: 2, joined: present } });
      const key = grow(past.key, rotated(k)), value = grow(past.value, byHead(v));
      options.store(layer, { key, value }); // [batch, kv_heads, kv_seq, head_dim] each
      const scaled = g.mul(rotated(q), g.scalar(compute, headDim ** -0.5));
      const queries = g.reshape(scaled, [batch, kvHeads, grouped, headDim]);
      const scores = g.matMul(queries, key, { transB: true }); // [batch, kv_heads, group*seq, kv_seq]
      const perHead = g.reshape(scores, [batch, kvHeads, group, seq, present]);
      const weights = g.cast(g.softmax(g.add(g.cast(perHead, accurate), bias), { axis: -1 }), compute);
      const mixing = g.reshape(weights, [batch, kvHeads, grouped, present]);
      const mixed = g.matMul(mixing, value); // [batch, kv_heads, group*seq, head_dim]
      return byHead(g.reshape(mixed, [batch, heads, seq, headDim])); // [batch, seq, heads, head_dim]
    });
}
