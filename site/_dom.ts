/// <reference lib="dom" />

/** What an element may be given: attributes by name, and what happens on events (`onclick`). */
type Attributes = Readonly<Record<string, string | number | boolean | ((event: Event) => void)>>;

/** An element with attributes and children. A false attribute is left out, a true one stands without a value. */
export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(key.replace(/^on/, ""), value);
    else if (value !== false) made.setAttribute(key, value === true ? "" : String(value));
  }
  made.append(...children);
  return made;
}

/** The element of a page that has an id; a page without it is a fault of ours. */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`Cannot find #${id} in the page`);
  return found as T;
}

/** What a page was built with: the JSON of its element `data`. */
export function pageData<T>(): T {
  return JSON.parse(byId("data").textContent ?? "null") as T;
}

/** A table; a cell that is text becomes one of data. */
export function table(
  head: readonly string[],
  rows: readonly (readonly (HTMLElement | string)[])[],
  ...caption: readonly HTMLElement[]
): HTMLElement {
  const cells = (row: readonly (HTMLElement | string)[]) =>
    row.map((cell) => typeof cell === "string" ? element("td", {}, cell) : cell);
  return element(
    "table",
    {},
    ...caption,
    element("thead", {}, element("tr", {}, ...head.map((cell) => element("th", { scope: "col" }, cell)))),
    element("tbody", {}, ...rows.map((row) => element("tr", {}, ...cells(row)))),
  );
}

/** What a grader says of an answer; null for one that was not graded. */
export function verdictBadge(
  verdict: { readonly correct: boolean; readonly reason: string } | null,
): HTMLElement {
  if (verdict === null) return element("span", { class: "badge" }, "not graded");
  const { correct, reason } = verdict;
  return element(
    "span",
    { class: `badge ${correct ? "good" : "bad"}` },
    correct ? "right" : `wrong: ${reason}`,
  );
}

/** A token's text with what would not be seen made visible. */
export function visibleToken(text: string): string {
  return text.replaceAll("\n", "↵") || "∅";
}

/** A share of 1 as percent: two digits below ten, else whole. */
export function percentText(share: number): string {
  const percent = 100 * share;
  return `${Math.abs(percent) < 9.95 ? percent.toFixed(1) : percent.toFixed(0)} %`.replace("-", "−");
}

/** A change of a share, with its sign. */
export function shiftText(change: number): string {
  return `${change < 0 ? "" : "+"}${percentText(change)}`;
}

/** What a token of a {@link tokenLine} is. */
export interface ShownToken {
  /** Its text. */
  readonly text: string;
  /** From −1 (orange) to 1 (blue): what colours it; null for none. */
  readonly colour: number | null;
  /** What a pointer over it, or a screen reader on it, tells. */
  readonly title: string;
  /** Whether it was given and not drawn. */
  readonly given?: boolean;
}

/**
 * Tokens as one line of text that can be walked through: Tab comes to the line, arrow keys go from token to token,
 * Enter or a click chooses one.
 */
export function tokenLine(
  tokens: readonly ShownToken[],
  options: { readonly label: string; readonly onChoose?: (index: number) => void },
): HTMLElement {
  const { label, onChoose } = options;
  const line = element("div", { class: "tokens", role: "group", "aria-label": label });
  tokens.forEach(({ text, colour, title, given = false }, index) => {
    const item = element("button", {
      type: "button",
      class: `token${given ? " given" : ""}`,
      tabindex: index === 0 ? 0 : -1,
      title,
      "aria-label": `${text.trim() || "space"}: ${title}`,
    }, visibleToken(text));
    if (colour !== null) {
      item.style.setProperty("--weight", Math.min(1, Math.abs(colour)).toFixed(3));
      item.classList.add(colour < 0 ? "down" : "up");
    }
    item.addEventListener("click", () => onChoose?.(index));
    line.append(item);
  });
  line.addEventListener("keydown", (event) => {
    const items = [...line.querySelectorAll<HTMLElement>(".token")];
    const at = items.indexOf(document.activeElement as HTMLElement);
    const steps: Readonly<Record<string, number>> = {
      ArrowRight: at + 1,
      ArrowLeft: at - 1,
      Home: 0,
      End: items.length - 1,
    };
    const next = items[steps[event.key] ?? -1];
    if (next === undefined) return;
    event.preventDefault();
    for (const item of items) item.tabIndex = item === next ? 0 : -1;
    next.focus();
  });
  return line;
}
