import { assertEquals } from "@std/assert";
import { openCheckpoint, writeRandomCheckpoint } from "../../lib/checkpoint/mod.ts";
import { tinyConfig } from "../checkpoint/_tiny_config.ts";
import { type Tensor, tensor } from "../../lib/core/mod.ts";
import { sequenceGraph } from "../../lib/probe/mod.ts";
import { withFolder } from "../checkpoint/_folder.ts";
import { numbersOf, withSession } from "../onnx/_run_graph.ts";
import { assertClose } from "../tolerances.ts";

const TOKENS = [[3, 1, 4, 1], [5, 9, 2, 6], [5, 3, 5, 8]];

/** Four targets of rows 0 and 2, none of row 1. */
const TARGETS = [[0, 3, 17, 1], [0, 1, 60, -2], [2, 0, 4, 0.5], [2, 2, 4, 3]] as const;

/** Those targets in so many chunks of one length; what fills the last one up weighs nothing. */
function chunked(chunks: number, chunk: number): Record<string, Tensor> {
  const at = (of: (target: typeof TARGETS[number]) => number, rest: number) =>
    Array.from({ length: chunks * chunk }, (_, i) => TARGETS[i] === undefined ? rest : of(TARGETS[i]));
  return {
    target_places: tensor("int64", [chunks, chunk], at(([row, position]) => row * 4 + position, 0)),
    targets: tensor("int64", [chunks, chunk], at(([, , token]) => token, 0)),
    target_weights: tensor("float32", [chunks, chunk], at(([, , , weight]) => weight, 0)),
  };
}

Deno.test("targets give the same log-probabilities and adjoints, bit for bit, however they lie in chunks", () =>
  withFolder(async (folder) => {
    await writeRandomCheckpoint(folder, { config: tinyConfig(), dtype: "float32", seed: 1 });
    const checkpoint = await openCheckpoint(folder), { config, weightsFolder } = checkpoint;
    const tokens = tensor("int64", [3, 4], TOKENS.flat());
    const base = { config, weights: checkpoint, edits: { steer: [0, 1] } };
    const steering = tensor("float32", [2, config.embed], Array.from({ length: 64 }, (_, i) => Math.sin(i)));
    const outputs = { logProbs: true, steeringAdjoint: true };
    await withSession(sequenceGraph({ ...base, outputs }), async (session) => {
      const whole = await session.run({ tokens, steering, ...chunked(1, 4) });
      assertEquals(whole["log_probs"]?.dims, [1, 4]);
      for (const [chunks, chunk] of [[4, 1], [2, 2], [2, 3], [3, 2], [1, 9]] as const) {
        const parts = await session.run({ tokens, steering, ...chunked(chunks, chunk) });
        assertEquals(numbersOf(parts["log_probs"]).slice(0, 4), numbersOf(whole["log_probs"]));
        assertEquals(parts["steering_adjoint"], whole["steering_adjoint"]);
      }
      const adjoint = numbersOf(whole["steering_adjoint"]); // [2, 3, 32]
      const ofRow = (row: number) =>
        [0, 1].flatMap((layer) => adjoint.slice((layer * 3 + row) * 32).slice(0, 32));
      assertEquals(ofRow(1), new Array(64).fill(0)); // no target, no adjoint
      assertEquals([0, 2].map((row) => ofRow(row).some((value) => value !== 0)), [true, true]);
      const { logits } = await withSession(
        sequenceGraph({ ...base, outputs: { logits: true } }),
        (plain) => plain.run({ tokens, steering }),
        { weightsFolder },
      );
      const expected = TARGETS.map(([row, position, token]) => {
        const all = numbersOf(logits).slice((row * 4 + position) * config.vocab).slice(0, config.vocab);
        return (all[token] as number) - Math.log(all.reduce((sum, value) => sum + Math.exp(value), 0));
      });
      assertClose(numbersOf(whole["log_probs"]), expected, "logProbabilityFloat32");
    }, { weightsFolder });
  }));
