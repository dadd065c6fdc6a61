import type { AnswerForm, NamedForm, RelationForm } from "./_answer_form.ts";
import type { Expression } from "./_expression.ts";
import { exactValue } from "./_expression.ts";
import { divideRational, type Rational, sameRational } from "./_rational.ts";
import { type Sameness, sameValue, sameZeros } from "./_same_value.ts";

/** What comparing two forms found. */
export type FormOutcome =
  | "same"
  | "different"
  | "different kind"
  | "different count"
  | "different unit"
  | "unknown";

/** Operations and comparisons one judgement may take; a benchmark answer takes some hundreds. */
export interface Work {
  left: number;
}

const HUNDRED: Rational = { top: 100n, bottom: 1n };

const HUNDRED_LITERAL: Expression = {
  kind: "number",
  literal: "100",
  value: HUNDRED,
};

function overHundred(value: Expression): Expression {
  return { kind: "call", name: "Divide", parts: [value, HUNDRED_LITERAL] };
}

type ValueForm = Extract<AnswerForm, { readonly kind: "value" }>;

function compareValues(gold: ValueForm, given: ValueForm, work: Work): FormOutcome {
  const units = new Set([gold.unit, given.unit].filter((unit) => unit !== null));
  if (units.size > 1) return "different unit";
  const plain = sameValue(gold.value, given.value, work);
  if (plain === "same" || gold.unit === given.unit) return plain;
  // One of them has a unit: the question may have named it for the other, and a percentage is a number too.
  if (!units.has("%")) return plain;
  const [left, right] = gold.unit === "%"
    ? [overHundred(gold.value), given.value]
    : [gold.value, overHundred(given.value)];
  return sameValue(left, right, work);
}

/** Pairs every gold item with an item of its own; `outcome` of the first that finds none. */
function compareUnordered(
  gold: readonly AnswerForm[],
  given: readonly AnswerForm[],
  work: Work,
): FormOutcome {
  if (gold.length !== given.length) return "different count";
  const left = [...given];
  for (const item of gold) {
    let open = false;
    const found = left.findIndex((candidate) => {
      const outcome = compareForms(item, candidate, work);
      open ||= outcome === "unknown";
      return outcome === "same";
    });
    if (found < 0) return open ? "unknown" : "different";
    left.splice(found, 1);
  }
  return "same";
}

function compareOrdered(
  gold: readonly AnswerForm[],
  given: readonly AnswerForm[],
  work: Work,
): FormOutcome {
  if (gold.length !== given.length) return "different count";
  for (let index = 0; index < gold.length; index++) {
    const outcome = compareForms(gold[index] as AnswerForm, given[index] as AnswerForm, work);
    if (outcome !== "same") return outcome;
  }
  return "same";
}

function compareLists(
  gold: readonly AnswerForm[],
  given: readonly AnswerForm[],
  work: Work,
): FormOutcome {
  const names = gold.map((item) => item.kind === "named" ? item.name : "");
  const allNamed = !names.includes("") && new Set(names).size === names.length;
  // Without their names, values of several names are told apart by their order alone.
  if (allNamed && !given.some((item) => item.kind === "named")) return compareOrdered(gold, given, work);
  return compareUnordered(gold, given, work);
}

function zeroOf(form: AnswerForm): Expression | null {
  if (form.kind === "named") return form.zero;
  if (form.kind !== "relation" || form.operators.length !== 1 || form.operators[0] !== "=") return null;
  return { kind: "call", name: "Subtract", parts: form.sides };
}

function outcomeOf(sameness: Sameness): FormOutcome {
  return sameness;
}

function compareEquations(gold: AnswerForm, given: AnswerForm, work: Work): FormOutcome {
  const left = zeroOf(gold), right = zeroOf(given);
  if (left === null || right === null) return "different kind";
  return outcomeOf(sameZeros(left, right, { work, positive: false }));
}

function compareNamed(gold: NamedForm, given: AnswerForm, work: Work): FormOutcome {
  if (given.kind === "named") {
    if (gold.name === given.name) {
      const outcome = compareForms(gold.value, given.value, work);
      return outcome === "same" || outcome === "unknown" ? outcome : "different";
    }
    const constant = gold.value.kind === "value" && exactValue(gold.value.value) !== null;
    return constant ? "different" : compareEquations(gold, given, work);
  }
  if (given.kind === "relation") {
    return given.operators.every((sign) => sign === "=")
      ? compareEquations(gold, given, work)
      : "different kind";
  }
  return gold.pure || gold.zero === null ? compareForms(gold.value, given, work) : "different kind";
}

/** `a < b` as the expression that must be negative, `a >= b` turned round. */
function negative(operator: string, sides: readonly [Expression, Expression]): Expression {
  const parts = operator.startsWith(">") ? [sides[1], sides[0]] : sides;
  return { kind: "call", name: "Subtract", parts };
}

function strictness(operator: string): string {
  return operator.replace(">", "<");
}

function compareRelations(gold: RelationForm, given: RelationForm, work: Work): FormOutcome {
  if (gold.operators.length !== given.operators.length) return "different kind";
  const turned = gold.operators[0]?.[0] !== given.operators[0]?.[0] && /^[<>]/.test(given.operators[0] ?? "");
  const operators = turned && given.operators.length > 1
    ? [...given.operators].reverse().map((sign) =>
      sign.startsWith("<") ? sign.replace("<", ">") : sign.replace(">", "<")
    )
    : given.operators;
  const sides = turned && given.operators.length > 1 ? [...given.sides].reverse() : given.sides;
  for (let index = 0; index < gold.operators.length; index++) {
    const sign = gold.operators[index] as string, other = operators[index] as string;
    if (strictness(sign) !== strictness(other)) return "different";
    const ordered = /^[<>]/.test(sign);
    const left = negative(sign, [gold.sides[index] as Expression, gold.sides[index + 1] as Expression]);
    const right = negative(other, [sides[index] as Expression, sides[index + 1] as Expression]);
    const sameness = sameZeros(left, right, { work, positive: ordered });
    if (sameness !== "same") return outcomeOf(sameness);
  }
  return "same";
}

function compareRelation(gold: RelationForm, given: AnswerForm, work: Work): FormOutcome {
  if (given.kind === "relation") {
    if (gold.interval !== null && given.interval !== null) {
      const names = [gold, given].map((form) => form.sides.find((side) => side.kind === "symbol"));
      const [left, right] = names;
      if (left?.kind === "symbol" && right?.kind === "symbol" && left.name === right.name) {
        return compareForms(gold.interval, given.interval, work);
      }
    }
    return compareRelations(gold, given, work);
  }
  if (given.kind === "named") {
    // `x \in [2, 3]` says what `2 <= x <= 3` says; `x = 5` is an equation.
    return given.value.kind === "tuple" && given.zero === null && gold.interval !== null
      ? compareForms(gold.interval, given.value, work)
      : compareEquations(gold, given, work);
  }
  return gold.interval === null ? "different kind" : compareForms(gold.interval, given, work);
}

/** A single row or column, as the list of what it holds. */
function vectorOf(form: AnswerForm): readonly AnswerForm[] | null {
  if (form.kind !== "matrix") return null;
  if (form.rows.length === 1) return form.rows[0] as readonly AnswerForm[];
  return form.rows.every((row) => row.length === 1) ? form.rows.flat() : null;
}

/** A prediction's `x = 5` or `5 + 5 = 10` against a gold answer that names nothing. */
function compareUnnamed(gold: AnswerForm, given: NamedForm | RelationForm, work: Work): FormOutcome {
  if (given.kind === "named") return compareForms(gold, given.value, work);
  // A chain of equations answers with its value only where every link has it.
  if (gold.kind !== "value" || given.operators.some((sign) => sign !== "=")) return "different kind";
  for (const value of given.sides) {
    const outcome = compareForms(gold, { kind: "value", value, unit: null }, work);
    if (outcome !== "same") return outcome;
  }
  return "same";
}

type Plain = Exclude<AnswerForm, NamedForm | RelationForm>;

function comparePlain(gold: Plain, given: Plain, work: Work): FormOutcome {
  switch (gold.kind) {
    case "text":
      return given.kind === "text" ? (gold.words === given.words ? "same" : "different") : "different kind";
    case "value":
      if (given.kind === "list" && given.items.length === 1) {
        return compareForms(gold, given.items[0] as AnswerForm, work);
      }
      return given.kind === "value"
        ? compareValues(gold, given, work)
        : given.kind === "list"
        ? "different count"
        : "different kind";
    case "based":
      if (given.kind !== "based") return "different kind";
      return gold.base === given.base && gold.digits === given.digits ? "same" : "different";
    case "ratio":
      return given.kind === "ratio" ? compareRatios(gold.parts, given.parts) : "different kind";
    case "list":
      if (given.kind === "list") return compareLists(gold.items, given.items, work);
      if (given.kind === "tuple" && given.open === "(" && given.close === ")") {
        return compareOrdered(gold.items, given.items, work);
      }
      if (gold.items.length === 1) return compareForms(gold.items[0] as AnswerForm, given, work);
      return given.kind === "value" ? "different count" : "different kind";
    case "tuple": {
      const vector = vectorOf(given);
      if (vector !== null && gold.open === "(") return compareOrdered(gold.items, vector, work);
      if (given.kind !== "tuple") return "different kind";
      // Of two numbers the brackets say whether the ends belong to an interval; of more they say nothing.
      const same = gold.open === given.open && gold.close === given.close;
      if (gold.items.length === 2 && !same) return "different";
      return compareOrdered(gold.items, given.items, work);
    }
    case "union":
      return given.kind === "union" ? compareUnordered(gold.items, given.items, work) : "different kind";
    case "matrix": {
      const vector = vectorOf(gold);
      if (given.kind === "tuple" && given.open === "(" && vector !== null) {
        return compareOrdered(vector, given.items, work);
      }
      if (given.kind !== "matrix") return "different kind";
      if (gold.rows.length !== given.rows.length || gold.rows[0]?.length !== given.rows[0]?.length) {
        return "different count";
      }
      return compareOrdered(gold.rows.flat(), given.rows.flat(), work);
    }
  }
}

/** Clock times (`12:00`) are equal when they are written alike, ratios when they are in proportion. */
function compareRatios(gold: readonly string[], given: readonly string[]): FormOutcome {
  if (gold.length !== given.length) return "different count";
  const isClock = [...gold, ...given].some((part) => part.length > 1 && part.startsWith("0"));
  const number = (text: string): Rational => ({ top: BigInt(text), bottom: 1n });
  const scale = divideRational(number(gold[0] as string), number(given[0] as string));
  const same = gold.every((part, index) => {
    const other = given[index] as string;
    if (part === other) return true;
    const quotient = divideRational(number(part), number(other));
    return !isClock && scale !== null && quotient !== null && sameRational(scale, quotient);
  });
  return same ? "same" : "different";
}

/** Whether a prediction says what a gold answer says. Not symmetric: the gold answer sets what may be left out. */
export function compareForms(gold: AnswerForm, given: AnswerForm, work: Work): FormOutcome {
  if (work.left-- <= 0) return "unknown";
  if (gold.kind === "named") return compareNamed(gold, given, work);
  if (gold.kind === "relation") return compareRelation(gold, given, work);
  if (given.kind === "named" || given.kind === "relation") return compareUnnamed(gold, given, work);
  return comparePlain(gold, given, work);
}
