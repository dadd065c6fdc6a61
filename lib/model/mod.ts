/**
 * The frozen decoder as a graph with named sites: one block function, and the attention kernels that tell sequence
 * graphs from decode graphs.
 *
 * @module
 */
export { type Branches, sequenceAttention } from "./sequence_attention.ts";
export {
  cachedAttention,
  type CachedAttentionOptions,
  type KeysAndValues,
  type LayerCache,
} from "./cached_attention.ts";
export { blockAt, decoderBlocks, decoderStreams, embedTokens, finalNorm, unembed } from "./decoder.ts";
export { decoderBlock } from "./decoder_block.ts";
export {
  type AdapterHandler,
  type AppliedLastBlock,
  type AttentionInput,
  type AttentionKernel,
  type DecoderParts,
  type LastBlockLayout,
  type MaskedPart,
  type SiteHandler,
  type StreamChoice,
  untouched,
} from "./decoder_parts.ts";
export { cachedHeads, doubleSites, maskedParts } from "./last_block.ts";
export { type AccurateDType, accurateDType, accurateSum, type ComputeDType } from "./precision.ts";
export { rotaryFrequencies, type RotaryTables, rotaryTables } from "./rotary_tables.ts";
export {
  ADAPTER_SITE_KINDS,
  checkLayer,
  HEAD_NORM_SITE_KINDS,
  parseSite,
  type Site,
  SITE_KINDS,
  type SiteKind,
  siteKindsOf,
  type SiteName,
  siteName,
} from "./sites.ts";
export { fileWeights, inputWeights, unembeddingName, valueWeights, type WeightSource } from "./weights.ts";
