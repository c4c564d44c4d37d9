// Convolution arithmetic, one cell at a time: the numbers that meet, the weights between them, the sum.
import {
  button, caption, choice, column, columns, frame, h, number, readout, row, s, set, slider, update, watch,
} from "./kit/kit.js";
import { clamp } from "./kit/maths.js";

/** @typedef {{ mode: string, n: number, kernel_size: number, stride: number, padding: number, output_padding: number }} Setting */
/** @typedef {"input" | "output"} Which */
/** @typedef {Ae.Pair} Cell a row and a column */
/** @typedef {{ input: Cell, output: Cell, weight: Cell }} Link */
/** @typedef {{ place: Cell, active: boolean, text: string }} Cursor */
/** @typedef {{ values: number[][], before?: number, after?: number, marks: Set<string>, blank?: string, unread?: number[] }} Drawing */
/** @typedef {{ node: HTMLElement, draw: (drawing: Drawing) => void, put: (chosen: Cursor) => void }} Grid */
/** @typedef {{ side: number, before: number }} Extent of a grid, and of the margin in front of it */

/** @type {(keyof Setting)[]} */
const KEYS = ["mode", "n", "kernel_size", "stride", "padding", "output_padding"];
/** @type {Which[]} */
const WHICH = ["input", "output"];

/** @type {(setting: Setting) => number} */
export function outputSide({ mode, n, kernel_size, stride, padding, output_padding }) {
  if (mode === "convolution") return Math.floor((n + 2 * padding - kernel_size) / stride) + 1;
  return (n - 1) * stride - 2 * padding + kernel_size + output_padding;
}

// Why a setting is impossible, in words; "" if it is possible.
/** @type {(setting: Setting) => string} */
export function refusal(setting) {
  const { mode, n, kernel_size: k, stride, padding, output_padding: extra } = setting;
  if (mode === "convolution") {
    if (extra > 0) return "Output padding belongs to the transposed convolution; a convolution has none: leave it at 0.";
    if (k > n + 2 * padding) {
      return `A kernel of ${k} does not fit: the input has ${n} rows, with padding ${n + 2 * padding}. ` +
        "Take a smaller kernel, a larger input or more padding.";
    }
  } else if (extra >= stride) {
    return `Output padding ${extra} must be smaller than the stride ${stride}: a convolution of stride ${stride} ` +
      `leaves at most ${stride - 1} rows unread.`;
  } else if (outputSide(setting) < 1) {
    return `Nothing is left: the stamps cover ${(n - 1) * stride + k} rows and the padding cuts off ${2 * padding}. ` +
      "Take less padding, a larger kernel or a larger input.";
  }
  return "";
}

// Everything that meets, as {input: [row, column], output: [row, column], weight: [row, column]}. The kernel
// lies on a large grid at every stride, and each place has a cell in a small grid: a convolution reads
// the large grid and writes the small one, a transposed convolution the other way round. Cells of the
// large grid may lie outside it, in the padding.
/** @type {(setting: Setting) => Link[]} */
export function links(setting) {
  const { mode, n, kernel_size: k, stride, padding } = setting;
  const small = mode === "convolution" ? outputSide(setting) : n;
  /** @type {Link[]} */
  const found = [];
  for (let u = 0; u < small; u++) for (let v = 0; v < small; v++) for (let a = 0; a < k; a++) for (let b = 0; b < k; b++) {
    /** @type {Cell} */
    const large = [u * stride + a - padding, v * stride + b - padding];
    if (mode === "convolution") found.push({ input: large, output: [u, v], weight: [a, b] });
    else found.push({ input: [u, v], output: large, weight: [a, b] });
  }
  return found;
}

/** @type {(cell: Cell, side: number) => boolean} */
export const inside = ([r, c], side) => r >= 0 && c >= 0 && r < side && c < side;

// The output's numbers, row by row.
/** @type {(setting: Setting, x: number[][], w: number[][]) => number[][]} */
export function outputs(setting, x, w) {
  const side = outputSide(setting);
  const y = Array.from({ length: side }, () => new Array(side).fill(0));
  for (const { input, output, weight } of links(setting)) {
    if (!inside(input, setting.n) || !inside(output, side)) continue;
    y[output[0]][output[1]] += w[weight[0]][weight[1]] * x[input[0]][input[1]];
  }
  return y;
}

// The rows (and so the columns) that nothing meets: of the padded input those that no window reads, of a
// transposed convolution's output those that no stamp reaches.
/** @type {(setting: Setting) => number[]} */
export function leftOver(setting) {
  const { mode, n, padding } = setting;
  const convolution = mode === "convolution";
  const met = new Set(links(setting).map((link) => (convolution ? link.input : link.output)[0]));
  const [first, end] = convolution ? [-padding, n + padding] : [0, outputSide(setting)];
  return Array.from({ length: end - first }, (_, i) => first + i).filter((r) => !met.has(r));
}

// ---------------------------------------------------------------- grids

const CELL = 30;
const FIT = 12; // wider grids have no room for numbers

/** @type {(v: number) => string} */
const short = (v) => number(v, Number.isInteger(v) ? 0 : 1);

// A square of cells, some of them a margin around the grid proper. With `pick`, a cell is chosen by mouse, finger
// or arrow keys.
/** @type {(options: { label: string, kind: string, pick?: (cell: Cell) => void }) => Grid} */
function grid({ label, kind, pick }) {
  const cells = s("g", { "aria-hidden": "true" });
  const svg = s("svg", { class: "ae-plane", role: pick ? "group" : "img", "aria-label": label }, cells);
  const node = h("div", { class: "ae-stack" }, svg);
  const extent = { side: 1, before: 0 };
  const put = pick ? addCursor(extent, svg, label, pick) : () => {};

  // values: (side, side) inside `before` and `after` rows of margin; marks: keys "r,c" of linked cells.
  /** @type {(drawing: Drawing) => void} */
  const draw = ({ values, before = 0, after = 0, marks, blank = "", unread = [] }) => {
    const side = values.length;
    const total = before + side + after;
    Object.assign(extent, { side, before });
    const shade = total <= FIT ? 0.4 : 0.9; // pale under a number
    const most = Math.max(...values.flat().map(Math.abs)) || 1;
    const parts = [];
    for (let r = -before; r < side + after; r++) for (let c = -before; c < side + after; c++) {
      const real = inside([r, c], side);
      const value = real ? values[r][c] : 0;
      const [px, py] = [(c + before) * CELL, (r + before) * CELL];
      const role = kind === "data" ? "data" : value < 0 ? "reconstruction" : "latent";
      const lost = unread.includes(r) || unread.includes(c);
      parts.push(s("rect", {
        x: px + 1, y: py + 1, width: CELL - 2, height: CELL - 2, rx: 2, "data-cell": `${r},${c}`,
        "data-linked": marks.has(`${r},${c}`) ? "" : null,
        style: (real
          ? `fill: var(--ae-${role}); fill-opacity: ${(shade * Math.abs(value)) / most};`
          : "fill: none;") +
          (marks.has(`${r},${c}`)
            ? "stroke: var(--ae-good); stroke-width: 2.6;"
            : `stroke: var(--ae-rule); stroke-width: 1; ${real && !lost ? "" : "stroke-dasharray: 3 3;"}`),
      }));
      const text = real ? short(value) : blank;
      if (total <= FIT && text) {
        parts.push(s("text", {
          x: px + CELL / 2, y: py + CELL / 2 + 5, "text-anchor": "middle",
          style: `font-size: 14px; fill: var(--ae-${real ? "ink" : "muted"}); pointer-events: none;`,
        }, text));
      }
    }
    cells.replaceChildren(...parts);
    set(svg, { viewBox: `0 0 ${total * CELL} ${total * CELL}` });
    node.style.maxWidth = `${Math.min(total * 36, 380)}px`;
  };
  return { node, draw, put };
}

/** @type {Record<string, Ae.Pair>} */
const MOVES = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

// The frame around the chosen cell: it takes the focus, and is dragged over the cells. Returns what puts it
// somewhere.
/** @type {(extent: Extent, svg: SVGSVGElement, label: string, pick: (cell: Cell) => void) => Grid["put"]} */
function addCursor(extent, svg, label, pick) {
  /** @type {Cell} */
  let chosen = [0, 0];
  /** @type {(extra: number, name: string) => SVGRectElement} */
  const box = (extra, name) => s("rect", {
    class: name, x: -extra, y: -extra, width: CELL + 2 * extra, height: CELL + 2 * extra, rx: 3,
  });
  const mark = s("rect", { x: 1, y: 1, width: CELL - 2, height: CELL - 2, rx: 2, style: "fill: transparent" });
  const cursor = s(
    "g", { class: "ae-handle", tabindex: 0, role: "slider", "aria-label": label }, mark, box(-4, "ae-ring"),
  );
  svg.append(cursor);

  /** @type {(v: number) => number} */
  const within = (v) => clamp(v, 0, extent.side - 1);
  /** @type {(event: MouseEvent) => Cell} */
  const at = (event) => {
    const p = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM()?.inverse());
    return [within(Math.floor(p.y / CELL) - extent.before), within(Math.floor(p.x / CELL) - extent.before)];
  };
  /** @type {(event: Event) => boolean} */
  const onCursor = ({ target }) => target instanceof Node && cursor.contains(target);
  let dragging = false;
  // A finger beside the chosen cell may be scrolling the page; on it, it drags.
  cursor.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
  svg.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || (event.pointerType !== "mouse" && !onCursor(event))) return;
    event.preventDefault();
    svg.setPointerCapture(event.pointerId);
    cursor.focus({ preventScroll: true });
    dragging = true;
    pick(at(event));
  });
  svg.addEventListener("pointermove", (event) => {
    if (dragging) pick(at(event));
  });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
    svg.addEventListener(end, () => {
      dragging = false;
    });
  }
  svg.addEventListener("click", (event) => pick(at(event)));
  cursor.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const move = MOVES[event.key];
    const last = extent.side - 1;
    if (move) {
      const far = event.shiftKey ? last : 1;
      pick([within(chosen[0] + move[0] * far), within(chosen[1] + move[1] * far)]);
    } else if (event.key === "Home" || event.key === "End") {
      pick(event.key === "Home" ? [0, 0] : [last, last]);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });

  return ({ place, active, text }) => {
    chosen = place;
    const [r, c] = place.map((v) => (v + extent.before) * CELL);
    cursor.setAttribute("transform", `translate(${c} ${r})`);
    mark.setAttribute("style", `fill: transparent; ${active ? "stroke: var(--ae-ink); stroke-width: 3.4" : ""}`);
    set(cursor, {
      "aria-valuenow": place[0] * extent.side + place[1], "aria-valuemin": 0, "aria-valuemax": extent.side ** 2 - 1,
      "aria-valuetext": text,
    });
  };
}

// ---------------------------------------------------------------- the sum in words

/** @type {(v: number) => string} */
const minus = (v) => (v < 0 ? `(${short(v)})` : short(v));
/** @type {(letter: string, cell: Cell) => string} */
const name = (letter, [r, c]) => `${letter}[${r}, ${c}]`;

// What makes an output: "y[0, 1] = 1·2 + … = 7", the weight first, then the input.
/** @type {(setting: Setting, x: number[][], w: number[][], y: number[][], place: Cell) => string} */
export function gathered(setting, x, w, y, place) {
  const terms = links(setting).filter(({ output }) => output[0] === place[0] && output[1] === place[1]);
  if (terms.length === 0) return `${name("y", place)} = 0: no stamp reaches this cell.`;
  const products = terms.map(({ input, weight }) => {
    const value = inside(input, setting.n) ? x[input[0]][input[1]] : 0;
    return `${minus(w[weight[0]][weight[1]])}·${minus(value)}`;
  });
  return `${name("y", place)} = ${products.join(" + ")} = ${short(y[place[0]][place[1]])}`;
}

// Where an input goes: "x[0, 1] = 2 adds 1·2 to y[0, 0], …".
/** @type {(setting: Setting, x: number[][], w: number[][], place: Cell) => string} */
export function scattered(setting, x, w, place) {
  const side = outputSide(setting);
  const terms = links(setting).filter(({ input, output }) =>
    input[0] === place[0] && input[1] === place[1] && inside(output, side));
  const value = x[place[0]][place[1]];
  if (terms.length === 0) return `${name("x", place)} = ${short(value)} reaches no output.`;
  const parts = terms.map(({ output, weight }) =>
    `${minus(w[weight[0]][weight[1]])}·${minus(value)} to ${name("y", output)}`);
  return `${name("x", place)} = ${short(value)} adds ${parts.join(", ")}`;
}

// The output's size, as the formula gives it.
/** @type {(setting: Setting) => string} */
export function sizeText(setting) {
  const { mode, n, kernel_size: k, stride, padding, output_padding } = setting;
  if (mode === "convolution") return `⌊(${n} + ${2 * padding} − ${k}) / ${stride}⌋ + 1 = ${outputSide(setting)}`;
  return `${n - 1}·${stride} − ${2 * padding} + ${k} + ${output_padding} = ${outputSide(setting)}`;
}

// ---------------------------------------------------------------- the figure

const SLIDERS = {
  n: "input size n", kernel_size: "kernel size k", stride: "stride s", padding: "padding p", output_padding: "output padding",
};
/** @type {(keyof typeof SLIDERS)[]} */
const CONTROLS = ["n", "kernel_size", "stride", "padding", "output_padding"];

/** @type {Ae.Figure["render"]} */
function render({ model, el }) {
  /** @type {Ae.Limits} */
  const limits = model.get("limits");
  /** @type {() => Setting} */
  const setting = () => ({
    mode: model.get("mode"), n: model.get("n"), kernel_size: model.get("kernel_size"), stride: model.get("stride"),
    padding: model.get("padding"), output_padding: model.get("output_padding"),
  });
  /** @type {(which: Which) => number} */
  const sideOf = (which) => (which === "output" ? outputSide(setting()) : model.get("n"));
  /** @type {(cell: number, side: number) => Cell} */
  const split = (cell, side) => [Math.floor(cell / side), cell % side];
  /** @type {Record<Which, Cell>} */
  const places = { output: [0, 0], input: [0, 0] }; // where each cursor was last

  const refused = h("p", { class: "ae-note", role: "alert", "data-key": "refusal", style: "min-height: 1.4em; color: var(--ae-reconstruction)" });
  /** @type {(side: Which) => (cell: Cell) => void} */
  const choose = (side) => ([r, c]) => update(model, { side, cell: r * sideOf(side) + c });

  // Take a new setting, or say why it is impossible; the chosen cell stays where it is, if it still exists.
  /** @type {(values: Partial<Setting>) => void} */
  const change = (values) => {
    const wanted = { ...setting(), ...values };
    const why = refusal(wanted);
    refused.textContent = why;
    if (why) return draw(); // the control that was moved goes back
    /** @type {Which} */
    const side = model.get("side");
    const after = side === "output" ? outputSide(wanted) : wanted.n;
    const [r, c] = split(model.get("cell"), sideOf(side)).map((v) => Math.min(v, after - 1));
    update(model, { ...values, cell: r * after + c });
  };

  const input = grid({ label: "input cell", kind: "data", pick: choose("input") });
  const kernel = grid({ label: "The kernel", kind: "signed" });
  const output = grid({ label: "output cell", kind: "signed", pick: choose("output") });
  const sum = h("p", { "data-key": "sum", style: "margin: 0; min-height: 4.4em; overflow-wrap: anywhere" });
  const numbers = readout([
    { key: "size", label: "output size" },
    { key: "value", label: "chosen number" },
    { key: "products", label: "products in it" },
    { key: "left", label: "rows left over" },
  ]);
  /** @type {(text: string) => HTMLElement} */
  const word = (text) => h("span", { class: "ae-image", style: "display: inline-block; width: auto; max-width: none; padding: .2rem .7rem; line-height: 1.5" }, text);
  const modes = ["convolution", "transposed"];
  const mode = choice({
    legend: "Which way round?",
    items: modes.map((label) => ({ label, node: word(label === "transposed" ? "transposed convolution" : label) })),
    onchange: (i) => change({ mode: modes[i], ...(i === 0 ? { output_padding: 0 } : {}) }),
  });
  /** @type {(key: keyof typeof SLIDERS) => Ae.Slider} */
  const control = (key) => {
    const [min, max] = limits[key];
    return slider({
      key, label: SLIDERS[key], min, max, step: 1, text: (v) => String(v),
      oninput: (v) => change({ [key]: clamp(Math.round(v), min, max) }),
    });
  };
  const sliders = {
    n: control("n"), kernel_size: control("kernel_size"), stride: control("stride"), padding: control("padding"),
    output_padding: control("output_padding"),
  };
  const step = slider({
    key: "cell", label: "chosen cell, row by row", min: 0, max: 728, step: 1, text: (v) => String(v), // of 27 by 27
    oninput: (v) => update(model, { cell: clamp(Math.round(v), 0, sideOf(model.get("side")) ** 2 - 1) }),
  });
  /** @type {(by: number) => void} */
  const walk = (by) => {
    const count = sideOf(model.get("side")) ** 2;
    update(model, { cell: (model.get("cell") + by + count) % count });
  };

  function draw() {
    const now = setting();
    /** @type {number[][][]} */
    const [allX, w] = [model.get("x"), model.get("w")];
    const x = allX.slice(0, now.n).map((r) => r.slice(0, now.n));
    const y = outputs(now, x, w);
    /** @type {Which} */
    const side = model.get("side");
    const isOutput = side === "output";
    const last = sideOf(side) ** 2 - 1;
    const place = split(Math.min(model.get("cell"), last), sideOf(side));
    places[side] = place;
    for (const which of WHICH) {
      const [r, c] = places[which];
      places[which] = [Math.min(r, sideOf(which) - 1), Math.min(c, sideOf(which) - 1)];
    }

    // Products with the zeros of a padding are written out, so their weights are marked as well.
    const mine = links(now).filter((link) => `${link[side]}` === `${place}` && (isOutput || inside(link.output, y.length)));
    /** @type {(which: Which) => Set<string>} */
    const marks = (which) => new Set(which === side ? [] : mine.map((link) => `${link[which]}`));
    const convolution = now.mode === "convolution";
    const canvas = (now.n - 1) * now.stride + now.kernel_size; // what all stamps cover together
    /** @type {(which: Which, values: number[][]) => Cursor} */
    const cursor = (which, values) => ({
      place: places[which], active: side === which,
      text: `row ${places[which][0]}, column ${places[which][1]}: ${short(values[places[which][0]][places[which][1]])}`,
    });
    const pad = convolution ? now.padding : 0;
    const unread = leftOver(now);
    input.draw({ values: x, before: pad, after: pad, blank: "0", marks: marks("input"), unread: convolution ? unread : [] });
    input.put(cursor("input", x));
    const cut = convolution ? 0 : now.padding;
    const end = convolution ? 0 : Math.max(0, canvas - cut - y.length);
    output.draw({ values: y, before: cut, after: end, marks: marks("output") });
    output.put(cursor("output", y));
    kernel.draw({
      values: w.slice(0, now.kernel_size).map((r) => r.slice(0, now.kernel_size)),
      marks: new Set(mine.map(({ weight }) => `${weight}`)),
    });

    mode.set(modes.indexOf(now.mode));
    for (const key of CONTROLS) sliders[key].set(now[key]);
    step.input.max = String(last);
    step.set(place[0] * sideOf(side) + place[1]);
    const value = (isOutput ? y : x)[place[0]][place[1]];
    sum.textContent = isOutput ? gathered(now, x, w, y, place) : scattered(now, x, w, place);
    numbers.set("size", y.length, sizeText(now));
    numbers.set("value", value, short(value));
    numbers.set("products", mine.length, String(mine.length));
    numbers.set("left", unread.length, String(unread.length));
    numbers.say(`${sum.textContent}. The output is ${y.length} by ${y.length}.`);
  }

  /** @type {(text: string) => HTMLElement} */
  const title = (text) => h("span", { class: "ae-label" }, text);
  frame(
    el, model,
    columns(
      column(title("Input x"), input.node, title("Kernel w"), kernel.node),
      column(title("Output y"), output.node, sum, row(button("Back", () => walk(-1)), button("Next", () => walk(1))), step.node),
    ),
    columns(
      column(mode.node, sliders.n.node, sliders.kernel_size.node, numbers.node),
      column(sliders.stride.node, sliders.padding.node, sliders.output_padding.node, refused),
    ),
    caption(
      "Choose a cell of the output or of the input: click or tap it, drag the frame, or use the arrow keys (Home and End " +
      "for the corners). Green frames are what it is linked with. Dashed cells are padding (zeros around an input, rows cut " +
      "off an output) or rows that no window reads. Rows left over: of the padded input, those that no window reads; of a " +
      "transposed output, those that no stamp reaches. Grids wider than 12 show shades only.",
    ),
  );
  const stop = watch(model, [...KEYS, "side", "cell", "x", "w"], draw);
  draw();
  return stop;
}

export default { render };
