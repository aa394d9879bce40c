"""One crate with all its mutants, each switched on by a number, and no more of the program than its tests need."""

import json, os, re, subprocess, sys
from pathlib import Path

import mutants as operators

HERE = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", HERE / "target")).resolve()

# The number comes in the search path, since tests clear every other variable before they start the program.
SWITCH = """
/// Which mutant this process is; 0 for none. Where that is asked for, it is noted that `site` was reached.
pub(crate) fn mutant(site: usize) -> u32 {
    use std::sync::atomic::{AtomicBool, Ordering};
    static ASKED: std::sync::OnceLock<(u32, Option<std::path::PathBuf>)> = std::sync::OnceLock::new();
    static REACHED: [AtomicBool; SITES] = [const { AtomicBool::new(false) }; SITES];
    let (which, notes) = ASKED.get_or_init(|| {
        let path = std::env::var("PATH").unwrap_or_default();
        let part = |mark: &str| path.split(':').find_map(|part| part.strip_prefix(mark)).map(str::to_owned);
        if std::env::var_os("COVAULT_MUTANT_TEST").is_some() {
            std::panic::set_hook(Box::new(|_| std::process::exit(101)));
        }
        (part("/covault-mutant/").and_then(|n| n.parse().ok()).unwrap_or(0), part("/covault-reached").map(Into::into))
    });
    if let Some(notes) = notes {
        if !REACHED[site].swap(true, Ordering::Relaxed) {
            use std::io::Write as _;
            let mut file = std::fs::OpenOptions::new().create(true).append(true).open(notes).unwrap();
            file.write_all(format!("{site} ").as_bytes()).unwrap();
        }
    }
    *which
}
"""
ALLOW = "#![allow(warnings, arithmetic_overflow, unconditional_panic, unconditional_recursion)]\n"


def listed(patterns, but=()):
    """Every mutant of these files, with its name, the function that it is in and what that function is now."""
    found, sites = [], {}
    for path in sorted({path for pattern in patterns for path in HERE.glob(pattern)}):
        file = str(path.relative_to(HERE))
        if path.suffix != ".rs" or file.startswith(tuple(but)):
            continue
        text, seen = path.read_text(), {}
        for mutant in operators.mutants(text):
            name = f"{file}: {mutant['what']}"
            seen[name] = seen.get(name, 0) + 1
            again = f" ({seen[name]})" if seen[name] > 1 else ""
            start, end = mutant["body"]
            site = sites.setdefault((file, start), len(sites))
            found.append(mutant | {"file": file, "name": name + again, "number": len(found) + 1, "site": site, "code": text[start:end]})
    return found


def shown(mutant):
    """The lines that it changes, before and after."""
    text = (HERE / mutant["file"]).read_text()
    start, end = mutant["span"]
    first, last = text.rfind("\n", 0, start) + 1, (text.find("\n", end) + 1) or len(text)
    lines = text[first:last].splitlines()
    changed = (text[first:start] + mutant["new"] + text[end:last]).splitlines()
    lines = lines if len(lines) < 6 else lines[:2] + ["        …"] + lines[-2:]
    return "\n".join(["-" + line for line in lines] + ["+" + line for line in changed if line.strip()])


def sources(chosen):
    """The crate without what cannot be asked about it: each file's bytes by its name."""
    text = (HERE / "Cargo.toml").read_text()
    drop = r"\[lints\.[^\[]*|\[\[bench\]\][^\[]*" + (r"|\[\[bin\]\][^\[]*" if chosen["src"] else "")
    files = {"Cargo.toml": (re.sub(drop, "", text) + "\n[workspace]\n").encode()}
    for name in ["Cargo.lock", "README.md"]:
        files[name] = (HERE / name).read_bytes()
    for folder in ["src", "tests"]:
        for path in sorted((HERE / folder).rglob("*")):
            name = str(path.relative_to(HERE))
            within = path.relative_to(HERE / folder).parts[0]
            if path.is_file() and "__pycache__" not in name and (chosen[folder] is None or within in chosen[folder]):
                files[name] = path.read_bytes()
    if chosen["src"]:
        modules = "".join(f"pub mod {name.removesuffix('.rs')};\n" for name in chosen["src"])
        files["src/lib.rs"] = modules.encode()
    if chosen["tests"]:
        modules = "".join(f"mod {name};\n" for name in chosen["tests"]) + "".join(
            f"mod {folder} {{ pub mod {name.removesuffix('.rs')}; }}\n" for folder, name in (b.split("/") for b in chosen.get("borrowed", ()))
        )
        for name in chosen.get("borrowed", ()):
            files[f"tests/{name}"] = (HERE / "tests" / name).read_bytes()
        files["tests/main.rs"] = ("#![allow(warnings)]\n" + modules).encode()
    return files


def lay_out(crate, files):
    """Only what is otherwise is written, or cargo builds it anew."""
    for path in [path for folder in ["src", "tests"] for path in (crate / folder).rglob("*")]:
        if path.is_file() and str(path.relative_to(crate)) not in files:
            path.unlink()
    for name, content in files.items():
        path = crate / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)
    for name in ["fixtures", "docs"]:
        if not (crate / name).exists():
            os.symlink(HERE / name, crate / name)


def schemata(text, mutants, dropped):
    """The file with all its mutants, and which lines are whose."""
    bodies = {}
    for mutant in mutants:
        if mutant["number"] not in dropped:
            bodies.setdefault((mutant["body"], mutant["answer"]), []).append(mutant)
    out, at, line, whose = [], 0, 1, []

    def emit(text):
        nonlocal line
        out.append(text)
        line += text.count("\n")

    for ((start, end), answer), those in sorted(bodies.items()):
        emit(text[at:start])
        # Its arms are of different types: one box for all of them.
        iterator = re.fullmatch(r"impl Iterator<Item = (.+?)>(?: \+ use<.*>)?", answer)
        box = f"let all: Box<dyn Iterator<Item = {iterator[1]}> + '_> = Box::new({{" if iterator else None
        left, right = ("{" + box, "}); all }") if box else ("{", "}")
        opens = line
        emit(f"\nmatch crate::mutant({those[0]['site']}) {{\n")
        for mutant in those:
            first, last = mutant["span"]
            begins = line
            emit(f"{mutant['number']} => {left}\n{text[start:first]}{mutant['new']}{text[last:end]}\n{right}\n")
            whose.append((begins, line - 1, mutant["number"]))
        emit(f"_ => {left}\n{text[start:end]}\n{right}\n}}\n")
        # What is wrong with all of it (a type that no box has) is nobody's in particular.
        whose.append((opens, line, *(mutant["number"] for mutant in those)))
        at = end
    emit(text[at:])
    return "".join(out), whose


def build(chosen, crate, mutants, dropped):
    """The library, until what is left compiles, in a target folder of its own: to cargo, crates of one name are the same.

    `dropped` says by number what does not, and why.
    """
    by_file = {}
    for mutant in mutants:
        by_file.setdefault(mutant["file"], []).append(mutant)
    plain = sources(chosen)
    sites = max(mutant["site"] for mutant in mutants) + 1
    lib = ALLOW + plain["src/lib.rs"].decode() + SWITCH.replace("SITES", str(sites))
    env = dict(os.environ, CARGO_TARGET_DIR=f"{crate}.target")
    goal = ["--lib"] if chosen["src"] else ["--lib", "--bins"]
    for round in range(1, 20):
        files, whose = plain | {"src/lib.rs": lib.encode()}, {}
        for file, those in by_file.items():
            text, whose[file] = schemata(plain[file].decode(), those, dropped)
            files[file] = text.encode()
        lay_out(crate, files)
        left = sum(mutant["number"] not in dropped for mutant in mutants)
        print(f"building {left} mutants (round {round})", flush=True)
        made = subprocess.run(["cargo", "build", "--locked", "--message-format=json", *goal], cwd=crate, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if made.returncode == 0:
            break
        errors, unknown = 0, []
        for text in made.stdout.splitlines():
            message = json.loads(text).get("message") or {}
            if message.get("level") != "error" or not message.get("spans"):
                continue
            errors += 1
            hit = set()
            for span in message["spans"] + [s for child in message["children"] for s in child["spans"]]:
                around = [each for each in whose.get(span["file_name"], []) if each[0] <= span["line_start"] <= each[1]]
                if around and (span["is_primary"] or not hit):
                    hit.update(min(around, key=lambda each: each[1] - each[0])[2:])
            for number in hit:
                dropped[number] = message["message"].splitlines()[0]
            if not hit:
                unknown.append(message["rendered"])
        if not errors or len(unknown) == errors:
            sys.exit("\n".join(unknown) or made.stderr[-4000:])


def build_tests(crate):
    """The tests' binary."""
    env = dict(os.environ, CARGO_TARGET_DIR=f"{crate}.target")
    made = subprocess.run(["cargo", "test", "--locked", "--no-run", "--message-format=json", "--test", "covault"], cwd=crate, env=env, stdout=subprocess.PIPE, text=True)
    if made.returncode:
        messages = [json.loads(text).get("message") or {} for text in made.stdout.splitlines()]
        sys.exit("\n".join(m["rendered"] for m in messages if m.get("level") == "error")[-4000:])
    tests = [json.loads(text) for text in made.stdout.splitlines()]
    return next(t["executable"] for t in tests if t.get("executable") and t["target"]["kind"] == ["test"])
