"""Measure everything, print it beside the last result, and write benchmarks/results.json and docs/performance.md.

python -m benchmarks [--rounds 7]
"""

import argparse
import json
from pathlib import Path

from benchmarks import command, growth, steps
from benchmarks.measure import PROJECT, machine

RESULTS = Path(__file__).with_name("results.json")
DOCS = PROJECT / "docs"
MARKS = "<!-- measured: begin -->", "<!-- measured: end -->"


def main() -> None:
    """Run the suite."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="of the training steps; the other parts take 3")
    arguments = parser.parse_args()
    before = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {"machine": {}, "ratios": {}}

    print("training steps", flush=True)
    samples = steps.measure(arguments.rounds)
    print("\n".join([*steps.table(samples, before["ratios"]), "", *steps.verdicts(samples)]), flush=True)
    print("\nthe whole command", flush=True)
    parts = command.measure(3)
    print("\n".join(command.table(parts)), flush=True)
    print("\nhow cost grows", flush=True)
    widths, batches, sweeps = growth.measure(3)

    where = machine()
    floor = samples["floor"].median
    results = {
        "machine": where,
        "ratios": {name: round(sample.median / floor, 3) for name, sample in samples.items()},
        "seconds_per_epoch": {name: [round(value, 3) for value in sample.values] for name, sample in samples.items()},
        "command": {name: round(sample.median, 3) for name, sample in parts.items()},
    }
    report = [
        f"Measured {where['date']}: " + ", ".join(f"{k} {v}" for k, v in list(where.items())[1:]) + ".", "",
        "### Training steps", "", *steps.table(samples, before["ratios"]), "",
        f"\"before\": the ratio of the last committed result ({before['machine'].get('date', 'none')}).", "",
        *steps.verdicts(samples), "", "### The whole command", "", *command.table(parts), "",
        "### How cost grows", "", "![cost against width, batch size and runs](growth.png)", "",
        "Seconds per epoch:", "", *growth.table(widths, "network width"), "",
        *growth.table(batches, "batch size"), "", "Seconds of a whole sweep of 3-epoch runs:", "",
        *growth.table(sweeps, "runs in the sweep"),
    ]  # fmt: skip
    print("\n".join(report[report.index("### How cost grows") :]))
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    growth.plot(widths, batches, sweeps, DOCS / "growth.png")
    page = DOCS / "performance.md"
    head, _, rest = page.read_text(encoding="utf-8").partition(MARKS[0])
    tail = rest.partition(MARKS[1])[2]
    page.write_text(head + "\n".join([MARKS[0], "", *report, "", MARKS[1]]) + tail, encoding="utf-8")


if __name__ == "__main__":
    main()
