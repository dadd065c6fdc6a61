import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  ChatTokenizer,
  fromFloat16,
  importGguf,
  type ImportGgufOptions,
  openCheckpoint,
  toBfloat16,
  toFloat16,
  type WeightDType,
} from "../../../lib/checkpoint/mod.ts";
import { ropeFactors } from "../../../lib/checkpoint/gguf/_gguf_rope.ts";
import { InputError, sha256 } from "../../../lib/core/mod.ts";
import { golden, withFolder } from "../_folder.ts";
import {
  bool,
  f32,
  i32s,
  type ModelParts,
  ramp,
  rawGguf,
  type RawTensor,
  type RawValue,
  text,
  texts,
  tinyGguf,
  u32,
} from "../_gguf_file.ts";

interface GoldenModel {
  readonly config: Readonly<Record<string, number | boolean>>;
  readonly tensors: Readonly<Record<string, { readonly shape: readonly number[]; readonly sha256: string }>>;
}
type Family = "llama" | "qwen2" | "qwen3";
const GOLDEN = await golden<{ readonly models: Readonly<Record<Family, GoldenModel>> }>("gguf_files.json");
const TOKENIZERS = await golden<
  Readonly<
    Record<
      "llama" | "qwen",
      {
        readonly variables: Record<string, string>;
        readonly texts: readonly { readonly text: string; readonly ids: readonly number[] }[];
        readonly chats: readonly {
          readonly messages: { role: string; content: string }[];
          readonly generation: boolean;
          readonly text: string;
          readonly ids: readonly number[];
        }[];
      }
    >
  >
>("chat_tokenizer.json");

const file = (family: Family) =>
  new URL(`../../../fixtures/golden/gguf/${family}.gguf`, import.meta.url).pathname;

/** Values of a tensor of a folder, in float32. */
async function valuesOf(folder: string, name: string): Promise<Float32Array> {
  const { weights } = await openCheckpoint(folder), entry = weights.get(name);
  assert(entry !== undefined, name);
  const bytes = await Deno.readFile(entry.file);
  const own = bytes.slice(entry.offset, entry.offset + entry.length).buffer;
  return entry.dtype === "float32"
    ? new Float32Array(own)
    : entry.dtype === "float16"
    ? fromFloat16(new Uint16Array(own))
    : Float32Array.from(new Uint16Array(own), (bits) =>
      new Float32Array(Uint32Array.of(bits << 16).buffer)[0] ?? 0);
}

/** Writes a file made of parts and imports it into a folder beside it. */
async function importRaw(
  folder: string,
  parts: ModelParts,
  options: Partial<ImportGgufOptions> = {},
): Promise<string> {
  const path = `${folder}/x.gguf`;
  await Deno.writeFile(path, rawGguf(parts));
  await importGguf(path, { out: `${folder}/out`, dtype: "float32", ...options });
  return `${folder}/out`;
}

const names = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

/** The one line that a file made of parts is refused with; nothing may be left behind. */
async function refusal(
  parts: ModelParts,
  options: Partial<ImportGgufOptions> = {},
): Promise<string> {
  let line = "";
  await withFolder(async (folder) => {
    const { message } = await assertRejects(() => importRaw(folder, parts, options), InputError);
    assert(!message.includes("\n"), message);
    assertStringIncludes(message, `${folder}/x.gguf`);
    assertEquals(names(folder), ["x.gguf"]);
    line = message;
  });
  return line;
}

const changed = (
  family: "llama" | "qwen2",
  changes: Readonly<Record<string, RawValue | null>>,
): ModelParts => {
  const { metadata, tensors } = tinyGguf(family);
  for (const [key, value] of Object.entries(changes)) {
    if (value === null) metadata.delete(key);
    else metadata.set(key, value);
  }
  return { metadata, tensors };
};

for (const family of ["llama", "qwen2", "qwen3"] as const) {
  Deno.test(`importGguf() gives every weight of ${family} that transformers reads from the same file`, () =>
    withFolder(async (folder) => {
      const out = `${folder}/model`, { config: expected, tensors } = GOLDEN.models[family];
      const { config, types } = await importGguf(file(family), { out, dtype: "float32" });
      assert(types.size >= 8, [...types.keys()].join());
      const { weights } = await openCheckpoint(out);
      assertEquals([...weights.keys()].sort(), Object.keys(tensors).sort());
      for (const [name, { shape, sha256: hash }] of Object.entries(tensors)) {
        assertEquals([name, weights.get(name)?.dims], [name, shape]);
        const values = await valuesOf(out, name);
        assertEquals([name, sha256(new Uint8Array(values.buffer))], [name, hash]);
      }
      assertEquals(expected, {
        rope_theta: config.ropeTheta,
        hidden_size: config.embed,
        intermediate_size: config.neurons,
        num_attention_heads: config.heads,
        num_hidden_layers: config.layers,
        num_key_value_heads: config.kvHeads,
        max_position_embeddings: config.maxPositions,
        rms_norm_eps: config.rmsNormEps,
        tie_word_embeddings: config.tiedEmbeddings,
        vocab_size: config.vocab,
      });
    }));

  Deno.test(`importGguf() gives the tokenizer and chat template of ${family} as the file's source has them`, () =>
    withFolder(async (folder) => {
      const out = `${folder}/model`,
        source = family === "llama" ? "llama" : "qwen",
        known = TOKENIZERS[source];
      const { tokenizer: told, config } = await importGguf(file(family), { out });
      const tokenizer = await ChatTokenizer.open(out, { vocab: config.vocab });
      const original = await ChatTokenizer.open(
        new URL(`../../../fixtures/golden/tokenizers/${source}`, import.meta.url).pathname,
      );
      assertEquals(told, { tokens: original.vocab, split: family === "llama" ? "llama-bpe" : "qwen2" });
      assertEquals(tokenizer.specialTokenIds, original.specialTokenIds);
      for (const { text, ids } of known.texts) assertEquals([text, tokenizer.encode(text)], [text, ids]);
      for (const { messages, generation, text, ids } of known.chats) {
        const options = { variables: known.variables, addGenerationPrompt: generation };
        assertEquals(tokenizer.renderChat(messages, options), text);
        assertEquals(tokenizer.encodeChat(messages, options), ids);
      }
      const { config: opened } = await openCheckpoint(out);
      const ends = family === "llama" ? ["<|end_of_text|>", "<|eot_id|>"] : ["<|im_end|>"];
      // What the file names comes first; what only the template names, such as the begin of a turn, comes after it.
      const named = ends.map((token) => tokenizer.tokenId(token) as number);
      assertEquals(opened.eosTokenIds.slice(0, named.length), named);
      assertEquals(tokenizer.eosTokenId, opened.eosTokenIds[0]);
      assertEquals(opened.bosTokenId, original.bosTokenId);
    }));
}

Deno.test("importGguf() rounds to the type that is asked for, and to bfloat16 where none is", () =>
  withFolder(async (folder) => {
    const name = "model.layers.1.mlp.down_proj.weight";
    await importGguf(file("llama"), { out: `${folder}/float32`, dtype: "float32" });
    const exact = await valuesOf(`${folder}/float32`, name);
    for (const dtype of ["bfloat16", "float16"] as const) {
      const out = `${folder}/${dtype}`;
      await importGguf(file("llama"), { out, ...(dtype === "bfloat16" ? {} : { dtype }) });
      const { weights } = await openCheckpoint(out);
      assertEquals(new Set([...weights.values()].map((entry) => entry.dtype)), new Set<WeightDType>([dtype]));
      const entry = weights.get(name);
      assert(entry !== undefined);
      const bytes = await Deno.readFile(entry.file);
      const stored = new Uint16Array(bytes.slice(entry.offset, entry.offset + entry.length).buffer);
      assertEquals(stored, dtype === "bfloat16" ? toBfloat16(exact) : toFloat16(exact));
    }
  }));

Deno.test("importGguf() gives the same bytes each time, and says how far it is", () =>
  withFolder(async (folder) => {
    const seen: number[] = [];
    const { bytes } = await importGguf(file("qwen2"), {
      out: `${folder}/a`,
      onProgress: ({ bytes, of }) => void seen.push(bytes / of),
    });
    await importGguf(file("qwen2"), { out: `${folder}/deep/b` });
    assertEquals(names(`${folder}/a`), [
      "chat_template.jinja",
      "config.json",
      "generation_config.json",
      "model.safetensors",
      "tokenizer.json",
      "tokenizer_config.json",
    ]);
    for (const name of names(`${folder}/a`)) {
      assertEquals(
        await Deno.readFile(`${folder}/a/${name}`),
        await Deno.readFile(`${folder}/deep/b/${name}`),
      );
    }
    assertEquals([seen.at(-1), seen.toSorted((a, b) => a - b)], [1, seen]);
    assertEquals(names(folder), ["a", "deep"]);
    assert(bytes > 0 && (await Deno.stat(`${folder}/a/model.safetensors`)).size > bytes);
  }));

/** Rows of a tensor of the file in Hugging Face's order: row 2i + j of a head is row j·half + i there. */
function separated(
  values: Float32Array,
  shape: { readonly headDim: number; readonly width: number },
): Float32Array {
  const { headDim, width } = shape, out = new Float32Array(values.length);
  for (let row = 0; row < values.length / width; row++) {
    const head = Math.floor(row / headDim), i = Math.floor((row % headDim) / 2), j = row % 2;
    const to = head * headDim + j * headDim / 2 + i;
    for (let column = 0; column < width; column++) {
      out[to * width + column] = values[row * width + column] as number;
    }
  }
  return out;
}

Deno.test("importGguf() puts rows of q and k of llama in order, weights and biases, and no others", () =>
  withFolder(async (folder) => {
    // The rows of q have more numbers than are held at once.
    for (
      const { family, embed, headDim } of [
        { family: "llama", embed: 8, headDim: 4 },
        { family: "llama", embed: 1024, headDim: 768 },
        { family: "qwen2", embed: 8, headDim: 4 },
      ] as const
    ) {
      const parts = tinyGguf(family, { embed, headDim, layers: 1 });
      const widths = { attn_q: 2 * headDim, attn_k: headDim, attn_v: headDim };
      const own = { attn_output: embed, ffn_gate: 12, ffn_up: 12, ffn_down: embed };
      for (const [part, width] of Object.entries({ ...widths, ...(family === "llama" ? own : {}) })) {
        parts.tensors.push({
          name: `blk.0.${part}.bias`,
          type: 0,
          shape: [width],
          bytes: ramp(width, 7),
        });
      }
      const out = await importRaw(folder, parts);
      for (const part of ["q", "k", "v"]) {
        for (const kind of ["weight", "bias"]) {
          const stored = parts.tensors.find(({ name }) => name === `blk.0.attn_${part}.${kind}`) as RawTensor;
          const values = new Float32Array(stored.bytes.slice().buffer), width = kind === "bias" ? 1 : embed;
          const moved = family === "llama" && part !== "v" ? separated(values, { headDim, width }) : values;
          const got = await valuesOf(out, `model.layers.0.self_attn.${part}_proj.${kind}`);
          assert(got.every((value, index) => value === moved[index]), `${family} ${embed} ${part} ${kind}`);
          assertEquals(got.length, moved.length);
        }
      }
      const { config } = await openCheckpoint(out);
      assertEquals(config.headDim, headDim);
      if (family === "llama") assertEquals([config.attentionBias, config.mlpBias], [true, true]);
    }
  }));

Deno.test("importGguf() reads Llama 3's scaling from the factors of the angles, and refuses other factors by name", async () => {
  const scaling = { factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPositions: 32 };
  const withFactors = (values: readonly number[], family: "llama" | "qwen2" = "llama") => {
    const { metadata, tensors } = tinyGguf(family, { headDim: 32 });
    const bytes = new Uint8Array(Float32Array.from(values).buffer);
    return {
      metadata,
      tensors: [...tensors, { name: "rope_freqs.weight", type: 0, shape: [values.length], bytes }],
    };
  };
  const factors = ropeFactors(scaling, { headDim: 32, theta: 10000 });
  await withFolder(async (folder) => {
    const { config } = await openCheckpoint(await importRaw(folder, withFactors(factors)));
    assertEquals(config.ropeScaling, scaling);
  });
  await withFolder(async (folder) => {
    const { config } = await openCheckpoint(await importRaw(folder, withFactors(factors.map(() => 1))));
    assertEquals(config.ropeScaling, null);
  });
  const tensor = 'tensor "rope_freqs.weight"';
  assertStringIncludes(
    await refusal(withFactors(factors.map((_, pair) => 1 + pair))),
    `${tensor} holds no scaling of Llama 3's kind`,
  );
  assertStringIncludes(await refusal(withFactors([1, 1, 1])), `${tensor} has the shape [3], expected [16]`);
});

Deno.test("importGguf() refuses by name and value what would change the computation or the tokens", async () => {
  const cases: readonly (readonly [changes: Readonly<Record<string, RawValue | null>>, line: string])[] = [
    [
      { "general.architecture": text("gemma3") },
      '"general.architecture" must be "llama" or "qwen2" or "qwen3": current value is "gemma3"',
    ],
    [{ "general.architecture": null }, '"general.architecture" is needed: it is missing'],
    [{ "general.type": text("adapter") }, '"general.type" must be "model": current value is "adapter"'],
    [{ "split.count": u32(3) }, '"split.count" must be 1: current value is 3'],
    [{ "llama.block_count": null }, '"llama.block_count" is needed'],
    [{ "llama.block_count": u32(3) }, "is missing"],
    [{ "llama.block_count": u32(1) }, 'tensor "blk.1.attn_norm.weight" has no place in a llama model'],
    [
      { "llama.attention.head_count": f32(2.5) },
      '"llama.attention.head_count" must be a whole number from 1',
    ],
    [
      { "llama.attention.head_count_kv": u32(3) },
      "num_attention_heads must be a multiple of num_key_value_heads",
    ],
    [
      { "llama.attention.head_count_kv": i32s([1, 2]) },
      '"llama.attention.head_count_kv" must be the same in all layers',
    ],
    [
      { "llama.attention.value_length": u32(8) },
      '"llama.attention.value_length" must be the width of keys, 4',
    ],
    [{ "llama.feed_forward_length": u32(13) }, "has the wrong shape: expected [13, 8], found [12, 8]"],
    [
      { "llama.attention.key_length": u32(8193) },
      '"llama.attention.key_length" must be a whole number from 1 to 8192',
    ],
    [
      { "llama.attention.key_length": u32(8192), "llama.attention.value_length": u32(8193) },
      '"llama.attention.value_length" must be a whole number from 1 to 8192',
    ],
    [{ "llama.vocab_size": u32(7) }, '"llama.vocab_size" must be the rows of token_embd.weight, 260'],
    [{ "llama.attention.layer_norm_rms_epsilon": f32(-1) }, "must be above 0"],
    [{ "llama.rope.freq_base": f32(NaN) }, '"llama.rope.freq_base" must be a number: current value is NaN'],
    [{ "llama.rope.dimension_count": u32(2) }, '"llama.rope.dimension_count" must be the head width 4'],
    [{ "llama.rope.scaling.type": text("yarn") }, '"llama.rope.scaling.type" is not supported'],
    [{ "llama.rope.scaling.factor": f32(4) }, '"llama.rope.scaling.factor" is not supported, only 1'],
    [{ "llama.rope.scale_linear": f32(4) }, '"llama.rope.scale_linear" is not supported, only 1'],
    [{ "llama.expert_count": u32(8) }, '"llama.expert_count" is not supported, only 0: current value is 8'],
    [
      { "llama.attention.sliding_window": u32(32) },
      '"llama.attention.sliding_window" is not supported below',
    ],
    [{ "llama.attention.scale": f32(1) }, '"llama.attention.scale" is not supported, only 0.5'],
    [{ "llama.attention.causal": bool(false) }, '"llama.attention.causal" is not supported, only true'],
    [
      { "llama.attention.secret": u32(1) },
      'unknown key "llama.attention.secret" in the metadata: current value is 1',
    ],
    [{ "tokenizer.ggml.model": text("llama") }, "the tokenizer is a SentencePiece model"],
    [{ "tokenizer.ggml.model": text("bert") }, "the tokenizer is of another kind"],
    [{ "tokenizer.ggml.model": null }, '"tokenizer.ggml.model" must be "gpt2"'],
    [{ "tokenizer.ggml.pre": null }, "how the tokenizer cuts texts is not stated"],
    [{ "tokenizer.ggml.pre": text("default") }, 'how the tokenizer cuts texts is not known: "default"'],
    [{ "tokenizer.ggml.tokens": null }, '"tokenizer.ggml.tokens" is needed'],
    [
      { "tokenizer.ggml.tokens": texts(["a", "b"]) },
      '"tokenizer.ggml.token_type" has 260 values for 2 tokens',
    ],
    [{ "tokenizer.ggml.token_type": i32s(Array(260).fill(6)) }, "token 0 has the kind 6"],
    [{ "tokenizer.ggml.merges": null }, '"tokenizer.ggml.merges" is needed'],
    [{ "tokenizer.ggml.merges": texts(["ab"]) }, 'merge 0 is no pair of tokens: current value is "ab"'],
    [
      { "tokenizer.ggml.merges": texts(["x y"]) },
      'merge 0 needs the token "xy", which is not in the vocabulary',
    ],
    [
      { "tokenizer.ggml.eos_token_id": u32(260) },
      '"tokenizer.ggml.eos_token_id" must be a whole number from 0 to 259',
    ],
    [{ "tokenizer.chat_template": text("{% for %}") }, "cannot parse the chat template"],
    [{ "tokenizer.chat_template": u32(1) }, '"tokenizer.chat_template" must be text: current value is 1'],
  ];
  for (const [changes, line] of cases) assertStringIncludes(await refusal(changed("llama", changes)), line);
  const twice = changed("llama", {});
  twice.metadata.set(
    "tokenizer.ggml.tokens",
    texts([..."aa", ...Array.from({ length: 258 }, (_, i) => `t${i}`)]),
  );
  assertStringIncludes(await refusal(twice), 'the tokens 0 and 1 are both "a"');
});

Deno.test("importGguf() refuses weights that are missing, left over, misshapen, infinite or too large for the type", async () => {
  const changedTensors = (change: (tensors: RawTensor[]) => void) => {
    const { metadata, tensors } = tinyGguf();
    change(tensors);
    return { metadata, tensors };
  };
  const at = (tensors: RawTensor[], name: string) => tensors.findIndex((tensor) => tensor.name === name);
  const without = changedTensors((tensors) => void tensors.splice(at(tensors, "blk.1.attn_k.weight"), 1));
  assertStringIncludes(await refusal(without), '"model.layers.1.self_attn.k_proj.weight" is missing');
  const extra: RawTensor = { name: "blk.0.attn_qkv.weight", type: 0, shape: [8], bytes: ramp(8) };
  assertStringIncludes(
    await refusal(changedTensors((tensors) => void tensors.push(extra))),
    'tensor "blk.0.attn_qkv.weight" has no place in a llama model',
  );
  const bias: RawTensor = { name: "blk.0.attn_q.bias", type: 0, shape: [8], bytes: ramp(8) };
  assertStringIncludes(
    await refusal(changedTensors((tensors) => void tensors.push(bias))),
    'the tensor for "model.layers.0.self_attn.k_proj.bias" and 6 more is missing',
  );
  const withValue = (value: number) =>
    changedTensors((tensors) => {
      const bytes = ramp(8);
      new DataView(bytes.buffer).setFloat32(12, value, true);
      tensors[at(tensors, "output_norm.weight")] = { name: "output_norm.weight", type: 0, shape: [8], bytes };
    });
  for (const value of [NaN, Infinity, -Infinity]) {
    assertStringIncludes(
      await refusal(withValue(value)),
      `tensor "output_norm.weight" has the value ${value}`,
    );
  }
  assertStringIncludes(
    await refusal(withValue(70000), { dtype: "float16" }),
    "has 70000, too large for float16",
  );
  const largest = Math.fround(3.4028e38);
  assertStringIncludes(await refusal(withValue(largest), { dtype: "bfloat16" }), "too large for bfloat16");
  await withFolder(async (folder) => void await importRaw(folder, withValue(largest)));
});

Deno.test("importGguf() ignores buffers of angles, takes a name for the cutting, and models without a tokenizer", () =>
  withFolder(async (folder) => {
    const parts = changed("llama", { "tokenizer.ggml.pre": null });
    parts.tensors.push({ name: "blk.0.attn_rot_embd", type: 0, shape: [2], bytes: ramp(2) });
    await importRaw(folder, parts, { pre: "qwen2" });
    assertEquals((await ChatTokenizer.open(`${folder}/out`)).encode("\u006f\u0308"), [0xc3, 0xb6]); // composed first
    const bare = tinyGguf();
    for (const key of [...bare.metadata.keys()]) if (key.startsWith("tokenizer.")) bare.metadata.delete(key);
    const path = `${folder}/bare.gguf`;
    await Deno.writeFile(path, rawGguf(bare));
    const { tokenizer } = await importGguf(path, { out: `${folder}/bare` });
    assertEquals([tokenizer, names(`${folder}/bare`)], [null, ["config.json", "model.safetensors"]]);
    assertEquals((await openCheckpoint(`${folder}/bare`)).config.eosTokenIds, []);
  }));

Deno.test("importGguf() replaces a model in a folder and leaves other files alone", () =>
  withFolder(async (folder) => {
    await importRaw(folder, tinyGguf());
    await Deno.writeTextFile(`${folder}/out/notes.txt`, "mine");
    const before = await Deno.readTextFile(`${folder}/out/config.json`);
    const { metadata, tensors } = tinyGguf();
    await assertRejects(() => importRaw(folder, { metadata, tensors: tensors.slice(1) }), InputError);
    const infinite = tensors.map((tensor) => ({
      ...tensor,
      bytes: new Uint8Array(tensor.bytes.length).fill(0xff),
    }));
    await assertRejects(
      () => importRaw(folder, { metadata, tensors: infinite }),
      InputError,
      "has the value NaN",
    );
    assertEquals(await Deno.readTextFile(`${folder}/out/config.json`), before);
    await importGguf(file("qwen2"), { out: `${folder}/out` });
    assertEquals((await openCheckpoint(`${folder}/out`)).config.architecture, "qwen2");
    assertEquals(await Deno.readTextFile(`${folder}/out/notes.txt`), "mine");
    assertEquals(names(folder), ["out", "x.gguf"]);
    assertEquals(names(`${folder}/out`).filter((name) => name.startsWith(".")), []);
    // Nothing of the model before stays beside one that has no tokenizer.
    const bare = tinyGguf();
    for (const key of [...bare.metadata.keys()]) if (key.startsWith("tokenizer.")) bare.metadata.delete(key);
    await importRaw(folder, bare);
    assertEquals(names(`${folder}/out`), ["config.json", "model.safetensors", "notes.txt"]);
    // A link to a folder stays one.
    await Deno.mkdir(`${folder}/disk`);
    await Deno.symlink(`${folder}/disk`, `${folder}/link`);
    await importGguf(file("llama"), { out: `${folder}/link` });
    assertEquals([Deno.lstatSync(`${folder}/link`).isSymlink, names(`${folder}/disk`).length], [true, 6]);
  }));

Deno.test("importGguf() names the file where it is missing, a folder, or no GGUF file", () =>
  withFolder(async (folder) => {
    const line = async (path: string) =>
      (await assertRejects(() => importGguf(path, { out: `${folder}/out` }), InputError)).message;
    assertStringIncludes(await line(`${folder}/none.gguf`), "does not exist");
    assertStringIncludes(await line(folder), "not a file");
    await Deno.writeTextFile(`${folder}/a.txt`, "GGUG is not the word");
    assertEquals(
      await line(`${folder}/a.txt`),
      `not a GGUF file: ${folder}/a.txt (pass a file that ends in .gguf)`,
    );
  }));
