package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
)

// extent is how large a database is, as its file says of itself.
type extent struct{ pageSize, pages, free int64 }

// size is that of the file, and used that of the pages with something in them, in
// bytes. What is free is used again before the file grows.
func (e extent) size() int64 { return e.pageSize * e.pages }
func (e extent) used() int64 { return e.pageSize * (e.pages - e.free) }

// headerSize is that of an SQLite file's header (https://sqlite.org/fileformat2.html
// section 1.3).
const headerSize = 100

// readExtent reads it from the header of a file that nobody has open.
func readExtent(file string) (extent, error) {
	f, err := os.Open(file)
	if err != nil {
		return extent{}, err
	}
	defer f.Close()
	head := make([]byte, headerSize)
	if _, err := io.ReadFull(f, head); err != nil {
		return extent{}, fmt.Errorf("%s: %w", file, err)
	}
	return extentIn(head), nil
}

// extentIn finds page size, number of pages and number of free pages (ibid. sections
// 1.3.2, 1.3.8 and 1.3.9).
func extentIn(head []byte) extent {
	e := extent{
		pageSize: int64(binary.BigEndian.Uint16(head[16:])),
		pages:    int64(binary.BigEndian.Uint32(head[28:])),
		free:     int64(binary.BigEndian.Uint32(head[36:])),
	}
	if e.pageSize == 1 { // which stands for what 16 bits do not hold
		e.pageSize = 65536
	}
	return e
}
