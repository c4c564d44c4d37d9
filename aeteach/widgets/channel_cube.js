// Points on a cube before and after a noisy bottleneck of two numbers, turned by hand.
import { clamp } from "./kit/maths.js";
import { linear } from "./kit/layers.js";
import { run } from "./kit/network.js";
import { normals } from "./kit/random_normals.js";
import { tensors } from "./kit/weights.js";
import {
  button, canvasOf, caption, choice, coalesced, column, columns, frame, h, number, pen, plane, readout, row, set, slider, together,
  update, watch, whenShown,
} from "./kit/kit.js";

/** @typedef {[right: number, up: number, depth: number]} Seen */
/** @typedef {{ canvas: HTMLCanvasElement, draw: (points: Float32Array | Float64Array, role: string, faces: number[]) => void }} Space */
/** @typedef {{ name: string, power: number, variance: number, z: Float32Array, noisy: Float64Array, points: Float64Array, rate: number, error: number }} Received */

const NEAREST = "nearest";
const FACES = ["none", "left", "right", "front", "back", "bottom", "top"]; // coordinates 0 and 1, one after the other
const VIEW = { yaw: 30, pitch: 25 };
const MIDDLE = 0.5; // the cube turns about its centre
const REACH = 0.92; // half the width of a drawing, in edges; half the longest diagonal is 0.87
const EDGES = [[0, 1], [2, 3], [4, 5], [6, 7], [0, 2], [1, 3], [4, 6], [5, 7], [0, 4], [1, 5], [2, 6], [3, 7]];
const CORNERS = Array.from({ length: 8 }, (_, i) => [(i >> 2) & 1, (i >> 1) & 1, i & 1]);

// ---------------------------------------------------------------- the channel

/** @type {(db: number) => number} */
export function ratio(db) {
  return 10 ** (db / 10);
}

// 1/2 log2(1 + signal / noise), summed over the dimensions: bits
/** @type {(signal: number[], noise: number) => number} */
export function rate(signal, noise) {
  return signal.reduce((sum, v) => sum + Math.log2(1 + v / noise) / 2, 0);
}

// The name of the model whose SNR of training is nearest; of two, the lower one.
/** @type {(names: string[], db: number) => string} */
export function nearestModel(names, db) {
  /** @type {(name: string) => number} */
  const away = (name) => Math.abs(Number(name) - db);
  return names.reduce((best, name) => (away(name) < away(best) ? name : best));
}

// Every code (n, 2) with noise of this variance; eps holds two numbers for each.
/** @type {(z: Iterable<number>, noise: number, eps: Ae.Numbers) => Float64Array} */
export function receive(z, noise, eps) {
  const noisy = Float64Array.from(z);
  const sigma = Math.sqrt(noise);
  for (let i = 0; i < noisy.length; i++) noisy[i] += sigma * eps[i];
  return noisy;
}

// Decode codes (n, 2) to points (n, 3).
/** @type {(steps: Ae.Step[], z: Float64Array, weights: Ae.Tensors, name: string) => Float64Array} */
export function decode(steps, z, weights, name) {
  const n = z.length / 2;
  let rows = z;
  for (const step of steps) {
    // Layer by layer, all codes at once: what a layer needs is looked up once.
    if (step.op !== "linear") {
      rows = run([step], { shape: [rows.length], data: rows }, weights, name).data; // number by number
      continue;
    }
    const [W, b] = ["w", "b"].map((kind) => weights[`${name}/${kind}${step.at}`]);
    const [wide, across] = W.shape;
    const next = new Float64Array(n * wide);
    for (let i = 0; i < n; i++) next.set(linear(rows.subarray(i * across, (i + 1) * across), W, b), i * wide);
    rows = next;
  }
  return rows;
}

// Squared error of points (n, 3), summed over the coordinates, mean over the points.
/** @type {(a: Float64Array, b: Ae.Numbers) => number} */
export function squaredError(a, b) {
  return a.reduce((sum, v, i) => sum + (v - b[i]) ** 2, 0) / (a.length / 3);
}

// How far a point is from the surface of the unit cube, inside or outside.
/** @type {(p: number[]) => number} */
export function surfaceDistance(p) {
  const beyond = Math.hypot(...p.map((v) => v - clamp(v, 0, 1)));
  return beyond > 0 ? beyond : Math.min(...p.map((v) => Math.min(v, 1 - v)));
}

// Which face a point lies on, its place in FACES: the nearest one.
/** @type {(p: number[]) => number} */
export function faceOf(p) {
  const away = p.flatMap((v) => [Math.abs(v), Math.abs(v - 1)]);
  return 1 + away.indexOf(Math.min(...away));
}

// Where a point is seen: [right, up, depth], in edges from the centre; depth grows towards the reader.
/** @type {(p: number[], yaw: number, pitch: number) => Seen} */
export function project(p, yaw, pitch) {
  const [x, y, z] = p.map((v) => v - MIDDLE);
  const [a, b] = [yaw, pitch].map((degrees) => (degrees * Math.PI) / 180);
  const right = Math.cos(a) * x - Math.sin(a) * y; // what is in front moves right as yaw grows
  const away = Math.cos(a) * y + Math.sin(a) * x;
  return [right, Math.cos(b) * z + Math.sin(b) * away, Math.sin(b) * z - Math.cos(b) * away];
}

// ---------------------------------------------------------------- drawings

/** @type {(degrees: number) => number} */
const wrap = (degrees) => ((degrees + 540) % 360) - 180;

// A drawing of points in space that mouse, finger and arrow keys turn.
/** @type {(model: Ae.Model, label: string) => Space} */
function space(model, label) {
  /** @type {Ae.Limits} */
  const limits = model.get("limits");
  const canvas = h("canvas", { class: "ae-pad", tabindex: 0, role: "slider", "aria-label": label, style: "cursor: grab" });
  /** @type {(dx: number, dy: number) => void} */
  const turn = (dx, dy) => update(model, {
    yaw: wrap(model.get("yaw") + dx), pitch: clamp(model.get("pitch") + dy, ...limits.pitch),
  });
  /** @type {Ae.Pair | null} */
  let from = null;
  canvas.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    canvas.focus({ preventScroll: true });
    from = [event.clientX, event.clientY];
  });
  canvas.addEventListener("pointermove", (event) => {
    if (from === null) return;
    const degrees = 180 / canvas.getBoundingClientRect().width; // a drag across is half a turn
    turn((event.clientX - from[0]) * degrees, (event.clientY - from[1]) * degrees);
    from = [event.clientX, event.clientY];
  });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
    canvas.addEventListener(end, () => {
      from = null;
    });
  }
  /** @type {Record<string, Ae.Pair>} */
  const KEYS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  canvas.addEventListener("keydown", (event) => {
    const arrow = KEYS[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey || (!arrow && event.key !== "Home")) return;
    event.preventDefault();
    event.stopPropagation();
    if (!arrow) return update(model, VIEW);
    const degrees = event.shiftKey ? 30 : 3;
    turn(degrees * arrow[0], degrees * arrow[1]);
  });
  return {
    canvas,
    draw(points, role, faces) {
      /** @type {[yaw: number, pitch: number, face: number]} */
      const [yaw, pitch, only] = [model.get("yaw"), model.get("pitch"), model.get("face")];
      const side = Math.max(1, Math.round(canvas.clientWidth * (globalThis.devicePixelRatio || 1)));
      if (canvas.width !== side) [canvas.width, canvas.height] = [side, side];
      const context = pen(canvas);
      const style = getComputedStyle(canvas);
      /** @type {(name: string) => string} */
      const paint = (name) => style.getPropertyValue(`--ae-${name}`);
      const scale = side / (2 * REACH);
      /** @type {(p: number[]) => Seen} */
      const place = (p) => {
        const [right, up, depth] = project(p, yaw, pitch);
        return [side / 2 + scale * right, side / 2 - scale * up, depth];
      };
      context.clearRect(0, 0, side, side);
      context.strokeStyle = paint("muted");
      context.lineWidth = side / 300;
      for (const [i, j] of EDGES) {
        context.beginPath();
        const [[fromX, fromY], [toX, toY]] = [place(CORNERS[i]), place(CORNERS[j])];
        context.moveTo(fromX, fromY);
        context.lineTo(toX, toY);
        context.stroke();
      }
      const seen = faces.map((face, i) => ({ face, at: place([...points.subarray(3 * i, 3 * i + 3)]) }));
      seen.sort((a, b) => a.at[2] - b.at[2]); // what is near is drawn over what is far
      const [good, other] = [paint("good"), paint(role)];
      for (const { face, at } of seen) {
        const own = only === face;
        context.fillStyle = own ? good : other;
        context.globalAlpha = (only === 0 || own ? 1 : 0.25) * clamp(0.75 + 0.5 * at[2], 0.35, 1);
        context.beginPath();
        context.arc(at[0], at[1], (side / 110) * clamp(1 + 0.45 * at[2], 0.6, 1.4) * (own ? 1.3 : 1), 0, 2 * Math.PI);
        context.fill();
      }
      context.globalAlpha = 1;
      set(canvas, {
        "aria-valuenow": Math.round(yaw), "aria-valuemin": limits.yaw[0], "aria-valuemax": limits.yaw[1],
        "aria-valuetext": `turned ${number(yaw, 0)}°, tilted ${number(pitch, 0)}°`,
      });
    },
  };
}

// The codes in their plane: clean ones small and dark, received ones larger and pale.
/** @type {() => { node: HTMLElement, draw: (clean: Ae.Numbers, noisy: Ae.Numbers, faces: number[], only: number, reach: Ae.Pair[]) => void }} */
function latent() {
  const on = plane({
    x: [-1, 1], y: [-1, 1], height: 300, xLabel: "latent number z₁", yLabel: "latent number z₂", canvas: true,
    label: "The two latent numbers of every point, without and with noise",
  });
  return {
    node: on.node,
    draw(clean, noisy, faces, only, reach) {
      on.frame({ x: reach[0], y: reach[1] });
      const { box } = on;
      const canvas = canvasOf(on);
      const scale = 3; // canvas pixels to a drawing unit, for sharp screens
      [canvas.width, canvas.height] = [scale * (box.right - box.left), scale * (box.bottom - box.top)];
      const context = pen(canvas);
      const style = getComputedStyle(canvas);
      context.scale(scale, scale);
      /** @type {(z: Ae.Numbers, role: string, radius: number, alpha: number) => void} */
      const dots = (z, role, radius, alpha) => {
        const [good, other] = ["good", role].map((name) => style.getPropertyValue(`--ae-${name}`));
        for (const [i, face] of faces.entries()) {
          context.fillStyle = only === face ? good : other;
          context.globalAlpha = alpha * (only === 0 || only === face ? 1 : 0.25);
          context.beginPath();
          context.arc(on.px(z[2 * i]) - box.left, on.py(z[2 * i + 1]) - box.top, radius, 0, 2 * Math.PI);
          context.fill();
        }
      };
      dots(noisy, "reconstruction", 2.4, 0.55);
      dots(clean, "latent", 1.6, 1);
    },
  };
}

// Ranges of both axes that hold all clean codes and 2.5 standard deviations of the noise around them.
/** @type {(z: Float32Array, noise: number) => Ae.Pair[]} */
function ranges(z, noise) {
  return [0, 1].map((axis) => {
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let i = axis; i < z.length; i += 2) [low, high] = [Math.min(low, z[i]), Math.max(high, z[i])];
    const more = 2.5 * Math.sqrt(noise);
    [low, high] = [low - more, high + more];
    const edge = 0.04 * (high - low) || 0.1;
    return [low - edge, high + edge];
  });
}

/** @type {(kind: string, name: string) => HTMLElement} */
const legend = (kind, name) => h("span", { class: "ae-key" }, h("span", { class: `ae-swatch ae-${kind}` }), name);
/** @type {(label: string) => Ae.ChoiceItem} */
const chip = (label) => ({ label, node: h("span", { class: "ae-chip" }, label) });

// ---------------------------------------------------------------- the figure

/** @type {Ae.Figure["render"]} */
function render({ model, el }) {
  const [low, high] = model.get("limits").db;
  /** @type {() => number} */
  const db = () => model.get("db");
  /** @type {Record<string, Ae.Step[]>} */
  const networks = model.get("networks");
  const weights = tensors(model);
  const x = weights.points.data;
  const n = x.length / 3;
  const faces = Array.from({ length: n }, (_, i) => faceOf([...x.subarray(3 * i, 3 * i + 3)]));
  const names = Object.keys(networks).sort((a, b) => Number(a) - Number(b));
  /** @type {Map<string, number>} */
  const without = new Map(); // squared error of each model on a clean channel

  const sent = space(model, "view of the points sent");
  const got = space(model, "view of the points received");
  const codes = latent();
  const noise = slider({
    key: "db", label: "SNR of the channel", min: low, max: high, step: 1, grain: 0.5,
    text: (v) => `${number(v, 1)} dB`, oninput: (v) => update(model, { db: v }),
  });
  const which = choice({
    legend: "Model trained at (dB)", items: [chip(NEAREST), ...names.map(chip)],
    onchange: (i) => update(model, { trained: [NEAREST, ...names][i] }),
  });
  const face = choice({
    legend: "A face that stands out", items: FACES.map(chip), onchange: (i) => update(model, { face: i }),
  });
  const numbers = readout([
    { key: "ratio", label: "SNR as a ratio" },
    { key: "model", label: "model shown: trained at" },
    { key: "power", label: "signal power (variance of z)", colour: "latent" },
    { key: "noise", label: "noise power (variance)", colour: "reconstruction" },
    { key: "rate", label: "rate by the formula" },
    { key: "error", label: "squared error", colour: "reconstruction" },
    { key: "clean", label: "without noise" },
    { key: "distance", label: "mean distance to the surface" },
  ]);

  /** @type {Received | null} */
  let now = null; // what the latest noise has made
  /** @type {{ seed: number, eps: Ae.Numbers }} */
  let drawn = { seed: -1, eps: [] }; // more than two numbers a point: it begins with those
  function send() {
    /** @type {string} */
    const name = model.get("trained") === NEAREST ? nearestModel(names, db()) : model.get("trained");
    /** @type {number[]} */
    const signal = model.get("power")[name];
    const power = signal.reduce((sum, v) => sum + v, 0) / signal.length;
    const variance = power / ratio(db());
    const z = weights[`${name}/z`].data;
    if (drawn.seed !== model.get("seed")) drawn = { seed: model.get("seed"), eps: normals(model.get("seed"), x.length) };
    const noisy = receive(z, variance, drawn.eps);
    const steps = networks[name];
    const points = decode(steps, noisy, weights, name);
    const clean = without.get(name) ?? squaredError(decode(steps, Float64Array.from(z), weights, name), x);
    without.set(name, clean);
    now = { name, power, variance, z, noisy, points, rate: rate(signal, variance), error: squaredError(points, x) };
    const away = faces.reduce((sum, _, i) => sum + surfaceDistance([...points.subarray(3 * i, 3 * i + 3)]) / n, 0);

    const snr = ratio(db());
    noise.set(db());
    which.set([NEAREST, ...names].indexOf(model.get("trained")));
    numbers.set("ratio", snr, number(snr, snr < 10 ? 2 : 0));
    numbers.set("model", Number(name), `${number(Number(name), 0)} dB`);
    numbers.set("power", power, number(power, 4));
    numbers.set("noise", variance, number(variance, 4));
    numbers.set("rate", now.rate, `${number(now.rate, 2)} bits a point`);
    numbers.set("error", now.error, number(now.error, 4));
    numbers.set("clean", clean, number(clean, 4));
    numbers.set("distance", away, `${number(away, 3)} edges`);
    numbers.say(
      `${number(db(), 1)} decibels, model trained at ${name}: ${number(now.rate, 1)} bits a point, ` +
      `squared error ${number(now.error, 3)}.`,
    );
    receiveAgain();
  }

  function turned() {
    sent.draw(x, "data", faces);
    if (now !== null) got.draw(now.points, "reconstruction", faces);
  }

  function look() {
    face.set(model.get("face"));
    sent.draw(x, "data", faces);
    receiveAgain();
  }

  // What the noise changes: all but the points that were sent.
  function receiveAgain() {
    if (now === null) return;
    got.draw(now.points, "reconstruction", faces);
    codes.draw(now.z, now.noisy, faces, model.get("face"), ranges(now.z, now.variance));
  }

  /** @type {(name: string, canvas: HTMLCanvasElement) => HTMLElement} */
  const titled = (name, canvas) =>
    h("div", { class: "ae-picture" }, h("span", { class: "ae-title" }, name), canvas);
  frame(
    el, model,
    h("div", { class: "ae-pictures ae-pair" }, titled("sent: x", sent.canvas), titled("received: x̂", got.canvas)),
    columns(
      column(
        codes.node,
        h("p", { class: "ae-note" }, legend("latent", "code z"), legend("reconstruction", "received, z + n"), legend("good", "the face")),
        face.node,
      ),
      column(
        noise.node, which.node, numbers.node,
        row(
          button("New noise", () => update(model, { seed: (model.get("seed") + 1) % 2 ** 31 })),
          button("Reset view", () => update(model, VIEW)),
        ),
      ),
    ),
    caption(
      `${n} points. The nearest of ${names.length} trained models is shown, unless you choose one; the noise is always that of ` +
      "the slider. Drag a cube to turn both; keys: Tab, then arrows (Shift: further, Home: back).",
    ),
  );
  const stop = together(
    watch(model, ["db", "trained", "seed"], send), watch(model, ["yaw", "pitch"], coalesced(turned)),
    watch(model, ["face"], look), whenShown(el, look),
  );
  send();
  return stop;
}

export default { render };
