import { createHash } from "node:crypto";
import { InputError } from "../core/mod.ts";
import { fileFault } from "./_file_fault.ts";
import { quoted, readJsonFile } from "./_json_file.ts";
import { pathExists, statFile } from "./_read_bytes.ts";
import { ensureFolder, writeFileAtomic } from "./atomic_file.ts";
import { openCheckpoint } from "./checkpoint.ts";
import { hubCacheFolder, type HubId, hubModelFolder, isCommit, parseHubId } from "./hub_cache.ts";

/** How far a download is. */
export interface FetchProgress {
  /** Bytes on disk. */
  readonly bytes: number;
  /** Bytes of all files known so far. */
  readonly of: number;
}

/** Where a model is fetched from and to. */
export interface FetchModelOptions {
  /** Folder of the hub cache. `@default` {@link hubCacheFolder} */
  readonly hubCache?: string;
  /** Address of the hub. `@default "https://huggingface.co"` */
  readonly hubUrl?: string;
  /** What makes requests, in place of the global function. */
  readonly fetch?: typeof fetch;
  /** Token of a user, for models that not everybody may have; begins with `hf_`. */
  readonly accessToken?: string;
  /** Called after every piece of a file. It may throw to stop; what is whole stays. */
  readonly onProgress?: (progress: FetchProgress) => void;
}

/** One file of a model on the hub. */
interface HubFile {
  readonly path: string;
  readonly bytes: number;
  /** What names the file's content: SHA-256 of the bytes for large files, SHA-1 as git counts it for others. */
  readonly digest: string;
}

/** All that is read of a model besides its weights. */
const SMALL_FILES = [
  "config.json",
  "generation_config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "chat_template.jinja",
] as const;

const SINGLE = "model.safetensors", INDEX = `${SINGLE}.index.json`;

/** Entries of a repository's top folder; past it, the answer is no model. */
const ENTRIES_LIMIT = 10_000;

const HUB_URL = "https://huggingface.co";

/** The faults of the hub and of the network in one line each. */
function hubFault(error: unknown, options: { readonly id: HubId; readonly hubUrl: string }): unknown {
  if (error instanceof InputError || error instanceof RangeError) return error;
  const { id, hubUrl } = options, name = `${id.name}@${id.revision}`;
  const status = error instanceof Error && "statusCode" in error ? error.statusCode : null;
  if (status === 404) {
    return new InputError(`the hub has no ${quoted(name)}`, {
      where: hubUrl,
      repair: "check name and revision",
    });
  }
  if (status === 401 || status === 403) {
    return new InputError(`the hub does not show ${quoted(name)}`, {
      where: hubUrl,
      repair: "check its name; if it is gated, accept its terms there and set HF_TOKEN",
      cause: error,
    });
  }
  if (error instanceof DOMException && error.name === "AbortError") return error;
  const known = fileFault(error, { what: "cannot reach the hub", where: hubUrl });
  if (known instanceof InputError) return known;
  const reason = error instanceof Error ? error.message : String(error);
  return new InputError(`cannot fetch ${quoted(name)}, ${reason}`, {
    where: hubUrl,
    repair: "try again; files that are whole are kept",
    cause: error,
  });
}

/** The bytes of a stream, passed on while they are counted and hashed; a wrong end throws after the last one. */
async function* verified(
  stream: ReadableStream<Uint8Array>,
  options: { readonly file: HubFile; readonly onBytes: (count: number) => void },
): AsyncGenerator<Uint8Array> {
  const { file, onBytes } = options;
  const hash = createHash(file.digest.length === 64 ? "sha256" : "sha1");
  if (file.digest.length === 40) hash.update(`blob ${file.bytes}\0`);
  let count = 0;
  for await (const chunk of stream) {
    count += chunk.length;
    if (count > file.bytes) break;
    hash.update(chunk);
    yield chunk;
    onBytes(chunk.length);
  }
  if (count !== file.bytes || hash.digest("hex") !== file.digest) {
    throw new InputError(
      `${quoted(file.path)} came with ${
        count === file.bytes ? "other content than" : `another length than the ${file.bytes} bytes`
      } the hub states`,
      { repair: "try again; files that are whole are kept" },
    );
  }
}

/** Puts a link to a blob into the snapshot; one that stands there already is of the same commit, so the same. */
async function linkBlob(link: string, digest: string): Promise<void> {
  try {
    await Deno.symlink(`../../blobs/${digest}`, link);
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return;
    throw fileFault(error, { what: "cannot make a link", where: link, repair: "choose another --hub-cache" });
  }
}

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
 * import { InputError } from "../core/mod.ts";
 * import { fetchModel } from "./mod.ts";
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
export async function fetchModel(id: string, options: FetchModelOptions = {}): Promise<string> {
  const parsed = parseHubId(id);
  if (parsed === null) {
    throw new InputError(`${quoted(id)} is no id of a model on the hub`, {
      repair: "pass owner/name@revision, such as Qwen/Qwen2.5-Math-1.5B@main",
    });
  }
  const { hubUrl = HUB_URL, accessToken, onProgress } = options;
  // Loaded here: opening a model must not load a network client.
  const hub = await import("@huggingface/hub");
  const access = {
    hubUrl,
    ...(options.fetch === undefined ? {} : { fetch: options.fetch }),
    ...(accessToken === undefined ? {} : { accessToken }),
  };
  const { name } = parsed, repo = { type: "model", name } as const;
  try {
    const info = await hub.modelInfo({
      ...access,
      name,
      revision: parsed.revision,
      additionalFields: ["sha"],
    });
    const commit = String(info.sha);
    if (!isCommit(commit)) throw new Error(`its commit is ${quoted(commit)}`);
    const files = new Map<string, HubFile>();
    let entries = 0;
    for await (const { path, type, size, oid, lfs } of hub.listFiles({ ...access, repo, revision: commit })) {
      if (++entries > ENTRIES_LIMIT) throw new Error(`it lists more than ${ENTRIES_LIMIT} files`);
      const digest = String(lfs?.oid ?? oid);
      if (type !== "file" || !/^[0-9a-f]{40}([0-9a-f]{24})?$/.test(digest)) continue;
      files.set(path, { path, bytes: lfs?.size ?? size, digest });
    }
    const folder = hubModelFolder(parsed, options.hubCache ?? hubCacheFolder());
    const snapshot = `${folder}/snapshots/${commit}`;
    await ensureFolder(snapshot);
    await ensureFolder(`${folder}/blobs`);

    const done = { bytes: 0, of: 0 };
    const advance = (bytes: number) => onProgress?.({ ...done, bytes: done.bytes += bytes });
    const fetchFile = async (file: HubFile): Promise<void> => {
      const blob = `${folder}/blobs/${file.digest}`;
      if (await pathExists(blob) && (await statFile(blob)).bytes === file.bytes) advance(file.bytes);
      else {
        // The plain protocol: one host to trust, and one stream to hash.
        const content = await hub.downloadFile({
          ...access,
          repo,
          revision: commit,
          path: file.path,
          xet: false,
        });
        if (content === null) throw new Error(`${quoted(file.path)} is listed but not there`);
        await writeFileAtomic(blob, verified(content.stream(), { file, onBytes: advance }));
      }
      await linkBlob(`${snapshot}/${file.path}`, file.digest);
    };
    const fetchAll = async (paths: readonly string[]): Promise<void> => {
      const found = paths.map((path) => files.get(path)).filter((file) => file !== undefined);
      done.of += found.reduce((sum, { bytes }) => sum + bytes, 0);
      for (const file of found) await fetchFile(file);
    };
    const single = files.has(SINGLE);
    await fetchAll([...SMALL_FILES, ...(single ? [] : [INDEX])]);
    await fetchAll(single ? [SINGLE] : files.has(INDEX) ? await shardsOf(`${snapshot}/${INDEX}`) : []);
    await openCheckpoint(snapshot);
    if (commit !== parsed.revision) {
      const ref = `${folder}/refs/${parsed.revision}`;
      await ensureFolder(ref.slice(0, ref.lastIndexOf("/")));
      await writeFileAtomic(ref, commit);
    }
    return snapshot;
  } catch (error) {
    throw hubFault(error, { id: parsed, hubUrl });
  }
}

/** The files that an index names. A name that leads elsewhere is not followed; opening the model refuses it. */
async function shardsOf(index: string): Promise<readonly string[]> {
  const json = await readJsonFile(index, { what: "the index of the weights", kind: "index" });
  const map = (json as { readonly weight_map?: unknown } | null)?.weight_map;
  return [...new Set(Object.values(map ?? {}).map(String))].filter((name) => !/[/\\]/.test(name)).sort();
}
