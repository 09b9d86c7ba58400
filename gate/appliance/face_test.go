package appliance_test

import (
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/appliance"
	"github.com/venuegate/venuegate/gate/config"
	"github.com/venuegate/venuegate/hw/hwtest"
)

// A face terminal on the network opens the arm for the holder of a ticket, and
// not for somebody it does not know.
func TestFaceTerminal(t *testing.T) {
	s := newSite(t)
	s.sell(1, zhangCard)
	s.setUp()
	s.plugIn()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + free.Addr().String() + "/face"
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	s.change = func(c *config.Config) {
		c.Lanes[0].Readers = append(c.Lanes[0].Readers, config.Reader{
			Name: "face", Type: "face", Listen: url, MinScore: 0.8, Fields: &config.Fields{Reference: "reference"},
		})
	}
	s.open()
	s.await("the terminal's place is there", func() bool {
		for _, d := range s.gate.State().Lanes[0].Devices {
			if d.Name == "face" {
				return d.Up
			}
		}
		return false
	})
	look := func(score float64) {
		t.Helper()
		answer, err := http.Post(url, "application/json", strings.NewReader(string(hwtest.FaceMessage(true, score, "1", 100))))
		if err != nil {
			t.Fatal(err)
		}
		if err := answer.Body.Close(); err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("status %d, %v", answer.StatusCode, err)
		}
	}
	look(0.5)
	s.await("the stranger is refused", func() bool { return s.gate.State().Counts.Reasons[gate.ReasonFaceNotMatched] == 1 })
	look(0.9)
	s.awaitOpenings(1)
	http.DefaultClient.CloseIdleConnections()
}

func TestFaceTerminalsThatCannotBe(t *testing.T) {
	s := newSite(t)
	for path, r := range map[string]config.Reader{
		"lane[0].reader[2].from":         {Listen: ":7100"},
		"lane[0].reader[2].listen":       {Listen: "https://10.0.0.1:7100/face"},
		"lane[0].reader[2].fields.score": {Listen: "127.0.0.1:7100", Fields: &config.Fields{Score: "a..b"}},
		"lane[0].reader[2].min_score":    {Listen: "127.0.0.1:7100", MinScore: -1},
	} {
		cfg := s.config()
		r.Name, r.Type = "face", "face"
		cfg.Lanes[0].Readers = append(cfg.Lanes[0].Readers, r)
		var wrong config.Errors
		if err := appliance.Check(cfg); !errors.As(err, &wrong) || wrong[0].Path != path {
			t.Errorf("%v, want an error about %s", err, path)
		}
	}
}
