import { assertEquals } from "@std/assert";
import { modelConfigFrom } from "../../lib/checkpoint/mod.ts";
import { tinyConfig } from "../checkpoint/_tiny_config.ts";
import { tensor } from "../../lib/core/mod.ts";
import { rotaryFrequencies, rotaryTables } from "../../lib/model/mod.ts";
import { GraphBuilder } from "../../lib/onnx/mod.ts";
import { golden } from "../checkpoint/_folder.ts";
import { numbersOf, runGraph } from "../onnx/_run_graph.ts";
import { assertClose } from "../tolerances.ts";

Deno.test("rotaryTables() are the cosines and sines of p · θ^(−2i/head_dim)", async () => {
  const config = tinyConfig({ headDim: 6, ropeTheta: 500 });
  const g = new GraphBuilder("tables");
  g.input("x", "float64", ["n"]);
  const tables = rotaryTables(g, config, { count: "n", compute: "float64" });
  g.output("cos", tables.cos);
  g.output("sin", tables.sin);
  const out = await runGraph(g.build(), { feeds: { x: tensor("float64", [4], new Float64Array(4)) } });
  const angles = [0, 1, 2, 3].flatMap((p) => [0, 1, 2].map((i) => p / 500 ** (i / 3)));
  assertEquals(out["cos"]?.dims, [4, 3]);
  assertClose(numbersOf(out["cos"]), angles.map(Math.cos), "operatorFloat64");
  assertClose(numbersOf(out["sin"]), angles.map(Math.sin), "operatorFloat64");
});

Deno.test("rotaryFrequencies() scale by hand: fast angles stay, slow ones are divided, between goes over", () => {
  // Turns over N = 2000π positions are 1000 · f: f = 1 (1000 turns), 0.1 (100), 0.01 (10), 0.001 (1).
  const ropeScaling = {
    factor: 4,
    lowFreqFactor: 5,
    highFreqFactor: 105,
    originalMaxPositions: 2000 * Math.PI,
  };
  const frequencies = rotaryFrequencies(tinyConfig({ headDim: 8, ropeTheta: 10000, ropeScaling }));
  // 100 turns: m = 95/100; 10 turns: m = 5/100; 1 turn: below 5.
  const expected = [1, 0.1 * (0.95 + 0.05 / 4), 0.01 * (0.05 + 0.95 / 4), 0.001 / 4];
  assertClose(frequencies, expected, "float64Arithmetic");
});

interface RotaryGolden {
  readonly cases: Readonly<
    Record<string, {
      readonly head_dim: number;
      readonly rope_theta: number;
      readonly rope_scaling: Readonly<Record<string, unknown>> | null;
      readonly frequencies: readonly number[];
    }>
  >;
}

Deno.test("rotaryFrequencies() of published Llama 3 configs are those of transformers", async () => {
  const { cases } = await golden<RotaryGolden>("llama/rotary.json");
  assertEquals(Object.keys(cases), ["llama_3_1_8b", "llama_3_2_1b", "llama_3_8b"]);
  const zones = new Set<string>();
  for (const { head_dim, rope_theta, rope_scaling, frequencies } of Object.values(cases)) {
    const config = modelConfigFrom({
      model_type: "llama",
      num_hidden_layers: 1,
      hidden_size: 64,
      num_attention_heads: 1,
      num_key_value_heads: 1,
      head_dim,
      intermediate_size: 1,
      vocab_size: 1,
      max_position_embeddings: 131072,
      rms_norm_eps: 1e-5,
      hidden_act: "silu",
      rope_theta,
      rope_scaling,
    }, { where: "config.json" });
    const ours = rotaryFrequencies(config), plain = rotaryFrequencies({ ...config, ropeScaling: null });
    assertEquals(ours.length, frequencies.length);
    // Each against itself: the smallest are a millionth of the largest.
    const ratios = ours.map((frequency, i) => frequency / (frequencies[i] as number));
    assertClose(ratios, ratios.map(() => 1), "rotaryFrequencyFloat32");
    const factor = config.ropeScaling?.factor ?? 1;
    ours.forEach((frequency, i) => {
      const ratio = (plain[i] as number) / frequency;
      zones.add(ratio === 1 ? "fast" : Math.abs(ratio - factor) < 1e-9 ? "slow" : "between");
    });
  }
  assertEquals([...zones].sort(), ["between", "fast", "slow"]);
});
