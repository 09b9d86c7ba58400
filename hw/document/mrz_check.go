package document

import (
	"strings"
	"time"
)

// checkDigit is the check digit of ICAO Doc 9303 part 3, section 4.9: weights 7,
// 3 and 1 in turn; digits count as they are, letters from 10, fillers nothing.
func checkDigit(s string) byte {
	sum := 0
	for i := range len(s) {
		value := 0
		switch c := s[i]; {
		case isDigit(c):
			value = int(c - '0')
		case isUpper(c):
			value = int(c-'A') + 10
		}
		sum += value * [3]int{7, 3, 1}[i%3]
	}
	return byte('0' + sum%10)
}

// birth returns the date of birth, YYYYMMDD. A month or day that is not known is
// 00; empty when nothing is known.
func (z *zone) birth(now time.Time) string {
	const field = "date of birth"
	s := z.get(z.l.birth)
	if strings.Trim(s, string(filler)) == "" {
		return ""
	}
	year, month, day := s[:2], s[2:4], s[4:]
	if day == "<<" {
		day = "00"
		if month == "<<" {
			month = "00"
		}
	}
	rest := month + day
	if !allDigits(year + rest) {
		z.fail(field, z.l.birth, MRZDate)
		return ""
	}
	// The last such date that is not after now.
	today := now.Format("20060102")
	date := today[:2] + year + rest
	if date > today {
		date = now.AddDate(-100, 0, 0).Format("2006")[:2] + year + rest
	}
	if !isDay(date) {
		z.fail(field, z.l.birth, MRZDate)
		return ""
	}
	return date
}

// expiry returns the last day of validity, YYYYMMDD; empty for a document that
// does not expire, which has fillers there.
func (z *zone) expiry(now time.Time) string {
	s := z.get(z.l.expiry)
	if strings.Trim(s, string(filler)) == "" {
		return ""
	}
	if !allDigits(s) {
		z.fail("end of validity", z.l.expiry, MRZDate)
		return ""
	}
	// Of the years with these two digits, the one from 49 years ago to 50 ahead.
	const before, century = 49, 100
	from := now.Year() - before
	year := from + ((int(s[0]-'0')*10+int(s[1]-'0')-from)%century+century)%century
	date := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC).Format("2006") + s[2:]
	if !isDay(date) || date[6:] == "00" {
		z.fail("end of validity", z.l.expiry, MRZDate)
		return ""
	}
	return date
}

// isDay reports whether eight digits are a day of the calendar, a month with day
// 00, or a year with month and day 00.
func isDay(date string) bool {
	switch {
	case strings.HasSuffix(date, "0000"):
		date = date[:4] + "0101"
	case strings.HasSuffix(date, "00"):
		date = date[:6] + "01"
	}
	_, err := time.Parse("20060102", date)
	return err == nil
}
