// Draw a digit: scaled and centred like MNIST's, encoded to a Gaussian, decoded, and read again.
import { whenUnpacked } from "./kit/atlas.js";
import { asMnist, enlarge, FIELD, ink, line, sheetOf } from "./kit/drawing.js";
import { paintCodes } from "./kit/paint_codes.js";
import {
  button, caption, choice, column, columns, digitKeys, frame, h, handle, image, number, pen, plane, readout, row, s, set,
  slider, together, update, watch, whenShown,
} from "./kit/kit.js";
import { clamp } from "./kit/maths.js";
import { run } from "./kit/network.js";
import { normals } from "./kit/random_normals.js";
import { read } from "./kit/reader.js";
import { tensors } from "./kit/weights.js";

/** @typedef {{ name: string, prefix: string, framed: boolean, encoder: Ae.Step[], heads: boolean, decoder: Ae.Step[], classes: number, told: string[], low: number[], high: number[] }} Spec a model, as Python describes it */
/** @typedef {{ mu: number[], logVar: number[] | null }} Code */
/** @typedef {Code & { sigma: number[] | null, z: number[], x: Float64Array, error: number, kl: number, p: Float64Array }} Made what a model makes of the drawing */
/** @typedef {{ drawing: Float64Array, y: number, models: Made[] }} Seen */
/** @typedef {Pick<Spec, "low" | "high">} Corners */
/** @typedef {Pick<Made, "mu" | "sigma">} Gaussian */
/** @typedef {Ae.Pair[]} Stroke */
/** @typedef {{ start: (sheet: Ae.Sheet) => void, changed: () => void, commit: (stroke: Stroke) => void, undo: () => void, clear: () => void, say: (sentence: string) => void }} PadOptions */
/** @typedef {{ node: HTMLElement, redraw: () => void, paint: () => void, sheet: () => Ae.Sheet }} Pad */
/** @typedef {{ on: Ae.Plane, forget: () => void, show: (window: Ae.Pair[], codes: Ae.Tensor, labels: number[], q: Gaussian, visible: { prior: boolean, mean: boolean }) => void }} View */

const MARGIN = 2; // pixels of black frame around the 28 x 28
const READER = -1; // the label told is what the reader makes of the drawing
const CLOSE = 4; // standard deviations to each side of mu, seen from close by

// ---------------------------------------------------------------- the models

/** @type {(y: number, classes: number) => number[]} */
const oneHot = (y, classes) => Array.from({ length: classes }, (_, c) => (c === y ? 1 : 0));

// Pixels with a black frame around them.
/** @type {(x: Float64Array) => Float64Array} */
function framed(x) {
  const side = FIELD + 2 * MARGIN;
  const result = new Float64Array(side * side);
  for (let i = 0; i < FIELD; i++) result.set(x.subarray(i * FIELD, (i + 1) * FIELD), (i + MARGIN) * side + MARGIN);
  return result;
}

/** @type {(values: Iterable<number>, y: number, who: string, spec: Spec) => Float64Array} */
function told(values, y, who, spec) {
  return spec.told.includes(who) ? Float64Array.from([...values, ...oneHot(y, spec.classes)]) : Float64Array.from(values);
}

// mu and log_var of q(z|x), from 28 x 28 pixels; log_var is null for a model that has only a code.
/** @type {(spec: Spec, weights: Ae.Tensors, x: Float64Array, y: number) => Code} */
export function encode(spec, weights, x, y) {
  const pixels = spec.framed ? framed(x) : x;
  const data = told(pixels, y, "encoder", spec);
  const side = Math.round(Math.sqrt(pixels.length));
  const shape = data.length === pixels.length ? [1, side, side] : [data.length];
  const features = run(spec.encoder, { shape, data }, weights, `${spec.prefix}/e`);
  if (!spec.heads) return { mu: Array.from(features.data), logVar: null };
  /** @type {(name: string) => number[]} */
  const head = (name) => Array.from(run([{ op: "linear", at: 0 }], features, weights, `${spec.prefix}/${name}`).data);
  return { mu: head("mu"), logVar: head("lv") };
}

// x_hat of z, 28 x 28 pixels.
/** @type {(spec: Spec, weights: Ae.Tensors, z: number[], y: number) => Float64Array} */
export function decode(spec, weights, z, y) {
  const data = told(z, y, "decoder", spec);
  return run(spec.decoder, { shape: [data.length], data }, weights, `${spec.prefix}/d`).data;
}

// KL(N(mu, sigma^2) || N(0, I)) = 1/2 sum (mu^2 + sigma^2 - 1 - log sigma^2), nats
/** @type {(code: Code) => number} */
export function kl({ mu, logVar }) {
  return logVar === null ? NaN : mu.reduce((sum, m, i) => sum + (m * m + Math.exp(logVar[i]) - 1 - logVar[i]) / 2, 0);
}

/** @type {(p: Float64Array) => number} */
const most = (p) => p.indexOf(Math.max(...p));

// What every model makes of 28 x 28 pixels x: {drawing, y, models: [{mu, logVar, sigma, z, x, error, kl, p}]}.
/** @type {(specs: Spec[], weights: Ae.Tensors, x: Float64Array, eps: number[], label: number) => Seen} */
export function look(specs, weights, x, eps, label) {
  const drawing = read(x, weights);
  const y = label === READER ? most(drawing) : label;
  const models = specs.map((spec) => {
    const q = encode(spec, weights, x, y);
    const sigma = q.logVar === null ? null : q.logVar.map((v) => Math.exp(v / 2));
    const z = sigma === null ? q.mu : q.mu.map((m, i) => m + sigma[i] * eps[i]);
    const made = decode(spec, weights, z, y);
    const error = made.reduce((sum, v, i) => sum + (v - x[i]) ** 2, 0);
    return { ...q, sigma, z, x: made, error, kl: kl(q), p: read(made, weights) };
  });
  return { drawing, y, models };
}

// ---------------------------------------------------------------- the sheet

/** @type {(v: number) => number} */
const round = (v) => Math.round(1e4 * clamp(v, 0, 1)) / 1e4; // what Python is told is what was drawn

// A canvas to draw on. What it shows is kept in bytes beside it and never read back from it:
// browsers that guard against fingerprints add noise to what they hand out. `start` begins the
// sheet anew with its preset; `commit(stroke)` is told when one is finished.
/** @type {(model: Ae.Model, options: PadOptions) => Pad} */
function pad(model, { start, changed, commit, undo, clear, say }) {
  const side = model.get("sheet");
  const radius = model.get("pen");
  let sheet = sheetOf(side);
  /** @type {Stroke | null} */
  let stroke = null; // the one being drawn
  const hand = { x: 0.5, y: 0.25, down: false }; // of the keyboard
  const canvas = h("canvas", {
    class: "ae-pad", width: side, height: side, tabindex: 0, role: "application", "aria-roledescription": "drawing sheet",
    "aria-label": "Sheet to draw a digit on. Arrow keys move the pen, Space puts it down and lifts it, " +
      "Backspace takes back the last stroke, Delete clears the sheet.",
  });
  const mark = h("span", { class: "ae-pen", "aria-hidden": "true", hidden: true });
  const node = h("div", { class: "ae-sheet" }, canvas, mark);

  function paint() {
    const context = pen(canvas);
    const pixels = context.createImageData(side, side);
    for (let i = 0; i < sheet.bytes.length; i++) {
      const v = sheet.bytes[i];
      pixels.data[4 * i] = pixels.data[4 * i + 1] = pixels.data[4 * i + 2] = v;
      pixels.data[4 * i + 3] = 255;
    }
    context.putImageData(pixels, 0, 0);
  }
  function redraw() {
    sheet = sheetOf(side);
    start(sheet);
    ink(sheet, model.get("strokes"), radius);
    paint();
  }
  /** @type {(point: Ae.Pair) => void} */
  function extend(point) {
    if (stroke === null) return;
    const last = stroke[stroke.length - 1];
    if (last && last[0] === point[0] && last[1] === point[1]) return;
    stroke.push(point);
    line(sheet, last ?? point, point, radius);
  }
  function finish() {
    if (stroke === null) return;
    const done = stroke;
    stroke = null;
    hand.down = false;
    mark.classList.remove("ae-down");
    commit(done);
  }

  // By mouse, finger or stylus.
  /** @type {number | null} */
  let pointer = null;
  /** @type {(event: MouseEvent) => Ae.Pair} */
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [round((event.clientX - box.left) / box.width), round((event.clientY - box.top) / box.height)];
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || pointer !== null) return; // a second finger draws nothing
    event.preventDefault();
    finish();
    pointer = event.pointerId;
    canvas.setPointerCapture(event.pointerId);
    canvas.focus({ preventScroll: true });
    mark.hidden = true;
    stroke = [];
    extend(place(event));
    paint();
    changed();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== pointer || stroke === null) return;
    const all = event.getCoalescedEvents?.() ?? [];
    for (const e of all.length > 0 ? all : [event]) extend(place(e));
    paint();
    changed();
  });
  /** @type {(event: PointerEvent) => void} */
  const lift = (event) => {
    if (event.pointerId !== pointer) return;
    pointer = null;
    finish();
  };
  canvas.addEventListener("pointerup", lift);
  canvas.addEventListener("pointercancel", lift);
  canvas.addEventListener("lostpointercapture", lift);

  // By keyboard: a pen of its own, one pixel of MNIST a step (Shift: three).
  const showPen = () => {
    mark.hidden = false;
    mark.classList.toggle("ae-down", hand.down);
    mark.style.left = `${100 * hand.x}%`;
    mark.style.top = `${100 * hand.y}%`;
  };
  /** @type {Record<string, Ae.Pair>} */
  const ARROWS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const dip = () => {
    if (hand.down) return finish();
    hand.down = true;
    stroke = [];
    extend([hand.x, hand.y]);
    paint();
    changed();
  };
  /** @type {Record<string, () => void>} */
  const keys = {
    " ": dip,
    Enter: dip,
    Backspace: () => (hand.down ? finish() : undo()),
    Delete: () => {
      finish();
      clear();
    },
  };
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || pointer !== null) return;
    const arrow = ARROWS[event.key];
    if (arrow) {
      const step = (event.shiftKey ? 3 : 1) / FIELD;
      Object.assign(hand, { x: round(hand.x + arrow[0] * step), y: round(hand.y + arrow[1] * step) });
      if (hand.down) {
        extend([hand.x, hand.y]);
        paint();
        changed();
      }
    } else if (event.key in keys) {
      keys[event.key]();
    } else return;
    event.preventDefault(); // the page must not scroll
    event.stopPropagation();
    showPen();
    if (!arrow) return; // the drawing has spoken for itself
    const [x, y] = [hand.x, hand.y].map((v) => Math.round(FIELD * v));
    say(`Pen ${hand.down ? "down" : "up"}, ${x} right and ${y} down of ${FIELD}.`);
  });
  canvas.addEventListener("focus", () => {
    if (canvas.matches(":focus-visible") && pointer === null) showPen();
  });
  canvas.addEventListener("blur", () => {
    finish();
    mark.hidden = true;
  });
  return { node, redraw, paint, sheet: () => sheet };
}

// ---------------------------------------------------------------- the plane

// The plane that holds nearly all codes, made wider where q(z|x) lies outside of it.
/** @type {(corners: Corners, q: Gaussian) => Ae.Pair[]} */
export function wholePlane({ low, high }, { mu, sigma }) {
  return mu.map((m, i) => {
    const reach = CLOSE * (sigma === null ? 0 : sigma[i]) + 0.02 * (high[i] - low[i]);
    return [Math.min(low[i], m - reach), Math.max(high[i], m + reach)];
  });
}

// The neighbourhood of mu, as wide both ways, so that an ellipse keeps its shape; of a model without
// sigma, a twentieth of its plane.
/** @type {(corners: Corners, q: Gaussian) => Ae.Pair[]} */
export function closeBy({ low, high }, { mu, sigma }) {
  const reach = sigma === null ? Math.max(...mu.map((_, i) => high[i] - low[i])) / 40 : CLOSE * Math.max(...sigma);
  return mu.map((m) => [m - reach, m + reach]);
}

// A plane with the points of test digits, the prior, and q(z|x) as its mean and an ellipse of one sigma.
/** @type {(options: Ae.PlaneOptions) => View} */
function view(options) {
  const on = plane(options);
  const [prior, gaussian] = [s("ellipse", { class: "ae-rule" }), s("ellipse", { class: "ae-line ae-latent" })];
  const mean = s("circle", { class: "ae-fill ae-ink", r: 3.5 });
  on.clip.append(prior, gaussian, mean);
  let painted = ""; // the points are painted anew only where the window has moved
  return {
    on,
    forget() {
      painted = "";
    },
    show([x, y], codes, labels, { mu, sigma }, visible) {
      const key = JSON.stringify([x, y, codes.shape, codes.data[0]]);
      if (key !== painted) {
        on.frame({ x, y });
        paintCodes(on, codes, labels);
        painted = key;
      }
      const unit = [on.px(1) - on.px(0), on.py(0) - on.py(1)];
      /** @type {(centre: number[], radii: number[]) => Ae.Attributes} */
      const ellipse = (centre, radii) => ({
        cx: on.px(centre[0]), cy: on.py(centre[1]), rx: unit[0] * radii[0], ry: unit[1] * radii[1],
      });
      set(prior, ellipse([0, 0], [1, 1]));
      set(gaussian, ellipse(mu, sigma ?? [0, 0]));
      set(mean, { cx: on.px(mu[0]), cy: on.py(mu[1]) });
      prior.style.display = visible.prior ? "" : "none";
      gaussian.style.display = sigma === null ? "none" : "";
      mean.style.display = visible.mean ? "" : "none";
    },
  };
}

// ---------------------------------------------------------------- the figure

/** @type {Ae.Figure["render"]} */
function render({ model, el }) {
  /** @type {Spec[]} */
  const specs = model.get("models");
  /** @type {Ae.Limits} */
  const limits = model.get("limits");
  const weights = tensors(model);
  /** @type {number[]} */
  const labels = model.get("labels");
  /** @type {number[]} */
  const testDigits = model.get("presets");
  /** @type {{ name: string, strokes: Stroke[] }[]} */
  const drawn = model.get("drawn");
  const box = { width: FIELD, height: FIELD };
  /** @type {() => number} */
  const chosen = () => Math.max(0, specs.findIndex(({ name }) => name === model.get("model")));
  const conditional = specs.some(({ classes }) => classes > 0);
  /** @type {Ae.Images | null} */
  let picture = null; // (i) -> pixels of test digit i, once unpacked
  /** @type {Seen | null} */
  let seen = null;

  // ---- the sheet and its presets
  const clear = () => update(model, { preset: -1, strokes: [] });
  const undo = () => {
    /** @type {Stroke[]} */
    const strokes = model.get("strokes");
    if (strokes.length > 0) update(model, { strokes: strokes.slice(0, -1) });
    else if (model.get("preset") >= 0) clear();
  };
  /** @type {(sheet: Ae.Sheet) => void} */
  const start = (sheet) => {
    /** @type {number} */
    const preset = model.get("preset");
    if (preset >= testDigits.length) ink(sheet, drawn[preset - testDigits.length].strokes, model.get("pen"));
    else if (preset >= 0 && picture !== null) enlarge(sheet, picture(preset));
  };
  const numbers = readout([
    { key: "mu", label: "mean μ", colour: "latent" },
    { key: "sigma", label: "standard deviation σ", colour: "latent" },
    { key: "z", label: "z = μ + σ · ε, decoded" },
    { key: "kl", label: "KL to N(0, I)", colour: "latent" },
    { key: "error", label: "squared error", colour: "reconstruction" },
  ]);
  const paper = pad(model, {
    start, undo, clear, changed: draw, say: numbers.say,
    commit: (stroke) => update(model, { strokes: [...model.get("strokes"), stroke] }),
  });
  const names = [...testDigits.map((label) => `test digit ${label}`), ...drawn.map(({ name }) => name)];
  const thumbs = names.map((name) => image({ ...box, label: name }));
  const presets = choice({
    legend: "or start from one of these, and draw on it",
    items: thumbs.map(({ node }, i) => ({ node, label: names[i] })),
    onchange: (preset) => update(model, { preset, strokes: [] }),
  });

  // ---- what comes back
  const shown = image({ ...box, label: "the drawing, scaled and centred like MNIST" });
  const verdict = h("p", { class: "ae-heading", "data-key": "drawing" });
  const rebuilt = specs.map(({ name }) => image({ ...box, label: `reconstruction of the ${name}` }));
  const cards = choice({
    legend: "What comes back: choose one for its plane",
    items: rebuilt.map(({ node }, i) => ({
      node, label: specs[i].name, below: [h("span", { class: "ae-below" }, specs[i].name)],
    })),
    onchange: (i) => update(model, { model: specs[i].name }),
  });
  cards.node.classList.add("ae-cards");
  /** @type {(key: string) => HTMLElement} */
  const cell = (key) => h("td", { class: "ae-value", "data-key": key });
  const cells = specs.map((_, i) => ["verdict", "error", "nats", "bits"].map((key) => cell(`${key}-${i}`)));
  const heads = ["machine", "read as", "squared error", "KL, nats", "KL, bits"];
  const table = h(
    "table", { class: "ae-table" },
    h("thead", {}, h("tr", {}, ...heads.map((text) => h("th", { scope: "col" }, text)))),
    h("tbody", {}, ...specs.map(({ name }, i) => h("tr", {}, h("th", { scope: "row" }, name), ...cells[i]))),
  );
  const asked = [READER, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  const label = choice({
    legend: `The label that the ${specs.filter(({ classes }) => classes > 0).map(({ name }) => name).join(" and the ")} is told`,
    items: asked.map((y) => ({
      node: h("span", { class: "ae-chip" }, y === READER ? "as read" : `${y}`),
      label: y === READER ? "told what the reader reads" : `told that it is a ${y}`,
    })),
    onchange: (i) => update(model, { label: asked[i] }),
  });

  // ---- the plane
  const planeOf = h("p", { class: "ae-heading" });
  /** @type {Omit<Ae.PlaneOptions, "label">} */
  const axes = { x: [-1, 1], y: [-1, 1], xLabel: "latent number z₁", yLabel: "latent number z₂", canvas: true };
  const whole = view({ ...axes, label: "The latent plane of the chosen model, with the drawing's code" });
  // Its numbers have more digits, which leave no room for a name beside them.
  const near = view({ ...axes, height: 270, xLabel: "z₁ across, z₂ up", yLabel: undefined, label: "The neighbourhood of the drawing's code. Arrow keys move z." });
  /** @type {() => Pick<Made, "mu" | "sigma" | "z"> & Partial<Made>} */
  const q = () => seen?.models[chosen()] ?? { mu: [0, 0], sigma: null, z: [0, 0] };
  /** @type {() => Ae.Pair} */
  const epsNow = () => model.get("eps");
  /** @type {(eps: number[]) => void} */
  const toEps = (eps) => update(model, { eps: eps.map((v) => clamp(v, ...limits.eps)) });
  const sayZ = () => `z one ${number(q().z[0])}, z two ${number(q().z[1])}`;
  const z = handle(near.on, {
    label: "z", kind: "latent", radius: 6, range: limits.eps, get: () => [q().z[0], q().z[1]], now: () => epsNow()[0],
    text: sayZ, nudge: (dx, dy) => toEps([epsNow()[0] + 0.1 * dx, epsNow()[1] + 0.1 * dy]),
    set(at) {
      const { mu, sigma } = q();
      if (sigma) toEps(at.map((v, i) => (v - mu[i]) / sigma[i]));
    },
  });
  const sliders = ["ε₁", "ε₂"].map((name, i) => slider({
    key: `eps-${i}`, label: `noise ${name}`, min: limits.eps[0], max: limits.eps[1], step: 0.1, grain: 0.01,
    text: (v) => number(v), oninput: (v) => toEps(epsNow().map((old, j) => (j === i ? Number(v.toFixed(4)) : old))),
  }));
  let draws = 0;
  const noise = [
    button("Draw ε", () => {
      draws += 1;
      toEps(Array.from(normals(draws, 2)));
    }),
    button("ε = 0", () => toEps([0, 0])),
  ];

  function drawPlanes() {
    const now = q();
    const spec = specs[chosen()];
    const codes = weights[`${spec.prefix}/z`];
    planeOf.textContent = `The latent plane of the ${spec.name}`;
    whole.show(wholePlane(spec, now), codes, labels, now, { prior: spec.heads, mean: seen !== null });
    near.show(closeBy(spec, now), codes, labels, now, { prior: false, mean: seen !== null });
    z.node.style.display = now.sigma === null ? "none" : "";
    z.place();
    for (const [i, control] of sliders.entries()) {
      control.set(epsNow()[i]);
      control.input.disabled = !spec.heads;
    }
    for (const part of noise) part.disabled = !spec.heads;
  }

  /** @type {(values: number[], digits?: number) => string} */
  const pair = (values, digits = 2) => `(${values.map((v) => number(v, digits)).join(", ")})`;
  /** @type {(p: Float64Array) => string} */
  const sure = (p) => `${most(p)} (${number(100 * p[most(p)], 1)} %)`;

  function drawNumbers() {
    const now = q();
    /** @type {(key: string, value: Ae.Value, text: string) => void} */
    const put = (key, value, text) => numbers.set(key, value, seen === null ? "–" : text);
    put("mu", now.mu.join(" "), pair(now.mu));
    put("sigma", (now.sigma ?? []).join(" "), now.sigma === null ? "none: a point" : pair(now.sigma, 3));
    put("z", now.z.join(" "), pair(now.z));
    const { kl: nats = NaN, error = NaN } = now;
    put("kl", nats, now.sigma === null ? "none: a point" : `${number(nats)} nats = ${number(nats / Math.LN2)} bits`);
    put("error", error, number(error));
    verdict.textContent = seen === null ? "Nothing drawn yet" : `read as ${sure(seen.drawing)}`;
    const reading = seen === null ? NaN : most(seen.drawing);
    verdict.dataset.value = String(reading);
    for (const [i, { heads: variational }] of specs.entries()) {
      const made = seen?.models[i];
      const texts = made === undefined
        ? ["–", "–", "–", "–"]
        : [sure(made.p), number(made.error, 1), ...[made.kl, made.kl / Math.LN2].map((v) => (variational ? number(v) : "none"))];
      const values = made === undefined ? [] : [most(made.p), made.error, made.kl, made.kl / Math.LN2];
      for (const [k, td] of cells[i].entries()) {
        td.textContent = texts[k];
        td.dataset.value = String(values[k] ?? NaN);
      }
      cells[i][0].classList.toggle("ae-wrong", made !== undefined && most(made.p) !== reading);
    }
  }

  function draw() {
    const x = asMnist(paper.sheet());
    const found = x === null ? null : look(specs, weights, x, model.get("eps"), model.get("label"));
    seen = found;
    const blank = new Float64Array(FIELD * FIELD);
    // All pictures before all words: a picture asks for its colours, and words make the page count anew.
    shown.draw(x ?? blank);
    for (const [i, part] of rebuilt.entries()) part.draw(found?.models[i].x ?? blank);
    for (const [i, part] of rebuilt.entries()) {
      const what = found === null ? "nothing drawn yet" : `read as ${most(found.models[i].p)}`;
      part.describe(`reconstruction of the ${specs[i].name}: ${what}`);
    }
    shown.describe(found === null ? "nothing drawn yet" : `the drawing, scaled and centred: read as ${most(found.drawing)}`);
    cards.set(chosen());
    label.set(asked.indexOf(model.get("label")));
    const preset = model.get("preset");
    for (const [i, input] of presets.inputs.entries()) input.checked = i === preset;
    drawPlanes();
    drawNumbers();
    /** @type {(spec: Spec, made: Made) => string} */
    const said = (spec, made) =>
      `${spec.name}: read as ${most(made.p)}, squared error ${number(made.error, 1)}` +
      (spec.heads ? `, KL ${number(made.kl)} nats` : "");
    numbers.say(
      found === null
        ? "The sheet is empty."
        : `Read as ${sure(found.drawing)}. ${specs.map((spec, i) => said(spec, found.models[i])).join(". ")}.`,
    );
  }
  function begin() {
    paper.redraw();
    draw();
  }
  function paintThumbs() {
    for (const [i, thumb] of thumbs.entries()) {
      if (i < testDigits.length) {
        if (picture !== null) thumb.draw(picture(i));
        continue;
      }
      const sheet = sheetOf(model.get("sheet"));
      ink(sheet, drawn[i - testDigits.length].strokes, model.get("pen"));
      const x = asMnist(sheet);
      if (x !== null) thumb.draw(x);
    }
  }

  frame(
    el, model,
    columns(
      column(
        h("p", { class: "ae-heading" }, "Draw a digit here"), paper.node,
        row(button("Clear", clear), button("Undo", undo)), presets.node, ...(conditional ? [label.node] : []),
      ),
      column(h("p", { class: "ae-heading" }, "What the models get"), h("div", { class: "ae-picture" }, shown.node), verdict, cards.node, table),
    ),
    columns(
      column(planeOf, whole.on.node, numbers.node),
      column(h("p", { class: "ae-heading" }, "The same place, from close by"), near.on.node, ...sliders.map(({ node }) => node), row(...noise)),
    ),
    caption(
      "Points: codes of test digits ", ...digitKeys(),
      ". Small dot: μ. Ellipse: one σ around it. Large dot: z; drag it. Dashed: one σ of the prior. ",
      "By keyboard, on the sheet: arrows move the pen, Space puts it down and lifts it, Backspace takes back.",
    ),
  );
  const stop = together(
    watch(model, ["preset", "strokes"], begin),
    watch(model, ["eps", "label", "model"], draw),
    whenShown(el, () => {
      whole.forget(); // in the colours of the theme that holds now
      near.forget();
      drawPlanes();
    }),
  );
  begin();
  return together(stop, whenUnpacked(model.get("pictures"), box, (found) => {
    picture = found;
    paintThumbs();
    begin();
  }));
}

export default { render };
