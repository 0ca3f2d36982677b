"""The Cortex-M core of a chip: its instructions in Unicorn, its interrupts and its counter."""
