import { assertEquals, assertRejects } from "@std/assert";
import { RandomStream } from "../../lib/core/mod.ts";
import {
  type Additions,
  type LanguageModel,
  type ProbabilityShift,
  tokenShifts,
  tokenShiftsGraph,
} from "../../lib/decode/mod.ts";
import { assertClose } from "../tolerances.ts";
import { randomAdapters } from "./_adapters.ts";
import { randomVectors, withEachFamily, withTinyModel } from "./_tiny_model.ts";

/** Logits [row][vocab] of a text at `rows` positions from `from` on, in a run of its own. */
async function logitsOf(
  model: LanguageModel,
  text: { readonly tokens: readonly number[]; readonly from: number; readonly rows: number },
  additions: Additions,
): Promise<readonly Float64Array[]> {
  const { vocab } = model.config, { logits } = await model.run([text.tokens], additions);
  return Array.from({ length: text.rows }, (_, row) => {
    const start = (text.from + row) * vocab;
    return Float64Array.from(logits?.data.subarray(start, start + vocab) ?? []);
  });
}

function logSoftmax(logits: Float64Array): Float64Array {
  const peak = Math.max(...logits);
  const total = peak + Math.log(logits.reduce((sum, value) => sum + Math.exp(value - peak), 0));
  return logits.map((value) => value - total);
}

/** What changes from one distribution to another, number by number. */
function compared(from: Float64Array, to: Float64Array) {
  const logP = logSoftmax(from), logQ = logSoftmax(to), p = logP.map(Math.exp), q = logQ.map(Math.exp);
  const change = q.map((value, token) => value - (p[token] as number));
  const largest = (values: Float64Array) => values.indexOf(Math.max(...values));
  const most = largest(change), least = largest(change.map((value) => -value));
  return {
    change,
    numbers: [
      ...[change[most] as number, change[least] as number],
      p.reduce((sum, value, token) => sum + value * ((logP[token] as number) - (logQ[token] as number)), 0),
    ],
    tokens: [most, least, largest(p), largest(q)],
  };
}

function rowOf(shift: ProbabilityShift, row: number) {
  const at = (values: ArrayLike<number>) => values[row] as number;
  return {
    numbers: [at(shift.maxShift), at(shift.minShift), at(shift.klNats)],
    tokens: [at(shift.maxToken), at(shift.minToken), at(shift.baseToken), at(shift.steeredToken)],
    followed: shift.followed.map(at),
  };
}

const TEXT = { tokens: [5, 9, 2, 7, 7, 1, 30, 4], from: 2, rows: 5 };

Deno.test("tokenShifts() compares two runs row by row, under every kind of addition", () =>
  withEachFamily(async (model) => {
    const { config } = model, steer = randomVectors(config, [0, 1]);
    const random = new RandomStream(3, "shares");
    const weights = [0, 1].map(() => Array.from({ length: TEXT.rows }, () => random.uniform()));
    const additions: readonly Additions[] = [
      { steer },
      { steer: randomVectors(config, [1]), place: "attention" },
      { steer, lastBlock: { mode: "v", head: 0 } },
      { adapters: randomAdapters(config, [1]) },
    ];
    for (const added of additions) {
      const follow = [3, 60, 0];
      const [pair] = await tokenShifts(model, TEXT, { additions: added, follow, totals: weights });
      const base = await logitsOf(model, TEXT, {}), changed = await logitsOf(model, TEXT, added);
      const expected = base.map((row, index) => compared(row, changed[index] as Float64Array));
      expected.forEach(({ numbers, tokens, change }, index) => {
        const row = rowOf(pair?.shift as ProbabilityShift, index);
        assertClose(row.numbers, numbers, "probabilityFloat32");
        assertEquals(row.tokens, tokens);
        assertClose(row.followed, follow.map((token) => change[token] as number), "probabilityFloat32");
      });
      weights.forEach((shares, sum) =>
        assertClose(
          pair?.totals[sum] ?? [],
          Float64Array.from({ length: config.vocab }, (_, token) =>
            expected.reduce((total, { change }, row) =>
              total + (shares[row] as number) * (change[token] as number), 0)),
          "probabilityFloat32",
        )
      );
    }
  }));

Deno.test("tokenShifts() compares routes of a vector through the last block", () =>
  withTinyModel(async (model) => {
    const steer = randomVectors(model.config, [0]);
    const pairs = [["skip_attn", "no_patch"], ["base", "skip_layer"], ["base", "base"]] as const;
    const found = await tokenShifts(model, TEXT, { additions: { steer }, pairs });
    const plain = await logitsOf(model, TEXT, {}), whole = await logitsOf(model, TEXT, { steer });
    for (const [at, modes] of pairs.entries()) {
      const [from, to] = await Promise.all(
        modes.map((mode) => logitsOf(model, TEXT, { steer, lastBlock: { mode } })),
      );
      from?.forEach((row, index) => {
        const expected = compared(row, to?.[index] as Float64Array);
        const got = rowOf(found[at]?.shift as ProbabilityShift, index);
        assertClose(got.numbers, expected.numbers, "probabilityFloat32");
        if (at < 2) assertEquals(got.tokens, expected.tokens);
      });
    }
    // A route compared with itself differs nowhere, and the lowest token stands for all that are equal.
    assertEquals([...found[2]?.shift.maxShift ?? []], [0, 0, 0, 0, 0]);
    assertEquals([...found[2]?.shift.klNats ?? []], [0, 0, 0, 0, 0]);
    assertEquals([...found[2]?.shift.maxToken ?? []], [0, 0, 0, 0, 0]);
    const [own] = await tokenShifts(model, TEXT, { additions: { steer } });
    plain.forEach((row, index) =>
      assertClose(
        rowOf(own?.shift as ProbabilityShift, index).numbers,
        compared(row, whole[index] as Float64Array).numbers,
        "probabilityFloat32",
      )
    );
  }));

Deno.test("tokenShifts() reads long texts in chunks of rows, whose filling counts nowhere", () =>
  withTinyModel(async (model) => {
    const random = new RandomStream(5, "long"), additions = { steer: randomVectors(model.config, [1]) };
    const tokens = Array.from({ length: 300 }, () => random.integer({ below: 61 }));
    const ones = new Array<number>(299).fill(1);
    const [whole] = await tokenShifts(model, { tokens, from: 1, rows: 299 }, { additions, totals: [ones] });
    const [part] = await tokenShifts(model, { tokens, from: 250, rows: 20 }, { additions });
    assertEquals(whole?.shift.klNats.length, 299);
    assertClose(whole?.shift.klNats.slice(249, 269) ?? [], part?.shift.klNats ?? [], "probabilityFloat32");
    assertClose([(whole?.totals[0] ?? new Float64Array()).reduce((sum, value) => sum + value, 0)], [0], {
      ...{ dtype: "float64", device: "cpu", kind: "absolute", measured: 3e-15, bound: 1e-12 },
      reason: "changes of probabilities cancel",
    });
  }, { maxPositions: 320 }));

Deno.test("tokenShifts() refuses rows, tokens and models that it cannot compare", () =>
  withTinyModel(async (model) => {
    const additions = { steer: randomVectors(model.config, [0]) };
    const tokens = [1, 2, 3];
    const cases = [
      [{ tokens, from: 2, rows: 2 }, {}, "must lie in [0, 3): current value is 2 from 2"],
      [{ tokens, from: 0, rows: 0 }, {}, "current value is 0 from 0"],
      [{ tokens, from: 0, rows: 1 }, { follow: [61] }, "Cannot follow a token as it must lie in [0, 61)"],
      [{ tokens, from: 0, rows: 1 }, { additions: {} }, "a layer must be steered or adapted"],
      [{ tokens: [1, 2, 3, 4, 5], from: 0, rows: 1 }, {}, "must fit the model's 4 positions"],
      [{ tokens, from: 0, rows: 1 }, {
        additions: { steer: new Map([[1, new Float32Array(32)]]) },
        pairs: [["base", "no_patch"]] as const,
      }, "layer 0"],
    ] as const;
    for (const [text, more, message] of cases) {
      await assertRejects(() => tokenShifts(model, text, { additions, ...more }), RangeError, message);
    }
  }, { maxPositions: 4 }));

Deno.test("tokenShiftsGraph() is one for all values that it is fed", () =>
  withTinyModel((model) => {
    const of = (size: number, more: object = {}) =>
      model.ownGraphHash(tokenShiftsGraph(model, {
        additions: { steer: new Map([[0, new Float32Array(32).fill(size)]]) },
        ...more,
      }));
    assertEquals(of(1), of(2));
    assertEquals(new Set([of(1), of(1, { totals: 1 }), of(1, { pairs: [["base", "no_patch"]] })]).size, 3);
    return Promise.resolve();
  }));
