import { assertEquals, assertStringIncludes } from "@std/assert";
import type { Metrics } from "../../lib/report/mod.ts";
import { documentPage, explorerPage, samplesPage, studyPage } from "../../site/mod.ts";

const METRICS: Metrics = {
  schemaVersion: 1,
  id: "fig1",
  title: "Accuracy <by> layer",
  profile: "embedded",
  values: [],
  checks: [
    { metric: "a", value: 1, expected: 1, tolerance: 0.1, verdict: "pass", source: "x" },
    { metric: "b", value: 9, expected: 1, tolerance: 0.1, verdict: "fail", source: "x" },
  ],
  claims: [{
    claim: "c",
    statement: "It holds & stays.",
    holds: false,
    effect: { name: "gain", value: -2.5, unit: "points" },
    interval: { level: 0.95, low: -4, high: -1 },
    note: "",
  }],
  inputs: { model: "ab" },
  seed: 0,
  device: "cpu",
  dtype: "float32",
  versions: { onnxruntime: "1.30.0" },
};
const run = {
  command: "deno task reproduce fig1 --size quick",
  time: "1 min 03 s",
  kept: false,
  machine: "a cpu",
};
const item = {
  title: "Accuracy <by> layer",
  itemClass: "caption",
  differences: [],
  module: "modules/fig01.ts.txt",
};

function study(claims: readonly (readonly string[])[] | null): string {
  return studyPage({
    profile: { name: "embedded", title: "the embedded zoo" },
    items: [
      { ...item, id: "fig1", result: { metrics: METRICS, run, size: [400, 300] } },
      { ...item, id: "table2", result: null },
    ],
    claims,
    tiers: "<table></table>",
  });
}

Deno.test("the study says what came of an item, and how to get one that is not there", () => {
  const text = study(null);
  for (
    const part of [
      'id="fig1"',
      "Accuracy &lt;by&gt; layer",
      "1 of 2 checks pass",
      "It holds &amp; stays.",
      "gain: −2.5 [−4, −1] points",
      'data-spec="items/fig1/spec.vl.json"',
      'width="400" height="300" loading="lazy"',
      'href="modules/fig01.ts.txt"',
      "<code>deno task reproduce fig1 --size quick</code>",
      "quick size",
      'id="table2"',
      "Not reproduced here. <code>deno task reproduce table2</code>",
      "The claims were not decided here",
    ]
  ) assertStringIncludes(text, part);
  assertEquals(text.includes("Accuracy <by>"), false);
});

Deno.test("the table of claims has a verdict, and links to its items", () => {
  const head = [
    "claim",
    "statement",
    "verdict",
    "effect [95 % interval]",
    "items",
    "on the control",
    "planted there",
    "planted absent",
  ];
  const text = study([head, [
    "3 qwen",
    "It moves \\| little.",
    "open",
    "gain: 2",
    "fig5, fig6",
    "no control",
    "holds",
    "does not hold",
  ]]);
  for (
    const part of [
      'id="claim-3-qwen"',
      "It moves | little.",
      'class="badge open"',
      '<a href="#fig5">fig5</a>',
      '<a href="#fig6">fig6</a>',
    ]
  ) {
    assertStringIncludes(text, part);
  }
});

Deno.test("pages without samples, explorer or card say so", () => {
  assertStringIncludes(
    samplesPage(null, "deno task reproduce fig1 --samples"),
    "<code>deno task reproduce fig1 --samples</code>",
  );
  assertStringIncludes(explorerPage({ missing: "The model is too large." }), "The model is too large.");
  assertStringIncludes(documentPage(null, "mine"), "The profile mine has no README.md");
});

Deno.test("no page asks another server for anything, and embedded data cannot end its element", () => {
  const index = { families: ["</script>"], conditions: [], colouredBy: "all", features: [], problems: 1 };
  const samples = samplesPage(index, "");
  assertStringIncludes(samples, "\\u003c/script>");
  for (const text of [study(null), samples, explorerPage({ missing: "" })]) {
    assertEquals([...text.matchAll(/(?:src|href)="(https?:)?\/\//g)].length, 0);
  }
});
