import { singularValues } from "./_singular_values.ts";
import { cosine, norm, requireVector } from "./_vectors.ts";

/** Shape of a set of vectors, one per layer. */
export interface VectorGeometry {
  /** Euclidean norm of each vector, in the unit of the vectors. */
  readonly norms: readonly number[];
  /** Cosine of vectors i and j at [i][j]; null in the row and column of a zero vector. */
  readonly cosines: readonly (readonly (number | null)[])[];
  /** Singular values of the stacked vectors, largest first. */
  readonly singularValues: readonly number[];
  /** Σσ² / σ₁²: 1 when all are parallel, their number when orthogonal and equally long. Null when all are zero. */
  readonly stableRank: number | null;
}

/** How a set of vectors is measured. */
export interface VectorGeometryOptions {
  /**
   * Whether singular values and stable rank see the vectors as they are or each at length 1; a zero vector stays
   * zero. @default {"as_is"}
   */
  readonly scale?: "as_is" | "unit";
  /**
   * A rank-1 adapter writes (a·x) b and so does (−a·x)(−b): the sign of its direction means nothing. With `"drop"`
   * the cosines are absolute values. @default {"keep"}
   */
  readonly sign?: "keep" | "drop";
}

function requireRows(vectors: readonly ArrayLike<number>[], what: string): void {
  const embed = vectors[0]?.length ?? 0;
  if (embed === 0) {
    throw new RangeError(`Cannot compare ${what} as there must be a vector with values: current count is 0`);
  }
  vectors.forEach((vector, index) => requireVector(vector, { what: `${what} ${index}`, embed }));
}

/**
 * Cosines of every vector of one list with every vector of another: [i][j] belongs to a[i] and b[j]. Null where one
 * of the two is zero. With vectors of two training seeds the diagonal is their alignment by layer.
 *
 * Source: the heat maps of merged against joint vectors and the seed alignment (class: code, unpublished).
 *
 * @throws RangeError for an empty list, vectors of different lengths, or values that are not finite.
 */
export function cosineMatrix(
  a: readonly ArrayLike<number>[],
  b: readonly ArrayLike<number>[],
): readonly (readonly (number | null)[])[] {
  requireRows(a, "vector");
  requireRows(b, "vector");
  if (a[0]?.length !== b[0]?.length) {
    throw new RangeError(
      `Cannot compare vectors as all must have one length: current lengths are ${a[0]?.length} and ${
        b[0]?.length
      }`,
    );
  }
  return a.map((one) => b.map((other) => cosine(one, other)));
}

/**
 * Norms, cosines between layers, singular values and stable rank of vectors [layers, embed]. For rank-1 adapters the
 * vectors are the directions b_l they write, with `scale: "unit"`.
 *
 * Source: the stable rank Σσ²/σ₁², the cosine heat maps and the spectra of steering vectors (logit-lens script) and
 * of adapter directions at unit length (Appendix S), figure 26 (class: code; the number of the figure is inferred).
 * There a zero vector is an error; here its cosines are null.
 *
 * @throws RangeError for no vectors, vectors of different lengths, or values that are not finite.
 */
export function vectorGeometry(
  vectors: readonly ArrayLike<number>[],
  options: VectorGeometryOptions = {},
): VectorGeometry {
  const { scale = "as_is", sign = "keep" } = options;
  const signed = cosineMatrix(vectors, vectors);
  const norms = vectors.map((vector) => norm(vector));
  const rows = scale === "as_is" ? vectors : vectors.map((vector, index) => {
    const length = norms[index] as number;
    return Float64Array.from(vector, (value) => length === 0 ? 0 : value / length);
  });
  const values = [...singularValues(rows)];
  const first = values[0] as number;
  return {
    norms,
    cosines: sign === "keep"
      ? signed
      : signed.map((row) => row.map((value) => value === null ? null : Math.abs(value))),
    singularValues: values,
    stableRank: first === 0 ? null : values.reduce((sum, value) => sum + (value / first) ** 2, 0),
  };
}
