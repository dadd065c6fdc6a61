import { assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { RandomStream, tensor } from "../../lib/core/mod.ts";
import {
  type AdjointOptions,
  chunkedTargets,
  type LanguageModel,
  overTargets,
  type SteeringAdjoints,
  type SteeringVectors,
  type WeightedRow,
} from "../../lib/decode/mod.ts";
import { assertClose } from "../tolerances.ts";
import { randomAdapters } from "./_adapters.ts";
import { allLayers, randomVectors, withEachFamily, withTinyModel } from "./_tiny_model.ts";

function randomRows(
  random: RandomStream,
  options: { readonly count: number; readonly vocab: number },
): WeightedRow[] {
  return Array.from({ length: options.count }, () => {
    const length = random.integer({ from: 2, below: 9 });
    return {
      tokens: Array.from({ length }, () => random.integer({ below: options.vocab })),
      from: random.integer({ from: 1, below: length }),
      weight: random.normal(),
    };
  });
}

const flat = (vectors: SteeringVectors) =>
  [...vectors].sort(([a], [b]) => a - b).flatMap(([, vector]) => [...vector]);

/** The loss Σ −weight · log p in float64 from the model's log-probabilities. */
async function lossOf(
  model: LanguageModel,
  rows: readonly WeightedRow[],
  steer: SteeringVectors,
): Promise<number> {
  const logProbs = await model.logProbs(rows, { steer });
  return rows.reduce(
    (sum, row, index) => sum - row.weight * (logProbs[index] ?? []).reduce((a, b) => a + b, 0),
    0,
  );
}

Deno.test("steeringAdjoint() does not depend on micro-batches, padding or order", () =>
  withTinyModel(async (model) => {
    const steer = randomVectors(model.config, allLayers(model.config));
    for (let item = 0; item < 6; item++) {
      const random = new RandomStream(item, "split");
      const rows = randomRows(random, {
        count: random.integer({ from: 2, below: 9 }),
        vocab: model.config.vocab,
      });
      rows.push({ tokens: [3, 1], from: 2, weight: 1 }); // a row without a target
      const whole = await model.steeringAdjoint(rows, { steer });
      const order = random.shuffled(rows.map((_, index) => index));
      const maxTokens = random.integer({ from: 1, below: 40 });
      const moved = await model.steeringAdjoint(order.map((index) => rows[index] as WeightedRow), {
        steer,
        maxTokens,
      });
      assertEquals([...moved.adjoints.keys()], allLayers(model.config));
      assertClose(flat(moved.adjoints), flat(whole.adjoints), "steeringAdjointSplit");
      order.forEach((from, to) => {
        assertEquals(
          whole.logProbs[from]?.length,
          (rows[from]?.tokens.length ?? 0) - (rows[from]?.from ?? 0),
        );
        assertClose(moved.logProbs[to] ?? [], whole.logProbs[from] ?? [], "logProbabilityFloat32");
      });
      // Rows one by one, added up by hand: nothing leaks from a row or its padding into another.
      const sum = new Float64Array(flat(whole.adjoints).length);
      for (const row of rows) {
        flat((await model.steeringAdjoint([row], { steer })).adjoints).forEach((value, i) =>
          void (sum[i] = (sum[i] as number) + value)
        );
      }
      assertClose(flat(whole.adjoints), sum, "steeringAdjointSplit");
    }
  }));

Deno.test("steeringAdjoint() is linear in the weights, and rows of weight zero add nothing", () =>
  withTinyModel(async (model) => {
    const steer = randomVectors(model.config, [1]);
    const rows = randomRows(new RandomStream(3, "linear"), { count: 4, vocab: model.config.vocab });
    const { adjoints } = await model.steeringAdjoint(rows, { steer });
    const doubled = rows.map((row) => ({ ...row, weight: 2 * row.weight }));
    const silent = rows.map((row) => ({ ...row, weight: 0 }));
    const both = await model.steeringAdjoint([...doubled, ...silent], { steer });
    assertClose(flat(both.adjoints), flat(adjoints).map((value) => 2 * value), "steeringAdjointSplit");
    assertNotEquals(flat(adjoints), new Array(32).fill(0));
    assertEquals(flat((await model.steeringAdjoint(silent, { steer })).adjoints), new Array(32).fill(0));
  }));

Deno.test("steeringAdjoint() is the slope of the loss along any direction", () =>
  withTinyModel(async (model) => {
    const steer = randomVectors(model.config, allLayers(model.config));
    const random = new RandomStream(5, "slope");
    const rows = randomRows(random, { count: 5, vocab: model.config.vocab });
    const { adjoints } = await model.steeringAdjoint(rows, { steer });
    const direction = new Map(
      [...steer].map(([layer, vector]) => [layer, vector.map(() => random.normal())]),
    );
    const step = 2 ** -6;
    const moved = (factor: number): SteeringVectors =>
      new Map(
        [...steer].map(([layer, vector]) => [
          layer,
          vector.map((value, i) => value + factor * (direction.get(layer)?.[i] as number)),
        ]),
      );
    const slope = (await lossOf(model, rows, moved(step)) - await lossOf(model, rows, moved(-step))) /
      (2 * step);
    const along = flat(direction).reduce((sum, value, i) => sum + value * (flat(adjoints)[i] as number), 0);
    assertClose([along], [slope], "steeringSlopeFloat32");
  }));

/** Answers to two questions, in turn, and a row that has no target. */
function answersTo(random: RandomStream, vocab: number): WeightedRow[] {
  const tokens = (length: number) => Array.from({ length }, () => random.integer({ below: vocab }));
  const questions = [tokens(6), tokens(4)];
  const rows = Array.from({ length: 9 }, (_, index) => {
    const question = questions[index % 2] as number[];
    const answer = tokens(random.integer({ from: 1, below: 6 }));
    return { tokens: [...question, ...answer], from: question.length, weight: random.normal() };
  });
  return [...rows, { tokens: questions[0] as number[], from: 6, weight: 1 }];
}

const ADDED: readonly AdjointOptions[] = [
  {},
  { place: "attention" },
  { lastBlock: { mode: "v", head: 0 } },
  { lastBlock: { mode: "skip_layer" } },
];

Deno.test("steeringAdjoint() is the same where answers branch off a context that is read once", () =>
  withEachFamily(async (model) => {
    const { config } = model, random = new RandomStream(6, "branches");
    const rows = answersTo(random, config.vocab);
    const adapters = randomAdapters(config, [1]);
    for (
      const added of [...ADDED.map((one) => ({ ...one, steer: randomVectors(config, [0, 1]) })), { adapters }]
    ) {
      const apart = await model.steeringAdjoint(rows, added);
      // However many branches there is room for.
      for (const maxTokens of [1, 12, 1000]) {
        const together = await model.steeringAdjoint(rows, { ...added, maxTokens, sharedContexts: true });
        assertClose(flat(together.adjoints), flat(apart.adjoints), "steeringAdjointSplit");
        for (const part of ["input", "output"] as const) {
          const values = ({ adapterAdjoints }: SteeringAdjoints) => [...adapterAdjoints.get(1)?.[part] ?? []];
          assertClose(values(together), values(apart), "steeringAdjointSplit");
        }
        apart.logProbs.forEach((row, index) =>
          assertClose(together.logProbs[index] ?? [], row, "logProbabilityFloat32")
        );
      }
    }
  }));

Deno.test("steeringAdjoint() reads a shared context once", () =>
  withTinyModel(async (model) => {
    const context = Array.from({ length: 20 }, (_, at) => at);
    const rows = [30, 31, 32, 33].map((token) => ({ tokens: [...context, token, 7], from: 20, weight: 1 }));
    const read: number[] = [];
    const rowsAtOnce = () => 1;
    for (const together of [null, 22, 64]) {
      await overTargets(rows, { vocab: 61, rowsAtOnce, together }, ({ tokens, targets }) => {
        read.push(tokens.data.length);
        return Promise.resolve(targets.map(() => 0));
      });
    }
    assertEquals(read, [21, 21, 21, 21, 22, 22, 24]);
    const steer = randomVectors(model.config, [0]);
    const none = rows.map(({ tokens }) => ({ tokens, from: 22, weight: 1 }));
    const { adjoints } = await model.steeringAdjoint(none, { steer, sharedContexts: true });
    assertEquals(flat(adjoints), new Array(32).fill(0));
  }));

Deno.test("steeringAdjoint() gives the layers asked for, the same whether others are steered by zero or not at all", () =>
  withTinyModel(async (model) => {
    const rows = randomRows(new RandomStream(7, "layers"), { count: 3, vocab: model.config.vocab });
    const one = randomVectors(model.config, [0]);
    const { adjoints } = await model.steeringAdjoint(rows, { steer: one });
    assertEquals([...adjoints.keys()], [0]);
    const both = await model.steeringAdjoint(rows, { steer: new Map([...one, [1, new Float32Array(32)]]) });
    assertClose(both.adjoints.get(0) ?? [], adjoints.get(0) ?? [], "steeringAdjointSplit");
    assertNotEquals(both.adjoints.get(1), new Float32Array(32));
  }));

Deno.test("chunkedTargets() are as few chunks as it takes, and what fills the last one up weighs nothing", () => {
  const targets = [7, 8, 9].map((token, place) => ({ place, token, row: 0 }));
  const batch = { tokens: tensor("int64", [1, 3], [5, 7, 8]), rows: [0], weights: [1], targets };
  const feeds = chunkedTargets(batch, { chunk: 2 });
  assertEquals(feeds.targets, tensor("int64", [2, 2], [7, 8, 9, 0]));
  assertEquals(feeds.target_weights, tensor("float32", [2, 2], [1, 1, 1, 0]));
});

Deno.test("logProbs() gives one number per target, in the rows' order, without leaking padding", () =>
  withTinyModel(async (model) => {
    const rows = [{ tokens: [4, 9, 2, 7, 7], from: 3 }, { tokens: [8, 1], from: 1 }, {
      tokens: [3, 3, 3],
      from: 3,
    }];
    const logProbs = await model.logProbs(rows);
    assertEquals(logProbs.map((row) => row.length), [2, 1, 0]);
    const { logits } = await model.run([[4, 9, 2, 7]]);
    const { vocab } = model.config;
    const expected = [2, 3].map((position) => {
      const row = (logits?.data ?? new Float32Array()).slice(position * vocab, (position + 1) * vocab);
      const total = row.reduce((sum, value) => sum + Math.exp(value), 0);
      return (row[7] as number) - Math.log(total);
    });
    assertClose(logProbs[0] ?? [], expected, "logProbabilityFloat32");
  }));

Deno.test("scoring refuses targets without a token before them, short rows and ids outside the vocabulary", () =>
  withTinyModel(async (model) => {
    const wrong: readonly (readonly [readonly number[], number, string])[] = [
      [
        [4, 9],
        0,
        "Cannot score row 1 as its targets must start in [1, 2] of at least two tokens: current value is 0 of 2",
      ],
      [[4, 9], 3, "current value is 3 of 2"],
      [[4], 1, "of at least two tokens: current value is 1 of 1"],
      [[4, 61], 1, "Cannot score row 1 as token ids must be whole numbers in [0, 61): current value is 61"],
      [[-2, 4], 1, "token ids must be whole numbers in [0, 61): current value is -2"],
    ];
    const steer = randomVectors(model.config, [0]);
    for (const [tokens, from, message] of wrong) {
      const rows = [{ tokens: [1, 2], from: 1, weight: 1 }, { tokens, from, weight: 1 }];
      await assertRejects(() => model.logProbs(rows), RangeError, message);
      await assertRejects(() => model.steeringAdjoint(rows, { steer }), RangeError, message);
    }
    const rows = [{ tokens: [1, 2], from: 1, weight: 1 }];
    await assertRejects(
      () => model.logProbs(rows, { maxTokens: 0 }),
      RangeError,
      "maxTokens must be at least 1",
    );
    await assertRejects(
      () => model.steeringAdjoint(rows, { steer: new Map() }),
      RangeError,
      "at least one layer",
    );
    const outside = new Map([[5, new Float32Array(32)]]);
    await assertRejects(
      () => model.steeringAdjoint(rows, { steer: outside }),
      RangeError,
      "Cannot steer layer 5",
    );
  }));
