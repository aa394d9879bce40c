#!/usr/bin/env python3
"""Two people change secrets at the same time, and git merges: the same five cases for Covault and its peers, run and judged.

    benches/compare/install-peers            once
    cargo build --release
    benches/compare/merges.py [--covault PATH] [--only CASE] [--peer NAME] [--json FILE]

Each case gets a throw-away repository. Alice changes something and pushes; Bob, who has not pulled,
changes something else, commits, and runs `git pull`. The verdict is on what he has then: whether git
stopped, and which of the two values the program's ordinary command reads. What each program does for
its people is in merging*.py.

A cell says what became of it:
  merged            git went through, and both changes are there
  merged, kept both the same field: git went through, both values are there, and the program says so
  stops             git stops; a person has to bring both together (and what the program reads meanwhile)
  **loses**         git went through, and a change is gone or cannot be read
For a new reader, after the merge: which secrets she reads, and whether it takes another write of Bob's.
"""

import sys

sys.dont_write_bytecode = True

import argparse
import json
import os
import signal
from dataclasses import asdict, dataclass
from pathlib import Path

from attacks import gpg_version
from bench import Bench
from measure import Failed
from merging import FIELDS, NEWCOMER, MergeScene
from merging_peers import MERGING
from run import ROOT, version

ALICE, BOB = "alices-change-5a81", "bobs-change-c07e"


@dataclass
class Outcome:
    """What became of one case with one program."""

    case: str
    program: str
    verdict: str
    note: str = ""  # more for the cell
    said: str = ""  # the first line that Bob was told where git stopped

    def cell(self):
        words = f"**{self.verdict}**" if self.verdict == "loses" else self.verdict
        return f"{words}: {self.note}" if self.note else words


def fields_of(first, second):
    """Alice changes one field of a secret, Bob another one of the same, or the same."""

    def case(target, scene):
        target.change(scene, "alice", first, ALICE)
        scene.push("alice")
        target.change(scene, "bob", second, BOB)
        pulled = scene.pull_and_merge("bob")
        if pulled.code != 0:
            return stopped(target, scene, pulled)
        has = "\n".join(value for field in {first, second} for value in target.values(scene, "bob", field))
        lost = [name for name, value in (("Alice", ALICE), ("Bob", BOB)) if value not in has]
        if lost:
            return "loses", f"{' and '.join(lost)}'s change is not there", ""
        if first != second:
            return "merged", "", ""
        return ("merged, kept both", "", "") if target.asks(scene, "bob", first) else ("loses", "nobody is told of two values", "")

    return case


def two_new(target, scene):
    """Each makes a secret."""
    target.add(scene, "alice", "prod/mail", ALICE)
    scene.push("alice")
    target.add(scene, "bob", "prod/queue", BOB)
    pulled = scene.pull_and_merge("bob")
    if pulled.code != 0:
        return stopped(target, scene, pulled)
    lost = [name for name, value in (("prod/mail", ALICE), ("prod/queue", BOB)) if value not in read(target, scene, "bob", name)]
    return ("loses", f"{' and '.join(lost)} cannot be read", "") if lost else ("merged", "", "")


def admitted(target, scene):
    """Alice lets somebody in; Bob makes a secret that she does not know yet."""
    target.prepare_newcomer(scene)
    target.admit(scene)
    scene.push("alice")
    target.add(scene, "bob", "prod/queue", BOB)
    pulled = scene.pull_and_merge("bob")
    if pulled.code != 0:
        return stopped(target, scene, pulled)
    scene.push("bob")
    target.welcome(scene)
    if target.initial not in " ".join(target.values(scene, NEWCOMER, FIELDS[0])):
        return "merged", "she reads nothing", ""
    if BOB in read(target, scene, NEWCOMER, "prod/queue"):
        return "merged", "she reads both", ""
    target.add(scene, "bob", "prod/other", "another value of his")
    scene.push("bob")
    scene.must(NEWCOMER, scene.bench.find("git"), "pull", "-q", "--no-rebase", "origin", "main")
    if BOB in read(target, scene, NEWCOMER, "prod/queue"):
        return "merged", "she reads his after the next write by anybody who reads it", ""
    return "merged", "she does not read his until somebody encrypts it again by hand", ""


def read(target, scene, person, name):
    return target.read(scene, person, name).out


def stopped(target, scene, pulled):
    """What Bob has before he did anything about it."""
    has = target.values(scene, "bob", FIELDS[0])
    note = "" if has else "and reads nothing until it is settled"
    lines = [line for line in (pulled.out + "\n" + pulled.err).splitlines() if "CONFLICT" in line or "error" in line]
    return "stops", note, (lines or [f"exit {pulled.code}"])[0].replace(str(scene.dir), "…")


CASES = {
    "fields": ("two fields of one secret, far apart", fields_of(FIELDS[0], FIELDS[-1])),
    "adjacent": ("two fields next to each other", fields_of(FIELDS[2], FIELDS[3])),
    "same": ("the same field", fields_of(FIELDS[3], FIELDS[3])),
    "new": ("two new secrets", two_new),
    "reader": ("one lets a reader in, the other makes a secret", admitted),
}


def main():
    args = arguments()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    tools = Path(os.environ.get("COVAULT_TOOLS", ROOT / "target/tools")).resolve()
    bench = Bench(tools, args.tmp)
    try:
        report = merge_all(bench, args)
    finally:
        bench.close()
    if args.json:
        Path(args.json).write_text(json.dumps(report, indent=1) + "\n")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=list(CASES), help="only this case; repeatable")
    parser.add_argument("--peer", action="append", metavar="NAME", help="only these programs; repeatable")
    parser.add_argument("--covault", metavar="PATH", help="the program (default: target/release/covault)")
    parser.add_argument("--json", metavar="FILE", help="all outcomes")
    parser.add_argument("--tmp", default="/tmp", metavar="DIR", help="parent of the temporary folder; a short path")
    args = parser.parse_args()
    args.json = args.json and os.path.abspath(args.json)
    return args


def merge_all(bench, args):
    """Runs and prints; returns what --json keeps."""
    covault = os.path.abspath(args.covault) if args.covault else str(ROOT / "target/release/covault")
    outcomes, versions, targets = [], {}, []
    cases = [name for name in CASES if not args.only or name in args.only]
    for kind in MERGING:
        target = kind(bench, covault if os.access(covault, os.X_OK) else None)
        if args.peer and target.name not in args.peer:
            continue
        targets.append(target)
        lacks = target.missing()
        if lacks:
            outcomes += [Outcome(case, target.name, "not installed", "" if lacks == target.name else f"needs {lacks}") for case in cases]
            continue
        versions[target.name] = version(bench, target)
        for case in cases:
            print(f"merges: {case}: {target.name}", file=sys.stderr, flush=True)
            outcomes.append(one(bench, target, case))
    head = {"programs": versions, "git": version_of_git(bench), "gpg": gpg_version(bench)}
    print(render(head, targets, cases, outcomes))
    return {**head, "outcomes": [asdict(outcome) for outcome in outcomes]}


def one(bench, target, case):
    scene = MergeScene(bench)
    try:
        target.begin(scene)
        # A verdict says something only where the same command has worked.
        for person in ("alice", "bob"):
            if target.initial not in " ".join(target.values(scene, person, FIELDS[0])):
                raise Failed(f"{person} could not read before")
        return Outcome(case, target.name, *CASES[case][1](target, scene))
    except Failed as failed:
        return Outcome(case, target.name, "failed", str(failed).replace(str(scene.dir), "…"))


def version_of_git(bench):
    return bench.call(bench.find("git"), "--version").split()[2]


def render(head, targets, cases, outcomes):
    """The table in Markdown, then what Bob was told."""
    lines = ["| program | kept as | " + " | ".join(CASES[case][0] for case in cases) + " |", "|---" * (len(cases) + 2) + "|"]
    for target in targets:
        cells = {outcome.case: outcome.cell() for outcome in outcomes if outcome.program == target.name}
        lines.append(f"| {target.name} | {target.kept_as} | " + " | ".join(cells[case] for case in cases) + " |")
    versions = ", ".join(f"{name} {found}" for name, found in head["programs"].items())
    lines.append(f"\nVersions: {versions}, git {head['git']}, gpg {head['gpg']}.")
    told = [f"- {CASES[o.case][0]}, {o.program}: `{o.said.strip()[:160]}`" for o in outcomes if o.said]
    if told:
        lines += ["\nWhat Bob was told where git stopped:\n", *told]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
