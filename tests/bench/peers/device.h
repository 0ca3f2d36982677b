/* device.h - TI's library includes a header of this name, but needs nothing from it. */
