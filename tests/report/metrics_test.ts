import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { InputError } from "../../lib/core/mod.ts";
import { type Metrics, parseMetrics, serializeMetrics } from "../../lib/report/mod.ts";

const METRICS: Metrics = {
  schemaVersion: 1,
  id: "fig1",
  title: "Accuracy by layer",
  profile: "embedded",
  values: [
    {
      name: "accuracy.layer_0",
      value: 200 / 3,
      unit: "%",
      uncertainty: { kind: "interval", level: 0.95, low: 60, high: 70 },
    },
    {
      name: "accuracy.layer_1",
      value: null,
      unit: "%",
      uncertainty: { kind: "std", over: "evaluation seeds", std: 1 },
      note: "no vector",
    },
  ],
  checks: [{
    metric: "accuracy.layer_0",
    value: 66,
    expected: 65,
    tolerance: 2,
    verdict: "pass",
    source: "expected/full/fig1.json",
  }],
  claims: [{
    claim: "middle",
    statement: "Middle layers gain most.",
    holds: null,
    effect: { name: "difference", value: null, unit: "percentage points" },
    interval: null,
    note: "too few layers",
  }],
  inputs: { vectors: "ff", model: "aa" },
  seed: 0,
  device: "cpu",
  dtype: "float32",
  versions: { vega: "6", deno: "2" },
};

/** The same value with the keys of every object in reverse order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).reverse().map(([key, item]) => [key, reversed(item)]));
}

Deno.test("serializeMetrics() writes the same bytes whatever the order of keys", () => {
  const text = serializeMetrics(METRICS);
  assertEquals(serializeMetrics(reversed(METRICS) as Metrics), text);
  assert(text.endsWith("}\n") && !text.endsWith("\n\n"));
  const keys = [...text.matchAll(/^ {2}"(\w+)"/gm)].map((match) => match[1]);
  assertEquals(keys, [
    "schemaVersion",
    "id",
    "title",
    "profile",
    "values",
    "checks",
    "claims",
    "inputs",
    "seed",
    "device",
    "dtype",
    "versions",
  ]);
  assert(
    text.indexOf('"model"') < text.indexOf('"vectors"') && text.indexOf('"deno"') < text.indexOf('"vega"'),
  );
});

Deno.test("serializeMetrics() keeps nine significant digits and no negative zero", () => {
  const value = (number: number) => {
    const text = serializeMetrics({ ...METRICS, values: [{ name: "a", value: number, unit: "" }] });
    return /"value": (\S+),/.exec(text)?.[1];
  };
  assertEquals([200 / 3, 1.23456789012e-7, 123456789.4, -0].map(value), [
    "66.6666667",
    "1.23456789e-7",
    "123456789",
    "0",
  ]);
});

Deno.test("parseMetrics() reads back what serializeMetrics() wrote", () => {
  const read = parseMetrics(serializeMetrics(METRICS), "metrics.json");
  assertEquals(
    read,
    { ...METRICS, values: [{ ...METRICS.values[0], value: 66.6666667 }, METRICS.values[1]] } as Metrics,
  );
});

Deno.test("serializeMetrics() refuses numbers that are not finite and names that repeat", () => {
  const [first] = METRICS.values;
  assert(first !== undefined);
  const nan = { ...METRICS, values: [{ ...first, value: NaN }] };
  assertThrows(() => serializeMetrics(nan), TypeError, "values[0].value");
  assertThrows(
    () => serializeMetrics({ ...METRICS, values: [first, first] }),
    TypeError,
    "names must be unique",
  );
});

Deno.test("parseMetrics() refuses unknown keys and broken files in one line that names the file", () => {
  const wrong = JSON.stringify({ ...METRICS, extra: 1 });
  const error = assertThrows(() => parseMetrics(wrong, "out/metrics.json"), InputError);
  assertStringIncludes((error as Error).message, "out/metrics.json");
  assertStringIncludes((error as Error).message, "extra");
  assertThrows(() => parseMetrics("{", "out/metrics.json"), InputError, "is not JSON: out/metrics.json");
});
