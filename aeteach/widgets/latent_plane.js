// A latent plane, or two under one cursor: the point there is decoded, read, and compared, live.
import { whenUnpacked } from "./kit/atlas.js";
import { clamp } from "./kit/maths.js";
import { paintCodes } from "./kit/paint_codes.js";
import {
  bars, caption, column, columns, digitColour, digitKeys, frame, h, handle, holds, image, number, plane, readout, s, set,
  slider, together, update, watch, whenShown,
} from "./kit/kit.js";
import { compute } from "./kit/network.js";
import { read } from "./kit/reader.js";
import { rowOf, tensors } from "./kit/weights.js";

const KEY_STEPS = 200; // key presses across what is shown of the plane

/** @typedef {{ title: string, low: Ae.Pair, high: Ae.Pair, steps: Ae.Step[] }} Latent */
/** @typedef {{ start: Ae.Pair, size: number }} View */
/** @typedef {{ parts: HTMLElement[], paint: () => void, draw: () => string, say: (sentence: string) => void }} Panel */

/** @type {(one: (axis: number) => number) => Ae.Pair} */
const both = (one) => [one(0), one(1)];

// The code nearest to z, (N, 2): which one, and how far.
/** @type {(z: Ae.Pair, codes: Ae.Tensor) => { place: number, distance: number }} */
export function nearest(z, codes) {
  const best = { place: 0, distance: Infinity };
  for (let i = 0; i < codes.shape[0]; i++) {
    const distance = Math.hypot(codes.data[2 * i] - z[0], codes.data[2 * i + 1] - z[1]);
    if (distance < best.distance) Object.assign(best, { place: i, distance });
  }
  return best;
}

// Where the cursor, two shares of width and height, stands in a plane from `low` to `high`; and back.
/** @type {(cursor: Ae.Pair, low: Ae.Pair, high: Ae.Pair) => Ae.Pair} */
export function pointAt(cursor, low, high) {
  return both((i) => low[i] + cursor[i] * (high[i] - low[i]));
}
/** @type {(z: Ae.Pair, low: Ae.Pair, high: Ae.Pair) => Ae.Pair} */
export function shareOf(z, low, high) {
  return both((i) => clamp((z[i] - low[i]) / (high[i] - low[i]), 0, 1));
}

// The lower left corner of the window of 1 / zoom of the plane, in shares: where it was if the cursor
// is in it and `keep` says so, else around the cursor.
/** @type {(cursor: Ae.Pair, zoom: number, corner?: Ae.Pair, keep?: boolean) => Ae.Pair} */
export function windowFor(cursor, zoom, [u, v] = [0, 0], keep = false) {
  const size = 1 / zoom;
  /** @type {(c: number, w: number) => boolean} */
  const within = (c, w) => c >= w && c <= w + size;
  if (keep && within(cursor[0], u) && within(cursor[1], v)) return [u, v];
  return both((i) => clamp(cursor[i] - size / 2, 0, 1 - size));
}

// Decimals that make a 200th of an axis visible.
/** @type {(low: number, high: number) => number} */
function decimals(low, high) {
  return clamp(Math.ceil(-Math.log10((high - low) / KEY_STEPS)), 0, 4);
}

// What the classes are called: ten digits, or what the folders of a reader's own pictures are named.
/** @type {(model: Ae.Model) => { names: string[], own: boolean, reads: boolean, noun: string, called: (label: number) => string }} */
function kinds(model) {
  /** @type {string[]} */
  const given = model.get("names");
  const own = given.length > 0;
  const names = own ? given : Array.from({ length: 10 }, (_, d) => `${d}`);
  return {
    names, own, reads: names.length > 1, noun: own ? "held-out picture" : "test digit",
    called: (label) => (own ? names[label] : `a ${label}`),
  };
}

// The colour of a class; there are ten, and more classes begin again.
/** @type {(label: number) => string} */
const classColour = (label) => digitColour(label % 10);

// One plane with all that is said of the point under the cursor. `view` gives the window shown.
/** @type {(model: Ae.Model, index: number, weights: Ae.Tensors, pictures: { at: Ae.Images | null }, view: () => View) => Panel} */
function panel(model, index, weights, pictures, view) {
  /** @type {Latent} */
  const { title, low, high, steps } = model.get("planes")[index];
  /** @type {Ae.Limits} */
  const limits = model.get("limits");
  /** @type {number} */
  const count = model.get("planes").length;
  /** @type {number[]} */
  const labels = model.get("labels");
  const codes = weights[`z${index}`];
  /** @type {number} */
  const side = model.get("side");
  const { names, reads, noun, called } = kinds(model);
  const corners = () => {
    const { start, size } = view();
    return [pointAt(start, low, high), pointAt(both((i) => start[i] + size), low, high)];
  };
  let digits = both((i) => decimals(low[i], high[i]));
  const z = () => pointAt(model.get("cursor"), low, high);
  /** @type {(p: Ae.Pair) => string} */
  const say = (p) => `z one ${number(p[0], digits[0])}, z two ${number(p[1], digits[1])}`;
  /** @type {(p: Ae.Pair) => void} */
  const move = (p) => update(model, { cursor: shareOf(p, low, high) });
  /** @type {(p: Ae.Pair) => Ae.Pair} */
  const inView = (p) => both((i) => clamp(p[i], corners()[0][i], corners()[1][i]));
  /** @type {(dx: number, dy: number) => void} */
  const nudge = (dx, dy) => {
    const step = view().size / KEY_STEPS;
    update(model, { cursor: both((i) => clamp(model.get("cursor")[i] + [dx, dy][i] * step, ...limits.cursor)) });
  };
  const of = count > 1 ? ` of the ${title}` : "";

  const on = plane({
    x: [low[0], high[0]], y: [low[1], high[1]], xLabel: "latent number z₁", yLabel: "latent number z₂", canvas: true,
    label: `The latent plane of the ${title}. Arrow keys move the cursor.`,
  });
  const link = s("line", { class: "ae-rule" });
  const ring = s("circle", { class: "ae-thin ae-ink", r: 6 });
  on.clip.append(link, ring);
  const cursor = handle(on, {
    label: `cursor${of}`, kind: "latent", radius: 8, range: [low[0], high[0]], get: z, now: () => z()[0],
    set: (p) => move(inView(p)), nudge, text: () => say(z()),
  });
  // A click or tap puts the cursor there; a drag of the page by finger is not a click.
  on.svg.addEventListener("click", (event) => {
    const p = on.at(event);
    if (!holds(cursor.node, event) && p.every((v, i) => v === inView(p)[i])) move(p);
  });
  const sliders = ["z₁", "z₂"].map((name, i) =>
    slider({
      key: `z${i}-${index}`, label: `${name}${of}`, min: low[i], max: high[i], step: (high[i] - low[i]) / KEY_STEPS,
      grain: "any", text: (v) => number(v, digits[i]), oninput: (v) => move(both((j) => (j === i ? v : z()[j]))),
    }));

  const decoded = image({ width: side, height: side, title: "decoded", label: "decoded" });
  const found = image({ width: side, height: side, title: "nearest", label: `nearest ${noun}` });
  const chart = bars(reads ? names.map((label, d) => ({ key: `p${d}-${index}`, label, colour: classColour(d) })) : []);
  const numbers = readout([
    ...(reads ? [{ key: `verdict-${index}`, label: "the reader says", colour: "reconstruction" }] : []),
    { key: `label-${index}`, label: `nearest ${noun}`, colour: "data" },
    { key: `distance-${index}`, label: "its distance", colour: "latent" },
  ]);

  // The points move only with the window, so they are painted on a canvas under the axes.
  function paint() {
    const [from, to] = corners();
    digits = both((i) => decimals(from[i], to[i]));
    on.frame({ x: [from[0], to[0]], y: [from[1], to[1]] });
    paintCodes(on, codes, labels);
  }

  function draw() {
    const here = z();
    const x = compute(steps, here, weights, `d${index}`);
    const p = reads ? read(x, weights) : new Float64Array([1]);
    const verdict = p.indexOf(Math.max(...p));
    const { place, distance } = nearest(here, codes);
    const label = called(labels[place]);
    const [sure, far] = [`${number(100 * p[verdict], 1)} %`, number(distance, Math.max(...digits))];
    const at = [codes.data[2 * place], codes.data[2 * place + 1]];
    cursor.place();
    set(link, { x1: on.px(here[0]), y1: on.py(here[1]), x2: on.px(at[0]), y2: on.py(at[1]) });
    set(ring, { cx: on.px(at[0]), cy: on.py(at[1]) });
    for (const [i, control] of sliders.entries()) control.set(here[i]);
    decoded.draw(x);
    const saw = reads ? `: read as ${names[verdict]}` : "";
    decoded.describe(`decoded at ${say(here)}${saw}`);
    if (pictures.at) found.draw(pictures.at(place));
    found.describe(`nearest ${noun}, ${label}`, `nearest: ${label}`);
    if (reads) {
      for (const [d, v] of p.entries()) chart.set(`p${d}-${index}`, v, `${number(100 * v, 1)} %`);
      numbers.set(`verdict-${index}`, verdict, `${names[verdict]} (${sure})`);
    }
    numbers.set(`label-${index}`, labels[place], label);
    numbers.set(`distance-${index}`, distance, far);
    const said = reads ? `the reader says ${names[verdict]}, ${sure}; ` : "";
    return `${say(here)}: ${said}nearest ${noun} ${label}, at ${far}.`;
  }

  const heading = h("p", { class: "ae-heading" }, title);
  const shown = h("div", { class: "ae-pictures ae-pair" }, decoded.node, found.node);
  const controls = sliders.map(({ node }) => node);
  const parts = count > 1
    ? [column(heading, on.node, ...controls, shown, chart.node, numbers.node)]
    : [column(heading, on.node, ...controls), column(shown, chart.node, numbers.node)];
  return { parts, paint, draw, say: numbers.say };
}

/** @type {(model: Ae.Model) => HTMLElement} */
function legend(model) {
  const { names, own, reads } = kinds(model);
  const keys = names.map((name, d) =>
    h("span", { class: "ae-key" }, h("span", { class: "ae-swatch", style: `background:${classColour(d)}` }), name));
  const points = reads ? ["Points: held-out pictures ", ...keys] : ["Points: held-out pictures"];
  return caption(
    ...(own ? points : ["Points: test digits ", ...digitKeys()]),
    ". Drag the cursor, click anywhere, or use the arrow keys (Shift for bigger steps).",
  );
}

/** @type {Ae.Figure["render"]} */
function render({ model, el }) {
  const weights = tensors(model);
  /** @type {{ at: Ae.Images | null }} */
  const pictures = { at: null };
  /** @type {Ae.Limits} */
  const limits = model.get("limits");
  let start = windowFor(model.get("cursor"), model.get("zoom"));
  const view = () => ({ start, size: 1 / model.get("zoom") });
  /** @type {Latent[]} */
  const planes = model.get("planes");
  const panels = planes.map((_, i) => panel(model, i, weights, pictures, view));
  const zoom = slider({
    key: "zoom", label: "zoom in at the cursor", min: Math.log2(limits.zoom[0]), max: Math.log2(limits.zoom[1]), step: 1,
    text: (v) => `× ${2 ** v}`, oninput: (v) => update(model, { zoom: 2 ** Math.round(v) }),
  });

  function look() {
    zoom.set(Math.log2(model.get("zoom")));
    start = windowFor(model.get("cursor"), model.get("zoom"));
    for (const part of panels) part.paint();
    draw();
  }
  function draw() {
    const moved = windowFor(model.get("cursor"), model.get("zoom"), start, true);
    if (moved[0] !== start[0] || moved[1] !== start[1]) {
      start = moved;
      for (const part of panels) part.paint();
    }
    const sentences = panels.map((part) => part.draw());
    panels[0].say(sentences.join(" "));
  }
  frame(el, model, columns(...panels.flatMap(({ parts }) => parts)), zoom.node, legend(model));
  const stop = together(watch(model, ["cursor"], draw), watch(model, ["zoom"], look), whenShown(el, () => {
    for (const part of panels) part.paint(); // in the colours of the theme that holds now
    draw();
  }));
  look();
  const side = model.get("side");
  if (kinds(model).own) {
    pictures.at = (i) => Float32Array.from(rowOf(weights.pictures, i));
    draw();
    return stop;
  }
  return together(stop, whenUnpacked(model.get("pictures"), { width: side, height: side }, (at) => {
    pictures.at = at;
    draw();
  }));
}

export default { render };
