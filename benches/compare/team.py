#!/usr/bin/env python3
"""Covault as a team uses it against its peers: readers come and go, everything is verified, the roster is long.

    benches/compare/install-peers            once
    cargo build --release
    benches/compare/team.py [--quick] [--only WORK] [--peer NAME] [--covault PATH] [--json FILE]

As run.py measures; what each program does is in team_peers.py, the work in team_work.py, the goals
in team_goals.py. Ours needs a version with members, and says so where it is not.

The physical limit of a change of readers is the X25519 operations that nobody can avoid, on all
cores, and git's own cost for as many changed files of that size: the row "limit" does both, one
after the other, with random files; the row "git" is the second alone. That of verifying is one
Ed25519 check a secret. The column "÷ X25519" is against the operations alone.

A full run takes about an hour, most of it pass and sops; --quick a tenth.
"""

import sys

sys.dont_write_bytecode = True

import json
import os
import re
import shutil
import signal
import time
from pathlib import Path

from bench import Bench
from measure import Failed
from run import ROOT, arguments, cpu_name, fsync_ms, say, version, x25519_us
from table import render
from team_goals import judge_team
from team_peers import TEAM_PEERS, TeamCovault
from team_work import TeamWork


def main():
    works = "add-reader, remove-reader, verify-1000, verify-10000, start-whoami, start-get, get-10 …, open-10 …"
    args = arguments(__doc__, works)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    tools = Path(os.environ.get("COVAULT_TOOLS", ROOT / "target/tools")).resolve()
    bench = Bench(tools, args.tmp)
    try:
        report = compare(bench, args)
    finally:
        bench.close()
    if args.json:
        Path(args.json).write_text(json.dumps(report, indent=1) + "\n")


def compare(bench, args):
    """Measures and prints; returns what --json keeps."""
    covault = os.path.abspath(args.covault) if args.covault else str(ROOT / "target/release/covault")
    programs, absent = [], []
    ours = TeamCovault(bench, covault if os.access(covault, os.X_OK) else None)
    for program in [ours] + [peer(bench) for peer in TEAM_PEERS]:
        if args.peer and program.name not in args.peer:
            continue
        (absent if program.missing() else programs).append(program)
    given = os.environ.get("COVAULT_BENCH_X25519_US")
    cost = float(given) if given else x25519_us(bench)
    shrink, most = (10, 20) if args.quick else (1, 50)
    work = TeamWork(bench, programs, shrink, args.budget, most, cost, ed25519_us(bench), say)
    names = [name for name in work.sections if not args.only or name in args.only]
    if not names:
        sys.exit(f"error: no such work: {', '.join(args.only)}\nhint: {', '.join(work.sections)}")

    started, load, sections = time.time(), [os.getloadavg()[0]], []
    for name in names:
        sections.append(work.measure(name))
        load.append(os.getloadavg()[0])
        shutil.rmtree(bench.dir / "s", ignore_errors=True)

    def limit_ms(section):
        return cost * section.x25519 / 1000 / min(bench.cores, section.x25519) if cost and section.x25519 else None

    head = {
        "machine": f"{cpu_name()}, {bench.cores} cores",
        "programs": {program.name: version(bench, program) for program in programs},
        "not installed": [program.name for program in absent],
        "X25519, one, us": cost and round(cost, 1),
        "Ed25519 check, one, us": work.verify_us and round(work.verify_us, 1),
        "write and fsync of one small file, ms": round(fsync_ms(bench), 2),
        "bytes of one sealed secret": work.sealed,
        "load average": [round(min(load), 1), round(max(load), 1)],
        "quick": args.quick,
        "took, s": round(time.time() - started),
    }
    for key, value in head.items():
        print(f"- {key}: {value if not isinstance(value, dict) else ', '.join(f'{k} {v}' for k, v in value.items())}")
    print()
    print(render(sections, {p.name for p in programs if p.has_vault}, limit_ms, judge_team))
    return {
        **head,
        "work": [
            {
                "name": s.name, "title": s.title, "limit_ms": limit_ms(s),
                "results": [{**vars(r), "median": r.median} for r in s.results],
            }
            for s in sections
        ],
    }


def ed25519_us(bench):
    """Microseconds of checking one signature on one core, or None."""
    try:
        out = bench.call(bench.find("openssl") or "openssl", "speed", "-seconds", "1", "ed25519")
    except (Failed, OSError):
        return None
    found = re.search(r"Ed25519\)\s+\S+\s+\S+\s+\S+\s+([0-9.]+)", out)
    return 1e6 / float(found[1]) if found else None


if __name__ == "__main__":
    main()
