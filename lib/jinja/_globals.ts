import { bound, REQUIRED, textArgument } from "./_arguments.ts";
import type { Comparer } from "./_comparer.ts";
import { type CalendarDay, dateText } from "./_date_text.ts";
import { TemplateFault } from "./_faults.ts";
import { Cycler, dictFrom, dictFromKeys, Joiner, Namespace } from "./_instances.ts";
import type { OwnTools } from "./_tools.ts";
import {
  Callable,
  type CallArguments,
  Instance,
  intOf,
  NumberRange,
  typeName,
  type Value,
} from "./_values.ts";

/** What a template may call: nothing reads a file, the network, the environment or a clock. */
export interface GlobalTools extends OwnTools {
  /** The day that `strftime_now` writes, or null. */
  readonly date: CalendarDay | null;
  /** Ends a rendering that asks for the day where there is none. */
  readonly noDate: () => never;
}

/** `dict` of a template: a function with one method. */
class DictMaker extends Instance {
  readonly typeName = "TemplateDict";

  constructor(readonly comparer: Comparer) {
    super();
  }

  override attribute(name: string): Value | undefined {
    if (name !== "fromkeys") return undefined;
    return new Callable(name, (args) => dictFromKeys(args, this.comparer));
  }

  override callable(): Callable {
    return new Callable("dict", (args) => dictFrom(args, this.comparer));
  }
}

function rangeOf({ positional, named }: CallArguments): NumberRange {
  if (named.size > 0) throw new TemplateFault("range() takes no keyword arguments");
  if (positional.length < 1 || positional.length > 3) {
    throw new TemplateFault(`range expected 1 to 3 arguments, got ${positional.length}`);
  }
  const limits = positional.map((value) => {
    const whole = intOf(value);
    if (whole === null) {
      throw new TemplateFault(`'${typeName(value)}' object cannot be interpreted as an integer`);
    }
    return whole;
  });
  const [first = 0n, second, step = 1n] = limits;
  return second === undefined ? new NumberRange(0n, first, 1n) : new NumberRange(first, second, step);
}

/** The names that every template knows, as transformers sets them. */
export function globalsFor(tools: GlobalTools): ReadonlyMap<string, Value> {
  const { comparer, printer, date } = tools;
  const functions: Readonly<Record<string, (args: CallArguments) => Value>> = {
    range: rangeOf,
    namespace: (args) => new Namespace(dictFrom(args, comparer)),
    cycler: ({ positional }) => new Cycler(positional),
    joiner(args) {
      const { sep } = bound(args, "joiner()", { sep: ", " });
      return new Joiner(sep);
    },
    lipsum() {
      throw new TemplateFault("lipsum() is not supported: it writes another text every time");
    },
    raise_exception(args) {
      const { message } = bound(args, "raise_exception()", { message: REQUIRED });
      throw new TemplateFault(printer.text(message));
    },
    strftime_now(args) {
      const { format } = bound(args, "strftime_now()", { format: REQUIRED });
      return date === null ? tools.noDate() : dateText(date, textArgument(format, "strftime_now() argument"));
    },
  };
  const globals = new Map<string, Value>([["dict", new DictMaker(comparer)]]);
  for (const [name, call] of Object.entries(functions)) globals.set(name, new Callable(name, call));
  return globals;
}
