/**
 * fig22 (the number is our assignment, Appendix S): token-wise magnitude of rank-1 adapters along prompt and answer.
 *
 * @module
 */
import { SegmentShares, stripRow, TEXT_SEGMENTS } from "../lib/analysis/mod.ts";
import {
  type Bench,
  type Findings,
  inTurn,
  type Reproduction,
  sharedTextMagnitudes,
} from "../lib/experiment/mod.ts";
import { figureSpec, heatMap, heatStrip, type MetricValue, tokenLabel } from "../lib/report/mod.ts";
import { adaptedLayers, ADAPTER_DIFFERENCES, INFERRED, tracedLayers } from "./_adapters.ts";
import { intervalMetric } from "./_measured.ts";
import { concentrated, magnitudeClaims } from "./_trace_claims.ts";

async function run(bench: Bench): Promise<Findings> {
  const { lab } = bench, [problem] = lab.problems(1), zoo = await bench.open("a");
  const adapters = await adaptedLayers(zoo);
  const [{ a, layers }, strip] = await inTurn([
    () => tracedLayers(bench),
    () => sharedTextMagnitudes(lab, { zoo, adapters, problem: problem as NonNullable<typeof problem> }),
  ]);
  const byLayer = layers.map(({ traces }) => {
    const shares = new SegmentShares();
    for (const { magnitudes, segments } of traces) shares.add(magnitudes, segments);
    return shares.read();
  });
  const silent = "Not applicable: the adapter adds nothing, or there is no such token.";
  const values: MetricValue[] = TEXT_SEGMENTS.flatMap((segment, s) => [
    ...layers.flatMap(({ layer }, row): MetricValue[] => {
      const read = byLayer[row]?.[s];
      const metric = (name: string, value: number | null, unit: string): MetricValue => ({
        name: `${name}.${segment}.layer_${layer}`,
        value,
        unit,
        note: value === null ? silent : undefined,
      });
      return [
        metric("share", read?.share ?? null, "share"),
        metric("concentration", read?.concentration ?? null, "ratio"),
      ];
    }),
  ]);
  const { text: whole, prompt } = concentrated(layers);
  for (const [name, read] of [["text", whole], ["prompt", prompt]] as const) {
    values.push(intervalMetric(read, {
      name: `concentration.salient.within_${name}`,
      unit: "ratio",
      note:
        "Mean |magnitude| per token of system message and question over that per token of all; mean of layers.",
      why: silent,
    }));
  }
  const claims = magnitudeClaims(layers);
  const rows = strip.rows.map((row) => [...stripRow(row) ?? row.map(() => null)]);
  const panels = [
    heatStrip({
      title: "a  One question and the base model's answer to it",
      values: rows.some((row) => row.some((value) => value !== null))
        ? rows
        : rows.map((row) => row.map(() => 0)),
      tokens: strip.tokens.map((token) => tokenLabel(a.tokenizer.tokenText(token))),
      segments: strip.segments.map(({ segment, from, to }) => ({ label: segment, from, to })),
      barTitle: "Magnitude over\nthe row's range",
    }),
    // Adapters that add nothing have no ratio to colour.
    ...(byLayer.flat().every(({ concentration }) => concentration === null) ? [] : [heatMap({
      title: "b  |Magnitude| per token over that of all tokens",
      values: TEXT_SEGMENTS.map((_, s) => byLayer.map((read) => read[s]?.concentration ?? null)),
      rowTitle: "",
      rowLabels: TEXT_SEGMENTS,
      columnTitle: "Layer",
      barTitle: "Ratio",
      cellDigits: 2,
      cell: 44,
    })]),
  ];
  const spec = figureSpec(panels, {
    title: "Magnitude of rank-1 adapters along prompt and answer",
    subtitle: [
      `${a.entry.name}, an adapter on one layer's down-projection at a time. ${INFERRED}`,
      `b: ${layers[0]?.traces.length ?? 0} answers to held-out problems under each adapter, τ = 1.`,
    ],
    columns: 1,
  });
  return { spec, values, claims };
}

/** Fig 22 (inferred): token-wise magnitude of rank-1 adapters along prompt and answer. */
export const fig22: Reproduction = {
  id: "fig22",
  slug: "adaptive-magnitude",
  title: "Magnitude of rank-1 adapters along prompt and answer",
  itemClass: "inferred",
  differences: [
    ...ADAPTER_DIFFERENCES,
    "All rows of the strip are read on one text; in the published one each row has an answer of its own, padded with NaN.",
    "Ends of turns count to the template; the published lines put them into the part before.",
  ],
  run,
};
