"use strict";
// What all pages share; a page's own script follows and says in GONE what it means when nobody answers.
// Everything from the data is set as text: `el` makes nodes, and no markup is ever parsed.
const token = new URLSearchParams(location.search).get("token") || "";
const $ = (id) => document.getElementById(id);
// Control characters and direction overrides could show words in another order than they are stored in.
const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g;
const plain = (text) => String(text).replace(UNSAFE, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);

function el(tag, props, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props || {})) {
    if (name === "on") for (const [event, act] of Object.entries(value)) node.addEventListener(event, act);
    else if (name === "class") node.className = value;
    else if (name === "textContent") node.textContent = plain(value);
    else if (name in node) node[name] = value;
    else node.setAttribute(name, value);
  }
  for (const child of children.flat()) if (child !== null && child !== undefined && child !== "") node.append(typeof child === "string" ? plain(child) : child);
  return node;
}

async function call(path, body) {
  const headers = { "X-Page-Token": token };
  if (body) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(path, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body) });
  } catch {
    throw new Error(GONE);
  }
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.error || `Status ${answer.status}`);
  return found;
}

let fading = 0;
function toast(text, fault) {
  const box = $("toast");
  box.textContent = text;
  box.className = fault ? "on fault" : "on";
  clearTimeout(fading);
  fading = setTimeout(() => { box.className = ""; }, fault ? 8000 : 1600);
}

let busy = false;
async function guarded(act) {
  if (busy) return;
  busy = true;
  try { await act(); } catch (error) { toast(error.message, true); } finally { busy = false; }
}

function button(text, key, act, kind) {
  return el("button", { type: "button", class: `act ${kind || ""}`, on: { click: act } }, text, key ? el("kbd", { textContent: key }) : null);
}
const submit = (text, key) => el("button", { type: "submit", class: "act main-act" }, text, el("kbd", { textContent: key }));

