/** Text that is HTML already. */
export interface Html {
  readonly html: string;
}

/** What may stand in a template: text, which is escaped, HTML, lists of either, or nothing. */
type Part = string | number | Html | readonly Part[] | null | false;

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function written(part: Part): string {
  if (part === null || part === false) return "";
  if (typeof part === "string" || typeof part === "number") {
    return String(part).replace(/[&<>"']/g, (letter) => ENTITIES[letter] as string);
  }
  return "html" in part ? part.html : part.map(written).join("");
}

/** HTML from a template whose values are escaped, those apart that are HTML already. */
export function html(texts: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return { html: texts.map((text, place) => text + written(parts[place] ?? null)).join("") };
}

/** Markup that was made elsewhere, such as from Markdown of this project. */
export function trusted(text: string): Html {
  return { html: text };
}

/** JSON as the content of a script element, which nothing in it may end. */
export function embeddedJson(value: unknown): Html {
  return { html: JSON.stringify(value).replaceAll("<", "\\u003c") };
}
