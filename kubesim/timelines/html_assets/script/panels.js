// One panel: bands above, lanes below, vertical lines through all.

const ROW = 16; // of the words of vertical lines
const COUNTERS = new Set(["active", "ready", "terminating", "succeeded", "failed"]);
const DASHES = { GRACE: "5 3", ACTION: "6 3", REFUSED: "2 2" };

// Vertical lines: each gets the lowest row in which neither its words nor its line meet those of others; best where no
// other line goes through its words, above all none that is drawn strongly.
const placeMoments = (found) => {
  const strong = (item) => item.moment !== "ACTION";
  const taken = [];
  const placed = [];
  for (const item of [...found].sort((a, b) => strong(b) - strong(a) || a.start - b.start)) {
    const place = x(item.start);
    if (place < names - 1 || place > names + plot() + 1) continue;
    const best = bestRow(
      item,
      place,
      found.filter((other) => other !== item),
      strong,
      taken,
    );
    if (best) taken.push(best.words, best.line);
    placed.push({ item, place, row: best ? best.row : -1, left: best ? best.left : 0 });
  }
  return placed;
};
const bestRow = (item, place, others, strong, taken) => {
  const wide = measure(item.label, 11, item.moment === "DELETE");
  const meet = (one, other) => one[0] < other[2] && other[0] < one[2] && one[1] < other[3] && other[1] < one[3];
  let best = null;
  for (let row = 0; row < 6; row++) {
    for (const left of [place + 5, place - 5 - wide]) {
      if (left < names - 20 || left + wide > width) continue;
      const words = [left - 4, row, left + wide + 4, row + 1];
      const line = [place - 1, 0, place + 1, row + 1];
      if (taken.some((other) => meet(words, other) || meet(line, other))) continue;
      const crossing = others.filter((other) => x(other.start) > words[0] && x(other.start) < words[2]);
      const crossed = crossing.length + 100 * crossing.filter(strong).length;
      if (!best || crossed < best.crossed) best = { crossed, row, left, words, line };
    }
  }
  return best;
};

// A panel is drawn on sheets that lie above each other; those of the plot are cut at its sides.
const newSheets = (id) => {
  const clipped = () => draw("g", { "clip-path": `url(#clip-${id})` });
  const uprights = draw("g", { "pointer-events": "none" });
  return { under: clipped(), labels: draw("g"), plotted: clipped(), uprights, signs: clipped(), beside: draw("g") };
};

const drawName = (sheets, words, role, middle, size, colour) => {
  const room = names - 18 - (role ? measure(role, 10.5) + 8 : 0);
  const style = { "text-anchor": "end", "font-size": size, fill: colour };
  const shown = write(shortened(words, size, room), names - 12, middle, style);
  shown.append(draw("title", {}, words));
  sheets.labels.append(shown);
  if (role) sheets.labels.append(write(role, 0, middle, { "font-size": 10.5, fill: theme().faint }));
};

// What does not fit into the last box of a row stands right of it, if there is room, on plain ground.
const drawAfter = (sheets, words, item, middle, colour) => {
  const left = x(item.start);
  const right = x(item.end);
  const wide = measure(words, 11);
  const fits = wide <= right - Math.max(left, names) - 8;
  if (fits || right < names || right > names + plot() + 1 || right + 5 + wide > width) return;
  const ground = { stroke: theme().paper, "stroke-width": 4, "paint-order": "stroke" };
  sheets.beside.append(write(words, right + 5, middle, { fill: colour, ...ground }));
};

const drawBands = (sheets, panel, from) => {
  let y = from;
  for (const { band, items: segments } of panel.bands) {
    const isPhase = band.name === "phase";
    const isCounter = panel.owner.kind === "Job" && COUNTERS.has(band.name);
    const high = isPhase ? BAND : CONDITION;
    drawName(sheets, band.name, "", y + high / 2, isPhase ? 12.5 : 10.5, isPhase ? theme().ink : theme().faint);
    for (const item of segments) sheets.plotted.append(drawBand(item, y, isPhase, isCounter));
    const last = segments[segments.length - 1];
    const ink = (value) => (theme().phases[value] || theme().phases.Unknown).ink;
    if (isPhase && last) drawAfter(sheets, last.value, last, y + high / 2, ink(last.value));
    shownLanes.push(segments.map((item) => item.key));
    y += high;
  }
  return y;
};

const drawLane = (sheets, { lane, items: found }, y, isStriped, differences) => {
  if (isStriped) {
    sheets.under.append(box(names, y, plot(), LANE, { fill: theme().stripe }));
    sheets.labels.append(box(0, y, names, LANE, { fill: theme().stripe }));
  }
  for (const [start, end] of differences) {
    sheets.under.append(box(x(start), y, x(end) - x(start), LANE, { fill: theme().differenceWash }));
    const style = { stroke: theme().difference, "stroke-width": 2, class: "over" };
    sheets.under.append(draw("path", { d: `M${x(start)} ${y + LANE - 1}H${x(end)}`, ...style }));
  }
  drawName(sheets, lane.name, lane.role, y + BAR_TOP + BAR / 2, 12.5, theme().ink);
  const kinds = { window: drawWindow, span: drawSpan, hook: drawHook, mark: drawMark }; // from below to above
  for (const [kind, shape] of Object.entries(kinds)) {
    const sheet = kind === "mark" ? sheets.signs : sheets.plotted;
    for (const item of found) if (item.kind === kind) sheet.append(shape(item, y));
  }
  const last = found.filter((item) => item.kind === "span").pop();
  if (last && ENDED.has(last.look)) {
    drawAfter(sheets, last.label, last, y + BAR_TOP + BAR * 0.36, look(last.look).ink);
  }
  const style = { "font-size": 10.5, "font-weight": 600, "pointer-events": "none" };
  for (const [start, number] of lane.restarts) sheets.plotted.append(write(`↻${number}`, x(start) + 1, y + 8, style));
  shownLanes.push(found.map((item) => item.key));
};

const drawLanes = (sheets, panel, top) => {
  const { owner, run } = panel;
  const mine = DATA.runs[run].differences.filter((one) => one[0] === owner.namespace && one[1] === owner.name);
  const different = new Map(visible().length > 1 ? mine.map((one) => [one[2], one[3]]) : []);
  panel.lanes.forEach((one, index) => {
    drawLane(sheets, one, top + index * LANE, index % 2 === 0, different.get(one.lane.name) || []);
  });
  const bottom = top + panel.lanes.length * LANE;
  for (const [start, end] of owner.windows) {
    sheets.under.append(box(x(start), top, x(end) - x(start), bottom - top, { fill: theme().grace }));
  }
  for (const line of [...sheets.under.querySelectorAll(".over")]) sheets.under.append(line); // above the shade
  return bottom;
};

const drawUpright = (sheets, { item, place, row, left }, rows, head, bottom) => {
  const colour = item.moment === "GRACE" ? theme().graceLine : theme().moments[item.moment];
  const isBold = item.moment === "DELETE";
  const middle = row < 0 ? head : (rows - row - 0.5) * ROW;
  const style = { stroke: colour, "stroke-width": isBold ? 1.8 : 1.1, "stroke-dasharray": DASHES[item.moment] || "" };
  const from = middle - (row < 0 ? 0 : ROW / 2);
  sheets.uprights.append(draw("path", { d: `M${place} ${from}V${bottom}`, fill: "none", ...style }));
  const shapes = [draw("rect", { class: "halo", x: place - 3, y: middle - 8, width: 6, height: bottom - middle + 8 })];
  if (row >= 0) shapes.push(write(item.label, left, middle, { fill: colour, "font-weight": isBold ? 600 : 400 }));
  sheets.labels.append(group(item, ...shapes));
};

// Where time is compressed the lanes are torn, near the end of the break, so that words fit before it.
const drawTears = (sheets, top, bottom) => {
  for (const [start, end, , , isBreak] of pieces()) {
    if (!isBreak || x(end) - x(start) < 24) continue;
    for (const place of [x(end) - 14, x(end) - 10]) {
      let path = `M${place - 2} ${top}`;
      for (let y = top + 7, side = 2; y <= bottom; y += 7, side = -side) path += `L${place + side} ${y}`;
      for (const [colour, wide] of [
        [theme().paper, 3],
        [theme().rule, 1],
      ]) {
        const style = { stroke: colour, "stroke-width": wide, "pointer-events": "none" };
        sheets.plotted.append(draw("path", { d: path, fill: "none", ...style }));
      }
    }
  }
};

const drawPanel = (panel, id) => {
  const { owner, run } = panel;
  const placed = placeMoments(panel.moments);
  const rows = Math.max(0, ...placed.map((one) => one.row + 1));
  const head = rows * ROW + (rows ? 4 : 0);
  const sheets = newSheets(id);
  const top = drawBands(sheets, panel, head) + 6;
  const bottom = drawLanes(sheets, panel, top);
  for (const one of placed) drawUpright(sheets, one, rows, head, bottom);
  if (panel.moments.length) shownLanes.push(panel.moments.map((item) => item.key));
  drawTears(sheets, top, bottom);
  const edge = draw("rect", { x: names - 1, y: 0, width: plot() + 2, height: bottom + 4 });
  const what = `${owner.kind} ${owner.name}`;
  const style = { role: "img", "aria-label": `${what} on ${DATA.runs[run].label}`, height: bottom + 2 };
  const svg = draw("svg", { viewBox: `0 0 ${width} ${bottom + 2}`, ...style }, patterns());
  svg.append(draw("clipPath", { id: `clip-${id}` }, edge), ...Object.values(sheets));
  svg.append(draw("line", { class: "cursor", y1: head, y2: bottom }));
  return make("section", { class: "panel" }, panelHead(run, what + (owner.node ? ` on ${owner.node}` : "")), svg);
};
const panelHead = (run, words) =>
  make("div", { class: "panel-head" }, make("span", { class: "chip" }, DATA.runs[run].label), words);

const drawRefusal = (run, [, what, message]) => {
  const title = panelHead(run, `${what} refused by the API server`);
  return make("section", { class: "panel" }, title, make("p", { class: "warn refused" }, message));
};
