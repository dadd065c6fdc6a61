import { InputError } from "../../core/mod.ts";
import { type FetchOptions, fetchRepository } from "./_fetch_repository.ts";
import { quoted, readJsonFile } from "../files/_json_file.ts";
import { openCheckpoint } from "../checkpoint.ts";
import { parseHubId } from "./hub_cache.ts";

/** All that is read of a model besides its weights. */
const SMALL_FILES = [
  "config.json",
  "generation_config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "chat_template.jinja",
] as const;

const SINGLE = "model.safetensors", INDEX = `${SINGLE}.index.json`;

/**
 * Fetches what is needed of a model on the Hugging Face hub (config, tokenizer, chat template, safetensors) into the
 * hub cache, in the layout that all programs of Hugging Face share, and returns the folder of the snapshot. Files
 * that are there are not fetched again; each new one is checked against the hash that the hub states before it takes
 * its name, the revision's name is written last, and the model is opened once, so it is whole afterwards.
 *
 * Source of the layout: https://huggingface.co/docs/huggingface_hub/guides/manage-cache.
 *
 * @example
 * ```ts
 * import { assertRejects } from "@std/assert";
 * import { fetchModel, InputError } from "@small-vectors/steering";
 * const nothing = () => Promise.resolve(new Response("", { status: 404 }));
 * await assertRejects(
 *   () => fetchModel("ada/tiny@v1", { hubCache: "./no-such-folder", fetch: nothing }),
 *   InputError,
 *   'the hub has no "ada/tiny@v1"',
 * );
 * ```
 *
 * @throws {InputError} for an id of another form, a model that the hub does not have or show, content that is not
 * what the hub states, and whatever {@link openCheckpoint} refuses.
 */
export async function fetchModel(id: string, options: FetchOptions = {}): Promise<string> {
  const parsed = parseHubId(id);
  if (parsed === null) {
    throw new InputError(`${quoted(id)} is no id of a model on the hub`, {
      repair: "pass owner/name@revision, such as Qwen/Qwen2.5-Math-1.5B@main",
    });
  }
  return await fetchRepository(parsed, {
    ...options,
    kind: "model",
    async choose({ snapshot, files, fetchFiles }) {
      const single = files.has(SINGLE);
      await fetchFiles([...SMALL_FILES, ...(single ? [] : [INDEX])]);
      await fetchFiles(single ? [SINGLE] : files.has(INDEX) ? await shardsOf(`${snapshot}/${INDEX}`) : []);
      await openCheckpoint(snapshot);
    },
  });
}

/** The files that an index names. A name that leads elsewhere is not followed; opening the model refuses it. */
async function shardsOf(index: string): Promise<readonly string[]> {
  const json = await readJsonFile(index, { what: "the index of the weights", kind: "index" });
  const map = (json as { readonly weight_map?: unknown } | null)?.weight_map;
  return [...new Set(Object.values(map ?? {}).map(String))].filter((name) => !/[/\\]/.test(name)).sort();
}
