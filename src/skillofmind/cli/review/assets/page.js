const GONE = "The review has ended in the terminal. Start the same command again, and open its address.";
const MARKS = { accept: "✓", edit: "✎", reject: "✕" };
const DONE = { accept: "Accepted", edit: "Edited", reject: "Rejected" };
const REASONS = {
  no_answer: "The teacher gave no answer.",
  refused: "The teacher's content filter ended the reply.",
  truncated: "The reply was cut off before an annotation was whole.",
  no_json: "The reply holds no list of annotations.",
  incomplete: "No annotation in the reply has a skill, an explanation and a counterfactual reply.",
  oov: "The skill is none of the taxonomy.",
  disagreement: "Two teachers named different skills, and the judge took neither.",
  leak: "The explanation gives away words of the reply that nobody could know before it.",
  not_first_person: "The explanation speaks about the thinker from outside.",
  counterfactual_close: "The counterfactual reply says nearly the same as the real one.",
  counterfactual_length: "The counterfactual reply is so short or long that its length gives it away.",
  duplicate_explanation: "An earlier row has the same explanation.",
};
const state = { setup: null, items: [], place: 0, card: null, mode: "read", view: "cards" };

const skillOf = (name) => state.setup.taxonomy.find((skill) => skill.name === name);
const current = () => state.items[state.place];
const left = () => state.items.filter((item) => !item.verdict).length;
const humanReason = (reason) => reason.replaceAll("_", " ");
const labelOf = (item) => (item.number < 0 ? humanReason(item.label) : item.label);

/* The list */

function drawFilter() {
  const { skills, reasons, first, blind } = state.setup;
  const option = (value, text) => el("option", { value, textContent: text });
  const all = el("optgroup", { label: "Annotations" });
  if (!blind || !first.skill) all.append(option(" ", "All skills, in turns"));
  for (const [name, count] of Object.entries(skills)) all.append(option(`s${name}`, `${name} (${count})`));
  if (blind && first.skill) all.append(option(`s${first.skill}`, first.skill));
  const rejected = el("optgroup", { label: "Rejected rows" });
  if (Object.keys(reasons).length) rejected.append(option("rany", "All reasons, in turns"));
  for (const [name, count] of Object.entries(reasons)) rejected.append(option(`r${name}`, `${humanReason(name)} (${count})`));
  $("filter").replaceChildren(all, ...(rejected.children.length ? [rejected] : []));
  $("filter").value = first.skill ? `s${first.skill}` : first.reason ? `r${first.reason}` : " ";
}

async function loadItems() {
  const value = $("filter").value;
  const query = new URLSearchParams();
  if (value[0] === "s") query.set("skill", value.slice(1));
  if (value[0] === "r") query.set("reason", value.slice(1));
  state.items = await call(`/api/items?${query}`);
  const open = state.items.findIndex((item) => !item.verdict);
  await show(open < 0 ? state.items.length : open);
}

function drawList() {
  const rows = state.items.map((item, index) => el("li", null, el("button",
    { type: "button", "aria-current": String(index === state.place), on: { click: () => guarded(() => show(index)) } },
    el("span", { class: "number", textContent: index + 1 }),
    el("span", { class: labelOf(item) ? "name" : "name unknown", textContent: labelOf(item) || "hidden" }),
    el("span", { class: item.verdict || "none", title: DONE[item.verdict] || "", textContent: MARKS[item.verdict] || "" }))));
  $("list").replaceChildren(...rows);
  const now = $("list").querySelector('[aria-current="true"]');
  if (now) now.scrollIntoView({ block: "nearest" });
  const done = state.items.length - left();
  const at = Math.min(state.place + 1, state.items.length);
  $("count").textContent = `${at} of ${state.items.length}, ${done} decided`;
  $("bar").style.width = `${state.items.length ? (100 * done) / state.items.length : 0}%`;
}

/* The card */

async function show(place) {
  state.place = place;
  state.mode = "read";
  const item = current();
  state.card = item ? await call(`/api/card?${new URLSearchParams({ row: item.row, number: item.number })}`) : null;
  draw();
  window.scrollTo(0, 0);
}

function draw() {
  drawList();
  const { card } = state;
  $("main").replaceChildren(...(card ? cardNodes(card) : [nothingLeft()]));
  drawActions();
  const field = $("main").querySelector("[data-focus]");
  if (field) field.focus({ preventScroll: state.mode === "read" });
  else $("main").focus({ preventScroll: true });
}

function nothingLeft() {
  const open = left();
  return el("div", { class: "empty" },
    el("strong", { textContent: open ? "The end of the list" : `All ${state.items.length} decided` }),
    el("p", { textContent: open ? `${open} are still open.` : "Every decision is kept. Show others, or see how far reviewers agree." }),
    open ? button("Go to the first open one", "", () => guarded(() => show(state.items.findIndex((item) => !item.verdict))), "main-act")
      : button("Agreement", "", () => view("agreement"), "main-act"));
}

function cardNodes(card) {
  const facts = el("p", { class: "facts" }, el("code", { textContent: card.row }));
  if (card.lang) facts.append(` · ${card.lang}`);
  if (card.annotator) facts.append(` · ${card.annotator}`);
  const known = card.about.length
    ? el("section", { class: "block", lang: card.lang || "" }, el("h2", { textContent: "Known beforehand" }),
      el("p", { class: "known", dir: "auto", textContent: card.about.join("\n") })) : null;
  const talk = el("section", { class: "block", lang: card.lang || "" }, el("h2", { textContent: "Dialogue" }),
    card.turns.map((turn) => turnNode(turn, turn.speaker === card.reply.speaker ? "own" : "")),
    turnNode(card.reply, "own reply"));
  const below = card.hidden ? choiceNode() : card.number < 0 ? rejectionNode(card)
    : state.mode === "edit" ? editNode(card) : annotationNode(card);
  return [facts, known, talk, below, state.mode === "reject" ? noteNode() : null].filter(Boolean);
}

function turnNode(turn, kind) {
  return el("div", { class: `turn ${kind}` },
    el("div", { class: "speaker", dir: "auto" }, turn.speaker, kind.includes("reply") ? el("small", { textContent: "the reply" }) : null),
    el("div", { class: "words", dir: "auto" }, turn.text,
      turn.image ? el("span", { class: "image", textContent: `▣ picture: ${turn.image}` }) : null));
}

function beforeNode(card) {
  const parts = [];
  if (card.blind) parts.push(card.blind === card.skill ? `You chose ${card.blind} as well.` : `You chose ${card.blind}.`);
  const made = card.decision;
  if (made) {
    parts.push(`You decided: ${made.verdict}.`);
    if (made.verdict === "edit" && made.skill !== made.teacher) parts.push(`Skill: ${made.skill}.`);
    if (made.verdict === "edit" && made.explanation !== card.explanation) parts.push(`Explanation: ${made.explanation}`);
    if (made.note) parts.push(`Note: ${made.note}`);
  }
  return parts.length ? el("p", { class: "before", dir: "auto", textContent: parts.join(" ") }) : null;
}

function skillNode(name, lang) {
  const skill = skillOf(name);
  const local = skill && skill.names && skill.names[lang];
  return el("div", null, el("h2", { textContent: "Skill" }),
    el("p", { class: "skill" }, name, local ? el("small", { textContent: local }) : null),
    skill ? el("p", { class: "definition", textContent: skill.definition }) : null,
    skill && skill.difference ? el("p", { class: "hint", textContent: skill.difference }) : null);
}

function annotationNode(card) {
  const others = card.others.length ? el("p", { class: "hint", textContent: `Also annotated here: ${card.others.join(", ")}` }) : null;
  return el("section", { class: "panel", lang: card.lang || "" }, beforeNode(card),
    el("div", null, el("h2", { textContent: `${card.reply.speaker} thinks` }),
      el("p", { class: "explanation words", dir: "auto", textContent: card.explanation })),
    skillNode(card.skill, card.lang),
    el("div", null, el("h2", { textContent: "Counterfactual: a reply that does not follow from the thought" }),
      el("p", { class: "other words", dir: "auto", textContent: card.counterfactual })),
    others);
}

function rejectionNode(card) {
  return el("section", { class: "panel" }, beforeNode(card),
    el("div", null, el("h2", { textContent: "Rejected because of" }), el("p", { class: "reason", textContent: humanReason(card.reason) }),
      REASONS[card.reason] ? el("p", { textContent: REASONS[card.reason] }) : null,
      card.detail ? el("p", { class: "hint words", dir: "auto", textContent: card.detail }) : null),
    card.replies.map(([role, text]) => el("div", null, el("h2", { textContent: `Reply of the ${role.replaceAll("_", " ")}` }),
      el("pre", { class: "raw", dir: "auto", textContent: text }))),
    el("p", { class: "hint", textContent: "Accept: it was rejected rightly. Reject: the row should have been kept." }));
}

function byCategory() {
  const found = new Map();
  for (const skill of state.setup.taxonomy) found.set(skill.category, [...(found.get(skill.category) || []), skill]);
  return found;
}

function editNode(card) {
  const made = card.decision && card.decision.verdict === "edit" ? card.decision : card;
  const select = el("select", { id: "skill", "data-focus": "" });
  for (const [category, skills] of byCategory())
    select.append(el("optgroup", { label: category }, skills.map((skill) => el("option", { value: skill.name, textContent: skill.name }))));
  if (!skillOf(made.skill)) select.prepend(el("option", { value: made.skill, textContent: made.skill }));
  select.value = made.skill;
  const definition = el("p", { class: "hint" });
  const explain = () => { definition.textContent = (skillOf(select.value) || { definition: "" }).definition; };
  explain();
  select.addEventListener("change", explain);
  const text = el("textarea", { id: "explanation", dir: "auto", value: made.explanation || "", lang: card.lang || "" });
  const save = (event) => { event.preventDefault(); decide("edit", { skill: select.value, explanation: text.value }); };
  return el("form", { class: "panel form", on: { submit: save } },
    el("label", null, "Skill", select), definition, el("label", null, `${card.reply.speaker} thinks`, text),
    el("div", { class: "row" }, submit("Save", "Ctrl ↵"), button("Cancel", "Esc", cancel)));
}

function noteNode() {
  const note = el("input", { id: "note", placeholder: "why? (may stay empty)", maxLength: 2000, "data-focus": "", autocomplete: "off" });
  const save = (event) => { event.preventDefault(); decide("reject", { note: note.value.trim() }); };
  return el("form", { class: "panel form", on: { submit: save } }, el("label", null, "Note on the rejection", note),
    el("div", { class: "row" }, submit("Reject", "↵"), button("Cancel", "Esc", cancel)));
}

function choiceNode() {
  const search = el("input", { type: "search", placeholder: "type to find a skill", "data-focus": "", autocomplete: "off", "aria-label": "Find a skill" });
  const groups = el("div");
  const fill = () => {
    const word = search.value.trim().toLowerCase();
    const fits = (skill) => [skill.name, ...(skill.aliases || []), ...Object.values(skill.names || {})].some((name) => name.toLowerCase().includes(word));
    const nodes = [];
    for (const [category, skills] of byCategory()) {
      const near = skills.filter(fits);
      if (near.length) nodes.push(el("h3", { textContent: category }), el("div", { class: "chips" }, near.map((skill) => chip(skill.name, skill.definition))));
    }
    nodes.push(el("h3", { textContent: "Otherwise" }), el("div", { class: "chips" }, chip(state.setup.none, "none of these skills")));
    groups.replaceChildren(...nodes);
    const near = word ? groups.querySelector(".chip") : null;
    if (near) near.classList.add("near");
    tell(near);
  };
  const definition = el("p", { class: "hint" });
  const tell = (chosen) => { definition.textContent = chosen ? `${chosen.textContent}: ${chosen.title}` : "Point at a skill to see what it means."; };
  for (const event of ["pointerover", "focusin"])
    groups.addEventListener(event, ({ target }) => { if (target.closest(".chip")) tell(target.closest(".chip")); });
  search.addEventListener("input", fill);
  search.addEventListener("keydown", (event) => {
    const near = groups.querySelector(".near");
    if (event.key === "Enter" && near) { event.preventDefault(); near.click(); }
  });
  fill();
  return el("section", { class: "panel picker" }, el("div", null, el("h2", { textContent: "Which skill does the reply show?" }), search, definition, groups));
}

const chip = (name, title) => el("button", { type: "button", class: "chip", title, textContent: name, on: { click: () => choose(name) } });

function choose(skill) {
  guarded(async () => {
    state.card = await call("/api/choice", { row: current().row, number: current().number, skill });
    current().label = state.card.skill;
    draw();
  });
}

/* Deciding */

function drawActions() {
  const { card, mode } = state;
  $("actions").hidden = state.view !== "cards" || !card || mode !== "read";
  if (!card) return;
  const acts = [button("Back", "b", back)];
  if (!card.hidden) {
    acts.push(button("Reject", "r", () => enter("reject"), "reject"));
    if (card.number >= 0) acts.push(button("Edit", "e", () => enter("edit"), "edit"));
    acts.push(button("Accept", "a", () => decide("accept", {}), "main-act"));
  }
  acts.push(button("Skip", "s", () => guarded(() => show(nextOpen()))));
  $("actions").replaceChildren(...acts);
}

function nextOpen() {
  const later = state.items.findIndex((item, index) => index > state.place && !item.verdict);
  return later < 0 ? state.items.length : later;
}

function decide(verdict, more) {
  guarded(async () => {
    const item = current();
    const card = await call("/api/decision", { row: item.row, number: item.number, verdict, ...more });
    item.verdict = card.decision.verdict;
    toast(matchMedia("(pointer: fine)").matches ? `${DONE[item.verdict]} · b goes back` : DONE[item.verdict]);
    await show(nextOpen());
  });
}

function enter(mode) {
  state.mode = mode;
  $("toast").className = "";
  draw();
  const form = $("main").querySelector("form");
  if (form) form.scrollIntoView({ block: "nearest" });
}
function cancel() { state.mode = "read"; draw(); }
function back() { guarded(() => show(Math.max(0, state.place - 1))); }

const KEYS = {
  a: () => decide("accept", {}),
  e: () => state.card.number >= 0 && enter("edit"),
  r: () => enter("reject"),
};

document.addEventListener("keydown", (event) => {
  const inForm = event.target.closest("input, textarea, select");
  if (event.key === "Escape" && state.mode !== "read") return cancel();
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && inForm && inForm.form) return inForm.form.requestSubmit();
  if (inForm || event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.isComposing) return;
  if (state.view !== "cards" || state.mode !== "read" || busy) return;
  // A keyboard of another script sends its own letter; the place of the key tells which one was meant.
  const key = /^[a-z]$/i.test(event.key) ? event.key.toLowerCase() : event.code.replace(/^Key(?=[A-Z]$)/, "").toLowerCase();
  const act = key === "b" ? back : key === "s" && state.card ? () => guarded(() => show(nextOpen()))
    : state.card && !state.card.hidden ? KEYS[key] : null;
  if (act) { event.preventDefault(); act(); }
});

/* Agreement */

const percent = (value) => `${(100 * value).toFixed(0)}%`;
const missing = (value) => value === null || value === undefined;

function track(rate, low, high) {
  const at = (value) => `${(100 * (value - low)) / (high - low)}%`;
  const box = el("div", { class: "track" });
  if (!missing(rate.low)) {
    const range = el("div", { class: "range" });
    range.style.left = at(Math.max(low, rate.low));
    range.style.right = `${(100 * (high - rate.high)) / (high - low)}%`;
    box.append(range);
  }
  if (!missing(rate.value)) {
    const point = el("div", { class: "point" });
    point.style.left = at(Math.max(low, rate.value));
    box.append(point);
  }
  return box;
}

function tile(title, rate, below) {
  return el("div", { class: "tile" }, el("h2", { textContent: title }), el("div", { class: "big", textContent: missing(rate.value) ? "–" : percent(rate.value) }),
    el("p", { class: "hint", textContent: below }), track(rate, 0, 1));
}

const ends = (one, form) => (missing(one.low) ? "" : `${form(one.low)} to ${form(one.high)}`);

function rateTable(title, head, rates) {
  const rows = Object.entries(rates).map(([name, rate]) => el("tr", null, el("td", { dir: "auto", textContent: name }),
    el("td", { class: "scale" }, track(rate, 0, 1)), el("td", { class: "figure", textContent: percent(rate.value), title: ends(rate, percent) }),
    el("td", { class: "figure", textContent: `${rate.right} of ${rate.decided}` })));
  return rows.length ? [el("h2", { textContent: title }), el("table", null, el("thead", null, el("tr", null,
    [head, "0 to 100 %, with 95 % interval", "", "right"].map((text, n) => el("th", { textContent: text, class: n > 1 ? "figure" : "" })))),
  el("tbody", null, rows))] : [];
}

function kappaTable(found) {
  const rows = [];
  for (const pair of found.pairs) {
    const who = pair.reviewers.join(" and ");
    rows.push([`${who}: does the skill stand`, pair.verdict], [`${who}: which skill`, pair.skill]);
  }
  if (found.everyone_verdict) rows.push(["all: does the skill stand", found.everyone_verdict], ["all: which skill", found.everyone_skill]);
  for (const [who, one] of Object.entries(found.blind)) rows.push([`teacher and ${who}, blind: which skill`, one]);
  if (!rows.length) return [el("h2", { textContent: "Agreement" }), el("p", { class: "hint", textContent: "It needs a second reviewer: the same command with another name shows the same rows." })];
  const nodes = rows.map(([name, one]) => kappaRow(name, one));
  const perSkill = found.pairs.map((pair) => el("details", null, el("summary", { textContent: `${pair.reviewers.join(" and ")}, by skill` }),
    el("table", null, el("tbody", null, Object.entries(pair.by_skill).map(([name, one]) => kappaRow(name, one))))));
  return [el("h2", { textContent: "Agreement between reviewers" }), el("table", null, el("thead", null, el("tr", null,
    ["", "kappa, 0 (chance) to 1", "", "the same"].map((text, n) => el("th", { textContent: text, class: n > 1 ? "figure" : "" })))), el("tbody", null, nodes)), ...perSkill];
}

function kappaRow(name, one) {
  return el("tr", null, el("td", { dir: "auto", textContent: name }), el("td", { class: "scale" }, track(one, 0, 1)),
    el("td", { class: "figure", textContent: missing(one.value) ? "undefined" : one.value.toFixed(2), title: ends(one, (x) => x.toFixed(2)) }),
    el("td", { class: "figure", textContent: `${percent(one.observed)} of ${one.items}` }));
}

async function drawAgreement() {
  const found = await call("/api/agreement");
  if (!found.decisions) {
    $("agreement").replaceChildren(el("div", { class: "empty" }, el("strong", { textContent: "Nothing is decided yet" }), el("p", { textContent: "Decide some cards first." })));
    return;
  }
  const tiles = [];
  if (found.annotations) tiles.push(tile("The teacher's skill stands", found.precision, `${found.precision.right} of ${found.precision.decided} annotations, ${ends(found.precision, percent)}`));
  if (found.weighted) tiles.push(tile("With skills as common as in the data", found.weighted, `${ends(found.weighted, percent)}, for ${percent(found.weighted.covered)} of the annotations`));
  $("agreement").replaceChildren(el("div", { class: "tiles" }, tiles), ...kappaTable(found),
    ...rateTable("By skill of the teacher", "skill", found.by_skill), ...rateTable("By reviewer", "reviewer", found.reviewers),
    ...rateTable("Rejected rightly", "reason", found.rejections));
}

function view(name) {
  state.view = name;
  $("toast").className = "";
  for (const one of ["cards", "agreement"]) {
    $(one).hidden = one !== name;
    $(`tab-${one}`).setAttribute("aria-pressed", String(one === name));
  }
  drawActions();
  if (name === "agreement") guarded(drawAgreement);
}

guarded(async () => {
  state.setup = await call("/api/setup");
  $("run").textContent = state.setup.run;
  $("who").textContent = state.setup.reviewer + (state.setup.blind ? ", blind" : "");
  $("tab-cards").addEventListener("click", () => view("cards"));
  $("tab-agreement").addEventListener("click", () => view("agreement"));
  $("filter").addEventListener("change", () => guarded(loadItems));
  drawFilter();
  await loadItems();
});
