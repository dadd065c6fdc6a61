/** What a table has under a word of an answer, which may be the name of anything; undefined where it has nothing. */
export function entryOf<T>(table: Readonly<Record<string, T>>, word: string): T | undefined {
  return Object.hasOwn(table, word) ? table[word] : undefined;
}

/** Commands of operands and functions; those that make of several signs one are known by their tables. */
const PLAIN_COMMANDS: ReadonlySet<string> = new Set(
  ("frac sqrt binom pi infty sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh exp ln log lg lb max min gcd lcm " +
    "mod bmod pmod alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi rho sigma tau upsilon phi chi " +
    "psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega varpi hbar ell imath jmath Re Im odot mho nabla " +
    "partial dot ddot hat vec bar overline tilde angle triangle emptyset choose to top surd cbrt qdrt AA sum int prod lim " +
    "implies").split(" "),
);

/** Whether a command is one that answers are written with. */
export function isKnown(name: string): boolean {
  return PLAIN_COMMANDS.has(name) ||
    [MARKS, OPENERS, CLOSERS, COMMANDS].some((table) => Object.hasOwn(table, name));
}

/** Commands that are one sign. */
export const MARKS: Readonly<Record<string, string>> = {
  cdot: "*",
  times: "*",
  ast: "*",
  star: "*",
  div: "/",
  le: "<=",
  leq: "<=",
  leqslant: "<=",
  leqq: "<=",
  lt: "<",
  ge: ">=",
  geq: ">=",
  geqslant: ">=",
  geqq: ">=",
  gt: ">",
  ne: "!=",
  neq: "!=",
  approx: "≈",
  simeq: "≈",
  sim: "≈",
  cong: "≈",
  equiv: "≡",
  pm: "±",
  mp: "∓",
  cup: "∪",
  bigcup: "∪",
  cap: "∩",
  bigcap: "∩",
  setminus: "∖",
  backslash: "∖",
  in: "∈",
  notin: "∉",
  circ: "°",
  degree: "°",
  prime: "'",
  mid: "|",
  vert: "|",
  colon: ":",
  wedge: "and",
  land: "and",
  vee: "or",
  lor: "or",
};

export const OPENERS: Readonly<Record<string, string>> = {
  lbrace: "\\{",
  langle: "(",
  lbrack: "[",
  lgroup: "(",
  lfloor: "⌊",
  lceil: "⌈",
  lvert: "⟨|",
};

export const CLOSERS: Readonly<Record<string, string>> = {
  rbrace: "\\}",
  rangle: ")",
  rbrack: "]",
  rgroup: ")",
  rfloor: "⌋",
  rceil: "⌉",
  rvert: "|⟩",
};

/** Commands without meaning for a value: sizes, styles, and shapes of letters without an argument of their own. */
export const IDLE: ReadonlySet<string> = new Set(
  ("displaystyle textstyle scriptstyle limits nolimits rm bf it sf tt cal mathstrut strut middle big Big bigg Bigg bigl " +
    "bigr Bigl Bigr biggl biggr Biggl Biggr bigm left right nonumber notag hfill mathop mathord mathrel mathbin hline " +
    "displaylimits boxed fbox underline ensuremath large Large small normalsize").split(" "),
);

export const SPACES: ReadonlySet<string> = new Set(
  "quad qquad thinspace medspace thickspace enspace hskip hspace vspace phantom label tag color textcolor"
    .split(" "),
);

/** Commands of fonts that hold formulas. */
export const FONTS: ReadonlySet<string> = new Set(
  "mathrm mathbf mathit mathsf mathtt mathnormal boldsymbol bm pmb operatorname mathcal mathscr mathfrak rm bf"
    .split(" "),
);

/** Those of them that never hold words. */
export const SHAPES: ReadonlySet<string> = new Set("boldsymbol bm pmb mathit mathnormal".split(" "));

/** Commands that hold words. */
export const TEXTS: ReadonlySet<string> = new Set(
  "text textbf textit textrm textnormal textsf texttt textup textmd textsc emph mbox hbox".split(" "),
);

/** Names that are read as functions or constants wherever they stand as words. */
export const KNOWN_WORDS: Readonly<Record<string, string>> = {
  sin: "sin",
  cos: "cos",
  tan: "tan",
  cot: "cot",
  sec: "sec",
  csc: "csc",
  arcsin: "arcsin",
  arccos: "arccos",
  arctan: "arctan",
  asin: "arcsin",
  acos: "arccos",
  atan: "arctan",
  sinh: "sinh",
  cosh: "cosh",
  tanh: "tanh",
  exp: "exp",
  ln: "ln",
  log: "log",
  lg: "lg",
  sqrt: "sqrt",
  cbrt: "cbrt",
  abs: "abs",
  floor: "floor",
  ceil: "ceil",
  max: "max",
  min: "min",
  gcd: "gcd",
  lcm: "lcm",
  mod: "mod",
  binom: "binom",
  frac: "frac",
  dfrac: "frac",
  pi: "pi",
  theta: "theta",
  alpha: "alpha",
  beta: "beta",
  gamma: "gamma",
  lambda: "lambda",
  omega: "omega",
  phi: "phi",
  infinity: "infty",
  infty: "infty",
  inf: "infty",
  oo: "infty",
};

/** One spelling of commands that have several. */
export const COMMANDS: Readonly<Record<string, string>> = {
  dfrac: "frac",
  tfrac: "frac",
  cfrac: "frac",
  dbinom: "binom",
  tbinom: "binom",
  varnothing: "emptyset",
  bmod: "mod",
  widehat: "hat",
  widetilde: "tilde",
  overrightarrow: "vec",
  varphi: "phi",
  vartheta: "theta",
  varepsilon: "epsilon",
  varrho: "rho",
  dots: "ldots",
  cdots: "ldots",
  dotsc: "ldots",
  arcsinh: "arsinh",
  arccosh: "arcosh",
  arctanh: "artanh",
  Reals: "mathbb{R}",
};
