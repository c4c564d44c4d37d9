// A chain of noise steps in one dimension: the density after each, one path, and what every step
// back costs. The formulas are those of aeteach/diffusion.py, integrals over x by the trapezium rule.
import { clamp } from "./kit/maths.js";
import { normals } from "./kit/random_normals.js";
import {
  button, canvasOf, caption, choice, colour, column, columns, frame, h, handle, mix, number, option, path, pen, plane,
  readout, roundUp, row, s, set, slider, together, update, watch, whenShown,
} from "./kit/kit.js";

/** @typedef {{ centres: number[], sd: number }} Humps */
/** @typedef {{ prior: number, steps: number[], reconstruction: number, sum: number }} Terms */

const LOG_2PI = Math.log(2 * Math.PI);
const ENDS = [0.98, 0.0067]; // a_1 and a_T
/** @type {Ae.Pair} */
const SEEN = [-3.2, 3.2]; // the x that are drawn
const GRID = Array.from({ length: 1801 }, (_, i) => -9 + i / 100);

// ---------------------------------------------------------------- the chain

// The signal left, a_0 = 1 to a_T: log(a / (1 - a)) falls by equal amounts.
/** @type {(steps: number) => number[]} */
export function schedule(steps) {
  const [first, last] = ENDS.map((a) => Math.log(a / (1 - a)));
  const a = Array.from({ length: steps }, (_, i) => {
    const share = steps > 1 ? i / (steps - 1) : 1;
    return 1 / (1 + Math.exp(-(first + share * (last - first))));
  });
  return [1, ...a];
}

// The density of q(x_t), and of each hump its height there, written into `heights`. A drag asks for
// this a hundred thousand times: no list is made.
/** @type {(humps: Humps, x: number, a: number, heights: Float64Array) => number} */
function split({ centres, sd }, x, a, heights) {
  const spread = a * sd * sd + 1 - a;
  const scale = 1 / (Math.sqrt(spread * 2 * Math.PI) * centres.length);
  let sum = 0;
  for (let i = 0; i < centres.length; i++) {
    const away = x - Math.sqrt(a) * centres[i];
    heights[i] = scale * Math.exp((-away * away) / (2 * spread));
    sum += heights[i];
  }
  return sum;
}

/** @type {(humps: Humps, x: number, a: number) => number} */
export function density(humps, x, a) {
  return split(humps, x, a, new Float64Array(humps.centres.length));
}

// The variance of q(x_0 | x_t): what a perfect denoiser does not know.
/** @type {(humps: Humps, a: number, heights: Float64Array, total: number) => number} */
function unknown({ centres, sd }, a, heights, total) {
  const spread = a * sd * sd + 1 - a;
  const within = (sd * sd * (1 - a)) / spread;
  if (total === 0) return within; // far out, where nothing is weighed
  let mean = 0; // of x_0 given x, over the humps
  for (let i = 0; i < centres.length; i++) mean += (heights[i] / total) * centres[i];
  let between = 0;
  for (let i = 0; i < centres.length; i++) between += (heights[i] / total) * (centres[i] - mean) ** 2;
  return within + between * ((1 - a) / spread) ** 2;
}

// {prior, steps (t = 2 to T), reconstruction, sum}: -ELBO averaged over the data, in nats.
/** @type {(humps: Humps, a: number[]) => Terms} */
export function terms(humps, a) {
  const heights = new Float64Array(humps.centres.length);
  const costs = a.slice(1).map((now, i) => {
    const before = a[i];
    const v = 1 - now / before;
    const floor = (v * (1 - before)) / (1 - now); // of q(x_{t-1} | x_t, x_0); 0 for t = 1
    const weight = (before * v * v) / ((1 - now) * (1 - now));
    let sum = 0;
    for (const x of GRID) {
      const total = split(humps, x, now, heights);
      const variance = floor + weight * unknown(humps, now, heights, total);
      const cost = i === 0 ? (Math.log(variance) + LOG_2PI + 1) / 2 : Math.log(variance / floor) / 2;
      sum += total * cost;
    }
    return sum / 100;
  });
  const power = humps.centres.reduce((sum, c) => sum + c * c, 0) / humps.centres.length + humps.sd * humps.sd;
  const left = a[a.length - 1];
  const prior = (left * power - left - Math.log(1 - left)) / 2;
  return { prior, steps: costs.slice(1), reconstruction: costs[0], sum: costs.reduce((p, q) => p + q, prior) };
}

/** @type {(humps: Humps) => number} */
export function entropy(humps) {
  const values = GRID.map((x) => density(humps, x, 1)).filter((q) => q > 0);
  return -values.reduce((sum, q) => sum + q * Math.log(q), 0) / 100;
}

// x_0, ..., x_T from standard normal numbers: eps[0] chooses the hump, eps[1] the place in it.
/** @type {(humps: Humps, a: number[], eps: Ae.Numbers) => number[]} */
export function walk({ centres, sd }, a, eps) {
  const which = Math.min(centres.length - 1, Math.floor(centres.length * below(eps[0])));
  const xs = [centres[which] + sd * eps[1]];
  for (let t = 1; t < a.length; t++) {
    const kept = a[t] / a[t - 1];
    xs.push(Math.sqrt(kept) * xs[t - 1] + Math.sqrt(1 - kept) * eps[t + 1]);
  }
  return xs;
}

/** @type {(eps: number) => number} */
const below = (eps) => 1 / (1 + Math.exp(-1.702 * eps)); // near enough to share out the humps

// ---------------------------------------------------------------- the figure

// Whole steps to mark on an axis from `low` to `high`, not more than six.
/** @type {(low: number, high: number) => number[]} */
function wholeSteps(low, high) {
  const every = [1, 2, 5, 10].find((n) => (high - low) / n < 6) ?? 20;
  return Array.from({ length: high - low + 1 }, (_, i) => low + i).filter((t) => t % every === 0);
}

/** @type {Ae.Figure["render"]} */
function render({ model, el }) {
  /** @type {Ae.Limits} */
  const limits = model.get("limits");
  const [fewest, most] = limits.steps;
  /** @type {(key: "steps" | "t" | "seed") => number} */
  const get = (key) => model.get(key);
  /** @type {() => Humps} */
  const humps = () => model.get("humps")[model.get("data")];
  const names = Object.keys(model.get("humps"));
  /** @type {Map<string, Terms & { entropy: number }>} */
  const cache = new Map(); // terms do not depend on t or on the path

  const map = plane({
    x: [0, 10], y: SEEN, height: 250, canvas: true, xLabel: "step t", yLabel: "x_t",
    label: "The density of x after each step, dark where it is high, and one path. Arrow keys move along the path.",
  });
  const canvas = canvasOf(map);
  canvas.height = 128;
  const line = s("path", { class: "ae-thin ae-reconstruction" });
  const rule = s("path", { class: "ae-rule" });
  map.clip.append(rule, line);

  const slice = plane({
    x: SEEN, y: [0, 1], height: 200, xLabel: "x_t", yLabel: "density", label: "The density after step t, beside the standard normal one.",
  });
  const shade = s("path", { class: "ae-fill ae-data", opacity: 0.22 });
  const curve = s("path", { class: "ae-line ae-data" });
  const prior = s("path", { class: "ae-rule" });
  const spot = s("circle", { r: 6, class: "ae-fill ae-reconstruction" });
  slice.clip.append(shade, prior, curve, spot);

  const chart = plane({
    x: [0.5, 11.5], y: [-1, 1], height: 250, xLabel: "step t", yLabel: "cost (nats)",
    label: "A bar for each term: what the reconstruction, every step back and the prior cost.",
  });
  const bars = {
    reconstruction: s("path", { class: "ae-fill ae-reconstruction" }),
    steps: s("path", { class: "ae-fill ae-latent", opacity: 0.55 }),
    now: s("path", { class: "ae-fill ae-latent" }),
    prior: s("path", { class: "ae-fill ae-good" }),
  };
  const zero = s("path", { class: "ae-rule" });
  chart.clip.append(...Object.values(bars), zero);

  const numbers = readout([
    { key: "signal", label: "signal left, a_t" },
    { key: "x", label: "path, x_t", colour: "reconstruction" },
    { key: "cost", label: "cost of step t", colour: "latent" },
    { key: "reconstruction", label: "reconstruction (t = 1)", colour: "reconstruction" },
    { key: "links", label: "all KLs, t = 2 to T", colour: "latent" },
    { key: "prior", label: "prior (t = T)", colour: "good" },
    { key: "sum", label: "sum = −ELBO" },
    { key: "entropy", label: "entropy of the data" },
    { key: "gap", label: "sum − entropy" },
  ]);

  const kinds = choice({
    legend: "Data",
    items: names.map(option),
    onchange: (i) => update(model, { data: names[i] }),
  });
  /** @type {(t: number) => void} */
  const moveTo = (t) => update(model, { t: clamp(Math.round(t), 0, get("steps")) });
  const time = slider({ key: "t", label: "step t", min: limits.t[0], max: most, step: 1, text: String, oninput: moveTo });
  const length = slider({
    key: "steps", label: "number of steps T", min: fewest, max: most, step: 1, text: String,
    oninput: (value) => {
      const steps = Math.round(value);
      const t = Math.round((get("t") * steps) / get("steps")); // stays at the same share of the way
      update(model, { t: Math.min(t, get("t")) });
      update(model, { steps });
      update(model, { t });
    },
  });

  /** @type {number[]} */
  let xs = [];
  const walker = handle(map, {
    label: "path", kind: "reconstruction", range: limits.t, get: () => [get("t"), xs[get("t")]], now: () => get("t"),
    set: ([t]) => moveTo(t), nudge: (dx, dy) => moveTo(get("t") + dx + dy), text: () => `step ${get("t")}, x ${number(xs[get("t")])}`,
  });

  /** @type {() => Terms & { entropy: number }} */
  function measured() {
    const key = `${model.get("data")} ${get("steps")}`;
    const found = cache.get(key) ?? { ...terms(humps(), schedule(get("steps"))), entropy: entropy(humps()) };
    cache.set(key, found);
    return found;
  }

  /** @type {(a: number[]) => void} */
  function drawMap(a) {
    const [paper, ink] = ["paper", "data"].map((role) => colour(canvas, role));
    canvas.width = a.length;
    const rows = canvas.height;
    const context = pen(canvas);
    const pixels = context.createImageData(a.length, rows);
    const top = Math.max(...GRID.map((x) => density(humps(), x, 1)));
    a.forEach((now, t) => {
      for (let i = 0; i < rows; i++) {
        const x = SEEN[1] - ((i + 0.5) / rows) * (SEEN[1] - SEEN[0]);
        const share = Math.min(1, 0.85 * Math.sqrt(density(humps(), x, now) / top));
        pixels.data.set([...mix(paper, ink, share), 255], 4 * (i * a.length + t));
      }
    });
    context.putImageData(pixels, 0, 0);
    map.frame({ x: [-0.5, a.length - 0.5], xTicks: wholeSteps(0, a.length - 1) }); // a column a step
    set(line, { d: path(map, xs.map((_, t) => t), xs) });
  }

  /** @type {(cost: Terms, t: number) => void} */
  function drawBars(cost, t) {
    const all = [cost.reconstruction, ...cost.steps, cost.prior];
    const low = Math.min(...all);
    chart.frame({ x: [0.5, all.length + 0.5], xTicks: wholeSteps(1, all.length - 1), y: [low < 0 ? -roundUp(-1.02 * low) : 0, roundUp(1.05 * Math.max(...all, 0.1))] });
    /** @type {(i: number) => string} */
    const bar = (i) => `${path(chart, [i + 0.6, i + 0.6, i + 1.4, i + 1.4], [0, all[i], all[i], 0])}Z`;
    set(bars.reconstruction, { d: bar(0), opacity: t === 1 ? 1 : 0.55 });
    set(bars.prior, { d: bar(all.length - 1) });
    set(bars.steps, { d: cost.steps.map((_, i) => bar(i + 1)).join("") });
    set(bars.now, { d: t > 1 ? bar(t - 1) : "" });
    set(zero, { d: path(chart, chart.x, [0, 0]) });
  }

  /** @type {(a: number[], t: number) => void} */
  function drawSlice(a, t) {
    const wide = GRID.filter((x, i) => i % 4 === 0 && x >= SEEN[0] && x <= SEEN[1]);
    const q = wide.map((x) => density(humps(), x, a[t]));
    slice.frame({ y: [0, roundUp(1.05 * Math.max(...q, 0.4))] });
    const outline = path(slice, wide, q);
    set(curve, { d: outline });
    set(shade, { d: `${outline}L${slice.px(SEEN[1])} ${slice.py(0)}L${slice.px(SEEN[0])} ${slice.py(0)}Z` });
    set(prior, { d: path(slice, wide, wide.map((x) => Math.exp(-(x * x + LOG_2PI) / 2))) });
    set(spot, { cx: slice.px(clamp(xs[t], ...SEEN)), cy: slice.py(0) - 6 });
  }

  function draw() {
    const a = schedule(get("steps"));
    const t = Math.min(get("t"), get("steps"));
    const cost = measured();
    xs = walk(humps(), a, normals(get("seed"), most + 2));
    drawMap(a);
    drawSlice(a, t);
    drawBars(cost, t);
    set(rule, { d: path(map, [t, t], SEEN) });
    walker.place();
    kinds.set(names.indexOf(model.get("data")));
    time.input.max = String(get("steps"));
    time.set(t);
    length.set(get("steps"));

    const links = cost.steps.reduce((sum, v) => sum + v, 0);
    const here = t === 0 ? Number.NaN : t === 1 ? cost.reconstruction : cost.steps[t - 2];
    const shown = { cost: here, reconstruction: cost.reconstruction, links, prior: cost.prior, sum: cost.sum, entropy: cost.entropy, gap: cost.sum - cost.entropy };
    for (const [key, value] of Object.entries(shown)) numbers.set(key, value, `${number(value, 4)} nats`);
    numbers.set("signal", a[t], number(a[t], 4));
    numbers.set("x", xs[t], number(xs[t], 3));
    numbers.say(`Step ${t} of ${get("steps")}: signal left ${number(a[t])}, minus ELBO ${number(cost.sum, 3)}, entropy ${number(cost.entropy, 3)} nats.`);
  }

  /** @type {(kind: string, name: string) => Ae.Child[]} */
  const label = (kind, name) => [h("span", { class: `ae-swatch ae-${kind}` }), `${name}\u2003`];
  frame(
    el, model,
    kinds.node,
    columns(
      column(map.node, time.node, slice.node, h("p", { class: "ae-note" }, ...label("data", "density of x_t"), "dashed: standard normal")),
      column(
        chart.node,
        h("p", { class: "ae-note" }, ...label("reconstruction", "reconstruction"), ...label("latent", "a KL a step"), ...label("good", "prior, at the far right")),
        length.node, numbers.node, row(button("New path", () => update(model, { seed: get("seed") + 1 }))),
      ),
    ),
    caption("Drag the dot along the path, or the sliders. Keys: Tab to reach them, arrows to move, Shift for ten steps."),
  );
  draw();
  return together(watch(model, ["data", "steps", "t", "seed"], draw), whenShown(el, draw));
}

export default { render };
