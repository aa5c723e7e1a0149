// Package s3test tests buckets on a real S3 server, which runs in the process of the tests. It is a module of its own, so that nothing of
// that server's is among the modules of the engine.
package s3test

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
)

const (
	accessKey = "key-of-a-test"
	secretKey = "secret-of-a-test"
)

// endpoint is where the server answers.
var endpoint string

// gatewayFolder holds its buckets, each a folder; project is the folder of Wallaroo, which is absolute since the server changes the working
// folder.
var gatewayFolder, project string

func TestMain(m *testing.M) { os.Exit(testsWithGateway(m)) }

// testsWithGateway runs the tests while the server runs, of which there can be one in a process.
func testsWithGateway(m *testing.M) int {
	folder, err := os.MkdirTemp("", "s3test")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(folder)
	if project, err = filepath.Abs(filepath.Join("..", "..", "..")); err != nil {
		panic(err)
	}
	gatewayFolder = folder
	address := freeAddress()
	endpoint = "http://" + address
	// So that no settings of whoever runs the tests are read.
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": accessKey, "AWS_SECRET_ACCESS_KEY": secretKey, "AWS_EC2_METADATA_DISABLED": "true", "AWS_REGION": "",
		"AWS_PROFILE": "", "AWS_CONFIG_FILE": filepath.Join(folder, "none"), "AWS_SHARED_CREDENTIALS_FILE": filepath.Join(folder, "none"),
	} {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	buckets, err := posix.New(folder, meta.XattrMeta{}, posix.PosixOpts{CopyObjectThreshold: 5 << 30})
	if err != nil {
		panic(err)
	}
	ctx, end := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- embedgw.RunVersityGW(ctx, buckets, &embedgw.Config{
			RootUserAccess: accessKey, RootUserSecret: secretKey, Ports: []string{address}, MaxConnections: 1000, MaxRequests: 500,
			MultipartMaxParts: 10_000, Quiet: true,
		})
	}()
	for {
		response, err := http.Get(endpoint)
		if err == nil {
			response.Body.Close()
			break
		}
		select {
		case err := <-ended:
			panic(err)
		default:
		}
	}
	code := m.Run()
	end()
	<-ended
	return code
}

func freeAddress() string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// newBucket makes a bucket, and returns the URL of a prefix in it.
func newBucket(t *testing.T) string {
	t.Helper()
	name := strings.ToLower(strings.ReplaceAll(t.Name(), "/", "-"))
	name = name[:min(len(name), 60)]
	if err := os.Mkdir(filepath.Join(gatewayFolder, name), 0o700); err != nil {
		t.Fatal(err)
	}
	return "s3://" + name + "/some/prefix?endpoint=" + endpoint
}
