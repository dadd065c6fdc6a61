import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { InputError } from "../../lib/core/mod.ts";
import { ARCHITECTURES, configJson, modelConfigFrom, readModelConfig } from "../../lib/checkpoint/mod.ts";
import { tinyConfig } from "./_tiny_config.ts";
import { CHECKPOINT_CASES } from "../../fixtures/golden/checkpoint_cases.ts";
import { golden, withFolder } from "./_folder.ts";

const where = "model/config.json";

/** The published config.json of Qwen2.5-Math-7B. */
const QWEN_MATH_7B = {
  architectures: ["Qwen2ForCausalLM"],
  attention_dropout: 0.0,
  bos_token_id: 151643,
  eos_token_id: 151643,
  hidden_act: "silu",
  hidden_size: 3584,
  initializer_range: 0.02,
  intermediate_size: 18944,
  max_position_embeddings: 4096,
  max_window_layers: 28,
  model_type: "qwen2",
  num_attention_heads: 28,
  num_hidden_layers: 28,
  num_key_value_heads: 4,
  rms_norm_eps: 1e-06,
  rope_theta: 10000,
  sliding_window: 4096,
  tie_word_embeddings: false,
  torch_dtype: "bfloat16",
  transformers_version: "4.43.1",
  use_cache: true,
  use_mrope: false,
  use_sliding_window: false,
  vocab_size: 152064,
};

/** Asserts that the published config with these changes is refused; `undefined` drops a key. */
function assertRefused(changes: Record<string, unknown>, message: string): void {
  const json = JSON.parse(JSON.stringify({ ...QWEN_MATH_7B, ...changes }));
  const error = assertThrows(() => modelConfigFrom(json, { where }), InputError, message);
  assertEquals(error.message.includes("\n"), false);
  assertEquals(error.message.includes(where), true, error.message);
}

Deno.test("modelConfigFrom() reads the published config of a paper's model", () => {
  assertEquals(modelConfigFrom(QWEN_MATH_7B, { where }), {
    architecture: "qwen2",
    layers: 28,
    embed: 3584,
    heads: 28,
    kvHeads: 4,
    headDim: 128,
    neurons: 18944,
    vocab: 152064,
    ropeTheta: 10000,
    ropeScaling: null,
    rmsNormEps: 1e-6,
    tiedEmbeddings: false,
    maxPositions: 4096,
    bosTokenId: 151643,
    eosTokenIds: [151643],
  });
});

Deno.test("configJson() and modelConfigFrom() invert each other", () => {
  for (
    const config of [
      ...ARCHITECTURES.map((architecture) => tinyConfig({ architecture, rmsNormEps: 0.125 })),
      tinyConfig({ architecture: "llama", attentionBias: true, mlpBias: true }),
      tinyConfig({ architecture: "qwen3", attentionBias: true }),
      tinyConfig({ architecture: "mistral", maxPositions: 40, slidingWindow: 40 }),
      tinyConfig(),
      tinyConfig({ tiedEmbeddings: true, kvHeads: 1, headDim: 6, bosTokenId: 5, eosTokenIds: [] }),
      tinyConfig({
        architecture: "llama",
        kvHeads: 4,
        eosTokenIds: [7, 3],
        ropeTheta: 5e5,
        rmsNormEps: 1e-5,
        ropeScaling: { factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPositions: 64 },
      }),
    ]
  ) {
    assertEquals(modelConfigFrom(configJson(config, { dtype: "bfloat16" }), { where }), config);
  }
});

Deno.test("modelConfigFrom() reads configs that transformers 5 saved", async () => {
  const { cases } = await golden<{ cases: Record<string, { resaved_config: unknown; class: string }> }>(
    "checkpoint.json",
  );
  assertEquals(Object.keys(cases).sort(), Object.keys(CHECKPOINT_CASES).sort());
  for (const [name, { config }] of Object.entries(CHECKPOINT_CASES)) {
    assertEquals(modelConfigFrom(cases[name]!.resaved_config, { where }), config, name);
  }
});

Deno.test("modelConfigFrom() takes rope_theta from wherever a version puts it, and refuses two that differ", () => {
  const theta = (changes: Record<string, unknown>) => {
    const { rope_theta: _, ...rest } = QWEN_MATH_7B;
    return modelConfigFrom({ ...rest, ...changes }, { where }).ropeTheta;
  };
  assertEquals(theta({}), 10000);
  assertEquals(theta({ rope_theta: 1e6 }), 1e6);
  assertEquals(
    theta({ rope_parameters: { rope_theta: 5e5, rope_type: "default" }, rope_scaling: null }),
    5e5,
  );
  assertRefused({ rope_parameters: { rope_theta: 1e6 } }, "states different rope_theta: 10000 and 1000000");
});

Deno.test("modelConfigFrom() refuses what would change the computation", () => {
  const narrow = { use_sliding_window: true, sliding_window: 1024, max_window_layers: 27 };
  assertRefused(
    narrow,
    `"use_sliding_window" in config.json: windows narrower than the model's 4096 positions are not supported in some ` +
      'layers: current values are true and "sliding_window" 1024',
  );
  assertRefused({ ...narrow, max_window_layers: 0 }, '"sliding_window" 1024');
  assertRefused({ layer_types: ["full_attention", "sliding_attention"] }, "layer_types must name 28 layers");
  assertRefused({ layer_types: ["full_attention"] }, "layer_types must name 28 layers");
  assertRefused({ layer_types: Array(28).fill("chunked_attention") }, "layer_types[0]");
  assertRefused({ hidden_act: "gelu" }, 'only "silu" or "swish" is supported: current value is "gelu"');
  assertRefused({ rope_scaling: { type: "yarn", factor: 4 } }, '"rope_scaling.type"');
  assertRefused(
    { rope_scaling: { rope_type: "dynamic", factor: 2 } },
    'only "default" or "llama3" is supported: current value is "dynamic"',
  );
  assertRefused({ rope_parameters: { partial_rotary_factor: 0.5 } }, "partial_rotary_factor");
  assertRefused({ quantization_config: {} }, "quantised weights are not supported: current value is {}");
  assertRefused({ is_encoder_decoder: true }, "is_encoder_decoder");
  assertRefused(
    { model_type: "mixtral" },
    'only "llama" or "mistral" or "qwen2" or "qwen3" is supported: current value is "mixtral"',
  );
  assertRefused({ architectures: ["LlamaForCausalLM"] }, 'architectures must be ["Qwen2ForCausalLM"]');
  assertRefused({ architectures: ["Qwen2ForSequenceClassification"] }, "Qwen2ForSequenceClassification");
});

Deno.test("modelConfigFrom() takes windows that cut nothing, and narrows a model whose layers are all cut alike", () => {
  const read = (changes: Record<string, unknown>) =>
    modelConfigFrom({ ...QWEN_MATH_7B, ...changes }, { where });
  const plain = read({});
  const sliding = { use_sliding_window: true, sliding_window: 1024 };
  assertEquals(read({ ...sliding, max_window_layers: 28 }), plain);
  assertEquals(read(sliding), plain);
  assertEquals(read({ ...sliding, sliding_window: 4096, max_window_layers: 0 }), plain);
  assertEquals(read({ ...sliding, sliding_window: null, max_window_layers: 0 }), plain);
  assertEquals(read({ sliding_window: 1, max_window_layers: 0 }), plain);
  assertEquals(read({ ...sliding, layer_types: Array(28).fill("full_attention") }), plain);
  const mistral = (changes: Record<string, unknown>) =>
    modelConfigFrom({
      ...configJson(tinyConfig({ architecture: "mistral" }), { dtype: "float32" }),
      ...changes,
    }, {
      where,
    });
  const whole = tinyConfig({ architecture: "mistral" });
  assertEquals(mistral({}), whole);
  for (const window of [null, 257, 4096]) assertEquals(mistral({ sliding_window: window }), whole);
  assertEquals(mistral({ sliding_window: 256 }), { ...whole, slidingWindow: 256 });
  assertEquals(mistral({ sliding_window: 255 }), { ...whole, maxPositions: 255, slidingWindow: 255 });
  const { max_position_embeddings: _, sliding_window: __, ...bare } = configJson(whole, { dtype: "float32" });
  assertEquals(modelConfigFrom(bare, { where }), { ...whole, maxPositions: 4096, slidingWindow: 4096 });
});

Deno.test("modelConfigFrom() takes the class's defaults for what a file leaves out", () => {
  const shape = (architecture: string) => ({
    model_type: architecture,
    hidden_size: 64,
    intermediate_size: 8,
    num_attention_heads: 4,
    num_hidden_layers: 1,
    vocab_size: 40,
  });
  const read = (json: Record<string, unknown>) => {
    const { kvHeads, headDim, rmsNormEps, ropeTheta, ropeScaling, tiedEmbeddings, ...rest } = modelConfigFrom(
      json,
      {
        where,
      },
    );
    const { maxPositions, bosTokenId, eosTokenIds } = rest;
    assertEquals([rmsNormEps, ropeTheta, ropeScaling, tiedEmbeddings], [1e-6, 10000, null, false]);
    return [kvHeads, headDim, maxPositions, bosTokenId, eosTokenIds];
  };
  const grouped = { num_key_value_heads: 2 };
  assertEquals(read(shape("llama")), [4, 16, 2048, 1, [2]]);
  assertEquals(read({ ...shape("mistral"), ...grouped, sliding_window: null }), [2, 16, 131072, 1, [2]]);
  assertEquals(read({ ...shape("qwen2"), ...grouped }), [2, 16, 32768, null, []]);
  assertEquals(read({ ...shape("qwen3"), ...grouped }), [2, 128, 32768, null, []]);
  const silent = { bos_token_id: null, eos_token_id: null, head_dim: null, tie_word_embeddings: null };
  assertEquals(read({ ...shape("llama"), ...silent }), [4, 16, 2048, null, []]);
});

/** The rotary part of the published config.json of Llama-3.1-8B-Instruct. */
const LLAMA_3_1_ROPE = {
  factor: 8.0,
  low_freq_factor: 1.0,
  high_freq_factor: 4.0,
  original_max_position_embeddings: 8192,
  rope_type: "llama3",
};

Deno.test("modelConfigFrom() reads Llama 3's scaling from wherever a version puts it", () => {
  const expected = { factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPositions: 8192 };
  const { rope_type: _, ...untyped } = LLAMA_3_1_ROPE;
  for (
    const changes of [
      { rope_scaling: LLAMA_3_1_ROPE },
      { rope_scaling: { ...untyped, type: "llama3" } },
      { rope_parameters: { ...LLAMA_3_1_ROPE, rope_theta: 10000 } },
      { rope_parameters: LLAMA_3_1_ROPE, rope_scaling: LLAMA_3_1_ROPE },
      { rope_parameters: LLAMA_3_1_ROPE, rope_scaling: null },
    ]
  ) {
    assertEquals(modelConfigFrom({ ...QWEN_MATH_7B, ...changes }, { where }).ropeScaling, expected);
  }
  assertEquals(modelConfigFrom({ ...QWEN_MATH_7B, rope_scaling: null }, { where }).ropeScaling, null);
  const first = { ...LLAMA_3_1_ROPE, original_max_position_embeddings: undefined };
  const original = (changes: Record<string, unknown>) =>
    modelConfigFrom({ ...QWEN_MATH_7B, rope_scaling: first, ...changes }, { where }).ropeScaling
      ?.originalMaxPositions;
  assertEquals([original({}), original({ original_max_position_embeddings: 64 })], [4096, 64]);
});

Deno.test("modelConfigFrom() takes angles by kind of layer where the class knows kinds, or would take the same", () => {
  const read = (architecture: "llama" | "qwen3", full_attention: unknown, theta: number | undefined) => {
    const json = configJson(tinyConfig({ architecture }), { dtype: "float32" });
    return modelConfigFrom({ ...json, rope_theta: theta, rope_parameters: { full_attention } }, { where })
      .ropeTheta;
  };
  const plain = { rope_type: "default", rope_theta: 500 };
  assertEquals([read("qwen3", plain, undefined), read("llama", plain, 500)], [500, 500]);
  assertThrows(
    () => read("llama", plain, undefined),
    InputError,
    '"rope_parameters.full_attention" in config.json: a model without kinds of layer passes over it and takes ' +
      'rope_theta 10000: current value is {"rope_type":"default","rope_theta":500}',
  );
  assertThrows(
    () => read("llama", { ...LLAMA_3_1_ROPE, rope_theta: 500 }, 500),
    InputError,
    "takes rope_theta 500",
  );
});

Deno.test("modelConfigFrom() refuses a scaling that is cut short, impossible or stated twice", () => {
  const needed = Object.keys(LLAMA_3_1_ROPE).filter((key) => !/^(rope_type|original_max)/.test(key));
  for (const key of needed) {
    assertRefused(
      { rope_scaling: { ...LLAMA_3_1_ROPE, [key]: undefined } },
      `"rope_scaling.${key}" is missing in config.json`,
    );
  }
  assertRefused(
    { rope_parameters: { ...LLAMA_3_1_ROPE, high_freq_factor: 1 } },
    '"rope_parameters.high_freq_factor" in config.json must be above low_freq_factor: current values are 1 and 1',
  );
  assertRefused(
    { rope_scaling: { ...LLAMA_3_1_ROPE, factor: 0.5 } },
    "must be at least 1: current value is 0.5",
  );
  assertRefused({ rope_scaling: { ...LLAMA_3_1_ROPE, low_freq_factor: 0 } }, "must be above 0");
  assertRefused(
    { rope_scaling: LLAMA_3_1_ROPE, original_max_position_embeddings: 4096 },
    "states different original_max_position_embeddings: 4096 and 8192",
  );
  for (const other of [{ rope_type: "default" }, { ...LLAMA_3_1_ROPE, factor: 32 }]) {
    assertRefused({ rope_scaling: LLAMA_3_1_ROPE, rope_parameters: other }, "states different scalings");
  }
});

Deno.test("modelConfigFrom() refuses missing and impossible numbers", () => {
  assertRefused({ hidden_size: undefined }, '"hidden_size" is missing in config.json');
  assertRefused({ num_key_value_heads: undefined }, '"num_key_value_heads" is missing');
  assertRefused({ eos_token_id: [1, 152064] }, "eos_token_id must be < 152064: current value is 152064");
  assertRefused({ bos_token_id: 152064 }, "bos_token_id must be < 152064: current value is 152064");
  assertRefused({ num_hidden_layers: 0 }, "must be at least 1: current value is 0");
  assertRefused({ num_hidden_layers: 2.5 }, "must be a whole number: current value is 2.5");
  assertRefused({ vocab_size: "152064" }, 'must be a whole number: current value is "152064"');
  assertRefused({ rms_norm_eps: 0 }, "must be above 0");
  assertRefused(
    { num_key_value_heads: 5 },
    "must be a multiple of num_key_value_heads: current values are 28 and 5",
  );
  assertRefused(
    { hidden_size: 3500 },
    "the head width must be an even number: current value is 125",
  );
  assertRefused({ eos_token_id: 152064 }, "eos_token_id must be < 152064");
  assertRefused({ eos_token_id: -1 }, "must be a token id: current value is -1");
  assertThrows(() => modelConfigFrom([], { where }), InputError, "config.json");
});

Deno.test("modelConfigFrom() counts one key head per head where the file says null", () => {
  assertEquals(modelConfigFrom({ ...QWEN_MATH_7B, num_key_value_heads: null }, { where }).kvHeads, 28);
});

Deno.test("readModelConfig() names the file that is missing or broken", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/config.json`;
    await assertRejects(() => readModelConfig(path), InputError, `does not exist: ${path}`);
    await Deno.writeTextFile(path, "{");
    await assertRejects(() => readModelConfig(path), InputError, `config.json is not valid JSON: ${path}`);
    await Deno.writeTextFile(path, '{"vocab_size": 1, "vocab_size": 2}');
    await assertRejects(() => readModelConfig(path), InputError, 'the key "vocab_size" twice');
  });
});

Deno.test("modelConfigFrom() refuses absurd sizes before anything is made of them", () => {
  const huge = 2 ** 31 - 1;
  assertRefused({ num_hidden_layers: huge }, '"num_hidden_layers" in config.json: must be at most 1024');
  assertRefused({ hidden_size: huge }, '"hidden_size" in config.json: must be at most 262144');
  assertRefused({ num_attention_heads: huge }, "must be at most 4096");
  assertRefused({ num_key_value_heads: huge }, "must be at most 4096");
  assertRefused({ head_dim: huge }, "must be at most 8192");
  assertRefused({ intermediate_size: huge }, "must be at most 1048576");
  assertRefused({ vocab_size: 2 ** 25 }, "must be at most 16777216");
  assertRefused({ max_position_embeddings: 2 ** 40 }, "must be at most");
  assertRefused({ rope_theta: 1e400 }, "rope_theta");
  assertRefused({ rms_norm_eps: -1 }, "must be above 0");
  assertRefused({ hidden_size: 1.5 }, "must be a whole number");
});
