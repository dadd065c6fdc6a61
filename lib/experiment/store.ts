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
 * let computed = 0;
 * const result = () => store.get({ kind: "sum", of: [1, 2] }, () => Promise.resolve(3 + 0 * computed++));
 * if (await result() !== 3 || await result() !== 3 || computed !== 1) throw new Error("the second call reads");
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export class ResultStore {
  readonly #folder: string | null;

  /** A store in `folder`; null keeps nothing and recomputes always. */
  constructor(folder: string | null) {
    this.#folder = folder;
  }

  /** The result of `compute`, which must be a pure function of `key` and give a value that JSON can carry. */
  async get<T>(key: unknown, compute: () => Promise<T>): Promise<T> {
    if (this.#folder === null) return await compute();
    const path = `${this.#folder}/${sha256(canonicalJson(key))}.json`;
    const kept = await readText(path);
    if (kept !== null) {
      const parsed = parseOrNull(kept);
      if (parsed !== null) return parsed.result as T;
    }
    const result = await compute();
    await ensureFolder(this.#folder);
    await writeFileAtomic(path, JSON.stringify({ key, result }));
    return result;
  }
}

async function readText(path: string): Promise<string | null> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** A damaged entry is as good as none: it is computed and written again. */
function parseOrNull(text: string): { readonly result: unknown } | null {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
