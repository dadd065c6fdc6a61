/**
 * The frozen decoder as a graph with named sites: one block function, and the attention kernels that tell sequence
 * graphs from decode graphs.
 *
 * @module
 */
export {
  cachedAttention,
  type LayerCache,
  type RotaryTables,
  rotaryTables,
  sequenceAttention,
} from "./attention.ts";
export {
  type AttentionInput,
  type AttentionKernel,
  decoderBlock,
  decoderBlocks,
  type DecoderParts,
  embedTokens,
  type SiteHandler,
  unembed,
} from "./decoder.ts";
export { parseSite, type Site, SITE_KINDS, type SiteKind, type SiteName, siteName } from "./sites.ts";
export {
  type ComputeDType,
  fileWeights,
  inputWeights,
  unembeddingName,
  type WeightSource,
} from "./weights.ts";
