import type { ClaimResult, MetricValue } from "../lib/report/mod.ts";
import {
  type ClaimPart,
  type ClaimVerdict,
  type StatedClaims,
  VERDICTS,
  type VerdictWord,
  wordOf,
} from "./_claim_verdicts.ts";
import type { PaperClaim } from "./_paper_claims.ts";
import { PLANTED_KINDS, type PlantedKind } from "./_planted_outcomes.ts";

/** Fewest and most seeds of any of an item's measurements; null where none was made. */
export type SeedRange = readonly [least: number, most: number] | null;

/** A claim with everything that was found of it. */
export interface ClaimRow {
  readonly claim: PaperClaim;
  readonly positive: ClaimVerdict;
  readonly control: ClaimVerdict;
  /** Whether it fails on a control where it must; null where it need not, and where it is open there. */
  readonly asItShould: boolean | null;
  /** What each of its items said on the positive zoo. */
  readonly outcomes: readonly (readonly [
    item: string,
    outcome: StatedClaims & { readonly training: SeedRange; readonly evaluation: SeedRange },
  ])[];
  /** What its decision said of each draw of planted evidence; null where nothing decides it. */
  readonly planted: { readonly [Kind in PlantedKind]: readonly ClaimVerdict[] } | null;
}

/** What a decision should say of each kind of planted evidence. */
const SHOULD: { readonly [Kind in PlantedKind]: VerdictWord } = {
  there: "holds",
  absent: "does not hold",
  weak: "open",
};

/** The ends of some counts. */
export function rangeOf(counts: readonly number[]): SeedRange {
  return counts.length === 0 ? null : [Math.min(...counts), Math.max(...counts)];
}

/** "fig3 last_layer_boosts_opener holds", for every part. */
function partsText({ parts }: ClaimVerdict): string {
  return parts.map((part) => {
    const { item, result, absent } = part;
    return [item, ...(result === null ? [absent] : [result.claim, wordOf(part)])].join(" ").trim();
  }).join("; ");
}

const holding = ({ parts }: ClaimVerdict): number =>
  parts.filter(({ result }) => result?.holds === true).length;
const isAbsent = ({ parts }: ClaimVerdict): boolean => parts.every(({ absent }) => absent !== null);

/** "holds", or how far it does; "not measured" where no part was. */
export function verdictText(verdict: ClaimVerdict): string {
  const { parts, holds, word } = verdict;
  if (holds === true || parts.length === 1 || isAbsent(verdict)) return word;
  return `${word} (${holding(verdict)} of ${parts.length} parts)`;
}

/** How many draws of planted evidence came out as they should. */
function rightDraws({ planted }: ClaimRow, kind: PlantedKind): number {
  return (planted?.[kind] ?? []).filter(({ word }) => word === SHOULD[kind]).length;
}

/** "holds", or in how many draws it does. */
export function plantedText(row: ClaimRow, kind: PlantedKind): string {
  const draws = row.planted?.[kind].length ?? 0, right = rightDraws(row, kind);
  return draws === 0 ? "–" : right === draws ? SHOULD[kind] : `${SHOULD[kind]} in ${right} of ${draws}`;
}

function sideValues(side: "positive" | "control", row: ClaimRow): readonly MetricValue[] {
  const verdict = row[side], { id } = row.claim;
  const count = { name: `${side}.claim_${id}`, unit: "parts" };
  return [
    isAbsent(verdict) ? { ...count, value: null, note: `${partsText(verdict)}.` } : {
      ...count,
      value: holding(verdict),
      note: `Parts that hold, of ${verdict.parts.length}: ${partsText(verdict)}.`,
    },
    {
      name: `verdict.claim_${id}.${side}`,
      value: VERDICTS.indexOf(verdict.word),
      unit: "verdict",
      note: verdict.word,
    },
  ];
}

function seedValues({ claim: { id }, outcomes }: ClaimRow): readonly MetricValue[] {
  return outcomes.flatMap(([item, outcome]) =>
    (["training", "evaluation"] as const).map((kind): MetricValue => {
      const range = outcome[kind], name = `seeds.claim_${id}.${item}.${kind}`;
      if (range === null) {
        const note = "absent" in outcome ? outcome.absent : "Nothing of the kind was measured.";
        return { name, value: null, unit: "seeds", note };
      }
      const uncertainty = { kind: "range", over: "measurements", low: range[0], high: range[1] } as const;
      return { name, value: range[1], unit: "seeds", uncertainty };
    })
  );
}

/** Every verdict by its name, and how many of each there are. */
export function valuesOf(rows: readonly ClaimRow[]): readonly MetricValue[] {
  const count = (name: string, test: (row: ClaimRow) => boolean, note?: string): MetricValue => ({
    name,
    value: rows.filter(test).length,
    unit: "claims",
    ...(note === undefined ? {} : { note }),
  });
  const counts = (side: "positive" | "control") => {
    const words = (name: string, ...of: readonly VerdictWord[]) =>
      count(`${side}.${name}`, (row) => of.includes(row[side].word));
    return [
      words("hold", "holds"),
      words("fail", "does not hold"),
      words("open", "open"),
      words("cannot_be_read", "cannot be read"),
      words("not_measured", "not measured", "not built"),
    ];
  };
  return [
    ...counts("positive"),
    ...counts("control"),
    count(
      "control.as_it_should",
      (row) => row.asItShould === true,
      "Claims that must fail on their control, and do; one that is open there does not count.",
    ),
    count("control.against", (row) => row.asItShould === false, "Claims that must fail there, and hold."),
    ...rows.flatMap((row) => [
      ...sideValues("positive", row),
      ...sideValues("control", row),
      ...(row.planted === null ? [] : PLANTED_KINDS.map((kind): MetricValue => ({
        name: `planted.claim_${row.claim.id}.${kind}`,
        value: rightDraws(row, kind),
        unit: "draws",
        note: `Draws of planted evidence that come out as "${SHOULD[kind]}", of ${
          row.planted?.[kind].length
        }.`,
      }))),
      ...seedValues(row),
    ]),
  ];
}

function positiveClaim({ claim, positive }: ClaimRow): ClaimResult {
  const { item, result } = positive.deciding, unreadable = result?.unreadable;
  return {
    claim: `claim_${claim.id}`,
    statement: claim.statement,
    holds: positive.holds,
    ...(unreadable === undefined ? {} : { unreadable }),
    effect: result === null
      ? { name: item === "" ? "no item" : item, value: null, unit: "" }
      : { ...result.effect, name: `${item}: ${result.effect.name}` },
    interval: result?.interval ?? null,
    note: `${partsText(positive)}. The effect is that of the part that decides.`,
  };
}

function controlClaim({ claim, control, asItShould }: ClaimRow): ClaimResult {
  return {
    claim: `control_claim_${claim.id}`,
    statement: `Claim ${claim.id} does not hold on its control.`,
    holds: asItShould,
    effect: {
      name: `parts of claim ${claim.id} that hold on its control, of ${control.parts.length}`,
      value: asItShould === null ? null : holding(control),
      unit: "parts",
    },
    interval: null,
    note: `It must not, as ${claim.control.because}. What is open there is no verdict. ${
      partsText(control)
    }.`,
  };
}

function plantedClaim(row: ClaimRow): ClaimResult {
  const { claim: { id }, planted } = row;
  const right = PLANTED_KINDS.reduce((sum, kind) => sum + rightDraws(row, kind), 0);
  const draws = Object.values(planted ?? {}).reduce((sum, { length }) => sum + length, 0);
  const said = PLANTED_KINDS.map((kind) =>
    `${kind}: ${(planted?.[kind] ?? []).map(({ word }) => word).join(", ")}`
  );
  return {
    claim: `planted_claim_${id}`,
    statement:
      `The decision of claim ${id} holds where its mechanism is planted, fails where it is not, and is open ` +
      "where the evidence is too weak.",
    holds: right === draws,
    effect: {
      name: `planted evidence that comes out as it should, of ${draws}`,
      value: right,
      unit: "draws",
    },
    interval: null,
    note: `Planted ${said.join("; ")}.`,
  };
}

/** The verdicts on the positive zoo, on controls and on planted evidence. */
export function claimsOf(rows: readonly ClaimRow[]): readonly ClaimResult[] {
  return [
    ...rows.map(positiveClaim),
    ...rows.filter(({ claim }) => claim.control.mustFail).map(controlClaim),
    ...rows.filter(({ planted }) => planted !== null).map(plantedClaim),
  ];
}

/** An effect as a table shows it: "12.3 [10.1, 14.5] points". */
export function effectText({ result }: ClaimPart): string {
  if (result === null || result.effect.value === null) return "–";
  const number = (value: number) => String(Number(value.toPrecision(3))).replace("-", "−");
  const { effect: { value, unit }, interval } = result;
  const ends = interval === null ? "" : ` [${number(interval.low)}, ${number(interval.high)}]`;
  return `${number(value)}${ends} ${unit}`;
}

/** "2" or "1–3"; "–" where nothing is known. */
export function seedsText(row: ClaimRow, kind: "training" | "evaluation"): string {
  const range = rangeOf(row.outcomes.flatMap(([, outcome]) => outcome[kind] ?? []));
  return range === null ? "–" : range[0] === range[1] ? String(range[0]) : `${range[0]}–${range[1]}`;
}
