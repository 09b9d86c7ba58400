package barrier

import (
	"encoding/binary"
	"fmt"
)

// Modbus RTU as relay boards speak it: unit, function, data and a CRC with its
// low byte first (Modbus over serial line, V1.02). Boards of the common kind add
// one thing of their own: writing "coil" 0x0200 + channel with a time in tenths
// of a second closes the contact for that long.
const (
	modbusReadCoils  = 0x01
	modbusReadInputs = 0x02
	modbusWriteCoil  = 0x05
	modbusException  = 0x80
	modbusFlash      = 0x0200
	modbusOn         = 0xFF00

	modbusShortest = 5 // of an answer: an exception
)

// ExceptionError is a Modbus exception: the board understood the question and
// refuses it. 1 is a function it does not have, 2 a channel or input it does not
// have, 3 a value it does not take, 4 a failure, 6 busy.
type ExceptionError struct{ Function, Code byte }

// Error implements error.
func (e *ExceptionError) Error() string {
	return fmt.Sprintf("the board refuses function %d with exception %d", e.Function, e.Code)
}

// Is makes an exception an ErrRefused.
func (e *ExceptionError) Is(target error) bool { return target == ErrRefused }

// crc16 is the CRC of Modbus: polynomial 0x8005 reflected, start 0xFFFF.
func crc16(b []byte) uint16 {
	crc := uint16(0xFFFF)
	for _, c := range b {
		crc ^= uint16(c)
		for range 8 {
			low := crc & 1
			crc >>= 1
			if low == 1 {
				crc ^= 0xA001
			}
		}
	}
	return crc
}

// modbusRequest is a question with an address and a value or count.
func modbusRequest(unit, function byte, address, value uint16) []byte {
	b := []byte{unit, function}
	b = binary.BigEndian.AppendUint16(b, address)
	b = binary.BigEndian.AppendUint16(b, value)
	return binary.LittleEndian.AppendUint16(b, crc16(b))
}

// modbusAnswer returns a parser for the answer to a request of modbusRequest.
// The answer it returns is the frame without the CRC. Other units' frames, an
// adapter's echo of a read request and noise are skipped.
func modbusAnswer(request []byte) answerParser {
	unit, function := request[0], request[1]
	value := binary.BigEndian.Uint16(request[4:])
	length := 8
	if function != modbusWriteCoil {
		length = 5 + (int(value)+7)/8
	}
	// begins reports whether a good answer may begin with b, and how long it is.
	begins := func(b []byte) (int, bool) {
		if b[0] != unit {
			return 0, false
		}
		switch {
		case len(b) == 1:
			return modbusShortest, true
		case b[1] == function|modbusException:
			return modbusShortest, true
		case b[1] != function:
			return 0, false
		case function == modbusWriteCoil:
			return length, string(b[2:min(len(b), 6)]) == string(request[2:min(len(b), 6)])
		default:
			return length, len(b) == 2 || int(b[2]) == length-5
		}
	}
	return func(in []byte) (answer, rest []byte, dropped error) {
		for ; len(in) > 0; in = in[1:] {
			n, ok := begins(in)
			switch {
			case !ok:
				continue
			case len(in) < n:
				return nil, in, dropped
			case crc16(in[:n-2]) != binary.LittleEndian.Uint16(in[n-2:n]):
				dropped = ErrChecksum
				continue
			}
			return in[:n-2], in[n:], dropped
		}
		return nil, nil, dropped
	}
}

// modbusResult turns a frame of modbusAnswer into its data, or the exception.
func modbusResult(frame []byte) ([]byte, error) {
	if frame[1]&modbusException != 0 {
		return nil, &ExceptionError{frame[1] &^ modbusException, frame[2]}
	}
	if frame[1] == modbusWriteCoil {
		return frame[2:], nil
	}
	return frame[3:], nil
}
