import { assertEquals, assertMatch, assertNotEquals, assertStringIncludes } from "@std/assert";
import {
  openCheckpoint,
  readSafetensorsHeader,
  readTensor,
  writeCheckpoint,
} from "../../lib/checkpoint/mod.ts";
import { sha256 } from "../../lib/core/mod.ts";
import { parsePretrainConfig, pretrainRunHash } from "../../lib/train/mod.ts";
import { readSparseAutoencoder } from "../../lib/vectors/mod.ts";
import { codeHash } from "../../tasks/cluster/plan_parts.ts";
import { writeTasks } from "../../tasks/cluster/plan_tasks.ts";
import { diffSae } from "../../tasks/diff_sae.ts";
import { pretrain } from "../../tasks/pretrain.ts";
import { train } from "../../tasks/train.ts";
import { workCommand } from "../../tasks/work.ts";
import { zoo } from "../../tasks/zoo.ts";
import {
  faultLine,
  inFolder,
  namesBelow,
  runOn,
  writeBoxModel,
  writeTinyPretrainConfig,
} from "./_tiny_zoo.ts";

const SETTINGS = {
  steps: 4,
  prompts: 4,
  samples: 8,
  maxNewTokens: 8,
  warmupShare: 0,
  maxNorm: 2,
  families: ["remainder"],
};
const ENTRY = { title: "Title", opener: "To" };

interface TinyProfile {
  settings: Record<string, unknown>;
  models: { name: string; runs: Record<string, unknown>[] }[];
  [study: string]: unknown;
  autoencoders: Record<string, unknown>[];
}

/** Two models, the second from the first; the profile lists the second first. */
const PROFILE: TinyProfile = {
  ...{ name: "tiny", title: "tiny", problems: ["remainder"], template: "embedded", grader: "box-number" },
  settings: { ...SETTINGS, steps: 2, samples: 2, prompts: 2, maxNewTokens: 4 },
  models: [
    {
      name: "two",
      role: "a_instruct",
      config: "two.json",
      ...ENTRY,
      runs: [],
    } as TinyProfile["models"][number],
    {
      ...{ name: "one", role: "a", config: "one.json", ...ENTRY },
      runs: [
        { run: "layer-1", learningRates: [0.1], seeds: [0, 1] },
        { run: "adapter-all", learningRates: [0.1, 0.2], seeds: [3], settings: { steps: 1 } },
        { run: "full", learningRates: [0.001], seeds: [0], settings: { steps: 1 } },
      ],
    },
  ],
  autoencoders: [],
};
const NAMES = [
  ...["one", "two", "one/layer-1.seed-0", "one/layer-1.seed-1", "one/adapter-all.seed-3", "one/full.seed-0"],
];

async function writeConfigs(folder: string, options: { readonly seed?: number } = {}): Promise<void> {
  await writeTinyPretrainConfig(`${folder}/one.json`, ({ model, training }) => {
    model["num_hidden_layers"] = 2;
    Object.assign(training, { steps: 3, seed: options.seed ?? 0 });
  });
  await writeTinyPretrainConfig(`${folder}/two.json`, (config) => {
    delete config.training["initial"];
    config.model["num_hidden_layers"] = 2;
    Object.assign(config.training, { steps: 2, seed: 4 });
    Object.assign(config, { from: "one", tokenizer: { format: "dialogue" } });
  });
}

async function writeProfile(folder: string, change: (profile: TinyProfile) => void = () => {}) {
  const profile = structuredClone(PROFILE);
  change(profile);
  await Deno.writeTextFile(`${folder}/zoo.json`, JSON.stringify(profile));
  return ["--profile", `${folder}/zoo.json`, "--threads", "1"];
}

function hashesOf(folder: string): Record<string, string> {
  const files = namesBelow(folder).filter((name) => !name.endsWith("/"));
  return Object.fromEntries(files.map((name) => [name, sha256(Deno.readFileSync(`${folder}/${name}`))]));
}

/** What a dry run lists, state by name, and its last line. */
async function dryRun(args: readonly string[]) {
  const { code, output, error } = await runOn(zoo, [...args, "--dry-run"]);
  assertEquals(error, "");
  const lines = output.trimEnd().split("\n"), last = lines.pop();
  const states = lines.map((line) => line.split(/ {2,}/) as [string, string, string?]);
  return {
    code,
    last,
    states: Object.fromEntries(states.map(([state, name]) => [name, state])),
    states2: states,
  };
}

Deno.test("zoo builds what is missing in order, says so, and makes what train and pretrain make", async () => {
  await inFolder(async (folder) => {
    await writeConfigs(folder);
    const args = await writeProfile(folder), before = namesBelow(folder);
    const empty = await dryRun(args);
    assertEquals([empty.code, empty.last], [1, "6 of 6 missing"]);
    assertEquals(empty.states, Object.fromEntries(NAMES.map((name) => [name, "missing"])));
    assertEquals(Object.keys(empty.states), NAMES);
    assertEquals(namesBelow(folder), before);

    const built = await runOn(zoo, args);
    assertEquals(built.code, 0);
    const made = built.output.trimEnd().split("\n");
    assertEquals(made.map((line) => line.split(": ")[1]), [...NAMES, undefined]);
    assertEquals(made.at(-1), "nothing is missing");
    assertMatch(
      built.error,
      /3\/6 one\/layer-1\.seed-0: .* 1\/2 steps .*accuracy 0\.0 %.* in all \d+ s left/,
    );
    const full = await dryRun(args);
    assertEquals([full.code, full.last], [0, "nothing is missing"]);
    assertEquals(new Set(Object.values(full.states)), new Set(["there"]));
    assertEquals(namesBelow(folder).filter((name) => /\.run|state/.test(name)), []);

    const own = `${folder}/own`;
    const alone = ["--config", `${folder}/one.json`, "--threads", "1", "--out", `${own}/one`];
    assertEquals((await runOn(pretrain, alone)).code, 0);
    assertEquals(hashesOf(`${own}/one`), hashesOf(`${folder}/one`));
    const steering = [
      ...["--model", `${folder}/one`, "--out", `${own}/v`, "--threads", "1", "--families", "remainder"],
      ...["--prompts", "2", "--samples", "2", "--max-new-tokens", "4", "--warmup-share", "0"],
    ];
    const layer = ["--layers", "1", "--learning-rate", "0.1", "--steps", "2", "--seed", "1"];
    const adapter = ["--layers", "all", "--learning-rate", "0.1,0.2", "--steps", "1", "--seed", "3"];
    assertEquals((await runOn(train, [...steering, ...layer])).code, 0);
    assertEquals((await runOn(train, [...steering, ...adapter, "--parameters", "adapter"])).code, 0);
    const mine = hashesOf(`${folder}/vectors/one`);
    for (const [name, hash] of Object.entries(hashesOf(`${own}/v`))) assertEquals(mine[name], hash, name);
    assertEquals(Object.keys(hashesOf(`${own}/v`)).length, 4);
    assertEquals(mine["full.seed-0/config.json"], hashesOf(`${folder}/one`)["config.json"]);

    const again = await runOn(zoo, args);
    assertEquals([again.code, again.output, again.error], [0, "nothing is missing\n", ""]);
  });
});

Deno.test("work trains the parts of its task alone, and nothing that is made from them", () =>
  inFolder(async (folder) => {
    await writeConfigs(folder);
    const [, profile] = await writeProfile(folder) as [string, string], path = `${folder}/one`;
    const plan = await writeTasks(folder, [{
      ...{ task: "t", label: "one", kind: "train", item: null, profile, size: "quick", seed: 0 } as const,
      ...{ device: "cpu", dtype: null, threads: 1, seconds: 1, code: codeHash() } as const,
      parts: [{ hash: "h", name: "one", path }],
    }]);
    const work = workCommand({ fixtures: folder, store: folder });
    const made = await runOn(work, ["--plan", `${folder}/${plan}.jsonl`, "--index", "0"]);
    assertEquals([made.code, made.output], [
      0,
      `task 0: one, 0 of 1 there already\n${path}: one\nnothing is missing\n`,
    ]);
  }));

Deno.test("zoo stopped in a model or in a run goes on by the same command, to the bytes of an unbroken one", async () => {
  await inFolder(async (folder) => {
    const broken = `${folder}/broken`, unbroken = `${folder}/unbroken`;
    for (const place of [broken, unbroken]) {
      await Deno.mkdir(place);
      await writeConfigs(place);
    }
    assertEquals((await runOn(zoo, await writeProfile(unbroken))).code, 0);
    const args = await writeProfile(broken);
    const first = await runOn(zoo, args, { interruptAt: " 2/3 steps" });
    assertEquals([first.code, first.error.endsWith("interrupted: the same command goes on\n")], [130, true]);
    const { states2, last } = await dryRun(args);
    assertEquals(states2[0], ["missing", "one", "(2 of 3 steps made)"]);
    assertEquals(last, "6 of 6 missing");
    const second = await runOn(zoo, args, {
      interruptAt: "one/layer-1.seed-1:  [##########..........]  1/2 steps",
    });
    assertEquals(second.code, 130);
    assertEquals((await dryRun(args)).states2[3], ["missing", "one/layer-1.seed-1", "(1 of 2 steps made)"]);
    const third = await runOn(zoo, args);
    assertEquals([third.code, third.error.includes("layer-1.seed-0")], [0, false]);
    assertEquals(hashesOf(broken), hashesOf(unbroken));
  });
});

Deno.test("zoo finds what was made from other inputs, leaves it alone, and replaces it when forced", async () => {
  await inFolder(async (folder) => {
    await writeConfigs(folder);
    assertEquals((await runOn(zoo, await writeProfile(folder))).code, 0);
    const before = hashesOf(folder);
    // Another learning rate: one run's two seeds.
    const args = await writeProfile(
      folder,
      ({ models }) => void (models[1]!.runs[0]!["learningRates"] = [0.3]),
    );
    const stale = await dryRun(args);
    const other = Object.entries(stale.states).filter(([, state]) => state === "made from other inputs");
    assertEquals(other.map(([name]) => name), ["one/layer-1.seed-0", "one/layer-1.seed-1"]);
    assertEquals([stale.code, stale.last], [1, "2 made from other inputs (--force replaces what was)"]);
    const left = await runOn(zoo, args);
    assertEquals([left.code, left.output], [1, "2 made from other inputs (--force replaces what was)\n"]);
    assertEquals(
      hashesOf(folder)["vectors/one/layer-1.seed-0.safetensors"],
      before["vectors/one/layer-1.seed-0.safetensors"],
    );
    const forced = await runOn(zoo, [...args, "--force", "--only", "one/layer-1.seed-0"]);
    assertEquals([forced.code, forced.output.split("\n").at(-2)], [0, "nothing is missing"]);
    const after = hashesOf(folder);
    assertNotEquals(
      after["vectors/one/layer-1.seed-0.safetensors"],
      before["vectors/one/layer-1.seed-0.safetensors"],
    );
    assertEquals(
      after["vectors/one/layer-1.seed-1.safetensors"],
      before["vectors/one/layer-1.seed-1.safetensors"],
    );

    // Another base model: all that lies on it, the model that goes on from it included.
    await writeConfigs(folder, { seed: 8 });
    assertEquals(new Set(Object.values((await dryRun(args)).states)), new Set(["made from other inputs"]));
    assertEquals((await runOn(zoo, [...args, "--force", "--only", "one/full"])).code, 1);
    assertEquals((await runOn(zoo, [...args, "--force"])).code, 0);
    assertEquals((await dryRun(args)).last, "nothing is missing");
    assertNotEquals(hashesOf(folder)["two/model.safetensors"], before["two/model.safetensors"]);
  });
});

Deno.test("zoo refuses an unfinished run of other inputs, and starts it over when forced", async () => {
  await inFolder(async (folder) => {
    await writeConfigs(folder);
    const args = await writeProfile(folder);
    assertEquals((await runOn(zoo, args, { interruptAt: " 1/3 steps" })).code, 130);
    await writeConfigs(folder, { seed: 1 });
    assertEquals(
      faultLine(await runOn(zoo, args)),
      "error: the unfinished run of one has other inputs than the profile's: " +
        `${folder}/one/state.safetensors (pass --force to start it over)`,
    );
    assertEquals((await runOn(zoo, [...args, "--only", "one/layer-1.seed-0", "--force"])).code, 1);
    // "one" is a model, and the beginning of the names of its runs.
    assertEquals((await runOn(zoo, [...args, "--only", "one", "--force"])).code, 0);
    assertEquals((await dryRun(args)).states["two"], "missing");
  });
});

Deno.test("zoo builds what --only names, and says what that needs", async () => {
  await inFolder(async (folder) => {
    await writeConfigs(folder);
    const args = await writeProfile(folder);
    const blocked = await runOn(zoo, [...args, "--only", "two,one/layer-1.seed-1"]);
    assertEquals([blocked.code, blocked.output.split("\n").slice(0, 3)], [1, [
      "missing: two, it needs one",
      "missing: one/layer-1.seed-1, it needs one",
      "2 of 2 missing",
    ]]);
    assertEquals(
      faultLine(await runOn(zoo, [...args, "--only", "one/layer-2"])),
      'error: the profile has no "one/layer-2" (did you mean one/layer-1?)',
    );
  });
});

Deno.test("zoo trains on a model that is brought, and names the command that brings it", async () => {
  await inFolder(async (folder) => {
    const model = await writeBoxModel(`${folder}/brought`, { maxPositions: 512 });
    const checkpoint = await openCheckpoint(model);
    const source = {
      folder: "brought",
      layers: checkpoint.config.layers,
      hash: await checkpoint.hash(),
      command: "deno task fetch owner/name@0123",
    };
    const runs = ["all", "random-all"].map((run) => ({ run, learningRates: [0.1], seeds: [0] }));
    const args = await writeProfile(folder, (profile) => {
      Object.assign(profile.settings, { families: ["sums"], template: "chat", grader: "last-number" });
      profile.models = [
        { name: "real", role: "a", ...ENTRY, source, runs } as TinyProfile["models"][number],
      ];
    });
    const built = await runOn(zoo, args);
    assertEquals([built.code, built.output.trimEnd().split("\n").at(-1)], [0, "nothing is missing"]);
    const { metadata } = await readSafetensorsHeader(`${folder}/vectors/real/random-all.seed-0.safetensors`);
    const { reward, template, grader } = JSON.parse(metadata.get("config") as string);
    assertEquals([reward, template, grader], ["random", "chat", "last-number"]);
    await Deno.remove(`${folder}/brought/config.json`);
    assertStringIncludes(
      faultLine(await runOn(zoo, args)),
      `real is not there, or another model: ${folder}/brought (bring it: ${source.command})`,
    );
  });
});

Deno.test("zoo refuses a profile and configs that are no good with one line", async () => {
  await inFolder(async (folder) => {
    await writeConfigs(folder);
    const line = async (change: (profile: TinyProfile) => void) =>
      faultLine(await runOn(zoo, [...await writeProfile(folder, change), "--dry-run"]));
    assertStringIncludes(await line((profile) => void (profile.settings["speed"] = 1)), 'key: "speed"');
    assertStringIncludes(
      await line(({ models }) => void (models[1]!.name = "two")),
      "a name stands there twice",
    );
    assertEquals(
      await line(({ models }) => void (models[1]!.runs[0]!["run"] = "layer-2")),
      `error: a model of 2 layers has no run "layer-2": ${folder}/zoo.json ` +
        "(runs are all, layer-3, place-attention-3, rate-0.5-3, random-all, adapter-all, adapter-3, rank1-all, full)",
    );
    assertStringIncludes(
      await line(({ models }) => void (models[1]!.runs[0]!["learningRates"] = [1, 2])),
      "learningRates must match layers",
    );
    await Deno.remove(`${folder}/two.json`);
    assertEquals(
      await line(() => {}),
      `error: there is no ${folder}/two.json, which the profile names: ${folder}/zoo.json`,
    );
    assertStringIncludes(
      faultLine(await runOn(zoo, ["--profile", `${folder}/none.json`])),
      `${folder}/none.json`,
    );
  });
});

Deno.test("zoo trains an autoencoder of what a run changes, goes on with it, and knows its inputs", async () => {
  await inFolder(async (folder) => {
    // A model whose rewards vary, so that its adapter learns something, as if this config had made it.
    const box = await openCheckpoint(await writeBoxModel(`${folder}/one`, { maxPositions: 512 }));
    await writeConfigs(folder);
    const where = `${folder}/one.json`;
    const config = parsePretrainConfig(JSON.parse(await Deno.readTextFile(where)), { where });
    const weights = new Map<string, Float32Array>();
    for (const [name, entry] of box.weights) weights.set(name, await readTensor(entry));
    const metadata = { run: pretrainRunHash(config) };
    await writeCheckpoint(`${folder}/one`, { config: box.config, dtype: "bfloat16", weights, metadata });
    const sae = {
      ...{ layer: 1, texts: 6, maxNewTokens: 8, features: 4, active: 2, seed: 0, steps: 40, batch: 8 },
      ...{ learningRate: 0.02, warmupShare: 0.1, deadAfterSteps: 10 },
    };
    const write = (more: object = {}) =>
      Deno.writeTextFile(`${folder}/sae.json`, JSON.stringify({ ...sae, ...more }));
    await write();
    const change = (profile: TinyProfile) => {
      profile.settings = SETTINGS;
      profile.models.shift();
      profile.models[0]!.runs = [{ run: "adapter-1", learningRates: [0.1], seeds: [0] }];
      profile.autoencoders = [{ model: "one", run: "adapter-1", seed: 0, config: "sae.json" }];
    };
    const args = await writeProfile(folder, change);
    const names = ["one", "one/adapter-1.seed-0", "one/adapter-1.seed-0/sae.layer-1"];
    assertEquals(Object.keys((await dryRun(args)).states), names);
    const path = `${folder}/sae/one.adapter-1.layer-1.safetensors`, run = path.replace("safetensors", "run");
    const stopped = await runOn(zoo, args, { interruptAt: " 20/40 updates" });
    assertEquals(stopped.code, 130);
    assertEquals((await dryRun(args)).states2[2], ["missing", names[2] as string, "(15 of 30 steps made)"]);
    for (const change of [{ steps: 41 }, { texts: 7 }]) {
      await write(change);
      assertEquals(
        faultLine(await runOn(zoo, args)),
        `error: the unfinished run has other inputs than these: ${run} (pass --force to start it over)`,
      );
    }
    await write();
    const resumed = await runOn(zoo, [...args, "--force"]);
    assertEquals([resumed.code, resumed.error.includes(" 19/40 updates")], [0, false]);
    assertEquals(resumed.error.includes("12/12 texts"), false); // they were kept
    assertEquals(namesBelow(`${folder}/sae`), ["one.adapter-1.layer-1.safetensors"]);
    const made = sha256(await Deno.readFile(path));
    const file = await readSparseAutoencoder(path);
    assertEquals([file.autoencoder.features, file.autoencoder.embed], [4, box.config.embed]);
    assertEquals(file.metadata.get("site"), "blocks.1.resid_post");
    // What an adapter of rank 1 changes lies along one direction.
    assertEquals(Number(file.metadata.get("explained_variance")) > 0.9, true);
    assertEquals((await dryRun(args)).last, "nothing is missing");

    const sole = ["--model", `${folder}/one`, "--config", `${folder}/sae.json`, "--threads", "1"];
    const vectors = `${folder}/vectors/one/adapter-1.seed-0.safetensors`, out = `${folder}/own.safetensors`;
    assertEquals((await runOn(diffSae, [...sole, "--vectors", vectors, "--out", out])).code, 0);
    assertEquals(sha256(await Deno.readFile(out)), made);

    await write({ texts: 7 });
    assertEquals((await dryRun(args)).states[names[2] as string], "made from other inputs");
    assertEquals((await runOn(zoo, args)).code, 1);
    const begun = await runOn(zoo, [...args, "--force"], { interruptAt: " 10/40 updates" });
    assertEquals(begun.code, 130);
    await write();
    assertEquals((await dryRun(args)).states[names[2] as string], "there");
    await Deno.remove(path);
    // A run of other inputs lies there: it is given up, its texts with it.
    const forced = await runOn(zoo, [...args, "--force"]);
    assertEquals([forced.code, forced.error.includes("12/12 texts")], [0, true]);
    assertEquals(sha256(await Deno.readFile(path)), made);
  });
});
