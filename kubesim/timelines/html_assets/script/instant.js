// What kubectl would show at the instant.

const moved = () => {
  for (const line of document.querySelectorAll(".cursor")) {
    const place = x(state.t),
      outside = place < names - 1 || place > names + plot() + 1;
    line.setAttribute("x1", place);
    line.setAttribute("x2", place);
    line.setAttribute("visibility", outside ? "hidden" : "visible");
  }
  $("now").textContent = clock(state.t);
  const [low, high] = state.view,
    scrubber = $("scrubber"),
    value = Math.round(((unit(state.t) - low) / (high - low)) * 100000);
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
    if (last.offsetTop < box.scrollTop || last.offsetTop > box.scrollTop + box.clientHeight - 40)
      box.scrollTop = last.offsetTop - box.clientHeight / 2;
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
  return rows
    .map((row) =>
      row
        .map((cell, place) => cell.padEnd(widths[place]))
        .join("   ")
        .trimEnd(),
    )
    .join("\n");
};
const getTable = (run) => {
  const blocks = [];
  for (const [kind, header] of [
    ["Pod", ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]],
    ["Job", null],
  ]) {
    const living = run.objects
      .filter((one) => one.kind === kind)
      .map((one) => [one, versionAt(one)])
      .filter((pair) => pair[1]);
    living.sort((a, b) => (a[0].name > b[0].name) - (a[0].name < b[0].name));
    const any = run.objects.some((one) => one.kind === kind);
    if (!any) continue;
    let text;
    if (!living.length) text = "No resources found in default namespace.";
    else if (kind === "Pod")
      text = columns([
        header,
        ...living.map(([one, version]) => {
          const restarts = version.cells.Restarts,
            ago =
              version.lastRestart !== null && version.lastRestart !== undefined && restarts !== "0"
                ? ` (${age(state.t - version.lastRestart)} ago)`
                : "";
          return [one.name, version.cells.Ready, version.cells.Status, restarts + ago, age(state.t - one.created)];
        }),
      ]);
    else {
      const withStatus = living.some(([, version]) => "Status" in version.cells);
      text = columns([
        ["NAME", ...(withStatus ? ["STATUS"] : []), "COMPLETIONS", "AGE"],
        ...living.map(([one, version]) => [
          one.name,
          ...(withStatus ? [version.cells.Status] : []),
          version.cells.Completions,
          age(state.t - one.created),
        ]),
      ]);
    }
    blocks.push(
      make(
        "pre",
        { "aria-label": `kubectl get ${kind.toLowerCase()}` },
        make("span", { class: "faint" }, `$ kubectl get ${kind.toLowerCase()}\n`),
        text,
      ),
    );
  }
  return blocks;
};
const stateWords = (shown) => {
  if (!shown) return ["", ""];
  const [kind, reason, message, code, started] = shown;
  const tone =
    kind === "Running"
      ? "good"
      : kind === "Terminated"
        ? code
          ? "bad"
          : ""
        : ["", "PodInitializing", "ContainerCreating"].includes(reason)
          ? "faint"
          : "warn";
  const since = kind === "Running" && started !== null ? ` for ${age(state.t - started)}` : "";
  const what = [kind + since, reason, kind === "Terminated" ? `exit code ${code}` : "", message]
    .filter(Boolean)
    .join(", ");
  return [what, tone];
};
const describe = (run, object, version) => {
  const found = [make("h3", {}, `${object.kind} ${object.name}`)];
  const facts = [
    version.node ? `on ${version.node}` : object.kind === "Pod" ? "not yet on a node" : "",
    version.phase,
    version.reason,
    version.deletion !== undefined ? `being deleted, grace ${version.deletion} s` : "",
  ].filter(Boolean);
  if (facts.length) found.push(make("div", { class: "faint" }, facts.join(" · ")));
  if (version.containers) {
    const rows = version.containers.map((one) => {
      const [words, tone] = stateWords(one.state),
        [before] = stateWords(one.last);
      const role = one.role === "main" ? "" : one.role;
      return make(
        "tr",
        {},
        make("td", {}, make("b", {}, one.name), role ? make("span", { class: "faint" }, ` ${role}`) : null),
        make("td", { class: tone }, words, before ? make("div", { class: "faint" }, `before: ${before}`) : null),
        make("td", {}, one.ready ? "ready" : ""),
        make("td", { class: "num" }, one.restarts ? `↻${one.restarts}` : ""),
      );
    });
    found.push(make("table", {}, make("tbody", {}, ...rows)));
  }
  if (version.conditions.length)
    found.push(
      make(
        "table",
        {},
        make(
          "tbody",
          {},
          ...version.conditions.map(([type, status, reason, message]) =>
            make(
              "tr",
              {},
              make("td", {}, type),
              make("td", { class: status === "True" ? "good" : "faint" }, status),
              make("td", { class: "faint" }, [reason, message].filter(Boolean).join(": ")),
            ),
          ),
        ),
      ),
    );
  const events = eventsAt(run, object);
  if (events.length)
    found.push(
      make("h3", {}, "Events"),
      make(
        "table",
        {},
        make(
          "tbody",
          {},
          ...events.map((one) =>
            make(
              "tr",
              {},
              make("td", { class: "num faint" }, age(state.t - one.last) + (one.count > 1 ? ` (x${one.count})` : "")),
              make("td", { class: one.type === "Warning" ? "warn" : "" }, one.reason),
              make("td", {}, one.message),
            ),
          ),
        ),
      ),
    );
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
  const run = DATA.runs[index],
    found = [];
  if (visible().length > 1)
    found.push(make("div", { class: "panel-head" }, make("span", { class: "chip" }, run.label)));
  found.push(...getTable(run));
  const living = run.objects.map((one) => [one, versionAt(one)]).filter((pair) => pair[1]);
  for (const [object, version] of living.slice(0, 8)) found.push(describe(run, object, version));
  if (living.length > 8) found.push(make("p", { class: "faint" }, `and ${living.length - 8} more`));
  return make("div", {}, ...found);
};
