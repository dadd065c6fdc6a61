import { assert, assertEquals, assertThrows } from "@std/assert";
import { type ConfigJson, PUBLISHED } from "../../fixtures/golden/published_configs_cases.ts";
import { modelConfigFrom, unreadConfigKeys, weightShapes } from "../../lib/checkpoint/mod.ts";
import { elementCount, InputError, sha256 } from "../../lib/core/mod.ts";
import { rotaryFrequencies } from "../../lib/model/mod.ts";
import { assertClose } from "../tolerances.ts";
import { golden } from "./_folder.ts";

const where = "config.json";

/** What transformers makes of a config: see fixtures/golden/published_configs.py. */
interface Published {
  readonly class: string;
  readonly parameters: number;
  readonly shapes_sha256: string;
  readonly layers: number;
  readonly embed: number;
  readonly heads: number;
  readonly kv_heads: number;
  readonly head_dim: number;
  readonly neurons: number;
  readonly vocab: number;
  readonly rms_norm_eps: number;
  readonly tied: boolean;
  readonly max_position_embeddings: number;
  readonly sliding_window: number | null;
  readonly bos: number | null;
  readonly eos: number | readonly number[] | null;
  readonly frequencies: readonly number[];
}

Deno.test("configs as published families write them are read as transformers reads them", async () => {
  const { cases } = await golden<{ cases: Record<string, Published> }>("published_configs.json");
  assertEquals(Object.keys(cases), Object.keys(PUBLISHED));
  assert(Object.keys(cases).length >= 50);
  for (const [name, json] of Object.entries(PUBLISHED)) {
    const stated = cases[name] as Published, config = modelConfigFrom(json, { where });
    assertEquals([name, {
      layers: config.layers,
      embed: config.embed,
      heads: config.heads,
      kv_heads: config.kvHeads,
      head_dim: config.headDim,
      neurons: config.neurons,
      vocab: config.vocab,
      rms_norm_eps: config.rmsNormEps,
      tied: config.tiedEmbeddings,
      bos: config.bosTokenId,
      eos: config.eosTokenIds,
    }], [name, {
      layers: stated.layers,
      embed: stated.embed,
      heads: stated.heads,
      kv_heads: stated.kv_heads,
      head_dim: stated.head_dim,
      neurons: stated.neurons,
      vocab: stated.vocab,
      rms_norm_eps: stated.rms_norm_eps,
      tied: stated.tied,
      bos: stated.bos,
      eos: [stated.eos ?? []].flat(),
    }]);
    const positions = Math.min(stated.max_position_embeddings, stated.sliding_window ?? Infinity);
    assertEquals([name, config.maxPositions], [name, positions]);
    const shapes = [...weightShapes(config)];
    const parameters = shapes.reduce((sum, [, dims]) => sum + elementCount(dims), 0);
    assertEquals([name, parameters], [name, stated.parameters]);
    const text = shapes.map(([tensor, dims]) => `${tensor} ${dims.join(",")}`).sort().join("\n");
    assertEquals([name, sha256(text)], [name, stated.shapes_sha256]);
    const frequencies = rotaryFrequencies(config), step = Math.max(1, Math.floor(frequencies.length / 8));
    // transformers takes θ to a power in float32: the more, the further the power.
    assertClose(
      frequencies.filter((_, index) => index % step === 0).map(Math.log),
      stated.frequencies.map(Math.log),
      "rotaryFrequencyLogs",
    );
  }
});

Deno.test("what a published config says beyond its class is named, and nothing else", () => {
  const unread = (name: string) => unreadConfigKeys(PUBLISHED[name] as ConfigJson, { where });
  assertEquals(unread("HuggingFaceTB/SmolLM2-135M-Instruct"), [
    "initializer_range",
    "torch_dtype",
    "use_cache",
    "attention_dropout",
    "is_llama_config",
    "pad_token_id",
    "pretraining_tp",
    "rope_interleaved",
    "transformers_version",
    "transformers.js_config",
  ]);
  assertEquals(unread("Qwen2.5-7B, fine-tuned and merged").filter((key) => /^_|_fixed|unk/.test(key)), [
    "_attn_implementation",
    "_attn_implementation_autoset",
    "_name_or_path",
    "unk_token_id",
    "unsloth_fixed",
  ]);
});

/** Changes of a published config that are refused, with the key and the value that the message names. */
const REFUSED: readonly (readonly [model: string, changes: ConfigJson, message: string])[] = [
  ...["mixtral", "qwen2_moe", "qwen3_moe", "phi3", "gemma2", "gpt2", "Llama", "qwen2_vl"].map((type) =>
    ["mistralai/Mistral-7B-v0.3", { model_type: type }, `"model_type" in config.json: only`] as const
  ),
  ["Qwen/Qwen3-8B", { model_type: undefined }, '"model_type" is missing'],
  ["Qwen/Qwen3-8B", { architectures: ["Qwen3ForSequenceClassification"] }, "Qwen3ForSequenceClassification"],
  ["Qwen/Qwen3-8B", { architectures: ["Qwen3Model"] }, "current value is [Qwen3Model]"],
  ["Qwen/Qwen2.5-14B", { architectures: ["Qwen2ForRewardModel"] }, "Qwen2ForRewardModel"],
  ["Qwen/Qwen2.5-14B", { architectures: ["LlamaForCausalLM"] }, 'must be ["Qwen2ForCausalLM"]'],
  ...[
    { bits: 4, group_size: 128, quant_method: "gptq" },
    { bits: 4, quant_method: "awq", version: "gemm", zero_point: true },
    { quant_method: "fp8", weight_block_size: [128, 128] },
    { load_in_4bit: true, quant_method: "bitsandbytes" },
    { config_groups: {}, quant_method: "compressed-tensors" },
    {},
    false,
  ].map((quantization_config) =>
    [
      "meta-llama/Llama-3.1-8B-Instruct",
      { quantization_config },
      `"quantization_config" in config.json: quantised weights are not supported: current value is ${
        JSON.stringify(quantization_config)
      }`,
    ] as const
  ),
  ...["gelu", "gelu_new", "gelu_pytorch_tanh", "relu", "relu2", "silu_and_mul", "SiLU"].map((act) =>
    ["01-ai/Yi-6B", { hidden_act: act }, `"silu" or "swish" is supported: current value is "${act}"`] as const
  ),
  ["Qwen/Qwen2.5-Math-7B", { hidden_act: null }, '"hidden_act"'],
  ...([["yarn", 4], ["linear", 4], ["dynamic", 2], ["longrope", 1], ["su", 1], ["mrope", 1], [
    "ntk",
    1,
  ]] as const)
    .flatMap(([kind, factor]) =>
      ["rope_scaling.type", "rope_scaling.rope_type", "rope_parameters.rope_type"].map((path) => {
        const [place, key] = path.split(".") as [string, string];
        return [
          "Qwen/Qwen2-7B-Instruct",
          { [place]: { [key]: kind, factor, original_max_position_embeddings: 32768 } },
          `"${path}" in config.json: only "default" or "llama3" is supported: current value is "${kind}"`,
        ] as const;
      })
    ),
  ["Qwen/Qwen3-8B", { partial_rotary_factor: 0.5 }, '"partial_rotary_factor" in config.json: only 1 is'],
  [
    "Qwen/Qwen3-8B",
    { rope_parameters: { partial_rotary_factor: 0.25 } },
    '"rope_parameters.partial_rotary_factor"',
  ],
  ["Qwen/Qwen2.5-0.5B-Instruct", {
    use_sliding_window: true,
    sliding_window: 4096,
  }, 'current values are true and "sliding_window" 4096'],
  [
    "Qwen/Qwen3-8B",
    { use_sliding_window: true, sliding_window: 4096, max_window_layers: 0 },
    '"sliding_window" 4096',
  ],
  ["Qwen3-0.6B, saved again by transformers 5", {
    layer_types: Array.from({ length: 28 }, (_, l) => l % 2 === 0 ? "sliding_attention" : "full_attention"),
  }, '"layer_types[0]"'],
  ["Qwen3-0.6B, saved again by transformers 5", { layer_types: ["full_attention"] }, "must name 28 layers"],
  ["Qwen3-0.6B, saved again by transformers 5", {
    layer_types: Array.from({ length: 28 }, () => "linear_attention"),
  }, 'current value is "linear_attention"'],
  ["mistralai/Mistral-7B-v0.1", { sliding_window: 0 }, '"sliding_window" in config.json: must be at least 1'],
  ["meta-llama/Llama-2-7b-hf", { is_causal: false }, '"is_causal" in config.json: only true is supported'],
  [
    "meta-llama/Llama-2-7b-hf",
    { is_encoder_decoder: true },
    '"is_encoder_decoder" in config.json: only false',
  ],
  ["meta-llama/Llama-2-7b-hf", { per_layer_config: { "3": { sliding_window: 8 } } }, '"per_layer_config"'],
  [
    "meta-llama/Llama-2-7b-hf",
    { attention_bias: "yes" },
    '"attention_bias" in config.json: must be true or false',
  ],
  ["meta-llama/Llama-2-7b-hf", { mlp_bias: 1 }, '"mlp_bias" in config.json: must be true or false'],
  ["meta-llama/Llama-2-7b-hf", { rms_norm_eps: "1e-5" }, '"rms_norm_eps" in config.json: must be a number'],
  [
    "meta-llama/Llama-2-7b-hf",
    { head_dim: 127 },
    "the head width must be an even number: current value is 127",
  ],
  ["meta-llama/Llama-2-7b-hf", { hidden_size: 4100 }, "current value is 128.125"],
  ["meta-llama/Llama-2-7b-hf", { num_key_value_heads: 5 }, "current values are 32 and 5"],
  ["Qwen/Qwen3-8B", { num_key_value_heads: undefined }, '"num_key_value_heads" is missing'],
  ["mistralai/Mistral-7B-v0.3", { num_key_value_heads: undefined }, '"num_key_value_heads" is missing'],
  ...["hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "vocab_size"].map((
    key,
  ) => ["Qwen/Qwen3-8B", { [key]: undefined }, `"${key}" is missing in config.json`] as const),
  [
    "meta-llama/Llama-3.2-1B",
    { rope_theta: 10000, rope_parameters: { rope_theta: 500000 } },
    "10000 and 500000",
  ],
];

Deno.test("configs that ask for what is not supported are refused by the key's name and value", () => {
  assert(REFUSED.length >= 50);
  for (const [model, changes, message] of REFUSED) {
    const base = PUBLISHED[model];
    assert(base !== undefined, model);
    const json = JSON.parse(JSON.stringify({ ...base, ...changes }));
    const error = assertThrows(() => modelConfigFrom(json, { where }), InputError, message);
    assertEquals(error.message.includes("\n"), false);
  }
});
