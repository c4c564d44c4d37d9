// The models of one data set: dots in a plane of two quantities, with their spread over seeds, and a
// table of all their numbers that can be sorted and filtered.
import {
  caption, column, columns, frame, h, handle, plane, readout, replace, s, tick, together, update, watch,
} from "./kit/kit.js";

/** @typedef {{ name: string, family: string, data: string, seeds: number, values: Record<string, [mean: number, sd: number | null]>, cells: Record<string, string>, reported: Record<string, string> }} Row */
/** @typedef {{ key: string, short: string, label: string, unit: string, digits: number, log: boolean }} Column */
/** @typedef {{ name: string, columns: Column[], families: string[], axes: [string, string] }} DataSet */
/** @typedef {{ i: number, x: number, y: number }} Place of a row in the plane */
/** @typedef {{ i: number, px: number, py: number }} Drawn where it is drawn */
/** @typedef {{ x: number, y: number, anchor: string, left: number, must?: boolean }} Side of a dot, for its name */
/** @typedef {[left: number, top: number, right: number, bottom: number]} Frame */
/** @typedef {{ node: HTMLElement, input: HTMLSelectElement, fill: (list: [value: string, text: string][]) => void }} Select */
/** @typedef {"x" | "y"} Axis */

/** @type {Axis[]} */
const AXES = ["x", "y"];
/** @type {Record<string, string>} */
const COLOURS = {
  linear: "ink", autoencoder: "reconstruction", VAE: "latent", "conditional VAE": "good", "noisy autoencoder": "data",
  "no network": "ink",
};
const REACH = 18; // how near a pointer has to come to a dot, in drawing units
const LETTER = 6.7; // an upper bound of the mean width of a letter, in drawing units

// Places of the rows of a data set whose family is not hidden, in the order of the tables.
/** @type {(rows: Row[], data: string, hidden: string[]) => number[]} */
export function shownRows(rows, data, hidden) {
  return rows.flatMap((r, i) => (r.data === data && !hidden.includes(r.family) ? [i] : []));
}

// The same places, sorted by a quantity; rows that lack it come last, equal ones stay as they were.
/** @type {(rows: Row[], places: number[], key: string, down: boolean) => number[]} */
export function sorted(rows, places, key, down) {
  if (key === "") return places;
  /** @type {(i: number) => number | null} */
  const value = (i) => rows[i].values[key]?.[0] ?? null;
  const known = places.flatMap((i) => {
    const v = value(i);
    return v === null ? [] : [{ i, v }];
  });
  known.sort((a, b) => (down ? b.v - a.v : a.v - b.v) || a.i - b.i);
  return [...known.map(({ i }) => i), ...places.filter((i) => value(i) === null)];
}

// What is drawn of a value: itself, or its logarithm to base 10.
/** @type {(v: number, log: boolean) => number} */
export function scaled(v, log) {
  return log ? Math.log10(Math.max(v, 1)) : v;
}

// The ends of an axis around [low, high] of each value: with room, and from 0 where that is not far.
/** @type {(spans: number[][]) => Ae.Pair} */
export function ends(spans) {
  let low = Math.min(...spans.map(([a]) => a));
  let high = Math.max(...spans.map(([, b]) => b));
  if (!(high > low)) [low, high] = [low - Math.max(1, Math.abs(low) / 2), high + Math.max(1, Math.abs(high) / 2)];
  const room = 0.07 * (high - low);
  return [low >= 0 && low < 0.4 * high ? -room / 2 : low - room, high + room];
}

// The place among [{i, x, y}] that an arrow key leads to from row i: the next along x, or along y.
/** @type {(dots: Place[], i: number, dx: number, dy: number) => number} */
export function neighbour(dots, i, dx, dy) {
  const axis = dx !== 0 ? "x" : "y";
  const line = [...dots].sort((a, b) => a[axis] - b[axis] || a.i - b.i);
  const at = line.findIndex((dot) => dot.i === i);
  const to = Math.min(Math.max(at + (dx || dy), 0), line.length - 1);
  return line[to]?.i ?? i;
}

// Which names fit beside their dots without lying on another name or dot: [{i, x, y, anchor}].
/** @type {(dots: Drawn[], names: string[], first: number | undefined, box: Ae.Box) => { i: number, x: number, y: number, anchor: string }[]} */
export function labels(dots, names, first, box) {
  /** @type {Frame[]} */
  const taken = dots.map(({ px, py }) => [px - 5, py - 5, px + 5, py + 5]);
  /** @type {(b: Frame) => boolean} */
  const free = (b) => taken.every((a) => a[0] > b[2] || a[2] < b[0] || a[1] > b[3] || a[3] < b[1]);
  /** @type {(b: Frame) => boolean} */
  const inside = (b) => b[0] >= box.left + 2 && b[2] <= box.right - 2 && b[1] >= box.top + 2 && b[3] <= box.bottom - 2;
  const found = [];
  const queue = [...dots].sort((a, b) => Number(b.i === first) - Number(a.i === first));
  for (const { i, px, py } of queue) {
    const width = LETTER * names[i].length;
    /** @type {Side[]} */
    const sides = [
      { x: px + 9, y: py + 4, anchor: "start", left: px + 8 },
      { x: px - 9, y: py + 4, anchor: "end", left: px - 10 - width },
      { x: px, y: py - 11, anchor: "middle", left: px - width / 2 },
      { x: px, y: py + 20, anchor: "middle", left: px - width / 2 },
    ];
    if (i === first) { // the chosen one is always named, wherever there is room for it
      const middle = Math.min(Math.max(px, box.left + width / 2 + 3), box.right - width / 2 - 3);
      const y = py - box.top > 34 ? py - 17 : py + 27;
      sides.push({ x: middle, y, anchor: "middle", left: middle - width / 2, must: true });
    }
    const side = sides.find(({ left, y, must }) => {
      /** @type {Frame} */
      const b = [left, y - 11, left + width, y + 4];
      return must || (free(b) && inside(b));
    });
    if (!side) continue;
    taken.push([side.left, side.y - 11, side.left + width, side.y + 4]);
    found.push({ i, x: side.x, y: side.y, anchor: side.anchor });
  }
  return found;
}

/** @type {(label: string, items: [string, string][], onchange: (value: string) => void) => Select} */
function select(label, items, onchange) {
  const node = h("select", { class: "ae-select", "aria-label": label });
  node.addEventListener("change", () => onchange(node.value));
  node.addEventListener("keydown", (event) => event.stopPropagation());
  /** @type {Select["fill"]} */
  const fill = (list) => node.replaceChildren(...list.map(([value, text]) => h("option", { value }, text)));
  fill(items);
  return { node: h("label", { class: "ae-picker" }, h("span", { class: "ae-label" }, label), node), input: node, fill };
}

/** @type {Ae.Figure["render"]} */
function render({ model, el }) {
  /** @type {Row[]} */
  const rows = model.get("rows");
  /** @type {DataSet[]} */
  const sets = model.get("sets");
  /** @type {(key: "data" | "x" | "y" | "sort") => string} */
  const get = (key) => model.get(key);
  /** @type {() => string[]} */
  const hidden = () => model.get("hidden");
  const row = () => Number(model.get("row"));
  // Python lets no other name in.
  /** @type {(wanted: string) => DataSet} */
  const setOf = (wanted) => sets.find(({ name }) => name === wanted) ?? sets[0];
  /** @type {() => DataSet} */
  const here = () => setOf(get("data"));
  /** @type {(key: string) => Column | undefined} */
  const meta = (key) => here().columns.find((c) => c.key === key);
  /** @type {(column: Pick<Column, "label" | "unit" | "log">) => string} */
  const title = ({ label, unit, log }) => `${label} (${log ? "log₁₀ of the " : ""}${unit})`;
  const names = rows.map(({ name }) => name);
  /** @type {(Place & Drawn)[]} */
  let dots = []; // of the rows that have both quantities: {i, x, y, px, py}

  const visible = () => shownRows(rows, get("data"), hidden());
  /** @type {(i: number, ...keys: string[]) => boolean} */
  const has = (i, ...keys) => keys.every((key) => rows[i].values[key] !== undefined);

  /** @type {(values: { data?: string, hidden?: string[], x?: string, y?: string, row?: number, sort?: string, down?: boolean }) => void} */
  function choose(values) {
    const next = { data: get("data"), hidden: hidden(), x: get("x"), y: get("y"), ...values };
    const places = shownRows(rows, next.data, next.hidden);
    const both = places.filter((i) => has(i, next.x, next.y));
    if (!places.includes(row()) || (both.length > 0 && !both.includes(row()))) {
      values.row = both[0] ?? places[0] ?? row();
    }
    update(model, values);
  }

  const data = select("data set", sets.map(({ name }) => [name, name]), (name) => {
    const { axes } = setOf(name);
    choose({ data: name, x: axes[0], y: axes[1], hidden: [], sort: "", down: false });
  });
  const across = select("across", [], (x) => choose({ x }));
  const upwards = select("upwards", [], (y) => choose({ y }));
  const families = h("div", { class: "ae-buttons" });

  const on = plane({ x: [0, 1], y: [0, 1], xLabel: "", yLabel: "", height: 300, label: "A dot for each model; arrow keys go from one to the next" });
  const marks = s("g");
  const tags = s("g");
  on.clip.append(marks);
  on.over.append(tags);
  /** @type {(px: number, py: number) => { i: number | undefined, far: number }} */
  const near = (px, py) => {
    const far = dots.map((dot) => Math.hypot(dot.px - px, dot.py - py));
    const least = Math.min(...far);
    return { i: dots[far.indexOf(least)]?.i, far: least };
  };
  /** @type {(event: MouseEvent) => { i: number | undefined, far: number }} */
  const point = (event) => {
    const [x, y] = on.at(event);
    return near(on.px(x), on.py(y));
  };
  const chosen = () => dots.find(({ i }) => i === row());
  const knob = handle(on, {
    label: "model", kind: "ink", radius: 6, range: [0, 1],
    get: () => [chosen()?.x ?? on.x[0], chosen()?.y ?? on.y[0]],
    set([x, y]) {
      const { i } = near(on.px(x), on.py(y));
      if (i !== undefined) update(model, { row: i });
    },
    nudge: (dx, dy) => update(model, { row: neighbour(dots, row(), dx, dy) }),
    now: () => Math.max(0, dots.findIndex(({ i }) => i === row())), text: () => names[row()],
  });
  on.svg.addEventListener("pointermove", (event) => {
    if (event.buttons !== 0 || event.pointerType === "touch") return;
    const { i, far } = point(event);
    if (far < REACH && i !== row()) update(model, { row: i });
  });
  on.svg.addEventListener("click", (event) => {
    const { i, far } = point(event);
    if (far < 2 * REACH && i !== row()) update(model, { row: i });
  });

  const numbers = readout([
    { key: "name", label: "model" }, { key: "seeds", label: "seeds" }, { key: "x", label: "across" }, { key: "y", label: "upwards" },
    { key: "reported", label: "reported upwards" }, { key: "drawn", label: "models with both" },
  ]);
  /** @type {(key: string) => Node | null | undefined} */
  const labelOf = (key) => numbers.node.querySelector(`[data-key="${key}"]`)?.previousSibling;

  /** @type {(node: HTMLElement | null) => void} */
  const focusOn = (node) => node?.focus();
  /** @type {(event: Event) => HTMLTableRowElement | null} */
  const lineOf = ({ target }) => (target instanceof Element ? target.closest("tr") : null);
  const head = h("tr");
  const body = h("tbody");
  const box = h(
    "div", { class: "ae-scroll", tabindex: 0, role: "region", "aria-label": "Table of the models; it scrolls" },
    h("table", { class: "ae-table" }, h("thead", {}, head), body),
  );
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Tab") event.stopPropagation();
  });

  function drawFilters() {
    data.input.value = get("data");
    for (const axis of AXES) {
      const picker = { x: across, y: upwards }[axis];
      picker.fill(here().columns.map((c) => [c.key, title(c)]));
      picker.input.value = get(axis);
    }
    replace(families, ...here().families.map((family) => {
      const box = tick(family, (on) => {
        const others = hidden().filter((name) => name !== family);
        choose({ hidden: on ? others : [...others, family] });
      });
      box.input.checked = !hidden().includes(family);
      box.input.dataset.family = family;
      box.node.insertBefore(h("span", { class: `ae-swatch ae-${COLOURS[family] ?? "ink"}` }), box.node.lastChild);
      return box.node;
    }));
  }

  // [middle, low, high] of a row along an axis, in the axis' scale.
  /** @type {(i: number, key: string) => number[]} */
  function span(i, key) {
    const [mean, sd] = rows[i].values[key];
    const log = meta(key)?.log ?? false;
    return [mean, mean - (sd ?? 0), mean + (sd ?? 0)].map((v) => scaled(v, log));
  }

  function drawPlane() {
    const [x, y] = [get("x"), get("y")];
    const places = meta(x) && meta(y) ? visible().filter((i) => has(i, x, y)) : [];
    const spans = places.map((i) => ({ i, x: span(i, x), y: span(i, y) }));
    /** @type {(axis: Axis) => Ae.Pair} */
    const range = (axis) => (spans.length > 0 ? ends(spans.map((p) => p[axis].slice(1))) : [0, 1]);
    on.frame({ x: range("x"), y: range("y") });
    for (const [i, c] of [meta(x), meta(y)].entries()) {
      if (c) on.svg.querySelectorAll(".ae-axes .ae-title")[i].textContent = title(c);
    }
    dots = spans.map((p) => ({ i: p.i, x: p.x[0], y: p.y[0], px: on.px(p.x[0]), py: on.py(p.y[0]) }));
    marks.replaceChildren(...spans.flatMap((p) => {
      const colour = `ae-${COLOURS[rows[p.i].family] ?? "ink"}`;
      const [cx, cy] = [on.px(p.x[0]), on.py(p.y[0])];
      return [
        s("line", { class: `ae-thin ${colour}`, x1: on.px(p.x[1]), x2: on.px(p.x[2]), y1: cy, y2: cy }),
        s("line", { class: `ae-thin ${colour}`, x1: cx, x2: cx, y1: on.py(p.y[1]), y2: on.py(p.y[2]) }),
        s("circle", { class: `ae-fill ${colour}`, cx, cy, r: 4 }),
      ];
    }));
  }

  function drawChosen() {
    const r = rows[row()];
    const dot = chosen();
    knob.node.style.display = dot ? "" : "none";
    if (dot) knob.place();
    tags.replaceChildren(...labels(dots, names, dot?.i, on.box).map((t) =>
      s("text", { class: "ae-tag", x: t.x, y: t.y, "text-anchor": t.anchor, "font-weight": t.i === dot?.i ? 700 : null }, names[t.i])));
    const [x, y] = [get("x"), get("y")];
    for (const slot of AXES) {
      const key = { x, y }[slot];
      const column = meta(key);
      const label = labelOf(slot);
      if (label) label.textContent = column ? title({ ...column, log: false }) : slot;
      numbers.set(slot, r.values[key]?.[0] ?? NaN, r.cells[key] ?? "–");
    }
    numbers.set("name", row(), r.name);
    numbers.set("seeds", r.seeds, String(r.seeds));
    numbers.set("reported", NaN, r.reported[y] ?? "–");
    numbers.set("drawn", dots.length, `${dots.length} of ${visible().length}`);
    const said = [x, y].map((key) => `${meta(key)?.label ?? key} ${r.cells[key] ?? "not defined"}`);
    numbers.say(`${r.name}, ${r.seeds} seeds: ${said.join(", ")}.`);
    for (const line of body.rows) {
      const mine = Number(line.dataset.row) === row();
      line.classList.toggle("ae-chosen", mine);
      const name = line.querySelector("button");
      if (name === null) continue;
      name.tabIndex = mine ? 0 : -1;
      name.setAttribute("aria-pressed", String(mine));
    }
  }

  /** @type {(key: string) => void} */
  function sortBy(key) {
    const again = get("sort") === key;
    if (again && model.get("down")) update(model, { sort: "", down: false });
    else update(model, { sort: key, down: again });
  }

  function drawTable() {
    const cols = here().columns;
    const [key, down] = [get("sort"), model.get("down")];
    replace(
      head,
      h("th", { scope: "col" }, "model"),
      h("th", { scope: "col" }, "seeds"),
      ...cols.map((c) => {
        const state = c.key === key ? (down ? "descending" : "ascending") : "none";
        const mark = { descending: " ▼", ascending: " ▲", none: "" }[state];
        return h(
          "th", { scope: "col", "aria-sort": state, title: title({ ...c, log: false }) },
          h("button", { type: "button", class: "ae-plain", "data-key": `sort-${c.key}`, onclick: () => sortBy(c.key) }, `${c.short}${mark}`),
        );
      }),
    );
    replace(body, ...sorted(rows, visible(), key, down).map((i) => {
      const name = h("button", { type: "button", class: "ae-plain", onclick: () => update(model, { row: i }) }, rows[i].name);
      return h(
        "tr", { "data-row": i },
        h("th", { scope: "row" }, name), h("td", {}, String(rows[i].seeds)),
        ...cols.map((c) => h("td", {}, rows[i].cells[c.key] ?? "–")),
      );
    }));
  }
  body.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const step = event.key === "ArrowDown" ? 1 : -1;
    event.preventDefault(); // the box must not scroll away from the chosen row
    const order = [...body.rows].map((line) => Number(line.dataset.row));
    const to = order[Math.min(Math.max(order.indexOf(row()) + step, 0), order.length - 1)];
    update(model, { row: to });
    focusOn(body.querySelector(`[data-row="${to}"] button`));
  });
  // A move, not "pointerover": that also comes when the table shifts under a pointer at rest.
  body.addEventListener("pointermove", (event) => {
    const line = lineOf(event);
    const i = Number(line?.dataset.row);
    if (event.pointerType === "mouse" && line && i !== row()) update(model, { row: i });
  });
  body.addEventListener("click", (event) => {
    const line = lineOf(event);
    if (line) update(model, { row: Number(line.dataset.row) });
  });

  function draw() {
    drawFilters();
    drawPlane();
    drawTable();
    drawChosen();
  }

  frame(
    el, model,
    data.node,
    columns(column(on.node), column(across.node, upwards.node, families, numbers.node)),
    box,
    caption(
      "Dots are means over the seeds, bars one standard deviation. Point at a dot or a row, tap it, or go from dot to dot with ",
      "the arrow keys. The head of a column sorts by it; a second time turns it round.",
    ),
  );
  const stop = together(
    watch(model, ["data", "x", "y", "hidden"], draw),
    watch(model, ["row"], drawChosen),
    watch(model, ["sort", "down"], () => {
      drawTable();
      drawChosen();
    }),
  );
  draw();
  return stop;
}

export default { render };
