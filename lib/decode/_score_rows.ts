import type { Tensor } from "../core/mod.ts";
import { SEQUENCE_NAMES, type SequenceOutputs } from "../probe/mod.ts";
import type { ModelGraphs } from "./_model_graphs.ts";
import type { AddedLayers } from "./additions.ts";
import { checkPositions } from "./check_positions.ts";
import { targetFeeds } from "./scored_rows.ts";
import type { AdjointOptions } from "./scoring_options.ts";
import { patchesOf } from "./patches.ts";
import { plannedRun } from "./planned_run.ts";
import { overTargets, type TargetBatch, type WeightedRow } from "./target_batches.ts";

/**
 * Runs rows through a graph that scores their targets, in batches of as many as fit; adjoints of long rows compute their
 * blocks a second time. `take` sees what comes of each batch.
 */
export async function scoreRows(
  graphs: ModelGraphs,
  rows: readonly WeightedRow[],
  options: AdjointOptions & { readonly outputs: SequenceOutputs; readonly layers?: AddedLayers },
  take: (out: Readonly<Record<string, Tensor>>, batch: TargetBatch) => void,
): Promise<readonly (readonly number[])[]> {
  const { outputs, layers, maxTokens, sharedContexts: branched = false, ...changes } = options;
  const { config } = graphs, { vocab, maxPositions } = config;
  const positions = rows.map(({ tokens }) => tokens.length - 1); // the last token of a row is a target only
  checkPositions(positions, { config, action: "score" });
  const longest = Math.max(1, ...positions), weighted = outputs.steeringAdjoint === true;
  const { edits, feeds } = plannedRun(changes, {
    config,
    rows: rows.map(({ from, strength }) => ({ promptLength: from, strength })),
    seq: longest,
    layers,
    action: "score",
  });
  if (branched && patchesOf(changes.patches).size > 0) {
    throw new RangeError(
      "Cannot share contexts as there must be no patches beside: a row has no place of its own",
    );
  }
  const parts = { edits, outputs, branched }, plain = graphs.sequencePlan(parts);
  const plan = !weighted || graphs.rowMemory(plain).recompute(longest) === "nothing"
    ? plain
    : graphs.sequencePlan({ ...parts, recompute: "blocks" });
  const memory = graphs.rowMemory(plan);
  if (maxTokens !== undefined && !(maxTokens >= 1)) {
    throw new RangeError(
      `Cannot split rows as maxTokens must be at least 1: current value is ${maxTokens}`,
    );
  }
  const { weightBytes } = plan;
  graphs.budget.check({ weightBytes, valueBytes: memory.bytes(1, longest) }, `a row of ${longest} tokens`);
  const rowsAtOnce = maxTokens === undefined
    ? (seq: number) => memory.rowsAtOnce(seq)
    : (seq: number) => Math.floor(maxTokens / seq);
  const together = branched
    ? Math.max(longest, Math.min(maxTokens ?? Infinity, memory.longestRow(maxPositions)))
    : null;
  return await overTargets(rows, { vocab, rowsAtOnce, together }, async (batch) => {
    const [size, seq] = batch.tokens.dims as [number, number];
    const session = await graphs.sessions.session(plan, {
      valueBytes: memory.bytes(size, seq),
      what: `a batch of ${size} × ${seq} tokens`,
    });
    const out = await session.run({
      ...targetFeeds(batch, { chunk: graphs.targetChunk, weighted }),
      ...feeds({ rows: batch.rows, seq, places: batch.branched?.positions }),
    });
    take(out, batch);
    return out[SEQUENCE_NAMES.logProbs]?.data as Float32Array;
  });
}
