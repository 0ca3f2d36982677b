"""Writes what concerns classes that are added later: constants, and what a device starts with."""

from __future__ import annotations

from ska_edge.plan.memory import Memory
from ska_edge.plan.plan import Plan
from ska_edge.plan.spare import NAME_BYTES


def spare_constants(plan: Plan) -> str:
    """Return the constants of the spare outputs."""
    if not plan.spares:
        return "#define SKA_SPARES 0 /* outputs that can become classes later, the last ones */\n"
    return f"""\
#define SKA_SPARES {plan.spares} /* outputs that can become classes later, the last ones */
#define SKA_NAMED {plan.named} /* classes of the plan */
#define SKA_NAME_BYTES {NAME_BYTES} /* of the name of an added class, at most */
"""


def emit_memory(plan: Plan, memory: Memory) -> str:
    """Return the initial names and samples for ska_weights.h; "" if there can be none."""
    return _names(plan, memory) + _samples(plan, memory)


def _names(plan: Plan, memory: Memory) -> str:
    if not plan.spares:
        return ""
    rows = ",\n".join("    {" + ", ".join(map(str, name)) + "}" for name in memory.names.tolist())
    return f"""
/* The names of the classes that were added before this firmware was written. */
static const uint8_t ska_initial_names[SKA_SPARES][SKA_NAME_BYTES] SKA_CONST = {{
{rows}
}};
"""


def _samples(plan: Plan, memory: Memory) -> str:
    if not plan.replay.per_class:
        return ""
    text = (
        f"\n#define SKA_PREFILLED {memory.count} /* samples in the replay buffer at the start */\n"
    )
    if not memory.count:
        return text
    counts = ", ".join(str(len(samples)) for samples in memory.samples)
    rows = ",\n".join(
        "    {" + ", ".join(map(str, row)) + "}"
        for samples in memory.samples
        for row in samples.tolist()
    )
    return f"""{text}
/* How many samples each class has, and the samples, class by class. */
static const uint16_t ska_initial_seen[SKA_CLASSES] = {{{counts}}};
static const ska_signal_t ska_initial_samples[SKA_PREFILLED][SKA_INPUTS] SKA_CONST = {{
{rows}
}};
"""
