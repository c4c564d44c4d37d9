// A self-test: one question at a time, the mistake behind a wrong answer, and the score.
import { button, choice, column, columns, frame, h, readout, row, s, update, watch } from "./kit/kit.js";

/** @typedef {{ text: string, right: boolean, why: string }} Option */
/** @typedef {{ value: number, reach: number, why: string }} Slip */
/** @typedef {{ page: string, section: string, anchor: string }} Place */
/** @typedef {Place & { kind: "number" | "one" | "all", topic: string, ask: string, why: string, choices: Option[], answer: number, reach: number, unit: string, slips: Slip[], hint: string }} Question */
/** @typedef {{ right: boolean, why: string }} Verdict */
/** @typedef {"open" | "first" | "later" | "wrong" | "shown"} Standing */
/** @typedef {number[] | string} Draft what is ticked, or typed */
/** @typedef {{ node: HTMLElement, inputs: HTMLInputElement[], read: () => Draft, put: (answer: number[]) => void, draft: () => Draft, redo: (draft: Draft) => void, mark: (signs: string[]) => void }} Sheet */

// ---------------------------------------------------------------- what an answer is worth

// The number that a text stands for: 0.126, 0,126, 1,024, −3, 1/8, 5e-1; null if it is none.
/** @type {(text: string) => number | null} */
export function parse(text) {
  let plain = text.trim().replaceAll("−", "-").replace(/\s+/g, "").replace(/%$/, "");
  if (/^-?[1-9]\d{0,2}(,\d{3})+(\.\d+)?$/.test(plain)) plain = plain.replaceAll(",", "");
  else if (/^-?\d*,\d+$/.test(plain)) plain = plain.replace(",", ".");
  const [top, bottom, ...more] = plain.split("/");
  /** @type {(part: string) => boolean} */
  const ok = (part) => /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(part);
  if (more.length > 0 || !ok(top) || (bottom !== undefined && !ok(bottom))) return null;
  const value = Number(top) / (bottom === undefined ? 1 : Number(bottom));
  return Number.isFinite(value) ? value : null;
}

// {right, why} of an answer: [place], [places] or [number].
/** @type {(question: Question, answer: number[]) => Verdict} */
export function judge(question, answer) {
  if (question.kind === "number") return judgeNumber(question, answer[0]);
  if (question.kind === "one") {
    const { right, why } = question.choices[answer[0]];
    return { right, why };
  }
  const wrong = question.choices.findIndex((c, i) => c.right !== answer.includes(i));
  if (wrong < 0) return { right: true, why: question.why };
  const { text, right, why } = question.choices[wrong];
  const count = question.choices.filter((c, i) => c.right !== answer.includes(i)).length;
  const others = count > 1 ? ` (${count} of the four are not yet as they should be; this is one.)` : "";
  return { right: false, why: `You ${right ? "left out" : "ticked"} “${text}” ${why}${others}` };
}

/** @type {(question: Question, value: number) => Verdict} */
function judgeNumber({ answer, reach, slips, hint, why }, value) {
  /** @type {(target: number, far: number) => boolean} */
  const near = (target, far) => Math.abs(value - target) <= far * (1 + 1e-9);
  if (near(answer, reach)) return { right: true, why };
  const slip = slips.find((known) => near(known.value, known.reach));
  return { right: false, why: slip ? slip.why : hint };
}

// The right answer, in the form that an answer has.
/** @type {(question: Question) => number[]} */
export function solution(question) {
  if (question.kind === "number") return [question.answer];
  return question.choices.flatMap(({ right }, i) => (right ? [i] : []));
}

// "open", "first" (right at the first try), "later", "wrong" (not yet right) or "shown".
/** @type {(verdicts: boolean[], revealed: boolean) => Standing} */
export function standing(verdicts, revealed) {
  if (verdicts.includes(true)) return verdicts[0] ? "first" : "later";
  if (revealed) return "shown";
  return verdicts.length > 0 ? "wrong" : "open";
}

// Places of the questions that were not right at the first try.
/** @type {(verdicts: boolean[][], revealed: boolean[]) => number[]} */
export function missed(verdicts, revealed) {
  return verdicts.flatMap((v, i) => (["later", "wrong", "shown"].includes(standing(v, revealed[i])) ? [i] : []));
}

// ---------------------------------------------------------------- where the book says so

// The page in the book's own list of pages, so that a link appears as soon as its page is there.
/** @type {(page: string) => HTMLAnchorElement | null} */
function chapter(page) {
  /** @type {NodeListOf<HTMLAnchorElement>} */
  const all = document.querySelectorAll("nav.bd-links a[href]");
  return [...all].find((a) => new URL(a.href).pathname.endsWith(`/${page}.html`)) ?? null;
}

// A link to the section; outside of the book the name of its file; nothing if the page is missing.
/** @type {(of: Place) => HTMLElement | null} */
function place({ page, section, anchor }) {
  const found = chapter(page);
  if (found !== null) {
    const name = (found.textContent ?? "").trim().replace(/^[\d.]+\s*/, "");
    const href = anchor === "" ? found.href : `${found.href.split("#")[0]}#${anchor}`;
    return h("a", { href }, section === "" ? name : `${name}: ${section}`);
  }
  if (document.querySelector("nav.bd-links") !== null) return null;
  return h("span", {}, section === "" ? `${page}.md` : `${page}.md: ${section}`);
}

// ---------------------------------------------------------------- parts

/** @type {Record<Standing, [sign: string, words: string]>} */
const MARKS = { open: ["", "not answered"], first: ["✓", "right"], later: ["✓", "right, not at once"], wrong: ["✗", "not yet right"], shown: ["–", "shown"] };

// A square with a question's number and, below it, how it stands.
/** @type {(i: number) => { node: SVGSVGElement, show: (state: Standing) => void }} */
function chip(i) {
  const mark = s("text", { class: "ae-chip-mark", x: 14, y: 25, "text-anchor": "middle" });
  const node = s(
    "svg", { class: "ae-image ae-chip", viewBox: "0 0 28 28", "aria-hidden": "true" },
    s("text", { x: 14, y: 13, "text-anchor": "middle" }, String(i + 1)), mark,
  );
  return {
    node,
    show(state) {
      node.dataset.state = state;
      mark.textContent = MARKS[state][0];
    },
  };
}

// Enter checks; no key but Tab reaches the page, which takes some for its own.
/** @type {(node: HTMLElement, onenter: () => void) => void} */
function ownKeys(node, onenter) {
  node.addEventListener("keydown", (event) => {
    if (event.key === "Tab" || event.ctrlKey || event.metaKey || event.altKey) return;
    event.stopPropagation();
    if (event.key !== "Enter") return;
    event.preventDefault();
    onenter();
  });
}

// The inputs of one question: {node, inputs, read() -> answer or a sentence, put(answer)}.
/** @type {(question: Question, oncheck: () => void) => Sheet} */
function sheet(question, oncheck) {
  if (question.kind === "number") {
    const label = `your answer${question.unit ? `, in ${question.unit}` : ""}`;
    const input = h("input", {
      type: "text", inputmode: "text", autocomplete: "off", size: 10, "aria-label": label, class: "ae-number",
    });
    ownKeys(input, oncheck);
    return {
      node: h("label", { class: "ae-row" }, h("span", { class: "ae-label" }, "your answer"), input, h("span", { class: "ae-label" }, question.unit)),
      inputs: [input],
      read() {
        const value = parse(input.value);
        return value === null ? "Type a number, such as 12, 0.5 or 1/8." : [value];
      },
      put([value]) {
        input.value = value === undefined ? "" : String(value).replace("-", "−");
      },
      draft: () => input.value,
      redo(draft) {
        if (typeof draft === "string") input.value = draft;
      },
      mark() {},
    };
  }
  const one = question.kind === "one";
  const name = `ae-${Math.random().toString(36).slice(2)}`;
  const inputs = question.choices.map(({ text }) =>
    h("input", { type: one ? "radio" : "checkbox", name, "aria-label": text }));
  const marks = inputs.map(() => h("span", { "aria-hidden": "true" }));
  const node = h(
    "fieldset", { class: "ae-answers" },
    h("legend", {}, one ? "Choose one." : "Tick all that apply."),
    ...question.choices.map(({ text }, i) => h("label", {}, inputs[i], h("span", {}, marks[i], text))),
  );
  for (const input of inputs) ownKeys(input, oncheck);
  const ticked = () => inputs.flatMap((input, i) => (input.checked ? [i] : []));
  /** @type {(answer: number[]) => void} */
  const put = (answer) => {
    for (const [i, input] of inputs.entries()) input.checked = answer.includes(i);
  };
  return {
    node, inputs, put,
    read: () => (one && ticked().length === 0 ? "Choose an answer first." : ticked()),
    draft: ticked,
    redo(draft) {
      if (typeof draft !== "string") put(draft);
    },
    mark(signs) {
      for (const [i, mark] of marks.entries()) mark.textContent = signs[i];
    },
  };
}

// ---------------------------------------------------------------- the figure

/** @type {Ae.Figure["render"]} */
function render({ model, el }) {
  /** @type {Question[]} */
  const questions = model.get("questions");
  const current = () => Number(model.get("current"));
  /** @type {() => boolean[][]} */
  const verdicts = () => model.get("verdicts");
  /** @type {() => boolean[]} */
  const revealed = () => model.get("revealed");
  /** @type {() => number[][]} */
  const answers = () => model.get("answers");
  /** @type {Map<number, Draft>} */
  const drafts = new Map(); // what is ticked or typed, and not yet checked
  let shown = -1;
  let part = sheet(questions[0], answer);
  let note = ""; // "Choose an answer first."

  const chips = questions.map((_, i) => chip(i));
  const index = choice({
    legend: "Question",
    items: chips.map(({ node }, i) => ({ node, label: `question ${i + 1}` })),
    onchange: (i) => go(i),
  });
  const topic = h("p", { class: "ae-note", "data-key": "topic" });
  const ask = h("p", { class: "ae-ask", "data-key": "ask" });
  const body = h("div");
  const verdict = h("div", { class: "ae-verdict", "aria-live": "polite", "data-key": "verdict" });
  const check = button("Check", () => answer());
  const reveal = button("Show the answer", () => show());
  const next = button("Next", (event) => go((current() + 1) % questions.length, event.detail === 0));
  const again = button("Again the ones you missed", (event) => retry(missed(verdicts(), revealed()), event.detail === 0));
  const restart = button("Start again", (event) => retry(questions.map((_, i) => i), event.detail === 0));
  const score = readout([
    { key: "first", label: "right at the first try" },
    { key: "solved", label: "right in the end" },
    { key: "open", label: "not answered" },
  ]);
  const reread = h("p", { class: "ae-note", "data-key": "reread" });

  /** @type {<T>(list: T[], i: number, value: T) => T[]} */
  const replaced = (list, i, value) => list.map((old, j) => (j === i ? value : old));
  /** @type {(i: number) => boolean} */
  const closed = (i) => verdicts()[i].includes(true) || revealed()[i];

  /** @type {(current: number, focus?: boolean) => void} */
  function go(i, focus = false) {
    keep();
    note = "";
    update(model, { current: i });
    draw();
    if (focus) (closed(i) ? next : part.inputs[0]).focus();
  }

  function keep() {
    if (shown >= 0 && !closed(shown)) drafts.set(shown, part.draft());
  }

  function answer() {
    const i = current();
    if (closed(i)) return;
    const given = part.read();
    if (typeof given === "string") {
      note = given;
      return draw();
    }
    note = "";
    const { right } = judge(questions[i], given);
    const here = el.contains(document.activeElement);
    update(model, { answers: replaced(answers(), i, given), verdicts: replaced(verdicts(), i, [...verdicts()[i], right]) });
    draw();
    if (here && right) next.focus(); // the button that had the focus is gone
  }

  function show() {
    const i = current();
    note = "";
    update(model, { revealed: replaced(revealed(), i, true) });
    draw();
    next.focus();
  }

  /** @type {(which: number[], focus: boolean) => void} */
  function retry(which, focus) {
    /** @type {<T>(list: T[], empty: T) => T[]} */
    const cleared = (list, empty) => list.map((old, i) => (which.includes(i) ? empty : old));
    note = "";
    update(model, {
      verdicts: cleared(verdicts(), []), revealed: cleared(revealed(), false), answers: cleared(answers(), []),
      current: which[0] ?? 0,
    });
    for (const i of which) drafts.delete(i);
    shown = -1; // so that its inputs are made anew, and empty
    draw();
    if (focus) part.inputs[0].focus();
  }

  // What is said below the question, [sentence, whether it is a success].
  /** @type {(i: number) => [sentence: string, good: boolean]} */
  function words(i) {
    const question = questions[i];
    const tries = verdicts()[i];
    if (note !== "") return [note, false];
    if (tries.includes(true)) return [`Right. ${explained(question)}`, true];
    if (revealed()[i]) return [`${told(question)} ${explained(question)}`, false];
    if (tries.length > 0) return [`Not yet. ${judge(question, answers()[i]).why}`, false];
    return ["", false];
  }

  /** @type {(question: Question) => string} */
  const explained = (question) => judge(question, solution(question)).why;

  /** @type {(question: Question) => string} */
  function told(question) {
    if (question.kind === "number") return `${`The answer is ${question.answer} ${question.unit}`.trimEnd()}.`;
    const texts = solution(question).map((j) => `“${question.choices[j].text}”`);
    return `The answer is ${texts.join(" and ")}`;
  }

  /** @type {(i: number) => void} */
  function drawVerdict(i) {
    const [sentence, good] = words(i);
    const where = closed(i) ? place(questions[i]) : null;
    const all = closed(i) && questions[i].kind === "all" ? questions[i].choices : [];
    verdict.replaceChildren(
      ...(sentence === "" ? [] : [h("p", { class: good ? "ae-right" : "" }, sentence)]),
      ...all.map(({ text, right, why }) => h("p", {}, `${right ? "✓" : "✗"} ${text} ${why}`)),
      ...(where === null ? [] : [h("p", {}, "In the book: ", where)]),
    );
  }

  function drawScore() {
    const states = verdicts().map((v, i) => standing(v, revealed()[i]));
    /** @type {(...names: Standing[]) => number} */
    const count = (...names) => states.filter((state) => names.includes(state)).length;
    const n = questions.length;
    score.set("first", count("first"), `${count("first")} of ${n}`);
    score.set("solved", count("first", "later"), `${count("first", "later")} of ${n}`);
    score.set("open", count("open"), String(count("open")));
    states.forEach((state, i) => {
      chips[i].show(state);
      index.inputs[i].setAttribute("aria-label", `question ${i + 1}, ${questions[i].topic}: ${MARKS[state][1]}`);
    });
    const lost = missed(verdicts(), revealed());
    again.hidden = lost.length === 0;
    restart.hidden = count("open") === n;
    const first = lost.filter((i, j) => lost.findIndex((k) => questions[k].page === questions[i].page) === j);
    const links = first.map((i) => place({ ...questions[i], section: "", anchor: "" })).filter((node) => node !== null);
    reread.replaceChildren(
      ...(links.length === 0 ? [] : ["To read again: ", ...links.flatMap((node, j) => (j === 0 ? [node] : [", ", node]))]),
    );
    if (lost.length === 0 && count("open") === 0) reread.textContent = "All right at the first try.";
  }

  /** @type {(i: number) => void} */
  function drawQuestion(i) {
    if (shown === i) return;
    shown = i;
    const question = questions[i];
    part = sheet(question, answer);
    body.replaceChildren(part.node);
    if (answers()[i].length > 0) part.put(answers()[i]);
    const draft = drafts.get(i);
    if (draft !== undefined && !closed(i)) part.redo(draft);
    ask.textContent = question.ask;
    topic.textContent = `Question ${i + 1} of ${questions.length}: ${question.topic}`;
    score.say(`Question ${i + 1} of ${questions.length}. ${question.ask}`);
  }

  function draw() {
    const i = current();
    const question = questions[i];
    index.set(i);
    drawQuestion(i);
    if (closed(i)) part.put(verdicts()[i].includes(true) ? answers()[i] : solution(question));
    for (const input of part.inputs) input.disabled = closed(i);
    part.mark(question.choices.map(({ right }) => (closed(i) ? `${right ? "✓" : "✗"} ` : "")));
    check.hidden = closed(i);
    reveal.hidden = closed(i) || verdicts()[i].length === 0;
    drawVerdict(i);
    drawScore();
  }

  frame(
    el, model,
    index.node,
    h("div", { class: "ae-question" }, topic, ask, body),
    verdict,
    row(check, reveal, next),
    columns(column(score.node), column(reread, row(again, restart))),
  );
  const stop = watch(model, ["current", "answers", "verdicts", "revealed"], () => draw());
  draw();
  return stop;
}

export default { render };
