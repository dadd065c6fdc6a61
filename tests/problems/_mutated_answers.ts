import { RandomStream } from "../../lib/core/mod.ts";

/** Pieces that answers are made of, and pieces that break parsers. */
const PIECES = [
  "\\frac{1}{2}",
  "\\frac",
  "{",
  "}",
  "(",
  ")",
  "[",
  "]",
  "\\{",
  "\\}",
  "\\left(",
  "\\right)",
  "|",
  "x",
  "y_1",
  "n!",
  "\\sqrt{2}",
  "\\sqrt[3]{x}",
  "^",
  "_",
  "^{",
  "_{",
  "\\pi",
  "e",
  "i",
  "1",
  "2",
  "10",
  "999999",
  "0.5",
  "1e9",
  "e-400",
  "10^{10^{10}}",
  "9!!",
  "170!",
  "3000!",
  "\\binom{",
  "+",
  "-",
  "\\pm",
  "\\cdot",
  "/",
  "*",
  ",",
  ";",
  ":",
  "=",
  "<",
  "\\le",
  "\\in",
  "\\cup",
  "\\infty",
  "\\text{",
  "\\text{cm}",
  "\\%",
  "\\$",
  "$",
  "^\\circ",
  "\\begin{pmatrix}",
  "\\\\",
  "&",
  "\\end{pmatrix}",
  "\\sum_{k=1}^{n}",
  "\\int",
  "\\lim",
  "\\log_",
  "\\sin",
  "\\sin^{-1}",
  "f(x)",
  "'",
  "\\overline{",
  "\\mathbb{R}",
  "\\boxed{",
  " ",
  "  ",
  "\n",
  "\u0000",
  "\u221e",
  "\ud83d",
  "\\",
  "\\,",
  "\\!",
  "~",
  "#",
  "%",
  '"',
  "NaN",
  "__proto__",
  "constructor",
  "\\lfloor",
  "\\rfloor",
  "\\bmod",
  "\\dot{x}",
  "\\mathrm{d}",
] as const;

/** Whole answers to begin from. */
const SEEDS = [
  "\\left( 3, \\frac{\\pi}{2} \\right)",
  "1 \\pm \\sqrt{19}",
  "x \\in [-2,7]",
  "(0,9) \\cup (9,36)",
  "5x - 7y + 11z + 4 = 0",
  "\\begin{pmatrix} -1 & 0 \\\\ 0 & -1 \\end{pmatrix}",
  "864 \\mbox{ inches}^2",
  "137 \\frac{1}{2}",
  "10,\\!080",
  "52_8",
  "\\frac{100!}{2^{50}}",
  "\\left\\lfloor\\log _{2} n\\right\\rfloor+1",
  "f(x)=\\frac{1}{x}",
  "\\text{(C)}",
  "62.5\\%",
  "e^{2 i t} / (2+2 i)",
  "\\sqrt[3]{4}",
  "2, -1, -18",
  "1 < x \\le 3",
  "-3./2",
] as const;

function pieces(random: RandomStream, count: number): string {
  let text = "";
  for (let index = 0; index < count; index++) text += random.pick(PIECES);
  return text;
}

const LEAVES = [
  "x",
  "y",
  "n",
  "a_1",
  "2",
  "3",
  "10",
  "0.25",
  "\\pi",
  "e",
  "i",
  "\\infty",
  "100",
  "7",
] as const;

const WRAPPERS: readonly ((a: string, b: string) => string)[] = [
  (a, b) => `${a}+${b}`,
  (a, b) => `${a}-${b}`,
  (a, b) => `${a} \\cdot ${b}`,
  (a, b) => `\\frac{${a}}{${b}}`,
  (a, b) => `(${a})(${b})`,
  (a, b) => `(${a})^{${b}}`,
  (a) => `\\sqrt{${a}}`,
  (a) => `\\sqrt[3]{${a}}`,
  (a) => `(${a})!`,
  (a) => `\\sin(${a})`,
  (a) => `\\ln(${a})`,
  (a) => `|${a}|`,
  (a) => `\\lfloor ${a} \\rfloor`,
  (a, b) => `\\binom{${a}}{${b}}`,
  (a, b) => `${a} \\bmod ${b}`,
];

const SHELLS: readonly ((a: string, b: string, c: string) => string)[] = [
  (a) => a,
  (a, b) => `${a}, ${b}`,
  (a, b, c) => `\\{${a}, ${b}, ${c}\\}`,
  (a, b) => `(${a}, ${b}]`,
  (a, b, c) => `(-\\infty, ${a}) \\cup [${b}, ${c})`,
  (a) => `x = ${a}`,
  (a, b) => `${a} = ${b}`,
  (a, b) => `${a} < x \\le ${b}`,
  (a, b) => `\\begin{pmatrix} ${a} & ${b} \\\\ ${b} & ${a} \\end{pmatrix}`,
  (a) => `${a} \\text{ cm}^2`,
  (a) => `${a}\\%`,
  (a, b) => `${a} \\pm ${b}`,
  (a) => `f(x) = ${a}`,
];

function expression(random: RandomStream, depth: number): string {
  if (depth === 0 || random.uniform() < 0.2) return random.pick(LEAVES);
  const wrap = random.pick(WRAPPERS);
  return wrap(expression(random, depth - 1), expression(random, depth - 1));
}

/** A well-formed answer of any kind. */
function composed(random: RandomStream): string {
  const part = (): string => expression(random, random.integer({ below: 4 }));
  return random.pick(SHELLS)(part(), part(), part());
}

/**
 * The `index`-th mutated answer: a true answer or a composed one, cut, doubled, spliced, nested or replaced by
 * pieces. A third is changed little or not at all, so that it is still read and compared.
 */
export function mutatedAnswer(index: number): string {
  const random = new RandomStream(7, "mutated answer", index), gentle = index % 3 === 0;
  let text: string = gentle ? composed(random) : random.pick(SEEDS);
  const changes = gentle ? random.integer({ below: 2 }) : random.integer({ from: 1, below: 7 });
  for (let change = 0; change < changes; change++) {
    const at = random.integer({ below: text.length + 1 });
    const to = Math.min(text.length, at + random.integer({ below: 12 }));
    switch (random.integer({ below: 7 })) {
      case 0:
        text = text.slice(0, at) + text.slice(to);
        break;
      case 1:
        text = text.slice(0, to) + text.slice(at);
        break;
      case 2:
        text = text.slice(0, at) + random.pick(SEEDS) + text.slice(at);
        break;
      case 3:
        text = pieces(random, random.integer({ from: 1, below: 40 }));
        break;
      case 4:
        text = text.slice(0, at) + random.pick(PIECES).repeat(random.integer({ from: 1, below: 120 })) +
          text.slice(at);
        break;
      default:
        text = text.slice(0, at) + random.pick(PIECES) + text.slice(at);
    }
  }
  return text.slice(0, 3000);
}
