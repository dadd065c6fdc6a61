/**
 * Puts small faults into lib, and into the decisions of the claims, one at a time, and asks the tests of the fault's own
 * room to see them. It takes hours and is no part of `deno task test`:
 *
 * deno run --no-prompt --allow-read --allow-write --allow-run=deno tests/mutation/run.ts --out FILE [--rooms core,onnx] [--count 8]
 *
 * The work is done in a copy of the repository in the folder for temporary files. FILE collects a line of JSON per
 * fault; faults that it holds already are not tried again, so a run that was stopped goes on.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { parseArgs } from "@std/cli/parse-args";
import { FLOORS } from "../house/_rules.ts";
import { drawn, type Mutant, mutantsOf, type Outcome } from "./_mutants.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
/** A test that takes longer than this hangs. */
const LIMIT_MS = 30 * 60_000;
const PERMISSIONS = [
  "--no-prompt",
  "--allow-read",
  "--allow-write",
  "--allow-ffi",
  "--allow-sys=cpus,systemMemoryInfo",
  "--allow-env=NVIDIA_TF32_OVERRIDE",
];

const { out, rooms: asked, count, seed } = parseArgs(Deno.args, {
  string: ["out", "rooms", "count", "seed"],
  default: { rooms: [...Object.keys(FLOORS), "claims"].join(","), count: "8", seed: "0" },
});
if (out === undefined) throw new Error("--out FILE is missing");

/** Paths of a folder's files, those of its folders included, in alphabetical order. */
function sourcesBelow(folder: string): string[] {
  return [...Deno.readDirSync(`${ROOT}${folder}`)].flatMap(({ name, isDirectory }) =>
    isDirectory ? sourcesBelow(`${folder}/${name}`) : [`${folder}/${name}`]
  ).sort();
}

/** A room's sources and its tests. What decides the claims lies beside the items that it decides on. */
function placeOf(room: string): { readonly sources: readonly string[]; readonly tests: readonly string[] } {
  const [folder, own] = room === "claims"
    ? ["reproductions", /^_(?:claim_|\w+_claims\.ts$)/] as const
    : [`lib/${room}`, /^(?!mod\.ts$).+\.ts$/] as const;
  return {
    sources: sourcesBelow(folder).filter((path) => own.test(path.slice(folder.length + 1))),
    tests: room === "claims"
      ? ["tests/items/planted_evidence_test.ts", "tests/items/claims_test.ts"]
      : [`tests/${room}`, ...(existsSync(`${ROOT}tests/slow/${room}`) ? [`tests/slow/${room}`] : [])],
  };
}

async function copyBelow(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory, isSymlink } of Deno.readDir(from)) {
    if (/^(\.git|\.store|out|node_modules|coverage)$/.test(name) || isSymlink) continue;
    if (isDirectory) await copyBelow(`${from}/${name}`, `${to}/${name}`);
    else await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
  }
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

/** Runs deno in the copy; null when it went well, else the first test that failed. */
async function fault(cwd: string, args: readonly string[]): Promise<string | null> {
  const stop = new AbortController(), timer = setTimeout(() => stop.abort(), LIMIT_MS);
  try {
    const command = new Deno.Command("deno", {
      args: [...args],
      cwd,
      env: { NO_COLOR: "1" },
      stdout: "piped",
      stderr: "piped",
      signal: stop.signal,
    });
    const { code, stdout, stderr } = await command.output();
    if (code === 0) return null;
    const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    return /^(.+?) \.\.\.(?: .*)? FAILED/m.exec(text)?.[1] ??
      (/error: (.*)/.exec(text)?.[1] ?? "no test ran").slice(0, 90);
  } catch (error) {
    if (stop.signal.aborted) return "a test that did not end";
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

async function tried(
  mutant: Mutant,
  options: { readonly copy: string; readonly room: string },
): Promise<Outcome> {
  const { copy, room } = options, { path, offset, from, to } = mutant;
  const file = `${copy}/${path}`, whole = await Deno.readTextFile(file);
  if (whole.slice(offset, offset + from.length) !== from) throw new Error(`${mutant.at} is not "${from}"`);
  await Deno.writeTextFile(file, whole.slice(0, offset) + to + whole.slice(offset + from.length));
  try {
    const own = path.replace("lib/", "tests/").replace(/\/_?(\w+)\.ts$/, "/$1_test.ts");
    // The file's own test is the quickest to ask; then the examples of its documentation, then the whole room.
    const asked = [
      ...(await exists(`${copy}/${own}`) ? [[own]] : []),
      // Private files of reproductions have no examples; their two tests are asked the quick one first.
      ...(room === "claims"
        ? placeOf(room).tests.map((test) => [test])
        : [["--doc", path], placeOf(room).tests]),
    ];
    for (const tests of asked) {
      const by = await fault(copy, ["test", "--no-check", "--fail-fast", ...PERMISSIONS, ...tests]);
      if (by !== null) return { ...mutant, room, outcome: "killed", by };
    }
    const types = await fault(copy, ["check", path]);
    return types === null
      ? { ...mutant, room, outcome: "survived", by: "" }
      : { ...mutant, room, outcome: "does not compile", by: types };
  } finally {
    await Deno.writeTextFile(file, whole);
  }
}

const nameOf = ({ at, from, to }: Mutant) => `${at} ${from} ${to}`;
const lines = await exists(out)
  ? (await Deno.readTextFile(out)).split("\n").filter((line) => line !== "")
  : [];
const known = new Map(
  lines.map((line) => JSON.parse(line) as Outcome).map((outcome) => [nameOf(outcome), outcome]),
);
const copy = await Deno.makeTempDir({ prefix: "mutation-" });
try {
  await copyBelow(ROOT.replace(/\/$/, ""), copy);
  for (const room of asked.split(",")) {
    const { sources, tests } = placeOf(room);
    const mutants = drawn(
      sources.map((path) => mutantsOf(path, Deno.readTextFileSync(`${copy}/${path}`))),
      { count: 4 * Number(count), seed: Number(seed), room },
    );
    if (mutants.every((mutant) => known.has(nameOf(mutant)))) continue;
    // A test that fails by itself would seem to see every fault.
    const red = await fault(copy, ["test", "--no-check", ...PERMISSIONS, ...tests]);
    if (red !== null) {
      console.log(`${room}: left out, as a test fails without any fault: ${red}`);
      continue;
    }
    // What the compiler refuses needs no test: another one takes its place.
    let left = Number(count);
    for (const mutant of mutants) {
      if (left === 0) break;
      const before = known.get(nameOf(mutant)), outcome = before ?? await tried(mutant, { copy, room });
      if (outcome.outcome !== "does not compile") left--;
      if (before !== undefined) continue;
      await Deno.writeTextFile(out, `${JSON.stringify(outcome)}\n`, { append: true });
      console.log(
        `${outcome.outcome.padEnd(8)} ${mutant.at} "${mutant.from}" → "${mutant.to}" ${outcome.by}`,
      );
    }
  }
} finally {
  await Deno.remove(copy, { recursive: true });
}
