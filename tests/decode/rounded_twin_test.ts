import { assertEquals } from "@std/assert";
import { openCheckpoint, tinyConfig, writeRandomCheckpoint } from "../../lib/checkpoint/mod.ts";
import { type Tensor, tensor } from "../../lib/core/mod.ts";
import { rolloutGraph, sampleRollouts } from "../../lib/decode/mod.ts";
import { fromBfloat16, toBfloat16 } from "../../lib/checkpoint/mod.ts";
import { type SiteName, siteName } from "../../lib/model/mod.ts";
import { GraphBuilder } from "../../lib/onnx/mod.ts";
import { sequenceGraph } from "../../lib/probe/mod.ts";
import { withFolder } from "../checkpoint/_folder.ts";
import { numbersOf, runGraph, withSession } from "../onnx/_run_graph.ts";
import { roundedTwin } from "../runtime/_rounded_twin.ts";
import { assertClose } from "../tolerances.ts";

Deno.test("roundedTwin() rounds after every operation, as arithmetic by hand does", async () => {
  const g = new GraphBuilder("sum");
  const [a, b] = ["a", "b"].map((name) => g.cast(g.input(name, "float32", [4]), "bfloat16"));
  if (a === undefined || b === undefined) throw new Error("two inputs");
  g.output("y", g.cast(g.mul(g.add(a, b), b), "float32"));
  const round = (values: readonly number[]) => [...fromBfloat16(toBfloat16(Float32Array.from(values)))];
  const x = round([1, 1.0078125, 300, -7.3]), y = round([0.00390625, 2.71828, 1.5, 0.1]);
  const sum = round(x.map((value, index) => value + (y[index] as number)));
  const expected = round(sum.map((value, index) => value * (y[index] as number)));
  const feeds = { a: tensor("float32", [4], x), b: tensor("float32", [4], y) };
  assertEquals(numbersOf((await runGraph(roundedTwin(g.build()), { feeds }))["y"]), expected);
});

const ROW = [3, 1, 4, 1, 5, 9, 2, 6];

Deno.test("a bfloat16 sequence graph, rounded operation by operation, is near the float32 one", () =>
  withFolder(async (folder) => {
    await writeRandomCheckpoint(folder, { config: tinyConfig(), dtype: "bfloat16", seed: 4 });
    const checkpoint = await openCheckpoint(folder), { config, weightsFolder } = checkpoint;
    const taps = [0, 1].flatMap((layer) =>
      (["q", "attn_weights", "resid_post"] as const).map((kind): SiteName => siteName({ layer, kind }))
    );
    const feeds: Record<string, Tensor> = {
      tokens: tensor("int64", [1, 7], ROW.slice(0, 7)),
      targets: tensor("int64", [1, 7], ROW.slice(1)),
      target_weights: tensor("float32", [1, 7], [1, -2, 3, 0, 1, 2, -1].map((weight) => weight * 1e-5)),
      steering: tensor(
        "float32",
        [2, config.embed],
        Array.from({ length: 2 * config.embed }, (_, i) => Math.sin(i) / 9),
      ),
    };
    const run = (compute: "float32" | "bfloat16") => {
      const outputs = { logits: true, logProbs: true, steeringAdjoint: true };
      const graph = sequenceGraph({
        config,
        weights: checkpoint,
        compute,
        edits: { taps, steer: [0, 1] },
        outputs,
      });
      return runGraph(compute === "float32" ? graph : roundedTwin(graph), { feeds, weightsFolder });
    };
    const [whole, rounded] = [await run("float32"), await run("bfloat16")];
    for (const [name, value] of Object.entries(whole)) {
      const a = numbersOf(rounded[name]), b = numbersOf(value);
      try {
        assertClose(a, b, "roundedBfloat16");
      } catch (error) {
        throw new Error(`${name}: ${(error as Error).message}`);
      }
      // Were nothing rounded, nothing would be tested.
      assertEquals(a.some((number, index) => Math.abs(number - (b[index] as number)) > 0), true, name);
    }
  }));

Deno.test("a bfloat16 rollout, rounded operation by operation, samples what its sequence graph scores", () =>
  withFolder(async (folder) => {
    await writeRandomCheckpoint(folder, { config: tinyConfig(), dtype: "bfloat16", seed: 4 });
    const checkpoint = await openCheckpoint(folder), { config, weightsFolder } = checkpoint;
    const stopTokens = [0], steeredLayers = [0, 1];
    const graph = rolloutGraph({
      config,
      checkpoint,
      stopTokens,
      edits: { steer: steeredLayers },
      compute: "bfloat16",
      kernel: "concatenated", // casts around the fused one make ONNX Runtime reuse a buffer that is too short
    });
    const rollouts = await withSession(
      roundedTwin(graph),
      (session) =>
        sampleRollouts(
          { session, config, stopTokens, steeredLayers },
          [{ tokens: ROW, prompt: 0, sample: 0 }, { tokens: ROW.slice(3), prompt: 0, sample: 1 }],
          { maxNewTokens: 10, seed: 2 },
        ),
      { weightsFolder },
    );
    for (const { promptTokens, tokens, logProbs } of rollouts) {
      const row = [...promptTokens, ...tokens], seq = row.length - 1;
      const scoring = sequenceGraph({
        config,
        weights: checkpoint,
        compute: "bfloat16",
        outputs: { logProbs: true },
      });
      const { log_probs: scored } = await runGraph(roundedTwin(scoring), {
        feeds: {
          tokens: tensor("int64", [1, seq], row.slice(0, -1)),
          targets: tensor("int64", [1, seq], row.slice(1)),
        },
        weightsFolder,
      });
      assertClose(
        logProbs,
        numbersOf(scored).slice(promptTokens.length - 1),
        "roundedBfloat16LogProbability",
      );
    }
  }));
