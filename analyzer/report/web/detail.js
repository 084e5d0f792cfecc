// One connection in detail, drawn when it is opened.

function panel(entry, overview) {
  const { connection, rungs } = entry;
  const finding = connection.diagnosis;
  const copying = make("button", {
    type: "button", class: "quiet copy",
    onclick: (event) => copy(filterOf(connection, overview), event.currentTarget),
  }, "Copy Wireshark filter");
  return make("article", { class: "panel", "aria-label": `Connection ${connection.stream}` },
    make("header", {},
      make("h3", {}, finding ? finding.title : overview.words.outcome[connection.outcome]), copying),
    facts(entry, overview),
    finding && make("p", {}, finding.explanation),
    make("div", { class: "columns" },
      make("div", {}, finding && evidence(finding.evidence), others(connection, finding)),
      make("div", {}, finding && remedy(finding, overview.words))),
    log(connection.log),
    make("section", { class: "ladder" },
      make("h4", {}, "Who said what"), make("figure", {}, ladder(rungs, connection)),
      rungs.some((r) => r.words.startsWith("(")) &&
        make("p", { class: "note" }, "In brackets: encrypted, known by its record only.")),
    connection.detail === "full" && connection.tls.client_offers && offer(connection.tls),
    chain("Certificates of the server", connection.certificates.server,
      connection.certificates.server_chain, connection.start),
    vouchers(connection.certificates.vouchers),
    chain("Certificates of the client", connection.certificates.client,
      connection.certificates.client_chain, connection.start),
    list("What the capture hides", connection.caveats),
    finding && make("p", { class: "note" }, finding.references.join("; "),
      finding.references.length ? ". " : "", "More: ", make("code", {},
        `handshake-analyzer explain ${finding.rule}`)));
}

// The stream numbers of several files together are not those of any one of them in Wireshark.
function filterOf({ stream, client, server }, overview) {
  if (overview.captures.length < 2) return `tcp.stream eq ${stream}`;
  const ends = [client, server].map(({ ip, port }) =>
    `${ip.includes(":") ? "ipv6" : "ip"}.addr eq ${ip} and tcp.port eq ${port}`);
  return ends.join(" and ");
}

function facts({ connection, when }, overview) {
  const { words } = overview;
  const { diagnosis: finding, tls, tcp } = connection;
  const failed = finding && connection.outcome === "failed";
  const agreed = [tls.version, tls.cipher_suite, tls.group, tls.alpn].filter(Boolean).join(", ");
  const held = connection.objects;
  const rows = [
    ["gave up", failed && `${words.gave_up[finding.failing_side]}, ${words.step[finding.phase]} (${finding.phase})`],
    ["to do", failed && words.next[finding.remedy_side]],
    ["how sure", finding && words.sure[finding.confidence]],
    ["cause", finding && `${finding.cause} · rule ${finding.rule}`],
    ["between", `${endpoint(connection.client)} and ${endpoint(connection.server)}` + (tls.sni ? ` (${tls.sni})` : "")],
    ["when", when],
    ["before TLS", beforeTls(connection.handshake.prelude)],
    ["agreed", agreed],
    ["gateway", held && `${held.leg} side of domain ${held.domain}: ` +
      [held.place, held.profile].filter(Boolean).join(" with ")],
    ["looks like", stacks(tls)],
    ["TCP", transport(tcp)],
    ["fingerprints", [tls.ja4 && `JA4 ${tls.ja4}`, tls.ja3 && `JA3 ${tls.ja3}`, tls.ja3s && `JA3S ${tls.ja3s}`]
      .filter(Boolean).join(", ")],
    ["Wireshark", filterOf(connection, overview)],
  ];
  return make("dl", { class: "facts" },
    rows.filter(([, value]) => value).map(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
}

function beforeTls(prelude) {
  if (!prelude) return "";
  const target = prelude.target ? ` to ${prelude.target}` : "";
  const end = prelude.end.replaceAll("_", " ");
  return `${prelude.protocol}${target}, ${end} in frame ${frameText(prelude.frame)}: ${prelude.text}`;
}

function stacks(tls) {
  const told = (guess, side) => guess && `${side} ${guess.name} (${guess.confidence})`;
  return [told(tls.client_stack, "client:"), told(tls.server_stack, "server:")].filter(Boolean).join(", ");
}

function transport(tcp) {
  const parts = [`${tcp.client_packets} and ${tcp.server_packets} packets`,
    `${tcp.client_bytes} and ${tcp.server_bytes} bytes`];
  if (tcp.rtt !== null) parts.push(`round trip ${(tcp.rtt * 1000).toFixed(1)} ms`);
  if (tcp.retransmissions) parts.push(`${tcp.retransmissions} retransmissions`);
  if (tcp.missing_bytes) parts.push(`${tcp.missing_bytes} bytes missing`);
  return parts.join(", ");
}

function evidence(items) {
  if (!items.length) return null;
  return make("section", {}, make("h4", {}, "Evidence"),
    make("table", { class: "evidence" }, make("tbody", {},
      items.map((e) => make("tr", {}, make("td", {}, `frame ${frameText(e.frame)}`), make("td", {}, e.text))))));
}

function others(connection, finding) {
  return [
    list("Not excluded, and what would decide",
      (finding ? finding.alternatives : []).map((a) => `${a.cause}: ${a.would_decide}`)),
    list("Also seen", connection.findings.map((f) => f.title)),
  ];
}

function remedy(finding, words) {
  if (!finding.remedy.length) return null;
  return make("section", { class: "remedy" }, make("h4", {}, words.change[finding.remedy_side]),
    make("ol", {}, finding.remedy.map((step) => make("li", {}, withCommand(step)))));
}

// A command stands behind a colon, and ends its step.
function withCommand(step) {
  const [, words, command] = /^(.*?: )(openssl [a-z].*)$/.exec(step) ?? [null, step, ""];
  return [words, command && make("code", {}, command)];
}

function list(title, items) {
  if (!items.length) return null;
  return make("section", {}, make("h4", {}, title), make("ul", {}, items.map((item) => make("li", {}, item))));
}

function log(found) {
  if (!found) return null;
  return make("section", { class: "log" }, make("h4", {}, "What the gateway's log says"),
    list("Contradictions", found.contradictions),
    make("table", {}, make("tbody", {}, found.lines.map((line) => make("tr", {},
      make("td", {}, `${line.file}:${line.line}`), make("td", {}, line.code ?? ""), make("td", {}, line.text))))));
}

function offer(tls) {
  const { client_offers: asked, server_choice: chosen } = tls;
  const rows = [
    ["version", asked.versions, chosen?.version],
    ["cipher suite", asked.cipher_suites, chosen?.cipher_suite],
    ["group", asked.groups, chosen?.group ?? tls.group],
    ["key shares", asked.key_shares, chosen?.hello_retry_group && `asked for ${chosen.hello_retry_group}`],
    ["signature algorithm", asked.signature_algorithms, chosen?.signature_algorithm],
    ["ALPN", asked.alpn, chosen?.alpn ?? tls.alpn],
    ["extensions", asked.extensions, chosen?.extensions.join(", ")],
  ];
  return make("section", {}, make("h4", {}, "The offer, and what was chosen"),
    make("table", { class: "offer" },
      make("thead", {}, make("tr", {}, make("th", {}), make("th", { scope: "col" }, "client offers"),
        make("th", { scope: "col" }, "server chooses"))),
      make("tbody", {}, rows.filter(([, offered, picked]) => offered.length || picked)
        .map(([name, offered, picked]) => make("tr", {},
          make("th", { scope: "row" }, name), make("td", {}, offers(offered, picked)),
          make("td", {}, picked ?? "–"))))));
}

function offers(offered, picked) {
  return offered.flatMap((value, index) => [index ? ", " : "",
    value === picked ? make("mark", {}, value) : value]);
}

function chain(title, certificates, fit, start) {
  if (!certificates.length) return null;
  const at = Date.parse(start);
  const span = spanOf(certificates, at);
  const verdict = fit && fit.verdict.length ? fit.verdict.join(", ") : "";
  return make("section", {}, make("h4", {}, title),
    verdict && make("p", { class: "failed" }, `What is wrong: ${verdict}`),
    fit && fit.missing_issuer && make("p", { class: "note" }, `Not sent: its issuer, ${fit.missing_issuer}`),
    certificates.map((certificate) => one(certificate, at, span)));
}

function vouchers(found) {
  if (!found) return null;
  const { staple, timestamps, delegated_credential: credential } = found;
  const lines = [
    staple && `OCSP staple: ${staple.certificate_status ?? `no answer (${staple.response_status})`}, ` +
      `by ${staple.responder ?? "an unnamed responder"}, until ${day(staple.next_update)}`,
    timestamps.length && `certificate transparency: ${timestamps.length} log timestamps`,
    credential && `delegated credential: ${credential.scheme}, until ${day(credential.valid_until)}`,
  ];
  return make("ul", {}, lines.filter(Boolean).map((line) => make("li", {}, line)));
}

function one(certificate, at, span) {
  const { key } = certificate;
  const size = key.curve ?? (key.bits && `${key.bits} bits`);
  const names = certificate.sans.slice(0, 12).join(", ") + (certificate.sans.length > 12 ? " …" : "");
  return make("div", { class: certificate.valid_at_capture === false ? "certificate bad" : "certificate" },
    make("strong", {}, certificate.subject || "(no subject)"),
    make("span", {}, certificate.self_issued ? "issued by itself" : `issued by ${certificate.issuer}`),
    names && make("span", {}, `names: ${names}`),
    make("span", {}, [`serial ${certificate.serial}`, key.kind && [key.kind, size].filter(Boolean).join(" "),
      certificate.signature_algorithm].filter(Boolean).join(" · ")),
    make("span", { class: certificate.valid_at_capture === false ? "failed" : false },
      `${day(certificate.not_before)} to ${day(certificate.not_after)}` +
      (certificate.valid_at_capture === false ? ", not valid at the time of the capture" : "")),
    validity(certificate, at, span),
    certificate.defect && make("span", { class: "failed" }, certificate.defect));
}
