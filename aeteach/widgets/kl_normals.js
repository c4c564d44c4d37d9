// Two normal densities to drag, and the divergence between them as an area: of one sign here, of
// the other there, and in the end what the closed form says.
import {
  button, caption, choice, column, columns, frame, handle, number, option, path, plane, readout, roundUp, row, s, set,
  update, watch,
} from "./kit/kit.js";
import { clamp } from "./kit/maths.js";

/** @typedef {{ mu: number, sigma: number }} Normal */
/** @typedef {"p" | "q"} Which */

/** @type {Which[]} */
const WHICH = ["p", "q"];
/** @type {Ae.Pair} */
const VIEW = [-7, 7]; // of the axis; the integral reaches farther
/** @type {Record<string, number>} */
const UNITS = { nats: 1, bits: Math.LN2 }; // nats in one of them
const POINTS = 561; // of a curve on the screen

/** @type {(x: number, normal: Normal) => number} */
export function logDensity(x, { mu, sigma }) {
  const t = (x - mu) / sigma;
  return -0.5 * t * t - Math.log(sigma) - 0.5 * Math.log(2 * Math.PI);
}

// a(x) log(a(x) / b(x)), in nats; the logarithms are subtracted, so nothing underflows
/** @type {(x: number, a: Normal, b: Normal) => number} */
export function integrand(x, a, b) {
  const log = logDensity(x, a);
  return Math.exp(log) * (log - logDensity(x, b));
}

// KL(a || b) in nats
/** @type {(a: Normal, b: Normal) => number} */
export function closedForm(a, b) {
  return Math.log(b.sigma / a.sigma) + (a.sigma ** 2 + (a.mu - b.mu) ** 2) / (2 * b.sigma ** 2) - 0.5;
}

// The area under the integrand, its two signs apart, by the trapezium rule over 12 sigma on either
// side of a's mean. For a smooth function that vanishes at both ends that rule is exact to rounding.
/** @type {(a: Normal, b: Normal, steps?: number) => { positive: number, negative: number, total: number }} */
export function area(a, b, steps = 4800) {
  const width = (24 * a.sigma) / steps;
  let positive = 0;
  let negative = 0;
  for (let i = 0; i <= steps; i++) {
    const f = integrand(a.mu - 12 * a.sigma + i * width, a, b) * (i === 0 || i === steps ? 0.5 : 1);
    if (f > 0) positive += f;
    else negative += f;
  }
  return { positive: positive * width, negative: negative * width, total: (positive + negative) * width };
}

/** @type {Ae.Figure["render"]} */
function render({ model, el }) {
  /** @type {Ae.Limits} */
  const limits = model.get("limits");
  const grid = Array.from({ length: POINTS }, (_, i) => VIEW[0] + ((VIEW[1] - VIEW[0]) * i) / (POINTS - 1));
  /** @type {(which: Which) => Normal} */
  const of = (which) => ({ mu: model.get(`mu_${which}`), sigma: model.get(`sigma_${which}`) });
  /** @type {(which: Which, x: number) => number} */
  const density = (which, x) => Math.exp(logDensity(x, of(which)));

  const top = plane({
    x: VIEW, y: [0, 1], height: 250, xLabel: "x", yLabel: "density",
    label: "The densities of q and p. Each has a handle at its mean and one a standard deviation to the right.",
  });
  const curves = { p: s("path", { class: "ae-line ae-data" }), q: s("path", { class: "ae-line ae-reconstruction" }) };
  const names = { p: s("text", { class: "ae-tag" }, "p"), q: s("text", { class: "ae-tag" }, "q") };
  top.clip.append(curves.p, curves.q);
  top.over.append(names.p, names.q);

  const bottom = plane({
    x: VIEW, y: [-1, 1], height: 250, xLabel: "x", yLabel: "integrand",
    label: "The integrand, shaded above and below zero",
  });
  const parts = {
    positive: s("path", { class: "ae-fill ae-latent", "fill-opacity": 0.45 }),
    negative: s("path", { class: "ae-fill ae-good", "fill-opacity": 0.45 }),
  };
  const outline = s("path", { class: "ae-thin ae-ink" });
  const zero = s("path", { class: "ae-rule" });
  bottom.clip.append(parts.positive, parts.negative, zero, outline);

  const numbers = readout([
    { key: "mu_q", label: "mean μ of q", colour: "reconstruction" },
    { key: "sigma_q", label: "standard deviation σ of q", colour: "reconstruction" },
    { key: "mu_p", label: "mean μ of p", colour: "data" },
    { key: "sigma_p", label: "standard deviation σ of p", colour: "data" },
    { key: "positive", label: "area above zero", colour: "latent" },
    { key: "negative", label: "area below zero", colour: "good" },
    { key: "area", label: "both, summed numerically" },
    { key: "closed", label: "closed form" },
    { key: "gap", label: "they differ by" },
    { key: "other", label: "closed form, other direction" },
  ]);
  const unit = choice({
    legend: "Unit", items: Object.keys(UNITS).map(option),
    onchange: (i) => update(model, { unit: Object.keys(UNITS)[i] }),
  });
  const directions = ["qp", "pq"];
  const direction = choice({
    legend: "Direction", items: ["KL(q‖p)", "KL(p‖q)"].map(option),
    onchange: (i) => update(model, { direction: directions[i] }),
  });

  /** @type {(name: string, value: number) => void} */
  const move = (name, value) => {
    update(model, { [name]: clamp(Math.round(value * 100) / 100, ...limits[name]) });
  };
  const handles = WHICH.flatMap((which) => {
    const kind = { p: "data", q: "reconstruction" }[which];
    const [mu, sigma] = [`mu_${which}`, `sigma_${which}`];
    /** @type {(label: string, name: string, options: Pick<Ae.HandleOptions, "radius" | "get" | "set">) => Ae.Handle} */
    const dot = (label, name, options) => handle(top, {
      label: `${label} of ${which}`, kind, range: limits[name], now: () => model.get(name),
      text: () => number(model.get(name)), nudge: (dx, dy) => move(name, model.get(name) + 0.05 * (dx + dy)), ...options,
    });
    return [
      dot("mean", mu, {
        radius: 8, get: () => [model.get(mu), density(which, model.get(mu))], set: ([x]) => move(mu, x),
      }),
      dot("standard deviation", sigma, {
        radius: 5,
        get: () => [model.get(mu) + model.get(sigma), density(which, model.get(mu) + model.get(sigma))],
        set: ([x]) => move(sigma, x - model.get(mu)),
      }),
    ];
  });

  function drawDensities() {
    const peak = Math.max(...WHICH.map((which) => density(which, model.get(`mu_${which}`))));
    top.frame({ y: [0, roundUp(1.2 * peak)] });
    for (const which of WHICH) {
      set(curves[which], { d: path(top, grid, grid.map((x) => density(which, x))) });
      const { mu } = of(which);
      set(names[which], { x: top.px(mu) + (which === "q" ? -17 : 11), y: top.py(density(which, mu)) - 7 });
    }
    for (const { place } of handles) place();
  }

  /** @type {(a: Normal, b: Normal, forward: boolean, u: string) => void} */
  function drawIntegrand(a, b, forward, u) {
    const values = grid.map((x) => integrand(x, a, b) / UNITS[u]);
    const high = roundUp(1.08 * Math.max(0.05, ...values));
    const low = roundUp(1.08 * Math.max(0.1 * high, -Math.min(...values)));
    bottom.frame({ y: [-low, high] });
    bottom.svg.querySelectorAll(".ae-axes .ae-title")[1].textContent = `${forward ? "q log(q/p)" : "p log(p/q)"} (${u})`;
    /** @type {(keep: (v: number) => number) => string} */
    const fill = (keep) => `${path(bottom, [VIEW[0], ...grid, VIEW[1]], [0, ...values.map(keep), 0])}Z`;
    set(parts.positive, { d: fill((v) => Math.max(v, 0)) });
    set(parts.negative, { d: fill((v) => Math.min(v, 0)) });
    set(outline, { d: path(bottom, grid, values) });
    set(zero, { d: path(bottom, VIEW, [0, 0]) });
  }

  function draw() {
    /** @type {string} */
    const u = model.get("unit");
    const forward = model.get("direction") === "qp";
    const [a, b] = forward ? [of("q"), of("p")] : [of("p"), of("q")];
    drawDensities();
    drawIntegrand(a, b, forward, u);
    unit.set(Object.keys(UNITS).indexOf(u));
    direction.set(directions.indexOf(model.get("direction")));
    for (const name of ["mu_q", "sigma_q", "mu_p", "sigma_p"]) numbers.set(name, model.get(name), number(model.get(name)));
    const { positive, negative, total } = area(a, b);
    const closed = closedForm(a, b);
    /** @type {(key: string, nats: number) => void} */
    const show = (key, nats) => numbers.set(key, nats / UNITS[u], `${number(nats / UNITS[u], 4)} ${u}`);
    show("positive", positive);
    show("negative", negative);
    show("area", total);
    show("closed", closed);
    show("other", closedForm(b, a));
    const gap = Math.abs(total - closed) / UNITS[u];
    numbers.set("gap", gap, gap < 1e-10 ? "less than 10⁻¹⁰" : gap.toExponential(1));
    numbers.say(
      `K L of ${forward ? "q from p" : "p from q"}: area ${number(total / UNITS[u], 4)}, closed form ` +
      `${number(closed / UNITS[u], 4)} ${u}.`,
    );
  }

  frame(
    el, model,
    columns(
      column(top.node, bottom.node),
      column(
        direction.node, unit.node, numbers.node,
        row(
          button("Make q equal to p", () => update(model, { mu_q: model.get("mu_p"), sigma_q: model.get("sigma_p") })),
          button("Let p be N(0, 1)", () => update(model, { mu_p: 0, sigma_p: 1 })),
          button("Start again", () => update(model, { ...model.get("start") })),
        ),
      ),
    ),
    caption(
      "Drag the large dot to move a density and the small one to widen it. Keys: Tab to a dot, arrows to move it, " +
      "Shift for bigger steps. The area is summed over 12 standard deviations on either side, farther than you see.",
    ),
  );
  const stop = watch(model, ["mu_q", "sigma_q", "mu_p", "sigma_p", "unit", "direction"], draw);
  draw();
  return stop;
}

export default { render };
