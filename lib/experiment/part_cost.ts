import { type ModelConfig, weightShapes } from "../checkpoint/mod.ts";
import { elementCount } from "../core/mod.ts";
import { MemoryBudget } from "../decode/mod.ts";
import type { Device } from "../runtime/mod.ts";
import { trainingCost } from "../train/mod.ts";
import type { Ask } from "./measurement.ts";
import type { ZooArtifact } from "./zoo_artifacts.ts";

/** How fast one process on one device works, on a model of a known size. */
export interface Rates {
  /** Where the numbers are from, in words. */
  readonly source: string;
  /** Where it computed. */
  readonly device: Device;
  /** Parameters of the model that was measured. */
  readonly parameters: number;
  /** Tokens of answers per second, early ends included. */
  readonly generatedTokensPerSecond: number;
  /** Tokens per second through a forward pass and the adjoints of vectors. */
  readonly gradientTokensPerSecond: number;
  /** Mean length of a prompt, in tokens. */
  readonly promptTokens: number;
  /** Mean length of an answer, in tokens; a shorter limit is the length then. */
  readonly answerTokens: number;
}

/** What a part takes: an estimate. */
export interface PartCost {
  /** Seconds of one process on one device. */
  readonly seconds: number;
  /** Most memory at a time: of the GPU, or on the CPU of the machine. */
  readonly memoryBytes: number;
  /** What it leaves on disk. */
  readonly diskBytes: number;
}

/** Texts of other measurements are read twice after they were written: without and with what is added. */
const PASSES = 2;
/** A forward pass beside one with the adjoints of vectors: 2 M operations of 4 M; see {@link trainingCost}. */
const FORWARD_SHARE = 0.5;
/** Tokens of a document of the embedded corpus, rounded up. */
const DOCUMENT_TOKENS = 80;
/** Bytes that the store keeps of an answer, and of a text; rounded up from those of the embedded zoo. */
const KEPT_BYTES = { answers: 3, texts: 20_000 } as const;
/** Bytes that the store keeps of the key and all that is not an answer or text. */
const KEY_BYTES = 2000;

/** Numbers in all weights of a model. */
export function parameterCount(config: ModelConfig): number {
  return [...weightShapes(config).values()].reduce((sum, dims) => sum + elementCount(dims), 0);
}

/** Seconds of so many tokens; rates fall with the size of the model. */
function seconds(
  tokens: { readonly generated: number; readonly gradient: number },
  options: { readonly config: ModelConfig; readonly rates: Rates },
): number {
  const { config, rates } = options, larger = parameterCount(config) / rates.parameters;
  return larger *
    (tokens.generated / rates.generatedTokensPerSecond + tokens.gradient / rates.gradientTokensPerSecond);
}

/** Weights as they are computed with, and the values of one batch of rows or, if that is more, the cache of one row. */
function memory(
  config: ModelConfig,
  options: { readonly device: Device; readonly newTokens: number; readonly promptTokens: number },
): number {
  const { device, newTokens, promptTokens } = options, bytes = device === "cpu" ? 4 : 2;
  const cache = 2 * config.layers * config.kvHeads * config.headDim * (promptTokens + newTokens) * bytes;
  const { batchBytes } = new MemoryBudget({ memory: 1, device });
  return parameterCount(config) * bytes + Math.max(batchBytes, cache);
}

/**
 * What a measurement takes on a model of a shape: its answers are written, and the texts of all but evaluations are
 * read again.
 */
export function measurementCost(
  ask: Pick<Ask, "kind" | "total" | "unit" | "maxNewTokens">,
  options: { readonly config: ModelConfig; readonly rates: Rates },
): PartCost {
  const { config, rates } = options, { promptTokens, answerTokens, device } = rates;
  const { kind, total, unit, maxNewTokens: newTokens } = ask,
    generated = total * Math.min(newTokens, answerTokens);
  const passes = kind === "outcomes" ? 0 : FORWARD_SHARE * PASSES;
  return {
    seconds: seconds({ generated, gradient: passes * (total * promptTokens + generated) }, options),
    memoryBytes: memory(config, { device, newTokens, promptTokens }),
    diskBytes: KEY_BYTES + total * KEPT_BYTES[unit],
  };
}

/**
 * What it takes to make an artifact on a model of a shape; `made` is the share of its steps that an unfinished run has
 * made. A published model is brought, which takes no computing.
 */
export function artifactCost(
  artifact: ZooArtifact,
  options: { readonly config: ModelConfig; readonly rates: Rates; readonly made: number },
): PartCost {
  const { config, rates, made } = options, { promptTokens, answerTokens, device } = rates;
  const full = trainingCost(config, { trained: "full" }),
    vectors = trainingCost(config, { trained: "vectors" });
  const left = (tokens: { readonly generated: number; readonly gradient: number }) =>
    (1 - made) * seconds(tokens, options);
  const parameters = parameterCount(config);
  switch (artifact.kind) {
    case "published":
      return { seconds: 0, memoryBytes: 0, diskBytes: 2 * parameters };
    case "model": {
      const { steps, documentsPerStep } = artifact.config.training;
      const gradient = steps * documentsPerStep * DOCUMENT_TOKENS * full.flopsPerToken /
        vectors.flopsPerToken;
      return {
        seconds: left({ generated: 0, gradient }),
        memoryBytes: memory(config, { device, newTokens: 0, promptTokens }) + 3 * 4 * parameters,
        diskBytes: 2 * parameters,
      };
    }
    case "run": {
      const { steps, prompts, samples, maxNewTokens: newTokens, parameters: kind = "vectors" } =
        artifact.config;
      const rows = steps * prompts * samples, generated = rows * Math.min(newTokens, answerTokens);
      const cost = trainingCost(config, { trained: kind === "rank1" ? "vectors" : kind });
      const layers = kind === "full" ? 1 : artifact.config.layers.length / config.layers;
      const gradient = (rows * promptTokens + generated) * cost.flopsPerToken / vectors.flopsPerToken;
      return {
        seconds: left({ generated, gradient }),
        memoryBytes: memory(config, { device, newTokens, promptTokens }) + layers * cost.optimizerBytes,
        diskBytes: (kind === "full" ? 2 : 4) * layers * cost.parameters,
      };
    }
    case "autoencoder": {
      // It is trained on texts that are written and read again, as those of a measurement are.
      const { texts: total, maxNewTokens, features } = artifact.config;
      const read = measurementCost({ kind: "texts", unit: "texts", total, maxNewTokens }, options);
      return {
        ...{ ...read, seconds: (1 - made) * read.seconds },
        diskBytes: 4 * 2 * features * config.embed,
      };
    }
  }
}
