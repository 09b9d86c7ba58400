// Package find says which of the things that are plugged in is the one that the
// configuration means, and when something was plugged in or out.
//
// A Finder lists serial lines, input devices, HID devices and cameras with what
// sysfs knows of them. A Match picks one of them by USB IDs, by serial number,
// by the USB port it is plugged into, or by path. Two that match are an error
// that says how to tell them apart: the way in is never taken for the way out.
// A Watcher hears of every plug from the kernel and looks for itself now and
// then, because the kernel's queue can overflow.
//
// It opens no device and changes nothing. hw/port asks a Locator at every open,
// gate/appliance makes the Locator and the Watcher, and venuegate devices shows
// a person what there is.
package find
