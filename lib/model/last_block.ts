import type { ModelConfig } from "../checkpoint/mod.ts";
import type { GraphBuilder, Value } from "../onnx/mod.ts";
import { type BlockParts, blockParts, finishBlock, normedHeads } from "./_block_parts.ts";
import { decoderBlock } from "./decoder_block.ts";
import type {
  AppliedLastBlock,
  DecoderParts,
  LastBlockLayout,
  MaskedPart,
  SiteHandler,
} from "./decoder_parts.ts";
import { accurateSum } from "./precision.ts";
import { type SiteKind, siteName } from "./sites.ts";

/** The parts of a layout that a mask decides, in a fixed order. */
export function maskedParts(layout: LastBlockLayout): readonly MaskedPart[] {
  if (layout.kind === "single") return [];
  if (layout.kind === "heads") return ["heads"];
  return (["q", "k", "v"] as const).filter((part) => layout[part] === "mixed");
}

/** Sites of the last block that have no single value under a layout, since both streams are computed. */
export function doubleSites(layout: LastBlockLayout): readonly SiteKind[] {
  if (layout.kind === "heads") return ["input_norm", "k", "k_norm", "v"];
  if (layout.kind === "single") return [];
  const { q, k, v } = layout;
  return q !== "mixed" && q === k && k === v ? [] : ["input_norm"];
}

/**
 * Key and value heads that a block keeps in its KV cache: a last block that attends over both streams keeps both
 * histories side by side, the one of x first.
 */
export function cachedHeads(
  config: ModelConfig,
  options: { readonly layer: number; readonly layout: LastBlockLayout | null },
): number {
  const double = options.layer === config.layers - 1 && options.layout?.kind === "heads";
  return double ? 2 * config.kvHeads : config.kvHeads;
}

/**
 * The last block with a vector routed through it. `x` [batch, seq, embed] is the stream that enters, without the
 * vector; the result has its shape. With u = N₁(x), ũ = N₁(x + s), R = x + s and * for what a layout chooses:
 *
 *     single        y = Block(x or x + s) (+ s)
 *     projections   r = R + W_O Attn(q*, k*, v*),                        y = r + MLP(N₂(r))
 *     heads         c = heads of Attn(u), c̃ = heads of Attn(ũ),          c* = c or c̃ by head
 *                   all:      m = R + W_O c*,                            y = m + MLP(N₂(m))
 *                   residual: y = (R + W_O c*) + MLP(N₂(R + W_O c̃))
 *                   mlp:      y = (R + W_O c̃) + MLP(N₂(R + W_O c*))
 *
 * Sites: `resid_pre` is the residual stream (R, or x where the block reads x alone); `q`, `k`, `v`, `attn_weights`
 * and `head_out` are what was chosen, `q_norm` and `k_norm` the norms of it; `attn_out` is W_O of that; `resid_mid` is
 * the stream that `mlp_out` is added to. Under `heads` a patch of `q`, `q_norm` or `attn_weights` replaces what each
 * head's own stream has. In a 16-bit graph x + s is a float32 island, as every sum with a vector.
 *
 * Source: last-block patching of Sections 6 and 7 (class: code).
 *
 * @throws {RangeError} when a mask that the layout needs is missing.
 */
export function patchedLastBlock(
  g: GraphBuilder,
  x: Value,
  options: DecoderParts & { readonly lastBlock: AppliedLastBlock },
): Value {
  const { lastBlock: { layout, vector } } = options;
  const layer = options.config.layers - 1;
  if (layout.kind === "single") {
    const post = siteName({ layer, kind: "resid_post" });
    const site: SiteHandler = (inner, name, value) =>
      options.site(
        inner,
        name,
        layout.addAfter && name === post ? accurateSum(inner, value, { added: vector }) : value,
      );
    const entering = layout.input === "steered" ? accurateSum(g, x, { added: vector }) : x;
    return decoderBlock(g, entering, { ...options, layer, site });
  }
  return g.within(`blocks.${layer}`, () => {
    const parts = blockParts(g, x, { ...options, layer });
    const streams: Streams = {
      base: x,
      steered: parts.site("resid_pre", accurateSum(g, x, { added: vector })),
    };
    return layout.kind === "projections"
      ? mixedProjections(g, parts, { ...options.lastBlock, layout, streams })
      : mixedHeads(g, parts, { ...options.lastBlock, layout, streams, config: options.config });
  });
}

/** The two streams, [batch, seq, embed] each; the steered one is the residual stream. */
interface Streams {
  readonly base: Value;
  readonly steered: Value;
}

/** `steered` at the heads that a part's mask names, `base` at the others. */
function choose(
  g: GraphBuilder,
  pair: Streams,
  options: { readonly masks: AppliedLastBlock["masks"]; readonly part: MaskedPart },
): Value {
  const mask = options.masks.get(options.part);
  if (mask === undefined) {
    throw new RangeError(`Cannot patch the last block as it must have a mask for "${options.part}"`);
  }
  return g.apply("Where", [mask, pair.steered, pair.base]);
}

function mixedProjections(
  g: GraphBuilder,
  parts: BlockParts,
  options: AppliedLastBlock & {
    readonly layout: LastBlockLayout & { readonly kind: "projections" };
    readonly streams: Streams;
  },
): Value {
  const { layout, streams, masks } = options;
  const single = doubleSites(layout).length === 0;
  const known = new Map<keyof Streams, Value>();
  const normed = (stream: keyof Streams): Value => {
    let value = known.get(stream);
    if (value === undefined) {
      value = parts.inputNorm(streams[stream]);
      if (single) value = parts.site("input_norm", value);
      known.set(stream, value);
    }
    return value;
  };
  const chosen = (part: "q" | "k" | "v"): Value => {
    const choice = layout[part];
    const from = (stream: keyof Streams) => parts.project(part, normed(stream));
    const value = choice === "mixed"
      ? choose(g, { base: from("base"), steered: from("steered") }, { masks, part })
      : from(choice);
    return normedHeads(parts, part, parts.site(part, value));
  };
  const q = chosen("q"), k = chosen("k"), v = chosen("v");
  return finishBlock(g, parts, { residual: streams.steered, headOut: parts.attend({ q, k, v }) });
}

/**
 * Two attentions as one of twice the heads: heads [0, H) over x, heads [H, 2H) over x + s, the keys and values laid
 * side by side likewise, so that a cache holds both histories.
 */
function mixedHeads(
  g: GraphBuilder,
  parts: BlockParts,
  options: AppliedLastBlock & {
    readonly layout: LastBlockLayout & { readonly kind: "heads" };
    readonly streams: Streams;
    readonly config: ModelConfig;
  },
): Value {
  const { layout, streams, masks, touched } = options;
  const { heads } = options.config;
  const normed: Streams = { base: parts.inputNorm(streams.base), steered: parts.inputNorm(streams.steered) };
  const both = (part: "q" | "k" | "v"): Streams => ({
    base: parts.project(part, normed.base),
    steered: parts.project(part, normed.steered),
  });
  const mixed = (pair: Streams): Value => choose(g, pair, { masks, part: "heads" });
  const join = (pair: Streams, axis: number): Value => g.concat([pair.base, pair.steered], { axis });
  const split = (value: Value, axis: number): Streams => ({
    base: g.slice(value, { axis, start: 0, end: heads }),
    steered: g.slice(value, { axis, start: heads, end: 2 * heads }),
  });
  /** The edits of a site with two values act on the mixture; each head's own stream gets the result back. */
  const edited = (kind: SiteKind, at: { readonly pair: Streams; readonly mask: Value }): Streams => {
    const { pair: { base, steered }, mask } = at;
    const value = parts.site(kind, g.apply("Where", [mask, steered, base]));
    return {
      base: g.apply("Where", [mask, base, value]),
      steered: g.apply("Where", [mask, value, steered]),
    };
  };
  const headMask = masks.get("heads") as Value; // [heads, 1]
  const weightSite: SiteHandler = (inner, _, value) => {
    if (!touched("attn_weights")) return value;
    const mask = inner.unsqueeze(headMask, [2]); // [heads, 1, 1] beside [batch, heads, seq, kv_seq]
    return join(edited("attn_weights", { pair: split(value, 1), mask }), 1);
  };
  const { headNorm } = parts;
  const normedPair = (part: "q" | "k", { base, steered }: Streams): Streams =>
    headNorm === null ? { base, steered } : { base: headNorm(part, base), steered: headNorm(part, steered) };
  const editedQueries = (kind: "q" | "q_norm", pair: Streams): Streams =>
    touched(kind) ? edited(kind, { pair, mask: headMask }) : pair;
  const q = editedQueries("q_norm", normedPair("q", editedQueries("q", both("q"))));
  const k = normedPair("k", both("k"));
  const pair = split(
    parts.attend({ q: join(q, 2), k: join(k, 2), v: join(both("v"), 2), site: weightSite }),
    2,
  ); // [batch, seq, heads, head_dim] each
  const headOut = mixed(pair);
  if (layout.path === "all") return finishBlock(g, parts, { residual: streams.steered, headOut });
  const patched = g.add(
    streams.steered,
    parts.site("attn_out", parts.attentionOut(parts.site("head_out", headOut))),
  );
  const full = g.add(streams.steered, parts.attentionOut(pair.steered));
  const residMid = parts.site("resid_mid", layout.path === "residual" ? patched : full);
  const seen = layout.path === "residual" ? full : patched;
  const z = parts.site("post_attention_norm", parts.postAttentionNorm(seen));
  return parts.site("resid_post", g.add(residMid, parts.site("mlp_out", parts.mlp(z))));
}
