package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html/template"
	"io"
	"log"
	"net"
	"net/http"

	"github.com/venuegate/venuegate/gate"
)

// Waiting is the page of a box that is not enrolled yet: what it waits for, which
// of its readers are there, and what came of the last try. It takes nothing.
type Waiting struct {
	Hosts []string // as in [Options]
	// View is asked for every page.
	View func() WaitingView
}

// WaitingView is how things stand.
type WaitingView struct {
	Readers []DeviceView
	// Trouble is why the last code was of no use, fit to be shown; empty: none
	// was, or nobody tried.
	Trouble string
	Busy    bool // central is being asked
}

// Serve answers on listener until ctx is done, and closes it.
func (p *Waiting) Serve(ctx context.Context, listener net.Listener) error {
	h, err := p.handler()
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: headerTimeout, ReadTimeout: requestTimeout, WriteTimeout: requestTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader, ErrorLog: log.New(io.Discard, "", 0),
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() }) // the next page comes from the gate
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("web: serve on %s: %w", listener.Addr(), err)
	}
	return nil
}

func (p *Waiting) handler() (http.Handler, error) {
	s := &Server{hosts: newHostSet(p.Hosts)}
	var err error
	if s.texts, err = loadTexts(); err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	if s.chooser, err = newChooser(gate.Chinese); err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	if s.assets, err = loadAssets(); err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	page, err := template.ParseFS(templateFiles, "templates/waiting.html")
	if err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /static/{version}/{name}", s.assets.serve)
	mux.HandleFunc("GET /healthz", s.serveAlive)
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "not_enrolled", http.StatusServiceUnavailable)
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		view := p.View()
		var b bytes.Buffer
		words := s.textsFor(w, r)
		f := struct {
			frame
			WaitingView
		}{frame{texts: words, assets: s.assets, Lang: words.language}, view}
		if err := page.Execute(&b, f); err != nil {
			http.Error(w, "the page cannot be made", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Refresh", "2")
		_, _ = w.Write(b.Bytes()) // whoever asked may be gone
	})
	return s.guard(mux), nil
}
