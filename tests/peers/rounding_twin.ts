/**
 * How far rounding moves what is reproduced: the items are measured on the shipped zoo and on a twin of it, whose weights
 * are moved by up to four units in the last place, as far as another processor's order of summation moves logits. Prints a
 * line per unit: how many values, and the largest move as a share of the value's standard error and of its size.
 *
 *     deno run --no-prompt --allow-read --allow-write --allow-ffi --allow-sys=cpus,systemMemoryInfo \
 *       --allow-env=CE_CACHE_STATS,CE_TYPE_FACTS_ASSERT,HF_HUB_CACHE,HF_HOME,XDG_CACHE_HOME,HOME \
 *       tests/peers/rounding_twin.ts --out FOLDER [--size full] [ID…]
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import {
  openCheckpoint,
  readSafetensorsHeader,
  readTensor,
  writeSafetensors,
} from "../../lib/checkpoint/mod.ts";
import { RandomStream } from "../../lib/core/mod.ts";
import { comparedValues, type MetricValue, parseMetrics } from "../../lib/report/mod.ts";
import { REPOSITORY } from "../../tasks/study/reproduction_setting.ts";
import { reproduceCommand } from "../../tasks/reproduce.ts";
import { runOn } from "../tasks/_tiny_zoo.ts";

/** Units in the last place of float32 by which a weight moves at most. */
const STEPS = 4;

async function copyBelow(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyBelow(`${from}/${name}`, `${to}/${name}`);
    else await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
  }
}

/** Every folder below one that holds a model. */
async function modelsBelow(folder: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) found.push(...await modelsBelow(`${folder}/${name}`));
    else if (name === "model.safetensors") found.push(folder);
  }
  return found.sort();
}

/** Rewrites a model's weights as float32, each moved by a few units in the last place; zeros stay. */
async function moveWeights(folder: string): Promise<void> {
  const path = `${folder}/model.safetensors`, { tensors, metadata } = await readSafetensorsHeader(path);
  const moved: Record<string, { dtype: "float32"; dims: readonly number[]; data: Float32Array }> = {};
  for (const [name, entry] of tensors) {
    const data = await readTensor(entry), words = new Int32Array(data.buffer, data.byteOffset, data.length);
    const random = new RandomStream(7, "twin", name);
    for (const [at, word] of words.entries()) {
      if ((word & 0x7fffffff) !== 0) words[at] = word + random.integer({ from: -STEPS, below: STEPS + 1 });
    }
    moved[name] = { dtype: "float32", dims: entry.dims, data };
  }
  await writeSafetensors(path, { tensors: moved, metadata: Object.fromEntries(metadata) });
}

/** Lets an autoencoder be of the twin of the model that it was trained on. */
async function adopt(path: string, model: string): Promise<void> {
  const { tensors, metadata } = await readSafetensorsHeader(path);
  const values = await Promise.all([...tensors].map(async ([name, entry]) =>
    [
      name,
      { dtype: "float32" as const, dims: entry.dims, data: await readTensor(entry) },
    ] as const
  ));
  await writeSafetensors(path, {
    tensors: Object.fromEntries(values),
    metadata: { ...Object.fromEntries(metadata), model },
  });
}

/** The shipped zoo with moved weights, in a folder. */
async function makeTwin(fixtures: string): Promise<void> {
  const zoo = `${fixtures}/embedded`;
  await copyBelow(REPOSITORY.fixtures, fixtures);
  for (const folder of await modelsBelow(zoo)) await moveWeights(folder);
  for await (const { name } of Deno.readDir(`${zoo}/sae`)) {
    const model = /^(.+)\.all\.layer-\d+\.safetensors$/.exec(name)?.[1];
    if (model !== undefined) {
      await adopt(`${zoo}/sae/${name}`, await (await openCheckpoint(`${zoo}/${model}`)).hash());
    }
  }
}

async function valuesOf(folder: string): Promise<ReadonlyMap<string, MetricValue>> {
  const found = new Map<string, MetricValue>();
  for await (const { name: id } of Deno.readDir(folder)) {
    const path = `${folder}/${id}/metrics.json`;
    for (const value of comparedValues(parseMetrics(await Deno.readTextFile(path), path))) {
      found.set(`${id} ${value.name}`, value);
    }
  }
  return found;
}

/** What was found of the values of one unit. */
interface Found {
  values: number;
  moved: number;
  ofError: number;
  ofSize: number;
  farthest: string;
}

const { out, size, _: ids } = parseArgs(Deno.args, { string: ["out", "size"], default: { size: "full" } });
if (out === undefined) throw new Error("--out FOLDER is missing");
await makeTwin(`${out}/fixtures`);
const settings = {
  shipped: { fixtures: REPOSITORY.fixtures, store: `${out}/store` },
  twin: { fixtures: `${out}/fixtures`, store: `${out}/store` },
};
for (const [name, setting] of Object.entries(settings)) {
  const asked = ids.length === 0 ? ["all"] : ids.map(String);
  const { code, error } = await runOn(reproduceCommand(setting), [
    ...asked,
    "--quiet",
    "--size",
    size,
    "--out",
    `${out}/${name}`,
  ]);
  if (code > 1) throw new Error(error);
}
const shipped = await valuesOf(`${out}/shipped/embedded`), twin = await valuesOf(`${out}/twin/embedded`);
const units = new Map<string, Found>();
for (const [name, value] of shipped) {
  const other = twin.get(name), { unit, uncertainty } = value;
  const found = units.get(unit) ?? { values: 0, moved: 0, ofError: 0, ofSize: 0, farthest: "" };
  units.set(unit, found);
  found.values++;
  if (value.value === null || other === undefined || other.value === null) {
    if (value.value !== (other?.value ?? null)) {
      found.farthest = `${name}: ${value.value} and ${other?.value}`;
    }
    continue;
  }
  const apart = Math.abs(value.value - other.value);
  if (apart > 0) found.moved++;
  const error = uncertainty?.kind === "interval" ? (uncertainty.high - uncertainty.low) / 3.92 : 0;
  const ofError = error > 0 ? apart / error : 0, ofSize = apart === 0 ? 0 : apart / Math.abs(value.value);
  if (ofError > found.ofError) Object.assign(found, { ofError, farthest: name });
  // A move that the error explains is a fork; what is left is rounding.
  if (error === 0) found.ofSize = Math.max(found.ofSize, ofSize);
}
console.log(
  "unit | values | moved | largest, of the standard error | largest, of the size (no error known) | where",
);
for (
  const [unit, { values, moved, ofError, ofSize, farthest }] of [...units].sort((
    [a],
    [b],
  ) => (a < b ? -1 : 1))
) {
  console.log([unit, values, moved, ofError.toExponential(1), ofSize.toExponential(1), farthest].join(" | "));
}
