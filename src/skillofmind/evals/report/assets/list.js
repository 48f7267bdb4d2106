// The list of cases: only the lines that can be seen are there, so that its length costs nothing.

const LINE = 76, AROUND = 6;
const MARKS = ["✓", "✕", "!", "·", ""];
const list = { rows: [], hits: null, query: "", wanted: 0, filters: "" };

/** Draw list and case as the address says. */
async function drawCases() {
  const filters = hashOf({ ...state, case: undefined });
  // A step to the next case changes neither the filters nor the list.
  if (filters !== list.filters) await drawList(filters);
  if (filters !== list.filters) return;
  const at = list.rows.indexOf(currentRow());
  if (at >= 0) reveal(at);
  drawLines();
  document.body.classList.toggle("reading", state.case !== undefined);
  await drawReader(currentRow());
}

/** Filter, and draw what follows from it; `list.filters` says for which filters the list is. */
async function drawList(filters) {
  drawFilters();
  const asked = ++list.wanted, query = (state.q || "").trim();
  if ($("q").value.trim() !== query) $("q").value = state.q || "";
  if (query !== list.query || (query && !list.hits)) {
    const telling = setInterval(() => ($("count").textContent = `Reading all cases… ${percent(store.read)}`), 200);
    const hits = query ? await search(query) : null;
    clearInterval(telling);
    if (asked !== list.wanted) return;
    Object.assign(list, { hits, query });
  }
  // Wins and losses are counted before the filter for changes, which is one of them.
  const before = filtered(list.hits);
  Object.assign(list, { rows: sorted(state.change === undefined ? before : before.filter((row) => changed(row, state.change))), filters });
  drawTally(before);
  $("rail").style.height = `${LINE * list.rows.length}px`;
  $("list").scrollTop = 0;
}

/** The row that is read: the one of the address, else the first one where there is room beside the list. */
function currentRow() {
  if (state.case !== undefined) return rowOf(state.case);
  return matchMedia("(min-width: 60rem)").matches && list.rows.length ? list.rows[0] : -1;
}

/** How many cases there are, which filters are set, and who wins. */
function drawTally(before) {
  const all = store.index.ids.length, set = FILTERS.filter((key) => state[key] !== undefined).length;
  $("count").textContent = list.rows.length === all ? many(all, "case") : `${count(list.rows.length)} of ${many(all, "case")}`;
  $("active").textContent = set ? `(${set})` : "";
  $("chips").replaceChildren(...FILTERS.filter((key) => state[key] !== undefined).map(chip));
  $("reset").hidden = !set && !state.q;
  $("wins").replaceChildren(...(store.head.runs.length > 1 ? [winBar(before)] : []));
}

/** A filter that is set; a click takes it away. */
function chip(key) {
  const names = { task: "task", arm: "arm", result: "result", gold: "right", guess: "named", slice: "", change: "" };
  const value = key === "change" ? changeOptions().find(([kind]) => kind === state.change)?.[1] ?? state.change : key === "arm" ? state.arm || "plain" : key === "gold" || key === "guess" ? skillName(state[key]) : state[key];
  return el("li", {}, el("button", { type: "button", title: "Take this filter away", on: { click: () => go({ [key]: undefined, case: undefined }) } }, names[key] && el("span", { class: "soft", text: `${names[key]} ` }), value, el("span", { "aria-hidden": "true", text: " ✕" })));
}

/** Wins and losses as a bar whose parts are filters. */
function winBar(rows) {
  const found = wins(rows), judged = found.won + found.lost + found.both + found.right;
  const [first, second] = compared();
  const part = (kind, words, title) => el("button", { type: "button", class: `win is-${kind}`, title, "aria-pressed": String(state.change === kind), on: { click: () => go({ change: state.change === kind ? undefined : kind, case: undefined }) } }, el("b", { text: count(found[kind]) }), ` ${words}`);
  const bar = ["won", "right", "both", "lost"].map((kind) => el("i", { class: kind, at: { "flex-grow": String(found[kind]) } }));
  return el("div", { class: "versus" }, el("p", {}, runName(second), el("span", { class: "soft", text: " against " }), runName(first)),
    judged > 0 && el("div", { class: "bar", "aria-hidden": "true" }, bar),
    el("p", { class: "parts" }, part("won", "won", "Wrong in the first run, right in the second"), part("lost", "lost", "Right in the first run, wrong in the second"), part("both", "both wrong", "Wrong in both runs"), part("skill", "skill differs", "The runs name different skills")));
}

/** Draw the lines that can be seen. */
function drawLines() {
  const box = $("list"), first = Math.max(0, Math.floor(box.scrollTop / LINE) - AROUND);
  const last = Math.min(list.rows.length, Math.ceil((box.scrollTop + box.clientHeight) / LINE) + AROUND);
  const current = currentRow(), nodes = [];
  for (let at = first; at < last; at++) nodes.push(line(list.rows[at], at, list.rows[at] === current));
  $("rail").replaceChildren(...nodes);
  if (list.rows.includes(current)) box.setAttribute("aria-activedescendant", `row-${current}`);
  else box.removeAttribute("aria-activedescendant");
}

/** One line: what came of it in each run, the skills, the last words that were said. */
function line(row, at, current) {
  const { index, head: { runs } } = store, { names } = index, mine = index.runs[state.run];
  const gold = index.gold[row], guess = mine.guess[row], outcome = mine.outcome[row];
  const skills = [gold >= 0 && el("bdi", { text: skillName(names.skill[gold]) }), guess >= 0 && guess !== gold && el("span", { class: "other" }, gold >= 0 ? " → " : "", el("bdi", { text: skillName(names.skill[guess]) }))];
  const marks = runs.map((_, run) => el("span", { class: `mark o${index.runs[run].outcome[row]}`, title: `${runs[run].name}: ${OUTCOMES[index.runs[run].outcome[row]]}` }, MARKS[index.runs[run].outcome[row]], el("span", { class: "unseen", text: ` ${OUTCOMES[index.runs[run].outcome[row]]} ` })));
  return el("div", { id: `row-${row}`, class: "line", role: "option", "aria-selected": String(current), "aria-setsize": String(list.rows.length), "aria-posinset": String(at + 1), "data-row": String(row), at: { top: `${at * LINE}px` } },
    el("span", { class: "marks" }, marks), el("span", { class: "skills" }, skills.some(Boolean) ? skills : names.task[index.task[row]], outcome === FAILED && el("em", { text: " failed" })),
    el("span", { class: "sort", text: sortValue(row, mine) }), el("span", { class: "start", dir: "auto", text: index.starts[row] || index.ids[row] }));
}

/** What the list is sorted by, else the confidence. */
function sortValue(row, mine) {
  const name = (state.sort || "confidence").replace(/^-/, "").replace(/^score /, "");
  const value = (name === "confidence" ? mine.confidence : mine.scores[name])?.[row];
  return isNumber(value) ? (name === "confidence" ? percent(value) : number(value)) : "";
}

/** Scroll a line into the list. */
function reveal(at) {
  const box = $("list"), top = at * LINE;
  if (top < box.scrollTop) box.scrollTop = top;
  else if (top + LINE > box.scrollTop + box.clientHeight) box.scrollTop = top + LINE - box.clientHeight;
}

/** Read the next case (1) or the previous one (-1) of the list. */
function step(by) {
  if (!list.rows.length) return;
  const at = list.rows.indexOf(currentRow());
  const to = at < 0 ? 0 : Math.min(list.rows.length - 1, Math.max(0, at + by));
  go({ case: keyOf(list.rows[to]) }, true);
}
