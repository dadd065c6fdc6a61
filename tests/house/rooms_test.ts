import { assertEquals } from "@std/assert";
import type { SourceFile } from "./_outline.ts";
import {
  circleFaults,
  doorFaults,
  doubleNameFaults,
  type Fault,
  FLOORS,
  importFaults,
  nameFaults,
  permissionFaults,
  pinFaults,
  resolveImport,
  skipFaults,
  sourceFaults,
  wordingFaults,
  wordsOf,
} from "./_rules.ts";

const ROOT = new URL("../../", import.meta.url);

/** Paths below a folder of the repository, deepest folders included, in alphabetical order. */
function pathsBelow(folder: string): string[] {
  const paths: string[] = [];
  const entries = [...Deno.readDirSync(new URL(folder === "" ? "." : folder, ROOT))];
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory) paths.push(...pathsBelow(path));
    else paths.push(path);
  }
  return paths;
}

const read = (path: string): SourceFile => ({ path, text: Deno.readTextFileSync(new URL(path, ROOT)) });

/** The TypeScript files the rules apply to. */
function sources(): SourceFile[] {
  const below = ["lib", "reproductions", "site", "tasks", "tests", "examples"].flatMap(pathsBelow);
  const root = [...Deno.readDirSync(ROOT)].filter((entry) => entry.isFile).map((entry) => entry.name);
  return [...root, ...below].filter((path) => path.endsWith(".ts")).map(read);
}

const line = (fault: Fault): string => `${fault.path}: ${fault.message}`;
const rulesOf = (faults: readonly Fault[]): string[] => faults.map((fault) => fault.rule);
const imports = (path: string, ...specifiers: string[]): string[] =>
  rulesOf(importFaults({ path, text: specifiers.map((name) => `import { x } from "${name}";`).join("\n") }));
const wording = (path: string, text: string): string[] => rulesOf(wordingFaults({ path, text }));

Deno.test("the sources keep the rules of the house", () => {
  const files = sources();
  // A glob that finds nothing would pass every rule.
  assertEquals(files.some((file) => file.path === "lib/core/mod.ts"), true);
  assertEquals(sourceFaults(files).map(line), []);
});

Deno.test("the rooms of lib are those of the floors", () => {
  const rooms = [...Deno.readDirSync(new URL("lib", ROOT))].filter((entry) => entry.isDirectory);
  assertEquals(rooms.map((room) => room.name).filter((name) => !(name in FLOORS)), []);
});

Deno.test("no configuration gives every permission, and one Deno version is named", () => {
  const pin = read(".dvmrc").text.trim();
  const root = [...Deno.readDirSync(ROOT)].filter((entry) => entry.isFile).map((entry) => entry.name);
  const files = ["deno.json", ".ci/run", ...root.filter((name) => name.endsWith(".md"))].map(read);
  const faults = files.flatMap((file) => [...permissionFaults(file), ...pinFaults(file, pin)]);
  assertEquals(faults.map(line), []);
});

Deno.test("every skipped test is in the quarantine", () => {
  const quarantine = read("tests/QUARANTINE.md").text;
  assertEquals(sources().flatMap((file) => skipFaults(file, quarantine)).map(line), []);
});

Deno.test("skipFaults() finds tests that are skipped or silence others", () => {
  const rows = "| known |";
  const rules = (text: string): string[] => rulesOf(skipFaults({ path: "tests/a/b_test.ts", text }, rows));
  assertEquals(rules('Deno.test("a", () => {});'), []);
  assertEquals(rules('Deno.test.ignore("known", () => {});'), []);
  assertEquals(rules('Deno.test.ignore("other", () => {});'), ["skip"]);
  assertEquals(rules('Deno.test.only("a", () => {});'), ["skip"]);
  assertEquals(rules('Deno.test("other", { ignore: true }, () => {});'), ["skip"]);
  assertEquals(rules('Deno.test("known", { ignore: true }, () => {});'), []);
  assertEquals(rules('Deno.test({ name: "other", ignore: true, fn() {} });'), ["skip"]);
});

Deno.test("resolveImport() walks up and down", () => {
  assertEquals(resolveImport("lib/model/block.ts", "../onnx/mod.ts"), "lib/onnx/mod.ts");
  assertEquals(resolveImport("lib/model/block.ts", "./attention.ts"), "lib/model/attention.ts");
  assertEquals(resolveImport("tests/house/a_test.ts", "../../mod.ts"), "mod.ts");
});

Deno.test("importFaults() lets imports point down", () => {
  assertEquals(imports("lib/model/block.ts", "../onnx/mod.ts", "../core/mod.ts", "./attention.ts"), []);
  assertEquals(
    imports("tasks/train.ts", "../lib/train/mod.ts", "../reproductions/mod.ts", "./_command.ts"),
    [],
  );
  assertEquals(imports("mod.ts", "./lib/model/mod.ts"), []);
  assertEquals(imports("reproductions/mod.ts", "./fig01.ts", "./fig03.ts"), []);
  assertEquals(imports("reproductions/fig01.ts", "./_accuracy.ts", "../lib/report/mod.ts"), []);
  assertEquals(imports("tests/model/block_test.ts", "../../lib/model/_rope.ts", "@std/assert"), []);
});

Deno.test("importFaults() refuses imports that point up or sideways", () => {
  assertEquals(imports("lib/onnx/graph.ts", "../model/mod.ts"), ["direction"]);
  assertEquals(imports("lib/core/hash.ts", "../onnx/mod.ts"), ["direction"]);
  assertEquals(imports("lib/model/block.ts", "../adjoint/mod.ts"), ["direction"]);
  assertEquals(imports("lib/report/figure.ts", "../analysis/mod.ts"), ["direction"]);
  assertEquals(imports("lib/train/rloo.ts", "../../reproductions/mod.ts"), ["direction"]);
  assertEquals(imports("reproductions/fig01.ts", "../tasks/_command.ts"), ["direction"]);
  assertEquals(imports("lib/core/hash.ts", "../../mod.ts"), ["direction"]);
  assertEquals(imports("lib/core/hash.ts", "../../tests/tolerances.ts"), ["direction"]);
  assertEquals(imports("lib/lounge/sofa.ts", "../core/mod.ts"), ["direction"]);
});

Deno.test("circleFaults() finds files that import each other, types included, and no others", () => {
  const file = (path: string, ...targets: string[]): SourceFile => ({
    path,
    text: targets.map((target) => `import type { x } from "${target}";`).join("\n"),
  });
  const above = file("lib/a/top.ts", "./one.ts"), below = file("lib/a/low.ts");
  const line = [above, file("lib/a/one.ts", "./two.ts"), file("lib/a/two.ts", "./low.ts"), below];
  assertEquals(circleFaults(line), []);
  const ring = [
    above,
    file("lib/a/one.ts", "./two.ts"),
    file("lib/a/two.ts", "../b/three.ts", "./low.ts"),
    file("lib/b/three.ts", "../a/one.ts"),
    below,
  ];
  assertEquals(circleFaults(ring).map(({ path }) => path), [
    "lib/a/one.ts",
    "lib/a/two.ts",
    "lib/b/three.ts",
  ]);
});

Deno.test("importFaults() sees every form of import", () => {
  const rules = (text: string): string[] => rulesOf(importFaults({ path: "lib/onnx/a.ts", text }));
  assertEquals(rules('export { x } from "../model/mod.ts";'), ["direction"]);
  assertEquals(rules('export * from "../model/mod.ts";'), ["direction"]);
  assertEquals(rules('import type { X } from "../model/mod.ts";'), ["direction"]);
  assertEquals(rules('const x = await import("../model/mod.ts");'), ["direction"]);
  assertEquals(rules('type X = import("../model/mod.ts").X;'), ["direction"]);
  assertEquals(rules('// import { x } from "../model/mod.ts";\nconst s = \'import "../model/mod.ts"\';'), []);
});

Deno.test("importFaults() refuses side doors", () => {
  assertEquals(imports("lib/model/block.ts", "../onnx/graph.ts"), ["door"]);
  assertEquals(imports("tasks/train.ts", "../lib/train/rloo.ts"), ["door"]);
  assertEquals(imports("mod.ts", "./lib/model/block.ts"), ["door"]);
});

Deno.test("importFaults() keeps reproductions apart", () => {
  assertEquals(imports("reproductions/fig01.ts", "./fig03.ts"), ["reproduction"]);
  assertEquals(imports("reproductions/fig01.ts", "./mod.ts"), ["reproduction"]);
  assertEquals(imports("reproductions/_accuracy.ts", "./fig03.ts"), ["reproduction"]);
});

Deno.test("nameFaults() wants a file named after the one value that it exports, and lets several be a topic", () => {
  const faults = (path: string, text: string) => rulesOf(nameFaults({ path, text }));
  const one = "export type Gap = number;\nexport function gapShares(): void {}";
  assertEquals(faults("lib/analysis/tokens/gap_shares.ts", one), []);
  assertEquals(faults("lib/analysis/tokens/gap.ts", one), []);
  assertEquals(faults("lib/analysis/path_patching.ts", one), ["name"]);
  assertEquals(faults("tasks/path_patching.ts", one), []);
  assertEquals(faults("lib/core/hash.ts", "export const sha256 = 1;\nexport class Sha256 {}"), []);
  assertEquals(faults("lib/core/hash.ts", "export abstract class Sha256 {}"), ["name"]);
  assertEquals(faults("lib/core/hash.ts", "export const sha256 = 1;"), ["name"]);
});

Deno.test("importFaults() keeps packages in their rooms", () => {
  assertEquals(imports("lib/runtime/session.ts", "onnxruntime-node"), []);
  assertEquals(imports("lib/decode/rollout.ts", "onnxruntime-node"), ["package"]);
  assertEquals(imports("tests/decode/rollout_test.ts", "onnxruntime-node"), ["package"]);
  assertEquals(imports("lib/runtime/session.ts", "npm:onnxruntime-node@1.30.0/x"), ["package"]);
  assertEquals(imports("tasks/doctor.ts", "npm:onnxruntime-node@1.30.0"), ["package", "package"]);
  assertEquals(imports("lib/model/block.ts", "onnx-proto"), ["package"]);
  assertEquals(imports("lib/core/hash.ts", "https://example.org/x.ts"), ["package"]);
});

Deno.test("wordsOf() splits identifiers into words", () => {
  assertEquals(wordsOf("onGradStep_2"), ["on", "grad", "step"]);
  assertEquals(wordsOf("KVCacheDelta"), ["kv", "cache", "delta"]);
  assertEquals(wordsOf("gradientNorm"), ["gradient", "norm"]);
});

Deno.test("wordingFaults() refuses the words of others in identifiers alone", () => {
  assertEquals(wording("lib/model/a.ts", "const gradNorm = 1;"), ["word"]);
  assertEquals(wording("lib/model/a.ts", "class A { #delta = 1; }"), ["word"]);
  assertEquals(wording("tasks/a.ts", "function addHook(): void {}"), ["word"]);
  assertEquals(wording("lib/model/a.ts", "const o = { intervention: 1 };"), ["word"]);
  assertEquals(wording("lib/model/a.ts", 'const gradientNorm = "delta"; // grad of the hook'), []);
  assertEquals(wording("tests/model/a_test.ts", "const delta = 1;"), []);
});

Deno.test("wordingFaults() refuses any, silenced checks and unfinished work", () => {
  assertEquals(wording("lib/model/a.ts", "const x: any = 1;"), ["any"]);
  assertEquals(wording("lib/model/a.ts", "const any = 'any'; // any"), []);
  assertEquals(wording("lib/model/a.ts", "// @ts-ignore because\nconst x = 1;"), ["silenced"]);
  assertEquals(wording("tasks/a.ts", "// deno-lint-ignore no-explicit-any\nconst x = 1;"), ["silenced"]);
  assertEquals(wording("tests/model/a_test.ts", "/* TODO: more */"), ["unfinished"]);
  assertEquals(wording("lib/model/a.ts", "const todo = 'TODO';"), []);
});

Deno.test("wordingFaults() refuses long files, clocks and dice", () => {
  const lines = (count: number): string => "const x = 1;\n".repeat(1) + "x;\n".repeat(count - 1);
  assertEquals(wording("lib/model/a.ts", lines(600)), []);
  assertEquals(wording("lib/model/a.ts", lines(601)), ["length"]);
  assertEquals(wording("tasks/a.ts", lines(601)), ["length"]);
  assertEquals(wording("lib/train/a.ts", "const x = Math.random();"), ["pure"]);
  assertEquals(wording("lib/train/a.ts", "const x = new Date();"), ["pure"]);
  assertEquals(wording("lib/train/a.ts", "const x = performance.now();"), ["pure"]);
  assertEquals(wording("tasks/a.ts", "const x = performance.now();"), []);
});

Deno.test("doorFaults() wants names and a module comment", () => {
  const rules = (text: string): string[] => rulesOf(doorFaults({ path: "lib/model/mod.ts", text }));
  assertEquals(rules('/** What for.\n * @module */\nexport { x } from "./x.ts";'), []);
  assertEquals(rules('/** What for.\n * @module */\nexport * from "./x.ts";'), ["export"]);
  assertEquals(rules('export { x } from "./x.ts";'), ["module"]);
});

Deno.test("doubleNameFaults() finds a name with two homes", () => {
  const door = (room: string, names: string): SourceFile => ({
    path: `lib/${room}/mod.ts`,
    text: `export { ${names} } from "./a.ts";`,
  });
  assertEquals(doubleNameFaults([door("core", "mean"), door("analysis", "lens")]), []);
  assertEquals(rulesOf(doubleNameFaults([door("core", "mean"), door("analysis", "lens, mean")])), ["double"]);
  assertEquals(rulesOf(doubleNameFaults([door("core", "type Box"), door("report", "x as Box")])), ["double"]);
});

Deno.test("permissionFaults() and pinFaults() find what they look for", () => {
  assertEquals(rulesOf(permissionFaults({ path: "deno.json", text: '"deno run -A x.ts"' })), ["permission"]);
  assertEquals(rulesOf(permissionFaults({ path: "deno.json", text: '"deno run --allow-all x"' })), [
    "permission",
  ]);
  assertEquals(permissionFaults({ path: "deno.json", text: '"deno run --allow-read data-A x.ts"' }), []);
  assertEquals(rulesOf(pinFaults({ path: "README.md", text: "npx deno@2.9.5 task test" }, "2.9.6")), ["pin"]);
  assertEquals(pinFaults({ path: "README.md", text: "npx deno@2.9.6 task test" }, "2.9.6"), []);
});
