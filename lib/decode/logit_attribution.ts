import { type Tensor, tensor } from "../core/mod.ts";
import { type SiteName, siteName } from "../model/mod.ts";
import { isIndex } from "../onnx/mod.ts";
import type { ModelGraphs } from "./_model_graphs.ts";
import { attributionGraph, READING_NAMES, unembedGraph } from "./_reading_graphs.ts";
import type { Additions } from "./additions.ts";
import { allLayers } from "./by_layer.ts";
import { lastTokens } from "./reading.ts";
import type { RunOptions, RunResult } from "./planned_run.ts";

/** Whose logits are told apart, and where. */
export interface LogitAttributionOptions extends Additions {
  /** The token that counts for. */
  readonly plus: number;
  /** The token that counts against. */
  readonly minus: number;
  /** Position whose next token is asked about. `@default` the last */
  readonly position?: number | undefined;
}

/**
 * What everything that is added to the residual stream gives to the difference of two logits at one position, with the
 * final norm's scale held, so that
 *
 *     difference = embedding + Σ attention + Σ mlp + Σ vectors,   attention of a layer = Σ its heads (+ W_O's bias)
 *
 * Source: direct logit attribution, Elhage et al. 2021, "A mathematical framework for transformer circuits".
 */
export interface LogitAttribution {
  /** Logit of `plus` minus that of `minus`. */
  readonly difference: number;
  /** Of the token's own embedding. */
  readonly embedding: number;
  /** Of each head, float [layers, heads]. */
  readonly heads: Tensor<"float32">;
  /** Of each layer's attention. */
  readonly attention: readonly number[];
  /** Of each layer's MLP, adapters included. */
  readonly mlp: readonly number[];
  /** Of each layer's steering vector. */
  readonly vectors: readonly number[];
}

/** See {@link LanguageModel.logitAttribution}; `run` is that of the model. */
export async function attributeLogits(
  graphs: ModelGraphs,
  tokens: readonly number[],
  options: LogitAttributionOptions & {
    readonly run: (rows: readonly (readonly number[])[], options: RunOptions) => Promise<RunResult>;
  },
): Promise<LogitAttribution> {
  const { plus, minus, position = tokens.length - 1, run, ...additions } = options,
    { config, checkpoint } = graphs;
  const { layers, heads, headDim, embed, vocab } = config, every = allLayers(config);
  const wrong = [plus, minus].find((token) => !isIndex(token, vocab));
  if (wrong !== undefined || !isIndex(position, tokens.length)) {
    throw new RangeError(
      `Cannot attribute logits as tokens must lie in [0, ${vocab}) and the position in [0, ${tokens.length}): ` +
        `current values are ${plus}, ${minus} and ${position}`,
    );
  }
  if (additions.lastBlock !== undefined && additions.lastBlock !== null) {
    throw new RangeError("Cannot attribute logits as the last block must be unpatched");
  }
  const kinds = ["head_out", "attn_out", "resid_mid", "mlp_out", "resid_post"] as const;
  const taps: SiteName[] = [
    "blocks.0.resid_pre",
    ...every.flatMap((layer) => kinds.map((kind) => siteName({ layer, kind }))),
  ];
  const result = await run([tokens.slice(0, position + 1)], { ...additions, taps, logits: "last" });
  const read = (site: SiteName) => lastTokens(result, site).data;
  const at = (layer: number, kind: typeof kinds[number]) => read(siteName({ layer, kind }));
  const added = (layer: number) => {
    const [mid, mlp] = [at(layer, "resid_mid"), at(layer, "mlp_out")];
    return at(layer, "resid_post").map((value, i) => value - (mid[i] as number) - (mlp[i] as number));
  };
  const steers = additions.steer !== undefined || additions.operators !== undefined;
  const parts = [
    read("blocks.0.resid_pre"),
    ...every.map((layer) => at(layer, "attn_out")),
    ...every.map((layer) => at(layer, "mlp_out")),
    ...every.map((layer) => steers ? added(layer) : new Float32Array(embed)),
  ];
  const laid = (rows: readonly Float32Array[], dims: readonly number[]) =>
    tensor("float32", dims, rows.flatMap((row) => [...row]));
  const build = () => attributionGraph({ config, checkpoint, compute: graphs.dtype });
  const feeds = {
    [READING_NAMES.streams]: tensor("float32", [1, embed], at(layers - 1, "resid_post")),
    [READING_NAMES.tokens]: tensor("int64", [2], [plus, minus]),
    [READING_NAMES.parts]: laid(parts, [parts.length, embed]),
    [READING_NAMES.heads]: laid(every.map((layer) => at(layer, "head_out")), [layers, heads, headDim]),
  };
  const lengths = { batch: parts.length };
  const out = await graphs.inTurn(() =>
    graphs.runGraph({ key: READING_NAMES.headScores, build }, { feeds, lengths })
  );
  const scores = [...out[READING_NAMES.partScores]?.data as Float32Array];
  const logits = result.logits?.data as Float32Array;
  return {
    difference: (logits[plus] as number) - (logits[minus] as number),
    embedding: scores[0] as number,
    heads: out[READING_NAMES.headScores] as Tensor<"float32">,
    attention: scores.slice(1, 1 + layers),
    mlp: scores.slice(1 + layers, 1 + 2 * layers),
    vectors: scores.slice(1 + 2 * layers),
  };
}

/** Final norm and unembedding of streams [.., embed], see {@link LanguageModel.unembed}. */
export async function unembedStreams(
  graphs: ModelGraphs,
  streams: Tensor<"float32">,
): Promise<Tensor<"float32">> {
  const { config, checkpoint } = graphs, { embed, vocab } = config, rows = streams.data.length / embed;
  if (streams.dims.at(-1) !== embed) {
    throw new RangeError(
      `Cannot unembed as streams must be [.., ${embed}]: current shape is [${streams.dims.join(", ")}]`,
    );
  }
  const build = () => unembedGraph({ config, checkpoint, compute: graphs.dtype });
  const feeds = { [READING_NAMES.streams]: tensor("float32", [rows, embed], streams.data) };
  const out = await graphs.inTurn(() =>
    graphs.runGraph({ key: READING_NAMES.streams, build }, { feeds, lengths: { batch: rows } })
  );
  const logits = out[READING_NAMES.logits]?.data as Float32Array;
  return tensor("float32", [...streams.dims.slice(0, -1), vocab], logits);
}
