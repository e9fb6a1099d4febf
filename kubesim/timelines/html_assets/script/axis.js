// The time axis and the legend.

const STEPS = [
  100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 3e4, 6e4, 12e4, 3e5, 6e5, 12e5, 18e5, 36e5, 72e5, 216e5, 432e5, 864e5, 1728e5,
  8640e5,
];
// ``12s``, ``2m05s``, ``1h10m``, ``24h 05s``, ``30d``: parts that are zero are left out.
const tick = (ms) => {
  if (ms < 60000) return `${+(ms / 1000).toFixed(1)}s`;
  const two = (number) => String(number).padStart(2, "0"),
    seconds = Math.round(ms / 1000),
    days = seconds < 259200 ? 0 : Math.floor(seconds / 86400);
  const hours = Math.floor(seconds / 3600) - days * 24,
    minutes = Math.floor(seconds / 60) % 60,
    rest = seconds % 60;
  if (!days && !hours) return `${minutes}m` + (rest ? `${two(rest)}s` : "");
  const parts = [
    days ? `${days}d` : "",
    hours ? `${hours}h` : "",
    minutes ? `${two(minutes)}m` : "",
    rest ? `${two(rest)}s` : "",
  ];
  return parts.filter(Boolean).join(minutes ? "" : " ");
};
const drawAxis = () => {
  const found = draw("svg", { viewBox: `0 0 ${width} 30`, height: 30, "aria-hidden": "true" });
  let taken = -Infinity;
  for (const [start, end, , , isBreak] of pieces()) {
    const left = clamp(x(start), names, names + plot()),
      right = clamp(x(end), names, names + plot());
    if (right <= left) continue;
    if (isBreak) {
      const count = Math.max(Math.floor((right - left) / 12) * 2, 2);
      let path = `M${left} 5`;
      for (let step = 1; step <= count; step++)
        path += `L${left + ((right - left) * step) / count} ${step === count ? 5 : step % 2 ? 1 : 9}`;
      found.append(draw("path", { d: path, fill: "none", stroke: theme().faint }));
      const words = `(${about(end - start)})`,
        wide = measure(words, 10.5);
      if (wide < right - left && (left + right - wide) / 2 > taken + 4) {
        found.append(
          write(words, (left + right) / 2, 21, {
            "text-anchor": "middle",
            "font-style": "italic",
            "font-size": 10.5,
            fill: theme().faint,
          }),
        );
        taken = (left + right + measure(words, 10.5)) / 2;
      }
      continue;
    }
    found.append(draw("path", { d: `M${left} 5H${right}`, stroke: theme().faint }));
    const scale = (x(end) - x(start)) / (end - start),
      step = STEPS.find((one) => one * scale >= 56) || STEPS[STEPS.length - 1];
    for (let now = Math.ceil(start / step) * step; now <= end; now += step) {
      const place = x(now),
        words = tick(now),
        half = measure(words, 11.5) / 2;
      if (place < left - 0.5 || place > right + 0.5 || place - half < taken + 6) continue;
      found.append(
        draw("path", { d: `M${place} 5V11`, stroke: theme().faint }),
        write(words, place, 21, { "text-anchor": "middle", "font-size": 11.5, fill: theme().faint }),
      );
      taken = place + half;
    }
  }
  return found;
};

const drawLegend = (panels) => {
  const used = new Set(),
    marks = new Set(),
    list = $("legend");
  for (const panel of panels)
    for (const { items: found } of panel.lanes)
      for (const item of found) {
        if (item.look) used.add(item.look);
        if (item.mark) marks.add(item.mark);
      }
  list.replaceChildren();
  for (const name of Object.keys(theme().looks))
    if (used.has(name)) {
      const high = 13 * (ENDED.has(name) ? 0.3 : look(name).height),
        top = ENDED.has(name) ? 13.5 - high : 7 - high / 2;
      const swatch = draw("svg", { viewBox: "0 0 28 14" }, patterns(), box(0, top, 28, high, { fill: paint(name) }));
      if (ENDED.has(name)) swatch.append(box(0, 0.5, 2.4, 13, { fill: look(name).face }));
      list.append(make("span", {}, swatch, lookWords(name)));
    }
  const words = {
    TERM: "SIGTERM",
    KILL: "SIGKILL",
    SIGNAL: "other signal",
    OUT_OF_MEMORY: "out of memory",
    PROBE_PASSED: "probe passed",
    PROBE_FAILED: "probe failed",
  };
  const entry = (words, ...shapes) =>
    list.append(make("span", {}, draw("svg", { viewBox: "0 0 28 14" }, ...shapes), words));
  const has = (kind) => panels.some((panel) => panel.lanes.some((one) => one.items.some((item) => item.kind === kind)));
  const others = panels
    .flatMap((panel) => panel.lanes.flatMap((one) => one.items))
    .filter((item) => item.mark === "SIGNAL")
    .map((item) => item.label);
  if (others.length) words.SIGNAL = [...new Set(others)].join(", ");
  for (const kind of Object.keys(words)) if (marks.has(kind)) entry(words[kind], glyph(kind, 14, 7));
  if (has("hook")) entry("hook", box(0, 2, 28, 10, { fill: theme().hook }));
  if (panels.some((panel) => panel.owner.windows.length))
    entry(
      "grace period",
      box(0, 0, 28, 14, { fill: theme().grace }),
      draw("path", { d: "M27 0V14", stroke: theme().graceLine, "stroke-dasharray": "4 2" }),
    );
  if (has("window"))
    entry(
      "grace of one container",
      draw("path", { d: "M0 9H27M27 4V11", stroke: theme().graceLine, "stroke-width": 1.4, fill: "none" }),
    );
  if (visible().length > 1 && visible().some((run) => DATA.runs[run].differences.length))
    entry(
      "differs",
      box(0, 0, 28, 14, { fill: theme().differenceWash }),
      box(0, 12, 28, 2, { fill: theme().difference }),
    );
};
