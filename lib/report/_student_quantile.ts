/**
 * P(|T| < t) of Student's distribution with a whole number n of degrees of freedom. With θ = atan(t / √n) it is a
 * finite sum: sin θ · (1 + 1/2 cos² θ + 1·3/(2·4) cos⁴ θ + …) up to the power n − 2 for even n, and
 * 2/π · (θ + sin θ · (cos θ + 2/3 cos³ θ + 2·4/(3·5) cos⁵ θ + …)) up to the power n − 2 for odd n.
 */
function centralProbability(t: number, degrees: number): number {
  const angle = Math.atan(t / Math.sqrt(degrees)), cos = Math.cos(angle), odd = degrees % 2 === 1;
  let term = odd ? cos : 1, sum = 0;
  for (let power = odd ? 1 : 0; power <= degrees - 2; power += 2) {
    sum += term;
    term *= (power + 1) / (power + 2) * cos * cos;
  }
  return odd ? 2 / Math.PI * (angle + Math.sin(angle) * sum) : Math.sin(angle) * sum;
}

/**
 * The quantile of Student's distribution at a share above one half, by halving. Tested against published tables.
 */
export function studentQuantile(share: number, degrees: number): number {
  if (!(share > 0.5 && share < 1) || !(Number.isInteger(degrees) && degrees >= 1)) {
    throw new RangeError(
      "Cannot take a quantile as its share must lie in (0.5, 1) and its degrees be a whole number ≥ 1: " +
        `current values are ${share}, ${degrees}`,
    );
  }
  const central = 2 * share - 1;
  let low = 0, high = 1;
  while (centralProbability(high, degrees) < central) high *= 2;
  for (let step = 0; step < 80; step++) {
    const middle = (low + high) / 2;
    if (centralProbability(middle, degrees) < central) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
