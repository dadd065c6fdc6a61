import type { Expression } from "./_expression.ts";
import type { Matrix } from "./_matrix.ts";

/** An answer as far as its outer form says what it is. */
export type AnswerForm =
  | { readonly kind: "value"; readonly value: Expression; readonly unit: string | null }
  | { readonly kind: "text"; readonly words: string }
  | { readonly kind: "choice"; readonly letter: string; readonly value: AnswerForm }
  | { readonly kind: "based"; readonly digits: string; readonly base: string }
  | { readonly kind: "ratio"; readonly parts: readonly Expression[] }
  | ListForm
  | {
    readonly kind: "tuple";
    readonly open: string;
    readonly close: string;
    readonly items: readonly AnswerForm[];
  }
  | {
    readonly kind: "region";
    readonly operation: "union" | "intersection" | "minus";
    readonly parts: readonly AnswerForm[];
  }
  | { readonly kind: "modular"; readonly value: AnswerForm; readonly modulus: Expression }
  | Matrix
  | NamedForm
  | RelationForm;

/** A value without a unit. */
export function plainValue(value: Expression): AnswerForm {
  return { kind: "value", value, unit: null };
}

/** Values side by side, or a set of them: the order does not count. */
export interface ListForm {
  readonly kind: "list";
  readonly items: readonly AnswerForm[];
  /** What stands between the items. */
  readonly joint: "," | "and" | "or";
}

/** `x = 5`, `f(x) = 2x`, `x \in [1, 2]`: a value and what it is the value of. */
export interface NamedForm {
  readonly kind: "named";
  readonly name: string;
  /** Whether the name is that of one thing, so that the value alone answers too. */
  readonly pure: boolean;
  readonly value: AnswerForm;
  /** Left side minus right side, for equations that can be read so. */
  readonly zero: Expression | null;
}

/** An equation or inequality between expressions. */
export interface RelationForm {
  readonly kind: "relation";
  readonly operators: readonly string[];
  readonly sides: readonly Expression[];
}
