import { checkOptions, DTYPE_BYTES } from "../core/mod.ts";
import { ADAPTER_SITE_KINDS, parseSite } from "../model/mod.ts";
import type { Edits } from "../probe/mod.ts";
import type { ModelGraphs, RolloutParts } from "./_model_graphs.ts";
import { type Additions, editsOf, plannedChanges, servedLayers } from "./additions.ts";
import { patchesOf } from "./patches.ts";
import {
  checkSampling,
  likelyShare,
  type RolloutEngine,
  type RolloutRequest,
  SAMPLING_OPTIONS,
  type SamplingOptions,
} from "./rollout.ts";
import { rolloutRowBytes } from "./scored_rows.ts";

/**
 * What of additions decides a rollout's graph. One graph of a route serves the base model and every set of vectors.
 */
export function rolloutParts(
  additions: Additions,
  { config }: Pick<ModelGraphs, "config">,
): RolloutParts & { readonly edits: Edits } {
  const edits = editsOf(additions, servedLayers(additions, config));
  return { edits: { ...edits, steerFactors: additions.steerAt !== undefined } };
}

/**
 * A session that draws tokens for requests, and how many rows it has room for.
 *
 * @throws {InputError} when it takes more memory than is set aside.
 * @throws {RangeError} for additions and patches that do not fit.
 * @throws {TypeError} for options that there are not.
 */
export async function rolloutEngine(
  graphs: ModelGraphs,
  requests: readonly RolloutRequest[],
  options: SamplingOptions & { readonly steps?: boolean },
): Promise<{ readonly engine: RolloutEngine; readonly rowsAtOnce: number }> {
  const { steps, ...sampling } = options, { config, budget } = graphs, { layers: count } = config;
  checkOptions(sampling, { known: SAMPLING_OPTIONS, action: "generate" });
  checkSampling(requests, { ...sampling, config });
  for (const site of patchesOf(options.patches).keys()) {
    const { kind } = parseSite(site, { layers: count, action: "patch" });
    if (kind !== "attn_weights" && !ADAPTER_SITE_KINDS.some((one) => one === kind)) continue;
    throw new RangeError(
      `Cannot patch "${site}" while generating as its kind must be another: patch it in a run`,
    );
  }
  const longest = Math.max(1, ...requests.map(({ tokens }) => tokens.length));
  const { edits, feeds } = plannedChanges(options, {
    config,
    layers: servedLayers(options, config),
    rows: requests.map(({ tokens, strength }) => ({ promptLength: tokens.length, strength })),
    seq: longest,
    factors: options.steerAt !== undefined || requests.some(({ strength }) => strength !== undefined),
    generates: true,
  });
  const plan = graphs.rolloutPlan({ edits, likeliest: likelyShare(options, config)?.sorted, steps });
  const { batchSize = 64, maxNewTokens } = options;
  const rowBytes = rolloutRowBytes(config, {
    prompt: longest,
    newTokens: maxNewTokens,
    elementBytes: DTYPE_BYTES[graphs.dtype],
  });
  const room = budget.bytes - plan.weightBytes;
  const rowsAtOnce = Math.max(1, Math.min(batchSize, requests.length, Math.floor(room / rowBytes)));
  const session = await graphs.sessions.session(plan, {
    valueBytes: rowsAtOnce * rowBytes,
    what: `a rollout of ${longest} + ${maxNewTokens} tokens`,
  });
  const engine = { session, config, stopTokens: config.eosTokenIds, edits, feeds };
  return { engine, rowsAtOnce };
}
