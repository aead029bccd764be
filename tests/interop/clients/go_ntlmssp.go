// net/http with Azure/go-ntlmssp.
package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io/ioutil"
	"net/http"
	"os"
	"strconv"
	"strings"

	ntlmssp "github.com/Azure/go-ntlmssp"
)

func main() {
	transport := &http.Transport{}
	if file := os.Getenv("CA_FILE"); file != "" {
		pool := x509.NewCertPool()
		pem, _ := ioutil.ReadFile(file)
		pool.AppendCertsFromPEM(pem)
		transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	}
	client := &http.Client{Transport: ntlmssp.Negotiator{RoundTripper: transport}}

	request, err := http.NewRequest("GET", os.Getenv("URL"), nil)
	if size, _ := strconv.Atoi(os.Getenv("POST_BYTES")); size > 0 {
		request, err = http.NewRequest("POST", os.Getenv("URL"), bytes.NewReader(make([]byte, size)))
	}
	if err != nil {
		fmt.Println("FAIL 0", err)
		os.Exit(1)
	}
	request.SetBasicAuth(os.Getenv("LOGON_DOMAIN")+"\\"+os.Getenv("LOGON_USER"), os.Getenv("LOGON_PASSWORD"))
	answer, err := client.Do(request)
	if err != nil {
		fmt.Println("FAIL 0", err)
		os.Exit(1)
	}
	body, _ := ioutil.ReadAll(answer.Body)
	line := strings.SplitN(string(body), "\n", 2)[0]
	if answer.StatusCode != 200 {
		fmt.Println("FAIL", answer.StatusCode, line)
		os.Exit(1)
	}
	fmt.Println("OK 200", line)
}
