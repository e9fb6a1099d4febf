// How each item is drawn.

const patterns = () => {
  const found = draw("defs");
  for (const [name, fill] of Object.entries(theme().looks)) {
    if (!fill.pattern) continue;
    const colour = fill.patternColour,
      tile = draw("pattern", { id: `p-${name}`, width: 7, height: 7, patternUnits: "userSpaceOnUse" });
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
const write = (words, left, top, attributes = {}) =>
  draw(
    "text",
    { x: left, y: top, "dominant-baseline": "central", "font-size": 11, fill: theme().ink, ...attributes },
    words,
  );
const group = (item, ...shapes) => {
  byKey.set(item.key, item);
  items.push(item);
  const element = draw(
    "g",
    { class: "item" + (item.key === state.key ? " selected" : ""), "data-key": item.key },
    ...shapes,
  );
  element.append(draw("title", {}, ""));
  element.lastChild.remove();
  return element;
};
const box = (left, top, wide, high, attributes) =>
  draw("rect", { x: left, y: top, width: Math.max(wide, 0.8), height: high, ...attributes });

const drawSpan = (item, top) => {
  const fill = look(item.look),
    left = x(item.start),
    right = x(item.end),
    over = ENDED.has(item.look);
  const high = BAR * fill.height,
    y = top + BAR_TOP + (over ? BAR - high : (BAR - high) / 2);
  const halo = draw("rect", {
    class: "halo",
    x: left,
    y: top + BAR_TOP,
    width: Math.max(right - left, 2),
    height: BAR,
    rx: 1,
  });
  const shapes = [
    box(left, y, right - left, high, {
      fill: paint(item.look),
      class: "shape",
      stroke: over ? "" : theme().paper,
      "stroke-width": 0.7,
    }),
  ];
  if (over) shapes.push(box(left, top + BAR_TOP, 2.4, BAR, { fill: fill.face }));
  shapes.push(halo);
  const from = Math.max(left, names),
    room = Math.min(right, names + plot()) - from - 10;
  const words = over
    ? [item.label]
    : item.look === "WAITING"
      ? []
      : [item.label || lookWords(item.look), lookWords(item.look).split(",")[0]];
  const fitting = words.find((one) => one && measure(one, 11) <= room);
  if (fitting) {
    const middle = over ? top + BAR_TOP + BAR * 0.36 : top + BAR_TOP + BAR / 2;
    if (fill.pattern) shapes.push(box(from + 3, middle - 7, measure(fitting, 11) + 5, 14, { fill: fill.face, rx: 2 }));
    shapes.push(write(fitting, from + 5.5, middle, { fill: fill.ink, "pointer-events": "none" }));
  }
  return group(item, ...shapes);
};
const SHAPES = {
  TERM: "M-5 -4H5L0 5Z",
  KILL: "M-5 -3L-3 -5L0 -2L3 -5L5 -3L2 0L5 3L3 5L0 2L-3 5L-5 3L-2 0Z",
  SIGNAL: "M0 -5L4 0L0 5L-4 0Z",
  OUT_OF_MEMORY: "M-2 -5H2V-2H5V2H2V5H-2V2H-5V-2H-2Z",
  PROBE_PASSED: "M-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0",
  PROBE_FAILED: "M-3 -3H3V3H-3Z",
};
const glyph = (kind, left, y) => {
  const hollow = kind === "PROBE_FAILED",
    colour = theme().marks[kind];
  return draw("path", {
    d: SHAPES[kind],
    transform: `translate(${left} ${y})`,
    fill: hollow ? theme().paper : colour,
    stroke: hollow ? colour : theme().paper,
    "stroke-width": hollow ? 1.5 : 0.8,
    class: "shape",
  });
};
const drawMark = (item, top) => {
  const y = PROBES.has(item.mark) ? top + BAR_TOP + BAR : top + BAR_TOP - 3,
    left = x(item.start);
  return group(item, draw("circle", { class: "halo", cx: left, cy: y, r: 7 }), glyph(item.mark, left, y));
};
const drawHook = (item, top) => {
  const left = x(item.start),
    right = x(item.end),
    from = Math.max(left, names);
  const shapes = [
    box(left, top + 1.5, right - left, 12, { fill: theme().hook, class: "shape" }),
    draw("rect", { class: "halo", x: left, y: top + 1.5, width: Math.max(right - left, 2), height: 12 }),
  ];
  if (measure(item.label, 10) < Math.min(right, names + plot()) - from - 8)
    shapes.push(
      write(item.label, from + 4, top + 8, { fill: theme().hookInk, "font-size": 10, "pointer-events": "none" }),
    );
  return group(item, ...shapes);
};
const drawWindow = (item, top) => {
  const y = top + BAR_TOP + BAR + 3,
    left = x(item.start),
    right = x(item.end),
    colour = theme().graceLine;
  return group(
    item,
    draw("path", {
      d: `M${left} ${y}H${right}M${right} ${y - 5}V${y + 2}`,
      stroke: colour,
      "stroke-width": 1.4,
      fill: "none",
    }),
    draw("rect", { class: "halo", x: left, y: y - 3, width: Math.max(right - left, 1), height: 6 }),
  );
};
const drawBand = (item, top, isPhase, isCounter) => {
  const left = x(item.start),
    right = x(item.end),
    from = Math.max(left, names),
    high = isPhase ? BAND - 4 : isCounter ? CONDITION - 3 : CONDITION - 7;
  const y = top + (isPhase ? 2 : (CONDITION - high) / 2),
    phase = theme().phases[item.value] || theme().phases.Unknown;
  const face = isPhase
    ? phase.face
    : isCounter
      ? item.value === "0"
        ? theme().paper
        : look("WAITING").face
      : item.value === "True"
        ? theme().conditionTrue
        : item.value === "False"
          ? theme().conditionFalse
          : theme().phases.Unknown.face;
  const shapes = [
    box(left, y, right - left, high, {
      fill: face,
      class: "shape",
      stroke: isPhase || isCounter ? theme().paper : theme().conditionTrue,
      "stroke-width": 0.8,
    }),
  ];
  shapes.push(draw("rect", { class: "halo", x: left, y, width: Math.max(right - left, 1), height: high }));
  const words = isPhase || (isCounter && item.value !== "0") ? item.value : "";
  if (words && measure(words, 11) < Math.min(right, names + plot()) - from - 8)
    shapes.push(
      write(words, from + 5, y + high / 2, { fill: isPhase ? phase.ink : theme().ink, "pointer-events": "none" }),
    );
  return group(item, ...shapes);
};

// Vertical lines: each gets the lowest row in which neither its words nor its line meet those of others.
