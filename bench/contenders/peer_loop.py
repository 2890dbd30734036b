"""A Python library's side of the benchmark: reads one JSON object a line, answers with one.

The timing is done here, so that talking between the processes costs nothing that is counted.
"""

import json
import math
import sys
import time


class Lacks(Exception):
    """The library has no such case."""


def wait_until_idle():
    """Threads may spin on for a while."""
    for _ in range(40):
        before = time.process_time()
        time.sleep(0.003)
        if time.process_time() - before < 0.0006:
            return


def serve(hello, prepare):
    """`prepare(request)` gives the call on a set by its index, the number of sets, and a function that writes the
    gradients of the last call into a folder."""
    say = lambda answer: print(json.dumps(answer), flush=True)
    say(hello)
    call = count = write = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["do"] == "prepare":
                call, count, write = prepare(request)
                say({"ok": True})
            elif request["do"] == "check":
                value = call(0)
                write(request["folder"])
                say({"value": value if math.isfinite(value) else None})
            elif request["do"] == "sample":
                start = time.perf_counter_ns()
                for i in range(request["repeat"]):
                    call((request["first"] + i) % count)
                spent = time.perf_counter_ns() - start
                wait_until_idle()
                say({"ns": spent})
            elif request["do"] == "dispose":
                call = count = write = None
                say({"ok": True})
        except Lacks as error:
            say({"lacks": str(error)})
        except Exception as error:  # the answer says what went wrong; the next case may work
            say({"error": f"{type(error).__name__}: {error}"})
