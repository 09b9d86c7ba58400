package enrol_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/venuegate/venuegate/sync/enrol"
	"github.com/venuegate/venuegate/sync/enrol/enroltest"
)

const code = enroltest.Code

func TestParse(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want enrol.Invitation
		err  error
	}{
		"https":               {"VGE1 https://tickets.example.org " + code, enrol.Invitation{URL: "https://tickets.example.org", Code: code}, nil},
		"a port and a path":   {"VGE1 http://10.0.0.1:8443/stadium " + code, enrol.Invitation{URL: "http://10.0.0.1:8443/stadium", Code: code}, nil},
		"in capitals":         {"VGE1 HTTPS://TICKETS.EXAMPLE.ORG " + code, enrol.Invitation{URL: "HTTPS://TICKETS.EXAMPLE.ORG", Code: code}, nil},
		"as a scanner ends":   {"VGE1 https://tickets.example.org " + code + "\r\n", enrol.Invitation{URL: "https://tickets.example.org", Code: code}, nil},
		"a ticket":            {"VG1:W62000E10QPJW50500F/1/KHCDB7NO1Z9T", enrol.Invitation{}, enrol.ErrText},
		"nothing":             {"", enrol.Invitation{}, enrol.ErrText},
		"no code":             {"VGE1 https://tickets.example.org", enrol.Invitation{}, enrol.ErrText},
		"an empty code":       {"VGE1 https://tickets.example.org ", enrol.Invitation{}, enrol.ErrCode},
		"a short code":        {"VGE1 https://tickets.example.org ABC", enrol.Invitation{}, enrol.ErrCode},
		"a code with signs":   {"VGE1 https://tickets.example.org ABCD/../EFGH", enrol.Invitation{}, enrol.ErrCode},
		"two codes":           {"VGE1 https://tickets.example.org " + code + " " + code, enrol.Invitation{}, enrol.ErrCode},
		"two spaces":          {"VGE1  https://tickets.example.org " + code, enrol.Invitation{}, enrol.ErrURL},
		"a later version":     {"VGE2 https://tickets.example.org " + code, enrol.Invitation{}, enrol.ErrText},
		"another scheme":      {"VGE1 file:///etc/passwd " + code, enrol.Invitation{}, enrol.ErrURL},
		"no host":             {"VGE1 https:tickets " + code, enrol.Invitation{}, enrol.ErrURL},
		"a password":          {"VGE1 https://me:x@tickets.example.org " + code, enrol.Invitation{}, enrol.ErrURL},
		"a query":             {"VGE1 https://tickets.example.org/?a=b " + code, enrol.Invitation{}, enrol.ErrURL},
		"a bare fragment":     {"VGE1 https://tickets.example.org/# " + code, enrol.Invitation{}, enrol.ErrURL},
		"control characters":  {"VGE1 https://tickets\x1b.example.org " + code, enrol.Invitation{}, enrol.ErrURL},
		"longer than allowed": {"VGE1 https://tickets.example.org/" + strings.Repeat("a", 500) + " " + code, enrol.Invitation{}, enrol.ErrText},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := enrol.Parse(c.text)
			if got != c.want || !errors.Is(err, c.err) {
				t.Errorf("got %q %q, %v; want %v", got.URL, got.Code, err, c.err)
			}
			if err != nil && strings.Contains(err.Error(), code) {
				t.Errorf("the code is quoted: %v", err)
			}
		})
	}
}

func TestIsEnrolment(t *testing.T) {
	for text, want := range map[string]bool{
		"VGE1 https://tickets.example.org " + code: true,
		"VGE1 x":                           true, // meant so, and wrong: Parse says how
		"VG1:W62000E10QPJW50500F/1/KHCDB7": false,
		"6901234567892":                    false,
		"":                                 false,
	} {
		if got := enrol.IsEnrolment(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestInvitationHidesItsCode(t *testing.T) {
	i := enrol.Invitation{URL: "https://tickets.example.org", Code: code}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		if strings.Contains(fmt.Sprintf(verb, i), code) {
			t.Errorf("%s prints the code", verb)
		}
	}
}

// What is read is written again alike, and nothing crashes.
func FuzzParse(f *testing.F) {
	f.Add("VGE1 https://tickets.example.org " + code)
	f.Add("VGE1 http://[fe80::1]:8443/stadium " + code + "\r\n")
	f.Add("VGE1 HTTPS://TICKETS.EXAMPLE.ORG/%41 " + code)
	f.Add("VG1:NONSENSE")
	f.Fuzz(func(t *testing.T, text string) {
		i, err := enrol.Parse(text)
		if err != nil {
			return
		}
		if !enrol.IsEnrolment(text) {
			t.Fatal("parsed, though it is no enrolment")
		}
		again, err := i.Text()
		if err != nil || again != strings.TrimRight(text, "\r\n") {
			t.Fatalf("%q became %q: %v", text, again, err)
		}
	})
}
