// A link into a box that opens, opens it; some browsers would go nowhere.
{
  const open = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const closed = /** @type {NodeListOf<HTMLDetailsElement>} */ (document.querySelectorAll("details.ae-deeper:not([open])"));
    for (const box of closed) {
      if (target === null || !box.contains(target)) continue;
      box.open = true;
      target.scrollIntoView();
    }
  };
  addEventListener("DOMContentLoaded", open);
  addEventListener("hashchange", open);
}
