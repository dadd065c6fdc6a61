/** Greek letters, each before its command; of some there are two. */
const GREEK =
  ("αalpha βbeta γgamma δdelta εepsilon ζzeta ηeta θtheta ιiota κkappa λlambda μmu µmu νnu ξxi πpi ρrho σsigma τtau " +
    "υupsilon φphi ϕphi χchi ψpsi ωomega ΓGamma ΔDelta ΘTheta ΛLambda ΞXi ΠPi ΣSigma ΦPhi ΨPsi ΩOmega ΩOmega")
    .split(" ");

/** Signs beyond ASCII by what they are written with here; a space ends each command. */
const SIGNS: ReadonlyMap<string, string> = new Map([
  ...GREEK.map((entry): [string, string] => [entry.slice(0, 1), `\\${entry.slice(1)} `]),
  ...Object.entries({
    "-": "−–—‒‐‑﹣",
    "*": "×⋅·∙∗⨯•",
    "/": "÷⁄∕",
    "\\surd ": "√",
    "\\cbrt ": "∛",
    "\\qdrt ": "∜",
    "\\infty ": "∞",
    "\\degree ": "°º˚",
    "\\cup ": "∪⋃",
    "\\cap ": "∩⋂",
    "\\setminus ": "∖",
    "\\in ": "∈",
    "\\notin ": "∉",
    "\\emptyset ": "∅",
    "\\mathbb{R}": "ℝ",
    "\\mathbb{Z}": "ℤ",
    "\\mathbb{N}": "ℕ",
    "\\mathbb{Q}": "ℚ",
    "\\mathbb{C}": "ℂ",
    "<=": "≤⩽≦",
    ">=": "≥⩾≧",
    "!=": "≠",
    "\\approx ": "≈≃≅",
    "\\equiv ": "≡",
    "\\pm ": "±",
    "\\mp ": "∓",
    "\\lfloor ": "⌊",
    "\\rfloor ": "⌋",
    "\\lceil ": "⌈",
    "\\rceil ": "⌉",
    "'": "′’ʹ",
    "''": "″",
    "\\ldots ": "…",
    "\\langle ": "⟨〈",
    "\\rangle ": "⟩〉",
    ",": "、，",
    "\\$": "€£¥₹₽₩",
    "\\angle ": "∠",
    "\\triangle ": "△",
    "\\to ": "→",
    "\\implies ": "⇒⟹",
    "\\wedge ": "∧",
    "\\vee ": "∨",
    "\\hbar ": "ℏ",
    "\\ell ": "ℓ",
    "\\AA ": "Å",
    "": '“”"\u200b\u200c\u200d\ufeff\u2061\u2062',
    "\\,": "\u2009\u202f\u2006",
  }).flatMap(([spelling, signs]) => [...signs].map((sign): [string, string] => [sign, spelling])),
]);

const FRACTIONS: ReadonlyMap<string, string> = new Map(
  ("½12 ⅓13 ⅔23 ¼14 ¾34 ⅕15 ⅖25 ⅗35 ⅘45 ⅙16 ⅚56 ⅐17 ⅛18 ⅜38 ⅝58 ⅞78 ⅑19".split(" "))
    .map((entry): [string, string] => {
      const [sign = "", top = "", bottom = ""] = [...entry];
      return [sign, `\\frac{${top}}{${bottom}}`];
    }),
);

const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿⁱˣʸᵏᵐᵗ", RAISED_PLAIN = "0123456789+-()nixykmt";
const LOWERED = "₀₁₂₃₄₅₆₇₈₉₊₋₍₎ₙᵢₓₖₘₜ", LOWERED_PLAIN = "0123456789+-()nixkmt";

function plainRun(run: string, [signs, plain]: readonly [string, string]): string {
  const places = [...signs];
  return [...run].map((sign) => plain[places.indexOf(sign)] ?? "").join("");
}

const RAISED_RUN = new RegExp(`[${RAISED}]+`, "gu"), LOWERED_RUN = new RegExp(`[${LOWERED}]+`, "gu");
const STACKED = new RegExp(`([${RAISED.slice(0, 10)}]+)[⁄/]([${LOWERED.slice(0, 10)}]+)`, "gu");

/**
 * A text in ASCII as far as mathematics goes: signs of Unicode as LaTeX commands, raised and lowered digits as
 * exponents and subscripts, fractions in one sign as fractions, wide letters as plain ones. Letters of other
 * alphabets stay.
 */
export function plainSpelling(text: string): string {
  if (!/[^ -~\n\r\t]|"/.test(text)) return text;
  const powers = text
    .replace(
      STACKED,
      (_, top: string, bottom: string) =>
        `\\frac{${plainRun(top, [RAISED, RAISED_PLAIN])}}{${plainRun(bottom, [LOWERED, LOWERED_PLAIN])}}`,
    )
    .replace(RAISED_RUN, (run) => `^{${plainRun(run, [RAISED, RAISED_PLAIN])}}`)
    .replace(LOWERED_RUN, (run) => `_{${plainRun(run, [LOWERED, LOWERED_PLAIN])}}`);
  let plain = "";
  for (const sign of powers) {
    if (sign < "\u0080" && sign !== '"') plain += sign;
    else plain += SIGNS.get(sign) ?? FRACTIONS.get(sign) ?? sign.normalize("NFKC");
  }
  return plain;
}
