import { assertEquals, assertRejects } from "@std/assert";
import { openCheckpoint } from "../../lib/checkpoint/mod.ts";
import { InputError } from "../../lib/core/mod.ts";
import {
  type ArtifactState,
  artifactState,
  parseProfile,
  type ZooArtifact,
  zooArtifacts,
} from "../../lib/experiment/mod.ts";
import { withFolder } from "../checkpoint/_folder.ts";

const shipped = JSON.parse(
  await Deno.readTextFile(new URL("../../fixtures/profiles/embedded.json", import.meta.url)),
);
const study = {
  ...{ name: "tiny", title: "tiny", problems: ["linear"], template: "embedded", grader: "box-number" },
  settings: shipped.settings,
};
const fresh = JSON.parse(
  await Deno.readTextFile(new URL("../../fixtures/embedded/base-a.pretrain.json", import.meta.url)),
);
const sae = JSON.parse(
  await Deno.readTextFile(new URL("../../fixtures/embedded/base-a.diff-sae.json", import.meta.url)),
);

/** Models by name, each with the name that it goes on from; every one has the run `all`. */
async function artifactsOf(
  folder: string,
  models: Readonly<Record<string, string | null>>,
  autoencoders: readonly object[] = [],
): Promise<readonly ZooArtifact[]> {
  const roles = ["a", "a_instruct", "b", "control"];
  const { initial: _, ...training } = fresh.training;
  for (const [name, from] of Object.entries(models)) {
    const config = from === null ? fresh : { ...fresh, from, tokenizer: {}, training };
    await Deno.writeTextFile(`${folder}/${name}.json`, JSON.stringify({ ...config, name }));
  }
  for (const layer of [7, 8]) {
    await Deno.writeTextFile(`${folder}/sae-${layer}.json`, JSON.stringify({ ...sae, layer }));
  }
  const profile = {
    ...study,
    models: Object.keys(models).map((name, index) => ({
      ...{ name, role: roles[index], title: name, opener: "To", config: `${name}.json` },
      runs: [{ run: "all", learningRates: [0.1], seeds: [0, 2] }],
    })),
    autoencoders,
  };
  const where = `${folder}/zoo.json`;
  return await zooArtifacts(parseProfile(profile, { where }), { where });
}

Deno.test("zooArtifacts() puts each after what it is made from, whatever the order of the profile", () =>
  withFolder(async (folder) => {
    const autoencoder = { model: "third", run: "all", seed: 2, config: "sae-7.json" };
    const artifacts = await artifactsOf(folder, { third: "second", second: "./first", first: null }, [
      autoencoder,
    ]);
    const names = artifacts.map(({ name }) => name);
    assertEquals(names, [
      ...["first", "second", "third", "third/all.seed-0", "third/all.seed-2", "second/all.seed-0"],
      ...["second/all.seed-2", "first/all.seed-0", "first/all.seed-2", "third/all.seed-2/sae.layer-7"],
    ]);
    for (const { name, needs } of artifacts) {
      for (const need of needs) {
        assertEquals(names.indexOf(need) < names.indexOf(name), true, `${name}, ${need}`);
      }
    }
    assertEquals(artifacts.map(({ needs }) => needs.join()).filter((needs) => needs !== ""), [
      ...[
        "first",
        "second",
        "third",
        "third",
        "second",
        "second",
        "first",
        "first",
        "third,third/all.seed-2",
      ],
    ]);
    assertEquals(artifacts.at(3)?.path, `${folder}/vectors/third/all.seed-0.safetensors`);
    assertEquals(artifacts.at(-1)?.path, `${folder}/sae/third.all.seed-2.layer-7.safetensors`);
  }));

Deno.test("zooArtifacts() refuses models in a circle, and autoencoders of what cannot be", () =>
  withFolder(async (folder) => {
    await assertRejects(
      () => artifactsOf(folder, { one: "two", two: "one" }),
      InputError,
      `models go on from each other in a circle: one, two, one: ${folder}/zoo.json`,
    );
    const layer = { model: "one", run: "all", seed: 0, config: "sae-8.json" };
    await assertRejects(
      () => artifactsOf(folder, { one: null }, [layer]),
      InputError,
      `there can be no autoencoder of one, all, layer 8: ${folder}/zoo.json ` +
        "(name a run of vectors or adapters, and in sae-8.json one of the layers 0 to 7)",
    );
    const lost = { ...layer, config: "lost.json" };
    await assertRejects(
      () => artifactsOf(folder, { one: null }, [lost]),
      InputError,
      "lost.json, which the profile",
    );
  }));

Deno.test("zooArtifacts() lets a model go on from one outside the profile", () =>
  withFolder(async (folder) => {
    const [only] = await artifactsOf(folder, { one: "../elsewhere" });
    assertEquals([only?.needs, only?.kind === "model" && only.from?.endsWith("/elsewhere")], [[], true]);
  }));

Deno.test("artifactState() finds the shipped autoencoder there, and one of another recipe made from other inputs", async () => {
  const root = "fixtures/embedded", where = "fixtures/profiles/embedded.json";
  const artifacts = await zooArtifacts(parseProfile(shipped, { where }), { where });
  const made = artifacts.find(({ kind }) => kind === "autoencoder");
  if (made?.kind !== "autoencoder") throw new Error("the profile has one");
  const states = new Map(made.needs.map((name) => [name, "there" as ArtifactState]));
  assertEquals(made.path, `${root}/sae/base-a.all.layer-4.safetensors`);
  assertEquals(await artifactState(made, states), "there");
  for (const change of [{ layer: 3 }, { texts: 599 }, { seed: 1 }, { steps: 2401 }]) {
    const other = { ...made, config: { ...made.config, ...change } };
    assertEquals(await artifactState(other, states), "made from other inputs", JSON.stringify(change));
  }
  const onOthers = { ...made, trained: `${root}/vectors/base-a/all.seed-1.safetensors` };
  assertEquals(await artifactState(onOthers, states), "made from other inputs");
  assertEquals(await artifactState({ ...made, path: `${root}/sae/none.safetensors` }, states), "missing");
});

Deno.test("zooArtifacts() puts the runs first that the profile names, and knows a model that is brought", () =>
  withFolder(async (folder) => {
    const hash = await (await openCheckpoint("fixtures/embedded/base-b")).hash();
    await Deno.mkdir(`${folder}/there`);
    for (const name of ["config.json", "model.safetensors"]) {
      await Deno.copyFile(`fixtures/embedded/base-b/${name}`, `${folder}/there/${name}`);
    }
    const where = `${folder}/zoo.json`;
    const model = (name: string, source: object) => ({
      ...{ name, role: name, title: name, opener: "To" },
      source: { layers: 6, command: "deno task real-model", ...source },
      runs: ["all", "layer-5", "layer-2"].map((run) => ({ run, learningRates: [0.1], seeds: [0, 1] })),
    });
    const artifactsOf = (first: readonly string[]) => {
      const models = [model("a", { folder: "there", hash }), model("b", { folder: "lost", hash })];
      models.push(model("control", { folder: "there", hash: "0".repeat(64) }));
      return zooArtifacts(parseProfile({ ...study, models, first }, { where }), { where });
    };
    const artifacts = await artifactsOf(["b/layer-5.seed-1", "a/layer-2"]);
    assertEquals(artifacts.slice(0, 8).map(({ name }) => name), [
      ...["a", "b", "control", "b/layer-5.seed-1", "a/layer-2.seed-0", "a/layer-2.seed-1"],
      ...["a/all.seed-0", "a/all.seed-1"],
    ]);
    assertEquals(new Set(artifacts).size, 3 + 3 * 6);
    const none = new Map<string, ArtifactState>();
    const states = await Promise.all(artifacts.slice(0, 3).map((artifact) => artifactState(artifact, none)));
    assertEquals(states, ["there", "missing", "made from other inputs"]);
    await assertRejects(
      () => artifactsOf(["a/layer-3"]),
      InputError,
      'at first, there is no run "a/layer-3"',
    );
  }));
