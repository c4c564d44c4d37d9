// The loss of the smallest linear autoencoder there is: two numbers in, one between, tied weights.
import { clamp, direction, eigen2, quadratic, times, wrap180 } from "./kit/maths.js";
import {
  animate, button, canvasOf, caption, colour, column, columns, frame, handle, mix, number, path, pen, plane, readout, row,
  s, set, slider, together, update, watch, whenShown,
} from "./kit/kit.js";

const REACH = 1.6; // the square of weights shown: both from -REACH to REACH
const RATE = 0.05; // the step size is RATE / tr S, small enough from anywhere in the square
const AT_REST = 1e-4; // gradient norm over tr S below which the descent ends
const MOST_STEPS = 3000;

// S = R diag(sd1^2, sd2^2) R^T, R turning the first axis by `angle` degrees.
/** @type {(sd1: number, sd2: number, angle: number) => Ae.Symmetric} */
export function covarianceOf(sd1, sd2, angle) {
  const [c, d] = direction(angle);
  const [a, b] = [sd1 * sd1, sd2 * sd2];
  return { xx: a * c * c + b * d * d, xy: (a - b) * c * d, yy: a * d * d + b * c * c };
}

// x = R diag(sd1, sd2) e for every whitened point e.
/** @type {(white: Ae.Pair[], sd1: number, sd2: number, angle: number) => Ae.Pair[]} */
export function dataOf(white, sd1, sd2, angle) {
  const [c, d] = direction(angle);
  return white.map(([a, b]) => [c * sd1 * a - d * sd2 * b, d * sd1 * a + c * sd2 * b]);
}

// mean over x of ||x - w w^T x||^2 = tr S - 2 w^T S w + (w^T w)(w^T S w)
/** @type {(S: Ae.Symmetric, w: Ae.Pair) => number} */
export function lossAt(S, w) {
  const q = quadratic(S, w);
  return S.xx + S.yy - 2 * q + (w[0] * w[0] + w[1] * w[1]) * q;
}

// -4 S w + 2 (w^T S w) w + 2 (w^T w) S w
/** @type {(S: Ae.Symmetric, w: Ae.Pair) => Ae.Pair} */
export function gradientAt(S, w) {
  const q = quadratic(S, w);
  const n = w[0] * w[0] + w[1] * w[1];
  const [a, b] = times(S, w);
  return [(2 * n - 4) * a + 2 * q * w[0], (2 * n - 4) * b + 2 * q * w[1]];
}

// One step of gradient descent, w - (RATE / tr S) gradient.
/** @type {(S: Ae.Symmetric, w: Ae.Pair) => Ae.Pair} */
export function stepFrom(S, w) {
  const g = gradientAt(S, w);
  const rate = RATE / (S.xx + S.yy);
  return [w[0] - rate * g[0], w[1] - rate * g[1]];
}

// x_hat = w w^T x
/** @type {(w: Ae.Pair, x: Ae.Pair) => Ae.Pair} */
function project(w, x) {
  const z = w[0] * x[0] + w[1] * x[1];
  return [w[0] * z, w[1] * z];
}

// The angle between the lines spanned by w and by the first eigenvector, in [0, 90] degrees.
/** @type {(S: Ae.Symmetric, w: Ae.Pair) => number} */
export function angleToFirst(S, w) {
  const [u, v] = eigen2(S).vectors;
  const along = Math.abs(w[0] * u[0] + w[1] * u[1]);
  const across = Math.abs(w[0] * v[0] + w[1] * v[1]);
  return along === 0 && across === 0 ? NaN : (Math.atan2(across, along) * 180) / Math.PI;
}

// Where the gradient is zero: w = 0 and, for every eigenvector u, +u and -u.
/** @type {(S: Ae.Symmetric) => { w: Ae.Pair, kind: string }[]} */
export function criticalPoints(S) {
  const { values, vectors } = eigen2(S);
  const alike = values[0] - values[1] < 1e-9 * values[0];
  /** @type {(w: Ae.Pair) => Ae.Pair} */
  const flip = ([a, b]) => [-a, -b];
  const [u1, u2] = vectors;
  const second = alike ? "minimum" : "saddle";
  return [
    { w: [0, 0], kind: "maximum" },
    { w: u1, kind: "minimum" }, { w: flip(u1), kind: "minimum" },
    { w: u2, kind: second }, { w: flip(u2), kind: second },
  ];
}

// Pieces of the curve on which a grid of values (n x n, cells of size 1) crosses a level.
/** @type {(grid: Ae.Numbers, n: number, level: number) => [from: Ae.Pair, to: Ae.Pair][]} */
export function contour(grid, n, level) {
  /** @type {[from: Ae.Pair, to: Ae.Pair][]} */
  const pieces = [];
  for (let i = 0; i < n - 1; i++) {
    for (let j = 0; j < n - 1; j++) {
      const at = i * n + j;
      const low = grid[at] < level;
      // Most cells are crossed by no curve: they must cost nothing.
      if (low === grid[at + 1] < level && low === grid[at + n + 1] < level && low === grid[at + n] < level) continue;
      /** @type {Ae.Pair[]} */
      const corners = [[j, i], [j + 1, i], [j + 1, i + 1], [j, i + 1]];
      const values = corners.map(([x, y]) => grid[y * n + x] - level);
      /** @type {Ae.Pair[]} */
      const cuts = [];
      for (let k = 0; k < 4; k++) {
        const [a, b] = [values[k], values[(k + 1) % 4]];
        if (a < 0 === b < 0) continue;
        const t = a / (a - b);
        const [p, q] = [corners[k], corners[(k + 1) % 4]];
        cuts.push([p[0] + t * (q[0] - p[0]), p[1] + t * (q[1] - p[1])]);
      }
      for (let k = 0; k + 1 < cuts.length; k += 2) pieces.push([cuts[k], cuts[k + 1]]);
    }
  }
  return pieces;
}

// The loss over the square as a shaded map with contour lines: the deeper the colour, the lower.
/** @type {(on: Ae.Plane, S: Ae.Symmetric) => void} */
function paint(on, S) {
  const n = 121;
  const grid = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      grid[i * n + j] = lossAt(S, [REACH * ((2 * j) / (n - 1) - 1), REACH * (1 - (2 * i) / (n - 1))]);
    }
  }
  const [high, low] = eigen2(S).values;
  const top = low + high;
  const canvas = canvasOf(on);
  const side = Math.round(2 * (on.box.right - on.box.left));
  canvas.width = canvas.height = side;
  const context = pen(canvas);
  const [paper, deep, ink] = ["paper", "reconstruction", "ink"].map((role) => colour(on.node, role));
  const shades = document.createElement("canvas");
  shades.width = shades.height = n;
  const pixels = new ImageData(n, n);
  for (let i = 0; i < n * n; i++) {
    const t = clamp(1 - Math.sqrt((grid[i] - low) / (1.6 * top - low)), 0, 1);
    for (let k = 0; k < 3; k++) pixels.data[4 * i + k] = paper[k] + (deep[k] - paper[k]) * 0.85 * t;
    pixels.data[4 * i + 3] = 255;
  }
  pen(shades).putImageData(pixels, 0, 0);
  const cell = side / (n - 1);
  context.drawImage(shades, -cell / 2, -cell / 2, side + cell, side + cell);
  context.strokeStyle = `rgb(${mix(paper, ink, 0.45).map(Math.round)})`;
  context.lineWidth = 1;
  const levels = [0.15, 0.4, 0.7, 1].map((f) => low + f * (high - low));
  for (const level of [...levels, (high + top) / 2, top, 1.5 * top, 2.5 * top]) {
    context.beginPath();
    for (const [[a, b], [c, d]] of contour(grid, n, level)) {
      context.moveTo(a * cell, b * cell);
      context.lineTo(c * cell, d * cell);
    }
    context.stroke();
  }
}

/** @type {Ae.Figure["render"]} */
function render({ model, el }) {
  /** @type {Ae.Limits} */
  const limits = model.get("limits");
  const surface = plane({
    x: [-REACH, REACH], y: [-REACH, REACH], xLabel: "weight w₁", yLabel: "weight w₂", canvas: true,
    label: "The loss over the two weights, and the point w. Arrow keys move w.",
  });
  const trail = s("path", { class: "ae-line ae-latent" });
  const ring = s("path", { class: "ae-rule" });
  const marks = s("g", { class: "ae-ink" });
  surface.clip.append(ring, marks, trail);

  const on = plane({
    x: [-6.5, 6.5], y: [-6.5, 6.5], xLabel: "feature 1", yLabel: "feature 2",
    label: "The data, the line spanned by w, and the reconstructions on it",
  });
  const line = s("line", { class: "ae-line ae-latent" });
  const segments = s("path", { class: "ae-thin ae-reconstruction" });
  const dots = s("g", { class: "ae-data" });
  const hats = s("g", { class: "ae-reconstruction" });
  on.clip.append(segments, line, dots, hats);

  const numbers = readout([
    { key: "w", label: "w = (w₁, w₂)", colour: "latent" },
    { key: "norm", label: "|w|" },
    { key: "loss", label: "loss", colour: "reconstruction" },
    { key: "gradient", label: "gradient norm" },
    { key: "tilt", label: "angle to u₁" },
    { key: "rate", label: "step size, 0.05 / tr S" },
    { key: "steps", label: "steps taken" },
  ]);
  /** @type {(key: string, label: string) => Ae.Slider} */
  const spread = (key, label) => {
    const [min, max] = limits[key];
    return slider({ key, label, min, max, step: 0.05, text: (v) => number(v), oninput: (v) => reshape({ [key]: v }) });
  };
  const sliders = {
    sd1: spread("sd1", "standard deviation along u"),
    sd2: spread("sd2", "standard deviation across u"),
    angle: slider({
      key: "angle", label: "direction of u", min: 0, max: 180, step: 1, text: (v) => `${number(v, 0)}°`,
      oninput: (v) => reshape({ angle: wrap180(v) }),
    }),
  };

  let S = covarianceOf(model.get("sd1"), model.get("sd2"), model.get("angle"));
  /** @type {Ae.Pair[]} */
  let walked = [model.get("w")];
  const latest = () => walked[walked.length - 1];
  let stop = () => {};
  /** @type {(w: Ae.Pair) => void} */
  const go = (w) => update(model, { w });
  /** @type {(w: Ae.Pair) => void} */
  const begin = (w) => {
    stop();
    walked = [w];
    go(w);
  };
  /** @type {(w: Ae.Pair) => Ae.Pair} */
  const inside = (w) => [clamp(w[0], -REACH, REACH), clamp(w[1], -REACH, REACH)];
  /** @type {(change: Record<string, number>) => void} */
  function reshape(change) {
    stop();
    walked = [model.get("w")];
    update(model, change);
  }
  /** @type {(count: number) => void} */
  function walk(count) {
    for (let i = 0; i < count && !resting(latest()); i++) walked.push(stepFrom(S, latest()));
    go(latest());
  }
  /** @type {(w: Ae.Pair) => boolean} */
  const resting = (w) => Math.hypot(...gradientAt(S, w)) < AT_REST * (S.xx + S.yy);
  function descend() {
    stop();
    stop = animate(() => {
      walk(1 + Math.floor(walked.length / 30)); // slow enough to watch, and it does end
      return walked.length < MOST_STEPS && !resting(latest());
    });
  }

  const ball = handle(surface, {
    label: "w", kind: "latent", radius: 8, range: [-REACH, REACH], get: () => model.get("w"),
    now: () => model.get("w")[0], set: (w) => begin(inside(w)),
    nudge: (dx, dy) => begin(inside([model.get("w")[0] + 0.02 * dx, model.get("w")[1] + 0.02 * dy])),
    text: () => `w one ${number(model.get("w")[0])}, w two ${number(model.get("w")[1])}`,
  });
  // A click or tap puts w there; a drag of the page by finger is not a click.
  surface.svg.addEventListener("click", (event) => {
    const w = surface.at(event);
    if (!(event.target instanceof Node && ball.node.contains(event.target)) && w.every((v) => Math.abs(v) <= REACH)) begin(w);
  });

  function drawSurface() {
    S = covarianceOf(model.get("sd1"), model.get("sd2"), model.get("angle"));
    paint(surface, S);
    const points = criticalPoints(S);
    const alike = points[3].kind === "minimum";
    const turns = Array.from({ length: 91 }, (_, i) => direction(4 * i));
    set(ring, { d: alike ? path(surface, turns.map((u) => u[0]), turns.map((u) => u[1])) : "" });
    const shown = alike ? points.slice(0, 1) : points;
    marks.replaceChildren(
      ...shown.flatMap(({ w, kind }, i) => {
        const name = i === 0 ? "" : `${i % 2 ? "" : "−"}u${i < 3 ? "₁" : "₂"} `;
        const [x, y] = [surface.px(1.0 * w[0]), surface.py(1.0 * w[1])];
        return [
          s("circle", { class: "ae-fill ae-mark", cx: x, cy: y, r: 3.5 }),
          s("text", { class: "ae-tag", x, y: w[1] < -0.2 || i === 0 ? y + 17 : y - 9, "text-anchor": "middle" }, name + kind),
        ];
      }),
    );
    if (alike) {
      const y = surface.py(1) - 9;
      marks.append(s("text", { class: "ae-tag", x: surface.px(0), y, "text-anchor": "middle" }, "minimum all round"));
    }
    draw();
  }

  function draw() {
    /** @type {Ae.Pair} */
    const w = model.get("w");
    if (latest()[0] !== w[0] || latest()[1] !== w[1]) walked = [w]; // moved from outside
    ball.place();
    set(trail, { d: path(surface, walked.map((p) => p[0]), walked.map((p) => p[1])) });

    const data = dataOf(model.get("white"), model.get("sd1"), model.get("sd2"), model.get("angle"));
    const norm = Math.hypot(...w);
    const rebuilt = data.map((x) => project(w, x));
    const far = norm > 0 ? 20 / norm : 0;
    set(line, {
      x1: on.px(-far * w[0]), y1: on.py(-far * w[1]), x2: on.px(far * w[0]), y2: on.py(far * w[1]),
    });
    set(segments, {
      d: data.map((p, i) => path(on, [p[0], rebuilt[i][0]], [p[1], rebuilt[i][1]])).join(""),
    });
    /** @type {(points: Ae.Pair[], r: number) => SVGCircleElement[]} */
    const circles = (points, r) => points.map(([x, y]) => s("circle", { class: "ae-fill", cx: on.px(x), cy: on.py(y), r }));
    dots.replaceChildren(...circles(data, 3.6));
    hats.replaceChildren(...circles(rebuilt, 2.6));

    const loss = lossAt(S, w);
    const gradient = Math.hypot(...gradientAt(S, w));
    const tilt = angleToFirst(S, w);
    for (const [key, control] of Object.entries(sliders)) control.set(model.get(key));
    numbers.set("w", w.join(" "), `(${number(w[0], 3)}, ${number(w[1], 3)})`);
    numbers.set("norm", norm, number(norm, 3));
    numbers.set("loss", loss, number(loss, 4));
    numbers.set("gradient", gradient, number(gradient, 4));
    numbers.set("tilt", tilt, Number.isFinite(tilt) ? `${number(tilt, 1)}°` : "–");
    numbers.set("rate", RATE / (S.xx + S.yy), number(RATE / (S.xx + S.yy), 4));
    numbers.set("steps", walked.length - 1, `${walked.length - 1}`);
    numbers.say(`w at ${number(w[0])}, ${number(w[1])}: loss ${number(loss, 3)}, gradient norm ${number(gradient, 3)}.`);
  }

  frame(
    el, model,
    columns(
      column(
        surface.node,
        row(
          button("Step", () => {
            stop();
            walk(1);
          }),
          button("Descend", descend),
          button("Start again", () => begin(model.get("start"))),
        ),
        numbers.node,
      ),
      column(on.node, sliders.sd1.node, sliders.sd2.node, sliders.angle.node),
    ),
    caption("Drag w, click anywhere on the map, or use the arrow keys (Shift for bigger steps). Deep colour is low loss."),
  );
  const ends = together(
    watch(model, ["w"], draw),
    watch(model, ["sd1", "sd2", "angle"], drawSurface),
    whenShown(el, drawSurface),
    () => stop(),
  );
  drawSurface();
  return ends;
}

export default { render };
