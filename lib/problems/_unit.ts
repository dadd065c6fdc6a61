/** An answer without its unit. */
export interface Measured {
  readonly rest: string;
  /** Canonical unit; null when there is none. */
  readonly unit: string | null;
}

/** Units that are read without a `\text{…}` around them, behind a number and a space only. */
const PLAIN_UNITS =
  /^(-?[\d.,]+|-?\\frac\{-?\d+\}\{\d+\})\s*(?:\\text\{)?\s*(degrees?|percent|dollars?|cents?|cm|mm|km|kg|inch|inches|feet|foot|meters?|metres?|miles?|hours?|minutes?|seconds?|days?|weeks?|months?|years?|units?|mph|km\/h|m\/s)\s*\}?\s*(?:\^\s*\{?\s*([23])\s*\}?)?$/i;

const ANGLE_FUNCTION = /\\(?:sin|cos|tan|cot|sec|csc)(?![A-Za-z])/;

const TRAILING_TEXT = /^(.*\S)\s*\\text\{([^{}]*)\}\s*(?:\^\s*\{?\s*(-?\d+)\s*\}?)?$/;

/** Words behind a number that change what it says, so that they are no unit. */
const NOT_A_UNIT = /\b(?:and|or|not|more|less|than|if|when|where|is|least|most|no|but|with)\b|[=<>]/i;

const SPELLINGS: Readonly<Record<string, string>> = {
  inches: "inch",
  in: "inch",
  feet: "foot",
  ft: "foot",
  percent: "%",
  minutes: "min",
  minute: "min",
  hr: "hour",
  h: "hour",
  sec: "second",
  s: "second",
  metre: "meter",
  metres: "meter",
  centimeter: "cm",
  centimeters: "cm",
  kilometer: "km",
  kilometers: "km",
  unit: "",
  units: "",
};

function oneUnit(word: string): string {
  if (Object.hasOwn(SPELLINGS, word)) return SPELLINGS[word] as string;
  return word.length > 3 && word.endsWith("s") ? word.slice(0, -1) : word;
}

/** One spelling per unit: `inches^2`, `square inches` and `sq. inch` are one. */
function canonicalUnit(text: string, exponent: string | undefined): string {
  const plain = text.toLowerCase().replace(/[~.\\]/g, " ").replace(/\s+/g, " ").trim();
  const square = /^(?:square|sq|cubic|cu) (.+)$/.exec(plain);
  const power = square === null ? exponent ?? "" : plain.startsWith("s") ? "2" : "3";
  const words = (square?.[1] ?? plain).split(" ").map(oneUnit).filter((word) => word !== "").join(" ");
  return words === "" ? "" : words + (power === "" ? "" : `^${power}`);
}

/** Takes the unit off the end (or a currency sign off the front) of an answer in the form of `answerText`. */
export function measured(text: string): Measured {
  let rest = text, unit = "";
  const currency = /^(-?)\s*\\\$\s*(.*\S)$/.exec(rest) ?? /^()(.*\S)\s*\\\$$/.exec(rest);
  if (currency !== null) [rest, unit] = [`${currency[1]}${currency[2]}`, "dollar"];
  for (let round = 0; round < 3; round++) {
    const sign = /^(.*[^\s\\])\s*(\\degree|\\%|%)\s*$/.exec(rest);
    // In `\cos 60^\circ` the sign belongs to the angle, not to the value.
    if (sign !== null && sign[2] === "\\degree" && ANGLE_FUNCTION.test(sign[1] as string)) break;
    if (sign !== null) {
      [rest, unit] = [sign[1] as string, sign[2] === "\\degree" ? "degree" : "%"];
      continue;
    }
    const plain = PLAIN_UNITS.exec(rest);
    if (plain !== null) {
      [rest, unit] = [plain[1] as string, canonicalUnit(plain[2] as string, plain[3])];
      continue;
    }
    const found = TRAILING_TEXT.exec(rest);
    if (found === null) break;
    const [, before = "", word = "", exponent] = found;
    if (/[-_^{(+=<>/,\\]$/.test(before) || NOT_A_UNIT.test(word) || word.length > 40) break;
    rest = before;
    unit = [canonicalUnit(word, exponent), unit].filter((part) => part !== "").join(" ");
  }
  return { rest, unit: unit === "" ? null : unit };
}
