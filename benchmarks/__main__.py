"""Measure, print the result next to the last committed one, and write results.json and docs/performance.md.

python -m benchmarks                    everything
python -m benchmarks steps --rounds 3   one part (steps, command, growth, comparing, server, load); others are kept
"""

import argparse
import json
import os
from pathlib import Path
from typing import Any

from benchmarks import command, comparing, growth, load, server, steps
from benchmarks.measure import PROJECT, machine

RESULTS = Path(__file__).with_name("results.json")
DOCS = PROJECT / "docs"
MARKS = "<!-- measured: begin -->", "<!-- measured: end -->"
PARTS = {"steps": steps, "command": command, "growth": growth, "comparing": comparing, "server": server, "load": load}


def main() -> None:
    """Run the suite, or a part of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="?", choices=PARTS)
    parser.add_argument(
        "--rounds", type=int, help="of every timing; default: 7 for the training steps, 3 for the rest"
    )
    arguments = parser.parse_args()
    print(f"load of the machine before: {os.getloadavg()[0]:.1f} (an idle one has nearly 0)")
    before = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    results: dict[str, Any] = dict(before)
    for name in [arguments.part] if arguments.part else PARTS:
        part = PARTS[name]
        results[name] = {"machine": machine(), **part.measure(arguments.rounds or part.ROUNDS)}
        print("\n".join(part.table(results[name], before.get(name))), flush=True)
        RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        _write_page(results)


def _write_page(results: dict[str, Any]) -> None:
    if "growth" in results:
        growth.plot(results["growth"], DOCS / "growth.png")
    page = DOCS / "performance.md"
    head, _, rest = page.read_text(encoding="utf-8").partition(MARKS[0])
    tail = rest.partition(MARKS[1])[2]
    body = [line for name in PARTS if name in results for line in _section(name, results[name])]
    page.write_text(head + "\n".join([MARKS[0], "", *body, MARKS[1]]) + tail, encoding="utf-8")


def _section(name: str, result: dict[str, Any]) -> list[str]:
    where = result["machine"]
    origin = (
        f"Measured {where['date']}: " + ", ".join(f"{key} {value}" for key, value in list(where.items())[1:]) + "."
    )
    return [f"### {PARTS[name].TITLE}", "", origin, "", *PARTS[name].table(result, None), ""]


if __name__ == "__main__":
    main()
