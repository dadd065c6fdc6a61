import type { ModelConfig } from "../checkpoint/mod.ts";
import type { GraphBuilder, Value } from "../onnx/mod.ts";
import type { SiteKind, SiteName } from "./sites.ts";
import type { WeightSource } from "./weights.ts";

/** Called at every site with its value; what it returns goes on. Edits enter the graph here and nowhere else. */
export type SiteHandler = (g: GraphBuilder, name: SiteName, value: Value) => Value;

/** Changes nothing at any site. */
export function untouched(_g: GraphBuilder, _name: SiteName, value: Value): Value {
  return value;
}

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

/** Which stream a projection reads: x without the routed vector, x + s with it, or by head either of them. */
export type StreamChoice = "base" | "steered" | "mixed";

/**
 * How the last block is put together when the vector s of the block before it is routed through it, x being the
 * stream that enters without s. Which heads a patch names is no part of it: masks say that at run time, so one
 * graph serves all of them.
 */
export type LastBlockLayout =
  | {
    /** The block runs once. */
    readonly kind: "single";
    /** It reads x or x + s. */
    readonly input: "base" | "steered";
    /** Whether s is added to what it gives back. */
    readonly addAfter: boolean;
  }
  | {
    /** One attention over queries, keys and values that are chosen each; the residual stream is x + s. */
    readonly kind: "projections";
    /** What queries read. */
    readonly q: StreamChoice;
    /** What keys read. */
    readonly k: StreamChoice;
    /** What values read. */
    readonly v: StreamChoice;
  }
  | {
    /** Attention over x and over x + s side by side, mixed by head before W_O; the residual stream is x + s. */
    readonly kind: "heads";
    /** Where the mixture goes; the other path carries the attention over x + s. */
    readonly path: "all" | "residual" | "mlp";
  };

/** What of the last block is chosen head by head. */
export type MaskedPart = "q" | "k" | "v" | "heads";

/** A patch of the last block at work: a vector on its way through it. */
export interface AppliedLastBlock {
  /** How the block is put together. */
  readonly layout: LastBlockLayout;
  /** s in the islands' type, of a shape that broadcasts to [batch, seq, embed]. */
  readonly vector: Value;
  /** For each part of {@link maskedParts}: true where a head reads x + s, bool [heads or kv_heads, 1]. */
  readonly masks: ReadonlyMap<MaskedPart, Value>;
  /** Whether anybody reads or replaces a site of the block, so that values nobody asks for are not computed. */
  readonly touched: (kind: SiteKind) => boolean;
}

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
  readonly lastBlock?: AppliedLastBlock | null;
  /**
   * Whether queries, keys and values of a block come of one product with W_q, W_k and W_v laid together, or of three:
   * one is faster, three have weights that the file's names belong to. `@default "apart"`
   */
  readonly projections?: "joint" | "apart";
  /** What adapters on down_proj add. `@default` nothing */
  readonly adapter?: AdapterHandler;
}
