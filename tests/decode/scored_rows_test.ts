import { assert, assertEquals } from "@std/assert";
import { openCheckpoint, writeRandomCheckpoint } from "../../lib/checkpoint/mod.ts";
import { tinyConfig } from "../checkpoint/_tiny_config.ts";
import { MemoryBudget } from "../../lib/decode/memory_budget.ts";
import { rolloutGraph } from "../../lib/decode/mod.ts";
import { rolloutRowBytes, RowMemory } from "../../lib/decode/scored_rows.ts";
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

Deno.test("rolloutRowBytes() is what a row takes at the widest of reading its prompt and of its last steps", () =>
  withFolder(async (folder) => {
    await writeRandomCheckpoint(folder, {
      config: tinyConfig({ maxPositions: 512 }),
      dtype: "float32",
      seed: 0,
    });
    const checkpoint = await openCheckpoint(folder), { config } = checkpoint;
    const graph = rolloutGraph({
      config,
      checkpoint,
      stopTokens: [0],
      edits: { steer: [0, 1] },
      packed: false,
    });
    const counted = (batch: number, of: { readonly prompt: number; readonly made: number }) => {
      const { prompt, made } = of, reading = made === 0;
      const settled = reading ? 0 : prompt + made - 32, recent = reading ? 0 : 32, now = reading ? prompt : 1;
      const lengths = {
        ...{
          batch,
          rows: batch,
          prompts: batch,
          seq: prompt,
          steps: made + 1,
          settled,
          recent,
          trips: 32,
          generated: made,
        },
        ...{ new: now, now, "recent+now": recent + now, settled_next: settled + 32, generated_next: made },
        ...{
          final_1: 32,
          final_generated: made,
          final_settled: settled + 32,
          final_recent: recent,
          final_now: 1,
        },
        ...{
          slots: recent + now + settled,
          final_batch: batch,
          final_rows: batch,
          final_prompts: batch,
          final_0: settled,
          final_new: 1,
          final_seq: prompt,
        },
      };
      return graphMemory(graph, { lengths, packed: false }).values;
    };
    for (const [prompt, made] of [[200, 40], [40, 400]] as const) {
      const perRow = Math.max(
        ...[0, made].map((at) => counted(9, { prompt, made: at }) - counted(8, { prompt, made: at })),
      );
      const told = rolloutRowBytes(config, { prompt, newTokens: made, elementBytes: 4 });
      assert(
        told > 0.7 * perRow && told < 2 * perRow,
        `${prompt} + ${made}: ${told} told, ${perRow} counted`,
      );
    }
  }));
