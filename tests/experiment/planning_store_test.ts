import { assertEquals, assertRejects } from "@std/assert";
import {
  inTurn,
  Laboratory,
  PlanningStore,
  ResultStore,
  SourceTree,
  Unmeasured,
} from "../../lib/experiment/mod.ts";
import { EMBEDDED, TINY_SIZE, withZooModel } from "./_tiny_zoo.ts";

const never = () => Promise.reject(new Error("computed"));
const ASK = {
  label: "a",
  kind: "k",
  model: "m",
  inputs: [],
  total: 1,
  unit: "texts",
  maxNewTokens: 1,
} as const;

Deno.test("PlanningStore computes nothing but what it is told to, and keeps no stand-in", async () => {
  const store = new ResultStore(null), planned = new PlanningStore(store), ask = { ...ASK, standIn: () => 0 };
  assertEquals(await planned.get("one", never, ask), 0);
  await assertRejects(() => planned.get("two", never, ASK), Unmeasured);
  assertEquals(await planned.get("one", never, ask), 0);
  assertEquals([planned.asked.length, planned.standIns, store.counts.made], [2, 2, 0]);
  const [one] = planned.asked, told = new PlanningStore(store, new Set([one?.hash ?? ""]));
  assertEquals(await told.get("one", () => Promise.resolve(7), ask), 7);
  await assertRejects(() => told.get("two", never, ASK), Unmeasured);
  const after = new PlanningStore(store);
  assertEquals(await after.get("one", never, ask), 7);
  assertEquals(after.asked.map(({ there }) => there), [true]);
});

Deno.test("inTurn() asks for all before it says that one is unmeasured, and lets other faults through at once", async () => {
  const heard: number[] = [];
  const ask = (turn: number, fault?: Error) => () => {
    heard.push(turn);
    return fault === undefined ? Promise.resolve(turn) : Promise.reject(fault);
  };
  assertEquals(await inTurn([ask(0), ask(1)]), [0, 1]);
  await assertRejects(
    () => inTurn([ask(2), ask(3, new Unmeasured("first")), ask(4, new Unmeasured("second"))]),
    Unmeasured,
    "first",
  );
  assertEquals(heard, [0, 1, 2, 3, 4]);
  await assertRejects(() => inTurn([ask(5, new RangeError("a bug")), ask(6)]), RangeError);
  assertEquals(heard.at(-1), 5);
});

/** The sources of this package, as if one of them had been changed. */
class OtherSources extends SourceTree {
  override fingerprint(modules: readonly string[]) {
    return { ...super.fingerprint(modules), hash: "of other sources" };
  }
}

Deno.test("a result of other code is not there for a plan", () =>
  withZooModel(async (zoo) => {
    const store = new ResultStore(null), condition = { zoo, run: null, decoding: "greedy" } as const;
    const laboratory = (options: { store: PlanningStore | ResultStore; sources: SourceTree }) =>
      new Laboratory({ asked: EMBEDDED, size: TINY_SIZE, seed: 0, ...options });
    const isThereBy = async (sources: SourceTree): Promise<boolean | undefined> => {
      const planned = new PlanningStore(store);
      await laboratory({ store: planned, sources }).outcomes(condition);
      return planned.asked[0]?.there;
    };
    const sources = new SourceTree();
    assertEquals(await isThereBy(sources), false);
    await laboratory({ store, sources }).outcomes(condition);
    assertEquals([await isThereBy(sources), await isThereBy(new OtherSources())], [true, false]);
  }));
