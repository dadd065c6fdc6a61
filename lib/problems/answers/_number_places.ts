import type { Place } from "./_formula_groups.ts";

const BEFORE = String.raw`(?:^|(?<=[\s=]))(?:\*\*)?`;

/** Numbers: with groups of three, with a decimal point or comma, or whole; a currency sign may stand before. */
const NUMBER = new RegExp(
  String
    .raw`${BEFORE}[$€£¥₹₽₩]?(?:(-?[1-9]\d{0,2}(?:[ ,]\d{3})+)(\.\d+)?|(-?\d+)[.,](\d+)|(\.\d+)|(-?\d+))(\s*(?:%|[Pp]ercentage|[Pp]ercent|[Pp]ct))?`,
  "g",
);

/** Plain numbers with an operator between them, up to a mark of the sentence. */
const TERM = new RegExp(
  String
    .raw`${BEFORE}(-?\(?-?\d[\d.\s+\-*×/^()÷]{0,100}[+\-*×/^()÷][\d.\s+\-*×/^()÷]{1,100}\)?)(?=(?:\*\*)?(?:[.,:\s)$]|$))`,
  "g",
);

function spelled(found: RegExpMatchArray): string {
  const [, grouped, fraction = "", whole, decimals, bare, integer, percent] = found;
  const number = grouped !== undefined
    ? grouped.replace(/[ ,]/g, "") + fraction
    : whole !== undefined
    ? `${whole}.${decimals}`
    : bare !== undefined
    ? `0${bare}`
    : integer ?? "";
  return number + (percent === undefined ? "" : "%");
}

/** Every plain number of a text, and every term of plain numbers, with its place. */
export function numberPlaces(text: string): Place[] {
  const numbers = [...text.matchAll(NUMBER)].map((found): Place => ({
    from: found.index,
    to: found.index + found[0].length,
    text: spelled(found),
    isNumber: true,
  }));
  const terms = [...text.matchAll(TERM)].flatMap((found): Place[] => {
    const term = (found[1] as string).replace(/[\s.]+$/, "");
    return term.length > 200 || /^-?\d+$/.test(term)
      ? []
      : [{ from: found.index, to: found.index + found[0].length + 1, text: term, isNumber: true }];
  });
  return [...numbers, ...terms].sort((a, b) => a.from - b.from || b.to - a.to);
}
