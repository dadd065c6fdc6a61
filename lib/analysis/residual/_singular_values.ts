import { dot, norm } from "./_vectors.ts";

/** Sweeps after which rotations are given up; graded and clustered matrices of 64 rows take about ten. */
const MAX_SWEEPS = 60;

/** Angle below which two rows count as orthogonal: a unit in the last place of float64. */
const ORTHOGONAL = 2 ** -52;

/**
 * Turns rows p and q in their plane until they are orthogonal; true when they had to be turned.
 *
 * With α = |p|², β = |q|², γ = p·q the turned rows p' = c·p − s·q, q' = s·p + c·q have the product
 * cs(α − β) + (c² − s²)γ, which is zero for t = s/c with t² + 2ζt − 1 = 0 and ζ = (β − α) / 2γ. The smaller root
 * turns by at most 45°, which is what makes the sweeps converge.
 */
function orthogonalise(p: Float64Array, q: Float64Array): boolean {
  const alpha = dot(p, p), beta = dot(q, q), gamma = dot(p, q);
  if (gamma === 0 || Math.abs(gamma) <= ORTHOGONAL * Math.sqrt(alpha) * Math.sqrt(beta)) return false;
  const zeta = (beta - alpha) / (2 * gamma);
  const t = (zeta >= 0 ? 1 : -1) / (Math.abs(zeta) + Math.hypot(1, zeta));
  const c = 1 / Math.sqrt(1 + t * t), s = c * t;
  for (let index = 0; index < p.length; index++) {
    const x = p[index] as number, y = q[index] as number;
    p[index] = c * x - s * y;
    q[index] = s * x + c * y;
  }
  return true;
}

/**
 * Singular values of a matrix given by its rows, largest first, as many as the shorter side. One-sided Jacobi:
 * plane rotations of the rows (of the columns when there are fewer) until all are orthogonal; their norms are the
 * values. Rows are scaled by the largest entry first, so that squares neither overflow nor vanish.
 */
export function singularValues(rows: readonly ArrayLike<number>[]): Float64Array {
  const count = rows.length, width = rows[0]?.length ?? 0;
  const short = count <= width
    ? rows.map((row) => Float64Array.from(row))
    : Array.from({ length: width }, (_, column) => Float64Array.from(rows, (row) => row[column] as number));
  const largest = short.reduce(
    (most, row) => row.reduce((m, value) => Math.max(m, Math.abs(value)), most),
    0,
  );
  if (largest === 0) return new Float64Array(short.length);
  for (const row of short) for (let i = 0; i < row.length; i++) row[i] = (row[i] as number) / largest;
  // Long rows first: small values then come out with small relative errors.
  short.sort((a, b) => norm(b) - norm(a));
  let turned = true;
  for (let sweep = 0; turned; sweep++) {
    if (sweep === MAX_SWEEPS) {
      throw new Error(`Singular values of ${count} rows did not settle in ${MAX_SWEEPS} sweeps`);
    }
    turned = false;
    for (let first = 0; first < short.length; first++) {
      for (let second = first + 1; second < short.length; second++) {
        if (orthogonalise(short[first] as Float64Array, short[second] as Float64Array)) turned = true;
      }
    }
  }
  return Float64Array.from(short, (row) => largest * norm(row)).sort().reverse();
}
