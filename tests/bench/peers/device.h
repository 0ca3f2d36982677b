/* device.h - the library includes a header of this name, but needs nothing from it. */
