package lane

import (
	"strings"

	"github.com/venuegate/venuegate/crypto/ticket"
	"github.com/venuegate/venuegate/gate"
)

// recognise names what a text that is on no list looks like, so that a visitor
// who holds up the wrong thing hears what it was.
func recognise(text string) gate.Reason {
	switch {
	case ticket.IsVG1(text):
		return gate.ReasonMalformed
	case isPaymentCode(text):
		return gate.ReasonPaymentCode
	case isLink(text):
		return gate.ReasonWebLink
	default:
		return gate.ReasonNotATicket
	}
}

// isPaymentCode knows the payment codes that Chinese wallets show: 18 digits
// from 10 to 15 (WeChat Pay), 16 to 24 digits from 25 to 30 (Alipay), 19 digits
// from 62 (UnionPay), and the collecting codes' schemes.
func isPaymentCode(text string) bool {
	lower := strings.ToLower(text)
	for _, p := range []string{"wxp://", "https://qr.alipay.com/", "https://qr.95516.com/", "alipays://"} {
		if strings.HasPrefix(lower, p) {
			return true
		}
	}
	if len(text) < 16 || len(text) > 24 || strings.Trim(text, "0123456789") != "" {
		return false
	}
	first := text[:2]
	switch {
	case len(text) == 18 && first >= "10" && first <= "15":
		return true
	case first >= "25" && first <= "30":
		return true
	default:
		return len(text) == 19 && first == "62"
	}
}

func isLink(text string) bool {
	lower := strings.ToLower(text)
	for _, p := range []string{"http://", "https://", "www.", "weixin://", "mailto:", "tel:", "wifi:", "begin:vcard"} {
		if strings.HasPrefix(lower, p) {
			return true
		}
	}
	return false
}
