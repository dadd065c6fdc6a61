import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { canonicalJson, InputError } from "../../lib/core/mod.ts";
import { PROBLEM_FAMILIES } from "../../lib/problems/mod.ts";
import { readSafetensorsHeader } from "../../lib/checkpoint/mod.ts";
import { parseProfile, type Profile, runConfig, type ZooCatalogue } from "../../lib/experiment/mod.ts";

type Plain = Record<string, unknown>;

const ZOO = new URL("../../fixtures/embedded/", import.meta.url);
const shippedText = await Deno.readTextFile(new URL("../profiles/embedded.json", ZOO));
const shipped = (): Plain => JSON.parse(shippedText);

/** The shipped catalogue with one value replaced; a path of keys, and `undefined` takes the key away. */
function changed(path: string, value: unknown): Plain {
  const catalogue = shipped();
  const keys = path.split("."), last = keys.pop() as string;
  const inner = keys.reduce((at, key) => at[key] as Plain, catalogue);
  if (value === undefined) delete inner[last];
  else inner[last] = value;
  return catalogue;
}

const SETTINGS: ZooCatalogue["settings"] = {
  steps: 60,
  prompts: 12,
  samples: 16,
  maxNewTokens: 72,
  warmupShare: 0.03,
  maxNorm: 2,
  families: ["linear", "chain"],
};
const MADE = { settings: SETTINGS, seed: 5, layerCount: 3, where: "zoo.json" };

Deno.test("parseProfile() reads the shipped catalogue: two base models, a tuned one, a control", () => {
  const { models, autoencoders } = parseProfile(shipped(), { where: "zoo.json" });
  assertEquals(models.map(({ name, role }) => [name, role]), [
    ["base-a", "a"],
    ["a-instruct", "a_instruct"],
    ["base-b", "b"],
    ["control", "control"],
  ]);
  assertEquals(autoencoders.length > 0, true);
});

Deno.test("runConfig() of the shipped catalogue is what the shipped vectors say they were made from", async () => {
  const { settings, models } = parseProfile(shipped(), { where: "zoo.json" });
  let compared = 0;
  for (const { name, config, runs } of models) {
    const { model } = JSON.parse(await Deno.readTextFile(new URL(config as string, ZOO)));
    for (const run of runs) {
      for (const seed of run.seeds) {
        const layerCount = model.num_hidden_layers as number;
        const made = runConfig(run, { settings, seed, layerCount, where: "zoo.json" });
        const file = new URL(`vectors/${name}/${run.run}.seed-${seed}.safetensors`, ZOO).pathname;
        const there = await Deno.stat(file).then(() => true, () => false);
        if (!there) continue;
        const { metadata } = await readSafetensorsHeader(decodeURIComponent(file));
        assertEquals(canonicalJson(made), metadata.get("config"), file);
        compared++;
      }
    }
  }
  assert(compared >= 18, `only ${compared} files compared`);
});

Deno.test("runConfig() spreads one rate over layers, keeps several, and takes settings of the run's own", () => {
  const run = { run: "all", learningRates: [0.1], seeds: [5] };
  assertEquals(runConfig(run, MADE), {
    ...SETTINGS,
    layers: [0, 1, 2],
    learningRates: [0.1, 0.1, 0.1],
    seed: 5,
  });
  const each = { ...run, learningRates: [0.1, 0.2, 0.3], settings: { steps: 9 } };
  assertEquals(runConfig(each, MADE).learningRates, [0.1, 0.2, 0.3]);
  assertEquals([runConfig(each, MADE).steps, runConfig(each, MADE).prompts], [9, 12]);
  const placed = runConfig({ ...run, run: "place-attention-2" }, MADE);
  assertEquals([placed.place, placed.layers, placed.learningRates], ["attention", [2], [0.1]]);
  const full = runConfig({ ...run, run: "full" }, MADE);
  assertEquals([full.parameters, full.layers, full.learningRates], ["full", [], [0.1]]);
  const rank1 = runConfig({ ...run, run: "rank1-all" }, MADE);
  assertEquals([rank1.parameters, rank1.layers.length, rank1.learningRates], ["rank1", 3, [0.1]]);
});

Deno.test("runConfig() refuses runs and rates that a model cannot have", () => {
  const refusal = (run: string, learningRates: readonly number[] = [0.1]) =>
    assertThrows(() => runConfig({ run, learningRates, seeds: [0] }, MADE), InputError).message;
  assertStringIncludes(refusal("layer-3"), 'a model of 3 layers has no run "layer-3": zoo.json');
  assertStringIncludes(refusal("adapter-layer-1"), "has no run");
  assertStringIncludes(refusal("all", [0.1, 0.2]), "learningRates must match layers");
  assertStringIncludes(
    refusal("full", [0.1, 0.2]),
    "learningRates must match layers, or be one with rank1 and full",
  );
});

Deno.test("parseProfile() refuses unknown, missing and impossible values by name", () => {
  const base = shipped() as unknown as Profile;
  const [first, second] = base.models;
  assert(first !== undefined && second !== undefined);
  const cases: readonly (readonly [path: string, value: unknown, message: string])[] = [
    ["colour", 1, 'at its top, Unrecognized key: "colour"'],
    ["models.0.colour", 1, 'at models.0, Unrecognized key: "colour"'],
    ["models.0.runs.0.rate", 1, 'at models.0.runs.0, Unrecognized key: "rate"'],
    ["models.0.runs.0.settings", { speed: 1 }, 'at models.0.runs.0.settings, Unrecognized key: "speed"'],
    ["settings.steps", 0, "at settings.steps"],
    ["name", "Mine", "at name, must be lower-case letters, digits, - and _"],
    ["problems", [], "at problems"],
    ["problems", ["linear", "linear"], "a problem set stands there twice"],
    ["problems", [{ name: "mine", file: "a.jsonl", colour: 1 }], "at problems.0"],
    ["template", "mine", "at template"],
    ["grader", "mine", "at grader"],
    ["sizes.quick.swept", 5, "at sizes.quick.swept, must be at most problems"],
    ["seeds", [], "at seeds"],
    ["expected", "perhaps", "at expected"],
    ["date", "yesterday", "at date"],
    ["settings.data", { file: "" }, "at settings.data, file: "],
    ["models.0.runs.0.published", { seeds: [0, 0] }, "a seed stands there twice"],
    ["models.0.openers", ["To", "To"], "an opener stands there twice"],
    ["settings.families", ["geometry"], "at settings.families.0"],
    ["settings.maxNorm", undefined, "at settings.maxNorm"],
    ["models", [], "at models"],
    ["models.0.role", "c", "at models.0.role"],
    ["models.0.name", "../base-a", "at models.0.name"],
    ["models.0.name", "vectors", "is the name of another folder"],
    ["models.0.name", "expected", "is the name of another folder"],
    ["models.0.runs.0.seeds", [1, 1], "a seed stands there twice"],
    ["models.0.runs.0.learningRates", [], "at models.0.runs.0.learningRates"],
    ["models.0.runs.1", first.runs[0], "a run stands there twice"],
    ["models.1.name", first.name, "a name stands there twice"],
    ["models.1.role", first.role, "a role stands there twice"],
    ["autoencoders.0.seed", 7, "at autoencoders.0, there is no run all.seed-7 of base-a"],
    ["autoencoders.0.model", "base-c", "there is no run all.seed-0 of base-c"],
  ];
  for (const [path, value, message] of cases) {
    const parse = () => parseProfile(changed(path, value), { where: "z.json" });
    const fault = assertThrows(parse, InputError, "bad profile").message;
    assertStringIncludes(fault, message);
    assert(fault.endsWith(": z.json") && !fault.includes("\n"), fault);
  }
  for (const value of [null, [], "text"]) {
    assertThrows(() => parseProfile(value, { where: "z.json" }), InputError, "at its top");
  }
});

Deno.test("runConfig() trains under a run of another learning rate what the run of its layer trains", () => {
  const { settings } = parseProfile(JSON.parse(Deno.readTextFileSync("fixtures/profiles/embedded.json")), {
    where: "zoo.json",
  });
  const given = { settings, seed: 0, layerCount: 8, where: "zoo.json" };
  const config = (run: string) => runConfig({ run, learningRates: [0.1], seeds: [0] }, given);
  assertEquals(config("rate-2-4"), config("layer-4"));
  assertThrows(() => config("rate-2-8"), InputError, 'a model of 8 layers has no run "rate-2-8"');
  assertThrows(() => config("rate-4"), InputError, 'has no run "rate-4"');
});

Deno.test("runConfig() rewards half of all answers at random under a random- run, and asks as the settings say", () => {
  const run = { run: "random-all", learningRates: [0.1], seeds: [5] };
  const settings = { ...SETTINGS, template: "chat", grader: "last-number" } as const;
  const config = runConfig(run, { ...MADE, settings });
  assertEquals(config, { ...runConfig({ ...run, run: "all" }, { ...MADE, settings }), reward: "random" });
  assertEquals([config.template, config.grader], ["chat", "last-number"]);
});

Deno.test("parseProfile() wants of each model how it is made or where it comes from, not both", () => {
  const source = { folder: "../m", layers: 2, hash: "0".repeat(64), command: "deno task real-model" };
  const parse = (value: Plain) => parseProfile(value, { where: "z.json" });
  const brought = changed("models.0.config", undefined);
  (brought.models as Plain[])[0] = { ...(brought.models as Plain[])[0], source };
  assertEquals(parse(brought).models[0]?.source, source);
  for (const [path, value] of [["models.0.config", undefined], ["models.0.source", source]] as const) {
    const fault = assertThrows(() => parse(changed(path, value)), InputError).message;
    assertStringIncludes(fault, "at models, each must have a config or a source");
  }
  const short = changed("models.0.source", { ...source, hash: "ab" });
  assertStringIncludes(assertThrows(() => parse(short), InputError).message, "must be a SHA-256");
});

/** Names of families and models that are also a role, a scale or an axis. */
const ALSO = ["control", "linear", "words"];

Deno.test("no source of the experiments or the items names a problem family or a model of a profile", async () => {
  const names = new Set<string>(PROBLEM_FAMILIES);
  for await (const { name } of Deno.readDir("fixtures/profiles")) {
    const where = `fixtures/profiles/${name}`;
    const { models } = parseProfile(JSON.parse(await Deno.readTextFile(where)), { where });
    for (const model of models) names.add(model.name).add(model.title);
  }
  const faults: string[] = [];
  for (const folder of ["lib/experiment", "reproductions"]) {
    for await (const { name } of Deno.readDir(folder)) {
      const source = (await Deno.readTextFile(`${folder}/${name}`)).replaceAll(/\/\*\*[^]*?\*\/|\/\/.*/g, "");
      for (const [, literal = ""] of source.matchAll(/["'`]([^"'`\n]*)["'`]/g)) {
        if (names.has(literal) && !ALSO.includes(literal)) faults.push(`${folder}/${name}: "${literal}"`);
      }
    }
  }
  assertEquals(faults, []);
});
