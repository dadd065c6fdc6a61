/**
 * A Hugging Face folder → typed, checked values: config, weights by offset, tokenizer, chat template. Files are
 * only trusted after they were checked; every fault is one line.
 *
 * @module
 */
export {
  type JsonKind,
  type JsonSchema,
  parseJson,
  quoted,
  readJsonFile,
  type SchemaIssue,
  validateJson,
} from "./files/_json_file.ts";
export { pathExists, type PlaceStat, statPlace } from "./files/stat_place.ts";
export { fetchFolder, type FetchFolderOptions, memoryEntry, memoryFolder } from "./files/memory_folder.ts";
export {
  ensureFolder,
  type FileContent,
  FileReplacement,
  jsonText,
  writeFileAtomic,
} from "./files/atomic_file.ts";
export { byteLetters } from "./tokenizer/byte_letters.ts";
export { type ByteSource, type FileSource, memorySource, openSource } from "./files/byte_source.ts";
export {
  ChatTokenizer,
  type ChatTurn,
  type DecodeOptions,
  type RenderChatOptions,
  type TokenizerOptions,
} from "./tokenizer/chat_tokenizer.ts";
export { checkFinite } from "./files/check_finite.ts";
export type { GgufType } from "./gguf/_gguf_blocks.ts";
export { readGgufTensor } from "./gguf/_gguf_weights.ts";
export {
  type GgufHeader,
  type GgufScalar,
  type GgufTensor,
  type GgufValue,
  parseGgufHeader,
} from "./gguf/_gguf_header.ts";
export { type EndToken, type EndTokenSource } from "./tokenizer/_end_tokens.ts";
export {
  type Checkpoint,
  openCheckpoint,
  readWeightFiles,
  type WeightEntry,
  type WeightFiles,
} from "./checkpoint.ts";
export { type Architecture, architectureRow, ARCHITECTURES } from "./architecture.ts";
export type { ArchitectureRow, Biases, OwnKey } from "./architectures/architecture_row.ts";
export {
  configJson,
  type ModelConfig,
  modelConfigFrom,
  readModelConfig,
  unreadConfigKeys,
} from "./config.ts";
export { fetchDataset } from "./hub/fetch_dataset.ts";
export { fetchModel } from "./hub/fetch_model.ts";
export { type FetchOptions, type FetchProgress } from "./hub/_fetch_repository.ts";
export { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from "./files/half_floats.ts";
export {
  cachedDataset,
  datasetPlace,
  hubCacheFolder,
  type HubId,
  modelFolder,
  parseHubId,
} from "./hub/hub_cache.ts";
export { type ImportedGguf, importGguf, type ImportGgufOptions } from "./gguf/import_gguf.ts";
export { type NpyArray, parseNpy, readNpy, writeNpy } from "./files/npy.ts";
export {
  type RandomCheckpointOptions,
  randomWeights,
  writeCheckpoint,
  type WriteCheckpointOptions,
  writeRandomCheckpoint,
} from "./random_checkpoint.ts";
export type { RopeScaling } from "./rope_scaling.ts";
export type { SafetensorsFile, TensorEntry } from "./files/_safetensors_header.ts";
export { readSafetensorsHeader, readTensor } from "./files/safetensors.ts";
export {
  PUBLISHED_CONFIGS,
  type PublishedModel,
  type SyntheticCheckpointOptions,
  writeSyntheticCheckpoint,
} from "./synthetic_checkpoint.ts";
export { weightShapes } from "./weight_shapes.ts";
export { unpack, zipEntries, type ZipEntry } from "./files/zip.ts";
export { type GgufContent, type GgufNote, writeGguf } from "./gguf/write_gguf.ts";
export {
  float32Tensor,
  type SafetensorsContent,
  type StreamedTensor,
  type WeightDType,
  type WritableTensor,
  writeSafetensors,
} from "./files/write_safetensors.ts";
