import { InputError } from "../../core/mod.ts";
import { fileFault } from "../files/_file_fault.ts";
import { quoted } from "../files/_json_file.ts";
import { pathExists, statFile } from "../files/stat_place.ts";
import { ensureFolder, writeFileAtomic } from "../files/atomic_file.ts";
import { hubCacheFolder, type HubId, type HubKind, hubRepositoryFolder, isCommit } from "./hub_cache.ts";

/** How far a download is. */
export interface FetchProgress {
  /** Bytes on disk. */
  readonly bytes: number;
  /** Bytes of all files known so far. */
  readonly of: number;
}

/** Where something is fetched from and to. */
export interface FetchOptions {
  /** Folder of the hub cache. `@default` {@link hubCacheFolder} */
  readonly hubCache?: string;
  /** Address of the hub. `@default "https://huggingface.co"` */
  readonly hubUrl?: string;
  /** What makes requests, in place of the global function. */
  readonly fetch?: typeof fetch;
  /** Token of a user, for what not everybody may have; begins with `hf_`. */
  readonly accessToken?: string;
  /** Called after every piece of a file. It may throw to stop; what is whole stays. */
  readonly onProgress?: (progress: FetchProgress) => void;
}

/** One file of a repository on the hub. */
export interface HubFile {
  readonly path: string;
  readonly bytes: number;
  /** What names the file's content: SHA-256 of the bytes for large files, SHA-1 as git counts it for others. */
  readonly digest: string;
}

/** A repository of the hub at one commit, while it is being fetched. */
export interface OpenRepository {
  /** The folder of the snapshot in the cache. */
  readonly snapshot: string;
  /** Every file of the repository by its path. */
  readonly files: ReadonlyMap<string, HubFile>;
  /** Brings these files into the snapshot; paths that the repository lacks are left out. */
  readonly fetchFiles: (paths: readonly string[]) => Promise<void>;
}

/** Entries of a repository that are listed; past it, the answer is none of ours. */
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
  const { createHash } = process.getBuiltinModule("node:crypto"), { length } = file.digest;
  const hash = createHash(length === 64 ? "sha256" : "sha1");
  if (length === 40) hash.update(`blob ${file.bytes}\0`);
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
async function linkBlob(options: { readonly snapshot: string; readonly file: HubFile }): Promise<void> {
  const { snapshot, file: { path, digest } } = options, link = `${snapshot}/${path}`;
  const depth = path.split("/").length - 1;
  if (depth > 0) await ensureFolder(link.slice(0, link.lastIndexOf("/")));
  try {
    await Deno.symlink(`${"../".repeat(2 + depth)}blobs/${digest}`, link);
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return;
    throw fileFault(error, { what: "cannot make a link", where: link, repair: "choose another --hub-cache" });
  }
}

/** Whether a path stays in the folder that it is put below. */
function staysBelow(path: string): boolean {
  return path.split("/").every((part) =>
    part !== "" && part !== "." && part !== ".." && !/[\\\0]/.test(part)
  );
}

/**
 * Fetches from one repository of the hub into the hub cache what `choose` asks for, and returns the folder of the
 * snapshot. Files that are there are not fetched again, each new one is checked against the hash that the hub
 * states before it takes its name, and the revision's name is written last, when `choose` is content.
 */
export async function fetchRepository(
  id: HubId,
  options: FetchOptions & {
    readonly kind: HubKind;
    readonly choose: (repository: OpenRepository) => Promise<void>;
  },
): Promise<string> {
  const { kind, choose, hubUrl = HUB_URL, accessToken, onProgress } = options;
  // Loaded here: opening a model must not load a network client.
  const hub = await import("@huggingface/hub");
  const access = {
    hubUrl,
    ...(options.fetch === undefined ? {} : { fetch: options.fetch }),
    ...(accessToken === undefined ? {} : { accessToken }),
  };
  const { name } = id, repo = { type: kind, name };
  try {
    const asked = { ...access, name, revision: id.revision };
    const info = kind === "model"
      ? await hub.modelInfo({ ...asked, additionalFields: ["sha"] })
      : await hub.datasetInfo({ ...asked, additionalFields: ["sha"] });
    const commit = String(info.sha);
    if (!isCommit(commit)) throw new Error(`its commit is ${quoted(commit)}`);
    const files = new Map<string, HubFile>();
    let entries = 0;
    // A model's files lie in its top folder; a data set's may lie below.
    const listing = hub.listFiles({ ...access, repo, revision: commit, recursive: kind === "dataset" });
    for await (const { path, type, size, oid, lfs } of listing) {
      if (++entries > ENTRIES_LIMIT) throw new Error(`it lists more than ${ENTRIES_LIMIT} files`);
      const digest = String(lfs?.oid ?? oid);
      if (type !== "file" || !/^[0-9a-f]{40}([0-9a-f]{24})?$/.test(digest)) continue;
      files.set(path, { path, bytes: lfs?.size ?? size, digest });
    }
    const folder = hubRepositoryFolder(id, { kind, hubCache: options.hubCache ?? hubCacheFolder() });
    const snapshot = `${folder}/snapshots/${commit}`;
    await ensureFolder(snapshot);
    await ensureFolder(`${folder}/blobs`);

    const done = { bytes: 0, of: 0 };
    const advance = (bytes: number) => onProgress?.({ ...done, bytes: done.bytes += bytes });
    const fetchFile = async (file: HubFile): Promise<void> => {
      if (!staysBelow(file.path)) throw new Error(`its file ${quoted(file.path)} leads out of its folder`);
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
      await linkBlob({ snapshot, file });
    };
    const fetchFiles = async (paths: readonly string[]): Promise<void> => {
      const found = paths.map((path) => files.get(path)).filter((file) => file !== undefined);
      done.of += found.reduce((sum, { bytes }) => sum + bytes, 0);
      for (const file of found) await fetchFile(file);
    };
    await choose({ snapshot, files, fetchFiles });
    if (commit !== id.revision) {
      const ref = `${folder}/refs/${id.revision}`;
      await ensureFolder(ref.slice(0, ref.lastIndexOf("/")));
      await writeFileAtomic(ref, commit);
    }
    return snapshot;
  } catch (error) {
    throw hubFault(error, { id, hubUrl });
  }
}
