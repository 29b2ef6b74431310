"use strict";
// --- what the trace holds: arrays, values, which element depends on which

const trace = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const values = new Map(trace.values.map((v) => [v.id, v]));
const KINDS = { f8: Float64Array, f4: Float32Array, i4: Int32Array, u4: Uint32Array, u1: Uint8Array };

function unpacked(text, kind) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new KINDS[kind](bytes.buffer);
}

// An array by its number: { shape, numbers, stats, dtype }; numbers is null where there was no room.
function arrayOf(i) {
  if (i === null || i === undefined) return null;
  const a = trace.arrays[i];
  if (a.numbers === undefined) {
    a.numbers = a.as ? unpacked(a.data, a.as) : null;
    a.size = a.shape.reduce((n, side) => n * side, 1);
    a.stats ??= statistics(a.numbers);
  }
  return a;
}

for (const step of trace.steps) for (const part of step.parts) Object.assign(part, trace.rules[part.rule]);

function statistics(numbers) {
  const finite = [...numbers].filter(Number.isFinite), odd = numbers.length - finite.length;
  if (!finite.length) return [null, null, null, null, odd];
  const mean = finite.reduce((sum, x) => sum + x, 0) / finite.length;
  return [Math.min(...finite), Math.max(...finite), mean, Math.hypot(...finite), odd];
}

const users = new Map(trace.values.map((v) => [v.id, []])); // who takes a value, and in which slot
for (const v of trace.values) v.inputs.forEach((x, slot) => users.get(x).push([v.id, slot]));

// What a gradient comes to over time: [step, array] pairs; and when a value is computed.
const madeAt = new Map();
const sums = new Map(trace.values.map((v) => [v.id, []]));
const sweptAt = new Map();
trace.steps.forEach((step, i) => {
  const number = i + 1;
  if (step.phase === "forward") { madeAt.set(step.node, number); return; }
  sweptAt.set(step.node, number);
  const known = sums.get(step.node);
  if (!known.length) known.push([number, step.cotangent]); // the seed
  for (const part of step.parts) if (part.sum !== null) sums.get(part.input).push([number, part.sum]);
});

const isMade = (id, step) => !madeAt.has(id) || madeAt.get(id) <= step;
function gradientAt(id, step) {
  let found = null;
  for (const [number, array] of sums.get(id)) if (number <= step) found = array;
  return found;
}

// --- numbers as text

function number(x) {
  if (x === null || x === undefined) return "";
  if (Number.isNaN(x)) return "nan";
  if (!Number.isFinite(x)) return x > 0 ? "inf" : "-inf";
  if (Number.isInteger(x) && Math.abs(x) < 1e6) return String(x === 0 ? 0 : x);
  const size = Math.abs(x);
  if (size >= 1e6 || size < 1e-4) return x.toExponential(2).replace("e+", "e").replace(/\.?0+e/, "e");
  return String(Number(x.toPrecision(4)));
}
function short(x) { // three digits, for a cell
  if (!Number.isFinite(x) || Number.isInteger(x)) return number(x);
  const size = Math.abs(x);
  if (size >= 1e5 || size < 1e-3) return x.toExponential(0).replace("e+", "e");
  const text = String(Number(x.toPrecision(3)));
  return text.length > 7 ? String(Number(x.toPrecision(2))) : text;
}
function place(shape, index) {
  const at = [];
  for (let axis = shape.length - 1; axis >= 0; axis--) { at.unshift(index % shape[axis]); index = Math.floor(index / shape[axis]); }
  return at;
}
const placeText = (shape, index) => (shape.length ? `[${place(shape, index).join(", ")}]` : "");
const shapeText = (shape) => `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;
const element = (id, index) => `${values.get(id).label}${placeText(arrayOf(values.get(id).value).shape, index)}`;
const valueOf = (id, index) => { const a = arrayOf(values.get(id).value); return a.numbers ? a.numbers[index] : null; };
const gradientOf = (id, index) => { const a = arrayOf(values.get(id).gradient); return a && a.numbers ? a.numbers[index] : null; };

// --- which element depends on which

const patternOf = (id, slot) => trace.patterns[trace.slots[id][slot]];
const prepared = new Map(); // by node and slot, what was worked out

function prepare(id, slot) {
  const key = `${id}/${slot}`;
  if (prepared.has(key)) return prepared.get(key);
  const pattern = patternOf(id, slot), v = values.get(id);
  const out = arrayOf(v.value), x = arrayOf(values.get(v.inputs[slot]).value);
  const made = { pattern, rows: out.size, columns: x.size };
  if (pattern.kind === "broadcast") made.map = broadcastMap(x.shape, out.shape, out.size);
  if (pattern.kind === "rows" && !pattern.whichOf) {
    pattern.templates = pattern.templates.map(expanded);
    if (pattern.other !== undefined) pattern.otherTemplates = pattern.otherTemplates.map(expanded);
    pattern.whichOf ??= unpacked(pattern.which, "i4");
    pattern.firstOf ??= unpacked(pattern.first, "i4");
    if (pattern.otherFirst !== undefined) pattern.otherOf ??= unpacked(pattern.otherFirst, "i4");
    if (!pattern.starts) {
      pattern.starts = new Int32Array(out.size + 1);
      for (let j = 0; j < out.size; j++) pattern.starts[j + 1] = pattern.starts[j] + pattern.templates[pattern.whichOf[j]].length;
    }
  }
  prepared.set(key, made);
  return made;
}
// Runs as the numbers that they stand for: [start, step, count, ...].
function expanded(runs) {
  const made = [];
  for (let i = 0; i < runs.length; i += 3) for (let n = 0; n < runs[i + 2]; n++) made.push(runs[i] + n * runs[i + 1]);
  return made;
}
// For each element of the result the element of the input that was broadcast to it.
function broadcastMap(from, to, size) {
  const map = new Int32Array(size), lead = to.length - from.length;
  const strides = []; let stride = 1;
  for (let axis = from.length - 1; axis >= 0; axis--) { strides[axis] = from[axis] === 1 ? 0 : stride; stride *= from[axis]; }
  for (let j = 0; j < size; j++) {
    let rest = j, at = 0;
    for (let axis = to.length - 1; axis >= 0; axis--) {
      const i = rest % to[axis]; rest = Math.floor(rest / to[axis]);
      if (axis >= lead) at += i * strides[axis - lead];
    }
    map[j] = at;
  }
  return map;
}
// The elements of an input that element j of the result depends on.
function columnsOf(id, slot, j) {
  const made = prepare(id, slot), { pattern } = made;
  if (pattern.kind === "broadcast") return [made.map[j]];
  if (pattern.kind !== "rows") return [];
  const first = pattern.firstOf[j];
  return pattern.templates[pattern.whichOf[j]].map((step) => first + step);
}
// The elements of the result that element i of an input feeds.
function rowsOf(id, slot, i) {
  const made = prepare(id, slot);
  if (made.pattern.kind === "unknown") return [];
  if (!made.reverse) {
    made.reverse = Array.from({ length: made.columns }, () => []);
    for (let j = 0; j < made.rows; j++) for (const c of columnsOf(id, slot, j)) made.reverse[c].push(j);
  }
  return made.reverse[i];
}
// The factor of an element: the local derivative, and what it is called where it is another element.
function factorOf(id, slot, j, i) {
  const { pattern } = prepare(id, slot), v = values.get(id);
  if (pattern.constant !== undefined) return { factor: pattern.constant, text: number(pattern.constant) };
  const at = columnsOf(id, slot, j).indexOf(i);
  if (pattern.other !== undefined) {
    const k = pattern.otherOf[j] + pattern.otherTemplates[pattern.whichOf[j]][at];
    return { factor: valueOf(v.inputs[pattern.other], k), text: element(v.inputs[pattern.other], k) };
  }
  if (pattern.factors === undefined) return { factor: null, text: "" };
  const a = arrayOf(pattern.factors);
  const factor = a.numbers ? a.numbers[pattern.kind === "broadcast" ? j : pattern.starts[j] + at] : null;
  return { factor, text: "" };
}
// Every element, of any node, that some elements depend on, and all that they feed.
function follow(id, indices) {
  const marked = new Map([[id, new Set(indices)]]);
  let whole = true;
  for (const v of [...trace.values].reverse()) { // from the newest to the oldest
    if (v.id > id || !marked.has(v.id)) continue;
    v.inputs.forEach((x, slot) => {
      if (patternOf(v.id, slot).kind === "unknown") { whole = false; return; }
      const into = marked.get(x) ?? new Set();
      for (const j of marked.get(v.id)) for (const i of columnsOf(v.id, slot, j)) into.add(i);
      if (into.size) marked.set(x, into);
    });
  }
  const fed = new Map([[id, new Set(indices)]]);
  for (const v of trace.values) {
    v.inputs.forEach((x, slot) => {
      if (v.id <= id || !fed.has(x)) return;
      if (patternOf(v.id, slot).kind === "unknown") { whole = false; return; }
      const into = fed.get(v.id) ?? new Set();
      for (const i of fed.get(x)) for (const j of rowsOf(v.id, slot, i)) into.add(j);
      if (into.size) fed.set(v.id, into);
    });
  }
  fed.delete(id);
  return { used: marked, fed, whole };
}
// The terms of one element of a gradient: cotangent times local derivative, over all that it feeds.
function contributions(id, i) {
  const terms = [];
  let whole = true;
  for (const [user, slot] of users.get(id)) {
    const step = trace.steps[(sweptAt.get(user) ?? 0) - 1];
    if (!step || step.parts[slot].contribution === null) continue;
    if (patternOf(user, slot).kind === "unknown") { whole = false; continue; }
    for (const j of rowsOf(user, slot, i)) {
      const { factor, text } = factorOf(user, slot, j, i);
      terms.push({ user, slot, j, g: gradientOf(user, j), factor, text });
    }
  }
  return { terms, whole };
}
