package appliance

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/config"
	"github.com/venuegate/venuegate/gate/health"
	"github.com/venuegate/venuegate/sync/uplink"
)

// openUplink readies the way to central, where the configuration names one.
func (a *Appliance) openUplink(_ context.Context, o *Options) error {
	c := &o.Config.Central
	if c.URL == "" {
		return nil
	}
	client, err := officeClient(a.officeTLS(c))
	if err != nil {
		return err
	}
	id := uint32(o.Config.Gate.ID)
	a.uplink, err = uplink.New(uplink.Options{
		URL: c.URL, Client: client, Gate: gate.GateID(id), Logs: a.logs, Rate: c.Bandwidth,
		Sign: func(method, target string, body []byte) string {
			return keyring.SignCall(a.key, id, method, target, a.clock.Now(), body)
		},
	})
	return err
}

// officeClient makes calls to central.
func officeClient(settings *tls.Config, err error) (*http.Client, error) {
	if err != nil {
		return nil, err
	}
	return &http.Client{Transport: &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: settings,
		TLSHandshakeTimeout: handshakePatience, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true,
	}}, nil
}

// officeTLS are the settings of connections to central. A box whose clock starts
// in 1970 finds every certificate to be of the future; what it knows of the time
// then is when its pack was signed.
func (a *Appliance) officeTLS(c *config.Central) (*tls.Config, error) {
	return officeTLS(c, func() time.Time {
		now := a.clock.Now()
		if sum := a.packs.roster().summary(a.packs.renewals()); sum != nil && !a.clock.Trusted() {
			now = later(now, sum.Made)
		}
		return now
	})
}

func officeTLS(c *config.Central, now func() time.Time) (*tls.Config, error) {
	settings := &tls.Config{MinVersion: tls.VersionTLS12, Time: now}
	if c.CA == "" {
		return settings, nil
	}
	pem, err := os.ReadFile(c.CA)
	if err != nil {
		return nil, config.Errors{{Path: "central.ca", Problem: err.Error()}}
	}
	settings.RootCAs = x509.NewCertPool()
	if !settings.RootCAs.AppendCertsFromPEM(pem) {
		return nil, config.Errors{{Path: "central.ca", Problem: fmt.Sprintf("%s holds no certificate in PEM", c.CA)}}
	}
	return settings, nil
}

// stuckAfter is how long records wait for central before that is worth a word.
const stuckAfter = 10 * time.Minute

// checkUplink makes the warning about the uplink that of now.
func (a *Appliance) checkUplink(now time.Time) {
	if a.uplink == nil {
		return
	}
	s := a.uplink.Status()
	if s.State == uplink.Waiting && s.Pending > 0 && now.Sub(s.Since) > stuckAfter {
		a.health.Set(now, health.UplinkStuck, "", health.Detail{Count: int(min(s.Pending, 1<<31)), Cause: s.LastError})
		return
	}
	a.health.Clear(now, health.UplinkStuck, "")
}

// Uplink returns how the records of this gate and others get to central; it is
// zero where the configuration names none.
func (a *Appliance) Uplink() uplink.Status {
	if a.uplink == nil {
		return uplink.Status{}
	}
	return a.uplink.Status()
}
