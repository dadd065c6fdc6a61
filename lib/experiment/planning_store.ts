import { canonicalJson, sha256 } from "../core/mod.ts";
import type { Ask } from "./measurement.ts";
import type { ResultStore } from "./result_store.ts";

/** A measurement that was asked for while planning. */
export interface PlannedAsk extends Ask {
  /** The hash that names its result in the store. */
  readonly hash: string;
  /** Whether the result is in the store. */
  readonly there: boolean;
}

/** Where a laboratory finds results, or has them computed. */
export type MeasurementStore = Pick<ResultStore, "get">;

/** A measurement is not in the store, and nothing can stand in for its result. */
export class Unmeasured extends Error {}

/**
 * A store that hears what is asked for and computes nothing but what it is told to: an item that runs against it says
 * what it measures. What is not there has a stand-in, which nothing keeps, or ends the item with {@link Unmeasured}.
 */
export class PlanningStore {
  readonly #store: ResultStore;
  readonly #made: ReadonlySet<string>;
  readonly #asked = new Map<string, PlannedAsk>();
  #standIns = 0;

  /** Looks into `store`; results of the hashes in `made` are computed and kept there. */
  constructor(store: ResultStore, made: ReadonlySet<string> = new Set()) {
    this.#store = store;
    this.#made = made;
  }

  /** Everything that was asked for, each once, in the order of asking. */
  get asked(): readonly PlannedAsk[] {
    return [...this.#asked.values()];
  }

  /** How often a stand-in was given: what is asked after it may follow from results that are not there yet. */
  get standIns(): number {
    return this.#standIns;
  }

  /** As {@link ResultStore.get}, but that it computes chosen results alone. */
  async get<T>(key: unknown, compute: () => Promise<T>, ask: Ask): Promise<T> {
    const hash = sha256(canonicalJson(key)), found = await this.#store.find(key);
    const known = this.#asked.get(hash);
    if (known === undefined) this.#asked.set(hash, { ...ask, hash, there: found !== null });
    if (found !== null) return found.result as T;
    if (this.#made.has(hash)) return await this.#store.get(key, compute);
    if (ask.standIn === undefined) throw new Unmeasured(ask.label);
    this.#standIns++;
    return ask.standIn() as T;
  }
}

/**
 * Results of several askings, one after the other. While planning, one that has no result does not keep the others from
 * being asked.
 *
 * @throws Unmeasured after all were asked, when one of them had no result.
 */
export async function inTurn<const Asks extends readonly (() => Promise<unknown>)[]>(
  asks: Asks,
): Promise<{ [Place in keyof Asks]: Awaited<ReturnType<Asks[Place]>> }> {
  const results: unknown[] = [];
  let lacking: Unmeasured | null = null;
  for (const ask of asks) {
    try {
      results.push(await ask());
    } catch (error) {
      if (!(error instanceof Unmeasured)) throw error;
      lacking ??= error;
    }
  }
  if (lacking !== null) throw lacking;
  return results as { [Place in keyof Asks]: Awaited<ReturnType<Asks[Place]>> };
}
