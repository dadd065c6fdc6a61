import type { ModelConfig } from "../checkpoint/mod.ts";
import type { Dim, GraphBuilder, Value } from "../onnx/mod.ts";
import { anglesAt, attentionWeights, headsFirst, rotatedHeads } from "./_attention_core.ts";
import type { AttentionKernel, SiteHandler } from "./decoder_parts.ts";
import { rotaryTables } from "./rotary_tables.ts";
import { siteName } from "./sites.ts";
import { accurateDType, type ComputeDType } from "./precision.ts";

/**
 * How far below a query's largest score others count: e⁻⁴⁰ of a weight is less than what float32 rounds off, and a
 * key that a query may not see, whose score is −∞, gets no more.
 */
const SCORE_FLOOR = 40;

/** Rows that are trees: a context, and continuations of it that do not see each other. */
export interface Branches {
  /** Position of each token in its own continuation's text, int64 [batch, seq]. */
  readonly positions: Value;
  /** Which continuation a token belongs to, from 1 up, and 0 for the context; int64 [batch, seq]. */
  readonly branches: Value;
}

/**
 * Attention over whole right-padded sequences, every step in the open so that it can be tapped, patched and
 * differentiated. Padding sits right of all real tokens, so the causal mask alone keeps it out of their sight: what a
 * query may not see has a weight of 0, or below 1e-17 where nobody looks at it and that is faster.
 *
 * Under grouped queries the `heads / kv_heads` queries that share a key are laid along seq: one product per key head.
 */
export function sequenceAttention(
  g: GraphBuilder,
  config: ModelConfig,
  options: {
    readonly batch: Dim;
    readonly seq: Dim;
    readonly compute: ComputeDType;
    readonly site: SiteHandler;
    /** Whether the weights of a block are read or replaced. `@default` all are */
    readonly shown?: (layer: number) => boolean;
    /** Where rows branch: a query sees the context and its own branch. `@default` a row is one text */
    readonly branches?: Branches | null;
  },
): AttentionKernel {
  const { batch, seq, compute, shown = () => true, branches = null } = options;
  const { headDim } = config;
  const half = headDim / 2, accurate = accurateDType(compute);
  const tables = rotaryTables(g, config, { count: seq, compute });
  const causal = g.within("causal_mask", () => {
    const places = g.range(seq);
    const earlier = g.apply("LessOrEqual", [g.unsqueeze(places, [0]), g.unsqueeze(places, [1])]); // [seq, kv_seq]
    const visible = branches === null ? earlier : g.unsqueeze(alongBranches(g, earlier, branches), [1, 2]);
    return g.apply("Where", [visible, g.scalar(accurate, 0), g.scalar(accurate, -Infinity)]);
  });
  const angles = g.within("rotary", () => {
    if (branches !== null) return anglesAt(g, tables, branches.positions);
    // Length by length a shape would be put together on the host; [batch, seq] is read off an input in one piece.
    const turned = (table: Value) =>
      g.expand(g.unsqueeze(g.transpose(table, [1, 0]), [1]), [half, batch, seq]);
    const perRow = (table: Value) => g.transpose(turned(table), [1, 2, 0]); // [batch, seq, head_dim/2]
    return { cos: perRow(tables.cos), sin: perRow(tables.sin) };
  });

  return (g, { layer, q, k, v, site = options.site }) =>
    g.within("attn", () => {
      const heads = q.dims[2] as number, kvHeads = k.dims[2] as number, group = heads / kvHeads;
      const grouped = `${group}*${seq}`;
      const scaled = g.mul(rotatedHeads(g, q, angles), g.scalar(compute, headDim ** -0.5));
      const queries = group === 1 ? scaled : g.reshape(scaled, [batch, kvHeads, grouped, headDim]);
      const scores = g.matMul(queries, rotatedHeads(g, k, angles), { transB: true }); // [batch, kv_heads, group*seq, kv_seq]
      const perHead = g.reshape(scores, [batch, kvHeads, group, seq, seq]);
      // A GPU, which 16-bit graphs are for, has no slow numbers.
      const floor = compute === accurate && !shown(layer) ? SCORE_FLOOR : undefined;
      const weights = attentionWeights(g, perHead, { bias: causal, floor });
      const name = siteName({ layer, kind: "attn_weights" });
      const seen = site(g, name, g.reshape(weights, [batch, heads, seq, seq])); // [batch, heads, seq, kv_seq]
      const mixing = group === 1 ? seen : g.reshape(seen, [batch, kvHeads, grouped, seq]);
      const mixed = g.matMul(mixing, headsFirst(g, v)); // [batch, kv_heads, group*seq, head_dim]
      return headsFirst(g, g.reshape(mixed, [batch, heads, seq, headDim])); // [batch, seq, heads, head_dim]
    });
}

/** What of the earlier keys [seq, kv_seq] a query sees where rows branch: bool [batch, seq, kv_seq]. */
function alongBranches(g: GraphBuilder, earlier: Value, { branches }: Branches): Value {
  const ofKey = g.unsqueeze(branches, [1]), ofQuery = g.unsqueeze(branches, [2]);
  const shared = g.apply("Equal", [ofKey, g.scalar("int64", 0)]), own = g.apply("Equal", [ofKey, ofQuery]);
  return g.apply("And", [earlier, g.apply("Or", [shared, own])]);
}
