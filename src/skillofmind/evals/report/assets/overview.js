// The first view: who was evaluated, and every number with its interval.

const MAIN_PLOTS = 6, MAIN_FORESTS = 2, MAIN_NOTES = 5, SHORT_TABLE = 12;

/** Draw everything that no filter changes. */
function drawOverview() {
  const parts = [intro(), notes(), byMeasure(), differencePart(), el("section", { id: "skills" }), el("section", { id: "slices" }), allNumbers(), settings()];
  $("overview").replaceChildren(el("div", { class: "page" }, parts));
}

/** Title, runs, and how much was asked. */
function intro() {
  const { runs } = store.head;
  const cards = runs.map(({ summary }, run) => {
    const results = summary.results.filter(({ task }) => store.index.names.task.includes(task)), sum = (field) => results.reduce((all, one) => all + one[field], 0);
    const { planner, model } = summary.settings;
    return el("li", {}, runName(run), el("span", { class: "soft", text: [planner, model].filter(Boolean).join(", ") }),
      el("span", { class: "soft", text: [many(sum("items"), "item"), many(new Set(results.map((one) => one.task)).size, "task"), sum("failed") ? `${count(sum("failed"))} failed` : "none failed"].join(", ") }));
  });
  return el("section", { class: "intro" }, el("h1", { text: runs.length > 1 ? `${runs.length} runs side by side` : "What the run came to" }), el("ul", { class: "runs" }, cards),
    el("p", { class: "soft", text: "Intervals are 95 %, from drawing whole dialogues again. ↑ more is better, ↓ less is better. Numbers lead to the cases behind them." }));
}

/** What a reader has to know. */
function notes() {
  const found = [...new Set(store.head.runs.flatMap(({ summary }) => summary.notes || []))];
  if (!found.length) return null;
  const listed = (texts) => el("ul", {}, texts.map((text) => el("li", { text }))), rest = found.slice(MAIN_NOTES);
  return el("section", { class: "notes", "aria-label": "Notes" }, el("h2", { text: "Know before you read on" }), listed(found.slice(0, MAIN_NOTES)),
    rest.length > 0 && el("details", {}, el("summary", { text: many(rest.length, "more note") }), listed(rest)));
}

/** All estimates: [{task, arm, run, result, estimate}]. */
function estimates() {
  return store.head.runs.flatMap(({ summary }, run) => summary.results.flatMap((result) => result.estimates.map((estimate) => ({ task: result.task, arm: result.arm, run, result, estimate }))));
}

/** Entries with equal names, in the order in which they first come: Map(name -> entries). */
function grouped(entries, name) {
  const found = new Map();
  for (const one of entries) found.get(name(one))?.push(one) ?? found.set(name(one), [one]);
  return found;
}

/** A mark of an estimate. */
function markOf(estimate, run) {
  const missing = estimate.missing ? `, ${count(estimate.missing)} cannot count` : "";
  return { run, value: estimate.value, low: estimate.low, high: estimate.high, text: fixed(estimate.value), title: `${store.head.runs[run].name}: ${interval(estimate)}, n = ${count(estimate.n ?? 0)}${missing}` };
}

/** How early a measure stands among those of any task. */
function earliest(measure) {
  const places = store.head.runs.flatMap(({ summary }) => summary.results.map(({ estimates }) => estimates.findIndex((one) => one.measure === measure)));
  return Math.min(...places.filter((at) => at >= 0));
}

/** A plot for each measure: a line for each task and arm, a dot for each run. */
function byMeasure() {
  const of = [...grouped(estimates().filter(({ estimate }) => isNumber(estimate.value)), ({ estimate }) => estimate.measure)];
  if (!of.length) return null;
  // What a task names first is what it is about; of equally early measures the one that most tasks have.
  const tasks = (entries) => new Set(entries.map((entry) => entry.task)).size;
  of.sort((one, other) => earliest(one[0]) - earliest(other[0]) || tasks(other[1]) - tasks(one[1]));
  const plots = of.map(([measure, entries]) => {
    const scale = axis(entries.flatMap(({ estimate: { value, low, high } }) => [value, low, high]).filter(isNumber));
    const rows = [...grouped(entries, ({ task, arm }) => place(task, arm)).values()].map((some, at, all) => {
      // An arm stands under its task, which is named once.
      const { task, arm } = some[0], under = at > 0 && all[at - 1][0].task === task;
      return { label: caseLink({ task, arm }, under ? arm || "plain" : task), sub: under ? "" : arm, under, marks: some.map(({ estimate, run }) => markOf(estimate, run)) };
    });
    return dotPlot({ title: measure + arrow(entries[0].estimate), about: entries[0].estimate.about, rows, scale });
  });
  return el("section", { id: "measures" }, el("h2", { text: "By measure" }), legend(), folded(plots, MAIN_PLOTS));
}

/** The first plots, and the others folded. */
function folded(plots, first, kind = "") {
  const grid = (some) => el("div", { class: `grid ${kind}` }, some);
  const rest = plots.slice(first);
  return [grid(plots.slice(0, first)), rest.length > 0 && el("details", { class: "rest" }, el("summary", { text: many(rest.length, "more measure") }), grid(rest))];
}

/** Names of the runs behind their marks, where there are several. */
function legend() {
  return store.head.runs.length > 1 ? el("p", { class: "legend" }, store.head.runs.map((_, run) => runName(run))) : null;
}

/** Words that lead to cases; only words where a task has no cases of its own, such as a mean over tasks. */
function caseLink(filters, words) {
  if (filters.task && !store.index.names.task.includes(filters.task)) return el("span", { text: words });
  return el("a", { class: "quiet", href: hashOf({ view: "cases", ...filters }), text: words });
}

/** Differences between runs and between arms, a plot a task and measure group. */
function differencePart() {
  const { runs, between } = store.head;
  const arms = runs.flatMap(({ name, summary }) => (summary.differences || []).map((one) => ({ ...one, within: runs.length > 1 ? name : "" })));
  const parts = [["Between runs", between], ["Between arms", arms]].filter(([, found]) => found.length);
  const known = [...new Set(estimates().map(({ estimate }) => estimate.measure))], rank = (name) => (known.includes(name) ? known.indexOf(name) : known.length);
  if (!parts.length) return null;
  return el("section", { id: "differences" }, el("h2", { text: "Differences" }),
    el("p", { class: "soft", text: "Second minus first, on the same items. p by permutation of whole dialogues, then Holm's correction for all differences of the task. Filled: corrected p below 0.05." }),
    parts.map(([title, found]) => el("div", { class: "part" }, parts.length > 1 && el("h3", { text: title }), folded([...grouped(found, (one) => one.measure)].sort((one, other) => rank(one[0]) - rank(other[0])).map(([measure, some]) => forest(measure, some)), MAIN_FORESTS, "two"))));
}

/** Differences of one measure as dots with intervals about 0. */
function forest(measure, found) {
  const scale = axis(found.flatMap(({ value, low, high }) => [value, low, high]).filter(isNumber).concat(0), true);
  const rows = found.map((one) => {
    const p = one.adjusted ?? one.p, sure = isNumber(p) && p < 0.05;
    const [, task, arm] = one.task.match(/^(.*?)(?: \((.*)\))?$/s);
    const label = caseLink({ task, arm }, one.task);
    return { label, sub: `${one.second} − ${one.first}${one.within ? ` (${one.within})` : ""}`, cells: [one.p, one.adjusted].map((value) => el("div", { text: chance(value) })),
      marks: [{ run: 0, value: one.value, low: one.low, high: one.high, hollow: !sure, text: signed(one.value), title: `${interval(one)}, n = ${count(one.n)}` }] };
  });
  return dotPlot({ title: measure, rows, scale, rules: [0], heads: ["p", "Holm"], first: "task" });
}

/** A p-value. */
const chance = (p) => (isNumber(p) ? (p < 0.001 ? "< .001" : p.toFixed(3)) : "–");

/** Every number of every task, and further tables, folded. */
function allNumbers() {
  const { runs } = store.head;
  const results = runs.flatMap(({ summary }, run) => summary.results.map((result) => ({ run, result })));
  const tasks = [...grouped(results, ({ result }) => place(result.task, result.arm))].map(([name, some]) => taskTable(name, some));
  if (tasks.length) tasks[0].open = true;
  return el("section", { id: "numbers" }, el("h2", { text: "All numbers" }), tasks);
}

/** The numbers of one task and arm. */
function taskTable(name, some) {
  const { result } = some[0], { runs } = store.head;
  const measures = [...new Set(some.flatMap((one) => one.result.estimates.map(({ measure }) => measure)))];
  const rows = measures.map((measure) => {
    const found = runs.map((_, run) => some.find((one) => one.run === run)?.result.estimates.find((one) => one.measure === measure));
    const first = found.find(Boolean);
    return el("tr", {}, el("th", { scope: "row", title: first.about || "" }, measure + arrow(first)), found.map((one) => el("td", { class: "figure", text: interval(one) })),
      el("td", { class: "figure", text: count(Math.max(...found.filter(Boolean).map((one) => one.n ?? 0))) }), el("td", { class: "figure soft", text: count(Math.max(...found.filter(Boolean).map((one) => one.missing ?? 0))) }));
  });
  const heads = [...runs.map((run, at) => (runs.length > 1 ? runName(at) : "value [95 %]")), "n", "cannot count"];
  const table = el("table", { class: "numbers" }, el("thead", {}, el("tr", {}, el("th", { scope: "col", text: "measure" }), heads.map((head) => el("th", { scope: "col", class: "figure" }, head)))), el("tbody", {}, rows));
  const size = `${many(result.items, "item")} of ${many(result.groups, "dialogue")}${result.failed ? `, ${count(result.failed)} failed` : ""}`;
  const further = some.flatMap((one) => (one.result.tables || []).map((found) => furtherTable(found, runs.length > 1 ? one.run : null)));
  return el("details", { class: "task" }, el("summary", {}, el("strong", { text: name }), el("span", { class: "soft", text: size })), el("p", { class: "soft", text: result.about }), scrolling(table, name), further,
    store.index.names.task.includes(result.task) && el("p", {}, el("a", { href: hashOf({ view: "cases", task: result.task, arm: result.arm }), text: "Read its cases" })));
}

/** A wide table in a box of its own, which keys can scroll. */
const scrolling = (table, name) => el("div", { class: "scrolling", tabindex: "0", role: "group", "aria-label": plain(name) }, table);

/** A table as the task made it; long ones begin with a few rows. */
function furtherTable(found, run) {
  const line = (row) => el("tr", {}, row.map((cell, at) => (at ? el("td", { class: isNumber(cell) ? "figure" : "", text: number(cell) }) : el("th", { scope: "row", text: number(cell) }))));
  const body = el("tbody", {}, found.rows.slice(0, SHORT_TABLE).map(line));
  const rest = found.rows.slice(SHORT_TABLE);
  const more = rest.length > 0 && el("button", { type: "button", class: "plain-act", text: `Show all ${count(found.rows.length)} rows`, on: { click: (event) => { body.append(...rest.map(line)); event.target.remove(); } } });
  const numeric = (at) => at > 0 && found.rows.some((row) => isNumber(row[at]));
  return el("div", { class: "further" }, el("h3", {}, found.title, run !== null && el("small", {}, runName(run))), found.about && el("p", { class: "soft", text: found.about }),
    scrolling(el("table", { class: "numbers" }, el("thead", {}, el("tr", {}, found.columns.map((name, at) => el("th", { scope: "col", class: numeric(at) ? "figure" : "", text: name })))), body), found.title), more);
}

/** What decided the numbers; what differs between runs is marked. */
function settings() {
  const { runs } = store.head;
  const all = runs.map(({ summary }) => ({ ...summary.settings, skillofmind: summary.version }));
  const keys = [...new Set(all.flatMap(Object.keys))];
  const rows = keys.map((key) => {
    const values = all.map((one) => one[key] ?? "–"), differs = new Set(values).size > 1;
    return el("tr", { class: differs ? "differs" : "" }, el("th", { scope: "row", text: key }), values.map((value) => el("td", { class: "setting" }, differs ? el("mark", { text: value }) : value)));
  });
  const head = runs.length > 1 && el("thead", {}, el("tr", {}, el("th", { scope: "col", text: "setting" }), runs.map((_, run) => el("th", { scope: "col" }, runName(run)))));
  return el("section", { id: "settings" }, el("h2", { text: "Settings" }), scrolling(el("table", { class: "numbers" }, head, el("tbody", {}, rows)), "Settings"));
}
