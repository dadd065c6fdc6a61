import type { Tensor } from "../core/mod.ts";
import { SEQUENCE_NAMES, type SequenceOutputs } from "../probe/mod.ts";
import type { ModelGraphs } from "./_model_graphs.ts";
import type { AddedLayers } from "./additions.ts";
import { checkPositions } from "./check_positions.ts";
import { targetFeeds } from "./scored_rows.ts";
import { plannedRun, type ScoringOptions } from "./sequence_run.ts";
import { overTargets, type WeightedRow } from "./target_batches.ts";

/**
 * Runs rows through a graph that scores their targets, in batches of as many as fit; adjoints of long rows compute their
 * blocks a second time. `take` sees what comes of each batch.
 */
export async function scoreRows(
  graphs: ModelGraphs,
  rows: readonly WeightedRow[],
  options: ScoringOptions & { readonly outputs: SequenceOutputs; readonly layers?: AddedLayers },
  take: (out: Readonly<Record<string, Tensor>>, rows: readonly number[]) => void,
): Promise<readonly (readonly number[])[]> {
  const { outputs, layers, maxTokens, ...changes } = options, { config } = graphs, { vocab } = config;
  const positions = rows.map(({ tokens }) => tokens.length - 1); // the last token of a row is a target only
  checkPositions(positions, { config, action: "score" });
  const longest = Math.max(1, ...positions), weighted = outputs.steeringAdjoint === true;
  const { edits, feeds } = plannedRun(changes, {
    config,
    rows: rows.map(({ from, strength }) => ({ promptLength: from, strength })),
    seq: longest,
    ...(layers === undefined ? {} : { layers }),
    action: "score",
  });
  const plain = graphs.sequencePlan({ edits, outputs });
  const plan = !weighted || graphs.rowMemory(plain).recompute(longest) === "nothing"
    ? plain
    : graphs.sequencePlan({ edits, outputs, recompute: "blocks" });
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
  return await overTargets(rows, { vocab, rowsAtOnce }, async (batch) => {
    const [size, seq] = batch.tokens.dims as [number, number];
    const session = await graphs.sessions.session(plan, {
      valueBytes: memory.bytes(size, seq),
      what: `a batch of ${size} × ${seq} tokens`,
    });
    const out = await session.run({
      ...targetFeeds(batch, { chunk: graphs.targetChunk, weighted }),
      ...feeds({ rows: batch.rows, seq }),
    });
    take(out, batch.rows);
    return out[SEQUENCE_NAMES.logProbs]?.data as Float32Array;
  });
}
