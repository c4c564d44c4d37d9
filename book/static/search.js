// The search, on its own page: no server and no index of stems. Words are compared after both their
// spellings, British and American, and their endings were made one; signs are compared as they stand.

/**
 * @typedef {{ page: string, title: string, sections: [anchor: string, title: string, text: string][] }} Page
 * @typedef {{ from: number, to: number, root: string, plain: string }} Word
 * @typedef {{ page: Page, top: boolean, href: string, title: string, text: string, words: Word[], titleWords: Word[], pageWords: Word[], signs: string }} Section
 * @typedef {{ plain: string, root: string, sign: string }} Term
 * @typedef {{ section: Section, score: number, found: number }} Hit
 */

const aeSearch = (() => {
  const SHOWN = 40; // sections
  const AROUND = 110; // characters on either side of what was found
  /** @type {Record<string, string>} */
  const GREEK = {
    α: "alpha", β: "beta", γ: "gamma", δ: "delta", ε: "epsilon", ϵ: "epsilon", ζ: "zeta", η: "eta", θ: "theta", κ: "kappa",
    λ: "lambda", μ: "mu", µ: "mu", ν: "nu", ξ: "xi", π: "pi", ρ: "rho", σ: "sigma", τ: "tau", φ: "phi", ϕ: "phi", χ: "chi",
    ψ: "psi", ω: "omega",
  };
  /** @type {[RegExp, string][]} */
  const SPELLINGS = [
    [/parametr/g, "parameter"],
    [/is(e|ed|es|er|ers|ing|ation|ations|able)$/, "iz$1"],
    [/yz(e|ed|es|ing|er)$/, "ys$1"],
    [/([a-z]{2})our(s|ed|ing|al|able|ful|less|hood|hoods|ite)?$/, "$1or$2"],
    [/(cent|met|fib|lit)re(s|d)?$/, "$1er$2"],
    [/(cent)r(ing|ed)$/, "$1er$2"],
    [/(cent|met|fib|lit)erd$/, "$1ered"],
    [/ll(ed|ing|er|ers)$/, "l$1"],
    [/ogue(s?)$/, "og$1"],
    [/^(licen|defen|offen)ce/, "$1se"],
    [/^practise/, "practice"],
    [/^program(me)(s?)$/, "program$2"],
    [/^grey/, "gray"],
    [/^artefact/, "artifact"],
    [/judgement/, "judgment"],
    [/^learnt$/, "learned"],
    [/^maths$/, "math"],
  ];
  const ENDINGS = /(ations?|ings?|ers?|ed|es|s|ly|e)$/;

  // Without accents, small; x̂ is x.
  /** @type {(text: string) => string} */
  const plainly = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

  // The same for both spellings of a word, and for its forms: optimise, optimizing, optimisation.
  /** @type {Map<string, string>} */
  const known = new Map();
  /** @type {(word: string) => string} */
  const rootOf = (word) => {
    let root = known.get(word);
    if (root !== undefined) return root;
    root = SPELLINGS.reduce((text, [from, to]) => text.replace(from, to), word);
    const cut = root.replace(ENDINGS, "");
    root = cut.length >= 4 ? cut : root.length > 3 ? root.replace(/s$/, "") : root;
    known.set(word, root);
    return root;
  };

  /** @type {(text: string) => Word[]} */
  const wordsOf = (text) =>
    [...text.matchAll(/\p{Script=Greek}\p{M}*|(?:(?!\p{Script=Greek})[\p{L}\p{M}])+|\p{N}+/gu)].map(({ 0: word, index }) => {
      const folded = plainly(word);
      const plain = GREEK[folded] ?? folded;
      return { from: index, to: index + word.length, plain, root: rootOf(plain) };
    });

  // How signs are compared: without spaces, σ² as σ^2.
  /** @type {(text: string) => string} */
  const signsOf = (text) =>
    plainly(text).replace(/²/g, "^2").replace(/³/g, "^3").replace(/∣/g, "|").replace(/\|\|/g, "‖").replace(/[−–]/g, "-").replace(/µ/g, "μ").replace(/\s+/g, "");
  // Who types p(x|z) means p_θ(x|z), too.
  /** @type {(signs: string) => string} */
  const bare = (signs) => signs.replace(/_[^()|]/gu, "");

  // What is asked for: words, and signs that are no words. A word of TeX is a word.
  /** @type {(query: string) => Term[]} */
  const termsOf = (query) =>
    query.replace(/\\(?:math|text|operatorname)\w*/g, " ").replace(/\\([A-Za-z]+)/g, " $1 ").replace(/[{}$"“”]/g, " ")
      .split(/\s+/).filter(Boolean)
      .flatMap((part) => {
        const words = wordsOf(part).map(({ plain, root }) => ({ plain, root, sign: "" }));
        return /^[\p{L}\p{M}\p{N}_'’.,:;?!-]+$/u.test(part) && words.length > 0 ? words : [{ plain: "", root: "", sign: signsOf(part) }];
      });

  /** @type {(word: Word, term: Term) => number} */
  const likeness = (word, { plain, root }) => {
    if (word.plain === plain) return 1;
    if (word.root === root) return 0.9;
    return plain.length >= 3 && (word.plain.startsWith(plain) || word.root.startsWith(root)) ? 0.6 : 0;
  };
  /** @type {(words: Word[], term: Term) => number} */
  const best = (words, term) => words.reduce((most, word) => Math.max(most, likeness(word, term)), 0);

  // What one term adds to a section; 0 where it is not found.
  /** @type {(section: Section, term: Term) => number} */
  const worth = (section, term) => {
    if (term.sign !== "") {
      if (signsOf(section.title).includes(term.sign)) return 40;
      const times = section.signs.split(term.sign).length - 1 || bare(section.signs).split(term.sign).length - 1;
      return 2 * Math.min(times, 5);
    }
    const title = best(section.titleWords, term);
    const page = best(section.pageWords, term);
    let text = 0;
    let times = 0;
    for (const word of section.words) {
      const like = likeness(word, term);
      if (like > 0) [text, times] = [Math.max(text, like), times + 1];
    }
    if (title + text === 0) return 0.2 * page; // so that a word of the page's title may be in none of its parts
    const share = section.titleWords.length > 0 ? 1 + 1 / section.titleWords.length : 1;
    return 30 * title * share + 6 * page + text * (1 + Math.min(times, 6));
  };

  /** @type {(sections: Section[], query: string) => Hit[]} */
  const search = (sections, query) => {
    const terms = termsOf(query);
    if (terms.length === 0) return [];
    const phrase = wordsOf(query).map(({ root }) => root).join(" ");
    /** @type {Hit[]} */
    const hits = [];
    for (const section of sections) {
      const each = terms.map((term) => worth(section, term));
      const found = each.filter((value) => value > 0).length;
      let score = each.reduce((sum, value) => sum + value, 0);
      if (!(score >= 1)) continue;
      if (phrase.includes(" ")) {
        if (section.titleWords.map(({ root }) => root).join(" ").includes(phrase)) score += 40;
        if (section.words.map(({ root }) => root).join(" ").includes(phrase)) score += 12;
      }
      hits.push({ section, score: section.top ? 1.1 * score : score, found });
    }
    const all = hits.filter(({ found }) => found === terms.length);
    return (all.length > 0 ? all : hits).sort((a, b) => b.found - a.found || b.score - a.score);
  };

  // Where in a text a sign stands, which was found in the text without its spaces.
  /** @type {(text: string, sign: string) => [number, number][]} */
  const placesOf = (text, sign) => {
    /** @type {number[]} */
    const places = [];
    let signs = "";
    for (let i = 0; i < text.length; i++) {
      const part = signsOf(text[i]);
      for (const _ of part) places.push(i);
      signs += part;
    }
    /** @type {[number, number][]} */
    const found = [];
    for (let at = signs.indexOf(sign); at >= 0; at = signs.indexOf(sign, at + 1)) found.push([places[at], places[at + sign.length - 1] + 1]);
    return found;
  };

  // The part of a section around most of what was asked for, with that marked.
  /** @type {(section: Section, terms: Term[]) => Node[]} */
  const snippet = ({ text, words }, terms) => {
    /** @type {[number, number][]} */
    const marks = words.filter((word) => terms.some((term) => term.sign === "" && likeness(word, term) > 0)).map(({ from, to }) => [from, to]);
    for (const { sign } of terms) if (sign !== "") marks.push(...placesOf(text, sign));
    marks.sort((a, b) => a[0] - b[0]);
    const near = (/** @type {number} */ from) => marks.filter(([a]) => a >= from && a < from + 1.5 * AROUND).length;
    const [first] = marks.reduce((most, mark) => (near(mark[0]) > near(most[0]) ? mark : most), marks[0] ?? [0, 0]);
    const from = first <= AROUND ? 0 : text.lastIndexOf(" ", first - AROUND) + 1;
    const end = text.indexOf(" ", first + AROUND * 1.5);
    const to = end < 0 ? text.length : end;
    /** @type {Node[]} */
    const nodes = [document.createTextNode(from > 0 ? "… " : "")];
    let at = from;
    for (const [a, b] of marks) {
      if (a < at || b > to) continue;
      const mark = document.createElement("mark");
      mark.textContent = text.slice(a, b);
      nodes.push(document.createTextNode(text.slice(at, a)), mark);
      at = b;
    }
    nodes.push(document.createTextNode(text.slice(at, to) + (to < text.length ? " …" : "")));
    return nodes;
  };

  /** @type {(hits: Hit[], terms: Term[], root: string) => HTMLElement} */
  const listOf = (hits, terms, root) => {
    const list = document.createElement("ol");
    for (const { section } of hits.slice(0, SHOWN)) {
      const [item, link, where, text] = ["li", "a", "span", "p"].map((tag) => document.createElement(tag));
      link.textContent = section.title;
      link.setAttribute("href", root + section.href);
      where.textContent = section.top ? "" : section.page.title;
      text.append(...snippet(section, terms));
      item.append(link, where, text);
      list.append(item);
    }
    return list;
  };

  /** @type {(pages: Page[]) => Section[]} */
  const read = (pages) =>
    pages.flatMap((page) =>
      page.sections.map(([anchor, title, text], i) => ({
        page, title, text, top: i === 0, href: anchor === "" ? page.page : `${page.page}#${anchor}`,
        words: wordsOf(text), titleWords: wordsOf(title), pageWords: wordsOf(page.title), signs: signsOf(text),
      })));

  // How many, in words: it is read out.
  /** @type {(query: string, hits: Hit[]) => string} */
  const count = (query, hits) => {
    const terms = termsOf(query);
    if (terms.length === 0) return "Type what you look for: words, or signs such as β or p(x|z).";
    if (hits.length === 0) return `Nothing found for “${query}”.`;
    const pages = new Set(hits.map(({ section }) => section.page)).size;
    const amount = `${hits.length} ${hits.length === 1 ? "section" : "sections"} on ${pages} ${pages === 1 ? "page" : "pages"}`;
    const some = hits[0].found < terms.length ? "No section has all of this; some of it is in " : "";
    return `${some}${amount}${hits.length > SHOWN ? `, the first ${SHOWN} of them here` : ""}.`;
  };

  /** @type {(pages: Page[]) => void} */
  const start = (pages) => {
    const sections = read(pages);
    const box = document.getElementById("search-results");
    if (box === null) return;
    const status = document.createElement("p");
    status.setAttribute("role", "status");
    const results = document.createElement("div");
    box.replaceChildren(status, results);
    const root = document.documentElement.dataset.content_root ?? "";
    const inputs = [...document.querySelectorAll("form.bd-search input[name=q]")].filter((e) => e instanceof HTMLInputElement);
    /** @type {(query: string) => void} */
    const show = (query) => {
      const hits = search(sections, query);
      status.textContent = count(query, hits);
      results.replaceChildren(...(hits.length > 0 ? [listOf(hits, termsOf(query), root)] : []));
    };
    const asked = new URLSearchParams(location.search).get("q") ?? "";
    for (const input of inputs) {
      input.value = asked;
      input.addEventListener("input", () => show(input.value));
    }
    show(asked);
  };
  return { start, read, search, rootOf, signsOf };
})();
Object.assign(globalThis, { aeSearch });
