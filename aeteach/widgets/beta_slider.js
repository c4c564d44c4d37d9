// Trained VAEs that differ in the weight of the KL: one point of a rate-distortion curve each, with
// the KL of every latent dimension, digits rebuilt, samples, and a walk along one dimension.
import { whenUnpacked } from "./kit/atlas.js";
import {
  bars, caption, choice, column, columns, frame, h, handle, image, number, path, plane, readout, roundUp, s, set,
  slider, together, update, watch, whenShown,
} from "./kit/kit.js";
import { clamp } from "./kit/maths.js";
import { compute } from "./kit/network.js";
import { tensors } from "./kit/weights.js";

/** @typedef {{
 *   beta: number, rate: number, bits: number, distortion: number, kl: number[], order: number[], variance: number[],
 *   log_var: number[], active: number, informative: number, readability: number, decoder: Ae.Step[],
 * }} Row */
/** @typedef {(z: number[]) => Float64Array} Decode */
/** @typedef {{ place: number, codes: number[][], decode: Decode, x: Float64Array[], y: Float64Array[] }} Made */

// Row i of a matrix of codes.
/** @type {(codes: Ae.Tensor, i: number) => number[]} */
export function codeOf(codes, i) {
  const d = codes.shape[1];
  return Array.from(codes.data.subarray(i * d, (i + 1) * d));
}

// The code moved by `step` in dimension i.
/** @type {(z: number[], i: number, step: number) => number[]} */
export function moved(z, i, step) {
  return z.map((v, j) => (j === i ? v + step : v));
}

// Squared distance of two images.
/** @type {(a: Float64Array, b: Ae.Numbers) => number} */
export function change(a, b) {
  return a.reduce((sum, v, i) => sum + (v - b[i]) ** 2, 0);
}

// The line of slope -beta through the point of a model, from one end of the rates to the other.
/** @type {(row: Pick<Row, "beta" | "rate" | "distortion">, rates: Ae.Pair) => number[]} */
export function tangent({ beta, rate, distortion }, [from, to]) {
  return [from, to].map((k) => distortion - beta * (k - rate));
}

/** @type {Ae.Figure["render"]} */
function render({ model, el }) {
  /** @type {Row[]} */
  const models = model.get("models");
  /** @type {number[]} */
  const labels = model.get("labels");
  /** @type {number} */
  const side = model.get("side");
  const weights = tensors(model);
  /** @type {Ae.Limits} */
  const limits = model.get("limits");
  const d = models[0].kl.length;
  const samples = weights.eps.shape[0];
  /** @type {() => Row} */
  const here = () => models[model.get("place")];
  const size = { width: side, height: side };
  /** @type {(place: number) => void} */
  const go = (place) => update(model, { place: clamp(Math.round(place), ...limits.place) });

  const most = [roundUp(Math.max(...models.map(({ rate }) => rate))), roundUp(Math.max(...models.map((m) => m.distortion)))];
  const on = plane({
    x: [-0.04 * most[0], most[0]], y: [0, most[1]], xLabel: "rate K (nats an image)", yLabel: "distortion S (squared error)", height: 300,
    label: "Squared error against rate, a point for each weight of the KL",
  });
  const line = s("path", { class: "ae-rule" });
  on.clip.append(
    line,
    s("path", { class: "ae-line ae-data", d: path(on, models.map((m) => m.rate), models.map((m) => m.distortion)) }),
    ...models.map((m) => s("circle", { class: "ae-fill ae-data", cx: on.px(m.rate), cy: on.py(m.distortion), r: 3.5 })),
  );
  const tag = s("text", { class: "ae-tag", "text-anchor": "start" });
  on.over.append(tag);
  /** @type {(at: Ae.Pair) => number} */
  const nearest = ([x, y]) => {
    const far = models.map((m) => Math.hypot(on.px(m.rate) - on.px(x), on.py(m.distortion) - on.py(y)));
    return far.indexOf(Math.min(...far));
  };
  const point = handle(on, {
    label: "model on the curve", kind: "latent", range: limits.place,
    get: () => [here().rate, here().distortion], now: () => model.get("place"), set: (at) => go(nearest(at)),
    nudge: (dx, dy) => go(model.get("place") - Math.sign(dx || -dy)), // to the right: more rate, a smaller weight
    text: () => `beta ${here().beta}, ${number(here().rate, 1)} nats, squared error ${number(here().distortion, 1)}`,
  });
  const weight = slider({
    key: "beta", label: "weight β of the KL", min: limits.place[0], max: limits.place[1], step: 1,
    text: (i) => `${models[i].beta}`, oninput: go,
  });

  const chart = bars(Array.from({ length: d }, (_, i) => ({
    key: `kl-${i}`, label: `${i + 1}`, colour: "var(--ae-latent)",
  })));
  /** @type {NodeListOf<HTMLElement>} */
  const names = chart.node.querySelectorAll(".ae-label");
  const top = Math.max(...models.flatMap(({ kl }) => kl));
  const numbers = readout([
    { key: "rate", label: "rate", colour: "latent" },
    { key: "distortion", label: "squared error", colour: "reconstruction" },
    { key: "readability", label: "reconstructions read correctly" },
    { key: "active", label: "dimensions whose μ moves" },
    { key: "informative", label: "dimensions above 0.01 nats" },
  ]);

  /** @type {(label: string) => Ae.Picture} */
  const picture = (label) => image({ ...size, label });
  const originals = labels.map((c) => picture(`test digit ${c}`));
  const rebuilt = labels.map((c) => picture(`reconstruction of the ${c}`));
  const drawn = Array.from({ length: samples }, (_, i) => picture(`sample ${i + 1}`));
  /** @type {(title: string, pictures: Ae.Picture[]) => HTMLElement} */
  const row = (title, pictures) =>
    h("div", {}, h("p", { class: "ae-note" }, title), h("div", { class: "ae-buttons" }, ...pictures.map(({ node }) => node)));
  for (const { node } of [...rebuilt, ...drawn]) node.style.width = "calc((100% - 2.5rem) / 6)";
  const chooser = choice({
    legend: "Test digits: choose one to walk from", onchange: (digit) => update(model, { digit }),
    items: originals.map(({ node }, i) => ({ node, label: `test digit ${labels[i]}` })),
  });
  chooser.node.style.gap = "0.5rem";
  for (const label of chooser.node.querySelectorAll("label")) label.style.width = "calc((100% - 2.5rem) / 6)";
  for (const { node } of originals) node.style.width = "100%";

  const which = slider({
    key: "dimension", label: "latent dimension, by its KL", min: limits.dimension[0], max: limits.dimension[1], step: 1,
    text: (i) => `${i + 1}`, oninput: (i) => update(model, { dimension: clamp(Math.round(i), ...limits.dimension) }),
  });
  const step = slider({
    key: "walk", label: "walk: added to μ there", min: limits.walk[0], max: limits.walk[1], step: 0.1, grain: 0.05,
    text: (v) => number(v, 2), oninput: (walk) => update(model, { walk: clamp(walk, ...limits.walk) }),
  });
  const start = image({ ...size, title: "at μ", label: "at mu" });
  const end = image({ ...size, title: "walked", label: "walked" });
  const walk = readout([
    { key: "kl", label: "KL of this dimension", colour: "latent" },
    { key: "variance", label: "variance of its μ" },
    { key: "log_var", label: "its log-variance, mean" },
    { key: "change", label: "squared change of the image", colour: "reconstruction" },
  ]);

  /** @type {Ae.Images | null} */
  let original = null;
  /** @type {Made | undefined} */
  let kept; // what the weight alone decides is decoded once
  /** @type {(place: number) => Made} */
  function decodeAll(place) {
    const codes = labels.map((_, i) => codeOf(weights[`mu${place}`], i));
    const eps = drawn.map((_, i) => codeOf(weights.eps, i));
    /** @type {Decode} */
    const decode = (z) => compute(models[place].decoder, z, weights, `m${place}`);
    return { place, codes, decode, x: codes.map(decode), y: eps.map(decode) };
  }

  function draw() {
    /** @type {number[]} */
    const [place, digit, rank] = ["place", "digit", "dimension"].map((key) => model.get(key));
    const now = here();
    const made = kept?.place === place ? kept : decodeAll(place);
    kept = made;
    weight.set(place);
    set(line, { d: path(on, [0, most[0]], tangent(now, [0, most[0]])) });
    const right = on.px(now.rate) > (on.box.left + on.box.right) / 2;
    tag.textContent = `β = ${now.beta}, slope −${now.beta}`;
    set(tag, {
      x: on.px(now.rate) + (right ? -12 : 12), y: on.py(now.distortion) - (right ? 26 : 12), "text-anchor": right ? "end" : "start",
    });
    point.place();
    for (const [i, nats] of now.kl.entries()) chart.set(`kl-${i}`, nats / top, number(nats, 2));
    for (const [i, label] of names.entries()) label.style.fontWeight = i === rank ? "700" : "400";
    const [rate, bits] = [number(now.rate, 2), number(now.bits, 2)];
    numbers.set("rate", now.rate, `${rate} nats = ${bits} bits`);
    numbers.set("distortion", now.distortion, number(now.distortion, 2));
    numbers.set("readability", now.readability, `${number(100 * now.readability, 1)} %`);
    numbers.set("active", now.active, `${now.active} of ${d}`);
    numbers.set("informative", now.informative, `${now.informative} of ${d}`);

    if (original) for (const [i, picture] of originals.entries()) picture.draw(original(i));
    for (const [i, picture] of rebuilt.entries()) picture.draw(made.x[i]);
    for (const [i, picture] of drawn.entries()) picture.draw(made.y[i]);
    chooser.set(digit);
    which.set(rank);
    step.set(model.get("walk"));
    const z = moved(made.codes[digit], now.order[rank], model.get("walk"));
    const x = made.decode(z);
    const by = change(made.x[digit], x);
    start.draw(made.x[digit]);
    start.describe(`the ${labels[digit]}, decoded from its mu`);
    end.draw(x);
    end.describe(`the ${labels[digit]}, walked by ${number(model.get("walk"), 2)} in dimension ${rank + 1}`);
    walk.set("kl", now.kl[rank], `${number(now.kl[rank], 3)} nats`);
    walk.set("variance", now.variance[rank], number(now.variance[rank], 3));
    walk.set("log_var", now.log_var[rank], number(now.log_var[rank], 3));
    walk.set("change", by, number(by, 3));
    numbers.say(
      `Weight ${now.beta}: ${rate} nats, squared error ${number(now.distortion, 1)}, ${now.active} of ${d} dimensions move. ` +
      `The walk changes the image by ${number(by, 2)}.`,
    );
  }

  frame(
    el, model,
    weight.node,
    columns(
      column(on.node, numbers.node),
      column(
        chooser.node, row("Reconstructions, decoded from μ", rebuilt), row("Samples, the same six draws z ~ N(0, I)", drawn),
        h("div", {}, caption("KL by latent dimension (nats), largest first"), chart.node),
      ),
    ),
    columns(
      column(which.node, step.node, walk.node),
      column(h("div", { class: "ae-pictures ae-pair" }, start.node, end.node)),
    ),
    caption(
      "Move the weight, or drag the dot along the curve (arrow keys do both). The dashed line has the slope −β that an ideal ",
      "model's curve has there. Then pick a dimension whose bar is empty, and walk: nothing happens.",
    ),
  );
  const stop = together(watch(model, ["place", "digit", "dimension", "walk"], draw), whenShown(el, draw));
  draw();
  return together(stop, whenUnpacked(model.get("pictures"), size, (found) => {
    original = found;
    draw();
  }));
}

export default { render };
