package pins

import (
	"fmt"
	"os"
	"syscall"
)

func ownerOf(path string) (uid, gid int, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, 0, err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, fmt.Errorf("%s: its owner cannot be told", path)
	}
	return int(stat.Uid), int(stat.Gid), nil
}
