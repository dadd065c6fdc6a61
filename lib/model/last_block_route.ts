import type { Value } from "../onnx/mod.ts";
import type { SiteKind } from "./sites.ts";

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
    /** Where the mixture goes; the other route carries the attention over x + s. */
    readonly path: "all" | "residual" | "mlp";
  };

/** What of the last block is chosen head by head. */
export type MaskedPart = "q" | "k" | "v" | "heads";

/** A vector on its way through the last block. */
export interface LastBlockRoute {
  /** How the block is put together. */
  readonly layout: LastBlockLayout;
  /** s in the islands' type, of a shape that broadcasts to [batch, seq, embed]. */
  readonly vector: Value;
  /** For each part of {@link maskedParts}: true where a head reads x + s, bool [heads or kv_heads, 1]. */
  readonly masks: ReadonlyMap<MaskedPart, Value>;
  /** Whether anybody reads or replaces a site of the block, so that values nobody asks for are not computed. */
  readonly touched: (kind: SiteKind) => boolean;
}
