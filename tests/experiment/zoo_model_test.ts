import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { InputError, sha256 } from "../../lib/core/mod.ts";
import { saveAdapters, saveVectors } from "../../lib/vectors/mod.ts";
import { ZooModel } from "../../lib/experiment/mod.ts";
import { withTinyZoo, withZooModel, writeVectors } from "./_tiny_zoo.ts";

async function fault(work: () => Promise<unknown>): Promise<string> {
  const { message } = await assertRejects(work, InputError);
  assertEquals(message.includes("\n"), false, message);
  return message;
}

Deno.test("ZooModel.trained() reads every seed of one run, in the order of the seeds", () =>
  withZooModel(async (zoo, { entry }) => {
    for (const [seed, strength] of [[10, 0.5], [2, 0.25]] as const) {
      await writeVectors(`${entry.vectorsFolder}/layer-1.seed-${seed}.safetensors`, { 1: strength });
    }
    await Deno.writeTextFile(`${entry.vectorsFolder}/layer-1.seed-x.safetensors`, "not of the run");
    await Deno.writeTextFile(`${entry.vectorsFolder}/layer-11.seed-0.safetensors`, "of another run");
    await Deno.writeTextFile(`${entry.vectorsFolder}/layer-1.seed-3.json`, "a note");
    const runs = await zoo.trained("layer-1");
    assertEquals(runs.map(({ name }) => name), ["layer-1.seed-0", "layer-1.seed-2", "layer-1.seed-10"]);
    const strengths = runs.map(({ steer }) => steer?.get(1)?.find((value) => value !== 0));
    assertEquals(strengths, [Math.fround(0.05), 0.25, 0.5]);
    const bytes = await Deno.readFile(`${entry.vectorsFolder}/layer-1.seed-2.safetensors`);
    assertEquals(runs[1]?.inputs, { "vectors.base-a.layer-1.seed-2": sha256(bytes) });
    assertEquals((await zoo.trained("all")).map(({ steer = new Map() }) => [...steer.keys()]), [[
      0,
      1,
      2,
      3,
    ]]);
    assertEquals(zoo.layers, 4);
  }));

Deno.test("ZooModel.trained() says what is missing and how to make it", () =>
  withZooModel(async (zoo, { entry }) => {
    for (const name of ["layer-2", "all"] as const) {
      await Deno.remove(`${entry.vectorsFolder}/${name}.seed-0.safetensors`);
      assertEquals(
        await fault(() => zoo.trained(name)),
        `no run "${name}": ${entry.vectorsFolder} (train it: deno task train --layers ${
          name === "all" ? "all" : 2
        } --out ${entry.vectorsFolder})`,
      );
    }
    await Deno.remove(entry.vectorsFolder, { recursive: true });
    const missing = await fault(() => zoo.trained("all"));
    assertEquals(missing, `no folder of trained vectors: ${entry.vectorsFolder} (pass --vectors)`);
    await Deno.writeTextFile(entry.vectorsFolder, "a file");
    assertEquals(await fault(() => zoo.trained("all")), missing);
  }));

Deno.test("ZooModel names the command that makes an adapter, a vector at a place, and a tuned model", () =>
  withZooModel(async (zoo, { entry: { vectorsFolder } }) => {
    const wanted = [
      ["adapter-all", "--parameters adapter --layers all"],
      ["adapter-3", "--parameters adapter --layers 3"],
      ["place-input_norm-2", "--layers 2 --place input_norm"],
      ["random-all", "--layers all --reward random"],
    ] as const;
    assertEquals(
      await fault(() => zoo.trained("rate-0.25-2")),
      `no run "rate-0.25-2": ${vectorsFolder} (train it: deno task train --layers 2 --learning-rate R --out ` +
        `${vectorsFolder}/rate-0.25-2.seed-0.safetensors, R being 0.25 of layer-2's)`,
    );
    for (const [run, flags] of wanted) {
      assertEquals(
        await fault(() => zoo.trained(run)),
        `no run "${run}": ${vectorsFolder} (train it: deno task train ${flags} --out ${vectorsFolder})`,
      );
    }
    assertMatch(await fault(() => zoo.tuned()), /\(train it: deno task train --parameters full --out/);
  }));

Deno.test("ZooModel.trained() reads rank-1 adapters, and tuned() opens models of their own", () =>
  withZooModel(async (zoo, { entry }) => {
    const { neurons, embed } = zoo.model.config;
    const adapter = { input: new Float32Array(neurons).fill(1), output: new Float32Array(embed).fill(2) };
    await saveAdapters(`${entry.vectorsFolder}/adapter-2.seed-0.safetensors`, {
      adapters: new Map([[2, adapter]]),
      metadata: {},
    });
    const [trained] = await zoo.trained("adapter-2");
    assertEquals(trained?.adapters?.get(2), adapter);
    assertEquals(trained?.steer, undefined);
    const folder = `${entry.vectorsFolder}/full.seed-0`;
    await Deno.mkdir(folder);
    for (const { name } of Deno.readDirSync(entry.modelFolder)) {
      await Deno.copyFile(`${entry.modelFolder}/${name}`, `${folder}/${name}`);
    }
    const [tuned, ...more] = await zoo.tuned();
    assertEquals([tuned?.entry.name, more.length], ["base-a.full.seed-0", 0]);
    assertEquals((await zoo.tuned())[0] === tuned, true); // opened once
    const token = [[1, 2, 3]];
    const logits = async (model?: ZooModel) => (await model?.model.run(token))?.logits?.data;
    assertEquals(await logits(tuned), await logits(zoo));
  }));

Deno.test("ZooModel.trained() refuses vectors of another model, and damaged files", () =>
  withZooModel(async (zoo, { entry }) => {
    const path = `${entry.vectorsFolder}/layer-0.seed-0.safetensors`;
    await saveVectors(path, { vectors: new Map([[0, new Float32Array(21)]]), metadata: {} });
    assertMatch(await fault(() => zoo.trained("layer-0")), /must have shape \[20\], found \[21\]/);
    await saveVectors(path, { vectors: new Map([[4, new Float32Array(20)]]), metadata: {} });
    assertMatch(
      await fault(() => zoo.trained("layer-0")),
      /layer 4 does not fit a model of 4 layers: .*layer-0/,
    );
    await Deno.writeFile(path, new Uint8Array(5));
    assertMatch(await fault(() => zoo.trained("layer-0")), /layer-0\.seed-0\.safetensors/);
  }));

Deno.test("ZooModel.open() names a model folder that is missing", () =>
  withTinyZoo(async ({ entry, folder }) => {
    const modelFolder = `${folder}/nothing`;
    assertMatch(await fault(() => ZooModel.open({ ...entry, modelFolder })), /nothing/);
  }));

Deno.test("ZooModel.trainingRecords() reads how each seed was made off its file, and says when a file is silent", () =>
  withZooModel(async (zoo, { entry }) => {
    const config = {
      layers: [1],
      seed: 3,
      steps: 7,
      prompts: 2,
      samples: 4,
      maxNewTokens: 9,
      learningRates: [0.5],
      warmupShare: 0.1,
      maxNorm: 2,
      families: ["linear" as const],
    };
    const path = (seed: number) => `${entry.vectorsFolder}/rate-0.5-1.seed-${seed}.safetensors`;
    const vectors = new Map([[1, new Float32Array(20)]]);
    await saveVectors(path(3), { vectors, metadata: { config: JSON.stringify(config) } });
    const [record, ...more] = await zoo.trainingRecords("rate-0.5-1");
    assertEquals([record?.name, record?.config, more.length], ["rate-0.5-1.seed-3", config, 0]);
    assertEquals(record?.inputs, (await zoo.trained("rate-0.5-1"))[0]?.inputs);
    for (const metadata of [{}, { config: "no JSON" }, { config: '{"layers":[1]}' }]) {
      await saveVectors(path(4), { vectors, metadata });
      assertMatch(
        await fault(() => zoo.trainingRecords("rate-0.5-1")),
        /(does not say how it was made|bad training config at .*): .*seed-4/,
      );
    }
  }));
