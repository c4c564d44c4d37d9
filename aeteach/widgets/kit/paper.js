// A sheet of paper in place of the browser: a figure draws itself on it once, and what it drew is
// written down as HTML. It has of the document what the figures use, and no more; what only a
// reader sets off (a click, a key, a drag) never happens here.

/** @typedef {{ width: number, height: number, data: Uint8ClampedArray }} Pixels */
/** @typedef {Record<string, unknown>} Stroke */

const SVG = "http://www.w3.org/2000/svg";
const VOID = new Set(["input", "br", "hr", "img"]);
const BOOLEAN = new Set(["checked", "disabled", "hidden", "open", "selected", "multiple"]);
// What a reader could only press or type into.
const ACTIVE = new Set(["button", "textarea"]);
const TYPED = new Set(["number", "text"]);
const WIDTH = 300; // of anything that is measured, in pixels
const TURNS = 100_000; // of waiting callbacks: more than any figure needs to come to rest

/** @type {(text: string) => string} */
const quoted = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/"/g, "&quot;");
/** @type {(name: string) => string} */
const hyphenated = (name) => name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`);

// ---------------------------------------------------------------- what waits

/** @type {(() => void)[]} */
const waiting = [];

// Run what was put off, in its order, until nothing waits; says whether anything did.
/** @type {() => boolean} */
export function rest() {
  const any = waiting.length > 0;
  for (let turn = 0; waiting.length > 0; turn++) {
    if (turn > TURNS) throw new Error("the figure does not come to rest");
    waiting.shift()?.();
  }
  return any;
}

// ---------------------------------------------------------------- nodes

class Leaf {
  /** @type {Sheet | null} */
  parentNode = null;
  constructor(/** @type {string} */ text) {
    this.text = text;
  }
  get textContent() { return this.text; }
  set textContent(text) { this.text = text; }
  get parentElement() {
    return this.parentNode;
  }
  get previousSibling() {
    const all = this.parentNode?.childNodes ?? [];
    return all[all.indexOf(this) - 1] ?? null;
  }
  remove() {
    const all = this.parentNode?.childNodes ?? [];
    if (all.includes(this)) all.splice(all.indexOf(this), 1);
    this.parentNode = null;
  }
  html() {
    return quoted(this.textContent);
  }
}

export class Sheet extends Leaf {
  /** @type {Leaf[]} */
  childNodes = [];
  /** @type {Map<string, string>} */
  attributes = new Map();
  isConnected = true;
  clientWidth = WIDTH;

  constructor(/** @type {string} */ tag, svg = false) {
    super("");
    this.tag = tag;
    this.svg = svg;
    /** @type {Record<string, any>} */
    this.style = { setProperty: (/** @type {string} */ k, /** @type {string} */ v) => { this.style[k] = v; } };
    this.dataset = new Proxy(/** @type {Record<string, string>} */ ({}), {
      get: (_, key) => this.getAttribute(`data-${hyphenated(String(key))}`) ?? undefined,
      set: (_, key, value) => { this.setAttribute(`data-${hyphenated(String(key))}`, value); return true; },
    });
    const words = () => (this.getAttribute("class") ?? "").split(/\s+/).filter(Boolean);
    /** @type {(name: string, on?: boolean) => void} */
    const toggle = (name, on = !words().includes(name)) => {
      this.setAttribute("class", [...words().filter((w) => w !== name), ...(on ? [name] : [])].join(" "));
    };
    this.classList = {
      toggle, contains: (/** @type {string} */ name) => words().includes(name),
      add: (/** @type {string[]} */ ...names) => { for (const name of names) toggle(name, true); },
      remove: (/** @type {string[]} */ ...names) => { for (const name of names) toggle(name, false); },
    };
  }

  // Attributes that are properties as well.
  /** @returns {string} */
  get value() { return this.getAttribute("value") ?? (this.tag === "select" ? this.chosen()?.value : null) ?? ""; }
  set value(v) { this.setAttribute("value", v); }
  get className() { return this.getAttribute("class") ?? ""; }
  set className(v) { this.setAttribute("class", v); }
  get checked() { return this.attributes.has("checked"); }
  set checked(v) {
    if (v && this.getAttribute("type") === "radio")
      for (const other of top(this).querySelectorAll(`[name=${this.getAttribute("name")}]`)) other.attributes.delete("checked");
    this.flag("checked", v);
  }
  get disabled() { return this.attributes.has("disabled"); }
  set disabled(v) { this.flag("disabled", v); }
  get hidden() { return this.attributes.has("hidden"); }
  set hidden(v) { this.flag("hidden", v); }
  get open() { return this.attributes.has("open"); }
  set open(v) { this.flag("open", v); }
  get title() { return this.getAttribute("title") ?? ""; }
  set title(v) { this.setAttribute("title", v); }
  get name() { return this.getAttribute("name") ?? ""; }
  set name(v) { this.setAttribute("name", v); }
  get tabIndex() { return 0; }
  set tabIndex(_) {}
  get options() { return this.querySelectorAll("option"); }
  get textContent() { return this.childNodes.map((c) => c.textContent).join(""); }
  set textContent(text) { this.replaceChildren(...(text === "" ? [] : [text])); }
  get children() { return this.childNodes.filter((c) => c instanceof Sheet); }
  get rows() { return this.children; }
  get cells() { return this.children; }
  get lastChild() { return this.childNodes.at(-1) ?? null; }
  /** @returns {Sheet | undefined} */
  chosen() {
    return this.options.find((o) => o.value === this.getAttribute("value")) ?? this.options[0];
  }
  /** @type {(name: string, on: unknown) => void} */
  flag(name, on) {
    if (on) this.attributes.set(name, "");
    else this.attributes.delete(name);
  }
  /** @type {(name: string) => string | null} */
  getAttribute(name) { return this.attributes.get(name) ?? null; }
  /** @type {(name: string, value: unknown) => void} */
  setAttribute(name, value) { this.attributes.set(name, String(value)); }
  /** @type {(name: string) => void} */
  removeAttribute(name) { this.attributes.delete(name); }

  // The tree.
  /** @type {(at: number, added: (Leaf | string | number)[]) => void} */
  put(at, added) {
    const nodes = added.map((each) => (each instanceof Leaf ? each : new Leaf(String(each))));
    for (const each of nodes) each.remove();
    this.childNodes.splice(at, 0, ...nodes);
    for (const each of nodes) each.parentNode = this;
  }
  /** @type {(...added: (Leaf | string | number)[]) => void} */
  append(...added) { this.put(this.childNodes.length, added); }
  /** @type {(...added: (Leaf | string | number)[]) => void} */
  prepend(...added) { this.put(0, added); }
  /** @type {(...added: (Leaf | string | number)[]) => void} */
  before(...added) { this.parentNode?.put(this.parentNode.childNodes.indexOf(this), added); }
  /** @type {(added: Leaf, next: Leaf | null) => void} */
  insertBefore(added, next) {
    added.remove();
    this.put(next === null ? this.childNodes.length : this.childNodes.indexOf(next), [added]);
  }
  /** @type {(...added: (Leaf | string | number)[]) => void} */
  replaceChildren(...added) {
    for (const each of [...this.childNodes]) each.remove();
    this.append(...added);
  }
  /** @type {(node: Leaf | null) => boolean} */
  contains(node) {
    return node !== null && (node === this || this.contains(node.parentNode));
  }

  // Selectors: `tag.class[name=value]`, one within another.
  /** @type {(selector: string) => boolean} */
  matches(selector) {
    const steps = selector.trim().split(/\s+/);
    const last = steps.pop() ?? "";
    const own = last.match(/^[a-z]+|\.[\w-]+|\[[^\]]+\]/gi) ?? [];
    const fits = own.every((part) => {
      if (part.startsWith(".")) return this.classList.contains(part.slice(1));
      if (!part.startsWith("[")) return this.tag === part;
      const [name, value] = part.slice(1, -1).split("=");
      return this.attributes.has(name) && (value === undefined || this.getAttribute(name) === value.replace(/"/g, ""));
    });
    return fits && (steps.length === 0 || (this.parentNode?.closest(steps.join(" ")) ?? null) !== null);
  }
  /** @type {(selector: string) => Sheet | null} */
  closest(selector) { return this.matches(selector) ? this : this.parentNode?.closest(selector) ?? null; }
  /** @type {(selector: string) => Sheet[]} */
  querySelectorAll(selector) {
    return this.childNodes.flatMap((c) =>
      c instanceof Sheet ? [...(c.matches(selector) ? [c] : []), ...c.querySelectorAll(selector)] : []);
  }
  /** @type {(selector: string) => Sheet | null} */
  querySelector(selector) { return this.querySelectorAll(selector)[0] ?? null; }

  // What nobody does on paper.
  addEventListener() {}
  removeEventListener() {}
  focus() {}
  getBoundingClientRect() {
    return { left: 0, top: 0, right: WIDTH, bottom: WIDTH, width: WIDTH, height: WIDTH };
  }

  /** @type {() => string} */
  html() {
    const type = this.getAttribute("type") ?? "";
    const plain = this.classList.contains("ae-plain"); // a word that can be pressed, and is read as well
    if ((ACTIVE.has(this.tag) && !plain) || (this.tag === "input" && TYPED.has(type)) || this.hidden) return "";
    if (this.classList.contains("ae-live") || (this.getAttribute("class") ?? "") === "ae-grip") return "";
    const kept = [...this.attributes].filter(([name]) => !/^(on|type$|tabindex|role|name$|aria-(?!hidden))/.test(name));
    if (this.tag === "input") kept.push(["type", type], ["disabled", ""]);
    if (this.tag === "select") kept.push(["disabled", ""]);
    if (this.tag === "svg" && this.attributes.has("aria-label") && !this.parentNode?.svg)
      kept.push(["role", "img"], ["aria-label", this.getAttribute("aria-label") ?? ""]);
    const own = Object.entries(this.style).filter(([, v]) => typeof v === "string" && v !== "");
    const style = own.map(([k, v]) => `${k.startsWith("--") ? k : hyphenated(k)}:${v}`).join(";");
    const both = [this.getAttribute("style"), style].filter(Boolean).join(";");
    const attributes = new Map(kept);
    if (both !== "") attributes.set("style", both);
    if (this.tag === "option") this.flag("selected", this.parentNode?.chosen() === this);
    const words = [...attributes].map(([k, v]) => (BOOLEAN.has(k) && v === "" ? ` ${k}` : ` ${k}="${quoted(v)}"`));
    const tag = plain ? "span" : this.tag;
    const start = `<${tag}${words.join("")}>`;
    return VOID.has(tag) ? start : `${start}${this.childNodes.map((c) => c.html()).join("")}</${tag}>`;
  }
}

/** @type {(node: Sheet) => Sheet} */
function top(node) {
  return node.parentNode === null ? node : top(node.parentNode);
}

// ---------------------------------------------------------------- canvases

/** @type {Drawing[]} */
const drawings = [];

// A canvas that keeps what is done on it, for Python to paint; html() names it by its number.
class Drawing extends Sheet {
  constructor() {
    super("img");
    this.number = drawings.push(this) - 1;
    this.size = [300, 150];
    /** @type {Stroke[]} */
    this.steps = [];
    this.context = new Pen(this);
  }
  get width() { return this.size[0]; }
  set width(v) { this.resize(v, this.size[1]); }
  get height() { return this.size[1]; }
  set height(v) { this.resize(this.size[0], v); }
  /** @type {(width: number, height: number) => void} */
  resize(width, height) {
    this.size = [Math.round(width), Math.round(height)];
    this.steps = [];
    this.context = new Pen(this);
  }
  /** @type {(name: string, value: unknown) => void} */
  setAttribute(name, value) {
    if (name === "width") this.width = Number(value);
    else if (name === "height") this.height = Number(value);
    else super.setAttribute(name, value);
  }
  getContext() { return this.context; }
  html() {
    if (this.steps.length === 0) return "";
    this.attributes.set("alt", this.getAttribute("aria-label") ?? "");
    this.attributes.set("src", `drawing:${this.number}`);
    return super.html();
  }
}

class Pen {
  fillStyle = "#000000";
  strokeStyle = "#000000";
  lineWidth = 1;
  globalAlpha = 1;
  imageSmoothingEnabled = true;
  constructor(/** @type {Drawing} */ canvas) {
    this.canvas = canvas;
    this.unit = [1, 1];
    /** @type {number[][]} */
    this.parts = [];
  }
  /** @type {(x: number, y: number) => void} */
  scale(x, y) { this.unit = [this.unit[0] * x, this.unit[1] * y]; }
  beginPath() { this.parts = []; }
  // A part of a path: 0 x y begins, 1 x y goes on, 2 x y r is a circle.
  /** @type {(x: number, y: number) => void} */
  moveTo(x, y) { this.parts.push([0, x * this.unit[0], y * this.unit[1]]); }
  /** @type {(x: number, y: number) => void} */
  lineTo(x, y) { this.parts.push([1, x * this.unit[0], y * this.unit[1]]); }
  /** @type {(x: number, y: number, r: number) => void} */
  arc(x, y, r) { this.parts.push([2, x * this.unit[0], y * this.unit[1], r * this.unit[0]]); }
  /** @type {(kind: string, colour: string) => void} */
  keep(kind, colour) {
    const line = this.lineWidth * this.unit[0];
    this.canvas.steps.push({ kind, colour: colour.trim(), alpha: this.globalAlpha, line, parts: this.parts });
  }
  fill() { this.keep("fill", this.fillStyle); }
  stroke() { this.keep("stroke", this.strokeStyle); }
  /** @type {(x: number, y: number, w: number, h: number) => void} */
  fillRect(x, y, w, h) {
    const before = this.parts;
    this.beginPath();
    this.moveTo(x, y);
    for (const [a, b] of [[x + w, y], [x + w, y + h], [x, y + h]]) this.lineTo(a, b);
    this.fill();
    this.parts = before;
  }
  clearRect() { this.canvas.steps = []; }
  /** @type {(width: number, height: number) => Pixels} */
  createImageData(width, height) { return new Raster(width, height); }
  /** @type {(pixels: Pixels) => void} */
  putImageData({ width, height, data }) {
    this.canvas.steps.push({ kind: "pixels", width, height, data: text(data), box: [0, 0, width, height] });
  }
  /** @type {(from: Drawing | Picture, x: number, y: number, w?: number, h?: number) => void} */
  drawImage(from, x, y, w = from.width, h = from.height) {
    const box = [x * this.unit[0], y * this.unit[1], w * this.unit[0], h * this.unit[1]];
    if (from instanceof Drawing) this.canvas.steps.push(...from.steps.map((step) => ({ ...step, box })));
    else this.picture = from;
  }
  /** @type {(x: number, y: number, width: number, height: number) => Pixels} */
  getImageData(x, y, width, height) {
    const [from, out] = [this.picture, new Raster(width, height)];
    if (from === undefined) throw new Error("only a picture's pixels can be read back");
    for (let row = 0; row < height; row++)
      for (let column = 0; column < width; column++) {
        const grey = from.grey.charCodeAt((y + row) * from.width + x + column);
        out.data.set([grey, grey, grey, 255], 4 * (row * width + column));
      }
    return out;
  }
}

// Bytes as a text of one character each.
/** @type {(bytes: Uint8ClampedArray) => string} */
function text(bytes) {
  let made = "";
  for (let i = 0; i < bytes.length; i += 8192) made += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return made;
}

class Raster {
  constructor(/** @type {number} */ width, /** @type {number} */ height) {
    this.width = width;
    this.height = height;
    this.data = new Uint8ClampedArray(4 * width * height);
  }
}

/** @type {{ width: number, height: number, grey: string } | null} */
let unpacked = null;

// A picture that Python has unpacked beforehand: its grey values, a character each.
class Picture {
  src = "";
  grey = "";
  width = 0;
  height = 0;
  async decode() { Object.assign(this, unpacked); }
  get naturalWidth() { return this.width; }
  get naturalHeight() { return this.height; }
}

// ---------------------------------------------------------------- the world

/** @type {(value: string) => string} */
function fromBase64(value) {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const places = new Map([...letters].map((c, i) => [c, i]));
  const parts = [];
  for (let i = 0; i < value.length; i += 4) {
    const [a, b, c, d] = [0, 1, 2, 3].map((k) => places.get(value[i + k]) ?? 0);
    const bytes = [(a << 2) | (b >> 4), ((b & 15) << 4) | (c >> 2), ((c & 3) << 6) | d];
    const kept = value[i + 2] === "=" ? 1 : value[i + 3] === "=" ? 2 : 3;
    parts.push(String.fromCharCode(...bytes.slice(0, kept)));
  }
  return parts.join("");
}

// Put what figures expect of a browser in place; `colours` are the variables of a style sheet,
// `picture` what the one picture unpacks to that a figure may bring along.
/** @type {(colours: Record<string, string>, picture: typeof unpacked) => void} */
export function unroll(colours, picture) {
  unpacked = picture;
  const [body, documentElement] = [new Sheet("body"), new Sheet("html")];
  const document = {
    body, documentElement, head: new Sheet("head"), activeElement: null,
    createElement: (/** @type {string} */ tag) => (tag === "canvas" ? new Drawing() : new Sheet(tag)),
    createElementNS: (/** @type {string} */ space, /** @type {string} */ tag) => new Sheet(tag, space === SVG),
    querySelector: () => null,
    querySelectorAll: () => [],
  };
  const later = (/** @type {() => void} */ run) => waiting.push(run);
  class Sees {
    constructor(/** @type {() => void} */ run) { this.run = run; }
    observe() { if (this.shows) later(this.run); }
    disconnect() {}
    unobserve() {}
    get shows() { return false; }
  }
  let state = 1;
  Math.random = () => { // names only: the same in every build
    state = (state * 16807) % 2147483647;
    return state / 2147483647;
  };
  Object.assign(globalThis, {
    document, window: globalThis, devicePixelRatio: 2, Node: Leaf, Element: Sheet, HTMLElement: Sheet,
    ImageData: Raster, Image: Picture, atob: fromBase64, MutationObserver: Sees,
    ResizeObserver: class extends Sees { get shows() { return true; } },
    matchMedia: (/** @type {string} */ query) => ({ matches: query.includes("reduce"), addEventListener() {}, removeEventListener() {} }),
    getComputedStyle: () => ({ getPropertyValue: (/** @type {string} */ name) => colours[name] ?? "" }),
    setTimeout: later, requestAnimationFrame: later, clearTimeout() {}, cancelAnimationFrame() {},
    performance: { now: () => 0 }, Blob: class {}, URL: { createObjectURL: () => "", revokeObjectURL() {} },
  });
}

// ---------------------------------------------------------------- what was drawn

// The name of a number: the label beside it, the head of its row, or else its key.
/** @type {(value: Sheet) => string} */
function nameOf(value) {
  const all = value.parentNode?.childNodes ?? [];
  const before = all.slice(0, all.indexOf(value)).reverse();
  const label = before.find((each) => each instanceof Sheet && each.matches(".ae-label"))
    ?? value.parentNode?.querySelector(".ae-label") ?? value.closest("tr")?.querySelector("th");
  return label?.textContent.trim() || (value.dataset.key ?? "");
}

// What a figure drew on `root`: its HTML, its canvases, and its numbers, [name, text] each.
/** @type {(root: Sheet) => { html: string, drawings: unknown[], numbers: string[][] }} */
export function drawn(root) {
  const html = root.childNodes.map((c) => c.html()).join("");
  const values = root.querySelectorAll("[data-key]").filter((v) => v.textContent.trim() !== "");
  return {
    html,
    drawings: drawings.map(({ size, steps, number }) => ({ size, steps: html.includes(`"drawing:${number}"`) ? steps : [] })),
    numbers: values.map((v) => [nameOf(v), v.textContent.trim()]),
  };
}
