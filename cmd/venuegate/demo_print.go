package main

import (
	"fmt"
	"io"
	"net"
	"strings"
	"time"
	"unicode"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/lane"
	"github.com/venuegate/venuegate/gate/web"
	"github.com/venuegate/venuegate/sync/central"
	"github.com/venuegate/venuegate/sync/pack"
)

// demoPrinter says what happens, for people.
type demoPrinter struct {
	out      io.Writer
	language gate.Language
	venue    *pack.Venue
}

func (p *demoPrinter) laneName(id gate.LaneID) string {
	for _, g := range p.venue.Gates {
		for _, l := range g.Lanes {
			if l.ID == uint16(id) {
				return l.Name.In(string(p.language), string(gate.English))
			}
		}
	}
	return fmt.Sprint(id)
}

func (p *demoPrinter) say(en, zh string) string {
	if p.language == gate.Chinese {
		return zh
	}
	return en
}

func (p *demoPrinter) line(format string, args ...any) {
	_, _ = fmt.Fprintf(p.out, format+"\n", args...)
}

func (p *demoPrinter) welcome(o *central.Office, page net.Addr, pin gate.Private) {
	languages := []string{string(p.language), string(gate.English)}
	p.line("%s · %s", o.Venue().Name.In(languages...), o.Events()[0].Name.In(languages...))
	p.line(p.say("The staff page is at http://%s/ · Ctrl-C stops the gate", "工作人员页面：http://%s/ · 按 Ctrl-C 停止"), page)
	if pin != "" {
		p.line(p.say("Sign in at a lane as staff %d with PIN %s", "在通道页面登录：工号 %d，PIN 码 %s"), central.DemoStaff, pin.Reveal())
	}
	p.line("")
}

// outcomeMarks tell the outcomes apart without colour.
var outcomeMarks = map[gate.Outcome]string{gate.Admit: "✔", gate.Exit: "→", gate.Refuse: "✘", gate.Refer: "?"}

func (p *demoPrinter) verdict(v *visitor, e *lane.Event) {
	what := p.say(v.en, v.zh)
	p.line("%s  %s  %s %s %s  %s  %.1f ms", e.At.Local().Format(time.TimeOnly), pad(p.laneName(e.Lane), 8), pad(what, 38),
		outcomeMarks[e.Verdict.Outcome], pad(e.Verdict.Outcome.String(), 6), pad(e.Verdict.Reason.String(), 20), float64(e.Took.Microseconds())/1e3)
	said := e.Verdict.Reason.StaffText(p.language)
	if prev := e.Verdict.Previous; prev != nil {
		said += p.say(
			fmt.Sprintf(" Since %s, at %s.", prev.At.Local().Format(time.TimeOnly), p.laneName(prev.Lane)),
			fmt.Sprintf("（%s，%s）", prev.At.Local().Format(time.TimeOnly), p.laneName(prev.Lane)))
	}
	if skew := e.Verdict.Skew; skew != 0 && !e.Verdict.Opens() {
		if skew < 0 {
			said += p.say(fmt.Sprintf(" It is %v old.", -skew), fmt.Sprintf("（已过 %v）", -skew))
		} else {
			said += p.say(fmt.Sprintf(" It is %v ahead.", skew), fmt.Sprintf("（提前 %v）", skew))
		}
	}
	p.line("                    %s", said)
}

func (p *demoPrinter) passage(r *gate.Passage) {
	said := map[gate.PassageResult]string{
		gate.PassagePassed:    p.say("The arm moved, and they went through.", "闸机已开，已通过。"),
		gate.PassageTimedOut:  p.say("The arm moved, and nobody went through: the entry is given back.", "闸机已开，无人通过，入场次数已退回。"),
		gate.PassageNotOpened: p.say("The arm did not move: the entry is given back.", "闸机未开，入场次数已退回。"),
		gate.PassageUnknown:   p.say("The arm moved; this turnstile does not tell who went through.", "闸机已开；此闸机不反馈是否通过。"),
	}[r.Result]
	p.line("                    %s", said)
}

func (p *demoPrinter) goodbye(s web.State) {
	p.line("")
	p.line(p.say("%d went in, %d out, %d are inside; %d were refused, %d sent to staff. All of it is on record.", "入场 %d，离场 %d，在场 %d；拒绝 %d，转人工 %d。均已记录。"),
		s.Counts.In, s.Counts.Out, s.Counts.Inside, s.Counts.Refused, s.Counts.Referred)
}

// pad fills a text up to a width in terminal cells, in which Chinese
// characters take two.
func pad(s string, width int) string {
	cells := 0
	for _, r := range s {
		cells++
		if unicode.Is(unicode.Han, r) || r >= 0xff00 || r >= 0x3000 && r <= 0x303f {
			cells++
		}
	}
	return s + strings.Repeat(" ", max(0, width-cells))
}
