// Pictures: the ladder of a handshake, the validity of certificates, failures over time.

const LADDER = { width: 900, left: 190, right: 870, row: 30, top: 34 };

function ladder(rungs, connection) {
  const { width, left, right, row, top } = LADDER;
  const height = top + rungs.length * row + 16;
  const told = rungs.map((rung) => `${rung.sender ?? ""} ${rung.words}`.trim()).join("; ");
  const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": told });
  svg.append(
    draw("text", { x: left, y: 18, "font-size": 14, "font-weight": 600 }, endpoint(connection.client)),
    draw("text", { x: right, y: 18, "font-size": 14, "font-weight": 600, "text-anchor": "end" },
      endpoint(connection.server)),
    draw("text", { x: 0, y: 18, "font-size": 12, class: "dim" }, "frame"),
    draw("text", { x: 150, y: 18, "font-size": 12, class: "dim", "text-anchor": "end" }, "seconds"),
    draw("line", { x1: left, x2: left, y1: top - 6, y2: height - 6, class: "life" }),
    draw("line", { x1: right, x2: right, y1: top - 6, y2: height - 6, class: "life" }));
  rungs.forEach((rung, index) => svg.append(...step(rung, top + index * row + 18)));
  return svg;
}

function step(rung, y) {
  const { left, right } = LADDER;
  const wrong = rung.broken ? " wrong" : "";
  const words = rung.words + (rung.repeats > 1 ? ` ×${rung.repeats}` : "") + (rung.broken ? "  ✗" : "");
  const parts = [
    draw("text", { x: 0, y, "font-size": 12, class: "dim" }, frameText(rung.frame)),
    draw("text", { x: 150, y, "font-size": 12, class: "dim", "text-anchor": "end" },
      rung.seconds === null ? "" : (rung.seconds < 0 ? "" : "+") + rung.seconds.toFixed(3)),
  ];
  if (rung.sender === null) {
    const middle = (left + right) / 2;
    return [...parts, draw("text", {
      x: middle, y, "font-size": 13, "text-anchor": "middle", class: rung.broken ? "wrong" : "dim",
    }, words)];
  }
  const forth = rung.sender === "client";
  const [from, to] = forth ? [left + 6, right - 6] : [right - 6, left + 6];
  const tip = forth ? -9 : 9;
  const inferred = rung.words.startsWith("(") ? " inferred" : "";
  return [...parts,
    draw("line", { x1: from, x2: to + tip, y1: y + 5, y2: y + 5, class: `arrow${wrong}${inferred}` }),
    draw("path", { d: `M ${to} ${y + 5} l ${tip} -4 v 8 z`, class: `head${wrong}` }),
    draw("text", {
      x: forth ? left + 12 : right - 12, y, "font-size": 13,
      "text-anchor": forth ? "start" : "end", class: wrong.trim() || false,
    }, words)];
}

function validity(certificate, at, span) {
  if (certificate.not_before === null || certificate.not_after === null) return null;
  const place = (time) => 8 + 584 * Math.min(1, Math.max(0, (time - span[0]) / (span[1] - span[0] || 1)));
  const [begin, end] = [Date.parse(certificate.not_before), Date.parse(certificate.not_after)];
  const bad = at < begin || at > end;
  const label = `valid from ${day(certificate.not_before)} to ${day(certificate.not_after)}` +
    (bad ? "; not at the time of the capture" : "");
  return draw("svg", { viewBox: "0 0 600 18", width: "100%", role: "img", "aria-label": label },
    draw("title", {}, label),
    draw("rect", { x: 8, y: 7, width: 584, height: 4, class: "track" }),
    draw("rect", {
      x: place(begin), y: 5, width: Math.max(3, place(end) - place(begin)), height: 8, rx: 2,
      class: bad ? "valid bad" : "valid",
    }),
    draw("line", { x1: place(at), x2: place(at), y1: 0, y2: 18, class: "now" }));
}

// From the first to the last moment that matters, ms; a root's many years would squeeze the others.
function spanOf(certificates, at) {
  const year = 366 * 86400e3;
  const times = certificates
    .flatMap((c) => [Date.parse(c.not_before), Date.parse(c.not_after)])
    .filter((time) => !Number.isNaN(time))
    .map((time) => Math.min(Math.max(time, at - 3 * year), at + 3 * year));
  return [Math.min(at, ...times), Math.max(at, ...times)];
}

const KINDS = [["failed", "bar-failed"], ["incomplete", "bar-incomplete"], ["other", "bar-calm"]];

function timeline(rows, first, seconds) {
  const bins = 100;
  const counts = Array.from({ length: bins }, () => ({ failed: 0, incomplete: 0, other: 0 }));
  for (const row of rows) {
    const bin = Math.min(bins - 1, Math.floor((row.at / (seconds || 1)) * bins));
    counts[Math.max(0, bin)][row.outcome in counts[0] ? row.outcome : "other"] += 1;
  }
  const most = Math.max(...counts.map((c) => c.failed + c.incomplete + c.other), 1);
  const svg = draw("svg", {
    viewBox: "0 0 1000 90", role: "img",
    "aria-label": "Connections over the time of the capture, failures at the bottom",
  });
  counts.forEach((count, index) => {
    let y = 74;
    const bars = KINDS.map(([kind, style]) => {
      const height = count[kind] ? Math.max(2, (68 * count[kind]) / most) : 0;
      y -= height;
      return draw("rect", { x: index * 10 + 1, y, width: 8, height, class: style });
    });
    const from = new Date(first + (index * seconds * 1000) / bins).toISOString().slice(11, 19);
    svg.append(draw("g", {},
      draw("title", {}, `${from}: ${count.failed} failed, ${count.incomplete + count.other} others`), bars));
  });
  svg.append(draw("line", { x1: 0, x2: 1000, y1: 75, y2: 75, class: "life" }));
  return svg;
}
