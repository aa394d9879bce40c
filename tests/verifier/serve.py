#!/usr/bin/env python3
"""verify.py for who asks many times: each line of stdin is its words, as JSON, each line of stdout its exit code and what it
printed. It starts once, and what it has found of the same bytes it need not find again."""
import contextlib, io, json, sys, traceback

import verify


def answer(words):
    out = io.StringIO()
    try:
        with contextlib.redirect_stdout(out):
            return verify.main(words), out.getvalue()
    except (Exception, SystemExit):
        return -1, traceback.format_exc()


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
