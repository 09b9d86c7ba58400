package hwtest

import (
	"errors"
	"fmt"
	"strings"
)

// TravelDocument is what stands in a machine-readable zone, as text and without
// fillers. Lines adds those, and the check digits.
type TravelDocument struct {
	Format      string // TD1, TD2, TD3, or permit for a Chinese exit permit card
	Code, State string // of the document: P and UTO; a permit has no State
	Number      string
	Nationality string
	Birth       string // YYMMDD, with < for what is not known
	Sex         string // M, F or <
	Expiry      string // YYMMDD
	Optional    string
	Optional2   string // TD1
	Name        string // SURNAME<<GIVEN<NAMES
}

// Lines returns the lines of the zone. It fails when something does not fit.
func (d TravelDocument) Lines() ([]string, error) {
	var errs []error
	fill := func(s string, n int) string {
		if len(s) > n {
			errs = append(errs, fmt.Errorf("a field of %d characters gets %d", n, len(s)))
			return s[:n]
		}
		return s + strings.Repeat("<", n-len(s))
	}
	birth := fill(d.Birth, 6) + icaoDigit(fill(d.Birth, 6))
	expiry := fill(d.Expiry, 6) + icaoDigit(fill(d.Expiry, 6))
	head, nationality, sex := fill(d.Code, 2)+fill(d.State, 3), fill(d.Nationality, 3), fill(d.Sex, 1)
	// A long number runs on, past a filler, in the optional data.
	var number string
	optional := d.Optional
	if len(d.Number) > 9 && (d.Format == "TD1" || d.Format == "TD2") {
		number = d.Number[:9] + "<"
		optional = d.Number[9:] + icaoDigit(d.Number) + "<" + optional
		optional = strings.TrimRight(optional, "<")
	} else {
		number = fill(d.Number, 9) + icaoDigit(fill(d.Number, 9))
	}
	var lines []string
	switch d.Format {
	case "TD1":
		first, second := number+fill(optional, 15), birth+sex+expiry+nationality+fill(d.Optional2, 11)
		check := icaoDigit(first + birth + expiry + fill(d.Optional2, 11))
		lines = []string{head + first, second + check, fill(d.Name, 30)}
	case "TD2":
		optional = fill(optional, 7)
		second := number + nationality + birth + sex + expiry + optional
		lines = []string{head + fill(d.Name, 31), second + icaoDigit(number+birth+expiry+optional)}
	case "TD3":
		optional = fill(optional, 14)
		if d.Optional == "" {
			optional += "<"
		} else {
			optional += icaoDigit(optional)
		}
		second := number + nationality + birth + sex + expiry + optional
		lines = []string{head + fill(d.Name, 39), second + icaoDigit(number+birth+expiry+optional)}
	case "permit":
		first := fill(d.Code, 2) + number + "<" + expiry + "<" + birth + "<" + icaoDigit(number+expiry+birth)
		lines = []string{first, fill(d.Optional, 12) + fill(d.Name, 18), fill(sex, 30)}
	default:
		errs = append(errs, fmt.Errorf("no format is %q", d.Format))
	}
	return lines, errors.Join(errs...)
}

// icaoDigit is the check digit of ICAO Doc 9303 part 3.
func icaoDigit(s string) string {
	const values = "<123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	sum := 0
	for i, c := range s {
		sum += max(0, strings.IndexRune(values, c)) * []int{7, 3, 1}[i%3]
	}
	return fmt.Sprint(sum % 10)
}
