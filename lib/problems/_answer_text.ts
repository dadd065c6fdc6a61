/** Characters of an answer that are read at all; the longest gold answers of the benchmarks have about 200. */
export const ANSWER_CHARACTERS = 1000;

/** Brackets within brackets that are read at all. */
export const ANSWER_DEPTH = 24;

/** Braces around nothing but one word: what fonts, text and spacing commands hold. */
const FONTS = /\\(?:mathrm|mathbf|mathit|mathsf|boldsymbol|bm|rm|bf|operatorname\*?)(?![A-Za-z])/g;

const TEXT_COMMANDS = /\\(?:textbf|textit|textrm|textnormal|textsf|mbox|hbox|textsc|emph)(?![A-Za-z])/g;

/** Names that people write without a backslash. Longer names come first: `arcsin` before `sin`. */
const PLAIN_NAMES =
  /(?<![A-Za-z\\])(arcsin|arccos|arctan|sinh|cosh|tanh|sqrt|exp|sin|cos|tan|cot|sec|csc|log|ln|pi|theta|alpha|beta|gamma|lambda|omega|infinity|infty|inf|oo)(?![A-Za-z])/g;

const PLAIN_SPELLING: Readonly<Record<string, string>> = {
  infinity: "\\infty",
  inf: "\\infty",
  oo: "\\infty",
};

function afterBrace(text: string, open: number): number {
  let depth = 0;
  for (let index = open; index < text.length; index++) {
    if (text[index] === "\\") index++;
    else if (text[index] === "{") depth++;
    else if (text[index] === "}" && --depth === 0) return index + 1;
  }
  return -1;
}

/** Replaces `\command{inside}` by `make(inside)`, innermost last; a command without braces is left alone. */
export function mapCommand(text: string, command: string, make: (inside: string) => string): string {
  let done = "", from = 0;
  for (;;) {
    const at = text.indexOf(command, from);
    if (at < 0) return done + text.slice(from);
    let open = at + command.length;
    while (text[open] === " ") open++;
    const end = text[open] === "{" ? afterBrace(text, open) : -1;
    if (end < 0) {
      done += text.slice(from, at + command.length);
      from = at + command.length;
    } else {
      done += text.slice(from, at) + make(text.slice(open + 1, end - 1));
      from = end;
    }
  }
}

/** Plain `sqrt(…)` and `exp(…)` take their braces here; other functions read parentheses as they are. */
function bracedRoots(text: string): string {
  return text.replace(/\\sqrt\s*\(([^()]*)\)/g, "\\sqrt{$1}");
}

/** Numbers with thousands marks lose them: `10,\!080`, `1{,}000`, `58,500`; `1,2` and `41352,42351` stay lists. */
function withoutThousandsMarks(text: string): string {
  const plain = text.replace(/,\s*\\!\s*/g, "{,}").replace(/(?<=\d)\{,\}(?=\d{3}(?!\d))/g, "");
  return plain.replace(
    /^([^\d,]*?)(\d{1,3}(?:,\d{3})+)(?=$|[^\d,](?!.*,))/,
    (whole, head: string, number: string) => /[({[]/.test(head) ? whole : head + number.replaceAll(",", ""),
  );
}

/** Spaces and sizes that mean nothing, one spelling for each command, plain names as commands. */
export function answerText(text: string): string {
  let plain = mapCommand(text, "\\boxed", (inside) => inside)
    .replace(/\\langle(?![A-Za-z])/g, "(").replace(/\\rangle(?![A-Za-z])/g, ")")
    // Delimiters of mathematics; `\\[` is a row's end with a length, so one that opens the text alone counts.
    .replace(/^\s*\\[([]([^]*)\\[)\]]\s*\.?\s*$/, "$1")
    .replace(/−|–/g, "-").replace(/×|⋅|·/g, "\\cdot ").replace(/÷/g, "\\div ").replace(/π/g, "\\pi ")
    .replace(/∞/g, "\\infty ").replace(/°/g, "^\\circ ").replace(/√/g, "\\sqrt ").replace(/∪/g, "\\cup ")
    .replace(/≤/g, "\\le ").replace(/≥/g, "\\ge ").replace(/±/g, "\\pm ").replace(/½/g, "\\frac{1}{2}")
    .replace(/[\s ]+/g, " ")
    .replace(/\\left(?![A-Za-z])\s*\.?|\\right(?![A-Za-z])\s*\.?|\\[bB]igg?[lr]?(?![A-Za-z])/g, "")
    .replace(/\\(?:displaystyle|textstyle|limits|quad|qquad|hfill|hspace\{[^{}]*\})(?![A-Za-z])/g, " ")
    .replace(/\\[dtc]frac(?![A-Za-z])/g, "\\frac")
    .replace(/\\(?:leqslant|leqq|leq)(?![A-Za-z])/g, "\\le").replace(
      /\\(?:geqslant|geqq|geq)(?![A-Za-z])/g,
      "\\ge",
    )
    .replace(/\\neq(?![A-Za-z])/g, "\\ne").replace(/ +!/g, "!").replace(/\\(?:lbrace)(?![A-Za-z])/g, "\\{")
    .replace(
      /\\(?:rbrace)(?![A-Za-z])/g,
      "\\}",
    )
    .replace(/\\[lr]vert(?![A-Za-z])/g, "|").replace(/\\(?:varnothing)(?![A-Za-z])/g, "\\emptyset")
    .replace(/\\(?:ast|times)(?![A-Za-z])|\*/g, "\\cdot ")
    .replace(FONTS, "\\mathrm").replace(TEXT_COMMANDS, "\\text")
    .replace(/\^\s*\{?\s*\\(?:circ|degree)\s*\}?|\\degree(?![A-Za-z])/g, "\\degree ")
    .replace(/(?<!\\)\bnp\.(?=[a-z])/g, "");
  plain = withoutThousandsMarks(plain.replace(/(?<!\\)\$/g, ""));
  plain = plain.replace(/(?<!\\)\\[,;:> !]/g, " ").replace(/~/g, " ");
  plain = mapCommand(plain, "\\text", (inside) => {
    const word = inside.trim();
    if (/^(?:and|or|,)$/i.test(word)) return ",";
    return /^[-+\d./]+$/.test(word) ? ` ${word} ` : `\\text{${inside}}`;
  });
  plain = mapCommand(plain, "\\mathrm", (inside) => {
    const word = inside.trim();
    if (word.length === 1) return `${word} `;
    return PLAIN_NAMES.test(word) && word.replace(PLAIN_NAMES, "") === "" ? word : `\\text{${inside}}`;
  });
  PLAIN_NAMES.lastIndex = 0;
  plain = outsideText(plain, (part) =>
    bracedRoots(
      part.replace(PLAIN_NAMES, (name) => `${PLAIN_SPELLING[name] ?? `\\${name}`} `)
        .replace(/\\log\s*_\s*(?:\{\s*10\s*\}|10(?!\d))/g, "\\lg ")
        .replace(/\s+(?:and|or)\s+/g, ",").replace(/(\d)\.(?!\d|\s*\\overline)/g, "$1"),
    ));
  return plain.replace(/\s+/g, " ").trim().replace(/[.,;:]+$/, "").trim();
}

/** Applies `change` to what no `\text{…}` holds. */
function outsideText(text: string, change: (part: string) => string): string {
  let done = "", from = 0;
  for (;;) {
    const at = text.indexOf("\\text{", from);
    if (at < 0) return done + change(text.slice(from));
    const end = afterBrace(text, at + "\\text".length);
    if (end < 0) return done + change(text.slice(from));
    done += change(text.slice(from, at)) + text.slice(at, end);
    from = end;
  }
}

/** Deepest bracket of a text, escaped ones included; infinite when brackets do not pair up in number. */
export function bracketDepth(text: string): number {
  let depth = 0, deepest = 0;
  for (const letter of text) {
    if ("([{".includes(letter)) deepest = Math.max(deepest, ++depth);
    else if (")]}".includes(letter) && --depth < 0) return Infinity;
  }
  return depth === 0 ? deepest : Infinity;
}

/** Splits at the separators that stand in no bracket. */
export function splitTop(text: string, separator: RegExp): string[] {
  const parts: string[] = [];
  let depth = 0, start = 0;
  const sticky = new RegExp(separator.source, "y");
  for (let index = 0; index < text.length;) {
    if (depth === 0) {
      sticky.lastIndex = index;
      const found = sticky.exec(text);
      if (found !== null && found[0].length > 0) {
        parts.push(text.slice(start, index).trim());
        index += found[0].length;
        start = index;
        continue;
      }
    }
    const letter = text[index] as string;
    if ("([{".includes(letter)) depth++;
    else if (")]}".includes(letter)) depth--;
    if (letter !== "\\") index++;
    else {
      // A command is one token, so that a separator such as `\in` is not found inside `\infty`.
      const next = text[index + 1] ?? "";
      if (next === "{") depth++;
      else if (next === "}") depth--;
      index += /[A-Za-z]/.test(next) ? 1 : 2;
    }
  }
  parts.push(text.slice(start).trim());
  return parts;
}

/** The brackets around a whole text and what they hold; null when no pair holds all of it. */
export function wrapped(
  text: string,
): { readonly open: string; readonly close: string; readonly inside: string } | null {
  const open = text.startsWith("\\{") ? "\\{" : text[0] ?? "";
  if (!["(", "[", "\\{"].includes(open)) return null;
  let depth = 0;
  for (let index = 0; index < text.length; index++) {
    const letter = text[index] as string;
    if (letter === "\\" && !"{}".includes(text[index + 1] ?? "")) index++;
    else if ("([{".includes(letter)) depth++;
    else if (")]}".includes(letter) && --depth === 0) {
      if (index !== text.length - 1) return null;
      const close = text[index - 1] === "\\" ? `\\${letter}` : letter;
      return { open, close, inside: text.slice(open.length, text.length - close.length).trim() };
    }
  }
  return null;
}
