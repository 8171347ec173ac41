package certificate

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// The files of a local CA in its directory.
const (
	pairFile = "local-ca.pem" // its certificate and its key, in one file, so that they never differ
	rootFile = "local-ca.crt" // a copy of the certificate, for people
	// oldKeyFile held the key of a CA from before the two were in one file.
	oldKeyFile = "local-ca.key"
)

// load reads the CA. The error is fs.ErrNotExist when there is none.
func (c *LocalCA) load(dir string) error {
	both, err := readFile(filepath.Join(dir, pairFile))
	if errors.Is(err, fs.ErrNotExist) {
		return c.adopt(dir)
	}
	if err != nil {
		return err
	}
	if err := c.parse(both, both); err != nil {
		return fmt.Errorf("the local CA in %s cannot be used: %w (remove the file for a new one)", filepath.Join(dir, pairFile), err)
	}
	return c.publish(dir)
}

// adopt takes over a CA from before certificate and key were in one file.
func (c *LocalCA) adopt(dir string) error {
	certificate, err := readFile(filepath.Join(dir, rootFile))
	if err != nil {
		return err
	}
	oldKey := filepath.Join(dir, oldKeyFile)
	key, err := readFile(oldKey)
	if err != nil {
		return err
	}
	if err := c.parse(certificate, key); err != nil {
		return fmt.Errorf("the local CA in %s cannot be used: %w (remove both of its files for a new one)", dir, err)
	}
	if err := c.save(dir); err != nil {
		return err
	}
	return os.Remove(oldKey)
}

func (c *LocalCA) parse(certificate, key []byte) error {
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return err
	}
	private, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		return errors.New("its key is of another kind")
	}
	root, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		return err
	}
	c.root, c.key = root, private
	return nil
}

// save keeps certificate and key in one file, which takes the place of an earlier one at once.
func (c *LocalCA) save(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	key, err := x509.MarshalPKCS8PrivateKey(c.key)
	if err != nil {
		return err
	}
	both := append(c.rootPEM(), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})...)
	if err := replaceFile(filepath.Join(dir, pairFile), both); err != nil {
		return fmt.Errorf("keep the local CA: %w", err)
	}
	return c.publish(dir)
}

// publish writes the copy of the certificate for people, unless it is there.
func (c *LocalCA) publish(dir string) error {
	path := filepath.Join(dir, rootFile)
	if there, err := readFile(path); err == nil && bytes.Equal(there, c.rootPEM()) {
		return nil
	}
	if err := replaceFile(path, c.rootPEM()); err != nil {
		return fmt.Errorf("write the certificate of the local CA: %w", err)
	}
	return nil
}

func (c *LocalCA) rootPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.root.Raw})
}

// replaceFile writes a file that is there completely or not at all, also after a loss of power.
func replaceFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // it is gone when all went well
	defer f.Close()
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}
