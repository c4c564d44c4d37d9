// A digit rebuilt from k principal components: what is kept, what is lost, and how much it costs.
import {
  caption, choice, column, columns, frame, h, image, number, path, plane, readout, roundUp, s, set, slider, together,
  update, watch, whenShown,
} from "./kit/kit.js";
import { tensors } from "./kit/weights.js";

// z = W (x - mean), W (K, D) with a component in every row
/** @type {(x: Ae.Numbers, mean: Ae.Numbers, W: Ae.Tensor) => Float64Array} */
export function scores(x, mean, W) {
  const [count, pixels] = W.shape;
  const z = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < pixels; j++) z[i] += W.data[i * pixels + j] * (x[j] - mean[j]);
  }
  return z;
}

// x_hat = mean + z_1 w_1 + ... + z_k w_k
/** @type {(z: Ae.Numbers, mean: Iterable<number>, W: Ae.Tensor, k: number) => Float64Array} */
export function rebuild(z, mean, W, k) {
  const x = Float64Array.from(mean);
  for (let i = 0; i < k; i++) {
    for (let j = 0; j < x.length; j++) x[j] += z[i] * W.data[i * x.length + j];
  }
  return x;
}

// ||x - x_hat||^2, summed over the pixels, for k = 0, 1, ..., K
/** @type {(x: Float32Array, mean: Ae.Numbers, W: Ae.Tensor) => number[]} */
export function errorCurve(x, mean, W) {
  const z = scores(x, mean, W);
  const rest = Float64Array.from(x, (v, j) => v - mean[j]);
  const squared = () => rest.reduce((sum, v) => sum + v * v, 0);
  const errors = [squared()];
  for (let i = 0; i < z.length; i++) {
    for (let j = 0; j < rest.length; j++) rest[j] -= z[i] * W.data[i * rest.length + j];
    errors.push(squared());
  }
  return errors;
}

/** @type {Ae.Figure["render"]} */
function render({ model, el }) {
  const { mean, components: W, digits } = tensors(model);
  /** @type {number[]} */
  const labels = model.get("labels");
  /** @type {number[]} */
  const explained = model.get("explained");
  /** @type {Ae.Limits} */
  const limits = model.get("limits");
  const [least, most] = limits.k;
  const pixels = mean.data.length;
  const side = Math.round(Math.sqrt(pixels));
  /** @type {(i: number) => Float32Array} */
  const original = (i) => digits.data.subarray(i * pixels, (i + 1) * pixels);
  const box = { width: side, height: side };

  const thumbs = labels.map((label, i) => image({ ...box, label: `digit ${i + 1}, a ${label}` }));
  const chooser = choice({
    legend: "Choose a test digit",
    items: thumbs.map(({ node }, i) => ({ node, label: `digit ${i + 1}, a ${labels[i]}` })),
    onchange: (digit) => update(model, { digit }),
  });
  const pictures = {
    original: image({ ...box, title: "original", label: "original" }),
    rebuilt: image({ ...box, title: "rebuilt", label: "rebuilt" }),
    difference: image({ ...box, title: "difference", label: "difference" }),
    component: image({ ...box, title: "component", label: "component" }),
  };
  const count = slider({
    key: "k", label: "components k", min: least, max: most, step: 1, text: (v) => `${v} of ${most}`,
    oninput: (k) => update(model, { k: Math.round(k) }),
  });
  const chart = plane({
    x: limits.k, y: [0, 1], width: 340, height: 230, xLabel: "components k", yLabel: "squared error",
    label: "The squared error of this digit for every number of components",
  });
  const curve = s("path", { class: "ae-line ae-reconstruction" });
  const drop = s("path", { class: "ae-rule" });
  const dot = s("circle", { class: "ae-fill ae-reconstruction", r: 5.5 });
  chart.clip.append(drop, curve);
  chart.over.append(dot);
  const numbers = readout([
    { key: "error", label: "squared error of this digit", colour: "reconstruction" },
    { key: "start", label: "with no component" },
    { key: "explained", label: "variance explained, training" },
    { key: "score", label: "score of component k", colour: "latent" },
    { key: "numbers", label: "numbers kept for the digit" },
  ]);

  let shown = -1; // the digit that z and errors belong to
  /** @type {Float64Array} */
  let z = new Float64Array();
  /** @type {number[]} */
  let errors = [];

  function draw() {
    /** @type {number} */
    const i = model.get("digit");
    /** @type {number} */
    const k = model.get("k");
    const x = original(i);
    if (shown !== i) {
      [z, errors, shown] = [scores(x, mean.data, W), errorCurve(x, mean.data, W), i];
      chart.frame({ y: [0, roundUp(1.02 * errors[0])] });
      set(curve, { d: path(chart, errors.map((_, j) => j), errors) });
    }
    const xHat = rebuild(z, mean.data, W, k);
    const w = k === 0 ? new Float32Array(pixels) : W.data.subarray((k - 1) * pixels, k * pixels);
    pictures.original.draw(x);
    pictures.rebuilt.draw(xHat);
    pictures.difference.draw(x.map((v, j) => v - xHat[j]), { signed: true });
    pictures.component.draw(w, { signed: true, limit: w.reduce((m, v) => Math.max(m, Math.abs(v)), 1e-9) });
    const error = number(errors[k], 2);
    pictures.original.describe(`original, a ${labels[i]}`);
    pictures.rebuilt.describe(`rebuilt from ${k} components, squared error ${error}`, k === 0 ? "rebuilt: the mean" : "rebuilt");
    pictures.difference.describe("original minus rebuilt");
    pictures.component.describe(k === 0 ? "no component yet" : `component ${k}`, k === 0 ? "no component" : `component ${k}`);

    const [cx, cy] = [chart.px(k), chart.py(errors[k])];
    set(dot, { cx, cy });
    set(drop, { d: `M${cx} ${chart.box.bottom}V${cy}` });
    chooser.set(i);
    count.set(k);
    numbers.set("error", errors[k], error);
    numbers.set("start", errors[0], number(errors[0], 2));
    numbers.set("explained", explained[k], `${number(100 * explained[k], 1)} %`);
    numbers.set("score", k === 0 ? "" : z[k - 1], k === 0 ? "–" : number(z[k - 1], 2));
    numbers.set("numbers", k, `${k} instead of ${pixels}`);
    numbers.say(`${k} components: squared error ${error}.`);
  }

  frame(
    el, model,
    chooser.node,
    h("div", { class: "ae-pictures" }, ...Object.values(pictures).map(({ node }) => node)),
    count.node,
    columns(column(chart.node), column(numbers.node)),
    caption("Difference: ", h("span", { class: "ae-swatch ae-latent" }), "ink that is missing, ",
      h("span", { class: "ae-swatch ae-reconstruction" }), "ink that should not be there."),
  );
  draw();
  return together(watch(model, ["k", "digit"], draw), whenShown(el, () => {
    for (const [i, thumb] of thumbs.entries()) thumb.draw(original(i));
    draw();
  }));
}

export default { render };
