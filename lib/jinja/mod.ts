/**
 * Templates of jinja2 as transformers runs chat templates, within a bound on work: what is written, printed, compared
 * and refused is what Python would, checked against jinja2 itself.
 *
 * @module
 */
export { type CalendarDay, dateFrom } from "./_date_text.ts";
export { JinjaTemplate, type RenderOptions, TEMPLATE_LETTERS_LIMIT } from "./jinja_template.ts";
export { DateFault, TemplateFault, WorkFault } from "./_faults.ts";
