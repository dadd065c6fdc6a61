/**
 * The house rules as pure functions over source files: which room may import which, which words and types are out.
 *
 * @module
 */

import { type Outline, outline, type SourceFile } from "./_outline.ts";

/** A broken rule: where, and what is wrong. */
export interface Fault {
  readonly path: string;
  readonly rule: string;
  readonly message: string;
}

/** The floor of each room of lib; imports point to a lower floor only. */
export const FLOORS: Readonly<Record<string, number>> = {
  core: 0,
  jinja: 1,
  onnx: 2,
  checkpoint: 2,
  problems: 2,
  runtime: 3,
  adjoint: 3,
  model: 3,
  probe: 4,
  decode: 5,
  vectors: 6,
  train: 7,
  analysis: 7,
  report: 7,
  experiment: 8,
};

/** Packages that one room alone may import. */
export const PACKAGE_ROOMS: Readonly<Record<string, string>> = {
  "onnxruntime-node": "lib/runtime",
  "onnx-proto": "lib/onnx",
  "@huggingface/tokenizers": "lib/checkpoint",
  "hyparquet": "lib/problems",
  "@huggingface/hub": "lib/checkpoint",
  "vega": "lib/report",
  "vega-lite": "lib/report",
  "@resvg/resvg-wasm": "lib/report",
  "onnxruntime-web": "lib/runtime",
  "@noble/hashes": "lib/core",
  "vega-embed": "site",
  "wrap-ansi": "tasks",
};

/** Words of other projects for things that have another name here. */
const REFUSED_WORDS = new Set([
  "hook",
  "hooks",
  "hooked",
  "intervention",
  "interventions",
  "grad",
  "grads",
  "delta",
  "deltas",
]);

/** What would make a result depend on when, or how often, it is computed. */
const IMPURE_MEMBERS = new Set([
  "Math.random",
  "Date.now",
  "new Date",
  "performance.now",
  "crypto.randomUUID",
  "crypto.getRandomValues",
]);

const LINE_LIMIT = 600;

/** The room of a path: "lib/core", "reproductions", "tasks", "tests", or "" for a file of the root. */
export function roomOf(path: string): string {
  const parts = path.split("/");
  if (parts.length === 1) return "";
  return parts[0] === "lib" ? parts.slice(0, 2).join("/") : parts[0] as string;
}

/** The path a relative import leads to. */
export function resolveImport(from: string, specifier: string): string {
  const parts = from.split("/").slice(0, -1);
  for (const part of specifier.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
}

function isFree(room: string): boolean {
  return room === "tests" || room === "fixtures" || room === "vendor";
}

/** Whether one room may import another; null when it may, else the reason. */
function roomFault(from: string, to: string): string | null {
  if (from === to || isFree(from)) return null;
  if (isFree(to)) return `${from || "mod.ts"} may not import ${to}`;
  const floor = (room: string): number =>
    room.startsWith("lib/")
      ? FLOORS[room.slice(4)] ?? -1
      : ["", "reproductions", "site"].includes(room)
      ? 9
      : 10;
  if (floor(from) < 0) return `${from} is not a room of design`;
  if (floor(to) < 0) return `${to} is not a room of design`;
  if (floor(to) < floor(from)) return null;
  return `${from || "mod.ts"} (floor ${floor(from)}) may not import ${to || "mod.ts"} (floor ${floor(to)})`;
}

/** Imports point down, enter a room by its mod.ts, keep reproductions apart and packages in their rooms. */
export function importFaults(file: SourceFile, parts: Outline = outline(file)): Fault[] {
  const faults: Fault[] = [];
  const room = roomOf(file.path);
  const report = (rule: string, message: string): void =>
    void faults.push({ path: file.path, rule, message });
  for (const specifier of parts.imports) {
    if (!specifier.startsWith(".")) {
      const name = specifier.replace(/^(npm|jsr):\/?/, "").replace(/^(@[^/]+\/[^/@]+|[^/@]+).*$/, "$1");
      const home = PACKAGE_ROOMS[name];
      const strict = !isFree(room) || name.startsWith("onnxruntime-");
      if (home !== undefined && home !== room && strict) {
        report("package", `${name} is imported by ${home} alone`);
      }
      if (/^(npm|jsr|https?):/.test(specifier)) {
        report("package", `"${specifier}" must go through the imports of deno.json`);
      }
      continue;
    }
    const target = resolveImport(file.path, specifier), targetRoom = roomOf(target);
    const reason = roomFault(room, targetRoom);
    if (reason !== null) report("direction", reason);
    if (targetRoom !== room && targetRoom.startsWith("lib/") && !isFree(room)) {
      if (target !== `${targetRoom}/mod.ts`) {
        report("door", `${targetRoom} is entered by its mod.ts, not ${target}`);
      }
    }
    const shared = (path: string): boolean => /(^|\/)(_[^/]*|mod\.ts)$/.test(path);
    if (room === "reproductions" && targetRoom === room && file.path !== "reproductions/mod.ts") {
      if (!shared(target) || target === "reproductions/mod.ts") {
        report("reproduction", `no reproduction imports another: ${target}`);
      }
    }
  }
  return faults;
}

/** Splits an identifier into its lower-case words: `onGradStep_2` gives on, grad, step, 2. */
export function wordsOf(identifier: string): string[] {
  return identifier
    .replace(/([a-z\d])([A-Z])/g, "$1 $2")
    .replace(/([A-Z]+)([A-Z][a-z])/g, "$1 $2")
    .split(/[^A-Za-z]+/)
    .filter((word) => word !== "")
    .map((word) => word.toLowerCase());
}

/** No refused word in an identifier, no `any`, no silenced check, no unfinished mark, no clock or dice in lib. */
export function wordingFaults(file: SourceFile, parts: Outline = outline(file)): Fault[] {
  const faults: Fault[] = [];
  const report = (rule: string, message: string): void =>
    void faults.push({ path: file.path, rule, message });
  const inLib = file.path.startsWith("lib/") || file.path === "mod.ts";
  const house = inLib || /^(tasks|reproductions|site)\//.test(file.path);
  if (house) {
    for (const name of new Set(parts.identifiers)) {
      const word = wordsOf(name).find((part) => REFUSED_WORDS.has(part));
      if (word !== undefined) {
        report("word", `"${name}" says "${word}", a word this project has another name for`);
      }
    }
    const lines = file.text.replace(/\n$/, "").split("\n").length;
    if (lines > LINE_LIMIT) report("length", `${lines} lines, the limit is ${LINE_LIMIT}`);
  }
  if (inLib) {
    if (parts.anyTypes > 0) report("any", `${parts.anyTypes} uses of the type any`);
    const impure = parts.members.filter((member) => IMPURE_MEMBERS.has(member));
    if (impure.length > 0) {
      report("pure", `lib takes no clock and no dice: ${[...new Set(impure)].join(", ")}`);
    }
  }
  for (const comment of parts.comments) {
    if (house && /@ts-(ignore|expect-error|nocheck)|deno-lint-ignore/.test(comment)) {
      report("silenced", `a check is silenced: ${comment.trim()}`);
    }
    if (/\b(TODO|FIXME|XXX|HACK)\b/.test(comment)) report("unfinished", `unfinished: ${comment.trim()}`);
  }
  return faults;
}

/** A file of lib that exports one value is named after it, or after a type beside it. */
export function nameFaults(file: SourceFile, parts: Outline = outline(file)): Fault[] {
  if (!/^lib\/.+(?<!\/mod)\.ts$/.test(file.path) || parts.values.length !== 1) return [];
  const plain = (name: string) => name.replaceAll("_", "").toLowerCase().replace(/s$/, "");
  const own = plain(file.path.replace(/^.*\/|\.ts$/g, ""));
  if ([...parts.values, ...parts.types].some((name) => plain(name).includes(own))) return [];
  return [{
    path: file.path,
    rule: "name",
    message: `is not named after ${parts.values[0]}, which it is for`,
  }];
}

/** A mod.ts of lib exports by name, and says what the room is for. */
export function doorFaults(file: SourceFile, parts: Outline = outline(file)): Fault[] {
  if (!/^lib\/[^/]+\/mod\.ts$/.test(file.path)) return [];
  const faults: Fault[] = [];
  if (parts.exportsAll.length > 0) {
    faults.push({
      path: file.path,
      rule: "export",
      message: `exports by name, not all of ${parts.exportsAll[0]}`,
    });
  }
  if (!parts.comments.some((comment) => comment.includes("@module"))) {
    faults.push({ path: file.path, rule: "module", message: "has no @module comment" });
  }
  return faults;
}

/** One word, one thing: no two rooms export the same name. */
export function doubleNameFaults(files: readonly SourceFile[]): Fault[] {
  const homes = new Map<string, string>();
  const faults: Fault[] = [];
  for (const file of files) {
    if (!/^lib\/[^/]+\/mod\.ts$/.test(file.path)) continue;
    for (const name of outline(file).exportedNames) {
      const home = homes.get(name);
      if (home === undefined) homes.set(name, file.path);
      else faults.push({ path: file.path, rule: "double", message: `"${name}" is exported by ${home} too` });
    }
  }
  return faults;
}

/** No file imports itself by way of others, types included: what two files need of each other is a third file. */
export function circleFaults(
  files: readonly SourceFile[],
  parts: (file: SourceFile) => Outline = outline,
): Fault[] {
  const imported = new Map(files.map((file) => [
    file.path,
    new Set(
      parts(file).imports.filter((name) => name.startsWith(".")).map((name) =>
        resolveImport(file.path, name)
      ),
    ),
  ]));
  // Takes away what imports nothing that is left, then what nothing left imports, until only circles stay, and what
  // lies between two.
  for (let left = -1; left !== imported.size;) {
    left = imported.size;
    for (const [path, targets] of [...imported]) {
      if (![...targets].some((target) => imported.has(target))) imported.delete(path);
    }
    const wanted = new Set([...imported.values()].flatMap((targets) => [...targets]));
    for (const path of [...imported.keys()]) if (!wanted.has(path)) imported.delete(path);
  }
  return [...imported].map(([path, targets]) => ({
    path,
    rule: "circle",
    message: `is part of a circle of imports by ${[...targets].filter((target) => imported.has(target))}`,
  }));
}

/** No configuration gives every permission away. */
export function permissionFaults(file: SourceFile): Fault[] {
  const found = /(?:^|[\s"'`])(-A|--allow-all)(?=$|[\s"'`])/m.exec(file.text);
  return found === null
    ? []
    : [{ path: file.path, rule: "permission", message: `gives every permission: ${found[1]}` }];
}

/** Every place that names a Deno version names the pinned one. */
export function pinFaults(file: SourceFile, pin: string): Fault[] {
  const others = [...file.text.matchAll(/\bdeno@(\d[\w.-]*\w)/g)].map((match) => match[1]).filter((v) =>
    v !== pin
  );
  return others.map((version) => ({
    path: file.path,
    rule: "pin",
    message: `deno@${version} is not deno@${pin}`,
  }));
}

/** A skipped test has its row in the quarantine; no test silences the others. */
export function skipFaults(file: SourceFile, quarantine: string): Fault[] {
  if (!file.path.endsWith("_test.ts")) return [];
  const rows = quarantine.replace(/ +\|/g, " |"); // the formatter pads the columns of a table
  return outline(file).skips.filter((name) => name === "" || !rows.includes(`| ${name} |`)).map((
    name,
  ) => ({
    path: file.path,
    rule: "skip",
    message: `skips "${name}" without a row in tests/QUARANTINE.md`,
  }));
}

/** Every fault of TypeScript sources. */
export function sourceFaults(files: readonly SourceFile[]): Fault[] {
  const outlines = new Map(files.map((file) => [file, outline(file)]));
  const each = [...outlines].flatMap(([file, parts]) => [
    ...importFaults(file, parts),
    ...wordingFaults(file, parts),
    ...doorFaults(file, parts),
    ...nameFaults(file, parts),
  ]);
  const circles = circleFaults(files, (file) => outlines.get(file) as Outline);
  return [...each, ...doubleNameFaults(files), ...circles];
}
