import { assert, assertEquals, assertRejects } from "@std/assert";
import { InputError } from "../../lib/core/mod.ts";
import {
  type Bench,
  Laboratory,
  reproduce,
  type ReproduceOptions,
  type Reproduction,
  ResultStore,
} from "../../lib/experiment/mod.ts";
import { parseMetrics, readPaperItem } from "../../lib/report/mod.ts";
import { EMBEDDED, ROLES, TINY_SIZE, type TinyZoo, withZooModel } from "./_tiny_zoo.ts";

/** One number, one bar. */
const ITEM: Reproduction = {
  id: "fig1",
  slug: "one",
  title: "One number",
  itemClass: "inferred",
  differences: [],
  run: async ({ lab, open }) => {
    const a = await open("a");
    const outcomes = await lab.outcomes({ zoo: a, run: null, decoding: "greedy" });
    const value = Object.values(outcomes).flat(4).reduce((sum, right) => sum + right, 0);
    return {
      spec: {
        $schema: "https://vega.github.io/schema/vega-lite/v6.json",
        data: { values: [{ value }] },
        mark: "bar",
        encoding: { y: { field: "value", type: "quantitative" } },
      },
      values: [{ name: "accuracy.all_layers", value, unit: "%" }],
      claims: [],
    };
  },
};

function options(
  tiny: TinyZoo,
  rest: Pick<ReproduceOptions, "bench"> & Partial<ReproduceOptions>,
): ReproduceOptions {
  return {
    expectations: null,
    source: "fixtures/embedded/expected/full/fig1.json",
    paper: null,
    profile: "embedded",
    folder: `${tiny.folder}/fig1`,
    runFacts: () => ({ seconds: 1 }),
    ...rest,
  };
}

const lab = () => new Laboratory({ asked: EMBEDDED, size: TINY_SIZE, seed: 3, store: new ResultStore(null) });

Deno.test("reproduce() writes what it measured, what it was made from, its checks and the paper's numbers", () =>
  withZooModel(async (a, tiny) => {
    const paper = await readPaperItem(`${tiny.fixtures}/paper/fig1.json`, { item: "fig1" });
    const expectations = [{
      metric: "accuracy.all_layers",
      expected: 1,
      tolerance: 0.5,
      reason: "by hand",
      others: { expected: 0.2, tolerance: 0.3, reason: "by hand" },
    }];
    const bench = { lab: lab(), roles: ROLES, open: () => Promise.resolve(a) };
    const given: Bench[] = [];
    const item: Reproduction = {
      ...ITEM,
      run: (bench) => {
        given.push(bench);
        return ITEM.run(bench);
      },
    };
    const metrics = await reproduce(item, options(tiny, { bench, expectations, paper }));
    const fromOther = await reproduce(ITEM, {
      ...options(tiny, { bench, expectations }),
      at: "other",
      folder: `${tiny.folder}/other`,
    });
    assertEquals(fromOther.checks.map(({ expected, verdict }) => [expected, verdict]), [[0.2, "pass"]]);
    assertEquals(given.map((bench) => bench.paper), [paper]);
    const written = parseMetrics(await Deno.readTextFile(`${tiny.folder}/fig1/metrics.json`), "metrics.json");
    assertEquals(written, metrics);
    assertEquals(metrics.inputs, bench.lab.inputs);
    assert("model.base-a" in metrics.inputs);
    assertEquals([metrics.id, metrics.seed, metrics.device, metrics.profile], ["fig1", 3, "cpu", "embedded"]);
    assertEquals(metrics.checks, [{
      metric: "accuracy.all_layers",
      value: 0,
      expected: 1,
      tolerance: 0.5,
      verdict: "fail",
      source: "fixtures/embedded/expected/full/fig1.json",
    }]);
    assertEquals(metrics.paper?.model, "Qwen2.5-Math-7B");
    assertEquals(metrics.paper?.numbers.map(({ ours, paper }) => [ours, paper]), [[0, 42.9]]);
    assertEquals(JSON.parse(await Deno.readTextFile(`${tiny.folder}/fig1/run.json`)), { seconds: 1 });
  }));

Deno.test("reproduce() without expected values checks nothing, and without the paper says nothing of it", () =>
  withZooModel(async (a, tiny) => {
    const metrics = await reproduce(
      ITEM,
      options(tiny, { bench: { lab: lab(), roles: ROLES, open: () => Promise.resolve(a) } }),
    );
    assertEquals(metrics.checks, []);
    assertEquals("paper" in metrics, false);
  }));

Deno.test("reproduce() refuses an expected value of no metric before anything is written", () =>
  withZooModel(async (a, tiny) => {
    const expectations = [{
      metric: "accuracy.al_layers",
      expected: 1,
      tolerance: 0.5,
      reason: "by hand",
      others: null,
    }];
    const bench = { lab: lab(), roles: ROLES, open: () => Promise.resolve(a) };
    await assertRejects(
      () => reproduce(ITEM, options(tiny, { bench, expectations })),
      InputError,
      'expected value for the unknown metric "accuracy.al_layers": fixtures/embedded/expected/full/fig1.json',
    );
    assertEquals([...Deno.readDirSync(tiny.folder)], []);
  }));
