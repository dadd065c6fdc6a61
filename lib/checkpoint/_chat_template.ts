import { Template } from "@huggingface/jinja";
import { InputError } from "../core/mod.ts";

/**
 * The dialect's one function that reads a clock is replaced before anything else runs: a prompt must not depend on
 * the day. The library refuses to redeclare it from outside, but a template may assign to it. The line break belongs to the statement and is not printed.
 */
const WITHOUT_CLOCK = "{% set strftime_now = refuse_clock %}\n";

function refuseClock(): never {
  throw new InputError("the chat template asks for today's date", {
    repair: 'pass the date it should show, for most templates as variables: { date_string: "26 Jul 2024" }',
  });
}

/** A chat template, parsed; faults of the template name the file it came from. */
export class ChatTemplate {
  readonly #template: Template;
  readonly #where: string;

  constructor(source: string, options: { readonly where: string }) {
    this.#where = options.where;
    try {
      this.#template = new Template(WITHOUT_CLOCK + source);
    } catch (cause) {
      throw this.#fault("cannot parse the chat template", cause);
    }
  }

  /** The text for the given variables. */
  render(variables: Readonly<Record<string, unknown>>): string {
    try {
      return this.#template.render({ ...variables, refuse_clock: refuseClock });
    } catch (cause) {
      if (cause instanceof InputError) throw cause;
      throw this.#fault("the chat template refuses these messages", cause);
    }
  }

  #fault(what: string, cause: unknown): InputError {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return new InputError(`${what}, ${reason}`, { where: this.#where, cause });
  }
}
