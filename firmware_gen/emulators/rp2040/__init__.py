"""Runs the image of a Raspberry Pi Pico in rp2040py, with the chip's ROM and strict peripherals."""
