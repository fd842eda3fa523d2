// Command anchor is the receiving side of SEP-31 as a plain binary: everything that is not declared in anchor.yaml stays at
// its default. A business with Go code of its own writes the same three lines with its Setup (see examples/crossborder).
package main

import "github.com/anchorkit/anchor/pkg/cli"

func main() { cli.Main(nil) }
