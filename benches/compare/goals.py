"""What Covault promises about its speed, and whether it holds in this run.

A goal compares medians of the same run only. "Best peer" is the fastest program of the section
whose row counts (see `reference` in peers.py), with a vault or without: the stricter reading. The
best of those with a vault is printed beside it.
"""

from dataclasses import dataclass

# Flat: with the most readers, at most this many times the median of one reader. Noise, not growth.
FLAT = 1.2


@dataclass
class Verdict:
    """One goal, its figure in this run, and whether it was met (None: cannot be told)."""

    goal: str
    figure: str
    met: bool = None

    def __str__(self):
        word = {True: "**met**", False: "**missed**", None: "not yet"}[self.met]
        return f"{self.goal}: {self.figure or '?'} {word}" if self.figure else f"{self.goal}: {word}"


def fastest(results):
    return min(results, key=lambda r: r.median, default=None)


def judge(section, sections, vaults, limit_ms):
    """The verdicts on one section."""
    ours, nothing = section.of("covault"), section.of("nothing")
    mine = ours.median if ours else None
    peers = [r for r in section.results if r.counts and r.median and r.program != "covault"]
    best = fastest(peers)
    best_vault = fastest([r for r in peers if r.program in vaults])
    kind = section.name.partition("-")[0] if section.name.startswith("open") else section.name
    verdicts = []

    def at_most(goal, figure, bound, unit="ms"):
        if mine is None or figure is None or bound is None:
            verdicts.append(Verdict(goal, ""))
        else:
            verdicts.append(Verdict(goal, f"{figure:.2f} {unit}", figure <= bound))

    def times_best(goal, factor):
        if mine is None or best is None:
            verdicts.append(Verdict(goal, ""))
        else:
            figure = f"{best.program} takes {best.median / mine:.1f}x"
            if best_vault and best_vault is not best:
                figure += f" (of vaults {best_vault.program} {best_vault.median / mine:.1f}x)"
            verdicts.append(Verdict(goal, figure, mine * factor <= best.median))

    if kind == "get":
        over = mine - nothing.median if mine and nothing and nothing.median else None
        at_most("within 3 ms of nothing", over, 3)
        if mine and best_vault:
            figure = f"{best_vault.program} takes {best_vault.median / mine:.1f}x"
            verdicts.append(Verdict("ahead of every vault", figure, mine < best_vault.median))
        else:
            verdicts.append(Verdict("ahead of every vault", ""))
    elif kind == "set":
        at_most("12 ms", mine, 12)
        times_best("half of the best peer", 2)
    elif kind == "ls":
        times_best("half of the best peer", 2)
        done = section.facts.get("without_key")
        verdicts.append(Verdict("without opening one", "" if done is None else "no key at hand:", done))
    elif kind == "open":
        ratio = mine / limit_ms if mine and limit_ms else None
        # The verdict is on the limit as computed; the row `limit` says what this run's load did to it.
        now = section.of("limit")
        slowed = f"x ({mine / now.median:.2f} x the row `limit`)" if mine and now and now.median else "x"
        at_most("1.5 x its X25519 on these cores", ratio, 1.5, slowed)
        times_best("3 x ahead of the best peer", 3)
        one = sections.get("open-1")
        alone = one and one.of("covault")
        if section.name != "open-1" and one:
            flat = mine / alone.median if mine and alone and alone.median else None
            at_most("flat in the number of readers", flat, FLAT, "x")
    elif kind == "run":
        times_best("under half of the best peer", 2)
    return verdicts
