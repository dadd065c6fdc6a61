import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { planCommand } from "../../tasks/plan.ts";
import { reproduceCommand } from "../../tasks/reproduce.ts";
import { type TinyZoo, withTinyZoo } from "../experiment/_tiny_zoo.ts";
import type { PlanPart } from "../../tasks/cluster/plan_parts.ts";
import { readRates } from "../../tasks/cluster/rates.ts";
import { type Ended, faultLine, inFolder, namesBelow, runOn } from "./_tiny_zoo.ts";

const RATES = {
  source: "by hand",
  device: "cpu",
  parameters: 1e4,
  generatedTokensPerSecond: 100,
  gradientTokensPerSecond: 200,
  promptTokens: 30,
  answerTokens: 6,
};

/** A tiny zoo whose profile names the model and the runs that are there. */
async function withStudy(body: (tiny: TinyZoo) => Promise<void>): Promise<void> {
  await withTinyZoo(async (tiny) => {
    const path = `${tiny.fixtures}/profiles/embedded.json`,
      profile = JSON.parse(await Deno.readTextFile(path));
    const [{ config: _, runs: __, ...model }] = profile.models;
    const seeds = (run: string) => run === "layer-3" ? [0, 1] : [0];
    profile.models = [{
      ...model,
      source: { folder: tiny.entry.modelFolder, layers: 4, hash: null, command: "none" },
      runs: ["all", "layer-0", "layer-1", "layer-2", "layer-3"].map((run) => ({
        ...{ run, learningRates: [0.1], seeds: seeds(run) },
      })),
    }];
    profile.autoencoders = [];
    await Deno.writeTextFile(path, JSON.stringify(profile));
    await body(tiny);
  });
}

const settingOf = (tiny: TinyZoo) => ({ fixtures: tiny.fixtures, store: `${tiny.folder}/store` });

/** Plans on a tiny zoo with rates by hand; the parts are those that it writes. */
async function plan(
  tiny: TinyZoo,
  args: readonly string[],
): Promise<Ended & { readonly parts: readonly PlanPart[] }> {
  const rates = `${tiny.folder}/rates.json`, out = `${tiny.folder}/plan.jsonl`;
  await Deno.writeTextFile(rates, JSON.stringify(RATES));
  const ended = await runOn(planCommand(settingOf(tiny)), [...args, "--rates", rates, "--out", out]);
  assertEquals(ended.code, 0, ended.error);
  const lines = (await Deno.readTextFile(out)).split("\n").filter((line) => line !== "");
  return { ...ended, parts: lines.map((line) => JSON.parse(line)) };
}

const measured = (parts: readonly PlanPart[]) => parts.filter(({ kind }) => kind === "measure");

Deno.test("plan lists exactly the measurements that reproduce makes, under the hashes of the store", () =>
  withStudy(async (tiny) => {
    // Outcomes that follow each other, several measurements in one item, one that is shared.
    const items = ["fig1", "fig3"], before = await plan(tiny, items);
    assertEquals(measured(before.parts).every(({ state }) => state === "missing"), true);
    const args = [...items, "--out", `${tiny.folder}/out`, "--threads", "1"];
    assertEquals((await runOn(reproduceCommand(settingOf(tiny)), args)).code, 0);
    const made = namesBelow(`${tiny.folder}/store/`).map((name) => name.replace(".json", ""));
    assertEquals(measured(before.parts).map(({ hash }) => hash).sort(), made);
    const after = await plan(tiny, items);
    assertEquals(
      measured(after.parts).map(({ hash, state }) => [hash, state]),
      measured(before.parts).map(({ hash }) => [hash, "there"]),
    );
    assertMatch(after.output, /; 0 hours of one process on the CPU for the rest/);
  }));

Deno.test("plan stands in for runs that are not there: as many measurements, which wait for them", () =>
  withStudy(async (tiny) => {
    const whole = await plan(tiny, ["fig1"]), vectors = `${tiny.fixtures}/embedded/vectors/base-a`;
    await Deno.remove(`${vectors}/layer-1.seed-0.safetensors`);
    await Deno.remove(`${vectors}/all.seed-0.safetensors`);
    const { parts, output } = await plan(tiny, ["fig1"]);
    assertEquals(measured(parts).map(({ name }) => name), measured(whole.parts).map(({ name }) => name));
    const waiting = measured(parts).filter(({ state }) => state === "waits").map(({ name }) => name);
    assertEquals(waiting, ["base-a all.seed-0 sampling", "base-a layer-1.seed-0 sampling"]);
    const training = parts.filter(({ kind, state }) => kind === "train" && state === "missing");
    assertEquals(training.map(({ name, needs }) => [name, needs]), [["base-a/all.seed-0", ["base-a"]], [
      "base-a/layer-1.seed-0",
      ["base-a"],
    ]]);
    assertStringIncludes(output, "measure fig1");
    // What was planned on stand-ins left nothing behind.
    assertEquals(namesBelow(`${tiny.folder}/`), ["plan.jsonl", "rates.json"]);
  }));

Deno.test("plan stands in for a model that is not there, and for its runs, though these are", () =>
  withStudy(async (tiny) => {
    const whole = await plan(tiny, ["fig1", "fig3"]);
    await Deno.remove(tiny.entry.modelFolder, { recursive: true });
    const { parts, output } = await plan(tiny, ["fig1", "fig3"]);
    assertEquals(measured(parts).map(({ name }) => name), measured(whole.parts).map(({ name }) => name));
    assertEquals(new Set(measured(parts).map(({ state }) => state)), new Set(["waits"]));
    // Nothing says how large it is.
    assertEquals(new Set(parts.map(({ cost }) => cost)), new Set([null]));
    assertStringIncludes(output, `not there: base-a: ${tiny.entry.modelFolder} (bring it: none)`);
    assertStringIncludes(output, "an unknown number of hours");
  }));

Deno.test("plan estimates by the rates that it is given", () =>
  withStudy(async (tiny) => {
    const { parts } = await plan(tiny, ["fig1"]);
    const base = parts.find(({ name }) => name === "base-a base sampling");
    const greedy = parts.find(({ name }) => name === "base-a base greedy");
    // Two evaluation seeds at τ = 1, one greedily.
    assertEquals((base?.cost?.seconds ?? 0) / (greedy?.cost?.seconds ?? 1), 2);
    assert((base?.cost?.memoryBytes ?? 0) > 0 && (base?.cost?.diskBytes ?? 0) > 0);
  }));

Deno.test("plan refuses rates of another device and with unknown keys in one line", () =>
  withStudy(async (tiny) => {
    const path = `${tiny.folder}/rates.json`, command = planCommand(settingOf(tiny));
    await Deno.writeTextFile(path, JSON.stringify({ ...RATES, device: "cuda" }));
    assertStringIncludes(
      faultLine(await runOn(command, ["fig1", "--rates", path])),
      "the rates are of cuda, and the plan is for cpu",
    );
    await Deno.writeTextFile(path, JSON.stringify({ ...RATES, speed: 3 }));
    assertStringIncludes(faultLine(await runOn(command, ["fig1", "--rates", path])), "bad rates at its top");
    await Deno.writeTextFile(path, JSON.stringify({ ...RATES, answerTokens: 0 }));
    assertStringIncludes(
      faultLine(await runOn(command, ["fig1", "--rates", path])),
      "bad rates at answerTokens",
    );
  }));

Deno.test("rates that are shipped, and those of docs/cluster.md, are rates", () =>
  inFolder(async (folder) => {
    const { source: _, ...numbers } = await readRates("fixtures/rates/h200-assumed.json");
    const doc = await Deno.readTextFile("docs/cluster.md");
    await Deno.writeTextFile(
      `${folder}/rates.json`,
      /<!-- rates -->\s+```json\n(.*?)```/s.exec(doc)?.[1] ?? "",
    );
    const { source: __, ...shown } = await readRates(`${folder}/rates.json`);
    assertEquals(shown, numbers);
  }));
