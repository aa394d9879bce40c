"""What Covault promises about a team's speed, and whether it holds in this run. As goals.py, for the sections of team.py."""

from goals import FLAT, Verdict, fastest, judge

VERIFY_S = 5
LARGE = "verify-10000"


def judge_team(section, sections, vaults, limit_ms):
    """The verdicts on one section."""
    if section.ability == "open":
        return judge(section, sections, vaults, limit_ms)
    median = lambda program: (lambda found: found and found.median)(section.of(program))
    mine = median("covault")
    if section.name == "add-reader":
        return [within(mine, median("limit"), 2), ahead(section, mine, 4)]
    if section.name == "remove-reader":
        return [ahead(section, mine, 2)]
    if section.name == LARGE:
        return [Verdict(f"under {VERIFY_S} s", mine and f"{mine / 1000:.2f} s", mine and mine < VERIFY_S * 1000)]
    if section.name.startswith("start-"):
        goal, alone = "unchanged by the roster's length", median("covault alone")
        return [flat(goal, mine, alone)]
    if section.ability == "get" and section.name != "get-10":
        few = sections.get("get-10")
        return [flat("flat in the number of readers", mine, few and few.of("covault") and few.of("covault").median)]
    return []


def within(mine, limit, times):
    """Against the row `limit` of this run: operations and git's own cost, under the same load."""
    goal = f"within {times} x the limit"
    return Verdict(goal, f"{mine / limit:.2f} x", mine <= times * limit) if mine and limit else Verdict(goal, "")


def ahead(section, mine, times):
    """Of all that take the same work; a row with † does not count."""
    goal = f"{times} x ahead of the best peer"
    best = fastest([r for r in section.results if r.counts and r.median and r.program != "covault"])
    if not mine or not best:
        return Verdict(goal, "")
    return Verdict(goal, f"{best.program} takes {best.median / mine:.1f}x", mine * times <= best.median)


def flat(goal, mine, other):
    return Verdict(goal, f"{mine / other:.2f} x", mine <= FLAT * other) if mine and other else Verdict(goal, "")
