import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { InputError, sha256 } from "../../lib/core/mod.ts";
import {
  openCheckpoint,
  type RandomCheckpointOptions,
  randomWeights,
  readTensor,
  writeRandomCheckpoint,
  writeSafetensors,
} from "../../lib/checkpoint/mod.ts";
import { tinyConfig } from "./_tiny_config.ts";
import { withFolder } from "./_folder.ts";

const config = tinyConfig();

/** Runs a test body with a random checkpoint. */
function withCheckpoint(
  options: Partial<RandomCheckpointOptions>,
  body: (folder: string) => Promise<void>,
): Promise<void> {
  return withFolder(async (folder) => {
    await writeRandomCheckpoint(folder, { config, dtype: "float32", seed: 0, ...options });
    await body(folder);
  });
}

/** Rewrites the single weight file with some tensors replaced (by new shapes or dtypes) or dropped (null). */
async function rewrite(folder: string, changes: Record<string, { dims: number[] } | null>): Promise<void> {
  const { weights } = await openCheckpoint(folder);
  const tensors: Record<string, { dtype: "float32"; dims: readonly number[]; data: Float32Array }> = {};
  for (const [name, entry] of weights) {
    tensors[name] = { dtype: "float32", dims: entry.dims, data: await readTensor(entry) };
  }
  for (const [name, change] of Object.entries(changes)) {
    if (change === null) delete tensors[name];
    else {
      const count = change.dims.reduce((product, dim) => product * dim, 1);
      tensors[name] = { dtype: "float32", dims: change.dims, data: new Float32Array(count) };
    }
  }
  await writeSafetensors(`${folder}/model.safetensors`, { tensors });
}

async function assertRefused(folder: string, message: string): Promise<void> {
  const error = await assertRejects(() => openCheckpoint(folder), InputError, message);
  assert(!error.message.includes("\n"), error.message);
  assert(error.message.includes(folder), `names no place: ${error.message}`);
}

Deno.test("openCheckpoint() finds every weight where the file has it", async () => {
  for (const dtype of ["float32", "float16", "bfloat16"] as const) {
    for (const shards of [1, 3]) {
      await withCheckpoint({ dtype, shards }, async (folder) => {
        const checkpoint = await openCheckpoint(folder);
        assertEquals(checkpoint.weightsFolder, folder);
        assertEquals(checkpoint.config, config);
        const expected = randomWeights(config, { seed: 0 });
        assertEquals([...checkpoint.weights.keys()], [...expected.keys()]);
        assertEquals(new Set([...checkpoint.weights.values()].map((entry) => entry.location)).size, shards);
        for (const [name, entry] of checkpoint.weights) {
          assertEquals(entry.file, `${folder}/${entry.location}`);
          assertEquals(entry.dtype, dtype);
          const [wanted, values] = [expected.get(name)!, await readTensor(entry)];
          const step = dtype === "float32" ? 0 : dtype === "float16" ? 2 ** -11 : 2 ** -8;
          const close = values.every((value, index) =>
            Math.abs(value - wanted[index]!) <= step * Math.abs(value) + 1e-7
          );
          assert(values.length === wanted.length && close, `${name} in ${dtype}`);
        }
      });
    }
  }
});

/** Replaces keys of the config.json in a folder; `undefined` drops one. */
async function setKeys(folder: string, keys: Record<string, unknown>): Promise<void> {
  const path = `${folder}/config.json`, json = JSON.parse(await Deno.readTextFile(path));
  await Deno.writeTextFile(path, JSON.stringify({ ...json, ...keys }));
}

Deno.test("openCheckpoint() refuses biases that the class lacks, and asks for those that it has", async () => {
  const bias = (map: string) => `model.layers.0.${map}_proj.bias`;
  for (
    const [architecture, keys, map] of [
      ["llama", ["attention_bias"], "self_attn.q"],
      ["qwen3", ["attention_bias"], "self_attn.q"],
      ["llama", ["mlp_bias"], "mlp.gate"],
    ] as const
  ) {
    const asked = keys[0] === "mlp_bias" ? { mlpBias: true } as const : { attentionBias: true } as const;
    const plain = tinyConfig({ architecture }), biased = tinyConfig({ architecture, ...asked });
    const repair = `check that config.json belongs to these weights ("${keys[0]}" above all)`;
    await withCheckpoint({ config: biased }, async (folder) => {
      assertEquals((await openCheckpoint(folder)).config, biased);
      for (const denied of [false, null, undefined]) {
        await setKeys(folder, { [keys[0]]: denied });
        await assertRefused(folder, `has no place in a ${architecture} model of this config`);
        await assertRefused(folder, repair);
      }
    });
    await withCheckpoint({ config: plain }, async (folder) => {
      await setKeys(folder, { [keys[0]]: true });
      await assertRefused(folder, `tensor "${bias(map)}" and `);
      await assertRefused(folder, "is missing: expected shape");
      await assertRefused(folder, repair);
    });
  }
  await withCheckpoint({}, async (folder) => {
    await rewrite(folder, { [bias("self_attn.q")]: null });
    await assertRefused(
      folder,
      `tensor "${bias("self_attn.q")}" is missing: expected shape [64], found none`,
    );
    await assertRefused(folder, "(check that config.json belongs to these weights)");
  });
  await withCheckpoint({}, async (folder) => {
    await rewrite(folder, { [bias("self_attn.o")]: { dims: [32] } });
    await assertRefused(folder, `"${bias("self_attn.o")}" has no place in a qwen2 model of this config`);
  });
});

Deno.test("openCheckpoint() passes over tables that older programs stored beside the weights", async () => {
  const tables = [
    "model.layers.0.self_attn.rotary_emb.inv_freq",
    "model.layers.1.self_attn.rotary_emb.inv_freq",
    "model.layers.1.self_attn.rotary_emb.cos_cached",
    "model.layers.1.self_attn.rotary_emb.sin_cached",
    "model.rotary_emb.inv_freq",
    "model.rotary_emb.original_inv_freq",
    "model.causal_mask",
    "position_ids",
  ];
  await withCheckpoint({}, async (folder) => {
    const { weights } = await openCheckpoint(folder);
    await rewrite(folder, Object.fromEntries(tables.map((name) => [name, { dims: [8] }])));
    const checkpoint = await openCheckpoint(folder);
    assertEquals([...checkpoint.weights.keys()], [...weights.keys()]);
    assertEquals(
      checkpoint.notices.at(-1),
      `tables beside the weights that are not read: tensor "${tables[6]}" and 7 more`,
    );
  });
  for (
    const parameter of [
      "model.rotary_emb.weight",
      "model.layers.0.self_attn.rotary_emb.scale",
      "model.layers.0.mlp.inv_freq",
      "model.layers.0.self_attn.bias",
      "rotary_embedding.inv_freq",
    ]
  ) {
    await withCheckpoint({}, async (folder) => {
      await rewrite(folder, { [parameter]: { dims: [8] } });
      await assertRefused(folder, `"${parameter}" has no place in a qwen2 model of this config`);
    });
  }
});

Deno.test("openCheckpoint() names keys of config.json that change nothing, once", async () => {
  await withCheckpoint({}, async (folder) => {
    const before = (await openCheckpoint(folder)).notices;
    assertEquals(before, [
      'keys of config.json that change nothing in a qwen2 model: "attention_dropout", "torch_dtype", "use_cache"',
    ]);
    await setKeys(folder, { "a\nb": 1, unsloth_fixed: true, rope_scaling: { type: "default", factor: 8 } });
    const [line, ...others] = (await openCheckpoint(folder)).notices;
    assertEquals([others, line?.split("model: ")[1]], [
      [],
      '"attention_dropout", "torch_dtype", "use_cache", "a\\nb", "unsloth_fixed", "rope_scaling.factor"',
    ]);
    await setKeys(folder, Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`key_${index}`, 0])));
    assert((await openCheckpoint(folder)).notices[0]?.endsWith('"key_94" and 106 more'));
  });
});

Deno.test("openCheckpoint() says that a sliding window narrows the model", async () => {
  await withCheckpoint({ config: tinyConfig({ architecture: "mistral" }) }, async (folder) => {
    await setKeys(folder, { sliding_window: 40 });
    const { config, notices } = await openCheckpoint(folder);
    assertEquals([config.maxPositions, config.slidingWindow], [40, 40]);
    assertEquals(notices.at(-1), '"sliding_window" of config.json holds texts to 40 positions');
  });
});

Deno.test("openCheckpoint() names missing, unused and misshapen tensors with both shapes", async () => {
  const name = "model.layers.0.mlp.up_proj.weight";
  await withCheckpoint({}, async (folder) => {
    await rewrite(folder, { [name]: { dims: [32, 48] } });
    await assertRefused(folder, `tensor "${name}" has the wrong shape: expected [48, 32], found [32, 48]`);
  });
  await withCheckpoint({}, async (folder) => {
    await rewrite(folder, { [name]: null, "lm_head.weight": null });
    await assertRefused(
      folder,
      `tensor "${name}" and 1 more is missing: expected shape [48, 32], found none`,
    );
  });
  await withCheckpoint({}, async (folder) => {
    await rewrite(folder, { "model.layers.0.self_attn.q_norm.weight": { dims: [16] } });
    await assertRefused(
      folder,
      '"model.layers.0.self_attn.q_norm.weight" has no place in a qwen2 model of this config: expected none, found shape [16]',
    );
  });
});

Deno.test("openCheckpoint() takes the unembedding of a tied model when it is the embedding", async () => {
  const tied = tinyConfig({ tiedEmbeddings: true });
  await withCheckpoint({ config: tied }, async (folder) => {
    assertEquals((await openCheckpoint(folder)).weights.has("lm_head.weight"), false);
    const weights = randomWeights(tied, { seed: 0 });
    const entries = [...(await openCheckpoint(folder)).weights].map(([name, { dims }]) =>
      [name, { dtype: "float32" as const, dims, data: weights.get(name)! }] as const
    );
    const embedding = entries.find(([name]) => name === "model.embed_tokens.weight")![1];
    const tensors = Object.fromEntries(entries);
    await writeSafetensors(`${folder}/model.safetensors`, {
      tensors: { ...tensors, "lm_head.weight": embedding },
    });
    assertEquals((await openCheckpoint(folder)).weights.has("lm_head.weight"), false);
    const data = embedding.data.slice();
    data[data.length - 1]! += 1;
    const other = { ...embedding, data };
    await writeSafetensors(`${folder}/model.safetensors`, {
      tensors: { ...tensors, "lm_head.weight": other },
    });
    await assertRefused(folder, '"lm_head.weight" differs from the embedding');
  });
});

Deno.test("openCheckpoint() refuses weights that are not floats", async () => {
  await withCheckpoint({}, async (folder) => {
    const path = `${folder}/model.safetensors`, bytes = await Deno.readFile(path);
    // Same length, so the file stays sound: only the type of the elements changes.
    const text = new TextDecoder("latin1").decode(bytes);
    const at = text.indexOf('"F32"', text.indexOf('"model.norm.weight"'));
    bytes.set(new TextEncoder().encode('"I32"'), at);
    await Deno.writeFile(path, bytes);
    await assertRefused(
      folder,
      '"model.norm.weight" has the dtype int32: expected float32, float16 or bfloat16',
    );
  });
});

Deno.test("openCheckpoint() says what is missing or cut short", async () => {
  await withFolder(async (folder) => {
    await assertRefused(`${folder}/none`, "cannot open the model folder, does not exist");
    await Deno.writeTextFile(`${folder}/file`, "");
    await assertRefused(`${folder}/file`, "not a folder");
    await assertRefused(folder, "config.json");
  });
  await withCheckpoint({}, async (folder) => {
    const path = `${folder}/model.safetensors`;
    await Deno.truncate(path, (await Deno.stat(path)).size - 1);
    await assertRefused(folder, "the file is cut short");
    await Deno.truncate(path, 100);
    await assertRefused(folder, "the header claims");
    await Deno.remove(path);
    await assertRefused(folder, "no weights");
    await Deno.symlink("gone", path);
    await assertRefused(folder, "does not exist");
  });
});

Deno.test("openCheckpoint() refuses an index that does not match its shards", async () => {
  const edit = (index: (map: Record<string, string>) => void, message: string) =>
    withCheckpoint({ shards: 2 }, async (folder) => {
      const path = `${folder}/model.safetensors.index.json`;
      const content = JSON.parse(await Deno.readTextFile(path));
      index(content.weight_map);
      await Deno.writeTextFile(path, JSON.stringify(content));
      await assertRefused(folder, message);
    });
  const [first, second] = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
  const name = "model.norm.weight";
  await edit((map) => map[name] = first, `"${name}" is in ${second} but the index puts it ${first}`);
  await edit((map) => delete map[name], `"${name}" is in ${second} but the index puts it nowhere`);
  await edit((map) => map.extra = first, `"extra" is not in ${first}, where the index puts it`);
  await edit((map) => map[name] = "model-00003-of-00003.safetensors", "does not exist");
  for (
    const outside of ["../x.safetensors", "/x.safetensors", "a/x.safetensors", "..\\x.safetensors", "x.bin"]
  ) {
    await edit((map) => map[name] = outside, "must be the name of a .safetensors file in the same folder");
  }
});

Deno.test("openCheckpoint() refuses links that lead in a circle and files that are none", async () => {
  for (const name of ["config.json", "model.safetensors"]) {
    await withCheckpoint({}, async (folder) => {
      await Deno.remove(`${folder}/${name}`);
      await Deno.symlink(name, `${folder}/${name}`);
      await assertRefused(folder, "its links lead in a circle");
      await Deno.remove(`${folder}/${name}`);
      await Deno.mkdir(`${folder}/${name}`);
      await assertRefused(folder, "not a file");
    });
  }
  await withFolder(async (folder) => {
    await Deno.symlink("b", `${folder}/a`);
    await Deno.symlink("a", `${folder}/b`);
    await assertRefused(`${folder}/a`, "its links lead in a circle");
  });
});

Deno.test("openCheckpoint() refuses configs and indexes that ask for more than a file of a model can", async () => {
  await withCheckpoint({ shards: 2 }, async (folder) => {
    const refused = async (name: string, text: string, message: string) => {
      const path = `${folder}/${name}`, original = await Deno.readTextFile(path);
      await Deno.writeTextFile(path, text);
      await assertRefused(folder, message);
      await Deno.writeTextFile(path, original);
    };
    const index = "model.safetensors.index.json";
    await refused("config.json", `{"a":${"[".repeat(1e5)}`, "config.json nests 100001 deep");
    await refused("config.json", `[${"0,".repeat(70_000)}0]`, "config.json has 70001 values");
    await refused("config.json", "[]", "config.json");
    await refused(
      index,
      `{"weight_map":{${'"a":"b",'.repeat(300_000)}"a":"b"}}`,
      "values, more than the limit",
    );
    await refused(index, '{"weight_map":{"a":{"b":"c"}}}', "must be a file name");
    await refused(
      index,
      '{"weight_map":{"a":"x.safetensors\\u0000"}}',
      "must be the name of a .safetensors file",
    );
    await Deno.truncate(`${folder}/${index}`, 2 ** 24 + 1);
    await assertRefused(folder, "bytes, more than the limit 16777216");
    await Deno.truncate(`${folder}/config.json`, 2 ** 40);
    await assertRefused(folder, "config.json has 1099511627776 bytes, more than the limit 1048576");
  });
});

Deno.test("openCheckpoint() follows links to the one folder of real files, as download folders have them", async () => {
  await withFolder(async (folder) => {
    const [blobs, snapshot] = [`${folder}/blobs`, `${folder}/snapshots/main`];
    await writeRandomCheckpoint(blobs, { config, dtype: "float32", seed: 0, shards: 2 });
    await Deno.mkdir(snapshot, { recursive: true });
    for (const [index, { name }] of [...Deno.readDirSync(blobs)].entries()) {
      await Deno.rename(`${blobs}/${name}`, `${blobs}/blob${index}`);
      await Deno.symlink(`../../blobs/blob${index}`, `${snapshot}/${name}`);
    }
    const checkpoint = await openCheckpoint(snapshot);
    assertEquals(checkpoint.weightsFolder, blobs);
    for (const entry of checkpoint.weights.values()) {
      assert(/^blob\d$/.test(entry.location) && entry.file === `${blobs}/${entry.location}`, entry.file);
    }
    const shard = `${snapshot}/model-00002-of-00002.safetensors`, real = await Deno.realPath(shard);
    await Deno.remove(shard);
    await Deno.rename(real, shard);
    await assertRefused(snapshot, "the weight files lie in 2 folders once links are resolved");
  });
});

Deno.test("openCheckpoint() adds the end tokens of generation_config.json", async () => {
  await withCheckpoint({ config: tinyConfig({ eosTokenIds: [5] }) }, async (folder) => {
    const path = `${folder}/generation_config.json`;
    await Deno.writeTextFile(path, JSON.stringify({ eos_token_id: [7, 5], temperature: 0.7 }));
    assertEquals((await openCheckpoint(folder)).config.eosTokenIds, [5, 7]);
    await Deno.writeTextFile(path, JSON.stringify({ eos_token_id: "7" }));
    await assertRefused(folder, "eos_token_id");
    await Deno.writeTextFile(path, JSON.stringify({ eos_token_id: 61 }));
    await assertRefused(folder, "eos_token_id must be < 61: current value is 61");
  });
});

Deno.test("hash() covers the name, length and bytes of each file", async () => {
  await withCheckpoint({}, async (folder) => {
    const files = ["config.json", "model.safetensors"];
    const parts = files.flatMap((name) => {
      const bytes = Deno.readFileSync(`${folder}/${name}`);
      return [new TextEncoder().encode(`${name}\0${bytes.length}\0`), bytes];
    });
    const expected = sha256(await new Blob(parts).bytes());
    const hash = () => openCheckpoint(folder).then((checkpoint) => checkpoint.hash());
    assertEquals(await hash(), expected);
    const path = `${folder}/model.safetensors`, bytes = await Deno.readFile(path);
    bytes[bytes.length - 1]! ^= 1;
    await Deno.writeFile(path, bytes);
    assertNotEquals(await hash(), expected);
    bytes[bytes.length - 1]! ^= 1;
    await Deno.writeFile(path, bytes);
    assertEquals(await hash(), expected);
    await Deno.writeTextFile(`${folder}/generation_config.json`, "{}");
    assertNotEquals(await hash(), expected);
  });
});
