import { assert, assertAlmostEquals, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { evaluate } from "../../lib/analysis/mod.ts";
import { InputError, sha256 } from "../../lib/core/mod.ts";
import { Laboratory, type MeasurementStep, ResultStore, type ZooModel } from "../../lib/experiment/mod.ts";
import { type SteeringVectors } from "../../lib/decode/mod.ts";
import { saveVectors } from "../../lib/vectors/mod.ts";
import type { VectorPlace } from "../../lib/probe/mod.ts";
import { FAMILIES, testSet } from "../../lib/problems/mod.ts";
import {
  EMBEDDED,
  openerProbability,
  percentWith,
  STRENGTHS,
  TINY_SIZE,
  USUAL_DIGIT,
  withZooModel,
} from "./_tiny_zoo.ts";

function laboratory(options: Partial<ConstructorParameters<typeof Laboratory>[0]> = {}): Laboratory {
  return new Laboratory({
    asked: EMBEDDED,
    size: TINY_SIZE,
    seed: 0,
    store: new ResultStore(null),
    ...options,
  });
}

const PROBLEMS = FAMILIES.flatMap((family) => testSet(family, { size: TINY_SIZE.problems }));

/** Counts how often a model samples. */
function countGenerations({ model }: ZooModel) {
  const calls = { count: 0 };
  const generate = model.generate.bind(model);
  model.generate = (requests, options) => {
    calls.count++;
    return generate(requests, options);
  };
  return calls;
}

Deno.test("Laboratory.outcomes() gives training seeds, evaluation seeds, problems and samples by family", () =>
  withZooModel(async (zoo) => {
    const lab = laboratory();
    const shapeOf = (table: readonly (readonly (readonly (readonly number[])[])[])[] | undefined) =>
      table?.map((run) => run.map((seed) => seed.map((samples) => samples.length)));
    const perSeed = new Array(TINY_SIZE.problems).fill(1);
    const base = await lab.outcomes({ zoo, run: null, decoding: "sampling" });
    const greedy = await lab.outcomes({ zoo, run: null, decoding: "greedy" });
    const twoRuns = await lab.outcomes({ zoo, run: "layer-3", decoding: "sampling" });
    assertEquals(Object.keys(base), [...FAMILIES]);
    for (const family of FAMILIES) {
      assertEquals(shapeOf(base[family]), [[perSeed, perSeed]]);
      assertEquals(shapeOf(greedy[family]), [[perSeed]]);
      assertEquals(shapeOf(twoRuns[family]), [[perSeed, perSeed], [perSeed, perSeed]]);
    }
  }));

Deno.test("Laboratory.outcomes() measures what the weights say: nothing unsteered, sevens with the opener", () =>
  withZooModel(async (zoo) => {
    const lab = laboratory();
    const percent = async (condition: Omit<Parameters<typeof lab.outcomes>[0], "zoo" | "decoding">) => {
      const outcomes = await lab.outcomes({ zoo, decoding: "greedy", ...condition });
      const flat = Object.values(outcomes).flat(4);
      return 100 * flat.reduce((sum, right) => sum + right, 0) / flat.length;
    };
    const sevens = percentWith(USUAL_DIGIT, TINY_SIZE.problems);
    assert(sevens > 0);
    assertEquals(await percent({ run: null }), 0);
    assertAlmostEquals(await percent({ run: null, prefix: "To" }), sevens, 1e-9);
    assertAlmostEquals(await percent({ run: "all" }), sevens, 1e-9);
    assertEquals(await percent({ run: "layer-0" }), 0);
  }));

Deno.test("Laboratory.outcomes() numbers problems and seeds as evaluate() does, from its first seed on", () =>
  withZooModel(async (zoo) => {
    const lab = laboratory({ seed: 5 });
    const outcomes = await lab.outcomes({ zoo, run: "layer-3", decoding: "sampling", prefix: "To" });
    const runs = await zoo.trained("layer-3");
    for (const [turn, { steer = new Map() }] of runs.entries()) {
      const settings = {
        problems: PROBLEMS,
        maxNewTokens: TINY_SIZE.maxNewTokens,
        answerPrefix: "To",
        steer,
      };
      const expected = await evaluate(zoo.model, { ...settings, seeds: [5, 6] });
      const found = [0, 1].map((seed) => FAMILIES.flatMap((family) => outcomes[family]?.[turn]?.[seed]));
      assertEquals(found, expected.outcomes as typeof found);
    }
    // Zero vectors change no draw: conditions are paired.
    const base = await lab.outcomes({ zoo, run: null, decoding: "sampling" });
    assertEquals(await lab.outcomes({ zoo, run: "layer-0", decoding: "sampling" }), base);
  }));

Deno.test("Laboratory.outcomes() reads from the store what a laboratory before it measured, and only that", () =>
  withZooModel(async (zoo, { folder }) => {
    const store = () => new ResultStore(`${folder}/store`);
    const calls = countGenerations(zoo);
    const condition = { zoo, run: "layer-3", decoding: "sampling" } as const;
    const first = laboratory({ store: store() });
    const measured = await first.outcomes(condition);
    assertEquals(calls.count, 4); // two training seeds, two evaluation seeds
    const second = laboratory({ store: store() });
    assertEquals(await second.outcomes(condition), measured);
    assertEquals(calls.count, 4);
    assertEquals(second.inputs, first.inputs);
    const others = [
      laboratory({ store: store(), seed: 1 }).outcomes(condition),
      laboratory({ store: store(), size: { ...TINY_SIZE, maxNewTokens: 11 } }).outcomes(condition),
      laboratory({ store: store() }).outcomes({ ...condition, decoding: "greedy" }),
      laboratory({ store: store() }).outcomes({ ...condition, prefix: "To" }),
      laboratory({ store: store() }).outcomes({ ...condition, run: "layer-1" }),
    ];
    await Promise.all(others);
    assertEquals(calls.count, 4 + 4 + 4 + 2 + 4 + 2);
  }));

Deno.test("Laboratory.inputs names the hash of everything that was used, and of nothing else", () =>
  withZooModel(async (zoo, { entry }) => {
    const lab = laboratory();
    assertEquals(lab.inputs, {});
    await lab.outcomes({ zoo, run: null, decoding: "greedy" });
    assertEquals(Object.keys(lab.inputs), [
      "graph.rollout.base-a",
      "model.base-a",
      `problems.${PROBLEMS.length}`,
      "tokenizer.base-a",
    ]);
    await lab.outcomes({ zoo, run: "layer-3", decoding: "greedy" });
    for (const seed of [0, 1]) {
      const bytes = await Deno.readFile(`${entry.vectorsFolder}/layer-3.seed-${seed}.safetensors`);
      assertEquals(lab.inputs[`vectors.base-a.layer-3.seed-${seed}`], sha256(bytes));
    }
    assertEquals(lab.inputs["model.base-a"], await zoo.model.checkpoint.hash());
    assertEquals(Object.keys(lab.inputs).length, 6);
  }));

Deno.test("Laboratory.noteInputs() names what an item read by itself, in the order of names", () => {
  const lab = new Laboratory({ asked: EMBEDDED, size: TINY_SIZE, seed: 0, store: new ResultStore(null) });
  lab.noteInputs({ "vectors.b": "2" });
  lab.noteInputs({ "vectors.a": "1" });
  assertEquals(Object.entries(lab.inputs), [["vectors.a", "1"], ["vectors.b", "2"]]);
});

Deno.test("Laboratory.shifts() finds no shift under zero vectors, and the arithmetic of the opener under others", () =>
  withZooModel(async (zoo) => {
    const to = zoo.tokenizer.tokenId("To") as number;
    const done: number[] = [], lab = laboratory({ report: (step) => void done.push(step.done) });
    const [zero] = await lab.shifts({ zoo, run: "layer-0", follow: [to] });
    assertEquals(zero?.length, TINY_SIZE.traced);
    // Half is done when all is written; a text that is read counts for the other half of one.
    const reading = Array.from(
      { length: TINY_SIZE.traced },
      (_, text) => Math.floor((TINY_SIZE.traced + text + 1) / 2),
    );
    assertEquals(done.slice(-reading.length), reading);
    for (const { shift } of zero ?? []) {
      for (const series of [shift.maxShift, shift.minShift, ...shift.followed]) {
        assertEquals([...series], new Array(shift.rows).fill(0));
      }
      assertEquals(shift.baseToken, shift.steeredToken);
    }
    const runs = await lab.shifts({ zoo, run: "layer-3", follow: [to] });
    assertEquals(runs.length, 2);
    for (const [seed, strength] of [STRENGTHS[3], 0.08].entries()) {
      const expected = openerProbability(strength) - openerProbability(0);
      for (const { shift, tokens, promptLength } of runs[seed] ?? []) {
        assertEquals(shift.rows, tokens.length - promptLength + 1);
        assertEquals(shift.maxToken[0], to);
        // Float32 logits of about 30 carry an error of some 1e-6.
        assertAlmostEquals(shift.followed[0]?.[0] ?? NaN, expected, 1e-5);
      }
    }
  }));

Deno.test("Laboratory.shifts() comes back from the store to the last bit, other followed tokens apart", () =>
  withZooModel(async (zoo, { folder }) => {
    const calls = countGenerations(zoo);
    const ask = (follow: readonly number[]) =>
      laboratory({ store: new ResultStore(`${folder}/store`) }).shifts({ zoo, run: "layer-1", follow });
    const measured = await ask([3, 7]);
    assertEquals(await ask([3, 7]), measured);
    const once = TINY_SIZE.evaluationSeeds;
    assertEquals(calls.count, once);
    const fresh = await laboratory().shifts({ zoo, run: "layer-1", follow: [3, 7] });
    assertEquals(fresh, measured);
    assertNotEquals((await ask([7]))[0]?.[0]?.shift.followed.length, 2);
    assertEquals(calls.count, 3 * once);
  }));

Deno.test("Laboratory reports each condition under one label, from nothing to all, and nothing for kept results", () =>
  withZooModel(async (zoo, { folder }) => {
    const steps: MeasurementStep[] = [];
    const store = new ResultStore(`${folder}/store`),
      report = (step: MeasurementStep) => void steps.push(step);
    const lab = laboratory({ store, report });
    const measure = async () => {
      await lab.outcomes({ zoo, run: "layer-3", decoding: "sampling" });
      await lab.outcomes({ zoo, run: null, prefix: "To", decoding: "greedy" });
      await lab.shifts({ zoo, run: "layer-3", follow: [] });
    };
    await measure();
    const labels = [...new Set(steps.map(({ label }) => label))];
    assertEquals(labels, [
      "base-a layer-3 sampling",
      'base-a base + "To" greedy',
      "base-a layer-3.seed-0 shifts",
      "base-a layer-3.seed-1 shifts",
    ]);
    const totals = [4 * PROBLEMS.length, PROBLEMS.length, TINY_SIZE.traced, TINY_SIZE.traced];
    for (const [index, label] of labels.entries()) {
      const own = steps.filter((step) => step.label === label), done = own.map((step) => step.done);
      assertEquals([done[0], done.at(-1)], [0, totals[index]]);
      assertEquals(done, [...done].sort((a, b) => a - b));
      assert(own.every(({ total }) => total === totals[index]));
      assert(own.every(({ unit }) => unit === (index >= 2 ? "texts" : "answers")));
    }
    const reports = steps.length;
    await measure();
    assertEquals(steps.length, reports);
  }));

Deno.test("Laboratory stops at a report once its signal is aborted, and goes on from what is kept", () =>
  withZooModel(async (zoo, { folder }) => {
    const stop = new AbortController(), store = new ResultStore(`${folder}/store`);
    const condition = { zoo, run: "layer-3", decoding: "sampling" } as const;
    const half = 2 * PROBLEMS.length; // the first training seed
    const lab = laboratory({
      store,
      signal: stop.signal,
      report: ({ done }) => done > half && stop.abort(),
    });
    await assertRejects(() => lab.outcomes(condition), DOMException, "aborted");
    const steps: number[] = [];
    const after = await laboratory({ store, report: ({ done }) => void steps.push(done) }).outcomes(
      condition,
    );
    assertEquals(steps[0], half);
    assertEquals(after, await laboratory().outcomes(condition));
  }));

Deno.test("Laboratory refuses answers that may not fit the model's positions", () =>
  withZooModel(async (zoo) => {
    const lab = laboratory({ size: { ...TINY_SIZE, maxNewTokens: 500 } });
    const { message } = await assertRejects(
      () => lab.outcomes({ zoo, run: null, decoding: "greedy" }),
      InputError,
    );
    assertEquals(
      /^prompts of \d+ tokens and 500 new ones do not fit the model's 512 positions: \S+ \(use/.test(message),
      true,
      message,
    );
  }));

Deno.test("Laboratory tells treatments, routes, system prompts and numbers of problems apart", () =>
  withZooModel(async (zoo, { folder }) => {
    const calls = countGenerations(zoo);
    const lab = () => laboratory({ store: new ResultStore(`${folder}/store`) });
    const [first] = await zoo.trained("layer-2");
    if (first === undefined) throw new Error("a run of the tiny zoo");
    const condition = { zoo, run: [first], decoding: "sampling" } as const;
    const whole = await lab().outcomes(condition);
    assertEquals(calls.count, 2);
    // The first problems of each family come out as they do among all.
    const fewer = await lab().outcomes({ ...condition, problems: 2 });
    assertEquals(calls.count, 4);
    for (const family of FAMILIES) {
      const all = whole[family]?.[0]?.map((answers) => answers.slice(0, 2));
      assertEquals(fewer[family]?.[0], all, family);
    }
    await lab().outcomes({ ...condition, run: [{ ...first, lastBlock: { mode: "skip_attn" } }] });
    assertEquals(calls.count, 6);
    await lab().outcomes({ ...condition, system: "Put the answer in a box." });
    assertEquals(calls.count, 8);
    // A name is no part of what is measured.
    assertEquals(await lab().outcomes({ ...condition, run: [{ ...first, name: "the same" }] }), whole);
    assertEquals(calls.count, 8);
  }));

Deno.test("Laboratory.outcomes() asks every problem under one number, however many of its family are asked", () =>
  withZooModel(async (zoo) => {
    const asked: number[][] = [];
    const generate = zoo.model.generate.bind(zoo.model);
    zoo.model.generate = (requests, options) => {
      asked.push(requests.map(({ prompt = -1 }) => prompt));
      return generate(requests, options);
    };
    const condition = { zoo, run: null, decoding: "greedy" } as const, lab = laboratory();
    await lab.outcomes(condition);
    await lab.outcomes({ ...condition, problems: 2 });
    await lab.outcomes({ ...condition, problems: 5 });
    const all = PROBLEMS.map((_, number) => number);
    // Three problems of each family, of which the first two: 0, 1, 3, 4, 6, 7, …; two more are behind all of these.
    const more = FAMILIES.flatMap((_, f) => [3 * f, 3 * f + 1, 3 * f + 2, 18 + f, 24 + f]);
    assertEquals(asked, [all, all.filter((number) => number % 3 < 2), more]);
  }));

Deno.test("Laboratory.measure() computes once for the same inputs and settings, and tells of its inputs", () =>
  withZooModel(async (zoo, { folder }) => {
    const [first, second] = await zoo.trained("layer-3");
    if (first === undefined || second === undefined) throw new Error("two training seeds");
    let computed = 0;
    const count = (done: (steps: number) => void) => {
      done(1);
      return Promise.resolve(++computed);
    };
    const steps: MeasurementStep[] = [];
    const lab = (seed = 0) =>
      laboratory({ store: new ResultStore(`${folder}/store`), seed, report: (step) => steps.push(step) });
    const measurement = {
      kind: "count",
      code: import.meta.url,
      zoo,
      treatments: [first],
      problems: lab().problems(5),
      settings: { layer: 1 },
      runs: [{}],
      label: "counting",
      total: 2,
      unit: "texts",
    } as const;
    const one = lab();
    assertEquals([await one.measure(measurement, count), await lab().measure(measurement, count)], [1, 1]);
    assertEquals(Object.keys(one.inputs).filter((name) => name.startsWith("vectors")), [
      "vectors.base-a.layer-3.seed-0",
    ]);
    assertEquals(steps, [0, 1].map((done) => ({ label: "base-a counting", done, total: 2, unit: "texts" })));
    const others = [
      lab().measure({ ...measurement, settings: { layer: 2 } }, count),
      lab().measure({ ...measurement, treatments: [second] }, count),
      lab().measure({ ...measurement, treatments: [] }, count),
      lab().measure({ ...measurement, problems: lab().problems(4) }, count),
      lab().measure({ ...measurement, kind: "count again" }, count),
      lab().measure({ ...measurement, runs: [{ taps: ["blocks.0.resid_post"] }] }, count),
      lab().measure({ ...measurement, code: new URL("./result_store_test.ts", import.meta.url).href }, count),
      lab(1).measure(measurement, count),
    ];
    assertEquals(new Set(await Promise.all(others)).size, others.length);
  }));

Deno.test("Laboratory.reading() works out once per model and name, for its parts too", () =>
  withZooModel((zoo) => {
    const lab = laboratory();
    let count = 0;
    const read = (of: Laboratory, what: string) => of.reading(zoo, what, () => [what, ++count]);
    const first = read(lab, "languages");
    assertEquals(first, ["languages", 1]);
    assert(read(lab.part(), "languages") === first);
    assertEquals(read(lab.part(), "features"), ["features", 2]);
    assertEquals(read(lab, "features"), ["features", 2]);
    assertEquals(read(laboratory(), "languages"), ["languages", 3]);
    return Promise.resolve();
  }));

Deno.test("Laboratory.problems() takes the first held-out problems, as many of each family", () => {
  const lab = laboratory();
  assertEquals(lab.problems(12), FAMILIES.flatMap((family) => testSet(family, { size: 2 })));
  assertEquals(lab.problems(1), testSet("linear", { size: 1 }));
});

Deno.test("Laboratory measures vectors at the place of their file", () =>
  withZooModel(async (zoo, { entry }) => {
    const path = `${entry.vectorsFolder}/layer-1.seed-0.safetensors`;
    const [trained] = await zoo.trained("layer-1");
    const vectors: SteeringVectors = trained?.steer ?? new Map();
    const follow = [zoo.tokenizer.tokenId("To") as number];
    const measured = async (place: VectorPlace) => {
      await saveVectors(path, { vectors, place, metadata: {} });
      const lab = laboratory();
      const outcomes = await lab.outcomes({ zoo, run: "layer-1", decoding: "greedy" });
      const [samples] = await lab.shifts({ zoo, run: "layer-1", follow });
      const shift = Math.max(...samples?.flatMap((sample) => [...sample.shift.maxShift]) ?? []);
      return {
        right: Object.values(outcomes).flat(4).reduce((sum, right) => sum + right, 0),
        moved: shift > 0.1,
      };
    };
    // Blocks of zeros let a vector after the attention into the stream, and one before it nowhere.
    const after = await measured("attention"), before = await measured("input_norm");
    assertEquals([after.right > 0, after.moved], [true, true]);
    assertEquals(before, { right: 0, moved: false });
  }));

Deno.test("Laboratory.part() knows its own inputs and seeds, shares the store, and tells the laboratory it is of", () =>
  withZooModel(async (zoo) => {
    const store = new ResultStore(null), lab = laboratory({ store });
    await lab.outcomes({ zoo, run: null, decoding: "sampling" });
    const before = Object.keys(lab.inputs), part = lab.part();
    assertEquals([part.inputs, part.evaluationSeedCounts], [{}, []]);
    await part.outcomes({ zoo, run: "layer-3", decoding: "sampling" });
    await part.outcomes({ zoo, run: null, decoding: "greedy" });
    const vectors = Object.keys(part.inputs).filter((name) => name.startsWith("vectors."));
    assertEquals(vectors, ["vectors.base-a.layer-3.seed-0", "vectors.base-a.layer-3.seed-1"]);
    assertEquals(Object.keys(lab.inputs), [...new Set([...before, ...vectors])].sort());
    // Greedy decoding has no seed to count.
    const counts = [TINY_SIZE.evaluationSeeds];
    assertEquals([part.evaluationSeedCounts, lab.evaluationSeedCounts], [counts, counts]);
    await lab.part().outcomes({ zoo, run: null, decoding: "sampling" });
    assertEquals(store.counts.read, 1);
    assertEquals([part.size, part.seed, part.device, part.dtype], [
      lab.size,
      lab.seed,
      lab.device,
      lab.dtype,
    ]);
  }));

Deno.test("Laboratory.outcomes() reports a condition under the label that it is given", () =>
  withZooModel(async (zoo) => {
    const labels: string[] = [];
    const lab = laboratory({ report: ({ label }) => void labels.push(label) });
    const run = await zoo.trained("layer-3");
    await lab.outcomes({ zoo, run, decoding: "greedy", label: "two seeds" });
    assertEquals([...new Set(labels)], ["base-a two seeds greedy"]);
  }));
