// The gradient of E[(z - 1)^2] by mu, estimated 10,000 times in two ways from the same noise.
import {
  button, caption, column, columns, frame, number, plane, readout, roundUp, row, s, set, slider, update, watch,
} from "./kit/kit.js";
import { normals } from "./kit/random_normals.js";

const A = 1; // where f(z) = (z - a)^2 is smallest
const REPEATS = 10000;
const BINS = 60;

// Mean and variance over repetitions of both estimates, each the average of n draws.
/** @type {(mu: number, sigma: number, n: number, b: number) => { gradient: number, pathwise: number, score: number, best: number }} */
export function theory(mu, sigma, n, b) {
  const m = mu - A;
  const best = m ** 2 + 3 * sigma ** 2;
  const score = 8 * m ** 2 + 6 * sigma ** 2 + ((b - best) / sigma) ** 2;
  return { gradient: 2 * m, pathwise: (4 * sigma ** 2) / n, score: score / n, best };
}

// Both estimates for given noise: eps holds n numbers for each estimate, one after another.
/** @type {(mu: number, sigma: number, n: number, b: number, eps: Ae.Numbers) => { pathwise: Float64Array, score: Float64Array }} */
export function estimates(mu, sigma, n, b, eps) {
  const count = Math.floor(eps.length / n);
  const pathwise = new Float64Array(count);
  const score = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    let [slopes, scores] = [0, 0];
    for (let j = i * n; j < (i + 1) * n; j++) {
      const distance = mu + sigma * eps[j] - A;
      slopes += distance;
      scores += (distance * distance - b) * eps[j];
    }
    pathwise[i] = (2 * slopes) / n;
    score[i] = scores / (sigma * n);
  }
  return { pathwise, score };
}

// Mean and variance (divisor N - 1).
/** @type {(values: Float64Array) => { mean: number, variance: number }} */
export function moments(values) {
  let mean = 0;
  for (const v of values) mean += v / values.length;
  let square = 0;
  for (const v of values) square += (v - mean) ** 2;
  return { mean, variance: square / (values.length - 1) };
}

// Shares of the values in `bins` equal bins from low to high, and the share beyond them.
/** @type {(values: Iterable<number> & Ae.Numbers, low: number, high: number, bins: number) => { shares: Float64Array, beyond: number }} */
export function histogram(values, low, high, bins) {
  const shares = new Float64Array(bins);
  let beyond = 0;
  for (const v of values) {
    const bin = Math.floor(((v - low) / (high - low)) * bins);
    if (bin >= 0 && bin < bins) shares[bin] += 1 / values.length;
    else beyond += 1 / values.length;
  }
  return { shares, beyond };
}

/** @type {(on: Ae.Plane, shares: Float64Array) => string} */
function bars(on, shares) {
  const width = (on.x[1] - on.x[0]) / shares.length;
  let d = "";
  shares.forEach((share, i) => {
    if (share === 0) return;
    const [left, right] = [on.px(on.x[0] + i * width), on.px(on.x[0] + (i + 1) * width)];
    d += `M${left.toFixed(2)} ${on.py(0)}V${on.py(share).toFixed(2)}H${right.toFixed(2)}V${on.py(0)}Z`;
  });
  return d;
}

// A histogram with a dashed line at the true gradient.
/** @type {(name: string, kind: string) => { on: Ae.Plane, draw: (values: Float64Array, x: Ae.Pair, gradient: number) => number }} */
function view(name, kind) {
  const on = plane({
    x: [-1, 1], y: [0, 1], height: 200, xLabel: `${name} estimate of the gradient`, yLabel: "share",
    label: `Histogram of the ${name} estimates`,
  });
  const filled = s("path", { class: `ae-fill ae-${kind}` });
  const truth = s("line", { class: "ae-rule" });
  on.clip.append(filled, truth);
  return {
    on,
    draw(values, x, gradient) {
      const { shares, beyond } = histogram(values, x[0], x[1], BINS);
      on.frame({ x, y: [0, roundUp(Math.max(...shares))] });
      set(filled, { d: bars(on, shares) });
      const at = on.px(gradient);
      set(truth, { x1: at, x2: at, y1: on.py(on.y[0]), y2: on.py(on.y[1]) });
      return beyond;
    },
  };
}

// What a slider is called, its step, that of the mouse, and its decimals.
/** @type {[string, string, number, number, number][]} */
const SLIDERS = [
  ["mu", "mean μ", 0.1, 0.1, 1], ["sigma", "standard deviation σ", 0.1, 0.1, 1],
  ["samples", "draws in an estimate", 1, 1, 0], ["baseline", "baseline b", 0.5, 0.01, 2],
];

/** @type {Ae.Figure["render"]} */
function render({ model, el }) {
  /** @type {Ae.Limits} */
  const limits = model.get("limits");
  const sliders = SLIDERS.map(([key, label, step, grain, digits]) => {
    const [min, max] = limits[key];
    const control = slider({
      key, label, min, max, step, grain, text: (v) => number(v, digits),
      oninput: (v) => update(model, { [key]: Math.round(v * 100) / 100 }),
    });
    return { key, ...control };
  });
  const path = view("pathwise", "data");
  const score = view("score-function", "reconstruction");
  const numbers = readout([
    { key: "gradient", label: "true gradient 2(μ − 1)" },
    { key: "path_mean", label: "mean, pathwise", colour: "data" },
    { key: "score_mean", label: "mean, score function", colour: "reconstruction" },
    { key: "path_measured", label: "variance, pathwise", colour: "data" },
    { key: "path_exact", label: "its closed form" },
    { key: "score_measured", label: "variance, score function", colour: "reconstruction" },
    { key: "score_exact", label: "its closed form" },
    { key: "ratio", label: "ratio of the closed forms" },
    { key: "beyond", label: "estimates beyond the axis" },
  ]);

  // The noise of a seed is drawn once: what is longer begins with what is shorter.
  /** @type {{ seed: number, eps: Float64Array }} */
  let noise = { seed: -1, eps: new Float64Array() };
  /** @type {(seed: number, count: number) => Float64Array} */
  const drawnOnce = (seed, count) => {
    if (noise.seed !== seed || noise.eps.length < count) noise = { seed, eps: normals(seed, count) };
    return noise.eps.subarray(0, count);
  };

  function draw() {
    /** @type {number[]} */
    const [mu, sigma, n, b, seed] = ["mu", "sigma", "samples", "baseline", "seed"].map((k) => model.get(k));
    const exact = theory(mu, sigma, n, b);
    const drawn = estimates(mu, sigma, n, b, drawnOnce(seed, REPEATS * n));
    const reach = roundUp(3.5 * Math.sqrt(Math.max(exact.score, exact.pathwise)));
    /** @type {Ae.Pair} */
    const x = [exact.gradient - reach, exact.gradient + reach];
    const beyond = [path.draw(drawn.pathwise, x, exact.gradient), score.draw(drawn.score, x, exact.gradient)];
    for (const control of sliders) control.set(model.get(control.key));
    const [p, q] = [moments(drawn.pathwise), moments(drawn.score)];
    /** @type {(key: string, value: number, digits?: number) => void} */
    const show = (key, value, digits = 2) => numbers.set(key, value, number(value, digits));
    show("gradient", exact.gradient);
    show("path_mean", p.mean);
    show("score_mean", q.mean);
    show("path_measured", p.variance, 3);
    show("path_exact", exact.pathwise, 3);
    show("score_measured", q.variance, 3);
    show("score_exact", exact.score, 3);
    show("ratio", exact.score / exact.pathwise, 1);
    numbers.set("beyond", beyond[1], `${number(100 * beyond[0], 1)} % and ${number(100 * beyond[1], 1)} %`);
    numbers.say(
      `True gradient ${number(exact.gradient)}. Variance: pathwise ${number(p.variance, 3)}, ` +
      `score function ${number(q.variance, 3)}, which is ${number(exact.score / exact.pathwise, 1)} times as much in theory.`,
    );
  }

  frame(
    el, model,
    columns(
      column(path.on.node, score.on.node),
      column(
        ...sliders.map((control) => control.node),
        row(
          button("Draw again", () => update(model, { seed: (model.get("seed") + 1) % (limits.seed[1] + 1) })),
          button("Best baseline", () =>
            update(model, { baseline: theory(model.get("mu"), model.get("sigma"), 1, 0).best })),
          button("No baseline", () => update(model, { baseline: 0 })),
        ),
        numbers.node,
      ),
    ),
    caption("f(z) = (z − 1)², z ~ N(μ, σ²). 10,000 estimates of each kind, from the same noise. Dashed: the true gradient."),
  );
  const stop = watch(model, ["mu", "sigma", "samples", "baseline", "seed"], draw);
  draw();
  return stop;
}

export default { render };
