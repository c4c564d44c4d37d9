// The models of one data set: dots in a plane of two quantities, with their spread over seeds, and a
// table of all their numbers that can be sorted and filtered.
import {
  caption, column, columns, frame, h, handle, plane, readout, s, tick, update, watch,
} from "./kit/kit.js";

const COLOURS = {
  linear: "ink", autoencoder: "reconstruction", VAE: "latent", "conditional VAE": "good", "noisy autoencoder": "data",
  "no network": "ink",
};
const REACH = 18; // how near a pointer has to come to a dot, in drawing units
const LETTER = 6.7; // an upper bound of the mean width of a letter, in drawing units

// Places of the rows of a data set whose family is not hidden, in the order of the tables.
export function shownRows(rows, data, hidden) {
  return rows.flatMap((r, i) => (r.data === data && !hidden.includes(r.family) ? [i] : []));
}

// The same places, sorted by a quantity; rows that lack it come last, equal ones stay as they were.
export function sorted(rows, places, key, down) {
  if (key === "") return places;
  const value = (i) => rows[i].values[key]?.[0] ?? null;
  const known = places.filter((i) => value(i) !== null);
  known.sort((a, b) => (down ? value(b) - value(a) : value(a) - value(b)) || a - b);
  return [...known, ...places.filter((i) => value(i) === null)];
}

// What is drawn of a value: itself, or its logarithm to base 10.
export function scaled(v, log) {
  return log ? Math.log10(Math.max(v, 1)) : v;
}

// The ends of an axis around [low, high] of each value: with room, and from 0 where that is not far.
export function ends(spans) {
  let low = Math.min(...spans.map(([a]) => a));
  let high = Math.max(...spans.map(([, b]) => b));
  if (!(high > low)) [low, high] = [low - Math.max(1, Math.abs(low) / 2), high + Math.max(1, Math.abs(high) / 2)];
  const room = 0.07 * (high - low);
  return [low >= 0 && low < 0.4 * high ? -room / 2 : low - room, high + room];
}

// The place among [{i, x, y}] that an arrow key leads to from row i: the next along x, or along y.
export function neighbour(dots, i, dx, dy) {
  const axis = dx !== 0 ? "x" : "y";
  const line = [...dots].sort((a, b) => a[axis] - b[axis] || a.i - b.i);
  const at = line.findIndex((dot) => dot.i === i);
  const to = Math.min(Math.max(at + (dx || dy), 0), line.length - 1);
  return line[to]?.i ?? i;
}

// Which names fit beside their dots without lying on another name or dot: [{i, x, y, anchor}].
export function labels(dots, names, first, box) {
  const taken = dots.map(({ px, py }) => [px - 5, py - 5, px + 5, py + 5]);
  const free = (b) => taken.every((a) => a[0] > b[2] || a[2] < b[0] || a[1] > b[3] || a[3] < b[1]);
  const inside = (b) => b[0] >= box.left + 2 && b[2] <= box.right - 2 && b[1] >= box.top + 2 && b[3] <= box.bottom - 2;
  const found = [];
  const queue = [...dots].sort((a, b) => (b.i === first) - (a.i === first));
  for (const { i, px, py } of queue) {
    const width = LETTER * names[i].length;
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
      const b = [left, y - 11, left + width, y + 4];
      return must || (free(b) && inside(b));
    });
    if (!side) continue;
    taken.push([side.left, side.y - 11, side.left + width, side.y + 4]);
    found.push({ i, x: side.x, y: side.y, anchor: side.anchor });
  }
  return found;
}

function select(label, items, onchange) {
  const node = h("select", { class: "ae-select", "aria-label": label, onchange: () => onchange(node.value) });
  node.addEventListener("keydown", (event) => event.stopPropagation());
  const fill = (list) => node.replaceChildren(...list.map(([value, text]) => h("option", { value }, text)));
  fill(items);
  return { node: h("label", { class: "ae-picker" }, h("span", { class: "ae-label" }, label), node), input: node, fill };
}

function render({ model, el }) {
  const rows = model.get("rows");
  const sets = model.get("sets");
  const get = (key) => model.get(key);
  const here = () => sets.find(({ name }) => name === get("data"));
  const meta = (key) => here().columns.find((c) => c.key === key);
  const title = ({ label, unit, log }) => `${label} (${log ? "log₁₀ of the " : ""}${unit})`;
  const names = rows.map(({ name }) => name);
  let dots = []; // of the rows that have both quantities: {i, x, y, px, py}

  const visible = () => shownRows(rows, get("data"), get("hidden"));
  const has = (i, ...keys) => keys.every((key) => rows[i].values[key] !== undefined);

  function choose(values) {
    const next = { data: get("data"), hidden: get("hidden"), x: get("x"), y: get("y"), ...values };
    const places = shownRows(rows, next.data, next.hidden);
    const both = places.filter((i) => has(i, next.x, next.y));
    if (!places.includes(get("row")) || (both.length > 0 && !both.includes(get("row")))) {
      values.row = both[0] ?? places[0] ?? get("row");
    }
    update(model, values);
  }

  const data = select("data set", sets.map(({ name }) => [name, name]), (name) => {
    const { axes } = sets.find((one) => one.name === name);
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
  const near = (px, py) => {
    const far = dots.map((dot) => Math.hypot(dot.px - px, dot.py - py));
    const least = Math.min(...far);
    return { i: dots[far.indexOf(least)]?.i, far: least };
  };
  const point = (event) => {
    const [x, y] = on.at(event);
    return near(on.px(x), on.py(y));
  };
  const chosen = () => dots.find(({ i }) => i === get("row"));
  const knob = handle(on, {
    label: "model", kind: "ink", radius: 6, range: [0, 1],
    get: () => [chosen()?.x ?? on.x[0], chosen()?.y ?? on.y[0]],
    set: ([x, y]) => dots.length > 0 && update(model, { row: near(on.px(x), on.py(y)).i }),
    nudge: (dx, dy) => update(model, { row: neighbour(dots, get("row"), dx, dy) }),
    now: () => Math.max(0, dots.findIndex(({ i }) => i === get("row"))), text: () => names[get("row")],
  });
  on.svg.addEventListener("pointermove", (event) => {
    if (event.buttons !== 0 || event.pointerType === "touch") return;
    const { i, far } = point(event);
    if (far < REACH && i !== get("row")) update(model, { row: i });
  });
  on.svg.addEventListener("click", (event) => {
    const { i, far } = point(event);
    if (far < 2 * REACH && i !== get("row")) update(model, { row: i });
  });

  const numbers = readout([
    { key: "name", label: "model" }, { key: "seeds", label: "seeds" }, { key: "x", label: "across" }, { key: "y", label: "upwards" },
    { key: "reported", label: "reported upwards" }, { key: "drawn", label: "models with both" },
  ]);
  const labelOf = (key) => numbers.node.querySelector(`[data-key="${key}"]`).previousSibling;

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
    for (const [picker, key] of [[across, "x"], [upwards, "y"]]) {
      picker.fill(here().columns.map((c) => [c.key, title(c)]));
      picker.input.value = get(key);
    }
    families.replaceChildren(...here().families.map((family) => {
      const box = tick(family, (on) => {
        const others = get("hidden").filter((name) => name !== family);
        choose({ hidden: on ? others : [...others, family] });
      });
      box.input.checked = !get("hidden").includes(family);
      box.input.dataset.family = family;
      box.node.insertBefore(h("span", { class: `ae-swatch ae-${COLOURS[family] ?? "ink"}` }), box.node.lastChild);
      return box.node;
    }));
  }

  // [middle, low, high] of a row along an axis, in the axis' scale.
  function span(i, key) {
    const [mean, sd] = rows[i].values[key];
    const { log } = meta(key);
    return [mean, mean - (sd ?? 0), mean + (sd ?? 0)].map((v) => scaled(v, log));
  }

  function drawPlane() {
    const [x, y] = [get("x"), get("y")];
    const places = meta(x) && meta(y) ? visible().filter((i) => has(i, x, y)) : [];
    const spans = places.map((i) => ({ i, x: span(i, x), y: span(i, y) }));
    const range = (axis) => (spans.length > 0 ? ends(spans.map((p) => p[axis].slice(1))) : [0, 1]);
    on.frame({ x: range("x"), y: range("y") });
    [meta(x), meta(y)].forEach((c, i) => {
      if (c) on.svg.querySelectorAll(".ae-axes .ae-title")[i].textContent = title(c);
    });
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
    const r = rows[get("row")];
    const dot = chosen();
    knob.node.style.display = dot ? "" : "none";
    if (dot) knob.place();
    tags.replaceChildren(...labels(dots, names, dot?.i, on.box).map((t) =>
      s("text", { class: "ae-tag", x: t.x, y: t.y, "text-anchor": t.anchor, "font-weight": t.i === dot?.i ? 700 : null }, names[t.i])));
    const [x, y] = [get("x"), get("y")];
    for (const [slot, key] of [["x", x], ["y", y]]) {
      labelOf(slot).textContent = meta(key) ? title({ ...meta(key), log: false }) : slot;
      numbers.set(slot, r.values[key]?.[0] ?? NaN, r.cells[key] ?? "–");
    }
    numbers.set("name", get("row"), r.name);
    numbers.set("seeds", r.seeds, String(r.seeds));
    numbers.set("reported", NaN, r.reported[y] ?? "–");
    numbers.set("drawn", dots.length, `${dots.length} of ${visible().length}`);
    const said = [["x", x], ["y", y]].map(([, key]) => `${meta(key)?.label ?? key} ${r.cells[key] ?? "not defined"}`);
    numbers.say(`${r.name}, ${r.seeds} seeds: ${said.join(", ")}.`);
    for (const line of body.rows) {
      const mine = Number(line.dataset.row) === get("row");
      line.classList.toggle("ae-chosen", mine);
      const name = line.querySelector("button");
      name.tabIndex = mine ? 0 : -1;
      name.setAttribute("aria-pressed", mine);
    }
  }

  function sortBy(key) {
    const again = get("sort") === key;
    if (again && get("down")) update(model, { sort: "", down: false });
    else update(model, { sort: key, down: again });
  }

  function drawTable() {
    const held = box.contains(document.activeElement) ? document.activeElement.dataset.key ?? "name" : null;
    const cols = here().columns;
    const [key, down] = [get("sort"), get("down")];
    head.replaceChildren(
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
    body.replaceChildren(...sorted(rows, visible(), key, down).map((i) => {
      const name = h("button", { type: "button", class: "ae-plain", onclick: () => update(model, { row: i }) }, rows[i].name);
      return h(
        "tr", { "data-row": i },
        h("th", { scope: "row" }, name), h("td", {}, String(rows[i].seeds)),
        ...cols.map((c) => h("td", {}, rows[i].cells[c.key] ?? "–")),
      );
    }));
    if (held !== null && held !== "name") head.querySelector(`[data-key="${held}"]`)?.focus();
  }
  body.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault(); // the box must not scroll away from the chosen row
    const order = [...body.rows].map((line) => Number(line.dataset.row));
    const to = order[Math.min(Math.max(order.indexOf(get("row")) + step, 0), order.length - 1)];
    update(model, { row: to });
    body.querySelector(`[data-row="${to}"] button`)?.focus();
  });
  // A move, not "pointerover": that also comes when the table shifts under a pointer at rest.
  body.addEventListener("pointermove", (event) => {
    const line = event.target.closest("tr");
    const i = Number(line?.dataset.row);
    if (event.pointerType === "mouse" && line && i !== get("row")) update(model, { row: i });
  });
  body.addEventListener("click", (event) => {
    const line = event.target.closest("tr");
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
  const stops = [
    watch(model, ["data", "x", "y", "hidden"], draw),
    watch(model, ["row"], drawChosen),
    watch(model, ["sort", "down"], () => { drawTable(); drawChosen(); }),
  ];
  draw();
  return () => stops.forEach((stop) => stop());
}

export default { render };
