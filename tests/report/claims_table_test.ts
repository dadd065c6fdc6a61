import { assertEquals, assertThrows } from "@std/assert";
import { InputError } from "../../lib/core/mod.ts";
import {
  claimItems,
  type ClaimResult,
  claimRows,
  type Metrics,
  type MetricValue,
} from "../../lib/report/mod.ts";

const claim = (name: string, holds: boolean | null, value: number | null = 3.14159): ClaimResult => ({
  claim: name,
  statement: `Statement | of ${name}.`,
  holds,
  effect: { name: "fig1: an effect", value, unit: "points" },
  interval: value === null ? null : { level: 0.95, low: -1, high: 5 },
  note: "Made up.",
});
const seeds = (name: string, ends: readonly [number, number] | null): MetricValue =>
  ends === null ? { name, value: null, unit: "seeds", note: "not built" } : {
    name,
    value: ends[1],
    unit: "seeds",
    uncertainty: { kind: "range", over: "measurements", low: ends[0], high: ends[1] },
  };
const parts = (name: string, held: number | null, note: string): MetricValue => ({
  name,
  value: held,
  unit: "parts",
  note,
});

const verdicts = (claim: string, positive: string, control: string): readonly MetricValue[] => [
  { name: `verdict.${claim}.positive`, value: 1, unit: "verdict", note: positive },
  { name: `verdict.${claim}.control`, value: 1, unit: "verdict", note: control },
];
const planted = (name: string, right: number, word: string): MetricValue => ({
  name,
  value: right,
  unit: "draws",
  note: `Draws of planted evidence that come out as "${word}", of 3.`,
});

const METRICS: Metrics = {
  schemaVersion: 1,
  id: "claims",
  title: "Claims",
  profile: "embedded",
  checks: [],
  inputs: {},
  seed: 0,
  device: "cpu",
  dtype: "float32",
  versions: {},
  claims: [
    claim("claim_1", null, null),
    claim("claim_2", true),
    claim("claim_3_qwen", false),
    claim("claim_10", null),
    claim("claim_11", null),
    claim("control_claim_2", false),
    claim("control_claim_1", null, null),
    claim("control_claim_11", true),
    claim("planted_claim_2", true),
  ],
  values: [
    parts("control.claim_1", null, "table2 not built."),
    parts("control.claim_2", 2, "Parts that hold, of 2: both."),
    parts("control.claim_3_qwen", 0, "Parts that hold, of 1: none."),
    parts("control.claim_10", null, "fig2 not measured: it has none."),
    parts("control.claim_11", 1, "Parts that hold, of 2: one."),
    ...verdicts("claim_1", "not built", "not built"),
    ...verdicts("claim_2", "holds", "holds"),
    ...verdicts("claim_3_qwen", "does not hold", "does not hold"),
    ...verdicts("claim_10", "open", "not measured"),
    ...verdicts("claim_11", "cannot be read", "cannot be read"),
    planted("planted.claim_2.there", 3, "holds"),
    planted("planted.claim_2.absent", 3, "does not hold"),
    planted("planted.claim_3_qwen.there", 2, "holds"),
    seeds("seeds.claim_1.table2.training", null),
    seeds("seeds.claim_1.table2.evaluation", null),
    seeds("seeds.claim_2.fig3.training", [1, 2]),
    seeds("seeds.claim_2.fig3.evaluation", [3, 3]),
    seeds("seeds.claim_3_qwen.fig5.training", [2, 2]),
    seeds("seeds.claim_3_qwen.fig5.evaluation", [3, 3]),
    seeds("seeds.claim_3_qwen.fig6.training", [1, 1]),
    seeds("seeds.claim_3_qwen.fig6.evaluation", [1, 1]),
    seeds("seeds.claim_10.fig2.training", [2, 2]),
    seeds("seeds.claim_10.fig2.evaluation", [1, 1]),
  ],
};

Deno.test("claimRows() says verdict, effect, items, seeds, the control and the time of each claim", () => {
  const [head, ...rows] = claimRows(METRICS, {
    times: { fig3: "1 min 05 s", fig5: "9 s", fig2: "3 s (kept)" },
  });
  assertEquals(head?.length, 12);
  const effect = "fig1: an effect: 3.14 [−1, 5] points";
  const statement = (name: string) => `Statement \\| of ${name}.`;
  const none = ["–", "–", "–"];
  assertEquals(rows, [
    [
      ...["1", statement("claim_1"), "not built", "fig1: an effect: –", "table2", "–", "–"],
      ...["not built", "open", ...none],
    ],
    [
      ...["2", statement("claim_2"), "holds", effect, "fig3", "1–2", "3", "holds", "no"],
      ...["holds", "does not hold", "1 min 05 s"],
    ],
    [
      ...["3 qwen", statement("claim_3_qwen"), "does not hold", effect, "fig5, fig6", "1–2", "1–3"],
      ...["0 of 1 part holds", "no control", "holds in 2 of 3", "–", "9 s, –"],
    ],
    [
      ...["10", statement("claim_10"), "open", effect, "fig2", "2", "1", "not measured", "no control"],
      ...["–", "–", "3 s (kept)"],
    ],
    [
      "11",
      statement("claim_11"),
      "cannot be read",
      effect,
      "",
      "–",
      "–",
      "cannot be read",
      "yes",
      "–",
      "–",
      "",
    ],
  ]);
});

Deno.test("claimRows() refuses metrics of another item, and metrics that lack what it shows", () => {
  assertThrows(() => claimRows({ ...METRICS, id: "fig1" }, { times: {} }), InputError, 'metrics of "fig1"');
  for (const missing of ["control.claim_3_qwen", "verdict.claim_3_qwen.positive"]) {
    const values = METRICS.values.filter(({ name }) => name !== missing);
    assertThrows(() => claimRows({ ...METRICS, values }, { times: {} }), InputError, `lack "${missing}"`);
  }
});

Deno.test("claimItems() keeps claims apart whose numbers begin alike", () => {
  assertEquals(claimItems(METRICS.values, "claim_1"), ["table2"]);
  assertEquals(claimItems(METRICS.values, "claim_10"), ["fig2"]);
});
