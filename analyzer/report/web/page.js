// The page: what is shown first, the filters, and the table that grows as one scrolls.

const overview = read("overview");
const CHUNK = 200;
const CARDS_SHOWN = 12;
let details = null;
const rows = overview.rows.map(([stream, at, when, client, server, sni, outcome, group, said]) => ({
  stream, at, when, client, server, sni, outcome, group, said,
  cause: group === null ? "" : overview.groups[group].cause,
  side: group === null ? "" : overview.groups[group].side,
}));
for (const row of rows) {
  row.words = `${row.stream} ${row.client} ${row.server} ${row.sni} ${row.outcome} ${row.cause} ${titleOf(row)}`.toLowerCase();
}
const chosen = { outcome: "", cause: "", side: "", group: null, words: "" };
let matching = rows;
let drawn = 0;

function titleOf(row) {
  if (row.said) return row.said;
  return row.group === null ? "" : overview.groups[row.group].title;
}

function matches(row) {
  return (!chosen.outcome || row.outcome === chosen.outcome) &&
    (!chosen.cause || row.cause === chosen.cause) && (!chosen.side || row.side === chosen.side) &&
    (chosen.group === null || row.group === chosen.group) &&
    chosen.words.split(/\s+/).every((word) => row.words.includes(word));
}

function apply() {
  matching = rows.filter(matches);
  drawn = 0;
  byId("table").tBodies[0].replaceChildren();
  byId("count").textContent = matching.length === rows.length
    ? `${grouped(rows.length)} connections` : `${grouped(matching.length)} of ${grouped(rows.length)} connections`;
  for (const button of byId("outcomes").children) {
    button.setAttribute("aria-pressed", String(button.dataset.outcome === chosen.outcome));
  }
  for (const one of document.querySelectorAll(".card")) {
    one.setAttribute("aria-pressed", String(one.dataset.group === String(chosen.group)));
  }
  grow();
}

function grow(most = CHUNK) {
  const next = matching.slice(drawn, drawn + most);
  drawn += next.length;
  byId("table").tBodies[0].append(...next.map(rowOf));
  byId("more").replaceChildren();
  if (drawn < matching.length) {
    byId("more").append(make("button", { type: "button", class: "quiet", onclick: () => grow() },
      `Show more (${matching.length - drawn})`));
  }
}

function rowOf(row) {
  const opener = make("button", {
    type: "button", class: "open", "aria-expanded": "false", id: `stream-${row.stream}`,
    "aria-label": `Stream ${row.stream}: details`, onclick: () => toggle(row, opener),
  }, row.stream);
  return make("tr", { class: "row" },
    make("td", { class: "num" }, opener), make("td", { class: "time" }, row.when),
    make("td", { class: "mono" }, row.client),
    make("td", {}, make("span", { class: "mono" }, row.server), row.sni && ` ${row.sni}`),
    make("td", { class: row.outcome }, overview.words.short[row.outcome]), make("td", {}, titleOf(row)));
}

function toggle(row, opener) {
  const line = opener.closest("tr");
  if (opener.getAttribute("aria-expanded") === "true") {
    line.nextElementSibling.remove();
    opener.setAttribute("aria-expanded", "false");
    return;
  }
  details ??= read("details");
  const entry = details[row.stream];
  const content = entry ? panel(entry, overview) : make("div", { class: "panel" },
    make("p", {}, "Its details are not in this page. They are printed by ",
      make("code", {}, `handshake-analyzer FILE --stream ${row.stream}`)));
  line.after(make("tr", { class: "detail" }, make("td", { colspan: 6 }, content)));
  opener.setAttribute("aria-expanded", "true");
}

function choose(name, value) {
  chosen[name] = value;
  apply();
}

const FILES_SHOWN = 3;

function showCaptures() {
  const several = overview.captures.length > 1;  // frames are named by the number of their file
  const told = overview.captures.map((capture, number) => make("li", {},
    several && `${number}: `, make("strong", {}, capture.path), ` · ${capture.about}`,
    capture.caveats.map((caveat) => make("div", { class: "caveat" }, caveat))));
  const rest = told.splice(FILES_SHOWN);
  byId("captures").append(...told);
  if (rest.length) {
    byId("captures").append(make("li", {}, make("details", {},
      make("summary", {}, `and ${rest.length} more files`), make("ul", { class: "captures" }, rest))));
  }
}

function showZone() {
  if (overview.zone) byId("time").append(`, ${overview.zone}`);
}

function showOutcomes() {
  const counts = [["", overview.summary.connections], ...["failed", "incomplete", "established", "not_tls"]
    .map((outcome) => [outcome, overview.summary[outcome]])];
  byId("outcomes").append(...counts.filter(([outcome, count]) => !outcome || count).map(([outcome, count]) =>
    make("button", { type: "button", "data-outcome": outcome, onclick: () => choose("outcome", outcome) },
      make("b", { class: outcome || false }, grouped(count)), ` ${overview.words.short[outcome]}`)));
}

function showTimeline() {
  if (rows.length < 2 || !overview.seconds) return;
  const [from, to] = overview.span;
  byId("timeline").append(timeline(rows, overview.first * 1000, overview.seconds),
    make("figcaption", {}, `Connections from ${from} to ${to}; failures in red`));
  byId("timeline").hidden = false;
}

// Where there is but one connection, all is said of it below.
function showGroups() {
  document.querySelector(".filters").hidden = byId("outcomes").hidden = rows.length < 2;
  if (!overview.groups.length || rows.length < 2) return;
  const causes = [...new Set(overview.groups.map((group) => group.cause))].sort();
  byId("cause").append(...causes.map((cause) => make("option", {}, cause)));
  const cards = overview.groups.map(card);
  const place = document.querySelector(".cards");
  place.append(...cards.slice(0, CARDS_SHOWN));
  if (cards.length > CARDS_SHOWN) {
    const all = make("button", {
      type: "button", class: "quiet", onclick: () => { all.remove(); place.append(...cards.slice(CARDS_SHOWN)); },
    }, `Show all ${cards.length} kinds of failure`);
    place.after(all);
  }
  byId("groups").hidden = false;
}

function card(group, index) {
  return make("button", {
    type: "button", class: "card", "data-group": index, "aria-pressed": "false", onclick: () => chooseGroup(index),
  },
  make("strong", {}, group.count > 1 && make("b", { class: "times" }, `${grouped(group.count)} × `), group.title),
  group.to_do && make("em", {}, group.to_do),
  make("span", {}, `${group.cause} · ${group.gave_up}`),
  make("span", {}, group.who), make("span", {}, group.when));
}

function chooseGroup(index) {
  choose("group", chosen.group === index ? null : index);
  byId("table").scrollIntoView();
}

function listen() {
  let waiting = 0;
  byId("search").addEventListener("input", (event) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => choose("words", event.target.value.trim().toLowerCase()), 120);
  });
  byId("cause").addEventListener("change", (event) => choose("cause", event.target.value));
  byId("side").addEventListener("change", (event) => choose("side", event.target.value));
  byId("clear").addEventListener("click", () => {
    Object.assign(chosen, { outcome: "", cause: "", side: "", group: null, words: "" });
    for (const id of ["search", "cause", "side"]) byId(id).value = "";
    apply();
  });
  byId("theme").addEventListener("click", () => {
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    const now = document.documentElement.dataset.theme ?? (dark ? "dark" : "light");
    document.documentElement.dataset.theme = now === "dark" ? "light" : "dark";
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/INPUT|SELECT|TEXTAREA/.test(document.activeElement.tagName)) {
      event.preventDefault();
      byId("search").focus();
    }
  });
  addEventListener("beforeprint", openExamples);
  new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && drawn < matching.length && grow())
    .observe(byId("more"));
}

// On paper nothing can be opened: an example of each failure is shown in full.
function openExamples() {
  for (const group of overview.groups.slice(0, 50)) openStream(group.example);
}

function openStream(stream) {
  if (!matching.some((row) => row.stream === stream)) byId("clear").click();
  const at = matching.findIndex((row) => row.stream === stream);
  if (at >= drawn) grow(at + 1 - drawn);
  const opener = byId(`stream-${stream}`);
  if (opener && opener.getAttribute("aria-expanded") === "false") opener.click();
  return opener;
}

// A link ends in #stream-12; a single failure, or a single connection, is opened at once.
function openFirst() {
  const asked = /^#stream-(\d+)$/.exec(location.hash);
  if (asked) openStream(Number(asked[1]))?.scrollIntoView();
  else if (overview.groups.length === 1) openStream(overview.groups[0].example);
  else if (rows.length === 1) openStream(rows[0].stream);
}

// In a long capture nobody looks for what went well.
if (rows.length > CHUNK && overview.summary.failed) chosen.outcome = "failed";
showCaptures();
showZone();
showOutcomes();
showTimeline();
showGroups();
listen();
apply();
openFirst();
