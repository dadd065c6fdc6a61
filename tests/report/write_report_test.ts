import { assert, assertEquals, assertRejects } from "@std/assert";
import { InputError } from "../../lib/core/mod.ts";
import { type Metrics, type Report, writeReport } from "../../lib/report/mod.ts";

const METRICS: Metrics = {
  schemaVersion: 1,
  id: "fig1",
  title: "Accuracy by layer",
  profile: "embedded",
  values: [],
  checks: [],
  claims: [],
  inputs: {},
  seed: 0,
  device: "cpu",
  dtype: "float32",
  versions: {},
};
const REPORT: Report = {
  spec: { mark: "point" },
  svg: "<svg/>",
  png: Uint8Array.of(1, 2, 3),
  metrics: METRICS,
  run: { started: "then" },
};
const NAMES = ["figure.png", "figure.svg", "metrics.json", "run.json", "spec.vl.json"];

async function withFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function namesIn(folder: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(folder)) names.push(name);
  return names.sort();
}

Deno.test("writeReport() writes five files and nothing else, again over old ones", () =>
  withFolder(async (folder) => {
    const target = `${folder}/embedded/fig1`;
    await writeReport(target, REPORT);
    await writeReport(target, { ...REPORT, run: { started: "later" } });
    assertEquals(await namesIn(target), NAMES);
    assertEquals(await Deno.readTextFile(`${target}/run.json`), '{\n  "started": "later"\n}\n');
    assertEquals(await Deno.readTextFile(`${target}/spec.vl.json`), '{\n  "mark": "point"\n}\n');
    assertEquals(await Deno.readTextFile(`${target}/figure.svg`), "<svg/>\n");
    assertEquals([...await Deno.readFile(`${target}/figure.png`)], [1, 2, 3]);
  }));

Deno.test("writeReport() touches nothing when the metrics are not valid", () =>
  withFolder(async (folder) => {
    const wrong = { ...METRICS, seed: 0.5 };
    await assertRejects(
      () => writeReport(`${folder}/fig1`, { ...REPORT, metrics: wrong }),
      TypeError,
      "seed",
    );
    assertEquals(await namesIn(folder), []);
  }));

Deno.test("writeReport() names a folder that cannot be made", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/file`, "");
    await assertRejects(() => writeReport(`${folder}/file/fig1`, REPORT), InputError, `${folder}/file/fig1`);
  }));

Deno.test("writeReport() takes away the run record of a report it could not replace, and leaves no half file", () =>
  withFolder(async (folder) => {
    await writeReport(folder, REPORT);
    await Deno.remove(`${folder}/metrics.json`);
    await Deno.mkdir(`${folder}/metrics.json`); // A folder cannot be replaced by a file.
    await assertRejects(() => writeReport(folder, REPORT), InputError, `${folder}/metrics.json`);
    const names = await namesIn(folder);
    assert(!names.includes("run.json"));
    assertEquals(names, NAMES.filter((name) => name !== "run.json"));
  }));
