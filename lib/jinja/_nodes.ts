import type { BinaryOperator } from "./_arithmetic.ts";
import type { Comparison } from "./_comparer.ts";
import type { Value } from "./_values.ts";

/** What a call is given, before it is worked out. */
export interface ArgumentNodes {
  readonly positional: readonly Expression[];
  readonly named: readonly (readonly [name: string, value: Expression])[];
  /** After `*`. */
  readonly rest: Expression | null;
  /** After `**`. */
  readonly namedRest: Expression | null;
}

/** A part of a template that has a value. */
export type Expression =
  | { readonly kind: "constant"; readonly value: Value }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "list" | "tuple"; readonly items: readonly Expression[] }
  | { readonly kind: "dict"; readonly pairs: readonly (readonly [key: Expression, value: Expression])[] }
  | {
    readonly kind: "choice";
    readonly test: Expression;
    readonly yes: Expression;
    readonly no: Expression | null;
  }
  | { readonly kind: "and" | "or"; readonly left: Expression; readonly right: Expression }
  | { readonly kind: "not"; readonly operand: Expression }
  | {
    readonly kind: "compare";
    readonly first: Expression;
    readonly rest: readonly (readonly [operator: Comparison, operand: Expression])[];
  }
  | {
    readonly kind: "binary";
    readonly operator: BinaryOperator;
    readonly left: Expression;
    readonly right: Expression;
  }
  | { readonly kind: "concat"; readonly parts: readonly Expression[] }
  | { readonly kind: "sign"; readonly operator: "+" | "-"; readonly operand: Expression }
  | { readonly kind: "attribute"; readonly object: Expression; readonly name: string }
  | { readonly kind: "item"; readonly object: Expression; readonly key: Expression }
  | {
    readonly kind: "slice";
    readonly object: Expression;
    readonly start: Expression | null;
    readonly stop: Expression | null;
    readonly step: Expression | null;
  }
  | { readonly kind: "call"; readonly callee: Expression; readonly args: ArgumentNodes }
  | FilterNode
  | {
    readonly kind: "test";
    readonly operand: Expression;
    readonly name: string;
    readonly args: ArgumentNodes;
  };

/** A filter; without an operand it is that of a block, whose text it gets. */
export interface FilterNode {
  readonly kind: "filter";
  readonly operand: Expression | null;
  readonly name: string;
  readonly args: ArgumentNodes;
}

/** What can stand left of `=` or after `for`. */
export type Target =
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "field"; readonly object: string; readonly name: string }
  | { readonly kind: "targets"; readonly parts: readonly Target[] };

/** A parameter of a macro. */
export interface Parameter {
  readonly name: string;
  readonly default: Expression | null;
}

/** A part of a template that has its own variables. */
export type ScopeNode =
  | ForNode
  | MacroNode
  | CallBlockNode
  | SetBlockNode
  | FilterBlockNode
  | WithNode
  | GenerationNode;

export interface ForNode {
  readonly kind: "for";
  readonly target: Target;
  readonly iterable: Expression;
  readonly test: Expression | null;
  readonly recursive: boolean;
  readonly body: readonly Statement[];
  readonly otherwise: readonly Statement[];
}

export interface MacroNode {
  readonly kind: "macro";
  readonly name: string;
  readonly parameters: readonly Parameter[];
  readonly body: readonly Statement[];
}

export interface CallBlockNode {
  readonly kind: "call block";
  readonly call: Expression & { readonly kind: "call" };
  readonly parameters: readonly Parameter[];
  readonly body: readonly Statement[];
}

export interface SetBlockNode {
  readonly kind: "set block";
  readonly target: Target;
  readonly filter: Expression | null;
  readonly body: readonly Statement[];
}

export interface FilterBlockNode {
  readonly kind: "filter block";
  readonly filter: Expression;
  readonly body: readonly Statement[];
}

export interface WithNode {
  readonly kind: "with";
  readonly bindings: readonly (readonly [target: Target, value: Expression])[];
  readonly body: readonly Statement[];
}

/** The tag by which templates of transformers mark what the assistant says. */
export interface GenerationNode {
  readonly kind: "generation";
  readonly body: readonly Statement[];
}

/** A part of a template that does something. */
export type Statement =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "print"; readonly value: Expression }
  | {
    readonly kind: "if";
    readonly branches: readonly (readonly [test: Expression, body: readonly Statement[]])[];
    readonly otherwise: readonly Statement[];
  }
  | { readonly kind: "set"; readonly target: Target; readonly value: Expression }
  | { readonly kind: "break" | "continue" }
  | ScopeNode;
