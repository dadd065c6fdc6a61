import { assert, assertEquals, assertThrows } from "@std/assert";
import { baseConfig, CONFIG_CHANGES } from "../../fixtures/golden/config_keys_cases.ts";
import {
  ARCHITECTURES,
  type ModelConfig,
  modelConfigFrom,
  unreadConfigKeys,
} from "../../lib/checkpoint/mod.ts";
import { InputError } from "../../lib/core/mod.ts";
import { golden } from "./_folder.ts";

/** What transformers says of a change: see fixtures/golden/config_keys.py. */
type Verdict = "same" | "differs" | "cache differs" | "fails";

const where = "config.json";

/** Tokens that the golden's models ran over. */
const TOKENS = 20;

/** What this program does with a config: the model that it computes, or the message that refuses it. */
function reading(json: unknown): ModelConfig | string {
  try {
    return modelConfigFrom(json, { where });
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    assertEquals(error.message.includes("\n"), false);
    return error.message;
  }
}

/** Changes that transformers passes over and this program refuses, and why. */
const STRICTER: Readonly<Record<string, string>> = {
  '{"rope_parameters":{"full_attention":{"rope_theta":500,"rope_type":"default"}}}':
    "a class without kinds of layer passes over the angles that the file states",
  '{"partial_rotary_factor":0.5}': "earlier versions of the classes read it, and fail",
};

/** Changes that transformers cannot make a model of and this program takes, and why. */
const LAXER: Readonly<Record<string, string>> = {
  '{"layer_types":null}': "transformers makes a Mistral with that key another class, which wants a window",
  '{"layer_types":["full_attention","full_attention"]}': "as above",
  '{"layer_types":["attention","attention"]}': "as above",
  '{"rope_parameters":{"full_attention":{"rope_theta":500,"rope_type":"default"}}}':
    "Qwen's config class gives parameters by kind of layer, its model class cannot read them",
  '{"layer_types":["full_attention","sliding_attention"],"use_sliding_window":true,"sliding_window":4}':
    "Llama's blocks see all, and the cache that cannot mix kinds would cut to the window: no text may be longer",
};

/** Changes of the computation that are supported: what the model must then be. */
const COMPUTED: readonly ((config: ModelConfig) => unknown)[] = [
  (config) => config.ropeTheta === 500,
  (config) => config.ropeScaling !== null,
  (config) => config.rmsNormEps === 0.1,
  (config) => config.attentionBias,
  (config) => config.mlpBias,
];

for (const architecture of ARCHITECTURES) {
  Deno.test(`${architecture}: a change of config.json changes what transformers computes, or nothing here`, async () => {
    const { verdicts } = await golden<{ verdicts: Record<string, Record<string, Verdict>> }>(
      "config_keys.json",
    );
    const changes = CONFIG_CHANGES[architecture], answers = verdicts[architecture] ?? {};
    assertEquals(Object.keys(answers), Object.keys(changes));
    const base = modelConfigFrom(baseConfig(architecture), { where });
    const counts = { same: 0, refused: 0, computed: 0, narrowed: 0, stricter: 0, laxer: 0 };
    for (const [label, json] of Object.entries(changes)) {
      const verdict = answers[label] as Verdict, read = reading(json);
      const at = `${architecture} ${label}: ${verdict}, ${JSON.stringify(read)}`;
      if (verdict === "same") {
        if (typeof read === "string") {
          assert(label in STRICTER, at);
          counts.stricter++;
        } else {
          // A window as wide as the golden's text narrows the model, and the text still fits.
          assert(read.maxPositions >= TOKENS, at);
          const { slidingWindow: _, ...rest } = read;
          assertEquals({ ...rest, maxPositions: base.maxPositions }, base, at);
          counts.same++;
        }
      } else if (typeof read === "string") counts.refused++;
      else if (verdict === "fails" && !/_bias/.test(label)) {
        assert(label in LAXER, at);
        counts.laxer++;
      } else if (read.maxPositions < TOKENS) {
        assert(read.slidingWindow === read.maxPositions, at);
        counts.narrowed++;
      } else {
        assert(COMPUTED.some((differs) => differs(read) === true), at);
        counts.computed++;
      }
    }
    const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
    assertEquals([total, counts.same > 80, counts.refused > 10], [Object.keys(changes).length, true, true]);
  });
}

Deno.test("a key that a class does not read is named, whatever it holds", () => {
  for (const architecture of ARCHITECTURES) {
    const base = baseConfig(architecture), quiet = unreadConfigKeys(base, { where });
    for (
      const [key, value] of [
        ["_name_or_path", "a/b"],
        ["_attn_implementation", "flash_attention_2"],
        ["unk_token_id", null],
        ["unsloth_fixed", true],
        ["is_llama_config", true],
        ["rope_interleaved", false],
        ["transformers.js_config", { kv_cache_dtype: { q4f16: "float16" } }],
        ["pretraining_tp", 1],
        ["num_local_experts", 8],
        ["__proto__x", []],
      ] as const
    ) {
      assertEquals(unreadConfigKeys({ ...base, [key]: value }, { where }), [...quiet, key]);
    }
    const rope = { type: "llama3", factor: 2, low_freq_factor: 1, high_freq_factor: 4, beta_fast: 32 };
    assertEquals(unreadConfigKeys({ ...base, rope_scaling: rope }, { where }), [
      ...quiet,
      "rope_scaling.beta_fast",
    ]);
  }
});

Deno.test("keys that only other classes read are named, and refuse nothing", () => {
  const unread = (architecture: typeof ARCHITECTURES[number], keys: Record<string, unknown>) => {
    const base = baseConfig(architecture), quiet = unreadConfigKeys(base, { where });
    return unreadConfigKeys({ ...base, ...keys }, { where }).filter((key) => !quiet.includes(key));
  };
  assertEquals(unread("qwen2", { attention_bias: true, mlp_bias: "x" }), ["attention_bias", "mlp_bias"]);
  assertEquals(unread("mistral", { use_sliding_window: "x", max_window_layers: -1 }), [
    "use_sliding_window",
    "max_window_layers",
  ]);
  assertEquals(unread("qwen3", { mlp_bias: true, attention_chunk_size: 4 }), [
    "mlp_bias",
    "attention_chunk_size",
  ]);
  assertThrows(
    () => unread("qwen3", { attention_bias: "x" }),
    InputError,
    '"attention_bias" in config.json: must be true or false: current value is "x"',
  );
});
