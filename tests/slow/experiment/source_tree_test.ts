import { assert, assertEquals, assertMatch, assertNotEquals, assertThrows } from "@std/assert";
import { InputError } from "../../../lib/core/mod.ts";
import { Laboratory, ResultStore, SourceTree } from "../../../lib/experiment/mod.ts";
import { withFolder } from "../../checkpoint/_folder.ts";
import { outline } from "../../house/_outline.ts";
import { FLOORS, resolveImport } from "../../house/_rules.ts";
import { type PackageCopy, ROOT, withPackageCopy } from "../../experiment/_package_copy.ts";
import { EMBEDDED, TINY_SIZE, withZooModel } from "../../experiment/_tiny_zoo.ts";

/** The modules that measure: those that give their address to a measurement. */
const MEASURING = [...Deno.readDirSync(new URL("lib/experiment/", ROOT))]
  .map(({ name }) => `lib/experiment/${name}`)
  .filter((path) => Deno.readTextFileSync(new URL(path, ROOT)).includes("code: import.meta.url"));
const FLOOR_OF_MEASUREMENTS = ["experiment", "report"];

const addressesIn = (root: URL, paths: readonly string[]) => paths.map((path) => new URL(path, root).href);
const hashIn = (root: URL, paths = MEASURING) =>
  new SourceTree(root).fingerprint(addressesIn(root, paths)).hash;
const pathsOf = (modules: readonly string[]) =>
  [...new SourceTree().sources(addressesIn(ROOT, modules)).keys()].map((href) =>
    href.slice(ROOT.href.length)
  );

/** What modules import, read off the syntax tree of each. */
function importedBy(modules: readonly string[]): ReadonlySet<string> {
  const found = new Set<string>(), waiting = [...modules];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (found.has(path)) continue;
    found.add(path);
    const { imports } = outline({ path, text: Deno.readTextFileSync(new URL(path, ROOT)) });
    const from = path;
    waiting.push(...imports.filter((name) => name.startsWith(".")).map((name) => resolveImport(from, name)));
  }
  return found;
}

Deno.test("SourceTree follows every import of the modules that measure, and their workers", () => {
  assertEquals(MEASURING.length, 9);
  const worker = "lib/experiment/_evaluation_worker.ts", found = new Set(pathsOf(MEASURING));
  assertEquals([...importedBy([...MEASURING, worker])].filter((path) => !found.has(path)), []);
  for (const module of MEASURING) assert(pathsOf([module]).includes(worker), module);
});

Deno.test("SourceTree takes what measures: every room below but drawing, and nothing of figures", () => {
  const paths = pathsOf(MEASURING), rooms = new Set(paths.map((path) => path.split("/")[1]));
  const below = Object.keys(FLOORS).filter((room) => !FLOOR_OF_MEASUREMENTS.includes(room));
  assertEquals(below.filter((room) => !rooms.has(room)), []);
  assertEquals(paths.filter((path) => !/^lib\/(?!report\/)/.test(path)), []);
  assertEquals(paths.filter((path) => /\/(reproduce|tolerance_floors|zoo_artifacts)\.ts$/.test(path)), []);
});

Deno.test("SourceTree: a mutated copy of a source of any room has another fingerprint", () =>
  withPackageCopy(async ({ root, replace }) => {
    const paths = pathsOf(MEASURING), before = hashIn(root);
    assertEquals(before, hashIn(ROOT));
    const rooms = Map.groupBy(paths, (path) => path.split("/")[1]);
    for (const own of rooms.values()) {
      for (const path of new Set([own[0] as string, own.at(-1) as string])) {
        const whole = await Deno.readTextFile(new URL(path, root));
        await replace(path, whole, `${whole} `);
        assertNotEquals(hashIn(root), before, path);
        await replace(path, `${whole} `, whole);
      }
    }
    assertEquals(hashIn(root), before);
    assertEquals(rooms.size, Object.keys(FLOORS).length - 1);
    // What draws is another thing.
    await replace(
      "lib/report/charts/layer_curve.ts",
      "export function layerCurve(",
      "export async function layerCurve(",
    );
    assertEquals(hashIn(root), before);
  }));

Deno.test("SourceTree: another version of a package is another fingerprint, a task is none", () =>
  withPackageCopy(async ({ root, replace }) => {
    const before = hashIn(root);
    await replace("deno.json", '"description": "Measure speed and memory"', '"description": "Measure speed"');
    assertEquals(hashIn(root), before);
    await replace("deno.json", "npm:onnxruntime-node@1.30.0", "npm:onnxruntime-node@1.30.1");
    const pinned = hashIn(root);
    assertNotEquals(pinned, before);
    const lock = JSON.parse(await Deno.readTextFile(new URL("deno.lock", root)));
    const [name] = Object.keys(lock.npm).filter((key) => key.startsWith("@huggingface/tasks@"));
    await replace("deno.lock", `"${name}"`, '"@huggingface/tasks@0.0.0"');
    assertNotEquals(hashIn(root), pinned);
    await Deno.remove(new URL("deno.lock", root));
    assertNotEquals(hashIn(root), pinned);
  }));

Deno.test("SourceTree follows what is quoted like a neighbour and is one, outside doc comments", () =>
  withFolder((folder) => {
    const old = new Date("2001-01-01T00:00:00Z");
    const write = (name: string, text: string) => {
      Deno.writeTextFileSync(`${folder}/${name}`, text);
      Deno.utimeSync(`${folder}/${name}`, old, old);
    };
    write(
      "a.ts",
      [
        "/**",
        " * @example",
        ' * import { x } from "./documented.ts";',
        " */",
        'import { b } from "./b.ts";',
        "import type { C } from './c.ts';",
        'export * from "./d.ts";',
        'const e = await import("./e.json", { with: { type: "json" } });',
        "  new Worker(new URL(`./f.ts`, import.meta.url));",
        'const text = "./none.ts", path = "../";',
      ].join("\n"),
    );
    for (const name of ["b.ts", "c.ts", "d.ts", "e.json", "f.ts", "documented.ts"]) write(name, "1");
    const href = `file://${folder}/a.ts`;
    const names = [...new SourceTree(new URL(`file://${folder}/`)).sources([href]).keys()]
      .map((found) => found.split("/").at(-1)).sort();
    assertEquals(names, ["a.ts", "b.ts", "c.ts", "d.ts", "e.json", "f.ts"]);
    return Promise.resolve();
  }));

Deno.test("SourceTree refuses a source that is younger than the process, and tells of one that changed", () =>
  withPackageCopy(async ({ root, replace }) => {
    const tree = new SourceTree(root), modules = addressesIn(root, ["lib/core/hash.ts"]);
    tree.fingerprint(modules);
    assertEquals(tree.changed(), null);
    await replace("lib/core/hash.ts", "sha256(content", "sha256(contents");
    assertMatch(tree.changed() ?? "", /\/lib\/core\/hash\.ts$/);
    await Deno.utime(new URL("lib/core/hash.ts", root), new Date(), new Date());
    const { message } = assertThrows(() => new SourceTree(root).fingerprint(modules), InputError);
    assertMatch(message, /^the code changed while it ran.*: \/\S+\/lib\/core\/hash\.ts \(start again/);
  }));

Deno.test("SourceTree.isCurrent() knows its own fingerprints, and none of other code", () => {
  const tree = new SourceTree(), code = tree.fingerprint(addressesIn(ROOT, MEASURING));
  assertEquals(code.modules, MEASURING);
  assertEquals(tree.isCurrent(code), true);
  assertEquals(tree.isCurrent({ ...code, hash: "0" }), false);
  assertEquals(tree.isCurrent({ ...code, modules: ["lib/experiment/laboratory.ts"] }), false);
  assertEquals(tree.isCurrent({ ...code, modules: ["lib/experiment/gone.ts"] }), false);
});

Deno.test("SourceTree identifies code from the network by its address, which names a version", () => {
  const root = new URL("https://jsr.io/@small-vectors/steering/0.1.0/");
  const of = (path: string) => new SourceTree(root).fingerprint([new URL(path, root).href]);
  const { modules, hash } = of("lib/experiment/laboratory.ts");
  assertEquals(modules, ["https://jsr.io/@small-vectors/steering/0.1.0/lib/experiment/laboratory.ts"]);
  assertNotEquals(of("../0.1.1/lib/experiment/laboratory.ts").hash, hash);
  assertEquals(new SourceTree(root).isCurrent({ modules, hash }), true);
  assertThrows(
    () => new SourceTree(root).fingerprint(["https://example.org/main/lib/experiment/laboratory.ts"]),
    InputError,
    "names no version: https://example.org/main/lib/experiment/laboratory.ts (import a version)",
  );
});

/** What the code of a copy measures on base A, and how many measurements it made. */
async function measuredIn({ root }: PackageCopy, store: string) {
  const { Laboratory, ResultStore, STUDY_SIZES, ZooModel }: typeof import("../../../lib/experiment/mod.ts") =
    await import(new URL("lib/experiment/mod.ts", root).href);
  const fixtures = new URL("fixtures/embedded/", ROOT).pathname, name = "base-a";
  const entry = {
    name,
    modelFolder: `${fixtures}${name}`,
    vectorsFolder: `${fixtures}vectors/${name}`,
    opener: "To",
  };
  const zoo = await ZooModel.open(entry, { threads: 1 }), kept = new ResultStore(store);
  const size = { ...STUDY_SIZES.quick, problems: 1, evaluationSeeds: 1, traced: 2, maxNewTokens: 64 };
  const lab = new Laboratory({ asked: EMBEDDED, size, seed: 0, store: kept });
  const outcomes = await lab.outcomes({ zoo, run: "layer-5", decoding: "greedy" });
  const shifts = await lab.shifts({ zoo, run: "layer-5", follow: [] });
  await zoo.release();
  const right = Object.values(outcomes).flat(4).reduce((sum, answer) => sum + answer, 0);
  return { right, shifts: JSON.stringify(shifts), made: kept.counts.made };
}

Deno.test("a laboratory reads nothing of code that is gone: a broken grader, attention, prompt or bootstrap measures again", () =>
  withFolder(async (store) => {
    const measured = async (...fault: [] | [path: string, text: string, by: string]) => {
      let found = { right: NaN, shifts: "", made: NaN };
      await withPackageCopy(async (copy) => {
        if (fault.length === 3) await copy.replace(...fault);
        found = await measuredIn(copy, store);
      });
      return found;
    };
    const sound = await measured();
    assertEquals([sound.right > 0, sound.made], [true, 4]);
    // The same code in another folder reads what was measured.
    assertEquals(await measured(), { ...sound, made: 0 });
    const grader = await measured(
      "lib/problems/answers/grade_boxed.ts",
      'given === expected ? "equal"',
      'given === null ? "equal"',
    );
    assertEquals([grader.right, grader.made], [0, 4]);
    const attention = await measured(
      "lib/model/sequence_attention.ts",
      "g.scalar(compute, headDim ** -0.5)",
      "g.scalar(compute, 1)",
    );
    assertEquals([attention.shifts === sound.shifts, attention.made], [false, 4]);
    const prompt = await measured(
      "lib/problems/answer_messages.ts",
      '"Put the answer in \\\\boxed{}."',
      '"Answer."',
    );
    assertEquals([prompt.shifts === sound.shifts, prompt.made], [false, 4]);
    // The bootstrap takes no part in what is kept; that it is measured again costs time alone.
    const bootstrap = await measured(
      "lib/analysis/accuracy/_bootstrap.ts",
      "export function resampleAccuracy(",
      "export async function resampleAccuracy(",
    );
    assertEquals(bootstrap, sound);
  }));

Deno.test("a laboratory keeps nothing when its sources change while it measures", () =>
  withPackageCopy(({ root, replace }) =>
    withZooModel(async (zoo, { folder }) => {
      const sources = new SourceTree(root), store = new ResultStore(`${folder}/store`);
      const lab = new Laboratory({ asked: EMBEDDED, size: TINY_SIZE, seed: 0, store, sources });
      const measurement = {
        kind: "edited",
        code: new URL("lib/experiment/attention_moves.ts", root).href,
        zoo,
        problems: lab.problems(1),
        settings: null,
        runs: [],
        label: "edited",
        total: 1,
        unit: "texts",
      } as const;
      assertEquals(await lab.measure(measurement, () => Promise.resolve(1)), 1);
      assertEquals(store.counts.made, 1);
      const { message } = await lab.measure({ ...measurement, settings: 2 }, async () => {
        await replace("lib/experiment/attention_moves.ts", "const BATCH_SIZE = 8", "const BATCH_SIZE = 16");
        return 2;
      }).then(() => ({ message: "kept" }), (error: Error) => error);
      assertMatch(message, /^the code changed while it ran/);
      assertEquals([...Deno.readDirSync(`${folder}/store`)].length, 1);
    })
  ));
