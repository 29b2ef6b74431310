// --- what is chosen, and the panel that tells of it

const last = trace.steps.length;
const state = { step: 0, selected: null, element: null, followed: null, open: new Set(trace.open), turn: "TB", poster: true, hits: new Set(), timer: null };
const panel = byId("panel");

function tag(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== false && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

// --- choosing

function select(id, chosen = null) {
  state.selected = id;
  state.element = id === null ? null : chosen;
  state.followed = state.element ? follow(id, [chosen.index]) : null;
  show(); describe();
}
function go(step, { keep = false } = {}) {
  state.step = Math.min(last, Math.max(0, Math.round(step)));
  state.poster = false;
  if (!keep) { state.selected = null; state.element = null; state.followed = null; }
  byId("slider").value = state.step;
  const now = state.step ? trace.steps[state.step - 1] : null;
  const text = now ? `step ${state.step} of ${last}: ${now.phase} ${values.get(now.node).title}` : `start, ${last} steps`;
  byId("where").textContent = text;
  byId("slider").setAttribute("aria-valuetext", text);
  show(); describe();
  if (now) bringIntoView(now.node);
}

// --- the panel

function describe() {
  const now = state.step && !state.poster ? trace.steps[state.step - 1] : null;
  const id = state.selected ?? now?.node ?? null;
  panel.replaceChildren();
  if (id === null) { panel.append(...opening()); return; }
  const v = values.get(id), out = arrayOf(v.value);
  panel.append(tag("h2", {}, v.title));
  const kind = v.op ? `${v.op}${v.settings ? ` (${v.settings})` : ""}` : v.kind;
  panel.append(tag("p", { class: "quiet" }, `#${v.id} · ${kind} · shape ${shapeText(out.shape)} · ${out.dtype}`));
  if (v.anomaly) panel.append(tag("p", { class: "alarm" }, v.anomaly));
  if (v.source) panel.append(tag("p", { class: "quiet source" }, `${v.source.file.split("/").pop()}:${v.source.line} `, tag("code", {}, v.source.text)));
  const at = now && now.node === id && !state.element ? state.step : null;
  const forward = madeAt.get(id), backward = sweptAt.get(id);
  const swept = backward && state.step >= backward ? backwardLine(v, trace.steps[backward - 1]) : null;
  if (swept && at === backward) { panel.append(swept, arrays(v)); return; }
  if (forward) panel.append(forwardLine(v, forward));
  panel.append(arrays(v));
  if (state.element) panel.append(...elementStory(v));
  if (swept && at === null) panel.append(swept);
}

function opening() {
  const leaves = trace.values.filter((v) => !v.op);
  const ops = trace.values.length - leaves.length;
  return [
    tag("h2", {}, trace.title),
    tag("p", {}, `${trace.values.length} values, ${ops} of them computed; ${last} steps.`),
    ...trace.values.filter((v) => v.anomaly).map((v) => tag("p", { class: "alarm" }, `nan or infinity begins at `, tag("button", { class: "link", onclick: () => select(v.id) }, v.title), `: ${v.anomaly}`)),
    tag("p", { class: "quiet" }, "First the values fill in, from the inputs to the result. Then the gradients flow back: each step takes what arrived at a node, applies the rule of its op, and adds what comes out to the sum at each input."),
    tag("p", { class: "quiet" }, "Space plays, ← and → step, Home and End jump, F fits, / searches. Click a node, then an element: what it depends on lights up, back to the inputs, and what it feeds. Click an element of a gradient to see the products that it is the sum of."),
    tag("p", {}, tag("button", { onclick: () => play(true) }, "▶︎ play")),
  ];
}

const labelOf = (id) => values.get(id).label;

function forwardLine(v, number) {
  const step = trace.steps[number - 1];
  const box = tag("div", { class: "now-line" }, tag("p", { class: "quiet" }, `step ${number}, forward`), tag("pre", { class: "formula" }, `${v.label} = ${step.formula}`));
  v.inputs.forEach((x, slot) => {
    if (v.broadcast[slot] && v.inputs.indexOf(x) === slot) box.append(tag("p", { class: "quiet" }, `${labelOf(x)} is broadcast: ${shapeText(arrayOf(values.get(x).value).shape)} → ${shapeText(v.broadcast[slot])}`));
  });
  const index = state.element?.index ?? 0;
  const text = inNumbers(v, index);
  if (text) box.append(tag("pre", { class: "numbers" }, text));
  return box;
}

// The formula of one element with the numbers in it.
function inNumbers(v, j) {
  const out = arrayOf(v.value);
  if (!out.numbers || j >= out.size) return "";
  const left = element(v.id, j), result = number(out.numbers[j]);
  if (patternOf(v.id, 0).kind === "broadcast") {
    const each = v.inputs.map((x, slot) => valueOf(x, columnsOf(v.id, slot, j)[0]));
    if (each.includes(null)) return "";
    const text = v.template.replace(/\{(\d+)\}/g, (_, slot) => bracketed(each[slot], v.template));
    return `${left} = ${text}\n${" ".repeat(left.length)} = ${result}`;
  }
  const slot = v.inputs.findIndex((_, s) => patternOf(v.id, s).other !== undefined);
  if (slot >= 0) return inProducts(v, slot, j, left, result);
  const s = v.inputs.findIndex((_, k) => patternOf(v.id, k).kind === "rows" && columnsOf(v.id, k, j).length);
  if (s < 0) return "";
  const from = columnsOf(v.id, s, j), name = labelOf(v.inputs[s]);
  const shown = from.slice(0, 8).map((i) => number(valueOf(v.inputs[s], i))).join(", ");
  return `${left} from ${from.length} element${from.length === 1 ? "" : "s"} of ${name}: ${shown}${from.length > 8 ? ", …" : ""}\n${" ".repeat(left.length)} = ${result}`;
}
const bracketed = (x, template) => (x < 0 && /[-+*/@%]/.test(template) ? `(${number(x)})` : number(x));
function inProducts(v, slot, j, left, result) {
  const terms = columnsOf(v.id, slot, j).map((i) => {
    const { factor } = factorOf(v.id, slot, j, i);
    return `${bracketed(valueOf(v.inputs[slot], i), "*")}·${bracketed(factor, "*")}`;
  });
  v.inputs.forEach((x, s) => { // what is added as it is: a bias
    if (s !== slot && patternOf(v.id, s).constant === 1) for (const i of columnsOf(v.id, s, j)) terms.push(bracketed(valueOf(x, i), "+"));
  });
  const most = 12, more = terms.length > most ? ` + … (${terms.length - most + 1} more) + ${terms.at(-1)}` : "";
  return `${left} = ${(more ? terms.slice(0, most - 1) : terms).join(" + ")}${more}\n${" ".repeat(left.length)} = ${result}`;
}

function backwardLine(v, step) {
  const number = sweptAt.get(v.id);
  const box = tag("div", { class: "now-line backward" }, tag("p", { class: "quiet" }, `step ${number}, backward: g is what arrived at ${v.label}, z its value${letters(v)}`));
  step.parts.forEach((part, slot) => {
    const name = labelOf(part.input);
    if (part.contribution === null) { box.append(tag("p", { class: "quiet" }, `${name}: ${part.words}`)); return; }
    box.append(tag("h3", {}, `${name} is given`));
    const rule = tag("pre", { class: "rule" }, part.formula), words = tag("p", { class: "quiet" }, part.words);
    if (part.formula.includes("\n")) box.append(words, tag("details", {}, tag("summary", {}, "the rule's source"), rule));
    else box.append(rule, words);
    const text = ruleInNumbers(v, step, slot);
    if (text) box.append(tag("pre", { class: "numbers" }, text));
    const many = sums.get(part.input).length > 1;
    const size = arrayOf(part.contribution).size;
    const told = size === 1 ? `gives ${number_(part.contribution)}` : `gives ${summary(part.contribution)}`;
    box.append(tag("p", { class: "quiet slope" }, many ? `${told}; the sum at ${name} is now ${summary(part.sum)}` : told));
  });
  return box;
}
const number_ = (i) => { const a = arrayOf(i); return a.numbers ? number(a.numbers[0]) : number(a.stats[0]); };
function summary(i) {
  const a = arrayOf(i);
  if (a.size === 1) return number_(i);
  return a.size && a.stats[0] === null ? "nothing finite" : `${number(a.stats[0])} to ${number(a.stats[1])}`;
}
function letters(v) {
  const part = trace.steps[sweptAt.get(v.id) - 1].parts.find((p) => p.letters && p.letters.length);
  if (!part) return "";
  return part.letters.slice(part.letters[0] === "g" ? 2 : 1).slice(0, v.inputs.length).map((letter, slot) => `, ${letter} is ${labelOf(v.inputs[slot])}`).join("");
}
// An elementwise rule with the numbers of one element in it.
function ruleInNumbers(v, step, slot) {
  const { formula, letters: names } = step.parts[slot];
  if (patternOf(v.id, slot).kind !== "broadcast" || !names || formula.includes("\n")) return "";
  const chosen = state.element;
  const j = chosen && chosen.index < arrayOf(v.value).size ? chosen.index : 0;
  const g = arrayOf(step.cotangent);
  if (!g.numbers || !g.size) return "";
  const known = { g: g.numbers[j] };
  const list = names[0] === "g" ? names.slice(1) : names;
  list.forEach((letter, k) => { known[letter] = k === 0 ? valueOf(v.id, j) : v.inputs[k - 1] === undefined ? undefined : valueOf(v.inputs[k - 1], columnsOf(v.id, k - 1, j)[0]); });
  const text = formula.replace(/(?<![\w.])[A-Za-z_]\w*(?![\w.(])/g, (word) => (known[word] === undefined ? word : bracketed(known[word], "*")));
  const { factor } = factorOf(v.id, slot, j, columnsOf(v.id, slot, j)[0]);
  const result = factor === null ? "" : ` = ${number(known.g * factor)}`;
  return `at ${element(v.id, j)}: ${text}${text.trim() === number(known.g * factor) ? "" : result}`;
}

// --- arrays: number grids, heat maps, strips of feature maps; value and gradient side by side

function arrays(v) {
  const pair = tag("div", { class: "pair" });
  const made = isMade(v.id, state.step), gradient = gradientAt(v.id, state.step);
  pair.append(arrayBox(v, "value", made ? v.value : null, made ? "" : "not computed yet"));
  if (v.gradient !== null) {
    const steps = sums.get(v.id).filter(([step]) => step <= state.step).length;
    const note = sums.get(v.id).length > 1 && steps ? ` (the sum of ${steps} of ${sums.get(v.id).length})` : "";
    pair.append(arrayBox(v, "gradient", gradient, gradient === null ? "nothing has arrived yet" : "", note));
  }
  return pair;
}

function arrayBox(v, what, i, absent, note = "") {
  const narrow = i !== null && isGrid(arrayOf(i)) && (arrayOf(i).shape.at(-1) ?? 1) <= 3;
  const box = tag("div", { class: "array", "data-what": what, "data-narrow": narrow && "" }, tag("h3", { class: what === "gradient" ? "slope" : "" }, what + note));
  if (i === null) { box.append(tag("p", { class: "quiet" }, absent)); return box; }
  const a = arrayOf(i);
  if (!a.numbers) box.append(tag("p", { class: "quiet" }, "too large for this page: only its statistics are kept"));
  else if (!a.size) box.append(tag("p", { class: "quiet" }, "empty"));
  else box.append(tag("div", { class: "scroll" }, isGrid(a) ? gridOf(v, what, a) : heatOf(v, what, a, i)));
  const [low, high, mean, norm, odd] = a.stats;
  if (a.size > 1 && low === null) box.append(tag("p", { class: "quiet stats" }, `${odd} not finite`));
  else if (a.size > 1) box.append(tag("p", { class: "quiet stats" }, `min ${number(low)}  max ${number(high)}  mean ${number(mean)}  norm ${number(norm)}${odd ? `  ${odd} not finite` : ""}`));
  if (a.numbers && a.size && !isGrid(a)) box.append(tag("p", { class: "readout mono kept" }));
  return box;
}
const isGrid = (a) => a.shape.length <= 2 && a.size <= 96 && (a.shape.at(-1) ?? 1) <= 12;

function gridOf(v, what, a) {
  const columns = a.shape.length ? a.shape.at(-1) : 1, marks = marksOf(v.id);
  const table = tag("table", { class: "grid" });
  for (let i = 0; i < a.size; i += columns) {
    const row = tag("tr");
    for (let j = i; j < i + columns; j++) {
      const chosen = state.selected === v.id && state.element?.index === j && state.element.what === what;
      const used = what === "value" && marks?.has(j);
      row.append(tag("td", {
        class: `${chosen ? "chosen" : ""} ${used ? "used" : ""}`.trim() || undefined, "data-index": j, tabindex: -1, title: `${element(v.id, j)} = ${a.numbers[j]}`,
        onclick: () => select(v.id, { what, index: j }),
      }, number(a.numbers[j])));
    }
    table.append(row);
  }
  return table;
}

function bigPanel(a) {
  const shape = a.shape.length < 2 ? [1, a.size] : a.shape;
  let [rows, columns] = shape.slice(-2);
  if (a.shape.length < 2 && columns > 32) { rows = Math.ceil(columns / 32); columns = 32; }
  const maps = Math.max(1, Math.round(a.size / (a.shape.length < 2 ? a.size : rows * columns)));
  const room = Math.max(180, Math.min(480, panel.clientWidth - 40));
  const across = maps === 1 ? 1 : Math.min(maps, columns <= 4 ? 16 : columns <= 10 ? 8 : 4);
  const cell = Math.max(maps === 1 && columns > 200 ? 0.5 : 1, Math.min(18, Math.floor((room / across - 2) / columns) || 1, Math.floor(480 / rows) || 1));
  const shown = Math.min(maps, 256);
  const gap = shown > 1 ? 2 : 0, down = Math.ceil(shown / across);
  return { kind: "heat", rows, columns, cw: cell, ch: cell, maps: shown, across, all: maps, size: [Math.min(shown, across) * (columns * cell + gap) - gap, down * (rows * cell + gap) - gap] };
}
function heatOf(v, what, a) {
  const shape = bigPanel(a), canvas = tag("canvas", { "data-what": what });
  const scale = Math.min(2, window.devicePixelRatio || 1);
  paint(canvas, shape, a, what, scale);
  canvas.style.width = `${shape.size[0]}px`; canvas.style.height = `${shape.size[1]}px`;
  const pen = canvas.getContext("2d"), marks = marksOf(v.id), colour = getComputedStyle(document.documentElement).getPropertyValue("--mark");
  const outline = (index, width, alpha) => {
    const at = cellOf(shape, index);
    if (!at) return;
    pen.globalAlpha = alpha; pen.fillStyle = colour; pen.strokeStyle = colour; pen.lineWidth = width * scale;
    if (alpha < 1) pen.fillRect(at[0] * scale, at[1] * scale, shape.cw * scale, shape.ch * scale);
    else pen.strokeRect(at[0] * scale, at[1] * scale, shape.cw * scale, shape.ch * scale);
    pen.globalAlpha = 1;
  };
  if (marks && what === "value") for (const index of marks) outline(index, 1, 0.5);
  if (state.selected === v.id && state.element?.what === what) outline(state.element.index, 2, 1);
  const at = (e) => elementAt(shape, a.size, e.offsetX, e.offsetY);
  canvas.addEventListener("pointermove", (e) => {
    const index = at(e);
    canvas.closest(".array").querySelector(".readout").textContent = index === null ? "" : `${element(v.id, index)} = ${number(a.numbers[index])}`;
  });
  canvas.addEventListener("click", (e) => { const index = at(e); if (index !== null) select(v.id, { what, index }); });
  if (shape.all > shape.maps) return tag("div", {}, canvas, tag("p", { class: "quiet" }, `the first ${shape.maps} of ${shape.all} maps`));
  return canvas;
}

// --- one element: what it depends on, what it feeds, what its gradient is the sum of

function elementStory(v) {
  const { what, index } = state.element, told = [];
  const a = arrayOf(v[what]);
  told.push(tag("h3", {}, `${what === "gradient" ? "gradient of " : ""}${element(v.id, index)} = ${a.numbers ? number(a.numbers[index]) : "?"}`));
  if (what === "gradient") told.push(...productStory(v, index));
  told.push(tag("p", { class: "quiet" }, "depends on"), reachTable(v, state.followed.used), tag("p", { class: "quiet" }, "feeds"), reachTable(v, state.followed.fed));
  if (!state.followed.whole) told.push(tag("p", { class: "quiet" }, "Some nodes are too large to follow; what lies beyond them is not lit."));
  told.push(tag("p", {}, tag("button", { onclick: () => select(v.id) }, "let go")));
  return told;
}
function reachTable(v, found) {
  const table = tag("table", { class: "terms reach" });
  const ids = [...found.keys()].filter((id) => id !== v.id).sort((a, b) => a - b);
  for (const id of ids) {
    const size = arrayOf(values.get(id).value).size, set = found.get(id);
    const where = set.size === size && size > 1 ? "all" : extent(id, set);
    table.append(tag("tr", { "data-id": id }, tag("td", {}, nodeLink(id)), tag("td", { class: "number" }, `${set.size} of ${size}`), tag("td", {}, where)));
  }
  if (!ids.length) table.append(tag("tr", {}, tag("td", { class: "quiet" }, "nothing else")));
  return table;
}
// Where a set of elements lies: the ranges along each axis that enclose it.
function extent(id, set) {
  const { shape } = arrayOf(values.get(id).value);
  if (!shape.length) return "";
  const low = shape.map(() => Infinity), high = shape.map(() => -1);
  for (const index of set) place(shape, index).forEach((at, axis) => { low[axis] = Math.min(low[axis], at); high[axis] = Math.max(high[axis], at); });
  return `[${low.map((at, axis) => (at === high[axis] ? at : `${at}:${high[axis] + 1}`)).join(", ")}]`;
}
const nodeLink = (id) => tag("button", { class: "link mono", onclick: () => { unfoldTo(id); layOut(); select(id); bringIntoView(id); } }, values.get(id).op ? `${values.get(id).title}${values.get(id).name ? "" : ` #${id}`}` : values.get(id).label);

function productStory(v, index) {
  const { terms, whole } = contributions(v.id, index), most = 60;
  if (!terms.length) return [tag("p", { class: "quiet" }, users.get(v.id).length && whole ? "It feeds nothing that a gradient comes from." : "This is where backprop starts.")];
  const table = tag("table", { class: "terms products" });
  table.append(tag("tr", {}, tag("td", { class: "quiet" }, "through"), tag("td", { class: "quiet" }, "arrived there"), tag("td", { class: "quiet" }, "× slope"), tag("td", { class: "quiet number" }, "product")));
  let sum = 0, complete = whole;
  terms.forEach((term, i) => {
    const product = term.factor === null || term.g === null ? null : term.g * term.factor;
    if (product === null) complete = false; else sum += product;
    if (i >= most) return;
    const slope = term.factor === null ? "not listed" : term.text && term.text !== number(term.factor) ? `${number(term.factor)} = ${term.text}` : number(term.factor);
    table.append(tag("tr", { class: "product" }, tag("td", {}, `${element(term.user, term.j)}`), tag("td", {}, number(term.g)), tag("td", {}, slope), tag("td", { class: "number" }, product === null ? "?" : number(product))));
  });
  if (terms.length > most) table.append(tag("tr", {}, tag("td", { colspan: 4, class: "quiet" }, `… and ${terms.length - most} more`)));
  if (complete) table.append(tag("tr", { class: "sum" }, tag("td", { colspan: 3 }, `the sum of ${terms.length} product${terms.length === 1 ? "" : "s"}`), tag("td", { class: "number" }, number(sum))));
  return [tag("div", { class: "wide" }, table)];
}
