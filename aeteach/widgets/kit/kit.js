// What every figure is built from: planes with axes, things to drag, sliders, buttons, images and
// numbers. Everything works by mouse, touch and keyboard, and takes its colours from CSS.
const SVG = "http://www.w3.org/2000/svg";

// ---------------------------------------------------------------- elements

/** @type {<E extends Element>(node: E, attributes: Ae.Attributes, children: Ae.Child[]) => E} */
function build(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children);
  return node;
}

// An HTML element: h("p", { class: "note", onclick: f }, "text", child).
/** @type {<K extends keyof HTMLElementTagNameMap>(tag: K, attributes?: Ae.Attributes, ...children: Ae.Child[]) => HTMLElementTagNameMap[K]} */
export function h(tag, attributes = {}, ...children) {
  return build(document.createElement(tag), attributes, children);
}

// An SVG element, likewise.
/** @type {<K extends keyof SVGElementTagNameMap>(tag: K, attributes?: Ae.Attributes, ...children: Ae.Child[]) => SVGElementTagNameMap[K]} */
export function s(tag, attributes = {}, ...children) {
  return build(document.createElementNS(SVG, tag), attributes, children);
}

/** @type {(node: Element, attributes: Ae.Attributes) => void} */
export function set(node, attributes) {
  build(node, attributes, []);
}

// Turn the element a host gives into the figure's frame, in either host the same.
/** @type {(el: HTMLElement, model: Ae.Model, ...children: Ae.Child[]) => HTMLElement} */
export function frame(el, model, ...children) {
  el.classList.add("ae-figure");
  el.setAttribute("role", "group");
  el.setAttribute("aria-label", model.get("alt"));
  el.replaceChildren(...children, announcer(el));
  return el;
}

const RESTS = 760; // milliseconds: a readout's own sentence comes 700 after a change

// What something to use is called, and how it stands.
/** @type {(control: Element) => string} */
function nameOf(control) {
  return control.getAttribute("aria-label") ?? (control.textContent ?? "").trim();
}
/** @type {(control: Element) => string} */
function stateOf(control) {
  if (control instanceof HTMLSelectElement) return control.selectedOptions[0]?.text ?? "";
  if (control instanceof HTMLInputElement && control.type === "checkbox") return control.checked ? "on" : "off";
  if (control instanceof HTMLInputElement && control.type === "radio") return control.checked ? "chosen" : "";
  return control.getAttribute("aria-valuetext") ?? "";
}

// A figure says in a sentence of its own what changed. Where that sentence stayed the same, this says
// what was used, how it stands now, and which numbers are others: no change passes in silence.
/** @type {(el: HTMLElement) => HTMLElement} */
function announcer(el) {
  const live = h("p", { class: "ae-live", role: "status" });
  const said = () => [...el.querySelectorAll("[aria-live]")].map((node) => node.textContent).join("|");
  const numbers = () => [...el.querySelectorAll("[data-key]")];
  /** @type {{ control: Element, state: string, said: string, numbers: Map<Element, string | null>, changed: boolean } | null} */
  let before = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const tell = () => {
    if (before === null) return;
    const { control, state, said: sentence, numbers: old, changed } = before;
    before = null;
    if (said() !== sentence) return;
    const others = numbers().filter((node) => old.has(node) && old.get(node) !== node.textContent);
    const now = stateOf(control);
    if (others.length === 0 && now === state && !changed && !control.matches("button")) return;
    const told = others.slice(0, 4).map((node) => `${node.previousElementSibling?.textContent ?? ""} ${node.textContent}`.trim());
    const text = `${[nameOf(control), now].filter(Boolean).join(": ")}. ${told.join(", ")}`.trim();
    live.textContent = live.textContent === text ? `${text}\u200b` : text; // the same words once more are said, too
  };
  /** @type {(event: Event) => void} */
  const notice = ({ target, type }) => {
    const control = target instanceof Element ? target.closest("button, input, select, [role=slider]") : null;
    if (control === null) return;
    before ??= { control, state: stateOf(control), said: said(), numbers: new Map(numbers().map((node) => [node, node.textContent])), changed: false };
    before.control = control;
    before.changed ||= type === "change"; // what is ticked has changed before anyone hears of it
    clearTimeout(timer);
    timer = setTimeout(tell, RESTS);
  };
  // Before the figure hears of it, so that what was shown is known.
  for (const kind of ["pointerdown", "pointerup", "click", "keydown", "input", "change"]) el.addEventListener(kind, notice, true);
  return live;
}

// Put children in place of others. What had the focus among them has it again, by its name.
/** @type {(parent: Element, ...children: Ae.Child[]) => void} */
export function replace(parent, ...children) {
  const active = document.activeElement;
  const key = (/** @type {Element} */ e) => `${e.tagName} ${e.getAttribute("data-key") ?? nameOf(e)}`;
  const held = active !== null && parent.contains(active) ? key(active) : null;
  parent.replaceChildren(...children);
  if (held === null) return;
  const heir = [...parent.querySelectorAll("button, input, select, [tabindex]")].find((e) => key(e) === held);
  if (heir instanceof HTMLElement) heir.focus({ preventScroll: true });
}

// Columns that stand side by side where there is room and below each other where there is not.
/** @type {(...children: Ae.Child[]) => HTMLElement} */
export function columns(...children) {
  return h("div", { class: "ae-columns" }, ...children);
}

/** @type {(...children: Ae.Child[]) => HTMLElement} */
export function column(...children) {
  return h("div", { class: "ae-column" }, ...children);
}

/** @type {(...children: Ae.Child[]) => HTMLElement} */
export function row(...children) {
  return h("div", { class: "ae-buttons" }, ...children);
}

/** @type {(...children: Ae.Child[]) => HTMLElement} */
export function caption(...children) {
  return h("p", { class: "ae-note" }, ...children);
}

// ---------------------------------------------------------------- state

// Write several traits and send them to Python, if there is one.
/** @type {(model: Ae.Model, values: Record<string, unknown>) => void} */
export function update(model, values) {
  for (const [key, value] of Object.entries(values)) model.set(key, value);
  model.save_changes();
}

// Call `listener` whenever one of the traits changes, whoever changed it; returns the end of it.
/** @type {(model: Ae.Model, keys: string[], listener: Ae.Listener) => Ae.Stop} */
export function watch(model, keys, listener) {
  for (const key of keys) model.on(`change:${key}`, listener);
  return () => {
    for (const key of keys) model.off(`change:${key}`, listener);
  };
}

// A move may change several traits: what is called for each of them is done once, when all are set.
/** @type {(draw: () => void) => () => void} */
export function coalesced(draw) {
  let waits = false;
  return () => {
    if (waits) return;
    waits = true;
    queueMicrotask(() => {
      waits = false;
      draw();
    });
  };
}

// End several things at once.
/** @type {(...stops: Ae.Stop[]) => Ae.Stop} */
export function together(...stops) {
  return () => {
    for (const stop of stops) stop();
  };
}

// ---------------------------------------------------------------- numbers

// 1.5 -> "1.50", -1.5 -> "−1.50" with a true minus, nothing finite -> "–"
/** @type {(x: number, digits?: number) => string} */
export function number(x, digits = 2) {
  if (!Number.isFinite(x)) return "–";
  const text = x.toFixed(digits);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
}

// Round tick values (1, 2 or 5 times a power of ten), about `count` of them, within [low, high].
/** @type {(low: number, high: number, count?: number) => Ae.Ticks} */
export function ticks(low, high, count = 5) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((m) => m * power >= rough * 0.999) ?? 10);
  const values = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) values.push(i * step);
  return { values, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
}

// The next number of the form 1, 1.5, 2, 3, 5 or 7 times a power of ten: an axis' end.
/** @type {(x: number) => number} */
export function roundUp(x) {
  if (!(x > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(x));
  return power * ([1, 1.5, 2, 3, 5, 7, 10].find((m) => m * power >= x * 0.999999) ?? 10);
}

// ---------------------------------------------------------------- planes and curves

// A plane with axes, in an SVG that scales with its column. Draw into `under` and `clip` (cut at
// the axes), or into `over` (handles). px and py turn data into drawing units; at(event) turns a
// pointer's place into data; frame({x, y}) changes the ranges and redraws the axes. Round numbers
// are marked, unless `xTicks` or `yTicks` gives whole ones (here, or to frame).
/** @type {(options: Ae.PlaneOptions) => Ae.Plane} */
export function plane({
  x, y, xLabel, yLabel, label, width = 340, height = 340, canvas = false, xTicks, yTicks,
}) {
  const box = { left: 46, right: width - 10, top: 10, bottom: height - 42 };
  const size = { width: box.right - box.left, height: box.bottom - box.top };
  const axes = s("g", { class: "ae-axes", "aria-hidden": "true" });
  const clip = s("svg", {
    x: box.left, y: box.top, width: size.width, height: size.height,
    viewBox: `${box.left} ${box.top} ${size.width} ${size.height}`,
  });
  const over = s("g");
  const svg = s(
    "svg",
    { class: "ae-plane", viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": label },
    axes, clip, over,
  );
  const node = h("div", { class: "ae-stack" }, svg);
  const px = (/** @type {number} */ v) => box.left + ((v - self.x[0]) / (self.x[1] - self.x[0])) * size.width;
  const py = (/** @type {number} */ v) => box.bottom - ((v - self.y[0]) / (self.y[1] - self.y[0])) * size.height;
  /** @type {Ae.Plane} */
  const self = {
    node, svg, clip, over, box, width, height, x, y, xTicks, yTicks, handles: new Map(), px, py, at, frame: axesOf,
  };
  if (canvas) {
    self.canvas = h("canvas", { "aria-hidden": "true" });
    Object.assign(self.canvas.style, {
      left: `${(100 * box.left) / width}%`, top: `${(100 * box.top) / height}%`,
      width: `${(100 * size.width) / width}%`, height: `${(100 * size.height) / height}%`,
    });
    node.prepend(self.canvas);
  }

  /** @type {(event: MouseEvent) => Ae.Pair} */
  function at(event) {
    const toUser = svg.getScreenCTM()?.inverse(); // there is none while the figure is hidden
    const p = new DOMPoint(event.clientX, event.clientY).matrixTransform(toUser);
    return [
      self.x[0] + ((p.x - box.left) / size.width) * (self.x[1] - self.x[0]),
      self.y[0] + ((box.bottom - p.y) / size.height) * (self.y[1] - self.y[0]),
    ];
  }

  /** @type {(ranges: Ae.Ranges) => void} */
  function axesOf(ranges) {
    Object.assign(self, ranges);
    const tx = self.xTicks ? { values: self.xTicks, digits: 0 } : ticks(...self.x, size.width / 50);
    const ty = self.yTicks ? { values: self.yTicks, digits: 0 } : ticks(...self.y, size.height / 50);
    axes.replaceChildren(
      s("rect", { x: box.left, y: box.top, width: size.width, height: size.height }),
      ...tx.values.map((v) => s("line", { x1: self.px(v), x2: self.px(v), y1: box.bottom, y2: box.bottom + 4 })),
      ...ty.values.map((v) => s("line", { x1: box.left - 4, x2: box.left, y1: self.py(v), y2: self.py(v) })),
      ...tx.values.map((v) =>
        s("text", { x: self.px(v), y: box.bottom + 19, "text-anchor": "middle" }, number(v, tx.digits))),
      ...ty.values.map((v) =>
        s("text", { x: box.left - 7, y: self.py(v) + 4, "text-anchor": "end" }, number(v, ty.digits))),
      s("text", { class: "ae-title", x: (box.left + box.right) / 2, y: height - 6, "text-anchor": "middle" }, xLabel),
      ...(yLabel === undefined ? [] : [s("text", {
        class: "ae-title", "text-anchor": "middle",
        transform: `translate(12 ${(box.top + box.bottom) / 2}) rotate(-90)`,
      }, yLabel)]),
    );
  }

  self.frame({ x, y });
  return self;
}

// The path through the points (xs[i], ys[i]) of a plane.
/** @type {(on: Ae.Plane, xs: Ae.Numbers, ys: Ae.Numbers) => string} */
export function path(on, xs, ys) {
  let d = "";
  for (let i = 0; i < xs.length; i++) {
    d += `${i === 0 ? "M" : "L"}${on.px(xs[i]).toFixed(2)} ${on.py(ys[i]).toFixed(2)}`;
  }
  return d;
}

// ---------------------------------------------------------------- things to drag

/** @type {Record<string, Ae.Pair>} */
const ARROWS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

// A dot on a plane, or on what measures like one, that mouse, finger and arrow keys move. `get` returns its place in data units,
// `set` is asked to move it there, `nudge(dx, dy)` to move it by that many key steps (Shift: ten),
// `text` says where it is, `now` gives the one number that aria-valuenow wants. place() redraws it.
/** @type {(on: Ae.Stage, options: Ae.HandleOptions) => Ae.Handle} */
export function handle(on, { label, kind, radius = 7, get, set: move, nudge, text, now, range, onkey, onfocus }) {
  const node = s(
    "g",
    { class: `ae-handle ae-${kind}`, tabindex: 0, role: "slider", "aria-label": label },
    s("circle", { class: "ae-grip", r: Math.max(radius + 8, 15) }),
    s("circle", { class: "ae-ring", r: radius + 4 }),
    s("circle", { class: "ae-dot", r: radius }),
  );
  // Else the page scrolls under the finger: browsers do not agree on touch-action within an SVG.
  node.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
  /** @type {Ae.Pair | null} */
  let grip = null; // from the pointer to the dot's centre, so that the dot does not jump
  /** @type {(event: PointerEvent) => void} */
  const take = (event) => {
    node.setPointerCapture(event.pointerId);
    node.focus({ preventScroll: true });
    const [x, y] = get();
    const [a, b] = on.at(event);
    grip = [x - a, y - b];
  };
  node.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    nearest(on, event).take(event);
  });
  node.addEventListener("pointermove", (event) => {
    if (grip === null) return;
    const [a, b] = on.at(event);
    move([a + grip[0], b + grip[1]]);
  });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
    node.addEventListener(end, () => {
      grip = null;
    });
  }
  node.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = ARROWS[event.key];
    if (arrow) {
      const steps = event.shiftKey ? 10 : 1;
      nudge(arrow[0] * steps, arrow[1] * steps);
    } else if (!onkey?.(event.key)) return;
    event.preventDefault(); // the page must not scroll
    event.stopPropagation(); // nor take the key for a command, as themes do for the next page
  });
  if (onfocus) node.addEventListener("focus", onfocus);
  on.over.append(node);
  on.handles.set(node, { get, take });
  return {
    node,
    remove() {
      on.handles.delete(node);
      node.remove();
    },
    place() {
      const [x, y] = get();
      node.setAttribute("transform", `translate(${on.px(x).toFixed(2)} ${on.py(y).toFixed(2)})`);
      set(node, {
        "aria-valuenow": now().toFixed(3), "aria-valuetext": text(),
        "aria-valuemin": range[0], "aria-valuemax": range[1],
      });
    },
  };
}

// Whether an event came from a node or from within it.
/** @type {(node: Node, event: Event) => boolean} */
export function holds(node, event) {
  return event.target instanceof Node && node.contains(event.target);
}

// Grips are larger than dots, so that a finger finds them, and overlap: the nearest dot is meant.
/** @type {(on: Ae.Stage, event: MouseEvent) => Ae.Grip} */
function nearest(on, event) {
  const [a, b] = on.at(event);
  /** @type {(grip: Ae.Grip) => number} */
  const distance = ({ get }) => Math.hypot(on.px(get()[0]) - on.px(a), on.py(get()[1]) - on.py(b));
  return [...on.handles.values()].reduce((best, next) => (distance(next) < distance(best) ? next : best));
}

// A labelled slider with its value as text. Arrow keys move it by `step` (Shift: ten steps) from
// where it exactly is; the mouse by `grain`.
/** @type {(options: Ae.SliderOptions) => Ae.Slider} */
export function slider({ key, label, min, max, step, grain = step, text, oninput }) {
  const input = h("input", { type: "range", min, max, step: grain, "aria-label": label });
  const output = h("span", { class: "ae-value", "data-key": key });
  let value = min;
  input.addEventListener("input", () => oninput(Number(input.value)));
  input.addEventListener("keydown", (event) => {
    const arrow = ARROWS[event.key];
    if (!arrow || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    const moved = value + (arrow[0] + arrow[1]) * step * (event.shiftKey ? 10 : 1);
    oninput(Math.min(Math.max(moved, min), max));
  });
  return {
    node: h("label", { class: "ae-slider" }, h("span", { class: "ae-label" }, label), output, input),
    input,
    set(x) {
      value = x;
      input.value = String(x);
      output.textContent = text(x);
      output.dataset.value = String(x);
      input.setAttribute("aria-valuetext", text(x));
    },
  };
}

/** @type {(label: string, onclick: (event: MouseEvent) => void) => HTMLButtonElement} */
export function button(label, onclick) {
  return h("button", { type: "button", class: "ae-button", onclick }, label);
}

// A box to tick, which the space bar turns on and off.
/** @type {(label: string, onchange: (checked: boolean) => void) => { node: HTMLElement, input: HTMLInputElement }} */
export function tick(label, onchange) {
  const input = h("input", { type: "checkbox", "aria-label": label });
  input.addEventListener("change", () => onchange(input.checked));
  input.addEventListener("keydown", (event) => event.stopPropagation());
  return { node: h("label", { class: "ae-label ae-tick" }, input, label), input };
}

// One of a few things, chosen by pictures: native radio buttons, so arrow keys work. An item may
// have nodes `below` its picture.
/** @type {(options: Ae.ChoiceOptions) => Ae.Choice} */
export function choice({ legend, items, onchange }) {
  const name = `ae-${Math.random().toString(36).slice(2)}`;
  const inputs = items.map(({ label }, i) =>
    h("input", { type: "radio", name, "aria-label": label, onchange: () => onchange(i) }));
  for (const input of inputs) input.addEventListener("keydown", (event) => event.stopPropagation());
  const node = h(
    "fieldset",
    { class: "ae-choice" },
    h("legend", {}, legend),
    ...items.map(({ node: picture, below = [] }, i) => h("label", {}, inputs[i], picture, ...below)),
  );
  return { node, inputs, set: (i) => { inputs[i].checked = true; } };
}

// A word to choose, beside others.
/** @type {(text: string) => Ae.ChoiceItem} */
export function option(text) {
  return { label: text, node: h("span", { class: "ae-image ae-word", "aria-hidden": "true" }, text) };
}

// ---------------------------------------------------------------- numbers as text

// A list of named numbers. set(key, value, text) shows `text` and keeps `value` in full beside it;
// say(sentence) is read out to those who cannot see, once the figure has come to rest.
/** @type {(items: Ae.Item[]) => Ae.Readout} */
export function readout(items) {
  /** @type {Record<string, HTMLElement>} */
  const values = {};
  const rows = items.map(({ key, label, colour }) => {
    values[key] = h("span", { class: "ae-value", "data-key": key });
    const swatch = colour ? [h("span", { class: `ae-swatch ae-${colour}` })] : [];
    return h("div", {}, h("span", { class: "ae-label" }, ...swatch, label), values[key]);
  });
  const live = h("p", { class: "ae-live", "aria-live": "polite" });
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  return {
    node: h("div", { class: "ae-readout" }, ...rows, live),
    set(key, value, text) {
      values[key].textContent = text;
      values[key].dataset.value = String(value);
    },
    say(sentence) {
      clearTimeout(timer);
      timer = setTimeout(() => {
        live.textContent = sentence;
      }, 700);
    },
  };
}

// Named shares from 0 to 1 as horizontal bars, each with its number. set(key, share, text).
/** @type {(items: Ae.Item[]) => Ae.Bars} */
export function bars(items) {
  /** @type {Record<string, HTMLElement>} */
  const lengths = {};
  /** @type {Record<string, HTMLElement>} */
  const values = {};
  const rows = items.flatMap(({ key, label, colour }) => {
    lengths[key] = h("span", { style: `background:${colour}` });
    values[key] = h("span", { class: "ae-value", "data-key": key });
    return [h("span", { class: "ae-label" }, label), h("span", { class: "ae-track" }, lengths[key]), values[key]];
  });
  return {
    node: h("div", { class: "ae-bars" }, ...rows),
    set(key, share, text) {
      lengths[key].style.width = `${100 * share}%`;
      values[key].textContent = text;
      values[key].dataset.value = String(share);
    },
  };
}

// ---------------------------------------------------------------- colour on a canvas

// The canvas under a plane's axes.
/** @type {(on: Ae.Plane) => HTMLCanvasElement} */
export function canvasOf({ canvas }) {
  if (canvas === undefined) throw new Error("the plane has no canvas: make it with `canvas: true`");
  return canvas;
}

// The palette's colour of a role as [r, g, b], in the theme that holds now.
/** @type {(el: Element, role: string) => Ae.Rgb} */
export function colour(el, role) {
  const text = getComputedStyle(el).getPropertyValue(`--ae-${role}`).trim();
  return [1, 3, 5].map((i) => Number.parseInt(text.slice(i, i + 2), 16) || 0);
}

// The colour of a digit, 0 to 9, for CSS.
/** @type {(digit: number) => string} */
export function digitColour(digit) {
  return `var(--ae-digit-${digit})`;
}

// The ten digits beside their colours.
/** @type {() => HTMLElement[]} */
export function digitKeys() {
  return Array.from({ length: 10 }, (_, d) =>
    h("span", { class: "ae-key" }, h("span", { class: "ae-swatch", style: `background:${digitColour(d)}` }), `${d}`));
}

// What draws on a canvas.
/** @type {(canvas: HTMLCanvasElement, options?: CanvasRenderingContext2DSettings) => CanvasRenderingContext2D} */
export function pen(canvas, options) {
  const context = canvas.getContext("2d", options);
  if (context === null) throw new Error("this browser cannot draw on a canvas");
  return context;
}

// From colour a (t = 0) to colour b (t = 1).
/** @type {(a: Ae.Rgb, b: Ae.Rgb, t: number) => Ae.Rgb} */
export function mix(a, b, t) {
  return a.map((v, i) => v + (b[i] - v) * t);
}

// Call `draw` as soon as the element is on the page, and again whenever the theme changes.
/** @type {(el: Element, draw: () => void) => Ae.Stop} */
export function whenShown(el, draw) {
  const observer = new MutationObserver(draw);
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  observer.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", draw);
  const shown = new ResizeObserver(() => {
    shown.disconnect();
    draw();
  });
  shown.observe(el);
  return () => {
    observer.disconnect();
    shown.disconnect();
    dark.removeEventListener("change", draw);
  };
}

// A grey, coloured or signed image on a canvas, in the colours that aeteach.plots uses. Grey: 0 is
// black, 1 is white, in either theme. Three times as many numbers are red, green and blue. Signed: orange below 0, purple above, full colour at `limit`.
/** @type {(options: Ae.ImageOptions) => Ae.Picture} */
export function image({ width, height, title, label }) {
  const canvas = h("canvas", { class: "ae-image", width, height, role: "img", "aria-label": label });
  const caption = h("span", { class: "ae-title" }, title ?? "");
  return {
    node: title === undefined ? canvas : h("div", { class: "ae-picture" }, canvas, caption),
    canvas,
    describe(text, name) {
      canvas.setAttribute("aria-label", text);
      if (name !== undefined) caption.textContent = name;
    },
    draw(data, { signed = false, limit = 1 } = {}) {
      const black = [0, 0, 0];
      const white = [255, 255, 255];
      // To ask for a colour makes the browser work out all styles that changed: only where it is needed.
      const [below, zero, above] = signed
        ? ["reconstruction", "paper", "latent"].map((role) => colour(canvas, role)) : [black, black, white];
      const context = pen(canvas);
      const pixels = context.createImageData(width, height);
      const bytes = pixels.data;
      const apart = data.length === 3 * width * height ? width * height : 0; // from colour to colour
      for (let i = 0; i < width * height; i++) {
        for (let k = 0; k < 3; k++) {
          const t = Math.min(Math.max(data[i + k * apart] / limit, signed ? -1 : 0), 1);
          const end = t < 0 ? below : above;
          bytes[4 * i + k] = zero[k] + (end[k] - zero[k]) * Math.abs(t);
        }
        bytes[4 * i + 3] = 255;
      }
      context.putImageData(pixels, 0, 0);
    },
  };
}

// ---------------------------------------------------------------- motion

// Call `step` once a frame until it returns false; at once where the reader wants less motion.
// Returns a function that stops it.
/** @type {(step: () => unknown) => Ae.Stop} */
export function animate(step) {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
    while (step() !== false);
    return () => {};
  }
  let id = requestAnimationFrame(function tick() {
    if (step() !== false) id = requestAnimationFrame(tick);
  });
  return () => cancelAnimationFrame(id);
}
