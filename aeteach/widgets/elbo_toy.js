// A normal q(z) laid by hand over the posterior p(z|x) of a model with one latent number: what its
// ELBO is, what is missing to log p(x), and what the ELBO is made of. Every term is an integral
// over z, computed by the trapezium rule; aeteach/toy.py states the model.
import { clamp } from "./kit/maths.js";
import {
  button, caption, column, columns, frame, h, handle, number, path, plane, readout, roundUp, row, s, set, slider,
  ticks, update, watch,
} from "./kit/kit.js";

/** @typedef {{ variance: number, bend: number }} Toy */
/** @typedef {"x" | "mu" | "sigma"} Key */

/** @type {Key[]} */
const KEYS = ["x", "mu", "sigma"];
const LOG_2PI = Math.log(2 * Math.PI);
/** @type {Ae.Pair} */
const SEEN = [-4.2, 4.2]; // the z that are drawn

// ---------------------------------------------------------------- the model

/** @type {(toy: Pick<Toy, "bend">, z: number) => number} */
export function decodeMean({ bend }, z) {
  return z + bend * z * z;
}

/** @type {(z: number) => number} */
export function logPrior(z) {
  return -(z * z + LOG_2PI) / 2;
}

/** @type {(toy: Toy, x: number, z: number) => number} */
export function logLikelihood(toy, x, z) {
  const error = x - decodeMean(toy, z);
  return -((error * error) / toy.variance + Math.log(toy.variance) + LOG_2PI) / 2;
}

// log p(x) = log of the integral of p(z) p(x|z) over z
/** @type {(toy: Toy, x: number, nodes?: number) => number} */
export function logEvidence(toy, x, nodes = 2001) {
  const reach = 2 * Math.abs(x) + 9; // no posterior lies beyond
  const step = (2 * reach) / (nodes - 1);
  let sum = 0;
  for (let i = 0; i < nodes; i++) {
    const z = -reach + i * step;
    sum += Math.exp(logPrior(z) + logLikelihood(toy, x, z));
  }
  return Math.log(sum * step);
}

// ---------------------------------------------------------------- q = N(mu, sigma^2)

// Nodes t_i and weights N(t_i; 0, 1) dt, so that E_q[f(z)] is the sum of w_i f(mu + sigma t_i).
const T = Array.from({ length: 361 }, (_, i) => -9 + i / 20);
const W = T.map((t) => Math.exp(logPrior(t)) / 20);

/** @type {(f: (z: number, t: number) => number, mu: number, sigma: number) => number} */
export function average(f, mu, sigma) {
  let sum = 0;
  for (let i = 0; i < T.length; i++) sum += W[i] * f(mu + sigma * T[i], T[i]);
  return sum;
}

/** @type {(z: number, mu: number, sigma: number) => number} */
export function logQ(z, mu, sigma) {
  const t = (z - mu) / sigma;
  return -(t * t + LOG_2PI) / 2 - Math.log(sigma);
}

// R = -E_q[log p(x|z)], K = KL(q || prior), ELBO = -(R + K) and gap = KL(q || posterior): four
// integrals, of which no one is worked out from the others.
/** @type {(toy: Toy, x: number, mu: number, sigma: number) => Record<"evidence" | "reconstruction" | "kl" | "elbo" | "gap", number>} */
export function terms(toy, x, mu, sigma) {
  const evidence = logEvidence(toy, x);
  const reconstruction = -average((z) => logLikelihood(toy, x, z), mu, sigma);
  const kl = average((z) => logQ(z, mu, sigma) - logPrior(z), mu, sigma);
  const elbo = average((z) => logPrior(z) + logLikelihood(toy, x, z) - logQ(z, mu, sigma), mu, sigma);
  /** @type {(z: number) => number} */
  const posterior = (z) => logPrior(z) + logLikelihood(toy, x, z) - evidence;
  const gap = average((z) => logQ(z, mu, sigma) - posterior(z), mu, sigma);
  return { evidence, reconstruction, kl, elbo, gap };
}

// The best variance for a given mean: the positive root of a quadratic (see Toy.best_q).
/** @type {(toy: Toy, x: number, mu: number) => number} */
function bestVariance({ variance: c, bend: b }, x, mu) {
  const slope = 1 + 2 * b * mu;
  const middle = slope * slope - 2 * b * (x - decodeMean({ bend: b }, mu)) + c;
  const root = Math.sqrt(middle * middle + 24 * b * b * c);
  return middle > 0 || b === 0 ? (2 * c) / (middle + root) : (root - middle) / (12 * b * b);
}

// The normal q with the highest ELBO: by a grid over mu, then by bisection of the slope.
/** @type {(toy: Toy, x: number) => { mu: number, sigma: number }} */
export function bestQ(toy, x) {
  const { variance: c, bend: b } = toy;
  const reach = 2 * Math.abs(x) + 3;
  /** @type {(mu: number) => number} */
  const sd = (mu) => Math.sqrt(bestVariance(toy, x, mu));
  /** @type {(mu: number) => number} */
  const slope = (mu) =>
    ((1 + 2 * b * mu) * (x - decodeMean(toy, mu) - 3 * b * bestVariance(toy, x, mu))) / c - mu;
  /** @type {(mu: number) => number} */
  const joint = (mu) => average((z) => logPrior(z) + logLikelihood(toy, x, z), mu, sd(mu)) + Math.log(sd(mu));
  const step = reach / 200;
  let best = -reach;
  for (let i = 0; i <= 400; i++) {
    const mu = -reach + i * step;
    if (joint(mu) > joint(best)) best = mu;
  }
  let [low, high] = [best - step, best + step];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (slope(middle) > 0) low = middle;
    else high = middle;
  }
  return { mu: low, sigma: sd(low) };
}

// ---------------------------------------------------------------- two bars of one length

const BAR = { width: 340, height: 150, left: 14, right: 326, rows: [18, 68], thick: 24, axis: 112 };

// Two rows of bars that start at 0, each made of two named parts; show(rows, end, unit) redraws.
/** @type {(names: string[], kinds: string[][]) => { node: HTMLElement, show: (rows: number[][], end: number, unit: string) => void }} */
function bars(names, kinds) {
  const parts = kinds.map((pair) => pair.map((kind) => s("rect", { class: `ae-fill ae-${kind}`, height: BAR.thick })));
  const axes = s("g", { class: "ae-axes" });
  const total = s("line", { class: "ae-rule", y1: 4, y2: BAR.axis });
  const svg = s(
    "svg",
    { class: "ae-plane", viewBox: `0 0 ${BAR.width} ${BAR.height}`, "aria-hidden": "true" },
    axes,
    ...names.map((name, i) => s("text", { x: BAR.left, y: BAR.rows[i] - 5 }, name)),
    ...parts.flat(),
    total,
  );
  return {
    node: h("div", { class: "ae-stack" }, svg),
    show(rows, end, unit) {
      /** @type {(v: number) => number} */
      const px = (v) => BAR.left + (v / end) * (BAR.right - BAR.left);
      rows.forEach((values, i) => {
        let start = 0;
        values.forEach((value, j) => {
          const width = Math.max(px(start + value) - px(start), 0);
          set(parts[i][j], { x: px(start), y: BAR.rows[i], width });
          start += value;
        });
      });
      const length = px(rows[0][0] + rows[0][1]);
      set(total, { x1: length, x2: length });
      const marks = ticks(0, end, 5);
      axes.replaceChildren(
        s("line", { x1: BAR.left, x2: BAR.right, y1: BAR.axis, y2: BAR.axis }),
        ...marks.values.map((v) => s("line", { x1: px(v), x2: px(v), y1: BAR.axis, y2: BAR.axis + 4 })),
        ...marks.values.map((v) =>
          s("text", { x: px(v), y: BAR.axis + 17, "text-anchor": "middle" }, number(v, marks.digits))),
        s("text", { class: "ae-title", x: BAR.width / 2, y: BAR.height - 4, "text-anchor": "middle" }, `cost (${unit})`),
      );
    },
  };
}

// ---------------------------------------------------------------- the figure

/** @type {(...entries: [kind: string, name: string][]) => HTMLElement} */
function legend(...entries) {
  return h(
    "p", { class: "ae-note" },
    ...entries.flatMap(([kind, name]) => [h("span", { class: `ae-swatch ae-${kind}` }), `${name}\u2003`]),
    "dashed: prior p(z)",
  );
}

/** @type {Ae.Figure["render"]} */
function render({ model, el }) {
  /** @type {Ae.Limits} */
  const limits = model.get("limits");
  const toy = { variance: model.get("variance"), bend: model.get("bend") };
  const on = plane({
    x: SEEN, y: [0, 1], height: 270, xLabel: "latent z", yLabel: "density",
    label: "The posterior of z, the prior, and q. Arrow keys move the mean of q, or its width.",
  });
  const shade = s("path", { class: "ae-fill ae-data", opacity: 0.22 });
  const posterior = s("path", { class: "ae-line ae-data" });
  const prior = s("path", { class: "ae-rule" });
  const curve = s("path", { class: "ae-line ae-latent" });
  on.clip.append(shade, prior, posterior, curve);

  const cost = bars(["surprise of x + gap", "reconstruction R + KL to prior K"], [["data", "ink"], ["reconstruction", "good"]]);
  const numbers = readout([
    { key: "surprise", label: "surprise of x, −log p(x)", colour: "data" },
    { key: "gap", label: "gap, KL(q ‖ p(z|x))", colour: "ink" },
    { key: "reconstruction", label: "reconstruction R", colour: "reconstruction" },
    { key: "kl", label: "KL to the prior K", colour: "good" },
    { key: "elbo", label: "ELBO = −R − K" },
    { key: "evidence", label: "log p(x) = ELBO + gap" },
  ]);

  /** @type {(key: Key) => number} */
  const get = (key) => model.get(key);
  /** @type {(key: Key, value: number) => void} */
  const put = (key, value) => update(model, { [key]: clamp(value, ...limits[key]) });
  /** @type {(key: Key, label: string, step: number) => Ae.Slider} */
  const control = (key, label, step) =>
    slider({
      key, label, min: limits[key][0], max: limits[key][1], step, text: (v) => number(v), oninput: (v) => put(key, v),
    });
  const controls = {
    x: control("x", "observed x", 0.05),
    mu: control("mu", "mean μ of q", 0.01),
    sigma: control("sigma", "standard deviation σ of q", 0.01),
  };

  /** @type {(z: number) => number} */
  const density = (z) => Math.exp(logQ(z, get("mu"), get("sigma")));
  const side = () => (get("mu") + get("sigma") <= SEEN[1] - 0.2 ? 1 : -1); // keeps the handle in sight
  const edge = () => get("mu") + side() * get("sigma");
  const middle = handle(on, {
    label: "q, mean", kind: "latent", radius: 8, range: limits.mu, get: () => [get("mu"), density(get("mu"))],
    now: () => get("mu"), set: ([z]) => put("mu", z), nudge: (dx, dy) => put("mu", get("mu") + 0.01 * (dx + dy)),
    text: () => `mean ${number(get("mu"))}`,
  });
  const width = handle(on, {
    label: "q, width", kind: "latent", radius: 6, range: limits.sigma, get: () => [edge(), density(edge())],
    now: () => get("sigma"), set: ([z]) => put("sigma", Math.abs(z - get("mu"))),
    nudge: (dx, dy) => put("sigma", get("sigma") + 0.01 * (side() * dx + dy)),
    text: () => `standard deviation ${number(get("sigma"))}`,
  });

  const zs = Array.from({ length: 421 }, (_, i) => SEEN[0] + i * 0.02);
  const unit = button("", () => update(model, { unit: model.get("unit") === "nats" ? "bits" : "nats" }));

  function draw() {
    const [x, mu, sigma] = [get("x"), get("mu"), get("sigma")];
    const { evidence, reconstruction, kl, elbo, gap } = terms(toy, x, mu, sigma);
    const known = zs.map((z) => Math.exp(logPrior(z) + logLikelihood(toy, x, z) - evidence));
    on.frame({ y: [0, roundUp(1.08 * Math.max(...known, density(mu)))] });
    const line = path(on, zs, known);
    set(posterior, { d: line });
    set(shade, { d: `${line}L${on.px(SEEN[1])} ${on.py(0)}L${on.px(SEEN[0])} ${on.py(0)}Z` });
    set(prior, { d: path(on, zs, zs.map((z) => Math.exp(logPrior(z)))) });
    set(curve, { d: path(on, zs, zs.map(density)) });
    middle.place();
    width.place();

    const scale = model.get("unit") === "bits" ? 1 / Math.LN2 : 1;
    /** @type {(v: number) => string} */
    const say = (v) => number(scale * v, 3);
    const rows = [[-evidence, gap], [reconstruction, kl]].map((pair) => pair.map((v) => scale * v));
    cost.show(rows, roundUp(1.02 * (rows[0][0] + rows[0][1])), model.get("unit"));
    for (const key of KEYS) controls[key].set(get(key));
    const shown = { surprise: -evidence, gap, reconstruction, kl, elbo, evidence };
    for (const [key, value] of Object.entries(shown)) numbers.set(key, value, `${say(value)} ${model.get("unit")}`);
    unit.textContent = model.get("unit") === "nats" ? "Show bits" : "Show nats";
    numbers.say(
      `q has mean ${number(mu)} and standard deviation ${number(sigma)}. Log evidence ${say(evidence)}, ELBO ` +
      `${say(elbo)}, gap ${say(gap)} ${model.get("unit")}.`,
    );
  }

  frame(
    el, model,
    columns(
      column(
        on.node,
        legend(["data", "posterior p(z|x)"], ["latent", "q(z)"]),
        controls.x.node, controls.mu.node, controls.sigma.node,
        row(
          button("Best q", () => update(model, bestQ(toy, get("x")))),
          button("q = prior", () => update(model, { mu: 0, sigma: 1 })),
          unit,
        ),
      ),
      column(cost.node, numbers.node),
    ),
    caption("Drag the big dot to move q, the small one to widen it. Keys: Tab to reach them, arrows to move, Shift for bigger steps."),
  );
  const stop = watch(model, ["x", "mu", "sigma", "unit"], draw);
  draw();
  return stop;
}

export default { render };
