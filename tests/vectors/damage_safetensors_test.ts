import { assert } from "@std/assert";
import { memoryFolder } from "../../lib/checkpoint/mod.ts";
import { tinyConfig } from "../checkpoint/_tiny_config.ts";
import type { RandomStream } from "../../lib/core/mod.ts";
import { loadTrained, loadVectors } from "../../lib/vectors/mod.ts";
import { assertRefused, assertSurvived, assertVectors, cutOrLonger, edited, ROUNDS } from "./_damage.ts";
import { damagedParts, fileOf, part } from "./_damaged_tensors.ts";

/** The path of a file that has these bytes, as long as no other has. */
const fileWith = (bytes: Uint8Array<ArrayBuffer>) =>
  `${memoryFolder("damaged", new Map([["x.safetensors", bytes]]))}/x.safetensors`;

const VECTORS = [part("steering.1", [4]), part("steering.6", [4], 9)];
const STRAY = ["steering", "steering.", "steering.01", "steering.-1", "weights.1", ""];

Deno.test(`${ROUNDS} damaged files of vectors are refused in one line each`, async () => {
  const read = async (bytes: Uint8Array<ArrayBuffer>) => {
    return (await loadVectors(fileWith(bytes), null)).vectors;
  };
  assertVectors(await read(fileOf(VECTORS)));
  const make = (stream: RandomStream) =>
    stream.uniform() < 0.3
      ? cutOrLonger(fileOf(VECTORS), stream)
      : stream.uniform() < 0.1
      ? fileOf(VECTORS, { place: stream.pick(["", "mpl", "residual"]) })
      : fileOf(damagedParts(VECTORS, stream, STRAY));
  await assertRefused(make, { read, seed: "vectors", kinds: 12 });
  await assertSurvived((stream) => edited(fileOf(VECTORS), stream), {
    read,
    check: assertVectors,
    seed: "vectors",
  });
});

const BIASES = [1, 2].map((layer) => part(`model.layers.${layer}.mlp.down_proj.bias`, [4], layer));
const ZERO = { ...part("model.layers.1.mlp.up_proj.bias", [3]), data: [0, 0, 0] };

Deno.test(`${ROUNDS} damaged checkpoints with vectors as biases are refused in one line each`, async () => {
  const config = tinyConfig({ embed: 4, layers: 3 });
  const read = async (bytes: Uint8Array<ArrayBuffer>) => {
    return (await loadVectors(fileWith(bytes), config)).vectors;
  };
  assertVectors(await read(fileOf([...BIASES, ZERO])));
  const make = (stream: RandomStream) => {
    if (stream.uniform() < 0.3) return cutOrLonger(fileOf([...BIASES, ZERO]), stream);
    if (stream.uniform() < 0.1) {
      return fileOf([...BIASES, { ...ZERO, data: [0, stream.pick([1, -1e-9, NaN]), 0] }]);
    }
    // Of a checkpoint only biases are read, so that another name is no damage, but one of a layer too many is.
    return fileOf([...damagedParts(BIASES, stream, ["model.layers.3.mlp.down_proj.bias"]), ZERO]);
  };
  await assertRefused(make, { read, seed: "biases", kinds: 10 });
  await assertSurvived((stream) => edited(fileOf(BIASES), stream), {
    read,
    check: assertVectors,
    seed: "biases",
  });
});

Deno.test(`${ROUNDS} damaged files of adapters are refused in one line each`, async () => {
  const parts = [part("adapter_in.1", [6]), part("adapter_out.1", [4])];
  const config = tinyConfig({ embed: 4, neurons: 6 });
  const read = async (bytes: Uint8Array<ArrayBuffer>) => {
    return (await loadTrained(fileWith(bytes), config)).adapters;
  };
  assert((await read(fileOf(parts))).get(1)?.output.length === 4);
  const names = ["adapter_in", "adapter_in.01", "adapter_out.2", "adapter_in.0", "steering.1", ""];
  const make = (stream: RandomStream) =>
    stream.uniform() < 0.3 ? cutOrLonger(fileOf(parts), stream) : fileOf(damagedParts(parts, stream, names));
  await assertRefused(make, { read, seed: "adapters", kinds: 12 });
});
