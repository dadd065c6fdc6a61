import type { ModelConfig } from "../checkpoint/mod.ts";
import { type Dim, type GraphBuilder, productOfDims, type Value } from "../onnx/mod.ts";
import { anglesAt, attentionWeights, headsFirst, rotatedHeads } from "./_attention_core.ts";
import type { AttentionKernel } from "./decoder_parts.ts";
import { accurateDType, type ComputeDType } from "./precision.ts";
import type { RotaryTables } from "./rotary_tables.ts";

/** Keys (rotated) and values of some slots of one block, [batch, kv_heads, slots, head_dim] each. */
export interface KeysAndValues {
  /** Keys, rotated. */
  readonly key: Value;
  /** Values. */
  readonly value: Value;
}

/**
 * The KV cache of one block in the two parts that it lies in. New tokens are put before the slots of `recent` alone, so
 * that the long part is not copied at every step.
 */
export interface LayerCache {
  /** What was read long ago: generated tokens, then the right-padded prompts. Empty while the prompts are read. */
  readonly settled: KeysAndValues;
  /** What has been read since. */
  readonly recent: KeysAndValues;
}

/** What attention over a KV cache needs. Lengths are symbols that the graph knows. */
export interface CachedAttentionOptions {
  /** Angles of every position that a token can have. */
  readonly tables: RotaryTables;
  /** Position of each new token, int64 [batch, seq]. */
  readonly positions: Value;
  /** Real length of each prompt, int64 [batch]. */
  readonly lengths: Value;
  /** Slots that the prompts take at the end of {@link LayerCache.settled}, padding included. */
  readonly prompt: Dim;
  /** Number of new tokens. */
  readonly added: Dim;
  /** Slots of each part before the new tokens. */
  readonly slots: { readonly settled: Dim; readonly recent: Dim };
  /** The cache before the new tokens. */
  readonly past: (layer: number) => LayerCache;
  /** Takes {@link LayerCache.recent} with the new tokens behind it. */
  readonly store: (layer: number, recent: KeysAndValues) => void;
}

/**
 * Attention of new tokens over a KV cache, for any even head_dim, type and device:
 *
 *     w = softmax(q·K) over recent and settled slots,  y = w_recent·V_recent + w_settled·V_settled
 *
 * New tokens see the recent slots up to their own, and of the settled ones all but the prompts' padding. In a prefill
 * all slots are recent: real queries see real keys only, and nobody reads what comes of padding.
 *
 * The prompts' slots are the last of all: their padding is zeros at the end of every sum, so that a row has the same
 * bits whatever lengths the others have. That wants products that add one slot after the other. On the CPU those of a
 * single row do not, but for ones with a factor, which all products over slots therefore have. (One case is left: a
 * row alone, of a model with fewer key heads than there are threads, over more than 256 slots.)
 *
 * Under grouped queries the `heads / kv_heads` queries that share a key are laid along seq, as in
 * {@link sequenceAttention}.
 */
export function cachedAttention(
  g: GraphBuilder,
  config: ModelConfig,
  options: CachedAttentionOptions,
): AttentionKernel {
  const { tables, positions, added, prompt, slots } = options;
  const { headDim } = config, group = config.heads / config.kvHeads;
  const compute = tables.cos.dtype as ComputeDType, accurate = accurateDType(compute);
  const grown = `${slots.recent}+${added}`, every = "slots", grouped = productOfDims([group, added]);
  const [batch] = positions.dims as [Dim];
  const { bias, sizes, angles } = g.within("cached_mask", () => {
    const recent = g.add(g.length(slots.recent), g.length(added));
    const range = (from: Value, below: Value, length: Dim) =>
      g.apply("Range", [from, below, g.scalar("int64", 1)], { attributes: { length: String(length) } });
    const zero = g.scalar("int64", 0);
    const own = g.unsqueeze(range(g.length(slots.recent), recent, added), [1]); // [seq, 1]
    const causal = g.apply("LessOrEqual", [range(zero, recent, grown), own]); // [seq, recent slots]
    g.defineLength(grown, causal, 1);
    // Slots of the settled part count from its first prompt slot: generated tokens have negative numbers.
    const generated = g.sub(g.length(slots.settled), g.length(prompt));
    const numbers = range(g.sub(zero, generated), g.length(prompt), slots.settled);
    const real = g.apply("Less", [numbers, g.unsqueeze(options.lengths, [1])]); // [batch, settled slots]
    const shown = (mask: Value) =>
      g.apply("Where", [mask, g.scalar(accurate, 0), g.scalar(accurate, -Infinity)]);
    const parts = [
      g.expand(shown(causal), [batch, added, grown]),
      g.expand(g.unsqueeze(shown(real), [1]), [batch, added, slots.settled]),
    ];
    const joined = g.concat(parts, { axis: 2, joined: every });
    g.defineLength(every, joined, 2);
    const perGroup = g.expand(g.unsqueeze(joined, [1, 2]), [batch, 1, group, added, every]);
    return {
      bias: g.reshape(perGroup, [batch, 1, grouped, every]),
      sizes: g.concat([recent, g.length(slots.settled)], { axis: 0 }),
      angles: anglesAt(g, tables, positions),
    };
  });
  // Values are kept doubled and their products halved, exactly, where a product may have a single row.
  const half = group === 1 ? 0.5 : 1;
  return (g, { layer, q, k, v }) =>
    g.within("attn", () => {
      const heads = q.dims[2] as number, kvHeads = k.dims[2] as number;
      const { settled, recent: before } = options.past(layer);
      const grow = (old: Value, more: Value) => g.concat([old, more], { axis: 2, joined: grown });
      const values = half === 1 ? v : g.mul(v, g.scalar(compute, 1 / half));
      const recent = {
        key: grow(before.key, rotatedHeads(g, k, angles)),
        value: grow(before.value, headsFirst(g, values)),
      };
      options.store(layer, recent); // [batch, kv_heads, recent slots, head_dim] each
      const queries = g.reshape(rotatedHeads(g, q, angles), [batch, kvHeads, grouped, headDim]);
      const scale = headDim ** -0.5;
      const scores = [recent, settled].map(({ key }) => g.matMul(queries, key, { transB: true, scale }));
      const joined = g.concat(scores, { axis: 3, joined: every });
      const weights = attentionWeights(g, joined, { bias }); // [batch, kv_heads, group*seq, slots]
      const [near, far] = g.split(weights, { axis: 3, sizes, dims: [grown, slots.settled] }) as [
        Value,
        Value,
      ];
      const mix = (shares: Value, { value }: KeysAndValues) => g.matMul(shares, value, { scale: half });
      const mixed = g.add(mix(near, recent), mix(far, settled)); // [batch, kv_heads, group*seq, head_dim]
      return headsFirst(g, g.reshape(mixed, [batch, heads, added, headDim])); // [batch, seq, heads, head_dim]
    });
}
