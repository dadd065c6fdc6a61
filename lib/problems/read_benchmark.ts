import { InputError, sha256 } from "../core/mod.ts";
import { benchmarkFiles } from "./_benchmark_files.ts";
import {
  type BenchmarkProblem,
  type BenchmarkRow,
  type BenchmarkSet,
  benchmarkSet,
  rowProblems,
  type SuiteName,
} from "./benchmark_suite.ts";

/** Bytes of a benchmark's file: the largest of the six has 2 MB. */
const BYTE_LIMIT = 64 * 1024 * 1024;

/** Rows of a benchmark's file. */
const ROW_LIMIT = 100_000;

function isRow(value: unknown): value is BenchmarkRow {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function damaged(what: string, where: string, cause?: unknown): InputError {
  return new InputError(what, { where, repair: "get the file again", cause });
}

function tooMany(where: string): InputError {
  return new InputError(`more than ${ROW_LIMIT} rows`, {
    where,
    repair: "pass the file of one of the benchmarks",
  });
}

function parseLines(text: string, where: string): BenchmarkRow[] {
  const rows: BenchmarkRow[] = [];
  for (const [index, found] of text.split("\n").entries()) {
    const line = found.trim();
    if (line === "") continue;
    let row: unknown;
    try {
      row = JSON.parse(line);
    } catch (cause) {
      throw damaged(`line ${index + 1} is not JSON`, where, cause);
    }
    if (!isRow(row)) throw damaged(`line ${index + 1} is no object`, where);
    if (rows.push(row) > ROW_LIMIT) throw tooMany(where);
  }
  return rows;
}

/** Rows of a JSON file that is one list of them. */
function parseList(text: string, where: string): BenchmarkRow[] {
  let rows: unknown;
  try {
    rows = JSON.parse(text);
  } catch (cause) {
    throw damaged("not JSON", where, cause);
  }
  if (!Array.isArray(rows) || !rows.every(isRow)) {
    throw new InputError("not a list of objects", {
      where,
      repair: "give a JSON list, or one object a line as .jsonl",
    });
  }
  if (rows.length > ROW_LIMIT) throw tooMany(where);
  return rows;
}

async function parseParquet(bytes: Uint8Array, where: string): Promise<BenchmarkRow[]> {
  const { parquetMetadata, parquetReadObjects } = await import("hyparquet");
  const file = bytes.slice().buffer;
  let rows: readonly unknown[];
  try {
    const { num_rows: count } = parquetMetadata(file);
    if (count > BigInt(ROW_LIMIT)) throw tooMany(where);
    rows = await parquetReadObjects({ file });
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    throw damaged("not a parquet file that can be read", where, cause);
  }
  return rows.filter(isRow);
}

/** A benchmark as its files have it. */
export interface BenchmarkData extends BenchmarkSet {
  /** SHA-256 over the bytes of its files, in their order. */
  readonly dataHash: string;
}

/** Rows of one file, read as its ending says, and the file's SHA-256. */
async function readRows(path: string): Promise<{ readonly rows: BenchmarkRow[]; readonly hash: string }> {
  const ending = /\.(jsonl|json|parquet)$/i.exec(path)?.[1]?.toLowerCase();
  if (ending === undefined) {
    throw new InputError("a benchmark is a .jsonl or .parquet file", {
      where: path,
      repair: "pass one of these, or a folder that holds one",
    });
  }
  const { size } = await Deno.stat(path);
  if (size > BYTE_LIMIT) {
    throw new InputError(`larger than ${BYTE_LIMIT} bytes`, {
      where: path,
      repair: "pass the file of one of the benchmarks",
    });
  }
  const bytes = await Deno.readFile(path);
  const rows = ending === "parquet"
    ? await parseParquet(bytes, path)
    : ending === "json"
    ? parseList(decode(bytes, path), path)
    : parseLines(decode(bytes, path), path);
  return { rows, hash: sha256(bytes) };
}

function decode(bytes: Uint8Array, where: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw damaged("not UTF-8 text", where, cause);
  }
}

/** Problems of a file of the user's. */
export interface ProblemData {
  /** In the order of the file. */
  readonly problems: readonly BenchmarkProblem[];
  /** SHA-256 of the file. */
  readonly dataHash: string;
}

/**
 * Reads problems of a JSONL, JSON or parquet file: of each row the two fields that are named, an answer in a box
 * without its box. Throws an `InputError` that names the file, and the row that lacks a field.
 *
 * `@default {question: "question", answer: "answer"}`
 *
 * @example
 * ```ts
 * import { readProblems } from "@small-vectors/steering/grader";
 * const path = await Deno.makeTempFile({ suffix: ".jsonl" });
 * await Deno.writeTextFile(path, '{"question": "1 + 1?", "answer": 2}\n');
 * const { problems } = await readProblems(path, { name: "mine" });
 * if (problems[0]?.answer !== "2" || problems[0].id !== "mine/0") throw new Error("not read");
 * await Deno.remove(path);
 * ```
 */
export async function readProblems(
  path: string,
  options: { readonly name: string; readonly question?: string; readonly answer?: string },
): Promise<ProblemData> {
  const { name, question = "question", answer = "answer" } = options;
  try {
    const { rows, hash } = await readRows(path);
    const problems =
      rowProblems(rows, { name, where: path, question: [question], answer: [answer] }).problems;
    return { problems, dataHash: hash };
  } catch (cause) {
    throw readFault(cause, { what: name, path });
  }
}

/**
 * Reads a benchmark that the user has: a JSONL or parquet file (by the ending of its name), or a folder that holds
 * it. In a folder it is found by the benchmark's name (`aime24.jsonl`, `math500/test.jsonl`), or, where the folder is
 * a data set of the hub, by the name of its split (`data/train-00000-of-00001.parquet`): the snapshot folder that one
 * of the suite's `hubIds` resolved to is read as it is. A benchmark in several parts is read in the order of their
 * names.
 *
 * Throws an `InputError` when there is no such file, when it cannot be read, is too large, is no benchmark of that
 * name or has a broken row.
 *
 * `@default {partial: false}`
 *
 * @example
 * ```ts
 * import { readBenchmark } from "@small-vectors/steering";
 * const folder = await Deno.makeTempDir();
 * await Deno.writeTextFile(`${folder}/amc23.jsonl`, '{"problem": "1 + 1?", "answer": 2}\n');
 * const { problems } = await readBenchmark("AMC23", folder, { partial: true });
 * if (problems[0]?.answer !== "2" || problems[0].id !== "AMC23/0") throw new Error("not read");
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function readBenchmark(
  suite: SuiteName,
  path: string,
  options: { readonly partial?: boolean } = {},
): Promise<BenchmarkData> {
  try {
    const { isDirectory, isFile } = await Deno.stat(path);
    if (!isDirectory && !isFile) {
      throw new InputError("neither a file nor a folder", {
        where: path,
        repair: "pass the benchmark's file",
      });
    }
    const files = isDirectory ? await benchmarkFiles(suite, path) : [path];
    const rows: BenchmarkRow[] = [], hashes: string[] = [];
    for (const file of files) {
      const read = await readRows(file);
      hashes.push(read.hash);
      for (const row of read.rows) rows.push(row);
      if (rows.length > ROW_LIMIT) throw tooMany(file);
    }
    return {
      ...benchmarkSet(suite, rows, { where: files.join(", "), ...options }),
      dataHash: hashes.length === 1 ? hashes[0] as string : sha256(hashes.join()),
    };
  } catch (cause) {
    throw readFault(cause, { what: suite, path });
  }
}

/** What to throw where a file could not be read. */
function readFault(
  cause: unknown,
  { what, path }: { readonly what: string; readonly path: string },
): unknown {
  const missing = cause instanceof Deno.errors.NotFound;
  if (!missing && !(cause instanceof Deno.errors.PermissionDenied)) return cause;
  return new InputError(`${missing ? "there is no file or folder with" : "not allowed to read"} ${what}`, {
    where: path,
    repair: "check the path",
    cause,
  });
}
