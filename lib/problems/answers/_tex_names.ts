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

/** Words by what they stand for, `{ "*": "cdot times" }`, as what each word stands for. */
export function byWord(table: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(table).flatMap(([meaning, words]) => words.split(" ").map((word) => [word, meaning])),
  );
}

/** Commands that are one sign. */
export const MARKS = byWord({
  "*": "cdot times ast star",
  "/": "div",
  "<": "lt",
  ">": "gt",
  "<=": "le leq leqslant leqq",
  ">=": "ge geq geqslant geqq",
  "!=": "ne neq",
  "≈": "approx simeq sim cong",
  "≡": "equiv",
  "±": "pm",
  "∓": "mp",
  "∪": "cup bigcup",
  "∩": "cap bigcap",
  "∖": "setminus backslash",
  "∈": "in",
  "∉": "notin",
  "°": "circ degree",
  "'": "prime",
  "|": "mid vert",
  ":": "colon",
  "and": "wedge land",
  "or": "vee lor",
});

export const OPENERS = byWord({
  "\\{": "lbrace",
  "(": "langle lgroup",
  "[": "lbrack",
  "⌊": "lfloor",
  "⌈": "lceil",
  "⟨|": "lvert",
});

export const CLOSERS = byWord({
  "\\}": "rbrace",
  ")": "rangle rgroup",
  "]": "rbrack",
  "⌋": "rfloor",
  "⌉": "rceil",
  "|⟩": "rvert",
});

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
  ...Object.fromEntries(
    ("sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh exp ln log lg sqrt cbrt abs floor ceil max min gcd lcm " +
      "mod binom pi theta alpha beta gamma lambda omega phi").split(" ").map((word) => [word, word]),
  ),
  ...byWord({
    arcsin: "asin",
    arccos: "acos",
    arctan: "atan",
    frac: "frac dfrac",
    infty: "infty infinity inf oo",
  }),
};

/** One spelling of commands that have several. */
export const COMMANDS = byWord({
  "frac": "dfrac tfrac cfrac",
  "binom": "dbinom tbinom",
  "emptyset": "varnothing",
  "mod": "bmod",
  "hat": "widehat",
  "tilde": "widetilde",
  "vec": "overrightarrow",
  "phi": "varphi",
  "theta": "vartheta",
  "epsilon": "varepsilon",
  "rho": "varrho",
  "ldots": "dots cdots dotsc",
  "arsinh": "arcsinh",
  "arcosh": "arccosh",
  "artanh": "arctanh",
  "mathbb{R}": "Reals",
});
