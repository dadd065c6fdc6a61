import { InputError } from "../core/mod.ts";
import { type BenchmarkRow, type BenchmarkSet, benchmarkSet, type SuiteName } from "./benchmark_suite.ts";

/** Bytes of a benchmark's file: the largest of the six has 2 MB. */
const BYTE_LIMIT = 64 * 1024 * 1024;

/** Rows of a benchmark's file. */
const ROW_LIMIT = 100_000;

function isRow(value: unknown): value is BenchmarkRow {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function tooMany(where: string): InputError {
  return new InputError(`more than ${ROW_LIMIT} rows`, {
    where,
    repair: "pass the file of one of the benchmarks",
  });
}

function parseLines(text: string, where: string): BenchmarkRow[] {
  const rows: BenchmarkRow[] = [];
  const lines = text.split("\n");
  for (let index = 0; index < lines.length; index++) {
    const line = (lines[index] as string).trim();
    if (line === "") continue;
    let row: unknown;
    try {
      row = JSON.parse(line);
    } catch (cause) {
      throw new InputError(`line ${index + 1} is not JSON`, { where, repair: "get the file again", cause });
    }
    if (!isRow(row)) {
      throw new InputError(`line ${index + 1} is no object`, { where, repair: "get the file again" });
    }
    if (rows.push(row) > ROW_LIMIT) throw tooMany(where);
  }
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
    throw new InputError("not a parquet file that can be read", {
      where,
      repair: "get the file again",
      cause,
    });
  }
  return rows.filter(isRow);
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    const { isFile, size } = await Deno.stat(path);
    if (!isFile) throw new InputError("not a file", { where: path, repair: "pass the benchmark's file" });
    if (size > BYTE_LIMIT) {
      throw new InputError(`larger than ${BYTE_LIMIT} bytes`, {
        where: path,
        repair: "pass the file of one of the benchmarks",
      });
    }
    return await Deno.readFile(path);
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    throw new InputError("cannot read the benchmark", { where: path, repair: "check the path", cause });
  }
}

/**
 * Reads a benchmark from a JSONL or parquet file (by the ending of its name) that the user has. Throws an
 * `InputError` when the file cannot be read, is too large, is no benchmark of that name or has a broken row.
 *
 * `@default {partial: false}`
 *
 * @example
 * ```ts
 * import { readBenchmark } from "./mod.ts";
 * const path = await Deno.makeTempFile({ suffix: ".jsonl" });
 * await Deno.writeTextFile(path, '{"problem": "1 + 1?", "answer": 2}\n');
 * const { problems } = await readBenchmark("AMC23", path, { partial: true });
 * if (problems[0]?.answer !== "2") throw new Error("not read");
 * await Deno.remove(path);
 * ```
 */
export async function readBenchmark(
  suite: SuiteName,
  path: string,
  options: { readonly partial?: boolean } = {},
): Promise<BenchmarkSet> {
  const ending = /\.(jsonl|parquet)$/.exec(path)?.[1];
  if (ending === undefined) {
    throw new InputError("a benchmark is a .jsonl or .parquet file", {
      where: path,
      repair: "pass one of these",
    });
  }
  const bytes = await readBytes(path);
  const rows = ending === "jsonl"
    ? parseLines(new TextDecoder().decode(bytes), path)
    : await parseParquet(bytes, path);
  return benchmarkSet(suite, rows, { where: path, ...options });
}
