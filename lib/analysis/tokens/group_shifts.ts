import { mean } from "../../core/mod.ts";
import type { ShiftRow } from "./shift_rows.ts";

/** The labelings under which rows are grouped; names as in the published analysis. */
export type ShiftLabeling =
  | "dst"
  | "src"
  | "would_be"
  | "would_be→dst"
  | "src:dst"
  | "src:would_be→dst"
  | "position"
  | "position:dst"
  | "position:would_be→dst"
  | "first/other"
  | "first/other:dst"
  | "first/other:would_be→dst";

/** What a label is made of: where the row is, and which of its tokens name it. */
interface LabelParts {
  readonly place?: "src" | "position" | "first/other";
  readonly token?: "dst" | "would_be" | "would_be→dst";
}

const LABELINGS: { readonly [Name in ShiftLabeling]: LabelParts } = {
  "dst": { token: "dst" },
  "src": { place: "src" },
  "would_be": { token: "would_be" },
  "would_be→dst": { token: "would_be→dst" },
  "src:dst": { place: "src", token: "dst" },
  "src:would_be→dst": { place: "src", token: "would_be→dst" },
  "position": { place: "position" },
  "position:dst": { place: "position", token: "dst" },
  "position:would_be→dst": { place: "position", token: "would_be→dst" },
  "first/other": { place: "first/other" },
  "first/other:dst": { place: "first/other", token: "dst" },
  "first/other:would_be→dst": { place: "first/other", token: "would_be→dst" },
};

const PLACES = {
  "src": (row: ShiftRow, text: (token: number) => string) => text(row.source),
  "position": (row: ShiftRow) => String(row.position),
  "first/other": (row: ShiftRow) => row.position === 0 ? "first" : "other",
};

/** All labelings, in the order of the published analysis. */
export const SHIFT_LABELINGS: readonly ShiftLabeling[] = Object.keys(LABELINGS) as ShiftLabeling[];

/** Rows with one label. */
export interface ShiftGroup {
  /** The label. */
  readonly label: string;
  /** The Δp (or KL) of its rows, in the order of the rows. */
  readonly values: readonly number[];
  /** Their mean. */
  readonly mean: number;
  /** Their largest; for the Δp of `side: "falling"`, their smallest. */
  readonly extreme: number;
}

/** How rows are grouped, filtered and ranked. */
export interface GroupShiftsOptions {
  /** What makes the label. @default {"dst"} */
  readonly labeling?: ShiftLabeling;
  /** Spelling of a token in labels. @default {the id in digits} */
  readonly text?: (token: number) => string;
  /** The most boosted or the most suppressed token of each row plays dst. @default {"rising"} */
  readonly side?: "rising" | "falling";
  /** What is grouped: the Δp of that token, or KL(base ‖ steered) of its row, in nats. @default {"shift"} */
  readonly value?: "shift" | "kl";
  /** What groups are ranked by: the strongest row or the mean of all. @default {"extreme"} */
  readonly rank?: "extreme" | "mean";
  /** Labels that occur less often are left out. @default {2} */
  readonly minimumCount?: number;
  /** What is kept when no label occurs that often: nothing, or all labels. @default {"none"} */
  readonly rare?: "none" | "all";
  /** How many groups are kept. @default {5} */
  readonly first?: number;
}

/**
 * Groups rows by label and keeps the strongest groups: descending Δp for the rising side, ascending for the
 * falling one, descending KL; equal ranks are ordered by label, so the result does not depend on the order of the
 * texts.
 *
 * Source: the boxes of the paper's Figure 3 are `dst`, at least two rows, ranked by the largest Δp, first five; those
 * behind Figure 6 are all labelings of Δp and of KL, where `rare: "all"` (class: code).
 *
 * @throws RangeError for a minimum count or a number of groups below 1.
 *
 * @example
 * ```ts
 * import { groupShifts } from "../mod.ts";
 * const row = { sample: 0, position: 0, source: 0, baseToken: 0, steeredToken: 0, minToken: 0, minShift: 0,
 *   klNats: 0, followed: [] };
 * const rows = [[7, 0.2], [7, 0.6], [8, 0.9]].map(([t, p]) => ({ ...row, maxToken: t!, maxShift: p! }));
 * const [top] = groupShifts(rows); // token 8 occurs once
 * if (top?.label !== "7" || top.extreme !== 0.6) throw new Error("token 7 must lead");
 * ```
 */
export function groupShifts(
  rows: readonly ShiftRow[],
  options: GroupShiftsOptions = {},
): readonly ShiftGroup[] {
  const { labeling = "dst", text = String, side = "rising", value = "shift", rank = "extreme" } = options;
  const { minimumCount = 2, rare = "none", first = 5 } = options;
  if (!(minimumCount >= 1) || !(first >= 1)) {
    throw new RangeError(
      `Cannot group rows as minimumCount and first must be at least 1: current values are ${minimumCount}, ${first}`,
    );
  }
  const { place, token } = LABELINGS[labeling];
  const rising = side === "rising";
  const sign = rising || value === "kl" ? 1 : -1;
  const valueOf = (row: ShiftRow) => value === "kl" ? row.klNats : rising ? row.maxShift : row.minShift;
  const groups = new Map<string, number[]>();
  for (const row of rows) {
    const dst = text(rising ? row.maxToken : row.minToken), wouldBe = text(row.baseToken);
    const parts = place === undefined ? [] : [PLACES[place](row, text)];
    if (token !== undefined) {
      parts.push(token === "dst" ? dst : token === "would_be" ? wouldBe : `${wouldBe}→${dst}`);
    }
    const label = parts.join(":");
    const values = groups.get(label);
    if (values === undefined) groups.set(label, [valueOf(row)]);
    else values.push(valueOf(row));
  }
  const frequent = [...groups].filter(([, values]) => values.length >= minimumCount);
  const kept = frequent.length === 0 && rare === "all" ? [...groups] : frequent;
  const summary = kept.map(([label, values]) => ({
    label,
    values,
    mean: mean(values),
    extreme: sign * values.reduce((best, value) => Math.max(best, sign * value), -Infinity),
  }));
  summary.sort((a, b) => sign * (b[rank] - a[rank]) || (a.label < b.label ? -1 : 1));
  return summary.slice(0, first);
}
