// The keyboard in the gallery: the keys go to Python as {act, id}; which picture is current stays here.
// The page may load this file again; what must not be there twice is kept at the window.
const kept = (window.chibiGalleryKeys ??= { current: "", turning: "", stop: null });

export default function (component) {
  const { data, setTriggerValue } = component;
  kept.stop?.();
  const grid = () => document.querySelector(".st-key-grid-gallery");
  const cards = () => [...(grid()?.querySelectorAll('[class*="st-key-card-picture-"]') ?? [])];
  const shots = () => cards().map((card) => card.querySelector("[data-shot]")?.dataset.shot ?? "");

  const mark = (show) => {
    const all = cards();
    const place = shots().indexOf(kept.current);
    all.forEach((card, index) => card.toggleAttribute("data-current", index === place));
    if (show && place >= 0) all[place].scrollIntoView({ block: "nearest", behavior: "smooth" });
    return place;
  };
  const choose = (index) => {
    kept.current = shots()[Math.max(0, Math.min(index, cards().length - 1))] ?? "";
    mark(true);
  };
  const columns = () => {
    const all = cards();
    const next = all.findIndex((card) => card.offsetTop > all[0].offsetTop);
    return next < 0 ? all.length : next;
  };
  const turn = (side) => {
    const button = document.querySelector(`.st-key-page-${side} button:not([disabled])`);
    if (!button) return false;
    kept.turning = side;
    button.click();
    return true;
  };
  const move = (step) => {
    const place = shots().indexOf(kept.current);
    if (place < 0) return choose(step > 0 ? 0 : cards().length - 1);
    if (place + step < 0) return turn("newer") || choose(0);
    if (place + step >= cards().length) {
      // From the row above a last row that is not full, down leads to its end.
      const last = cards().length - 1;
      const rows = (index) => Math.floor(index / columns());
      return step > 1 && rows(place) < rows(last) ? choose(last) : turn("older") || choose(last);
    }
    choose(place + step);
  };

  const elsewhere = (target) =>
    target.closest('input, textarea, select, [contenteditable="true"], [role="combobox"], [role="listbox"], [role="slider"], [role="spinbutton"]') ||
    document.querySelector('[data-testid="stDialog"], [data-testid="stPopoverBody"]');

  const pressed = (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || !(event.target instanceof Element)) return;
    if (elsewhere(event.target)) return;
    const acts = { Enter: "look", s: "star", x: "select", Delete: "delete", Backspace: "delete", d: "download" };
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns(), ArrowUp: -columns() };
    if (event.key in steps && cards().length) move(steps[event.key]);
    else if (event.key === "u" && data.undo) setTriggerValue("pressed", { act: "undo", id: "" });
    else if (event.key === "/") document.querySelector(".st-key-search input")?.focus();
    else if (event.key === "Escape" && kept.current) { kept.current = ""; mark(false); return; }
    else if (event.key in acts && shots().includes(kept.current)) {
      if (event.key === "Enter" && event.target.closest("button, a, label, [role='button']")) return;
      if (event.key === "d") {
        cards()[shots().indexOf(kept.current)].querySelector('[class*="st-key-save-gallery-"] button')?.click();
      } else {
        if (acts[event.key] === "delete") {  // the next one becomes current
          const all = shots(), place = all.indexOf(kept.current);
          setTriggerValue("pressed", { act: "delete", id: kept.current });
          kept.current = all[place + 1] ?? all[place - 1] ?? "";
        } else setTriggerValue("pressed", { act: acts[event.key], id: kept.current });
      }
    } else return;
    event.preventDefault();
  };
  const clicked = (event) => {
    const shot = event.target instanceof Element && event.target.closest(".st-key-grid-gallery [data-shot]");
    if (!shot) return;
    kept.current = shot.dataset.shot;
    mark(false);
    setTriggerValue("pressed", { act: data.selecting ? "select" : "look", id: kept.current });
  };

  if (kept.turning) {
    kept.current = (kept.turning === "older" ? data.row[0] : data.row.at(-1)) ?? "";
    kept.turning = "";
  }
  // The cards may come after this, and change places; setting attributes is not observed, so this ends.
  const observer = new MutationObserver(() => mark(false));
  observer.observe(document.querySelector('[data-testid="stMain"]') ?? document.body, { childList: true, subtree: true });
  mark(false);
  document.addEventListener("keydown", pressed);
  document.addEventListener("click", clicked);
  const stop = () => {
    observer.disconnect();
    document.removeEventListener("keydown", pressed);
    document.removeEventListener("click", clicked);
    if (kept.stop === stop) kept.stop = null;
  };
  kept.stop = stop;
  return stop;
}
