import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { InputError } from "../../../lib/core/mod.ts";
import { testSet } from "../../../lib/problems/mod.ts";
import { type OpenProfile, openProfile, profileProblems } from "../../../tasks/study/profile.ts";
import { REPOSITORY } from "../../../tasks/study/reproduction_setting.ts";
import { recordCommand } from "../../../tasks/record.ts";
import { reproduceCommand } from "../../../tasks/reproduce.ts";
import { type TinyZoo, withTinyZoo } from "../../experiment/_tiny_zoo.ts";
import { faultLine, inFolder, runOn } from "../_tiny_zoo.ts";

type Plain = Record<string, unknown>;

/** A profile of a tiny zoo that has its model of role a alone. */
async function writeProfile(tiny: TinyZoo, change: (profile: Plain, model: Plain) => void = () => {}) {
  const where = `${tiny.fixtures}/profiles/embedded.json`,
    profile = JSON.parse(await Deno.readTextFile(where));
  profile.name = "alone";
  profile.models = [profile.models[0]];
  profile.autoencoders = [];
  change(profile, profile.models[0]);
  const path = `${tiny.fixtures}/profiles/alone.json`;
  await Deno.writeTextFile(path, JSON.stringify(profile));
}

function reproduce(tiny: TinyZoo, args: readonly string[]) {
  const command = reproduceCommand({ fixtures: tiny.fixtures, store: `${tiny.folder}/store` });
  const more = [
    "--profile",
    "alone",
    "--size",
    "quick",
    "--out",
    `${tiny.folder}/out`,
    "--threads",
    "1",
    "--quiet",
  ];
  return runOn(command, [...args, ...more]);
}

Deno.test("reproduce says of items that ask for what a profile lacks that they are not applicable, and fails not", () =>
  withTinyZoo(async (tiny) => {
    await writeProfile(tiny, (_, model) => {
      model["runs"] = (model["runs"] as Plain[]).filter(({ run }) => run !== "full");
    });
    const { code, output, error } = await reproduce(tiny, [
      "fig3",
      "fig7",
      "fig9",
      "table1",
      "table2",
      "control-negative",
    ]);
    assertEquals(code, 0, error);
    assertEquals(output.match(/^[\w-]+: not applicable, .*$/gm), [
      "fig7: not applicable, the profile has no autoencoder of base-a",
      "fig9: not applicable, the profile alone has no model of the role b",
      "table1: not applicable, the profile has no sibling of the model of role a",
      'table2: not applicable, the profile has no run "full" of base-a',
      "control-negative: not applicable, the profile alone has no model of the role control",
    ]);
    assertMatch(output, /^fig3: /m);
    const only = await reproduce(tiny, ["fig9"]);
    assertEquals([only.code, only.error], [0, ""]);
    const record = recordCommand({ fixtures: tiny.fixtures, store: `${tiny.folder}/store` });
    const recorded = await runOn(record, ["fig9", "--profile", "alone", "--size", "quick", "--threads", "1"]);
    assertEquals([recorded.code, recorded.output], [
      0,
      "fig9: not applicable, the profile alone has no model of the role b\n",
    ]);
  }));

Deno.test("reproduce names a run that the profile has and nobody made with the command that makes it", () =>
  withTinyZoo(async (tiny) => {
    await writeProfile(tiny);
    await Deno.remove(`${tiny.entry.vectorsFolder}/layer-1.seed-0.safetensors`);
    assertStringIncludes(
      faultLine(await reproduce(tiny, ["fig1"])),
      'no run "layer-1": ' +
        `${tiny.entry.vectorsFolder} (train it: deno task zoo --profile alone --only base-a/layer-1)`,
    );
  }));

Deno.test("reproduce names everything that a profile lacks, each with the command that brings it", () =>
  withTinyZoo(async (tiny) => {
    await writeProfile(tiny, (profile, model) => {
      delete model["config"];
      model["source"] = { folder: "../lost", layers: 4, hash: null, command: "deno task fetch owner/name" };
      model["runs"] = [{ run: "all", learningRates: [0.1], seeds: [0, 1] }];
      profile["problems"] = [{ name: "mine", file: "mine.jsonl" }];
    });
    const { code, output, error } = await reproduce(tiny, ["fig3"]);
    const lost = `${tiny.fixtures}/lost`, profiles = `${tiny.fixtures}/profiles`;
    assertEquals([code, output], [2, ""]);
    assertEquals(error.trimEnd().split("\n"), [
      `model base-a (role a) is not there: ${lost} (bring it: deno task fetch owner/name)`,
      `problems mine are not there: there is no file or folder with mine: ${profiles}/mine.jsonl (check the path)`,
      `runs of base-a, 1 of 2, are not there: ${tiny.entry.vectorsFolder} ` +
      "(train them: deno task zoo --profile alone --only base-a)",
      `error: the profile alone lacks 3 things, and 2 of them are needed first: ${profiles}/alone.json ` +
      "(see the line of each above)",
    ]);
  }));

Deno.test("reproduce refuses another model than the one whose hash the profile names", () =>
  withTinyZoo(async (tiny) => {
    await writeProfile(tiny, (_, model) => {
      delete model["config"];
      const hash = "0".repeat(64), command = "deno task real-model";
      model["source"] = { folder: "../embedded/base-a", layers: 4, hash, command };
    });
    assertMatch(
      faultLine(await reproduce(tiny, ["fig3"])),
      /another model than the profile's: \w{12} in place of 0{12}: .* \(bring it: deno task real-model\)$/,
    );
  }));

const within = async (folder: string, problems: OpenProfile["problems"]): Promise<OpenProfile> => ({
  ...await openProfile("smollm2", REPOSITORY),
  where: `${folder}/mine.json`,
  problems,
});

Deno.test("profileProblems() asks families, sets of them and files, as many of each as there are", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(
      `${folder}/a.json`,
      JSON.stringify([{ ask: "1?", is: 1 }, { ask: "2?", is: "\\boxed{2}" }]),
    );
    const file = { name: "mine", file: "a.json", question: "ask", answer: "is", samples: 4 };
    const asked = await profileProblems(await within(folder, ["linear", "first-arithmetic", file]));
    assertEquals(asked.sets.map(({ name, samples }) => [name, samples]), [
      ["linear", 1],
      ...["sums", "differences", "products", "larger", "stories"].map((name) => [name, 1]),
      ["mine", 4],
    ]);
    assertEquals([asked.noun, asked.template, asked.grader], ["problem sets", "chat", "last-number"]);
    assertEquals(asked.sets[0]?.first(3), testSet("linear", { size: 3 }));
    assertEquals(asked.sets[2]?.first(1000).length, 36);
    assertEquals(asked.sets[6]?.first(9), [
      { id: "mine/0", question: "1?", answer: "1" },
      { id: "mine/1", question: "2?", answer: "2" },
    ]);
  }));

Deno.test("profileProblems() refuses what it does not know, and a name that stands there twice", () =>
  inFolder(async (folder) => {
    const refused = async (problems: OpenProfile["problems"], message: string) => {
      const profile = await within(folder, problems);
      await assertRejects(() => profileProblems(profile), InputError, message);
    };
    await refused(["first-aritmetic"], "did you mean first-arithmetic?");
    await refused(["sums", "first-arithmetic"], '"sums" stands there twice');
    await refused([{ name: "mine", file: "none.jsonl" }], "there is no file or folder with mine");
    await Deno.writeTextFile(`${folder}/b.json`, '{"question": 1}');
    await refused([{ name: "mine", file: "b.json" }], "not a list of objects");
  }));

Deno.test("openProfile() finds shipped profiles by name, refuses others, and reads runs as published", async () => {
  await assertRejects(() => openProfile("smolm2", REPOSITORY), InputError, "did you mean smollm2?");
  const rates = async (asPublished: boolean) => {
    const { models, vectors } = await openProfile("paper", { ...REPOSITORY, asPublished });
    const run = models[0]?.runs.find(({ run }) => run === "layer-23");
    return [vectors, run?.learningRates, run?.seeds, run?.settings];
  };
  assertEquals(await rates(false), ["vectors", [0.1], [0, 1], undefined]);
  // The checkpoint of step 265, after the ten steps of warm-up that a run of 314 has.
  assertEquals(await rates(true), ["vectors-as-published", [0.01], [0], {
    steps: 265,
    warmupShare: 0.03585,
  }]);
  const { vectors } = await openProfile("embedded", { ...REPOSITORY, asPublished: true });
  assertEquals([vectors, Math.ceil(0.03585 * 265), Math.ceil(0.03 * 314)], ["vectors", 10, 10]);
});
