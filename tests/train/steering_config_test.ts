import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { InputError } from "../../lib/core/mod.ts";
import { parseSteeringConfig } from "../../lib/train/mod.ts";

const STEERING = {
  layers: [4, 1],
  seed: 0,
  steps: 60,
  prompts: 16,
  samples: 16,
  maxNewTokens: 96,
  learningRates: [0.05, 0.02],
  warmupShare: 0.03,
  maxNorm: 2,
  families: ["linear", "words"],
};

/** The one line that a bad config is refused with. */
function refusal(parse: () => unknown, where: string): string {
  const { message } = assertThrows(parse, InputError);
  assert(!message.includes("\n"), message);
  assertStringIncludes(message, where);
  return message;
}

Deno.test("parseSteeringConfig() keeps a good config as it is", () => {
  assertEquals<unknown>(parseSteeringConfig(STEERING, { where: "flags" }), STEERING);
});

Deno.test("parseSteeringConfig() refuses unknown, missing and impossible values, by name", () => {
  const cases: readonly (readonly [string, unknown])[] = [
    ["layers", []],
    ["layers", [-1, 0]],
    ["layers", [0.5, 1]],
    ["layers", [2, 2]],
    ["samples", 1],
    ["prompts", 0],
    ["steps", undefined],
    ["maxNewTokens", 0],
    ["learningRates", [0.1, 0]],
    ["warmupShare", 1.5],
    ["maxNorm", 0],
    ["families", []],
    ["families", ["geometry"]],
    ["seed", -3],
  ];
  for (const [key, value] of cases) {
    const message = refusal(
      () => parseSteeringConfig({ ...STEERING, [key]: value }, { where: "run.json" }),
      "run.json",
    );
    assertStringIncludes(message, `bad training config at ${key}`);
  }
  const unknown = refusal(
    () => parseSteeringConfig({ ...STEERING, klCoefficient: 0 }, { where: "run.json" }),
    "run.json",
  );
  assertStringIncludes(unknown, "klCoefficient");
  const short = refusal(
    () => parseSteeringConfig({ ...STEERING, learningRates: [0.1] }, { where: "run.json" }),
    "run.json",
  );
  assertStringIncludes(short, "learningRates must match layers");
});

Deno.test("parseSteeringConfig() knows the places of a vector, and leaves an unsaid one unsaid", () => {
  for (const place of ["mlp", "attention", "input_norm", "post_attention_norm"]) {
    assertEquals<unknown>(parseSteeringConfig({ ...STEERING, place }, { where: "flags" }), {
      ...STEERING,
      place,
    });
  }
  assertEquals("place" in parseSteeringConfig({ ...STEERING, place: undefined }, { where: "flags" }), false);
  const message = refusal(
    () => parseSteeringConfig({ ...STEERING, place: "head" }, { where: "run.json" }),
    "run.json",
  );
  assertStringIncludes(message, "place");
});

Deno.test("parseSteeringConfig() takes what is trained, with the layers and rates that it has", () => {
  const of = (change: Record<string, unknown>) =>
    parseSteeringConfig({ ...STEERING, ...change }, { where: "flags" });
  // The ordinary kind goes without saying, so that a run has one hash.
  assertEquals<unknown>(of({ parameters: "vectors" }), STEERING);
  assertEquals(of({ parameters: "adapter" }).parameters, "adapter");
  assertEquals<unknown>(of({ reward: "right" }), STEERING);
  assertEquals<unknown>(of({ reward: "random" }), { ...STEERING, reward: "random" });
  assertEquals<unknown>(of({ sharedPrompts: false }), STEERING);
  assertEquals<unknown>(of({ sharedPrompts: true }), { ...STEERING, sharedPrompts: true });
  assertEquals(of({ parameters: "rank1", learningRates: [0.1] }).layers, [4, 1]);
  assertEquals(of({ parameters: "full", layers: [], learningRates: [0.1] }).learningRates, [0.1]);
  const cases: readonly (readonly [Record<string, unknown>, string])[] = [
    [{ parameters: "lora" }, "at parameters"],
    [{ parameters: "adapter", learningRates: [0.1] }, "learningRates must match layers"],
    [{ parameters: "rank1" }, "be one with rank1 and full"],
    [{ parameters: "rank1", layers: [], learningRates: [0.1] }, "there must be layers"],
    [{ parameters: "full", learningRates: [0.1] }, "but for full training, which has none"],
    [{ parameters: "full", layers: [] }, "be one with rank1 and full"],
    [{ parameters: "adapter", place: "attention" }, "a place is for vectors and rank1 alone"],
    [{ parameters: "adapter", reward: "random" }, "random is for vectors alone"],
    [{ reward: "wrong" }, "at reward"],
    [
      { parameters: "full", layers: [], learningRates: [0.1], sharedPrompts: true },
      "prompts are shared by vectors, rank1 and adapters alone",
    ],
  ];
  for (const [change, message] of cases) {
    assertStringIncludes(refusal(() => of(change), "flags"), message);
  }
});
