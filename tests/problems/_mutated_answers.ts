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

/** The `index`-th mutated answer: a true answer cut, doubled, spliced, nested or replaced by pieces. */
export function mutatedAnswer(index: number): string {
  const random = new RandomStream(7, "mutated answer", index);
  let text: string = random.pick(SEEDS);
  const changes = random.integer({ from: 1, below: 7 });
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
