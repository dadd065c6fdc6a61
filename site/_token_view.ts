/// <reference lib="dom" />
import type { TopToken } from "../lib/decode/mod.ts";
import { byId, element, percentText, table, tokenLine, visibleToken } from "./_dom.ts";
import type { PageModel, Reading } from "./page_model.ts";

/** A place in a text, and what the model does there without vectors and with them. */
interface TokenView {
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

/** The likeliest next tokens before and after. */
function nextTokens({ page, tokens, position, readings }: TokenView): HTMLElement {
  const chosen = tokens[position + 1] as number;
  const [base, steered] = [readings.base, readings.steered].map((reading) =>
    new Map(page.next(reading, position).map(({ token, probability }) => [token, probability]))
  ) as [Map<number, number>, Map<number, number>];
  const likeliest = [steered, base].flatMap((side) => [...side.keys()].slice(0, LISTED));
  const share = (side: Map<number, number>, token: number) => side.get(token) as number;
  const most = (token: number) => Math.max(share(base, token), share(steered, token));
  const sorted = [...new Set([...likeliest, chosen])].sort((a, b) => most(b) - most(a))
    .filter((token, at) => at < 3 || token === chosen || most(token) >= LEAST);
  return table(
    ["next token", "without vectors", "with"],
    sorted.map((token) => [
      element("th", { scope: "row" }, code(page.tokenizer.tokenText(token), token === chosen)),
      bar(share(base, token), "base"),
      bar(share(steered, token), "steered"),
    ]),
  );
}

/** What each block's residual stream reads as. */
async function lensTable({ page, position, readings }: TokenView): Promise<HTMLElement> {
  const [base = [], steered = []] = await Promise.all(
    [readings.base, readings.steered].map((reading) => page.lens(reading, position)),
  );
  const best = (of: readonly TopToken[] | undefined, side: "base" | "steered") => {
    const { token, probability } = of?.[0] as TopToken;
    return [element("td", {}, code(page.tokenizer.tokenText(token))), bar(probability, side)];
  };
  return table(
    ["behind block", "without", "", "with", ""],
    base.map((tokens, layer) => [
      element("th", { scope: "row" }, String(layer)),
      ...best(tokens, "base"),
      ...best(steered[layer], "steered"),
    ]),
  );
}

/** A control that chooses among values, with its label. */
function choice(id: string, label: string, values: readonly string[]) {
  const select = element("select", { id }, ...values.map((value) => element("option", { value }, value)));
  return { select, parts: [element("label", { for: id }, label), select] };
}

/** The text as a head looks back at it. */
function attentionView({ page, tokens, position, readings }: TokenView): HTMLElement {
  const { layers, heads } = page.model.config, seq = tokens.length, shown = element("div");
  const count = (length: number) => Array.from({ length }, (_, at) => String(at));
  const block = choice("attention-layer", "block", count(layers));
  const head = choice("attention-head", "head", count(heads));
  const side = choice("attention-side", "model", ["with vectors", "without vectors"]);
  const draw = () => {
    const { attention } = side.select.selectedIndex === 0 ? readings.steered : readings.base;
    const weights = attention[block.select.selectedIndex];
    if (weights === null || weights === undefined) {
      const why = "With a switch of the last block on, that block attends twice: choose an earlier one.";
      return shown.replaceChildren(element("p", {}, why));
    }
    const from = (head.select.selectedIndex * seq + position) * seq;
    const row = weights.subarray(from, from + position + 1), most = Math.max(...row);
    const looked = Array.from(row, (weight, at) => ({
      text: page.tokenizer.tokenText(tokens[at] as number),
      colour: weight / most,
      title: percentText(weight),
    }));
    const label = `Attention of head ${head.select.value} in block ${block.select.value}`;
    shown.replaceChildren(tokenLine(looked, { label }));
  };
  block.select.selectedIndex = layers - 2;
  draw();
  const controls = [block, head, side].flatMap(({ parts }) => parts);
  return element("div", {}, element("p", { class: "row", onchange: draw }, ...controls), shown);
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
