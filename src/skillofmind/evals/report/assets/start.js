// The start, the views, and the keys.

let drawn = "";

/** Show what the address says. */
function apply() {
  readState();
  for (const name of ["overview", "cases"]) {
    $(name).hidden = state.view !== name;
    if (state.view === name) $(`tab-${name}`).setAttribute("aria-current", "page");
    else $(`tab-${name}`).removeAttribute("aria-current");
  }
  document.body.classList.toggle("in-cases", state.view === "cases");
  $("tab-cases").href = hashOf({ ...state, view: "cases", case: undefined });
  $("tab-overview").href = hashOf({ view: "overview", run: state.run, task: state.task, arm: state.arm });
  if (state.view === "cases") return drawCases().then(readAhead);
  document.body.classList.remove("reading");
  if (!drawn) drawOverview();
  const choice = JSON.stringify([state.run, state.task, state.arm]);
  if (drawn !== choice) drawChosen();
  drawn = choice;
  return undefined;
}

/** Once the list is drawn, unpack what the search needs while nothing else is done. */
function readAhead() {
  if (!store.texts && window.requestIdleCallback) requestIdleCallback(() => searchTexts(), { timeout: 3000 });
}

/** Open or close the filters. */
function toggleFilters(open = $("filters").hidden) {
  $("filters").hidden = !open;
  $("more").setAttribute("aria-expanded", String(open));
  drawLines();
}

/** Keys outside of fields. */
function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || state.view !== "cases") return;
  if (event.key === "Escape") {
    if (event.target !== $("q")) return;
    // Browsers would empty the field.
    event.preventDefault();
    $("list").focus();
    return;
  }
  if (event.target.matches("input, select, textarea")) return;
  const inList = event.target === $("list");
  const acts = { j: () => step(1), k: () => step(-1), "/": () => $("q").focus(), f: () => toggleFilters() };
  const listActs = { ArrowDown: () => step(1), ArrowUp: () => step(-1), Home: () => step(-Infinity), End: () => step(Infinity), PageDown: () => step(8), PageUp: () => step(-8) };
  const act = acts[event.key] || (inList && listActs[event.key]);
  if (!act) return;
  event.preventDefault();
  act();
}

/** Set up everything that does not depend on the state. */
function listen() {
  let waiting;
  $("q").addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      const q = $("q").value.trim() ? $("q").value : undefined;
      if (q !== state.q) go({ q, case: undefined }, true);
    }, 150);
  });
  // The texts are ready when the first word is typed; unpacking them takes as long as typing it.
  $("q").addEventListener("focus", () => searchTexts());
  $("more").addEventListener("click", () => toggleFilters());
  $("reset").addEventListener("click", () => go(Object.fromEntries([...FILTERS, "q", "case"].map((key) => [key, undefined]))));
  $("list").addEventListener("scroll", () => requestAnimationFrame(drawLines), { passive: true });
  $("list").addEventListener("click", (event) => {
    const line = event.target.closest("[data-row]");
    if (line) go({ case: keyOf(Number(line.dataset.row)) });
  });
  addEventListener("hashchange", apply);
  addEventListener("keydown", onKey);
  addEventListener("resize", drawLines);
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((one) => (one.open = true)));
}

openStore().then(async () => {
  const names = store.head.runs.map(({ name }) => name);
  $("names").textContent = plain(names.join(", "));
  listen();
  toggleFilters(matchMedia("(min-width: 60rem) and (min-height: 64rem)").matches);
  await apply();
  $("opening").remove();
  document.documentElement.dataset.ready = performance.now().toFixed(0);
}).catch((error) => {
  $("opening").textContent = `This page cannot be opened: ${plain(error)}. A browser of 2023 or later is needed.`;
});
