// Sliders for the latent dimensions of a VAE of shapes. What they do to the factors is read off the
// decoded image; two of the dimensions can be turned, which changes every slider and no image.
import { whenUnpacked } from "./kit/atlas.js";
import {
  button, caption, choice, column, columns, frame, h, image, number, path, plane, readout, row, s, set, slider, together,
  update, watch, whenShown,
} from "./kit/kit.js";
import { sigmoid, softmax } from "./kit/layers.js";
import { clamp } from "./kit/maths.js";
import { run } from "./kit/network.js";
import { rowOf, tensors } from "./kit/weights.js";

/** @typedef {{ images: (Float64Array | null)[], boxes: (number[] | null)[] }} Walk what one slider does; null: not worked out */
/** @typedef {{ bands: number[][], r: number[][] }} Statistics the codes between quantiles, and the correlations */

const FACTORS = ["x", "y", "width", "height"];
const COLOURS = ["data", "latent", "reconstruction", "good"];
const STEPS = 25; // of a traversal
const REST = 150; // milliseconds without a move, after which what is between the pictures is worked out
const SHOWN = [0, 4, 8, 12, 16, 20, 24]; // of these, in the strip: -3, -2, ..., 3
const BETWEEN = [0.05, 0.95]; // quantiles between which most codes lie

// u = R z: the axes i and j turned by an angle in degrees, from the first towards the second.
/** @type {(z: number[], axes: Ae.Pair, angle: number) => number[]} */
export function turn(z, [i, j], angle) {
  const [c, q] = [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)];
  return z.map((v, k) => (k === i ? c * v + q * z[j] : k === j ? c * v - q * z[i] : v));
}

// z = R^T u
/** @type {(u: number[], pair: Ae.Pair, angle: number) => number[]} */
export function turnBack(u, pair, angle) {
  return turn(u, pair, -angle);
}

// x_hat of z, side x side grey values
/** @type {(steps: Ae.Step[], z: number[], weights: Ae.Tensors) => Float64Array} */
export function decode(steps, z, weights) {
  const x = { shape: [z.length], data: Float64Array.from(z) };
  return sigmoid(run(steps, x, weights, "d").data);
}

// [x, y, width, height] of the box of what is brighter than a half, in pixels, NaN if nothing is.
// x and y are those within the margin, as the factors are.
/** @type {(pixels: Ae.Numbers, size: number, margin: number) => number[]} */
export function boxOf(pixels, size, margin) {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) {
      if (!(pixels[i * size + j] > 0.5)) continue;
      [left, right] = [Math.min(left, j), Math.max(right, j)];
      [top, bottom] = [Math.min(top, i), Math.max(bottom, i)];
    }
  }
  if (left === Infinity) return [NaN, NaN, NaN, NaN];
  return [left - margin, top - margin, right - left + 1, bottom - top + 1];
}

// Probabilities of the reader's answers, the softmax of its logits
/** @type {(steps: Ae.Step[], pixels: Float64Array, size: number, weights: Ae.Tensors) => number[]} */
export function read(steps, pixels, size, weights) {
  return Array.from(softmax(run(steps, { shape: [1, size, size], data: pixels }, weights, "r").data));
}

/** @type {(values: number[]) => number} */
const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;

// Pearson's correlation of two lists; 0 if one of them is constant.
/** @type {(a: number[], b: number[]) => number} */
export function pearson(a, b) {
  const [ma, mb] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  a.forEach((v, i) => {
    ab += (v - ma) * (b[i] - mb);
    aa += (v - ma) ** 2;
    bb += (b[i] - mb) ** 2;
  });
  return aa > 0 && bb > 0 ? ab / Math.sqrt(aa * bb) : 0;
}

// r[f][k]: of factor f with slider k, over all codes.
/** @type {(codes: Ae.Tensor, factors: Ae.Tensor, pair: Ae.Pair, angle: number) => number[][]} */
export function correlations(codes, factors, pair, angle) {
  const n = codes.shape[0];
  const u = Array.from({ length: n }, (_, i) => turn(rowOf(codes, i), pair, angle));
  const f = Array.from({ length: n }, (_, i) => rowOf(factors, i));
  return FACTORS.map((_, a) => u[0].map((_, k) => pearson(f.map((r) => r[a]), u.map((r) => r[k]))));
}

// From z to the nearest code.
/** @type {(z: number[], codes: Ae.Tensor) => number} */
export function distance(z, codes) {
  let best = Infinity;
  for (let i = 0; i < codes.shape[0]; i++) {
    let sum = 0;
    for (let k = 0; k < z.length; k++) sum += (codes.data[i * z.length + k] - z[k]) ** 2;
    best = Math.min(best, sum);
  }
  return Math.sqrt(best);
}

// The quantile of a sorted list, between its entries by a straight line.
/** @type {(sorted: Ae.Numbers, share: number) => number} */
export function quantile(sorted, share) {
  const at = share * (sorted.length - 1);
  const low = Math.floor(at);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (at - low) * (sorted[high] - sorted[low]);
}

/** @type {Ae.Figure["render"]} */
function render({ model, el }) {
  const weights = tensors(model);
  const { codes, factors, starts } = weights;
  const d = codes.shape[1];
  /** @type {Ae.Limits} */
  const limits = model.get("limits");
  const [low, high] = limits.u;
  /** @type {[size: number, margin: number, pair: Ae.Pair]} */
  const [size, margin, pair] = [model.get("size"), model.get("margin"), model.get("pair")];
  /** @type {string[]} */
  const captions = model.get("captions");
  const steps = Array.from({ length: STEPS }, (_, i) => low + ((high - low) * i) / (STEPS - 1));
  /** @type {(x: Ae.Numbers) => number[]} */
  const box = (x) => boxOf(x, size, margin);
  /** @type {(z: number[]) => Float64Array} */
  const picture = (z) => decode(model.get("decoder"), z, weights);
  /** @type {(k: number) => boolean} */
  const isTurned = (k) => pair.includes(k) && model.get("angle") > 0;
  /** @type {(k: number) => string} */
  const name = (k) => `${isTurned(k) ? "u" : "z"}${k + 1}`;
  /** @type {() => number[]} */
  const moved = () => turn(model.get("z"), pair, model.get("angle"));
  /** @type {(k: number, value: number) => void} */
  const place = (k, value) => {
    const u = moved();
    u[k] = clamp(value, low, high);
    update(model, { z: turnBack(u, pair, model.get("angle")), dimension: k });
  };
  /** @type {(start: number) => void} */
  const begin = (start) => update(model, { start, z: rowOf(starts, start) });
  /** @type {(angle: number) => void} */
  const turnTo = (angle) => update(model, { angle: clamp(angle, ...limits.angle) });
  // While it is turned every picture of the traversal is new: then only those of the strip are made.
  let turning = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let rest;
  /** @type {(angle: number) => void} */
  const drag = (angle) => {
    turning = true;
    turnTo(angle);
    clearTimeout(rest);
    rest = setTimeout(() => {
      turning = false;
      draw();
    }, REST);
  };

  const originals = captions.map((c) => image({ width: size, height: size, label: c }));
  const chooser = choice({
    legend: "Start from the code of", onchange: begin,
    items: originals.map(({ node }, i) => ({ node, label: `test image ${i + 1}, a ${captions[i]}` })),
  });
  for (const { node } of originals) node.style.width = "40px";
  const sliders = Array.from({ length: d }, (_, k) => slider({
    key: `u${k}`, label: `latent dimension ${k + 1}`, min: low, max: high, step: 0.1, grain: 0.05,
    text: (v) => `${name(k)} = ${number(v, 2)}`, oninput: (v) => place(k, v),
  }));
  for (const [k, { input }] of sliders.entries()) input.addEventListener("focus", () => update(model, { dimension: k }));
  const turner = slider({
    key: "angle", label: `turn z${pair[0] + 1} and z${pair[1] + 1}`, min: limits.angle[0], max: limits.angle[1], step: 5, grain: 1,
    text: (v) => `${number(v, 0)}°`, oninput: drag,
  });
  const toggle = button("Turn by 45°", () => turnTo(model.get("angle") === 45 ? 0 : 45));
  const reset = button("Back to the code", () => begin(model.get("start")));

  const shown = image({ width: size, height: size, title: "decoded", label: "decoded" });
  const numbers = readout([
    ...FACTORS.map((key, f) => ({ key, label: `${key} of the bright box`, colour: COLOURS[f] })),
    { key: "shape", label: "the shape reader sees" },
    { key: "distance", label: "to the nearest code of a test image" },
  ]);
  const strip = SHOWN.map((i) => image({ width: size, height: size, title: number(steps[i], 0), label: "" }));
  const on = plane({
    x: limits.u, y: [-margin, size], xLabel: "value of the slider", yLabel: "pixels", height: 260,
    label: "The four factors of the decoded image against the value of one slider",
  });
  const band = s("rect", { y: on.box.top, height: on.box.bottom - on.box.top, fill: "var(--ae-panel)" });
  const here = s("line", { class: "ae-rule", y1: on.box.top, y2: on.box.bottom });
  const curves = FACTORS.map((_, f) => s("path", { class: `ae-line ae-${COLOURS[f]}` }));
  on.clip.append(band, here, ...curves);
  const title = h("p", { class: "ae-note" });
  const cells = FACTORS.map((f) => Array.from({ length: d }, (_, k) => h("td", { class: "ae-value", "data-key": `r-${f}-${k}` })));
  const heads = Array.from({ length: d }, () => h("th", { scope: "row" }));
  const table = h(
    "table", { class: "ae-table" },
    h("thead", {}, h("tr", {}, h("td", {}), ...FACTORS.map((f) => h("th", { scope: "col" }, f)))),
    h("tbody", {}, ...heads.map((head, k) => h("tr", {}, head, ...cells.map((line) => line[k])))),
  );

  /** @type {{ key: string, walk: Walk } | null} */
  let walked = null;
  // The traversal of a slider does not depend on where that slider stands.
  /** @type {(u: number[], k: number, angle: number) => Walk} */
  function traverse(u, k, angle) {
    const key = JSON.stringify([k, angle, u.map((v, i) => (i === k ? null : v))]);
    if (walked?.key === key) return walked.walk;
    const images = steps.map((v, at) =>
      turning && !SHOWN.includes(at) ? null : picture(turnBack(u.map((w, i) => (i === k ? v : w)), pair, angle)));
    const walk = { images, boxes: images.map((x) => (x === null ? null : box(x))) };
    if (!turning) walked = { key, walk };
    return walk;
  }
  /** @type {{ angle: number, statistics: Statistics } | null} */
  let known = null;
  /** @type {(angle: number) => Statistics} */
  function statistics(angle) {
    if (known?.angle === angle) return known.statistics;
    const turned = Array.from({ length: codes.shape[0] }, (_, i) => turn(rowOf(codes, i), pair, angle));
    const bands = Array.from({ length: d }, (_, k) => {
      if (known !== null && !pair.includes(k)) return known.statistics.bands[k]; // not turned
      const sorted = Float64Array.from(turned, (u) => u[k]).sort(); // by size, without a call for each
      return BETWEEN.map((share) => quantile(sorted, share));
    });
    const found = { bands, r: correlations(codes, factors, pair, angle) };
    known = { angle, statistics: found };
    return found;
  }

  /** @type {Ae.Images | null} */
  let original = null;
  function draw() {
    /** @type {[angle: number, dimension: number, z: number[]]} */
    const [angle, k, z] = [model.get("angle"), model.get("dimension"), model.get("z")];
    const u = moved();
    const { bands, r } = statistics(angle);
    const { images, boxes } = traverse(u, k, angle);
    const now = picture(z);
    const found = box(now);
    const p = read(model.get("reader"), now, size, weights);
    const best = p.indexOf(Math.max(...p));
    const sees = model.get("names")[best];

    if (original) for (const [i, one] of originals.entries()) one.draw(original(i));
    chooser.set(model.get("start"));
    for (const [i, { node, set: show }] of sliders.entries()) {
      show(u[i]);
      /** @type {HTMLElement | null} */
      const label = node.querySelector(".ae-label");
      if (label) label.style.fontWeight = i === k ? "700" : "400";
    }
    turner.set(angle);
    toggle.textContent = angle === 45 ? "Turn back" : "Turn by 45°";
    shown.draw(now);
    const said = found.every((v) => Number.isNaN(v)) ? "nothing bright" : FACTORS.map((f, i) => `${f} ${number(found[i], 0)}`).join(", ");
    shown.describe(`decoded image: ${sees}, ${said}`);
    for (const [i, f] of FACTORS.entries()) numbers.set(f, found[i], Number.isNaN(found[i]) ? "–" : `${number(found[i], 0)} px`);
    numbers.set("shape", p[best], `${sees}, ${number(100 * p[best], 0)} %`);
    const away = distance(z, codes);
    numbers.set("distance", away, `${number(away, 2)} (usual: ${number(model.get("usual"), 2)})`);

    title.textContent = `Traversal: only ${name(k)} moves, from −3 to 3. Grey: where nine in ten codes are.`;
    strip.forEach((one, i) => {
      const [drawn, place] = [images[SHOWN[i]], boxes[SHOWN[i]]];
      if (drawn === null || place === null) return; // those of the strip are always there
      one.draw(drawn);
      one.describe(`${name(k)} = ${number(steps[SHOWN[i]], 0)}: ${place.map((v) => number(v, 0)).join(", ")}`);
    });
    const [from, to] = bands[k].map((v) => on.px(clamp(v, low, high)));
    set(band, { x: from, width: Math.max(0, to - from) });
    set(here, { x1: on.px(u[k]), x2: on.px(u[k]) });
    const seen = boxes.flatMap((place, i) => (place === null || Number.isNaN(place[0]) ? [] : [{ at: steps[i], place }]));
    for (const [f, curve] of curves.entries()) {
      set(curve, { d: path(on, seen.map(({ at }) => at), seen.map(({ place }) => place[f])) });
    }
    for (const [i, head] of heads.entries()) head.textContent = name(i);
    for (const [f, line] of cells.entries()) {
      for (const [i, cell] of line.entries()) {
        cell.textContent = number(r[f][i], 2);
        cell.dataset.value = String(r[f][i]);
        cell.style.fontWeight = Math.abs(r[f][i]) > 0.4 ? "700" : "400";
      }
    }
    numbers.say(
      `${name(k)} is ${number(u[k], 2)}. ${sees}, ${said}. Over the test images ${name(k)} correlates with ` +
      `${FACTORS.map((f, i) => `${f} at ${number(r[i][k], 2)}`).join(", ")}.`,
    );
  }

  const pictures = h("div", {}, ...strip.map(({ node }) => node));
  Object.assign(pictures.style, { display: "grid", gap: "0.3rem", gridTemplateColumns: `repeat(${strip.length}, minmax(0, 1fr))` });
  frame(
    el, model,
    chooser.node,
    columns(
      column(...sliders.map(({ node }) => node), row(reset)),
      column(shown.node, numbers.node),
    ),
    title,
    pictures,
    columns(
      column(on.node),
      column(turner.node, row(toggle), h("p", { class: "ae-note" }, "Correlation with each slider, over all test images:"), table),
    ),
    caption("Move a slider, and its traversal is shown below. Then turn two of the dimensions: the image stays, the sliders mean something else."),
  );
  const stop = together(
    watch(model, ["start", "z", "angle", "dimension"], draw), whenShown(el, draw), () => clearTimeout(rest),
  );
  draw();
  return together(stop, whenUnpacked(model.get("pictures"), { width: size, height: size }, (found) => {
    original = found;
    draw();
  }));
}

export default { render };
