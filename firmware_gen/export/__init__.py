"""Writes a network as a library for another tool chain, such as Arduino, CMake or Zephyr.

`table` names the exports, `library` gives the C files that all exports share, and `write` puts an
export into a folder. A folder of `templates` has the other files of each export.
"""
