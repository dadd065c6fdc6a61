import { assertEquals } from "@std/assert";
import { elementCount } from "../../lib/core/mod.ts";
import { type ModelConfig, weightShapes } from "../../lib/checkpoint/mod.ts";
import { tinyConfig } from "./_tiny_config.ts";

function parameters(config: ModelConfig): number {
  const shapes = weightShapes(config);
  return [...shapes.values()].reduce((sum, dims) => sum + elementCount(dims), 0);
}

Deno.test("weightShapes() adds up to the published parameter counts", () => {
  const qwen = {
    layers: 28,
    embed: 3584,
    heads: 28,
    kvHeads: 4,
    headDim: 128,
    neurons: 18944,
    vocab: 152064,
  };
  assertEquals(parameters(tinyConfig(qwen)), 7_615_616_512);
  const small = {
    layers: 28,
    embed: 1536,
    heads: 12,
    kvHeads: 2,
    headDim: 128,
    neurons: 8960,
    vocab: 151936,
  };
  assertEquals(parameters(tinyConfig({ ...small, tiedEmbeddings: true })), 1_543_714_304);
  const llama = {
    layers: 32,
    embed: 4096,
    heads: 32,
    kvHeads: 8,
    headDim: 128,
    neurons: 14336,
    vocab: 128256,
  };
  assertEquals(parameters(tinyConfig({ ...llama, architecture: "llama" })), 8_030_261_248);
  const qwen3 = {
    layers: 36,
    embed: 4096,
    heads: 32,
    kvHeads: 8,
    headDim: 128,
    neurons: 12288,
    vocab: 151936,
  };
  assertEquals(parameters(tinyConfig({ ...qwen3, architecture: "qwen3" })), 8_190_735_360);
  const mistral = { ...llama, vocab: 32768 };
  assertEquals(parameters(tinyConfig({ ...mistral, architecture: "mistral" })), 7_248_023_552);
});

Deno.test("weightShapes() has the biases and head norms of each family, and those that a config asks for", () => {
  const extras = (overrides: Partial<ModelConfig>) =>
    [...weightShapes(tinyConfig({ layers: 1, ...overrides }))].flatMap(([name, dims]) => {
      const short = name.replace("model.layers.0.", "");
      return /\.bias$|[qk]_norm/.test(short) ? [`${short} ${dims}`] : [];
    });
  const qkv = ["q_proj.bias 64", "k_proj.bias 32", "v_proj.bias 32"].map((name) => `self_attn.${name}`);
  const norms = ["self_attn.q_norm.weight 16", "self_attn.k_norm.weight 16"];
  const o = "self_attn.o_proj.bias 32";
  const mlp = ["mlp.gate_proj.bias 48", "mlp.up_proj.bias 48", "mlp.down_proj.bias 32"];
  const asked = { attentionBias: true, mlpBias: true } as const;
  assertEquals(extras({}), qkv);
  assertEquals(extras(asked), qkv, "no key of a qwen2 config switches its biases");
  assertEquals(extras({ architecture: "llama" }), []);
  assertEquals(extras({ architecture: "llama", attentionBias: true }), [...qkv, o]);
  assertEquals(extras({ architecture: "llama", ...asked }), [...qkv, o, ...mlp]);
  assertEquals(extras({ architecture: "mistral", ...asked }), []);
  assertEquals(extras({ architecture: "qwen3" }), norms);
  assertEquals(extras({ architecture: "qwen3", ...asked }), [...qkv, ...norms, o]);
});
