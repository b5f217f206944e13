"""`python -m bench`: measure, and print each figure as a ratio to its floor of the same run."""

import argparse
import asyncio
import tempfile
from pathlib import Path

from bench.databases import open_postgresql, open_sqlite
from bench.turn import measure


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the overhead of a turn over a bare LangGraph loop.")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--factor", type=float, default=1.0, help="size of the seeded data")
    arguments = parser.parse_args()
    print(f"{'turn':<26}{'floor ms':>10}{'service ms':>12}{'ratio':>8}")
    for name, opened in (("SQLite", open_sqlite), ("PostgreSQL", open_postgresql)):
        with opened(arguments.factor) as config, tempfile.TemporaryDirectory() as folder:
            for concurrency in (1, 8):
                figures = asyncio.run(
                    measure(name, config, Path(folder), rounds=arguments.rounds, concurrency=concurrency)
                )
                print(f"{figures.name:<26}{figures.floor_ms:>10.1f}{figures.service_ms:>12.1f}{figures.ratio:>8.2f}")


if __name__ == "__main__":
    main()
