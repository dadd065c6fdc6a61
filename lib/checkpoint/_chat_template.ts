import { parse, tokenize } from "@huggingface/jinja";
import { InputError } from "../core/mod.ts";
import { BoundedInterpreter, boundedRange, type TemplateProgram } from "./_bounded_interpreter.ts";

/** Letters of a template; the longest published ones have a tenth of it. */
export const TEMPLATE_LETTERS_LIMIT = 200_000;

/** Blanks in a row: the parser takes time with the square of them. */
const BLANKS_LIMIT = 1000;

function longestBlank(source: string): number {
  let longest = 0, end = 0;
  for (const { index, 0: word } of source.matchAll(/\S+/g)) {
    longest = Math.max(longest, index - end);
    end = index + word.length;
  }
  return Math.max(longest, source.length - end);
}

/** All that a template can call: nothing reads a file, the network, the environment or a clock. */
function globalsOf(where: string): Readonly<Record<string, unknown>> {
  return {
    true: true,
    True: true,
    false: false,
    False: false,
    none: null,
    None: null,
    range: boundedRange(where),
    raise_exception(message: unknown): never {
      throw new Error(String(message));
    },
    strftime_now(): never {
      // A prompt must not depend on the day.
      throw new InputError("the chat template asks for today's date", {
        where,
        repair:
          'pass the date it should show, for most templates as variables: { date_string: "26 Jul 2024" }',
      });
    },
  };
}

/** A chat template, parsed; faults of the template name the file it came from. */
export class ChatTemplate {
  readonly #program: TemplateProgram;
  readonly #where: string;

  constructor(source: string, options: { readonly where: string }) {
    this.#where = options.where;
    if (source.length > TEMPLATE_LETTERS_LIMIT) {
      throw new InputError(
        `the chat template has ${source.length} letters, more than the limit ${TEMPLATE_LETTERS_LIMIT}`,
        { where: options.where },
      );
    }
    if (longestBlank(source) > BLANKS_LIMIT) {
      throw new InputError(`the chat template has more than ${BLANKS_LIMIT} blanks in a row`, options);
    }
    try {
      this.#program = parse(tokenize(source, { lstrip_blocks: true, trim_blocks: true }));
    } catch (cause) {
      throw this.#fault("cannot parse the chat template", cause);
    }
  }

  /** The text for the given variables; `InputError` where the template refuses them or works without end. */
  render(variables: Readonly<Record<string, unknown>>): string {
    try {
      const interpreter = new BoundedInterpreter(this.#program, {
        variables: { ...globalsOf(this.#where), ...variables },
        where: this.#where,
      });
      return String(interpreter.run(this.#program).value);
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
