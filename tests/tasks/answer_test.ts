import { assertEquals, assertStringIncludes } from "@std/assert";
import { answer } from "../../tasks/answer.ts";
import { faultLine, runOn } from "./_tiny_zoo.ts";

const MODEL = "fixtures/embedded/base-a", VECTORS = "fixtures/embedded/vectors/base-a";
const ASKED = ["If 3n + 32 = 47, what is n?", "--model", MODEL];

Deno.test("answer says what the model says, and whether it is right", async () => {
  const all = `${VECTORS}/all.seed-0.safetensors`;
  const { code, output } = await runOn(answer, [
    ...ASKED,
    "--seed",
    "3",
    "--gold",
    "5",
    "--vectors",
    all,
    "--tokens",
  ]);
  const [text = "", tokens = "", verdict] = output.trimEnd().split("\n");
  assertEquals([code, verdict], [0, "right"]);
  assertStringIncludes(text, "\\boxed{5}");
  assertEquals(/^tokens: \d+( \d+)+$/.test(tokens), true);
  const base = await runOn(answer, [...ASKED, "--seed", "3", "--gold", "5"]);
  assertEquals([
    base.output.includes(text),
    (await runOn(answer, [...ASKED, "--seed", "3", "--vectors", `${all}*0`])).output,
  ], [
    false,
    base.output.split("\n")[0] + "\n",
  ]);
  const opened = await runOn(answer, [
    ...ASKED,
    "--prefix",
    "To",
    "--temperature",
    "0",
    "--max-new-tokens",
    "4",
  ]);
  assertEquals([opened.output.startsWith("To"), opened.error.includes("cut off after 4 tokens")], [
    true,
    true,
  ]);
});

Deno.test("answer refuses factors, vectors and patches that it cannot use, in one line", async () => {
  const line = async (...args: string[]) => faultLine(await runOn(answer, [...ASKED, ...args]));
  assertStringIncludes(
    await line("--vectors", `${VECTORS}/all.seed-0.safetensors*much`),
    '"much" is no factor',
  );
  assertStringIncludes(await line("--vectors", "none.safetensors"), "does not exist");
  assertStringIncludes(
    await line("--vectors", `${VECTORS}/place-attention-5.seed-0.safetensors`),
    'place "attention"',
  );
  assertStringIncludes(await line("--patch", "skip-attn"), "--patch routes the vector of layer 6");
});
