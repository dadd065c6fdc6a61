import { assert, assertEquals } from "@std/assert";
import { openCheckpoint, tinyConfig, writeRandomCheckpoint } from "../../lib/checkpoint/mod.ts";
import { MemoryBudget } from "../../lib/decode/memory_budget.ts";
import { RowMemory } from "../../lib/decode/scored_rows.ts";
import { graphMemory } from "../../lib/onnx/mod.ts";
import { sequenceGraph } from "../../lib/probe/mod.ts";
import { withFolder } from "../checkpoint/_folder.ts";

const CHUNK = 16, SEQ = 12;

/** The graph of a tiny model's adjoints, and what is known of its rows under a budget. */
function withRows(
  body: (of: {
    readonly rows: (budget: Pick<MemoryBudget, "bytes" | "batchBytes">, weightBytes?: number) => RowMemory;
    readonly counted: (rows: number) => number;
  }) => void,
): Promise<void> {
  return withFolder(async (folder) => {
    await writeRandomCheckpoint(folder, { config: tinyConfig(), dtype: "float32", seed: 0 });
    const weights = await openCheckpoint(folder), outputs = { logProbs: true, steeringAdjoint: true };
    const graph = sequenceGraph({ config: weights.config, weights, edits: { steer: [0, 1] }, outputs });
    body({
      rows: (budget, weightBytes = 0) =>
        new RowMemory({ graph, weightBytes }, {
          budget: Object.assign(new MemoryBudget({ memory: 1, device: "cpu" }), budget),
          chunk: CHUNK,
        }),
      counted: (rows) => {
        const chunks = Math.ceil(rows * SEQ / CHUNK), chunk = Math.ceil(rows * SEQ / chunks);
        return graphMemory(graph, { lengths: { batch: rows, seq: SEQ, chunks, chunk } }).values;
      },
    });
  });
}

Deno.test("RowMemory has as many rows run together as a batch's bytes or the room beside the weights hold", () =>
  withRows(({ rows, counted }) => {
    for (const asked of [2, 3, 7, 20]) {
      const room = counted(asked);
      const found = [
        rows({ bytes: 1e12, batchBytes: room }).rowsAtOnce(SEQ),
        rows({ bytes: room + 5e6, batchBytes: 1e12 }, 5e6).rowsAtOnce(SEQ),
      ];
      // Every further row is taken to need what the second does, scores by chunks included.
      for (const count of found) assert(Math.abs(count - asked) <= 1, `${count} of ${asked}`);
    }
    assertEquals(rows({ bytes: 1e12, batchBytes: 1 }).rowsAtOnce(SEQ), 1); // a row alone always runs
    assertEquals(rows({ bytes: 1e12, batchBytes: 1e12 }).bytes(3, SEQ), counted(3));
  }));

Deno.test("RowMemory has blocks computed again where one row takes more than twice a batch's bytes, or than there is", () =>
  withRows(({ rows, counted }) => {
    const one = counted(1);
    assertEquals(rows({ bytes: 1e12, batchBytes: one / 2 }).recompute(SEQ), "nothing");
    assertEquals(rows({ bytes: 1e12, batchBytes: one / 2 - 1 }).recompute(SEQ), "blocks");
    assertEquals(rows({ bytes: one + 10, batchBytes: 1e12 }, 10).recompute(SEQ), "nothing");
    assertEquals(rows({ bytes: one + 9, batchBytes: 1e12 }, 10).recompute(SEQ), "blocks");
  }));
