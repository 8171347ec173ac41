package providertest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// SimpleSAML is a SimpleSAMLphp identity provider in PHP's own web server. It signs with RSA-SHA256 and encrypts
// assertions. Its accounts are anna and eva, with the password "secret"; anna is in the group staff.
type SimpleSAML struct {
	EntityID     string
	MetadataFile string // as the provider itself describes itself
	process      *process
}

const phpDir = "/usr/share/simplesamlphp"

// ServiceProvider is what SimpleSAML is told of the service.
type ServiceProvider struct {
	EntityID, Consumer, Logout string
	CertFile                   string // PEM
}

// phpConfig are the files of the configuration; %[1]s is the directory, %[2]s the base address.
var phpConfig = map[string]string{
	"config/config.php": `<?php $config = [
'baseurlpath' => '%[2]s/', 'certdir' => '%[1]s/cert/', 'loggingdir' => '%[1]s/', 'datadir' => '%[1]s/', 'tempdir' => '%[1]s/tmp',
'technicalcontact_email' => 'na@example.org', 'secretsalt' => '%[3]s', 'auth.adminpassword' => '%[3]s', 'timezone' => 'UTC',
'enable.saml20-idp' => true, 'module.enable' => ['exampleauth' => true, 'core' => true, 'saml' => true],
'logging.level' => 5, 'logging.handler' => 'errorlog', 'store.type' => 'phpsession', 'session.cookie.secure' => false,
'session.phpsession.cookiename' => 'PHPIDP', 'session.phpsession.savepath' => '%[1]s/tmp', 'session.cookie.samesite' => null,
'metadatadir' => '%[1]s/metadata', 'metadata.sources' => [['type' => 'flatfile']], 'language.default' => 'en', 'language.available' => ['en'],
'theme.use' => 'default', 'assertion.allowed_clock_skew' => 180, 'trusted.url.domains' => null, 'admin.protectindexpage' => false,
];`,
	"config/authsources.php": `<?php $config = ['users' => ['exampleauth:UserPass',
'anna:secret' => ['uid' => ['anna'], 'cn' => ['Anna Beispiel'], 'mail' => ['anna@example.org'], 'groups' => ['staff', 'all']],
'eva:secret' => ['uid' => ['eva'], 'cn' => ['Müller & <Eva>'], 'mail' => ['eva@example.org'], 'groups' => ['all']],
]];`,
	"metadata/saml20-idp-hosted.php": `<?php $metadata['%[2]s/idp'] = ['host' => '__DEFAULT__', 'privatekey' => 'idp.key', 'certificate' => 'idp.crt', 'auth' => 'users',
'signature.algorithm' => 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256', 'sign.logout' => true, 'validate.logout' => true, 'redirect.sign' => true, 'redirect.validate' => true,
'NameIDFormat' => 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
'authproc' => [1 => ['class' => 'saml:PersistentNameID', 'attribute' => 'uid', 'identifyingAttribute' => 'uid']]];`,
	"metadata/saml20-sp-remote.php": `<?php $metadata['%[4]s'] = ['AssertionConsumerService' => '%[5]s', 'SingleLogoutService' => '%[6]s', 'certData' => '%[7]s',
'validate.authnrequest' => true, 'saml20.sign.assertion' => true, 'assertion.encryption' => true, 'simplesaml.nameidattribute' => 'uid',
'NameIDFormat' => 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent'];`,
	"tmp/.keep": "",
	// This release encrypts with AES-CBC whatever it is told. With this file before each page it does with AES-GCM, by a
	// change of the one line that chooses.
	"gcm.php": `<?php require_once '` + phpDir + `/vendor/autoload.php';
if (!class_exists('SAML2\EncryptedAssertion', false)) {
  $text = file_get_contents('` + phpDir + `/vendor/simplesamlphp/saml2/src/SAML2/EncryptedAssertion.php');
  $changed = str_replace('new XMLSecurityKey(XMLSecurityKey::AES128_CBC)', 'new XMLSecurityKey(XMLSecurityKey::AES256_GCM)', $text, $count);
  if ($count !== 1) { http_response_code(500); exit('the line that chooses the cipher is not there'); }
  file_put_contents(__DIR__ . '/tmp/EncryptedAssertion.php', $changed);
  require __DIR__ . '/tmp/EncryptedAssertion.php';
}`,
}

// StartSimpleSAML starts a provider for that service, with its files in dir. With gcm it encrypts with AES-256-GCM, else
// with AES-128-CBC, which is all that Debian's release knows.
func StartSimpleSAML(ctx context.Context, dir string, a *Authority, service ServiceProvider, gcm bool) (*SimpleSAML, error) {
	php, err := program("php")
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(phpDir + "/www"); err != nil {
		return nil, fmt.Errorf("SimpleSAMLphp %w", ErrMissing)
	}
	host := loopback()
	base := "http://" + host + ":8080"
	cert, key, err := a.Issue(host)
	if err != nil {
		return nil, err
	}
	ours, err := os.ReadFile(service.CertFile)
	if err != nil {
		return nil, err
	}
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // never fails
	body := strings.Join(strings.FieldsFunc(string(ours), func(c rune) bool { return c == '\n' })[1:], "")
	body, _, _ = strings.Cut(body, "-----END")
	files := map[string]string{}
	for name, text := range phpConfig {
		if strings.Contains(text, "%[") {
			text = fmt.Sprintf(text+"%.0[7]s", dir, base, hex.EncodeToString(salt), service.EntityID, service.Consumer, service.Logout, body)
		}
		files[name] = text
	}
	for name, from := range map[string]string{"cert/idp.crt": cert, "cert/idp.key": key} {
		text, err := os.ReadFile(from)
		if err != nil {
			return nil, err
		}
		files[name] = string(text)
	}
	if err := writeFiles(dir, files); err != nil {
		return nil, err
	}
	arguments := []string{"-d", "session.save_path=" + dir + "/tmp", "-d", "display_errors=0", "-d", "log_errors=1", "-d", "error_reporting=0"}
	if gcm {
		arguments = append(arguments, "-d", "auto_prepend_file="+dir+"/gcm.php")
	}
	cmd := exec.CommandContext(ctx, php, append(arguments, "-S", host+":8080", "-t", phpDir+"/www")...)
	cmd.Env = append(os.Environ(), "SIMPLESAMLPHP_CONFIG_DIR="+dir+"/config")
	s := &SimpleSAML{EntityID: base + "/idp", MetadataFile: filepath.Join(dir, "metadata.xml")}
	if s.process, err = start(ctx, dir, answers(a, base+"/saml2/idp/metadata.php"), cmd); err != nil {
		return nil, err
	}
	if err := download(ctx, base+"/saml2/idp/metadata.php", s.MetadataFile); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Close ends the server.
func (s *SimpleSAML) Close() { s.process.stop() }

func download(ctx context.Context, address, file string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	to, err := os.Create(file)
	if err != nil {
		return err
	}
	defer to.Close()
	_, err = to.ReadFrom(answer.Body)
	return err
}
