import { assertEquals } from "@std/assert";
import { openCheckpoint, writeRandomCheckpoint } from "../../lib/checkpoint/mod.ts";
import { tinyConfig } from "../checkpoint/_tiny_config.ts";
import { type Tensor, tensor } from "../../lib/core/mod.ts";
import {
  adapterFeeds,
  type Adapters,
  additionFeeds,
  layerMatrix,
  rolloutGraph,
  sampleRollouts,
} from "../../lib/decode/mod.ts";
import { fromBfloat16, toBfloat16 } from "../../lib/checkpoint/mod.ts";
import { type SiteName, siteName } from "../../lib/model/mod.ts";
import { GraphBuilder } from "../../lib/onnx/mod.ts";
import {
  ADAPTER_NAMES,
  type Edits,
  routeFeeds,
  routeOf,
  sequenceGraph,
  type SteeringRoute,
} from "../../lib/probe/mod.ts";
import { withFolder } from "../checkpoint/_folder.ts";
import { numbersOf, runGraph, withSession } from "../onnx/_run_graph.ts";
import { roundedTwin } from "../runtime/_rounded_twin.ts";
import { gridTargets } from "../probe/_targets.ts";
import { assertClose } from "../tolerances.ts";
import { randomVectors } from "./_tiny_model.ts";

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

/** What can be added to a model, each by a graph of its own. */
const ADDITIONS: readonly Edits[] = [
  { steer: [0, 1] },
  { steer: [0, 1], place: "post_attention_norm", asPublished: true },
  { steer: [0, 1], lastBlock: { mode: "k", head: 0 } },
  { steer: [0, 1], lastBlock: { mode: "head", head: 3, path: "residual" } },
  { steer: [0, 1], lastBlock: { mode: "skip_layer" } },
  { adapters: [0, 1], taps: ["blocks.0.adapter_scale", "blocks.1.down_out"] },
];

Deno.test("a bfloat16 sequence graph, rounded operation by operation, is near the float32 one", () =>
  withFolder(async (folder) => {
    await writeRandomCheckpoint(folder, { config: tinyConfig(), dtype: "bfloat16", seed: 4 });
    const checkpoint = await openCheckpoint(folder), { config, weightsFolder } = checkpoint;
    const taps = [0, 1].flatMap((layer) =>
      (["q", "attn_weights", "resid_post"] as const).map((kind): SiteName => siteName({ layer, kind }))
    );
    const wave = (rows: number, columns: number) =>
      tensor(
        "float32",
        [rows, columns],
        Array.from({ length: rows * columns }, (_, i) => Math.sin(i) / 9),
      );
    for (const additions of ADDITIONS) {
      const feeds: Record<string, Tensor> = {
        tokens: tensor("int64", [1, 7], ROW.slice(0, 7)),
        ...gridTargets([ROW.slice(1)], { rows: [[1, -2, 3, 0, 1, 2, -1]], compute: "float32" }),
        ...(additions.steer === undefined ? {} : { steering: wave(2, config.embed) }),
        ...(additions.adapters === undefined ? {} : {
          [ADAPTER_NAMES.inputs]: wave(2, config.neurons),
          [ADAPTER_NAMES.outputs]: wave(2, config.embed),
        }),
        ...routeFeeds(routeOf(additions), config),
      };
      const run = (compute: "float32" | "bfloat16") => {
        const graph = sequenceGraph({
          config,
          weights: checkpoint,
          compute,
          edits: { ...additions, taps: [...taps, ...additions.taps ?? []] },
          outputs: { logits: true, logProbs: true, steeringAdjoint: true },
        });
        return runGraph(compute === "float32" ? graph : roundedTwin(graph), { feeds, weightsFolder });
      };
      const [whole, rounded] = [await run("float32"), await run("bfloat16")];
      for (const [name, value] of Object.entries(whole)) {
        const a = numbersOf(rounded[name]), b = numbersOf(value);
        try {
          assertClose(a, b, "roundedBfloat16");
        } catch (error) {
          throw new Error(`${JSON.stringify(additions)}, ${name}: ${(error as Error).message}`);
        }
        // Were nothing rounded, nothing would be tested.
        assertEquals(a.some((number, index) => Math.abs(number - (b[index] as number)) > 0), true, name);
      }
    }
  }));

Deno.test("a bfloat16 rollout, rounded operation by operation, samples what its sequence graph scores", () =>
  withFolder(async (folder) => {
    await writeRandomCheckpoint(folder, { config: tinyConfig(), dtype: "bfloat16", seed: 4 });
    const checkpoint = await openCheckpoint(folder), { config, weightsFolder } = checkpoint;
    const stopTokens = [0], steeredLayers = [0, 1], steer = randomVectors(config, steeredLayers);
    const compute = "bfloat16" as const;
    const every = (length: number, value: number) => new Float32Array(length).fill(value);
    const adapters: Adapters = new Map([
      [1, { input: every(config.neurons, 0.5), output: every(config.embed, -0.3) }],
    ]);
    const ways: readonly (SteeringRoute & { readonly adapters?: Adapters })[] = [
      {},
      { place: "attention" },
      { lastBlock: { mode: "v", head: 1 } },
      { lastBlock: { mode: "head", head: 3 } },
      { adapters },
    ];
    for (const way of ways) {
      const adaptedLayers = way.adapters === undefined ? [] : [0, 1];
      const edits = { steer: steeredLayers, adapters: adaptedLayers, ...routeOf(way) };
      const graph = rolloutGraph({
        config,
        checkpoint,
        stopTokens,
        edits,
        compute,
      });
      const rollouts = await withSession(
        roundedTwin(graph),
        (session) =>
          sampleRollouts(
            {
              session,
              config,
              stopTokens,
              edits,
              feeds: () =>
                additionFeeds({ steer, ...way }, {
                  config,
                  layers: { steer: steeredLayers, operators: [], adapters: adaptedLayers },
                }),
            },
            [{ tokens: ROW, prompt: 0, sample: 0 }, { tokens: ROW.slice(3), prompt: 0, sample: 1 }],
            { maxNewTokens: 10, seed: 2 },
          ),
        { weightsFolder },
      );
      const scoring = roundedTwin(
        sequenceGraph({ config, weights: checkpoint, compute, edits, outputs: { logProbs: true } }),
      );
      for (const { promptTokens, tokens, logProbs } of rollouts) {
        const row = [...promptTokens, ...tokens], seq = row.length - 1;
        const { log_probs: scored } = await runGraph(scoring, {
          feeds: {
            tokens: tensor("int64", [1, seq], row.slice(0, -1)),
            ...gridTargets([row.slice(1)]),
            steering: layerMatrix(steer, { layers: steeredLayers, width: config.embed, action: "steer" }),
            ...adapterFeeds(way.adapters ?? new Map(), { layers: adaptedLayers, config }),
            ...routeFeeds(way, config),
          },
          weightsFolder,
        });
        assertClose(
          logProbs,
          numbersOf(scored).slice(promptTokens.length - 1),
          "roundedBfloat16LogProbability",
        );
      }
    }
  }));
