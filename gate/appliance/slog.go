package appliance

import (
	"context"
	"log/slog"

	"github.com/rs/zerolog"
)

// zerologHandler takes what parts of the gate write with log/slog to its log.
type zerologHandler struct{ to zerolog.Logger }

func newZerologHandler(to zerolog.Logger) slog.Handler { return zerologHandler{to} }

func level(l slog.Level) zerolog.Level {
	switch {
	case l >= slog.LevelError:
		return zerolog.ErrorLevel
	case l >= slog.LevelWarn:
		return zerolog.WarnLevel
	case l >= slog.LevelInfo:
		return zerolog.InfoLevel
	default:
		return zerolog.DebugLevel
	}
}

// Enabled implements slog.Handler.
func (h zerologHandler) Enabled(_ context.Context, l slog.Level) bool {
	return level(l) >= h.to.GetLevel() && level(l) >= zerolog.GlobalLevel()
}

// Handle implements slog.Handler.
func (h zerologHandler) Handle(_ context.Context, r slog.Record) error {
	line := h.to.WithLevel(level(r.Level))
	r.Attrs(func(a slog.Attr) bool {
		line = line.Str(a.Key, a.Value.Resolve().String())
		return true
	})
	line.Msg(r.Message)
	return nil
}

// WithAttrs implements slog.Handler.
func (h zerologHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := h.to.With()
	for _, a := range attrs {
		with = with.Str(a.Key, a.Value.Resolve().String())
	}
	return zerologHandler{with.Logger()}
}

// WithGroup implements slog.Handler. Groups are not told apart.
func (h zerologHandler) WithGroup(string) slog.Handler { return h }
