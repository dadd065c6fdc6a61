import { InputError } from "../../core/mod.ts";
import { DateFault, JinjaTemplate, TemplateFault, WorkFault } from "../../jinja/mod.ts";

/** A chat template, parsed; faults of the template name the file it came from. */
export class ChatTemplate {
  readonly #template: JinjaTemplate;
  readonly #where: string;

  constructor(source: string, options: { readonly where: string }) {
    this.#where = options.where;
    try {
      this.#template = new JinjaTemplate(source);
    } catch (cause) {
      throw this.#fault("cannot parse the chat template", cause);
    }
  }

  /**
   * The text for the given variables, `date` being the day that the template may show; `InputError` where the template
   * refuses them, works without end, or asks for the date and there is none.
   */
  render(
    variables: Readonly<Record<string, unknown>>,
    options: { readonly date?: string | undefined } = {},
  ): string {
    const { date } = options;
    try {
      return this.#template.render({ variables, date });
    } catch (cause) {
      if (cause instanceof DateFault) {
        // A prompt must not depend on when it is made.
        throw new InputError("the chat template asks for today's date", {
          where: this.#where,
          repair: "pass the date that it should show: --date 2024-07-26, or the option date",
          cause,
        });
      }
      throw this.#fault("the chat template refuses these messages", cause);
    }
  }

  #fault(what: string, cause: unknown): unknown {
    if (!(cause instanceof TemplateFault)) return cause;
    const where = this.#where;
    if (cause instanceof WorkFault) {
      return new InputError("the chat template does more work than a conversation needs", {
        where,
        repair: "use a tokenizer whose template has no endless loop",
        cause,
      });
    }
    return new InputError(`${what}, ${cause.message.replace(/\s+/g, " ")}`, { where, cause });
  }
}
