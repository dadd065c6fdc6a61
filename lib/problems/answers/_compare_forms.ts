import {
  type AnswerForm,
  type ListForm,
  type NamedForm,
  plainValue,
  type RelationForm,
} from "./_answer_form.ts";
import { call, exactValue, type Expression, integer, variablesOf } from "./_expression.ts";
import { divideRational } from "./_rational.ts";
import { realSetOf, sameRealSet } from "./_real_set.ts";
import { type Comparison, type Sameness, sameValue, sameZeros } from "./_same_value.ts";

/** What comparing two forms found. */
export type FormOutcome =
  | "same"
  | "different"
  | "different kind"
  | "different count"
  | "different unit"
  | "unknown";

/** How forms are compared. */
export interface FormComparison extends Comparison {
  /**
   * Whether tuples, lists and sets of the same values are one, as math-verify has them: a tuple in its order, a set in
   * any, and each value of a set once.
   */
  readonly tuplesAreSets: boolean;
}

type ValueForm = Extract<AnswerForm, { readonly kind: "value" }>;

type TupleForm = Extract<AnswerForm, { readonly kind: "tuple" }>;

function compareValues(gold: ValueForm, given: ValueForm, comparison: FormComparison): FormOutcome {
  const units = new Set([gold.unit, given.unit].filter((unit) => unit !== null));
  if (units.size > 1) return "different unit";
  const plain = sameValue(gold.value, given.value, comparison);
  if (plain === "same" || gold.unit === given.unit) return plain;
  // One of them has a unit: the question may have named it for the other, and a percentage is a number too.
  if (!units.has("%")) return plain;
  const overHundred = (value: Expression): Expression => call("Divide", value, integer(100));
  return gold.unit === "%"
    ? sameValue(overHundred(gold.value), given.value, comparison)
    : sameValue(gold.value, overHundred(given.value), comparison);
}

/** Pairs every gold item with an item of its own; "unknown" where it cannot be told whether one is left over. */
function paired<T>(
  gold: readonly T[],
  given: readonly T[],
  compare: (item: T, candidate: T) => FormOutcome,
): FormOutcome {
  const left = [...given];
  for (const item of gold) {
    let open = false;
    const found = left.findIndex((candidate) => {
      const outcome = compare(item, candidate);
      open ||= outcome === "unknown";
      return outcome === "same";
    });
    if (found < 0) return open ? "unknown" : "different";
    left.splice(found, 1);
  }
  return "same";
}

function compareUnordered(
  gold: readonly AnswerForm[],
  given: readonly AnswerForm[],
  comparison: FormComparison,
): FormOutcome {
  if (gold.length !== given.length) return "different count";
  return paired(gold, given, (item, candidate) => compareForms(item, candidate, comparison));
}

function compareOrdered(
  gold: readonly AnswerForm[],
  given: readonly AnswerForm[],
  comparison: FormComparison,
): FormOutcome {
  if (gold.length !== given.length) return "different count";
  for (let index = 0; index < gold.length; index++) {
    const outcome = compareForms(gold[index] as AnswerForm, given[index] as AnswerForm, comparison);
    if (outcome !== "same") return outcome;
  }
  return "same";
}

function namesOf(items: readonly AnswerForm[]): readonly string[] | null {
  const names = items.map((item) => item.kind === "named" ? item.name : "");
  return names.includes("") || new Set(names).size !== names.length ? null : names;
}

/** `(p, q) = (3, 2)` as what it says of p and of q; null for any other form. */
function spread(form: AnswerForm): NamedForm[] | null {
  if (form.kind !== "named" || form.value.kind !== "tuple" || !/^\(.*\)$/.test(form.name)) return null;
  const names = form.name.slice(1, -1).split(",").map((name) => name.trim()), { items } = form.value;
  return names.length !== items.length ? null : items.map((value, place) => ({
    kind: "named",
    name: names[place] as string,
    pure: true,
    value,
    zero: null,
  }));
}

function withoutDoubles(items: readonly AnswerForm[], comparison: FormComparison): AnswerForm[] {
  const kept: AnswerForm[] = [];
  for (const item of items) {
    if (!kept.some((other) => compareForms(other, item, comparison) === "same")) kept.push(item);
  }
  return kept;
}

function compareLists(gold: ListForm, given: ListForm, comparison: FormComparison): FormOutcome {
  const names = namesOf(gold.items), bare = !given.items.some((item) => item.kind === "named");
  // Without their names, values of several names are told apart by their order alone, save roots of one name.
  const isOfOneName = names !== null && new Set(names.map((name) => name.replace(/_.*$/, ""))).size === 1;
  if (names !== null && bare && !isOfOneName) return compareOrdered(gold.items, given.items, comparison);
  const items = comparison.tuplesAreSets
    ? [withoutDoubles(gold.items, comparison), withoutDoubles(given.items, comparison)] as const
    : [gold.items, given.items] as const;
  const outcome = compareUnordered(items[0], items[1], comparison);
  if (outcome === "same" || !gold.items.some(({ kind }) => kind === "relation")) return outcome;
  return compareSets(gold, given, comparison) === "same" ? "same" : outcome;
}

function zeroOf(form: AnswerForm): Expression | null {
  if (form.kind === "named") return form.zero;
  if (form.kind !== "relation" || form.operators.length !== 1 || form.operators[0] !== "=") return null;
  return call("Subtract", ...form.sides);
}

function compareEquations(gold: AnswerForm, given: AnswerForm, comparison: FormComparison): FormOutcome {
  const left = zeroOf(gold), right = zeroOf(given);
  if (left === null || right === null) return "different kind";
  return sameZeros(left, right, { work: comparison.work, positive: false });
}

function isConstant(form: AnswerForm): boolean {
  return form.kind === "value" && exactValue(form.value) !== null;
}

function compareNamed(gold: NamedForm, given: AnswerForm, comparison: FormComparison): FormOutcome {
  const parts = spread(gold);
  if (parts !== null && given.kind === "list" && namesOf(given.items) !== null) {
    return compareUnordered(parts, given.items, comparison);
  }
  if (given.kind === "named") {
    if (gold.name === given.name) {
      const outcome = compareForms(gold.value, given.value, comparison);
      return outcome === "same" || outcome === "unknown" ? outcome : "different";
    }
    return isConstant(gold.value) ? "different" : compareEquations(gold, given, comparison);
  }
  if (given.kind === "relation") {
    if (given.operators.every((sign) => sign === "=")) return compareEquations(gold, given, comparison);
    return "different kind";
  }
  const isBare = gold.pure || gold.zero === null || isConstant(gold.value);
  return isBare ? compareForms(gold.value, given, comparison) : "different kind";
}

/** A comparison of two expressions: what is less than, at most, equal or unequal to zero. */
interface Condition {
  readonly sign: string;
  readonly sides: readonly [Expression, Expression];
  /** What is compared with zero. */
  readonly zero: Expression;
}

/** A chain of comparisons as one condition for each link, all of them turned so that they point one way. */
function conditionsOf({ operators, sides }: RelationForm): Condition[] {
  return operators.map((sign, place) => {
    const [left, right] = [sides[place] as Expression, sides[place + 1] as Expression];
    const turned = sign.startsWith(">") ? [right, left] as const : [left, right] as const;
    return { sign: sign.replace(">", "<"), sides: turned, zero: call("Subtract", ...turned) };
  });
}

function sameCondition(gold: Condition, given: Condition, comparison: FormComparison): Sameness {
  if (variablesOf(gold.zero).length + variablesOf(given.zero).length > 0) {
    return sameZeros(gold.zero, given.zero, { work: comparison.work, positive: gold.sign.startsWith("<") });
  }
  // Without a name every two statements are multiples of each other: `4 = 5` of `2 = 3`.
  const [left, right] = [0, 1].map((side) =>
    sameValue(gold.sides[side] as Expression, given.sides[side] as Expression, comparison)
  ) as [Sameness, Sameness];
  return left === "same" ? right : left;
}

function compareConditions(gold: RelationForm, given: RelationForm, comparison: FormComparison): FormOutcome {
  const expected = conditionsOf(gold), left = conditionsOf(given);
  if (expected.length !== left.length) return "different kind";
  return paired(
    expected,
    left,
    (condition, other) =>
      other.sign === condition.sign ? sameCondition(condition, other, comparison) : "different",
  );
}

function unknownOf({ sides }: RelationForm): string | null {
  const names = sides.flatMap((side) => side.kind === "symbol" ? [side.name] : []);
  return names.length === 1 ? names[0] as string : null;
}

function compareRelation(gold: RelationForm, given: AnswerForm, comparison: FormComparison): FormOutcome {
  if (given.kind === "relation") {
    const name = unknownOf(gold);
    if (name !== null && name === unknownOf(given)) {
      const sets = compareSets(gold, given, comparison);
      if (sets === "same" || sets === "different") return sets;
    }
    return compareConditions(gold, given, comparison);
  }
  if (given.kind === "named") {
    // `x \in [2, 3]` says what `2 <= x <= 3` says; `x = 5` is an equation.
    return given.zero === null && gold.operators[0] !== "="
      ? compareSets(gold, given.value, comparison)
      : compareEquations(gold, given, comparison);
  }
  if (given.kind === "list" && given.items.length === 1) {
    return compareRelation(gold, given.items[0] as AnswerForm, comparison);
  }
  return given.kind === "tuple" || given.kind === "region" || given.kind === "list"
    ? compareSets(gold, given, comparison)
    : "different kind";
}

/** Two forms as sets of real numbers. */
function compareSets(gold: AnswerForm, given: AnswerForm, comparison: FormComparison): FormOutcome {
  const left = realSetOf(gold, comparison), right = left === null ? null : realSetOf(given, comparison);
  if (left === null || right === null) return "different kind";
  return sameRealSet(left, right, comparison) ? "same" : "different";
}

/** A prediction's `x = 5` or `5 + 5 = 10` against a gold answer that names nothing. */
function compareUnnamed(
  gold: AnswerForm,
  given: NamedForm | RelationForm,
  comparison: FormComparison,
): FormOutcome {
  if (given.kind === "named") return compareForms(gold, given.value, comparison);
  // A chain of equations answers with its value only where every link has it.
  if (gold.kind !== "value" || given.operators.some((sign) => sign !== "=")) return "different kind";
  for (const value of given.sides) {
    const outcome = compareForms(gold, plainValue(value), comparison);
    if (outcome !== "same") return outcome;
  }
  return "same";
}

/** A single row or column, as the list of what it holds. */
function vectorOf(form: AnswerForm): readonly AnswerForm[] | null {
  if (form.kind !== "matrix") return null;
  const cells = form.rows.length === 1
    ? form.rows[0]
    : form.rows.every((row) => row.length === 1)
    ? form.rows.flat()
    : null;
  return cells?.map(plainValue) ?? null;
}

type Plain = Exclude<AnswerForm, NamedForm | RelationForm>;

function isRound({ open, close }: TupleForm): boolean {
  return open === "(" && close === ")";
}

function compareValue(gold: ValueForm, given: Plain, comparison: FormComparison): FormOutcome {
  if (given.kind === "list" && given.items.length === 1) {
    return compareForms(gold, given.items[0] as AnswerForm, comparison);
  }
  if (given.kind === "ratio" && given.parts.length === 2 && !isClock(given.parts)) {
    const [top, bottom] = given.parts as [Expression, Expression];
    return sameValue(gold.value, call("Divide", top, bottom), comparison);
  }
  if (given.kind === "value") return compareValues(gold, given, comparison);
  return given.kind === "list" ? "different count" : "different kind";
}

function compareList(gold: ListForm, given: Plain, comparison: FormComparison): FormOutcome {
  if (given.kind === "list") return compareLists(gold, given, comparison);
  if (given.kind === "tuple") {
    const isTuple = isRound(given) || given.items.length !== 2;
    if (comparison.tuplesAreSets && isTuple) return compareUnordered(gold.items, given.items, comparison);
    if (isRound(given)) return compareOrdered(gold.items, given.items, comparison);
  }
  // Tuples in a list are points, and no intervals.
  const isOfTuples = gold.items.some(({ kind }) => kind === "tuple");
  if (given.kind === "region") return isOfTuples ? "different kind" : compareSets(gold, given, comparison);
  if (gold.items.length === 1) return compareForms(gold.items[0] as AnswerForm, given, comparison);
  const single = comparison.tuplesAreSets ? withoutDoubles(gold.items, comparison) : [];
  if (single.length === 1) return compareForms(single[0] as AnswerForm, given, comparison);
  return given.kind === "value" ? "different count" : "different kind";
}

function compareTuple(gold: TupleForm, given: Plain, comparison: FormComparison): FormOutcome {
  const vector = vectorOf(given);
  if (vector !== null && isRound(gold)) return compareOrdered(gold.items, vector, comparison);
  if (given.kind === "list") {
    const isOrdered = comparison.tuplesAreSets && isRound(gold);
    // `x = 3, y = 2` gives the tuple of its values.
    if (isOrdered || (isRound(gold) && namesOf(given.items) !== null)) {
      return compareOrdered(gold.items, given.items, comparison);
    }
  }
  if (given.kind === "region") return compareSets(gold, given, comparison);
  if (given.kind !== "tuple") return "different kind";
  // Of two numbers the brackets say whether the ends belong to an interval; of more they say nothing.
  const isSame = gold.open === given.open && gold.close === given.close;
  if (gold.items.length === 2 && !isSame) return "different";
  return compareOrdered(gold.items, given.items, comparison);
}

function comparePlain(gold: Plain, given: Plain, comparison: FormComparison): FormOutcome {
  switch (gold.kind) {
    case "text":
      return given.kind === "text" ? (gold.words === given.words ? "same" : "different") : "different kind";
    case "choice":
      return compareForms(gold.value, given, comparison);
    case "value":
      return compareValue(gold, given, comparison);
    case "based":
      if (given.kind !== "based") return "different kind";
      return gold.base === given.base && gold.digits === given.digits ? "same" : "different";
    case "ratio":
      return compareRatio(gold.parts, given, comparison);
    case "list":
      return compareList(gold, given, comparison);
    case "tuple":
      return compareTuple(gold, given, comparison);
    case "region":
      return compareRegion(gold, given, comparison);
    case "matrix":
      return compareMatrix(gold, given, comparison);
    case "modular": {
      if (given.kind !== "modular") return "different kind";
      const isSame = sameValue(gold.modulus, given.modulus, comparison) === "same";
      return isSame ? compareResidues(gold, given, comparison) : "different";
    }
  }
}

type ModularForm = Extract<AnswerForm, { readonly kind: "modular" }>;

function compareResidues(gold: ModularForm, given: ModularForm, comparison: FormComparison): FormOutcome {
  const outcome = compareForms(gold.value, given.value, comparison);
  const bare = (form: AnswerForm): AnswerForm => form.kind === "named" ? form.value : form;
  const [left, right] = [bare(gold.value), bare(given.value)];
  if (outcome === "same" || left.kind !== "value" || right.kind !== "value") return outcome;
  const turns = exactValue(call("Divide", call("Subtract", left.value, right.value), gold.modulus));
  return turns !== null && turns.top % turns.bottom === 0n ? "same" : outcome;
}

type RegionForm = Extract<AnswerForm, { readonly kind: "region" }>;

function compareRegion(gold: RegionForm, given: Plain, comparison: FormComparison): FormOutcome {
  if (given.kind !== "region" && given.kind !== "tuple" && given.kind !== "list") return "different kind";
  if (given.kind === "list" && given.items.some(({ kind }) => kind === "relation")) return "different kind";
  const sets = compareSets(gold, given, comparison);
  if (sets !== "different kind" || given.kind !== "region" || gold.operation !== given.operation) return sets;
  return gold.operation === "minus"
    ? compareOrdered(gold.parts, given.parts, comparison)
    : compareUnordered(gold.parts, given.parts, comparison);
}

type MatrixForm = Extract<AnswerForm, { readonly kind: "matrix" }>;

function compareMatrix(gold: MatrixForm, given: Plain, comparison: FormComparison): FormOutcome {
  const cells = (rows: MatrixForm["rows"]) => rows.flat().map(plainValue);
  if (given.kind === "tuple" && given.open === given.close.replace(")", "(").replace("]", "[")) {
    const vector = vectorOf(gold);
    if (vector !== null && isRound(given)) return compareOrdered(vector, given.items, comparison);
    // `[[1, 2], [3, 4]]`: rows as tuples.
    const rows = given.items.map((row) => row.kind === "tuple" ? row.items : []);
    const fits = rows.length === gold.rows.length && rows.every((row) => row.length === gold.rows[0]?.length);
    return fits ? compareOrdered(cells(gold.rows), rows.flat(), comparison) : "different kind";
  }
  if (given.kind !== "matrix") return "different kind";
  if (gold.rows.length !== given.rows.length || gold.rows[0]?.length !== given.rows[0]?.length) {
    return "different count";
  }
  return compareOrdered(cells(gold.rows), cells(given.rows), comparison);
}

/** Whether the parts of a ratio are those of a clock. */
function isClock(parts: readonly Expression[]): boolean {
  return parts.some((part) => part.kind === "number" && /^0\d/.test(part.literal));
}

/** Clock times (`12:00`) are equal when they are written alike, ratios when they are in proportion. */
function compareRatio(gold: readonly Expression[], given: Plain, comparison: FormComparison): FormOutcome {
  if (given.kind === "value" && gold.length === 2 && !isClock(gold)) {
    return sameValue(call("Divide", ...gold), given.value, comparison);
  }
  if (given.kind !== "ratio") return "different kind";
  if (gold.length !== given.parts.length) return "different count";
  const clock = isClock(gold) || isClock(given.parts);
  const [first, other] = [gold[0] as Expression, given.parts[0] as Expression];
  for (const [place, part] of gold.entries()) {
    const answer = given.parts[place] as Expression;
    const outcome = clock
      ? sameValue(part, answer, comparison)
      : sameValue(call("Multiply", part, other), call("Multiply", answer, first), comparison);
    if (outcome !== "same") return outcome;
    const values = [part, answer].map(exactValue);
    if (
      !clock &&
      values.some((value) => value !== null && divideRational({ top: 1n, bottom: 1n }, value) === null)
    ) {
      return sameValue(part, answer, comparison);
    }
  }
  return "same";
}

/** The letter of a choice that a gold answer is; null for any other. */
function choiceOf(gold: AnswerForm): string | null {
  if (gold.kind === "choice") return gold.letter;
  if (gold.kind === "text") return /^[a-e]$/.test(gold.words) ? gold.words.toUpperCase() : null;
  return gold.kind === "value" && gold.value.kind === "symbol" && /^[A-E]$/.test(gold.value.name)
    ? gold.value.name
    : null;
}

/** Whether a prediction says what a gold answer says. Not symmetric: the gold answer sets what may be left out. */
export function compareForms(gold: AnswerForm, given: AnswerForm, comparison: FormComparison): FormOutcome {
  if (comparison.work.left-- <= 0) return "unknown";
  if (given.kind === "choice") {
    const letter = choiceOf(gold);
    if (letter !== null) return letter === given.letter ? "same" : "different";
    return compareForms(gold, given.value, comparison);
  }
  if (gold.kind === "named") return compareNamed(gold, given, comparison);
  if (gold.kind === "relation") return compareRelation(gold, given, comparison);
  if (given.kind === "named" && gold.kind === "list" && namesOf(gold.items) !== null) {
    const parts = spread(given);
    if (parts !== null) return compareUnordered(gold.items, parts, comparison);
  }
  if (given.kind === "named" || given.kind === "relation") return compareUnnamed(gold, given, comparison);
  return comparePlain(gold, given, comparison);
}
