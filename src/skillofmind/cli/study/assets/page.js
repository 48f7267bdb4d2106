const GONE = "The study does not answer. What you sent before is kept; open your address again later.";
const SIDES = { left: "A", right: "B", same: "About the same" };
const THING = { reply: ["Reply", "reply"], explanation: ["Thought", "thought"] };
const state = { setup: null, page: null, choices: {}, remark: "", now: 0, view: "intro", looked: 0, since: 0 };

const pairs = () => state.setup.kind === "pairs";
const left = () => state.setup.done.filter((done) => !done).length;
const values = () => (pairs() ? ["left", ...(state.setup.ties ? ["same"] : []), "right"]
  : state.setup.scale.map((_, index) => index + 1));
const complete = () => state.setup.questions.every((one) => one.name in state.choices);

/* The time that the page is looked at: it stands still while the page is hidden. */

const clock = () => state.looked + (state.since ? performance.now() - state.since : 0);
function startClock() { state.looked = 0; state.since = document.hidden ? 0 : performance.now(); }
document.addEventListener("visibilitychange", () => {
  state.looked = clock();
  state.since = document.hidden ? 0 : performance.now();
});

/* What is chosen but not sent yet survives a reload. */

const draftKey = () => `${token.slice(0, 8)}:${state.page.place}`;
function keepDraft() {
  try { sessionStorage.setItem(draftKey(), JSON.stringify({ choices: state.choices, remark: state.remark })); } catch { /* full or forbidden: a reload then starts this page anew */ }
}
function readDraft() {
  try { return JSON.parse(sessionStorage.getItem(draftKey())) || {}; } catch { return {}; }
}
function dropDraft() { try { sessionStorage.removeItem(draftKey()); } catch { /* as above */ } }

/* Instructions */

function drawIntro() {
  const { setup } = state;
  state.view = "intro";
  const again = setup.consented;
  const box = el("input", { type: "checkbox", id: "agree", checked: again, disabled: again });
  const go = button(again ? "Go on" : "Start", "↵", start, "main-act start");
  go.id = "start";
  go.disabled = !again;
  box.addEventListener("change", () => { go.disabled = !box.checked; });
  const seconds = setup.done.length * (6 * setup.questions.length + 20);
  $("main").replaceChildren(el("div", { class: "intro" },
    el("h1", { textContent: setup.title }),
    el("h2", { textContent: "What you do" }),
    setup.instructions.split(/\n+/).map((line) => el("p", { dir: "auto", textContent: line })),
    el("p", { textContent: `There are ${setup.done.length} pages with ${setup.questions.length} ${setup.questions.length === 1 ? "question" : "questions"} each, about ${Math.max(1, Math.round(seconds / 60))} minutes. Every page is kept as soon as you go on; you can stop, and come back to where you were, with the same address. Some pages check whether they are read.` }),
    el("h2", { textContent: "The questions" }),
    el("dl", null, setup.questions.map((one) => el("div", null,
      el("dt", { dir: "auto", textContent: one.question }), el("dd", { dir: "auto", textContent: one.about })))),
    el("div", { class: "keys-part" }, el("h2", { textContent: "Keys" }), keyList()),
    el("h2", { textContent: "Consent" }),
    el("label", { class: "agree" }, box, el("span", { dir: "auto", textContent: setup.consent })),
    go));
  $("actions").hidden = true;
  $("help").hidden = true;
  drawProgress();
  $("main").focus({ preventScroll: true });
  window.scrollTo(0, 0);
}

function keyList() {
  const rows = pairs()
    ? [[["←", "1"], "A is better"], ...(state.setup.ties ? [[["↓", "2"], "about the same"]] : []), [["→", "3"], "B is better"]]
    : [[["1", "–", String(state.setup.scale.length)], "the answer to the question that is marked"]];
  rows.push([["↑"], "the question before"], [["↵"], "next page, once every question is answered"], [["b"], "the page before"], [["?"], "these instructions"]);
  return el("div", { class: "keys" }, rows.map(([keys, what]) => [
    el("span", null, keys.flatMap((key) => (key === "–" ? "– " : [el("kbd", { textContent: key }), " "]))), el("span", { textContent: what })]).flat());
}

function start() {
  guarded(async () => {
    if (!state.setup.consented) {
      if (!$("agree").checked) return;
      state.setup = await call("/api/consent", { agreed: true });
    }
    await show(state.page ? state.page.place : firstOpen());
  });
}

/* A page */

const firstOpen = () => {
  const open = state.setup.done.indexOf(false);
  return open < 0 ? state.setup.done.length : open;
};
function nextOpen(place) {
  const later = state.setup.done.indexOf(false, place + 1);
  return later < 0 ? firstOpen() : later;
}

async function show(place) {
  if (place >= state.setup.done.length) { state.page = null; drawEnd(); return; }
  state.page = await call(`/api/page?place=${place}`);
  const draft = readDraft();
  state.choices = { ...state.page.choices, ...draft.choices };
  state.remark = draft.remark ?? state.page.remark;
  const open = state.setup.questions.findIndex((one) => !(one.name in state.choices));
  state.now = open < 0 ? 0 : open;
  state.view = "page";
  startClock();
  drawPage();
  window.scrollTo(0, 0);
  const talk = $("main").querySelector(".talk");
  talk.scrollTop = talk.scrollHeight;
  // Short texts stay in sight while the questions are gone through; long ones would leave no room for them.
  const texts = $("main").querySelector(".texts");
  texts.classList.toggle("stay", texts.offsetHeight < innerHeight / 3);
  talk.classList.toggle("cut", talk.scrollHeight > talk.clientHeight + 4);
}

function drawPage() {
  const { page, setup } = state;
  $("main").replaceChildren(...[aboutNode(page), talkNode(page), nextNode(page), textsNode(page), questionsNode(), remarkNode()].filter(Boolean));
  $("help").hidden = false;
  drawActions();
  drawProgress();
  $("main").focus({ preventScroll: true });
  document.title = setup.title;
}

function aboutNode(page) {
  return page.about.length ? el("section", { lang: page.lang || "" }, el("h2", { textContent: "Known beforehand" }),
    el("p", { class: "known", dir: "auto", textContent: page.about.join("\n") })) : null;
}

function talkNode(page) {
  const turns = page.turns.map((turn) => el("div", { class: `turn ${turn.speaker === page.speaker ? "own" : ""}` },
    el("div", { class: "speaker", dir: "auto", textContent: turn.speaker }),
    el("div", { class: "words", dir: "auto" }, turn.text,
      turn.image ? el("span", { class: "image", textContent: `▣ picture: ${turn.image}` }) : null)));
  return el("section", { class: page.about.length ? "block" : "", lang: page.lang || "" }, el("h2", { textContent: "Dialogue" }),
    el("div", { class: "talk", tabIndex: 0, "aria-label": "Dialogue" }, turns));
}

function nextNode(page) {
  const [, thing] = THING[state.setup.subject];
  const what = state.setup.subject === "reply"
    ? (pairs() ? " speaks next. Which reply is better?" : " speaks next, and says:")
    : (pairs() ? ` speaks next. Which ${thing} before speaking is better?` : " speaks next, and thinks before:");
  return el("p", { class: "next" }, el("strong", { dir: "auto", textContent: page.speaker }), what);
}

function textsNode(page) {
  const [thing] = THING[state.setup.subject];
  return el("section", { class: `texts ${page.texts.length === 1 ? "one" : ""}`, lang: page.lang || "" }, page.texts.map((one, index) =>
    el("article", { class: "text" }, el("h2", { textContent: page.texts.length === 1 ? thing : SIDES[["left", "right"][index]] }),
      el("div", { class: "words", dir: "auto", textContent: one.text }),
      one.skill ? el("p", { class: "skill" }, "Skill: ", el("b", { textContent: one.skill })) : null)));
}

function questionsNode() {
  return el("section", { class: "questions", id: "questions" }, state.setup.questions.map((one, index) => questionNode(one, index)));
}

function questionNode(one, index) {
  const chosen = state.choices[one.name];
  return el("div", { class: `question ${index === state.now ? "now" : ""}`, role: "radiogroup", "aria-label": one.question },
    el("div", { class: "ask" }, el("span", { dir: "auto", textContent: one.question }), el("div", { class: "hint", dir: "auto", textContent: one.about })),
    el("div", { class: "choices" }, values().map((value) => choiceNode(index, value, value === chosen))));
}

function choiceNode(index, value, checked) {
  const act = () => choose(index, value);
  const props = { type: "button", role: "radio", "aria-checked": String(checked), on: { click: act } };
  if (pairs()) return el("button", { ...props, class: `choice ${value === "same" ? "middle" : ""}`, textContent: SIDES[value] });
  return el("button", { ...props, class: "choice point" }, el("b", { textContent: value }), state.setup.scale[value - 1]);
}

function remarkNode() {
  const text = el("textarea", { id: "remark", dir: "auto", maxLength: 2000, value: state.remark, "aria-label": "Remark" });
  text.addEventListener("input", () => { state.remark = text.value; keepDraft(); });
  return el("details", { class: "remark", open: Boolean(state.remark) }, el("summary", { textContent: "Add a remark" }), text);
}

function choose(index, value) {
  const name = state.setup.questions[index].name;
  state.choices[name] = value;
  keepDraft();
  const open = state.setup.questions.findIndex((one, place) => place > index && !(one.name in state.choices));
  const any = state.setup.questions.findIndex((one) => !(one.name in state.choices));
  mark(open >= 0 ? open : any >= 0 ? any : Math.min(index + 1, state.setup.questions.length - 1));
  drawActions();
}

function mark(index) {
  const inside = $("questions").contains(document.activeElement);
  state.now = index;
  $("questions").replaceWith(questionsNode());
  const row = $("questions").children[index];
  if (inside) (row.querySelector('[aria-checked="true"]') || row.querySelector(".choice")).focus({ preventScroll: true });
  const below = row.getBoundingClientRect().bottom - (innerHeight - $("actions").offsetHeight - 8);
  if (below > 0) window.scrollBy(0, below);
}

function drawActions() {
  const next = button(state.setup.done[state.page.place] ? "Save and go on" : "Next", "↵", send, "main-act");
  next.id = "next";
  next.disabled = !complete();
  const before = button("Back", "b", back);
  before.id = "back";
  before.disabled = state.page.place === 0;
  $("actions").replaceChildren(before, next);
  $("actions").hidden = false;
}

function drawProgress() {
  const { setup, page } = state;
  const done = setup.done.length - left();
  $("title").textContent = setup.title;
  $("who").textContent = setup.rater;
  $("count").textContent = state.view === "page" ? `page ${page.place + 1} of ${setup.done.length}` : "";
  $("bar").style.width = `${(100 * done) / Math.max(1, setup.done.length)}%`;
}

function drawEnd() {
  state.view = "end";
  const open = left();
  $("main").replaceChildren(el("div", { class: "empty" },
    el("strong", { textContent: open ? `${open} pages are still open` : "Thank you!" }),
    el("p", { textContent: open ? "" : `All ${state.setup.done.length} pages are answered and kept. You can close this page, or look through your answers.` }),
    button("Look through the answers", "b", back)));
  $("actions").hidden = true;
  $("help").hidden = true;
  drawProgress();
}

function send() {
  if (!complete()) { toast("Every question needs an answer first."); return; }
  guarded(async () => {
    const { place } = state.page;
    await call("/api/answer", { place, choices: state.choices, seconds: clock() / 1000, remark: state.remark });
    dropDraft();
    const again = state.setup.done[place];
    state.setup.done[place] = true;
    await show(again && place + 1 < state.setup.done.length ? place + 1 : nextOpen(place));
  });
}

function back() {
  const place = state.page ? state.page.place - 1 : state.setup.done.length - 1;
  if (place >= 0) guarded(() => show(place));
}

/* Keys */

function chosenBy(key) {
  if (!pairs()) return Number(key) >= 1 && Number(key) <= state.setup.scale.length ? Number(key) : null;
  const found = { ArrowLeft: "left", 1: "left", ArrowRight: "right", 3: "right", ArrowDown: "same", 2: "same" }[key];
  return values().includes(found) ? found : null;
}

document.addEventListener("keydown", (event) => {
  if (!state.setup || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.closest("textarea")) { if (event.key === "Escape") event.target.blur(); return; }
  if (event.repeat || busy) return;
  const key = event.key === "Enter" ? "Enter" : event.code === "KeyB" ? "b" : event.key;
  if (state.view === "intro") {
    if (key === "Enter" && !event.target.closest("button") && !$("start").disabled) { event.preventDefault(); start(); }
    return;
  }
  if (key === "b") { event.preventDefault(); back(); return; }
  if (state.view !== "page") return;
  const value = chosenBy(key);
  if (value !== null) { event.preventDefault(); choose(state.now, value); }
  else if (key === "Enter" && !event.target.closest("summary, button:not(.choice)")) { event.preventDefault(); send(); }
  else if (key === "ArrowUp") { event.preventDefault(); mark(Math.max(0, state.now - 1)); }
  else if (key === "?") { event.preventDefault(); drawIntro(); }
});

$("help").addEventListener("click", () => drawIntro());

guarded(async () => {
  state.setup = await call("/api/setup");
  document.title = state.setup.title;
  if (state.setup.consented) await show(firstOpen());
  else drawIntro();
});
