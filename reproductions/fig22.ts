/**
 * fig22 (the number is our assignment, Appendix S): token-wise magnitude of rank-1 adapters along prompt and answer.
 *
 * @module
 */
import {
  meanInterval,
  SegmentShares,
  stripRow,
  TEXT_SEGMENTS,
  type TextSegment,
} from "../lib/analysis/mod.ts";
import { type Bench, type Findings, type Reproduction, sharedTextMagnitudes } from "../lib/experiment/mod.ts";
import {
  type ClaimResult,
  figureSpec,
  heatMap,
  heatStrip,
  intervalVerdict,
  type MetricValue,
  tokenLabel,
} from "../lib/report/mod.ts";
import { ADAPTER_DIFFERENCES, INFERRED, type TracedLayer, tracedLayers } from "./_adapters.ts";

/** What an instruction consists of. */
const SALIENT: readonly TextSegment[] = ["system", "question"];

/** Mean |m| on salient tokens over that on all, per text, mean of the layers; texts without magnitude are left out. */
function concentrations(
  layers: readonly TracedLayer[],
  options: { readonly within: "text" | "prompt" },
): readonly number[] {
  const texts = layers[0]?.traces.length ?? 0;
  return Array.from({ length: texts }, (_, text) => {
    const found = layers.flatMap(({ traces }) => {
      const { magnitudes, segments } = traces[text] as TracedLayer["traces"][number];
      const shares = new SegmentShares();
      shares.add(magnitudes, segments);
      const read = shares.read({ without: options.within === "prompt" ? ["answer"] : [] });
      const salient = read.filter(({ segment }) => SALIENT.includes(segment));
      const tokens = (rows: typeof read) => rows.reduce((sum, row) => sum + row.tokens, 0);
      const share = salient.reduce((sum, row) => sum + (row.share ?? 0), 0);
      return read.some((row) => row.share === null) || tokens(salient) === 0
        ? []
        : [share / (tokens(salient) / tokens(read))];
    });
    return found.length === 0 ? null : found.reduce((sum, value) => sum + value, 0) / found.length;
  }).filter((value) => value !== null);
}

async function run(bench: Bench): Promise<Findings> {
  const { lab } = bench, { a, layers } = await tracedLayers(bench);
  const [problem] = lab.problems(1);
  const strip = await sharedTextMagnitudes(lab, {
    zoo: a,
    adapters: layers,
    problem: problem as NonNullable<typeof problem>,
  });
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
        ...(value === null ? { note: silent } : {}),
      });
      return [
        metric("share", read?.share ?? null, "share"),
        metric("concentration", read?.concentration ?? null, "ratio"),
      ];
    }),
  ]);
  const effect = (within: "text" | "prompt") => {
    const found = concentrations(layers, { within });
    return found.length === 0 ? null : meanInterval(found);
  };
  const whole = effect("text"), prompt = effect("prompt");
  for (const [name, read] of [["text", whole], ["prompt", prompt]] as const) {
    values.push({
      name: `concentration.salient.within_${name}`,
      value: read?.mean ?? null,
      unit: "ratio",
      ...(read === null ? { note: silent } : {
        uncertainty: { kind: "interval" as const, level: read.level, low: read.low, high: read.high },
        note:
          "Mean |magnitude| per token of system message and question over that per token of all; mean of layers.",
      }),
    });
  }
  const claimOf = (
    claim: string,
    options: { readonly statement: string; readonly read: typeof whole; readonly of: string },
  ): ClaimResult => {
    const { statement, read, of } = options;
    return {
      claim,
      statement,
      holds: read === null ? null : intervalVerdict(read, { above: 1 }),
      effect: {
        name: `mean |magnitude| per instruction token over that per token of the ${of}`,
        value: read?.mean ?? null,
        unit: "ratio",
      },
      interval: read === null ? null : { level: read.level, low: read.low, high: read.high },
      note: read === null
        ? silent
        : "Holds when the interval over texts lies above 1, fails when it lies below.",
    };
  };
  const claims: readonly ClaimResult[] = [
    claimOf("magnitude_concentrates_on_instruction", {
      statement:
        "Magnitude concentrates on instruction-salient segments: the system message and the question.",
      read: whole,
      of: "whole text",
    }),
    claimOf("magnitude_concentrates_within_prompt", {
      statement:
        "Within the prompt, magnitude concentrates on system message and question, not on the template.",
      read: prompt,
      of: "prompt",
    }),
  ];
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
