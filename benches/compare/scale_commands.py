"""Every command of Covault on a large vault: what is run, what has to be there before, and how one sees that it was done.

`starts` says what a command finds: "kept" the vault as it was made, whatever it leaves; "copy" a copy of that, made anew
before each run, as it changes things; "left" what the command before it has left. Preparing is not timed.
"""

from dataclasses import dataclass, field
from typing import Callable, Optional

from covault_team import last_line

VALUE = "a value of this run"


@dataclass
class Command:
    """One command line."""

    name: str
    argv: list
    starts: str = "kept"
    before: Optional[Callable[[], object]] = None
    check: Optional[Callable[[str], Optional[str]]] = None  # its output -> complaint
    stdin: str = ""
    env: dict = field(default_factory=dict)
    codes: tuple = (0,)
    late: Callable[[list], list] = list  # what is known only when everything is prepared


def commands(vault):
    """All of them, in an order in which each finds what it needs. `vault` is a ScaleVault."""
    bench, program = vault.bench, vault.program
    covault = lambda *args: [program.program, "-C", vault.dir, *args]
    git = lambda *args: [bench.find("git"), *args]
    asked, name, other, member = vault.asked, vault.names[0], vault.names[-1], vault.member
    folder = vault.names[0].rpartition("/")[0]
    back = f"HEAD~{max(2, vault.commits // 50)}"
    has = lambda *words: lambda out: None if all(word in out for word in words) else f"{words} not in its output"

    def value(of, wanted=VALUE):
        got = lambda: vault.command("get", of).strip()
        return lambda _out: None if got() == wanted else f"{of} is {got()[:40]}"

    def committed(_out):
        ahead = vault.git("rev-list", "--count", "origin/main..HEAD").strip()
        dirty = vault.git("status", "--porcelain", "--untracked-files=no")
        return None if int(ahead) > 0 and not dirty else f"{ahead} commits, left: {dirty[:80]!r}"

    def count(expected):
        return lambda out: None if len(out.splitlines()) == expected else f"{len(out.splitlines())} lines, not {expected}"

    editor = bench.dir / "editor.sh"
    editor.write_text("""#!/bin/sh\nsed -i 's/^\\[secret\\]$/&\\nnote = "an edited note"/' "$1"\n""")
    editor.chmod(0o755)
    imported = bench.dir / "hundred.env"
    imported.write_text("".join(f"IMPORTED_{n}=value-{n}\n" for n in range(100)))
    empty, fresh = bench.dir / "empty", bench.dir / "fresh"
    stranger = bench.dir / "stranger"

    def new_folder():
        bench.call("rm", "-rf", empty)
        bench.git(bench.dir, "init", "-q", empty)

    def new_clone():
        bench.call("rm", "-rf", fresh)
        bench.git(bench.dir, "clone", "-q", vault.origin, fresh)

    def new_person():
        new_clone()
        bench.call("rm", "-rf", stranger)
        stranger_home.update(dict(bench.new_home("stranger"), COVAULT_NO_INPUT="1"))
        invite[:] = [last_line(vault.command("member", "invite", "zoe"))]

    def asks():
        new_person()
        join = [program.program, "-C", fresh, "join", "--name", "zoe", "--invite", invite[0], "--print"]
        request[:] = [last_line(bench.call(*join, env=stranger_home))]

    def teammate():
        """Somebody else's clone has pushed a change."""
        new_clone()
        env = program.home
        bench.call(program.program, "-C", fresh, "set", other, env=env, stdin=b"of a teammate")
        bench.git(fresh, "push", "-q", "origin", "HEAD:main", env=env)

    def merging(branch):
        return lambda: vault.git("checkout", "-q", "--detach", branch)

    def both(how_many):
        def check(_out):
            fields = vault.command("show", vault.chosen[0])
            parents = len(vault.git("rev-list", "--parents", "-1", "HEAD").split()) - 1
            return None if parents == 2 and "theirs" in fields and "ours" in fields else f"not merged, of {how_many}"

        return check

    invite, request, stranger_home = [], [], {}
    reads = [
        Command("get NAME", covault("get", asked), check=has("value number")),
        Command("get NAME@1", covault("get", f"{asked}@1"), check=has("value number")),
        Command("show", covault("show", asked), check=has("value")),
        Command("ls", covault("ls"), check=count(len(vault.names) + 1)),
        Command("log, all", covault("log")),
        Command("log NAME", covault("log", asked)),
        Command("log NAME --fields", covault("log", asked, "--fields")),
        Command("diff, a fiftieth of the history", covault("diff", back, "HEAD")),
        Command("git diff, the same", git("diff", back, "HEAD", "--", ".covault/secrets")),
        Command("whoami", covault("whoami"), check=has("alice")),
        Command("status", covault("status"), codes=(0, 8)),
        Command("doctor", covault("doctor"), codes=(0, 8)),
        Command("who", covault("who")),
        Command("who NAME", covault("who", asked), check=has(member)),
        Command("who --can", covault("who", "--can", member), check=has(other)),
        Command("member ls", covault("member", "ls"), check=has(member)),
        Command("grant, listed", covault("grant")),
        Command("verify", covault("verify")),
        Command("verify, nothing remembered", covault("verify"), before=vault.forget),
        Command("verify --range, a fiftieth", covault("verify", "--range", f"{back}..HEAD")),
        Command("verify --history", covault("verify", "--history")),
        Command("verify --history, nothing remembered", covault("verify", "--history"), before=vault.forget),
        Command("expose", covault("expose")),
        Command("run with 50", covault("run", "--from", folder, "--", bench.nothing)),
        Command("export of all", covault("export", "--from", "default", "--format", "json"), check=has(other.rpartition("/")[2].replace("-", "_").upper())),
        Command("scan", covault("scan"), codes=(0, 8)),
        Command("scan --range, a fiftieth", covault("scan", "--range", f"{back}..HEAD"), codes=(0, 8)),
        Command("completions", covault("completions", "bash"), check=has("covault")),
        Command("rekey --all --dry-run", covault("rekey", "--all", "--dry-run")),
        Command("rekey, nothing waits", covault("rekey", "--yes")),
        Command("member remove --dry-run", covault("member", "remove", member, "--dry-run")),
        Command("rotate --exposed-to --dry-run", covault("rotate", "--exposed-to", member, "--dry-run")),
    ]
    writes = [
        Command("set", covault("set", other), "copy", stdin=VALUE, check=value(other)),
        Command("set, a new one", covault("set", "prod/new"), "copy", stdin=VALUE, check=value("prod/new")),
        Command("edit", covault("edit", asked), "copy", env={"EDITOR": str(editor)}, check=value(f"{asked}/note", "an edited note")),
        Command("rm", covault("rm", other), "copy", check=committed),
        Command("mv", covault("mv", asked, "prod/moved"), "copy", check=committed),
        Command("restore NAME@1", covault("restore", f"{asked}@1"), "copy", check=committed),
        Command("rotate NAME", covault("rotate", f"{asked}/value", "--stdin"), "copy", stdin=VALUE, check=value(f"{asked}/value")),
        Command("import of 100", covault("import", imported, "--to", "more"), "copy", check=value("more/imported-7", "value-7")),
        Command("share", covault("share", asked, "ci", "--yes"), "copy", before=lambda: machine(vault), check=committed),
        Command("unshare", covault("unshare", asked, "ci", "--yes"), "left", check=committed),
        Command("group set", covault("group", "set", "dev", "alice", member, "--yes"), "copy", check=committed),
        Command("grant of a folder of 50", covault("grant", folder, "alice", "--yes"), "copy", check=committed),
        Command("member invite", covault("member", "invite", "zoe"), "copy", check=has("covault")),
        Command("join", [program.program, "-C", fresh, "join", "--name", "zoe", "--invite", "{invite}", "--print"], "copy", before=new_person),
        Command("member approve", covault("member", "approve", "zoe", "--yes", "--request", "{request}"), "copy", before=asks, check=committed),
        Command("member add, a machine that reads all", covault("member", "add", "ci", "--machine", "--grant", "/"), "copy", check=committed),
        Command("member remove", covault("member", "remove", member, "--yes"), "copy", check=committed),
        Command("expose, then", covault("expose", member), "left", check=has(other)),
        Command("rekey NAME", covault("rekey", asked, "--yes"), "copy", check=committed),
        Command("rekey --all", covault("rekey", "--all", "--yes"), "copy", check=committed),
        Command("sync, nothing to do", covault("sync"), "copy"),
        Command("sync, one change here", covault("sync"), "copy", before=lambda: vault.command("set", other, stdin=b"one change")),
        Command("sync, one change each", covault("sync"), "copy", before=lambda: (teammate(), vault.command("set", asked, stdin=b"one change"))),
        Command("git merge, 1 changed on both sides", git("merge", "-q", "--no-edit", "one"), "copy", before=merging("ours"), check=both(1)),
        Command(f"git merge, {vault.merged} changed on both sides", git("merge", "-q", "--no-edit", "theirs"), "copy", before=merging("ours"), check=both(vault.merged)),
        Command("setup in a fresh clone", [program.program, "-C", fresh, "setup"], "copy", before=new_clone),
        Command("init", [program.program, "-C", empty, "init", "--name", "alice"], "copy", before=new_folder),
    ]
    by_name = {command.name: command for command in writes}
    by_name["join"].late = lambda argv: [invite[0] if word == "{invite}" else word for word in argv]
    by_name["member approve"].late = lambda argv: [request[0] if word == "{request}" else word for word in argv]
    by_name["join"].env = stranger_home
    return reads + writes


def machine(vault):
    """A machine that reads nothing yet: whom a secret can be shared with."""
    vault.command("member", "add", "ci", "--machine", "--grant", "folder-of-its-own")
