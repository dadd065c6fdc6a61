import type { Checkpoint, ModelConfig } from "../checkpoint/mod.ts";
import {
  type AccurateDType,
  accurateDType,
  blockAt,
  type ComputeDType,
  type DecoderParts,
  decoderStreams,
  embedTokens,
  fileWeights,
  sequenceAttention,
  type SiteHandler,
  siteName,
  unembed,
  untouched,
  type WeightSource,
} from "../model/mod.ts";
import { type Graph, GraphBuilder, type Value } from "../onnx/mod.ts";
import { addedAdjoints, type Recompute } from "./added_adjoints.ts";
import { type AppliedEdits, applyEdits, checkEdits, EDIT_NAMES, type Edits } from "./edits.ts";
import { targetScores } from "./target_scores.ts";

/** What a sequence graph gives back; outputs that are not asked for are not in the graph. */
export interface SequenceOutputs {
  /**
   * `logits` float [batch, seq, vocab]; of `"last"` [batch, vocab], those at the position of each row that the input
   * `last` int64 [batch] names. `@default false`
   */
  readonly logits?: boolean | "last";
  /**
   * `log_probs` float [chunks, chunk], at temperature 1, of the inputs `targets` int64 [chunks, chunk], which are
   * predicted at the inputs `target_places` int64 [chunks, chunk] of rows laid end to end: row · seq + position.
   * `@default false`
   */
  readonly logProbs?: boolean;
  /**
   * Adjoints of everything that the edits add, of each row's own loss −Σ w·log p(target), `w` the input
   * `target_weights` [chunks, chunk]: `steering_adjoint` float [steered layers, batch, embed] where a layer is steered,
   * `adapter_input_adjoint` float [adapted layers, batch, neurons] and `adapter_output_adjoint` float [adapted layers,
   * batch, embed] where one has an adapter. Implies the inputs of `logProbs`. Weights should be near 1: float16 ends
   * at 6e-8. `@default false`
   */
  readonly steeringAdjoint?: boolean;
  /**
   * Whether `steering_adjoint` is that of a vector of every position, [steered layers, batch, seq, embed], and adapters
   * have none. `@default false`
   */
  readonly perPosition?: boolean;
  /**
   * Adjoints of every tapped site's value, `adjoint.SITE` in the site's shape, of the same losses. Implies the inputs of
   * `logProbs` too. `@default false`
   */
  readonly siteAdjoints?: boolean;
}

/** Names of a sequence graph's own inputs and outputs. */
export const SEQUENCE_NAMES = {
  tokens: "tokens",
  positions: "positions",
  branches: "branches",
  targetPlaces: "target_places",
  targets: "targets",
  targetWeights: "target_weights",
  last: "last",
  logits: "logits",
  logProbs: "log_probs",
  steeringAdjoint: "steering_adjoint",
  adapterInputAdjoint: "adapter_input_adjoint",
  adapterOutputAdjoint: "adapter_output_adjoint",
} as const;

/**
 * The graph of whole right-padded sequences: tokens int64 [batch, seq] in; logits, log-probabilities, taps and
 * steering adjoints out, under declared edits.
 *
 * d loss / d s_l is, for each row, the sum over positions of the adjoint of the site where s_l is added (of
 * `blocks.l.resid_post` for the usual place), since it is added at every position; the engine's sum over broadcast
 * axes is that sum. Rows are kept apart so that a row's adjoint does not depend on what it shares a batch with.
 *
 * @throws {RangeError} for edits that the model cannot have, or adjoints of nothing.
 */
export function sequenceGraph(
  options: {
    readonly config: ModelConfig;
    readonly weights: Checkpoint | ((g: GraphBuilder) => WeightSource);
    readonly edits?: Edits;
    readonly outputs: SequenceOutputs;
    /** Type of matrices and residual stream; inputs and outputs are float32 under a 16-bit one. `@default "float32"` */
    readonly compute?: ComputeDType;
    /** What of the blocks the adjoints compute a second time, to hold less. `@default "nothing"` */
    readonly recompute?: Recompute | undefined;
    /**
     * Whether rows may branch: `positions` and `branches` int64 [batch, seq] are fed beside the tokens, see
     * {@link Branches}. `@default false`
     */
    readonly branched?: boolean | undefined;
  },
): Graph {
  const { config, outputs, compute = "float32", recompute = "nothing", branched = false } = options;
  const edits = checkEdits(options.edits ?? {}, config);
  const g = new GraphBuilder("sequence");
  const tokens = g.input(SEQUENCE_NAMES.tokens, "int64", ["batch", "seq"]);
  const branches = !branched ? null : {
    positions: g.input(SEQUENCE_NAMES.positions, "int64", ["batch", "seq"]),
    branches: g.input(SEQUENCE_NAMES.branches, "int64", ["batch", "seq"]),
  };
  const weights = typeof options.weights === "function"
    ? options.weights(g)
    : fileWeights(g, { checkpoint: options.weights, compute });
  const ones = (copies: "row" | "position") => onePer(g, tokens, { copies, dtype: accurateDType(compute) });
  const perRow = outputs.steeringAdjoint === true ? ones("row") : null;
  const perPosition = perRow !== null && outputs.perPosition === true ? ones("position") : null;
  const applied = applyEdits(g, edits, { config, compute, perRow, perPosition });
  const { adapter, lastBlock, ablation } = applied;
  const shown = (layer: number) =>
    [...edits.taps, ...edits.patches].includes(siteName({ layer, kind: "attn_weights" }));
  const streamUnder = (site: SiteHandler, more: Partial<DecoderParts> & { readonly blocks?: number }) => {
    const rows = { batch: "batch", seq: "seq", branches };
    const attention = sequenceAttention(g, config, { ...rows, compute, site, shown });
    const parts = { config, weights, attention, site, ...more };
    const streams = decoderStreams(g, embedTokens(g, tokens, parts), parts);
    return { parts, streams, residual: streams.at(-1) as Value };
  };
  const site = ablation === null ? applied.site : applied.siteOver(
    g.within("base", () => streamUnder(untouched, { blocks: ablation.blocks }).residual),
  );
  const { parts, streams, residual } = streamUnder(site, { adapter, lastBlock });
  for (const name of edits.taps) {
    const value = applied.tapped.get(name);
    if (value === undefined) throw new RangeError(`Cannot tap "${name}" as the graph never came to it`);
    g.output(EDIT_NAMES.tap(name), g.cast(value, accurateDType(compute)));
  }
  const wantsAdjoints = outputs.steeringAdjoint === true || outputs.siteAdjoints === true;
  const wantsLogProbs = outputs.logProbs === true || wantsAdjoints;
  if (outputs.logits === true) g.output(SEQUENCE_NAMES.logits, unembed(g, residual, parts)); // [batch, seq, vocab]
  if (outputs.logits === "last") {
    const last = g.input(SEQUENCE_NAMES.last, "int64", ["batch"]);
    const index = g.expand(g.unsqueeze(last, [1, 2]), ["batch", 1, config.embed]);
    const stream = g.gatherElements(residual, index, { axis: 1 });
    const logits = unembed(g, stream, parts); // [batch, 1, vocab]
    g.output(SEQUENCE_NAMES.logits, g.squeeze(logits, [1]));
  }
  if (outputs.steeringAdjoint === true && edits.lastBlock?.mode === "base") {
    throw new RangeError(
      `Cannot give steering adjoints as every vector must be added: mode "base" leaves out that of layer ${
        config.layers - 2
      }`,
    );
  }
  if (wantsAdjoints && ablation !== null) {
    throw new RangeError(
      "Cannot give adjoints as no feature may be ablated: which are active has none",
    );
  }
  if (wantsLogProbs) addScores(g, { streams, parts, outputs, applied, compute, recompute });
  return g.build();
}

/**
 * Ones [batch, 1 or seq, 1], made of tokens [batch, seq]: a shape of lengths put together would be made on the host.
 */
function onePer(
  g: GraphBuilder,
  tokens: Value,
  options: { readonly copies: "row" | "position"; readonly dtype: AccurateDType },
): Value {
  const { copies, dtype } = options;
  const first = copies === "position" ? tokens : g.slice(tokens, { axis: 1, start: 0, end: 1 });
  return g.unsqueeze(g.cast(g.apply("GreaterOrEqual", [first, g.scalar("int64", 0)]), dtype), [2]);
}

/** Log-probabilities of targets and, where they are asked for, adjoints of all that is added. */
function addScores(
  g: GraphBuilder,
  options: {
    readonly streams: readonly Value[];
    readonly parts: DecoderParts;
    readonly outputs: SequenceOutputs;
    readonly applied: AppliedEdits;
    readonly compute: ComputeDType;
    readonly recompute: Recompute;
  },
): void {
  const { streams, parts, outputs, applied, compute, recompute } = options, chunked = ["chunks", "chunk"];
  const wantsAdded = outputs.steeringAdjoint === true, wantsSites = outputs.siteAdjoints === true;
  const adapters = [...applied.adapters.values()];
  const perPosition = outputs.perPosition === true;
  const wanted = !wantsAdded ? [] : ([
    [SEQUENCE_NAMES.steeringAdjoint, [...applied.vectors.values()]],
    [SEQUENCE_NAMES.adapterInputAdjoint, perPosition ? [] : adapters.map(({ input }) => input)],
    [SEQUENCE_NAMES.adapterOutputAdjoint, perPosition ? [] : adapters.map(({ output }) => output)],
  ] as const).filter(([, values]) => values.length > 0);
  const sites = wantsSites ? [...applied.tapped] : [];
  if (wantsAdded && wanted.length === 0) {
    throw new RangeError(
      "Cannot give steering adjoints as at least one layer must be steered or adapted: current value is none",
    );
  }
  const { logProbs, normed, normedAdjoint } = targetScores(g, streams.at(-1) as Value, {
    ...parts,
    targets: {
      places: g.input(SEQUENCE_NAMES.targetPlaces, "int64", chunked),
      tokens: g.input(SEQUENCE_NAMES.targets, "int64", chunked),
      weights: wantsAdded || wantsSites
        ? g.input(SEQUENCE_NAMES.targetWeights, accurateDType(compute), chunked)
        : null,
    },
  });
  if (outputs.logProbs === true) g.output(SEQUENCE_NAMES.logProbs, logProbs);
  if (normedAdjoint === null) return;
  const block = (inner: GraphBuilder, stream: Value, layer: number) =>
    blockAt(inner, stream, { ...parts, layer });
  const adjoints = addedAdjoints(g, { streams, block, known: [normed, normedAdjoint] }, {
    of: [...sites.map(([, value]) => value), ...wanted.flatMap(([, values]) => values)],
    recompute,
  });
  sites.forEach(([site], index) =>
    g.output(EDIT_NAMES.adjoint(site), g.cast(adjoints[index] as Value, accurateDType(compute)))
  );
  let first = sites.length;
  for (const [name, values] of wanted) {
    const layers = adjoints.slice(first, first + values.length) // [batch, 1 or seq, width] each
      .map((adjoint) => perPosition ? g.unsqueeze(adjoint, [0]) : g.transpose(adjoint, [1, 0, 2]));
    g.output(
      name,
      layers.length === 1 ? layers[0] as Value : g.concat(layers, { axis: 0 }), // [layers, batch, width]
    );
    first += values.length;
  }
}
