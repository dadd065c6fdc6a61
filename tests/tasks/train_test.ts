import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { openCheckpoint, readSafetensorsHeader } from "../../lib/checkpoint/mod.ts";
import { canonicalJson, sha256 } from "../../lib/core/mod.ts";
import { LanguageModel } from "../../lib/decode/mod.ts";
import { loadTrained, loadVectors } from "../../lib/vectors/mod.ts";
import { train } from "../../tasks/train.ts";
import { faultLine, inFolder, namesBelow, runOn, writeBoxModel } from "./_tiny_zoo.ts";

// One box model in five answers is right where the answers are 1 to 5: rewards vary, so there is something to learn.
const QUICK = [
  ...["--families", "remainder", "--steps", "4", "--prompts", "4", "--samples", "8"],
  ...["--max-new-tokens", "8", "--threads", "1"],
];
const CONFIG = {
  layers: [0, 1],
  seed: 3,
  steps: 4,
  prompts: 4,
  samples: 8,
  maxNewTokens: 8,
  learningRates: [0.1, 0.2],
  warmupShare: 0,
  maxNorm: 2,
  families: ["remainder"],
};

function hashOf(path: string): string {
  return sha256(Deno.readFileSync(path));
}

Deno.test("train writes vectors that name what made them, and the log beside them", async () => {
  await inFolder(async (folder) => {
    const model = await writeBoxModel(`${folder}/m`), out = `${folder}/v`;
    const args = [
      "--model",
      model,
      "--out",
      out,
      "--layers",
      "1",
      "--learning-rate",
      "0.1",
      "--seed",
      "3",
      ...QUICK,
    ];
    const { code, output, error } = await runOn(train, args);
    const path = `${out}/layer-1.seed-3.safetensors`;
    const checkpoint = await openCheckpoint(model);
    const config = { ...CONFIG, layers: [1], learningRates: [0.1], warmupShare: 0.03 };
    const run = sha256(canonicalJson({ config, model: await checkpoint.hash() }));
    assertEquals([code, output], [0, `${path}: layer-1, 4 steps, run ${run.slice(0, 12)}\n`]);
    assertEquals(namesBelow(out), ["layer-1.seed-3.log.jsonl", "layer-1.seed-3.safetensors"]);
    const { vectors, metadata } = await loadVectors(path, checkpoint.config);
    assertEquals([...vectors.keys()], [1]);
    assertEquals(Object.fromEntries(metadata), {
      kind: "steering",
      run,
      model: await checkpoint.hash(),
      config: canonicalJson(config),
      place: "mlp",
      seed: "3",
      layers: "1",
      steps: "4",
    });
    const log = (await Deno.readTextFile(`${out}/layer-1.seed-3.log.jsonl`)).trimEnd().split("\n");
    const last = JSON.parse(log[3] as string);
    assertEquals([log.length, last.step, last.truncatedShare, last.unboxedShare], [4, 3, 0, 0]);
    assertEquals(last.lengthTokens > 3, true);
    const norm = Math.hypot(...vectors.get(1) as Float32Array);
    assertEquals(norm > 0, true, "something must have been learnt");
    assertEquals(last.vectorNorm, Number(norm.toPrecision(5)));
    const accuracy = `${((last.reward + 1) * 50).toFixed(1)} %`.replace(".", "\\.");
    assertMatch(
      error,
      new RegExp(`training layer-1: .* 4/4 steps .*accuracy ${accuracy} +adjoint norm .*vector norm`),
    );
  });
});

Deno.test("train finishes on a model that is never right, with vectors of zero", async () => {
  await inFolder(async (folder) => {
    const model = await writeBoxModel(`${folder}/m`, { digits: { 9: 4 } }), file = `${folder}/v.safetensors`;
    // The remainder of a division by less than 10 is never 9.
    const args = ["--model", model, "--out", file, "--layers", "all", "--learning-rate", "0.1", ...QUICK];
    assertEquals((await runOn(train, args)).code, 0);
    assertEquals(namesBelow(folder).filter((name) => !name.startsWith("m/")), [
      "v.log.jsonl",
      "v.safetensors",
    ]);
    const { vectors } = await loadVectors(file, (await openCheckpoint(model)).config);
    assertEquals([...vectors].map(([layer, vector]) => [layer, Math.max(...vector.map(Math.abs))]), [[0, 0], [
      1,
      0,
    ]]);
    const rewards = (await Deno.readTextFile(`${folder}/v.log.jsonl`)).trimEnd().split("\n")
      .map((line) => JSON.parse(line)).map(({ reward, zeroVarianceGroups }) => [reward, zeroVarianceGroups]);
    assertEquals(rewards, [[-1, 4], [-1, 4], [-1, 4], [-1, 4]]);
  });
});

Deno.test("train stops when the time of --until-wall is over, and goes on with the same bytes", async () => {
  await inFolder(async (folder) => {
    const model = await writeBoxModel(`${folder}/m`);
    const many = QUICK.map((word, place) => QUICK[place - 1] === "--steps" ? "40" : word);
    const args = ["--model", model, "--layers", "all", "--learning-rate", "0.1,0.2", ...many, "--out"];
    assertEquals((await runOn(train, [...args, `${folder}/unbroken`])).code, 0);
    const broken = `${folder}/broken`,
      stopped = await runOn(train, [...args, broken, "--until-wall", "0.01s"]);
    assertEquals([stopped.code, stopped.output], [130, ""]);
    assertStringIncludes(stopped.error, "(the time of --until-wall is over)");
    assertStringIncludes(stopped.error, "\ninterrupted: add --resume to the same command to go on\n");
    assertEquals((await runOn(train, [...args, broken, "--resume", "--until-wall", "1h"])).code, 0);
    for (const name of namesBelow(broken)) {
      assertEquals(hashOf(`${broken}/${name}`), hashOf(`${folder}/unbroken/${name}`), name);
    }
  });
});

Deno.test("train stops at Ctrl-C, says how to go on, and ends with the bytes of an unbroken run", async () => {
  await inFolder(async (folder) => {
    const model = await writeBoxModel(`${folder}/m`);
    const args = ["--model", model, "--layers", "all", "--learning-rate", "0.1,0.2", ...QUICK, "--out"];
    assertEquals((await runOn(train, [...args, `${folder}/unbroken`])).code, 0);
    const broken = `${folder}/broken`;
    const stopped = await runOn(train, [...args, broken], { interruptAt: " 2/4 steps" });
    assertEquals([stopped.code, stopped.output], [130, ""]);
    assertStringIncludes(stopped.error, "\ninterrupted: add --resume to the same command to go on\n");
    assertEquals(namesBelow(broken), [
      "all.seed-0.run/",
      "all.seed-0.run/log.jsonl",
      "all.seed-0.run/state.safetensors",
    ]);
    assertEquals(
      faultLine(await runOn(train, [...args, broken])),
      `error: there is an unfinished run of 2 steps: ${broken}/all.seed-0.run ` +
        "(pass --resume to go on, --force to start over, or another --out)",
    );
    const other = await runOn(train, [...args, broken, "--resume", "--max-norm", "1"]);
    assertStringIncludes(faultLine(other), "the unfinished run in this folder has other settings");
    const resumed = await runOn(train, [...args, broken, "--resume"]);
    assertEquals([resumed.code, resumed.error.includes(" 2/4 steps")], [0, false]);
    assertEquals(namesBelow(broken), ["all.seed-0.log.jsonl", "all.seed-0.safetensors"]);
    for (const name of namesBelow(broken)) {
      assertEquals(hashOf(`${broken}/${name}`), hashOf(`${folder}/unbroken/${name}`), name);
    }
  });
});

Deno.test("train replaces finished vectors only when forced", async () => {
  await inFolder(async (folder) => {
    const file = `${folder}/v.safetensors`;
    const args = ["--model", await writeBoxModel(`${folder}/m`), "--out", file, "--layers", "0", ...QUICK];
    assertEquals((await runOn(train, [...args, "--learning-rate", "0.1"])).code, 0);
    const before = hashOf(file);
    assertEquals(
      faultLine(await runOn(train, [...args, "--learning-rate", "0.3"])),
      `error: there is a finished result: ${file} (pass --force to replace it, or another --out)`,
    );
    assertEquals(hashOf(file), before);
    assertEquals((await runOn(train, [...args, "--learning-rate", "0.3", "--force"])).code, 0);
    assertEquals(hashOf(file) === before, false);
  });
});

Deno.test("train takes a config file, and flags win over it", async () => {
  await inFolder(async (folder) => {
    const model = await writeBoxModel(`${folder}/m`), path = `${folder}/c.json`;
    await Deno.writeTextFile(path, JSON.stringify(CONFIG));
    const args = ["--model", model, "--config", path, "--threads", "1"];
    const configOf = async (name: string, ...more: string[]) => {
      const out = `${folder}/${name}.safetensors`;
      const { code, error } = await runOn(train, [...args, "--out", out, ...more]);
      assertEquals(code, 0, error);
      return JSON.parse(
        (await loadVectors(out, (await openCheckpoint(model)).config)).metadata.get("config") ?? "",
      );
    };
    assertEquals(await configOf("as-it-is"), CONFIG);
    assertEquals(await configOf("steps", "--steps", "2", "--seed", "0"), { ...CONFIG, steps: 2, seed: 0 });
    assertEquals(await configOf("rates", "--learning-rate", "0.5"), { ...CONFIG, learningRates: [0.5, 0.5] });
    assertEquals(await configOf("layer", "--layers", "1", "--learning-rate", "0.5"), {
      ...CONFIG,
      layers: [1],
      learningRates: [0.5],
    });
    const line = faultLine(await runOn(train, [...args, "--out", `${folder}/x`, "--layers", "1"]));
    assertEquals(
      line,
      "error: --layers needs --learning-rate beside it (the rates of the config belong to its own layers)",
    );
    await Deno.writeTextFile(path, JSON.stringify({ ...CONFIG, speed: 3 }));
    assertStringIncludes(
      faultLine(await runOn(train, [...args, "--out", `${folder}/x`])),
      'Unrecognized key: "speed"',
    );
  });
});

Deno.test("train --parameters adapter and rank1 write files that load back and name what made them", async () => {
  await inFolder(async (folder) => {
    const model = await writeBoxModel(`${folder}/m`), out = `${folder}/v`;
    const checkpoint = await openCheckpoint(model);
    const run = async (kind: string, layers: string) => {
      const args = ["--model", model, "--out", out, "--parameters", kind, "--layers", layers];
      const { code, error } = await runOn(train, [...args, "--learning-rate", "0.1", ...QUICK]);
      assertEquals(code, 0, error);
      assertStringIncludes(error, kind === "adapter" ? "change norm" : "vector norm");
    };
    await run("adapter", "1");
    await run("rank1", "all");
    assertEquals(namesBelow(out), [
      "adapter-1.seed-0.log.jsonl",
      "adapter-1.seed-0.safetensors",
      "rank1-all.seed-0.log.jsonl",
      "rank1-all.seed-0.safetensors",
    ]);
    const adapter = await loadTrained(`${out}/adapter-1.seed-0.safetensors`, checkpoint.config);
    assertEquals([[...adapter.adapters.keys()], adapter.vectors.size], [[1], 0]);
    assertEquals(adapter.adapters.get(1)?.output.some((value) => value !== 0), true);
    assertEquals([adapter.metadata.get("kind"), adapter.metadata.get("layers")], ["adapter", "1"]);
    assertEquals(adapter.metadata.get("model"), await checkpoint.hash());
    const config = JSON.parse(adapter.metadata.get("config") ?? "");
    assertEquals([config.parameters, config.layers, config.learningRates], ["adapter", [1], [0.1]]);
    const shared = await loadVectors(`${out}/rank1-all.seed-0.safetensors`, checkpoint.config);
    assertEquals([[...shared.vectors.keys()], shared.shared?.scales.size], [[0, 1], 2]);
    assertEquals(shared.metadata.get("kind"), "rank1");
  });
});

Deno.test("train --parameters full writes a model that can be opened, talked to, and trained from", async () => {
  await inFolder(async (folder) => {
    const model = await writeBoxModel(`${folder}/m`), out = `${folder}/v`;
    const args = ["--model", model, "--parameters", "full", "--learning-rate", "0.02", ...QUICK, "--out"];
    const stopped = await runOn(train, [...args, out], { interruptAt: " 2/4 steps" });
    assertEquals(stopped.code, 130);
    assertEquals(namesBelow(out), [
      "full.seed-0.run/",
      "full.seed-0.run/log.jsonl",
      "full.seed-0.run/state.safetensors",
    ]);
    const { code, output, error } = await runOn(train, [...args, out, "--resume"]);
    assertEquals(code, 0, error);
    assertMatch(output, /\/full\.seed-0: full, 4 steps, run [0-9a-f]{12}\n$/);
    const names = [
      "config.json",
      "log.jsonl",
      "model.safetensors",
      "tokenizer.json",
      "tokenizer_config.json",
    ];
    assertEquals(namesBelow(out), ["full.seed-0/", ...names.map((name) => `full.seed-0/${name}`)]);
    assertEquals((await runOn(train, [...args, `${folder}/unbroken`])).code, 0);
    for (const name of names) {
      assertEquals(
        hashOf(`${out}/full.seed-0/${name}`),
        hashOf(`${folder}/unbroken/full.seed-0/${name}`),
        name,
      );
    }
    const tuned = await LanguageModel.open(`${out}/full.seed-0`, { threads: 1 });
    const before = await openCheckpoint(model);
    assertEquals(tuned.config, before.config);
    assertEquals([...tuned.checkpoint.weights.values()].every(({ dtype }) => dtype === "bfloat16"), true);
    assertEquals(
      await tuned.checkpoint.hash() === await before.hash(),
      false,
      "something must have been learnt",
    );
    assertEquals((await tuned.tokenizer()).hasChatTemplate, true);
    await tuned.release();
    assertEquals(
      faultLine(await runOn(train, [...args, out])),
      `error: there is a finished result: ${out}/full.seed-0/config.json (pass --force to replace it, or another --out)`,
    );
    assertEquals((await runOn(train, [...args, out, "--force"])).code, 0);
    assertEquals(namesBelow(out), ["full.seed-0/", ...names.map((name) => `full.seed-0/${name}`)]);
  });
});

Deno.test("train refuses layers and rates that what is trained does not have", async () => {
  await inFolder(async (folder) => {
    const model = await writeBoxModel(`${folder}/m`);
    const refused = async (...args: string[]) =>
      faultLine(await runOn(train, ["--model", model, "--out", `${folder}/v`, ...args]));
    assertEquals(
      await refused("--parameters", "full", "--layers", "0", "--learning-rate", "1"),
      "error: --layers does not go with --parameters full (leave it out: every weight is trained)",
    );
    assertStringIncludes(
      await refused("--parameters", "full", "--learning-rate", "1,2"),
      "--learning-rate has 2 rates where --parameters full takes one",
    );
    assertStringIncludes(
      await refused("--parameters", "rank1", "--layers", "all", "--learning-rate", "1,2"),
      "--learning-rate has 2 rates where --parameters rank1 takes one",
    );
    assertStringIncludes(
      await refused("--parameters", "adaptor", "--layers", "0", "--learning-rate", "1"),
      "did you mean adapter?",
    );
    assertStringIncludes(
      faultLine(
        await runOn(train, [
          ...["--model", model, "--out", `${folder}/v.safetensors`],
          ...["--parameters", "full", "--learning-rate", "1"],
        ]),
      ),
      "all weights do not go into one file",
    );
    const path = `${folder}/c.json`;
    await Deno.writeTextFile(path, JSON.stringify(CONFIG));
    assertStringIncludes(
      await refused("--config", path, "--parameters", "rank1"),
      "--parameters rank1 needs --learning-rate beside it (the rates of the config are for vectors)",
    );
    assertEquals(namesBelow(folder).filter((name) => !name.startsWith("m/")), ["c.json"]);
  });
});

Deno.test("train refuses bad input with one line and writes nothing", async () => {
  await inFolder(async (folder) => {
    const model = await writeBoxModel(`${folder}/m`), before = namesBelow(folder);
    const refused = async (change: Record<string, string>) => {
      const flags = { model, out: `${folder}/v`, layers: "0", "learning-rate": "0.1", ...change };
      return faultLine(
        await runOn(train, Object.entries(flags).map(([name, value]) => `--${name}=${value}`)),
      );
    };
    assertEquals(
      await refused({ layers: "1,2" }),
      "error: layer 2 is out of range (the model has the layers 0 to 1)",
    );
    assertStringIncludes(await refused({ layers: "1,1" }), "one of them is given twice");
    assertStringIncludes(await refused({ layers: "-1" }), "must be whole numbers or all");
    assertEquals(
      await refused({ layers: "all", "learning-rate": "1,2,3" }),
      "error: --learning-rate has 3 rates for 2 layers (give one for all layers or one per layer)",
    );
    assertStringIncludes(await refused({ "learning-rate": "0" }), "must be numbers above 0");
    assertStringIncludes(await refused({ steps: "-3" }), "cannot use --steps -3: must be at least 1");
    assertStringIncludes(await refused({ samples: "1" }), "cannot use --samples 1: must be at least 2");
    assertEquals(
      await refused({ families: "chian" }),
      'error: unknown family "chian", known are embedded, first-arithmetic, linear, words, compare, remainder, chain, sequence, sums, ' +
        "differences, products, larger, stories " +
        "(did you mean chain?)",
    );
    assertMatch(
      await refused({ "max-new-tokens": "300" }),
      /^error: prompts of \d+ tokens and 300 new ones do not fit the model's 256 positions \(--max-new-tokens may be/,
    );
    assertStringIncludes(await refused({ model: `${folder}/none` }), `does not exist: ${folder}/none`);
    assertEquals(
      await refused({ out: `${model}/config.json/v` }),
      `error: a file stands where a folder is needed: ${model}/config.json (choose another --out)`,
    );
    assertStringIncludes(await refused({ resume: "yes" }), "--resume takes no value");
    assertEquals(
      faultLine(await runOn(train, ["--model", model, "--out", `${folder}/v`])).includes(
        "--layers is missing",
      ),
      true,
    );
    assertEquals(namesBelow(folder), before);
  });
});

Deno.test("train puts vectors at the place that is asked for, and says so in their file", async () => {
  await inFolder(async (folder) => {
    const model = await writeBoxModel(`${folder}/m`), out = `${folder}/v`;
    const args = ["--model", model, "--out", out, "--layers", "1", "--learning-rate", "0.1", ...QUICK];
    const { code, output, error } = await runOn(train, [...args, "--place", "attention"]);
    assertEquals(code, 0, error);
    const path = `${out}/place-attention-1.seed-0.safetensors`;
    assertStringIncludes(output, `${path}: place-attention-1, 4 steps`);
    const file = await loadVectors(path, (await openCheckpoint(model)).config);
    assertEquals(file.place, "attention");
    assertEquals(JSON.parse(file.metadata.get("config") ?? "").place, "attention");
    assertEquals(Math.hypot(...file.vectors.get(1) as Float32Array) > 0, true);
    // This model's attention gives zeros back whatever it reads, so a vector before it can learn nothing.
    const inert = await runOn(train, [...args, "--place", "input-norm"]);
    assertEquals(inert.code, 0, inert.error);
    const still = await loadVectors(
      `${out}/place-input_norm-1.seed-0.safetensors`,
      (await openCheckpoint(model)).config,
    );
    assertEquals([still.place, Math.hypot(...still.vectors.get(1) as Float32Array)], ["input_norm", 0]);
    assertEquals(
      faultLine(await runOn(train, [...args, "--place", "atention"])),
      'error: --place must be mlp or attention or input-norm or post-attention-norm: got "atention" ' +
        "(did you mean attention?)",
    );
  });
});

Deno.test("train --data asks the problems of a file, whose fault is one line", async () => {
  await inFolder(async (folder) => {
    const model = await writeBoxModel(`${folder}/m`);
    const file = `${folder}/mine.jsonl`;
    const row = (answer: string) => `${JSON.stringify({ question: `Say ${answer}.`, answer })}\n`;
    await Deno.writeTextFile(file, ["1", "2", "3"].map(row).join(""));
    const common = ["--model", model, "--out", `${folder}/out`, "--layers", "0", "--learning-rate", "0.1"];
    const args = [...common, "--data", file, "--steps", "2", "--prompts", "2", "--samples", "2"];
    const asked = ["--template", "chat", "--grader", "box-number", "--max-new-tokens", "8"];
    const { code, error } = await runOn(train, [...args, ...asked]);
    assertEquals(code, 0, error);
    const { metadata } = await readSafetensorsHeader(`${folder}/out/layer-0.seed-0.safetensors`);
    const { data, families } = JSON.parse(metadata.get("config") as string);
    assertEquals([data.file, families], [file, []]);
    assertStringIncludes(faultLine(await runOn(train, args)), "--data needs --template, --grader and");
    assertStringIncludes(
      faultLine(await runOn(train, [...args, ...asked, "--families", "sums"])),
      "--data does not go with --families",
    );
    await Deno.writeTextFile(file, '{"question": "?"}\n');
    assertStringIncludes(faultLine(await runOn(train, [...args, ...asked, "--force"])), "no field answer");
  });
});
