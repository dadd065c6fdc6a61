import { z } from "zod";
import type { SourceTree } from "./source_tree.ts";
import type { ResultStore, StoreEntry } from "./result_store.ts";

/** What lies in a store. */
export interface StoreContent {
  /** Everything. */
  readonly entries: readonly StoreEntry[];
  /** What no code here can ask for any more: made by other sources, left by an interrupted run, or no entry at all. */
  readonly stale: readonly StoreEntry[];
}

const MADE_BY = z.object({ code: z.object({ modules: z.array(z.string()).min(1), hash: z.string() }) });

/**
 * Looks through a store for measurements that no code can name any more.
 *
 * @example
 * ```ts
 * import { ResultStore, SourceTree, storeContent } from "./mod.ts";
 * const folder = await Deno.makeTempDir(), store = new ResultStore(folder), sources = new SourceTree();
 * const laboratory = new URL("./lib/experiment/laboratory.ts", `file://${Deno.cwd()}/`).href;
 * const code = sources.fingerprint([laboratory]);
 * await store.get({ code, problem: 1 }, () => Promise.resolve("of this code"));
 * await store.get({ code: { ...code, hash: "0" }, problem: 1 }, () => Promise.resolve("of another"));
 * const { entries, stale } = await storeContent(store, sources);
 * if (entries.length !== 2 || stale.length !== 1) throw new Error("one of two");
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function storeContent(store: ResultStore, sources: SourceTree): Promise<StoreContent> {
  const entries: StoreEntry[] = [], stale: StoreEntry[] = [];
  for await (const entry of store.entries()) {
    entries.push(entry);
    const madeBy = MADE_BY.safeParse(entry.key);
    if (!madeBy.success || !sources.isCurrent(madeBy.data.code)) stale.push(entry);
  }
  return { entries, stale };
}
