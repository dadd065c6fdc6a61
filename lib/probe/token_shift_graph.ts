import type { Checkpoint, ModelConfig } from "../checkpoint/mod.ts";
import {
  type AppliedLastBlock,
  type ComputeDType,
  fileWeights,
  finalNorm,
  unembeddingName,
} from "../model/mod.ts";
import { type Graph, GraphBuilder, type Value } from "../onnx/mod.ts";
import { baseStreams, changedStreams, type ComparedEdits, firstChanged } from "./_compared_passes.ts";
import { applyEdits, checkEdits } from "./edits.ts";
import type { LastBlockPatch } from "./last_block_patch.ts";
import { applyLastBlock } from "./steering_route.ts";

/** Names of a token shift graph's own inputs and outputs. */
export const TOKEN_SHIFT_NAMES = {
  /** One text, int64 [1, seq]. */
  tokens: "tokens",
  /** Positions that are read, int64 [chunks, chunk]. */
  places: "places",
  /** Weights of the positions in each total, float64 [totals, chunks, chunk]. */
  weights: "weights",
  /** Tokens whose Δp is kept at every position, int64 [followed]. */
  follow: "follow",
  /** By pair and position float64 [chunks, chunk, pairs, {@link TOKEN_SHIFT_VALUES}]. */
  values: "values",
  /** By pair and position int64 [chunks, chunk, pairs, {@link TOKEN_SHIFT_TOKENS}]. */
  tokensFound: "tokens_found",
  /** Δp of followed tokens, float64 [chunks, chunk, pairs, followed]. */
  followed: "followed",
  /** Weighted sums of Δp over positions, float64 [totals, pairs, vocab]. */
  totals: "totals",
} as const;

/** Largest and smallest Δp, and KL(from ‖ to) in nats. */
export const TOKEN_SHIFT_VALUES = ["maxShift", "minShift", "klNats"] as const;

/** The tokens of these two, and the most likely one of either distribution. */
export const TOKEN_SHIFT_TOKENS = ["maxToken", "minToken", "baseToken", "steeredToken"] as const;

/** Ways of the vector of the layer before the last through the last block that name no heads. */
export type WholeRoute = Extract<LastBlockPatch["mode"], "no_patch" | "skip_attn" | "skip_layer" | "base">;

/**
 * What changes between next-token distributions along one text, Δp = p_to − p_from and KL(from ‖ to), from the
 * unchanged model to the changed one, or for pairs of routes of its vector through the last block: of each pair and
 * position a few numbers, of each pair sums of Δp over positions. No distribution leaves the graph, and those of one
 * chunk of positions are all that it holds. Softmax and all that follows are float64; of equal values that of the lower
 * token id counts.
 *
 * All passes share the blocks in front of the first one that is changed.
 *
 * @throws {RangeError} for edits that the model cannot have or that change nothing, and routes of a vector that is not there.
 */
export function tokenShiftGraph(
  options: {
    readonly config: ModelConfig;
    readonly weights: Checkpoint;
    readonly edits: ComparedEdits;
    /** `@default` one pair: the unchanged model, and the changed one */
    readonly pairs?: readonly (readonly [from: WholeRoute, to: WholeRoute])[] | undefined;
    /** How many weighted sums of Δp are taken. `@default 0` */
    readonly totals?: number | undefined;
    /** Type of matrices and residual stream; the unembedding is float32 of a 16-bit one. `@default "float32"` */
    readonly compute?: ComputeDType;
  },
): Graph {
  const { config, pairs = null, totals = 0, compute = "float32" } = options, { vocab, embed } = config;
  const ways = [...new Set(pairs?.flat() ?? [])];
  const routed = ways[0] === undefined ? {} : { lastBlock: { mode: ways[0] } };
  const edits = checkEdits({ ...options.edits, ...routed }, config), first = firstChanged(edits);
  const g = new GraphBuilder("token_shifts");
  const tokens = g.input(TOKEN_SHIFT_NAMES.tokens, "int64", [1, "seq"]);
  const places = g.input(TOKEN_SHIFT_NAMES.places, "int64", ["chunks", "chunk"]);
  const weights = g.input(TOKEN_SHIFT_NAMES.weights, "float64", [totals, "chunks", "chunk"]);
  const follow = g.input(TOKEN_SHIFT_NAMES.follow, "int64", ["followed"]);
  const model = {
    config,
    weights: fileWeights(g, { checkpoint: options.weights, compute }),
    compute,
    seq: "seq",
  };
  const applied = applyEdits(g, edits, { config, compute });
  const base = baseStreams(g, tokens, model);
  const changed = (lastBlock: AppliedLastBlock | null) =>
    changedStreams(g, base, { model, first, applied, lastBlock }).at(-1) as Value;
  const vector = applied.lastBlock?.vector as Value;
  const passes = new Map<string, Value>(
    pairs === null
      ? [["base", base.at(-1) as Value], ["changed", changed(applied.lastBlock)]]
      : ways.map((mode) => [mode, changed(applyLastBlock(g, { mode }, { config, vector, touched: [] }))]),
  );
  const compared: readonly (readonly [string, string])[] = pairs ?? [["base", "changed"]];
  const read = new Map([...passes].map(([name, stream]) => {
    const rows = g.reshape(g.cast(stream, "float32"), ["seq", embed]);
    return [name, finalNorm(g, g.gather(rows, places, { axis: 0 }), model)]; // [chunks, chunk, embed]
  }));
  const unembedding = model.weights.get(unembeddingName(config), "float32"); // [vocab, embed]
  const none = g.expand(g.constant("float64", [1, 1, 1], [0]), [totals, compared.length, vocab]);
  const results = g.loop({
    name: "scores",
    maxSteps: g.length("chunks"),
    steps: "chunks",
    carried: totals === 0 ? [] : [{ name: "totals", start: none }],
    body: (body, { step, carried }) => {
      const distributions = new Map([...read].map(([name, rows]) => {
        const logits = body.matMul(body.gather(rows, step, { axis: 0 }), unembedding, { transB: true });
        const logP = body.softmax(body.cast(logits, "float64"), { axis: 1, log: true }); // [chunk, vocab]
        return [name, { logP, p: body.apply("Exp", [logP]) }];
      }));
      const ofPairs = compared.map(([from, to]) =>
        comparedTokens(body, {
          from: distributions.get(from) as Distribution,
          to: distributions.get(to) as Distribution,
          follow,
        })
      );
      const side = (values: readonly Value[]) =>
        body.concat(values.map((value) => body.unsqueeze(value, [1])), { axis: 1 });
      const share = body.gather(weights, step, { axis: 1 }); // [totals, chunk]
      return {
        goOn: body.scalar("bool", 1),
        carried: carried.map((sums) =>
          body.add(sums, side(ofPairs.map(({ change }) => body.matMul(share, change))))
        ),
        collected: [
          side(ofPairs.map(({ values }) => values)),
          side(ofPairs.map(({ tokens }) => tokens)),
          side(ofPairs.map(({ followed }) => followed)),
        ],
      };
    },
  });
  const outputs = [TOKEN_SHIFT_NAMES.values, TOKEN_SHIFT_NAMES.tokensFound, TOKEN_SHIFT_NAMES.followed];
  [...(totals === 0 ? [] : [TOKEN_SHIFT_NAMES.totals]), ...outputs].forEach((name, at) =>
    g.output(name, results[at] as Value)
  );
  return g.build();
}

interface Distribution {
  readonly logP: Value;
  readonly p: Value;
}

/** One pair at the positions of a chunk: values [chunk, 3], tokens [chunk, 4], Δp of followed tokens and of all. */
function comparedTokens(
  g: GraphBuilder,
  of: { readonly from: Distribution; readonly to: Distribution; readonly follow: Value },
): Readonly<Record<"values" | "tokens" | "followed" | "change", Value>> {
  const { from, to, follow } = of, change = g.sub(to.p, from.p); // [chunk, vocab]
  const likeliest = (p: Value) => g.unsqueeze(g.apply("ArgMax", [p], { attributes: { axis: 1 } }), [1]); // [chunk, 1]
  const at = (token: Value) => g.gatherElements(change, token, { axis: 1 });
  const most = likeliest(change), least = likeliest(g.apply("Neg", [change]));
  const kl = g.reduce("sum", g.mul(from.p, g.sub(from.logP, to.logP)), { axes: [1], keepdims: true });
  const row = (parts: readonly Value[]) => g.concat(parts, { axis: 1 });
  return {
    values: row([at(most), at(least), kl]),
    tokens: row([most, least, likeliest(from.p), likeliest(to.p)]),
    followed: g.gather(change, follow, { axis: 1 }),
    change,
  };
}
