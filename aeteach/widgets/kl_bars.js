// Two distributions over 2 to 6 outcomes as bars to drag, and what believing one costs where the
// other is true: as sums, and as areas between the steps of two codes.
import {
  button, caption, choice, column, columns, frame, h, handle, number, option, plane, readout, roundUp, row, s, set,
  update, watch,
} from "./kit/kit.js";
import { clamp } from "./kit/maths.js";

/** @typedef {"p" | "q"} Which */
/** @typedef {{ node: HTMLElement, head: (text: string) => void, rows: (names: number[]) => void, set: (i: number, j: number, value: number, text: string) => void }} Table */

/** @type {Which[]} */
const WHICH = ["p", "q"];
// For each number of outcomes, what is believed at first; true is at first that all are alike.
/** @type {Record<number, number[]>} */
const BELIEFS = {
  2: [0.7, 0.3], 3: [0.5, 0.3, 0.2], 4: [0.5, 0.25, 0.125, 0.125], 5: [0.4, 0.25, 0.2, 0.1, 0.05],
  6: [0.1, 0.1, 0.1, 0.1, 0.1, 0.5],
};
/** @type {Record<string, number>} */
const UNITS = { nats: 1, bits: Math.LN2 }; // nats in one of them
/** @type {Record<string, string>} */
const COLOURS = { p: "data", q: "reconstruction" };

// -log p in nats; 0 - 0 is 0, where -log(1) would print as -0
/** @type {(p: number) => number} */
export function surprise(p) {
  return 0 - Math.log(p);
}

// What each outcome adds to KL(P || Q), in nats: p log(p / q), and 0 log 0 = 0.
/** @type {(p: number[], q: number[]) => number[]} */
export function terms(p, q) {
  return p.map((v, i) => (v > 0 ? v * Math.log(v / q[i]) : 0));
}

/** @type {(values: number[]) => number} */
const sum = (values) => values.reduce((a, b) => a + b, 0);

// Entropy H(P), cross-entropy H(P, Q) and KL(P || Q), in nats.
/** @type {(p: number[], q: number[]) => { entropy: number, crossEntropy: number, kl: number }} */
export function measures(p, q) {
  /** @type {(of: number[]) => number} */
  const average = (of) => sum(p.map((v, i) => (v > 0 ? v * surprise(of[i]) : 0)));
  return { entropy: average(p), crossEntropy: average(q), kl: Math.max(0, sum(terms(p, q))) };
}

// The distribution in which outcome i has probability v and the others keep their proportions; if
// they had none, they share what is left equally.
/** @type {(p: number[], i: number, v: number) => number[]} */
export function moved(p, i, v) {
  const rest = sum(p.filter((_, j) => j !== i));
  return p.map((old, j) => {
    if (j === i) return v;
    return rest > 0 ? (old / rest) * (1 - v) : (1 - v) / (p.length - 1);
  });
}

/** @type {(nats: number, unit: string, digits?: number) => string} */
function amount(nats, unit, digits = 4) {
  return nats === Infinity ? "∞" : number(nats / UNITS[unit], digits);
}

// A table whose cells hold numbers, with a name each.
/** @type {(heads: string[], keys: string[]) => Table} */
function table(heads, keys) {
  const cell = "padding:0.1rem 0 0.1rem 0.3rem;text-align:right;border:0;background:transparent;font:inherit;" +
    "color:inherit;white-space:nowrap";
  const line = "border:0;border-bottom:1px solid var(--ae-rule);background:transparent";
  const body = h("tbody");
  const tops = heads.map((head) => h("th", { style: cell, scope: "col" }, head));
  const grid = h(
    "table",
    { style: "width:100%;margin:0;border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums" },
    h("thead", {}, h("tr", { style: line }, ...tops)),
    body,
  );
  /** @type {HTMLElement[][]} */
  let cells = [];
  return {
    node: h("div", { style: "overflow-x:auto" }, grid),
    head(text) {
      tops[tops.length - 1].textContent = text; // the last one
    },
    rows(names) {
      cells = names.map(() => keys.map(() => h("td", { style: cell })));
      body.replaceChildren(...names.map((name, i) =>
        h("tr", { style: line }, h("th", { style: cell, scope: "row" }, String(name)), ...cells[i])));
      for (const [i, line] of cells.entries()) for (const [j, td] of line.entries()) td.dataset.key = `${keys[j]}-${names[i]}`;
    },
    set(i, j, value, text) {
      cells[i][j].textContent = text;
      cells[i][j].dataset.value = String(value);
    },
  };
}

/** @type {Ae.Figure["render"]} */
function render({ model, el }) {
  /** @type {Ae.Limits} */
  const limits = model.get("limits");
  /** @type {number[]} */
  const marks = []; // the ticks of the plane: it keeps this array, whose length follows P
  const bars = plane({
    x: [0.4, 2.6], y: [0, 1], xTicks: marks, height: 300, xLabel: "outcome", yLabel: "probability",
    label: "The bars of P and Q. Arrow keys move the top of a bar; Page Up and Page Down choose another.",
  });
  const columnsOf = { p: s("g", { class: "ae-data" }), q: s("g", { class: "ae-reconstruction" }) };
  bars.clip.append(columnsOf.p, columnsOf.q);

  const code = plane({
    x: [0, 1], y: [0, 1], height: 300, xLabel: "probability", yLabel: "code length",
    label: "Every outcome as wide as it is probable and as high as its code is long, in either code",
  });
  const areas = {
    more: s("path", { class: "ae-fill ae-latent", "fill-opacity": 0.4 }),
    less: s("path", { class: "ae-fill ae-good", "fill-opacity": 0.4 }),
  };
  const walls = s("g", { class: "ae-axes" });
  const own = s("path", { class: "ae-line" });
  const other = s("path", { class: "ae-line" });
  const ownMean = s("path", { class: "ae-rule" });
  const otherMean = s("path", { class: "ae-rule" });
  const tags = s("g");
  code.clip.append(areas.more, areas.less, walls, own, other, ownMean, otherMean);
  code.over.append(tags);

  const numbers = readout([
    { key: "h_p", label: "entropy H(P)", colour: "data" },
    { key: "h_pq", label: "cross-entropy H(P, Q)" },
    { key: "kl_pq", label: "KL(P‖Q) = H(P, Q) − H(P)", colour: "latent" },
    { key: "h_q", label: "entropy H(Q)", colour: "reconstruction" },
    { key: "h_qp", label: "cross-entropy H(Q, P)" },
    { key: "kl_qp", label: "KL(Q‖P) = H(Q, P) − H(Q)", colour: "latent" },
  ]);
  const each = table(
    ["i", "P", "Q", "−log P", "−log Q", "term"], ["p", "q", "surprise_p", "surprise_q", "term"],
  );
  const [fewest, most] = limits.outcomes;
  const outcomes = Object.keys(BELIEFS).map(Number).filter((k) => k >= fewest && k <= most);
  /** @type {Record<number, string>} */
  const names = { 2: "2, a coin", 6: "6, a die" };
  const count = choice({
    legend: "Outcomes", items: outcomes.map((k) => option(names[k] ?? `${k}`)),
    onchange: (i) => {
      const q = BELIEFS[outcomes[i]];
      update(model, { p: q.map(() => 1 / q.length), q });
    },
  });
  const unit = choice({
    legend: "Unit", items: Object.keys(UNITS).map(option),
    onchange: (i) => update(model, { unit: Object.keys(UNITS)[i] }),
  });
  const directions = ["pq", "qp"];
  const direction = choice({
    legend: "What is true, and who is believed", items: ["P true, Q believed", "Q true, P believed"].map(option),
    onchange: (i) => update(model, { direction: directions[i] }),
  });

  // While one bar is moved, the others are scaled from where they stood at first, so that their
  // proportions survive a visit to 0.
  /** @type {{ which: Which, i: number, values: number[] } | null} */
  let held = null;
  let mine = false;
  /** @type {(which: Which, i: number, v: number) => void} */
  const move = (which, i, v) => {
    if (held?.which !== which || held.i !== i) held = { which, i, values: model.get(which) };
    mine = true;
    update(model, { [which]: moved(held.values, i, clamp(Math.round(v * 100) / 100, 0, 1)) });
    mine = false;
  };
  /** @type {(which: Which, i: number) => number} */
  const place = (which, i) => i + 1 + (which === "p" ? -0.2 : 0.2);
  /** @type {Record<Which, Ae.Handle[]>} */
  const handles = { p: [], q: [] };
  const current = { p: 0, q: 0 }; // of each, the one bar that Tab reaches
  /** @type {(which: Which, i: number) => void} */
  const choose = (which, i) => {
    current[which] = (i + handles[which].length) % handles[which].length;
    for (const [j, { node }] of handles[which].entries()) node.setAttribute("tabindex", j === current[which] ? "0" : "-1");
  };
  /** @type {(which: Which, i: number) => Ae.Handle} */
  const barHandle = (which, i) => {
    const here = () => model.get(which)[i];
    return handle(bars, {
      label: `${which.toUpperCase()}, outcome ${i + 1}`, kind: COLOURS[which], radius: 6, range: [0, 1],
      get: () => [place(which, i), here()], now: here, set: ([, y]) => move(which, i, y),
      nudge: (dx, dy) => move(which, i, here() + 0.01 * (dx + dy)),
      text: () => `probability ${number(here(), 3)}`,
      onfocus: () => choose(which, i),
      onkey: (key) => {
        if (key === "Home" || key === "End") move(which, i, key === "End" ? 1 : 0);
        else if (key === "PageUp" || key === "PageDown") {
          choose(which, current[which] + (key === "PageDown" ? 1 : -1));
          handles[which][current[which]].node.focus();
        } else return false;
        return true;
      },
    });
  };

  /** @type {(k: number) => void} */
  function makeBars(k) {
    marks.splice(0, marks.length, ...Array.from({ length: k }, (_, i) => i + 1));
    bars.frame({ x: [0.4, k + 0.6] });
    for (const which of WHICH) {
      for (const { node } of handles[which]) node.remove();
      handles[which] = marks.map((_, i) => barHandle(which, i));
      columnsOf[which].replaceChildren(...marks.map(() => s("rect", { class: "ae-fill", "fill-opacity": 0.7 })));
      choose(which, Math.min(current[which], k - 1));
    }
    each.rows(marks);
    bars.node.dataset.outcomes = String(k);
  }

  // First is true. An outcome is a column as wide as its probability and as high as its surprise.
  /** @type {(first: number[], second: number[], names: [string, string], u: string) => void} */
  function drawCode(first, second, names, u) {
    const scale = UNITS[u];
    const heights = [first, second].map((d) => d.map((v) => surprise(v) / scale));
    const finite = heights.flat().filter((v, i) => first[i % first.length] > 0 && Number.isFinite(v));
    const top = roundUp(1.1 * Math.max(1, ...finite));
    code.frame({ y: [0, top] });
    const titles = code.svg.querySelectorAll(".ae-axes .ae-title");
    titles[0].textContent = `probability under ${names[0]}, outcome by outcome`;
    titles[1].textContent = u === "bits" ? "surprise = code length (bits)" : "surprise (nats)";
    const edges = [0];
    for (const v of first) edges.push(edges[edges.length - 1] + v);
    /** @type {(v: number) => string} */
    const y = (v) => code.py(Math.min(v, 2 * top)).toFixed(2);
    /** @type {(i: number) => string} */
    const x = (i) => code.px(edges[i]).toFixed(2);
    const happens = first.flatMap((v, i) => (v > 0 ? [i] : []));
    /** @type {(of: number[]) => string} */
    const steps = (of) => happens.map((i, n) => `${n ? "L" : "M"}${x(i)} ${y(of[i])}H${x(i + 1)}`).join("");
    /** @type {(keep: (d: number) => boolean) => string} */
    const boxes = (keep) => happens.filter((i) => keep(heights[1][i] - heights[0][i]))
      .map((i) => `M${x(i)} ${y(heights[0][i])}H${x(i + 1)}V${y(heights[1][i])}H${x(i)}Z`).join("");
    set(areas.more, { d: boxes((d) => d > 0) });
    set(areas.less, { d: boxes((d) => d < 0) });
    set(own, { d: steps(heights[0]), class: `ae-line ae-${COLOURS[names[0].toLowerCase()]}` });
    set(other, { d: steps(heights[1]), class: `ae-line ae-${COLOURS[names[1].toLowerCase()]}` });
    walls.replaceChildren(...happens.slice(1).map((i) =>
      s("line", { x1: x(i), x2: x(i), y1: code.box.bottom, y2: code.box.bottom - 8 })));
    const { entropy, crossEntropy } = measures(first, second);
    /** @type {(v: number) => string} */
    const level = (v) => (Number.isFinite(v) ? `M${code.box.left} ${y(v / scale)}H${code.box.right}` : "");
    set(ownMean, { d: level(entropy) });
    set(otherMean, { d: level(crossEntropy) });
    /** @type {(i: number) => number} */
    const middle = (i) => (Number(x(i)) + Number(x(i + 1))) / 2;
    /** @type {(i: number, text: string, y: number) => SVGTextElement} */
    const tag = (i, text, y) => s("text", { class: "ae-tag", x: middle(i), y, "text-anchor": "middle" }, text);
    const wide = happens.filter((i) => first[i] >= 0.06);
    tags.replaceChildren(
      ...wide.map((i) => tag(i, `${i + 1}`, code.box.bottom - 12)),
      ...wide.filter((i) => Math.abs(heights[1][i] - heights[0][i]) > 0.07 * top).map((i) => {
        const [low, high] = [heights[0][i], Math.min(heights[1][i], top)];
        return tag(i, heights[1][i] > low ? "+" : "−", code.py((low + high) / 2) + 4);
      }),
      ...happens.filter((i) => heights[1][i] === Infinity).map((i) => tag(i, "∞", code.box.top + 12)),
      ...averages(entropy, crossEntropy, names, scale, top),
    );
  }

  // The names of the two dashed lines, kept apart when the lines are close.
  /** @type {(entropy: number, crossEntropy: number, names: [string, string], scale: number, top: number) => SVGTextElement[]} */
  function averages(entropy, crossEntropy, [a, b], scale, top) {
    const low = code.py(entropy / scale) + 14;
    const high = Number.isFinite(crossEntropy) ? code.py(Math.min(crossEntropy / scale, top)) - 4 : null;
    /** @type {(y: number, text: string) => SVGTextElement} */
    const write = (y, text) => s("text", { class: "ae-tag", x: code.box.right - 4, y, "text-anchor": "end" }, text);
    const below = write(Math.min(low, code.box.bottom - 4), `H(${a})`);
    return high === null ? [below] : [below, write(high, `H(${a}, ${b})`)];
  }

  function draw() {
    /** @type {[number[], number[], string]} */
    const [p, q, u] = [model.get("p"), model.get("q"), model.get("unit")];
    if (p.length !== q.length) return; // the other one is on its way
    if (!mine) held = null;
    if (Number(bars.node.dataset.outcomes) !== p.length) makeBars(p.length);
    const width = 0.34 * (bars.px(2) - bars.px(1));
    for (const which of WHICH) {
      const values = { p, q }[which];
      for (const [i, rect] of [...columnsOf[which].children].entries()) {
        const y = bars.py(values[i]);
        set(rect, { x: bars.px(place(which, i)) - width / 2, width, y, height: bars.py(0) - y });
      }
      for (const { place: put } of handles[which]) put();
    }
    const forward = model.get("direction") === "pq";
    const [first, second] = forward ? [p, q] : [q, p];
    drawCode(first, second, forward ? ["P", "Q"] : ["Q", "P"], u);

    count.set(outcomes.indexOf(p.length));
    unit.set(Object.keys(UNITS).indexOf(u));
    direction.set(forward ? 0 : 1);
    const [pq, qp] = [measures(p, q), measures(q, p)];
    /** @type {(key: string, nats: number) => void} */
    const show = (key, nats) => numbers.set(key, nats / UNITS[u], `${amount(nats, u)} ${u}`);
    show("h_p", pq.entropy);
    show("h_pq", pq.crossEntropy);
    show("kl_pq", pq.kl);
    show("h_q", qp.entropy);
    show("h_qp", qp.crossEntropy);
    show("kl_qp", qp.kl);
    const added = terms(first, second);
    each.head(forward ? "P log(P/Q)" : "Q log(Q/P)");
    p.forEach((_, i) => {
      each.set(i, 0, p[i], number(p[i], 3));
      each.set(i, 1, q[i], number(q[i], 3));
      each.set(i, 2, surprise(p[i]) / UNITS[u], amount(surprise(p[i]), u, 3));
      each.set(i, 3, surprise(q[i]) / UNITS[u], amount(surprise(q[i]), u, 3));
      each.set(i, 4, added[i] / UNITS[u], amount(added[i], u, 3));
    });
    /** @type {(nats: number) => string} */
    const spoken = (nats) => (nats === Infinity ? "infinite" : `${amount(nats, u)} ${u}`);
    numbers.say(`K L of P from Q: ${spoken(pq.kl)}. K L of Q from P: ${spoken(qp.kl)}.`);
  }

  frame(
    el, model,
    columns(
      column(bars.node, count.node, row(
        button("Make Q equal to P", () => update(model, { q: [...model.get("p")] })),
        button("Start again", () => update(model, { ...model.get("start") })),
      )),
      column(code.node, direction.node, unit.node),
    ),
    columns(column(numbers.node), column(each.node)),
    caption(
      "Bars: ", h("span", { class: "ae-swatch ae-data" }), "P, ",
      h("span", { class: "ae-swatch ae-reconstruction" }), "Q. Drag the top of a bar: the other bars of its colour keep " +
      "their proportions and share the rest. Steps: the code lengths; the dashed lines are their averages. ",
      h("span", { class: "ae-swatch ae-latent" }), "+ areas minus ", h("span", { class: "ae-swatch ae-good" }),
      "− areas are the KL, which is the distance of the dashed lines. Keys: Tab to a bar, arrows to move it (Shift for bigger " +
      "steps), Home for 0, End for 1, Page Up or Down for another bar.",
    ),
  );
  const stop = watch(model, ["p", "q", "unit", "direction"], draw);
  draw();
  return stop;
}

export default { render };
