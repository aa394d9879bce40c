#!/usr/bin/env python3
"""Has verify.py judge the corpus that build.py wrote: `corpus.py OUTDIR`. What differs is printed; exit code 1 then.

All of it is one repository: the cases stand in one commit, each history on a branch of its own.
"""
import contextlib, io, json, os, pathlib, subprocess, sys

import verify

OUT = pathlib.Path(sys.argv[1]).resolve()
REPO = OUT / "repository"
IDENTITY = {f"GIT_{who}_{what}": "t@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def git(*words, folder=OUT, **variables):
    command = ["git", f"--git-dir={REPO}", f"--work-tree={folder}", *words]
    environment = {**os.environ, **IDENTITY, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", **variables}
    return subprocess.run(command, check=True, capture_output=True, env=environment, cwd=folder).stdout.decode().strip()


def commit(folder, parents=()):
    index = {"GIT_INDEX_FILE": str(OUT / "index")}
    git("read-tree", "--empty", **index)
    git("add", "-f", "-A", ".", folder=folder, **index)
    tree = git("write-tree", **index)
    return git("commit-tree", tree, "-m", "x", *(word for parent in parents for word in ("-p", parent)))


def judge(*words):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = verify.main([str(REPO), *words])
    said = json.loads(out.getvalue())
    assert code == {"good": 0, "bad": 6}[said["verdict"]]
    return said


def main():
    subprocess.run(["git", "init", "-q", "--bare", str(REPO)], check=True)
    all_cases, differ, count = commit(OUT / "cases"), [], 0
    for folder in sorted((OUT / "cases").iterdir()):
        root = f"{folder.name}/vault"
        said, expect = judge("--rev", all_cases, "--root", root), json.loads((folder / "expect.json").read_text())
        got = {"verdict": said["verdict"], "codes": sorted({finding["code"] for finding in said["findings"]}),
               "pending": [{**p, "name": p["path"][len(root) + 9:-4]} for p in said["pending"]]}
        want = {**expect, "pending": [{**p, "path": f"{root}/secrets/{p['name']}.age"} for p in expect["pending"]]}
        count += 1
        if any(got[key] != want[key] for key in got):
            differ.append((folder.name, expect, said))
    for folder in sorted((OUT / "histories").iterdir()):
        expect, commits = json.loads((folder / "expect.json").read_text()), []
        for n, parents in enumerate(expect["parents"]):
            commits.append(commit(folder / str(n), [commits[parent] for parent in parents]))
        found = judge("--rev", commits[-1], "--root", "vault", "--history")["findings"]
        got = {(f["code"], commits.index(f["commit"])) for f in found}
        count += 1
        if got != {(f["code"], f["commit"]) for f in expect["findings"]}:
            differ.append((folder.name, expect["findings"], sorted(got)))
    for name, want, got in differ:
        print(f"{name}:\n  expected {json.dumps(want)}\n  but said {json.dumps(got)}")
    print(count, "judged,", len(differ), "otherwise than expected")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
