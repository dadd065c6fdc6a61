import { InputError } from "../core/mod.ts";
import type { MetricValue } from "./metric_value.ts";
import type { ClaimResult, Metrics } from "./metrics.ts";

/** What stands over the columns of the table of claims. */
const HEAD = [
  "claim",
  "statement",
  "verdict",
  "effect [95 % interval]",
  "items",
  "training seeds",
  "evaluation seeds",
  "on the control",
  "as it should be",
  "planted there",
  "planted absent",
  "time",
] as const;

function find(values: readonly MetricValue[], name: string): MetricValue {
  const value = values.find((candidate) => candidate.name === name);
  if (value !== undefined) return value;
  throw new InputError(`the metrics of the claims lack "${name}"`, { repair: "reproduce claims again" });
}

/** A number with three digits, which are what an interval allows. */
export function numberText(value: number): string {
  return String(Number(value.toPrecision(3))).replace("-", "−");
}

/** An effect by its name, with its interval where it has one. */
export function effectText({ effect, interval }: Pick<ClaimResult, "effect" | "interval">): string {
  if (effect.value === null) return `${effect.name}: –`;
  const ends = interval === null ? "" : ` [${numberText(interval.low)}, ${numberText(interval.high)}]`;
  return `${effect.name}: ${numberText(effect.value)}${ends} ${effect.unit}`;
}

/** Fewest to most seeds over the items of a claim. */
function seedsText(values: readonly MetricValue[]): string {
  const ends = values.flatMap(({ value, uncertainty }) =>
    value === null ? [] : uncertainty?.kind === "range" ? [uncertainty.low, uncertainty.high] : [value]
  );
  const least = Math.min(...ends), most = Math.max(...ends);
  return ends.length === 0 ? "–" : least === most ? String(least) : `${least}–${most}`;
}

/** "holds", or how many parts do; what was not measured, or cannot be read, says so. */
function sideText(value: MetricValue, verdict: string): string {
  const total = Number(/^Parts that hold, of (\d+):/.exec(value.note ?? "")?.[1]);
  return value.value === null || value.value === total || verdict === "cannot be read"
    ? verdict
    : `${value.value} of ${total} ${total === 1 ? "part holds" : "parts hold"}`;
}

/** What the decision says of planted evidence: the word that it should, or in how many draws it does. */
function plantedText(value: MetricValue | undefined): string {
  if (value === undefined) return "–";
  const [, word = "", draws = ""] = /come out as "(.+)", of (\d+)\.$/.exec(value.note ?? "") ?? [];
  return value.value === Number(draws) ? word : `${word} in ${value.value} of ${draws}`;
}

/** Whether a claim fails on its control; a claim that is open there was not found to. */
function controlText(onControl: ClaimResult | undefined): string {
  if (onControl === undefined) return "no control";
  return onControl.holds === null ? "open" : onControl.holds ? "yes" : "no";
}

/**
 * The table of claims for a document, cell by cell, its head first: made of the metrics of the item `claims`. `times`
 * says of items how long they take; an item without one gets a dash.
 *
 * @throws InputError when the metrics are not those of `claims`, or lack what the table shows.
 *
 * @example
 * ```ts
 * import { claimRows, type Metrics } from "./mod.ts";
 * const metrics: Metrics = {
 *   schemaVersion: 1, id: "claims", title: "Claims", profile: "embedded", checks: [], inputs: {}, seed: 0, device: "cpu",
 *   dtype: "float32", versions: {},
 *   claims: [{
 *     claim: "claim_9", statement: "Middle layers gain most.", holds: true, note: "fig1 middle_layers_gain_most holds.",
 *     effect: { name: "fig1: middle minus ends", value: 4, unit: "points" }, interval: { level: 0.95, low: 2, high: 6 },
 *   }],
 *   values: [
 *     { name: "verdict.claim_9.positive", value: 1, unit: "verdict", note: "holds" },
 *     { name: "verdict.claim_9.control", value: 0, unit: "verdict", note: "does not hold" },
 *     { name: "control.claim_9", value: 0, unit: "parts", note: "Parts that hold, of 3: none." },
 *     { name: "planted.claim_9.there", value: 3, unit: "draws", note: 'Draws that come out as "holds", of 3.' },
 *     { name: "seeds.claim_9.fig1.training", value: 2, unit: "seeds" },
 *     { name: "seeds.claim_9.fig1.evaluation", value: 3, unit: "seeds" },
 *   ],
 * };
 * const [, row = []] = claimRows(metrics, { times: { fig1: "40 s" } });
 * if (row.slice(2, 4).join() !== "holds,fig1: middle minus ends: 4 [2, 6] points") throw new Error(row.join());
 * if (row.slice(4).join() !== "fig1,2,3,0 of 3 parts hold,no control,holds,–,40 s") throw new Error(row.join());
 * ```
 */
export function claimRows(
  metrics: Metrics,
  options: { readonly times: Readonly<Record<string, string>> },
): readonly (readonly string[])[] {
  const { id, claims, values } = metrics;
  if (id !== "claims") {
    throw new InputError(`these are the metrics of "${id}", not of the claims`, {
      repair: "reproduce claims",
    });
  }
  const rows = claims.filter(({ claim }) => claim.startsWith("claim_")).map((claim): readonly string[] => {
    const id = claim.claim.slice("claim_".length);
    const seeds = values.filter(({ name }) => name.startsWith(`seeds.${claim.claim}.`));
    const items = claimItems(values, claim.claim);
    const word = (side: string) => find(values, `verdict.${claim.claim}.${side}`).note ?? "";
    const planted = (kind: string) =>
      plantedText(values.find(({ name }) => name === `planted.${claim.claim}.${kind}`));
    return [
      id.replace("_", " "),
      claim.statement,
      word("positive"),
      effectText(claim),
      items.join(", "),
      seedsText(seeds.filter(({ name }) => name.endsWith(".training"))),
      seedsText(seeds.filter(({ name }) => name.endsWith(".evaluation"))),
      sideText(find(values, `control.${claim.claim}`), word("control")),
      controlText(claims.find((other) => other.claim === `control_claim_${id}`)),
      planted("there"),
      planted("absent"),
      items.map((item) => options.times[item] ?? "–").join(", "),
    ].map((cell) => cell.replaceAll("|", "\\|"));
  });
  return [HEAD, ...rows];
}

/**
 * The items that decide a claim of the item `claims`, as its metrics name them.
 *
 * @example
 * ```ts
 * import { claimItems } from "./mod.ts";
 * const values = ["fig5", "fig6"].map((item) => ({ name: `seeds.claim_3.${item}.training`, value: 1, unit: "seeds" }));
 * if (claimItems(values, "claim_3").join() !== "fig5,fig6") throw new Error("two items");
 * ```
 */
export function claimItems(values: readonly MetricValue[], claim: string): readonly string[] {
  const prefix = `seeds.${claim}.`, ending = ".training";
  return values.flatMap(({ name }) =>
    name.startsWith(prefix) && name.endsWith(ending) ? [name.slice(prefix.length, -ending.length)] : []
  );
}
