import { assertEquals, assertThrows } from "@std/assert";
import {
  compareWithPaper,
  formatPaperTable,
  type Metrics,
  type PaperItem,
  parseMetrics,
  serializeMetrics,
} from "../../lib/report/mod.ts";

const known = (name: string, value: number, std: number | null) =>
  ({ name, what: name, value, unit: "%", std, source: "code" }) as const;
const ITEM: PaperItem = {
  schemaVersion: 1,
  item: "fig9",
  title: "A figure",
  paper: { arxiv: "0", version: null, code: "none" },
  model: "Large",
  values: [
    known("accuracy.base", 14.3, 1.7),
    known("accuracy.all", 42.9, null),
    known("accuracy.layer_3", 30, null),
    { name: "shift", what: "shift", value: null, unit: "probability", std: null, source: null },
  ],
  statements: [],
};
const VALUES = [
  { name: "shift", value: 0.25, unit: "probability" },
  { name: "accuracy.base", value: 40.123456, unit: "%" },
  { name: "accuracy.all", value: null, unit: "%" },
  { name: "accuracy.layer_3", value: 50, unit: "%" },
  { name: "ours alone", value: 1, unit: "texts" },
];

Deno.test("compareWithPaper() pairs by name, in our order, and leaves layers of another model out", () => {
  const { model, numbers } = compareWithPaper(VALUES, ITEM, { layers: "other" });
  assertEquals(model, "Large");
  assertEquals(numbers, [
    { metric: "shift", unit: "probability", ours: 0.25, paper: null, std: null, source: null },
    { metric: "accuracy.base", unit: "%", ours: 40.123456, paper: 14.3, std: 1.7, source: "code" },
    { metric: "accuracy.all", unit: "%", ours: null, paper: 42.9, std: null, source: "code" },
  ]);
  const same = compareWithPaper(VALUES, ITEM, { layers: "same" }).numbers;
  assertEquals(same.at(-1), {
    metric: "accuracy.layer_3",
    unit: "%",
    ours: 50,
    paper: 30,
    std: null,
    source: "code",
  });
});

Deno.test("compareWithPaper() refuses numbers of different units", () => {
  const shares = VALUES.map((value) => ({ ...value, unit: "share" }));
  assertThrows(
    () => compareWithPaper(shares, ITEM, { layers: "same" }),
    RangeError,
    "Cannot set \"shift\" beside the paper's as units must be equal: ours is share, the paper's probability",
  );
});

Deno.test("formatPaperTable() says what is not known and what is not applicable", () => {
  assertEquals(formatPaperTable(compareWithPaper(VALUES, ITEM, { layers: "other" })).split("\n"), [
    "metric         ours              paper (Large)",
    "shift          0.25 probability  not known",
    "accuracy.base  40.12 %           14.3 ± 1.7 % (code)",
    "accuracy.all   not applicable    42.9 % (code)",
  ]);
});

Deno.test("metrics keep the paper's numbers through a file", () => {
  const paper = compareWithPaper([{ name: "accuracy.base", value: 40, unit: "%" }], ITEM, {
    layers: "other",
  });
  const metrics: Metrics = {
    schemaVersion: 1,
    id: "fig9",
    title: "A figure",
    profile: "embedded",
    values: [],
    checks: [],
    claims: [],
    paper,
    inputs: {},
    seed: 0,
    device: "cpu",
    dtype: "float32",
    versions: {},
  };
  assertEquals(parseMetrics(serializeMetrics(metrics), "metrics.json").paper, paper);
});
