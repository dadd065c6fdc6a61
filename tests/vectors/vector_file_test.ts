import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { writeSafetensors } from "../../lib/checkpoint/mod.ts";
import { tinyConfig } from "../checkpoint/_tiny_config.ts";
import { InputError, RandomStream } from "../../lib/core/mod.ts";
import {
  loadVectors,
  saveAdapters,
  saveControlVector,
  saveNpyVectors,
  saveSharedDirection,
  saveVectors,
} from "../../lib/vectors/mod.ts";
import { withFolder } from "../checkpoint/_folder.ts";

const CONFIG = tinyConfig({ layers: 12 });

function randomVector(layer: number): Float32Array {
  const stream = new RandomStream(0, "vector", layer);
  return Float32Array.from({ length: CONFIG.embed }, () => stream.normal());
}

const withFile = (body: (path: string) => Promise<void>) =>
  withFolder((folder) => body(`${folder}/vectors.safetensors`));

/** The one line that a file is refused with. */
async function refusal(path: string): Promise<string> {
  const { message } = await assertRejects(() => loadVectors(path, CONFIG), InputError);
  assert(!message.includes("\n"), message);
  assertStringIncludes(message, path);
  return message;
}

const write = (path: string, vectors: Readonly<Record<string, Float32Array>>, dims?: readonly number[]) =>
  writeSafetensors(path, {
    tensors: Object.fromEntries(
      Object.entries(vectors).map(([name, data]) => [
        name,
        { dtype: "float32" as const, dims: dims ?? [data.length], data },
      ]),
    ),
  });

Deno.test("saveVectors() and loadVectors() bring vectors and notes back to the bit, by rising layer", () =>
  withFile(async (path) => {
    // Written out of order, and with layers whose names sort otherwise than their numbers.
    const vectors = new Map([11, 2, 0].map((layer) => [layer, randomVector(layer)]));
    await saveVectors(path, { vectors, metadata: { seed: "3", model: "abc" } });
    const loaded = await loadVectors(path, CONFIG);
    assertEquals([...loaded.vectors.keys()], [0, 2, 11]);
    for (const [layer, vector] of vectors) assertEquals(loaded.vectors.get(layer), vector);
    assertEquals(Object.fromEntries(loaded.metadata), { kind: "steering", seed: "3", model: "abc" });
  }));

Deno.test("saveVectors() gives the same bytes for the same vectors in any order", () =>
  withFolder(async (folder) => {
    const entries = [0, 3, 10].map((layer) => [layer, randomVector(layer)] as const);
    const metadata = { a: "1", b: "2" };
    await saveVectors(`${folder}/x`, { vectors: new Map(entries), metadata });
    await saveVectors(`${folder}/y`, {
      vectors: new Map(entries.toReversed()),
      metadata: { b: "2", a: "1" },
    });
    assertEquals(await Deno.readFile(`${folder}/x`), await Deno.readFile(`${folder}/y`));
  }));

Deno.test("loadVectors() refuses a wrong shape and says both shapes", () =>
  withFile(async (path) => {
    await write(path, { "steering.1": new Float32Array(31).fill(1) });
    assertStringIncludes(await refusal(path), 'vector "steering.1" must have shape [32], found [31]');
    await write(path, { "steering.1": new Float32Array(32).fill(1) }, [1, 32]);
    assertStringIncludes(await refusal(path), "must have shape [32], found [1, 32]");
  }));

Deno.test("loadVectors() refuses tensors that are no vectors, by name", () =>
  withFile(async (path) => {
    for (const name of ["steering", "steering.x", "steering.-1", "steering.1.bias", "model.steering.1"]) {
      await write(path, { "steering.0": randomVector(0), [name]: randomVector(1) });
      const message = await refusal(path);
      assertStringIncludes(message, `tensor "${name}" is not a steering vector`);
      assertStringIncludes(message, "steering.LAYER");
    }
  }));

Deno.test("loadVectors() refuses layers that the model lacks", () =>
  withFile(async (path) => {
    await write(path, { "steering.11": randomVector(11) });
    assertEquals((await loadVectors(path, CONFIG)).vectors.size, 1);
    await write(path, { "steering.12": randomVector(12) });
    assertStringIncludes(await refusal(path), "layer 12 does not fit a model of 12 layers");
  }));

Deno.test("loadVectors() refuses NaN and infinity, and a file without vectors", () =>
  withFile(async (path) => {
    for (const value of [NaN, Infinity, -Infinity]) {
      const vector = randomVector(0);
      vector[31] = value;
      await write(path, { "steering.0": randomVector(0), "steering.5": vector });
      assertStringIncludes(await refusal(path), 'vector "steering.5" holds NaN or infinity');
    }
    await write(path, {});
    assertStringIncludes(await refusal(path), "no steering vectors in this file");
  }));

Deno.test("loadVectors() refuses a file that is missing, cut short or something else", () =>
  withFile(async (path) => {
    await refusal(path);
    await saveVectors(path, { vectors: new Map([[0, randomVector(0)]]), metadata: {} });
    const bytes = await Deno.readFile(path);
    await Deno.writeFile(path, bytes.subarray(0, bytes.length - 1));
    await refusal(path);
    await Deno.writeTextFile(path, "these are not vectors");
    await refusal(path);
  }));

Deno.test("saveVectors() into a folder that is not there is an InputError", () =>
  withFolder(async (folder) => {
    const content = { vectors: new Map([[0, randomVector(0)]]), metadata: {} };
    await assertRejects(() => saveVectors(`${folder}/none/v.safetensors`, content), InputError, "none");
  }));

Deno.test("saveVectors() and loadVectors() keep the place; a file that says none means mlp, an unknown one is refused", () =>
  withFile(async (path) => {
    const vectors = new Map([[1, randomVector(1)]]);
    await saveVectors(path, { vectors, metadata: {} });
    assertEquals((await loadVectors(path, CONFIG)).place, "mlp");
    for (const place of ["mlp", "attention", "input_norm", "post_attention_norm"] as const) {
      await saveVectors(path, { vectors, place, metadata: { seed: "1" } });
      const loaded = await loadVectors(path, CONFIG);
      assertEquals([loaded.place, loaded.metadata.get("place")], [place, place]);
    }
    await saveVectors(path, { vectors, metadata: { place: "residual" } });
    assertStringIncludes(
      await refusal(path),
      'these vectors belong to the unknown place "residual"',
    );
  }));

Deno.test("what loadVectors() would refuse is not written", () =>
  withFile(async (path) => {
    const wrong: readonly (readonly [ReadonlyMap<number, Float32Array>, string])[] = [
      [new Map(), "there must be a layer: current value is none"],
      [new Map([[-1, randomVector(0)]]), "layers must be whole numbers from 0: current value is -1"],
      [new Map([[0.5, randomVector(0)]]), "layers must be whole numbers from 0: current value is 0.5"],
      [
        new Map([[0, new Float32Array()]]),
        "they must be of one width above 0: current value is 0 in layer 0",
      ],
      [
        new Map([[0, randomVector(0)], [1, new Float32Array(3)]]),
        "they must be of one width above 0: current value is 3 in layer 1, after 32",
      ],
      [new Map([[4, Float32Array.of(1, NaN)]]), "values must be finite: current value is NaN in layer 4"],
      [
        new Map([[4, Float32Array.of(-Infinity)]]),
        "values must be finite: current value is -Infinity in layer 4",
      ],
    ];
    for (const [vectors, message] of wrong) {
      const adapters = new Map([...vectors].map(([layer, output]) => [layer, { input: output, output }]));
      const writers = [
        () => saveVectors(path, { vectors, metadata: {} }),
        () => saveAdapters(path, { adapters, metadata: {} }),
        () => saveNpyVectors(path, { vectors, layers: 12 }),
        () => saveControlVector(path, { vectors, architecture: "qwen2" }),
      ];
      for (const write of writers) await assertRejects(write, RangeError, message);
    }
    const shared = { scales: new Map([[0, NaN]]), direction: Float32Array.of(1) };
    await assertRejects(
      () => saveSharedDirection(path, { shared, metadata: {} }),
      RangeError,
      "NaN in layer 0",
    );
    await assertRejects(() => Deno.stat(path), Deno.errors.NotFound);
  }));
