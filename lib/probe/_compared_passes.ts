import type { ModelConfig } from "../checkpoint/mod.ts";
import {
  type AppliedLastBlock,
  blockAt,
  type ComputeDType,
  type DecoderParts,
  embedTokens,
  sequenceAttention,
  untouched,
  type WeightSource,
} from "../model/mod.ts";
import type { Dim, GraphBuilder, Value } from "../onnx/mod.ts";
import type { AppliedEdits, Edits } from "./edits.ts";
import type { SteeringRoute } from "./steering_route.ts";

/** What changes a model that is compared with itself. */
export type ComparedEdits = Pick<Edits, "steer" | "operators" | "adapters" | "ablation"> & SteeringRoute;

/**
 * First block that edits change anything in.
 *
 * @throws {RangeError} where nothing is steered or adapted.
 */
export function firstChanged({ steer = [], operators = null, adapters = [] }: ComparedEdits): number {
  const first = Math.min(...steer, ...operators?.layers ?? [], ...adapters);
  if (Number.isFinite(first)) return first;
  throw new RangeError("Cannot compare streams as a layer must be steered or adapted: current value is none");
}

/** A model over one text, in a graph that may lie in another. */
export interface ComparedModel {
  readonly config: ModelConfig;
  readonly weights: WeightSource;
  readonly compute: ComputeDType;
  /** Symbol of the text's length. */
  readonly seq: Dim;
}

/** Streams from `start`, the one that enters block `first`, to behind the last block. */
function streamsFrom(
  g: GraphBuilder,
  model: ComparedModel,
  pass: Pick<DecoderParts, "site" | "adapter" | "lastBlock"> & {
    readonly first: number;
    readonly start: Value;
  },
): readonly Value[] {
  const { config, seq, compute } = model, { first, start, ...parts } = pass;
  const rows = { batch: 1, seq, compute, site: parts.site, shown: () => false };
  const attention = sequenceAttention(g, config, rows);
  const streams = [start];
  for (let layer = first; layer < config.layers; layer++) {
    streams.push(blockAt(g, streams.at(-1) as Value, { ...model, ...parts, attention, layer }));
  }
  return streams;
}

/** Streams of the unchanged model over `tokens` int64 [1, seq]: before the first block and behind each, [1, seq, embed]. */
export function baseStreams(g: GraphBuilder, tokens: Value, model: ComparedModel): readonly Value[] {
  return g.within("base", () => {
    return streamsFrom(g, model, { site: untouched, first: 0, start: embedTokens(g, tokens, model) });
  });
}

/** Streams of the changed model: the one that enters block `first`, in which nothing is changed yet, and behind each. */
export function changedStreams(
  g: GraphBuilder,
  base: readonly Value[],
  options: {
    readonly model: ComparedModel;
    readonly first: number;
    readonly applied: AppliedEdits;
    /** `@default` that of the edits */
    readonly lastBlock?: AppliedLastBlock | null;
  },
): readonly Value[] {
  const { model, first, applied: { site, siteOver, adapter, ablation, ...applied } } = options;
  const { lastBlock = applied.lastBlock } = options;
  return g.within("changed", () =>
    streamsFrom(g, model, {
      site: ablation === null ? site : siteOver(base[ablation.blocks] as Value),
      adapter,
      lastBlock,
      first,
      start: base[first] as Value,
    }));
}
