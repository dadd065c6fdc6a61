import type { Tools } from "./_tools.ts";
import type { CallArguments, Value } from "./_values.ts";

/** How filters reach other filters and tests by name, as `map` and `select` do. */
export interface Library {
  readonly filter: (name: string, call: Operation) => Value;
  readonly test: (name: string, call: Operation) => boolean;
  readonly hasFilter: (name: string) => boolean;
  readonly hasTest: (name: string) => boolean;
}

/** A filter or test applied to a value. */
export interface Operation {
  readonly value: Value;
  readonly args: CallArguments;
}

/** What a filter or test works with. */
export interface OperationCall extends Operation {
  readonly tools: Tools;
  readonly library: Library;
}
