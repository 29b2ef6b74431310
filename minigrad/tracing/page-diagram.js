// --- the diagram: Graphviz's layout of each container, moved apart where boxes unfold

const SVG = "http://www.w3.org/2000/svg";
const graph = byId("graph"), stage = byId("stage");
const homes = new Map([[0, 0]]); // the container of each node
for (const [number, box] of Object.entries(trace.boxes)) for (const n of box.nodes) homes.set(n, Number(number));
const homeOf = (id) => homes.get(id) ?? 0;
const view = { x: 0, y: 0, scale: 1 };
let scene = null; // where everything stands
const drawn = { nodes: new Map(), edges: [] };

function make(tag, attributes = {}, text) {
  const made = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

// Where a coordinate goes when the open boxes of its container have grown.
function stretch(grown) {
  return (p) => grown.reduce((sum, { low, high, extra }) => sum + extra * Math.min(1, Math.max(0, (p - low) / (high - low))), p);
}

// One container: its items with their places, its lines, its size; open boxes hold their own.
function arrange(number) {
  const { items, edges } = trace.layouts[state.turn][number];
  const parts = items.map(([name, x, y]) => {
    const kind = name[0], id = Number(name.slice(1));
    const own = kind === "n" ? values.get(id) : kind === "b" ? trace.boxes[id] : { w: 0, h: 0 };
    const part = { name, kind, id, x, y, w: own.w, h: own.h, was: own };
    if (kind === "b" && state.open.has(id)) {
      part.inside = arrange(id);
      part.w = Math.max(own.w, part.inside.w + 20);
      part.h = Math.max(own.h, part.inside.h + 34);
    }
    return part;
  });
  const along = (centre, side) => stretch(parts.filter((p) => p.inside).map((p) => ({
    low: p[centre] - p.was[side] / 2, high: p[centre] + p.was[side] / 2, extra: p[side] - p.was[side],
  })));
  const toX = along("x", "w"), toY = along("y", "h");
  let left = Infinity, top = Infinity, right = -Infinity, bottom = -Infinity;
  const known = new Map();
  for (const p of parts) {
    const from = [toX(p.x - p.was.w / 2), toY(p.y - p.was.h / 2)], to = [toX(p.x + p.was.w / 2), toY(p.y + p.was.h / 2)];
    p.x = (from[0] + to[0]) / 2; p.y = (from[1] + to[1]) / 2;
    left = Math.min(left, p.x - p.w / 2); right = Math.max(right, p.x + p.w / 2);
    top = Math.min(top, p.y - p.h / 2); bottom = Math.max(bottom, p.y + p.h / 2);
    known.set(p.name, p);
  }
  const lines = edges.map(([start, end, source, targets, points]) => ({
    start: known.get(start), end: known.get(end), source, targets,
    points: points.map((p, i) => (i % 2 ? toY(p) : toX(p))),
  }));
  for (const { points } of lines) {
    for (let i = 0; i < points.length; i += 2) {
      left = Math.min(left, points[i]); right = Math.max(right, points[i]);
      top = Math.min(top, points[i + 1]); bottom = Math.max(bottom, points[i + 1]);
    }
  }
  return { parts, lines, left, top, w: right - left, h: bottom - top };
}

// Everything at its final place; `dx, dy` move a container's coordinates.
function flatten(container, dx, dy, into, frame) {
  for (const p of container.parts) {
    p.x += dx; p.y += dy;
    if (!p.inside) { if (p.kind !== "i" && p.kind !== "o") into.items.push(p); continue; }
    const x = p.x - p.inside.w / 2, y = p.y - p.h / 2 + 24 + (p.h - 34 - p.inside.h) / 2;
    into.boxes.push(p);
    flatten(p.inside, x - p.inside.left, y - p.inside.top, into, p);
  }
  for (const line of container.lines) {
    const points = line.points.map((q, i) => q + (i % 2 ? dy : dx));
    const n = points.length;
    const move = (at, by, x, y) => {
      const mx = x - points[at], my = y - points[at + 1];
      points[at] = x; points[at + 1] = y; points[by] += mx; points[by + 1] += my;
    };
    const { start, end } = line, down = state.turn === "TB";
    const gate = (p, kind) => p.inside?.parts.find((q) => q.name === `${kind}${line.source}`) ?? p;
    const side = (p, inside, sign) => (down ? [inside.x, p.y + sign * p.h / 2] : [p.x + sign * p.w / 2, inside.y]);
    if (start.kind !== "i") move(0, 2, ...side(start, gate(start, "o"), 1));
    if (end.kind !== "o") move(n - 2, n - 4, ...side(end, gate(end, "i"), -1));
    const text = (list) => list.map((q) => q.toFixed(1)).join(" ");
    let path = `M${text(points.slice(0, 2))}`;
    if (start.kind === "i") path = `M${text(side(frame, start, -1))}L${text(points.slice(0, 2))}`;
    for (let i = 2; i < n; i += 6) path += `C${text(points.slice(i, i + 6))}`;
    if (end.kind === "o") path += `L${text(side(frame, end, 1))}`;
    into.edges.push({ path, label: down ? [points[0] + 8, points[1] + 13] : [points[0] + 6, points[1] - 6], told: end.kind === "n" ? broadcastText(end.id, line.source) : "", source: line.source, targets: line.targets, arrow: end.kind === "n" || (end.kind === "b" && !end.inside) });
  }
}

// What an input was broadcast to, as text; that a number was repeated is no news.
function broadcastText(id, source) {
  const v = values.get(id), to = v.broadcast[v.inputs.indexOf(source)], x = values.get(source);
  return !to || (x.kind === "data" && !arrayOf(x.value).shape.length) ? "" : `→ ${shapeText(to)}`;
}

function layOut() {
  const all = arrange(0);
  scene = { items: [], boxes: [], edges: [], w: all.w, h: all.h };
  flatten(all, -all.left, -all.top, scene, null);
  graph.replaceChildren();
  drawn.nodes.clear(); drawn.edges = [];
  const defs = make("defs");
  const marker = make("marker", { id: "tip", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 8, markerHeight: 8, markerUnits: "userSpaceOnUse", orient: "auto" });
  marker.append(make("path", { d: "M0 0L8 4L0 8z", class: "tip" }));
  defs.append(marker);
  const world = make("g", { id: "world" });
  graph.append(defs, world);
  for (const box of scene.boxes) world.append(openBox(box));
  for (const edge of scene.edges) {
    edge.shape = make("path", { class: "edge", d: edge.path, "data-source": edge.source, "data-targets": edge.targets.join(" ") });
    if (edge.arrow) edge.shape.setAttribute("marker-end", "url(#tip)");
    world.append(edge.shape);
    if (edge.told) world.append(make("path", { class: "between", d: edge.path }), make("text", { class: "told", x: edge.label[0], y: edge.label[1] }, edge.told));
    if (edge.told) edge.shape.classList.add("broadcast");
    drawn.edges.push(edge);
  }
  for (const item of scene.items) world.append(item.kind === "n" ? nodeShape(item) : foldedBox(item));
  moveView();
}

function openBox(p) {
  const box = make("g", { class: "box", "data-box": p.id });
  const x = p.x - p.w / 2, y = p.y - p.h / 2;
  box.append(make("rect", { class: "frame", x, y, width: p.w, height: p.h, rx: 8 }));
  box.append(make("rect", { class: "bar", x, y, width: p.w, height: 22, rx: 8 }));
  box.append(make("text", { class: "sign", x: x + 8, y: y + 15, "font-size": 13 }, "−"));
  box.append(make("text", { class: "title", x: x + 20, y: y + 15 }, trace.boxes[p.id].title));
  for (const part of box.querySelectorAll(".bar, .sign, .title")) part.addEventListener("click", (e) => { if (!stage.moved) { e.stopPropagation(); fold(p.id, false); } });
  return box;
}

function nodeShape(p) {
  const v = values.get(p.id);
  const shape = make("g", { class: `node ${v.kind}${v.anomaly ? " anomaly" : ""}`, "data-id": v.id, tabindex: 0, role: "button", "aria-label": `${v.title} ${shapeText(arrayOf(v.value).shape)}` });
  const x = p.x - p.w / 2, y = p.y - p.h / 2;
  shape.append(make("rect", { class: "body", x, y, width: p.w, height: p.h, rx: 6 }));
  heading(shape, v, v.title, x, y, p.w);
  finishNode(shape, v, x, y + 22, p.w);
  return shape;
}

function heading(shape, v, title, x, y, w) {
  shape.append(make("text", { class: "title", x: x + 8, y: y + 15 }, title));
  shape.append(make("text", { class: "shape", x: x + w - 8, y: y + 15, "text-anchor": "end" }, `${v.op && !v.name ? `${v.label} ` : ""}${brief(v)}`));
}

const brief = (v) => shapeText(arrayOf(v.value).shape).replaceAll(" ", "");

function everythingIn(number) {
  const box = trace.boxes[number];
  return [...box.nodes, ...box.inner.flatMap(everythingIn)];
}

function foldedBox(p) {
  const box = trace.boxes[p.id], v = values.get(box.output);
  const shape = make("g", { class: `node folded op${everythingIn(p.id).some((n) => values.get(n).anomaly) ? " anomaly" : ""}`, "data-id": v.id, "data-box": p.id, tabindex: 0, role: "button", "aria-label": `${box.title}, folded` });
  const x = p.x - p.w / 2, y = p.y - p.h / 2;
  shape.append(make("rect", { class: "back", x: x + 4, y: y + 4, width: p.w - 4, height: p.h - 4, rx: 8 }));
  shape.append(make("rect", { class: "body", x, y, width: p.w - 4, height: p.h - 4, rx: 8 }));
  const sign = make("text", { class: "sign title", x: x + 8, y: y + 15 }, `+ ${box.title}`);
  const bar = make("rect", { x, y, width: p.w - 4, height: 20, fill: "transparent" });
  shape.append(sign, bar);
  bar.addEventListener("click", (e) => { if (!stage.moved) { e.stopPropagation(); fold(p.id, true); } });
  shape.append(make("text", { class: "shape", x: x + 8, y: y + 31 }, v.title));
  shape.append(make("text", { class: "shape", x: x + p.w - 12, y: y + 31, "text-anchor": "end" }, brief(v)));
  finishNode(shape, v, x, y + 38, p.w - 4);
  return shape;
}

function finishNode(shape, v, x, y, w) {
  const [width, height] = v.panel.size, both = v.gradient !== null;
  const column = both && !v.stacked ? Math.max(width, 46) : width;
  const used = both && !v.stacked ? 2 * column + 8 : width;
  const left = x + (w - used) / 2;
  const slots = { value: [left, y + 12] };
  if (both) slots.gradient = v.stacked ? [left, y + 12 + height + 12] : [left + column + 8, y + 12];
  for (const [what, [px, py]] of Object.entries(slots)) {
    shape.append(make("text", { class: `caption ${what === "gradient" ? "slope" : ""}`, x: px, y: py - 3 }, what));
    shape.append(make("g", { class: what, "data-x": px, "data-y": py }));
  }
  shape.addEventListener("click", (e) => { if (!stage.moved) clickNode(v, e); });
  shape.addEventListener("keydown", (e) => { if (e.key === "Enter") { e.preventDefault(); select(v.id); } });
  const list = drawn.nodes.get(v.id) ?? [];
  list.push(shape);
  drawn.nodes.set(v.id, list);
}

// A click on a cell of the diagram chooses that element, elsewhere the node.
function clickNode(v, event) {
  for (const what of ["value", "gradient"]) {
    const group = event.currentTarget.querySelector(`g.${what}`);
    if (!group || !group.childNodes.length) continue;
    const box = graph.getBoundingClientRect();
    const x = (event.clientX - box.left) / view.scale - view.x - group.dataset.x;
    const y = (event.clientY - box.top) / view.scale - view.y - group.dataset.y;
    const index = elementAt(v.panel, arrayOf(v[what]).size, x, y);
    if (index !== null) { select(v.id, { what, index }); return; }
  }
  select(v.id);
}

function cellOf(panel, index) { // -> x, y of a cell; null if it is not shown
  const per = panel.rows * panel.columns, map = Math.floor(index / per), rest = index % per;
  if (map >= panel.maps) return null;
  const gap = panel.maps > 1 ? 2 : 0;
  return [
    (map % panel.across) * (panel.columns * panel.cw + gap) + (rest % panel.columns) * panel.cw,
    Math.floor(map / panel.across) * (panel.rows * panel.ch + gap) + Math.floor(rest / panel.columns) * panel.ch,
  ];
}
function elementAt(panel, size, x, y) {
  const gap = panel.maps > 1 ? 2 : 0, wide = panel.columns * panel.cw + gap, high = panel.rows * panel.ch + gap;
  const across = Math.floor(x / wide), down = Math.floor(y / high);
  if (x < 0 || y < 0 || across < 0 || across >= Math.min(panel.maps, panel.across)) return null;
  const column = Math.floor((x - across * wide) / panel.cw), row = Math.floor((y - down * high) / panel.ch);
  const map = down * panel.across + across;
  if (column >= panel.columns || row >= panel.rows || map >= panel.maps) return null;
  const index = (map * panel.rows + row) * panel.columns + column;
  return index < size ? index : null;
}

// --- colours: values from black to white, gradients from blue over white to red (as in pictures)

const RED_BLUE = [[-1, 5, 48, 97], [-0.5, 67, 147, 195], [0, 247, 247, 247], [0.5, 214, 96, 77], [1, 103, 0, 31]];
function colourOf(array, what) {
  const [low, high] = array.stats;
  if (what === "value") {
    return (x) => { if (!Number.isFinite(x)) return "rgb(255,0,255)"; const level = Math.round(high > low ? 255 * (x - low) / (high - low) : 255 * (x !== 0)); return `rgb(${level},${level},${level})`; };
  }
  const most = Math.max(Math.abs(low ?? 0), Math.abs(high ?? 0)) || 1;
  return (x) => {
    if (!Number.isFinite(x)) return "rgb(255,0,255)";
    const level = x / most, i = Math.min(3, Math.max(0, Math.floor((level + 1) * 2)));
    const a = RED_BLUE[i], b = RED_BLUE[i + 1], part = (level - a[0]) / (b[0] - a[0]);
    return `rgb(${[1, 2, 3].map((c) => Math.round(a[c] + part * (b[c] - a[c]))).join(",")})`;
  };
}
function paint(canvas, panel, array, what, scale) {
  canvas.width = Math.max(1, Math.ceil(panel.size[0] * scale)); canvas.height = Math.max(1, Math.ceil(panel.size[1] * scale));
  const pen = canvas.getContext("2d"), colour = colourOf(array, what);
  pen.clearRect(0, 0, canvas.width, canvas.height);
  if (!array.numbers) return;
  const shown = Math.min(array.size, panel.maps * panel.rows * panel.columns);
  for (let i = 0; i < shown; i++) {
    const [x, y] = cellOf(panel, i);
    pen.fillStyle = colour(array.numbers[i]);
    pen.fillRect(Math.floor(x * scale), Math.floor(y * scale), Math.ceil(panel.cw * scale), Math.ceil(panel.ch * scale));
  }
}
const painted = new Map();
function image(panel, i, what) {
  const key = `${i}/${what}/${panel.cw}`;
  if (!painted.has(key)) {
    const canvas = document.createElement("canvas");
    paint(canvas, panel, arrayOf(i), what, panel.cw < 2 ? 4 : 2);
    painted.set(key, canvas.toDataURL());
  }
  return painted.get(key);
}

// One array in its place in a node: numbers, or a picture of them.
function fill(group, panel, i, what, marks) {
  const key = `${i}/${marks ? [...marks].slice(0, 3000).join(",") : ""}`;
  if (group.dataset.shown === key) return;
  group.dataset.shown = key;
  group.replaceChildren();
  const x = Number(group.dataset.x), y = Number(group.dataset.y), [width, height] = panel.size;
  if (i === null) { group.append(make("rect", { class: "empty", x, y, width, height })); return; }
  const array = arrayOf(i);
  if (!array.size) { group.append(make("text", { class: "number", x, y: y + 10 }, "empty")); return; }
  if (panel.kind === "numbers") {
    for (let j = 0; j < array.size; j++) {
      const [cx, cy] = cellOf(panel, j);
      group.append(make("rect", { class: "cell", x: x + cx, y: y + cy, width: panel.cw, height: panel.ch }));
      group.append(make("text", { class: `number ${what === "gradient" ? "slope" : ""}`, x: x + cx + panel.cw - 3, y: y + cy + 12, "text-anchor": "end" }, short(array.numbers[j])));
    }
  } else {
    group.append(make("rect", { class: "cell", x: x - 0.5, y: y - 0.5, width: width + 1, height: height + 1 }));
    group.append(make("image", { x, y, width, height, href: image(panel, i, what), preserveAspectRatio: "none", style: "image-rendering: pixelated" }));
  }
  if (!marks) return;
  for (const j of marks) {
    const at = cellOf(panel, j);
    if (!at) continue;
    group.append(make("rect", { class: "mark", x: x + at[0], y: y + at[1], width: panel.cw, height: panel.ch, fill: "var(--mark)", "fill-opacity": panel.kind === "numbers" ? 0.28 : 0.4, stroke: "var(--mark)", "stroke-width": panel.cw > 4 ? 1 : 0.3 }));
  }
}

// --- what the step and the choice change

function show() {
  const { step } = state, now = step && !state.poster ? trace.steps[step - 1] : null;
  for (const [id, shapes] of drawn.nodes) {
    const v = values.get(id), made = isMade(id, step), marks = marksOf(id);
    for (const shape of shapes) {
      const at = shape.dataset.box ? insideBox(Number(shape.dataset.box), now) : now?.node === id;
      shape.classList.toggle("pending", !made);
      shape.classList.toggle("forward", at && now.phase === "forward");
      shape.classList.toggle("backward", at && now.phase === "backward");
      shape.classList.toggle("given", now?.phase === "backward" && now.parts.some((p) => p.input === id && p.contribution !== null) && !shape.dataset.box);
      shape.classList.toggle("chosen", state.selected === id);
      shape.classList.toggle("hit", state.hits.has(id));
      fill(shape.querySelector("g.value"), v.panel, made ? v.value : null, "value", marks);
      const gradient = shape.querySelector("g.gradient");
      if (gradient) fill(gradient, v.panel, gradientAt(id, step), "gradient", state.element?.what === "gradient" && id === state.selected ? marks : null);
    }
  }
  for (const edge of drawn.edges) {
    const used = now && edge.targets.includes(now.node) && trace.values[now.node - 1].inputs.includes(edge.source);
    const needed = used && (now.phase === "forward" || now.parts.some((p) => p.input === edge.source && p.contribution !== null));
    edge.shape.classList.toggle("forward", Boolean(needed && now.phase === "forward"));
    edge.shape.classList.toggle("backward", Boolean(needed && now.phase === "backward"));
  }
}
function marksOf(id) {
  if (!state.followed) return null;
  const found = new Set([...(state.followed.used.get(id) ?? []), ...(state.followed.fed.get(id) ?? [])]);
  return found.size ? found : null;
}
function insideBox(number, step) {
  for (let at = step ? homeOf(step.node) : 0; at; at = trace.boxes[at].outer) if (at === number) return true;
  return false;
}
