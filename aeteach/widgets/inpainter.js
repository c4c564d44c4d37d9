// A hole in a digit, to be moved and resized: filled by a VAE once through, and by asking it again
// and again with the known pixels put back. The networks are computed here, layer by layer.
import { whenUnpacked } from "./kit/atlas.js";
import {
  caption, choice, coalesced, column, columns, frame, h, handle, image, number, path, plane, readout, roundUp, s, set, slider,
  together, update, watch, whenShown,
} from "./kit/kit.js";
import { clamp } from "./kit/maths.js";
import { compute, run } from "./kit/network.js";
import { read } from "./kit/reader.js";
import { tensors } from "./kit/weights.js";

/** @typedef {{ encoder: Ae.Step[], decoder: Ae.Step[] }} Network */
/** @typedef {{ top: number, left: number, side: number }} Hole */
/** @typedef {{ key: string, truth: Float64Array, mask: Uint8Array, fills: Float64Array[], errors: number[] }} Trail */

const PATIENCE = 6; // milliseconds of work in a frame: a drag needs the rest of it
const FRAME = 16; // milliseconds
const REST = 100; // milliseconds without a move, after which it goes on

// x_hat = decode(mu(x)): once through.
/** @type {(network: Network, weights: Ae.Tensors, x: Float64Array, size: number) => Float64Array} */
export function rebuild(network, weights, x, size) {
  const mu = run(network.encoder, { shape: [1, size, size], data: x }, weights, "e").data;
  return compute(network.decoder, mu, weights, "d");
}

// 1 where a pixel is missing. What would lie outside the image is cut off.
/** @type {(size: number, top: number, left: number, side: number) => Uint8Array} */
export function maskOf(size, top, left, side) {
  const mask = new Uint8Array(size * size);
  for (let i = top; i < Math.min(top + side, size); i++) mask.fill(1, i * size + left, i * size + Math.min(left + side, size));
  return mask;
}

// The first where the mask is 1, the second elsewhere.
/** @type {(inside: Ae.Numbers, outside: Ae.Numbers, mask: Uint8Array) => Float64Array} */
export function merge(inside, outside, mask) {
  const both = new Float64Array(mask.length);
  for (let j = 0; j < mask.length; j++) both[j] = mask[j] ? inside[j] : outside[j];
  return both;
}

// Squared error over the hole, a sum.
/** @type {(a: Ae.Numbers, b: Ae.Numbers, mask: Uint8Array) => number} */
export function errorInHole(a, b, mask) {
  return mask.reduce((sum, m, j) => sum + (m ? (a[j] - b[j]) ** 2 : 0), 0);
}

// A picture with two things to drag on it: the hole, and its lower right corner.
/** @type {(model: Ae.Model, size: number, go: (hole: Hole) => void) => { node: HTMLElement, resize: (side: number) => void, draw: (x: Ae.Numbers) => void }} */
function stage(model, size, go) {
  const unit = 10; // drawing units a pixel
  const picture = image({ width: size, height: size, label: "the digit with its hole" });
  Object.assign(picture.canvas.style, { inset: 0, width: "100%", height: "100%", maxWidth: "none", border: 0 });
  const over = s("g");
  const outline = s("rect", { class: "ae-thin ae-latent", style: "fill:none;stroke-width:3px", "data-part": "hole" });
  const svg = s(
    "svg", { class: "ae-plane", viewBox: `0 0 ${size * unit} ${size * unit}`, role: "group", "aria-label": "The digit with its hole" },
    outline, over,
  );
  /** @type {Ae.Stage} */
  const on = {
    over, handles: new Map(), px: (v) => v * unit, py: (v) => v * unit,
    at(event) {
      const p = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM()?.inverse());
      return [p.x / unit, p.y / unit];
    },
  };
  /** @type {Ae.Limits} */
  const limits = model.get("limits");
  /** @type {() => number[]} */
  const now = () => ["top", "left", "side"].map((key) => model.get(key));
  const words = () => {
    const [top, left, side] = now();
    return `rows ${top} to ${top + side - 1}, columns ${left} to ${left + side - 1}`;
  };
  /** @type {(top: number, left: number, side?: number) => void} */
  const place = (top, left, side = model.get("side")) => go({
    side, top: clamp(Math.round(top), 0, size - side), left: clamp(Math.round(left), 0, size - side),
  });
  /** @type {(side: number) => void} */
  const resize = (side) => {
    const [top, left] = now();
    place(top, left, clamp(Math.round(side), ...limits.side));
  };
  const grip = handle(on, {
    label: "hole", kind: "latent", radius: 9, range: [0, size * size], text: words,
    get: () => { const [top, left, side] = now(); return [left + side / 2, top + side / 2]; },
    set: ([x, y]) => place(y - model.get("side") / 2, x - model.get("side") / 2),
    nudge: (dx, dy) => place(model.get("top") - dy, model.get("left") + dx),
    now: () => model.get("top") * size + model.get("left"),
  });
  const corner = handle(on, {
    label: "corner of the hole", kind: "data", radius: 7, range: limits.side,
    text: () => `${model.get("side")} pixels wide and high`,
    get: () => { const [top, left, side] = now(); return [left + side, top + side]; },
    set: ([x, y]) => resize(((x - model.get("left")) + (y - model.get("top"))) / 2),
    nudge: (dx, dy) => resize(model.get("side") + dx - dy),
    now: () => model.get("side"),
  });
  return {
    node: h("div", { class: "ae-stack", style: "max-width:17rem" }, picture.canvas, svg),
    resize,
    draw(x) {
      picture.draw(x);
      picture.describe(`the digit with a hole in ${words()}`);
      const [top, left, side] = now();
      set(outline, { x: left * unit, y: top * unit, width: side * unit, height: side * unit });
      grip.place();
      corner.place();
    },
  };
}

/** @type {Ae.Figure["render"]} */
function render({ model, el }) {
  const weights = tensors(model);
  /** @type {Network} */
  const network = model.get("network");
  /** @type {number[]} */
  const labels = model.get("labels");
  /** @type {Ae.Limits} */
  const limits = model.get("limits");
  /** @type {number} */
  const size = model.get("size");
  const box = { width: size, height: size };
  const black = new Float64Array(size * size);
  /** @type {((i: number) => Float64Array) | null} */
  let original = null;
  // What the hole was filled with, step by step, for one digit and hole.
  /** @type {Trail} */
  let trail = { key: "", truth: black, mask: new Uint8Array(), fills: [], errors: [] };
  /** @type {number | null} */
  let timer = null;
  let moving = false;

  const thumbs = labels.map((label, i) => image({ ...box, label: `test digit ${i + 1}, a ${label}` }));
  const chooser = choice({
    legend: "Test digit", onchange: (digit) => update(model, { digit }),
    items: thumbs.map(({ node }, i) => ({ node, label: `test digit ${i + 1}, a ${labels[i]}` })),
  });
  const field = stage(model, size, (values) => update(model, values));
  const side = slider({
    key: "side", label: "side of the hole", min: limits.side[0], max: limits.side[1], step: 1, text: (v) => `${v} px`,
    oninput: field.resize,
  });
  const iterations = slider({
    key: "iterations", label: "iterations", min: limits.iterations[0], max: limits.iterations[1], step: 1,
    text: (v) => `${v}`, oninput: (v) => update(model, { iterations: clamp(Math.round(v), ...limits.iterations) }),
  });
  /** @type {(title: string) => Ae.Picture} */
  const picture = (title) => image({ ...box, title, label: title });
  const pictures = { original: picture("original"), once: picture("once through"), filled: picture("iterated") };
  const chart = plane({
    x: [0, 1], y: [0, 1], width: 340, height: 220, xLabel: "iteration", yLabel: "squared error in the hole",
    label: "The squared error in the hole after each iteration",
  });
  const curve = s("path", { class: "ae-line ae-reconstruction" });
  const dot = s("circle", { class: "ae-fill ae-reconstruction", r: 5 });
  chart.clip.append(curve, dot);
  const numbers = readout([
    { key: "black", label: "squared error, left black" },
    { key: "once", label: "once through", colour: "data" },
    { key: "filled", label: "iterated", colour: "reconstruction" },
    { key: "pixel", label: "iterated, a pixel" },
    { key: "readOriginal", label: "reader, original" },
    { key: "readOnce", label: "reader, once through" },
    { key: "readFilled", label: "reader, iterated" },
    { key: "done", label: "iterations computed" },
  ]);

  function start() {
    /** @type {number[]} */
    const [digit, top, left, wide] = ["digit", "top", "left", "side"].map((key) => model.get(key));
    const key = [digit, top, left, wide].join();
    if (trail.key === key || original === null) return;
    const truth = original(digit);
    const mask = maskOf(size, top, left, wide);
    const first = merge(black, truth, mask);
    trail = { key, truth, mask, fills: [first], errors: [errorInHole(first, truth, mask)] };
  }

  // Iterate for a moment, show what there is, and go on later if more is wanted.
  function work() {
    timer = null;
    const until = performance.now() + PATIENCE;
    const { fills, errors, truth, mask } = trail;
    /** @type {number} */
    const wanted = model.get("iterations");
    while (fills.length <= wanted && (fills.length < 2 || (!moving && performance.now() < until))) {
      const x = fills[fills.length - 1];
      fills.push(merge(rebuild(network, weights, x, size), truth, mask));
      errors.push(errorInHole(fills[fills.length - 1], truth, mask));
    }
    show();
    if (fills.length <= wanted) timer = setTimeout(work, moving ? REST : FRAME);
    moving = false;
  }

  /** @type {WeakMap<Float64Array, Float64Array>} */
  const seen = new WeakMap(); // what the reader said of a picture
  /** @type {(key: string, x: Float64Array) => number} */
  function verdict(key, x) {
    const label = labels[model.get("digit")];
    const p = seen.get(x) ?? read(x, weights);
    seen.set(x, p);
    const share = Math.max(...p);
    const digit = p.indexOf(share);
    numbers.set(key, digit, `${digit}, ${digit === label ? "right" : "wrong"}, ${number(100 * share, 0)} %`);
    return digit;
  }

  function show() {
    const { fills, errors, truth, mask } = trail;
    /** @type {number} */
    const wanted = model.get("iterations");
    const at = Math.min(wanted, fills.length - 1);
    pictures.original.draw(truth);
    pictures.once.draw(fills[1]);
    pictures.filled.draw(fills[at]);
    pictures.filled.describe(`filled by iterating, after ${at} iterations`);
    const top = roundUp(Math.max(...errors.slice(0, at + 1), 0.01));
    chart.frame({ x: [0, wanted], y: [0, top] });
    const steps = Array.from({ length: at + 1 }, (_, i) => i);
    set(curve, { d: path(chart, steps, errors) });
    set(dot, { cx: chart.px(at), cy: chart.py(errors[at]) });
    const missing = mask.reduce((sum, m) => sum + m, 0);
    numbers.set("black", errors[0], number(errors[0], 2));
    numbers.set("once", errors[1], number(errors[1], 2));
    numbers.set("filled", errors[at], number(errors[at], 2));
    numbers.set("pixel", errors[at] / missing, number(errors[at] / missing, 4));
    verdict("readOriginal", truth);
    const once = verdict("readOnce", fills[1]);
    const filled = verdict("readFilled", fills[at]);
    numbers.set("done", at, `${at} of ${wanted}`);
    numbers.say(
      `Squared error in the hole: once through ${number(errors[1], 2)}, after ${at} iterations ${number(errors[at], 2)}. ` +
      `The reader reads ${once} and ${filled}.`,
    );
  }

  function draw() {
    chooser.set(model.get("digit"));
    side.set(model.get("side"));
    iterations.set(model.get("iterations"));
    start();
    if (original === null) {
      field.draw(black);
      return;
    }
    field.draw(trail.fills[0]);
    clearTimeout(timer ?? undefined);
    moving = trail.fills.length < 2; // a hole that has moved: once through, and the rest when it rests
    work();
  }

  frame(
    el, model,
    chooser.node,
    columns(
      column(field.node, side.node, iterations.node),
      column(
        h("div", { class: "ae-pictures", style: "grid-template-columns:repeat(3,minmax(0,1fr))" },
          ...Object.values(pictures).map(({ node }) => node)),
        numbers.node,
      ),
    ),
    chart.node,
    caption(
      "Drag the hole by its middle and resize it by its corner, or use the arrow keys on either. The hole starts black. ",
      "Error: squared grey values, summed over the hole.",
    ),
  );
  const stop = together(
    watch(model, ["digit", "top", "left", "side", "iterations"], coalesced(draw)), whenShown(el, draw),
    () => clearTimeout(timer ?? undefined),
  );
  draw();
  return together(stop, whenUnpacked(model.get("pictures"), box, (found) => {
    const images = labels.map((_, i) => Float64Array.from(found(i), (v) => Math.round(255 * v) / 255));
    original = (i) => images[i];
    for (const [i, thumb] of thumbs.entries()) thumb.draw(images[i]);
    draw();
  }));
}

export default { render };
