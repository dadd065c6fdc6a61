/**
 * claims: the eleven claims of the paper, each decided by the items that state it, on the positive zoo, on its control,
 * and on planted evidence of which the answer is known.
 *
 * @module
 */
import { InputError } from "../lib/core/mod.ts";
import {
  type Bench,
  type Findings,
  inTurn,
  NotApplicable,
  type Reproduction,
} from "../lib/experiment/mod.ts";
import { figureSpec, textTable } from "../lib/report/mod.ts";
import {
  type ClaimRow,
  claimsOf,
  effectText,
  plantedText,
  rangeOf,
  type SeedRange,
  seedsText,
  valuesOf,
  verdictText,
} from "./_claim_rows.ts";
import { type ClaimPart, partsOf, type StatedClaims, verdictOf } from "./_claim_verdicts.ts";
import { type ClaimSource, PAPER_CLAIMS, type PaperClaim } from "./_paper_claims.ts";
import { PLANTED_EVIDENCE } from "./_planted_evidence.ts";
import type { PlantedKind } from "./_planted_outcomes.ts";

/** Draws of each kind of planted evidence. */
const PLANTED_DRAWS = 3;

/** What an item said, and how many seeds that rests on; or why it said nothing. */
type Outcome = StatedClaims & { readonly training: SeedRange; readonly evaluation: SeedRange };

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
  const absent = (why: string): Outcome => ({ absent: why, training: null, evaluation: null });
  const run = async (id: string): Promise<Outcome> => {
    const item = items.find((candidate) => candidate.id === id);
    if (item === undefined) return absent("not built");
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
      return absent(`not measured: ${error.what}`);
    }
  };
  return (id: string): Promise<Outcome> => {
    const outcome = outcomes.get(id) ?? run(id);
    outcomes.set(id, outcome);
    return outcome;
  };
}

/** Calibrations by claim: they follow from nothing that is measured, so that a process makes each once. */
const calibrations = new Map<string, ClaimRow["planted"]>();

/** What the decision of a claim says of planted evidence. */
function calibrated(claim: PaperClaim): ClaimRow["planted"] {
  const known = calibrations.get(claim.id);
  if (known !== undefined) return known;
  const made = calibration(claim);
  calibrations.set(claim.id, made);
  return made;
}

function calibration({ sources }: PaperClaim): ClaimRow["planted"] {
  if (sources.length === 0) return null;
  const said = (kind: PlantedKind, draw: number) =>
    verdictOf(sources.flatMap((source) => {
      const planted = PLANTED_EVIDENCE[source.item];
      if (planted === undefined) throw new RangeError(`Cannot calibrate as ${source.item} must be planted`);
      return partsOf(source, { claims: planted({ kind, draw }) }, source.claims);
    }));
  const draws = (kind: PlantedKind) => Array.from({ length: PLANTED_DRAWS }, (_, draw) => said(kind, draw));
  return { there: draws("there"), absent: draws("absent"), weak: draws("weak") };
}

function panelOf(rows: readonly ClaimRow[]) {
  return textTable({
    columns: [
      { title: "" },
      { title: "Claim", mostWidth: 340 },
      { title: "Verdict", mostWidth: 100 },
      { title: "Decided by", mostWidth: 220 },
      { title: "Effect", mostWidth: 140 },
      { title: "Training seeds", mostWidth: 70 },
      { title: "Evaluation seeds", mostWidth: 80 },
      { title: "On the control", mostWidth: 110 },
      { title: "Must fail there", mostWidth: 70 },
      { title: "As it should be", mostWidth: 80 },
      { title: "Planted there", mostWidth: 80 },
      { title: "Planted absent", mostWidth: 80 },
    ],
    rows: rows.map((row) => {
      const { claim, positive, control, asItShould } = row, { item, result } = positive.deciding;
      return {
        cells: [
          claim.id.replace("_", " "),
          claim.statement,
          verdictText(positive),
          result === null ? item : `${item}: ${result.effect.name}`,
          effectText(positive.deciding),
          seedsText(row, "training"),
          seedsText(row, "evaluation"),
          verdictText(control),
          claim.control.mustFail ? "yes" : "no control",
          asItShould === null ? "–" : asItShould ? "yes" : "no",
          plantedText(row, "there"),
          plantedText(row, "absent"),
        ],
      };
    }),
  });
}

async function run(items: readonly Reproduction[], { lab, roles, open }: Bench): Promise<Findings> {
  // A control that is not there is found before anything is measured; a profile may have none.
  const negative = roles.includes("control") ? await open("control") : null;
  const onPositive = runnerOf(items, { lab, roles, open }, "throw");
  const onNegative = runnerOf(items, {
    lab,
    roles,
    open: async (role) => {
      if (role !== "a") return await open(role);
      if (negative === null) throw new NotApplicable("the profile has no control");
      return negative;
    },
  }, "absent");
  const isLacking = ({ role }: ClaimSource): boolean => role !== undefined && !roles.includes(role);
  // Everything is asked for before anything is decided, so that a plan hears of all.
  await inTurn(PAPER_CLAIMS.flatMap(({ sources, control }) => [
    ...sources.filter((source) => !isLacking(source)).map(({ item }) => () => onPositive(item)),
    ...control.source === undefined
      ? control.notMeasured === undefined ? sources.map(({ item }) => () => onNegative(item)) : []
      : [((item) => () => onPositive(item))(control.source.item)],
  ]));
  const rows: ClaimRow[] = [];
  for (const claim of PAPER_CLAIMS) {
    const { control } = claim, outcomes: [string, Outcome][] = [];
    const unmeasured = (why: string, source: ClaimSource = { item: "" }): readonly ClaimPart[] =>
      partsOf(source, { absent: `not measured: ${why}` }, undefined);
    const positive: ClaimPart[] = [], there: ClaimPart[] = [];
    for (const source of claim.sources) {
      const outcome: Outcome = isLacking(source)
        ? {
          absent: `not measured: the profile has no model of role ${source.role}`,
          training: null,
          evaluation: null,
        }
        : await onPositive(source.item);
      outcomes.push([source.item, outcome]);
      positive.push(...partsOf(source, outcome, source.claims));
      if (control.source !== undefined) continue;
      there.push(
        ...control.notMeasured === undefined || "absent" in outcome
          ? partsOf(source, await onNegative(source.item), source.claims)
          : unmeasured(control.notMeasured, source),
      );
    }
    if (control.source !== undefined) {
      there.push(...partsOf(control.source, await onPositive(control.source.item), control.source.claims));
    }
    const why = claim.notMeasured ?? "";
    const found = verdictOf(there.length > 0 ? there : unmeasured(why));
    rows.push({
      claim,
      positive: verdictOf(positive.length > 0 ? positive : unmeasured(why)),
      control: found,
      // A claim that is open there was not found to fail.
      asItShould: !control.mustFail || found.holds === null ? null : !found.holds,
      outcomes,
      planted: calibrated(claim),
    });
  }
  return {
    spec: figureSpec([panelOf(rows)], {
      title: "The paper's claims",
      subtitle: [
        "A claim holds when all of its parts do; effect and interval (95 %) are those of the part that decides. Controls lack what makes a",
        "claim true: it must fail there. Planted evidence has the mechanism in it, or not: what the decision says of it in three draws.",
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
    title: "The paper's claims",
    itemClass: "caption",
    differences: [
      "Every claim has a criterion with an interval, where the paper argues from its figures.",
      "Claims whose text differs by family are decided by family.",
      "Claims are tested on controls too, which the paper has none of, and their decisions on planted evidence.",
    ],
    run: (bench) => run(items, bench),
  };
}
