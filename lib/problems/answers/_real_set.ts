import type { AnswerForm } from "./_answer_form.ts";
import type { Expression } from "./_expression.ts";
import { type Comparison, sameValue } from "./_same_value.ts";
import { constantValue } from "./_sample_value.ts";

interface Point {
  readonly value: Expression;
  readonly at: number;
}

/**
 * A set of real numbers: finitely many points in order, whether each belongs to it, and whether the numbers before,
 * between and behind them do.
 */
export interface RealSet {
  readonly points: readonly Point[];
  readonly inPoints: readonly boolean[];
  /** One more than points. */
  readonly inGaps: readonly boolean[];
}

/** Points of one set that are kept. */
const POINT_LIMIT = 80;

const EMPTY: RealSet = { points: [], inPoints: [], inGaps: [false] };

function samePoint(left: Point, right: Point, comparison: Comparison): boolean {
  const near = Math.abs(left.at - right.at) <= 1e-6 * Math.max(1, Math.abs(left.at));
  return near && sameValue(left.value, right.value, comparison) === "same";
}

/** What holds at a place of the combination: both sets' answers for the same points and gaps. */
function combined(
  left: RealSet,
  right: RealSet,
  options: { readonly keep: (a: boolean, b: boolean) => boolean; readonly comparison: Comparison },
): RealSet | null {
  const { keep, comparison } = options;
  const points: Point[] = [], inPoints: boolean[] = [], inGaps: boolean[] = [];
  let i = 0, j = 0;
  while (i < left.points.length || j < right.points.length) {
    const a = left.points[i], b = right.points[j];
    const both = a !== undefined && b !== undefined && samePoint(a, b, comparison);
    const first = b === undefined || (a !== undefined && a.at <= b.at);
    const inLeft = both || first ? left.inPoints[i] as boolean : left.inGaps[i] as boolean;
    const inRight = both || !first ? right.inPoints[j] as boolean : right.inGaps[j] as boolean;
    const gap = keep(left.inGaps[i] as boolean, right.inGaps[j] as boolean), here = keep(inLeft, inRight);
    points.push((both || first ? a : b) as Point);
    inPoints.push(here);
    inGaps.push(gap);
    if (both || first) i++;
    if (both || !first) j++;
  }
  inGaps.push(keep(left.inGaps[i] as boolean, right.inGaps[j] as boolean));
  const kept = points.flatMap((_, place) =>
    inGaps[place] === inPoints[place] && inGaps[place + 1] === inPoints[place] ? [] : [place]
  );
  if (kept.length > POINT_LIMIT) return null;
  return {
    points: kept.map((place) => points[place] as Point),
    inPoints: kept.map((place) => inPoints[place] as boolean),
    inGaps: [...kept.map((place) => inGaps[place] as boolean), inGaps.at(-1) as boolean],
  };
}

function pointOf(value: Expression, { work }: Comparison): Point | null {
  const at = constantValue(value, work);
  return at === null ? null : { value, at };
}

/** The numbers between two ends, of which infinite ones are no points. */
function between(
  [low, high]: readonly [Point | null, Point | null],
  [lowIn, highIn]: readonly [boolean, boolean],
  comparison: Comparison,
): RealSet | null {
  if (low === null || high === null || Number.isNaN(low.at) || Number.isNaN(high.at)) return null;
  if (low.at === Infinity || high.at === -Infinity) return null;
  const points = [...(low.at === -Infinity ? [] : [low]), ...(high.at === Infinity ? [] : [high])];
  const ends = [...(low.at === -Infinity ? [] : [lowIn]), ...(high.at === Infinity ? [] : [highIn])];
  if (points.length < 2) {
    const isBelow = low.at === -Infinity;
    return points.length === 0
      ? { points: [], inPoints: [], inGaps: [true] }
      : { points, inPoints: ends, inGaps: [isBelow, !isBelow] };
  }
  if (samePoint(low, high, comparison)) {
    return lowIn && highIn ? { points: [low], inPoints: [true], inGaps: [false, false] } : EMPTY;
  }
  return low.at > high.at ? null : { points, inPoints: ends, inGaps: [false, true, false] };
}

type Combine = (a: boolean, b: boolean) => boolean;

const OPERATIONS: Readonly<Record<"union" | "intersection" | "minus", Combine>> = {
  union: (a, b) => a || b,
  intersection: (a, b) => a && b,
  minus: (a, b) => a && !b,
};

function together(
  parts: readonly AnswerForm[],
  operation: keyof typeof OPERATIONS,
  comparison: Comparison,
): RealSet | null {
  let found: RealSet | null = null;
  for (const part of parts) {
    const next = realSetOf(part, comparison);
    if (next === null) return null;
    found = found === null ? next : combined(found, next, { keep: OPERATIONS[operation], comparison });
    if (found === null) return null;
  }
  return found ?? EMPTY;
}

/** `2 < x`, `1 <= x < 3`, `x != 2` as sets; null for a relation of another form. */
function ofRelation(
  form: AnswerForm & { readonly kind: "relation" },
  comparison: Comparison,
): RealSet | null {
  const turned = form.operators.some((sign) => sign.startsWith(">"));
  if (turned && form.operators.some((sign) => !sign.startsWith(">"))) return null;
  const sides = turned ? [...form.sides].reverse() : form.sides;
  const signs = (turned ? [...form.operators].reverse() : form.operators).map((sign) =>
    sign.replace(">", "<")
  );
  const place = sides.findIndex(({ kind }) => kind === "symbol");
  if (place < 0 || sides.length > 3 || (sides.length === 3 && place !== 1)) return null;
  const infinite = (sign: 1 | -1): Point => ({ value: sides[place] as Expression, at: sign * Infinity });
  if (signs[0] === "!=" && signs.length === 1) {
    const out = pointOf(sides[1 - place] as Expression, comparison);
    return out === null ? null : { points: [out], inPoints: [false], inGaps: [true, true] };
  }
  if (signs.some((sign) => !sign.startsWith("<"))) return null;
  const low = place === 0 ? infinite(-1) : pointOf(sides[place - 1] as Expression, comparison);
  const high = place === sides.length - 1 ? infinite(1) : pointOf(sides[place + 1] as Expression, comparison);
  return between([low, high], [signs[place - 1] === "<=", signs[place] === "<="], comparison);
}

/** The set of real numbers that a form describes; null where it describes none, or ends that are no numbers. */
export function realSetOf(form: AnswerForm, comparison: Comparison): RealSet | null {
  switch (form.kind) {
    case "value": {
      const point = form.unit === null ? pointOf(form.value, comparison) : null;
      return point === null || !Number.isFinite(point.at)
        ? null
        : { points: [point], inPoints: [true], inGaps: [false, false] };
    }
    case "tuple": {
      const [low, high] = form.items;
      if (form.items.length !== 2 || low?.kind !== "value" || high?.kind !== "value") return null;
      const ends = [pointOf(low.value, comparison), pointOf(high.value, comparison)] as const;
      return between(ends, [form.open === "[", form.close === "]"], comparison);
    }
    case "list": {
      const isCondition = form.items.some(({ kind }) => kind === "relation");
      if (isCondition && form.joint === ",") return null;
      return together(form.items, isCondition && form.joint === "and" ? "intersection" : "union", comparison);
    }
    case "region":
      return together(form.parts, form.operation, comparison);
    case "relation":
      return ofRelation(form, comparison);
    case "named":
      return form.zero === null && form.value.kind !== "value" ? realSetOf(form.value, comparison) : null;
    default:
      return null;
  }
}

/** Whether two sets are one. */
export function sameRealSet(left: RealSet, right: RealSet, comparison: Comparison): boolean {
  return left.points.length === right.points.length &&
    left.inGaps.every((inGap, place) => inGap === right.inGaps[place]) &&
    left.points.every((point, place) =>
      left.inPoints[place] === right.inPoints[place] &&
      samePoint(point, right.points[place] as Point, comparison)
    );
}
