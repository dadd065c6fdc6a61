import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { InputError, sha256 } from "../../lib/core/mod.ts";
import { saveVectors } from "../../lib/decode/mod.ts";
import { ZooModel } from "../../lib/experiment/mod.ts";
import { withTinyZoo, withZooModel, writeVectors } from "./_tiny_zoo.ts";

async function fault(work: () => Promise<unknown>): Promise<string> {
  const { message } = await assertRejects(work, InputError);
  assertEquals(message.includes("\n"), false, message);
  return message;
}

Deno.test("ZooModel.trainedVectors() reads every seed of one run, in the order of the seeds", () =>
  withZooModel(async (zoo, { entry }) => {
    for (const [seed, strength] of [[10, 0.5], [2, 0.25]] as const) {
      await writeVectors(`${entry.vectorsFolder}/layer-1.seed-${seed}.safetensors`, { 1: strength });
    }
    await Deno.writeTextFile(`${entry.vectorsFolder}/layer-1.seed-x.safetensors`, "not of the run");
    await Deno.writeTextFile(`${entry.vectorsFolder}/layer-11.seed-0.safetensors`, "of another run");
    await Deno.writeTextFile(`${entry.vectorsFolder}/layer-1.seed-3.json`, "a note");
    const runs = await zoo.trainedVectors("layer-1");
    assertEquals(runs.map(({ seed }) => seed), [0, 2, 10]);
    const strengths = runs.map(({ vectors }) => vectors.get(1)?.find((value) => value !== 0));
    assertEquals(strengths, [Math.fround(0.05), 0.25, 0.5]);
    const bytes = await Deno.readFile(`${entry.vectorsFolder}/layer-1.seed-2.safetensors`);
    assertEquals(runs[1]?.hash, sha256(bytes));
    assertEquals((await zoo.trainedVectors("all")).map(({ vectors }) => [...vectors.keys()]), [[0, 1, 2, 3]]);
    assertEquals(zoo.layers, 4);
  }));

Deno.test("ZooModel.trainedVectors() says what is missing and how to make it", () =>
  withZooModel(async (zoo, { entry }) => {
    for (const name of ["layer-2", "all"] as const) {
      await Deno.remove(`${entry.vectorsFolder}/${name}.seed-0.safetensors`);
      assertEquals(
        await fault(() => zoo.trainedVectors(name)),
        `no vectors of run "${name}": ${entry.vectorsFolder} (train them: deno task train --layers ${
          name === "all" ? "all" : 2
        } --out ${entry.vectorsFolder})`,
      );
    }
    await Deno.remove(entry.vectorsFolder, { recursive: true });
    const missing = await fault(() => zoo.trainedVectors("all"));
    assertEquals(missing, `no folder of steering vectors: ${entry.vectorsFolder} (pass --vectors)`);
    await Deno.writeTextFile(entry.vectorsFolder, "a file");
    assertEquals(await fault(() => zoo.trainedVectors("all")), missing);
  }));

Deno.test("ZooModel.trainedVectors() refuses vectors of another model, and damaged files", () =>
  withZooModel(async (zoo, { entry }) => {
    const path = `${entry.vectorsFolder}/layer-0.seed-0.safetensors`;
    await saveVectors(path, { vectors: new Map([[0, new Float32Array(21)]]), metadata: {} });
    assertMatch(await fault(() => zoo.trainedVectors("layer-0")), /must have shape \[20\], found \[21\]/);
    await saveVectors(path, { vectors: new Map([[4, new Float32Array(20)]]), metadata: {} });
    assertMatch(
      await fault(() => zoo.trainedVectors("layer-0")),
      /layer 4 does not fit a model of 4 layers: .*layer-0/,
    );
    await Deno.writeFile(path, new Uint8Array(5));
    assertMatch(await fault(() => zoo.trainedVectors("layer-0")), /layer-0\.seed-0\.safetensors/);
  }));

Deno.test("ZooModel.open() names a model folder that is missing", () =>
  withTinyZoo(async ({ entry, folder }) => {
    const modelFolder = `${folder}/nothing`;
    assertMatch(await fault(() => ZooModel.open({ ...entry, modelFolder })), /nothing/);
  }));
