// A TLS client or server of Go's standard library that does as its flags say.
package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"
)

var (
	role    = flag.String("role", "client", "client or server")
	address = flag.String("address", "", "host:port")
	version = flag.String("version", "", "1.2 or 1.3")
	cert    = flag.String("cert", "", "own chain")
	key     = flag.String("key", "", "own key")
	ca      = flag.String("ca", "", "what to trust")
	ask     = flag.Bool("ask", false, "server: want a client certificate")
	name    = flag.String("name", "", "client: server name")
	lax     = flag.Bool("lax", false, "client: check nothing")
	suite   = flag.Uint("suite", 0, "the only suite of TLS 1.2")
	group   = flag.Uint("group", 0, "the only group")
	alpn    = flag.String("alpn", "", "the only application protocol")
	keys    = flag.String("keys", "", "key log")
	strict  = flag.Bool("strict", false, "server: know its own name only")
)

func must(err error) {
	if err != nil {
		fmt.Println("bench error:", err)
		os.Exit(1)
	}
}

func configuration() *tls.Config {
	c := &tls.Config{ServerName: *name, InsecureSkipVerify: *lax}
	if *version == "1.2" {
		c.MinVersion, c.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	} else if *version == "1.3" {
		c.MinVersion, c.MaxVersion = tls.VersionTLS13, tls.VersionTLS13
	}
	if *cert != "" {
		pair, err := tls.LoadX509KeyPair(*cert, *key)
		must(err)
		c.Certificates = []tls.Certificate{pair}
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return &pair, nil
		}
	}
	if *ca != "" {
		pem, err := os.ReadFile(*ca)
		must(err)
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(pem)
		c.RootCAs, c.ClientCAs = pool, pool
	}
	if *ask {
		c.ClientAuth = tls.RequireAndVerifyClientCert
	}
	if *suite != 0 {
		c.CipherSuites = []uint16{uint16(*suite)}
	}
	if *group != 0 {
		c.CurvePreferences = []tls.CurveID{tls.CurveID(*group)}
	}
	if *alpn != "" {
		c.NextProtos = strings.Split(*alpn, ",")
	}
	if *keys != "" {
		file, err := os.OpenFile(*keys, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		must(err)
		c.KeyLogWriter = file
	}
	if *strict {
		pair := c.Certificates[0]
		c.Certificates = nil
		c.GetCertificate = func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
			if h.ServerName != "gateway.example" {
				return nil, fmt.Errorf("unknown server name %q", h.ServerName)
			}
			return &pair, nil
		}
	}
	return c
}

func serve(c *tls.Config) {
	listener, err := net.Listen("tcp", *address)
	must(err)
	for {
		plain, err := listener.Accept()
		must(err)
		go func() {
			defer plain.Close()
			plain.SetDeadline(time.Now().Add(5 * time.Second))
			conn := tls.Server(plain, c)
			if err := conn.Handshake(); err != nil {
				fmt.Println("server:", err)
				return
			}
			bufio.NewReader(conn).ReadString('\n')
			fmt.Fprint(conn, "HTTP/1.0 200 OK\r\n\r\nhello\n")
			conn.Close()
		}()
	}
}

func main() {
	flag.Parse()
	c := configuration()
	if *role == "server" {
		serve(c)
		return
	}
	plain, err := net.DialTimeout("tcp", *address, 5*time.Second)
	must(err)
	plain.SetDeadline(time.Now().Add(5 * time.Second))
	conn := tls.Client(plain, c)
	err = conn.Handshake()
	if err != nil {
		fmt.Println("client:", err)
		plain.Close()
		os.Exit(1)
	}
	fmt.Fprint(conn, "GET / HTTP/1.0\r\nHost: gateway.example\r\n\r\n")
	got, err := io.ReadAll(conn)
	fmt.Println(string(got), err)
	conn.Close()
}
