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

/** Looks through a store for measurements that no code can name any more. */
export async function storeContent(store: ResultStore, sources: SourceTree): Promise<StoreContent> {
  const entries: StoreEntry[] = [], stale: StoreEntry[] = [];
  for await (const entry of store.entries()) {
    entries.push(entry);
    const madeBy = MADE_BY.safeParse(entry.key);
    if (!madeBy.success || !sources.isCurrent(madeBy.data.code)) stale.push(entry);
  }
  return { entries, stale };
}
