// The standard normal distribution, in float64.

/** @type {(z: number) => number} */
export function density(z) {
  return Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI);
}

// The share of N(0, 1) below z: 1/2 + density(z) (z + z^3 / 3 + z^5 / (3 5) + ...), a series whose terms
// all have one sign (Marsaglia 2004, Evaluating the normal distribution).
/** @type {(z: number) => number} */
export function cdf(z) {
  if (Math.abs(z) > 8) return z > 0 ? 1 : 0; // less than 1e-15 away
  let sum = 0;
  let term = z;
  for (let k = 1; sum + term !== sum; k++) {
    sum += term;
    term *= (z * z) / (2 * k + 1);
  }
  return 0.5 + density(z) * sum;
}

// The z with a share u of N(0, 1) below it. Newton's steps from 0 never overshoot: away from 0 the share
// grows more and more slowly, so each step is too short.
/** @type {(u: number) => number} */
export function quantile(u) {
  if (!(u > 0 && u < 1)) throw new Error(`quantile: u is ${u}; expected above 0 and below 1`);
  let z = 0;
  for (let i = 0; i < 100; i++) {
    const step = (u - cdf(z)) / density(z);
    z += step;
    if (Math.abs(step) < 1e-12) break;
  }
  return z;
}
