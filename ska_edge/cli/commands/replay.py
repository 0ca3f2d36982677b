"""`ska-edge replay`: rebuild a device's state from a monitor's log, without the device."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from ska_edge.cli.options.complete import PATH
from ska_edge.cli.options.count import COUNT_OR_NONE
from ska_edge.cli.options.paths import check_file
from ska_edge.cli.screen.console import Output, json_option
from ska_edge.model.open import open_model
from ska_edge.monitor.replay import rebuild
from ska_edge.plural import counted


@click.command(epilog="Example:  ska-edge replay steps.jsonl digits.ska -o rebuilt.ska")
@click.argument("log", type=PATH)
@click.argument("model", type=PATH)
@click.option("--at", type=COUNT_OR_NONE, help="Stop after this update [default: the log's end].")
@click.option("-o", "--output", type=PATH, help="Model file to write.")
@json_option
def replay(log: Path, model: Path, at: int | None, output: Path | None, as_json: bool) -> None:
    """Rebuild a device's state from LOG, bit for bit, by learning its rows on the host.

    MODEL is the device's model when LOG began: the flashed model, or one that was pulled then. If
    the device gave a wrong answer, the exit code is 1, and the error names the line. A log with a
    gap is refused, unless --at stops before the gap.
    """
    out, loaded = Output(as_json), open_model(model)
    if output is not None:
        check_file(output, log, model)
    with out.progress("replaying", "bytes") as update:
        rebuilt = rebuild(log, loaded, at, update)
    state = rebuilt.state
    if output is not None:  # write it before the report, which may fail to print
        # The float twin did not learn the device's samples, so it is left out.
        replace(loaded, state=state, reference=None).save(output, private=True)
    if rebuilt.cut is not None:
        out.warning(f"{log}, line {rebuilt.cut}: the last line was cut off, so it is left out")
    sure = (
        "the device's own CRC confirms it"
        if rebuilt.checked
        else "no CRC of the device at this point confirms it"
    )
    out.line(
        f"learned {counted(rebuilt.rows, 'row')} of {log}: {counted(state.samples, 'sample')},"
        f" {counted(state.step, 'update')}, CRC {state.crc:08x}; {sure}"
    )
    if output is not None:
        out.line(f"wrote {output}")
    out.document(
        {
            "samples": state.samples,
            "step": state.step,
            "halvings": state.halvings,
            "crc": state.crc,
            "checked": rebuilt.checked,
            "rows": rebuilt.rows,
            "cut": rebuilt.cut,
            "digest": loaded.plan.digest,
            "output": None if output is None else str(output),
        }
    )
