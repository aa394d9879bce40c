#!/usr/bin/env python3
"""Has verify.py judge the corpus that build.py wrote: `corpus.py OUTDIR`. What differs is printed; exit code 1 then.
What it said is written to OUTDIR/said.json, for another judge to be compared with.

All of it is one repository: the cases stand in one commit, each history on a branch of its own.
"""
import contextlib, io, json, os, pathlib, subprocess, sys

import verify

OUT = pathlib.Path(sys.argv[1]).resolve()
REPO = OUT / "repository"
IDENTITY = {f"GIT_{who}_{what}": "t@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def git(*words, folder=OUT, **variables):
    command = ["git", f"--git-dir={REPO}/.git", f"--work-tree={folder}", *words]
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
    subprocess.run(["git", "init", "-q", str(REPO)], check=True)
    all_cases, differ, opinions = commit(OUT / "cases"), [], []
    for folder in sorted((OUT / "cases").iterdir()):
        root = f"{folder.name}/.covault"
        said, expect = judge("--rev", all_cases, "--root", root), json.loads((folder / "expect.json").read_text())
        got = {"verdict": said["verdict"], "codes": sorted({finding["code"] for finding in said["findings"]}),
               "pending": [{**p, "name": p["path"][len(root) + 9:-4]} for p in said["pending"]]}
        want = {**expect, "pending": [{**p, "path": f"{root}/secrets/{p['name']}.age"} for p in expect["pending"]]}
        opinions.append({"name": folder.name, "folder": folder.name, "rev": all_cases, "history": False, **said})
        if any(got[key] != want[key] for key in got):
            differ.append((folder.name, expect, said))
    for folder in sorted((OUT / "histories").iterdir()):
        expect, commits = json.loads((folder / "expect.json").read_text()), []
        for n, parents in enumerate(expect["parents"]):
            commits.append(commit(folder / str(n), [commits[parent] for parent in parents]))
        said = judge("--rev", commits[-1], "--history")
        got = {(f["code"], commits.index(f["commit"])) for f in said["findings"]}
        opinions.append({"name": folder.name, "folder": "", "rev": commits[-1], "history": True, **said})
        if got != {(f["code"], f["commit"]) for f in expect["findings"]}:
            differ.append((folder.name, expect["findings"], sorted(got)))
    for name, want, got in differ:
        print(f"{name}:\n  expected {json.dumps(want)}\n  but said {json.dumps(got)}")
    (OUT / "said.json").write_text(json.dumps(opinions, indent=1) + "\n")
    print(len(opinions), "judged,", len(differ), "otherwise than expected")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
