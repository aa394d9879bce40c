"""The one table, in Markdown."""

from goals import judge

HEAD = ["work", "program", "what is run", "median ms", "min", "p90", "CPU ms", "runs", "÷ covault", "÷ X25519", "goal"]


def render(sections, vaults, limit_of, judge=judge):
    """Rows by section, the fastest first after Covault and the program that does nothing."""
    by_name = {section.name: section for section in sections}
    rows = []
    for section in sections:
        limit = limit_of(section)
        verdicts = "; ".join(map(str, judge(section, by_name, vaults, limit)))
        ours = section.of("covault")
        rank = {"covault": 0, "nothing": 1, "limit": 2}
        ordered = sorted(section.results, key=lambda r: (rank.get(r.program, 3), r.median is None, r.median or 0))
        for number, result in enumerate(ordered):
            work = f"**{section.title}**" if number == 0 else ""
            name = result.program if result.counts or result.program in rank else f"{result.program} †"
            row = [work, name, escape(result.how)]
            if result.median is None:
                row += ["–", "", "", "", "", "", "", escape(result.note)]
            else:
                row += [f"{value:.1f}" if value < 100 else f"{value:,.0f}" for value in result.row()[:4]]
                row += [str(len(result.wall)), ratio(result.median, ours and ours.median), ratio(result.median, limit)]
                row += [""]
            if result.program == "covault" and verdicts:
                row[-1] = "; ".join(filter(None, [row[-1], verdicts]))
            rows.append(row)
        if not ours and verdicts:
            rows[-len(ordered)][-1] = verdicts
    rows = [HEAD, ["---"] * 3 + ["---:"] * 7 + ["---"]] + rows
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def ratio(value, other):
    if not other:
        return ""
    times = value / other
    return f"{times:.2f}" if times < 10 else f"{times:,.0f}"


def escape(text):
    return text.replace("|", "\\|").replace("\n", " ")
