"use strict";
(() => {
  const DATA = JSON.parse(document.getElementById("data").textContent);
  const SVG = "http://www.w3.org/2000/svg";
  const ENDED = new Set(["COMPLETED", "FAILED", "KILLED"]);
  const PROBES = new Set(["PROBE_PASSED", "PROBE_FAILED"]);
  const LANE = 40, BAR_TOP = 15, BAR = 20, BAND = 22, CONDITION = 16, AFTER = 64;
  const END = DATA.scale[DATA.scale.length - 1][1];
  const state = { run: "all", t: 0, key: "", view: [0, 1], compress: true, theme: "light", answer: -1 };
  let items = [];         // everything that can be pointed at, lane by lane
  let shownLanes = [];    // lists of keys, for the arrow keys
  let byKey = new Map();
  let names = 200, width = 1000;
  let onScreen = null;    // theme and view while it is printed

  // -- small helpers --------------------------------------------------------------------------------------------

  const $ = (id) => document.getElementById(id);
  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name === "class") element.className = value;
      else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else element.setAttribute(name, value);
    }
    element.append(...children.filter((child) => child !== null && child !== undefined));
    return element;
  };
  const draw = (tag, attributes = {}, ...children) => {
    const element = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) if (value !== "") element.setAttribute(name, value);
    element.append(...children);
    return element;
  };
  const ruler = document.createElement("canvas").getContext("2d");
  const family = getComputedStyle(document.documentElement).fontFamily;
  const measure = (text, size, bold = false) => {
    ruler.font = `${bold ? "600 " : ""}${size}px ${family}`;
    return ruler.measureText(text).width;
  };
  const shortened = (text, size, room) => {
    if (measure(text, size) <= room) return text;
    for (let length = text.length - 1; length > 1; length--) {
      const head = Math.ceil(length / 2);
      const cut = text.slice(0, head) + "…" + text.slice(text.length - (length - head));
      if (measure(cut, size) <= room) return cut;
    }
    return "…";
  };
  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
  const clock = (ms) => {
    const sign = ms < 0 ? "-" : "+", whole = Math.round(Math.abs(ms));
    const rest = String(whole % 1000).padStart(3, "0");
    if (whole < 600000) return `${sign}${Math.floor(whole / 1000)}.${rest}s`;
    const seconds = String(Math.floor(whole / 1000) % 60).padStart(2, "0");
    const minutes = Math.floor(whole / 60000);
    return minutes < 60 ? `${sign}${minutes}m${seconds}s` : `${sign}${Math.floor(minutes / 60)}h${String(minutes % 60).padStart(2, "0")}m${seconds}s`;
  };
  const lasted = (ms) => ms < 1000 ? `${Math.round(ms)} ms` : ms < 120000 ? `${+(ms / 1000).toFixed(2)} s` : `${Math.floor(ms / 60000)} min ${Math.round(ms / 1000) % 60} s`;
  // About how long a break is.
  const about = (ms) => ms < 72e5 ? lasted(Math.round(ms / 1000) * 1000) : ms < 2592e5 ? `${Math.round(ms / 36e5)} h` : `${Math.round(ms / 864e5)} d`;
  // The age as kubectl prints it: the largest two units that matter, truncated.
  const age = (ms) => {
    const seconds = Math.floor(ms / 1000);
    if (seconds < 0) return "0s";
    if (seconds < 120) return `${seconds}s`;
    const minutes = Math.floor(seconds / 60);
    if (minutes < 10) return seconds % 60 ? `${minutes}m${seconds % 60}s` : `${minutes}m`;
    if (minutes < 180) return `${minutes}m`;
    const hours = Math.floor(minutes / 60);
    if (hours < 8) return minutes % 60 ? `${hours}h${minutes % 60}m` : `${hours}h`;
    if (hours < 48) return `${hours}h`;
    const days = Math.floor(hours / 24);
    return days < 8 && hours % 24 ? `${days}d${hours % 24}h` : `${days}d`;
  };

  // -- time and place -------------------------------------------------------------------------------------------

  const STRAIGHT = [[DATA.scale[0][0], END, 0, 1, false]];
  const pieces = () => (state.compress ? DATA.scale : STRAIGHT);
  const unit = (ms) => {                       // instant to 0 … 1 of the whole
    const all = pieces();
    let piece = all[0];
    for (const one of all) if (one[0] <= ms) piece = one;
    const length = piece[1] - piece[0];
    return piece[2] + (length ? (clamp(ms, piece[0], piece[1]) - piece[0]) / length : 0) * piece[3];
  };
  const instant = (place) => {                 // and back
    const all = pieces();
    let piece = all[0];
    for (const one of all) if (one[2] <= place) piece = one;
    return piece[0] + (piece[3] ? clamp((place - piece[2]) / piece[3], 0, 1) : 0) * (piece[1] - piece[0]);
  };
  const plot = () => width - names - AFTER;
  const x = (ms) => names + ((unit(ms) - state.view[0]) / (state.view[1] - state.view[0])) * plot();
  const at = (pixel) => instant(clamp(state.view[0] + ((pixel - names) / plot()) * (state.view[1] - state.view[0]), 0, 1));
  const look = (name) => theme().looks[name];
  const theme = () => DATA.themes[state.theme];

  // -- items ----------------------------------------------------------------------------------------------------

  const visible = () => (state.run === "all" ? DATA.runs.map((_, index) => index) : [state.run]);
  const current = () => (state.run === "all" ? 0 : state.run);
  const lookWords = (name) => ({ BACK_OFF: "back-off or error", STARTED: "started, not ready" }[name] || look(name).words);

  const collect = (index) => {
    const run = DATA.runs[index], owners = [];
    const jobs = run.jobs, alone = (pod) => run.pods.filter((other) => other.job === pod.job && other.namespace === pod.namespace).length === 1;
    for (const owner of [...jobs, ...run.pods.filter((pod) => !pod.job || alone(pod) || run.pods.length < 7)]) owners.push(owner);
    return owners.map((owner) => ({ run: index, owner, lanes: owner.lanes.map((lane) => laneItems(index, owner, lane)), bands: owner.bands.map((band) => bandItems(index, owner, band)), moments: momentItems(index, owner) }));
  };
  const laneItems = (run, owner, lane) => {
    const prefix = `${run}/${owner.name}/${lane.name}`, found = [];
    lane.spans.forEach(([start, end, name, number, label, why, rules, open], place) => {
      const what = ENDED.has(name) ? label || lookWords(name) : label && name === "BACK_OFF" ? label : lookWords(name);
      const again = number > 0 ? ` (restart ${number})` : "";
      found.push({ key: `${prefix}/span${place}`, kind: "span", look: name, start, end, open, label, subject: lane.name, title: `${lane.name}: ${what}${again}`, why, rules });
    });
    lane.marks.forEach(([start, kind, label, why, rules], place) => found.push({ key: `${prefix}/mark${place}`, kind: "mark", mark: kind, label, start, end: start, subject: lane.name, title: `${lane.name}: ${label}`, why, rules }));
    lane.hooks.forEach(([start, end, name, command, code], place) => found.push({ key: `${prefix}/hook${place}`, kind: "hook", start, end, label: name, subject: lane.name, title: `${lane.name}: ${name} hook`, why: command ? `runs: ${command}` : "", more: code === null ? "it never ended by itself" : `it ended with ${code}`, rules: [] }));
    lane.windows.forEach(([start, end, seconds], place) => found.push({ key: `${prefix}/grace${place}`, kind: "window", start, end, subject: lane.name, title: `${lane.name}: grace period of ${seconds} s`, why: `SIGKILL follows at ${clock(end)} if it still runs`, rules: [] }));
    found.sort((a, b) => a.start - b.start || a.end - b.end);
    return { lane, items: found };
  };
  const bandItems = (run, owner, band) => ({
    band,
    items: band.segments.map(([start, end, value, detail], place) => ({ key: `${run}/${owner.name}/${band.name}/at${place}`, kind: "band", start, end, value, subject: band.name, title: `${band.name}: ${value}`, why: detail, rules: [] })),
  });
  const momentItems = (run, owner) => {
    const mine = new Set([owner.name, owner.job, ...(owner.kind === "Job" ? owner.lanes.map((lane) => lane.name) : [])]);
    const found = DATA.runs[run].moments.filter((one) => !one[3] || mine.has(one[3])).map(([start, kind, label, subject, detail], place) => ({ key: `${run}/${owner.name}/moment${place}`, kind: "moment", moment: kind, start, end: start, subject, label, title: subject ? `${label.split(",")[0]} ${subject}${label.includes(",") ? "," + label.split(",").slice(1).join(",") : ""}` : label, why: detail, rules: [] }));
    for (const [index, [start, end, seconds]] of owner.windows.entries()) found.push({ key: `${run}/${owner.name}/end${index}`, kind: "moment", moment: "GRACE", start: end, end, begin: start, subject: owner.name, label: `grace of ${seconds} s ends`, title: `${owner.name}: grace period of ${seconds} s`, why: `from ${clock(start)} to ${clock(end)}`, rules: [] });
    return found.sort((a, b) => a.start - b.start);
  };

  // -- drawing --------------------------------------------------------------------------------------------------

  const patterns = () => {
    const found = draw("defs");
    for (const [name, fill] of Object.entries(theme().looks)) {
      if (!fill.pattern) continue;
      const colour = fill.patternColour, tile = draw("pattern", { id: `p-${name}`, width: 7, height: 7, patternUnits: "userSpaceOnUse" });
      tile.append(draw("rect", { width: 7, height: 7, fill: fill.face }));
      const line = (d) => tile.append(draw("path", { d, stroke: colour, "stroke-width": 1.2, fill: "none" }));
      if (fill.pattern === "/" || fill.pattern === "x") line("M-1 8L8 -1M-2 2L2 -2M5 9L9 5");
      if (fill.pattern === "\\" || fill.pattern === "x") line("M-1 -1L8 8M5 -2L9 2M-2 5L2 9");
      if (fill.pattern === ".") tile.append(draw("circle", { cx: 3.5, cy: 3.5, r: 1.2, fill: colour }));
      found.append(tile);
    }
    return found;
  };
  const paint = (name) => (look(name).pattern ? `url(#p-${name})` : look(name).face);
  const write = (words, left, top, attributes = {}) => draw("text", { x: left, y: top, "dominant-baseline": "central", "font-size": 11, fill: theme().ink, ...attributes }, words);
  const group = (item, ...shapes) => {
    byKey.set(item.key, item);
    items.push(item);
    const element = draw("g", { class: "item" + (item.key === state.key ? " selected" : ""), "data-key": item.key }, ...shapes);
    element.append(draw("title", {}, ""));
    element.lastChild.remove();
    return element;
  };
  const box = (left, top, wide, high, attributes) => draw("rect", { x: left, y: top, width: Math.max(wide, 0.8), height: high, ...attributes });

  const drawSpan = (item, top) => {
    const fill = look(item.look), left = x(item.start), right = x(item.end), over = ENDED.has(item.look);
    const high = BAR * fill.height, y = top + BAR_TOP + (over ? BAR - high : (BAR - high) / 2);
    const halo = draw("rect", { class: "halo", x: left, y: top + BAR_TOP, width: Math.max(right - left, 2), height: BAR, rx: 1 });
    const shapes = [box(left, y, right - left, high, { fill: paint(item.look), class: "shape", stroke: over ? "" : theme().paper, "stroke-width": 0.7 })];
    if (over) shapes.push(box(left, top + BAR_TOP, 2.4, BAR, { fill: fill.face }));
    shapes.push(halo);
    const from = Math.max(left, names), room = Math.min(right, names + plot()) - from - 10;
    const words = over ? [item.label] : item.look === "WAITING" ? [] : [item.label || lookWords(item.look), lookWords(item.look).split(",")[0]];
    const fitting = words.find((one) => one && measure(one, 11) <= room);
    if (fitting) {
      const middle = over ? top + BAR_TOP + BAR * 0.36 : top + BAR_TOP + BAR / 2;
      if (fill.pattern) shapes.push(box(from + 3, middle - 7, measure(fitting, 11) + 5, 14, { fill: fill.face, rx: 2 }));
      shapes.push(write(fitting, from + 5.5, middle, { fill: fill.ink, "pointer-events": "none" }));
    }
    return group(item, ...shapes);
  };
  const SHAPES = {
    TERM: "M-5 -4H5L0 5Z", KILL: "M-5 -3L-3 -5L0 -2L3 -5L5 -3L2 0L5 3L3 5L0 2L-3 5L-5 3L-2 0Z", SIGNAL: "M0 -5L4 0L0 5L-4 0Z",
    OUT_OF_MEMORY: "M-2 -5H2V-2H5V2H2V5H-2V2H-5V-2H-2Z", PROBE_PASSED: "M-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0",
    PROBE_FAILED: "M-3 -3H3V3H-3Z",
  };
  const glyph = (kind, left, y) => {
    const hollow = kind === "PROBE_FAILED", colour = theme().marks[kind];
    return draw("path", { d: SHAPES[kind], transform: `translate(${left} ${y})`, fill: hollow ? theme().paper : colour, stroke: hollow ? colour : theme().paper, "stroke-width": hollow ? 1.5 : 0.8, class: "shape" });
  };
  const drawMark = (item, top) => {
    const y = PROBES.has(item.mark) ? top + BAR_TOP + BAR : top + BAR_TOP - 3, left = x(item.start);
    return group(item, draw("circle", { class: "halo", cx: left, cy: y, r: 7 }), glyph(item.mark, left, y));
  };
  const drawHook = (item, top) => {
    const left = x(item.start), right = x(item.end), from = Math.max(left, names);
    const shapes = [box(left, top + 1.5, right - left, 12, { fill: theme().hook, class: "shape" }), draw("rect", { class: "halo", x: left, y: top + 1.5, width: Math.max(right - left, 2), height: 12 })];
    if (measure(item.label, 10) < Math.min(right, names + plot()) - from - 8) shapes.push(write(item.label, from + 4, top + 8, { fill: theme().hookInk, "font-size": 10, "pointer-events": "none" }));
    return group(item, ...shapes);
  };
  const drawWindow = (item, top) => {
    const y = top + BAR_TOP + BAR + 3, left = x(item.start), right = x(item.end), colour = theme().graceLine;
    return group(item, draw("path", { d: `M${left} ${y}H${right}M${right} ${y - 5}V${y + 2}`, stroke: colour, "stroke-width": 1.4, fill: "none" }), draw("rect", { class: "halo", x: left, y: y - 3, width: Math.max(right - left, 1), height: 6 }));
  };
  const drawBand = (item, top, isPhase, isCounter) => {
    const left = x(item.start), right = x(item.end), from = Math.max(left, names), high = isPhase ? BAND - 4 : isCounter ? CONDITION - 3 : CONDITION - 7;
    const y = top + (isPhase ? 2 : (CONDITION - high) / 2), phase = theme().phases[item.value] || theme().phases.Unknown;
    const face = isPhase ? phase.face : isCounter ? (item.value === "0" ? theme().paper : look("WAITING").face) : item.value === "True" ? theme().conditionTrue : item.value === "False" ? theme().conditionFalse : theme().phases.Unknown.face;
    const shapes = [box(left, y, right - left, high, { fill: face, class: "shape", stroke: isPhase || isCounter ? theme().paper : theme().conditionTrue, "stroke-width": 0.8 })];
    shapes.push(draw("rect", { class: "halo", x: left, y, width: Math.max(right - left, 1), height: high }));
    const words = isPhase || (isCounter && item.value !== "0") ? item.value : "";
    if (words && measure(words, 11) < Math.min(right, names + plot()) - from - 8) shapes.push(write(words, from + 5, y + high / 2, { fill: isPhase ? phase.ink : theme().ink, "pointer-events": "none" }));
    return group(item, ...shapes);
  };

  // Vertical lines: each gets the lowest row in which neither its words nor its line meet those of others.
  const placeMoments = (found) => {
    const taken = [], placed = [];
    const strong = (item) => item.moment !== "ACTION";
    for (const item of [...found].sort((a, b) => strong(b) - strong(a) || a.start - b.start)) {
      const place = x(item.start);
      if (place < names - 1 || place > names + plot() + 1) continue;
      const wide = measure(item.label, 11, item.moment === "DELETE");
      let best = null;
      for (let row = 0; row < 6; row++) for (const side of [1, -1]) {
        const left = side > 0 ? place + 5 : place - 5 - wide;
        if (left < names - 20 || left + wide > width) continue;
        const words = [left - 4, row, left + wide + 4, row + 1], line = [place - 1, 0, place + 1, row + 1];
        if (taken.some((o) => [words, line].some((m) => m[0] < o[2] && o[0] < m[2] && m[1] < o[3] && o[1] < m[3]))) continue;
        const crossing = found.filter((other) => other !== item && x(other.start) > words[0] && x(other.start) < words[2]);
        const crossed = crossing.length + 100 * crossing.filter(strong).length;
        if (!best || crossed < best.crossed) best = { crossed, row, left, words, line };
      }
      if (best) taken.push(best.words, best.line);
      placed.push({ item, place, row: best ? best.row : -1, left: best ? best.left : 0 });
    }
    return placed;
  };

  const drawPanel = (panel, id) => {
    const { owner, run } = panel, conditions = new Set(["PodScheduled", "PodReadyToStartContainers", "Initialized", "ContainersReady", "Ready"]);
    const placed = placeMoments(panel.moments), rows = Math.max(0, ...placed.map((one) => one.row + 1));
    const head = rows * 16 + (rows ? 4 : 0), counters = new Set(["active", "ready", "terminating", "succeeded", "failed"]);
    let y = head;
    const clipped = () => draw("g", { "clip-path": `url(#clip-${id})` });
    const under = clipped(), plotted = clipped(), uprights = draw("g", { "pointer-events": "none" }), signs = clipped(), labels = draw("g"), beside = draw("g");
    const name = (words, role, top, size, colour) => {
      const room = names - 18 - (role ? measure(role, 10.5) + 8 : 0);
      const shown = write(shortened(words, size, room), names - 12, top, { "text-anchor": "end", "font-size": size, fill: colour });
      shown.append(draw("title", {}, words));
      labels.append(shown);
      if (role) labels.append(write(role, 0, top, { "font-size": 10.5, fill: theme().faint }));
    };
    // What does not fit into the last box of a row stands right of it, if there is room.
    const after = (words, item, middle, colour) => {
      const left = x(item.start), right = x(item.end), wide = measure(words, 11);
      if (wide <= right - Math.max(left, names) - 8 || right < names || right > names + plot() + 1 || right + 5 + wide > width) return;
      beside.append(write(words, right + 5, middle, { fill: colour, stroke: theme().paper, "stroke-width": 4, "paint-order": "stroke" }));
    };
    for (const { band, items: segments } of panel.bands) {
      const isPhase = band.name === "phase", isCounter = owner.kind === "Job" && counters.has(band.name), high = isPhase ? BAND : CONDITION;
      name(band.name, "", y + high / 2, isPhase ? 12.5 : 10.5, isPhase ? theme().ink : theme().faint);
      for (const item of segments) plotted.append(drawBand(item, y, isPhase, isCounter));
      const last = segments[segments.length - 1];
      if (isPhase && last) after(last.value, last, y + high / 2, (theme().phases[last.value] || theme().phases.Unknown).ink);
      shownLanes.push(segments.map((item) => item.key));
      y += high;
    }
    y += 6;
    const top = y, bottom = y + owner.lanes.length * LANE;
    const different = new Map(DATA.runs[run].differences.filter((one) => one[0] === owner.namespace && one[1] === owner.name).map((one) => [one[2], one[3]]));
    panel.lanes.forEach(({ lane, items: found }, index) => {
      if (index % 2 === 0) under.append(box(names, y, plot(), LANE, { fill: theme().stripe }));
      if (index % 2 === 0) labels.append(box(0, y, names, LANE, { fill: theme().stripe }));
      for (const [start, end] of visible().length > 1 ? different.get(lane.name) || [] : []) {
        under.append(box(x(start), y, x(end) - x(start), LANE, { fill: theme().differenceWash, class: "over" }), draw("path", { d: `M${x(start)} ${y + LANE - 1}H${x(end)}`, stroke: theme().difference, "stroke-width": 2, class: "over" }));
      }
      name(lane.name, lane.role, y + BAR_TOP + BAR / 2, 12.5, theme().ink);
      const by = { window: drawWindow, span: drawSpan, hook: drawHook, mark: drawMark };
      for (const kind of ["window", "span", "hook", "mark"]) for (const item of found) if (item.kind === kind) (kind === "mark" ? signs : plotted).append(by[kind](item, y));
      const last = found.filter((item) => item.kind === "span").pop();
      if (last && ENDED.has(last.look)) after(last.label, last, y + BAR_TOP + BAR * 0.36, look(last.look).ink);
      for (const [start, number] of lane.restarts) plotted.append(write(`↻${number}`, x(start) + 1, y + 8, { "font-size": 10.5, "font-weight": 600, "pointer-events": "none" }));
      shownLanes.push(found.map((item) => item.key));
      y += LANE;
    });
    for (const [start, end] of owner.windows) under.append(box(x(start), top, x(end) - x(start), bottom - top, { fill: theme().grace }));
    for (const element of [...under.querySelectorAll("path.over")]) under.append(element);  // lines, over the shade
    for (const { item, place, row, left } of placed) {
      const colour = item.moment === "GRACE" ? theme().graceLine : theme().moments[item.moment], bold = item.moment === "DELETE";
      const middle = row < 0 ? head : (rows - row - 0.5) * 16;
      const dashes = { GRACE: "5 3", ACTION: "6 3", REFUSED: "2 2" }[item.moment] || "";
      uprights.append(draw("path", { d: `M${place} ${middle - (row < 0 ? 0 : 8)}V${bottom}`, stroke: colour, "stroke-width": bold ? 1.8 : 1.1, "stroke-dasharray": dashes, fill: "none" }));
      const shapes = [draw("rect", { class: "halo", x: place - 3, y: middle - 8, width: 6, height: bottom - middle + 8 })];
      if (row >= 0) shapes.push(write(item.label, left, middle, { fill: colour, "font-weight": bold ? 600 : 400 }));
      labels.append(group(item, ...shapes));
    }
    if (panel.moments.length) shownLanes.push(panel.moments.map((item) => item.key));
    for (const piece of pieces()) if (piece[4]) for (const shift of [-2, 2]) {
      const place = x(piece[1]) - 12 + shift;
      if (x(piece[1]) - x(piece[0]) < 24) continue;
      let path = `M${place - 2} ${top}`;
      for (let step = 1; top + step * 7 <= bottom; step++) path += `L${place + (step % 2 ? 2 : -2)} ${top + step * 7}`;
      plotted.append(draw("path", { d: path, fill: "none", stroke: theme().paper, "stroke-width": 3, "pointer-events": "none" }), draw("path", { d: path, fill: "none", stroke: theme().rule, "stroke-width": 1, "pointer-events": "none" }));
    }
    const clip = draw("clipPath", { id: `clip-${id}` }, draw("rect", { x: names - 1, y: 0, width: plot() + 2, height: bottom + 4 }));
    const svg = draw("svg", { viewBox: `0 0 ${width} ${bottom + 2}`, height: bottom + 2, role: "img", "aria-label": `${owner.kind} ${owner.name} on ${DATA.runs[run].label}` }, clip, patterns(), under, labels, plotted, uprights, signs, beside, draw("line", { class: "cursor", y1: head, y2: bottom }));
    const title = make("div", { class: "panel-head" }, make("span", { class: "chip" }, DATA.runs[run].label), `${owner.kind} ${owner.name}${owner.node ? " on " + owner.node : ""}`);
    return make("section", { class: "panel" }, title, svg);
  };

  const drawRefusal = (run, [, what, message]) => {
    const title = make("div", { class: "panel-head" }, make("span", { class: "chip" }, DATA.runs[run].label), `${what} refused by the API server`);
    return make("section", { class: "panel" }, title, make("p", { class: "warn refused" }, message));
  };

  const STEPS = [100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 3e4, 6e4, 12e4, 3e5, 6e5, 12e5, 18e5, 36e5, 72e5, 216e5, 432e5, 864e5, 1728e5, 8640e5];
  // ``12s``, ``2m05s``, ``1h10m``, ``24h 05s``, ``30d``: parts that are zero are left out.
  const tick = (ms) => {
    if (ms < 60000) return `${+(ms / 1000).toFixed(1)}s`;
    const two = (number) => String(number).padStart(2, "0"), seconds = Math.round(ms / 1000), days = seconds < 259200 ? 0 : Math.floor(seconds / 86400);
    const hours = Math.floor(seconds / 3600) - days * 24, minutes = Math.floor(seconds / 60) % 60, rest = seconds % 60;
    if (!days && !hours) return `${minutes}m` + (rest ? `${two(rest)}s` : "");
    const parts = [days ? `${days}d` : "", hours ? `${hours}h` : "", minutes ? `${two(minutes)}m` : "", rest ? `${two(rest)}s` : ""];
    return parts.filter(Boolean).join(minutes ? "" : " ");
  };
  const drawAxis = () => {
    const found = draw("svg", { viewBox: `0 0 ${width} 30`, height: 30, "aria-hidden": "true" });
    let taken = -Infinity;
    for (const [start, end, , , isBreak] of pieces()) {
      const left = clamp(x(start), names, names + plot()), right = clamp(x(end), names, names + plot());
      if (right <= left) continue;
      if (isBreak) {
        const count = Math.max(Math.floor((right - left) / 12) * 2, 2);
        let path = `M${left} 5`;
        for (let step = 1; step <= count; step++) path += `L${left + ((right - left) * step) / count} ${step === count ? 5 : step % 2 ? 1 : 9}`;
        found.append(draw("path", { d: path, fill: "none", stroke: theme().faint }));
        const words = `(${about(end - start)})`, wide = measure(words, 10.5);
        if (wide < right - left && (left + right - wide) / 2 > taken + 4) { found.append(write(words, (left + right) / 2, 21, { "text-anchor": "middle", "font-style": "italic", "font-size": 10.5, fill: theme().faint })); taken = (left + right + measure(words, 10.5)) / 2; }
        continue;
      }
      found.append(draw("path", { d: `M${left} 5H${right}`, stroke: theme().faint }));
      const scale = (x(end) - x(start)) / (end - start), step = STEPS.find((one) => one * scale >= 56) || STEPS[STEPS.length - 1];
      for (let now = Math.ceil(start / step) * step; now <= end; now += step) {
        const place = x(now), words = tick(now), half = measure(words, 11.5) / 2;
        if (place < left - 0.5 || place > right + 0.5 || place - half < taken + 6) continue;
        found.append(draw("path", { d: `M${place} 5V11`, stroke: theme().faint }), write(words, place, 21, { "text-anchor": "middle", "font-size": 11.5, fill: theme().faint }));
        taken = place + half;
      }
    }
    return found;
  };

  const drawLegend = (panels) => {
    const used = new Set(), marks = new Set(), list = $("legend");
    for (const panel of panels) for (const { items: found } of panel.lanes) for (const item of found) { if (item.look) used.add(item.look); if (item.mark) marks.add(item.mark); }
    list.replaceChildren();
    for (const name of Object.keys(theme().looks)) if (used.has(name)) {
      const high = 13 * (ENDED.has(name) ? 0.3 : look(name).height), top = ENDED.has(name) ? 13.5 - high : 7 - high / 2;
      const swatch = draw("svg", { viewBox: "0 0 28 14" }, patterns(), box(0, top, 28, high, { fill: paint(name) }));
      if (ENDED.has(name)) swatch.append(box(0, 0.5, 2.4, 13, { fill: look(name).face }));
      list.append(make("span", {}, swatch, lookWords(name)));
    }
    const words = { TERM: "SIGTERM", KILL: "SIGKILL", SIGNAL: "other signal", OUT_OF_MEMORY: "out of memory", PROBE_PASSED: "probe passed", PROBE_FAILED: "probe failed" };
    const entry = (words, ...shapes) => list.append(make("span", {}, draw("svg", { viewBox: "0 0 28 14" }, ...shapes), words));
    const has = (kind) => panels.some((panel) => panel.lanes.some((one) => one.items.some((item) => item.kind === kind)));
    const others = panels.flatMap((panel) => panel.lanes.flatMap((one) => one.items)).filter((item) => item.mark === "SIGNAL").map((item) => item.label);
    if (others.length) words.SIGNAL = [...new Set(others)].join(", ");
    for (const kind of Object.keys(words)) if (marks.has(kind)) entry(words[kind], glyph(kind, 14, 7));
    if (has("hook")) entry("hook", box(0, 2, 28, 10, { fill: theme().hook }));
    if (panels.some((panel) => panel.owner.windows.length)) entry("grace period", box(0, 0, 28, 14, { fill: theme().grace }), draw("path", { d: "M27 0V14", stroke: theme().graceLine, "stroke-dasharray": "4 2" }));
    if (has("window")) entry("grace of one container", draw("path", { d: "M0 9H27M27 4V11", stroke: theme().graceLine, "stroke-width": 1.4, fill: "none" }));
    if (visible().length > 1 && visible().some((run) => DATA.runs[run].differences.length)) entry("differs", box(0, 0, 28, 14, { fill: theme().differenceWash }), box(0, 12, 28, 2, { fill: theme().difference }));
  };

  const colours = () => {
    const style = document.documentElement.style, dark = state.theme === "dark";
    document.documentElement.dataset.theme = state.theme;
    const set = { paper: theme().paper, ink: theme().ink, faint: theme().faint, rule: theme().rule, stripe: theme().stripe, card: dark ? "#171c22" : "#fcfcfd", bad: look("FAILED").ink, good: dark ? "#5fd6ac" : "#007a59", warn: theme().graceLine, link: dark ? "#8ab8ff" : "#1f5fbf", focus: dark ? "#8ab8ff" : "#2b7de9" };
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
    const widest = Math.max(90, ...panels.flatMap((one) => one.owner.lanes.map((lane) => measure(lane.name, 12.5) + (!lane.role ? 0 : measure(lane.role, 10.5) + 8))), ...panels.flatMap((one) => one.owner.bands.map((band) => measure(band.name, 10.5))));
    names = Math.min(widest + 26, width * 0.3);
    items = []; shownLanes = []; byKey = new Map();
    const refused = visible().flatMap((run) => DATA.runs[run].refusals.map((one) => drawRefusal(run, one)));
    $("chart").replaceChildren(...refused, ...panels.map((panel, index) => drawPanel(panel, index)), drawAxis());
    $("chart").style.setProperty("--names", `${names}px`);
    document.documentElement.style.setProperty("--names", `${names}px`);
    document.documentElement.style.setProperty("--after", `${AFTER}px`);
    drawLegend(panels);
    for (const button of $("runs").children) button.setAttribute("aria-pressed", String(button.dataset.run === String(state.run)));
    $("compress").checked = state.compress;
    moved();
    explain();
    answers();
    notes();
    story();
  };

  // -- the instant ----------------------------------------------------------------------------------------------

  const moved = () => {
    for (const line of document.querySelectorAll(".cursor")) {
      const place = x(state.t), outside = place < names - 1 || place > names + plot() + 1;
      line.setAttribute("x1", place); line.setAttribute("x2", place);
      line.setAttribute("visibility", outside ? "hidden" : "visible");
    }
    $("now").textContent = clock(state.t);
    const [low, high] = state.view, scrubber = $("scrubber"), value = Math.round(((unit(state.t) - low) / (high - low)) * 100000);
    if (Number(scrubber.value) !== value) scrubber.value = value;
    scrubber.setAttribute("aria-valuetext", clock(state.t));
    $("instant-title").textContent = `At ${clock(state.t)}`;
    $("instant").replaceChildren(...visible().map(atInstant));
    const rows = [...$("story").querySelectorAll("tr[data-at]")];
    let last = null;
    for (const row of rows) {
      row.classList.toggle("later", Number(row.dataset.at) > state.t);
      row.classList.remove("now");
      if (Number(row.dataset.at) <= state.t) last = row;
    }
    if (last) {
      last.classList.add("now");
      const box = $("story");
      if (last.offsetTop < box.scrollTop || last.offsetTop > box.scrollTop + box.clientHeight - 40) box.scrollTop = last.offsetTop - box.clientHeight / 2;
    }
    remember();
  };
  const versionAt = (object) => {
    let found = null;
    for (const version of object.versions) if (version.at <= state.t) found = version;
    return found && !found.gone ? found : null;
  };
  const columns = (rows) => {
    const widths = rows[0].map((_, place) => Math.max(...rows.map((row) => row[place].length)));
    return rows.map((row) => row.map((cell, place) => cell.padEnd(widths[place])).join("   ").trimEnd()).join("\n");
  };
  const getTable = (run) => {
    const blocks = [];
    for (const [kind, header] of [["Pod", ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]], ["Job", null]]) {
      const living = run.objects.filter((one) => one.kind === kind).map((one) => [one, versionAt(one)]).filter((pair) => pair[1]);
      living.sort((a, b) => (a[0].name > b[0].name) - (a[0].name < b[0].name));
      const any = run.objects.some((one) => one.kind === kind);
      if (!any) continue;
      let text;
      if (!living.length) text = "No resources found in default namespace.";
      else if (kind === "Pod") text = columns([header, ...living.map(([one, version]) => {
        const restarts = version.cells.Restarts, ago = version.lastRestart !== null && version.lastRestart !== undefined && restarts !== "0" ? ` (${age(state.t - version.lastRestart)} ago)` : "";
        return [one.name, version.cells.Ready, version.cells.Status, restarts + ago, age(state.t - one.created)];
      })]);
      else {
        const withStatus = living.some(([, version]) => "Status" in version.cells);
        text = columns([["NAME", ...(withStatus ? ["STATUS"] : []), "COMPLETIONS", "AGE"], ...living.map(([one, version]) => [one.name, ...(withStatus ? [version.cells.Status] : []), version.cells.Completions, age(state.t - one.created)])]);
      }
      blocks.push(make("pre", { "aria-label": `kubectl get ${kind.toLowerCase()}` }, make("span", { class: "faint" }, `$ kubectl get ${kind.toLowerCase()}\n`), text));
    }
    return blocks;
  };
  const stateWords = (shown) => {
    if (!shown) return ["", ""];
    const [kind, reason, message, code, started] = shown;
    const tone = kind === "Running" ? "good" : kind === "Terminated" ? (code ? "bad" : "") : ["", "PodInitializing", "ContainerCreating"].includes(reason) ? "faint" : "warn";
    const since = kind === "Running" && started !== null ? ` for ${age(state.t - started)}` : "";
    const what = [kind + since, reason, kind === "Terminated" ? `exit code ${code}` : "", message].filter(Boolean).join(", ");
    return [what, tone];
  };
  const describe = (run, object, version) => {
    const found = [make("h3", {}, `${object.kind} ${object.name}`)];
    const facts = [version.node ? `on ${version.node}` : object.kind === "Pod" ? "not yet on a node" : "", version.phase, version.reason, version.deletion !== undefined ? `being deleted, grace ${version.deletion} s` : ""].filter(Boolean);
    if (facts.length) found.push(make("div", { class: "faint" }, facts.join(" · ")));
    if (version.containers) {
      const rows = version.containers.map((one) => {
        const [words, tone] = stateWords(one.state), [before] = stateWords(one.last);
        const role = one.role === "main" ? "" : one.role;
        return make("tr", {}, make("td", {}, make("b", {}, one.name), role ? make("span", { class: "faint" }, ` ${role}`) : null), make("td", { class: tone }, words, before ? make("div", { class: "faint" }, `before: ${before}`) : null), make("td", {}, one.ready ? "ready" : ""), make("td", { class: "num" }, one.restarts ? `↻${one.restarts}` : ""));
      });
      found.push(make("table", {}, make("tbody", {}, ...rows)));
    }
    if (version.conditions.length) found.push(make("table", {}, make("tbody", {}, ...version.conditions.map(([type, status, reason, message]) => make("tr", {}, make("td", {}, type), make("td", { class: status === "True" ? "good" : "faint" }, status), make("td", { class: "faint" }, [reason, message].filter(Boolean).join(": ")))))));
    const events = eventsAt(run, object);
    if (events.length) found.push(make("h3", {}, "Events"), make("table", {}, make("tbody", {}, ...events.map((one) => make("tr", {}, make("td", { class: "num faint" }, age(state.t - one.last) + (one.count > 1 ? ` (x${one.count})` : "")), make("td", { class: one.type === "Warning" ? "warn" : "" }, one.reason), make("td", {}, one.message))))));
    return make("div", {}, ...found);
  };
  const eventsAt = (run, object) => {
    const known = new Map();
    for (const [when, kind, namespace, name, type, reason, message, component, count, first, last, path] of run.events) {
      if (when > state.t || kind !== object.kind || namespace !== object.namespace || name !== object.name) continue;
      known.set([type, reason, message, path].join("\n"), { type, reason, message, component, count, first, last });
    }
    return [...known.values()].slice(-12);
  };
  const atInstant = (index) => {
    const run = DATA.runs[index], found = [];
    if (visible().length > 1) found.push(make("div", { class: "panel-head" }, make("span", { class: "chip" }, run.label)));
    found.push(...getTable(run));
    const living = run.objects.map((one) => [one, versionAt(one)]).filter((pair) => pair[1]);
    for (const [object, version] of living.slice(0, 8)) found.push(describe(run, object, version));
    if (living.length > 8) found.push(make("p", { class: "faint" }, `and ${living.length - 8} more`));
    return make("div", {}, ...found);
  };

  // -- why ------------------------------------------------------------------------------------------------------

  const ruleLinks = (rules) => {               // rules of one page share its link
    const pages = new Map();
    for (const rule of rules) {
      const known = DATA.rules[rule], key = known ? known[1] : "";
      pages.set(key, [...(pages.get(key) || []), rule]);
    }
    return [...pages].map(([page, shared]) => make("div", {}, ...shared.flatMap((rule) => [make("span", { class: "rule-id" }, rule), " "]), page ? make("a", { href: page, target: "_blank", rel: "noopener noreferrer" }, DATA.rules[shared[0]][0]) : null));
  };
  const when = (item) => item.end > item.start ? `${clock(item.start)} to ${item.open ? "the end" : clock(item.end)} (${lasted(item.end - item.start)})` : clock(item.start);
  const explain = () => {
    const item = byKey.get(state.key), target = $("details");
    for (const element of document.querySelectorAll(".item.selected")) element.classList.remove("selected");
    if (!item) {
      target.replaceChildren(make("p", { class: "faint" }, "Point at anything above, or select it with a click or the arrow keys: here stands why it happened, by which rule, and where Kubernetes documents it."));
      return;
    }
    const element = document.querySelector(`.item[data-key="${CSS.escape(item.key)}"]`);
    if (element) element.classList.add("selected");
    const run = DATA.runs[Number(item.key.split("/")[0])];
    const rows = [["when", when(item)], ["on", run.label], ["why", [item.why, item.more].filter(Boolean).join("; ")]].filter((row) => row[1]);
    target.replaceChildren(make("b", { class: "what" }, item.title), make("dl", {}, ...rows.flatMap(([name, words]) => [make("dt", {}, name), make("dd", {}, words)]), ...(item.rules.length ? [make("dt", {}, "rules"), make("dd", { class: "rules" }, ...ruleLinks(item.rules))] : [])));
  };
  const answers = () => {
    const known = DATA.runs[current()].answers || [], target = $("questions");
    target.replaceChildren(...known.map(([question, steps], index) => {
      const open = state.answer === index;
      const button = make("button", { "aria-expanded": String(open), onclick: () => { state.answer = open ? -1 : index; answers(); } }, question);
      if (!open) return make("div", {}, button);
      return make("div", {}, button, make("ol", {}, ...steps.map(([ms, words, why, rules]) => make("li", { onclick: (event) => { if (event.target.tagName !== "A") go(ms); } }, make("span", { class: "faint" }, clock(ms) + " "), words, why ? make("span", { class: "faint" }, ` – ${why}`) : null, ...ruleLinks(rules)))));
    }));
  };
  const notes = () => {
    const run = DATA.runs[current()], lines = [...run.assumed.map(([subject, text]) => `${subject}: ${text}`), ...run.notModelled.map(([subject, text]) => `not modelled: ${subject}: ${text}`)];
    $("notes").replaceChildren(...lines.map((line) => make("li", {}, line)));
    $("notes-card").hidden = !lines.length;
  };
  const story = () => {
    const run = DATA.runs[current()];
    $("story-title").textContent = visible().length > 1 ? `What happened on ${run.label}` : "What happened";
    $("story").replaceChildren(make("table", {}, make("tbody", {}, ...run.story.map(([ms, who, what, why, rules, tone]) => make("tr", { "data-at": ms, onclick: (event) => { if (event.target.tagName !== "A") go(ms); } }, make("td", { class: "num faint" }, clock(ms)), make("td", { class: "faint who-col" }, who), make("td", {}, make("span", { class: tone === "dim" ? "faint" : tone }, what), why ? make("div", { class: "faint" }, why) : null, ...ruleLinks(rules)))))));
    moved();
  };

  const tip = $("tip");
  const hover = (item, event) => {
    if (!item) { tip.hidden = true; return; }
    const rules = item.rules.map((rule) => rule + (DATA.rules[rule] ? ` ${DATA.rules[rule][0]}` : ""));
    tip.replaceChildren(make("b", {}, item.title), make("span", { class: "small" }, when(item)), ...[item.why, item.more, ...rules].filter(Boolean).map((line) => make("div", {}, line)));
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    tip.style.left = `${clamp(event.clientX + 14, 4, innerWidth - box.width - 4)}px`;
    tip.style.top = `${event.clientY + 18 + box.height > innerHeight ? Math.max(event.clientY - box.height - 12, 4) : event.clientY + 18}px`;
  };

  // -- doing ----------------------------------------------------------------------------------------------------

  const go = (ms) => { state.t = clamp(ms, DATA.scale[0][0], END); if (unit(state.t) < state.view[0] || unit(state.t) > state.view[1]) { const span = state.view[1] - state.view[0]; const low = clamp(unit(state.t) - span / 2, 0, 1 - span); state.view = [low, low + span]; render(); } else moved(); };
  const select = (key, move = true) => {
    state.key = key;
    const item = byKey.get(key);
    if (item && move) go(item.start); else remember();
    explain();
  };
  const zoom = (factor, place = unit(state.t)) => {
    const [low, high] = state.view, span = clamp((high - low) * factor, 0.0005, 1), part = (place - low) / (high - low);
    const left = clamp(place - span * clamp(part, 0, 1), 0, 1 - span);
    state.view = [left, left + span];
    render();
  };
  const pan = (share) => {
    const [low, high] = state.view, span = high - low, left = clamp(low + share * span, 0, 1 - span);
    state.view = [left, left + span];
    render();
  };
  const step = (direction) => {
    const all = DATA.instants, found = direction > 0 ? all.find((one) => one > state.t + 0.0005) : [...all].reverse().find((one) => one < state.t - 0.0005);
    if (found !== undefined) go(found);
  };
  const nextItem = (direction) => {
    const lane = shownLanes.find((keys) => keys.includes(state.key)) || shownLanes.find((keys) => keys.length);
    if (!lane) return;
    const place = lane.indexOf(state.key);
    select(lane[place < 0 ? 0 : clamp(place + direction, 0, lane.length - 1)]);
  };
  const nextLane = (direction) => {
    const filled = shownLanes.filter((keys) => keys.length), place = filled.findIndex((keys) => keys.includes(state.key));
    const lane = filled[place < 0 ? 0 : clamp(place + direction, 0, filled.length - 1)];
    if (!lane) return;
    const before = byKey.get(state.key), near = (key) => { const item = byKey.get(key); return item.start <= (before ? before.start : 0) && (before ? before.start : 0) < item.end; };
    select(lane.find(near) || lane[0]);
  };
  const chooseRun = (run) => {
    const before = byKey.get(state.key);
    state.run = run; state.answer = -1;
    if (before && run !== "all") state.key = [run, ...before.key.split("/").slice(1)].join("/");
    render();
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
    try { history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search); } catch (error) { if (!(error instanceof DOMException)) throw error; }
  };
  const recall = () => {
    const parts = new URLSearchParams(location.hash.slice(1)), run = Number(parts.get("run") ?? NaN);
    state.run = DATA.runs.length === 1 ? 0 : DATA.runs[run] ? run : "all";
    state.t = clamp(Number(parts.get("t")) || 0, DATA.scale[0][0], END);
    state.key = parts.get("item") || "";
    const view = (parts.get("view") || "0-1").split("-").map(Number);
    state.view = view.length === 2 && view[0] >= 0 && view[1] <= 1 && view[1] - view[0] >= 0.0004 ? view : [0, 1];
    state.compress = parts.get("compress") !== "no";
    silent = true; render(); silent = false;
  };

  const wire = () => {
    document.title = DATA.title || "kubesim";
    $("title").textContent = DATA.title;
    $("about").textContent = DATA.about;
    $("said").replaceChildren(...DATA.said.map((sentence) => make("p", {}, sentence)));
    if (DATA.runs.length > 1) for (const run of ["all", ...DATA.runs.keys()]) $("runs").append(make("button", { "data-run": run, onclick: () => chooseRun(run) }, run === "all" ? "All" : DATA.runs[run].label));
    state.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
    $("zoom-in").onclick = () => zoom(0.6);
    $("zoom-out").onclick = () => zoom(1 / 0.6);
    $("fit").onclick = () => { state.view = [0, 1]; render(); };
    $("compress").onchange = (event) => { state.compress = event.target.checked; state.view = [0, 1]; render(); };
    $("theme").onclick = () => { state.theme = state.theme === "dark" ? "light" : "dark"; render(); };
    $("help-button").onclick = () => $("help").showModal();
    $("scrubber").oninput = (event) => { const [low, high] = state.view; state.t = instant(low + (event.target.value / 100000) * (high - low)); moved(); };
    const chart = $("chart"), itemOf = (event) => byKey.get(event.target.closest?.(".item")?.dataset.key);
    let drag = null;
    chart.addEventListener("pointermove", (event) => {
      if (drag) {
        const moved = event.clientX - drag.from;
        if (Math.abs(moved) > 4) drag.moved = true;
        if (drag.moved) { const span = drag.view[1] - drag.view[0], left = clamp(drag.view[0] - (moved / plot()) * span, 0, 1 - span); state.view = [left, left + span]; tip.hidden = true; render(); }
        return;
      }
      hover(itemOf(event), event);
    });
    chart.addEventListener("pointerleave", () => { tip.hidden = true; });
    chart.addEventListener("pointerdown", (event) => { if (event.button === 0) drag = { from: event.clientX, view: [...state.view], moved: false, item: itemOf(event) }; });
    addEventListener("pointerup", (event) => {
      const done = drag;
      drag = null;
      if (!done || done.moved) return;
      const box = chart.getBoundingClientRect(), place = at((event.clientX - box.left) * (width / box.width));
      if (done.item) { state.key = done.item.key; explain(); go(done.item.end > done.item.start ? place : done.item.start); } else if (event.clientX - box.left > names) go(place);
    });
    chart.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const box = chart.getBoundingClientRect();
      zoom(event.deltaY > 0 ? 1.2 : 1 / 1.2, unit(at((event.clientX - box.left) * (width / box.width))));
    }, { passive: false });
    addEventListener("keydown", keys);
    addEventListener("hashchange", recall);
    let waiting = 0;
    addEventListener("resize", () => { cancelAnimationFrame(waiting); waiting = requestAnimationFrame(render); });
    addEventListener("beforeprint", () => { onScreen = onScreen || { theme: state.theme, view: state.view }; state.theme = "light"; state.view = [0, 1]; render(); });
    addEventListener("afterprint", () => { Object.assign(state, onScreen || {}); onScreen = null; render(); });
  };
  const keys = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || $("help").open) return;
    const inChart = document.activeElement === $("chart") || document.activeElement === document.body;
    const number = Number(event.key);
    if (event.key === "Escape") { state.key = ""; explain(); remember(); tip.hidden = true; }
    else if (event.key === "?") $("help").showModal();
    else if (event.key === "+" || event.key === "=") zoom(0.6);
    else if (event.key === "-") zoom(1 / 0.6);
    else if (event.key === "f") { state.view = [0, 1]; render(); }
    else if (event.key === "c") { state.compress = !state.compress; state.view = [0, 1]; render(); }
    else if (event.key === "d") $("theme").click();
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
})();
