import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  memorySource,
  parseGgufHeader,
  unpack,
  writeGguf,
  writeNpy,
  zipEntries,
} from "../../lib/checkpoint/mod.ts";
import { tinyConfig } from "../checkpoint/_tiny_config.ts";
import { InputError } from "../../lib/core/mod.ts";
import {
  FILE_FORMATS,
  type FileFormat,
  formatOf,
  loadControlVector,
  loadSvec,
  loadTorchVectors,
  loadTrained,
  loadVectors,
  readSparseAutoencoder,
  saveAdapters,
  saveControlVector,
  saveNpyVectors,
  saveSharedDirection,
  saveSvec,
  saveVectors,
  writeSparseAutoencoder,
} from "../../lib/vectors/mod.ts";
import { withFolder } from "../checkpoint/_folder.ts";
import { zip } from "../tasks/_zip.ts";
import { SAE } from "./_tiny_autoencoder.ts";

const VECTORS = new Map([[1, Float32Array.of(0.1, -3e-9)], [4, Float32Array.of(5, 1e30)]]);

Deno.test("formatOf() tells every format by its content, whatever the name and the lengths of headers", () =>
  withFolder(async (folder) => {
    const formats: Partial<Record<FileFormat, (path: string) => Promise<void>>> = {
      vectors: (path) => saveVectors(path, { vectors: VECTORS, metadata: {} }),
      adapters: (path) =>
        saveAdapters(path, {
          adapters: new Map([[0, { input: Float32Array.of(1), output: Float32Array.of(2) }]]),
          metadata: {},
        }),
      autoencoder: (path) => writeSparseAutoencoder(path, SAE),
      gguf: (path) => saveControlVector(path, { vectors: VECTORS, architecture: "mistral" }),
      svec: (path) => saveSvec(path, { vectors: VECTORS, modelType: "m" }),
      npy: (path) => saveNpyVectors(path, { vectors: VECTORS, layers: 6 }),
      torch: (path) =>
        Deno.copyFile(new URL("../../fixtures/golden/vectors/layers.pt", import.meta.url), path),
      saelens: (path) => writeSparseAutoencoder(path, SAE, { format: "saelens" }),
      sparsify: (path) => writeSparseAutoencoder(path, SAE, { format: "sparsify" }),
    };
    for (const [format, write] of Object.entries(formats)) {
      await write(`${folder}/${format}`);
      assertEquals(await formatOf(`${folder}/${format}`), format);
    }
    // Headers of lengths whose first byte begins other files: a brace, a blank, a pickle's mark, a G, a P.
    for (let length = 96; length < 700; length += 8) {
      const path = `${folder}/v`;
      await saveVectors(path, { vectors: VECTORS, metadata: { note: "x".repeat(length) } });
      assertEquals(await formatOf(path), "vectors");
    }
    for (
      const [text, message] of [
        ["", "too few for safetensors"],
        ["\x80\x04\x95", "a pickle, which is a program and is not run"],
        ["hello, I am a long text of no format", "the header claims"],
      ] as const
    ) {
      await Deno.writeFile(`${folder}/x`, Uint8Array.from(text, (letter) => letter.charCodeAt(0)));
      await assertRejects(() => formatOf(`${folder}/x`), InputError, message);
    }
    await assertRejects(() => formatOf(`${folder}/nowhere`), InputError, "does not exist");
    await assertRejects(() => formatOf(folder), InputError, "neither vectors nor an autoencoder");
  }));

Deno.test("loadVectors() and loadTrained() read what they hold, and name what they do not", () =>
  withFolder(async (folder) => {
    await saveControlVector(`${folder}/v`, { vectors: VECTORS, architecture: "llama" });
    const config = tinyConfig({ embed: 2, layers: 5 });
    const { format, vectors, place, shared } = await loadVectors(`${folder}/v`, config);
    assertEquals([format, vectors, place, shared], ["gguf", VECTORS, "mlp", null]);
    const trained = await loadTrained(`${folder}/v`, config);
    assertEquals([trained.vectors, trained.adapters.size], [VECTORS, 0]);
    for (const format of ["saelens", "sparsify", "autoencoder"] as const) {
      await writeSparseAutoencoder(`${folder}/${format}`, SAE, { format });
      const read = () => loadVectors(`${folder}/${format}`, null);
      assertStringIncludes(
        (await assertRejects(read, InputError)).message,
        `${FILE_FORMATS[format]}, not vectors`,
      );
    }
    const read = () => readSparseAutoencoder(`${folder}/v`);
    assertStringIncludes(
      (await assertRejects(read, InputError)).message,
      "a GGUF control vector, not a sparse autoencoder",
    );
    const shared2 = { scales: new Map([[0, 2]]), direction: Float32Array.of(1, 3) };
    await saveSharedDirection(`${folder}/r`, { shared: shared2, metadata: {} });
    assertEquals((await loadVectors(`${folder}/r`, null)).vectors.get(0), Float32Array.of(2, 6));
  }));

Deno.test("saveControlVector() writes layers in order, refuses layer 0 unless told to leave it out", () =>
  withFolder(async (folder) => {
    const path = `${folder}/v.gguf`,
      vectors = new Map([[4, Float32Array.of(4)], [0, Float32Array.of(9)], [1, Float32Array.of(1)]]);
    const refused = () => saveControlVector(path, { vectors, architecture: "qwen3" });
    await assertRejects(refused, InputError, "llama.cpp refuses a control vector of layer 0");
    await saveControlVector(path, { vectors, architecture: "qwen3", layerZero: "leave out" });
    const { tensors, metadata } = parseGgufHeader(memorySource(await Deno.readFile(path)), { where: path });
    assertEquals([...tensors.keys()], ["direction.1", "direction.4"]);
    assertEquals([metadata.get("controlvector.model_hint"), metadata.get("controlvector.layer_count")], [
      "qwen3",
      2,
    ]);
    const alone = {
      vectors: new Map([[0, Float32Array.of(9)]]),
      architecture: "qwen3",
      layerZero: "leave out",
    } as const;
    await assertRejects(() => saveControlVector(path, alone), InputError, "no vector is left to write");
    // One that names it is read, as other programs write it.
    await writeGguf(path, {
      metadata: new Map([["general.architecture", "controlvector"]]),
      tensors: new Map([["direction.0", { dims: [1], data: Float32Array.of(3) }]]),
    });
    assertEquals((await loadControlVector(path, null)).vectors, new Map([[0, Float32Array.of(3)]]));
    await assertRejects(
      () => loadControlVector(path, tinyConfig()),
      InputError,
      "must have shape [32], found [1]",
    );
  }));

Deno.test("loadTorchVectors() refuses views past their numbers, other counts, and archives that are compressed", () =>
  withFolder(async (folder) => {
    const path = `${folder}/v.pt`,
      sound = await Deno.readFile(new URL("../../fixtures/golden/vectors/layers.pt", import.meta.url));
    const source = memorySource(sound), members: Record<string, Uint8Array> = {};
    for (const entry of zipEntries(source)) {
      const pieces: number[] = [];
      await unpack(source, entry, { write: (bytes) => void pieces.push(...bytes) });
      members[entry.name] = Uint8Array.from(pieces);
    }
    const refused = async (change: (pickle: string) => string, message: string, stored = true) => {
      const parts = Object.entries(members).map(([name, bytes]): [string, Uint8Array] => {
        const letters = name.endsWith("data.pkl") ? change(String.fromCharCode(...bytes)) : null;
        return [name, letters === null ? bytes : Uint8Array.from(letters, (letter) => letter.charCodeAt(0))];
      });
      await Deno.writeFile(path, zip(Object.fromEntries(parts), { stored }));
      assertStringIncludes(
        (await assertRejects(() => loadTorchVectors(path, null), InputError)).message,
        message,
      );
    };
    // Offset 0, shape (6,): from 1 on there are five.
    await refused(
      (pickle) => pickle.replace("QK\x00K\x06", "QK\x01K\x06"),
      "reaches past its stored numbers",
    );
    await refused((pickle) => pickle.replace("K\x06t", "K\x07t"), "needs 7 numbers of FloatStorage");
    await refused((pickle) => pickle, "is compressed", false);
    await refused((pickle) => pickle + "(".repeat(2 ** 22), "bytes, more than 4194304");
  }));

Deno.test("loadSvec() reads directions in a list of their own, and refuses several positions", () =>
  withFolder(async (folder) => {
    const path = `${folder}/v.svec`;
    const load = async (directions: unknown, more: Record<string, unknown> = {}) => {
      await Deno.writeTextFile(path, JSON.stringify({ model_type: "m", directions, ...more }));
      return await loadSvec(path, null);
    };
    assertEquals((await load({ 3: [[1, 2]] })).vectors, new Map([[3, Float32Array.of(1, 2)]]));
    assertEquals(
      (await load({ 3: [1] }, { explained_variances: { 3: null } })).metadata.get("explained_variances"),
      '{"3":null}',
    );
    for (
      const [directions, message] of [
        [{ 3: [[1, 2], [3, 4]] }, "must be a list of numbers, or one such list in a list"],
        [{ 3: [1e39] }, 'vector "3" holds NaN or infinity'],
        [{ x: [1] }, "Invalid key in record"],
        [{}, "no steering vectors in this file"],
      ] as const
    ) {
      assertStringIncludes((await assertRejects(() => load(directions), InputError)).message, message);
    }
    await assertRejects(
      () => load({ 3: [1] }, { operator: "replace" }),
      InputError,
      'unknown keys "operator"',
    );
    const nan = { vectors: new Map([[2, Float32Array.of(NaN)]]), modelType: "m" };
    await assertRejects(() => saveSvec(path, nan), InputError, "the vector of layer 2 holds NaN");
  }));

Deno.test("saveNpyVectors() and the writers under it refuse what has no place", () =>
  withFolder(async (folder) => {
    const save = (layers: number, vectors = VECTORS) =>
      saveNpyVectors(`${folder}/v.npy`, { vectors, layers });
    await assertRejects(() => save(4), RangeError, "Cannot write the vector of layer 4");
    await assertRejects(
      () => save(5, new Map([[0, Float32Array.of(1)], [1, Float32Array.of(1, 2)]])),
      RangeError,
      "layer 1",
    );
    await assertRejects(
      () => writeNpy(`${folder}/v.npy`, { dims: [3], data: new Float32Array(2) }),
      RangeError,
      "needs 3 values",
    );
    const gguf = (content: Parameters<typeof writeGguf>[1]) => writeGguf(`${folder}/v.gguf`, content);
    const tensors = new Map([["x", { dims: [3], data: new Float32Array(2) }]]);
    await assertRejects(
      () => gguf({ metadata: new Map(), tensors }),
      RangeError,
      'Cannot write "x" as [3] needs 3 values',
    );
    for (const value of [-1, 0.5, 2 ** 32, NaN]) {
      const metadata = new Map([["k", value]]);
      await assertRejects(() => gguf({ metadata, tensors: new Map() }), RangeError, 'Cannot write "k"');
    }
    assertEquals([...Deno.readDirSync(folder)].length, 0);
  }));

Deno.test("readSparseAutoencoder() refuses kinds of other programs that are no TopK of the stream, by name", () =>
  withFolder(async (folder) => {
    const refused = async (
      format: "saelens" | "sparsify",
      change: Record<string, unknown>,
      message: string,
    ) => {
      await writeSparseAutoencoder(folder, SAE, { format });
      const path = `${folder}/cfg.json`,
        cfg = JSON.parse(await Deno.readTextFile(path)) as Record<string, unknown>;
      await Deno.writeTextFile(path, JSON.stringify({ ...cfg, ...change }));
      assertStringIncludes(
        (await assertRejects(() => readSparseAutoencoder(folder), InputError)).message,
        message,
      );
      await Deno.remove(`${folder}/${format === "saelens" ? "sae_weights" : "sae"}.safetensors`);
    };
    await refused(
      "saelens",
      { architecture: "jumprelu" },
      'the architecture "jumprelu", where "topk" is needed',
    );
    await refused(
      "saelens",
      { normalize_activations: "layer_norm" },
      '"layer_norm" for "normalize_activations"',
    );
    await refused("saelens", { reshape_activations: "hook_z" }, '"hook_z" for "reshape_activations"');
    await refused("saelens", { k: undefined }, '"k" is missing');
    await refused("saelens", { k: 4 }, "lets 4 features of 3 be active");
    await refused("saelens", { d_sae: 4 }, "cfg.json says 4 features of 2, the weights 3 of 2");
    await refused(
      "sparsify",
      { activation: "groupmax" },
      'the activation "groupmax", where "topk" is needed',
    );
    await refused("sparsify", { transcode: true }, 'true for "transcode"');
    await refused("sparsify", { skip_connection: true }, 'true for "skip_connection"');
    await refused("sparsify", { d_in: 3 }, "says a width of 3, the weights 2");
    // As versions before 6 wrote it.
    await writeSparseAutoencoder(folder, SAE, { format: "saelens" });
    const old = {
      activation_fn: "topk",
      activation_fn_kwargs: { k: 2 },
      d_in: 2,
      d_sae: 3,
      normalize_activations: false,
    };
    await Deno.writeTextFile(
      `${folder}/cfg.json`,
      JSON.stringify({ ...old, architecture: "standard", hook_name: "blocks.7.hook_resid_post" }),
    );
    const { autoencoder, metadata } = await readSparseAutoencoder(folder);
    assertEquals([autoencoder, metadata.get("layer")], [SAE, "7"]);
  }));
