// Skills and slices: what the cases say about where a planner is strong and where not. Both follow the
// choice of task, arm and run at their head, which the list of cases shares.

const TOP_SKILLS = 12, TOP_SLICES = 15;
const shown = { skills: false, slices: false, measure: "" };

/** Draw both parts for the current choice. */
function drawChosen() {
  drawSkills();
  drawSlices();
}

/** Rows of the chosen task and arm. */
function chosenRows() {
  const { task, arm, names } = store.index, found = [];
  const wantedTask = names.task.indexOf(state.task), wantedArm = names.arm.indexOf(state.arm ?? " ");
  for (let row = 0; row < task.length; row++) {
    if ((wantedTask < 0 || task[row] === wantedTask) && (wantedArm < 0 || arm[row] === wantedArm)) found.push(row);
  }
  return found;
}

/** The choice of run, task and arm. */
function chooser(extra) {
  const { names } = store.index;
  return el("div", { class: "chooser" }, store.head.runs.length > 1 && choice("run", "Run", store.head.runs.map(({ name }, run) => [String(run), name])),
    names.task.length > 1 && choice("task", "Task", [[null, "all tasks"], ...names.task.map((name) => [name, name])]),
    names.arm.length > 1 && choice("arm", "Arm", [[null, "all arms"], ...names.arm.map((name) => [name, name || "plain"])]), extra);
}

/** Skills: reliability, how each one is met, and which are taken for one another. */
function drawSkills() {
  const rows = chosenRows(), { index } = store;
  const judged = rows.filter((row) => index.gold[row] >= 0 && index.runs[state.run].guess[row] >= 0);
  if (!index.gold.some((gold) => gold >= 0)) return;
  const parts = judged.length
    ? [el("div", { class: "grid pair" }, reliability(rows), confusions(judged)), perSkill(rows), heatMap(judged)]
    : [el("p", { class: "soft", text: "No plan of this choice has a right skill to compare with." })];
  redraw($("skills"), [el("h2", { text: "Skills" }), chooser(), legend(), parts]);
}

/** Counts of a run: n of each gold skill, guesses, hits. */
function skillCounts(run, rows) {
  const { gold, names, runs } = store.index, { guess, outcome } = runs[run];
  const found = names.skill.map(() => ({ gold: 0, guess: 0, met: 0, exact: 0 }));
  for (const row of rows) {
    if (gold[row] < 0 || outcome[row] === ABSENT || outcome[row] === UNJUDGED) continue;
    const one = found[gold[row]];
    one.gold += 1;
    one.met += outcome[row] === RIGHT;
    if (guess[row] < 0) continue;
    found[guess[row]].guess += 1;
    found[guess[row]].exact += outcome[row] === RIGHT;
  }
  return found;
}

/** How often each gold skill is met, and how often a guess of it is right. */
function perSkill(rows) {
  const { names } = store.index, all = store.head.runs.map((_, run) => skillCounts(run, rows));
  const order = names.skill.map((_, at) => at).filter((at) => all.some((counts) => counts[at].gold));
  order.sort((one, other) => all[state.run][other].gold - all[state.run][one].gold);
  const visible = shown.skills ? order : order.slice(0, 15);
  const scale = { low: 0, high: 1, ticks: [0, 0.25, 0.5, 0.75, 1] };
  const lines = visible.map((at) => ({
    label: caseLink({ ...here(), gold: names.skill[at] }, skillName(names.skill[at])),
    marks: all.map((counts, run) => {
      const { gold, met } = counts[at];
      if (!gold) return null;
      const [low, high] = wilson(met, gold);
      return { run, value: met / gold, low, high, text: percent(met / gold), title: `${store.head.runs[run].name}: ${met} of ${gold} [${low.toFixed(2)}, ${high.toFixed(2)}]` };
    }),
    cells: [all.map((counts) => el("div", { text: counts[at].guess ? percent(counts[at].exact / counts[at].guess) : "–" })), all.map((counts) => el("div", { text: count(counts[at].guess) })), el("div", { text: count(all[state.run][at].gold) })],
  }));
  const plot = dotPlot({ title: "Skill by skill", about: "How often the skill is met where it is the right one, with Wilson's 95 % interval; how often it is right where it is named.", rows: lines, scale, first: "skill", unit: "met", heads: ["right when named", "named", "cases"] });
  return el("div", { class: "skillwise" }, scrolling(plot, "Skill by skill"), more("skills", order.length, visible.length));
}

/** A button that shows all lines of a part. */
function more(part, all, visible) {
  return visible < all && el("button", { type: "button", class: "plain-act", text: `Show all ${count(all)}`, on: { click: () => { shown[part] = true; drawChosen(); } } });
}

/** The choice of task and arm, as filters of a link. */
const here = () => ({ task: state.task, arm: state.arm, run: state.run });

/** Pairs of skills that are taken for one another most. */
function confusions(rows) {
  const { gold, names, runs } = store.index, { guess, outcome } = runs[state.run], pairs = new Map(), of = new Map();
  for (const row of rows) {
    of.set(gold[row], (of.get(gold[row]) || 0) + 1);
    if (outcome[row] !== WRONG || gold[row] === guess[row]) continue;
    const key = `${gold[row]} ${guess[row]}`;
    pairs.set(key, (pairs.get(key) || 0) + 1);
  }
  const top = [...pairs].sort((one, other) => other[1] - one[1]).slice(0, 10);
  const lines = top.map(([key, times]) => {
    const [right, named] = key.split(" ").map(Number);
    return el("li", {}, el("a", { class: "quiet", href: hashOf({ view: "cases", ...here(), gold: names.skill[right], guess: names.skill[named] }) },
      el("b", { class: "figure", text: count(times) }), el("span", {}, el("bdi", { text: skillName(names.skill[right]) }), el("span", { class: "soft", text: " is taken for " }), el("bdi", { text: skillName(names.skill[named]) })),
      el("small", { text: percent(times / of.get(right)) }), el("i", { class: "share", at: { width: percent(times / top[0][1]).replace(" ", "") } })));
  });
  return el("div", { class: "confusions" }, el("h3", { text: "Taken for one another" }), el("p", { class: "soft", text: "The most frequent wrong choices, with their share of the cases of the right skill." }), top.length ? el("ol", {}, lines) : el("p", { text: "No wrong choice." }));
}

/** Right skill by named skill: share of each right skill, as a table whose cells lead to their cases. */
function heatMap(rows) {
  const { gold, names, runs } = store.index, { guess } = runs[state.run];
  const totals = new Map(), cells = new Map();
  for (const row of rows) {
    totals.set(gold[row], (totals.get(gold[row]) || 0) + 1);
    const key = `${gold[row]} ${guess[row]}`;
    cells.set(key, (cells.get(key) || 0) + 1);
  }
  const top = [...totals].sort((one, other) => other[1] - one[1]).slice(0, TOP_SKILLS).map(([skill]) => skill);
  const lines = top.map((right) => {
    let rest = totals.get(right);
    const found = top.map((named) => {
      const times = cells.get(`${right} ${named}`) || 0;
      rest -= times;
      return heatCell(times, times / totals.get(right), right === named, { gold: names.skill[right], guess: names.skill[named] });
    });
    return el("tr", {}, el("th", { scope: "row", text: skillName(names.skill[right]) }), found, heatCell(rest, rest / totals.get(right), false, null), el("td", { class: "figure soft", text: count(totals.get(right)) }));
  });
  const heads = [...top.map((skill) => skillName(names.skill[skill])), "others"].map((name) => el("th", { scope: "col" }, el("span", { text: name })));
  return el("div", { class: "further" }, el("h3", { text: "Right skill by named skill" }), el("p", { class: "soft", text: `The ${top.length} most frequent right skills, one a line. The deeper the colour, the larger the share of the line; the outlined cells are the right choices.` }),
    scrolling(el("table", { class: "heat" }, el("thead", {}, el("tr", {}, el("td", { class: "corner", text: "right ↓ named →" }), heads, el("th", { scope: "col" }, el("span", { text: "cases" })))), el("tbody", {}, lines)), "Right skill by named skill"));
}

/** One cell of the heat map. */
function heatCell(times, share, right, filters) {
  const words = times && filters ? el("a", { href: hashOf({ view: "cases", ...here(), ...filters }), text: count(times) }) : times ? count(times) : "";
  return el("td", { class: right ? "diagonal" : null, at: { "--share": (share ** 0.75).toFixed(3) }, title: times ? percent(share) : "" }, words);
}

/** Slices of the chosen task, arm and run by one measure, the worst first. */
function drawSlices() {
  const results = store.head.runs[state.run].summary.results.filter((one) => (!state.task || one.task === state.task) && (state.arm === undefined || one.arm === state.arm));
  const all = results.flatMap((result) => Object.entries(result.slices || {}).flatMap(([dimension, values]) => Object.entries(values).flatMap(([value, parts]) => parts.map((part) => ({ result, dimension, value, part, whole: result.estimates.find((one) => one.measure === part.measure) })))));
  const usable = all.filter(({ part, whole }) => isNumber(part.value) && whole && isNumber(whole.value));
  const measures = [...new Set(usable.map(({ part }) => part.measure))];
  if (!store.head.runs.some(({ summary }) => summary.results.some((one) => Object.keys(one.slices || {}).length))) return;
  if (!measures.includes(shown.measure)) shown.measure = measures[0];
  const found = usable.filter(({ part }) => part.measure === shown.measure).map((one) => ({ ...one, gap: badness(one) }));
  found.sort((one, other) => isBad(other) - isBad(one) || other.gap - one.gap);
  const visible = shown.slices ? found : found.slice(0, TOP_SLICES);
  const pick = el("label", { class: "field" }, el("span", { text: "Measure" }), el("select", { name: "measure", on: { change: (event) => { shown.measure = event.target.value; drawSlices(); } } }, measures.map((name) => el("option", { value: name, selected: name === shown.measure, text: name }))));
  const bad = found.filter(isBad).length;
  const about = bad ? `${many(bad, "slice is", "slices are")} worse than all cases beyond the interval.` : "No slice is worse than all cases beyond its interval.";
  redraw($("slices"), [el("h2", { text: "Where it is worst" }), chooser(measures.length > 1 && pick), found.length ? scrolling(slicePlot(visible, about), "Slices") : el("p", { class: "soft", text: "This choice has no slices." }), more("slices", found.length, visible.length)]);
}

/** How far a slice lies on the worse side. */
const badness = ({ part, whole }) => ({ higher: 1, lower: -1, "": 0 })[part.better ?? "higher"] * (whole.value - part.value);

/** Whether the whole interval is on the worse side of the value of all cases. */
const isBad = ({ part, whole, gap }) => gap > 0 && isNumber(part.low) && ((part.better ?? "higher") === "higher" ? part.high < whole.value : part.low > whole.value);

/** Slices as dots with intervals; the rule of each line is the value of all its cases. */
function slicePlot(visible, about) {
  const scale = axis(visible.flatMap(({ part, whole }) => [part.value, part.low, part.high, whole.value]).filter(isNumber));
  const rows = visible.map((one) => {
    const { result, dimension, value, part, whole } = one;
    return { class: isBad(one) ? "worst" : "", sub: store.index.names.task.length > 1 && !state.task ? place(result.task, result.arm) : "", rules: [whole.value],
      label: caseLink({ task: result.task, arm: result.arm, run: state.run, slice: `${dimension}:${value}` }, `${dimension}: ${value}`),
      marks: [markOf(part, state.run)], cells: [el("div", { text: signed(part.value - whole.value) }), el("div", { text: count(part.n ?? 0) })] };
  });
  return dotPlot({ title: shown.measure, about, rows, scale, first: "slice", heads: ["to all", "cases"] });
}
