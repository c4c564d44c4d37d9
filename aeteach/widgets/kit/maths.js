// Statistics of points in the plane, in float64. A point is [x, y]; a symmetric 2 x 2 matrix is
// {xx, xy, yy}; an angle is in degrees, measured from the first axis towards the second.
/** @type {(points: Ae.Pair[]) => Ae.Pair} */
export function mean2(points) {
  let x = 0;
  let y = 0;
  for (const p of points) {
    x += p[0];
    y += p[1];
  }
  return [x / points.length, y / points.length];
}

// Sum of products of deviations over n - ddof: the sample covariance for ddof 1.
/** @type {(points: Ae.Pair[], ddof?: number) => Ae.Symmetric} */
export function covariance2(points, ddof = 1) {
  const [mx, my] = mean2(points);
  const n = points.length - ddof;
  let xx = 0;
  let xy = 0;
  let yy = 0;
  for (const p of points) {
    xx += (p[0] - mx) * (p[0] - mx);
    xy += (p[0] - mx) * (p[1] - my);
    yy += (p[1] - my) * (p[1] - my);
  }
  return { xx: xx / n, xy: xy / n, yy: yy / n };
}

/** @type {(angle: number) => Ae.Pair} */
export function direction(angle) {
  const t = (angle * Math.PI) / 180;
  return [Math.cos(t), Math.sin(t)];
}

// An axis has no front and no back, so its angle lies in [0, 180).
/** @type {(dx: number, dy: number) => number} */
export function axisAngle(dx, dy) {
  return wrap180((Math.atan2(dy, dx) * 180) / Math.PI);
}

/** @type {(angle: number) => number} */
export function wrap180(angle) {
  return ((angle % 180) + 180) % 180;
}

// u^T S u
/** @type {(S: Ae.Symmetric, u: Ae.Pair) => number} */
export function quadratic(S, u) {
  return S.xx * u[0] * u[0] + 2 * S.xy * u[0] * u[1] + S.yy * u[1] * u[1];
}

/** @type {(S: Ae.Symmetric, u: Ae.Pair) => Ae.Pair} */
export function times(S, u) {
  return [S.xx * u[0] + S.xy * u[1], S.xy * u[0] + S.yy * u[1]];
}

// The larger eigenvalue first; `angle` is the first eigenvector's, in [0, 180).
/** @type {(S: Ae.Symmetric) => { values: Ae.Pair, vectors: [Ae.Pair, Ae.Pair], angle: number }} */
export function eigen2(S) {
  const middle = (S.xx + S.yy) / 2;
  const radius = Math.hypot((S.xx - S.yy) / 2, S.xy);
  const angle = wrap180((Math.atan2(2 * S.xy, S.xx - S.yy) * 90) / Math.PI);
  const [c, s] = direction(angle);
  return { values: [middle + radius, middle - radius], vectors: [[c, s], [-s, c]], angle };
}

/** @type {(x: number, low: number, high: number) => number} */
export function clamp(x, low, high) {
  return Math.min(Math.max(x, low), high);
}
