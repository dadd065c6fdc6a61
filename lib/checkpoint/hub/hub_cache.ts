import { InputError } from "../../core/mod.ts";
import { quoted } from "../files/_json_file.ts";
import { readBytes } from "../files/_read_bytes.ts";
import { pathExists, statFile } from "../files/stat_place.ts";

/** What a repository of the hub holds. */
export type HubKind = "model" | "dataset";

/** A repository of the Hugging Face hub at one revision. */
export interface HubId {
  /** `owner/name`. */
  readonly name: string;
  /** A branch, a tag or a commit of 40 hexadecimal digits. */
  readonly revision: string;
}

const COMMIT = /^[0-9a-f]{40}$/;

/** Owner and name start with a letter or digit, so no path like ./a or ../a is one; the hub's own limit is 96. */
const ID = /^([A-Za-z0-9][\w.-]{0,95}\/[A-Za-z0-9][\w.-]{0,95})(?:@([A-Za-z0-9][\w./-]{0,199}))?$/;

/** Whether a revision is a commit, which always means the same files. */
export function isCommit(revision: string): boolean {
  return COMMIT.test(revision);
}

/**
 * Reads `owner/name` or `owner/name@revision`; null for what is not of this form. Without a revision it is `main`,
 * the newest that was fetched: results that should be repeated name a commit.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseHubId } from "@small-vectors/steering/checkpoint";
 * assertEquals(parseHubId("Qwen/Qwen2.5-Math-7B"), { name: "Qwen/Qwen2.5-Math-7B", revision: "main" });
 * assertEquals(parseHubId("./Qwen/Qwen2.5-Math-7B"), null);
 * ```
 */
export function parseHubId(text: string): HubId | null {
  const [, name, revision = "main"] = ID.exec(text) ?? [];
  // Two dashes part owner and name in the cache; two dots would climb out of it.
  if (name === undefined || /--|\.\./.test(name) || /\.\.|\/\/|\/$/.test(revision)) return null;
  return { name, revision };
}

/** Environment variables that say where the hub cache is, in the order in which they count. */
const CACHE_VARIABLES = [
  ["HF_HUB_CACHE", ""],
  ["HF_HOME", "/hub"],
  ["XDG_CACHE_HOME", "/huggingface/hub"],
  ["HOME", "/.cache/huggingface/hub"],
] as const;

/**
 * The folder of the hub cache as all programs of Hugging Face find it: HF_HUB_CACHE, else below HF_HOME,
 * XDG_CACHE_HOME or HOME. Variables are read when this is called, by `variable`. @default {Deno.env.get}
 *
 * Throws `InputError` when none of them is set, or when Deno was started without the permission to read them.
 *
 * @example
 * ```ts
 * import { hubCacheFolder } from "@small-vectors/steering/checkpoint";
 * const variables = new Map([["HOME", "/home/ada"], ["HF_HOME", "/data/hf"]]);
 * if (hubCacheFolder((name) => variables.get(name)) !== "/data/hf/hub") throw new Error("HF_HOME counts first");
 * ```
 */
export function hubCacheFolder(
  variable: (name: string) => string | undefined = (name) => Deno.env.get(name),
): string {
  const names = CACHE_VARIABLES.map(([name]) => name);
  try {
    for (const [name, below] of CACHE_VARIABLES) {
      const value = variable(name);
      if (value !== undefined && value !== "") return `${value}${below}`;
    }
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotCapable)) throw cause;
    throw new InputError(
      "cannot find the hub cache, Deno was started without the permission to read variables",
      { repair: `add --allow-env=${names.join(",")}, or pass a folder`, cause },
    );
  }
  throw new InputError(`cannot find the hub cache, none of ${names.join(", ")} is set`, {
    repair: "set HF_HUB_CACHE, or pass a folder",
  });
}

/** The folder of one repository in the cache; snapshots, blobs and refs are below it. */
export function hubRepositoryFolder(
  id: HubId,
  options: { readonly kind: HubKind; readonly hubCache: string },
): string {
  return `${options.hubCache}/${options.kind}s--${id.name.replace("/", "--")}`;
}

/** What people call such a repository. */
function wordOf(kind: HubKind): string {
  return kind === "model" ? "model" : "data set";
}

/** The command that brings a repository into the cache. */
function fetchCommand({ name, revision }: HubId, kind: HubKind): string {
  return `deno task fetch ${kind === "dataset" ? "--dataset " : ""}${name}@${revision}`;
}

/** The commit that a revision of the cache stands for, or null where the cache does not know it. */
async function cachedCommit(
  id: HubId,
  options: { readonly kind: HubKind; readonly folder: string },
): Promise<string | null> {
  if (isCommit(id.revision)) return id.revision;
  const ref = `${options.folder}/refs/${id.revision}`;
  if (!await pathExists(ref)) return null;
  const { path, bytes } = await statFile(ref);
  const text = bytes > 64
    ? ""
    : new TextDecoder().decode(await readBytes(path, { from: 0, length: bytes })).trim();
  if (!isCommit(text)) {
    throw new InputError("this file of the hub cache does not name a commit", {
      where: ref,
      repair: `remove it and fetch the ${wordOf(options.kind)} again: ${fetchCommand(id, options.kind)}`,
    });
  }
  return text;
}

/** The snapshot of a repository in the cache, or null where the cache lacks it. */
async function cachedSnapshot(
  id: HubId,
  options: { readonly kind: HubKind; readonly hubCache: string },
): Promise<string | null> {
  const folder = hubRepositoryFolder(id, options);
  const commit = await cachedCommit(id, { kind: options.kind, folder });
  const snapshot = `${folder}/snapshots/${commit}`;
  return commit !== null && await pathExists(snapshot) ? snapshot : null;
}

/** What `place` means: what lies there, else the snapshot that it is the id of; what is neither, as it is. */
async function placeOrSnapshot(
  place: string,
  options: { readonly kind: HubKind; readonly hubCache: string | undefined },
): Promise<string> {
  if (await pathExists(place)) return place;
  const id = parseHubId(place), { kind } = options;
  if (id === null) return place;
  const hubCache = options.hubCache ?? hubCacheFolder();
  const snapshot = await cachedSnapshot(id, { kind, hubCache });
  if (snapshot !== null) return snapshot;
  const there = kind === "model" ? "neither a folder" : "neither a file or folder";
  throw new InputError(`${quoted(place)} is ${there} nor a ${wordOf(kind)} in the hub cache`, {
    where: hubCache,
    repair: `fetch it once: ${fetchCommand(id, kind)}`,
  });
}

/**
 * The folder that a person means by `place`: a folder as it is, and `owner/name` or `owner/name@revision` the
 * snapshot of that model in the hub cache. A folder of that name wins. Nothing is fetched: see {@link fetchModel}.
 *
 * Throws `InputError` for a model that is not in the cache. What is neither comes back as it is, for the reader of
 * the folder to refuse.
 *
 * @example
 * ```ts
 * import { modelFolder } from "@small-vectors/steering/checkpoint";
 * const hubCache = await Deno.makeTempDir(), commit = "0123456789abcdef0123456789abcdef01234567";
 * const model = `${hubCache}/models--ada--tiny`;
 * await Deno.mkdir(`${model}/refs`, { recursive: true });
 * await Deno.mkdir(`${model}/snapshots/${commit}`, { recursive: true });
 * await Deno.writeTextFile(`${model}/refs/v1`, commit);
 * if (await modelFolder("ada/tiny@v1", { hubCache }) !== `${model}/snapshots/${commit}`) throw new Error("by tag");
 * await Deno.remove(hubCache, { recursive: true });
 * ```
 */
export async function modelFolder(
  place: string,
  options: {
    /** `@default` {@link hubCacheFolder} */
    readonly hubCache?: string;
  } = {},
): Promise<string> {
  return await placeOrSnapshot(place, { kind: "model", hubCache: options.hubCache });
}

/**
 * The file or folder that a person means by `place` where the problems of a suite are asked for: a path as it is, and
 * `owner/name` or `owner/name@revision` the snapshot of that data set in the hub cache. A path of that name wins.
 * Nothing is fetched: see {@link fetchDataset}.
 *
 * Throws `InputError` for a data set that is not in the cache. What is neither comes back as it is, for its reader to
 * refuse.
 *
 * @example
 * ```ts
 * import { datasetPlace } from "@small-vectors/steering";
 * const hubCache = await Deno.makeTempDir(), commit = "0123456789abcdef0123456789abcdef01234567";
 * const snapshot = `${hubCache}/datasets--ada--sums/snapshots/${commit}`;
 * await Deno.mkdir(snapshot, { recursive: true });
 * if (await datasetPlace(`ada/sums@${commit}`, { hubCache }) !== snapshot) throw new Error("by commit");
 * await Deno.remove(hubCache, { recursive: true });
 * ```
 */
export async function datasetPlace(
  place: string,
  options: {
    /** `@default` {@link hubCacheFolder} */
    readonly hubCache?: string;
  } = {},
): Promise<string> {
  return await placeOrSnapshot(place, { kind: "dataset", hubCache: options.hubCache });
}

/**
 * The snapshot of the first of some data sets that is in the hub cache, or null where none is.
 *
 * Throws `InputError` for a cache whose files do not say which snapshot is meant.
 *
 * @example
 * ```ts
 * import { cachedDataset } from "@small-vectors/steering/checkpoint";
 * const hubCache = await Deno.makeTempDir();
 * if (await cachedDataset(["ada/sums", "ada/more-sums"], { hubCache }) !== null) throw new Error("an empty cache");
 * await Deno.remove(hubCache, { recursive: true });
 * ```
 *
 * @throws {RangeError} for an id of another form.
 */
export async function cachedDataset(
  ids: readonly string[],
  options: { readonly hubCache: string },
): Promise<string | null> {
  for (const text of ids) {
    const id = parseHubId(text);
    if (id === null) {
      throw new RangeError(
        `Cannot look up a data set as its id must be owner/name: current value is "${text}"`,
      );
    }
    const snapshot = await cachedSnapshot(id, { kind: "dataset", hubCache: options.hubCache });
    if (snapshot !== null) return snapshot;
  }
  return null;
}
