// Balls around valid points, generated points among them, and what that is worth: the same numbers
// as aeteach/metrics/coverage.py. A point is an image of two pixels.
import {
  button, caption, choice, column, columns, frame, handle, number, option, plane, readout, row, s, set, slider, update,
  watch,
} from "./kit/kit.js";
import { clamp } from "./kit/maths.js";

const STEP = 1024; // coordinates are whole numbers of these parts, as in Python
const KEYS = 1 / 128; // what an arrow key moves

/** @typedef {{ distance: number, place: number }} Nearest */
/** @typedef {{
 *   covered: boolean[], good: boolean[], counts: number[], coverage: number, coverageHeldOut: number,
 *   meanDistance: number, validShare: number, hit: number, kl: number, ideal: number,
 * }} Measured */

// ---------------------------------------------------------------- the measures

// For each point the nearest of others: {distance, place}; of equals the first.
/** @type {(points: Ae.Pair[], among: Ae.Pair[]) => Nearest[]} */
export function nearest(points, among) {
  return points.map(([x, y]) => {
    let best = { distance: Infinity, place: 0 };
    among.forEach(([a, b], place) => {
      const distance = Math.sqrt((x - a) ** 2 + (y - b) ** 2);
      if (distance < best.distance) best = { distance, place };
    });
    return best;
  });
}

// KL of the uniform distribution over the valid points from hit counts, in bits. Misses are an
// outcome of their own; q is normalised over the N points and that one.
/** @type {(counts: number[], generated: number, smoothing: number) => number} */
export function hitKl(counts, generated, smoothing) {
  const n = counts.length;
  /** @type {(c: number) => number} */
  const q = (c) => (c / generated + smoothing) / (1 + (n + 1) * smoothing);
  return counts.reduce((sum, c) => sum - Math.log2(q(c) * n), 0) / n;
}

// What an ideal generator may expect: the sum over the binomial counts of one point.
/** @type {(n: number, generated: number, smoothing: number) => number} */
export function idealKl(n, generated, smoothing) {
  if (smoothing === 0) return Infinity;
  let chance = (1 - 1 / n) ** generated;
  let total = 0;
  for (let c = 0; c <= generated; c++) {
    total -= chance * Math.log2((n * (c / generated + smoothing)) / (1 + (n + 1) * smoothing));
    chance *= (generated - c) / (c + 1) / (n - 1);
  }
  return total;
}

/** @type {(values: number[]) => number} */
const mean = (values) => values.reduce((sum, v) => sum + v, 0) / values.length;
/** @type {(flags: boolean[]) => number} */
const share = (flags) => flags.filter(Boolean).length / flags.length;

/** @type {(valid: Ae.Pair[], heldOut: boolean[], generated: Ae.Pair[], threshold: number, smoothing: number) => Measured} */
export function measure(valid, heldOut, generated, threshold, smoothing) {
  const ofValid = nearest(valid, generated);
  const ofGenerated = nearest(generated, valid);
  const covered = ofValid.map(({ distance }) => distance < threshold);
  const good = ofGenerated.map(({ distance }) => distance < threshold);
  const counts = valid.map(() => 0);
  for (const [i, { place }] of ofGenerated.entries()) counts[place] += good[i] ? 1 : 0;
  return {
    covered, good, counts,
    coverage: share(covered),
    coverageHeldOut: share(covered.filter((_, i) => heldOut[i])),
    meanDistance: mean(ofValid.map(({ distance }) => distance)),
    validShare: share(good),
    hit: share(counts.map((c) => c > 0)),
    kl: hitKl(counts, generated.length, smoothing),
    ideal: idealKl(valid.length, generated.length, smoothing),
  };
}

// ---------------------------------------------------------------- the figure

/** @type {(v: number) => number} */
const round = (v) => Math.round(clamp(v, 0, 1) * STEP) / STEP;
/** @type {(v: number) => string} */
const percent = (v) => `${number(100 * v, 1)} %`;
/** @type {(v: number) => string} */
const bits = (v) => (v === Infinity ? "infinite" : `${number(Math.abs(v) < 5e-4 ? 0 : v, 3)} bits`);

/** @type {Record<string, string>} */
const KINDS = {
  ideal: "Draws every valid point alike, and nothing else.",
  blurred: "A valid point and a little noise: never far off, seldom right.",
  averages: "Means of two valid points: what a decoder does that cannot decide.",
  collapsed: "One of the three groups alone, without a fault.",
  memoriser: "Repeats the 36 points it was shown. The diamonds were held out.",
  noise: "Any two grey values.",
};

/** @type {Ae.Figure["render"]} */
function render({ model, el }) {
  /** @type {Ae.Limits} */
  const limits = model.get("limits");
  const none = limits.smoothing[0]; // stands for no smoothing at all
  /** @type {(key: "threshold" | "number" | "smoothing") => number} */
  const get = (key) => model.get(key);
  /** @type {() => string} */
  const generator = () => model.get("generator");
  /** @type {Ae.Pair[]} */
  const valid = model.get("valid");
  /** @type {boolean[]} */
  const heldOut = model.get("held_out");
  const names = Object.keys(KINDS);

  const map = plane({
    x: [0, 1], y: [0, 1], height: 336, xLabel: "grey value of pixel 1", yLabel: "grey value of pixel 2",
    label: "Valid points with their balls, and generated points as crosses. One of these can be moved.",
  });
  const layers = {
    empty: s("path", { class: "ae-thin ae-data", opacity: 0.4 }),
    filled: s("path", { class: "ae-fill ae-data", opacity: 0.2 }),
    open: s("path", { class: "ae-thin ae-data" }),
    closed: s("path", { class: "ae-fill ae-data" }),
    good: s("path", { class: "ae-thin ae-reconstruction" }),
    bad: s("path", { class: "ae-thin ae-reconstruction", opacity: 0.45 }),
  };
  map.clip.append(...Object.values(layers));

  const numbers = readout([
    { key: "coverage", label: "coverage: valid points covered", colour: "data" },
    { key: "held", label: "… of the 12 held out (◇)", colour: "data" },
    { key: "distance", label: "mean nearest distance" },
    { key: "valid", label: "valid share of the generated", colour: "reconstruction" },
    { key: "hit", label: "valid points hit" },
    { key: "kl", label: "KL from hit counts" },
    { key: "ideal", label: "… an ideal generator's, mean" },
  ]);

  const kinds = choice({
    legend: "Generator", items: names.map(option),
    onchange: (i) => update(model, { generator: names[i], place: [] }),
  });
  const about = caption();
  const threshold = slider({
    key: "threshold", label: "threshold (radius of a ball)", min: limits.threshold[0], max: limits.threshold[1], step: 0.01,
    text: (v) => number(v, 2), oninput: (v) => update(model, { threshold: Math.round(100 * v) / 100 }),
  });
  const count = slider({
    key: "number", label: "number generated", min: limits.number[0], max: limits.number[1], step: 1, text: String,
    oninput: (v) => update(model, { number: Math.round(v) }),
  });
  const smoothing = slider({
    key: "smoothing", label: "smoothing a of the KL", min: none, max: limits.smoothing[1], step: 1,
    text: (k) => (k === none ? "none" : `10^${number(k, 0)}`),
    oninput: (k) => update(model, { smoothing: Math.round(k) }),
  });

  /** @type {() => Ae.Pair[]} */
  const generated = () => {
    const points = model.get("draws")[generator()].slice(0, get("number"));
    if (model.get("place").length === 2) points[0] = model.get("place");
    return points;
  };
  /** @type {(place: Ae.Pair) => void} */
  const move = ([x, y]) => update(model, { place: [round(x), round(y)] });
  const first = handle(map, {
    label: "first generated point", kind: "reconstruction", radius: 6, range: limits.place,
    get: () => generated()[0], set: move, now: () => generated()[0][0],
    nudge: (dx, dy) => move([generated()[0][0] + KEYS * dx, generated()[0][1] + KEYS * dy]),
    text: () => `pixel 1 ${number(generated()[0][0], 4)}, pixel 2 ${number(generated()[0][1], 4)}`,
  });

  /** @type {(place: Ae.Pair, r: number) => string} */
  const disc = ([x, y], r) => `M${map.px(x) - r} ${map.py(y)}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`;
  /** @type {(place: Ae.Pair, r: number) => string} */
  const diamond = ([x, y], r) => `M${map.px(x) - r} ${map.py(y)}l${r} ${-r}l${r} ${r}l${-r} ${r}Z`;
  /** @type {(i: number) => string} */
  const mark = (i) => (heldOut[i] ? diamond(valid[i], 5) : disc(valid[i], 3.5));
  /** @type {(place: Ae.Pair) => string} */
  const cross = ([x, y]) => `M${map.px(x) - 3} ${map.py(y) - 3}l6 6m-6 0l6 -6`;
  /** @type {(places: Ae.Pair[], draw: (place: Ae.Pair, i: number) => string, keep: (i: number) => boolean) => string} */
  const all = (items, draw, keep) => items.map((item, i) => (keep(i) ? draw(item, i) : "")).join("");

  function draw() {
    const points = generated();
    const found = measure(valid, heldOut, points, get("threshold"), get("smoothing") === none ? 0 : 10 ** get("smoothing"));
    const radius = map.px(get("threshold")) - map.px(0);
    /** @type {(i: number) => boolean} */
    const covered = (i) => found.covered[i];
    /** @type {(i: number) => boolean} */
    const bare = (i) => !found.covered[i];
    set(layers.filled, { d: all(valid, (p) => disc(p, radius), covered) });
    set(layers.empty, { d: all(valid, (p) => disc(p, radius), bare) });
    set(layers.closed, { d: all(valid, (_, i) => mark(i), covered) });
    set(layers.open, { d: all(valid, (_, i) => mark(i), bare) });
    set(layers.good, { d: all(points, cross, (i) => found.good[i]) });
    set(layers.bad, { d: all(points, cross, (i) => !found.good[i]) });
    first.place();

    kinds.set(names.indexOf(generator()));
    about.textContent = KINDS[generator()];
    threshold.set(get("threshold"));
    count.set(get("number"));
    smoothing.set(get("smoothing"));
    numbers.set("coverage", found.coverage, percent(found.coverage));
    numbers.set("held", found.coverageHeldOut, percent(found.coverageHeldOut));
    numbers.set("distance", found.meanDistance, number(found.meanDistance, 4));
    numbers.set("valid", found.validShare, percent(found.validShare));
    numbers.set("hit", found.hit, percent(found.hit));
    numbers.set("kl", found.kl, bits(found.kl));
    numbers.set("ideal", found.ideal, bits(found.ideal));
    numbers.say(
      `${generator()}, ${points.length} generated, threshold ${number(get("threshold"), 2)}: ` +
        `coverage ${percent(found.coverage)}, of the held-out points ${percent(found.coverageHeldOut)}, ` +
        `valid share ${percent(found.validShare)}, KL ${bits(found.kl)}, an ideal one's ${bits(found.ideal)}.`,
    );
  }

  const back = button("Put the point back", () => update(model, { place: [] }));
  frame(
    el, model,
    kinds.node, about,
    columns(column(map.node, row(back)), column(threshold.node, count.node, smoothing.node, numbers.node)),
  );
  draw();
  return watch(model, ["generator", "threshold", "number", "smoothing", "place"], draw);
}

export default { render };
