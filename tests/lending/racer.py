"""Another process of the same bank: opens its store, says so, and acts when it is told to."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from puhui.kernel import Actor, Refused
from puhui.kernel.clock import FixedClock
from puhui.node import open_node
from tests.conftest import KEYS

ROLES = frozenset({"loan_officer", "operator", "system"})


def main(home: str, url: str, now_us: str) -> None:
    """Read one list of acts (name, key, input), run them, write what each came to."""
    node = open_node(Path(home), store_url=url, clock=FixedClock(int(now_us)), keys=KEYS)
    print("ready", flush=True)
    for line in sys.stdin:
        found = []
        for name, key, told in json.loads(line):
            try:
                done = node.act(name, told, key=key, actor=Actor("racer", ROLES))
                found.append(getattr(done, "outcome", "done"))
            except Refused as refused:
                found.append(refused.code)
        print(json.dumps(found), flush=True)
    node.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
