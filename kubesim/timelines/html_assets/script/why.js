// Reasons: of the selected item, of the questions, of the story; and the words that follow the pointer.

const ruleLinks = (rules) => {
  // rules of one page share its link
  const pages = new Map();
  for (const rule of rules) {
    const known = DATA.rules[rule],
      key = known ? known[1] : "";
    pages.set(key, [...(pages.get(key) || []), rule]);
  }
  return [...pages].map(([page, shared]) =>
    make(
      "div",
      {},
      ...shared.flatMap((rule) => [make("span", { class: "rule-id" }, rule), " "]),
      page ? make("a", { href: page, target: "_blank", rel: "noopener noreferrer" }, DATA.rules[shared[0]][0]) : null,
    ),
  );
};
const when = (item) =>
  item.end > item.start
    ? `${clock(item.start)} to ${item.open ? "the end" : clock(item.end)} (${lasted(item.end - item.start)})`
    : clock(item.start);
const explain = () => {
  const item = byKey.get(state.key),
    target = $("details");
  for (const element of document.querySelectorAll(".item.selected")) element.classList.remove("selected");
  if (!item) {
    target.replaceChildren(
      make(
        "p",
        { class: "faint" },
        "Point at anything above, or select it with a click or the arrow keys: here stands why it happened, by which rule, and where Kubernetes documents it.",
      ),
    );
    return;
  }
  const element = document.querySelector(`.item[data-key="${CSS.escape(item.key)}"]`);
  if (element) element.classList.add("selected");
  const run = DATA.runs[Number(item.key.split("/")[0])];
  const rows = [
    ["when", when(item)],
    ["on", run.label],
    ["why", [item.why, item.more].filter(Boolean).join("; ")],
  ].filter((row) => row[1]);
  target.replaceChildren(
    make("b", { class: "what" }, item.title),
    make(
      "dl",
      {},
      ...rows.flatMap(([name, words]) => [make("dt", {}, name), make("dd", {}, words)]),
      ...(item.rules.length ? [make("dt", {}, "rules"), make("dd", { class: "rules" }, ...ruleLinks(item.rules))] : []),
    ),
  );
};
const answers = () => {
  const known = DATA.runs[current()].answers || [],
    target = $("questions");
  target.replaceChildren(
    ...known.map(([question, steps], index) => {
      const open = state.answer === index;
      const button = make(
        "button",
        {
          "aria-expanded": String(open),
          onclick: () => {
            state.answer = open ? -1 : index;
            answers();
          },
        },
        question,
      );
      if (!open) return make("div", {}, button);
      return make(
        "div",
        {},
        button,
        make(
          "ol",
          {},
          ...steps.map(([ms, words, why, rules]) =>
            make(
              "li",
              {
                onclick: (event) => {
                  if (event.target.tagName !== "A") go(ms);
                },
              },
              make("span", { class: "faint" }, clock(ms) + " "),
              words,
              why ? make("span", { class: "faint" }, ` – ${why}`) : null,
              ...ruleLinks(rules),
            ),
          ),
        ),
      );
    }),
  );
};
const notes = () => {
  const run = DATA.runs[current()],
    lines = [
      ...run.assumed.map(([subject, text]) => `${subject}: ${text}`),
      ...run.notModelled.map(([subject, text]) => `not modelled: ${subject}: ${text}`),
    ];
  $("notes").replaceChildren(...lines.map((line) => make("li", {}, line)));
  $("notes-card").hidden = !lines.length;
};
const story = () => {
  const run = DATA.runs[current()];
  $("story-title").textContent = visible().length > 1 ? `What happened on ${run.label}` : "What happened";
  $("story").replaceChildren(
    make(
      "table",
      {},
      make(
        "tbody",
        {},
        ...run.story.map(([ms, who, what, why, rules, tone]) =>
          make(
            "tr",
            {
              "data-at": ms,
              onclick: (event) => {
                if (event.target.tagName !== "A") go(ms);
              },
            },
            make("td", { class: "num faint" }, clock(ms)),
            make("td", { class: "faint who-col" }, who),
            make(
              "td",
              {},
              make("span", { class: tone === "dim" ? "faint" : tone }, what),
              why ? make("div", { class: "faint" }, why) : null,
              ...ruleLinks(rules),
            ),
          ),
        ),
      ),
    ),
  );
  moved();
};

const tip = $("tip");
const hover = (item, event) => {
  if (!item) {
    tip.hidden = true;
    return;
  }
  const rules = item.rules.map((rule) => rule + (DATA.rules[rule] ? ` ${DATA.rules[rule][0]}` : ""));
  tip.replaceChildren(
    make("b", {}, item.title),
    make("span", { class: "small" }, when(item)),
    ...[item.why, item.more, ...rules].filter(Boolean).map((line) => make("div", {}, line)),
  );
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  tip.style.left = `${clamp(event.clientX + 14, 4, innerWidth - box.width - 4)}px`;
  tip.style.top = `${event.clientY + 18 + box.height > innerHeight ? Math.max(event.clientY - box.height - 12, 4) : event.clientY + 18}px`;
};
