"""A strict model of an ESP32-C3: core, memories, ROM, and the parts that the drivers use."""
