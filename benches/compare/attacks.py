#!/usr/bin/env python3
"""What somebody with push rights and no secret key can do: the same attacks on Covault and on its peers, run and judged.

    benches/compare/install-peers            once
    benches/compare/attacks.py [--covault PATH] [--only ATTACK] [--peer NAME] [--json FILE]

Every attack gets a throw-away repository with its own homes and keyrings (scene.py). Mallory does
what she can with public keys and git, and pushes; Alice pulls and reads or writes with the
program's ordinary command. The verdict is on that command: its exit code, what it wrote, and
whether it warned. What each program does for its people is in targets*.py.

A row says what happened to the victim:
  **taken**         exit 0, with what the attacker wanted, and not a word on stderr
  taken, warned     the same, with something on stderr
  refused           another exit code than 0
  no effect         exit 0, and the attacker got nothing
  reads it          of the one row that is no attack: exit 0, with the value of then
  –                 no way to go about it is known to us: the program has nothing of the kind
"""

import sys

sys.dont_write_bytecode = True

import argparse
import json
import os
import signal
from dataclasses import asdict, dataclass
from pathlib import Path

from bench import Bench
from measure import Failed
from run import ROOT, version
from scene import Ran, Scene
from targets_age import Age, Murk, Sops
from targets_covault import Covault
from targets_dotenvx import Dotenvx
from targets_git_secret import GitSecret
from targets_gpg import GitCrypt, Pass, SignedPass

OLD, NEW, CACHE = "first-db-value-7f3a", "second-db-value-9c41", "cache-value-2b6e"
FORGED, LATER = "forged-value-by-mallory", "value-written-later-51d0"
SECRETS = (("prod/db", OLD), ("prod/cache", CACHE), ("prod/db", NEW))


@dataclass
class Outcome:
    """One way of one attack on one program."""

    attack: str
    program: str
    case: str
    verdict: str  # taken, warned, refused, no effect, reads, none, not yet
    code: int = 0
    said: str = ""  # what the victim was told, first line

    def cell(self):
        words = {
            "taken": "**taken**", "warned": "taken, warned", "refused": f"refused, exit {self.code}",
            "no effect": "no effect", "reads": "reads it", "none": "–", "not yet": "not yet", "failed": f"failed: {self.said}",
        }[self.verdict]
        return f"{self.case}: {words}" if self.case else words


def judge(ran, wanted):
    """The verdict on what the victim's command did, where the attacker wanted it to write `wanted`."""
    said = next((line for line in ran.err.splitlines() if line.strip()), "")
    if ran.code != 0:
        return "refused", ran.code, said
    if wanted not in ran.out:
        return "no effect", 0, said
    return ("warned" if said else "taken"), 0, said


def swap(target, scene, case):
    """Two secrets' files exchanged: the victim reads another secret's value."""
    wanted = target.swap(scene, case) or CACHE
    return judge(deliver(target, scene), wanted)


def forge(target, scene, case):
    """A value of the attacker's, made with public keys only."""
    target.forge(scene, case, "prod/db", FORGED)
    return judge(deliver(target, scene), FORGED)


def rollback(target, scene, case):
    """The newest version of a secret taken back: the victim had read it, and reads the older one."""
    target.rollback(scene, case)
    return judge(deliver(target, scene), OLD)


def deliver(target, scene):
    """Mallory pushes, Alice pulls and reads."""
    scene.publish("mallory", "tidy up")
    return scene.pull("alice").then(target.read(scene, "alice", "prod/db"))


def add_reader(target, scene, case):
    """Somebody more for what is sealed next: the victim writes a new secret, and the attacker reads it."""
    target.add_reader(scene, case)
    scene.publish("mallory", "tidy up")
    told = Ran(0, "", "")
    if hasattr(target, "victim_moves") and "fresh" in case:
        target.victim_moves(scene, case)
    else:
        told = scene.pull("alice")
    told = told.then(target.write(scene, "alice", "prod/new", LATER))
    if told.code != 0:
        return judge(told, LATER)
    scene.must("mallory", scene.bench.find("git"), "pull", "-q", "origin", "main")
    reading = getattr(target, "outsider_reads", None)
    got = reading(scene, "prod/new") if reading else target.read(scene, "mallory", "prod/new")
    return judge(Ran(0, got.out, told.err), LATER)


def plaintext(target, scene, _case):
    """The next write goes out in the clear, by what is configured in the tree."""
    target.plaintext(scene)
    scene.publish("mallory", "tidy up")
    told = scene.pull("alice").then(target.write(scene, "alice", "prod/new", LATER))
    if told.code != 0:
        return judge(told, LATER)
    return judge(Ran(0, scene.published(target.path("prod/new")).decode(errors="replace"), told.err), LATER)


def removed(target, scene, case):
    """After the removal commands: does the removed reader's ordinary command open the newest tree?"""
    leave(target, scene, case)
    return judge(scene.pull("bob").then(target.read(scene, "bob", "prod/db")), NEW)


def removed_later(target, scene, case):
    """A value written after the removal, with the key that he has and what git's history still holds."""
    leave(target, scene, case)
    target.write(scene, "alice", "prod/db", LATER)
    told = scene.pull("bob")
    reading = getattr(target, "read_with_history", target.read)
    return judge(told.then(reading(scene, "bob", "prod/db")), LATER)


def readmitted(target, scene, case):
    """The list of readers from before the removal put back: the victim writes a new secret, and the removed reader reads it."""
    before = scene.git("alice", "rev-parse", "HEAD").strip()
    leave(target, scene, case)
    scene.must("mallory", scene.bench.find("git"), "pull", "-q", "origin", "main")
    target.readmit(scene, before)
    scene.publish("mallory", "tidy up")
    told = scene.pull("alice").then(target.write(scene, "alice", "prod/new", LATER))
    if told.code != 0:
        return judge(told, LATER)
    scene.pull("bob")
    return judge(Ran(0, target.read(scene, "bob", "prod/new").out, told.err), LATER)


def old_checkout(target, scene, _case):
    """No attack: the victim checks an older commit out herself, as for a bisect, and reads."""
    first = scene.git("alice", "log", "--format=%H", "--diff-filter=A", "--", target.path("prod/db")).split()[-1]
    told = scene.run("alice", scene.bench.find("git"), "checkout", "-q", first)
    verdict, code, said = judge(told.then(target.read(scene, "alice", "prod/db")), OLD)
    return {"taken": "reads", "warned": "reads"}.get(verdict, verdict), code, said


def leave(target, scene, case):
    """Bob is there and reads; then he is removed."""
    if not target.read(scene, "bob", "prod/db").out.startswith(NEW):
        raise Failed("bob could not read before")
    target.remove(scene, case, ("prod/db", "prod/cache"))


ATTACKS = {
    "swap": ("exchange two secrets' files", swap, "swap"),
    "forge": ("a new value, with public keys only", forge, "forge"),
    "rollback": ("one secret back to an older version", rollback, "rollback"),
    "add-reader": ("a reader more for future secrets", add_reader, "add_reader"),
    "plaintext": ("have the next write go out in the clear", plaintext, "plaintext"),
    "removed": ("a removed reader, the newest tree", removed, "remove"),
    "removed-later": ("a removed reader, a value written later", removed_later, "remove"),
    "readmitted": ("a removed reader, the old list of readers put back", readmitted, "readmit"),
    "old-checkout": ("no attack: she checks an older commit out herself", old_checkout, "read"),
}

WITH_BOB = ("removed", "removed-later", "readmitted")


def main():
    args = arguments()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    tools = Path(os.environ.get("COVAULT_TOOLS", ROOT / "target/tools")).resolve()
    bench = Bench(tools, args.tmp)
    try:
        report = attack_all(bench, args)
    finally:
        bench.close()
    if args.json:
        Path(args.json).write_text(json.dumps(report, indent=1) + "\n")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=list(ATTACKS), help="only this attack; repeatable")
    parser.add_argument("--peer", action="append", metavar="NAME", help="only these programs; repeatable")
    parser.add_argument("--covault", metavar="PATH", help="the program (default: target/release/covault)")
    parser.add_argument("--json", metavar="FILE", help="all outcomes")
    parser.add_argument("--tmp", default="/tmp", metavar="DIR", help="parent of the temporary folder; a short path")
    args = parser.parse_args()
    args.json = args.json and os.path.abspath(args.json)
    return args


def attack_all(bench, args):
    """Runs and prints; returns what --json keeps."""
    covault = os.path.abspath(args.covault) if args.covault else str(ROOT / "target/release/covault")
    ours = Covault(bench, covault if os.access(covault, os.X_OK) else None)
    targets, absent = [], []
    for target in [ours] + [kind(bench) for kind in (Pass, SignedPass, Age, GitCrypt, GitSecret, Sops, Murk, Dotenvx)]:
        if args.peer and target.name not in args.peer:
            continue
        lacks = target.missing()
        if lacks:
            absent.append(target.name if lacks == target.name else f"{label(target)} (needs {lacks})")
        else:
            targets.append(target)
    names = [name for name in ATTACKS if not args.only or name in args.only]
    outcomes = []
    for name in names:
        for target in targets:
            print(f"attacks: {name}: {label(target)}", file=sys.stderr, flush=True)
            outcomes += attack(bench, target, name)
    versions = {target.name: version(bench, target) for target in targets}
    head = {"programs": versions, "gpg": gpg_version(bench), "not installed": absent}
    print(render(head, targets, names, outcomes))
    return {**head, "outcomes": [asdict(outcome) for outcome in outcomes]}


def attack(bench, target, name):
    """All the ways of one attack on one program."""
    _, run, method = ATTACKS[name]
    if not getattr(target, method, None):
        return [Outcome(name, label(target), "", "none")]
    outcomes = []
    for case in target.cases.get("removed" if name == "removed-later" else name, ("",)):
        scene = Scene(bench)
        try:
            target.found(scene, SECRETS)
            # A refusal says something only where the same command has worked.
            if NEW not in target.read(scene, "alice", "prod/db").out:
                raise Failed("the victim's command does not work")
            if name in WITH_BOB:
                if not getattr(target, "can_remove", lambda _: True)(scene):
                    outcomes.append(Outcome(name, label(target), case, "not yet"))
                    continue
                target.arrive(scene, "bob")
            scene.clone("mallory")
            verdict, code, said = run(target, scene, case)
            said = said.replace(str(scene.dir), "…")
            outcomes.append(Outcome(name, label(target), case, verdict, code, said))
        except Failed as failed:
            outcomes.append(Outcome(name, label(target), case, "failed", said=str(failed)))
    return outcomes


def label(target):
    return getattr(target, "label", target.name)


def gpg_version(bench):
    return bench.call(bench.find("gpg"), "--version").split()[2] if bench.find("gpg") else None


def render(head, targets, names, outcomes):
    """The table in Markdown, then what the victims were told."""
    columns = [label(target) for target in targets]
    lines = ["| | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    lines.append("| reads with | " + " | ".join(f"`{target.reads}`" for target in targets) + " |")
    for name in names:
        cells = [[o.cell() for o in outcomes if o.attack == name and o.program == column] for column in columns]
        lines.append(f"| {ATTACKS[name][0]} | " + " | ".join("; ".join(cell) for cell in cells) + " |")
    lines.append("| removal is | " + " | ".join(target.removal for target in targets) + " |")
    lines.append("\nVersions: " + ", ".join(f"{k} {v}" for k, v in head["programs"].items()) + f", gpg {head['gpg']}.")
    if head["not installed"]:
        lines.append(f"Not installed: {', '.join(head['not installed'])}.")
    lines.append("\nWhat the victim was told:\n")
    for o in outcomes:
        if o.said and o.verdict != "failed":
            lines.append(f"- {ATTACKS[o.attack][0]}, {o.program}{f' ({o.case})' if o.case else ''}: `{o.said.strip()[:160]}`")
    lines.append("\nWhat they say themselves:\n")
    lines += [f"- {remark}" for target in targets for remark in target.remarks if not hasattr(target, "label")]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
