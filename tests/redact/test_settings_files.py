"""Secrets as people write them into the files of their tools, and what stands in the same places without being one."""

from __future__ import annotations

from typing import get_args

import pytest

from pipeline.stages.redact import Scanner, redact
from pipeline.stages.redact.commands import CONFIDENCE
from pipeline.stages.redact.values import Look

P = "Tr0ub4" + "dor3x"  # a password of the usual kind
X = "9f86d081" + "884c7d659a2feaa0c55ad015"  # hexadecimal
R = "k7Qz2mVx9LpT4wNc8RbY" + "3sHd6GfJ1aEu"  # letters and digits by chance
U = "6d6579e5-a5b9-49fc-" + "a35f-b4feb9b87301"

SECRETS = [
    (".netrc", f"machine api.corp.net login bob password {P}", P),
    (".pgpass", f"db.corp.net:5432:app:bob:{P}", P),
    ("my.cnf", f"[client]\npassword={P}", P),
    ("wp-config.php", f"define('DB_PASSWORD', '{P}');", P),
    ("wp-config.php", f"define('AUTH_KEY', '{R[:20]}+|x-&%{R[20:]}#;Q^z@');", R[:20]),
    ("database.yml", f"production:\n  username: app\n  password: {P}", P),
    ("application.properties", f"spring.datasource.password={P}", P),
    ("web.config", f'<add key="SmtpPassword" value="{P}" />', P),
    ("web.config", f'connectionString="Data Source=db;User ID=sa;Password={P}"', P),
    ("unattend.xml", f"<AdministratorPassword><Value>{P}</Value></AdministratorPassword>", P),
    ("unattend.xml", f"<AdministratorPassword>\n  <Value>{P}</Value>", P),
    ("settings.xml", f"<server><id>nexus</id><password>{P}</password></server>", P),
    ("x.plist", f"<key>Password</key>\n<string>{P}</string>", P),
    ("values.yaml", f"- name: DB_PASSWORD\n  value: {P}", P),
    ("main.tf", f'variable "db_password" {{\n  default = "{P}"\n}}', P),
    ("Dockerfile", f"ENV DB_PASSWORD {P}", P),
    (".env", f"API_TOKEN={R}", R),
    (".env", f"API_KEY={U}", U),
    ("redis.conf", f"requirepass {P}", P),
    ("ldap.conf", f"bindpw {P}", P),
    ("slapd.conf", f"rootpw {P}", P),
    ("sssd.conf", f"ldap_default_authtok = {P}", P),
    ("wpa_supplicant.conf", f'  psk="{P}"', P),
    ("snmpd.conf", f"rocommunity {P}", P),
    (".bash_history", f"mysql -u root -p{P} app", P),
    (".bash_history", f"curl -u bob:{P} https://corp.net", P),
    (".bash_history", "curl -u bob:" + "qwhgtrplkmnz" * 2 + " https://corp.net", "qwhgtrplkmnz" * 2),
    (".bash_history", f"curl --user bob:'{P}' https://corp.net", P),
    ("run.sh", f"  -u developer:{P}", P),
    ("run.sh", f"openssl enc -k {P} -in a", P),
    ("run.ps1", f"Connect-VIServer -Server x -User bob -Password {P}", P),
    ("run.bat", f"net use z: \\\\h\\s /user:bob {P}", P),
    ("nginx.conf", 'proxy_set_header Authorization "Basic ' + "Ym9iOmh1bnRlcjJz" + 'ZWN1cmU=";', "Ym9iOmh1bnRlcjJz"),
    ("call.sh", f'curl -H "Authorization: Token {X}"', X),
    ("A.java", f'DriverManager.getConnection(url, "root", "{P}");', P),
    ("a.php", f'mysqli_connect("localhost", "root", "{P}", "db");', P),
    ("a.py", f'smtp.login("bob@corp.net", "{P}")', P),
    ("notes.txt", f"acme SECRET {X}", X),
    ("notes.txt", f"acme-private-key {U}", U),
    ("notes.md", f"acme access token: {R}", R),
    ("notes.txt", "acme TOKEN " + "0864208642fbdfbd" * 2, "0864208642fbdfbd" * 2),  # of few characters, but alone
    ("notes.txt", "acme-key AB12CD-34EF56-78GH90", "AB12CD-34EF56-78GH90"),
    ("keys.ini", f"mailgun = {R}", R),
    ("keys.txt", f"export SCRAPINGBEE={R}", R),
    (".env", "API_KEY=" + "7319" * 8, "7319" * 8),
    (".env", "API_SECRET=" + "qwhgtrplkmnz" * 2, "qwhgtrplkmnz" * 2),
    (".env", f"MJ_APIKEY_PRIVATE={X}", X),
    ("app.ini", "password = 'open sesame'", "open sesame"),
    ("hostapd.conf", 'wpa_passphrase="our dog likes cats"', "our dog likes cats"),
    ("a.txt", f'the default password for the user "pyne-user" is "{P}"', P),
    ("dump.sql", f"INSERT INTO `users` (`id`, `name`, `password`) VALUES (1, 'O''Hara, (x)', '{P}');", P),
    ("dump.sql", f"insert into users(name, password) values\n ('a', 'b'), ('c', MD5('{P}'));", P),
    ("dump.sql", f"REPLACE INTO users (password, name) VALUES (\"{P}\", NOW(1, 2)), (NULL, 'x')", P),
    ("swarm.md", "--token SWMTKN-" + f"1-{(X + X)[:50]}-{X[:25]}", X[:25]),
]
NO_SECRETS = [
    ("de.json", '"newpassword": "Neues Kennwort:",'),
    ("zh.json", '"resetpassword": "\u91cd\u65b0\u8a2d\u7f6e\u5bc6\u78bc",'),
    (
        "ru.json",
        '"bad-token": "\u041d\u0435\u0432\u0435\u0440\u043d\u044b\u0439 CSRF-\u0442\u043e\u043a\u0435\u043d.",',
    ),
    ("th.json", '"config-password": "\u0e23\u0e2b\u0e31\u0e2a\u0e1c\u0e48\u0e32\u0e19:",'),
    ("nginx.conf", "fastcgi_pass unix:/run/php-fpm.sock;"),
    ("ssl.conf", "ssl_cipher_list = ALL:!LOW:!PSK:!RC4:!ADH"),
    ("run.sh", "gnutls-cli --priority NORMAL:+ECDHE-PSK:+DHE-PSK:+PSK --port 5556"),
    ("run.sh", "kinit --password-file=$PREFIX/file --request-pac bob"),
    ("run.sh", 'docker login -u bot --password-stdin <<<"$TOKEN"'),
    ("run.sh", "echo 'export DATABASE_PASSWORD=\"'$PRECOMPILED'\"' >> .env"),
    ("net.8.txt", "net ads join [machinepass=PASS] [dnshostname=FQDN]"),
    ("doc.txt", "the username and password separated by a colon"),
    ("smb.xml", '<requires option="encrypted passwords">/(yes|true)/</requires>'),
    ("raft.go", "r.randomizedElectionTimeout = r.electionTimeout"),
    ("url.js", "const u = new URL('https://abc:xyz@example.com');"),
    ("form.html", f'<input type="hidden" name="authenticity_token" value="{R}">'),
    ("log.txt", f"commit key {X}"),
    ("submodules.sh", "  third_party/envoy-api " + "bf6154e482bbd5e6f640" + "32993206e66b6116f2bd"),
    ("log_list.cnf", "key = MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE" + R + R),
    ("dump.sql", f"INSERT INTO users (password, comment) VALUES ('', '{P}', '{P}')"),
    ("dump.sql", f"INSERT INTO users (password) SELECT '{P}'"),
    ("dump.sql", "INSERT INTO users (password) VALUES ('never ends"),
    ("de.json", '"yourpassword": "Salas\u00f5na",'),
    ("gaa.json", '"password": "Pasw\u025bdi",'),
    ("en.json", '"password": "set a new password",'),
    ("fr.yml", "password: 'mot de passe'"),
    ("es.yml", "password: 'nueva clave'"),
    ("25519.txt", f"PeerKey = {R}{R[:8]}"),
    ("wg.conf", f"[Peer]\nPublicKey = {R}{R[:7]}="),
    ("types.json", '"AWS::IAM::AccessKey": "bf29289b78d371e3",'),
    ("oath.json", '"oathauth-action-exclusive-to-2fa": "only",'),
    ("requirements.in", f"mailgun_id = {R}"),
    ("mailgun.c", f"mailgun = {R}"),
    ("list.txt", f"acme = {R}"),
    ("sums.txt", f"mailgun md5 {X[:32]}"),
    ("tokens.txt", "gl" + "ptt-hellOworld380_testin_that_is_no_hex"),
]


@pytest.mark.parametrize(("name", "text", "value"), SECRETS, ids=[f"{n}-{i}" for i, (n, _, _) in enumerate(SECRETS)])
def test_found(scanner: Scanner, name: str, text: str, value: str) -> None:
    data = text.encode()
    spans = scanner.scan(data, name.encode())
    assert value.encode() not in redact(data, spans)
    assert sum(span.end - span.start for span in spans) <= 4 * len(value)


@pytest.mark.parametrize(("name", "text"), NO_SECRETS, ids=[f"{n}-{i}" for i, (n, _) in enumerate(NO_SECRETS)])
def test_left(scanner: Scanner, name: str, text: str) -> None:
    assert scanner.scan(text.encode(), name.encode()) == []


def test_every_look_has_a_confidence_on_command_lines() -> None:
    assert set(CONFIDENCE) == set(get_args(Look))
