import type { Rounding } from "../report/mod.ts";
import type { StudySize } from "./study_size.ts";

/** Units of counts, and of settings that are whole numbers. */
const COUNTS: readonly string[] = [
  "answers",
  "bytes",
  "cases",
  "claims",
  "completions",
  "draws",
  "families",
  "features",
  "layers",
  "operations",
  "pairs",
  "parameters",
  "parts",
  "problems",
  "rank",
  "rows",
  "samples",
  "seeds",
  "steps",
  "texts",
  "tokens",
];
/** Units of what says which one, and not how much. */
const IDENTITIES: readonly string[] = ["index", "verdict"];
/** Units of settings that are real numbers: as they are, but for the digits that are written. */
const SETTINGS: readonly string[] = ["adjoint", "norm", "per step", "reward"];
/** Units of real numbers: means over answers or texts, ratios of such, and what is read off weights alone. */
const REALS: readonly string[] = [
  "%",
  "% of tokens",
  "activation",
  "correlation",
  "cosine",
  "dimensions",
  "features per position",
  "length",
  "logits",
  "nats",
  "orders",
  "points",
  "probability",
  "ratio",
  "share",
  "share of attention",
  "squared adjoint",
  "standardised moment",
  "weight",
  "z",
];
/** Units of means over answers, and of what is made of such means. */
const OF_ANSWERS: readonly string[] = ["%", "points"];
const OF_SIZE = 1e-4;

/** How far values may move at equal seeds, by unit, in a study of so many problem sets. */
export function roundingOf(
  size: StudySize,
  options: { readonly sets: number },
): (unit: string) => Rounding | null {
  return (unit) => {
    if (IDENTITIES.includes(unit)) {
      return { ofError: 0, ofSize: 0, identity: true, reason: "which one it is" };
    }
    if (COUNTS.includes(unit)) return { ofError: 0, ofSize: 0, reason: "a count" };
    if (SETTINGS.includes(unit)) {
      return { ofError: 0, ofSize: 1e-8, reason: "a setting, written with nine digits" };
    }
    if (!REALS.includes(unit)) return null;
    const fewest = OF_ANSWERS.includes(unit) ? options.sets * size.swept : size.read;
    return { ofError: 2 / Math.sqrt(fewest), ofSize: OF_SIZE, reason: `one of ${fewest} answers forks` };
  };
}

/**
 * What kind of measurement a metric is: accuracies of one item are one kind, since they are means over the same
 * problems and about as many answers; otherwise metrics whose names differ in numbers alone.
 */
export function metricKind(metric: string, unit: string): string {
  if (unit === "%" && metric.startsWith("accuracy.")) return "accuracy %";
  return `${metric.replaceAll(/\d+/g, "#")} ${unit}`;
}
