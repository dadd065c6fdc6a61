import { dateFrom } from "./_date_text.ts";
import { Evaluator } from "./_evaluator.ts";
import { DateFault, TemplateFault, WorkFault } from "./_faults.ts";
import { globalsFor } from "./_globals.ts";
import { tokensOf } from "./_tokens_of.ts";
import type { Statement } from "./_nodes.ts";
import { parsed } from "./_parsed.ts";
import { Renderer } from "./_renderer.ts";
import { Scope } from "./_scope.ts";
import { type HiddenNames, hiddenNames } from "./_scopes.ts";
import { valueFrom } from "./_values.ts";

/** Letters of a template; the longest published ones have a tenth of it. */
export const TEMPLATE_LETTERS_LIMIT = 200_000;

/** What a template is rendered with. */
export interface RenderOptions {
  /** Values by name, made of what JSON has. Whole numbers are ints; a `Map` keeps the order of any keys. */
  readonly variables?: Readonly<Record<string, unknown>>;
  /** The day that `strftime_now` writes, as `2024-07-26`. `@default none, and templates that ask for it are refused` */
  readonly date?: string | undefined;
}

/** The stack ends where a template nests or calls itself too deep; the engine's words for it name no cause. */
function named(error: unknown): unknown {
  return error instanceof RangeError && /call stack/.test(error.message)
    ? new WorkFault("the template nests or calls itself too deep")
    : error;
}

/**
 * A template of jinja2 as transformers runs chat templates: sandboxed, with `trim_blocks`, `lstrip_blocks`, `break` and
 * `continue`, the tag `generation`, and its own `tojson`, `raise_exception` and `strftime_now`. What it prints is what
 * Python prints. Rendering is bounded by work that is counted, not timed, and reaches nothing but its variables.
 */
export class JinjaTemplate {
  readonly #statements: readonly Statement[];
  readonly #hidden: HiddenNames;

  /** Throws a {@link TemplateFault} for what is no template. */
  constructor(source: string) {
    if (source.length > TEMPLATE_LETTERS_LIMIT) {
      throw new TemplateFault(
        `it has ${source.length} letters, more than the limit ${TEMPLATE_LETTERS_LIMIT}`,
      );
    }
    try {
      this.#statements = parsed(tokensOf(source));
      this.#hidden = hiddenNames(this.#statements);
    } catch (error) {
      throw named(error);
    }
  }

  /**
   * The text for some variables. Throws a {@link TemplateFault} where jinja2 or the template itself refuses them, a
   * {@link WorkFault} past the bounds, and a {@link DateFault} where it asks for a day and has none.
   */
  render(options: RenderOptions = {}): string {
    const { variables = {} } = options, date = options.date === undefined ? null : dateFrom(options.date);
    if (options.date !== undefined && date === null) {
      throw new RangeError(
        `Cannot render as the date must be a day like 2024-07-26: current value is "${options.date}"`,
      );
    }
    try {
      const evaluator = new Evaluator(), { work, printer, comparer } = evaluator, globals = new Scope();
      const noDate = (): never => {
        throw new DateFault("the template asks for today's date");
      };
      for (const [name, value] of globalsFor({ work, printer, comparer, date, noDate })) {
        globals.set(name, value);
      }
      for (const [name, value] of Object.entries(variables)) {
        if (value !== undefined) globals.set(name, valueFrom(value));
      }
      return new Renderer(evaluator, { hidden: this.#hidden }).render(this.#statements, globals);
    } catch (error) {
      throw named(error);
    }
  }
}
