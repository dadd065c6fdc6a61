import type { GraphBuilder, Value } from "../onnx/mod.ts";
import { rmsNorm } from "./_block_parts.ts";
import { decoderBlock } from "./decoder_block.ts";
import type { DecoderParts } from "./decoder_parts.ts";
import { patchedLastBlock } from "./last_block.ts";
import type { ComputeDType } from "./precision.ts";
import { unembeddingName } from "./weights.ts";

/** Token embeddings [batch, seq, embed] of `tokens` int64 [batch, seq]. */
export function embedTokens(g: GraphBuilder, tokens: Value, parts: Pick<DecoderParts, "weights">): Value {
  return parts.weights.rows(g, { name: "model.embed_tokens.weight", indices: tokens });
}

/**
 * All blocks over embedded tokens: the residual stream [batch, seq, embed] that enters the final norm. With `blocks`
 * only the first of them, and none is patched: the stream behind block `blocks - 1`.
 */
export function decoderBlocks(
  g: GraphBuilder,
  x: Value,
  parts: DecoderParts & { readonly blocks?: number },
): Value {
  return decoderStreams(g, x, parts).at(-1) as Value;
}

/** The residual stream before the first block and behind each of {@link decoderBlocks}, [batch, seq, embed] each. */
export function decoderStreams(
  g: GraphBuilder,
  x: Value,
  parts: DecoderParts & { readonly blocks?: number },
): readonly Value[] {
  const { config: { layers }, blocks, lastBlock = null } = parts;
  const routed = { ...parts, lastBlock: blocks === undefined ? lastBlock : null };
  const streams = [x];
  for (let layer = 0; layer < (blocks ?? layers); layer++) {
    streams.push(blockAt(g, streams[layer] as Value, { ...routed, layer }));
  }
  return streams;
}

/** Block `layer` over a stream [batch, seq, embed]; where a vector is routed through the last block, that is it. */
export function blockAt(
  g: GraphBuilder,
  x: Value,
  options: DecoderParts & { readonly layer: number },
): Value {
  const { config: { layers }, layer, lastBlock = null } = options;
  return lastBlock !== null && layer === layers - 1
    ? patchedLastBlock(g, x, { ...options, lastBlock })
    : decoderBlock(g, x, options);
}

/** The norm before the unembedding: residual [.., embed] → [.., embed], in float32 of a 16-bit graph. */
export function finalNorm(
  g: GraphBuilder,
  residual: Value,
  parts: Pick<DecoderParts, "config" | "weights">,
): Value {
  const { config, weights } = parts;
  return rmsNorm(g, residual, { weights, name: "model.norm", epsilon: config.rmsNormEps });
}

/**
 * Final norm and unembedding: residual [.., embed] → logits [.., vocab]. Of a 16-bit graph both are in float32:
 * a logit near 20 rounded to bfloat16 is off by up to 0.06, which would drown the difference between a sampler and
 * its trainer.
 */
export function unembed(
  g: GraphBuilder,
  residual: Value,
  parts: Pick<DecoderParts, "config" | "weights">,
): Value {
  const { config, weights } = parts;
  return g.within("unembed", () => {
    const normed = finalNorm(g, residual, parts);
    const accurate = normed.dtype as ComputeDType;
    return g.matMul(normed, weights.get(unembeddingName(config), accurate), { transB: true });
  });
}
