// --- playing

function play(on) {
  clearInterval(state.timer);
  state.timer = null;
  if (on && state.step >= last) go(0);
  if (on) state.timer = setInterval(() => { if (state.step >= last) play(false); else go(state.step + 1); }, 900 / Number(byId("speed").value));
  byId("play").textContent = on ? "⏸︎ pause" : "▶︎ play";
  byId("play").setAttribute("aria-label", on ? "Pause" : "Play");
}
// The page opens with the whole picture; a step on from there is the first one.
const stepBy = (n) => { play(false); go(state.poster && n > 0 ? n : state.step + n); };
byId("first").onclick = () => { play(false); go(0); };
byId("last").onclick = () => { play(false); go(last); };
byId("back").onclick = () => stepBy(-1);
byId("next").onclick = () => stepBy(1);
byId("play").onclick = () => play(!state.timer);
byId("speed").onchange = () => { if (state.timer) play(true); };
byId("slider").max = last;
byId("slider").oninput = (e) => { play(false); go(Number(e.target.value), { keep: state.selected !== null }); };
byId("fit").onclick = () => fit();
byId("in").onclick = () => zoom(1.25);
byId("out").onclick = () => zoom(0.8);
byId("fold").onclick = () => foldAll(false);
byId("unfold").onclick = () => foldAll(true);
if (!Object.keys(trace.boxes).length) byId("fold").parentElement.hidden = true;
function turnOver() {
  if (!trace.layouts.LR) return;
  state.turn = state.turn === "TB" ? "LR" : "TB";
  layOut(); show(); fit(false);
}
byId("turn").onclick = turnOver;
byId("theme").onclick = () => {
  const dark = document.documentElement.dataset.theme ? document.documentElement.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = dark ? "light" : "dark";
};

const KEYS = {
  ArrowRight: () => stepBy(1), ArrowLeft: () => stepBy(-1), " ": () => play(!state.timer),
  Home: () => byId("first").click(), End: () => byId("last").click(),
  f: () => fit(), r: () => turnOver(), F: () => foldAll(false), U: () => foldAll(true), "+": () => zoom(1.25), "=": () => zoom(1.25), "-": () => zoom(0.8),
  "/": () => byId("search").focus(), Escape: () => select(null),
};
window.addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey) return;
  const typing = e.target.matches("input[type=search], select");
  if (typing) { if (e.key === "Escape") { byId("search").value = ""; find(""); stage.focus(); } return; }
  if (e.key === " " && e.target.matches("button")) return; // it presses the button
  if (!KEYS[e.key]) return;
  e.preventDefault();
  KEYS[e.key]();
});

// --- searching

let hit = -1;
function find(text) {
  const words = text.trim().toLowerCase();
  const found = words ? trace.values.filter((v) => [v.name, v.op, v.title, v.kind, pathOf(v.id)].some((t) => t.toLowerCase().includes(words))) : [];
  state.hits = new Set(found.map((v) => v.id));
  hit = -1;
  byId("found").textContent = words ? `${found.length} found` : "";
  show();
}
function pathOf(id) {
  const titles = [];
  for (let at = homeOf(id); at; at = trace.boxes[at].outer) titles.unshift(trace.boxes[at].title);
  return titles.join(" ");
}
byId("search").oninput = (e) => find(e.target.value);
byId("search").onkeydown = (e) => {
  const found = [...state.hits];
  if (e.key !== "Enter" || !found.length) return;
  hit = (hit + (e.shiftKey ? found.length - 1 : 1)) % found.length;
  byId("found").textContent = `${hit + 1} of ${found.length}`;
  unfoldTo(found[hit]);
  layOut(); select(found[hit]); bringIntoView(found[hit]);
};

// --- copying the picture

function pictureText() {
  const copy = graph.cloneNode(true), colours = getComputedStyle(document.documentElement);
  const colour = (text) => text.replace(/var\((--[\w-]+)\)/g, (_, name) => colours.getPropertyValue(name).trim());
  copy.querySelector("#world").removeAttribute("transform");
  copy.setAttribute("viewBox", `-12 -12 ${scene.w + 24} ${scene.h + 24}`);
  copy.setAttribute("width", Math.ceil(scene.w + 24)); copy.setAttribute("height", Math.ceil(scene.h + 24));
  copy.querySelectorAll("[data-shown]").forEach((part) => part.removeAttribute("data-shown"));
  copy.querySelectorAll("[fill^='var'], [stroke^='var']").forEach((part) => { for (const key of ["fill", "stroke"]) if (part.hasAttribute(key)) part.setAttribute(key, colour(part.getAttribute(key))); });
  copy.prepend(make("style", {}, colour(byId("picture-style").textContent)), make("rect", { x: -12, y: -12, width: "100%", height: "100%", fill: colours.getPropertyValue("--ground").trim() }));
  return new XMLSerializer().serializeToString(copy);
}
function pictureBlob() {
  return new Promise((resolve, reject) => {
    const drawing = new Image();
    drawing.onload = () => {
      const canvas = document.createElement("canvas"), scale = Math.min(2, 8000 / Math.max(scene.w, scene.h));
      canvas.width = (scene.w + 24) * scale; canvas.height = (scene.h + 24) * scale;
      canvas.getContext("2d").drawImage(drawing, 0, 0, canvas.width, canvas.height);
      canvas.toBlob(resolve, "image/png");
    };
    drawing.onerror = reject;
    drawing.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(pictureText())}`;
  });
}
async function give(button, kind, content, copy) {
  const before = button.textContent;
  try { await copy(); button.textContent = "copied"; } catch {
    const link = tag("a", { download: `trace.${kind}`, href: URL.createObjectURL(await content()) });
    link.click();
    button.textContent = "saved";
  }
  setTimeout(() => { button.textContent = before; }, 1200);
}
byId("svg").onclick = (e) => give(e.target, "svg", async () => new Blob([pictureText()], { type: "image/svg+xml" }), () => navigator.clipboard.writeText(pictureText()));
byId("png").onclick = (e) => give(e.target, "png", pictureBlob, () => navigator.clipboard.write([new ClipboardItem({ "image/png": pictureBlob() })]));

// --- the start

byId("title").textContent = trace.title;
document.title = trace.title;
chooseTurn();
layOut();
fit(false);
go(last);
state.poster = true;
show(); describe();
fit(false);
byId("where").textContent = `${last} steps`;
window.addEventListener("resize", () => { chooseTurn(); layOut(); show(); fit(false); });
