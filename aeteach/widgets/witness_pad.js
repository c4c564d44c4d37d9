// Two clouds of points on a line, and the function of one smoothness whose means over the two differ
// most: the witness. What it says of the clouds is their MMD, at every bandwidth.
import {
  button, caption, choice, column, columns, frame, h, handle, number, path, plane, readout, roundUp, row, s, set, slider,
  update, watch,
} from "./kit/kit.js";
import { clamp } from "./kit/maths.js";
import { normals } from "./kit/random_normals.js";

/** @typedef {{ kernel: string, bandwidth: number }} Kernel */
/** @typedef {{ mu: number, sigma: number }} Normal */
/** @typedef {"x" | "y"} Which */

/** @type {Ae.Pair} */
const VIEW = [-5, 5];
/** @type {Which[]} */
const CLOUDS = ["x", "y"];
const KERNELS = ["rbf", "imq"];
const SIZES = [6, 12, 24, 100]; // points that can be drawn
const BY_HAND = 24; // points of a cloud, at most, that can be taken one by one
const POINTS = 301; // of a curve on the screen
const ROWS = { x: { points: 2.6, moments: 3.5 }, y: { points: 1.4, moments: 0.5 } }; // of the strip
const COLOURS = { x: "data", y: "reconstruction" };

// k(r) = exp(-r^2 / (2 h^2)), or 1 / (1 + r^2 / (2 h^2))
/** @type {(r: number, k: Kernel) => number} */
export function kernelAt(r, { kernel, bandwidth }) {
  const u = (r * r) / (2 * bandwidth * bandwidth);
  return kernel === "rbf" ? Math.exp(-u) : 1 / (1 + u);
}

/** @type {(x: number[], y: number[], k: Kernel) => number} */
function total(x, y, k) {
  let sum = 0;
  for (const a of x) for (const b of y) sum += kernelAt(a - b, k);
  return sum;
}

// Both estimates of MMD^2: with the pairs of a point and itself, and without them.
/** @type {(x: number[], y: number[], k: Kernel) => { biased: number, unbiased: number }} */
export function estimates(x, y, k) {
  const [n, m] = [x.length, y.length];
  const [xx, yy, xy] = [total(x, x, k), total(y, y, k), total(x, y, k) / (n * m)];
  return {
    biased: xx / n ** 2 + yy / m ** 2 - 2 * xy,
    unbiased: (xx - n) / (n * (n - 1)) + (yy - m) / (m * (m - 1)) - 2 * xy,
  };
}

// w(t) = mean of k(x, t) - mean of k(y, t)
/** @type {(t: number, x: number[], y: number[], k: Kernel) => number} */
export function witnessAt(t, x, y, k) {
  return total([t], x, k) / x.length - total([t], y, k) / y.length;
}

// MMD^2 of two normal distributions, rbf kernel, from the closed form
/** @type {(p: Normal, q: Normal, k: Pick<Kernel, "bandwidth">) => number} */
export function closedForm(p, q, { bandwidth }) {
  /** @type {(a: Normal, b: Normal) => number} */
  const mean = (a, b) => {
    const width = bandwidth ** 2 + a.sigma ** 2 + b.sigma ** 2;
    return (bandwidth / Math.sqrt(width)) * Math.exp(-((a.mu - b.mu) ** 2) / (2 * width));
  };
  return Math.max(0, mean(p, p) + mean(q, q) - 2 * mean(p, q));
}

// The median distance of two of all points; of an even number of distances the lower middle one.
/** @type {(x: number[], y: number[]) => number} */
export function medianDistance(x, y) {
  const all = [...x, ...y];
  const distances = all.flatMap((a, i) => all.slice(i + 1).map((b) => Math.abs(a - b))).sort((a, b) => a - b);
  return distances[(distances.length - 1) >> 1];
}

// Mean and standard deviation (1/n) of points.
/** @type {(points: number[]) => Normal} */
export function momentsOf(points) {
  const mu = points.reduce((a, b) => a + b, 0) / points.length;
  const sigma = Math.sqrt(points.reduce((a, b) => a + (b - mu) ** 2, 0) / points.length);
  return { mu, sigma };
}

/** @type {(text: string) => Ae.ChoiceItem} */
const chip = (text) => ({ label: text, node: h("span", { class: "ae-chip", "aria-hidden": "true" }, text) });
/** @type {(v: number) => number} */
const hundredth = (v) => Math.round(v * 100) / 100;

/** @type {Ae.Figure["render"]} */
function render({ model, el }) {
  /** @type {Ae.Limits} */
  const limits = model.get("limits");
  const grid = Array.from({ length: POINTS }, (_, i) => VIEW[0] + ((VIEW[1] - VIEW[0]) * i) / (POINTS - 1));
  /** @type {() => Kernel} */
  const kernel = () => ({ kernel: model.get("kernel"), bandwidth: model.get("bandwidth") });
  /** @type {(which: Which) => Normal} */
  const normal = (which) => ({ mu: model.get(`mu_${which}`), sigma: model.get(`sigma_${which}`) });

  const top = plane({
    x: VIEW, y: [-1, 1], height: 250, xLabel: "place t", yLabel: "witness w(t)",
    label: "The witness function: above zero where x has more mass, below zero where y has",
  });
  const fills = {
    x: s("path", { class: "ae-fill ae-data", "fill-opacity": 0.35 }),
    y: s("path", { class: "ae-fill ae-reconstruction", "fill-opacity": 0.35 }),
  };
  const bumps = {
    x: s("path", { class: "ae-thin ae-data", opacity: 0.35 }),
    y: s("path", { class: "ae-thin ae-reconstruction", opacity: 0.35 }),
  };
  const zero = s("path", { class: "ae-rule", d: "" });
  const curve = s("path", { class: "ae-line ae-ink" });
  top.clip.append(fills.x, fills.y, bumps.x, bumps.y, zero, curve);

  const strip = plane({
    x: VIEW, y: [0, 4], height: 200, xLabel: "points x (above) and y (below)",
    label: "The points of both clouds. Each cloud has a handle for its mean and one for its spread.",
  });
  for (const mark of strip.svg.querySelectorAll(".ae-axes text[text-anchor=end]")) mark.remove(); // rows, no scale
  for (const mark of strip.svg.querySelectorAll(".ae-axes line")) {
    if (mark.getAttribute("x2") === String(strip.box.left)) mark.remove();
  }
  const lines = { x: s("path", { class: "ae-thin ae-data" }), y: s("path", { class: "ae-thin ae-reconstruction" }) };
  const many = { x: s("path", { class: "ae-thin ae-data" }), y: s("path", { class: "ae-thin ae-reconstruction" }) };
  for (const which of CLOUDS) {
    strip.clip.append(lines[which], many[which]);
    const y = strip.py(ROWS[which].points) + 4;
    strip.over.append(s("text", { class: "ae-title", x: strip.box.left - 16, y, "text-anchor": "middle" }, which));
  }

  const numbers = readout([
    { key: "biased", label: "MMD², biased" },
    { key: "unbiased", label: "MMD², unbiased" },
    { key: "exact", label: "closed form, two normals" },
    { key: "witnessed", label: "mean of w over x − over y" },
    { key: "gap", label: "mean of x − mean of y" },
    { key: "median", label: "median distance" },
    { key: "n_x", label: "points x", colour: "data" },
    { key: "n_y", label: "points y", colour: "reconstruction" },
  ]);
  const kind = choice({
    legend: "Kernel", items: ["rbf", "inverse multiquadratic"].map(chip),
    onchange: (i) => update(model, { kernel: KERNELS[i] }),
  });
  const size = choice({
    legend: "Draw from two normals: points a cloud", items: SIZES.map((n) => chip(`${n}`)),
    onchange: (i) => draws(SIZES[i]),
  });
  /** @type {(v: number) => void} */
  const wide = (v) => update(model, { bandwidth: clamp(Number((10 ** v).toPrecision(3)), ...limits.bandwidth) });
  const [low, high] = limits.bandwidth.map(Math.log10);
  const width = slider({
    key: "log_bandwidth", label: "bandwidth h", min: Math.ceil(10 * low) / 10, max: Math.floor(10 * high) / 10, step: 0.05, grain: 0.01,
    text: (v) => number(10 ** v, 2), oninput: wide,
  });

  /** @type {(n: number) => void} */
  function draws(n) {
    const seed = model.get("seed") + 1;
    const eps = normals(seed, 2 * n);
    /** @type {(which: Which, from: number) => number[]} */
    const cloud = (which, from) => {
      const { mu, sigma } = normal(which);
      return Array.from({ length: n }, (_, i) => mu + sigma * eps[from + i]);
    };
    update(model, { seed, drawn: true, x: cloud("x", 0), y: cloud("y", n) });
  }

  // Points placed by hand are drawn from nothing: what is left of their normal is mean and spread.
  /** @type {(which: Which, points: number[]) => void} */
  function place(which, points) {
    /** @type {Record<string, unknown>} */
    const state = { drawn: false, [which]: points };
    for (const name of CLOUDS) {
      const { mu, sigma } = momentsOf(name === which ? points : model.get(name));
      state[`mu_${name}`] = clamp(mu, ...limits[`mu_${name}`]);
      state[`sigma_${name}`] = clamp(sigma, ...limits[`sigma_${name}`]); // as small as can be shown
    }
    update(model, state);
  }
  /** @type {(which: Which, i: number, v: number) => void} */
  const replace = (which, i, v) => {
    /** @type {number[]} */
    const points = model.get(which);
    place(which, points.map((old, j) => (j === i ? hundredth(clamp(v, ...VIEW)) : old)));
  };
  /** @type {(which: Which, v: number) => void} */
  function add(which, v) {
    if (model.get(which).length >= BY_HAND) return;
    place(which, [...model.get(which), hundredth(clamp(v, ...VIEW))]);
  }
  /** @type {(which: Which, i: number) => void} */
  function drop(which, i) {
    /** @type {number[]} */
    const points = model.get(which);
    if (points.length > limits.n[0]) place(which, points.filter((_, j) => j !== i));
  }

  // The whole cloud moves, or widens around its mean.
  /** @type {(which: Which, name: keyof Normal, value: number) => void} */
  function moment(which, name, value) {
    const { mu, sigma } = normal(which);
    const to = { mu, sigma, [name]: hundredth(clamp(value, ...limits[`${name}_${which}`])) };
    /** @type {number[]} */
    const points = model.get(which);
    const moved = points.map((v) => to.mu + ((v - mu) * to.sigma) / sigma);
    update(model, { [which]: moved, [`${name}_${which}`]: to[name] });
  }
  /** @type {(v: number) => number} */
  const shown = (v) => clamp(v, ...VIEW); // a point beyond the axis waits at its end
  /** @type {(which: Which, name: keyof Normal) => Ae.Handle} */
  const momentHandle = (which, name) => {
    const here = () => normal(which)[name];
    return handle(strip, {
      label: `${name === "mu" ? "mean" : "spread"} of ${which}`, kind: COLOURS[which], radius: name === "mu" ? 8 : 5,
      range: limits[`${name}_${which}`], now: here, text: () => number(here()),
      get: () => [shown(normal(which).mu + (name === "mu" ? 0 : normal(which).sigma)), ROWS[which].moments],
      set: ([t]) => moment(which, name, name === "mu" ? t : t - normal(which).mu),
      nudge: (dx, dy) => moment(which, name, here() + 0.05 * (dx + dy)),
    });
  };
  const handles = CLOUDS.flatMap((which) => [momentHandle(which, "mu"), momentHandle(which, "sigma")]);

  /** @type {Record<Which, Ae.Handle[]>} */
  const dots = { x: [], y: [] };
  const current = { x: 0, y: 0 }; // of each cloud, the one point that Tab reaches
  /** @type {{ which: Which, i: number } | null} */
  let last = null; // the point that was touched last
  /** @type {(which: Which, i: number) => void} */
  const choose = (which, i) => {
    const n = dots[which].length;
    current[which] = n ? (i + n) % n : 0;
    for (const [j, { node }] of dots[which].entries()) node.setAttribute("tabindex", j === current[which] ? "0" : "-1");
  };
  /** @type {(which: Which, i: number) => Ae.Handle} */
  const pointHandle = (which, i) => {
    const here = () => model.get(which)[i] ?? 0;
    return handle(strip, {
      label: `point ${i + 1} of ${which}`, kind: COLOURS[which], radius: 4.5, range: VIEW, now: here,
      text: () => number(here()), get: () => [shown(here()), ROWS[which].points], set: ([t]) => replace(which, i, t),
      nudge: (dx, dy) => replace(which, i, here() + 0.1 * (dx + dy)),
      onfocus: () => {
        choose(which, i);
        last = { which, i };
      },
      onkey: (key) => {
        if (key === "PageUp" || key === "PageDown") choose(which, i + (key === "PageDown" ? 1 : -1));
        else if (key === "Insert" || key === "+") add(which, here() + 0.3);
        else if (key === "Delete" || key === "Backspace") drop(which, i);
        else return false;
        dots[which][current[which]]?.node.focus();
        return true;
      },
    });
  };
  // A click or tap beside the points puts a new one there.
  strip.svg.addEventListener("click", (event) => {
    const [t, y] = strip.at(event);
    const which = Math.abs(y - ROWS.x.points) < Math.abs(y - ROWS.y.points) ? "x" : "y";
    const near = Math.abs(y - ROWS[which].points) < 0.5 && Math.abs(t) <= VIEW[1];
    const onHandle = event.target instanceof Element && event.target.closest(".ae-handle");
    if (near && !onHandle) add(which, t);
  });

  /** @type {(which: Which) => void} */
  function drawPoints(which) {
    /** @type {number[]} */
    const points = model.get(which);
    const count = points.length > BY_HAND ? 0 : points.length;
    if (dots[which].length !== count) {
      for (const dot of dots[which]) dot.remove();
      dots[which] = Array.from({ length: count }, (_, i) => pointHandle(which, i));
      if (last?.which === which) last = null;
      choose(which, Math.min(current[which], Math.max(0, count - 1)));
    }
    for (const dot of dots[which]) dot.place();
    const [a, b] = [strip.py(ROWS[which].points + 0.25), strip.py(ROWS[which].points - 0.25)];
    const ticks = count ? [] : points.map((v) => `M${strip.px(v).toFixed(2)} ${a}V${b}`);
    set(many[which], { d: ticks.join("") });
    const { mu, sigma } = normal(which);
    const level = ROWS[which].moments;
    set(lines[which], { d: path(strip, [shown(mu), shown(mu + sigma)], [level, level]) });
  }

  /** @type {(x: number[], y: number[], k: Kernel) => void} */
  function drawWitness(x, y, k) {
    const w = grid.map((t) => witnessAt(t, x, y, k));
    const limit = roundUp(1.15 * Math.max(1e-4, ...w.map(Math.abs)));
    top.frame({ y: [-limit, limit] });
    /** @type {(keep: (v: number) => number) => string} */
    const fill = (keep) => `${path(top, [VIEW[0], ...grid, VIEW[1]], [0, ...w.map(keep), 0])}Z`;
    set(fills.x, { d: fill((v) => Math.max(v, 0)) });
    set(fills.y, { d: fill((v) => Math.min(v, 0)) });
    set(curve, { d: path(top, grid, w) });
    set(zero, { d: path(top, VIEW, [0, 0]) });
    const every = grid.filter((_, i) => i % 3 === 0);
    for (const which of CLOUDS) {
      const points = { x, y }[which];
      const sign = { x: 1, y: -1 }[which];
      /** @type {(p: number) => string} */
      const one = (p) => path(top, every, every.map((t) => (sign * kernelAt(t - p, k)) / points.length));
      set(bumps[which], { d: points.length > BY_HAND ? "" : points.map(one).join("") });
    }
  }

  function draw() {
    /** @type {Record<Which, number[]>} */
    const { x, y } = { x: model.get("x"), y: model.get("y") };
    const k = kernel();
    drawPoints("x");
    drawPoints("y");
    for (const { place: put } of handles) put();
    drawWitness(x, y, k);

    /** @type {(values: number[]) => number} */
    const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
    const { biased, unbiased } = estimates(x, y, k);
    /** @type {(points: number[]) => number} */
    const over = (points) => mean(points.map((t) => witnessAt(t, x, y, k)));
    const exact = model.get("drawn") && k.kernel === "rbf" ? closedForm(normal("x"), normal("y"), k) : NaN;
    numbers.set("biased", biased, number(biased, 4));
    numbers.set("unbiased", unbiased, number(unbiased, 4));
    const none = k.kernel === "rbf" ? "none, moved by hand" : "none for this kernel";
    numbers.set("exact", exact, Number.isNaN(exact) ? none : number(exact, 4));
    numbers.set("witnessed", over(x) - over(y), number(over(x) - over(y), 4));
    numbers.set("gap", mean(x) - mean(y), number(mean(x) - mean(y)));
    numbers.set("median", medianDistance(x, y), number(medianDistance(x, y)));
    numbers.set("n_x", x.length, `${x.length}`);
    numbers.set("n_y", y.length, `${y.length}`);
    width.set(Math.log10(k.bandwidth));
    kind.set(KERNELS.indexOf(k.kernel));
    const drawn = model.get("drawn") ? SIZES.indexOf(x.length) : -1;
    for (const [i, input] of size.inputs.entries()) input.checked = i === drawn;
    numbers.say(`Bandwidth ${number(k.bandwidth)}: M M D squared ${number(unbiased, 4)} unbiased, ${number(biased, 4)} biased.`);
  }

  frame(
    el, model,
    columns(
      column(top.node, strip.node),
      column(
        width.node,
        row(
          button("h = median distance", () => {
            const median = medianDistance(model.get("x"), model.get("y"));
            update(model, { bandwidth: clamp(Number(median.toPrecision(3)), ...limits.bandwidth) });
          }),
        ),
        kind.node, numbers.node, size.node,
        row(
          button("Draw again", () => draws(model.get("x").length)),
          button("Remove point", () => {
            if (last) drop(last.which, last.i);
          }),
          button("Start again", () => update(model, { ...model.get("start") })),
        ),
      ),
    ),
    caption(
      "The thin curves are one kernel a point, upwards for x and downwards for y; the thick curve is their sum. Drag a point, " +
      "a cloud's large dot (mean) or small dot (spread); tap a row to add a point. Keys: Tab to a dot, arrows to move it " +
      "(Shift for bigger steps), Page Up or Down for another point, + to add one, Delete to remove it.",
    ),
  );
  const stop = watch(
    model, ["x", "y", "mu_x", "sigma_x", "mu_y", "sigma_y", "drawn", "kernel", "bandwidth"],
    draw,
  );
  draw();
  return stop;
}

export default { render };
