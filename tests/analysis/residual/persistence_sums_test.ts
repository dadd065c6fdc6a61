import { assert, assertEquals, assertThrows } from "@std/assert";
import { type CosineAverages, type PersistenceOptions, PersistenceSums } from "../../../lib/analysis/mod.ts";
import { assertClose } from "../../tolerances.ts";
import { analysisGolden, type GoldenAverages } from "../_golden.ts";

const { persistence: expected } = await analysisGolden();
const target = new Map([[1, expected.target]]);
const KEYS = ["byText", "byToken", "ofMeans"] as const;

/** Sums of the golden texts at layer 1, fed in chunks of `chunk` rows. */
function fed(options: { chunk?: number } & Partial<PersistenceOptions> = {}): PersistenceSums {
  const { chunk = 100, ...rest } = options;
  const sums = new PersistenceSums({ layers: 3, embed: 5, groups: expected.groups, ...rest });
  expected.texts.forEach((rows, text) => {
    for (let start = 0; start < rows.length; start += chunk) {
      sums.add(Float32Array.from(rows.slice(start, start + chunk).flat()), { text, layer: 1 });
    }
  });
  return sums;
}

function cell(sums: PersistenceSums, targets: ReadonlyMap<number, ArrayLike<number>> = target) {
  const cells = sums.read(targets);
  assertEquals(cells.length, 1);
  return cells[0] as (typeof cells)[number];
}

function checkAverages(
  actual: CosineAverages,
  options: { means: GoldenAverages; errors: GoldenAverages },
): void {
  for (const key of KEYS) {
    const mean = options.means[key], error = options.errors[key];
    if (mean === undefined || error === undefined) assertEquals(actual[key], null);
    else {
      assertClose([actual[key]?.value as number], [mean], "float64Arithmetic");
      // A difference of means near 1: its last digits are lost, not those of the means.
      assertClose([actual[key]?.standardError as number], [error], {
        dtype: "float64",
        device: "cpu",
        kind: "relative",
        measured: 3.5e-14,
        bound: 1e-12,
        reason:
          "differences of cosines that agree in one to two digits, each of some fifty roundings of 2^-53",
      });
    }
  }
}

Deno.test("PersistenceSums has the averages of cosines taken row by row, without keeping a row", () => {
  const { toMean, toTarget, rows, zeroRows, layer } = cell(fed());
  checkAverages(toMean, { means: expected.toMean, errors: expected.errors.toMean });
  checkAverages(toTarget, { means: expected.toTarget, errors: expected.errors.toTarget });
  assertEquals([rows, zeroRows, layer], [23, 0, 1]);
});

Deno.test("PersistenceSums as published compares a row with the mean of its own text", () => {
  const { toMean, toTarget } = cell(fed({ asPublished: true }));
  checkAverages(toMean, { means: expected.toText, errors: expected.errors.toText });
  checkAverages(toTarget, { means: expected.toTarget, errors: expected.errors.toTarget });
});

Deno.test("PersistenceSums does not depend on how a text is cut into chunks", () => {
  assertEquals(fed({ chunk: 1 }).read(target), fed().read(target));
  assertEquals(fed({ chunk: 3 }).meanDifference(1), fed().meanDifference(1));
});

Deno.test("PersistenceSums.meanDifference() is the mean over all tokens; null for a layer that was not read", () => {
  const sums = fed();
  assertClose(sums.meanDifference(1) as Float64Array, expected.mean, "float64Arithmetic");
  assertEquals(sums.meanDifference(2), null);
});

Deno.test("PersistenceSums.addGroup() takes what was summed elsewhere as if its texts had been fed", () => {
  const whole = fed(), taken = new PersistenceSums({ layers: 3, embed: 5, groups: expected.groups });
  expected.texts.forEach((rows, text) => {
    const sum = new Float64Array(5), units = new Float64Array(5);
    for (const row of rows) {
      const length = Math.hypot(...row);
      row.forEach((value, at) => {
        sum[at] = (sum[at] as number) + value;
        units[at] = (units[at] as number) + value / length;
      });
    }
    const length = Math.hypot(...sum), count = rows.length;
    const own = units.reduce((dot, value, at) => dot + value * (sum[at] as number), 0) / length;
    taken.addGroup({
      ...{ sum, units, textUnits: units.map((value) => value / count) },
      textDirections: sum.map((value) => value / length),
      ...{ ownByToken: own, ownByText: own / count, rows: count, texts: 1, directedTexts: 1 },
      ...{ fedRows: count, zeroRows: 0 },
    }, { layer: 1, group: text % expected.groups });
  });
  const values = (sums: PersistenceSums) => {
    const { toMean, toTarget } = cell(sums);
    return [toMean, toTarget].flatMap((averages) => KEYS.map((key) => averages[key]?.value as number));
  };
  assertClose(values(taken), values(whole), "float64Arithmetic");
  assertEquals(cell(taken).rows, cell(whole).rows);
});

Deno.test("the three averages weigh texts as their names say", () => {
  // Text 0: one row along x. Text 1: three rows along y. The vector is along x.
  const sums = new PersistenceSums({ layers: 1, embed: 2 });
  sums.add(Float32Array.of(4, 0), { text: 0, layer: 0 });
  sums.add(Float32Array.of(0, 1, 0, 1, 0, 1), { text: 1, layer: 0 });
  const { toTarget, toMean } = cell(sums, new Map([[0, [9, 0]]]));
  assertEquals(toTarget.byText?.value, 0.5);
  assertEquals(toTarget.byToken?.value, 0.25);
  assertEquals(toTarget.ofMeans?.value, 0.8); // (4, 3) and x
  assertClose([toMean.byText?.value as number], [(0.8 + 0.6) / 2], "float64Arithmetic");
  assertClose([toMean.byToken?.value as number], [(0.8 + 3 * 0.6) / 4], "float64Arithmetic");
  assertClose([toMean.ofMeans?.value as number], [(0.8 + 0.6) / 2], "float64Arithmetic");
});

Deno.test("the steered layer's own difference is its vector: every cosine is 1 without error", () => {
  const sums = new PersistenceSums({ layers: 1, embed: 3 });
  [2, 1].forEach((rows, text) => {
    sums.add(Float32Array.from({ length: 3 * rows }, (_, i) => (i % 3) + 1), { text, layer: 0 });
  });
  const { toMean, toTarget } = cell(sums, new Map([[0, [0.5, 1, 1.5]]]));
  for (const averages of [toMean, toTarget]) {
    for (const key of KEYS) {
      assertClose([averages[key]?.value as number], [1], "float64Arithmetic");
      assert((averages[key]?.standardError as number) < 1e-15);
    }
  }
});

Deno.test("a row without difference has no direction: left out, or 0 as published", () => {
  const rows = Float32Array.of(1, 0, 0, 0), vector = new Map([[0, [1, 0]]]);
  const sums = new PersistenceSums({ layers: 1, embed: 2 });
  const published = new PersistenceSums({ layers: 1, embed: 2, asPublished: true });
  for (const each of [sums, published]) each.add(rows, { text: 0, layer: 0 });
  const sound = cell(sums, vector), loose = cell(published, vector);
  assertEquals([sound.toTarget.byToken?.value, sound.rows, sound.zeroRows], [1, 2, 1]);
  assertEquals([loose.toTarget.byToken?.value, loose.rows, loose.zeroRows], [0.5, 2, 1]);
  assertEquals([...sums.meanDifference(0) as Float64Array], [0.5, 0]);
});

Deno.test("layers before the steered one have no cosine, but 0 as published", () => {
  const zeros = new Float64Array(2), vector = new Map([[0, [1, 0]]]);
  const nothing = { byText: null, byToken: null, ofMeans: null };
  const sums = new PersistenceSums({ layers: 1, embed: 2 });
  sums.add(Float32Array.from(zeros), { text: 0, layer: 0 });
  assertEquals([cell(sums, vector).toMean, cell(sums, vector).toTarget], [nothing, nothing]);
  const published = new PersistenceSums({ layers: 1, embed: 2, asPublished: true });
  published.add(Float32Array.from(zeros), { text: 0, layer: 0 });
  const { toMean, toTarget } = cell(published, vector);
  assertEquals([toMean.byToken?.value, toTarget.byToken?.value], [0, 0]);
});

Deno.test("a missing or zero vector has no Diff-Vector cosine; one group of texts has no standard error", () => {
  const { toTarget, toMean } = cell(fed({ groups: 1 }), new Map([[1, new Float64Array(5)]]));
  assertEquals(toTarget, { byText: null, byToken: null, ofMeans: null });
  assertEquals(cell(fed(), new Map()).toTarget.byText, null);
  assertEquals(toMean.byText?.standardError, null);
});

Deno.test("PersistenceSums refuses layers, texts and rows that make no sense", () => {
  const sums = new PersistenceSums({ layers: 2, embed: 2 }), row = Float32Array.of(1, 2);
  assertThrows(() => sums.add(row, { text: 0, layer: 2 }), RangeError, "< 2: current value is 2");
  assertThrows(() => sums.add(Float32Array.of(1), { text: 0, layer: 0 }), RangeError, "current count is 1");
  assertThrows(() => sums.add(Float32Array.of(1, NaN), { text: 0, layer: 0 }), RangeError, "row 0 of text 0");
  sums.add(row, { text: 4, layer: 1 });
  assertThrows(() => sums.add(row, { text: 3, layer: 1 }), RangeError, "text 3 after 4");
  sums.read(new Map());
  assertThrows(() => sums.add(row, { text: 4, layer: 1 }), RangeError, "text 4 after 4");
  assertThrows(() => sums.read(new Map([[1, [1]]])), RangeError, "vector of layer 1");
  assertThrows(() => new PersistenceSums({ layers: 0, embed: 2 }), RangeError, "layers");
});
