// A page that was opened from a folder may not read the files beside it, and a browser shows a
// notebook there as text. Each file to download has a twin, FILE.js, that a script tag can load: it
// calls aeFile with the file's name and text, which are then saved.
/** @type {(name: string, text: string) => void} */
function aeFile(name, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text]));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
Object.assign(globalThis, { aeFile });

if (location.protocol === "file:")
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a[href]") : null;
    if (!(link instanceof HTMLAnchorElement) || !/\/(notebooks|sources)\/[^/]+\.(ipynb|md)$/.test(link.href)) return;
    event.preventDefault();
    const script = document.createElement("script");
    script.src = `${link.href}.js`;
    script.onload = () => script.remove();
    document.head.append(script);
  });
