import { assertEquals, assertThrows } from "@std/assert";
import { InputError } from "../../lib/core/mod.ts";
import {
  commandOf,
  type ExplorerState,
  FIRST_STATE,
  parseState,
  stateText,
} from "../../site/explorer_state.ts";

const STATES: readonly ExplorerState[] = [
  FIRST_STATE,
  { ...FIRST_STATE, strengths: {} },
  {
    family: "chain",
    number: 7,
    question: "",
    strengths: { "layer-6": -0.5, "my vectors*2.safetensors": 1.25 },
    opener: "To & from",
    temperature: 0,
    seed: 41,
    patch: "head:3/mlp",
  },
  { ...FIRST_STATE, family: null, number: 0, question: "What is 2 + 3? #%&" },
];

Deno.test("a link gives its state back", () => {
  for (const state of STATES) assertEquals(parseState(stateText(state)), state);
  assertEquals(parseState(""), FIRST_STATE);
});

Deno.test("a link that nobody wrote is refused by what is wrong with it", () => {
  const refused: Readonly<Record<string, string>> = {
    "problem=algebra/3": "the link names no problem",
    "problem=chain/3&seed=1.5": "the link's seed must be a whole number from 0",
    "problem=chain/3&temperature=9": "the link's temperature must be from 0 to 2",
    "problem=chain/3&with=all*much": "the link's strength must be from -1 to 3",
    "problem=chain/900": "the link's problem must be a whole number from 0 to 199",
  };
  for (const [text, message] of Object.entries(refused)) {
    assertThrows(() => parseState(text), InputError, message);
  }
});

Deno.test("commandOf() writes what a shell takes, and leaves out what is usual", () => {
  const manifest = {
    title: "Base A",
    folder: "model",
    vectors: "vectors",
    files: [],
    runtime: "",
    bytes: 0,
    path: "fixtures/embedded/base-a",
    runs: [{ run: "all", file: "all.seed-0.safetensors", path: "fixtures/v/all.seed-0.safetensors" }],
    opener: "To",
  };
  const given = { manifest, question: "It's 3x = 6?", gold: "2" };
  assertEquals(
    commandOf(FIRST_STATE, { ...given, steered: true }),
    `deno task answer 'It'\\''s 3x = 6?' --model fixtures/embedded/base-a --vectors fixtures/v/all.seed-0.safetensors --gold 2`,
  );
  const state = {
    ...FIRST_STATE,
    strengths: { all: 0.5, "a b": 2 },
    opener: "To",
    temperature: 0,
    seed: 3,
    patch: "skip-attn",
  };
  assertEquals(
    commandOf(state, { ...given, gold: null, steered: true }),
    `deno task answer 'It'\\''s 3x = 6?' --model fixtures/embedded/base-a --vectors fixtures/v/all.seed-0.safetensors*0.5 ` +
      `--vectors 'a b*2' --patch skip-attn --prefix To --temperature 0 --seed 3`,
  );
  const base = commandOf(state, { ...given, gold: null, steered: false });
  assertEquals([base.includes("--vectors"), base.includes("--patch"), base.includes("--prefix To")], [
    false,
    false,
    true,
  ]);
});
