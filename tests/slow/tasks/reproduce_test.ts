import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertStringIncludes,
} from "@std/assert";
import { FAMILIES, parseSampleLine } from "../../../lib/problems/mod.ts";
import { parseMetrics } from "../../../lib/report/mod.ts";
import { REPRODUCTIONS } from "../../../reproductions/mod.ts";
import { reproduceCommand } from "../../../tasks/reproduce.ts";
import { TINY_SIZE, type TinyZoo, withTinyZoo, writeVectors } from "../../experiment/_tiny_zoo.ts";
import { type Ended, faultLine, namesBelow, runOn } from "../../tasks/_tiny_zoo.ts";

const REPORT = ["figure.png", "figure.svg", "metrics.json", "run.json", "spec.vl.json"];

/** Runs the command on a tiny zoo; results go to `out` below the zoo's work folder. */
function reproduce(
  tiny: TinyZoo,
  args: readonly string[],
  options: { readonly out?: string; readonly interruptAt?: string; readonly threads?: string } = {},
): Promise<Ended> {
  const { out = `${tiny.folder}/out`, interruptAt, threads = "1" } = options;
  const store = `${tiny.folder}/store`;
  const command = reproduceCommand({ fixtures: tiny.fixtures, store });
  const all = [...args, "--out", out, "--threads", threads];
  return runOn(command, all, interruptAt === undefined ? {} : { interruptAt });
}

const metricsOf = async (folder: string) =>
  parseMetrics(await Deno.readTextFile(`${folder}/metrics.json`), `${folder}/metrics.json`);

/** Writes expected values that the run at hand has just given, and that other seeds may be `apart` from. */
async function expectWhatIs(tiny: TinyZoo, id: string, apart: number): Promise<void> {
  const { values } = await metricsOf(`${tiny.folder}/out/embedded/${id}`);
  const checks = values.map(({ name, value }) => ({
    metric: name,
    expected: value,
    tolerance: 1e-6,
    reason: "the same run",
    others: { expected: value, tolerance: apart, reason: "another run" },
  }));
  await Deno.mkdir(`${tiny.fixtures}/embedded/expected/full`, { recursive: true });
  const path = `${tiny.fixtures}/embedded/expected/full/${id}.json`;
  await Deno.writeTextFile(
    path,
    JSON.stringify({ schemaVersion: 2, id, seed: 0, madeBy: "this test", checks }),
  );
}

Deno.test("reproduce writes five files per item, and says what it found beside what the paper says", () =>
  withTinyZoo(async (tiny) => {
    const { code, output, error } = await reproduce(tiny, ["last-layer", "fig1", "fig3"]);
    assertEquals(code, 0, error);
    const out = `${tiny.folder}/out/embedded`;
    assertEquals(namesBelow(`${tiny.folder}/out/`), [
      "embedded/",
      ...["fig1", "fig3"].flatMap((
        id,
      ) => [`embedded/${id}/`, ...REPORT.map((name) => `embedded/${id}/${name}`)]),
    ]);
    // Items come in the paper's order, each once, whatever the order on the command line.
    assertEquals(output.match(/^fig\d: /gm), ["fig1: ", "fig3: "]);
    assertStringIncludes(output, "no expected values for these settings: nothing is checked\n");
    assertMatch(output, /^metric +ours +paper \(Qwen2\.5-Math-7B\)$/m);
    assertMatch(output, /^accuracy\.base\.greedy +0 % +24\.8 % \(code\)$/m);
    assertMatch(output, /^accuracy\.base\.sampling +\S+ % +14\.3 ± 1\.7 % \(code\)$/m);
    assert(!/^accuracy\.layer_\d/m.test(output), "layer 3 of 4 is not layer 3 of 28");
    assertStringIncludes(output, "another model on other problems: shown side by side, not compared\n");
    const claims = output.match(/^claim: .* (holds|does not hold|cannot be decided): .* = .*$/gm);
    assertEquals(claims?.length, 6);
    const metrics = await metricsOf(`${out}/fig1`);
    assertEquals(metrics.paper?.numbers.map(({ metric, paper }) => [metric, paper]), [
      ["accuracy.base.greedy", 24.8],
      ["accuracy.base.sampling", 14.3],
      ["accuracy.all_layers", 42.9],
    ]);
    const run = JSON.parse(await Deno.readTextFile(`${out}/fig3/run.json`));
    assertEquals(
      run.command,
      `deno task reproduce last-layer fig1 fig3 --out ${tiny.folder}/out --threads 1`,
    );
    // Base under both decodings and the last layer's two seeds were measured for fig1.
    assertEquals(run.measurements, { made: 7, read: 4 });
    assertEquals(run.machine.threads, 1);
    assertMatch(run.startedAt, /^\d{4}-\d\d-\d\dT/);
    assert(run.seconds > 0);
  }));

Deno.test("reproduce gives the same bytes again, in all but run.json, with and without earlier measurements", () =>
  withTinyZoo(async (tiny) => {
    const out = (name: string) => `${tiny.folder}/${name}`, ends: Ended[] = [];
    const runs = [["a", ["fig3", "--no-cache"]], ["b", ["fig3", "--no-cache"]], ["c", ["fig1", "fig3"]], [
      "d",
      ["fig3"],
    ]] as const;
    for (const [name, args] of runs) {
      const ended = await reproduce(tiny, args, { out: out(name) });
      assertEquals(ended.code, 0);
      ends.push(ended);
      // --no-cache keeps nothing.
      const kept = namesBelow(`${tiny.folder}/`).some((path) => path.startsWith("store/"));
      assertEquals(kept, name === "c" || name === "d", name);
    }
    const bytes = (name: string, file: string) => Deno.readFile(`${out(name)}/embedded/fig3/${file}`);
    for (const file of REPORT.filter((name) => name !== "run.json")) {
      const first = await bytes("a", file);
      for (const name of ["b", "c", "d"]) assertEquals(await bytes(name, file), first, `${file} of ${name}`);
    }
    const lastLine = ({ output }: Ended) => output.trimEnd().split("\n").at(-1);
    assertEquals(ends.map(lastLine), [
      "measurements: 0 of earlier runs read, 11 made",
      "measurements: 0 of earlier runs read, 11 made",
      "measurements: 0 of earlier runs read, 15 made",
      "measurements: 11 of earlier runs read, 0 made",
    ]);
    const read = async (name: string) =>
      JSON.parse(new TextDecoder().decode(await bytes(name, "run.json"))).measurements;
    assertEquals(await read("b"), { made: 11, read: 0 });
    assertEquals(await read("d"), { made: 0, read: 11 });
  }));

Deno.test("reproduce --as-published draws into a folder of its own, and refuses items that no published fault shows in", () =>
  withTinyZoo(async (tiny) => {
    const { code, error } = await reproduce(tiny, ["fig4", "--as-published"]);
    assertEquals(code, 0, error);
    const names = namesBelow(`${tiny.folder}/out/`).filter((name) => name.endsWith("/"));
    assertEquals(names, ["embedded/", "embedded/fig4.as-published/"]);
    const refused = await reproduce(tiny, ["fig4", "fig8", "--as-published"]);
    assertEquals(refused.code, 2);
    assertMatch(
      refused.error,
      /^error: no known fault of the published code shows in fig8: --as-published \(/,
    );
    assertEquals(refused.error.trimEnd().split("\n").length, 1);
  }));

Deno.test("reproduce shows each condition once, counted in answers, and no progress when quiet", () =>
  withTinyZoo(async (tiny) => {
    const { error } = await reproduce(tiny, ["fig1", "--no-cache"]);
    const bars = error.split("\n").filter((line) => line !== "").map((line) =>
      line.split("\r\x1b[2K").at(-1)
    );
    const labels = bars.map((line) => /^(.*?): {2}/.exec(line as string)?.[1]);
    assertEquals(labels, [
      "base-a base greedy",
      "base-a base sampling",
      "base-a all sampling",
      "base-a layer-0 sampling",
      "base-a layer-1 sampling",
      "base-a layer-2 sampling",
      "base-a layer-3 sampling",
    ]);
    assertMatch(bars[6] as string, /\[#{20}\] {2}72\/72 answers /);
    assertEquals((await reproduce(tiny, ["fig1", "--no-cache", "--quiet"])).error, "");
  }));

Deno.test("reproduce compares with expected values: green on what they were made from, red on other vectors", () =>
  withTinyZoo(async (tiny) => {
    assertEquals((await reproduce(tiny, ["fig1"])).code, 0);
    await expectWhatIs(tiny, "fig1", 100);
    const green = await reproduce(tiny, ["fig1"]);
    assertEquals(green.code, 0, green.output);
    assertEquals(green.output.match(/ pass$/gm)?.length, 7);
    // A vector that pushes less than the one the values were recorded with.
    await writeVectors(`${tiny.entry.vectorsFolder}/layer-1.seed-0.safetensors`, { 1: 0 });
    const red = await reproduce(tiny, ["fig1"]);
    assertEquals(red.code, 1, red.output);
    assertMatch(red.output, /^accuracy\.layer_1 .* fail$/m);
    assertEquals(red.output.match(/ fail$/gm)?.length, 1);
    assertMatch(
      red.output,
      /\n1 check fell outside the tolerance\nmeasurements: 7 of earlier runs read, 1 made\n$/,
    );
    const { checks } = await metricsOf(`${tiny.folder}/out/embedded/fig1`);
    const source = "fixtures/embedded/expected/full/fig1.json";
    // Three claims, each with a verdict and an effect, of which nothing is expected here.
    assertEquals(checks.map((check) => check.source), [
      ...new Array(7).fill(source),
      ...new Array(6).fill(""),
    ]);
    // Other first seeds are held to what is expected of them, and answers in another number format part as those do.
    for (const flags of [["--seed", "7"], ["--dtype", "float16"]]) {
      await expectWhatIs(tiny, "fig1", 100);
      const near = await reproduce(tiny, ["fig1", ...flags]);
      assertEquals([near.code, near.output.match(/ pass$/gm)?.length], [0, 7], near.output + near.error);
    }
    await reproduce(tiny, ["fig1"]);
    await expectWhatIs(tiny, "fig1", 1e-6);
    const apart = await reproduce(tiny, ["fig1", "--seed", "7"]);
    assertEquals([apart.code, / fail$/m.test(apart.output)], [1, true]);
    // Other sizes and models have no expected values.
    for (const flags of [["--size", "quick"], ["--model", tiny.entry.modelFolder]]) {
      const { code, output } = await reproduce(tiny, ["fig1", ...flags]);
      assertEquals([code, output.includes("nothing is checked")], [0, true], flags.join(" "));
    }
  }));

Deno.test("reproduce goes on after Ctrl-C from the measurements that were finished", () =>
  withTinyZoo(async (tiny) => {
    const stopped = await reproduce(tiny, ["fig1"], { interruptAt: "base-a layer-1 sampling" });
    assertEquals(stopped.code, 130);
    assertMatch(stopped.error, /\ninterrupted: give the same command again to go on: .*\n$/);
    assertEquals(namesBelow(`${tiny.folder}/`).filter((name) => name.startsWith("out")), []);
    const kept = [...Deno.readDirSync(`${tiny.folder}/store`)].map(({ name }) => name);
    assertEquals(kept.length, 4); // base greedy, base, all, layer-0
    assertEquals(kept.filter((name) => !name.endsWith(".json")), []);
    const after = await reproduce(tiny, ["fig1"]);
    assertEquals(after.code, 0, after.error);
    assertEquals(after.error.includes("base-a layer-0 sampling"), false);
    const folder = `${tiny.folder}/out/embedded/fig1`;
    assertEquals(JSON.parse(await Deno.readTextFile(`${folder}/run.json`)).measurements, {
      made: 4,
      read: 4,
    });
    const whole = await Deno.readTextFile(`${folder}/metrics.json`);
    await reproduce(tiny, ["fig1", "--no-cache"], { out: `${tiny.folder}/unbroken` });
    assertEquals(await Deno.readTextFile(`${tiny.folder}/unbroken/embedded/fig1/metrics.json`), whole);
  }));

Deno.test("reproduce measures other samples from another seed", () =>
  withTinyZoo(async (tiny) => {
    const measured = async (seed: string) => {
      const out = `${tiny.folder}/${seed}`;
      assertEquals((await reproduce(tiny, ["fig3", "--size", "quick", "--seed", seed], { out })).code, 0);
      const { values, seed: noted } = await metricsOf(`${out}/embedded/fig3`);
      assertEquals(String(noted), seed);
      return values;
    };
    assertNotEquals(await measured("0"), await measured("2"));
  }));

Deno.test("reproduce refuses bad input in one line, before anything is measured or written", () =>
  withTinyZoo(async (tiny) => {
    const refused = async (args: readonly string[], out?: string) =>
      faultLine(await reproduce(tiny, args, out === undefined ? {} : { out }));
    assertEquals(
      await refused(["fig1", "fig99"]),
      `error: unknown table or figure "fig99" (known: ${
        REPRODUCTIONS.map(({ id, slug }) => `${id} (${slug})`).join(", ")
      }, all)`,
    );
    assertMatch(await refused([]), /^error: ID is missing/);
    assertMatch(
      await refused(["fig1", "--profile", "paper"]),
      /unknown profile "paper", known are embedded /,
    );
    assertMatch(await refused(["fig1", "--seed", "0.5"]), /--seed/);
    assertMatch(await refused(["fig1", "--cache"]), /unknown flag --cache/);
    assertMatch(await refused(["fig1", "--model", `${tiny.folder}/no-model`]), /no-model/);
    assertMatch(
      await refused(["fig1", "--vectors", `${tiny.folder}/no-vectors`]),
      /^error: no folder of trained vectors: .*no-vectors \(pass --vectors\)$/,
    );
    const file = `${tiny.folder}/file`;
    await Deno.writeTextFile(file, "");
    assertMatch(await refused(["fig1"], `${file}/out`), /a file stands where a folder is needed: .*file/);
    await Deno.writeTextFile(`${tiny.fixtures}/paper/fig1.json`, "{");
    assertMatch(await refused(["fig1"]), /is not JSON: .*paper\/fig1\.json/);
    assertEquals(namesBelow(`${tiny.folder}/`), ["file"]);
  }));

Deno.test("reproduce makes the items that can be made, names the others and what they lack, and exits with 2", () =>
  withTinyZoo(async (tiny) => {
    await Deno.remove(`${tiny.entry.vectorsFolder}/layer-1.seed-0.safetensors`);
    const { code, output, error } = await reproduce(tiny, ["fig1", "fig3", "--size", "quick", "--quiet"]);
    assertEquals(code, 2);
    assertMatch(error, /^fig1: no run "layer-1": .*$/m);
    assertMatch(error, /^error: 1 of 2 items could not be made: fig1 \(see the line of each above\)$/m);
    assertMatch(output, /^fig3: /m);
    assertEquals(namesBelow(`${tiny.folder}/out/`).slice(0, 2), ["embedded/", "embedded/fig3/"]);
  }));

Deno.test("reproduce refuses a checkpoint with NaN, and vectors that do not fit the model", () =>
  withTinyZoo(async (tiny) => {
    const vectors = `${tiny.entry.vectorsFolder}/layer-2.seed-0.safetensors`;
    await Deno.writeFile(vectors, (await Deno.readFile(vectors)).slice(0, -8));
    assertMatch(faultLine(await reproduce(tiny, ["fig1"])), /layer-2\.seed-0\.safetensors/);
    const weights = `${tiny.entry.modelFolder}/model.safetensors`, bytes = await Deno.readFile(weights);
    bytes.fill(0xff, bytes.length - 4);
    await Deno.writeFile(weights, bytes);
    assertMatch(faultLine(await reproduce(tiny, ["fig1"])), /NaN/);
  }));

Deno.test("reproduce --samples writes what the models said: the same bytes from workers and beside a store", () =>
  withTinyZoo(async (tiny) => {
    const out = (name: string) => `${tiny.folder}/${name}`;
    const read = (name: string, id: string) => Deno.readTextFile(`${out(name)}/embedded/${id}/samples.jsonl`);
    assertEquals((await reproduce(tiny, ["fig1"], { out: out("a") })).code, 0);
    assertEquals(namesBelow(`${out("a")}/embedded/`).some((name) => name.includes("samples")), false);
    // The store has the outcomes already; fig3 shares conditions with fig1.
    const both = await reproduce(tiny, ["fig1", "fig3", "table6", "--samples"], { out: out("b") });
    assertEquals(both.code, 0, both.error);
    assertStringIncludes(both.error, "note: table6 evaluates nothing, there is no samples.jsonl\n");
    const apart = await reproduce(tiny, ["fig1", "--samples", "--no-cache"], {
      out: out("c"),
      threads: "2",
    });
    assertEquals(apart.code, 0, apart.error);
    const text = await read("b", "fig1");
    assertEquals(await read("c", "fig1"), text);
    assertEquals(namesBelow(`${out("b")}/embedded/`).filter((name) => /(^|\/)\.|samples/.test(name)), [
      "fig1/samples.jsonl",
      "fig3/samples.jsonl",
    ]);
    const lines = text.trimEnd().split("\n").map((line, at) =>
      parseSampleLine(line, { where: "fig1", line: at + 1 })
    );
    const conditions = [...new Set(lines.map(({ condition }) => condition))];
    assertEquals(conditions, conditions.toSorted());
    const [name] = (conditions[0] as string).split(" ");
    assert(conditions.includes(`${name} base greedy`) && conditions.includes(`${name} base sampling`));
    assert(conditions.includes(`${name} layer-3.seed-1 sampling`), conditions.join());
    // Accuracies, which metrics round to nine digits, follow from the file alone.
    const { values } = await metricsOf(`${out("b")}/embedded/fig1`);
    for (const decoding of ["greedy", "sampling"]) {
      const own = lines.filter(({ condition }) => condition === `${name} base ${decoding}`);
      assertEquals(own.length, FAMILIES.length * TINY_SIZE.problems * (decoding === "greedy" ? 1 : 2));
      assertEquals(own.map(({ seed }) => seed), own.map(({ seed }) => seed).toSorted());
      const percent = 100 * own.filter(({ correct }) => correct).length / own.length;
      const metric = values.find((value) => value.name === `accuracy.base.${decoding}`);
      assertAlmostEquals(percent, metric?.value as number, 1e-7);
    }
  }));

Deno.test("reproduce --samples leaves nothing of them at Ctrl-C", () =>
  withTinyZoo(async (tiny) => {
    const args = ["fig1", "--samples"];
    const ended = await reproduce(tiny, args, { interruptAt: "base sampling" });
    assertEquals(ended.code, 130, ended.error);
    assertEquals(namesBelow(`${tiny.folder}/`).filter((name) => name.includes("samples")), []);
  }));
