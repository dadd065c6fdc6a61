/** Commands of an expression besides Greek letters: what numbers and closed forms are written with. */
const COMMANDS: ReadonlySet<string> = new Set(
  ("frac sqrt binom cdot div pm prime circ infty overline dot ddot hbar ell Re max min gcd lcm bmod mod mho odot emptyset " +
    "lfloor rfloor lceil rceil sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh exp ln log lg")
    .split(" "),
);

const GREEK: ReadonlySet<string> = new Set(
  ("alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi pi rho sigma tau " +
    "upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega").split(" "),
);

const CLOSERS: Readonly<Record<string, string>> = {
  "(": ")",
  "[": "]",
  "{": "}",
  lfloor: "rfloor",
  lceil: "rceil",
};

/** Bars, floors and ceilings an expression may have: the parser reads what they hold again for each around it. */
const FENCE_LIMIT = 4;

/** Fractions that may be derivatives; the parser tries each as one and as a fraction. */
const DERIVATIVE_LIMIT = 3;

const DERIVATIVE = /\\frac\s*\{\s*d/g;

const TOKEN = /\\([A-Za-z]+)|[A-Za-z0-9 +\-/^_!'.,]|[()[\]{}]|\|/y;

/** Round and square brackets within each other: each level doubles the parser's time. */
const BRACKET_DEPTH = 5;

/** Commands that end an operand; every other one asks for what follows. */
const OPERANDS: ReadonlySet<string> = new Set(
  "prime circ infty hbar ell odot mho emptyset rfloor rceil".split(" "),
);

function wantsOperand(token: string, isCommand: boolean): boolean {
  if (isCommand) return !GREEK.has(token) && !OPERANDS.has(token);
  return "+-/^_([{".includes(token);
}

/**
 * Whether an expression holds nothing but what answers are made of, in brackets that pair and hold something whole.
 * The parser takes exponential time on brackets that do not, on fences and on derivatives, so this is what bounds
 * its work.
 */
export function isAdmissible(latex: string): boolean {
  if ((latex.match(DERIVATIVE) ?? []).length > DERIVATIVE_LIMIT) return false;
  const open: string[] = [];
  let bars = 0, fences = 0, wanting = true;
  for (let at = 0; at < latex.length;) {
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(latex);
    if (found === null) return false;
    at += found[0].length;
    const command = found[1], token = command ?? found[0];
    if (token === " ") continue;
    if (token === "|") bars++;
    if ((token === "|" || token === "lfloor" || token === "lceil") && ++fences > FENCE_LIMIT) return false;
    if (Object.hasOwn(CLOSERS, token)) open.push(CLOSERS[token] as string);
    else if (")]}".includes(token) || token === "rfloor" || token === "rceil") {
      if (wanting || open.pop() !== token) return false;
    } else if (command !== undefined && !COMMANDS.has(command) && !GREEK.has(command)) return false;
    if (open.length > BRACKET_DEPTH && open.filter((closer) => closer !== "}").length > BRACKET_DEPTH) {
      return false;
    }
    wanting = wantsOperand(token, command !== undefined);
  }
  return open.length === 0 && bars % 2 === 0 && !wanting;
}
