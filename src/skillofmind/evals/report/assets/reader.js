// One case, whole: what was known and said, what would have been right, and what each run answered.

const LONG_TEXT = 3000, MOST_COMPARED = 4_000_000;
const reader = { wanted: 0, row: -2 };

/** Draw a row; -1 is none. */
async function drawReader(row) {
  const asked = ++reader.wanted;
  if (row < 0) {
    const words = state.case !== undefined ? "This report has no such case." : list.rows.length ? "Choose a case." : "No case passes these filters.";
    $("reader").replaceChildren(el("div", { class: "empty" }, backButton(), el("p", { text: words })));
    reader.row = row;
    return;
  }
  const told = await readCase(row);
  if (asked !== reader.wanted) return;
  $("reader").replaceChildren(caseHead(row, told), ...dialogue(told), gold(told), answers(row, told), scoreTable(row));
  if (reader.row !== row) {
    $("reader").scrollTop = 0;
    if (document.body.classList.contains("reading") && matchMedia("(max-width: 59.99rem)").matches) scrollTo(0, 0);
  }
  reader.row = row;
}

/** The way back to the list where both do not fit. */
const backButton = () => el("button", { type: "button", class: "back plain-act", text: "← All cases", on: { click: () => go({ case: undefined }) } });

/** Where the case is from, its place in the list, its slices, and its other arms. */
function caseHead(row, told) {
  const { index } = store, { names } = index, at = list.rows.indexOf(row);
  const slices = Object.entries(index.slices).filter(([, { of }]) => of[row] >= 0).map(([dimension, { names: values, of }]) => el("li", {}, `${dimension}: `, el("bdi", { text: values[of[row]] })));
  const steps = el("div", { class: "steps" }, el("button", { type: "button", class: "step", "aria-label": "Previous case", text: "‹", disabled: at === 0, on: { click: () => step(-1) } }),
    el("span", { class: "soft", text: at < 0 ? "not in this list" : `${count(at + 1)} of ${count(list.rows.length)}` }), el("button", { type: "button", class: "step", "aria-label": "Next case", text: "›", disabled: at === list.rows.length - 1, on: { click: () => step(1) } }));
  const others = armsOf(row).map((other) => {
    const guess = index.runs[state.run].guess[other], same = guess === index.runs[state.run].guess[row];
    return el("li", {}, el("a", { class: same ? "" : "differs", href: hashOf({ ...state, case: keyOf(other) }) }, names.arm[index.arm[other]] || "plain", guess >= 0 && `: ${skillName(names.skill[guess])}`));
  });
  return el("div", { class: "case-head" }, el("div", { class: "above" }, backButton(), steps), el("h1", {}, place(names.task[index.task[row]], names.arm[index.arm[row]])),
    el("p", { class: "soft facts" }, el("a", { href: hashOf({ view: "cases", case: keyOf(row) }), title: "A link to this case" }, el("code", { text: index.ids[row] })), told.group && told.group !== index.ids[row] && ["of ", el("code", { text: told.group })]),
    slices.length > 0 && el("ul", { class: "chips" }, slices), others.length > 0 && el("div", { class: "arms" }, el("span", { class: "soft", text: "Other arms" }), el("ul", { class: "chips" }, others)));
}

/** Context and turns. */
function dialogue(told) {
  const context = told.context.length > 0 && el("section", { class: "known" }, el("h2", { text: "What is known" }), told.context.map(([, text]) => long(text, "p")));
  const turns = told.turns.map(([speaker, text, ...images]) => el("div", { class: speaker === told.next ? "turn own" : "turn" }, el("span", { class: "speaker", dir: "auto", text: speaker }),
    el("div", { class: "words" }, long(text, "p"), images.map((one) => el("p", { class: "image" }, "picture: ", one)))));
  const next = told.next && el("p", { class: "next soft" }, "Now ", el("bdi", { text: told.next }), " answers.");
  return [context, el("section", { class: "turns", lang: told.lang || null, "aria-label": "Dialogue" }, turns, next)].filter(Boolean);
}

/** A text whose hits of the search are marked; a very long one can be opened. */
function long(text, tag, nodes = hitNodes) {
  if (text.length <= LONG_TEXT + 500) return el(tag, { dir: "auto" }, nodes(text));
  const node = el(tag, { dir: "auto" }, nodes(text.slice(0, LONG_TEXT)), "… ");
  const open = el("button", { type: "button", class: "plain-act", text: `Show all ${count(text.length)} characters`, on: { click: () => node.replaceChildren(el("span", {}, nodes(text))) } });
  node.append(open);
  return node;
}

/** The text with the words of the search marked. */
function hitNodes(text) {
  const words = list.query.split(/\s+/).filter(Boolean).map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  if (!words.length) return [text];
  return text.split(new RegExp(`(${words.join("|")})`, "giu")).map((part, at) => (at % 2 ? el("mark", { text: part }) : part));
}

/** What would have been right. */
function gold(told) {
  const { skills = [], accept = [], label = "", explanation = "", counterfactual = "", reply = "" } = told.gold || {};
  const facts = [
    skills.length && ["skill", el("strong", { class: "skill", text: skills.join(", ") })], accept.length && ["not wrong", accept.join(", ")], label && ["class", el("strong", { class: "skill", text: label })],
    explanation && ["why", long(explanation, "div")], reply && ["said", long(reply, "div")], counterfactual && ["would not follow", long(counterfactual, "div")],
  ].filter(Boolean);
  return facts.length ? el("section", { class: "gold", lang: told.lang || null }, el("h2", { text: "Right answer" }), el("dl", {}, facts.map(([name, value]) => [el("dt", { text: name }), el("dd", {}, value)]))) : "";
}

/** What the runs answered, side by side; words that differ are marked. */
function answers(row, told) {
  const there = told.answers.map((answer, run) => ({ answer, run })).filter(({ answer }) => answer);
  const texts = (name) => there.map(({ answer }) => answer[name] || "");
  const explanations = compareWords(texts("why")), replies = compareWords(texts("reply"));
  const goldSkills = new Set([...(told.gold?.skills || []), ...(told.gold?.accept || [])]);
  return el("section", { class: "answers", lang: told.lang || null, "aria-label": "Answers" }, there.map(({ answer, run }, at) => answerCard(answer, run, row, { explanation: explanations[at], reply: replies[at], goldSkills })));
}

/** The answer of one run: {plan, skill, raw, why, sure, ranked, moved, reply, error}, each where it is there. */
function answerCard(answer, run, row, { explanation, reply, goldSkills }) {
  const { error, skill, sure } = answer, outcome = store.index.runs[run].outcome[row];
  const raw = answer.raw && el("p", { class: "soft" }, "It said ", el("q", {}, el("bdi", { text: answer.raw })), ".");
  const meter = isNumber(sure) && el("p", { class: "sure", title: "confidence" }, el("span", { class: "meter", "aria-hidden": "true" }, el("i", { at: { width: `${100 * sure}%` } })), `${percent(sure)} sure`);
  return el("div", { class: `answer o${outcome}` },
    el("p", { class: "by" }, store.head.runs.length > 1 && runName(run), el("span", { class: `verdict o${outcome}` }, `${MARKS[outcome]} ${OUTCOMES[outcome]}`)),
    error && el("p", { class: "error", text: error }),
    answer.plan && !error && el("p", { class: "skill", text: skill || "no skill of the taxonomy" }), raw, meter, explanation, reply && el("div", { class: "reply" }, el("h3", { text: "Reply" }), reply), ranked(answer, goldSkills), evidence(answer));
}

/** Ranked skills as bars. */
function ranked({ ranked: found = [] }, goldSkills) {
  if (found.length < 2) return null;
  const rows = found.slice(0, 8).map(([skill, confidence]) => el("li", { class: goldSkills.has(skill) ? "right" : "" }, el("span", {}, el("bdi", { text: skill }), goldSkills.has(skill) && el("small", { text: " right" })), isNumber(confidence) && el("i", { class: "meter", "aria-hidden": "true" }, el("i", { at: { width: `${100 * confidence}%` } })), isNumber(confidence) && el("b", { class: "figure", text: percent(confidence) })));
  return el("div", {}, el("h3", { text: "Ranked" }), el("ol", { class: "ranked" }, rows));
}

/** What moved the choice. */
function evidence({ moved = [] }) {
  if (!moved.length) return null;
  const rows = moved.slice(0, 6).map(([kind, where, quote, effect]) => el("li", {}, el("b", { class: "figure", text: `${effect > 0 ? "+" : ""}${minus(effect.toFixed(2))}` }), el("span", {}, el("small", { text: kind === "turn" ? `turn ${Number(where) + 1}` : where }), " ", el("bdi", { text: quote }))));
  return el("details", { class: "evidence" }, el("summary", { text: "What moved the choice (log-odds)" }), el("ul", {}, rows));
}

/** Nodes of texts in which words that others do not have are marked: the first against the second, others against the first. */
function compareWords(texts) {
  return texts.map((text, at) => {
    if (!text) return null;
    const other = texts[at ? 0 : 1];
    const nodes = other ? (part) => differing(part, other) : hitNodes;
    return long(text, "p", nodes);
  });
}

/** The words of a text, with those marked that are not in the longest common run of words with another. */
function differing(text, other) {
  const parts = text.split(/(\s+)/), words = parts.filter((_, at) => at % 2 === 0), others = other.split(/\s+/);
  if (words.length * others.length > MOST_COMPARED) return [text];
  const kept = common(words, others);
  return parts.map((part, at) => (at % 2 || !part || kept.has(at / 2) ? part : el("mark", { class: "differs", text: part })));
}

/** Places in `one` of a longest common subsequence with `other`. */
function common(one, other) {
  const width = other.length + 1, table = new Uint32Array((one.length + 1) * width);
  for (let i = one.length - 1; i >= 0; i--) {
    for (let j = other.length - 1; j >= 0; j--) {
      const at = i * width + j;
      table[at] = one[i] === other[j] ? table[at + width + 1] + 1 : Math.max(table[at + width], table[at + 1]);
    }
  }
  const kept = new Set();
  for (let i = 0, j = 0; i < one.length && j < other.length; ) {
    if (one[i] === other[j]) kept.add(i++), j++;
    else if (table[(i + 1) * width + j] >= table[i * width + j + 1]) i++;
    else j++;
  }
  return kept;
}

/** The scores of each run; those that differ are marked. */
function scoreTable(row) {
  const { runs } = store.index, names = [...new Set(runs.flatMap((run) => Object.keys(run.scores)))];
  const lines = names.map((name) => [name, runs.map((run) => run.scores[name]?.[row])]).filter(([, values]) => values.some(isNumber));
  if (!lines.length) return "";
  const body = lines.map(([name, values]) => el("tr", {}, el("th", { scope: "row", text: name }), values.map((value) => el("td", { class: "figure" }, new Set(values).size > 1 ? el("mark", { class: "differs", text: number(value) }) : number(value)))));
  const head = el("tr", {}, el("th", { scope: "col", text: "score" }), runs.map((_, run) => el("th", { scope: "col", class: "figure" }, runs.length > 1 ? runName(run) : "value")));
  return el("section", { class: "scores" }, el("h2", { text: "Scores" }), scrolling(el("table", { class: "numbers" }, el("thead", {}, head), el("tbody", {}, body)), "Scores"));
}
