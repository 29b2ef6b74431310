// --- folding, panning, zooming

function fold(number, open) {
  if (open) state.open.add(number); else state.open.delete(number);
  layOut(); show(); describe();
}
function foldAll(open) {
  state.open = new Set(open ? [0, ...Object.keys(trace.boxes).map(Number)] : [0]);
  layOut(); show(); fit();
}
function unfoldTo(id) {
  for (let at = homeOf(id); at; at = trace.boxes[at].outer) state.open.add(at);
}
function moveView() {
  document.getElementById("world")?.setAttribute("transform", `scale(${view.scale}) translate(${view.x} ${view.y})`);
}
// Downwards or to the right, whichever can be shown larger.
function chooseTurn() {
  const { width, height } = stage.getBoundingClientRect();
  const sizes = {};
  if (!trace.layouts.LR) { byId("turn").hidden = true; return; }
  for (const turn of ["TB", "LR"]) {
    state.turn = turn;
    const all = arrange(0);
    sizes[turn] = Math.min(1, (width - 24) / all.w, (height - 28) / all.h);
    sizes[`${turn} wide`] = Math.min(1, (width - 24) / all.w);
  }
  state.turn = sizes.LR > sizes.TB && sizes.LR > 0.5 ? "LR" : "TB";
}
// The whole graph if it can be read at that size, else its width, from the top.
function fit(whole = true) {
  const { width, height } = stage.getBoundingClientRect();
  const all = Math.min((width - 24) / scene.w, (height - 28) / scene.h), wide = (width - 24) / scene.w;
  const first = Math.min(1.25, Math.max(all, Math.min(wide, 0.72)));
  view.scale = Math.max(0.02, whole ? Math.min(1.6, all) : first);
  view.x = (width / view.scale - scene.w) / 2;
  view.y = Math.max(8 / view.scale, (height / view.scale - scene.h) / 2);
  if (scene.h * view.scale > height - 16) view.y = 10 / view.scale;
  moveView();
}
function zoom(factor, x, y) {
  const box = stage.getBoundingClientRect();
  x ??= box.width / 2; y ??= box.height / 2;
  const scale = Math.min(8, Math.max(0.02, view.scale * factor));
  view.x += x / scale - x / view.scale; view.y += y / scale - y / view.scale; view.scale = scale;
  moveView();
}
// Bring the node of a step into view, or the box that it is folded into.
function bringIntoView(id) {
  let at = scene.items.find((p) => p.kind === "n" && p.id === id);
  for (let box = homeOf(id); box && !at; box = trace.boxes[box].outer) at = scene.items.find((p) => p.kind === "b" && p.id === box);
  if (!at) return;
  const { width, height } = stage.getBoundingClientRect(), k = view.scale;
  const left = (at.x - at.w / 2 + view.x) * k, right = (at.x + at.w / 2 + view.x) * k;
  const top = (at.y - at.h / 2 + view.y) * k, bottom = (at.y + at.h / 2 + view.y) * k;
  if (left < 0 || right > width) view.x = width / 2 / k - at.x;
  if (top < 0 || bottom > height - 18) view.y = height / 2 / k - at.y;
  moveView();
}

const fingers = new Map();
stage.addEventListener("pointerdown", (e) => {
  fingers.set(e.pointerId, [e.clientX, e.clientY]);
  stage.moved = false;
});
window.addEventListener("pointermove", (e) => {
  const before = fingers.get(e.pointerId);
  if (!before) return;
  const others = [...fingers.entries()].filter(([id]) => id !== e.pointerId);
  if (!stage.moved && Math.hypot(e.clientX - before[0], e.clientY - before[1]) < 4) return;
  stage.moved = true;
  stage.classList.add("drag");
  if (others.length) { // two fingers zoom about the other one
    const [ox, oy] = others[0][1], box = stage.getBoundingClientRect();
    const ratio = Math.hypot(e.clientX - ox, e.clientY - oy) / Math.max(1, Math.hypot(before[0] - ox, before[1] - oy));
    zoom(ratio, ox - box.left, oy - box.top);
  } else {
    view.x += (e.clientX - before[0]) / view.scale; view.y += (e.clientY - before[1]) / view.scale;
    moveView();
  }
  fingers.set(e.pointerId, [e.clientX, e.clientY]);
});
for (const kind of ["pointerup", "pointercancel"]) window.addEventListener(kind, (e) => { fingers.delete(e.pointerId); stage.classList.remove("drag"); });
stage.addEventListener("wheel", (e) => {
  e.preventDefault();
  const box = stage.getBoundingClientRect();
  zoom(Math.exp(-e.deltaY * (e.deltaMode ? 0.05 : 0.0015)), e.clientX - box.left, e.clientY - box.top);
}, { passive: false });
