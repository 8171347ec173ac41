"""A mail server for tests: port, certificate and key, how it encrypts (starttls, tls or off), a user and a password, or none.

It writes one line when it listens, and one for each mail that it takes, as JSON. It goes when its input ends."""

import asyncio
import json
import ssl
import sys

from aiosmtpd.smtp import AuthResult, SMTP


class Taker:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("gone"):
            return "550 5.1.1 no such person"
        if address.startswith("later"):
            return "451 4.7.1 come again"
        if address.startswith("reply-"):  # such as reply-550-5.7.1@example.org
            return address.partition("@")[0].replace("-", " ")[len("reply ") :] + " as you wish"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        print(
            json.dumps(
                {
                    "from": envelope.mail_from,
                    "to": envelope.rcpt_tos,
                    "data": envelope.content.decode("utf-8"),
                    "encrypted": session.ssl is not None or how == "tls",
                    "user": (session.auth_data or b"").decode(),
                }
            ),
            flush=True,
        )
        return "250 OK"


how, certificate, key, user, password = sys.argv[1:6]
trust = None
if how != "off":
    trust = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trust.load_cert_chain(certificate, key)


def authenticate(server, session, envelope, mechanism, data):
    ok = data.login.decode() == user and data.password.decode() == password
    return AuthResult(success=ok, auth_data=data.login)


def session():
    return SMTP(
        Taker(),
        hostname="mail.example.org",
        tls_context=trust if how == "starttls" else None,
        require_starttls=how == "starttls",
        authenticator=authenticate if user else None,
        auth_required=bool(user),
        auth_require_tls=how == "starttls",
        enable_SMTPUTF8=True,
    )


async def serve():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(session, "127.0.0.1", 0, ssl=trust if how == "tls" else None)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(serve())
