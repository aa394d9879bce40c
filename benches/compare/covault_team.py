"""How a team comes into a vault: the members' own commands, one after the other. Times nothing."""

import shutil

from measure import Failed, NotYet

# Where `import` puts what it takes over.
IMPORTED = "default"


def member_names(count):
    """Names of which half stand before alice and half behind, so that she is where the average reader is."""
    return [f"{'a' if number % 2 else 'm'}{number:03}" for number in range(count)]


def has_team(program):
    """Whether this version knows members."""
    try:
        program.bench.call(program.program, "member", "--help", env=program.home)
        return True
    except Failed:
        return False


def admit(program, store, names):
    """Each person invited, joining from a clone and a home of their own, and approved; what they read is not our matter."""
    if not names:
        return
    if not has_team(program):
        raise NotYet(f"not yet: {len(names)} more members need the team commands or COVAULT_BENCH_BUILDER")
    bench = program.bench
    clone = bench.store_dir("joining")
    bench.git(clone.parent, "clone", "-q", store.dir, clone)
    for name in names:
        invite = last_line(bench.call(*program.command(store, "member", "invite", name), env=program.home))
        # The invite names the roster's newest entry, which the clone has to have.
        bench.git(clone, "pull", "-q")
        home = dict(bench.new_home(f"s/{clone.name}-{name}"), COVAULT_NO_INPUT="1")
        join = [program.program, "-C", clone, "join", "--name", name, "--invite", invite, "--print"]
        request = last_line(bench.call(*join, env=home))
        bench.call(*program.command(store, "member", "approve", name, "--yes", "--request", request), env=program.home)
        shutil.rmtree(home["HOME"])
    shutil.rmtree(clone)


def lengthen(program, store, entries, taken):
    """Roster entries until there are so many: each gives a folder of its own a reader."""
    for number in range(taken, entries):
        argv = program.command(store, "grant", f"folder{number:04}", "alice", "--yes")
        program.bench.call(*argv, env=program.home)


def last_line(output):
    return output.strip().splitlines()[-1]
