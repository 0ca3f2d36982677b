"""Write the seed corpus: every message of the table, and a session, as bytes on the line.

`python -m tests.fuzz.corpus` regenerates it after a change of the protocol.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from ska_edge.frontend.frontends import front_for
from ska_edge.network.state import State
from ska_edge.plan.plan import Plan
from ska_edge.plan.replay import Replay
from ska_edge.plan.resolve import make_plan
from ska_edge.rules.neuron import RawInput
from ska_edge.wire.codec import Codec
from ska_edge.wire.frame import encode_frame
from ska_edge.wire.message import Field, Message
from ska_edge.wire.protocol import BY_NAME, MESSAGES, PROTOCOL_VERSION, PUSH_MAX, Want

FOLDER = Path(__file__).parent / "corpus"
# The plans are small, because the whole network is compared after every byte. Together they have
# every field that a state can have, inputs of one and two bytes, and a front end.
PLANS = {
    "local": make_plan(
        (5, 4, 3),
        replay=Replay(2, 1),
        spares=1,
        raw=RawInput((70,) * 5, (9,) * 5, 11),
        front=front_for("spectrum", 16, 2, ("sound",), bands=5),
    ),
    "published": make_plan((3, 2, 2), rule="published", precision="w32a16", batch=3, steps=3),
}


def seeds(plan: Plan) -> dict[str, bytes]:
    """Return streams by name; a message's stream begins with HELLO and ends with the message."""
    codec = Codec(dimensions(plan))
    opened = frame(codec, 0, BY_NAME["HELLO"], plan)
    streams = {
        message.name.lower(): opened + frame(codec, 1, message, plan) for message in MESSAGES
    }
    streams["hello"] = opened
    front = frame(codec, 1, BY_NAME["RAW"], plan) + frame(codec, 2, BY_NAME["FEATURES"], plan)
    sensor = frame(codec, 1, BY_NAME["WINDOW"], plan) + frame(codec, 2, BY_NAME["LABEL"], plan)
    return streams | {
        "front": opened + front,
        "sensor": opened + sensor + frame(codec, 3, BY_NAME["READ_RAW"], plan),
        "session": opened + session(codec, plan),
        "update": opened + update(codec, plan),
    }


def session(codec: Codec, plan: Plan) -> bytes:
    """Return a session's requests; one of them is repeated, and one is lost."""
    names = ["SAMPLE", "SAMPLE", "SAMPLE", "INFER", "SET_RATE", "PULL", "SAMPLE", "RESET", "SAMPLE"]
    stream, samples = b"", 0
    for seq, name in enumerate(names, 1):
        sent = frame(codec, seq, BY_NAME[name], plan, samples)
        stream += sent
        samples = 0 if name == "RESET" else samples + (name == "SAMPLE")
    return stream + sent + frame(codec, len(names) + 2, BY_NAME["INFER"], plan)


def update(codec: Codec, plan: Plan) -> bytes:
    """Return the requests that push a whole state and then request a save."""
    state = State(plan)
    data = state.to_bytes()
    offer = {"digest": bytes.fromhex(plan.digest[:16]), "crc": state.crc}
    asked: list[tuple[str, dict[str, Any]]] = [("OFFER", offer)]
    for offset in range(0, len(data), PUSH_MAX):
        asked.append(("PUSH", {"offset": offset, "data": data[offset : offset + PUSH_MAX]}))
    asked.append(("SAVE", {"token": 0}))
    return b"".join(
        encode_frame(BY_NAME[name].code, seq, codec.pack(name, values))
        for seq, (name, values) in enumerate(asked, 1)
    )


def dimensions(plan: Plan) -> dict[str, int]:
    return {
        "input_bytes": plan.inputs * plan.layers[0].input.bits // 8,
        "classes": plan.classes,
    }


def frame(codec: Codec, seq: int, message: Message, plan: Plan, number: int = 0) -> bytes:
    known: dict[str, Any] = {
        "protocol": PROTOCOL_VERSION,
        "number": number,
        "label": 1,
        "want": int(Want.METRICS | Want.CRC),
        "digest": bytes.fromhex(plan.digest[:16]),
        "crc": State(plan).crc,
        "token": 0x5EED if message.name == "SET_TOKEN" else 0,
        "offset": 0,
        "halvings": 1,
        "code": 0,
        "reset": 1,
        "window": 1,
    }
    sizes = dimensions(plan)
    message = message.of(plan.regression)

    def value(field: Field) -> Any:
        if field.name in known:
            return known[field.name]
        count = sizes.get(str(field.count), field.most or field.count)
        assert isinstance(count, int)
        return 0 if count == 1 else [i % 100 for i in range(count)]

    values = {field.name: value(field) for field in message.fields}
    return encode_frame(message.code, seq, codec.pack(message.name, values))


def main() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    for name, plan in PLANS.items():
        (FOLDER / name).mkdir(parents=True)
        for seed, stream in seeds(plan).items():
            (FOLDER / name / seed).write_bytes(stream)


if __name__ == "__main__":
    main()
