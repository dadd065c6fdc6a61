import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { evaluate as evaluateModel } from "../../lib/analysis/mod.ts";
import { ChatTokenizer, type EndToken, openCheckpoint } from "../../lib/checkpoint/mod.ts";
import { sha256 } from "../../lib/core/mod.ts";
import { LanguageModel } from "../../lib/decode/mod.ts";
import { saveAdapters, saveVectors } from "../../lib/vectors/mod.ts";
import type { VectorPlace } from "../../lib/probe/mod.ts";
import { answerMessages, FAMILIES, GRADER_VERSIONS, testSet } from "../../lib/problems/mod.ts";
import { evaluate } from "../../tasks/evaluate.ts";
import { faultLine, FREE_COORDINATE, inFolder, namesBelow, runOn, writeBoxModel } from "./_tiny_zoo.ts";

const QUICK = ["--max-new-tokens", "8", "--threads", "1"];

/** A model that boxes 3, and 5 once a vector along the free coordinate is added. */
const DIGITS = { 3: 4, 5: 3.5 };

async function writeFiveVector(path: string, metadata: Record<string, string> = {}): Promise<string> {
  const vector = new Float32Array(32);
  vector[FREE_COORDINATE] = 0.3;
  await saveVectors(path, { vectors: new Map([[0, vector]]), metadata });
  return path;
}

/** Percent of a family's first problems that have an answer. */
function percentWith(
  answer: string,
  options: { readonly family: typeof FAMILIES[number]; readonly size: number },
): number {
  const set = testSet(options.family, { size: options.size });
  return set.filter((problem) => problem.answer === answer).length / set.length * 100;
}

Deno.test("evaluate prints one row per benchmark and the mean: what a model that always says 3 must get", async () => {
  await inFolder(async (folder) => {
    const model = await writeBoxModel(folder, { digits: DIGITS });
    const counts = ["--problems", "20", "--seeds", "0,1", "--temperature", "0"];
    const args = ["--model", model, ...counts, "--verbose", ...QUICK];
    const { code, output, error } = await runOn(evaluate, args);
    assertEquals(code, 0, error);
    const percents = FAMILIES.map((family) => percentWith("3", { family, size: 20 }));
    assertEquals(Math.max(...percents) > 0, true, "some answer must be 3");
    const [header, ...lines] = output.trimEnd().split("\n");
    assertMatch(header as string, /^benchmark +accuracy % +95 % interval +std over seeds$/);
    const rows = lines.slice(0, -1).map((line) => line.split(/ {2,}/));
    const mean = percents.reduce((sum, percent) => sum + percent, 0) / FAMILIES.length;
    assertEquals(
      rows.map(([name, percent, , std]) => [name, percent, std]),
      [...FAMILIES.map((family, f) => [family, percents[f]?.toFixed(1), "0.0"]), [
        "mean",
        mean.toFixed(1),
        "0.0",
      ]],
    );
    assertMatch(
      lines.at(-1) as string,
      /^mean length \d+\.\d tokens, 0\.0 % truncated, graded by box-number 2$/,
    );
    assertMatch(error, /answering: .* 240\/240 answers/);
    assertMatch(
      error,
      /^note: keys of config\.json that change nothing in a qwen2 model: "attention_dropout"/,
    );
  });
});

Deno.test("evaluate adds vectors, and says when they were trained on another model", async () => {
  await inFolder(async (folder) => {
    const model = await writeBoxModel(`${folder}/m`, { digits: DIGITS });
    const vectors = await writeFiveVector(`${folder}/v.safetensors`, { model: "0123456789abcdef" });
    const args = ["--suite", "remainder", "--problems", "40", "--temperature", "0", "--seeds", "0", ...QUICK];
    const three = percentWith("3", { family: "remainder", size: 40 });
    const five = percentWith("5", { family: "remainder", size: 40 });
    assertEquals(three === five, false, "the two must be told apart");
    const plain = await runOn(evaluate, ["--model", model, ...args]);
    const steered = await runOn(evaluate, ["--model", model, "--vectors", vectors, ...args]);
    assertMatch(plain.output, new RegExp(`^remainder +${three.toFixed(1)} +\\S+ to \\S+ +-$`, "m"));
    assertMatch(steered.output, new RegExp(`^remainder +${five.toFixed(1)} `, "m"));
    assertStringIncludes(steered.error, "note: these vectors were trained on another model, 0123456789ab\n");
    await writeFiveVector(vectors, { model: await (await openCheckpoint(model)).hash() });
    assertEquals(
      (await runOn(evaluate, ["--model", model, "--vectors", vectors, ...args])).error.includes("note"),
      false,
    );
  });
});

Deno.test("evaluate patches the last block, and takes vectors at the place of their file", async () => {
  await inFolder(async (folder) => {
    const model = await writeBoxModel(`${folder}/m`, { digits: DIGITS });
    const set = ["--suite", "remainder", "--problems", "40", "--temperature", "0", "--seeds", "0", ...QUICK];
    const three = percentWith("3", { family: "remainder", size: 40 }).toFixed(1);
    const five = percentWith("5", { family: "remainder", size: 40 }).toFixed(1);
    const vector = new Float32Array(32);
    vector[FREE_COORDINATE] = 0.3;
    const out = `${folder}/e.json`;
    const percentOf = async (place: VectorPlace, ...flags: string[]) => {
      const path = `${folder}/${place}.safetensors`;
      await saveVectors(path, { vectors: new Map([[0, vector]]), place, metadata: {} });
      const args = ["--model", model, "--vectors", path, "--out", out, ...flags, ...set];
      const { code, output, error } = await runOn(evaluate, args);
      assertEquals(code, 0, error);
      return /^remainder +(\S+)/m.exec(output)?.[1];
    };
    // Blocks add nothing to the residual stream here: the vector acts where it is in the stream, and nowhere else.
    const expected = {
      "no-patch": five,
      "skip-attn": five,
      "skip-layer": five,
      "head:3/mlp": five,
      "base": three,
    };
    for (const [patch, percent] of Object.entries(expected)) {
      assertEquals([patch, await percentOf("mlp", "--patch", patch)], [patch, percent]);
      assertEquals(JSON.parse(await Deno.readTextFile(out)).settings.patch, patch);
    }
    assertEquals(await percentOf("attention"), five);
    assertEquals(await percentOf("input_norm"), three);
    assertEquals(await percentOf("input_norm", "--as-published"), five);
    const { place, asPublished, patch } = JSON.parse(await Deno.readTextFile(out)).settings;
    assertEquals([place, asPublished, patch], ["input_norm", true, null]);
  });
});

Deno.test("evaluate refuses patches and places that do not fit, with one line each", async () => {
  await inFolder(async (folder) => {
    const model = await writeBoxModel(`${folder}/m`),
      vectors = await writeFiveVector(`${folder}/v.safetensors`);
    const last = `${folder}/last.safetensors`, after = `${folder}/after.safetensors`;
    await saveVectors(last, { vectors: new Map([[1, new Float32Array(32)]]), metadata: {} });
    await saveVectors(after, {
      vectors: new Map([[0, new Float32Array(32)]]),
      place: "attention",
      metadata: {},
    });
    const refused = async (...flags: string[]) =>
      faultLine(await runOn(evaluate, ["--model", model, "--problems", "2", ...QUICK, ...flags]));
    assertEquals(
      await refused("--patch", "v:0"),
      "error: --patch routes the vector of layer 0, and there is none (give --vectors)",
    );
    assertEquals(
      await refused("--vectors", last, "--patch", "v:0"),
      "error: --patch routes the vector of layer 0, and there is none (give vectors that have one for layer 0)",
    );
    assertEquals(
      await refused("--vectors", vectors, "--patch", "v:7"),
      'error: patch "v:7" names head 7: --patch (v has heads 0 to 1 in this model)',
    );
    assertStringIncludes(
      await refused("--vectors", vectors, "--patch", "skip"),
      'patch "skip" is of no known mode: --patch (modes are q, k, v, group, head, all-v, skip-attn, skip-layer,',
    );
    assertEquals(
      await refused("--vectors", after, "--patch", "skip-attn"),
      "error: --patch routes vectors after an MLP, and these belong to attention (leave it out)",
    );
    assertEquals(
      await refused("--vectors", after, "--as-published"),
      "error: --as-published doubles vectors of norms alone (leave it out: these vectors belong to attention)",
    );
    assertEquals(
      await refused("--as-published"),
      "error: --as-published doubles vectors of norms alone (give --vectors)",
    );
  });
});

Deno.test("evaluate adds adapters: one of zero changes nothing, another what the library says it changes", async () => {
  await inFolder(async (folder) => {
    const folderOfModel = await writeBoxModel(`${folder}/m`, { digits: DIGITS }),
      path = `${folder}/a.safetensors`;
    const args = ["--suite", "remainder", "--problems", "40", "--temperature", "0", "--seeds", "0", ...QUICK];
    const model = await LanguageModel.open(folderOfModel, { threads: 1 });
    const { embed, neurons } = model.config, problems = testSet("remainder", { size: 40 });
    const percents: string[] = [];
    for (const size of [0, 1e5]) {
      const output = new Float32Array(embed);
      output[FREE_COORDINATE] = 1;
      const input = Float32Array.from({ length: neurons }, (_, i) => size * Math.sin(i + 1));
      const adapters = new Map([[0, { input, output }]]);
      await saveAdapters(path, { adapters, metadata: {} });
      const run = await runOn(evaluate, ["--model", folderOfModel, "--vectors", path, ...args]);
      assertEquals(run.code, 0, run.error);
      const { outcomes } = await evaluateModel(model, {
        problems,
        maxNewTokens: 8,
        temperature: 0,
        adapters,
      });
      const right = outcomes.flat(2).reduce((sum, one) => sum + one, 0) / problems.length * 100;
      assertMatch(run.output, new RegExp(`^remainder +${right.toFixed(1)} `, "m"));
      percents.push(right.toFixed(1));
    }
    await model.release();
    assertEquals(percents[0], percentWith("3", { family: "remainder", size: 40 }).toFixed(1));
    assertEquals(percents[1] === percents[0], false, "the adapter must act");
  });
});

Deno.test("evaluate puts a prefix at the start of every answer, and cuts answers at the limit", async () => {
  await inFolder(async (folder) => {
    const model = await writeBoxModel(folder, { digits: { 3: 4, 4: 0 } });
    const args = ["--model", model, "--suite", "remainder", "--problems", "40", "--temperature", "0"];
    const right = percentWith("4", { family: "remainder", size: 40 });
    assertEquals(right > 0, true);
    // After "\boxed{4" the model closes the box, whatever it would have said itself.
    const prefixed = await runOn(evaluate, [...args, ...QUICK, "--prefix", "\\boxed{4"]);
    assertMatch(prefixed.output, new RegExp(`^remainder +${right.toFixed(1)} `, "m"));
    assertStringIncludes(prefixed.output, "mean length 2.0 tokens, 0.0 % truncated");
    const cut = await runOn(evaluate, [...args, "--threads", "1", "--max-new-tokens", "2"]);
    assertMatch(cut.output, /^remainder +0\.0 /m);
    assertStringIncludes(cut.output, "mean length 2.0 tokens, 100.0 % truncated");
  });
});

Deno.test("evaluate writes outcomes, intervals, hashes and settings: the same inputs, the same bytes", async () => {
  await inFolder(async (folder) => {
    const model = await writeBoxModel(`${folder}/m`, { digits: { 1: 4, 2: 4, 3: 4, 4: 4 } });
    const vectors = await writeFiveVector(`${folder}/v.safetensors`);
    const args = ["--model", model, "--vectors", vectors, "--suite", "remainder", "--problems", "10"];
    const write = async (name: string) => {
      const path = `${folder}/new/${name}.json`;
      const { code, error } = await runOn(evaluate, [...args, "--answers", "2", ...QUICK, "--out", path]);
      assertEquals(code, 0, error);
      return await Deno.readTextFile(path);
    };
    const text = await write("a"), report = JSON.parse(text);
    assertEquals(await write("b"), text);
    const { endTokens, ...settings } = report.settings;
    assertEquals(
      endTokens.map(({ text, opensTurn }: EndToken) => [text, opensTurn]),
      [["<|im_end|>", false], ["<|im_start|>", true]],
    );
    assertEquals(settings, {
      suite: "remainder",
      template: "embedded",
      seeds: [0, 1, 2],
      temperature: 1,
      answerPrefix: "",
      system: null,
      maxNewTokens: 8,
      place: "mlp",
      asPublished: false,
      strength: [1],
      steerAt: null,
      patch: null,
      date: null,
    });
    assertEquals(report.inputs.model, await (await openCheckpoint(model)).hash());
    assertEquals(report.inputs.vectors, sha256(await Deno.readFile(vectors)));
    const { chat_template } = JSON.parse(await Deno.readTextFile(`${model}/tokenizer_config.json`));
    assertEquals(report.inputs.chatTemplate, sha256(chat_template));
    const tokenizer = await ChatTokenizer.open(model);
    const prompts = testSet("remainder", { size: 10 }).map(({ question }) =>
      tokenizer.renderChat(answerMessages(question))
    );
    assertEquals(report.inputs.prompts, sha256(JSON.stringify(prompts)));
    const { outcomes, problems, sizes, data, percent, low, high, standardError } =
      report.benchmarks.remainder;
    assertEquals(data, null);
    assertEquals(sizes, {
      problems: { asked: 10, effective: 10 },
      answers: { asked: 2, effective: 2 },
      seeds: { asked: 3, effective: 3 },
    });
    assertEquals(standardError > 0 && standardError < high - low, true);
    assertEquals(problems, testSet("remainder", { size: 10 }).map((problem) => problem.id));
    assertEquals(
      outcomes.map((seed: number[][]) => seed.map((samples) => samples.length)),
      Array(3).fill(Array(10).fill(2)),
    );
    const all: number[] = outcomes.flat(2);
    const share = all.reduce((sum, right) => sum + right, 0) / all.length;
    assertEquals(percent.toFixed(9), (share * 100).toFixed(9));
    assertEquals(low < percent && percent < high, true);
    assertEquals(report.mean.percent, percent);
    assertEquals(report.grader, { name: "box-number", version: GRADER_VERSIONS["box-number"] });
  });
});

Deno.test("evaluate stops at Ctrl-C and writes nothing", async () => {
  await inFolder(async (folder) => {
    const model = await writeBoxModel(`${folder}/m`), before = namesBelow(folder);
    const args = [
      "--model",
      model,
      "--suite",
      "linear",
      "--problems",
      "4",
      "--out",
      `${folder}/e.json`,
      ...QUICK,
    ];
    const ended = await runOn(evaluate, args, { interruptAt: " 4/12 answers" });
    assertEquals([ended.code, ended.output], [130, ""]);
    assertStringIncludes(ended.error, "\ninterrupted: run the command again\n");
    assertEquals(namesBelow(folder), before);
  });
});

Deno.test("evaluate refuses bad input with one line and writes nothing", async () => {
  await inFolder(async (folder) => {
    const model = await writeBoxModel(`${folder}/m`);
    const wide = new Float32Array(33), vectors = `${folder}/v.safetensors`;
    await saveVectors(vectors, { vectors: new Map([[1, wide]]), metadata: {} });
    const deep = `${folder}/deep.safetensors`;
    await saveVectors(deep, { vectors: new Map([[2, new Float32Array(32)]]), metadata: {} });
    const before = namesBelow(folder);
    const refused = async (change: Record<string, string>) => {
      const flags = { model, problems: "2", out: `${folder}/e.json`, ...change };
      return faultLine(
        await runOn(evaluate, Object.entries(flags).map(([name, value]) => `--${name}=${value}`)),
      );
    };
    assertEquals(
      await refused({ suite: "chian" }),
      'error: unknown suite "chian", known are embedded, first-arithmetic, linear, words, compare, remainder, chain, sequence, sums, ' +
        "differences, products, larger, stories, math, " +
        "aime24, aime25, amc23, math500, minerva, olympiad (did you mean chain?)",
    );
    assertEquals(
      await refused({ vectors }),
      `error: vector "steering.1" must have shape [32], found [33]: ${vectors} ` +
        "(these vectors belong to another model)",
    );
    assertStringIncludes(await refused({ vectors: deep }), "layer 2 does not fit a model of 2 layers");
    assertStringIncludes(await refused({ vectors: `${folder}/none` }), `${folder}/none`);
    assertStringIncludes(await refused({ model: `${folder}/none` }), `does not exist: ${folder}/none`);
    assertStringIncludes(await refused({ problems: "701" }), "must be at most 700");
    assertStringIncludes(await refused({ seeds: "1,1" }), "one of them is given twice");
    assertStringIncludes(await refused({ seeds: "a" }), "must be whole numbers");
    assertStringIncludes(await refused({ temperature: "-1" }), "must not be negative");
    assertStringIncludes(await refused({ out: folder }), "a folder stands where a file is needed");
    assertStringIncludes(
      await refused({ out: `${vectors}/e.json` }),
      "a file stands where a folder is needed",
    );
    assertMatch(await refused({ "max-new-tokens": "250" }), /--max-new-tokens may be \d+ at most/);
    assertStringIncludes(
      await refused({ "max-new-tokens": "1", prefix: "word ".repeat(300) }),
      "(use a model that reads longer texts)",
    );
    assertEquals(namesBelow(folder), before);
  });
});

Deno.test("evaluate refuses a model with a NaN, a truncated file, or without a tokenizer", async () => {
  await inFolder(async (folder) => {
    const model = await writeBoxModel(`${folder}/m`), weights = `${model}/model.safetensors`;
    const whole = await Deno.readFile(weights);
    const refused = async () =>
      faultLine(await runOn(evaluate, ["--model", model, "--problems", "2", ...QUICK]));
    const broken = whole.slice();
    broken.set([0xc0, 0x7f], broken.length - 2); // a bfloat16 NaN
    await Deno.writeFile(weights, broken);
    assertMatch(await refused(), /^error: tensor ".*" holds a NaN or an infinity.*model\.safetensors/);
    await Deno.writeFile(weights, whole.subarray(0, whole.length - 100));
    assertMatch(await refused(), /^error: .*model\.safetensors/);
    await Deno.writeFile(weights, whole);
    await Deno.remove(`${model}/tokenizer.json`);
    assertMatch(await refused(), /^error: .*tokenizer\.json/);
  });
});

Deno.test("evaluate sweeps over strengths of its vectors, at work where it is told", async () => {
  await inFolder(async (folder) => {
    const model = await writeBoxModel(`${folder}/m`, { digits: { 1: 4, 2: 4, 3: 4, 4: 4 } });
    const vectors = await writeFiveVector(`${folder}/v.safetensors`), path = `${folder}/sweep.json`;
    const args = ["--model", model, "--suite", "remainder", "--problems", "10", ...QUICK];
    const steered = [...args, "--vectors", vectors];
    const { code, error, output } = await runOn(evaluate, [
      ...[...steered, "--strength", "0,1", "--steer-at", "last-prompt-token,generated"],
      ...["--out", path],
    ]);
    assertEquals(code, 0, error);
    const { strengths, settings } = JSON.parse(await Deno.readTextFile(path));
    assertEquals(settings.steerAt, { lastPromptToken: 1, generated: 1 });
    const alone = async (args: readonly string[]) => {
      await runOn(evaluate, [...args, "--out", path]);
      return JSON.parse(await Deno.readTextFile(path)).benchmarks.remainder.outcomes;
    };
    // The digit is told from the tokens behind the prompt's last, so a vector at the prompt changes nothing here.
    assertEquals(strengths.map(({ strength }: { strength: number }) => strength), [0, 1]);
    assertEquals(strengths[0].benchmarks.remainder.outcomes, await alone(args));
    assertEquals(strengths[1].benchmarks.remainder.outcomes, await alone(steered));
    assertStringIncludes(output, "strength 0\nbenchmark");
    const wrong = async (...flags: string[]) => (await runOn(evaluate, [...args, ...flags])).error;
    assertStringIncludes(await wrong("--strength", "2"), "give --vectors");
    assertStringIncludes(await wrong("--strength", "two"), "must be numbers");
    assertStringIncludes(
      await wrong("--vectors", vectors, "--steer-at", "generate"),
      "did you mean generated?",
    );
    assertStringIncludes(
      await wrong("--vectors", vectors, "--strength", "1,2", "--samples", `${folder}/s.jsonl`),
      "give one --strength",
    );
  });
});
