import { byWord } from "./_tex_names.ts";
import type { Token } from "./_token_scanner.ts";

/** Words behind a number that change what it says, so that they are no unit. */
const NOT_A_UNIT =
  /\b(?:and|or|not|more|less|than|if|for|when|where|is|are|least|most|no|but|with|times|plus|minus|over|squared|cubed|factorial|half|halves|thirds|fourths|quarters|th|st|nd|rd|to|only|except|approximately|about|mod|base)\b/i;

const SPELLINGS = byWord({
  inch: "inches in",
  foot: "feet ft",
  yard: "yd",
  "%": "percent percentage pct",
  min: "minutes minute",
  hour: "hr hrs h",
  second: "sec s",
  meter: "metre metres m",
  cm: "centimeter centimeters",
  km: "kilometer kilometers",
  degree: "deg °",
  dollar: "¤ usd",
  "": "unit units",
  "/": "per",
});

/** Words that multiply the number before them. */
export const MULTIPLIERS: Readonly<Record<string, number>> = {
  dozen: 12,
  hundred: 100,
  thousand: 1000,
  million: 1_000_000,
  billion: 1_000_000_000,
  trillion: 1_000_000_000_000,
};

function oneUnit(text: string): string {
  const [word = "", power] = text.split("^"), end = power === undefined ? "" : `^${power}`;
  if (Object.hasOwn(SPELLINGS, word)) return SPELLINGS[word] === "" ? "" : `${SPELLINGS[word]}${end}`;
  return (word.length > 3 && word.endsWith("s") ? word.slice(0, -1) : word) + end;
}

/** One spelling per unit: `inches^2`, `square inches` and `sq. inch` are one. */
function canonicalUnit(text: string): string {
  const plain = text.toLowerCase().replace(/[~.\\,(){}]/g, " ").replace(/\//g, " / ").replace(/\s+/g, " ")
    .trim();
  const square = /^(square|sq|cubic|cu) (.+)$/.exec(plain);
  const power = square === null ? "" : square[1]?.startsWith("s") ? "^2" : "^3";
  return (square?.[2] ?? plain).split(" ").map(oneUnit).filter((word) => word !== "").join(" ") + power;
}

/** The unit that tokens behind a value name: words, their powers and quotients; null where they are no unit. */
export function unitOf(tokens: readonly Token[]): string | null {
  let words = "";
  for (const { kind, text } of tokens) {
    if (kind === "text" || kind === "word" || kind === "letter") words += ` ${text}`;
    else if (kind === "command" && /^(?:min|sec|mu|AA|Omega)$/.test(text)) words += ` ${text}`;
    else if (kind === "number" && /\^-?$/.test(words)) words += text;
    else if (kind === "mark" && /^[%°¤/^*-]$/.test(text)) {
      words += text === "*" ? " " : /[%°¤]/.test(text) ? ` ${text} ` : text;
    } else if (text !== "{" && text !== "}") return null;
  }
  if (words.length > 60 || NOT_A_UNIT.test(words) || /[<>=+*!]/.test(words) || !/[\p{L}%°¤]/u.test(words)) {
    return null;
  }
  return canonicalUnit(words);
}
