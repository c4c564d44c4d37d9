// A latent line: one number, decoded live under the cursor, among the codes of the test digits, in equal
// steps of z or of probability.
import {
  bars, caption, column, columns, digitColour, digitKeys, frame, h, handle, holds, image, number, path, pen, plane,
  readout, roundUp, s, set, slider, tick, together, update, watch, whenShown,
} from "./kit/kit.js";
import { clamp } from "./kit/maths.js";
import { compute } from "./kit/network.js";
import { cdf, density, quantile } from "./kit/normal_distribution.js";
import { tensors } from "./kit/weights.js";

const CLASSES = 10;
const STEPS = 200; // key presses across the line
const BINS = 40;

// The share of each class among the `count` codes nearest to z, and how far the last of them is.
/** @type {(z: number, codes: Float64Array, labels: number[], count: number) => { shares: Float64Array, reach: number }} */
export function neighbours(z, codes, labels, count) {
  const order = Array.from(codes, (_, i) => i);
  const away = Float64Array.from(codes, (mu) => Math.abs(mu - z));
  order.sort((a, b) => away[a] - away[b] || a - b);
  const near = order.slice(0, count);
  const shares = new Float64Array(CLASSES);
  for (const i of near) shares[labels[i]] += 1 / near.length;
  return { shares, reach: away[near[near.length - 1]] };
}

// Where n pictures stand, each in the middle of its part: of n equal parts from low to high, or, `even`, of
// n parts with equal shares of the prior.
/** @type {(n: number, low: number, high: number, even: boolean) => number[]} */
export function places(n, low, high, even) {
  return Array.from({ length: n }, (_, i) => {
    const middle = (i + 0.5) / n;
    return even ? quantile(middle) : low + (high - low) * middle;
  });
}

// Share of the codes in each bin of [from, to], class by class, over the width of the bin: a density.
// (classes, bins); codes outside are counted in no bin.
/** @type {(values: number[], labels: number[], range: Ae.Pair, bins?: number) => Float64Array[]} */
export function histogram(values, labels, [from, to], bins = BINS) {
  const width = (to - from) / bins;
  const heights = Array.from({ length: CLASSES }, () => new Float64Array(bins));
  values.forEach((v, i) => {
    const bin = Math.floor((v - from) / width);
    if (bin >= 0 && bin < bins) heights[labels[i]][bin] += 1 / (values.length * width);
  });
  return heights;
}

// Give a plane other ranges, and its horizontal axis another name.
/** @type {(on: Ae.Plane, ranges: Ae.Ranges, xLabel: string) => void} */
function reframe(on, ranges, xLabel) {
  on.frame(ranges);
  const title = on.svg.querySelector(".ae-axes .ae-title");
  if (title) title.textContent = xLabel;
}

// Paint a plane's canvas: `each(context, x, y, shade)` is given functions from data to its own pixels, and the
// colours of the digits.
/** @typedef {(context: CanvasRenderingContext2D, x: (v: number) => number, y: (v: number) => number, shade: (digit: number) => string) => void} Painter */
/** @type {(on: Ae.Plane, each: Painter) => void} */
function paintOn({ canvas, box, px, py }, each) {
  if (canvas === undefined) throw new Error("the plane has no canvas: make it with `canvas: true`");
  const scale = 3; // canvas pixels to a drawing unit, for sharp screens
  canvas.width = scale * (box.right - box.left);
  canvas.height = scale * (box.bottom - box.top);
  const context = pen(canvas);
  context.scale(scale, scale);
  const style = getComputedStyle(canvas);
  /** @type {(digit: number) => string} */
  const shade = (digit) => style.getPropertyValue(`--ae-digit-${digit}`);
  each(context, (v) => px(v) - box.left, (v) => py(v) - box.top, shade);
}

/** @type {Ae.Figure["render"]} */
function render({ model, el }) {
  const weights = tensors(model);
  const codes = Float64Array.from(weights.codes.data);
  /** @type {number[]} */
  const labels = model.get("labels");
  /** @type {Ae.Limits} */
  const limits = model.get("limits");
  const [low, high] = limits.z;
  /** @type {number} */
  const count = model.get("nearest");
  /** @type {number} */
  const side = model.get("side");
  /** @type {() => boolean} */
  const even = () => model.get("even");
  // The horizontal axis: z itself, or the share of the prior below it.
  /** @type {(z: number) => number} */
  const across = (z) => (even() ? cdf(z) : z);
  /** @type {(v: number) => number} */
  const back = (v) => (even() ? quantile(clamp(v, cdf(low), cdf(high))) : v);
  /** @type {() => Ae.Pair} */
  const ends = () => (even() ? [0, 1] : limits.z);
  /** @type {(z: number) => number} */
  const height = (z) => (even() ? 1 : density(z)); // of the prior, over this axis
  /** @type {() => number} */
  const here = () => model.get("z");
  /** @type {(at: number) => Float64Array} */
  const decode = (at) => compute(model.get("steps"), [at], weights, "decoder");
  /** @type {(z: number) => void} */
  const go = (z) => update(model, { z: clamp(z, low, high) });
  /** @type {(dx: number) => void} */
  const step = (dx) => go(even() ? back(across(here()) + dx / STEPS) : here() + ((high - low) * dx) / STEPS);
  const say = () => `z ${number(here(), 2)}, ${number(100 * cdf(here()), 1)} % of the prior below`;

  const on = plane({
    x: ends(), y: [0, 1], xLabel: "latent number z", yLabel: "density", height: 230, canvas: true,
    label: "Density of the codes of the test digits, stacked by digit, and of the prior. Arrow keys move the cursor.",
  });
  const curve = s("path", { class: "ae-line ae-ink" });
  const rule = s("line", { class: "ae-rule" });
  on.clip.append(rule, curve);
  const cursor = handle(on, {
    label: "cursor on the line", kind: "latent", radius: 8, range: limits.z, now: here, text: say,
    get: () => [across(here()), height(here())], set: ([v]) => go(back(v)), nudge: (dx, dy) => step(dx + dy),
  });
  const lanes = plane({
    x: ends(), y: [-0.5, CLASSES - 0.5], xLabel: "latent number z", yLabel: "digit", height: 235, canvas: true,
    yTicks: Array.from({ length: CLASSES }, (_, c) => c),
    label: "The code of each test digit, a lane for each kind of digit",
  });
  const mark = s("line", { class: "ae-rule" });
  lanes.clip.append(mark);
  for (const part of [on, lanes]) {
    part.svg.addEventListener("click", (event) => {
      const [v, y] = part.at(event);
      const inside = v >= part.x[0] && v <= part.x[1] && y >= part.y[0] && y <= part.y[1];
      if (inside && !holds(cursor.node, event)) go(back(v));
    });
  }

  const shown = model.get("strip");
  const strip = Array.from({ length: shown }, (_, i) => image({ width: side, height: side, label: `picture ${i + 1}` }));
  for (const { canvas } of strip) canvas.style.border = "0";
  const film = h("div", {
    // As wide as the plane's axes, so that a picture stands below its z.
    style: `display:grid;grid-template-columns:repeat(${shown},minmax(0,1fr));line-height:0;width:100%;` +
      `max-width:26rem;margin:0 auto;padding:0 ${(1000 / on.width).toFixed(2)}% 0 ${((100 * on.box.left) / on.width).toFixed(2)}%`,
  }, ...strip.map(({ node }) => node));

  const controls = {
    z: slider({
      key: "z", label: "latent number z", min: low, max: high, step: (high - low) / STEPS, grain: "any",
      text: (v) => number(v, 2), oninput: go,
    }),
    share: slider({
      key: "share", label: "share of N(0, 1) below z", min: cdf(low), max: cdf(high), step: 1 / STEPS, grain: "any",
      text: (v) => `${number(100 * v, 1)} %`, oninput: (u) => go(quantile(clamp(u, cdf(low), cdf(high)))),
    }),
  };
  const view = tick("equal steps of probability, not of z", (checked) => update(model, { even: checked }));
  const decoded = image({ width: side, height: side, title: "decoded", label: "decoded" });
  const chart = bars(Array.from({ length: CLASSES }, (_, c) => ({ key: `p${c}`, label: `${c}`, colour: digitColour(c) })));
  const numbers = readout([
    { key: "density", label: "density of N(0, 1) at z", colour: "ink" },
    { key: "likeliest", label: `most of the ${count} nearest`, colour: "data" },
    { key: "reach", label: "the farthest of them", colour: "latent" },
  ]);

  /** @type {Map<boolean, { z: number, x: Float64Array }[]>} */
  const films = new Map(); // decoded once for each kind of step
  function unroll() {
    const images = films.get(even()) ?? places(shown, low, high, even()).map((z) => ({ z, x: decode(z) }));
    films.set(even(), images);
    for (const [i, { z, x }] of images.entries()) {
      strip[i].draw(x);
      strip[i].describe(`decoded at z ${number(z, 2)}`);
    }
  }

  function look() {
    const values = Array.from(codes, across);
    const heights = histogram(values, labels, ends());
    const total = Array.from({ length: BINS }, (_, bin) => heights.reduce((sum, row) => sum + row[bin], 0));
    const xLabel = even() ? "share u of N(0, 1) below z" : "latent number z";
    const top = roundUp(1.05 * Math.max(...total, height(0)));
    reframe(on, { x: ends(), y: [0, top] }, xLabel);
    reframe(lanes, { x: ends() }, xLabel);
    const xs = Array.from({ length: 201 }, (_, i) => ends()[0] + ((ends()[1] - ends()[0]) * i) / 200);
    set(curve, { d: path(on, xs, xs.map((v) => (even() ? 1 : density(v)))) });
    paintOn(on, (context, x, y, shade) => {
      const width = (ends()[1] - ends()[0]) / BINS;
      for (let bin = 0; bin < BINS; bin++) {
        let below = 0;
        for (let c = 0; c < CLASSES; c++) {
          const left = ends()[0] + bin * width;
          context.fillStyle = shade(c);
          context.fillRect(x(left), y(below + heights[c][bin]), x(left + width) - x(left) - 0.4, y(below) - y(below + heights[c][bin]));
          below += heights[c][bin];
        }
      }
    });
    paintOn(lanes, (context, x, y, shade) => {
      context.globalAlpha = 0.35; // where ticks crowd, they darken
      values.forEach((v, i) => {
        context.fillStyle = shade(labels[i]);
        context.fillRect(x(v) - 0.4, y(labels[i] + 0.4), 0.8, y(labels[i] - 0.4) - y(labels[i] + 0.4));
      });
    });
    unroll();
    draw();
  }

  function draw() {
    const z = here();
    const v = across(z);
    const x = decode(z);
    const { shares, reach } = neighbours(z, codes, labels, count);
    const likeliest = shares.indexOf(Math.max(...shares));
    const share = `${number(100 * shares[likeliest], 0)} %`;
    cursor.place();
    set(rule, { x1: on.px(v), x2: on.px(v), y1: on.box.top, y2: on.box.bottom });
    set(mark, { x1: lanes.px(v), x2: lanes.px(v), y1: lanes.box.top, y2: lanes.box.bottom });
    view.input.checked = even();
    controls.z.set(z);
    controls.share.set(cdf(z));
    decoded.draw(x);
    decoded.describe(`decoded at z ${number(z, 2)}; the codes nearby are mostly of the digit ${likeliest}`);
    for (const [c, p] of shares.entries()) chart.set(`p${c}`, p, `${number(100 * p, 0)} %`);
    numbers.set("density", density(z), number(density(z), 3));
    numbers.set("likeliest", likeliest, `${likeliest} (${share})`);
    numbers.set("reach", reach, `${number(reach, 3)} away`);
    numbers.say(`${say()}: of the ${count} nearest test digits ${share} are a ${likeliest}.`);
  }

  frame(
    el, model,
    columns(
      column(on.node, film, controls.z.node, controls.share.node, view.node),
      column(h("div", { class: "ae-pictures" }, decoded.node), numbers.node),
    ),
    columns(
      column(lanes.node),
      column(h("div", {}, caption(`What the ${count} nearest test digits are`), chart.node)),
    ),
    caption(
      "Bars and ticks: codes μ of test digits ",
      ...digitKeys(),
      ". Line: the prior N(0, 1). Drag the dot, click anywhere, or use the arrow keys (Shift for bigger steps).",
    ),
  );
  look();
  return together(watch(model, ["z"], draw), watch(model, ["even"], look), whenShown(el, look));
}

export default { render };
