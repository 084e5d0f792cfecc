"""Chains of ``certs --verify`` on a terminal: those that break in full, the others in a line each."""

from __future__ import annotations

from analyzer.report.holdings.schema import CertificateReport, Judgement, Verification
from analyzer.report.holdings.words import moment, place_text
from analyzer.report.page import Page
from analyzer.report.words import counted


def tell_chains(page: Page, report: CertificateReport, *, verbose: bool) -> None:
    """A sentence that counts, then each chain, those that break first."""
    broken = [v for v in report.verifications if not (v.then or v.now).ok]
    good = [v for v in report.verifications if v not in broken]
    counts = f"{len(good)} good, {len(broken)} broken" if broken else "all good"
    roots = f"{report.trusted} trusted {'root' if report.trusted == 1 else 'roots'}"
    words = (
        f"{counted(len(report.verifications), 'chain')} against {roots} ({report.trust}): {counts}"
    )
    page.say(words, style="bold")
    for verification in broken:
        _chain(page, verification)
    if good and not verbose:
        page.blank()
    for verification in good:
        if verbose:
            _chain(page, verification)
        else:
            _good_chain(page, verification)
    page.blank()


def _chain(page: Page, chain: Verification) -> None:
    decisive = chain.then or chain.now
    mark = page.text(f"{_sign(page, decisive)} ", "bold green" if decisive.ok else "bold red")
    page.blank()
    page.say(f"{chain.title}: {_result(decisive)}", lead=mark, style="bold")
    more = f", and {chain.times_seen - 1} more like it" if chain.times_seen > 1 else ""
    page.fact("seen", place_text(chain.seen) + more)
    words = (chain.purpose, f"for {chain.hostname}" if chain.hostname else None)
    if any(words):
        page.fact("checked as", " ".join(word for word in words if word))
    _times(page, chain)
    for problem in decisive.problems[:1]:
        page.fact("why", problem.text[:1].upper() + problem.text[1:] + ".")
    for line in chain.causes:
        page.fact("", line)
    _also(page, decisive)
    _path(page, chain)
    if chain.remedy:
        page.fact("change", chain.remedy)
    for line in chain.remarks:
        page.fact("note", line)
    command = page.text(f"  OpenSSL    {chain.command}")
    page.console.print(command, soft_wrap=True)  # one line whatever its length, to be copied


def _also(page: Page, judgement: Judgement) -> None:
    """What else is wrong; OpenSSL may have several numbers for one thing, which is told once."""
    told = {problem.text for problem in judgement.problems[:1]}
    label = "also"
    for problem in judgement.problems[1:]:
        if problem.text not in told:
            words = f"{problem.text} (error {problem.code} at depth {problem.depth})"
            page.fact(label, words)
            label = ""
        told.add(problem.text)


def _good_chain(page: Page, chain: Verification) -> None:
    """A chain that verifies, in brief; what changed since and what is unusual is said."""
    lead = page.text(f"{page.glyphs.good} ", "bold green")
    often = f" ({page.glyphs.times}{chain.times_seen})" if chain.times_seen > 1 else ""
    page.say(f"{chain.title} verifies: {place_text(chain.seen)}{often}", lead=lead)
    if not chain.now.ok:
        _times(page, chain)
    for line in chain.remarks:
        page.fact("note", line)


def _result(judgement: Judgement) -> str:
    if judgement.ok:
        return "the chain verifies"
    first = judgement.problems[0]
    return f"{first.openssl} (error {first.code} at depth {first.depth})"


def _times(page: Page, chain: Verification) -> None:
    """As of the packet and, beside it, as of now."""
    then, now = chain.then, chain.now
    if then is not None:
        label = "packet" if then.time == chain.seen.time else "as of"
        shown = "good" if then.ok else f"error {then.code}"
        page.fact(label, f"{moment(then.time)}  {_sign(page, then)} {shown}")
    shown = "good" if now.ok else f"error {now.code}"
    if then is not None and not now.ok:  # without it, the headline has the words
        shown += f", {now.problems[0].openssl}"
    if then is not None and (then.code, then.depth) == (now.code, now.depth):
        shown = "the same"
    page.fact("now", f"{moment(now.time)}  {_sign(page, now)} {shown}")


def _path(page: Page, chain: Verification) -> None:
    """The path, leaf first, with the place of each certificate."""
    for depth, step in enumerate(chain.path):
        if step.origin == "trusted":
            origin = "trusted"
        elif chain.seen.kind == "capture":
            origin = f"sent as number {(step.index or 0) + 1}"
        else:
            origin = "from the files"
        words = f"{depth}  {step.subject or '(empty subject)'} ({origin})"
        page.fact("path" if depth == 0 else "", words)


def _sign(page: Page, judgement: Judgement) -> str:
    """Good or bad."""
    return page.glyphs.good if judgement.ok else page.glyphs.bad
