import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { writeSafetensors } from "../../lib/checkpoint/mod.ts";
import { tinyConfig } from "../checkpoint/_tiny_config.ts";
import { InputError } from "../../lib/core/mod.ts";
import {
  loadTrained,
  loadVectors,
  saveAdapters,
  saveSharedDirection,
  saveVectors,
} from "../../lib/vectors/mod.ts";
import { withFolder } from "../checkpoint/_folder.ts";
import { randomAdapters } from "../decode/_adapters.ts";

const CONFIG = tinyConfig({ layers: 12 });

const withFile = (body: (path: string) => Promise<void>) =>
  withFolder((folder) => body(`${folder}/trained.safetensors`));

/** The one line that a file is refused with. */
async function refusal(path: string, read: () => Promise<unknown> = () => loadTrained(path, CONFIG)) {
  const { message } = await assertRejects(read, InputError);
  assert(!message.includes("\n"), message);
  assertStringIncludes(message, path);
  return message;
}

const write = (
  path: string,
  tensors: Readonly<Record<string, readonly number[]>>,
  dims?: readonly number[],
) =>
  writeSafetensors(path, {
    tensors: Object.fromEntries(
      Object.entries(tensors).map(([name, values]) => [name, {
        dtype: "float32" as const,
        dims: dims ?? [values.length],
        data: Float32Array.from(values),
      }]),
    ),
  });

Deno.test("saveAdapters() and loadTrained() bring adapters and notes back to the bit, by rising layer", () =>
  withFile(async (path) => {
    const adapters = randomAdapters(CONFIG, [11, 2, 0]);
    await saveAdapters(path, { adapters, metadata: { seed: "3", model: "abc" } });
    const loaded = await loadTrained(path, CONFIG);
    assertEquals([...loaded.adapters.keys()], [0, 2, 11]);
    for (const [layer, adapter] of adapters) assertEquals(loaded.adapters.get(layer), adapter);
    assertEquals(loaded.vectors.size, 0);
    assertEquals(Object.fromEntries(loaded.metadata), { kind: "adapter", seed: "3", model: "abc" });
  }));

Deno.test("loadTrained() reads files of vectors as vectors, those of a shared direction too", () =>
  withFile(async (path) => {
    const vector = Float32Array.from({ length: CONFIG.embed }, (_, i) => i - 3);
    await saveVectors(path, { vectors: new Map([[4, vector]]), metadata: {} });
    assertEquals((await loadTrained(path, CONFIG)).vectors.get(4), vector);
    await saveSharedDirection(path, {
      shared: { scales: new Map([[7, -2], [1, 0.5]]), direction: vector },
      metadata: { seed: "1" },
    });
    const { vectors, adapters } = await loadTrained(path, CONFIG);
    assertEquals([...vectors.keys(), adapters.size], [1, 7, 0]);
    assertEquals(vectors.get(7), vector.map((value) => -2 * value));
    const { shared, metadata } = await loadVectors(path, CONFIG);
    assertEquals([...shared?.scales ?? []], [[1, 0.5], [7, -2]]);
    assertEquals(shared?.direction, vector);
    assertEquals(Object.fromEntries(metadata), { kind: "rank1", seed: "1" });
  }));

Deno.test("loadTrained() refuses adapters that do not fit, by tensor", () =>
  withFile(async (path) => {
    const input = new Array(CONFIG.neurons).fill(1), output = new Array(CONFIG.embed).fill(1);
    const good = { "adapter_in.1": input, "adapter_out.1": output };
    const cases: readonly (readonly [Readonly<Record<string, readonly number[]>>, string])[] = [
      [{ ...good, "steering.1": output }, 'tensor "steering.1" is not of an adapter'],
      [{ ...good, "adapter_in.01": input }, 'tensor "adapter_in.01" is not of an adapter'],
      [{ "adapter_in.1": input }, 'the adapter of layer 1 lacks "adapter_out.1"'],
      [{ ...good, "adapter_out.3": output }, 'the adapter of layer 3 lacks "adapter_in.3"'],
      [
        { "adapter_in.12": input, "adapter_out.12": output },
        "adapter for layer 12 does not fit a model of 12 layers",
      ],
      [
        { ...good, "adapter_in.1": output.slice(1) },
        `adapter "adapter_in.1" must have shape [${CONFIG.neurons}], found [31]`,
      ],
      [{ ...good, "adapter_out.1": [...output.slice(1), NaN] }, '"adapter_out.1" holds NaN or infinity'],
    ];
    for (const [tensors, message] of cases) {
      await write(path, tensors);
      assertStringIncludes(await refusal(path), message);
    }
    await write(path, good);
    const asVectors = await refusal(path, () => loadVectors(path, CONFIG));
    assertStringIncludes(asVectors, "rank-1 adapters in safetensors, not vectors");
  }));

Deno.test("loadVectors() refuses a shared direction that does not fit, and factors that are none", () =>
  withFile(async (path) => {
    const direction = new Array(CONFIG.embed).fill(1);
    const scalar = (value: number) => ({ dtype: "float32" as const, dims: [], data: Float32Array.of(value) });
    const cases: readonly (readonly [Readonly<Record<string, unknown>>, readonly number[], string])[] = [
      [{}, direction, "no steering vectors in this file"],
      [{ "scale.12": scalar(1) }, direction, "vector for layer 12 does not fit a model of 12 layers"],
      [{ "scale.1": scalar(NaN) }, direction, 'factor "scale.1" is not finite'],
      [{ "steering.1": scalar(1) }, direction, 'tensor "steering.1" is not the factor of a layer'],
      [{ "scale.1": scalar(1) }, [1, 2], 'vector "direction" must have shape [32], found [2]'],
    ];
    for (const [scales, values, message] of cases) {
      const tensors = {
        direction: { dtype: "float32" as const, dims: [values.length], data: Float32Array.from(values) },
        ...scales as Record<string, ReturnType<typeof scalar>>,
      };
      await writeSafetensors(path, { tensors });
      assertStringIncludes(await refusal(path, () => loadVectors(path, CONFIG)), message);
    }
  }));

Deno.test("loadVectors() without a model takes any width, but one", () =>
  withFile(async (path) => {
    await write(path, { "steering.0": [1, 2], "steering.500": [3, 4] });
    assertEquals([...(await loadVectors(path, null)).vectors.keys()], [0, 500]);
    await write(path, { "steering.0": [1, 2], "steering.1": [3, 4, 5] });
    assertStringIncludes(
      await refusal(path, () => loadVectors(path, null)),
      'vector "steering.1" must have shape [2], found [3]',
    );
    await write(path, { "steering.0": [1, 2] }, [1, 2]);
    assertStringIncludes(await refusal(path, () => loadVectors(path, null)), "found [1, 2]");
  }));
