// Exercises worked on paper: the reader's numbers are judged here, in the page, as the checker of
// the package judges them, and in its words. What was right stays right in this browser.

/**
 * @typedef {{ value: number[], digits: number | null, praise: string, mistakes: [number[], string][] }} Check
 * @typedef {{ passed: boolean, hint: string }} Judgement
 */

const aeAnswers = (() => {
  const MASK = 0x2a; // answers.py has mixed each byte with it
  const KEPT = "aeteach:answers";

  /** @type {(sealed: string) => Check} */
  const open = (sealed) =>
    JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(sealed), (c) => c.charCodeAt(0) ^ MASK)));

  // 3, -0.5, 1e-3, or a fraction; NaN for anything else.
  /** @type {(text: string) => number} */
  const number = (text) => {
    const parts = text.replace(/[−–]/g, "-").split("/");
    if (parts.length > 2 || parts.some((part) => part.trim() === "")) return Number.NaN;
    return parts.length === 2 ? Number(parts[0]) / Number(parts[1]) : Number(parts[0]);
  };

  // Whether a number is the right one, rounded or cut to the digits asked for.
  /** @type {(got: number, right: number, digits: number | null) => boolean} */
  const equal = (got, right, digits) => {
    if (digits === null) return Math.abs(got - right) <= 1e-9 * Math.abs(right);
    const unit = right === 0 ? 10 ** -digits : 10 ** (Math.floor(Math.log10(Math.abs(right))) + 1 - digits);
    const cut = Math.trunc(right / unit) * unit;
    return Math.abs(got - cut) <= 1e-9 * Math.abs(cut) || Math.abs(got - right) <= 0.5 * unit * (1 + 1e-9);
  };

  // Whether a number is another one rounded to so many digits; a tie may go either way.
  /** @type {(digits: number, got: number, right: number) => boolean} */
  const roundedTo = (digits, got, right) =>
    [1 - 1e-12, 1 + 1e-12].some((nudge) => {
      const way = Number((right * nudge).toExponential(digits - 1));
      return Math.abs(got - way) <= 1e-9 * Math.max(Math.abs(got), Math.abs(way));
    });

  /** @type {(got: number[], check: Check) => boolean} */
  const tooRound = (got, { value, digits }) => {
    if (digits === null || value.includes(0)) return false;
    for (let few = 1; few < digits; few++) if (got.every((each, i) => roundedTo(few, each, value[i]))) return true;
    return false;
  };

  /** @type {(got: number[], check: Check) => string} */
  const general = (got, { value, digits }) => {
    /** @type {(a: number[], b: number[]) => boolean} */
    const all = (a, b) => a.every((each, i) => equal(each, b[i], digits));
    if (all(got.map((x) => -x), value)) return got.length === 1 ? "The sign is wrong." : "Every number has the wrong sign.";
    if (got.length > 1) {
      const close = got.filter((each, i) => equal(each, value[i], digits)).length;
      if (close > 0) return `${close} of the ${got.length} numbers are right where they stand.`;
      const sorted = (/** @type {number[]} */ x) => [...x].sort((a, b) => a - b);
      if (all(sorted(got), sorted(value))) return "The numbers are right, and in another order than the one asked for.";
    }
    return "This is not the number. Work it out once more, one step to a line.";
  };

  /** @type {(check: Check, text: string) => Judgement} */
  const judge = (check, text) => {
    const no = (/** @type {string} */ hint) => ({ passed: false, hint });
    const asked = check.value.length > 1 ? `${check.value.length} numbers` : "a number";
    const words = text.replace(/[()[\]{}]/g, " ").split(/[\s,;]+/).filter(Boolean);
    if (words.length === 0) return no(`The checker expects ${asked}; there is none yet.`);
    const got = words.map(number);
    const odd = words.find((_, i) => Number.isNaN(got[i]));
    if (odd !== undefined) return no(`The checker expects ${asked}; it got “${odd}”.`);
    if (got.length !== check.value.length) return no(`The checker expects ${asked}; it got ${got.length} number${got.length > 1 ? "s" : ""}.`);
    if (!got.every(Number.isFinite)) return no("NaN and infinity are no answer: look for a division by 0.");
    const is = (/** @type {number[]} */ wanted) => wanted.every((each, i) => equal(got[i], each, check.digits));
    if (is(check.value)) return { passed: true, hint: check.praise };
    const known = check.mistakes.find(([wrong]) => is(wrong));
    if (known !== undefined) return no(known[1]);
    if (tooRound(got, check)) return no(`Rounded too far: ${check.digits} significant digits are asked for.`);
    return no(general(got, check));
  };

  // What is kept in this browser; nothing where it keeps nothing, as some do for a folder.
  /** @type {() => Record<string, string>} */
  const kept = () => {
    try {
      return { ...JSON.parse(localStorage.getItem(KEPT) ?? "{}") }; // {} of null and of numbers
    } catch {
      return {};
    }
  };
  /** @type {(name: string, text: string) => void} */
  const keep = (name, text) => {
    try {
      localStorage.setItem(KEPT, JSON.stringify({ ...kept(), [name]: text }));
    } catch {
      // The answer was judged all the same.
    }
  };

  const start = () => {
    for (const form of document.querySelectorAll("form.answer")) {
      const [input, output] = [form.querySelector("input"), form.querySelector("output")];
      if (!(form instanceof HTMLFormElement) || input === null || output === null) continue;
      const { check = "", checker = "" } = form.dataset;
      const say = () => {
        const { passed, hint } = judge(open(check), input.value);
        form.dataset.verdict = passed ? "right" : "not-yet";
        output.textContent = `${passed ? "Right" : "Not yet"}. ${hint}`;
        return passed;
      };
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        if (say()) keep(checker, input.value);
      });
      input.addEventListener("keydown", (event) => event.stopPropagation()); // the theme turns pages
      form.hidden = false;
      input.value = kept()[checker] ?? "";
      if (input.value !== "") say();
    }
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
  return { open, judge };
})();
Object.assign(globalThis, { aeAnswers });
