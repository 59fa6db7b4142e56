// The reference for Go's net: a goroutine and a buffer for each connection; nodelay is Go's default.
// Read and written by hand, since io.Copy would splice(2) and never see a byte.
// Prints its port; ends at the end of stdin, or by SIGTERM.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
)

const readBytes = 64 * 1024

func echo(connection net.Conn) {
	defer connection.Close()
	buffer := make([]byte, readBytes)
	for {
		length, err := connection.Read(buffer)
		if err != nil {
			return
		}
		if _, err = connection.Write(buffer[:length]); err != nil {
			return
		}
	}
}

func main() {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			go echo(connection)
		}
	}()
	io.Copy(io.Discard, os.Stdin)
}
