/* device.h - the library includes a device's header of this name; it needs nothing from it. */
