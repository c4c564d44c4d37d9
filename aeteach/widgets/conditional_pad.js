// A conditional decoder's two inputs: a point on the plane of z, and a label. The point is decoded as
// every digit; one of them, or a mixture of two, is shown large by each model.
import {
  caption, choice, column, columns, frame, h, handle, holds, image, number, plane, readout, s, set, slider, together,
  update, watch, whenShown,
} from "./kit/kit.js";
import { clamp } from "./kit/maths.js";
import { compute } from "./kit/network.js";
import { tensors } from "./kit/weights.js";

// One-hot, or a mixture: (1 - share) of one digit and share of another.
/** @type {(digit: number, other: number, share: number) => number[]} */
export function labelOf(digit, other, share) {
  return Array.from({ length: 10 }, (_, c) => (c === digit ? 1 - share : 0) + (c === other ? share : 0));
}

// Steepness of the edges, in grey levels a pixel, as in aeteach.sharpness.
/** @type {(x: Ae.Numbers, side: number) => number} */
export function sharpness(x, side) {
  let [squares, steps] = [0, 0];
  for (let r = 0; r + 1 < side; r++) {
    for (let c = 0; c + 1 < side; c++) {
      const at = r * side + c;
      const g = (x[at + 1] - x[at]) ** 2 + (x[at + side] - x[at]) ** 2;
      squares += g;
      steps += Math.sqrt(g);
    }
  }
  return steps > 0 ? squares / steps : 0;
}

// Share of the prior's codes that lie farther from 0: exp(-|z|^2 / 2) in two dimensions.
/** @type {(z: Ae.Pair) => number} */
export function fartherOut(z) {
  return Math.exp(-(z[0] ** 2 + z[1] ** 2) / 2);
}

/** @type {Ae.Figure["render"]} */
function render({ model, el }) {
  const weights = tensors(model);
  /** @type {{ title: string, steps: Ae.Step[], side: number }[]} */
  const decoders = model.get("decoders");
  /** @type {Ae.Limits} */
  const limits = model.get("limits");
  const [low, high] = limits.z;
  /** @type {() => Ae.Pair} */
  const z = () => model.get("z");
  /** @type {(p: number[]) => void} */
  const move = (p) => update(model, { z: p.map((v) => clamp(v, low, high)) });
  /** @type {(label: number[], i: number) => Float64Array} */
  const made = (label, i) => compute(decoders[i].steps, [...z(), ...label], weights, `m${i}`);

  const on = plane({
    x: limits.z, y: limits.z, xLabel: "latent number z₁", yLabel: "latent number z₂", height: 333,
    label: "The plane of the two latent numbers. Arrow keys move the point.",
  });
  for (const r of [1, 2]) {
    on.clip.append(s("ellipse", { class: "ae-rule", cx: on.px(0), cy: on.py(0), rx: on.px(r) - on.px(0), ry: on.py(0) - on.py(r) }));
  }
  on.clip.append(s("circle", { class: "ae-fill ae-ink", cx: on.px(0), cy: on.py(0), r: 2 }));
  const point = handle(on, {
    label: "code z", kind: "latent", radius: 8, range: limits.z, get: z, now: () => z()[0], set: move,
    nudge: (dx, dy) => move([z()[0] + 0.05 * dx, z()[1] + 0.05 * dy]),
    text: () => `z one ${number(z()[0])}, z two ${number(z()[1])}`,
  });
  // A click or tap puts the point there; a drag of the page by finger is not a click.
  on.svg.addEventListener("click", (event) => {
    const p = on.at(event);
    if (!holds(point.node, event) && p.every((v) => v >= low && v <= high)) move(p);
  });
  const sliders = ["z₁", "z₂"].map((label, i) =>
    slider({
      key: `z${i}`, label, min: low, max: high, step: 0.05, grain: "any", text: (v) => number(v),
      oninput: (v) => move(z().map((old, j) => (j === i ? v : old))),
    }));

  const first = decoders[0];
  const ten = Array.from({ length: 10 }, (_, c) => image({ width: first.side, height: first.side, label: `the code as a ${c}` }));
  const chooser = choice({
    legend: `One code, ten digits (${first.title}): choose the one to ask for`, onchange: (digit) => update(model, { digit }),
    items: ten.map(({ node }, c) => ({ node, label: `ask for a ${c}` })),
  });
  set(chooser.node, { style: "gap: 0.5rem" });
  for (const label of chooser.node.querySelectorAll("label")) set(label, { style: "width: max(2.9rem, calc((100% - 4.5rem) / 10))" });
  for (const { node } of ten) set(node, { style: "width: 100%" });

  const large = decoders.map(({ title, side }) => image({ width: side, height: side, title, label: title }));
  const numbers = readout([
    { key: "asked", label: "asked for", colour: "data" },
    { key: "farther", label: "draws of the prior farther out", colour: "latent" },
    ...decoders.map(({ title }, i) => ({ key: `sharpness-${i}`, label: `sharpness, ${title}`, colour: "reconstruction" })),
  ]);
  const other = slider({
    key: "other", label: "second digit", min: limits.other[0], max: limits.other[1], step: 1, text: (v) => `${v}`,
    oninput: (v) => update(model, { other: clamp(Math.round(v), ...limits.other) }),
  });
  const share = slider({
    key: "share", label: "share of the second digit", min: limits.share[0], max: limits.share[1], step: 0.05, grain: 0.01,
    text: (v) => `${number(100 * v, 0)} %`, oninput: (v) => update(model, { share: clamp(v, ...limits.share) }),
  });

  function draw() {
    /** @type {number[]} */
    const [digit, second, part] = ["digit", "other", "share"].map((key) => model.get(key));
    const label = labelOf(digit, second, part);
    const mixed = part > 0 && second !== digit;
    const asked = mixed ? `${number(100 * (1 - part), 0)} % ${digit}, ${number(100 * part, 0)} % ${second}` : `${digit}`;
    for (const [c, picture] of ten.entries()) picture.draw(made(labelOf(c, c, 0), 0));
    const steepness = large.map((picture, i) => {
      const x = made(label, i);
      picture.draw(x);
      picture.describe(`${decoders[i].title}: ${asked}, decoded at the point`);
      return sharpness(x, decoders[i].side);
    });
    point.place();
    for (const [i, one] of sliders.entries()) one.set(z()[i]);
    chooser.set(digit);
    other.set(second);
    share.set(part);
    const farther = fartherOut(z());
    numbers.set("asked", digit, asked);
    numbers.set("farther", farther, `${number(100 * farther, 1)} %`);
    for (const [i, v] of steepness.entries()) numbers.set(`sharpness-${i}`, v, number(v));
    numbers.say(`Asked for ${asked}, at z one ${number(z()[0])}, z two ${number(z()[1])}.`);
  }

  frame(
    el, model,
    chooser.node,
    columns(
      column(on.node, ...sliders.map(({ node }) => node)),
      column(
        h("div", { class: decoders.length > 1 ? "ae-pictures ae-pair" : "ae-pictures" }, ...large.map(({ node }) => node)),
        numbers.node, other.node, share.node,
      ),
    ),
    caption(
      "Choose a picture: the style stays, the digit changes. Move the point (drag it, click, or use the arrow keys): the ",
      "digit stays, the style changes, for all ten alike. The circles are 1 and 2 standard deviations of the prior.",
    ),
  );
  draw();
  return together(watch(model, ["z", "digit", "other", "share"], draw), whenShown(el, draw));
}

export default { render };
