#!/usr/bin/env python3
"""Covault over a long history, and when git merges many secrets. Ours alone, beside what git itself takes.

    cargo build --release
    benches/compare/history.py [--quick] [--only WORK] [--covault PATH] [--json FILE]

`log`: 10,000 commits (long_history.py), of which 1,000 change one of 300 secrets, 40 of them the one
asked about. As a clone has it; then with the commit-graph that `git gc` writes, and with the one
that `git commit-graph write --changed-paths` writes. "cold" drops the file system's caches before
each run, where root may. The row "git" is the `git log` that Covault starts, alone.

`merge`: 300 secrets changed on both sides, each in another field. The row "git" is the same merge
with a driver that does nothing, "nothing" is that many processes that end at once, and "start" that
many that only start and say their version.
"""

import sys

sys.dont_write_bytecode = True

import json
import os
import random
import signal
import time
from pathlib import Path

from bench import Bench, make_secrets
from covault import Covault
from long_history import LongHistory
from measure import Job, run_all
from run import ROOT, arguments, cpu_name, fsync_ms, say, version
from table import render
from workloads import Section

FILE = f".covault/secrets/{LongHistory.asked}.age"
WORKS = ("log", "log-graph", "log-paths", "log-cold", "merge")


def main():
    args = arguments(__doc__, ", ".join(WORKS))
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    bench = Bench(Path("/nonexistent"), args.tmp)
    try:
        report = measure(bench, args)
    finally:
        bench.close()
    if args.json:
        Path(args.json).write_text(json.dumps(report, indent=1) + "\n")


def measure(bench, args):
    """Measures and prints; returns what --json keeps."""
    covault = os.path.abspath(args.covault) if args.covault else str(ROOT / "target/release/covault")
    program, started, load = Covault(bench, covault), time.time(), [os.getloadavg()[0]]
    works = [work for work in WORKS if not args.only or work in args.only]
    shrink, most, sections = (10, 20, []) if args.quick else (1, 50, [])
    if any(work.startswith("log") for work in works):
        say("making a long history")
        commits = 10_000 // shrink
        history = LongHistory(program, make_secrets(300), commits, commits // 10, 40)
        for work in [work for work in works if work.startswith("log")]:
            sections.append(logs(bench, program, history, work, args.budget, most))
            load.append(os.getloadavg()[0])
    if "merge" in works:
        sections.append(merges(bench, program, 300 // shrink, args.budget, most))
        load.append(os.getloadavg()[0])
    head = {
        "machine": f"{cpu_name()}, {bench.cores} cores",
        "programs": {"covault": version(bench, program), "git": bench.git(bench.dir, "--version").split()[2]},
        "write and fsync of one small file, ms": round(fsync_ms(bench), 2),
        "load average": [round(min(load), 1), round(max(load), 1)],
        "quick": args.quick,
        "took, s": round(time.time() - started),
    }
    for key, value in head.items():
        print(f"- {key}: {value if not isinstance(value, dict) else ', '.join(f'{k} {v}' for k, v in value.items())}")
    print()
    print(render(sections, set(), lambda _section: None, lambda *_: []))
    rows = [{"name": s.name, "results": [{**vars(r), "median": r.median} for r in s.results]} for s in sections]
    return {**head, "work": rows}


def logs(bench, program, history, work, budget, most):
    """One state of the repository; every command that asks its history."""
    store = history.store
    git = lambda *argv: bench.git(store.dir, *argv)
    is_cold = work == "log-cold"
    title = {
        "log": "as cloned", "log-graph": "with git's commit-graph",
        "log-paths": "with --changed-paths", "log-cold": "as cloned, cold",
    }[work]
    graph = Path(store.dir, ".git/objects/info/commit-graph")
    graph.unlink(missing_ok=True)
    if work in ("log-graph", "log-paths"):
        git("commit-graph", "write", "--reachable", "--no-progress", *(["--changed-paths"] if work == "log-paths" else []))
    section = Section(work, f"{history.total:,} commits, {title}", 0)
    before = drop_caches if is_cold else None
    if is_cold and os.geteuid() != 0:
        say("no root, so nothing cold")
        return section
    secret = LongHistory.asked
    newest = int(git("rev-list", "--count", "HEAD", "--", FILE))
    ours = {
        "covault log NAME": ("log", secret),
        "covault log NAME --fields": ("log", secret, "--fields"),
        "covault log": ("log",),
        "covault get NAME@REV, the first": ("get", f"{secret}@1"),
        "covault get NAME@REV, the one before": ("get", f"{secret}@{newest - 1}"),
        "covault restore NAME@REV, the first": ("restore", f"{secret}@1", "--dry-run"),
    }
    say(f"{work}: measuring")
    jobs = [
        Job("covault", how, lambda _, argv=argv: program.command(store, *argv), store.dir, program.home, before=before)
        for how, argv in ours.items()
    ]
    theirs = [bench.find("git"), "log", "--full-history", "--raw", "-z", "--no-renames", "--diff-merges=combined", "--format=%H"]
    for how, path in (("its git log, NAME", FILE), ("its git log, all", ".covault/secrets")):
        jobs.append(Job("git", how, lambda _, path=path: [*theirs, "HEAD", "--", path], store.dir, program.home, before=before))
    section.results = run_all(jobs, bench.scratch, budget / 4, 5 if is_cold else most)
    return section


def drop_caches(_index):
    os.sync()
    Path("/proc/sys/vm/drop_caches").write_text("3")


def merges(bench, program, count, budget, most):
    """Both branches change every secret; git merges them anew at every run."""
    say(f"merge: two branches of {count} changes")
    store = program.build(make_secrets(count), 1)
    git = lambda *argv: bench.git(store.dir, *argv)
    dice, base = random.Random(2), git("rev-parse", "HEAD").strip()
    heads = []
    for field in ("ours", "theirs"):
        git("checkout", "-q", "-B", field, base)
        for secret in store.secrets:
            argv = program.command(store, "set", program.path(store, secret), "--stdin", field)
            bench.call(*argv, env=program.home, stdin=f"{field} {dice.random()}".encode())
        heads.append(git("rev-parse", "HEAD").strip())
    section = Section("merge", f"merge of {count} secrets changed on both sides", 0)
    back = lambda _: git("reset", "-q", "--hard", heads[0])
    git("checkout", "-q", "--detach", heads[0])
    merge = lambda *options: [bench.find("git"), *options, "merge", "-q", "--no-edit", heads[1]]
    env = dict(program.home, GIT_AUTHOR_DATE="1800000000 +0000", GIT_COMMITTER_DATE="1800000000 +0000")
    sh = [bench.find("sh"), "-c", 'n=$1; shift; while [ "$n" -gt 0 ]; do "$@"; n=$((n-1)); done', "sh", count]

    def proof(_output):
        merged = len(git("diff", "--name-only", heads[0], "HEAD").split())
        return None if merged == count else f"{merged} of {count} files are merged"

    def reads(_output):
        name = program.path(store, store.secrets[0])
        both = [bench.call(*program.command(store, "get", f"{name}/{field}"), env=program.home) for field in ("ours", "theirs")]
        return None if all(both) else "a side is not there"

    jobs = [
        Job("covault", "git merge, its driver", lambda _: merge(), store.dir, env, before=back, check=lambda out: proof(out) or reads(out)),
        Job("git", "git merge, a driver that does nothing", lambda _: merge("-c", "merge.covault.driver=true"), store.dir, env, before=back),
        Job("nothing", f"{count} processes that end", lambda _: [*sh, bench.nothing], store.dir, env),
        Job("start", f"{count} times covault --version", lambda _: [*sh, program.program, "--version"], store.dir, env),
    ]
    say("merge: measuring")
    section.results = run_all(jobs, bench.scratch, budget * 2, most)
    return section


if __name__ == "__main__":
    main()
