// A digit reader under test: what it is shown, its ten probabilities, and the pixels that decided.
import {
  button, caption, choice, column, columns, frame, h, image, number, plane, readout, row, s, set, slider, together,
  update, watch, whenShown,
} from "./kit/kit.js";
import { linear, relu, softmax } from "./kit/layers.js";
import { tensors } from "./kit/weights.js";

/** @typedef {{ W1: Ae.Tensor, b1: Ae.Tensor, W2: Ae.Tensor, b2: Ae.Tensor }} Layers */
/** @typedef {{
 *   logits: Float64Array, probabilities: Float64Array, verdict: number, second: number, rest: number, entropy: number,
 *   argument: Float64Array,
 * }} Look */

// original + share (rebuilt - original): a share of the reconstruction, the rest of the original
/** @type {(original: Iterable<number>, rebuilt: Ae.Numbers, share: number) => Float64Array} */
export function blended(original, rebuilt, share) {
  return Float64Array.from(original, (v, j) => v + share * (rebuilt[j] - v));
}

// The picture (size x size) moved by whole pixels; black comes in, what leaves is lost.
/** @type {(x: Ae.Numbers, size: number, right: number, down: number) => Float64Array} */
export function moved(x, size, right, down) {
  const result = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) {
      const [from, to] = [i - down, j - right];
      if (from >= 0 && from < size && to >= 0 && to < size) result[i * size + j] = x[from * size + to];
    }
  }
  return result;
}

// - sum p log2 p, 0 for what never happens
/** @type {(p: Float64Array) => number} */
export function entropyBits(p) {
  return p.reduce((sum, v) => sum - (v > 0 ? v * Math.log2(v) : 0), 0);
}

// Logits, their softmax, the verdict and the runner-up. Between its kinks a network of ReLUs is
// linear: logit[verdict] - logit[second] = g . x + rest, and pixel j argues with g_j x_j.
/** @type {(layers: Layers, x: Ae.Numbers) => Look} */
export function look({ W1, b1, W2, b2 }, x) {
  const before = linear(x, W1, b1);
  const logits = linear(relu(before), W2, b2);
  /** @type {(skip: number) => number} */
  const place = (skip) => logits.reduce(
    (best, l, k) => (k !== skip && (best < 0 || l > logits[best]) ? k : best), -1);
  const verdict = place(-1);
  const second = place(verdict);
  const [hidden, pixels] = W1.shape;
  const g = new Float64Array(pixels);
  let rest = b2.data[verdict] - b2.data[second];
  for (let i = 0; i < hidden; i++) {
    if (before[i] <= 0) continue;
    const gap = W2.data[verdict * hidden + i] - W2.data[second * hidden + i];
    rest += gap * b1.data[i];
    for (let j = 0; j < pixels; j++) g[j] += gap * W1.data[i * pixels + j];
  }
  const probabilities = softmax(logits);
  return {
    logits, probabilities, verdict, second, rest,
    entropy: entropyBits(probabilities), argument: g.map((v, j) => v * x[j]),
  };
}

/** @type {(a: Float64Array, b: Ae.Numbers) => number} */
export function squaredError(a, b) {
  return a.reduce((sum, v, j) => sum + (v - b[j]) ** 2, 0);
}

/** @type {(n: number) => string} */
const pixelsOf = (n) => `${number(n, 0)} px`;

/** @type {Ae.Figure["render"]} */
function render({ model, el }) {
  const block = tensors(model);
  const { W1, b1, W2, b2 } = block;
  /** @type {number[]} */
  const labels = model.get("labels");
  /** @type {string[]} */
  const sources = model.get("sources");
  /** @type {Ae.Limits} */
  const limits = model.get("limits");
  const size = block.pictures0.shape[1];
  const pixels = size * size;
  /** @type {(source: number, digit: number) => Float32Array} */
  const picture = (source, digit) => block[`pictures${source}`].data.subarray(digit * pixels, (digit + 1) * pixels);
  const box = { width: size, height: size };

  const digitThumbs = labels.map((label, i) => image({ ...box, label: `digit ${i + 1}, a ${label}` }));
  const digits = choice({
    legend: "Choose a test digit",
    items: digitThumbs.map(({ node }, i) => ({ node, label: `digit ${i + 1}, a ${labels[i]}` })),
    onchange: (digit) => update(model, { digit }),
  });
  const sourceThumbs = sources.map((name) => image({ ...box, label: name }));
  const chooser = choice({
    legend: "Show the reader",
    items: sourceThumbs.map(({ node }, i) => ({ node, label: sources[i] })),
    onchange: (source) => update(model, { source }),
  });
  for (const [i, name] of sources.entries()) chooser.inputs[i].parentNode?.append(
    h("span", { style: "display:inline-block;width:5.4rem;padding-left:.35rem;line-height:1.2;font-size:12.5px;vertical-align:middle" }, name));
  for (const { canvas } of sourceThumbs) canvas.style.verticalAlign = "middle";

  const blend = slider({
    key: "blend", label: "share of the reconstruction", min: limits.blend[0], max: limits.blend[1], step: 0.05,
    text: (v) => (model.get("source") === 0 ? "original only" : `${number(100 * v, 0)} %`),
    oninput: (v) => update(model, { blend: Number(v.toFixed(6)) }),
  });
  const right = slider({
    key: "right", label: "moved right", min: limits.right[0], max: limits.right[1], step: 1, text: pixelsOf,
    oninput: (v) => update(model, { right: Math.round(v) }),
  });
  const down = slider({
    key: "down", label: "moved down", min: limits.down[0], max: limits.down[1], step: 1, text: pixelsOf,
    oninput: (v) => update(model, { down: Math.round(v) }),
  });
  const pictures = {
    shown: image({ ...box, title: "what it is shown", label: "what the reader is shown" }),
    argument: image({ ...box, title: "which ink decides", label: "which pixels decide" }),
  };
  const chart = plane({
    x: [-0.6, 9.6], y: [0, 1.12], width: 340, height: 230, xLabel: "digit", yLabel: "probability",
    xTicks: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    label: "The probability of each digit, in the reader's eyes",
  });
  const bars = Array.from({ length: 10 }, () => s("rect", { class: "ae-fill", width: 18 }));
  const tags = Array.from({ length: 10 }, () => s("text", { class: "ae-tag", "text-anchor": "middle" }));
  chart.clip.append(...bars);
  const numbers = readout([
    { key: "verdict", label: "verdict", colour: "data" },
    { key: "label", label: "it was written as a" },
    { key: "second", label: "runner-up" },
    { key: "entropy", label: "entropy of the verdict" },
    { key: "pro", label: "ink for the verdict", colour: "latent" },
    { key: "contra", label: "ink for the runner-up", colour: "reconstruction" },
    { key: "rest", label: "the constant of this piece" },
    { key: "error", label: "squared error to the original" },
  ]);

  function draw() {
    /** @type {number[]} */
    const [digit, source] = [model.get("digit"), model.get("source")];
    const original = picture(0, digit);
    const share = source === 0 ? 0 : model.get("blend");
    const x = moved(blended(original, picture(source, digit), share), size, model.get("right"), model.get("down"));
    const { probabilities: p, verdict, second, entropy, argument, rest } = look({ W1, b1, W2, b2 }, x);
    const error = squaredError(x, original);
    /** @type {(sign: number) => number} */
    const sum = (sign) => argument.reduce((t, v) => t + Math.max(sign * v, 0), 0);
    const [pro, contra] = [sum(1), sum(-1)];

    for (const [i, thumb] of sourceThumbs.entries()) thumb.draw(picture(i, digit));
    pictures.shown.draw(x);
    pictures.argument.draw(argument, {
      signed: true, limit: argument.reduce((m, v) => Math.max(m, Math.abs(v)), 1e-9),
    });
    pictures.shown.describe(`shown: ${sources[source]} of a ${labels[digit]}`);
    pictures.argument.describe(
      `which ink argues for a ${verdict} and which for a ${second}`, `${verdict} against ${second}`);
    p.forEach((v, k) => {
      const top = chart.py(v);
      set(bars[k], {
        class: `ae-fill ae-${k === verdict ? "data" : "ink"}`, x: chart.px(k) - 9, y: top,
        height: chart.box.bottom - top, "fill-opacity": k === verdict ? 1 : 0.45, "data-p": v,
      });
      tags[k].textContent = number(v, 2);
      set(tags[k], { x: chart.px(k), y: top - 4 });
    });
    chart.over.replaceChildren(...tags.filter((_, k) => p[k] >= 0.005));

    digits.set(digit);
    chooser.set(source);
    blend.set(model.get("blend"));
    right.set(model.get("right"));
    down.set(model.get("down"));
    const mark = verdict === labels[digit] ? "right" : "wrong";
    numbers.set("verdict", verdict, `${verdict}, ${mark}, ${number(100 * p[verdict], 1)} %`);
    numbers.set("label", labels[digit], String(labels[digit]));
    numbers.set("second", second, `${second}, ${number(100 * p[second], 1)} %`);
    numbers.set("entropy", entropy, `${number(entropy, 3)} bits`);
    numbers.set("pro", pro, `${number(pro, 2)} nats`);
    numbers.set("contra", contra, `${number(contra, 2)} nats`);
    numbers.set("rest", rest, `${number(rest, 2)} nats`);
    numbers.set("error", error, number(error, 2));
    numbers.say(
      `The reader sees a ${verdict}, ${number(100 * p[verdict], 1)} per cent, ${mark}. ` +
        `Entropy ${number(entropy, 2)} bits.`);
  }

  frame(
    el, model,
    digits.node,
    chooser.node,
    columns(
      column(h("div", { class: "ae-pictures" }, pictures.shown.node, pictures.argument.node),
        blend.node, right.node, down.node,
        row(button("Put it back", () => update(model, { right: 0, down: 0, blend: 1 })))),
      column(chart.node, numbers.node),
    ),
    caption("Right picture: ", h("span", { class: "ae-swatch ae-latent" }), "ink that argues for the verdict, ",
      h("span", { class: "ae-swatch ae-reconstruction" }), "ink that argues for the runner-up."),
  );
  draw();
  return together(watch(model, ["digit", "source", "blend", "right", "down"], draw), whenShown(el, () => {
    for (const [i, thumb] of digitThumbs.entries()) thumb.draw(picture(0, i));
    draw();
  }));
}

export default { render };
