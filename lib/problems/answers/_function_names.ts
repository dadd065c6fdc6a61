/** Functions by their command, as the call they make: its name with a capital. */
export const FUNCTIONS: Readonly<Record<string, string>> = Object.fromEntries(
  ("sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh arsinh arcosh artanh exp ln log lg lb abs floor ceil")
    .split(" ").map((name) => [name, name.slice(0, 1).toUpperCase() + name.slice(1)]),
);

/** Functions of several values, in brackets. */
export const LISTED: Readonly<Record<string, string>> = { max: "Max", min: "Min", gcd: "GCD", lcm: "LCM" };

/** `\sin^{-1}` is the inverse function, not the reciprocal. */
export const INVERSES: Readonly<Record<string, string>> = {
  Sin: "Arcsin",
  Cos: "Arccos",
  Tan: "Arctan",
  Sinh: "Arsinh",
  Cosh: "Arcosh",
  Tanh: "Artanh",
};

/** Commands that are names. */
export const GREEK: ReadonlySet<string> = new Set(
  ("alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi rho sigma tau upsilon phi chi psi omega " +
    "Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega hbar ell imath jmath Re Im odot mho nabla partial varpi")
    .split(" "),
);

/** Signs that bind a name. */
export const LONG_SIGN = /^(?:sum|prod|int|lim)$/;

/** Signs over a name. */
export const ACCENTS: ReadonlySet<string> = new Set("dot ddot hat vec bar overline tilde".split(" "));

/** Letters that by custom name functions: what stands in brackets behind them is an argument. */
export const FUNCTION_LETTER =
  /^(?:[fghuvFGHOPT]|phi|psi|delta|zeta|mho|Gamma|Theta|Phi|Psi|Omega)(?:[_'].*)?$/;

/** Whether a command may stand where an operand is due. */
export function isOperand(name: string): boolean {
  return Object.hasOwn(FUNCTIONS, name) || Object.hasOwn(LISTED, name) || GREEK.has(name) ||
    ACCENTS.has(name) ||
    name.startsWith("mathbb{") || /^(?:frac|sqrt|surd|cbrt|qdrt|binom|pi|infty|sum|prod|int|lim)$/.test(name);
}

/** Whether a command is a function that is known here. */
export function isFunctionName(name: string): boolean {
  return Object.hasOwn(FUNCTIONS, name) || Object.hasOwn(LISTED, name);
}
