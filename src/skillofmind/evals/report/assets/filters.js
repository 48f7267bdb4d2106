// What is shown lives in the address behind #: links can be shared, and back and forth work.

const KEYS = ["view", "run", "task", "arm", "result", "gold", "guess", "slice", "change", "q", "sort", "case"];
const FILTERS = ["task", "arm", "result", "gold", "guess", "slice", "change"];
let state = { view: "overview", run: 0 };

/** Return an address for filters; what is undefined or `null` is left out. */
function hashOf(filters) {
  const found = new URLSearchParams();
  for (const key of KEYS) {
    const value = filters[key];
    if (value === undefined || value === null || (key === "run" && Number(value) === 0)) continue;
    found.set(key, value);
  }
  return `#${found}`;
}

/** Read the state from the address. */
function readState() {
  const found = Object.fromEntries([...new URLSearchParams(location.hash.slice(1))].filter(([key]) => KEYS.includes(key)));
  const run = Number(found.run);
  const view = found.view === "cases" || (found.case !== undefined && !found.view) ? "cases" : "overview";
  state = { ...found, view, run: Number.isInteger(run) && store.head.runs[run] ? run : 0 };
}

/** Change the state; `quiet` adds no step to the browser's history. Resolves when everything is drawn. */
function go(changes, quiet = false) {
  const hash = hashOf({ ...state, ...changes });
  if (hash === location.hash) return undefined;
  history[quiet ? "replaceState" : "pushState"](null, "", hash);
  return apply();
}

/** A labelled choice of one part of the state. Options are [value, words]; `null` is no choice. */
function choice(key, label, options) {
  const change = (event) => go({ [key]: options[event.target.selectedIndex][0], ...(key === "sort" ? {} : { case: undefined }) });
  const chosen = options.findIndex(([value]) => String(value ?? "\0") === String(state[key] ?? "\0"));
  const nodes = options.map(([, words], at) => el("option", { value: String(at), selected: at === Math.max(0, chosen), text: words }));
  return el("label", { class: "field" }, el("span", { text: label }), el("select", { name: key, on: { change } }, nodes));
}

/** How many rows have each value of a column; cached, as the whole never changes. */
const tallies = new Map();
function tally(name, column, size) {
  if (tallies.has(name)) return tallies.get(name);
  const found = new Array(size).fill(0);
  for (const value of column) if (value >= 0) found[value] += 1;
  tallies.set(name, found);
  return found;
}

/** The choices of a column of names, the frequent ones first, with how many cases each has. */
function nameOptions(name, column, names, every) {
  const counts = tally(name, column, names.length);
  const order = names.map((_, at) => at).filter((at) => counts[at]).sort((one, other) => counts[other] - counts[one]);
  return [[null, every], ...order.map((at) => [names[at], `${names[at] || (name === "arm" ? "plain" : "(no skill)")} (${count(counts[at])})`])];
}

/** Draw all choices over the list. */
function drawFilters() {
  const { index, head: { runs } } = store, { names } = index, mine = index.runs[state.run];
  const slices = Object.entries(index.slices).flatMap(([dimension, { names: values, of }]) => nameOptions(`slice ${dimension}`, of, values, "").slice(1).map(([value, words]) => [`${dimension}:${value}`, `${dimension}: ${words}`]));
  const outcomes = tally(`outcome ${state.run}`, mine.outcome, OUTCOMES.length);
  const results = OUTCOMES.map((word, at) => [word, `${word} (${count(outcomes[at])})`]).filter((_, at) => outcomes[at]);
  const scores = Object.keys(mine.scores), sorts = [["confidence", "least sure first"], ["-confidence", "most sure first"]];
  for (const name of scores.filter((one) => one !== "confidence")) sorts.push([`score ${name}`, `${name}, lowest first`], [`-score ${name}`, `${name}, highest first`]);
  redraw($("filters"), [
    runs.length > 1 && choice("run", "Judged by run", runs.map(({ name }, run) => [String(run), name])),
    names.task.length > 1 && choice("task", "Task", nameOptions("task", index.task, names.task, "all")),
    names.arm.length > 1 && choice("arm", "Arm", nameOptions("arm", index.arm, names.arm, "all")),
    choice("result", "Result", [[null, "all"], ...results]),
    choice("gold", "Right skill", nameOptions("gold", index.gold, names.skill, "any")),
    choice("guess", "Named skill", nameOptions(`guess ${state.run}`, mine.guess, names.skill, "any")),
    slices.length && choice("slice", "Slice", [[null, "all"], ...slices]),
    changeOptions().length && choice("change", "Changed", [[null, "all"], ...changeOptions()]),
    choice("sort", "Order", [[null, "as asked"], ...sorts]),
  ]);
}

/** The two runs that are compared: the first one, and the chosen one or the second. */
const compared = () => [0, state.run || 1];

/** Ways in which a case can differ between runs or arms. */
function changeOptions() {
  const runs = store.head.runs.length > 1 ? [["skill", "skill differs between runs"], ["won", "won: wrong, then right"], ["lost", "lost: right, then wrong"], ["both", "wrong in both"]] : [];
  return store.index.names.arm.length > 1 ? [...runs, ["arms", "skill differs between arms"]] : runs;
}

/** Tests of a row, by kind of change. */
function changed(row, kind) {
  const { runs } = store.index;
  if (kind === "arms") return armsOf(row).some((other) => runs[state.run].guess[other] !== runs[state.run].guess[row]);
  const [first, second] = compared().map((run) => runs[run]);
  const [before, after] = [first.outcome[row], second.outcome[row]];
  if (kind === "skill") return before !== ABSENT && after !== ABSENT && runs.some((run) => run.outcome[row] !== ABSENT && run.guess[row] !== first.guess[row]);
  if (kind === "won") return before === WRONG && after === RIGHT;
  if (kind === "lost") return before === RIGHT && after === WRONG;
  return before === WRONG && after === WRONG;
}

/** Return the rows that pass every filter but the one for changes. `hits` is what the search found, if it ran. */
function filtered(hits) {
  const { index } = store, { names } = index, mine = index.runs[state.run];
  const tests = [];
  const equal = (column, value) => tests.push((row) => column[row] === value);
  if (state.task !== undefined) equal(index.task, names.task.indexOf(state.task));
  if (state.arm !== undefined) equal(index.arm, names.arm.indexOf(state.arm));
  if (state.gold !== undefined) equal(index.gold, names.skill.indexOf(state.gold));
  if (state.guess !== undefined) equal(mine.guess, names.skill.indexOf(state.guess));
  if (state.result !== undefined) equal(mine.outcome, OUTCOMES.indexOf(state.result));
  if (state.slice !== undefined) {
    const [dimension, value] = [state.slice.slice(0, state.slice.indexOf(":")), state.slice.slice(state.slice.indexOf(":") + 1)];
    const column = index.slices[dimension];
    equal(column ? column.of : [], column ? column.names.indexOf(value) : 0);
  }
  if (hits) tests.push((row) => hits[row]);
  const found = [];
  for (let row = 0; row < index.ids.length; row++) if (tests.every((test) => test(row))) found.push(row);
  return found;
}

/** Rows by confidence or a score; those without come last. */
function sorted(rows) {
  if (!state.sort) return rows;
  const mine = store.index.runs[state.run];
  const down = state.sort.startsWith("-"), name = state.sort.replace(/^-/, "");
  const column = name === "confidence" ? mine.confidence : mine.scores[name.replace(/^score /, "")];
  if (!column) return rows;
  const missing = down ? -Infinity : Infinity, key = (row) => column[row] ?? missing;
  return rows.sort((one, other) => (key(one) === key(other) ? one - other : (key(one) < key(other)) === down ? 1 : -1));
}

/** Wins and losses of the compared runs among rows that both were asked. */
function wins(rows) {
  const { runs } = store.index, [first, second] = compared().map((run) => runs[run]);
  const found = { shared: 0, won: 0, lost: 0, both: 0, right: 0, skill: 0 };
  for (const row of rows) {
    const before = first.outcome[row], after = second.outcome[row];
    if (before === ABSENT || after === ABSENT) continue;
    found.shared += 1;
    found.skill += first.guess[row] !== second.guess[row];
    if (before > WRONG || after > WRONG) continue;
    found.won += before === WRONG && after === RIGHT;
    found.lost += before === RIGHT && after === WRONG;
    found.both += before === WRONG && after === WRONG;
    found.right += before === RIGHT && after === RIGHT;
  }
  return found;
}
