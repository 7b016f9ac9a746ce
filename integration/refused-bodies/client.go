// Posts in turn a body that is refused and a small one that is permitted, by Go's standard client, and
// prints as JSON how often each ended how: by a status, or by an error.
//
// usage: go run client.go URL CA_FILE REFUSED_TOKEN PERMITTED_TOKEN TRIES BYTES
package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"
)

func main() {
	url, refusedToken, permittedToken := os.Args[1], os.Args[3], os.Args[4]
	tries, size := number(os.Args[5]), number(os.Args[6])
	client := clientTrusting(os.Args[2])
	ends := map[string]map[string]int{"refused": {}, "permitted": {}}
	body := bytes.Repeat([]byte("x"), size)
	for try := 0; try < tries; try++ {
		ends["refused"][post(client, url, refusedToken, body)]++
		ends["permitted"][post(client, url, permittedToken, []byte(`{"warehouse_id":"w","statement":"SELECT 1"}`))]++
	}
	if err := json.NewEncoder(os.Stdout).Encode(ends); err != nil {
		panic(err)
	}
}

func post(client *http.Client, url string, token string, body []byte) string {
	request, err := http.NewRequest("POST", url, bytes.NewReader(body))
	if err != nil {
		panic(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	answer, err := client.Do(request)
	if err != nil {
		return "error"
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return "error in the body"
	}
	return strconv.Itoa(answer.StatusCode)
}

// By HTTP/1.1: a protocol table that is not nil switches Go's HTTP/2 off.
func clientTrusting(file string) *http.Client {
	pem, err := os.ReadFile(file)
	if err != nil {
		panic(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	return &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots},
		TLSNextProto:    map[string]func(string, *tls.Conn) http.RoundTripper{},
	}}
}

func number(text string) int {
	value, err := strconv.Atoi(text)
	if err != nil {
		panic(err)
	}
	return value
}
