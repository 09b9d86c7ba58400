package document

// CheckResidentNumber reports whether s has the form of a citizen number of GB
// 11643 and the right check character: 17 digits and one of 0–9 or X that is
// ISO 7064 MOD 11-2 of them.
func CheckResidentNumber(s string) bool {
	if len(s) != 18 || !isNumberForm(s) {
		return false
	}
	sum := 0
	for i, weight := range [17]int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2} {
		sum += weight * int(s[i]-'0')
	}
	return s[17] == "10X98765432"[sum%11]
}

// isNumberForm reports whether s is digits with a digit or X at the end.
func isNumberForm(s string) bool {
	last := len(s) - 1
	return last > 0 && allDigits(s[:last]) && (isDigit(s[last]) || s[last] == 'X')
}

// isDate reports whether s looks like a date YYYYMMDD. The calendar is left to
// the authority that signed the card.
func isDate(s string) bool {
	if len(s) != 8 || !allDigits(s) {
		return false
	}
	month, day := s[4:6], s[6:8]
	return month >= "01" && month <= "12" && day >= "01" && day <= "31"
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func isUpper(c byte) bool { return c >= 'A' && c <= 'Z' }

func allDigits(s string) bool {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}
	return true
}

func allUpper(s string) bool {
	for i := range len(s) {
		if !isUpper(s[i]) {
			return false
		}
	}
	return true
}
