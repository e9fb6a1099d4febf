// Everything that can be pointed at: spans, marks, hooks, windows, bands and moments, each with its key.

const visible = () => (state.run === "all" ? DATA.runs.map((_, index) => index) : [state.run]);
const current = () => (state.run === "all" ? 0 : state.run);
const lookWords = (name) =>
  ({ BACK_OFF: "back-off or error", STARTED: "started, not ready" })[name] || look(name).words;

const collect = (index) => {
  const run = DATA.runs[index],
    owners = [];
  const jobs = run.jobs,
    alone = (pod) =>
      run.pods.filter((other) => other.job === pod.job && other.namespace === pod.namespace).length === 1;
  for (const owner of [...jobs, ...run.pods.filter((pod) => !pod.job || alone(pod) || run.pods.length < 7)])
    owners.push(owner);
  return owners.map((owner) => ({
    run: index,
    owner,
    lanes: owner.lanes.map((lane) => laneItems(index, owner, lane)),
    bands: owner.bands.map((band) => bandItems(index, owner, band)),
    moments: momentItems(index, owner),
  }));
};
const laneItems = (run, owner, lane) => {
  const prefix = `${run}/${owner.name}/${lane.name}`,
    found = [];
  lane.spans.forEach(([start, end, name, number, label, why, rules, open], place) => {
    const what = ENDED.has(name) ? label || lookWords(name) : label && name === "BACK_OFF" ? label : lookWords(name);
    const again = number > 0 ? ` (restart ${number})` : "";
    found.push({
      key: `${prefix}/span${place}`,
      kind: "span",
      look: name,
      start,
      end,
      open,
      label,
      subject: lane.name,
      title: `${lane.name}: ${what}${again}`,
      why,
      rules,
    });
  });
  lane.marks.forEach(([start, kind, label, why, rules], place) =>
    found.push({
      key: `${prefix}/mark${place}`,
      kind: "mark",
      mark: kind,
      label,
      start,
      end: start,
      subject: lane.name,
      title: `${lane.name}: ${label}`,
      why,
      rules,
    }),
  );
  lane.hooks.forEach(([start, end, name, command, code], place) =>
    found.push({
      key: `${prefix}/hook${place}`,
      kind: "hook",
      start,
      end,
      label: name,
      subject: lane.name,
      title: `${lane.name}: ${name} hook`,
      why: command ? `runs: ${command}` : "",
      more: code === null ? "it never ended by itself" : `it ended with ${code}`,
      rules: [],
    }),
  );
  lane.windows.forEach(([start, end, seconds], place) =>
    found.push({
      key: `${prefix}/grace${place}`,
      kind: "window",
      start,
      end,
      subject: lane.name,
      title: `${lane.name}: grace period of ${seconds} s`,
      why: `SIGKILL follows at ${clock(end)} if it still runs`,
      rules: [],
    }),
  );
  found.sort((a, b) => a.start - b.start || a.end - b.end);
  return { lane, items: found };
};
const bandItems = (run, owner, band) => ({
  band,
  items: band.segments.map(([start, end, value, detail], place) => ({
    key: `${run}/${owner.name}/${band.name}/at${place}`,
    kind: "band",
    start,
    end,
    value,
    subject: band.name,
    title: `${band.name}: ${value}`,
    why: detail,
    rules: [],
  })),
});
const momentItems = (run, owner) => {
  const mine = new Set([owner.name, owner.job, ...(owner.kind === "Job" ? owner.lanes.map((lane) => lane.name) : [])]);
  const found = DATA.runs[run].moments
    .filter((one) => !one[3] || mine.has(one[3]))
    .map(([start, kind, label, subject, detail], place) => ({
      key: `${run}/${owner.name}/moment${place}`,
      kind: "moment",
      moment: kind,
      start,
      end: start,
      subject,
      label,
      title: subject
        ? `${label.split(",")[0]} ${subject}${label.includes(",") ? "," + label.split(",").slice(1).join(",") : ""}`
        : label,
      why: detail,
      rules: [],
    }));
  for (const [index, [start, end, seconds]] of owner.windows.entries())
    found.push({
      key: `${run}/${owner.name}/end${index}`,
      kind: "moment",
      moment: "GRACE",
      start: end,
      end,
      begin: start,
      subject: owner.name,
      label: `grace of ${seconds} s ends`,
      title: `${owner.name}: grace period of ${seconds} s`,
      why: `from ${clock(start)} to ${clock(end)}`,
      rules: [],
    });
  return found.sort((a, b) => a.start - b.start);
};
