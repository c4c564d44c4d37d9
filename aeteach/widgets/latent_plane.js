// A latent plane, or two under one cursor: the point there is decoded, read, and compared, live.
import { unpack } from "./kit/atlas.js";
import { clamp } from "./kit/maths.js";
import { paintCodes } from "./kit/paint_codes.js";
import {
  bars, caption, column, columns, frame, h, handle, image, number, plane, readout, s, set, slider, update, watch,
  whenShown,
} from "./kit/kit.js";
import { compute } from "./kit/network.js";
import { read } from "./kit/reader.js";
import { tensors } from "./kit/weights.js";

const KEY_STEPS = 200; // key presses across what is shown of the plane
const MOST_ZOOM = 5; // twofold, five times over

// The code nearest to z, (N, 2): which one, and how far.
export function nearest(z, codes) {
  const best = { place: 0, distance: Infinity };
  for (let i = 0; i < codes.shape[0]; i++) {
    const distance = Math.hypot(codes.data[2 * i] - z[0], codes.data[2 * i + 1] - z[1]);
    if (distance < best.distance) Object.assign(best, { place: i, distance });
  }
  return best;
}

// Where the cursor, two shares of width and height, stands in a plane from `low` to `high`; and back.
export function pointAt(cursor, low, high) {
  return cursor.map((share, i) => low[i] + share * (high[i] - low[i]));
}
export function shareOf(z, low, high) {
  return z.map((v, i) => clamp((v - low[i]) / (high[i] - low[i]), 0, 1));
}

// The lower left corner of the window of 1 / zoom of the plane, in shares: where it was if the cursor
// is in it and `keep` says so, else around the cursor.
export function windowFor(cursor, zoom, [u, v] = [0, 0], keep = false) {
  const size = 1 / zoom;
  const within = (c, w) => c >= w && c <= w + size;
  if (keep && within(cursor[0], u) && within(cursor[1], v)) return [u, v];
  return cursor.map((c) => clamp(c - size / 2, 0, 1 - size));
}

// Decimals that make a 200th of an axis visible.
function decimals(low, high) {
  return clamp(Math.ceil(-Math.log10((high - low) / KEY_STEPS)), 0, 4);
}

const digitColour = (label) => `var(--ae-digit-${label})`;

// One plane with all that is said of the point under the cursor. `view` gives the window shown.
function panel(model, index, weights, pictures, view) {
  const { title, low, high, steps } = model.get("planes")[index];
  const count = model.get("planes").length;
  const labels = model.get("labels");
  const codes = weights[`z${index}`];
  const side = model.get("side");
  const corners = () => {
    const { start, size } = view();
    return [pointAt(start, low, high), pointAt(start.map((v) => v + size), low, high)];
  };
  let digits = [0, 1].map((i) => decimals(low[i], high[i]));
  const z = () => pointAt(model.get("cursor"), low, high);
  const say = (p) => `z one ${number(p[0], digits[0])}, z two ${number(p[1], digits[1])}`;
  const move = (p) => update(model, { cursor: shareOf(p, low, high) });
  const inView = (p) => p.map((v, i) => clamp(v, corners()[0][i], corners()[1][i]));
  const nudge = (dx, dy) => {
    const step = view().size / KEY_STEPS;
    update(model, { cursor: model.get("cursor").map((v, i) => clamp(v + [dx, dy][i] * step, 0, 1)) });
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
    if (!cursor.node.contains(event.target) && p.every((v, i) => v === inView(p)[i])) move(p);
  });
  const sliders = ["z₁", "z₂"].map((name, i) =>
    slider({
      key: `z${i}-${index}`, label: `${name}${of}`, min: low[i], max: high[i], step: (high[i] - low[i]) / KEY_STEPS,
      grain: "any", text: (v) => number(v, digits[i]), oninput: (v) => move(z().map((old, j) => (j === i ? v : old))),
    }));

  const decoded = image({ width: side, height: side, title: "decoded", label: "decoded" });
  const found = image({ width: side, height: side, title: "nearest", label: "nearest test digit" });
  const chart = bars(Array.from({ length: 10 }, (_, d) => ({
    key: `p${d}-${index}`, label: `${d}`, colour: digitColour(d),
  })));
  const numbers = readout([
    { key: `verdict-${index}`, label: "the reader says", colour: "reconstruction" },
    { key: `label-${index}`, label: "nearest test digit", colour: "data" },
    { key: `distance-${index}`, label: "its distance", colour: "latent" },
  ]);

  // The points move only with the window, so they are painted on a canvas under the axes.
  function paint() {
    const [from, to] = corners();
    digits = [0, 1].map((i) => decimals(from[i], to[i]));
    on.frame({ x: [from[0], to[0]], y: [from[1], to[1]] });
    paintCodes(on, codes, labels);
  }

  function draw() {
    const here = z();
    const x = compute(steps, here, weights, `d${index}`);
    const p = read(x, weights);
    const verdict = p.indexOf(Math.max(...p));
    const { place, distance } = nearest(here, codes);
    const label = labels[place];
    const [sure, far] = [`${number(100 * p[verdict], 1)} %`, number(distance, Math.max(...digits))];
    const at = [codes.data[2 * place], codes.data[2 * place + 1]];
    cursor.place();
    set(link, { x1: on.px(here[0]), y1: on.py(here[1]), x2: on.px(at[0]), y2: on.py(at[1]) });
    set(ring, { cx: on.px(at[0]), cy: on.py(at[1]) });
    sliders.forEach((control, i) => control.set(here[i]));
    decoded.draw(x);
    decoded.describe(`decoded at ${say(here)}: read as ${verdict}`);
    if (pictures.at) found.draw(pictures.at(place));
    found.describe(`nearest test digit, a ${label}`, `nearest: a ${label}`);
    p.forEach((v, d) => chart.set(`p${d}-${index}`, v, `${number(100 * v, 1)} %`));
    numbers.set(`verdict-${index}`, verdict, `${verdict} (${sure})`);
    numbers.set(`label-${index}`, label, `a ${label}`);
    numbers.set(`distance-${index}`, distance, far);
    return `${say(here)}: the reader says ${verdict}, ${sure}; nearest test digit a ${label}, at ${far}.`;
  }

  const heading = h("p", { class: "ae-heading" }, title);
  const shown = h("div", { class: "ae-pictures ae-pair" }, decoded.node, found.node);
  const controls = sliders.map(({ node }) => node);
  const parts = count > 1
    ? [column(heading, on.node, ...controls, shown, chart.node, numbers.node)]
    : [column(heading, on.node, ...controls), column(shown, chart.node, numbers.node)];
  return { parts, paint, draw, say: numbers.say };
}

function legend() {
  return caption(
    "Points: test digits ",
    ...Array.from({ length: 10 }, (_, d) =>
      h("span", { class: "ae-key" }, h("span", { class: "ae-swatch", style: `background:${digitColour(d)}` }), `${d}`)),
    ". Drag the cursor, click anywhere, or use the arrow keys (Shift for bigger steps).",
  );
}

function render({ model, el }) {
  const weights = tensors(model);
  const pictures = { at: null };
  let start = windowFor(model.get("cursor"), model.get("zoom"));
  const view = () => ({ start, size: 1 / model.get("zoom") });
  const panels = model.get("planes").map((_, i) => panel(model, i, weights, pictures, view));
  const zoom = slider({
    key: "zoom", label: "zoom in at the cursor", min: 0, max: MOST_ZOOM, step: 1, text: (v) => `× ${2 ** v}`,
    oninput: (v) => update(model, { zoom: 2 ** Math.round(v) }),
  });
  let over = false;

  function look() {
    zoom.set(Math.log2(model.get("zoom")));
    start = windowFor(model.get("cursor"), model.get("zoom"));
    panels.forEach((part) => part.paint());
    draw();
  }
  function draw() {
    const moved = windowFor(model.get("cursor"), model.get("zoom"), start, true);
    if (moved[0] !== start[0] || moved[1] !== start[1]) {
      start = moved;
      panels.forEach((part) => part.paint());
    }
    const sentences = panels.map((part) => part.draw());
    panels[0].say(sentences.join(" "));
  }
  frame(el, model, columns(...panels.flatMap(({ parts }) => parts)), zoom.node, legend());
  const stops = [
    watch(model, ["cursor"], draw),
    watch(model, ["zoom"], look),
    whenShown(el, () => {
      panels.forEach((part) => part.paint()); // in the colours of the theme that holds now
      draw();
    }),
    () => (over = true),
  ];
  look();
  const side = model.get("side");
  unpack(model.get("pictures"), { width: side, height: side }).then((at) => {
    pictures.at = at;
    if (!over) draw();
  });
  return () => stops.forEach((stop) => stop());
}

export default { render };
