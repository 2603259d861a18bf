// Verifies what the test tool emitted with packages that share no code with it: inclusion and
// consistency proofs with transparency-dev/merkle, signed notes with golang.org/x/mod/sumdb/note.
package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type emitted struct {
	Inclusion []struct {
		Size, Index uint64
		Entry, Root string
		Path        []string
	}
	Consistency []struct {
		Size1, Size2 uint64
		Root1, Root2 string
		Path         []string
	}
	Notes []struct{ Vkey, Note string }
	Tiles []struct {
		Level, Width int
		Index        int64
		Path         string
	}
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

func unhexAll(list []string) [][]byte {
	out := [][]byte{}
	for _, s := range list {
		out = append(out, unhex(s))
	}
	return out
}

func check(what string, err error) {
	if err != nil {
		fmt.Printf("%s: %v\n", what, err)
		os.Exit(1)
	}
}

func main() {
	text, err := os.ReadFile(os.Args[1])
	check("read", err)
	var e emitted
	check("parse", json.Unmarshal(text, &e))
	h := rfc6962.DefaultHasher
	for _, p := range e.Inclusion {
		leaf := h.HashLeaf(unhex(p.Entry))
		check(fmt.Sprintf("inclusion %d of %d", p.Index, p.Size),
			proof.VerifyInclusion(h, p.Index, p.Size, leaf, unhexAll(p.Path), unhex(p.Root)))
	}
	for _, p := range e.Consistency {
		check(fmt.Sprintf("consistency %d of %d", p.Size1, p.Size2),
			proof.VerifyConsistency(h, p.Size1, p.Size2, unhexAll(p.Path), unhex(p.Root1), unhex(p.Root2)))
	}
	for _, n := range e.Notes {
		v, err := note.NewVerifier(n.Vkey)
		check("verifier key", err)
		opened, err := note.Open([]byte(n.Note), note.VerifierList(v))
		check("note", err)
		if len(opened.Sigs) != 1 {
			check("note", fmt.Errorf("%d verified signatures", len(opened.Sigs)))
		}
	}
	for _, t := range e.Tiles {
		want := tlog.Tile{H: 8, L: t.Level, N: t.Index, W: t.Width}.Path()
		if want != "tile/8"+t.Path[len("tile"):] {
			check("tile path", fmt.Errorf("%s, not %s", t.Path, want))
		}
	}
	fmt.Printf("%d inclusion, %d consistency, %d notes, %d tiles\n", len(e.Inclusion),
		len(e.Consistency), len(e.Notes), len(e.Tiles))
}
