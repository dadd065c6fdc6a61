/// <reference lib="dom" />
import type { Metrics } from "../lib/report/mod.ts";
import { byId, element, table } from "./_dom.ts";

const number = (value: number | null): string =>
  value === null ? "–" : String(Number(value.toPrecision(5))).replace("-", "−");

function captioned(
  caption: string,
  ...content: readonly [head: readonly string[], rows: readonly (readonly string[])[]]
): HTMLElement {
  return element(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
    table(...content, element("caption", {}, caption)),
  );
}

/** What a figure's metrics say, as tables: its checks, the paper's numbers by how they are known, its inputs. */
function numbersOf({ checks, paper, inputs }: Metrics): readonly HTMLElement[] {
  const shown: HTMLElement[] = [];
  if (checks.length > 0) {
    const rows = checks.map((
      { metric, value, expected, tolerance, verdict },
    ) => [metric, number(value), number(expected), number(tolerance), verdict]);
    shown.push(captioned("Checks", ["metric", "value", "expected", "tolerance", "verdict"], rows));
  }
  const numbers = paper?.numbers ?? [];
  if (numbers.length > 0) {
    const rows = [...numbers].sort((a, b) => (a.source ?? "~") < (b.source ?? "~") ? -1 : 1).map((
      { metric, unit, ours, paper, std, source },
    ) => [
      metric,
      `${number(ours)} ${unit}`,
      paper === null ? "not known" : `${number(paper)}${std === null ? "" : ` ± ${number(std)}`} ${unit}`,
      source ?? "–",
    ]);
    shown.push(
      captioned(`The paper's numbers (${paper?.model ?? ""}), by how they are known`, [
        "metric",
        "ours",
        "the paper's",
        "class",
      ], rows),
    );
  }
  shown.push(captioned("Inputs", ["input", "SHA-256"], Object.entries(inputs)));
  return shown;
}

for (const details of document.querySelectorAll<HTMLDetailsElement>("details.numbers")) {
  details.addEventListener("toggle", async () => {
    const path = details.dataset.metrics;
    if (!details.open || path === undefined) return;
    delete details.dataset.metrics;
    try {
      details.append(...numbersOf(await (await fetch(path)).json() as Metrics));
    } catch {
      details.append(
        element("p", { class: "fault" }, "The numbers did not come: open metrics.json instead."),
      );
    }
  });
}

/** Draws a figure anew so that it can be hovered over, once it comes into view. */
const seen = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) continue;
    seen.unobserve(target);
    const figure = target as HTMLElement;
    // Loaded when it is first needed: the drawing library is larger than the page.
    import(new URL("figures.js", import.meta.url).href).then(({ drawFigure }) => drawFigure(figure)).catch(
      () => {
        // The picture of the figure stays where it is.
      },
    );
  }
}, { rootMargin: "300px" });
for (const figure of document.querySelectorAll<HTMLElement>(".drawing")) seen.observe(figure);

const search = byId<HTMLInputElement>("search"), items = [...document.querySelectorAll<HTMLElement>(".item")];
const texts = new Map(items.map((item) => [item, item.textContent?.toLowerCase() ?? ""]));
search.addEventListener("input", () => {
  const words = search.value.toLowerCase().split(/\s+/).filter((word) => word !== "");
  let matches = 0;
  for (const item of items) {
    const shown = words.every((word) => item.id.startsWith(word) || texts.get(item)?.includes(word));
    item.hidden = !shown;
    if (shown) matches++;
  }
  byId<HTMLOutputElement>("matches").value = words.length === 0 ? "" : `${matches} of ${items.length}`;
});
search.form?.addEventListener("submit", (event) => event.preventDefault());
