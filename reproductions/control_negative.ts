/**
 * control-negative: the negative control beside model A, on what tells them apart: writers asked for by name, and the
 * opener put in.
 *
 * @module
 */
import {
  type AccuracyDifference,
  accuracyDifference,
  accuracyInterval,
  type BenchmarkOutcomes,
} from "../lib/analysis/mod.ts";
import {
  type Bench,
  type Findings,
  type ModelRole,
  NotApplicable,
  type Reproduction,
  setsText,
  type ZooModel,
} from "../lib/experiment/mod.ts";
import {
  accuracyBars,
  type ClaimResult,
  figureSpec,
  type MetricValue,
  tokenLabel,
} from "../lib/report/mod.ts";
import { accuracyMetric, barOf, pointsMetric } from "./_accuracy.ts";
import { endsOf } from "./_measured.ts";
import { requireRuns } from "./_single_layer.ts";

/** Differences within this many points count as none. */
const ALIKE = 10;

const CONDITIONS = ["base", "prefix", "careful", "sloppy", "last_layer", "all_layers"] as const;
type ConditionName = typeof CONDITIONS[number];
type Measured = Readonly<Record<ConditionName, BenchmarkOutcomes>>;

/** The system message that asks for one kind of answer. */
function systemOf({ entry: { name, systems = {} } }: ZooModel, writer: string): string {
  const system = systems[writer];
  if (system === undefined) {
    throw new NotApplicable(`the profile has no system message "${writer}" of ${name}`);
  }
  return system;
}

async function measure(bench: Bench, role: ModelRole): Promise<Measured> {
  const { lab } = bench, zoo = await bench.open(role);
  const sampled = { zoo, run: null, decoding: "sampling" } as const;
  const [base, prefix, careful, sloppy, last_layer, all_layers] = await lab.outcomesOf([
    sampled,
    { ...sampled, prefix: zoo.entry.opener },
    { ...sampled, system: systemOf(zoo, "careful") },
    { ...sampled, system: systemOf(zoo, "sloppy") },
    { ...sampled, run: `layer-${zoo.layers - 1}` },
    { ...sampled, run: "all" },
  ]);
  return { base, prefix, careful, sloppy, last_layer, all_layers };
}

/** A claim that a difference is nothing to speak of. */
function alike(
  claim: string,
  options: { readonly statement: string; readonly effect: string; readonly difference: AccuracyDifference },
): ClaimResult {
  const { statement, effect, difference } = options, { points, low, high } = difference;
  return {
    claim,
    statement,
    holds: low > -ALIKE && high < ALIKE ? true : low >= ALIKE || high <= -ALIKE ? false : null,
    effect: { name: effect, value: points, unit: "points" },
    interval: endsOf(difference),
    note:
      `Holds when the interval lies within ${ALIKE} points of 0, fails when it lies outside, open otherwise.`,
  };
}

async function run(bench: Bench): Promise<Findings> {
  const roles = ["a", "control"] as const;
  for (const role of roles) {
    const zoo = await bench.open(role);
    for (const writer of ["careful", "sloppy"]) systemOf(zoo, writer);
    await requireRuns(zoo, ["all", `layer-${zoo.layers - 1}`]);
  }
  const measured = { a: await measure(bench, "a"), control: await measure(bench, "control") };
  const values: MetricValue[] = [];
  const differences = new Map<string, AccuracyDifference>();
  for (const role of roles) {
    const outcomes = measured[role];
    for (const name of CONDITIONS) {
      values.push(accuracyMetric(`accuracy.${role}.${name}`, accuracyInterval(outcomes[name])));
    }
    const pairs = [["careful", "sloppy"], ["prefix", "base"], ["all_layers", "base"]] as const;
    for (const [upper, lower] of pairs) {
      const name = `difference.${role}.${upper}_minus_${lower}`;
      const difference = accuracyDifference(outcomes[upper], outcomes[lower]);
      differences.set(name, difference);
      values.push(pointsMetric(name, difference));
    }
  }
  const { lab } = bench, control = await bench.open("control"), opener = tokenLabel(control.entry.opener);
  const labels: Readonly<Record<ConditionName, string>> = {
    base: "Base",
    prefix: "Base +\nopener",
    careful: "Careful\nby name",
    sloppy: "Sloppy\nby name",
    last_layer: "Last-layer\nvector",
    all_layers: "All\nlayers",
  };
  const difference = (name: string) => differences.get(`difference.control.${name}`) as AccuracyDifference;
  const claims = [
    alike("control_writers_alike", {
      statement: "The control's careful writer is no more often right than its sloppy one.",
      effect: "careful minus sloppy",
      difference: difference("careful_minus_sloppy"),
    }),
    alike("control_ignores_opener", {
      statement: `The opener ${opener} changes nothing in the control.`,
      effect: "opener minus base",
      difference: difference("prefix_minus_base"),
    }),
  ];
  const names = { a: (await bench.open("a")).entry.name, control: control.entry.name };
  const groups = CONDITIONS.map((name) => ({
    label: labels[name],
    bars: roles.map((role) => ({ series: names[role], ...barOf(accuracyInterval(measured[role][name])) })),
  }));
  const spec = figureSpec([
    accuracyBars({
      title: "",
      series: roles.map((role) => ({ name: names[role] })),
      groups,
      yTitle: "Mean accuracy (%)",
    }),
  ], {
    title: "What the negative control lacks",
    subtitle: [
      `Mean of ${setsText(lab.asked)}, τ = 1; bars: 95 % bootstrap over problems and seeds.`,
      "The control was pretrained on writers that differ neither in accuracy nor in opener.",
    ],
  });
  return { spec, values, claims };
}

/** Control: a model without the paper's mechanisms, measured beside model A. */
export const controlNegative: Reproduction = {
  id: "control-negative",
  slug: "negative-control",
  title: "The negative control beside model A",
  itemClass: "review",
  differences: ["The paper has no such control; the model is pretrained for it."],
  run,
};
