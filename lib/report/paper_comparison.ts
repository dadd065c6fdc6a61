import type { MetricValue } from "./metric_value.ts";
import type { SourceClass } from "./_source_class.ts";
import type { PaperItem } from "./paper.ts";

/** One of the paper's numbers beside ours of the same name. */
export interface PaperNumber {
  /** Name of the metric. */
  readonly metric: string;
  /** Unit of both. */
  readonly unit: string;
  /** Our number; null when it is not applicable. */
  readonly ours: number | null;
  /** The paper's number; null when it is not known. */
  readonly paper: number | null;
  /** The paper's ± over evaluation seeds; null when it is not known. */
  readonly std: number | null;
  /** How the paper's number is known; null when it is not. */
  readonly source: SourceClass | null;
}

/** The paper's numbers of one table or figure beside ours. They are shown, never compared: the models differ. */
export interface PaperComparison {
  /** The model that the paper's numbers are of. */
  readonly model: string;
  /** One entry per metric that both have, in our order. */
  readonly numbers: readonly PaperNumber[];
}

/** A metric of one layer by its index. */
const OF_LAYER = /(?:^|\.)layer_\d+(?:\.|$)/;

/**
 * Sets the paper's numbers beside ours of the same name and unit. `layers: "other"` says that our model has another
 * number of layers than the paper's: metrics named by a layer's index are left out, as one index then means two depths.
 *
 * @throws RangeError when a number of ours has another unit than the paper's.
 *
 * @example
 * ```ts
 * import { compareWithPaper, readPaperItem } from "./mod.ts";
 * const item = await readPaperItem("./fixtures/paper/fig1.json", { item: "fig1" });
 * const values = [{ name: "accuracy.all_layers", value: 90, unit: "%" }];
 * const { numbers: [all] } = compareWithPaper(values, item, { layers: "other" });
 * if (all?.ours !== 90 || all.paper !== 42.9) throw new Error("both numbers expected");
 * ```
 */
export function compareWithPaper(
  values: readonly MetricValue[],
  item: PaperItem,
  options: { readonly layers: "same" | "other" },
): PaperComparison {
  const known = new Map(item.values.map((value) => [value.name, value]));
  const numbers = values.flatMap(({ name, value, unit }): PaperNumber[] => {
    const paper = known.get(name);
    if (paper === undefined || (options.layers === "other" && OF_LAYER.test(name))) return [];
    if (paper.unit !== unit) {
      throw new RangeError(
        `Cannot set "${name}" beside the paper's as units must be equal: ours is ${unit}, the paper's ${paper.unit}`,
      );
    }
    return [{ metric: name, unit, ours: value, paper: paper.value, std: paper.std, source: paper.source }];
  });
  return { model: item.model, numbers };
}

function number(value: number): string {
  return String(Number(value.toPrecision(4)));
}

/**
 * The paper's numbers beside ours as lines for a terminal. A number of the paper that is not attested is "not known".
 *
 * @example
 * ```ts
 * import { formatPaperTable } from "./mod.ts";
 * const row = { metric: "accuracy.base", unit: "%", ours: 40, paper: 14.3, std: 1.7, source: "code" } as const;
 * const [head, line] = formatPaperTable({ model: "M", numbers: [row] }).split("\n");
 * if (head !== "metric         ours  paper (M)") throw new Error(head);
 * if (line !== "accuracy.base  40 %  14.3 ± 1.7 % (code)") throw new Error(line);
 * ```
 */
export function formatPaperTable(comparison: PaperComparison): string {
  const rows = comparison.numbers.map(({ metric, unit, ours, paper, std, source }) => [
    metric,
    ours === null ? "not applicable" : `${number(ours)} ${unit}`,
    paper === null
      ? "not known"
      : `${number(paper)}${std === null ? "" : ` ± ${number(std)}`} ${unit} (${source})`,
  ]);
  const lines = [["metric", "ours", `paper (${comparison.model})`], ...rows];
  const width = (column: number) => Math.max(...lines.map((line) => (line[column] ?? "").length));
  const widths = [width(0), width(1)];
  return lines.map((line) =>
    line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd()
  ).join("\n");
}
