import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { type ModelConfig } from "../../lib/checkpoint/mod.ts";
import { tinyConfig } from "../checkpoint/_tiny_config.ts";
import type { Bench, ZooModel } from "../../lib/experiment/mod.ts";
import { table7 } from "../../reproductions/table7.ts";
import { checkFindings, valueOf } from "../reproductions/_reproduction.ts";
import { ScriptedLab, tooEarly } from "../reproductions/_scripted_lab.ts";
import { ROLES } from "../experiment/_tiny_zoo.ts";

/** Costs need a model's shape and no weights. */
function bench(config: ModelConfig): Bench {
  const checkpoint = { config, hash: () => Promise.resolve("ab") };
  const zoo = { entry: { name: "shape" }, layers: config.layers, model: { config, checkpoint } };
  return {
    lab: new ScriptedLab(tooEarly),
    roles: ROLES,
    open: () => Promise.resolve(zoo as unknown as ZooModel),
  };
}

const LARGE = tinyConfig({
  layers: 4,
  embed: 32,
  heads: 2,
  kvHeads: 1,
  headDim: 16,
  neurons: 48,
  vocab: 600,
});

Deno.test("table7 gives the paper's counts exactly from the published shape", async () => {
  const { lab, ...rest } = bench(LARGE), findings = await table7.run({ lab, ...rest });
  checkFindings(findings);
  const value = (name: string) => valueOf(findings, name) ?? NaN;
  assertEquals(value("parameters.paper.full"), 14_770_033_664);
  assertEquals(value("parameters.paper.vectors"), 245_760);
  // 13.8 GB and 240 KB on one of eight GPUs, two float32 moments each.
  assertAlmostEquals(value("optimizer_bytes_per_gpu.paper.full") / 2 ** 30, 13.8, 0.05);
  assertEquals(value("optimizer_bytes_per_gpu.paper.vectors"), 240 * 1024);
  assertEquals(value("sync_bytes.paper.vectors"), 2 * 245_760);
  assertEquals([value("parameters.a.vectors"), value("parameters.a.adapter")], [4 * 32, 4 * (32 + 48)]);
  assertEquals(value("optimizer_bytes.b.vectors"), 8 * 128);
  const drawn = JSON.stringify(findings.spec);
  for (const text of ["14.77 G", "245.8 K", "13.76 GiB", "240 KiB"]) assert(drawn.includes(text), text);
  assertEquals(lab.inputs, { "model.shape": "ab" });
});

Deno.test("table7 decides its claim both ways", async () => {
  const holds = async (config: ModelConfig) =>
    (await table7.run(bench(config))).claims.map((claim) => claim.holds);
  assertEquals(await holds(LARGE), [true]);
  // Wide blocks and few words: 64 vectors of 8 against blocks of some 500 numbers.
  const small = tinyConfig({ layers: 64, embed: 8, heads: 2, kvHeads: 1, headDim: 4, neurons: 4, vocab: 4 });
  assertEquals(await holds(small), [false]);
});
