"""Make the pictures of docs/pictures anew: python -m tests.screenshots [FOLDER]."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from ska_edge.dashboard.feed import Feed
from ska_edge.dashboard.page import Page
from ska_edge.dashboard.server import Server
from ska_edge.dashboard.tail import Tail
from ska_edge.dashboard.twin import Twin
from ska_edge.model.open import open_model
from tests.browser import browsing, chromium

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
ROWS = 1000
COMMITTED = "dashboard"  # the picture in docs/; a folder of one's own gets all of them
VIEWS = {  # width, height, and whether it is the dark mode
    COMMITTED: (1280, 760, False),
    "dashboard-dark": (1280, 760, True),
    "dashboard-narrow": (380, 760, False),
    "dashboard-narrow-dark": (380, 760, True),
}


def learned(folder: Path) -> tuple[Path, Path]:
    """Let the board virtual-m4 learn digits from untrained weights; return its model and log."""

    def ska_edge(*arguments: str) -> None:
        subprocess.run([sys.executable, "-m", "ska_edge", *arguments], cwd=folder, check=True)

    ska_edge(
        "run", "digits", "--board", "virtual-m4", "--hidden", "32", "--untrained", "-o", "demo"
    )
    firmware = str(next(path.parent for path in folder.rglob("ska-project.json")))
    model = next(folder.rglob("*.ska"))
    ska_edge("flash", firmware)
    try:
        ska_edge("monitor", str(model), "digits", "--samples", str(ROWS), "--log", "steps.jsonl")
    finally:
        ska_edge("flash", firmware, "--stop")
    return model, folder / "steps.jsonl"


def main(target: Path) -> None:
    """Write the pictures of the dashboard: for docs/ the first screen, otherwise whole pages."""
    program = chromium()
    if program is None:
        raise SystemExit("the pictures need chromium")
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        folder = Path(place)
        path, log = learned(folder)
        model = open_model(path)
        page, feed = Page(), Feed(log.name, model)
        page.feeds.append(feed)
        for line in Tail(log).lines():
            feed.read(line)
        Twin(log, model, feed).look()
        with Server(page, "127.0.0.1", 0) as server, browsing(program, folder / "home") as browser:
            for name, (width, height, dark) in VIEWS.items():
                if target == FOLDER and name != COMMITTED:
                    continue
                browser.look(width, height, dark=dark)
                browser.open(server.url)
                browser.wait("document.body.dataset.ready")
                browser.picture(target / f"{name}.png", whole=target != FOLDER)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
