import { ensureFolder, writeFileAtomic } from "../checkpoint/mod.ts";
import { canonicalJson, sha256 } from "../core/mod.ts";
import type { Ask } from "./measurement.ts";

/** How often results of a store were asked for. */
export interface StoreCounts {
  /** How many had to be computed. */
  readonly made: number;
  /** How often one was there already, made by this run or an earlier one. */
  readonly read: number;
  /** How many results of earlier runs were read, each counted once. */
  readonly earlier: number;
}

/** A file of a store. */
export interface StoreEntry {
  /** Where it is. */
  readonly path: string;
  /** Its size. */
  readonly bytes: number;
  /** The key that it was kept under; null for a file that is no whole entry. */
  readonly key: unknown;
}

/**
 * Intermediate results on disk under the hash of everything that made them: the same inputs find the result, a
 * changed input misses. A file appears whole or not at all, so an interrupted run goes on where it stopped.
 */
export class ResultStore {
  readonly #folder: string | null;
  readonly #held = new Map<string, Promise<unknown>>();
  readonly #earlier = new Set<string>();
  readonly #own = new Set<string>();
  #read = 0;
  #made = 0;

  /** A store in `folder`, which is made when the first result is kept; null keeps results in memory alone, as long as the store lives. */
  constructor(folder: string | null) {
    this.#folder = folder;
  }

  /** How many results were there already, and how many had to be computed. */
  get counts(): StoreCounts {
    return { made: this.#made, read: this.#read, earlier: this.#earlier.size };
  }

  /** The files in the store's folder, in the order of their names; of an interrupted run there may be parts. */
  async *entries(): AsyncGenerator<StoreEntry> {
    const folder = this.#folder;
    if (folder === null) return;
    for (const name of await namesIn(folder)) {
      const path = `${folder}/${name}`, text = await Deno.readTextFile(path);
      yield { path, bytes: (await Deno.stat(path)).size, key: parsedEntry(text)?.key ?? null };
    }
  }

  /**
   * The result of `compute`, which must be a pure function of `key` and give a value that JSON can carry. An entry
   * that is damaged, or not of this key, is as good as none: it is computed and written again.
   *
   * @throws InputError when the folder cannot be written; RangeError when the result holds NaN or infinities, which
   * would come back as null.
   */
  async get<T>(key: unknown, compute: () => Promise<T>, _ask?: Ask): Promise<T> {
    const keyText = canonicalJson(key), name = sha256(keyText);
    const held = this.#held.get(name) as Promise<T> | undefined;
    if (held !== undefined) {
      this.#read++;
      return await held;
    }
    // In memory a result stays; one that goes to disk is held until it lies there, so that nobody computes it twice.
    const result = this.#folder === null
      ? this.#compute(compute)
      : this.#kept({ name, key, keyText }, compute);
    this.#held.set(name, result);
    const forget = () => void this.#held.delete(name);
    result.then(this.#folder === null ? () => {} : forget, forget);
    return await result;
  }

  /** What the store keeps under a key; null where nothing is, or a damaged entry. */
  async find(key: unknown): Promise<{ readonly result: unknown } | null> {
    const keyText = canonicalJson(key), name = sha256(keyText);
    if (this.#folder === null) return this.#held.has(name) ? { result: await this.#held.get(name) } : null;
    return entryOf(await readText(this.#path(name)), keyText);
  }

  #path(name: string): string {
    return `${this.#folder}/${name}.json`;
  }

  async #compute<T>(compute: () => Promise<T>): Promise<T> {
    const result = await compute();
    this.#made++;
    return result;
  }

  /** The result on disk, computed and written where it is not there. */
  async #kept<T>(
    { name, key, keyText }: { readonly name: string; readonly key: unknown; readonly keyText: string },
    compute: () => Promise<T>,
  ): Promise<T> {
    const path = this.#path(name);
    const kept = entryOf(await readText(path), keyText);
    if (kept !== null) {
      this.#read++;
      if (!this.#own.has(name)) this.#earlier.add(name);
      return kept.result as T;
    }
    const result = await this.#compute(compute);
    this.#own.add(name);
    await ensureFolder(this.#folder as string);
    await writeFileAtomic(path, canonicalJson({ key, result }));
    return result;
  }
}

async function readText(path: string): Promise<string | null> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    // A file in the folder's place is named when the result is to be written.
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return null;
    throw error;
  }
}

/** Names of the files in a folder, sorted; none where there is no folder. */
async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    const files = (await Array.fromAsync(Deno.readDir(folder))).filter(({ isFile }) => isFile);
    return files.map(({ name }) => name).sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** What a file of the store holds, or null when it is not a whole entry. */
function parsedEntry(text: string): { readonly key: unknown; readonly result: unknown } | null {
  let entry: unknown;
  try {
    entry = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
  if (typeof entry !== "object" || entry === null || !("key" in entry) || !("result" in entry)) return null;
  return { key: entry.key, result: entry.result };
}

/** What a file of the store holds under a key, or null when it is not a whole entry of it. */
function entryOf(text: string | null, keyText: string): { readonly result: unknown } | null {
  const entry = text === null ? null : parsedEntry(text);
  return entry !== null && canonicalJson(entry.key) === keyText ? entry : null;
}
