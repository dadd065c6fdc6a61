import { assertEquals, assertStringIncludes } from "@std/assert";
import { openCheckpoint, tinyConfig, writeRandomCheckpoint } from "../../lib/checkpoint/mod.ts";
import { sha256 } from "../../lib/core/mod.ts";
import { type SteeringVectors } from "../../lib/decode/mod.ts";
import { loadVectors, saveSharedDirection, saveVectors } from "../../lib/vectors/mod.ts";
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

Deno.test("vectors import brings the authors' matrix in, checked against a model", async () => {
  await inFolder(async (folder) => {
    const npy = `${folder}/steering_vectors.npy`, out = `${folder}/out.safetensors`;
    await Deno.writeFile(npy, npyOf([3, 32], Array.from({ length: 96 }, (_, i) => i < 32 ? 0 : i)));
    const config = tinyConfig({ layers: 3 });
    await writeRandomCheckpoint(`${folder}/m`, { config, dtype: "float32", seed: 0 });
    const { code, output } = await runOn(vectors, ["import", npy, "--model", `${folder}/m`, "--out", out]);
    assertEquals([code, output], [0, `${out}: layers 1, 2\n`]);
    const { vectors: found } = await loadVectors(out, (await openCheckpoint(`${folder}/m`)).config);
    assertEquals(found.get(2)?.[31], 95);
    await writeRandomCheckpoint(`${folder}/n`, {
      config: tinyConfig({ layers: 2 }),
      dtype: "float32",
      seed: 0,
    });
    assertStringIncludes(
      faultLine(await runOn(vectors, ["import", npy, "--model", `${folder}/n`, "--out", out, "--force"])),
      "steering vectors must be [2, 32] for this model, found [3, 32]",
    );
  });
});

Deno.test("vectors show prints layers, norms and notes, and says whether they fit a model", async () => {
  await inFolder(async (folder) => {
    const path = await write(`${folder}/a.safetensors`, { 1: [3, 4], 0: [0, 0] }, { seed: "7" });
    const { code, output } = await runOn(vectors, ["show", path]);
    assertEquals([code, output.split("\n")], [0, [
      `${path}: 2 of width 2`,
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
    const npy = `${folder}/bad.npy`;
    await Deno.writeTextFile(npy, "not numbers");
    const out = `${folder}/out.safetensors`, before = namesBelow(folder);
    const cases: readonly (readonly [readonly string[], string])[] = [
      [
        ["mrege", a, a, "--out", out],
        'unknown action "mrege", known are sum, scale, merge, pair, import, show',
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
      [["import", npy, "--out", out], "not a .npy file"],
      [["sum", a, `${folder}/none.safetensors`, "--out", out], "none.safetensors"],
      [["import", a, "--out", out], "not a .npy file"],
    ];
    for (const [args, message] of cases) {
      assertStringIncludes(faultLine(await runOn(vectors, args)), message);
    }
    assertEquals(namesBelow(folder), before);
    const { code } = await runOn(vectors, ["scale", norm, "--by", "1", "--out", out]);
    assertEquals([code, (await made(out)).metadata["place"]], [0, "input_norm"]);
  });
});
