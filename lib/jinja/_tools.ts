import type { Comparer } from "./_comparer.ts";
import type { FieldAccess } from "./_formatting.ts";
import type { Printer } from "./_printing.ts";
import type { CallArguments, Value } from "./_values.ts";
import type { Work } from "./_work.ts";

/** What every function of a template may need of its rendering. */
export interface Tools {
  readonly work: Work;
  readonly printer: Printer;
  readonly comparer: Comparer;
  readonly access: FieldAccess;
}

/** The same for what reaches no attributes. */
export type OwnTools = Omit<Tools, "access">;

/** A call of a method on a value. */
export interface MethodCall<T> {
  readonly self: T;
  readonly args: CallArguments;
  readonly tools: Tools;
}

/** The methods of a type by name. */
export type Methods<T> = Readonly<Record<string, (call: MethodCall<T>) => Value>>;
