package hwtest

// Scanner is a barcode scanner on a serial line or USB-COM port.
type Scanner struct {
	*Line

	// Before and After surround every text. NewScanner sets After to CR LF.
	Before, After string
}

// NewScanner plugs in a scanner at path.
func NewScanner(path string) (*Scanner, error) {
	l, err := NewLine(path, nil)
	if err != nil {
		return nil, err
	}
	return &Scanner{Line: l, After: "\r\n"}, nil
}

// Scan reads a code: Before, the text and After are sent at once.
func (s *Scanner) Scan(text string) error {
	_, err := s.Write([]byte(s.Before + text + s.After))
	return err
}

// ScanInPieces sends the same bytes as Scan, at most n at a time.
func (s *Scanner) ScanInPieces(text string, n int) error {
	b := []byte(s.Before + text + s.After)
	for len(b) > 0 {
		k := min(max(n, 1), len(b))
		if _, err := s.Write(b[:k]); err != nil {
			return err
		}
		b = b[k:]
	}
	return nil
}

// ScanHalf sends Before and the first half of the text, and no end.
func (s *Scanner) ScanHalf(text string) error {
	_, err := s.Write([]byte(s.Before + text[:len(text)/2]))
	return err
}
