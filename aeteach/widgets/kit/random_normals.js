// Standard normal noise from a seed: the same seed gives the same numbers in every browser.

// Uniform numbers in [0, 1) from a 32-bit state (the generator known as mulberry32).
/** @type {(seed: number) => () => number} */
export function uniforms(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

// `count` standard normal numbers, in pairs by Box and Muller's method.
/** @type {(seed: number, count: number) => Float64Array} */
export function normals(seed, count) {
  const uniform = uniforms(seed);
  const eps = new Float64Array(count);
  for (let i = 0; i < count; i += 2) {
    const radius = Math.sqrt(-2 * Math.log(1 - uniform())); // 1 - u is never 0
    const turn = 2 * Math.PI * uniform();
    eps[i] = radius * Math.cos(turn);
    if (i + 1 < count) eps[i + 1] = radius * Math.sin(turn);
  }
  return eps;
}
