// x -> h -> (mu, sigma) -> z -> loss, twice: z sampled, and z = mu + sigma eps. Arrows are gradients.
import { button, caption, column, columns, frame, h as html, number, readout, row, s, slider, update, watch } from "./kit/kit.js";
import { clamp } from "./kit/maths.js";
import { normals } from "./kit/random_normals.js";

/** @typedef {{ x: number, w1: number, w_mu: number, w_sigma: number, eps: number, target: number }} State */
/** @typedef {{
 *   h: number, mu: number, sigma: number, z: number, loss: number, d_z: number, d_mu: number, d_sigma: number,
 *   d_h: number, d_w_mu: number, d_w_sigma: number, d_w1: number, d_x: number,
 * }} Pass */

/** @type {(state: State) => Pass} */
export function bothWays({ x, w1, w_mu, w_sigma, eps, target }) {
  const h = w1 * x;
  const [mu, sigma] = [w_mu * h, w_sigma * h];
  const z = mu + sigma * eps;
  const d_z = z - target;
  const [d_mu, d_sigma] = [d_z, d_z * eps];
  const d_h = d_mu * w_mu + d_sigma * w_sigma;
  return {
    h, mu, sigma, z, loss: d_z ** 2 / 2, d_z, d_mu, d_sigma, d_h,
    d_w_mu: d_mu * h, d_w_sigma: d_sigma * h, d_w1: d_h * x, d_x: d_h * w1,
  };
}

// The n-th draw of eps, held within the slider.
/** @type {(n: number, range: Ae.Pair) => number} */
export function draw(n, range) {
  return clamp(normals(1000 + n, 1)[0], ...range);
}

// How thick the arrow of a gradient is, in drawing units: by its logarithm, 0 for no gradient.
/** @type {(gradient: number) => number} */
export function thickness(gradient) {
  return gradient === 0 ? 0 : Math.min(1.4 + 1.5 * Math.log10(1 + Math.abs(gradient)), 8);
}

// An arrow from a to b as one outline: shaft and head.
/** @type {(from: Ae.Pair, to: Ae.Pair, width: number) => string} */
export function arrow([ax, ay], [bx, by], width) {
  const length = Math.hypot(bx - ax, by - ay);
  const [ux, uy] = [(bx - ax) / length, (by - ay) / length];
  const head = Math.min(6 + width, length);
  /** @type {(along: number, across: number) => string} */
  const at = (along, across) => `${(ax + along * ux - across * uy).toFixed(1)} ${(ay + along * uy + across * ux).toFixed(1)}`;
  const [half, wide] = [width / 2, width / 2 + 3.2];
  const shaft = length - head;
  return `M${at(0, half)}L${at(shaft, half)}L${at(shaft, wide)}L${at(length, 0)}L${at(shaft, -wide)}L${at(shaft, -half)}L${at(0, -half)}Z`;
}

// ---------------------------------------------------------------- the drawing

const BOX = { width: 62, height: 38 };
/** @type {Record<string, Ae.Pair>} */
const PLACES = {
  x: [100, 24], w1: [240, 24], h: [170, 114], w_mu: [45, 114], w_sigma: [295, 114],
  mu: [104, 210], sigma: [236, 210], z: [170, 312], eps: [296, 312], loss: [170, 398],
};
// from, to, the gradient that flows back along this edge, and where its number stands
/** @type {[string, string, string | null, Ae.Pair, string][]} */
const EDGES = [
  ["x", "h", "d_x", [121, 74], "end"], ["w1", "h", "d_w1", [229, 77], "start"],
  ["w_mu", "mu", "d_w_mu", [60, 172], "end"], ["h", "mu", "h_mu", [108, 154], "middle"],
  ["h", "sigma", "h_sigma", [232, 154], "middle"], ["w_sigma", "sigma", "d_w_sigma", [280, 172], "start"],
  ["mu", "z", "d_mu", [118, 268], "end"], ["sigma", "z", "d_sigma", [222, 268], "start"],
  ["z", "loss", "d_z", [190, 359], "start"], ["eps", "z", null, [0, 0], ""],
];
/** @type {Record<string, string[]>} */
const NAMES = { x: ["x"], w1: ["w", "1"], h: ["h"], w_mu: ["w", "μ"], w_sigma: ["w", "σ"], mu: ["μ"], sigma: ["σ"], z: ["z"], eps: ["ε"], loss: ["L"] };

// Where the straight line from the middle of a box towards `to` leaves the box.
/** @type {(from: Ae.Pair, to: Ae.Pair, gap?: number) => Ae.Pair} */
function border([x, y], [tx, ty], gap = 3) {
  const [dx, dy] = [tx - x, ty - y];
  const scale = Math.min((BOX.width / 2 + gap) / Math.abs(dx || 1e-9), (BOX.height / 2 + gap) / Math.abs(dy || 1e-9));
  return [x + dx * scale, y + dy * scale];
}

// Both ends of an edge, moved sideways by `shift`.
/** @type {(from: string, to: string, shift: number) => [Ae.Pair, Ae.Pair]} */
function ends(from, to, shift) {
  const [a, b] = [border(PLACES[from], PLACES[to]), border(PLACES[to], PLACES[from])];
  const length = Math.hypot(b[0] - a[0], b[1] - a[1]);
  const side = [(-(b[1] - a[1]) / length) * shift, ((b[0] - a[0]) / length) * shift];
  return [[a[0] + side[0], a[1] + side[1]], [b[0] + side[0], b[1] + side[1]]];
}

/** @type {(key: string) => Ae.Child[]} */
function name(key) {
  const [letter, index] = NAMES[key];
  return index ? [letter, s("tspan", { dy: 3, "font-size": 9.5 }, index)] : [letter];
}

/** @type {(key: string, value: string, look?: { dashed?: boolean, kind?: string }) => SVGGElement} */
function node(key, value, { dashed = false, kind = "ink" } = {}) {
  const [x, y] = PLACES[key];
  return s(
    "g", {},
    s("rect", {
      class: `ae-thin ae-${kind}`, x: x - BOX.width / 2, y: y - BOX.height / 2, width: BOX.width, height: BOX.height,
      rx: key.startsWith("w") ? 4 : 13, "stroke-dasharray": dashed ? "5 3" : null, style: "fill: var(--ae-panel)",
    }),
    s("text", { x, y: y - 4, "text-anchor": "middle", style: "fill: var(--ae-ink)" }, ...name(key)),
    s("text", { x, y: y + 12.5, "text-anchor": "middle", style: "fill: var(--ae-ink)" }, value),
  );
}

/** @type {(v: number) => string} */
const short = (v) => number(v, Math.abs(v) >= 1000 ? 0 : Math.abs(v) >= 100 ? 1 : 2);

// One graph as SVG; `mended` says whether z is computed from eps or drawn.
/** @type {(values: Record<string, number>, mended: boolean) => SVGElement[]} */
function graph(values, mended) {
  const hidden = new Set(mended ? [] : ["eps"]);
  /** @type {SVGElement[]} */
  const parts = [];
  /** @type {(from: string, to: string) => boolean} */
  const blocked = (from, to) => !mended && to !== "loss" && from !== "z";
  for (const [from, to, gradient, at, anchor] of EDGES) {
    if (hidden.has(from)) continue;
    const shift = gradient === null || blocked(from, to) ? 0 : 6;
    parts.push(s("path", { class: "ae-fill ae-data", d: arrow(...ends(from, to, shift), 1.3) }));
    if (gradient === null) continue;
    const size = blocked(from, to) ? 0 : thickness(values[gradient]);
    if (size > 0) {
      const [a, b] = ends(from, to, -6);
      parts.push(s("path", { class: "ae-fill ae-reconstruction", "data-edge": gradient, d: arrow(b, a, size) }));
    }
    const isWeight = from.startsWith("w");
    if (!blocked(from, to) || isWeight) {
      const text = blocked(from, to) ? "none" : short(values[gradient]);
      parts.push(s("text", { class: "ae-tag ae-gradient", x: at[0], y: at[1], "text-anchor": anchor }, text));
    }
  }
  if (!mended) {
    parts.push(
      s("line", { class: "ae-bar ae-reconstruction", x1: 118, x2: 222, y1: 280, y2: 280 }),
      s("text", { x: 240, y: 306 }, "drawn from"),
      s("text", { x: 240, y: 323 }, "N(μ, σ²)"),
    );
  }
  for (const key of Object.keys(PLACES)) {
    if (hidden.has(key)) continue;
    parts.push(node(key, short(values[key]), {
      dashed: key === "z" && !mended,
      kind: key === "z" || key === "eps" ? "latent" : key === "x" ? "data" : "ink",
    }));
  }
  return parts;
}

// ---------------------------------------------------------------- the figure

// What a slider is called, its step and its decimals.
/** @type {[keyof State, string, number, number][]} */
const SLIDERS = [
  ["eps", "noise ε", 0.1, 2], ["x", "input x", 0.1, 1], ["w1", "weight w₁", 0.1, 1], ["w_mu", "weight of μ", 0.5, 1],
  ["w_sigma", "weight of σ", 0.5, 1], ["target", "target of z", 5, 0],
];
const START = { x: 3, w1: 2, w_mu: 8, w_sigma: 9, eps: 0.5, target: 70, draws: 0 };

/** @type {Ae.Figure["render"]} */
function render({ model, el }) {
  /** @type {Ae.Limits} */
  const limits = model.get("limits");
  const sliders = SLIDERS.map(([key, label, step, digits]) => ({
    key,
    ...slider({
      key, label, min: limits[key][0], max: limits[key][1], step, grain: key === "eps" ? 0.001 : step,
      text: (v) => number(v, digits), oninput: (v) => update(model, { [key]: Math.round(v * 1000) / 1000 }),
    }),
  }));
  /** @type {() => State} */
  const now = () => ({
    x: model.get("x"), w1: model.get("w1"), w_mu: model.get("w_mu"), w_sigma: model.get("w_sigma"),
    eps: model.get("eps"), target: model.get("target"),
  });
  /** @type {(label: string) => SVGSVGElement} */
  const drawing = (label) => s("svg", { class: "ae-plane", viewBox: "0 0 340 422", role: "img", "aria-label": label });
  const broken = drawing("Left: z is drawn. Gradients stop at z.");
  const mended = drawing("Right: z is computed from μ, σ and ε. Gradients reach every weight.");
  const numbers = readout([
    { key: "z", label: "z" },
    { key: "loss", label: "loss L = ½ (z − target)²" },
    { key: "d_w1", label: "∂L/∂w₁, mended", colour: "reconstruction" },
    { key: "d_w_mu", label: "∂L/∂w of μ, mended", colour: "reconstruction" },
    { key: "d_w_sigma", label: "∂L/∂w of σ, mended", colour: "reconstruction" },
    { key: "broken", label: "all three, broken" },
    { key: "draws", label: "times resampled" },
  ]);

  function redraw() {
    const state = now();
    const pass = bothWays(state);
    /** @type {Record<string, number>} */
    const values = { ...state, ...pass, h_mu: pass.d_mu * state.w_mu, h_sigma: pass.d_sigma * state.w_sigma };
    broken.replaceChildren(...graph(values, false));
    mended.replaceChildren(...graph(values, true));
    for (const control of sliders) control.set(state[control.key]);
    for (const key of ["z", "loss", "d_w1", "d_w_mu", "d_w_sigma"]) numbers.set(key, values[key], number(values[key], 2));
    numbers.set("broken", 0, "none");
    numbers.set("draws", model.get("draws"), String(model.get("draws")));
    numbers.say(
      `Noise ${number(state.eps, 2)}, z ${number(values.z, 2)}, loss ${number(values.loss, 2)}. Gradients, mended: ` +
      `${number(values.d_w1, 2)}, ${number(values.d_w_mu, 2)}, ${number(values.d_w_sigma, 2)}. Broken: none.`,
    );
  }

  /** @type {(text: string) => HTMLElement} */
  const title = (text) => html("span", { class: "ae-label" }, text);
  frame(
    el, model,
    columns(
      column(title("Broken: z is drawn"), html("div", { class: "ae-stack" }, broken)),
      column(title("Mended: z = μ + σ ε"), html("div", { class: "ae-stack" }, mended)),
    ),
    columns(
      column(
        row(
          button("Resample eps", () => update(model, { eps: draw(model.get("draws"), limits.eps), draws: model.get("draws") + 1 })),
          button("Start again", () => update(model, START)),
        ),
        ...sliders.map((control) => control.node),
      ),
      column(numbers.node),
    ),
    caption("Thin arrows: values, forwards. Thick arrows: gradients of L, backwards; their width grows with the logarithm of the number beside them. A gradient beside an edge is what flows along that edge."),
  );
  const stop = watch(model, [...SLIDERS.map(([key]) => key), "draws"], redraw);
  redraw();
  return stop;
}

export default { render };
