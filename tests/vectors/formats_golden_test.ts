import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { createHash } from "node:crypto";
import {
  AUTOENCODER,
  CARRIERS,
  ROWS,
  TOKENS,
  VECTORS,
  writeVectorFormats,
} from "../../fixtures/golden/vector_formats_cases.ts";
import { openCheckpoint, readSafetensorsHeader } from "../../lib/checkpoint/mod.ts";
import { InputError } from "../../lib/core/mod.ts";
import { LanguageModel, type SteeringVectors } from "../../lib/decode/mod.ts";
import { decodeTopK, encodeTopK } from "../../lib/train/mod.ts";
import {
  loadBiasVectors,
  loadControlVector,
  loadSvec,
  loadTorchVectors,
  loadVectors,
  readSparseAutoencoder,
  type SparseAutoencoder,
} from "../../lib/vectors/mod.ts";
import { withFolder } from "../checkpoint/_folder.ts";
import { assertClose } from "../tolerances.ts";
import { bytesOf, floatsOf, formatsGolden, type PackedCodes, plain, unpacked } from "./_formats_golden.ts";

const golden = await formatsGolden();

/** Paths of all files below a folder, relative to it. */
function filesBelow(folder: string, inside = ""): string[] {
  return [...Deno.readDirSync(`${folder}/${inside}`)].flatMap(({ name, isDirectory }) =>
    isDirectory ? filesBelow(folder, `${inside}${name}/`) : [`${inside}${name}`]
  ).sort();
}

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

async function logitsOf(folder: string, steer?: SteeringVectors): Promise<Float32Array> {
  const model = await LanguageModel.open(folder, { threads: 1 });
  try {
    const { logits } = await model.run([TOKENS], steer === undefined ? {} : { steer });
    return logits?.data as Float32Array;
  } finally {
    await model.release();
  }
}

Deno.test("what is written is what the other programs read, byte for byte", () =>
  withFolder(async (folder) => {
    await writeVectorFormats(folder);
    const hashes = filesBelow(folder).map((path) => [path, sha256(Deno.readFileSync(`${folder}/${path}`))]);
    assertEquals(Object.fromEntries(hashes), { ...golden.written });
    assertEquals(hashes.length, 19);
  }));

Deno.test("gguf-py and repeng read a control vector as what it was made of", async () => {
  const { fields, tensors, repeng } = golden.gguf, wanted = plain(VECTORS);
  assertEquals(fields, {
    "general.architecture": ["STRING", "controlvector"],
    "controlvector.model_hint": ["STRING", "qwen2"],
    "controlvector.layer_count": ["UINT32", 2],
  });
  const read = Object.entries(tensors).map((
    [name, [type, shape, values]],
  ) => [name, type, shape, [...floatsOf(values)]]);
  assertEquals(read, wanted.map(([layer, values]) => [`direction.${layer}`, "F32", [32], values]));
  assertEquals([repeng.model_type, unpacked(repeng.directions)], ["qwen2", wanted]);
  await withFolder(async (folder) => {
    await Deno.writeFile(`${folder}/v`, bytesOf(golden.repeng.bytes));
    const { vectors, metadata, format } = await loadControlVector(`${folder}/v`, null);
    assertEquals(plain(vectors), unpacked(golden.repeng.vectors));
    assertEquals([metadata.get("model_hint"), format], ["mistral", "gguf"]);
  });
});

Deno.test("llama.cpp moves the logits by a control vector as steering does, and refuses layer 0", () =>
  withFolder(async (folder) => {
    await writeVectorFormats(folder);
    const { base, steered, "layer 0": zero } = golden["llama.cpp"];
    const { vectors } = await loadVectors(`${folder}/vectors.gguf`, CARRIERS.llama);
    assertClose(await logitsOf(`${folder}/llama`), floatsOf(base), "forwardFloat32");
    assertClose(await logitsOf(`${folder}/llama`, vectors), floatsOf(steered), "forwardFloat32");
    assert(floatsOf(base).some((value, at) => Math.abs(value - (floatsOf(steered)[at] as number)) > 0.5));
    assertEquals(zero, "refused");
  }));

Deno.test("numpy reads the matrix, and saves it as the same bytes", () => {
  const { dtype, shape, values, "saved by numpy": saved } = golden.npy;
  assertEquals([dtype, shape], ["float32", [4, 32]]);
  assertEquals(
    [...floatsOf(values)],
    [0, 1, 2, 3].flatMap((layer) => [...VECTORS.get(layer) ?? new Float32Array(32)]),
  );
  assertEquals(saved, golden.written["vectors.npy"]);
});

Deno.test("a .svec file is what activation-steering loads", async () => {
  const { keys, model_type, directions, shapes, explained_variances } = golden.svec;
  assertEquals(keys, ["directions", "explained_variances", "model_type"]);
  assertEquals([model_type, unpacked(directions)], ["qwen2", plain(VECTORS)]);
  assertEquals([shapes, explained_variances], [{ 1: [32], 3: [32] }, { 1: 0.75, 3: 0.5 }]);
  await withFolder(async (folder) => {
    await writeVectorFormats(folder);
    const { vectors, metadata } = await loadSvec(`${folder}/vectors.svec`, CARRIERS.qwen2);
    assertEquals(plain(vectors), plain(VECTORS));
    assertEquals(Object.fromEntries(metadata), {
      model_type: "qwen2",
      explained_variances: '{"1":0.75,"3":0.5}',
    });
  });
});

Deno.test("transformers runs a model with vectors as biases as steering runs it", () =>
  withFolder(async (folder) => {
    await writeVectorFormats(folder);
    for (const family of ["qwen2", "llama"] as const) {
      const { [family]: base, [`${family}.llama`]: badged, [`${family}.own`]: own } = golden.transformers;
      assertClose(await logitsOf(`${folder}/${family}`), floatsOf(base?.logits ?? ""), "forwardFloat32");
      const steered = await logitsOf(`${folder}/${family}`, VECTORS);
      assertEquals([badged?.class, badged?.missing, badged?.unexpected], ["LlamaForCausalLM", [], []]);
      assertClose(steered, floatsOf(badged?.logits ?? ""), "forwardFloat32");
      assertClose(await logitsOf(`${folder}/${family}.llama`), steered, "forwardFloat32");
      for (const form of ["own", "llama"]) {
        const { vectors, format } = await loadBiasVectors(`${folder}/${family}.${form}`, CARRIERS[family]);
        assertEquals([plain(vectors), format], [plain(VECTORS), "biases"]);
      }
      // Qwen2's class has no such bias and passes it over, so that its folder is the base model to stock programs.
      const dropped = [0, 1, 2, 3].map((layer) => `model.layers.${layer}.mlp.down_proj.bias`);
      assertEquals(own?.unexpected, family === "qwen2" ? dropped : []);
      assertEquals(own?.logits, (family === "qwen2" ? base : badged)?.logits);
    }
    const { message } = await assertRejects(() => openCheckpoint(`${folder}/qwen2.own`), InputError);
    assertStringIncludes(message, "deno task vectors convert");
    const { config } = await openCheckpoint(`${folder}/qwen2.llama`);
    assertEquals([config.architecture, config.attentionBias, config.mlpBias], ["llama", true, true]);
    const { tensors } = await readSafetensorsHeader(`${folder}/qwen2.llama/model.safetensors`);
    assertEquals(tensors.get("model.layers.0.self_attn.o_proj.bias")?.dims, [32]);
  }));

Deno.test("loadTorchVectors() reads what torch saves, to the bit", () =>
  withFolder(async (folder) => {
    for (const [name, { bytes, vectors }] of Object.entries(golden.torch.read)) {
      await Deno.writeFile(`${folder}/v.pt`, bytesOf(bytes));
      const file = await loadTorchVectors(`${folder}/v.pt`, null);
      assertEquals([name, plain(file.vectors)], [name, unpacked(vectors)]);
      assertEquals((await loadVectors(`${folder}/v.pt`, null)).format, "torch");
    }
    assertEquals(Object.keys(golden.torch.read).length, 13);
  }));

Deno.test("loadTorchVectors() refuses what is no dictionary of vectors, by what it is", () =>
  withFolder(async (folder) => {
    const words: Readonly<Record<string, string>> = {
      "float64": '"1" of the dictionary is a tensor of "DoubleStorage"',
      "whole numbers": '"1" of the dictionary is a tensor of "LongStorage"',
      "lists": "the pickle of the PyTorch file holds the instruction 0x5d; tensors alone are read",
      "nested": '"a" of the dictionary is not a tensor',
      "two axes": '"1" of the dictionary must have shape [embed], found [2, 3]',
      "no layer": '"mean" of the dictionary names no layer',
      "two numbers": '"block 1 of 4" of the dictionary names no layer',
      "one layer twice": 'vector "layer_1" is a second one for layer 1',
      "unlike widths": 'vector "2" must have shape [6], found [5]',
      "nothing": "no steering vectors in this file",
      "sparse": 'holds a call of "torch.serialization _get_layout"',
      "called": 'holds a call of "posix system"',
      "module": "the pickle of the PyTorch file holds the instruction 0x81",
      "NaN": 'vector "1" holds NaN or infinity',
      "before 1.6": "a pickle, which is a program and is not run",
      "plain pickle": "a pickle, which is a program and is not run",
      "text": "holds neither a dictionary of vectors nor a matrix",
    };
    assertEquals(Object.keys(golden.torch.refused), Object.keys(words));
    for (const [name, bytes] of Object.entries(golden.torch.refused)) {
      await Deno.writeFile(`${folder}/v.pt`, bytesOf(bytes));
      const { message } = await assertRejects(() => loadVectors(`${folder}/v.pt`, null), InputError);
      assertStringIncludes(message, words[name] as string);
      assertStringIncludes(message, `${folder}/v.pt`);
    }
  }));

/** Activations as a dense matrix [rows, features], and rows from them. */
function codesOf(autoencoder: SparseAutoencoder): { features: Float64Array; decoded: Float64Array } {
  const codes = encodeTopK(autoencoder, ROWS), features = new Float64Array(codes.rows * autoencoder.features);
  codes.indices.forEach((feature, at) => {
    features[Math.floor(at / codes.active) * autoencoder.features + feature] = codes.values[at] as number;
  });
  return { features, decoded: decodeTopK(autoencoder, codes) };
}

function assertCodes(autoencoder: SparseAutoencoder, packed: PackedCodes | undefined): void {
  const { features, decoded } = codesOf(autoencoder), wanted = floatsOf(packed?.features ?? "");
  assert(wanted.filter((value) => value > 0).length > ROWS.length / 8, "features are active");
  assertClose(features, wanted, "autoencoderFloat32");
  assertClose(decoded, floatsOf(packed?.decoded ?? ""), "autoencoderFloat32");
}

Deno.test("SAELens and sparsify encode and decode by our autoencoder as we do", async () => {
  const { saelens, sparsify } = golden.autoencoders;
  assertEquals(saelens.class, "TopKSAE");
  assertEquals(saelens.config.metadata["hook_name"], "blocks.4.hook_resid_post");
  assertCodes(AUTOENCODER, saelens);
  assertCodes(AUTOENCODER, sparsify);
  await withFolder(async (folder) => {
    await writeVectorFormats(folder);
    for (const format of ["saelens", "sparsify"] as const) {
      const file = await readSparseAutoencoder(`${folder}/${format}`);
      assertEquals([file.format, file.autoencoder], [format, AUTOENCODER]);
      for (
        const [key, value] of [["site", "blocks.4.resid_post"], ["layer", "4"], ["run", "ab12"]] as const
      ) {
        assertEquals(file.metadata.get(key), value);
      }
    }
  });
});

Deno.test("readSparseAutoencoder() encodes as SAELens and sparsify do by theirs, whatever their settings", () =>
  withFolder(async (folder) => {
    const theirs = Object.entries(golden["their autoencoders"]);
    assertEquals(theirs.length, 5);
    for (const [name, { files, ...codes }] of theirs) {
      await Deno.mkdir(`${folder}/${name}`);
      for (const [file, bytes] of Object.entries(files)) {
        await Deno.writeFile(`${folder}/${name}/${file}`, bytesOf(bytes));
      }
      const { autoencoder, metadata, format } = await readSparseAutoencoder(`${folder}/${name}`);
      assertCodes(autoencoder, codes);
      assertEquals(format, name.startsWith("saelens") ? "saelens" : "sparsify");
      if (format === "saelens") assertEquals(metadata.get("site"), "blocks.2.resid_post");
    }
  }));
