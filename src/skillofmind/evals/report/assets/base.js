"use strict";
// Everything from the data is set as text: `el` makes nodes, and no markup is ever parsed.

/** Return the element with an id. */
const $ = (id) => document.getElementById(id);

// Control characters and direction overrides could show words in another order than they are stored in.
const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g;

/** Spell out characters that cannot be seen or that change the order of others. */
const plain = (text) => String(text).replace(UNSAFE, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** Make an element: properties (`class`, `on`, `at`: CSS values, `text`) or attributes, then children. */
function el(tag, props, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") for (const [event, act] of Object.entries(value)) node.addEventListener(event, act);
    else if (name === "at") for (const [key, to] of Object.entries(value)) node.style.setProperty(key, to);
    else if (name === "text") node.textContent = plain(value);
    else if (name === "title") node.title = plain(value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  add(node, children);
  return node;
}

/** Append nodes and texts, flattened; nothing for `null`, `undefined` and "". */
function add(node, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === "" || child === false) continue;
    node.append(child instanceof Node ? child : plain(child));
  }
}

/** Make an SVG element. */
function svg(tag, attributes, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes || {})) node.setAttribute(name, value);
  add(node, children);
  return node;
}

/** A number as it stands in a table: fractions with three digits behind the point. */
function number(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value !== "number") return String(value);
  if (Number.isInteger(value)) return count(value);
  if (Math.abs(value) < 0.001) return value.toPrecision(2);
  return Math.abs(value) >= 1000 ? count(Math.round(value)) : value.toFixed(3);
}

/** An estimate's value; always with its digits, so that columns line up. */
const fixed = (value) => (value === null || value === undefined ? "–" : minus(Math.abs(value) >= 100 ? count(Math.round(value)) : value.toFixed(3)));

/** A number with the sign that is as wide as a plus. */
const minus = (text) => text.replace(/^-/, "−");

/** A difference: always with its sign. */
const signed = (value) => (isNumber(value) ? `${value > 0 ? "+" : ""}${fixed(value)}` : "–");

const isNumber = (value) => typeof value === "number";

/** A whole number with separators. */
const count = (value) => value.toLocaleString("en");

/** A share as a percentage. */
const percent = (value) => `${Math.round(100 * value)} %`;

/** A number of things, in words. */
const many = (value, one, more = `${one}s`) => `${count(value)} ${value === 1 ? one : more}`;

/** `value [low, high]`. */
function interval(one) {
  if (!one || one.value === undefined || one.value === null) return "–";
  const open = one.low === undefined || one.low === null;
  return open ? fixed(one.value) : `${fixed(one.value)} [${fixed(one.low)}, ${fixed(one.high)}]`;
}

/** Which way a measure improves, as an arrow; a missing field means "higher". */
const arrow = (one) => ({ higher: " ↑", lower: " ↓", "": "" })[one.better ?? "higher"];

/** The ends of Wilson's 95 % interval of a share. */
function wilson(right, all) {
  const z = 1.96, share = right / all, below = 1 + (z * z) / all;
  const middle = (share + (z * z) / (2 * all)) / below;
  const half = (z / below) * Math.sqrt((share * (1 - share)) / all + (z * z) / (4 * all * all));
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}

/** A task with its arm behind it. */
const place = (task, arm) => (arm ? `${task} · ${arm}` : task);

/** The name of a skill in words; "" is a plan that names none. */
const skillName = (name) => (name === "" ? "(no skill)" : name);

/** A mark with the colour and shape of a run. */
const dot = (run) => el("span", { class: `dot r${run % 6}`, "aria-hidden": "true" });

/** A run's name behind its mark. */
const runName = (run) => el("span", { class: "run-name" }, dot(run), el("bdi", { text: store.head.runs[run].name }));

/** Draw a part again and put the keyboard's focus back on the choice of the same name. */
function redraw(part, nodes) {
  const at = part.contains(document.activeElement) ? document.activeElement.name : "";
  part.replaceChildren();
  add(part, nodes);
  if (at) part.querySelector(`[name="${CSS.escape(at)}"]`)?.focus();
}
