// The page as a whole: colours, drawing it anew, deep links, and what the mouse and the keyboard do.

const colours = () => {
  const style = document.documentElement.style,
    dark = state.theme === "dark";
  document.documentElement.dataset.theme = state.theme;
  const set = {
    paper: theme().paper,
    ink: theme().ink,
    faint: theme().faint,
    rule: theme().rule,
    stripe: theme().stripe,
    card: dark ? "#171c22" : "#fcfcfd",
    bad: look("FAILED").ink,
    good: dark ? "#5fd6ac" : "#007a59",
    warn: theme().graceLine,
    link: dark ? "#8ab8ff" : "#1f5fbf",
    focus: dark ? "#8ab8ff" : "#2b7de9",
  };
  for (const [name, value] of Object.entries(set)) style.setProperty(`--${name}`, value);
  $("theme").textContent = dark ? "Light" : "Dark";
};

let panels = [];
const render = () => {
  colours();
  width = Math.max($("chart").clientWidth, 480);
  panels = visible().flatMap(collect);
  panels.sort((a, b) => (a.owner.kind > b.owner.kind) - (a.owner.kind < b.owner.kind));
  const order = [...new Set(panels.map((one) => one.owner.kind + one.owner.name))];
  panels.sort((a, b) => order.indexOf(a.owner.kind + a.owner.name) - order.indexOf(b.owner.kind + b.owner.name));
  const widest = Math.max(
    90,
    ...panels.flatMap((one) =>
      one.owner.lanes.map((lane) => measure(lane.name, 12.5) + (!lane.role ? 0 : measure(lane.role, 10.5) + 8)),
    ),
    ...panels.flatMap((one) => one.owner.bands.map((band) => measure(band.name, 10.5))),
  );
  names = Math.min(widest + 26, width * 0.3);
  items = [];
  shownLanes = [];
  byKey = new Map();
  const refused = visible().flatMap((run) => DATA.runs[run].refusals.map((one) => drawRefusal(run, one)));
  $("chart").replaceChildren(...refused, ...panels.map((panel, index) => drawPanel(panel, index)), drawAxis());
  $("chart").style.setProperty("--names", `${names}px`);
  document.documentElement.style.setProperty("--names", `${names}px`);
  document.documentElement.style.setProperty("--after", `${AFTER}px`);
  drawLegend(panels);
  for (const button of $("runs").children)
    button.setAttribute("aria-pressed", String(button.dataset.run === String(state.run)));
  $("compress").checked = state.compress;
  moved();
  explain();
  answers();
  notes();
  story();
};

// -- deep links: everything that decides what is seen stands in the address ---------------------------------------

let silent = false;
const remember = () => {
  if (silent) return;
  const parts = new URLSearchParams();
  if (state.run !== "all") parts.set("run", state.run);
  if (state.t) parts.set("t", Math.round(state.t * 1000) / 1000);
  if (state.key) parts.set("item", state.key);
  if (state.view[0] > 0 || state.view[1] < 1) parts.set("view", state.view.map((one) => one.toFixed(4)).join("-"));
  if (!state.compress) parts.set("compress", "no");
  const text = parts.toString();
  try {
    history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
  }
};
const recall = () => {
  const parts = new URLSearchParams(location.hash.slice(1)),
    run = Number(parts.get("run") ?? NaN);
  state.run = DATA.runs.length === 1 ? 0 : DATA.runs[run] ? run : "all";
  state.t = clamp(Number(parts.get("t")) || 0, DATA.scale[0][0], END);
  state.key = parts.get("item") || "";
  const view = (parts.get("view") || "0-1").split("-").map(Number);
  state.view = view.length === 2 && view[0] >= 0 && view[1] <= 1 && view[1] - view[0] >= 0.0004 ? view : [0, 1];
  state.compress = parts.get("compress") !== "no";
  silent = true;
  render();
  silent = false;
};

const wire = () => {
  document.title = DATA.title || "kubesim";
  $("title").textContent = DATA.title;
  $("about").textContent = DATA.about;
  $("said").replaceChildren(...DATA.said.map((sentence) => make("p", {}, sentence)));
  if (DATA.runs.length > 1)
    for (const run of ["all", ...DATA.runs.keys()])
      $("runs").append(
        make(
          "button",
          { "data-run": run, onclick: () => chooseRun(run) },
          run === "all" ? "All" : DATA.runs[run].label,
        ),
      );
  state.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  $("zoom-in").onclick = () => zoom(0.6);
  $("zoom-out").onclick = () => zoom(1 / 0.6);
  $("fit").onclick = () => {
    state.view = [0, 1];
    render();
  };
  $("compress").onchange = (event) => {
    state.compress = event.target.checked;
    state.view = [0, 1];
    render();
  };
  $("theme").onclick = () => {
    state.theme = state.theme === "dark" ? "light" : "dark";
    render();
  };
  $("help-button").onclick = () => $("help").showModal();
  $("scrubber").oninput = (event) => {
    const [low, high] = state.view;
    state.t = instant(low + (event.target.value / 100000) * (high - low));
    moved();
  };
  const chart = $("chart"),
    itemOf = (event) => byKey.get(event.target.closest?.(".item")?.dataset.key);
  let drag = null;
  chart.addEventListener("pointermove", (event) => {
    if (drag) {
      const moved = event.clientX - drag.from;
      if (Math.abs(moved) > 4) drag.moved = true;
      if (drag.moved) {
        const span = drag.view[1] - drag.view[0],
          left = clamp(drag.view[0] - (moved / plot()) * span, 0, 1 - span);
        state.view = [left, left + span];
        tip.hidden = true;
        render();
      }
      return;
    }
    hover(itemOf(event), event);
  });
  chart.addEventListener("pointerleave", () => {
    tip.hidden = true;
  });
  chart.addEventListener("pointerdown", (event) => {
    if (event.button === 0) drag = { from: event.clientX, view: [...state.view], moved: false, item: itemOf(event) };
  });
  addEventListener("pointerup", (event) => {
    const done = drag;
    drag = null;
    if (!done || done.moved) return;
    const box = chart.getBoundingClientRect(),
      place = at((event.clientX - box.left) * (width / box.width));
    if (done.item) {
      state.key = done.item.key;
      explain();
      go(done.item.end > done.item.start ? place : done.item.start);
    } else if (event.clientX - box.left > names) go(place);
  });
  chart.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const box = chart.getBoundingClientRect();
      zoom(event.deltaY > 0 ? 1.2 : 1 / 1.2, unit(at((event.clientX - box.left) * (width / box.width))));
    },
    { passive: false },
  );
  addEventListener("keydown", keys);
  addEventListener("hashchange", recall);
  let waiting = 0;
  addEventListener("resize", () => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(render);
  });
  addEventListener("beforeprint", () => {
    onScreen = onScreen || { theme: state.theme, view: state.view };
    state.theme = "light";
    state.view = [0, 1];
    render();
  });
  addEventListener("afterprint", () => {
    Object.assign(state, onScreen || {});
    onScreen = null;
    render();
  });
};
const keys = (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || $("help").open) return;
  const inChart = document.activeElement === $("chart") || document.activeElement === document.body;
  const number = Number(event.key);
  if (event.key === "Escape") {
    state.key = "";
    explain();
    remember();
    tip.hidden = true;
  } else if (event.key === "?") $("help").showModal();
  else if (event.key === "+" || event.key === "=") zoom(0.6);
  else if (event.key === "-") zoom(1 / 0.6);
  else if (event.key === "f") {
    state.view = [0, 1];
    render();
  } else if (event.key === "c") {
    state.compress = !state.compress;
    state.view = [0, 1];
    render();
  } else if (event.key === "d") $("theme").click();
  else if (event.key === "a" && DATA.runs.length > 1) chooseRun("all");
  else if (number >= 1 && number <= DATA.runs.length && DATA.runs.length > 1) chooseRun(number - 1);
  else if (event.key === ",") step(-1);
  else if (event.key === ".") step(1);
  else if (inChart && event.key.startsWith("Arrow")) {
    event.preventDefault();
    if (event.key === "ArrowLeft") event.shiftKey ? pan(-0.2) : nextItem(-1);
    if (event.key === "ArrowRight") event.shiftKey ? pan(0.2) : nextItem(1);
    if (event.key === "ArrowUp") nextLane(-1);
    if (event.key === "ArrowDown") nextLane(1);
  }
};

wire();
recall();
