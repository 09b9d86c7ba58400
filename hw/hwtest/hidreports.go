package hwtest

// HIDReports returns the reports of a HID-POS reader that read text, with its
// AIM identifier such as "]Q1".
func HIDReports(aim, text string) [][]byte {
	const size, most, more = 64, 56, 1
	var reports [][]byte
	for first := true; first || text != ""; first = false {
		n := min(len(text), most)
		r := make([]byte, size)
		r[0], r[1] = 2, byte(n)
		copy(r[2:5], aim)
		copy(r[5:], text[:n])
		if text = text[n:]; text != "" {
			r[size-1] = more
		}
		reports = append(reports, r)
	}
	return reports
}
