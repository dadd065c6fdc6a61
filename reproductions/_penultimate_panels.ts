import { type AccuracyDifference, accuracyDifference, type BenchmarkOutcomes } from "../lib/analysis/mod.ts";
import { figureSpec, headPanels, type Panel, type VegaLiteSpec } from "../lib/report/mod.ts";
import type { Sweep } from "./_penultimate_sweeps.ts";

/** What the panels are drawn of. */
interface PenultimateDrawing {
  readonly title: string;
  readonly model: string;
  /** The layer of the vector. */
  readonly penultimate: number;
  readonly decoding: "greedy" | "sampling";
  /** Of each family. */
  readonly problems: number;
  readonly sweeps: { readonly outputs: readonly Sweep[]; readonly projections: readonly Sweep[] };
  /** Paired differences by part and head; null is all heads together. */
  readonly heads: readonly (AccuracyDifference & { readonly part: string; readonly head: number | null })[];
  readonly lines: Readonly<Record<"whole" | "lastLayer" | "skipAttn" | "skipLayer", BenchmarkOutcomes>>;
  /** What four of five such runs would show. */
  readonly seen: number | null;
}

const subscript = (layer: number) =>
  [...String(layer)].map((digit) => String.fromCodePoint(0x2080 + Number(digit))).join("");

/** Three panels, what each head adds to Skip-Attn or takes from the whole vector, and how far the routes lie from there. */
function row(drawing: PenultimateDrawing, sweeps: readonly Sweep[], letter: number): readonly Panel[] {
  const { heads, lines: { whole, lastLayer, skipAttn, skipLayer }, penultimate } = drawing;
  const adds = sweeps[0]?.adds === true, from = adds ? skipAttn : whole;
  const reference = (label: string, outcomes: BenchmarkOutcomes) => ({
    label,
    value: accuracyDifference(outcomes, from).points,
  });
  const together = heads.find(({ part, head }) =>
    part.endsWith("_v") && head === null && sweeps.some(({ name }) => name === part)
  );
  return headPanels({
    series: sweeps.map(({ name, title }, at) => ({
      title: `${String.fromCodePoint("a".codePointAt(0) as number + letter + at)}  ${title}`,
      heads: heads.filter(({ part, head }) => part === name && head !== null).map((
        { head, points, low, high },
      ) => ({
        head: head as number,
        value: points,
        error: [low, high] as const,
      })),
    })),
    references: [
      reference(`s${subscript(penultimate)}`, whole),
      reference(`s${subscript(penultimate + 1)}`, lastLayer),
      reference("Skip-Attn", skipAttn),
      reference("Skip-Layer", skipLayer),
      ...(together === undefined
        ? []
        : [{ label: adds ? "All V alone" : "All but V", value: together.points }]),
    ],
    yTitle: adds ? "Accuracy minus Skip-Attn (points)" : "Accuracy minus whole (points)",
    width: 230,
    height: 220,
  });
}

/** The figure: paired differences head by head, with what a run of this size would have seen. */
export function penultimateSpec(drawing: PenultimateDrawing): VegaLiteSpec {
  const { title, model, penultimate, decoding, problems, sweeps: { outputs, projections }, seen } = drawing;
  const rows = [outputs.slice(0, 3), outputs.slice(3), projections.slice(0, 3), projections.slice(3)]
    .filter((sweeps) => sweeps.length > 0);
  const panels = rows.flatMap((sweeps, at) => row(drawing, sweeps, 3 * at));
  return figureSpec(panels, {
    title,
    subtitle: [
      `${model}, ${
        decoding === "greedy" ? "greedy" : "τ = 1"
      }, the vector of layer ${penultimate} let into parts of the last block; one training seed; ${problems} problems of each family.`,
      `Points: paired differences, bars: 95 % bootstrap. ${
        seen === null
          ? ""
          : `Four of five such runs would have seen a difference of ${seen.toFixed(1)} points. `
      }Lines: routes, from the same zero.`,
    ],
    columns: 3,
  });
}
