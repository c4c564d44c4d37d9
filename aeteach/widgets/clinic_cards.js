// The clinic: choose a bed, look at its charts, name the fault, and be told what was measured.
import {
  button, caption, choice, column, columns, frame, h, image, number, option, path, plane, readout, roundUp, row, s, set,
  slider, tick, together, update, watch, whenShown,
} from "./kit/kit.js";
import { rowOf, tensors } from "./kit/weights.js";

/** @typedef {{ fault: number, steps: number[], controlSteps: number[], pictures: number, evidence: string[] }} Patient */
/** @typedef {{ name: string, x: string, y: string }} View what is plotted, and the titles of the axes */
/** @typedef {View & { column: number }} CurveView a column of the curves */
/** @typedef {View & { array: string, ends?: Ae.Pair }} BarView an array with a row a moment, and the ends of its axis */
/** @typedef {"p" | "c"} Who the patient or the control */

/** @type {Record<string, CurveView | BarView>} */
const VIEWS = {
  reconstruction: { name: "reconstruction", x: "step", y: "reconstruction (nats)", column: 0 },
  kl: { name: "KL", x: "step", y: "KL (nats)", column: 1 },
  dimensions: { name: "KL per dimension", x: "latent dimension", y: "KL (nats)", array: "kl" },
  pixels: { name: "grey levels", x: "grey level of x_hat", y: "pixels (%)", array: "pixels", ends: [0, 1] },
  noise: { name: "noise in z", x: "(z − mu) / sigma", y: "draws (%)", array: "noise", ends: [-3, 3] },
};

/** @type {("seen" | "unseen")[]} */
const OWN = ["seen", "unseen"];
/** @type {("control" | "controlUnseen")[]} */
const OTHER = ["control", "controlUnseen"];

// The column of a (rows, columns) array.
/** @type {(table: Ae.Tensor, j: number) => number[]} */
export function columnOf({ shape, data }, j) {
  return Array.from({ length: shape[0] }, (_, i) => data[i * shape[1] + j]);
}

// {solved, first, guesses}: right diagnoses, those at the first guess, and all guesses.
/** @type {(guesses: number[][], faults: number[]) => { solved: number, first: number, guesses: number }} */
export function score(guesses, faults) {
  return {
    solved: guesses.filter((bed, i) => bed.includes(faults[i])).length,
    first: guesses.filter((bed, i) => bed[0] === faults[i]).length,
    guesses: guesses.reduce((sum, bed) => sum + bed.length, 0),
  };
}

// The guesses after a diagnosis: nothing counts twice, nor once the bed is solved.
/** @type {(guesses: number[][], bed: number, diagnosis: number, fault: number) => number[][]} */
export function guess(guesses, bed, diagnosis, fault) {
  if (guesses[bed].includes(fault) || guesses[bed].includes(diagnosis)) return guesses;
  return guesses.map((list, i) => (i === bed ? [...list, diagnosis] : list));
}

// An axis for curves from moment `from` on: what comes before would squeeze the rest.
/** @type {(curves: number[][], from: number) => Ae.Pair} */
export function range(curves, from) {
  const values = curves.flatMap((c) => c.slice(Math.min(from, c.length - 1)));
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const top = roundUp(high * 1.02);
  return [low > 0.25 * high ? Math.floor(0.9 * low) : 0, Math.max(low > 0.25 * high ? Math.ceil(1.06 * high) : top, 0.1)];
}

/** @type {(x: number, digits?: number) => string} */
function big(x, digits = 1) {
  if (Math.abs(x) >= 1e7) return x.toExponential(1).replace("e+", "e");
  return number(x, Math.abs(x) >= 1e4 ? 0 : digits);
}

/** @type {Ae.Figure["render"]} */
function render({ model, el }) {
  const arrays = tensors(model);
  /** @type {Patient[]} */
  const patients = model.get("patients");
  /** @type {{ label: string, why: string }[]} */
  const diagnoses = model.get("diagnoses");
  /** @type {[count: number, height: number, width: number]} */
  const [count, height, side] = model.get("shape");
  /** @type {DataView} */
  const grey = model.get("pictures");
  const names = patients.map((_, i) => String.fromCharCode(65 + i));
  const faults = patients.map((p) => p.fault);
  /** @type {() => Patient} */
  const bed = () => patients[model.get("patient")];
  /** @type {() => number} */
  const moment = () => Math.min(model.get("moment"), bed().steps.length - 1);
  /** @type {(who: Who, key: string) => Ae.Tensor} */
  const of = (who, key) => arrays[`${who}${model.get("patient")}.${key}`];

  const beds = choice({
    legend: "Bed",
    items: names.map((name) => ({ ...option(name), label: `bed ${name}` })),
    onchange: (patient) => visit(patient),
  });
  const views = choice({
    legend: "Plot",
    items: Object.values(VIEWS).map(({ name }) => option(name)),
    onchange: (i) => update(model, { view: Object.keys(VIEWS)[i] }),
  });
  const control = tick("show the healthy control", (on) => update(model, { control: on }));
  const time = slider({
    key: "moment", label: "moment of training", min: 0, max: 1, step: 1, text: (i) => `step ${bed().steps[i]}`,
    oninput: (i) => update(model, { moment: Math.round(i) }),
  });

  const chart = plane({
    x: [0, 1], y: [0, 1], height: 260, xLabel: "", yLabel: "", label: "The plot that was chosen, for this patient and the healthy control",
  });
  const lines = {
    controlUnseen: s("path", { class: "ae-thin ae-ink", "stroke-dasharray": "5 4", "stroke-opacity": 0.6 }),
    control: s("path", { class: "ae-thin ae-ink" }),
    unseen: s("path", { class: "ae-line ae-reconstruction", "stroke-dasharray": "5 4" }),
    seen: s("path", { class: "ae-line ae-reconstruction" }),
  };
  const bars = s("path", { class: "ae-fill ae-reconstruction", "fill-opacity": 0.75 });
  const now = s("path", { class: "ae-rule" });
  chart.clip.append(bars, now, ...Object.values(lines));

  const box = { width: count * side, height };
  const strips = ["training digits", "rebuilt", "random, first call", "random, second call"].map((title) =>
    image({ ...box, title, label: title }));
  for (const { canvas } of strips) canvas.style.maxWidth = "15rem";

  const numbers = readout([
    { key: "seen", label: "reconstruction, training", colour: "reconstruction" },
    { key: "unseen", label: "reconstruction, held out", colour: "reconstruction" },
    { key: "klSeen", label: "KL, training", colour: "reconstruction" },
    { key: "klUnseen", label: "KL, held out", colour: "reconstruction" },
    { key: "controlSeen", label: "control: reconstruction", colour: "ink" },
    { key: "controlKl", label: "control: KL", colour: "ink" },
  ]);
  const points = readout([
    { key: "solved", label: "right diagnoses" },
    { key: "first", label: "at the first guess" },
    { key: "guesses", label: "guesses" },
  ]);

  const marks = diagnoses.map(() => h("span", { "aria-hidden": "true" }));
  const choices = diagnoses.map(({ label }, i) => {
    const node = button(label, () => diagnose(i));
    node.prepend(marks[i]);
    return node;
  });
  const verdict = h("p", { class: "ae-note", "aria-live": "polite", "data-key": "verdict", style: "min-height:4.5em;font-size:14px;color:var(--ae-ink)" });

  /** @type {(patient: number) => void} */
  function visit(patient) {
    update(model, { patient, moment: patients[patient].steps.length - 1, looked: -1 });
  }

  /** @type {(i: number) => void} */
  function diagnose(i) {
    const patient = model.get("patient");
    update(model, { guesses: guess(model.get("guesses"), patient, i, faults[patient]), looked: i });
  }

  /** @type {(view: CurveView) => string} */
  function drawCurves({ column: j, y }) {
    const shown = model.get("control");
    const largest = Math.max(...columnOf(of("p", "seen"), j), ...columnOf(of("c", "seen"), j));
    const unit = largest > 5000 ? 1000 : 1; // ticks of many digits would run into the title
    /** @type {(who: Who, key: string) => number[]} */
    const curve = (who, key) => columnOf(of(who, key), j).map((v) => v / unit);
    const own = { seen: curve("p", "seen"), unseen: curve("p", "unseen") };
    const other = { control: curve("c", "seen"), controlUnseen: curve("c", "unseen") };
    const { steps, controlSteps } = bed();
    const all = shown ? [...Object.values(own), ...Object.values(other)] : Object.values(own);
    chart.frame({ x: [0, Math.max(...(shown ? [...steps, ...controlSteps] : steps))], y: range(all, j === 0 ? Math.floor(steps.length / 2) : 1) });
    for (const key of OWN) set(lines[key], { d: path(chart, steps, own[key]) });
    for (const key of OTHER) set(lines[key], { d: shown ? path(chart, controlSteps, other[key]) : "" });
    set(bars, { d: "" });
    const at = steps[moment()];
    set(now, { d: path(chart, [at, at], chart.y) });
    return unit === 1 ? y : y.replace("nats", "1,000 nats");
  }

  /** @type {(view: BarView) => string} */
  function drawBars({ array, ends, y }) {
    const percent = ends ? 100 : 1;
    const values = rowOf(of("p", array), moment()).map((v) => v * percent);
    // The control at the same step, or at its last where it has none.
    const same = bed().controlSteps.indexOf(bed().steps[moment()]);
    const other = rowOf(of("c", array), same < 0 ? bed().controlSteps.length - 1 : same).map((v) => v * percent);
    const shown = model.get("control");
    const [low, high] = ends ?? [0.5, values.length + 0.5];
    const top = Math.max(...values, ...(shown ? other : [0]));
    chart.frame({ x: [low, high], y: [0, roundUp(Math.max(1.02 * top, ends ? 1 : 0.1))] });
    /** @type {(i: number) => number} */
    const edge = (i) => low + ((high - low) * i) / values.length;
    const gap = ends ? 0.02 : 0.2;
    /** @type {(list: number[]) => string} */
    const outline = (list) => list.map((v, i) => {
      const [a, b] = [edge(i + gap), edge(i + 1 - gap)];
      return path(chart, [a, a, b, b], [0, v, v, 0]);
    }).join("");
    set(bars, { d: outline(values) });
    set(lines.control, { d: shown ? outline(other) : "" });
    for (const line of [lines.seen, lines.unseen, lines.controlUnseen]) set(line, { d: "" });
    set(now, { d: "" });
    return y;
  }

  function drawPlot() {
    const view = VIEWS[model.get("view")];
    const yTitle = "array" in view ? drawBars(view) : drawCurves(view);
    const [x, y] = chart.svg.querySelectorAll(".ae-axes .ae-title");
    [x.textContent, y.textContent] = [view.x, yTitle];
  }

  function drawPictures() {
    const length = box.width * box.height;
    /** @type {(i: number) => Float32Array} */
    const strip = (i) => {
      const start = bed().pictures + i * length;
      return Float32Array.from(new Uint8Array(grey.buffer, grey.byteOffset + start, length), (v) => v / 255);
    };
    strips[0].draw(strip(0));
    for (let i = 1; i < 4; i++) strips[i].draw(strip(3 * moment() + i));
    const step = bed().steps[moment()];
    strips[0].describe(`${count} training digits`);
    strips[1].describe(`the same digits rebuilt at step ${step}`);
    strips[2].describe(`random digits at step ${step}, first call`);
    strips[3].describe(`random digits at step ${step}, second call`);
  }

  function drawNumbers() {
    /** @type {(key: string, who: Who, array: string, column: number, i: number) => void} */
    const put = (key, who, array, column, i) => {
      const value = columnOf(of(who, array), column)[i];
      numbers.set(key, value, `${big(value)} nats`);
    };
    const same = bed().controlSteps.indexOf(bed().steps[moment()]);
    const last = same < 0 ? bed().controlSteps.length - 1 : same;
    put("seen", "p", "seen", 0, moment());
    put("unseen", "p", "unseen", 0, moment());
    put("klSeen", "p", "seen", 1, moment());
    put("klUnseen", "p", "unseen", 1, moment());
    put("controlSeen", "c", "seen", 0, last);
    put("controlKl", "c", "seen", 1, last);
    numbers.say(`Bed ${names[model.get("patient")]}, step ${bed().steps[moment()]}.`);
  }

  function drawVerdict() {
    const patient = model.get("patient");
    /** @type {number[][]} */
    const guesses = model.get("guesses");
    const mine = guesses[patient];
    const solved = mine.includes(faults[patient]);
    /** @type {number} */
    const looked = model.get("looked");
    choices.forEach((node, i) => {
      const tried = mine.includes(i);
      node.setAttribute("aria-pressed", String(tried));
      marks[i].textContent = tried ? (i === faults[patient] ? "✓ " : "✗ ") : "";
    });
    const so = score(guesses, faults);
    points.set("solved", so.solved, `${so.solved} of ${patients.length}`);
    points.set("first", so.first, String(so.first));
    points.set("guesses", so.guesses, String(so.guesses));
    let text = "Look at the plots first. Then choose one diagnosis below.";
    if (looked >= 0) {
      const fits = looked === faults[patient];
      const { label, why } = diagnoses[looked];
      const after = !fits && solved ? " (The case is closed; this does not count.)" : "";
      text = `${fits ? "It fits" : "It does not fit"}: ${label}. ${bed().evidence[looked]} ${fits ? why : ""}${after}`;
    } else if (solved) text = `Solved: ${diagnoses[faults[patient]].label}.`;
    verdict.textContent = text;
    verdict.dataset.value = String(looked);
  }

  function draw() {
    beds.set(model.get("patient"));
    views.set(Object.keys(VIEWS).indexOf(model.get("view")));
    control.input.checked = model.get("control");
    time.input.max = String(bed().steps.length - 1);
    time.set(moment());
    drawPlot();
    drawPictures();
    drawNumbers();
    drawVerdict();
  }

  frame(
    el, model,
    beds.node,
    views.node,
    columns(
      column(chart.node, control.node, time.node),
      column(h("div", { class: "ae-pictures", style: "grid-template-columns:minmax(0,1fr)" }, ...strips.map(({ node }) => node))),
    ),
    verdict,
    h("div", { class: "ae-buttons", role: "group", "aria-label": "Diagnosis" }, ...choices),
    columns(column(numbers.node), column(
      points.node,
      row(
        button("Next bed", () => visit((model.get("patient") + 1) % patients.length)),
        button("Start again", () => update(model, { guesses: patients.map(() => []), looked: -1 })),
      ),
    )),
    caption(
      h("span", { class: "ae-swatch ae-reconstruction" }), "patient, ", h("span", { class: "ae-swatch ae-ink" }),
      "healthy control. Solid: training digits; dashed: held out. After a right diagnosis the others may still be asked for their evidence.",
    ),
  );
  const keys = ["patient", "moment", "view", "control", "guesses", "looked"];
  const stop = together(watch(model, keys, draw), whenShown(el, draw));
  draw();
  return stop;
}

export default { render };
