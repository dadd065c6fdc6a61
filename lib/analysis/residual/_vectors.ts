/** Inner product in float64; both have one length. */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let index = 0; index < a.length; index++) sum += (a[index] as number) * (b[index] as number);
  return sum;
}

/**
 * Euclidean norm in float64. Scaled by the largest entry where squares would overflow or vanish, so that a vector is
 * zero only when every entry is.
 */
export function norm(vector: ArrayLike<number>): number {
  const square = dot(vector, vector);
  if (square > 1e-280 && square < 1e280) return Math.sqrt(square);
  let largest = 0;
  for (let index = 0; index < vector.length; index++) {
    largest = Math.max(largest, Math.abs(vector[index] as number));
  }
  if (largest === 0 || !Number.isFinite(largest)) return largest;
  let sum = 0;
  for (let index = 0; index < vector.length; index++) sum += ((vector[index] as number) / largest) ** 2;
  return largest * Math.sqrt(sum);
}

/** Cosine of the angle, or null when one of the two is zero and there is no angle. */
export function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number | null {
  const first = norm(a), second = norm(b), lengths = first * second;
  if (first === 0 || second === 0) return null;
  // Rounding may push a ratio past 1 by some 1e-16, which an arc cosine or an axis would not forgive.
  if (lengths > 1e-280 && lengths < 1e280) return clampCosine(dot(a, b) / lengths);
  let sum = 0;
  for (let index = 0; index < a.length; index++) {
    sum += ((a[index] as number) / first) * ((b[index] as number) / second);
  }
  return clampCosine(sum);
}

/** Cosines live in [−1, 1]; rounding may leave it by an ulp or two. */
export function clampCosine(value: number): number {
  return Math.max(-1, Math.min(1, value));
}

/** Adds `scale` · `source` to `target` in place. */
export function addScaled(target: Float64Array, source: ArrayLike<number>, scale: number): void {
  for (let index = 0; index < target.length; index++) {
    target[index] = (target[index] as number) + scale * (source[index] as number);
  }
}

/** Throws a RangeError unless the vector has `embed` finite entries; `what` names it in the message. */
export function requireVector(vector: ArrayLike<number>, options: { what: string; embed: number }): void {
  const { what, embed } = options;
  if (vector.length !== embed) {
    throw new RangeError(
      `Cannot read ${what} as it must have ${embed} values: current count is ${vector.length}`,
    );
  }
  for (let index = 0; index < embed; index++) {
    if (!Number.isFinite(vector[index])) {
      throw new RangeError(
        `Cannot read ${what} as its values must be finite: value ${index} is ${vector[index]}`,
      );
    }
  }
}
