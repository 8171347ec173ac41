// Command serve runs identity providers for the browser tests: LemonLDAP::NG, SimpleSAMLphp and slapd.
//
//	serve DIRECTORY PUBLIC-URL
//
// Below the directory it keeps their files, and konklave.yaml, in which an instance at the public address finds them. When all
// answer it prints "ready". For each line "disable NAME" on its standard input it disables that person in the directory and prints
// "disabled"; it ends the providers when its standard input ends.
package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"konklave/auth/providertest"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// settings are the providers as the instance is told of them.
const settings = `identity:
  providers:
    - {id: land, kind: oidc, label: Landesportal, roots: %[1]q, issuer: %[2]q, client-id: %[3]q, client-secret-file: %[4]q,
       groups-claim: groups, rules: [{group: staff, roles: [user]}]}
    - {id: bund, kind: saml, label: Bundesportal, entity-id: %[5]q, metadata: %[6]q, key-file: %[7]q, certificate-file: %[8]q,
       name-attribute: cn, email-attribute: mail, groups-attribute: groups, rules: [{group: staff, roles: [user]}]}
    - {id: amt, kind: ldap, label: Stadtverwaltung, roots: %[1]q, servers: [%[9]q], bind-dn: %[10]q, bind-password-file: %[11]q,
       base: %[12]q, review: 10s, rules: [{everybody: true, roles: [user]}]}
`

func run(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("usage: serve DIRECTORY PUBLIC-URL")
	}
	dir, address := args[0], args[1]
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	authority, err := providertest.NewAuthority(dir)
	if err != nil {
		return err
	}
	cert, key, err := authority.Issue("konklave.example")
	if err != nil {
		return err
	}
	land, err := providertest.StartLemonLDAP(ctx, filepath.Join(dir, "land"), authority, address+"/api/v1/providers/land/return", address+"/")
	if err != nil {
		return err
	}
	defer land.Close()
	bund, err := providertest.StartSimpleSAML(ctx, filepath.Join(dir, "bund"), authority, providertest.ServiceProvider{
		EntityID: address + "/api/v1/providers/bund/metadata", Consumer: address + "/api/v1/providers/bund/return", Logout: address + "/api/v1/providers/bund/logout", CertFile: cert,
	}, true)
	if err != nil {
		return err
	}
	defer bund.Close()
	amt, err := providertest.StartSlapd(ctx, filepath.Join(dir, "amt"), authority)
	if err != nil {
		return err
	}
	defer amt.Close()
	if err := fill(amt, authority); err != nil {
		return err
	}
	for _, file := range []string{authority.File, land.SecretFile, bund.MetadataFile, key, cert, amt.PasswordFile} {
		if err := show(dir, file); err != nil {
			return err
		}
	}
	text := fmt.Sprintf(settings, authority.File, land.Issuer, land.ClientID, land.SecretFile, bund.EntityID, bund.MetadataFile, key, cert,
		amt.LDAPS, amt.BindDN, amt.PasswordFile, "ou=people,"+providertest.SlapdBase)
	if err := os.WriteFile(filepath.Join(dir, "konklave.yaml"), []byte(text), 0o644); err != nil {
		return err
	}
	fmt.Println("ready")
	return obey(os.Stdin, os.Stdout, amt, authority)
}

// obey does what the lines say.
func obey(lines io.Reader, answers io.Writer, s *providertest.Slapd, a *providertest.Authority) error {
	admin, err := s.Admin(a)
	if err != nil {
		return err
	}
	defer admin.Close()
	orders := bufio.NewScanner(lines)
	for orders.Scan() {
		name, ok := strings.CutPrefix(orders.Text(), "disable ")
		if !ok {
			return fmt.Errorf("unknown order %q", orders.Text())
		}
		lock := ldap.NewModifyRequest("uid="+name+",ou=people,"+providertest.SlapdBase, nil)
		lock.Replace("pwdAccountLockedTime", []string{"000001010000Z"}) // for good, by the password policy
		if err := admin.Modify(lock); err != nil {
			return err
		}
		fmt.Fprintln(answers, "disabled")
	}
	return orders.Err()
}

// fill adds two people to the directory: lena and lars, with the password "geheim genug".
func fill(s *providertest.Slapd, a *providertest.Authority) error {
	admin, err := s.Admin(a)
	if err != nil {
		return err
	}
	defer admin.Close()
	for uid, given := range map[string]string{"lena": "Lena", "lars": "Lars"} {
		person := ldap.NewAddRequest("uid="+uid+",ou=people,"+providertest.SlapdBase, nil)
		for name, value := range map[string]string{
			"objectClass": "inetOrgPerson", "uid": uid, "cn": given + " Landrat", "sn": "Landrat", "mail": uid + "@example.org", "userPassword": "geheim genug",
		} {
			person.Attribute(name, []string{value})
		}
		if err := admin.Add(person); err != nil {
			return err
		}
	}
	return nil
}

// show lets the controller, which is a user of its own, read a file and come to it.
func show(dir, file string) error {
	if err := os.Chmod(file, 0o644); err != nil {
		return err
	}
	for up := filepath.Dir(file); len(up) >= len(dir); up = filepath.Dir(up) {
		if err := os.Chmod(up, 0o755); err != nil {
			return err
		}
	}
	return nil
}
