package main

import (
	"bufio"
	"embed"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

//go:embed peers/zxingcpp.cc peers/zxingwasm.mjs
var programs embed.FS

// peer is a decoder in another process, which takes frames on its standard input
// and answers each with a line.
type peer struct {
	title string
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Reader
}

func startPeer(title, program string, args ...string) (reader, error) {
	p := &peer{title: title, cmd: exec.Command(program, args...)}
	p.cmd.Stderr = os.Stderr
	in, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.in, p.out = in, bufio.NewReader(out)
	return p, p.cmd.Start()
}

func (p *peer) name() string { return p.title }

func (p *peer) close() error {
	if err := p.in.Close(); err != nil {
		return err
	}
	return p.cmd.Wait()
}

func (p *peer) read(img *image.Gray) (result, error) {
	head := binary.LittleEndian.AppendUint32(nil, uint32(img.Rect.Dx()))
	head = binary.LittleEndian.AppendUint32(head, uint32(img.Rect.Dy()))
	if _, err := p.in.Write(append(head, img.Pix...)); err != nil {
		return result{}, err
	}
	line, err := p.out.ReadString('\n')
	if err != nil {
		return result{}, fmt.Errorf("no answer: %w", err)
	}
	ns, text, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
	took, err := strconv.ParseInt(ns, 10, 64)
	if !ok || err != nil {
		return result{}, errors.New("an answer of the wrong form")
	}
	res := result{took: time.Duration(took)}
	if text != "-" {
		b, err := hex.DecodeString(text)
		if err != nil {
			return result{}, fmt.Errorf("an answer of the wrong form: %w", err)
		}
		res.text = string(b)
	}
	return res, nil
}

// startCpp compiles and starts Debian's zxing-cpp.
func startCpp(scratch string) (reader, error) {
	compiler, err := exec.LookPath("g++")
	if err != nil {
		return nil, errors.New("zxing-cpp: there is no g++ to compile its caller with")
	}
	source, err := program(scratch, "zxingcpp.cc")
	if err != nil {
		return nil, err
	}
	binary := filepath.Join(scratch, "zxingcpp")
	out, err := exec.Command(compiler, "-O2", "-std=c++17", "-o", binary, source, "-lZXing").CombinedOutput()
	if err != nil {
		if strings.Contains(string(out), "ZXing/ReadBarcode.h: No such file") {
			return nil, errors.New("zxing-cpp: libzxing-dev is not installed")
		}
		return nil, fmt.Errorf("zxing-cpp: %w: %s", err, out)
	}
	return startPeer("zxing-cpp", binary)
}

// startWASM starts npm's zxing-wasm in Node.
func startWASM(scratch, folder string) (reader, error) {
	node, err := exec.LookPath("node")
	if err != nil {
		return nil, errors.New("zxing-wasm: there is no node")
	}
	if _, err := os.Stat(filepath.Join(folder, "dist", "reader", "zxing_reader.wasm")); err != nil {
		return nil, fmt.Errorf("zxing-wasm: not in the folder that -zxing-wasm names: %w", err)
	}
	script, err := program(scratch, "zxingwasm.mjs")
	if err != nil {
		return nil, err
	}
	if folder, err = filepath.Abs(folder); err != nil {
		return nil, err
	}
	return startPeer("zxing-wasm", node, script, folder)
}

func program(scratch, name string) (string, error) {
	b, err := programs.ReadFile("peers/" + name)
	if err != nil {
		return "", err
	}
	path := filepath.Join(scratch, name)
	return path, os.WriteFile(path, b, 0o600)
}

// defaultWASM is where peers/install.sh puts the module.
func defaultWASM() string {
	cache, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(cache, "venuegate-benchqr", "node_modules", "zxing-wasm")
}
