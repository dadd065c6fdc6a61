import type { RandomStream } from "../../lib/core/mod.ts";

/** An expression that knows its value and how people write it. */
export interface Written {
  /** Its value by JavaScript's own arithmetic, where the names have these values. */
  readonly value: (at: Readonly<Record<string, number>>) => number;
  /** LaTeX with every brace in its place. */
  readonly latex: string;
  /** Plain text, as for a calculator. */
  readonly plain: string;
  /** Plain text with the signs of Unicode. */
  readonly unicode: string;
  /** How tightly its outermost operation binds: sums 1, products 2, signs 3, powers 4, operands 5. */
  readonly level: number;
}

const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";

function atom(random: RandomStream): Written {
  if (random.uniform() < 0.55) {
    const number = random.integer({ from: 1, below: 40 }), text = String(number);
    return { value: () => number, latex: text, plain: text, unicode: text, level: 5 };
  }
  if (random.uniform() < 0.2) {
    return { value: () => Math.PI, latex: "\\pi", plain: "pi", unicode: "π", level: 5 };
  }
  const name = random.pick(["x", "y", "a"]);
  return { value: (at) => at[name] as number, latex: name, plain: name, unicode: name, level: 5 };
}

/** The part as an operand of an operation that binds at `level`: in brackets where it binds less. */
function inside(part: Written, level: number): Written {
  if (part.level >= level) return part;
  return {
    ...part,
    latex: `\\left(${part.latex}\\right)`,
    plain: `(${part.plain})`,
    unicode: `(${part.unicode})`,
    level: 5,
  };
}

function sum(left: Written, right: Written, sign: "+" | "-"): Written {
  const [a, b] = [inside(left, 1), inside(right, 2)];
  return {
    value: (at) => sign === "+" ? a.value(at) + b.value(at) : a.value(at) - b.value(at),
    latex: `${a.latex}${sign}${b.latex}`,
    plain: `${a.plain} ${sign} ${b.plain}`,
    unicode: `${a.unicode}${sign === "-" ? "−" : sign}${b.unicode}`,
    level: 1,
  };
}

function product(left: Written, right: Written): Written {
  const [a, b] = [inside(left, 2), inside(right, 3)];
  return {
    value: (at) => a.value(at) * b.value(at),
    latex: `${a.latex} \\cdot ${b.latex}`,
    plain: `${a.plain}*${b.plain}`,
    unicode: `${a.unicode}·${b.unicode}`,
    level: 2,
  };
}

function quotient(left: Written, right: Written): Written {
  const [a, b] = [inside(left, 2), inside(right, 4)];
  return {
    value: (at) => a.value(at) / b.value(at),
    latex: `\\frac{${left.latex}}{${right.latex}}`,
    plain: `${a.plain}/${b.plain}`,
    unicode: `${a.unicode}÷${b.unicode}`,
    level: 2,
  };
}

function power(base: Written, exponent: number): Written {
  const b = inside(base, 5);
  return {
    value: (at) => b.value(at) ** exponent,
    latex: `${b.latex}^{${exponent}}`,
    plain: `${b.plain}^${exponent}`,
    unicode: `${b.unicode}${RAISED[exponent]}`,
    level: 4,
  };
}

function root(of: Written): Written {
  return {
    value: (at) => Math.sqrt(of.value(at)),
    latex: `\\sqrt{${of.latex}}`,
    plain: `sqrt(${of.plain})`,
    unicode: `√(${of.unicode})`,
    level: 5,
  };
}

function applied(name: "sin" | "cos" | "ln" | "exp", of: Written): Written {
  const functions = { sin: Math.sin, cos: Math.cos, ln: Math.log, exp: Math.exp };
  return {
    value: (at) => functions[name](of.value(at)),
    latex: `\\${name}\\left(${of.latex}\\right)`,
    plain: `${name}(${of.plain})`,
    unicode: `${name}(${of.unicode})`,
    level: 5,
  };
}

/** A random expression of at most this depth. */
export function writtenExpression(random: RandomStream, depth: number): Written {
  if (depth === 0) return atom(random);
  const part = (): Written => writtenExpression(random, depth - 1);
  switch (random.integer({ below: 9 })) {
    case 0:
    case 1:
      return sum(part(), part(), random.pick(["+", "-"]));
    case 2:
    case 3:
      return product(part(), part());
    case 4:
      return quotient(part(), part());
    case 5:
      return power(part(), random.integer({ from: 2, below: 6 }));
    case 6:
      return root(part());
    case 7:
      return applied(random.pick(["sin", "cos", "ln", "exp"]), part());
    default:
      return atom(random);
  }
}
