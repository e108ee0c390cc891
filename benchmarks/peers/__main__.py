"""Compare our generators with those of other packages, as a table and JSON."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import jax

from benchmarks.machine import machine_facts
from cgm_jax.cli import screen
from cgm_jax.evaluation import compare_generators
from cgm_jax.generators import Generator, KernelDensity, ProductMixture
from cgm_jax.report.data import comparison_data
from cgm_jax.tables import TableCodec

from .peer import (
    ENVIRONMENTS,
    PEERS,
    PeerGenerator,
    SkippedError,
    installed,
    read_table,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the comparison.

    Args:
        arguments: of the command line.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser("python -m benchmarks.peers", description=__doc__)
    parser.add_argument("table", type=Path, help="a CSV file of one table")
    parser.add_argument("--target", help="column that is predicted")
    names = [peer.name for peer in PEERS]
    parser.add_argument("--only", nargs="*", choices=names, default=names)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--held-out", type=float, default=0.2)
    parser.add_argument("--out", type=Path, help="file for the JSON")
    parser.add_argument("--environments", type=Path, default=ENVIRONMENTS)
    options = parser.parse_args(arguments)
    table = read_table(options.table)
    codec = TableCodec.fit([table])
    points = codec.encode(table)
    generators: dict[str, Generator] = {
        "kde": KernelDensity(0.05),
        "product-mixture": ProductMixture(codec=codec, held_out=0),
    }
    skipped = {}
    peers = [peer for peer in PEERS if peer.name in options.only]
    for peer in peers:
        try:
            generator = PeerGenerator(
                peer, installed(peer, options.environments), codec
            )
            # Once on some rows, so that a failure stops no long comparison.
            generator.fit(jax.random.key(0), points[:500])
        except (SkippedError, ValueError) as error:
            skipped[peer.name] = str(error)
            print(f"{peer.name} is skipped: {error}")
        else:
            generators[peer.name] = generator
    found = compare_generators(
        jax.random.key(options.seed),
        codec,
        points,
        generators,
        held_out=options.held_out,
        target=options.target,
        progress=lambda stage, share: print(f"{share:4.0%} {stage}", file=sys.stderr),
    )
    screen.print_comparison(found)
    if options.out is not None:
        data = {
            "machine": machine_facts(),
            "table": options.table.name,
            "licences": {peer.name: peer.licence for peer in peers},
            "skipped": skipped,
            **comparison_data(found),
        }
        options.out.write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n")
        print(f"Written to {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
