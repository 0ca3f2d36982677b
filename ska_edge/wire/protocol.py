"""Defines the serial protocol: the table of messages; `message` describes what a message is.

Only this file defines the messages. `codec` packs and unpacks messages on the host.
`firmware_gen.emit.messages` writes the same table as a C header, and
`firmware_gen.emit.protocol_page` writes the tables of `docs/PROTOCOL.md`. To add a message, add a
row to `MESSAGES` and a handler to `firmware_gen/runtime/ska_request.c`.

Numbers are little-endian. A message is the payload of a frame; see `frame`. This is one file,
because the table is read as a whole.
"""

from __future__ import annotations

import enum

from ska_edge.rules.confidence import UNKNOWN
from ska_edge.rules.metric_sums import METRIC_PURPOSE
from ska_edge.wire.message import Field, Message

PROTOCOL_VERSION = 4
COUNTED = 2**32  # a device counts samples and updates modulo this; every CRC is smaller
CHUNK_MAX = 128  # maximum bytes of state in a CHUNK
PUSH_MAX = 64  # maximum bytes of state in a PUSH; the smallest devices cannot receive more
RAW_MAX = 128  # maximum bytes of samples in a RAW; a sample of 64 axes takes all of them
NAME_BYTES = 16  # bytes of the name of an added class, as in `plan.spare`
KEY_BYTES = 32  # bytes of a device's key, see `tag`
UNLABELED = 65535  # in place of the label of a window that the device has not learned
TAG_BYTES = 8  # bytes of a request's tag, see `tag`; a guess is right with probability 2^-64


class Status(enum.IntEnum):
    """Codes of the STATUS message."""

    OK = 0
    TYPE = 1
    LENGTH = 2
    SEQUENCE = 3
    NUMBER = 4
    LABEL = 5
    RATE = 6
    OFFSET = 7
    DIGEST = 8
    CRC = 9
    STORAGE = 10
    TOKEN = 11
    KEY = 12
    WORN = 13
    EARLY = 14
    FROZEN = 15
    SPARE = 16
    WINDOW = 17


STATUS_PURPOSE = {
    Status.OK: "done; detail is 0, the next offset (OFFER, PUSH), a label (ADD_CLASS), 1 (RAW)"
    " or 2 (WINDOW)",
    Status.TYPE: "the firmware has no such message; detail is its type",
    Status.LENGTH: "the payload has the wrong length; detail is that length",
    Status.SEQUENCE: "neither the next request nor one to answer again; "
    "detail is the last seq, or 65535 if none",
    Status.NUMBER: "the sample is not the next one; detail is the number of the next sample",
    Status.LABEL: "no class has this label; detail is the label",
    Status.RATE: "the plan's rate cannot be halved that many times; detail is the maximum",
    Status.OFFSET: "the offset is wrong; "
    "detail is the offset to continue from, or the size of what is read",
    Status.DIGEST: "the state belongs to another plan; detail is 0",
    Status.CRC: "the pushed bytes are not the offered state; detail is their CRC-32",
    Status.STORAGE: "nothing was stored, and the state is unchanged; detail is the ska_status_t",
    Status.TOKEN: "the request is for another state; detail is the token of the present state",
    Status.KEY: "the tag is missing, or was not made with the device's key and last nonce",
    Status.WORN: "the memory for saves has been erased as many times as it endures; detail is 0",
    Status.EARLY: "too many saves; "
    "detail is how many bytes the device must receive before the next save",
    Status.FROZEN: "weights in flash never change; "
    "detail is the type of the message, or the offset in PUSH",
    Status.SPARE: "no spare output is left, or the name is empty; "
    "detail is the number of spare outputs",
    Status.WINDOW: "no window is complete, or it is not the newest, or has another class; detail"
    " is the newest",
}


class Capability(enum.IntFlag):
    """Bits of the field `capabilities` of WELCOME: functions of the firmware beyond inference."""

    LEARN = 1
    METRICS = 2
    PULL = 4
    RATE = 8
    SAVE = 16
    PUSH = 32
    KEY = 64
    VALUES = 128
    FRONT = 256
    SENSOR = 512
    READ_RAW = 1024


CAPABILITY_PURPOSE = {
    Capability.LEARN: "learns from SAMPLE",
    Capability.METRICS: "sends METRICS when SAMPLE or FOLLOW asks for them",
    Capability.PULL: "sends its state on PULL",
    Capability.RATE: "changes its rate on SET_RATE",
    Capability.SAVE: "saves its state on SAVE, so that it survives a restart",
    Capability.PUSH: "accepts a state from OFFER and PUSH",
    Capability.KEY: "refuses a request that changes the device and lacks a tag made with its key",
    Capability.VALUES: "runs a regression: it has targets instead of a label, and values instead of"
    " decisions",
    Capability.FRONT: "has a front end, which takes RAW and FEATURES",
    Capability.SENSOR: "classifies windows of its own sensor, which WINDOW reads",
    Capability.READ_RAW: "has the newest raw samples of its sensor, which READ_RAW reads",
}


class WindowDetail(enum.IntEnum):
    """Details of the outcome of WINDOW; 0 if no newer window is complete yet."""

    NEWER = 1
    ENDED = 2


WINDOW_PURPOSE = {
    WindowDetail.NEWER: "detail of a WINDOW that CLASSIFIED answers; it is not sent",
    WindowDetail.ENDED: "detail of a STATUS that answers WINDOW: the sensor has no more samples",
}


class Want(enum.IntFlag):
    """Bits of the field `want` of SAMPLE and FOLLOW: what the device adds to the decisions."""

    METRICS = 1
    CRC = 2


WANT_PURPOSE = {
    Want.METRICS: "a METRICS message for every layer, before RESULT",
    Want.CRC: "the CRC-32 of the state in RESULT",
}


LABEL = Field("label", "u16", 1, "class index, below the number of classes", only="classes")
TARGETS = Field(
    "targets",
    "u8",
    "target_bytes",
    "for a regression, not the label: one i16 per output",
    only="values",
)
X = Field("x", "u8", "input_bytes", "input in the plan's input format, little-endian")
STEP = Field("step", "u32", 1, "updates made, counted from the plan's weights")
SAMPLES = Field("samples", "u32", 1, "samples learned, counted from the plan's weights")
CRC = Field("crc", "u32", 1, "CRC-32 of the state")
TOKEN = Field("token", "u32", 1, "identifies the state's history; 0 after a start, RESET or PUSH")
OFFSET = Field("offset", "u32", 1, "position among all bytes where these bytes begin")

MESSAGES = (
    Message(
        "HELLO",
        0x01,
        "request",
        (Field("protocol", "u8", 1, "protocol version of the host"),),
        "open a session; the payload is one byte in every protocol version",
        answer="WELCOME",
    ),
    Message(
        "SAMPLE",
        0x02,
        "request",
        (
            Field("number", "u32", 1, "the token plus the number of samples learned before"),
            LABEL,
            TARGETS,
            Field("want", "u8", 1, "bits, see SKA_WANT_*"),
            X,
        ),
        "learn from one labeled sample",
        answer="RESULT",
        changes=True,
    ),
    Message("INFER", 0x03, "request", (X,), "classify one input, learn nothing", answer="RESULT"),
    Message(
        "SET_RATE",
        0x04,
        "request",
        (Field("halvings", "u8", 1, "how many times a host has halved the rate"), TOKEN),
        "change the learning rate",
        answer="STATUS",
        changes=True,
    ),
    Message("PULL", 0x05, "request", (OFFSET,), "read a piece of the state", answer="CHUNK"),
    Message(
        "OFFER",
        0x06,
        "request",
        (
            Field("digest", "u8", 8, "first bytes of the digest of the state's plan"),
            CRC,
        ),
        "announce a state to push; the same state again resumes the transfer",
        answer="STATUS",
        changes=True,
    ),
    Message(
        "PUSH",
        0x07,
        "request",
        (OFFSET, Field("data", "u8", "rest", "the next bytes of the state", PUSH_MAX)),
        "send a piece of a state; after the last piece, the device stores and loads the state",
        answer="STATUS",
        changes=True,
    ),
    Message(
        "SAVE",
        0x08,
        "request",
        (TOKEN,),
        "save the state, so that it survives a restart",
        answer="STATUS",
        changes=True,
    ),
    Message(
        "RESET",
        0x09,
        "request",
        (),
        "return to the plan's weights and to step 0",
        answer="STATUS",
        changes=True,
    ),
    Message(
        "SET_TOKEN",
        0x0A,
        "request",
        (TOKEN, CRC),
        "give a token to the state with this CRC-32; the state keeps it while learning",
        answer="STATUS",
        changes=True,
    ),
    Message(
        "CHALLENGE",
        0x0B,
        "request",
        (),
        "ask a device with a key for a nonce; tags have it until the next CHALLENGE",
        answer="NONCE",
    ),
    Message(
        "FOLLOW",
        0x0C,
        "request",
        (Field("want", "u8", 1, "bits, see SKA_WANT_*"),),
        "announce each sample that the device learns by itself, until the next HELLO",
        answer="WELCOME",
    ),
    Message(
        "ADD_CLASS",
        0x0D,
        "request",
        (
            Field("name", "u8", NAME_BYTES, "name in UTF-8, filled up with zeros"),
            TOKEN,
        ),
        "make a spare output a class; a class that was added with this name stays as it is",
        answer="STATUS",
        changes=True,
        only="SKA_SPARES > 0",
    ),
    Message(
        "FORGET_CLASS",
        0x0E,
        "request",
        (Field("label", "u16", 1, "class index of an added class"), TOKEN),
        "make an added class a spare output again, without its samples and weights",
        answer="STATUS",
        changes=True,
        only="SKA_SPARES > 0",
    ),
    Message(
        "RAW",
        0x0F,
        "request",
        (
            Field("reset", "u8", 1, "1: first forget all earlier samples; 0: continue after them"),
            Field("data", "u8", "rest", "whole samples of the sensor, one i16 per axis", RAW_MAX),
        ),
        "push samples into the front end; detail 1: the last one completes a window",
        answer="STATUS",
        changes=True,
        only="SKA_FRONT_AXES > 0",
    ),
    Message(
        "FEATURES",
        0x10,
        "request",
        (OFFSET,),
        "read the complete window: features, one i32 each, then the input of them",
        answer="CHUNK",
        only="SKA_FRONT_AXES > 0",
    ),
    Message(
        "WINDOW",
        0x11,
        "request",
        (Field("after", "u32", 1, "number of the newest window that the host has; 0 for none"),),
        "read the newest window; STATUS with OK if the host has it, detail 2 if no other comes",
        answer="CLASSIFIED",
        only="SKA_SENSOR",
    ),
    Message(
        "LABEL",
        0x12,
        "request",
        (
            Field("window", "u32", 1, "number of the newest window"),
            LABEL,
            TARGETS,
            Field("want", "u8", 1, "bits, see SKA_WANT_*; CRC has no meaning"),
            TOKEN,
        ),
        "learn the newest window of the sensor, unless it was learned before",
        answer="CLASSIFIED",
        changes=True,
        only="SKA_SENSOR",
    ),
    Message(
        "READ_RAW",
        0x13,
        "request",
        (Field("first", "u32", 1, "number of the first sample of the sensor that the host wants"),),
        "read the raw samples of the sensor that the front end still has",
        answer="SENSED",
        only="SKA_SENSOR_KEEPS",
    ),
    Message(
        "WELCOME",
        0x81,
        "reply",
        (
            Field(
                "protocol", "u8", 1, "protocol version of the device; first field in every version"
            ),
            Field("seq", "u8", 1, "seq of the last request; the next request has this plus 1"),
            Field("digest", "u8", 8, "first bytes of the plan's digest"),
            STEP,
            SAMPLES,
            TOKEN,
            CRC,
            Field("state_bytes", "u32", 1, "size of the state"),
            Field("inputs", "u16", 1, "number of elements of an input"),
            Field("input_width", "u8", 1, "bytes of one element of an input, 1 or 2"),
            Field("classes", "u16", 1, "number of classes"),
            Field("layers", "u8", 1, "number of layers"),
            Field("halvings", "u8", 1, "how many times a host has halved the rate"),
            Field("credit", "u8", 1, "requests that may be in flight at once"),
            Field("capabilities", "u32", 1, "bits, see SKA_CAPABILITY_*"),
            Field("saves", "u32", 1, "saves made so far; if 0, a restart loses what was learned"),
            Field(
                "error",
                "u8",
                1,
                "code of the first refusal since the start, without SEQUENCE, KEY and EARLY; or OK",
            ),
            Field("error_detail", "u32", 1, "detail of that refusal"),
            Field("dropped", "u16", 1, "received pieces that were not valid frames, up to 65535"),
            Field("board", "u8", 16, "name of the board in ASCII, padded with zeros"),
        ),
        "answers HELLO and FOLLOW; identifies the device, its plan and its progress",
    ),
    Message(
        "RESULT",
        0x82,
        "reply",
        (
            STEP,
            SAMPLES,
            Field("crc", "u32", 1, "CRC-32 of the state if SAMPLE or FOLLOW wants it, otherwise 0"),
            Field(
                "predicted",
                "u16",
                1,
                f"index of the largest decision, the first of equal ones; {UNKNOWN}: unknown;"
                " 0 for a regression",
            ),
            Field(
                "decisions",
                "i16",
                "classes",
                "before any update, in Q0.15; of a regression: values as targets",
            ),
        ),
        "answers SAMPLE and INFER, and follows LEARNED",
    ),
    Message(
        "METRICS",
        0x83,
        "reply",
        (
            Field("layer", "u8", 1, "layer index, from 0"),
            STEP,
            *(Field(name, "i64", 1, purpose) for name, purpose in METRIC_PURPOSE.items()),
        ),
        "integer sums of one layer after a learning step, sent before RESULT",
    ),
    Message(
        "CHUNK",
        0x84,
        "reply",
        (OFFSET, Field("data", "u8", "rest", "the bytes from offset on", CHUNK_MAX)),
        "answers PULL and FEATURES",
    ),
    Message(
        "STATUS",
        0x85,
        "reply",
        (
            Field("code", "u8", 1, "see SKA_STATUS_*"),
            Field("detail", "u32", 1, "depends on the code"),
        ),
        "answers every other request, and every refused request",
    ),
    Message(
        "NONCE",
        0x86,
        "reply",
        (
            Field(
                "nonce",
                "u8",
                TAG_BYTES,
                "the value that goes into all tags until the next CHALLENGE",
            ),
        ),
        "answers CHALLENGE",
    ),
    Message(
        "LEARNED",
        0x87,
        "reply",
        (SAMPLES, LABEL, TARGETS, X),
        "announces a sample that the device has learned by itself; METRICS and RESULT follow",
    ),
    Message(
        "CLASSIFIED",
        0x88,
        "reply",
        (
            Field("number", "u32", 1, "windows of the sensor since the start, including this one"),
            Field(
                "label",
                "u16",
                1,
                f"class index of a learned window, 0 in a regression; {UNLABELED}: not learned yet",
            ),
            STEP,
            SAMPLES,
            Field("predicted", "u16", 1, f"class index as in RESULT; {UNKNOWN}: unknown"),
            Field("decisions", "i16", "classes", "of the window, as in RESULT"),
            Field(
                "targets",
                "u8",
                "target_bytes",
                "with which a regression learned the window: one i16 per output",
                only="values",
            ),
            X,
        ),
        "answers WINDOW and LABEL: the newest window of the sensor",
        only="SKA_SENSOR",
    ),
    Message(
        "SENSED",
        0x89,
        "reply",
        (
            Field(
                "first",
                "u32",
                1,
                "number of the first of these samples, counted from 0 since the start of the"
                " device",
            ),
            Field("window", "u32", 1, "number of the newest window; 0 for none"),
            Field("end", "u32", 1, "number of the sample after the last one of this window"),
            Field("data", "u8", "rest", "whole samples, one i16 per axis", RAW_MAX),
        ),
        "answers READ_RAW: samples from the wanted one, or from the oldest one that is left",
        only="SKA_SENSOR_KEEPS",
    ),
)

BY_NAME = {message.name: message for message in MESSAGES}
BY_CODE = {message.code: message for message in MESSAGES}
