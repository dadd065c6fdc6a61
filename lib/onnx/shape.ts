/** One axis length: a number, or the name of a length known at run time (`batch`, `2*seq`). */
export type Dim = number | string;

/** A shape, outermost axis first. */
export type Shape = readonly Dim[];

/** A shape as text: `[batch, seq, 64]`. */
export function formatShape(dims: Shape): string {
  return `[${dims.join(", ")}]`;
}

/** Product of axis lengths; symbols are kept as a sorted product, so equal counts compare equal. */
export function productOfDims(dims: Shape): Dim {
  let factor = 1;
  const symbols: string[] = [];
  for (const dim of dims) {
    if (typeof dim === "number") factor *= dim;
    else {
      for (const part of dim.split("*")) {
        if (/^\d+$/.test(part)) factor *= Number(part);
        else symbols.push(part);
      }
    }
  }
  if (symbols.length === 0) return factor;
  const product = symbols.sort().join("*");
  return factor === 1 ? product : `${factor}*${product}`;
}

/**
 * The common shape of two operands under NumPy broadcasting, or null when there is none. Two symbols fit only if
 * they are the same, since their lengths are not known.
 */
export function broadcastShapes(a: Shape, b: Shape): Dim[] | null {
  const rank = Math.max(a.length, b.length);
  const out: Dim[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const left = a[axis - (rank - a.length)] ?? 1;
    const right = b[axis - (rank - b.length)] ?? 1;
    if (left === right || right === 1) out.push(left);
    else if (left === 1) out.push(right);
    else return null;
  }
  return out;
}

/** True when two shapes have the same axes, symbol by symbol. */
export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, axis) => dim === b[axis]);
}

/** Whether a number names one of `count` things: whole, and counted from 0. */
export function isIndex(value: number, count: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < count;
}
