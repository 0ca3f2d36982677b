"""Where the events of a device go while it is watched."""
