// The page's side of the contract: a stand-in for the kernel's model, and the call that starts a
// figure. It keeps to the names that Jupyter gives a figure, so that the figure cannot tell.
// Jupyter hands bytes over as a DataView; so does the page.
/** @type {(value: any) => any} */
function decode(value) {
  if (value === null || typeof value !== "object" || typeof value.$bytes !== "string") return value;
  const text = atob(value.$bytes);
  return new DataView(Uint8Array.from(text, (c) => c.charCodeAt(0)).buffer);
}

// Arrays and objects are compared by what they hold, as in Jupyter; bytes only by identity.
/** @type {(a: unknown, b: unknown) => boolean} */
function same(a, b) {
  if (a === b) return true;
  if (a instanceof DataView || b instanceof DataView) return false;
  return JSON.stringify(a) === JSON.stringify(b);
}

// get, set, on, off, save_changes, send; a set that changes nothing tells nobody.
/** @type {(start: Record<string, unknown>) => Ae.Model} */
export function pageModel(start) {
  const state = Object.fromEntries(Object.entries(start).map(([k, v]) => [k, decode(v)]));
  /** @type {Map<string, Set<Ae.Listener>>} */
  const listeners = new Map();
  /** @type {(event: string, ...values: unknown[]) => void} */
  const emit = (event, ...values) => {
    for (const listener of [...(listeners.get(event) ?? [])]) listener(...values);
  };
  /** @type {Ae.Model} */
  const model = {
    get: (key) => state[key],
    set(key, value) {
      if (same(state[key], value)) return;
      state[key] = value;
      emit(`change:${key}`, model, value);
      emit("change", model);
    },
    on(event, listener) {
      const heard = listeners.get(event) ?? new Set();
      listeners.set(event, heard.add(listener));
    },
    off(event, listener) {
      if (listener === undefined || listener === null) listeners.delete(event);
      else listeners.get(event)?.delete(listener);
    },
    save_changes() {},
    send() {},
  };
  return model;
}

// Start the figure in the first element that waits for it, in place of its still.
/** @type {(key: string, state: Record<string, unknown>, figure: Ae.Figure) => void} */
export function mount(key, state, figure) {
  /** @type {HTMLElement | null} */
  const el = document.querySelector(`[data-ae-figure="${key}"]:not([data-ae-ready])`);
  if (el === null) throw new Error(`no element waits for the figure ${key}`);
  el.dataset.aeReady = "";
  const sheets = [...document.querySelectorAll("style[data-ae-style]")];
  const texts = sheets.map((sheet) => sheet.textContent);
  sheets.forEach((sheet, i) => { if (texts.indexOf(texts[i]) < i) sheet.remove(); }); // once is enough
  try {
    figure.render({ model: pageModel(state), el });
  } catch (error) {
    el.textContent = `${state.alt} (The figure could not start: ${error instanceof Error ? error.message : error})`;
    throw error;
  }
}
