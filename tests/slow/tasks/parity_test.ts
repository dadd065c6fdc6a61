import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { writeParityCheckpoint } from "../../../fixtures/golden/parity_cases.ts";
import type { ParityRow } from "../../../lib/analysis/mod.ts";
import { openCheckpoint } from "../../../lib/checkpoint/mod.ts";
import { tinyConfig } from "../../checkpoint/_tiny_config.ts";
import { sha256 } from "../../../lib/core/mod.ts";
import { siteKindsOf } from "../../../lib/model/mod.ts";
import { parity, parityLines, worstByKind } from "../../../tasks/parity.ts";
import { faultLine, inFolder, runOn } from "../../tasks/_tiny_zoo.ts";

const NAME = "mqa_8_bfloat16";
const GOLDEN = new URL(`../../../fixtures/golden/llama/${NAME}.safetensors`, import.meta.url).pathname;

Deno.test("parity prints one row per value, a verdict, and writes the table", async () => {
  await inFolder(async (folder) => {
    const model = `${folder}/model`, out = `${folder}/new/parity.json`;
    await writeParityCheckpoint(model, `llama/${NAME}`);
    const args = ["--golden", GOLDEN, "--threads", "1"];
    const { code, output, error } = await runOn(parity, [...args, "--model", model, "--out", out]);
    assertEquals([code, error], [0, ""]);
    const lines = output.trimEnd().split("\n");
    assertEquals(lines.length, 1 + 31 + 1);
    assertMatch(
      lines[0] as string,
      /^value +max error +mean error +max \/ largest +same argmax +KL nats +verdict$/,
    );
    assertMatch(output, /^blocks\.1\.head_out +\d\.\de-\d+ +\d\.\de-\d+ +\d\.\de-\d+ +- +- +ok$/m);
    assertMatch(output, /^logits +\d\.\de-\d+ +\d\.\de-\d+ +\d\.\de-\d+ +100\.0 % +(0|\d\.\de-\d+) +ok$/m);
    assertMatch(output, /^steered\.decode +.* +100\.0 % +- +ok$/m);
    assertEquals(lines.at(-1), "all 31 values within 0.00001 of their largest element");
    const report = JSON.parse(await Deno.readTextFile(out));
    const [{ golden, inputs, table }] = report.comparisons;
    assertEquals(inputs, {
      model: await (await openCheckpoint(model)).hash(),
      golden: sha256(await Deno.readFile(GOLDEN)),
    });
    assertEquals([report.comparisons.length, golden, table.length], [1, `${NAME}.safetensors`, 31]);
    const verbose = await runOn(parity, [...args, "--model", model, "--verbose"]);
    assertEquals([verbose.output, verbose.error], [
      output,
      'note: keys of config.json that change nothing in a llama model: "attention_dropout", "torch_dtype", "use_cache"\n' +
      "note: answers end at token 0 (config.json), token 7 (config.json), token 13 (config.json)\n",
    ]);
    // Without --model the model is made again from the golden file: the same bits, the same table, nothing to note.
    const again = await runOn(parity, [...args, "--verbose"]);
    assertEquals([again.output, again.error], [output, ""]);
    const strict = await runOn(parity, [...args, "--tolerance", "1e-12"]);
    assertEquals(strict.code, 1);
    assertMatch(strict.output, /^\d+ of 31 values beyond 1e-12 of their largest element$/m);
  });
});

Deno.test("parityLines() judges errors by the tolerance and completions by their tokens", () => {
  const row = {
    name: "logits",
    maxError: 1,
    meanError: 0.5,
    relativeError: 0.25,
    argmaxAgreement: 0.5,
    klNats: 0,
  };
  const verdicts = (rows: readonly typeof row[], tolerance: number) =>
    parityLines(rows, tolerance).slice(1).map((line) => line.split(/ {2,}/).at(-1));
  assertEquals(verdicts([row, { ...row, name: "steered.decode" }], 0.25), ["ok", "beyond"]);
  assertEquals(verdicts([row, { ...row, relativeError: Infinity }], 0.2), ["beyond", "beyond"]);
});

Deno.test("parity without flags compares all shipped goldens and shows the worst of each kind", async () => {
  const { code, output, error } = await runOn(parity, ["--threads", "1"]);
  assertEquals([code, error], [0, ""]);
  const lines = output.trimEnd().split("\n");
  assertEquals(lines.slice(1, -1).map((line) => line.split(" ")[0]), [
    ...siteKindsOf(tinyConfig({ architecture: "qwen3" })),
    "logits",
    "log_probs",
    "decode",
    "steered.logits",
    "steered.log_probs",
    "steered.adjoint",
    "steered.decode",
  ]);
  assertEquals(lines.at(-1), "all 1261 values of 39 models within 0.00001 of their largest element");
});

Deno.test("worstByKind() takes the worst of every column over blocks and models", () => {
  const row = (name: string, error: number, rest: Partial<ParityRow> = {}): ParityRow => ({
    name,
    maxError: error,
    meanError: 1 / error,
    relativeError: error / 8,
    argmaxAgreement: null,
    klNats: null,
    ...rest,
  });
  const tables = [
    [row("blocks.0.q", 1), row("blocks.11.q", 4), row("logits", 1, { argmaxAgreement: 1, klNats: 3 })],
    [row("blocks.0.q", 2), row("logits", 2, { argmaxAgreement: 0.5, klNats: 2 })],
  ];
  assertEquals(worstByKind(tables), [
    { ...row("q", 4), meanError: 1 },
    { ...row("logits", 2, { argmaxAgreement: 0.5, klNats: 3 }), meanError: 1 },
  ]);
});

Deno.test("parity refuses other models, other files and bad flags with one line", async () => {
  await inFolder(async (folder) => {
    const model = `${folder}/model`;
    await writeParityCheckpoint(model, "llama/mha_16_float16_tied");
    const refused = async (...args: string[]) => faultLine(await runOn(parity, args));
    assertEquals(
      await refused("--model", model, "--golden", GOLDEN),
      `error: this golden file was made from another model: ${GOLDEN} (pass the model that it was made from)`,
    );
    assertStringIncludes(
      await refused("--model", model, "--golden", `${model}/model.safetensors`),
      "this is not a golden file of a model",
    );
    assertStringIncludes(await refused("--model", model, "--golden", `${folder}/none`), `${folder}/none`);
    assertStringIncludes(await refused("--model", model), "--golden is missing");
    assertStringIncludes(
      await refused("--model", model, "--golden", GOLDEN, "--tolerance", "0"),
      "must be above 0",
    );
  });
});
