import { hasEnding, InputError } from "../core/mod.ts";
import { BENCHMARK_SUITES, type SuiteName } from "./benchmark_suite.ts";

/** Folders below the given one that are looked through: a benchmark's own, and `data` as the hub has it. */
const DEPTH = 2;

/** Entries of one folder that are looked at: more says that it is no folder of benchmarks. */
const ENTRY_LIMIT = 10_000;

/** Ends of names that are read; of a benchmark that is there in both, the first is taken. */
const ENDINGS = [".jsonl", ".parquet"] as const;

function bare(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, "");
}

/** Names that files and folders of a suite begin with, in letters and digits alone. */
function stemsOf(suite: SuiteName): readonly string[] {
  const { name, hubIds } = BENCHMARK_SUITES[suite];
  // `AIME_2024` of a hub id is `AIME24` elsewhere, `Minerva-Math` also goes by its first word.
  const stems = [name, ...hubIds.map((id) => id.slice(id.indexOf("/") + 1)), name.split("-")[0] as string];
  return [...new Set(stems.map(bare))].filter((stem) => stem !== "math");
}

interface Entry {
  readonly name: string;
  readonly path: string;
  readonly isFolder: boolean;
}

/** Whether a link ends at a folder; the hub's cache links its files to their content. Null for a link to nothing. */
async function linksToFolder(path: string): Promise<boolean | null> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch (fault) {
    if (fault instanceof Deno.errors.NotFound || fault instanceof Deno.errors.FilesystemLoop) return null;
    throw fault;
  }
}

async function entriesOf(folder: string): Promise<Entry[]> {
  const entries: Entry[] = [];
  for await (const { name, isDirectory, isSymlink } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    const isFolder = isSymlink ? await linksToFolder(path) : isDirectory;
    if (isFolder !== null) entries.push({ name, path, isFolder });
    if (entries.length > ENTRY_LIMIT) {
      throw new InputError(`more than ${ENTRY_LIMIT} entries in one folder`, {
        where: folder,
        repair: "pass the folder that holds the benchmark's files",
      });
    }
  }
  return entries.sort((a, b) => a.name < b.name ? -1 : 1);
}

/** Files of one ending whose names pass; the first ending that has any wins. */
function filesOf(entries: readonly Entry[], passes: (stem: string) => boolean): string[] {
  for (const ending of ENDINGS) {
    const found = entries.filter(({ name, isFolder }) =>
      !isFolder && hasEnding(name, ending) && passes(name.slice(0, -ending.length).toLowerCase())
    );
    if (found.length > 0) return found.map(({ path }) => path);
  }
  return [];
}

async function search(suite: SuiteName, folder: string, depth: number): Promise<string[]> {
  const entries = await entriesOf(folder), stems = stemsOf(suite), { split } = BENCHMARK_SUITES[suite];
  const named = filesOf(entries, (name) => stems.some((stem) => bare(name).startsWith(stem)));
  if (named.length > 0) return named;
  const below = entries.filter(({ isFolder }) => isFolder && depth > 0);
  for (const { path } of below.filter(({ name }) => stems.includes(bare(name)))) {
    const found = await search(suite, path, depth - 1);
    if (found.length > 0) return found;
  }
  // A folder of this benchmark alone names its files after the split: `test.jsonl`, `train-00000-of-00001.parquet`.
  const ofSplit = filesOf(entries, (name) => name === split || name.startsWith(`${split}-`));
  const data = below.find(({ name }) => name === "data");
  return ofSplit.length > 0 || data === undefined ? ofSplit : await search(suite, data.path, depth - 1);
}

/**
 * The files of a benchmark in a folder, in the order of their names: by the benchmark's name (`aime24.jsonl`,
 * `math500/test.jsonl`), or by the name of its split where the folder is a data set of the hub.
 */
export async function benchmarkFiles(suite: SuiteName, folder: string): Promise<readonly string[]> {
  const found = await search(suite, folder, DEPTH);
  if (found.length > 0) return found;
  throw new InputError(`no .jsonl or .parquet file of ${suite}`, {
    where: folder,
    repair: `name it ${bare(suite)}.jsonl, or pass the file itself`,
  });
}
