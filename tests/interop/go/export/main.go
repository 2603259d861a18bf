// Reads an exported log as an auditor would: the signed checkpoint with golang.org/x/mod/sumdb/note,
// the tiles with golang.org/x/mod/sumdb/tlog, neither of which shares code with the exporter.
//
//	export DIR VKEY
package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// dir reads tiles by their C2SP names, which lack the height that the Go names have.
type dir struct {
	path string
	read int
}

func (d *dir) Height() int { return 8 }

func (d *dir) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var out [][]byte
	for _, t := range tiles {
		name := "tile/" + strings.TrimPrefix(t.Path(), "tile/8/")
		b, err := os.ReadFile(filepath.Join(d.path, name))
		if err != nil {
			return nil, err
		}
		d.read++
		out = append(out, b)
	}
	return out, nil
}

func (d *dir) SaveTiles(tiles []tlog.Tile, data [][]byte) {}

// entries returns the records of all entry bundles.
func entries(path string, size int64) ([][]byte, error) {
	var out [][]byte
	for n := int64(0); int64(len(out)) < size; n++ {
		w := 256
		if size-n*256 < 256 {
			w = int(size - n*256)
		}
		t := tlog.Tile{H: 8, L: 0, N: n, W: w}
		name := "tile/entries/" + strings.TrimPrefix(t.Path(), "tile/8/0/")
		b, err := os.ReadFile(filepath.Join(path, name))
		if err != nil {
			return nil, err
		}
		for len(b) > 0 {
			if len(b) < 2 || len(b)-2 < int(binary.BigEndian.Uint16(b)) {
				return nil, fmt.Errorf("%s: cut off", name)
			}
			k := int(binary.BigEndian.Uint16(b))
			out = append(out, b[2:2+k])
			b = b[2+k:]
		}
	}
	return out, nil
}

func main() {
	d := &dir{path: os.Args[1]}
	verifier, err := note.NewVerifier(os.Args[2])
	must(err)
	raw, err := os.ReadFile(filepath.Join(d.path, "checkpoint"))
	must(err)
	n, err := note.Open(raw, note.VerifierList(verifier))
	must(err)

	lines := strings.SplitN(n.Text, "\n", 4)
	if len(lines) != 4 || lines[0] != verifier.Name() {
		must(fmt.Errorf("checkpoint of another origin: %q", n.Text))
	}
	var size int64
	_, err = fmt.Sscanf(lines[1], "%d", &size)
	must(err)
	root, err := tlog.ParseHash(lines[2])
	must(err)
	tree := tlog.Tree{N: size, Hash: root}

	// Every hash that the reader gives out is proven up to the checkpoint's root.
	hashes := tlog.TileHashReader(tree, d)
	records, err := entries(d.path, size)
	must(err)
	if int64(len(records)) != size {
		must(fmt.Errorf("%d records instead of %d", len(records), size))
	}
	for i, r := range records {
		h, err := hashes.ReadHashes([]int64{tlog.StoredHashIndex(0, int64(i))})
		must(err)
		want := tlog.RecordHash(r)
		if !bytes.Equal(h[0][:], want[:]) {
			must(fmt.Errorf("record %d is not the leaf", i))
		}
	}
	for _, i := range []int64{0, size / 2, size - 1} {
		p, err := tlog.ProveRecord(size, i, hashes)
		must(err)
		must(tlog.CheckRecord(p, size, root, i, tlog.RecordHash(records[i])))
	}
	fmt.Printf("%d records, %d tiles read\n", size, d.read)
}
