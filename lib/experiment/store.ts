import { ensureFolder, writeFileAtomic } from "../checkpoint/mod.ts";
import { canonicalJson, sha256 } from "../core/mod.ts";

/**
 * Intermediate results on disk under the hash of everything that made them: the same inputs find the result, a
 * changed input misses. A file appears whole or not at all, so an interrupted run goes on where it stopped.
 *
 * @example
 * ```ts
 * import { ResultStore } from "./mod.ts";
 * const folder = await Deno.makeTempDir();
 * const store = new ResultStore(folder);
 * const sum = () => store.get({ kind: "sum", of: [1, 2] }, () => Promise.resolve(1 + 2));
 * if (await sum() !== 3 || await sum() !== 3) throw new Error("1 + 2 = 3");
 * if (store.counts.made !== 1 || store.counts.read !== 1) throw new Error("the second call reads");
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export class ResultStore {
  readonly #folder: string | null;
  readonly #held = new Map<string, Promise<unknown>>();
  #read = 0;
  #made = 0;

  /** A store in `folder`, which is made when the first result is kept; null keeps results in memory alone, as long as the store lives. */
  constructor(folder: string | null) {
    this.#folder = folder;
  }

  /** How many results were found on disk, and how many had to be computed. */
  get counts(): { readonly read: number; readonly made: number } {
    return { read: this.#read, made: this.#made };
  }

  /**
   * The result of `compute`, which must be a pure function of `key` and give a value that JSON can carry. An entry
   * that is damaged, or not of this key, is as good as none: it is computed and written again.
   *
   * @throws InputError when the folder cannot be written; RangeError when the result holds NaN or infinities, which
   * would come back as null.
   */
  async get<T>(key: unknown, compute: () => Promise<T>): Promise<T> {
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
    const path = `${this.#folder}/${name}.json`;
    const kept = entryOf(await readText(path), keyText);
    if (kept !== null) {
      this.#read++;
      return kept.result as T;
    }
    const result = await this.#compute(compute);
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

/** What a file of the store holds, or null when it is not a whole entry of this key. */
function entryOf(text: string | null, keyText: string): { readonly result: unknown } | null {
  if (text === null) return null;
  let entry: unknown;
  try {
    entry = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
  if (typeof entry !== "object" || entry === null || !("key" in entry) || !("result" in entry)) return null;
  return canonicalJson(entry.key) === keyText ? entry : null;
}
