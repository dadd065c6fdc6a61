import type { ModelConfig } from "../checkpoint/mod.ts";
import type { GraphBuilder, Value } from "../onnx/mod.ts";
import type { LastBlockRoute } from "./last_block_route.ts";
import type { SiteName } from "./sites.ts";
import type { WeightSource } from "./weights.ts";

/** Called at every site with its value; what it returns goes on. Edits enter the graph here and nowhere else. */
export type SiteHandler = (g: GraphBuilder, name: SiteName, value: Value) => Value;

/** Queries, keys and values of one block before rotation, each [batch, seq, heads or kv_heads, head_dim]. */
export interface AttentionInput {
  /** Block, counted from zero. */
  readonly layer: number;
  /** Queries [batch, seq, heads, head_dim]. */
  readonly q: Value;
  /** Keys [batch, seq, kv_heads, head_dim]. */
  readonly k: Value;
  /** Values [batch, seq, kv_heads, head_dim]. */
  readonly v: Value;
  /** What happens at the site `attn_weights`, where that is not what happens at all others. `@default` the kernel's */
  readonly site?: SiteHandler;
}

/**
 * Computes head outputs [batch, seq, heads, head_dim]; sequence, decode and training graphs differ only in this.
 * How many heads there are is read off the queries and keys.
 */
export type AttentionKernel = (g: GraphBuilder, input: AttentionInput) => Value;

/** Adds what an adapter on down_proj adds: W_down z [batch, seq, embed] and z [batch, seq, neurons] → the MLP's output. */
export type AdapterHandler = (
  g: GraphBuilder,
  input: { readonly layer: number; readonly neurons: Value; readonly downOut: Value },
) => Value;

/** What the decoder is made of. */
export interface DecoderParts {
  /** The model's shape. */
  readonly config: ModelConfig;
  /** Where its weights come from. */
  readonly weights: WeightSource;
  /** How queries, keys and values become head outputs. */
  readonly attention: AttentionKernel;
  /** What happens at its sites. */
  readonly site: SiteHandler;
  /** A vector routed through the last block. `@default {null}` */
  readonly lastBlock?: LastBlockRoute | null;
  /**
   * Whether queries, keys and values of a block come of one product with W_q, W_k and W_v laid together, or of three:
   * one is faster, three have weights that the file's names belong to. `@default "apart"`
   */
  readonly projections?: "joint" | "apart";
  /** What adapters on down_proj add. `@default` nothing */
  readonly adapter?: AdapterHandler;
}
