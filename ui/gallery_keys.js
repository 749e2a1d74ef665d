// The keyboard in the gallery: the keys go to Python as {act, id}; which picture is current stays here.
let current = "";
let turning = "";

export default function (component) {
  const { data, setTriggerValue } = component;
  const grid = () => document.querySelector(".st-key-grid-gallery");
  const cards = () => [...(grid()?.querySelectorAll('[class*="st-key-card-picture-"]') ?? [])];
  const shots = () => cards().map((card) => card.querySelector("[data-shot]")?.dataset.shot ?? "");

  const mark = (show) => {
    const all = cards();
    const place = shots().indexOf(current);
    all.forEach((card, index) => card.toggleAttribute("data-current", index === place));
    if (show && place >= 0) all[place].scrollIntoView({ block: "nearest", behavior: "smooth" });
    return place;
  };
  const choose = (index) => {
    current = shots()[Math.max(0, Math.min(index, cards().length - 1))] ?? "";
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
    turning = side;
    button.click();
    return true;
  };
  const move = (step) => {
    const place = shots().indexOf(current);
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
    else if (event.key === "Escape" && current) { current = ""; mark(false); return; }
    else if (event.key in acts && shots().includes(current)) {
      if (event.key === "Enter" && event.target.closest("button, a, label, [role='button']")) return;
      if (event.key === "d") {
        cards()[shots().indexOf(current)].querySelector('[class*="st-key-save-gallery-"] button')?.click();
      } else {
        if (acts[event.key] === "delete") {  // the next one becomes current
          const all = shots(), place = all.indexOf(current);
          setTriggerValue("pressed", { act: "delete", id: current });
          current = all[place + 1] ?? all[place - 1] ?? "";
        } else setTriggerValue("pressed", { act: acts[event.key], id: current });
      }
    } else return;
    event.preventDefault();
  };
  const clicked = (event) => {
    const shot = event.target instanceof Element && event.target.closest(".st-key-grid-gallery [data-shot]");
    if (!shot) return;
    current = shot.dataset.shot;
    mark(false);
    setTriggerValue("pressed", { act: data.selecting ? "select" : "look", id: current });
  };

  if (turning && cards().length) {
    current = (turning === "older" ? shots()[0] : shots().at(-1)) ?? "";
    turning = "";
  }
  mark(false);
  document.addEventListener("keydown", pressed);
  document.addEventListener("click", clicked);
  return () => {
    document.removeEventListener("keydown", pressed);
    document.removeEventListener("click", clicked);
  };
}
