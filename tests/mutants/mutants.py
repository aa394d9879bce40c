"""Which mutants there are: the operators of cargo-mutants 27, for code that rustfmt has formatted.

It reads tokens, not types: what does not compile is left out when they are built. Constants, macros and `const fn` have none.
"""

import re

TOKEN = re.compile(
    r"""(?P<skip>//[^\n]*|/\*.*?\*/|\s+)
      |(?P<text>b?r(?P<hash>\#*)".*?"(?P=hash)|[bc]?"(?:\\.|[^"\\])*"|b?'(?:\\(?:u\{[^}]*\}|x..|.)|[^'\\\n])')
      |(?P<life>'[A-Za-z_]\w*)
      |(?P<word>[A-Za-z_]\w*)
      |(?P<number>\d[\w]*(?:\.\d[\w]*)?)
      |(?P<sign><<=|>>=|\.\.=|::|->|=>|==|!=|<=|>=|&&|\|\||\+=|-=|\*=|/=|%=|\^=|&=|\|=|<<|>>|\.\.|.)""",
    re.X | re.S,
)
BINARY = {
    "==": ["!="], "!=": ["=="], "&&": ["||"], "||": ["&&"], "<": ["==", ">", "<="], ">": ["==", "<", ">="], "<=": [">"], ">=": ["<"],
    "+": ["-", "*"], "-": ["+", "/"], "*": ["+", "/"], "/": ["%", "*"], "%": ["/", "+"], "<<": [">>"], ">>": ["<<"],
    "&": ["|", "^"], "^": ["|", "&"], "+=": ["-=", "*="], "-=": ["+=", "/="], "*=": ["+=", "/="], "/=": ["%=", "*="],
    "|=": ["&=", "^="], "&=": ["|=", "^="], "^=": ["|=", "&="], "<<=": [">>="], ">>=": ["<<="],
}
NO_OPERAND = {"return", "if", "in", "match", "else", "while", "let", "mut", "ref", "move", "as", "where", "for", "break"}
OPEN, CLOSE = "([{", ")]}"


class Tokens:
    def __init__(self, text):
        self.kind, self.text, self.start, self.end, self.partner = [], [], [], [], {}
        for match in TOKEN.finditer(text):
            if match.lastgroup == "skip" or match["skip"]:
                continue
            kind = next(k for k in ("text", "life", "word", "number", "sign") if match[k] is not None)
            self.kind.append(kind)
            self.text.append(match[0])
            self.start.append(match.start())
            self.end.append(match.end())
        stack = []
        for n, text in enumerate(self.text):
            if self.kind[n] == "sign" and text in OPEN:
                stack.append(n)
            elif self.kind[n] == "sign" and text in CLOSE:
                begins = stack.pop()
                self.partner[begins], self.partner[n] = n, begins

    def ends_operand(self, n):
        kind, text = self.kind[n], self.text[n]
        return kind in ("text", "number") or (kind == "word" and text not in NO_OPERAND) or text in (")", "]", "?")


def values(kind):
    """What a function of this type may be made to answer."""
    kind = kind.strip()
    if kind in ("", "()"):
        return ["()"]
    if kind == "bool":
        return ["true", "false"]
    if re.fullmatch(r"[ui](8|16|32|64|128|size)", kind):
        return ["0", "1"]
    if kind == "String":
        return ["String::new()", '"xyzzy".to_owned()']
    if re.fullmatch(r"&('\w+ )?str", kind):
        return ['""', '"xyzzy"']
    inner = re.fullmatch(r"([\w:]+)<(.*)>", kind, re.S)
    if inner:
        outer, arguments = inner[1].split("::")[-1], split(inner[2])
        if outer == "Option":
            return ["None"] + [f"Some({value})" for value in values(arguments[0])]
        if outer in ("Result", "Read"):
            return [f"Ok({value})" for value in values(arguments[0])]
        if outer == "Vec":
            return ["vec![]"] + [f"vec![{value}]" for value in values(arguments[0])]
    if kind in ("fmt::Result", "std::fmt::Result"):
        return ["Ok(())"]
    iterator = re.match(r"impl (?:ExactSize)?Iterator<Item = (.*)>", kind)
    if iterator:
        return ["::std::iter::empty()"] + [f"::std::iter::once({value})" for value in values(iterator[1])]
    if kind.startswith("("):
        return ["(" + ", ".join(values(part)[0] for part in split(kind[1:-1])) + ")"]
    if kind.startswith("&'static [") or kind.startswith("&["):
        return ["&[]"]
    return ["Default::default()"]


def split(text):
    """At the commas outside of brackets."""
    parts, depth = [""], 0
    for c in text:
        depth += c in "<([" 
        depth -= c in ">)]"
        if c == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += c
    return [part.strip() for part in parts if part.strip()]


def functions(tokens, text):
    """Each outermost function: its name, its answer's type and the token that opens its body."""
    n, found, within = 0, [], 0
    while n < len(tokens.text):
        if tokens.text[n] == "macro_rules" and tokens.kind[n] == "word":
            n = tokens.partner[n + 3] + 1
            continue
        if tokens.text[n] == "fn" and tokens.kind[n] == "word" and tokens.kind[n + 1] == "word":
            name, at, arrow = tokens.text[n + 1], n + 2, None
            while tokens.text[at] not in ("{", ";"):
                if tokens.text[at] == "->":
                    arrow = arrow or at
                at = tokens.partner[at] + 1 if tokens.text[at] in "([" and tokens.kind[at] == "sign" else at + 1
            constant = "const" in tokens.text[max(0, n - 2):n]
            if tokens.text[at] == "{" and not constant:
                answer = text[tokens.end[arrow]:tokens.start[at]] if arrow else ""
                found.append((name, re.split(r"\bwhere\b", answer)[0].strip(), at))
            n = tokens.partner[at] + 1 if tokens.text[at] == "{" else at + 1
            continue
        n += 1
    return found


def let_chain(tokens, n):
    """Whether a `let` stands in the same condition."""
    depth = 0
    for at in range(n, max(0, n - 200), -1):
        text = tokens.text[at]
        depth += text in (")", "]", "}") and tokens.kind[at] == "sign"
        depth -= text in ("(", "[", "{") and tokens.kind[at] == "sign"
        if depth < 0 or (depth == 0 and text in (";", "=>")):
            break
        if depth == 0 and text == "let" and tokens.text[at - 1] in ("if", "while", "&&"):
            return True
    return False


def arms(tokens, begins):
    """The arms of the match whose body opens at `begins`: first token, `=>`, last token and the comma behind it."""
    end, n, found = tokens.partner[begins], begins + 1, []
    while n < end:
        first = n
        while tokens.text[n] != "=>":
            n = tokens.partner[n] + 1 if tokens.kind[n] == "sign" and tokens.text[n] in OPEN else n + 1
        arrow, n = n, n + 1
        if tokens.text[n] == "{" and tokens.text[tokens.partner[n] + 1] not in (".", "?"):
            n = tokens.partner[n] + 1
        else:
            while n < end and tokens.text[n] != ",":
                n = tokens.partner[n] + 1 if tokens.kind[n] == "sign" and tokens.text[n] in OPEN else n + 1
        if n < end and tokens.text[n] == ",":
            n += 1
        found.append((first, arrow, n - 1))
    return found


def mutants(text):
    """All of a file: function, place of its body, place, replacement, and what to call it."""
    tokens = Tokens(text)
    for name, answer, opening in functions(tokens, text):
        closing = tokens.partner[opening]
        body = (tokens.end[opening], tokens.start[closing])
        if closing == opening + 1:
            continue

        def one(start, end, replacement, what):
            line = text.count("\n", 0, start) + 1
            return {"function": name, "answer": answer, "body": body, "span": (start, end), "new": replacement, "line": line, "what": f"{what} in {name}"}

        inside = (tokens.start[opening + 1], tokens.end[closing - 1])
        for value in values(answer):
            if " ".join(text[inside[0]:inside[1]].split()) != value:
                yield one(*inside, value, f"answer {value}")
        for n in range(opening + 1, closing):
            sign, start, end = tokens.text[n], tokens.start[n], tokens.end[n]
            before, after = text[start - 1], text[end:end + 1]
            if tokens.kind[n] == "sign" and sign in BINARY and before in " \n" and after in " \n" and tokens.ends_operand(n - 1):
                if sign == "&&" and let_chain(tokens, n):
                    continue
                for other in BINARY[sign]:
                    context = f"{tokens.text[n - 1]} {sign} {tokens.text[n + 1]}"
                    yield one(start, end, other, f"{context}: {sign} to {other}")
            elif tokens.kind[n] == "sign" and sign in "!-" and after not in " \n=" and not tokens.ends_operand(n - 1):
                yield one(start, end, "", f"delete {sign} before {tokens.text[n + 1]}")
            elif tokens.kind[n] == "word" and sign == "match":
                at = n + 1
                while tokens.text[at] != "{":
                    at = tokens.partner[at] + 1 if tokens.kind[at] == "sign" and tokens.text[at] in OPEN else at + 1
                every = arms(tokens, at)
                wild = any(arrow == first + 1 and tokens.text[first] == "_" for first, arrow, _ in every)
                for first, arrow, last in every:
                    pattern = " ".join(text[tokens.start[first]:tokens.end[arrow - 1]].split())
                    guards = [g for g in range(first, arrow) if tokens.text[g] == "if" and tokens.kind[g] == "word"]
                    if wild and pattern != "_" and not guards:
                        yield one(tokens.start[first], tokens.end[last], "", f"delete arm {pattern}")
                    if guards and tokens.text[guards[0] + 1] != "let":
                        for value in ("true", "false"):
                            yield one(tokens.start[guards[0] + 1], tokens.end[arrow - 1], value, f"guard of {pattern} to {value}")
