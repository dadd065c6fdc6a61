import { assertEquals } from "@std/assert";
import { elementCount } from "../../lib/core/mod.ts";
import { type ModelConfig, tinyConfig, weightShapes } from "../../lib/checkpoint/mod.ts";

function parameters(config: ModelConfig, bias: boolean): number {
  const shapes = weightShapes(config, { biases: { q: bias, k: bias, v: bias } });
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
  assertEquals(parameters(tinyConfig(qwen), true), 7_615_616_512);
  const small = {
    layers: 28,
    embed: 1536,
    heads: 12,
    kvHeads: 2,
    headDim: 128,
    neurons: 8960,
    vocab: 151936,
  };
  assertEquals(parameters(tinyConfig({ ...small, tiedEmbeddings: true }), true), 1_543_714_304);
  const llama = {
    layers: 32,
    embed: 4096,
    heads: 32,
    kvHeads: 8,
    headDim: 128,
    neurons: 14336,
    vocab: 128256,
  };
  assertEquals(parameters(tinyConfig({ ...llama, architecture: "llama" }), false), 8_030_261_248);
});

Deno.test("weightShapes() has a bias for the projections that are asked for, and no other", () => {
  const names = [...weightShapes(tinyConfig(), { biases: { q: false, k: true, v: false } }).keys()];
  assertEquals(names.filter((name) => name.endsWith(".bias")), [
    "model.layers.0.self_attn.k_proj.bias",
    "model.layers.1.self_attn.k_proj.bias",
  ]);
});
