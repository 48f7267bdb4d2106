// Plots. Dots with intervals are tables whose scale is drawn with boxes, so that they can be read aloud and
// fit every width; only the reliability diagram is SVG.

/** Round ends and ticks for values; shares get 0 to 1 where they use most of it. */
function axis(values, zero = false) {
  let low = Math.min(...values), high = Math.max(...values);
  if (zero) [low, high] = [Math.min(0, low), Math.max(0, high)];
  if (low >= 0 && low < 0.6 * high) low = 0;
  if (low >= 0 && high <= 1 && high > 0.7) high = 1;
  const span = high - low || Math.abs(high) || 1;
  const rough = span / 4, unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((times) => times * unit).find((one) => one >= rough - 1e-12);
  const first = Math.floor(low / step + 1e-9), last = Math.max(first + 1, Math.ceil(high / step - 1e-9));
  const ticks = [];
  for (let tick = first; tick <= last; tick++) ticks.push(Number((tick * step).toPrecision(10)));
  return { low: ticks[0], high: ticks.at(-1), ticks };
}

/** Where a value stands on an axis, as a CSS length. */
const along = (scale, value) => `${(100 * Math.min(1, Math.max(0, (value - scale.low) / (scale.high - scale.low)))).toFixed(2)}%`;

/** One scale with grid lines, the interval and dot of each mark {run, value, low, high, hollow}, and rules. */
function track(scale, mark, rules = []) {
  const lines = scale.ticks.map((tick) => el("i", { class: "tick", at: { left: along(scale, tick) } }));
  const drawn = rules.map((value) => el("i", { class: "rule", at: { left: along(scale, value) } }));
  const inside = [];
  if (mark && isNumber(mark.value)) {
    if (isNumber(mark.low)) {
      const [from, to] = [mark.low, mark.high].map((end) => along(scale, end));
      inside.push(el("i", { class: `range r${mark.run % 6}`, at: { left: from, right: `calc(100% - ${to})` } }));
    }
    inside.push(el("i", { class: `point r${mark.run % 6}${mark.hollow ? " hollow" : ""}`, at: { left: along(scale, mark.value) } }));
  }
  return el("div", { class: "track" }, lines, drawn, inside);
}

/** The row under a plot with the ticks' numbers; `before` and `after` are empty cells around it. */
function axisRow(scale, before, after) {
  const digits = Math.max(...scale.ticks.map((tick) => (String(tick).split(".")[1] || "").length));
  const labels = scale.ticks.map((tick) => el("span", { at: { left: along(scale, tick) }, text: minus(tick.toFixed(digits)) }));
  const empty = (times) => Array.from({ length: times }, () => el("td"));
  return el("tr", { class: "axis", "aria-hidden": "true" }, empty(before), el("td", { class: "scale" }, el("div", { class: "labels" }, labels)), empty(after));
}

/**
 * A plot of dots with intervals.
 * rows: [{label, sub, marks: [{run, value, low, high, text, title, hollow}], cells, class}]; `rules` are
 * vertical lines; `heads` names the columns behind the scale.
 */
function dotPlot({ title, about, rows, scale, rules = [], heads = [], first = "", unit = "value" }) {
  const body = rows.map((row) => {
    const marks = row.marks.filter(Boolean);
    return el("tr", { class: row.class },
      el("th", { scope: "row", class: row.under ? "under" : null }, row.label, row.sub && el("small", { text: row.sub })),
      el("td", { class: "scale" }, marks.map((mark) => track(scale, mark, row.rules || rules))),
      el("td", { class: "figure" }, marks.map((mark) => el("div", { title: mark.title, text: mark.text }))),
      (row.cells || []).map((cell) => el("td", { class: "figure" }, cell)));
  });
  const head = el("tr", {}, [first || "of", "", unit, ...heads].map((name, at) => el(name || at !== 1 ? "th" : "td", at > 1 ? { class: "figure", scope: "col" } : { scope: name ? "col" : null }, at ? name : el("span", { class: first ? "" : "unseen", text: name }))));
  return el("table", { class: `dots${heads.length ? " wide" : ""}`, at: { "--heads": String(heads.length) } },
    el("caption", {}, el("strong", { text: title }), about && el("span", { text: about })),
    el("thead", { class: heads.length ? "" : "unseen" }, head), el("tbody", {}, body, axisRow(scale, 1, 1 + heads.length)));
}

/** The bins of a reliability diagram: [{low, n, right, confidence}] over ten equal ranges. */
function reliabilityBins(run, rows) {
  const { outcome, confidence } = store.index.runs[run];
  const bins = Array.from({ length: 10 }, () => ({ n: 0, right: 0, sum: 0 }));
  for (const row of rows) {
    if (confidence[row] === null || outcome[row] > WRONG) continue;
    const bin = bins[Math.min(9, Math.floor(confidence[row] * 10))];
    bin.n += 1;
    bin.right += outcome[row] === RIGHT;
    bin.sum += confidence[row];
  }
  return bins;
}

/** Share of right answers against stated confidence, one line a run, with how many cases below. */
function reliability(rows) {
  const size = 300, left = 44, top = 10, below = 92, height = size + top + below;
  const x = (value) => left + value * size, y = (value) => top + (1 - value) * size;
  const parts = [0, 0.2, 0.4, 0.6, 0.8, 1].flatMap((tick) => [
    svg("line", { class: "grid", x1: x(0), x2: x(1), y1: y(tick), y2: y(tick) }),
    svg("text", { class: "label", x: left - 8, y: y(tick) + 4, "text-anchor": "end" }, percent(tick)),
    svg("text", { class: "label", x: x(tick), y: height - 24, "text-anchor": "middle" }, percent(tick)),
  ]);
  parts.push(svg("line", { class: "ideal", x1: x(0), y1: y(0), x2: x(1), y2: y(1) }));
  let judged = 0;
  store.head.runs.forEach((_, run) => {
    const bins = reliabilityBins(run, rows), filled = bins.filter((bin) => bin.n);
    judged += filled.length;
    if (!filled.length) return;
    const most = Math.max(...bins.map((bin) => bin.n)), runs = store.head.runs.length, width = (size / 10 - 4) / runs;
    parts.push(svg("polyline", { class: `curve r${run % 6}`, points: filled.map((bin) => `${x(bin.sum / bin.n)},${y(bin.right / bin.n)}`).join(" ") }));
    bins.forEach((bin, at) => {
      if (!bin.n) return;
      const middle = x(bin.sum / bin.n), share = bin.right / bin.n, [low, high] = wilson(bin.right, bin.n);
      const words = `${store.head.runs[run].name}: confidence ${(bin.sum / bin.n).toFixed(2)}, right ${share.toFixed(2)} [${low.toFixed(2)}, ${high.toFixed(2)}], n = ${count(bin.n)}`;
      const bar = (38 * bin.n) / most;
      parts.push(
        svg("line", { class: `whisker r${run % 6}`, x1: middle, x2: middle, y1: y(low), y2: y(high) }),
        svg("circle", { class: `knot r${run % 6}`, cx: middle, cy: y(share), r: 4.5 }, svg("title", {}, words)),
        svg("rect", { class: `bar r${run % 6}`, x: x(at / 10) + 2 + run * width, width, y: height - 42 - bar, height: Math.max(1, bar) }, svg("title", {}, words)));
    });
  });
  if (!judged) return null;
  parts.push(svg("text", { class: "label", x: x(0.5), y: height - 4, "text-anchor": "middle" }, "stated confidence, and how many cases"));
  const name = "Reliability: share of right answers against stated confidence";
  return el("figure", { class: "reliability" }, el("figcaption", {}, el("strong", { text: "Reliability" }), el("span", { text: "Share of right answers against stated confidence. On the dashed line, a planner is right as often as it says. Bars: Wilson's 95 % intervals of single cases." })),
    svg("svg", { viewBox: `0 0 ${left + size + 26} ${height}`, role: "img", "aria-label": name }, parts));
}
