// A brush over a picture: mouse, pen, finger or keys. What is painted goes to Python as lengths of black and white.
const MOST_UNDO = 30;

export default function (component) {
  const { data, parentElement, setStateValue } = component;
  const part = (name) => parentElement.querySelector(`[data-part="${name}"]`);
  const board = part("board"), ring = part("ring"), size = part("size"), erase = part("erase");
  const side = data.side;
  // The page may call this again after each stroke; what was painted stays with the canvas.
  if (board.of !== data.of) {
    board.width = board.height = side;
    Object.assign(board, { of: data.of, undone: [], last: null, place: [side / 2, side / 2] });
    fill(board, data.runs ?? []);
  }
  const pen = board.getContext("2d", { willReadFrequently: true });
  part("picture").src = data.picture;
  for (const [name, said] of Object.entries(data.words)) {
    const element = part(name);
    if (name === "board" || name === "size") element.setAttribute("aria-label", said);
    else element.textContent = said;
    if (name === "size") part("size-word").textContent = said;
  }

  const width = () => Number(size.value);
  const erasing = () => erase.getAttribute("aria-pressed") === "true";
  const remember = () => {
    board.undone.push(pen.getImageData(0, 0, side, side));
    if (board.undone.length > MOST_UNDO) board.undone.shift();
  };
  const buttons = () => {
    part("undo").disabled = !board.undone.length;
    part("clear").disabled = lengths(pen, side).length === 1;
  };
  const send = () => {
    buttons();
    setStateValue("runs", lengths(pen, side));
  };
  const dab = (from, to) => {
    pen.globalCompositeOperation = erasing() ? "destination-out" : "source-over";
    pen.strokeStyle = "#cf3f66";
    pen.lineWidth = width();
    pen.lineCap = pen.lineJoin = "round";
    pen.beginPath();
    pen.moveTo(...from);
    // A line of no length draws nothing in some browsers.
    pen.lineTo(to[0] + 0.01, to[1]);
    pen.stroke();
  };
  const show = (visible) => {
    const scale = board.clientWidth / side;
    ring.style.display = visible ? "block" : "none";
    ring.style.width = ring.style.height = `${width() * scale}px`;
    ring.style.left = `${board.place[0] * scale}px`;
    ring.style.top = `${board.place[1] * scale}px`;
  };
  const at = (event) => {
    const box = board.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * side, ((event.clientY - box.top) / box.height) * side];
  };

  board.onpointerdown = (event) => {
    if (event.button > 0 || board.last) return;
    board.setPointerCapture(event.pointerId);
    remember();
    board.pointer = event.pointerId;
    board.last = board.place = at(event);
    dab(board.last, board.last);
    show(true);
  };
  board.onpointermove = (event) => {
    board.place = at(event);
    show(true);
    if (!board.last || event.pointerId !== board.pointer) return;
    const between = event.getCoalescedEvents?.() ?? [];
    for (const each of between.length ? between : [event]) {
      dab(board.last, at(each));
      board.last = at(each);
    }
  };
  board.onpointerup = board.onpointercancel = (event) => {
    if (!board.last || event.pointerId !== board.pointer) return;
    board.last = null;
    send();
  };
  board.onpointerleave = () => show(parentElement.activeElement === board);
  board.onfocus = () => show(true);
  board.onblur = () => show(false);
  board.onkeydown = (event) => {
    const far = event.shiftKey ? 16 : 4;
    const ways = { ArrowLeft: [-far, 0], ArrowRight: [far, 0], ArrowUp: [0, -far], ArrowDown: [0, far] };
    if (event.ctrlKey || event.metaKey || event.altKey) {
      if (event.key !== "z") return;
      part("undo").click();
    } else if (event.key in ways) {
      board.place = board.place.map((value, index) => Math.max(0, Math.min(side, value + ways[event.key][index])));
    } else if (event.key === " " || event.key === "Enter") {
      remember();
      dab(board.place, board.place);
      send();
    } else if (event.key === "+" || event.key === "-") {
      size.value = width() + (event.key === "+" ? 6 : -6);
    } else return;
    show(true);
    // The page has keys of its own, and space would scroll.
    event.preventDefault();
    event.stopPropagation();
  };
  size.oninput = () => show(false);
  erase.onclick = () => erase.setAttribute("aria-pressed", String(!erasing()));
  part("undo").onclick = () => {
    if (!board.undone.length) return;
    pen.putImageData(board.undone.pop(), 0, 0);
    send();
  };
  part("clear").onclick = () => {
    remember();
    pen.clearRect(0, 0, side, side);
    send();
  };
  buttons();
}

function lengths(pen, side) {
  const pixels = pen.getImageData(0, 0, side, side).data;
  const runs = [];
  let white = false, length = 0;
  for (let index = 3; index < pixels.length; index += 4) {
    if (pixels[index] > 127 !== white) {
      runs.push(length);
      white = !white;
      length = 0;
    }
    length += 1;
  }
  return [...runs, length];
}

function fill(board, runs) {
  const pen = board.getContext("2d", { willReadFrequently: true });
  const image = pen.createImageData(board.width, board.height);
  let place = 0;
  runs.forEach((length, index) => {
    for (const end = place + length; place < end; place++)
      if (index % 2) image.data.set([207, 63, 102, 255], place * 4);
  });
  pen.putImageData(image, 0, 0);
}
