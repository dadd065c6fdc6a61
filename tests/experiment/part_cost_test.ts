import { assertEquals } from "@std/assert";
import { tinyConfig } from "../checkpoint/_tiny_config.ts";
import {
  artifactCost,
  measurementCost,
  parameterCount,
  parseProfile,
  type Rates,
  zooArtifacts,
} from "../../lib/experiment/mod.ts";

const config = tinyConfig({ layers: 8 });
const rates: Rates = {
  source: "by hand",
  device: "cpu",
  parameters: parameterCount(config),
  promptTokens: 28,
  answerTokens: 36,
  generatedTokensPerSecond: 1000,
  gradientTokensPerSecond: 2000,
};

Deno.test("measurementCost() is what answers take, and of texts what reading them twice does", () => {
  const asked = { total: 10, unit: "answers", maxNewTokens: 20 } as const;
  assertEquals(measurementCost({ ...asked, kind: "outcomes" }, { config, rates }).seconds, 10 * 20 / 1000);
  assertEquals(
    measurementCost({ ...asked, kind: "shifts" }, { config, rates }).seconds,
    10 * 20 / 1000 + 10 * (28 + 20) / 2000,
  );
});

Deno.test("artifactCost() is what the rest of a run's steps takes", async () => {
  const where = "./fixtures/profiles/embedded.json";
  const profile = parseProfile(JSON.parse(await Deno.readTextFile(where)), { where });
  const run = (await zooArtifacts(profile, { where })).find(({ name }) => name === "base-a/layer-3.seed-0");
  if (run === undefined) throw new Error("a run of the embedded zoo");
  // 60 steps of 12 × 16 rows: 36 new tokens each, and 64 that are differentiated.
  const seconds = 60 * 12 * 16 * (36 / 1000 + 64 / 2000);
  for (const made of [0, 0.25]) {
    assertEquals(artifactCost(run, { config, rates, made }).seconds, (1 - made) * seconds);
  }
});
