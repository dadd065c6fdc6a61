import { assertEquals, assertStringIncludes } from "@std/assert";
import { type Architecture, writeRandomCheckpoint } from "../../lib/checkpoint/mod.ts";
import { tinyConfig } from "../checkpoint/_tiny_config.ts";
import { sha256 } from "../../lib/core/mod.ts";
import type { SteeringVectors } from "../../lib/decode/mod.ts";
import {
  loadVectors,
  readSparseAutoencoder,
  saveAdapters,
  saveSharedDirection,
  saveVectors,
  writeSparseAutoencoder,
} from "../../lib/vectors/mod.ts";
import { vectors } from "../../tasks/vectors.ts";
import { npyOf } from "../checkpoint/_npy_bytes.ts";
import { faultLine, inFolder, namesBelow, runOn } from "./_tiny_zoo.ts";

const hashOf = (path: string) => sha256(Deno.readFileSync(path));

/** Writes vectors of width 2 by layer. */
async function write(
  path: string,
  content: Readonly<Record<number, readonly number[]>>,
  metadata: Record<string, string> = {},
): Promise<string> {
  const map: SteeringVectors = new Map(
    Object.entries(content).map(([layer, values]) => [Number(layer), Float32Array.from(values)]),
  );
  await saveVectors(path, { vectors: map, metadata });
  return path;
}

/** What a command wrote: rows of layer and values, and the notes. */
async function made(path: string) {
  const { vectors, metadata } = await loadVectors(path, null);
  return {
    rows: [...vectors].map(([layer, vector]) => [layer, ...vector]),
    metadata: Object.fromEntries(metadata),
  };
}

Deno.test("vectors sum, scale, merge and pair write what they say, and how it was made", async () => {
  await inFolder(async (folder) => {
    const a = await write(`${folder}/a.safetensors`, { 1: [1, 2] }, { model: "m", seed: "0" });
    const b = await write(`${folder}/b.safetensors`, { 3: [4, -8] }, { model: "m", seed: "1" });
    const out = `${folder}/new/out.safetensors`;
    const cases: readonly (readonly [readonly string[], unknown, Readonly<Record<string, unknown>>])[] = [
      [["sum", a, b, a], [[1, 2, 4], [3, 4, -8]], {}],
      [["scale", b, "--by=-0.5"], [[3, -2, 4]], { by: -0.5 }],
      [["merge", b, a], [[1, 1, 2], [3, 4, -8]], {}],
    ];
    for (const [args, rows, more] of cases) {
      const { code, output, error } = await runOn(vectors, [...args, "--out", out, "--force"]);
      assertEquals([code, error], [0, ""]);
      const files = args.slice(1).filter((arg) => !arg.startsWith("--"));
      const found = await made(out);
      assertEquals(found.rows, rows);
      assertEquals(Object.keys(found.metadata).sort(), ["kind", "made", "model"]);
      assertEquals(JSON.parse(found.metadata["made"] ?? ""), {
        action: args[0],
        sources: files.map(hashOf),
        ...more,
      });
      assertStringIncludes(output, `${out}: layers `);
    }
    const merged = `${folder}/merged.safetensors`, pair = `${folder}/pair.safetensors`;
    const three = await write(`${folder}/c.safetensors`, { 0: [9, 9] });
    assertEquals((await runOn(vectors, ["merge", a, b, three, "--out", merged])).code, 0);
    assertEquals("model" in (await made(merged)).metadata, false, "not every source says its model");
    for (const [layers, rows] of [["3,0", [[0, 9, 9], [3, 4, -8]]], ["1", [[1, 1, 2]]]] as const) {
      const { code } = await runOn(vectors, ["pair", merged, "--layers", layers, "--out", pair, "--force"]);
      assertEquals([code, (await made(pair)).rows], [0, rows]);
    }
  });
});

Deno.test("vectors reads a shared direction as the vectors that it stands for", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/r.safetensors`, out = `${folder}/out.safetensors`;
    const shared = { scales: new Map([[0, 2], [5, -1]]), direction: Float32Array.of(1, 3) };
    await saveSharedDirection(path, { shared, metadata: {} });
    assertEquals((await runOn(vectors, ["scale", path, "--by", "2", "--out", out])).code, 0);
    assertEquals((await made(out)).rows, [[0, 4, 12], [5, -2, -6]]);
  });
});

/** A model of three layers of width 32, of an architecture. */
async function model(folder: string, architecture: Architecture = "qwen2"): Promise<string> {
  await writeRandomCheckpoint(folder, {
    config: tinyConfig({ layers: 3, architecture }),
    dtype: "bfloat16",
    seed: 0,
  });
  return folder;
}

Deno.test("vectors convert brings vectors into every format and back, and says what is what", async () => {
  await inFolder(async (folder) => {
    const ramp = (from: number) => Array.from({ length: 32 }, (_, at) => (from + at) / 7);
    const vectorsPath = await write(`${folder}/a.safetensors`, { 2: ramp(40), 1: ramp(1) }, { model: "m" });
    const rows = (await made(vectorsPath)).rows, m = ["--model", await model(`${folder}/m`)];
    const said: readonly (readonly [readonly string[], string])[] = [
      [[`${folder}/a.gguf`], "a GGUF control vector"],
      [[`${folder}/a.svec`], "a .svec file"],
      [[`${folder}/a.npy`], "a NumPy array"],
      [[`${folder}/llama`, "--to", "llama"], "a Hugging Face checkpoint with vectors as biases"],
      [[`${folder}/own`, "--to", "own"], "a Hugging Face checkpoint with vectors as biases"],
    ];
    for (const [target, words] of said) {
      const ended = await runOn(vectors, ["convert", vectorsPath, ...target, ...m]);
      assertEquals([ended.code, ended.error, ended.output], [
        0,
        "",
        `${vectorsPath}: steering vectors in safetensors, layers 1, 2\n${target[0]}: ${words}, layers 1, 2\n`,
      ]);
      const back = `${folder}/back.safetensors`;
      assertEquals((await runOn(vectors, ["convert", target[0] ?? "", back, ...m, "--force"])).code, 0);
      const { rows: found, metadata } = await made(back);
      assertEquals([target[0], found], [target[0], rows]);
      const recipe = JSON.parse(metadata["made"] ?? "") as Record<string, unknown>;
      assertEquals([metadata["kind"], recipe["action"]], ["steering", "convert"]);
      assertEquals(
        (await runOn(vectors, ["show", target[0] ?? ""])).output.split("\n")[0],
        `${target[0]}: ${words}, 2 of width 32`,
      );
    }
    // Whatever composes vectors takes every format, and a folder's hash follows its weights.
    const out = `${folder}/sum.safetensors`;
    const sum = await runOn(vectors, ["sum", `${folder}/a.gguf`, `${folder}/own`, "--out", out]);
    assertEquals([sum.code, (await made(out)).rows[0]?.[1]], [0, Math.fround(2 / 7)]);
    // A file that came from a .svec knows its family, so that no model is needed.
    assertEquals((await runOn(vectors, ["convert", `${folder}/a.svec`, `${folder}/b.gguf`])).code, 0);
    assertEquals(await Deno.readFile(`${folder}/b.gguf`), await Deno.readFile(`${folder}/a.gguf`));
  });
});

Deno.test("vectors convert leaves layer 0 out of a control vector on demand alone", async () => {
  await inFolder(async (folder) => {
    const a = await write(`${folder}/a.safetensors`, { 0: Array(32).fill(1), 2: Array(32).fill(2) });
    const m = ["--model", await model(`${folder}/m`)], out = `${folder}/a.gguf`;
    assertStringIncludes(
      faultLine(await runOn(vectors, ["convert", a, out, ...m])),
      `llama.cpp refuses a control vector of layer 0: ${a} (pass --without-layer-0 to leave that vector out)`,
    );
    const { code, output } = await runOn(vectors, ["convert", a, out, ...m, "--without-layer-0"]);
    assertEquals([code, output.split("\n")[1]], [0, `${out}: a GGUF control vector, layers 2`]);
  });
});

Deno.test("vectors convert brings autoencoders from form to form, notes included", async () => {
  await inFolder(async (folder) => {
    const values = (count: number, from: number) =>
      Float32Array.from({ length: count }, (_, at) => (from + at) / 3);
    const biases = { encoderBias: values(5, 3), decoderBias: values(2, 7) };
    const autoencoder = {
      embed: 2,
      features: 5,
      active: 2,
      encoder: values(10, 1),
      decoder: values(10, 4),
      ...biases,
    };
    const path = `${folder}/sae.safetensors`,
      metadata = { site: "blocks.4.resid_post", layer: "4", run: "ab12" };
    await writeSparseAutoencoder(path, autoencoder, { metadata });
    let from = path;
    for (const to of ["saelens", "sparsify"]) {
      const { code, output } = await runOn(vectors, ["convert", from, `${folder}/${to}`, "--to", to]);
      assertEquals([code, output.split("\n")[1]], [
        0,
        `${folder}/${to}: a ${to === "saelens" ? "SAELens" : to} autoencoder`,
      ]);
      from = `${folder}/${to}`;
    }
    const back = `${folder}/back.safetensors`;
    const { code, output } = await runOn(vectors, ["convert", from, back]);
    assertEquals([code, output.split("\n")[0]], [
      0,
      `${from}: a sparsify autoencoder, 5 features of width 2, 2 active`,
    ]);
    const file = await readSparseAutoencoder(back);
    assertEquals([file.format, file.autoencoder], ["autoencoder", autoencoder]);
    for (const [key, value] of Object.entries(metadata)) assertEquals(file.metadata.get(key), value);
  });
});

Deno.test("vectors convert refuses what has no other form with one line and writes nothing", async () => {
  await inFolder(async (folder) => {
    const a = await write(`${folder}/a.safetensors`, { 1: Array(32).fill(1) });
    const norm = await write(`${folder}/norm.safetensors`, { 1: Array(32).fill(1) }, { place: "input_norm" });
    const m = await model(`${folder}/m`), three = await model(`${folder}/three`, "qwen3");
    await saveAdapters(`${folder}/adapter`, {
      adapters: new Map([[1, { input: new Float32Array(48), output: new Float32Array(32) }]]),
      metadata: {},
    });
    await Deno.writeFile(`${folder}/two.npy`, npyOf([2, 32], Array(64).fill(1)));
    await Deno.copyFile(
      new URL("../../fixtures/golden/gguf/qwen2.gguf", import.meta.url),
      `${folder}/model.gguf`,
    );
    const out = `${folder}/out.safetensors`, gguf = `${folder}/x.gguf`, before = namesBelow(folder);
    const cases: readonly (readonly [readonly string[], string])[] = [
      [[a], "convert takes a source and a target: got 1"],
      [[a, gguf, "--out", out], "--out does not go with convert"],
      [[a, gguf, "--by", "2"], "--by does not go with convert"],
      [[a, `${folder}/x`], "what to write is not clear"],
      [[a, `${folder}/x.pt`], "what to write is not clear"],
      [[a, gguf, "--to", "llama"], "--to llama names a folder, and .gguf a file"],
      [[a, gguf], "a GGUF control vector needs to know the model (pass --model with the model's folder)"],
      [[a, `${folder}/x.npy`], "a matrix [layers, embed] needs to know the model"],
      [[a, `${folder}/x`, "--to", "own"], "a checkpoint with vectors needs to know the model"],
      [[a, `${folder}/x`, "--to", "saelens"], "steering vectors in safetensors cannot become an autoencoder"],
      [
        [a, `${folder}/x`, "--to", "llama", "--model", three],
        "a qwen3 model has norms of query and key heads",
      ],
      [[norm, gguf, "--model", m], 'vectors of the place "input_norm" have no other form'],
      [[`${folder}/adapter`, gguf], "rank-1 adapters in safetensors, not vectors"],
      [
        [`${folder}/two.npy`, out, "--model", m],
        "steering vectors must be [3, 32] for this model, found [2, 32]",
      ],
      [
        [`${folder}/model.gguf`, out],
        'the GGUF file has the architecture "qwen2", where "controlvector" is needed',
      ],
      [[m, out], "no steering vectors in this file"],
      [[`${folder}/none`, out], "none"],
      [[folder, out], "neither vectors nor an autoencoder"],
      [[a, a], "there is a file already"],
      [[a, m, "--to", "own", "--model", m], "there is another model"],
    ];
    for (const [args, message] of cases) {
      assertStringIncludes(faultLine(await runOn(vectors, ["convert", ...args])), message);
    }
    assertEquals(namesBelow(folder), before);
    assertStringIncludes(
      faultLine(await runOn(vectors, ["sum", a, a, "--to", "own", "--out", out])),
      "--to does not go with sum",
    );
  });
});

Deno.test("vectors show prints layers, norms and notes, and says whether they fit a model", async () => {
  await inFolder(async (folder) => {
    const path = await write(`${folder}/a.safetensors`, { 1: [3, 4], 0: [0, 0] }, { seed: "7" });
    const { code, output } = await runOn(vectors, ["show", path]);
    assertEquals([code, output.split("\n")], [0, [
      `${path}: steering vectors in safetensors, 2 of width 2`,
      "layer 0  norm 0.0000",
      "layer 1  norm 5.0000",
      "kind: steering",
      "seed: 7",
      "",
    ]]);
    await writeRandomCheckpoint(`${folder}/m`, { config: tinyConfig(), dtype: "float32", seed: 0 });
    assertStringIncludes(
      faultLine(await runOn(vectors, ["show", path, "--model", `${folder}/m`])),
      "a vector of width 2 at layer 0 does not fit a model of 2 layers of width 32",
    );
  });
});

Deno.test("vectors refuses bad input with one line and writes nothing", async () => {
  await inFolder(async (folder) => {
    const a = await write(`${folder}/a.safetensors`, { 1: [1, 2] });
    const wide = await write(`${folder}/wide.safetensors`, { 2: [1, 2, 3] });
    const many = await write(`${folder}/many.safetensors`, { 1: [1, 2], 2: [3, 4] });
    const norm = await write(`${folder}/norm.safetensors`, { 2: [1, 2] }, { place: "input_norm" });
    const out = `${folder}/out.safetensors`, before = namesBelow(folder);
    const cases: readonly (readonly [readonly string[], string])[] = [
      [
        ["mrege", a, a, "--out", out],
        'unknown action "mrege", known are sum, scale, merge, pair, convert, show',
      ],
      [["constructor", a, "--out", out], 'unknown action "constructor"'],
      [["sum", a, "--out", out], "sum takes two files or more: got 1"],
      [["scale", a, a, "--by", "2", "--out", out], "scale takes one file: got 2"],
      [["scale", a, "--out", out], "--by is missing"],
      [["sum", a, a, "--by", "2", "--out", out], "--by does not go with sum"],
      [["pair", many, "--out", out], "--layers is missing"],
      [["pair", many, "--layers", "1,2,3", "--out", out], "--layers has 3 layers, pair takes two"],
      [["pair", many, "--layers", "1,4", "--out", out], "cannot pair layer 4 as the vectors must have it"],
      [
        ["sum", a, wide, "--out", out],
        "cannot add vectors as they must be of one width: current widths are 2 and 3",
      ],
      [["merge", a, many, "--out", out], "each set must have one layer: current layers are 1, 2"],
      [["merge", a, a, "--out", out], "layer 1 must be of one set"],
      [
        ["merge", a, norm, "--out", out],
        "vectors of different places cannot go together: mlp and input_norm",
      ],
      [["sum", a, a], "--out is missing"],
      [["show", a, "--out", out], "--out does not go with show"],
      [["sum", a, a, "--out", `${folder}/x.npy`], "vectors are written to a .safetensors file"],
      [["sum", a, a, "--out", many], "there is a file already"],
      [["sum", a, `${folder}/none.safetensors`, "--out", out], "none.safetensors"],
    ];
    for (const [args, message] of cases) {
      assertStringIncludes(faultLine(await runOn(vectors, args)), message);
    }
    assertEquals(namesBelow(folder), before);
    const { code } = await runOn(vectors, ["scale", norm, "--by", "1", "--out", out]);
    assertEquals([code, (await made(out)).metadata["place"]], [0, "input_norm"]);
  });
});
