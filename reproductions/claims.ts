/**
 * claims: the eleven claims of the paper, each decided by the items that state it, on the positive zoo and on the
 * negative control.
 *
 * @module
 */
import { InputError } from "../lib/core/mod.ts";
import { type Bench, type Findings, NotApplicable, type Reproduction } from "../lib/experiment/mod.ts";
import { type ClaimResult, figureSpec, type MetricValue, textTable } from "../lib/report/mod.ts";
import { type ClaimSource, PAPER_CLAIMS, type PaperClaim } from "./_paper_claims.ts";

/** What an item said, and how many seeds that rests on; or why it said nothing. */
type Outcome =
  | { readonly claims: readonly ClaimResult[]; readonly training: SeedRange; readonly evaluation: SeedRange }
  | { readonly absent: string };

/** Fewest and most seeds of any of an item's measurements; null where none was made. */
type SeedRange = readonly [least: number, most: number] | null;

/** One part of a claim: what an item claims, or that it said nothing. */
interface Part {
  readonly item: string;
  readonly result: ClaimResult | null;
  /** Why there is no result. */
  readonly absent: string | null;
}

/** A claim as measured on one model. */
interface Verdict {
  readonly holds: boolean | null;
  /** Whether every part was measured. */
  readonly measured: boolean;
  readonly parts: readonly Part[];
  /** The part that decides: the first that fails, else the first that is open, else the first. */
  readonly deciding: Part;
}

/** How a verdict is said. */
const WORDS = { true: "holds", false: "does not hold", null: "open" } as const;
const wordOf = (holds: boolean | null) => WORDS[`${holds}`];

function rangeOf(counts: readonly number[]): SeedRange {
  return counts.length === 0 ? null : [Math.min(...counts), Math.max(...counts)];
}

/** Training seeds of each run among the inputs of a measurement: "vectors.base-a.layer-3.seed-1". */
function trainingSeeds(inputs: Readonly<Record<string, string>>): readonly number[] {
  const counts = new Map<string, number>();
  for (const name of Object.keys(inputs)) {
    const run = /^(.+)\.seed-\d+$/.exec(name)?.[1];
    if (run !== undefined) counts.set(run, (counts.get(run) ?? 0) + 1);
  }
  return [...counts.values()];
}

/** Runs items, each once, whatever how many claims ask for it. */
function runnerOf(items: readonly Reproduction[], bench: Bench, onFault: "throw" | "absent") {
  const outcomes = new Map<string, Promise<Outcome>>();
  const run = async (id: string): Promise<Outcome> => {
    const item = items.find((candidate) => candidate.id === id);
    if (item === undefined) return { absent: "not built" };
    const lab = bench.lab.part();
    try {
      const { claims } = await item.run({ ...bench, lab });
      return {
        claims,
        training: rangeOf(trainingSeeds(lab.inputs)),
        evaluation: rangeOf(lab.evaluationSeedCounts),
      };
    } catch (error) {
      // What the profile or the control lacks is said; everything else is a fault.
      const isAbsent = error instanceof NotApplicable || onFault === "absent";
      if (!isAbsent || !(error instanceof InputError)) throw error;
      return { absent: `not measured: ${error.what}` };
    }
  };
  return (id: string): Promise<Outcome> => {
    const outcome = outcomes.get(id) ?? run(id);
    outcomes.set(id, outcome);
    return outcome;
  };
}

function partsOf(
  source: ClaimSource,
  outcome: Outcome,
  asked: readonly string[] | undefined,
): readonly Part[] {
  const { item } = source;
  if ("absent" in outcome) return [{ item, result: null, absent: outcome.absent }];
  const names = asked ?? outcome.claims.map(({ claim }) => claim);
  return names.map((name): Part => {
    const result = outcome.claims.find(({ claim }) => claim === name);
    if (result === undefined) {
      const known = outcome.claims.map(({ claim }) => claim).join(", ");
      throw new RangeError(`Cannot read claim "${name}" of ${item} as it must be one of ${known}`);
    }
    return { item, result, absent: null };
  });
}

function verdictOf(parts: readonly Part[]): Verdict {
  const holds = parts.map(({ result }) => result?.holds ?? null);
  const all = holds.includes(false) ? false : holds.includes(null) ? null : true;
  const first = holds.indexOf(all);
  return {
    holds: all,
    measured: parts.every(({ absent }) => absent === null),
    parts,
    deciding: parts[first] as Part,
  };
}

/** "fig3 last_layer_boosts_opener holds", for every part. */
function partsText({ parts }: Verdict): string {
  return parts.map(({ item, result, absent }) =>
    result === null ? `${item} ${absent}` : `${item} ${result.claim} ${wordOf(result.holds)}`
  ).join("; ");
}

const holding = ({ parts }: Verdict): number => parts.filter(({ result }) => result?.holds === true).length;

/** "holds", or how far it does; "not measured" where no part was. */
function verdictText(verdict: Verdict): string {
  const { parts, holds } = verdict;
  const absent = parts.filter((part) => part.absent !== null);
  if (absent.length === parts.length) return absent[0]?.absent === "not built" ? "not built" : "not measured";
  const known = parts.length === 1 ? "" : ` (${holding(verdict)} of ${parts.length} parts)`;
  return holds === true ? "holds" : `${wordOf(holds)}${known}`;
}

/** Whether a claim fails where its mechanism is lacking; null where it need not, or was not measured. */
function failsAsItShould({ lacking }: PaperClaim, onControl: Verdict): boolean | null {
  if (lacking !== true) return null;
  if (onControl.holds === true) return false;
  return onControl.holds === false || onControl.measured ? true : null;
}

interface Row {
  readonly claim: PaperClaim;
  readonly positive: Verdict;
  readonly control: Verdict;
  readonly asItShould: boolean | null;
  /** What each of its items said on the positive zoo. */
  readonly outcomes: readonly (readonly [item: string, outcome: Outcome])[];
}

function partValues(prefix: string, verdict: Verdict): readonly MetricValue[] {
  const absent = (note: string): MetricValue[] => [{ name: prefix, value: null, unit: "parts", note }];
  if (verdict.parts.every((part) => part.absent !== null)) return absent(`${partsText(verdict)}.`);
  return [{
    name: prefix,
    value: holding(verdict),
    unit: "parts",
    note: `Parts that hold, of ${verdict.parts.length}: ${partsText(verdict)}.`,
  }];
}

function valuesOf(rows: readonly Row[]): readonly MetricValue[] {
  const count = (name: string, test: (row: Row) => boolean, note?: string): MetricValue => ({
    name,
    value: rows.filter(test).length,
    unit: "claims",
    ...(note === undefined ? {} : { note }),
  });
  const unknown = (verdict: Verdict) => verdict.parts.some((part) => part.absent !== null);
  const counts = (side: "positive" | "control") => [
    count(`${side}.hold`, (row) => row[side].holds === true),
    count(`${side}.fail`, (row) => row[side].holds === false),
    count(`${side}.open`, (row) => row[side].holds === null && !unknown(row[side])),
    count(`${side}.not_measured`, (row) => row[side].holds === null && unknown(row[side])),
  ];
  return [
    ...counts("positive"),
    ...counts("control"),
    count(
      "control.as_it_should",
      (row) => row.asItShould === true,
      "Claims that must not hold there, and do not.",
    ),
    count("control.against", (row) => row.asItShould === false, "Claims that must not hold there, and do."),
    ...rows.flatMap(({ claim: { number }, positive, control, outcomes }): MetricValue[] => [
      ...partValues(`positive.claim_${number}`, positive),
      ...partValues(`control.claim_${number}`, control),
      ...outcomes.flatMap(([item, outcome]) =>
        (["training", "evaluation"] as const).map((kind): MetricValue => {
          const range = "absent" in outcome ? null : outcome[kind];
          const name = `seeds.claim_${number}.${item}.${kind}`;
          if (range === null) {
            const note = "absent" in outcome ? outcome.absent : "Nothing of the kind was measured.";
            return { name, value: null, unit: "seeds", note };
          }
          const uncertainty = { kind: "range", over: "measurements", low: range[0], high: range[1] } as const;
          return { name, value: range[1], unit: "seeds", uncertainty };
        })
      ),
    ]),
  ];
}

function claimsOf(rows: readonly Row[]): readonly ClaimResult[] {
  const positive = rows.map(({ claim, positive }): ClaimResult => {
    const { item, result } = positive.deciding;
    return {
      claim: `claim_${claim.number}`,
      statement: claim.statement,
      holds: positive.holds,
      effect: result === null
        ? { name: `${item}`, value: null, unit: "" }
        : { ...result.effect, name: `${item}: ${result.effect.name}` },
      interval: result?.interval ?? null,
      note: `${partsText(positive)}. The effect is that of the part that decides.`,
    };
  });
  const control = rows.filter(({ claim }) => claim.lacking === true).map((row): ClaimResult => {
    const { claim: { number, because }, control, asItShould } = row;
    return {
      claim: `control_claim_${number}`,
      statement: `Claim ${number} does not hold on the control, which lacks its mechanism.`,
      holds: asItShould,
      effect: {
        name: `parts of claim ${number} that hold on the control, of ${control.parts.length}`,
        value: asItShould === null ? null : holding(control),
        unit: "parts",
      },
      interval: null,
      note: `Lacking as ${because}. A part that is open does not hold. ${partsText(control)}.`,
    };
  });
  return [...positive, ...control];
}

/** An effect as a table shows it: "12.3 [10.1, 14.5] points". */
function effectText({ result }: Part): string {
  if (result === null || result.effect.value === null) return "–";
  const number = (value: number) => String(Number(value.toPrecision(3))).replace("-", "−");
  const { effect: { value, unit }, interval } = result;
  const ends = interval === null ? "" : ` [${number(interval.low)}, ${number(interval.high)}]`;
  return `${number(value)}${ends} ${unit}`;
}

/** "2" or "1–3"; "–" where nothing is known. */
function seedsText(row: Row, kind: "training" | "evaluation"): string {
  const counts = row.outcomes.flatMap(([, outcome]) => "absent" in outcome ? [] : outcome[kind] ?? []);
  const range = rangeOf(counts);
  return range === null ? "–" : range[0] === range[1] ? String(range[0]) : `${range[0]}–${range[1]}`;
}

function panelOf(rows: readonly Row[]) {
  return textTable({
    columns: [
      { title: "" },
      { title: "Claim", mostWidth: 360 },
      { title: "Verdict", mostWidth: 110 },
      { title: "Decided by", mostWidth: 230 },
      { title: "Effect", mostWidth: 150 },
      { title: "Training seeds", mostWidth: 70 },
      { title: "Evaluation seeds", mostWidth: 80 },
      { title: "On the control", mostWidth: 110 },
      { title: "Control lacks the mechanism", mostWidth: 110 },
      { title: "As it should be", mostWidth: 80 },
    ],
    rows: rows.map((row) => {
      const { claim, positive, control, asItShould } = row;
      const { item, result } = positive.deciding;
      return {
        cells: [
          String(claim.number),
          claim.statement,
          verdictText(positive),
          result === null ? item : `${item}: ${result.effect.name}`,
          effectText(positive.deciding),
          seedsText(row, "training"),
          seedsText(row, "evaluation"),
          verdictText(control),
          claim.lacking === null ? "perhaps" : claim.lacking ? "yes" : "no",
          asItShould === null ? "–" : asItShould ? "yes" : "no",
        ],
      };
    }),
  });
}

async function run(items: readonly Reproduction[], { lab, roles, open }: Bench): Promise<Findings> {
  // A control that is not there is found before anything is measured; a profile may have none.
  const control = roles.includes("control") ? await open("control") : null;
  const onPositive = runnerOf(items, { lab, roles, open }, "throw");
  const onControl = runnerOf(items, {
    lab,
    roles,
    open: async (role) => {
      if (role !== "a") return await open(role);
      if (control === null) throw new NotApplicable("the profile has no control");
      return control;
    },
  }, "absent");
  const rows: Row[] = [];
  for (const claim of PAPER_CLAIMS) {
    const positive: Part[] = [], there: Part[] = [];
    const outcomes: [string, Outcome][] = [];
    for (const source of claim.sources) {
      const { item, claims, onControl: asked = claims, notOnControl } = source;
      const outcome = await onPositive(item);
      outcomes.push([item, outcome]);
      positive.push(...partsOf(source, outcome, claims));
      const measured = notOnControl === undefined || "absent" in outcome
        ? await onControl(item)
        : { absent: `not measured: ${notOnControl}` };
      there.push(...partsOf(source, measured, asked));
    }
    const verdict = verdictOf(there);
    rows.push({
      claim,
      positive: verdictOf(positive),
      control: verdict,
      asItShould: failsAsItShould(claim, verdict),
      outcomes,
    });
  }
  return {
    spec: figureSpec([panelOf(rows)], {
      title: "The paper's claims on the embedded zoo",
      subtitle: [
        "A claim holds when all of its parts do; effect and interval (95 %) are those of the part that decides. The control is a model",
        "without the paper's mechanisms: a claim whose mechanism it lacks must not hold there.",
      ],
    }),
    values: valuesOf(rows),
    claims: claimsOf(rows),
  };
}

/** The claims table over the items that decide the claims; modules do not import each other, so it is given them. */
export function claimsItem(items: readonly Reproduction[]): Reproduction {
  return {
    id: "claims",
    slug: "claims-table",
    title: "The paper's claims on the embedded zoo",
    itemClass: "caption",
    differences: [
      "Every claim has a criterion with an interval, where the paper argues from its figures.",
      "Every claim is tested on a negative control too, which the paper has none of.",
    ],
    run: (bench) => run(items, bench),
  };
}
