import { InputError } from "../../core/mod.ts";
import { type FetchOptions, fetchRepository } from "./_fetch_repository.ts";
import { quoted } from "../files/_json_file.ts";
import { parseHubId } from "./hub_cache.ts";

/** Bytes of a data set's tables: the largest of the paper's benchmarks has a few million. */
const BYTES_LIMIT = 2 ** 30;

/**
 * Fetches the tables of a data set on the Hugging Face hub (its .jsonl and .parquet files) into the hub cache, in
 * the layout that all programs of Hugging Face share, and returns the folder of the snapshot. Files that are there
 * are not fetched again, and each new one is checked against the hash that the hub states before it takes its name.
 *
 * Source of the layout: https://huggingface.co/docs/huggingface_hub/guides/manage-cache.
 *
 * @example
 * ```ts
 * import { assertRejects } from "@std/assert";
 * import { fetchDataset, InputError } from "@small-vectors/steering";
 * const nothing = () => Promise.resolve(new Response("", { status: 404 }));
 * await assertRejects(
 *   () => fetchDataset("ada/sums@v1", { hubCache: "./no-such-folder", fetch: nothing }),
 *   InputError,
 *   'the hub has no "ada/sums@v1"',
 * );
 * ```
 *
 * @throws {InputError} for an id of another form, a data set that the hub does not have or show, one without such
 * files or with more than a gibibyte of them, and content that is not what the hub states.
 */
export async function fetchDataset(id: string, options: FetchOptions = {}): Promise<string> {
  const parsed = parseHubId(id);
  if (parsed === null) {
    throw new InputError(`${quoted(id)} is no id of a data set on the hub`, {
      repair: "pass owner/name@revision, such as HuggingFaceH4/MATH-500@main",
    });
  }
  return await fetchRepository(parsed, {
    ...options,
    kind: "dataset",
    async choose({ files, fetchFiles }) {
      const tables = [...files.values()].filter(({ path }) => /\.(jsonl|parquet)$/i.test(path));
      const bytes = tables.reduce((sum, file) => sum + file.bytes, 0);
      if (tables.length === 0 || bytes > BYTES_LIMIT) {
        throw new InputError(
          `the data set ${quoted(id)} has ${
            tables.length === 0
              ? "no .jsonl or .parquet file"
              : `${bytes} bytes of tables, more than ${BYTES_LIMIT}`
          }`,
          { repair: "check its name; pass --data a file or folder to use one that you have" },
        );
      }
      await fetchFiles(tables.map(({ path }) => path).sort());
    },
  });
}
