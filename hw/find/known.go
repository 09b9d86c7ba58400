package find

// Role is what a device probably is to a gate.
type Role string

// The roles. RoleAdapter is a converter chip: what is behind it, it does not say.
const (
	RoleReader   Role = "reader"
	RoleAdapter  Role = "adapter"
	RoleKeyboard Role = "keyboard"
	RoleCamera   Role = "camera"
	RoleOther    Role = "other"
)

// Guess says what a device probably is. Only a person can know; nothing is ever
// opened because of it.
func Guess(d Device) (Role, string) {
	for _, k := range known() {
		if d.USB() && k.vendor == d.Vendor && (k.product == 0 || k.product == d.Product) {
			if k.role == RoleReader && d.Class == ClassHIDRaw && !d.Usable {
				return RoleOther, k.what + ", not in HID-POS mode"
			}
			if k.role == RoleReader && d.Class == ClassInput && !d.Usable {
				return RoleOther, k.what + ", keys that no code has"
			}
			return k.role, k.what
		}
	}
	switch {
	case d.Class == ClassVideo && d.Usable:
		return RoleCamera, "camera"
	case d.Class == ClassHIDRaw && d.Usable:
		return RoleReader, "HID-POS barcode reader"
	case d.Class == ClassInput && d.Usable:
		return RoleKeyboard, "keyboard, or a barcode reader that plays one"
	case d.Class == ClassSerial && d.Driver == "cdc_acm":
		return RoleReader, "USB-COM device, such as a barcode reader"
	case d.Class == ClassSerial:
		return RoleAdapter, "serial line"
	}
	return RoleOther, ""
}

// knownID is a USB vendor, or with a product one of its devices.
type knownID struct {
	vendor, product uint16
	role            Role
	what            string
}

// known lists IDs that are met at gates, the particular before the general.
//
// The converters are from the tables of the Linux drivers ch341, cp210x,
// ftdi_sio and pl2303 (drivers/usb/serial) and, where cdc_acm serves them, from
// the USB ID repository (usb.ids), as are the vendors. The Newland products are
// in the udev rules of quicktill's serial barcode bridge, those of Symbol in the
// MS4407 integration guide.
func known() []knownID {
	return []knownID{
		{0x1A86, 0x7522, RoleAdapter, "QinHeng CH340 serial adapter"},
		{0x1A86, 0x7523, RoleAdapter, "QinHeng CH340 serial adapter"},
		{0x1A86, 0x5523, RoleAdapter, "QinHeng CH341 serial adapter"},
		{0x1A86, 0x55D3, RoleAdapter, "QinHeng CH343 serial adapter"},
		{0x1A86, 0x55D4, RoleAdapter, "QinHeng CH9102 serial adapter"},
		{0x10C4, 0xEA60, RoleAdapter, "Silicon Labs CP2102 serial adapter"},
		{0x10C4, 0xEA70, RoleAdapter, "Silicon Labs CP2105 serial adapter, two lines"},
		{0x10C4, 0xEA71, RoleAdapter, "Silicon Labs CP2108 serial adapter, four lines"},
		{0x0403, 0x6001, RoleAdapter, "FTDI FT232R serial adapter"},
		{0x0403, 0x6010, RoleAdapter, "FTDI FT2232 serial adapter, two lines"},
		{0x0403, 0x6011, RoleAdapter, "FTDI FT4232 serial adapter, four lines"},
		{0x0403, 0x6014, RoleAdapter, "FTDI FT232H serial adapter"},
		{0x0403, 0x6015, RoleAdapter, "FTDI FT-X serial adapter"},
		{0x067B, 0x2303, RoleAdapter, "Prolific PL2303 serial adapter"},
		{0x067B, 0x23A3, RoleAdapter, "Prolific PL2303 serial adapter"},
		{0x1EAB, 0x8306, RoleReader, "Newland barcode reader in USB-COM mode"},
		{0x1EAB, 0x0C06, RoleReader, "Newland barcode reader in USB-COM mode"},
		{0x05E0, 0x0600, RoleReader, "Symbol barcode reader in USB-COM mode"},
		{0x05E0, 0x1200, RoleReader, "Symbol barcode reader in keyboard mode"},
		{0x05E0, 0, RoleReader, "Symbol or Zebra barcode reader"},
		{0x0C2E, 0, RoleReader, "Metrologic or Honeywell barcode reader"},
		{0x05F9, 0, RoleReader, "PSC or Datalogic barcode reader"},
		{0x1EAB, 0, RoleReader, "Newland barcode reader"},
		{0x065A, 0, RoleReader, "Opticon barcode reader"},
		{0x067E, 0, RoleReader, "Intermec barcode reader"},
	}
}
