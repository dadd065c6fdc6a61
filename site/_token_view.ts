/// <reference lib="dom" />
import { byId, element, percentText, tokenLine, visibleToken } from "./_dom.ts";
import { likeliest, type PageModel, type Reading } from "./page_model.ts";

/** A place in a text, and what the model does there without vectors and with them. */
export interface TokenView {
  readonly page: PageModel;
  /** The whole text. */
  readonly tokens: readonly number[];
  /** The place whose next token is looked at. */
  readonly position: number;
  readonly readings: { readonly base: Reading; readonly steered: Reading };
}

/** Most tokens listed of a distribution, and the share below which one is not worth a line. */
const LISTED = 8, LEAST = 0.0005;

/** The cell of a probability: a bar and a number. */
function bar(probability: number, side: "base" | "steered"): HTMLElement {
  const cell = element("td", { class: `bar ${side}` }, element("span", {}, percentText(probability)));
  cell.style.setProperty("--share", String(probability));
  return cell;
}

const code = (text: string, chosen = false): HTMLElement =>
  element(chosen ? "mark" : "code", { class: "word" }, visibleToken(text));

function table(head: readonly string[], rows: readonly (readonly HTMLElement[])[]): HTMLElement {
  return element(
    "table",
    {},
    element("thead", {}, element("tr", {}, ...head.map((cell) => element("th", { scope: "col" }, cell)))),
    element("tbody", {}, ...rows.map((cells) => element("tr", {}, ...cells))),
  );
}

/** The likeliest next tokens before and after. */
function nextTokens({ page, tokens, position, readings }: TokenView): HTMLElement {
  const chosen = tokens[position + 1];
  const base = page.next(readings.base, position), steered = page.next(readings.steered, position);
  const listed = new Set(
    [...likeliest(steered, LISTED), ...likeliest(base, LISTED)].map(({ token }) => token),
  );
  if (chosen !== undefined) listed.add(chosen);
  const most = (token: number) => Math.max(base[token] as number, steered[token] as number);
  const sorted = [...listed].sort((a, b) => most(b) - most(a)).filter((token, at) =>
    at < 3 || token === chosen || most(token) >= LEAST
  );
  return table(
    ["next token", "without vectors", "with"],
    sorted.map((token) => [
      element("th", { scope: "row" }, code(page.tokenizer.tokenText(token), token === chosen)),
      bar(base[token] as number, "base"),
      bar(steered[token] as number, "steered"),
    ]),
  );
}

/** What each block's residual stream reads as. */
async function lensTable({ page, position, readings }: TokenView): Promise<HTMLElement> {
  const base = await page.lens(readings.base, position),
    steered = await page.lens(readings.steered, position);
  const best = (of: Float32Array | undefined, side: "base" | "steered") => {
    const [first] = likeliest(of ?? new Float32Array(1), 1);
    const { token = 0, probability = 0 } = first ?? {};
    return [element("td", {}, code(page.tokenizer.tokenText(token))), bar(probability, side)];
  };
  return table(
    ["behind block", "without", "", "with", ""],
    base.map((_, layer) => [
      element("th", { scope: "row" }, String(layer)),
      ...best(base[layer], "base"),
      ...best(steered[layer], "steered"),
    ]),
  );
}

/** The text as a head looks back at it. */
function attentionView(view: TokenView): HTMLElement {
  const { page, tokens, position, readings } = view,
    { layers, heads } = page.model.config,
    seq = tokens.length;
  const pick = (
    id: string,
    label: string,
    values: readonly string[],
  ) => [
    element("label", { for: id }, label),
    element("select", { id }, ...values.map((value) => element("option", { value }, value))),
  ];
  const count = (length: number) => Array.from({ length }, (_, at) => String(at));
  const shown = element("div");
  const value = (id: string) =>
    (shown.parentElement?.querySelector(`#${id}`) as HTMLSelectElement | null)?.value ?? "0";
  const draw = () => {
    const layer = Number(value("attention-layer")), head = Number(value("attention-head"));
    const { attention } = value("attention-side") === "without vectors" ? readings.base : readings.steered;
    const weights = attention[layer];
    if (weights === null || weights === undefined) {
      shown.replaceChildren(
        element(
          "p",
          {},
          "With a switch of the last block on, that block attends twice: choose an earlier one.",
        ),
      );
      return;
    }
    const from = (head * seq + position) * seq, row = weights.subarray(from, from + position + 1);
    const most = row.reduce((a, b) => Math.max(a, b), 0);
    shown.replaceChildren(tokenLine(
      tokens.slice(0, position + 1).map((token, at) => {
        const weight = row[at] as number;
        return { text: page.tokenizer.tokenText(token), colour: weight / most, title: percentText(weight) };
      }),
      { label: `Attention of head ${head} in block ${layer}` },
    ));
  };
  const controls = element(
    "p",
    { class: "row", onchange: draw },
    ...pick("attention-layer", "block", count(layers)),
    ...pick("attention-head", "head", count(heads)),
    ...pick("attention-side", "model", ["with vectors", "without vectors"]),
  );
  (controls.querySelector("#attention-layer") as HTMLSelectElement).value = String(layers - 2);
  const view_ = element("div", {}, controls, shown);
  draw();
  return view_;
}

/** Shows a token's place in the inspector. */
export async function showToken(view: TokenView): Promise<void> {
  const { page, tokens, position } = view, inspector = byId("inspector"), lens = await lensTable(view);
  byId("inspected").replaceChildren(
    "What stood behind ",
    code(page.tokenizer.tokenText(tokens[position + 1] as number), true),
  );
  byId("next-tokens").replaceChildren(nextTokens(view));
  byId("lens").replaceChildren(lens);
  byId("attention").replaceChildren(attentionView(view));
  inspector.hidden = false;
  inspector.scrollIntoView({
    block: "nearest",
    behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth",
  });
}
