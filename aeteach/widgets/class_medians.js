// Ten digits, each decoded from the medians of its codes; and the spread behind one of them.
import { whenUnpacked } from "./kit/atlas.js";
import {
  bars, caption, choice, column, columns, digitColour, frame, h, image, number, plane, readout, s, slider, together,
  update, watch, whenShown,
} from "./kit/kit.js";

/** @typedef {{ b: number, low: number[][], median: number[][], high: number[][], probabilities: number[][] }} Row */

const DIGITS = Array.from({ length: 10 }, (_, d) => d);
const SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉";

// The likeliest of ten probabilities.
/** @type {(probabilities: number[]) => number} */
export function verdictOf(probabilities) {
  return probabilities.indexOf(Math.max(...probabilities));
}

// [low, high] that holds all quartiles of a model, with a little room.
/** @type {(spread: Pick<Row, "low" | "high">) => Ae.Pair} */
export function rangeOf({ low, high }) {
  const [a, b] = [Math.min(...low.flat()), Math.max(...high.flat())];
  const room = 0.06 * (b - a || 1);
  return [a - room, b + room];
}

/** @type {Ae.Figure["render"]} */
function render({ model, el }) {
  /** @type {Row[]} */
  const models = model.get("models");
  /** @type {number} */
  const side = model.get("side");
  const most = Math.max(...models.map(({ b }) => b));
  const place = () => models.findIndex(({ b }) => b === model.get("b"));
  /** @type {(b: number) => number} */
  const nearestB = (b) => models.reduce((best, m) => (Math.abs(m.b - b) < Math.abs(best.b - b) ? m : best)).b;

  const count = slider({
    key: "b", label: "latent numbers b", min: models[0].b, max: most, step: 1, text: (v) => `${v}`,
    oninput: (b) => update(model, { b: nearestB(b) }),
  });
  const pictures = DIGITS.map((d) => image({ width: side, height: side, label: `the median ${d}` }));
  const verdicts = DIGITS.map((d) => h("span", { class: "ae-below", "data-key": `verdict-${d}` }));
  const chooser = choice({
    legend: "Decoded from the median code of each digit. Choose one.",
    items: DIGITS.map((d) => ({ node: pictures[d].node, label: `median ${d}`, below: [verdicts[d]] })),
    onchange: (digit) => update(model, { digit }),
  });
  chooser.node.classList.add("ae-ten");

  const holder = h("div");
  const chart = bars(DIGITS.map((d) => ({ key: `p${d}`, label: `${d}`, colour: digitColour(d) })));
  const names = Array.from({ length: most }, (_, i) => `z${SUBSCRIPTS[i + 1]}`);
  const numbers = readout([
    { key: "read", label: "the readers say", colour: "reconstruction" },
    { key: "right", label: "medians read as what they are" },
    ...names.map((name, i) => ({ key: `spread-${i}`, label: `${name}: median, quartiles`, colour: "latent" })),
  ]);
  /** @type {(key: string) => HTMLElement | null | undefined} */
  const rowOf = (key) => numbers.node.querySelector(`[data-key="${key}"]`)?.parentElement;

  // The dimensions change with b, and so the plane is made anew.
  /** @type {(row: Row) => void} */
  function drawSpread({ b, low, median, high }) {
    /** @type {number} */
    const chosen = model.get("digit");
    const on = plane({
      x: [0.4, b + 0.6], y: rangeOf({ low, high }), xLabel: "latent dimension", yLabel: "latent number z", height: 300,
      xTicks: Array.from({ length: b }, (_, i) => i + 1),
      label: `Median and quartiles of each digit in each of ${b} latent dimensions`,
    });
    const others = DIGITS.filter((d) => d !== chosen);
    for (const d of [...others, chosen]) {
      const [width, opacity] = d === chosen ? [5, 1] : [2, 0.45];
      for (let i = 0; i < b; i++) {
        const x = on.px(i + 1 + (d - 4.5) * 0.075);
        const style = `stroke:${digitColour(d)};fill:${digitColour(d)};stroke-width:${width};opacity:${opacity}`;
        on.clip.append(
          s("line", { x1: x, x2: x, y1: on.py(low[d][i]), y2: on.py(high[d][i]), style }),
          s("circle", { cx: x, cy: on.py(median[d][i]), r: d === chosen ? 5 : 2, style: `${style};stroke:none` }),
        );
      }
    }
    holder.replaceChildren(on.node);
  }

  /** @type {Ae.Images | null} */
  let picture = null;
  function draw() {
    const at = place();
    const { b, low, median, high, probabilities } = models[at];
    /** @type {number} */
    const digit = model.get("digit");
    const read = probabilities.map(verdictOf);
    /** @type {(d: number) => string} */
    const sure = (d) => `${number(100 * probabilities[d][read[d]], 0)} %`;
    const right = DIGITS.filter((d) => read[d] === d).length;
    count.set(b);
    chooser.set(digit);
    for (const d of DIGITS) {
      if (picture) pictures[d].draw(picture(10 * at + d));
      pictures[d].describe(`the median ${d}, read as ${read[d]} with ${sure(d)}`);
      verdicts[d].textContent = `${read[d]}: ${sure(d)}`;
      verdicts[d].classList.toggle("ae-wrong", read[d] !== d);
    }
    drawSpread(models[at]);
    for (const [d, p] of probabilities[digit].entries()) chart.set(`p${d}`, p, `${number(100 * p, 1)} %`);
    numbers.set("read", read[digit], `${read[digit]} (${sure(digit)})`);
    numbers.set("right", right, `${right} of 10`);
    for (let i = 0; i < most; i++) {
      const row = rowOf(`spread-${i}`);
      if (row) row.style.display = i < b ? "" : "none";
      if (i >= b) continue;
      const [from, middle, to] = [low, median, high].map((end) => end[digit][i]);
      const text = `${number(middle)}, ${number(from)} to ${number(to)}`;
      numbers.set(`spread-${i}`, [from, middle, to].join(" "), text);
    }
    numbers.say(`${b} latent numbers: the median ${digit} is read as ${read[digit]}, ${sure(digit)}. ${right} of 10 right.`);
  }

  frame(
    el, model,
    count.node,
    chooser.node,
    columns(column(holder), column(chart.node)),
    numbers.node,
    caption(
      "Under each picture, what five readers see in it, and how sure they are. The bars span the middle half of a ",
      "digit's codes, the dot is their median; the chosen digit is thick.",
    ),
  );
  const stop = together(watch(model, ["b", "digit"], draw), whenShown(el, draw));
  draw();
  return together(stop, whenUnpacked(model.get("pictures"), { width: side, height: side }, (found) => {
    picture = found;
    draw();
  }));
}

export default { render };
