// Paper is white, and as wide as it is: before a page is printed it turns light, so that figures
// are drawn dark on light, and each displayed formula has been measured, for print.css to fit it.
{
  const { dataset } = document.documentElement;
  /** @type {string | undefined} */
  let theme;
  addEventListener("beforeprint", () => {
    theme = dataset.theme;
    dataset.theme = "light";
  });
  addEventListener("afterprint", () => {
    if (theme !== undefined) dataset.theme = theme;
  });

  // The width of each displayed formula with its numbers, in pixels.
  const measure = () => {
    const width = (/** @type {Element | null | undefined} */ e) => e?.getBoundingClientRect().width ?? 0;
    for (const box of document.querySelectorAll("div.math")) {
      const drawn = box.querySelector("mjx-container");
      if (!(box instanceof HTMLElement) || drawn === null) continue;
      const full = drawn.getAttribute("width") === "full"; // then its table says how wide it is
      const own = width(drawn.querySelector(full ? "mjx-table > mjx-itable" : "mjx-math"));
      // Tags stand beside the formula, which stays in the middle.
      const numbers = 2 * width(drawn.querySelector("mjx-labels mjx-mtd")) + width(box.querySelector(".eqno"));
      if (own > 0) box.style.setProperty("--wide", String(Math.ceil(own + numbers + 24)));
    }
  };
  addEventListener("load", () => {
    /** @type {{ startup?: { promise?: Promise<unknown> } } | undefined} */
    const maths = Reflect.get(globalThis, "MathJax");
    maths?.startup?.promise?.then(measure);
  });
}
