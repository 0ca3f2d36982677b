"""What a person asks of a session, by a key or by a button of a page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Action = Literal["start", "stop", "end"]


@dataclass(frozen=True, slots=True)
class Request:
    """One request.

    Attributes:
        action: begin a recording, end it, or end the session.
        label: the label of the recording that begins; "" without a label.
    """

    action: Action
    label: str = ""
